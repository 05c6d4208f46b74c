//! `vm`: the very same binary in real boots. Packs it, a shell without network commands
//! and the kernel's modules into an initramfs, boots distribution kernels under QEMU
//! (software emulation), and judges what comes out of the serial console.

pub mod boots;
pub mod cpio;
pub mod init;
pub mod kernel;
pub mod modules;
mod script;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::dist::{self, Build};
use crate::packages;
use crate::process::{About, Failure, Outcome, find, read, say, show};
use crate::tree;
use crate::walkthrough::{self, TEXT};
use boots::{BOOTS, Boot};
use cpio::Archive;
use kernel::Kernel;

/// Last line of a good run. It is printed by [`init`].
const SUCCESS: &str = "netstrap-vm: success";
/// Last line of a bad one.
const FAILURE: &str = "netstrap-vm: failure";
/// A boot with the whole walkthrough takes some ten seconds; a slow machine gets more.
const PATIENCE: Duration = Duration::from_secs(300);

/// `cargo xtask vm`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let package = args.value("--kernel")?;
    let only = args.value("--boot")?;
    let binary = tree::binary(&mut args)?;
    args.finish()?;
    if std::env::consts::ARCH != "x86_64" {
        return Err("vm boots x86_64 only; this machine is not".into());
    }
    packages::ensure(&[("qemu-system-x86_64", "qemu-system-x86"), ("dpkg-deb", "dpkg"), ("ldd", "libc-bin")])?;
    let helper = dist::build(&Build { package: "xtask", ..Build::host()? })?;
    let boots: Vec<&Boot> = BOOTS.iter().filter(|boot| only.as_ref().is_none_or(|name| name == boot.name)).collect();
    if boots.is_empty() {
        let names: Vec<&str> = BOOTS.iter().map(|boot| boot.name).collect();
        return Err(Failure::usage(format!("no such boot; there are: {}", names.join(" "))));
    }
    let mut kernels = vec![(kernel::get(package.as_deref())?, boots.clone())];
    if package.is_none() {
        kernels.push((kernel::newer()?, boots.into_iter().filter(|boot| boot.also_newer).collect()));
    }
    let (mut lines, mut failed) = (Vec::new(), Vec::new());
    for (kernel, boots) in kernels {
        for which in boots {
            let name = format!("{} on {}", which.name, kernel.version);
            match one(which, &kernel, &binary, &helper) {
                Ok(line) => lines.push(format!("{name}: {line}")),
                Err(failure) => failed.push(format!("{name}: {}", failure.text)),
            }
        }
    }
    lines.iter().chain(&failed).for_each(|line| say(format!("vm: {line}")));
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

/// One boot; its count, if it was good.
fn one(which: &Boot, kernel: &Kernel, binary: &Path, helper: &Path) -> Outcome<String> {
    let image = tree::cache("vm")?.join("initramfs.cpio");
    let bytes = pack(which, binary, helper, kernel)?;
    say(format!("initramfs: {} bytes; kernel: {}; boot: {}", bytes.len(), kernel.version, which.name));
    std::fs::write(&image, bytes).about(&image)?;
    let console = boot(which, &kernel.image, &image)?;
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
    archive.file("walkthrough.sh", 0o755, script::text(&walkthrough::parse(TEXT)?)?.as_bytes());
    let wanted: Vec<&str> = modules::WANTED.iter().filter(|name| !which.without.contains(name)).copied().collect();
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

/// Boots, shows the console, returns it. Ends the machine when it does not end by itself.
fn boot(which: &Boot, kernel: &Path, image: &Path) -> Outcome<Vec<String>> {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-accel", "tcg", "-cpu", "max", "-m", "256", "-smp", "1", "-nographic", "-no-reboot", "-nic", "none"]);
    qemu.arg("-kernel").arg(kernel).arg("-initrd").arg(image);
    let name = format!("{}={}", boots::VARIABLE, which.name);
    qemu.args(["-append", &format!("console=ttyS0 quiet panic=-1 rdinit=/init {name}")]);
    show(&qemu);
    let start = Instant::now();
    let mut child = qemu.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().about("qemu-system-x86_64")?;
    let stdout = child.stdout.take().ok_or("qemu: no console")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let _ = sender.send(clean(&line));
        }
    });
    let mut console = Vec::new();
    let late = loop {
        match receiver.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
            Ok(line) => {
                println!("{line}");
                console.push(line);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break false,
            Err(mpsc::RecvTimeoutError::Timeout) => break true,
        }
    };
    if late {
        let _ = child.kill();
    }
    let _ = child.wait();
    say(format!("the machine ran for {:.1} s", start.elapsed().as_secs_f64()));
    if late { Err(format!("vm: no end after {} s", PATIENCE.as_secs()).into()) } else { Ok(console) }
}

/// A console line without carriage return and terminal control sequences.
fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => {
                // ESC [ parameters letter; other sequences are one letter long.
                if chars.next() == Some('[') {
                    let _ = chars.by_ref().find(|char| char.is_ascii_alphabetic());
                }
            }
            '\r' => {}
            char => out.push(char),
        }
    }
    out
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

    #[test]
    fn console_lines_are_cleaned() {
        assert_eq!(clean(b"\x1b[2J\x1b[0mok\r"), "ok");
        assert_eq!(clean(b"\x1bcok"), "ok");
    }
}
