//! Translations of a topology, and what they are as rules.

use std::net::IpAddr;

use super::Place;
use crate::model::addr::Addr;
use crate::model::ip::Prefix;
use crate::model::name::IfName;
use crate::model::translation::key::COMMENT_MAX;
use crate::model::translation::{Action, Translation};

/// Packets that leave under the address of the interface that they leave by. Packets within their own
/// prefix are never changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Masquerade {
    /// Where they come from, of either family.
    pub from: Vec<Prefix>,
    /// Where they go; anywhere if empty.
    pub to: Vec<Prefix>,
    /// Interface that they leave by, or any.
    pub out: Option<IfName>,
}

/// Ports that lead to another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardPort {
    /// Protocol over IP: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Address that is listened on, or every one of this machine.
    pub address: Option<IpAddr>,
    /// First and last port.
    pub ports: (u16, u16),
    /// The other machine.
    pub to: IpAddr,
    /// Its port, or the one that was asked for.
    pub to_port: Option<u16>,
    /// Interface that packets come in by, or any.
    pub input: Option<IfName>,
}

impl Masquerade {
    /// Its rules, one for each pair of a source and a destination.
    pub fn translations(&self, out: &mut Vec<Translation>) {
        for from in &self.from {
            let mut rule = Translation {
                family: from.family(),
                from: Some(from.network()),
                device: self.out,
                ..Translation::new(Action::Masquerade)
            };
            if self.to.is_empty() {
                out.push(rule);
            }
            for to in self.to.iter().filter(|to| to.family() == from.family()) {
                // Such a rule leaves its own prefix alone by itself; one with a destination does not.
                if to.is_empty() {
                    rule.to = None;
                    out.push(rule);
                    continue;
                }
                for rest in without(*to, from.network()) {
                    rule.to = Some(rest);
                    out.push(rule);
                }
            }
        }
    }
}

impl ForwardPort {
    /// Its rule; `subnet` is that of the other machine, if this one is in it: hosts there are answered past this one.
    pub fn translation(&self, subnet: Option<Prefix>) -> Translation {
        Translation {
            family: Prefix::host(self.to).family(),
            device: self.input,
            protocol: self.protocol,
            listen: self.address.filter(|address| !address.is_unspecified()),
            ports: Some(self.ports),
            addrs: Some((self.to, self.to)),
            new_ports: self.to_port.map(|port| (port, port)),
            hairpin: subnet,
            ..Translation::new(Action::Forward)
        }
    }
}

/// The rules that a place may have, as far as their words are too long for a comment that nft writes: they are known
/// again by these only. `found` are addresses that it has beside those that it asks for.
pub fn long_ones(place: &Place, found: &[(u32, Addr)]) -> Vec<Translation> {
    let mut all = Vec::new();
    for said in &place.masquerades {
        said.what.translations(&mut all);
    }
    let asked = || place.links.iter().flat_map(|link| link.addresses.iter().map(|said| &said.what));
    // No rule of IPv4 is.
    for forward in place.forward_ports.iter().map(|said| said.what).filter(|forward| forward.to.is_ipv6()) {
        all.push(forward.translation(None));
        for subnet in asked().chain(found.iter().map(|(_, addr)| addr)).filter_map(|addr| subnet(addr, &forward.to)) {
            all.push(forward.translation(Some(subnet)));
        }
    }
    all.retain(|rule| rule.from.is_none_or(|from| from.addr().is_ipv6()) && rule.key().len() > COMMENT_MAX);
    all
}

/// The subnet of an address, if another one is in it.
pub fn subnet(addr: &Addr, other: &IpAddr) -> Option<Prefix> {
    let net = addr.address.or(addr.local).and_then(|ip| Prefix::new(ip, addr.len));
    net.filter(|net| !net.is_host() && net.contains(other)).map(|net| net.network())
}

/// A network without another one, as the fewest networks.
fn without(net: Prefix, hole: Prefix) -> Vec<Prefix> {
    let net = net.network();
    if hole.len() <= net.len() {
        return if hole.contains(&net.addr()) { Vec::new() } else { vec![net] };
    }
    if !net.contains(&hole.addr()) {
        return vec![net];
    }
    // The other half, at each length on the way.
    (net.len()..hole.len()).filter_map(|len| sibling(hole, len + 1)).collect()
}

