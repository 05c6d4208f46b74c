//! `bitwise`: `register & mask ^ xor`, into the same register.

use super::{begin, constant, data, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const SREG: u16 = 1;
const DREG: u16 = 2;
const LEN: u16 = 3;
const MASK: u16 = 4;
const XOR: u16 = 5;
const OP: u16 = 6;

/// A mask over a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bitwise<'a> {
    /// Register that is masked.
    pub reg: u32,
    /// The mask.
    pub mask: &'a [u8],
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, reg: u32, mask: &[u8]) {
    let opened = begin(request, b"bitwise");
    // No register is longer than 16 bytes.
    let mask = mask.get(..16).unwrap_or(mask);
    request.be32(SREG, reg).be32(DREG, reg).be32(LEN, u32::try_from(mask.len()).unwrap_or(16));
    data(request, MASK, mask);
    data(request, XOR, &[0; 16][..mask.len()]);
    end(request, opened);
}

/// Reads the expression; `None` for a shift, an xor, or one between two registers.
pub fn decode<'a>(fields: &Fields<'a>) -> Option<Bitwise<'a>> {
    let [_, reg, to, ..] = fields.be32;
    let mask = constant(fields, MASK);
    let plain = fields.numbers_to(u32::from(DREG))
        && to == reg
        && fields.be32[usize::from(OP)] == 0
        && !mask.is_empty()
        && constant(fields, XOR).iter().all(|&b| b == 0);
    plain.then_some(Bitwise { reg, mask })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn a_netmask_as_captured() {
        assert_eq!(
            hex(|r| encode(r, 1, &[255, 255, 240, 0])),
            "440001800c0001006269747769736500340002800800010000000001080002000000000108000300000000040c00048008000100fffff0000c0005800800010000000000"
        );
        decoded(&bytes(|r| encode(r, 1, &[255, 255, 240, 0])), |expr| {
            assert_eq!(expr, Expr::Bitwise(Bitwise { reg: 1, mask: &[255, 255, 240, 0] }));
        });
    }
}
