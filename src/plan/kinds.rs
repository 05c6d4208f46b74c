//! Properties of kinds: settings of a file here, attributes of the kernel (`IFLA_INFO_DATA`) there. One table is
//! read both ways; its attributes are those of [`crate::model::kind`].

use std::net::IpAddr;

use crate::model::ip::addr_text;
use crate::model::link::{Argument, ArgumentValue, KindArguments, KindName, Link};
use crate::model::topology::{LinkKind, LinkSpec, SettingValue};
use crate::wire::attr::attrs;

/// Sections of `@KIND`, and rows of `KEY SHAPE WIDTH NUMBER DEFAULT [WORD=NUMBER|...]`, `-` for no default.
///
/// Shapes: `n` number, `f` flag, `w` word, `t` time in centiseconds, `a` address (its number is that of IPv4, its
/// default that of IPv6). A capital cannot be changed in place. Widths: bytes, `B` for two in network byte order.
const TABLE: &str = "\
@bridge
stp f 4 5 0
priority n 2 6 32768
forward_delay t 4 1 1500
hello_time t 4 2 200
max_age t 4 3 2000
ageing_time t 4 4 30000
vlan_filtering f 1 7 0
vlan_default_pvid n 2 39 1
mcast_snooping f 1 23 1
@vlan
id N 2 1 -
protocol W B 5 33024 802.1q=33024|802.1ad=34984
@vxlan
id N 4 1 -
local A 4 4 17
remote A 4 2 16
group A 4 2 16
dstport N B 15 4789
ttl n 1 5 0
learning f 1 7 1
@macvlan
mode w 4 1 2 private=1|vepa=2|bridge=4|passthru=8
@ipvlan
mode w 2 1 1 l2=0|l3=1|l3s=2
@tap
user N 4 1 -
group N 4 2 -
multi_queue F 1 7 0
vnet_hdr F 1 5 0
pi F 1 4 0
@vrf
table N 4 1 -
";

/// Attribute of a vxlan that names the link that its packets leave by.
const VXLAN_LINK: u16 = 3;
/// Attribute of a tun or tap device that says which of both it is, and the value of a tap.
const TUN_TYPE: (u16, u8) = (3, 2);
/// Mode of a macvlan that can neither be taken on nor left.
const PASSTHRU: u64 = 8;

/// Attributes of a bridge: the port towards the root of the spanning tree, 0 on the root itself; whether the tree is
/// changing.
const ROOT_PORT: u16 = 12;
const TOPOLOGY_CHANGE: u16 = 14;

/// A property.
struct Row {
    key: &'static str,
    shape: u8,
    width: u8,
    number: u16,
    default: Option<u64>,
    list: &'static str,
}

/// A value, on its way from one form to the other.
#[derive(Clone, Copy, PartialEq)]
enum Raw {
    Number(u64),
    Address(IpAddr),
}

/// One property that is not as it is asked for.
pub struct Differs {
    /// Its key.
    pub key: &'static str,
    /// As it is found, and as it is asked for.
    pub values: [String; 2],
    /// What would change it; `None`: the kernel does not change it.
    pub argument: Option<Argument>,
}

/// What a found link is; `None` where a file has no such kind. Hardware, which has none, is [`LinkKind::Device`].
pub fn kind_of(link: &Link) -> Option<LinkKind> {
    match link.kind.as_deref() {
        None => Some(LinkKind::Device),
        Some(b"tun") => {
            let kind = attrs(&link.kind_data).find(TUN_TYPE.0).and_then(|attr| attr.u8());
            (kind.is_none() || kind == Some(TUN_TYPE.1)).then_some(LinkKind::Tap)
        }
        Some(name) => LinkKind::ALL
            .into_iter()
            .find(|kind| !matches!(kind, LinkKind::Tap | LinkKind::Device) && kind.name().as_bytes() == name),
    }
}

/// The properties of a found link's kind that are not the kernel's defaults, with the keys of a file.
pub fn read(link: &Link) -> Vec<(&'static str, SettingValue)> {
    let kind = kind_of(link).unwrap_or(LinkKind::Device);
    let value = |row: &Row| {
        let raw = row.found(link).filter(|_| !row.is_passing(link))?;
        (Some(raw) != row.default()).then(|| row.value(raw))?.map(|value| (row.key, value))
    };
    rows(kind).filter_map(|row| value(&row)).collect()
}

/// The key of a property that a file has no word for as it is found: the mode `source` of a macvlan.
pub fn strange(link: &Link) -> Option<&'static str> {
    let is_strange = |row: &Row| row.found(link).is_some_and(|raw| row.value(raw).is_none());
    rows(kind_of(link)?).find(is_strange).map(|row| row.key)
}

/// Index of the link that a found one is made on, in the namespace that its id says. The peer of a veth is no such link.
pub fn lower(link: &Link) -> Option<u32> {
    let index = match link.kind.as_deref()? {
        b"veth" => return None,
        b"vxlan" => attrs(&link.kind_data).find(VXLAN_LINK)?.u32()?,
        _ => link.link?,
    };
    (index != 0).then_some(index)
}

