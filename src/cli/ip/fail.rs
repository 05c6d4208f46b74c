//! How an `ip` command ends when it does not succeed: iproute2's text, its exit code,
//! and what would fix it as a hint.

use crate::cli::cursor::shown;
use crate::cli::io::Io;
use crate::error::{Error, Kind, Refusal, strerror};

/// Exit code of a usage or argument error.
const USAGE: u8 = 255;
/// Exit code of a refusal by `ip` itself.
const OWN: u8 = 1;
/// Exit code of a refusal by the kernel.
const KERNEL: u8 = 2;

/// What a verb returns: an exit code, or how it failed.
pub type Outcome = Result<u8, Fail>;

/// A failed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail {
    code: u8,
    text: Option<String>,
    hint: Option<String>,
}

impl Fail {
    fn new(code: u8, text: impl Into<String>) -> Self {
        Fail { code, text: Some(text.into()), hint: None }
    }

    /// A wrong word: exit code 255.
    pub fn usage(text: impl Into<String>) -> Self {
        Fail::new(USAGE, text)
    }

    /// A refusal of `ip`'s own: exit code 1.
    pub fn own(text: impl Into<String>) -> Self {
        Fail::new(OWN, text)
    }

    /// What the kernel would answer, where it need not be asked: exit code 2.
    pub fn kernel(text: &str) -> Self {
        Fail::new(KERNEL, format!("Error: {text}."))
    }

    /// The end of a listing that the kernel refused: exit code 2.
    pub fn kernel_plain(text: &str) -> Self {
        Fail::new(KERNEL, text)
    }

    /// The same end in other words.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Everything was said already: exit code 0.
    pub fn done() -> Self {
        Fail { code: 0, text: None, hint: None }
    }

    /// A value is missing at the end.
    pub fn incomplete() -> Self {
        Fail::usage("Command line is not complete. Try option \"help\"")
    }

    /// A wrong value, with iproute2's reason (which may end in a line break).
    pub fn wrong(reason: &str, word: &[u8]) -> Self {
        Fail::usage(format!("Error: argument \"{}\" is wrong: {reason}", shown(word)))
    }

    /// A keyword given twice.
    pub fn duplicate(keyword: &str, word: &[u8]) -> Self {
        Fail::usage(format!("Error: duplicate \"{keyword}\": \"{}\" is the second value.", shown(word)))
    }

    /// A word too many: it is no keyword, and the device (or what a bare word stands for) is known.
    pub fn garbage(keyword: &str, word: &[u8]) -> Self {
        Fail::usage(format!("Error: either \"{keyword}\" is duplicate, or \"{}\" is a garbage.", shown(word)))
    }

    /// An unknown verb.
    pub fn unknown_verb(word: &[u8], object: &str) -> Self {
        Fail::usage(format!("Command \"{}\" is unknown, try \"ip {object} help\".", shown(word)))
    }

    /// A device that a change names is not there.
    pub fn no_device(name: &[u8]) -> Self {
        Fail::own(format!("Cannot find device \"{}\"", shown(name)))
    }

    /// Something of iproute2 that is not built.
    pub fn unsupported(what: &str) -> Self {
        Fail::own(format!("ip: {what} is not supported by netstrap"))
    }

    /// Adds what would fix it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint that depends on the kernel's errno; `act` is what was being done.
    #[must_use]
    pub fn explain(error: Error, act: &str) -> Self {
        let hint = remedy(&error);
        let line = error.clone().doing(|| act.to_owned()).to_string();
        let fail = Fail::from(error);
        fail.hint(match hint {
            Some(remedy) => format!("{line}; {remedy}"),
            None => line,
        })
    }

    /// Prints the text and the hint; returns the exit code.
    pub fn print(self, io: &mut Io) -> u8 {
        if let Some(text) = self.text {
            io.error(text);
        }
        if let Some(hint) = self.hint {
            io.hint(hint);
        }
        self.code
    }
}

/// What would fix a refusal, where the errno alone says it.
fn remedy(error: &Error) -> Option<&'static str> {
    match error.errno()? {
        libc::EPERM | libc::EACCES => Some("run it as root, or try it in a sandbox: netstrap sandbox"),
        libc::EOPNOTSUPP => match &error.kind {
            Kind::Kernel(Refusal { text: Some(text), .. }) if text.contains("Unknown device type") => {
                Some("this kernel lacks that link kind or its module is not loaded")
            }
            _ => None,
        },
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
            Kind::Kernel(Refusal { text: Some(text), .. }) => Fail::new(KERNEL, with_stop("Error", text)),
            Kind::Kernel(refusal) => Fail::new(KERNEL, format!("RTNETLINK answers: {}", strerror(refusal.errno))),
            Kind::Sys { call, errno } if call.ends_with("socket") => {
                Fail::new(OWN, format!("Cannot open netlink socket: {}", strerror(*errno)))
            }
            Kind::Usage(text) => Fail::usage(text.clone()),
            _ => Fail::new(OWN, error.to_string()),
        }
    }
}

/// `Error: text.` or `Warning: text.`, without doubling the full stop.
pub fn with_stop(label: &str, text: &str) -> String {
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{label}: {text}{stop}")
}
