//! `size`: what every build weighs, beside what it may weigh, and how many crates the
//! binary is made of. In: `xtask/size-budget.tsv`. Out: one table, and failure when over.

use crate::args::Args;
use crate::dist::{self, Build, Kind};
use crate::process::{About, Outcome, read};
use crate::tree;

const BUDGETS: &str = include_str!("../size-budget.tsv");
const KB: u64 = 1024;

/// One line of the budget file.
#[derive(Debug, PartialEq, Eq)]
struct Budget {
    build: String,
    target: String,
    limit: u64,
}

/// `cargo xtask size`.
pub fn run(words: Vec<String>) -> Outcome {
    Args::new(words).finish()?;
    let budgets = parse(BUDGETS)?;
    let mut over = Vec::new();
    let mut rows = Vec::new();
    for budget in &budgets {
        let (value, limit, more) = measure(budget)?;
        let verdict = if value <= limit { "ok" } else { "OVER" };
        if value > limit {
            over.push(format!("{} {}", budget.build, budget.target));
        }
        rows.push(format!("{:<8}{:<12}{value:>10}{limit:>10}{more:>10}  {verdict}", budget.build, budget.target));
    }
    println!("{:<8}{:<12}{:>10}{:>10}{:>10}", "build", "target", "is", "budget", "gzip");
    rows.iter().for_each(|row| println!("{row}"));
    println!("(bytes on disk; budgets in units of 1024 bytes; crates: those linked in besides ours)");
    if over.is_empty() { Ok(()) } else { Err(format!("over budget: {}", over.join(", ")).into()) }
}

/// Reads the budget file.
fn parse(text: &str) -> Outcome<Vec<Budget>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut fields = line.split('\t');
            let mut next = || fields.next().ok_or(format!("size-budget.tsv: not understood: {line}"));
            let (build, target, limit) = (next()?.to_string(), next()?.to_string(), next()?);
            let limit = limit.parse().map_err(|_| format!("size-budget.tsv: no number: {line}"))?;
            Ok(Budget { build, target, limit })
        })
        .collect()
}

/// What a line of the budget file is about: value, limit, gzip size or nothing.
fn measure(budget: &Budget) -> Outcome<(u64, u64, String)> {
    let kind = match budget.build.as_str() {
        "stable" => Kind::Stable,
        "tiny" => Kind::Tiny,
        "crates" => return Ok((crates(&budget.target)?, budget.limit, "-".to_string())),
        other => return Err(format!("size-budget.tsv: no such build: {other}").into()),
    };
    let path = dist::build(&Build { kind, target: dist::triple(&budget.target), ..Build::host()? })?;
    let len = std::fs::metadata(&path).about(&path)?.len();
    let gzip = dist::gzipped(&path).map_or("-".to_string(), |len| len.to_string());
    Ok((len, budget.limit * KB, gzip))
}

/// Counts crates that are linked in (`run-time`) or run inside the compiler for it (`proc-macro`).
fn crates(which: &str) -> Outcome<u64> {
    let mut cargo = tree::cargo();
    cargo.args(["tree", "--package", "netstrap", "--prefix", "none", "--format", "{p}"]);
    cargo.args(["--target", &dist::triple("x86_64")]);
    let (edges, proc_macro) = match which {
        "run-time" => ("normal", false),
        "proc-macro" => ("normal,build", true),
        other => return Err(format!("size-budget.tsv: crates: no such count: {other}").into()),
    };
    let text = read(cargo.args(["--edges", edges]))?;
    Ok(count(&text, proc_macro))
}

/// Counts lines of `cargo tree` that name a crate of others: proc-macros, or all the rest.
fn count(text: &str, proc_macro: bool) -> u64 {
    let plain = |line: &str| line.trim_end_matches(" (*)").to_string();
    let mut crates: Vec<String> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
    crates.sort();
    crates.dedup();
    let ours = |line: &str| line.starts_with("netstrap ") || line.starts_with("xtask ");
    crates.iter().filter(|line| !ours(line) && line.contains("(proc-macro)") == proc_macro).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_file_is_understood() {
        let budgets = parse(BUDGETS).unwrap();
        let limit = |build: &str, target: &str| {
            budgets.iter().find(|budget| budget.build == build && budget.target == target).map(|budget| budget.limit)
        };
        for kind in ["stable", "tiny"] {
            assert!(limit(kind, "x86_64").is_some() && limit(kind, "aarch64").is_some(), "{kind}");
        }
        assert_eq!(limit("crates", "run-time"), Some(6));
        assert!(parse("stable\tx86_64").is_err());
        assert!(parse("stable\tx86_64\tmany").is_err());
    }

    #[test]
    fn crates_are_counted_once_and_without_ours() {
        let text = "netstrap v0.1.0 (/x)\nlibc v0.2.1\nlog v0.4.1\nlibc v0.2.1 (*)\nderive v1.0.0 (proc-macro)\n";
        assert_eq!(count(text, false), 2);
        assert_eq!(count(text, true), 1);
    }
}
