//! How an `ip` command ends when it does not succeed: iproute2's text, its exit code,
//! and what would fix it as a hint.

use crate::cli::cursor::shown;
use crate::cli::io::Io;
use crate::error::{Error, Kind, Refusal, strerror};
use crate::model::template::filled;

/// Exit code of a usage or argument error.
const USAGE: u8 = 255;
/// Exit code of a refusal by `ip` itself.
const OWN: u8 = 1;
/// Exit code of a refusal by the kernel.
const KERNEL: u8 = 2;

/// What a verb returns: an exit code, or how it failed.
pub type Outcome = Result<u8, Fail>;

/// A failed command. One pointer wide, because nearly every function returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail(Box<Failed>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failed {
    code: u8,
    text: Option<String>,
    hint: Option<String>,
}

impl Fail {
    #[inline(never)]
    fn new(code: u8, text: Option<String>) -> Self {
        Fail(Box::new(Failed { code, text, hint: None }))
    }

    /// Text of several pieces, put together out of line: a command has a hundred ways to fail.
    #[inline(never)]
    fn joined(code: u8, pieces: &[&str]) -> Self {
        Fail::new(code, Some(pieces.concat()))
    }

    /// A wrong word: exit code 255.
    pub fn usage(text: impl AsRef<str>) -> Self {
        Fail::joined(USAGE, &[text.as_ref()])
    }

    /// A wrong word, in a template with words in place of its `%`: exit code 255.
    #[inline(never)]
    pub fn usage_of(template: &str, words: &[&str]) -> Self {
        Fail::new(USAGE, Some(filled(template, words)))
    }

    /// A wrong word, with the word in quotes between two texts: exit code 255.
    pub fn usage_word(before: &str, word: &[u8], after: &str) -> Self {
        Fail::joined(USAGE, &[before, "\"", &shown(word), "\"", after])
    }

    /// A refusal of `ip`'s own: exit code 1.
    pub fn own(text: impl AsRef<str>) -> Self {
        Fail::joined(OWN, &[text.as_ref()])
    }

    /// A refusal of `ip`'s own, in a template with words in place of its `%`: exit code 1.
    #[inline(never)]
    pub fn own_of(template: &str, words: &[&str]) -> Self {
        Fail::new(OWN, Some(filled(template, words)))
    }

    /// A refusal of `ip`'s own, with a word in quotes between two texts: exit code 1.
    pub fn own_word(before: &str, word: &[u8], after: &str) -> Self {
        Fail::joined(OWN, &[before, "\"", &shown(word), "\"", after])
    }

    /// A failed system call: exit code 1, `text: reason`.
    pub fn own_io(text: &str, error: &std::io::Error) -> Self {
        Fail::joined(OWN, &[text, ": ", &io_text(error)])
    }

    /// What the kernel would answer, where it need not be asked: exit code 2.
    pub fn kernel(text: &str) -> Self {
        Fail::joined(KERNEL, &["Error: ", text, "."])
    }

    /// The end of a listing that the kernel refused: exit code 2.
    pub fn ended(text: &str) -> Self {
        Fail::joined(KERNEL, &[text])
    }

    /// The same end in other words, with another exit code.
    #[must_use]
    pub fn reworded(mut self, code: u8, template: &str, words: &[&str]) -> Self {
        self.0.code = code;
        self.0.text = Some(filled(template, words));
        self
    }

    /// The same end with another exit code.
    #[must_use]
    pub fn coded(mut self, code: u8) -> Self {
        self.0.code = code;
        self
    }

    /// Everything was said already.
    pub fn silent(code: u8) -> Self {
        Fail::new(code, None)
    }

    /// A value is missing at the end.
    pub fn incomplete() -> Self {
        Fail::usage("Command line is not complete. Try option \"help\"")
    }

    /// A wrong value, with iproute2's reason (which may end in a line break).
    pub fn wrong(reason: &str, word: &[u8]) -> Self {
        Fail::joined(USAGE, &["Error: argument \"", &shown(word), "\" is wrong: ", reason])
    }

