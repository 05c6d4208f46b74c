//! `vm`: the very same binary in real boots. Packs it, a shell without network commands
//! and the kernel's modules into an initramfs, boots distribution kernels under QEMU
//! (software emulation), and judges what comes out of the serial console.

pub mod boots;
pub mod cpio;
pub mod init;
pub mod kernel;
pub mod machine;
pub mod modules;
mod script;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::args::Args;
use crate::dist::{self, Build};
use crate::packages;
use crate::process::{About, Failure, Outcome, find, read, say};
use crate::tree;
use crate::walkthrough;
use boots::{BOOTS, Boot, Part};
use cpio::Archive;
use kernel::Kernel;

/// Last line of a good run. It is printed by [`init`].
const SUCCESS: &str = "netstrap-vm: success";
/// Last line of a bad one.
const FAILURE: &str = "netstrap-vm: failure";
/// Machines that run at a time; each is one busy processor.
const AT_ONCE: usize = 2;

/// `cargo xtask vm`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let package = args.value("--kernel")?;
    let only = args.value("--boot")?;
    let names: Vec<&str> = only.iter().flat_map(|names| names.split(',')).collect();
    if let Some(name) = names.iter().find(|name| BOOTS.iter().all(|boot| boot.name != **name)) {
        let known: Vec<&str> = BOOTS.iter().map(|boot| boot.name).collect();
        return Err(Failure::usage(format!("{name}: no such boot; there are: {}", known.join(" "))));
    }
    let boots: Vec<&Boot> = BOOTS.iter().filter(|boot| only.is_none() || names.contains(&boot.name)).collect();
    let binary = tree::binary(&mut args)?;
    args.finish()?;
    if std::env::consts::ARCH != "x86_64" {
        return Err("vm boots x86_64 only; this machine is not".into());
    }
    packages::ensure(&[("qemu-system-x86_64", "qemu-system-x86"), ("dpkg-deb", "dpkg"), ("ldd", "libc-bin")])?;
    let helper = dist::build(&Build { package: "xtask", ..Build::host()? })?;
    let mut kernels = vec![(kernel::get(package.as_deref())?, boots.clone())];
    if package.is_none() {
        kernels.push((kernel::newer()?, boots.into_iter().filter(|boot| boot.also_newer).collect()));
    }
    let jobs: Vec<(&Boot, &Kernel)> =
        kernels.iter().flat_map(|(kernel, boots)| boots.iter().map(move |which| (*which, kernel))).collect();
    let failed = all(&jobs, &binary, &helper);
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

/// All boots, some at a time; says how each went, and returns what failed.
fn all(jobs: &[(&Boot, &Kernel)], binary: &Path, helper: &Path) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(&(which, kernel)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = format!("{} on {}", which.name, kernel.version);
                    let verdict = one(which, kernel, binary, helper);
                    verdicts.lock().unwrap_or_else(PoisonError::into_inner).push((name, verdict));
                }
            });
        }
    });
    let mut failed = Vec::new();
    for (name, verdict) in verdicts.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let line = format!("{name}: {}", verdict.as_ref().unwrap_or_else(|failure| &failure.text));
        say(format!("vm: {line}"));
        if verdict.is_err() {
            failed.push(line);
        }
    }
    failed
}

/// One boot; its count, if it was good.
fn one(which: &Boot, kernel: &Kernel, binary: &Path, helper: &Path) -> Outcome<String> {
    let image = tree::cache("vm")?.join(format!("{}-{}.cpio", kernel.version, which.name));
    let bytes = pack(which, binary, helper, kernel)?;
    say(format!("initramfs: {} bytes; kernel: {}; boot: {}", bytes.len(), kernel.version, which.name));
    std::fs::write(&image, bytes).about(&image)?;
    let console = machine::boot(which, kernel, &image)?;
    std::fs::remove_file(&image).about(&image)?;
    judge(&console, which.wanted()?)
}

/// The initramfs: the binary, the first process, a shell with its libraries, the script, the modules.
fn pack(which: &Boot, binary: &Path, helper: &Path, kernel: &Kernel) -> Outcome<Vec<u8>> {
    let mut archive = Archive::new();
    for dir in ["bin", "dev", "proc", "sys", "modules"] {
        archive.dir(dir);
    }
    archive.device("dev/console", 5, 1);
    let content = |path: &Path| std::fs::read(path).about(path);
    archive.file("init", 0o755, &content(helper)?);
    archive.file("bin/netstrap", 0o755, &content(binary)?);
    let shell = shell()?;
    archive.file("bin/sh", 0o755, &content(&shell)?);
    for library in libraries(&shell)? {
        archive.file(library.trim_start_matches('/'), 0o755, &content(Path::new(&library))?);
    }
    if let Part::Steps(text) = which.part {
        archive.file("steps.sh", 0o755, script::text(&walkthrough::parse(text)?)?.as_bytes());
    }
    for (name, text) in walkthrough::FILES {
        archive.file(name, 0o644, text.as_bytes());
    }
    let wanted = modules::WANTED.iter().filter(|name| !which.without.contains(name));
    let wanted: Vec<&str> = wanted.chain(which.with).copied().collect();
    let modules = modules::needed(&kernel.modules, &wanted, true)?;
    let names: Vec<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    say(format!("modules, in order: {}", names.join(" ")));
    if let Some(name) = names.iter().find(|name| which.without.contains(name)) {
        return Err(format!("{name} cannot be left out: another module needs it").into());
    }
    for (number, module) in modules.iter().enumerate() {
        archive.file(&format!("modules/{number:03}-{}.ko", module.name), 0o644, &module.bytes);
    }
    Ok(archive.finish())
}

/// dash: a shell that runs nothing but what PATH names (busybox runs its own `ip` and `ping`).
fn shell() -> Outcome<PathBuf> {
    packages::ensure(&[("dash", "dash")])?;
    let shell = find("dash").ok_or("dash: not found")?;
    std::fs::canonicalize(&shell).about(&shell)
}

/// Paths of a program's loader and libraries, as `ldd` tells them.
fn libraries(program: &Path) -> Outcome<Vec<String>> {
    let text = read(Command::new("ldd").arg(program))?;
    let paths = text.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    Ok(paths.map(str::to_string).collect())
}

/// Holds the console against what a good run says: its count, and success. Out: the count.
fn judge(console: &[String], count: String) -> Outcome<String> {
    if let Some(line) = console.iter().find(|line| line.contains("Kernel panic") || line.contains(FAILURE)) {
        return Err(line.as_str().into());
    }
    for wanted in [&count, SUCCESS] {
        if !console.iter().any(|line| line == wanted) {
            return Err(format!("the console does not say \"{wanted}\"").into());
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_wants_every_step_and_success() {
        let console = |text: &str| text.lines().map(str::to_string).collect::<Vec<_>>();
        let good = "boot\nwalkthrough: 3 steps, 3 ok, 0 FAILED\nnetstrap-vm: success";
        let judge = |text: &str, steps: usize| {
            judge(&console(text), format!("walkthrough: {steps} steps, {steps} ok, 0 FAILED")).is_ok()
        };
        assert!(judge(good, 3));
        assert!(!judge(good, 4), "a step is missing");
        assert!(!judge("walkthrough: 3 steps, 3 ok, 0 FAILED", 3), "no end");
        assert!(!judge("netstrap-vm: success", 3), "no count");
        assert!(!judge(&format!("{good}\n[ 1.0] Kernel panic - not syncing"), 3));
        assert!(!judge(&format!("{good}\nnetstrap-vm: failure"), 3));
    }
}
