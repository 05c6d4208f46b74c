//! What machines are booted for: on which kernel, without which modules, and what is done
//! there. The same table is in the machine, where the boot's name comes by the kernel's command line.

use std::fs::File;
use std::process::Command;

use crate::process::{About, Failure, Outcome};
use crate::sys;
use crate::traffic::case::{Family, Tool};
use crate::traffic::{self, Hands};
use crate::walkthrough;

/// The kernel hands a parameter that it does not know to the first process as a variable.
pub const VARIABLE: &str = "netstrap_boot";

/// One boot.
#[derive(Debug)]
pub struct Boot {
    /// Its name.
    pub name: &'static str,
    /// What is done.
    pub part: Part,
    /// Modules that are not in the machine.
    pub without: &'static [&'static str],
    /// Further modules that are.
    pub with: &'static [&'static str],
    /// Whether also on the newer kernel.
    pub also_newer: bool,
}

/// What is done in a machine.
#[derive(Debug)]
pub enum Part {
    /// Steps of the walkthrough's kind, as a script of the shell.
    Steps(&'static str),
    /// Translation of addresses, by these tools in these families.
    Traffic(&'static [(Tool, Family)]),
}

const BOTH_BY_IPTABLES: &[(Tool, Family)] = &[(Tool::Iptables, Family::V4), (Tool::Iptables, Family::V6)];
const BOTH_BY_NAT: &[(Tool, Family)] = &[(Tool::Nat, Family::V4), (Tool::Nat, Family::V6)];
const ALL: &[(Tool, Family)] =
    &[(Tool::Iptables, Family::V4), (Tool::Nat, Family::V4), (Tool::Iptables, Family::V6), (Tool::Nat, Family::V6)];

/// What small kernels often have none of, with what needs it.
const NATIVE: &[&str] = &["nft_masq", "nft_nat", "nft_redir", "nft_ct", "nft_fib", "nft_fib_ipv4", "nft_fib_ipv6"];

/// Kinds of links that files have, beyond those of the walkthrough.
const LINKS: &[&str] = &["dummy", "8021q", "vrf", "ipvlan", "macvlan", "vxlan", "tun"];

/// All boots.
pub const BOOTS: &[Boot] = &[
    Boot { name: "walkthrough", part: Part::Steps(walkthrough::TEXT), without: &[], with: &[], also_newer: false },
    Boot { name: "file", part: Part::Steps(walkthrough::FILE), without: &[], with: &[], also_newer: true },
    Boot { name: "kinds", part: Part::Steps(walkthrough::KINDS), without: &[], with: LINKS, also_newer: true },
    Boot { name: "traffic", part: Part::Traffic(ALL), without: &[], with: &[], also_newer: true },
    // What nftables' own expression is missing for is written as iptables writes it, and the reverse.
    Boot { name: "no-nft_masq", part: Part::Traffic(BOTH_BY_NAT), without: &["nft_masq"], with: &[], also_newer: true },
    Boot { name: "no-native-nat", part: Part::Traffic(BOTH_BY_NAT), without: NATIVE, with: &[], also_newer: false },
    Boot {
        name: "no-nft_compat",
        part: Part::Traffic(BOTH_BY_IPTABLES),
        without: &["nft_compat"],
        with: &[],
        also_newer: true,
    },
];

impl Boot {
    /// The boot that this machine was started for.
    pub fn this() -> Outcome<&'static Self> {
        let name = std::env::var(VARIABLE).unwrap_or_default();
        BOOTS.iter().find(|boot| boot.name == name).ok_or_else(|| format!("no boot is named \"{name}\"").into())
    }

    /// The line that a good run says.
    pub fn wanted(&self) -> Outcome<String> {
        match self.part {
            Part::Steps(text) => {
                let steps = walkthrough::judged(&walkthrough::parse(text)?);
                Ok(format!("walkthrough: {steps} steps, {steps} ok, 0 FAILED"))
            }
            Part::Traffic(runs) => {
                Ok(traffic::Tally { done: traffic::checks(runs)?, ..traffic::Tally::default() }.line())
            }
        }
    }

    /// Does it, inside.
    pub fn work(&self) -> Outcome {
        match self.part {
            Part::Steps(_) => {
                call("/bin/netstrap", &["install", "/bin"])?;
                call("/bin/sh", &["/steps.sh"])
            }
            Part::Traffic(runs) => {
                let without = self.without.iter().map(|name| name.to_string()).collect();
                let hands = Hands { command: netstrap, enter: |name| sys::enter_network(named(name)?), without };
                let tally = traffic::run(&hands, runs)?;
                if tally.failed.is_empty() { Ok(()) } else { Err("not all traffic is translated".into()) }
            }
        }
    }
}

/// A command as one of the binary.
fn netstrap(words: &[String]) -> Command {
    let mut command = Command::new("/bin/netstrap");
    command.args(words.strip_prefix(&["netstrap".to_string()]).unwrap_or(words)).env_clear();
    command
}

fn named(name: &str) -> std::io::Result<File> {
    File::open(format!("/run/netns/{name}"))
}

/// Runs a program that must succeed.
pub fn call(program: &str, words: &[&str]) -> Outcome {
    let status = Command::new(program).args(words).env_clear().env("PATH", "/bin").status().about(program)?;
    if status.success() { Ok(()) } else { Err(Failure::from(format!("{program} {}: {status}", words.join(" ")))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_what_is_left_out_is_otherwise_there() {
        for (index, boot) in BOOTS.iter().enumerate() {
            assert!(BOOTS[..index].iter().all(|other| other.name != boot.name));
            assert!(boot.without.iter().all(|name| crate::vm::modules::WANTED.contains(name)), "{}", boot.name);
            assert!(boot.wanted().unwrap().ends_with(" 0 FAILED"));
        }
    }
}
