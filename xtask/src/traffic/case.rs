//! `tests/data/nat-traffic.txt` as data: the text in, cases out, with the addresses of one family in them.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use crate::process::Outcome;

/// Where everybody answers.
pub const PORT: u16 = 7007;

/// What makes the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The words of iptables and ip6tables.
    Iptables,
    /// The words of `netstrap nat`.
    Nat,
}

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Names and what they stand for in IPv4 and in IPv6.
const NAMES: &[(&str, &str, &str)] = &[
    ("tables", "iptables", "ip6tables"),
    ("net", "192.168.15.0/24", "fd15::/64"),
    ("red", "192.168.15.1", "fd15::1"),
    ("blue", "192.168.15.2", "fd15::2"),
    ("gate", "192.168.15.5", "fd15::5"),
    ("public", "192.168.1.2", "fd01::2"),
    ("pool", "192.168.1.20", "fd01::20"),
    ("last", "192.168.1.21", "fd01::21"),
    ("outside", "192.168.1.3", "fd01::3"),
    ("far", "8.8.8.8", "2001:db8::8"),
];

/// A namespace and the names of its addresses, on which it answers.
pub const PLACES: &[(&str, &[&str])] =
    &[("red", &["red"]), ("blue", &["blue"]), ("router", &["gate", "public"]), ("outside", &["outside", "far"])];

/// A heading and the steps below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The heading.
    pub name: String,
    /// In the order of the text.
    pub steps: Vec<Step>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A command.
    Run(Run),
    /// Whether rules see what passes a bridge.
    Bridged(bool),
    /// A connection, and what must come of it.
    Ask(Ask),
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where it is run; `None`: for both.
    pub tool: Option<Tool>,
    /// Its words.
    pub words: Vec<String>,
    /// Without one of these modules it says so in one line.
    pub modules: Vec<String>,
}

/// A connection, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The namespace that asks.
    pub from: String,
    /// The port that it asks from; 0: one that was not used before.
    pub port: u16,
    /// Whether by TCP; else by UDP.
    pub is_tcp: bool,
    /// Who is asked.
    pub to: SocketAddr,
    /// Who answers and what it saw; `None`: nobody answers.
    pub seen: Option<Seen>,
}

/// Who answers, and the source that it saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The namespace that answers.
    pub who: String,
    /// Addresses that it may have seen.
    pub source: RangeInclusive<IpAddr>,
    /// Ports that it may have seen.
    pub ports: RangeInclusive<u16>,
}

/// Reads the text for one family; an error names the line.
pub fn parse(text: &str, family: Family) -> Outcome<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((mark, rest)) = line.split_once(' ').filter(|(mark, _)| *mark != "#") else {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            return Err(format!("line {number}: not understood: {line}").into());
        };
        // A mark with 4 or 6 behind is for that family.
        let (mark, only) = match mark.as_bytes() {
            [_, b'4'] => (&mark[..1], Family::V4),
            [_, b'6'] => (&mark[..1], Family::V6),
            _ => (mark, family),
        };
        if only != family {
            continue;
        }
        let words = || rest.split_whitespace().map(|word| expand(word, family)).collect::<Option<Vec<_>>>();
        let understood = match (mark, words()) {
            ("=", _) => {
                cases.push(Case { name: rest.to_string(), steps: Vec::new() });
                Some(())
            }
            (mark, Some(words)) => cases.last_mut().and_then(|case| read(mark, words, &mut case.steps)),
            _ => None,
        };
        understood.ok_or_else(|| format!("line {number}: not understood: {line}"))?;
    }
    Ok(cases)
}

/// Reads one line below a heading.
fn read(mark: &str, words: Vec<String>, steps: &mut Vec<Step>) -> Option<()> {
    let tool = match mark {
        "%" => Some(Tool::Iptables),
        "+" => Some(Tool::Nat),
        _ => None,
    };
    match (mark, steps.last_mut()) {
        ("$" | "%" | "+", _) => steps.push(Step::Run(Run { tool, words, modules: Vec::new() })),
        ("~", Some(Step::Run(run))) => run.modules = words,
        ("@", _) => match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["bridged", "on"] => steps.push(Step::Bridged(true)),
            ["bridged", "off"] => steps.push(Step::Bridged(false)),
            _ => return None,
        },
        (">", _) => steps.push(Step::Ask(ask(&words)?)),
        _ => return None,
    }
    Some(())
}

