//! What of links a file has no words for: whether a found one is more than a file can say.

use crate::model::lab::Mark;
use crate::model::link::{Link, LinkFlags};
use crate::wire::attr::attrs;

/// `@KIND` of a link, or of a port of a bridge, and `NUMBER=VALUE` of attributes (`linux/if_link.h`) that a file has no words
/// for, with what they are where nobody has set them; some have several such values, by the speed of the link.
const USUAL: &str = "\
@bridge 9=0 22=1 24=0 25=0 27=4096 28=2 29=2 36=0 37=0 38=0 41=0 42=0 43=2 44=1 45=0 46=0
@vlan 2=1 3=0 4=0
@vxlan 6=0 8=300 9=0 10=0 11=0 12=0 13=0 14=0 18=1 19=0 20=0 21=0 22=0 23=0 24=0 25=0 26=0 27=0 28=0 29=0 30=0 31=1
@macvlan 2=0
@ipvlan 2=0
@port 2=32 3=2 3=4 3=5 3=19 3=100 4=0 5=0 6=0 7=0 8=1 9=1 10=0 12=0 25=1 27=1 28=0 29=0 30=1 31=0 32=0 33=0 34=0 39=0 40=0
";

/// Kinds that ask no neighbours and know no groups, or have that from the link that they are made on.
const QUIET: [&[u8]; 4] = [b"vlan", b"dummy", b"ipvlan", b"vrf"];

/// `IFLA_VXLAN_COLLECT_METADATA`.
const EXTERNAL: u16 = 25;

/// The property that makes a link another one than a file would.
pub fn foreign(link: &Link) -> Option<&'static str> {
    let external = || attrs(&link.kind_data).find(EXTERNAL).and_then(|attr| attr.u8());
    (link.kind.as_deref() == Some(b"vxlan") && external().is_some_and(|on| on != 0)).then_some("\"external\"")
}

/// Whether a link has properties that a file has no words for; `made`: it is one that a file makes.
pub fn has_more(link: &Link, made: bool) -> bool {
    let kind = link.kind.as_deref().unwrap_or_default();
    let (plain, all) = (LinkFlags::MULTICAST, LinkFlags::MULTICAST | LinkFlags::NOARP);
    link.flags.intersects(LinkFlags::PROMISC | LinkFlags::ALLMULTI)
        || (made && !QUIET.contains(&kind) && link.flags & all != plain)
        || (link.group.is_some_and(|group| group != 0) && Mark::of(link).is_none())
        || (made && is_unusual(kind, &link.kind_data))
        || (link.slave_kind.as_deref() == Some(b"bridge") && is_unusual(b"port", &link.slave_data))
}

fn is_unusual(kind: &[u8], data: &[u8]) -> bool {
    let mut lines = USUAL.split('@').filter_map(|line| line.trim_end().split_once(' '));
    let row = lines.find(|row| row.0.as_bytes() == kind).map_or("", |row| row.1);
    let mut rows: Vec<(u16, u32)> = Vec::new();
    for (number, value) in row.split(' ').filter_map(|entry| entry.split_once('=')) {
        rows.extend(number.parse().ok().zip(value.parse().ok()));
    }
    attrs(data).any(|attr| {
        let fold = |number, byte: &u8| number << 8 | u32::from(*byte);
        let low = &attr.value[..attr.value.len().min(4)];
        let little = cfg!(target_endian = "little");
        let number = if little { low.iter().rev().fold(0, fold) } else { low.iter().fold(0, fold) };
        // A flag is there or not.
        let number = if low.is_empty() { 1 } else { number };
        let mut usual = rows.iter().filter(|row| row.0 == attr.kind).peekable();
        usual.peek().is_some() && !usual.any(|row| row.1 == number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_set_is_no_loss() {
        let plain = Link { flags: LinkFlags::MULTICAST, kind: Some(b"vxlan".to_vec()), ..Link::default() };
        let attr = |number: u8, value: &[u8]| {
            let mut data = vec![u8::try_from(4 + value.len()).unwrap(), 0, number, 0];
            data.extend_from_slice(value);
            data.resize(data.len().next_multiple_of(4), 0);
            data
        };
        let with = |data| Link { kind_data: data, ..plain.clone() };
        let port = |data| Link { slave_kind: Some(b"bridge".to_vec()), slave_data: data, ..plain.clone() };
        for (link, lost) in [
            (plain.clone(), false),
            (with(attr(8, &300u32.to_ne_bytes())), false),
            (with(attr(8, &33u32.to_ne_bytes())), true),
            (with(attr(23, &[])), true),
            (with(attr(5, &[9])), false),
            (port(attr(3, &100u32.to_ne_bytes())), false),
            (port(attr(3, &7u32.to_ne_bytes())), true),
            (port([attr(8, &[1]), attr(33, &[1])].concat()), true),
            (Link { flags: LinkFlags::empty(), ..plain.clone() }, true),
            (Link { flags: LinkFlags::empty(), kind: Some(b"dummy".to_vec()), ..plain.clone() }, false),
            (Link { group: Some(9), ..plain.clone() }, true),
        ] {
            assert_eq!(has_more(&link, true), lost, "{link:?}");
        }
        assert_eq!(foreign(&with(attr(25, &[1]))), Some("\"external\""));
        assert_eq!(foreign(&with(attr(25, &[0]))), None);
    }
}
