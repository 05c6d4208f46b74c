//! User-mode Linux: a kernel that is a program, for machines whose own kernel makes no
//! network namespaces. In: a command. Out: what it prints and its exit code. It runs as root,
//! in this machine's file system as it is seen from here, in the caller's folder and with its
//! environment, with all link kinds of Debian's kernel and no network to the outside. What it
//! writes goes to memory and is lost, except below [`shared`].

mod emulator;
mod kernel;

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{About, Failure, Outcome, find, own_binary, say};
use crate::{namespaces, packages, sys, tree};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(3 * 3600);
/// The first process: mounts, loads modules, runs the command.
const INIT: &str = include_str!("uml/init.sh");
/// What the tests and their harnesses make use of: link kinds and the backends of iptables and nft.
const MODULES: &str = "overlay veth bridge dummy 8021q vrf bonding wireguard ipvlan ipvtap macvlan macvtap tun \
    ip_gre ip6_gre ipip sit ip6_tunnel geneve vxlan ifb nlmon vcan macsec mpls_iptunnel mpls_router fou fou6 nf_tables \
    nft_chain_nat nft_masq nft_nat nft_compat xt_MASQUERADE nft_ct nf_conntrack_netlink xt_conntrack \
    xt_nat xt_comment xt_REDIRECT xt_mark xt_tcpudp xt_addrtype xt_limit xt_multiport br_netfilter nft_redir nft_fib \
    nft_fib_ipv4 nft_fib_ipv6";
/// Memory of a machine; the host gives what is used of it.
const MEMORY: &str = "1024M";
/// Variables of the caller that say something of the caller only.
const OWN: &[&str] = &["_", "PWD", "OLDPWD", "SHLVL", "LD_PRELOAD", "PATH", "GLIBC_TUNABLES"];

/// `cargo xtask uml [--emulated] COMMAND [WORDS...]`.
pub fn command(mut words: Vec<String>) -> Outcome {
    let mut kind = Kind::UserMode;
    if words.first().is_some_and(|word| word == "--emulated") {
        words.remove(0);
        kind = Kind::Emulated;
    }
    let Some(name) = words.first() else {
        return Err(Failure::usage("usage: cargo xtask uml [--emulated] COMMAND [WORDS...]"));
    };
    match run(kind, &words)? {
        0 => Ok(()),
        code => Err(Failure { text: format!("{name}: exit code {code}"), code: u8::try_from(code).unwrap_or(1) }),
    }
}

/// The folder that is the same inside and outside. A file is whole outside once it is closed inside.
pub fn shared() -> Outcome<PathBuf> {
    tree::cache("uml")
}

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// User-mode Linux: nearly as fast as this machine. Debian's has no nf_tables for IPv4, no seg6, no wireguard.
    UserMode,
    /// QEMU, which emulates the processor: some ten times slower. Debian's kernel for virtual machines, with all of it.
    Emulated,
}

/// Boots a machine, runs a command by its words, and returns its exit code (128 and the signal
/// where one ended it). Its output goes to ours. Several may run at a time, each on its own machine.
pub fn run(kind: Kind, words: &[String]) -> Outcome<i32> {
    packages::ensure(&[("busybox", "busybox-static")])?;
    let shared = shared()?;
    let dir = machine(&shared)?;
    let outcome = boot(kind, &shared, &dir, words);
    let _ = std::fs::remove_dir_all(&dir);
    outcome
}

/// A command that runs a program here if the kernel makes network namespaces, else (or when
/// `apart`) on a machine, by this program's `uml`. Words are added as to any command.
pub fn program(kind: Kind, program: impl AsRef<OsStr>, apart: bool) -> Outcome<Command> {
    if !apart && namespaces::usable() {
        return Ok(Command::new(program));
    }
    let mut command = Command::new(own_binary()?);
    command.arg("uml");
    if kind == Kind::Emulated {
        command.arg("--emulated");
    }
    command.arg(program);
    Ok(command)
}

/// A new folder for one machine.
fn machine(shared: &Path) -> Outcome<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = shared.join(format!("machine-{}-{number}", std::process::id()));
    if dir.exists() {
        std::fs::remove_dir_all(&dir).about(&dir)?;
    }
    std::fs::create_dir_all(&dir).about(&dir)?;
    Ok(dir)
}

