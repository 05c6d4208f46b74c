//! Which found thing is which of those that are asked for, and what becomes of it. Links are known by their marks; a
//! name alone is never enough.

mod devices;
mod pairs;
mod rest;
mod singles;

use std::num::NonZeroU32;

use super::fixed::kind_text;
use super::{Conflict, Ctx, Target};
use crate::model::index::Index;
use crate::model::lab::{Lab, Mark};
use crate::model::link::Link;
use crate::model::name::{IfName, NsName, printable};
use crate::model::topology::{LinkKind, LinkSpec, Origin};
use crate::model::world::Presence;

/// First index of links in a namespace that is made: the kernel may put tunnels of its own in front of it.
const FIRST: u32 = 16;

/// Decides about the namespaces; those from `asked` on are not asked for.
pub fn places(ctx: &mut Ctx<'_>, asked: usize, conflicts: &mut Vec<Conflict>) {
    for place in 1..ctx.places.len() {
        let wanted = place < asked;
        let (name, at) = (ctx.place_name(place), ctx.topology.places[place].at);
        let there = ctx.world.places.get(place).is_some_and(|seen| seen.presence == Presence::There);
        let spot = &mut ctx.places[place];
        if !there {
            (spot.new, spot.ours) = (wanted, wanted);
            continue;
        }
        let released = ctx.known.released.iter().any(|released| released.as_bytes() == name);
        let mark = ctx.seen(place, 1).and_then(|lo| Mark::of(&ctx.found(place)[lo]));
        let spot = &mut ctx.places[place];
        match mark {
            _ if released => {}
            Some(mark) if mark == ctx.lab.mark(name, b"lo") => {
                spot.ours = true;
                spot.goes = !wanted && ctx.options.prune;
            }
            _ if !wanted => {}
            Some(mark) => {
                spot.refused = true;
                let whose = owner(ctx, mark);
                conflict(conflicts, at, &["namespace ", &printable(name), " belongs to ", &whose]);
            }
            None if ctx.options.adopt => spot.ours = true,
            None => {
                spot.refused = true;
                let text = ["namespace ", &printable(name), " is there and is not ours; --adopt takes it over"];
                conflict(conflicts, at, &text);
            }
        }
    }
}

/// Decides about the links, in the order in which they stand on each other.
pub fn links(ctx: &mut Ctx<'_>, order: &[(usize, usize)], conflicts: &mut Vec<Conflict>) {
    let mut decider = Decider { marks: Vec::new(), names: Vec::new(), had: Index::default(), ctx, conflicts };
    decider.index();
    decider.known_pairs(order);
    for &(place, number) in order {
        match decider.ctx.spec(place, number).kind {
            LinkKind::Veth => decider.pair(place, number),
            _ if decider.ctx.places[place].refused => {}
            LinkKind::Device => decider.device(place, number),
            _ => decider.single(place, number),
        }
    }
    decider.surplus();
    for &(place, number) in order {
        decider.occupant(place, number);
        if let Some((place, number)) = decider.ctx.twin(decider.ctx.spec(place, number)) {
            decider.occupant(place, number);
        }
    }
}

struct Decider<'c, 'a> {
    ctx: &'c mut Ctx<'a>,
    /// Numbers of the found links of each place by the path of our mark, and by their names.
    marks: Vec<Index>,
    names: Vec<Index>,
    /// Numbers of [`super::Known::had`] by namespace with name, and by namespace with index.
    had: Index,
    conflicts: &'c mut Vec<Conflict>,
}

/// A found link that may be the one that is asked for.
#[derive(Clone, Copy)]
enum Candidate {
    None,
    /// It is ours.
    Ours(usize),
    /// It has the name and no mark.
    Stranger(usize),
}

impl Candidate {
    fn number(self) -> Option<usize> {
        match self {
            Candidate::None => None,
            Candidate::Ours(number) | Candidate::Stranger(number) => Some(number),
        }
    }
}

