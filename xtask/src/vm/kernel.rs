//! A distribution's kernel: its package is fetched and unpacked into the build folder,
//! never installed. In: a package name or none. Out: the image and the modules' folder.

use std::path::{Path, PathBuf};

use crate::packages::Archive;
use crate::process::{About, Outcome};
use crate::tree;

/// Debian's kernel for virtual machines; it depends on the current version's package.
const LATEST: &str = "linux-image-cloud-amd64";

/// Debian's archive of newer packages for the distribution that [`LATEST`] is tested with, and
/// what its kernel packages start with.
const BACKPORTS: &str = "bookworm-backports";
const NEWER: &str = "linux-image-6.12.";

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
    let package = match package {
        Some(package) => package.to_string(),
        None => current(&Archive::default(), "linux-image-")?,
    };
    fetch(&Archive::default(), &package)
}

/// A kernel that is newer than the distribution's, from its archive of such packages.
pub fn newer() -> Outcome<Kernel> {
    let archive = Archive::debian(BACKPORTS)?;
    fetch(&archive, &current(&archive, NEWER)?)
}

/// The kernel of a package, from the cache if it is there.
fn fetch(archive: &Archive, package: &str) -> Outcome<Kernel> {
    let dir = tree::cache("vm")?.join(package);
    if let Some(kernel) = unpacked(&dir) {
        return Ok(kernel);
    }
    archive.unpack(package, &dir)?;
    unpacked(&dir).ok_or_else(|| format!("{package}: holds no kernel").into())
}

/// The package that the distribution's kernel package stands for ("Depends: linux-image-6.1.0-56-cloud-amd64");
/// what is in the cache where apt does not know.
fn current(archive: &Archive, prefix: &str) -> Outcome<String> {
    let dependency = || archive.dependencies(LATEST).into_iter().find(|name| name.starts_with(prefix));
    if let Some(package) = dependency() {
        return Ok(package);
    }
    let updated = archive.update();
    if let Some(package) = dependency() {
        return Ok(package);
    }
    let cache = tree::cache("vm")?;
    let entries = std::fs::read_dir(&cache).about(&cache)?.flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let cached = names.into_iter().find(|name| name.starts_with(prefix));
    match cached {
        Some(package) => Ok(package),
        None => updated.and(Err(format!("apt knows no {LATEST} that is {prefix}*").into())),
    }
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