    /// A keyword given twice.
    pub fn duplicate(keyword: &str, word: &[u8]) -> Self {
        Fail::joined(USAGE, &["Error: duplicate \"", keyword, "\": \"", &shown(word), "\" is the second value."])
    }

    /// A word too many: it is no keyword, and the device (or what a bare word stands for) is known.
    pub fn garbage(keyword: &str, word: &[u8]) -> Self {
        Fail::joined(USAGE, &["Error: either \"", keyword, "\" is duplicate, or \"", &shown(word), "\" is a garbage."])
    }

    /// An unknown verb.
    pub fn unknown_verb(word: &[u8], object: &str) -> Self {
        Fail::joined(USAGE, &["Command \"", &shown(word), "\" is unknown, try \"ip ", object, " help\"."])
    }

    /// A device that a change names is not there.
    pub fn no_device(name: &[u8]) -> Self {
        Fail::own_word("Cannot find device ", name, "")
    }

    /// Something of iproute2 that is not built.
    pub fn unsupported(what: &str) -> Self {
        Fail::joined(OWN, &["ip: ", what, " is not supported by netstrap"])
    }

    /// Something of iproute2 that is not built, by its own word.
    pub fn unsupported_word(what: &str, word: &[u8]) -> Self {
        Fail::joined(OWN, &["ip: ", what, " \"", &shown(word), "\" is not supported by netstrap"])
    }

    /// Adds what would fix it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a hint that depends on the kernel's errno; `act` is what was being done.
    #[must_use]
    pub fn explain(error: Error, act: &str) -> Self {
        let hint = remedy(&error);
        let line = error.clone().doing(|| act.to_owned()).to_string();
        let fail = Fail::from(error);
        match hint {
            Some(remedy) => fail.hint([&line, "; ", remedy].concat()),
            None => fail.hint(line),
        }
    }

    /// Prints the text and the hint; returns the exit code.
    pub fn print(self, io: &mut Io) -> u8 {
        if let Some(text) = &self.0.text {
            io.error(text);
        }
        if let Some(hint) = &self.0.hint {
            io.hint(hint);
        }
        self.0.code
    }
}

/// What would fix a refusal, where the errno alone says it.
fn remedy(error: &Error) -> Option<&'static str> {
    match error.errno()? {
        libc::EPERM | libc::EACCES => Some("run it as root, or try it in a sandbox: netstrap sandbox"),
        libc::EOPNOTSUPP => match &error.kind {
            Kind::Kernel(Refusal { text: Some(text), .. }) if text.starts_with("Unknown device type") => {
                Some("this kernel lacks that link kind or its module is not loaded")
            }
            _ => None,
        },
        libc::ENETDOWN => Some("set the device up first: ip link set DEVICE up"),
        libc::ENETUNREACH => {
            Some("the gateway must be on a network that an address here belongs to, or be given `onlink`")
        }
        _ => None,
    }
}

impl From<Error> for Fail {
    /// iproute2's words for a kernel's refusal: its text as `Error: ...`, or `RTNETLINK answers: ...`.
    fn from(error: Error) -> Self {
        match &error.kind {
            Kind::Kernel(Refusal { text: Some(text), .. }) => Fail::new(KERNEL, Some(with_stop("Error", text))),
            Kind::Kernel(refusal) => Fail::joined(KERNEL, &["RTNETLINK answers: ", &strerror(refusal.errno)]),
            Kind::Sys { call, errno } if call.ends_with("socket") => {
                Fail::joined(OWN, &["Cannot open netlink socket: ", &strerror(*errno)])
            }
            Kind::Usage(text) => Fail::usage(text),
            _ => Fail::own(error.to_string()),
        }
    }
}

/// glibc's text of an I/O error.
pub fn io_text(error: &std::io::Error) -> String {
    strerror(error.raw_os_error().unwrap_or(libc::EIO))
}

/// `Error: text.` or `Warning: text.`, without doubling the full stop.
pub fn with_stop(label: &str, text: &str) -> String {
    let stop = if text.ends_with('.') { "" } else { "." };
    [label, ": ", text, stop].concat()
}
