//! Routes on the wire: `RTM_NEWROUTE`, `RTM_DELROUTE`, `RTM_GETROUTE`.
//! Source: `linux/rtnetlink.h`.

use std::net::IpAddr;
use std::num::NonZeroU32;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::attr::{Attr, attrs, octets, u16_at, u32_at};
use super::build::{Request, Route as RouteProtocol, align4};
use super::encap;
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE};
use crate::model::ip::{Family, Prefix, family_of};
use crate::model::link::LinkId;
use crate::model::route::{
    Cache, METRIC_CONGESTION, Metrics, NextHop, Route, RouteFilter, RouteFlags, RouteKind, RouteQuestion, RouteVerb,
};

/// Length of `struct rtmsg`.
pub const RTMSG: usize = 12;
/// Length of `struct rtnexthop`.
const RTNEXTHOP: usize = 8;

const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_FLOW: u16 = 11;
const RTA_CACHEINFO: u16 = 12;
const RTA_TABLE: u16 = 15;
const RTA_MARK: u16 = 16;
const RTA_VIA: u16 = 18;
const RTA_PREF: u16 = 20;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const RTA_EXPIRES: u16 = 23;
const RTA_UID: u16 = 25;
const RTA_TTL_PROPAGATE: u16 = 26;
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;
const RTA_NH_ID: u16 = 30;
const RTAX_LOCK: u16 = 1;

/// Our names of the attributes.
pub const NAMES: super::Names = (
    &[
        RTA_DST,
        RTA_SRC,
        RTA_IIF,
        RTA_OIF,
        RTA_GATEWAY,
        RTA_VIA,
        RTA_PRIORITY,
        RTA_PREFSRC,
        RTA_METRICS,
        RTA_MULTIPATH,
        RTA_TABLE,
        RTA_PREF,
        RTA_EXPIRES,
        RTA_NH_ID,
        RTA_ENCAP,
        RTA_ENCAP_TYPE,
        RTA_IP_PROTO,
    ],
    "destination,from,iif,device,gateway,gateway,metric,src,path metrics,next hops,table,pref,expires,nhid,encap,encap,ipproto",
);

/// The request that makes, changes or deletes a route.
pub fn change(verb: RouteVerb, route: &Route) -> Request<RouteProtocol> {
    let (kind, flags) = match verb {
        RouteVerb::Add => (RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL),
        RouteVerb::Change => (RTM_NEWROUTE, NLM_F_REPLACE),
        RouteVerb::Replace => (RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE),
        RouteVerb::Prepend => (RTM_NEWROUTE, NLM_F_CREATE),
        RouteVerb::Append => (RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND),
        RouteVerb::Test => (RTM_NEWROUTE, NLM_F_EXCL),
        RouteVerb::Delete => (RTM_DELROUTE, 0),
    };
    let mut request = Request::new(kind, flags);
    // Tables above 255 have no room in the header.
    let table = u8::try_from(route.table).unwrap_or(0);
    header(&mut request, &route.dst, route.from.as_ref(), [route.tos, table, route.protocol, route.scope], route);
    if table == 0 && route.table != 0 {
        request.u32(RTA_TABLE, route.table);
    }
    if let Some(via) = &route.via {
        gateway(&mut request, route.family(), via);
    }
    if let Some(prefsrc) = &route.prefsrc {
        request.ip(RTA_PREFSRC, prefsrc);
    }
    for (attr, value) in
        [(RTA_PRIORITY, route.metric), (RTA_EXPIRES, route.expires), (RTA_NH_ID, route.nhid), (RTA_FLOW, route.realms)]
    {
        if let Some(value) = value {
            request.u32(attr, value);
        }
    }
    for (attr, value) in [(RTA_PREF, route.pref), (RTA_TTL_PROPAGATE, route.ttl_propagate)] {
        if let Some(value) = value {
            request.u8(attr, value);
        }
    }
    encap::encode(&mut request, [RTA_ENCAP, RTA_ENCAP_TYPE], route.encap.as_ref());
    device(&mut request, RTA_OIF, route.device);
    metrics(&mut request, &route.metrics);
    if !route.hops.is_empty() {
        // As iproute2 sends it: without the nested flag, which the kernel does not look at here.
        request.nest_unflagged(RTA_MULTIPATH, |r| {
            for hop in &route.hops {
                next_hop(r, route.family(), hop);
            }
        });
    }
    request
}

/// The fixed header, then destination and source. A default route carries no destination.
fn header(
    request: &mut Request<RouteProtocol>,
    dst: &Prefix,
    from: Option<&Prefix>,
    [tos, table, protocol, scope]: [u8; 4],
    route: &Route,
) {
    let mut bytes = [
        dst.family().number(),
        dst.len(),
        from.map_or(0, Prefix::len),
        tos,
        table,
        protocol,
        scope,
        route.kind.0,
        0,
        0,
        0,
        0,
    ];
    bytes[8..].copy_from_slice(&route.flags.bits().to_ne_bytes());
    request.raw(&bytes);
    for (attr, prefix) in [(RTA_DST, Some(dst)), (RTA_SRC, from)] {
        if let Some(prefix) = prefix.filter(|p| !p.is_empty() || !p.addr().is_unspecified()) {
            request.ip(attr, &prefix.addr());
        }
    }
}

