//! What a lab changes of things that are not its own: parameters, and devices that were there. What they were is kept
//! until the lab does not claim them any more.

mod found;

pub use found::{adopted, found, without};

use crate::model::name::{IfName, NsName};
use crate::model::topology::{LinkKind, LinkSpec, Origin, Place, Said, SettingValue, Sysctl, Topology};
use crate::model::world::{Seen, World};

/// Parameters that make a namespace forward.
pub const FORWARD: [&str; 2] = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];

/// Shows every parameter that a place sets, by its full name.
fn each_sysctl(place: &Place, see: &mut dyn FnMut(&str, &str)) {
    for said in &place.sysctls {
        see(&said.what.name, &said.what.value);
    }
    for (on, name) in [place.forward.v4, place.forward.v6].into_iter().zip(FORWARD) {
        if on {
            see(name, "1");
        }
    }
    for link in &place.links {
        for said in &link.sysctls {
            see(&said.what.of_link(&link.name.to_string()), &said.what.value);
        }
    }
}

/// The value that a topology sets a parameter to, if it does.
pub fn claim(topology: &Topology, netns: Option<&NsName>, name: &str) -> Option<String> {
    let mut found = None;
    for place in topology.places.iter().filter(|place| place.name.as_ref() == netns) {
        each_sysctl(place, &mut |own, value| {
            if own == name {
                found = Some(value.to_owned());
            }
        });
    }
    found
}

/// Whether a topology has a device of a name in a place; one of the host's in any, as it may be lent to a namespace.
fn has_device(topology: &Topology, netns: Option<&NsName>, name: &IfName) -> bool {
    let mut places = topology.places.iter().filter(|place| netns.is_none() || place.name.as_ref() == netns);
    places.any(|place| place.links.iter().any(|link| link.kind == LinkKind::Device && link.name == *name))
}

/// The link that a parameter is one of, if it is: `net.ipv4.conf.LINK.KEY`, a dot in its name written as `/`.
fn link_of(name: &str) -> Option<IfName> {
    let mut parts = name.split('.').skip(2);
    let (Some("conf" | "neigh"), Some(link)) = (parts.next(), parts.next()) else { return None };
    IfName::new(link.replace('/', ".").as_bytes())
}

/// Whether a parameter is one of a link that a topology makes: it comes and goes with the link.
fn is_of_made(topology: &Topology, netns: Option<&NsName>, name: &str) -> bool {
    let mut places = topology.places.iter().filter(|place| place.name.as_ref() == netns);
    link_of(name).is_some_and(|link| {
        places.any(|place| place.links.iter().any(|own| own.kind != LinkKind::Device && own.name == link))
    })
}

/// The place of a name in a topology; it is made if there is none.
fn place_of<'t>(topology: &'t mut Topology, name: Option<&NsName>) -> &'t mut Place {
    let at = topology.places.iter().position(|place| place.name.as_ref() == name).unwrap_or_else(|| {
        let place = Place { name: name.cloned(), ..Place::default() };
        let at = if name.is_none() { 0 } else { topology.places.len() };
        topology.places.insert(at, place);
        at
    });
    &mut topology.places[at]
}

/// Adds a parameter as it was found; what is known already is older, and stays.
pub fn add_sysctl(topology: &mut Topology, netns: Option<&NsName>, sysctl: Sysctl) {
    if claim(topology, netns, &sysctl.name).is_none() {
        place_of(topology, netns).sysctls.push(Said { at: Origin::default(), what: sysctl });
    }
}

/// Replaces or adds a parameter.
pub fn put_sysctl(topology: &mut Topology, netns: Option<&NsName>, sysctl: Sysctl) {
    place_of(topology, netns).sysctls.retain(|said| said.what.name != sysctl.name);
    add_sysctl(topology, netns, sysctl);
}

/// Adds what was found to what is known; what is known already is older, and stays. A link that is known gets `more`
/// only if that was found at the same time.
pub fn add(known: &mut Topology, found: &Topology, more: bool) {
    for place in &found.places {
        let netns = place.name.as_ref();
        for said in &place.sysctls {
            add_sysctl(known, netns, said.what.clone());
        }
        let target = place_of(known, netns);
        for link in &place.links {
            let Some(own) = target.links.iter_mut().find(|own| own.name == link.name) else {
                target.links.push(link.clone());
                continue;
            };
            for setting in link.settings.iter().filter(|_| more) {
                if own.get(setting.key).is_none() {
                    own.settings.push(setting.clone());
                }
            }
            if more {
                add_parameters(own, link.sysctls.iter());
            }
        }
    }
}

