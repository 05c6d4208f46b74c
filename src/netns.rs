//! Named network namespaces: files in a folder (`/run/netns`) onto which a namespace
//! is bound, shared with iproute2, which lists, enters and deletes the same files.

use std::ffi::{CString, OsStr};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::name::NsName;
use crate::sys::inotify::Watch;
use crate::sys::{mount, netns as sys, process, thread};

/// Where iproute2 keeps named namespaces.
const STANDARD: &str = "/run/netns";
/// The calling thread's own namespace; `self` would be the first thread's.
const OWN: &str = "/proc/thread-self/ns/net";

/// A folder of named namespaces.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// An open network namespace. The descriptor keeps it alive.
#[derive(Debug)]
pub struct Namespace {
    fd: OwnedFd,
}

/// Identity of a namespace: two names of one namespace compare equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NsId {
    dev: u64,
    inode: u64,
}

/// What a new name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A namespace made for it.
    New,
    /// The namespace of a running process.
    Process(u32),
}

impl Folder {
    /// `/run/netns`.
    pub fn standard() -> Self {
        Folder(PathBuf::from(STANDARD))
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Path of a name's file. A word with `/` in front is a path of its own.
    pub fn file(&self, name: &[u8]) -> PathBuf {
        self.0.join(OsStr::from_bytes(name))
    }

    /// The names, in the order the folder gives them; none where there is no folder.
    ///
    /// # Errors
    /// The folder is there but cannot be read.
    pub fn names(&self) -> io::Result<Vec<Vec<u8>>> {
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().as_bytes().to_vec());
        }
        Ok(names)
    }

    /// Makes a name for a new namespace or a process's one.
    ///
    /// # Errors
    /// With the failing step as the call; nothing stays behind.
    pub fn add(&self, name: &NsName, source: Source) -> Result<()> {
        self.prepare()?;
        let path = self.file(name.as_bytes());
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o0)
            .open(&path)
            .map_err(|e| Error::sys(format!("Cannot create namespace file \"{}\"", path.display()), &e))?;
        bind(&path, source).inspect_err(|_| {
            let _ = std::fs::remove_file(&path);
        })
    }

    /// Takes a name away. The namespace lives on while a process or descriptor is in it.
    ///
    /// # Errors
    /// There is no such file, or it cannot be removed.
    pub fn delete(&self, name: &[u8]) -> io::Result<()> {
        let path = self.file(name);
        // Fails for a file without a mount (a leftover) and for a link to a namespace elsewhere: neither is unmounted.
        let _ = mount::detach(&c_path(&path)?);
        std::fs::remove_file(&path)
    }

    /// Watches names come and go; makes the folder if need be.
    ///
    /// # Errors
    /// The folder cannot be made or watched.
    pub fn watch(&self) -> io::Result<Watch> {
        self.make()?;
        Watch::folder(&c_path(&self.0)?)
    }

    fn make(&self) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(&self.0)
    }

    /// Makes the folder, and a shared mount of it, so that a namespace named in one mount
    /// namespace is seen, and can be deleted, in the others.
    ///
    /// # Errors
    /// A step of it fails.
    pub fn prepare(&self) -> Result<()> {
        self.make().map_err(|e| Error::sys(format!("mkdir {} failed", self.0.display()), &e))?;
        // Two processes that both find no mount here would stack one on the other: one at a time.
        let lock = File::open(&self.0).map_err(|e| Error::sys(format!("open {} failed", self.0.display()), &e))?;
        let _ = lock.lock();
        self.share()
    }

    fn share(&self) -> Result<()> {
        let dir = c_path(&self.0).map_err(|e| Error::sys("mount", &e))?;
        let flags = libc::MS_SHARED | libc::MS_REC;
        let shared = mount::mount(c"", &dir, c"none", flags, c"");
        let Err(e) = shared else { return Ok(()) };
        let failed = |what: &str, e: &io::Error| Error::sys(format!("mount --{what} {} failed", self.0.display()), e);
        // EINVAL: not a mount point yet.
        if e.raw_os_error() != Some(libc::EINVAL) {
            return Err(failed("make-shared", &e));
        }
        mount::mount(&dir, &dir, c"none", libc::MS_BIND | libc::MS_REC, c"").map_err(|e| failed("bind", &e))?;
        // A peer group of its own: else mounts here would also show up below the parent's peers.
        let _ = mount::mount(c"", &dir, c"none", libc::MS_PRIVATE | libc::MS_REC, c"");
        mount::mount(c"", &dir, c"none", flags, c"").map_err(|e| failed("make-shared", &e))
    }
}

