//! Rules of policy routing: `[not] [from PREFIX] [to PREFIX] [iif DEVICE] ... [table TABLE]`, as behind
//! `ip rule add`. Without an address a rule is for IPv4; `from ::/0` makes it one for IPv6.

use super::{Line, TABLES, Words};
use crate::model::ip::{Family, Prefix};
use crate::model::route::{RouteKind, TABLE_MAIN};
use crate::model::rule::{
    ACTION_GOTO, ACTION_TABLE, RULE_GOTO, RULE_IP_PROTOCOL, RULE_L3MDEV, RULE_MARK, RULE_MASK, RULE_PRIORITY,
    RULE_SUPPRESS_PREFIX, Rule, RuleFlags,
};

/// What a rule selects by, and what it does: from `l3mdev` on.
const TABLE: &str = "not=!- from=fp to=Dp iif=id oif=jd tos=cb fwmark=mx uidrange=ur ipproto=xo sport=sR dport=dR priority=pn \
    preference=pn order=pn suppress_prefixlength=ln l3mdev=L- table=Tt lookup=Tt goto=Gn blackhole=6- unreachable=7- \
    prohibit=8-";

/// Numbers of a rule, in one order, so that rules that say the same are equal.
const NUMBERS: [u16; 7] =
    [RULE_MARK, RULE_MASK, RULE_IP_PROTOCOL, RULE_PRIORITY, RULE_SUPPRESS_PREFIX, RULE_GOTO, RULE_L3MDEV];
/// The same as a line has them.
const WORDS: [(&str, u16); 4] = [
    ("ipproto", RULE_IP_PROTOCOL),
    ("priority", RULE_PRIORITY),
    ("suppress_prefixlength", RULE_SUPPRESS_PREFIX),
    ("goto", RULE_GOTO),
];

/// Reads a rule.
#[inline(never)]
pub fn parse(words: &mut Words<'_>) -> Rule {
    let mut rule = Rule { action: ACTION_TABLE, ..Rule::default() };
    let mut does = None;
    while let Some(item) = words.item(TABLE) {
        if (item.key.is_ascii_digit() || b"LTG".contains(&item.key))
            && let Some(other) = does.replace(item.word)
        {
            words.fail("a rule does one thing: \"%\" or \"%\"", &[other, item.word]);
        }
        let name = || item.device.as_ref().map(|name| name.as_bytes().to_vec());
        let prefix = Some(item.prefix).filter(|prefix| !prefix.is_empty());
        match item.key {
            b'!' => rule.flags |= RuleFlags::INVERT,
            b'f' => rule.from = prefix,
            b'D' => rule.to = prefix,
            b'i' => rule.input = name(),
            b'j' => rule.output = name(),
            b'c' => rule.tos = Some(item.byte()),
            b'u' => rule.users = item.last.map(|last| (item.number, last)),
            b's' => rule.sport = item.ports(),
            b'd' => rule.dport = item.ports(),
            b'T' => rule.table = item.number,
            b'L' => rule.set(RULE_L3MDEV, 1),
            b'm' => {
                rule.set(RULE_MARK, item.number);
                if let Some(mask) = item.last {
                    rule.set(RULE_MASK, mask);
                }
            }
            b'0'..=b'9' => rule.action = RouteKind(item.key - b'0'),
            b'G' => {
                rule.set(RULE_GOTO, item.number);
                rule.action = ACTION_GOTO;
            }
            b'x' => rule.set(RULE_IP_PROTOCOL, item.number),
            b'p' => rule.set(RULE_PRIORITY, item.number),
            _ => rule.set(RULE_SUPPRESS_PREFIX, item.number),
        }
    }
    if does.is_none() {
        rule.table = TABLE_MAIN;
    }
    rule.family = words.family();
    arrange(&mut rule);
    rule
}

