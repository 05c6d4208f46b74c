//! Looking: what namespaces hold, read from the kernel.

use crate::error::{Error, Result};
use crate::model::lab::Lab;
use crate::model::topology::Topology;
use crate::model::world::World;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything that a topology can say.
    Whole,
    /// Links alone: enough to know whose a namespace is.
    Marks,
}

/// What is found of a topology: its places, and further namespaces of the lab, which are looked for among
/// `further` (names), or among all names if there is no such list.
///
/// # Errors
/// The kernel could not be asked.
pub fn look(_topology: &Topology, _lab: &Lab, _further: Option<&[Vec<u8>]>, _depth: Depth) -> Result<World> {
    Err(Error::usage("not there yet"))
}

/// What whole namespaces hold, whoever made it: the host (if asked for), and those of the names.
///
/// # Errors
/// The kernel could not be asked.
pub fn live(_host: bool, _names: &[Vec<u8>]) -> Result<World> {
    Err(Error::usage("not there yet"))
}

/// stub
pub fn sockets(topology: &Topology, _lab: &Lab, _further: Option<&[Vec<u8>]>) -> Result<super::sockets::Sockets> {
    let mut names = Vec::new();
    for place in &topology.places {
        names.extend(place.name.clone());
    }
    super::sockets::Sockets::open(&names)
}

/// stub
pub fn through(_sockets: &mut super::sockets::Sockets, _t: &Topology, _lab: &Lab, _depth: Depth) -> Result<World> {
    Err(Error::usage("not there yet"))
}
