//! What is found, as a topology that would make it again: for `export`, and for the way back.

use crate::model::lab::Lab;
use crate::model::topology::Topology;
use crate::model::world::World;

/// What a network is, as a topology, and what of it a topology cannot say. With a lab, only what is the lab's.
pub fn topology(_world: &World, _lab: Option<&Lab>, _name: &str) -> (Topology, Vec<String>) {
    (Topology::default(), Vec::new())
}
