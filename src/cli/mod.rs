//! argv in, exit code out: each applet parses its tool's words into model values,
//! has them carried out, and prints what that tool prints.

pub mod applets;
pub mod cursor;
pub mod getopt;
pub mod hosts;
pub mod input;
pub mod io;
pub mod nettools;

pub mod arp;
pub mod bridge;
pub mod install;
pub mod ip;
pub mod iptables;
pub mod lab;
pub mod nat;
pub mod netstrap;
pub mod ping;
pub mod route;
pub mod sandbox;
pub mod sysctl;
