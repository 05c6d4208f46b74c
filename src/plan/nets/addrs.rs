//! Addresses.
//!
//! The kernel tells them apart by address, prefix length and subnet in IPv4, by the address alone in IPv6. Of one that
//! is there it changes the metric, the mark and the lifetimes, in IPv6 flags and peer too; for anything else the address
//! is taken away and made again. Their order counts: packets leave by the first one of a subnet.

use std::net::IpAddr;

use super::differences::{Value, Why, differs, note};
use super::owner::{Asked, Keys};
use super::{Job, There};
use crate::model::addr::{Addr, AddrFlags, AddrVerb};
use crate::model::ip::{Family, Prefix, addr_text};
use crate::model::lab::PROTOCOL;
use crate::model::link::LinkId;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign, Step};
use crate::model::route::{Route, SCOPE_LINK};
use crate::model::topology::{LinkSpec, Said};
use crate::wire::attr::octets;

/// `IFAPROT_KERNEL_LO`, `_RA`, `_LL`: addresses that the kernel makes by itself.
const KERNEL: std::ops::RangeInclusive<u8> = 1..=3;

/// Metric of the route to an IPv6 address's subnet, if none is given (`IP6_RT_PRIO_ADDRCONF`).
const METRIC_V6: u32 = 256;

/// What the kernel tells addresses apart by.
pub fn key(link: u32, addr: &Addr) -> Vec<u8> {
    let mut key = [b'a', addr.family.number()].to_vec();
    key.extend(link.to_ne_bytes());
    key.extend(addr.own().iter().flat_map(octets));
    if let Some(net) = subnet(addr).filter(|_| addr.family == Family::V4) {
        key.push(addr.len);
        key.extend(octets(&net.addr()));
    }
    key
}

/// The subnet of an address.
pub fn subnet(addr: &Addr) -> Option<Prefix> {
    Prefix::new(addr.address.or(addr.local)?, addr.len).map(|net| net.network())
}

/// Addresses of a link whose order counts: those of one subnet in IPv4, where the first is the primary one, and all
/// others but the link-local ones in IPv6.
#[derive(Debug, Default)]
struct Row {
    of: Option<Prefix>,
    /// Number of the last one that is there and stays.
    last: Option<usize>,
    /// One before is made, and the kernel puts it behind those that are there.
    is_anew: bool,
    /// The one that comes before.
    before: Option<IpAddr>,
}

/// What tells the rows of a link apart.
fn row_of(addr: &Addr) -> Option<Prefix> {
    match addr.own()? {
        IpAddr::V4(_) => subnet(addr),
        IpAddr::V6(own) if own.is_unicast_link_local() => Prefix::new(own.into(), 10).map(|net| net.network()),
        IpAddr::V6(_) => None,
    }
}

/// Whether another address of its subnet comes before it.
fn is_second(addr: &Addr) -> bool {
    addr.family == Family::V4 && addr.flags.contains(AddrFlags::SECONDARY)
}

/// An address that is asked for, and the link that it is on.
#[derive(Clone, Copy)]
pub(super) struct On<'a> {
    pub link: &'a LinkSpec,
    pub id: LinkId,
    pub said: &'a Said<Addr>,
    /// As it is found.
    pub now: &'a Addr,
    number: usize,
}

/// What becomes of the addresses that are found.
struct Fates<'a> {
    /// Those that must be gone before anything is made, by number.
    first: Vec<Option<Step>>,
    /// Those that stay as they are.
    kept: Vec<On<'a>>,
}

