//! Strings in iproute2's grammar: one line of words in, one thing of the model out, and back. Words are whole,
//! numbers decimal, addresses complete; names of tables are the built-in ones.

pub mod address;
pub mod nat;
pub mod neigh;
pub mod route;
pub mod rule;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::SplitAsciiWhitespace;

use super::complaint::meant;
use crate::model::ip::{Family, Prefix};
use crate::model::name::IfName;

/// What is wrong with a line. One pointer wide, because nearly every function here returns it.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::box_collection)]
pub struct Wrong(Box<String>);

impl Wrong {
    /// A complaint of several pieces.
    #[inline(never)]
    pub fn of(pieces: &[&str]) -> Self {
        Wrong(Box::new(pieces.concat()))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A complaint of several pieces, as a result.
pub fn wrong<T>(pieces: &[&str]) -> Result<T, Wrong> {
    Err(Wrong::of(pieces))
}

/// A name that was checked here.
pub fn plain(name: &IfName) -> &str {
    std::str::from_utf8(name.as_bytes()).unwrap_or_default()
}

/// The words not read yet.
pub struct Words<'a> {
    rest: SplitAsciiWhitespace<'a>,
}

impl<'a> Words<'a> {
    /// All words of a line.
    #[inline(never)]
    pub fn new(line: &'a str) -> Self {
        Words { rest: line.split_ascii_whitespace() }
    }

    /// Takes the next word.
    #[allow(clippy::should_implement_trait)]
    #[inline(never)]
    pub fn next(&mut self) -> Option<&'a str> {
        self.rest.next()
    }

    /// The next word, which stays.
    #[inline(never)]
    pub fn peek(&self) -> Option<&'a str> {
        self.rest.clone().next()
    }

    /// The word after a keyword.
    #[inline(never)]
    pub fn value(&mut self, keyword: &str) -> Result<&'a str, Wrong> {
        match self.next() {
            Some(word) => Ok(word),
            None => wrong(&["\"", keyword, "\" lacks its value"]),
        }
    }

    /// A number after a keyword, of at most `most`.
    #[inline(never)]
    pub fn number(&mut self, keyword: &str, most: u64) -> Result<u64, Wrong> {
        let word = self.value(keyword)?;
        number(word, most)
            .ok_or_else(|| Wrong::of(&[keyword, ": \"", word, "\" is no number up to ", &most.to_string()]))
    }

    /// The name of a device after a keyword.
    #[inline(never)]
    pub fn device(&mut self, keyword: &str) -> Result<IfName, Wrong> {
        device(self.value(keyword)?)
    }

    /// An address, or the N-th one of a prefix: `10.0.0.0/8 + 7`.
    #[inline(never)]
    pub fn address(&mut self, keyword: &str) -> Result<IpAddr, Wrong> {
        let word = self.value(keyword)?;
        match self.peek() {
            Some("+") => Ok(self.prefix(word)?.addr()),
            _ => address(word),
        }
    }

    /// A prefix that begins with a word, or its N-th address with the same length.
    #[inline(never)]
    pub fn prefix(&mut self, word: &str) -> Result<Prefix, Wrong> {
        let prefix = prefix(word)?;
        if self.peek() != Some("+") {
            return Ok(prefix);
        }
        self.next();
        let count = self.value("+")?;
        let Some(number) = number(count, u64::MAX) else {
            return wrong(&["\"", count, "\" is no number to add to ", word]);
        };
        let sum = match prefix.addr() {
            IpAddr::V4(v4) => u32::try_from(number)
                .ok()
                .and_then(|n| v4.to_bits().checked_add(n))
                .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
            IpAddr::V6(v6) => v6.to_bits().checked_add(number.into()).map(|bits| Ipv6Addr::from_bits(bits).into()),
        };
        let fits = sum.filter(|sum| prefix.contains(sum) && !is_broadcast(sum, prefix.len()));
        match fits.and_then(|sum| Prefix::new(sum, prefix.len())) {
            Some(sum) => Ok(sum),
            None => wrong(&[word, " + ", count, " does not fit into the prefix"]),
        }
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
pub fn number(word: &str, most: u64) -> Option<u64> {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|number| is_plain && *number <= most)
}

