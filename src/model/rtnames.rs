//! Names of routing tables, protocols, scopes and groups: the built-in ones and those
//! of `/etc/iproute2` and `/usr/share/iproute2`, whose text the caller reads.

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
}

impl NameSet {
    /// File of the set in `/etc/iproute2`, which may have a folder beside it, with `.d` behind the name.
    pub fn file(self) -> &'static str {
        match self {
            NameSet::Tables => "rt_tables",
            NameSet::Protocols => "rt_protos",
            NameSet::Scopes => "rt_scopes",
            NameSet::Groups => "group",
            NameSet::Dsfields => "rt_dsfield",
            NameSet::Realms => "rt_realms",
            NameSet::AddrProtocols => "rt_addrprotos",
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

/// The names in force. A set is read when it is first needed.
#[derive(Debug)]
pub struct Names {
    read: fn(NameSet) -> Vec<u8>,
    sets: [OnceCell<Vec<(u32, String)>>; 7],
}

impl Names {
    /// Names from a reader of the files' text (empty where there is none).
    pub fn new(read: fn(NameSet) -> Vec<u8>) -> Self {
        Names { read, sets: [const { OnceCell::new() }; 7] }
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
    pub fn name(&self, set: NameSet, number: u32) -> String {
        self.find(set, number).map_or_else(|| number.to_string(), str::to_owned)
    }

    /// The number of a name or of digits (decimal, `0x` hexadecimal or octal, as strtoul reads them).
    pub fn number(&self, set: NameSet, word: &str) -> Option<u32> {
        let own = self.rows(set).iter().find(|row| row.1 == word).map(|row| row.0);
        own.or_else(|| set.built_in().iter().find(|row| row.1 == word).map(|row| row.0)).or_else(|| parse_number(word))
    }
}

/// A number as `strtoul(word, _, 0)` reads a whole word.
pub fn parse_number(word: &str) -> Option<u32> {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+'));
    }
    if word.starts_with('0') && word.len() > 1 {
        return u32::from_str_radix(word, 8).ok();
    }
    word.parse().ok().filter(|_| !word.starts_with('+'))
}

/// Lines of `NUMBER NAME`; `#` starts a comment; others are passed over.
fn parse(text: &[u8]) -> Vec<(u32, String)> {
    let text = String::from_utf8_lossy(text);
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let number = parse_number(words.next()?)?;
            Some((number, words.next().filter(|name| !name.starts_with('#'))?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(set: NameSet) -> Vec<u8> {
        match set {
            NameSet::Tables => b"# tables\n255\tlocal\n100 vpn # mine\n0x64 vpn2\nbroken\n7\n".to_vec(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_file_adds_to_the_built_in_names() {
        let names = Names::new(file);
        assert_eq!(names.name(NameSet::Tables, 100), "vpn2");
        assert_eq!(names.number(NameSet::Tables, "vpn"), Some(100));
        assert_eq!(names.name(NameSet::Tables, 254), "main");
        assert_eq!(names.name(NameSet::Tables, 7), "7");
        assert_eq!(names.name(NameSet::Protocols, 3), "boot");
        assert_eq!(names.number(NameSet::Scopes, "link"), Some(253));
        assert_eq!(names.number(NameSet::Scopes, "nosuch"), None);
        assert_eq!((parse_number("0x1f"), parse_number("017"), parse_number("+1")), (Some(31), Some(15), None));
    }
}
