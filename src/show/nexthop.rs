//! Next hop objects and buckets as `ip nexthop` lists them.

use super::encap::encap;
use super::number::percent_g;
use super::out::Out;
use super::route::{RouteView, device, flags, gateway};
use crate::model::nexthop::{Bucket, GROUP_RESILIENT, NextHopObject, Resilient};
use crate::model::route::SCOPE_UNIVERSE;
use crate::model::rtnames::{NameSet, named};

/// Writes one next hop, as a record of a listing.
pub fn next_hop(out: &mut Out, hop: &NextHopObject, view: &RouteView<'_>) {
    out.record(|o| fields(o, hop, view));
    out.text("\n");
}

/// Writes what there is to say of a next hop.
pub fn fields(out: &mut Out, hop: &NextHopObject, view: &RouteView<'_>) {
    out.num("id", "id ", hop.id.unwrap_or(0), " ");
    if !hop.group.is_empty() {
        out.text("group ");
        out.list("group", |o| {
            for (at, (id, weight)) in hop.group.iter().enumerate() {
                o.record(|o| {
                    o.num("id", if at == 0 { "" } else { "/" }, *id, "");
                    if *weight != 0 {
                        o.num("weight", ",", i64::from(*weight) + 1, "");
                    }
                });
            }
        });
        out.text(" ");
    }
    if let Some(kind) = hop.group_kind.filter(|kind| *kind != 0) {
        out.str("type", "type ", if kind == GROUP_RESILIENT { "resilient" } else { "<unknown type>" }, " ");
    }
    if let Some(resilient) = &hop.resilient {
        out.object("resilient_args", |o| arguments(o, resilient));
    }
    encap(out, hop.encap.as_ref(), view);
    gateway(out, hop.family, hop.via.as_ref());
    device(out, "dev", hop.device, view);
    if hop.scope != SCOPE_UNIVERSE || view.details {
        out.str("scope", "scope ", &named(view.names, NameSet::Scopes, hop.scope.into()), " ");
    }
    if hop.blackhole {
        out.null("blackhole", "blackhole ");
    }
    if hop.protocol != 0 || view.details {
        out.str("protocol", "proto ", &named(view.names, NameSet::Protocols, hop.protocol.into()), " ");
    }
    flags(out, hop.flags);
    if hop.fdb {
        out.null("fdb", "fdb");
    }
}

fn arguments(out: &mut Out, resilient: &Resilient) {
    out.num("buckets", "buckets ", resilient.buckets.unwrap_or(0), " ");
    for (key, label, hundredths) in [
        ("idle_timer", "idle_timer ", resilient.idle_timer.unwrap_or(0).into()),
        ("unbalanced_timer", "unbalanced_timer ", resilient.unbalanced_timer.unwrap_or(0).into()),
        ("unbalanced_time", "unbalanced_time ", resilient.unbalanced_time.unwrap_or(0)),
    ] {
        out.digits(key, label, &percent_g(hundredths, 2), " ");
    }
}

/// Writes one bucket.
pub fn bucket(out: &mut Out, bucket: &Bucket) {
    out.record(|o| {
        if let Some(id) = bucket.id {
            o.num("id", "id ", id, " ");
        }
        o.object("bucket", |o| {
            if let Some(index) = bucket.index {
                o.num("index", "index ", index, " ");
            }
            if let Some(idle) = bucket.idle {
                o.digits("idle_time", "idle_time ", &percent_g(idle, 2), " ");
            }
            if let Some(id) = bucket.holds {
                o.num("nhid", "nhid ", id, " ");
            }
        });
        flags(o, bucket.flags);
        o.text("\n");
    });
}
