//! Links on the wire: `RTM_NEWLINK`, `RTM_DELLINK`, `RTM_GETLINK`.
//! Source: `linux/if_link.h`, `linux/veth.h`.

use std::num::NonZeroU32;
use std::os::fd::AsRawFd;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::attr::{Attr, u16_at, u32_at};
use super::build::{NESTED, Request, Route};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_DELLINK, RTM_DELLINKPROP, RTM_GETLINK, RTM_NEWLINK, RTM_NEWLINKPROP};
use crate::model::link::{
    Link, LinkChange, LinkFlags, LinkId, LinkNumber, ListVerb, NetnsRef, NewKind, NewLink, NewPeer,
};
use crate::model::name::IFNAME_MAX;

/// Length of `struct ifinfomsg`.
pub const IFINFOMSG: usize = 16;

const IFLA_ADDRESS: u16 = 1;
const IFLA_BROADCAST: u16 = 2;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_QDISC: u16 = 6;
const IFLA_MASTER: u16 = 10;
const IFLA_TXQLEN: u16 = 13;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINKMODE: u16 = 17;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_PID: u16 = 19;
const IFLA_IFALIAS: u16 = 20;
const IFLA_STATS64: u16 = 23;
pub(super) const IFLA_AF_SPEC: u16 = 26;
const IFLA_GROUP: u16 = 27;
const IFLA_NET_NS_FD: u16 = 28;
pub(super) const IFLA_EXT_MASK: u16 = 29;
/// Id of the hardware's port.
pub const IFLA_PHYS_PORT_ID: u16 = 34;
/// Id of the switch that the port is on.
pub const IFLA_PHYS_SWITCH_ID: u16 = 36;
const IFLA_LINK_NETNSID: u16 = 37;
/// Name of the hardware's port.
pub const IFLA_PHYS_PORT_NAME: u16 = 38;
const IFLA_PROTO_DOWN: u16 = 39;
const IFLA_XDP: u16 = 43;
const IFLA_EVENT: u16 = 44;
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_PROTO_DOWN_REASON: u16 = 55;
/// Name of the device that the link is a part of, on its bus (kernel 5.14).
pub const IFLA_PARENT_DEV_NAME: u16 = 56;
/// Name of that bus (kernel 5.14).
pub const IFLA_PARENT_DEV_BUS_NAME: u16 = 57;
const IFLA_PROTO_DOWN_REASON_MASK: u16 = 1;
const IFLA_PROTO_DOWN_REASON_VALUE: u16 = 2;
const IFLA_XDP_FD: u16 = 1;
const IFLA_XDP_FLAGS: u16 = 3;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
pub(super) const IFLA_INFO_KIND: u16 = 1;
pub(super) const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
pub(super) const IFLA_INFO_SLAVE_DATA: u16 = 5;
const VETH_INFO_PEER: u16 = 1;
const AF_INET6: u16 = 10;
/// Leaves the IPv6 counters out of the answer (kernel 4.4): a third of its size.
const RTEXT_FILTER_SKIP_STATS: u32 = 8;

const NAMES: super::Names = (
    &[IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_NET_NS_FD, IFLA_NET_NS_PID, IFLA_ALT_IFNAME],
    "address,name,mtu,link,master,netns,netns,altname",
);

/// Our names of the attributes that a refusal may point at.
pub fn attr_name(path: &[u16]) -> Option<&'static str> {
    Some(match path {
        [super::port::IFLA_PROTINFO, ..] => "port attribute",
        [IFLA_AF_SPEC, AF_INET6, ..] => "IPv6 attribute",
        [IFLA_AF_SPEC, ..] => "vlan",
        [IFLA_LINKINFO, IFLA_INFO_KIND] => "kind",
        [IFLA_LINKINFO, IFLA_INFO_DATA, ..] => "argument of the kind",
        [IFLA_LINKINFO, ..] => "kind",
        _ => return super::named(NAMES, path),
    })
}

/// The request that creates a link; fails with `EEXIST` when its name or index is taken.
pub fn create(link: &NewLink<'_>) -> Request<Route> {
    make(NLM_F_CREATE | NLM_F_EXCL, link)
}

