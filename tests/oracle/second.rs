//! A second opinion: netlink-packet-route, an independent implementation, reads the same
//! bytes, and what it saw is held against what was meant, field by field. Whole messages
//! are not compared: it loses some flags and fails on names that are not UTF-8.

use std::net::IpAddr;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use netstrap::model::addr::Addr;
use netstrap::model::link::{LinkChange, NetnsRef};
use netstrap::model::neigh::Neigh;
use netstrap::model::op::Op;
use netstrap::model::route::Route;
use netstrap::wire::reply::Frame;
use netstrap::wire::{addr, link};

fn read(bytes: &[u8]) -> Option<RouteNetlinkMessage> {
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes).ok()?.payload {
        NetlinkPayload::InnerMessage(message) => Some(message),
        _ => None,
    }
}

/// Whether the other implementation can read this change at all: it takes names as UTF-8 only.
fn readable(op: &Op<'_>) -> bool {
    let utf8 = |change: &LinkChange<'_>| change.name.is_none_or(|name| std::str::from_utf8(name.as_bytes()).is_ok());
    match op {
        // It knows no message of link properties.
        Op::AltNames(..) | Op::SetNsid(..) => false,
        Op::ChangeGroup(_, change) => utf8(change),
        Op::CreateLink(new) | Op::ReplaceLink(new) => {
            utf8(&new.change)
                && match &new.kind {
                    netstrap::model::link::NewKind::Veth { peer: Some(peer) } => utf8(&peer.change),
                    _ => true,
                }
        }
        Op::ChangeLink(_, change) => utf8(change),
        Op::Addr(_, _, addr) => addr.label.as_ref().is_none_or(|label| std::str::from_utf8(label).is_ok()),
        // It takes the life time of a multicast route for 64 bits wide, which only answers have.
        // It reads the attributes of tunnels that it knows, and refuses those that have no sense.
        Op::Route(_, route) => {
            let plain = route.encap.is_none() && route.hops.iter().all(|hop| hop.encap.is_none());
            plain && (route.kind.0 != 5 || route.expires.is_none())
        }
        Op::Rule { .. } | Op::NextHop(..) => false,
        _ => true,
    }
}

/// Judges a request that we made.
pub fn judge_request(op: &Op<'_>, bytes: &[u8]) {
    if !readable(op) {
        return;
    }
    let Some(message) = read(bytes) else { panic!("packet-route cannot read {op:?}") };
    match (op, &message) {
        (Op::CreateLink(new) | Op::ReplaceLink(new), RouteNetlinkMessage::NewLink(seen)) => {
            link_fields(&new.change, seen);
            let kind = seen.attributes.iter().any(|attribute| match attribute {
                LinkAttribute::LinkInfo(infos) => infos.iter().any(|info| matches!(info, LinkInfo::Kind(_))),
                _ => false,
            });
            assert!(kind, "a kind");
        }
        (Op::ChangeLink(id, change), RouteNetlinkMessage::SetLink(seen) | RouteNetlinkMessage::NewLink(seen)) => {
            assert_eq!(seen.header.index, id.index.get());
            link_fields(change, seen);
        }
        (Op::ChangeGroup(_, change), RouteNetlinkMessage::SetLink(seen) | RouteNetlinkMessage::NewLink(seen)) => {
            link_fields(change, seen);
        }
        (Op::DeleteGroup(_), RouteNetlinkMessage::DelLink(seen)) => assert_eq!(seen.header.index, 0),
        (Op::DeleteLink(id), RouteNetlinkMessage::DelLink(seen)) => assert_eq!(seen.header.index, id.index.get()),
        (Op::Addr(_, id, meant), RouteNetlinkMessage::NewAddress(seen) | RouteNetlinkMessage::DelAddress(seen)) => {
            assert_eq!(seen.header.index, id.index.get());
            addr_fields(meant, seen);
        }
        (Op::Route(_, meant), RouteNetlinkMessage::NewRoute(seen) | RouteNetlinkMessage::DelRoute(seen)) => {
            route_fields(meant, seen);
        }
        (Op::Neigh(_, meant), RouteNetlinkMessage::NewNeighbour(seen) | RouteNetlinkMessage::DelNeighbour(seen)) => {
            neigh_fields(meant, seen);
        }
        (op, seen) => panic!("{op:?} was read as {seen:?}"),
    }
}

fn link_fields(meant: &LinkChange<'_>, seen: &LinkMessage) {
    use std::os::fd::AsRawFd;
    let find = |pick: &dyn Fn(&LinkAttribute) -> bool| seen.attributes.iter().any(pick);
    if let Some(name) = &meant.name {
        assert!(find(&|a| matches!(a, LinkAttribute::IfName(seen) if seen.as_bytes() == name.as_bytes())), "name");
    }
    if let Some(mtu) = meant.mtu {
        assert!(find(&|a| *a == LinkAttribute::Mtu(mtu)), "mtu");
    }
    if let Some(address) = &meant.address {
        assert!(find(&|a| *a == LinkAttribute::Address(address.clone())), "address");
    }
    if let Some(master) = meant.master {
        assert!(find(&|a| *a == LinkAttribute::Controller(master.map_or(0, |id| id.index.get()))), "master");
    }
    if let Some(lower) = meant.lower {
        assert!(find(&|a| *a == LinkAttribute::Link(lower.index.get())), "link");
    }
    match meant.netns {
        Some(NetnsRef::Fd(fd)) => assert!(find(&|a| *a == LinkAttribute::NetNsFd(fd.as_raw_fd())), "netns fd"),
        Some(NetnsRef::Pid(pid)) => assert!(find(&|a| *a == LinkAttribute::NetNsPid(pid)), "netns pid"),
        None => {}
    }
}

