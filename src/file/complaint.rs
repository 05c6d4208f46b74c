//! What is wrong with a file: every error with its place goes in, lines of `FILE:LINE:COLUMN: what` come out.

use std::fmt;

use crate::model::template::filled;
use crate::model::topology::Origin;

/// Errors that are told; of more only the number is.
const MOST: usize = 1000;

/// Of a key that is said twice.
pub const ALREADY: &str = "already set: \"%\" is said at ";

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path as it was given.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The files that were read; [`Origin::file`] counts them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// The files, the main one first.
    pub files: Vec<Source>,
}

impl Sources {
    /// Line and column of a place, from 1; columns count characters.
    pub fn position(&self, at: Origin) -> (usize, usize) {
        let mut seen = Seen::default();
        self.go_on(&mut seen, at);
        (seen.line + 1, seen.column + 1)
    }

    /// `FILE:LINE:COLUMN`.
    pub fn place(&self, at: Origin) -> String {
        self.next_place(&mut Seen::default(), at)
    }

    /// The same, counted from a place before it, where it is behind that.
    #[inline(never)]
    fn next_place(&self, seen: &mut Seen, at: Origin) -> String {
        self.go_on(seen, at);
        let name = self.files.get(usize::from(at.file)).map_or("", |file| file.name.as_str());
        [name, ":", &(seen.line + 1).to_string(), ":", &(seen.column + 1).to_string()].concat()
    }

    #[inline(never)]
    fn go_on(&self, seen: &mut Seen, at: Origin) {
        let text = self.files.get(usize::from(at.file)).map_or("", |file| file.text.as_str());
        let mut end = text.len().min(at.at as usize);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if seen.file != at.file || seen.end > end {
            *seen = Seen { file: at.file, ..Seen::default() };
        }
        for byte in &text.as_bytes()[seen.end..end] {
            // Bytes that go on with a character begin none.
            seen.column += usize::from(byte & 0xc0 != 0x80);
            if *byte == b'\n' {
                (seen.line, seen.column) = (seen.line + 1, 0);
            }
        }
        seen.end = end;
    }
}

/// A place that is counted to: many places are counted on from one to the next.
#[derive(Default)]
struct Seen {
    file: u16,
    /// Offset.
    end: usize,
    line: usize,
    column: usize,
}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Where.
    pub at: Origin,
    what: &'static str,
    rest: String,
    other: Option<Origin>,
}

/// The errors found so far, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Complaints {
    list: Vec<Complaint>,
    dropped: usize,
    /// Whether a part of the files could not be read, so that nothing can be called missing.
    pub is_partial: bool,
    /// How often something was wrong, told or not.
    pub heard: usize,
    /// Places that something of is left out, so that what they have says little about the others.
    pub unsure: Vec<usize>,
}

impl Complaints {
    /// Adds an error: a template, and the words in it. Of a place only the first error is told that begins with
    /// the same text, up to the first word: members of a range have their errors at one place.
    #[inline(never)]
    pub fn add(&mut self, at: Origin, template: &'static str, words: &[&str]) {
        self.add_other(at, template, words, None);
    }

    /// The same, with another place behind the text.
    #[inline(never)]
    pub fn add_other(&mut self, at: Origin, template: &'static str, words: &[&str], other: Option<Origin>) {
        let end = template.find('%').unwrap_or(template.len());
        let (what, rest) = template.split_at(end);
        if !self.is_told(at, what) {
            let place = self.place(at);
            self.list.insert(place, Complaint { at, what, rest: filled(rest, words), other });
        }
    }

    /// Adds an error after which a part of the files is not read.
    #[inline(never)]
    pub fn partial(&mut self, at: Origin, template: &'static str, words: &[&str]) {
        self.is_partial = true;
        self.add(at, template, words);
    }

    /// Behind all complaints about a place.
    fn place(&self, at: Origin) -> usize {
        self.list.partition_point(|complaint| complaint.at.order() <= at.order())
    }

    /// Whether a further error of this kind at this place would not be told, so that its text need not be made.
    #[inline(never)]
    pub fn is_told(&mut self, at: Origin, what: &str) -> bool {
        self.heard += 1;
        let same = self.list[..self.place(at)].iter().rev().take_while(|complaint| complaint.at.order() == at.order());
        if same.into_iter().any(|complaint| complaint.what == what) {
            return true;
        }
        self.dropped += usize::from(self.list.len() == MOST);
        self.list.len() == MOST
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len() + self.dropped
    }
}

