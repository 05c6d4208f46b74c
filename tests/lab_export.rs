//! `netstrap export`: what is there as a file, which makes the same again in an empty place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;
#[path = "support/topologies.rs"]
mod topologies;

use support::lab::{alike, exactly, file};
use support::snapshot::difference;
use support::{ours, sandboxed};

/// Topologies of all tests of the round trip together: a sample that takes seconds, or as many as
/// `NETSTRAP_TEST_PAIRS` says.
fn seeds() -> u64 {
    std::env::var("NETSTRAP_TEST_PAIRS").ok().and_then(|count| count.parse().ok()).unwrap_or(24)
}

/// A file of a seed, without parameters: of those an export says `forward` alone. A bridge has a spanning tree or an
/// ageing time of its own: while the tree changes, the kernel shows another one.
fn made_up(seed: u64) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in topologies::topology(seed).lines().filter(|line| !line.starts_with("sysctl")) {
        if line.starts_with("ageing_time") {
            let table = lines.iter().rposition(|line| line.starts_with('[')).unwrap();
            if let Some(tree) = lines.iter().skip(table).position(|line| line == "stp = true") {
                lines.remove(table + tree);
            }
        }
        lines.push(line.to_owned());
    }
    lines.join("\n") + "\n"
}

fn run(words: &[&str]) -> Result<String, String> {
    let ran = ours(words);
    // Whatever a file has no words for is told.
    if ran.code == 0 && ran.err.is_empty() { Ok(ran.out) } else { Err(format!("{words:?}: {ran:?}")) }
}

/// What is live, by the owner of what is made up.
fn exported() -> Result<String, String> {
    Ok(run(&["export"])?.replacen("name = \"exported\"", &format!("name = \"{}\"", topologies::NAME), 1))
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The whole sandbox, without what packets count, what a link takes from the one below at the time it is made, what a
/// changing spanning tree shows, and local routes, which the kernel makes of addresses and carriers in its own time.
fn settled() -> Vec<String> {
    let mut lines = Vec::new();
    let is_local = |line: &str| line.contains("protocol=kernel") && line.contains("table=local");
    for line in alike().iter().filter(|line| !is_local(line)) {
        let (mut kept, mut before) = (String::new(), "");
        for word in line.split_inclusive([' ', '\n']) {
            if !matches!(before, "packets" | "bytes") && !word.starts_with("tso_max_") && !word.contains("ageing_time=")
            {
                kept.push_str(word);
            }
            before = word.trim();
        }
        lines.push(kept);
    }
    lines.sort();
    lines
}

/// One topology there and back; what is wrong.
fn one(seed: u64, bare: &[String]) -> Result<(), String> {
    let made = file("made", &made_up(seed));
    run(&["apply", &made]).map_err(|why| format!("{why}\n{}", made_up(seed)))?;
    let (first, text) = (settled(), exported()?);
    run(&["down", topologies::NAME])?;
    let again = file("again", &text);
    run(&["apply", &again]).map_err(|why| format!("{why}\n{text}"))?;
    let (second, repeated) = (settled(), exported()?);
    let different = difference(&first, &second);
    if !different.is_empty() {
        return Err(format!("made and made of the export:\n{different}{text}"));
    }
    let different = difference(&sorted(&text), &sorted(&repeated));
    if !different.is_empty() {
        return Err(format!("export and its export:\n{different}"));
    }
    // The file that it all began with asks for nothing else.
    let nothing = run(&["plan", &made])?;
    if nothing != "nothing to do\n" {
        return Err(format!("planned: {nothing}"));
    }
    run(&["down", topologies::NAME])?;
    let left = difference(bare, &exactly());
    if left.is_empty() { Ok(()) } else { Err(format!("left by the second down:\n{left}")) }
}

/// Every topology whose seed is in a range; `NETSTRAP_TEST_SEED` is one alone.
fn round_trips(seeds: std::ops::Range<u64>) {
    std::fs::create_dir_all("/etc/netns").unwrap();
    let bare = exactly();
    let only = std::env::var("NETSTRAP_TEST_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let mut failed = Vec::new();
    for seed in seeds.clone().filter(|seed| only.is_none_or(|only| only == *seed)) {
        if let Err(why) = one(seed, &bare) {
            failed.push(format!("== seed {seed}: {why}"));
            ours(&["down", topologies::NAME]);
            if !difference(&bare, &exactly()).is_empty() {
                // What is left would fail all that follow.
                failed.push("== and after a down there is still something".to_owned());
                break;
            }
        }
    }
    let text = failed.join("\n");
    assert!(failed.is_empty(), "{} of {}:\n{text}", failed.len(), seeds.end - seeds.start);
}

// Two, for two processors.

#[test]
fn export_apply_roundtrip() {
    sandboxed("export_apply_roundtrip", || round_trips(0..seeds() / 2));
}

#[test]
fn export_apply_roundtrip_more() {
    sandboxed("export_apply_roundtrip_more", || round_trips(seeds() / 2..seeds()));
}
