//! What a run works with: open sockets, namespaces that have no name yet, and those whose names are to go.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use super::Describe;
use super::record::again;
use super::sockets::Sockets;
use super::stage::Made;
use crate::error::{Error, Result};
use crate::model::lab::Lab;
use crate::model::link::{LinkId, ListVerb};
use crate::model::name::NsName;
use crate::model::op::Op;
use crate::model::topology::Sysctl;
use crate::netns::{Folder, Namespace, NsId};
use crate::sys::mount;
use crate::sys::signal::{Signals, Wake};
use crate::sys::thread;
use crate::wire::encode;

/// Names from which on several threads take them away: each costs the kernel a grace period.
const MANY: usize = 32;
/// That many threads.
const THREADS: usize = 8;

/// See the module.
#[derive(Debug)]
pub struct Site<'a> {
    /// Whose run it is.
    pub lab: &'a Lab,
    /// Says what a step does.
    pub describe: Describe,
    /// Sockets by place.
    pub sockets: Sockets,
    /// Values of parameters that were found where they were set, without being looked at before.
    pub found: Vec<(Option<NsName>, Sysctl)>,
    /// Namespaces that are to go, or have lost their name already: kept until all is done.
    retired: Vec<Retired>,
    signals: &'a Signals,
    heard: usize,
    /// How many signals end what is done.
    limit: usize,
    home: Option<Namespace>,
}

#[derive(Debug)]
struct Retired {
    name: NsName,
    made: Made,
    /// Nobody has tried to take its name away yet.
    is_named: bool,
}

impl<'a> Site<'a> {
    /// With open sockets.
    pub fn new(lab: &'a Lab, describe: Describe, sockets: Sockets, signals: &'a Signals) -> Self {
        Site { lab, describe, sockets, found: Vec::new(), retired: Vec::new(), signals, heard: 0, limit: 1, home: None }
    }

    /// Whether signals have come that end it.
    pub fn is_stopped(&mut self) -> bool {
        while self.signals.take().is_some() {
            self.heard += 1;
        }
        self.heard >= self.limit
    }

    /// Waits for something on a descriptor, a signal, or the end of the time. A signal is taken.
    pub fn pause(&mut self, fd: &impl AsFd, time: Duration) -> Wake {
        let wake = self.signals.wait(fd, Some(time));
        let _ = self.is_stopped();
        wake.unwrap_or(Wake { readable: false, error: false, signal: false })
    }

    /// From here on, only a further signal ends it, and one that comes before it is not even the first.
    pub fn go_back(&mut self) {
        self.limit = self.heard.max(1) + 1;
    }

    /// Opens the host's own namespace, for messages that name it.
    ///
    /// # Errors
    /// `/proc` is not there.
    pub fn open_home(&mut self) -> Result<()> {
        if self.home.is_none() {
            let home = again(|| Namespace::path(Path::new("/proc/self/ns/net")));
            self.home = Some(home.map_err(|e| Error::sys("open /proc/self/ns/net", &e))?);
        }
        Ok(())
    }

    /// A descriptor of a place's namespace.
    ///
    /// # Errors
    /// The place is not there, or it is the host's and not open.
    pub fn descriptor(&self, place: usize) -> Result<BorrowedFd<'_>> {
        let namespace = if place == 0 { self.home.as_ref() } else { self.sockets.namespace(place) };
        namespace.map(Namespace::fd).ok_or_else(|| Error::usage("the namespace is not there"))
    }

    /// Runs a function in a place.
    ///
    /// # Errors
    /// The place cannot be entered; the function's own.
    pub fn inside<R: Send>(&self, place: usize, work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
        self.sockets.within(place, work)?
    }

    /// Takes in a namespace that was made for a place.
    pub fn stage(&mut self, place: usize, (namespace, socket): Made) {
        self.sockets.adopt(place, namespace, socket);
        self.sockets.set_staged(place, true);
    }

    /// Lets a namespace go: its name stays until all is done, unless it has none.
    pub fn retire(&mut self, place: usize) {
        let name = self.sockets.name(place).cloned();
        let is_named = !self.sockets.staged().contains(&place);
        let taken = self.sockets.take(place);
        if let (true, Some(name), Some(made)) = (is_named, name, taken) {
            self.retired.push(Retired { name, made, is_named });
        }
    }

    /// Takes back the namespaces that were to go, and names those again that have lost their name.
    ///
    /// # Errors
    /// A namespace cannot be named; it is taken back all the same.
    pub fn take_back(&mut self) -> Result<()> {
        let mut result = Ok(());
        for Retired { name, made, is_named } in std::mem::take(&mut self.retired) {
            let Some(place) = self.sockets.find(&name) else { continue };
            let is_named = is_named || stands_for(&Folder::standard().file(name.as_bytes()), &made.0);
            let named = if is_named { Ok(()) } else { again(|| publish(&name, &made.0)) };
            self.sockets.adopt(place, made.0, made.1);
            self.sockets.set_staged(place, named.is_err());
            result = result.and(named);
        }
        result
    }

    /// Marks the namespaces that have no name yet as ours, so that a plan for the way back knows them. One that
    /// cannot be marked is given up.
    pub fn mark_staged(&mut self) {
        for place in self.sockets.staged() {
            let name = self.sockets.name(place).map_or(&[][..], NsName::as_bytes);
            let mark = self.lab.mark(name, b"lo").altname().into_bytes();
            let lo = LinkId { ns: u32::try_from(place).unwrap_or(u32::MAX), index: NonZeroU32::MIN };
            let op = Op::AltNames(ListVerb::Add, lo, vec![mark]);
            let sockets = &mut self.sockets;
            let marked = again(|| match sockets.route(place)?.request(encode(&op)) {
                Err(error) if error.errno() != Some(libc::EEXIST) => Err(error),
                _ => Ok(()),
            });
            if marked.is_err() {
                self.sockets.drop_namespace(place);
            }
        }
    }

    /// Gives the new namespaces that are meant their names, and takes the old ones' away.
    ///
    /// # Errors
    /// Some may have been named.
    pub fn publish(&mut self, is_meant: &dyn Fn(&NsName) -> bool) -> Result<()> {
        let staged = self.sockets.staged();
        if !staged.is_empty() {
            let folder = Folder::standard();
            again(|| folder.prepare())?;
        }
        for place in staged {
            if let (Some(name), Some(namespace)) = (self.sockets.name(place), self.sockets.namespace(place)) {
                if !is_meant(name) {
                    continue;
                }
                let failed =
                    |error: Error| error.doing(|| "name the namespace".to_owned()).in_ns(Some(&name.to_string()));
                again(|| publish(name, namespace)).map_err(failed)?;
            }
            self.sockets.set_staged(place, false);
        }
        self.retired.iter_mut().for_each(|retired| retired.is_named = false);
        unpublish(&self.retired)
    }

    /// Ends the run: what was to go, goes.
    pub fn finish(&mut self) {
        self.retired.clear();
    }
}

