//! What is in a folder.

use std::fs::{DirEntry, read_dir};
use std::path::Path;

/// The entries of a folder; none of one that cannot be read.
#[inline(never)]
pub fn entries(folder: &Path) -> Vec<DirEntry> {
    let mut found = Vec::new();
    if let Ok(all) = read_dir(folder) {
        for entry in all {
            let Ok(entry) = entry else { continue };
            found.push(entry);
        }
    }
    found
}
