//! Any topology can become any other: what is made of the first by applying the second is what the second
//! makes in an empty place; and each of them holds when it was applied, and leaves nothing when it is taken down.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;
#[path = "support/topologies.rs"]
mod topologies;

use netstrap::file::{File, Files, read};
use netstrap::model::topology::SettingValue;
use support::lab::{alike, exactly, file, identities};
use support::snapshot::difference;
use support::{ours, sandboxed};

/// Files of this machine.
struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&mut self, _: &str) -> std::io::Result<Vec<String>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// Pairs of all tests together.
const PAIRS: u64 = 300;

/// The pairs that are applied: a sample that takes seconds, or as many as `NETSTRAP_TEST_PAIRS` says, of [`PAIRS`].
fn applied() -> u64 {
    std::env::var("NETSTRAP_TEST_PAIRS").ok().and_then(|count| count.parse().ok()).unwrap_or(18).min(PAIRS)
}

#[test]
fn what_is_made_up_is_right() {
    sandboxed("what_is_made_up_is_right", || {
        for seed in 0..PAIRS {
            let (first, second) = topologies::pair(seed);
            for text in [first, second] {
                if let Err(refused) = read(&file("one", &text), &mut Disk) {
                    panic!("seed {seed}:\n{refused}\n{text}");
                }
            }
        }
    });
}

/// The hardware addresses that a file asks for, where they are found.
fn asked_addresses(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    for place in &file.topology.places {
        let netns = place.name.as_ref().map(ToString::to_string).unwrap_or_default();
        let asked = |link: &netstrap::model::topology::LinkSpec| match link.get("mac") {
            Some(SettingValue::Mac(mac)) => {
                Some(mac.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
            }
            _ => None,
        };
        let wanted: Vec<_> =
            place.links.iter().filter_map(|link| Some((link.name.to_string(), asked(link)?))).collect();
        if !wanted.is_empty() {
            let found = identities(&netns);
            wrong.extend(wanted.into_iter().filter_map(|(name, mac)| {
                let is = found.iter().any(|link| link.0 == name && link.2 == mac);
                (!is).then(|| format!("{netns} {name} has not the hardware address {mac}"))
            }));
        }
    }
    wrong
}

/// One pair; what is wrong.
fn one(seed: u64, bare: &[String]) -> Result<(), String> {
    let (first, second) = topologies::pair(seed);
    let (first, second) = (file("first", &first), file("second", &second));
    let run = |words: &[&str], codes: &[i32]| {
        let ran = ours(words);
        if codes.contains(&ran.code) { Ok(ran) } else { Err(format!("{words:?}: {ran:?}")) }
    };
    let fresh = || -> Result<Vec<String>, String> {
        run(&["apply", &second], &[0])?;
        Ok(alike())
    };
    let wanted = fresh()?;
    let ran = run(&["plan", &second], &[0, 2])?;
    if ran.code == 2 {
        return Err(format!("a plan after apply: {}", ran.out));
    }
    run(&["down", topologies::NAME], &[0])?;
    let left = difference(bare, &exactly());
    if !left.is_empty() {
        return Err(format!("left by down:\n{left}"));
    }
    run(&["apply", &first], &[0])?;
    run(&["apply", "--replace", &second], &[0])?;
    let different = difference(&wanted, &alike());
    if !different.is_empty() {
        return Err(format!("fresh and become:\n{different}"));
    }
    let ran = run(&["apply", &second], &[0])?;
    if ran.out != "unchanged\n" {
        return Err(format!("applied again: {ran:?}"));
    }
    let wrong = asked_addresses(&read(&second, &mut Disk).unwrap());
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    run(&["down", topologies::NAME], &[0])?;
    let left = difference(bare, &exactly());
    if left.is_empty() { Ok(()) } else { Err(format!("left by the second down:\n{left}")) }
}

/// Every pair whose seed is in a range; `NETSTRAP_TEST_SEED` is one alone.
fn pairs(seeds: std::ops::Range<u64>) {
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
fn random_d1_to_d2_equals_fresh_d2() {
    sandboxed("random_d1_to_d2_equals_fresh_d2", || pairs(0..applied() / 2));
}

#[test]
fn random_d1_to_d2_equals_fresh_d2_more() {
    sandboxed("random_d1_to_d2_equals_fresh_d2_more", || pairs(applied() / 2..applied()));
}
