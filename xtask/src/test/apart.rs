//! The tests under user-mode Linux: cargo builds the test programs, each test of netstrap's is
//! run by itself on one of a few machines, which take the next one from a common queue; what
//! fails there is run again on a machine that QEMU emulates, with a fuller kernel. In:
//! the words of `cargo test`. Out: a line for each test, what failed, and the totals.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Totals;
use crate::process::{About, Outcome, read, say, show};
use crate::tree;
use crate::uml::{self, Kind};

/// The loop that each machine runs: `queue.sh FOLDER WORKERS PATIENCE`.
const QUEUE: &str = include_str!("queue.sh");
/// How many tests a machine runs at a time; many wait for the kernel's timers.
const WORKERS: usize = 2;
/// Seconds that one test may take: what hangs on one machine is not waited for long, as it is run on another.
const fn patience(kind: Kind) -> u32 {
    match kind {
        Kind::UserMode => 240,
        Kind::Emulated => 900,
    }
}
/// Options of `cargo test` whose value is the next word.
const VALUED: &[&str] = &["-p", "--package", "--exclude", "--bin", "--example", "--test", "--bench", "-j", "--jobs"];
const VALUED_TOO: &[&str] = &["-F", "--features", "--profile", "--target", "--target-dir", "--config", "-Z", "--color"];
/// Options that choose test programs; without one of them the documentation's tests are run too.
const CHOOSING: &[&str] =
    &["--lib", "--bins", "--bin", "--tests", "--test", "--examples", "--example", "--all-targets"];

/// Test programs that make no network namespace, with their folder: the developer commands, and the
/// comparison of messages, whose kernel is a stand-in that it traces.
const HERE: &[(&str, &str)] = &[("xtask", "xtask"), ("ip_golden", "")];

/// A test program that cargo has built.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    name: String,
    file: PathBuf,
    /// Whether it needs no network namespace, so that it runs right here: in this folder of the tree.
    here: Option<&'static str>,
}

/// One piece of work of a machine.
struct Unit {
    name: String,
    command: String,
}

/// Runs all tests that the words choose.
pub fn run(words: Vec<String>) -> Outcome {
    let words = Words::new(words);
    let mut totals = Totals::default();
    let mut failures = Vec::new();
    let mut units = Vec::new();
    for program in build(&words.cargo)? {
        if let Some(folder) = program.here {
            say(format!("{}: here", program.name));
            let mut command = Command::new(&program.file);
            command.args(&words.tests).current_dir(tree::root().join(folder));
            if !super::stream(&mut command, &mut totals)? {
                failures.push(program.name);
            }
            continue;
        }
        let tests = read(Command::new(&program.file).args(&words.tests).arg("--list").current_dir(tree::root()))?;
        let tests = tests.lines().filter_map(|line| line.strip_suffix(": test"));
        units.extend(tests.map(|test| program.unit(test, &words.tests)));
    }
    if !words.cargo.iter().any(|word| CHOOSING.contains(&word.as_str())) {
        let mut cargo = tree::cargo();
        cargo.args(["test", "--workspace", "--doc"]).args(&words.cargo);
        if !super::stream(cargo.arg("--").args(&words.tests), &mut totals)? {
            failures.push("the documentation's tests".to_string());
        }
    }
    let mut judge = Judge { totals, failures };
    // A kernel that has more has the last word on what fails on the fast one.
    let again = judge.queue(Kind::UserMode, units.iter().collect(), false)?;
    if !again.is_empty() {
        say("what failed is run again on an emulated machine, whose kernel has all that Debian's have");
        judge.queue(Kind::Emulated, again, true)?;
    }
    judge.totals.print();
    for name in &judge.failures {
        println!("failed: {name}");
    }
    if judge.failures.is_empty() { Ok(()) } else { Err(format!("test: {} failed", judge.failures.len()).into()) }
}

/// The words of `cargo test`, by whom they are for.
struct Words {
    cargo: Vec<String>,
    tests: Vec<String>,
}

impl Words {
    /// What is no option before `--` is a filter for the test programs.
    fn new(words: Vec<String>) -> Self {
        let (mut cargo, mut tests) = (Vec::new(), Vec::new());
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == "--" {
                tests.extend(words);
                break;
            }
            let valued = VALUED.iter().chain(VALUED_TOO).any(|name| *name == word);
            if !word.starts_with('-') {
                tests.push(word);
                continue;
            }
            cargo.push(word);
            if valued {
                cargo.extend(words.next());
            }
        }
        Words { cargo, tests }
    }
}

