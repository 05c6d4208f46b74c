//! Options of matches and targets: read into the kernel's structures and shown from them, by
//! the tables of [`crate::model::xt`].

pub mod fallback;
mod icmp;
pub mod names;
mod nat;
pub mod show;
pub mod value;
