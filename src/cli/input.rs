//! The whole of a file, or of standard input, for the applets that read one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read, Result};
use std::os::unix::ffi::OsStrExt;

use crate::sys::process::standard_input;

/// Bytes asked for at once.
const PIECE: usize = 64 * 1024;

/// Opens a file; `None` is standard input.
///
/// # Errors
/// The file cannot be opened.
#[inline(never)]
pub fn open(path: Option<&[u8]>) -> Result<File> {
    path.map_or_else(standard_input, |path| File::open(OsStr::from_bytes(path)))
}

/// The path of a word: `-` stands for standard input.
pub fn path(word: &[u8]) -> Option<&[u8]> {
    (word != b"-").then_some(word)
}

/// Reads a file to its end; `None` is standard input.
///
/// # Errors
/// The file cannot be opened or read.
#[inline(never)]
pub fn whole(path: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    loop {
        let end = bytes.len();
        bytes.resize(end + PIECE, 0);
        let more = match file.read(&mut bytes[end..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => None,
            more => Some(more?),
        };
        bytes.truncate(end + more.unwrap_or_default());
        if more == Some(0) {
            return Ok(bytes);
        }
    }
}
