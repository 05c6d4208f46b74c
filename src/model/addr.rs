//! Addresses of links, as asked for and as seen.

use std::net::{IpAddr, Ipv4Addr};

use super::ip::{Family, Prefix};

bitflags::bitflags! {
    /// Address flags (`IFA_F_*`, `linux/if_addr.h`); unknown bits are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct AddrFlags: u32 {
        /// IPv4: not the first of its subnet. IPv6: temporary.
        const SECONDARY = 1;
        /// No duplicate address detection.
        const NODAD = 2;
        /// Usable during detection.
        const OPTIMISTIC = 4;
        /// Detection found a duplicate.
        const DADFAILED = 8;
        /// Mobile IPv6 home address.
        const HOMEADDRESS = 0x10;
        /// Past its preferred lifetime.
        const DEPRECATED = 0x20;
        /// Detection is under way.
        const TENTATIVE = 0x40;
        /// Without a lifetime.
        const PERMANENT = 0x80;
        /// Template for temporary addresses.
        const MANAGETEMPADDR = 0x100;
        /// No route to its subnet is made.
        const NOPREFIXROUTE = 0x200;
        /// Joins its multicast group.
        const MCAUTOJOIN = 0x400;
        /// Made by RFC 7217.
        const STABLE_PRIVACY = 0x800;
        const _ = !0;
    }
}

/// How long an address lives, in seconds; `u32::MAX` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Until it is deprecated.
    pub preferred: u32,
    /// Until it is gone.
    pub valid: u32,
}

/// For ever, in [`Lifetimes`].
pub const FOREVER: u32 = u32::MAX;

/// What is done with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddrVerb {
    /// Put it on; it must not be there.
    Add,
    /// Put it on; it may be there.
    Replace,
    /// Change its properties; it must be there.
    Change,
    /// Take it away. Without [`Addr::address`] IPv4 deletes whatever prefix the local address has.
    Delete,
}

/// An address with its properties; which link has it goes beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addr {
    /// Family, where neither address says it.
    pub family: Family,
    /// Our address (`IFA_LOCAL`; IPv6 without a peer has only the other one).
    pub local: Option<IpAddr>,
    /// The peer's address, or ours again where there is no peer (`IFA_ADDRESS`).
    pub address: Option<IpAddr>,
    /// Prefix length of [`Addr::address`], in bits.
    pub len: u8,
    /// `RT_SCOPE_*`: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Flags.
    pub flags: AddrFlags,
    /// IPv4 broadcast address.
    pub broadcast: Option<IpAddr>,
    /// IPv6 anycast address.
    pub anycast: Option<IpAddr>,
    /// IPv4 label; begins with the link's name.
    pub label: Option<Vec<u8>>,
    /// Metric of the subnet's route (kernel 4.18).
    pub metric: Option<u32>,
    /// Who made it, `IFAPROT_*` (kernel 5.18).
    pub protocol: Option<u8>,
    /// Lifetimes; none asked for means for ever.
    pub lifetimes: Option<Lifetimes>,
}

impl Addr {
    /// An address without a peer, of global scope (host scope for 127/8, as iproute2 decides).
    #[inline(never)]
    pub fn new(prefix: Prefix) -> Self {
        let addr = prefix.addr();
        Addr {
            family: prefix.family(),
            local: Some(addr),
            address: Some(addr),
            len: prefix.len(),
            scope: default_scope(&addr),
            flags: AddrFlags::empty(),
            broadcast: None,
            anycast: None,
            label: None,
            metric: None,
            protocol: None,
            lifetimes: None,
        }
    }

    /// Our own address.
    pub fn own(&self) -> Option<IpAddr> {
        self.local.or(self.address)
    }

    /// The peer's address, if there is a peer.
    pub fn peer(&self) -> Option<IpAddr> {
        self.address.filter(|address| self.local.is_some_and(|local| local != *address))
    }
}

/// `RT_SCOPE_HOST`.
const SCOPE_HOST: u8 = 254;

/// Scope of an address for which none is given.
pub fn default_scope(addr: &IpAddr) -> u8 {
    match addr {
        IpAddr::V4(v4) if v4.is_loopback() => SCOPE_HOST,
        _ => 0,
    }
}

/// The address with all host bits set (`+`) or cleared (`-`); prefixes longer than 30 bits have none.
pub fn broadcast_of(prefix: Prefix, ones: bool) -> Option<IpAddr> {
    let IpAddr::V4(v4) = prefix.addr() else { return None };
    let hosts = u32::MAX.checked_shr(u32::from(prefix.len())).unwrap_or(0);
    let bits = if ones { v4.to_bits() | hosts } else { v4.to_bits() & !hosts };
    (prefix.len() <= 30).then(|| IpAddr::V4(Ipv4Addr::from_bits(bits)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ip::parse_prefix;

    #[test]
    fn broadcast_addresses() {
        let of = |word, ones| broadcast_of(parse_prefix(word, Family::V4).unwrap(), ones).map(|a| a.to_string());
        assert_eq!(of("192.168.15.1/24", true).as_deref(), Some("192.168.15.255"));
        assert_eq!(of("192.168.15.1/24", false).as_deref(), Some("192.168.15.0"));
        assert_eq!(of("10.0.0.1/0", true).as_deref(), Some("255.255.255.255"));
        assert_eq!(of("10.0.0.1/31", true), None);
    }
}
