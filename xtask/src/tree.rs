//! Where things are: the source tree, its build folder, the binary that a command works on.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::dist::{self, Build, Kind};
use crate::process::{About, Outcome, read};

/// The root of the source tree.
pub fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let own = PathBuf::from(own);
    own.parent().map(Path::to_path_buf).unwrap_or(own)
}

/// The folder that cargo builds into, wherever it has been told to.
pub fn target() -> Outcome<PathBuf> {
    let json = read(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let after = json.split("\"target_directory\":\"").nth(1).and_then(|rest| rest.split('"').next());
    match after {
        Some(path) => Ok(PathBuf::from(path.replace("\\\\", "\\"))),
        None => Err("cargo metadata names no target_directory".into()),
    }
}

/// Cargo, in the root of the tree.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    // The settings of this run's own package are not for the ones started from it.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        cargo.env_remove(name);
    }
    cargo
}

/// The binary that `--binary FILE` names, else a new build (`--tiny` or not) for this machine.
pub fn binary(args: &mut Args) -> Outcome<PathBuf> {
    let tiny = args.flag("--tiny");
    if let Some(file) = args.value("--binary")? {
        return std::fs::canonicalize(&file).about(&file);
    }
    let kind = if tiny { Kind::Tiny } else { Kind::Stable };
    dist::build(&Build { kind, ..Build::host()? })
}

/// An empty folder of ours in the build folder.
pub fn scratch(name: &str) -> Outcome<PathBuf> {
    let dir = target()?.join("xtask").join(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).about(&dir)?;
    }
    std::fs::create_dir_all(&dir).about(&dir)?;
    Ok(dir)
}

/// A folder of ours in the build folder that is kept from run to run.
pub fn cache(name: &str) -> Outcome<PathBuf> {
    let dir = target()?.join("xtask").join(name);
    std::fs::create_dir_all(&dir).about(&dir)?;
    Ok(dir)
}