/// Adds parameters to a link of which nothing is known yet.
fn add_parameters<'a>(link: &mut LinkSpec, found: impl Iterator<Item = &'a Said<Sysctl>>) {
    for said in found {
        if link.sysctls.iter().all(|own| own.what.name != said.what.name) {
            link.sysctls.push(said.clone());
        }
    }
}

/// Adds the parameters that a lab's links and namespaces have, as far as the lab asked for them: with what is taken away,
/// they go.
pub fn add_own(before: &mut Topology, own: &Topology, world: &World) {
    for place in &own.places {
        let Some(seen) = world.places.iter().find(|seen| seen.name == place.name) else { continue };
        let Some(target) = before.places.iter_mut().find(|other| other.name == place.name) else { continue };
        let asked = place.sysctls.iter().map(|said| said.what.name.as_str());
        let forward =
            FORWARD.into_iter().zip([place.forward.v4, place.forward.v6]).filter(|row| row.1).map(|row| row.0);
        for name in asked.chain(forward).filter(|_| place.name.is_some()) {
            let is_known = target.sysctls.iter().any(|own| own.what.name == name);
            if let (false, Some(found)) = (is_known, seen.sysctls.iter().find(|found| found.name == name)) {
                target.sysctls.push(Said { at: place.at, what: found.clone() });
            }
        }
        for link in place.links.iter().filter(|link| link.kind != LinkKind::Device) {
            let is_it = |other: &&mut LinkSpec| other.name == link.name && other.kind != LinkKind::Device;
            let Some(target) = target.links.iter_mut().find(is_it) else { continue };
            let found = link.sysctls.iter().filter_map(|said| {
                let name = said.what.of_link(&link.name.to_string());
                let found = seen.sysctls.iter().find(|found| found.name == name)?;
                let what = Sysctl { name: said.what.name.clone(), value: found.value.clone() };
                Some(Said { at: said.at, what })
            });
            add_parameters(target, found.collect::<Vec<_>>().iter());
        }
    }
}

/// Everything of two topologies, as far as it bears no mark: what either of them says is ours. What a parameter is
/// set to, the first says.
pub fn union(mut one: Topology, other: &Topology) -> Topology {
    for place in &other.places {
        let netns = place.name.as_ref();
        for said in &place.sysctls {
            add_sysctl(&mut one, netns, said.what.clone());
        }
        let target = place_of(&mut one, netns);
        target.forward.v4 |= place.forward.v4;
        target.forward.v6 |= place.forward.v6;
        target.masquerades.extend(place.masquerades.iter().cloned());
        target.forward_ports.extend(place.forward_ports.iter().cloned());
        target.routes.extend(place.routes.iter().cloned());
        target.rules.extend(place.rules.iter().cloned());
        target.neighs.extend(place.neighs.iter().cloned());
        for link in &place.links {
            match target.links.iter_mut().find(|own| own.name == link.name) {
                Some(own) => {
                    own.addresses.extend(link.addresses.iter().cloned());
                    // What one had before it was adopted is nothing that the lab has asked for.
                    if own.kind == link.kind {
                        own.settings.extend(link.settings.iter().cloned());
                        own.master = own.master.take().or_else(|| link.master.clone());
                        own.sysctls.extend(link.sysctls.iter().cloned());
                    }
                }
                None => target.links.push(link.clone()),
            }
        }
    }
    one
}

/// Name of the parameter that a new link takes its value from.
fn default_of(name: &str, link: &IfName) -> String {
    name.replacen(&[".", &link.to_string().replace('.', "/"), "."].concat(), ".default.", 1)
}

