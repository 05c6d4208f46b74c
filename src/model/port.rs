//! Ports of a bridge: their properties and VLANs, as asked for and as seen.

use super::link::{Link, LinkId};

/// Words for the properties of a port in the order of a listing, each with its attribute type
/// (`IFLA_BRPORT_*`) as a letter: [`number`] reads it.
pub const PROPERTIES: &str = "state=A priority=B cost=C hairpin=D guard=E root_block=F fastleave=G learning=H \
    learning_sync=K flood=I mcast_flood=[ bcast_flood=^ mcast_router=Y mcast_to_unicast=\\ neigh_suppress=` \
    vlan_tunnel=] backup_port=b isolated=a locked=g";

/// The order in which iproute2 sends them.
pub const SENT: &[u8] = b"EDGFIY[^\\HKCBA`]agb";

/// Names of the states of a port, by number.
pub const STATES: [&str; 5] = ["disabled", "listening", "learning", "forwarding", "blocking"];

/// Attribute type of a letter of [`PROPERTIES`].
pub fn number(letter: u8) -> u16 {
    u16::from(letter.wrapping_sub(b'@'))
}

/// Length of a property in bytes.
pub fn width(letter: u8) -> usize {
    match letter {
        b'C' | b'b' => 4,
        b'B' => 2,
        _ => 1,
    }
}

/// Where a change applies (`BRIDGE_FLAGS_MASTER`): at the bridge.
pub const AT_MASTER: u16 = 1;
/// Where a change applies (`BRIDGE_FLAGS_SELF`): at the device itself.
pub const AT_SELF: u16 = 2;

/// A change of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortChange {
    /// The port.
    pub link: LinkId,
    /// Properties by their letters.
    pub properties: Vec<(u8, u32)>,
    /// [`AT_MASTER`], [`AT_SELF`], both, or 0 for what the kernel takes.
    pub side: u16,
    /// Mode of the hardware: 0 VEB, 1 VEPA.
    pub mode: Option<u16>,
}

/// A change of the VLANs of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanChange {
    /// Whether they are taken away.
    pub delete: bool,
    /// The port, or the bridge itself.
    pub link: LinkId,
    /// First and last.
    pub ids: (u16, Option<u16>),
    /// [`PVID`], [`UNTAGGED`].
    pub flags: u16,
    /// As of [`PortChange::side`].
    pub side: u16,
    /// Tunnel ids of the first and the last.
    pub tunnels: Option<(u32, u32)>,
}

/// `BRIDGE_VLAN_INFO_PVID`: what comes in untagged belongs to it.
pub const PVID: u16 = 2;
/// `BRIDGE_VLAN_INFO_UNTAGGED`: goes out untagged.
pub const UNTAGGED: u16 = 4;
/// `BRIDGE_VLAN_INFO_RANGE_BEGIN`: the first of several.
pub const RANGE_BEGIN: u16 = 8;
/// `BRIDGE_VLAN_INFO_RANGE_END`: the last of several.
pub const RANGE_END: u16 = 0x10;

/// What the kernel tells of a link as a port, or of a bridge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Port {
    /// The link, as far as the message goes.
    pub link: Link,
    /// Properties by attribute type.
    pub properties: Vec<(u16, u32)>,
    /// Mode of the hardware.
    pub mode: Option<u16>,
    /// VLANs.
    pub vlans: Vec<VlanEntry>,
    /// VLANs that are tunnelled.
    pub tunnels: Vec<VlanEntry>,
    /// VLANs with their details.
    pub rows: Vec<VlanRow>,
}

/// One VLAN, or the first or last of several, in the kernel's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VlanEntry {
    /// Its id.
    pub id: u16,
    /// Flags.
    pub flags: u16,
    /// Its tunnel's id.
    pub tunnel: u32,
}

/// Which VLANs are asked for in a listing of links (`RTEXT_FILTER_BRVLAN*`), or of VLANs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PortFilter {
    /// None: ports and their properties.
    #[default]
    Ports,
    /// One by one.
    Vlans,
    /// Those in a row as one.
    VlanRanges,
    /// Those that are alike in a row as one, with details and no ports (kernel 5.6).
    VlanDetails,
}

/// VLANs that stand together in a listing: ids, tunnels' ids, flags, details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VlanRow {
    /// First and last id.
    pub ids: (u16, u16),
    /// First and last tunnel's id.
    pub tunnels: (u32, u32),
    /// Flags of the last.
    pub flags: u16,
    /// State of the port in them (`BR_STATE_*`), where details were asked for.
    pub state: Option<u8>,
    /// Whether multicast routers are there: 0 never, 1 learned, 2 always (kernel 5.16).
    pub router: Option<u8>,
}

impl VlanRow {
    /// Whether a VLAN is among them; 0 stands for any.
    pub fn has(&self, id: u16) -> bool {
        id == 0 || (self.ids.0..=self.ids.1).contains(&id)
    }
}

/// Puts first and last together; of one VLAN only, if `only` is not 0.
pub fn rows(entries: &[VlanEntry], only: u16) -> Vec<VlanRow> {
    let mut first = VlanEntry::default();
    let mut rows = Vec::new();
    for entry in entries {
        if entry.flags & RANGE_END == 0 {
            first = *entry;
        }
        if entry.flags & RANGE_BEGIN == 0 && (only == 0 || (first.id..=entry.id).contains(&only)) {
            let (ids, tunnels) = ((first.id, entry.id), (first.tunnel, entry.tunnel));
            rows.push(VlanRow { ids, tunnels, flags: entry.flags, ..VlanRow::default() });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_is_sent() {
        let mut letters: Vec<u8> =
            PROPERTIES.split_ascii_whitespace().map(|entry| *entry.as_bytes().last().unwrap()).collect();
        let mut sent = SENT.to_vec();
        letters.sort_unstable();
        sent.sort_unstable();
        assert_eq!(letters, sent);
        assert_eq!([number(b'A'), number(b'['), number(b'b'), number(b'g')], [1, 27, 34, 39]);
    }

    #[test]
    fn first_and_last_are_one_row() {
        let entry = |id, flags| VlanEntry { id, flags, tunnel: u32::from(id) + 100 };
        let entries =
            [entry(1, PVID), entry(5, RANGE_BEGIN), entry(9, RANGE_END), entry(11, RANGE_BEGIN), entry(12, RANGE_END)];
        let ids = |only| rows(&entries, only).iter().map(|row| row.ids).collect::<Vec<_>>();
        assert_eq!(ids(0), [(1, 1), (5, 9), (11, 12)]);
        assert_eq!(ids(7), [(5, 9)]);
        assert_eq!(ids(10), []);
        assert_eq!(rows(&entries, 9)[0].tunnels, (105, 109));
    }
}
