//! Open sockets in many namespaces at once, while the process stays in its own: a thread enters one after another,
//! opens what is needed in each, and ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;

use super::record::again;
use crate::error::{Error, Result};
use crate::model::name::NsName;
use crate::model::world::Presence;
use crate::netns::{Folder, Namespace};
use crate::socket::Socket;
use crate::sys::thread;
use crate::wire::build::Route;
use crate::wire::nsid::GetNsid;

/// The calling thread's own namespace; `self` would be the first thread's.
const OWN: &str = "/proc/thread-self/ns/net";
/// Stack of the thread that enters namespaces.
const STACK: usize = 256 * 1024;

/// Open files besides those of the places.
const SPARE: u64 = 16;

/// Sockets by place, as [`crate::model::world::World`] counts them: 0 is the host, which is always there.
#[derive(Debug, Default)]
pub struct Sockets {
    places: Vec<At>,
    /// The buffer of all rtnetlink sockets: the one that was used last has it.
    buffer: Vec<u8>,
    last: usize,
    /// The host's namespace, once it has to be named.
    home: Option<Namespace>,
    /// How many files may be open.
    limit: u64,
}

/// One place.
#[derive(Debug, Default)]
struct At {
    name: Option<NsName>,
    presence: Presence,
    /// Of the host there is none.
    namespace: Option<Namespace>,
    route: Option<Socket<Route>>,
    /// It has no name yet.
    staged: bool,
}

impl Sockets {
    /// Opens rtnetlink in the host and, in this order, in the namespaces of names that are there.
    ///
    /// # Errors
    /// A name's file stands for no namespace, or one cannot be entered.
    pub fn open(names: &[NsName]) -> Result<Self> {
        // Two descriptors for each namespace: more than the usual 1024 for a large lab. Without leave it stays as it is.
        let limit = crate::sys::process::raise_open_files();
        let mut sockets = Sockets { limit, ..Sockets::default() };
        let route = Some(Socket::open()?);
        sockets.places.push(At { presence: Presence::There, route, ..At::default() });
        sockets.add(names, true)?;
        Ok(sockets)
    }

    /// Whether all places can be open at once, those too that are still to be made.
    ///
    /// # Errors
    /// How many may, and how many would have to.
    pub fn room(&self) -> Result<()> {
        let needed = self.places.len() as u64 * 2 + SPARE;
        if needed <= self.limit {
            return Ok(());
        }
        let (needed, limit) = (needed.to_string(), self.limit.to_string());
        Err(Error::usage(
            ["so many namespaces need ", &needed, " open files, and ", &limit, " are allowed: ulimit -n"].concat(),
        ))
    }