/// The request that creates a link or changes the one that is there.
pub fn replace(link: &NewLink<'_>) -> Request<Route> {
    make(NLM_F_CREATE | NLM_F_REPLACE, link)
}

fn make(flags: u16, link: &NewLink<'_>) -> Request<Route> {
    let mut request = Request::new(RTM_NEWLINK, flags);
    header(&mut request, link.index, &link.change);
    properties(&mut request, &link.change);
    request.nest(IFLA_LINKINFO, |r| match &link.kind {
        NewKind::Plain(kind) => super::kind::name(r, kind),
        NewKind::With(kind) => super::kind::encode(r, kind, None),
        NewKind::Pair(kind, peer) => super::kind::encode(r, kind, Some(peer)),
        NewKind::Veth { peer } => {
            r.attr(IFLA_INFO_KIND, b"veth");
            if let Some(peer) = peer {
                r.nest(IFLA_INFO_DATA, |r| {
                    pair_peer(r, peer);
                });
            }
        }
    });
    request
}

/// Appends the other end of a pair; its attribute has the same number in every kind of pairs.
pub(super) fn pair_peer(request: &mut Request<Route>, peer: &NewPeer<'_>) {
    request.nest(VETH_INFO_PEER, |request| {
        header(request, peer.index, &peer.change);
        properties(request, &peer.change);
    });
}

/// The request that changes a link.
pub fn change(id: LinkId, change: &LinkChange<'_>) -> Request<Route> {
    let mut request = Request::new(RTM_NEWLINK, 0);
    request.in_ns(id.ns);
    header(&mut request, Some(id.index), change);
    properties(&mut request, change);
    if let Some(kind) = &change.kind {
        request.nest(IFLA_LINKINFO, |r| super::kind::encode(r, kind, None));
    }
    request
}

/// The request that deletes a link (a veth goes with its peer).
pub fn delete(id: LinkId) -> Request<Route> {
    let mut request = Request::new(RTM_DELLINK, 0);
    request.in_ns(id.ns);
    header(&mut request, Some(id.index), &LinkChange::default());
    request
}

/// The request that changes all links of a group.
pub fn change_group(group: u32, change: &LinkChange<'_>) -> Request<Route> {
    let mut request = Request::new(RTM_NEWLINK, 0);
    header(&mut request, None, change);
    request.u32(IFLA_GROUP, group);
    properties(&mut request, change);
    request
}

/// The request that deletes all links of a group.
pub fn delete_group(group: u32) -> Request<Route> {
    let mut request = Request::new(RTM_DELLINK, 0);
    header(&mut request, None, &LinkChange::default());
    request.u32(IFLA_GROUP, group);
    request
}

/// The request that gives a link alternative names or takes them away (kernel 5.5).
pub fn altnames(verb: ListVerb, id: LinkId, names: &[Vec<u8>]) -> Request<Route> {
    let mut request = match verb {
        ListVerb::Add => Request::new(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND),
        ListVerb::Delete => Request::new(RTM_DELLINKPROP, 0),
    };
    request.in_ns(id.ns);
    header(&mut request, Some(id.index), &LinkChange::default());
    let list = request.begin(IFLA_PROP_LIST | NESTED);
    for name in names {
        request.string(IFLA_ALT_IFNAME, name);
    }
    request.end(list);
    request
}

fn header(request: &mut Request<Route>, index: Option<NonZeroU32>, change: &LinkChange<'_>) {
    let (mut flags, mut mask) = (change.flags, change.flag_mask);
    if let Some(up) = change.up {
        flags.set(LinkFlags::UP, up);
        mask |= LinkFlags::UP;
    }
    request.raw(&ifinfomsg(index.map_or(0, NonZeroU32::get), flags, mask));
}

fn ifinfomsg(index: u32, flags: LinkFlags, mask: LinkFlags) -> [u8; IFINFOMSG] {
    let mut bytes = [0; IFINFOMSG];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.bits().to_ne_bytes());
    bytes[12..16].copy_from_slice(&mask.bits().to_ne_bytes());
    bytes
}

