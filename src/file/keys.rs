//! The keys of a file as one table: where each is allowed, what it takes, its unit and its default. The reader
//! interprets it, and docs/file.md is checked against it.

use std::sync::OnceLock;

use super::complaint::meant;
use crate::model::topology::LinkKind;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes; the interpreter lists the letters.
    pub shape: u8,
    /// Limits of a number, words to choose from, bytes of a text.
    pub limits: &'static str,
    /// Its default: `!` where it must be given, `-` where there is none, in parentheses where it is the kernel's
    /// own and is not sent.
    pub default: &'static str,
    /// Its unit, or `-`.
    pub unit: &'static str,
}

/// Sections of `@NAME`, and their keys, `KEY SHAPE[:LIMITS] DEFAULT UNIT`. `file` is the top of a file, `netns`
/// a namespace, `place` either; `link` is any link, then come those of each kind.
pub const TABLE: &str = "\
@file
name o ! -
version n:1-1 1 -
include x - -
netns K - -
@netns
dns D - -
hosts H - -
@place
forward F:ipv4|ipv6 - -
sysctl S - -
route R - -
rule U - -
neigh G - -
masquerade q - -
forward-port f - -
veth K - -
bridge K - -
vlan K - -
vxlan K - -
macvlan K - -
ipvlan K - -
dummy K - -
tap K - -
vrf K - -
device K - -
wireguard Z - -
@link
address A - -
route L - -
mtu n:68-65535 (1500) bytes
mac m - -
up u true -
master M - -
txqueuelen n:0-4294967295 (1000) packets
alias t:255 - -
addrgenmode w:none|eui64 - -
sysctl I - -
vlan V - -
netem Z - -
rate Z - -
dhcp Z - -
@veth
peer Q ! -
@peer
name N ! -
netns P - -
@bridge
stp b (false) -
priority n:0-65535 (32768) -
forward_delay n:200-3000 (1500) centiseconds
hello_time n:100-1000 (200) centiseconds
max_age n:600-4000 (2000) centiseconds
ageing_time n:0-100000000 (30000) centiseconds
vlan_filtering b (false) -
vlan_default_pvid n:0-4094 (1) -
mcast_snooping b (true) -
@vlan
link d ! -
id n:0-4094 ! -
protocol w:802.1q|802.1ad (802.1q) -
@vxlan
id n:0-16777215 ! -
local i - -
remote i - -
group i - -
dev d - -
dstport n:1-65535 4789 -
ttl n:0-255 (0) -
learning b (true) -
@macvlan
link d ! -
mode w:private|vepa|bridge|passthru (vepa) -
@ipvlan
link d ! -
mode w:l2|l3|l3s (l3) -
@tap
user n:0-4294967294 - -
group n:0-4294967294 - -
multi_queue b false -
vnet_hdr b false -
pi b false -
@vrf
table n:1-4294967295 ! -
@device
mac m - -
driver t:31 - -
wait e:600 0s -
carrier e:600 0s -
@dns
nameserver a - -
search T:253 - -
options T:63 - -
@masquerade
from p ! -
to p - -
out k - -
@forward-port
listen l ! -
to j ! -
in k - -
";

/// The keys of the table, each with the section that it is of. Read once.
fn table() -> &'static [(&'static str, Key)] {
    static KEYS: OnceLock<Vec<(&str, Key)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut section = "";
        let mut keys = Vec::with_capacity(128);
        for line in TABLE.lines() {
            match (line.strip_prefix('@'), key(line)) {
                (Some(name), _) => section = name,
                (None, key) => keys.extend(key.map(|key| (section, key))),
            }
        }
        keys
    })
}

/// The keys of sections, first the first one's. A key of an earlier section hides one of the same name.
#[inline(never)]
pub fn of(sections: &[&str]) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for name in sections {
        let start = keys.len();
        for (_, key) in table().iter().filter(|row| row.0 == *name) {
            if !keys[..start].iter().any(|known| known.name == key.name) {
                keys.push(*key);
            }
        }
    }
    keys
}

