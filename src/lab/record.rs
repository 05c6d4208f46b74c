//! What is known of a lab from one run to the next: its state, and while a run is under way, its journal.
//!
//! ```text
//! netstrap 1 BOOT
//! home DEV INODE
//! indexes FIRST COUNT
//! adopted INDEX NETNS
//! original JSON
//! before JSON
//! after JSON
//! kept JSON
//! lent INDEX LINK NETNS MESSAGE WHAT
//! ```
//!
//! Both are written to another name and renamed, so that there is never half a file. What is of another boot, or was
//! said in another place than this, is not true any more, and as if it were not there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::lock::FOLDER;
use crate::error::{Error, Result};
use crate::file;
use crate::folder::entries;
use crate::model::topology::Topology;
use crate::netns::{Folder, NsId};

/// Beginning of the first line of files that this version reads and writes.
const HEAD: &str = "netstrap 1 ";
/// What every version's first line begins with.
const OURS: &str = "netstrap ";

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What was asked for, and is.
    State,
    /// What was asked for, and is being done.
    Journal,
}

/// What one file says. The topologies are JSON, each on one line: most of them are only compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// What the lab found of things that are not its own, and changed.
    pub original: String,
    /// What was there when the run began.
    pub before: String,
    /// What was asked for.
    pub after: String,
    /// First index and number of the links that the run may make on the host.
    pub indexes: Option<(u32, u32)>,
    /// What was asked for before, and was not taken away when it was not asked for any more.
    pub kept: Vec<String>,
    /// Links that were not the lab's when the run began, and became it: the namespace (empty for the host), the index.
    pub adopted: Vec<(String, u32)>,
    /// What links had that are somebody else's: lines of [`super::lent`].
    pub lent: Vec<String>,
}

/// End of the name of the socket of a run that waits to be confirmed.
pub const WAITING: &str = ".waiting";

/// Path of a file of a lab.
pub fn path(lab: &str, end: &str) -> String {
    [FOLDER, "/", lab, end].concat()
}

impl Which {
    fn path(self, lab: &str) -> String {
        path(lab, if self == Which::State { ".state" } else { ".journal" })
    }

    /// Where it is written until it is whole.
    fn unfinished(self, lab: &str) -> String {
        [&self.path(lab), ".new"].concat()
    }
}

impl Record {
    /// Reads a lab's file. `None`: there is none, or it is of another boot or place, or damaged; the marks still tell.
    ///
    /// # Errors
    /// It cannot be read, or another version wrote it; of `own` also if the place that it is of is still there, as its
    /// file would be lost.
    pub fn read(which: Which, lab: &str, own: bool) -> Result<Option<Self>> {
        let path = which.path(lab);
        let bytes = match again(|| std::fs::read(&path)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::sys(["read ", &path].concat(), &e)),
        };
        let text = String::from_utf8_lossy(&bytes);
        let (head, rest) = text.split_once('\n').unwrap_or_default();
        let Some(boot) = head.strip_prefix(HEAD) else {
            let other = head.starts_with(OURS);
            let told = || Error::usage([&path, " was written by another version of netstrap"].concat());
            return if other { Err(told()) } else { Ok(None) };
        };
        if boot != boot_id()? {
            return Ok(None);
        }
        let mut record = Record::default();
        for line in rest.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "home" if value != home()? => {
                    let told = || {
                        let text = [lab, " is a lab of another network namespace (", &path, "): run it there"];
                        Error::usage(text.concat())
                    };
                    return if own && is_alive(value) { Err(told()) } else { Ok(None) };
                }
                "original" => record.original = value.to_owned(),
                "before" => record.before = value.to_owned(),
                "after" => record.after = value.to_owned(),
                "kept" => record.kept.push(value.to_owned()),
                "lent" => record.lent.push(value.to_owned()),
                "indexes" => record.indexes = pair(value),
                "adopted" => {
                    let (index, name) = value.split_once(' ').unwrap_or((value, ""));
                    record.adopted.extend(index.parse().ok().map(|index| (name.to_owned(), index)));
                }
                _ => {}
            }
        }
        Ok(Some(record))
    }

    /// Writes a lab's file.
    ///
    /// # Errors
    /// It cannot be written; the old one is still there.
    pub fn write(&self, which: Which, lab: &str) -> Result<()> {
        let (path, new) = (which.path(lab), which.unfinished(lab));
        let mut text = [HEAD, &boot_id()?, "\nhome ", &home()?, "\n"].concat();
        if let Some((first, count)) = self.indexes {
            text.push_str(&["indexes ", &first.to_string(), " ", &count.to_string(), "\n"].concat());
        }
        for (name, index) in &self.adopted {
            text.push_str(&["adopted ", &index.to_string(), " ", name, "\n"].concat());
        }
        let lines = [("original ", &self.original), ("before ", &self.before), ("after ", &self.after)];
        let more = self.kept.iter().map(|json| ("kept ", json)).chain(self.lent.iter().map(|line| ("lent ", line)));
        for (key, json) in lines.into_iter().chain(more) {
            for piece in [key, json, "\n"] {
                text.push_str(piece);
            }
        }
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
            let mut file: File = options.open(&new)?;
            file.write_all(text.as_bytes())?;
            std::fs::rename(&new, &path)
        };
        write().map_err(|e| {
            let _ = std::fs::remove_file(&new);
            Error::sys(["write ", &path].concat(), &e)
        })
    }
}

