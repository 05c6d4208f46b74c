//! Namespaces whose root is hostile, and folders in which others left what is no namespace: nothing that is not
//! ours is configured, entered or deleted, and what is refused is left as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{WALKTHROUGH, alike, apply, down, exactly, file, identities, records, refused, sh, unchanged, verb};
use support::snapshot::same;
use support::traffic::{answer_on, ask_at};
use support::{ours, sandboxed};

/// Whether red and blue reach each other; the port is one that was not used before.
#[track_caller]
fn reaches(port: u16) {
    answer_on("blue", "192.168.15.2", port);
    assert_eq!(ask_at("red", "192.168.15.2", port), "192.168.15.1");
}

/// What red's root does, and whether it can be put right without a word of the user's.
const ATTACKS: &[(&str, &str, bool)] = &[
    (
        "a decoy of the name",
        "link set veth-red name hidden; link add veth-red type bridge; link set veth-red up",
        false,
    ),
    (
        "a decoy of the name that bears the mark",
        "link set veth-red down; link set veth-red name hidden; link property del dev hidden altname MARK; link add veth-red type bridge; link property add dev veth-red altname MARK; link set veth-red up",
        false,
    ),
    (
        "a decoy pair that bears the mark",
        "link set veth-red name hidden; link property del dev hidden altname MARK; link add veth-red type veth peer name other; link property add dev veth-red altname MARK",
        false,
    ),
    (
        "the mark alone on something else",
        "link property del dev veth-red altname MARK; link add decoy type bridge; link property add dev decoy altname MARK",
        false,
    ),
    ("an altname that is our name", "link set veth-red name hidden; link property add dev lo altname veth-red", false),
    (
        "an altname that is our name, on a decoy",
        "link del veth-red; link add decoy type bridge; link property add dev decoy altname veth-red",
        false,
    ),
    ("the end is renamed", "link set veth-red name hidden", true),
    ("the mark is gone", "link property del dev veth-red altname MARK", false),
    ("the group is another", "link set veth-red group 7", true),
    ("the end is moved elsewhere", "link set veth-red netns evil", true),
    (
        "the end is moved elsewhere, and a decoy stands in its place",
        "link set veth-red netns evil; link add veth-red type bridge",
        false,
    ),
    ("the end is deleted", "link del veth-red", true),
    (
        "its address is taken away and given to a decoy",
        "addr flush dev veth-red; link add decoy type bridge; addr add 192.168.15.1/24 dev decoy",
        true,
    ),
    (
        "the way out leads elsewhere",
        "link add decoy type bridge; addr add 10.66.0.1/24 dev decoy; link set decoy up; route replace default via 10.66.0.2",
        true,
    ),
    ("all is down", "link set veth-red down; link set lo down", true),
];

