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
