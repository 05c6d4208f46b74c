//! Which found thing is which of those that are asked for, and what becomes of it. Links are known by their marks; a
//! name alone is never enough.

use std::num::NonZeroU32;

use super::{Conflict, Ctx, Target, kinds};
use crate::model::index::Index;
use crate::model::lab::{Lab, Mark};
use crate::model::link::Link;
use crate::model::name::{IfName, printable};
use crate::model::topology::{LinkKind, LinkSpec, Origin, Topology};
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
    let mut decider = Decider { marks: Vec::new(), names: Vec::new(), ctx, conflicts };
    decider.index();
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
                if let Some(mark) = Mark::of(link).filter(|mark| self.ctx.lab.owns(*mark)) {
                    marks.insert(&mark.path.to_ne_bytes(), number);
                }
            }
            self.marks.push(marks);
            self.names.push(names);
        }
    }

    /// What of a place's links may be the one that is asked for; a link of another lab is in the way.
    fn candidate(&mut self, place: usize, number: usize) -> Candidate {
        let (links, spec) = (self.ctx.found(place), self.ctx.spec(place, number));
        if self.ctx.places[place].refused {
            return Candidate::None;
        }
        let mark = self.ctx.mark(place, &spec.name);
        let marked = self.marks[place].find(&mark.path.to_ne_bytes(), |number| Mark::of(&links[number]) == Some(mark));
        if let Some(number) = marked {
            return Candidate::Ours(number);
        }
        let name = spec.name.as_bytes();
        let named = self.names[place].find(name, |number| links[number].is_called(name));
        match named.map(|number| (number, Mark::of(&links[number]))) {
            None => Candidate::None,
            // Another link of ours that has got this name.
            Some((_, Some(mark))) if self.ctx.lab.owns(mark) => Candidate::None,
            Some((_, Some(mark))) => {
                let whose = owner(self.ctx, mark);
                self.refuse(place, spec, &["belongs to ", &whose]);
                Candidate::None
            }
            Some((number, None)) if self.is_of_journal(&links[number]) => Candidate::Ours(number),
            Some((number, None)) => Candidate::Stranger(number),
        }
    }

    /// Whether a link without a mark is one that an interrupted run made.
    fn is_of_journal(&self, link: &Link) -> bool {
        let made = |(first, count)| link.index.wrapping_sub(first) < count;
        // A tap has no group yet when it is made.
        let is_so_far = link.group == Some(self.ctx.lab.group()) || link.kind.as_deref() == Some(b"tun");
        is_so_far && self.ctx.known.indexes.is_some_and(made)
    }

    /// The other end of a found veth in a place, if each says that the other one is its peer.
    fn partner(&self, place: usize, number: usize, other: usize) -> Option<usize> {
        let link = &self.ctx.found(place)[number];
        let partner = self.ctx.seen(other, link.link?)?;
        let peer = &self.ctx.found(other)[partner];
        let fits = |link: &Link, index| {
            let veth = link.kind.as_deref() == Some(b"veth");
            veth && link.link == Some(index) && link.link_netnsid.is_none() == (place == other)
        };
        (fits(link, peer.index) && fits(peer, link.index)).then_some(partner)
    }

    fn pair(&mut self, place: usize, number: usize) {
        let Some((there, twin)) = self.ctx.twin(self.ctx.spec(place, number)) else { return };
        let (own, other) = (self.candidate(place, number), self.candidate(there, twin));
        let refused = self.ctx.places[place].refused || self.ctx.places[there].refused;
        let adopt = self.ctx.options.adopt;
        let by_own = own.number().and_then(|own| Some((own, self.partner(place, own, there)?)));
        let by_other = other.number().and_then(|other| Some((self.partner(there, other, place)?, other)));
        let ends = match (own, other) {
            (Candidate::Ours(_), _) => by_own,
            (_, Candidate::Ours(_)) => by_other,
            _ => by_own.filter(|ends| other.number() == Some(ends.1)),
        };
        let ours = |candidate| matches!(candidate, Candidate::Ours(_));
        let proven = ours(own) || ours(other);
        for (candidate, (place, number), end) in
            [(own, (place, number), ends.map(|ends| ends.0)), (other, (there, twin), ends.map(|ends| ends.1))]
        {
            // The peer of our own link is ours, whatever it is called and whether or not it has kept its mark.
            if let Candidate::Stranger(stranger) = candidate
                && !(proven && end == Some(stranger))
                && !adopt
            {
                self.stranger(place, number, stranger);
            }
        }
        match ends {
            _ if refused => {}
            Some((own, other)) => {
                self.keep(place, number, own);
                self.keep(there, twin, other);
            }
            None if own.number().or(other.number()).is_none() => {
                self.make(place, number, None);
                self.make(there, twin, None);
            }
            None => {
                // What is left of a pair whose other end went with its namespace is of no use to anybody.
                let dead = self.ctx.places[place].new || self.ctx.places[there].new;
                let spec = self.ctx.spec(place, number);
                let gone = own.number().is_none() || other.number().is_none();
                if !(dead || self.ctx.options.replace || gone && self.is_as_before(place, spec)) {
                    self.refuse(place, spec, &["its other end is not the one that is asked for", REPLACE]);
                }
                self.make(place, number, own.number());
                self.make(there, twin, other.number());
            }
        }
    }

    /// Whether a pair was asked for as it is asked for: what is found otherwise, somebody else has done.
    fn is_as_before(&self, place: usize, spec: &LinkSpec) -> bool {
        let (Some(own), Some(peer)) = (&self.ctx.known.own, &spec.peer) else { return false };
        let name = |topology: &Topology, at: usize| topology.places.get(at).map(|place| place.name.clone());
        let there = name(self.ctx.topology, peer.place);
        let mut places = own.places.iter().filter(|other| other.name == self.ctx.topology.places[place].name);
        places.any(|other| {
            let mut links = other.links.iter().filter(|link| link.name == spec.name);
            links.any(|link| {
                link.peer.as_ref().is_some_and(|was| was.name == peer.name && name(own, was.place) == there)
            })
        })
    }

    fn single(&mut self, place: usize, number: usize) {
        let spec = self.ctx.spec(place, number);
        let found = match self.candidate(place, number) {
            Candidate::Stranger(stranger) if !self.ctx.options.adopt => {
                self.stranger(place, number, stranger);
                return;
            }
            candidate => candidate.number(),
        };
        let Some(found) = found else { return self.make(place, number, None) };
        let link = &self.ctx.found(place)[found];
        let mut text = String::new();
        let mut differs = |what: &str, [from, to]: [&str; 2]| {
            if text.is_empty() {
                text = [what, " is ", from, ", not ", to].concat();
            }
        };
        if kinds::kind_of(link) != Some(spec.kind) {
            differs("kind", [&kind_text(link), spec.kind.name()]);
        } else {
            for row in kinds::differences(spec, link).iter().filter(|row| row.argument.is_none()) {
                differs(row.key, [&row.values[0], &row.values[1]]);
            }
        }
        let is_lower_right = self.is_lower_right(place, spec, link);
        if !is_lower_right {
            differs("the link that it is made on", ["another one", "that of the file"]);
        }
        if text.is_empty() {
            return self.keep(place, number, found);
        }
        // What stands on a link that is made anew goes with it.
        let falls = kinds::lower(link).is_some_and(|lower| self.is_anew(place, lower));
        if !falls && !self.ctx.options.replace {
            self.refuse(place, spec, &[&text, REPLACE]);
        }
        self.make(place, number, Some(found));
    }

    /// Whether a found link stands on the link that it is asked to stand on, and that one stays.
    fn is_lower_right(&self, place: usize, spec: &LinkSpec, link: &Link) -> bool {
        let Some(asked) = &spec.lower else { return spec.kind != LinkKind::Vxlan || kinds::lower(link).is_none() };
        let Some((there, number)) = self.ctx.find(asked.what.place, &asked.what.name) else { return false };
        let target = self.ctx.target(there, number);
        let index = target.found.map(|found| self.ctx.found(there)[found].index);
        index.is_some_and(|index| kinds::lower(link) == Some((index, there != place)))
    }

    fn is_anew(&self, place: usize, (index, elsewhere): (u32, bool)) -> bool {
        let place = if elsewhere { 0 } else { place };
        self.ctx.fate(place, index).is_some_and(|fate| fate.anew)
    }

    fn device(&mut self, place: usize, number: usize) {
        let spec = self.ctx.spec(place, number);
        if let Some(found) = self.device_in(place, spec) {
            let spot = &mut self.ctx.places[place];
            let index = NonZeroU32::new(self.ctx.world.places[place].state.links[found].index);
            spot.targets[number] = Target { index, found: Some(found), ..Target::default() };
            spot.fates[found].wanted = Some(number);
            spot.fates[found].ours = spot.ours && index == Some(NonZeroU32::MIN);
            return;
        }
        if spec.name.as_bytes() == b"lo" {
            self.ctx.places[place].targets[number].index = Some(NonZeroU32::MIN);
            return;
        }
        let from = (0..self.ctx.places.len()).filter(|from| *from != place).find_map(|from| {
            let found = self.device_in(from, spec)?;
            let index = self.ctx.found(from)[found].index;
            let free = !self.ctx.places[from].fates[found].goes && self.ctx.wanted(from, index).is_none();
            (free && (from == 0 || is_moved(self.ctx, from, found))).then_some((from, found))
        });
        let Some((from, found)) = from else {
            self.refuse(place, spec, &["there is no such device"]);
            return;
        };
        let index = self.ctx.found(from)[found].index;
        let index = self.index_like(index, place);
        self.ctx.places[place].targets[number] = Target { index, from: Some((from, found)), ..Target::default() };
        self.ctx.places[from].fates[found].goes = true;
    }

    /// The device of a place that a file means.
    fn device_in(&self, place: usize, spec: &LinkSpec) -> Option<usize> {
        let links = self.ctx.found(place);
        if spec.get("mac").is_none() && spec.get("driver").is_none() {
            let name = spec.name.as_bytes();
            return self.names[place].find(name, |number| links[number].name == name);
        }
        self.ctx.world.places.get(place)?.device(spec)
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
        let (netns, link) = (&self.ctx.world.places[place].name, &self.ctx.topology.places[place].links[number]);
        let mut had = self.ctx.known.had.iter();
        had.find(|row| row.0 == *netns && row.1 == link.name).map(|row| row.2)
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
            if self.ctx.seen(place, index).is_none() {
                return NonZeroU32::new(index);
            }
        }
    }

    /// What is ours and not asked for goes.
    fn surplus(&mut self) {
        for place in 0..self.ctx.places.len() {
            for (number, link) in self.ctx.found(place).iter().enumerate() {
                let ours = match Mark::of(link) {
                    Some(mark) => self.ctx.lab.owns(mark),
                    None => self.is_of_journal(link),
                };
                let fate = self.ctx.places[place].fates[number];
                if fate.wanted.is_none() && !fate.goes && is_moved(self.ctx, place, number) {
                    let index = self.index_like(link.index, 0);
                    self.ctx.places[place].fates[number].goes = true;
                    self.ctx.returns.extend(index.map(|index| (place, number, index)));
                    continue;
                }
                if link.index == 1 || fate.wanted.is_some() || fate.goes || !ours {
                    continue;
                }
                let goes = self.ctx.options.prune;
                let fate = &mut self.ctx.places[place].fates[number];
                (fate.ours, fate.goes) = (true, goes);
            }
        }
    }

    /// Who has the name that a link will have: if it is one of ours, it gives it away.
    fn occupant(&mut self, place: usize, number: usize) {
        let (spec, target) = (self.ctx.spec(place, number), self.ctx.target(place, number));
        let (links, name) = (self.ctx.found(place), spec.name.as_bytes());
        if spec.kind == LinkKind::Device {
            return;
        }
        let holder = self.names[place].find(name, |number| links[number].is_called(name));
        let Some(holder) = holder.filter(|holder| Some(*holder) != target.found.or(target.old)) else { return };
        let (called, is_lo) = (&links[holder].name, links[holder].index == 1);
        let fate = &mut self.ctx.places[place].fates[holder];
        if is_lo || called != name {
            // Renaming it would not give the name away.
            let called = printable(called);
            self.refuse(place, spec, &["the name is an alternative name of ", &called]);
        } else if fate.ours {
            fate.evicted = true;
        } else if self.conflicts.is_empty() {
            self.refuse(place, spec, &["the name is taken by another link"]);
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

fn kind_text(link: &Link) -> String {
    link.kind.as_deref().map_or_else(|| "device".to_owned(), printable)
}

/// Whether a link of one of our namespaces is a device that was moved there: hardware, or what the lab asked for as
/// a device before.
fn is_moved(ctx: &Ctx<'_>, place: usize, number: usize) -> bool {
    let (link, spot) = (&ctx.found(place)[number], &ctx.places[place]);
    if place == 0 || link.index == 1 || !spot.ours || Mark::of(link).is_some() {
        return false;
    }
    let asked = |links: &[LinkSpec]| {
        let name = IfName::new(&link.name);
        links.iter().any(|spec| spec.kind == LinkKind::Device && Some(spec.name) == name)
    };
    (link.kind.is_none() && spot.goes) || ctx.own_place(place).is_some_and(|own| asked(&own.links))
}
