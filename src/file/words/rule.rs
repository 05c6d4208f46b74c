//! Rules of policy routing: `[not] [from PREFIX] [to PREFIX] [iif DEVICE] ... [table TABLE]`, as behind
//! `ip rule add`. Without an address a rule is for IPv4; `from ::/0` makes it one for IPv6.

use super::route::{table, table_text};
use super::{Line, Words, Wrong, network, number, unknown, wrong};
use crate::model::ip::{Family, Prefix};
use crate::model::route::{RouteKind, TABLE_MAIN};
use crate::model::rule::{
    ACTION_GOTO, ACTION_TABLE, RULE_GOTO, RULE_IP_PROTOCOL, RULE_L3MDEV, RULE_MARK, RULE_MASK, RULE_PRIORITY,
    RULE_SUPPRESS_PREFIX, Rule, RuleFlags,
};

const KNOWN: &str = "not from to iif oif tos fwmark uidrange ipproto sport dport priority suppress_prefixlength l3mdev \
    table lookup goto blackhole unreachable prohibit";
const ACTIONS: &str = "blackhole unreachable prohibit";
const PROTOCOLS: [(&str, u32); 5] = [("icmp", 1), ("tcp", 6), ("udp", 17), ("ipv6-icmp", 58), ("sctp", 132)];

const NUMBERS: [u16; 7] =
    [RULE_MARK, RULE_MASK, RULE_IP_PROTOCOL, RULE_PRIORITY, RULE_SUPPRESS_PREFIX, RULE_GOTO, RULE_L3MDEV];

/// Reads a rule.
pub fn parse(line: &str) -> Result<Rule, Wrong> {
    let mut words = Words::new(line);
    let mut rule = Rule { action: ACTION_TABLE, ..Rule::default() };
    let mut is_told = false;
    let mut family = None;
    while let Some(word) = words.next() {
        match word {
            "not" => rule.flags |= RuleFlags::INVERT,
            "from" | "to" => {
                let given = words.value(word)?;
                let prefix = network(&mut words, given, family.unwrap_or(Family::V4))?;
                if given.contains(['.', ':']) && *family.get_or_insert(prefix.family()) != prefix.family() {
                    return wrong(&[word, ": the prefix is of the other family"]);
                }
                let slot = if word == "from" { &mut rule.from } else { &mut rule.to };
                *slot = Some(prefix).filter(|prefix| !prefix.is_empty());
            }
            "iif" | "oif" => {
                let name = Some(words.device(word)?.as_bytes().to_vec());
                *(if word == "iif" { &mut rule.input } else { &mut rule.output }) = name;
            }
            "tos" => rule.tos = u8::try_from(words.number(word, 255)?).ok(),
            "fwmark" => {
                let given = words.value(word)?;
                let (mark, mask) = given.split_once('/').map_or((given, None), |(mark, mask)| (mark, Some(mask)));
                let Some(mark) = bits(mark) else { return wrong(&["fwmark: \"", given, "\" is no MARK or MARK/MASK"]) };
                rule.set(RULE_MARK, mark);
                match mask.map(bits) {
                    Some(None) => return wrong(&["fwmark: \"", given, "\" is no MARK or MARK/MASK"]),
                    Some(Some(mask)) => rule.set(RULE_MASK, mask),
                    None => {}
                }
            }
            "uidrange" => rule.users = Some(pair(&mut words, word, u32::MAX.into())?),
            "sport" | "dport" => {
                let (first, last) = pair(&mut words, word, 65535)?;
                let ports = Some((u16::try_from(first).unwrap_or(0), u16::try_from(last).unwrap_or(0)));
                *(if word == "sport" { &mut rule.sport } else { &mut rule.dport }) = ports;
            }
            "ipproto" => {
                let given = words.value(word)?;
                let named = PROTOCOLS.iter().find(|protocol| protocol.0 == given).map(|protocol| protocol.1);
                let number = named.or_else(|| number(given, 255).and_then(|n| u32::try_from(n).ok()));
                let Some(number) = number else { return wrong(&["ipproto: \"", given, "\" is no protocol"]) };
                rule.set(RULE_IP_PROTOCOL, number);
            }
            "priority" | "preference" | "order" => rule.set(RULE_PRIORITY, count(&mut words, word)?),
            "suppress_prefixlength" => rule.set(RULE_SUPPRESS_PREFIX, count(&mut words, word)?),
            "l3mdev" => {
                rule.set(RULE_L3MDEV, 1);
                is_told = true;
            }
            "table" | "lookup" => {
                rule.table = table(&mut words, word)?;
                is_told = true;
            }
            "goto" => {
                rule.set(RULE_GOTO, count(&mut words, word)?);
                (rule.action, is_told) = (ACTION_GOTO, true);
            }
            _ if ACTIONS.split(' ').any(|action| action == word) => {
                rule.action = RouteKind::parse(word.as_bytes()).unwrap_or_default();
                is_told = true;
            }
            _ => return unknown(word, KNOWN),
        }
    }
    if rule.get(RULE_L3MDEV).is_some() && rule.table != 0 {
        return wrong(&["\"l3mdev\" has the table of the VRF; \"table\" cannot be said"]);
    }
    if !is_told {
        rule.table = TABLE_MAIN;
    }
    rule.family = family.unwrap_or(Family::V4);
    // One order, so that rules that say the same are equal.
    rule.numbers = NUMBERS.iter().filter_map(|number| Some((*number, rule.get(*number)?))).collect();
    Ok(rule)
}

