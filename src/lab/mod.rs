//! Labs on this machine: what a file asks for is looked at, planned, done, verified and undone here.
//!
//! ```text
//! lock -> look -> plan -> journal -> run (staged) -> look -> plan is empty? -> publish -> commit
//!                                                                  no: roll back to the look before
//! ```

mod change;
mod claims;
mod devices;
mod lent;
mod lock;
pub mod look;
mod make;
mod memory;
mod order;
mod record;
mod run;
mod settle;
mod site;
pub mod sockets;
mod stage;
mod timer;

use std::time::Duration;

use crate::error::{Error, Result};
use crate::model::plan::{Plan, Step};
use crate::model::topology::{Origin, Topology};
use crate::model::world::World;
use crate::plan::{Conflict, Options};
use change::Verb;
use record::{Record, Which};

/// How a change goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How far plans may go; the index is drawn when a run begins.
    pub options: Options,
    /// How long to wait for another run to end.
    pub lock_wait: Duration,
    /// Roll back unless confirmed within this time.
    pub confirm: Option<Duration>,
    /// Says what a step does, to what and where.
    pub describe: Describe,
    /// Hears what is not as it should be, though it is no failure.
    pub note: fn(&str),
    /// Hears when it is done and waits to be confirmed: of which lab, and for how long.
    pub on_wait: fn(&str, Duration),
}

/// How a change ended.
#[derive(Debug)]
pub enum Ended {
    /// There was nothing to do.
    Unchanged,
    /// It was done: how many objects were made, changed, made anew, taken away.
    Done([usize; 4]),
    /// Nothing was changed: things are in the way.
    Conflicts(Vec<Conflict>),
    /// Nothing was changed, for a reason.
    Refused(Error),
    /// It failed, or was interrupted by a signal, and everything is as it was; where the file says what failed.
    RolledBack(Error, Option<Origin>),
    /// It failed, and so did the way back: what is left.
    Partial(Error, Option<Origin>, Vec<String>),
    /// Another run held the lock too long: the process that holds it, if that is known.
    Locked(Option<u32>),
}

/// Says what a step does, in a few words: for errors, and for the list of what is left of a run.
pub type Describe = fn(&Plan, &World, &Step) -> String;

/// Hears how a run goes on: which object is next, the step that begins it, of which plan.
pub type Progress<'a> = &'a mut dyn FnMut(usize, &Step, &Plan, &World);

#[cold]
fn interrupted() -> Error {
    Error::usage("interrupted by a signal")
}

/// Looks and plans, and changes nothing.
///
/// # Errors
/// The kernel could not be asked.
pub fn plan(topology: &Topology, options: Options) -> Result<(World, std::result::Result<Plan, Vec<Conflict>>)> {
    change::plan(topology, options)
}

/// Makes a network what a topology says.
pub fn apply(topology: &Topology, manner: Manner, progress: Progress<'_>) -> Ended {
    change::change(Verb::Apply, &topology.name, Some(topology), manner, progress)
}

/// Takes away what a lab made, and restores what it changed. What its file asks for, if it is at hand, helps where
/// nothing else is known.
pub fn down(name: &str, file: Option<&Topology>, manner: Manner, progress: Progress<'_>) -> Ended {
    change::change(Verb::Down, name, file, manner, progress)
}

/// Goes back to what was there before a run that was interrupted.
pub fn recover(name: &str, manner: Manner, progress: Progress<'_>) -> Ended {
    change::change(Verb::Recover, name, None, manner, progress)
}

/// Confirms what was applied with [`Manner::confirm`]; of any lab, if no name is given.
///
/// # Errors
/// Nothing waits to be confirmed.
pub fn confirm(name: Option<&str>) -> Result<()> {
    timer::confirm(name)
}

/// What a lab asked for when it was last applied, if that is known; what waits to be confirmed counts.
///
/// # Errors
/// Its state cannot be read.
pub fn asked(name: &str) -> Result<Option<Topology>> {
    // Until it is confirmed, the journal alone says it.
    let waiting = if timer::is_waiting(name) { Record::read(Which::Journal, name, true)? } else { None };
    let record = match waiting {
        None => Record::read(Which::State, name, true)?,
        waiting => waiting,
    };
    record.map_or(Ok(None), |record| record::topology(&record.after))
}
