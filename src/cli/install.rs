//! `netstrap install DIR`: the links by which the applets are called.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::applets::APPLETS;
use super::io::Io;
use super::netstrap::USAGE;
use crate::error::strerror;

/// Exit code when the links cannot be made.
const FAILED: u8 = 1;
const HELP: &str = "usage: netstrap install DIR";

/// Runs the verb: all links or none; those that are there already stay.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let dir = match argv {
        [_, word] if word == "--help" || word == "-h" => {
            io.print_of(&[HELP, "\n"]);
            return 0;
        }
        [_, dir] if !dir.is_empty() && !dir.as_bytes().starts_with(b"-") => dir,
        _ => {
            io.error_of(&["netstrap: ", HELP]);
            return USAGE;
        }
    };
    match install(Path::new(dir)) {
        Ok(()) => 0,
        Err(reason) => {
            io.error_of(&["netstrap: install: ", &reason]);
            FAILED
        }
    }
}

fn install(dir: &Path) -> Result<(), String> {
    let own = std::env::current_exe()
        .map_err(|_| "this program finds its own path in /proc: mount -t proc proc /proc".to_owned())?;
    std::fs::create_dir_all(dir).map_err(|e| failed(&["mkdir ", &dir.to_string_lossy()].concat(), &e))?;
    let dir = dir.canonicalize().map_err(|e| failed("resolve the folder", &e))?;
    let mut missing = Vec::new();
    for name in APPLETS.iter().map(|applet| applet.name).chain(["netstrap"]) {
        let link = dir.join(name);
        if link == own || is_own(&link, &own) {
            continue;
        }
        if link.symlink_metadata().is_ok() {
            let link = link.to_string_lossy();
            return Err(
                [&link, " is there and is no link to this program; remove it or choose another folder"].concat()
            );
        }
        missing.push(link);
    }
    // A link beside the program moves with it.
    let target = if own.parent() == Some(&dir) { own.file_name().map(PathBuf::from) } else { None }.unwrap_or(own);
    for link in missing {
        std::os::unix::fs::symlink(&target, &link)
            .map_err(|e| failed(&["link ", &link.to_string_lossy()].concat(), &e))?;
    }
    Ok(())
}

fn is_own(link: &Path, own: &Path) -> bool {
    link.symlink_metadata().is_ok_and(|stat| stat.is_symlink()) && link.canonicalize().is_ok_and(|to| to == own)
}

fn failed(what: &str, error: &std::io::Error) -> String {
    [what, ": ", &strerror(error.raw_os_error().unwrap_or(libc::EIO))].concat()
}
