//! `ip`: global options and the object's name in, the object's own verbs run; the
//! words, texts and exit codes are iproute2's (6.1).

mod batch;
pub mod context;
pub mod encap;
mod event;
pub mod fail;
pub mod filter;
pub mod usage;
pub mod words;

pub mod address;
pub mod addrlabel;
pub mod link;
pub mod maddress;
mod monitor;
pub mod neighbour;
pub mod netconf;
pub mod netns;
pub mod nexthop;
pub mod route;
pub mod rule;
pub mod token;
pub mod tuntap;
pub mod vrf;

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;

use context::{Context, Options, Timestamp};
use fail::{Fail, Outcome};
use words::prefixes;

use super::applets;
use super::cursor::{Cursor, shown};
use super::io::Io;
use crate::model::ip::Family;

/// A verb's handler of an object.
type Object = fn(&mut Context<'_>, Cursor<'_>) -> Outcome;

/// Objects in iproute2's order: a word stands for the first name that it begins. `None` is one that is not built.
const OBJECTS: &[(&str, Option<Object>)] = &[
    ("address", Some(address::run)),
    ("addrlabel", Some(addrlabel::run)),
    ("maddress", Some(maddress::run)),
    ("route", Some(route::run)),
    ("rule", Some(rule::run)),
    ("neighbor", Some(neighbour::run)),
    ("neighbour", Some(neighbour::run)),
    ("ntable", None),
    ("ntbl", None),
    ("link", Some(link::run)),
    ("l2tp", None),
    ("fou", None),
    ("ila", None),
    ("macsec", None),
    ("tunnel", None),
    ("tunl", None),
    ("tuntap", Some(tuntap::run)),
    ("tap", Some(tuntap::run)),
    ("token", Some(token::run)),
    ("tcpmetrics", None),
    ("tcp_metrics", None),
    ("monitor", Some(monitor::run)),
    ("xfrm", None),
    ("mroute", None),
    ("mrule", None),
    ("netns", Some(netns::run)),
    ("netconf", Some(netconf::run)),
    ("vrf", Some(vrf::run)),
    ("sr", None),
    ("nexthop", Some(nexthop::run)),
    ("mptcp", None),
    ("ioam", None),
    ("stats", None),
];

/// Runs the applet.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let words = argv.get(1..).unwrap_or_default();
    // Never dropped: the process ends after this, and the kernel closes and frees at once what
    // would be closed and freed here one by one.
    let mut context = ManuallyDrop::new(Context::new(io, words));
    let outcome = options(&mut context, Cursor::new(words)).and_then(|words| match context.options.batch.take() {
        Some(file) => batch::run(&mut context, &file),
        None => object(&mut context, words),
    });
    match outcome {
        Ok(code) => code,
        Err(fail) => fail.print(context.io),
    }
}

/// Reads the options before the object; iproute2 takes a word as the first option that it begins.
fn options<'w>(context: &mut Context<'_>, mut words: Cursor<'w>) -> Result<Cursor<'w>, Fail> {
    while let Some(word) = words.peek() {
        let Some(option) = word.strip_prefix(b"-") else { break };
        words.next();
        let option = option.strip_prefix(b"-").unwrap_or(option);
        if word == b"--" {
            break;
        }
        if !option_word(context, option, &mut words)? {
            return Err(Fail::usage_word("Option ", word, " is unknown, try \"ip -help\"."));
        }
    }
    Ok(words)
}

