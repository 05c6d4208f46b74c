//! Routes and neighbours beside the tools that they stand for: `ip` beside iproute2, `arp` and
//! `route` beside net-tools, in two equal sandboxes; then what only netstrap says.

mod support;

use support::{hinted, ours, sandboxed, theirs};

#[test]
fn route_answers_are_iproute2s() {
    support::same_answers("route_answers_are_iproute2s", include_str!("data/ip-route.txt"));
}

#[test]
fn inet6_route_answers_are_iproute2s() {
    support::same_answers("inet6_route_answers_are_iproute2s", include_str!("data/ip-route-inet6.txt"));
}

#[test]
fn neighbour_answers_are_iproute2s() {
    support::same_answers("neighbour_answers_are_iproute2s", include_str!("data/ip-neighbour.txt"));
}

#[test]
fn routes_with_tunnels_and_details_are_iproute2s() {
    support::same_answers("routes_with_tunnels_and_details_are_iproute2s", include_str!("data/ip-route-more.txt"));
}

#[test]
fn rule_answers_are_iproute2s() {
    support::same_answers("rule_answers_are_iproute2s", include_str!("data/ip-rule.txt"));
}

#[test]
fn nexthop_answers_are_iproute2s() {
    support::same_answers("nexthop_answers_are_iproute2s", include_str!("data/ip-nexthop.txt"));
}

#[test]
fn route_applet_answers_are_net_tools() {
    support::same_answers("route_applet_answers_are_net_tools", include_str!("data/route.txt"));
}

#[test]
fn arp_applet_answers_are_net_tools() {
    support::same_answers("arp_applet_answers_are_net_tools", include_str!("data/arp.txt"));
}

/// Runs a line of words by our binary.
fn line(words: &str) -> support::Ran {
    ours(&words.split(' ').collect::<Vec<_>>())
}

fn veth() {
    for words in [
        "ip link add v0 type veth peer name v1",
        "ip link set v0 up",
        "ip link set v1 up",
        "ip addr add 192.168.15.1/24 dev v0",
    ] {
        line(words).ok();
    }
}

#[test]
fn both_tools_read_and_delete_what_the_other_made() {
    sandboxed("both_tools_read_and_delete_what_the_other_made", || {
        veth();
        line("ip route add default via 192.168.15.2 mtu lock 1400").ok();
        line("ip route add 10.5.0.0/16 nexthop via 192.168.15.2 weight 2 nexthop dev v1").ok();
        line("ip neigh add 192.168.15.2 lladdr 02:00:00:00:00:02 dev v0").ok();
        theirs(&["route", "add", "-net", "10.6.0.0/16", "gw", "192.168.15.2"]).ok();
        theirs(&["arp", "-s", "192.168.15.3", "02:00:00:00:00:03"]).ok();
        for words in
            ["ip -j route", "ip -j route show table all", "route -n", "arp -n 192.168.15.3", "arp -an 192.168.15.2"]
        {
            let words: Vec<&str> = words.split(' ').collect();
            assert_eq!(ours(&words), theirs(&words), "{words:?}");
        }
        theirs(&["ip", "route", "del", "10.5.0.0/16"]).ok();
        theirs(&["route", "del", "default"]).ok();
        theirs(&["arp", "-d", "192.168.15.2"]).ok();
        line("ip route del 10.6.0.0/16").ok();
        line("arp -d 192.168.15.3").ok();
        let left = "192.168.15.0/24 dev v0 proto kernel scope link src 192.168.15.1 \n";
        assert_eq!((line("ip route").ok().as_str(), line("ip -4 neigh").ok().as_str()), (left, ""));
    });
}

#[test]
fn a_refusal_names_its_fix() {
    sandboxed("a_refusal_names_its_fix", || {
        veth();
        line("ip link add br0 type bridge").ok();
        for (words, hint) in [
            ("ip route add default via 10.9.9.9", "the gateway must be on a network that an address here belongs to"),
            ("ip route add 10.0.0.0/8 dev nope", "no link is called nope here; list them with: ip link"),
            ("ip route add 10.0.0.0/8 dev br0", "ip link set DEVICE up"),
            ("ip route get 8.8.8.8", "no route leads to 8.8.8.8; add one: ip route add default via GATEWAY"),
            ("ip neigh add 192.168.15.2 lladdr 02:00:00:00:00:02 dev nope", "no link is called nope here"),
            ("route add default gw 10.9.9.9", "the gateway must be on a network that an address here belongs to"),
            ("route add -net 10.0.0.0 dev v0", "give the network its mask: -net ADDRESS netmask MASK"),
            ("route del default", "list them with: route -n"),
            ("arp -s 10.9.9.9 02:00:00:00:00:02", "give the device: -i IFACE"),
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            let (plain, hinted) = (ours(&words), hinted(&words));
            assert!(plain.code != 0 && !plain.err.contains("hint:"), "{plain:?}");
            assert!(hinted.err.starts_with(&plain.err) && hinted.err.contains(hint), "{hinted:?}");
        }
    });
}

#[test]
fn what_is_not_supported_is_named() {
    sandboxed("what_is_not_supported_is_named", || {
        veth();
        for (words, named) in [
            ("ip route save", "\"ip route save\" is not supported by netstrap"),
            ("ip route restore", "\"ip route restore\" is not supported by netstrap"),
            ("ip route add 10.0.0.0/8 encap bpf in obj x dev v0", "\"bpf\" is not supported by netstrap"),
            ("ip route add 10.0.0.0/8 encap ip vxlan_opts 1 dev v0", "\"vxlan_opts\" is not supported by netstrap"),
            ("ip route add 10.0.0.0/8 dev v0 as to 10.0.0.1", "\"as\" is not supported by netstrap"),
            ("ip rule save", "\"ip rule save\" is not supported by netstrap"),
            ("route add 10.0.0.1 dev v0 mod", "\"mod\" is not supported by netstrap"),
            ("arp -f /etc/ethers", "option -f is not supported by netstrap"),
            ("arp -s 192.168.15.2 02:00:00:00:00:02 auto", "\"auto\" is not supported by netstrap"),
        ] {
            let ran = line(words);
            assert!(ran.code != 0 && ran.err.contains(named), "{words}: {ran:?}");
        }
        assert_eq!(line("ip route").ok(), theirs(&["ip", "route"]).ok());
    });
}

#[test]
fn an_applet_runs_in_the_namespace_of_n() {
    sandboxed("an_applet_runs_in_the_namespace_of_n", || {
        veth();
        line("ip netns add red").ok();
        line("ip link set v1 netns red").ok();
        line("ip -n red addr add 192.168.15.2/24 dev v1").ok();
        line("ip -n red link set v1 up").ok();
        line("ip -n red neigh add 192.168.15.9 lladdr 02:00:00:00:00:09 dev v1").ok();
        assert!(line("ip -n red arp -n").ok().ends_with("02:00:00:00:00:09   CM                    v1\n"));
        assert!(line("ip -n red route").ok().starts_with("192.168.15.0/24 dev v1 "));
        assert!(
            line("ip netns exec red route -n").ok().contains("\n192.168.15.0    0.0.0.0         255.255.255.0   U ")
        );
        assert_eq!(line("arp -n").ok(), "");
    });
}

#[test]
fn many_routes_are_flushed_at_once() {
    sandboxed("many_routes_are_flushed_at_once", || {
        veth();
        for index in 0..200 {
            line(&format!("ip route add 10.{index}.0.0/16 via 192.168.15.2 proto static")).ok();
        }
        line("ip route flush proto static").ok();
        assert_eq!(line("ip route").ok().lines().count(), 1);
    });
}
