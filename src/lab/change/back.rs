//! The way back of a change: from wherever it got to, to what was there before.

use std::num::NonZeroU32;

use super::{Change, DYING, PASSES, Verb, Way, forgive, texts};
use crate::error::Result;
use crate::lab::memory::index_of;
use crate::lab::record::{self, Record, Which, again};
use crate::lab::run::{Mood, run};
use crate::lab::site::{self, Site};
use crate::lab::sockets::Sockets;
use crate::lab::{claims, lent, make};
use crate::model::lab::{Lab, Mark};
use crate::model::link::{LinkChange, LinkId, LinkNumber, ListVerb};
use crate::model::name::{IfName, NsName};
use crate::model::op::Op;
use crate::model::plan::{Act, Plan};
use crate::model::topology::{Place, Topology};
use crate::model::world::{Presence, World};
use crate::plan::{self, Known, Options};
use crate::wire::encode;
use crate::wire::link::GetLink;

/// How often it is tried.
const WAYS_BACK: u32 = 5;

impl Change<'_> {
    /// All the way back: what is left, a line each.
    pub(super) fn back(&self, site: &mut Site<'_>, way: &Way, journal: &Record, world: &World) -> Vec<String> {
        site.go_back();
        let before = &way.before;
        let both = claims::union(self.wanted.clone(), before);
        let known = Known {
            released: adopted_netns(&journal.adopted),
            had: had(world),
            ..self.recalled.known_with(&both, self.indexes)
        };
        let is_before = |name: &NsName| before.places.iter().any(|place| place.name.as_ref() == Some(name));
        let mut left = None;
        for attempt in 0..=WAYS_BACK {
            // Only what the last look found counts.
            left = None;
            let mut is_right = site.take_back().is_ok();
            site.mark_staged();
            is_right &= unmark(&mut site.sockets, self.lab, &journal.adopted).is_ok();
            site.sockets.arrange(before.places.iter().filter_map(|place| place.name.as_ref()));
            let Ok(mut seen) = self.recalled.look_at(&mut site.sockets, before, self.lab, Some(&both)) else {
                // New namespaces that are let go leave room for descriptors, and take with them what is in them.
                for place in site.sockets.staged() {
                    if !site.sockets.name(place).is_some_and(|name| is_before(name) || way.has_moved(name, world)) {
                        site.sockets.drop_namespace(place);
                    }
                }
                continue;
            };
            forgive(&mut seen);
            let index = index_of(self.first_index, PASSES + 1 + attempt);
            let options = Options { index, adopt: false, replace: true, prune: true };
            let plan = match plan::plan(before, &seen, &known, options) {
                Ok(plan) => plan,
                Err(conflicts) => {
                    left = Some(texts(&conflicts));
                    continue;
                }
            };
            if plan.steps.is_empty() && is_right {
                site.finish();
                let mut left = lent::put_back(&mut site.sockets, journal.lent.iter());
                left.extend(self.put_records_back(before));
                return left;
            }
            left = Some(plan.steps.iter().map(|step| (site.describe)(&plan, &seen, step)).collect());
            if attempt == WAYS_BACK {
                break;
            }
            let ran = run(site, &plan, &seen, Mood::Back, None);
            if site.publish(&is_before).is_ok() {
                site.finish();
            }
            if ran.stopped {
                break;
            }
            if ran.stale {
                std::thread::sleep(DYING);
            }
        }
        let mut left = left.unwrap_or_else(|| told(site, &way.trail, world));
        left.extend(self.unfinished(before));
        // It stays, so that `recover` can go on from there.
        left.push(["/run/netstrap/", self.lab.name(), ".journal"].concat());
        left
    }

    /// What was known before is known again.
    fn put_records_back(&self, before: &Topology) -> Vec<String> {
        let lab = self.lab.name();
        let mut left = Vec::new();
        if self.verb == Verb::Apply {
            // A name's file that was made and could not be bound; files of a namespace that was never there.
            let names = self.new_names(before, &|_| true);
            let filed = self.new_names(before, &|place| place.dns.is_some() || !place.hosts.is_empty());
            let swept = again(|| site::sweep(&names)).and_then(|_| again(|| make::sweep_files(self.lab, &filed)));
            left.extend(swept.err().map(|error| error.to_string()));
        }
        let journal = again(|| match &self.memory.journal {
            Some(old) => old.write(Which::Journal, lab),
            None => record::forget(Which::Journal, lab),
        });
        // A rename may have been done that was said to have failed.
        let state = again(|| match &self.memory.state {
            Some(state) => state.write(Which::State, lab),
            None => record::forget(Which::State, lab),
        });
        for error in [journal.err(), state.err()].into_iter().flatten() {
            left.push(error.to_string());
        }
        left.extend(self.unfinished(before));
        left
    }

    /// Files of namespaces that could be neither finished nor deleted, a line each.
    fn unfinished(&self, before: &Topology) -> Vec<String> {
        let mut lines = Vec::new();
        for place in self.wanted.places.iter().chain(&before.places) {
            if let (Some(name), true) = (&place.name, place.dns.is_some() || !place.hosts.is_empty()) {
                make::unfinished_of(name, &mut lines);
            }
        }
        lines
    }

    /// Names that the run was to make, of places that are meant.
    fn new_names(&self, before: &Topology, is_meant: &dyn Fn(&&Place) -> bool) -> Vec<NsName> {
        let is_new = |name: &&NsName| before.places.iter().all(|place| place.name.as_ref() != Some(name));
        let names = self.wanted.places.iter().filter(is_meant).filter_map(|place| place.name.as_ref());
        names.filter(is_new).cloned().collect()
    }
}

