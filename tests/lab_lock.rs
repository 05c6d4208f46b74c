//! One change at a time: who comes second waits, or says who holds the lock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::zombie_processes)]

mod support;

use std::process::{Child, Command, Stdio};

use support::lab::{WALKTHROUGH, alike, apply, down, ended, exactly, file, records, refused, until};
use support::snapshot::{difference, same};
use support::{NETSTRAP, Ran, ours, sandboxed};

/// Starts commands of ours, all at once.
fn at_once(commands: &[Vec<&str>]) -> Vec<Ran> {
    let start = |words: &Vec<&str>| {
        let mut command = Command::new(NETSTRAP);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<Child> = commands.iter().map(start).collect();
    children.into_iter().map(|child| Ran::of(child.wait_with_output().unwrap())).collect()
}

#[test]
fn two_applies_serialise() {
    sandboxed("two_applies_serialise", || {
        let path = file("net", WALKTHROUGH);
        let bare = exactly();
        apply(WALKTHROUGH);
        let good = alike();
        down("walkthrough");
        for (round, count) in [2, 16, 50].into_iter().enumerate() {
            let ran = at_once(&vec![vec!["apply", &path]; count]);
            let failed: Vec<&Ran> = ran.iter().filter(|ran| ran.code != 0 || !ran.err.is_empty()).collect();
            assert!(failed.is_empty(), "{failed:?}");
            let changed = ran.iter().filter(|ran| ran.out.starts_with("changed: ")).count();
            let unchanged = ran.iter().filter(|ran| ran.out == "unchanged\n").count();
            assert_eq!((changed, unchanged), (1, count - 1), "round {round}");
            same("many at once", &good, &alike());
            let ran = at_once(&vec![vec!["down", "walkthrough"]; 8]);
            assert!(ran.iter().all(|ran| ran.code == 0), "{ran:?}");
            assert_eq!(ran.iter().filter(|ran| ran.out.starts_with("changed: ")).count(), 1, "{ran:?}");
            same("many at once", &bare, &exactly());
        }
        // Up and down at once: one or the other, never half of it.
        for _ in 0..6 {
            let ran = at_once(&[
                vec!["apply", &path],
                vec!["down", "walkthrough"],
                vec!["apply", &path],
                vec!["down", "walkthrough"],
            ]);
            assert!(ran.iter().all(|ran| ran.code == 0), "{ran:?}");
            let now = alike();
            assert!(
                difference(&good, &now).is_empty() || difference(&bare, &exactly()).is_empty(),
                "half:\n{}",
                difference(&good, &now)
            );
        }
        ours(&["down", "walkthrough"]).ok();
        assert_eq!(records(), [""; 0]);
    });
}

#[test]
fn who_waits_too_long_says_who_holds_the_lock() {
    sandboxed("who_waits_too_long_says_who_holds_the_lock", || {
        let path = file("net", WALKTHROUGH);
        let mut holder = Command::new(NETSTRAP);
        holder.args(["apply", "--confirm", "60s", &path]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut holder = holder.spawn().unwrap();
        until("a holder of the lock", || ours(&["plan", &path]).code == 0);
        let before = exactly();
        let other = file("other", "name = \"other\"\n[bridge.other]\n");
        let free: [&[&str]; 3] = [&["plan", &other], &["status", &path], &["export"]];
        for words in free {
            assert!(matches!(ours(words).code, 0 | 2), "{words:?} needs no lock");
        }
        let bound: [&[&str]; 3] = [
            &["apply", "--lock-wait", "50ms", &other],
            &["down", "--lock-wait", "50ms", "walkthrough"],
            &["recover", "--lock-wait", "0s", "walkthrough"],
        ];
        for words in bound {
            let ran = ours(words);
            refused(&ran, 5, &["lock"]);
            // The process, or its child that holds the time.
            let named = ran.err.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u32>().ok());
            let is_ours = |pid: u32| {
                std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.starts_with("netstrap"))
            };
            assert!(named.into_iter().any(is_ours), "no holder is named: {ran:?}");
        }
        same("without the lock", &before, &exactly());
        until("the confirmation", || ours(&["confirm"]).code == 0);
        assert_eq!(ended(&mut holder), 0);
        // Who waits long enough gets it.
        let mut brief = Command::new("flock").args(["/run/netstrap/lock", "sleep", "0.3"]).spawn().unwrap();
        assert_eq!(ours(&["apply", &other]).code, 0);
        brief.wait().unwrap();
        down("other");
        down("walkthrough");
    });
}