impl<'a> Decider<'_, 'a> {
    fn index(&mut self) {
        for place in 0..self.ctx.places.len() {
            let (mut marks, mut names) = (Index::default(), Index::default());
            for (number, link) in self.ctx.found(place).iter().enumerate() {
                names.insert(&link.name, number);
                link.altnames.iter().for_each(|name| names.insert(name, number));
                Mark::all(link).for_each(|mark| marks.insert(&mark.path.to_ne_bytes(), number));
            }
            self.marks.push(marks);
            self.names.push(names);
        }
        for (number, (netns, name, index)) in self.ctx.known.had.iter().enumerate() {
            let netns = netns.as_ref().map_or(&[][..], NsName::as_bytes);
            for thing in [name.as_bytes(), &index.get().to_ne_bytes()] {
                self.had.insert(&[netns, b"/", thing].concat(), number);
            }
        }
    }

    /// The found link of a place that bears a mark.
    fn marked(&self, place: usize, mark: Mark) -> Option<usize> {
        let links = self.ctx.found(place);
        self.marks[place].find(&mark.path.to_ne_bytes(), |number| Mark::all(&links[number]).any(|own| own == mark))
    }

    /// The found link that is the one that is asked for and no other one: by what it was before the run that is undone,
    /// for links of ours keep their indexes; else by the mark.
    fn own(&self, place: usize, number: usize) -> Option<usize> {
        let is_ours = |found: &usize| Mark::all(&self.ctx.found(place)[*found]).any(|mark| self.ctx.lab.owns(mark));
        let was = || self.ctx.seen(place, self.had(place, number)?.get()).filter(is_ours);
        let is_free = |found: &usize| self.is_free(place, *found);
        let marked = || self.marked(place, self.ctx.mark(place, &self.ctx.spec(place, number).name));
        was().filter(is_free).or_else(|| marked().filter(is_free))
    }

    /// Whether it is not decided yet what becomes of a found link.
    fn is_free(&self, place: usize, found: usize) -> bool {
        let fate = self.ctx.places[place].fates[found];
        fate.wanted.is_none() && !fate.goes
    }

    /// What of a place's links may be the one that is asked for; a link of another lab is in the way.
    fn candidate(&mut self, place: usize, number: usize) -> Candidate {
        let (links, spec) = (self.ctx.found(place), self.ctx.spec(place, number));
        if self.ctx.places[place].refused {
            return Candidate::None;
        }
        if let Some(number) = self.own(place, number) {
            return Candidate::Ours(number);
        }
        let name = spec.name.as_bytes();
        let named = self.names[place].find(name, |number| links[number].is_called(name));
        match named.map(|number| (number, Mark::of(&links[number]))) {
            Some((_, Some(mark))) if !self.ctx.lab.owns(mark) => {
                let whose = owner(self.ctx, mark);
                self.refuse(place, spec, &["belongs to ", &whose]);
                Candidate::None
            }
            Some((number, None)) if self.is_free(place, number) && self.is_of_journal(&links[number]) => {
                Candidate::Ours(number)
            }
            Some((number, None)) if self.is_free(place, number) => Candidate::Stranger(number),
            // None; or another link of ours that has got this name.
            _ => Candidate::None,
        }
    }

    /// Whether a link without a mark is one that an interrupted run made.
    fn is_of_journal(&self, link: &Link) -> bool {
        let made = |(first, count)| link.index.wrapping_sub(first) < count;
        // A tap has no group yet when it is made.
        let is_so_far = link.group == Some(self.ctx.lab.group()) || link.kind.as_deref() == Some(b"tun");
        is_so_far && self.ctx.known.indexes.is_some_and(made)
    }

    fn keep(&mut self, place: usize, number: usize, found: usize) {
        let index = NonZeroU32::new(self.ctx.found(place)[found].index);
        let spot = &mut self.ctx.places[place];
        spot.targets[number] = Target { index, found: Some(found), ..Target::default() };
        spot.fates[found].ours = true;
        spot.fates[found].wanted = Some(number);
    }

    fn make(&mut self, place: usize, number: usize, old: Option<usize>) {
        let index = match self.had(place, number) {
            Some(index) if self.ctx.seen(place, index.get()).is_none() => Some(index),
            _ => self.index_for(place),
        };
        let spot = &mut self.ctx.places[place];
        spot.targets[number] = Target { index, old, ..Target::default() };
        if let Some(fate) = old.and_then(|old| spot.fates.get_mut(old)) {
            (fate.ours, fate.goes, fate.anew) = (true, true, true);
        }
    }

    /// The index that a link of the name had.
    fn had(&self, place: usize, number: usize) -> Option<NonZeroU32> {
        let name = &self.ctx.spec(place, number).name;
        self.had_row(place, name.as_bytes(), |row| row.1 == *name)
    }

    fn had_row(
        &self,
        place: usize,
        thing: &[u8],
        fits: impl Fn(&(Option<NsName>, IfName, NonZeroU32)) -> bool,
    ) -> Option<NonZeroU32> {
        let (netns, had) = (&self.ctx.world.places[place].name, &self.ctx.known.had);
        let key = [self.ctx.place_name(place), b"/", thing].concat();
        let row = self.had.find(&key, |row| had[row].0 == *netns && fits(&had[row]))?;
        Some(had[row].2)
    }

    /// An index for a device that is moved: its own, if it is free.
    fn index_like(&mut self, index: u32, place: usize) -> Option<NonZeroU32> {
        let keeps = self.ctx.seen(place, index).is_none() && !self.ctx.places[place].new;
        if keeps { NonZeroU32::new(index) } else { self.index_for(place) }
    }

    fn index_for(&mut self, place: usize) -> Option<NonZeroU32> {
        loop {
            let new = self.ctx.places[place].new;
            // The host and the namespaces that are there share the numbers that were drawn.
            let spot = &mut self.ctx.places[if new { place } else { 0 }];
            let index = spot.used + if new { FIRST } else { self.ctx.options.index };
            spot.used += 1;
            // On the way back, those that links had are theirs.
            let had = self.had_row(place, &index.to_ne_bytes(), |row| row.2.get() == index);
            if had.is_none() && self.ctx.seen(place, index).is_none() {
                return NonZeroU32::new(index);
            }
        }
    }

    fn stranger(&mut self, place: usize, number: usize, stranger: usize) {
        let kind = kind_text(&self.ctx.found(place)[stranger]);
        let spec = self.ctx.spec(place, number);
        self.refuse(place, spec, &["a ", &kind, " of that name is there and is not ours; --adopt takes it over"]);
    }

    fn refuse(&mut self, place: usize, spec: &LinkSpec, text: &[&str]) {
        let name = spec.name.to_string();
        let there = printable(self.ctx.place_name(place));
        let side = if place == 0 { " on the host: " } else { " in " };
        let mut parts = vec!["link ", &name, side, &there, if place == 0 { "" } else { ": " }];
        parts.extend(text);
        conflict(self.conflicts, spec.at, &parts);
    }
}

/// What helps against a link that cannot be changed.
const REPLACE: &str = ", and that cannot be changed; --replace makes it anew";

fn conflict(conflicts: &mut Vec<Conflict>, at: Origin, parts: &[&str]) {
    conflicts.push(Conflict { at: Some(at), text: parts.concat() });
}

/// Whose a mark of another lab is.
fn owner(ctx: &Ctx<'_>, mark: Mark) -> String {
    if ctx.lab.owns(mark) {
        return "this lab under another name".to_owned();
    }
    let other = ctx.known.others.iter().find(|other| Lab::new(&other.name).owns(mark));
    other.map_or_else(|| "another lab".to_owned(), |other| ["lab ", &other.name].concat())
}
