//! Light-weight tunnels as `ip route` and `ip nexthop` list them.

use std::net::Ipv6Addr;

use super::out::{Colour, Out};
use super::route::RouteView;
use crate::model::encap::{
    ENCAP_IP, ENCAP_IP6, ENCAP_KINDS, ENCAP_MPLS, ENCAP_SEG6, ENCAP_SEG6_LOCAL, Encap, SEG6_ACTIONS, SEG6_FLAVORS,
    SEG6_LOCAL_IIF, SEG6_LOCAL_OIF, SEG6_LOCAL_SRH, SEG6_MODES,
};
use crate::model::ip::addr_text;
use crate::model::rtnames::{NameSet, named};
use crate::wire::attr::{Attr, attrs};

/// Writes a tunnel.
pub fn encap(out: &mut Out, encap: Option<&Encap>, view: &RouteView<'_>) {
    let Some(encap) = encap else { return };
    out.str("encap", " encap ", nth(ENCAP_KINDS, encap.kind.wrapping_sub(1), "unknown"), " ");
    match encap.kind {
        ENCAP_MPLS => mpls(out, encap),
        ENCAP_IP | ENCAP_IP6 => ip(out, encap),
        ENCAP_SEG6 => {
            let Some((mode, header)) = encap.get(1).and_then(<[u8]>::split_first_chunk) else { return };
            let mode = u16::try_from(u32::from_ne_bytes(*mode)).unwrap_or(u16::MAX);
            out.str("mode", "mode ", nth(SEG6_MODES, mode, "<unknown>"), " ");
            segments(out, header);
        }
        ENCAP_SEG6_LOCAL => seg6_local(out, encap, view),
        _ => {}
    }
}

fn nth(list: &'static str, number: u16, unknown: &'static str) -> &'static str {
    list.split(' ').nth(number.into()).unwrap_or(unknown)
}

fn attr<'a>(encap: &'a Encap, kind: u16) -> Option<Attr<'a>> {
    encap.get(kind).map(|value| Attr { kind, value })
}

fn mpls(out: &mut Out, encap: &Encap) {
    if let Some(labels) = encap.get(1) {
        let label = |entry: &[u8]| u32::from_be_bytes([0, entry[0], entry[1], entry[2]]) >> 4;
        let labels: Vec<String> = labels.chunks_exact(4).map(|entry| label(entry).to_string()).collect();
        out.str("dst", " ", &labels.join("/"), " ");
    }
    if let Some(ttl) = attr(encap, 2).and_then(|attr| attr.u8()) {
        out.num("ttl", "ttl ", ttl, " ");
    }
}

/// `LWTUNNEL_IP_*` and `LWTUNNEL_IP6_*`, which have the same numbers.
fn ip(out: &mut Out, encap: &Encap) {
    let v4 = encap.kind == ENCAP_IP;
    if let Some(id) = attr(encap, 1).and_then(|attr| attr.be64()) {
        out.digits("id", "id ", &id.to_string(), " ");
    }
    for (number, key, label) in [(3, "src", "src "), (2, "dst", "dst ")] {
        if let Some(address) = attr(encap, number).and_then(|attr| attr.ip()) {
            let colour = if v4 { Colour::Inet } else { Colour::Inet6 };
            out.paint(colour).str(key, label, &addr_text(&address), " ");
        }
    }
    let names = if v4 { [("ttl", "ttl "), ("tos", "tos ")] } else { [("hoplimit", "hoplimit "), ("tc", "tc ")] };
    for (number, (key, label)) in [4, 5].into_iter().zip(names) {
        if let Some(value) = attr(encap, number).and_then(|attr| attr.u8()) {
            out.num(key, label, value, " ");
        }
    }
    let flags = attr(encap, 6).and_then(|attr| attr.be16()).unwrap_or(0);
    for (bit, key, words) in [(4, "key", "key "), (1, "csum", "csum "), (8, "seq", "seq ")] {
        if flags & bit != 0 {
            out.flag(key, words);
        }
    }
}

/// `struct ipv6_sr_hdr`: eight bytes, the segments last first, and sometimes a key's number.
fn segments(out: &mut Out, header: &[u8]) {
    let Some(first) = header.get(4) else { return };
    out.pieces(&["segs ", &(u32::from(*first) + 1).to_string(), " [ "]);
    out.list("segs", |o| {
        for at in (0..=usize::from(*first)).rev() {
            let Some(octets) = header.get(8 + 16 * at..).and_then(<[u8]>::first_chunk::<16>) else { break };
            o.paint(Colour::Inet6).item("", &addr_text(&Ipv6Addr::from(*octets).into()), " ");
        }
    });
    out.text("] ");
    let tlv = header.len().checked_sub(40).and_then(|at| header.get(at + 4..at + 8)?.first_chunk::<4>());
    if let Some(key) = tlv.filter(|_| header[5] & 8 != 0) {
        let key = u32::from_be_bytes(*key);
        let key = if out.is_json() { format!("{key:#x}") } else { format!("{key:X}") };
        out.str("hmac", "hmac ", &key, " ");
    }
}

