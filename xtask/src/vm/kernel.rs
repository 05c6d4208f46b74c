//! A distribution's kernel: its package is fetched and unpacked into the build folder,
//! never installed. In: a package name or none. Out: the image and the modules' folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::process::{About, Outcome, read};
use crate::tree;

/// Debian's kernel for virtual machines; it depends on the current version's package.
const LATEST: &str = "linux-image-cloud-amd64";

/// An unpacked kernel.
pub struct Kernel {
    /// Version, as `uname -r` gives it.
    pub version: String,
    /// The bootable image.
    pub image: PathBuf,
    /// Folder of the modules.
    pub modules: PathBuf,
}

/// The kernel of a package, or of the distribution's current one.
pub fn get(package: Option<&str>) -> Outcome<Kernel> {
    let cache = tree::cache("vm")?;
    let package = match package {
        Some(package) => package.to_string(),
        None => current(&cache)?,
    };
    let dir = cache.join(&package);
    if let Some(kernel) = unpacked(&dir) {
        return Ok(kernel);
    }
    packages::unpack(&package, &dir)?;
    unpacked(&dir).ok_or_else(|| format!("{package}: holds no kernel").into())
}

/// The package that the distribution's kernel package stands for; what is in the cache where apt does not know.
fn current(cache: &Path) -> Outcome<String> {
    if let Some(package) = dependency() {
        return Ok(package);
    }
    packages::update()?;
    if let Some(package) = dependency() {
        return Ok(package);
    }
    let entries = std::fs::read_dir(cache).about(cache)?.flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let cached = names.into_iter().find(|name| name.starts_with("linux-image-"));
    cached.ok_or_else(|| format!("apt knows no {LATEST}; name a kernel package with --kernel").into())
}

/// "Depends: linux-image-6.1.0-56-cloud-amd64"
fn dependency() -> Option<String> {
    let text = read(Command::new("apt-cache").args(["depends", LATEST])).ok()?;
    let depends = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    depends.into_iter().find(|name| name.starts_with("linux-image-")).map(str::to_string)
}

/// Image and modules in an unpacked package.
fn unpacked(dir: &Path) -> Option<Kernel> {
    let images = std::fs::read_dir(dir.join("boot")).ok()?.flatten().map(|entry| entry.path());
    let image = images
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"vmlinuz-")))?;
    let version = image.file_name()?.to_str()?.strip_prefix("vmlinuz-")?.to_string();
    let folders = [dir.join("lib/modules").join(&version), dir.join("usr/lib/modules").join(&version)];
    let modules = folders.into_iter().find(|path| path.is_dir())?;
    Some(Kernel { version, image, modules })
}
