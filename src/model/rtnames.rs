//! Names of routing tables, protocols, scopes and groups: the built-in ones and those
//! of `/etc/iproute2` and `/usr/share/iproute2`, whose text the caller reads.

use std::borrow::Cow;
use std::cell::OnceCell;

/// A set of numbers with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSet {
    /// Routing tables (`rt_tables`).
    Tables,
    /// Who made a route (`rt_protos`).
    Protocols,
    /// How far a destination is (`rt_scopes`).
    Scopes,
    /// Groups of links (`group`).
    Groups,
    /// Type of service bytes (`rt_dsfield`).
    Dsfields,
    /// Realms of routes (`rt_realms`).
    Realms,
    /// Who put an address on a link (`rt_addrprotos`, kernel 5.18).
    AddrProtocols,
    /// Protocols over IP (`/etc/protocols`).
    IpProtocols,
}

impl NameSet {
    /// How many sets there are.
    const COUNT: usize = NameSet::IpProtocols as usize + 1;

    /// File of the set, in `/etc/iproute2` or by its path; there it may have a folder beside it, with `.d` behind the name.
    pub fn file(self) -> &'static str {
        match self {
            NameSet::Tables => "rt_tables",
            NameSet::Protocols => "rt_protos",
            NameSet::Scopes => "rt_scopes",
            NameSet::Groups => "group",
            NameSet::Dsfields => "rt_dsfield",
            NameSet::Realms => "rt_realms",
            NameSet::AddrProtocols => "rt_addrprotos",
            NameSet::IpProtocols => "/etc/protocols",
        }
    }

    fn built_in(self) -> &'static [(u32, &'static str)] {
        match self {
            NameSet::Tables => &[(0, "unspec"), (253, "default"), (254, "main"), (255, "local")],
            NameSet::Protocols => PROTOCOLS,
            NameSet::Scopes => &[(0, "global"), (200, "site"), (253, "link"), (254, "host"), (255, "nowhere")],
            NameSet::Groups => &[(0, "default")],
            NameSet::Dsfields => &[],
            NameSet::Realms => &[(0, "unknown")],
            NameSet::AddrProtocols => &[(0, "unspec"), (1, "kernel_lo"), (2, "kernel_ra"), (3, "kernel_ll")],
            NameSet::IpProtocols => IP_PROTOCOLS,
        }
    }
}

const PROTOCOLS: &[(u32, &str)] = &[
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (18, "keepalived"),
    (42, "babel"),
    (99, "openr"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
];

/// What there is where no file says it.
const IP_PROTOCOLS: &[(u32, &str)] = &[
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipencap"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (89, "ospf"),
    (132, "sctp"),
    (136, "udplite"),
];

/// The names in force. A set is read when it is first needed.
#[derive(Debug)]
pub struct Names {
    read: fn(NameSet) -> Vec<u8>,
    sets: [OnceCell<Vec<(u32, String)>>; NameSet::COUNT],
}

impl Names {
    /// Names from a reader of the files' text (empty where there is none).
    pub fn new(read: fn(NameSet) -> Vec<u8>) -> Self {
        Names { read, sets: [const { OnceCell::new() }; NameSet::COUNT] }
    }

    fn rows(&self, set: NameSet) -> &[(u32, String)] {
        self.sets[set as usize].get_or_init(|| parse(&(self.read)(set)))
    }

    /// The name of a number, if it has one. A file's name beats a built-in one.
    pub fn find(&self, set: NameSet, number: u32) -> Option<&str> {
        let own = self.rows(set).iter().rev().find(|row| row.0 == number).map(|row| row.1.as_str());
        own.or_else(|| set.built_in().iter().find(|row| row.0 == number).map(|row| row.1))
    }

    /// The name of a number, or its digits.
    pub fn name(&self, set: NameSet, number: u32) -> Cow<'_, str> {
        self.find(set, number).map_or_else(|| number.to_string().into(), Cow::Borrowed)
    }

    /// The number of a name or of digits (decimal, `0x` hexadecimal or octal, as strtoul reads them).
    pub fn number(&self, set: NameSet, word: &str) -> Option<u32> {
        let own = self.rows(set).iter().find(|row| row.1 == word).map(|row| row.0);
        own.or_else(|| set.built_in().iter().find(|row| row.1 == word).map(|row| row.0)).or_else(|| parse_number(word))
    }
}

/// The name of a number, or its digits; without names, its digits (`-N`).
pub fn named(names: Option<&Names>, set: NameSet, number: u32) -> Cow<'_, str> {
    names.map_or_else(|| number.to_string().into(), |names| names.name(set, number))
}

/// A number as `strtoul(word, _, 0)` reads a whole word.
pub fn parse_number(word: &str) -> Option<u32> {
    parse_u64(word).and_then(|number| number.try_into().ok())
}

/// The same with 64 bits.
#[inline(never)]
pub fn parse_u64(word: &str) -> Option<u64> {
    let word = match word.trim_ascii_start().as_bytes() {
        [b'+', word @ ..] => word,
        word => word,
    };
    let (digits, radix) = match word {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', ..] => (word, 8),
        _ => (word, 10),
    };
    let mut number: u64 = 0;
    for digit in digits {
        let digit = char::from(*digit).to_digit(radix)?;
        number = number.checked_mul(radix.into())?.checked_add(digit.into())?;
    }
    Some(number).filter(|_| !digits.is_empty())
}

/// A number in hexadecimal, with `0x` or without.
#[inline(never)]
pub fn parse_hex(word: &str) -> Option<u32> {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word);
    u32::from_str_radix(digits, 16).ok()
}

/// Lines of `NUMBER NAME`, or the other way round as in `/etc/protocols`; `#` starts a comment; others are
/// passed over.
fn parse(text: &[u8]) -> Vec<(u32, String)> {
    let text = String::from_utf8_lossy(text);
    let mut rows = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        if first.starts_with('#') || second.starts_with('#') {
            continue;
        }
        if let Some(number) = parse_number(first) {
            rows.push((number, second.to_owned()));
        } else if let Some(number) = parse_number(second) {
            rows.push((number, first.to_owned()));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(set: NameSet) -> Vec<u8> {
        match set {
            NameSet::Tables => {
                b"# tables\n#5 6\ntwelve 12 TWELVE\n255\tlocal\n100 vpn # mine\n0x64 vpn2\nbroken\n7\n".to_vec()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_file_adds_to_the_built_in_names() {
        let names = Names::new(file);
        assert_eq!(names.name(NameSet::Tables, 100), "vpn2");
        assert_eq!(names.number(NameSet::Tables, "vpn"), Some(100));
        assert_eq!((names.name(NameSet::Tables, 12), names.name(NameSet::Tables, 6)), ("twelve".into(), "6".into()));
        assert_eq!(names.name(NameSet::Tables, 254), "main");
        assert_eq!(names.name(NameSet::Tables, 7), "7");
        assert_eq!(names.name(NameSet::Protocols, 3), "boot");
        assert_eq!(names.number(NameSet::Scopes, "link"), Some(253));
        assert_eq!(names.number(NameSet::Scopes, "nosuch"), None);
        assert_eq!((parse_number("0x1f"), parse_number("017"), parse_number(" +1")), (Some(31), Some(15), Some(1)));
        for bad in ["", "+", "++1", "+ 1", "+-1", "0x", "0x+1", "1 "] {
            assert_eq!(parse_number(bad), None, "{bad}");
        }
    }
}
