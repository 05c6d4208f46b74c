//! `netstrap plan --as ip`: its lines, run by the real ip, bridge, sysctl and nft, make what `apply` makes: a plan says
//! then that there is nothing to do. From nothing, from one file to another, and back to nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::Command;

use support::{Ran, ours, run, sandboxed, theirs, tool};

/// The lines for a file.
fn lines(file: &str) -> String {
    let ran = ours(&["plan", "--as", "ip", "--replace", "--adopt", file]);
    assert_eq!((ran.code, ran.err.as_str()), (2, ""), "{file}: {ran:?}");
    ran.out
}

/// Runs lines with nothing but the tools of the system.
fn sh(lines: &str) -> Ran {
    std::fs::write("/run/lines.sh", lines).unwrap();
    run(Command::new(tool("sh")).arg("/run/lines.sh").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
}

/// Makes what a file says by the real tools, and sees that nothing is left to do. What is taken away may take along
/// what should stay, so that it is planned again, as in `apply`.
#[track_caller]
fn by_hand(file: &str) {
    let mut all = String::new();
    for _ in 0..3 {
        let lines = lines(file);
        all += &lines;
        let ran = sh(&lines);
        let is_gone = |line: &str| {
            lines.contains("|| :") && ["RTNETLINK answers", "Cannot find device"].iter().any(|text| line.contains(text))
        };
        assert!(ran.code == 0 && ran.err.lines().all(is_gone), "{file}: {}\n{lines}", ran.err);
        if ours(&["plan", file]).code == 0 {
            break;
        }
    }
    let ran = ours(&["plan", file]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "nothing to do\n", ""), "{file} after\n{all}");
    assert_eq!(ours(&["status", file]).ok(), "as asked\n");
    assert_eq!(ours(&["plan", "--as", "ip", file]).ok(), "set -e\n");
    assert_eq!(ours(&["plan", "--json", file]).ok(), "[]\n");
}

/// Writes a file and makes it so.
#[track_caller]
fn step(text: &str) {
    std::fs::write("/run/lab.toml", format!("name = 'lab'\n{text}")).unwrap();
    by_hand("/run/lab.toml");
}

/// Makes steps one after the other, and nothing at the end; nothing of them is left.
#[track_caller]
fn chain(steps: &[&str]) {
    let before = state();
    steps.iter().for_each(|text| step(text));
    step_to_nothing();
    assert_eq!(state(), before);
}

#[track_caller]
fn step_to_nothing() {
    step("");
}

/// What the real tools see of the host.
fn state() -> String {
    let mut all = String::new();
    for words in [
        "ip netns list",
        "ip -br link",
        "ip -br address",
        "ip route show table all",
        "ip rule",
        "ip -6 rule",
        "nft list ruleset",
    ] {
        all.push_str(&theirs(&words.split(' ').collect::<Vec<_>>()).ok());
    }
    all
}

#[test]
fn the_examples() {
    sandboxed("the_examples", || {
        theirs(&["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far"]).ok();
        theirs(&["ip", "link", "set", "eth0", "up"]).ok();
        theirs(&["ip", "link", "set", "far", "up"]).ok();
        for name in ["walkthrough", "lab-a", "lab-b", "router"] {
            by_hand(&format!("{}/examples/{name}.toml", env!("CARGO_MANIFEST_DIR")));
        }
    });
}

#[test]
fn veths_wherever_their_ends_are() {
    sandboxed("veths_wherever_their_ends_are", || {
        chain(&[
            // Host and namespace, namespace and host, two namespaces, one namespace, with a master in a namespace.
            "[veth.a]\npeer = { name = 'a1', netns = 'n' }\n[netns.n]\n[netns.m.veth.b]\npeer = { name = 'b1' }",
            "[netns.n.veth.c]\nmac = '02:00:00:00:00:01'\nmtu = 1400\npeer = { name = 'c1', netns = 'm', mtu = 1300 }
             [netns.m.veth.d]\npeer = { name = 'd1', netns = 'm' }",
            "[netns.n.bridge.br]\n[netns.n.veth.e]\nmaster = 'br'\npeer = { name = 'e1', up = false }",
            "[netns.n.bridge.br]\n[netns.n.veth.e]\nmtu = 1400\ntxqueuelen = 7\nalias = \"it's $(id)\"\npeer = { name = 'e1' }",
            "[netns.n.veth.e]\npeer = { name = 'e1', netns = 'm' }\n[netns.m]",
        ]);
    });
}

