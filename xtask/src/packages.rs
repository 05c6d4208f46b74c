//! Programs of others that a command needs: found, installed (as root on Debian), or named; and
//! packages that are only unpacked.

use std::path::Path;
use std::process::Command;

use crate::process::{About, Outcome, find, read, run, say};
use crate::{sys, tree};

/// Keys that Debian's archives are signed with.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

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
    let archive = Archive::default();
    archive.update()?;
    run(archive.command("apt-get").args(["install", "--yes", "--no-install-recommends"]).args(packages))
}

/// Where packages are fetched from.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    /// Options of apt that lead it there; none: as the system is configured.
    options: Vec<String>,
}

impl Archive {
    /// An archive of Debian's that the system is not configured for, by a suite's name; what apt
    /// keeps of it is in the build folder, and the system's apt never sees it.
    pub fn debian(suite: &str) -> Outcome<Self> {
        if !Path::new(KEYS).exists() {
            return Err(format!("missing: {KEYS}, the keys of Debian's archive").into());
        }
        let dir = tree::cache("apt")?.join(suite);
        for folder in ["lists/partial", "archives/partial"] {
            let folder = dir.join(folder);
            std::fs::create_dir_all(&folder).about(&folder)?;
        }
        let list = dir.join("sources.list");
        let line = format!("deb [arch=amd64 signed-by={KEYS}] http://deb.debian.org/debian {suite} main\n");
        std::fs::write(&list, line).about(&list)?;
        let dir = dir.display();
        let options = [
            format!("Dir::Etc::SourceList={dir}/sources.list"),
            format!("Dir::State::Lists={dir}/lists"),
            format!("Dir::Cache={dir}"),
            "Dir::Etc::SourceParts=/dev/null".to_string(),
            "Dir::Etc::Preferences=/dev/null".to_string(),
            "Dir::Etc::PreferencesParts=/dev/null".to_string(),
            // The user that apt would become may not get into the build folder.
            "APT::Sandbox::User=root".to_string(),
        ];
        Ok(Archive { options: options.to_vec() })
    }

    /// A program of apt's, such that it does not ask the kernel for this machine's addresses: a
    /// kernel whose network lock is stuck would never answer.
    fn command(&self, program: &str) -> Command {
        let mut apt = Command::new(program);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        let fixed = ["Acquire::Connect::AddrConfig=false", "Acquire::ForceIPv4=true"];
        fixed.into_iter().chain(self.options.iter().map(String::as_str)).for_each(|option| {
            apt.args(["-o", option]);
        });
        apt
    }

    /// Gets the package lists; those of the system as root on Debian, elsewhere they are as they are.
    pub fn update(&self) -> Outcome {
        let may = !self.options.is_empty() || sys::is_root();
        if may && find("apt-get").is_some() {
            run(self.command("apt-get").arg("update").arg("--quiet=2"))
        } else {
            Ok(())
        }
    }

    /// Packages that a package depends on; none where apt knows no such package.
    pub fn dependencies(&self, package: &str) -> Vec<String> {
        let text = read(self.command("apt-cache").args(["depends", package])).unwrap_or_default();
        let depends = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        depends.map(str::to_string).collect()
    }

    /// Fetches a package and unpacks it into a folder of the cache, without installing it.
    pub fn unpack(&self, package: &str, dir: &Path) -> Outcome {
        say(format!("fetching {package} (unpacked into the build folder, not installed)"));
        let fresh = tree::scratch(&format!("{package}-download"))?;
        let download = || run(self.command("apt-get").arg("download").arg(package).current_dir(&fresh));
        if download().is_err() {
            // It may be named by lists that are too old, or by none.
            self.update()?;
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
