//! What the verbs say besides plans: failures in one line each with what would help, results, and how far a long run is.

use std::time::{Duration, Instant};

use crate::cli::io::Io;
use crate::cli::netstrap::USAGE;
use crate::error::Error;
use crate::file::Sources;
use crate::lab::Ended;
use crate::model::name::printable;
use crate::model::topology::Origin;
use crate::plan::Conflict;

/// A failure, ready to print.
#[derive(Debug)]
pub struct Fail {
    /// Lines, with the program's name where no file is named.
    pub text: String,
    /// Exit code.
    pub code: u8,
}

impl Fail {
    /// Wrong words, in pieces.
    #[inline(never)]
    pub fn usage(verb: &str, pieces: &[&str]) -> Box<Self> {
        let text = ["netstrap: ", verb, ": ", &pieces.concat(), "; see: netstrap ", verb, " --help"].concat();
        Box::new(Fail { text, code: USAGE })
    }

    /// Anything else, in pieces.
    #[inline(never)]
    pub fn failed(verb: &str, pieces: &[&str]) -> Box<Self> {
        let text = ["netstrap: ", verb, ": ", &pieces.concat()].concat();
        Box::new(Fail { text, code: 1 })
    }

    /// Something that failed below.
    pub fn of(verb: &str, error: &Error) -> Box<Self> {
        Fail::failed(verb, &[&printable(error.to_string().as_bytes()), hint(error)])
    }

    /// Something that failed below, with the place of a file that asks for it.
    fn at(verb: &str, error: &Error, at: Option<Origin>, sources: Option<&Sources>) -> Box<Self> {
        let mut fail = Fail::of(verb, error);
        if let Some((sources, at)) = sources.zip(at) {
            fail.text = [&sources.place(at), ": ", &printable(error.to_string().as_bytes()), hint(error)].concat();
        }
        fail
    }

    /// What is in the way: a line each.
    pub fn conflicts(verb: &str, conflicts: &[Conflict], sources: Option<&Sources>) -> Box<Self> {
        let mut text = String::new();
        for conflict in conflicts {
            let place = sources.zip(conflict.at).map(|(sources, at)| sources.place(at));
            let place = place.unwrap_or_else(|| ["netstrap: ", verb].concat());
            for piece in [if text.is_empty() { "" } else { "\n" }, &place, ": ", &printable(conflict.text.as_bytes())] {
                text.push_str(piece);
            }
        }
        Box::new(Fail { text, code: 1 })
    }
}

/// What would help, by errno.
const HINTS: &[(i32, &str)] = &[
    (libc::EPERM, "; run it as root, or in a sandbox: netstrap sandbox"),
    (libc::EACCES, "; run it as root, or in a sandbox: netstrap sandbox"),
    (libc::EOPNOTSUPP, "; this kernel lacks it, or its module is not loaded"),
    (libc::EPROTONOSUPPORT, "; this kernel lacks it, or its module is not loaded"),
    (libc::EAFNOSUPPORT, "; this kernel lacks the address family, or it is switched off"),
    (libc::EEXIST, "; somebody made it meanwhile: see what is there, and run it again"),
    (libc::EBUSY, "; somebody uses it: see what is there, and run it again"),
    (libc::EXFULL, "; a bridge takes 1023 ports at most"),
    (libc::EMFILE, "; allow more open files: ulimit -n"),
    (libc::ENFILE, "; allow more open files: sysctl -w fs.file-max=N"),
    (libc::ENOSPC, "; a limit of the kernel or a full file system: see max_net_namespaces below /proc/sys/user"),
    (libc::EROFS, "; /run must be writable: mount a tmpfs there"),
];

fn hint(error: &Error) -> &'static str {
    let errno = error.errno();
    HINTS.iter().find(|row| Some(row.0) == errno).map_or("", |row| row.1)
}

