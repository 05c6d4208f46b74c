//! `netstrap export` of what other tools made: what is made of the file is the same, and what a file cannot say is told.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::Command;

use support::{Ran, ours, run, sandboxed, tool};

/// Runs lines with nothing but the tools of the system.
#[track_caller]
fn sh(lines: &str) -> String {
    run(Command::new(tool("sh")).args(["-ec", lines]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")).ok()
}

/// What there is as a file, written to one.
#[track_caller]
fn exported() -> Ran {
    let ran = ours(&["export"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    std::fs::write("/run/exported.toml", &ran.out).unwrap();
    ran
}

#[test]
fn a_copy_takes_the_same_source_addresses_and_has_the_same_link_local_ones() {
    sandboxed("a_copy_takes_the_same_source_addresses_and_has_the_same_link_local_ones", || {
        sh("ip netns add a
            ip link add br0 type bridge
            ip link add v0 type veth peer name eth0 netns a
            ip link set v0 master br0 up
            ip link set br0 up
            ip -n a link set eth0 up
            for own in 2 3 5; do ip -n a address add fd00::$own/64 dev eth0 nodad; done
            ip -n a address add fe80::77/10 dev eth0 nodad
            ip link add w0 type veth peer name w1
            ip link set w0 addrgenmode none
            ip link set w0 up
            ip link set w1 up
            ip address add fd07::1/64 dev w0 nodad
            ip address add fe80::9/64 dev w0 nodad");
        let seen = || {
            let mut seen = Vec::new();
            for _ in 0..50 {
                seen.clear();
                for (namespace, link) in [("", "br0"), ("", "v0"), ("", "w0"), ("", "w1"), ("a", "eth0")] {
                    let enter = if namespace.is_empty() { String::new() } else { format!("-n {namespace}") };
                    // Link-local addresses stand in the order in which they came.
                    seen.push(sh(&format!("ip {enter} -br -6 address show dev {link} | tr ' ' '\\n' | grep / | sort")));
                    seen.push(sh(&format!(
                        "ip {enter} -d link show dev {link} | grep -o 'link/ether [^ ]*\\|addrgenmode [^ ]*'"
                    )));
                }
                if !sh("ip -6 address; ip -n a -6 address").contains("tentative") {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            seen.push(sh("ip -n a -6 route get fd00::99 | grep -o 'src [^ ]*'"));
            seen
        };
        let before = seen();
        assert!(before.last().unwrap().contains("src fd00::5"), "{before:?}");
        let first = exported();
        assert_eq!(first.err, "", "{}", first.out);
        sh("ip netns delete a; ip link delete br0; ip link delete w0; ip link delete v0 2>/dev/null || :");
        ours(&["apply", "/run/exported.toml"]).ok();
        assert_eq!(seen(), before, "{}", first.out);
        assert_eq!(exported().out, first.out);
    });
}

#[test]
fn what_a_file_cannot_say_is_told() {
    sandboxed("what_a_file_cannot_say_is_told", || {
        sh("ip link add w0 type veth peer name w1
            ip link set w0 up
            ip link set w1 up
            ip link add br0 type bridge
            ip link set w0 master br0
            bridge link set dev w0 isolated on
            ip link add br1 type bridge group_fwd_mask 8
            ip link add m0 link w1 type macvlan mode source macaddr add 02:00:00:00:00:99
            ip link add m1 link w1 type macvlan mode bridge
            ip link add vx0 type vxlan dstport 4790 external
            ip link add vx1 type vxlan id 13 dstport 4791 gbp
            ip link add vx2 type vxlan id 14 dstport 4792 learning
            ip link add ifb7 type ifb
            ip link add x0 type veth peer name x1
            ip link set x0 arp off
            ip link set x1 promisc on
            ip address add 10.0.0.3/24 dev w1 valid_lft 1000 preferred_lft 900
            ip address add 10.0.0.4/24 dev w1 valid_lft forever preferred_lft 0
            ip rule delete priority 32767
            ip neighbour add 10.0.0.79 lladdr 02:00:00:00:00:79 dev w1 extern_learn");
        let mut lines: Vec<String> = exported()
            .err
            .lines()
            .map(|line| line.strip_prefix("netstrap: export: host: ").unwrap_or(line).to_owned())
            .collect();
        lines.sort();
        let expected = "\
a neighbour on w1 has properties that a file has no words for
a rule that every namespace begins with is gone: a file has no word for that
addresses with a lifetime are left out, they have their own maker: 1
br1 has properties that a file has no words for
ifb7 is left out: it does nothing, and a file has no kind ifb
m0 is left out, with all that is on it: a file has no word for its mode
vx0 is left out, with all that is on it: a file has no word for its \"external\"
vx1 has properties that a file has no words for
w0 has properties that a file has no words for
w1: 10.0.0.4 has a label or flags that are left out
x0 has properties that a file has no words for
x1 has properties that a file has no words for";
        assert_eq!(lines.join("\n"), expected);
        let text = std::fs::read_to_string("/run/exported.toml").unwrap();
        assert!(!text.contains("ifb7") && text.contains("macvlan.m1") && text.contains("vxlan.vx2"), "{text}");
    });
}

#[test]
fn a_file_that_would_be_refused_is_told() {
    sandboxed("a_file_that_would_be_refused_is_told", || {
        sh("ip link add w0 type veth peer name w1
            ip link set w0 up
            ip link set w1 up
            ip address add 10.0.0.1/24 dev w0
            ip route add 10.1.0.0/16 dev w0
            ip route append 10.1.0.0/16 via 10.0.0.9");
        for format in [&["export"][..], &["export", "--json"]] {
            let ran = ours(format);
            let mut lines = ran.err.lines();
            let head = "netstrap: export: plan and apply refuse this file, since a file may not say that:";
            assert_eq!((ran.code, lines.next()), (0, Some(head)), "{ran:?}");
            let place = lines.next().unwrap();
            assert!(place.starts_with("-:") && place.contains("two routes"), "{place}");
        }
    });
}

#[test]
fn what_is_no_file_where_a_file_should_be_keeps_nobody_waiting() {
    sandboxed("what_is_no_file_where_a_file_should_be_keeps_nobody_waiting", || {
        std::fs::write("/run/lab.toml", "name = 'w'\n[netns.a]\ndns = { nameserver = ['192.0.2.1'] }\n").unwrap();
        let folder = std::path::Path::new("/etc/netns/a");
        for make in ["mkfifo", "mkdir"] {
            ours(&["apply", "/run/lab.toml"]).ok();
            sh(&format!("rm /etc/netns/a/resolv.conf; {make} /etc/netns/a/resolv.conf"));
            let ran = ours(&["export"]);
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(ran.err.contains("a: /etc/netns: resolv.conf has lines that a file has no words for"), "{ran:?}");
            for verb in ["plan", "apply"] {
                let ran = ours(&[verb, "/run/lab.toml"]);
                assert!(ran.code == 1 && ran.err.contains("resolv.conf is there and not ours"), "{ran:?}");
            }
            ours(&["down", "w"]).ok();
            assert!(folder.join("resolv.conf").exists());
            sh("rm -rf /etc/netns/a");
        }
    });
}

#[test]
fn what_cannot_be_looked_at_is_told_with_its_reason() {
    sandboxed("what_cannot_be_looked_at_is_told_with_its_reason", || {
        sh("ip netns add a");
        let ran = ours(&["export", "-n", "b"]);
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (1, "netstrap: export: b: there is no such namespace; see: ip netns\n")
        );
        let bare = ["--inh-caps=-all", "--bounding-set=-all", support::NETSTRAP, "export"];
        let ran = run(Command::new(tool("setpriv")).args(bare).args(["-n", "a"]));
        assert!(ran.code == 1 && ran.err.contains(": a: setns /run/netns/a: Operation not permitted"), "{ran:?}");
        let ran = run(Command::new(tool("setpriv")).args(bare).arg("--host"));
        assert!(ran.code == 1 && ran.err.contains("read the rule set"), "{ran:?}");
    });
}
