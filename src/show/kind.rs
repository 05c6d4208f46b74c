//! The properties of a kind of link, as `ip -d` prints them: in go the kernel's attributes and the
//! kind's table, out comes `linkinfo`.

use super::link::{LinkView, hardware_address};
use super::out::Out;
use crate::model::ip::addr_text;
use crate::model::kind::{Kind, Row};
use crate::model::name::printable;
use crate::model::template::filled;
use crate::wire::attr::{Attr, attrs, u32_at};

/// Prints what a link is and what it is as a port, each on a line.
pub fn linkinfo(out: &mut Out, view: &LinkView<'_>) {
    let link = view.link;
    if link.kind.is_none() && link.slave_kind.is_none() {
        return;
    }
    out.object("linkinfo", |out| {
        if let Some(kind) = &link.kind {
            out.line_break();
            out.name("info_kind", "    ", kind, " ");
            data(out, view, "info_data", kind, &link.kind_data);
        }
        if let Some(master) = &link.slave_kind {
            out.line_break();
            out.name("info_slave_kind", "    ", master, "_slave ");
            data(out, view, "info_slave_data", &[master, &b"_slave"[..]].concat(), &link.slave_data);
        }
    });
}

/// What a link's kind names by number: `d` a device, `U` a user, `G` a group.
pub fn named(kind: &[u8], bytes: &[u8]) -> Vec<(u8, u32)> {
    let mut found = Vec::new();
    for row in Kind::find(kind).map(Kind::rows).unwrap_or_default() {
        if matches!(row.shape, b'd' | b'U' | b'G')
            && let Some(number) = attrs(bytes).find(row.number).and_then(|attr| attr.u32())
        {
            found.push((row.shape, number));
        }
    }
    found
}

fn data(out: &mut Out, view: &LinkView<'_>, key: &str, kind: &[u8], bytes: &[u8]) {
    let Some(kind) = Kind::find(kind) else { return };
    out.object(key, |out| {
        // Without properties, nothing that has a default is printed either.
        if bytes.is_empty() {
            return;
        }
        let fields = Fields { kind, bytes, view };
        for row in kind.rows().iter().filter(|row| !row.key.is_empty()) {
            fields.row(out, row);
        }
    });
}

struct Fields<'f> {
    kind: Kind,
    bytes: &'f [u8],
    view: &'f LinkView<'f>,
}

