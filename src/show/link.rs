//! A link as `ip link` and `ip addr` print it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::out::{Colour, Out};
use super::stats::{Units, stats};
use crate::model::ip::addr_text;
use crate::model::link::{Link, LinkFlags, LinkNumber};
use crate::model::name::printable;
use crate::wire::attr::to_nul;
use crate::wire::link::{
    IFLA_PARENT_DEV_BUS_NAME, IFLA_PARENT_DEV_NAME, IFLA_PHYS_PORT_ID, IFLA_PHYS_PORT_NAME, IFLA_PHYS_SWITCH_ID,
};

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
    /// With the properties of its kind (`-d`).
    pub details: bool,
    /// How many times counters are asked for (`-s`).
    pub statistics: u8,
    /// How the counters are written.
    pub units: Units,
    /// Names of what its kind's properties name by number: `d` devices, `U` users, `G` groups.
    pub names: Vec<(u8, u32, Vec<u8>)>,
}

/// Which parts of a link are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// `ip link`: with the link mode, the alias and the counters.
    pub mode: bool,
    /// With the length of the transmit queue.
    pub queue: bool,
    /// With the line of hardware addresses.
    pub addresses: bool,
}

/// What a notification may be about (`IFLA_EVENT_*`), by number.
const EVENTS: &str = "NONE,REBOOT,FEATURE CHANGE,BONDING FAILOVER,NOTIFY PEERS,RESEND IGMP,BONDING OPTION";

