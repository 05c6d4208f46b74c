//! Carries out the steps of a plan. Messages for one namespace go in one send; namespaces are made by a thread of
//! their own, and a new one is filled as soon as all links that are born in it are there.

use super::claims::FORWARD;
use super::order::order;
use super::site::Site;
use super::{make, settle};
use crate::error::{Error, Kind, Result};
use crate::lab::Progress;
use crate::lab::stage::Maker;
use crate::model::link::{LinkChange, LinkNumber, ListVerb, NetnsRef, NewKind};
use crate::model::op::Op;
use crate::model::plan::{Act, MakeLink, Plan, Sign, Step};
use crate::model::topology::{Origin, Sysctl};
use crate::model::world::World;
use crate::socket::Query;
use crate::wire::build::{Request, Route};
use crate::wire::encode;
use crate::wire::link::GetLink;

/// Links that are made in one send while namespaces are still being made: few enough to keep both threads at work.
pub const WAVE: usize = 16;
/// Messages that are gathered for one send.
const MOST: usize = 1024;
/// Questions in one send: their answers fit the default receive buffer.
const QUESTIONS: usize = 16;

/// How a run of steps went.
#[derive(Debug, Default)]
pub struct Ran {
    /// Steps that were sent or done, by number.
    pub sent: Vec<bool>,
    /// Why it ended early.
    pub error: Option<Error>,
    /// Where the file says what failed.
    pub at: Option<Origin>,
    /// The answer to one was lost, or it is not as it was when it was looked at: it must be looked at again.
    pub lost: bool,
    /// Something came or went meanwhile.
    pub stale: bool,
    /// A signal ended it.
    pub stopped: bool,
}

/// Whether a run gives up at the first failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// The way there: one failure, or a signal, ends it.
    Forward,
    /// The way back: what can be done is done; a signal ends it all the same.
    Back,
}

struct Runner<'a, 'p> {
    site: &'a mut Site<'p>,
    plan: &'a Plan,
    world: &'a World,
    mood: Mood,
    maker: Option<Maker>,
    /// Places that are still to be made, in the maker's order, last first.
    unmade: Vec<usize>,
    /// Place and messages that are not sent yet, each with the number of its step.
    place: usize,
    batch: Vec<(usize, Request<Route>)>,
    ran: Ran,
}

/// Carries out a plan.
pub fn run(site: &mut Site<'_>, plan: &Plan, world: &World, mood: Mood, progress: Option<Progress<'_>>) -> Ran {
    let mut unmade: Vec<usize> = Vec::new();
    for step in plan.steps.iter().filter(|step| matches!(step.act, Act::MakeNetns)) {
        unmade.push(step.place);
    }
    unmade.reverse();
    let ran = Ran { sent: vec![false; plan.steps.len()], ..Ran::default() };
    let mut runner = Runner { site, plan, world, mood, maker: None, unmade, place: 0, batch: Vec::new(), ran };
    let result = runner.all(progress).and_then(|()| runner.barrier());
    if let Err(error) = result
        && runner.ran.error.is_none()
    {
        runner.ran.error = Some(error);
    }
    runner.ran
}

impl Runner<'_, '_> {
    fn all(&mut self, mut progress: Option<Progress<'_>>) -> Result<()> {
        if !self.unmade.is_empty() {
            self.maker = Some(super::record::again(|| Maker::start(self.unmade.len()))?);
        }
        let order = order(self.plan);
        let mut objects = 0;
        for number in &order {
            let plan = self.plan;
            let Some(step) = plan.steps.get(*number) else { continue };
            if let Some(progress) = progress.as_mut().filter(|_| step.sign != Sign::Part) {
                objects += 1;
                progress(objects, step, plan, self.world);
            }
            let done = self.step(*number, step);
            self.heed(number, done)?;
            if self.ran.stopped || self.ran.lost {
                return Ok(());
            }
        }
        self.flush()
    }

    /// Takes the outcome of a step: on the way there the first failure is the end.
    fn heed(&mut self, number: &usize, done: Result<()>) -> Result<()> {
        let Err(error) = done else { return Ok(()) };
        let step = &self.plan.steps[*number];
        let error = error.doing(|| (self.site.describe)(self.plan, self.world, step));
        if self.mood == Mood::Forward {
            self.ran.at = self.ran.at.or(step.at);
            return Err(error);
        }
        self.ran.error.get_or_insert(error);
        Ok(())
    }

