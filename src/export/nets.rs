//! Addresses, routes, rules and neighbours.

use std::net::IpAddr;

use super::links::Addresses;
use super::{Export, Fate, said};
use crate::file::words::{self, Words};
use crate::model::addr::{Addr, AddrFlags, default_scope};
use crate::model::ip::{Family, addr_text};
use crate::model::lab::PROTOCOL;
use crate::model::link::{Link, LinkFlags, LinkId, LinkNumber};
use crate::model::name::{IfName, printable};
use crate::model::neigh::{Neigh, NeighFlags, NeighState};
use crate::model::route::{PROTOCOL_BOOT, Route, RouteFlags};
use crate::model::rule::{
    RULE_IP_PROTOCOL, RULE_L3MDEV, RULE_MARK, RULE_MASK, RULE_PRIORITY, RULE_PROTOCOL, RULE_REALMS,
    RULE_SUPPRESS_GROUP, RULE_SUPPRESS_PREFIX, Rule, RuleFlags,
};
use crate::model::topology::{LinkKind, NeighSpec, RouteSpec};

/// Protocols of routes that are made by hand: `boot`, `static` and ours.
const BY_HAND: [u8; 3] = [PROTOCOL_BOOT, 4, PROTOCOL];
/// Those of the kernel itself: none, `redirect`, `kernel`, `ra`. What it makes it makes again.
const BY_KERNEL: [u8; 4] = [0, 1, 2, 9];
/// `IFAPROT_KERNEL_LO`, `_RA`, `_LL`: addresses that the kernel makes by itself.
const ADDR_BY_KERNEL: std::ops::RangeInclusive<u8> = 1..=3;
/// Flags of addresses that a file has words for.
const ADDR_FLAGS: AddrFlags = AddrFlags::NODAD.union(AddrFlags::NOPREFIXROUTE);
/// Flags of addresses that a file would need words for.
const ADDR_OTHERS: AddrFlags = AddrFlags::HOMEADDRESS
    .union(AddrFlags::MANAGETEMPADDR)
    .union(AddrFlags::MCAUTOJOIN)
    .union(AddrFlags::OPTIMISTIC)
    .union(AddrFlags::DEPRECATED);
/// Metric of an IPv6 route for which none is given.
const METRIC_V6: u32 = 1024;
/// A suppressor that suppresses nothing, and the mask of a whole mark.
const ALL_ONES: u32 = u32::MAX;

