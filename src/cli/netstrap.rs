//! `netstrap`: the own verbs, and every applet by name.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::applets::{APPLETS, find};
use super::io::Io;

/// Exit code of a usage error of an own verb.
pub const USAGE: u8 = 64;

/// Runs what argv asks for: `argv[0]` may be an applet's name (a link to the binary), else the first word is
/// an applet or an own verb.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let called = argv.first().map(|word| word.as_bytes()).unwrap_or_default();
    if let Some(applet) = find(called) {
        return (applet.run)(argv, io);
    }
    let words = argv.get(1..).unwrap_or_default();
    let Some(first) = words.first() else {
        help(io);
        return USAGE;
    };
    match first.as_bytes() {
        b"--help" | b"-h" | b"help" => {
            help(io);
            0
        }
        b"--version" | b"-V" => {
            io.print(concat!("netstrap ", env!("CARGO_PKG_VERSION"), "\n"));
            0
        }
        word => match find(word) {
            Some(applet) => (applet.run)(words, io),
            None => {
                io.error(format!(
                    "netstrap: \"{}\" is no verb or applet; see netstrap --help",
                    super::cursor::shown(word)
                ));
                USAGE
            }
        },
    }
}

fn help(io: &mut Io) {
    io.print("usage: netstrap VERB | netstrap APPLET ARGS... | APPLET ARGS... (by a link of that name)\n\napplets:\n");
    for applet in APPLETS {
        io.print(format!("  {:<12} {}\n", applet.name, applet.about));
    }
}
