//! Forwarding entries on the wire: neighbour messages of `AF_BRIDGE`. Source: `linux/neighbour.h`.

use std::num::NonZeroU32;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::attr::{u16_at, u32_at};
use super::build::{Request, Route};
use super::neigh::{
    NDA_CACHEINFO, NDA_DST, NDA_IFINDEX, NDA_LLADDR, NDA_MASTER, NDA_NH_ID, NDA_VLAN, NDA_VNI, NDMSG, header,
};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH};
use crate::model::fdb::{Fdb, FdbFilter, FdbQuestion, FdbVerb};
use crate::model::ip::Family;
use crate::model::link::LinkId;
use crate::model::neigh::{NeighFlags, NeighState};

const NDA_PORT: u16 = 6;
const NDA_LINK_NETNSID: u16 = 10;
const NDA_SRC_VNI: u16 = 11;
const NDA_NDM_STATE_MASK: u16 = 16;
const NDA_NDM_FLAGS_MASK: u16 = 17;
/// Deletes all that fit (kernel 5.19).
const NLM_F_BULK: u16 = 0x200;

/// The request that makes or deletes a forwarding entry, or deletes many.
pub fn change(verb: FdbVerb, entry: &Fdb) -> Request<Route> {
    let (kind, flags) = match verb {
        FdbVerb::Add => (RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL),
        FdbVerb::Append => (RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND),
        FdbVerb::Replace => (RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE),
        FdbVerb::Delete => (RTM_DELNEIGH, 0),
        FdbVerb::Flush(..) => (RTM_DELNEIGH, NLM_F_BULK),
    };
    let mut request = Request::new(kind, flags);
    header(&mut request, Family::Bridge, entry.device, entry.state, entry.flags);
    let FdbVerb::Flush(flags, state) = verb else {
        attributes(&mut request, entry);
        return request;
    };
    number(&mut request, NDA_IFINDEX, entry.via);
    if let Some(vlan) = entry.vlan {
        request.u16(NDA_VLAN, vlan);
    }
    if !flags.is_empty() {
        request.u8(NDA_NDM_FLAGS_MASK, flags.bits());
    }
    if !state.is_empty() {
        request.u16(NDA_NDM_STATE_MASK, state.bits());
    }
    request
}

fn attributes(request: &mut Request<Route>, entry: &Fdb) {
    if let Some(lladdr) = &entry.lladdr {
        request.attr(NDA_LLADDR, lladdr);
    }
    if let Some(dst) = &entry.dst {
        request.ip(NDA_DST, dst);
    }
    if let Some(vlan) = entry.vlan {
        request.u16(NDA_VLAN, vlan);
    }
    number(request, NDA_NH_ID, entry.nexthop);
    if let Some(port) = entry.port {
        request.be16(NDA_PORT, port);
    }
    number(request, NDA_VNI, entry.vni);
    number(request, NDA_SRC_VNI, entry.src_vni);
    number(request, NDA_IFINDEX, entry.via);
    number(request, NDA_MASTER, entry.master);
}

/// Adds an attribute, if it has a value.
pub(super) fn number(request: &mut Request<Route>, kind: u16, value: Option<u32>) {
    if let Some(value) = value {
        request.u32(kind, value);
    }
}

impl Query for FdbFilter {
    type Protocol = Route;
    type Item = Fdb;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETNEIGH, 0);
        header(&mut request, Family::Bridge, self.device, NeighState::empty(), NeighFlags::empty());
        if let Some(master) = self.master {
            request.in_ns(master.ns);
            request.u32(NDA_MASTER, master.index.get());
        }
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Fdb> {
        if frame.kind == RTM_NEWNEIGH { decode(frame, self.ns) } else { None }
    }
}

impl Query for FdbQuestion {
    type Protocol = Route;
    type Item = Fdb;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETNEIGH, 0);
        header(&mut request, Family::Bridge, self.0.device, self.0.state, self.0.flags);
        attributes(&mut request, &self.0);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Fdb> {
        if frame.kind == RTM_NEWNEIGH { decode(frame, self.0.device.map_or(0, |id| id.ns)) } else { None }
    }
}

