//! What stands in rtnetlink messages, by name. In: the list `tests/golden/names.txt`. Out: for a message
//! its header's fields and the names of its attributes, nest by nest.

use std::collections::HashMap;

/// The list.
const TEXT: &str = include_str!("../../../tests/golden/names.txt");

/// An attribute: its name and what it holds, as the list says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Name without the kernel's prefix.
    pub name: &'static str,
    /// What it holds; nests start with `@`.
    pub holds: &'static str,
}

/// A message: its name, and the names of its header and of its list of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Without `RTM_`.
    pub name: &'static str,
    /// Name of its header.
    pub header: &'static str,
    /// Name of its list of attributes.
    pub list: &'static str,
}

/// All names.
pub struct Names {
    messages: HashMap<u16, Message>,
    headers: HashMap<&'static str, Vec<(&'static str, usize)>>,
    lists: HashMap<(&'static str, u16), Attribute>,
}

impl Names {
    /// Reads the list; a line that it cannot read is left out (a test holds that there is none).
    pub fn new() -> Self {
        let mut names = Names { messages: HashMap::new(), headers: HashMap::new(), lists: HashMap::new() };
        for line in TEXT.lines().filter(|line| !line.starts_with("# ")) {
            let mut words = line.split(' ');
            let list = words.next().unwrap_or_default();
            for word in words {
                names.add(list, word);
            }
        }
        names
    }

    fn add(&mut self, list: &'static str, word: &'static str) -> Option<()> {
        if let Some(header) = list.strip_prefix('#') {
            let (name, bytes) = word.split_once('/')?;
            self.headers.entry(header).or_default().push((name, bytes.parse().ok()?));
            return Some(());
        }
        let (number, rest) = word.split_once('=')?;
        let number = number.parse().ok()?;
        let (name, holds) = rest.split_once(':')?;
        if list == "message" {
            let (header, list) = holds.split_once(':')?;
            self.messages.insert(number, Message { name, header, list });
        } else {
            self.lists.insert((list, number), Attribute { name, holds });
        }
        Some(())
    }

    /// A message type.
    pub fn message(&self, kind: u16) -> Option<Message> {
        self.messages.get(&kind).copied()
    }

    /// A message type by its name.
    pub fn kind(&self, name: &str) -> Option<u16> {
        self.messages.iter().find(|(_, message)| message.name == name).map(|(kind, _)| *kind)
    }

    /// A header's fields with their lengths in bytes.
    pub fn fields(&self, header: &str) -> &[(&'static str, usize)] {
        self.headers.get(header).map_or(&[], Vec::as_slice)
    }

    /// A header's length in bytes.
    pub fn header_len(&self, header: &str) -> usize {
        self.fields(header).iter().map(|(_, bytes)| bytes).sum()
    }

    /// An attribute in a list.
    pub fn attribute(&self, list: &str, number: u16) -> Option<Attribute> {
        self.lists.iter().find(|((name, at), _)| *name == list && *at == number).map(|(_, attribute)| *attribute)
    }

    /// The list that a kind's data hold; kinds of tunnels share theirs.
    pub fn kind_list(&self, kind: &str) -> String {
        match kind {
            "gre" | "gretap" | "ip6gre" | "ip6gretap" | "erspan" | "ip6erspan" => "gre".to_string(),
            "ipip" | "sit" | "ip6tnl" => "iptun".to_string(),
            "vti" | "vti6" => "vti".to_string(),
            kind => format!("kind:{kind}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_list_is_read() {
        let mut names = Names::new();
        for line in TEXT.lines().filter(|line| !line.starts_with("# ")) {
            let (list, words) = line.split_once(' ').unwrap();
            for word in words.split(' ') {
                assert!(names.add(list, word).is_some(), "{line}: {word}");
            }
        }
        let names = Names::new();
        assert_eq!(names.header_len("link"), 16);
        assert_eq!(names.attribute("route", 22).unwrap().holds, "@encap");
        assert_eq!(names.kind("DELNEXTHOP"), Some(105));
    }

    #[test]
    fn every_nest_leads_to_a_list() {
        let names = Names::new();
        for attribute in names.lists.values() {
            let Some(list) = attribute.holds.strip_prefix('@') else { continue };
            let list = list.rsplit('+').next().unwrap();
            let known = names.lists.keys().any(|(name, _)| *name == list);
            assert!(known || ["kind", "slave", "encap", "hops"].contains(&list), "{attribute:?}");
        }
    }
}
