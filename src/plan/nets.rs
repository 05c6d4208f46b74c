//! Addresses, VLANs, parameters, routes, rules, neighbours, files and translations: what is asked for, against what
//! is found.
//!
//! A thing is known again by its key, what the kernel tells such things apart by. In a namespace of ours and on a link
//! of ours everything is ours but what the kernel and routing daemons make; elsewhere only what bears the mark.

mod addrs;
mod neighs;
mod owner;
mod params;
mod routes;
mod rules;
mod vlans;

use super::{Conflict, Ctx};
use crate::model::link::{LinkId, name_of};
use crate::model::name::printable;
use crate::model::op::Op;
use crate::model::plan::{Act, Difference, Sign, Step};
use crate::model::topology::Origin;
use owner::Claims;

/// `RTPROT_BOOT` and `RTPROT_STATIC`: made by hand. Beside ours, all others belong to the kernel or to daemons.
const BY_HAND: [u8; 2] = [3, 4];

/// What is to be done about a network's contents.
#[derive(Debug, Default)]
pub struct Parts {
    /// What is made or changed, place by place, in the order in which it must be done.
    pub steps: Vec<Step>,
    /// What is taken away.
    pub removals: Vec<Step>,
    /// What is in the way.
    pub conflicts: Vec<Conflict>,
}

/// All differences.
pub fn parts(ctx: &Ctx<'_>) -> Parts {
    let mut parts = Parts::default();
    let claims = Claims::new(ctx);
    for place in 0..ctx.world.places.len() {
        let mut job = Job { ctx, claims: &claims, place, parts: &mut parts };
        if !ctx.place_goes(place) {
            job.vlans();
            job.addresses();
            job.parameters();
            job.routes();
            job.rules();
            job.neighbours();
            job.translations();
        }
        job.files();
    }
    parts
}

/// Work on one place.
struct Job<'a> {
    ctx: &'a Ctx<'a>,
    claims: &'a Claims,
    place: usize,
    parts: &'a mut Parts,
}

/// What was there before, as a change is told; empty if nothing differs.
type Why = Vec<Difference>;

impl Job<'_> {
    /// Makes or changes something.
    #[inline(never)]
    fn step(&mut self, sign: Sign, act: Act, at: Origin, why: Why) {
        self.parts.steps.push(Step { place: self.place, sign, act, at: Some(at), why });
    }

    #[inline(never)]
    fn op(&mut self, sign: Sign, op: Op<'static>, at: Origin, why: Why) {
        self.step(sign, Act::Op(Box::new(op)), at, why);
    }

    /// Takes something away, if that may be done at all.
    #[inline(never)]
    fn remove(&mut self, act: Act) {
        if self.ctx.options.prune {
            self.parts.removals.push(Step { place: self.place, sign: Sign::Remove, act, at: None, why: Vec::new() });
        }
    }

    /// Something of the same key that is not ours is in the way.
    #[inline(never)]
    fn conflict(&mut self, at: Origin, what: &[&str], why: &[Difference]) {
        let mut text = what.concat();
        let place = self.ctx.world.places.get(self.place).and_then(|seen| seen.name.as_ref());
        match place {
            Some(name) => text = [&text, " in ", &name.to_string()].concat(),
            None => text.push_str(" on the host"),
        }
        text.push_str(" is there, is not ours and differs");
        for difference in why {
            for piece in [" (", difference.what, ": ", &difference.from, ")"] {
                text.push_str(piece);
            }
        }
        text.push_str("; --adopt takes it");
        self.parts.conflicts.push(Conflict { at: Some(at), text });
    }

    /// Whether everything on a link is ours.
    fn is_ours(&self, link: LinkId) -> bool {
        self.ctx.is_our_place(self.place) || self.ctx.is_new(link) || self.ctx.is_ours(self.place, link.index.get())
    }

    /// Name of a link of the place by its index.
    #[inline(never)]
    fn link_name(&self, link: Option<LinkId>) -> String {
        let Some(link) = link else { return String::new() };
        let links = self.ctx.world.places.get(self.place).map(|seen| &seen.state.links[..]).unwrap_or_default();
        if links.iter().any(|known| known.index == link.index.get()) {
            return printable(&name_of(links, link.index.get()));
        }
        let wanted = self.ctx.topology.places.get(self.place).map(|place| &place.links[..]).unwrap_or_default();
        let named = wanted.iter().find(|known| self.ctx.link(self.place, &known.name) == Some(link));
        named.map_or_else(|| printable(&name_of(&[], link.index.get())), |known| known.name.to_string())
    }
}

/// Notes a property that differs; the texts are made only then.
#[inline(never)]
fn differs(why: &mut Why, what: &'static str, from: String, to: String) {
    why.push(Difference { what, from, to });
}

/// A number that may be missing, as text.
#[inline(never)]
fn count(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
