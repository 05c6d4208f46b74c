//! Whose the things are that lie on the host, on links that are not ours: by their marks and by what the files of
//! this machine say.

use super::{addrs, neighs, routes, rules};
use crate::model::index::Index;
use crate::model::topology::Topology;
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
    pub fn find(&self, key: &[u8], fits: impl Fn(usize) -> bool) -> Option<usize> {
        self.index.find(key, |number| self.list[number] == key && fits(number))
    }

    /// Whether there is such a key.
    pub fn has(&self, key: &[u8]) -> bool {
        self.find(key, |_| true).is_some()
    }
}

/// What files say of the host.
#[derive(Debug)]
pub struct Claims {
    own: Option<Keys>,
    others: Keys,
    adopt: bool,
}

impl Claims {
    /// Reads what is known.
    pub fn new(ctx: &Ctx<'_>) -> Self {
        let mut others = Keys::default();
        let host = ctx.world.places.first();
        let own = ctx.known.own.as_ref().zip(host).map(|(own, host)| {
            let mut keys = Keys::default();
            claim(own, host, &mut keys);
            keys
        });
        for (other, host) in ctx.known.others.iter().zip(std::iter::repeat(host)) {
            if let Some(host) = host {
                claim(other, host, &mut others);
            }
        }
        Claims { own, others, adopt: ctx.options.adopt }
    }

    /// Whether a thing may be taken away. `mark`: whether it bears ours (any lab's), `None` where this kernel keeps
    /// no mark of it.
    pub fn may_remove(&self, key: &[u8], mark: Option<bool>) -> bool {
        let own = match (mark, &self.own) {
            (Some(false), _) | (None, None) => false,
            (Some(true), None) => true,
            (_, Some(own)) => own.has(key),
        };
        own && !self.others.has(key)
    }

    /// Whether a thing that is asked for may be changed.
    pub fn may_change(&self, key: &[u8], mark: Option<bool>) -> bool {
        let own = self.own.as_ref().is_some_and(|own| own.has(key));
        self.adopt || (mark != Some(false) && own) || (mark == Some(true) && !self.others.has(key))
    }
}

/// Keys of what a topology says of the host.
fn claim(topology: &Topology, host: &Seen, keys: &mut Keys) {
    let Some(place) = topology.places.first() else { return };
    let index = |name: &[u8]| host.state.links.iter().find(|link| link.is_called(name)).map(|link| link.index);
    for link in place.links.iter().filter(|link| !link.addresses.is_empty()) {
        if let Some(index) = index(link.name.as_bytes()) {
            link.addresses.iter().for_each(|said| keys.add(addrs::key(index, &said.what)));
        }
    }
    for said in &place.neighs {
        if let Some(index) = index(said.what.device.as_bytes()) {
            keys.add(neighs::key(index, &said.what.neigh));
        }
    }
    place.routes.iter().for_each(|said| keys.add(routes::key(&said.what.route)));
    rules::wanted(place).iter().for_each(|(_, rule)| keys.add(rules::key(rule)));
}