#[test]
fn links_of_every_kind_that_is_here() {
    sandboxed("links_of_every_kind_that_is_here", || {
        chain(&[
            "[bridge.br]\nstp = true\npriority = 100\nforward_delay = 400\nageing_time = 1000\nmcast_snooping = false
             [macvlan.m]\nlink = 'br'\nmode = 'bridge'\n[netns.n.macvlan.m]\nlink = 'host:br'\nmode = 'private'
             [vxlan.x]\nid = 5\nlocal = '10.0.0.1'\nremote = '10.0.0.2'\nttl = 7\nlearning = false
             [vxlan.y]\nid = 6\ngroup = 'ff05::1'\ndev = 'br'\ndstport = 4790
             [tap.t]\nuser = 5\nmulti_queue = true\nvnet_hdr = true\nmaster = 'br'\n[tap.u]\npi = true",
            "[bridge.br]\npriority = 200\nhello_time = 300\n[macvlan.m]\nlink = 'br'\nmode = 'vepa'
             [netns.n.macvlan.m]\nlink = 'host:br'\n[vxlan.x]\nid = 7\nlocal = '10.0.0.1'\nremote = '10.0.0.2'\nttl = 8
             [tap.t]\nuser = 6",
        ]);
    });
}

#[test]
fn addresses_routes_rules_and_neighbours() {
    sandboxed("addresses_routes_rules_and_neighbours", || {
        let veth = "[netns.n.veth.a]\npeer = { name = 'b', netns = 'n' }\naddress = ['10.0.0.1/24', 'fd00::1/64']";
        chain(&[
            &format!(
                "[netns.n]
                route = ['default via 10.0.0.2 metric 5', '::/0 via fd00::2 pref high', 'blackhole 10.9.0.0/16',
                    '10.8.0.0/16 dev a src 10.0.0.1 table 100 mtu lock 1400', 'unreachable fd09::/64 metric 7',
                    '10.7.0.0/16 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3 dev a onlink',
                    '10.6.0.0/16 via inet6 fd00::2 dev a']
                rule = ['from 10.0.0.0/24 table 100 priority 10', 'fwmark 0x10/0xff table 100 priority 11',
                    'from ::/0 iif a table 100 priority 12', 'to 10.9.0.0/16 tos 16 ipproto tcp dport 80 priority 13 blackhole', 'not from 10.9.0.0/16 table 102 priority 15',
                    'uidrange 0-99 oif b table main suppress_prefixlength 0 priority 14']
                neigh = ['10.0.0.9 lladdr 02:00:00:00:00:09 dev a', 'fd00::9 lladdr 02:00:00:00:00:0a dev a nud noarp router',
                    'proxy 10.0.0.8 dev a', 'proxy fd00::8 dev a']
                {veth}"
            ),
            &format!(
                "[netns.n]
                route = ['default via 10.0.0.3 metric 5', '10.8.0.0/16 dev a table 100', '10.7.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.4']
                rule = ['from 10.0.0.0/24 table 101 priority 10']
                neigh = ['10.0.0.9 lladdr 02:00:00:00:00:10 dev a', 'proxy 10.0.0.7 dev a']
                {veth}"
            ),
            "[netns.n.veth.a]\npeer = { name = 'b', netns = 'n' }
             address = ['10.0.0.1/24 metric 7 noprefixroute', '10.0.1.1/24 broadcast + scope link', '10.0.2.1/32 peer 10.0.2.2/32', 'fd00::1/64 noprefixroute']",
            "[netns.n.veth.a]\npeer = { name = 'b', netns = 'n' }\naddress = ['10.0.0.2/24', '10.0.0.1/24', '10.0.0.3/24']",
            "[netns.n.veth.a]\npeer = { name = 'b', netns = 'n' }\naddress = ['10.0.0.1/24', '10.0.0.3/24']",
        ]);
    });
}

