//! The walkthrough, `tests/data/walkthrough.txt`, as data: the text in, steps out; and the
//! runner that does them one by one, shows each with its output, and counts what holds.

use std::ffi::OsString;
use std::io::{PipeReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::process::{About, Outcome};

/// The walkthrough's text.
pub const TEXT: &str = include_str!("../../tests/data/walkthrough.txt");
/// The same as one file.
pub const FILE: &str = include_str!("../../tests/data/walkthrough-file.txt");
/// Every kind of link, by a file.
pub const KINDS: &str = include_str!("../../tests/data/kinds.txt");
/// The files that these are about.
pub const FILES: [(&str, &str); 2] = [
    ("walkthrough.toml", include_str!("../../examples/walkthrough.toml")),
    ("kinds.toml", include_str!("../../tests/data/kinds.toml")),
];

/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A heading.
    Heading(String),
    /// A command and what must come of it.
    Run(Run),
    /// Start the reporter in a namespace, on these addresses.
    Answer {
        /// Namespace.
        ns: String,
        /// Addresses to answer on.
        addresses: Vec<String>,
    },
    /// Ask the reporter from a namespace: which source address did it see?
    Sees {
        /// Namespace that asks.
        ns: String,
        /// Address that is asked.
        address: String,
        /// Source address that the reporter must have seen.
        source: String,
    },
}

/// A command and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its words.
    pub words: Vec<String>,
    /// Whether it must succeed (else: must fail).
    pub succeeds: bool,
    /// Whether iproute2 knows these words too.
    pub common: bool,
    /// Texts that the output must hold.
    pub has: Vec<String>,
    /// Texts that it must not hold.
    pub lacks: Vec<String>,
}

/// Reads the text; an error names the line.
pub fn parse(text: &str) -> Outcome<Vec<Step>> {
    let mut steps = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((mark, rest)) = line.split_once(' ') else {
            if line.is_empty() || line == "#" {
                continue;
            }
            return Err(format!("walkthrough line {number}: not understood: {line}").into());
        };
        let words = || rest.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        match (mark, steps.last_mut()) {
            ("#", _) => {}
            ("=", _) => steps.push(Step::Heading(rest.to_string())),
            ("$" | "+" | "!", _) => {
                let (succeeds, common) = (mark != "!", mark != "+");
                steps.push(Step::Run(Run { words: words(), succeeds, common, has: vec![], lacks: vec![] }));
            }
            (">", Some(Step::Run(run))) => run.has.push(rest.to_string()),
            ("<", Some(Step::Run(run))) => run.lacks.push(rest.to_string()),
            ("@", _) => steps.push(helper(&words()).ok_or(format!("walkthrough line {number}: not understood"))?),
            _ => return Err(format!("walkthrough line {number}: not understood: {line}").into()),
        }
    }
    Ok(steps)
}

/// A step that is done by our own probe.
fn helper(words: &[String]) -> Option<Step> {
    let word = |at: usize| words.get(at).cloned();
    match word(0)?.as_str() {
        "answer" => Some(Step::Answer { ns: word(1)?, addresses: words.get(2..)?.to_vec() }),
        "sees" => Some(Step::Sees { ns: word(1)?, address: word(2)?, source: word(3)? }),
        _ => None,
    }
}

/// How many steps are judged: all but headings.
pub fn judged(steps: &[Step]) -> usize {
    steps.iter().filter(|step| !matches!(step, Step::Heading(_))).count()
}

/// What a command did.
pub struct Done {
    /// Exit code; `None` when a signal or our patience ended it.
    pub code: Option<i32>,
    /// Both streams, in order.
    pub text: String,
}

/// Runs steps with a PATH, in the namespaces that this process is in.
pub struct Runner {
    /// PATH of the commands.
    pub path: OsString,
    /// This program, which also is the probe.
    pub probe: PathBuf,
    reporter: Option<Child>,
    verdicts: Vec<(String, Result<(), String>)>,
}

impl Runner {
    /// A runner that has done nothing yet.
    pub fn new(path: OsString, probe: PathBuf) -> Self {
        Runner { path, probe, reporter: None, verdicts: Vec::new() }
    }