/// Binds a namespace onto the file of its name. An empty file, the rest of something that was interrupted, is used.
fn publish(name: &NsName, namespace: &Namespace) -> Result<()> {
    let path = Folder::standard().file(name.as_bytes());
    let failed = |what: &str, e: &io::Error| Error::sys([what, " ", &path.display().to_string()].concat(), e);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o0).custom_flags(libc::O_NOFOLLOW);
    let mut made = true;
    match options.open(&path) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let stat = std::fs::symlink_metadata(&path).map_err(|e| failed("stat", &e))?;
            if !stat.is_file() || stat.len() != 0 || is_mounted(&path) {
                return Err(failed("create", &e));
            }
            made = false;
        }
        Err(e) => return Err(failed("create", &e)),
    }
    let from = CString::new(["/proc/self/fd/", &namespace.fd().as_fd().as_raw_fd().to_string()].concat());
    let from = from.map_err(|_| Error::usage("a descriptor with a NUL"))?;
    let to = crate::netns::c_path(&path).map_err(|e| failed("bind", &e))?;
    mount::mount(&from, &to, c"none", libc::MS_BIND, c"").map_err(|e| {
        if made {
            let _ = std::fs::remove_file(&path);
        }
        failed("bind onto", &e)
    })
}

/// Whether a namespace is bound onto a file.
fn is_mounted(path: &Path) -> bool {
    crate::netns::c_path(path).and_then(|path| mount::filesystem(&path)).is_ok_and(|kind| kind == mount::NSFS_MAGIC)
}

/// Whether a file stands for a namespace.
fn stands_for(path: &Path, namespace: &Namespace) -> bool {
    namespace.id().is_ok_and(|id| NsId::of(path).is_ok_and(|own| own == id))
}

/// Takes the names of namespaces away. One that is gone, or stands for another namespace by now, is left alone.
fn unpublish(retired: &[Retired]) -> Result<()> {
    shared(retired, if retired.len() < MANY { 1 } else { THREADS })
}

/// Does it in so many threads.
fn shared(retired: &[Retired], threads: usize) -> Result<()> {
    if threads < 2 {
        return retired.iter().map(unname).fold(Ok(()), Result::and);
    }
    let (own, theirs) = retired.split_at(retired.len() / 2);
    let (mut here, mut there) = (Ok(()), Ok(()));
    let mut work = || there = shared(theirs, threads / 2);
    match thread::beside(64 * 1024, &mut work, &mut || here = shared(own, threads / 2)) {
        Ok(()) => here.and(there),
        // There cannot be one more.
        Err(_) => shared(retired, 1),
    }
}

fn unname(Retired { name, made, .. }: &Retired) -> Result<()> {
    let path = Folder::standard().file(name.as_bytes());
    let remove = || -> io::Result<()> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(&path)?;
        let stat = file.metadata()?;
        if made.0.id()? != NsId::from(&stat) {
            return Ok(());
        }
        // By the descriptor: whatever has been bound over it since stays.
        mount::detach_open(file.as_fd())?;
        // Somebody has bound onto it what is busy.
        std::fs::remove_file(&path).or_else(|e| if is_mounted(&path) { Ok(()) } else { Err(e) })
    };
    match again(remove) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(Error::sys(["delete ", &path.display().to_string()].concat(), &e))
        }
        _ => Ok(()),
    }
}

/// A namespace that a leftover file stands for is none: takes such files away.
///
/// # Errors
/// One cannot be removed.
pub fn sweep(names: &[NsName]) -> Result<usize> {
    let mut swept = 0;
    for name in names {
        let path = Folder::standard().file(name.as_bytes());
        let Ok(stat) = std::fs::symlink_metadata(&path) else { continue };
        if stat.is_file() && stat.len() == 0 && !is_mounted(&path) {
            std::fs::remove_file(&path).map_err(|e| Error::sys(path.display().to_string(), &e))?;
            swept += 1;
        }
    }
    Ok(swept)
}
