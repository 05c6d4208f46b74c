//! Links of a topology, by name.

use std::net::IpAddr;

use super::{Origin, Said, Sysctl};
use crate::model::addr::Addr;
use crate::model::name::IfName;

/// What a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// One end of a pair; the other end is told with it.
    Veth,
    /// A bridge.
    Bridge,
    /// An IEEE 802.1Q VLAN of another link.
    Vlan,
    /// A VXLAN tunnel.
    Vxlan,
    /// A second MAC address on another link.
    Macvlan,
    /// A second IP stack on another link's MAC address.
    Ipvlan,
    /// A link that drops what is sent.
    Dummy,
    /// A tap device.
    Tap,
    /// A virtual routing and forwarding domain.
    Vrf,
    /// A link that is there: it is neither made nor deleted.
    Device,
    /// The other end of a [`LinkKind::Veth`].
    Peer,
}

impl LinkKind {
    /// All that have tables of their own, in the order in which they are read and written.
    pub const ALL: [LinkKind; 10] = [
        LinkKind::Veth,
        LinkKind::Bridge,
        LinkKind::Vlan,
        LinkKind::Vxlan,
        LinkKind::Macvlan,
        LinkKind::Ipvlan,
        LinkKind::Dummy,
        LinkKind::Tap,
        LinkKind::Vrf,
        LinkKind::Device,
    ];

    /// Its name: the kernel's, but for `tap` (`tun`), `device` (any) and `peer` (`veth`).
    pub fn name(self) -> &'static str {
        const NAMES: &str = "veth bridge vlan vxlan macvlan ipvlan dummy tap vrf device peer";
        NAMES.split(' ').nth(self as usize).unwrap_or_default()
    }
}

/// A link that another one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRef {
    /// Place among [`super::Topology::places`] that holds it; 0 is the host.
    pub place: usize,
    /// Its name there.
    pub name: IfName,
}

/// A property of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Where it is said, or the link where it is a default.
    pub at: Origin,
    /// iproute2's word for it (`forward_delay`), or `mac`.
    pub key: &'static str,
    /// Its value.
    pub value: SettingValue,
}

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// A number, in the unit of iproute2; a time of ours in milliseconds.
    Number(u64),
    /// On or off.
    Flag(bool),
    /// A word of a list, or free text.
    Text(String),
    /// An address.
    Address(IpAddr),
    /// A hardware address.
    Mac([u8; 6]),
}

/// VLANs of a port of a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortVlan {
    /// First and last id, 1 to 4094.
    pub ids: (u16, u16),
    /// Frames without a tag belong to it.
    pub pvid: bool,
    /// Its frames leave without a tag.
    pub untagged: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSpec {
    /// Its name: `[A-Za-z0-9._-]`, at most 15.
    pub name: IfName,
    /// Where it is said.
    pub at: Origin,
    /// What it is.
    pub kind: LinkKind,
    /// Whether it is set up.
    pub up: bool,
    /// The bridge or VRF of the same place that it belongs to.
    pub master: Option<Said<IfName>>,
    /// The link that it is made on top of (`link`, of a vxlan `dev`).
    pub lower: Option<Said<LinkRef>>,
    /// The other end of a pair.
    pub peer: Option<LinkRef>,
    /// Further properties: `mtu`, `mac`, `txqueuelen`, `alias`, and those of its kind. Of a
    /// [`LinkKind::Device`], `mac` and `driver` are what it is found by.
    pub settings: Vec<Setting>,
    /// Addresses.
    pub addresses: Vec<Said<Addr>>,
    /// Parameters of the link, without its name.
    pub sysctls: Vec<Said<Sysctl>>,
    /// VLANs that it carries as the port of a bridge, or as the bridge itself.
    pub vlans: Vec<Said<PortVlan>>,
}

impl LinkSpec {
    /// A link of a name with nothing else said.
    pub fn new(name: IfName, kind: LinkKind, at: Origin) -> Self {
        LinkSpec {
            name,
            at,
            kind,
            up: true,
            master: None,
            lower: None,
            peer: None,
            settings: Vec::new(),
            addresses: Vec::new(),
            sysctls: Vec::new(),
            vlans: Vec::new(),
        }
    }

    /// A property by its key.
    pub fn get(&self, key: &str) -> Option<&SettingValue> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| &setting.value)
    }

    /// A property that is a number.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.get(key) {
            Some(SettingValue::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_names() {
        let names: Vec<_> = LinkKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.join(" "), "veth bridge vlan vxlan macvlan ipvlan dummy tap vrf device");
        assert_eq!(LinkKind::Peer.name(), "peer");
    }
}
