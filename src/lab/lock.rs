//! One lock for all labs of the machine, since they share the host. It goes with the process that holds it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::sys::process;
use crate::sys::signal::Signals;

/// Where the lock and what is known of labs are kept: gone after a boot, as the network is.
pub const FOLDER: &str = "/run/netstrap";
/// The lock's file.
const FILE: &str = "/run/netstrap/lock";
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// The lock. It is let go when the last descriptor of it is closed.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// How a wait for the lock ended.
#[derive(Debug)]
pub enum Waited {
    /// It is ours.
    Ours(Lock),
    /// The time is up, and this process has it, if that is known.
    Held(Option<u32>),
    /// A signal came.
    Stopped,
}

impl Lock {
    /// Waits for the lock.
    ///
    /// # Errors
    /// The folder or the file cannot be made or locked.
    pub fn wait(time: Duration, signals: &Signals) -> Result<Waited> {
        let failed = |e: &io::Error| Error::file("lock", Path::new(FILE), e);
        make_folder()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(FILE).map_err(|e| failed(&e))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(failed(&e)),
            }
            if begin.elapsed() >= time {
                return Ok(Waited::Held(holder(&mut file)));
            }
            if signals.take().is_some() {
                return Ok(Waited::Stopped);
            }
            std::thread::sleep(PAUSE);
        }
        sign();
        Ok(Waited::Ours(Lock { _file: file }))
    }
}

/// Writes into the lock's file which process has it, for those who wait. Without that it holds just as well.
pub fn sign() {
    let mut options = OpenOptions::new();
    let file = options.write(true).truncate(true).custom_flags(libc::O_NOFOLLOW).open(FILE);
    let _ = file.and_then(|mut file| file.write_all(std::process::id().to_string().as_bytes()));
}

/// The process that has the lock, as it wrote itself into it.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

/// Makes the folder, for its owner alone. One that is there must be: others could put what they like into it.
fn make_folder() -> Result<()> {
    let failed = |e: &io::Error| Error::file("mkdir", Path::new(FOLDER), e);
    if let Some(parent) = Path::new(FOLDER).parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(|e| failed(&e))?;
    }
    match DirBuilder::new().mode(0o700).create(FOLDER) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed(&e)),
        _ => {}
    }
    let stat = std::fs::symlink_metadata(FOLDER).map_err(|e| failed(&e))?;
    if stat.is_dir() && stat.uid() == process::euid() && stat.mode() & 0o022 == 0 {
        return Ok(());
    }
    // Root's, and we are not.
    if stat.uid() == 0 && process::euid() != 0 {
        return Err(Error::file("open", Path::new(FOLDER), &io::Error::from_raw_os_error(libc::EACCES)));
    }
    Err(Error::usage(
        [FOLDER, " is no folder of yours that you alone may write: chmod 700 it, or take it away"].concat(),
    ))
}
