//! `ip rule`: its words in, changes and listings of policy rules out.

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::route::tos;
use super::usage;
use super::words::{keyword, number, prefix, prefixes, value};
use crate::cli::cursor::{Cursor, text};
use crate::model::ip::{Family, parse_addr};
use crate::model::name::IfName;
use crate::model::op::Op;
use crate::model::route::{RouteKind, TABLE_MAIN};
use crate::model::rtnames::{NameSet, parse_u64};
use crate::model::rule::{
    ACTION_GOTO, ACTION_NOP, ACTION_TABLE, RULE_GOTO, RULE_IP_PROTOCOL, RULE_L3MDEV, RULE_MARK, RULE_MASK,
    RULE_PRIORITY, RULE_PROTOCOL, RULE_REALMS, RULE_SUPPRESS_GROUP, RULE_SUPPRESS_PREFIX, Rule, RuleFilter, RuleFlags,
};
use crate::wire::reply::Frame;
use crate::wire::rule::{change, decode};

/// Verbs in iproute2's order; `?` is not built.
const VERBS: &str = "list~s lst~s show~s save~? restore~? add~a delete~d flush~f help~h";
/// The words that narrow a listing, in iproute2's order.
const SELECTORS: &str = "preference~P order~P priority~P not=! tos=t dsfield=t fwmark=m dev=i iif=i oif=o l3mdev=3 \
    uidrange=u tun_id~I lookup~T table~T from~f src~f protocol~p ipproto=x sport=s dport=d dst~D to~D";
/// The words of a rule, in iproute2's order.
const WORDS: &str = "not=! from=f to=D preference~P order~P priority~P tos=t dsfield~t fwmark=m realms~r protocol~p \
    tun_id~I table~T lookup=T suppress_prefixlength~l sup_pl=l suppress_ifgroup~g sup_group=g dev=i iif=i oif=o \
    l3mdev=3 uidrange=u nat=n map-to~n ipproto=x sport=s dport=d";

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(word) = words.next() else { return list(context, words, false) };
    let (name, key) = keyword(word, VERBS);
    match key {
        b's' => list(context, words, false),
        b'f' => list(context, words, true),
        b'a' | b'd' => modify(context, words, key == b'd'),
        b'h' => Err(usage::fail(usage::RULE)),
        b'?' => Err(Fail::unsupported(&["\"ip rule ", name, "\""].concat())),
        _ => Err(Fail::unknown_verb(word, "rule")),
    }
}

fn modify(context: &mut Context<'_>, mut words: Cursor<'_>, delete: bool) -> Outcome {
    if words.is_empty() {
        let verb = if delete { "del" } else { "add" };
        return Err(Fail::own_of("\"ip rule %\" requires arguments.", &[verb]));
    }
    let family = context.options.family;
    let action = if delete { RouteKind::UNSPEC } else { ACTION_TABLE };
    let mut parser = Parser { family, narrow: false, rule: Rule { action, ..Rule::default() }, done: delete };
    while let Some(word) = words.next() {
        match keyword(word, WORDS).1 {
            0 => parser.action(word, &mut words)?,
            key => parser.word(context, key, &mut words)?,
        }
    }
    let mut rule = parser.rule;
    if rule.get(RULE_L3MDEV).is_some() && rule.table != 0 {
        // iproute2 ends with the number of EINVAL.
        return Err(Fail::own("table can not be specified for l3mdev rules").coded(22));
    }
    rule.family = if family == Family::Unspec { Family::V4 } else { family };
    if !parser.done {
        rule.table = TABLE_MAIN;
    }
    context.change(&Op::Rule { delete, rule })?;
    Ok(0)
}

