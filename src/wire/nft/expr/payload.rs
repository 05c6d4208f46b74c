//! `payload`: loads bytes of a packet's header into a register.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

/// `NFT_PAYLOAD_NETWORK_HEADER`: offsets count from the IP header.
pub const BASE_NETWORK: u32 = 1;
/// `NFT_PAYLOAD_TRANSPORT_HEADER`: offsets count from the TCP or UDP header.
pub const BASE_TRANSPORT: u32 = 2;
/// Offset of the source port in a TCP or UDP header.
pub const SOURCE_PORT: u32 = 0;
/// Offset of the destination port in a TCP or UDP header.
pub const DESTINATION_PORT: u32 = 2;
/// Offset of the protocol in an IPv4 header.
pub const IP_PROTOCOL: u32 = 9;
/// Offset of flags and fragment offset in an IPv4 header.
pub const IP_FRAGMENT: u32 = 6;
/// Offset of the source address in an IPv4 header; the destination follows it.
pub const IP_SOURCE: u32 = 12;
/// Offset of the source address in an IPv6 header; the destination follows it.
pub const IP6_SOURCE: u32 = 8;

const DREG: u16 = 1;
const BASE: u16 = 2;
const OFFSET: u16 = 3;
const LEN: u16 = 4;

/// A load of packet bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// Register it loads into.
    pub dreg: u32,
    /// Header that the offset counts from.
    pub base: u32,
    /// First byte.
    pub offset: u32,
    /// Number of bytes.
    pub len: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, load: Payload) {
    let opened = begin(request, b"payload");
    request.be32(DREG, load.dreg).be32(BASE, load.base).be32(OFFSET, load.offset).be32(LEN, load.len);
    end(request, opened);
}

/// Reads the expression; `None` for one that writes the packet.
pub fn decode(fields: &Fields<'_>) -> Option<Payload> {
    let [_, dreg, base, offset, len, ..] = fields.be32;
    fields.numbers_to(u32::from(LEN)).then_some(Payload { dreg, base, offset, len })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn source_address_as_captured() {
        let load = Payload { dreg: 1, base: BASE_NETWORK, offset: IP_SOURCE, len: 3 };
        assert_eq!(
            hex(|r| encode(r, load)),
            "340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c0800040000000003"
        );
        decoded(&bytes(|r| encode(r, load)), |expr| assert_eq!(expr, Expr::Payload(load)));
    }
}
