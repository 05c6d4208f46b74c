//! Gives a Linux machine its network by talking netlink to the kernel itself.
//!
//! Data flows one way:
//!
//! ```text
//! argv, file -> cli -> model -> plan -> wire (requests) -> socket -> kernel
//!                                                               |
//! text, JSON <------- show <- model <- wire (decode) <------ replies
//! ```
//!
//! What is sent is the difference to what is there, for networks from a file (`plan`, carried out by `lab`) and for
//! rule sets (`translations` for `netstrap nat`, `cli::iptables` for its tables). Other command lines say one change each.
//!
//! Layers, lowest first: `error`, `model`, `wire`, `sys`, `socket`, then what is made
//! of them. A module uses only layers below it; `cargo xtask tidy` holds that.
#![deny(unsafe_code)]

pub mod cli;
pub mod error;
pub mod exec;
pub mod export;
pub mod file;
pub mod folder;
pub mod lab;
pub mod model;
pub mod netns;
pub mod ping;
pub mod plan;
pub mod resolve;
pub mod ruleset;
pub mod sandbox;
pub mod show;
pub mod socket;
pub mod sys;
pub mod sysctl;
pub mod translations;
pub mod wire;
