//! Whose the things are that lie on the host, on links that are not ours: by their marks and by what the files of
//! this machine say.

use super::{addrs, neighs, routes, rules};
use crate::model::addr::Addr;
use crate::model::index::Index;
use crate::model::name::IfName;
use crate::model::neigh::Neigh;
use crate::model::route::Route;
use crate::model::topology::{LinkSpec, Topology};
use crate::model::world::Seen;
use crate::plan::Ctx;

/// Keys of things.
#[derive(Debug, Default)]
pub struct Keys {
    list: Vec<Vec<u8>>,
    index: Index,
}

impl Keys {
    /// Adds a key.
    pub fn add(&mut self, key: Vec<u8>) {
        self.index.insert(&key, self.list.len());
        self.list.push(key);
    }

    /// The first number of a key that meets a condition.
    #[inline(never)]
    pub fn find(&self, key: &[u8], fits: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.index.find(key, |number| self.list[number] == key && fits(number))
    }

    /// Whether there is such a key.
    pub fn has(&self, key: &[u8]) -> bool {
        self.find(key, &|_| true).is_some()
    }
}

/// A thing as a file asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<'a> {
    /// An address.
    Addr(&'a Addr),
    /// A route, with its device.
    Route(&'a Route, Option<IfName>),
    /// A rule: its key says all of it.
    Rule,
    /// A neighbour.
    Neigh(&'a Neigh),
}

/// What files say of the host.
#[derive(Debug)]
pub struct Claims<'a> {
    own: Keys,
    others: Keys,
    /// Name of the lab, and what it asks for: of each of the others' keys.
    asked: Vec<(&'a str, Asked<'a>)>,
    told: bool,
}

impl<'a> Claims<'a> {
    /// Reads what is known.
    pub fn new(ctx: &Ctx<'a>) -> Self {
        let mut claims =
            Claims { own: Keys::default(), others: Keys::default(), asked: Vec::new(), told: ctx.known.told };
        if let Some(host) = ctx.world.places.first() {
            if let Some(own) = &ctx.known.own {
                claim(own, host, &mut |key, _| claims.own.add(key));
            }
            for other in &ctx.known.others {
                claim(other, host, &mut |key, thing| {
                    claims.others.add(key);
                    claims.asked.push((other.name.as_str(), thing));
                });
            }
        }
        claims
    }

    /// Whether a thing may be taken away. `mark`: whether it bears the mark, which is one for all labs and may be some
    /// other program's, too; `None` where this kernel keeps no mark of it. So what the lab asked for must say it as well.
    pub fn may_remove(&self, key: &[u8], mark: Option<bool>) -> bool {
        mark.unwrap_or(!self.told) && self.own.has(key) && !self.others.has(key)
    }

    /// Whether a thing that is asked for may be changed.
    pub fn may_change(&self, key: &[u8], mark: Option<bool>) -> bool {
        mark != Some(false) && self.own.has(key)
    }

    /// The other lab that asks for a thing of the same key, but not for the same thing.
    pub fn otherwise(&self, key: &[u8], asked: Asked<'_>) -> Option<&'a str> {
        self.others.find(key, &|number| self.asked[number].1 != asked).map(|number| self.asked[number].0)
    }
}

/// Shows what a topology says of the host, with its keys.
fn claim<'a>(topology: &'a Topology, host: &Seen, see: &mut dyn FnMut(Vec<u8>, Asked<'a>)) {
    let Some(place) = topology.places.first() else { return };
    let index = |spec: &LinkSpec| host.device(spec).map(|number| host.state.links[number].index);
    for link in place.links.iter().filter(|link| !link.addresses.is_empty()) {
        if let Some(index) = index(link) {
            link.addresses.iter().for_each(|said| see(addrs::key(index, &said.what), Asked::Addr(&said.what)));
        }
    }
    for said in &place.neighs {
        let spec = place.links.iter().find(|link| link.name == said.what.device);
        if let Some(index) = spec.and_then(index) {
            see(neighs::key(index, &said.what.neigh), Asked::Neigh(&said.what.neigh));
        }
    }
    place
        .routes
        .iter()
        .for_each(|said| see(routes::key(&said.what.route), Asked::Route(&said.what.route, said.what.device)));
    rules::wanted(place).iter().for_each(|(_, rule)| see(rules::key(rule), Asked::Rule));
}
