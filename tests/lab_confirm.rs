//! `netstrap apply --confirm`: what nobody confirms is rolled back, whoever was killed meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::zombie_processes)]

mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use support::lab::{WALKTHROUGH, alike, apply, down, ended, exactly, file, records, sh, unchanged, until};
use support::snapshot::{names, same};
use support::{NETSTRAP, ours, sandboxed};

/// `apply --confirm TIME`, waiting.
fn waiting(time: &str, path: &str) -> Child {
    let mut command = Command::new(NETSTRAP);
    command.args(["apply", "--confirm", time, path]).stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Until all is there: names come last.
fn there() {
    until("the network of the file", || names("/run/netns") == ["blue", "red"]);
}

#[test]
fn confirm_timeout_rolls_back() {
    sandboxed("confirm_timeout_rolls_back", || {
        let path = file("net", WALKTHROUGH);
        let bare = exactly();
        apply(WALKTHROUGH);
        let good = alike();
        down("walkthrough");
        // Nobody says anything.
        let mut child = waiting("1s", &path);
        there();
        assert_eq!(ended(&mut child), 3);
        same("not confirmed", &bare, &exactly());
        // As a session that dies: the parent and the command itself are killed, and the terminal is gone.
        let script = format!("\"$0\" apply --confirm 2s {path} & echo $! > /run/pid; wait");
        let mut parent =
            Command::new("setsid").args(["sh", "-c", &script, NETSTRAP]).stdin(Stdio::null()).spawn().unwrap();
        // Names come before the process that keeps the time: from its file on, nobody else is needed.
        until("somebody who waits", || records().contains(&"walkthrough.waiting".to_owned()));
        parent.kill().unwrap();
        sh("kill -9 $(cat /run/pid)");
        parent.wait().unwrap();
        until("the rollback of what nobody confirmed", || records().is_empty());
        same("what nobody confirmed", &bare, &exactly());
        // Of a change, what was before comes back.
        apply(WALKTHROUGH);
        let second = file("second", &WALKTHROUGH.replace("192.168.15.1/24", "192.168.15.3/24"));
        let mut child = waiting("500ms", &second);
        assert_eq!(ended(&mut child), 3);
        same("a change that nobody confirmed", &good, &alike());
        unchanged(WALKTHROUGH);
        down("walkthrough");
    });
}

#[test]
fn what_is_confirmed_stays() {
    sandboxed("what_is_confirmed_stays", || {
        let path = file("net", WALKTHROUGH);
        assert_eq!(ours(&["confirm"]).code, 1, "nothing waits");
        for words in [&["confirm"][..], &["confirm", "walkthrough"]] {
            let mut child = waiting("60s", &path);
            // What waits has a status, too.
            until("something that waits", || Path::new("/run/netstrap/walkthrough.waiting").exists());
            let status = || ours(&["status", "walkthrough"]);
            assert_eq!(status().ok(), "as asked\n");
            sh("sysctl -qw net.ipv4.ip_forward=0");
            assert_eq!(status().code, 2);
            sh("sysctl -qw net.ipv4.ip_forward=1");
            until("something to confirm", || ours(words).code == 0);
            assert_eq!(ended(&mut child), 0);
            unchanged(WALKTHROUGH);
            down("walkthrough");
        }
        // What holds already needs no confirmation.
        apply(WALKTHROUGH);
        assert_eq!(ours(&["apply", "--confirm", "60s", &path]).ok(), "unchanged\n");
        down("walkthrough");
    });
}

#[test]
fn the_process_that_keeps_the_time_may_die() {
    sandboxed("the_process_that_keeps_the_time_may_die", || {
        let path = file("net", WALKTHROUGH);
        let bare = exactly();
        let keeper = || sh("cat /run/netstrap/lock");
        let listens = || until("somebody who waits", || records().contains(&"walkthrough.waiting".to_owned()));
        let mut child = waiting("60s", &path);
        listens();
        // Who waits for the lock is told of the process that has it.
        let pid = keeper();
        assert_ne!(pid, child.id().to_string());
        assert!(ours(&["down", "--lock-wait", "0s", "walkthrough"]).err.contains(&format!("(process {pid})")));
        sh(&format!("kill -9 {pid}"));
        assert_eq!(ended(&mut child), 4);
        // Nobody waits, though its file is there.
        let late = ours(&["confirm"]);
        assert!(late.code == 1 && late.err.contains("has died"), "{late:?}");
        ours(&["recover", "walkthrough"]).ok();
        same("recovered", &bare, &exactly());
        assert_eq!(records(), [""; 0]);
        // One that died is no obstacle to another.
        let _dead = std::os::unix::net::UnixListener::bind("/run/netstrap/other.waiting").map(drop);
        let mut child = waiting("60s", &path);
        listens();
        assert_eq!(ours(&["confirm"]).code, 0);
        assert_eq!(ended(&mut child), 0);
        down("walkthrough");
        // A signal is a refusal, and is said to be one.
        let mut command = Command::new(NETSTRAP);
        command.args(["apply", "--confirm", "60s", &path]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        listens();
        sh(&format!("kill -TERM {}", child.id()));
        assert_eq!(ended(&mut child), 3);
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        assert!(said.contains("interrupted by a signal"), "{said}");
        same("a signal", &bare, &exactly());
        std::fs::remove_file("/run/netstrap/other.waiting").unwrap();
    });
}

#[test]
fn what_cannot_be_kept_is_not_said_to_be() {
    sandboxed("what_cannot_be_kept_is_not_said_to_be", || {
        let path = file("net", WALKTHROUGH);
        let bare = exactly();
        let mut child = waiting("60s", &path);
        until("somebody who waits", || records().contains(&"walkthrough.waiting".to_owned()));
        // The journal cannot become the state.
        sh("mkdir /run/netstrap/walkthrough.state");
        let ran = ours(&["confirm"]);
        assert!(ran.code == 1 && ran.err.contains("walkthrough.state"), "{ran:?}");
        assert!([3, 4].contains(&ended(&mut child)));
        sh("rmdir /run/netstrap/walkthrough.state");
        ours(&["down", "walkthrough"]).ok();
        same("not kept", &bare, &exactly());
    });
}

#[test]
fn what_nohup_ignores_is_ignored() {
    sandboxed("what_nohup_ignores_is_ignored", || {
        let path = file("net", WALKTHROUGH);
        let script = format!("trap '' HUP; exec \"$0\" apply --confirm 60s {path}");
        let mut child = Command::new("sh").args(["-c", &script, NETSTRAP]).stdin(Stdio::piped()).spawn().unwrap();
        until("somebody who waits", || records().contains(&"walkthrough.waiting".to_owned()));
        sh(&format!("kill -HUP {}; kill -HUP $(cat /run/netstrap/lock)", child.id()));
        assert_eq!(ours(&["confirm"]).code, 0);
        assert_eq!(ended(&mut child), 0);
        down("walkthrough");
    });
}
