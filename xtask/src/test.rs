//! `test`: all tests of the workspace, after making sure that the tools which the
//! differential tests compare with are here. Where the kernel makes no network namespaces (or
//! with `--uml`) they run under user-mode Linux. Out: cargo's own output, then one line of totals.

mod apart;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::namespaces;
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
pub fn run(mut words: Vec<String>) -> Outcome {
    packages::ensure(TOOLS)?;
    let names: Vec<&str> = TOOLS.iter().map(|(name, _)| *name).collect();
    say(format!("here to compare with: {}", names.join(" ")));
    let uml = words.iter().any(|word| word == "--uml");
    words.retain(|word| word != "--uml");
    if uml || !namespaces::usable() {
        say("the test programs run under user-mode Linux");
        return apart::run(words);
    }
    let mut cargo = tree::cargo();
    // One run tells of all that fails.
    cargo.args(["test", "--workspace", "--no-fail-fast"]).args(words);
    let mut totals = Totals::default();
    let fine = stream(&mut cargo, &mut totals)?;
    totals.print();
    if fine { Ok(()) } else { Err("cargo test: failed".into()) }
}

/// Runs cargo or a test program, showing and summing what it prints; whether it went well.
fn stream(command: &mut Command, totals: &mut Totals) -> Outcome<bool> {
    // Tests look for the administrators' programs too.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"));
    show(command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().about(command.get_program())?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            totals.add(&line);
        }
    }
    Ok(child.wait().about("a test program")?.success())
}

/// Sums of cargo's result lines, one for each test program.
#[derive(Debug, Default)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
    filtered: u64,
    skipped: Vec<String>,
    /// What the tests that failed said, as far as it tells why.
    said: Vec<String>,
    /// Lines still to be kept of what a test that failed says.
    keep: usize,
}

/// Lines kept from each panic on: its place and its message.
const KEPT: usize = 4;

impl Totals {
    /// The sums as the last line, after the names of what was ignored and what those that failed said.
    fn print(&self) {
        for name in &self.skipped {
            println!("ignored: {name}");
        }
        for line in &self.said {
            println!("failed: {line}");
        }
        let Totals { passed, failed, ignored, filtered, .. } = self;
        println!("all tests: {passed} passed, {failed} failed, {ignored} ignored, {filtered} filtered out");
    }

    fn add(&mut self, line: &str) {
        if let Some(test) = line.strip_prefix("test ").filter(|test| test.contains(" ... ignored")) {
            self.skipped.push(test.to_string());
        }
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            self.said.push(line.to_string());
        } else if line.contains("panicked at ") {
            self.keep = KEPT;
        }
        if self.keep > 0 && !self.said.is_empty() {
            self.keep -= 1;
            self.said.push(format!("  {}", line.chars().take(200).collect::<String>()));
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
        totals.add("---- a::d stdout ----");
        totals.add("running 1 test");
        totals.add("| thread 'a::d' (7) panicked at tests/a.rs:1:1:");
        totals.add("| 1 is not 2");
        totals.add("test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        let skipped = vec!["a::c ... ignored, needs a moon".to_string()];
        let said = ["---- a::d stdout ----", "  | thread 'a::d' (7) panicked at tests/a.rs:1:1:", "  | 1 is not 2"];
        assert_eq!(said.map(String::from).as_slice(), &totals.said[..3]);
        let Totals { passed, failed, ignored, filtered, .. } = totals;
        assert_eq!((passed, failed, ignored, filtered, totals.skipped), (15, 4, 1, 2, skipped));
    }
}
