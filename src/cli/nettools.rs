//! What `arp` and `route` share: how they end early, and the cells of their tables.

use super::io::Io;
use crate::error::{Error, strerror};

/// How a command ends early: text for standard error, an exit code, a hint. One pointer wide,
/// because nearly every function returns it.
#[derive(Debug, PartialEq, Eq)]
pub struct Stop(Box<Stopped>);

#[derive(Debug, PartialEq, Eq)]
struct Stopped {
    code: u8,
    text: String,
    hint: &'static str,
}

impl Stop {
    /// Ends with an exit code and a text of pieces; no text where they are empty.
    #[inline(never)]
    pub fn new(code: u8, pieces: &[&str]) -> Self {
        Stop(Box::new(Stopped { code, text: pieces.concat(), hint: "" }))
    }

    /// `call: reason`.
    #[inline(never)]
    pub fn errno(code: u8, call: &str, errno: i32) -> Self {
        let hint = match errno {
            libc::EPERM | libc::EACCES => "run it as root, or try it in a sandbox: netstrap sandbox",
            libc::ENODEV => "name a device that is there (ip link lists them), or a gateway",
            _ => "",
        };
        Stop::new(code, &[call, ": ", &strerror(errno)]).hint(hint)
    }

    /// `call: reason` of a failed request.
    pub fn refused(code: u8, call: &str, error: &Error) -> Self {
        Stop::errno(code, call, error.errno().unwrap_or(libc::EIO))
    }

    /// Adds what would fix it.
    #[must_use]
    #[inline(never)]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.0.hint = hint;
        self
    }

    /// Prints the text and the hint; returns the exit code.
    pub fn print(self, io: &mut Io) -> u8 {
        if !self.0.text.is_empty() {
            io.error(self.0.text.trim_end());
        }
        if !self.0.hint.is_empty() {
            io.hint(self.0.hint);
        }
        self.0.code
    }
}

/// Prints pieces of text.
#[inline(never)]
pub fn put(io: &mut Io, pieces: &[&str]) {
    for piece in pieces {
        io.print(piece);
    }
}

/// Prints a cell, filled with blanks at its right.
#[inline(never)]
pub fn left(io: &mut Io, cell: &str, width: usize) {
    io.print(cell);
    (cell.chars().count()..width).for_each(|_| io.print(" "));
}

/// Prints a cell, filled with blanks at its left.
#[inline(never)]
pub fn right(io: &mut Io, cell: &str, width: usize) {
    (cell.len()..width).for_each(|_| io.print(" "));
    io.print(cell);
}

/// Prints a cell that is cut at its width, filled with blanks at its right.
#[inline(never)]
pub fn cut(io: &mut Io, cell: &str, width: usize) {
    let end = cell.char_indices().nth(width).map_or(cell.len(), |(at, _)| at);
    left(io, &cell[..end], width);
}
