//! Translations of a topology.

use std::net::IpAddr;

use crate::model::ip::Prefix;
use crate::model::name::IfName;

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
