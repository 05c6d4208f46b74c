//! Bad input: whatever is wrong, one says it in one clear line with the right exit code, and the rule set stays as
//! it was, byte for byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::process::Command;

use support::firewall::{self as fw, Side};
use support::{Ran, run, tool};

/// What is there when the bad lines come.
const WORLD: &[&str] = &[
    "iptables -N one",
    "iptables -N two",
    "iptables -N three",
    "iptables -N full",
    "iptables -A INPUT -i lo -j ACCEPT",
    "iptables -A INPUT -p tcp --dport 22 -m comment --comment ssh -j ACCEPT",
    "iptables -A INPUT -j one",
    "iptables -A one -j two",
    "iptables -A two -j three",
    "iptables -A full -j RETURN",
    "iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE",
    "iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:8080",
    "iptables -t mangle -A FORWARD -j MARK --set-mark 1",
    "ip6tables -A INPUT -i lo -j ACCEPT",
];

fn world() {
    WORLD.iter().for_each(|line| drop(fw::line(Side::Theirs, line).ok()));
}

/// The command lines that are bad, or, with `doubtful`, those that the real tool takes nevertheless.
fn lines(doubtful: bool) -> Vec<String> {
    let text = include_str!("data/iptables-bad.txt").lines();
    let long =
        |line: &str| [128, 256].iter().fold(line.to_owned(), |line, n| line.replace(&format!("X{n}"), &"x".repeat(*n)));
    let lines = text.filter(|line| !line.is_empty() && !line.starts_with('#') && line.starts_with("? ") == doubtful);
    lines.map(|line| long(line.trim_start_matches("? "))).collect()
}

#[test]
fn bad_lines_end_as_with_the_real_tool_and_change_nothing() {
    let Some((ours, theirs)) = fw::both_sides("bad_lines_end_as_with_the_real_tool_and_change_nothing", |side| {
        world();
        let mut records = Vec::new();
        let mut before = fw::exactly();
        for line in lines(false) {
            let ran = fw::line(side, &line);
            let after = fw::exactly();
            let said = if ran.err.trim().is_empty() { "nothing said" } else { "" };
            let changed = if after == before { "" } else { "the rule set changed" };
            // getopt begins with the path that it was called by.
            let err = ran.err.replace("/usr/sbin/", "");
            records.push(format!("{line}\nrc={} {changed}{said}\n{}{err}", ran.code, ran.out));
            before = after;
        }
        records
    }) else {
        return;
    };
    let kept: Vec<&String> =
        ours.iter().filter(|record| record.contains("\nrc=0 ") || record.contains("changed")).collect();
    assert!(kept.is_empty(), "not refused, or changed something: {kept:?}");
    fw::same("bad lines", &ours, &theirs);
}

#[test]
fn doubtful_lines_do_what_the_real_tool_does_or_are_refused() {
    let Some((ours, theirs)) = fw::both_sides("doubtful_lines_do_what_the_real_tool_does_or_are_refused", |side| {
        let mut records = Vec::new();
        for line in lines(true) {
            world();
            let before = fw::exactly();
            let ran = fw::line(side, &line);
            let refused = side == Side::Ours && ran.code != 0 && !ran.err.trim().is_empty() && fw::exactly() == before;
            records.push(if refused { "refused".to_owned() } else { format!("{line}\n{ran:?}\n{}", fw::ruleset()) });
            fw::flush();
        }
        records
    }) else {
        return;
    };
    let (ours, theirs): (Vec<_>, Vec<_>) = ours.into_iter().zip(theirs).filter(|(ours, _)| ours != "refused").unzip();
    fw::same("doubtful lines", &ours, &theirs);
}

#[test]
fn comments_up_to_the_longest_are_taken_by_both_alike() {
    let Some((ours, theirs)) = fw::both_sides("comments_up_to_the_longest_are_taken_by_both_alike", |side| {
        let mut records = Vec::new();
        for len in [0, 1, 126, 127, 128, 129, 253, 254, 255] {
            let comment = "c".repeat(len);
            let words = ["iptables", "-A", "INPUT", "-m", "comment", "--comment", &comment, "-j", "ACCEPT"];
            let ran = fw::by(side, &words);
            let listed = fw::by(Side::Theirs, &["iptables", "-S", "INPUT"]).ok();
            records.push(format!("{len}\nrc={} {}\n{listed}{}", ran.code, ran.err, fw::ruleset()));
        }
        records
    }) else {
        return;
    };
    fw::same("comments", &ours, &theirs);
}

