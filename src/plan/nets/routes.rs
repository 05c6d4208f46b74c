//! Routes.
//!
//! The kernel tells them apart by table, destination, source, type of service and metric; the first of a key can be
//! replaced in place by any other one.

use std::net::IpAddr;

use super::addrs::{self, On};
use super::differences::{Value, Why, differs};
use super::owner::{Asked, Keys};
use super::{BY_HAND, Job, There};
use crate::model::addr::AddrFlags;
use crate::model::ip::{Family, addr_text};
use crate::model::lab::PROTOCOL;
use crate::model::link::LinkId;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign};
use crate::model::route::{Metrics, NextHop, Route, RouteFlags, RouteKind, RouteVerb, TABLE_MAIN, metric_name};
use crate::model::topology::{LinkKind, RouteSpec, Said, subnet};
use crate::wire::attr::octets;

/// Metric of an IPv6 route for which none is given (`IP6_RT_PRIO_USER`).
const METRIC_V6: u32 = 1024;
/// `RTPROT_BOOT` and further: what the kernel makes is below.
const LOWEST: u8 = 3;

/// Most that the kernel keeps of a metric (`ip_metrics_convert`): number, value.
const MOST: [(u16, u32); 3] = [(2, 65535 - 15), (8, 65535 - 40), (10, 255)];

/// What the kernel tells routes apart by.
pub fn key(route: &Route) -> Vec<u8> {
    let v6 = route.family() == Family::V6;
    let metric = route.metric.unwrap_or(0);
    let metric = if v6 && metric == 0 { METRIC_V6 } else { metric };
    let mut key = [b'r', route.family().number(), route.tos, route.dst.len()].to_vec();
    key.extend(route.table.to_ne_bytes());
    key.extend(metric.to_ne_bytes());
    key.extend(octets(&route.dst.addr()));
    if let Some(from) = route.from {
        key.push(from.len());
        key.extend(octets(&from.addr()));
    }
    key
}

