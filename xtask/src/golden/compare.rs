//! Two messages side by side, attribute by attribute. In: what iproute2 sends and what we send. Out: each
//! difference by the path of its attribute, in words that the table of differences matches.

use super::message::{Message, Node, flags_shown, header_shown};
use super::names::Names;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Message and attribute, by name: `NEWLINK/LINKINFO/KIND`; a field of the header: `NEWLINK.index`.
    pub place: String,
    /// `missing`, `more`, `value`, `nested` (only the flag) or `order`.
    pub what: &'static str,
    /// What iproute2 has there, and what we have.
    pub values: (String, String),
}

impl Difference {
    /// In one line.
    pub fn shown(&self) -> String {
        format!("{} {}: iproute2 {}, ours {}", self.place, self.what, self.values.0, self.values.1)
    }
}

/// Compares what a command line sends.
pub fn messages(names: &Names, theirs: &[Message], ours: &[Message]) -> Vec<Difference> {
    let name = |message: &Message| names.message(message.kind).map_or("?", |known| known.name).to_string();
    let mut all = Vec::new();
    let mut rest: Vec<&Message> = ours.iter().collect();
    for theirs in theirs {
        // Of several, the one that is most alike; the order among messages is told by the count alone.
        let candidates = rest.iter().enumerate().filter(|(_, ours)| ours.kind == theirs.kind);
        let judged = candidates.map(|(at, ours)| (at, message(names, theirs, ours)));
        match judged.min_by_key(|(_, found)| found.len()) {
            Some((at, found)) => {
                rest.remove(at);
                all.extend(found);
            }
            None => all.push(difference(name(theirs), "missing", "a message", "none")),
        }
    }
    all.extend(rest.into_iter().map(|ours| difference(name(ours), "more", "none", "a message")));
    all
}

fn difference(place: String, what: &'static str, theirs: &str, ours: &str) -> Difference {
    let shown = |text: &str| if text.is_empty() { "a nest".to_string() } else { text.to_string() };
    Difference { place, what, values: (shown(theirs), shown(ours)) }
}

fn message(names: &Names, theirs: &Message, ours: &Message) -> Vec<Difference> {
    let name = names.message(theirs.kind).map_or("?", |known| known.name);
    let mut all = Vec::new();
    if theirs.flags != ours.flags {
        let (theirs_shown, ours_shown) = (flags_shown(theirs.kind, theirs.flags), flags_shown(ours.kind, ours.flags));
        all.push(difference(format!("{name}.nlmsg_flags"), "value", &theirs_shown, &ours_shown));
    }
    if theirs.header != ours.header {
        let fields = |message: &Message| header_shown(names, message.kind, &message.header);
        let (left, right) = (fields(theirs), fields(ours));
        let key = |word: &String| word.split('=').next().unwrap_or_default().to_string();
        let of = |words: &[String], name: &str| {
            let word = words.iter().find(|word| word.split('=').next() == Some(name));
            word.and_then(|word| word.split_once('=')).map_or("0".to_string(), |(_, number)| number.to_string())
        };
        let mut seen: Vec<String> = left.iter().chain(&right).map(key).collect();
        seen.sort();
        seen.dedup();
        for field in seen {
            let (theirs, ours) = (of(&left, &field), of(&right, &field));
            if theirs != ours {
                all.push(difference(format!("{name}.{field}"), "value", &theirs, &ours));
            }
        }
    }
    nodes(name, &theirs.attributes, &ours.attributes, &mut all);
    all
}

fn nodes(place: &str, theirs: &[Node], ours: &[Node], all: &mut Vec<Difference>) {
    let before = all.len();
    let mut rest: Vec<&Node> = ours.iter().collect();
    for node in theirs {
        let path = format!("{place}/{}", node.name);
        let Some(at) = rest.iter().position(|ours| ours.number == node.number) else {
            all.push(difference(path, "missing", &node.shown, "none"));
            continue;
        };
        let ours = rest.remove(at);
        if node.nested != ours.nested {
            let word = |nested| if nested { "with the flag" } else { "without" };
            all.push(difference(path.clone(), "nested", word(node.nested), word(ours.nested)));
        }
        if node.value != ours.value {
            all.push(difference(path.clone(), "value", &node.shown, &ours.shown));
        }
        nodes(&path, &node.children, &ours.children, all);
    }
    for node in rest {
        all.push(difference(format!("{place}/{}", node.name), "more", "none", &node.shown));
    }
    let numbers = |nodes: &[Node]| nodes.iter().map(|node| node.number).collect::<Vec<_>>();
    let order = |nodes: &[Node]| nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(" ");
    // Told where it is all that differs here; what is missing moves the rest.
    if all.len() == before && numbers(theirs) != numbers(ours) {
        all.push(difference(place.to_string(), "order", &order(theirs), &order(ours)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(names: &Names, text: &str) -> Message {
        Message::parse(names, &text.lines().collect::<Vec<_>>()).unwrap()
    }

    fn told(theirs: &str, ours: &str) -> Vec<String> {
        let names = Names::new();
        let (theirs, ours) = (parsed(&names, theirs), parsed(&names, ours));
        messages(&names, &[theirs], &[ours]).iter().map(Difference::shown).collect()
    }

    #[test]
    fn every_kind_of_difference_is_told_by_its_place() {
        let theirs = "> NEWLINK ack|request index=3\n  4 MTU u32 9\n  18+ LINKINFO\n    1 KIND \"vrf\"\n    2+ DATA\n      1 TABLE u32 1";
        let ours = "> NEWLINK request index=4\n  3 IFNAME \"a\"\n  18 LINKINFO\n    1 KIND \"vrf\"\n    2+ DATA\n      1 TABLE u32 2";
        assert_eq!(
            told(theirs, ours),
            [
                "NEWLINK.nlmsg_flags value: iproute2 ack|request, ours request",
                "NEWLINK.index value: iproute2 3, ours 4",
                "NEWLINK/MTU missing: iproute2 u32 9, ours none",
                "NEWLINK/LINKINFO nested: iproute2 with the flag, ours without",
                "NEWLINK/LINKINFO/DATA/TABLE value: iproute2 u32 1, ours u32 2",
                "NEWLINK/IFNAME more: iproute2 none, ours \"a\"",
            ]
        );
        assert!(told(theirs, theirs).is_empty());
    }

    #[test]
    fn another_order_is_told_apart() {
        let theirs = "> NEWLINK ack|request\n  3 IFNAME \"a\"\n  4 MTU u32 9";
        let ours = "> NEWLINK ack|request\n  4 MTU u32 9\n  3 IFNAME \"a\"";
        assert_eq!(told(theirs, ours), ["NEWLINK order: iproute2 IFNAME MTU, ours MTU IFNAME"]);
    }
}