    fn step(&mut self, number: usize, step: &Step) -> Result<()> {
        let request = match &step.act {
            Act::MakeLink(made) => Some(self.link(step.place, made)?),
            Act::Op(op) => Some(encode(op)),
            Act::MoveLink { link, name, to, index } => {
                self.ready(*to)?;
                self.site.open_home()?;
                let netns = Some(NetnsRef::Fd(self.site.descriptor(*to)?));
                let numbers = vec![(LinkNumber::NewIndex, index.get())];
                let change = LinkChange { netns, numbers, name: Some(*name), ..LinkChange::default() };
                Some(encode(&Op::ChangeLink(*link, change)))
            }
            _ => None,
        };
        if let Some(request) = request {
            if self.place != step.place || self.batch.len() >= MOST || self.is_wave(step) {
                self.flush()?;
            }
            self.place = step.place;
            self.batch.push((number, request));
            return Ok(());
        }
        self.flush()?;
        if self.ran.stopped || self.ran.lost {
            return Ok(());
        }
        self.ran.sent[number] = true;
        match &step.act {
            // Begun by the maker; taken in when something is put into it, or here if nothing is.
            Act::MakeNetns => Ok(()),
            Act::DeleteNetns => {
                self.site.retire(step.place);
                Ok(())
            }
            Act::MakeTap { name, index, flags, user, group } => {
                self.ready(step.place)?;
                let tap = make::Tap { name: *name, index: index.get(), flags: *flags, user: *user, group: *group };
                self.site.inside(step.place, || make::tap(&tap))
            }
            Act::Sysctl { name, from, to } => {
                self.ready(step.place)?;
                if name == FORWARD[1] {
                    settle::in_use(self.site, step.place)?;
                }
                let found = self.site.inside(step.place, || make::sysctl(name, from.is_none(), to))?;
                if let Some(value) = found {
                    let sysctl = Sysctl { name: name.clone(), value };
                    self.site.found.push((self.place_name(step.place), sysctl));
                }
                Ok(())
            }
            Act::Translations(list) => {
                self.ready(step.place)?;
                let lab = self.site.lab;
                self.site.inside(step.place, || make::translations(lab, list))
            }
            Act::File { file, text } => {
                let seen = self.world.places.get(step.place);
                let Some((seen, name)) = seen.and_then(|seen| Some((seen, seen.name.as_ref()?))) else {
                    return Err(Error::usage("a file of the host"));
                };
                let found = seen.files.iter().find(|found| found.0 == *file).map(|found| found.1.as_str());
                make::etc_file(self.site.lab, name, *file, found, text.as_deref())
            }
            Act::MakeLink(_) | Act::MoveLink { .. } | Act::Op(_) => Ok(()),
        }
    }

    fn place_name(&self, place: usize) -> Option<crate::model::name::NsName> {
        self.world.places.get(place)?.name.clone()
    }

    /// Whether a step begins the next send while namespaces are being made.
    fn is_wave(&self, step: &Step) -> bool {
        let waiting = !self.unmade.is_empty() && matches!(step.act, Act::MakeLink(_));
        waiting && self.batch.len() >= WAVE
    }

    /// The message that makes a link, with the namespaces that its ends are born in.
    fn link(&mut self, place: usize, made: &MakeLink) -> Result<Request<Route>> {
        for place in [Some(place), Some(made.into), made.peer_into].into_iter().flatten() {
            self.ready(place)?;
        }
        self.site.open_home()?;
        let mut new = made.new.clone();
        if made.into != place {
            new.change.netns = Some(NetnsRef::Fd(self.site.descriptor(made.into)?));
        }
        if let Some(to) = made.peer_into.filter(|to| *to != made.into || made.into != place) {
            let netns = Some(NetnsRef::Fd(self.site.descriptor(to)?));
            match &mut new.kind {
                NewKind::Veth { peer: Some(peer) } | NewKind::Pair(_, peer) => peer.change.netns = netns,
                _ => {}
            }
        }
        Ok(encode(&Op::CreateLink(new)))
    }

    /// Takes new namespaces in until one is there.
    fn ready(&mut self, place: usize) -> Result<()> {
        while self.unmade.contains(&place) {
            if !self.batch.is_empty() && !self.maker.as_ref().is_some_and(Maker::has_more) {
                self.flush()?;
                // That may have taken in what its messages go to, and with it all that is waited for here.
                continue;
            }
            let Some(maker) = &mut self.maker else { break };
            let Some(next) = self.unmade.pop() else { break };
            let made = maker.next().map_err(|error| {
                // Whoever needs it is not to blame.
                let is = |step: &&Step| step.place == next && matches!(step.act, Act::MakeNetns);
                let Some(step) = self.plan.steps.iter().find(is) else { return error };
                self.ran.at = self.ran.at.or(step.at);
                error.doing(|| (self.site.describe)(self.plan, self.world, step))
            })?;
            self.site.stage(next, made);
        }
        Ok(())
    }