fn device(request: &mut Request<RouteProtocol>, attr: u16, device: Option<LinkId>) {
    if let Some(id) = device {
        request.in_ns(id.ns);
        request.u32(attr, id.index.get());
    }
}

/// A gateway of the route's family, or of the other one (kernel 5.2).
fn gateway(request: &mut Request<RouteProtocol>, family: Family, via: &IpAddr) {
    if family_of(via) == family {
        request.ip(RTA_GATEWAY, via);
    } else {
        let mut value = u16::from(family_of(via).number()).to_ne_bytes().to_vec();
        value.extend(octets(via));
        request.attr(RTA_VIA, &value);
    }
}

fn metrics(request: &mut Request<RouteProtocol>, metrics: &Metrics) {
    if metrics.is_empty() {
        return;
    }
    request.nest_unflagged(RTA_METRICS, |r| {
        for (number, value) in &metrics.values {
            r.u32(*number, *value);
        }
        if let Some(name) = &metrics.congestion {
            r.string(METRIC_CONGESTION, name);
        }
        if metrics.locked != 0 {
            r.u32(RTAX_LOCK, metrics.locked);
        }
    });
}

/// `struct rtnexthop` is an attribute's shape with other fields: its length takes in what follows.
fn next_hop(request: &mut Request<RouteProtocol>, family: Family, hop: &NextHop) {
    let index = hop.device.map_or(0, |id| {
        request.in_ns(id.ns);
        id.index.get()
    });
    // The flags field has eight bits.
    let flags = u8::try_from(hop.flags.bits() & 0xff).unwrap_or(0);
    request.nest_unflagged(u16::from_ne_bytes([flags, hop.hops]), |r| {
        r.raw(&index.to_ne_bytes());
        if let Some(via) = &hop.via {
            gateway(r, family, via);
        }
        if let Some(realms) = hop.realms {
            r.u32(RTA_FLOW, realms);
        }
        encap::encode(r, [RTA_ENCAP, RTA_ENCAP_TYPE], hop.encap.as_ref());
    });
}

impl Query for RouteFilter {
    type Protocol = RouteProtocol;
    type Item = Route;

    fn encode(&self) -> Request<RouteProtocol> {
        let mut request = Request::new(RTM_GETROUTE, 0);
        let mut header = [0; RTMSG];
        header[0] = self.family.number();
        header[5] = self.protocol;
        if self.cloned {
            header[8..].copy_from_slice(&RouteFlags::CLONED.bits().to_ne_bytes());
        }
        request.raw(&header);
        if self.table != 0 {
            request.u32(RTA_TABLE, self.table);
        }
        device(&mut request, RTA_OIF, self.device);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Route> {
        if frame.kind == RTM_NEWROUTE { decode(frame, self.ns) } else { None }
    }
}

impl Query for RouteQuestion {
    type Protocol = RouteProtocol;
    type Item = Route;

