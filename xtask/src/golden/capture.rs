//! What a command line sends. In: a program, its words, the world that it finds. Out: its rtnetlink
//! messages, exit code and first words.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::kernel::{Paper, World, asks, kind};
use super::names::Names;
use super::trace;

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
    /// Whether it sent to another netlink protocol than `NETLINK_ROUTE`.
    pub other: bool,
}

const NEWLINK: u16 = 16;
const GETLINK: u16 = 18;
const GETNSID: u16 = 90;
/// Types below are the protocol's own.
const LOWEST: u16 = 16;

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
pub fn run(names: &Names, world: &World, program: &[&str], line: &str) -> Result<Capture, String> {
    let words: Vec<&str> = line.split(' ').collect();
    let problem = |error: std::io::Error| format!("{line}: {error}");
    let (out, err) = (Path::new("/run/out"), Path::new("/run/err"));
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(&words[1..]).env("LC_ALL", "C").env_remove("NETSTRAP_HINTS");
    command.stdin(Stdio::null()).stdout(File::create(out).map_err(problem)?);
    command.stderr(File::create(err).map_err(problem)?);
    // What waits for news waits for ever.
    let limit = if words.contains(&"monitor") { 300 } else { 5000 };
    let mut kernel = Paper::new(names, world);
    let status = trace::run(&mut command, Duration::from_millis(limit), &mut kernel).map_err(problem)?;
    let text = |path| std::fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned()).map_err(problem);
    use std::os::unix::process::ExitStatusExt;
    Ok(Capture {
        messages: judged(&object(&words), kernel.sent),
        code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        printed: !text(out)?.is_empty(),
        error: text(err)?.lines().next().unwrap_or_default().trim_end().to_string(),
        other: !kernel.others.is_empty(),
    })
}

/// The messages that are what the command line is for: its changes; where there are none, its
/// questions, but not those for names of links and namespaces on the way.
fn judged(object: &str, mut sent: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    // iproute2 asks with an empty message whether links can be changed by messages.
    sent.retain(|message| kind(message) != NEWLINK || message[16..].iter().any(|byte| *byte != 0));
    if sent.iter().any(|message| !asks(message)) {
        sent.retain(|message| !asks(message));
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
    fn look_ups_on_the_way_are_left_out_and_the_rest_stands_once() {
        let (link, route) = (message(18, &[]), message(26, &[]));
        let twice = vec![link.clone(), route.clone(), route.clone()];
        assert_eq!(judged("route", twice), std::slice::from_ref(&route));
        assert_eq!(judged("link", vec![link.clone(), route.clone()]), [link, route]);
    }

    #[test]
    fn the_object_is_found_after_the_options() {
        assert_eq!(object(&["ip", "-n", "red", "-6", "route", "add"]), "route");
        assert_eq!(object(&["ip", "-all", "netns", "delete"]), "netns");
        assert_eq!(object(&["ip"]), "");
    }
}
