//! A link as `ip link` and `ip addr` print it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::out::Out;
use crate::model::link::{Link, LinkFlags};
use crate::model::name::printable;

/// A link with what its numbers stand for.
#[derive(Debug, Clone)]
pub struct LinkView<'a> {
    /// The link.
    pub link: &'a Link,
    /// Its lower device or peer in this namespace: name, and whether it is up.
    pub lower: Option<(Vec<u8>, bool)>,
    /// Name of its master.
    pub master: Option<Vec<u8>>,
    /// Name of the namespace of its peer.
    pub peer_netns: Option<Vec<u8>>,
    /// Name of its group.
    pub group: String,
    /// Hardware type by number (`-N`).
    pub numeric: bool,
}

/// Which parts of a link are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// `ip link`: with the link mode.
    pub mode: bool,
    /// With the length of the transmit queue.
    pub queue: bool,
    /// With the line of hardware addresses.
    pub addresses: bool,
}

/// What a notification may be about (`IFLA_EVENT_*`), by number.
const EVENTS: [&str; 7] =
    ["NONE", "REBOOT", "FEATURE CHANGE", "BONDING FAILOVER", "NOTIFY PEERS", "RESEND IGMP", "BONDING OPTION"];

/// Prints a link, with its line break.
pub fn link(out: &mut Out, view: &LinkView<'_>, parts: Parts) {
    let link = view.link;
    out.num("ifindex", "", link.index, ": ");
    name_and_lower(out, view, |text| format!("{text}: "));
    flags(out, view);
    if let Some(mtu) = link.mtu {
        out.num("mtu", "mtu ", mtu, " ");
    }
    if let Some(qdisc) = &link.qdisc {
        out.name("qdisc", "qdisc ", qdisc, " ");
    }
    if let Some(master) = &view.master {
        out.name("master", "master ", master, " ");
    }
    if let Some(state) = link.operstate {
        out.text("state ");
        operstate(out, state, "");
    }
    if let (true, Some(mode)) = (parts.mode, link.mode) {
        out.str("linkmode", "mode ", if mode == 0 { "DEFAULT" } else { "DORMANT" }, " ");
    }
    if link.group.is_some() {
        out.str("group", "group ", &view.group, " ");
    }
    if let Some(length) = link.txqlen.filter(|length| *length != 0 && parts.queue) {
        out.num("txqlen", "qlen ", length, "");
    }
    if let Some(event) = link.event {
        match EVENTS.get(event as usize) {
            Some(name) => out.str("event", "event ", name, " "),
            None => out.num("event", "event ", event, " "),
        }
    }
    if parts.addresses {
        addresses(out, view);
    }
    peer_netns(out, view);
    if link.proto_down {
        out.flag("proto_down", " protodown on ");
    }
    if let (true, Some(alias)) = (parts.mode, &link.alias) {
        out.line_break();
        out.name("ifalias", "    alias ", alias, "");
    }
    if !link.altnames.is_empty() {
        out.list("altnames", |out| {
            for altname in &link.altnames {
                out.line_break();
                out.name_item("    altname ", altname, "");
            }
        });
    }
    out.text("\n");
}

/// Prints a link as columns, without its line break; `ip link` adds address and flags.
pub fn brief(out: &mut Out, view: &LinkView<'_>, whole: bool) {
    name_and_lower(out, view, |text| format!("{text:<16} "));
    if let Some(state) = view.link.operstate {
        operstate(out, state, "              ");
    }
    if whole {
        if let Some(address) = &view.link.address {
            out.str("address", "", &hardware_address(address, view.link.hardware), " ");
        }
        flags(out, view);
        out.text("\n");
    }
}

pub(super) fn name_and_lower(out: &mut Out, view: &LinkView<'_>, shape: impl Fn(String) -> String) {
    let link = view.link;
    let mut text = printable(&link.name);
    match (link.link, link.link_netnsid, &view.lower) {
        (None, ..) => {}
        (Some(0), ..) => {
            out_json_null(out, "link");
            text.push_str("@NONE");
        }
        (Some(index), Some(_), _) => {
            out.json_num("link_index", index);
            text.push_str(&format!("@if{index}"));
        }
        (Some(index), None, lower) => {
            let lower = lower.as_ref().map_or_else(|| format!("if{index}").into_bytes(), |lower| lower.0.clone());
            if out.is_json() {
                out.name("link", "", &lower, "");
            }
            text.push('@');
            text.push_str(&printable(&lower));
        }
    }
    if out.is_json() {
        out.name("ifname", "", &link.name, "");
    } else {
        out.text(&shape(text));
    }
}

fn out_json_null(out: &mut Out, key: &str) {
    if out.is_json() {
        out.null(key, "");
    }
}

