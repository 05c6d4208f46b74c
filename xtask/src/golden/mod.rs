//! `golden`, `forms`, `decode`: what we send beside what iproute2 sends for the same command line. In: the
//! forms and their examples, the golden records. Out: differences that no row explains; how much of
//! what recorded scripts use is covered.

mod capture;
mod compare;
mod inside;
mod judge;
mod kernel;
mod message;
mod names;
mod place;
mod record;
mod table;

use std::path::PathBuf;
use std::process::Command;

use crate::args::Args;
use crate::process::{About, Failure, Outcome, own_binary, run as run_shown};
use crate::sys::trace;
use crate::tree;

pub use inside::inside;

/// `cargo xtask golden`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let mode = if args.flag("--bless") { "bless" } else { "golden" };
    start(mode, args)
}

/// `cargo xtask forms`.
pub fn forms(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let mode = if args.flag("--missing") { "missing" } else { "forms" };
    start(mode, args)
}

/// Does the work in a mount namespace, with the debug binary unless another is named.
fn start(mode: &str, mut args: Args) -> Outcome {
    let binary = match args.value("--binary")? {
        Some(file) => std::fs::canonicalize(&file).about(&file)?,
        None => debug_binary()?,
    };
    args.finish()?;
    let words = place::unshared(crate::sys::is_root());
    let mut inside = Command::new(words[0]);
    inside.args(&words[1..]).arg(own_binary()?).args(["golden-inside", mode]).arg(&binary);
    let status = inside.status().about(words[0])?;
    if status.success() { Ok(()) } else { Err(format!("{mode}: not as it should be").into()) }
}

fn debug_binary() -> Outcome<PathBuf> {
    run_shown(tree::cargo().args(["build", "--quiet", "--package", "netstrap", "--bin", "netstrap"]))?;
    Ok(tree::target()?.join("debug/netstrap"))
}

/// `cargo xtask decode`.
pub fn decode(words: Vec<String>) -> Outcome {
    let words = Args::new(words).rest()?;
    let digits: String = words.concat().chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    let bytes =
        bytes.filter(|bytes| bytes.len() >= 16).ok_or_else(|| Failure::usage("decode wants a message in hex"))?;
    let names = names::Names::new();
    let message = message::read(&names, &bytes).ok_or("no rtnetlink message of a known type")?;
    for line in message.lines(&names) {
        println!("{line}");
    }
    Ok(())
}
