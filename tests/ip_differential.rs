//! The `ip` applet beside iproute2: the same command lines in two equal sandboxes,
//! and every answer (standard output, standard error, exit code) the same.

mod support;

use std::time::Duration;
use support::{ours, sandboxed, theirs};

#[test]
fn link_and_address_answers_are_iproute2s() {
    support::same_answers("link_and_address_answers_are_iproute2s", include_str!("data/ip-link-address.txt"));
}

#[test]
fn link_properties_are_iproute2s() {
    support::same_answers("link_properties_are_iproute2s", include_str!("data/ip-link-set.txt"));
}

#[test]
fn link_listings_are_iproute2s() {
    support::same_answers("link_listings_are_iproute2s", include_str!("data/ip-link-show.txt"));
}

#[test]
fn answers_about_small_objects_are_iproute2s() {
    support::same_answers("answers_about_small_objects_are_iproute2s", include_str!("data/ip-small.txt"));
}

#[test]
fn kinds_of_links_are_iproute2s() {
    support::same_answers("kinds_of_links_are_iproute2s", include_str!("data/ip-kinds.txt"));
}

#[test]
fn kinds_of_modules_are_iproute2s() {
    support::same_answers("kinds_of_modules_are_iproute2s", include_str!("data/ip-kinds-modules.txt"));
}

#[test]
fn addresses_are_iproute2s() {
    support::same_answers("addresses_are_iproute2s", include_str!("data/ip-address.txt"));
}

#[test]
fn namespaces_are_iproute2s() {
    support::same_answers("namespaces_are_iproute2s", include_str!("data/ip-netns.txt"));
}

