//! The lower half of the IPv6 addresses that a link forms from router advertisements.

use std::net::IpAddr;

use super::link::LinkFlags;

/// The token of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Token {
    /// Index of the link.
    pub index: u32,
    /// Name of the link.
    pub name: Vec<u8>,
    /// Flags of the link: loopbacks and links without neighbours use no token.
    pub flags: LinkFlags,
    /// The token; `::` is none.
    pub token: Option<IpAddr>,
}
