//! What iptables says when it cannot do something: the lines on standard error and
//! the exit code, in the words of iptables-nft 1.8.9.

use super::show::number;
use crate::cli::cursor::shown;

/// Version that the texts carry; scripts read it from `-V`.
pub const VERSION: &str = " v1.8.9 (nf_tables)";
/// Stands for the program's name in a text. No word that is shown has it: control characters are escaped.
pub const PROGRAM: &str = "\u{1}";
/// The same, to look for.
pub const MARK: char = '\u{1}';

/// A failure, ready to print. Boxed: it is in the result of nearly every function here.
#[derive(Debug, PartialEq, Eq)]
pub struct Fail(pub Box<Words>);

/// What is printed, and the exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// What stands before the text.
    pub prefix: Prefix,
    /// Lines for standard error, without the last line's end.
    pub text: String,
    /// Exit code.
    pub code: u8,
    /// Line of the input of iptables-restore that it is about; 0 for a command line.
    pub line: u32,
}

/// What stands before the text of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Nothing; behind it is the advice to ask for help.
    Advice,
    /// Name and version; behind it is the advice to ask for help.
    Parameter,
    /// Name and version.
    Version,
    /// Name and version, for a refusal of the kernel.
    Kernel,
    /// Name.
    Name,
    /// Nothing.
    None,
}

impl Fail {
    /// Any text, in pieces, and exit code.
    #[inline(never)]
    pub fn new(prefix: Prefix, pieces: &[&str], code: u8) -> Self {
        Fail(Box::new(Words { prefix, text: pieces.concat(), code, line: 0 }))
    }

    /// A wrong word or value: exit code 2.
    #[inline(never)]
    pub fn parameter(text: &str) -> Self {
        Fail::parts(&[text])
    }

    /// As [`Fail::parameter`], in pieces.
    #[inline(never)]
    pub fn parts(pieces: &[&str]) -> Self {
        Fail::new(Prefix::Parameter, pieces, 2)
    }

    /// As [`Fail::parameter`], of a word between two pieces of text.
    #[inline(never)]
    pub fn word(before: &str, word: &[u8], after: &str) -> Self {
        Fail::parts(&[before, &shown(word), after])
    }

    /// A word that is no option: as [`Fail::parameter`], without the program's name.
    #[inline(never)]
    pub fn argument(word: &[u8]) -> Self {
        Fail::new(Prefix::Advice, &["Bad argument `", &shown(word), "'\n"], 2)
    }

    /// Only the advice to ask for help.
    #[inline(never)]
    pub fn advice() -> Self {
        Fail::new(Prefix::Advice, &[], 2)
    }

    /// A table that this version does not know: exit code 3.
    pub fn table(name: &[u8]) -> Self {
        let pieces = &["table '", &shown(name), "' does not exist\nPerhaps \u{1} or your kernel needs to be upgraded."];
        Fail::new(Prefix::Version, pieces, 3)
    }

    /// The rule set does not have what was named, or has it already: exit code 1.
    #[inline(never)]
    pub fn missing(text: &str) -> Self {
        Fail::new(Prefix::Name, &[text, "."], 1)
    }

    /// As [`Fail::missing`], in the words of a listing.
    pub fn incompatible(chain: &[u8], table: &str) -> Self {
        let pieces = &["chain `", &shown(chain), "' in table `", table, "' is incompatible, use 'nft' tool."];
        Fail::new(Prefix::Version, pieces, 1)
    }

    /// The kernel said no: exit code 4.
    #[inline(never)]
    pub fn kernel(text: &str) -> Self {
        Fail::new(Prefix::Version, &[text], 4)
    }

    /// Something that iptables has and netstrap has not: exit code 2.
    #[inline(never)]
    pub fn unsupported(what: &str, word: &[u8]) -> Self {
        Fail::new(Prefix::Name, &[what, &shown(word), " is not supported by netstrap"], 2)
    }

    /// Notes the line of the input that it is about, if none is noted yet.
    #[must_use]
    pub fn at(mut self, line: u32) -> Self {
        if self.0.line == 0 {
            self.0.line = line;
        }
        self
    }

    /// As [`Fail::at`], whatever is noted.
    #[must_use]
    pub fn again(mut self, line: u32) -> Self {
        self.0.line = line;
        self
    }

    /// The lines for standard error, from a program of this name.
    #[inline(never)]
    pub fn say(&self, program: &str) -> String {
        let Words { prefix, text, line, .. } = &*self.0;
        // `*` is the text, `#` the line, `!` the version, `?` the advice.
        let template = match (prefix, *line > 0) {
            (Prefix::Advice, true) => "*Error occurred at line: #\n?",
            (Prefix::Advice, false) => "*?",
            (Prefix::Parameter, true) => "!*\nError occurred at line: #\n?",
            (Prefix::Parameter, false) => "!*\n?",
            (Prefix::Version, _) => "!*",
            (Prefix::Kernel, true) => "!\nline #: *",
            (Prefix::Kernel, false) => "! *",
            (Prefix::Name, true) => "\u{1}: line # failed: *",
            (Prefix::Name, false) => "\u{1}: *",
            (Prefix::None, _) => "*",
        };
        let mut out = String::new();
        for letter in template.chars() {
            match letter {
                '*' => out += text,
                '#' => number(&mut out, (*line).into(), 0),
                '!' => out += "\u{1} v1.8.9 (nf_tables): ",
                '?' => out += "Try `\u{1} -h' or '\u{1} --help' for more information.",
                letter => out.push(letter),
            }
        }
        out.replace(MARK, program)
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
