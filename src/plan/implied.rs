//! What a file implies without saying it: `lo` is up in namespaces, forwarding is a parameter, links that nobody
//! asked IPv6 of have no link-local addresses, and the host trusts nothing that comes in by links made for a lab.

use super::kinds;
use crate::model::addr::AddrFlags;
use crate::model::index::Index;
use crate::model::ip::Family;
use crate::model::name::IfName;
use crate::model::topology::{LinkKind, LinkSpec, Place, Said, Setting, SettingValue, Sysctl, Topology};

/// Key of the setting that is implied where a file does not say it.
pub const QUIET: &str = "addrgenmode";

/// Its value for links without IPv6, of which there is nothing to say; files have no such word.
pub const WITHOUT: &str = "without";

/// Least MTU that IPv6 works with: a link with less has no IPv6 at all.
pub const IPV6_MIN_MTU: u64 = 1280;

/// A topology with everything that it implies; without IPv6, where the kernel has none. What is there already
/// stays as it is, so that completing again changes nothing.
pub fn complete(topology: &Topology, ipv6: bool) -> Topology {
    let said = topology;
    let mut topology = topology.clone();
    for (number, (place, said_place)) in topology.places.iter_mut().zip(&said.places).enumerate() {
        forward(place);
        let silent = if ipv6 { silent(said, number) } else { vec![false; place.links.len()] };
        for ((link, said_link), silent) in place.links.iter_mut().zip(&said_place.links).zip(silent) {
            if link.kind == LinkKind::Device {
                continue;
            }
            let with = ipv6 && has_ipv6(said, number, said_link);
            // Nobody else is on a link that was just made: nothing to detect.
            for addr in link.addresses.iter_mut().filter(|addr| addr.what.family == Family::V6) {
                addr.what.flags |= AddrFlags::NODAD;
            }
            if (silent || (ipv6 && !with)) && link.get(QUIET).is_none() {
                let value = SettingValue::Text(if silent { "none" } else { WITHOUT }.to_owned());
                link.settings.push(Setting { at: link.at, key: QUIET, value });
            }
            if number == 0 && link.master.is_none() {
                distrust(link, with);
            }
        }
        if number != 0
            && let Some(lo) = IfName::new(b"lo")
            && !place.links.iter().any(|link| link.name == lo)
        {
            place.links.push(LinkSpec::new(lo, LinkKind::Device, place.at));
        }
    }
    topology
}

fn forward(place: &mut Place) {
    let wanted = [(place.forward.v4, "net.ipv4.ip_forward"), (place.forward.v6, "net.ipv6.conf.all.forwarding")];
    for (_, name) in wanted.into_iter().filter(|wanted| wanted.0) {
        add(&mut place.sysctls, place.at, name, "1");
    }
}

/// What a container sends must not change how the host routes (CVE-2020-10749).
fn distrust(link: &mut LinkSpec, with_ipv6: bool) {
    add(&mut link.sysctls, link.at, "net.ipv4.conf.accept_redirects", "0");
    if with_ipv6 {
        add(&mut link.sysctls, link.at, "net.ipv6.conf.accept_redirects", "0");
        add(&mut link.sysctls, link.at, "net.ipv6.conf.accept_ra", "0");
    }
}

fn add(list: &mut Vec<Said<Sysctl>>, at: crate::model::topology::Origin, name: &str, value: &str) {
    if !list.iter().any(|said| said.what.name == name) {
        list.push(Said { at, what: Sysctl { name: name.to_owned(), value: value.to_owned() } });
    }
}

/// Whether IPv6 works on a link: not where the file gives it too small a MTU, or one that it takes it from.
pub fn has_ipv6(topology: &Topology, place: usize, link: &LinkSpec) -> bool {
    mtu(topology, place, link, NESTED) >= IPV6_MIN_MTU
}

/// Most links that stand on each other (`MAX_NEST_DEV`), with a bridge between them.
const NESTED: u32 = 16;

/// The MTU of a link as far as the file says it, of itself or of what it takes it from: the link that it is made on
/// or, of a bridge, any port.
fn mtu(topology: &Topology, place: usize, link: &LinkSpec, depth: u32) -> u64 {
    let links = |place: usize| topology.places.get(place).map_or(&[][..], |place| &place.links).iter();
    let below = |place, below: &LinkSpec| mtu(topology, place, below, depth - 1);
    let least = match (link.number("mtu"), &link.lower) {
        (Some(mtu), _) => Some(mtu),
        _ if depth == 0 => None,
        (None, Some(lower)) => {
            let found = links(lower.what.place).find(|own| own.name == lower.what.name);
            found.map(|own| below(lower.what.place, own).saturating_sub(kinds::headroom(link).into()))
        }
        (None, None) if link.kind == LinkKind::Bridge => {
            let is_port = |port: &&LinkSpec| port.master.as_ref().is_some_and(|own| own.what == link.name);
            links(place).filter(is_port).map(|port| below(place, port)).min()
        }
        _ => None,
    };
    least.unwrap_or(u64::MAX)
}

/// Of each link of a place whether the kernel is to make no link-local address for it: those of a place without IPv6,
/// and ports of bridges, whose addresses nobody uses and whose multicast goes to every other port.
pub fn silent(topology: &Topology, number: usize) -> Vec<bool> {
    let place = &topology.places[number];
    let asked = asks_ipv6(place);
    let mut names = Index::default();
    for (number, link) in place.links.iter().enumerate() {
        if link.kind == LinkKind::Bridge {
            names.insert(link.name.as_bytes(), number);
        }
    }
    let silent = |link: &LinkSpec| {
        let master = link.master.as_ref().map(|master| master.what);
        let find = |name: IfName| names.find(name.as_bytes(), |number| place.links[number].name == name);
        has_ipv6(topology, number, link) && (!asked || master.and_then(find).is_some())
    };
    place.links.iter().map(silent).collect()
}

/// Whether a place uses IPv6. Servers that are asked by its address may be anywhere, and parameters may as well
/// keep it out.
fn asks_ipv6(place: &Place) -> bool {
    place.forward.v6
        || place.routes.iter().any(|route| route.what.route.family() == Family::V6)
        || place.rules.iter().any(|rule| rule.what.family == Family::V6)
        || place.neighs.iter().any(|neigh| neigh.what.neigh.family == Family::V6)
        || place.masquerades.iter().any(|said| said.what.from.iter().any(|from| from.family() == Family::V6))
        || place.forward_ports.iter().any(|said| said.what.to.is_ipv6())
        || place.links.iter().any(|link| link.addresses.iter().any(|addr| addr.what.family == Family::V6))
}