impl Export<'_> {
    /// The addresses of all links, those that are said; their links are needed.
    pub fn addresses(&mut self) -> Addresses {
        let world = self.world;
        let mut all: Addresses = Vec::new();
        for (place, seen) in world.places.iter().enumerate() {
            let mut of_place: Vec<Vec<Addr>> = vec![Vec::new(); seen.state.links.len()];
            let mut fleeting = 0;
            for (index, addr) in &seen.state.addrs {
                let Some(number) = self.position(place, *index) else { continue };
                let link = &seen.state.links[number];
                let made = matches!(self.fates[place][number], Fate::Said(kind) if kind != LinkKind::Device);
                let own = self.is_whole(place) || made || addr.protocol == Some(PROTOCOL);
                if own && is_fleeting(addr) {
                    fleeting += 1;
                } else if own
                    && !is_kernels(addr, link)
                    && self.need(place, *index).is_some()
                    && let Some(addr) = self.address(place, link, addr, made)
                {
                    // Of those of IPv6, which come last, the kernel lists the newest first.
                    let list = &mut of_place[number];
                    let v4 = if addr.family == Family::V6 { list.partition_point(is_v4) } else { list.len() };
                    list.insert(v4, addr);
                    if self.fates[place][number] == Fate::There {
                        self.fates[place][number] = Fate::Said(LinkKind::Device);
                    }
                }
            }
            if fleeting > 0 && self.lab.is_none() {
                let count = fleeting.to_string();
                self.skip(place, &["addresses with a lifetime are left out, they have their own maker: ", &count]);
            }
            all.push(of_place);
        }
        all
    }

    /// An address as a file has it.
    fn address(&mut self, place: usize, link: &Link, addr: &Addr, made: bool) -> Option<Addr> {
        let own = addr.own()?;
        let mut flags = addr.flags & ADDR_FLAGS;
        // On links that are made it goes without saying, and in IPv4 there is no such thing.
        flags.set(AddrFlags::NODAD, flags.contains(AddrFlags::NODAD) && !made && own.is_ipv6());
        let labelled = addr.label.as_ref().is_some_and(|label| *label != link.name);
        if labelled || addr.anycast.is_some() || addr.flags.intersects(ADDR_OTHERS) {
            let text = addr_text(&own);
            self.skip(place, &[&printable(&link.name), ": ", &text, " has a label or flags that are left out"]);
        }
        Some(Addr {
            family: addr.family,
            local: Some(own),
            address: addr.address.or(Some(own)),
            len: addr.len,
            // That of IPv6 follows from the address.
            scope: if own.is_ipv6() { default_scope(&own) } else { addr.scope },
            flags,
            broadcast: addr.broadcast,
            anycast: None,
            label: None,
            metric: addr.metric.filter(|metric| *metric != 0),
            protocol: None,
            lifetimes: None,
        })
    }

    /// Routes, rules and neighbours of a place.
    pub fn nets(&mut self, place: usize) {
        let (world, whole) = (self.world, self.is_whole(place));
        let Some(number) = self.numbers[place] else { return };
        let seen = &world.places[place];
        let mut strangers: Vec<(u8, usize)> = Vec::new();
        for route in &seen.state.routes {
            let ours = route.protocol == PROTOCOL || whole || self.is_out_of_ours(place, route);
            if BY_KERNEL.contains(&route.protocol) || !ours {
                continue;
            }
            if !BY_HAND.contains(&route.protocol) {
                match strangers.iter_mut().find(|row| row.0 == route.protocol) {
                    Some(row) => row.1 += 1,
                    None => strangers.push((route.protocol, 1)),
                }
            } else if let Some(spec) = self.route(place, route) {
                self.out.places[number].routes.push(said(spec));
            }
        }
        strangers.retain(|_| self.lab.is_none());
        for (protocol, count) in strangers {
            let (protocol, count) = (protocol.to_string(), count.to_string());
            self.skip(place, &["routes of protocol ", &protocol, " are left out, they have their own maker: ", &count]);
        }
        for rule in &seen.rules {
            let by_kernel = rule.get(RULE_PROTOCOL) == Some(2) || is_default(rule);
            if !by_kernel && (whole || rule.get(RULE_PROTOCOL) == Some(PROTOCOL.into())) {
                match self::rule(rule) {
                    Some(rule) => self.out.places[number].rules.push(said(rule)),
                    None => {
                        let priority = rule.get(RULE_PRIORITY).unwrap_or(0).to_string();
                        self.skip(place, &["the rule ", &priority, " has properties that a file has no words for"]);
                    }
                }
            }
        }
        let usual = |family| seen.rules.iter().filter(|rule| rule.family == family && is_default(rule)).count();
        let has = |family| seen.rules.iter().any(|rule| rule.family == family);
        if self.lab.is_none() && [(Family::V4, 3), (Family::V6, 2)].iter().any(|row| has(row.0) && usual(row.0) < row.1)
        {
            self.skip(place, &["a rule that every namespace begins with is gone: a file has no word for that"]);
        }
        // The kernel lists them in no order.
        let mut neighs: Vec<(IfName, &Neigh)> = Vec::new();
        for neigh in &seen.state.neighs {
            let Some(device) = neigh.device.map(|device| device.index.get()) else { continue };
            let link = self.position(place, device).map(|at| &seen.state.links[at]);
            let ours = whole || self.is_made(place, device) || neigh.protocol == PROTOCOL;
            if ours
                && link.is_some_and(|link| !is_kernels_neigh(neigh, link))
                && let Some(device) = self.need(place, device)
            {
                let at = neighs.partition_point(|other| (other.0, other.1.dst) < (device, neigh.dst));
                neighs.insert(at, (device, neigh));
            }
        }
        for (device, neigh) in neighs {
            match self::neigh(neigh) {
                Some(neigh) => self.out.places[number].neighs.push(said(NeighSpec { neigh, device })),
                None => {
                    let device = device.to_string();
                    self.skip(place, &["a neighbour on ", &device, " has properties that a file has no words for"]);
                }
            }
        }
    }

    /// Whether a link is said as one that is made.
    fn is_made(&self, place: usize, index: u32) -> bool {
        let fate = self.position(place, index).map(|at| self.fates[place][at]);
        matches!(fate, Some(Fate::Said(kind)) if kind != LinkKind::Device)
    }

    /// Whether a route leads out by links that are made, and by no other.
    fn is_out_of_ours(&self, place: usize, route: &Route) -> bool {
        let mut devices = devices(route).peekable();
        devices.peek().is_some() && devices.all(|device| self.is_made(place, device.index.get()))
    }

    /// A route as a file has it.
    fn route(&mut self, place: usize, found: &Route) -> Option<RouteSpec> {
        let (v6, refuses) = (found.family() == Family::V6, (6..=9).contains(&found.kind.0));
        let mut route = Route { device: None, protocol: PROTOCOL_BOOT, ..found.clone() };
        route.scope = if v6 { 0 } else { route.scope };
        route.flags &= RouteFlags::ONLINK;
        route.metric = route.metric.filter(|metric| *metric != 0 && !(v6 && *metric == METRIC_V6));
        route.pref = route.pref.filter(|pref| *pref != 0 && v6);
        route.cache = route.cache.filter(|cache| cache.expires != 0);
        for hop in &mut route.hops {
            (hop.device, hop.flags) = (None, hop.flags & RouteFlags::ONLINK);
        }
        let any = IfName::new(b"any");
        let name = |device: Option<LinkId>| any.filter(|_| device.is_some() && !refuses);
        let hop_devices = found.hops.iter().map(|hop| name(hop.device)).collect();
        let mut spec = RouteSpec { route, device: name(found.device), hop_devices, of_link: false };
        let dst = found.dst.text();
        if !reads_as(&words::route::text(&spec), &spec, |words| words::route::parse(words, None)) {
            self.skip(place, &["the route to ", &dst, " has properties that a file has no words for"]);
            return None;
        }
        let mut name = |device: Option<LinkId>| match device.filter(|_| !refuses) {
            None => Some(None),
            Some(device) => self.need(place, device.index.get()).map(Some),
        };
        let mut complete = || {
            spec.device = name(found.device)?;
            for (own, hop) in spec.hop_devices.iter_mut().zip(&found.hops) {
                *own = name(hop.device)?;
            }
            Some(())
        };
        // What leads out by a link that is left out is left out with it; of several, that must be said.
        if complete().is_none() {
            if !found.hops.is_empty() {
                self.skip(place, &["the route to ", &dst, " leads out by a link that is left out"]);
            }
            return None;
        }
        spec.of_link = spec.device.is_some_and(|device| device.as_bytes() != b"lo");
        Some(spec)
    }
}

