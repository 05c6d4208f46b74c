//! What a change of the rules must have about it besides the rule: both halves of translation, and
//! the generation that it was made from. Asked of the kernel, in a sandbox.
#![allow(clippy::unwrap_used)]

mod support;

use netstrap::ruleset::{Id, Need, Ruleset};
use netstrap::wire::nft::{FAMILY_IP, table};
use support::{Ran, ours, sandboxed, theirs};

/// Whether both nat hooks that packets of a connection pass have a chain, after a command of ours.
fn brings_both(words: &[&str]) {
    ours(words).ok();
    let chains = theirs(&["nft", "list", "chains"]).ok();
    for hook in ["type nat hook prerouting priority dstnat", "type nat hook postrouting priority srcnat"] {
        assert!(chains.contains(hook), "{words:?}: no {hook} in\n{chains}");
    }
    theirs(&["nft", "flush", "ruleset"]).ok();
}

#[test]
fn a_rule_of_iptables_brings_both_nat_chains() {
    sandboxed("a_rule_of_iptables_brings_both_nat_chains", || {
        brings_both(&["iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE"]);
        brings_both(&["iptables", "-t", "nat", "-A", "PREROUTING", "-j", "ACCEPT"]);
    });
}

#[test]
fn a_rule_of_netstrap_nat_brings_both_nat_chains() {
    sandboxed("a_rule_of_netstrap_nat_brings_both_nat_chains", || {
        brings_both(&["nat", "add", "masquerade", "from", "192.168.15.0/24"]);
        brings_both(&["nat", "add", "snat", "from", "fd15::/64", "to", "fd01::20"]);
        brings_both(&["nat", "add", "redirect", "tcp", "80", "to", "81"]);
    });
}

const NAT: Id<'_> = Id { family: FAMILY_IP, name: b"nat" };

#[test]
fn a_change_made_from_what_is_not_so_any_more_is_refused() {
    sandboxed("a_change_made_from_what_is_not_so_any_more_is_refused", || {
        let mut ruleset = Ruleset::open().unwrap();
        let messages = || vec![table::create(FAMILY_IP, b"late", None)];
        let seen = ruleset.read(&[(NAT, Need::All)]).unwrap();
        ours(&["iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "ACCEPT"]).ok();
        assert_eq!(ruleset.commit(&seen, messages()), Ok(false));
        assert!(!tables().contains("late"), "{}", tables());
        let seen = ruleset.read(&[(NAT, Need::All)]).unwrap();
        assert_eq!(ruleset.commit(&seen, messages()), Ok(true));
        assert!(tables().contains("late"), "{}", tables());
    });
}

fn tables() -> String {
    let Ran { out, .. } = theirs(&["nft", "list", "tables"]);
    out
}