fn seg6_local(out: &mut Out, encap: &Encap, view: &RouteView<'_>) {
    let Some(action) = encap.number(1) else { return };
    let action = u16::try_from(action).unwrap_or(0).wrapping_sub(1);
    out.str("action", "action ", nth(SEG6_ACTIONS, action, "<invalid>"), " ");
    if let Some(header) = encap.get(SEG6_LOCAL_SRH) {
        out.object("srh", |o| segments(o, header));
    }
    for (number, key, label) in [(3, "table", "table "), (9, "vrftable", "vrftable ")] {
        if let Some(table) = encap.number(number) {
            out.str(key, label, &named(view.names, NameSet::Tables, table), " ");
        }
    }
    for (number, key, label) in [(4, "nh4", "nh4 "), (5, "nh6", "nh6 ")] {
        if let Some(address) = attr(encap, number).and_then(|attr| attr.ip()) {
            out.str(key, label, &addr_text(&address), " ");
        }
    }
    for (number, key, label) in [(SEG6_LOCAL_IIF, "iif", "iif "), (SEG6_LOCAL_OIF, "oif", "oif ")] {
        if let Some(index) = encap.number(number) {
            out.name(key, label, &view.link_name(index), " ");
        }
    }
    if let Some(counters) = encap.get(10).filter(|_| view.statistics) {
        out.object("stats64", |o| {
            for (number, key, label) in [(2, "packets", "packets "), (3, "bytes", "bytes "), (4, "errors", "errors ")] {
                let count = attrs(counters).find(number).and_then(|attr| attr.u64()).unwrap_or(0);
                o.digits(key, label, &count.to_string(), " ");
            }
        });
    }
    if let Some(flavors) = encap.get(11).and_then(|value| attrs(value).find(1)?.u32()) {
        out.text("flavors ");
        out.list("flavors", |o| {
            let mut before = "";
            for (at, name) in SEG6_FLAVORS.split(' ').enumerate() {
                if flavors >> (at + 1) & 1 != 0 {
                    o.item(before, name, "");
                    before = ",";
                }
            }
        });
        out.text(" ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::out::Format;
    use crate::show::route::Given;

    fn shown(format: Format, tunnel: &Encap) -> String {
        let view = RouteView {
            names: None,
            links: &[],
            given: Given::default(),
            details: false,
            statistics: true,
            next_hops: &[],
        };
        let mut out = Out::new(format, false);
        out.record(|o| encap(o, Some(tunnel), &view));
        String::from_utf8(out.finish()).unwrap()
    }

    #[test]
    fn segment_routing_as_iproute2_writes_it() {
        // mode encap segs fc00::1 hmac 0xab
        let mut value = vec![1, 0, 0, 0, 0, 7, 4, 0, 0, 8, 0, 0, 0xfc];
        value.resize(27, 0);
        value.extend([1, 5, 38, 0, 0, 0, 0, 0, 0xab]);
        value.resize(68, 0);
        let keyed = Encap { kind: ENCAP_SEG6, attrs: vec![(1, value)] };
        assert_eq!(shown(Format::Text, &keyed), " encap seg6 mode encap segs 1 [ fc00::1 ] hmac AB ");
        let json = r#"[{"encap":"seg6","mode":"encap","segs":["fc00::1"],"hmac":"0xab"}]"#;
        assert_eq!(shown(Format::Json, &keyed).trim_end(), json);
        let cross = Encap { kind: ENCAP_SEG6_LOCAL, attrs: vec![(1, vec![6, 0, 0, 0]), (4, vec![10, 0, 0, 2])] };
        assert_eq!(shown(Format::Text, &cross), " encap seg6local action End.DX4 nh4 10.0.0.2 ");
        let flavored = vec![(1, vec![1, 0, 0, 0]), (11, vec![8, 0, 1, 0, 6, 0, 0, 0])];
        let flavored = Encap { kind: ENCAP_SEG6_LOCAL, attrs: flavored };
        assert_eq!(shown(Format::Text, &flavored), " encap seg6local action End flavors psp,usp ");
    }

    #[test]
    fn cut_values_are_left_out() {
        for attrs in [vec![], vec![(1, vec![])], vec![(1, vec![0; 9])], vec![(2, vec![1]), (6, vec![1])]] {
            for kind in 0..12 {
                shown(Format::Json, &Encap { kind, attrs: attrs.clone() });
            }
        }
    }
}
