//! Which table a header of TOML opens, and what may not be said twice.

use std::borrow::Cow;

use crate::file::complaint::{ALREADY, Complaints};
use crate::file::tree::{Entry, Form, Node, Table, Value};
use crate::model::topology::Origin;

/// The parts of a key with dots, each with its place.
pub type Path = Vec<(Origin, String)>;

/// The entry of a key, which is made a table of this form if it is not there.
#[inline(never)]
pub fn enter<'t>(table: &'t mut Table<'static>, at: Origin, part: &str, form: Form) -> &'t mut Entry<'static> {
    let number = match table.find(part) {
        Some(number) => number,
        None => {
            let key = Cow::Owned(part.to_owned());
            table.push(at, key, Node { at, value: Value::Table(Table::new(form)) })
        }
    };
    table.entry(number)
}

/// The table of a header.
pub fn open<'t>(
    root: &'t mut Table<'static>,
    path: &Path,
    is_list: bool,
    complaints: &mut Complaints,
) -> Option<&'t mut Table<'static>> {
    let (last, parents) = path.split_last()?;
    let mut table = root;
    for (at, part) in parents {
        let entry = enter(table, *at, part, Form::Implicit);
        let inner = match &mut entry.node.value {
            // Headers below a list of tables go into the last one.
            Value::List(list) => list.last_mut().map(|node| &mut node.value),
            value => Some(value),
        };
        match inner {
            Some(Value::Table(inner)) if inner.form != Form::Inline => table = inner,
            _ => {
                said(*at, part, entry.at, complaints);
                return None;
            }
        }
    }
    let (at, part) = last;
    let is_new = table.find(part).is_none();
    let entry = enter(table, *at, part, Form::Implicit);
    let first = entry.at;
    if is_list && is_new {
        entry.node.value = Value::List(Vec::new());
    }
    // What is wrong with a table is told at its own header.
    entry.at = *at;
    let value = &mut entry.node.value;
    let opened = match (is_list, value) {
        (false, value) => Some(value),
        // A list written between brackets is complete.
        (true, Value::List(list)) => {
            let is_open = match list.last() {
                None => is_new,
                Some(Node { value: Value::Table(table), .. }) => table.form == Form::Header,
                Some(_) => false,
            };
            if is_open {
                list.push(Node { at: *at, value: Value::Table(Table::new(Form::Header)) });
            }
            list.last_mut().map(|node| &mut node.value).filter(|_| is_open)
        }
        _ => None,
    };
    match opened {
        Some(Value::Table(table)) => {
            if !is_list && table.form != Form::Implicit {
                said(*at, part, first, complaints);
            }
            table.form = Form::Header;
            Some(table)
        }
        _ => {
            said(*at, part, first, complaints);
            None
        }
    }
}

/// Complains that a key is said already.
#[inline(never)]
pub fn said(at: Origin, key: &str, first: Origin, complaints: &mut Complaints) {
    complaints.add_other(at, ALREADY, &[key], Some(first));
}
