//! The difference between what a network should be and what it is found to be, as steps.
//!
//! Pure: no kernel is asked. The same function plans `apply` (to the file), `down` (to what was there before),
//! a rollback and `recover` (to what was there when the run began), and verifies: a plan without steps is success.

mod decide;
mod fixed;
pub mod implied;
pub mod kinds;
mod links;
pub mod nets;
mod order;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use crate::model::index::Index;
use crate::model::lab::{Lab, Mark};
use crate::model::link::{Link, LinkId, LinkNumber};
use crate::model::name::{IfName, NsName};
use crate::model::plan::Plan;
use crate::model::topology::{LinkKind, LinkSpec, Origin, Place, Topology};
use crate::model::world::World;

/// What the state files of this machine say.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What this lab asked for before, if that is known: what of it bears no mark of its own is still ours.
    pub own: Option<Topology>,
    /// It is a file that says so: only what bears a mark, too, is ours.
    pub told: bool,
    /// What other labs ask for.
    pub others: Vec<Topology>,
    /// First index and number of the links that an interrupted run made in namespaces that were there: such a link of our
    /// group, or a tap, is ours, though it has no mark yet.
    pub indexes: Option<(u32, u32)>,
    /// Namespaces that are let go: a run adopted them and is undone. The mark comes off, nothing else of them goes.
    pub released: Vec<NsName>,
    /// What tells this machine, since it was started, and the namespace that the host's part is in from all others.
    pub machine: String,
    /// Indexes that links had, by namespace and name: one that is made again has it again, if it is free.
    pub had: Vec<(Option<NsName>, IfName, NonZeroU32)>,
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

/// Plans. The world is one that was looked for the topology.
///
/// # Errors
/// All that is in the way: things of the same name that are not ours, links that cannot be changed in place.
pub fn plan(topology: &Topology, world: &World, known: &Known, options: Options) -> Result<Plan, Vec<Conflict>> {
    let lab = Lab::new(&topology.name);
    let host = world.places.first();
    // A kernel without IPv6 says of no link how it makes up addresses.
    let ipv6 = host.is_none_or(|host| {
        host.state.links.is_empty()
            || host.state.links.iter().any(|link| link.number(LinkNumber::AddrGenMode).is_some())
    });
    let mut topology = implied::complete(topology, ipv6);
    let asked = topology.places.len();
    for further in world.places.get(asked..).unwrap_or_default() {
        topology.places.push(Place { name: further.name.clone(), ..Place::default() });
    }
    let mut ctx = Ctx::new(&topology, world, known, options, &lab);
    let mut conflicts = Vec::new();
    decide::places(&mut ctx, asked, &mut conflicts);
    let order = order::links(&ctx);
    decide::links(&mut ctx, &order, &mut conflicts);
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let mut steps = Vec::new();
    links::steps(&ctx, &order, &mut steps);
    let parts = nets::parts(&ctx);
    if !parts.conflicts.is_empty() {
        return Err(parts.conflicts);
    }
    for (removal, list) in [(false, parts.steps), (true, parts.removals)] {
        steps.extend(list.into_iter().map(|step| (order::phase(&step, removal), step)));
    }
    links::removals(&ctx, &order, &mut steps);
    let names = ctx.names();
    let steps = order::sort(steps, topology.places.len());
    Ok(Plan { steps, names, lab })
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
    /// Devices that go back to the host: place, number, index to take.
    returns: Vec<(usize, usize, NonZeroU32)>,
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
    /// It is in the way itself.
    refused: bool,
    /// Links that were given an index so far.
    used: u32,
    /// Numbers of the links that are asked for, by name.
    names: Index,
    /// What becomes of each of them.
    targets: Vec<Target>,
    /// Numbers of the found links, by index.
    found: Index,
    /// What becomes of each of them.
    fates: Vec<Fate>,
}

/// What becomes of a link that is asked for; it is made if nothing is there of it.
#[derive(Debug, Clone, Copy, Default)]
struct Target {
    /// The index that it has or will have.
    index: Option<NonZeroU32>,
    /// Number of the found link that it is.
    found: Option<usize>,
    /// Number of the found link in whose stead it is made.
    old: Option<usize>,
    /// Place and number of the device that is moved here.
    from: Option<(usize, usize)>,
}

/// What becomes of a found link.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    /// It is ours.
    ours: bool,
    /// It is deleted or moved away.
    goes: bool,
    /// It is made anew by [`Target::old`].
    anew: bool,
    /// It gives its name away before anything else is done.
    evicted: bool,
    /// It gives its mark away, and has one that nobody asks for until it gets its own.
    unmarked: bool,
    /// The link that is asked for that it is.
    wanted: Option<usize>,
}

impl<'a> Ctx<'a> {
    fn new(topology: &'a Topology, world: &'a World, known: &'a Known, options: Options, lab: &'a Lab) -> Self {
        let mut places = Vec::with_capacity(topology.places.len());
        for (number, place) in topology.places.iter().enumerate() {
            let mut spot = Spot { targets: vec![Target::default(); place.links.len()], ..Spot::default() };
            for (number, link) in place.links.iter().enumerate() {
                spot.names.insert(link.name.as_bytes(), number);
            }
            let links = world.places.get(number).map_or(&[][..], |seen| &seen.state.links);
            spot.fates = vec![Fate::default(); links.len()];
            for (number, link) in links.iter().enumerate() {
                spot.found.insert(&link.index.to_ne_bytes(), number);
            }
            places.push(spot);
        }
        Ctx { topology, world, known, options, lab, places, returns: Vec::new() }
    }

