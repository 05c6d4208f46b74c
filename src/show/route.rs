//! Routes as `ip route` lists them.

use std::borrow::Cow;

use super::encap::encap;
use super::neigh::family_name;
use super::number::percent_g;
use super::out::{Colour, Out};
use crate::model::ip::{Family, Prefix, Text, addr_text, family_of};
use crate::model::link::{Link, LinkId};
use crate::model::nexthop::NextHopObject;
use crate::model::route::{
    METRIC_CONGESTION, METRIC_FEATURES, METRIC_HOPLIMIT, Metrics, NextHop, PROTOCOL_BOOT, Route, RouteFlags, RouteKind,
    SCOPE_UNIVERSE, TABLE_MAIN, metric_name, metric_per_ms,
};
use crate::model::rtnames::{NameSet, Names, named};

/// What a listing of routes goes by.
#[derive(Debug, Clone, Copy)]
pub struct RouteView<'a> {
    /// Names of tables, protocols, scopes; without them, numbers are written (`-N`).
    pub names: Option<&'a Names>,
    /// Links, for their names.
    pub links: &'a [Link],
    /// What the command gives, so that it is not repeated.
    pub given: Given,
    /// `-d`: with all properties.
    pub details: bool,
    /// `-s`: with counters.
    pub statistics: bool,
    /// Next hop objects that routes name, for `-d`.
    pub next_hops: &'a [NextHopObject],
}

impl RouteView<'_> {
    /// Name of a device; `ifN` where it is not known.
    pub fn link_name(&self, index: u32) -> Cow<'_, [u8]> {
        match self.links.iter().find(|link| link.index == index) {
            Some(link) => Cow::Borrowed(&link.name),
            None => Cow::Owned(["if", &index.to_string()].concat().into_bytes()),
        }
    }
}

/// Properties that a listing was narrowed to.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Given {
    pub table: bool,
    pub device: bool,
    pub input: bool,
    pub protocol: bool,
    pub scope: bool,
    pub tos: bool,
    pub via: bool,
    pub prefsrc: bool,
    pub metric: bool,
    pub realms: bool,
}

/// Writes one route.
pub fn route(out: &mut Out, route: &Route, view: &RouteView<'_>) {
    out.record(|o| {
        destination(o, route, view);
        target(o, route, view);
        path(o, route, view);
        if let Some(hop) = route.nhid.and_then(|id| view.next_hops.iter().find(|hop| hop.id == Some(id))) {
            // Not as `-o` has it: iproute2 breaks the line here all the same.
            o.text("\n\tnh_info ");
            o.object("nh_info", |o| super::nexthop::fields(o, hop, view));
        }
        if !route.hops.is_empty() {
            o.list("nexthops", |o| {
                for hop in &route.hops {
                    o.record(|o| next_hop(o, route, hop, view));
                }
            });
        }
    });
    out.text("\n");
}

fn destination(out: &mut Out, route: &Route, view: &RouteView<'_>) {
    if route.kind != RouteKind::UNICAST || view.details {
        let digits = route.kind.0.to_string();
        let name = route.kind.name().filter(|_| view.names.is_some());
        out.str("type", "", name.unwrap_or(&digits), " ");
    }
    let colour = Colour::of(route.family());
    match route.dst.is_empty() {
        true => out.str("dst", "", "default", " "),
        false => out.paint(colour).str("dst", "", &prefix(&route.dst), " "),
    }
    if let Some(from) = &route.from {
        out.paint(colour).str("from", "from ", &prefix(from), " ");
    }
    if let Some(id) = route.nhid {
        out.num("nhid", "nhid ", id, " ");
    }
    encap(out, route.encap.as_ref(), view);
    if route.tos != 0 && !view.given.tos {
        out.str("tos", "tos ", &tos(view.names, route.tos), " ");
    }
}

/// An address alone where all of its bits count.
fn prefix(prefix: &Prefix) -> Text {
    if prefix.is_host() { addr_text(&prefix.addr()) } else { prefix.text() }
}

/// A type of service byte: its name, or two hexadecimal digits.
pub fn tos(names: Option<&Names>, tos: u8) -> String {
    let name = names.and_then(|names| names.find(NameSet::Dsfields, tos.into()));
    name.map_or_else(|| format!("0x{tos:02x}"), str::to_owned)
}

