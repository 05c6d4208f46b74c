//! The mutants: changes that are wrong on purpose, each with tests that must notice.

/// One change.
#[derive(Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
    /// The file that it changes.
    pub file: &'static str,
    /// The text that it replaces; it stands there once.
    pub find: &'static str,
    /// What it puts there.
    pub replace: &'static str,
    /// The tests' program, as cargo's words for it.
    pub target: &'static [&'static str],
    /// Tests that must fail.
    pub tests: &'static [&'static str],
}

/// The target of mutants that are caught by sweeps: what stands in `tests` are parts of `cargo xtask sweeps`.
pub const SWEEPS: &[&str] = &["sweeps"];

/// All of them.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "one-nat-chain",
        what: "only the chain of the rule is made (before kernel 4.18 nothing is translated then)",
        file: "src/cli/iptables/draft.rs",
        find: "if other == name || self.table.is_nat() {",
        replace: "if other == name {",
        target: &["--test", "nat_batch"],
        tests: &["a_rule_of_iptables_brings_both_nat_chains"],
    },
    Mutant {
        name: "ack-every-message",
        what: "an answer is asked for to every message of a transaction (large ones overrun the socket)",
        file: "src/socket/batch.rs",
        find: "        let Some(last) = messages.last_mut() else { return Ok(()) };\n        last.add_flags(NLM_F_ACK);\n",
        replace: "        if messages.is_empty() {\n            return Ok(());\n        }\n        \
                  messages.iter_mut().for_each(|message| message.add_flags(NLM_F_ACK));\n",
        target: &["--test", "socket"],
        tests: &["h6_a_transaction_asks_for_one_ack_on_its_last_message"],
    },
    Mutant {
        name: "ack-every-message-kernel",
        what: "the same, seen by the kernel's answers",
        file: "src/socket/batch.rs",
        find: "        let Some(last) = messages.last_mut() else { return Ok(()) };\n        last.add_flags(NLM_F_ACK);\n",
        replace: "        if messages.is_empty() {\n            return Ok(());\n        }\n        \
                  messages.iter_mut().for_each(|message| message.add_flags(NLM_F_ACK));\n",
        target: &["--test", "socket_kernel"],
        tests: &["h6_a_transaction_of_more_messages_than_answers_fit_is_known_to_be_committed"],
    },
    Mutant {
        name: "no-generation",
        what: "the generation is left out of a change, so one of somebody else goes unnoticed",
        file: "src/ruleset.rs",
        find: "self.socket.transaction(messages, Some(seen.generation))",
        replace: "self.socket.transaction(messages, None)",
        target: &["--test", "nat_batch"],
        tests: &["a_change_made_from_what_is_not_so_any_more_is_refused"],
    },
    Mutant {
        name: "no-generation-attribute",
        what: "the same, below: the message that opens a transaction names no generation",
        file: "src/wire/nft/batch.rs",
        find: "        request.be32(NFNL_BATCH_GENID, genid);\n",
        replace: "        let _ = genid;\n",
        target: &["--test", "socket_kernel"],
        tests: &["h6_a_transaction_on_an_older_generation_is_refused_whole"],
    },
    Mutant {
        name: "one-nat-chain-own",
        what: "the same in the tables of netstrap nat",
        file: "src/translations/plan.rs",
        find: "if (name != OUTPUT || name == chain) && self.must_make(",
        replace: "if name == chain && self.must_make(",
        target: &["--test", "nat_batch"],
        tests: &["a_rule_of_netstrap_nat_brings_both_nat_chains"],
    },
    Mutant {
        name: "lost-is-done",
        what: "an ack counts as success though an answer before it was lost, which may have been a refusal",
        file: "src/socket/batch.rs",
        find: "            None if acked && !lost => Ok(()),\n",
        replace: "            None if acked => Ok(()),\n",
        target: &["--test", "socket"],
        tests: &["h6_an_ack_after_a_lost_answer_is_no_success"],
    },
    Mutant {
        name: "masquerade-ports",
        what: "the kernel is given ports to masquerade with, and not told that it has them",
        file: "src/wire/nft/expr/masq.rs",
        find: "if masq.ports.is_some() { PORTS } else { 0 }",
        replace: "if masq.ports.is_some() { PORTS & 1 } else { 0 }",
        target: &["--test", "nat_traffic"],
        tests: &["by_netstrap_nat_for_ipv4", "by_netstrap_nat_for_ipv6"],
    },
    Mutant {
        name: "no-hairpin",
        what: "neighbours of a forward's target ask for it by the public address, and get answers from another",
        file: "src/model/translation/leg.rs",
        find: "            legs.push(hairpin);\n",
        replace: "            let _ = hairpin;\n",
        target: &["--test", "nat_traffic"],
        tests: &["by_netstrap_nat_for_ipv4", "by_netstrap_nat_for_ipv6"],
    },
    Mutant {
        name: "no-own-connections",
        what: "a forward does not hold for connections of the router itself",
        file: "src/model/translation/leg.rs",
        find: "            leg.hook = Hook::Output;\n            legs.push(leg);\n",
        replace: "            leg.hook = Hook::Output;\n            let _ = leg;\n",
        target: &["--test", "nat_traffic"],
        tests: &["by_netstrap_nat_for_ipv4", "by_netstrap_nat_for_ipv6"],
    },
    Mutant {
        name: "name-only",
        what: "a link of the right name is taken for ours, without a mark",
        file: "src/plan/decide.rs",
        find: "if self.is_free(place, number) => Candidate::Stranger(number),\n",
        replace: "if self.is_free(place, number) => Candidate::Ours(number),\n",
        target: SWEEPS,
        tests: &["strangers"],
    },
    Mutant {
        name: "bind-over",
        what: "a namespace is bound over one of the same name that came meanwhile",
        file: "src/lab/site.rs",
        find: " || stat.len() != 0 || is_mounted(&path) {",
        replace: " || stat.len() != 0 {",
        target: SWEEPS,
        tests: &["strangers"],
    },
    Mutant {
        name: "undo-dropped",
        what: "where it is not known what was done, since no answer was read, nothing is undone",
        file: "src/lab/change.rs",
        find: "let left = self.back(site, way, journal, world);",
        replace: "let read = !error.to_string().contains(\"receive\");\n                let left = if read { self.back(site, way, journal, world) } else { Vec::new() };",
        target: SWEEPS,
        tests: &["persist"],
    },
    Mutant {
        name: "undo-unknown",
        what: "a link that may have been made, but got no mark, is not taken back",
        file: "src/plan/decide.rs",
        find: "self.ctx.known.indexes.is_some_and(made)",
        replace: "self.ctx.known.indexes.is_some_and(|_| made((0, 0)))",
        target: &["--test", "lab_known"],
        tests: &["a_tap_that_was_made_and_not_marked_is_known_by_its_number"],
    },
    Mutant {
        name: "no-journal",
        what: "what an interrupted run was about is not read",
        file: "src/lab/memory.rs",
        find: "journal: Record::read(Which::Journal, lab, own)? })",
        replace: "journal: None })",
        target: SWEEPS,
        tests: &["kill"],
    },
    Mutant {
        name: "unverified",
        what: "what was done is not looked at",
        file: "src/lab/change.rs",
        find: "            if plan.steps.is_empty() {\n                settle::addresses",
        replace: "            if pass > 0 {\n                settle::addresses",
        target: SWEEPS,
        tests: &["twice"],
    },
    Mutant {
        name: "no-way-back",
        what: "the way back is said to be done, and is not",
        file: "src/lab/change/back.rs",
        find: "            if plan.steps.is_empty() && is_right {\n",
        replace: "            if is_right {\n",
        target: SWEEPS,
        tests: &["twice"],
    },
    Mutant {
        name: "no-lock",
        what: "two runs at once do not wait for each other",
        file: "src/lab/lock.rs",
        find: "                Err(TryLockError::WouldBlock) => {}\n",
        replace: "                Err(TryLockError::WouldBlock) => break,\n",
        target: SWEEPS,
        tests: &["crowd"],
    },
    Mutant {
        name: "no-restore",
        what: "parameters that were changed are not put back",
        file: "src/lab/change.rs",
        find: "        restore = claims::to_restore(&recalled.original, own, &plain);\n",
        replace: "        let _ = own;\n",
        target: &["--test", "lab_down"],
        tests: &["two_labs_share_forward_refcount", "what_was_changed_is_put_back_unless_somebody_changed_it_since"],
    },
    Mutant {
        name: "state-rewritten",
        what: "a run that has nothing to do writes what is known anew",
        file: "src/lab/change/records.rs",
        find: "if state.after == self.after && state.kept == self.kept() => {}",
        replace: "if state.after == self.after && state.kept == self.kept() && state.indexes.is_none() => {}",
        target: SWEEPS,
        tests: &["again"],
    },
];
