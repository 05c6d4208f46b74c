//! What a network should be: namespaces with their links, addresses, routes, rules, neighbours, parameters
//! and translations, everything by name. A file makes it, plans are made from it; it has no indexes.

mod link;
mod nat;
mod rename;
mod routing;

pub use link::{LinkKind, LinkRef, LinkSpec, PortVlan, Setting, SettingValue};
pub use nat::{ForwardPort, Masquerade, long_ones, subnet};
pub use routing::{NeighSpec, RouteSpec};

use std::net::IpAddr;

use super::name::NsName;
use super::rule::Rule;

/// Where something is said: a file by its number, and a place in its text. It is no part of what is said:
/// two origins always compare equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin {
    /// Number of the file among those that were read.
    pub file: u16,
    /// Offset of its first byte in the file's text.
    pub at: u32,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

impl Origin {
    /// Order of the text: file, then offset.
    pub fn order(self) -> (u16, u32) {
        (self.file, self.at)
    }
}

/// One thing with the place where it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<T> {
    /// The place.
    pub at: Origin,
    /// The thing.
    pub what: T,
}

/// A network: the host's part and its namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {
    /// Name of the owner of everything in it (`[a-z0-9][a-z0-9._-]{0,31}`).
    pub name: String,
    /// The host (the namespace that netstrap runs in) first, then the namespaces.
    pub places: Vec<Place>,
}

/// What one namespace holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Its name; the host has none.
    pub name: Option<NsName>,
    /// Where it is said.
    pub at: Origin,
    /// Families that it forwards packets of.
    pub forward: Forward,
    /// Parameters under `/proc/sys`.
    pub sysctls: Vec<Said<Sysctl>>,
    /// Routes, those of its links too.
    pub routes: Vec<Said<RouteSpec>>,
    /// Rules of policy routing.
    pub rules: Vec<Said<Rule>>,
    /// Neighbours.
    pub neighs: Vec<Said<NeighSpec>>,
    /// Its `resolv.conf`.
    pub dns: Option<Said<Dns>>,
    /// Its `hosts`: a name with its addresses each.
    pub hosts: Vec<Said<(String, Vec<IpAddr>)>>,
    /// What leaves under the address of the interface that it leaves by.
    pub masquerades: Vec<Said<Masquerade>>,
    /// Ports that lead to another machine.
    pub forward_ports: Vec<Said<ForwardPort>>,
    /// Links, peers of veths among them.
    pub links: Vec<LinkSpec>,
}

/// Families to forward packets of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forward {
    /// `net.ipv4.ip_forward`.
    pub v4: bool,
    /// `net.ipv6.conf.all.forwarding`.
    pub v6: bool,
}

/// A parameter under `/proc/sys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// Its name, with dots. Of a link without the link's own part: `net.ipv4.conf.rp_filter`.
    pub name: String,
    /// Its value, as it is written.
    pub value: String,
}

impl Sysctl {
    /// The name of a link's parameter (`net.ipv4.conf.rp_filter` of `v.1` is `net.ipv4.conf.v/1.rp_filter`, as
    /// sysctl(8) writes a dot within a part).
    pub fn of_link(&self, link: &str) -> String {
        let end = self.name.match_indices('.').nth(2).map_or(self.name.len(), |dot| dot.0);
        let (folder, rest) = self.name.split_at(end);
        [folder, ".", &link.replace('.', "/"), rest].concat()
    }
}

/// What a resolver is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dns {
    /// Servers to ask.
    pub nameservers: Vec<IpAddr>,
    /// Domains that short names are looked for in.
    pub search: Vec<String>,
    /// Options of resolv.conf(5).
    pub options: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_links() {
        let sysctl = |name: &str| Sysctl { name: name.into(), value: "1".into() };
        assert_eq!(sysctl("net.ipv4.conf.rp_filter").of_link("v.1"), "net.ipv4.conf.v/1.rp_filter");
        assert_eq!(sysctl("net.ipv6.neigh.retrans_time_ms").of_link("a"), "net.ipv6.neigh.a.retrans_time_ms");
    }

    #[test]
    fn where_a_thing_is_said_makes_no_difference() {
        let said = |at| Said { at: Origin { file: 0, at }, what: 1 };
        assert_eq!(said(1), said(2));
    }
}
