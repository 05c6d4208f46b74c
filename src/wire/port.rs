//! Ports of bridges and their VLANs on the wire: link messages of `AF_BRIDGE`.
//! Source: `linux/if_link.h`, `linux/if_bridge.h`.

use super::attr::{Attr, u16_at};
use super::build::{NESTED, Request, Route};
use super::link::{IFINFOMSG, IFLA_AF_SPEC, IFLA_EXT_MASK};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_NEWVLAN, RTM_SETLINK};
use super::vlan;
use crate::model::ip::Family;
use crate::model::link::LinkId;
use crate::model::port::{
    Port, PortChange, PortFilter, RANGE_BEGIN, RANGE_END, SENT, VlanChange, VlanEntry, number, width,
};

pub(super) const IFLA_PROTINFO: u16 = 12;
const IFLA_BRIDGE_FLAGS: u16 = 0;
const IFLA_BRIDGE_MODE: u16 = 1;
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
const IFLA_BRIDGE_VLAN_TUNNEL_INFO: u16 = 3;
const IFLA_BRIDGE_VLAN_TUNNEL_ID: u16 = 1;
const IFLA_BRIDGE_VLAN_TUNNEL_VID: u16 = 2;
const IFLA_BRIDGE_VLAN_TUNNEL_FLAGS: u16 = 3;
const RTEXT_FILTER_BRVLAN: u32 = 2;
const RTEXT_FILTER_BRVLAN_COMPRESSED: u32 = 4;

fn request(kind: u16, link: Option<LinkId>) -> Request<Route> {
    let mut request = Request::new(kind, 0);
    let mut bytes = [0; IFINFOMSG];
    bytes[0] = Family::Bridge.number();
    if let Some(id) = link {
        request.in_ns(id.ns);
        bytes[4..8].copy_from_slice(&id.index.get().to_ne_bytes());
    }
    request.raw(&bytes);
    request
}

/// The request that changes a port.
pub fn change(port: &PortChange) -> Request<Route> {
    let mut request = request(RTM_SETLINK, Some(port.link));
    let start = request.begin(IFLA_PROTINFO | NESTED);
    for letter in SENT {
        if let Some((_, value)) = port.properties.iter().find(|(own, _)| own == letter) {
            // The low bytes stand first; of a value that is too large they alone are sent, as by iproute2.
            let bytes = value.to_le_bytes();
            match width(*letter) {
                4 => request.u32(number(*letter), *value),
                2 => request.u16(number(*letter), u16::from_le_bytes([bytes[0], bytes[1]])),
                _ => request.u8(number(*letter), bytes[0]),
            };
        }
    }
    request.end(start);
    if port.side != 0 || port.mode.is_some() {
        let start = side(&mut request, port.side);
        if let Some(mode) = port.mode {
            request.u16(IFLA_BRIDGE_MODE, mode);
        }
        request.end(start);
    }
    request
}

/// Begins `IFLA_AF_SPEC`, which goes without the nested flag, with where it applies.
fn side(request: &mut Request<Route>, side: u16) -> usize {
    let start = request.begin(IFLA_AF_SPEC);
    if side != 0 {
        request.u16(IFLA_BRIDGE_FLAGS, side);
    }
    start
}

/// The request that puts VLANs on a port or takes them away.
pub fn change_vlan(vlan: &VlanChange) -> Request<Route> {
    let mut request = request(if vlan.delete { RTM_DELLINK } else { RTM_SETLINK }, Some(vlan.link));
    let start = side(&mut request, vlan.side);
    let (first, last) = vlan.ids;
    let (begin, end) = if last.is_some() { (RANGE_BEGIN, RANGE_END) } else { (0, 0) };
    let (low, high) = vlan.tunnels.unwrap_or_default();
    entry(&mut request, vlan, first, begin, low);
    if let Some(last) = last {
        entry(&mut request, vlan, last, end, high);
    }
    request.end(start);
    request
}

