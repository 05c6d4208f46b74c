//! Ranges: names such as `w{1..1000}` in, one name with its value each out; `{i}` in what belongs to a name
//! stands for its value. Members of several ranges, and tables of one member, are merged.

use std::borrow::Cow;

use super::complaint::Complaints;
use super::tree::{Entry, Node, Table, Value};
use super::words::number;
use crate::model::topology::Origin;

/// Names that all ranges of a file make together, at most.
pub const MOST_NAMES: usize = 65_536;
/// Values that a file has with all its ranges, at most.
pub const MOST_VALUES: usize = 2_000_000;
/// Digits of a number of a range, zeros in front among them.
const MOST_DIGITS: usize = 18;
/// A long text counts as one value for each so many bytes.
const BYTES_A_VALUE: usize = 64;

/// Puts the members in place of the ranges of a tree; `None` where they are too many.
pub fn expand<'t>(table: &'t Table<'_>, complaints: &mut Complaints) -> Option<Table<'t>> {
    let mut expander = Expander { names: 0, values: 0, complaints };
    let table = expander.table(table, None);
    (expander.names <= MOST_NAMES && expander.values <= MOST_VALUES).then_some(table)
}

struct Expander<'a> {
    names: usize,
    values: usize,
    complaints: &'a mut Complaints,
}

impl Expander<'_> {
    fn table<'t>(&mut self, table: &'t Table<'_>, value: Option<&str>) -> Table<'t> {
        let mut out = Table::new(table.form);
        let is_range = |entry: &&Entry<'_>| entry.key.contains('{');
        for entry in table.entries().iter().filter(is_range) {
            let key = put(&entry.key, value);
            let Some(at) = key.find('{') else { continue };
            match members(&key[at..]) {
                Ok((members, rest)) if !rest.contains('{') => {
                    for member in &members {
                        if !self.afford(entry.at, 1, 1) {
                            return out;
                        }
                        let name = [&key[..at], member, rest].concat();
                        let node = self.node(&entry.node, Some(member));
                        merge(&mut out, entry.at, name.into(), node);
                    }
                }
                Ok(_) => self.complaints.add(entry.at, "two ranges in one name: %", &[&entry.key]),
                Err(why) => self.complaints.add(entry.at, "not a range: %%", &[&entry.key, why]),
            }
        }
        // A member by its own name has the last word over all ranges, wherever it stands.
        let is_plain = |entry: &&Entry<'_>| !entry.key.contains('{') || !put(&entry.key, value).contains('{');
        for entry in table.entries().iter().filter(is_plain) {
            if !self.afford(entry.at, 0, 1) {
                break;
            }
            let node = self.node(&entry.node, value);
            merge(&mut out, entry.at, put(&entry.key, value), node);
        }
        out
    }

    fn node<'t>(&mut self, node: &'t Node<'_>, value: Option<&str>) -> Node<'t> {
        let copy = match &node.value {
            Value::Text(text) => {
                self.afford(node.at, 0, text.len() / BYTES_A_VALUE);
                Value::Text(put(text, value))
            }
            Value::List(list) => {
                self.afford(node.at, 0, list.len());
                let room = if self.values > MOST_VALUES { 0 } else { list.len() };
                Value::List(list.iter().take(room).map(|node| self.node(node, value)).collect())
            }
            Value::Table(table) => Value::Table(self.table(table, value)),
            Value::Number(number) => Value::Number(*number),
            Value::Flag(on) => Value::Flag(*on),
            Value::Other(noun) => Value::Other(noun),
        };
        Node { at: node.at, value: copy }
    }

    /// Counts names and values; complains where they are too many.
    #[inline(never)]
    fn afford(&mut self, at: Origin, names: usize, values: usize) -> bool {
        self.names += names;
        self.values += values;
        let fits = self.names <= MOST_NAMES && self.values <= MOST_VALUES;
        // Told once: at the entry that goes over.
        if self.names.wrapping_sub(names) <= MOST_NAMES && self.names > MOST_NAMES {
            self.complaints.add(at, "the ranges of the file make more than 65536 names", &[]);
        } else if self.values - values <= MOST_VALUES && self.values > MOST_VALUES {
            self.complaints.add(at, "the file with all its ranges has more than 2000000 values", &[]);
        }
        fits
    }
}

/// A text with `{i}` replaced, in a range.
#[inline(never)]
fn put<'t>(text: &'t str, value: Option<&str>) -> Cow<'t, str> {
    match value {
        Some(value) if text.contains('{') => {
            let (mut out, mut rest) = (String::new(), text);
            while let Some(at) = rest.find('{') {
                let is_value = rest.as_bytes()[at..].starts_with(b"{i}");
                out.push_str(&rest[..at]);
                out.push_str(if is_value { value } else { "{" });
                rest = &rest[at + if is_value { 3 } else { 1 }..];
            }
            (out + rest).into()
        }
        _ => text.into(),
    }
}

