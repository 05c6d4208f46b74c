//! Names of links, masters and lower links.

use super::{Checker, MOST_PORTS, NO_LINK, NO_LOWER, NO_MASTER, place_text};
use crate::file::tree::Index;
use crate::file::words::plain;
use crate::model::topology::{LinkKind, LinkRef, LinkSpec, SettingValue, Topology};

/// No edge.
const NONE: usize = usize::MAX;

/// The numbers of links by name.
pub fn index(links: &[LinkSpec]) -> Index {
    let mut index = Index::default();
    for (number, link) in links.iter().enumerate() {
        let name = link.name.as_bytes();
        // Of two with one name the first counts.
        if index.find(name, |other| links[other].name == link.name).is_none() {
            index.insert(name, number);
        }
    }
    index
}

impl Checker<'_> {
    /// One name, one link.
    pub fn names(&mut self, topology: &Topology) {
        for (place, links) in topology.places.iter().map(|place| &place.links).enumerate() {
            for (number, link) in links.iter().enumerate() {
                let first = self.find(topology, place, link.name).filter(|first| *first != number);
                let is_lo = link.name.as_bytes() == b"lo";
                if is_lo && link.kind != LinkKind::Device {
                    self.complaints.add(link.at, "\"lo\" is always there; it may be a [device.lo]", &[]);
                }
                if is_lo && !link.up {
                    self.complaints.add(link.at, "\"lo\" is always up", &[]);
                }
                if let Some(first) = first {
                    let [side, there] = place_text(topology, place);
                    let rest = [side, there, plain(&link.name)];
                    let first = Some(links[first].at);
                    self.complaints.add_other(link.at, "two links of one name %%: \"%\" is said at ", &rest, first);
                }
            }
        }
    }

    /// The link that another one is made on is in the same place, or else on the host.
    pub fn lowers(&mut self, topology: &mut Topology) {
        for place in 0..topology.places.len() {
            for number in 0..topology.places[place].links.len() {
                let link = &topology.places[place].links[number];
                self.kind(link);
                let Some(lower) = &link.lower else { continue };
                let name = lower.what.name;
                // A link may have the name of the host's link that it is made on.
                let own =
                    self.find(topology, lower.what.place, name).filter(|own| lower.what.place == 0 || *own != number);
                let found = match own {
                    Some(_) => Some(lower.what.place),
                    None => self.find(topology, 0, name).map(|_| 0),
                };
                match found {
                    None => {
                        let asked = lower.what.place;
                        self.missing(topology, asked, lower.at, if asked == 0 { NO_LINK } else { NO_LOWER }, name);
                    }
                    Some(found) => {
                        if let Some(lower) = &mut topology.places[place].links[number].lower {
                            lower.what.place = found;
                        }
                    }
                }
            }
        }
    }

    /// What the kernel would refuse of one link's own settings.
    fn kind(&mut self, link: &LinkSpec) {
        if link.kind == LinkKind::Vxlan {
            let address = |key| match link.get(key) {
                Some(SettingValue::Address(address)) => Some(*address),
                _ => None,
            };
            let (remote, group) = (address("remote"), address("group"));
            if remote.is_some() && group.is_some() {
                self.complaints.add(link.at, "a vxlan has either \"remote\" or \"group\"", &[]);
            }
            if group.is_some() && link.lower.is_none() {
                self.complaints.add(link.at, "a vxlan with a \"group\" needs \"dev\"", &[]);
            }
            let other = remote.or(group);
            if address("local").zip(other).is_some_and(|(local, other)| local.is_ipv4() != other.is_ipv4()) {
                self.complaints.add(link.at, "\"local\" is of another family than the other end", &[]);
            }
        }
        let is_v6 = link.addresses.iter().find(|addr| addr.what.family == crate::model::ip::Family::V6);
        if let (Some(addr), Some(mtu)) = (is_v6, link.number("mtu"))
            && mtu < 1280
        {
            self.complaints.add(addr.at, "IPv6 needs an mtu of at least 1280", &[]);
        }
    }

    /// Masters are bridges or VRFs of the same place, and bridges take 1,023 ports.
    pub fn masters(&mut self, topology: &Topology, place: usize) {
        let links = &topology.places[place].links;
        let mut ports = vec![0; links.len()];
        for link in links {
            let Some(master) = &link.master else {
                if let Some(vlan) = link.vlans.first().filter(|_| link.kind != LinkKind::Bridge) {
                    self.complaints.add(vlan.at, "VLANs are for bridges and their ports", &[]);
                }
                continue;
            };
            let name = plain(&master.what);
            let Some(number) = self.find(topology, place, master.what) else {
                self.missing(topology, place, master.at, NO_MASTER, master.what);
                continue;
            };
            let kind = links[number].kind;
            if !matches!(kind, LinkKind::Bridge | LinkKind::Vrf | LinkKind::Device) {
                self.complaints.add(master.at, "a master is a bridge or a vrf: \"%\" is a %", &[name, kind.name()]);
            }
            if kind == LinkKind::Vrf && !link.vlans.is_empty() {
                self.complaints.add(link.vlans[0].at, "VLANs are for bridges and their ports", &[]);
            }
            ports[number] += 1;
            if kind == LinkKind::Bridge && ports[number] == MOST_PORTS + 1 {
                self.complaints.add(master.at, "a bridge takes 1023 ports: \"%\" has more", &[name]);
            }
        }
    }

    /// No link stands on itself by way of others: a link stands on the one that it is made on, a master on its
    /// ports.
    pub fn loops(&mut self, topology: &Topology) {
        let mut all: Vec<&LinkSpec> = Vec::new();
        let mut offsets = Vec::new();
        for place in &topology.places {
            offsets.push(all.len());
            all.extend(&place.links);
        }
        // What a link stands on: the first of its edges, and of each edge its end and the next one.
        let mut first = vec![NONE; all.len()];
        let mut edges: Vec<(usize, usize)> = Vec::new();
        let mut add = |from: usize, to: usize| edges.push((to, std::mem::replace(&mut first[from], edges.len())));
        for (place, links) in topology.places.iter().map(|place| &place.links).enumerate() {
            for (number, link) in links.iter().enumerate() {
                let own = offsets[place] + number;
                if let Some(LinkRef { place, name }) = link.lower.as_ref().map(|lower| &lower.what)
                    && let Some(lower) = self.find(topology, *place, *name)
                {
                    add(own, offsets[*place] + lower);
                }
                if let Some(master) = link.master.as_ref().and_then(|master| self.find(topology, place, master.what)) {
                    add(offsets[place] + master, own);
                }
            }
        }
        // Whether a link is on the way here, or done. The way may be long: no recursion.
        let mut on_way = vec![false; all.len()];
        let mut done = on_way.clone();
        let mut way = Vec::new();
        for start in 0..all.len() {
            if !done[start] {
                on_way[start] = true;
                way.push((start, first[start]));
            }
            while let Some((number, next)) = way.last_mut() {
                if *next == NONE {
                    (on_way[*number], done[*number]) = (false, true);
                    way.pop();
                    continue;
                }
                let to;
                (to, *next) = edges[*next];
                if on_way[to] {
                    let begin = way.iter().position(|step| step.0 == to).unwrap_or(0);
                    let mut text = String::new();
                    for (number, _) in way[begin..].iter().take(16) {
                        text.push_str(plain(&all[*number].name));
                        text.push_str(" on ");
                    }
                    text.push_str(plain(&all[to].name));
                    self.complaints.add(all[to].at, "a loop of masters and links: %", &[&text]);
                } else if !done[to] {
                    on_way[to] = true;
                    way.push((to, first[to]));
                }
            }
        }
    }
}
