//! What can be said once in a place, and is said again: parameters, neighbours, rules, VLANs of a port.

use super::Checker;
use crate::file::tree::Index;
use crate::file::words::{neigh, plain, rule};
use crate::model::rule::RULE_PRIORITY;
use crate::model::topology::{LinkSpec, Origin, Said, Sysctl, Topology};

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

impl Seen {
    /// Notes a key; returns what was said of it before.
    #[inline(never)]
    fn add(&mut self, key: String, value: &str, at: Origin) -> Option<&(String, String, Origin)> {
        let found = self.index.find(key.as_bytes(), |at| self.list[at].0 == key);
        if found.is_none() {
            self.index.insert(key.as_bytes(), self.list.len());
            self.list.push((key, value.to_owned(), at));
        }
        found.and_then(|at| self.list.get(at))
    }
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
            self.value(&mut seen, name.clone(), sysctl);
        }
        for link in &place.links {
            for sysctl in &link.sysctls {
                self.value(&mut seen, sysctl.what.of_link(plain(&link.name)), sysctl);
            }
            self.vlans(link);
        }
        for said in &place.neighs {
            let mut what = said.what.clone();
            // What the kernel tells them apart by.
            (what.neigh.lladdr, what.neigh.state) = (None, Default::default());
            what.neigh.flags.remove(crate::model::neigh::NeighFlags::ROUTER);
            if let Some((key, _, first)) = seen.add(neigh::text(&what), "", said.at) {
                self.complaints.add_other(said.at, "a neighbour twice: % is said at ", &[key], Some(*first));
            }
        }
        // Those without a priority get one each.
        for said in place.rules.iter().filter(|said| said.what.get(RULE_PRIORITY).is_some()) {
            if let Some((_, _, first)) = seen.add(rule::text(&said.what), "", said.at) {
                self.complaints.add_other(said.at, "a rule twice: it is said at ", &[], Some(*first));
            }
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

    /// One value of a parameter, by whichever of its names.
    #[inline(never)]
    fn value(&mut self, seen: &mut Seen, name: String, sysctl: &Said<Sysctl>) {
        let value = &sysctl.what.value;
        if let Some((name, other, first)) = seen.add(name, value, sysctl.at)
            && other != value
        {
            let rest = [name.as_str(), value, other];
            self.complaints.add_other(sysctl.at, "two values of \"%\": % and %, said at ", &rest, Some(*first));
        }
    }

    /// Each VLAN of a port once, and one that is its own.
    fn vlans(&mut self, link: &LinkSpec) {
        let mut seen = [0_u64; 64];
        let mut pvid = None;
        for said in &link.vlans {
            let ids = said.what.ids;
            let twice = (ids.0..=ids.1).find(|id| {
                let (word, bit) = (&mut seen[usize::from(id / 64) % 64], 1 << (id % 64));
                std::mem::replace(word, *word | bit) & bit != 0
            });
            if let Some(id) = twice {
                self.complaints.add(said.at, "a VLAN twice: %", &[&id.to_string()]);
                return;
            }
            if said.what.pvid && pvid.is_some() {
                self.complaints.add_other(said.at, "two VLANs are pvid: the other is said at ", &[], pvid);
            }
            pvid = pvid.or(said.what.pvid.then_some(said.at));
        }
    }
}
