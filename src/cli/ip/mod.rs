//! `ip`: global options and the object's name in, the object's own verbs run; the
//! words, texts and exit codes are iproute2's (6.1).

pub mod batch;
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
use words::{keyword, prefixes};

use super::applets;
use super::cursor::{Cursor, shown, text};
use super::io::Io;
use crate::model::ip::Family;
use crate::model::rtnames::parse_number;

/// What carries out the words of a command.
pub type Object = fn(&mut Context<'_>, Cursor<'_>) -> Outcome;

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
    let outcome = options(&mut context, Cursor::new(words), &IP).and_then(|words| match context.options.batch.take() {
        Some(file) => batch::run(&mut context, &file, object),
        None => object(&mut context, words),
    });
    match outcome {
        Ok(code) => code,
        Err(fail) => fail.print(context.io),
    }
}

/// How a tool of iproute2 reads the options before the object.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// How to ask it for help, as its complaint about an unknown option says.
    pub help: &'static str,
    /// What it prints for `help`.
    pub usage: &'static str,
    /// What it prints for `-Version`.
    pub version: &'static str,
    /// Its options in its order: a word stands for the first that it begins (`~`) or is (`=`).
    pub options: &'static str,
}

/// `ip` itself.
const IP: Tool = Tool {
    name: "ip",
    help: "ip -help",
    usage: usage::IP,
    version: VERSION,
    options: "loops~l family~f 4=4 6=6 0=0 M=? B=B human-readable~h iec~i stats~s statistics~s details~d resolve~? \
        oneline~o timestamp~t tshort~T Version~V force~F batch~b brief~r json~j pretty~p rcvbuf~? help~H netns~n \
        Numeric~N all~a echo=e",
};

/// Reads the options before the object; iproute2 takes a word as the first option that it begins.
pub fn options<'w>(context: &mut Context<'_>, mut words: Cursor<'w>, tool: &Tool) -> Result<Cursor<'w>, Fail> {
    while let Some(word) = words.peek() {
        let Some(option) = word.strip_prefix(b"-") else { break };
        words.next();
        if word == b"--" {
            break;
        }
        // Of two dashes, one is passed over, in complaints too.
        let (word, option) = option.strip_prefix(b"-").map_or((word, option), |inner| (option, inner));
        if !option_word(context, option, &mut words, tool)? {
            return Err(Fail::usage_word("Option ", word, &[" is unknown, try \"", tool.help, "\"."].concat()));
        }
    }
    Ok(words)
}

/// One option; `Ok(false)` if there is no such option.
fn option_word(context: &mut Context<'_>, option: &[u8], words: &mut Cursor<'_>, tool: &Tool) -> Result<bool, Fail> {
    let options: &mut Options = &mut context.options;
    if let Some(colour) = colour(option) {
        options.colour = colour;
        return Ok(true);
    }
    let help = || usage::fail(tool.usage);
    // A single dash begins the first option of the list.
    let (name, key) = keyword(if option.is_empty() { b"loops" } else { option }, tool.options);
    match key {
        b'l' => {
            let word = words.next().ok_or_else(help)?;
            // What is no number counts as none, which is no limit.
            options.rounds = parse_number(text(word)).unwrap_or(0);
        }
        b'f' => {
            let word = words.next().ok_or_else(help)?;
            options.family = match word {
                b"inet" => Family::V4,
                b"inet6" => Family::V6,
                b"help" => return Err(help()),
                b"bridge" if tool.name == "ip" => Family::Bridge,
                b"mpls" if tool.name == "ip" => return Err(Fail::unsupported_word("family", word)),
                b"link" if tool.name == "ip" => Family::Other(LINK_FAMILY),
                _ => return Err(Fail::wrong("invalid protocol family", word)),
            };
        }
        b'4' => options.family = Family::V4,
        b'6' => options.family = Family::V6,
        b'0' => options.family = Family::Other(LINK_FAMILY),
        b'B' => options.family = Family::Bridge,
        b's' => options.statistics = options.statistics.saturating_add(1),
        b'd' => options.details = true,
        b't' => options.timestamp = Timestamp::Long,
        b'T' => options.timestamp = Timestamp::Short,
        b'F' => options.force = true,
        b'e' => options.echo = true,
        b'b' => options.batch = Some(words.next().ok_or_else(help)?.to_vec()),
        b'o' => options.oneline = true,
        b'r' => options.brief = true,
        b'j' => options.json = true,
        b'p' => options.pretty = true,
        b'N' => options.numeric = true,
        b'a' => options.all = true,
        b'c' => options.compress_vlans = true,
        b'V' => {
            context.io.print(tool.version);
            return Err(Fail::silent(0));
        }
        b'H' => return Err(help()),
        // `-h` is "human-readable", but alone it asks for help.
        b'h' if words.is_empty() => return Err(help()),
        b'h' => options.human = true,
        b'i' => options.iec = true,
        b'n' => {
            let name = words.next().ok_or_else(Fail::incomplete)?;
            context.enter(name)?;
        }
        0 => return Ok(false),
        _ => return Err(Fail::unsupported_word("option", ["-", name].concat().as_bytes())),
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
