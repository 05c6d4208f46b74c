//! What is sent, message for message, for rule sets of every sort.

use super::*;
use crate::model::nat::{Chain, Rule, Spec, Target};
use crate::model::translation::parse;
use crate::ruleset::Table;

fn entry(text: &str) -> Entry {
    let translation = parse(&text.split(' ').collect::<Vec<_>>()).unwrap();
    Entry { translation, allow_forward: false }
}

fn chain(name: &[u8], base: Option<Base>) -> Chain {
    let (uses, handle, counters) = Default::default();
    Chain { name: name.to_vec(), base, uses, handle, counters }
}

fn rule(chain: &[u8], handle: u64, comment: &str) -> Rule {
    let spec = Spec { comment: Some(comment.as_bytes().to_vec()), ..Spec::default() };
    Rule { chain: chain.to_vec(), handle, spec, counters: None, unknown: String::new(), raw: Vec::new() }
}

fn owner() -> &'static Owner {
    Box::leak(Box::new(Owner::verb()))
}

fn seen_of(tables: Vec<(u8, &'static [u8], Table)>) -> Seen<'static> {
    Seen::of(owner(), tables)
}

/// Our own IPv4 table with a rule.
fn own(comment: &str) -> Vec<(u8, &'static [u8], Table)> {
    let chains = rows(owner())[..2].iter().map(|row| chain(row.1, Some(base_of(row)))).collect();
    vec![(2, TABLE, Table { chains, rules: vec![rule(b"postrouting", 9, comment)] })]
}

/// The messages of a plan as bytes, numbered from 2 as behind the beginning of a batch.
fn sent(seen: &Seen<'_>, missing: Missing, make: impl FnOnce(&mut Plan<'_>)) -> Vec<String> {
    let mut plan = Plan::new(seen, missing, &[]);
    make(&mut plan);
    let (messages, steps) = (plan.messages, plan.steps);
    assert_eq!(messages.len(), steps.len());
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    (2..).zip(messages).map(|(seq, message)| hex(message.seal(seq, 0).unwrap())).collect()
}

/// Types of messages: `0a` and then, in hex, 00 table, 02 delete table, 03 chain, 05 delete chain, 06 rule, 08 delete rule.
fn kinds(messages: &[String]) -> Vec<&str> {
    messages.iter().map(|hex| &hex[8..10]).collect()
}

#[test]
fn a_replacement_as_captured_from_a_batch_that_translated() {
    let seen = seen_of(own("ns1 masquerade from 10.0.0.0/8"));
    let messages = sent(&seen, Missing::empty(), |plan| plan.replace(&[entry("masquerade from 192.168.15.0/24")]));
    assert_eq!(
        messages[..5],
        [
            "24000000000a01040200000000000000020000000d0001006e6574737472617000000000",
            "24000000020a01000300000000000000020000000d0001006e6574737472617000000000",
            "34000000000a01040400000000000000020000000d0001006e65747374726170000000000f00060000096e657473747261700000",
            "58000000030a01040500000000000000020000000d0001006e65747374726170000000000f000300707265726f7574696e67000014000480080001000000000008000200ffffff9c0800050000000001080007006e617400",
            "58000000030a01040600000000000000020000000d0001006e657473747261700000000010000300706f7374726f7574696e670014000480080001000000000408000200000000640800050000000001080007006e617400",
        ]
    );
    assert_eq!((messages.len(), kinds(&messages)[5]), (6, "06"));
}

#[test]
fn only_what_is_missing_is_made() {
    let none = seen_of(Vec::new());
    let both = sent(&none, Missing::empty(), |plan| plan.add(&entry("masquerade from 10.0.0.0/8")));
    assert_eq!(kinds(&both), ["00", "03", "03", "06"]);
    let output = sent(&none, Missing::empty(), |plan| plan.add(&entry("forward tcp 80 to 10.0.0.1")));
    assert_eq!(kinds(&output), ["00", "03", "03", "06", "03", "06", "06"]);
    let seen = seen_of(own("ns1 masquerade from 10.0.0.0/8"));
    let more = sent(&seen, Missing::empty(), |plan| plan.add(&entry("masquerade from 10.0.0.0/9")));
    assert_eq!(kinds(&more), ["06"]);
    for make in [
        (|plan| plan.add(&entry("masquerade from 10.0.0.0/8"))) as fn(&mut Plan<'_>),
        |plan| plan.replace(&[entry("masquerade from 10.0.0.0/8")]),
        |plan| plan.delete(b"ns1 masquerade from 10.0.0.0/9"),
    ] {
        assert!(sent(&seen, Missing::empty(), make).is_empty());
    }
    assert_eq!(kinds(&sent(&seen, Missing::empty(), |plan| plan.replace(&[]))), ["02"]);
    assert_eq!(kinds(&sent(&seen, Missing::empty(), |plan| plan.flush())), ["02"]);
    assert_eq!(kinds(&sent(&seen, Missing::empty(), |plan| plan.delete(b"ns1 masquerade from 10.0.0.0/8"))), ["08"]);
    assert!(sent(&none, Missing::empty(), |plan| plan.flush()).is_empty());
}

#[test]
fn iptables_table_gets_its_chains_and_a_way_to_ours() {
    let none = seen_of(Vec::new());
    let rule = entry("masquerade from 10.0.0.0/8 to 1.2.3.4");
    let made = sent(&none, Missing::MASQ, |plan| plan.add(&rule));
    // Table, four chains, ours, the jump, the rule.
    assert_eq!(kinds(&made), ["00", "03", "03", "03", "03", "03", "06", "06"]);
    let two = sent(&none, Missing::MASQ, |plan| plan.replace(&[rule, rule]));
    assert_eq!(two.len(), made.len() + 1);
    let snat = entry("snat from 10.0.0.0/8 to 1.2.3.4");
    assert_eq!(kinds(&sent(&none, Missing::MASQ, |plan| plan.add(&snat))), ["00", "03", "03", "06"]);
}

#[test]
fn iptables_forward_chain_is_changed_only_if_it_drops() {
    let base = |accept| Some(Base { kind: "filter", hook: 2, priority: 0, accept });
    let filter = |accept, rules: &[Rule]| {
        let chains = vec![chain(b"FORWARD", base(accept)), chain(b"DOCKER-USER", None)];
        seen_of(vec![(2, FILTER, Table { chains, rules: rules.to_vec() })])
    };
    let masquerade = Entry { allow_forward: true, ..entry("masquerade from 10.0.0.0/8") };
    let own = ["00", "03", "03", "06"];
    assert_eq!(kinds(&sent(&filter(true, &[]), Missing::empty(), |plan| plan.add(&masquerade))), own);
    let messages = sent(&filter(false, &[]), Missing::empty(), |plan| plan.add(&masquerade));
    assert_eq!(kinds(&messages), [&own[..], &["06", "06"]].concat());
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(messages[4..].iter().all(|message| message.contains(&hex("FORWARD"))));
    // Docker's chain is met only if something leads to it.
    let mut jump = rule(b"FORWARD", 3, "");
    jump.spec.target = Target::Jump(b"DOCKER-USER".to_vec());
    let messages = sent(&filter(false, &[jump]), Missing::empty(), |plan| plan.add(&masquerade));
    assert!(messages[4..].iter().all(|message| message.contains(&hex("DOCKER-USER"))));
}