/// Runs a command of a side without the capability that it takes.
fn powerless(side: Side, words: &[&str]) -> Ran {
    let inner = fw::command(side, words);
    let mut command = Command::new(tool("setpriv"));
    command.args(["--inh-caps", "-all", "--bounding-set", "-all", "--"]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    run(&mut command)
}

#[test]
fn without_privilege_both_say_so_and_nothing_changes() {
    let Some((ours, theirs)) = fw::both_sides("without_privilege_both_say_so_and_nothing_changes", |side| {
        world();
        std::fs::write("/run/rules", "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n").unwrap();
        let before = fw::exactly();
        let mut records = Vec::new();
        for line in [
            "iptables -A INPUT -j ACCEPT",
            "iptables -I INPUT -j ACCEPT",
            "iptables -D INPUT 1",
            "iptables -D INPUT -i lo -j ACCEPT",
            "iptables -C INPUT -i lo -j ACCEPT",
            "iptables -R INPUT 1 -j ACCEPT",
            "iptables -F",
            "iptables -X",
            "iptables -Z",
            "iptables -N new",
            "iptables -E one other",
            "iptables -P INPUT DROP",
            "iptables -L",
            "iptables -S",
            "iptables -t nat -A POSTROUTING -j MASQUERADE",
            "ip6tables -t nat -F",
            "ip6tables -A INPUT -s fd00::/8 -j ACCEPT",
            "iptables-save",
            "ip6tables-save",
            "iptables-restore /run/rules",
            "ip6tables-restore -n /run/rules",
        ] {
            let ran = powerless(side, &line.split(' ').collect::<Vec<_>>());
            assert_eq!(fw::exactly(), before, "{line}: {ran:?}");
            records.push(format!("{line}\nrc={}\n{}{}", ran.code, fw::undated(&ran.out), ran.err));
        }
        records
    }) else {
        return;
    };
    assert!(ours.iter().all(|record| !record.contains("\nrc=0")), "{ours:?}");
    fw::same("without privilege", &ours, &theirs);
}

/// Words for `netstrap nat` that are wrong, or that nothing fits.
const OWN: &[&str] = &[
    "",
    "frobnicate",
    "add",
    "add junk",
    "add masquerade",
    "add masquerade from",
    "add masquerade from 10.0.0.0/33",
    "add masquerade from 10.0.0.300/8",
    "add masquerade from fd00::/129",
    "add masquerade from host.invalid",
    "add masquerade from fd00::/64 to 10.0.0.0/8",
    "add masquerade from 10.0.0.0/8 to fd00::/64",
    "add masquerade from 10.0.0.0/8 from 11.0.0.0/8",
    "add masquerade from 10.0.0.0/8 out",
    "add masquerade from 10.0.0.0/8 out waytoolonginterfacename",
    "add masquerade from 10.0.0.0/8 ports 90-80",
    "add masquerade from 10.0.0.0/8 ports 70000",
    "add masquerade from 10.0.0.0/8 junk",
    "add snat from 10.0.0.0/8",
    "add snat from 10.0.0.0/8 to fd00::1",
    "add snat from fd00::/64 to 10.0.0.1",
    "add snat from 10.0.0.0/8 to 10.0.0.9-10.0.0.1",
    "add snat from 10.0.0.0/8 to 10.0.0.1:70000",
    "add forward",
    "add forward tcp",
    "add forward tcp 80",
    "add forward tcp 80 to",
    "add forward tcp 70000 to 10.0.0.1",
    "add forward tcp 0 to 10.0.0.1",
    "add forward tcp 90-80 to 10.0.0.1",
    "add forward tcp http to 10.0.0.1",
    "add forward tcp 80 to 10.0.0.1:99999",
    "add forward icmp 80 to 10.0.0.1",
    "add forward tcp listen 1.2.3.4:80 to fd00::1",
    "add forward tcp listen [fd00::1]:80 to 10.0.0.1",
    "add forward tcp listen fd00::1:80 to fd00::2",
    "add redirect tcp 80",
    "add redirect tcp 80 to 70000",
    "add redirect tcp 80 to 10.0.0.1",
    "del",
    "del masquerade from 99.0.0.0/8",
    "del forward tcp 99 to 10.0.0.1",
    "list junk",
    "flush junk",
    "replace",
    "replace /no/such/file",
    "replace /run/bad",
    "replace /run/bad /run/bad",
    "-n",
    "-n nosuchname list",
    "--nosuch",
];

/// Whether a message is one line that says something.
fn is_clear(text: &str) -> bool {
    text.ends_with('\n') && text.matches('\n').count() == 1 && text.split_whitespace().count() >= 3
}

#[test]
fn bad_words_of_our_own_verb_change_nothing() {
    support::sandboxed("bad_words_of_our_own_verb_change_nothing", || {
        world();
        for line in ["nat add masquerade from 10.0.0.0/8", "nat add forward tcp 80 to 10.0.0.1:8080"] {
            fw::line(Side::Ours, line).ok();
        }
        std::fs::write("/run/bad", "masquerade from 10.1.0.0/16\nmasquerade from fd00::/64 to 10.0.0.0/8\n").unwrap();
        let before = fw::exactly();
        let mut wrong = Vec::new();
        for line in OWN {
            let words: Vec<&str> = ["nat"].into_iter().chain(line.split(' ').filter(|word| !word.is_empty())).collect();
            let ran = fw::by(Side::Ours, &words);
            // Without words the usage is shown.
            let is_usage = line.is_empty() && ran.err.contains("usage: ") | ran.out.contains("usage: ");
            if !matches!(ran.code, 1 | 64) || !(is_clear(&ran.err) || is_usage) || fw::exactly() != before {
                wrong.push(format!("nat {line}: {ran:?}, the same: {}", fw::exactly() == before));
            }
        }
        for line in
            ["nat add masquerade from 10.9.0.0/16", "nat del masquerade from 10.0.0.0/8", "nat flush", "nat list"]
        {
            let ran = powerless(Side::Ours, &line.split(' ').collect::<Vec<_>>());
            if ran.code != 1 || !is_clear(&ran.err) || fw::exactly() != before {
                wrong.push(format!("without privilege: {line}: {ran:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
