//! `route`: the routing table in net-tools' words (2.10) and exit codes; its ioctls are
//! netlink requests here.
//!
//! Names come from `/etc/hosts` and `/etc/networks`, never from DNS, so without `-n` an
//! address may show as a number where net-tools shows a name of DNS. Families other than inet
//! and inet6 are not supported.

mod change;
mod table;

use std::ffi::OsString;

use super::cursor::shown;
use super::getopt::Known;
use super::io::Io;
use super::nettools::Stop;
use crate::model::ip::Family;

/// Exit code of a usage error, and of `flush`.
const USAGE: u8 = 3;
/// Exit code of a name that is not known.
const LOOKUP: u8 = 6;
/// Exit code of a refusal by the kernel.
const REFUSED: u8 = 7;

const OPTIONS: Known = Known {
    letters: "A:eCFhnN64Vv?",
    names: "extend=e verbose=v version=V numeric=n symbolic=N protocol=A cache=C fib=F help=h inet=4 inet6=6",
};

const HELP: &str = "\
Usage: route [-nNvee] [-FC] [-4|-6|-A inet|-A inet6]       List kernel routing tables
       route [-v] [-4|-6] {add|del} ...                    Modify routing table
       route {-h|--help} [-4|-6]                           Detailed usage of a family
       route {-V|--version}                                Display version and exit

        -v, --verbose            be verbose
        -n, --numeric            don't resolve names
        -e, --extend             display other/more information
        -F, --fib                display Forwarding Information Base (default)
        -C, --cache              display routing cache (empty since kernel 3.6)
";

const HELP_INET: &str = "\
Usage: inet_route [-v] del {-host|-net} Target[/prefix] [gw Gw] [metric M] [[dev] If]
       inet_route [-v] add {-host|-net} Target[/prefix] [gw Gw] [metric M]
                              [netmask N] [mss Mss] [window W] [irtt I] [[dev] If]
       inet_route [-v] add {-host|-net} Target[/prefix] [metric M] reject
       inet_route flush      NOT supported
";

const HELP_INET6: &str = "\
Usage: inet6_route [-v] del Target
       inet6_route [-v] add Target [gw Gw] [metric M] [[dev] If]
       inet6_route flush      NOT supported
";

/// Wrong words: perhaps a complaint, then the usage.
#[inline(never)]
fn usage(complaint: &str, family: Family) -> Stop {
    let usage = if family == Family::V6 { HELP_INET6 } else { HELP_INET };
    let end = if complaint.is_empty() { "" } else { "\n" };
    Stop::new(USAGE, &[complaint, end, usage])
}

/// What the options say.
#[derive(Debug, Default)]
struct Options {
    family: Family,
    numeric: bool,
    extend: u8,
    help: bool,
    cache: bool,
    table: bool,
}

/// Runs the applet.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    // getopt would read `-net` as `-n -e -t`.
    let words: Vec<OsString> = argv.iter().skip(1).map(marked).collect();
    let parsed = match OPTIONS.parse(&words) {
        Ok(parsed) => parsed,
        Err(complaint) => {
            // As net-tools has it: the usage on standard output, and success.
            io.error_of(&["route: ", &complaint]);
            io.print(HELP);
            return 0;
        }
    };
    let mut options = Options::default();
    for (letter, value) in parsed.options {
        if let Err(code) = option(&mut options, letter, value, io) {
            return code;
        }
    }
    match act(&options, &parsed.operands, io) {
        Ok(code) => code,
        Err(stop) => stop.print(io),
    }
}

/// `-net` and `-host` as operands.
fn marked(word: &OsString) -> OsString {
    match word.to_str() {
        Some("-net") => "#net".into(),
        Some("-host") => "#host".into(),
        _ => word.clone(),
    }
}

fn option(options: &mut Options, letter: u8, value: &[u8], io: &mut Io) -> Result<(), u8> {
    match letter {
        b'A' => match value {
            b"inet" => options.family = Family::V4,
            b"inet6" => options.family = Family::V6,
            _ => {
                io.error_of(&["Unknown address family `", &shown(value), "'."]);
                return Err(1);
            }
        },
        b'4' => options.family = Family::V4,
        b'6' => options.family = Family::V6,
        b'e' => options.extend += 1,
        b'n' | b'N' => options.numeric = true,
        b'C' => options.cache = true,
        b'F' => options.table = true,
        // net-tools has nothing to add here either.
        b'v' => {}
        b'V' => {
            io.print(concat!("net-tools 2.10\nnetstrap ", env!("CARGO_PKG_VERSION"), "\n"));
            return Err(0);
        }
        _ => options.help = true,
    }
    Ok(())
}

fn act(options: &Options, operands: &[&[u8]], io: &mut Io) -> Result<u8, Stop> {
    let family = options.family;
    let Some((verb, words)) = operands.split_first() else {
        if options.help {
            io.print(match family {
                Family::V4 => HELP_INET,
                Family::V6 => HELP_INET6,
                _ => HELP,
            });
            return Ok(0);
        }
        return table::show(options, io);
    };
    if options.help {
        io.print(HELP);
        return Ok(0);
    }
    match (*verb, family) {
        (b"add", _) | (b"del" | b"delete", _) => {
            let add = *verb == b"add";
            if words.is_empty() && family != Family::V6 {
                io.print(HELP_INET);
                return Ok(0);
            }
            change::run(family, add, words)
        }
        (b"flush", _) => {
            let name = if family == Family::V6 { "inet6" } else { "inet" };
            Err(usage(&["Flushing `", name, "' routing table not supported"].concat(), family))
        }
        _ => Err(Stop::new(USAGE, &[HELP])),
    }
}
