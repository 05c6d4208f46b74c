//! One change of a lab, from the lock to the end: there, or all the way back.

mod back;
mod records;

use std::time::Duration;

use back::{adopted_netns, unmark};

use super::claims;
use super::lock::{Lock, Waited};
use super::look;
use super::memory::{Memory, Recalled, index_of};
use super::record::{self, Record, Which, again};
use super::run::{Mood, run};
use super::site::Site;
use super::sockets::Sockets;
use super::{Ended, Manner, Progress, devices, interrupted, lent, settle, timer};
use crate::error::{Error, Result};
use crate::export;
use crate::model::lab::Lab;
use crate::model::name::NsName;
use crate::model::plan::{Plan, Sign};
use crate::model::topology::{Origin, Place, Sysctl, Topology};
use crate::model::world::World;
use crate::plan::{self, Options};
use crate::sys::process;
use crate::sys::signal::{self, Signals};

/// How often a network is looked at and put right before that counts as failed: side effects of what was taken away
/// (the further addresses of a first one, the routes of a link that goes down) are put right in a second pass.
const PASSES: u32 = 3;
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
    heritage: Vec<(usize, Option<NsName>, Sysctl)>,
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
    // Those that `nohup` and shells have set to be ignored are.
    let signals = Signals::hold(&signal::heeded(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP]));
    let signals = signals.map_err(|e| Error::sys("signalfd", &e))?;
    // What is made for others to read is, whatever the caller's mask.
    process::set_umask(0o022);
    if let (Some(asked), Verb::Apply) = (asked, verb)
        && !devices::wait(asked, &signals)?
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
    let Some(Start { memory, recalled, wanted, after, heritage, sockets, world }) = prepare(verb, &lab, asked)? else {
        return Ok(Ended::Unchanged);
    };
    let (indexes, first_index) = memory.indexes();
    let change = Change { verb, manner, lab: &lab, memory, recalled, wanted, after, heritage, indexes, first_index };
    let ended = change.carry_out(&mut Site::new(&lab, manner.describe, sockets, &signals), &world, progress);
    drop(lock);
    ended
}

/// What a change begins with.
struct Start {
    memory: Memory,
    recalled: Recalled,
    wanted: Topology,
    after: String,
    heritage: Vec<(usize, Option<NsName>, Sysctl)>,
    sockets: Sockets,
    world: World,
}

/// Finds out what is known, wanted and there; `None` if there is nothing to recover.
fn prepare(verb: Verb, lab: &Lab, asked: Option<&Topology>) -> Result<Option<Start>> {
    let name = lab.name();
    let named = asked.map(devices::named).transpose()?;
    let asked = named.as_deref();
    let memory = Memory::read(name, true)?;
    let mut after = String::new();
    let plain = match (verb, &memory.journal, asked) {
        (Verb::Recover, None, _) => return Ok(None),
        (Verb::Recover, Some(journal), _) => record::topology(&journal.before)?
            .ok_or_else(|| Error::usage("the journal does not say what was there before"))?,
        (Verb::Apply, _, Some(asked)) => {
            after = record::line(asked);
            asked.clone()
        }
        _ => Topology { name: name.to_owned(), places: vec![Place::default()] },
    };
    let mut recalled = memory.recall(name, &plain, &after)?;
    if let (Verb::Down, None, Some(asked)) = (verb, &recalled.own, asked) {
        (recalled.own, recalled.told) = (Some(asked.clone()), true);
    }
    // What was claimed and is not any more is put back to what it was, if it still is as we left it.
    let mut restore = Topology::default();
    if let (Some(own), true) = (&recalled.own, verb != Verb::Recover) {
        restore = claims::to_restore(&recalled.original, own, &plain);
    }
    let mut wanted = plain.clone();
    claims::join(&mut wanted, restore.clone());
    let mut sockets = look::open(&wanted, lab, memory.names(&recalled).as_deref())?;
    if let (Verb::Recover, Some(journal)) = (verb, &memory.journal) {
        unmark(&mut sockets, lab, &journal.adopted)?;
    }
    let mut world = recalled.look(&mut sockets, &wanted, lab)?;
    if verb != Verb::Apply {
        forgive(&mut world);
    }
    let mut heritage = Vec::new();
    if let Some(own) = &recalled.own {
        claims::settle(&mut restore, own, &recalled.others, &world, &mut |lab, netns, sysctl| {
            heritage.push((lab, netns.cloned(), sysctl.clone()));
        });
    }
    let mut wanted = plain;
    claims::join(&mut wanted, restore);
    if verb != Verb::Apply {
        claims::forget_missing(&mut wanted, &world);
    }
    Ok(Some(Start { memory, recalled, wanted, after, heritage, sockets, world }))
}

/// Looks and plans, and changes nothing.
pub fn plan(topology: &Topology, options: Options) -> Result<(World, std::result::Result<Plan, Vec<plan::Conflict>>)> {
    let lab = Lab::new(&topology.name);
    let start = prepare(Verb::Apply, &lab, Some(topology))?;
    let Start { memory, recalled, wanted, world, .. } = start.ok_or_else(|| Error::usage("nothing is asked for"))?;
    let index = memory.indexes().1;
    let known = recalled.known(memory.journal.as_ref().and_then(|journal| journal.indexes));
    let plan = plan::plan(&wanted, &world, &known, Options { index, ..options });
    Ok((world, plan))
}

/// On the way back, a parameter that is gone with somebody's link must not keep the rest from being put back.
fn forgive(world: &mut World) {
    world.places.iter_mut().for_each(|seen| seen.lacking.clear());
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
            self.put_back(site);
            return self.nothing_to_do();
        }
        site.sockets.room()?;
        let adopted = self.adopted(&plan, world);
        let foreign = claims::found(&plan, world, &adopted);
        let (mut before, _) = export::topology(world, Some(self.lab), self.lab.name());
        before.name.clear();
        before.name.push_str(self.lab.name());
        claims::add(&mut before, &foreign, true);
        claims::to_links(&mut before);
        if let Some(own) = &self.recalled.own {
            claims::add_own(&mut before, own, world);
        }
        let mut original = self.recalled.original.clone();
        claims::add(&mut original, &claims::without(foreign, &adopted, world), false);
        let mut journal = Record {
            original: record::line(&original),
            before: record::line(&before),
            after: self.after.clone(),
            // What a run that was killed began with is known until this one has ended.
            kept: if self.memory.journal.is_some() { self.memory.kept(&self.after) } else { self.kept() },
            indexes: Some(self.indexes),
            adopted,
            lent: lent::found(&plan, world),
        };
        // What cannot be read again is no way back.
        record::topology(&journal.before)?;
        journal.write(Which::Journal, self.lab.name())?;
        let mut way = Way { before, original, trail: Vec::new(), at: None };
        let done = self.there(site, plan, world, &mut way, progress);
        let done = done.and_then(|counts| self.publish(site, &mut journal, &way).map(|()| counts));
        if done.is_ok() {
            self.put_back(site);
        }
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
        let still = plan.steps.first().map(|step| (site.describe)(&plan, newer.as_ref().unwrap_or(world), step));
        Err(Error::usage(["not as asked after it was done: ", &still.unwrap_or_default()].concat()))
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