#[test]
fn names_of_namespaces_are_told_as_they_come_and_go() {
    sandboxed("names_of_namespaces_are_told_as_they_come_and_go", || {
        use std::io::{BufRead, BufReader};
        let mut monitor = std::process::Command::new(support::NETSTRAP)
            .args(["ip", "netns", "monitor"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        while !std::path::Path::new("/run/netns").exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(500));
        ours(&["ip", "netns", "add", "red"]).ok();
        ours(&["ip", "netns", "del", "red"]).ok();
        let mut lines = BufReader::new(monitor.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.by_ref().take(2).collect::<Vec<_>>(), ["add red", "delete red"]);
        monitor.kill().unwrap();
        monitor.wait().unwrap();
    });
}

#[test]
fn routes_are_iproute2s_where_there_is_no_table_yet() {
    support::same_answers("routes_are_iproute2s_where_there_is_no_table_yet", include_str!("data/ip-route-none.txt"));
}

#[test]
fn iproute2_reads_the_walkthroughs_state_as_we_do() {
    sandboxed("iproute2_reads_the_walkthroughs_state_as_we_do", || {
        for line in [
            "ip netns add red",
            "ip netns add blue",
            "ip link add v-net-0 type bridge",
            "ip link set v-net-0 up",
            "ip link add veth-red type veth peer name veth-red-br",
            "ip link add veth-blue type veth peer name veth-blue-br",
            "ip link set veth-red netns red",
            "ip link set veth-blue netns blue",
            "ip link set veth-red-br master v-net-0",
            "ip link set veth-blue-br master v-net-0",
            "ip link set veth-red-br up",
            "ip link set veth-blue-br up",
            "ip -n red addr add 192.168.15.1/24 dev veth-red",
            "ip -n blue addr add 192.168.15.2/24 dev veth-blue",
            "ip -n red link set veth-red up",
            "ip -n blue link set veth-blue up",
            "ip addr add 192.168.15.5/24 dev v-net-0",
        ] {
            ours(&line.split(' ').collect::<Vec<_>>()).ok();
        }
        std::thread::sleep(Duration::from_millis(2500));
        for question in [
            "ip -j link",
            "ip -j addr",
            "ip -j netns",
            "ip -n red -j link",
            "ip -n red -j addr",
            "ip -n blue -j addr",
            "ip -p -j addr",
            "ip addr",
            "ip -br addr",
            "ip -o link",
        ] {
            let words: Vec<&str> = question.split(' ').collect();
            assert_eq!(ours(&words), theirs(&words), "{question}");
        }
        // What we made, iproute2 deletes; what iproute2 makes, we delete.
        theirs(&["ip", "netns", "del", "red"]).ok();
        theirs(&["ip", "netns", "add", "green"]).ok();
        ours(&["ip", "-n", "green", "link", "set", "lo", "up"]).ok();
        ours(&["ip", "netns", "del", "green"]).ok();
        assert_eq!(ours(&["ip", "netns"]), theirs(&["ip", "netns"]));
        assert!(std::fs::read_dir("/run/netns").unwrap().count() == 1);
    });
}

#[test]
fn a_name_of_any_bytes_breaks_no_listing() {
    sandboxed("a_name_of_any_bytes_breaks_no_listing", || {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        for name in [&b"a\xff\xfe"[..], b"\x1b[2J", b"\"q\"", b"back\\slash"] {
            let status = std::process::Command::new(support::NETSTRAP)
                .args(["ip", "link", "add"])
                .arg(OsStr::from_bytes(name))
                .args(["type", "bridge"])
                .status()
                .unwrap();
            assert!(status.success(), "{name:?}");
        }
        let text = ours(&["ip", "link"]).ok();
        assert!(text.contains("a\\xff\\xfe") && text.contains("\\x1b[2J"));
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        let json = ours(&["ip", "-j", "link"]).ok();
        assert!(json.contains(r#""ifname":"a\\xff\\xfe""#) && json.contains(r#""ifname":"\u001b[2J""#), "{json}");
        assert!(json.contains(r#""ifname":"\"q\"""#) && json.contains(r#""ifname":"back\\slash""#), "{json}");
    });
}

#[test]
fn what_is_not_built_says_so() {
    for (words, named) in [
        (&["ip", "-M", "link"][..], "option \"-M\""),
        (&["ip", "-f", "mpls", "link"], "family \"mpls\""),
        (&["ip", "xfrm", "state"], "object \"xfrm\""),
        (&["ip", "-j", "arp"], "an option before the applet \"arp\""),
        (&["ip", "link", "set", "lo", "vf", "0", "mac", "x"], "link property \"vf\""),
        (&["ip", "link", "set", "lo", "xdp", "obj", "x.o"], "loading a program with xdp \"obj\""),
        (&["ip", "link", "set", "lo", "link", "lo"], "\"link DEVICE\" of a link that exists"),
        (&["ip", "link", "set", "group", "5", "type", "bridge"], "kind's arguments of a group"),
        (&["ip", "addr", "save"], "address save"),
    ] {
        let ran = ours(words);
        assert!(ran.code != 0 && ran.out.is_empty(), "{ran:?}");
        assert!(ran.err.contains(named) && ran.err.ends_with(" is not supported by netstrap\n"), "{words:?}: {ran:?}");
    }
    assert_eq!(ours(&["ip", "-c=never", "-N", "link", "show", "lo"]).code, 0);
}

#[test]
fn bad_input_is_refused_with_the_fix_and_changes_nothing() {
    sandboxed("bad_input_is_refused_with_the_fix_and_changes_nothing", || {
        ours(&["ip", "link", "add", "br0", "type", "bridge"]).ok();
        let before = ours(&["ip", "addr"]);
        for (words, code, hint) in [
            (&["ip", "link", "set", "lo", "name", "toolongtoolongtoolong"][..], 255, "1 to 15 bytes"),
            (&["ip", "link", "add", "a/b", "type", "bridge"], 255, "without \"/\""),
            (&["ip", "netns", "add", "a/b"], 255, "a namespace's name"),
            (&["ip", "netns", "del", "nope"], 1, "list them with: ip netns"),
            (&["ip", "-n", "nope", "link"], 255, "ip netns add nope"),
            (&["ip", "addr", "add", "10.0.0.1/24", "dev", "nope"], 1, "no link is called nope here"),
            (&["ip", "link", "add", "x", "type", "nosuchkind"], 2, "this kernel lacks that link kind"),
            (&["ip", "route", "add", "10.0.0.0/8", "via", "192.0.2.1"], 2, "the gateway must be on a network"),
            (&["ip", "netns", "exec", "nope", "true"], 255, "no namespace is called nope"),
        ] {
            let ran = support::hinted(words);
            assert_eq!(ran.code, code, "{words:?}: {ran:?}");
            assert!(ran.err.contains("netstrap: hint: ") && ran.err.contains(hint), "{words:?}: {ran:?}");
            assert!(!ours(words).err.contains("hint"), "{words:?}");
        }
        assert_eq!(ours(&["ip", "addr"]), before);
    });
}
