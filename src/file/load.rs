//! Files with those that they include in, one tree out.

use std::io;

use super::complaint::{ALREADY, Complaints, Source, Sources};
use super::path::{beside, matches};
use super::tree::{Entry, Form, Node, Table, Value};
use super::{Files, MOST_BYTES, MOST_DEPTH, MOST_FILES, syntax};
use crate::model::topology::Origin;

/// Reads a file with what it includes; no tree if there is nothing to go on with.
pub fn load(path: &str, files: &mut dyn Files, complaints: &mut Complaints) -> (Option<Table<'static>>, Sources) {
    let mut loader = Loader { files, sources: Sources::default(), paths: Vec::new(), complaints, bytes: 0 };
    let root = loader.load(path, None, &mut Vec::new());
    (root, loader.sources)
}

struct Loader<'a> {
    files: &'a mut dyn Files,
    sources: Sources,
    /// Of each source its path, without what does not matter.
    paths: Vec<String>,
    complaints: &'a mut Complaints,
    bytes: usize,
}

impl Loader<'_> {
    /// Reads a file with what it includes; `way` has the files that are being read.
    fn load(&mut self, path: &str, from: Option<Origin>, way: &mut Vec<String>) -> Option<Table<'static>> {
        let file = u16::try_from(self.sources.files.len()).unwrap_or(u16::MAX);
        let own = Origin { file, at: 0 };
        let bytes = self.files.read(path);
        let room = MOST_BYTES - self.bytes;
        self.sources.files.push(Source { name: path.to_owned(), text: String::new() });
        let own_path = if from.is_none() { beside("", path) } else { path.to_owned() };
        self.paths.push(own_path.clone());
        let bytes = match bytes {
            Ok(bytes) if bytes.len() <= room => bytes,
            Ok(_) => {
                self.complaints.partial(from.unwrap_or(own), "the files are longer than 4 MiB together", &[]);
                return None;
            }
            Err(error) => {
                self.unread(from.unwrap_or(own), from.map_or("", |_| path), &error);
                return None;
            }
        };
        self.bytes += bytes.len();
        let mut text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                self.sources.files[usize::from(file)].text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let at = Origin { file, at: u32::try_from(at).unwrap_or(0) };
                self.complaints.partial(at, "not UTF-8", &[]);
                return None;
            }
        };
        // A mark of the order of bytes, which is none of the text.
        if text.starts_with('\u{feff}') {
            text.drain(..3);
        }
        let table = syntax::read(&text, file, self.complaints);
        self.sources.files[usize::from(file)].text = text;
        way.push(own_path);
        let mut root = Table::new(Form::Header);
        if let Some(entry) = table.get("include") {
            self.include(&entry.node, &mut root, way);
        }
        let is_main = way.len() == 1;
        way.pop();
        for entry in table.into_entries() {
            match entry.key.as_ref() {
                "include" => {}
                "name" if !is_main => {
                    self.complaints.add(entry.at, "\"name\" is said by the file that includes the others", &[]);
                }
                "version" if !is_main => {
                    if !matches!(entry.node.value, Value::Number(1)) {
                        self.complaints.add(entry.node.at, "\"version\" is 1", &[]);
                    }
                }
                _ => self.join(&mut root, entry),
            }
        }
        Some(root)
    }

    /// Reads what a file includes into its tree.
    fn include(&mut self, node: &Node<'_>, root: &mut Table<'static>, way: &mut Vec<String>) {
        let list = if let Value::List(list) = &node.value { list.as_slice() } else { std::slice::from_ref(node) };
        for node in list {
            let Value::Text(pattern) = &node.value else {
                self.complaints.expected(node, "a string");
                continue;
            };
            if way.len() == MOST_DEPTH {
                self.complaints.add(node.at, "files include each other more than 16 deep", &[]);
                return;
            }
            for path in self.paths(pattern, node.at, way) {
                if self.sources.files.len() == MOST_FILES {
                    self.complaints.add(node.at, "more than 1024 files", &[]);
                    return;
                }
                let included = self.load(&path, Some(node.at), way);
                for entry in included.map(Table::into_entries).unwrap_or_default() {
                    self.join(root, entry);
                }
            }
        }
    }

    /// The files of a pattern, `*` in the last part, that are not read yet. Relative ones begin where the file is.
    fn paths(&mut self, pattern: &str, at: Origin, way: &[String]) -> Vec<String> {
        let path = beside(way.last().map_or("", String::as_str), pattern);
        // Standard input is no file beside others: one of that name is.
        let named = |path: String| if path == "-" { "./-".to_owned() } else { path };
        let (folder, last) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, last)| (folder, last));
        if !last.contains('*') {
            let path = named(path);
            if way.contains(&path) {
                self.complaints.add(at, "a loop of files that include each other: %", &[&path]);
                return Vec::new();
            }
            return if self.is_read(&path) { Vec::new() } else { vec![path] };
        }
        let mut found: Vec<String> = Vec::new();
        let folder = match folder {
            "" if path.starts_with('/') => "/",
            "" => ".",
            folder => folder,
        };
        match self.files.list(folder) {
            Ok(names) => {
                for name in
                    names.into_iter().filter(|name| !name.starts_with('.') && matches(last.as_bytes(), name.as_bytes()))
                {
                    let path = named([&path[..path.len() - last.len()], &name].concat());
                    // In the order of their names, whatever the folder's is.
                    let place = found.partition_point(|other| *other < path);
                    if !self.is_read(&path) {
                        found.insert(place, path);
                    }
                }
            }
            Err(error) => self.unread(at, folder, &error),
        }
        found
    }

    /// Complains that a file or folder cannot be read; the main one's name stands in front anyway.
    #[inline(never)]
    fn unread(&mut self, at: Origin, path: &str, error: &io::Error) {
        // The system's reason, or that of who reads.
        let own = || error.get_ref().map_or_else(|| crate::error::strerror(libc::EIO), ToString::to_string);
        let why = error.raw_os_error().map_or_else(own, crate::error::strerror);
        let colon = if path.is_empty() { "" } else { ": " };
        self.complaints.partial(at, "cannot be read: %%%", &[path, colon, &why]);
    }

    #[inline(never)]
    fn is_read(&self, path: &str) -> bool {
        self.paths.iter().any(|read| read == path)
    }

    /// Adds what a further file says: tables are joined, lists are one behind the other, anything else is said once.
    fn join(&mut self, table: &mut Table<'static>, entry: Entry<'static>) {
        let Some(number) = table.find(&entry.key) else {
            table.push(entry.at, entry.key, entry.node);
            return;
        };
        let old = table.entry(number);
        match (&mut old.node.value, entry.node.value) {
            (Value::Table(old), Value::Table(new)) => {
                for entry in new.into_entries() {
                    self.join(old, entry);
                }
            }
            (Value::List(old), Value::List(new)) => old.extend(new),
            _ => {
                let first = Some(old.at);
                self.complaints.add_other(entry.at, ALREADY, &[&entry.key], first);
            }
        }
    }
}