    /// The link that a name means when all is done, with the index that it has or will have; `lo` is 1 everywhere.
    /// `None`: there is none of that name; what needs it has no step then.
    pub fn link(&self, place: usize, name: &IfName) -> Option<LinkId> {
        let index = match self.find(place, name) {
            Some((_, number)) => self.places[place].targets[number].index?,
            None if name.as_bytes() == b"lo" => NonZeroU32::MIN,
            None => return None,
        };
        Some(id(place, index))
    }

    /// Whether a link that is asked for is made by this plan, or moved to its place: nothing is on it yet.
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

    /// Whether a link that is asked for is to have no link-local address that the kernel makes, and remains.
    pub fn is_silent(&self, place: usize, index: u32) -> bool {
        self.wanted(place, index).is_some_and(|number| links::is_silent(self.spec(place, number)))
    }

    /// Whether a link that remains has no IPv6 while something that is taken away keeps its MTU small: its parameters of
    /// IPv6 are for the next plan.
    pub fn waits_for_ipv6(&self, place: usize, link: &LinkSpec) -> bool {
        let is_own = matches!(link.kind, LinkKind::Veth | LinkKind::Peer | LinkKind::Dummy | LinkKind::Tap);
        let found = self.find(place, &link.name).and_then(|(_, number)| self.target(place, number).found);
        let mtu = found.and_then(|found| self.found(place)[found].mtu);
        !is_own && link.get("mtu").is_none() && mtu.is_some_and(|mtu| u64::from(mtu) < implied::IPV6_MIN_MTU)
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

    #[inline(never)]
    fn fate(&self, place: usize, index: u32) -> Option<&Fate> {
        self.places.get(place)?.fates.get(self.seen(place, index)?)
    }

    /// The links that are found in a place.
    fn found(&self, place: usize) -> &'a [Link] {
        self.world.places.get(place).map_or(&[], |seen| &seen.state.links)
    }

    /// The number of the found link of an index.
    #[inline(never)]
    fn seen(&self, place: usize, index: u32) -> Option<usize> {
        let links = self.found(place);
        self.places.get(place)?.found.find(&index.to_ne_bytes(), |number| links[number].index == index)
    }

    /// Place and number of a link that is asked for.
    #[inline(never)]
    fn find(&self, place: usize, name: &IfName) -> Option<(usize, usize)> {
        let links = &self.topology.places.get(place)?.links;
        let number = self.places[place].names.find(name.as_bytes(), |number| links[number].name == *name)?;
        Some((place, number))
    }

    /// Place and index of the link that a found one is made on. A place that was not looked at is none of the world's.
    fn lower(&self, place: usize, link: &Link) -> Option<(usize, u32)> {
        let index = kinds::lower(link)?;
        Some((self.world.place_of(place, link).unwrap_or(usize::MAX), index))
    }

    /// The other end of a pair.
    fn twin(&self, spec: &LinkSpec) -> Option<(usize, usize)> {
        spec.peer.as_ref().and_then(|peer| self.find(peer.place, &peer.name))
    }

    fn spec(&self, place: usize, number: usize) -> &'a LinkSpec {
        &self.topology.places[place].links[number]
    }

    fn target(&self, place: usize, number: usize) -> Target {
        self.places[place].targets[number]
    }

    /// Name of a place, empty for the host.
    fn place_name(&self, place: usize) -> &'a [u8] {
        self.topology.places[place].name.as_ref().map_or(&[], NsName::as_bytes)
    }

    #[inline(never)]
    fn mark(&self, place: usize, name: &IfName) -> Mark {
        self.lab.mark(self.place_name(place), name.as_bytes())
    }

    /// What the lab asked of a link before, if that is known. Places and links mostly have the numbers that they had.
    fn own(&self, place: usize, number: usize) -> Option<&'a LinkSpec> {
        let name = &self.spec(place, number).name;
        let links = &self.own_place(place)?.links;
        let same = links.get(number).filter(|link| link.name == *name);
        same.or_else(|| links.iter().find(|link| link.name == *name))
    }

    #[inline(never)]
    fn own_place(&self, place: usize) -> Option<&'a Place> {
        let (places, name) = (&self.known.own.as_ref()?.places, &self.topology.places[place].name);
        let same = places.get(place).filter(|place| place.name == *name);
        same.or_else(|| places.iter().find(|place| place.name == *name))
    }

    fn names(&self) -> Vec<(LinkId, IfName)> {
        let mut names = Vec::new();
        for (place, spot) in self.places.iter().enumerate() {
            for (target, link) in spot.targets.iter().zip(&self.topology.places[place].links) {
                if let (None, Some(index)) = (target.found, target.index.filter(|index| index.get() != 1)) {
                    names.push((id(place, index), link.name));
                }
            }
        }
        names
    }
}

/// A name for the time until the right one is free.
fn spare(index: u32) -> Option<IfName> {
    IfName::new(format!("nst-{index:x}").as_bytes())
}

fn id(place: usize, index: NonZeroU32) -> LinkId {
    LinkId { ns: u32::try_from(place).unwrap_or(u32::MAX), index }
}