    /// Sends what was gathered, and looks whether a signal came.
    fn flush(&mut self) -> Result<()> {
        if self.site.is_stopped() {
            self.ran.stopped = true;
            self.batch.clear();
            return Ok(());
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        let (mut numbers, mut requests) = (Vec::with_capacity(self.batch.len()), Vec::with_capacity(self.batch.len()));
        for (number, request) in self.batch.drain(..) {
            numbers.push(number);
            requests.push(request);
        }
        // Nothing is gathered any more: to wait for the place sends nothing else first.
        self.ready(self.place)?;
        let outcomes = self.site.sockets.route(self.place)?.batch(requests)?;
        let mut first = Ok(());
        for (number, outcome) in numbers.iter().zip(outcomes) {
            self.ran.sent[*number] = true;
            let Err(error) = outcome else { continue };
            let step = &self.plan.steps[*number];
            if is_gone(step, &error) {
                continue;
            }
            let is_lost = matches!(error.kind, Kind::Lost { .. });
            if is_lost || is_stale(step, &error) {
                self.ran.lost = true;
                self.ran.stale |= !is_lost;
            }
            let done = self.other_way(step, error);
            let done = self.heed(number, done);
            if first.is_ok() {
                first = done;
            }
        }
        first
    }

    /// Does what the kernel lacks another way, if there is one.
    #[cold]
    fn other_way(&mut self, step: &Step, error: Error) -> Result<()> {
        if let Act::Op(op) = &step.act
            && let Op::AltNames(ListVerb::Add, id, names) = op.as_ref()
            && matches!(error.errno(), Some(libc::EOPNOTSUPP | libc::EINVAL))
            && let Some(mark) = names.iter().find_map(|name| crate::model::lab::Mark::parse(name))
        {
            // Alternative names came with kernel 5.5.
            let is_asked = |step: &Step| match &step.act {
                Act::Op(op) => {
                    matches!(op.as_ref(), Op::ChangeLink(link, change) if link == id && change.alias.is_some())
                }
                _ => false,
            };
            if self.plan.steps.iter().any(is_asked) {
                let text =
                    "this kernel has no alternative names (before 5.5): the alias bears the mark, leave `alias` out";
                return Err(Error::usage(text));
            }
            let change = LinkChange { alias: Some(mark.alias().into_bytes()), ..LinkChange::default() };
            let socket = self.site.sockets.route(step.place)?;
            return socket.request(encode(&Op::ChangeLink(*id, change))).map(|_| ());
        }
        Err(error)
    }

    /// Waits until the ports that were made pass packets on: to ask for one link makes the kernel do at once what it
    /// has put off for it.
    fn barrier(&mut self) -> Result<()> {
        if self.ran.lost || self.ran.stopped {
            return Ok(());
        }
        // Namespaces that nothing was put into.
        while let Some(place) = self.unmade.last().copied() {
            self.ready(place)?;
        }
        let mut ports: Vec<(usize, u32)> = Vec::new();
        for step in &self.plan.steps {
            if let Act::MakeLink(made) = &step.act
                && made.new.change.master.is_some()
                && let Some(index) = made.new.index
            {
                ports.push((made.into, index.get()));
            }
        }
        while let Some((place, _)) = ports.last().copied() {
            let mut questions = Vec::new();
            while let Some((other, index)) = ports.last().copied().filter(|(other, _)| *other == place) {
                if questions.len() == QUESTIONS || other != place {
                    break;
                }
                questions.push(GetLink::Index(index).encode());
                ports.pop();
            }
            // What it answers does not matter: the links are looked at afterwards.
            let _ = self.site.sockets.route(place)?.batch(questions);
        }
        Ok(())
    }
}

/// Whether what a step takes away is gone already: with its link, its address, its gateway, or the IPv6 of its link.
fn is_gone(step: &Step, error: &Error) -> bool {
    let gone =
        matches!(error.errno(), Some(libc::ENODEV | libc::ESRCH | libc::EADDRNOTAVAIL | libc::ENOENT | libc::ENXIO));
    let takes = match &step.act {
        Act::Op(op) => matches!(op.as_ref(), Op::DeleteLink(_) | Op::DeleteGroup(_)),
        _ => false,
    };
    gone && (takes || step.sign == Sign::Remove)
}

/// Whether a step fails since something has come or gone since it was looked at, such as the links of a namespace
/// that dies: it is looked at again then, and planned again.
fn is_stale(step: &Step, error: &Error) -> bool {
    match error.errno() {
        Some(libc::ENODEV) => true,
        Some(libc::EEXIST | libc::EBUSY) => matches!(step.act, Act::MakeLink(_)),
        // A link that goes up loses an IPv6 address for which memory is short at that moment, without a word, and with
        // it the way to a gateway (`addrconf_permanent_addr`).
        Some(libc::EHOSTUNREACH) => matches!(&step.act, Act::Op(op) if matches!(op.as_ref(), Op::Route(..))),
        _ => false,
    }
}