/// Adds what parameters of links that stay are not told any more: they are put to what a new link has. The value is
/// empty until that was looked at.
fn forgotten(claimed: &Topology, wanted: &Topology, implied: &Topology, restore: &mut Topology) {
    for place in &claimed.places {
        let netns = place.name.as_ref();
        for link in place.links.iter().filter(|link| link.kind != LinkKind::Device && !link.sysctls.is_empty()) {
            let mut places = wanted.places.iter().enumerate().filter(|other| other.1.name.as_ref() == netns);
            let stays = places.find_map(|(number, other)| {
                let is_it = |own: &&LinkSpec| own.name == link.name && own.kind != LinkKind::Device;
                other.links.iter().find(is_it).map(|own| crate::plan::implied::has_ipv6(wanted, number, own))
            });
            // A link without IPv6 has no parameters of it.
            let is_there = |name: &str| stays.is_some_and(|with_ipv6| with_ipv6 || !name.starts_with("net.ipv6."));
            for said in link.sysctls.iter().filter(|said| is_there(&said.what.name)) {
                let name = said.what.of_link(&link.name.to_string());
                if claim(implied, netns, &name).is_none() {
                    for name in [default_of(&name, &link.name), name] {
                        add_sysctl(restore, netns, Sysctl { name, value: String::new() });
                    }
                }
            }
        }
    }
}

/// Adds the properties that a device had and that are not said of it any more, though it is still claimed.
fn unsaid(original: &Topology, claimed: &Topology, wanted: &Topology, restore: &mut Topology) {
    let device = |topology: &Topology, name: &IfName| {
        let mut all = topology.places.iter().flat_map(|place| place.links.iter().map(move |link| (place, link)));
        let found = all.find(|(_, link)| link.kind == LinkKind::Device && link.name == *name);
        found.map(|(place, link)| (place.name.clone(), link.clone()))
    };
    for link in original.places.iter().flat_map(|place| &place.links) {
        let Some(((_, was), (netns, own))) = device(claimed, &link.name).zip(device(wanted, &link.name)) else {
            continue;
        };
        let mut link = link.clone();
        // An alias and a master the planner takes off.
        let is_due = |key| matches!(key, "mtu" | "txqueuelen") && was.get(key).is_some() && own.get(key).is_none();
        link.settings.retain(|row| is_due(row.key));
        place_of(restore, netns.as_ref()).links.push(link);
    }
}

/// What is to be put back: what was found, of what was claimed and is not any more.
pub fn to_restore(original: &Topology, claimed: &Topology, wanted: &Topology) -> Topology {
    let mut restore = Topology { name: wanted.name.clone(), places: vec![Place::default()] };
    // What is implied is wanted, too.
    let implied = crate::plan::implied::complete(wanted, true);
    for place in &original.places {
        let netns = place.name.as_ref();
        // What is in a namespace that is not wanted any more goes with it.
        if netns.is_some() && wanted.places.iter().all(|other| other.name.as_ref() != netns) {
            continue;
        }
        for said in &place.sysctls {
            let name = &said.what.name;
            let is_due = claim(claimed, netns, name).is_some() && claim(&implied, netns, name).is_none();
            // With a link that the lab made, its parameters go, too.
            let goes = is_of_made(claimed, netns, name) && !is_of_made(wanted, netns, name);
            if is_due && !goes {
                add_sysctl(&mut restore, netns, said.what.clone());
            }
        }
        for link in &place.links {
            if !has_device(wanted, netns, &link.name) {
                place_of(&mut restore, netns).links.push(link.clone());
            }
        }
    }
    unsaid(original, claimed, wanted, &mut restore);
    // So is what was implied by what was asked for before.
    let before = crate::plan::implied::complete(claimed, true);
    forgotten(&before, wanted, &implied, &mut restore);
    restore
}

/// Moves parameters of links that a topology has to those links: they can be set when the link is there.
pub fn to_links(topology: &mut Topology) {
    for place in &mut topology.places {
        let links = &mut place.links;
        place.sysctls.retain(|said| {
            let name = said.what.name.as_str();
            let Some(end) = name.match_indices('.').nth(2).map(|dot| dot.0) else { return true };
            let (folder, rest) = name.split_at(end);
            let Some((link, key)) = rest[1..].split_once('.') else { return true };
            let link = link.replace('/', ".");
            let Some(link) = links.iter_mut().find(|own| own.name.as_bytes() == link.as_bytes()) else { return true };
            let name = [folder, ".", key].concat();
            if link.sysctls.iter().all(|own| own.what.name != name) {
                link.sysctls.push(Said { at: said.at, what: Sysctl { name, value: said.what.value.clone() } });
            }
            false
        });
    }
}