/// By how much the MTU of a link is less than that of the link that it is made on (`vxlan_headroom`).
pub fn headroom(spec: &LinkSpec) -> u32 {
    let is_v6 = |key| matches!(spec.get(key), Some(SettingValue::Address(address)) if address.is_ipv6());
    match spec.kind {
        LinkKind::Vxlan if ["local", "remote", "group"].into_iter().any(is_v6) => 70,
        LinkKind::Vxlan => 50,
        _ => 0,
    }
}

/// What a new link's kind is told: what the file says of it, and the index of a vxlan's `dev`. What is the kernel's
/// default is not said: a kernel that lacks it would refuse the link. The port of a vxlan is another one in the kernel.
pub fn arguments(spec: &LinkSpec, dev: Option<u32>) -> Option<KindArguments> {
    let said = |row: Row| {
        let (said, ours) = (spec.get(row.key).and_then(|value| row.raw(value)), row.key == "dstport");
        let raw = if ours { said.or(row.default()) } else { said.filter(|raw| Some(*raw) != row.default()) };
        raw.map(|raw| row.argument(raw))
    };
    let mut arguments: Vec<Argument> = rows(spec.kind).filter_map(said).collect();
    if let Some(dev) = dev {
        arguments.push(Argument { number: VXLAN_LINK, value: ArgumentValue::Bytes(dev.to_ne_bytes().to_vec()) });
    }
    change(spec.kind, arguments)
}

/// Arguments with the kind that they are of; `None` if there are none.
pub fn change(kind: LinkKind, arguments: Vec<Argument>) -> Option<KindArguments> {
    let kind = KindName::new(kind.name().as_bytes()).filter(|_| !arguments.is_empty())?;
    Some(KindArguments { kind, arguments: Some(arguments) })
}

/// What of a link's kind is not as a file asks for it: what it does not say is asked to be the kernel's default.
/// What a kernel does not tell of is right.
pub fn differences(spec: &LinkSpec, link: &Link) -> Vec<Differs> {
    let mut all = Vec::new();
    if link.kind_data.is_empty() {
        return all;
    }
    for row in rows(spec.kind) {
        let (said, found) = (spec.get(row.key).and_then(|value| row.raw(value)), row.found(link));
        let to = said.or(row.default());
        // Addresses and numbers without a default are there or not.
        let optional = row.default().is_none();
        let same = match (found, to) {
            // A kernel that ticks 250 times a second keeps even numbers of centiseconds.
            (Some(Raw::Number(found)), Some(Raw::Number(to))) if row.shape == b't' => to.wrapping_sub(found) <= 1,
            (None, Some(_)) if !optional => to == row.default(),
            (found, to) => found == to,
        };
        if same || row.is_passing(link) {
            continue;
        }
        let passthru = |raw| row.list.ends_with("passthru=8") && raw == Some(Raw::Number(PASSTHRU));
        let fixed = row.shape.is_ascii_uppercase() || passthru(found) || passthru(to);
        let text = |raw: Option<Raw>| raw.map_or_else(|| "none".to_owned(), |raw| row.text(raw));
        all.push(Differs {
            key: row.key,
            values: [text(found), text(to)],
            argument: to.filter(|_| !fixed).map(|to| row.argument(to)),
        });
    }
    all
}

fn rows(kind: LinkKind) -> impl Iterator<Item = Row> {
    let mut sections = TABLE.split('@').filter_map(|section| section.split_once('\n'));
    let section = sections.find(|section| section.0 == kind.name()).map_or("", |section| section.1);
    section.lines().filter_map(row)
}

fn row(line: &'static str) -> Option<Row> {
    let mut fields = line.split(' ');
    let mut next = || fields.next();
    let (key, shape, width) = (next()?, next()?, next()?);
    Some(Row {
        key,
        shape: *shape.as_bytes().first()?,
        width: *width.as_bytes().first()?,
        number: next()?.parse().ok()?,
        default: next()?.parse().ok(),
        list: next().unwrap_or_default(),
    })
}

impl Row {
    fn names(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.list
            .split('|')
            .filter_map(|entry| entry.split_once('='))
            .filter_map(|(name, number)| Some((name, number.parse().ok()?)))
    }

    fn default(&self) -> Option<Raw> {
        self.default.filter(|_| !self.is_address()).map(Raw::Number)
    }

    /// Whether a found link shows a value for a while that nobody has set: while the spanning tree changes, entries
    /// of a bridge live twice the forward delay (`__br_set_topology_change`), and while another bridge is its root, that
    /// one's times hold (`br_record_config_timeout_values`).
    fn is_passing(&self, link: &Link) -> bool {
        let of = match self.key {
            "ageing_time" => TOPOLOGY_CHANGE,
            "forward_delay" | "hello_time" | "max_age" => ROOT_PORT,
            _ => return false,
        };
        attrs(&link.kind_data).find(of).is_some_and(|attr| attr.value.iter().any(|byte| *byte != 0))
    }

