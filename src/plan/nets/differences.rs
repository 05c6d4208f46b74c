//! What differs: values are compared as they are, and put in words only if they differ.

use std::net::IpAddr;

use crate::model::ip::addr_text;
use crate::model::plan::Difference;

/// What was there before, as a change is told; empty if nothing differs.
pub type Why = Vec<Difference>;

/// A property.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    Nothing,
    Number(u32),
    Address(IpAddr),
    Word(&'static str),
    Text(String),
}

impl Value {
    fn text(self) -> String {
        match self {
            Value::Nothing => String::new(),
            Value::Number(number) => number.to_string(),
            Value::Address(addr) => addr_text(&addr).to_string(),
            Value::Word(word) => word.to_owned(),
            Value::Text(text) => text,
        }
    }

    /// `RT_SCOPE_*`.
    pub fn scope(scope: u8) -> Value {
        match scope {
            0 => Value::Word("global"),
            253 => Value::Word("link"),
            254 => Value::Word("host"),
            scope => Value::Number(scope.into()),
        }
    }
}

impl From<Option<u32>> for Value {
    fn from(number: Option<u32>) -> Self {
        number.map_or(Value::Nothing, Value::Number)
    }
}

impl From<Option<IpAddr>> for Value {
    fn from(addr: Option<IpAddr>) -> Self {
        addr.map_or(Value::Nothing, Value::Address)
    }
}

impl From<bool> for Value {
    fn from(on: bool) -> Self {
        Value::Word(if on { "on" } else { "off" })
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

/// Notes a property, as found and as asked for, if it differs; whether it does.
#[inline(never)]
pub fn differs(why: &mut Why, what: &'static str, from: Value, to: Value) -> bool {
    let differs = from != to;
    if differs {
        why.push(Difference { what, from: from.text(), to: to.text() });
    }
    differs
}
