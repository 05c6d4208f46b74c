//! Chains of a [`Draft`]: made, deleted, renamed, and given a policy.

use super::{Draft, Item, Slot, empty};
use crate::cli::cursor::shown;
use crate::cli::iptables::fail::{Fail, Prefix, no_chain};
use crate::cli::iptables::job::Job;
use crate::cli::iptables::parse::chain_name;
use crate::model::nat::Counters;

impl<'a> Draft<'a> {
    #[inline(never)]
    pub(super) fn new_chain(&mut self, name: &'a [u8], line: u32) -> Result<(), Fail> {
        if self.leads(name) {
            return Err(Fail::missing("Chain already exists"));
        }
        match self.place(name).map(|at| self.order[at]) {
            // Another owner's.
            Ok(at) if !self.slots[at].gone => return Err(Fail::missing("Chain already exists")),
            // It was deleted before, and is to be there after all.
            Ok(at) => {
                let slot = &mut self.slots[at];
                (slot.gone, slot.make) = (false, slot.old.is_none());
                empty(slot, line);
            }
            Err(_) => {
                self.insert(Slot { name, make: true, line, ..Slot::default() });
            }
        }
        Ok(())
    }

    pub(super) fn delete_chain(&mut self, name: &[u8], job: &Job<'_>) -> Result<(), Fail> {
        let slot = self.find(name).ok_or_else(no_chain)?;
        let base = self.slots[slot].old.and_then(|chain| chain.base);
        if base.is_some_and(|base| !base.accept) {
            return Err(Fail::missing("Directory not empty"));
        }
        if base.is_none() {
            self.say(job, "Deleting", name);
        }
        let slot = &mut self.slots[slot];
        // As the kernel answers where it has the rules already.
        if slot.rules.iter().any(|item| matches!(item, Item::New(_))) {
            let pieces = &["CHAIN_DEL failed (Device or resource busy): chain ", &*shown(name)];
            return Err(Fail::new(Prefix::Kernel, pieces, 4));
        }
        (slot.gone, slot.line) = (true, job.line);
        Ok(())
    }

    /// All chains of users, and built-in ones that nothing was done with.
    #[inline(never)]
    pub(super) fn delete_chains(&mut self, job: &Job<'_>) -> Result<(), Fail> {
        let idle = |slot: &Slot<'_>| {
            let policy = slot.policy.map_or_else(|| slot.old.is_none_or(|c| c.base.is_none_or(|b| b.accept)), |p| p.0);
            let unused = slot.old.is_none_or(|chain| chain.uses == 0 || slot.flush || self.flush.is_some());
            policy && unused && !slot.rules.iter().any(|item| matches!(item, Item::New(_)))
        };
        let builtin = |slot: &Slot<'_>| self.table.builtin(slot.name).is_some();
        let (mut users, mut own) = (Vec::new(), Vec::new());
        for &at in &self.order {
            let slot = &self.slots[at];
            let fits = slot.old.is_none_or(|chain| self.table.compatible(chain));
            match (slot.gone || !fits, builtin(slot)) {
                (true, _) => {}
                (_, true) => own.push((at, idle(slot))),
                (_, false) => users.push(slot.name),
            }
        }
        // The chains of nat need each other.
        let keep = self.table.is_nat() && own.iter().any(|(_, idle)| !idle);
        for (at, _) in own.iter().filter(|(_, idle)| *idle && !keep) {
            (self.slots[*at].gone, self.slots[*at].line) = (true, job.line);
        }
        for name in users {
            self.delete_chain(name, job)?;
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, name: &[u8], job: &'a Job<'a>) -> Result<(), Fail> {
        if self.leads(job.word) {
            return Err(Fail::missing("File exists"));
        }
        // A built-in chain of another name would be none of iptables'.
        let slot = self.find(name).filter(|_| self.table.builtin(name).is_none()).ok_or_else(no_chain)?;
        chain_name(job.word)?;
        (self.slots[slot].rename, self.slots[slot].line) = (Some(job.word), job.line);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn policy(&mut self, name: &'a [u8], job: &Job<'_>) -> Result<(), Fail> {
        let accept = match job.word {
            _ if self.table.builtin(name).is_none() => return Err(Fail::missing("Bad built-in chain name")),
            b"ACCEPT" => true,
            b"DROP" => false,
            b"-" if job.line > 0 => return self.demand(name, job.line).map(|_| ()),
            _ if job.line > 0 => return Err(Fail::missing("Bad policy name")),
            _ => return Err(Fail::missing("Bad policy name. Run `dmesg' for more information")),
        };
        let slot = self.demand(name, job.line)?;
        let counters = if job.line > 0 { job.counters } else { Counters::default() };
        let slot = &mut self.slots[slot];
        (slot.policy, slot.line) = (Some((accept, counters)), job.line);
        Ok(())
    }
}
