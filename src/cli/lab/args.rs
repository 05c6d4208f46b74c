//! The words of the verbs that work with files: one table of options, one row for each verb. argv in, a [`Job`] out.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::say::Fail;
use crate::cli::cursor::{shown, text};
use crate::file::complaint::meant;
use crate::file::duration;
use crate::model::lab::is_name;
use crate::model::name::NsName;

/// Bits of the options.
pub const JSON: u16 = 1;
pub const COMMANDS: u16 = 2;
pub const ADOPT: u16 = 4;
pub const REPLACE: u16 = 8;
pub const KEEP: u16 = 0x10;
pub const CONFIRM: u16 = 0x20;
pub const LOCK: u16 = 0x40;
pub const WRITABLE: u16 = 0x80;
pub const NETNS: u16 = 0x100;
pub const HOST: u16 = 0x200;
pub const HELP: u16 = 0x400;

/// An option: its word, what its value is called (empty: it has none), its bit, and what it does.
type Opt = (&'static str, &'static str, u16, &'static str);

const OPTIONS: &[Opt] = &[
    ("--json", "", JSON, "JSON in place of text"),
    ("--as", "ip", COMMANDS, "the same as lines for sh: ip, bridge, sysctl, nft"),
    ("--adopt", "", ADOPT, "take over unmarked links and namespaces of the same names; `down` then deletes them"),
    ("--replace", "", REPLACE, "make links anew that cannot be changed in place"),
    ("--prune", "on|off", KEEP, "off: leave what the file made before and says no more"),
    ("--confirm", "TIME", CONFIRM, "go back after TIME unless `netstrap confirm` is run before"),
    ("--lock-wait", "TIME", LOCK, "how long to wait for another run to end (30s)"),
    ("--allow-writable-plan", "", WRITABLE, "take, as root, files that others may write"),
    ("-n", "NAME", NETNS, "the namespace NAME; may be said more than once"),
    ("--host", "", HOST, "the host"),
    ("--help", "", HELP, ""),
    ("-h", "", HELP, ""),
];

/// How long to wait for the lock, unless that is said.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest time that an option takes, in seconds.
const LONGEST: u64 = 86_400;

/// A verb.
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// What its operand is called; in brackets if it may be left out, empty if it has none.
    pub operand: &'static str,
    options: u16,
    about: &'static str,
    codes: &'static str,
}

/// Indices of [`VERBS`].
pub const PLAN: usize = 0;
pub const APPLY: usize = 1;
pub const DOWN: usize = 2;
pub const STATUS: usize = 3;
pub const EXPORT: usize = 4;
pub const RECOVER: usize = 5;

const CHANGED: &str = "0 done, or `unchanged`; 1 nothing was changed; 3 failed, and everything is as it was;\n\
    4 failed, and what is left is listed; 5 another run held the lock too long";

/// All of them; `confirm` is the last.
pub const VERBS: &[Verb] = &[
    Verb {
        name: "plan",
        operand: "FILE",
        options: JSON | COMMANDS | ADOPT | REPLACE | KEEP | WRITABLE,
        about: "Prints what `apply` would do, in its order, and changes nothing: + is made, ~ changed,\n\
            -/+ made anew, - taken away.",
        codes: "0 nothing to do; 2 something; 1 error",
    },
    Verb {
        name: "apply",
        operand: "FILE",
        options: ADOPT | REPLACE | KEEP | CONFIRM | LOCK | WRITABLE,
        about: "Makes the network what FILE says: all of it or nothing. It can be said again at any time.",
        codes: CHANGED,
    },
    Verb {
        name: "down",
        operand: "FILE|NAME",
        options: LOCK | WRITABLE,
        about: "Takes away what the file of this name made, and puts back what it changed of the rest. Where its\n\
            state in /run/netstrap is lost, FILE tells what of it lies on links that are not its own.",
        codes: CHANGED,
    },
    Verb {
        name: "status",
        operand: "FILE|NAME",
        options: JSON | WRITABLE,
        about: "Prints what differs from FILE, or from what was last applied under NAME, as lines of `plan --adopt\n\
            --replace`: what somebody else has put in its place differs too.",
        codes: "0 all is as asked; 2 something differs; 1 error",
    },
    Verb {
        name: "export",
        operand: "",
        options: JSON | NETNS | HOST,
        about: "Prints the network as a file: the host and all namespaces, or those that are named. What a\n\
            file cannot say is told on standard error, but for what is not looked at: parameters besides\n\
            `forward`, entries of bridges and vxlans, queueing disciplines, next hop objects.",
        codes: "0 done; 1 error",
    },
    Verb {
        name: "recover",
        operand: "NAME",
        options: LOCK,
        about: "Goes back to what was there before a run of NAME that was interrupted.",
        codes: CHANGED,
    },
    Verb {
        name: "confirm",
        operand: "[NAME]",
        options: 0,
        about: "Keeps what `apply --confirm` made.",
        codes: "0 kept; 1 nothing waits for it, or it has gone back",
    },
];

