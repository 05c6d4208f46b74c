//! Programs of others that a command needs: found, installed (as root on Debian), or named.

use std::path::Path;
use std::process::Command;

use crate::process::{About, Outcome, find, run, say};
use crate::{sys, tree};

/// A program and the Debian package that has it.
pub type Program = (&'static str, &'static str);

/// Makes sure that all programs are here, or fails with the names of those that are not.
pub fn ensure(programs: &[Program]) -> Outcome {
    let missing = missing(programs);
    if missing.is_empty() {
        return Ok(());
    }
    let (names, packages) = names(&missing);
    install(&names, &packages)?;
    let still = self::missing(programs);
    if still.is_empty() { Ok(()) } else { Err(format!("installed, yet missing: {}", self::names(&still).0).into()) }
}

/// Makes sure that a file which no program is, is here, or fails with its package's name.
pub fn ensure_file(file: &'static str, package: &'static str) -> Outcome {
    if Path::new(file).exists() { Ok(()) } else { install(file, &[package]) }
}

/// Installs packages, or says how to.
fn install(names: &str, packages: &[&str]) -> Outcome {
    if !(sys::is_root() && find("apt-get").is_some()) {
        return Err(format!("missing: {names}; on Debian, as root: apt-get install {}", packages.join(" ")).into());
    }
    say(format!("missing: {names}; installing {}", packages.join(" ")));
    update()?;
    run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
}

/// Gets the package lists, as root on Debian; elsewhere they are as they are.
pub fn update() -> Outcome {
    if sys::is_root() && find("apt-get").is_some() { run(apt().arg("update").arg("--quiet=2")) } else { Ok(()) }
}

/// apt-get, so that it does not ask the kernel for this machine's addresses: a kernel whose
/// network lock is stuck would never answer.
fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt.args(["-o", "Acquire::Connect::AddrConfig=false", "-o", "Acquire::ForceIPv4=true"]);
    apt
}

/// Fetches a package and unpacks it into a folder of the cache, without installing it.
pub fn unpack(package: &str, dir: &Path) -> Outcome {
    say(format!("fetching {package} (unpacked into the build folder, not installed)"));
    let fresh = tree::scratch(&format!("{package}-download"))?;
    let download = || run(apt().arg("download").arg(package).current_dir(&fresh));
    if download().is_err() {
        // It may be named by lists that are too old, or by none.
        update()?;
        download()?;
    }
    let files = std::fs::read_dir(&fresh).about(&fresh)?.flatten().map(|entry| entry.path());
    let deb = files.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "deb"));
    let deb = deb.ok_or_else(|| format!("{package}: apt-get left no file"))?;
    // Under its own name only once it is whole.
    let whole = fresh.join("tree");
    run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&whole))?;
    if dir.exists() {
        std::fs::remove_dir_all(dir).about(dir)?;
    }
    std::fs::rename(&whole, dir).about(dir)?;
    std::fs::remove_dir_all(&fresh).about(&fresh)
}

fn missing(programs: &[Program]) -> Vec<Program> {
    programs.iter().filter(|(name, _)| find(name).is_none()).copied().collect()
}

/// "ip (iproute2), nft (nftables)", and the packages once each.
fn names(programs: &[Program]) -> (String, Vec<&'static str>) {
    let names: Vec<String> = programs.iter().map(|(name, package)| format!("{name} ({package})")).collect();
    let mut packages: Vec<&str> = programs.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    (names.join(", "), packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package_once() {
        let programs = [("sh", "dash"), ("no-such-program-1", "nothing"), ("no-such-program-2", "nothing")];
        let missing = missing(&programs);
        assert_eq!(missing.len(), 2);
        let (names, packages) = names(&missing);
        assert_eq!(names, "no-such-program-1 (nothing), no-such-program-2 (nothing)");
        assert_eq!(packages, ["nothing"]);
    }
}
