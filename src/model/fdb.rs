//! Forwarding entries of bridges and VXLANs: which hardware address is behind which port or remote host.

use std::net::IpAddr;

use super::link::LinkId;
use super::neigh::{NeighFlags, NeighState};

/// A forwarding entry, asked for or seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fdb {
    /// The port, or the device that keeps the entry itself.
    pub device: Option<LinkId>,
    /// The hardware address.
    pub lladdr: Option<Vec<u8>>,
    /// State: permanent, static (`NOARP`), stale or learned (`REACHABLE`).
    pub state: NeighState,
    /// Flags.
    pub flags: NeighFlags,
    /// The remote host (VXLAN).
    pub dst: Option<IpAddr>,
    /// VLAN id.
    pub vlan: Option<u16>,
    /// UDP port of the remote host.
    pub port: Option<u16>,
    /// VXLAN network identifier towards the remote host.
    pub vni: Option<u32>,
    /// VXLAN network identifier that the entry is for (of a device with `external`).
    pub src_vni: Option<u32>,
    /// Index of the device that leads to the remote host; to flush, of the port.
    pub via: Option<u32>,
    /// Nexthop group instead of a remote host (kernel 5.8).
    pub nexthop: Option<u32>,
    /// Index of the bridge.
    pub master: Option<u32>,
    /// Namespace that [`Fdb::via`] is in.
    pub link_netnsid: Option<i32>,
    /// Time since it was used and since it was updated, in hundredths of a second.
    pub ages: Option<(u32, u32)>,
}

/// What becomes of a forwarding entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FdbVerb {
    /// Fails with `EEXIST` where it is there.
    Add,
    /// One more remote host of an address.
    Append,
    /// Changes it or makes it.
    Replace,
    /// Takes it away.
    Delete,
    /// Takes away all of a device whose flags and state, as far as these masks go, are the entry's (kernel 5.19).
    Flush(NeighFlags, NeighState),
}

/// Which forwarding entries to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FdbFilter {
    /// The namespace that is asked.
    pub ns: u32,
    /// The port.
    pub device: Option<LinkId>,
    /// The bridge.
    pub master: Option<LinkId>,
}

/// Asks for the one entry of this address, device or master, VLAN and VNI (kernel 5.0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FdbQuestion(pub Fdb);
