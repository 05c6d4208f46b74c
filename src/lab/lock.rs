//! One lock for all labs of the machine, since they share the host. It goes with the process that holds it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
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
        let failed = |e: &io::Error| Error::sys(["lock ", FILE].concat(), e);
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
        // Who waits for us is told by it. Without it the lock holds just as well.
        let _ = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        Ok(Waited::Ours(Lock { _file: file }))
    }
}

/// The process that has the lock, as it wrote itself into it.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

/// Makes the folder, for its owner alone.
fn make_folder() -> Result<()> {
    let failed = |e: &io::Error| Error::sys(["mkdir ", FOLDER].concat(), e);
    if let Some(parent) = Path::new(FOLDER).parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(|e| failed(&e))?;
    }
    match DirBuilder::new().mode(0o700).create(FOLDER) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(failed(&e)),
        _ => Ok(()),
    }
}
