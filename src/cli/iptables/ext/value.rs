//! The value of an option of a match or target goes into the kernel's structure, in the place that
//! its row tells. Errors come in the words of iptables 1.8.9.

use std::net::IpAddr;

use super::names::{self, number, whole};
use super::{icmp, nat};
use crate::cli::cursor::{shown, text};
use crate::cli::iptables::fail::Fail;
use crate::model::ip::{Family, mask_of, parse_addr};
use crate::model::nat::Not;
use crate::model::template::filled;
use crate::model::xt::{Extension, LIMIT_SCALE, Row, copy, entries, get, put};
use crate::wire::attr::octets;

/// What values depend on beside their words.
#[derive(Debug, Default)]
pub struct Context {
    /// Whether it is IPv6.
    pub is_v6: bool,
    /// `-p`, if it came before.
    pub protocol: Option<Not<u8>>,
    /// Warnings to print, a line each.
    pub warnings: String,
}

/// Flags of TCP (`--tcp-flags`), from the lowest bit.
pub const TCP_FLAGS: &str = "FIN=1,SYN=2,RST=4,PSH=8,ACK=16,URG=32";

/// An option, and what its value goes into.
pub struct Place<'a> {
    /// The match or target.
    pub ext: &'a Extension,
    /// The option.
    pub row: &'a Row,
    /// The kernel's structure.
    pub info: &'a mut [u8],
}

/// How one of two numbers is read.
type Reading<'f, P> = &'f mut dyn FnMut(&P, &[u8]) -> Result<u32, Fail>;