fn count(words: &mut Words<'_>, keyword: &str) -> Result<u32, Wrong> {
    Ok(u32::try_from(words.number(keyword, u32::MAX.into())?).unwrap_or(0))
}

/// A mark: decimal, or hexadecimal behind `0x`.
fn bits(word: &str) -> Option<u32> {
    match word.strip_prefix("0x").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number(word, u32::MAX.into()).and_then(|number| u32::try_from(number).ok()),
    }
}

/// `N` or `N-N`.
fn pair(words: &mut Words<'_>, keyword: &str, most: u64) -> Result<(u32, u32), Wrong> {
    let word = words.value(keyword)?;
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let number = |word| number(word, most).and_then(|number| u32::try_from(number).ok());
    match number(first).zip(number(last)).filter(|(first, last)| first <= last) {
        Some(pair) => Ok(pair),
        None => wrong(&[keyword, ": \"", word, "\" is no number or FIRST-LAST"]),
    }
}

/// Writes a rule.
pub fn text(rule: &Rule) -> String {
    let mut line = Line::default();
    if rule.flags.contains(RuleFlags::INVERT) {
        line.word("not");
    }
    let is_v6 = rule.family == Family::V6;
    match rule.from {
        Some(from) => line.pair("from", &from.text()),
        None if is_v6 && rule.to.is_none() => line.pair("from", &Prefix::default_route(Family::V6).text()),
        None => line.pair("from", "all"),
    }
    if let Some(to) = rule.to {
        line.pair("to", &to.text());
    }
    for (keyword, name) in [("iif", &rule.input), ("oif", &rule.output)] {
        if let Some(name) = name {
            line.pair(keyword, &crate::model::name::printable(name));
        }
    }
    if let Some(tos) = rule.tos {
        line.count("tos", tos.into());
    }
    if let Some(mark) = rule.get(RULE_MARK) {
        line.count("fwmark", mark);
        if let Some(mask) = rule.get(RULE_MASK) {
            line.0.push('/');
            line.0.push_str(&mask.to_string());
        }
    }
    let wide = |ports: Option<(u16, u16)>| ports.map(|(first, last)| (first.into(), last.into()));
    for (keyword, pair) in [("uidrange", rule.users), ("sport", wide(rule.sport)), ("dport", wide(rule.dport))] {
        if let Some((first, last)) = pair {
            let (first, last): (u32, u32) = (first, last);
            line.pair(keyword, &[&first.to_string(), "-", &last.to_string()].concat());
        }
    }
    for (keyword, key) in [
        ("ipproto", RULE_IP_PROTOCOL),
        ("priority", RULE_PRIORITY),
        ("suppress_prefixlength", RULE_SUPPRESS_PREFIX),
        ("goto", RULE_GOTO),
    ] {
        if let Some(number) = rule.get(key) {
            line.count(keyword, number);
        }
    }
    match rule.action {
        ACTION_TABLE if rule.get(RULE_L3MDEV).is_some() => line.word("l3mdev"),
        ACTION_TABLE => line.pair("table", &table_text(rule.table)),
        ACTION_GOTO => {}
        action => line.word(action.name().unwrap_or_default()),
    }
    line.0
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let rule = parse(line).unwrap_or_else(|wrong| panic!("{line}: {wrong:?}"));
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&rule), back);
            assert_eq!(parse(back).unwrap(), rule);
        }
        for (line, expected) in [
            ("form 10.0.0.0/8", "unknown word \"form\"; did you mean \"from\"?"),
            ("from 10.0.0.0/8 to fd00::/8", "to: the prefix is of the other family"),
            ("fwmark x", "fwmark: \"x\" is no MARK or MARK/MASK"),
            ("sport 2-1", "sport: \"2-1\" is no number or FIRST-LAST"),
            ("l3mdev table 5", "\"l3mdev\" has the table of the VRF; \"table\" cannot be said"),
            ("from", "\"from\" lacks its value"),
        ] {
            assert_eq!(parse(line).unwrap_err().text(), expected, "{line}");
        }
    }
}