impl Fields<'_> {
    fn attr(&self, number: u16) -> Option<Attr<'_>> {
        attrs(self.bytes).find(number)
    }

    /// Prints a field, if it is there.
    fn row(&self, out: &mut Out, row: &Row) -> Option<()> {
        let second = || row.list.parse().ok().and_then(|number| self.attr(number));
        let attr = self.attr(row.number);
        let attr = match row.shape {
            b'a' => attr.or_else(second)?,
            b'e' => attr.unwrap_or(Attr { kind: 0, value: &[] }),
            _ => attr?,
        };
        let number = number(attr.value);
        if row.unless_zero && number == 0 {
            return None;
        }
        let before = if row.label == "_" { String::new() } else { [&row.label.replace('+', " "), " "].concat() };
        let (key, before) = (row.key, before.as_str());
        match row.shape {
            b'b' | b'h' | b'w' | b'q' | b'I' | b'Y' => match row.name_of(number) {
                Some(name) if !out.is_json() => out.pieces(&[before, name, " "]),
                _ => out.num(key, before, i64::try_from(number).unwrap_or(i64::MAX), " "),
            },
            b'B' | b'H' | b'W' => out.str(key, before, &hex(number), " "),
            b'X' => out.str(key, before, &hex(attr.be32()?.into()), " "),
            b's' => out.num(key, before, attr.i32()?, " "),
            b'p' => out.num(key, before, attr.be16()?, " "),
            b'n' if number == 0 && key == "arp_validate" && out.is_json() => out.null(key, ""),
            b'n' => match row.name_of(number) {
                Some(name) => out.str(key, before, name, " "),
                None => self.unnamed(out, row, number),
            },
            b'o' => on_off(out, row, number),
            b'm' => out.str(key, before, &hardware_address(attr.value, 1), " "),
            b'd' => {
                let index = u32::try_from(number).ok()?;
                let name = self.view.names.iter().find(|named| (named.0, named.1) == (b'd', index))?;
                out.name(key, before, &name.2, " ");
            }
            b'U' | b'G' => {
                let id = u32::try_from(number).ok()?;
                match self.view.names.iter().find(|named| (named.0, named.1) == (row.shape, id)) {
                    Some(name) if !name.2.is_empty() => out.name(key, before, &name.2, " "),
                    _ => out.num(key, before, id, " "),
                }
            }
            b'e' => {
                let ip = attr.ip().filter(|ip| !ip.is_unspecified());
                out.str(key, before, ip.map(|ip| addr_text(&ip)).as_deref().unwrap_or("any"), " ");
            }
            b'A' => {
                let mut list: Vec<String> = Vec::new();
                for attr in attr.nested() {
                    if let Some(ip) = attr.ip() {
                        list.push(addr_text(&ip).to_string());
                    }
                }
                if list.is_empty() {
                    return None;
                }
                if out.is_json() {
                    out.list(key, |out| list.iter().for_each(|ip| out.item("", ip, "")));
                } else {
                    out.pieces(&[before, &list.join(","), " "]);
                }
            }
            b'P' => out.str(key, before, &ethertype(attr.be16()?), " "),
            b'i' => out.str(key, before, &bridge_id(attr.value)?, " "),
            b't' => {
                // In hundredths of a second (`USER_HZ`).
                let (seconds, rest) = (number / 100, number % 100);
                let rest = [if rest < 10 { ".0" } else { "." }, &rest.to_string()].concat();
                let seconds = seconds.to_string();
                let pad = "    ".get(seconds.len()..).unwrap_or_default();
                out.digits(key, &[before, pad].concat(), &[seconds, rest].concat(), " ");
            }
            b'M' => {
                let bit = row.list.parse::<u32>().ok()?;
                if u32_at(attr.value, 4)? >> bit & 1 != 0 {
                    out.num(key, before, u32_at(attr.value, 0)? >> bit & 1, " ");
                }
            }
            b'f' => out.flag(key, &[row.label, " "].concat()),
            b'F' => out.flag(key, &[row.label, if row.list == "-" { "" } else { " " }].concat()),
            b'N' | b'O' => {
                out.json_bool(key, number != 0);
                match (row.shape, number) {
                    (b'N', 0) => out.pieces(&["no", before]),
                    (b'O', 1..) => {}
                    _ => out.text(before),
                }
            }
            b'T' if number == 1 && !out.is_json() => out.pieces(&[before, "inherit "]),
            b'T' => out.str(key, before, &hex(number), " "),
            b'L' => match second() {
                Some(inherit) if inherit.u8() != Some(0) => out.pieces(&[before, "inherit "]),
                _ if number == 0 && !out.is_json() => out.pieces(&[before, "auto "]),
                _ => out.num(key, before, u8::try_from(number).ok()?, " "),
            },
            b'a' => {
                let ip = attr.ip().filter(|ip| !ip.is_unspecified())?;
                let label = if ip.is_multicast() { "group" } else { row.label };
                let key = [label, if ip.is_ipv6() { "6" } else { "" }].concat();
                out.str(&key, &[label, " "].concat(), &addr_text(&ip), " ");
            }
            b'R' => {
                let port = |at: usize| Attr { kind: 0, value: attr.value.get(at..)? }.be16();
                let (low, high) = (port(0)?, port(2)?);
                out.object(key, |out| {
                    out.num("low", before, low, " ");
                    out.num("high", "", high, " ");
                });
            }
            b'Q' => qos_map(out, row, attr),
            b'k' if number & row.list.parse::<u64>().ok()? != 0 => out.flag(key, before),
            b'K' => {
                let name = row.name_of(number)?;
                out.flag(name, &[name, " "].concat());
            }
            b'J' if attr.be16()? & row.list.parse::<u16>().ok()? != 0 => out.flag(key, before),
            // The flags of a key stand two attributes before it.
            b'y' if self.attr(row.number - 2)?.be16()? & row.list.parse::<u16>().ok()? != 0 => {
                out.str(key, before, &addr_text(&attr.ip()?), " ");
            }
            b'j' => self.flag_or_value(out, row, attr, number)?,
            b'k' | b'J' | b'y' => {}
            _ => return self.special(out, row, attr, number),
        }
        Some(())
    }

    /// The flag that stands instead of a value, or the value.
    fn flag_or_value(&self, out: &mut Out, row: &Row, attr: Attr<'_>, number: u64) -> Option<()> {
        let mut list = row.list.split(',');
        let flags = self.attr(list.next()?.parse().ok()?).and_then(|flags| flags.u32()).unwrap_or(0);
        let is_set = flags & list.next()?.parse::<u32>().ok()? != 0;
        let (name, key) = (list.next()?, list.next()?);
        let before = [row.label, " "].concat();
        match row.width {
            _ if is_set => out.flag(&["ip6_tnl_f_", key].concat(), &[&before, name, " "].concat()),
            b'b' => out.num(row.key, &before, attr.u8()?, " "),
            b't' => out.str(row.key, &before, &format!("0x{:02x}", attr.be32()? >> 20 & 0xff), " "),
            b'l' => out.str(row.key, &before, &format!("0x{:05x}", attr.be32()? & 0xf_ffff), " "),
            b'w' if number != 0 => out.str(row.key, &before, &hex(number), " "),
            _ => {}
        }
        Some(())
    }

    fn unnamed(&self, out: &mut Out, row: &Row, number: u64) {
        if row.label == "_" {
            return;
        }
        let unknown = match self.kind.name {
            "bridge_slave" | "bond_slave" => {
                let number = number.to_string();
                let text = if row.key == "state" && self.kind.name == "bridge_slave" {
                    filled("(%)", &[&number])
                } else {
                    number.clone()
                };
                return out.digits(&[row.key, "_index"].concat(), &[row.label, " "].concat(), &text, " ");
            }
            "bond" => "UNKNOWN",
            _ => "unknown",
        };
        out.str(row.key, &[row.label, " "].concat(), unknown, " ");
    }

    /// What only one kind has.
    fn special(&self, out: &mut Out, row: &Row, attr: Attr<'_>, number: u64) -> Option<()> {
        let before = [row.label, " "].concat();
        match row.width {
            b'd' => {
                let name = row.name_of(number)?;
                if out.is_json() || number != 0 {
                    out.str(row.key, &before, name, " ");
                }
            }
            b'f' if !out.is_json() => on_off(out, row, number),
            b'g' => out.str(row.key, &before, &group_mask(number), " "),
            b'v' => vlan_flags(out, u32_at(attr.value, 0)?),
            b'M' => {
                if self.attr(1)?.u32()? != 16 {
                    return None;
                }
                out.num("macaddr_count", "remotes (", attr.u32()?, ") ");
                let macs = self.attr(5)?;
                out.list(row.key, |out| {
                    for mac in macs.nested().filter(|mac| mac.value.len() >= 6) {
                        out.item("", &hardware_address(&mac.value[..6], 1), " ");
                    }
                });
            }
            b'q' => {
                out.json_bool(row.key, number != 0);
                if number != 0 {
                    out.text(&before);
                    out.num("numqueues", "numqueues ", self.attr(8)?.u32()?, " ");
                    out.num("numdisabled", "numdisabled ", self.attr(9)?.u32()?, " ");
                }
            }
            b'i' => out.object(row.key, |out| ad_info(out, attr)),
            b's' => {
                let is_set = |entry: &(usize, &str)| number >> entry.0 & 1 != 0;
                let names: Vec<&str> = PORT_STATE.split(' ').enumerate().filter(is_set).map(|entry| entry.1).collect();
                if out.is_json() {
                    out.list(row.key, |out| names.iter().for_each(|name| out.item("", name, "")));
                } else {
                    out.pieces(&[&before, "<", &names.join(","), "> "]);
                }
            }
            b'p' => {
                let len = self.attr(13)?.u16().filter(|len| *len != 0)?;
                out.str("prefix", "6rd-prefix ", &addr_text(&attr.ip()?), "/");
                out.num("prefixlen", "", len, " ");
                let relay = self.attr(12)?.ip().filter(|relay| !relay.is_unspecified())?;
                out.str("relay_prefix", "6rd-relay_prefix ", &relay.to_string(), "/");
                out.num("relay_prefixlen", "", self.attr(14)?.u16()?, " ");
            }
            b'e' => {
                let kind = match number {
                    0 => return None,
                    1 => "fou",
                    2 => "gue",
                    _ => "unknown",
                };
                let port = |place| self.attr(row.number + place)?.be16();
                let (sport, dport) = (port(2)?, port(3)?);
                let flags = self.attr(row.number + 1)?.u16()?;
                out.object(row.key, |out| {
                    out.str("type", "encap ", kind, " ");
                    if sport == 0 && !out.is_json() {
                        out.text("encap-sport auto ");
                    } else {
                        out.num("sport", "encap-sport ", sport, " ");
                    }
                    out.num("dport", "encap-dport ", dport, " ");
                    for (bit, name) in ["csum", "csum6", "remcsum"].into_iter().enumerate() {
                        let is_set = flags >> bit & 1 != 0;
                        out.json_bool(name, is_set);
                        out.pieces(&[if is_set { "" } else { "no" }, "encap-", name, " "]);
                    }
                });
            }
            _ => return None,
        }
        Some(())
    }
}