/// The names of all sections.
pub fn sections() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter_map(|line| line.strip_prefix('@'))
}

/// What to say about a key that is not among some: that it is of other tables, or one like it.
#[inline(never)]
pub fn hint(word: &str, known: &[Key]) -> String {
    let mut hint = meant(word, &mut known.iter().map(|key| key.name));
    if hint.is_empty() {
        for (section, _) in table().iter().filter(|row| row.1.name == word) {
            hint.push_str(if hint.is_empty() { "; it is a key of " } else { ", " });
            hint.push_str(section);
        }
    }
    hint
}

/// The keys of each kind of table, split once.
pub struct Sets {
    /// Of the top of a file.
    pub file: Vec<Key>,
    /// Of a namespace.
    pub netns: Vec<Key>,
    /// By kind, each when it is first asked for; peers last.
    links: [OnceLock<Vec<Key>>; LinkKind::ALL.len() + 1],
}

impl Sets {
    /// The only ones.
    pub fn get() -> &'static Self {
        static SETS: OnceLock<Sets> = OnceLock::new();
        SETS.get_or_init(|| Sets {
            file: of(&["file", "place"]),
            netns: of(&["netns", "place"]),
            links: [const { OnceLock::new() }; LinkKind::ALL.len() + 1],
        })
    }

    /// The keys of a place by its number.
    pub fn place(&self, number: usize) -> &[Key] {
        if number == 0 { &self.file } else { &self.netns }
    }

    /// The keys of a link.
    pub fn link(&self, kind: LinkKind) -> &[Key] {
        self.links.get(kind as usize).map_or(&[], |keys| keys.get_or_init(|| of(&[kind.name(), "link"])))
    }
}

#[inline(never)]
fn key(line: &'static str) -> Option<Key> {
    let mut fields = line.split(' ');
    let mut next = || fields.next();
    let (name, shape, default, unit) = (next()?, next()?, next()?, next()?);
    let (shape, limits) = shape.split_once(':').unwrap_or((shape, ""));
    Some(Key { name, shape: *shape.as_bytes().first()?, limits, default, unit })
}

impl Key {
    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.default == "!"
    }

    /// First and last number that it takes.
    pub fn range(&self) -> (u64, u64) {
        let (low, high) = self.limits.split_once('-').unwrap_or_default();
        (low.parse().unwrap_or(0), high.parse().unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_key_and_every_kind_has_one() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('@')).count();
        assert_eq!(table().len(), lines);
        for line in TABLE.lines().filter(|line| !line.starts_with('@')) {
            assert_eq!(line.split(' ').count(), 4, "{line}");
        }
        let place = of(&["place"]);
        for kind in LinkKind::ALL {
            assert!(place.iter().any(|key| key.name == kind.name() && key.shape == b'K'), "{}", kind.name());
        }
    }

    #[test]
    fn an_unknown_key_is_explained() {
        let bridge = of(&["bridge", "link"]);
        assert_eq!(hint("adress", &bridge), "; did you mean \"address\"?");
        assert_eq!(hint("peer", &bridge), "; it is a key of veth");
        assert_eq!(hint("zzzzzz", &bridge), "");
        let device = of(&["device", "link"]);
        assert_eq!(device.iter().filter(|key| key.name == "mac").count(), 1);
    }

    #[test]
    fn numbers_and_words_of_kinds_are_those_of_iproute2() {
        use crate::model::kind::Kind;
        for section in ["bridge", "vlan", "vxlan", "macvlan", "ipvlan", "vrf"] {
            let rows = Kind::find(section.as_bytes()).unwrap().rows();
            for key in of(&[section]).iter().filter(|key| key.name != "link") {
                let row = rows.iter().find(|row| row.takes(key.name.as_bytes()));
                let row = row.unwrap_or_else(|| panic!("{section} {}", key.name));
                for word in key.limits.split('|').filter(|_| key.shape == b'w' && key.name != "protocol") {
                    assert!(row.number_of(word).is_some(), "{section} {} {word}", key.name);
                }
            }
        }
    }
}