impl Place<'_> {
    /// A complaint that begins with the extension's name; `--*` becomes the option's name.
    #[inline(never)]
    fn complaint(&self, before: &str, after: &str) -> Fail {
        Fail::parts(&[self.ext.name, ": ", before, "\"--", self.row.full_name(), "\"", after])
    }

    /// The row's own complaint about a word, else the general one.
    #[inline(never)]
    fn wrong(&self, word: &[u8]) -> Fail {
        match self.row.complaint.split_once('*') {
            Some((before, after)) => match after.strip_suffix('^') {
                Some(after) => Fail::word(before, word, &[after, "\n"].concat()),
                None => Fail::word(before, word, after),
            },
            None => self.complaint("Bad value for ", &[" option: \"", &shown(word), "\""].concat()),
        }
    }

    /// Takes a value (and, for `--tcp-flags`, a second one).
    pub fn take(&mut self, word: &[u8], second: &[u8], context: &mut Context) -> Result<(), Fail> {
        let Row { shape, width, at, more, list, .. } = *self.row;
        match shape {
            b'P' => self.ports(word, context)?,
            b'V' => {
                let found = probability(word).ok_or_else(|| self.out_of_range(word, (0, 1)))?;
                put(self.info, b'w', at, found);
            }
            b'N' | b'Q' => {
                let (min, max) = self.bounds();
                let found = whole(word).filter(|found| (min..=max).contains(found));
                let kept = found.ok_or_else(|| self.out_of_range(word, (min, max)))?;
                // A number that begins at 1 may be kept from 0.
                put(self.info, width, at, if more == 0 { kept } else { kept - 1 });
                if self.ext.name == "limit" && found == Some(0) {
                    // The kernel takes it so.
                    put(self.info, width, at, 5);
                }
            }
            b'X' | b'k' => {
                let found = whole(word).ok_or_else(|| self.out_of_range(word, (0, u32::MAX)))?;
                put(self.info, b'w', at, found);
                if shape == b'k' {
                    put(self.info, b'w', more, found);
                }
            }
            b'R' => self.numbers(word)?,
            b'M' => self.mark(word)?,
            b'F' => {
                for (word, at) in [(word, at), (second, at + 1)] {
                    put(self.info, b'b', at, tcp_flags(word)?);
                }
            }
            b'f' => copy(self.info, at, &[0x17, 2]),
            b'B' => {
                let mut bits = 0;
                for part in word.split(|&b| b == b',') {
                    bits |= named(list, part, false, false).ok_or_else(|| self.wrong(part))?;
                }
                put(self.info, width, at, bits);
            }
            b'E' | b'e' => {
                let begins = self.ext.name == "REJECT";
                let number = whole(word).filter(|&n| self.ext.name == "LOG" && n < 8);
                let found = number.or_else(|| named(list, word, shape == b'e', begins));
                let found = found.ok_or_else(|| self.wrong(word))?;
                let mask = if more == 0 { u32::MAX } else { u32::try_from(more).unwrap_or(u32::MAX) };
                let old = get(self.info, width, at);
                put(self.info, width, at, old & !mask | found);
            }
            b'A' => self.network(word, context)?,
            b'I' => self.addresses(word, context)?,
            b'L' => self.port_list(word, context)?,
            b'D' => self.device(word, context)?,
            b'C' => {
                let found = names::protocol(word);
                let found = found.ok_or_else(|| Fail::word("unknown protocol \"", word, "\" specified"))?;
                if !self.row.complaint.is_empty() && !matches!(found, 50 | 51 | 108) {
                    return Err(Fail::parameter(self.row.complaint));
                }
                put(self.info, width, at, found.into());
            }
            b'H' => self.mac(word)?,
            b'S' => self.string(word)?,
            b'T' => {
                let rate = rate(word).ok_or_else(|| Fail::word("bad rate \"", word, "\"'"))?;
                put(self.info, b'w', at, rate.ok_or_else(|| Fail::word("Rate too fast \"", word, "\""))?);
            }
            b'Y' => copy(self.info, at, &icmp::parse(word, context.is_v6)?),
            b'U' => self.accounts(word)?,
            b'K' => {
                let hex = |word| names::digits(word, 16);
                let class = hex(word).and_then(|(major, rest)| Some((major, hex(rest.strip_prefix(b":")?)?)));
                let (major, (minor, _)) = class.ok_or_else(|| self.wrong(word))?;
                put(self.info, b'w', at, major << 16 | minor);
            }
            b'Z' => nat::parse(word, width == b'p', self.info, self.ext.base, context)?,
            _ => {}
        }
        Ok(())
    }

    /// Least and greatest value.
    fn bounds(&self) -> (u32, u32) {
        let max = match self.row.width {
            b'b' => u8::MAX.into(),
            b'h' => u16::MAX.into(),
            _ => u32::MAX,
        };
        let bounds = self.row.list.split_once('-').and_then(|(min, max)| min.parse().ok().zip(max.parse().ok()));
        bounds.unwrap_or((0, max))
    }

    #[inline(never)]
    fn out_of_range(&self, word: &[u8], (min, max): (u32, u32)) -> Fail {
        if !self.row.complaint.is_empty() {
            return self.wrong(word);
        }
        let (min, max) = (min.to_string(), max.to_string());
        self.complaint("bad value for option ", &[", or out of range (", &min, "-", &max, ").\n"].concat())
    }

    /// One number or two, `FIRST:LAST`; one that is left out is the least or greatest.
    fn numbers(&mut self, word: &[u8]) -> Result<(), Fail> {
        let max = self.bounds().1;
        self.pair(word, &mut |place, part| {
            whole(part).filter(|&n| n <= max).ok_or_else(|| {
                let end = filled(" near \"%\", or out of range (0-%).\n", &[&shown(part), &max.to_string()]);
                place.complaint("bad value for option ", &end)
            })
        })
    }

    /// Splits at `:` and keeps both numbers.
    fn pair(&mut self, word: &[u8], read: Reading<'_, Self>) -> Result<(), Fail> {
        let (first, second) = names::split(word, b':');
        if second.is_some_and(|second| second.contains(&b':')) {
            return Err(self.complaint("Too many components for option ", " (max: 2)\n"));
        }
        let first = if first.is_empty() { 0 } else { read(self, first)? };
        let second = match second {
            None => first,
            Some([]) => u32::MAX,
            Some(part) => read(self, part)?,
        };
        let Row { shape, width, at, more, .. } = *self.row;
        let width = if shape == b'P' { b'h' } else { width };
        put(self.info, width, at, first);
        put(self.info, width, at + more, second);
        Ok(())
    }

    /// Ports, by number or service. The old parser (tcp) is strict, the new one cuts numbers to 16 bits.
    fn ports(&mut self, word: &[u8], context: &Context) -> Result<(), Fail> {
        let protocol = context.protocol.map_or(0, |p| p.value);
        if self.row.width != 0 {
            // The new parser does not ask which protocol a service is of.
            return self.pair(word, &mut |_, part| {
                whole(part)
                    .or_else(|| names::service(part, 0).map(u32::from))
                    .ok_or_else(|| Fail::word("Port \"", part, "\" does not resolve to anything.\n"))
            });
        }
        let (first, last) = names::split(word, b':');
        let end = |part: &[u8], open: u16| {
            if part.is_empty() && last.is_some() { Ok(open) } else { port(part, protocol) }
        };
        let (first, last) = (end(first, 0)?, end(last.unwrap_or(word), u16::MAX)?);
        if first > last {
            return Err(Fail::parameter("invalid portrange (min > max)"));
        }
        put(self.info, b'h', self.row.at, first.into());
        put(self.info, b'h', self.row.at + self.row.more, last.into());
        Ok(())
    }

    /// multiport: count, ports, and which of them begin a range.
    fn port_list(&mut self, word: &[u8], context: &Context) -> Result<(), Fail> {
        let protocol = match context.protocol {
            Some(Not { not: false, value }) => value,
            _ => {
                return Err(Fail::parameter(
                    "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'",
                ));
            }
        };
        if !matches!(protocol, 6 | 17 | 33 | 132 | 136) {
            return Err(Fail::parameter("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP"));
        }
        let mut count = 0;
        for part in word.split(|&b| b == b',') {
            let (first, last) = names::split(part, b':');
            if count + usize::from(last.is_some()) >= 15 {
                return Err(Fail::parameter("too many ports specified"));
            }
            let first = port(first, protocol)?;
            put(self.info, b'h', 2 + 2 * count, first.into());
            if let Some(last) = last {
                let last = port(last, protocol)?;
                if first >= last {
                    return Err(Fail::parameter("invalid portrange specified"));
                }
                put(self.info, b'b', 32 + count, 1);
                count += 1;
                put(self.info, b'h', 2 + 2 * count, last.into());
            }
            count += 1;
        }
        put(self.info, b'b', 1, u32::try_from(count).unwrap_or(0));
        Ok(())
    }

    /// `VALUE[/MASK]`, or a value that becomes a mask.
    fn mark(&mut self, word: &[u8]) -> Result<(), Fail> {
        let Row { width, at, .. } = *self.row;
        let (value, mask) = if matches!(width, b'a' | b'o' | b'r') {
            let bits = whole(word).ok_or_else(|| self.out_of_range(word, (0, u32::MAX)))?;
            match width {
                b'a' => (0, !bits),
                b'o' => (bits, bits),
                _ => (bits, 0),
            }
        } else {
            let bad = || self.complaint("bad integer value for option ", ", or out of range.\n");
            let (value, rest) = number(word).ok_or_else(bad)?;
            let (mask, rest) = match rest {
                [b'/', mask @ ..] => number(mask).ok_or_else(bad)?,
                rest => (u32::MAX, rest),
            };
            if !rest.is_empty() {
                return Err(self.complaint("trailing garbage after value for option ", ".\n"));
            }
            (value, if width == b's' { mask | value } else { mask })
        };
        put(self.info, b'w', at, value);
        put(self.info, b'w', at + 4, mask);
        Ok(())
    }

    /// `ADDRESS[/MASK]`; the address keeps its host bits.
    fn network(&mut self, word: &[u8], context: &Context) -> Result<(), Fail> {
        let (host, mask) = names::split(word, b'/');
        let family = if context.is_v6 { Family::V6 } else { Family::V4 };
        let name = text(host);
        let found = parse_addr(name, family)
            .or_else(|| crate::resolve::lookup(name, family).unwrap_or_default().first().copied())
            .ok_or_else(|| {
                let other = parse_addr(name, Family::Unspec).is_some();
                let why = if other { "Address family for hostname not supported" } else { "Name or service not known" };
                Fail::parts(&["getaddrinfo: ", why, "\n"])
            })?;
        let full = if context.is_v6 { 128 } else { 32 };
        let len = match mask {
            None => full,
            Some(mask) => match (whole(mask), parse_addr(text(mask), Family::V4)) {
                (Some(len), _) if len <= full => len,
                // A mask with holes counts as none, as in iptables.
                (None, Some(mask)) => crate::model::ip::netmask_len(mask).map_or(full, u32::from),
                _ => return Err(self.out_of_range(mask, (0, full))),
            },
        };
        let at = self.row.at;
        copy(self.info, at, &octets(&found));
        let len = u8::try_from(len).unwrap_or(0);
        let mask = if u32::from(len) == full { vec![0xff; 16] } else { octets(&mask_of(family, len)) };
        // Without a mask all 16 bytes of it are set, for IPv4 too.
        copy(self.info, at + 16, &mask);
        Ok(())
    }

    /// `ADDRESS[-ADDRESS]`.
    fn addresses(&mut self, word: &[u8], context: &mut Context) -> Result<(), Fail> {
        let (first, last) = names::split(word, b'-');
        let last = last.unwrap_or(first);
        let family = if context.is_v6 { Family::V6 } else { Family::V4 };
        let min = parse_addr(text(first), family).ok_or_else(|| self.wrong(first))?;
        let max = parse_addr(text(last), family).ok_or_else(|| self.wrong(last))?;
        if octets(&min) > octets(&max) {
            context.warnings +=
                &["xt_iprange: range ", &min.to_string(), "-", &max.to_string(), " is reversed and will never match\n"]
                    .concat();
        }
        for (addr, at) in [(min, self.row.at), (max, self.row.at + 16)] {
            copy(self.info, at, &octets(&addr));
        }
        Ok(())
    }

    /// An interface's name and a mask as long as what is compared.
    fn device(&mut self, word: &[u8], context: &mut Context) -> Result<(), Fail> {
        if word.len() > 15 {
            return Err(Fail::word("interface name `", word, "' must be shorter than IFNAMSIZ (15)"));
        }
        let compared = match word {
            [] => 0,
            [name @ .., b'+'] => name.len(),
            name => name.len() + 1,
        };
        if word.iter().any(|b| matches!(b, b'/' | b' ')) {
            let name = shown(word);
            context.warnings +=
                &["Warning: weird character in interface `", &name, "' ('/' and ' ' are not allowed by the kernel).\n"]
                    .concat();
        }
        copy(self.info, self.row.at, word);
        copy(self.info, self.row.at + 16, &[0xff; 16][..compared]);
        Ok(())
    }

    fn mac(&mut self, word: &[u8]) -> Result<(), Fail> {
        let mut count = 0;
        for part in word.split(|&b| b == b':') {
            let byte = names::digits(part, 16).filter(|(_, rest)| rest.is_empty() && part.len() <= 2);
            let Some((byte, _)) = byte.filter(|_| count < 6) else { break };
            put(self.info, b'b', self.row.at + count, byte);
            count += 1;
        }
        let whole = count == 6 && word.iter().filter(|&&b| b == b':').count() == 5;
        if whole { Ok(()) } else { Err(Fail::parameter("Invalid MAC address specified.")) }
    }

    /// A text, cut where its place ends, with its NUL.
    fn string(&mut self, word: &[u8]) -> Result<(), Fail> {
        let Row { at, more, .. } = *self.row;
        if self.ext.name == "LOG" {
            if word.is_empty() {
                return Err(Fail::parameter("Argument must have a minimum length of 1 characters\n"));
            }
            if word.contains(&b'\n') {
                return Err(Fail::parameter("Newlines not allowed in --log-prefix"));
            }
        }
        copy(self.info, at, &word[..word.len().min(more - 1)]);
        Ok(())
    }

    /// Users or groups: a name, a number or two.
    fn accounts(&mut self, word: &[u8]) -> Result<(), Fail> {
        let Row { width, at, more, .. } = *self.row;
        let range = names::account(width, word).map(|id| (id, id)).or_else(|| {
            let (first, rest) = number(word)?;
            match rest {
                [] => Some((first, first)),
                [b'-', last @ ..] => Some((first, whole(last)?)),
                _ => None,
            }
        });
        let (first, last) = range.ok_or_else(|| self.wrong(word))?;
        put(self.info, b'w', at, first);
        put(self.info, b'w', at + more, last);
        Ok(())
    }
}

