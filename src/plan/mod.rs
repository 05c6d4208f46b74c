//! The difference between what a network should be and what it is found to be, as steps.
//!
//! Pure: no kernel is asked. The same function plans `apply` (to the file), `down` (to what was there before),
//! a rollback and `recover` (to what was there when the run began), and verifies: a plan without steps is success.

use crate::model::plan::Plan;
use crate::model::topology::{Origin, Topology};
use crate::model::world::World;

/// What the state files of this machine say.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What this lab asked for before, if that is known: what of it bears no mark of its own is still ours.
    pub own: Option<Topology>,
    /// What other labs ask for.
    pub others: Vec<Topology>,
    /// First index and number of the links that an interrupted run made on the host: such a link of our group is
    /// ours, though it has no mark yet.
    pub indexes: Option<(u32, u32)>,
}

/// How far a plan may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Takes unmarked things of the same names as ours.
    pub adopt: bool,
    /// Makes links anew that cannot be changed in place.
    pub replace: bool,
    /// Takes away what is ours and not asked for.
    pub prune: bool,
    /// First index for new links: drawn at random, so that nobody else's link has it.
    pub index: u32,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where the file says what cannot be.
    pub at: Option<Origin>,
    /// What is in the way, and what would help.
    pub text: String,
}

/// Plans.
///
/// # Errors
/// All that is in the way: things of the same name that are not ours, links that cannot be changed in place.
pub fn plan(_topology: &Topology, _world: &World, _known: &Known, _options: Options) -> Result<Plan, Vec<Conflict>> {
    Err(Vec::new())
}
