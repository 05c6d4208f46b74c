//! Settings of IPv4 or IPv6 on a link, as `RTM_NEWNETCONF` tells them.

use super::ip::Family;

/// The settings of one link, of all links, or of links to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Netconf {
    /// Of which protocol.
    pub family: Family,
    /// Index of the link; [`Netconf::ALL`] and [`Netconf::DEFAULT`] are no links.
    pub index: Option<i32>,
    /// Values by attribute type (`NETCONFA_*`).
    pub values: [Option<u32>; Netconf::TYPES],
}

impl Netconf {
    /// Index that stands for all links.
    pub const ALL: i32 = -1;
    /// Index that stands for links to come.
    pub const DEFAULT: i32 = -2;
    /// Number of attribute types that are kept, from 0.
    pub const TYPES: usize = 8;
}
