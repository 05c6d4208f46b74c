//! Command lines from scripts (tests/data/iptables-commands.txt) and files for iptables-restore (tests/data/iptables-restore.txt),
//! each carried out by our applets and by the real ones: they answer alike, and the kernel has the same rules afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::Ran;
use support::firewall::{self as fw, Side};

/// A command line with what it needs.
struct Case {
    tier: &'static str,
    before: Vec<&'static str>,
    line: &'static str,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut before = Vec::new();
    for line in include_str!("data/iptables-commands.txt").lines() {
        match line.split_once(' ') {
            None => {}
            Some(("#", _)) => {}
            Some(("+", line)) => before.push(line),
            Some((tier, line)) => cases.push(Case { tier, before: std::mem::take(&mut before), line }),
        }
    }
    cases
}

/// What the tables hold, as the real tools tell it, and as a side's own `iptables-save` does.
fn state(side: Side) -> String {
    let save = |side: Side, tool: &str| fw::busy(&fw::by(side, &[tool]).ok());
    let mut texts = vec![fw::ruleset()];
    for tool in ["iptables-save", "ip6tables-save"] {
        texts.push(save(Side::Theirs, tool));
        texts.push(format!("by itself:\n{}", save(side, tool)));
    }
    texts.join("--\n")
}

fn told(ran: &Ran) -> String {
    format!("rc={}\nout:\n{}err:\n{}", ran.code, fw::undated(&ran.out), ran.err)
}

#[test]
fn the_list_is_of_the_kind_that_was_counted() {
    let cases = cases();
    let of = |test: &dyn Fn(&Case) -> bool| cases.iter().filter(|case| test(case)).count();
    let table = |case: &Case, name: &str| {
        let words = support::split(case.line);
        let at = words.iter().position(|word| word == "-t" || word == "--table");
        at.map_or("filter", |at| &words[at + 1]) == name
    };
    assert!(cases.len() >= 150);
    assert_eq!(of(&|case| matches!(case.tier, "1" | "2" | "3" | "refused")), cases.len());
    let (nat, filter) = (of(&|case| table(case, "nat")), of(&|case| table(case, "filter")));
    assert!((20..=30).contains(&(nat * 100 / cases.len())), "nat: {nat}");
    assert!((60..=72).contains(&(filter * 100 / cases.len())), "filter: {filter}");
    for (index, case) in cases.iter().enumerate() {
        let twice = cases[..index].iter().any(|other| other.line == case.line && other.before == case.before);
        assert!(!twice, "twice: {}", case.line);
    }
}

#[test]
fn command_lines_do_the_same_as_the_real_ones() {
    let Some((ours, theirs)) = fw::both_sides("command_lines_do_the_same_as_the_real_ones", |side| {
        let mut records = Vec::new();
        for case in cases().iter().filter(|case| case.tier != "refused") {
            for line in &case.before {
                fw::line(Side::Theirs, line).ok();
            }
            let ran = fw::line(side, case.line);
            let state = state(side);
            records.push(format!("{}\n{}{state}", case.line, told(&ran)));
            fw::flush();
        }
        records
    }) else {
        return;
    };
    fw::same("command lines", &ours, &theirs);
    println!("{} command lines did the same", ours.len());
}

#[test]
fn what_is_not_supported_is_refused_and_changes_nothing() {
    support::sandboxed("what_is_not_supported_is_refused_and_changes_nothing", || {
        let mut wrong = Vec::new();
        for case in cases().iter().filter(|case| case.tier == "refused") {
            case.before.iter().for_each(|line| drop(fw::line(Side::Theirs, line).ok()));
            let before = fw::exactly();
            let ran = fw::line(Side::Ours, case.line);
            let (clear, same) = (ran.err.contains("not supported"), fw::exactly() == before);
            if ran.code != 2 || !clear || !same || !ran.out.is_empty() {
                wrong.push(format!("{}: {ran:?}, rule set the same: {same}", case.line));
            }
            fw::flush();
        }
        assert!(wrong.is_empty() || fw::standin(), "{}", wrong.join("\n"));
    });
}

/// A file for `iptables-restore`.
struct Restore {
    before: Vec<&'static str>,
    line: &'static str,
    input: String,
}

fn restores() -> Vec<Restore> {
    let mut all: Vec<Restore> = Vec::new();
    let mut before = Vec::new();
    for line in include_str!("data/iptables-restore.txt").lines() {
        if let Some(line) = line.strip_prefix("@+ ") {
            before.push(line);
        } else if let Some(line) = line.strip_prefix("@@ ") {
            all.push(Restore { before: std::mem::take(&mut before), line, input: String::new() });
        } else if let Some(restore) = all.last_mut() {
            restore.input += line;
            restore.input.push('\n');
        }
    }
    all
}

#[test]
fn files_are_restored_as_by_the_real_one() {
    let Some((ours, theirs)) = fw::both_sides("files_are_restored_as_by_the_real_one", |side| {
        let mut records = Vec::new();
        for (index, case) in restores().iter().enumerate() {
            case.before.iter().for_each(|line| drop(fw::line(Side::Theirs, line).ok()));
            let before = fw::exactly();
            let ran = fw::fed(side, &case.line.split(' ').collect::<Vec<_>>(), &case.input);
            let changed = fw::exactly() != before;
            let head = format!("file {index}: {}\n{}changed: {changed}", case.line, told(&ran));
            records.push(format!("{head}\n{}", state(side)));
            fw::flush();
        }
        records
    }) else {
        return;
    };
    fw::same("restored", &ours, &theirs);
}