    /// Does all steps, printing as it goes, then the summary. True if all hold.
    pub fn run(&mut self, steps: &[Step]) -> Outcome<bool> {
        for step in steps {
            let (name, verdict) = match step {
                Step::Heading(text) => {
                    println!("\n=== {text}");
                    continue;
                }
                Step::Run(run) => (title(run), self.command(run)?),
                Step::Answer { ns, addresses } => self.answer(ns, addresses)?,
                Step::Sees { ns, address, source } => self.sees(ns, address, source)?,
            };
            if let Err(why) = &verdict {
                println!("FAILED: {why}");
            }
            self.verdicts.push((name, verdict));
        }
        self.stop();
        Ok(self.summary(steps))
    }

    /// One command: shown, run, judged.
    fn command(&self, run: &Run) -> Outcome<Result<(), String>> {
        println!("$ {}", run.words.join(" "));
        let done = self.call(&run.words)?;
        print!("{}", done.text);
        if !done.text.is_empty() && !done.text.ends_with('\n') {
            println!();
        }
        Ok(judge(run, &done))
    }

    /// Runs a command by its words, looked up on our PATH.
    pub fn call(&self, words: &[String]) -> Outcome<Done> {
        let (mut reader, writer) = std::io::pipe().about("a pipe")?;
        let mut command = Command::new(self.lookup(&words[0])?);
        command.args(&words[1..]).env("PATH", &self.path).env("LC_ALL", "C").stdin(Stdio::null());
        command.stderr(writer.try_clone().about("a pipe")?).stdout(writer);
        let mut child = command.spawn().about(&words[0])?;
        drop(command);
        let text = read_with_patience(&mut reader);
        if text.is_none() {
            let _ = child.kill();
        }
        let status = child.wait().about(&words[0])?;
        Ok(Done { code: status.code(), text: text.unwrap_or_else(|| "(no end in sight: killed)\n".to_string()) })
    }

    /// The program of a name on our PATH, never on the caller's.
    fn lookup(&self, name: &str) -> Outcome<PathBuf> {
        if name.contains('/') {
            return Ok(PathBuf::from(name));
        }
        let found = std::env::split_paths(&self.path).map(|dir| dir.join(name)).find(|file| file.exists());
        found.ok_or_else(|| format!("{name}: not on the walkthrough's PATH").into())
    }

    /// Starts the reporter; it ends when its standard input does.
    fn answer(&mut self, ns: &str, addresses: &[String]) -> Outcome<(String, Result<(), String>)> {
        println!("(in {ns}: report the source address of each datagram to {})", addresses.join(", "));
        let mut command = Command::new(self.lookup("ip")?);
        command.args(["netns", "exec", ns]).arg(&self.probe).args(["probe", "answer", "--until-eof"]).args(addresses);
        let child = command.env("PATH", &self.path).stdin(Stdio::piped()).spawn().about("the reporter")?;
        self.reporter = Some(child);
        Ok((format!("start the reporter in {ns}"), Ok(())))
    }

    /// Asks the reporter from a namespace.
    fn sees(&self, ns: &str, address: &str, source: &str) -> Outcome<(String, Result<(), String>)> {
        println!("(ask {address} from {ns}: which source address did you see?)");
        let probe = self.probe.to_string_lossy();
        let words = ["ip", "netns", "exec", ns, &probe, "probe", "ask", address].map(str::to_string);
        let done = self.call(&words)?;
        print!("{}", done.text);
        let verdict = match done.text.trim() {
            seen if seen == source => Ok(()),
            seen => Err(format!("the outside saw \"{seen}\", not {source}")),
        };
        Ok((format!("seen from outside, {ns} -> {address} comes from {source}"), verdict))
    }

