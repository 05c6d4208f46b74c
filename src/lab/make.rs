//! Steps that are not messages: parameters, tap devices, files, and translations, which are a transaction.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::look;
use super::record::again;
use crate::error::{Error, Result};
use crate::model::lab::Lab;
use crate::model::name::{IfName, NsName};
use crate::model::translation::Translation;
use crate::model::world::EtcFile;
use crate::socket::Socket;
use crate::sys::device::{
    TUNSETGROUP, TUNSETIFF, TUNSETIFINDEX, TUNSETOWNER, TUNSETPERSIST, with_int, with_name, with_number,
};
use crate::sysctl::Key;
use crate::translations::Translations;

const TUN: &str = "/dev/net/tun";
/// `IFF_TAP` of `linux/if_tun.h`.
const IFF_TAP: u16 = 2;
/// `IFF_TUN_EXCL`: fail if the device exists.
const IFF_TUN_EXCL: u16 = 0x8000;

/// A tap device to make.
#[derive(Debug, Clone, Copy)]
pub struct Tap {
    /// Its name.
    pub name: IfName,
    /// Its index.
    pub index: u32,
    /// Flags besides `IFF_TAP`.
    pub flags: u16,
    /// Who may open it.
    pub user: Option<u32>,
    /// Which group may open it.
    pub group: Option<u32>,
}

/// Makes a tap device in the calling thread's namespace.
///
/// # Errors
/// Nothing stays behind.
pub fn tap(tap: &Tap) -> Result<()> {
    let make = || -> io::Result<()> {
        let file = File::options().read(true).write(true).open(TUN)?;
        let flags = tap.flags | IFF_TAP | IFF_TUN_EXCL;
        with_int(file.as_fd(), TUNSETIFINDEX, tap.index)?;
        with_name(file.as_fd(), TUNSETIFF, tap.name.as_bytes(), &flags.to_ne_bytes())?;
        for (number, value) in [(TUNSETOWNER, tap.user), (TUNSETGROUP, tap.group), (TUNSETPERSIST, Some(1))] {
            if let Some(value) = value {
                with_number(file.as_fd(), number, value)?;
            }
        }
        Ok(())
    };
    make().map_err(|e| Error::sys(TUN, &e))
}

/// Sets a parameter of the calling thread's namespace. With `look` its value until then comes back, if it is another.
///
/// # Errors
/// As `read(2)` and `write(2)`.
pub fn sysctl(name: &str, look: bool, value: &str) -> Result<Option<String>> {
    let key = Key::parse(name);
    if !key.is_inside() {
        return Err(Error::usage([name, " is no parameter"].concat()));
    }
    let failed = |e: &io::Error| Error::sys(key.path(), e);
    let found = if look { Some(again(|| key.read()).map_err(|e| failed(&e))?) } else { None };
    again(|| key.write(value)).map_err(|e| failed(&e))?;
    Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|found| found != value))
}

/// Makes these the only translations of a lab in the calling thread's namespace.
///
/// # Errors
/// Nothing has changed.
pub fn translations(lab: &Lab, list: &[Translation]) -> Result<()> {
    let mut translations = Translations::of_lab(Socket::open()?, lab);
    translations.make(list).map(|_| ()).map_err(|fault| fault.failure.error)
}

/// The folder of a namespace's files.
fn folder(name: &NsName) -> PathBuf {
    Path::new(EtcFile::FOLDER).join(std::ffi::OsStr::from_bytes(name.as_bytes()))
}

/// Whether a text is one that the lab wrote: by its first line.
fn is_of(lab: &Lab, text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').next() == Some(lab.headline().as_bytes())
}

