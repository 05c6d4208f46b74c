//! `netstrap nat`: translation rules in words, in nftables tables of our own. argv
//! becomes rules, they are carried out, and what fails is said in one line.

mod fail;
mod help;
mod list;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::cursor::{shown, text};
use super::input::{self, whole};
use super::io::Io;
use crate::model::ip::Family;
use crate::model::template::filled;
use crate::model::translation::key::KEY_MAX;
use crate::model::translation::{Action, parse};
use crate::netns::{Folder, Namespace};
use crate::translations::{Entry, Translations, forget_connections};
use fail::Fail;

const ALLOW: &str = "--allow-forward";

/// Bits of the options.
const JSON: u8 = 1;
const ALLOWED: u8 = 2;
const FORGET: u8 = 4;
const HELP: u8 = 8;
const OPTIONS: &[(&str, u8)] =
    &[("-j", JSON), (ALLOW, ALLOWED), ("--flush-conntrack", FORGET), ("-h", HELP), ("--help", HELP), ("help", HELP)];
/// The verbs, the options that each takes, and how many words at most. What lets a rule's packets through always
/// goes with it; `del` takes it as it is listed.
const VERBS: &[(&str, u8, u8)] = &[
    ("add", ALLOWED | FORGET, u8::MAX),
    ("del", ALLOWED | FORGET, u8::MAX),
    ("list", JSON, 0),
    ("replace", ALLOWED | FORGET, 1),
    ("flush", FORGET, 0),
];
/// Indices of [`VERBS`].
const ADD: usize = 0;
const DEL: usize = 1;
const LIST: usize = 2;
const REPLACE: usize = 3;
const FLUSH: usize = 4;

/// The command line.
#[derive(Default)]
struct Job<'a> {
    namespace: Option<&'a OsStr>,
    /// Bits.
    options: u8,
    /// Index of [`VERBS`].
    verb: usize,
    /// The words behind the verb.
    words: Vec<&'a str>,
    /// The last of them, as it is: the file.
    file: Option<&'a OsStr>,
}

/// Runs the verb. Exit codes: 0, 1 refused or not there, 64 wrong words.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let code = match carry_out(argv.get(1..).unwrap_or_default(), io) {
        Ok(()) => 0,
        Err(fail) => {
            io.error_of(&["netstrap: nat: ", &shown(fail.text.as_bytes())]);
            fail.code
        }
    };
    io.finish("netstrap: nat", code)
}

fn carry_out(argv: &[OsString], io: &mut Io) -> Result<(), Box<Fail>> {
    let mut job = Job::default();
    read(argv, &mut job)?;
    if job.options & HELP != 0 {
        io.print(help::HELP);
        return Ok(());
    }
    let (mut entries, mut lines) = (Vec::new(), Vec::new());
    match job.verb {
        ADD | DEL => entry(&job.words, job.options & ALLOWED != 0, &mut entries)?,
        REPLACE => file(&job, &mut entries, &mut lines)?,
        _ => {}
    }
    if let Some(name) = job.namespace {
        enter(name, io)?;
    }
    let place = Place { job: &job, lines: &lines, entries: &entries };
    let mut rules = Translations::open().map_err(|error| place.wrong(&fail::of_error(&error), None))?;
    let done = match (job.verb, entries.first()) {
        (LIST, _) => rules.list().map(|listed| {
            io.print(if job.options & JSON == 0 { list::text(&listed) } else { list::json(&listed) });
            true
        }),
        (ADD, Some(entry)) => rules.add(entry),
        (DEL, Some(entry)) => rules.delete(&entry.translation),
        (REPLACE, _) => rules.replace(&entries),
        _ => rules.flush(),
    };
    let changed = done.map_err(|fault| place.wrong(&fail::of_failure(&fault.failure, rules.missing()), fault.entry))?;
    if changed {
        if let Some(line) = fail::instead(rules.missing()) {
            io.error_of(&["netstrap: nat: ", &line]);
        }
        if job.options & FORGET != 0 {
            forget_connections().map_err(|error| {
                place.wrong(&["done, but the connections are not forgotten: ", &fail::of_error(&error)].concat(), None)
            })?;
        }
    } else if job.verb == DEL {
        return Err(place.wrong("there is no such rule", None));
    } else if job.verb != FLUSH {
        io.print("unchanged\n");
    }
    if job.verb != DEL && io.hints() {
        hints(&entries, io);
    }
    Ok(())
}