fn list(context: &mut Context<'_>, mut words: Cursor<'_>, flush: bool) -> Outcome {
    let family = if context.options.family == Family::Unspec { Family::V4 } else { context.options.family };
    let mut parser = Parser { family, narrow: true, rule: Rule { family, ..Rule::default() }, done: false };
    while let Some(word) = words.next() {
        let key = keyword(word, SELECTORS).1;
        if key == 0 {
            parser.rule.to = Some(prefix(word, family)?);
        } else {
            parser.word(context, key, &mut words)?;
        }
    }
    let narrow = parser.rule;
    let rules = context.socket()?.dump(&RuleFilter { family });
    let ended = || Fail::usage("Dump terminated");
    let rules = match rules {
        Ok(rules) => rules,
        Err(error) => {
            Fail::from(error).print(context.io);
            return Err(ended());
        }
    };
    let rules = rules.iter().filter(|rule| narrow.takes(rule));
    if !flush {
        let mut out = context.listing();
        rules.for_each(|rule| {
            crate::show::rule::rule(&mut out, rule, context.shown_names(), context.options.details);
        });
        context.print(out);
        return Ok(0);
    }
    let protocol = narrow.get(RULE_PROTOCOL);
    for rule in rules {
        let other = protocol.is_some() && rule.get(RULE_PROTOCOL).is_some() && rule.get(RULE_PROTOCOL) != protocol;
        // The kernel gives the first rule, of priority 0, no priority.
        if other || rule.get(RULE_PRIORITY).is_none() {
            continue;
        }
        if let Err(error) = context.socket()?.request(change(true, rule)) {
            Fail::from(error).print(context.io);
            return Err(ended());
        }
    }
    if context.options.json {
        context.print(context.listing());
    }
    Ok(0)
}

/// What is read so far.
struct Parser {
    /// Family that prefixes must have.
    family: Family,
    /// Whether the words narrow a listing.
    narrow: bool,
    rule: Rule,
    /// Whether it is said what the rule does.
    done: bool,
}

impl Parser {
    fn word<'w>(&mut self, context: &mut Context<'_>, key: u8, words: &mut Cursor<'w>) -> Result<(), Fail> {
        let rule = &mut self.rule;
        if key == b'!' {
            rule.flags |= RuleFlags::INVERT;
            return Ok(());
        }
        if key == b'3' {
            rule.set(RULE_L3MDEV, 1);
            self.done = true;
            return Ok(());
        }
        let word = value(words)?;
        let string = text(word);
        let wrong = |reason: &str| Fail::wrong(reason, word);
        match key {
            b'f' => rule.from = Some(prefix(word, self.family)?),
            b'D' => rule.to = Some(prefix(word, self.family)?),
            b'P' => rule.set(RULE_PRIORITY, number(word, "preference value is invalid\n")?),
            b't' => rule.tos = Some(tos(context, word).ok_or_else(|| wrong("TOS value is invalid\n"))?),
            b'm' => {
                let (mark, mask) = string.split_once('/').map_or((string, None), |(mark, mask)| (mark, Some(mask)));
                rule.set(RULE_MARK, number(mark.as_bytes(), "fwmark value is invalid\n")?);
                if let Some(mask) = mask {
                    rule.set(RULE_MASK, number(mask.as_bytes(), "fwmask value is invalid\n")?);
                }
            }
            b'r' => rule.set(RULE_REALMS, realms(context, string).ok_or_else(|| wrong("invalid realms\n"))?),
            b'p' => {
                let number = context.names.number(NameSet::Protocols, string).filter(|number| *number < 256);
                match number {
                    Some(number) => rule.set(RULE_PROTOCOL, number),
                    None if self.narrow && word == b"all" => {}
                    None if self.narrow => return Err(wrong("invalid \"protocol\"\n")),
                    None => return Err(wrong("\"protocol\" value is invalid\n")),
                }
            }
            b'I' => {
                rule.tunnel = Some(parse_u64(string).ok_or_else(|| wrong("\"tun_id\" value is invalid\n"))?);
            }
            b'T' => {
                let reason = if self.narrow { "table id value is invalid\n" } else { "invalid table ID\n" };
                rule.table = context.names.number(NameSet::Tables, string).ok_or_else(|| wrong(reason))?;
                self.done = true;
            }
            b'l' => {
                let len: i32 = number(word, "suppress_prefixlength value is invalid\n")?;
                rule.set(RULE_SUPPRESS_PREFIX, len.cast_unsigned());
            }
            b'g' => {
                let group = context.names.number(NameSet::Groups, string);
                rule.set(RULE_SUPPRESS_GROUP, group.ok_or_else(|| wrong("Invalid \"suppress_ifgroup\" value\n"))?);
            }
            b'i' | b'o' => {
                let reason =
                    if key == b'i' { "\"iif\"/\"dev\" not a valid ifname" } else { "\"oif\" not a valid ifname" };
                let slot = if key == b'i' { &mut rule.input } else { &mut rule.output };
                *slot = Some(IfName::new(word).ok_or_else(|| wrong(reason))?.as_bytes().to_vec());
            }
            b'u' => rule.users = Some(users(string).ok_or_else(|| wrong("invalid UID range\n"))?),
            b'n' => {
                context.io.error("Warning: route NAT is deprecated");
                let address = match parse_addr(string, Family::V4) {
                    Some(std::net::IpAddr::V4(address)) => address,
                    _ => return Err(Fail::own_word("Error: an IP address is expected rather than ", word, "")),
                };
                (rule.nat, rule.action) = (Some(address), RouteKind::NAT);
            }
            b'x' => {
                let number = context.names.number(NameSet::IpProtocols, string).filter(|number| *number < 256);
                rule.set(RULE_IP_PROTOCOL, number.ok_or_else(|| wrong("Invalid \"ipproto\" value\n"))?);
            }
            b's' => rule.sport = Some(ports(string).ok_or_else(|| wrong("invalid port range\n"))?),
            _ => rule.dport = Some(ports(string).ok_or_else(|| wrong("invalid dport range\n"))?),
        }
        Ok(())
    }

    /// What the rule does, where that is not a table: `[type] TYPE`, `goto N`, `nop`.
    fn action<'w>(&mut self, mut word: &'w [u8], words: &mut Cursor<'w>) -> Result<(), Fail> {
        if word == b"type" {
            word = value(words)?;
        }
        self.done = true;
        self.rule.action = if prefixes(word, "help") {
            return Err(usage::fail(usage::RULE));
        } else if prefixes(word, "goto") {
            self.rule.set(RULE_GOTO, number(value(words)?, "invalid target\n")?);
            ACTION_GOTO
        } else if prefixes(word, "nop") {
            ACTION_NOP
        } else {
            let kind = RouteKind::parse(word).or_else(|| number::<u8>(word, "").ok().map(RouteKind));
            kind.ok_or_else(|| Fail::wrong("Failed to parse rule type", word))?
        };
        Ok(())
    }
}

