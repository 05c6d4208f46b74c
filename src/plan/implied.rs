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
    let with = with_ipv6(topology);
    let mut topology = topology.clone();
    for ((number, place), mut with) in topology.places.iter_mut().enumerate().zip(with) {
        forward(place);
        with.iter_mut().for_each(|with| *with &= ipv6);
        let silent = silent(place, &with);
        for ((link, silent), with) in place.links.iter_mut().zip(silent).zip(with) {
            if link.kind == LinkKind::Device {
                continue;
            }
            // Nobody else is on a link that was just made: nothing to detect.
            for addr in link.addresses.iter_mut().filter(|addr| addr.what.family == Family::V6) {
                addr.what.flags |= AddrFlags::NODAD;
            }
            if (silent || !with) && link.get(QUIET).is_none() {
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

/// Of each link of each place whether IPv6 works on it: not where the file gives it too small a MTU, or one that it
/// takes it from, the link that it is made on or, of a bridge, any port.
pub fn with_ipv6(topology: &Topology) -> Vec<Vec<bool>> {
    let said = |link: &LinkSpec| link.number("mtu");
    let links = |place: usize| topology.places.get(place).map_or(&[][..], |place| &place.links);
    let find = |place: usize, name: IfName| links(place).iter().position(|link| link.name == name);
    let all =
        topology.places.iter().map(|place| place.links.iter().map(|link| said(link).unwrap_or(u64::MAX)).collect());
    let mut mtus: Vec<Vec<u64>> = all.collect();
    let mut changes = true;
    while std::mem::take(&mut changes) {
        for place in 0..mtus.len() {
            for (number, link) in links(place).iter().enumerate() {
                let least = match &link.lower {
                    Some(lower) if said(link).is_none() => {
                        let (there, headroom) = (lower.what.place, u64::from(kinds::headroom(link)));
                        find(there, lower.what.name).map(|below| mtus[there][below].saturating_sub(headroom))
                    }
                    _ => None,
                };
                let mtu = &mut mtus[place][number];
                if let Some(least) = least.filter(|least| *least < *mtu) {
                    (*mtu, changes) = (least, true);
                }
                let (mtu, master) = (*mtu, link.master.as_ref().filter(|_| *mtu < IPV6_MIN_MTU));
                let Some(master) = master.and_then(|master| find(place, master.what)) else { continue };
                let (spec, own) = (&links(place)[master], &mut mtus[place][master]);
                if spec.kind == LinkKind::Bridge && said(spec).is_none() && mtu < *own {
                    (*own, changes) = (mtu, true);
                }
            }
        }
    }
    let is_enough = |mtus: Vec<u64>| mtus.into_iter().map(|mtu| mtu >= IPV6_MIN_MTU).collect();
    mtus.into_iter().map(is_enough).collect()
}

/// Of each link whether the kernel is to make no link-local address for it: those of a place without IPv6, and ports
/// of bridges, whose addresses nobody uses and whose multicast goes to every other port.
fn silent(place: &Place, with_ipv6: &[bool]) -> Vec<bool> {
    let asked = asks_ipv6(place);
    let mut names = Index::default();
    for (number, link) in place.links.iter().enumerate() {
        if link.kind == LinkKind::Bridge {
            names.insert(link.name.as_bytes(), number);
        }
    }
    let silent = |(link, with_ipv6): (&LinkSpec, &bool)| {
        let master = link.master.as_ref().map(|master| master.what);
        let find = |name: IfName| names.find(name.as_bytes(), |number| place.links[number].name == name);
        *with_ipv6 && (!asked || master.and_then(find).is_some())
    };
    place.links.iter().zip(with_ipv6).map(silent).collect()
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
