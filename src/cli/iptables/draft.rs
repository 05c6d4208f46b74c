//! A table as it will be: commands change it here, one after the other, and only what
//! differs in the end is sent. So a rule can be put before one that is itself new, and a
//! command that cannot be carried out leaves the kernel's table as it was.

mod chains;

use super::fail::{Fail, bad_rule, no_chain};
use super::job::{Command, Job};
use super::list::{self, Look};
use super::tables::Table;
use crate::cli::cursor::shown;
use crate::model::nat::{Chain, Counters, Rule, Spec, Target};
use crate::ruleset;
use crate::wire::nft::rule::{self, Dialect};

/// One rule of a chain.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// All rules that the chain has: they were not read.
    Rest,
    /// One that is there.
    Old(&'a Rule),
    /// One that is there, with its counter at 0.
    Zeroed(&'a Rule),
    /// One that is to be made.
    New(New<'a>),
}

/// A rule that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// What it is.
    pub spec: &'a Spec,
    /// What its counter starts at.
    pub counters: Counters,
    /// Which expressions it is written with.
    pub dialect: Dialect,
    /// Handle of the rule whose place it takes.
    pub instead: Option<u64>,
    /// iptables' name of the step, and what it is about.
    pub step: &'static str,
    /// Line of the input.
    pub line: u32,
}

/// One chain.
#[derive(Debug, Default)]
pub struct Slot<'a> {
    /// Its name in the kernel.
    pub name: &'a [u8],
    /// As it is in the kernel.
    pub old: Option<&'a Chain>,
    /// Whether it must be made, or be made fit.
    pub make: bool,
    /// Whether it is to be deleted.
    pub gone: bool,
    /// Its new name.
    pub rename: Option<&'a [u8]>,
    /// Policy (whether it accepts) and its counters, if they are to be set.
    pub policy: Option<(bool, Counters)>,
    /// Whether its old rules are to be deleted.
    pub flush: bool,
    /// Its rules.
    pub rules: Vec<Item<'a>>,
    /// Handles of old rules that are to be deleted.
    pub dead: Vec<u64>,
    /// Line of the input that last dealt with the chain itself.
    pub line: u32,
}

/// A table as it will be.
pub struct Draft<'a> {
    /// Which one it is.
    pub table: &'static Table,
    /// As it is in the kernel.
    pub seen: &'a ruleset::Table,
    /// Whether the kernel's is thrown away first.
    pub anew: bool,
    /// Whether all old rules are to be deleted, and by which line.
    pub flush: Option<u32>,
    /// The chains: those of the kernel, then new ones, in the order of their making.
    pub slots: Vec<Slot<'a>>,
    /// What `-v` prints.
    pub out: String,
    /// Places in `slots`, sorted by name.
    order: Vec<usize>,
}

impl<'a> Draft<'a> {
    /// Starts with what is in the kernel, or with nothing if that is to be thrown away. `all` says
    /// that all rules were read.
    #[inline(never)]
    pub fn new(table: &'static Table, seen: &'a ruleset::Table, anew: bool, read: ruleset::Need<'_>) -> Self {
        let (slots, order, out) = (Vec::new(), Vec::new(), String::new());
        let mut draft = Draft { table, seen, anew, flush: None, slots, out, order };
        if anew {
            return draft;
        }
        for chain in &seen.chains {
            let known = match read {
                ruleset::Need::Chains => false,
                ruleset::Need::Rules(name) => name == chain.name,
                _ => true,
            };
            let rules = if known { Vec::new() } else { vec![Item::Rest] };
            draft.insert(Slot { name: &chain.name, old: Some(chain), rules, ..Slot::default() });
        }
        for rule in &seen.rules {
            if let Some(slot) = draft.find(&rule.chain) {
                draft.slots[slot].rules.push(Item::Old(rule));
            }
        }
        draft
    }

