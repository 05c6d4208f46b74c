//! What can be said once in a place, and is said again: parameters, neighbours, rules, VLANs of a port.

use super::Checker;
use crate::file::complaint::ALREADY;
use crate::file::tree::Index;
use crate::file::words::{Line, plain, rule};
use crate::model::neigh::NeighFlags;
use crate::model::rule::RULE_PRIORITY;
use crate::model::topology::{LinkSpec, Origin, Topology};

/// Pairs of `from` and `to` of the masquerades of one namespace, at most: each is a rule.
pub const MOST_PAIRS: usize = 65_536;

/// The parameters that `forward` stands for, of IPv4 by both names.
const FORWARDING: [(&str, bool); 3] =
    [("net.ipv4.ip_forward", true), ("net.ipv4.conf.all.forwarding", true), ("net.ipv6.conf.all.forwarding", false)];

/// What was said: a key with its value, and where.
#[derive(Default)]
struct Seen {
    index: Index,
    list: Vec<(String, String, Origin)>,
}

impl Checker<'_> {
    /// Complains about what is said twice.
    pub fn twice(&mut self, topology: &Topology, number: usize) {
        let place = &topology.places[number];
        let mut seen = Seen::default();
        for sysctl in &place.sysctls {
            let (name, value) = (&sysctl.what.name, &sysctl.what.value);
            let is_v4 = FORWARDING.iter().find(|own| own.0 == name).map(|own| own.1);
            if is_v4.is_some_and(|v4| if v4 { place.forward.v4 } else { place.forward.v6 }) && value != "1" {
                self.complaints.add(sysctl.at, "\"%\" = % contradicts \"forward\"", &[name, value]);
            }
            self.once(&mut seen, name.clone(), value, sysctl.at);
        }
        for link in &place.links {
            for sysctl in &link.sysctls {
                let name = sysctl.what.of_link(plain(&link.name));
                self.once(&mut seen, name, &sysctl.what.value, sysctl.at);
            }
            self.vlans(link);
        }
        for said in &place.neighs {
            // What the kernel tells them apart by.
            let mut key = Line::default();
            key.flag("proxy", said.what.neigh.flags.contains(NeighFlags::PROXY));
            key.address("", said.what.neigh.dst);
            key.device("dev", Some(said.what.device.as_bytes()));
            self.once(&mut seen, key.0, "", said.at);
        }
        // Those without a priority get one each.
        for said in place.rules.iter().filter(|said| said.what.get(RULE_PRIORITY).is_some()) {
            self.once(&mut seen, rule::text(&said.what), "", said.at);
        }
        let mut pairs = 0_usize;
        for said in &place.masquerades {
            pairs = pairs.saturating_add(said.what.from.len().saturating_mul(said.what.to.len().max(1)));
            if pairs > MOST_PAIRS {
                self.complaints.add(said.at, "more than 65536 pairs of \"from\" and \"to\" in one namespace", &[]);
                break;
            }
        }
    }

    /// Complains about a key that has another value, or that has none and is said already.
    #[inline(never)]
    fn once(&mut self, seen: &mut Seen, key: String, value: &str, at: Origin) {
        match seen.index.find(key.as_bytes(), |at| seen.list[at].0 == key) {
            None => {
                seen.index.insert(key.as_bytes(), seen.list.len());
                seen.list.push((key, value.to_owned(), at));
            }
            Some(first) => {
                let (_, old, first) = &seen.list[first];
                if old != value || value.is_empty() {
                    self.complaints.add_other(at, ALREADY, &[&key], Some(*first));
                }
            }
        }
    }

    /// Each VLAN of a port once, and one that is its own.
    fn vlans(&mut self, link: &LinkSpec) {
        let mut seen = [false; 4096];
        let mut pvid = None;
        for said in &link.vlans {
            for id in said.what.ids.0..=said.what.ids.1 {
                let is_seen = &mut seen[usize::from(id & 4095)];
                if *is_seen {
                    self.complaints.add(said.at, "a VLAN twice: %", &[&id.to_string()]);
                    return;
                }
                *is_seen = true;
            }
            if said.what.pvid && pvid.is_some() {
                self.complaints.add_other(said.at, "two VLANs are pvid: the other is said at ", &[], pvid);
            }
            pvid = pvid.or(said.what.pvid.then_some(said.at));
        }
    }
}