#[test]
fn parameters_files_and_translations() {
    sandboxed("parameters_files_and_translations", || {
        chain(&[
            "[netns.n]
             forward = ['ipv4', 'ipv6']
             sysctl = { 'net.ipv4.ip_local_port_range' = '2000 3000', 'net.ipv4.tcp_mtu_probing' = 1 }
             dns = { nameserver = ['10.0.0.1', 'fd00::1'], search = ['a', 'b'], options = ['ndots:1'] }
             hosts = { db = ['10.0.0.5', 'fd00::5'] }
             [netns.n.veth.'v.1']
             sysctl = { 'net.ipv4.conf.rp_filter' = 2, 'net.ipv6.neigh.retrans_time_ms' = 500 }
             address = ['10.0.0.1/24']
             peer = { name = 'w', netns = 'n' }
             [[netns.n.masquerade]]
             from = ['10.0.0.0/24', 'fd00::/64']
             [[netns.n.masquerade]]
             from = '10.1.0.0/24'
             to = ['10.2.0.0/24', '10.3.0.1/32']
             out = 'w'
             [[netns.n.forward-port]]
             listen = 'tcp/8080'
             to = '10.0.0.2:80'
             [[netns.n.forward-port]]
             listen = 'udp/10.0.0.1:5000-5010'
             to = '10.0.0.3'
             in = 'w'
             [[netns.n.forward-port]]
             listen = 'tcp/[fd00:1111:2222:3333:4444:5555:6666:7777]:80'
             to = '[fd00::8]:8080'",
            "[netns.n]
             sysctl = { 'net.ipv4.ip_local_port_range' = '2000 4000' }
             dns = { nameserver = ['10.0.0.2'] }
             [netns.n.veth.'v.1']
             peer = { name = 'w', netns = 'n' }
             [[netns.n.masquerade]]
             from = '10.0.0.0/24'",
        ]);
    });
}

#[test]
fn what_others_renamed_took_down_or_deleted() {
    sandboxed("what_others_renamed_took_down_or_deleted", || {
        let file = "forward = ['ipv4']\n[bridge.br]\naddress = ['10.0.0.1/24']\n[netns.n]\nroute = ['default via 10.0.0.1']
            [netns.n.veth.a]\naddress = ['10.0.0.2/24']\npeer = { name = 'p', master = 'br' }\n[[masquerade]]\nfrom = '10.0.0.0/24'";
        step(file);
        for harm in [
            "ip -n n link set dev a name z",
            "ip link set dev p name '-x$(id)'",
            "ip link set dev p nomaster",
            "ip link set dev br down",
            "ip -n n address flush dev a",
            "ip -n n link set dev a down",
            "ip link delete dev p",
            "ip link delete dev br",
            "ip -n n link property add dev a altname b",
            "nft flush ruleset",
            "nft add rule ip netstrap-lab postrouting accept",
            "nft delete table ip netstrap-lab",
            "sysctl -qw net.ipv4.ip_forward=0",
            "ip netns delete n",
            "umount /run/netns/n",
        ] {
            run(Command::new("sh").args(["-c", harm])).ok();
            // Another name does no harm.
            if harm.contains("altname") {
                assert_eq!(ours(&["plan", "/run/lab.toml"]).code, 0);
            } else {
                step(file);
            }
        }
        step_to_nothing();
    });
}

#[test]
fn a_bridge_has_the_address_that_the_plan_says() {
    sandboxed("a_bridge_has_the_address_that_the_plan_says", || {
        let file = "/run/lab.toml";
        std::fs::write(file, "name = 'lab'\n[bridge.br]\n[netns.n.bridge.br]\n[netns.n.bridge.other]").unwrap();
        let planned = lines(file);
        assert_eq!(lines(file), planned);
        ours(&["apply", file]).ok();
        let mut seen: Vec<String> = Vec::new();
        for words in
            [&["ip", "-o", "link", "show", "br"][..], &["ip", "-o", "-n", "n", "link", "show", "type", "bridge"]]
        {
            for line in theirs(words).ok().lines() {
                let mac = line.split("link/ether ").nth(1).unwrap().split(' ').next().unwrap();
                assert!(planned.contains(&format!(" address {mac} ")), "{mac}: {planned}");
                seen.push(mac.to_owned());
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 3, "{seen:?}");
        // Another namespace is another machine.
        let elsewhere =
            run(Command::new(tool("unshare")).args(["-n", env!("CARGO_BIN_EXE_netstrap"), "plan", "--as", "ip", file]));
        assert!(seen.iter().all(|mac| !elsewhere.out.contains(mac.as_str())), "{elsewhere:?}");
    });
}
