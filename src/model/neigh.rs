//! Neighbours: which hardware address an IP address has on a link, and proxy entries.

use std::net::IpAddr;

use super::ip::Family;
use super::link::LinkId;

bitflags::bitflags! {
    /// States of a neighbour (`NUD_*`, `linux/neighbour.h`); unknown bits are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct NeighState: u16 {
        /// Being asked for.
        const INCOMPLETE = 1;
        /// Confirmed of late.
        const REACHABLE = 2;
        /// Was right once.
        const STALE = 4;
        /// In use; waits for a confirmation.
        const DELAY = 8;
        /// Being asked again.
        const PROBE = 0x10;
        /// Did not answer.
        const FAILED = 0x20;
        /// Needs no asking.
        const NOARP = 0x40;
        /// Set by hand; never expires.
        const PERMANENT = 0x80;
        const _ = !0;
    }
}

impl NeighState {
    /// States with their names, in the order in which iproute2 prints them.
    pub const NAMES: &'static [(NeighState, &'static str)] = &[
        (NeighState::INCOMPLETE, "INCOMPLETE"),
        (NeighState::REACHABLE, "REACHABLE"),
        (NeighState::STALE, "STALE"),
        (NeighState::DELAY, "DELAY"),
        (NeighState::PROBE, "PROBE"),
        (NeighState::FAILED, "FAILED"),
        (NeighState::NOARP, "NOARP"),
        (NeighState::PERMANENT, "PERMANENT"),
    ];
}

bitflags::bitflags! {
    /// Flags of a neighbour (`NTF_*`); unknown bits are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct NeighFlags: u8 {
        /// Resolve it now, as if a packet were sent to it.
        const USE = 1;
        /// Of the device itself (forwarding entries).
        const SELF = 2;
        /// Of the device's master (forwarding entries).
        const MASTER = 4;
        /// Answer for this address.
        const PROXY = 8;
        /// Learned by somebody other than the kernel.
        const EXT_LEARNED = 0x10;
        /// Offloaded to hardware.
        const OFFLOADED = 0x20;
        /// Does not move to another port (forwarding entries).
        const STICKY = 0x40;
        /// An IPv6 router.
        const ROUTER = 0x80;
        const _ = !0;
    }
}

/// `NTF_EXT_MANAGED`: the kernel keeps it resolved (kernel 5.16).
pub const EXT_MANAGED: u32 = 1;

/// A neighbour, asked for or seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Neigh {
    /// Family; of a seen one without an address, all there is to know.
    pub family: Family,
    /// The link. A proxy entry may stand for all links.
    pub device: Option<LinkId>,
    /// The IP address.
    pub dst: Option<IpAddr>,
    /// The hardware address.
    pub lladdr: Option<Vec<u8>>,
    /// State.
    pub state: NeighState,
    /// Flags.
    pub flags: NeighFlags,
    /// Further flags (`NDA_FLAGS_EXT`, kernel 5.16).
    pub ext_flags: u32,
    /// Who made it (`NDA_PROTOCOL`, kernel 5.0); 0 is not said.
    pub protocol: u8,
    /// References to it in the kernel.
    pub references: u32,
    /// Times since it was used, confirmed, changed; hundredths of a second.
    pub times: Option<[u32; 3]>,
    /// How often it was asked.
    pub probes: Option<u32>,
}

/// How a new neighbour goes with one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeighVerb {
    /// Fails with `EEXIST` where it is there.
    Add,
    /// Changes one that is there.
    Change,
    /// Changes it or makes it.
    Replace,
    /// Takes it away.
    Delete,
}

/// Which neighbours to list. The kernel filters by device and master; family too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NeighFilter {
    /// The namespace that is asked, for the devices in the answers.
    pub ns: u32,
    /// Family, or all.
    pub family: Family,
    /// The link.
    pub device: Option<LinkId>,
    /// A link's master.
    pub master: Option<LinkId>,
    /// Proxy entries instead of neighbours.
    pub proxies: bool,
}

/// Asks for one neighbour (kernel 5.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighQuestion {
    /// The link.
    pub device: LinkId,
    /// The IP address.
    pub dst: IpAddr,
    /// A proxy entry.
    pub proxy: bool,
}

/// A hardware address as text.
#[inline(never)]
pub fn mac_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if !text.is_empty() {
            text.push(':');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
    text
}