/// Takes a file of the lab away, and the folder unless other files are in it. Says whether it was there. What is
/// not the lab's stays: somebody else has written it meanwhile.
fn remove(lab: &Lab, name: &NsName, file: EtcFile) -> Result<bool> {
    let folder = folder(name);
    let path = folder.join(file.name());
    let removed = match again(|| look::etc(&path)) {
        Ok(text) if !is_of(lab, &text) => return Ok(false),
        Ok(_) => unlink(&path)?,
        Err(e) if is_missing(&e) => false,
        Err(e) => return Err(Error::file("open", &path, &e)),
    };
    unlink(&unfinished(&folder, file))?;
    match std::fs::remove_dir(&folder) {
        // It has other files in it, is the root of a mount, or nobody could have made it.
        Err(e)
            if !is_missing(&e)
                && !matches!(e.raw_os_error(), Some(libc::ENOTEMPTY | libc::EEXIST | libc::EBUSY | libc::EROFS)) =>
        {
            Err(Error::file("rmdir", &folder, &e))
        }
        _ => Ok(removed),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Deletes a file; whether it was there.
fn unlink(path: &Path) -> Result<bool> {
    match std::fs::remove_file(path) {
        Err(e) if is_missing(&e) => Ok(false),
        result => result.map(|()| true).map_err(|e| Error::file("unlink", path, &e)),
    }
}

/// Adds the files of a namespace that could neither be finished nor deleted, a line each.
pub fn unfinished_of(name: &NsName, lines: &mut Vec<String>) {
    for file in EtcFile::ALL {
        let path = unfinished(&folder(name), file);
        // One that cannot be asked for may be there.
        if !again(|| path.symlink_metadata()).is_err_and(|e| is_missing(&e)) {
            let line = ["file ", &path.display().to_string()].concat();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
}

/// Where a file is written until it is whole.
fn unfinished(folder: &Path, file: EtcFile) -> PathBuf {
    folder.join([".", file.name(), ".new"].concat())
}

/// Takes away what a run that was killed has left beside the files of a namespace.
pub fn sweep_unfinished(name: &NsName) {
    for file in EtcFile::ALL {
        let _ = std::fs::remove_file(unfinished(&folder(name), file));
    }
}

/// Takes away what the lab has in the folders of these namespaces, which it has no more: how many files.
///
/// # Errors
/// As the file operations.
pub fn sweep_files(lab: &Lab, names: &[NsName]) -> Result<usize> {
    let mut swept = 0;
    if !look::has_files()? {
        return Ok(swept);
    }
    for name in names {
        for file in EtcFile::ALL {
            swept += usize::from(remove(lab, name, file)?);
        }
    }
    Ok(swept)
}

/// Writes a file of a namespace, or takes it away. The old one is there until the new one is whole. `found` is what
/// was in it when it was looked at: only that, or what bears the lab's first line, is written over.
///
/// # Errors
/// As the file operations; `EEXIST` where somebody else's file has come meanwhile.
pub fn etc_file(lab: &Lab, name: &NsName, file: EtcFile, found: Option<&str>, text: Option<&str>) -> Result<()> {
    let Some(text) = text else { return remove(lab, name, file).map(|_| ()) };
    let folder = folder(name);
    let path = folder.join(file.name());
    let new = unfinished(&folder, file);
    let write = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o644).custom_flags(libc::O_NOFOLLOW);
        options.open(&new)?.write_all(text.as_bytes())?;
        // A link is made only where nothing is; a rename would take the place of whatever is there.
        let linked = std::fs::hard_link(&new, &path);
        let Err(e) = linked else {
            return std::fs::remove_file(&new);
        };
        let may_replace = match look::etc(&path) {
            Ok(now) => is_of(lab, &now) || found.is_some_and(|found| String::from_utf8_lossy(&now) == found),
            // A file system without hard links.
            Err(gone) => e.kind() != io::ErrorKind::AlreadyExists && gone.kind() == io::ErrorKind::NotFound,
        };
        if may_replace { std::fs::rename(&new, &path) } else { Err(e) }
    };
    write().map_err(|e| {
        let _ = std::fs::remove_file(&new);
        let _ = std::fs::remove_dir(&folder);
        Error::file("write", &path, &e)
    })
}
