//! The rule set as far as it concerns our rules: our own tables, iptables' nat tables if
//! we have chains there, and the chains that iptables forwards by.

use super::owner::Owner;
use super::{Entry, Listed};
use crate::model::ip::Family;
use crate::model::nat::{Counters, Rule, Target};
use crate::model::translation::Translation;
use crate::model::translation::key::{MARK, is_of};
use crate::ruleset::{Failure, Id, Need, Ruleset, Snapshot, Table};
use crate::sys::nl::Transport;

/// iptables' table of translations.
pub const NAT: &[u8] = b"nat";
/// iptables' table of filters.
pub const FILTER: &[u8] = b"filter";
/// Its chain for what is passed on.
pub const FORWARD: &[u8] = b"FORWARD";
/// The chain that Docker leaves to its user, before its own rules.
pub const DOCKER: &[u8] = b"DOCKER-USER";

/// `NFPROTO_*` of a family.
pub fn family_number(family: Family) -> u8 {
    if family == Family::V6 { 10 } else { 2 }
}

/// A rule with its place.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// `NFPROTO_*`.
    pub family: u8,
    /// The table.
    pub table: &'a [u8],
    /// The rule.
    pub rule: &'a Rule,
}

impl<'a> Found<'a> {
    /// Its comment; empty if it has none.
    #[inline(never)]
    pub fn comment(&self) -> &'a [u8] {
        self.rule.spec.comment.as_deref().unwrap_or_default()
    }

    fn is_marked(&self) -> bool {
        self.comment().starts_with(MARK.as_bytes())
    }
}

/// What was read.
pub struct Seen<'a> {
    /// Whose rules are ours.
    pub owner: &'a Owner,
    /// The tables, as [`Seen::asked`] names them.
    pub snapshot: Snapshot,
    /// Families that were read.
    pub families: Vec<u8>,
    asked: Vec<(u8, &'a [u8], Need<'static>)>,
}

impl<'a> Seen<'a> {
    /// Reads families; with `filter` also the chains that iptables forwards by.
    pub fn read<T: Transport>(
        ruleset: &mut Ruleset<T>,
        owner: &'a Owner,
        families: &[u8],
        filter: bool,
    ) -> Result<Self, Failure> {
        let mut asked: Vec<(u8, &'a [u8], Need<'static>)> = Vec::new();
        for family in families {
            let all: [(&'a [u8], Need<'static>); 4] = [
                (&owner.table, Need::All),
                (NAT, Need::Chains),
                (FILTER, Need::Rules(FORWARD)),
                (FILTER, Need::Rules(DOCKER)),
            ];
            for (name, need) in &all[..if filter { 4 } else { 2 }] {
                asked.push((*family, name, *need));
            }
        }
        loop {
            let wanted: Vec<_> = asked.iter().map(|&(family, name, need)| (Id { family, name }, need)).collect();
            let snapshot = ruleset.read(&wanted)?;
            // The rules of iptables' table matter only where some are ours.
            let mut again = false;
            for (ask, table) in asked.iter_mut().zip(&snapshot.tables) {
                if ask.2 == Need::Chains && table.chains.iter().any(|chain| chain.name.starts_with(&owner.prefix)) {
                    (ask.2, again) = (Need::All, true);
                }
            }
            if !again {
                return Ok(Seen { owner, snapshot, families: families.to_vec(), asked });
            }
        }
    }