/// Makes the journal the state: from then on it is done.
///
/// # Errors
/// As `rename(2)`.
pub fn commit(lab: &str) -> Result<()> {
    let (from, to) = (Which::Journal.path(lab), Which::State.path(lab));
    std::fs::rename(from, &to).map_err(|e| Error::sys(["write ", &to].concat(), &e))
}

/// Takes a lab's file away, if it is there.
///
/// # Errors
/// As `unlink(2)`.
pub fn forget(which: Which, lab: &str) -> Result<()> {
    remove(&which.path(lab))
}

/// Takes away what runs that were killed have left half written. Under the lock: nobody else writes.
///
/// # Errors
/// As `unlink(2)`.
pub fn tidy(lab: &str) -> Result<()> {
    let ends = [".state.new", ".journal.new", WAITING];
    ends.iter().try_for_each(|end| remove(&path(lab, end)))
}

fn remove(path: &str) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::sys(["remove ", path].concat(), &e)),
        _ => Ok(()),
    }
}

/// Names of the labs that have a file, each once.
///
/// # Errors
/// As `readdir(3)`.
pub fn labs() -> Result<Vec<String>> {
    let failed = |e: &io::Error| Error::sys(["read ", FOLDER].concat(), e);
    let entries = match again(|| std::fs::read_dir(FOLDER)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| failed(&e))?,
    };
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        let file = entry.map_err(|e| failed(&e))?.file_name();
        let name = file.to_str().and_then(|name| name.strip_suffix(".state").or(name.strip_suffix(".journal")));
        if let Some(name) = name.filter(|name| names.iter().all(|own| own != name)) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// A topology as one line of JSON.
pub fn line(topology: &Topology) -> String {
    // In strings, line breaks are written as two characters: these are all between values.
    file::json(topology).replace('\n', " ")
}

/// The topology that a line says; `None` if it is empty.
///
/// # Errors
/// It is damaged.
pub fn topology(line: &str) -> Result<Option<Topology>> {
    if line.is_empty() {
        return Ok(None);
    }
    let damaged = || Error::usage(["a damaged line in a file of ", FOLDER].concat());
    file::recorded(line).map(Some).ok_or_else(damaged)
}

fn pair(text: &str) -> Option<(u32, u32)> {
    let (first, count) = text.split_once(' ')?;
    Some((first.parse().ok()?, count.parse().ok()?))
}

/// Identity of this boot; the same for all where `/proc` does not tell.
fn boot_id() -> Result<String> {
    const FILE: &str = "/proc/sys/kernel/random/boot_id";
    match again(|| std::fs::read_to_string(FILE)) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok("-".to_owned()),
        Err(e) => Err(Error::sys(["read ", FILE].concat(), &e)),
    }
}

/// Identity of the namespace that we are in.
fn home() -> Result<String> {
    match again(|| NsId::of(Path::new("/proc/self/ns/net"))) {
        Ok(id) => Ok(id.to_string()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok("-".to_owned()),
        Err(e) => Err(Error::sys("stat /proc/self/ns/net", &e)),
    }
}

/// What tells this boot of this machine and the namespace that we are in from all others, as far as they tell.
pub fn machine() -> String {
    [boot_id(), home()].map(Result::unwrap_or_default).concat()
}

/// Whether a namespace has a process or a name.
fn is_alive(home: &str) -> bool {
    let is = |path: &Path| NsId::of(path).is_ok_and(|id| id.to_string() == home);
    entries(Path::new("/proc")).iter().any(|process| is(&process.path().join("ns/net")))
        || entries(Folder::standard().path()).iter().any(|name| is(&name.path()))
}

/// Tries something twice: a shortage may pass.
pub fn again<R, E>(mut work: impl FnMut() -> std::result::Result<R, E>) -> std::result::Result<R, E> {
    let mut is_first = true;
    loop {
        // In one place: each use has a copy of the work.
        let done = work();
        if done.is_ok() || !is_first {
            return done;
        }
        is_first = false;
    }
}