    #[inline(never)]
    fn insert(&mut self, slot: Slot<'a>) -> usize {
        let at = self.place(slot.name).unwrap_or_else(|at| at);
        self.order.insert(at, self.slots.len());
        self.slots.push(slot);
        self.slots.len() - 1
    }

    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.order.binary_search_by(|&slot| self.slots[slot].name.cmp(name))
    }

    /// The chain of a name, unless it is another owner's: a base chain that is none of iptables'.
    #[inline(never)]
    fn find(&self, name: &[u8]) -> Option<usize> {
        let at = self.order[self.place(name).ok()?];
        let slot = &self.slots[at];
        let fits = slot.make || slot.old.is_none_or(|chain| self.table.compatible(chain));
        (!slot.gone && fits).then_some(at)
    }

    /// Whether a jump can lead to a chain of this name.
    fn leads(&self, name: &[u8]) -> bool {
        self.table.builtin(name).is_some() || self.find(name).is_some()
    }

    /// The chain of a name, which is made if it is a built-in one.
    fn demand(&mut self, name: &'a [u8], line: u32) -> Result<usize, Fail> {
        if self.table.builtin(name).is_none() {
            return self.find(name).ok_or_else(no_chain);
        }
        let mut wanted = 0;
        for other in self.table.chains() {
            // Before kernel 4.18 a nat chain translates nothing unless its counterpart for the answers exists too.
            if other == name || self.table.is_nat() {
                let slot = self.make(other, line, other == name);
                wanted = if other == name { slot } else { wanted };
            }
        }
        Ok(wanted)
    }

    #[inline(never)]
    fn make(&mut self, name: &'a [u8], line: u32, wanted: bool) -> usize {
        match self.place(name).map(|at| self.order[at]) {
            Err(_) => self.insert(Slot { name, make: true, line, ..Slot::default() }),
            Ok(at) => {
                let slot = &mut self.slots[at];
                let fits = slot.old.is_some_and(|chain| self.table.compatible(chain));
                if (slot.gone && slot.old.is_none()) || (wanted && !fits) {
                    (slot.make, slot.line) = (true, line);
                }
                slot.gone = false;
                at
            }
        }
    }

    /// Carries out one command.
    pub fn apply(&mut self, job: &'a Job<'a>) -> Result<(), Fail> {
        let done = match (job.command, job.chain) {
            (Command::Flush, None) => self.flush_all(job),
            (Command::DeleteChain, None) => self.delete_chains(job),
            (Command::Zero, None) => self.zero_all(job),
            (_, Some(chain)) => self.apply_to(chain, job),
            (_, None) => Ok(()),
        };
        done.map_err(|fail| fail.at(job.line))
    }

    #[inline(never)]
    fn apply_to(&mut self, name: &'a [u8], job: &'a Job<'a>) -> Result<(), Fail> {
        match job.command {
            Command::Append | Command::Insert | Command::Replace => self.add(name, job),
            Command::Delete | Command::Check => self.delete(name, job),
            Command::DeleteNumber => {
                let (slot, at) = self.numbered(name, job, "Index of deletion too big")?;
                let slot = &mut self.slots[slot];
                bury(slot.rules.remove(at), &mut slot.dead);
                Ok(())
            }
            Command::Flush => {
                let slot = self.demand(name, job.line)?;
                self.say(job, "Flushing", name);
                empty(&mut self.slots[slot], job.line);
                Ok(())
            }
            Command::Renew if self.find(name).is_some() => {
                let slot = self.demand(name, job.line)?;
                empty(&mut self.slots[slot], job.line);
                Ok(())
            }
            Command::New | Command::Renew => self.new_chain(name, job.line),
            Command::DeleteChain => self.delete_chain(name, job),
            Command::Rename => self.rename(name, job),
            Command::Policy => self.policy(name, job),
            Command::Zero => self.zero(name, job),
            _ => Ok(()),
        }
    }

    /// Adds a line of `-v`.
    #[inline(never)]
    fn say(&mut self, job: &Job<'_>, what: &str, chain: &[u8]) {
        if job.has(b'v') {
            self.out.push_str(&[what, " chain `", &shown(chain), "'\n"].concat());
        }
    }

    #[inline(never)]
    fn say_rule(&mut self, job: &Job<'_>, spec: &Spec) {
        if job.has(b'v') {
            let look = Look { family: job.family, names: None, numeric: false };
            self.out.push_str(&list::rule_line(&look, spec));
        }
    }

    #[inline(never)]
    fn add(&mut self, name: &'a [u8], job: &'a Job<'a>) -> Result<(), Fail> {
        self.jump_exists(job)?;
        if job.command == Command::Replace {
            let (slot, at) = self.numbered(name, job, "Index of replacement too big")?;
            let Some(spec) = job.specs.first() else { return Ok(()) };
            self.say_rule(job, spec);
            let place = &mut self.slots[slot].rules[at];
            let instead = match place {
                Item::Old(rule) | Item::Zeroed(rule) => Some(rule.handle),
                Item::New(new) => new.instead,
                Item::Rest => None,
            };
            *place = Item::New(new(job, spec, instead, "RULE_REPLACE rule in chain"));
            return Ok(());
        }
        let slot = self.demand(name, job.line)?;
        let number = usize::try_from(job.number.unwrap_or(1)).unwrap_or(usize::MAX) - 1;
        let insert = job.command == Command::Insert;
        if insert && number > self.slots[slot].rules.len() {
            return Err(Fail::missing("Index of insertion too big"));
        }
        for spec in &job.specs {
            self.say_rule(job, spec);
            let rules = &mut self.slots[slot].rules;
            // Each of several goes to the same place, so the last one comes first.
            let at = if insert { number } else { rules.len() };
            rules.insert(
                at,
                Item::New(new(
                    job,
                    spec,
                    None,
                    if insert { "RULE_INSERT rule in chain" } else { "RULE_APPEND rule in chain" },
                )),
            );
        }
        Ok(())
    }

    /// A jump must lead to a chain that is there.
    fn jump_exists(&self, job: &Job<'_>) -> Result<(), Fail> {
        match job.specs.first().map(|spec| &spec.target) {
            Some(Target::Jump(to) | Target::Goto(to)) if !self.leads(to) => {
                Err(Fail::word("Chain '", to, "' does not exist"))
            }
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn delete(&mut self, name: &[u8], job: &'a Job<'a>) -> Result<(), Fail> {
        self.jump_exists(job)?;
        for spec in &job.specs {
            let slot = self.find(name).ok_or_else(bad_rule)?;
            let wanted = rule::settled(spec);
            let same = |item: &Item<'_>| match item {
                Item::Old(rule) | Item::Zeroed(rule) => rule.unknown.is_empty() && rule.spec == wanted,
                Item::New(new) => rule::settled(new.spec) == wanted,
                Item::Rest => false,
            };
            let at = self.slots[slot].rules.iter().position(same).ok_or_else(bad_rule)?;
            self.say_rule(job, spec);
            if job.command == Command::Delete {
                let slot = &mut self.slots[slot];
                bury(slot.rules.remove(at), &mut slot.dead);
            }
        }
        Ok(())
    }

    /// The place of a rule by its number.
    #[inline(never)]
    fn numbered(&self, name: &[u8], job: &Job<'_>, beyond: &str) -> Result<(usize, usize), Fail> {
        let slot = self.find(name).ok_or_else(no_chain)?;
        let at = usize::try_from(job.number.unwrap_or(1)).unwrap_or(usize::MAX) - 1;
        if at < self.slots[slot].rules.len() { Ok((slot, at)) } else { Err(Fail::missing(beyond)) }
    }

    #[inline(never)]
    fn flush_all(&mut self, job: &Job<'_>) -> Result<(), Fail> {
        let chains: &[Chain] = if self.anew { &[] } else { &self.seen.chains };
        for chain in list::arrange(self.table, chains, false) {
            self.say(job, "Flushing", &chain.name);
        }
        for slot in &mut self.slots {
            slot.rules.clear();
            slot.dead.clear();
        }
        if !chains.is_empty() {
            self.flush = Some(job.line);
        }
        Ok(())
    }

    #[inline(never)]
    fn zero_all(&mut self, job: &'a Job<'a>) -> Result<(), Fail> {
        for chain in list::arrange(self.table, &self.seen.chains, false) {
            if let Some(slot) = self.find(&chain.name) {
                self.say(job, "Zeroing", &chain.name);
                self.zero_slot(slot, job);
            }
        }
        Ok(())
    }

    fn zero(&mut self, name: &[u8], job: &'a Job<'a>) -> Result<(), Fail> {
        let missing = if job.number.is_some() { bad_rule } else { no_chain };
        let slot = self.find(name).ok_or_else(missing)?;
        match job.number {
            Some(number) => {
                let at = usize::try_from(number).unwrap_or(usize::MAX) - 1;
                if let Some(item) = self.slots[slot].rules.get_mut(at) {
                    zero(item);
                }
            }
            None => {
                self.say(job, "Zeroing", name);
                self.zero_slot(slot, job);
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn zero_slot(&mut self, slot: usize, job: &Job<'_>) {
        let slot = &mut self.slots[slot];
        let accept = slot.policy.map(|policy| policy.0).or_else(|| Some(slot.old?.base?.accept));
        if let Some(accept) = accept {
            (slot.policy, slot.line) = (Some((accept, Counters::default())), job.line);
        }
        slot.rules.iter_mut().for_each(zero);
    }
}

fn zero(item: &mut Item<'_>) {
    match item {
        Item::Old(rule) if rule.counters.is_some_and(|counters| counters != Counters::default()) => {
            *item = Item::Zeroed(rule);
        }
        Item::New(new) => new.counters = Counters::default(),
        _ => {}
    }
}

fn new<'a>(job: &Job<'_>, spec: &'a Spec, instead: Option<u64>, step: &'static str) -> New<'a> {
    New { spec, counters: job.counters, dialect: job.dialect, instead, step, line: job.line }
}

/// Notes the old rule that goes with an item.
#[inline(never)]
fn bury(item: Item<'_>, dead: &mut Vec<u64>) {
    match item {
        Item::Old(rule) | Item::Zeroed(rule) => dead.push(rule.handle),
        Item::New(New { instead: Some(handle), .. }) => dead.push(handle),
        _ => {}
    }
}

/// Takes all rules out of a chain.
#[inline(never)]
fn empty(slot: &mut Slot<'_>, line: u32) {
    slot.rules.clear();
    slot.dead.clear();
    slot.line = line;
    slot.flush = slot.old.is_some();
}
