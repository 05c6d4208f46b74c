//! `netstrap nat`: translation rules in words, in nftables tables of our own. argv
//! becomes rules, they are carried out, and what fails is said in one line.

mod fail;
mod help;
mod list;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use super::cursor::{shown, text};
use super::io::Io;
use crate::error::strerror;
use crate::model::ip::Family;
use crate::model::translation::{Action, parse};
use crate::netns::{Folder, Namespace};
use crate::translations::{Entry, Translations, forget_connections};
use fail::Fail;

const ALLOW: &str = "--allow-forward";
const FORGET: &str = "--flush-conntrack";

/// The command line.
#[derive(Default)]
struct Job<'a> {
    namespace: Option<&'a OsStr>,
    json: bool,
    allow_forward: bool,
    forget: bool,
    /// The verb and the words behind it.
    words: Vec<&'a str>,
    /// The word of the file, as it is.
    file: Option<&'a OsStr>,
}

/// Runs the verb. Exit codes: 0, 1 refused or not there, 64 wrong words.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    match carry_out(argv.get(1..).unwrap_or_default(), io) {
        Ok(()) => 0,
        Err(fail) => {
            io.error_of(&["netstrap: nat: ", &shown(fail.text.as_bytes())]);
            fail.code
        }
    }
}

fn carry_out(argv: &[OsString], io: &mut Io) -> Result<(), Fail> {
    let Some(job) = read(argv)? else {
        io.print(help::HELP);
        return Ok(());
    };
    let (verb, words) = job.words.split_first().unwrap_or((&"", &[]));
    let (mut entries, mut lines) = (Vec::new(), Vec::new());
    match *verb {
        "add" | "del" => entries.push(entry(words, job.allow_forward)?),
        "replace" => (entries, lines) = file(&job)?,
        _ => {}
    }
    if let Some(name) = job.namespace {
        enter(name, io)?;
    }
    let place = Place { job: &job, lines: &lines, entries: &entries, ns: job.namespace };
    let mut rules = Translations::open().map_err(|error| place.wrong(&fail::of_error(&error), None))?;
    let done = match (*verb, entries.first()) {
        ("list", _) => {
            let listed = rules.list().map_err(|fault| place.fault(&fault, &rules))?;
            io.print(if job.json { list::json(&listed) } else { list::text(&listed) });
            return Ok(());
        }
        ("add", Some(entry)) => rules.add(entry),
        ("del", Some(entry)) => rules.delete(&entry.translation),
        ("replace", _) => rules.replace(&entries),
        _ => rules.flush(),
    };
    let changed = done.map_err(|fault| place.fault(&fault, &rules))?;
    if changed {
        if let Some(line) = fail::instead(rules.missing()) {
            io.error_of(&["netstrap: nat: ", &line]);
        }
        if job.forget {
            forget_connections()
                .map_err(|error| Fail::refused(&["forget the connections: ", &fail::of_error(&error)]))?;
        }
    } else if *verb == "del" {
        return Err(place.wrong("there is no such rule", None));
    } else if *verb != "flush" {
        io.print("unchanged\n");
    }
    if *verb != "del" {
        hints(&entries, io);
    }
    Ok(())
}

/// Reads the words; `None` asks for help.
fn read(argv: &[OsString]) -> Result<Option<Job<'_>>, Fail> {
    let mut job = Job::default();
    let mut rest = argv.iter();
    while let Some(word) = rest.next() {
        match word.as_bytes() {
            b"-n" => {
                let name = rest.next().ok_or_else(|| Fail::usage(&["-n needs the name of a network namespace"]))?;
                job.namespace = Some(name);
            }
            b"-j" => job.json = true,
            b"--allow-forward" => job.allow_forward = true,
            b"--flush-conntrack" => job.forget = true,
            b"-h" | b"--help" => return Ok(None),
            [b'-', _, ..] => return Err(Fail::usage(&["the option ", &shown(word.as_bytes()), " is not known"])),
            bytes => {
                job.words.push(text(bytes));
                job.file = Some(word);
            }
        }
    }
    let (verb, count) = (job.words.first().copied().unwrap_or_default(), job.words.len());
    // The options that each takes: list as JSON, let through, forget connections.
    let (json, allow, forget) = match verb {
        "add" | "replace" => (false, true, true),
        // As in what `list` prints; what lets a rule's packets through always goes with it.
        "del" => (false, true, true),
        "list" => (true, false, false),
        "flush" => (false, false, true),
        "help" => return Ok(None),
        "" => return Err(Fail::usage(&["what is to be done is missing: add, del, list, replace or flush"])),
        _ => return Err(Fail::usage(&["\"", verb, "\" is none of add, del, list, replace, flush"])),
    };
    for (given, taken, option) in
        [(job.json, json, "-j"), (job.allow_forward, allow, ALLOW), (job.forget, forget, FORGET)]
    {
        if given && !taken {
            return Err(Fail::usage(&[verb, " does not take the option ", option]));
        }
    }
    match verb {
        "replace" if count != 2 => Err(Fail::usage(&["replace takes one FILE, or - for standard input"])),
        "list" | "flush" if count != 1 => Err(Fail::usage(&[verb, " takes no words"])),
        _ => Ok(Some(job)),
    }
}

/// One rule.
fn entry(words: &[&str], allow_forward: bool) -> Result<Entry, Fail> {
    let translation = parse(words).map_err(|wrong| Fail::usage(&[&wrong]))?;
    if allow_forward && translation.action == Action::Redirect {
        return Err(Fail::usage(&["what is redirected is not passed on, so ", ALLOW, " says nothing"]));
    }
    Ok(Entry { translation, allow_forward })
}

