//! `dist`: the release binary, one static file. In: which kind and target. Out: the path
//! of the binary, after its headers have proved that it needs no loader and no library.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::process::{About, Failure, Outcome, output, read, run as run_shown, say};
use crate::tree;

/// How the standard library comes into the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As rustup ships it.
    Stable,
    /// Built along with the program, for size, with panics that abort at once: a quarter of the size.
    Tiny,
}

/// What to build.
#[derive(Debug, Clone)]
pub struct Build {
    /// How the standard library comes in.
    pub kind: Kind,
    /// Target triple.
    pub target: String,
    /// Package of the workspace; its binary has the same name.
    pub package: &'static str,
}

impl Build {
    /// netstrap as released, for this machine.
    pub fn host() -> Outcome<Self> {
        Ok(Build { kind: Kind::Stable, target: triple(std::env::consts::ARCH), package: "netstrap" })
    }
}

/// `cargo xtask dist`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let kind = if args.flag("--tiny") { Kind::Tiny } else { Kind::Stable };
    let target = args.value("--target")?.unwrap_or_else(|| std::env::consts::ARCH.to_string());
    args.finish()?;
    let path = build(&Build { kind, target: triple(&target), ..Build::host()? })?;
    println!("{}", path.display());
    Ok(())
}

/// The full triple of a short target name.
pub fn triple(name: &str) -> String {
    if name.contains('-') { name.to_string() } else { format!("{name}-unknown-linux-musl") }
}

/// Builds and returns the path of the binary.
pub fn build(build: &Build) -> Outcome<PathBuf> {
    let target = available(build)?;
    let dir = tree::target()?;
    let mut cargo = tree::cargo();
    cargo.args(["build", "--package", build.package, "--bin", build.package, "--target", &target]);
    let folder = match build.kind {
        Kind::Stable => {
            cargo.arg("--release");
            "release"
        }
        Kind::Tiny => {
            rust_src()?;
            cargo.args(["--profile", "tiny", "--config", "profile.tiny.inherits='release'"]);
            cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
            // Unstable options of the stable compiler: no nightly toolchain is needed.
            cargo.env("RUSTC_BOOTSTRAP", "1");
            "tiny"
        }
    };
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(build.kind, &target).join("\u{1f}"));
    cargo.env_remove("RUSTFLAGS");
    run_shown(&mut cargo)?;
    let path = dir.join(&target).join(folder).join(build.package);
    prove_static(&path)?;
    let len = std::fs::metadata(&path).about(&path)?.len();
    say(format!("{}: {len} bytes, static, for {target}", build.package));
    Ok(path)
}

/// Compiler flags, after those that the user has set in RUSTFLAGS.
fn flags(kind: Kind, target: &str) -> Vec<String> {
    let user = std::env::var("RUSTFLAGS").unwrap_or_default();
    let mut flags: Vec<String> = user.split_whitespace().map(str::to_string).collect();
    let mut add = |words: &[&str]| flags.extend(words.iter().map(|word| word.to_string()));
    // Nothing unwinds: a panic aborts.
    add(&["-C", "target-feature=+crt-static", "-C", "force-unwind-tables=no"]);
    // Switches as comparisons: shorter than a table with four bytes for each value.
    add(&["-C", "llvm-args=-min-jump-table-entries=1000"]);
    if target.ends_with("-musl") {
        // The linker and the start-up files that rustup ships: no C compiler for the target is needed.
        add(&["-C", "linker=rust-lld", "-C", "linker-flavor=ld.lld", "-C", "link-self-contained=yes"]);
        // Equal functions once; relocations, which musl's start-up code applies itself, as a bitmap.
        add(&["-C", "link-arg=--icf=all", "-C", "link-arg=--pack-dyn-relocs=relr"]);
        // Without the tables for unwinding that the standard library comes with: nothing unwinds, and a panic
        // still says where it was.
        let script = tree::root().join("xtask/no-unwind-tables.ld");
        add(&["-C", &format!("link-arg=-T{}", script.display())]);
    }
    if kind == Kind::Tiny {
        add(&["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none"]);
        // Equal runs of instructions once; and no function with a large frame in another, whose every
        // access to its own frame would then need a longer offset.
        add(&["-C", "llvm-args=-enable-machine-outliner=always -inline-max-stacksize=256"]);
    }
    // What a binary says of the machine it was built on.
    let home = |name: &str, folder: &str| {
        std::env::var(name).ok().or_else(|| Some(format!("{}/{folder}", std::env::var("HOME").ok()?)))
    };
    let places = [
        (home("CARGO_HOME", ".cargo"), "cargo"),
        (home("RUSTUP_HOME", ".rustup"), "rustup"),
        (Some(tree::root().display().to_string()), "netstrap"),
    ];
    flags.extend(places.into_iter().filter_map(|(from, to)| Some(format!("--remap-path-prefix={}=/{to}", from?))));
    flags
}