/// Takes out of what is to be put back what somebody else has changed since, what is not there any more, and what
/// another lab claims; shows the latter, with what it was.
pub fn settle(
    restore: &mut Topology,
    claimed: &Topology,
    others: &[Topology],
    world: &World,
    hand_over: &mut dyn FnMut(usize, Option<&NsName>, &Sysctl),
) {
    let claimed = &crate::plan::implied::complete(claimed, true);
    for place in &mut restore.places {
        let netns = place.name.clone();
        let seen = world.places.iter().find(|seen| seen.name == netns);
        if let Some(seen) = seen {
            place.links.iter_mut().for_each(|link| as_we_left_it(link, claimed, seen));
        }
        place.sysctls.retain_mut(|said| {
            let look = |name: &str| seen.and_then(|seen| seen.sysctls.iter().find(|found| found.name == name));
            // Of a link, that stands for the default of new ones.
            if let (true, Some(link)) = (said.what.value.is_empty(), link_of(&said.what.name)) {
                let default = Some(default_of(&said.what.name, &link)).filter(|name| *name != said.what.name);
                let Some(default) = default.and_then(|name| look(&name)) else { return false };
                said.what.value = default.value.trim().to_owned();
            }
            let name = &said.what.name;
            let Some(found) = look(name) else { return false };
            let set = claim(claimed, netns.as_ref(), name);
            let is_ours = set.is_some_and(|set| same_value(&set, &found.value));
            for (number, other) in others.iter().enumerate() {
                if is_ours && claim(other, netns.as_ref(), name).is_some() {
                    hand_over(number, netns.as_ref(), &said.what);
                    return false;
                }
            }
            is_ours
        });
    }
}

/// Takes out of a device that is to be put back what is not as it was asked for.
fn as_we_left_it(device: &mut LinkSpec, claimed: &Topology, seen: &Seen) {
    let places = claimed.places.iter().filter(|place| place.name == seen.name);
    let mut links = places.flat_map(|place| &place.links).filter(|link| link.kind == LinkKind::Device);
    let Some(asked) = links.find(|link| link.name == device.name) else { return };
    let Some(found) = seen.state.links.iter().find(|link| link.is_called(device.name.as_bytes())) else { return };
    device.settings.retain(|setting| {
        let is = match setting.key {
            "mtu" => found.mtu.map(|mtu| SettingValue::Number(mtu.into())),
            "txqueuelen" => found.txqlen.map(|length| SettingValue::Number(length.into())),
            "alias" => found.alias.as_ref().map(|text| SettingValue::Text(String::from_utf8_lossy(text).into_owned())),
            _ => return true,
        };
        asked.get(setting.key).is_some() && asked.get(setting.key) == is.as_ref()
    });
    if found.is_up() != asked.up {
        device.up = found.is_up();
    }
}

/// Whether two values of a parameter are the same but for blanks.
fn same_value(one: &str, other: &str) -> bool {
    one.split_ascii_whitespace().eq(other.split_ascii_whitespace())
}

/// Takes devices out that are nowhere any more: with them, all that was to be put back of them is gone.
pub fn forget_missing(topology: &mut Topology, world: &World) {
    let is_there = |link: &LinkSpec| {
        let mut links = world.places.iter().flat_map(|seen| &seen.state.links);
        link.name.as_bytes() == b"lo" || links.any(|found| found.name == link.name.as_bytes())
    };
    topology
        .places
        .iter_mut()
        .for_each(|place| place.links.retain(|link| link.kind != LinkKind::Device || is_there(link)));
}

/// Joins what is to be put back to what is wanted.
pub fn join(wanted: &mut Topology, restore: Topology) {
    for place in restore.places {
        let target = place_of(wanted, place.name.as_ref());
        target.sysctls.extend(place.sysctls);
        for link in place.links {
            match target.links.iter_mut().find(|own| own.name == link.name) {
                Some(own) => own.settings.extend(link.settings),
                None => target.links.push(link),
            }
        }
    }
}

/// Keeps of what was found only what is claimed.
pub fn keep_claimed(original: &mut Topology, claimed: &Topology) {
    for place in &mut original.places {
        let netns = place.name.clone();
        place.sysctls.retain(|said| claim(claimed, netns.as_ref(), &said.what.name).is_some());
        place.links.retain(|link| has_device(claimed, netns.as_ref(), &link.name));
    }
    original.places.retain(|place| place.name.is_none() || !place.sysctls.is_empty() || !place.links.is_empty());
}