fn entry(request: &mut Request<Route>, vlan: &VlanChange, id: u16, range: u16, tunnel: u32) {
    if vlan.tunnels.is_some() {
        let start = request.begin(IFLA_BRIDGE_VLAN_TUNNEL_INFO);
        request.u32(IFLA_BRIDGE_VLAN_TUNNEL_ID, tunnel);
        request.u16(IFLA_BRIDGE_VLAN_TUNNEL_VID, id);
        request.u16(IFLA_BRIDGE_VLAN_TUNNEL_FLAGS, range);
        request.end(start);
    } else {
        // struct bridge_vlan_info: flags, id.
        let [low, high] = (vlan.flags | range).to_ne_bytes();
        let [id_low, id_high] = id.to_ne_bytes();
        request.attr(IFLA_BRIDGE_VLAN_INFO, &[low, high, id_low, id_high]);
    }
}

impl Query for PortFilter {
    type Protocol = Route;
    type Item = Port;

    fn encode(&self) -> Request<Route> {
        let mut request = request(RTM_GETLINK, None);
        match self {
            PortFilter::VlanDetails => return vlan::request(),
            PortFilter::Ports => &mut request,
            PortFilter::Vlans => request.u32(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN),
            PortFilter::VlanRanges => request.u32(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED),
        };
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Port> {
        match frame.kind {
            RTM_NEWLINK => decode(frame),
            RTM_NEWVLAN => vlan::decode(frame),
            _ => None,
        }
    }
}

/// Reads a link message of `AF_BRIDGE`, a reply or a request; `None` of another family or without a whole header.
pub fn decode(frame: &Frame<'_>) -> Option<Port> {
    frame.payload.first().filter(|family| **family == Family::Bridge.number())?;
    let mut port = Port { link: super::link::decode(frame)?, ..Port::default() };
    for attr in frame.attrs(IFINFOMSG) {
        match attr.kind {
            IFLA_PROTINFO => port.properties.extend(attr.nested().filter_map(|a| Some((a.kind, value(&a)?)))),
            IFLA_AF_SPEC => attr.nested().for_each(|attr| special(&mut port, &attr)),
            _ => {}
        }
    }
    Some(port)
}

/// A number of 1, 2 or 4 bytes.
fn value(attr: &Attr<'_>) -> Option<u32> {
    attr.u32().or_else(|| attr.u16().map(u32::from)).or_else(|| attr.u8().map(u32::from))
}

fn special(port: &mut Port, attr: &Attr<'_>) {
    match attr.kind {
        IFLA_BRIDGE_MODE => port.mode = attr.u16(),
        IFLA_BRIDGE_VLAN_INFO => {
            if let (Some(flags), Some(id)) = (attr.u16(), u16_at(attr.value, 2)) {
                port.vlans.push(VlanEntry { id, flags, tunnel: 0 });
            }
        }
        IFLA_BRIDGE_VLAN_TUNNEL_INFO => {
            let mut entry = VlanEntry::default();
            for attr in attr.nested() {
                match attr.kind {
                    IFLA_BRIDGE_VLAN_TUNNEL_ID => entry.tunnel = attr.u32().unwrap_or_default(),
                    IFLA_BRIDGE_VLAN_TUNNEL_VID => entry.id = attr.u16().unwrap_or_default(),
                    IFLA_BRIDGE_VLAN_TUNNEL_FLAGS => entry.flags = attr.u16().unwrap_or_default(),
                    _ => {}
                }
            }
            port.tunnels.push(entry);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::model::port::{AT_MASTER, AT_SELF, PVID, UNTAGGED, rows};
    use crate::wire::reply::frames;

    fn hex(request: Request<Route>) -> String {
        request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    fn id(index: u32) -> LinkId {
        LinkId { ns: 0, index: NonZeroU32::new(index).unwrap() }
    }

    fn vlan() -> VlanChange {
        VlanChange { delete: false, link: id(6), ids: (5, Some(9)), flags: 0, side: 0, tunnels: None }
    }

    #[test]
    fn a_port_with_everything_as_iproute2_sends_it() {
        let properties = SENT
            .iter()
            .map(|letter| (*letter, [(b'C', 5), (b'B', 7), (b'A', 3), (b'b', 6)].iter().find(|v| v.0 == *letter)))
            .map(|(letter, value)| (letter, value.map_or(1, |value| value.1)))
            .collect();
        let port = PortChange { link: id(6), properties, side: AT_MASTER | AT_SELF, mode: Some(1) };
        let expected = concat!(
            "d0000000130001000100000000000000",
            "07000000060000000000000000000000",
            "9c000c800500050001000000050004000100000005000700010000000500060001000000",
            "050009000100000005001900010000000500",
            "1b000100000005001e000100000005001c0001000000050008000100000005000b0001000000",
            "080003000500000006000200070000000500010003000000",
            "050020000100000005001d000100000005002100010000000500270001000000",
            "080022000600000014001a0006000000030000000600010001000000",
        );
        assert_eq!(hex(change(&port)), expected);
        let bytes = change(&port).seal(1, 0).unwrap();
        let seen = decode(&frames(&bytes).next().unwrap()).unwrap();
        assert_eq!((seen.link.index, seen.mode, seen.properties.len()), (6, Some(1), SENT.len()));
        assert!(seen.properties.contains(&(3, 5)) && seen.properties.contains(&(2, 7)));
    }

    #[test]
    fn vlans_as_iproute2_sends_them() {
        const HEADER: &str = "07000000060000000000000000000000";
        let many = VlanChange { flags: UNTAGGED, side: AT_MASTER | AT_SELF, ..vlan() };
        let expected = ["3c000000130001000100000000000000", HEADER, "1c001a000600000003000000"].concat()
            + "080002000c0005000800020014000900";
        assert_eq!(hex(change_vlan(&many)), expected);
        let tunnels = VlanChange { tunnels: Some((10, 14)), ..vlan() };
        let expected = ["5c000000130001000100000000000000", HEADER, "3c001a001c00030008000100"].concat()
            + "0a000000060002000500000006000300080000001c000300080001000e00000006000200090000000600030010000000";
        assert_eq!(hex(change_vlan(&tunnels)), expected);
        let gone = VlanChange { delete: true, link: id(4), ids: (5, None), side: AT_SELF, flags: PVID, ..vlan() };
        let expected = concat!(
            "3400000011000100010000000000000007000000040000000000000000000000",
            "14001a0006000000020000000800020002000500"
        );
        assert_eq!(hex(change_vlan(&gone)), expected);
    }

    #[test]
    fn vlans_that_are_encoded_decode() {
        for (vlan, wanted) in [
            (VlanChange { flags: UNTAGGED, ..vlan() }, (5, 9)),
            (VlanChange { tunnels: Some((10, 14)), ..vlan() }, (5, 9)),
            (VlanChange { ids: (7, None), ..vlan() }, (7, 7)),
        ] {
            let bytes = change_vlan(&vlan).seal(1, 0).unwrap();
            let port = decode(&frames(&bytes).next().unwrap()).unwrap();
            let found = if vlan.tunnels.is_some() { rows(&port.tunnels, 0) } else { rows(&port.vlans, 0) };
            assert_eq!(found.iter().map(|row| row.ids).collect::<Vec<_>>(), [wanted]);
            assert_eq!(found[0].tunnels, vlan.tunnels.unwrap_or_default());
        }
    }

    #[test]
    fn listings_as_iproute2_asks_for_them() {
        assert_eq!(hex(PortFilter::Ports.encode())[..8], *"20000000");
        assert!(hex(PortFilter::Vlans.encode()).ends_with("08001d0002000000"));
        assert!(hex(PortFilter::VlanRanges.encode()).ends_with("08001d0004000000"));
    }
}