impl<'a> Job<'a> {
    /// Addresses of all links of the place; those that stay as they are.
    pub(super) fn addresses(&mut self) -> Vec<On<'a>> {
        let (ctx, place) = (self.ctx, self.place);
        let found = &ctx.world.places[place].state.addrs;
        let mut keys = Keys::default();
        found.iter().for_each(|(link, addr)| keys.add(key(*link, addr)));
        let mut asked = vec![false; found.len()];
        let mut fates = Fates { first: Vec::new(), kept: Vec::new() };
        fates.first.resize_with(found.len(), || None);
        let start = self.parts.steps.len();
        for link in &ctx.topology.places[place].links {
            let Some(id) = ctx.link(place, &link.name).filter(|_| !link.addresses.is_empty()) else { continue };
            let mut rows: Vec<Row> = Vec::new();
            for said in &link.addresses {
                let mut addr = said.what.clone();
                addr.protocol = Some(PROTOCOL);
                if addr.family == Family::V4 {
                    // Detection is of IPv6.
                    addr.flags.remove(AddrFlags::NODAD);
                }
                let key = key(id.index.get(), &addr);
                let (own, of) = (addr.own(), row_of(&addr));
                let row = rows.iter().position(|row| row.of == of).unwrap_or(rows.len());
                if row == rows.len() {
                    rows.push(Row { of, ..Row::default() });
                }
                let row = &mut rows[row];
                match keys.find(&key, &|_| true) {
                    None => {
                        row.is_anew = true;
                        self.op(Sign::Create, Op::Addr(AddrVerb::Add, id, addr), said.at, Vec::new());
                    }
                    Some(number) => {
                        asked[number] = true;
                        let on = On { link, id, said, now: &found[number].1, number };
                        if row.before.is_none() && is_second(on.now) {
                            row.is_anew = is_behind_asked(&on, found);
                        }
                        self.change_address(on, addr, &key, row, &mut fates);
                    }
                }
                row.before = own;
            }
        }
        let made = self.parts.steps.split_off(start);
        // A primary address takes those behind it along.
        for (number, (link, addr)) in found.iter().enumerate().rev() {
            self.parts.steps.extend(fates.first[number].take());
            let Some(id) = link_id(place, *link).filter(|_| !asked[number] && !ctx.goes(place, *link)) else {
                continue;
            };
            let may = if self.owns(id) {
                !self.is_kernels(addr) || (ctx.is_silent(place, *link) && is_link_local(addr))
            } else if ctx.is_our_place(place) {
                self.mark(addr) == Some(true)
            } else {
                self.claims.may_remove(&key(*link, addr), self.mark(addr))
            };
            if may {
                let first = self.is_in_the_way(*link, addr);
                self.remove(Act::Op(Box::new(Op::Addr(AddrVerb::Delete, id, naked(addr)))), first);
            }
        }
        self.parts.steps.extend(made);
        fates.kept
    }

    /// Whether an address that goes keeps one that is asked for from being made as on a new link: those of an IPv4 subnet
    /// have one scope, and the route of an IPv6 address, which has its metric, stays when another one of the subnet does.
    fn is_in_the_way(&self, link: u32, addr: &Addr) -> bool {
        let place = self.place;
        let spec = self.ctx.wanted(place, link).map(|number| &self.ctx.topology.places[place].links[number]);
        let is_unlike = |other: &Addr| match addr.family {
            Family::V4 => other.scope != addr.scope,
            _ => metric_of(other) != metric_of(addr),
        };
        let clashes = |other: &Addr| other.family == addr.family && subnet(other) == subnet(addr) && is_unlike(other);
        spec.is_some_and(|spec| spec.addresses.iter().any(|said| clashes(&said.what)))
    }

    fn change_address(&mut self, on: On<'a>, addr: Addr, key: &[u8], row: &mut Row, fates: &mut Fates<'a>) {
        let (v6, ours) = (addr.family == Family::V6, self.is_ours(on.id));
        let mut why = Vec::new();
        let mut anew = compare(&addr, on.now, ours, &mut why);
        // The kernel shows the newest one of IPv6 first.
        let is_behind = row.last.is_none_or(|last| (last < on.number) != v6);
        if ours && (row.is_anew || !is_behind) {
            let before = row.before.map(|addr| ["behind ", &addr_text(&addr)].concat());
            note(&mut why, "order", String::new(), before.unwrap_or_else(|| "first".to_owned()));
            anew = true;
        }
        if anew {
            row.is_anew = true;
        } else {
            row.last = Some(on.number);
        }
        let (at, mark) = (on.said.at, self.mark(on.now));
        let is_same = |other: Asked<'_>| {
            let Asked::Addr(other) = other else { return false };
            let other = Addr { flags: other.flags | AddrFlags::PERMANENT, ..other.clone() };
            let mut why = Vec::new();
            compare(&addr, &other, true, &mut why);
            why.is_empty()
        };
        let other = if why.is_empty() { None } else { self.claims.otherwise(key, &is_same) };
        let there = There { key, other, at, ours, protocol: on.now.protocol, mark };
        let changes = self.must_change(&there, &mut why, &|job| {
            let own = on.now.own().map(|own| addr_text(&own).to_string()).unwrap_or_default();
            [&own, "/", &on.now.len.to_string(), " of ", &job.link_name(Some(on.id))].concat()
        });
        if !changes {
            if why.is_empty() {
                fates.kept.push(on);
            }
        } else if anew {
            self.op(Sign::Part, Op::Addr(AddrVerb::Add, on.id, addr), at, Vec::new());
            let act = Act::Op(Box::new(Op::Addr(AddrVerb::Delete, on.id, naked(on.now))));
            fates.first[on.number] = Some(Step { place: self.place, sign: Sign::Replace, act, at: Some(at), why });
        } else {
            self.op(Sign::Change, Op::Addr(AddrVerb::Replace, on.id, addr), at, why);
        }
    }

    /// Whether it bears a lab's mark; `None` where the kernel keeps none (before 5.18).
    fn mark(&self, addr: &Addr) -> Option<bool> {
        let mut all = self.ctx.world.places.iter().flat_map(|seen| &seen.state.addrs);
        match addr.protocol {
            None if !all.any(|(_, addr)| addr.protocol.is_some()) => None,
            protocol => Some(protocol == Some(PROTOCOL)),
        }
    }

    /// Whether the kernel made it, or somebody who gave it a lifetime.
    fn is_kernels(&self, addr: &Addr) -> bool {
        let is_local = |own: IpAddr| match own {
            IpAddr::V4(own) => own.is_loopback() && addr.len == 8,
            // Before 5.18 nobody can tell who made a link-local address.
            IpAddr::V6(own) => own.is_loopback() || (own.is_unicast_link_local() && self.mark(addr).is_none()),
        };
        !addr.flags.contains(AddrFlags::PERMANENT)
            || addr.protocol.is_some_and(|protocol| KERNEL.contains(&protocol))
            || addr.own().is_some_and(is_local)
    }
}

