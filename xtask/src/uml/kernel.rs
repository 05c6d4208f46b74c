//! The kernel that is a program: Debian's package user-mode-linux, unpacked into the build
//! folder, never installed. In: settings for the first process. Out: the command line that boots.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{MEMORY, MODULES};
use crate::packages::Archive;
use crate::process::{About, Outcome, run};
use crate::tree;

/// Debian's package.
const PACKAGE: &str = "user-mode-linux";
/// The library's source.
const PRELOAD: &str = include_str!("../sys/xstate.rs");
/// What is needed to boot.
struct Kernel {
    /// The kernel.
    image: PathBuf,
    /// The library that stands before its libc.
    preload: PathBuf,
    /// Paths of modules, one a line, each after those that it depends on.
    modules: String,
}

/// The program that is a machine, with settings for its first process.
pub fn command(dir: &Path, busybox: &Path, names: &[String]) -> Outcome<Command> {
    let kernel = get()?;
    let modules = super::write(dir, "modules", &kernel.modules)?;
    let mut linux = super::logged(dir, &kernel.image);
    linux.arg(format!("mem={MEMORY}")).args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"]);
    // Its own messages, what the command prints, and the command's errors, each to a descriptor of its own.
    linux.args(["console=tty0", "con0=null,fd:1", "con1=null,fd:3", "con2=null,fd:4", "con=null", "ssl=null"]);
    linux.arg(format!("uml_dir={}/", dir.display())).args(names).arg(format!("MODULES={}", modules.display()));
    linux.args(["OUT=/dev/tty1", "ERR=/dev/tty2"]).arg(format!("init={}", busybox.display()));
    linux.arg("--").arg("sh").arg(dir.join("init.sh")).env("LD_PRELOAD", &kernel.preload);
    Ok(linux)
}

/// The kernel, fetched and built when it is not here yet.
fn get() -> Outcome<Kernel> {
    if std::env::consts::ARCH != "x86_64" {
        return Err("user-mode Linux is for x86_64 only; this machine is not".into());
    }
    let cache = tree::cache("uml")?;
    // One at a time, of threads and of processes.
    let lock = cache.join("lock");
    let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file)).about(&lock)?;
    let dir = cache.join(PACKAGE);
    let image = dir.join("usr/bin/linux.uml");
    if !image.exists() {
        Archive::default().unpack(PACKAGE, &dir)?;
    }
    let modules = dir.join("usr/lib/uml/modules");
    let entries = std::fs::read_dir(&modules).about(&modules)?.flatten();
    let version = entries.into_iter().map(|entry| entry.path()).find(|path| path.join("modules.dep").exists());
    let version = version.ok_or_else(|| format!("{PACKAGE}: holds no modules"))?;
    let kernel = Kernel { image, preload: preload(&cache)?, modules: order(&version)? };
    drop(lock);
    Ok(kernel)
}

/// Builds the library, unless it is there from the same source.
fn preload(cache: &Path) -> Outcome<PathBuf> {
    let (source, library) = (cache.join("xstate.rs"), cache.join("libxstate.so"));
    if library.exists() && std::fs::read_to_string(&source).is_ok_and(|text| text == PRELOAD) {
        return Ok(library);
    }
    let _ = std::fs::remove_file(&library);
    std::fs::write(&source, PRELOAD).about(&source)?;
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-O", "-o"]);
    run(rustc.arg(&library).arg(&source).current_dir(tree::root()))?;
    Ok(library)
}

/// Paths of the modules in a version's folder, in an order that loads.
fn order(folder: &Path) -> Outcome<String> {
    let file = folder.join("modules.dep");
    let text = std::fs::read_to_string(&file).about(&file)?;
    let mut known = BTreeMap::new();
    for line in text.lines() {
        let Some((path, needs)) = line.split_once(':') else { continue };
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".ko");
        known.insert(name.to_string(), (path, needs));
    }
    let mut order: Vec<&str> = Vec::new();
    // What this kernel has built in, or not at all, is not among them.
    for (path, needs) in MODULES.split_whitespace().filter_map(|name| known.get(name)) {
        // Those that it needs come with the deepest last.
        for path in needs.split_whitespace().rev().chain([*path]) {
            if !order.contains(&path) {
                order.push(path);
            }
        }
    }
    let lines = order.into_iter().map(|path| format!("{}\n", folder.join(path).display()));
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_after_what_they_need_and_once() {
        let dir = std::env::temp_dir().join(format!("netstrap-uml-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let text = "k/llc.ko:\nk/stp.ko: k/llc.ko\nk/bridge.ko: k/stp.ko k/llc.ko\nk/veth.ko:\nk/other.ko:\n";
        std::fs::write(dir.join("modules.dep"), text).unwrap();
        let paths = order(&dir).unwrap();
        let names: Vec<&str> = paths.lines().filter_map(|line| line.rsplit('/').next()).collect();
        assert_eq!(names, ["veth.ko", "llc.ko", "stp.ko", "bridge.ko"]);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
