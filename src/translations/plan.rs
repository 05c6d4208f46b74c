//! What is sent for a change of our rules, made from the rule set as it is.

use super::owner::Owner;
use super::seen::{DOCKER, FILTER, FORWARD, Found, NAT, Seen, family_number};
use super::{Entry, Missing, TABLE, is_foreign, subnet};
use crate::model::ip::Prefix;
use crate::model::nat::Base;
use crate::model::translation::key::{MARK, is_of};
use crate::model::translation::leg::{Act, Hook, Leg, State};
use crate::wire::build::{Netfilter, Request};
use crate::wire::nft::leg::{At, Form, add, jump};
use crate::wire::nft::{chain, rule, table};

/// A base chain: its table and name, our chain that it leads to in iptables' table, hook, priority.
type Row<'a> = (&'a [u8], &'static [u8], &'a [u8], u32, i32);
/// How many of them are in our own table.
const OWN: usize = 3;
const OUTPUT: &[u8] = b"output";

/// The chains that are made with the first rule; but for `output`, which is made when it is needed. Always those
/// of both directions: before kernel 4.18 a nat chain translates nothing without its counterpart for the answers.
fn rows(owner: &Owner) -> [Row<'_>; 7] {
    let (table, [pre, out, post]) = (&owner.table[..], &owner.chains);
    [
        (table, b"prerouting", b"", 0, -100),
        (table, b"postrouting", b"", 4, 100),
        (table, OUTPUT, b"", 3, -100),
        (NAT, b"PREROUTING", pre, 0, -100),
        (NAT, b"INPUT", b"", 1, 100),
        (NAT, b"OUTPUT", out, 3, -100),
        (NAT, b"POSTROUTING", post, 4, 100),
    ]
}

/// The chains of a table that our rules can be in.
fn chains<'a>(owner: &'a Owner, table: &[u8]) -> [&'a [u8]; 3] {
    let [pre, out, post] = &owner.chains;
    match table {
        NAT => [pre, out, post],
        FILTER => [FORWARD, DOCKER, b""],
        _ => [b"prerouting", b"postrouting", OUTPUT],
    }
}

/// Behind [`MARK`]: the comment of what leads to our chains in iptables' table.
const JUMP: &str = "jump";

/// What a message is about: the index of a rule, and the parts that it is written with if it adds one.
pub(super) type Step = (Option<usize>, Missing);

/// A rule that is wanted.
struct Piece<'a> {
    family: u8,
    table: &'a [u8],
    chain: &'a [u8],
    leg: Leg,
    entry: usize,
}

/// The messages of a change.
pub(super) struct Plan<'a> {
    seen: &'a Seen<'a>,
    missing: Missing,
    subnets: &'a [Prefix],
    pub messages: Vec<Request<Netfilter>>,
    /// What each message is about.
    pub steps: Vec<Step>,
    /// Chains that this plan makes; an empty name stands for the table.
    made: Vec<At<'a>>,
    /// Tables that this plan makes anew.
    anew: Vec<u8>,
    /// A chain that is there but hangs elsewhere, so that no packet would be translated there.
    pub astray: Option<At<'a>>,
}

impl<'a> Plan<'a> {
    /// Nothing yet.
    pub fn new(seen: &'a Seen<'a>, missing: Missing, subnets: &'a [Prefix]) -> Self {
        let (messages, steps, made, anew, astray) = Default::default();
        Plan { seen, missing, subnets, messages, steps, made, anew, astray }
    }

