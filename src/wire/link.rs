//! Links on the wire: `RTM_NEWLINK`, `RTM_DELLINK`, `RTM_GETLINK`.
//! Source: `linux/if_link.h`, `linux/veth.h`.

use std::num::NonZeroU32;
use std::os::fd::AsRawFd;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::attr::{Attr, u16_at, u32_at};
use super::build::{Request, Route};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK};
use crate::model::link::{Link, LinkChange, LinkFlags, LinkId, NetnsRef, NewKind, NewLink, NewPeer};
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
const IFLA_GROUP: u16 = 27;
const IFLA_NET_NS_FD: u16 = 28;
pub(super) const IFLA_EXT_MASK: u16 = 29;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_PROTO_DOWN: u16 = 39;
const IFLA_EVENT: u16 = 44;
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const VETH_INFO_PEER: u16 = 1;
/// Leaves the IPv6 counters out of the answer (kernel 4.4): a third of its size.
const RTEXT_FILTER_SKIP_STATS: u32 = 8;

/// Our names of the attributes that a refusal may point at.
pub fn attr_name(path: &[u16]) -> Option<&'static str> {
    Some(match path {
        [IFLA_ADDRESS] => "address",
        [IFLA_IFNAME] => "name",
        [IFLA_MTU] => "mtu",
        [IFLA_LINK] => "link",
        [IFLA_MASTER] => "master",
        [IFLA_NET_NS_FD] | [IFLA_NET_NS_PID] => "netns",
        [IFLA_ALT_IFNAME] => "altname",
        [super::port::IFLA_PROTINFO, ..] => "port attribute",
        [super::port::IFLA_AF_SPEC, ..] => "vlan",
        [IFLA_LINKINFO, IFLA_INFO_KIND] => "kind",
        [IFLA_LINKINFO, IFLA_INFO_DATA, ..] => "argument of the kind",
        [IFLA_LINKINFO, ..] => "kind",
        _ => return None,
    })
}

/// The request that creates a link; fails with `EEXIST` when its name or index is taken.
pub fn create(link: &NewLink<'_>) -> Request<Route> {
    let mut request = Request::new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    header(&mut request, link.index, &link.change);
    properties(&mut request, &link.change);
    request.nest(IFLA_LINKINFO, |r| match &link.kind {
        NewKind::Plain(kind) => {
            // Without its NUL, as every client sends it: the kernel compares up to the length.
            r.attr(IFLA_INFO_KIND, kind.as_bytes());
        }
        NewKind::Veth { peer } => {
            r.attr(IFLA_INFO_KIND, b"veth");
            if let Some(peer) = peer {
                r.nest(IFLA_INFO_DATA, |r| {
                    r.nest(VETH_INFO_PEER, |r| veth_peer(r, peer));
                });
            }
        }
    });
    request
}

fn veth_peer(request: &mut Request<Route>, peer: &NewPeer<'_>) {
    header(request, peer.index, &peer.change);
    properties(request, &peer.change);
}

/// The request that changes a link.
pub fn change(id: LinkId, change: &LinkChange<'_>) -> Request<Route> {
    let mut request = Request::new(RTM_NEWLINK, 0);
    request.in_ns(id.ns);
    header(&mut request, Some(id.index), change);
    properties(&mut request, change);
    request
}

/// The request that deletes a link (a veth goes with its peer).
pub fn delete(id: LinkId) -> Request<Route> {
    let mut request = Request::new(RTM_DELLINK, 0);
    request.in_ns(id.ns);
    header(&mut request, Some(id.index), &LinkChange::default());
    request
}

fn header(request: &mut Request<Route>, index: Option<NonZeroU32>, change: &LinkChange<'_>) {
    let (flags, mask) = match change.up {
        Some(true) => (LinkFlags::UP, LinkFlags::UP),
        Some(false) => (LinkFlags::empty(), LinkFlags::UP),
        None => (LinkFlags::empty(), LinkFlags::empty()),
    };
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
    if let Some(name) = &change.name {
        request.string(IFLA_IFNAME, name.as_bytes());
    }
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
        (frame.kind == RTM_NEWLINK).then(|| decode(frame)).flatten()
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
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::link::KindName;
    use crate::model::name::IfName;
    use crate::wire::reply::frames;

    fn hex(request: Request<Route>) -> String {
        request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    fn named(name: &str) -> LinkChange<'static> {
        LinkChange { name: IfName::new(name.as_bytes()), ..LinkChange::default() }
    }

    fn id(index: u32) -> LinkId {
        LinkId { ns: 0, index: NonZeroU32::new(index).unwrap() }
    }

    #[test]
    fn a_veth_pair_is_one_message() {
        let peer = NewPeer { change: named("v1"), index: None };
        let link = NewLink { change: named("v0"), index: None, kind: NewKind::Veth { peer: Some(peer) } };
        let expected = concat!(
            "54000000100001060100000000000000", // NEWLINK REQUEST|CREATE|EXCL
            "00000000000000000000000000000000", // ifinfomsg
            "0700030076300000",                 // IFNAME v0
            "2c001280",                         // LINKINFO, nested
            "0800010076657468",                 // INFO_KIND veth
            "20000280",                         // INFO_DATA, nested
            "1c000180",                         // VETH_INFO_PEER, nested
            "00000000000000000000000000000000", // its ifinfomsg
            "0700030076310000",                 // IFNAME v1
        );
        assert_eq!(hex(create(&link)), expected);
    }

    #[test]
    fn changes_as_iproute2_sends_them() {
        let up = LinkChange { up: Some(true), ..LinkChange::default() };
        assert_eq!(
            hex(change(id(3), &up)),
            "20000000100001000100000000000000000000000300000001000000".to_owned() + "01000000"
        );
        let master = LinkChange { master: Some(Some(id(4))), ..LinkChange::default() };
        assert!(hex(change(id(3), &master)).ends_with("08000a0004000000"));
        let leave = LinkChange { master: Some(None), ..LinkChange::default() };
        assert!(hex(change(id(3), &leave)).ends_with("08000a0000000000"));
        assert_eq!(hex(delete(id(3))), "2000000011000100010000000000000000000000030000000000000000000000");
    }

    #[test]
    fn a_link_of_another_namespace_is_not_sealed_in() {
        let master = LinkId { ns: 1, ..id(4) };
        let request = change(id(3), &LinkChange { master: Some(Some(master)), ..LinkChange::default() });
        assert!(request.ns().is_err());
    }

    #[test]
    fn what_is_encoded_decodes() {
        let change =
            LinkChange { mtu: Some(1400), address: Some(vec![2, 0, 0, 0, 0, 1]), up: Some(true), ..named("br0") };
        let kind = NewKind::Plain(KindName::new(b"bridge").unwrap());
        let bytes = create(&NewLink { change, index: NonZeroU32::new(9), kind }).seal(1, 0).unwrap();
        let link = decode(&frames(&bytes).next().unwrap()).unwrap();
        let expected = Link {
            index: 9,
            name: b"br0".to_vec(),
            flags: LinkFlags::UP,
            mtu: Some(1400),
            address: Some(vec![2, 0, 0, 0, 0, 1]),
            kind: Some(b"bridge".to_vec()),
            ..Link::default()
        };
        assert_eq!(link, expected);
    }
}
