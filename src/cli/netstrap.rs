//! `netstrap`: the own verbs, and every applet by name.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::applets::{APPLETS, Applet, find};
use super::io::Io;
use super::{install, lab, nat, sandbox};

/// Exit code of a usage error of an own verb.
pub const USAGE: u8 = 64;

/// The own verbs, in the order of `--help`.
const VERBS: &[Applet] = &[
    Applet { name: "plan", about: "FILE: what apply would change", run: lab::run },
    Applet { name: "apply", about: "FILE: make the network what a file says, all of it or nothing", run: lab::run },
    Applet { name: "down", about: "FILE|NAME: take away what a file made", run: lab::run },
    Applet { name: "status", about: "FILE|NAME: what differs from the file", run: lab::run },
    Applet { name: "export", about: "the network as a file", run: lab::run },
    Applet { name: "recover", about: "NAME: undo a run that was interrupted", run: lab::run },
    Applet { name: "confirm", about: "[NAME]: keep what apply --confirm made", run: lab::run },
    Applet { name: "nat", about: "add|del|list|replace|flush: masquerade, snat, forward, redirect", run: nat::run },
    Applet {
        name: "sandbox",
        about: "[-- CMD...]: run a command in a private network, no root needed",
        run: sandbox::run,
    },
    Applet { name: "install", about: "DIR: make the links by which the applets are called", run: install::run },
];

/// Runs what argv asks for: `argv[0]` may be an applet's name (a link to the binary), else the first word is
/// an applet or an own verb.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let called = argv.first().map(|word| word.as_bytes()).unwrap_or_default();
    if let Some(applet) = find(called) {
        return (applet.run)(argv, io);
    }
    let words = argv.get(1..).unwrap_or_default();
    match words.first().map(|word| word.as_bytes()) {
        None => {
            help(io);
            USAGE
        }
        Some(b"--help" | b"-h" | b"help") => {
            help(io);
            0
        }
        Some(b"--version" | b"-V") => {
            io.print(concat!("netstrap ", env!("CARGO_PKG_VERSION"), "\n"));
            0
        }
        Some(word) => {
            let verb = VERBS.iter().find(|verb| verb.name.as_bytes() == word);
            match verb.or_else(|| APPLETS.iter().find(|applet| applet.name.as_bytes() == word)) {
                Some(applet) => (applet.run)(words, io),
                None => {
                    let word = super::cursor::shown(word);
                    io.error_of(&["netstrap: \"", &word, "\" is no verb or applet; see: netstrap --help"]);
                    USAGE
                }
            }
        }
    }
}

fn help(io: &mut Io) {
    io.print("usage: netstrap VERB [ARGS...]\n       netstrap APPLET [ARGS...], or APPLET [ARGS...] by a link of that name\n");
    for (heading, rows) in [("\nverbs:\n", VERBS), ("\napplets:\n", APPLETS)] {
        io.print(heading);
        for row in rows {
            let pad = " ".repeat(18usize.saturating_sub(row.name.len()));
            io.print_of(&["  ", row.name, &pad, row.about, "\n"]);
        }
    }
}