/// A command line.
pub struct Job<'a> {
    /// Index of [`VERBS`].
    pub verb: usize,
    /// Bits.
    pub options: u16,
    /// The word behind them.
    pub operand: Option<&'a OsStr>,
    /// For how long to wait for `confirm`.
    pub confirm: Option<Duration>,
    /// For how long to wait for the lock.
    pub lock_wait: Duration,
    /// Namespaces.
    pub netns: Vec<&'a [u8]>,
}

impl<'a> Job<'a> {
    /// The verb.
    pub fn row(&self) -> &'static Verb {
        &VERBS[self.verb]
    }

    /// Whether an option was given.
    pub fn has(&self, option: u16) -> bool {
        self.options & option != 0
    }

    /// The operand as text; empty for none.
    pub fn word(&self) -> &'a str {
        self.operand.map_or("", |word| text(word.as_bytes()))
    }

    /// Reads the words behind a verb.
    pub fn read(verb: usize, words: &'a [OsString]) -> Result<Self, Box<Fail>> {
        let row = &VERBS[verb];
        let mut job = Job { verb, options: 0, operand: None, confirm: None, lock_wait: PATIENCE, netns: Vec::new() };
        let mut rest = words.iter();
        let mut only_operands = false;
        while let Some(word) = rest.next() {
            let bytes = word.as_bytes();
            if only_operands || bytes == b"-" || !bytes.starts_with(b"-") {
                if job.operand.is_some() || row.operand.is_empty() {
                    return Err(Fail::usage(row.name, &["\"", &shown(bytes), "\" is a word too many"]));
                }
                job.operand = Some(word);
                continue;
            }
            if bytes == b"--" {
                only_operands = true;
                continue;
            }
            let (name, own) = match bytes.iter().position(|byte| *byte == b'=') {
                Some(at) if bytes.starts_with(b"--") => (&bytes[..at], Some(&bytes[at + 1..])),
                _ => (bytes, None),
            };
            let known = OPTIONS.iter().find(|option| option.0.as_bytes() == name);
            let Some(option) = known.filter(|option| (row.options | HELP) & option.2 != 0) else {
                let mut own = OPTIONS.iter().filter(|option| row.options & option.2 != 0).map(|option| option.0);
                let (known, meant) = match known {
                    Some(_) => (" is none of this verb", String::new()),
                    None => (" is not known", meant(text(name), &mut own)),
                };
                return Err(Fail::usage(row.name, &["the option ", &shown(name), known, &meant]));
            };
            let value = match (option.1, own) {
                ("", None) => &[][..],
                ("", Some(_)) => return Err(Fail::usage(row.name, &[option.0, " takes no value"])),
                (_, Some(own)) => own,
                (_, None) => match rest.next() {
                    Some(value) => value.as_bytes(),
                    None => return Err(Fail::usage(row.name, &[option.0, " lacks its value: ", option.1])),
                },
            };
            job.option(option, value)?;
        }
        job.check()?;
        Ok(job)
    }

    fn option(&mut self, option: &Opt, value: &'a [u8]) -> Result<(), Box<Fail>> {
        self.options |= option.2;
        let word = text(value);
        let row = self.row();
        let wrong =
            |what: &[&str]| Err(Fail::usage(row.name, &[option.0, ": \"", &shown(value), "\"", &what.concat()]));
        match option.2 {
            COMMANDS if word != "ip" => return wrong(&[" is not ip"]),
            KEEP => match word {
                "on" => self.options &= !KEEP,
                "off" => {}
                _ => return wrong(&[" is neither on nor off"]),
            },
            CONFIRM | LOCK => {
                let time = match duration(word, LONGEST) {
                    Some(time) if time > 0 || option.2 == LOCK => Duration::from_millis(time),
                    _ => return wrong(&[" is no time up to 86400s (10s, 500ms)"]),
                };
                if option.2 == LOCK {
                    self.lock_wait = time;
                } else {
                    self.confirm = Some(time);
                }
            }
            NETNS if NsName::new(value).is_none() => return wrong(&[" is no name of a namespace"]),
            NETNS => self.netns.push(value),
            _ => {}
        }
        Ok(())
    }

    /// What does not go together.
    fn check(&self) -> Result<(), Box<Fail>> {
        let row = self.row();
        if self.has(HELP) {
            return Ok(());
        }
        if self.operand.is_none_or(|word| word.is_empty()) && !row.operand.is_empty() && !row.operand.starts_with('[') {
            return Err(Fail::usage(row.name, &[row.operand, " is missing"]));
        }
        if let Some(word) = self.operand.filter(|word| word.to_str().is_none()) {
            let name = shown(word.as_bytes());
            return Err(Fail::usage(row.name, &["\"", &name, "\" is not UTF-8, as names of files must be"]));
        }
        if self.has(JSON) && self.has(COMMANDS) {
            return Err(Fail::usage(row.name, &["--json and --as are two shapes of one thing"]));
        }
        let takes_name = row.operand.contains("NAME");
        if let Some(word) = self.operand.filter(|_| takes_name && !self.is_file()) {
            let of_file = if row.operand.contains("FILE") { "; a FILE has a / or ends in .toml or .json" } else { "" };
            if !is_name(text(word.as_bytes())) {
                return Err(Fail::usage(
                    row.name,
                    &["\"", &shown(word.as_bytes()), "\" is not a name as files have them ([a-z0-9._-])", of_file],
                ));
            }
        }
        Ok(())
    }

    /// Whether the operand is a file, where it may be a name too.
    pub fn is_file(&self) -> bool {
        let word = self.operand.map(OsStr::as_bytes).unwrap_or_default();
        let operand = self.row().operand;
        operand == "FILE"
            || operand.starts_with("FILE")
                && (word == b"-" || word.contains(&b'/') || word.ends_with(b".toml") || word.ends_with(b".json"))
    }
}

impl Verb {
    /// What `--help` prints.
    pub fn help(&self) -> String {
        let mut help = ["usage: netstrap ", self.name].concat();
        let mut say = |pieces: &[&str]| pieces.iter().for_each(|piece| help.push_str(piece));
        if self.options != 0 {
            say(&[" [OPTION...]"]);
        }
        if !self.operand.is_empty() {
            say(&[" ", self.operand]);
        }
        say(&["\n", self.about, "\n"]);
        if self.operand.contains("FILE") {
            say(&["FILE is TOML or JSON (docs/file.md), - standard input."]);
            say(&[if self.operand.contains("NAME") {
                " A word with a / or .toml or .json behind is a FILE.\n"
            } else {
                "\n"
            }]);
        }
        if self.options != 0 {
            say(&["\noptions:\n"]);
        }
        for (name, value, bit, about) in OPTIONS.iter().filter(|option| option.2 & self.options != 0) {
            debug_assert!(bit.count_ones() == 1);
            let pad = " ".repeat(23usize.saturating_sub(name.len() + value.len()));
            say(&[" ", name, " ", value, &pad, about, "\n"]);
        }
        say(&["\nexit codes: ", self.codes, "; 64 wrong words.\n"]);
        help
    }
}