/// One option; `Ok(false)` if there is no such option.
fn option_word(context: &mut Context<'_>, option: &[u8], words: &mut Cursor<'_>) -> Result<bool, Fail> {
    const NAMES: &[&str] = &[
        "loops",
        "family",
        "4",
        "6",
        "0",
        "M",
        "B",
        "human-readable",
        "iec",
        "stats",
        "statistics",
        "details",
        "resolve",
        "oneline",
        "timestamp",
        "tshort",
        "Version",
        "force",
        "batch",
        "brief",
        "json",
        "pretty",
        "rcvbuf",
        "color",
        "help",
        "netns",
        "Numeric",
        "all",
        "echo",
    ];
    let exact = |name: &str| name.len() == 1 || name == "echo";
    let name = NAMES.iter().find(|name| if exact(name) { option == name.as_bytes() } else { prefixes(option, name) });
    let options: &mut Options = &mut context.options;
    if let Some(colour) = colour(option) {
        options.colour = colour;
        return Ok(true);
    }
    match name.copied().unwrap_or_default() {
        "family" => {
            let word = words.next().ok_or_else(|| usage::fail(usage::IP))?;
            options.family = match word {
                b"inet" => Family::V4,
                b"inet6" => Family::V6,
                b"bridge" => Family::Bridge,
                b"mpls" => return Err(Fail::unsupported_word("family", word)),
                b"link" => Family::Other(LINK_FAMILY),
                b"help" => return Err(usage::fail(usage::IP)),
                _ => return Err(Fail::wrong("invalid protocol family", word)),
            };
        }
        "4" => options.family = Family::V4,
        "6" => options.family = Family::V6,
        "0" => options.family = Family::Other(LINK_FAMILY),
        "B" => options.family = Family::Bridge,
        "stats" | "statistics" => options.statistics = options.statistics.saturating_add(1),
        "details" => options.details = true,
        "timestamp" => options.timestamp = Timestamp::Long,
        "tshort" => options.timestamp = Timestamp::Short,
        "force" => options.force = true,
        "echo" => options.echo = true,
        "batch" => options.batch = Some(words.next().ok_or_else(|| usage::fail(usage::IP))?.to_vec()),
        "oneline" => options.oneline = true,
        "brief" => options.brief = true,
        "json" => options.json = true,
        "pretty" => options.pretty = true,
        "Numeric" => options.numeric = true,
        "all" => options.all = true,
        "Version" => {
            context.io.print(VERSION);
            return Err(Fail::silent(0));
        }
        "help" => return Err(usage::fail(usage::IP)),
        // `-h` is "human-readable", but alone it asks for help.
        "human-readable" if words.is_empty() => return Err(usage::fail(usage::IP)),
        "netns" => {
            let name = words.next().ok_or_else(Fail::incomplete)?;
            context.enter(name)?;
        }
        "" => return Ok(false),
        name => return Err(Fail::unsupported_word("option", ["-", name].concat().as_bytes())),
    }
    Ok(true)
}

/// Whether an option asks for colour: `-c`, `-color`, with `=always`, `=auto` (a terminal) or `=never`.
fn colour(option: &[u8]) -> Option<bool> {
    let (name, when) = match option.iter().position(|&b| b == b'=') {
        Some(at) => (&option[..at], &option[at + 1..]),
        None => (option, &b"always"[..]),
    };
    if !prefixes(name, "color") {
        return None;
    }
    match when {
        b"always" => Some(true),
        b"auto" => Some(crate::sys::process::is_terminal(&std::io::stdout())),
        b"never" => Some(false),
        _ => None,
    }
}

/// `AF_PACKET`, which `-f link` stands for.
const LINK_FAMILY: u8 = 17;
/// As scripts parse it: `ip utility, iproute2-...`.
const VERSION: &str = concat!("ip utility, iproute2-6.1.0, netstrap ", env!("CARGO_PKG_VERSION"), "\n");

/// Runs an object's verb; beyond iproute2's objects, the applets, in the namespace of `-n`.
fn object(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(word) = words.peek() else { return Err(usage::fail(usage::IP)) };
    if prefixes(word, "help") {
        return Err(usage::fail(usage::IP));
    }
    if let Some((name, handler)) = OBJECTS.iter().find(|(name, _)| prefixes(word, name)) {
        words.next();
        return match handler {
            Some(handler) => handler(context, words),
            None => Err(Fail::unsupported_word("object", name.as_bytes())),
        };
    }
    match applets::APPLETS.iter().find(|applet| applet.name.as_bytes() == word && word != b"ip") {
        Some(_) if context.options.shapes_output() => Err(Fail::unsupported_word("an option before the applet", word)),
        Some(applet) => Ok((applet.run)(words.rest(), context.io)),
        None => Err(Fail::own_word("Object ", word, " is unknown, try \"ip help\".")),
    }
}

/// A command line as one line, for what an error says was being done.
pub fn act(words: &[OsString]) -> String {
    words.iter().map(|word| shown(word.as_bytes())).collect::<Vec<_>>().join(" ")
}
