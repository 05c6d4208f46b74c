//! Links and namespaces that are taken away.

use std::cell::Cell;
use std::num::NonZeroU32;

use super::{Writer, delete};
use crate::model::index::Index;
use crate::model::link::Link;
use crate::model::name::IfName;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign, Step};
use crate::model::topology::{LinkKind, Origin};
use crate::plan::order::{self, Phase};
use crate::plan::{Ctx, Fate, id, kinds};

/// The steps of links and namespaces that are taken away.
pub fn removals(ctx: &Ctx<'_>, order: &[(usize, usize)], out: &mut Vec<(Phase, Step)>) {
    let veths = Veths::new(ctx);
    let mut writer = Writer::new(ctx, order, out);
    for &(place, number, index) in &ctx.returns {
        let link = &ctx.found(place)[number];
        if let (Some(old), Some(name)) = (NonZeroU32::new(link.index), IfName::new(&link.name)) {
            let act = Act::MoveLink { index, link: id(place, old), name, to: 0 };
            let mut step = writer.step(place, Origin::default(), act);
            step.why = vec![writer.moves(place, 0)];
            writer.push(Phase::After(order::REMOVE_LINK), Sign::Change, step);
        }
    }
    for place in 0..ctx.places.len() {
        writer.removals(place, &veths);
        if ctx.places[place].goes {
            let step = writer.step(place, ctx.topology.places[place].at, Act::DeleteNetns);
            writer.push(Phase::After(order::REMOVE_NETNS), Sign::Remove, step);
        }
    }
}

impl Writer<'_, '_> {
    /// Links that go: all at once where nothing else is in their group.
    fn removals(&mut self, place: usize, veths: &Veths) {
        let ctx = self.ctx;
        let (spot, links, group) = (&ctx.places[place], ctx.found(place), ctx.lab.group());
        if spot.goes {
            return;
        }
        let going: Vec<usize> = (0..links.len()).filter(|number| leaves(spot.fates[*number])).collect();
        let all = going.iter().all(|number| links[*number].group == Some(group));
        let mut rest = links.iter().zip(&spot.fates).filter(|(link, fate)| link.group == Some(group) && !fate.goes);
        let mut targets = spot.targets.iter().zip(&ctx.topology.places[place].links);
        let made = targets.any(|(target, spec)| spec.kind != LinkKind::Device && target.index.is_some());
        let alone = all && !made && rest.next().is_none();
        let falls = |number: &usize| {
            let link = &links[*number];
            // What stands on a link goes with it, and so does the other end of a pair.
            let lower = kinds::lower(link).and_then(|lower| ctx.fate(if lower.1 { 0 } else { place }, lower.0));
            veths.is_second(place, link)
                || self.is_early(link)
                || lower.is_some_and(|lower| lower.anew || leaves(*lower))
        };
        let messages: Vec<usize> = going.into_iter().filter(|number| !falls(number)).collect();
        if messages.len() > 1 && alone {
            let step = self.step(place, Origin::default(), Act::Op(Box::new(Op::DeleteGroup(group))));
            self.push(Phase::After(order::REMOVE_LINK), Sign::Remove, step);
            return;
        }
        for index in messages.into_iter().filter_map(|number| NonZeroU32::new(links[number].index)) {
            let step = self.step(place, Origin::default(), delete(id(place, index)));
            self.push(Phase::After(order::REMOVE_LINK), Sign::Remove, step);
        }
    }
}

/// Whether a found link is taken away by a message at the end.
fn leaves(fate: Fate) -> bool {
    fate.ours && fate.goes && !fate.anew
}

/// Veths that are taken away.
#[derive(Default)]
struct Veths {
    list: Vec<Veth>,
    index: Index,
}

/// One of them, with its own index, that of its peer, its place, and whether it goes before others.
struct Veth {
    own: u32,
    peer: u32,
    place: usize,
    first: bool,
}

impl Veths {
    fn new(ctx: &Ctx<'_>) -> Self {
        let mut veths = Veths::default();
        for (place, spot) in ctx.places.iter().enumerate().filter(|(_, spot)| !spot.goes) {
            for (link, fate) in ctx.found(place).iter().zip(&spot.fates) {
                if let Some(peer) = peer(link).filter(|_| fate.anew || leaves(*fate)) {
                    veths.index.insert(&key(link.index, peer), veths.list.len());
                    veths.list.push(Veth { own: link.index, peer, place, first: fate.anew });
                }
            }
        }
        veths
    }

    /// Whether a veth goes with its other end, which a message before takes away. Where it cannot be told which one
    /// that is, for the numbers of links are those of a namespace, each gets a message.
    fn is_second(&self, place: usize, link: &Link) -> bool {
        let Some(peer) = peer(link) else { return false };
        let (count, first) = (Cell::new(0), Cell::new(false));
        self.index.find(&key(peer, link.index), |number| {
            let veth = &self.list[number];
            let near = (veth.place == place) == link.link_netnsid.is_none();
            if (veth.own, veth.peer) == (peer, link.index) && near {
                count.set(count.get() + 1);
                first.set(veth.first || (veth.place, veth.own) < (place, link.index));
            }
            false
        });
        count.get() == 1 && first.get()
    }
}

fn peer(link: &Link) -> Option<u32> {
    link.link.filter(|_| link.kind.as_deref() == Some(b"veth"))
}

fn key(own: u32, peer: u32) -> [u8; 8] {
    (u64::from(own) << 32 | u64::from(peer)).to_ne_bytes()
}
