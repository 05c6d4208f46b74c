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
