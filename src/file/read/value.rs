//! Values of keys: scalars by the shape that the table of keys gives them, and lists.

use super::Reader;
use crate::file::complaint::{Complaints, meant};
use crate::file::keys::Key;
use crate::file::tree::{Node, Table, Value};
use crate::file::words::{Words, number};
use crate::model::topology::{Origin, Said, SettingValue};

/// What is done with each line of a list.
pub type Each<'f> = dyn FnMut(&mut Words<'_>, Origin) + 'f;

impl Complaints {
    /// Complains about a value of a wrong type.
    #[inline(never)]
    pub fn expected(&mut self, node: &Node<'_>, what: &str) {
        self.add(node.at, "expected %, not %", &[what, node.value.noun()]);
    }

    /// Takes the words of a string, or of each string of a list, and tells what is wrong with them.
    #[inline(never)]
    pub fn lines(&mut self, node: &Node<'_>, each: &mut Each<'_>) {
        let list = if let Value::List(list) = &node.value { list.as_slice() } else { std::slice::from_ref(node) };
        for node in list {
            self.line(node, each);
        }
    }

    /// The same of one string.
    #[inline(never)]
    pub fn line(&mut self, node: &Node<'_>, each: &mut Each<'_>) {
        let Value::Text(text) = &node.value else {
            self.expected(node, "a string");
            return;
        };
        let mut words = Words::new(text);
        each(&mut words, node.at);
        if let Some(wrong) = words.wrong() {
            self.add(node.at, "%", &[wrong]);
        }
    }

    /// Keeps what all lines of a list say, but for those that are wrong.
    pub fn keep<T>(
        &mut self,
        node: &Node<'_>,
        list: &mut Vec<Said<T>>,
        mut read: impl FnMut(&mut Words<'_>) -> Option<T>,
    ) {
        self.lines(node, &mut |words, at| {
            if let (Some(what), None) = (read(words), words.wrong()) {
                list.push(Said { at, what });
            }
        });
    }

    /// A table, or each table of a list.
    #[inline(never)]
    pub fn tables<'t>(&mut self, node: &'t Node<'t>, what: &str) -> Vec<(Origin, &'t Table<'t>)> {
        let list = if let Value::List(list) = &node.value { list.as_slice() } else { std::slice::from_ref(node) };
        let mut tables = Vec::new();
        for node in list {
            match &node.value {
                Value::Table(table) => tables.push((node.at, table)),
                _ => self.expected(node, &["a list of tables: [[", what, "]]"].concat()),
            }
        }
        tables
    }
}

impl Reader<'_> {
    /// A scalar by its key's shape.
    #[inline(never)]
    pub fn scalar(&mut self, key: &Key, node: &Node<'_>) -> Option<SettingValue> {
        let [of, unit] = if key.unit == "-" { [""; 2] } else { [" of ", key.unit] };
        match (key.shape, &node.value) {
            (b'b' | b'u', Value::Flag(on)) => return Some(SettingValue::Flag(*on)),
            (b'b' | b'u', _) => self.expected(node, &[key.name, " = true or false"]),
            (b'n', Value::Number(given)) => {
                let (low, high) = key.range();
                let from = if low < high { ["from ", &low.to_string(), " to "].concat() } else { String::new() };
                match u64::try_from(*given).ok().filter(|number| (low..=high).contains(number)) {
                    Some(number) => return Some(SettingValue::Number(number)),
                    None => self.complaints.add(
                        node.at,
                        "out of range: %, % is %%%%",
                        &[
                            &given.to_string(),
                            key.name,
                            &from,
                            &high.to_string(),
                            of.get(..1).unwrap_or_default(),
                            unit,
                        ],
                    ),
                }
            }
            (b'n', _) => self.expected(node, &["a number", of, unit]),
            (_, Value::Text(text)) => {
                let mut value = None;
                self.complaints.line(node, &mut |words, _| {
                    value = Some(text_value(key, words, text)).filter(|_| words.wrong().is_none());
                });
                return value;
            }
            _ => self.expected(node, &[if key.shape == b'e' { "a time, \"10s\" or \"500ms\"" } else { "a string" }]),
        }
        None
    }

    /// Texts without blanks, as `resolv.conf` has them.
    #[inline(never)]
    pub fn tokens(&mut self, key: &Key, node: &Node<'_>) -> Vec<String> {
        let mut tokens = Vec::new();
        self.complaints.lines(node, &mut |words, _| {
            let text = words.rest();
            if text.is_empty() || text.bytes().any(|byte| byte.is_ascii_whitespace()) {
                words.fail("%: \"%\" is not one word", &[key.name, text]);
            }
            tokens.push(plain(key, words, text));
        });
        tokens
    }

    /// The name of the owner: `[a-z0-9][a-z0-9._-]{0,31}`.
    pub fn owner(&mut self, node: &Node<'_>) -> String {
        let mut owner = String::new();
        self.complaints.line(node, &mut |words, _| {
            let name = words.rest();
            if !crate::model::lab::is_name(name) {
                words.fail("not a name: \"%\" ([a-z0-9][a-z0-9._-]{0,31})", &[name]);
            }
            name.clone_into(&mut owner);
        });
        owner
    }
}

/// A string by its key's shape.
#[inline(never)]
pub fn text_value(key: &Key, words: &mut Words<'_>, text: &str) -> SettingValue {
    match key.shape {
        b'm' => SettingValue::Mac(words.mac(text)),
        b'i' => {
            let addr = words.single(text);
            // A tunnel's group is multicast, its ends are not.
            if addr.is_multicast() != (key.name == "group") {
                let is = if addr.is_multicast() { " is" } else { " is not" };
                words.fail("%: %% a multicast address", &[key.name, &crate::model::ip::addr_text(&addr), is]);
            }
            SettingValue::Address(addr)
        }
        b'e' => {
            let time = duration(text, key.limits.parse().unwrap_or(0));
            if time.is_none() {
                words.fail("\"%\" is no time up to %s (10s, 500ms)", &[text, key.limits]);
            }
            SettingValue::Number(time.unwrap_or(0))
        }
        _ => {
            if key.shape == b'w' && !key.limits.split('|').any(|word| word == text) {
                let known = key.limits.replace('|', ", ");
                words.fail("\"%\" is none of %%", &[text, &known, &meant(text, &mut key.limits.split('|'))]);
            }
            SettingValue::Text(plain(key, words, text))
        }
    }
}

/// A text of limited length without control characters.
#[inline(never)]
fn plain(key: &Key, words: &mut Words<'_>, text: &str) -> String {
    if text.len() > key.limits.parse().unwrap_or(255) {
        words.fail("%: longer than % bytes", &[key.name, key.limits]);
    }
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        words.fail("%: a control character", &[key.name]);
    }
    text.to_owned()
}

/// Milliseconds of a time like `10s` or `500ms`, of at most so many seconds.
pub fn duration(text: &str, most: u64) -> Option<u64> {
    let (digits, scale) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or_default(), 1000),
    };
    number(digits, 1_000_000).map(|number| number * scale).filter(|time| *time <= most * 1000)
}
