//! A topology in, TOML or JSON text out.

use super::tree::{Form, Node, Table, Value};
use super::write::tree;
use crate::model::topology::Topology;

/// The topology as TOML 1.0.
pub fn toml(topology: &Topology) -> String {
    let mut out = String::new();
    toml_table(&mut out, &tree(topology), "");
    out
}

/// The topology as JSON, a value a line.
pub fn json(topology: &Topology) -> String {
    let mut out = String::new();
    json_table(&mut out, &tree(topology), 0);
    out.push('\n');
    out
}

/// Whether a value has a header of its own.
fn has_header(value: &Value<'_>) -> bool {
    match value {
        Value::Table(table) => table.form != Form::Inline,
        Value::List(list) => {
            matches!(list.first(), Some(Node { value: Value::Table(table), .. }) if table.form != Form::Inline)
        }
        _ => false,
    }
}

/// The pairs of a table, then the tables below it. `path` is its header.
fn toml_table(out: &mut String, table: &Table<'_>, path: &str) {
    for entry in table.entries().iter().filter(|entry| !has_header(&entry.node.value)) {
        key(out, &entry.key);
        out.push_str(" = ");
        inline(out, &entry.node.value);
        out.push('\n');
    }
    for entry in table.entries().iter().filter(|entry| has_header(&entry.node.value)) {
        let mut below = path.to_owned();
        if !below.is_empty() {
            below.push('.');
        }
        key(&mut below, &entry.key);
        match &entry.node.value {
            Value::Table(table) => {
                if table.form == Form::Header {
                    header(out, "[", &below, "]");
                }
                toml_table(out, table, &below);
            }
            Value::List(list) => {
                for node in list {
                    if let Value::Table(table) = &node.value {
                        header(out, "[[", &below, "]]");
                        toml_table(out, table, &below);
                    }
                }
            }
            _ => {}
        }
    }
}

fn header(out: &mut String, open: &str, path: &str, close: &str) {
    for piece in ["\n", open, path, close, "\n"] {
        out.push_str(piece);
    }
}

fn key(out: &mut String, key: &str) {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !key.is_empty() && key.bytes().all(is_bare) {
        out.push_str(key);
    } else {
        quoted(out, key);
    }
}

/// A value in one line, as TOML has it.
fn inline(out: &mut String, value: &Value<'_>) {
    match value {
        Value::List(list) => {
            out.push('[');
            for (number, node) in list.iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                inline(out, &node.value);
            }
            out.push(']');
        }
        Value::Table(table) => {
            out.push('{');
            for (number, entry) in table.entries().iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { " " });
                key(out, &entry.key);
                out.push_str(" = ");
                inline(out, &entry.node.value);
            }
            out.push_str(" }");
        }
        value => scalar(out, value),
    }
}

fn scalar(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Text(text) => quoted(out, text),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Flag(on) => out.push_str(if *on { "true" } else { "false" }),
        _ => out.push_str("null"),
    }
}

/// A string between quotes, with the escapes that TOML and JSON have in common.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                out.push_str("\\u00");
                for nibble in [u32::from(c) >> 4, u32::from(c) & 15] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn json_table(out: &mut String, table: &Table<'_>, depth: usize) {
    out.push('{');
    for (number, entry) in table.entries().iter().enumerate() {
        out.push_str(if number > 0 { "," } else { "" });
        line(out, depth + 1);
        quoted(out, &entry.key);
        out.push_str(": ");
        json_value(out, &entry.node.value, depth + 1);
    }
    line(out, depth);
    out.push('}');
}

fn json_value(out: &mut String, value: &Value<'_>, depth: usize) {
    match value {
        Value::Table(table) => json_table(out, table, depth),
        Value::List(list) => {
            out.push('[');
            for (number, node) in list.iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                json_value(out, &node.value, depth);
            }
            out.push(']');
        }
        value => scalar(out, value),
    }
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str("  "));
}