/// A port as the old parsers take it.
#[inline(never)]
fn port(word: &[u8], protocol: u8) -> Result<u16, Fail> {
    names::port(word, protocol).ok_or_else(|| Fail::word("invalid port/service `", word, "' specified"))
}

/// The number of a name: of the whole word or, if `begins`, of its beginning.
#[inline(never)]
fn named(list: &'static str, word: &[u8], exact: bool, begins: bool) -> Option<u32> {
    let found = |name: &[u8]| {
        let name = if begins { name.get(..word.len()).unwrap_or_default() } else { name };
        name == word || !exact && name.eq_ignore_ascii_case(word)
    };
    entries(list).find(|entry| found(entry.0.as_bytes())).map(|entry| entry.1)
}

/// `SYN,ACK`, `ALL` or `NONE`; nothing is `NONE` too.
fn tcp_flags(word: &[u8]) -> Result<u32, Fail> {
    let mut bits = 0;
    for part in word.split(|&b| b == b',').filter(|part| !part.is_empty()) {
        bits |= if part.eq_ignore_ascii_case(b"ALL") {
            0x3f
        } else if part.eq_ignore_ascii_case(b"NONE") {
            0
        } else {
            named(TCP_FLAGS, part, false, false).ok_or_else(|| Fail::word("Unknown TCP flag `", part, "'"))?
        };
    }
    Ok(bits)
}

