//! What workers count and find, as lines to send and as sums to report: the same text leaves
//! a worker (through a pipe or a serial line) and is read here.

use std::collections::BTreeMap;

/// Sums of one worker or of all.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Topologies built.
    pub topologies: u64,
    /// Listings compared.
    pub listings: u64,
    /// Lines that iproute2 and the kernel took, and lines that they refused.
    pub lines: (u64, u64),
    /// Kinds that the kernel has.
    pub kinds: Vec<String>,
    /// Options by number: how often used, how often taken, and the last refusal.
    pub options: BTreeMap<usize, (u64, u64, String)>,
    /// JSON keys seen: object and path.
    pub keys: BTreeMap<String, u64>,
    /// Differences by cause.
    pub causes: BTreeMap<String, Cause>,
    /// Whether the worker came to its end.
    pub whole: bool,
}

/// A cause of differences: how often, and the first place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// Differences that have it.
    pub count: u64,
    /// The first topology that shows it.
    pub topology: u64,
    /// Command line, both sides, and lines of the topology; line by line.
    pub place: String,
}

impl Tally {
    /// Counts a difference; the first place is kept.
    pub fn difference(&mut self, cause: &str, topology: u64, place: impl FnOnce() -> String) {
        let new = !self.causes.contains_key(cause);
        let entry = self.causes.entry(cause.to_string()).or_default();
        entry.count += 1;
        if new {
            (entry.topology, entry.place) = (topology, place());
        }
    }

    /// The sums as lines of tab-separated fields.
    pub fn lines(&self) -> String {
        let mut out = format!("N\t{}\t{}\t{}\t{}\n", self.topologies, self.listings, self.lines.0, self.lines.1);
        self.kinds.iter().for_each(|kind| out += &format!("k\t{kind}\n"));
        for (option, (used, taken, why)) in &self.options {
            out += &format!("O\t{option}\t{used}\t{taken}\t{}\n", escaped(why));
        }
        self.keys.iter().for_each(|(key, count)| out += &format!("K\t{}\t{count}\n", escaped(key)));
        for (cause, found) in &self.causes {
            let (cause, place) = (escaped(cause), escaped(&found.place));
            out += &format!("D\t{cause}\t{}\t{}\t{place}\n", found.count, found.topology);
        }
        out + "E\n"
    }

    /// Adds the lines of a worker; what is none of them is returned.
    pub fn read(&mut self, text: &str) -> Vec<String> {
        let mut strange = Vec::new();
        for line in text.lines() {
            if self.line(line.trim_end_matches('\r')).is_none() {
                strange.push(line.to_string());
            }
        }
        strange
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        match (fields[0], fields.len()) {
            ("N", 5) => {
                self.topologies += number(1)?;
                self.listings += number(2)?;
                self.lines = (self.lines.0 + number(3)?, self.lines.1 + number(4)?);
            }
            ("k", 2) if self.kinds.iter().any(|kind| kind == fields[1]) => {}
            ("k", 2) => self.kinds.push(fields[1].to_string()),
            ("O", 5) => {
                let entry = self.options.entry(fields[1].parse().ok()?).or_default();
                (entry.0, entry.1) = (entry.0 + number(2)?, entry.1 + number(3)?);
                if entry.2.is_empty() {
                    entry.2 = plain(fields[4]);
                }
            }
            ("K", 3) => *self.keys.entry(plain(fields[1])).or_default() += number(2)?,
            ("D", 5) => {
                let (count, topology) = (number(2)?, number(3)?);
                let entry = self.causes.entry(plain(fields[1])).or_default();
                if entry.count == 0 || topology < entry.topology {
                    (entry.topology, entry.place) = (topology, plain(fields[4]));
                }
                entry.count += count;
            }
            ("E", 1) => self.whole = true,
            _ => return None,
        }
        Some(())
    }
}

/// One field: tabs and line ends as letters.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// The text of a field.
fn plain(field: &str) -> String {
    let mut out = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        out.push(match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            (c, false) => c,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_read() {
        let mut tally = Tally { topologies: 3, listings: 9, lines: (5, 1), whole: true, ..Tally::default() };
        tally.kinds.push("veth".to_string());
        tally.options.insert(4, (2, 1, "Error: no\tgood \\n.\nAnd more".to_string()));
        tally.keys.insert("link ifname".to_string(), 7);
        tally.difference("a: b", 2, || "ip link\n\ttheirs\n".to_string());
        tally.difference("a: b", 1, || unreachable!("only the first place is asked for"));
        let mut back = Tally::default();
        assert!(back.read(&tally.lines().replace('\n', "\r\n")).is_empty());
        assert_eq!(back, tally);
        assert_eq!(back.read("hello\nN\tx\n"), ["hello", "N\tx"]);
    }

    #[test]
    fn sums_are_added_and_the_first_place_is_kept() {
        let one = |topology, place: &str| {
            let mut tally = Tally { topologies: 1, ..Tally::default() };
            tally.difference("c", topology, || place.to_string());
            tally.lines()
        };
        let mut sum = Tally::default();
        sum.read(&one(5, "later"));
        sum.read(&one(2, "first"));
        let cause = &sum.causes["c"];
        assert_eq!((sum.topologies, cause.count, cause.topology, cause.place.as_str()), (2, 2, 2, "first"));
    }
}