fn ask(words: &[String]) -> Option<Ask> {
    let (from, port) = words.first()?.split_once(':').unwrap_or((words.first()?, "0"));
    let (from, port, is_tcp) = (from.to_string(), port.parse().ok()?, words.get(1)? == "tcp");
    if !is_tcp && words.get(1)? != "udp" {
        return None;
    }
    let to = words.get(2)?;
    let to = to.parse().or_else(|_| to.parse().map(|ip: IpAddr| SocketAddr::new(ip, PORT))).ok()?;
    let seen = match words.get(3..)? {
        [nothing] if nothing == "nothing" => None,
        [who, source] => Some(Seen { who: who.clone(), source: range(source)?, ports: 0..=u16::MAX }),
        [who, source, ports] => Some(Seen { who: who.clone(), source: range(source)?, ports: range(ports)? }),
        _ => return None,
    };
    let knows = |name: &String| PLACES.iter().any(|(place, _)| place == name);
    let known = knows(&from) && seen.as_ref().is_none_or(|seen| knows(&seen.who));
    // The standard library binds no TCP socket that connects.
    (known && !(is_tcp && port != 0)).then_some(Ask { from, port, is_tcp, to, seen })
}

/// `A-B`, or `A` alone.
fn range<T: std::str::FromStr + Clone>(word: &str) -> Option<RangeInclusive<T>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// What a name stands for in a family.
pub fn value(name: &str, family: Family) -> Option<&'static str> {
    let (_, v4, v6) = NAMES.iter().find(|(known, ..)| *known == name)?;
    Some(if family == Family::V4 { v4 } else { v6 })
}

/// A word with every `{name}` and `{[name]}` replaced; `None` if there is no such name.
fn expand(word: &str, family: Family) -> Option<String> {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        out += before;
        out += &match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(name) if family == Family::V6 => format!("[{}]", value(name, family)?),
            Some(name) => value(name, family)?.to_string(),
            None => value(name, family)?.to_string(),
        };
        rest = after;
    }
    Some(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_by_family() {
        assert_eq!(expand("{[red]}:80", Family::V4).as_deref(), Some("192.168.15.1:80"));
        assert_eq!(expand("{[red]}:80", Family::V6).as_deref(), Some("[fd15::1]:80"));
        assert_eq!(expand("{pool}-{last}", Family::V6).as_deref(), Some("fd01::20-fd01::21"));
        assert_eq!(expand("{green}", Family::V4), None);
        assert_eq!(expand("{red", Family::V4), None);
    }

    #[test]
    fn lines_are_read() {
        let text = "= a\n% {tables} -F\n~ nft_compat\n> red tcp {[far]}:80 nothing\n> red udp {far} outside {pool}-{last} 1-2\n";
        let cases = parse(text, Family::V4).unwrap();
        assert_eq!((cases.len(), cases[0].name.as_str()), (1, "a"));
        let words = vec!["iptables".to_string(), "-F".to_string()];
        let run = Run { tool: Some(Tool::Iptables), words, modules: vec!["nft_compat".into()] };
        assert_eq!(cases[0].steps[0], Step::Run(run));
        let Step::Ask(ask) = &cases[0].steps[1] else { panic!() };
        assert_eq!((ask.to, &ask.seen), ("8.8.8.8:80".parse().unwrap(), &None));
        let Step::Ask(ask) = &cases[0].steps[2] else { panic!() };
        let seen = ask.seen.as_ref().unwrap();
        assert!(
            seen.source.contains(&"192.168.1.21".parse::<IpAddr>().unwrap()) && seen.ports == (1..=2) && !ask.is_tcp
        );
    }

    #[test]
    fn errors_name_the_line() {
        for wrong in [
            "= a\n> red icmp {far} nothing",
            "= a\n> green tcp {far} nothing",
            "= a\n$ {green}",
            "= a\n~ x",
            "= a\n> red:1 tcp {far} nothing",
        ] {
            assert!(parse(wrong, Family::V6).unwrap_err().text.contains("line 2"), "{wrong}");
        }
        assert!(parse("$ ip link", Family::V4).is_err());
    }
}