#[test]
fn a_hostile_namespace_gets_nothing_configured_that_is_not_ours() {
    sandboxed("a_hostile_namespace_gets_nothing_configured_that_is_not_ours", || {
        let path = file("net", WALKTHROUGH);
        sh("ip netns add evil");
        let mut failed = Vec::new();
        for (number, (name, attack, is_mendable)) in (0..).zip(ATTACKS) {
            apply(WALKTHROUGH);
            let good = alike();
            let mark = sh("ip -n red link show veth-red | sed -n 's/.*altname //p'");
            let script: Vec<String> =
                attack.replace("MARK", mark.trim()).split("; ").map(|words| format!("ip -n red {words}")).collect();
            sh(&script.join("\n"));
            let before = exactly();
            let host = || identities("").into_iter().filter(|link| !link.0.contains("red")).collect::<Vec<_>>();
            let (hosts, decoys) = (host(), decoys());
            let ran = ours(&["apply", &path]);
            let said = format!("{name}: {ran:?}");
            match ran.code {
                0 => {
                    // It says that all is well: then it is.
                    let is_well =
                        ours(&["plan", &path]).code == 0 && sh("ip -n red -d addr show veth-red").contains("veth ");
                    if is_well {
                        reaches(8000 + number);
                    } else {
                        failed.push(format!("{said}: exit 0, but"));
                    }
                }
                1 => same(&said, &before, &exactly()),
                3 => same(&said, &before, &exactly()),
                _ => failed.push(said.clone()),
            }
            if ran.code != 0 && *is_mendable {
                failed.push(format!("{said}: not mended"));
            }
            if decoys != self::decoys() {
                failed.push(format!("{said}: the decoy was configured:\n{decoys}\n{}", self::decoys()));
            }
            if hosts != host() {
                failed.push(format!("{said}: others were touched: {hosts:?} {:?}", host()));
            }
            // With every permission it is right again, or refused; and what is ours goes whole.
            let ran = ours(&["apply", "--replace", &path]);
            if ran.code == 0 && ours(&["plan", &path]).code != 0 {
                failed.push(format!("{said}: then with --replace {ran:?}"));
            }
            let ran = ours(&["down", "walkthrough"]);
            let left = sh(
                "ls /run/netns; ip -br link | grep -v ^lo || true; ip -n evil -br link | grep -v ^lo || true; nft list ruleset",
            );
            if ran.code != 0 || left != "evil\n" {
                failed.push(format!("{said}: down {ran:?} leaves {left}"));
                sh(
                    "ip netns del red || true; ip netns del blue || true; ip link del v-net-0 || true; ip netns del evil; ip netns add evil",
                );
            }
            let _ = good;
        }
        assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), ATTACKS.len(), failed.join("\n"));
    });
}

/// The bridges in red, of which the file has none, and what is on them.
fn decoys() -> String {
    sh(
        "ip -n red -o addr show type bridge; ip -n red -o link show type bridge; ip -n red -o link show dev other 2>/dev/null || true; ip -n red -o -4 addr show dev lo",
    )
}

/// What stands at `/run/netns/red`, and whether it is only a leftover, which is used.
const FILES: &[(&str, bool)] = &[
    (": > /run/netns/red", true),
    ("echo text > /run/netns/red", false),
    ("mkdir /run/netns/red", false),
    ("mkfifo /run/netns/red", false),
    ("ln -s /run/netns/other /run/netns/red", false),
    ("ln -s /run/victim /run/netns/red", false),
    ("ln -s /run/nothing /run/netns/red", false),
    ("touch /run/netns/red; mount --bind /proc/self/ns/uts /run/netns/red", false),
    ("touch /run/netns/red; mount --bind /run/victim /run/netns/red", false),
    ("touch /run/netns/red; mount --bind /run/netns/other /run/netns/red", false),
];

#[test]
fn what_is_no_namespace_of_ours_is_left_alone() {
    sandboxed("what_is_no_namespace_of_ours_is_left_alone", || {
        sh(
            "ip netns add other; ip -n other link add mine type bridge; ip -n other addr add 10.0.0.1/24 dev mine; echo text > /run/victim",
        );
        let tree = || sh("stat -c '%n %F %h %s %i' /run/victim /run/netns/*; cat /run/victim; ip -n other addr");
        for (there, is_leftover) in FILES {
            let bare = exactly();
            sh(there);
            let (before, files) = (exactly(), tree());
            let ran = verb(&["apply"], WALKTHROUGH);
            if *is_leftover {
                assert_eq!(ran.code, 0, "{there}: {ran:?}");
                unchanged(WALKTHROUGH);
            } else {
                refused(&ran, 1, &["red"]);
                same(there, &before, &exactly());
                assert_eq!(tree(), files, "{there}");
                let ran = verb(&["apply", "--adopt"], &WALKTHROUGH.replace("veth-red-br", "vrb"));
                // Only a namespace can be adopted, by its own file.
                assert!(
                    ran.code == 1 || (ran.code == 0 && there.contains("--bind /run/netns/other")),
                    "{there}: {ran:?}"
                );
                if ran.code == 1 {
                    same(there, &before, &exactly());
                    assert_eq!(tree(), files, "{there}");
                }
            }
            let ran = ours(&["down", "walkthrough"]);
            assert_eq!(ran.code, 0, "{there}: {ran:?}");
            if ran.out == "unchanged\n" {
                assert_eq!(tree(), files, "{there}: down");
                sh("[ -L /run/netns/red ] || umount /run/netns/red 2>/dev/null || true; rm -rf /run/netns/red");
            }
            sh("ip netns add other 2>/dev/null || true");
            // What was adopted with its second name has lost what makes it the other's: it is no case to go on from.
            if !there.contains("--bind /run/netns/other") {
                same(there, &bare, &exactly());
            }
        }
        assert_eq!(records(), [""; 0]);
    });
}