fn is_v4(addr: &Addr) -> bool {
    addr.family == Family::V4
}

/// Whether somebody gave an address a lifetime.
fn is_fleeting(addr: &Addr) -> bool {
    // A temporary one is made of another.
    let temporary = addr.family == Family::V6 && addr.flags.contains(AddrFlags::SECONDARY);
    !addr.flags.contains(AddrFlags::PERMANENT) && !temporary && !is_marked_kernels(addr)
}

/// Whether the kernel says that it made an address, as it does since 5.18.
fn is_marked_kernels(addr: &Addr) -> bool {
    addr.protocol.is_some_and(|protocol| ADDR_BY_KERNEL.contains(&protocol))
}

/// Whether the kernel made an address.
fn is_kernels(addr: &Addr, link: &Link) -> bool {
    let local = match addr.own() {
        None => return true,
        Some(IpAddr::V4(own)) => own.is_loopback() && addr.len == 8 && link.flags.contains(LinkFlags::LOOPBACK),
        Some(IpAddr::V6(own)) => {
            // What it makes of a hardware address, where it makes one: it makes that again.
            let made =
                own.is_unicast_link_local() && addr.len == 64 && eui64(link) == own.octets().last_chunk().copied();
            own.is_loopback() || (made && link.number(LinkNumber::AddrGenMode) != Some(1))
        }
    };
    local || !addr.flags.contains(AddrFlags::PERMANENT) || is_marked_kernels(addr)
}

