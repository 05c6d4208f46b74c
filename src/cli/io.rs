//! Where an applet prints: buffered standard output, standard error, and hints,
//! which only people see.

use crate::model::template::filled;
use std::io::{BufWriter, Write, stderr, stdout};

/// An applet's output.
pub struct Io {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    hints: Hints,
    ns: Option<String>,
    lost: Option<i32>,
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
        Io { out: Box::new(BufWriter::new(stdout())), err: Box::new(stderr()), hints, ns: None, lost: None }
    }

    /// Any two writers, for tests.
    pub fn to(out: Box<dyn Write>, err: Box<dyn Write>, hints: bool) -> Self {
        Io { out, err, hints: if hints { Hints::On } else { Hints::Off }, ns: None, lost: None }
    }

    /// Standard output, buffered.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Writes bytes to standard output. A reader that has gone is no error of ours.
    pub fn print(&mut self, bytes: impl AsRef<[u8]>) {
        let written = self.out.write_all(bytes.as_ref());
        self.note(written);
    }

    /// Writes several pieces of text to standard output.
    pub fn print_of(&mut self, pieces: &[&str]) {
        self.print(pieces.concat());
    }

    /// Remembers the first failure to write, but for a reader that has gone.
    fn note(&mut self, written: std::io::Result<()>) {
        let errno = written.err().and_then(|e| e.raw_os_error());
        self.lost = self.lost.or(errno.filter(|errno| *errno != libc::EPIPE));
    }

    /// The end of an applet whose tool minds that its output was lost: its complaint and exit code 1, else `code`.
    pub fn finish(&mut self, tool: &str, code: u8) -> u8 {
        self.flush();
        match self.lost {
            None => code,
            Some(errno) => {
                self.error_line(&[tool, ": write error: ", &crate::error::strerror(errno)].concat());
                1
            }
        }
    }

    /// Says that the process has entered a namespace, for advice that names commands.
    pub fn entered(&mut self, ns: String) {
        self.ns = Some(ns);
    }

    /// How a tool is called from where the user is: `ip -n red sysctl` for one inside red.
    pub fn inside(&self, tool: &str) -> String {
        match &self.ns {
            None => tool.to_owned(),
            Some(ns) if tool == "ip" => ["ip -n ", ns].concat(),
            Some(ns) => filled("ip -n % %", &[ns, tool]),
        }
    }

    /// Writes what is buffered; needed before a child or a wait.
    pub fn flush(&mut self) {
        let written = self.out.flush();
        self.note(written);
    }

    /// Prints a line to standard error, after what was printed before it.
    pub fn error(&mut self, line: impl AsRef<str>) {
        self.error_line(line.as_ref());
    }

    /// Prints a line of several pieces to standard error.
    pub fn error_of(&mut self, pieces: &[&str]) {
        self.error_line(&pieces.concat());
    }

    fn error_line(&mut self, line: &str) {
        self.flush();
        let _ = self.err.write_all([line, "\n"].concat().as_bytes());
    }

    /// Writes to standard error as it is, for a line that is drawn over.
    pub fn draw(&mut self, pieces: &[&str]) {
        let _ = self.err.write_all(pieces.concat().as_bytes());
    }

    /// Whether standard error is a terminal, unless advice was asked for or forbidden.
    pub fn is_terminal(&self) -> bool {
        !matches!(self.hints, Hints::Off) && crate::sys::process::is_terminal(&stderr())
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