    fn is_address(&self) -> bool {
        self.shape == b'A'
    }

    /// What a setting says.
    fn raw(&self, value: &SettingValue) -> Option<Raw> {
        Some(match value {
            SettingValue::Number(number) => Raw::Number(*number),
            SettingValue::Flag(flag) => Raw::Number(u64::from(*flag)),
            SettingValue::Text(text) => Raw::Number(self.names().find(|entry| entry.0 == text)?.1),
            SettingValue::Address(address) => Raw::Address(*address),
            SettingValue::Mac(_) => return None,
        })
    }

    /// The setting that says it.
    fn value(&self, raw: Raw) -> Option<SettingValue> {
        Some(match (raw, self.shape.to_ascii_lowercase()) {
            (Raw::Address(address), _) => SettingValue::Address(address),
            (Raw::Number(number), b'f') => SettingValue::Flag(number != 0),
            (Raw::Number(number), b'w') => {
                SettingValue::Text(self.names().find(|entry| entry.1 == number)?.0.to_owned())
            }
            (Raw::Number(number), _) => SettingValue::Number(number),
        })
    }

    fn text(&self, raw: Raw) -> String {
        match (self.value(raw), raw) {
            (Some(SettingValue::Address(address)), _) => addr_text(&address).to_string(),
            (Some(SettingValue::Flag(flag)), _) => (if flag { "true" } else { "false" }).to_owned(),
            (Some(SettingValue::Text(text)), _) => text,
            (_, Raw::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    fn argument(&self, raw: Raw) -> Argument {
        let (mut number, mut bytes) = (self.number, Vec::new());
        match raw {
            Raw::Address(IpAddr::V4(address)) => bytes.extend(address.octets()),
            Raw::Address(IpAddr::V6(address)) => {
                number = self.default.and_then(|number| u16::try_from(number).ok()).unwrap_or(0);
                bytes.extend(address.octets());
            }
            Raw::Number(value) => {
                let low = value.to_le_bytes();
                match self.width {
                    b'B' => bytes.extend([low[1], low[0]]),
                    width => {
                        bytes.extend(&low[..usize::from(width - b'0')]);
                        if cfg!(target_endian = "big") {
                            bytes.reverse();
                        }
                    }
                }
            }
        }
        Argument { number, value: ArgumentValue::Bytes(bytes) }
    }

    /// What a found link has.
    fn found(&self, link: &Link) -> Option<Raw> {
        let all = || attrs(&link.kind_data);
        if self.is_address() {
            let v6 = self.default.and_then(|number| u16::try_from(number).ok());
            let v4 = all().find(self.number).and_then(|attr| <[u8; 4]>::try_from(attr.value).ok()).map(IpAddr::from);
            let v6 = || all().find(v6?).and_then(|attr| <[u8; 16]>::try_from(attr.value).ok()).map(IpAddr::from);
            let address = v4.or_else(v6)?;
            // A tunnel's other end is a group, or one machine.
            let fits = self.key == "local" || address.is_multicast() == (self.key == "group");
            return (fits && !address.is_unspecified()).then_some(Raw::Address(address));
        }
        let value = all().find(self.number)?.value;
        let fold = |number, byte: &u8| number << 8 | u64::from(*byte);
        let number = match self.width {
            b'B' => value.iter().take(2).fold(0, fold),
            width => {
                let value = value.get(..usize::from(width - b'0'))?;
                if cfg!(target_endian = "big") { value.iter().fold(0, fold) } else { value.iter().rev().fold(0, fold) }
            }
        };
        Some(Raw::Number(if self.shape.eq_ignore_ascii_case(&b'f') { u64::from(number != 0) } else { number }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::IfName;
    use crate::model::topology::Origin;

    #[test]
    fn what_a_bridge_shows_of_its_tree_is_no_setting() {
        let spec = LinkSpec::new(IfName::new(b"br").unwrap(), LinkKind::Bridge, Origin::default());
        for (changes, root, keys) in [
            (0, 0, vec!["hello_time", "ageing_time"]),
            (1, 0, vec!["hello_time"]),
            (0, 1, vec!["ageing_time"]),
            (1, 1, vec![]),
        ] {
            let mut data = Vec::new();
            for number in [2, 4] {
                data.extend([8, 0, number, 0]);
                data.extend(400u32.to_ne_bytes());
            }
            data.extend([5, 0, 14, 0, changes, 0, 0, 0, 6, 0, 12, 0, 0, root, 0, 0]);
            let link = Link { kind: Some(b"bridge".to_vec()), kind_data: data, ..Link::default() };
            assert_eq!(read(&link).iter().map(|row| row.0).collect::<Vec<_>>(), keys);
            assert_eq!(differences(&spec, &link).iter().map(|differs| differs.key).collect::<Vec<_>>(), keys);
        }
    }
}
