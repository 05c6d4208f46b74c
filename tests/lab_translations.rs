//! Masquerading and forwarded ports of files, by packets; and others who empty the rule set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{WALKTHROUGH, alike, apply, down, file, in_use, sh, unchanged};
use support::snapshot::same;
use support::traffic::{PORT, answer, answer_on, ask, ask_at};
use support::{ours, sandboxed};

/// A world behind the host, of both families, that has no way back to what is inside.
const WORLD: &str = "ip netns add world; ip link add eth0 type veth peer name eth0 netns world
    ip addr add 198.51.100.1/24 dev eth0; ip addr add 2001:db8::1/64 dev eth0 nodad; ip link set eth0 up
    ip -n world addr add 198.51.100.2/24 dev eth0; ip -n world addr add 2001:db8::2/64 dev eth0 nodad
    ip -n world link set eth0 up";

#[test]
fn nft_flush_ruleset_by_others() {
    sandboxed("nft_flush_ruleset_by_others", || {
        sh(WORLD);
        in_use();
        let path = file("net", WALKTHROUGH);
        apply(WALKTHROUGH);
        answer("world", "198.51.100.2");
        assert_eq!(ask("red", "198.51.100.2"), "198.51.100.1");
        let good = alike();
        for flush in
            ["nft flush ruleset", "nft flush table ip netstrap-walkthrough", "nft delete table ip netstrap-walkthrough"]
        {
            sh(flush);
            for words in [["status", "walkthrough"], ["status", path.as_str()], ["plan", &path]] {
                let ran = ours(&words);
                assert!(ran.code == 2 && ran.out.contains("192.168.15.0/24"), "{flush}: {ran:?}");
            }
            let json = ours(&["status", "--json", "walkthrough"]);
            assert!(json.code == 2 && json.out.contains("192.168.15.0/24"), "{json:?}");
            assert!(apply(WALKTHROUGH).starts_with("changed: "));
            same(flush, &good, &alike());
            assert_eq!(ask("red", "198.51.100.2"), "198.51.100.1");
            assert_eq!(ours(&["status", "walkthrough"]).code, 0);
            unchanged(WALKTHROUGH);
        }
        // Rules of others in our table are not ours to leave: the table is.
        sh(
            "nft add rule ip netstrap-walkthrough $(nft list table ip netstrap-walkthrough | sed -n 's/.*chain \\([a-z]*\\).*/\\1/p' | head -n 1) counter drop",
        );
        assert_eq!(ours(&["status", "walkthrough"]).code, 2);
        apply(WALKTHROUGH);
        same("a rule of somebody else's", &good, &alike());
        down("walkthrough");
        assert_eq!(sh("nft list ruleset"), "");
    });
}

#[test]
fn both_families_out_and_ports_in() {
    sandboxed("both_families_out_and_ports_in", || {
        sh(WORLD);
        in_use();
        let text = r#"
            name    = "ports"
            forward = ["ipv4", "ipv6"]
            [bridge.b]
            address = ["10.9.0.1/24", "fd00:9::1/64"]
            [[masquerade]]
            from = ["10.9.0.0/24", "fd00:9::/64"]
            out = "eth0"
            [[forward-port]]
            listen = "udp/8080"
            to = "10.9.0.2:7007"
            in = "eth0"
            [[forward-port]]
            listen = "udp/[2001:db8::1]:9000-9001"
            to = "[fd00:9::2]:7007"
            [netns.red]
            route = ["default via 10.9.0.1", "default via fd00:9::1"]
            [netns.red.veth.v]
            address = ["10.9.0.2/24", "fd00:9::2/64"]
            peer = { name = "p", master = "b" }
            "#;
        apply(text);
        for address in ["198.51.100.2", "2001:db8::2"] {
            answer("world", address);
        }
        for address in ["10.9.0.2", "fd00:9::2"] {
            answer("red", address);
        }
        assert_eq!(ask("red", "198.51.100.2"), "198.51.100.1");
        assert_eq!(ask("red", "2001:db8::2"), "2001:db8::1");
        assert_eq!(ask_at("world", "198.51.100.1", 8080), "198.51.100.2");
        assert_eq!(ask_at("world", "2001:db8::1", 9001), "2001:db8::2");
        assert_eq!(ask_at("world", "198.51.100.1", 8081), "no answer");
        // The network's own packets are left alone.
        answer_on("", "10.9.0.1", PORT + 1);
        assert_eq!(ask_at("red", "10.9.0.1", PORT + 1), "10.9.0.2");
        unchanged(text);
        down("ports");
        assert_eq!(sh("nft list ruleset"), "");
    });
}