/// Binds a namespace onto a file.
fn bind(path: &Path, source: Source) -> Result<()> {
    match source {
        Source::Process(pid) => bind_from(&format!("/proc/{pid}/ns/net"), path),
        // In a child: it ends in the new namespace, and nobody has to find the way back.
        Source::New => {
            let made = process::in_child(|| match sys::unshare(libc::CLONE_NEWNET) {
                Ok(()) => bind_from(OWN, path).err().map_or(0, |e| exit_code(e.errno()) | BOUND_NOT),
                Err(e) => exit_code(e.raw_os_error()),
            });
            let code = made.map_err(|e| Error::sys("fork failed", &e))?;
            let e = io::Error::from_raw_os_error(i32::from(code & !BOUND_NOT));
            match code {
                0 => Ok(()),
                code if code & BOUND_NOT != 0 => Err(Error::sys(bind_failed(OWN, path), &e)),
                _ => Err(Error::sys("Failed to create a new network namespace", &e)),
            }
        }
    }
}

/// Bit of the child's exit code: the namespace was made, but not bound onto its file.
const BOUND_NOT: u8 = 0x80;

/// Stands for an errno that does not fit.
const EIO: u8 = 5;

/// An errno as an exit code below [`BOUND_NOT`]; those of mounts and namespaces all are.
fn exit_code(errno: Option<i32>) -> u8 {
    errno.and_then(|errno| u8::try_from(errno).ok()).filter(|code| *code < BOUND_NOT).unwrap_or(EIO)
}

fn bind_failed(source: &str, path: &Path) -> String {
    format!("Bind {source} -> {} failed", path.display())
}

fn bind_from(source: &str, path: &Path) -> Result<()> {
    let failed = |e: io::Error| Error::sys(bind_failed(source, path), &e);
    let from = c_path(Path::new(source)).map_err(failed)?;
    let to = c_path(path).map_err(failed)?;
    mount::mount(&from, &to, c"none", libc::MS_BIND, c"").map_err(failed)
}

impl Namespace {
    /// Opens the namespace of a name in a folder (or of an absolute path).
    ///
    /// # Errors
    /// No such name. A file that is no namespace opens, and is refused when it is entered.
    pub fn open(folder: &Folder, name: &[u8]) -> io::Result<Self> {
        Self::path(&folder.file(name))
    }

    /// Opens a namespace file.
    ///
    /// # Errors
    /// As `open(2)`.
    pub fn path(path: &Path) -> io::Result<Self> {
        Ok(Namespace { fd: File::open(path)?.into() })
    }

    /// The namespace of an open file. One that is no namespace is refused when it is entered.
    pub fn of(file: File) -> Self {
        Namespace { fd: file.into() }
    }

    /// Opens the namespace of a process.
    ///
    /// # Errors
    /// No such process, or no leave to look at it.
    pub fn process(pid: u32) -> io::Result<Self> {
        Self::path(Path::new(&format!("/proc/{pid}/ns/net")))
    }

    /// The descriptor, for requests that name the namespace.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Moves the calling thread into it, for good.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`; `EINVAL` if the file is no network namespace.
    pub fn enter(&self) -> io::Result<()> {
        sys::enter(self.fd())
    }

    /// Runs a function in a thread that enters the namespace and ends there: for
    /// opening a socket in it. The caller's own namespace stays as it is.
    ///
    /// # Errors
    /// As [`Namespace::enter`].
    pub fn within<R: Send>(&self, work: impl FnOnce() -> R + Send) -> io::Result<R> {
        let (mut work, mut done, mut entered) = (Some(work), None, Ok(()));
        let mut inside = || {
            // A shortage may pass.
            entered = self.enter().or_else(|_| self.enter());
            if entered.is_ok() {
                done = work.take().map(|work| work());
            }
        };
        thread::beside(64 * 1024, &mut inside, &mut || {})?;
        entered?;
        done.ok_or_else(|| io::Error::from_raw_os_error(libc::EIO))
    }

    /// Its identity.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn id(&self) -> io::Result<NsId> {
        let file = File::from(self.fd.try_clone()?);
        file.metadata().map(|stat| NsId::from(&stat))
    }
}

impl std::fmt::Display for NsId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.dev, self.inode)
    }
}

impl From<&Metadata> for NsId {
    fn from(stat: &Metadata) -> Self {
        NsId { dev: stat.dev(), inode: stat.ino() }
    }
}

impl NsId {
    /// Identity of the namespace that a file stands for.
    ///
    /// # Errors
    /// As `stat(2)`.
    pub fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|stat| NsId::from(&stat))
    }
}

/// The processes in a namespace.
///
/// # Errors
/// `/proc` is not mounted. A process that ends or hides meanwhile is passed over.
pub fn processes(ns: NsId) -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if NsId::of(Path::new(&format!("/proc/{pid}/ns/net"))).ok() == Some(ns) {
            pids.push(pid);
        }
    }
    Ok(pids)
}

/// A path as the system calls take it.
pub fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
