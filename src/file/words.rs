//! Strings in iproute2's grammar: one line of words in, one thing of the model out, and back. Words are whole,
//! numbers decimal, addresses complete; names of tables are the built-in ones.

pub mod address;
pub mod nat;
pub mod neigh;
pub mod route;
pub mod rule;

mod item;
mod line;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::complaint::meant;
use crate::model::ip::{Family, Prefix, family_of};
use crate::model::name::IfName;
use crate::model::template::filled;

pub use item::{SCOPES, TABLES, name_of, named};
pub use line::Line;

/// A name that was checked here.
pub fn plain(name: &IfName) -> &str {
    std::str::from_utf8(name.as_bytes()).unwrap_or_default()
}

/// The words of a line that are not read yet, and what is wrong with those that were. After the first wrong word
/// no further one comes, and what was read is not to be used: nobody else has to ask.
pub struct Words<'a> {
    rest: &'a str,
    wrong: Option<String>,
    family: Option<Family>,
}

impl<'a> Words<'a> {
    /// All words of a line.
    #[inline(never)]
    pub fn new(line: &'a str) -> Self {
        Words { rest: line, wrong: None, family: None }
    }

    /// Complains, by a template and the words in it; ends the line.
    #[inline(never)]
    pub fn fail(&mut self, template: &str, words: &[&str]) {
        self.rest = "";
        if self.wrong.is_none() {
            self.wrong = Some(filled(template, words));
        }
    }

    /// What is wrong.
    pub fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// The family that the words have spoken of, or IPv4.
    pub fn family(&self) -> Family {
        self.family.unwrap_or(Family::V4)
    }

    /// Takes the next word.
    #[allow(clippy::should_implement_trait)]
    #[inline(never)]
    pub fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        let rest = self.rest.trim_ascii_start();
        self.rest = rest.get(word.len()..).unwrap_or_default();
        Some(word)
    }

    /// The next word, which stays.
    #[inline(never)]
    pub fn peek(&self) -> Option<&'a str> {
        let rest = self.rest.trim_ascii_start();
        let end = rest.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
        rest.get(..end).filter(|word| !word.is_empty())
    }

    /// The line from the next word on, as it is.
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// Takes the next word if it is this one.
    #[inline(never)]
    pub fn takes(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        if is {
            self.next();
        }
        is
    }

    /// The word after a keyword; empty where there is none.
    #[inline(never)]
    pub fn value(&mut self, keyword: &str) -> &'a str {
        match self.next() {
            Some(word) => word,
            None => {
                self.fail("\"%\" lacks its value", &[keyword]);
                ""
            }
        }
    }

    /// All of the line is read.
    #[inline(never)]
    pub fn end(&mut self) {
        if let Some(word) = self.next() {
            self.fail("\"%\" is too much", &[word]);
        }
    }

    /// The family that something is of: all of a line are of one.
    #[inline(never)]
    pub fn same_family(&mut self, keyword: &str, addr: &IpAddr) {
        let own = family_of(addr);
        if *self.family.get_or_insert(own) != own {
            self.fail("%: the address is of the other family", &[keyword]);
        }
    }

    /// An address, or the N-th one of a prefix: `10.0.0.0/8 + 7`.
    #[inline(never)]
    pub fn address(&mut self, word: &str) -> IpAddr {
        match self.peek() {
            Some("+") => self.prefix(word).addr(),
            _ => self.single(word),
        }
    }

    /// A whole address.
    #[inline(never)]
    pub fn single(&mut self, word: &str) -> IpAddr {
        match word.parse() {
            Ok(addr) => addr,
            Err(_) => {
                let is_prefix = word.contains('/');
                self.fail(
                    if is_prefix { "\"%\": an address without a prefix length is expected" } else { NO_ADDRESS },
                    &[word],
                );
                Ipv4Addr::UNSPECIFIED.into()
            }
        }
    }

    /// A prefix that begins with a word, or its N-th address with the same length.
    #[inline(never)]
    pub fn prefix(&mut self, word: &str) -> Prefix {
        let prefix = self.one_prefix(word);
        if !self.takes("+") {
            return prefix;
        }
        let count = self.value("+");
        let Some(number) = number(count, u64::MAX) else {
            self.fail("\"%\" is no number to add to %", &[count, word]);
            return prefix;
        };
        let (addr, len) = (prefix.addr(), prefix.len());
        let sum = bits(&addr).checked_add(number.into()).and_then(|sum| match addr {
            IpAddr::V4(_) => Some(Ipv4Addr::from_bits(u32::try_from(sum).ok()?).into()),
            IpAddr::V6(_) => Some(Ipv6Addr::from_bits(sum).into()),
        });
        let fits = sum.filter(|sum| prefix.contains(sum) && !is_broadcast(sum, len));
        match fits.and_then(|sum| Prefix::new(sum, len)) {
            Some(sum) => sum,
            None => {
                self.fail("% + % does not fit into the prefix", &[word, count]);
                prefix
            }
        }
    }

    /// `ADDRESS/LENGTH`.
    fn one_prefix(&mut self, word: &str) -> Prefix {
        let (addr, len) = word.split_once('/').unwrap_or((word, ""));
        let addr = self.single(addr);
        let given = number(len, 128).and_then(|len| Prefix::new(addr, u8::try_from(len).ok()?));
        if given.is_none() {
            let host = if addr.is_ipv4() { "/32" } else { "/128" };
            let is_bare = len.is_empty() && !word.contains('/');
            let template = if is_bare {
                "\"%\" has no prefix length; the address alone is %%"
            } else {
                "\"%\" has no valid prefix length"
            };
            self.fail(template, &[word, word, host]);
        }
        given.unwrap_or(Prefix::host(addr))
    }

    /// A prefix without host bits, an address alone, or `default`, `all`, `any`.
    #[inline(never)]
    pub fn network(&mut self, word: &str) -> Prefix {
        if matches!(word, "default" | "all" | "any") {
            return Prefix::default_route(self.family());
        }
        // A destination may be one machine.
        let prefix = match word.parse() {
            Ok(addr) => Prefix::host(addr),
            Err(_) => self.prefix(word),
        };
        if prefix.network() != prefix {
            self.fail("% has host bits; the network is %", &[&prefix.text(), &prefix.network().text()]);
        }
        prefix
    }

    /// A name that a device may have: `[A-Za-z0-9._-]`, at most 15, not `-` or `.` in front, not `all` or `default`.
    #[inline(never)]
    pub fn device(&mut self, word: &str) -> Option<IfName> {
        let (name, why) = (IfName::new(word.as_bytes()), name_wrong(word));
        if why.is_empty() && name.is_none() {
            self.fail("\"%\" is longer than the 15 bytes of an interface's name", &[word]);
        } else if !why.is_empty() {
            self.fail("\"%\" is not a name for an interface%", &[word, why]);
        }
        name.filter(|_| why.is_empty())
    }

    /// A word that is none of those that may stand here.
    #[inline(never)]
    pub fn unknown(&mut self, word: &str, known: &mut dyn Iterator<Item = &str>) {
        self.fail("unknown word \"%\"%", &[word, &meant(word, known)]);
    }
}