    /// Our own table.
    fn own(&self) -> &'a [u8] {
        &self.seen.owner.table
    }

    /// What is missing of a rule.
    pub fn add(&mut self, entry: &Entry) {
        let family = family_number(entry.translation.family);
        let key = entry.translation.key();
        let there = |table| self.seen.ours(family, table).iter().any(|found| is_of(found.comment(), key.as_bytes()));
        let (translated, allowed) = (there(self.own()) || there(NAT), there(FILTER));
        let mut pieces = self.pieces(std::slice::from_ref(entry));
        pieces.retain(|piece| if piece.table == FILTER { !allowed } else { !translated });
        self.reach(family, self.own());
        self.reach(family, NAT);
        self.put(&pieces, &[key]);
    }

    /// Takes a rule away, wherever it is.
    pub fn delete(&mut self, key: &[u8]) {
        for &family in &self.seen.families {
            for table in [self.own(), NAT, FILTER] {
                for found in self.seen.ours(family, table).iter().filter(|found| is_of(found.comment(), key)) {
                    self.take(found);
                }
            }
        }
    }

    /// Makes rules the only ones. A table that has them already is left alone.
    pub fn replace(&mut self, entries: &[Entry]) {
        let keys: Vec<String> = entries.iter().map(|entry| entry.translation.key()).collect();
        let mut pieces = self.pieces(entries);
        for &family in &self.seen.families {
            for table in [self.own(), NAT, FILTER] {
                let of_table = |piece: &Piece<'_>| piece.family == family && piece.table == table;
                let mut now = self.seen.ours(family, table);
                now.retain(|found| !is_jump(found));
                let mut equal = pieces.iter().filter(|piece| of_table(piece)).count() == now.len();
                for chain in chains(self.seen.owner, table) {
                    let mut wanted = pieces.iter().filter(|piece| of_table(piece) && piece.chain == chain);
                    let mut found = now.iter().filter(|found| found.rule.chain == chain);
                    equal &= found.all(|found| {
                        wanted.next().is_some_and(|piece| is_of(found.comment(), keys[piece.entry].as_bytes()))
                    });
                    equal &= wanted.next().is_none();
                }
                let is_wanted = pieces.iter().any(of_table);
                if table == self.own() && is_wanted {
                    let right = |row: &Row<'_>| self.hangs(family, row).unwrap_or(row.1 == OUTPUT);
                    equal &= rows(self.seen.owner)[..OWN].iter().all(right);
                }
                // A lab's table is the lab's as a whole.
                if table == self.own() && self.seen.owner.is_lab() {
                    let ours = |name: &[u8]| is_wanted && chains(self.seen.owner, table).contains(&name);
                    let now = self.seen.table(family, table).map(|table| &table.chains[..]).unwrap_or_default();
                    equal &= now.iter().all(|chain| ours(&chain.name));
                }
                if equal {
                    pieces.retain(|piece| !of_table(piece));
                    self.reach(family, table);
                } else if table == self.own() {
                    self.drop_table(family, is_wanted);
                } else {
                    now.iter().for_each(|found| self.take(found));
                }
            }
        }
        self.put(&pieces, &keys);
    }

    /// Makes rules the only ones; without any, no table is left.
    pub fn make(&mut self, entries: &[Entry]) {
        if entries.is_empty() { self.flush() } else { self.replace(entries) }
    }

    /// Takes everything away.
    pub fn flush(&mut self) {
        for &family in &self.seen.families {
            if self.seen.table(family, self.own()).is_some_and(|table| !table.chains.is_empty()) {
                self.push(None, table::delete(family, self.own()));
            }
            // What leads to a chain must go before it.
            for found in self.seen.ours(family, NAT).iter().filter(|found| is_jump(found)) {
                self.take(found);
            }
            let chains = self.seen.table(family, NAT).map(|table| &table.chains[..]).unwrap_or_default();
            for ours in chains.iter().filter(|chain| chain.name.starts_with(&self.seen.owner.prefix)) {
                self.push(None, rule::flush(family, NAT, Some(&ours.name)));
                self.push(None, chain::delete(family, NAT, &ours.name));
            }
            for found in self.seen.ours(family, FILTER) {
                self.take(&found);
            }
        }
    }

    #[inline(never)]
    fn push(&mut self, entry: Option<usize>, message: Request<Netfilter>) {
        self.messages.push(message);
        self.steps.push((entry, Missing::empty()));
    }

    #[inline(never)]
    fn take(&mut self, found: &Found<'_>) {
        self.push(None, rule::delete(found.family, found.table, &found.rule.chain, found.rule.handle));
    }

    /// Deletes our own table; to be made anew, it is made first, so that it is there to be deleted.
    fn drop_table(&mut self, family: u8, anew: bool) {
        if self.seen.table(family, self.own()).is_some_and(|table| !table.chains.is_empty()) {
            if anew {
                self.push(None, table::create(family, self.own(), None));
            }
            self.push(None, table::delete(family, self.own()));
        }
        self.anew.push(family);
    }

    /// The rules that entries come to, in order.
    fn pieces(&self, entries: &[Entry]) -> Vec<Piece<'a>> {
        let owner = self.seen.owner;
        let mut pieces = Vec::with_capacity(entries.len());
        for (entry, Entry { translation, allow_forward }) in entries.iter().enumerate() {
            let family = family_number(translation.family);
            let foreign = is_foreign(translation, self.missing);
            let table = if foreign { NAT } else { self.own() };
            let subnet = translation.addrs.and_then(|(target, _)| subnet(self.subnets, &target));
            for leg in translation.legs(subnet, foreign) {
                let [pre, out, post] = &owner.chains;
                let (own, ours): (&[u8], &[u8]) = match leg.hook {
                    Hook::Prerouting => (b"prerouting", pre),
                    Hook::Output => (OUTPUT, out),
                    Hook::Postrouting => (b"postrouting", post),
                    Hook::Forward => (b"", b""),
                };
                pieces.push(Piece { family, table, chain: if foreign { ours } else { own }, leg, entry });
            }
            if let Some(chain) = self.seen.forward_chain(family).filter(|_| *allow_forward) {
                for leg in translation.accepts() {
                    pieces.push(Piece { family, table: FILTER, chain, leg, entry });
                }
            }
        }
        pieces
    }

    /// Adds rules, with the tables and chains that they need; what lets packets through goes to the head of
    /// its chain.
    fn put(&mut self, pieces: &[Piece<'a>], keys: &[String]) {
        for piece in pieces.iter().filter(|piece| piece.table != FILTER) {
            self.chains_for(piece.family, piece.table, piece.chain, Some(piece.entry));
            self.put_one(piece, &keys[piece.entry]);
        }
        for piece in pieces.iter().rev().filter(|piece| piece.table == FILTER) {
            self.put_one(piece, &keys[piece.entry]);
        }
    }

    #[inline(never)]
    fn put_one(&mut self, piece: &Piece<'a>, key: &str) {
        let (leg, own) = (&piece.leg, piece.table == self.own());
        let xt = !self.missing.contains(Missing::XT);
        let form = Form {
            target: !own,
            local: if own { self.missing.contains(Missing::FIB) } else { xt },
            state: if own { self.missing.contains(Missing::CT) } else { xt },
        };
        let mut parts = match leg.act {
            Act::Masquerade if own => Missing::MASQ,
            Act::Snat | Act::Dnat if own => Missing::NAT,
            Act::Redirect if own => Missing::REDIR,
            _ => Missing::empty(),
        };
        let state = leg.state != State::Any;
        parts.set(Missing::FIB, leg.local && !form.local);
        parts.set(Missing::CT, state && !form.state);
        parts.set(Missing::XT, !own && xt && (leg.local || state));
        // What has been refused before has no other form.
        parts.remove(self.missing);
        let at = At { family: piece.family, table: piece.table, chain: piece.chain };
        self.messages.push(add(at, piece.table == FILTER, leg, form, key.as_bytes()));
        self.steps.push((Some(piece.entry), parts));
    }

    /// Whether a chain (with an empty name, the table) has to be made; notes that it is.
    #[inline(never)]
    fn must_make(&mut self, family: u8, table: &'a [u8], chain: &'a [u8]) -> bool {
        let at = At { family, table, chain };
        let anew = table == self.own() && self.anew.contains(&family);
        let there = self.seen.table(family, table).is_some_and(|table| {
            if chain.is_empty() { !table.chains.is_empty() } else { table.chain(chain).is_some() }
        });
        if self.made.contains(&at) || (there && !anew) {
            return false;
        }
        self.made.push(at);
        true
    }

    /// Whether a base chain of ours hangs where it must; `None` if it is not there.
    #[inline(never)]
    fn hangs(&self, family: u8, row: &Row<'_>) -> Option<bool> {
        let chain = self.seen.table(family, row.0)?.chain(row.1)?;
        Some(chain.base.is_some_and(|base| Base { accept: true, ..base } == base_of(row)))
    }

    /// Makes what must be there for packets to reach the rules that a table has: the way to our chains in iptables'
    /// table is lost when its chains are flushed.
    #[inline(never)]
    fn reach(&mut self, family: u8, table: &'a [u8]) {
        let now = self.seen.ours(family, table);
        for chain in chains(self.seen.owner, table) {
            if table != FILTER && now.iter().any(|found| found.rule.chain == chain) {
                self.chains_for(family, table, chain, None);
            }
        }
    }

    /// Makes the table and the chains that a rule needs.
    #[inline(never)]
    fn chains_for(&mut self, family: u8, table: &'a [u8], chain: &'a [u8], entry: Option<usize>) {
        if self.must_make(family, table, b"") {
            self.push(entry, table::create(family, table, if table == self.own() { Some(TABLE) } else { None }));
        }
        for row in rows(self.seen.owner).iter().filter(|row| row.0 == table) {
            let (_, name, ours, ..) = *row;
            if (name != OUTPUT || name == chain) && self.must_make(family, table, name) {
                self.push(entry, chain::create(family, table, name, &base_of(row)));
            }
            let anew = table == self.own() && self.anew.contains(&family);
            if !anew && self.hangs(family, row) == Some(false) {
                self.astray = Some(At { family, table, chain: name });
            }
            if ours != chain {
                continue;
            }
            if self.must_make(family, table, ours) {
                self.push(entry, chain::create_user(family, table, ours));
            }
            let led = |found: &Found<'_>| found.rule.chain == name && is_jump(found);
            let jumped = At { family, table: b"", chain: ours };
            if !self.made.contains(&jumped) && !self.seen.ours(family, table).iter().any(led) {
                self.made.push(jumped);
                let comment = [MARK, JUMP].concat();
                self.push(entry, jump(At { family, table, chain: name }, ours, comment.as_bytes()));
            }
        }
    }
}

/// The base of a chain.
fn base_of(row: &Row<'_>) -> Base {
    Base { kind: "nat", hook: row.3, priority: row.4, accept: true }
}

/// Whether a rule only leads to our chains in iptables' table.
fn is_jump(found: &Found<'_>) -> bool {
    found.comment().strip_prefix(MARK.as_bytes()) == Some(JUMP.as_bytes())
}

#[cfg(test)]
mod tests;