/// Bits of a port's state in the aggregation protocol (IEEE 802.3ad), from bit 0.
const PORT_STATE: &str = "active short_timeout aggregating in_sync collecting distributing defaulted expired";

fn ad_info(out: &mut Out, attr: Attr<'_>) {
    for (number, key) in (1..).zip(["aggregator", "num_ports", "actor_key", "partner_key"]) {
        if let Some(value) = attr.nested().find(number).and_then(|attr| attr.u16()) {
            out.num(key, &["ad_", key, " "].concat(), value, " ");
        }
    }
    if let Some(mac) = attr.nested().find(5) {
        out.str("partner_mac", "ad_partner_mac ", &hardware_address(mac.value, 1), " ");
    }
}

fn on_off(out: &mut Out, row: &Row, number: u64) {
    out.json_bool(row.key, number != 0);
    out.pieces(&[row.label, if number == 0 { " off " } else { " on " }]);
}

/// An attribute's number in native byte order, by its length; 0 if it is none.
pub(super) fn number(bytes: &[u8]) -> u64 {
    let attr = Attr { kind: 0, value: bytes };
    match bytes.len() {
        1 => attr.u8().map(u64::from),
        2 | 3 => attr.u16().map(u64::from),
        4..8 => attr.u32().map(u64::from),
        _ => attr.u64(),
    }
    .unwrap_or(0)
}

