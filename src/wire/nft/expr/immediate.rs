//! `immediate`: loads a constant into a register; into the verdict register, it decides.

use super::{REG_VERDICT, begin, constant, data, end};
use crate::wire::attr::Fields;
use crate::wire::build::{NESTED, Netfilter, Request};

const DREG: u16 = 1;
const DATA: u16 = 2;
const VERDICT: u16 = 2;
const CODE: u16 = 1;
const CHAIN: u16 = 2;

/// `NF_DROP`.
pub const DROP: i32 = 0;
/// `NF_ACCEPT`.
pub const ACCEPT: i32 = 1;
/// `NFT_JUMP`.
pub const JUMP: i32 = -3;
/// `NFT_GOTO`.
pub const GOTO: i32 = -4;
/// `NFT_RETURN`.
pub const RETURN: i32 = -5;

/// A constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Immediate<'a> {
    /// Data for a register.
    Data {
        /// The register.
        dreg: u32,
        /// The bytes.
        value: &'a [u8],
    },
    /// A verdict.
    Verdict {
        /// [`ACCEPT`], [`JUMP`] and so on.
        code: i32,
        /// Chain of a jump or goto; else empty.
        chain: &'a [u8],
    },
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, immediate: Immediate<'_>) {
    let opened = begin(request, b"immediate");
    match immediate {
        Immediate::Data { dreg, value } => {
            request.be32(DREG, dreg);
            data(request, DATA, value);
        }
        Immediate::Verdict { code, chain } => {
            request.be32(DREG, REG_VERDICT);
            let outer = request.begin(DATA | NESTED);
            let inner = request.begin(VERDICT | NESTED);
            request.be32(CODE, code.cast_unsigned());
            if !chain.is_empty() {
                request.string(CHAIN, chain);
            }
            request.end(inner).end(outer);
        }
    }
    end(request, opened);
}

/// Reads the expression.
pub fn decode<'a>(fields: &Fields<'a>) -> Option<Immediate<'a>> {
    let [_, dreg, ..] = fields.be32;
    if !fields.numbers_to(u32::from(DREG)) {
        return None;
    }
    if dreg != REG_VERDICT {
        let value = constant(fields, DATA);
        return (!value.is_empty()).then_some(Immediate::Data { dreg, value });
    }
    let verdict = fields.nested(DATA).nested(VERDICT);
    let code = verdict.be32[usize::from(CODE)].cast_signed();
    verdict.numbers_to(u32::from(CODE)).then(|| Immediate::Verdict { code, chain: verdict.string(CHAIN) })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn verdicts_and_data_as_captured() {
        for (immediate, expected) in [
            (
                Immediate::Verdict { code: ACCEPT, chain: b"" },
                "300001800e000100696d6d6564696174650000001c0002800800010000000000100002800c0002800800010000000001",
            ),
            (
                Immediate::Verdict { code: JUMP, chain: b"FOO" },
                "380001800e000100696d6d656469617465000000240002800800010000000000180002801400028008000100fffffffd08000200464f4f00",
            ),
            (
                Immediate::Data { dreg: 1, value: &[10, 99, 0, 9] },
                "2c0001800e000100696d6d6564696174650000001800028008000100000000010c000280080001000a630009",
            ),
        ] {
            assert_eq!(hex(|r| encode(r, immediate)), expected);
            decoded(&bytes(|r| encode(r, immediate)), |expr| assert_eq!(expr, Expr::Immediate(immediate)));
        }
    }
}
