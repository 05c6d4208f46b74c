//! What else is there: ours that goes, and who has a name or a mark that is needed.

use super::Decider;
use super::devices::is_moved;
use crate::model::lab::Mark;
use crate::model::name::printable;
use crate::model::topology::LinkKind;

impl Decider<'_, '_> {
    /// What is ours and not asked for goes.
    pub fn surplus(&mut self) {
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

    /// Who has the name or the mark that a link will have: if it is one of ours, it gives it away.
    pub fn occupant(&mut self, place: usize, number: usize) {
        let (spec, target) = (self.ctx.spec(place, number), self.ctx.target(place, number));
        let (links, name) = (self.ctx.found(place), spec.name.as_bytes());
        if spec.kind == LinkKind::Device {
            return;
        }
        let is_other = |holder: &usize| Some(*holder) != target.found.or(target.old);
        if let Some(holder) = self.marked(place, self.ctx.mark(place, &spec.name)).filter(is_other) {
            self.ctx.places[place].fates[holder].unmarked = true;
        }
        let holder = self.names[place].find(name, |number| links[number].is_called(name));
        let Some(holder) = holder.filter(is_other) else { return };
        let (called, is_lo) = (&links[holder].name, links[holder].index == 1);
        let fate = &mut self.ctx.places[place].fates[holder];
        if is_lo || called != name {
            // Renaming it would not give the name away.
            let called = printable(called);
            let name = spec.name.to_string();
            let help = ["; ip link property del dev ", &called, " altname ", &name, " frees it"].concat();
            self.refuse(place, spec, &["the name is an alternative name of ", &called, &help]);
        } else if fate.ours {
            fate.evicted = true;
        } else if self.conflicts.is_empty() {
            self.refuse(place, spec, &["the name is taken by another link"]);
        }
    }
}
