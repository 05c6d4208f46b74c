//! Addresses.
//!
//! The kernel tells them apart by address, prefix length and subnet in IPv4, by the address alone in IPv6. Of one that
//! is there it changes the metric, the mark and the lifetimes, in IPv6 flags and peer too; for anything else the address
//! is taken away and made again.

use std::net::IpAddr;

use super::owner::Keys;
use super::{Job, Why, count, differs};
use crate::model::addr::{Addr, AddrFlags, AddrVerb};
use crate::model::ip::{Family, Prefix, addr_text};
use crate::model::lab::PROTOCOL;
use crate::model::link::LinkId;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign};
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
    if let Some(IpAddr::V4(net)) = addr.address.filter(|_| addr.family == Family::V4) {
        key.push(addr.len);
        key.extend(Prefix::new(net.into(), addr.len).iter().flat_map(|net| octets(&net.network().addr())));
    }
    key
}

impl Job<'_> {
    /// Addresses of all links of the place.
    pub(super) fn addresses(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let found = &ctx.world.places[place].state.addrs;
        let mut keys = Keys::default();
        found.iter().for_each(|(link, addr)| keys.add(key(*link, addr)));
        let mut asked = vec![false; found.len()];
        for link in &ctx.topology.places[place].links {
            let Some(id) = ctx.link(place, &link.name).filter(|_| !link.addresses.is_empty()) else { continue };
            for said in &link.addresses {
                let mut addr = said.what.clone();
                addr.protocol = Some(PROTOCOL);
                if addr.family == Family::V4 {
                    // Detection is of IPv6.
                    addr.flags.remove(AddrFlags::NODAD);
                }
                let key = key(id.index.get(), &addr);
                match keys.find(&key, |_| true) {
                    None => self.op(Sign::Create, Op::Addr(AddrVerb::Add, id, addr), said.at, Vec::new()),
                    Some(number) => {
                        asked[number] = true;
                        self.change_address(id, addr, &found[number].1, &key, said.at);
                    }
                }
            }
        }
        // A primary address takes those behind it along.
        for ((link, addr), _) in found.iter().zip(asked).rev().filter(|(_, asked)| !asked) {
            let Some(id) = link_id(place, *link).filter(|_| !ctx.goes(place, *link)) else { continue };
            let is_link_ours = ctx.is_ours(place, *link) || (*link == 1 && ctx.is_our_place(place));
            let may = if is_link_ours {
                !self.is_kernels(addr) || (ctx.is_silent(place, *link) && is_link_local(addr))
            } else if ctx.is_our_place(place) {
                self.mark(addr) == Some(true)
            } else {
                self.claims.may_remove(&key(*link, addr), self.mark(addr))
            };
            if may {
                self.remove(Act::Op(Box::new(Op::Addr(AddrVerb::Delete, id, naked(addr)))));
            }
        }
    }

    fn change_address(&mut self, id: LinkId, addr: Addr, now: &Addr, key: &[u8], at: crate::model::topology::Origin) {
        let ours = self.is_ours(id);
        let mut why = Vec::new();
        let anew = compare(&addr, now, ours, &mut why);
        let mark = self.mark(now);
        if why.is_empty() {
            // What is there as asked for stays unmarked, unless it is to be taken over.
            if ours || mark != Some(false) || !self.ctx.options.adopt {
                return;
            }
            differs(&mut why, "proto", count(now.protocol.map(u32::from)), PROTOCOL.to_string());
        } else if !ours && !self.claims.may_change(key, mark) {
            let own = now.own().map(|own| addr_text(&own).to_string()).unwrap_or_default();
            let link = self.link_name(Some(id));
            return self.conflict(at, &[&own, "/", &now.len.to_string(), " of ", &link], &why);
        }
        if anew {
            self.op(Sign::Replace, Op::Addr(AddrVerb::Delete, id, naked(now)), at, why);
            self.op(Sign::Part, Op::Addr(AddrVerb::Add, id, addr), at, Vec::new());
        } else {
            let mut addr = addr;
            if addr.family == Family::V6 {
                // Not said, it stays as it is.
                addr.metric = addr.metric.or(Some(METRIC_V6));
            }
            self.op(Sign::Change, Op::Addr(AddrVerb::Replace, id, addr), at, why);
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
    let text = |addr: Option<IpAddr>| addr.map(|addr| addr_text(&addr).to_string()).unwrap_or_default();
    let mut anew = false;
    if addr.len != now.len {
        anew = true;
        differs(why, "prefix length", now.len.to_string(), addr.len.to_string());
    }
    if addr.peer() != now.peer() {
        anew |= !v6 || addr.peer().is_none();
        differs(why, "peer", text(now.peer()), text(addr.peer()));
    }
    // That of IPv6 follows from the address.
    if !v6 && addr.scope != now.scope {
        anew = true;
        differs(why, "scope", now.scope.to_string(), addr.scope.to_string());
    }
    if (addr.broadcast.is_some() || ours) && addr.broadcast != now.broadcast {
        anew = true;
        differs(why, "broadcast", text(now.broadcast), text(addr.broadcast));
    }
    for (flag, what) in [(AddrFlags::NODAD, "nodad"), (AddrFlags::NOPREFIXROUTE, "noprefixroute")] {
        let (asked, is) = (addr.flags.contains(flag), now.flags.contains(flag));
        if asked != is && (asked || ours) {
            anew |= !v6;
            differs(why, what, on(is), on(asked));
        }
    }
    let metric = |addr: &Addr| addr.metric.filter(|metric| *metric != 0 && !(v6 && *metric == METRIC_V6));
    if metric(addr) != metric(now) && (addr.metric.is_some() || ours) {
        differs(why, "metric", count(now.metric), count(addr.metric));
    }
    if !now.flags.contains(AddrFlags::PERMANENT) {
        let valid = now.lifetimes.map(|lifetimes| lifetimes.valid);
        differs(why, "valid_lft", count(valid), "forever".to_owned());
    }
    anew
}

fn on(is: bool) -> String {
    if is { "on" } else { "off" }.to_owned()
}
