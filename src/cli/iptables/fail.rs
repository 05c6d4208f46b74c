//! What iptables says when it cannot do something: the lines on standard error and
//! the exit code, in the words of iptables-nft 1.8.9.

use crate::cli::cursor::shown;

/// Name and version that the texts carry; scripts read them from `-V`.
pub const PROGRAM: &str = "iptables v1.8.9 (nf_tables)";
const TRY_HELP: &str = "Try `iptables -h' or 'iptables --help' for more information.";

/// A failure, ready to print. Boxed: it is in the result of nearly every function here.
#[derive(Debug, PartialEq, Eq)]
pub struct Fail(pub Box<Words>);

/// What is printed, and the exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// Lines for standard error, without the last line's end.
    pub text: String,
    /// Exit code.
    pub code: u8,
}

impl Fail {
    /// Any text, in pieces, and exit code.
    #[inline(never)]
    pub fn new(pieces: &[&str], code: u8) -> Self {
        Fail(Box::new(Words { text: pieces.concat(), code }))
    }

    /// A wrong word or value: exit code 2.
    #[inline(never)]
    pub fn parameter(text: &str) -> Self {
        Fail::new(&[PROGRAM, ": ", text, "\n", TRY_HELP], 2)
    }

    /// As [`Fail::parameter`], of a word between two pieces of text.
    #[inline(never)]
    pub fn word(before: &str, word: &[u8], after: &str) -> Self {
        Fail::parameter(&[before, &shown(word), after].concat())
    }

    /// A word between two pieces of text.
    #[inline(never)]
    fn say(program: &str, before: &str, word: &[u8], after: &str, code: u8) -> Self {
        Fail::new(&[program, before, &shown(word), after], code)
    }

    /// As [`Fail::parameter`], without the program's name.
    pub fn argument(word: &[u8]) -> Self {
        Fail::say("Bad argument `", "", word, "'\nTry `iptables -h' or 'iptables --help' for more information.", 2)
    }

    /// Only the advice to ask for help.
    pub fn advice() -> Self {
        Fail::say(TRY_HELP, "", b"", "", 2)
    }

    /// A table that this version does not know: exit code 3.
    pub fn table(name: &[u8]) -> Self {
        let after = "' does not exist\nPerhaps iptables or your kernel needs to be upgraded.";
        Fail::say(PROGRAM, ": table '", name, after, 3)
    }

    /// The rule set does not have what was named: exit code 1.
    #[inline(never)]
    pub fn missing(text: &str) -> Self {
        Fail::say("iptables: ", text, b".", "", 1)
    }

    /// As [`Fail::missing`], in the words of a listing.
    pub fn incompatible(chain: &[u8]) -> Self {
        Fail::say(PROGRAM, ": chain `", chain, "' in table `nat' is incompatible, use 'nft' tool.", 1)
    }

    /// The kernel said no: exit code 4.
    pub fn kernel(text: &str) -> Self {
        Fail::say(PROGRAM, ": ", b"", text, 4)
    }

    /// Something that iptables has and netstrap has not: exit code 2.
    #[inline(never)]
    pub fn unsupported(what: &str, word: &[u8]) -> Self {
        Fail::say("iptables: ", what, word, " is not supported by netstrap yet", 2)
    }
}

/// No chain of that name.
#[inline(never)]
pub fn no_chain() -> Fail {
    Fail::missing("No chain/target/match by that name")
}

/// No rule of that description.
#[inline(never)]
pub fn bad_rule() -> Fail {
    Fail::missing("Bad rule (does a matching rule exist in that chain?)")
}