const NO_ADDRESS: &str = "\"%\" is not an address";

/// An address as a number.
pub fn bits(addr: &IpAddr) -> u128 {
    match addr {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Whether all host bits of an IPv4 address are set, where it has a broadcast address.
fn is_broadcast(addr: &IpAddr, len: u8) -> bool {
    match addr {
        IpAddr::V4(v4) => {
            len <= 30 && v4.to_bits() | u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0) == u32::MAX
        }
        IpAddr::V6(_) => false,
    }
}

/// A decimal number of at most `most`.
#[inline(never)]
pub fn number(word: &str, most: u64) -> Option<u64> {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|number| is_plain && *number <= most)
}

/// `N` or `N-N`, of at most `most`.
#[inline(never)]
pub fn span(word: &str, most: u64) -> Option<(u32, u32)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let number = |word| number(word, most).and_then(|number| u32::try_from(number).ok());
    number(first).zip(number(last)).filter(|(first, last)| first <= last)
}

/// The same, of ports or of what else 16 bits hold; 0 is none.
#[inline(never)]
pub fn short_span(word: &str, most: u16) -> Option<(u16, u16)> {
    let (first, last) = span(word, most.into()).filter(|span| span.0 != 0)?;
    u16::try_from(first).ok().zip(u16::try_from(last).ok())
}

/// Why a word is no name as files take them; empty if it is one.
#[inline(never)]
pub fn name_wrong(word: &str) -> &'static str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if matches!(word, "all" | "default") {
        ": the kernel has another use for it"
    } else if word.is_empty() || word.starts_with(['-', '.']) || !word.bytes().all(is_plain) {
        " ([A-Za-z0-9._-], not - or . first)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_address_of_a_prefix() {
        let of = |line| {
            let mut words = Words::new(line);
            let first = words.next().unwrap();
            let prefix = words.prefix(first);
            words.wrong().map_or(Ok(prefix.to_string()), |wrong| Err(wrong.to_owned()))
        };
        for (line, expected) in [
            ("10.1.0.0/16", Ok("10.1.0.0/16")),
            ("10.1.0.0/16 + 7", Ok("10.1.0.7/16")),
            ("10.1.0.0/16 + 65534", Ok("10.1.255.254/16")),
            ("10.1.0.0/16 + 65535", Err("10.1.0.0/16 + 65535 does not fit into the prefix")),
            ("10.1.0.0/31 + 1", Ok("10.1.0.1/31")),
            ("10.1.0.250/24 + 6", Err("10.1.0.250/24 + 6 does not fit into the prefix")),
            ("255.255.255.255/0 + 1", Err("255.255.255.255/0 + 1 does not fit into the prefix")),
            ("fd00:1::/64 + 65536", Ok("fd00:1::1:0/64")),
            ("fd00::/126 + 3", Ok("fd00::3/126")),
            ("fd00::/126 + 4", Err("fd00::/126 + 4 does not fit into the prefix")),
            ("10.0.0.0/8 + x", Err("\"x\" is no number to add to 10.0.0.0/8")),
            ("10.0.0.0/8 +", Err("\"+\" lacks its value")),
            ("10.0.0.1", Err("\"10.0.0.1\" has no prefix length; the address alone is 10.0.0.1/32")),
            ("fd00::1", Err("\"fd00::1\" has no prefix length; the address alone is fd00::1/128")),
            ("10.0.0.1/33", Err("\"10.0.0.1/33\" has no valid prefix length")),
            ("10.0.0.1/+8", Err("\"10.0.0.1/+8\" has no valid prefix length")),
            ("10.1/16", Err("\"10.1\" is not an address")),
        ] {
            assert_eq!(of(line), expected.map(str::to_owned).map_err(str::to_owned), "{line}");
        }
    }

    #[test]
    fn names_are_plain() {
        let device = |word| Words::new("").device(word);
        for good in ["veth-red", "br0.100", "A_1", "123456789012345"] {
            assert!(device(good).is_some(), "{good}");
        }
        for bad in ["", "-x", ".x", "a:b", "br%d", "all", "default", "ä", "a b", "1234567890123456"] {
            assert!(device(bad).is_none(), "{bad}");
        }
    }
}
