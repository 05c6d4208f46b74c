//! The tree of a file in, a topology out: the table of keys is interpreted here. Everything wrong is told; what
//! is wrong is left out.

mod link;
mod place;
mod value;

pub use value::duration;

pub use link::port_vlan_text;

use super::complaint::{Complaints, meant};
use super::keys::{self, Key, Sets};
use super::tree::{Entry, Index, Node, Table, Value};
use super::words::name_wrong;
use crate::model::name::NsName;
use crate::model::topology::{Origin, Place, Topology};

/// Reads the tree of a file whose ranges are expanded.
pub fn topology(root: &Table<'_>, complaints: &mut Complaints) -> Topology {
    let sets = Sets::get();
    let mut reader = Reader { sets, complaints, topology: Topology::default(), places: Index::default() };
    reader.file(root);
    reader.topology
}

struct Reader<'a> {
    sets: &'a Sets,
    complaints: &'a mut Complaints,
    topology: Topology,
    /// Numbers of the namespaces by name.
    places: Index,
}

impl Reader<'_> {
    fn file(&mut self, root: &Table<'_>) {
        let top = Origin::default();
        let sets = self.sets;
        let heard = self.complaints.heard;
        self.check_keys(root, &sets.file, top, &["the file"]);
        self.unsure(heard, [0; 2]);
        if let Some(entry) = root.get("name") {
            self.topology.name = self.owner(&entry.node);
        }
        for key in sets.file.iter().filter(|key| key.name == "version") {
            if let Some(entry) = root.get(key.name) {
                _ = self.scalar(key, &entry.node);
            }
        }
        self.topology.places.push(Place { at: top, ..Place::default() });
        // All namespaces first: veths name them.
        let mut tables = vec![(0, root)];
        if let Some(entry) = root.get("netns") {
            for entry in self.named(entry, "netns") {
                let (number, heard) = (self.netns(entry), self.complaints.heard);
                if let Value::Table(table) = &entry.node.value {
                    self.check_keys(table, &sets.netns, entry.at, &["netns ", &entry.key]);
                    self.unsure(heard, [number; 2]);
                    tables.push((number, table));
                }
            }
        }
        for (number, table) in tables {
            self.place(number, table);
        }
    }

    /// The entries of a table whose keys are names, each of which is a table.
    fn named<'t>(&mut self, entry: &'t Entry<'_>, what: &str) -> &'t [Entry<'t>] {
        let Value::Table(table) = &entry.node.value else {
            self.expected(&entry.node, &[what, " tables by name: [", what, ".NAME]"]);
            return &[];
        };
        for entry in table.entries().iter().filter(|entry| !matches!(entry.node.value, Value::Table(_))) {
            // `[bridge] mtu = 9000` has lost its name.
            let at = Node { at: entry.at, value: Value::Other(entry.node.value.noun()) };
            self.expected(&at, &["a table: [", what, ".", &entry.key, "]"]);
        }
        table.entries()
    }

    /// Adds a namespace. One with a wrong name is read on, for what else is wrong.
    fn netns(&mut self, entry: &Entry<'_>) -> usize {
        let key = entry.key.as_ref();
        let name = NsName::new(key.as_bytes());
        let digits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
        let why = match name_wrong(key) {
            "" if digits => ": digits alone could be a process",
            "" if name.is_none() => ": longer than 255 bytes",
            why => why,
        };
        if !why.is_empty() {
            self.complaints.add(entry.at, "not a name for a namespace: \"%\"%", &[key, why]);
        }
        let number = self.topology.places.len();
        self.places.insert(key.as_bytes(), number);
        let name = name.or(NsName::new(b"?"));
        self.topology.places.push(Place { name, at: entry.at, ..Place::default() });
        number
    }

    /// The number of a namespace that is named somewhere.
    fn find_netns(&mut self, name: &str, at: Origin) -> Option<usize> {
        let places = &self.topology.places;
        let is = |number: usize| places[number].name.as_ref().is_some_and(|own| own.as_bytes() == name.as_bytes());
        let found = self.places.find(name.as_bytes(), is);
        let what = "no such namespace in the file: \"";
        if found.is_none() && !self.complaints.is_partial && !self.complaints.is_told(at, what) {
            let names = places.iter().filter_map(|place| place.name.as_ref());
            let meant = meant(name, &mut names.filter_map(|name| std::str::from_utf8(name.as_bytes()).ok()));
            self.complaints.add(at, "no such namespace in the file: \"%\"%", &[name, &meant]);
        }
        found
    }

    /// Complains about keys that are not known, that are for later, and that are missing.
    fn check_keys(&mut self, table: &Table<'_>, keys: &[Key], at: Origin, what: &[&str]) {
        for entry in table.entries() {
            match keys.iter().find(|key| key.name == entry.key) {
                Some(key) if key.shape == b'Z' => {
                    self.complaints.add(entry.at, "not supported: \"%\"", &[&entry.key]);
                }
                Some(_) => {}
                None if self.complaints.is_told(entry.at, "unknown key \"") => {}
                None => {
                    let hint = keys::hint(&entry.key, keys);
                    self.complaints.add(entry.at, "unknown key \"%\" of %%", &[&entry.key, &what.concat(), &hint]);
                }
            }
        }
        let mut missing = String::new();
        for key in keys.iter().filter(|key| key.is_required() && table.get(key.name).is_none()) {
            let comma = if missing.is_empty() { "\"" } else { ", \"" };
            [comma, key.name, "\""].iter().for_each(|piece| missing.push_str(piece));
        }
        if !missing.is_empty() && !self.complaints.is_partial {
            self.complaints.add(at, "a key is missing: % needs %", &[&what.concat(), &missing]);
        }
    }

    /// Notes the places that have something wrong since a count of [`Complaints::heard`].
    #[inline(never)]
    fn unsure(&mut self, heard: usize, places: [usize; 2]) {
        if self.complaints.heard != heard {
            self.complaints.unsure.extend(places);
        }
    }

    /// Complains about a value of a wrong type.
    #[inline(never)]
    fn expected(&mut self, node: &Node<'_>, what: &[&str]) {
        self.complaints.expected(node, &what.concat());
    }
}
