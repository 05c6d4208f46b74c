//! Where an applet prints: buffered standard output, standard error, and hints,
//! which only people see.

use std::io::{BufWriter, Write, stderr, stdout};

/// An applet's output.
pub struct Io {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    hints: Hints,
}

/// Whether hints show.
#[derive(Clone, Copy)]
enum Hints {
    On,
    Off,
    /// If standard error is a terminal: looked up when there is something to say.
    OnTerminal,
}

impl Io {
    /// Standard output and error. Hints are on when standard error is a terminal or
    /// `NETSTRAP_HINTS=1` is set, off with `NETSTRAP_HINTS=0`.
    pub fn standard() -> Self {
        let hints = match std::env::var_os("NETSTRAP_HINTS") {
            Some(value) if value == "1" => Hints::On,
            Some(_) => Hints::Off,
            None => Hints::OnTerminal,
        };
        Io { out: Box::new(BufWriter::new(stdout())), err: Box::new(stderr()), hints }
    }

    /// Any two writers, for tests.
    pub fn to(out: Box<dyn Write>, err: Box<dyn Write>, hints: bool) -> Self {
        Io { out, err, hints: if hints { Hints::On } else { Hints::Off } }
    }

    /// Standard output, buffered.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Writes bytes to standard output. A reader that has gone is no error of ours.
    pub fn print(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.out.write_all(bytes.as_ref());
    }

    /// Writes what is buffered; needed before a child or a wait.
    pub fn flush(&mut self) {
        let _ = self.out.flush();
    }

    /// Prints a line to standard error, after what was printed before it.
    pub fn error(&mut self, line: impl AsRef<str>) {
        self.error_line(line.as_ref());
    }

    fn error_line(&mut self, line: &str) {
        self.flush();
        let _ = self.err.write_all([line, "\n"].concat().as_bytes());
    }

    /// Prints advice to standard error, if hints are on.
    pub fn hint(&mut self, advice: impl AsRef<str>) {
        if self.hints() {
            self.error_line(&["netstrap: hint: ", advice.as_ref()].concat());
        }
    }

    /// Whether hints are on: guards work that only a hint needs.
    pub fn hints(&self) -> bool {
        match self.hints {
            Hints::On => true,
            Hints::Off => false,
            Hints::OnTerminal => crate::sys::process::is_terminal(&stderr()),
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        self.flush();
    }
}
