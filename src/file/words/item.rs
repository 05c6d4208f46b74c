//! A keyword with its value, by a table `WORD=KEY,SHAPE ...`: what each line of words is read by.

use std::net::{IpAddr, Ipv4Addr};

use super::{Words, number, span};
use crate::model::ip::Prefix;
use crate::model::name::IfName;
use crate::model::route::{METRIC_HOPLIMIT, metric_number};

/// Tables that have names.
pub const TABLES: &str = "main=254 local=255 default=253";
/// Scopes that have names.
pub const SCOPES: &str = "global=0 site=200 link=253 host=254 nowhere=255";
const PREFS: &str = "medium=0 high=1 low=3";
const STATES: &str = "permanent=128 noarp=64";
const PROTOCOLS: &str = "icmp=1 tcp=6 udp=17 ipv6-icmp=58 sctp=132";

/// The number of a name, in a list of `NAME=NUMBER ...`.
#[inline(never)]
pub fn named(list: &str, name: &str) -> Option<u32> {
    rows(list).find(|row| row.0 == name).and_then(|row| row.1.parse().ok())
}

/// The name of a number.
#[inline(never)]
pub fn name_of(list: &str, number: u32) -> Option<&str> {
    rows(list).find(|row| row.1.parse() == Ok(number)).map(|row| row.0)
}

fn rows(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.split(' ').filter_map(|row| row.split_once('='))
}

/// A keyword with its value: each shape fills in what it has.
pub struct Item<'a> {
    /// The letter of the keyword.
    pub key: u8,
    /// The keyword.
    pub word: &'a str,
    /// The word after it, as it is written.
    pub text: &'a str,
    /// `n`, `b`, `w` a number (of 32 bits, of 8, of a weight); `t` a table, `c` a scope, `f` a preference, `s` a
    /// state, `o` a protocol; the first of `r` (two numbers of 32 bits) and `R` (of 16); `x` a mark; `m` a property
    /// of the path.
    pub number: u32,
    /// The last of two numbers, the mask of a mark, a lock of a property.
    pub last: Option<u32>,
    /// `p` a network; of addresses `a` that of the line's family, `g` a gateway.
    pub prefix: Prefix,
    /// `d` a device.
    pub device: Option<IfName>,
}

impl Item<'_> {
    /// Its address.
    pub fn addr(&self) -> Option<IpAddr> {
        Some(self.prefix.addr())
    }

    /// The two ports.
    pub fn ports(&self) -> Option<(u16, u16)> {
        let number = |number: u32| u16::try_from(number).unwrap_or(0);
        self.last.map(|last| (number(self.number), number(last)))
    }

    /// Its number as a byte.
    pub fn byte(&self) -> u8 {
        u8::try_from(self.number).unwrap_or(u8::MAX)
    }
}

/// Key and shape of a keyword.
#[inline(never)]
pub fn find(table: &str, word: &str) -> Option<[u8; 2]> {
    let word = word.as_bytes();
    table.as_bytes().split(|byte| *byte == b' ').find_map(|row| match row.strip_prefix(word) {
        Some([b'=', key, shape]) => Some([*key, *shape]),
        _ => None,
    })
}

impl<'a> Words<'a> {
    /// Takes the next keyword of a table, with its value.
    #[inline(never)]
    pub fn item(&mut self, table: &str) -> Option<Item<'a>> {
        let word = self.next()?;
        let prefix = Prefix::host(Ipv4Addr::UNSPECIFIED.into());
        let mut item = Item { key: 0, word, text: "", number: 0, last: None, prefix, device: None };
        let Some([key, shape]) = find(table, word) else {
            self.unknown(word, &mut rows(table).map(|row| row.0));
            return None;
        };
        item.key = key;
        if shape != b'-' {
            if matches!(shape, b'm' | b'g') && self.takes(if shape == b'm' { "lock" } else { "inet6" }) {
                item.last = Some(0);
            }
            item.text = self.value(word);
            self.fill(&mut item, shape);
        }
        self.wrong().is_none().then_some(item)
    }

    fn fill(&mut self, item: &mut Item<'a>, shape: u8) {
        let (keyword, text) = (item.word, item.text);
        let (names, least, most, what) = match shape {
            b'd' => {
                item.device = self.device(text);
                return;
            }
            b'p' => {
                item.prefix = self.network(text);
                // `default` has no family of its own.
                if text.contains(['.', ':']) {
                    self.same_family(keyword, &item.prefix.addr());
                }
                return;
            }
            b'a' | b'g' => {
                item.prefix = Prefix::host(self.address(text));
                // A route may lead to a gateway of the other family, where it says so.
                match item.last {
                    None => self.same_family(keyword, &item.prefix.addr()),
                    Some(_) if item.prefix.addr().is_ipv4() => {
                        self.fail("%: \"inet6\" with an IPv4 address", &[keyword])
                    }
                    Some(_) => {}
                }
                return;
            }
            b'-' | b'k' => return,
            b'r' | b'R' => {
                match span(text, if shape == b'r' { u32::MAX.into() } else { 65535 }) {
                    Some((first, last)) => (item.number, item.last) = (first, Some(last)),
                    None => self.fail("%: \"%\" is no number or FIRST-LAST", &[keyword, text]),
                }
                return;
            }
            b'x' => {
                let (mark, mask) = text.split_once('/').unwrap_or((text, "0"));
                match hexadecimal(mark).zip(hexadecimal(mask)) {
                    Some((mark, mask)) => (item.number, item.last) = (mark, text.contains('/').then_some(mask)),
                    None => self.fail("%: \"%\" is no MARK or MARK/MASK", &[keyword, text]),
                }
                return;
            }
            b't' => (TABLES, 1, u32::MAX, "neither a number nor main, local or default"),
            b'c' => (SCOPES, 0, 255, "no scope (global, link, host or a number)"),
            b'f' => (PREFS, 1, 0, "not low, medium or high"),
            b's' => (STATES, 1, 0, "none that lasts; permanent or noarp"),
            b'o' => (PROTOCOLS, 0, 255, "no protocol"),
            b'w' => ("", 1, 256, "no number from 1 to 256"),
            b'b' => ("", 0, 255, NO_BYTE),
            b'm' if metric_number(keyword) == Some(METRIC_HOPLIMIT) => ("", 0, 255, NO_BYTE),
            _ => ("", 0, u32::MAX, "no number up to 4294967295"),
        };
        let plain = number(text, most.into()).and_then(|number| u32::try_from(number).ok());
        match named(names, text).or(plain.filter(|number| *number >= least)) {
            Some(number) => item.number = number,
            None => self.fail("%: \"%\" is %", &[keyword, text, what]),
        }
    }
}

const NO_BYTE: &str = "no number up to 255";

/// A mark: decimal, or hexadecimal behind `0x`.
fn hexadecimal(word: &str) -> Option<u32> {
    match word.strip_prefix("0x").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number(word, u32::MAX.into()).and_then(|number| u32::try_from(number).ok()),
    }
}