/// C's `%#x`: 0 has no `0x`.
fn hex(number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("{number:#x}") }
}

/// A bridge's priority and address; the octets have no leading zeros.
fn bridge_id(bytes: &[u8]) -> Option<String> {
    let (priority, mac) = bytes.get(..8)?.split_at(2);
    let mut text = format!("{:02x}{:02x}", priority[0], priority[1]);
    for (position, octet) in mac.iter().enumerate() {
        text.push_str(if position == 0 { "." } else { ":" });
        text.push_str(&format!("{octet:x}"));
    }
    Some(text)
}

pub(super) fn ethertype(number: u16) -> String {
    match number {
        0x8100 => "802.1Q".to_owned(),
        0x88a8 => "802.1ad".to_owned(),
        number => filled("[%]", &[&number.to_string()]),
    }
}

/// The link-local groups that a port forwards, by name.
fn group_mask(mask: u64) -> String {
    let mut names = Vec::new();
    for bit in 0..16 {
        if mask >> bit & 1 != 0 {
            names.push(match bit {
                0 => "stp".to_owned(),
                2 => "lacp".to_owned(),
                14 => "lldp".to_owned(),
                bit => hex(1 << bit),
            });
        }
    }
    if names.is_empty() { "0x0".to_owned() } else { names.join(",") }
}

fn vlan_flags(out: &mut Out, flags: u32) {
    const NAMES: &str = "REORDER_HDR=1 GVRP=2 MVRP=8 LOOSE_BINDING=4 BRIDGE_BINDING=16";
    let mut left = flags;
    out.text("<");
    out.list("flags", |out| {
        for (name, bit) in NAMES.split(' ').filter_map(|entry| entry.split_once('=')) {
            let bit: u32 = bit.parse().unwrap_or(0);
            if left & bit != 0 {
                left &= !bit;
                out.item("", name, if left == 0 { "" } else { "," });
            }
        }
        if left != 0 {
            out.item("", &printable(format!("{left:x}").as_bytes()), "");
        }
    });
    out.text("> ");
}