/// The rules of the file, and the numbers of their lines.
fn file(job: &Job<'_>) -> Result<(Vec<Entry>, Vec<usize>), Fail> {
    let path = job.file.unwrap_or_default();
    let mut bytes = Vec::new();
    let read = match path.as_bytes() {
        b"-" => std::io::stdin().read_to_end(&mut bytes),
        _ => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    let name = file_name(path);
    if let Err(error) = read {
        return Err(Fail::refused(&["read ", &name, ": ", &strerror(error.raw_os_error().unwrap_or(libc::EIO))]));
    }
    let (mut entries, mut lines) = (Vec::new(), Vec::new());
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let mut words: Vec<&str> =
            text(line).split_ascii_whitespace().take_while(|word| !word.starts_with('#')).collect();
        if words.is_empty() {
            continue;
        }
        let own = words.last() == Some(&ALLOW);
        if own {
            words.pop();
        }
        let entry = entry(&words, own).map_err(|fail| fail.at(&name, at + 1))?;
        // For all that it can be for.
        let allow_forward = own || (job.allow_forward && entry.translation.action != Action::Redirect);
        entries.push(Entry { allow_forward, ..entry });
        lines.push(at + 1);
    }
    Ok((entries, lines))
}

/// A file's name for a message.
fn file_name(path: &OsStr) -> Cow<'_, str> {
    if path == "-" { Cow::Borrowed("standard input") } else { shown(path.as_bytes()) }
}

fn enter(name: &OsStr, io: &mut Io) -> Result<(), Fail> {
    let entered = Namespace::open(&Folder::standard(), name.as_bytes()).and_then(|namespace| namespace.enter());
    let name = shown(name.as_bytes());
    io.entered(name.to_string());
    entered.map_err(|error| {
        let advice = match error.raw_os_error() {
            Some(libc::ENOENT) => ["; make it with: ip netns add ", &name].concat(),
            Some(libc::EINVAL) => "; its file stands for no namespace any more".to_owned(),
            Some(libc::EPERM | libc::EACCES) => fail::ROOT.to_owned(),
            _ => String::new(),
        };
        let reason = strerror(error.raw_os_error().unwrap_or(libc::EIO));
        Fail::refused(&["enter the network namespace ", &name, ": ", &reason, &advice])
    })
}

/// Where something was done, for what is said when it fails.
struct Place<'a> {
    job: &'a Job<'a>,
    entries: &'a [Entry],
    lines: &'a [usize],
    ns: Option<&'a OsStr>,
}

impl Place<'_> {
    fn fault<T>(&self, fault: &crate::translations::Fault, rules: &Translations<T>) -> Fail
    where
        T: crate::sys::nl::Transport,
    {
        self.wrong(&fail::of_failure(&fault.failure, rules.missing()), fault.entry)
    }

    /// What was being done, to what, in which namespace, and why it failed.
    fn wrong(&self, reason: &str, entry: Option<usize>) -> Fail {
        let ns = self.ns.map(|ns| [&*shown(ns.as_bytes()), ": "].concat()).unwrap_or_default();
        let verb = self.job.words.first().copied().unwrap_or_default();
        let file = self.job.file.filter(|_| verb == "replace").map(file_name).unwrap_or_default();
        let line = entry.and_then(|entry| self.lines.get(entry)).map(|line| [":", &line.to_string()].concat());
        let entry = if verb == "replace" { entry } else { Some(0) };
        let rule = entry.and_then(|entry| self.entries.get(entry)).map(|entry| entry.translation.words());
        let mut words = vec![verb];
        words.extend([&*file, rule.as_deref().unwrap_or_default()].into_iter().filter(|word| !word.is_empty()));
        let mut doing = words.join(" ");
        if let Some(line) = line {
            // Behind the file's name.
            doing.insert_str(verb.len() + 1 + file.len(), &line);
        }
        Fail::refused(&[&ns, &doing, ": ", reason])
    }
}

/// What a rule needs besides: forwarding, and where bridges pass on what they should not.
fn hints(entries: &[Entry], io: &mut Io) {
    if !io.hints() {
        return;
    }
    let says = |path: &str, value: &[u8]| std::fs::read(path).is_ok_and(|content| content.starts_with(value));
    for (family, forwarding, bridging) in [
        (Family::V4, "net.ipv4.ip_forward", "bridge-nf-call-iptables"),
        (Family::V6, "net.ipv6.conf.all.forwarding", "bridge-nf-call-ip6tables"),
    ] {
        let of_family = || entries.iter().map(|entry| &entry.translation).filter(|rule| rule.family == family);
        if !of_family().any(|rule| rule.action != Action::Redirect) {
            continue;
        }
        let path = |name: &str| ["/proc/sys/", &name.replace('.', "/")].concat();
        if says(&path(forwarding), b"0") {
            let sysctl = io.inside("sysctl");
            io.hint(["forwarding is off here, so nothing is passed on: ", &sysctl, " -w ", forwarding, "=1"].concat());
        }
        let forwards = of_family().any(|rule| rule.action == Action::Forward);
        if forwards && says(&path(&["net.bridge.", bridging].concat()), b"1") {
            io.hint(
                [
                    bridging,
                    "=1: what a bridge passes on meets these rules too; for a forward to lead back to the host that \
                     asked, its bridge port needs: bridge link set dev PORT hairpin on",
                ]
                .concat(),
            );
        }
    }
}