/// A whole address.
pub fn address(word: &str) -> Result<IpAddr, Wrong> {
    match word.parse() {
        Ok(addr) => Ok(addr),
        Err(_) if word.contains('/') => wrong(&["\"", word, "\": an address without a prefix length is expected"]),
        Err(_) => wrong(&["\"", word, "\" is not an address"]),
    }
}

/// `ADDRESS/LENGTH`.
pub fn prefix(word: &str) -> Result<Prefix, Wrong> {
    let Some((addr, len)) = word.split_once('/') else {
        let addr = address(word)?;
        let host = if addr.is_ipv4() { "/32" } else { "/128" };
        return wrong(&["\"", word, "\" has no prefix length; the address alone is ", word, host]);
    };
    let addr = address(addr)?;
    let len = number(len, 128).and_then(|len| Prefix::new(addr, u8::try_from(len).ok()?));
    len.ok_or_else(|| Wrong::of(&["\"", word, "\" has no valid prefix length"]))
}

/// A prefix without host bits, or `default`, `all`, `any` of a family.
pub fn network(words: &mut Words<'_>, word: &str, family: Family) -> Result<Prefix, Wrong> {
    if matches!(word, "default" | "all" | "any") {
        return Ok(Prefix::default_route(family));
    }
    // A destination may be one machine.
    let prefix = match word.parse() {
        Ok(addr) => Prefix::host(addr),
        Err(_) => words.prefix(word)?,
    };
    match prefix.network() == prefix {
        true => Ok(prefix),
        false => wrong(&[&prefix.text(), " has host bits; the network is ", &prefix.network().text()]),
    }
}

/// A name that a device may have: `[A-Za-z0-9._-]`, at most 15, not `-` or `.` in front, not `all` or `default`.
pub fn device(word: &str) -> Result<IfName, Wrong> {
    if word.len() > crate::model::name::IFNAME_MAX {
        return wrong(&["\"", word, "\" is longer than the 15 bytes of an interface's name"]);
    }
    let name = IfName::new(word.as_bytes()).filter(|_| is_name(word));
    name.ok_or_else(|| Wrong::of(&["\"", word, "\" is not a name for an interface ([A-Za-z0-9._-])"]))
}

/// Whether a word is a name as plans take them.
pub fn is_name(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !word.starts_with(['-', '.']) && !matches!(word, "" | "all" | "default") && word.bytes().all(is_plain)
}

/// A word that is none of those that may stand here.
pub fn unknown<T>(word: &str, known: &str) -> Result<T, Wrong> {
    Err(unknown_word(word, known))
}

#[inline(never)]
fn unknown_word(word: &str, known: &str) -> Wrong {
    Wrong::of(&["unknown word \"", word, "\"", &meant(word, &mut known.split_ascii_whitespace())])
}

/// Text put together word by word.
#[derive(Default)]
pub struct Line(pub String);

impl Line {
    /// Adds a word.
    #[inline(never)]
    pub fn word(&mut self, word: &str) {
        if !self.0.is_empty() && !word.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }

    /// Adds a keyword and its value.
    #[inline(never)]
    pub fn pair(&mut self, keyword: &str, value: &str) {
        self.word(keyword);
        self.word(value);
    }

    /// Adds a keyword and a number.
    #[inline(never)]
    pub fn count(&mut self, keyword: &str, number: u32) {
        self.pair(keyword, &number.to_string());
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
            words.prefix(first).map(|prefix| prefix.to_string()).map_err(|wrong| wrong.text().to_owned())
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
        for good in ["veth-red", "br0.100", "A_1", "123456789012345"] {
            assert!(device(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", ".x", "a:b", "br%d", "all", "default", "ä", "a b", "1234567890123456"] {
            assert!(device(bad).is_err(), "{bad}");
        }
    }
}
