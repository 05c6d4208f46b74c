//! Links and namespaces that are taken away.

use std::num::NonZeroU32;

use super::{Acts, Writer};
use crate::model::link::Link;
use crate::model::name::IfName;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign, Step};
use crate::model::topology::LinkKind;
use crate::plan::order::{self, Phase};
use crate::plan::{Ctx, Fate, id};

/// The steps of links and namespaces that are taken away.
pub fn removals(ctx: &Ctx<'_>, order: &[(usize, usize)], out: &mut Vec<(Phase, Step)>) {
    let mut writer = Writer::new(ctx, order, out);
    for &(place, number, index) in &ctx.returns {
        let link = &ctx.found(place)[number];
        if let (Some(old), Some(name)) = (NonZeroU32::new(link.index), IfName::new(&link.name)) {
            let act = Act::MoveLink { index, link: id(place, old), name, to: 0 };
            let why = vec![writer.moves(place, 0)];
            writer.object(None, Sign::Change, why, Acts::of(Phase::After(order::REMOVE_LINK), place, act));
        }
    }
    for place in 0..ctx.places.len() {
        writer.removals(place);
        if ctx.places[place].goes {
            writer.remove(order::REMOVE_NETNS, place, Act::DeleteNetns);
        }
    }
}

impl Writer<'_, '_> {
    fn remove(&mut self, part: usize, place: usize, act: Act) {
        self.object(None, Sign::Remove, Vec::new(), Acts::of(Phase::After(part), place, act));
    }

    /// Links that go: all at once where nothing else is in their group.
    fn removals(&mut self, place: usize) {
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
            let lower = ctx.lower(place, link).and_then(|(place, index)| ctx.fate(place, index));
            is_second(ctx, place, link)
                || self.is_early(place, link)
                || lower.is_some_and(|lower| lower.anew || leaves(*lower))
        };
        let messages: Vec<usize> = going.into_iter().filter(|number| !falls(number)).collect();
        if messages.len() > 1 && alone {
            self.remove(order::REMOVE_LINK, place, Act::Op(Box::new(Op::DeleteGroup(group))));
            return;
        }
        for index in messages.into_iter().filter_map(|number| NonZeroU32::new(links[number].index)) {
            self.remove(order::REMOVE_LINK, place, Act::Op(Box::new(Op::DeleteLink(id(place, index)))));
        }
    }
}

/// Whether a found link is taken away by a message at the end.
fn leaves(fate: Fate) -> bool {
    fate.ours && fate.goes && !fate.anew
}

/// Whether a veth goes with its other end, which a message before takes away. Where its place was not looked at, or
/// goes itself and only later takes it along, the veth gets a message.
fn is_second(ctx: &Ctx<'_>, place: usize, link: &Link) -> bool {
    let peer = link.link.filter(|_| link.kind.as_deref() == Some(b"veth"));
    let Some((peer, there)) = peer.zip(ctx.world.place_of(place, link)) else { return false };
    let fate = ctx.fate(there, peer).filter(|_| !ctx.place_goes(there));
    fate.is_some_and(|fate| fate.anew || (leaves(*fate) && (there, peer) < (place, link.index)))
}
