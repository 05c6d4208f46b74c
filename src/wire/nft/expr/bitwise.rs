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

/// A mask over a register of 4 bytes whose result is changed by an exclusive or; both in the register's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The register.
    pub reg: u32,
    /// The bits that are kept.
    pub mask: u32,
    /// The bits that are turned over then.
    pub xor: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, reg: u32, mask: &[u8]) {
    // No register is longer than 16 bytes.
    let mask = mask.get(..16).unwrap_or(mask);
    encode_parts(request, reg, mask, &[0; 16][..mask.len()]);
}

/// Appends the expression for a number.
pub fn encode_changed(request: &mut Request<Netfilter>, changed: Changed) {
    encode_parts(request, changed.reg, &changed.mask.to_ne_bytes(), &changed.xor.to_ne_bytes());
}

#[inline(never)]
fn encode_parts(request: &mut Request<Netfilter>, reg: u32, mask: &[u8], xor: &[u8]) {
    let opened = begin(request, b"bitwise");
    request.be32(SREG, reg).be32(DREG, reg).be32(LEN, u32::try_from(mask.len()).unwrap_or(16));
    data(request, MASK, mask);
    data(request, XOR, xor);
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

/// Reads the expression with its exclusive or; `None` unless it is of 4 bytes.
pub fn decode_changed(fields: &Fields<'_>) -> Option<Changed> {
    let [_, reg, to, ..] = fields.be32;
    let number = |kind| <[u8; 4]>::try_from(constant(fields, kind)).ok().map(u32::from_ne_bytes);
    let (mask, xor) = (number(MASK)?, number(XOR)?);
    (to == reg && fields.be32[usize::from(OP)] == 0).then_some(Changed { reg, mask, xor })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn an_exclusive_or_of_marks() {
        let changed = Changed { reg: 1, mask: 0xf0, xor: 5 };
        decoded(&bytes(|r| encode_changed(r, changed)), |expr| assert_eq!(expr, Expr::Changed(changed)));
    }

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
