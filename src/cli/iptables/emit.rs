//! What must be sent so that the kernel's table becomes a [`Draft`]: chains first, then
//! rules, then chains that go.

use super::draft::{Draft, Item, New, Slot};
use super::kernel::Steps;
use crate::model::nat::Base;
use crate::ruleset::Id;
use crate::wire::nft::rule::{self, Place};
use crate::wire::nft::{chain, table};

/// Adds the messages.
#[inline(never)]
pub fn emit<'a>(draft: &Draft<'a>, id: Id<'static>, steps: &mut Steps<'a>) {
    let Id { family, name: table } = id;
    let there = !draft.seen.chains.is_empty();
    if draft.anew && there {
        steps.push("TABLE_FLUSH table", table, 0, table::delete(family, table));
    }
    let makes = |slot: &&Slot<'_>| slot.make && !slot.gone;
    if (draft.anew || !there)
        && let Some(first) = draft.slots.iter().find(makes)
    {
        steps.push("TABLE_ADD table", table, first.line, table::create(family, table, None));
    }
    for slot in draft.slots.iter().filter(|slot| !slot.gone) {
        base_or_user(draft, id, slot, steps);
    }
    for slot in &draft.slots {
        let handle = slot.old.map_or(0, |chain| chain.handle);
        if let Some(new) = slot.rename.filter(|_| !slot.gone) {
            steps.push("CHAIN_RENAME chain", new, slot.line, chain::rename(family, table, handle, new));
        }
    }
    if let Some(line) = draft.flush {
        steps.push("RULE_FLUSH table", table, line, rule::flush(family, table, None));
    }
    for slot in &draft.slots {
        if slot.flush && draft.flush.is_none() {
            let message = rule::flush(family, table, Some(slot.name));
            steps.push("RULE_FLUSH chain", slot.name, slot.line, message);
        }
        for handle in &slot.dead {
            let message = rule::delete(family, table, slot.name, *handle);
            steps.push("RULE_DELETE rule in chain", slot.name, slot.line, message);
        }
    }
    // Built-in chains first: so the jump that closes a loop is the one that the kernel refuses.
    for builtin in [true, false] {
        let now = |slot: &&Slot<'_>| !slot.gone && draft.table.builtin(slot.name).is_some() == builtin;
        draft.slots.iter().filter(now).for_each(|slot| rules(id, slot, steps));
    }
    for slot in draft.slots.iter().filter(|slot| slot.gone && slot.old.is_some()) {
        steps.push("CHAIN_DEL chain", slot.name, slot.line, chain::delete(family, table, slot.name));
    }
}

#[inline(never)]
fn base_or_user<'a>(draft: &Draft<'a>, id: Id<'static>, slot: &Slot<'a>, steps: &mut Steps<'a>) {
    let Id { family, name: table } = id;
    let (name, line) = (slot.name, slot.line);
    let Some(base) = draft.table.builtin(name) else {
        if slot.make {
            steps.push("CHAIN_USER_ADD chain", name, line, chain::create_user(family, table, name));
        }
        return;
    };
    if let Some((accept, counters)) = slot.policy {
        let message = chain::set(family, table, name, &Base { accept, ..base }, counters);
        steps.push("CHAIN_UPDATE chain", name, line, message);
    } else if slot.make {
        steps.push("CHAIN_ADD chain", name, line, chain::create(family, table, name, &base));
    }
}

/// New rules go before the old one that follows them; at the end of the chain they are appended.
#[inline(never)]
fn rules<'a>(id: Id<'static>, slot: &Slot<'a>, steps: &mut Steps<'a>) {
    let Id { family, name: table } = id;
    let chain = slot.rename.unwrap_or(slot.name);
    let mut from = 0;
    while from < slot.rules.len() {
        let run = &slot.rules[from..];
        let len = run.iter().take_while(|item| matches!(item, Item::New(New { instead: None, .. }))).count();
        let next = run.get(len);
        let place = match next {
            None => Place::Append,
            Some(Item::Rest) => Place::First,
            Some(Item::Old(rule) | Item::Zeroed(rule)) => Place::Before(rule.handle),
            Some(Item::New(new)) => Place::Before(new.instead.unwrap_or_default()),
        };
        // What goes to the head one by one comes out in reverse.
        for at in 0..len {
            let at = if place == Place::First { len - 1 - at } else { at };
            if let Some(Item::New(new)) = run.get(at) {
                add(id, chain, new, place, steps);
            }
        }
        match next {
            Some(Item::New(new)) => add(id, chain, new, Place::Instead(new.instead.unwrap_or_default()), steps),
            Some(Item::Zeroed(rule)) => {
                let message = rule::zeroed(family, table, rule);
                steps.push("RULE_REPLACE rule in chain", chain, 0, message);
            }
            _ => {}
        }
        from += len + 1;
    }
}

#[inline(never)]
fn add<'a>(id: Id<'static>, chain: &'a [u8], new: &New<'a>, place: Place, steps: &mut Steps<'a>) {
    let message = rule::add(id.family, id.name, chain, place, new.spec, new.counters, new.dialect);
    steps.push(new.step, chain, new.line, message);
}