/// A decimal fraction from 0 to 1 becomes a count of 2^-31, rounded.
fn probability(word: &[u8]) -> Option<u32> {
    let (mut number, mut scale, mut point, mut digits) = (0, 1, false, false);
    for &byte in word {
        match byte {
            b'.' if !point => point = true,
            // Digits behind the 17th change nothing.
            b'0'..=b'9' if scale < 10u64.pow(17) => {
                (number, digits) = (number * 10 + u64::from(byte - b'0'), true);
                scale *= if point { 10 } else { 1 };
            }
            b'0'..=b'9' => {}
            _ => return None,
        }
        if number > scale {
            return None;
        }
    }
    let mut value = 0;
    for _ in 0..32 {
        value = value << 1 | u32::from(number >= scale);
        number = (number - if number >= scale { scale } else { 0 }) * 2;
    }
    digits.then(|| value + u32::from(number >= scale))
}

/// Packets per unit become the kernel's cost of one; `Some(None)` for a rate beyond its scale.
fn rate(word: &[u8]) -> Option<Option<u32>> {
    let (number, unit) = names::split(word, b'/');
    let unit = match unit {
        None => 1,
        Some([]) => return None,
        Some(unit) => *UNITS
            .iter()
            .find(|row| row.0.as_bytes().get(..unit.len()).is_some_and(|name| name.eq_ignore_ascii_case(unit)))
            .map(|row| &row.2)?,
    };
    if number.starts_with(b"-") {
        return Some(None);
    }
    let (count, _) = names::digits(number, 10).filter(|found| found.0 != 0)?;
    let cost = LIMIT_SCALE * unit / count;
    Some((u64::from(count) <= u64::from(unit) * u64::from(LIMIT_SCALE)).then_some(cost))
}

/// Units of a rate: name, name in listings, seconds.
pub const UNITS: [(&str, &str, u32); 4] =
    [("second", "sec", 1), ("minute", "min", 60), ("hour", "hour", 3600), ("day", "day", 86400)];

/// An address in a structure.
pub fn address(info: &[u8], at: usize, is_v6: bool) -> Option<IpAddr> {
    let value = info.get(at..at + if is_v6 { 16 } else { 4 })?;
    crate::wire::attr::Attr { kind: 0, value }.ip()
}
