//! Builds a topology with iproute2 in three new namespaces. In: its lines. Out: for each line
//! why it was refused, or nothing. Namespaces are named, so that listings show their names.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::topology::{Line, NAMESPACES};
use crate::process::{About, Outcome, find, output};
use crate::sys;

/// The tools of the system, and the namespace to come back to.
pub struct Builder {
    ip: PathBuf,
    bridge: PathBuf,
    home: File,
}

/// What a kernel may be built without although it knows the kind, with the arguments that it then refuses.
const ABILITIES: [(&str, &str); 1] = [("vlan_filtering", "bridge vlan_filtering 1")];

/// After each line of a batch: tells that the line did not end iproute2.
const MARK: &str = "link show dev lo\n";

impl Builder {
    /// Finds the tools.
    pub fn new() -> Outcome<Self> {
        let tool = |name: &str| find(name).ok_or_else(|| format!("{name}: not found; install iproute2"));
        let home = "/proc/thread-self/ns/net";
        Ok(Builder { ip: tool("ip")?, bridge: tool("bridge")?, home: File::open(home).about(home)? })
    }

    /// A tool of the system by its name.
    pub fn tool(&self, name: &str) -> &Path {
        if name == "bridge" { &self.bridge } else { &self.ip }
    }

    /// The kinds of a list that the kernel knows, and the [`ABILITIES`] that it has.
    pub fn kinds(&self, kinds: &[&str]) -> Outcome<Vec<String>> {
        self.fresh()?;
        self.enter(0)?;
        let mut known = Vec::new();
        let plain = kinds.iter().map(|kind| (*kind, *kind));
        for (kind, words) in plain.chain(ABILITIES) {
            let words = words.split(' ');
            let result = output(Command::new(&self.ip).args(["link", "add", "probe", "type"]).args(words))?;
            let words = String::from_utf8_lossy(&result.stderr).into_owned();
            if !words.contains("Unknown device type") && !words.contains("Operation not supported") {
                known.push(kind.to_string());
            }
            output(Command::new(&self.ip).args(["link", "delete", "probe"]))?;
        }
        self.leave()?;
        Ok(known)
    }

    /// Three new namespaces in place of those of the last topology.
    pub fn fresh(&self) -> Outcome {
        self.leave()?;
        output(Command::new(&self.ip).args(["-all", "netns", "delete"]))?;
        let lines: String = NAMESPACES.iter().map(|name| format!("netns add {name}\n")).collect();
        let (_, errors, code) = self.batch(&lines)?;
        if code == Some(0) { Ok(()) } else { Err(format!("ip netns add: {}", errors.trim()).into()) }
    }

    /// Moves this thread, and what it starts, into a namespace.
    pub fn enter(&self, ns: usize) -> Outcome {
        let file = format!("/run/netns/{}", NAMESPACES[ns]);
        sys::enter_network(File::open(&file).about(&file)?).about(file)
    }

    /// Moves this thread back.
    pub fn leave(&self) -> Outcome {
        sys::enter_network(&self.home).about("the first network namespace")
    }

    /// Runs all lines; one refusal (or `None`) for each.
    pub fn build(&self, lines: &[Line]) -> Outcome<Vec<Option<String>>> {
        self.fresh()?;
        let tool = |line: &Line| line.text.split(' ').next().unwrap_or_default().to_string();
        let mut refusals = Vec::new();
        for group in lines.chunk_by(|one, next| one.ns == next.ns && tool(one) == tool(next)) {
            self.enter(group[0].ns)?;
            match tool(&group[0]).as_str() {
                "ip" => refusals.extend(self.lines(group)?),
                "proc" => refusals.extend(group.iter().map(|line| set(&line.text).err())),
                _ => {
                    for line in group {
                        refusals.push(self.single(&line.text)?);
                    }
                }
            }
        }
        self.leave()?;
        Ok(refusals)
    }

