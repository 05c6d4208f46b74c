//! The difference between what a network should be and what it is found to be, as steps.
//!
//! Pure: no kernel is asked. The same function plans `apply` (to the file), `down` (to what was there before),
//! a rollback and `recover` (to what was there when the run began), and verifies: a plan without steps is success.

pub mod kinds;
pub mod nets;

use std::num::NonZeroU32;

use crate::model::index::Index;
use crate::model::lab::Lab;
use crate::model::link::LinkId;
use crate::model::name::{IfName, NsName};
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
    /// First index and number of the links that an interrupted run made in namespaces that were there: such a link of our
    /// group is ours, though it has no mark yet.
    pub indexes: Option<(u32, u32)>,
    /// Namespaces that are let go: a run adopted them and is undone. The mark comes off, nothing else of them goes.
    pub released: Vec<NsName>,
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
pub fn plan(topology: &Topology, world: &World, known: &Known, options: Options) -> Result<Plan, Vec<Conflict>> {
    let lab = Lab::new(&topology.name);
    let topology = topology.clone();
    let ctx = Ctx { topology: &topology, world, known, options, lab: &lab, places: Vec::new() };
    let mut steps = Vec::new();
    nets::steps(&ctx, &mut steps);
    nets::removals(&ctx, &mut steps);
    Ok(Plan { steps, names: Vec::new(), warnings: Vec::new(), lab })
}

/// What is asked for beside what is found, with what was decided about links and namespaces.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// What is asked for, with all that is implied by it (`implied`): `lo` of namespaces, `forward` as parameters,
    /// flags of addresses. Its places are those of [`Ctx::world`], one for one; those that are not asked for are empty.
    pub topology: &'a Topology,
    /// What is found. It has at least the places of the topology, in the same order.
    pub world: &'a World,
    /// What the state files say.
    pub known: &'a Known,
    /// How far it may go.
    pub options: Options,
    /// Whose it is.
    pub lab: &'a Lab,
    places: Vec<Spot>,
}

/// What was decided about a place.
#[derive(Debug, Default)]
struct Spot {
    /// It is ours: new, marked or adopted.
    ours: bool,
    /// It is made by this plan.
    new: bool,
    /// It is taken away by this plan.
    goes: bool,
    /// Numbers of the links that are asked for, by name.
    names: Index,
    /// Of each of them the index and, if it is there and stays, the number of the found one.
    targets: Vec<(NonZeroU32, Option<usize>)>,
    /// Numbers of the found links, by index.
    found: Index,
    /// What becomes of each of them.
    fates: Vec<Fate>,
}

/// What becomes of a found link.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    ours: bool,
    goes: bool,
    wanted: Option<usize>,
}

impl Ctx<'_> {
    /// The link that a name means when all is done, with the index that it has or will have; `lo` is 1 everywhere.
    /// `None`: there is none of that name, or a device whose index is not known yet; what needs it has no step then.
    pub fn link(&self, place: usize, name: &IfName) -> Option<LinkId> {
        let (spot, links) = (self.places.get(place)?, &self.topology.places.get(place)?.links);
        let number = spot.names.find(name.as_bytes(), |number| links[number].name == *name);
        let index = match number {
            Some(number) => spot.targets.get(number)?.0,
            None if name.as_bytes() == b"lo" => NonZeroU32::MIN,
            None => return None,
        };
        Some(LinkId { ns: u32::try_from(place).ok()?, index })
    }

    /// Whether a link that is asked for is made (or moved to its place) by this plan: nothing is on it yet.
    pub fn is_new(&self, link: LinkId) -> bool {
        self.fate(link.ns as usize, link.index.get()).is_none()
    }

    /// Whether a found link is ours: made by the lab or adopted; or `lo` of a namespace that is. A `[device]` is
    /// not, and nothing of the host's but what bears the mark.
    pub fn is_ours(&self, place: usize, index: u32) -> bool {
        self.fate(place, index).is_some_and(|fate| fate.ours)
    }

    /// Whether a found link is deleted, moved away, or goes with its namespace.
    pub fn goes(&self, place: usize, index: u32) -> bool {
        self.place_goes(place) || self.fate(place, index).is_some_and(|fate| fate.goes)
    }

    /// The number of the link among those of the topology's place that a found link is, and remains.
    pub fn wanted(&self, place: usize, index: u32) -> Option<usize> {
        self.fate(place, index)?.wanted
    }

    /// Whether a namespace is ours: made by this plan, marked, or adopted. The host never is.
    pub fn is_our_place(&self, place: usize) -> bool {
        self.places.get(place).is_some_and(|spot| spot.ours)
    }

    /// Whether a namespace is made by this plan: nothing is in it yet but `lo`, which is down.
    pub fn is_new_place(&self, place: usize) -> bool {
        self.places.get(place).is_some_and(|spot| spot.new)
    }

    /// Whether a namespace is taken away by this plan, and all that is in it goes along. Its files in `/etc/netns` do not.
    pub fn place_goes(&self, place: usize) -> bool {
        self.places.get(place).is_some_and(|spot| spot.goes)
    }

    fn fate(&self, place: usize, index: u32) -> Option<&Fate> {
        let links = &self.world.places.get(place)?.state.links;
        let spot = self.places.get(place)?;
        let number = spot.found.find(&index.to_ne_bytes(), |number| links[number].index == index)?;
        spot.fates.get(number)
    }
}