/// Reads the words.
fn read<'a>(argv: &'a [OsString], job: &mut Job<'a>) -> Result<(), Box<Fail>> {
    let mut verb = None;
    let mut rest = argv.iter();
    while let Some(word) = rest.next() {
        let known = text(word.as_bytes());
        if known == "-n" {
            job.namespace =
                Some(rest.next().ok_or_else(|| Fail::usage(&["-n needs the name of a network namespace"]))?);
        } else if let Some(option) = OPTIONS.iter().find(|row| row.0 == known && (verb.is_none() || row.0 != "help")) {
            job.options |= option.1;
        } else if known.len() > 1 && known.starts_with('-') {
            return Err(Fail::usage(&["the option ", known, " is not known"]));
        } else if verb.is_none() {
            verb = Some(known);
        } else {
            job.words.push(known);
            job.file = Some(word);
        }
    }
    if job.options & HELP != 0 {
        return Ok(());
    }
    let verb = verb.unwrap_or_default();
    let Some(at) = VERBS.iter().position(|row| row.0 == verb) else {
        return Err(Fail::usage(&[
            "\"",
            verb,
            "\" is none of add, del, list, replace, flush; see: netstrap nat --help",
        ]));
    };
    job.verb = at;
    let (verb, options, count) = VERBS[at];
    if let Some(option) = OPTIONS.iter().find(|row| row.1 & job.options & !options != 0) {
        return Err(Fail::usage(&[verb, " does not take the option ", option.0]));
    }
    if job.words.len() > usize::from(count) || (count == 1 && job.words.is_empty()) {
        return Err(Fail::usage(&[verb, if count == 1 { " takes one FILE, or -" } else { " takes no more words" }]));
    }
    Ok(())
}

/// Adds one rule.
fn entry(words: &[&str], allow_forward: bool, entries: &mut Vec<Entry>) -> Result<(), Box<Fail>> {
    let translation = parse(words).map_err(|wrong| Fail::usage(&[&wrong]))?;
    // No rule of IPv4 is.
    if translation.family == Family::V6 && translation.key().len() > KEY_MAX {
        return Err(Fail::usage(&["the rule is too long to be kept with its words"]));
    }
    if allow_forward && translation.action == Action::Redirect {
        return Err(Fail::usage(&["what is redirected is not passed on, so ", ALLOW, " says nothing"]));
    }
    entries.push(Entry { translation, allow_forward });
    Ok(())
}

/// The rules of the file, and the numbers of their lines.
fn file(job: &Job<'_>, entries: &mut Vec<Entry>, lines: &mut Vec<usize>) -> Result<(), Box<Fail>> {
    let path = job.file.unwrap_or_default();
    let name = file_name(path);
    let bytes = whole(input::path(path.as_bytes()))
        .map_err(|error| Fail::refused(&["read ", &name, ": ", &fail::of_io(&error)]))?;
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let mut words = Vec::new();
        for word in text(line).split_ascii_whitespace() {
            if word.starts_with('#') {
                break;
            }
            words.push(word);
        }
        let own = words.last() == Some(&ALLOW);
        if own {
            words.pop();
        }
        if words.is_empty() {
            continue;
        }
        entry(&words, own, entries).map_err(|fail| fail.at(&name, at + 1))?;
        lines.push(at + 1);
    }
    if job.options & ALLOWED != 0 {
        // For all that it can be for.
        for entry in entries {
            entry.allow_forward |= entry.translation.action != Action::Redirect;
        }
    }
    Ok(())
}

/// A file's name for a message.
fn file_name(path: &OsStr) -> Cow<'_, str> {
    if path == "-" { Cow::Borrowed("standard input") } else { shown(path.as_bytes()) }
}