fn boot(kind: Kind, shared: &Path, dir: &Path, words: &[String]) -> Outcome<i32> {
    write(dir, "init.sh", INIT)?;
    write(dir, "command.sh", &script(words)?)?;
    let busybox = find("busybox").ok_or("busybox: not found")?;
    let names = [("MACHINE", dir), ("SHARED", shared), ("BUSYBOX", &busybox)];
    let names: Vec<String> = names.iter().map(|(name, path)| format!("{name}={}", path.display())).collect();
    let (mut linux, _files) = match kind {
        Kind::UserMode => (kernel::command(dir, &busybox, &names)?, None),
        Kind::Emulated => emulator::command(dir, &busybox, &names).map(|(linux, files)| (linux, Some(files)))?,
    };
    let image = linux.get_args().nth(3).unwrap_or_default().to_os_string();
    sys::lead_and_follow(&mut linux);
    linux.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = linux.spawn().about(&image)?;
    let out = child.stdout.take().map(|pipe| thread::spawn(|| pour(pipe, io::stdout())));
    let err = child.stderr.take().map(|pipe| thread::spawn(|| pour(pipe, io::stderr())));
    let late = loop {
        if child.try_wait().about(&image)?.is_some() {
            break false;
        }
        if start.elapsed() > PATIENCE {
            break true;
        }
        thread::sleep(Duration::from_millis(50));
    };
    // What is left of it, if it did not end by itself.
    let _ = sys::kill_group(child.id());
    let _ = child.wait();
    for thread in [out, err].into_iter().flatten() {
        let _ = thread.join();
    }
    if late {
        return Err(format!("{}: no end after {} s", words.join(" "), PATIENCE.as_secs()).into());
    }
    let code = std::fs::read_to_string(dir.join("code")).ok().and_then(|text| text.trim().parse().ok());
    code.ok_or_else(|| {
        let log = std::fs::read(dir.join("log")).unwrap_or_default();
        say(String::from_utf8_lossy(&log).trim());
        "the machine ended without the command's exit code".into()
    })
}

/// Writes a file of a machine.
fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> Outcome<PathBuf> {
    let file = dir.join(name);
    std::fs::write(&file, content).about(&file)?;
    Ok(file)
}

/// A kernel's command line, its own messages going to the machine's log, with this process's
/// output and error at 3 and 4.
fn logged(dir: &Path, program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3>&1 4>&2 >\"$0\" 2>&1; exec \"$@\""]).arg(dir.join("log")).arg(program);
    command
}

/// Hands on what comes, as it comes.
fn pour(mut from: impl Read, mut to: impl Write) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        let _ = to.write_all(&buffer[..len]);
        let _ = to.flush();
    }
}

/// The shell script that runs the command as it would run here.
fn script(words: &[String]) -> Outcome<String> {
    let mut text = String::new();
    for (name, value) in std::env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
        if !OWN.contains(&name) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            text += &format!("export {name}={}\n", quoted(value));
        }
    }
    let path = std::env::var("PATH").unwrap_or_default();
    text += &format!("export PATH={}\n", quoted(&format!("{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")));
    // Threads of one process share the part of the processor's state that this kernel does not
    // know (AVX-512), so libc's string functions must not use it.
    text += "export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512VL,-AVX512BW,-AVX512F\n";
    let here = std::env::current_dir().about("the current folder")?;
    text += &format!("cd {} || exit 126\nexec", quoted(&here.display().to_string()));
    for word in words {
        text += " ";
        text += &quoted(word);
    }
    Ok(text + "\n")
}

/// A word as the shell reads it back.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_runs_the_command_as_here() {
        let words = ["sh", "-c", "pwd; echo \"$1\"; exit 7", "sh", "it's $HOME"].map(str::to_string);
        let output = Command::new("sh").arg("-c").arg(script(&words).unwrap()).env_clear().output().unwrap();
        let here = std::env::current_dir().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\nit's $HOME\n", here.display()));
        assert_eq!(output.status.code(), Some(7));
    }
}
