//! `ip -batch` and `-echo` beside iproute2, and what is better on purpose: a wrong word in
//! a line does not end a batch that is to go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{masked, ours, sandboxed, theirs};

/// Writes a batch file.
fn file(name: &str, lines: &str) -> String {
    let path = format!("/run/{name}");
    std::fs::write(&path, lines).unwrap();
    path
}

#[test]
fn batches_end_and_go_on_as_iproute2s() {
    sandboxed("batches_end_and_go_on_as_iproute2s", || {
        let links =
            file("links", "link add b1 type bridge\nlink set b1 up\n# a comment\n\nlink del nope\nlink del b1\n");
        let renamed = file(
            "renamed",
            "link add b1 type bridge\nlink set b1 name b3\naddr add 10.0.0.1/24 dev b1\naddr show b3\nlink del b3\n\
             addr add 10.0.0.1/24 dev b3\nlink show lo\n",
        );
        let words = file(
            "words",
            "link add b2 \\\n type \"bridge\" # joined\nlink show b2\nlink del 'b2'\nnetns add r\nnetns exec r sh -c 'exit 3'\n",
        );
        for batch in [
            &["-batch", &links][..],
            &["-force", "-batch", &links],
            &["-b", "/no/such"],
            &["-force", "-b", &words],
            &["-j", "-force", "-b", &words],
            &["-force", "-b", &renamed],
        ] {
            let words = [&["ip"], batch].concat();
            let (ours, theirs) = (ours(&words), {
                ours(&["ip", "link", "del", "b1"]);
                ours(&["ip", "netns", "del", "r"]);
                theirs(&words)
            });
            ours_cleared();
            let mask = |text: &str| without_indexes(&masked(text));
            assert_eq!(
                (mask(&ours.out), ours.err, ours.code),
                (mask(&theirs.out), theirs.err, theirs.code),
                "{batch:?}"
            );
        }
    });
}

/// Where there is no cgroup tree, iproute2's child of `vrf exec` goes on with the batch beside its
/// parent, and the rest is done twice.
#[test]
fn a_batch_goes_on_once_after_vrf_exec() {
    sandboxed("a_batch_goes_on_once_after_vrf_exec", || {
        let lines = file("vrf", "vrf exec default true\nlink show lo\n");
        let ran = ours(&["ip", "-force", "-b", &lines]);
        assert_eq!(ran.out.matches("lo:").count(), 1, "{ran:?}");
    });
}

fn ours_cleared() {
    ours(&["ip", "link", "del", "b1"]);
    ours(&["ip", "netns", "del", "r"]);
}

/// A link made again has another index.
fn without_indexes(text: &str) -> String {
    let unnumbered = |line: &str| line.split_once(": ").map_or(line.to_owned(), |(_, rest)| rest.to_owned());
    let text: Vec<String> = text.lines().map(unnumbered).collect();
    let text = text.join("\n");
    match text.split_once("\"ifindex\":") {
        Some((head, rest)) => head.to_owned() + rest.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => text,
    }
}

#[test]
fn a_wrong_word_does_not_end_a_forced_batch() {
    sandboxed("a_wrong_word_does_not_end_a_forced_batch", || {
        let lines = "addr add 300.1.1.1 dev lo\nlink set lo mtu abc\nfoo\n-6 route\naddr add 10.0.0.1/24 dev lo\n";
        let path = file("wrong", lines);
        let forced = ours(&["ip", "-force", "-batch", &path]);
        assert_eq!(forced.code, 1);
        for line in 1..=4 {
            assert!(forced.err.contains(&format!("Command failed {path}:{line}\n")), "{forced:?}");
        }
        assert!(!forced.err.contains(&format!("{path}:5")), "{forced:?}");
        assert!(ours(&["ip", "addr", "show", "lo"]).ok().contains("10.0.0.1/24"));
        let first = ours(&["ip", "-batch", &path]);
        assert!(first.code == 1 && first.err.contains(":1\n") && !first.err.contains(":2\n"), "{first:?}");
    });
}

#[test]
fn echo_prints_what_was_made() {
    support::same_answers("echo_prints_what_was_made", include_str!("data/ip-echo.txt"));
}