#[inline(never)]
fn enter(name: &OsStr, io: &mut Io) -> Result<(), Box<Fail>> {
    let entered = Namespace::open(&Folder::standard(), name.as_bytes()).and_then(|namespace| namespace.enter());
    let name = shown(name.as_bytes());
    io.entered(name.to_string());
    entered.map_err(|error| {
        let advice = match error.raw_os_error() {
            Some(libc::ENOENT) => "; make it with: ip netns add",
            Some(libc::EINVAL) => "; its file stands for no namespace any more",
            Some(libc::EPERM | libc::EACCES) => fail::ROOT,
            _ => "",
        };
        Fail::refused(&["enter the network namespace ", &name, ": ", &fail::of_io(&error), advice])
    })
}

/// Where something was done, for what is said when it fails.
struct Place<'a> {
    job: &'a Job<'a>,
    entries: &'a [Entry],
    lines: &'a [usize],
}

impl Place<'_> {
    /// In which namespace, what was being done, to what, and why it failed.
    #[inline(never)]
    fn wrong(&self, reason: &str, entry: Option<usize>) -> Box<Fail> {
        let mut text = String::new();
        let mut say = |pieces: &[&str]| pieces.iter().for_each(|piece| text.push_str(piece));
        if let Some(ns) = self.job.namespace {
            say(&[&shown(ns.as_bytes()), ": "]);
        }
        say(&[VERBS[self.job.verb].0]);
        let mut entry = entry;
        if self.job.verb == REPLACE {
            say(&[" ", &file_name(self.job.file.unwrap_or_default())]);
            if let Some(line) = entry.and_then(|entry| self.lines.get(entry)) {
                say(&[":", &line.to_string()]);
            }
        } else {
            entry = Some(0);
        }
        if let Some(entry) = entry.and_then(|entry| self.entries.get(entry)) {
            say(&[" ", &entry.translation.words()]);
        }
        say(&[": ", reason]);
        Fail::refused(&[&text])
    }
}

/// For whom something is of use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// All that is passed on.
    Passed,
    /// Forwards of what asks a loopback address.
    Localhost,
    /// All forwards.
    Forward,
}

/// What rules need besides: family, for whom, the parameter below `/proc/sys/net`, and what is said when it is
/// wrong. Those of bridges are to be 0 or taken care of, the others 1.
const HINTS: &[(Family, Who, &str, &str)] = &[
    (Family::V4, Who::Passed, "ipv4/ip_forward", OFF),
    (Family::V6, Who::Passed, "ipv6/conf/all/forwarding", OFF),
    (Family::V4, Who::Localhost, "ipv4/conf/all/route_localnet", "nothing from 127.0.0.1 gets out to another host: "),
    (Family::V4, Who::Forward, "bridge/bridge-nf-call-iptables", BRIDGED),
    (Family::V6, Who::Forward, "bridge/bridge-nf-call-ip6tables", BRIDGED),
];
const OFF: &str = "forwarding is off here, so nothing is passed on: ";
const BRIDGED: &str = "bridge-nf-call-iptables=1: what a bridge passes on meets these rules too; for a forward to lead back to the host that asked: ";

#[inline(never)]
fn hints(entries: &[Entry], io: &mut Io) {
    for (family, who, path, says) in HINTS {
        let concerned = |entry: &Entry| {
            let rule = &entry.translation;
            rule.family == *family
                && rule.action != Action::Redirect
                && (*who == Who::Passed || rule.action == Action::Forward)
                && (*who != Who::Localhost || rule.listen.is_some_and(|listen| listen.is_loopback()))
        };
        let bridged = *who == Who::Forward;
        let wrong = if bridged { b'1' } else { b'0' };
        if entries.iter().any(concerned)
            && std::fs::read(["/proc/sys/net/", path].concat()).is_ok_and(|value| value.first() == Some(&wrong))
        {
            let set = filled(" -w net.%=1", &[&path.replace('/', ".")]);
            let (tool, words) =
                if bridged { ("bridge", " link set dev PORT hairpin on") } else { ("sysctl", set.as_str()) };
            io.hint([*says, &io.inside(tool), words].concat());
        }
    }
}
