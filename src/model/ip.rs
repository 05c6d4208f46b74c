//! Addresses with a prefix length: what iproute2 and iptables call ADDR, ADDR/LEN,
//! `default`. Parses words, prints words.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Deref;
use std::str::FromStr;

use super::rtnames::parse_number;

/// Address family of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Both, or not said.
    #[default]
    Unspec,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// Bridge (`-f bridge`): forwarding database entries.
    Bridge,
    /// Any other number, kept as it is.
    Other(u8),
}

impl Family {
    /// `AF_*` number.
    pub fn number(self) -> u8 {
        match self {
            Family::Unspec => 0,
            Family::V4 => 2,
            Family::V6 => 10,
            Family::Bridge => 7,
            Family::Other(n) => n,
        }
    }

    /// From an `AF_*` number.
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Family::Unspec,
            2 => Family::V4,
            10 => Family::V6,
            7 => Family::Bridge,
            n => Family::Other(n),
        }
    }

    /// Longest prefix: 32 or 128 bits (32 where the family is not known).
    pub fn bits(self) -> u8 {
        if self == Family::V6 { 128 } else { 32 }
    }
}

/// The family of an address.
pub fn family_of(addr: &IpAddr) -> Family {
    match addr {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// An address as glibc's `inet_ntop` writes it: unlike Rust's, with the last 32 bits in dots after 96 bits of zeros.
pub fn addr_text(addr: &IpAddr) -> Text {
    let mut text = Text { room: [0; ROOM], len: 0 };
    text.addr(addr);
    text
}

/// Longest text of an address and a prefix length: six groups, four octets, `/128`.
const ROOM: usize = 6 * 5 + 15 + 4;

/// An address in words, maybe with a prefix length. On the stack: a long listing makes very many.
#[derive(Debug, Clone)]
pub struct Text {
    room: [u8; ROOM],
    len: usize,
}

impl Text {
    #[inline(never)]
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.room.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    /// `Display` of a number, and so of an address, is four times slower.
    fn number(&mut self, number: u8) {
        if number >= 100 {
            self.push(b'0' + number / 100);
        }
        if number >= 10 {
            self.push(b'0' + number / 10 % 10);
        }
        self.push(b'0' + number % 10);
    }

    fn octets(&mut self, octets: &[u8]) {
        for (index, octet) in octets.iter().enumerate() {
            if index > 0 {
                self.push(b'.');
            }
            self.number(*octet);
        }
    }

    fn addr(&mut self, addr: &IpAddr) {
        match addr {
            IpAddr::V4(v4) => self.octets(&v4.octets()),
            IpAddr::V6(v6) if v6.to_bits() >> 16 != 0 && v6.to_bits() >> 32 == 0 => {
                self.push(b':');
                self.push(b':');
                self.octets(&v6.octets()[12..]);
            }
            // There is room for every address.
            IpAddr::V6(v6) => write!(self, "{v6}").unwrap_or_default(),
        }
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

impl Deref for Text {
    type Target = str;

    #[inline(never)]
    fn deref(&self) -> &str {
        std::str::from_utf8(&self.room[..self.len]).unwrap_or_default()
    }
}

/// An address and a prefix length of at most 32 or 128 bits; host bits may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

impl Prefix {
    /// Checks the length against the family.
    pub fn new(addr: IpAddr, len: u8) -> Option<Self> {
        (len <= family_of(&addr).bits()).then_some(Prefix { addr, len })
    }

    /// The address alone: /32 or /128.
    pub fn host(addr: IpAddr) -> Self {
        Prefix { addr, len: family_of(&addr).bits() }
    }

    /// `0.0.0.0/0` or `::/0`.
    pub fn default_route(family: Family) -> Self {
        match family {
            Family::V6 => Prefix { addr: Ipv6Addr::UNSPECIFIED.into(), len: 0 },
            _ => Prefix { addr: Ipv4Addr::UNSPECIFIED.into(), len: 0 },
        }
    }

    /// The address.
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// Prefix length in bits.
    pub fn len(&self) -> u8 {
        self.len
    }

    /// Whether this is a default route's prefix.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Family of the address.
    pub fn family(&self) -> Family {
        family_of(&self.addr)
    }

    /// Whether all bits of the address count.
    pub fn is_host(&self) -> bool {
        self.len == self.family().bits()
    }

    /// As `Display` writes it.
    pub fn text(&self) -> Text {
        let mut text = addr_text(&self.addr);
        text.push(b'/');
        text.number(self.len);
        text
    }

    /// The address with its host bits cleared, same length.
    #[must_use]
    pub fn network(&self) -> Self {
        Prefix { addr: mask(self.addr, self.len), len: self.len }
    }

    /// Whether an address lies in this prefix.
    pub fn contains(&self, addr: &IpAddr) -> bool {
        family_of(addr) == self.family() && mask(*addr, self.len) == mask(self.addr, self.len)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

fn mask(addr: IpAddr, len: u8) -> IpAddr {
    match addr {
        IpAddr::V4(v4) => {
            let bits = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & bits))
        }
        IpAddr::V6(v6) => {
            let bits = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & bits))
        }
    }
}

/// Parses an address as iproute2 does: IPv4 may be short (`10.1` is 10.1.0.0).
pub fn parse_addr(word: &str, family: Family) -> Option<IpAddr> {
    if word.contains(':') {
        return if family == Family::V4 { None } else { Ipv6Addr::from_str(word).ok().map(IpAddr::V6) };
    }
    if family == Family::V6 {
        return None;
    }
    let mut octets = [0u8; 4];
    for (index, part) in word.split('.').enumerate() {
        *octets.get_mut(index)? = u8::try_from(parse_number(part)?).ok()?;
    }
    Some(IpAddr::V4(Ipv4Addr::from(octets)))
}

/// Parses `ADDR`, `ADDR/LEN`, `ADDR/NETMASK`, `default`, `any`, `all` as iproute2 does.
pub fn parse_prefix(word: &str, family: Family) -> Option<Prefix> {
    if matches!(word, "default" | "any" | "all") {
        return Some(Prefix::default_route(family));
    }
    let Some((addr, len)) = word.split_once('/') else {
        return parse_addr(word, family).map(Prefix::host);
    };
    let addr = parse_addr(addr, family)?;
    let len = match parse_number(len) {
        Some(number) => u8::try_from(number).ok()?,
        None => netmask_len(parse_addr(len, Family::V4)?)?,
    };
    Prefix::new(addr, len)
}

/// An address as C's `inet_aton` reads it: one to four parts, the last one fills what is left (`10.1` is 10.0.0.1).
pub fn aton(word: &str) -> Option<Ipv4Addr> {
    let (mut bits, mut room) = (0, 32);
    let mut parts = word.split('.').peekable();
    while let Some(part) = parts.next() {
        let number = parse_number(part)?;
        let width = if parts.peek().is_some() { 8 } else { room };
        if room == 0 || (width < 32 && number >> width != 0) {
            return None;
        }
        room -= width;
        bits |= number << room;
    }
    Some(Ipv4Addr::from_bits(bits))
}

/// Length of a contiguous netmask (`255.255.255.0` is 24); `None` if it has holes.
pub fn netmask_len(mask: IpAddr) -> Option<u8> {
    let bits = match mask {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let len = bits.leading_ones();
    (bits.checked_shl(len).unwrap_or(0) == 0).then(|| u8::try_from(len).ok()).flatten()
}

/// The mask of a prefix length for addresses of a family.
pub fn mask_of(family: Family, len: u8) -> IpAddr {
    match family {
        Family::V6 => mask(Ipv6Addr::from_bits(u128::MAX).into(), len),
        _ => netmask(len).into(),
    }
}

/// The netmask of a prefix length (24 is `255.255.255.0`).
pub fn netmask(len: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(len.min(32))).unwrap_or(0))
}

/// An address as the number that it is in its family.
#[inline(never)]
pub fn bits(addr: &IpAddr) -> u128 {
    match addr {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_glibc_prints_them() {
        for text in ["::", "::5", "::0.1.0.2", "::1.2.3.4", "::ffff:1.2.3.4", "::1:0:0", "fe80::1:2", "10.0.0.1"] {
            assert_eq!(&*addr_text(&text.parse().unwrap()), text);
        }
    }

    #[test]
    fn prefixes_parse_as_iproute2_does() {
        let show = |word, family| parse_prefix(word, family).map(|p| p.to_string());
        for (word, expected) in [
            ("192.168.15.1/24", Some("192.168.15.1/24")),
            ("192.168.15.1", Some("192.168.15.1/32")),
            ("10.1/16", Some("10.1.0.0/16")),
            ("10.0.0.0/255.255.0.0", Some("10.0.0.0/16")),
            ("default", Some("0.0.0.0/0")),
            ("0/0", Some("0.0.0.0/0")),
            ("fd00::1/64", Some("fd00::1/64")),
            ("fd00::1", Some("fd00::1/128")),
            ("300.1.1.1", None),
            ("10.0.0.1/33", None),
            ("0x0a.010.+1/0x10", Some("10.8.1.0/16")),
            ("10.0.0.1/+8", Some("10.0.0.1/8")),
            ("10.0.0.1/08", None),
            ("10.0.0.1/256", None),
            ("1..2", None),
            ("0x.1", None),
            ("10.0.0.0/255.0.255.0", None),
            ("1.2.3.4.5", None),
            ("", None),
        ] {
            assert_eq!(show(word, Family::Unspec).as_deref(), expected, "{word}");
        }
        assert_eq!(show("default", Family::V6).as_deref(), Some("::/0"));
        assert_eq!(show("10.0.0.1", Family::V6), None);
        assert_eq!(show("fd00::1", Family::V4), None);
    }

    #[test]
    fn masks() {
        let prefix = parse_prefix("192.168.15.77/20", Family::V4).unwrap();
        assert_eq!(prefix.network().to_string(), "192.168.0.0/20");
        assert!(prefix.contains(&"192.168.1.3".parse().unwrap()));
        assert!(!prefix.contains(&"192.168.16.3".parse().unwrap()));
        assert_eq!(Prefix::host("::172.28.59.218".parse().unwrap()).to_string(), "::172.28.59.218/128");
        assert_eq!(netmask(24).to_string(), "255.255.255.0");
        assert_eq!(netmask(0).to_string(), "0.0.0.0");
        assert_eq!(netmask_len("255.255.255.255".parse().unwrap()), Some(32));
    }
}
