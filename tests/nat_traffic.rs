//! Packets are really translated: the cases of `tests/data/nat-traffic.txt`, each in a sandbox
//! of its own, done by the applets, by `netstrap nat`, and by the tools that we stand
//! for, which shows that the cases are right. The peers report the source address that they saw.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "../xtask/src/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../xtask/src/traffic/mod.rs"]
#[allow(dead_code)]
mod traffic;

use std::io;
use std::process::Command;

use netstrap::netns::{Folder, Namespace};
use support::{NETSTRAP, sandboxed, tool};
use traffic::case::{Family, Tool};
use traffic::{Hands, checks, run};

/// Does every case of a tool and a family.
fn all(command: fn(&[String]) -> Command, tool: Tool, family: Family) {
    let hands = Hands { command, enter, without: Vec::new() };
    let tally = run(&hands, &[(tool, family)]).unwrap();
    assert!(tally.failed.is_empty(), "{}\n{}", tally.line(), tally.failed.join("\n"));
    assert_eq!(tally.done, checks(&[(tool, family)]).unwrap());
}

fn enter(place: &str) -> io::Result<()> {
    Namespace::open(&Folder::standard(), place.as_bytes())?.enter()
}

fn ours(words: &[String]) -> Command {
    let mut command = Command::new(NETSTRAP);
    command.args(words.strip_prefix(&["netstrap".to_string()]).unwrap_or(words)).env_remove("NETSTRAP_HINTS");
    command
}

/// `netstrap nat` where the real iptables rules the host, as docker and ufw make it do.
fn beside(words: &[String]) -> Command {
    if words[0].ends_with("tables") { theirs(words) } else { ours(words) }
}

fn theirs(words: &[String]) -> Command {
    let mut command = Command::new(tool(&words[0]));
    command.args(&words[1..]).env("LC_ALL", "C");
    command
}

#[test]
fn by_the_real_iptables() {
    sandboxed("by_the_real_iptables", || all(theirs, Tool::Iptables, Family::V4));
}

#[test]
fn by_the_real_ip6tables() {
    sandboxed("by_the_real_ip6tables", || all(theirs, Tool::Iptables, Family::V6));
}

#[test]
fn by_iptables() {
    sandboxed("by_iptables", || all(ours, Tool::Iptables, Family::V4));
}

#[test]
fn by_ip6tables() {
    sandboxed("by_ip6tables", || all(ours, Tool::Iptables, Family::V6));
}

#[test]
fn by_netstrap_nat_for_ipv4() {
    sandboxed("by_netstrap_nat_for_ipv4", || all(beside, Tool::Nat, Family::V4));
}

#[test]
fn by_netstrap_nat_for_ipv6() {
    sandboxed("by_netstrap_nat_for_ipv6", || all(beside, Tool::Nat, Family::V6));
}
