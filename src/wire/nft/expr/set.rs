//! `meta` and `ct` where they set something, from a register.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const KEY: u16 = 2;
/// Source register: another attribute in each of the two.
const META_SREG: u16 = 3;
const CT_SREG: u16 = 4;

/// Where something is set, with what (`NFT_META_*` or `NFT_CT_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// In the packet.
    Meta(u32),
    /// In its connection.
    Ct(u32),
}

/// Sets a mark or the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set {
    /// What is set.
    pub key: Key,
    /// Register of the new value.
    pub sreg: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, set: Set) {
    let (name, key, sreg): (&[u8], _, _) = match set.key {
        Key::Meta(key) => (b"meta", key, META_SREG),
        Key::Ct(key) => (b"ct", key, CT_SREG),
    };
    let opened = begin(request, name);
    request.be32(KEY, key).be32(sreg, set.sreg);
    end(request, opened);
}

/// Reads the expression; `None` for one that loads.
pub fn decode(fields: &Fields<'_>, is_ct: bool) -> Option<Set> {
    let key = fields.be32[usize::from(KEY)];
    let (key, sreg) = if is_ct { (Key::Ct(key), CT_SREG) } else { (Key::Meta(key), META_SREG) };
    let sreg = fields.be32[usize::from(sreg)];
    (sreg != 0).then_some(Set { key, sreg })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn marks_as_nft_sends_them() {
        for (key, expected) in [
            (Key::Meta(3), "24000180090001006d657461000000001400028008000200000000030800030000000001"),
            (Key::Ct(3), "2000018007000100637400001400028008000200000000030800040000000001"),
        ] {
            let set = Set { key, sreg: 1 };
            assert_eq!(hex(|r| encode(r, set)), expected);
            decoded(&bytes(|r| encode(r, set)), |expr| assert_eq!(expr, Expr::Set(set)));
        }
    }
}
