//! What a command line sends. In: a program, its words. Out: its rtnetlink messages, exit code and first
//! words. Nothing that is sent changes anything: the kernel gets changes as no-ops, and acknowledges them.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::trace::{self, Watch};

/// How a command line ended and what it sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// Its messages, without what is only looked up, each once.
    pub messages: Vec<Vec<u8>>,
    /// Exit code, or 128 and the signal.
    pub code: i32,
    /// Whether it printed anything.
    pub printed: bool,
    /// The first line of standard error.
    pub error: String,
    /// Netlink protocols other than `NETLINK_ROUTE` that it sent to.
    pub others: Vec<u64>,
}

/// `RTM_NEW*`, `RTM_DEL*`, `RTM_GET*`, `RTM_SET*` are numbered by fours.
const GET: u16 = 2;
const GETLINK: u16 = 18;
const GETNSID: u16 = 90;
/// Types below are the protocol's own.
const LOWEST: u16 = 16;
const NOOP: u16 = 1;

fn kind(message: &[u8]) -> u16 {
    message.get(4..6).map_or(0, |kind| u16::from_le_bytes([kind[0], kind[1]]))
}

/// Cuts a datagram into messages.
fn messages(bytes: &mut [u8]) -> Vec<&mut [u8]> {
    let (mut rest, mut all) = (bytes, Vec::new());
    while rest.len() >= 16 {
        let len = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
        let len = usize::try_from(len).unwrap_or(0);
        if len < 16 || len > rest.len() {
            break;
        }
        let (one, later) = rest.split_at_mut(len);
        all.push(one);
        let padding = (len.next_multiple_of(4) - len).min(later.len());
        rest = &mut later[padding..];
    }
    all
}

#[derive(Default)]
struct Messages {
    sent: Vec<Vec<u8>>,
    others: Vec<u64>,
}

impl Watch for Messages {
    fn sends(&mut self, protocol: u64, bytes: &mut [u8]) -> bool {
        if protocol != 0 {
            self.others.push(protocol);
            return true;
        }
        for message in messages(bytes) {
            let change = kind(message) >= LOWEST && kind(message) % 4 != GET;
            let mut copy = message.to_vec();
            copy[8..16].fill(0);
            // Flushing goes on until nothing is left, and here nothing ever goes.
            if change && self.sent.contains(&copy) {
                return false;
            }
            self.sent.push(copy);
            if change {
                message[4..6].copy_from_slice(&NOOP.to_le_bytes());
            }
        }
        true
    }

    fn receives(&mut self, protocol: u64, bytes: &mut [u8]) {
        if protocol == 0 {
            messages(bytes).into_iter().for_each(as_vrf);
        }
    }
}

/// A bridge whose name starts with `vrf` is shown to be a VRF, for kernels without any: its first
/// attribute, the forward delay, is a VRF's table.
fn as_vrf(message: &mut [u8]) {
    let named = |message: &[u8]| message.windows(5).any(|at| at == b"\x03\x00vrf");
    let bridge = b"\x0b\x00\x01\x00bridge\0\0";
    if kind(message) == LOWEST && named(message) {
        if let Some(at) = message.windows(bridge.len()).position(|at| at == bridge) {
            message[at..at + bridge.len()].copy_from_slice(b"\x08\x00\x01\x00vrf\0\x04\x00\x7f\x00");
        }
    }
}

/// The object of a command line: the first word that is neither an option nor an option's value.
pub fn object(words: &[&str]) -> String {
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        match word.trim_start_matches('-') {
            "n" | "netns" | "f" | "family" if word.starts_with('-') => {
                words.next();
            }
            _ if word.starts_with('-') => {}
            object => return object.to_string(),
        }
    }
    String::new()
}

