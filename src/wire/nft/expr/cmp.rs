//! `cmp`: compares a register with a constant; the rule ends here if it does not hold.

use super::{begin, constant, data, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const SREG: u16 = 1;
const OP: u16 = 2;
const DATA: u16 = 3;

/// `NFT_CMP_EQ`.
pub const EQ: u32 = 0;
/// `NFT_CMP_NEQ`.
pub const NEQ: u32 = 1;

/// `NFT_CMP_LT`.
pub const LT: u32 = 2;
/// `NFT_CMP_LTE`.
pub const LTE: u32 = 3;
/// `NFT_CMP_GT`.
pub const GT: u32 = 4;
/// `NFT_CMP_GTE`.
pub const GTE: u32 = 5;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cmp<'a> {
    /// Register that is compared.
    pub sreg: u32,
    /// [`EQ`], [`NEQ`], or an order ([`LT`] to [`GTE`]), of bytes from the first on.
    pub op: u32,
    /// The constant, as long as the comparison.
    pub data: &'a [u8],
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, cmp: Cmp<'_>) {
    let opened = begin(request, b"cmp");
    request.be32(SREG, cmp.sreg).be32(OP, cmp.op);
    data(request, DATA, cmp.data);
    end(request, opened);
}

/// Reads the expression.
pub fn decode<'a>(fields: &Fields<'a>) -> Option<Cmp<'a>> {
    let [_, sreg, op, ..] = fields.be32;
    let data = constant(fields, DATA);
    (fields.numbers_to(u32::from(OP)) && !data.is_empty()).then_some(Cmp { sreg, op, data })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn a_prefix_as_captured() {
        let cmp = Cmp { sreg: 1, op: EQ, data: &[192, 168, 15] };
        assert_eq!(
            hex(|r| encode(r, cmp)),
            "2c00018008000100636d700020000280080001000000000108000200000000000c00038007000100c0a80f00"
        );
        decoded(&bytes(|r| encode(r, cmp)), |expr| assert_eq!(expr, Expr::Cmp(cmp)));
    }
}