#[test]
fn names_that_mean_something_else_are_refused() {
    sandboxed("names_that_mean_something_else_are_refused", || {
        let before = exactly();
        for name in
            ["br%d", "../red", "a/b", "-x", ".", "..", "all", "default", "lo", "sixteen-letters-", "a b", "é", ""]
        {
            refused(&verb(&["apply"], &format!("name = \"n\"\n[bridge.\"{name}\"]\n")), 1, &["/run/file.toml:2:"]);
        }
        for name in ["../red", "a/b", "-x", ".", "..", "a b", "17", "a\\u001b[2J", ""] {
            let ran = verb(&["apply"], &format!("name = \"n\"\n[netns.\"{name}\"]\n"));
            refused(&ran, 1, &["/run/file.toml:2:"]);
            assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
        }
        for name in ["../n", "n/a", ".n", "N", "", "a\\nb"] {
            refused(&verb(&["apply"], &format!("name = \"{name}\"\n")), 1, &["/run/file.toml:1:"]);
        }
        for name in ["../../etc/passwd", "..", ""] {
            assert_ne!(ours(&["down", name]).code, 0, "{name}");
        }
        same("refused", &before, &exactly());
    });
}

#[test]
fn a_namespace_that_dies_meanwhile_or_a_neighbour_that_is_busy() {
    sandboxed("a_namespace_that_dies_meanwhile_or_a_neighbour_that_is_busy", || {
        let path = file("net", WALKTHROUGH);
        // Somebody makes and deletes links all the time, here and in our namespace.
        apply(WALKTHROUGH);
        let mut churn = std::process::Command::new("sh")
            .args(["-c", "while :; do ip link add churn type bridge; ip -n red link add churn type bridge; ip link del churn; ip -n red link del churn; done"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        for round in 0..20 {
            if round % 4 == 0 {
                sh("ip -n red route del default");
            }
            said.push(ours(&["apply", &path]));
        }
        churn.kill().unwrap();
        churn.wait().unwrap();
        assert!(said.iter().all(|ran| ran.code == 0), "{said:?}");
        // The host's end of a pair whose namespace just died is no hindrance.
        for _ in 0..5 {
            sh("ip netns del red");
            let ran = ours(&["apply", &path]);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        assert_eq!(ours(&["apply", &path]).ok(), "unchanged\n");
        down("walkthrough");
    });
}

#[test]
fn a_name_that_is_given_to_another_namespace_while_it_goes_is_left_alone() {
    sandboxed("a_name_that_is_given_to_another_namespace_while_it_goes_is_left_alone", || {
        let (less, _) = WALKTHROUGH.split_once("[netns.blue]").unwrap();
        let less = file("less", less);
        let verbs: [&[&str]; 2] = [&["down", "walkthrough"], &["apply", &less]];
        for verb in verbs {
            apply(WALKTHROUGH);
            let strace = ["-e", "trace=umount2", "-e", "inject=umount2:delay_enter=1500000"];
            let mut child = support::lab::traced(&strace, "/run/trace", verb).spawn().unwrap();
            // It is at the point where it takes the first name away.
            let is_there = || std::fs::read_to_string("/run/trace").is_ok_and(|text| text.contains("umount2("));
            support::lab::until("the point", is_there);
            sh("ip netns del blue; ip netns add blue; ip -n blue link add mine type bridge");
            assert_eq!(support::lab::ended(&mut child), 0, "{verb:?}");
            assert!(sh("ip -n blue link show mine").contains("mine"), "{verb:?}");
            ours(&["down", "walkthrough"]).ok();
            assert!(sh("ip -n blue link show mine").contains("mine"));
            sh("ip netns del blue; rm /run/trace");
        }
    });
}