fn target(out: &mut Out, route: &Route, view: &RouteView<'_>) {
    let given = &view.given;
    if !given.via || route.via.is_some_and(|via| family_of(&via) != route.family()) {
        gateway(out, route.family(), route.via.as_ref());
    }
    if !given.device {
        device(out, "dev", route.device, view);
    }
    let cloned = route.flags.contains(RouteFlags::CLONED);
    let (protocol, scope) = (route.protocol.into(), route.scope.into());
    let told = |usual: bool| usual && !view.details;
    for (key, label, set, number, usual) in [
        (
            "table",
            "table ",
            NameSet::Tables,
            route.table,
            given.table || route.table == 0 || told(route.table == TABLE_MAIN),
        ),
        (
            "protocol",
            "proto ",
            NameSet::Protocols,
            protocol,
            cloned || given.protocol || told(route.protocol == PROTOCOL_BOOT),
        ),
        ("scope", "scope ", NameSet::Scopes, scope, cloned || given.scope || told(route.scope == SCOPE_UNIVERSE)),
    ] {
        if !usual {
            out.str(key, label, &named(view.names, set, number), " ");
        }
    }
    if let Some(prefsrc) = route.prefsrc.filter(|_| !given.prefsrc) {
        out.text("src ");
        out.paint(Colour::of(route.family())).str("prefsrc", "", &addr_text(&prefsrc), " ");
    }
    if let Some(metric) = route.metric.filter(|_| !given.metric) {
        out.num("metric", "metric ", metric, " ");
    }
    flags(out, route.flags);
    if let Some(mark) = route.mark {
        out.json_num("mark", mark);
        out.text(&if mark >= 16 { format!("mark 0x{mark:x} ") } else { format!("mark {mark} ") });
    }
    realms(out, route.realms.filter(|_| !given.realms), view);
    if let Some(uid) = route.uid {
        out.num("uid", "uid ", uid, " ");
    }
}

/// Writes a gateway of a route or next hop of a family.
pub fn gateway(out: &mut Out, family: Family, via: Option<&std::net::IpAddr>) {
    let Some(via) = via else { return };
    let (address, colour) = (addr_text(via), Colour::of(family_of(via)));
    if family_of(via) == family {
        out.text("via ");
        out.paint(colour).str("gateway", "", &address, " ");
        return;
    }
    out.object("via", |o| {
        o.str("family", "via ", family_name(family_of(via)), " ");
        o.paint(colour).str("host", "", &address, " ");
    });
}

/// Writes a device, `dev` or `iif`.
pub fn device(out: &mut Out, key: &str, device: Option<LinkId>, view: &RouteView<'_>) {
    let Some(index) = device.map(|id| id.index.get()) else { return };
    let label = if key == "dev" { "dev " } else { "iif " };
    out.text(label);
    out.paint(Colour::IfName);
    out.name(key, "", &view.link_name(index), " ");
}

/// Flags by bit, the ones shown, in iproute2's order.
const FLAGS: &str =
    "dead onlink pervasive offload trap notify linkdown unresolved rt_offload rt_trap rt_offload_failed";
const FLAG_BITS: [u8; 11] = [0, 2, 1, 3, 6, 8, 4, 5, 14, 15, 29];

/// Writes the flags of a route or next hop.
pub fn flags(out: &mut Out, flags: RouteFlags) {
    out.list("flags", |o| {
        if flags.is_empty() {
            return;
        }
        for (name, bit) in FLAGS.split(' ').zip(FLAG_BITS) {
            if flags.bits() >> bit & 1 != 0 {
                o.item("", name, " ");
            }
        }
    });
}

/// What a look-up's result is flagged with (`RTCF_*`), beside [`RouteFlags`], by bit.
const CACHE_FLAGS: &str =
    "local reject mc brd dst-nat src-nat masq dst-direct src-direct redirected redirect fastroute notify proxy";
const CACHE_BITS: [u8; 14] = [31, 25, 29, 28, 27, 23, 22, 17, 26, 18, 24, 21, 16, 20];

fn path(out: &mut Out, route: &Route, view: &RouteView<'_>) {
    if route.flags.contains(RouteFlags::CLONED) {
        cache_flags(out, route.flags.bits() & !0xffff);
    }
    if let Some(cache) = &route.cache {
        if cache.expires != 0 {
            out.num("expires", "expires ", cache.expires / 100, "sec ");
        }
        if cache.error != 0 {
            out.num("error", "error ", cache.error, " ");
        }
        for (key, label, value, after) in [
            ("users", "users ", cache.users, " "),
            ("used", "used ", cache.used, " "),
            ("age", "age ", cache.idle / 100, "sec "),
        ] {
            if view.statistics && value != 0 {
                out.num(key, label, value, after);
            }
        }
    }
    metrics(out, &route.metrics);
    if !view.given.input {
        device(out, "iif", route.input, view);
    }
    if let Some(pref) = route.pref {
        let digits = pref.to_string();
        let name = match pref {
            0 => "medium",
            1 => "high",
            3 => "low",
            _ => &digits,
        };
        out.str("pref", "pref ", name, "");
    }
    if let Some(on) = route.ttl_propagate {
        // The key and the word are iproute2's.
        out.json_bool("ttl-propogate", on != 0);
        out.text(if on != 0 { "ttl-propogate enabled" } else { "ttl-propogate disabled" });
    }
}

