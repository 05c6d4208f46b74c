//! `netstrap sandbox [-- CMD...]`: a command in a private place, no root needed.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::applets;
use super::cursor::shown;
use super::io::Io;
use super::netstrap::USAGE;
use crate::error::strerror;

/// Exit code when the sandbox cannot be made.
const FAILED: u8 = 1;
/// Exit code when the command cannot be started, as a shell has it.
const NOT_FOUND: u8 = 127;

/// Runs the verb: becomes the command, so that its exit code and signals are passed on as they are.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let shell = [std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())];
    let command = match argv.get(1..).unwrap_or_default() {
        [] => &shell[..],
        [dashes, command @ ..] if dashes == "--" && !command.is_empty() => command,
        [word, ..] if word.as_bytes().starts_with(b"-") => {
            io.error("netstrap: usage: netstrap sandbox [-- CMD...]");
            return USAGE;
        }
        command => command,
    };
    if let Err(error) = crate::sandbox::enter() {
        io.error(["netstrap: sandbox: ", &error.to_string()].concat());
        return FAILED;
    }
    io.flush();
    let error = crate::exec::command(command);
    let program = command.first().map(|word| word.as_bytes()).unwrap_or_default();
    if error.kind() == std::io::ErrorKind::NotFound && !program.contains(&b'/') {
        if program == b"netstrap" {
            return super::netstrap::run(command, io);
        }
        if let Some(applet) = applets::find(program) {
            return (applet.run)(command, io);
        }
    }
    let reason = strerror(error.raw_os_error().unwrap_or(libc::EIO));
    io.error(["netstrap: sandbox: run ", &shown(program), ": ", &reason].concat());
    NOT_FOUND
}