/// The target if it can be had, else glibc of the same architecture, linked statically.
fn available(build: &Build) -> Outcome<String> {
    let target = &build.target;
    if has_std(target) {
        return Ok(target.clone());
    }
    say(format!("the standard library for {target} is not here; adding it"));
    let added = run_shown(Command::new("rustup").args(["target", "add", target]).current_dir(tree::root()));
    let Err(failure) = added else { return Ok(target.clone()) };
    let glibc = format!("{}-unknown-linux-gnu", target.split('-').next().unwrap_or_default());
    if build.kind == Kind::Stable && target.ends_with("-musl") && has_std(&glibc) {
        say(format!("{target} cannot be had ({}); linking glibc statically instead ({glibc})", failure.text));
        return Ok(glibc);
    }
    Err(format!("{target} cannot be had: {}", failure.text).into())
}

/// Whether the compiler has the standard library of a target.
fn has_std(target: &str) -> bool {
    let libdir = read(rustc().args(["--print", "target-libdir", "--target", target]));
    let entries = libdir.ok().and_then(|dir| std::fs::read_dir(dir.trim()).ok());
    entries.into_iter().flatten().flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// Makes sure that the standard library's source is there.
fn rust_src() -> Outcome {
    let sysroot = read(rustc().args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std/Cargo.toml").exists() {
        return Ok(());
    }
    say("the standard library's source is not here; adding it");
    let added = run_shown(Command::new("rustup").args(["component", "add", "rust-src"]).current_dir(tree::root()));
    added.map_err(|failure| Failure::from(format!("--tiny needs the component rust-src: {}", failure.text)))
}

/// The compiler that cargo uses here.
fn rustc() -> Command {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(tree::root());
    rustc
}

/// Fails unless a file is an ELF program without interpreter and without needed libraries.
fn prove_static(path: &Path) -> Outcome {
    let bytes = std::fs::read(path).about(path)?;
    match dynamic_parts(&bytes) {
        Some((false, 0)) => Ok(()),
        Some((interp, needed)) => {
            let loader = if interp { "asks for a loader" } else { "asks for no loader" };
            Err(format!("{}: not static: {loader}, needs {needed} libraries", path.display()).into())
        }
        None => Err(format!("{}: not a 64-bit little-endian ELF program", path.display()).into()),
    }
}

/// Whether a 64-bit little-endian ELF program has `PT_INTERP`, and how many `DT_NEEDED` entries.
fn dynamic_parts(elf: &[u8]) -> Option<(bool, usize)> {
    const PT_DYNAMIC: u32 = 2;
    const PT_INTERP: u32 = 3;
    const DT_NEEDED: u64 = 1;
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (table, entry, count) = (u64_at(elf, 32)?, u16_at(elf, 54)?, u16_at(elf, 56)?);
    let (mut interp, mut needed) = (false, 0);
    for index in 0..count {
        let header = usize::try_from(table).ok()? + usize::from(index) * usize::from(entry);
        match u32::from_le_bytes(elf.get(header..header + 4)?.try_into().ok()?) {
            PT_INTERP => interp = true,
            PT_DYNAMIC => {
                let from = usize::try_from(u64_at(elf, header + 8)?).ok()?;
                let len = usize::try_from(u64_at(elf, header + 32)?).ok()?;
                let entries = elf.get(from..from.checked_add(len)?)?.chunks_exact(16);
                needed += entries.filter(|entry| u64_at(entry, 0) == Some(DT_NEEDED)).count();
            }
            _ => {}
        }
    }
    Some((interp, needed))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Whether gzip is here, and what it makes of a file.
pub fn gzipped(path: &Path) -> Option<usize> {
    output(Command::new("gzip").args(["-9", "-c"]).arg(path)).ok().map(|output| output.stdout.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_mean_musl() {
        assert_eq!(triple("aarch64"), "aarch64-unknown-linux-musl");
        assert_eq!(triple("x86_64-unknown-linux-gnu"), "x86_64-unknown-linux-gnu");
    }

    /// A program with one header of a type, whose segment is the 16 bytes after it.
    fn program(kind: u8) -> Vec<u8> {
        let mut elf = vec![0; 64 + 56 + 16];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (elf[32], elf[54], elf[56]) = (64, 56, 1);
        (elf[64], elf[64 + 8], elf[64 + 32], elf[64 + 56]) = (kind, 64 + 56, 16, 1);
        elf
    }

    #[test]
    fn a_dynamic_program_is_told_from_a_static_one() {
        assert_eq!(dynamic_parts(&program(1)), Some((false, 0)));
        assert_eq!(dynamic_parts(&program(2)), Some((false, 1)), "DT_NEEDED");
        assert_eq!(dynamic_parts(&program(3)), Some((true, 0)), "PT_INTERP");
        assert_eq!(dynamic_parts(b"\x7fELF\x01\x01"), None, "32 bits");
        assert_eq!(dynamic_parts(&program(2)[..100]), None, "a header past the end");
    }
}