fn cache_flags(out: &mut Out, mut flags: u32) {
    out.line_break();
    out.text("    cache ");
    out.list("cache", |o| {
        if flags != 0 {
            o.text("<");
        }
        for (name, bit) in CACHE_FLAGS.split(' ').zip(CACHE_BITS) {
            if flags >> bit & 1 != 0 {
                flags &= !(1 << bit);
                o.item("", name, if flags == 0 { "> " } else { "," });
            }
        }
        if flags != 0 {
            o.item("", &format!("{flags:x}"), "> ");
        }
    });
}

fn metrics(out: &mut Out, metrics: &Metrics) {
    if metrics.is_empty() {
        return;
    }
    out.list("metrics", |o| o.record(|o| metrics_of(o, metrics)));
}

fn metrics_of(out: &mut Out, metrics: &Metrics) {
    let mut congestion = metrics.congestion.as_ref();
    for (number, value) in &metrics.values {
        if *number > METRIC_CONGESTION {
            congestion_control(out, metrics, congestion.take());
        }
        // A hop limit of -1 is "the default".
        if *number == METRIC_HOPLIMIT && *value == u32::MAX {
            continue;
        }
        let unknown = ["metric ", &number.to_string()].concat();
        let name = metric_name(*number).unwrap_or(&unknown);
        out.text(name);
        out.text(if metrics.locked >> (number & 31) & 1 != 0 { " lock " } else { " " });
        match metric_per_ms(*number) {
            _ if *number == METRIC_FEATURES => features(out, *value),
            Some(scale) => {
                out.json_num(name, value / scale);
                out.text(&duration(value / scale));
            }
            None => out.num(name, "", *value, " "),
        }
    }
    congestion_control(out, metrics, congestion);
}

fn congestion_control(out: &mut Out, metrics: &Metrics, name: Option<&Vec<u8>>) {
    if let Some(name) = name {
        out.text(if metrics.locked >> METRIC_CONGESTION & 1 != 0 { "congctl lock " } else { "congctl " });
        out.name("congestion", "", name, " ");
    }
}

fn features(out: &mut Out, value: u32) {
    if value & 1 != 0 {
        out.null("ecn", "ecn ");
    }
    if value & !1 != 0 {
        let rest = format!("0x{:x}", value & !1);
        out.str("features", "", &rest, " ");
    }
}

/// Milliseconds; from a second on as seconds with six digits that count (C's `%g`).
fn duration(ms: u32) -> String {
    if ms < 1000 {
        return format!("{ms}ms ");
    }
    percent_g(ms.into(), 3) + "s "
}

fn realms(out: &mut Out, realms: Option<u32>, view: &RouteView<'_>) {
    let Some(realms) = realms else { return };
    let name = |number| named(view.names, NameSet::Realms, number);
    let (from, to) = (realms >> 16, realms & 0xffff);
    out.text(if from == 0 { "realm " } else { "realms " });
    out.object("flow", |o| {
        if from != 0 {
            o.str("from", "", &name(from), "/");
        }
        o.str("to", "", &name(to), " ");
    });
}

fn next_hop(out: &mut Out, route: &Route, hop: &NextHop, view: &RouteView<'_>) {
    out.line_break();
    out.text("\tnexthop ");
    encap(out, hop.encap.as_ref(), view);
    gateway(out, route.family(), hop.via.as_ref());
    realms(out, hop.realms, view);
    if let Some(id) = hop.device {
        out.name("dev", "dev ", &view.link_name(id.index.get()), " ");
    }
    out.num("weight", "weight ", i64::from(hop.hops) + 1, " ");
    flags(out, hop.flags);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_percent_g() {
        for (ms, expected) in [(999, "999ms "), (1000, "1s "), (1500, "1.5s "), (1_234_567, "1234.57s ")] {
            assert_eq!(duration(ms), expected);
        }
    }
}