fn addr_fields(meant: &Addr, seen: &AddressMessage) {
    assert_eq!(seen.header.prefix_len, meant.len);
    assert_eq!(u8::from(seen.header.scope), meant.scope);
    let local = seen.attributes.iter().find_map(|a| if let AddressAttribute::Local(ip) = a { Some(*ip) } else { None });
    let address =
        seen.attributes.iter().find_map(|a| if let AddressAttribute::Address(ip) = a { Some(*ip) } else { None });
    assert_eq!((local, address), (meant.local, meant.address));
    let metric =
        seen.attributes.iter().find_map(|a| if let AddressAttribute::RoutePriority(m) = a { Some(*m) } else { None });
    assert_eq!(metric, meant.metric);
}

fn route_ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some((*v4).into()),
        RouteAddress::Inet6(v6) => Some((*v6).into()),
        _ => None,
    }
}

fn route_fields(meant: &Route, seen: &RouteMessage) {
    assert_eq!(seen.header.destination_prefix_length, meant.dst.len());
    assert_eq!(u8::from(seen.header.kind), meant.kind.0);
    assert_eq!(u8::from(seen.header.scope), meant.scope);
    assert_eq!(u8::from(seen.header.protocol), meant.protocol);
    let pick = |pick: &dyn Fn(&RouteAttribute) -> Option<IpAddr>| seen.attributes.iter().find_map(pick);
    let gateway = pick(&|a| if let RouteAttribute::Gateway(g) = a { route_ip(g) } else { None });
    let prefsrc = pick(&|a| if let RouteAttribute::PrefSource(s) = a { route_ip(s) } else { None });
    assert_eq!((gateway, prefsrc), (meant.via, meant.prefsrc));
    let numbers: Vec<(&str, u32)> = seen
        .attributes
        .iter()
        .filter_map(|a| match a {
            RouteAttribute::Oif(n) => Some(("oif", *n)),
            RouteAttribute::Priority(n) => Some(("metric", *n)),
            RouteAttribute::NhId(n) => Some(("nhid", *n)),
            _ => None,
        })
        .collect();
    let number = |name| numbers.iter().find(|row| row.0 == name).map(|row| row.1);
    assert_eq!(number("oif"), meant.device.map(|id| id.index.get()));
    assert_eq!((number("metric"), number("nhid")), (meant.metric, meant.nhid));
    let hops =
        seen.attributes.iter().find_map(|a| if let RouteAttribute::MultiPath(h) = a { Some(h.len()) } else { None });
    assert_eq!(hops.unwrap_or(0), meant.hops.len());
}

fn neigh_fields(meant: &Neigh, seen: &NeighbourMessage) {
    assert_eq!(seen.header.ifindex, meant.device.map_or(0, |id| id.index.get()));
    assert_eq!(u16::from(seen.header.state), meant.state.bits());
    let dst = seen.attributes.iter().find_map(|a| match a {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => Some(IpAddr::from(*v4)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => Some(IpAddr::from(*v6)),
        _ => None,
    });
    assert_eq!(dst, meant.dst);
    let lladdr = seen.attributes.iter().find_map(|a| match a {
        NeighbourAttribute::LinkLayerAddress(bytes) => Some(bytes.clone()),
        _ => None,
    });
    assert_eq!(lladdr, meant.lladdr);
}

/// Judges what we read in a message of any bytes: where the other implementation reads it too, both
/// saw the same name, size and addresses. That we read what it refuses is as wanted: stray bytes,
/// odd lengths and names that are not UTF-8 break no listing.
pub fn judge_reply(frame: &Frame<'_>) {
    let Some(message) = rebuilt(frame).as_deref().and_then(read) else { return };
    match message {
        RouteNetlinkMessage::NewLink(seen) | RouteNetlinkMessage::DelLink(seen) => {
            let Some(ours) = link::decode(frame) else { panic!("a link that packet-route reads") };
            assert_eq!(seen.header.index, ours.index);
            let name = seen
                .attributes
                .iter()
                .rev()
                .find_map(|a| if let LinkAttribute::IfName(n) = a { Some(n) } else { None });
            if let Some(name) = name {
                // A name ends at its first NUL; it keeps what follows.
                assert_eq!(name.as_bytes().split(|byte| *byte == 0).next(), Some(&ours.name[..]));
            }
        }
        RouteNetlinkMessage::NewAddress(seen) | RouteNetlinkMessage::DelAddress(seen) => {
            let Some((index, ours)) = addr::decode(frame) else { panic!("an address that packet-route reads") };
            assert_eq!((seen.header.index, seen.header.prefix_len), (index, ours.len));
            let local = seen
                .attributes
                .iter()
                .rev()
                .find_map(|a| if let AddressAttribute::Local(ip) = a { Some(*ip) } else { None });
            if local.is_some() {
                assert_eq!(local, ours.local);
            }
        }
        _ => {}
    }
}

/// The message alone, as the other implementation wants it.
fn rebuilt(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let mut bytes = u32::try_from(16 + frame.payload.len()).ok()?.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&frame.kind.to_ne_bytes());
    bytes.extend_from_slice(&frame.flags.to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(frame.payload);
    Some(bytes)
}
