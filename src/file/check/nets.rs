//! Addresses, and gateways among them.

use std::net::IpAddr;

use super::{Checker, is_ours, place_text};
use crate::file::tree::Index;
use crate::file::words::plain;
use crate::model::addr::AddrFlags;
use crate::model::ip::{Family, Prefix, addr_text, family_of};
use crate::model::route::RouteFlags;
use crate::model::topology::{LinkKind, Origin, RouteSpec, Topology};

/// A network that is directly on a link.
struct Net {
    /// What it may not overlap in: all links of a VRF, or those of none.
    domain: usize,
    link: usize,
    prefix: Prefix,
    at: Origin,
    /// Whether it is the network of an address.
    is_address: bool,
    /// Whether what is in it can be reached: its link is up, and it has a route.
    is_reached: bool,
}

/// Networks by what contains an address.
#[derive(Default)]
struct Nets {
    list: Vec<Net>,
    /// The place's own addresses, each with its domain.
    own: Vec<(usize, IpAddr, Origin)>,
    /// Both by their keys: networks by link, by domain and anywhere, addresses.
    index: Index,
    /// The lengths that there are, of each family.
    lens: Vec<(Family, u8)>,
}

/// What an entry of the index is about.
#[derive(Clone, Copy)]
enum About {
    /// A network on a link.
    Link,
    /// A network of an address in a domain.
    Domain,
    /// A network, wherever.
    Anywhere,
    /// An address.
    Own,
}

/// A network as a key: what it is about, the number of that, length, address.
fn key(about: About, scope: usize, prefix: Prefix) -> [u8; 24] {
    let mut key = [0; 24];
    key[..4].copy_from_slice(&u32::try_from(scope).unwrap_or(u32::MAX).to_le_bytes());
    (key[4], key[5]) = (about as u8, prefix.len());
    match prefix.network().addr() {
        IpAddr::V4(v4) => key[8..12].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => {
            key[6] = 1;
            key[8..].copy_from_slice(&v6.octets());
        }
    }
    key
}

impl Nets {
    #[inline(never)]
    fn add(&mut self, net: Net) {
        let number = self.list.len();
        let scopes = [(About::Link, net.link), (About::Domain, net.domain), (About::Anywhere, 0)];
        for (about, scope) in scopes {
            // Of two that are the same, the first is the one that counts.
            let counts = if matches!(about, About::Domain) { net.is_address } else { net.is_reached };
            if counts && self.find((about, scope), net.prefix, None).is_none() {
                self.index.insert(&key(about, scope, net.prefix), number);
            }
        }
        let len = (net.prefix.family(), net.prefix.len());
        if !self.lens.contains(&len) {
            self.lens.push(len);
        }
        self.list.push(net);
    }

    /// The network that is the same; with another one, only what overlaps with that.
    #[inline(never)]
    fn find(&self, (about, scope): (About, usize), prefix: Prefix, against: Option<&Net>) -> Option<&Net> {
        let network = prefix.network();
        let same = |at: usize| {
            let net = &self.list[at];
            let in_scope = match about {
                About::Link => net.link == scope,
                About::Domain => net.domain == scope && net.is_address,
                _ => true,
            };
            // That an address is said twice is told already.
            let overlaps =
                |one: &Net| one.link != net.link && !net.prefix.is_host() && net.prefix.addr() != one.prefix.addr();
            in_scope && net.prefix.network() == network && against.is_none_or(overlaps)
        };
        self.index.find(&key(about, scope, prefix), |at| at < self.list.len() && same(at)).map(|at| &self.list[at])
    }

    /// A network that holds an address, of at most this length.
    #[inline(never)]
    fn holding(&self, scope: (About, usize), addr: IpAddr, most: u8, against: Option<&Net>) -> Option<&Net> {
        let family = family_of(&addr);
        let lens = self.lens.iter().filter(|len| len.0 == family && len.1 <= most);
        lens.filter_map(|len| Prefix::new(addr, len.1)).find_map(|prefix| self.find(scope, prefix, against))
    }

