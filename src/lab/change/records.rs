//! What a change leaves in the lab's files, and takes away of what interrupted runs have left.

use super::{Change, Verb, Way};
use crate::error::Result;
use crate::lab::record::{self, Record, Which, again};
use crate::lab::site::{self, Site};
use crate::lab::{Ended, claims, lent, make};
use crate::model::name::NsName;
use crate::model::topology::Topology;

impl Change<'_> {
    /// Nothing differs: at most, what is known is brought up to date.
    pub(super) fn nothing_to_do(&self) -> Result<Ended> {
        let lab = self.lab.name();
        let mut swept = 0;
        match (self.verb, &self.memory.journal, &self.memory.state) {
            (Verb::Apply, None, Some(state)) if state.after == self.after && state.kept == self.kept() => {}
            (Verb::Apply, ..) => {
                again(|| self.leave())?;
                self.sweep()?;
                let mut original = self.recalled.original.clone();
                claims::keep_claimed(&mut original, &self.wanted);
                let state = Record {
                    original: record::line(&original),
                    after: self.after.clone(),
                    kept: self.kept(),
                    lent: self.memory.lent().filter(|line| lent::is_lent(line, &self.wanted)).cloned().collect(),
                    ..Record::default()
                };
                state.write(Which::State, lab)?;
                again(|| record::forget(Which::Journal, lab))?;
            }
            (verb, ..) => {
                swept = self.sweep()?;
                if verb == Verb::Down {
                    again(|| self.leave())?;
                }
                self.forget(lab)?;
            }
        }
        Ok(if swept == 0 { Ended::Unchanged } else { Ended::Done([0, 0, 0, swept]) })
    }

    /// What the lab goes on having that is not asked for.
    pub(super) fn kept(&self) -> Vec<String> {
        if self.options(0).prune { Vec::new() } else { self.memory.kept(&self.after) }
    }

    /// Takes away what an interrupted run has left of namespaces that are not wanted: how many files.
    fn sweep(&self) -> Result<usize> {
        if self.memory.journal.is_some() {
            self.wanted.places.iter().filter_map(|place| place.name.as_ref()).for_each(make::sweep_unfinished);
        }
        if !self.options(0).prune {
            return Ok(0);
        }
        let names = self.leftovers();
        Ok(site::sweep(&names)? + make::sweep_files(self.lab, &names)?)
    }

    /// Names that a run may have left files of.
    fn leftovers(&self) -> Vec<NsName> {
        let is_wanted = |name: &NsName| self.wanted.places.iter().any(|place| place.name.as_ref() == Some(name));
        let own = self.recalled.own.iter().flat_map(|own| &own.places).filter_map(|place| place.name.as_ref());
        own.filter(|name| !is_wanted(name)).cloned().collect()
    }

    /// Gives what was made its names.
    pub(super) fn publish(&self, site: &mut Site<'_>, journal: &mut Record, way: &Way) -> Result<()> {
        let mut original = way.original.clone();
        claims::keep_claimed(&mut original, &self.wanted);
        let original = record::line(&original);
        let kept = if self.verb == Verb::Apply { self.kept() } else { journal.kept.clone() };
        let mut lent = journal.lent.clone();
        for line in self.memory.lent().filter(|line| lent::is_lent(line, &self.wanted)) {
            if !lent.contains(line) {
                lent.push(line.clone());
            }
        }
        if original != journal.original || kept != journal.kept || lent != journal.lent {
            (journal.original, journal.kept, journal.lent) = (original, kept, lent);
            journal.write(Which::Journal, self.lab.name())?;
        }
        site.publish(&|_| true)
    }

    /// Gives links that are somebody else's, and that have come back, what they had.
    pub(super) fn put_back(&self, site: &mut Site<'_>) {
        let was_lent = |line: &str| self.recalled.own.as_ref().is_some_and(|own| lent::is_lent(line, own));
        let is_due =
            |line: &&String| self.verb == Verb::Recover || (was_lent(line) && !lent::is_lent(line, &self.wanted));
        for left in lent::put_back(&mut site.sockets, self.memory.lent().filter(is_due)) {
            (self.manner.note)(&["cannot be put back: ", &left].concat());
        }
    }

    /// The end: what is known says that it is done.
    pub(super) fn commit(&self) -> Result<()> {
        let lab = self.lab.name();
        again(|| self.leave())?;
        self.sweep()?;
        if self.verb == Verb::Apply {
            return again(|| record::commit(lab));
        }
        self.forget(lab)
    }

    /// Nothing is under way any more, and of what was taken down nothing is known. In this order: who goes back by a
    /// journal needs the state as it was.
    fn forget(&self, lab: &str) -> Result<()> {
        again(|| record::forget(Which::Journal, lab))?;
        if self.verb == Verb::Down { again(|| record::forget(Which::State, lab)) } else { Ok(()) }
    }

    /// Leaves it to the other labs that claim the same parameters to put back what we found.
    fn leave(&self) -> Result<()> {
        for (number, netns, sysctl) in &self.heritage {
            let Some(Topology { name, .. }) = self.recalled.others.get(*number) else { continue };
            // Of a run that was killed, both.
            for which in [Which::State, Which::Journal] {
                let Some(mut record) = Record::read(which, name, false)? else { continue };
                let mut original = record::topology(&record.original)?.unwrap_or_default();
                original.name.clone_from(name);
                claims::put_sysctl(&mut original, netns.as_ref(), sysctl.clone());
                record.original = record::line(&original);
                record.write(which, name)?;
            }
        }
        Ok(())
    }
}