    /// A rule set of these tables.
    #[cfg(test)]
    pub fn of(owner: &'a Owner, tables: Vec<(u8, &'a [u8], Table)>) -> Self {
        let families = vec![2, 10];
        let asked = tables.iter().map(|table| (table.0, table.1, Need::All)).collect();
        let tables = tables.into_iter().map(|table| table.2).collect();
        Seen { owner, snapshot: Snapshot { generation: 1, tables }, families, asked }
    }

    /// A table that was read; the first of its name.
    #[inline(never)]
    pub fn table(&self, family: u8, name: &[u8]) -> Option<&Table> {
        let at = self.asked.iter().position(|ask| ask.0 == family && ask.1 == name)?;
        self.snapshot.tables.get(at)
    }

    /// The rules of a table that was read that are ours, in the order in which they were added. In our own
    /// table, all are.
    #[inline(never)]
    pub fn ours(&self, family: u8, name: &[u8]) -> Vec<Found<'_>> {
        let mut found = Vec::new();
        for (ask, table) in self.asked.iter().zip(&self.snapshot.tables) {
            if ask.0 == family && ask.1 == name {
                for rule in in_order(&table.rules) {
                    let rule = Found { family, table: ask.1, rule };
                    if name == self.owner.table || (rule.is_marked() && self.owner.owns(rule.rule)) {
                        found.push(rule);
                    }
                }
            }
        }
        found
    }

    /// The chain that must let packets through, if iptables' chain FORWARD drops them.
    pub fn forward_chain(&self, family: u8) -> Option<&'static [u8]> {
        let filter = self.table(family, FILTER)?;
        let drops = filter.chain(FORWARD)?.base.is_some_and(|base| !base.accept);
        // Docker's may be left over, with nothing that leads to it.
        let leads = |rule: &Rule| matches!(&rule.spec.target, Target::Jump(to) if to == DOCKER);
        drops.then(|| if filter.rules_of(FORWARD).any(leads) { DOCKER } else { FORWARD })
    }

    /// All rules for a listing, by the rule of each that packets meet first; what belongs to none is foreign.
    /// A comment that is cut tells only of a rule that is among the known ones.
    pub fn listed(&self, known: &[Translation]) -> Vec<Listed> {
        // What is left of one may read like another rule.
        let of = |comment: &[u8]| {
            let whole = known.iter().find(|known| is_of(comment, known.key().as_bytes())).copied();
            whole.or_else(|| Translation::from_key(comment))
        };
        let mut all: Vec<Listed> = Vec::new();
        for &family in &self.families {
            let allowed = self.ours(family, FILTER);
            for table in [&self.owner.table[..], NAT] {
                let (mut keys, mut others): (Vec<&[u8]>, Vec<Found<'_>>) = (Vec::new(), Vec::new());
                for found in self.ours(family, table) {
                    let comment = found.comment();
                    if keys.last() != Some(&comment) || !found.is_first() {
                        let Some(translation) = of(comment).filter(|_| found.is_first()) else {
                            // Most stand beside the first of theirs: so few are looked for among all.
                            if keys.last() != Some(&comment) {
                                others.push(found);
                            }
                            continue;
                        };
                        keys.push(comment);
                        let allow_forward = allowed.iter().any(|other| other.comment() == comment);
                        let entry = Entry { translation, allow_forward };
                        all.push(Listed::Rule { entry, xtables: table == NAT, counters: Counters::default() });
                    }
                    if let (Some(Listed::Rule { counters, .. }), Some(more)) = (all.last_mut(), found.rule.counters)
                        && found.rule.spec.target != Target::Return
                    {
                        counters.packets += more.packets;
                        counters.bytes += more.bytes;
                    }
                }
                // In iptables' table, what leads to our chains is left.
                for found in others.iter().filter(|found| table != NAT && !keys.contains(&found.comment())) {
                    let (chain, handle) = (found.rule.chain.clone(), found.rule.handle);
                    all.push(Listed::Foreign { family, chain, handle });
                }
            }
        }
        all
    }
}

impl Found<'_> {
    /// Whether it is the one of a translation's rules that stands for all.
    fn is_first(&self) -> bool {
        let source =
            self.comment().get(MARK.len()..).is_some_and(|words| words.starts_with(b"m") || words.starts_with(b"s"));
        let (own, ours): (&[u8], &[u8]) = if source { (b"postrouting", b"-POST") } else { (b"prerouting", b"-PRE") };
        self.rule.chain == own || self.rule.chain.ends_with(ours)
    }
}

/// Rules, chain after chain as the kernel lists them, in the order of their handles: that in which they were
/// added. In each chain they rise, unless a rule was put before others.
fn in_order(rules: &[Rule]) -> impl Iterator<Item = &Rule> {
    let mut chains: Vec<&[Rule]> = Vec::new();
    let mut rest = rules;
    while let Some(first) = rest.first() {
        let end = rest.iter().position(|rule| rule.chain != first.chain).unwrap_or(rest.len());
        let (chain, others) = rest.split_at(end);
        chains.push(chain);
        rest = others;
    }
    std::iter::from_fn(move || {
        let mut next: Option<usize> = None;
        let handle = |chain: &[Rule]| chain.first().map_or(u64::MAX, |rule| rule.handle);
        for (at, chain) in chains.iter().enumerate() {
            if !chain.is_empty() && next.is_none_or(|next| handle(chain) < handle(chains[next])) {
                next = Some(at);
            }
        }
        let (first, rest) = chains.get(next?)?.split_first()?;
        chains[next?] = rest;
        Some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_in_the_order_of_their_handles() {
        let rule = |chain: &str, handle| Rule {
            chain: chain.as_bytes().to_vec(),
            handle,
            spec: Default::default(),
            counters: None,
            unknown: String::new(),
            raw: Vec::new(),
        };
        let rules = [rule("a", 3), rule("a", 6), rule("b", 4), rule("b", 7), rule("c", 5)];
        assert_eq!(in_order(&rules).map(|rule| rule.handle).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
        assert_eq!(in_order(&[]).count(), 0);
    }
}