/// `[FROM/]TO`, numbers or names of realms.
pub fn realms(context: &Context<'_>, word: &str) -> Option<u32> {
    let realm = |word: &str| context.names.number(NameSet::Realms, word);
    match word.split_once('/') {
        Some((from, "")) => Some(realm(from)? << 16),
        Some((from, to)) => Some(realm(from)? << 16 | realm(to)?),
        None => realm(word),
    }
}

/// `N` or `N-M` at the beginning of a word, as C's `sscanf` reads them; what follows is not looked at.
fn span(word: &str) -> Option<(u32, Option<u32>)> {
    let digits = |word: &str| word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (first, rest) = word.split_at(digits(word));
    let last = rest.strip_prefix('-').and_then(|rest| rest[..digits(rest)].parse().ok());
    Some((first.parse().ok()?, last))
}

fn users(word: &str) -> Option<(u32, u32)> {
    let (first, last) = span(word)?;
    Some((first, last?))
}

fn ports(word: &str) -> Option<(u16, u16)> {
    let (first, last) = span(word)?;
    Some((first.try_into().ok()?, last.unwrap_or(first).try_into().ok()?))
}

/// Prints a notification about a rule.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    if let Some(rule) = decode(frame) {
        let mut out = context.listing();
        crate::show::rule::rule(&mut out, &rule, context.shown_names(), context.options.details);
        context.print(out);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_far_as_they_go() {
        assert_eq!((ports("80"), ports("80-90"), ports("80-x")), (Some((80, 80)), Some((80, 90)), Some((80, 80))));
        assert_eq!((ports("x"), ports("70000"), users("5"), users("5-9z")), (None, None, None, Some((5, 9))));
    }
}