/// Prints a link, with its line break.
pub fn link(out: &mut Out, view: &LinkView<'_>, parts: Parts) {
    let link = view.link;
    out.num("ifindex", "", link.index, ": ");
    name_and_lower(out, view, false);
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
        out.num("txqlen", "qlen ", length.cast_signed(), "");
    }
    if let Some(event) = link.event.filter(|event| *event != 0) {
        let name = usize::try_from(event).ok().and_then(|at| EVENTS.split(',').nth(at));
        out.str("event", "event ", &name.map_or_else(|| event.to_string(), str::to_owned), " ");
    }
    if parts.addresses || view.details {
        addresses(out, view);
    }
    peer_netns(out, view);
    if link.proto_down {
        out.flag("proto_down", " protodown on ");
        proto_down_reasons(out, link);
    }
    if view.details {
        numbers(out, link, DETAILS);
        super::kind::linkinfo(out, view);
        if parts.mode {
            addr_gen_mode(out, link);
        }
        numbers(out, link, MORE_DETAILS);
        hardware_ids(out, link);
    }
    if let (true, Some(alias)) = (parts.mode || view.details, &link.alias) {
        out.line_break();
        out.name("ifalias", "    alias ", alias, "");
    }
    if parts.mode && view.statistics > 0 {
        out.line_break();
        stats(out, link, view.statistics, view.units);
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

/// A number, its JSON key and its words.
type Detail = (LinkNumber, &'static str, &'static str);

/// What `-d` shows before the kind.
const DETAILS: &[Detail] = &[
    (LinkNumber::Promiscuity, "promiscuity", " promiscuity "),
    (LinkNumber::AllMulti, "allmulti", " allmulti "),
    (LinkNumber::MinMtu, "min_mtu", "minmtu "),
    (LinkNumber::MaxMtu, "max_mtu", "maxmtu "),
];
/// What it shows behind the kind.
const MORE_DETAILS: &[Detail] = &[
    (LinkNumber::TxQueues, "num_tx_queues", "numtxqueues "),
    (LinkNumber::RxQueues, "num_rx_queues", "numrxqueues "),
    (LinkNumber::GsoMaxSize, "gso_max_size", "gso_max_size "),
    (LinkNumber::GsoMaxSegs, "gso_max_segs", "gso_max_segs "),
    (LinkNumber::TsoMaxSize, "tso_max_size", "tso_max_size "),
    (LinkNumber::TsoMaxSegs, "tso_max_segs", "tso_max_segs "),
    (LinkNumber::GroMaxSize, "gro_max_size", "gro_max_size "),
];

fn numbers(out: &mut Out, link: &Link, details: &[Detail]) {
    for (number, key, words) in details {
        if let Some(value) = link.number(*number) {
            out.num(key, words, value, " ");
        }
    }
}

fn addr_gen_mode(out: &mut Out, link: &Link) {
    let Some(mode) = link.number(LinkNumber::AddrGenMode) else { return };
    let name = usize::try_from(mode).ok().and_then(|at| ADDR_GEN_MODES.split(' ').nth(at));
    let name = name.map_or_else(|| format!("{mode:#04x}"), str::to_owned);
    out.str("inet6_addr_gen_mode", "addrgenmode ", &name, " ");
}

/// Ways in which IPv6 makes up addresses, by their number.
pub const ADDR_GEN_MODES: &str = "eui64 none stable_secret random";

fn proto_down_reasons(out: &mut Out, link: &Link) {
    // iproute2 looks at eight of the bits.
    let reasons = link.number(LinkNumber::ProtoDownReason).unwrap_or(0) & 0xff;
    if reasons == 0 {
        return;
    }
    out.text("protodown_reason <");
    out.list("proto_down_reason", |out| {
        let mut comma = "";
        for bit in (0..8).filter(|bit| reasons >> bit & 1 == 1) {
            out.item(comma, &bit.to_string(), "");
            comma = ",";
        }
    });
    out.text(">");
}

fn hardware_ids(out: &mut Out, link: &Link) {
    const IDS: [(u16, &str, &str); 5] = [
        (IFLA_PHYS_PORT_NAME, "phys_port_name", "portname "),
        (IFLA_PHYS_PORT_ID, "phys_port_id", "portid "),
        (IFLA_PHYS_SWITCH_ID, "phys_switch_id", "switchid "),
        (IFLA_PARENT_DEV_BUS_NAME, "parentbus", "parentbus "),
        (IFLA_PARENT_DEV_NAME, "parentdev", "parentdev "),
    ];
    for (number, key, words) in IDS {
        let Some((_, value)) = link.hardware_ids.iter().find(|(kind, _)| *kind == number) else { continue };
        match number {
            IFLA_PHYS_PORT_ID | IFLA_PHYS_SWITCH_ID => {
                out.str(key, words, &hardware_address(value, 0).replace(':', ""), " ");
            }
            _ => out.name(key, words, to_nul(value), " "),
        }
    }
}

/// Prints a link as columns, without its line break; `ip link` adds address and flags.
pub fn brief(out: &mut Out, view: &LinkView<'_>, whole: bool) {
    name_and_lower(out, view, true);
    if let Some(state) = view.link.operstate {
        operstate(out, state, "              ");
    }
    if whole {
        if let Some(address) = &view.link.address {
            out.paint(Colour::Mac).str("address", "", &hardware_address(address, view.link.hardware), " ");
        }
        flags(out, view);
        out.text("\n");
    }
}

pub(super) fn name_and_lower(out: &mut Out, view: &LinkView<'_>, as_column: bool) {
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
        if as_column {
            text = format!("{text:<16} ");
        } else {
            text.push_str(": ");
        }
        out.paint(Colour::IfName).text(&text);
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
        Some(name) => {
            let colour = match *name {
                "UP" => Some(Colour::Up),
                "DOWN" => Some(Colour::Down),
                _ => None,
            };
            let after = [pad.get(name.len()..).unwrap_or_default(), " "].concat();
            out.paint(colour).str("operstate", "", name, &after);
        }
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
        out.paint(Colour::Mac).str("address", "", &hardware_address(address, link.hardware), "");
    }
    if let Some(broadcast) = &link.broadcast {
        if link.flags.contains(LinkFlags::POINTOPOINT) {
            out.flag("link_pointtopoint", " peer ");
        } else {
            out.text(" brd ");
        }
        out.paint(Colour::Mac).str("broadcast", "", &hardware_address(broadcast, link.hardware), "");
    }
    if let Some(permanent) = link.permanent_address.as_ref().filter(|own| Some(*own) != link.address.as_ref()) {
        out.text(" permaddr ");
        out.paint(Colour::Mac).str("permaddr", "", &hardware_address(permanent, link.hardware), "");
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
        return addr_text(&Ipv6Addr::from(v6).into()).to_string();
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
