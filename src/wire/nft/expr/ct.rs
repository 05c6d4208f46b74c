//! `ct`: loads something about a packet's connection.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

/// `NFT_CT_STATE`: one bit of `IP_CT_*`, 4 bytes in native order.
pub const STATE: u32 = 0;
/// `NFT_CT_DIRECTION`: 0 as it began, 1 the answers, 1 byte.
pub const DIRECTION_KEY: u32 = 1;
/// `NFT_CT_MARK`: 4 bytes in native order.
pub const MARK: u32 = 3;
/// `NFT_CT_STATUS`: `IPS_*` bits, 4 bytes in native order.
pub const STATUS: u32 = 2;
/// In the state: the connection is established.
pub const ESTABLISHED: u32 = 2;
/// In the state: the packet begins a connection that belongs to another one.
pub const RELATED: u32 = 4;
/// `IPS_DST_NAT`, in the status: the destination is translated.
pub const DST_NAT: u32 = 0x20;

const DREG: u16 = 1;
const KEY: u16 = 2;
const DIRECTION: u16 = 3;

/// A load of connection data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ct {
    /// What is loaded (`NFT_CT_*`).
    pub key: u32,
    /// Register it loads into.
    pub dreg: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, load: Ct) {
    let opened = begin(request, b"ct");
    request.be32(KEY, load.key).be32(DREG, load.dreg);
    end(request, opened);
}

/// Reads the expression; `None` for one that sets something, or is of one direction.
pub fn decode(fields: &Fields<'_>) -> Option<Ct> {
    let [_, dreg, key, ..] = fields.be32;
    let plain = fields.numbers_to(u32::from(KEY)) && fields.bytes[usize::from(DIRECTION)].is_empty();
    plain.then_some(Ct { key, dreg })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn state_as_captured() {
        let load = Ct { key: STATE, dreg: 1 };
        assert_eq!(hex(|r| encode(r, load)), "2000018007000100637400001400028008000200000000000800010000000001");
        decoded(&bytes(|r| encode(r, load)), |expr| assert_eq!(expr, Expr::Ct(load)));
    }
}
