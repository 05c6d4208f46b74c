//! One machine that QEMU emulates. In: a kernel, an initramfs, what it is booted for. Out: the lines
//! of its serial console.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::boots::{self, Boot};
use super::kernel::Kernel;
use crate::process::{About, Outcome, say, show};

/// All that QEMU emulates but CMPXCHG16B: after it, QEMU 7.2 sometimes has a register's bits for the flags,
/// and Linux 6.12 dies of that in its allocator. Without it Linux has another way.
pub const PROCESSOR: &str = "max,-cx16";
/// A boot takes some twenty seconds; a slow machine gets more.
const PATIENCE: Duration = Duration::from_secs(600);

/// Boots, shows the console line by line with the machine's name, returns it. Ends the machine when it does not end by itself.
pub fn boot(which: &Boot, kernel: &Kernel, image: &Path) -> Outcome<Vec<String>> {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args([
        "-accel",
        "tcg",
        "-cpu",
        PROCESSOR,
        "-m",
        "256",
        "-smp",
        "1",
        "-nographic",
        "-no-reboot",
        "-nic",
        "none",
    ]);
    qemu.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(image);
    let name = format!("{}={}", boots::VARIABLE, which.name);
    qemu.args(["-append", &format!("console=ttyS0 quiet panic=-1 rdinit=/init {name}")]);
    let version: String = kernel.version.split_inclusive('.').take(2).collect();
    let title = format!("{} {}", version.trim_end_matches('.'), which.name);
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
                println!("[{title}] {line}");
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
    say(format!("{title}: the machine ran for {:.1} s", start.elapsed().as_secs_f64()));
    if late { Err(format!("no end after {} s", PATIENCE.as_secs()).into()) } else { Ok(console) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn console_lines_are_cleaned() {
        assert_eq!(clean(b"\x1b[2J\x1b[0mok\r"), "ok");
        assert_eq!(clean(b"\x1bcok"), "ok");
    }
}