    /// Opens rtnetlink in further namespaces, behind the others.
    ///
    /// # Errors
    /// As [`Sockets::open`]; without `strict` a name whose file stands for no namespace counts as absent.
    pub fn add(&mut self, names: &[NsName], strict: bool) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let first = self.places.len();
        let places = &mut self.places;
        in_thread(|| {
            for (number, name) in (first..).zip(names) {
                let mut at = At { name: Some(name.clone()), ..At::default() };
                match again(|| at.enter(number)) {
                    // One that could not be looked at is not one that is not there.
                    Err(error) if strict || error.errno().is_some() => return Err(error.in_ns(Some(&name.to_string()))),
                    Err(_) => at = At { name: at.name, ..At::default() },
                    Ok(()) => {}
                }
                places.push(at);
            }
            Ok(())
        })?
    }

    /// Takes a namespace in that has no name yet, with a socket that was opened in it, as that of a place.
    pub fn adopt(&mut self, place: usize, namespace: Namespace, mut socket: Socket<Route>) {
        socket.set_ns(u32::try_from(place).unwrap_or(u32::MAX));
        if let Some(at) = self.places.get_mut(place) {
            let name = at.name.take();
            *at =
                At { staged: false, name, presence: Presence::There, namespace: Some(namespace), route: Some(socket) };
        }
    }

    /// Forgets a place's namespace: it is gone.
    pub fn drop_namespace(&mut self, place: usize) {
        if let Some(at) = self.places.get_mut(place) {
            *at = At { name: at.name.take(), ..At::default() };
        }
    }

    /// Takes a place's namespace out, with its socket.
    pub fn take(&mut self, place: usize) -> Option<(Namespace, Socket<Route>)> {
        let at = self.places.get_mut(place)?;
        let taken = std::mem::replace(at, At { name: at.name.clone(), ..At::default() });
        taken.namespace.zip(taken.route)
    }

    /// The place of a name.
    pub fn find(&self, name: &NsName) -> Option<usize> {
        self.places.iter().position(|at| at.name.as_ref() == Some(name))
    }

    /// Marks a place's namespace as one that has no name yet, or as one that has.
    pub fn set_staged(&mut self, place: usize, staged: bool) {
        if let Some(at) = self.places.get_mut(place) {
            at.staged = staged;
        }
    }

    /// The places whose namespaces have no name yet.
    pub fn staged(&self) -> Vec<usize> {
        let mut staged = Vec::new();
        for (place, at) in self.places.iter().enumerate() {
            if at.staged {
                staged.push(place);
            }
        }
        staged
    }

    /// Puts the places in another order: the host, those of these names, then the others that are there.
    pub fn arrange<'n>(&mut self, names: impl Iterator<Item = &'n NsName>) {
        let mut old = std::mem::take(&mut self.places);
        let mut places = Vec::with_capacity(old.len());
        if !old.is_empty() {
            places.push(old.remove(0));
        }
        let mut begin = 0;
        for name in names {
            // Mostly it is the next one.
            let is = |at: &At| at.name.as_ref() == Some(name);
            let found = (begin..old.len()).find(|at| is(&old[*at])).or_else(|| old.iter().position(is));
            begin = found.map_or(begin, |at| at + 1);
            let at = found.and_then(|at| old.get_mut(at)).map(std::mem::take);
            places.push(at.unwrap_or_else(|| At { name: Some(name.clone()), ..At::default() }));
        }
        places.extend(old.into_iter().filter(|at| at.presence != Presence::Absent));
        for (place, at) in places.iter_mut().enumerate() {
            at.route.iter_mut().for_each(|socket| socket.set_ns(u32::try_from(place).unwrap_or(u32::MAX)));
        }
        (self.places, self.last, self.buffer) = (places, usize::MAX, Vec::new());
    }

    /// Takes away the places from one on that a function says no to; those behind move up.
    pub fn retain_from(&mut self, first: usize, keep: &mut dyn FnMut(usize, &mut Socket<Route>) -> bool) {
        let rest = self.places.split_off(first.min(self.places.len()));
        let mut buffer = Vec::new();
        for (number, mut at) in (first..).zip(rest) {
            let Some(socket) = &mut at.route else { continue };
            socket.give_buffer(std::mem::take(&mut buffer));
            let kept = keep(number, socket);
            buffer = socket.take_buffer();
            socket.set_ns(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
            if kept {
                self.places.push(at);
            }
        }
    }

    /// Takes the places from one on out, as those of sockets of their own: [`Sockets::join`] puts them back.
    pub fn split(&mut self, first: usize) -> Self {
        let places = self.places.split_off(first.min(self.places.len()));
        Sockets { places, last: usize::MAX, limit: self.limit, ..Sockets::default() }
    }

    /// Puts the places back that [`Sockets::split`] took out.
    pub fn join(&mut self, rest: Self) {
        self.places.extend(rest.places);
    }

    /// How many places there are.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Name of a place; the host has none.
    pub fn name(&self, place: usize) -> Option<&NsName> {
        self.places.get(place)?.name.as_ref()
    }

    /// Whether a place is there.
    pub fn presence(&self, place: usize) -> Presence {
        self.places.get(place).map_or(Presence::Absent, |at| at.presence)
    }

    /// The namespace of a place, if it is there and not the host.
    pub fn namespace(&self, place: usize) -> Option<&Namespace> {
        self.places.get(place)?.namespace.as_ref()
    }

    /// The rtnetlink socket of a place.
    ///
    /// # Errors
    /// The place is not there.
    pub fn route(&mut self, place: usize) -> Result<&mut Socket<Route>> {
        if place != self.last
            && let Some(socket) = self.places.get_mut(self.last).and_then(|at| at.route.as_mut())
        {
            self.buffer = socket.take_buffer();
        }
        let Some(socket) = self.places.get_mut(place).and_then(|at| at.route.as_mut()) else { return Err(absent()) };
        if place != self.last {
            socket.give_buffer(std::mem::take(&mut self.buffer));
            self.last = place;
        }
        Ok(socket)
    }

    /// The id that one place has for another, if it has one.
    ///
    /// # Errors
    /// One of them is not there, or the kernel could not be asked.
    pub fn id_of(&mut self, place: usize, other: usize) -> Result<Option<i32>> {
        if self.home.is_none() {
            self.home = Some(Namespace::path(std::path::Path::new(OWN)).map_err(|e| Error::sys("open", &e))?);
        }
        // Out of the way of the socket, and back again.
        let at = self.places.get_mut(other).and_then(|at| at.namespace.take());
        match if other == 0 { self.home.take() } else { None }.or(at) {
            Some(namespace) => {
                let found = self.route(place).and_then(|socket| socket.get(&GetNsid { ns: namespace.fd() }));
                let home = if other == 0 { &mut self.home } else { &mut self.places[other].namespace };
                *home = Some(namespace);
                found
            }
            None => Err(absent()),
        }
    }

    /// Runs a function in a place, in a thread that ends there; in the caller's own for the host.
    ///
    /// # Errors
    /// The place is not there, or cannot be entered.
    pub fn within<R: Send>(&self, place: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
        match (place, self.namespace(place)) {
            (0, _) => Ok(work()),
            (_, Some(namespace)) => namespace.within(work).map_err(|e| Error::sys("setns", &e)),
            (_, None) => Err(absent()),
        }
    }

    /// Runs a function in each of some places that are there, in one thread that goes from one to the next.
    ///
    /// # Errors
    /// A place cannot be entered. The function's own end the walk.
    pub fn visit(&self, places: &[usize], work: &mut (dyn FnMut(usize) -> Result<()> + Send)) -> Result<()> {
        if places.contains(&0) {
            work(0)?;
        }
        if !places.iter().any(|place| self.namespace(*place).is_some()) {
            return Ok(());
        }
        in_thread(|| {
            for &place in places {
                if let Some(namespace) = self.namespace(place) {
                    again(|| namespace.enter()).map_err(|e| Error::sys("setns", &e))?;
                    work(place)?;
                }
            }
            Ok(())
        })?
    }
}

