//! Running other programs, and what a command ends with. Every program that is run for
//! its effect is shown first, so that what xtask does can be done by hand.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Why a command failed, in one line, and its exit code.
#[derive(Debug)]
pub struct Failure {
    /// What is told to the user.
    pub text: String,
    /// Exit code: 1 failed, 64 not understood.
    pub code: u8,
}

/// What a command ends with.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// The words given were not understood.
    pub fn usage(text: impl Into<String>) -> Self {
        Failure { text: text.into(), code: 64 }
    }
}

impl<T: Into<String>> From<T> for Failure {
    fn from(text: T) -> Self {
        Failure { text: text.into(), code: 1 }
    }
}

/// Says what an I/O error was about.
pub trait About<T> {
    /// Puts the object of the operation before the error.
    fn about(self, what: impl AsRef<OsStr>) -> Outcome<T>;
}

impl<T> About<T> for io::Result<T> {
    fn about(self, what: impl AsRef<OsStr>) -> Outcome<T> {
        self.map_err(|err| format!("{}: {err}", what.as_ref().to_string_lossy()).into())
    }
}

/// Tells what is being done, in one line on standard error.
pub fn say(text: impl AsRef<str>) {
    eprintln!("xtask: {}", text.as_ref());
}

/// A program and its words as a line.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Shows and runs a program to its end; its standard output goes to standard error, so
/// that ours stays for results.
pub fn run(command: &mut Command) -> Outcome {
    show(command);
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status().about(command.get_program())?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(command)).into()) }
}

/// Shows a command line as it could be typed.
pub fn show(command: &Command) {
    eprintln!("+ {}", line(command));
}

/// Runs a program silently and returns what it printed; failing is an error with its last words.
pub fn read(command: &mut Command) -> Outcome<String> {
    let output = output(command)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}: {}", line(command), output.status, words.trim()).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program silently and returns all of its outcome.
pub fn output(command: &mut Command) -> Outcome<Output> {
    command.stdin(Stdio::null()).output().about(command.get_program())
}

/// Finds a program on PATH, or where administrators' programs are kept.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let admin = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(admin).map(|dir| dir.join(name)).find(|file| is_program(file))
}

/// Whether a path is a file that may be run.
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// This program's own file.
pub fn own_binary() -> Outcome<PathBuf> {
    std::env::current_exe().about("this program's own file")
}
