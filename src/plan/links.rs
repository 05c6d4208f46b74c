//! The steps of links and namespaces: made, made anew, changed in place, taken away.

mod away;
mod make;
mod settings;

use std::num::NonZeroU32;

pub use away::removals;

use super::order::{self, Phase};
use super::{Ctx, id, implied, spare};
use crate::model::lab::Mark;
use crate::model::link::{Link, LinkChange, LinkId, LinkNumber, ListVerb};
use crate::model::name::{IfName, printable};
use crate::model::op::Op;
use crate::model::plan::{Act, Difference, Sign, Step};
use crate::model::topology::{LinkKind, LinkSpec, Origin, SettingValue};

/// `IN6_ADDR_GEN_MODE_NONE`.
const ADDRGEN_NONE: u32 = 1;

/// The steps of namespaces that are made and of links that are made or changed.
pub fn steps(ctx: &Ctx<'_>, order: &[(usize, usize)], out: &mut Vec<(Phase, Step)>) {
    let mut writer = Writer::new(ctx, order, out);
    for place in 1..ctx.places.len() {
        writer.netns(place);
    }
    for place in 0..ctx.places.len() {
        writer.evictions(place);
    }
    for &(place, number) in order {
        let twin = ctx.twin(ctx.spec(place, number));
        let kept = ctx.target(place, number).found;
        match (kept, ctx.spec(place, number).kind) {
            (Some(found), _) => {
                writer.keep(place, number, found);
                if let Some((place, number)) = twin
                    && let Some(found) = ctx.target(place, number).found
                {
                    writer.keep(place, number, found);
                }
            }
            (None, LinkKind::Device) => writer.moved(place, number),
            (None, LinkKind::Veth) => twin.into_iter().for_each(|twin| writer.pair((place, number), twin)),
            (None, LinkKind::Tap) => writer.tap(place, number),
            (None, _) => writer.single(place, number),
        }
    }
}

struct Writer<'c, 'a> {
    ctx: &'c Ctx<'a>,
    out: &'c mut Vec<(Phase, Step)>,
    /// Kinds that are made whose links cannot be there twice.
    exclusive: Vec<LinkKind>,
}

/// The acts of one object, each with its phase and its place; the first one of all stands for the object.
#[derive(Default)]
struct Acts(Vec<(Phase, usize, Act)>);

impl Acts {
    #[inline(never)]
    fn push(&mut self, phase: Phase, place: usize, act: Act) {
        self.0.push((phase, place, act));
    }

    fn of(phase: Phase, place: usize, act: Act) -> Self {
        Acts(vec![(phase, place, act)])
    }

    /// Changes properties of a link, whose place it goes through.
    #[inline(never)]
    fn change(&mut self, phase: Phase, link: LinkId, fill: &dyn Fn(&mut LinkChange<'static>)) {
        let mut change = LinkChange::default();
        fill(&mut change);
        self.push(phase, link.ns as usize, Act::Op(Box::new(Op::ChangeLink(link, change))));
    }

    fn up(&mut self, phase: Phase, link: LinkId, up: bool) {
        self.change(phase, link, &|to| to.up = Some(up));
    }

    fn number(&mut self, phase: Phase, link: LinkId, number: LinkNumber, value: u32) {
        self.change(phase, link, &|to| to.numbers.push((number, value)));
    }

    fn rename(&mut self, phase: Phase, link: LinkId, name: IfName) {
        self.change(phase, link, &|to| to.name = Some(name));
    }

    fn master(&mut self, phase: Phase, link: LinkId, master: LinkId) {
        self.change(phase, link, &|to| to.master = Some(Some(master)));
    }

    #[inline(never)]
    fn mark(&mut self, phase: Phase, verb: ListVerb, link: LinkId, mark: Mark) {
        let act = Act::Op(Box::new(Op::AltNames(verb, link, vec![mark.altname().into_bytes()])));
        self.push(phase, link.ns as usize, act);
    }

    #[inline(never)]
    fn delete(&mut self, phase: Phase, link: LinkId) {
        self.push(phase, link.ns as usize, Act::Op(Box::new(Op::DeleteLink(link))));
    }
}

impl<'c, 'a> Writer<'c, 'a> {
    fn new(ctx: &'c Ctx<'a>, order: &[(usize, usize)], out: &'c mut Vec<(Phase, Step)>) -> Self {
        let mut exclusive = Vec::new();
        for &(place, number) in order {
            let kind = ctx.spec(place, number).kind;
            let kinds: &[LinkKind] = match kind {
                LinkKind::Vlan => &[LinkKind::Vlan],
                LinkKind::Vxlan => &[LinkKind::Vxlan],
                LinkKind::Macvlan | LinkKind::Ipvlan => &[LinkKind::Macvlan, LinkKind::Ipvlan],
                _ => continue,
            };
            if ctx.target(place, number).found.is_none() && !exclusive.contains(&kind) {
                exclusive.extend(kinds);
            }
        }
        Writer { ctx, out, exclusive }
    }

    /// Writes the steps of an object down. What goes is said nowhere.
    fn object(&mut self, at: Option<Origin>, mut sign: Sign, mut why: Vec<Difference>, acts: Acts) {
        for (phase, place, act) in acts.0 {
            self.out.push((phase, Step { place, sign, act, at, why: std::mem::take(&mut why) }));
            sign = Sign::Part;
        }
    }