/// The network of a length that differs from an address's own in the last bit only.
fn sibling(of: Prefix, len: u8) -> Option<Prefix> {
    let bit = |bits: u8| 1u128.checked_shl(u32::from(bits.checked_sub(len)?));
    let addr: IpAddr = match of.addr() {
        IpAddr::V4(v4) => std::net::Ipv4Addr::from_bits(v4.to_bits() ^ u32::try_from(bit(32)?).ok()?).into(),
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() ^ bit(128)?).into(),
    };
    Prefix::new(addr, len).map(|net| net.network())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ip::{Family, parse_prefix};

    fn net(text: &str) -> Prefix {
        parse_prefix(text, Family::Unspec).unwrap()
    }

    fn words(masquerade: &Masquerade) -> Vec<String> {
        let mut rules = Vec::new();
        masquerade.translations(&mut rules);
        rules
            .iter()
            .map(|rule| {
                assert_eq!(Translation::from_key(rule.key().as_bytes()), Some(*rule));
                rule.words().replace("masquerade from ", "")
            })
            .collect()
    }

    #[test]
    fn a_masquerade_is_a_rule_for_each_pair() {
        let mut masquerade = Masquerade { from: vec![net("10.0.0.0/8"), net("fd00::/64")], ..Masquerade::default() };
        assert_eq!(words(&masquerade), ["10.0.0.0/8", "fd00::/64"]);
        masquerade.out = IfName::new(b"eth0");
        masquerade.to = vec![net("0.0.0.0/0"), net("192.0.2.0/24"), net("::/0"), net("fd00::1/128"), net("fd01::/16")];
        assert_eq!(
            words(&masquerade),
            [
                "10.0.0.0/8 out eth0",
                "10.0.0.0/8 to 192.0.2.0/24 out eth0",
                "fd00::/64 out eth0",
                "fd00::/64 to fd01::/16 out eth0"
            ]
        );
    }

    #[test]
    fn a_prefixs_own_traffic_is_left_alone() {
        let masquerade = |from, to| words(&Masquerade { from: vec![net(from)], to: vec![net(to)], out: None });
        assert_eq!(
            masquerade("10.32.0.0/11", "10.0.0.0/8"),
            ["10.32.0.0/11 to 10.128.0.0/9", "10.32.0.0/11 to 10.64.0.0/10", "10.32.0.0/11 to 10.0.0.0/11"]
        );
        assert!(masquerade("10.0.0.0/8", "10.0.0.0/8").is_empty());
        assert!(masquerade("10.0.0.0/8", "10.1.0.0/16").is_empty());
        assert_eq!(masquerade("10.0.0.1", "10.0.0.0/31"), ["10.0.0.1 to 10.0.0.0"]);
        assert_eq!(masquerade("fd00::/17", "fd00::/16"), ["fd00::/17 to fd00:8000::/17"]);
    }

    #[test]
    fn a_forwarded_port_is_a_rule() {
        let forward = ForwardPort {
            protocol: 6,
            address: Some("0.0.0.0".parse().unwrap()),
            ports: (80, 90),
            to: "10.0.0.1".parse().unwrap(),
            to_port: Some(8080),
            input: IfName::new(b"eth0"),
        };
        let words = |forward: ForwardPort, subnet| {
            let rule = forward.translation(subnet);
            assert_eq!(Translation::from_key(rule.key().as_bytes()), Some(rule));
            rule.words()
        };
        assert_eq!(words(forward, None), "forward tcp in eth0 80-90 to 10.0.0.1:8080");
        let v6 = ForwardPort {
            protocol: 17,
            address: Some("fd01::1".parse().unwrap()),
            to: "fd00::1".parse().unwrap(),
            to_port: None,
            input: None,
            ..forward
        };
        assert_eq!(
            words(v6, Some(net("fd00::/96"))),
            "forward udp listen [fd01::1]:80-90 to fd00::1 hairpin fd00::/96"
        );
    }
}
