//! argv in, exit code out; everything else is the library's.

use netstrap::cli::io::Io;
use std::ffi::OsString;

fn main() {
    // As the tools it stands for: a closed pipe ends the program, and its children inherit the default.
    let _ = netstrap::sys::process::default_sigpipe();
    let argv: Vec<OsString> = std::env::args_os().collect();
    let mut io = Io::standard();
    let code = netstrap::cli::netstrap::run(&argv, &mut io);
    io.flush();
    netstrap::sys::process::exit(code)
}
