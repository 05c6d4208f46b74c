//! `tidy`: the rules of the source tree as a check. In: the files that git knows or would
//! add. Out: one line for each breach with its place, and failure if there is one.

mod layers;
mod text;

use std::path::Path;
use std::process::Command;

use crate::args::Args;
use crate::process::{About, Outcome, read};
use crate::tree;

/// Crates that the shipped binary may be made of, besides those that these bring along.
const CRATES: &[&str] = &["bitflags", "libc", "netlink-packet-core", "netlink-sys"];

/// Licences that a crate in the binary may have, as its manifest writes them.
const LICENCES: &[&str] = &["MIT", "MIT OR Apache-2.0", "Apache-2.0 OR MIT", "MIT/Apache-2.0"];

/// What one check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Breaches: file, line (0: the whole file) and what is wrong.
    pub breaches: Vec<(String, usize, String)>,
    /// Not wrong yet.
    pub warnings: Vec<String>,
}

impl Findings {
    fn breach(&mut self, file: &str, line: usize, what: impl Into<String>) {
        self.breaches.push((file.to_string(), line, what.into()));
    }
}

/// `cargo xtask tidy`.
pub fn run(words: Vec<String>) -> Outcome {
    Args::new(words).finish()?;
    let root = tree::root();
    let listed = read(Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(&root))?;
    let mut findings = Findings::default();
    let mut count = 0;
    for file in listed.lines() {
        let path = root.join(file);
        if path.is_symlink() || !path.exists() {
            continue;
        }
        let bytes = std::fs::read(&path).about(&path)?;
        // Files that are no text (a fuzzing corpus, golden bytes) have no such rules.
        if let Ok(text) = String::from_utf8(bytes) {
            check(file, &text, &mut findings);
            count += 1;
        }
    }
    let manifest = root.join("Cargo.toml");
    dependencies(&std::fs::read_to_string(&manifest).about(&manifest)?, &mut findings);
    licences(&mut findings)?;
    findings.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    for (file, line, what) in &findings.breaches {
        println!("{file}:{line}: {what}");
    }
    println!("tidy: {count} files, {} breaches, {} warnings", findings.breaches.len(), findings.warnings.len());
    if findings.breaches.is_empty() { Ok(()) } else { Err("the tree is not tidy".into()) }
}

/// Every check of one file's text.
fn check(file: &str, text: &str, findings: &mut Findings) {
    text::blanks(file, text, findings);
    text::places(file, text, findings);
    if Path::new(file).extension().is_some_and(|ext| ext == "rs") {
        text::head(file, text, findings);
        text::length(file, text, findings);
        text::unfinished(file, text, findings);
        text::unsafe_code(file, text, findings);
        layers::check(file, text, findings);
    }
}

/// Run-time dependencies of the package: only the known ones.
fn dependencies(manifest: &str, findings: &mut Findings) {
    let mut section = "";
    for (number, line) in (1..).zip(manifest.lines()) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let name = match section {
            "dependencies" => line.split_once('=').map(|(name, _)| name.trim()),
            _ => section.strip_prefix("dependencies.").filter(|_| line.starts_with('[')),
        };
        let Some(name) = name.filter(|name| !name.starts_with('#')) else { continue };
        if !CRATES.contains(&name.split('.').next().unwrap_or_default()) {
            findings.breach("Cargo.toml", number, format!("{name}: not among the run-time crates"));
        }
    }
}

/// Licences of all crates in the binary.
fn licences(findings: &mut Findings) -> Outcome {
    let mut cargo = tree::cargo();
    cargo.args(["tree", "--package", "netstrap", "--edges", "normal", "--prefix", "none", "--format", "{p}\t{l}"]);
    for line in read(&mut cargo)?.lines() {
        let Some((name, licence)) = line.split_once('\t') else { continue };
        let licence = licence.trim_end_matches(" (*)");
        if !LICENCES.contains(&licence) {
            findings.breach("Cargo.toml", 0, format!("{name}: licence \"{licence}\" is not on the list"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_run_time_crates() {
        let mut findings = Findings::default();
        let good = "[dependencies]\nlibc = \"0.2\"\n# serde = no\n\n[dev-dependencies]\nserde = \"1\"\n";
        dependencies(good, &mut findings);
        assert!(findings.breaches.is_empty(), "{findings:?}");
        dependencies("[dependencies]\nserde = \"1\"\n", &mut findings);
        dependencies("[dependencies.clap]\nversion = \"4\"\n", &mut findings);
        assert_eq!(findings.breaches.len(), 2, "{findings:?}");
    }

    #[test]
    fn this_tree_has_only_known_run_time_crates() {
        let mut findings = Findings::default();
        dependencies(include_str!("../../Cargo.toml"), &mut findings);
        assert!(findings.breaches.is_empty(), "{findings:?}");
    }
}
