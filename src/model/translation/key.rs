//! The comment by which a rule of ours is known again: `ns1 ` and the words of its
//! translation. Words that a comment has no room for are packed to bytes, in base64,
//! behind `ns1 ~`; either way the whole translation can be read back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{ACTIONS, Pick, Range, TCP, Translation, UDP, parse};
use crate::model::ip::{Family, Prefix};
use crate::model::name::IfName;

/// Begins the comments of our rules; the number is that of their layout.
pub const MARK: &str = "ns1 ";
/// Longest comment that nft loads again.
const COMMENT_MAX: usize = 127;
/// Behind [`MARK`]: what follows is packed.
const PACKED: char = '~';
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Translation {
    /// The comment of its rules; at most 127 bytes.
    pub fn key(&self) -> String {
        let words = [MARK, &self.words()].concat();
        if words.len() <= COMMENT_MAX { words } else { [MARK, "~", &base64(&self.pack())].concat() }
    }

    /// Reads a comment; `None` if it is none of ours.
    pub fn from_key(comment: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(comment).ok()?.strip_prefix(MARK)?;
        match text.strip_prefix(PACKED) {
            // What words cannot say is no translation.
            Some(packed) => unpack(&from_base64(packed)?).filter(|found| parse_line(&found.words()) == Some(*found)),
            None => parse_line(text),
        }
    }

    /// A byte of action, family, protocol and pick; two of which parts there are; the parts.
    fn pack(&self) -> Vec<u8> {
        let action = ACTIONS.iter().position(|row| row.1 == self.action).unwrap_or_default();
        let protocol = PROTOCOLS.iter().position(|number| *number == self.protocol).unwrap_or_default();
        let v6 = u32::from(self.family == Family::V6);
        let head = to_u32(action) | v6 << 2 | to_u32(protocol) << 3 | self.pick.bits() << 3;
        let head = u8::try_from(head).unwrap_or_default();
        let prefix = |prefix: Option<Prefix>| {
            prefix.map(|prefix| [&octets(&prefix.addr())[..], &[prefix.len()]].concat()).unwrap_or_default()
        };
        let addr = |addr: Option<IpAddr>| addr.map(|addr| octets(&addr)).unwrap_or_default();
        let ports = |ports: Option<Range<u16>>| {
            ports.map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()].concat()).unwrap_or_default()
        };
        let parts = [
            prefix(self.from),
            prefix(self.to),
            prefix(self.hairpin),
            addr(self.listen),
            addr(self.addrs.map(|addrs| addrs.0)),
            addr(self.addrs.map(|addrs| addrs.1)),
            ports(self.ports),
            ports(self.new_ports),
            self.device.map(|device| device.as_bytes().to_vec()).unwrap_or_default(),
        ];
        let mut there: u16 = 0;
        for (at, part) in parts.iter().enumerate() {
            there |= u16::from(!part.is_empty()) << at;
        }
        let [high, low] = there.to_be_bytes();
        [&[head, high, low][..], &parts.concat()].concat()
    }
}

/// Numbers of the protocols, as they are packed.
const PROTOCOLS: &[u8] = &[0, TCP, UDP];

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn parse_line(text: &str) -> Option<Translation> {
    parse(&text.split(' ').collect::<Vec<_>>()).ok()
}

fn unpack(bytes: &[u8]) -> Option<Translation> {
    let [head, high, low, rest @ ..] = bytes else { return None };
    let head = usize::from(*head);
    let mut translation = Translation::new(ACTIONS.get(head & 3)?.1);
    translation.family = if head & 4 == 0 { Family::V4 } else { Family::V6 };
    translation.protocol = *PROTOCOLS.get(head >> 3 & 3)?;
    translation.pick = Pick::from_bits(to_u32(head >> 5 << 2))?;
    let size = if head & 4 == 0 { 4 } else { 16 };
    let (mut rest, mut there) = (rest, u16::from_be_bytes([*high, *low]));
    let mut part = |len: usize| {
        let len = if there & 1 == 1 { len } else { 0 };
        there >>= 1;
        let (part, tail) = rest.split_at_checked(len)?;
        rest = tail;
        Some(part)
    };
    translation.from = prefix(part(size + 1)?);
    translation.to = prefix(part(size + 1)?);
    translation.hairpin = prefix(part(size + 1)?);
    translation.listen = addr(part(size)?);
    translation.addrs = addr(part(size)?).zip(addr(part(size)?));
    translation.ports = ports(part(4)?);
    translation.new_ports = ports(part(4)?);
    translation.device = IfName::new(rest);
    Some(translation)
}

fn octets(addr: &IpAddr) -> Vec<u8> {
    match addr {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn addr(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into())).ok()
}

fn prefix(bytes: &[u8]) -> Option<Prefix> {
    let (len, bytes) = bytes.split_last()?;
    Prefix::new(addr(bytes)?, *len)
}

fn ports(bytes: &[u8]) -> Option<Range<u16>> {
    let [a, b, c, d] = *bytes else { return None };
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

/// Base64 of RFC 4648 section 5, without padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0;
        for place in 0..4 {
            let digit = chunk.get(place).map_or(Some(0), |byte| DIGITS.iter().position(|digit| digit == byte))?;
            bits = bits << 6 | u32::try_from(digit).ok()?;
        }
        bytes.extend_from_slice(bits.to_be_bytes().get(1..chunk.len())?);
    }
    Some(bytes)
}
