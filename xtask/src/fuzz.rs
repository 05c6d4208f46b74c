//! `fuzz`: every fuzz target (fuzz/fuzz_targets), each for its share of the time. What it
//! needs beside stable cargo it installs or names; what could not run is a failure.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use crate::args::Args;
use crate::packages;
use crate::process::{About, Failure, Outcome, find, output, run as run_shown, say};
use crate::tree;

/// `cargo xtask fuzz`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let seconds = args.number("--seconds", 60)?;
    let wanted = args.rest()?;
    let targets = targets(&wanted)?;
    // libFuzzer is C++ that is built along.
    packages::ensure(&[("c++", "g++")])?;
    if find("cargo-fuzz").is_none() {
        say("cargo-fuzz is not here; installing it");
        run_shown(tree::cargo().args(["install", "cargo-fuzz", "--locked"]))?;
    }
    let share = (seconds / targets.len() as u64).max(1);
    let mut failed = Vec::new();
    run_shown(cargo_fuzz().args(["fuzz", "build"]))?;
    for target in &targets {
        say(format!("{target}: {share} s"));
        let limits =
            [format!("-max_total_time={share}"), "-timeout=10".to_string(), "-print_final_stats=1".to_string()];
        let mut fuzz = cargo_fuzz();
        fuzz.args(["fuzz", "run", target, "--"]).args(limits);
        if target == "file" {
            fuzz.arg(format!("-dict={}", plant()?.display()));
        }
        if let Err(failure) = run_shown(&mut fuzz) {
            failed.push(failure.text);
        }
    }
    println!("fuzz: {} targets ({}), {share} s each, {} failed", targets.len(), targets.join(", "), failed.len());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

/// Puts files that say a network, right and wrong ones, into the corpus of `file`. Returns a dictionary of their words.
fn plant() -> Outcome<PathBuf> {
    let root = tree::root();
    let mut seeds = Vec::new();
    let examples = root.join("examples");
    for entry in std::fs::read_dir(&examples).about(&examples)? {
        let path = entry.about(&examples)?.path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            seeds.push(std::fs::read_to_string(&path).about(&path)?);
        }
    }
    let bad = root.join("tests/data/file-bad.txt");
    for case in std::fs::read_to_string(&bad).about(&bad)?.split("\n====\n") {
        seeds.extend(case.split("\n----\n").next().map(str::to_owned));
    }
    let corpus = root.join("fuzz/corpus/file");
    std::fs::create_dir_all(&corpus).about(&corpus)?;
    let mut words = BTreeSet::new();
    for (number, seed) in seeds.iter().enumerate() {
        let path = corpus.join(format!("seed-{number}"));
        std::fs::write(&path, seed).about(&path)?;
        words.extend(seed.split(|c: char| !c.is_ascii_alphanumeric() && !"_-./:".contains(c)));
    }
    let path = root.join("fuzz/corpus/file.dict");
    let lines: String = words.iter().filter(|word| word.len() > 1).map(|word| format!("\"{word}\"\n")).collect();
    std::fs::write(&path, lines).about(&path)?;
    Ok(path)
}

/// All targets, or those asked for.
fn targets(wanted: &[String]) -> Outcome<Vec<String>> {
    let dir = tree::root().join("fuzz/fuzz_targets");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&dir).about(&dir)? {
        let path = entry.about(&dir)?.path();
        if path.extension().is_some_and(|ext| ext == "rs") {
            all.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    all.sort();
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(Failure::usage(format!("{unknown}: no such fuzz target; there are: {}", all.join(", "))));
    }
    match (wanted.is_empty(), all.is_empty()) {
        (_, true) => Err(format!("{}: no fuzz targets", dir.display()).into()),
        (true, _) => Ok(all),
        (false, _) => Ok(wanted.to_vec()),
    }
}

/// Cargo that takes unstable options: a nightly toolchain if there is one, else stable told so.
fn cargo_fuzz() -> Command {
    let nightly = output(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]));
    let mut cargo = if nightly.is_ok_and(|output| output.status.success()) {
        let mut rustup = Command::new("rustup");
        rustup.args(["run", "nightly", "cargo"]);
        rustup
    } else {
        let mut cargo = tree::cargo();
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo
    };
    cargo.current_dir(tree::root()).env_remove("CARGO_MANIFEST_DIR");
    // The fuzz crate's own folder, wherever the rest is built.
    cargo.env_remove("CARGO_TARGET_DIR");
    cargo
}