/// The second half of an address that is made of a link's hardware address (RFC 4291, appendix A).
fn eui64(link: &Link) -> Option<[u8; 8]> {
    let [a, b, c, d, e, f] = link.address.as_deref()?.try_into().ok()?;
    Some([a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

fn devices(route: &Route) -> impl Iterator<Item = LinkId> {
    route.device.into_iter().chain(route.hops.iter().filter_map(|hop| hop.device))
}

/// Whether a text of a file says a thing, and all of it.
fn reads_as<T: PartialEq>(text: &str, thing: &T, parse: impl Fn(&mut Words<'_>) -> T) -> bool {
    let mut words = Words::new(text);
    let read = parse(&mut words);
    words.wrong().is_none() && read == *thing
}

/// Whether a rule is one of those that every namespace begins with: before kernel 4.17 nothing else tells.
fn is_default(rule: &Rule) -> bool {
    let default = match rule.get(RULE_PRIORITY).unwrap_or(0) {
        0 => 255,
        32766 => 254,
        32767 => 253,
        _ => return false,
    };
    let plain = Rule { family: rule.family, table: rule.table, action: rule.action, ..Rule::default() };
    rule.table == default && Rule { numbers: Vec::new(), ..rule.clone() } == plain
}

/// A rule as a file has it.
fn rule(found: &Rule) -> Option<Rule> {
    let quiet = |number: u16, value: u32| match number {
        RULE_PROTOCOL => true,
        RULE_MARK | RULE_REALMS | RULE_L3MDEV | RULE_IP_PROTOCOL => value == 0,
        RULE_SUPPRESS_PREFIX | RULE_SUPPRESS_GROUP | RULE_MASK => value == ALL_ONES,
        _ => false,
    };
    let mut rule = found.clone();
    rule.numbers.retain(|row| !quiet(row.0, row.1));
    words::rule::arrange(&mut rule);
    rule.flags &= RuleFlags::INVERT;
    rule.from = rule.from.filter(|from| !from.is_empty());
    rule.to = rule.to.filter(|to| !to.is_empty());
    rule.tos = rule.tos.filter(|tos| *tos != 0);
    reads_as(&words::rule::text(&rule), &rule, words::rule::parse).then_some(rule)
}

/// Whether the kernel made a neighbour by itself: of those that need no asking it knows groups, and all on links
/// without ARP.
fn is_kernels_neigh(neigh: &Neigh, link: &Link) -> bool {
    let quiet = LinkFlags::NOARP | LinkFlags::LOOPBACK | LinkFlags::POINTOPOINT;
    let group = neigh.lladdr.as_ref().and_then(|lladdr| lladdr.first()).is_some_and(|first| first & 1 == 1);
    !neigh.flags.contains(NeighFlags::PROXY)
        && neigh.state.contains(NeighState::NOARP)
        && (group || link.flags.intersects(quiet))
}

/// A neighbour as a file has it.
fn neigh(found: &Neigh) -> Option<Neigh> {
    let proxy = found.flags.contains(NeighFlags::PROXY);
    let lladdr = found.lladdr.clone().filter(|lladdr| lladdr.len() == 6 && lladdr[0] & 1 == 0);
    if (lladdr.is_none() && !proxy) || found.flags.contains(NeighFlags::EXT_LEARNED) {
        return None;
    }
    Some(Neigh {
        family: found.family,
        dst: Some(found.dst?),
        lladdr: lladdr.filter(|_| !proxy),
        // A proxy has no state; a file says it as lasting.
        state: if proxy { NeighState::PERMANENT } else { found.state & (NeighState::PERMANENT | NeighState::NOARP) },
        flags: found.flags & (NeighFlags::PROXY | NeighFlags::ROUTER),
        ..Neigh::default()
    })
}
