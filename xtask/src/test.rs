//! `test`: all tests of the workspace, after making sure that the tools which the
//! differential tests compare with are here. Out: cargo's own output, then one line of totals.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::packages::{self, Program};
use crate::process::{About, Outcome, say, show};
use crate::tree;

/// What the differential tests compare with or look through.
pub const TOOLS: &[Program] = &[
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("nft", "nftables"),
    ("arp", "net-tools"),
    ("route", "net-tools"),
    ("ping", "iputils-ping"),
    ("sysctl", "procps"),
    ("busybox", "busybox-static"),
    ("strace", "strace"),
    ("unshare", "util-linux"),
];

/// `cargo xtask test`.
pub fn run(words: Vec<String>) -> Outcome {
    packages::ensure(TOOLS)?;
    let names: Vec<&str> = TOOLS.iter().map(|(name, _)| *name).collect();
    say(format!("here to compare with: {}", names.join(" ")));
    let mut cargo = tree::cargo();
    cargo.args(["test", "--workspace"]).args(words);
    // Tests look for the administrators' programs too.
    let path = std::env::var("PATH").unwrap_or_default();
    cargo.env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"));
    show(&cargo);
    let mut child = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().about("cargo")?;
    let mut totals = Totals::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            totals.add(&line);
        }
    }
    let status = child.wait().about("cargo")?;
    for name in &totals.skipped {
        println!("ignored: {name}");
    }
    let Totals { passed, failed, ignored, filtered, .. } = totals;
    println!("all tests: {passed} passed, {failed} failed, {ignored} ignored, {filtered} filtered out");
    if status.success() { Ok(()) } else { Err(format!("cargo test: {status}").into()) }
}

/// Sums of cargo's result lines, one for each test program.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
    filtered: u64,
    skipped: Vec<String>,
}

impl Totals {
    fn add(&mut self, line: &str) {
        if let Some(test) = line.strip_prefix("test ").filter(|test| test.contains(" ... ignored")) {
            self.skipped.push(test.to_string());
        }
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        for part in counts.split([';', '.']) {
            let mut words = part.split_whitespace();
            let Some(count) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed") => self.failed += count,
                Some("ignored") => self.ignored += count,
                Some("filtered") => self.filtered += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed() {
        let mut totals = Totals::default();
        totals.add("running 3 tests");
        totals.add("test a::b ... ok");
        totals.add("test a::c ... ignored, needs a moon");
        totals.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.41s");
        totals.add("test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        let skipped = vec!["a::c ... ignored, needs a moon".to_string()];
        assert_eq!(totals, Totals { passed: 15, failed: 4, ignored: 1, filtered: 2, skipped });
    }
}
