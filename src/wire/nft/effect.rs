//! What an nf_tables message that was sent leaves behind, so that a change whose answer
//! was lost can be looked for.

use super::{NFGENMSG, chain, rule, table};
use crate::model::nat::Rule;
use crate::wire::attr::Fields;
use crate::wire::reply::Frame;

const TABLE: u16 = 1;
const CHAIN: u16 = 2;
const HANDLE: u16 = 3;
/// `NLM_F_REPLACE`.
const REPLACE: u16 = 0x100;

/// What will be there, or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A rule of its chain; its handle is not known yet.
    Rule(Box<Rule>),
    /// No rule of this handle in the chain.
    NoRule(Vec<u8>, u64),
    /// No rule in the chain, or in the whole table.
    Empty(Option<Vec<u8>>),
    /// A chain of this name, with this policy (whether it accepts) if one was set.
    Chain(Vec<u8>, Option<bool>),
    /// No such chain.
    NoChain(Vec<u8>),
    /// No table, hence no chains.
    NoTable,
}

/// The effect of a message (netlink header included), with its family and table; `None` for one that leaves
/// nothing that could be looked for.
#[inline(never)]
pub fn of(message: &[u8]) -> Option<(u8, Vec<u8>, Effect)> {
    let frame = Frame::unsealed(message)?;
    let fields = Fields::new(frame.payload.get(NFGENMSG..)?);
    let name = fields.string(TABLE);
    let in_chain = || Some(fields.string(CHAIN).to_vec()).filter(|chain| !chain.is_empty());
    let effect = match (frame.kind & 0xff, fields.be64(HANDLE)) {
        (rule::NEWRULE, Some(handle)) if frame.flags & REPLACE != 0 => Effect::NoRule(in_chain()?, handle),
        (rule::NEWRULE, _) => Effect::Rule(Box::new(rule::decode(&frame, name)?)),
        (rule::DELRULE, Some(handle)) => Effect::NoRule(in_chain()?, handle),
        (rule::DELRULE, None) => Effect::Empty(in_chain()),
        (chain::NEWCHAIN, _) => {
            let (name, policy) = chain::name_and_policy(&fields);
            Effect::Chain(name.to_vec(), policy)
        }
        (chain::DELCHAIN, _) => Effect::NoChain(chain::name_and_policy(&fields).0.to_vec()),
        (table::DELTABLE, _) => Effect::NoTable,
        _ => return None,
    };
    Some((*frame.payload.first()?, name.to_vec(), effect))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::nat::{Spec, Target};
    use crate::wire::build::{Netfilter, Request};
    use crate::wire::nft::FAMILY_IP;

    fn effect(request: Request<Netfilter>) -> Option<Effect> {
        let (family, table, effect) = of(request.bytes())?;
        assert_eq!((family, table.as_slice()), (FAMILY_IP, &b"nat"[..]));
        Some(effect)
    }

    #[test]
    fn what_is_sent_tells_what_to_look_for() {
        let spec = Spec { target: Target::Accept, comment: Some(b"x".to_vec()), ..Spec::default() };
        let add = rule::add(
            FAMILY_IP,
            b"nat",
            b"OUTPUT",
            rule::Place::First,
            &spec,
            Default::default(),
            rule::Dialect::Iptables,
        );
        let Some(Effect::Rule(found)) = effect(add) else { panic!() };
        assert_eq!((found.chain.as_slice(), &found.spec), (&b"OUTPUT"[..], &spec));
        let delete = rule::delete(FAMILY_IP, b"nat", b"OUTPUT", 7);
        assert_eq!(effect(delete), Some(Effect::NoRule(b"OUTPUT".to_vec(), 7)));
        assert_eq!(effect(rule::flush(FAMILY_IP, b"nat", None)), Some(Effect::Empty(None)));
        assert_eq!(effect(rule::flush(FAMILY_IP, b"nat", Some(b"A"))), Some(Effect::Empty(Some(b"A".to_vec()))));
        assert_eq!(effect(table::delete(FAMILY_IP, b"nat")), Some(Effect::NoTable));
        assert_eq!(effect(table::create(FAMILY_IP, b"nat", None)), None);
        assert_eq!(of(b""), None);
    }
}
