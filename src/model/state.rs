//! What one namespace holds, as the kernel tells it.

use super::addr::Addr;
use super::link::Link;
use super::neigh::Neigh;
use super::route::Route;

/// The observed contents of a namespace. It has indexes and no encoder: it is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Links.
    pub links: Vec<Link>,
    /// Addresses, each with the index of its link.
    pub addrs: Vec<(u32, Addr)>,
    /// Routes of all tables, both families.
    pub routes: Vec<Route>,
    /// Neighbours, both families.
    pub neighs: Vec<Neigh>,
}

impl State {
    /// The link of an index.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }
}
