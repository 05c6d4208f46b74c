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
/// Exit codes when the command is not there or cannot be started, as a shell has them.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
const HELP: &str = "usage: netstrap sandbox [-- CMD...]";

/// Runs the verb: becomes the command, so that its exit code and signals are passed on as they are.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let shell = [std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())];
    let command = match argv.get(1..).unwrap_or_default() {
        [] => &shell[..],
        [word] if word == "--help" || word == "-h" => {
            io.print_of(&[HELP, "\n"]);
            return 0;
        }
        [dashes, command @ ..] if dashes == "--" && !command.is_empty() => command,
        [word, ..] if word.as_bytes().starts_with(b"-") => {
            io.error_of(&["netstrap: ", HELP]);
            return USAGE;
        }
        command => command,
    };
    if let Err(error) = crate::sandbox::enter() {
        io.error_of(&["netstrap: sandbox: ", &error.to_string()]);
        return FAILED;
    }
    io.flush();
    let error = crate::exec::command(command);
    if let Some(code) = applets::instead(command, &error, io) {
        return code;
    }
    let program = command.first().map(|word| word.as_bytes()).unwrap_or_default();
    let reason = strerror(error.raw_os_error().unwrap_or(libc::EIO));
    io.error_of(&["netstrap: sandbox: run ", &shown(program), ": ", &reason]);
    if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN }
}
