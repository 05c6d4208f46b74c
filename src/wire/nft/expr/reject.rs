//! `reject`: refuses a packet with an answer to its sender.

use super::{begin, end};
use crate::wire::attr::{Attr, Fields};
use crate::wire::build::{Netfilter, Request};

const TYPE: u16 = 1;
const CODE: u16 = 2;

/// `NFT_REJECT_ICMP_UNREACH`: an ICMP message of the packet's family.
pub const ICMP: u32 = 0;
/// `NFT_REJECT_TCP_RST`.
pub const TCP_RESET: u32 = 1;

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    /// [`ICMP`] or [`TCP_RESET`].
    pub kind: u32,
    /// Code of the ICMP message "unreachable".
    pub code: u8,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, reject: Reject) {
    let opened = begin(request, b"reject");
    request.be32(TYPE, reject.kind).attr(CODE, &[reject.code]);
    end(request, opened);
}

/// Reads the expression; `None` for one that fits both families.
pub fn decode(fields: &Fields<'_>) -> Option<Reject> {
    let [_, kind, ..] = fields.be32;
    let code = Attr { kind: CODE, value: fields.bytes[usize::from(CODE)] }.u8().unwrap_or(0);
    (fields.numbers_to(u32::from(TYPE)) && kind <= TCP_RESET).then_some(Reject { kind, code })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn port_unreachable_and_a_reset_as_nft_sends_them() {
        let icmp = Reject { kind: ICMP, code: 3 };
        let reset = Reject { kind: TCP_RESET, code: 0 };
        for (reject, expected) in [
            (icmp, "240001800b00010072656a65637400001400028008000100000000000500020003000000"),
            (reset, "240001800b00010072656a65637400001400028008000100000000010500020000000000"),
        ] {
            assert_eq!(hex(|r| encode(r, reject)), expected.replace(' ', ""));
            decoded(&bytes(|r| encode(r, reject)), |expr| assert_eq!(expr, Expr::Reject(reject)));
        }
    }
}
