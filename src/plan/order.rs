//! The order of steps: what others need comes first, and nothing is taken away before what replaces it is there.

use std::net::IpAddr;

use super::Ctx;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign, Step};
use crate::model::topology::{LinkKind, LinkSpec};

/// When a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Namespaces are made.
    Netns,
    /// Parameters that need no link.
    Sysctl,
    /// Names that are needed are freed.
    Evict,
    /// Links are made and changed, in the order of [`links`].
    Links,
    /// Things of one place, place by place: see the constants.
    Place(usize, usize),
    /// What comes behind all places: see the constants.
    After(usize),
}

/// Within a place: marks, masters.
pub const LINK: usize = 0;
const VLAN: usize = 1;
/// Parameters of links, before there is anything on them and before they go up: `disable_ipv6`, `accept_ra`.
const PARAMETER: usize = 2;
/// Rules that refuse packets and go: while they are there, gateways are not found.
const REFUSAL: usize = 3;
const ADDRESS: usize = 4;
/// Within a place: links go up, those with addresses.
pub const UP: usize = 5;
/// IPv6 addresses come behind: a link that goes up takes in those that it has without waiting for memory, and drops
/// them where there is none at that moment.
const ADDRESS6: usize = 6;
/// Within a place: parameters that do something to a link that is up.
pub const LINK_SYSCTL: usize = 7;
const ROUTE: usize = 8;
const RULE: usize = 9;
const NEIGH: usize = 10;
const PLACE: usize = 11;

const TRANSLATION: usize = 0;
const FILE: usize = 1;
const FORWARD: usize = 2;
/// First of the removals.
const REMOVE: usize = 3;
/// Behind all places: links are taken away.
pub const REMOVE_LINK: usize = 10;
/// Behind all places: namespaces are taken away.
pub const REMOVE_NETNS: usize = 11;
const REMOVE_FILE: usize = 12;
const AFTER: usize = 13;

/// Steps with the phase of each, put in order; those of one phase stay as they are.
pub fn sort(steps: Vec<(Phase, Step)>, places: usize) -> Vec<Step> {
    let behind = 4 + PLACE * places;
    let number = |phase: Phase| match phase {
        Phase::Netns => 0,
        Phase::Sysctl => 1,
        Phase::Evict => 2,
        Phase::Links => 3,
        Phase::Place(place, part) => 4 + PLACE * place + part,
        Phase::After(part) => behind + part,
    };
    // Where the next step of each phase goes.
    let mut next = vec![0; behind + AFTER + 1];
    for (phase, _) in &steps {
        next[number(*phase) + 1] += 1;
    }
    for at in 1..next.len() {
        next[at] += next[at - 1];
    }
    let mut sorted: Vec<Option<Step>> = Vec::new();
    sorted.resize_with(steps.len(), || None);
    for (phase, step) in steps {
        let at = &mut next[number(phase)];
        sorted[*at] = Some(step);
        *at += 1;
    }
    sorted.into_iter().flatten().collect()
}

/// When a step of what is on links is done.
pub fn phase(step: &Step, removal: bool) -> Phase {
    let part = match &step.act {
        Act::Translations(_) => return Phase::After(TRANSLATION),
        Act::File { .. } => return Phase::After(if removal { REMOVE_FILE } else { FILE }),
        Act::Sysctl { name, .. } if name == "net.ipv4.ip_forward" || name == "net.ipv6.conf.all.forwarding" => {
            return Phase::After(FORWARD);
        }
        Act::Sysctl { name, .. } if !is_of_link(name) => return Phase::Sysctl,
        Act::Sysctl { .. } => PARAMETER,
        Act::Op(op) => match **op {
            Op::BridgeVlan(_) => VLAN,
            Op::Addr(_, _, ref addr) if matches!(addr.own(), Some(IpAddr::V6(_))) => ADDRESS6,
            Op::Addr(..) => ADDRESS,
            Op::Route(..) => ROUTE,
            Op::Rule { .. } if step.sign == Sign::Remove && !removal => REFUSAL,
            Op::Rule { .. } => RULE,
            Op::Neigh(..) => NEIGH,
            _ => LINK,
        },
        _ => LINK,
    };
    if !removal {
        return Phase::Place(step.place, part);
    }
    // Rules before the routes that they lead to, routes before the addresses that they are by.
    Phase::After(
        REMOVE + [RULE, ROUTE, NEIGH, ADDRESS, ADDRESS6, VLAN].iter().position(|own| *own == part).unwrap_or(0),
    )
}

/// Whether a parameter is of one link: `net.ipv4.conf.LINK.x`, `net.ipv6.neigh.LINK.x`.
fn is_of_link(name: &str) -> bool {
    let mut parts = name.split('.');
    parts.next() == Some("net")
        && matches!(parts.next(), Some("ipv4" | "ipv6"))
        && matches!(parts.next(), Some("conf" | "neigh"))
        && !matches!(parts.next(), Some("all" | "default") | None)
}

/// The links of all places, each behind those that it stands on and behind its masters; a pair once, by the end that
/// the file says it with.
pub fn links(ctx: &Ctx<'_>) -> Vec<(usize, usize)> {
    let mut known: Vec<Vec<bool>> = ctx.topology.places.iter().map(|place| vec![false; place.links.len()]).collect();
    let mut order = Vec::new();
    // The way of links that stand on each other may be long: no recursion.
    let mut way = Vec::new();
    for place in 0..known.len() {
        for number in 0..known[place].len() {
            let is_peer = ctx.topology.places[place].links[number].kind == LinkKind::Peer;
            if !is_peer && !known[place][number] {
                way.push((place, number));
            }
            while let Some(&(place, number)) = way.last() {
                let spec = &ctx.topology.places[place].links[number];
                let twin = ctx.twin(spec);
                known[place][number] = true;
                let next = needs(ctx, place, spec)
                    .into_iter()
                    .chain(
                        twin.into_iter()
                            .flat_map(|(place, number)| needs(ctx, place, &ctx.topology.places[place].links[number])),
                    )
                    .flatten()
                    .find(|(place, number)| !known[*place][*number]);
                match next {
                    Some(next) => way.push(next),
                    None => {
                        way.pop();
                        order.push((place, number));
                    }
                }
            }
        }
    }
    order
}

fn needs(ctx: &Ctx<'_>, place: usize, spec: &LinkSpec) -> [Option<(usize, usize)>; 2] {
    let main = |(place, number): (usize, usize)| {
        let spec = &ctx.topology.places[place].links[number];
        if spec.kind == LinkKind::Peer { ctx.twin(spec) } else { Some((place, number)) }
    };
    let lower = spec.lower.as_ref().and_then(|lower| ctx.find(lower.what.place, &lower.what.name));
    let master = spec.master.as_ref().and_then(|master| ctx.find(place, &master.what));
    [lower.and_then(main), master.and_then(main)]
}
