//! What is found, as a topology that would make it again: for `export`, and for the way back.

mod links;
mod lost;
mod nets;
mod places;

use crate::model::index::Index;
use crate::model::lab::Lab;
use crate::model::link::LinkFlags;
use crate::model::name::{IfName, printable};
use crate::model::topology::{LinkKind, Origin, Said, Topology};
use crate::model::world::{Presence, World};

/// What a network is, as a topology, and what of it a topology cannot say. With a lab, only what is the lab's; all
/// parameters that were looked at are said then.
pub fn topology(world: &World, lab: Option<&Lab>, name: &str) -> (Topology, Vec<String>) {
    let mut export = Export {
        world,
        lab,
        numbers: Vec::new(),
        found: Vec::new(),
        fates: Vec::new(),
        out: Topology { name: name.to_owned(), places: Vec::new() },
        unsaid: Vec::new(),
    };
    export.choose_places();
    export.choose_links();
    let addresses = export.addresses();
    // What is said of links that are not the lab's may be one that nothing else speaks of.
    for place in 0..world.places.len() {
        if export.is_said(place) {
            export.nets(place);
            export.rest(place);
        }
    }
    export.links(addresses);
    export.modes();
    (export.out, export.unsaid)
}

/// What becomes of a found link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is left out, and what is on it.
    Out,
    /// It is a device that is there, said if something is said of it.
    There,
    /// It is said, as this.
    Said(LinkKind),
}

struct Export<'a> {
    world: &'a World,
    lab: Option<&'a Lab>,
    /// The number in the topology of each place that is said.
    numbers: Vec<Option<usize>>,
    /// Numbers of the links by index, place by place.
    found: Vec<Index>,
    fates: Vec<Vec<Fate>>,
    out: Topology,
    unsaid: Vec<String>,
}

impl Export<'_> {
    fn is_said(&self, place: usize) -> bool {
        self.numbers.get(place).is_some_and(Option::is_some) && self.world.places[place].presence == Presence::There
    }

    /// Whether everything in a place is to be said.
    fn is_whole(&self, place: usize) -> bool {
        self.lab.is_none_or(|lab| self.world.places[place].is_of(lab))
    }

    /// The number of a link by its index.
    fn position(&self, place: usize, index: u32) -> Option<usize> {
        let links = &self.world.places.get(place)?.state.links;
        self.found.get(place)?.find(&index.to_ne_bytes(), |at| links[at].index == index)
    }

    /// The name of a link that something is said of.
    fn need(&mut self, place: usize, index: u32) -> Option<IfName> {
        let at = self.position(place, index)?;
        let link = &self.world.places[place].state.links[at];
        let fate = self.fates.get_mut(place)?.get_mut(at)?;
        // `lo` is there without a word.
        if *fate == Fate::There && !link.flags.contains(LinkFlags::LOOPBACK) {
            *fate = Fate::Said(LinkKind::Device);
        }
        (*fate != Fate::Out).then(|| IfName::new(&link.name))?
    }

    /// Notes what cannot be said.
    #[inline(never)]
    fn skip(&mut self, place: usize, what: &[&str]) {
        let name = self.world.places.get(place).and_then(|seen| seen.name.as_ref());
        let mut text = name.map_or_else(|| "host".to_owned(), |name| printable(name.as_bytes()));
        text.push_str(": ");
        what.iter().for_each(|piece| text.push_str(piece));
        self.unsaid.push(text);
    }
}

fn said<T>(what: T) -> Said<T> {
    Said { at: Origin::default(), what }
}

/// Whether a name can stand in a file: `[A-Za-z0-9._-]`, not `-` or `.` in front.
fn is_name(name: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    !name.starts_with(b"-")
        && !name.starts_with(b".")
        && name != b"all"
        && name != b"default"
        && name.iter().all(is_plain)
}

#[cfg(test)]
mod tests;
