//! Rules drawn from a seed, written by our applets and by the real ones: each lists, finds and deletes
//! what the other wrote as if it were its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "nat_interop/generate.rs"]
mod generate;
#[path = "nat_interop/matches.rs"]
mod matches;
mod support;
#[path = "nat_interop/targets.rs"]
mod targets;

use generate::{Spec, USER_CHAINS};
use support::firewall::{self as fw, Side};

const SEED: u64 = 0x6e65_7473_7472_6170;
const COUNT: usize = 400;
const TABLES: [&str; 4] = ["filter", "nat", "mangle", "raw"];
const TOOLS: [&str; 2] = ["iptables", "ip6tables"];

fn drawn() -> Vec<Spec> {
    generate::specs(SEED, COUNT)
}

/// All chains, in one order, by the real tools: a difference is one of rules.
fn scaffold() {
    let chains: [(&str, &[&str]); 4] = [
        ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
        ("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
        ("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
        ("raw", &["PREROUTING", "OUTPUT"]),
    ];
    let mut text = String::new();
    for (table, builtin) in chains {
        text += &format!("*{table}\n");
        builtin.iter().for_each(|chain| text += &format!(":{chain} ACCEPT [0:0]\n"));
        USER_CHAINS.iter().for_each(|chain| text += &format!(":{chain} - [0:0]\n"));
        text += "COMMIT\n";
    }
    for tool in ["iptables-restore", "ip6tables-restore"] {
        fw::fed(Side::Theirs, &[tool], &text).ok();
    }
}

/// Writes all, and gives back what was said of each.
fn write(side: Side, specs: &[Spec]) -> Vec<String> {
    scaffold();
    let mut records = Vec::new();
    for spec in specs {
        let words = spec.command("-A");
        let ran = fw::by(side, &words);
        records.push(format!("{words:?}\nrc={} {}{}", ran.code, ran.out, ran.err));
    }
    records
}

/// Every listing that a side has of all tables, by line.
fn listings(reader: Side) -> Vec<String> {
    let mut records = Vec::new();
    for tool in TOOLS {
        for table in TABLES {
            for options in
                [&["-S"][..], &["-L", "-n", "-v"], &["-L"], &["-S", "-v"], &["-n", "-L", "--line-numbers", "-x"]]
            {
                let mut words = vec![tool, "-t", table];
                words.extend(options);
                records.push(format!("{words:?}\n{}", fw::by(reader, &words).ok()));
            }
        }
        for options in [&[][..], &["-c"], &["-t", "nat"]] {
            let save = format!("{tool}-save");
            let mut words = vec![save.as_str()];
            words.extend(options);
            records.push(format!("{words:?}\n{}", fw::undated(&fw::by(reader, &words).ok())));
        }
    }
    records
}

#[test]
fn the_drawn_rules_have_every_part_and_are_taken() {
    support::sandboxed("the_drawn_rules_have_every_part_and_are_taken", || {
        let specs = drawn();
        let mut all = write(Side::Theirs, &specs);
        all.retain(|record| !record.contains("\nrc=0"));
        assert!(all.is_empty(), "{} refused by the real tool:\n{}", all.len(), all.join("\n"));
        let words: Vec<&str> = specs.iter().flat_map(|spec| spec.words.iter().map(String::as_str)).collect();
        for part in [
            "ACCEPT",
            "DROP",
            "RETURN",
            "MASQUERADE",
            "SNAT",
            "DNAT",
            "REDIRECT",
            "REJECT",
            "LOG",
            "MARK",
            "TCPMSS",
            "USER-A",
            "-g",
            "-j",
            "!",
            "-s",
            "-d",
            "-i",
            "-o",
            "-p",
            "tcp",
            "udp",
            "--syn",
            "--tcp-flags",
            "--sport",
            "--dport",
            "--icmp-type",
            "--icmpv6-type",
            "comment",
            "conntrack",
            "state",
            "multiport",
            "mark",
            "addrtype",
            "limit",
            "iprange",
            "physdev",
            "owner",
            "policy",
            "--to-ports",
            "--random",
            "--random-fully",
            "--persistent",
        ] {
            assert!(words.iter().filter(|word| **word == part).count() >= 3, "{part} is drawn too seldom");
        }
    });
}

#[test]
fn what_we_write_is_listed_as_what_they_write() {
    let Some((ours, theirs)) = fw::both_sides("what_we_write_is_listed_as_what_they_write", |side| {
        let mut records = write(side, &drawn());
        records.push(fw::by(Side::Theirs, &["nft", "list", "ruleset"]).ok());
        records.extend(listings(Side::Theirs));
        records
    }) else {
        return;
    };
    fw::same("written by us, listed by the real tools", &ours, &theirs);
}

#[test]
fn what_they_write_is_listed_by_us_as_by_them() {
    support::sandboxed("what_they_write_is_listed_by_us_as_by_them", || {
        write(Side::Theirs, &drawn());
        fw::same("listings of what the real tool wrote", &listings(Side::Ours), &listings(Side::Theirs));
    });
}

/// Each rule is found, deleted, and then not found, by the side that did not write it.
fn found_and_deleted(writer: Side) {
    let specs = drawn();
    let reader = writer.other();
    scaffold();
    let mut wrong = Vec::new();
    // One at a time, among others: a match that is too loose finds another one.
    let mut rest: Vec<&Spec> = specs.iter().filter(|spec| fw::by(writer, &spec.command("-A")).code == 0).collect();
    assert!(rest.len() >= 300, "only {} written", rest.len());
    let mut draw = generate::Draw(SEED);
    while !rest.is_empty() {
        let spec = rest.swap_remove(draw.below(rest.len()));
        for (verb, code) in [("-C", 0), ("-D", 0), ("-C", 1)] {
            let ran = fw::by(reader, &spec.command(verb));
            if ran.code != code {
                wrong.push(format!("{:?} -> {} {}", spec.command(verb), ran.code, ran.err));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    for tool in TOOLS {
        for table in TABLES {
            let left = fw::by(Side::Theirs, &[tool, "-t", table, "-S"]).ok();
            assert!(!left.contains("\n-A "), "left: {left}");
        }
    }
}

#[test]
fn they_find_and_delete_what_we_wrote() {
    support::sandboxed("they_find_and_delete_what_we_wrote", || found_and_deleted(Side::Ours));
}

#[test]
fn we_find_and_delete_what_they_wrote() {
    support::sandboxed("we_find_and_delete_what_they_wrote", || found_and_deleted(Side::Theirs));
}
