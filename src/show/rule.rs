//! Rules of policy routing as `ip rule` lists them.

use super::out::{Colour, Out};
use super::route::tos;
use crate::model::ip::{Prefix, addr_text};
use crate::model::route::RouteKind;
use crate::model::rtnames::{NameSet, Names, named};
use crate::model::rule::{
    ACTION_GOTO, ACTION_NOP, ACTION_TABLE, RULE_GOTO, RULE_IP_PROTOCOL, RULE_L3MDEV, RULE_MARK, RULE_MASK,
    RULE_PRIORITY, RULE_PROTOCOL, RULE_REALMS, RULE_SUPPRESS_GROUP, RULE_SUPPRESS_PREFIX, Rule, RuleFlags,
};

/// `RTPROT_KERNEL`.
const PROTOCOL_KERNEL: u32 = 2;

/// Writes one rule; without names, numbers are written (`-N`).
pub fn rule(out: &mut Out, rule: &Rule, names: Option<&Names>, details: bool) {
    out.record(|o| {
        o.num("priority", "", rule.get(RULE_PRIORITY).unwrap_or(0), ":\t");
        if rule.flags.contains(RuleFlags::INVERT) {
            o.null("not", "not ");
        }
        selector(o, rule, names);
        action(o, rule, names);
        let protocol = rule.get(RULE_PROTOCOL);
        if let Some(protocol) = protocol.filter(|number| details || !matches!(*number, 0 | PROTOCOL_KERNEL)) {
            o.str("protocol", " proto ", &named(names, NameSet::Protocols, protocol), "");
        }
    });
    out.text("\n");
}

fn selector(out: &mut Out, rule: &Rule, names: Option<&Names>) {
    match &rule.from {
        Some(from) => prefix(out, ["src", "srclen"], "from ", from),
        None => out.str("src", "from ", "all", ""),
    }
    if let Some(to) = &rule.to {
        prefix(out, ["dst", "dstlen"], " to ", to);
    }
    if let Some(number) = rule.tos {
        out.str("tos", " tos ", &tos(names, number), "");
    }
    let (mark, mask) = (rule.get(RULE_MARK), rule.get(RULE_MASK));
    if mark.is_some() || mask.is_some() {
        out.str("fwmark", " fwmark ", &hex(mark.unwrap_or(0)), "");
        if let Some(mask) = mask.filter(|mask| *mask != u32::MAX) {
            out.str("fwmask", "/", &hex(mask), "");
        }
    }
    for (keys, label, name, detached) in [
        (["iif", "iif_detached"], " iif ", &rule.input, RuleFlags::INPUT_DETACHED),
        (["oif", "oif_detached"], " oif ", &rule.output, RuleFlags::OUTPUT_DETACHED),
    ] {
        let Some(name) = name else { continue };
        out.text(label);
        out.paint(Colour::IfName).name(keys[0], "", name, "");
        if rule.flags.contains(detached) {
            out.null(keys[1], " [detached]");
        }
    }
    if rule.get(RULE_L3MDEV).unwrap_or(0) != 0 {
        out.null("l3mdev", " lookup [l3mdev-table]");
    }
    if let Some((first, last)) = rule.users {
        range(out, ["uid_start", "uid_end"], " uidrange ", first, last);
    }
    if let Some(number) = rule.get(RULE_IP_PROTOCOL) {
        let name = names.and_then(|names| names.find(NameSet::IpProtocols, number));
        let unnamed = ["ipproto-", &number.to_string()].concat();
        out.str("ipproto", " ipproto ", name.unwrap_or(&unnamed), "");
    }
    for (key, keys, label, ports) in [
        ("sport", ["sport_start", "sport_end"], " sport ", rule.sport),
        ("dport", ["dport_start", "dport_end"], " dport ", rule.dport),
    ] {
        match ports {
            Some((first, last)) if first == last => out.num(key, label, first, ""),
            Some((first, last)) => range(out, keys, label, first.into(), last.into()),
            None => {}
        }
    }
    if let Some(id) = rule.tunnel {
        out.digits("tun_id", " tun_id ", &id.to_string(), "");
    }
}

fn action(out: &mut Out, rule: &Rule, names: Option<&Names>) {
    let said = |number| rule.get(number).filter(|value| *value != u32::MAX);
    if rule.table != 0 {
        out.str("table", " lookup ", &named(names, NameSet::Tables, rule.table), "");
        if let Some(len) = said(RULE_SUPPRESS_PREFIX) {
            out.num("suppress_prefixlen", " suppress_prefixlength ", len, "");
        }
        if let Some(group) = said(RULE_SUPPRESS_GROUP) {
            out.str("suppress_ifgroup", " suppress_ifgroup ", &named(names, NameSet::Groups, group), "");
        }
    }
    if let Some(realms) = rule.get(RULE_REALMS) {
        out.text(" realms ");
        if realms >> 16 != 0 {
            out.str("flow_from", "", &named(names, NameSet::Realms, realms >> 16), "/");
        }
        out.str("flow_to", "", &named(names, NameSet::Realms, realms & 0xffff), "");
    }
    match rule.action {
        RouteKind::NAT => match rule.nat {
            Some(nat) => out.str("nat_gateway", " map-to ", &nat.to_string(), ""),
            None => out.null("masquerade", " masquerade"),
        },
        ACTION_GOTO => {
            match rule.get(RULE_GOTO) {
                Some(target) => out.num("goto", " goto ", target, ""),
                None => out.str("goto", " goto ", "none", ""),
            }
            if rule.flags.contains(RuleFlags::UNRESOLVED) {
                out.null("unresolved", " [unresolved]");
            }
        }
        ACTION_NOP => out.null("nop", " nop"),
        ACTION_TABLE => {}
        kind => {
            let digits = kind.0.to_string();
            out.str("action", " ", kind.name().filter(|_| names.is_some()).unwrap_or(&digits), "");
        }
    }
}

fn prefix(out: &mut Out, [key, len]: [&str; 2], label: &str, prefix: &Prefix) {
    out.text(label);
    out.paint(Colour::of(prefix.family())).str(key, "", &addr_text(&prefix.addr()), "");
    if !prefix.is_host() {
        out.num(len, "/", prefix.len(), "");
    }
}

fn range(out: &mut Out, [start, end]: [&str; 2], label: &str, first: u32, last: u32) {
    out.num(start, label, first, "");
    out.num(end, "-", last, "");
}

/// C's `%#x`, which writes 0 without `0x`.
fn hex(number: u32) -> String {
    if number == 0 { "0".to_owned() } else { format!("{number:#x}") }
}