const FLAG_NAMES: &[(LinkFlags, &str)] = &[
    (LinkFlags::LOOPBACK, "LOOPBACK"),
    (LinkFlags::BROADCAST, "BROADCAST"),
    (LinkFlags::POINTOPOINT, "POINTOPOINT"),
    (LinkFlags::MULTICAST, "MULTICAST"),
    (LinkFlags::NOARP, "NOARP"),
    (LinkFlags::ALLMULTI, "ALLMULTI"),
    (LinkFlags::PROMISC, "PROMISC"),
    (LinkFlags::MASTER, "MASTER"),
    (LinkFlags::SLAVE, "SLAVE"),
    (LinkFlags::DEBUG, "DEBUG"),
    (LinkFlags::DYNAMIC, "DYNAMIC"),
    (LinkFlags::AUTOMEDIA, "AUTOMEDIA"),
    (LinkFlags::PORTSEL, "PORTSEL"),
    (LinkFlags::NOTRAILERS, "NOTRAILERS"),
    (LinkFlags::UP, "UP"),
    (LinkFlags::LOWER_UP, "LOWER_UP"),
    (LinkFlags::DORMANT, "DORMANT"),
    (LinkFlags::ECHO, "ECHO"),
];

pub(super) fn flags(out: &mut Out, view: &LinkView<'_>) {
    let mut left = view.link.flags;
    let no_carrier = left.contains(LinkFlags::UP) && !left.contains(LinkFlags::RUNNING);
    // RUNNING is what NO-CARRIER says the lack of.
    left.remove(LinkFlags::RUNNING);
    let mut names: Vec<String> = Vec::new();
    if no_carrier {
        names.push("NO-CARRIER".to_owned());
    }
    for (flag, name) in FLAG_NAMES {
        if left.contains(*flag) {
            left.remove(*flag);
            names.push((*name).to_owned());
        }
    }
    if !left.is_empty() {
        names.push(format!("{:x}", left.bits()));
    }
    if view.link.link_netnsid.is_none() && view.lower.as_ref().is_some_and(|lower| !lower.1) {
        names.push("M-DOWN".to_owned());
    }
    out.text("<");
    out.list("flags", |out| {
        for (position, name) in names.iter().enumerate() {
            out.item(if position == 0 { "" } else { "," }, name, "");
        }
    });
    out.text("> ");
}

/// State with a blank behind it, at least as wide as `pad`.
fn operstate(out: &mut Out, state: u8, pad: &str) {
    const STATES: [&str; 7] = ["UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"];
    match STATES.get(usize::from(state)) {
        Some(name) => out.str("operstate", "", name, &format!("{} ", pad.get(name.len()..).unwrap_or_default())),
        None => {
            out.json_num("operstate_index", state);
            out.text(&format!("{state:#x}"));
        }
    }
}

fn addresses(out: &mut Out, view: &LinkView<'_>) {
    let link = view.link;
    out.line_break();
    out.str("link_type", "    link/", &hardware_type(link.hardware, view.numeric), " ");
    if let Some(address) = &link.address {
        out.str("address", "", &hardware_address(address, link.hardware), "");
    }
    if let Some(broadcast) = &link.broadcast {
        if link.flags.contains(LinkFlags::POINTOPOINT) {
            out.flag("link_pointtopoint", " peer ");
        } else {
            out.text(" brd ");
        }
        out.str("broadcast", "", &hardware_address(broadcast, link.hardware), "");
    }
    if let Some(permanent) = link.permanent_address.as_ref().filter(|own| Some(*own) != link.address.as_ref()) {
        out.str("permaddr", " permaddr ", &hardware_address(permanent, link.hardware), "");
    }
}

fn peer_netns(out: &mut Out, view: &LinkView<'_>) {
    let Some(id) = view.link.link_netnsid else { return };
    out.json_num("link_netnsid", id);
    match &view.peer_netns {
        Some(name) => out.text(&format!(" link-netns {}", printable(name))),
        None if id >= 0 => out.text(&format!(" link-netnsid {id}")),
        None => out.text(" link-netnsid unknown"),
    }
}

/// Name of a hardware type (`ARPHRD_*`), as iproute2 prints it.
fn hardware_type(number: u16, numeric: bool) -> String {
    let name = match number {
        number if numeric => return format!("[{number}]"),
        0 => "netrom",
        1 => "ether",
        2 => "eether",
        6 => "ieee802",
        7 => "arcnet",
        15 => "dlci",
        24 => "ieee1394",
        32 => "infiniband",
        256 => "slip",
        280 => "can",
        512 => "ppp",
        513 => "hdlc",
        519 => "rawip",
        768 => "ipip",
        769 => "tunnel6",
        772 => "loopback",
        776 => "sit",
        778 => "gre",
        801 => "ieee802.11",
        802 => "ieee802.11/prism",
        803 => "ieee802.11/radiotap",
        804 => "ieee802.15.4",
        820 => "phonet",
        823 => "gre6",
        824 => "netlink",
        825 => "6lowpan",
        826 => "vsockmon",
        0xfffe => "none",
        0xffff => "void",
        number => return format!("[{number}]"),
    };
    name.to_owned()
}

/// A hardware address: octets in hexadecimal, or an IP address for tunnels.
pub fn hardware_address(address: &[u8], hardware: u16) -> String {
    if let (768 | 776 | 778, Ok(v4)) = (hardware, <[u8; 4]>::try_from(address)) {
        return Ipv4Addr::from(v4).to_string();
    }
    if let (769 | 823, Ok(v6)) = (hardware, <[u8; 16]>::try_from(address)) {
        return Ipv6Addr::from(v6).to_string();
    }
    let mut text = String::with_capacity(address.len() * 3);
    for (position, byte) in address.iter().enumerate() {
        if position > 0 {
            text.push(':');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('?'));
        }
    }
    text
}
