//! Files that say what a network should be: TOML or JSON in, a [`Topology`] out, and back.
//!
//! ```text
//! text -> syntax -> tree      -> range -> read (keys, words) -> check -> Topology
//! text <- print <----------------------------- write (keys, words) <------ Topology
//! ```
//!
//! No kernel is asked. All errors of a file are told at once, each with its place.

mod check;
pub mod complaint;
pub mod keys;
mod print;
mod range;
mod read;
mod syntax;
mod tree;
pub(crate) mod words;
mod write;

pub use check::{MOST_FORWARDS, MOST_PORTS};
pub use complaint::{Refused, Source, Sources};
pub use range::{MOST_NAMES, MOST_VALUES};
pub use read::duration;
pub use write::{json, toml};

use std::io::{self, Read};
use std::os::fd::AsFd;

use complaint::{ALREADY, Complaints};
use tree::{Entry, Form, Node, Table, Value};

use crate::model::topology::{Origin, Topology};

/// All files together, in bytes, at most.
pub const MOST_BYTES: usize = 4 << 20;
/// How deep files may include each other.
pub const MOST_DEPTH: usize = 16;
/// Files that one file includes, with all that they include.
pub const MOST_FILES: usize = 1024;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What it says.
    pub topology: Topology,
    /// The texts that origins are about.
    pub sources: Sources,
}

/// Where included files come from.
pub trait Files {
    /// The bytes of a file.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>>;
    /// The names in a folder, in any order.
    ///
    /// # Errors
    /// It cannot be read.
    fn list(&mut self, folder: &str) -> io::Result<Vec<String>>;
}

/// The files of this machine; `-` is standard input.
pub struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        let mut file = match path {
            "-" => io::stdin().as_fd().try_clone_to_owned()?.into(),
            _ => std::fs::File::open(path)?,
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&mut self, folder: &str) -> io::Result<Vec<String>> {
        let folder = if folder.is_empty() { "." } else { folder };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// Reads a file, and those that it includes.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(path: &str, files: &mut dyn Files) -> Result<File, Refused> {
    let mut loader = Loader { files, sources: Sources::default(), complaints: Complaints::default(), bytes: 0 };
    let root = loader.load(path, None, &mut Vec::new());
    let Loader { sources, mut complaints, .. } = loader;
    let mut topology = Topology::default();
    if let Some(root) = root.as_ref().and_then(|root| range::expand(root, &mut complaints)) {
        topology = read::topology(&root, &mut complaints);
        check::check(&mut topology, &mut complaints);
    }
    if complaints.is_empty() { Ok(File { topology, sources }) } else { Err(Refused { sources, complaints }) }
}

/// Reads what [`json`] has written, whatever it says: what was found on a machine need not be a file that would be
/// taken. `None` if it is damaged.
pub fn recorded(text: &str) -> Option<Topology> {
    let mut complaints = Complaints::default();
    let tree = syntax::read(text, 0, &mut complaints);
    let mut topology = read::topology(&tree, &mut complaints);
    if !complaints.is_empty() {
        return None;
    }
    check::lowers(&mut topology);
    Some(topology)
}

struct Loader<'a> {
    files: &'a mut dyn Files,
    sources: Sources,
    complaints: Complaints,
    bytes: usize,
}

