//! TOML text in, a tree out. `toml_parser` splits the text into events; which table a key goes into, and
//! what may be said twice, is decided here.

use std::borrow::Cow;

use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{Expected, ParseError, Source, Span};

use super::complaint::Complaints;
use super::tree::{Form, Node, Table, Value};
use crate::model::topology::Origin;

/// How deep lists and tables between brackets and braces may nest.
const DEPTH: u32 = 16;
/// Parts that a key with dots, or a header, may have.
const PARTS: usize = 16;

/// Reads a text. Where its syntax is wrong, the tree is not to be used.
pub fn read(text: &str, file: u16, complaints: &mut Complaints) -> Table<'static> {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events = Vec::new();
    let mut errors = Vec::new();
    let mut pick = |event: Event| {
        if !matches!(event.kind(), EventKind::Whitespace | EventKind::Comment | EventKind::Newline) {
            events.push(event);
        }
    };
    parse_document(&tokens, &mut RecursionGuard::new(&mut pick, DEPTH), &mut errors);
    let mut reader = Reader { source, file, events: &events, errors, complaints };
    let mut root = Table::new(Form::Header);
    reader.document(&mut root);
    for error in std::mem::take(&mut reader.errors) {
        let at = error.unexpected().or(error.context()).map_or(0, |span| span.start());
        let literal = error.expected().unwrap_or_default().iter().find_map(|expected| match expected {
            Expected::Literal(text) => Some(["; expected \"", text, "\""]),
            _ => None,
        });
        // What looks like no value at all is taken for `true` or `false`.
        let is_word = error.description() == "invalid boolean";
        let literal = literal.filter(|_| !is_word);
        let description = if is_word { "a string must be quoted" } else { error.description() };
        let description = [description, &literal.unwrap_or_default().concat()].concat();
        reader.complaints.add(origin(file, at), "TOML syntax: ", &[&description]);
    }
    root
}

fn origin(file: u16, at: usize) -> Origin {
    Origin { file, at: u32::try_from(at).unwrap_or(u32::MAX) }
}

struct Reader<'a> {
    source: Source<'a>,
    file: u16,
    events: &'a [Event],
    errors: Vec<ParseError>,
    complaints: &'a mut Complaints,
}

/// The parts of a key with dots, each with its place.
type Path = Vec<(Origin, Cow<'static, str>)>;

impl Reader<'_> {
    fn at(&self, span: Span) -> Origin {
        origin(self.file, span.start())
    }

    fn next(&mut self) -> Option<Event> {
        let (event, rest) = self.events.split_first()?;
        self.events = rest;
        Some(*event)
    }

    fn document(&mut self, root: &mut Table<'static>) {
        self.body(root);
        while let Some(event) = self.next() {
            let is_array = match event.kind() {
                EventKind::StdTableOpen => false,
                EventKind::ArrayTableOpen => true,
                _ => continue,
            };
            let path = self.path();
            let mut lost = Table::new(Form::Header);
            let table = open(root, &path, is_array, self.complaints).unwrap_or(&mut lost);
            self.body(table);
        }
    }

    /// The pairs up to the next header.
    fn body(&mut self, table: &mut Table<'static>) {
        while let Some(event) = self.events.first() {
            match event.kind() {
                EventKind::SimpleKey => self.pair(table),
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => return,
                _ => _ = self.next(),
            }
        }
    }

    /// A key up to its end or the closing of its header.
    fn path(&mut self) -> Path {
        let mut path = Path::new();
        while let Some(event) = self.next() {
            match event.kind() {
                EventKind::SimpleKey => {
                    let mut key = Cow::Borrowed("");
                    if let Some(raw) = self.source.get(event) {
                        raw.decode_key(&mut key, &mut self.errors);
                    }
                    if path.len() == PARTS {
                        self.complaints.add(self.at(event.span()), "a key has more than 16 parts", &[]);
                    } else if path.len() < PARTS {
                        path.push((self.at(event.span()), key.into_owned().into()));
                    }
                }
                EventKind::KeySep => {}
                _ => break,
            }
        }
        path
    }

    fn pair(&mut self, table: &mut Table<'static>) {
        let mut path = self.path();
        let node = self.value();
        let Some((at, key)) = path.pop() else { return };
        let mut table = table;
        for (at, part) in path {
            let number = match table.find(&part) {
                Some(number) => number,
                None => table.push(at, part, Node { at, value: Value::Table(Table::new(Form::Dotted)) }),
            };
            let entry = table.entry(number);
            match &mut entry.node.value {
                Value::Table(inner) if inner.form == Form::Dotted => table = inner,
                _ => {
                    let key = &entry.key;
                    self.complaints.add_other(at, "already set: ", &["\"", key, "\" is said at "], Some(entry.at));
                    return;
                }
            }
        }
        add(table, at, key, node, self.complaints);
    }

    fn value(&mut self) -> Node<'static> {
        let Some(event) = self.next() else { return Node { at: origin(self.file, 0), value: Value::Other("nothing") } };
        let at = self.at(event.span());
        let value = match event.kind() {
            EventKind::Scalar => self.scalar(event),
            EventKind::ArrayOpen => {
                let mut list = Vec::new();
                while let Some(event) = self.events.first() {
                    match event.kind() {
                        EventKind::ArrayClose => {
                            self.next();
                            break;
                        }
                        EventKind::Scalar | EventKind::ArrayOpen | EventKind::InlineTableOpen => {
                            list.push(self.value());
                        }
                        _ => _ = self.next(),
                    }
                }
                Value::List(list)
            }
            EventKind::InlineTableOpen => {
                let mut table = Table::new(Form::Inline);
                while let Some(event) = self.events.first() {
                    match event.kind() {
                        EventKind::SimpleKey => self.pair(&mut table),
                        EventKind::InlineTableClose => {
                            self.next();
                            break;
                        }
                        _ => _ = self.next(),
                    }
                }
                Value::Table(table)
            }
            _ => Value::Other("nothing"),
        };
        Node { at, value }
    }

    fn scalar(&mut self, event: Event) -> Value<'static> {
        let mut text = Cow::Borrowed("");
        let Some(raw) = self.source.get(event) else { return Value::Other("nothing") };
        match raw.decode_scalar(&mut text, &mut self.errors) {
            ScalarKind::String => Value::Text(text.into_owned().into()),
            ScalarKind::Boolean(on) => Value::Flag(on),
            ScalarKind::Integer(radix) => match i64::from_str_radix(&text, radix.value()) {
                Ok(number) => Value::Number(number),
                Err(_) => Value::Other("a number of more than 63 bits"),
            },
            ScalarKind::Float => Value::Other("a number with a fraction"),
            ScalarKind::DateTime => Value::Other("a date"),
        }
    }
}

