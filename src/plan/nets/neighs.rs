//! Neighbours that last, and proxies.

use super::addrs::link_id;
use super::differences::{Value, Why, differs, note};
use super::owner::{Asked, Keys};
use super::{Job, There};
use crate::model::ip::addr_text;
use crate::model::lab::PROTOCOL;
use crate::model::neigh::{Neigh, NeighFlags, NeighState, NeighVerb, mac_text};
use crate::model::op::Op;
use crate::model::plan::{Act, Sign};
use crate::wire::attr::octets;

/// What the kernel tells neighbours apart by.
pub fn key(link: u32, neigh: &Neigh) -> Vec<u8> {
    let proxy = neigh.flags.contains(NeighFlags::PROXY);
    let mut key = [b'n', u8::from(proxy)].to_vec();
    key.extend(link.to_ne_bytes());
    key.extend(neigh.dst.iter().flat_map(octets));
    key
}

impl Job<'_> {
    /// Neighbours of the place.
    pub(super) fn neighbours(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let asked = &ctx.topology.places[place].neighs;
        let found = &ctx.world.places[place].state.neighs;
        let mut keys = Keys::default();
        // What is learnt comes and goes: it is as good as not there.
        let lasting: Vec<(u32, &Neigh)> = found
            .iter()
            .filter(|neigh| neigh.flags.contains(NeighFlags::PROXY) || neigh.state.intersects(LASTING))
            .filter_map(|neigh| Some((neigh.device?.index.get(), neigh)))
            .collect();
        lasting.iter().for_each(|(link, neigh)| keys.add(key(*link, neigh)));
        let mut kept = vec![false; lasting.len()];
        for said in asked {
            let Some(id) = ctx.link(place, &said.what.device) else { continue };
            let neigh = Neigh { device: Some(id), protocol: PROTOCOL, ..said.what.neigh.clone() };
            let key = key(id.index.get(), &neigh);
            let (mut why, mut sign) = (Vec::new(), Sign::Create);
            if let Some(number) = keys.find(&key, &|_| true) {
                kept[number] = true;
                let (_, now) = lasting[number];
                compare(&neigh, now, &mut why);
                let (protocol, mark) = (Some(now.protocol), Some(now.protocol == PROTOCOL));
                let is_same = |other: Asked<'_>| {
                    let mut why = Vec::new();
                    matches!(other, Asked::Neigh(other) if {
                        compare(&neigh, other, &mut why);
                        why.is_empty()
                    })
                };
                let ours = self.is_ours(id);
                let other = self.claims.otherwise(&key, &is_same);
                let there = There { key: &key, other, at: said.at, ours, protocol, mark };
                let changes = self.must_change(&there, &mut why, &|job| {
                    let dst = now.dst.map(|dst| addr_text(&dst).to_string()).unwrap_or_default();
                    ["the neighbour ", &dst, " of ", &job.link_name(Some(id))].concat()
                });
                if !changes {
                    continue;
                }
                sign = Sign::Change;
            }
            // One that is learnt meanwhile is no obstacle.
            self.op(sign, Op::Neigh(NeighVerb::Replace, neigh), said.at, why);
        }
        for ((link, neigh), _) in lasting.iter().zip(kept).filter(|(_, kept)| !kept) {
            let Some(id) = link_id(place, *link).filter(|_| !ctx.goes(place, *link)) else { continue };
            let mark = neigh.protocol == PROTOCOL;
            // The kernel makes lasting ones without a resolution (multicast), and daemons have their own.
            let by_hand = neigh.protocol == 0 && !neigh.flags.contains(NeighFlags::EXT_LEARNED);
            let made = neigh.flags.contains(NeighFlags::PROXY) || neigh.state.contains(NeighState::PERMANENT);
            let may = if self.owns(id) {
                mark || (by_hand && made)
            } else if ctx.is_our_place(place) {
                mark
            } else {
                self.claims.may_remove(&key(*link, neigh), Some(mark))
            };
            if may {
                let flags = neigh.flags & NeighFlags::PROXY;
                let naked = Neigh { family: neigh.family, device: Some(id), dst: neigh.dst, flags, ..Neigh::default() };
                self.remove(Act::Op(Box::new(Op::Neigh(NeighVerb::Delete, naked))), false);
            }
        }
    }
}

/// States that last.
const LASTING: NeighState = NeighState::PERMANENT.union(NeighState::NOARP);

fn compare(neigh: &Neigh, now: &Neigh, why: &mut Why) {
    if neigh.flags.contains(NeighFlags::PROXY) {
        return;
    }
    let address = |neigh: &Neigh| neigh.lladdr.as_deref().map(mac_text).unwrap_or_default();
    if neigh.lladdr != now.lladdr {
        note(why, "lladdr", address(now), address(neigh));
    }
    let is_noarp = |neigh: &Neigh| neigh.state.contains(NeighState::NOARP);
    let state = |neigh: &Neigh| Value::Word(if is_noarp(neigh) { "noarp" } else { "permanent" });
    differs(why, "nud", state(now), state(neigh));
    let router = |neigh: &Neigh| Value::from(neigh.flags.contains(NeighFlags::ROUTER));
    differs(why, "router", router(now), router(neigh));
}
