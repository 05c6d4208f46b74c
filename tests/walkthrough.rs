//! The walkthrough (`tests/data/walkthrough.txt`), step by step, with a PATH that holds only
//! links to the binary, in a sandbox: every step holds, and the real tools read what was
//! made as we read it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "../xtask/src/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../xtask/src/walkthrough.rs"]
#[allow(dead_code)]
mod walkthrough;

use std::path::{Path, PathBuf};

use support::traffic::{answer, ask};
use support::{NETSTRAP, ours, sandboxed, theirs};
use walkthrough::{FILE, Run, Runner, Step, TEXT, judge, parse};

#[test]
fn every_step_holds_with_nothing_but_links_on_path() {
    sandboxed("every_step_holds_with_nothing_but_links_on_path", || {
        walk(TEXT);
        read_alike();
    });
}

#[test]
fn the_same_as_one_file() {
    sandboxed("the_same_as_one_file", || {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/walkthrough.toml");
        walk(&FILE.replace("/walkthrough.toml", path));
    });
}

/// Does every step; panics at the first that does not hold.
fn walk(text: &str) {
    let links = Links::new();
    let runner = Runner::new(links.0.clone().into(), PathBuf::new());
    for step in parse(text).unwrap() {
        match step {
            Step::Heading(_) => {}
            Step::Run(run) => hold(&runner, &run),
            Step::Answer { ns, addresses } => addresses.iter().for_each(|address| answer(&ns, address)),
            Step::Sees { ns, address, source } => assert_eq!(ask(&ns, &address), source, "{address} asked from {ns}"),
        }
    }
}

/// Runs one command and judges it.
fn hold(runner: &Runner, run: &Run) {
    let done = runner.call(&run.words).unwrap();
    if let Err(why) = judge(run, &done) {
        panic!("{}: {why}\n{}", run.words.join(" "), done.text);
    }
}

/// A folder of links, gone when dropped.
struct Links(PathBuf);

impl Links {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("netstrap-walkthrough-{}", std::process::id()));
        ours(&["install", dir.to_str().unwrap()]).ok();
        let real = std::fs::canonicalize(NETSTRAP).unwrap();
        for entry in std::fs::read_dir(&dir).unwrap() {
            let link = entry.unwrap().path();
            assert_eq!(std::fs::canonicalize(&link).unwrap(), real, "{}", link.display());
        }
        Links(dir)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The real tools print the walkthrough's end state as ours do, in every namespace.
fn read_alike() {
    assert!(Path::new("/run/netns/red").exists());
    let objects = ["link", "addr", "route", "neigh"];
    for ns in ["", "red", "blue", "outside"] {
        for object in objects {
            let mut words = vec!["ip", "-j"];
            if !ns.is_empty() {
                words.extend(["-n", ns]);
            }
            words.push(object);
            let (mine, its) = (ours(&words).ok(), theirs(&words).ok());
            assert_eq!(stateless(&mine), stateless(&its), "{}", words.join(" "));
        }
    }
    for words in [&["ip", "-j", "netns"][..], &["iptables", "-t", "nat", "-S"][..]] {
        assert_eq!(ours(words).ok(), theirs(words).ok(), "{}", words.join(" "));
    }
}

/// Without a neighbour's state, which time changes between two looks, and in a fixed order.
fn stateless(json: &str) -> Vec<String> {
    let mut entries: Vec<String> = json
        .split("},{")
        .map(|entry| match entry.split_once("\"state\":[") {
            Some((before, rest)) => before.to_string() + rest.split_once(']').map_or("", |(_, after)| after),
            None => entry.to_string(),
        })
        .map(|entry| entry.trim_matches(|c| "[]{}\n".contains(c)).to_string())
        .collect();
    entries.sort();
    entries
}
