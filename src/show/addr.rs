//! An address as `ip addr` prints it.

use super::out::{Colour, Out};
use crate::model::addr::{Addr, AddrFlags, FOREVER};
use crate::model::ip::{Family, addr_text};
use crate::model::rtnames::{NameSet, Names, named};

/// An address with the link that has it.
#[derive(Debug, Clone, Copy)]
pub struct AddrView<'a> {
    /// The address.
    pub addr: &'a Addr,
    /// Index and name of its link, where each line must say it (`-o`).
    pub link: Option<(u32, &'a [u8])>,
}

/// Prints an address, with its line break; without names, the scope is a number (`-N`).
pub fn addr(out: &mut Out, view: AddrView<'_>, names: Option<&Names>) {
    let addr = view.addr;
    if let Some((index, name)) = view.link {
        out.num("index", "", index, ": ");
        out.name("dev", "", name, "");
    }
    match addr.family {
        Family::V4 => out.str("family", "    ", "inet", " "),
        Family::V6 => out.str("family", "    ", "inet6", " "),
        other => out.num("family_index", "    family ", other.number(), " "),
    }
    prefix(out, addr);
    let colour = Colour::of(addr.family);
    if let Some(broadcast) = addr.broadcast {
        out.text("brd ");
        out.paint(colour).str("broadcast", "", &addr_text(&broadcast), " ");
    }
    if let Some(anycast) = addr.anycast {
        out.text("any ");
        out.paint(colour).str("anycast", "", &addr_text(&anycast), " ");
    }
    out.str("scope", "scope ", &named(names, NameSet::Scopes, addr.scope.into()), " ");
    // What the kernel marks as its own (`kernel_lo`, `kernel_ra`, `kernel_ll`) iproute2 shows since 6.3 only.
    if let Some(protocol) = addr.protocol.filter(|protocol| *protocol > 3) {
        out.str("protocol", "proto ", &format!("{protocol:#x}"), " ");
    }
    flags(out, addr);
    if let Some(label) = &addr.label {
        out.name("label", "", label, "");
    }
    if let Some(lifetimes) = addr.lifetimes {
        out.line_break();
        seconds(out, "valid_life_time", "       valid_lft ", lifetimes.valid, false);
        // Of a deprecated address the time is past.
        let past = addr.flags.contains(AddrFlags::DEPRECATED);
        seconds(out, "preferred_life_time", " preferred_lft ", lifetimes.preferred, past);
    }
    out.text("\n");
}

/// Prints `ADDR/LEN ` alone, as `-br` does.
pub fn brief(out: &mut Out, addr: &Addr) {
    prefix(out, addr);
}

fn prefix(out: &mut Out, addr: &Addr) {
    let Some(own) = addr.own() else { return };
    let colour = Colour::of(addr.family);
    out.paint(colour).str("local", "", &addr_text(&own), "");
    if let Some(peer) = addr.peer() {
        out.text(" peer ");
        out.paint(colour).str("address", "", &addr_text(&peer), "");
    }
    out.num("prefixlen", "/", addr.len, " ");
    if let Some(metric) = addr.metric {
        out.num("metric", "metric ", metric, " ");
    }
}

/// Flags by the words that set or show them, in iproute2's order.
pub const FLAG_WORDS: &[(&str, AddrFlags)] = &[
    ("secondary", AddrFlags::SECONDARY),
    ("nodad", AddrFlags::NODAD),
    ("optimistic", AddrFlags::OPTIMISTIC),
    ("dadfailed", AddrFlags::DADFAILED),
    ("home", AddrFlags::HOMEADDRESS),
    ("deprecated", AddrFlags::DEPRECATED),
    ("tentative", AddrFlags::TENTATIVE),
    ("permanent", AddrFlags::PERMANENT),
    ("mngtmpaddr", AddrFlags::MANAGETEMPADDR),
    ("noprefixroute", AddrFlags::NOPREFIXROUTE),
    ("autojoin", AddrFlags::MCAUTOJOIN),
    ("stable-privacy", AddrFlags::STABLE_PRIVACY),
];

fn flags(out: &mut Out, addr: &Addr) {
    let mut left = addr.flags;
    for (word, flag) in FLAG_WORDS {
        let set = left.contains(*flag);
        left.remove(*flag);
        let word = match *flag {
            AddrFlags::PERMANENT if set => continue,
            AddrFlags::PERMANENT => "dynamic",
            _ if !set => continue,
            AddrFlags::SECONDARY if addr.family == Family::V6 => "temporary",
            _ => word,
        };
        out.flag(word, &format!("{word} "));
    }
    if !left.is_empty() {
        let hex = format!("{:02x}", left.bits());
        out.str("ifa_flags", "flags ", &hex, " ");
    }
}

fn seconds(out: &mut Out, key: &str, words: &str, value: u32, signed: bool) {
    if value == FOREVER {
        out.json_num(key, value);
        out.text(&format!("{words}forever"));
    } else {
        out.num(key, words, if signed { i64::from(value.cast_signed()) } else { i64::from(value) }, "sec");
    }
}
