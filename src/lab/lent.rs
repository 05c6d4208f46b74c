//! Addresses and routes of links that are somebody else's, and that a run moves, takes down or adopts: the kernel, or
//! the run, drops them on the way. They are kept as the messages that make them, with the protocol that they had.
//!
//! Each is a line `INDEX LINK NETNS MESSAGE WHAT`: the link's index and name, its namespace (`-` for the host), the
//! message in hexadecimal, and what it makes.

use super::sockets::Sockets;
use crate::error::Error;
use crate::model::addr::{Addr, AddrFlags, AddrVerb};
use crate::model::ip::Family;
use crate::model::lab::{Mark, PROTOCOL};
use crate::model::link::{Link, LinkId, ListVerb};
use crate::model::name::NsName;
use crate::model::op::Op;
use crate::model::plan::{Act, Plan};
use crate::model::route::{Route, RouteFlags, RouteVerb};
use crate::model::topology::{LinkKind, Topology};
use crate::model::world::{Seen, World};
use crate::wire::attr::attrs;
use crate::wire::build::{HEADER, Request, Route as Protocol};
use crate::wire::link::GetLink;
use crate::wire::{encode, header_len};

/// `RTPROT_*` of what the kernel makes by itself, and of router advertisements.
const BY_KERNEL: [u8; 4] = [0, 1, 2, 9];
/// `RTM_NEWADDR`.
const NEW_ADDR: u16 = 20;
/// `RTA_OIF`.
const OIF: u16 = 4;
/// `RTA_MULTIPATH`.
const MULTIPATH: u16 = 9;
/// Length of `struct rtnexthop`; the link's index is at 4.
const HOP: usize = 8;
/// `RT_SCOPE_LINK`.
const LINK: u8 = 253;

/// What a plan may cost links that are not ours.
pub fn found(plan: &Plan, world: &World) -> Vec<String> {
    let mut touched: Vec<(usize, u32)> = Vec::new();
    for step in &plan.steps {
        let link = match &step.act {
            Act::MoveLink { link, .. } => link,
            Act::Op(op) => match op.as_ref() {
                Op::ChangeLink(link, _) | Op::AltNames(ListVerb::Add, link, _) | Op::Addr(_, link, _) => link,
                _ => continue,
            },
            _ => continue,
        };
        let touch = (step.place, link.index.get());
        if touched.last() != Some(&touch) && !touched.contains(&touch) && is_foreign(plan, world, touch) {
            touched.push(touch);
        }
    }
    let mut lines = Vec::new();
    for (place, index) in touched {
        let Some((seen, link)) = world.places.get(place).and_then(|seen| Some((seen, seen.state.link(index)?))) else {
            continue;
        };
        of_link(seen, link, place, &mut lines);
    }
    lines
}

/// Whether a link was there and is neither ours nor in a namespace of ours.
fn is_foreign(plan: &Plan, world: &World, (place, index): (usize, u32)) -> bool {
    let seen = world.places.get(place).filter(|seen| place == 0 || !seen.is_of(&plan.lab));
    let link = seen.and_then(|seen| seen.state.link(index));
    link.is_some_and(|link| !Mark::of(link).is_some_and(|mark| plan.lab.owns(mark)))
}

/// Adds what a link has: addresses in their order, then routes, those with a gateway last.
fn of_link(seen: &Seen, link: &Link, place: usize, lines: &mut Vec<String>) {
    let Ok(name) = std::str::from_utf8(&link.name) else { return };
    let netns = seen.name.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let ns = u32::try_from(place).unwrap_or(u32::MAX);
    let mut add = |op: Op<'_>, what: String| {
        let mut line = [&link.index.to_string(), " ", name, " ", &netns, " "].concat();
        for byte in encode(&op).bytes() {
            for digit in [byte >> 4, byte & 15] {
                line.extend(char::from_digit(digit.into(), 16));
            }
        }
        line.push_str(&[" ", &what].concat());
        if !lines.contains(&line) {
            lines.push(line);
        }
    };
    for (_, addr) in seen.state.addrs.iter().filter(|(index, addr)| *index == link.index && !is_made(addr)) {
        let Some(id) = std::num::NonZeroU32::new(link.index).map(|index| LinkId { ns, index }) else { continue };
        // What the kernel only tells.
        let asked = AddrFlags::NODAD | AddrFlags::HOMEADDRESS | AddrFlags::NOPREFIXROUTE | AddrFlags::MCAUTOJOIN;
        let own = addr.own().map_or_else(String::new, |own| own.to_string());
        let addr = Addr { flags: addr.flags & asked, ..addr.clone() };
        add(Op::Addr(AddrVerb::Add, id, addr), ["address ", &own].concat());
    }
    for has_gateway in [false, true] {
        for route in &seen.state.routes {
            let leads_on = route.via.is_some() || route.hops.iter().any(|hop| hop.via.is_some());
            let mut devices = route.device.iter().chain(route.hops.iter().filter_map(|hop| hop.device.as_ref()));
            let is_due = leads_on == has_gateway && devices.any(|device| device.index.get() == link.index);
            if is_due && !BY_KERNEL.contains(&route.protocol) && route.protocol != PROTOCOL {
                // What the kernel only tells.
                let flags = route.flags & RouteFlags::ONLINK;
                let route = Route { flags, ..route.clone() };
                let what = ["route ", &route.dst.text()].concat();
                add(Op::Route(RouteVerb::Add, route), what);
            }
        }
    }
}

