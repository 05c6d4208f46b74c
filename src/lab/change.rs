//! One change of a lab, from the lock to the end: there, or all the way back.

use std::num::NonZeroU32;
use std::time::Duration;

use super::claims;
use super::lock::{Lock, Waited};
use super::look;
use super::memory::{Memory, Recalled, index_of};
use super::record::{self, Record, Which, again};
use super::run::{Mood, run};
use super::site::{self, Site};
use super::{Ended, Manner, Progress, make, settle, timer, words};
use crate::error::{Error, Result};
use crate::export;
use crate::model::lab::{Lab, Mark};
use crate::model::link::{LinkChange, LinkId, LinkNumber, ListVerb};
use crate::model::name::{IfName, NsName};
use crate::model::op::Op;
use crate::model::plan::{Plan, Sign};
use crate::model::topology::{Origin, Place, Topology};
use crate::model::world::World;
use crate::plan::{self, Known, Options};
use crate::sys::signal::Signals;
use crate::wire::encode;
use crate::wire::link::GetLink;

/// How often a network is looked at and put right before that counts as failed: side effects of what was taken away
/// (the further addresses of a first one, the routes of a link that goes down) are put right in a second pass.
const PASSES: u32 = 3;
/// How often the way back is tried.
const WAYS_BACK: u32 = 5;
/// Between two looks at what goes by itself: the links of a namespace that dies.
const DYING: Duration = Duration::from_millis(40);

/// What a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// To what a file says.
    Apply,
    /// To nothing.
    Down,
    /// To what was there before a run that was interrupted.
    Recover,
}

/// What stays the same all through a change.
struct Change<'a> {
    verb: Verb,
    manner: Manner,
    lab: &'a Lab,
    memory: Memory,
    recalled: Recalled,
    /// What is wanted, with what is to be put back.
    wanted: Topology,
    /// What the state will say.
    after: String,
    /// What other labs are to put back in our place: number of the lab, its namespace, name and value.
    heritage: Vec<(usize, Option<NsName>, crate::model::topology::Sysctl)>,
    indexes: (u32, u32),
    first_index: u32,
}

/// Carries out a change. `asked` is what a file says; nothing for the other verbs.
pub fn change(verb: Verb, name: &str, asked: Option<&Topology>, manner: Manner, progress: Progress<'_>) -> Ended {
    match begin(verb, name, asked, manner, progress) {
        Ok(ended) => ended,
        Err(error) => Ended::Refused(error),
    }
}

/// Up to the first change, every failure is a refusal.
fn begin(verb: Verb, name: &str, asked: Option<&Topology>, manner: Manner, progress: Progress<'_>) -> Result<Ended> {
    let signals = Signals::hold(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP]);
    let signals = signals.map_err(|e| Error::sys("signalfd", &e))?;
    if let Some(asked) = asked
        && !settle::devices(asked, &signals)?
    {
        return Err(interrupted());
    }
    let lock = match Lock::wait(manner.lock_wait, &signals)? {
        Waited::Ours(lock) => lock,
        Waited::Held(pid) => return Ok(Ended::Locked(pid)),
        Waited::Stopped => return Err(interrupted()),
    };
    again(|| record::tidy(name))?;
    let lab = Lab::new(name);
    let memory = Memory::read(name)?;
    let nothing = Topology { name: name.to_owned(), places: vec![Place::default()] };
    let (mut wanted, after) = match (verb, &memory.journal) {
        (Verb::Recover, None) => return Ok(Ended::Unchanged),
        (Verb::Recover, Some(journal)) => {
            let before = record::topology(&journal.before);
            (before.ok_or_else(|| Error::usage("the journal does not say what was there before"))?, String::new())
        }
        _ => {
            let wanted = asked.cloned().unwrap_or(nothing);
            let line = if verb == Verb::Apply { record::line(&wanted) } else { String::new() };
            (wanted, line)
        }
    };
    let recalled = memory.recall(name, &wanted, &after)?;
    // What was claimed and is not any more is put back to what it was, if it still is as we left it.
    let mut restore = Topology::default();
    if let (Some(own), true) = (&recalled.own, verb != Verb::Recover) {
        restore = claims::to_restore(&recalled.original, own, &wanted);
    }
    let plain = wanted.clone();
    claims::join(&mut wanted, restore.clone());
    let mut sockets = look::open(&wanted, &lab, memory.names(&recalled).as_deref())?;
    let mut world = recalled.look(&mut sockets, &wanted, &lab)?;
    if verb != Verb::Apply {
        forgive(&mut world);
    }
    let mut heritage = Vec::new();
    if let Some(own) = &recalled.own {
        let others: Vec<Topology> = recalled.others.iter().map(|(_, topology)| topology.clone()).collect();
        claims::settle(&mut restore, own, &others, &world, &mut |lab, netns, sysctl| {
            heritage.push((lab, netns.cloned(), sysctl.clone()));
        });
    }
    let mut wanted = plain;
    claims::join(&mut wanted, restore);
    let (indexes, first_index) = memory.indexes();
    let change = Change { verb, manner, lab: &lab, memory, recalled, wanted, after, heritage, indexes, first_index };
    let mut site = Site::new(&lab, sockets, &signals);
    if verb == Verb::Recover
        && let Some(journal) = &change.memory.journal
    {
        unmark(&mut site, &journal.adopted)?;
    }
    let ended = change.carry_out(&mut site, &world, progress);
    drop(lock);
    ended
}