    /// An address of the place itself.
    #[inline(never)]
    fn find_own(&self, addr: IpAddr, domain: Option<usize>) -> Option<Origin> {
        let fits = |own: &(usize, IpAddr, Origin)| own.1 == addr && domain.is_none_or(|domain| domain == own.0);
        let same = |at: usize| self.own.get(at).is_some_and(fits);
        self.index.find(&key(About::Own, 0, Prefix::host(addr)), same).map(|at| self.own[at].2)
    }
}

/// Whether an address is of one link alone (fe80::/10).
fn is_link_local(addr: &IpAddr) -> bool {
    matches!(addr, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

impl Checker<'_> {
    /// Addresses are said once and do not overlap; gateways are on a network of the place.
    pub fn nets(&mut self, topology: &Topology, number: usize) {
        let place = &topology.places[number];
        let domains: Vec<usize> = (0..place.links.len()).map(|link| self.domain(topology, number, link)).collect();
        let mut nets = Nets::default();
        self.addresses(topology, number, &domains, &mut nets);
        for net in nets.list.iter().filter(|net| net.is_address && !net.prefix.is_host()) {
            let scope = (About::Domain, net.domain);
            let other = nets.holding(scope, net.prefix.addr(), net.prefix.len(), Some(net));
            if let Some(other) = other.filter(|_| !is_link_local(&net.prefix.addr())) {
                let name = plain(&place.links[other.link].name);
                let rest = [&net.prefix.text(), &*other.prefix.text(), name];
                self.complaints.add_other(
                    net.at,
                    "overlapping networks: % and % of %, said at ",
                    &rest,
                    Some(other.at),
                );
            }
        }
        for route in &place.routes {
            let spec = &route.what;
            // What is reached without a gateway makes a gateway reachable.
            if let Some(device) = spec.device.filter(|_| spec.route.via.is_none() && spec.route.hops.is_empty())
                && let Some(link) = self.find(topology, number, device)
            {
                let (domain, prefix) = (domains[link], spec.route.dst);
                nets.add(Net { domain, link, prefix, at: route.at, is_address: false, is_reached: true });
            }
        }
        self.routes(topology, number, &nets);
    }

    fn addresses(&mut self, topology: &Topology, number: usize, domains: &[usize], nets: &mut Nets) {
        for (link, spec) in topology.places[number].links.iter().enumerate() {
            for said in &spec.addresses {
                let addr = &said.what;
                let Some((own, net)) = addr.own().zip(addr.address) else { continue };
                // Of IPv4, groups can be.
                if own.is_unspecified() || own.is_ipv6() && own.is_multicast() {
                    self.complaints.add(said.at, "% is no address that a machine can have", &[&addr_text(&own)]);
                }
                // A link-local address is of one link alone.
                let domain = if is_link_local(&own) { usize::MAX - link } else { domains[link] };
                match nets.find_own(own, Some(domain)) {
                    Some(first) => {
                        let [side, there] = place_text(topology, number);
                        let rest = [&addr_text(&own), side, there];
                        self.complaints.add_other(said.at, "an address twice: % %%, said at ", &rest, Some(first));
                    }
                    None => {
                        nets.index.insert(&key(About::Own, 0, Prefix::host(own)), nets.own.len());
                        nets.own.push((domain, own, said.at));
                    }
                }
                if let Some(prefix) = Prefix::new(net, addr.len) {
                    let is_reached = spec.up && !addr.flags.contains(AddrFlags::NOPREFIXROUTE);
                    let domain = domains[link];
                    nets.add(Net { domain, link, prefix, at: said.at, is_address: true, is_reached });
                }
            }
        }
    }

    /// The VRF that a link is in, itself or by its bridge, as a number; 0 is none.
    fn domain(&self, topology: &Topology, place: usize, link: usize) -> usize {
        let links = &topology.places[place].links;
        let mut at = link;
        // A VRF within a bridge within ...: loops are told elsewhere.
        for _ in 0..4 {
            if links[at].kind == LinkKind::Vrf {
                return at + 1;
            }
            match links[at].master.as_ref().and_then(|master| self.find(topology, place, master.what)) {
                Some(master) => at = master,
                None => return 0,
            }
        }
        0
    }

    fn routes(&mut self, topology: &Topology, number: usize, nets: &Nets) {
        let place = &topology.places[number];
        let mut seen = Index::default();
        for (count, route) in place.routes.iter().enumerate() {
            let spec = &route.what;
            let key = route_key(spec);
            let same = |at: usize| route_key(&place.routes[at].what) == key;
            match seen.find(&key, same) {
                Some(first) => {
                    let first = Some(place.routes[first].at);
                    let template = "two routes to one destination: % is said at ";
                    self.complaints.add_other(route.at, template, &[&spec.route.dst.text()], first);
                }
                None => seen.insert(&key, count),
            }
            let hops = spec.route.hops.iter().zip(&spec.hop_devices).map(|(hop, device)| (hop.via, *device, hop.flags));
            for (via, device, flags) in hops.chain([(spec.route.via, spec.device, spec.route.flags)]) {
                let Some(via) = via.filter(|_| !flags.contains(RouteFlags::ONLINK)) else { continue };
                let link = device.and_then(|device| self.find(topology, number, device));
                self.gateway(topology, number, (route.at, via, link), nets);
            }
        }
    }

    fn gateway(&mut self, topology: &Topology, number: usize, gateway: (Origin, IpAddr, Option<usize>), nets: &Nets) {
        let place = &topology.places[number];
        let (at, via, link) = gateway;
        let text = || addr_text(&via);
        if is_link_local(&via) {
            if link.is_none() {
                self.complaints.add(at, "a link-local gateway needs \"dev\": %", &[&text()]);
            }
            return;
        }
        // An address or route that could not be read may hold it.
        if self.unsure[number] {
            return;
        }
        if nets.find_own(via, None).is_some() {
            self.complaints.add(at, "the gateway is an address of this place itself: %", &[&text()]);
            return;
        }
        match link {
            // A device that is there may have addresses that no file tells of; that a link is not up is told already.
            Some(link) if !is_ours(&place.links[link]) || !place.links[link].up => {}
            Some(link) if nets.holding((About::Link, link), via, 128, None).is_some() => {}
            Some(link) => {
                let name = plain(&place.links[link].name);
                self.complaints.add(at, "the gateway is outside every prefix %%: %", &["of ", name, &text()]);
            }
            None => {
                let open = number == 0 || !place.links.iter().all(is_ours);
                if !open && nets.holding((About::Anywhere, 0), via, 128, None).is_none() {
                    let [side, there] = place_text(topology, number);
                    self.complaints.add(at, "the gateway is outside every prefix %%: %", &[side, there, &text()]);
                }
            }
        }
    }
}

/// What the kernel tells routes apart by: table, destination, priority, type of service.
fn route_key(spec: &RouteSpec) -> [u8; 32] {
    let route = &spec.route;
    let mut bytes = [0; 32];
    bytes[..24].copy_from_slice(&key(About::Anywhere, route.table as usize, route.dst));
    // IPv6 has another default.
    let metric = match (route.family(), route.metric.unwrap_or(0)) {
        (Family::V6, 0) => 1024,
        (_, metric) => metric,
    };
    bytes[24..28].copy_from_slice(&metric.to_le_bytes());
    bytes[28] = route.tos;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_networks_apart() {
        let prefix = |text: &str| crate::model::ip::parse_prefix(text, Family::Unspec).unwrap();
        let keys: Vec<_> = ["10.0.0.0/8", "10.0.0.0/9", "a00::/8", "::/0", "::/127", "::/128", "0.0.0.0/0"]
            .iter()
            .map(|text| key(About::Link, 1, prefix(text)))
            .collect();
        for (number, key) in keys.iter().enumerate() {
            assert!(!keys[..number].contains(key));
        }
        assert_eq!(key(About::Link, 1, prefix("10.1.2.3/8")), key(About::Link, 1, prefix("10.0.0.0/8")));
        assert_ne!(key(About::Link, 1, prefix("10.0.0.0/8")), key(About::Link, 2, prefix("10.0.0.0/8")));
    }
}
