//! `meta`: loads something about a packet that is not in it, such as its interfaces' names.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

/// `NFT_META_PRIORITY`: class of queueing, 4 bytes in native order.
pub const PRIORITY: u32 = 2;
/// `NFT_META_MARK`: 4 bytes in native order.
pub const MARK: u32 = 3;
/// `NFT_META_SKUID`: user of the socket, 4 bytes in native order.
pub const SKUID: u32 = 10;
/// `NFT_META_SKGID`: group of the socket, 4 bytes in native order.
pub const SKGID: u32 = 11;
/// `NFT_META_PKTTYPE`: `PACKET_*`, 1 byte.
pub const PKTTYPE: u32 = 19;
/// `NFT_META_SECPATH`: whether it came through IPsec, 1 byte (kernel 4.19).
pub const SECPATH: u32 = 25;
/// `NFT_META_IIFNAME`: name of the incoming interface, 16 bytes, padded with NULs.
pub const IIFNAME: u32 = 6;
/// `NFT_META_OIFNAME`: name of the outgoing interface.
pub const OIFNAME: u32 = 7;
/// `NFT_META_L4PROTO`: transport protocol, 1 byte.
pub const L4PROTO: u32 = 16;

const DREG: u16 = 1;
const KEY: u16 = 2;

/// A load of packet metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// What is loaded (`NFT_META_*`).
    pub key: u32,
    /// Register it loads into.
    pub dreg: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, load: Meta) {
    let opened = begin(request, b"meta");
    request.be32(KEY, load.key).be32(DREG, load.dreg);
    end(request, opened);
}

/// Reads the expression; `None` for one that sets metadata.
pub fn decode(fields: &Fields<'_>) -> Option<Meta> {
    let [_, dreg, key, ..] = fields.be32;
    fields.numbers_to(u32::from(KEY)).then_some(Meta { key, dreg })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn outgoing_interface_as_captured() {
        let load = Meta { key: OIFNAME, dreg: 1 };
        assert_eq!(
            hex(|r| encode(r, load)),
            "24000180090001006d657461000000001400028008000200000000070800010000000001"
        );
        decoded(&bytes(|r| encode(r, load)), |expr| assert_eq!(expr, Expr::Meta(load)));
    }
}
