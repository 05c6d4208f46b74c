//! Values of keys: scalars by the shape that the table of keys gives them, and lists.

use super::Reader;
use crate::file::complaint::meant;
use crate::file::keys::Key;
use crate::file::tree::{Node, Table, Value};
use crate::file::words::{Wrong, address, neigh, number, wrong};
use crate::model::topology::{Origin, SettingValue};
use std::net::IpAddr;

impl Reader<'_> {
    /// A scalar by its key's shape.
    #[inline(never)]
    pub fn scalar(&mut self, key: &Key, node: &Node<'_>) -> Option<SettingValue> {
        match (key.shape, &node.value) {
            (b'b' | b'u', Value::Flag(on)) => Some(SettingValue::Flag(*on)),
            (b'b' | b'u', _) => {
                self.expected(node, &[key.name, " = true or false"]);
                None
            }
            (b'n', Value::Number(given)) => {
                let (low, high) = key.range();
                let number = u64::try_from(*given).ok().filter(|number| (low..=high).contains(number));
                if number.is_none() {
                    let unit = if key.unit == "-" { [""; 2] } else { [" ", key.unit] };
                    let range = [" from ", &low.to_string(), " to ", &high.to_string()].concat();
                    self.complaints.add(
                        node.at,
                        "out of range: ",
                        &[&given.to_string(), ", ", key.name, " is", &range, unit[0], unit[1]],
                    );
                }
                number.map(SettingValue::Number)
            }
            (b'n', _) => {
                let unit = if key.unit == "-" { [""; 2] } else { [" of ", key.unit] };
                self.expected(node, &["a number", unit[0], unit[1]]);
                None
            }
            (shape, Value::Text(text)) => {
                let value = match shape {
                    b'm' => neigh::mac(text).map(SettingValue::Mac),
                    b'i' => address(text).map(SettingValue::Address),
                    b'e' => duration(text, key.range_seconds()).map(SettingValue::Number),
                    b'w' if !key.limits.split('|').any(|word| word == text) => {
                        let words = key.limits.replace('|', ", ");
                        wrong(&["\"", text, "\" is none of ", &words, &meant(text, &mut key.limits.split('|'))])
                    }
                    _ => self.plain(key, text).map(SettingValue::Text),
                };
                self.told(node.at, value)
            }
            _ => {
                self.expected(node, &["a string"]);
                None
            }
        }
    }

    /// A text of limited length without control characters.
    fn plain(&self, key: &Key, text: &str) -> Result<String, Wrong> {
        let most = key.limits.parse().unwrap_or(255);
        match text {
            _ if text.len() > most => wrong(&[key.name, ": longer than ", key.limits, " bytes"]),
            _ if text.bytes().any(|byte| byte.is_ascii_control()) => wrong(&[key.name, ": a control character"]),
            _ => Ok(text.to_owned()),
        }
    }

    /// A string.
    #[inline(never)]
    pub fn text<'t>(&mut self, node: &'t Node<'t>) -> Option<&'t str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.expected(node, &["a string"]);
        None
    }

    /// A string, or a list of them.
    #[inline(never)]
    pub fn texts<'t>(&mut self, node: &'t Node<'t>) -> Vec<(Origin, &'t str)> {
        let list = if let Value::List(list) = &node.value { list.as_slice() } else { std::slice::from_ref(node) };
        let mut texts = Vec::new();
        for node in list {
            if let Some(text) = self.text(node) {
                texts.push((node.at, text));
            }
        }
        texts
    }

    /// A list of addresses.
    pub fn addresses(&mut self, node: &Node<'_>) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for (at, text) in self.texts(node) {
            if let Some(one) = self.told(at, address(text)) {
                addresses.push(one);
            }
        }
        addresses
    }

    /// Texts without blanks, as `resolv.conf` has them.
    pub fn tokens(&mut self, key: &Key, node: &Node<'_>) -> Vec<String> {
        let mut tokens = Vec::new();
        for (at, text) in self.texts(node) {
            let token = match text.is_empty() || text.bytes().any(|byte| byte.is_ascii_whitespace()) {
                true => wrong(&[key.name, ": \"", text, "\" is not one word"]),
                false => self.plain(key, text),
            };
            if let Some(one) = self.told(at, token) {
                tokens.push(one);
            }
        }
        tokens
    }

    /// A table, or a list of them.
    pub fn tables<'t>(&mut self, node: &'t Node<'t>, what: &str) -> Vec<(Origin, &'t Table<'t>)> {
        let list = if let Value::List(list) = &node.value { list.as_slice() } else { std::slice::from_ref(node) };
        let mut tables = Vec::new();
        for node in list {
            match &node.value {
                Value::Table(table) => tables.push((node.at, table)),
                _ => self.expected(node, &["a list of tables: [[", what, "]]"]),
            }
        }
        tables
    }

    /// The name of the owner: `[a-z0-9][a-z0-9._-]{0,31}`.
    pub fn owner(&mut self, node: &Node<'_>) -> Option<String> {
        let name = self.text(node)?;
        let good = crate::model::lab::is_name(name);
        if !good {
            self.complaints.add(node.at, "not a name: ", &["\"", name, "\" ([a-z0-9][a-z0-9._-]{0,31})"]);
        }
        good.then(|| name.to_owned())
    }
}

impl Key {
    /// The longest time that it takes, in seconds.
    fn range_seconds(&self) -> u64 {
        self.limits.parse().unwrap_or(0)
    }
}

/// A time, `10s` or `500ms`, in milliseconds; of at most `most` seconds.
///
/// # Errors
/// It is none, or longer.
pub fn duration(text: &str, most: u64) -> Result<u64, Wrong> {
    let (digits, scale) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or_default(), 1000),
    };
    let time = number(digits, 1_000_000).map(|number| number * scale).filter(|time| *time <= most * 1000);
    time.ok_or_else(|| Wrong::of(&["\"", text, "\" is no time up to ", &most.to_string(), "s (10s, 500ms)"]))
}
