//! What iptables says when it cannot do something: the lines on standard error and
//! the exit code, in the words of iptables-nft 1.8.9.

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
    /// Any text and exit code.
    pub fn new(text: String, code: u8) -> Self {
        Fail(Box::new(Words { text, code }))
    }

    /// A wrong word or value: exit code 2.
    pub fn parameter(text: impl AsRef<str>) -> Self {
        Fail::new(format!("{PROGRAM}: {}\n{TRY_HELP}", text.as_ref()), 2)
    }

    /// As [`Fail::parameter`], without the program's name; an empty text leaves only the advice.
    pub fn bare(text: &str) -> Self {
        let end = if text.is_empty() { "" } else { "\n" };
        Fail::new(format!("{text}{end}{TRY_HELP}"), 2)
    }

    /// Something that this version does not know: exit code 3.
    pub fn version(text: &str) -> Self {
        Fail::new(format!("{PROGRAM}: {text}\nPerhaps iptables or your kernel needs to be upgraded."), 3)
    }

    /// The rule set does not have what was named: exit code 1.
    pub fn missing(text: &str) -> Self {
        Fail::new(format!("iptables: {text}."), 1)
    }

    /// As [`Fail::missing`], in the words of a listing.
    pub fn incompatible(chain: &str) -> Self {
        Fail::new(format!("{PROGRAM}: chain `{chain}' in table `nat' is incompatible, use 'nft' tool."), 1)
    }

    /// The kernel said no: exit code 4.
    pub fn kernel(text: &str) -> Self {
        Fail::new(format!("{PROGRAM}: {text}"), 4)
    }

    /// Something that iptables has and netstrap has not: exit code 2.
    pub fn unsupported(what: &str) -> Self {
        Fail::new(format!("iptables: {what} is not supported by netstrap yet"), 2)
    }
}

/// No chain of that name.
pub fn no_chain() -> Fail {
    Fail::missing("No chain/target/match by that name")
}

/// No rule of that description.
pub fn bad_rule() -> Fail {
    Fail::missing("Bad rule (does a matching rule exist in that chain?)")
}
