//! Matches that are drawn, with options that the chain and the protocol take.

use super::generate::{INTERFACES, Making};

/// A word that tells that the match is there already, and what adds it.
pub type Match = (&'static str, fn(&mut Making<'_>));

pub const MATCHES: &[Match] = &[
    ("conntrack", conntrack),
    ("conntrack", conntrack),
    ("state", state),
    ("multiport", multiport),
    ("multiport", multiport),
    ("mark", mark),
    ("addrtype", addrtype),
    ("limit", limit),
    ("iprange", iprange),
    ("physdev", physdev),
    ("owner", owner),
    ("policy", policy),
];

const STATES: &[&str] = &[
    "NEW",
    "ESTABLISHED,RELATED",
    "RELATED,ESTABLISHED",
    "INVALID",
    "NEW,ESTABLISHED",
    "UNTRACKED",
    "NEW,INVALID,UNTRACKED",
];

fn conntrack(m: &mut Making<'_>) {
    m.add("-m conntrack");
    m.maybe_not(20);
    let states: Vec<&str> = STATES.iter().copied().chain(["DNAT", "SNAT", "RELATED,ESTABLISHED,DNAT"]).collect();
    let states = m.draw.one(&states);
    m.add("--ctstate");
    m.add(states);
}

fn state(m: &mut Making<'_>) {
    m.add("-m state");
    m.maybe_not(20);
    let states = m.draw.one(STATES);
    m.add("--state");
    m.add(states);
}

fn multiport(m: &mut Making<'_>) {
    if !m.has_ports() {
        return;
    }
    m.add("-m multiport");
    m.maybe_not(20);
    let option = m.draw.one(&["--dports", "--sports", "--ports", "--destination-ports", "--source-ports"]);
    let ports = m.draw.one(&[
        "22",
        "80,443",
        "500,4500",
        "6443,2379:2380,10250:10252",
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
        "domain,22",
        "0:65535",
        "1024:65535,53",
    ]);
    m.add(option);
    // Services have no ports of SCTP here.
    m.add(if m.protocol == Some("sctp") && ports.starts_with("domain") { "53" } else { ports });
}

fn mark(m: &mut Making<'_>) {
    m.add("-m mark");
    m.maybe_not(30);
    let mark = m.draw.one(&["1", "0x2000/0x2000", "0", "0xffffffff", "51820", "0x4000/0xff00", "0/0xff"]);
    m.add("--mark");
    m.add(mark);
}

fn addrtype(m: &mut Making<'_>) {
    m.add("-m addrtype");
    let kinds = ["LOCAL", "UNICAST", "MULTICAST", "BROADCAST,MULTICAST", "LOCAL,UNICAST,ANYCAST", "UNREACHABLE"];
    // The interface is limited where it is known.
    let limit = match m.chain {
        "PREROUTING" | "INPUT" => "--limit-iface-in",
        "POSTROUTING" | "OUTPUT" => "--limit-iface-out",
        _ => "",
    };
    let side = m.draw.below(3);
    for (option, wanted) in [("--src-type", side != 0), ("--dst-type", side != 1)] {
        if wanted {
            m.maybe_not(25);
            // IPv6 has no such addresses.
            let kind = if m.six { m.draw.one(&["LOCAL", "UNICAST", "MULTICAST"]) } else { m.draw.one(&kinds) };
            m.add(option);
            m.add(kind);
        }
    }
    if !limit.is_empty() && m.draw.chance(20) {
        m.add(limit);
    }
}

fn limit(m: &mut Making<'_>) {
    m.add("-m limit");
    let rate =
        m.draw.one(&["3/min", "5/minute", "1/s", "10/second", "1/hour", "7/day", "100/sec", "3/hour", "25/m", "9"]);
    if m.draw.chance(85) {
        m.add("--limit");
        m.add(rate);
    }
    if m.draw.chance(50) {
        let burst = m.draw.one(&["1", "10", "100", "5"]);
        m.add("--limit-burst");
        m.add(burst);
    }
}

fn iprange(m: &mut Making<'_>) {
    m.add("-m iprange");
    let four = ["192.168.1.100-192.168.1.200", "10.0.0.1-10.0.0.1", "0.0.0.0-255.255.255.255", "1.2.3.4"];
    let six = ["fd00::1-fd00::ff", "2001:db8::1-2001:db8::1", "::-ffff::"];
    let side = m.draw.below(3);
    for (option, wanted) in [("--src-range", side != 0), ("--dst-range", side != 1)] {
        if wanted {
            m.maybe_not(25);
            let range = if m.six { m.draw.one(&six) } else { m.draw.one(&four) };
            m.add(option);
            m.add(range);
        }
    }
}

fn physdev(m: &mut Making<'_>) {
    // The port that a frame leaves by is known for bridged ones only, where they are forwarded or later.
    let out = matches!(m.chain, "FORWARD" | "POSTROUTING");
    m.add("-m physdev");
    m.maybe_not(25);
    let name = m.draw.one(INTERFACES);
    match (m.draw.below(4), out) {
        (0, true) => m.add(&format!("--physdev-out {name} --physdev-is-bridged")),
        (1, _) => m.add("--physdev-is-in"),
        (2, true) => m.add("--physdev-is-bridged"),
        _ => m.add(&format!("--physdev-in {name}")),
    }
}

fn owner(m: &mut Making<'_>) {
    if !matches!(m.chain, "OUTPUT" | "POSTROUTING") {
        return;
    }
    m.add("-m owner");
    m.maybe_not(25);
    // Only root is a user in every user namespace.
    let option =
        m.draw.one(&["--uid-owner 0", "--uid-owner root", "--gid-owner 0", "--socket-exists", "--gid-owner root"]);
    m.add(option);
}

fn policy(m: &mut Making<'_>) {
    let direction = match m.chain {
        "PREROUTING" | "INPUT" => "in",
        "POSTROUTING" | "OUTPUT" => "out",
        _ => m.draw.one(&["in", "out"]),
    };
    m.add(&format!("-m policy --dir {direction}"));
    match m.draw.below(4) {
        0 => m.add("--pol none"),
        1 | 2 => m.add("--pol ipsec"),
        _ => {
            m.add("--pol ipsec --strict");
            let element = m.draw.one(&[
                "--proto esp",
                "--proto esp --mode transport",
                "--reqid 7 --proto ah",
                "--spi 0x10 --next --proto esp",
                "--proto ipcomp ! --reqid 3",
            ]);
            m.add(element);
        }
    }
}