fn properties(request: &mut Request<Route>, change: &LinkChange<'_>) {
    match change.netns {
        Some(NetnsRef::Fd(fd)) => {
            request.i32(IFLA_NET_NS_FD, fd.as_raw_fd());
        }
        Some(NetnsRef::Pid(pid)) => {
            request.u32(IFLA_NET_NS_PID, pid);
        }
        None => {}
    }
    if let Some(mtu) = change.mtu {
        request.u32(IFLA_MTU, mtu);
    }
    if let Some(address) = &change.address {
        request.attr(IFLA_ADDRESS, address);
    }
    match change.master {
        Some(Some(master)) => {
            request.in_ns(master.ns);
            request.u32(IFLA_MASTER, master.index.get());
        }
        Some(None) => {
            request.u32(IFLA_MASTER, 0);
        }
        None => {}
    }
    if let Some(broadcast) = &change.broadcast {
        request.attr(IFLA_BROADCAST, broadcast);
    }
    if let Some(alias) = &change.alias {
        request.attr(IFLA_IFALIAS, alias);
    }
    for (number, value) in &change.numbers {
        number_attr(request, *number, *value);
    }
    if let Some((bit, on)) = change.proto_down_reason {
        let mask = 1u32.checked_shl(u32::from(bit)).unwrap_or(0);
        let reason = request.begin(IFLA_PROTO_DOWN_REASON | NESTED);
        request.u32(IFLA_PROTO_DOWN_REASON_MASK, mask);
        request.u32(IFLA_PROTO_DOWN_REASON_VALUE, if on { mask } else { 0 });
        request.end(reason);
    }
    if let Some(flags) = change.xdp_off {
        let xdp = request.begin(IFLA_XDP);
        request.i32(IFLA_XDP_FD, -1).u32(IFLA_XDP_FLAGS, flags);
        request.end(xdp);
    }
    if let Some(lower) = change.lower {
        request.in_ns(lower.ns);
        request.u32(IFLA_LINK, lower.index.get());
    }
    if let Some(name) = &change.name {
        request.string(IFLA_IFNAME, name.as_bytes());
    }
}

fn number_attr(request: &mut Request<Route>, number: LinkNumber, value: u32) {
    let (kind, [low, ..]) = (number as u16, value.to_le_bytes());
    match number {
        LinkNumber::State | LinkNumber::Mode | LinkNumber::Carrier | LinkNumber::ProtoDown => {
            request.u8(kind, low);
        }
        LinkNumber::AddrGenMode => {
            let spec = request.begin(IFLA_AF_SPEC);
            let inet6 = request.begin(AF_INET6);
            request.u8(IFLA_INET6_ADDR_GEN_MODE, low);
            request.end(inet6);
            request.end(spec);
        }
        _ => {
            request.u32(kind, value);
        }
    }
}

/// Which links to ask for.
#[derive(Debug, Clone, Default)]
pub enum GetLink<'a> {
    /// All of the namespace (a dump), or those of a kind or master.
    #[default]
    All,
    /// The link of an index.
    Index(u32),
    /// The link of a name or alternative name.
    Name(&'a [u8]),
}

impl Query for GetLink<'_> {
    type Protocol = Route;
    type Item = Link;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETLINK, 0);
        let index = if let GetLink::Index(index) = self { *index } else { 0 };
        request.raw(&ifinfomsg(index, LinkFlags::empty(), LinkFlags::empty()));
        if let GetLink::Name(name) = self {
            let kind = if name.len() > IFNAME_MAX { IFLA_ALT_IFNAME } else { IFLA_IFNAME };
            request.string(kind, name);
        }
        request.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Link> {
        if frame.kind == RTM_NEWLINK { decode(frame) } else { None }
    }
}

/// Reads a link message, a reply or a request; `None` without a whole header. Unknown attributes are passed over.
pub fn decode(frame: &Frame<'_>) -> Option<Link> {
    let mut link = Link {
        hardware: u16_at(frame.payload, 2)?,
        index: u32_at(frame.payload, 4)?,
        flags: LinkFlags::from_bits_retain(u32_at(frame.payload, 8)?),
        ..Link::default()
    };
    u32_at(frame.payload, 12)?;
    for attr in frame.attrs(IFINFOMSG) {
        attribute(&mut link, attr);
    }
    Some(link)
}

