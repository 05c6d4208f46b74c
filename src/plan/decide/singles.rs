//! Links that are no pair.

use super::{Candidate, Decider, REPLACE};

impl Decider<'_, '_> {
    pub fn single(&mut self, place: usize, number: usize) {
        let found = match self.candidate(place, number) {
            Candidate::Stranger(stranger) if !self.ctx.options.adopt => {
                self.stranger(place, number, stranger);
                return;
            }
            candidate => candidate.number(),
        };
        let Some(found) = found else { return self.make(place, number, None) };
        let why = self.ctx.fixed(place, number, found);
        let Some(differs) = why.first() else { return self.keep(place, number, found) };
        // What stands on a link that is made anew goes with it.
        let lower = self.ctx.lower(place, &self.ctx.found(place)[found]);
        let falls = lower.and_then(|(place, index)| self.ctx.fate(place, index)).is_some_and(|lower| lower.anew);
        if !falls && !self.ctx.options.replace {
            let text = [differs.what, " is ", &differs.from, ", not ", &differs.to];
            self.refuse(place, self.ctx.spec(place, number), &[&text.concat(), REPLACE]);
        }
        self.make(place, number, Some(found));
    }
}