/// Adds a pair whose key must be new.
pub fn add(
    table: &mut Table<'static>,
    at: Origin,
    key: Cow<'static, str>,
    node: Node<'static>,
    complaints: &mut Complaints,
) {
    match table.find(&key) {
        Some(number) => {
            let first = Some(table.entry(number).at);
            complaints.add_other(at, "already set: ", &["\"", &key, "\" is said at "], first);
        }
        None => _ = table.push(at, key, node),
    }
}

/// The table of a header.
fn open<'t>(
    root: &'t mut Table<'static>,
    path: &Path,
    is_array: bool,
    complaints: &mut Complaints,
) -> Option<&'t mut Table<'static>> {
    let (last, parents) = path.split_last()?;
    let mut table = root;
    for (at, part) in parents {
        let number = match table.find(part) {
            Some(number) => number,
            None => table.push(*at, part.clone(), Node { at: *at, value: Value::Table(Table::new(Form::Implicit)) }),
        };
        let entry = table.entry(number);
        table = match &mut entry.node.value {
            Value::Table(inner) if inner.form != Form::Inline => inner,
            // Headers below a list of tables go into the last one.
            Value::List(list) => match list.last_mut().map(|node| &mut node.value) {
                Some(Value::Table(inner)) if inner.form != Form::Inline => inner,
                _ => return said(*at, part, entry.at, complaints),
            },
            _ => return said(*at, part, entry.at, complaints),
        };
    }
    let (at, part) = last;
    let fresh = || Node { at: *at, value: Value::Table(Table::new(Form::Header)) };
    let number = match table.find(part) {
        Some(number) => number,
        None if is_array => table.push(*at, part.clone(), Node { at: *at, value: Value::List(Vec::new()) }),
        None => table.push(*at, part.clone(), fresh()),
    };
    let is_last = number + 1 == table.entries().len();
    let entry = table.entry(number);
    match &mut entry.node.value {
        // A list written between brackets is complete.
        Value::List(list) if is_array => {
            let is_open = match list.last() {
                None => is_last && entry.at.order() == at.order(),
                Some(Node { value: Value::Table(table), .. }) => table.form == Form::Header,
                Some(_) => false,
            };
            if !is_open {
                return said(*at, part, entry.at, complaints);
            }
            list.push(fresh());
            match list.last_mut().map(|node| &mut node.value) {
                Some(Value::Table(table)) => Some(table),
                _ => None,
            }
        }
        Value::Table(table) if !is_array && (table.form == Form::Implicit || entry.at.order() == at.order()) => {
            table.form = Form::Header;
            // What is wrong with it is told at its own header.
            entry.at = *at;
            Some(table)
        }
        _ => said(*at, part, entry.at, complaints),
    }
}

fn said<'t>(at: Origin, key: &str, first: Origin, complaints: &mut Complaints) -> Option<&'t mut Table<'static>> {
    complaints.add_other(at, "already set: ", &["\"", key, "\" is said at "], Some(first));
    None
}
