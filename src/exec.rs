//! Running a command inside a namespace: the view of `/sys` and `/etc` that belongs
//! to it, then the command in place of this process.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::error::{Error, Result};
use crate::folder::entries;
use crate::model::world::EtcFile;
use crate::netns::c_path;
use crate::sys::{mount, netns as sys, process};

/// Gives the process, which is in the namespace `name` already, a mount namespace of its own with that
/// namespace's `/sys` and with each file of `/etc/netns/NAME` bound over its namesake in `/etc`.
/// Returns complaints about files that could not be bound.
///
/// # Errors
/// The mount namespace or `/sys` could not be made. An image without a `/sys` folder does without.
pub fn private_view(name: &[u8]) -> Result<Vec<String>> {
    sys::unshare(libc::CLONE_NEWNS).map_err(|e| Error::sys("unshare failed", &e))?;
    // Slave: mounts of the host still arrive here, ours do not go out.
    mount::mount(c"", c"/", c"none", libc::MS_SLAVE | libc::MS_REC, c"")
        .map_err(|e| Error::sys("\"mount --make-rslave /\" failed", &e))?;
    own_sysfs(name)?;
    Ok(bind_etc(name))
}

/// sysfs shows the network namespace of whoever mounted it.
fn own_sysfs(name: &[u8]) -> Result<()> {
    let mut flags = 0;
    // A read-only instance that cannot be unmounted cannot be covered by a writable one either.
    if mount::detach(c"/sys").is_err() && mount::is_read_only(c"/sys").unwrap_or(false) {
        flags = libc::MS_RDONLY;
    }
    let source = CString::new(name).unwrap_or_default();
    match mount::mount(&source, c"/sys", c"sysfs", flags, c"") {
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        other => other.map_err(|e| Error::sys("mount of /sys failed", &e)),
    }
}

fn bind_etc(name: &[u8]) -> Vec<String> {
    let Some(name) = name.rsplit(|&b| b == b'/').next().filter(|name| !name.is_empty()) else { return Vec::new() };
    let folder = Path::new(EtcFile::FOLDER).join(OsStr::from_bytes(name));
    let mut complaints = Vec::new();
    for entry in entries(&folder) {
        let (from, to) = (folder.join(entry.file_name()), Path::new("/etc").join(entry.file_name()));
        let bound = c_path(&from).and_then(|from| mount::mount(&from, &c_path(&to)?, c"none", libc::MS_BIND, c""));
        if let Err(e) = bound {
            let e = Error::sys(format!("Bind {} -> {} failed", from.display(), to.display()), &e);
            complaints.push(e.to_string());
        }
    }
    complaints
}

/// Replaces this process by a command. Returns only if it cannot be started.
pub fn command(words: &[OsString]) -> io::Error {
    let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
    let mut argv = Vec::new();
    for word in words {
        let Ok(word) = CString::new(word.clone().into_vec()) else { return invalid() };
        argv.push(word);
    }
    argv.first().map_or_else(invalid, |program| process::exec(program, &argv))
}