impl Loader<'_> {
    /// Reads a file with what it includes; `way` has the files that are being read. `None` if there is nothing to
    /// go on with.
    fn load(&mut self, path: &str, from: Option<Origin>, way: &mut Vec<String>) -> Option<Table<'static>> {
        let file = u16::try_from(self.sources.files.len()).unwrap_or(u16::MAX);
        let own = Origin { file, at: 0 };
        let from = from.unwrap_or(own);
        let bytes = self.files.read(path);
        let room = MOST_BYTES - self.bytes;
        self.sources.files.push(Source { name: path.to_owned(), text: String::new() });
        let bytes = match bytes {
            Ok(bytes) if bytes.len() <= room => bytes,
            Ok(_) => {
                self.complaints.add(from, "the files are longer than 4 MiB together", &[]);
                return None;
            }
            Err(error) => {
                self.unread(from, path, &error);
                return None;
            }
        };
        self.bytes += bytes.len();
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                self.sources.files[usize::from(file)].text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let at = Origin { file, at: u32::try_from(at).unwrap_or(0) };
                self.complaints.add(at, "not UTF-8", &[]);
                return None;
            }
        };
        let errors = self.complaints.len();
        let table = syntax::read(&text, file, &mut self.complaints);
        self.sources.files[usize::from(file)].text = text;
        if self.complaints.len() > errors {
            return None;
        }
        way.push(path.to_owned());
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
        let (folder, last) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, last)| (folder, last));
        if !last.contains('*') {
            if way.contains(&path) {
                self.complaints.add(at, "a loop of files that include each other: %", &[&path]);
                return Vec::new();
            }
            return if self.is_read(&path) { Vec::new() } else { vec![path] };
        }
        let mut found: Vec<String> = Vec::new();
        match self.files.list(if folder.is_empty() && path.starts_with('/') { "/" } else { folder }) {
            Ok(names) => {
                for name in
                    names.into_iter().filter(|name| !name.starts_with('.') && matches(last.as_bytes(), name.as_bytes()))
                {
                    let path = [&path[..path.len() - last.len()], &name].concat();
                    // In the order of their names, whatever the folder's is.
                    let place = found.partition_point(|other| *other < path);
                    if !self.is_read(&path) {
                        found.insert(place, path);
                    }
                }
            }
            Err(error) => {
                self.unread(at, folder, &error);
            }
        }
        found
    }

    /// Complains that a file or folder cannot be read.
    #[inline(never)]
    fn unread(&mut self, at: Origin, path: &str, error: &io::Error) {
        // The system's reason, or that of who reads.
        let own = || error.get_ref().map_or_else(|| crate::error::strerror(libc::EIO), ToString::to_string);
        let why = error.raw_os_error().map_or_else(own, crate::error::strerror);
        self.complaints.add(at, "cannot be read: %: %", &[path, &why]);
    }

    #[inline(never)]
    fn is_read(&self, path: &str) -> bool {
        self.sources.files.iter().any(|file| file.name == path)
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

/// A path as a file writes it, from where the file is: without `.` and, where they can be undone, `..`.
fn beside(file: &str, path: &str) -> String {
    let folder = if path.starts_with('/') { "" } else { file.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let root = usize::from(path.starts_with('/') || file.starts_with('/'));
    let mut out = "/"[..root].to_owned();
    for part in [folder, "/", path].concat().split('/') {
        let last = out.rfind('/').map_or(0, |at| at + 1);
        if part == ".." && last < out.len() && &out[last..] != ".." {
            out.truncate(last.saturating_sub(1).max(root));
        } else if !matches!(part, "" | ".") {
            out.push_str(if out.len() > root { "/" } else { "" });
            out.push_str(part);
        }
    }
    out
}

/// Whether a pattern with `*` stands for a name.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Behind the last `*`, and what it stands for ends there so far.
    let mut star = None;
    let (mut at, mut seen) = (0, 0);
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, seen));
            }
            Some(byte) if *byte == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((behind, end)) = &mut star else { return false };
                *end += 1;
                (at, seen) = (*behind, *end);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_includes() {
        for (file, path, expected) in [
            ("lab.toml", "a.toml", "a.toml"),
            ("etc/lab.toml", "./a.toml", "etc/a.toml"),
            ("etc/lab.toml", "../a.toml", "a.toml"),
            ("lab.toml", "../../a.toml", "../../a.toml"),
            ("/etc/lab.toml", "net.d/*.toml", "/etc/net.d/*.toml"),
            ("/etc/lab.toml", "/a.toml", "/a.toml"),
            ("-", "a.toml", "a.toml"),
        ] {
            assert_eq!(beside(file, path), expected, "{file} {path}");
        }
    }

    #[test]
    fn patterns_of_includes() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.tom", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("*", "x", true),
            ("a*a", "a", false),
            ("ab", "ab", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