    /// One command line on its own.
    fn single(&self, text: &str) -> Outcome<Option<String>> {
        let mut words = text.split(' ');
        let tool = self.tool(words.next().unwrap_or_default());
        let result = output(Command::new(tool).args(words))?;
        let why = String::from_utf8_lossy(&result.stderr).trim().to_string();
        Ok((!result.status.success()).then_some(why))
    }

    /// Lines of `ip`, by batches: a word not understood ends iproute2, and the next batch goes on after it.
    fn lines(&self, lines: &[Line]) -> Outcome<Vec<Option<String>>> {
        let mut refusals: Vec<Option<String>> = Vec::new();
        while refusals.len() < lines.len() {
            let left = &lines[refusals.len()..];
            // Options before the object are not for a line of a batch; -6 follows from the addresses.
            let words = |text: &str| text.trim_start_matches("ip ").trim_start_matches("-6 ").to_string();
            let six = |line: &Line| line.text.starts_with("ip -6 ");
            let left = &left[..left.iter().take_while(|line| six(line) == six(&left[0])).count()];
            let script: String = left.iter().map(|line| format!("{}\n{MARK}", words(&line.text))).collect();
            let (out, errors, code) = self.family_batch(six(&left[0]), &script)?;
            let done = out.lines().filter(|line| line.starts_with("1: lo: ")).count();
            refusals.extend(outcomes(&errors, code, done.min(left.len()), left.len()));
        }
        Ok(refusals)
    }

    fn batch(&self, script: &str) -> Outcome<(String, String, Option<i32>)> {
        self.family_batch(false, script)
    }

    fn family_batch(&self, six: bool, script: &str) -> Outcome<(String, String, Option<i32>)> {
        let mut command = Command::new(&self.ip);
        command.args(six.then_some("-6")).args(["-force", "-batch", "-"]).env("LC_ALL", "C");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().about(&self.ip)?;
        if let Some(mut stdin) = child.stdin.take() {
            // An early end of iproute2 shows in its output.
            let _ = stdin.write_all(script.as_bytes());
        }
        let result = child.wait_with_output().about(&self.ip)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(&result.stdout), text(&result.stderr), result.status.code()))
    }
}

/// Sets a parameter: `proc FILE VALUE`.
fn set(text: &str) -> Result<(), String> {
    let mut words = text.split(' ').skip(1);
    let file = format!("/proc/sys/{}", words.next().unwrap_or_default());
    std::fs::write(&file, words.next().unwrap_or_default()).map_err(|err| err.to_string())
}

/// What became of a batch's lines: each of the first `done` ran; the next one ended the batch if there is one,
/// and well if the exit code says so (`ip maddress add` does).
fn outcomes(errors: &str, code: Option<i32>, done: usize, all: usize) -> Vec<Option<String>> {
    let mut refusals = vec![None; done];
    let mut words: Vec<&str> = Vec::new();
    for line in errors.lines() {
        let number = line.strip_prefix("Command failed -:").and_then(|number| number.parse::<usize>().ok());
        match number {
            // Every other line is a mark.
            Some(number) => {
                if let Some(refusal) = refusals.get_mut((number - 1) / 2) {
                    *refusal = Some(std::mem::take(&mut words).join("; "));
                }
            }
            None if line.is_empty() => {}
            None => words.push(line),
        }
    }
    if done < all && code == Some(0) && words.is_empty() {
        refusals.push(None);
    } else if done < all {
        refusals.push(Some(if words.is_empty() { "ends iproute2".to_string() } else { words.join("; ") }));
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_put_to_their_lines() {
        let some = |text: &str| Some(text.to_string());
        let errors = "RTNETLINK answers: File exists\nCommand failed -:3\n";
        assert_eq!(outcomes(errors, Some(1), 3, 3), [None, some("RTNETLINK answers: File exists"), None]);
        let errors = "x\nCommand failed -:1\nError: argument \"q\" is wrong\n\n";
        assert_eq!(outcomes(errors, Some(255), 1, 5), [some("x"), some("Error: argument \"q\" is wrong")]);
        assert_eq!(outcomes("", None, 0, 2), [some("ends iproute2")]);
        assert_eq!(outcomes("", Some(0), 0, 2), [None]);
    }
}
