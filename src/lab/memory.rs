//! What is known of a lab, and of the others, when a run begins.

use super::claims;
use super::look::{self, Wanted};
use super::record::{self, Record, Which};
use super::sockets::Sockets;
use crate::error::Result;
use crate::model::lab::Lab;
use crate::model::topology::Topology;
use crate::model::world::World;
use crate::plan::Known;

/// Lowest and highest index of links that runs make: above what the kernel counts to, below what programs take for
/// negative.
const INDEXES: (u32, u32) = (1 << 20, 1 << 30);
/// Indexes of one run: those of one pass, and so many passes.
const PASS: u32 = 1 << 13;
/// See [`PASS`].
const RUN: u32 = PASS * PASSES;
/// More than there are passes, there and back.
const PASSES: u32 = 16;

/// The files of a lab.
#[derive(Debug, Default)]
pub struct Memory {
    /// What was asked for last, and done.
    pub state: Option<Record>,
    /// A run that was interrupted.
    pub journal: Option<Record>,
}

/// What is known of all that concerns a run.
#[derive(Debug)]
pub struct Recalled {
    /// What the lab asked for.
    pub own: Option<Topology>,
    /// What it found of things that are not its own.
    pub original: Topology,
    /// What the other labs ask for.
    pub others: Vec<Topology>,
    /// What the lab asked for is told by a file, and not known.
    pub told: bool,
}

impl Memory {
    /// Reads the files of a lab, of which one's own must be this place's.
    ///
    /// # Errors
    /// One cannot be read, or is of another version or place.
    pub fn read(lab: &str, own: bool) -> Result<Self> {
        Ok(Memory { state: Record::read(Which::State, lab, own)?, journal: Record::read(Which::Journal, lab, own)? })
    }

    /// All that the lab asked for and may have. What was set last comes first.
    fn texts(&self) -> impl Iterator<Item = &String> {
        let journal = self.journal.iter().map(|journal| &journal.after);
        let state = self.state.iter().map(|state| &state.after);
        let kept = self.journal.iter().chain(&self.state).flat_map(|record| &record.kept);
        journal.chain(state).chain(kept)
    }

    /// What else than this the lab has, if nothing is taken away.
    pub fn kept(&self, after: &String) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for text in self.texts() {
            if !text.is_empty() && text != after && !kept.contains(text) {
                kept.push(text.clone());
            }
        }
        kept
    }

    /// What links had before that are somebody else's.
    pub fn lent(&self) -> impl Iterator<Item = &String> {
        self.journal.iter().chain(&self.state).flat_map(|record| &record.lent)
    }

    /// Goes through what the files say. `wanted` with its own line of JSON saves reading it again.
    ///
    /// # Errors
    /// Another lab's file cannot be read.
    pub fn recall(&self, lab: &str, wanted: &Topology, line: &str) -> Result<Recalled> {
        let mut own = self.all(&|text| if text == line { Ok(Some(wanted.clone())) } else { record::topology(text) })?;
        if let Some(journal) = &self.journal
            && let Some(mut before) = record::topology(&journal.before)?
        {
            // What was found with a mark that is the same for all labs may be anybody's.
            if let Some(host) = before.places.first_mut() {
                (host.routes, host.rules, host.neighs) = Default::default();
                host.links.iter_mut().for_each(|link| link.addresses.clear());
            }
            own = Some(own.map_or_else(|| before.clone(), |own| claims::union(own, &before)));
        }
        let mut original = Topology { name: lab.to_owned(), ..Topology::default() };
        for record in self.journal.iter().chain(&self.state) {
            if let Some(found) = record::topology(&record.original)? {
                claims::add(&mut original, &found, false);
            }
        }
        if let (None, Some(own)) = (&self.journal, &own) {
            claims::keep_claimed(&mut original, own);
        }
        let mut others = Vec::new();
        for name in record::labs()?.into_iter().filter(|name| name != lab) {
            // Also what a run of it that was killed has left.
            let all = Memory::read(&name, false)?.all(&record::topology);
            if let Some(all) = all.map_err(|error| error.doing(|| ["lab ", &name].concat()))? {
                others.push(all);
            }
        }
        Ok(Recalled { own, original, others, told: false })
    }

    /// All that the lab asked for and may have, in one; `None` if nothing is known.
    fn all(&self, read: &dyn Fn(&str) -> Result<Option<Topology>>) -> Result<Option<Topology>> {
        let mut all = None;
        for text in self.texts().filter(|text| !text.is_empty()) {
            all = match (all, read(text)?) {
                (Some(all), Some(more)) => Some(claims::union(all, &more)),
                (all, more) => all.or(more),
            };
        }
        Ok(all)
    }

    /// Names of the namespaces that the files name; `None` if there are no files.
    pub fn names(&self, recalled: &Recalled) -> Option<Vec<Vec<u8>>> {
        if self.state.is_none() && self.journal.is_none() {
            return None;
        }
        let mut names = Vec::new();
        for place in recalled.own.iter().flat_map(|own| &own.places) {
            names.extend(place.name.as_ref().map(|name| name.as_bytes().to_vec()));
        }
        Some(names)
    }

    /// First index and number of the links that a run may make, so that those of an interrupted one are among them,
    /// and the first that is free.
    pub fn indexes(&self) -> ((u32, u32), u32) {
        if let Some((first, count)) = self.journal.as_ref().and_then(|journal| journal.indexes)
            && let Some(next) = first.checked_add(count).filter(|next| *next < INDEXES.1 - RUN)
        {
            return ((first, count + RUN), next);
        }
        let mut bytes = [0; 4];
        crate::sys::process::random(&mut bytes);
        // Early in the boot there is no chance yet: at least another process has others.
        let chance = u32::from_ne_bytes(bytes) ^ std::process::id().rotate_left(16);
        let first = INDEXES.0 + chance % (INDEXES.1 - INDEXES.0 - RUN);
        ((first, RUN), first)
    }
}

/// The first index of a pass.
pub fn index_of(first: u32, pass: u32) -> u32 {
    first + (pass % PASSES) * PASS
}

impl Recalled {
    /// Looks at what is wanted, and at what else the lab has.
    ///
    /// # Errors
    /// The kernel could not be asked.
    pub fn look(&self, sockets: &mut Sockets, topology: &Topology, lab: &Lab) -> Result<World> {
        self.look_at(sockets, topology, lab, self.own.as_ref())
    }

    /// The same, where more may be the lab's than it asked for before.
    ///
    /// # Errors
    /// The kernel could not be asked.
    pub fn look_at(
        &self,
        sockets: &mut Sockets,
        topology: &Topology,
        lab: &Lab,
        own: Option<&Topology>,
    ) -> Result<World> {
        look::look(sockets, &Wanted { topology, lab, own })
    }

    /// What the planner is told.
    pub fn known(&self, indexes: Option<(u32, u32)>) -> Known {
        let (own, others) = (self.own.clone(), self.others.clone());
        Known { own, others, indexes, told: self.told, machine: record::machine(), ..Known::default() }
    }

    /// The same while a run is under way or being undone: what it asks for is ours, too.
    pub fn known_with(&self, after: &Topology, indexes: (u32, u32)) -> Known {
        let own = match &self.own {
            Some(own) => claims::union(own.clone(), after),
            None => after.clone(),
        };
        Known { own: Some(own), ..self.known(Some(indexes)) }
    }
}