impl Way {
    /// Whether a device was moved to a namespace, which it would be lost with.
    fn has_moved(&self, name: &NsName, world: &World) -> bool {
        let is_there = |place: usize| world.places.get(place).is_some_and(|seen| seen.name.as_ref() == Some(name));
        let mut steps = self.trail.iter().flat_map(|(plan, _)| &plan.steps);
        steps.any(|step| matches!(step.act, Act::MoveLink { to, .. } if is_there(to)))
    }
}

/// What was sent, a line each, where it could not be looked at. Of namespaces that were let go only files are left.
#[cold]
fn told(site: &Site<'_>, trail: &[(Plan, Vec<bool>)], world: &World) -> Vec<String> {
    let mut lines = vec!["what could not be looked at; sent was:".to_owned()];
    for (plan, sent) in trail {
        for (step, _) in plan.steps.iter().zip(sent).filter(|(_, sent)| **sent) {
            let name = world.places.get(step.place).and_then(|seen| seen.name.as_ref());
            let place = name.map_or(Some(0), |name| site.sockets.find(name));
            let is_there = place.is_some_and(|place| site.sockets.presence(place) == Presence::There);
            if is_there || matches!(step.act, Act::File { .. }) {
                lines.push((site.describe)(plan, world, step));
            }
        }
    }
    lines
}

/// The indexes that links had, to be had again.
fn had(world: &World) -> Vec<(Option<NsName>, IfName, NonZeroU32)> {
    let mut had = Vec::new();
    for seen in &world.places {
        for link in &seen.state.links {
            if let Some((name, index)) = IfName::new(&link.name).zip(NonZeroU32::new(link.index)) {
                had.push((seen.name.clone(), name, index));
            }
        }
    }
    had
}

/// The namespaces among what was adopted: their mark, on `lo`, is taken off by the plan of the way back.
pub fn adopted_netns(adopted: &[(String, u32)]) -> Vec<NsName> {
    adopted.iter().filter(|row| row.1 == 1).filter_map(|row| NsName::new(row.0.as_bytes())).collect()
}

/// Takes the marks off links that were not ours before.
pub fn unmark(sockets: &mut Sockets, lab: &Lab, adopted: &[(String, u32)]) -> Result<()> {
    for (name, index) in adopted.iter().filter(|row| row.1 != 1) {
        let netns = NsName::new(name.as_bytes());
        let place = match &netns {
            None => Some(0),
            Some(netns) => sockets.find(netns),
        };
        let (Some(place), Some(index)) = (place, NonZeroU32::new(*index)) else { continue };
        let Ok(socket) = sockets.route(place) else { continue };
        let link = match socket.get(&GetLink::Index(index.get())) {
            Ok(Some(link)) => link,
            Err(error) if error.errno() != Some(libc::ENODEV) => return Err(error),
            _ => continue,
        };
        let id = LinkId { ns: u32::try_from(place).unwrap_or(u32::MAX), index };
        let is_ours = |text: &[u8]| Mark::parse(text).is_some_and(|mark| lab.owns(mark));
        let mut change = LinkChange::default();
        if link.group == Some(lab.group()) {
            change.numbers.push((LinkNumber::Group, 0));
        }
        if link.alias.as_deref().is_some_and(is_ours) {
            change.alias = Some(Vec::new());
        }
        if !change.numbers.is_empty() || change.alias.is_some() {
            socket.request(encode(&Op::ChangeLink(id, change)))?;
        }
        let marks: Vec<Vec<u8>> = link.altnames.into_iter().filter(|name| is_ours(name)).collect();
        if !marks.is_empty() {
            socket.request(encode(&Op::AltNames(ListVerb::Delete, id, marks)))?;
        }
    }
    Ok(())
}
