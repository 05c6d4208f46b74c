//! Addresses, VLANs, parameters, routes, rules, neighbours, files and translations: what is asked for, against what
//! is found.
//!
//! A thing is known again by its key, what the kernel tells such things apart by. In a namespace of ours and on a link
//! of ours everything is ours but what the kernel and routing daemons make; elsewhere only what bears the mark.

mod addrs;
mod differences;
mod neighs;
mod owner;
mod params;
mod routes;
mod rules;
mod vlans;

use super::{Conflict, Ctx};
use crate::model::lab::PROTOCOL;
use crate::model::link::{LinkId, name_of};
use crate::model::name::printable;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign, Step};
use crate::model::topology::Origin;
use differences::{Value, Why, differs};
use owner::{Asked, Claims};

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
            let kept = job.addresses();
            job.parameters();
            job.routes(&kept);
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
    claims: &'a Claims<'a>,
    place: usize,
    parts: &'a mut Parts,
}

/// A thing that is asked for and is there.
struct There<'a> {
    key: &'a [u8],
    asked: Asked<'a>,
    at: Origin,
    /// Whether all of its kind where it lies is ours.
    ours: bool,
    /// Who made it, as far as it says.
    protocol: Option<u8>,
    /// Whether it bears a lab's mark; `None` where the kernel keeps none.
    mark: Option<bool>,
}

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

    /// Takes something away, if that may be done at all: `first` where it keeps others from being made, else last.
    #[inline(never)]
    fn remove(&mut self, act: Act, first: bool) {
        if self.ctx.options.prune {
            let list = if first { &mut self.parts.steps } else { &mut self.parts.removals };
            list.push(Step { place: self.place, sign: Sign::Remove, act, at: None, why: Vec::new() });
        }
    }

    /// Whether a thing has to be changed: since it differs, or since it is to be taken over. If it must not be, it is in
    /// the way.
    #[inline(never)]
    fn must_change(&mut self, there: &There<'_>, why: &mut Why, name: &dyn Fn(&Self) -> String) -> bool {
        if why.is_empty() {
            // What is there as asked for stays unmarked, unless it is to be taken over.
            return !there.ours && there.mark == Some(false) && self.ctx.options.adopt && {
                let from = Value::from(there.protocol.map(u32::from));
                differs(why, "proto", from, Value::Number(PROTOCOL.into()))
            };
        }
        let other = self.claims.otherwise(there.key, there.asked);
        let may = self.ctx.options.adopt || (other.is_none() && self.claims.may_change(there.key, there.mark));
        if there.ours || may {
            return true;
        }
        let mut text = name(self);
        match self.ctx.world.places.get(self.place).and_then(|seen| seen.name.as_ref()) {
            Some(netns) => text = [&text, " in ", &netns.to_string()].concat(),
            None => text.push_str(" on the host"),
        }
        match other {
            Some(lab) => text = [&text, " is asked for otherwise by lab ", lab, ":"].concat(),
            None => text.push_str(" is there, is not ours and differs:"),
        }
        let mut separator = " ";
        for difference in why {
            let [from, to] = [&difference.from, &difference.to].map(|text| if text.is_empty() { "none" } else { text });
            for piece in [separator, difference.what, " ", from, " -> ", to] {
                text.push_str(piece);
            }
            separator = ", ";
        }
        text.push_str("; --adopt changes it and takes it over");
        self.parts.conflicts.push(Conflict { at: Some(there.at), text });
        false
    }

    /// Whether everything on a link that is asked for is ours.
    fn is_ours(&self, link: LinkId) -> bool {
        self.ctx.is_our_place(self.place) || self.ctx.is_new(link) || self.ctx.is_ours(self.place, link.index.get())
    }

    /// Whether everything on a link is ours though nobody asks for it: links and `lo` of ours, no devices and no links of
    /// strangers that lie in a namespace of ours.
    fn owns(&self, link: LinkId) -> bool {
        let index = link.index.get();
        self.ctx.is_new(link)
            || self.ctx.is_ours(self.place, index)
            || (index == 1 && self.ctx.is_our_place(self.place))
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

#[cfg(test)]
mod tests;
