//! Whether a transaction was made whose answer was lost. A transaction is whole or not at
//! all, so its last message stands for it: what that one leaves behind is looked for.

use super::{Failure, Id, Need, Ruleset, Snapshot, Table};
use crate::model::nat::Rule;
use crate::sys::nl::Transport;
use crate::wire::nft::effect::{self, Effect};

/// Looks for the effect of a message; `before` is what it was made from. `None` if it cannot be told.
///
/// Somebody else's rule that is equal to ours in every part, added in the same moment, is taken for ours.
#[inline(never)]
pub fn is_taken<T: Transport>(
    ruleset: &mut Ruleset<T>,
    message: &[u8],
    before: &Snapshot,
) -> Result<Option<bool>, Failure> {
    let Some((family, name, effect)) = effect::of(message) else { return Ok(None) };
    let now = ruleset.read(&[(Id { family, name: &name }, Need::All)])?.tables.pop().unwrap_or_default();
    Ok(Some(match &effect {
        Effect::Rule(rule) => is_new(rule, &now, before),
        Effect::NoRule(chain, handle) => now.rules_of(chain).all(|rule| rule.handle != *handle),
        Effect::Empty(Some(chain)) => now.rules_of(chain).next().is_none(),
        Effect::Empty(None) => now.rules.is_empty(),
        Effect::Chain(chain, policy) => {
            let found = now.chain(chain);
            found.is_some_and(|chain| policy.is_none_or(|accept| chain.base.is_some_and(|base| base.accept == accept)))
        }
        Effect::NoChain(chain) => now.chain(chain).is_none(),
        Effect::NoTable => now.chains.is_empty(),
    }))
}

/// Whether an equal rule is there that was not there before. Of a chain whose rules were not read, the
/// kernel's count of uses tells whether it grew.
#[inline(never)]
fn is_new(rule: &Rule, now: &Table, before: &Snapshot) -> bool {
    let same = |other: &&Rule| other.spec == rule.spec && other.unknown == rule.unknown;
    let seen = |handle| before.tables.iter().any(|table| table.rules_of(&rule.chain).any(|old| old.handle == handle));
    let Some(found) = now.rules_of(&rule.chain).filter(same).find(|found| !seen(found.handle)) else { return false };
    let were_read = before.tables.iter().any(|table| !table.rules.is_empty());
    let uses = now.chain(&found.chain).map_or(0, |chain| chain.uses);
    were_read || before.tables.iter().all(|table| table.chain(&found.chain).is_none_or(|chain| chain.uses < uses))
}
