//! Expressions, the steps of a rule: each has its own file with encoder, decoder and
//! golden bytes. Here they get their frame (name and data) and are told apart.

pub mod bitwise;
pub mod cmp;
pub mod compat;
pub mod counter;
pub mod immediate;
pub mod masq;
pub mod meta;
pub mod nat;
pub mod payload;

use crate::model::nat::Counters;
use crate::wire::attr::{Attr, Attrs, attrs};
use crate::wire::build::{Netfilter, Request, align4};

/// Register that holds a verdict.
pub const REG_VERDICT: u32 = 0;
/// First data register, 16 bytes.
pub const REG_1: u32 = 1;
/// Second data register, 16 bytes.
pub const REG_2: u32 = 2;

const ELEM: u16 = 1;
const NAME: u16 = 1;
const DATA: u16 = 2;
/// `NFTA_DATA_VALUE`: plain bytes inside a data attribute.
const VALUE: u16 = 1;

/// One expression of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr<'a> {
    /// Loads bytes of the packet.
    Payload(payload::Payload),
    /// Compares a register.
    Cmp(cmp::Cmp<'a>),
    /// Masks a register.
    Bitwise(bitwise::Bitwise<'a>),
    /// Loads something about the packet.
    Meta(meta::Meta),
    /// Counts.
    Counter(Counters),
    /// Loads a constant, or gives a verdict.
    Immediate(immediate::Immediate<'a>),
    /// Masquerades.
    Masq(masq::Masq),
    /// Translates to what registers hold.
    Nat(nat::NatExpr),
    /// An xtables match.
    Match(compat::Xt<'a>),
    /// An xtables target.
    Target(compat::Xt<'a>),
    /// Any other one, or one with parts that are not known here: its name.
    Other(&'a [u8]),
}

/// Appends one expression to the list that is being built.
fn element(request: &mut Request<Netfilter>, name: &[u8], data: impl FnOnce(&mut Request<Netfilter>)) {
    request.nest(ELEM, |r| {
        r.string(NAME, name).nest(DATA, data);
    });
}

/// Reads the expressions of a rule, in order.
pub fn decode_all<'a>(list: Attrs<'a>) -> impl Iterator<Item = Expr<'a>> {
    list.filter(|elem| elem.kind == ELEM).map(|elem| decode(&elem))
}

fn decode<'a>(elem: &Attr<'a>) -> Expr<'a> {
    let name = elem.nested().find(NAME).map(|n| n.bytes_to_nul()).unwrap_or_default();
    let data = attrs(elem.nested().find(DATA).map(|d| d.value).unwrap_or_default());
    let known = match name {
        b"payload" => payload::decode(data).map(Expr::Payload),
        b"cmp" => cmp::decode(data).map(Expr::Cmp),
        b"bitwise" => bitwise::decode(data).map(Expr::Bitwise),
        b"meta" => meta::decode(data).map(Expr::Meta),
        b"counter" => Some(Expr::Counter(counter::decode(data))),
        b"immediate" => immediate::decode(data).map(Expr::Immediate),
        b"masq" => Some(Expr::Masq(masq::decode(data))),
        b"nat" => nat::decode(data).map(Expr::Nat),
        b"match" => compat::decode(data).map(Expr::Match),
        b"target" => compat::decode(data).map(Expr::Target),
        _ => None,
    };
    known.unwrap_or(Expr::Other(name))
}

/// Names of expressions for people, where the kernel says which one it refuses.
const TITLES: &[(&[u8], &str)] = &[
    (b"payload", "payload expression"),
    (b"cmp", "cmp expression"),
    (b"bitwise", "bitwise expression"),
    (b"meta", "meta expression"),
    (b"counter", "counter expression"),
    (b"immediate", "immediate expression"),
    (b"masq", "masq expression"),
    (b"nat", "nat expression"),
    (b"match", "match expression"),
    (b"target", "target expression"),
];

/// Names the expression at a byte offset of an expression list's value.
pub(super) fn name_at(list: &[u8], offset: usize) -> Option<&'static str> {
    let mut at = 0;
    for elem in attrs(list) {
        at += align4(elem.value.len() + 4);
        if offset < at {
            let name = elem.nested().find(NAME)?.bytes_to_nul();
            return TITLES.iter().find(|row| row.0 == name).map(|row| row.1);
        }
    }
    Some("expression list")
}

#[cfg(test)]
pub(super) mod testing {
    //! What the golden-bytes tests of the expressions share.
    use super::*;

    /// The bytes that an encoder appends, in hex.
    pub fn hex(encode: impl FnOnce(&mut Request<Netfilter>)) -> String {
        bytes(encode).iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The bytes that an encoder appends.
    pub fn bytes(encode: impl FnOnce(&mut Request<Netfilter>)) -> Vec<u8> {
        let mut request = Request::new(0, 0);
        encode(&mut request);
        request.seal(1, 0).unwrap()[16..].to_vec()
    }

    /// Decodes the first expression of some bytes and hands it to a check.
    pub fn decoded(bytes: &[u8], check: impl FnOnce(Expr<'_>)) {
        check(decode_all(attrs(bytes)).next().unwrap());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_is_not_known_keeps_its_name() {
        let bytes = testing::bytes(|r| element(r, b"fib", |_| {}));
        testing::decoded(&bytes, |expr| assert_eq!(expr, Expr::Other(b"fib")));
        let broken = testing::bytes(|r| element(r, b"cmp", |_| {}));
        testing::decoded(&broken, |expr| assert_eq!(expr, Expr::Other(b"cmp")));
    }
}