/// Looks and plans, and changes nothing.
pub fn plan(topology: &Topology, options: Options) -> Result<(World, std::result::Result<Plan, Vec<plan::Conflict>>)> {
    let name = &topology.name;
    let lab = Lab::new(name);
    let memory = Memory::read(name)?;
    let recalled = memory.recall(name, topology, &record::line(topology))?;
    let mut restore = Topology::default();
    if let Some(own) = &recalled.own {
        restore = claims::to_restore(&recalled.original, own, topology);
    }
    let mut wanted = topology.clone();
    claims::join(&mut wanted, restore.clone());
    let mut sockets = look::open(&wanted, &lab, memory.names(&recalled).as_deref())?;
    let world = recalled.look(&mut sockets, &wanted, &lab)?;
    if let Some(own) = &recalled.own {
        let others: Vec<Topology> = recalled.others.iter().map(|(_, topology)| topology.clone()).collect();
        claims::settle(&mut restore, own, &others, &world, &mut |_, _, _| {});
    }
    let mut wanted = topology.clone();
    claims::join(&mut wanted, restore);
    let ((_, _), index) = memory.indexes();
    let known = recalled.known(memory.journal.as_ref().and_then(|journal| journal.indexes));
    let plan = plan::plan(&wanted, &world, &known, Options { index, ..options });
    Ok((world, plan))
}

/// On the way back, a parameter that is gone with somebody's link must not keep the rest from being put back.
fn forgive(world: &mut World) {
    world.places.iter_mut().for_each(|seen| seen.lacking.clear());
}

#[cold]
fn interrupted() -> Error {
    Error::usage("interrupted by a signal")
}

