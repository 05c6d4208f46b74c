//! The copy of the tree that mutants are made in. In: two folders. Out: the second holds the
//! files that git knows or would add, and no others. What is the same is left as it is, so that cargo builds
//! only what differs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{About, Outcome, read};

/// Makes the copy, or brings it up to date.
pub fn make(from: &Path, to: &Path) -> Outcome<PathBuf> {
    std::fs::create_dir_all(to).about(to)?;
    let listed = read(Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(from))?;
    let files: Vec<&Path> = listed.lines().map(Path::new).filter(|file| from.join(file).is_file()).collect();
    prune(to, to, &files)?;
    for file in files {
        let (old, new) = (from.join(file), to.join(file));
        let bytes = std::fs::read(&old).about(&old)?;
        if std::fs::read(&new).is_ok_and(|copied| copied == bytes) {
            continue;
        }
        if let Some(parent) = new.parent() {
            std::fs::create_dir_all(parent).about(parent)?;
        }
        std::fs::copy(&old, &new).about(&new)?;
        // cargo builds anew what is newer than the last build.
        std::fs::write(&new, bytes).about(&new)?;
    }
    Ok(to.to_path_buf())
}

/// Takes files away that are not in the list.
fn prune(root: &Path, dir: &Path, files: &[&Path]) -> Outcome {
    for entry in std::fs::read_dir(dir).about(dir)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            prune(root, &path, files)?;
        } else if !path.strip_prefix(root).is_ok_and(|file| files.contains(&file)) {
            std::fs::remove_file(&path).about(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_follows_the_tree() {
        let dir = std::env::temp_dir().join(format!("netstrap-copy-{}", std::process::id()));
        let (from, to) = (dir.join("from"), dir.join("to"));
        std::fs::create_dir_all(from.join("src")).unwrap();
        read(Command::new("git").args(["init", "--quiet"]).arg(&from)).unwrap();
        std::fs::write(from.join("src/a"), "1").unwrap();
        std::fs::write(from.join("b"), "1").unwrap();
        make(&from, &to).unwrap();
        std::fs::remove_file(from.join("b")).unwrap();
        std::fs::write(to.join("src/a"), "changed by a mutant").unwrap();
        make(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(to.join("src/a")).unwrap(), "1");
        assert!(!to.join("b").exists());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