    /// Ends the reporter.
    fn stop(&mut self) {
        if let Some(mut child) = self.reporter.take() {
            drop(child.stdin.take());
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Prints a line for each check, then the count.
    fn summary(&self, steps: &[Step]) -> bool {
        println!("\n=== Summary");
        let judged: Vec<&Step> = steps.iter().filter(|step| !matches!(step, Step::Heading(_))).collect();
        for ((name, verdict), step) in self.verdicts.iter().zip(&judged) {
            let is_check =
                !matches!(step, Step::Run(run) if run.succeeds && run.has.is_empty() && run.lacks.is_empty());
            match verdict {
                Ok(()) if is_check => println!("  ok      {name}"),
                Ok(()) => {}
                Err(why) => println!("  FAILED  {name}: {why}"),
            }
        }
        let bad = self.verdicts.iter().filter(|(_, verdict)| verdict.is_err()).count();
        println!("walkthrough: {} steps, {} ok, {bad} FAILED", self.verdicts.len(), self.verdicts.len() - bad);
        bad == 0 && self.verdicts.len() == judged.len()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads to the end, or gives up.
fn read_with_patience(reader: &mut PipeReader) -> Option<String> {
    let mut reader = reader.try_clone().ok()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver.recv_timeout(PATIENCE).ok()
}

/// A command's line in the summary.
fn title(run: &Run) -> String {
    let line = run.words.join(" ");
    if run.succeeds { line } else { format!("{line} (must fail)") }
}

/// Holds what a command did against what must come of it.
pub fn judge(run: &Run, done: &Done) -> Result<(), String> {
    match (run.succeeds, done.code) {
        (true, Some(0)) => {}
        (false, Some(code)) if code != 0 => {}
        (_, Some(code)) => return Err(format!("exit code {code}")),
        (_, None) => return Err("ended by a signal".to_string()),
    }
    if let Some(text) = run.has.iter().find(|text| !done.text.contains(text.as_str())) {
        return Err(format!("\"{text}\" is not in the output"));
    }
    match run.lacks.iter().find(|text| done.text.contains(text.as_str())) {
        Some(text) => Err(format!("\"{text}\" is in the output")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_understood_and_holds_the_main_lines() {
        let steps = parse(TEXT).unwrap();
        let runs: Vec<&Run> =
            steps.iter().filter_map(|s| if let Step::Run(run) = s { Some(run) } else { None }).collect();
        let has = |line: &str| runs.iter().any(|run| run.words.join(" ") == line);
        for line in [
            "ip -n red link del veth-red",
            "ip netns exec red ping -c 1 192.168.15.2",
            "iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -j MASQUERADE",
            "ip -n blue ping -c 1 8.8.8.8",
        ] {
            assert!(has(line), "{line}");
        }
        let before_nat = runs.iter().filter(|run| !run.succeeds && run.words.ends_with(&["192.168.1.3".into()]));
        assert!(before_nat.count() >= 1);
        assert!(steps.iter().any(|step| matches!(step, Step::Sees { .. })));
    }

    #[test]
    fn errors_name_the_line() {
        assert!(parse("# a\n\n$ ip link\n? what").unwrap_err().text.contains("line 4"));
        assert!(parse("> text of nothing").is_err());
        assert!(parse("@ sees red").is_err());
    }

    #[test]
    fn judging_wants_code_and_text() {
        let run = |succeeds, has: &[&str], lacks: &[&str]| Run {
            words: vec!["true".into()],
            succeeds,
            common: true,
            has: has.iter().map(|text| text.to_string()).collect(),
            lacks: lacks.iter().map(|text| text.to_string()).collect(),
        };
        let done = |code, text: &str| Done { code, text: text.to_string() };
        assert!(judge(&run(true, &["a"], &["b"]), &done(Some(0), "xax")).is_ok());
        assert!(judge(&run(true, &["a"], &[]), &done(Some(0), "x")).is_err());
        assert!(judge(&run(true, &[], &["b"]), &done(Some(0), "b")).is_err());
        assert!(judge(&run(true, &[], &[]), &done(Some(2), "")).is_err());
        assert!(judge(&run(false, &[], &[]), &done(Some(0), "")).is_err());
        assert!(judge(&run(false, &[], &[]), &done(None, "")).is_err());
        assert!(judge(&run(false, &["no"], &[]), &done(Some(1), "no")).is_ok());
    }

    #[test]
    fn the_runner_counts_a_failure() {
        let steps = parse("= x\n$ true\n! false\n$ echo hello\n> hello\n").unwrap();
        let runner = || Runner::new("/usr/bin:/bin".into(), "/nonexistent".into());
        assert!(runner().run(&steps).unwrap());
        let steps = parse("$ true\n! true\n").unwrap();
        assert!(!runner().run(&steps).unwrap());
    }
}
