//! Whether the kernel at hand makes network namespaces. In: nothing. Out: yes or no, asked
//! once. The question can hang: a kernel whose network lock is stuck never answers, and the
//! asking process can then not even be killed. So another process asks, and is left behind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::process::{About, Outcome, own_binary, say};
use crate::sys;

/// How long an answer is waited for; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// The command of xtask that asks.
pub const ASK: &str = "namespaces-ask";

/// Whether network namespaces can be made here, and without hanging.
pub fn usable() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let refused = refused();
        if let Err(failure) = &refused {
            say(format!("no network namespaces here: {}", failure.text));
        }
        refused.is_ok()
    })
}

/// Asks in a process of its own; an error says why not.
fn refused() -> Outcome {
    if left_behind() {
        return Err("an earlier question still hangs in the kernel".into());
    }
    let mut ask = Command::new(own_binary()?);
    ask.arg(ASK).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It is not waited for when it hangs: nothing ends it, and waiting would hang as well.
    #[allow(clippy::zombie_processes)]
    let mut child = ask.spawn().about("the question")?;
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().about("the question")? {
            return if status.success() { Ok(()) } else { Err("the kernel refuses them".into()) };
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    Err(format!("the kernel does not answer within {} s (is its network lock stuck?)", PATIENCE.as_secs()).into())
}

/// Whether a process that asked before is still in the kernel, long after an answer was due.
fn left_behind() -> bool {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let words = || std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        stuck(&entry.path()) == Some(true) && words().split(|&byte| byte == 0).nth(1) == Some(ASK.as_bytes())
    })
}

/// Whether a process sleeps uninterruptibly and is older than our patience.
fn stuck(process: &Path) -> Option<bool> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split(' ').next()?.parse().ok()?;
    // After the name, which may hold anything: the state, and 19 words on the start in 1/100 s.
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    let state = words.next()?;
    let start: f64 = words.nth(18)?.parse().ok()?;
    Some(state == "D" && uptime - start / 100.0 > PATIENCE.as_secs_f64())
}

/// The part in the other process.
pub fn ask(_words: Vec<String>) -> Outcome {
    sys::unshare_network().about("unshare")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_is_not_stuck() {
        assert_eq!(stuck(Path::new("/proc/self")), Some(false));
        assert_eq!(stuck(Path::new("/proc/none")), None);
    }
}
