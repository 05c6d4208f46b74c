//! Files as the verbs read them: opened once, regular or standard input, and not such that others may write them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use crate::cli::input;
use crate::file::{Files, MOST_BYTES};
use crate::sys::process::euid;

/// Bits of a file's mode: its group and all others may write it.
const WRITABLE: u32 = 0o022;

/// The files of this machine.
pub struct Given {
    /// Whether files that others may write are taken by root.
    pub allow_writable: bool,
}

impl Given {
    fn open(&self, path: &str) -> io::Result<File> {
        if path == "-" {
            return input::open(None);
        }
        // Opening a pipe would wait for its other end.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(io::Error::from_raw_os_error(libc::EISDIR));
        }
        if !meta.is_file() {
            return Err(io::Error::other("it is no regular file; pass it on standard input, as -"));
        }
        self.check(&meta)?;
        Ok(file)
    }

    /// Refuses what others may write: a file, or a folder, which gets further files by that.
    fn check(&self, meta: &Metadata) -> io::Result<()> {
        if meta.mode() & WRITABLE != 0 && euid() == 0 && !self.allow_writable {
            return Err(io::Error::other(
                "others than its owner may write it; take that away by chmod go-w, or pass --allow-writable-plan",
            ));
        }
        Ok(())
    }
}

impl Files for Given {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // One more than is taken, so that a longer file is seen to be one.
        self.open(path)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&mut self, folder: &str) -> io::Result<Vec<String>> {
        self.check(&std::fs::metadata(folder)?)?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }
}