/// Builds the test programs and names them.
fn build(words: &[String]) -> Outcome<Vec<Program>> {
    let mut cargo = tree::cargo();
    cargo.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]).args(words);
    show(&cargo);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().about("cargo")?;
    if !output.status.success() {
        return Err(format!("cargo test --no-run: {}", output.status).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(program).collect())
}

/// The test program of a line of cargo's: a finished artifact with "test":true and an executable.
fn program(line: &str) -> Option<Program> {
    let text = |from: &str, key: &str| {
        let value = from.split_once(&format!("\"{key}\":\""))?.1.split('"').next()?;
        Some(value.replace("\\\\", "\\"))
    };
    let file = PathBuf::from(text(line, "executable")?);
    let (_, target) = line.split_once("\"target\":{")?;
    let (target, profile) = target.split_once("\"profile\":{")?;
    if !profile.split('}').next()?.contains("\"test\":true") {
        return None;
    }
    let name = text(target, "name")?;
    let here = HERE.iter().find(|(program, _)| *program == name).map(|(_, folder)| *folder);
    Some(Program { name, file, here })
}

impl Program {
    /// One of its tests, by itself, as cargo would run it.
    fn unit(&self, test: &str, words: &[String]) -> Unit {
        let file = self.file.display().to_string();
        let mut command = format!("cd {} && ", uml::quoted(&tree::root().display().to_string()));
        command += &format!("exec timeout \"$PATIENCE\" {} {} --exact", uml::quoted(&file), uml::quoted(test));
        for word in words.iter().filter(|word| word.starts_with("--") && *word != "--exact") {
            command += &format!(" {}", uml::quoted(word));
        }
        Unit { name: format!("{} {test}", self.name), command: command + "\n" }
    }
}

/// What has come of the tests so far.
struct Judge {
    totals: Totals,
    failures: Vec<String>,
}

impl Judge {
    /// Runs units on as many machines as there are processors. What fails is counted if this
    /// is the last time, else it is returned.
    fn queue<'a>(&mut self, kind: Kind, units: Vec<&'a Unit>, last: bool) -> Outcome<Vec<&'a Unit>> {
        if units.is_empty() {
            return Ok(units);
        }
        let dir = folder(&units)?;
        let machines = thread::available_parallelism().map_or(1, |count| count.get()).min(units.len());
        say(format!("{} tests on {machines} machines, {WORKERS} at a time each", units.len()));
        let script = dir.join("queue.sh").display().to_string();
        let words =
            ["sh".to_string(), script, dir.display().to_string(), WORKERS.to_string(), patience(kind).to_string()];
        let start = Instant::now();
        let mut open: Vec<usize> = (0..units.len()).collect();
        let mut bad = Vec::new();
        let ended: Vec<Outcome<i32>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..machines).map(|_| scope.spawn(|| uml::run(kind, &words))).collect();
            let mut all_ended = false;
            while !all_ended {
                // Once more after the end: they may have ended one moment after a look.
                all_ended = threads.iter().all(|thread| thread.is_finished());
                open.retain(|&number| match Ran::read(&dir, number) {
                    Some(ran) => {
                        ran.tell(&units[number].name, last);
                        if ran.fine() || last {
                            self.add(&units[number].name, ran)
                        } else {
                            bad.push(units[number])
                        }
                        false
                    }
                    None => true,
                });
                thread::sleep(Duration::from_millis(100));
            }
            let dead = |_| Err("a machine's thread ended early".into());
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(dead)).collect()
        });
        for failure in ended.into_iter().filter_map(Result::err) {
            say(failure.text);
        }
        for number in open {
            println!("test {} ... FAILED: the machines ended before it did", units[number].name);
            if last { self.add(&units[number].name, Ran::none()) } else { bad.push(units[number]) }
        }
        say(format!("the machines took {} s", start.elapsed().as_secs()));
        let _ = std::fs::remove_dir_all(&dir);
        Ok(bad)
    }

    fn add(&mut self, name: &str, ran: Ran) {
        if !ran.fine() {
            self.failures.push(name.to_string());
        }
        self.totals.passed += ran.totals.passed;
        self.totals.failed += ran.totals.failed;
        self.totals.ignored += ran.totals.ignored;
        self.totals.skipped.extend(ran.totals.skipped);
        self.totals.said.extend(ran.totals.said);
    }
}

