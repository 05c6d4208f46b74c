//! `match` and `target`: an xtables extension inside a rule (nft_compat), as iptables-nft
//! writes them. Which structure the bytes are is [`xt`](crate::wire::nft::xt)'s knowledge.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const NAME: u16 = 1;
const REV: u16 = 2;
const INFO: u16 = 3;

/// An xtables extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xt<'a> {
    /// Its name: `MASQUERADE`, `comment`.
    pub name: &'a [u8],
    /// Revision of its structure.
    pub rev: u32,
    /// The structure, padded to 8 bytes.
    pub info: &'a [u8],
}

/// Appends a target.
pub fn encode_target(request: &mut Request<Netfilter>, xt: Xt<'_>) {
    encode(request, b"target", xt);
}

/// Appends a match.
pub fn encode_match(request: &mut Request<Netfilter>, xt: Xt<'_>) {
    encode(request, b"match", xt);
}

fn encode(request: &mut Request<Netfilter>, name: &[u8], xt: Xt<'_>) {
    let opened = begin(request, name);
    request.string(NAME, xt.name).be32(REV, xt.rev).attr(INFO, xt.info);
    end(request, opened);
}

/// Reads the expression.
pub fn decode<'a>(fields: &Fields<'a>) -> Option<Xt<'a>> {
    let [_, _, rev, ..] = fields.be32;
    let [_, _, has_rev, info, ..] = fields.bytes;
    (!has_rev.is_empty() && !info.is_empty()).then(|| Xt { name: fields.string(NAME), rev, info })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn masquerade_as_captured() {
        let mut info = [0; 24];
        info[..4].copy_from_slice(&1u32.to_ne_bytes());
        let xt = Xt { name: b"MASQUERADE", rev: 0, info: &info };
        assert_eq!(
            hex(|r| encode_target(r, xt)),
            "480001800b0001007461726765740000380002800f0001004d415351554552414445000008000200000000001c000300010000000000000000000000000000000000000000000000"
        );
        decoded(&bytes(|r| encode_target(r, xt)), |expr| assert_eq!(expr, Expr::Target(xt)));
        decoded(&bytes(|r| encode_match(r, xt)), |expr| assert_eq!(expr, Expr::Match(xt)));
    }
}
