//! `demo`: the whole walkthrough, done by the one static binary in its own sandbox, where
//! PATH holds nothing but links to it; where the kernel makes no network namespaces (or with
//! `--uml`), on an emulated machine: user-mode Linux translates no addresses. Out: every command
//! with what it printed, and a summary.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::process::{About, Failure, Outcome, own_binary, read, say, show};
use crate::tree;
use crate::uml::{self, Kind};
use crate::walkthrough::{self, Runner, TEXT};

/// Names that the walkthrough needs a link for.
pub const APPLETS: &[&str] = &["ip", "arp", "route", "ping", "sysctl", "iptables"];

/// `cargo xtask demo`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let apart = args.flag("--uml");
    let binary = tree::binary(&mut args)?;
    args.finish()?;
    let links = links(&binary, "demo")?;
    say("in a sandbox (no root needed), with nothing on PATH but links to this binary:");
    let mut sandbox = uml::program(Kind::Emulated, &binary, apart)?;
    sandbox.args(["sandbox", "--"]).arg(own_binary()?).arg("demo-inside").arg(&links);
    show(&sandbox);
    let status = sandbox.status().about(&binary)?;
    if status.success() { Ok(()) } else { Err(format!("demo: {status}").into()) }
}

/// A new folder with a link for each applet, each proved to lead to the binary.
pub fn links(binary: &Path, name: &str) -> Outcome<PathBuf> {
    let dir = tree::scratch(name)?;
    read(Command::new(binary).arg("install").arg(&dir))?;
    let target = std::fs::canonicalize(binary).about(binary)?;
    for applet in APPLETS {
        let link = dir.join(applet);
        let leads = std::fs::canonicalize(&link).about(&link)?;
        if leads != target {
            return Err(format!("{}: leads to {}", link.display(), leads.display()).into());
        }
    }
    Ok(dir)
}

/// The part inside the sandbox: `demo-inside FOLDER-OF-LINKS`.
pub fn inside(words: Vec<String>) -> Outcome {
    let [links] = words.as_slice() else { return Err(Failure::usage("usage: demo-inside FOLDER")) };
    let steps = walkthrough::parse(TEXT)?;
    let mut runner = Runner::new(links.into(), own_binary()?);
    if runner.run(&steps)? { Ok(()) } else { Err("the walkthrough does not hold".into()) }
}
