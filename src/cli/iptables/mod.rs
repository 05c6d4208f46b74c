//! `iptables` and its kin, for IPv4 and IPv6: iptables-nft's texts, exit codes and rule shapes.
//! argv becomes jobs, those are carried out on nf_tables, failures are printed here.

mod address;
mod dialect;
mod draft;
mod emit;
mod ext;
mod extension;
mod fail;
mod getopt;
mod help;
mod job;
mod kernel;
mod list;
mod parse;
mod restore;
mod save;
mod show;
mod tables;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::io::Io;
use crate::model::ip::Family;
use crate::model::nat::{Counters, Target};
use crate::model::template::filled;
use crate::ruleset::Ruleset;
use crate::sys::nl::Transport;
use fail::Fail;
use job::{Command, Job};
use parse::{Place, Said};

/// Runs the tool that the first word names: `iptables` or `ip6tables`, maybe with `-save` or `-restore`.
/// Exit codes: 0, 1 not there, 2 bad command line or not supported, 3 no such table, 4 refused by the kernel.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let (first, words) = match argv.split_first() {
        Some((first, words)) => (first.as_bytes(), words),
        None => (&b"iptables"[..], argv),
    };
    let name = first.rsplit(|&b| b == b'/').next().unwrap_or(first);
    let family = if name.starts_with(b"ip6") { Family::V6 } else { Family::V4 };
    let done = if name.ends_with(b"-save") {
        save::run(words, family, io)
    } else if name.ends_with(b"-restore") {
        restore::run(words, family, io)
    } else {
        command(words, family, io)
    };
    match done {
        // A half of a rule set must not pass for a copy of it.
        Ok(()) if name.ends_with(b"-save") => io.finish(super::cursor::text(name), 0),
        Ok(()) => 0,
        Err(fail) => {
            let text = fail.say(super::cursor::text(name));
            io.error(&text);
            if text.ends_with("(you must be root)") {
                io.hint("run it as root, or in a sandbox: netstrap sandbox");
            }
            fail.0.code
        }
    }
}

#[inline(never)]
fn command(words: &[OsString], family: Family, io: &mut Io) -> Result<(), Fail> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let place = Place { family, table: None, counters: Counters::default(), line: 0 };
    match parse::parse(&words, place, io)? {
        Said::Job(job) => carry_out(*job, &mut kernel::open()?, io),
        Said::Text(text) => {
            let tool = if family == Family::V6 { "ip6tables" } else { "iptables" };
            io.print(text.replace(fail::MARK, tool));
            Ok(())
        }
        Said::Nothing => Ok(()),
    }
}

/// Carries out one command.
#[inline(never)]
fn carry_out<T: Transport>(mut job: Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    if matches!(job.command, Command::List | Command::ListRules) {
        list::run(&job, kernel, io)?;
        if !job.zero {
            return Ok(());
        }
        job.command = Command::Zero;
    }
    dialect::Probes::default().choose(&mut job, kernel, io)?;
    let mut out = String::new();
    let on = (job.table, job.family);
    let done = kernel::change(kernel, on, std::slice::from_ref(&job), false, false, &mut out);
    io.print(&out);
    done?;
    if matches!(job.command, Command::Append | Command::Insert)
        && job.table.is_nat()
        && job.specs.iter().any(|spec| matches!(spec.target, Target::Ext(_)))
    {
        forwarding_hint(job.family, io);
    }
    Ok(())
}

/// Translation on the way out is of use only to packets that are forwarded.
#[inline(never)]
fn forwarding_hint(family: Family, io: &mut Io) {
    let key = if family == Family::V6 { "net.ipv6.conf.all.forwarding" } else { "net.ipv4.ip_forward" };
    let path = ["/proc/sys/", &key.replace('.', "/")].concat();
    if io.hints() && std::fs::read(path).is_ok_and(|value| value.starts_with(b"0")) {
        let sysctl = io.inside("sysctl");
        io.hint(filled("forwarding is off here, so nothing will be translated: % -w %=1", &[&sysctl, key]));
    }
}

#[cfg(test)]
mod tests;
