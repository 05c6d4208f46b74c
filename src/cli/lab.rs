//! The verbs that work with files of networks: `plan`, `apply`, `down`, `status`, `export`, `recover`, `confirm`. argv
//! and a file become a job of `lab`; how it ended becomes text and the exit code.

mod args;
mod file;
mod say;

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;

use super::cursor::shown;
use super::io::Io;
use crate::export;
use crate::file as format;
use crate::file::{File, Files};
use crate::lab::{self, Manner};
use crate::model::plan::{Plan, Step};
use crate::model::world::{Presence, Seen, World};
use crate::netns::Folder;
use crate::plan::Options;
use crate::show::out::Format;
use crate::show::plan::{self as show, View};
use args::{APPLY, DOWN, EXPORT, Job, PLAN, RECOVER, STATUS, VERBS};
use say::{Fail, Progress};

/// Runs a verb. Exit codes: see the verbs' help.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let name = argv.first().map(|word| word.as_bytes()).unwrap_or_default();
    // Dispatch has found it by its name.
    let verb = VERBS.iter().position(|row| row.name.as_bytes() == name).unwrap_or_default();
    let code = match carry_out(verb, argv.get(1..).unwrap_or_default(), io) {
        Ok(code) => code,
        Err(fail) => {
            io.error(&fail.text);
            fail.code
        }
    };
    // Lost words change nothing of what was done.
    let ended = io.finish("netstrap", code);
    if matches!(verb, APPLY | DOWN | RECOVER) { code } else { ended }
}

fn carry_out(verb: usize, words: &[OsString], io: &mut Io) -> Result<u8, Box<Fail>> {
    let job = Job::read(verb, words)?;
    if job.has(args::HELP) {
        io.print(job.row().help());
        return Ok(0);
    }
    let options =
        Options { adopt: job.has(args::ADOPT), replace: job.has(args::REPLACE), prune: !job.has(args::KEEP), index: 0 };
    match verb {
        PLAN | STATUS => plan(&job, options, io),
        APPLY | DOWN | RECOVER => change(&job, options, io),
        EXPORT => export(&job, io),
        _ => {
            lab::confirm(job.operand.map(|_| job.word())).map_err(|error| Fail::of(job.row().name, &error))?;
            Ok(0)
        }
    }
}

/// Reads the file; all that is wrong with it is one failure.
fn read(job: &Job<'_>) -> Result<File, Box<Fail>> {
    let mut files = file::Given { allow_writable: job.has(args::WRITABLE) };
    format::read(job.word(), &mut files).map_err(|refused| Box::new(Fail { text: refused.to_string(), code: 1 }))
}

/// `plan` and `status`.
fn plan(job: &Job<'_>, options: Options, io: &mut Io) -> Result<u8, Box<Fail>> {
    let verb = job.row().name;
    let (topology, sources) = if job.is_file() {
        let File { topology, sources } = read(job)?;
        (topology, Some(sources))
    } else {
        match lab::asked(job.word()).map_err(|error| Fail::of(verb, &error))? {
            Some(topology) => (topology, None),
            None => {
                let text = [job.word(), ": what it should be is not known here (/run/netstrap); name its FILE"];
                return Err(Fail::failed(verb, &text));
            }
        }
    };
    let planned = |options| lab::plan(&topology, options).map_err(|error| Fail::of(verb, &error));
    let (mut world, mut found) = planned(options)?;
    if job.verb == STATUS && found.is_err() {
        // What is in the way is what differs.
        (world, found) = planned(Options { adopt: true, replace: true, ..options })?;
    }
    let plan = found.map_err(|conflicts| {
        let mut fail = Fail::conflicts(verb, &conflicts, sources.as_ref());
        fail.code = if job.verb == STATUS { 2 } else { 1 };
        fail
    })?;
    let view = View { plan: &plan, world: &world, sources: sources.as_ref() };
    if job.has(args::JSON) {
        io.print(show::list(&view, Format::Json));
    } else if job.has(args::COMMANDS) {
        io.print(show::commands(&view));
    } else {
        io.print(show::list(&view, Format::Text));
        let counts = say::counts(show::tally(&plan), "to ");
        let nothing = if job.verb == STATUS { "as asked" } else { "nothing to do" };
        io.print_of(&[if counts.is_empty() { nothing } else { &counts }, "\n"]);
    }
    Ok(if plan.steps.is_empty() { 0 } else { 2 })
}

/// `apply`, `down` and `recover`.
fn change(job: &Job<'_>, options: Options, io: &mut Io) -> Result<u8, Box<Fail>> {
    let verb = job.row().name;
    let file = if job.is_file() { Some(read(job)?) } else { None };
    let (lock_wait, confirm) = (job.lock_wait, job.confirm);
    let manner = Manner { options, lock_wait, confirm, describe: show::act, note: say::note, on_wait: say::waits };
    let mut progress = Progress::new(io);
    let mut hear = |at: usize, step: &Step, plan: &Plan, world: &World| {
        if progress.is_due() {
            let (of, what) = (show::tally(plan).iter().sum::<usize>(), show::brief(step, plan, world));
            progress.show(&[verb, ": ", &at.to_string(), " of ", &of.to_string(), ": ", &shown(&what)], io);
        }
    };
    let name = file.as_ref().map_or(job.word(), |file| &file.topology.name);
    let ended = match (job.verb, &file) {
        (APPLY, Some(file)) => lab::apply(&file.topology, manner, &mut hear),
        (RECOVER, _) => lab::recover(name, manner, &mut hear),
        _ => lab::down(name, file.as_ref().map(|file| &file.topology), manner, &mut hear),
    };
    progress.end(io);
    say::ended(verb, ended, file.as_ref().map(|file| &file.sources), job.lock_wait, io)
}

fn export(job: &Job<'_>, io: &mut Io) -> Result<u8, Box<Fail>> {
    let verb = job.row().name;
    let all = job.netns.is_empty() && !job.has(args::HOST);
    let names = if all {
        Folder::standard()
            .names()
            .map_err(|error| Fail::of(verb, &crate::error::Error::sys("list the namespaces", &error)))?
    } else {
        job.netns.iter().map(|name| name.to_vec()).collect()
    };
    let world = lab::look::live(all || job.has(args::HOST), &names, !all).map_err(|error| Fail::of(verb, &error))?;
    let is_gone = |seen: &&Seen| seen.name.is_some() && seen.presence != Presence::There;
    // Of all that are there, one may be gone by now.
    if let Some(name) = world.places.iter().find(is_gone).and_then(|seen| seen.name.as_ref()).filter(|_| !all) {
        return Err(Fail::failed(verb, &[&name.to_string(), ": there is no such namespace; see: ip netns"]));
    }
    let (topology, lost) = export::topology(&world, None, "exported");
    let text = if job.has(args::JSON) { format::json(&topology) } else { format::toml(&topology) };
    io.print(&text);
    for line in lost {
        io.error_of(&["netstrap: ", verb, ": ", &line]);
    }
    if let Err(refused) = format::read("-", &mut Text(text)) {
        io.error_of(&["netstrap: ", verb, ": plan and apply refuse this file, since a file may not say that:"]);
        io.error(refused.to_string());
    }
    Ok(0)
}

/// A text in place of files.
struct Text(String);

impl Files for Text {
    fn read(&mut self, _: &str) -> io::Result<Vec<u8>> {
        Ok(std::mem::take(&mut self.0).into_bytes())
    }

    fn list(&mut self, _: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}