/// Why files cannot be used: their errors, with the text that they are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What was read.
    pub sources: Sources,
    /// What is wrong.
    pub complaints: Complaints,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mut seen, mut others] = [Seen::default(), Seen::default()];
        for (number, complaint) in self.complaints.list.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&self.sources.next_place(&mut seen, complaint.at))?;
            f.write_str(": ")?;
            f.write_str(complaint.what)?;
            // Text of the file may hold anything.
            f.write_str(&crate::model::name::printable(complaint.rest.as_bytes()))?;
            if let Some(other) = complaint.other {
                f.write_str(&self.sources.next_place(&mut others, other))?;
            }
        }
        match self.complaints.dropped {
            0 => Ok(()),
            more => f.write_str(&["\nand ", &more.to_string(), " more errors"].concat()),
        }
    }
}

impl std::error::Error for Refused {}

/// `; did you mean "X"?` for the name that is most like a word, if one is alike; else nothing.
pub fn meant(word: &str, names: &mut dyn Iterator<Item = &str>) -> String {
    let mut best = ("", 3);
    for name in names.take(MOST) {
        let far = distance(word.as_bytes(), name.as_bytes());
        // A short word has too much in common with any other.
        if far < best.1 && far * 2 <= name.len().max(word.len()) {
            best = (name, far);
        }
    }
    match best.0 {
        "" => String::new(),
        name => ["; did you mean \"", name, "\"?"].concat(),
    }
}

/// Letters to add, drop, change or swap with the next to make one word of another, where that is less than 3.
fn distance(a: &[u8], b: &[u8]) -> usize {
    const LONG: usize = 48;
    if a.len() >= LONG || b.len() >= LONG || a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    // Three rows of the table of distances between beginnings.
    let (mut older, mut old) = ([0; LONG], [0; LONG]);
    (0..LONG).for_each(|at| old[at] = at);
    for (i, x) in a.iter().enumerate() {
        let mut row = [i + 1; LONG];
        for (j, y) in b.iter().enumerate() {
            let changed = old[j] + usize::from(!x.eq_ignore_ascii_case(y));
            row[j + 1] = changed.min(old[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                row[j + 1] = row[j + 1].min(older[j - 1] + 1);
            }
        }
        (older, old) = (old, row);
    }
    old[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let files = vec![Source { name: "a.toml".into(), text: "x\nä = 1\n".into() }];
        let sources = Sources { files };
        for (at, place) in
            [(0, "a.toml:1:1"), (2, "a.toml:2:1"), (4, "a.toml:2:2"), (3, "a.toml:2:1"), (99, "a.toml:3:1")]
        {
            assert_eq!(sources.place(Origin { file: 0, at }), place);
        }
    }

    #[test]
    fn errors_come_in_the_order_of_the_text_each_once() {
        let at = |at| Origin { file: 0, at };
        let mut complaints = Complaints::default();
        complaints.add(at(4), "wrong: %", &["b"]);
        complaints.add(at(0), "unknown %", &["a"]);
        complaints.add(at(4), "wrong: %", &["c"]);
        complaints.add_other(at(4), "twice, also at ", &[], Some(at(0)));
        let sources = Sources { files: vec![Source { name: "f".into(), text: "abcdefgh".into() }] };
        let text = Refused { sources, complaints }.to_string();
        assert_eq!(text, "f:1:1: unknown a\nf:1:5: wrong: b\nf:1:5: twice, also at f:1:1");
    }

    #[test]
    fn alike_words() {
        let of = |word| meant(word, &mut "address mtu route master txqueuelen up".split(' '));
        assert_eq!(of("adress"), "; did you mean \"address\"?");
        assert_eq!(of("mut"), "; did you mean \"mtu\"?");
        assert_eq!(of("Route"), "; did you mean \"route\"?");
        assert_eq!(of("txqlen"), "");
        assert_eq!(of("xx"), "");
        assert_eq!((distance(b"", b"ab"), distance(b"ab", b"ba"), distance(b"abc", b"abc")), (2, 1, 0));
    }
}
