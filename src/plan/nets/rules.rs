//! Rules of policy routing.
//!
//! A rule has no properties beside those that tell it apart: what differs is another rule. Where the kernel would
//! choose a priority by what else there is, a place's rules get those that it would choose in a fresh namespace.

use super::owner::Keys;
use super::{BY_HAND, Job};
use crate::model::ip::{Family, Prefix};
use crate::model::lab::PROTOCOL;
use crate::model::op::Op;
use crate::model::plan::{Act, Sign};
use crate::model::rule::{
    RULE_GOTO, RULE_IP_PROTOCOL, RULE_L3MDEV, RULE_MARK, RULE_MASK, RULE_PRIORITY, RULE_PROTOCOL, RULE_REALMS,
    RULE_SUPPRESS_GROUP, RULE_SUPPRESS_PREFIX, Rule, RuleFlags,
};
use crate::model::topology::{Origin, Place};
use crate::wire::attr::octets;

/// Priority of the first rule for which none is given; each further one of its family has one less.
const FIRST: u32 = 32765;

/// Numbers that tell rules apart, each with the value that says nothing. The mark is none: that tells whose it is.
const NUMBERS: [(u16, u32); 9] = [
    (RULE_PRIORITY, 0),
    (RULE_MARK, 0),
    (RULE_MASK, 0),
    (RULE_GOTO, 0),
    (RULE_L3MDEV, 0),
    (RULE_IP_PROTOCOL, 0),
    (RULE_REALMS, 0),
    (RULE_SUPPRESS_PREFIX, u32::MAX),
    (RULE_SUPPRESS_GROUP, u32::MAX),
];

/// The rules that a place asks for, as they are sent.
pub fn wanted(place: &Place) -> Vec<(Origin, Rule)> {
    let mut next = [FIRST; 2];
    let mut rules = Vec::with_capacity(place.rules.len());
    for said in &place.rules {
        let mut rule = said.what.clone();
        let next = &mut next[usize::from(rule.family == Family::V6)];
        if rule.get(RULE_PRIORITY).is_none() {
            rule.set(RULE_PRIORITY, *next);
            *next = next.saturating_sub(1);
        }
        rule.set(RULE_PROTOCOL, PROTOCOL.into());
        rules.push((said.at, rule));
    }
    rules
}

/// `FR_ACT_BLACKHOLE`, `FR_ACT_UNREACHABLE`, `FR_ACT_PROHIBIT`.
const REFUSALS: std::ops::RangeInclusive<u8> = 6..=8;

/// Place in a key of whether the rule is for packets that its selector does not meet.
const INVERT: usize = 4;

/// What tells a rule apart.
pub fn key(rule: &Rule) -> Vec<u8> {
    let invert = rule.flags.contains(RuleFlags::INVERT);
    let mut key = [b'u', rule.family.number(), rule.tos.unwrap_or(0), rule.action.0, u8::from(invert)].to_vec();
    let mut put = |bytes: &[u8]| {
        // No part runs into the next one.
        key.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        key.extend_from_slice(bytes);
    };
    put(&rule.table.to_ne_bytes());
    for (number, nothing) in NUMBERS {
        let mut value = rule.get(number).unwrap_or(nothing);
        if number == RULE_MASK && rule.get(RULE_MARK).unwrap_or(0) != 0 && rule.get(RULE_MASK).is_none() {
            value = u32::MAX;
        }
        put(&value.to_ne_bytes());
    }
    for prefix in [rule.from, rule.to] {
        put(&prefix.map(|prefix: Prefix| [&octets(&prefix.addr())[..], &[prefix.len()]].concat()).unwrap_or_default());
    }
    for name in [&rule.input, &rule.output] {
        put(name.as_deref().unwrap_or_default());
    }
    let pair = |pair: Option<(u32, u32)>| {
        pair.map(|(first, last)| [first.to_ne_bytes(), last.to_ne_bytes()].concat()).unwrap_or_default()
    };
    put(&pair(rule.users));
    for ports in [rule.sport, rule.dport] {
        put(&pair(ports.map(|(first, last)| (first.into(), last.into()))));
    }
    put(&rule.tunnel.map(u64::to_ne_bytes).unwrap_or_default());
    key
}

impl Job<'_> {
    /// Rules of the place.
    pub(super) fn rules(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let found = &ctx.world.places[place].rules;
        let mut keys = Keys::default();
        found.iter().for_each(|rule| keys.add(key(rule)));
        let mut kept = vec![false; found.len()];
        for (at, rule) in wanted(&ctx.topology.places[place]) {
            let mut key = key(&rule);
            if let Some(number) = keys.find(&key, &|number| !kept[number]) {
                kept[number] = true;
                continue;
            }
            let mut sign = Sign::Create;
            // The kernel refuses one beside the same one that is for all other packets.
            key[INVERT] ^= 1;
            if let Some(number) = keys.find(&key, &|number| !kept[number] && self.may_remove_rule(&found[number])) {
                kept[number] = true;
                let rule = naked(&found[number]);
                self.op(Sign::Replace, Op::Rule { delete: true, rule }, at, Vec::new());
                sign = Sign::Part;
            }
            self.op(sign, Op::Rule { delete: false, rule }, at, Vec::new());
        }
        for (rule, _) in found.iter().zip(kept).filter(|(_, kept)| !kept) {
            if self.may_remove_rule(rule) {
                // One that refuses packets keeps gateways from being found.
                let first = REFUSALS.contains(&rule.action.0);
                self.remove(Act::Op(Box::new(Op::Rule { delete: true, rule: naked(rule) })), first);
            }
        }
    }

    fn may_remove_rule(&self, rule: &Rule) -> bool {
        // Before kernel 4.17 rules have no mark.
        let protocol = rule.get(RULE_PROTOCOL).and_then(|protocol| u8::try_from(protocol).ok());
        let mark = protocol.map(|protocol| protocol == PROTOCOL);
        if self.ctx.is_our_place(self.place) {
            mark == Some(true) || protocol.is_some_and(|protocol| BY_HAND.contains(&protocol))
        } else {
            self.claims.may_remove(&key(rule), mark)
        }
    }
}

/// A rule without what only the kernel says.
fn naked(rule: &Rule) -> Rule {
    Rule { flags: rule.flags & RuleFlags::INVERT, ..rule.clone() }
}
