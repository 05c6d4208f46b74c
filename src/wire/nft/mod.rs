//! nf_tables messages: tables, chains, rules and their expressions. Integer
//! attributes are big-endian throughout; register data keeps its own order.
//! Source: `linux/netfilter/nf_tables.h`.

pub mod batch;
pub mod chain;
pub mod effect;
pub mod expr;
pub mod generation;
pub mod leg;
pub mod rule;
pub mod table;
pub mod xt;

use super::attr::attrs;
use super::build::{HEADER, Netfilter, Request, align4};
use batch::{NFGENMSG, SUBSYS_NFTABLES, nfgenmsg};

/// `NFPROTO_IPV4`, the family of `table ip`.
pub const FAMILY_IP: u8 = 2;
/// `NFPROTO_IPV6`, the family of `table ip6`.
pub const FAMILY_IP6: u8 = 10;

/// Starts an nf_tables message (`NFT_MSG_*`) for a family, with `NLM_F_*` flags.
pub fn message(kind: u16, flags: u16, family: u8) -> Request<Netfilter> {
    let mut request = Request::new(SUBSYS_NFTABLES << 8 | kind, flags);
    request.raw(&nfgenmsg(family, 0));
    request
}

/// The part of a message before its attributes.
const PREFIX: usize = HEADER + NFGENMSG;

/// Names what stands at a byte offset of a sent nfnetlink message: the expression of a rule, else the attribute.
pub fn name_at(sent: &[u8], offset: usize) -> Option<&'static str> {
    let kind = sent.get(4..6).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes)?;
    let mut at = PREFIX;
    for attr in attrs(sent.get(PREFIX..)?) {
        let end = at + align4(attr.value.len() + 4);
        if (at..end).contains(&offset) {
            let expressions = kind == SUBSYS_NFTABLES << 8 | rule::NEWRULE && attr.kind == rule::EXPRESSIONS;
            return if expressions {
                expr::name_at(attr.value, offset - at - 4)
            } else {
                super::named(NAMES, &[of(kind, attr.kind)])
            };
        }
        at = end;
    }
    None
}

/// Of a message's kind, and of an attribute.
const fn of(kind: u16, attr: u16) -> u16 {
    kind << 8 | attr
}

const NAMES: super::Names = (
    &[
        of(table::NEWTABLE, 1),
        of(chain::NEWCHAIN, 1),
        of(rule::NEWRULE, 1),
        of(rule::DELRULE, 1),
        of(chain::NEWCHAIN, 3),
        of(rule::NEWRULE, 2),
        of(rule::DELRULE, 2),
        of(chain::NEWCHAIN, 4),
        of(chain::NEWCHAIN, 5),
        of(chain::NEWCHAIN, 7),
        of(rule::NEWRULE, 3),
        of(rule::DELRULE, 3),
        of(rule::NEWRULE, 4),
        of(rule::NEWRULE, 6),
        of(rule::NEWRULE, 7),
    ],
    "table,table,table,table,chain,chain,chain,chain hook,chain policy,chain type,rule handle,rule handle,expression,rule position,comment",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::nat::{Nat, NatFlags, NatKind, Spec, Target};

    #[test]
    fn the_expression_at_an_offset_is_named() {
        let nat = Nat { kind: NatKind::Masquerade, addrs: None, ports: None, flags: NatFlags::empty() };
        let spec = Spec { target: Target::Ext(xt::target(&nat, false)), ..Spec::default() };
        let bytes = rule::add(
            FAMILY_IP,
            b"nat",
            b"POSTROUTING",
            rule::Place::Append,
            &spec,
            Default::default(),
            rule::Dialect::Native,
        )
        .seal(1, 0)
        .unwrap();
        let at = bytes.windows(4).position(|w| w == b"masq").unwrap();
        assert_eq!(name_at(&bytes, at), Some("masq expression"));
        assert_eq!(name_at(&bytes, at - 8), Some("masq expression"));
        assert_eq!(name_at(&bytes, PREFIX), Some("table"));
        assert_eq!(name_at(&bytes, PREFIX + 8), Some("chain"));
        assert_eq!(NAMES.0.len(), NAMES.1.split(',').count());
        assert_eq!(name_at(&bytes, 9999), None);
        assert_eq!(name_at(&bytes[..10], 20), None);
    }
}
