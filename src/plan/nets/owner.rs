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
    own: Keys,
    others: Keys,
    adopt: bool,
    told: bool,
}

impl Claims {
    /// Reads what is known.
    pub fn new(ctx: &Ctx<'_>) -> Self {
        let (mut own, mut others) = (Keys::default(), Keys::default());
        if let Some(host) = ctx.world.places.first() {
            ctx.known.own.iter().for_each(|topology| claim(topology, host, &mut own));
            ctx.known.others.iter().for_each(|topology| claim(topology, host, &mut others));
        }
        Claims { own, others, adopt: ctx.options.adopt, told: ctx.known.told }
    }

    /// Whether a thing may be taken away. `mark`: whether it bears the mark, which is one for all labs and may be some
    /// other program's, too; `None` where this kernel keeps no mark of it. So what the lab asked for must say it as well.
    pub fn may_remove(&self, key: &[u8], mark: Option<bool>) -> bool {
        mark.unwrap_or(!self.told) && self.own.has(key) && !self.others.has(key)
    }

    /// Whether a thing that is asked for may be changed.
    pub fn may_change(&self, key: &[u8], mark: Option<bool>) -> bool {
        self.adopt || (mark != Some(false) && self.own.has(key))
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
