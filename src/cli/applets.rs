//! The one table of applets: what each name stands for. Dispatch, `--help`,
//! `install` and the fallback of `netns exec` read it.

use std::ffi::OsString;

use super::io::Io;

/// An applet's entry point: argv, with the name it was called by first, and its output. Returns the exit code.
pub type Run = fn(&[OsString], &mut Io) -> u8;

/// One tool that this binary can be.
pub struct Applet {
    /// Name it is called by.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Its entry point.
    pub run: Run,
}

/// Every applet, in the order of `--help`.
pub const APPLETS: &[Applet] = &[
    Applet { name: "arp", about: "show and change the neighbour table (net-tools)", run: super::arp::run },
    Applet { name: "ip", about: "links, addresses, routes, neighbours, namespaces (iproute2)", run: super::ip::run },
    Applet { name: "iptables", about: "NAT rules (iptables-nft)", run: super::iptables::run },
    Applet { name: "ping", about: "send ICMP echo requests (iputils)", run: super::ping::run },
    Applet { name: "ping6", about: "the same, IPv6 only", run: super::ping::run },
    Applet { name: "route", about: "show and change the routing table (net-tools)", run: super::route::run },
    Applet { name: "sysctl", about: "read and write kernel parameters (procps)", run: super::sysctl::run },
];

/// The applet of a name, or of the last component of a path.
pub fn find(name: &[u8]) -> Option<&'static Applet> {
    let base = name.rsplit(|&b| b == b'/').next().unwrap_or(name);
    APPLETS.iter().find(|applet| applet.name.as_bytes() == base)
}