/// Runs a command line; `program` are the words that stand for its first one.
pub fn run(program: &[&str], line: &str, scratch: &Path) -> Result<Capture, String> {
    let words: Vec<&str> = line.split(' ').collect();
    let problem = |error: std::io::Error| format!("{line}: {error}");
    let (out, err) = (scratch.join("out"), scratch.join("err"));
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(&words[1..]).env("LC_ALL", "C").env_remove("NETSTRAP_HINTS");
    command.stdin(Stdio::null()).stdout(File::create(&out).map_err(problem)?);
    command.stderr(File::create(&err).map_err(problem)?);
    let limit = if words.contains(&"monitor") { 300 } else { 5000 };
    let mut seen = Messages::default();
    let status = trace::run(&mut command, Duration::from_millis(limit), &mut seen).map_err(problem)?;
    let text = |path| std::fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned()).map_err(problem);
    use std::os::unix::process::ExitStatusExt;
    seen.others.dedup();
    Ok(Capture {
        messages: judged(&object(&words), seen.sent),
        code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        printed: !text(out)?.is_empty(),
        error: text(err)?.lines().next().unwrap_or_default().trim_end().to_string(),
        others: seen.others,
    })
}

/// The messages that are what the command line is for: its changes; where there are none, its
/// questions, but not those for names of links and namespaces on the way.
fn judged(object: &str, mut sent: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    // iproute2 asks with an empty message whether links can be changed by messages.
    sent.retain(|message| kind(message) != LOWEST || message[16..].iter().any(|byte| *byte != 0));
    if sent.iter().any(|message| kind(message) % 4 != GET) {
        sent.retain(|message| kind(message) % 4 != GET);
    }
    let of_links = ["link", "addr", "vrf"].contains(&object);
    sent.retain(|message| match kind(message) {
        GETLINK => of_links,
        GETNSID => object == "netns",
        kind => kind >= LOWEST,
    });
    let mut once = HashSet::new();
    sent.retain(|message| once.insert(message.clone()));
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 16];
        bytes[0] = u8::try_from(16 + rest.len()).unwrap();
        bytes[4..6].copy_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn changes_are_kept_and_reach_the_kernel_as_nothing() {
        let mut seen = Messages::default();
        let (change, question) = (message(24, &[1, 2, 3, 4]), message(26, &[]));
        let mut bytes = [change.clone(), question.clone()].concat();
        assert!(seen.sends(0, &mut bytes));
        assert_eq!(bytes, [message(NOOP, &[1, 2, 3, 4]), question.clone()].concat());
        assert_eq!(seen.sent, [change.clone(), question]);
        assert!(!seen.sends(0, &mut change.clone()), "the second time");
        assert_eq!(judged("route", seen.sent), [change]);
    }

    #[test]
    fn look_ups_on_the_way_are_left_out_and_the_rest_stands_once() {
        let (link, route) = (message(18, &[]), message(26, &[]));
        assert_eq!(judged("route", vec![link.clone(), route.clone(), route.clone()]), [route.clone()]);
        assert_eq!(judged("link", vec![link.clone(), route.clone()]), [link, route]);
    }

    #[test]
    fn the_object_is_found_after_the_options() {
        assert_eq!(object(&["ip", "-n", "red", "-6", "route", "add"]), "route");
        assert_eq!(object(&["ip", "-all", "netns", "delete"]), "netns");
        assert_eq!(object(&["ip"]), "");
    }

    #[test]
    fn a_bridge_stands_in_for_a_vrf() {
        let text = b"\x08\x00\x03\x00vrf\0\x0b\x00\x01\x00bridge\0\0\x08\x00\x01\x00\xe8\x03\x00\x00";
        let mut bytes = message(16, text);
        as_vrf(&mut bytes);
        assert_eq!(bytes[24..36], *b"\x08\x00\x01\x00vrf\0\x04\x00\x7f\x00");
        let mut other = message(16, &text[8..]);
        as_vrf(&mut other);
        assert_eq!(other, message(16, &text[8..]));
    }
}
