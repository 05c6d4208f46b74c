//! The kinds of links as tables: in goes a kind's name, out come the words that it takes and
//! how its properties are shown. The tables are text, read by one interpreter each for words
//! (`cli`) and for listings (`show`): structures of names would cost relocations.

mod bond;
mod bridge;
mod tunnel;
mod virt;

/// A kind, or what a port of a master is (`bridge_slave`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What iproute2 calls an unknown word of it: `command` or `option`.
    pub noun: &'static str,
    /// Its complaint about a wrong value, `*` for the keyword.
    pub reason: &'static str,
    /// Numbers of the attributes that go last in a request, in this order.
    pub last: &'static str,
    /// Marks: `1` takes a keyword once and `u` a flag once; `s` is shown only; `i` takes places for names; `o` keeps
    /// what an old link has; `p` is a pair, with words of the other end behind `peer`; a digit is the width of the
    /// name where iproute2 prints its words.
    pub marks: &'static str,
    rows: &'static str,
}

/// A property of a kind: a keyword, a field of its listing, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// How it is read, sent and shown; the interpreters list the letters.
    pub shape: u8,
    /// A second letter: the width of a name's number (`b`, `h`, `w`), or what a special shape is.
    pub width: u8,
    /// Attribute type.
    pub number: u16,
    /// Names or constants of the value.
    pub list: &'static str,
    /// Keywords, each with `~` behind it if it may be shortened, else `=`; empty for a field only.
    pub words: &'static str,
    /// JSON key; empty for a keyword only.
    pub key: &'static str,
    /// Word before the value in text; `+` in it is a blank, `_` is none at all.
    pub label: &'static str,
    /// Whether it is shown only where it is not 0.
    pub unless_zero: bool,
    /// Complaint about a wrong value, where it is not the kind's: `^` begins one of `must be`, `$` is a line break.
    pub reason: &'static str,
}

/// Sections of `@NAMES|NOUN|REASON|LAST|MARKS` and the rows below. A row is
/// `SHAPE NUMBER[:LIST] WORDS [KEY [LABEL]][!REASON]`, `-` for what it lacks.
const SECTIONS: [&str; 4] = [bridge::TABLE, virt::TABLE, bond::TABLE, tunnel::TABLE];

impl Kind {
    /// The kind of a name, if it has a table.
    pub fn find(name: &[u8]) -> Option<Self> {
        for text in SECTIONS {
            // Nothing stands before the first.
            for section in text.split('@') {
                let Some((head, rows)) = section.split_once('\n') else { continue };
                let mut head = head.split('|');
                let mut next = || head.next().unwrap_or_default();
                if let Some(name) = next().split(' ').find(|own| own.as_bytes() == name) {
                    return Some(Kind { name, noun: next(), reason: next(), last: next(), marks: next(), rows });
                }
            }
        }
        None
    }

    /// Its rows, in iproute2's order of the fields of a listing.
    pub fn rows(self) -> Vec<Row> {
        let mut rows = Vec::new();
        for line in self.rows.lines() {
            match line.strip_prefix('&').and_then(|shared| shared.split_at_checked(1)) {
                Some((letter, base)) => {
                    let base: u16 = base.parse().unwrap_or(0);
                    let mut sections = tunnel::SHARED.split('@').filter_map(|section| section.split_once('\n'));
                    let lines = sections.find(|section| section.0 == letter).map_or("", |section| section.1);
                    for line in lines.lines() {
                        if let Some(mut row) = row(line) {
                            row.number += base;
                            rows.push(row);
                        }
                    }
                }
                None => {
                    if let Some(row) = row(line) {
                        rows.push(row);
                    }
                }
            }
        }
        rows
    }

    /// Whether it has a mark.
    pub fn has(self, mark: char) -> bool {
        self.marks.contains(mark)
    }
}

fn row(line: &'static str) -> Option<Row> {
    let (line, reason) = line.split_once('!').unwrap_or((line, ""));
    let mut fields = line.split(' ');
    let head = fields.next()?;
    let (head, list) = head.split_once(':').unwrap_or((head, ""));
    let at = head.find(|c: char| c.is_ascii_digit())?;
    let (shape, number) = head.split_at(at);
    let words = fields.next()?;
    let words = if words == "-" { "" } else { words };
    let first = words.split(['~', '=']).next()?;
    let key = fields.next().unwrap_or(first);
    let unless_zero = key.starts_with('?');
    let key = match key.trim_start_matches('?') {
        "-" => "",
        "" => first,
        key => key,
    };
    let label = fields.next().unwrap_or(if first.is_empty() { key } else { first });
    let shape = shape.as_bytes();
    Some(Row {
        shape: *shape.first()?,
        width: shape.get(1).copied().unwrap_or(0),
        number: number.parse().ok()?,
        list,
        words,
        key,
        label,
        unless_zero,
        reason,
    })
}

impl Row {
    /// Its first keyword.
    pub fn word(&self) -> &'static str {
        self.words.split(['~', '=']).next().unwrap_or_default()
    }

    /// Whether a word stands for it.
    pub fn takes(&self, word: &[u8]) -> bool {
        self.words.split_inclusive(['~', '=']).any(|entry| {
            let (name, mark) = entry.split_at(entry.len().saturating_sub(1));
            name.as_bytes() == word || (mark == "~" && !word.is_empty() && name.as_bytes().starts_with(word))
        })
    }

    /// The number that a name of its list stands for: `NAME=NUMBER`, or else its place.
    pub fn number_of(&self, name: &str) -> Option<u32> {
        self.names().find(|entry| entry.0 == name).map(|entry| entry.1)
    }

    /// The name that its list has for a number.
    pub fn name_of(&self, number: u64) -> Option<&'static str> {
        self.names().find(|entry| u64::from(entry.1) == number).map(|entry| entry.0)
    }

    /// The names of its list with their numbers.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, u32)> {
        (0..).zip(self.list.split('|').filter(|entry| !entry.is_empty())).map(|(place, entry)| {
            match entry.split_once('=') {
                Some((name, number)) => (name, number.parse().unwrap_or(place)),
                None => (entry, place),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_table_is_a_row() {
        for section in SECTIONS.iter().flat_map(|text| text.split('@').skip(1)) {
            let (head, rows) = section.split_once('\n').unwrap();
            for name in head.split('|').next().unwrap().split(' ') {
                assert!(Kind::find(name.as_bytes()).unwrap().rows().len() >= rows.lines().count(), "{name}");
            }
            for line in rows.lines().filter(|line| !line.starts_with('&')) {
                let row = row(line).unwrap_or_else(|| panic!("{line}"));
                assert!(!row.words.is_empty() || !row.key.is_empty(), "{line}");
                assert!(row.words.is_empty() || row.words.ends_with(['~', '=']), "{line}");
            }
        }
    }

    #[test]
    fn rows_say_what_they_mean() {
        let bridge = Kind::find(b"bridge").unwrap();
        let row = bridge.rows().into_iter().find(|row| row.takes(b"mcast_last_member_c")).unwrap();
        assert_eq!((row.shape, row.number, row.key), (b'w', 28, "mcast_last_member_cnt"));
        assert_eq!(row.label, "mcast_last_member_count");
        let vxlan = Kind::find(b"vxlan").unwrap();
        let df = vxlan.rows().into_iter().find(|row| row.takes(b"df")).unwrap();
        assert_eq!((df.number_of("set"), df.name_of(2)), (Some(1), Some("inherit")));
        assert_eq!(Kind::find(b"nosuch"), None);
    }
}
