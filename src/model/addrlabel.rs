//! Labels of IPv6 prefixes, by which source addresses are chosen (RFC 6724).

use std::net::IpAddr;

use super::ip::Family;
use super::link::LinkId;

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddrLabel {
    /// Family of the table; the kernel has one for IPv6.
    pub family: Family,
    /// The prefix's address.
    pub address: Option<IpAddr>,
    /// Length of the prefix in bits.
    pub length: u8,
    /// The only link that it is for.
    pub device: Option<LinkId>,
    /// The label.
    pub label: Option<u32>,
}