/// Whether an address is ours, or the kernel makes it again.
fn is_made(addr: &Addr) -> bool {
    let by_kernel = matches!(addr.protocol, Some(1..=3)) || (addr.family == Family::V6 && addr.scope == LINK);
    by_kernel
        || addr.protocol == Some(PROTOCOL)
        || addr.flags.contains(AddrFlags::SECONDARY) && addr.family == Family::V6
}

/// Whether a topology has the link of a line as a device in another namespace.
pub fn is_lent(line: &str, topology: &Topology) -> bool {
    let mut words = line.split(' ').skip(1);
    let (Some(name), Some(netns)) = (words.next(), words.next()) else { return false };
    let mut places = topology.places.iter().filter(|place| netns_of(netns).as_ref() != place.name.as_ref());
    places.any(|place| {
        place.links.iter().any(|link| link.kind == LinkKind::Device && link.name.as_bytes() == name.as_bytes())
    })
}

fn netns_of(word: &str) -> Option<NsName> {
    if word == "-" { None } else { NsName::new(word.as_bytes()) }
}

/// Makes again what is not there: what of it is missing, a line each. Of a link that is gone nothing is.
pub fn put_back<'l>(sockets: &mut Sockets, lines: impl Iterator<Item = &'l String>) -> Vec<String> {
    let mut left = Vec::new();
    for line in lines {
        let mut words = line.splitn(5, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (index, name, netns, message, what) = (word(), word(), word(), word(), word());
        let place = netns_of(netns).map_or(Some(0), |netns| sockets.find(&netns));
        let Some(socket) = place.and_then(|place| sockets.route(place).ok()) else { continue };
        let told = |error: Error| Some([what, " of ", name, ": ", &error.to_string()].concat());
        left.extend(match socket.get(&GetLink::Name(name.as_bytes())) {
            Err(error) if error.errno() != Some(libc::ENODEV) => told(error),
            Ok(Some(link)) => {
                let index = index.parse().unwrap_or(link.index);
                match request(message, index, link.index).map(|request| socket.request(request)) {
                    Some(Err(error)) if error.errno() != Some(libc::EEXIST) => told(error),
                    _ => None,
                }
            }
            _ => None,
        });
    }
    left
}

/// The message, where the link has another index by now.
fn request(message: &str, old: u32, new: u32) -> Option<Request<Protocol>> {
    let mut bytes = Vec::with_capacity(message.len() / 2);
    for at in (0..message.len()).step_by(2) {
        bytes.push(u8::from_str_radix(message.get(at..at + 2)?, 16).ok()?);
    }
    let u16_at = |at: usize| Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
    let (kind, flags) = (u16_at(4)?, u16_at(6)?);
    let mut spots = Vec::new();
    if kind == NEW_ADDR {
        spots.push(HEADER + 4);
    } else {
        let begin = HEADER + header_len(kind);
        for attr in attrs(bytes.get(begin..)?) {
            let at = attr.value.as_ptr() as usize - bytes.as_ptr() as usize;
            match attr.kind {
                OIF => spots.push(at),
                MULTIPATH => {
                    let mut hop = at;
                    while let Some(len) = u16_at(hop).map(usize::from).filter(|len| *len >= HOP) {
                        spots.push(hop + 4);
                        hop += (len + 3) & !3;
                        if hop >= at + attr.value.len() {
                            break;
                        }
                    }
                }
                _ => {}
            }
        }
    }
    for at in spots {
        let spot = bytes.get_mut(at..at + 4)?;
        if *spot == old.to_ne_bytes() {
            spot.copy_from_slice(&new.to_ne_bytes());
        }
    }
    let mut request = Request::new(kind, flags);
    request.raw(bytes.get(HEADER..)?);
    Some(request)
}