/// Adds an entry over what is there: tables are joined key by key, anything else is replaced.
fn merge<'t>(table: &mut Table<'t>, at: Origin, key: Cow<'t, str>, node: Node<'t>) {
    let Some(number) = table.find(&key) else {
        table.push(at, key, node);
        return;
    };
    let old = table.entry(number);
    old.at = at;
    match (&mut old.node.value, node) {
        (Value::Table(old), Node { value: Value::Table(new), .. }) => {
            for entry in new.into_entries() {
                merge(old, entry.at, entry.key, entry.node);
            }
        }
        (_, node) => old.node = node,
    }
}

/// The members of a range at the beginning of a text, `{FIRST..LAST}` (with zeros in front up to a width) or `{a,b,c}`,
/// and what follows it. Of more than may be, one more than that.
fn members(text: &str) -> Result<(Vec<String>, &str), &'static str> {
    const FORMS: &str = "; write {1..9}, {001..100} or {a,b,c}";
    let (body, rest) = text[1..].split_once('}').ok_or("; the brace is not closed")?;
    let mut all = Vec::new();
    let Some((first, last)) = body.split_once("..") else {
        for word in body.split(',') {
            if word.is_empty() || word.contains('{') {
                return Err(FORMS);
            }
            all.push(word.to_owned());
        }
        return if all.len() > 1 { Ok((all, rest)) } else { Err(FORMS) };
    };
    let (Some(mut next), Some(end)) = (digits(first), digits(last)) else { return Err(FORMS) };
    if next > end {
        return Err("; the first number is greater than the last one");
    }
    let is_padded = |word: &str| word.len() > 1 && word.starts_with('0');
    let width = if is_padded(first) || is_padded(last) { first.len().max(last.len()) } else { 0 };
    while next <= end && all.len() <= MOST_NAMES {
        let mut member = next.to_string();
        while member.len() < width {
            member.insert(0, '0');
        }
        all.push(member);
        next += 1;
    }
    Ok((all, rest))
}

#[inline(never)]
fn digits(word: &str) -> Option<u64> {
    number(word, u64::MAX).filter(|_| word.len() <= MOST_DIGITS)
}

#[cfg(test)]
mod tests {
    fn members(text: &str) -> Result<String, &'static str> {
        super::members(text).map(|(all, rest)| all.join(" ") + rest)
    }

    #[test]
    fn ranges_as_a_shell_reads_them() {
        for (text, expected) in [
            ("{1..3}", "1 2 3"),
            ("{08..11}-x", "08 09 10 11-x"),
            ("{8..010}", "008 009 010"),
            ("{0..1}", "0 1"),
            ("{a,b,c}", "a b c"),
            ("{5,5}", "5 5"),
        ] {
            assert_eq!(members(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "{",
            "{}",
            "{1}",
            "{1..}",
            "{..1}",
            "{3..1}",
            "{a..c}",
            "{a,}",
            "{-1..1}",
            "{1..1000000000000000000}",
            "{0000000000000000001..2}",
        ] {
            assert!(members(text).is_err(), "{text}");
        }
    }
}