fn qos_map(out: &mut Out, row: &Row, attr: Attr<'_>) {
    out.line_break();
    out.pieces(&["      ", row.label, " { "]);
    out.list(row.key, |out| {
        for entry in attr.nested() {
            let (Some(from), Some(to)) = (u32_at(entry.value, 0), u32_at(entry.value, 4)) else { continue };
            out.record(|out| {
                out.num("from", "", from, ":");
                out.num("to", "", to, " ");
            });
        }
    });
    out.text("} ");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::link::Link;
    use crate::show::out::Format;

    fn shown(kind: &[u8], data: &[&[u8]], format: Format) -> String {
        let link = Link { kind: Some(kind.to_vec()), kind_data: data.concat(), ..Link::default() };
        let names = vec![(b'd', 2, b"eth0".to_vec())];
        let view = LinkView {
            link: &link,
            lower: None,
            master: None,
            peer_netns: None,
            group: String::new(),
            numeric: false,
            statistics: 0,
            units: Default::default(),
            details: true,
            names,
        };
        let mut out = Out::new(format, false);
        out.record(|out| linkinfo(out, &view));
        String::from_utf8(out.finish()).unwrap()
    }

    /// ID 5, LINK 2, TTL 0, TOS 1, LEARNING 0, AGEING 0, PORT_RANGE 1-2, PORT 4789, GROUP 239.1.1.1, UDP_CSUM 0.
    const VXLAN: &[&[u8]] = &[
        &[8, 0, 1, 0, 5, 0, 0, 0],
        &[8, 0, 3, 0, 2, 0, 0, 0],
        &[5, 0, 5, 0, 0, 0, 0, 0, 5, 0, 6, 0, 1, 0, 0, 0],
        &[5, 0, 7, 0, 0, 0, 0, 0, 8, 0, 8, 0, 0, 0, 0, 0],
        &[8, 0, 10, 0, 0, 1, 0, 2],
        &[6, 0, 15, 0, 0x12, 0xb5, 0, 0],
        &[8, 0, 2, 0, 239, 1, 1, 1],
        &[5, 0, 18, 0, 0, 0, 0, 0],
    ];

    #[test]
    fn a_vxlan() {
        assert_eq!(
            shown(b"vxlan", VXLAN, Format::Text),
            "\n    vxlan id 5 group 239.1.1.1 dev eth0 srcport 1 2 dstport 4789 nolearning tos inherit ttl auto ageing none noudpcsum "
        );
        assert_eq!(
            shown(b"vxlan", VXLAN, Format::Json),
            concat!(
                r#"[{"linkinfo":{"info_kind":"vxlan","info_data":{"id":5,"group":"239.1.1.1","link":"eth0","#,
                r#""port_range":{"low":1,"high":2},"port":4789,"learning":false,"tos":"0x1","ttl":0,"ageing":0,"#,
                r#""udp_csum":false}}}]"#,
                "\n"
            )
        );
    }

    #[test]
    fn kinds_without_properties_or_table() {
        assert_eq!(shown(b"dummy", &[], Format::Text), "\n    dummy ");
        assert_eq!(shown(b"a\x1b\"", &[], Format::Json), "[{\"linkinfo\":{\"info_kind\":\"a\\u001b\\\"\"}}]\n");
        assert_eq!(shown(b"vlan", &[], Format::Json), "[{\"linkinfo\":{\"info_kind\":\"vlan\",\"info_data\":{}}}]\n");
    }

    #[test]
    fn odd_lengths_are_absent_not_a_panic() {
        for kind in [
            "bridge",
            "bridge_slave",
            "vlan",
            "vxlan",
            "macvlan",
            "ipvlan",
            "vrf",
            "tun",
            "bond",
            "bond_slave",
            "geneve",
            "gre",
            "ip6gre",
            "sit",
            "ip6tnl",
        ] {
            for length in 0..9 {
                let data: Vec<u8> = (1..50u8).flat_map(|number| attribute(number, length)).collect();
                shown(kind.as_bytes(), &[&data], Format::Text);
                shown(kind.as_bytes(), &[&data], Format::Json);
            }
        }
    }

    fn attribute(number: u8, length: u8) -> Vec<u8> {
        let mut bytes = vec![length + 4, 0, number, 0];
        bytes.extend((0..length).map(|byte| byte ^ 0xa5));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }
}