impl Job<'_> {
    /// Routes of the place. `addresses` stay as they are.
    pub(super) fn routes(&mut self, addresses: &[On<'_>]) {
        let (ctx, place) = (self.ctx, self.place);
        let (asked, found) = (&ctx.topology.places[place].routes, &ctx.world.places[place].state.routes);
        let mut keys = Keys::default();
        for route in found {
            // An empty key is none's.
            keys.add(if route.flags.contains(RouteFlags::CLONED) { Vec::new() } else { key(route) });
        }
        self.connected(addresses, &keys);
        let mut kept = vec![false; found.len()];
        // Gateways are reached by routes that have none.
        for has_gateway in [false, true] {
            for said in asked.iter().filter(|said| leads_on(&said.what.route) == has_gateway) {
                let wanted = self.wanted_route(&said.what);
                let key = key(&said.what.route);
                let lasts = |number: usize| !self.vanishes(&found[number]);
                let equal = |number: usize| {
                    let same = |wanted| self.compare_routes(wanted, &found[number], &mut Vec::new());
                    !is_kernels(&found[number]) && lasts(number) && wanted.as_ref().is_none_or(same)
                };
                let Some(number) = keys.find(&key, &equal).or_else(|| keys.find(&key, &|at| !is_kernels(&found[at])))
                else {
                    if let Some(route) = wanted {
                        // Beside what the kernel has made, or makes for an address; where there may be strangers, only if there is none.
                        let beside = ctx.is_our_place(place) || self.is_out_of_ours(&route) || keys.has(&key);
                        let verb = if beside { RouteVerb::Prepend } else { RouteVerb::Add };
                        self.op(Sign::Create, Op::Route(verb, route), said.at, Vec::new());
                    }
                    continue;
                };
                kept[number] = true;
                let Some(route) = wanted else { continue };
                self.change_route(route, &found[number], &key, said);
            }
        }
        for (route, _) in found.iter().zip(kept).filter(|(_, kept)| !kept) {
            if self.may_remove_route(route) {
                self.remove(Act::Op(Box::new(Op::Route(RouteVerb::Delete, naked(route)))), false);
            }
        }
    }

    /// Routes that the kernel has made for addresses and somebody has taken away.
    fn connected(&mut self, addresses: &[On<'_>], keys: &Keys) {
        let place = self.place;
        let (links, seen) = (&self.ctx.topology.places[place].links, &self.ctx.world.places[place]);
        for address in addresses {
            let is_due = self.is_ours(address.id) && address.link.up;
            let is_up = || seen.state.link(address.id.index.get()).is_some_and(|link| link.is_up());
            let master =
                address.link.master.as_ref().and_then(|master| links.iter().find(|own| own.name == master.what));
            let table = master.filter(|master| master.kind == LinkKind::Vrf).and_then(|vrf| vrf.number("table"));
            let table = table.and_then(|table| u32::try_from(table).ok()).unwrap_or(TABLE_MAIN);
            let Some(route) = addrs::connected(address.id, address.now, table).filter(|_| is_due) else { continue };
            let key = key(&route);
            let is_it = |number: usize| {
                let now = &seen.state.routes[number];
                now.device == route.device && now.via.is_none()
            };
            if keys.find(&key, &is_it).is_none() && is_up() {
                let verb = if keys.has(&key) { RouteVerb::Prepend } else { RouteVerb::Replace };
                self.op(Sign::Create, Op::Route(verb, route), address.said.at, Vec::new());
            }
        }
    }

    fn change_route(&mut self, route: Route, now: &Route, key: &[u8], said: &Said<RouteSpec>) {
        let mut why = Vec::new();
        let goes = self.vanishes(now);
        self.compare_routes(&route, now, &mut why);
        let ours = self.ctx.is_our_place(self.place) || self.is_out_of_ours(now);
        let (protocol, mark) = (Some(now.protocol), Some(now.protocol == PROTOCOL));
        let asked = Asked::Route(&said.what.route, said.what.device);
        let there = There { key, asked, at: said.at, ours, protocol, mark };
        let name = |_: &Self| {
            let mut text = ["the route to ", &route.dst.text()].concat();
            let table = Some(route.table).filter(|table| *table != TABLE_MAIN);
            for (word, number) in [(" table ", table), (" metric ", route.metric)] {
                if let Some(number) = number {
                    text.push_str(word);
                    text.push_str(&number.to_string());
                }
            }
            text
        };
        if goes || self.must_change(&there, &mut why, &name) {
            self.op(Sign::Change, Op::Route(RouteVerb::Replace, route), said.at, why);
        }
    }

    fn may_remove_route(&self, route: &Route) -> bool {
        let mark = route.protocol == PROTOCOL;
        if route.flags.contains(RouteFlags::CLONED) || self.vanishes(route) {
            false
        } else if self.ctx.is_our_place(self.place) || self.is_out_of_ours(route) {
            // Those of strangers' links are strangers'.
            let owned = || is_refusal(route.kind) || devices(route).all(|device| self.owns(device));
            mark || (BY_HAND.contains(&route.protocol) && owned())
        } else {
            self.claims.may_remove(&key(route), Some(mark))
        }
    }

    /// Whether one of its devices goes, and so the route or a part of it with it.
    fn vanishes(&self, route: &Route) -> bool {
        devices(route).any(|device| self.ctx.goes(self.place, device.index.get()))
    }

    /// Whether it leads out by links of ours alone.
    fn is_out_of_ours(&self, route: &Route) -> bool {
        !is_refusal(route.kind) && devices(route).next().is_some() && devices(route).all(|device| self.is_ours(device))
    }

    /// The route as it is sent, and as the kernel shows it; `None` if a device of it is not known yet.
    fn wanted_route(&self, spec: &RouteSpec) -> Option<Route> {
        let mut route = spec.route.clone();
        route.protocol = PROTOCOL;
        let link = |name: &Option<_>| match name {
            Some(name) => self.ctx.link(self.place, name).map(Some),
            None => Some(None),
        };
        route.device = link(&spec.device)?;
        for (hop, device) in route.hops.iter_mut().zip(&spec.hop_devices) {
            hop.device = link(device)?.or_else(|| self.way_to(hop.via));
        }
        route.device = route.device.or_else(|| self.way_to(route.via));
        if is_refusal(route.kind) {
            route.device = None;
        }
        // One of several is one alone.
        if let [hop] = &mut route.hops[..] {
            let hop = std::mem::take(hop);
            (route.via, route.device, route.flags) = (hop.via, hop.device, hop.flags);
            route.hops.clear();
        }
        if route.family() == Family::V4 {
            route.pref = None;
        }
        route.metrics = normal(&route.metrics);
        Some(route)
    }

    /// The link that a gateway is on, where nobody says it and the addresses leave no doubt: that is what the kernel
    /// finds when the route is made, and does not look at again when the addresses change.
    fn way_to(&self, gateway: Option<IpAddr>) -> Option<LinkId> {
        let gateway = gateway?;
        let mut found = None;
        let mut doubt = false;
        self.each_address(&mut |link, addr| {
            let is_way = !addr.flags.contains(AddrFlags::NOPREFIXROUTE) && subnet(addr, &gateway).is_some();
            if is_way && found != Some(link) {
                doubt |= found.is_some();
                found = Some(link);
            }
        });
        // A route to the gateway may lead elsewhere.
        let leads = |said: &Said<RouteSpec>| {
            let route = &said.what.route;
            !leads_on(route) && !route.dst.is_empty() && route.dst.contains(&gateway)
        };
        found.filter(|_| !doubt && !self.ctx.topology.places[self.place].routes.iter().any(leads))
    }

    /// Notes what differs; true if nothing does.
    fn compare_routes(&self, route: &Route, now: &Route, why: &mut Why) -> bool {
        let kind = |route: &Route| route.kind.name().map_or(Value::Nothing, Value::Word);
        let scope = |route: &Route| match route.family() {
            Family::V4 => Value::scope(route.scope),
            _ => Value::Nothing,
        };
        let onlink = |route: &Route| Value::from(route.flags.contains(RouteFlags::ONLINK));
        let pref = |route: &Route| Value::from(route.pref.filter(|pref| *pref != 0).map(u32::from));
        let expires = now.cache.filter(|cache| cache.expires != 0).map(|cache| cache.expires.unsigned_abs() / 100);
        let encap = now.encap.as_ref().map(|encap| u32::from(encap.kind));
        for (what, from, to) in [
            ("type", kind(now), kind(route)),
            ("via", now.via.into(), route.via.into()),
            ("src", now.prefsrc.into(), route.prefsrc.into()),
            ("scope", scope(now), scope(route)),
            ("onlink", onlink(now), onlink(route)),
            ("pref", pref(now), pref(route)),
            ("nhid", now.nhid.into(), Value::Nothing),
            ("realms", now.realms.into(), Value::Nothing),
            ("encap", encap.into(), Value::Nothing),
            ("expires", expires.into(), Value::Nothing),
        ] {
            differs(why, what, from, to);
        }
        if route.device.is_some() && route.device != now.device {
            differs(why, "dev", self.link_name(now.device).into(), self.link_name(route.device).into());
        }
        let metrics = normal(&now.metrics);
        if route.metrics != metrics {
            differs(why, "metrics", metrics_text(&metrics).into(), metrics_text(&route.metrics).into());
        }
        if !same_hops(&route.hops, &now.hops) {
            differs(why, "nexthop", self.hops_text(&now.hops).into(), self.hops_text(&route.hops).into());
        }
        why.is_empty()
    }

    fn hops_text(&self, hops: &[NextHop]) -> String {
        let mut text = String::new();
        for hop in hops {
            let via = hop.via.map(|via| addr_text(&via).to_string()).unwrap_or_default();
            let (device, weight) = (self.link_name(hop.device), (u32::from(hop.hops) + 1).to_string());
            let pieces = [("via ", via), ("dev ", device), ("weight ", weight)];
            for (word, value) in pieces.iter().filter(|(_, value)| !value.is_empty()) {
                for piece in [if text.is_empty() { "" } else { " " }, word, value] {
                    text.push_str(piece);
                }
            }
        }
        text
    }
}

/// The devices of a route.
fn devices(route: &Route) -> impl Iterator<Item = LinkId> {
    route.device.into_iter().chain(route.hops.iter().filter_map(|hop| hop.device))
}

/// Whether a packet is refused: `blackhole`, `unreachable`, `prohibit`, `throw`. IPv6 shows `lo` as their device.
fn is_refusal(kind: RouteKind) -> bool {
    (6..=9).contains(&kind.0)
}

/// Whether it leads to a gateway.
fn leads_on(route: &Route) -> bool {
    route.via.is_some() || route.hops.iter().any(|hop| hop.via.is_some())
}

fn is_kernels(route: &Route) -> bool {
    route.protocol < LOWEST || route.protocol == PROTOCOL_RA
}

/// `RTPROT_RA`: made by a router advertisement.
const PROTOCOL_RA: u8 = 9;

/// The properties of the path as the kernel keeps them.
fn normal(metrics: &Metrics) -> Metrics {
    let mut normal = metrics.clone();
    for (number, value) in &mut normal.values {
        if let Some(most) = MOST.iter().find(|most| most.0 == *number) {
            *value = (*value).min(most.1);
        }
    }
    normal.values.retain(|(_, value)| *value != 0);
    normal
}

fn metrics_text(metrics: &Metrics) -> String {
    let mut text = String::new();
    for (number, value) in &metrics.values {
        let lock = if metrics.locked >> number & 1 == 1 { " lock " } else { " " };
        let space = if text.is_empty() { "" } else { " " };
        for piece in [space, metric_name(*number).unwrap_or_default(), lock, &value.to_string()] {
            text.push_str(piece);
        }
    }
    text
}

/// Whether next hops are the same, in any order.
fn same_hops(asked: &[NextHop], found: &[NextHop]) -> bool {
    let mut left: Vec<&NextHop> = found.iter().collect();
    asked.len() == found.len()
        && asked.iter().all(|hop| {
            let same = |now: &&NextHop| {
                hop.via == now.via
                    && (hop.device.is_none() || hop.device == now.device)
                    && hop.hops == now.hops
                    && hop.flags.contains(RouteFlags::ONLINK) == now.flags.contains(RouteFlags::ONLINK)
                    && now.encap.is_none()
            };
            let at = left.iter().position(same);
            at.map(|at| left.swap_remove(at)).is_some()
        })
}

/// What the kernel must know to delete a route, this one and no other.
fn naked(route: &Route) -> Route {
    let mut naked = Route {
        from: route.from,
        tos: route.tos,
        kind: route.kind,
        table: route.table,
        protocol: route.protocol,
        scope: route.scope,
        metric: route.metric,
        ..Route::to(route.dst)
    };
    match route.nhid {
        Some(_) => naked.nhid = route.nhid,
        None if is_refusal(route.kind) => {}
        None => {
            (naked.via, naked.device, naked.prefsrc) = (route.via, route.device, route.prefsrc);
            naked.hops.clone_from(&route.hops);
            naked.hops.iter_mut().for_each(|hop| hop.flags = RouteFlags::empty());
        }
    }
    naked
}
