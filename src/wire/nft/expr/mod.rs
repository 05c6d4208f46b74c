//! Expressions, the steps of a rule: each has its own file with encoder, decoder and
//! golden bytes. Here they get their frame (name and data) and are told apart.

pub mod bitwise;
pub mod cmp;
pub mod compat;
pub mod counter;
pub mod ct;
pub mod fib;
pub mod immediate;
pub mod limit;
pub mod log;
pub mod masq;
pub mod meta;
pub mod mss;
pub mod nat;
pub mod payload;
pub mod range;
pub mod redir;
pub mod reject;
pub mod set;

use crate::model::nat::Counters;
use crate::wire::attr::{Attr, Attrs, Fields, attrs};
use crate::wire::build::{NESTED, Netfilter, Request, align4};

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
    /// Masks a register and turns bits over.
    Changed(bitwise::Changed),
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
    /// Loads something about the connection.
    Ct(ct::Ct),
    /// Asks the routing tables.
    Fib(fib::Fib),
    /// Redirects to this host.
    Redir(redir::Redir),
    /// Compares a register with two ends.
    Range(range::Range<'a>),
    /// Matches up to a rate.
    Limit(limit::Limit),
    /// Writes to the log.
    Log(log::Log<'a>),
    /// Refuses with an answer.
    Reject(reject::Reject),
    /// Sets a mark or the like.
    Set(set::Set),
    /// Loads the route's segment size into a register.
    RouteMss(u32),
    /// Turns a segment size in a register to network byte order.
    Order(u32),
    /// Sets the segment size from a register.
    SetMss(u32),
    /// Does not track the connection.
    Notrack,
    /// Any other one, or one with parts that are not known here: its name.
    Other(&'a [u8]),
}

/// Begins one expression of the list that is being built; gives the places for [`end`].
#[inline(never)]
fn begin(request: &mut Request<Netfilter>, name: &[u8]) -> (usize, usize) {
    let outer = request.begin(ELEM | NESTED);
    request.string(NAME, name);
    (outer, request.begin(DATA | NESTED))
}

/// Ends the expression that [`begin`] began.
fn end(request: &mut Request<Netfilter>, (outer, inner): (usize, usize)) {
    request.end(inner).end(outer);
}

/// Appends a constant.
#[inline(never)]
fn data(request: &mut Request<Netfilter>, kind: u16, value: &[u8]) {
    let start = request.begin(kind | NESTED);
    request.attr(VALUE, value).end(start);
}

/// Reads a constant; empty if it is not there.
#[inline(never)]
fn constant<'a>(fields: &Fields<'a>, kind: u16) -> &'a [u8] {
    fields.nested(kind).bytes[usize::from(VALUE)]
}

/// A range of data registers, whose numbers begin at 1; a single one is both ends.
fn pair(first: u32, last: u32) -> Option<(u32, u32)> {
    (first != REG_VERDICT).then_some((first, if last == REG_VERDICT { first } else { last }))
}

/// Reads the expressions of a rule, in order, with their names.
pub fn decode_all<'a>(list: Attrs<'a>) -> impl Iterator<Item = (&'a [u8], Expr<'a>)> {
    list.filter(|elem| elem.kind == ELEM).map(|elem| decode(&elem))
}

/// Appends expressions as they were listed, but with this counter.
pub fn with_counter(request: &mut Request<Netfilter>, list: Attrs<'_>, counters: Counters) {
    for elem in list.filter(|elem| elem.kind == ELEM) {
        if Fields::new(elem.value).string(NAME) == b"counter" {
            counter::encode(request, counters);
        } else {
            request.attr(ELEM | NESTED, elem.value);
        }
    }
}

fn decode<'a>(elem: &Attr<'a>) -> (&'a [u8], Expr<'a>) {
    let elem = Fields::new(elem.value);
    let name = elem.string(NAME);
    let fields = &elem.nested(DATA);
    // A number from a table instead of a comparison with each name: less code.
    let known = match TITLES.iter().position(|title| named(title) == name) {
        Some(0) => payload::decode(fields).map(Expr::Payload),
        Some(1) => cmp::decode(fields).map(Expr::Cmp),
        Some(2) => {
            bitwise::decode(fields).map(Expr::Bitwise).or_else(|| bitwise::decode_changed(fields).map(Expr::Changed))
        }
        Some(3) => meta::decode(fields).map(Expr::Meta).or_else(|| set::decode(fields, false).map(Expr::Set)),
        Some(4) => Some(Expr::Counter(counter::decode(fields))),
        Some(5) => immediate::decode(fields).map(Expr::Immediate),
        Some(6) => Some(Expr::Masq(masq::decode(fields))),
        Some(7) => nat::decode(fields).map(Expr::Nat),
        Some(8) => compat::decode(fields).map(Expr::Match),
        Some(9) => compat::decode(fields).map(Expr::Target),
        Some(10) => ct::decode(fields).map(Expr::Ct).or_else(|| set::decode(fields, true).map(Expr::Set)),
        Some(11) => fib::decode(fields).map(Expr::Fib),
        Some(12) => Some(Expr::Redir(redir::decode(fields))),
        Some(13) => range::decode(fields).map(Expr::Range),
        Some(14) => limit::decode(fields).map(Expr::Limit),
        Some(15) => log::decode(fields).map(Expr::Log),
        Some(16) => reject::decode(fields).map(Expr::Reject),
        Some(17) => mss::decode_route(fields).map(Expr::RouteMss),
        Some(18) => mss::decode_order(fields).map(Expr::Order),
        Some(19) => mss::decode(fields).map(Expr::SetMss),
        Some(20) => Some(Expr::Notrack),
        _ => None,
    };
    (name, known.unwrap_or(Expr::Other(name)))
}

/// Names of expressions, in the order of [`Expr`]; and for people, where the kernel says which one it refuses.
const TITLES: &[&str] = &[
    "payload expression",
    "cmp expression",
    "bitwise expression",
    "meta expression",
    "counter expression",
    "immediate expression",
    "masq expression",
    "nat expression",
    "match expression",
    "target expression",
    "ct expression",
    "fib expression",
    "redir expression",
    "range expression",
    "limit expression",
    "log expression",
    "reject expression",
    "rt expression",
    "byteorder expression",
    "exthdr expression",
    "notrack expression",
];

/// The kernel's name of an expression.
fn named(title: &'static str) -> &'static [u8] {
    title.as_bytes().split_at(title.len() - " expression".len()).0
}

/// Names the expression at a byte offset of an expression list's value.
pub(super) fn name_at(list: &[u8], offset: usize) -> Option<&'static str> {
    let mut at = 0;
    for elem in attrs(list) {
        at += align4(elem.value.len() + 4);
        if offset < at {
            let name = elem.nested().find(NAME)?.bytes_to_nul();
            return TITLES.iter().find(|title| named(title) == name).copied();
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
        check(decode_all(attrs(bytes)).next().unwrap().1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_is_not_known_keeps_its_name() {
        let empty = |name: &[u8]| {
            testing::bytes(|r| {
                let opened = begin(r, name);
                end(r, opened);
            })
        };
        let bytes = empty(b"osf");
        testing::decoded(&bytes, |expr| assert_eq!(expr, Expr::Other(b"osf")));
        let broken = empty(b"cmp");
        testing::decoded(&broken, |expr| assert_eq!(expr, Expr::Other(b"cmp")));
    }
}