impl Change<'_> {
    fn carry_out(&self, site: &mut Site<'_>, world: &World, progress: Progress<'_>) -> Result<Ended> {
        let mut known = self.recalled.known(self.memory.journal.as_ref().and_then(|journal| journal.indexes));
        if let (Verb::Recover, Some(journal)) = (self.verb, &self.memory.journal) {
            known.released = adopted_netns(&journal.adopted);
        }
        let plan = match plan::plan(&self.wanted, world, &known, self.options(0)) {
            Ok(plan) => plan,
            Err(conflicts) => return Ok(Ended::Conflicts(conflicts)),
        };
        if plan.steps.is_empty() {
            return self.nothing_to_do();
        }
        let (foreign, adopted) = (claims::found(&plan, world), self.adopted(&plan, world));
        let (mut before, _) = export::topology(world, Some(self.lab), self.lab.name());
        before.name.clear();
        before.name.push_str(self.lab.name());
        claims::add(&mut before, &foreign);
        claims::to_links(&mut before);
        let mut original = self.recalled.original.clone();
        claims::add(&mut original, &without(foreign, &adopted));
        let mut journal = Record {
            original: record::line(&original),
            before: record::line(&before),
            after: self.after.clone(),
            // What a run that was killed began with is known until this one has ended.
            kept: if self.memory.journal.is_some() { self.memory.kept(&self.after) } else { self.kept() },
            indexes: Some(self.indexes),
            adopted,
        };
        journal.write(Which::Journal, self.lab.name())?;
        let mut way = Way { before, original, trail: Vec::new(), at: None };
        let done = self.there(site, plan, world, &mut way, progress);
        let done = done.and_then(|counts| self.publish(site, &mut journal, &way).map(|()| counts));
        if let (Ok(counts), Some(time), Verb::Apply) = (&done, self.manner.confirm, self.verb) {
            let mut child = match timer::split(self.lab.name(), site, time, self.manner.on_wait) {
                Ok(timer::Side::Parent(Some(ended))) => return Ok(ended),
                Ok(timer::Side::Parent(None)) => return Ok(Ended::Done(*counts)),
                Ok(timer::Side::Child(child)) => child,
                Err(error) => return Ok(self.outcome(site, Err(error), &way, &journal, world)),
            };
            let done = child.wait(time, site).and(done);
            child.end(&self.outcome(site, done, &way, &journal, world))
        }
        Ok(self.outcome(site, done, &way, &journal, world))
    }

    /// Commits what is done; or goes back, and tells how that went.
    fn outcome(
        &self,
        site: &mut Site<'_>,
        done: Result<[usize; 4]>,
        way: &Way,
        journal: &Record,
        world: &World,
    ) -> Ended {
        match done.and_then(|counts| self.commit().map(|()| counts)) {
            Ok(counts) => {
                site.finish();
                Ended::Done(counts)
            }
            Err(error) => {
                let left = self.back(site, way, journal, world);
                if left.is_empty() { Ended::RolledBack(error, way.at) } else { Ended::Partial(error, way.at, left) }
            }
        }
    }

    fn options(&self, pass: u32) -> Options {
        let index = index_of(self.first_index, pass);
        match self.verb {
            Verb::Apply => Options { index, ..self.manner.options },
            _ => Options { index, adopt: false, replace: true, prune: true },
        }
    }

    fn adopted(&self, plan: &Plan, world: &World) -> Vec<(String, u32)> {
        if self.options(0).adopt { claims::adopted(plan, world) } else { Vec::new() }
    }

    /// Nothing differs: at most, what is known is brought up to date.
    fn nothing_to_do(&self) -> Result<Ended> {
        let lab = self.lab.name();
        let mut swept = 0;
        match (self.verb, &self.memory.journal, &self.memory.state) {
            (Verb::Apply, None, Some(state)) if state.after == self.after && state.kept == self.kept() => {}
            (Verb::Apply, ..) => {
                again(|| self.leave())?;
                self.sweep()?;
                let mut original = self.recalled.original.clone();
                claims::keep_claimed(&mut original, &self.wanted);
                let state = Record {
                    original: record::line(&original),
                    after: self.after.clone(),
                    kept: self.kept(),
                    ..Record::default()
                };
                state.write(Which::State, lab)?;
                again(|| record::forget(Which::Journal, lab))?;
            }
            (verb, ..) => {
                swept = self.sweep()?;
                if verb == Verb::Down {
                    again(|| self.leave())?;
                    again(|| record::forget(Which::State, lab))?;
                }
                again(|| record::forget(Which::Journal, lab))?;
            }
        }
        Ok(if swept == 0 { Ended::Unchanged } else { Ended::Done([0, 0, 0, swept]) })
    }

    /// What the lab goes on having that is not asked for.
    fn kept(&self) -> Vec<String> {
        if self.options(0).prune { Vec::new() } else { self.memory.kept(&self.after) }
    }

    /// Takes away what an interrupted run has left of namespaces that are not wanted: how many files.
    fn sweep(&self) -> Result<usize> {
        if !self.options(0).prune {
            return Ok(0);
        }
        let names = self.leftovers();
        Ok(site::sweep(&names)? + make::sweep_files(self.lab, &names)?)
    }

    /// Names that a run may have left files of.
    fn leftovers(&self) -> Vec<NsName> {
        let is_wanted = |name: &NsName| self.wanted.places.iter().any(|place| place.name.as_ref() == Some(name));
        let own = self.recalled.own.iter().flat_map(|own| &own.places).filter_map(|place| place.name.as_ref());
        own.filter(|name| !is_wanted(name)).cloned().collect()
    }

    /// Goes on until nothing differs: how many objects were made, changed, made anew, taken away.
    fn there(
        &self,
        site: &mut Site<'_>,
        mut plan: Plan,
        world: &World,
        way: &mut Way,
        progress: Progress<'_>,
    ) -> Result<[usize; 4]> {
        let counts = tally(&plan);
        let known = self.recalled.known_with(&self.wanted, self.indexes);
        // Rule sets are read where there may be rules of ours: where none were, and none are wanted, there are none.
        let has_rules = world.places.iter().any(|seen| !seen.translations.is_empty() || seen.foreign_rules);
        let own = if has_rules { self.recalled.own.as_ref() } else { known.own.as_ref() };
        let mut newer: Option<World> = None;
        let mut failed = None;
        for pass in 1..=PASSES {
            let ran = run(site, &plan, newer.as_ref().unwrap_or(world), Mood::Forward, Some(&mut *progress));
            for (netns, sysctl) in site.found.drain(..) {
                claims::add_sysctl(&mut way.original, netns.as_ref(), sysctl);
            }
            way.trail.push((plan, ran.sent));
            way.at = ran.at;
            match &ran.error {
                _ if ran.stopped => return Err(interrupted()),
                Some(error) if !ran.lost => return Err(error.clone()),
                _ => {}
            }
            if ran.lost {
                site.mark_staged();
            }
            if ran.stale {
                std::thread::sleep(DYING);
            }
            settle::carriers(site, &self.wanted);
            let mut seen = again(|| self.recalled.look_at(&mut site.sockets, &self.wanted, self.lab, own))?;
            if self.verb != Verb::Apply {
                forgive(&mut seen);
            }
            plan = match plan::plan(&self.wanted, &seen, &known, self.options(pass)) {
                Ok(plan) => plan,
                Err(conflicts) => return Err(Error::usage(texts(&conflicts).join("; "))),
            };
            if plan.steps.is_empty() {
                settle::addresses(site, &self.wanted, &seen)?;
                return if site.is_stopped() { Err(interrupted()) } else { Ok(counts) };
            }
            newer = Some(seen);
            failed = ran.error;
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let still = plan.steps.first().map(|step| words::line(&plan, newer.as_ref().unwrap_or(world), step));
        Err(Error::usage(["not as asked after it was done: ", &still.unwrap_or_default()].concat()))
    }

    /// Gives what was made its names.
    fn publish(&self, site: &mut Site<'_>, journal: &mut Record, way: &Way) -> Result<()> {
        let mut original = way.original.clone();
        claims::keep_claimed(&mut original, &self.wanted);
        let original = record::line(&original);
        let kept = if self.verb == Verb::Apply { self.kept() } else { journal.kept.clone() };
        if original != journal.original || kept != journal.kept {
            (journal.original, journal.kept) = (original, kept);
            journal.write(Which::Journal, self.lab.name())?;
        }
        site.publish(&|_| true)
    }

    /// The end: what is known says that it is done.
    fn commit(&self) -> Result<()> {
        let lab = self.lab.name();
        again(|| self.leave())?;
        self.sweep()?;
        if self.verb == Verb::Apply {
            return again(|| record::commit(lab));
        }
        if self.verb == Verb::Down {
            again(|| record::forget(Which::State, lab))?;
        }
        again(|| record::forget(Which::Journal, lab))
    }

    /// Leaves it to the other labs that claim the same parameters to put back what we found.
    fn leave(&self) -> Result<()> {
        for (number, netns, sysctl) in &self.heritage {
            let Some((name, _)) = self.recalled.others.get(*number) else { continue };
            let Some(mut record) = Record::read(Which::State, name)? else { continue };
            let mut original = record::topology(&record.original).unwrap_or_default();
            original.name.clone_from(name);
            claims::put_sysctl(&mut original, netns.as_ref(), sysctl.clone());
            record.original = record::line(&original);
            record.write(Which::State, name)?;
        }
        Ok(())
    }

    /// All the way back: what is left, a line each.
    fn back(&self, site: &mut Site<'_>, way: &Way, journal: &Record, world: &World) -> Vec<String> {
        site.go_back();
        let before = &way.before;
        let both = claims::union(self.wanted.clone(), before);
        let known = Known {
            released: adopted_netns(&journal.adopted),
            had: had(world),
            ..self.recalled.known_with(&both, self.indexes)
        };
        let mut left = None;
        for attempt in 0..=WAYS_BACK {
            // Only what the last look found counts.
            left = None;
            let mut is_right = site.take_back().is_ok();
            site.mark_staged();
            is_right &= unmark(site, &journal.adopted).is_ok();
            site.sockets.arrange(before.places.iter().filter_map(|place| place.name.as_ref()));
            let Ok(mut seen) = self.recalled.look_at(&mut site.sockets, before, self.lab, Some(&both)) else {
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
                return self.put_records_back(before);
            }
            left = Some(plan.steps.iter().map(|step| words::line(&plan, &seen, step)).collect());
            if attempt == WAYS_BACK {
                break;
            }
            let ran = run(site, &plan, &seen, Mood::Back, None);
            let is_before = |name: &NsName| before.places.iter().any(|place| place.name.as_ref() == Some(name));
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
        let mut left = left.unwrap_or_else(|| told(&way.trail, world));
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
        let state = again(|| match &self.memory.state {
            Some(state) if self.verb == Verb::Down => state.write(Which::State, lab),
            _ => Ok(()),
        });
        for error in [journal.err(), state.err()].into_iter().flatten() {
            left.push(error.to_string());
        }
        left
    }

    /// Names that the run was to make, of places that are meant.
    fn new_names(&self, before: &Topology, is_meant: &dyn Fn(&&Place) -> bool) -> Vec<NsName> {
        let is_new = |name: &&NsName| before.places.iter().all(|place| place.name.as_ref() != Some(name));
        let names = self.wanted.places.iter().filter(is_meant).filter_map(|place| place.name.as_ref());
        names.filter(is_new).cloned().collect()
    }
}

/// What is needed to go back.
struct Way {
    before: Topology,
    original: Topology,
    /// What was sent.
    trail: Vec<(Plan, Vec<bool>)>,
    /// Where the file says what failed.
    at: Option<Origin>,
}

/// What was sent, a line each, where it could not be looked at.
#[cold]
fn told(trail: &[(Plan, Vec<bool>)], world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for (plan, sent) in trail {
        for (step, _) in plan.steps.iter().zip(sent).filter(|(_, sent)| **sent) {
            lines.push(words::line(plan, world, step));
        }
    }
    lines
}

fn texts(conflicts: &[plan::Conflict]) -> Vec<String> {
    conflicts.iter().map(|conflict| conflict.text.clone()).collect()
}

/// How many objects a plan makes, changes, makes anew and takes away.
fn tally(plan: &Plan) -> [usize; 4] {
    let mut counts = [0; 4];
    for step in &plan.steps {
        let at = match step.sign {
            Sign::Create => 0,
            Sign::Change => 1,
            Sign::Replace => 2,
            Sign::Remove => 3,
            Sign::Part => continue,
        };
        counts[at] += 1;
    }
    counts
}

/// What was found of things that are not ours, without links that have become ours.
fn without(mut found: Topology, adopted: &[(String, u32)]) -> Topology {
    if !adopted.is_empty() {
        found.places.iter_mut().for_each(|place| place.links.clear());
    }
    found
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
fn adopted_netns(adopted: &[(String, u32)]) -> Vec<NsName> {
    adopted.iter().filter(|row| row.1 == 1).filter_map(|row| NsName::new(row.0.as_bytes())).collect()
}

/// Takes the marks off links that were not ours before.
fn unmark(site: &mut Site<'_>, adopted: &[(String, u32)]) -> Result<()> {
    for (name, index) in adopted.iter().filter(|row| row.1 != 1) {
        let netns = NsName::new(name.as_bytes());
        let place = match &netns {
            None => Some(0),
            Some(netns) => site.sockets.find(netns),
        };
        let (Some(place), Some(index)) = (place, NonZeroU32::new(*index)) else { continue };
        let lab = site.lab;
        let Ok(socket) = site.sockets.route(place) else { continue };
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