/// Puts the numbers of a rule in the order that they have here; those that a line has no words for come last.
pub fn arrange(rule: &mut Rule) {
    let mut numbers: Vec<(u16, u32)> = Vec::new();
    numbers.extend(NUMBERS.iter().filter_map(|number| Some((*number, rule.get(*number)?))));
    numbers.extend(rule.numbers.iter().filter(|row| !NUMBERS.contains(&row.0)));
    rule.numbers = numbers;
}

/// Writes a rule.
pub fn text(rule: &Rule) -> String {
    let mut line = Line::default();
    line.flag("not", rule.flags.contains(RuleFlags::INVERT));
    let is_v6 = rule.family == Family::V6 && rule.to.is_none();
    match rule.from.or(is_v6.then_some(Prefix::default_route(Family::V6))) {
        Some(from) => line.pair("from", &from.text()),
        None => line.pair("from", "all"),
    }
    if let Some(to) = rule.to {
        line.pair("to", &to.text());
    }
    line.device("iif", rule.input.as_deref());
    line.device("oif", rule.output.as_deref());
    line.count("tos", rule.tos.map(u32::from));
    line.count("fwmark", rule.get(RULE_MARK));
    if let Some(mask) = rule.get(RULE_MASK) {
        line.0.push('/');
        line.0.push_str(&mask.to_string());
    }
    let wide = |ports: Option<(u16, u16)>| ports.map(|(first, last)| (first.into(), last.into()));
    for (keyword, span) in [("uidrange", rule.users), ("sport", wide(rule.sport)), ("dport", wide(rule.dport))] {
        line.span(keyword, span);
    }
    for (keyword, key) in WORDS {
        line.count(keyword, rule.get(key));
    }
    match rule.action {
        ACTION_TABLE if rule.get(RULE_L3MDEV).is_some() => line.word("l3mdev"),
        ACTION_TABLE => line.named("table", TABLES, Some(rule.table)),
        ACTION_GOTO => {}
        action => line.word(action.name().unwrap_or_default()),
    }
    line.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Rule, String> {
        let mut words = Words::new(line);
        let rule = parse(&mut words);
        words.wrong().map_or(Ok(rule), |wrong| Err(wrong.to_owned()))
    }

    #[test]
    fn rules_there_and_back() {
        for (line, back) in [
            ("from 10.0.0.0/8 table 100", ""),
            ("fwmark 0x10/0xff lookup 100", "from all fwmark 16/255 table 100"),
            ("from ::/0 fwmark 1 table main", ""),
            ("to fd00::/8", "from all to fd00::/8 table main"),
            (
                "not from 10.0.0.0/8 iif a oif b tos 16 uidrange 0-99 sport 1-2 dport 80-80 ipproto 6 priority 7 goto 9",
                "",
            ),
            ("from all blackhole", ""),
            ("l3mdev", "from all l3mdev"),
            ("ipproto tcp suppress_prefixlength 0 table main", "from all ipproto 6 suppress_prefixlength 0 table main"),
        ] {
            let rule = read(line).unwrap_or_else(|wrong| panic!("{line}: {wrong}"));
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&rule), back);
            assert_eq!(read(back).unwrap(), rule);
        }
        for (line, expected) in [
            ("form 10.0.0.0/8", "unknown word \"form\"; did you mean \"from\"?"),
            ("from 10.0.0.0/8 to fd00::/8", "to: the address is of the other family"),
            ("fwmark x", "fwmark: \"x\" is no MARK or MARK/MASK"),
            ("sport 2-1", "sport: \"2-1\" is no number or FIRST-LAST"),
            ("l3mdev table 5", "a rule does one thing: \"l3mdev\" or \"table\""),
            ("from all prohibit table 5", "a rule does one thing: \"prohibit\" or \"table\""),
            ("goto 32766 priority 6 lookup 9", "a rule does one thing: \"goto\" or \"lookup\""),
            ("from", "\"from\" lacks its value"),
        ] {
            assert_eq!(read(line).unwrap_err(), expected, "{line}");
        }
    }
}