fn attribute(link: &mut Link, attr: Attr<'_>) {
    match attr.kind {
        IFLA_ADDRESS => link.address = Some(attr.value.to_vec()),
        IFLA_BROADCAST => link.broadcast = Some(attr.value.to_vec()),
        IFLA_IFNAME => link.name = attr.bytes_to_nul().to_vec(),
        IFLA_MTU => link.mtu = attr.u32(),
        IFLA_LINK => link.link = attr.u32(),
        IFLA_QDISC => link.qdisc = Some(attr.bytes_to_nul().to_vec()),
        IFLA_MASTER => link.master = attr.u32(),
        IFLA_TXQLEN => link.txqlen = attr.u32(),
        IFLA_OPERSTATE => link.operstate = attr.u8(),
        IFLA_LINKMODE => link.mode = attr.u8(),
        IFLA_IFALIAS => link.alias = Some(attr.bytes_to_nul().to_vec()),
        IFLA_GROUP => link.group = attr.u32(),
        IFLA_LINK_NETNSID => link.link_netnsid = attr.i32(),
        IFLA_PROTO_DOWN => link.proto_down = attr.u8() == Some(1),
        IFLA_EVENT => link.event = attr.u32(),
        IFLA_PERM_ADDRESS => link.permanent_address = Some(attr.value.to_vec()),
        IFLA_PROP_LIST => {
            link.altnames =
                attr.nested().filter(|a| a.kind == IFLA_ALT_IFNAME).map(|a| a.bytes_to_nul().to_vec()).collect();
        }
        IFLA_LINKINFO => {
            for info in attr.nested() {
                match info.kind {
                    IFLA_INFO_KIND => link.kind = Some(info.bytes_to_nul().to_vec()),
                    IFLA_INFO_DATA => link.kind_data = info.value.to_vec(),
                    IFLA_INFO_SLAVE_KIND => link.slave_kind = Some(info.bytes_to_nul().to_vec()),
                    IFLA_INFO_SLAVE_DATA => link.slave_data = info.value.to_vec(),
                    _ => {}
                }
            }
        }
        IFLA_STATS64 => {
            link.counters =
                attr.value.chunks_exact(8).filter_map(|c| Some(u64::from_ne_bytes(c.try_into().ok()?))).collect();
        }
        IFLA_AF_SPEC => {
            nested_number(link, attr.nested().find(AF_INET6), IFLA_INET6_ADDR_GEN_MODE, LinkNumber::AddrGenMode)
        }
        IFLA_PROTO_DOWN_REASON => {
            nested_number(link, Some(attr), IFLA_PROTO_DOWN_REASON_VALUE, LinkNumber::ProtoDownReason);
        }
        IFLA_PHYS_PORT_ID
        | IFLA_PHYS_SWITCH_ID
        | IFLA_PHYS_PORT_NAME
        | IFLA_PARENT_DEV_NAME
        | IFLA_PARENT_DEV_BUS_NAME => link.hardware_ids.push((attr.kind, attr.value.to_vec())),
        kind => {
            if let (Some(number), Some(value)) = (DETAILS.iter().find(|number| **number as u16 == kind), attr.u32()) {
                link.numbers.push((*number, value));
            }
        }
    }
}

/// Numbers that [`Link::numbers`] keeps and that are attributes of their own.
const DETAILS: &[LinkNumber] = &[
    LinkNumber::Promiscuity,
    LinkNumber::TxQueues,
    LinkNumber::RxQueues,
    LinkNumber::CarrierChanges,
    LinkNumber::GsoMaxSegs,
    LinkNumber::GsoMaxSize,
    LinkNumber::MinMtu,
    LinkNumber::MaxMtu,
    LinkNumber::GroMaxSize,
    LinkNumber::TsoMaxSize,
    LinkNumber::TsoMaxSegs,
    LinkNumber::AllMulti,
];

fn nested_number(link: &mut Link, outer: Option<Attr<'_>>, kind: u16, number: LinkNumber) {
    let inner = outer.and_then(|outer| outer.nested().find(kind));
    if let Some(value) = inner.and_then(|inner| inner.u32().or(inner.u8().map(u32::from))) {
        link.numbers.push((number, value));
    }
}

#[cfg(test)]
mod tests;
