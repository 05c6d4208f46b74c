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
mod load;
mod path;
mod print;
mod range;
mod read;
mod syntax;
mod tree;
pub(crate) mod words;
mod write;

pub use check::{MOST_FORWARDS, MOST_PAIRS, MOST_PORTS};
pub use complaint::{Refused, Source, Sources};
pub use range::{MOST_NAMES, MOST_VALUES};
pub use read::duration;
pub use write::{json, toml};

use std::io;

use complaint::Complaints;

use crate::model::topology::Topology;

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

/// Reads a file, and those that it includes.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(path: &str, files: &mut dyn Files) -> Result<File, Refused> {
    let mut complaints = Complaints::default();
    let (root, sources) = load::load(path, files, &mut complaints);
    let mut topology = Topology::default();
    if let Some(root) = root.as_ref().and_then(|root| range::expand(root, &mut complaints)) {
        topology = read::topology(&root, &mut complaints);
        // What is not there yet may be in what could not be read.
        if !complaints.is_partial {
            check::check(&mut topology, &mut complaints);
        }
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
