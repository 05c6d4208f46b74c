//! The one table of applets: what each name stands for. Dispatch, `--help`,
//! `install` and the fallback of `netns exec` read it.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;

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
    Applet { name: "bridge", about: "ports, forwarding entries, VLANs of bridges (iproute2)", run: super::bridge::run },
    Applet { name: "ip", about: "links, addresses, routes, neighbours, namespaces (iproute2)", run: super::ip::run },
    Applet { name: "ip6tables", about: "the same as iptables, IPv6", run: super::iptables::run },
    Applet { name: "ip6tables-restore", about: "read the tables of ip6tables", run: super::iptables::run },
    Applet { name: "ip6tables-save", about: "write the tables of ip6tables", run: super::iptables::run },
    Applet { name: "iptables", about: "filter and NAT rules, IPv4 (iptables-nft)", run: super::iptables::run },
    Applet { name: "iptables-restore", about: "read the tables of iptables", run: super::iptables::run },
    Applet { name: "iptables-save", about: "write the tables of iptables", run: super::iptables::run },
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

/// Runs our own tool in place of a command that `PATH` does not have. `None` if it is none of ours,
/// or was asked for by path. A folder on `PATH` that may not be searched makes exec say `EACCES`.
pub fn instead(command: &[OsString], failed: &io::Error, io: &mut Io) -> Option<u8> {
    let name = command.first()?.as_bytes();
    let absent = matches!(failed.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied);
    if !absent || name.contains(&b'/') {
        return None;
    }
    match find(name) {
        Some(applet) => Some((applet.run)(command, io)),
        None => (name == b"netstrap").then(|| super::netstrap::run(command, io)),
    }
}