/// Reads a forwarding entry, a reply or a request; `None` without a whole header or of another family.
/// `ns` is the namespace of its device.
pub fn decode(frame: &Frame<'_>, ns: u32) -> Option<Fdb> {
    let header = frame.payload.get(..NDMSG).filter(|header| header[0] == Family::Bridge.number())?;
    let mut entry = Fdb {
        device: NonZeroU32::new(u32_at(header, 4)?).map(|index| LinkId { ns, index }),
        state: NeighState::from_bits_retain(u16_at(header, 8)?),
        flags: NeighFlags::from_bits_retain(header[10]),
        ..Fdb::default()
    };
    for attr in frame.attrs(NDMSG) {
        match attr.kind {
            NDA_DST => entry.dst = attr.ip(),
            NDA_LLADDR => entry.lladdr = Some(attr.value.to_vec()),
            // struct nda_cacheinfo: confirmed, used, updated, refcnt.
            NDA_CACHEINFO => entry.ages = u32_at(attr.value, 4).zip(u32_at(attr.value, 8)),
            NDA_VLAN => entry.vlan = attr.u16(),
            NDA_PORT => entry.port = attr.be16(),
            NDA_VNI => entry.vni = attr.u32(),
            NDA_SRC_VNI => entry.src_vni = attr.u32(),
            NDA_IFINDEX => entry.via = attr.u32(),
            NDA_NH_ID => entry.nexthop = attr.u32(),
            NDA_MASTER => entry.master = attr.u32(),
            NDA_LINK_NETNSID => entry.link_netnsid = attr.i32(),
            _ => {}
        }
    }
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;

    fn hex(request: Request<Route>) -> String {
        request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    fn id(index: u32) -> Option<LinkId> {
        NonZeroU32::new(index).map(|index| LinkId { ns: 0, index })
    }

    fn entry() -> Fdb {
        Fdb {
            device: id(7),
            lladdr: Some(vec![0, 0x11, 0x22, 0x33, 0x44, 0x55]),
            state: NeighState::PERMANENT | NeighState::NOARP,
            flags: NeighFlags::USE
                | NeighFlags::SELF
                | NeighFlags::EXT_LEARNED
                | NeighFlags::STICKY
                | NeighFlags::ROUTER,
            dst: "10.0.0.2".parse().ok(),
            vlan: Some(5),
            port: Some(99),
            vni: Some(7),
            src_vni: Some(9),
            via: Some(5),
            ..Fdb::default()
        }
    }

    #[test]
    fn changes_as_iproute2_sends_them() {
        let expected = concat!(
            "580000001c0001060100000000000000", // NEWNEIGH REQUEST|CREATE|EXCL
            "0700000007000000c000d300",         // ndmsg: AF_BRIDGE, index 7
            "0a000200001122334455",             // LLADDR
            "0000080001000a000002",             // DST
            "06000500050000000600060000630000", // VLAN, PORT
            "080007000700000008000b0009000000", // VNI, SRC_VNI
            "0800080005000000",                 // IFINDEX
        );
        assert_eq!(hex(change(FdbVerb::Add, &entry())), expected);
        assert_eq!(hex(change(FdbVerb::Append, &entry()))[12..16], *"010c");
        assert_eq!(hex(change(FdbVerb::Replace, &entry()))[12..16], *"0105");
        assert_eq!(hex(change(FdbVerb::Delete, &entry()))[8..16], *"1d000100");
        let group = Fdb { nexthop: Some(7), vlan: None, dst: None, port: None, vni: None, via: None, ..entry() };
        assert!(hex(change(FdbVerb::Add, &group)).ends_with("08000d000700000008000b0009000000"));
    }

    #[test]
    fn a_flush_as_iproute2_sends_it() {
        let flags = NeighFlags::USE | NeighFlags::EXT_LEARNED | NeighFlags::STICKY | NeighFlags::OFFLOADED;
        let flush = Fdb {
            device: id(4),
            state: NeighState::PERMANENT,
            flags: NeighFlags::SELF | NeighFlags::MASTER | NeighFlags::USE | NeighFlags::STICKY,
            via: Some(6),
            vlan: Some(5),
            ..Fdb::default()
        };
        let expected = concat!(
            "3c0000001d0001020100000000000000", // DELNEIGH REQUEST|BULK
            "070000000400000080004700",
            "08000800060000000600050005000000",
            "050011007100000006001000c0000000",
        );
        let mask = NeighState::PERMANENT | NeighState::NOARP;
        assert_eq!(hex(change(FdbVerb::Flush(flags, mask), &flush)), expected);
    }

    #[test]
    fn questions_as_iproute2_asks_them() {
        let one = Fdb {
            device: id(6),
            lladdr: Some(vec![0, 0x11, 0x22, 0x33, 0x44, 0x57]),
            flags: NeighFlags::MASTER,
            vlan: Some(5),
            vni: Some(8),
            master: Some(4),
            ..Fdb::default()
        };
        let expected = concat!(
            "400000001e0001000100000000000000",
            "070000000600000000000400",
            "0a00020000112233445700000600050005000000",
            "08000700080000000800090004000000",
        );
        assert_eq!(hex(FdbQuestion(one).encode()), expected);
        let some = FdbFilter { device: id(6), master: id(4), ..FdbFilter::default() };
        let expected = "240000001e00010001000000000000000700000006000000000000000800090004000000";
        assert_eq!(hex(some.encode()), expected);
    }

    #[test]
    fn what_is_encoded_decodes() {
        let other = Fdb { nexthop: Some(3), master: Some(2), device: None, ..Fdb::default() };
        for entry in [entry(), other] {
            let bytes = change(FdbVerb::Add, &entry).seal(1, 0).unwrap();
            assert_eq!(decode(&frames(&bytes).next().unwrap(), 0), Some(entry));
        }
    }
}