    fn encode(&self) -> Request<RouteProtocol> {
        let mut request = Request::new(RTM_GETROUTE, 0);
        let mut asked = Route::to(self.dst);
        asked.kind = RouteKind::UNSPEC;
        // Only IPv4 knows this flag; IPv6 names the table anyway.
        asked.flags.set(RouteFlags::LOOKUP_TABLE, self.dst.family() == Family::V4);
        asked.flags.set(RouteFlags::FIB_MATCH, self.fib_match);
        asked.flags.set(RouteFlags::NOTIFY, self.notify);
        header(&mut request, &self.dst, self.from.as_ref(), [self.tos, 0, 0, 0], &asked);
        device(&mut request, RTA_IIF, self.input);
        device(&mut request, RTA_OIF, self.output);
        if self.mark != 0 {
            request.u32(RTA_MARK, self.mark);
        }
        if let Some(uid) = self.uid {
            request.u32(RTA_UID, uid);
        }
        for (attr, port) in [(RTA_SPORT, self.sport), (RTA_DPORT, self.dport)] {
            if let Some(port) = port {
                request.be16(attr, port);
            }
        }
        if let Some(protocol) = self.ip_protocol {
            request.u8(RTA_IP_PROTO, protocol);
        }
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Route> {
        if frame.kind == RTM_NEWROUTE { decode(frame, self.ns) } else { None }
    }
}

/// Reads a route message, a reply or a request; `None` for one that is not IPv4 or IPv6. Unknown attributes
/// are passed over. `ns` is the namespace of the devices in it.
pub fn decode(frame: &Frame<'_>, ns: u32) -> Option<Route> {
    let header = frame.payload.get(..RTMSG)?;
    let family = Family::from_number(header[0]);
    if !matches!(family, Family::V4 | Family::V6) {
        return None;
    }
    let any = Prefix::default_route(family).addr();
    let mut route = Route::to(Prefix::new(any, header[1])?);
    // A length without an address is 0.0.0.0 or :: of that length.
    route.from = Prefix::new(any, header[2]).filter(|from| !from.is_empty());
    route.tos = header[3];
    route.table = header[4].into();
    route.protocol = header[5];
    route.scope = header[6];
    route.kind = RouteKind(header[7]);
    route.flags = RouteFlags::from_bits_retain(u32_at(header, 8)?);
    for attr in frame.attrs(RTMSG) {
        attribute(&mut route, attr, header[2], ns);
    }
    Some(route)
}

fn attribute(route: &mut Route, attr: Attr<'_>, from_len: u8, ns: u32) {
    match attr.kind {
        RTA_DST => {
            let dst = attr.ip().filter(|ip| family_of(ip) == route.family());
            route.dst = dst.and_then(|ip| Prefix::new(ip, route.dst.len())).unwrap_or(route.dst);
        }
        RTA_SRC => route.from = attr.ip().and_then(|ip| Prefix::new(ip, from_len)),
        RTA_IIF => route.input = link(attr.u32(), ns),
        RTA_OIF => route.device = link(attr.u32(), ns),
        RTA_GATEWAY => route.via = attr.ip(),
        RTA_VIA => route.via = other_family(attr),
        RTA_PRIORITY => route.metric = attr.u32(),
        RTA_PREFSRC => route.prefsrc = attr.ip(),
        RTA_METRICS => route.metrics = decode_metrics(attr),
        RTA_MULTIPATH => route.hops = decode_hops(attr.value, ns),
        RTA_CACHEINFO => route.cache = cache(attr.value),
        RTA_TABLE => route.table = attr.u32().unwrap_or(route.table),
        RTA_MARK => route.mark = attr.u32(),
        RTA_PREF => route.pref = attr.u8(),
        RTA_EXPIRES => route.expires = attr.u32(),
        RTA_UID => route.uid = attr.u32(),
        RTA_NH_ID => route.nhid = attr.u32(),
        RTA_FLOW => route.realms = attr.u32(),
        RTA_TTL_PROPAGATE => route.ttl_propagate = attr.u8(),
        RTA_ENCAP | RTA_ENCAP_TYPE => encap::decode(&mut route.encap, attr, attr.kind == RTA_ENCAP_TYPE),
        _ => {}
    }
}

fn link(index: Option<u32>, ns: u32) -> Option<LinkId> {
    index.and_then(NonZeroU32::new).map(|index| LinkId { ns, index })
}

/// `struct rtvia`: a family and an address.
fn other_family(attr: Attr<'_>) -> Option<IpAddr> {
    Attr { kind: attr.kind, value: attr.value.get(2..)? }.ip()
}

fn decode_metrics(attr: Attr<'_>) -> Metrics {
    let mut metrics = Metrics::default();
    for metric in attr.nested() {
        match metric.kind {
            METRIC_CONGESTION => metrics.congestion = Some(metric.bytes_to_nul().to_vec()),
            RTAX_LOCK => metrics.locked = metric.u32().unwrap_or_default(),
            number => {
                if let Some(value) = metric.u32() {
                    metrics.set(number, value);
                }
            }
        }
    }
    metrics
}

fn decode_hops(mut bytes: &[u8], ns: u32) -> Vec<NextHop> {
    let mut hops = Vec::new();
    while let Some(hop) = u16_at(bytes, 0).and_then(|len| bytes.get(..usize::from(len))) {
        let (Some(header), Some(index)) = (hop.get(..RTNEXTHOP), u32_at(hop, 4)) else { break };
        let mut next = NextHop {
            via: None,
            device: link(Some(index), ns),
            hops: header[3],
            flags: RouteFlags::from_bits_retain(header[2].into()),
            realms: None,
            encap: None,
        };
        for attr in attrs(&hop[RTNEXTHOP..]) {
            match attr.kind {
                RTA_GATEWAY => next.via = attr.ip(),
                RTA_VIA => next.via = other_family(attr),
                RTA_FLOW => next.realms = attr.u32(),
                RTA_ENCAP | RTA_ENCAP_TYPE => encap::decode(&mut next.encap, attr, attr.kind == RTA_ENCAP_TYPE),
                _ => {}
            }
        }
        hops.push(next);
        bytes = bytes.get(align4(hop.len())..).unwrap_or_default();
    }
    hops
}

fn cache(value: &[u8]) -> Option<Cache> {
    let signed = |at| u32_at(value, at).map(u32::cast_signed);
    let number = |at| u32_at(value, at);
    Some(Cache { expires: signed(8)?, error: signed(12)?, users: number(0)?, used: number(16)?, idle: number(4)? })
}

#[cfg(test)]
mod tests;