impl At {
    /// Opens the namespace, goes into it and opens rtnetlink there.
    fn enter(&mut self, number: usize) -> Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let path = Folder::standard().path().join(OsStr::from_bytes(name.as_bytes()));
        // A link would lead elsewhere, and a pipe would wait for a writer.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let failed = |what: &str, e: &io::Error| Error::file(what, &path, e);
        let file = match File::options().read(true).custom_flags(flags).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) if e.raw_os_error() == Some(libc::ELOOP) => return Err(no_namespace(&path, "a symbolic link")),
            // A socket.
            Err(e) if e.raw_os_error() == Some(libc::ENXIO) => return Err(no_namespace(&path, "something else")),
            Err(e) => return Err(failed("open", &e)),
        };
        let stat = file.metadata().map_err(|e| failed("stat", &e))?;
        let namespace = Namespace::of(file);
        match namespace.enter() {
            Ok(()) => {}
            // EINVAL: the descriptor is of no namespace, or of one of another kind.
            Err(e) if e.raw_os_error() != Some(libc::EINVAL) => return Err(failed("setns", &e)),
            // Where netstrap or iproute2 was killed between making the file and binding the namespace onto it.
            Err(_) if stat.is_file() && stat.len() == 0 && !is_nsfs(&namespace) => {
                self.presence = Presence::Leftover;
                return Ok(());
            }
            Err(_) => return Err(no_namespace(&path, "something else")),
        }
        self.presence = Presence::There;
        self.route = Some(open(number)?);
        self.namespace = Some(namespace);
        Ok(())
    }
}

/// Whether a descriptor is of a namespace: one of another kind is an empty file, too.
fn is_nsfs(namespace: &Namespace) -> bool {
    crate::sys::netns::is_namespace(namespace.fd())
}

fn no_namespace(path: &std::path::Path, what: &str) -> Error {
    Error::usage([&path.display().to_string(), " is ", what, ", no network namespace"].concat())
}

#[cold]
fn absent() -> Error {
    Error::usage("the namespace is not there")
}

/// Opens a socket for a place in the calling thread's namespace.
fn open(place: usize) -> Result<Socket<Route>> {
    let mut socket = Socket::open()?;
    socket.set_ns(u32::try_from(place).unwrap_or(u32::MAX));
    Ok(socket)
}

/// Runs a function in a thread of its own, which may leave its namespace for good.
fn in_thread<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R> {
    let (mut work, mut done) = (Some(work), None);
    let mut run = || done = work.take().map(|work| work());
    let ran = thread::beside(STACK, &mut run, &mut || {});
    ran.map_err(|e| Error::sys("thread", &e))?;
    done.ok_or_else(|| Error::usage("a thread died"))
}