    /// Whether a link stands on one that goes early.
    fn is_on_early(&self, place: usize, link: &Link) -> bool {
        let Some((place, index)) = self.ctx.lower(place, link) else { return false };
        let lower = self.ctx.seen(place, index).map(|number| &self.ctx.found(place)[number]);
        lower.is_some_and(|lower| self.ctx.goes(place, index) && self.is_early(place, lower))
    }

    fn netns(&mut self, place: usize) {
        let (spot, at) = (&self.ctx.places[place], self.ctx.topology.places[place].at);
        if spot.new {
            let lo = id(place, NonZeroU32::MIN);
            let (mut acts, phase) = (Acts::of(Phase::Netns, place, Act::MakeNetns), Phase::Place(place, order::LINK));
            acts.mark(phase, ListVerb::Add, lo, self.netns_mark(place));
            acts.up(phase, lo, true);
            self.object(Some(at), Sign::Create, Vec::new(), acts);
            return;
        }
        let Some(lo) = self.ctx.seen(place, 1).map(|lo| &self.ctx.found(place)[lo]) else { return };
        let wanted = spot.ours.then(|| self.netns_mark(place));
        let mut acts = Acts::default();
        self.remark(Phase::Place(place, order::LINK), place, lo, wanted, &mut acts);
        self.object(Some(at), Sign::Change, vec![marked(Mark::of(lo), wanted)], acts);
    }

    fn netns_mark(&self, place: usize) -> Mark {
        self.ctx.lab.mark(self.ctx.place_name(place), b"lo")
    }

    /// Gives a link of ours a mark in place of those that it has, or takes them away. The new one comes first: at no
    /// time it is nobody's. Marks of other labs stay.
    fn remark(&self, phase: Phase, place: usize, link: &Link, wanted: Option<Mark>, acts: &mut Acts) {
        let Some(id) = NonZeroU32::new(link.index).map(|index| id(place, index)) else { return };
        let unmarked = phase != Phase::Evict && self.ctx.fate(place, link.index).is_some_and(|fate| fate.unmarked);
        let mut old: Vec<Mark> = Mark::all(link).filter(|mark| self.ctx.lab.owns(*mark)).collect();
        if unmarked {
            old.clear();
            old.extend(self.passing_mark(place, link));
        }
        if let Some(new) = wanted.filter(|new| !old.contains(new)) {
            acts.mark(phase, ListVerb::Add, id, new);
        }
        // An alias that is a mark is overwritten.
        for old in old.into_iter().filter(|old| Some(*old) != wanted && !link.altnames.is_empty()) {
            acts.mark(phase, ListVerb::Delete, id, old);
        }
    }

    /// A mark that nobody asks for, for the time until the right one is free.
    fn passing_mark(&self, place: usize, link: &Link) -> Option<Mark> {
        Some(self.ctx.mark(place, &spare(link.index)?))
    }

    /// Links of ours that have what others need: their names and marks, or what a link of their kind alone can have.
    fn evictions(&mut self, place: usize) {
        for (number, fate) in self.ctx.places[place].fates.iter().enumerate() {
            let link = &self.ctx.found(place)[number];
            let Some(index) = NonZeroU32::new(link.index) else { continue };
            let stays = !self.ctx.places[place].goes || link.link_netnsid.is_some();
            if fate.ours && fate.goes && stays && self.is_early(place, link) {
                let sign = if fate.anew { Sign::Part } else { Sign::Remove };
                if !self.is_on_early(place, link) {
                    let mut acts = Acts::default();
                    acts.delete(Phase::Evict, id(place, index));
                    self.object(None, sign, Vec::new(), acts);
                }
                continue;
            }
            let mut acts = Acts::default();
            if let Some(name) = spare(link.index).filter(|_| fate.evicted) {
                if link.is_up() {
                    acts.up(Phase::Evict, id(place, index), false);
                }
                acts.rename(Phase::Evict, id(place, index), name);
            }
            if fate.unmarked {
                self.remark(Phase::Evict, place, link, self.passing_mark(place, link), &mut acts);
            }
            self.object(None, Sign::Part, Vec::new(), acts);
        }
    }

    fn moves(&self, from: usize, to: usize) -> Difference {
        let name = |place| if place == 0 { "the host".to_owned() } else { printable(self.ctx.place_name(place)) };
        Difference { what: "netns", from: name(from), to: name(to) }
    }

    fn master(&self, place: usize, spec: &LinkSpec) -> Option<LinkId> {
        self.ctx.link(place, &spec.master.as_ref()?.what)
    }
}

/// Whether the kernel is to make no link-local address for a link.
pub fn is_silent(spec: &LinkSpec) -> bool {
    has_mode(spec, "none")
}

/// Whether a file says, or implies, a way to make up addresses.
fn has_mode(spec: &LinkSpec, mode: &str) -> bool {
    matches!(spec.get(implied::QUIET), Some(SettingValue::Text(own)) if own == mode)
}

fn number_of(spec: &LinkSpec, key: &str) -> Option<u32> {
    spec.number(key).and_then(|number| u32::try_from(number).ok())
}

fn mac_of(spec: &LinkSpec) -> Option<Vec<u8>> {
    match spec.get("mac") {
        Some(SettingValue::Mac(mac)) => Some(mac.to_vec()),
        _ => None,
    }
}

fn marked(from: Option<Mark>, to: Option<Mark>) -> Difference {
    let text = |mark: Option<Mark>| mark.map_or_else(|| "none".to_owned(), Mark::altname);
    Difference { what: "mark", from: text(from), to: text(to) }
}
