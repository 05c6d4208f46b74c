//! What TOML and JSON have in common: values with the place where each is said. Readers make it, the
//! interpreter of keys reads it; for output it is made of a topology and printed.

use std::borrow::Cow;

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

/// Numbers of things by their keys' hashes: open addressing, no deletion.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Hash and number plus one; 0 is free. A power of two, at most three quarters full.
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Index {
    /// The number whose key has this hash and meets a condition.
    pub fn find(&self, key: &[u8], same: impl Fn(usize) -> bool) -> Option<usize> {
        let hash = hash(key);
        let mut at = hash as usize;
        loop {
            let slot = self.slots.get(at & self.slots.len().wrapping_sub(1))?;
            match slot.1 {
                0 => return None,
                number if slot.0 == hash && same(number as usize - 1) => return Some(number as usize - 1),
                _ => at += 1,
            }
        }
    }

    /// Adds a number under a key.
    pub fn insert(&mut self, key: &[u8], number: usize) {
        if self.used * 4 >= self.slots.len() * 3 {
            let size = (self.slots.len() * 2).max(16);
            let old = std::mem::replace(&mut self.slots, vec![(0, 0); size]);
            old.into_iter().filter(|slot| slot.1 != 0).for_each(|slot| self.place(slot));
        }
        self.place((hash(key), u32::try_from(number + 1).unwrap_or(u32::MAX)));
        self.used += 1;
    }

    fn place(&mut self, slot: (u32, u32)) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = slot.0 as usize & mask;
        while self.slots.get(at).is_some_and(|slot| slot.1 != 0) {
            at = (at + 1) & mask;
        }
        if let Some(free) = self.slots.get_mut(at) {
            *free = slot;
        }
    }
}

/// Eight bytes at a time, multiplied; the upper bits are the better ones.
fn hash(key: &[u8]) -> u32 {
    let hash = key.chunks(8).fold(key.len() as u64, |hash: u64, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    u32::try_from(hash >> 32).unwrap_or(0)
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

    #[test]
    fn an_index_holds_several_of_one_key() {
        let mut index = Index::default();
        assert_eq!(index.find(b"a", |_| true), None);
        (0..100).for_each(|number| index.insert(b"a", number));
        assert_eq!(index.find(b"a", |number| number == 77), Some(77));
        assert_eq!(index.find(b"a", |number| number == 100), None);
        assert_eq!(index.find(b"b", |_| true), None);
    }
}
