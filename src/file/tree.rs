//! What TOML and JSON have in common: values with the place where each is said. Readers make it, the
//! interpreter of keys reads it; for output it is made of a topology and printed.

use std::borrow::Cow;

pub use crate::model::index::Index;
use crate::model::topology::Origin;

/// A value and its place. Texts may be those of another tree: a member of a range shares what it has in common
/// with the others.
#[derive(Debug, Clone)]
pub struct Node<'t> {
    /// Where it begins.
    pub at: Origin,
    /// The value.
    pub value: Value<'t>,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Value<'t> {
    /// A string.
    Text(Cow<'t, str>),
    /// An integer.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
    /// An array.
    List(Vec<Node<'t>>),
    /// A table, or an object of JSON.
    Table(Table<'t>),
    /// Something that no key takes, by what it is.
    Other(&'static str),
}

impl Value<'_> {
    /// What it is, for messages.
    pub fn noun(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Number(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(noun) => noun,
        }
    }
}

/// How a table came about: what TOML lets be added to it depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// By a longer header: it may get a header of its own.
    #[default]
    Implicit,
    /// By its header.
    Header,
    /// By keys with dots.
    Dotted,
    /// Between braces: it is complete.
    Inline,
}

/// An entry of a table.
#[derive(Debug, Clone)]
pub struct Entry<'t> {
    /// Place of the key.
    pub at: Origin,
    /// The key.
    pub key: Cow<'t, str>,
    /// Its value.
    pub node: Node<'t>,
}

/// A table: entries in the order of the text, each key once.
#[derive(Debug, Clone, Default)]
pub struct Table<'t> {
    /// How it came about.
    pub form: Form,
    entries: Vec<Entry<'t>>,
    index: Index,
}

/// From how many entries on a table has an index.
const INDEXED: usize = 8;

impl<'t> Table<'t> {
    /// A table of this form.
    #[inline(never)]
    pub fn new(form: Form) -> Self {
        Table { form, ..Table::default() }
    }

    /// Its entries.
    pub fn entries(&self) -> &[Entry<'t>] {
        &self.entries
    }

    /// Its entries, to take.
    pub fn into_entries(self) -> Vec<Entry<'t>> {
        self.entries
    }

    /// The number of a key's entry.
    pub fn find(&self, key: &str) -> Option<usize> {
        if self.entries.len() < INDEXED {
            return self.entries.iter().position(|entry| entry.key == key);
        }
        self.index.find(key.as_bytes(), |at| self.entries[at].key == key)
    }

    /// The entry of a key.
    #[inline(never)]
    pub fn get(&self, key: &str) -> Option<&Entry<'t>> {
        self.find(key).map(|at| &self.entries[at])
    }

    /// An entry by its number.
    pub fn entry(&mut self, number: usize) -> &mut Entry<'t> {
        &mut self.entries[number]
    }

    /// Adds an entry whose key is not there; returns its number.
    pub fn push(&mut self, at: Origin, key: Cow<'t, str>, node: Node<'t>) -> usize {
        let number = self.entries.len();
        self.entries.push(Entry { at, key, node });
        if number + 1 == INDEXED {
            (0..number).for_each(|at| self.index.insert(self.entries[at].key.as_bytes(), at));
        }
        if number + 1 >= INDEXED {
            self.index.insert(self.entries[number].key.as_bytes(), number);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_find_their_keys_small_and_large() {
        let mut table = Table::default();
        for number in 0..1000 {
            let key = format!("w{number}");
            assert_eq!(table.find(&key), None);
            let node = Node { at: Origin::default(), value: Value::Number(number) };
            table.push(Origin::default(), key.into(), node);
            for old in [0, number / 2, number] {
                let found = table.get(&format!("w{old}")).unwrap();
                assert!(matches!(found.node.value, Value::Number(value) if value == old));
            }
        }
    }
}
