//! Steps that are not messages: parameters, tap devices, files, and translations, which are a transaction.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

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

/// Folder of files per namespace.
const ETC: &str = "/etc/netns";

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

/// Writes a file of a namespace, or takes it away. The old one is there until the new one is whole.
///
/// # Errors
/// As the file operations.
pub fn etc_file(name: &NsName, file: EtcFile, text: Option<&str>) -> Result<()> {
    let folder: PathBuf = Path::new(ETC).join(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let path = folder.join(file.name());
    let failed = |e: &io::Error| Error::sys(path.display().to_string(), e);
    let Some(text) = text else {
        return match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed(&e)),
            _ => {
                // Stays where other files are in it.
                let _ = std::fs::remove_dir(&folder);
                Ok(())
            }
        };
    };
    let new = folder.join([".", file.name(), ".new"].concat());
    let write = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o644).custom_flags(libc::O_NOFOLLOW);
        options.open(&new)?.write_all(text.as_bytes())?;
        std::fs::rename(&new, &path)
    };
    write().map_err(|e| {
        let _ = std::fs::remove_file(&new);
        let _ = std::fs::remove_dir(&folder);
        failed(&e)
    })
}