fn is_link_local(addr: &Addr) -> bool {
    matches!(addr.own(), Some(IpAddr::V6(own)) if own.is_unicast_link_local())
}

/// The metric of the route to an address's subnet, if it is not the default.
fn metric_of(addr: &Addr) -> Option<u32> {
    let v6 = addr.family == Family::V6;
    addr.metric.filter(|metric| *metric != 0 && !(v6 && *metric == METRIC_V6))
}

/// Whether the first address of the subnet of one is asked for as well: it must make room, and takes along what is
/// behind it.
fn is_behind_asked(on: &On<'_>, found: &[(u32, Addr)]) -> bool {
    let of = row_of(on.now);
    let is_first = |(link, now): &&(u32, Addr)| *link == on.id.index.get() && row_of(now) == of && !is_second(now);
    let first = found.iter().find(is_first).and_then(|first| first.1.own());
    on.link.addresses.iter().any(|said| said.what.own() == first && row_of(&said.what) == of)
}

/// What the kernel must know to delete an address.
fn naked(addr: &Addr) -> Addr {
    let flags = AddrFlags::empty();
    let (broadcast, label, metric, protocol, lifetimes) = Default::default();
    Addr { flags, broadcast, label, metric, protocol, lifetimes, ..addr.clone() }
}

/// A link of a place by its index.
pub(super) fn link_id(place: usize, index: u32) -> Option<LinkId> {
    Some(LinkId { ns: u32::try_from(place).ok()?, index: std::num::NonZeroU32::new(index)? })
}

/// What differs of what was asked for (of an address of ours, of everything), and whether the address has to be made anew.
fn compare(addr: &Addr, now: &Addr, ours: bool, why: &mut Why) -> bool {
    let v6 = addr.family == Family::V6;
    let has = |addr: &Addr, flag| Value::from(addr.flags.contains(flag));
    let says = |flag| ours || addr.flags.contains(flag);
    let length = |addr: &Addr| Value::Number(addr.len.into());
    let lives = !now.flags.contains(AddrFlags::PERMANENT);
    let (nodad, noroute) = (AddrFlags::NODAD, AddrFlags::NOPREFIXROUTE);
    // Whether it counts, and whether only a new address can have it otherwise.
    let rows = [
        (true, true, "prefix length", length(now), length(addr)),
        (true, !v6 || addr.peer().is_none(), "peer", now.peer().into(), addr.peer().into()),
        // That of IPv6 follows from the address.
        (!v6, true, "scope", Value::scope(now.scope), Value::scope(addr.scope)),
        (ours || addr.broadcast.is_some(), true, "broadcast", now.broadcast.into(), addr.broadcast.into()),
        (says(nodad), !v6, "nodad", has(now, nodad), has(addr, nodad)),
        (says(noroute), !v6, "noprefixroute", has(now, noroute), has(addr, noroute)),
        // Not said, that of IPv6 stays as it is.
        (
            ours || addr.metric.is_some(),
            v6 && metric_of(addr).is_none(),
            "metric",
            metric_of(now).into(),
            metric_of(addr).into(),
        ),
        (lives, false, "valid_lft", now.lifetimes.map(|lifetimes| lifetimes.valid).into(), Value::Word("forever")),
    ];
    let mut anew = false;
    for (counts, must, what, from, to) in rows {
        anew |= counts && differs(why, what, from, to) && must;
    }
    anew
}

/// The route to the subnet of an address that is there, as the kernel makes it when the address comes or its link goes
/// up; `None` where it makes none.
pub fn connected(link: LinkId, addr: &Addr, table: u32) -> Option<Route> {
    let v6 = addr.family == Family::V6;
    let without = AddrFlags::NOPREFIXROUTE | AddrFlags::SECONDARY;
    let is_alone = !v6 && addr.len == 32 && addr.peer().is_none();
    // IPv6 makes two for a peer.
    let has_two = v6 && addr.peer().is_some();
    if addr.flags.intersects(without) || link.index.get() == 1 || is_alone || has_two {
        return None;
    }
    let mut route = Route { table, protocol: KERNEL_ROUTE, device: Some(link), ..Route::to(subnet(addr)?) };
    route.metric = metric_of(addr);
    if v6 {
        route.metric = route.metric.or(Some(METRIC_V6));
    } else {
        (route.scope, route.prefsrc) = (SCOPE_LINK, addr.local);
    }
    Some(route)
}

/// `RTPROT_KERNEL`.
const KERNEL_ROUTE: u8 = 2;
