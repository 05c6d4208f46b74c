//! `range`: compares a register with two ends; the rule ends here if it lies outside.

use super::{begin, constant, data, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const SREG: u16 = 1;
const OP: u16 = 2;
const FROM: u16 = 3;
const TO: u16 = 4;

/// A range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range<'a> {
    /// Register that is compared.
    pub sreg: u32,
    /// `NFT_RANGE_EQ` (0, inside) or `NFT_RANGE_NEQ` (1, outside).
    pub op: u32,
    /// First value.
    pub from: &'a [u8],
    /// Last value, of the same length.
    pub to: &'a [u8],
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, range: Range<'_>) {
    let opened = begin(request, b"range");
    request.be32(SREG, range.sreg).be32(OP, range.op);
    data(request, FROM, range.from);
    data(request, TO, range.to);
    end(request, opened);
}

/// Reads the expression.
pub fn decode<'a>(fields: &Fields<'a>) -> Option<Range<'a>> {
    let [_, sreg, op, ..] = fields.be32;
    let (from, to) = (constant(fields, FROM), constant(fields, TO));
    let whole = fields.numbers_to(u32::from(OP)) && !from.is_empty() && from.len() == to.len();
    whole.then_some(Range { sreg, op, from, to })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn ports_as_iptables_sends_them() {
        let range = Range { sreg: 1, op: 0, from: &[0, 80], to: &[0, 90] };
        assert_eq!(
            hex(|r| encode(r, range)),
            "3c0001800a00010072616e67650000002c000280080001000000000108000200000000000c00038006000100005000000c00048006000100005a0000"
        );
        decoded(&bytes(|r| encode(r, range)), |expr| assert_eq!(expr, Expr::Range(range)));
    }
}
