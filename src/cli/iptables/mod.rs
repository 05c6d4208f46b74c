//! `iptables`: the nat table, in iptables-nft's texts, exit codes and rule shapes.
//! argv becomes a job, the job is carried out on nf_tables, failures are printed here.

mod address;
mod edit;
mod ext;
mod extension;
mod fail;
mod getopt;
mod help;
mod kernel;
mod list;
mod parse;
mod show;

use std::ffi::OsString;

use super::io::Io;
use crate::model::nat::Target;
use fail::Fail;
use parse::{Command, Job};

/// Runs the applet. Exit codes: 0, 1 not there, 2 bad command line or not supported,
/// 3 no such table, 4 refused by the kernel.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    match carry_out(argv, io) {
        Ok(()) => 0,
        Err(Fail(words)) => {
            io.error(&words.text);
            if words.text.ends_with("(you must be root)") {
                io.hint("run it as root, or in a sandbox: netstrap sandbox");
            }
            words.code
        }
    }
}

fn carry_out(argv: &[OsString], io: &mut Io) -> Result<(), Fail> {
    let mut job = Job::default();
    if let Some(text) = parse::parse(argv, io, &mut job)? {
        io.print(text);
        return Ok(());
    }
    let mut kernel = kernel::open()?;
    if matches!(job.command, Command::List | Command::ListRules) {
        return list::run(&job, &mut kernel, io);
    }
    edit::run(&mut job, &mut kernel, io)?;
    if matches!(job.command, Command::Append | Command::Insert) && matches!(job.specs.spec.target, Target::Ext(_)) {
        forwarding_hint(io);
    }
    Ok(())
}

/// Translation on the way out is of use only to packets that are forwarded.
fn forwarding_hint(io: &mut Io) {
    if io.hints() && std::fs::read("/proc/sys/net/ipv4/ip_forward").is_ok_and(|value| value.starts_with(b"0")) {
        let sysctl = io.inside("sysctl");
        io.hint(
            ["forwarding is off here, so nothing will be translated: ", &sysctl, " -w net.ipv4.ip_forward=1"].concat(),
        );
    }
}

#[cfg(test)]
mod tests;
