//! Translations as `nft -f` reads them: the same tables, chains, rules and comments as are made over netlink.

use crate::model::ip::{Family, Prefix, addr_text};
use crate::model::translation::key::cut;
use crate::model::translation::leg::{Act, Hook, Leg, State};
use crate::model::translation::{PICKS, TCP, Translation, UDP, endpoint, ports};

/// Both chains of a direction: before kernel 4.18 one without the other translates nothing.
const CHAINS: [(&str, Hook, &str); 3] = [
    ("prerouting", Hook::Prerouting, "-100"),
    ("postrouting", Hook::Postrouting, "100"),
    ("output", Hook::Output, "-100"),
];

/// Makes translations the only ones of a table, in each family that has or had some.
pub fn tables(wanted: &[Translation], found: &[Translation], foreign: bool, table: &str) -> String {
    let mut out = String::new();
    for (family, word) in [(Family::V4, "ip"), (Family::V6, "ip6")] {
        let of = |list: &[Translation]| list.iter().any(|translation| translation.family == family);
        if !(of(wanted) || of(found) || foreign) {
            continue;
        }
        // Made first, so that it is there to be deleted.
        say(&mut out, &["add table ", word, " ", table, "\ndelete table ", word, " ", table, "\n"]);
        if !of(wanted) {
            continue;
        }
        say(&mut out, &["table ", word, " ", table, " {\n comment \"netstrap\";\n"]);
        let rules = wanted.iter().filter(|translation| translation.family == family);
        let legs: Vec<(Leg, String)> = rules.flat_map(with_keys).collect();
        for (name, hook, priority) in CHAINS {
            if hook != Hook::Output || legs.iter().any(|row| row.0.hook == hook) {
                say(&mut out, &[" chain ", name, " { type nat hook ", name, " priority ", priority, "; }\n"]);
            }
        }
        out.push_str("}\n");
        // In this order they are listed.
        for (leg, key) in &legs {
            let chain = CHAINS.iter().find(|chain| chain.1 == leg.hook).map_or("", |chain| chain.0);
            say(&mut out, &["add rule ", word, " ", table, " ", chain]);
            rule(&mut out, leg, word);
            say(&mut out, &[" comment \"", key, "\"\n"]);
        }
    }
    out
}

/// The rules of a translation, with the comment of each.
fn with_keys(translation: &Translation) -> Vec<(Leg, String)> {
    let key = translation.key();
    let key = cut(key.as_bytes()).map_or(key, |cut| String::from_utf8_lossy(&cut).into_owned());
    translation.legs(None, false).into_iter().map(|leg| (leg, key.clone())).collect()
}

fn rule(out: &mut String, leg: &Leg, family: &str) {
    for (word, name) in [(" iifname \"", leg.input), (" oifname \"", leg.output)] {
        if let Some(name) = name {
            say(out, &[word, &name.to_string(), "\""]);
        }
    }
    let protocol = match leg.protocol {
        TCP => "tcp",
        UDP => "udp",
        // Translations know no others.
        _ => "",
    };
    if !protocol.is_empty() {
        say(out, &[" meta l4proto ", protocol]);
    }
    let addresses = [(" saddr ", leg.source), (" daddr ", leg.destination)];
    for (word, prefix) in addresses.into_iter().chain(leg.excluded.map(|prefix| (" daddr != ", prefix))) {
        if let Some(prefix) = prefix {
            say(out, &[" ", family, word, &text(prefix)]);
        }
    }
    for (word, range) in [(" sport ", leg.source_ports), (" dport ", leg.ports)] {
        if range.is_some() {
            say(out, &[" ", protocol, word, &ports(range)]);
        }
    }
    if leg.local {
        out.push_str(" fib daddr type local");
    }
    out.push_str(match leg.state {
        State::Any => "",
        State::Dnat => " ct status dnat",
        State::Established => " ct state established,related",
    });
    out.push_str(match leg.act {
        Act::Accept => " counter accept",
        Act::Return => " counter return",
        Act::Masquerade => " counter masquerade",
        Act::Snat => " counter snat",
        Act::Dnat => " counter dnat",
        Act::Redirect => " counter redirect",
    });
    let colon = if leg.addrs.is_none() { ":" } else { "" };
    if leg.addrs.is_some() || leg.new_ports.is_some() {
        say(out, &[" to ", colon, &endpoint(leg.addrs, leg.new_ports)]);
    }
    let mut separator = " ";
    for (word, _) in PICKS.iter().filter(|row| leg.pick.contains(row.1)) {
        say(out, &[separator, word]);
        separator = ",";
    }
}

/// An address alone where all of its bits count: nft makes a comparison of it, not a mask.
fn text(prefix: Prefix) -> String {
    if prefix.is_host() { addr_text(&prefix.addr()).to_string() } else { prefix.text().to_string() }
}

#[inline(never)]
fn say(out: &mut String, pieces: &[&str]) {
    pieces.iter().for_each(|piece| out.push_str(piece));
}
