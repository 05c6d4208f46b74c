//! `--confirm`: when all is done, a process of its own keeps the lock and the time, and goes back when nobody has
//! confirmed. Whoever called may be gone by then.
//!
//! It says that it waits by a file `NAME.waiting`; a file `NAME.confirmed` is the answer, and it takes that away first.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Ended;
use super::lock::FOLDER;
use super::site::Site;
use crate::error::{Error, Result};
use crate::folder::entries;
use crate::sys::process;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// The same until the other process waits.
const BRIEF: Duration = Duration::from_millis(1);
/// How long an answer may take to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which process goes on.
pub enum Side {
    /// The one that was called: how it ended, if that is known.
    Parent(Option<Ended>),
    /// The one that keeps the time.
    Child(Child),
}

/// The process that keeps the time.
pub struct Child {
    waiting: String,
    confirmed: String,
    answer: PipeWriter,
    /// Why it cannot wait.
    failed: Option<Error>,
}

fn path(lab: &str, end: &str) -> String {
    [FOLDER, "/", lab, end].concat()
}

/// Goes on in a process of its own. The parent comes back when that has ended.
///
/// # Errors
/// There cannot be such a process.
pub fn split(lab: &str, site: &mut Site<'_>, time: Duration, on_wait: fn(&str, Duration)) -> Result<Side> {
    let (waiting, confirmed) = (path(lab, ".waiting"), path(lab, ".confirmed"));
    let _ = std::fs::remove_file(&confirmed);
    let (reader, answer) = io::pipe().map_err(|e| Error::sys("pipe", &e))?;
    match process::fork() {
        Err(e) => Err(Error::sys("fork", &e)),
        Ok(None) => {
            process::detach();
            drop(reader);
            // From here on nobody else is needed: only then it says so.
            let failed = std::fs::write(&waiting, lab).map_err(|e| Error::sys(waiting.clone(), &e)).err();
            Ok(Side::Child(Child { waiting, confirmed, answer, failed }))
        }
        Ok(Some(pid)) => {
            drop(answer);
            let told = || Path::new(&waiting).exists().then(|| on_wait(lab, time));
            Ok(Side::Parent(follow(reader, pid, &confirmed, &told, site)))
        }
    }
}

/// Waits with the other process: Enter on a terminal is a confirmation, a signal is a refusal.
fn follow(
    mut reader: PipeReader,
    pid: u32,
    confirmed: &str,
    tell: &dyn Fn() -> Option<()>,
    site: &mut Site<'_>,
) -> Option<Ended> {
    let input = io::stdin();
    let mut told = None;
    let mut is_asked = process::is_terminal(&input);
    loop {
        told = told.or_else(tell);
        let wake = site.pause(&reader, if told.is_some() { PAUSE } else { BRIEF });
        if wake.signal {
            process::terminate(pid);
        }
        if wake.readable || wake.error {
            break;
        }
        if is_asked && site.pause(&input, Duration::ZERO).readable {
            let mut line = String::new();
            is_asked = false;
            if input.read_line(&mut line).is_ok_and(|len| len > 0) {
                let _ = File::create(confirmed);
            }
        }
    }
    let mut text = String::new();
    let _ = reader.read_to_string(&mut text);
    process::reap(pid);
    let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let (mark, error) = head.split_at_checked(1).unwrap_or_default();
    match mark {
        "+" => None,
        "-" => Some(Ended::RolledBack(Error::usage(error), None)),
        "!" => Some(Ended::Partial(Error::usage(error), None, rest.lines().map(str::to_owned).collect())),
        _ => {
            let left = vec!["everything; netstrap recover goes back".to_owned()];
            Some(Ended::Partial(Error::usage("the process that kept the time has died"), None, left))
        }
    }
}

impl Child {
    /// Waits for the answer.
    ///
    /// # Errors
    /// It did not come in time, a signal came, or nobody can be told that it waits.
    pub fn wait(&mut self, time: Duration, site: &mut Site<'_>) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let begin = Instant::now();
        let is_confirmed = || std::fs::remove_file(&self.confirmed).is_ok();
        while begin.elapsed() < time && !site.is_stopped() {
            if is_confirmed() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        // Whoever looks now finds nobody waiting.
        let _ = std::fs::remove_file(&self.waiting);
        if is_confirmed() { Ok(()) } else { Err(Error::usage("not confirmed in time")) }
    }

    /// Tells the parent, if it is there, and ends.
    pub fn end(mut self, ended: &Ended) -> ! {
        let _ = std::fs::remove_file(&self.waiting);
        let text = match ended {
            Ended::RolledBack(error, _) => ["-", &error.to_string()].concat(),
            Ended::Partial(error, _, left) => ["!", &error.to_string(), "\n", &left.join("\n")].concat(),
            _ => "+".to_owned(),
        };
        let _ = self.answer.write_all(text.as_bytes());
        process::exit(0)
    }
}

/// Whether a lab waits to be confirmed.
pub fn is_waiting(lab: &str) -> bool {
    Path::new(&path(lab, ".waiting")).exists()
}

/// Answers the process that waits.
///
/// # Errors
/// None waits, or the answer came too late.
pub fn confirm(name: Option<&str>) -> Result<()> {
    let lab = match name {
        Some(name) => Some(name.to_owned()),
        None => entries(Path::new(FOLDER)).iter().find_map(|entry| {
            entry.file_name().to_str().and_then(|name| name.strip_suffix(".waiting")).map(str::to_owned)
        }),
    };
    let nobody = || Error::usage("nothing waits to be confirmed");
    let lab = lab.ok_or_else(nobody)?;
    let (waiting, confirmed) = (path(&lab, ".waiting"), path(&lab, ".confirmed"));
    if !Path::new(&waiting).exists() {
        return Err(nobody());
    }
    File::create(&confirmed).map_err(|e| Error::sys(confirmed.clone(), &e))?;
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let (waits, is_open) = (Path::new(&waiting).exists(), Path::new(&confirmed).exists());
        if !is_open && !waits {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    let _ = std::fs::remove_file(&confirmed);
    if Path::new(&waiting).exists() {
        // The process was killed: what it left tells that nobody waits.
        let _ = std::fs::remove_file(&waiting);
        return Err(Error::usage(
            "nobody answers: the process that kept the time has died; netstrap recover goes back",
        ));
    }
    Err(Error::usage("too late: it has gone back"))
}
