//! `nat`: translates the source or destination to what registers hold.

use super::{begin, end, pair};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const TYPE: u16 = 1;
const FAMILY: u16 = 2;
const ADDR_MIN: u16 = 3;
const ADDR_MAX: u16 = 4;
const PROTO_MIN: u16 = 5;
const PROTO_MAX: u16 = 6;
const FLAGS: u16 = 7;

/// `NFT_NAT_SNAT`.
pub const SNAT: u32 = 0;
/// `NFT_NAT_DNAT`.
pub const DNAT: u32 = 1;

/// A translation by registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NatExpr {
    /// [`SNAT`] or [`DNAT`].
    pub kind: u32,
    /// `NFPROTO_*` of the new address.
    pub family: u32,
    /// Registers of the first and last new address; one and the same for a single address.
    pub addrs: Option<(u32, u32)>,
    /// Registers of the first and last new port.
    pub ports: Option<(u32, u32)>,
    /// `NF_NAT_RANGE_*` bits; 0 is left out.
    pub flags: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, nat: NatExpr) {
    let opened = begin(request, b"nat");
    request.be32(TYPE, nat.kind).be32(FAMILY, nat.family);
    for (registers, min, max) in [(nat.addrs, ADDR_MIN, ADDR_MAX), (nat.ports, PROTO_MIN, PROTO_MAX)] {
        if let Some((first, last)) = registers {
            request.be32(min, first);
            if last != first {
                request.be32(max, last);
            }
        }
    }
    if nat.flags != 0 {
        request.be32(FLAGS, nat.flags);
    }
    end(request, opened);
}

/// Reads the expression.
pub fn decode(fields: &Fields<'_>) -> Option<NatExpr> {
    let [_, kind, family, first, last, port, last_port, flags, _] = fields.be32;
    let nat = NatExpr { kind, family, addrs: pair(first, last), ports: pair(port, last_port), flags };
    fields.numbers_to(u32::from(FAMILY)).then_some(nat)
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn snat_and_dnat_as_captured() {
        let snat = NatExpr { kind: SNAT, family: 2, addrs: Some((1, 1)), ports: None, flags: 0 };
        assert_eq!(
            hex(|r| encode(r, snat)),
            "28000180080001006e6174001c000280080001000000000008000200000000020800030000000001"
        );
        let dnat = NatExpr { kind: DNAT, ports: Some((2, 2)), ..snat };
        assert_eq!(
            hex(|r| encode(r, dnat)),
            "30000180080001006e617400240002800800010000000001080002000000000208000300000000010800050000000002"
        );
        let range = NatExpr { addrs: Some((1, 2)), flags: 8, ..snat };
        for nat in [snat, dnat, range] {
            decoded(&bytes(|r| encode(r, nat)), |expr| assert_eq!(expr, Expr::Nat(nat)));
        }
    }
}