/// Words for how many were made, changed, made anew, taken away; those that are none are left out.
pub fn counts(counts: [usize; 4], to: &str) -> String {
    const WORDS: [[&str; 2]; 4] =
        [["made", "make"], ["changed", "change"], ["made anew", "make anew"], ["taken away", "take away"]];
    let mut text = String::new();
    for (count, words) in counts.iter().zip(WORDS).filter(|row| *row.0 > 0) {
        let word = words[usize::from(!to.is_empty())];
        for piece in [if text.is_empty() { "" } else { ", " }, &count.to_string(), " ", to, word] {
            text.push_str(piece);
        }
    }
    text
}

/// Tells how a change ended.
pub fn ended(
    verb: &str,
    ended: Ended,
    sources: Option<&Sources>,
    patience: Duration,
    io: &mut Io,
) -> Result<u8, Box<Fail>> {
    let (mut fail, code, then) = match ended {
        Ended::Unchanged => {
            io.print("unchanged\n");
            return Ok(0);
        }
        Ended::Done(done) => {
            io.print_of(&["changed: ", &counts(done, ""), "\n"]);
            return Ok(0);
        }
        Ended::Conflicts(conflicts) => return Err(Fail::conflicts(verb, &conflicts, sources)),
        Ended::Refused(error) => return Err(Fail::of(verb, &error)),
        Ended::RolledBack(error, at) => {
            (Fail::at(verb, &error, at, sources), 3, String::from("everything is as it was before"))
        }
        Ended::Partial(error, at, left) => {
            let mut then = String::from("not all of it could be undone; left are:");
            for line in left {
                then.push_str("\n  ");
                then.push_str(&printable(line.as_bytes()));
            }
            (Fail::at(verb, &error, at, sources), 4, then)
        }
        Ended::Locked(holder) => {
            let holder = holder.map(|pid| [" (process ", &pid.to_string(), ")"].concat()).unwrap_or_default();
            let waited = seconds(patience);
            let text =
                ["another run", &holder, " held the lock for longer than ", &waited, "; see --lock-wait"].concat();
            (Fail::failed(verb, &[&text]), 5, String::new())
        }
    };
    fail.code = code;
    if !then.is_empty() {
        fail.text = [&fail.text, "\nnetstrap: ", verb, ": ", &then].concat();
    }
    Err(fail)
}

/// Time until a run is long enough to be told about, and between two lines.
const QUIET: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(100);

/// The line that tells how far a run is, on a terminal only.
pub struct Progress {
    next: Option<Instant>,
    is_drawn: bool,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn new(io: &Io) -> Self {
        Progress { next: io.is_terminal().then(|| Instant::now() + QUIET), is_drawn: false }
    }

    /// Whether a line is due.
    pub fn is_due(&self) -> bool {
        self.next.is_some_and(|next| Instant::now() >= next)
    }

    /// Shows a line in place of the one before.
    pub fn show(&mut self, line: &[&str], io: &mut Io) {
        // Without automatic margins, what a narrow terminal has no room for is not seen.
        io.draw(&["\x1b[?7l\r\x1b[K", &line.concat(), "\x1b[?7h"]);
        (self.next, self.is_drawn) = (Some(Instant::now() + PAUSE), true);
    }

    /// Takes the line away.
    pub fn end(&mut self, io: &mut Io) {
        if self.is_drawn {
            io.draw(&["\r\x1b[K"]);
        }
        (self.next, self.is_drawn) = (None, false);
    }
}

/// A time as options take it.
fn seconds(time: Duration) -> String {
    let (time, unit) = match time.as_millis() {
        time if time % 1000 == 0 => (time / 1000, "s"),
        time => (time, "ms"),
    };
    [&time.to_string(), unit].concat()
}

/// Tells something that is no failure.
pub fn note(text: &str) {
    let line = ["netstrap: ", &printable(text.as_bytes()), "\n"].concat();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}

/// Tells that something waits to be confirmed.
pub fn waits(lab: &str, time: Duration) {
    // Enter is heard from a terminal alone.
    let enter = if crate::sys::process::is_terminal(&std::io::stdin()) { "Enter, or " } else { "" };
    let time = seconds(time);
    let pieces =
        ["netstrap: apply: done; goes back in ", &time, " unless confirmed: ", enter, "netstrap confirm ", lab, "\n"];
    // Nobody may be there to read it.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), pieces.concat().as_bytes());
}
