//! Names of the links that steps name by number, and of places.

use std::borrow::Cow;
use std::num::NonZeroU32;

use crate::model::index::Index;
use crate::model::link::{Link, LinkChange, LinkId};
use crate::model::name::IfName;
use crate::model::op::Op;
use crate::model::plan::{Act, Plan};
use crate::model::world::World;

/// Names of links, as they are at some time.
pub struct Names<'a> {
    /// What was found.
    pub world: &'a World,
    /// Name of the lab.
    pub lab: &'a str,
    /// Names other than those that were found.
    own: Vec<(LinkId, IfName)>,
    index: Index,
}

impl<'a> Names<'a> {
    /// As they are found.
    pub fn found(plan: &'a Plan, world: &'a World) -> Self {
        Names { world, lab: plan.lab.name(), own: Vec::new(), index: Index::default() }
    }

    /// As they are when a plan is done.
    pub fn planned(plan: &'a Plan, world: &'a World) -> Self {
        let mut names = Names::found(plan, world);
        for (link, name) in &plan.names {
            names.set(*link, *name);
        }
        for step in &plan.steps {
            if let Act::Op(op) = &step.act
                && let Op::ChangeLink(link, LinkChange { name: Some(name), .. }) = op.as_ref()
            {
                names.set(*link, *name);
            }
        }
        names
    }

    fn number(&self, link: LinkId) -> Option<usize> {
        self.index.find(&key(link), |number| self.own[number].0 == link)
    }

    /// A link gets a name.
    pub fn set(&mut self, link: LinkId, name: IfName) {
        match self.number(link) {
            Some(number) => self.own[number].1 = name,
            None => {
                self.index.insert(&key(link), self.own.len());
                self.own.push((link, name));
            }
        }
    }

    /// The name of a link that is made, or that has another one than was found.
    pub fn own(&self, place: usize, index: Option<NonZeroU32>) -> Option<IfName> {
        let link = LinkId { ns: u32::try_from(place).ok()?, index: index? };
        self.number(link).map(|number| self.own[number].1)
    }

    /// The found link.
    pub fn link(&self, link: LinkId) -> Option<&'a Link> {
        self.world.places.get(link.ns as usize)?.state.link(link.index.get())
    }

    /// Its name; `ifN` where that is not known, but for `lo`, which every namespace has.
    pub fn get(&self, link: LinkId) -> Cow<'_, [u8]> {
        match self.number(link) {
            Some(number) => Cow::Borrowed(self.own[number].1.as_bytes()),
            None => match self.link(link) {
                Some(link) => Cow::Borrowed(&link.name),
                None if link.index == NonZeroU32::MIN => Cow::Borrowed(b"lo"),
                None => Cow::Owned(["if", &link.index.to_string()].concat().into_bytes()),
            },
        }
    }

    /// The name of a place; the host has none.
    pub fn place(&self, place: usize) -> Option<&'a [u8]> {
        self.world.places.get(place)?.name.as_ref().map(|name| name.as_bytes())
    }
}

fn key(link: LinkId) -> [u8; 8] {
    (u64::from(link.ns) << 32 | u64::from(link.index.get())).to_ne_bytes()
}