/// A new folder that machines work off.
fn folder(units: &[&Unit]) -> Outcome<PathBuf> {
    let dir = uml::shared()?.join(format!("queue-{}", std::process::id()));
    if dir.exists() {
        std::fs::remove_dir_all(&dir).about(&dir)?;
    }
    std::fs::create_dir_all(&dir).about(&dir)?;
    let write = |name: String, text: &str| {
        let file = dir.join(name);
        std::fs::write(&file, text).about(&file)
    };
    write("queue.sh".to_string(), QUEUE)?;
    for (number, unit) in units.iter().enumerate() {
        write(format!("{number:05}.unit"), &unit.command)?;
    }
    Ok(dir)
}

/// What came of a unit.
struct Ran {
    code: String,
    seconds: String,
    text: String,
    totals: Totals,
}

impl Ran {
    /// Reads it, if the unit has ended.
    fn read(dir: &Path, number: usize) -> Option<Ran> {
        let code = std::fs::read_to_string(dir.join(format!("{number:05}.code"))).ok()?;
        let (code, seconds) = code.trim().split_once(' ')?;
        let text = std::fs::read(dir.join(format!("{number:05}.out"))).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut totals = Totals::default();
        text.lines().for_each(|line| totals.add(line));
        if totals.passed + totals.failed + totals.ignored == 0 {
            // Ended by a signal, or late.
            totals.failed = 1;
        }
        Some(Ran { code: code.to_string(), seconds: seconds.to_string(), text, totals })
    }

    /// That of a unit that never ended.
    fn none() -> Ran {
        let totals = Totals { failed: 1, ..Totals::default() };
        Ran { code: String::new(), seconds: String::new(), text: String::new(), totals }
    }

    fn fine(&self) -> bool {
        self.code == "0" && self.totals.failed == 0
    }

    /// In one line, and with all that it printed if it failed.
    fn tell(&self, name: &str, last: bool) {
        let verdict = match (self.fine(), self.totals.ignored, last) {
            (true, 0, _) => "ok",
            (true, _, _) => "ignored",
            (false, _, true) => "FAILED",
            (false, _, false) => "not on this kernel",
        };
        println!("test {name} ... {verdict} ({} s)", self.seconds);
        if !self.fine() {
            println!("{}\nexit code {}", self.text.trim_end(), self.code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_string).collect()
    }

    #[test]
    fn words_are_for_cargo_or_for_the_tests() {
        let found = Words::new(words("--test ping name --release -- --ignored"));
        assert_eq!(found.cargo, words("--test ping --release"));
        assert_eq!(found.tests, words("name --ignored"));
    }

    #[test]
    fn test_programs_are_told_from_other_artifacts() {
        let line = |test: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["test"],"name":"ping","test":true}},"profile":{{"opt_level":"0","test":{test}}},"features":[],"executable":{executable},"fresh":true}}"#
            )
        };
        let found = Program { name: "ping".to_string(), file: "/t/ping-1".into(), here: None };
        assert_eq!(program(&line("true", "\"/t/ping-1\"")), Some(found));
        assert_eq!(program(&line("true", "null")), None);
        assert_eq!(program(&line("false", "\"/t/ping\"")), None);
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn the_queue_is_worked_off_once_by_all() {
        let dir = std::env::temp_dir().join(format!("netstrap-queue-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("queue.sh"), QUEUE).unwrap();
        for number in 0..5 {
            std::fs::write(dir.join(format!("{number:05}.unit")), format!("echo x{number}; exit {number}\n")).unwrap();
        }
        let status = Command::new("sh").arg(dir.join("queue.sh")).arg(&dir).arg("3").status().unwrap();
        assert!(status.success());
        for number in 0..5 {
            let read = |what: &str| std::fs::read_to_string(dir.join(format!("{number:05}.{what}"))).unwrap();
            assert_eq!(read("out"), format!("x{number}\n"));
            assert!(read("code").starts_with(&format!("{number} ")));
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
