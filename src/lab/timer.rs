//! `--confirm`: when all is done, a process of its own keeps the lock and the time, and goes back when nobody has
//! confirmed. Whoever called may be gone by then.
//!
//! It listens on a socket `NAME.waiting`. One byte that comes in there is the answer; how it ended goes back.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::lock::{self, FOLDER};
use super::record::{WAITING, path};
use super::site::Site;
use super::{Ended, interrupted};
use crate::error::{Error, Result};
use crate::folder::entries;
use crate::sys::process;

/// Between two looks whether the other process waits already.
const BRIEF: Duration = Duration::from_millis(1);
/// Between two looks whether Enter was pressed.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the byte of an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

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
    answer: PipeWriter,
    listener: Result<UnixListener>,
    /// Who has confirmed.
    asker: Option<UnixStream>,
}

/// Goes on in a process of its own. The parent comes back when that has ended.
///
/// # Errors
/// There cannot be such a process.
pub fn split(lab: &str, site: &mut Site<'_>, time: Duration, on_wait: fn(&str, Duration)) -> Result<Side> {
    let waiting = path(lab, WAITING);
    let (reader, answer) = io::pipe().map_err(|e| Error::sys("pipe", &e))?;
    match process::fork() {
        Err(e) => Err(Error::sys("fork", &e)),
        Ok(None) => {
            process::detach();
            drop(reader);
            lock::sign();
            // From here on nobody else is needed: only then it says so.
            let listener = UnixListener::bind(&waiting).map_err(|e| Error::sys(waiting.clone(), &e));
            Ok(Side::Child(Child { waiting, answer, listener, asker: None }))
        }
        Ok(Some(pid)) => {
            drop(answer);
            let told = || Path::new(&waiting).exists().then(|| on_wait(lab, time));
            Ok(Side::Parent(follow(reader, pid, &waiting, &told, site)))
        }
    }
}

/// Waits with the other process: Enter on a terminal is a confirmation, a signal is a refusal.
fn follow(
    mut reader: PipeReader,
    pid: u32,
    waiting: &str,
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
                let _ = UnixStream::connect(waiting).and_then(|mut stream| stream.write_all(b"+"));
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
        let listener = self.listener.as_ref().map_err(Clone::clone)?;
        let begin = Instant::now();
        let mut left = time;
        loop {
            if site.is_stopped() {
                return Err(interrupted());
            }
            // What came in until the name was gone is in time.
            let is_over = left.is_zero();
            if is_over {
                let _ = std::fs::remove_file(&self.waiting);
            }
            if site.pause(listener, left).readable
                && let Ok((mut stream, _)) = listener.accept()
                && site.pause(&stream, PATIENCE).readable
                && stream.read(&mut [0]).is_ok_and(|len| len > 0)
            {
                self.asker = Some(stream);
                return Ok(());
            }
            if is_over {
                return Err(Error::usage("not confirmed in time"));
            }
            left = time.saturating_sub(begin.elapsed());
        }
    }

    /// Tells the parent and who has confirmed, if they are there, and ends.
    pub fn end(mut self, ended: &Ended) -> ! {
        let _ = std::fs::remove_file(&self.waiting);
        let text = match ended {
            Ended::RolledBack(error, _) => ["-", &error.to_string()].concat(),
            Ended::Partial(error, _, left) => ["!", &error.to_string(), "\n", &left.join("\n")].concat(),
            _ => "+".to_owned(),
        };
        let _ = self.answer.write_all(text.as_bytes());
        let _ = self.asker.map(|mut stream| stream.write_all(text.as_bytes()));
        process::exit(0)
    }
}

/// Whether a lab waits to be confirmed.
pub fn is_waiting(lab: &str) -> bool {
    UnixStream::connect(path(lab, WAITING)).is_ok()
}

/// Answers the process that waits.
///
/// # Errors
/// None waits, the answer came too late, or what was done cannot be kept.
pub fn confirm(name: Option<&str>) -> Result<()> {
    let is_named = |lab: &str| name.is_none_or(|name| name == lab);
    let mut died = false;
    for entry in entries(Path::new(FOLDER)) {
        let file = entry.file_name();
        let Some(lab) = file.to_str().and_then(|file| file.strip_suffix(WAITING)).filter(|lab| is_named(lab)) else {
            continue;
        };
        let mut text = String::new();
        let asked = UnixStream::connect(entry.path())
            .and_then(|mut stream| stream.write_all(b"+").and_then(|()| stream.read_to_string(&mut text)));
        match (asked, text.as_bytes()) {
            // Nobody listens: another one may.
            (Err(e), _) if e.kind() == io::ErrorKind::ConnectionRefused => died = true,
            (_, [b'+', ..]) => return Ok(()),
            (_, [_, _, ..]) => return Err(Error::usage(["it has gone back: ", &text[1..]].concat())),
            _ if is_waiting(lab) || entry.path().exists() => died = true,
            _ => return Err(Error::usage("too late: it has gone back")),
        }
    }
    Err(Error::usage(if died {
        "nobody answers: the process that kept the time has died; netstrap recover goes back"
    } else {
        "nothing waits to be confirmed"
    }))
}
