//! Everything that a file can say of addresses, routes, rules, neighbours, VLANs and parameters is read back from the
//! kernel as equal to what was sent: a second plan is empty, and what is not asked for any more goes without a trace.
//! Planner and socket layer alone, in a sandbox.

#![allow(clippy::unwrap_used, clippy::panic)]

mod nets;
mod support;

use nets::{BASE, Host};
use netstrap::model::op::Op;
use netstrap::model::plan::{Act, Sign};
use support::{ours, sandboxed};

/// Applies the base with lines of a key, then the base alone; a line for each of what is wrong.
#[track_caller]
fn each(key: &str, lines: &[&str]) {
    let mut host = Host::new("t");
    host.must(BASE);
    let world = host.look(&nets::topology(BASE));
    let mut wrong = Vec::new();
    for line in lines {
        // The base with the key in the table of the host, or of the link `c`.
        let text = match key {
            "address" => format!("{BASE}address = [\"{line}\"]\n"),
            _ => BASE.replacen("\n[", &format!("\n{key} = [\"{}\"]\n[", line.replace(" | ", "\", \"")), 1),
        };
        let steps = host.apply(&text);
        match steps {
            Ok(steps) if steps.is_empty() => wrong.push(format!("{line}: nothing done")),
            Ok(_) => {}
            Err(text) => wrong.push(format!("{line}: {text}")),
        }
        if let Err(text) = host.apply(BASE) {
            wrong.push(format!("{line}: taken away: {text}"));
        }
        let mut now = host.look(&nets::topology(BASE));
        // What the kernel counts and learns by itself.
        now.places[0].state.links = world.places[0].state.links.clone();
        let (now, before) = (&now.places[0], &world.places[0]);
        if now.rules != before.rules {
            wrong.push(format!("{line}: rules left: {:#?}", now.rules));
        }
        // The kernel's own come and go with carriers.
        if let Some(route) =
            now.state.routes.iter().find(|route| route.protocol != 2 && !before.state.routes.contains(route))
        {
            wrong.push(format!("{line}: a route is left: {route:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

#[test]
fn addresses_are_read_back() {
    sandboxed("addresses_are_read_back", || {
        each(
            "address",
            &[
                "10.3.0.1/24",
                "10.3.0.1/32",
                "10.3.0.1/31",
                "10.3.0.1/24\", \"10.3.0.2/24\", \"10.3.0.3/25",
                "10.3.0.1/24 broadcast +",
                "10.3.0.1/24 broadcast -",
                "10.3.0.1/24 broadcast 10.3.0.77",
                "10.3.0.1/24 scope link",
                "10.3.0.1/24 scope host",
                "10.3.0.1/24 scope 7",
                "10.3.0.1/24 scope nowhere",
                "10.3.0.1/24 metric 0",
                "10.3.0.1/24 metric 77",
                "10.3.0.1/24 nodad",
                "10.3.0.1/24 noprefixroute",
                "10.3.0.1/32 peer 10.3.0.2",
                "10.3.0.1/32 peer 10.3.0.2/24",
                "10.3.0.1/24 peer 10.3.0.2 metric 5 scope link noprefixroute",
                "127.0.0.2/8",
                "127.1.0.1/32 scope global",
                "fd03::1/64",
                "fd03::1/128",
                "fd03::1/64 nodad",
                "fd03::1/64 metric 0",
                "fd03::1/64 metric 77 noprefixroute nodad",
                "fd03::1/64 scope link",
                "fd03::1/128 peer fd03::2",
                "fd03::1/128 peer fd03::2/64",
                "fd03::1/64\", \"fd03::2/64\", \"fd04::1/112",
                "fe80::77/64",
                "fe80::77/128 nodad",
            ],
        );
    });
}

#[test]
fn routes_are_read_back() {
    sandboxed("routes_are_read_back", || {
        each(
            "route",
            &[
                "default via 10.1.0.2",
                "default via 10.1.0.2 metric 0",
                "default via 10.1.0.2 metric 100",
                "default via 10.1.0.2 dev a",
                "default dev a",
                "default dev a scope global",
                "default dev a metric 5 | default dev b metric 6 | default via 10.1.0.2",
                "0.0.0.0/1 dev a | 128.0.0.0/1 dev a",
                "10.9.0.0/16 via 10.1.0.2 | default via 10.2.0.2",
                "10.9.0.0/16 via 10.1.0.2 src 10.1.0.1",
                "10.9.0.0/16 dev a src 10.2.0.1",
                "10.9.0.0/16 dev a scope host",
                "10.9.0.0/16 dev a scope 200",
                "10.9.0.0/16 via 10.77.0.1 dev a onlink",
                "10.9.0.0/16 via inet6 fe80::1 dev a",
                "10.9.0.0/16 via inet6 fd01::2 dev a",
                "10.9.0.1 dev a",
                "10.9.0.1/32 via 10.1.0.2 table 100",
                "10.9.0.0/16 via 10.1.0.2 table 70000",
                "10.9.0.0/16 via 10.1.0.2 table default",
                "10.9.0.0/16 via 10.1.0.2 pref high",
                "10.9.0.0/16 via 10.1.0.2 mtu 1400",
                "10.9.0.0/16 via 10.1.0.2 mtu lock 1400 advmss 1300 window 5000 hoplimit 3 cwnd 9 ssthresh 7",
                "10.9.0.0/16 via 10.1.0.2 mtu lock 1400 hoplimit lock 3",
                "10.9.0.0/16 via 10.1.0.2 initcwnd 11 initrwnd 12 reordering 4 quickack 1",
                "10.9.0.0/16 via 10.1.0.2 mtu 100000 advmss 70000 hoplimit 255",
                "10.9.0.0/16 via 10.1.0.2 mtu 0 window 4000",
                "10.9.0.0/16 via 10.1.0.2 mtu 0",
                "blackhole 10.9.0.0/16",
                "unreachable 10.9.0.0/16 metric 4294967295",
                "prohibit default metric 9",
                "throw 10.9.0.0/16 table 100",
                "local 10.9.0.0/24 dev lo",
                "local 10.9.0.0/24 dev a",
                "local 10.9.0.0/24 dev lo table 100",
                "broadcast 10.9.0.255 dev a",
                "multicast 224.9.0.0/16 dev a",
                "anycast 10.9.0.9 dev a",
                "unicast 10.9.0.0/16 dev a",
                "10.9.0.0/16 nexthop via 10.1.0.2 nexthop via 10.2.0.2",
                "10.9.0.0/16 nexthop via 10.1.0.2 weight 3 nexthop via 10.2.0.2 dev b weight 256",
                "10.9.0.0/16 nexthop dev a weight 2 nexthop dev b",
                "10.9.0.0/16 nexthop via 10.1.0.2 nexthop via 10.1.0.3 nexthop via 10.2.0.9 onlink dev b",
                "10.9.0.0/16 nexthop via 10.77.0.2 dev a onlink nexthop via inet6 fe80::9 dev b",
                "10.9.0.0/16 nexthop via 10.1.0.2",
                "10.9.0.0/16 nexthop via 10.1.0.2 dev a onlink weight 7",
                "10.9.0.0/16 metric 7 table 9 mtu 1400 nexthop via 10.1.0.2 nexthop via 10.2.0.2",
                // Beside the ones that the kernel makes for addresses.
                "10.1.0.0/24 dev a",
                "10.1.0.0/24 dev a src 10.1.0.1",
                "10.1.0.0/24 via 10.2.0.2",
                "::/0 via fd01::2",
                "default via fd01::2 metric 1024",
                "default via fe80::2 dev a",
                "::/0 dev a",
                "::/0 dev a metric 0 | ::/0 dev b metric 1",
                "fd09::/16 via fd01::2 dev a src fd01::1 metric 5",
                "fd09::/16 dev a src fd02::1",
                "fd09::/16 via fe80::77 dev a onlink",
                "fd09::/16 via fd77::1 dev a onlink",
                "fd09::1 dev a",
                "fd09::/16 via fd01::2 table 70000",
                "fd09::/16 via fd01::2 pref high",
                "fd09::/16 via fd01::2 pref low",
                "fd09::/16 via fd01::2 pref medium",
                "fd09::/16 via fd01::2 scope link",
                "fd09::/16 via fd01::2 mtu lock 1400 advmss 1300 hoplimit 3 initcwnd 11 quickack 1",
                "blackhole fd09::/16",
                "unreachable fd09::/16 metric 7",
                "prohibit ::/0",
                "throw fd09::/16 table 100",
                "local fd09::/64 dev lo",
                "local fd09::/64 dev a table 100",
                "anycast fd09::9 dev a",
                "multicast ff09::/16 dev a",
                "fd09::/16 nexthop via fd01::2 nexthop via fd02::2",
                "fd09::/16 nexthop via fd01::2 weight 3 nexthop via fd02::2 dev b weight 256",
                "fd09::/16 nexthop via fe80::2 dev a nexthop via fe80::2 dev b nexthop via fd01::3",
                "fd09::/16 nexthop via fd77::2 dev a onlink nexthop via fd02::2",
                "fd09::/16 nexthop via fd01::2",
                "fd09::/16 metric 7 table 9 mtu 1400 nexthop via fd01::2 nexthop via fd02::2",
                "fd01::/64 dev a",
                "fd01::/64 via fd02::2",
            ],
        );
    });
}

#[test]
fn rules_are_read_back() {
    sandboxed("rules_are_read_back", || {
        each(
            "rule",
            &[
                "from 10.0.0.0/8 table 100",
                "from 10.0.0.0/8 table 70000 priority 5",
                "from 10.0.0.0/8",
                "from 10.0.0.1 to 10.0.0.0/8 lookup main",
                "not from 10.0.0.0/8 table 100",
                "from all table 100",
                "from 0.0.0.0/0 table 100 priority 0",
                "to 10.0.0.0/8 table 100 | to 11.0.0.0/8 table 100 | from ::/0 table 100 | to fd00::/8 table 9",
                "to 10.0.0.0/8 table 100 priority 7 | to 10.0.0.0/8 table 101 priority 7",
                "iif a oif b table 100",
                "iif nope table 100",
                "iif lo table 100",
                "tos 16 table 100",
                "fwmark 1 table 100",
                "fwmark 0x10/0xff table 100",
                "fwmark 0/0xff table 100",
                "fwmark 0 table 100",
                "fwmark 5/0xffffffff table 100",
                "uidrange 0-99 table 100",
                "uidrange 5 table 100",
                "ipproto tcp sport 1-2 dport 80 table 100",
                "ipproto 17 dport 53 table local",
                "ipproto icmp table 100",
                "suppress_prefixlength 0 table main",
                "suppress_prefixlength 32 table main",
                "l3mdev",
                "l3mdev priority 1000",
                "priority 7 goto 9",
                "priority 7 goto 32766",
                "goto 32766",
                "blackhole",
                "unreachable from 10.0.0.0/8",
                "prohibit iif a priority 4294967295",
                "from ::/0",
                "from fd00::/8 table 100",
                "not to fd00::1 table 100 priority 3",
                "from ::/0 iif a oif b fwmark 7/15 tos 16 uidrange 0-1 ipproto sctp sport 7 dport 8-9 table 70000",
                "from ::/0 suppress_prefixlength 0 table main",
                "from ::/0 l3mdev",
                "from ::/0 priority 7 goto 32766",
                "from fd00::/8 prohibit",
            ],
        );
    });
}

#[test]
fn neighbours_are_read_back() {
    sandboxed("neighbours_are_read_back", || {
        each(
            "neigh",
            &[
                "10.1.0.9 lladdr 02:00:00:00:00:09 dev a",
                "10.1.0.9 lladdr 02:00:00:00:00:09 dev a nud permanent | 10.1.0.9 lladdr 02:00:00:00:00:09 dev b",
                "10.1.0.9 lladdr 02:00:00:00:00:09 dev a nud noarp",
                "10.1.0.9 lladdr 02:00:00:00:00:09 dev a router",
                "10.1.0.9 lladdr 02:00:00:00:00:09 dev c",
                "fd01::9 lladdr 02:00:00:00:00:09 dev a",
                "fd01::9 lladdr 02:00:00:00:00:09 dev a nud noarp router",
                "fe80::9 lladdr 02:00:00:00:00:09 dev a router",
                "proxy 10.1.0.9 dev a",
                "proxy fd01::9 dev a",
                "proxy fd01::9 dev a | fd01::9 lladdr 02:00:00:00:00:09 dev a",
                "proxy fd01::9 dev a router",
            ],
        );
    });
}

/// Changes of one thing, each from the one line to the other and back.
#[test]
fn changes_are_made_in_place() {
    sandboxed("changes_are_made_in_place", || {
        let mut host = Host::new("t");
        host.must(BASE);
        let mut wrong = Vec::new();
        for (key, one, other) in [
            ("route", "10.9.0.0/16 via 10.1.0.2", "10.9.0.0/16 via 10.2.0.2"),
            ("route", "10.9.0.0/16 via 10.1.0.2", "10.9.0.0/16 via 10.1.0.2 mtu 1400"),
            ("route", "10.9.0.0/16 via 10.1.0.2", "blackhole 10.9.0.0/16"),
            ("route", "10.9.0.0/16 via 10.1.0.2", "10.9.0.0/16 dev b"),
            ("route", "10.9.0.0/16 dev a", "10.9.0.0/16 dev a scope host"),
            ("route", "10.9.0.0/16 via 10.1.0.2", "10.9.0.0/16 nexthop via 10.1.0.2 nexthop via 10.2.0.2"),
            (
                "route",
                "10.9.0.0/16 nexthop via 10.1.0.2 weight 2 nexthop via 10.2.0.2",
                "10.9.0.0/16 nexthop via 10.1.0.2 nexthop via 10.2.0.2",
            ),
            ("route", "fd09::/16 via fd01::2", "fd09::/16 via fd02::2"),
            ("route", "fd09::/16 via fd01::2", "fd09::/16 via fd01::2 mtu 1400"),
            ("route", "fd09::/16 via fd01::2", "blackhole fd09::/16"),
            ("route", "fd09::/16 via fd01::2", "fd09::/16 dev b"),
            ("route", "fd09::/16 dev a", "fd09::/16 dev b"),
            ("route", "unreachable fd09::/16", "prohibit fd09::/16"),
            ("route", "fd09::/16 via fd01::2 pref low", "fd09::/16 via fd01::2"),
            ("route", "fd09::/16 via fd01::2", "fd09::/16 nexthop via fd01::2 nexthop via fd02::2"),
            ("route", "fd09::/16 dev a", "fd09::/16 nexthop via fd01::2 nexthop via fd02::2"),
            (
                "route",
                "fd09::/16 nexthop via fd01::2 weight 2 nexthop via fd02::2",
                "fd09::/16 nexthop via fd01::2 nexthop via fd01::3 nexthop via fd02::2",
            ),
            ("address", "10.3.0.1/24", "10.3.0.1/24 metric 7"),
            ("address", "10.3.0.1/24", "10.3.0.1/24 scope link"),
            ("address", "10.3.0.1/24", "10.3.0.1/24 noprefixroute"),
            ("address", "10.3.0.1/24", "10.3.0.1/25"),
            ("address", "10.3.0.1/24 broadcast 10.3.0.77", "10.3.0.1/24 broadcast +"),
            ("address", "10.3.0.1/32 peer 10.3.0.2/24", "10.3.0.1/32 peer 10.3.0.3/24"),
            ("address", "fd03::1/64", "fd03::1/64 metric 7"),
            ("address", "fd03::1/64", "fd03::1/64 noprefixroute"),
            ("address", "fd03::1/64", "fd03::1/64 nodad"),
            ("address", "fd03::1/64", "fd03::1/96"),
            ("address", "fd03::1/128", "fd03::1/128 peer fd03::2"),
            ("address", "fd03::1/128 peer fd03::2", "fd03::1/128 peer fd03::3"),
            ("rule", "to 10.0.0.0/8 table 100", "to 10.0.0.0/8 table 101"),
            ("rule", "to 10.0.0.0/8 table 100", "not to 10.0.0.0/8 table 100"),
            (
                "rule",
                "to 10.0.0.0/8 table 100 | to 11.0.0.0/8 table 100",
                "to 11.0.0.0/8 table 100 | to 10.0.0.0/8 table 100",
            ),
            ("neigh", "10.1.0.9 lladdr 02:00:00:00:00:09 dev a", "10.1.0.9 lladdr 02:00:00:00:00:0a dev a"),
            ("neigh", "10.1.0.9 lladdr 02:00:00:00:00:09 dev a", "10.1.0.9 lladdr 02:00:00:00:00:09 dev a nud noarp"),
            ("neigh", "fd01::9 lladdr 02:00:00:00:00:09 dev a", "fd01::9 lladdr 02:00:00:00:00:09 dev a router"),
        ] {
            let text = |line: &str| match key {
                "address" => format!("{BASE}address = [\"{line}\"]\n"),
                _ => BASE.replacen("\n[", &format!("\n{key} = [\"{}\"]\n[", line.replace(" | ", "\", \"")), 1),
            };
            for line in [one, other, one] {
                if let Err(text) = host.apply(&text(line)) {
                    wrong.push(format!("{one} -> {other}: {text}"));
                }
            }
            host.must(BASE);
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    });
}

/// Applies texts one after another; each must be made by one run and leave nothing to do.
#[track_caller]
fn in_turn(host: &mut Host, texts: &[&str]) {
    for text in texts {
        if let Err(wrong) = host.apply(text) {
            panic!("{text}: {wrong}");
        }
    }
}

#[test]
fn vlans_are_read_back() {
    sandboxed("vlans_are_read_back", || {
        let mut host = Host::new("t");
        let bridge = |options: &str, own: &str, port: &str| {
            let list = |vlans: &str| if vlans.is_empty() { String::new() } else { format!("vlan = [{vlans}]\n") };
            format!(
                "name = \"t\"\n[bridge.br]\n{options}\n{}[veth.a]\nmaster = \"br\"\n{}peer = {{ name = \"b\" }}\n",
                list(own),
                list(port)
            )
        };
        let on = "vlan_filtering = true";
        let plain = host.must(&bridge("", "", ""));
        assert!(!plain.iter().any(|step| matches!(&step.act, Act::Op(op) if matches!(**op, Op::BridgeVlan(_)))));
        host.must("name = \"t\"\n");
        match host.apply(&bridge(on, "", "")) {
            // CONFIG_BRIDGE_VLAN_FILTERING is not set: the kernel must say so, and nothing else can be asked of it.
            Err(text) if text.contains("EOPNOTSUPP") => return,
            made => assert!(made.is_ok(), "{made:?}"),
        }
        for (options, own, port) in [
            (on, "", ""),
            (on, "", r#""10 pvid untagged", "20-30""#),
            (on, "", r#""1", "10 pvid""#),
            (on, r#""10", "20-22 untagged", "23""#, r#""10 untagged", "11 pvid untagged", "12-4094""#),
            (on, r#""1 pvid untagged", "7""#, r#""2-9 untagged""#),
            ("", "", r#""10 pvid untagged""#),
            ("vlan_filtering = true\nvlan_default_pvid = 5", "", r#""10 pvid untagged", "5""#),
            ("vlan_filtering = true\nvlan_default_pvid = 0", "", r#""10 pvid untagged""#),
            ("vlan_filtering = true\nvlan_default_pvid = 0", "", ""),
        ] {
            // From nothing, from what comes of nothing said, and away again.
            let text = bridge(options, own, port);
            in_turn(&mut host, &[&text, "name = \"t\"\n", &bridge(on, "", ""), "name = \"t\"\n"]);
            if !options.contains("default_pvid") {
                in_turn(
                    &mut host,
                    &[
                        &bridge(on, "", ""),
                        &text.replacen("[bridge.br]\n\n", "[bridge.br]\nvlan_filtering = true\n", 1),
                        &bridge(on, "", ""),
                    ],
                );
            }
            in_turn(&mut host, &["name = \"t\"\n"]);
        }
        // What somebody changes is changed back.
        let text = bridge(on, "", r#""10 pvid untagged", "20-30""#);
        in_turn(&mut host, &[&text]);
        ours(&["bridge", "vlan", "del", "dev", "a", "vid", "25"]).ok();
        ours(&["bridge", "vlan", "add", "dev", "a", "vid", "40", "pvid"]).ok();
        let steps = host.must(&text);
        assert_eq!(steps.iter().filter(|step| step.sign == Sign::Change).count(), 1, "{steps:#?}");
        assert_eq!(steps[0].why[0].from, "10 untagged, 20-24, 26-30, 40 pvid");
        assert_eq!(steps[0].why[0].to, "10 pvid untagged, 20-30");
    });
}

#[test]
fn parameters_are_read_back() {
    sandboxed("parameters_are_read_back", || {
        let mut host = Host::new("t");
        let text = r#"
name = "t"
forward = ["ipv4", "ipv6"]
sysctl = { "net.ipv4.ip_local_port_range" = "20000 30000", "net.ipv4.conf.all.rp_filter" = 2 }
[veth."a.1"]
sysctl = { "net.ipv4.conf.rp_filter" = 1, "net.ipv6.neigh.retrans_time_ms" = 2000, "net.ipv6.conf.forwarding" = 1 }
peer = { name = "b" }
"#;
        let steps = host.must(text);
        assert!(steps.iter().filter(|step| matches!(step.act, Act::Sysctl { .. })).count() >= 7);
        ours(&["sysctl", "-w", "net.ipv4.conf.a/1.rp_filter=0"]).ok();
        let steps = host.must(text);
        assert_eq!((steps.len(), &*steps[0].why[0].from, &*steps[0].why[0].to), (1, "0", "1"));
    });
}
