//! `diff ip`: many generated topologies, each shown by iproute2 and by netstrap on the same
//! state. Out: coverage by kind, option and JSON key, and every cause of a difference once;
//! what the list of wanted deviations does not explain fails, as does an option never used.

mod build;
pub mod chance;
pub mod json;
mod look;
mod report;
mod table;
mod tally;
mod text;
mod topology;
pub mod worker;

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::args::Args;
use crate::deviations::{self, Deviations};
use crate::namespaces;
use crate::packages;
use crate::process::{About, Failure, Outcome, own_binary, say};
use crate::tree;
use crate::uml::{self, Kind};
use tally::Tally;

/// Topologies by the kernel they are on, the rich one among them: this machine's own, user-mode
/// Linux, and one with an emulated processor.
const TOPOLOGIES: [(&str, u64); 3] = [("host", 501), ("uml", 100), ("vm", 12)];

/// Share of a topology's sections where the processor is emulated: more and smaller topologies for the time.
const EMULATED_SHARE: u64 = 15;

/// Before a worker: it sees no process but its own, since `ip -d tuntap` lists them, and complains of those that it may
/// not look at. A shell comes between, for as process 1 this program would be the first one of a virtual machine.
const ALONE: [&str; 9] =
    ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", "\"$@\"; exit $?", "sh"];

/// What a run is told to do.
struct Job {
    seed: u64,
    topologies: u64,
    /// After which no topology is begun.
    seconds: u64,
    binary: std::path::PathBuf,
    /// Share of the table's sections that a topology has, in per cent.
    share: u64,
    /// On the machine that has all kinds, even if this one's kernel would do.
    emulated: bool,
}

/// `cargo xtask diff ip`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let vm = args.flag("--vm");
    let seed = args.number("--seed", 1)?;
    let kernel = match (vm, namespaces::usable()) {
        (true, _) => "vm",
        (false, true) => "host",
        (false, false) => "uml",
    };
    let usual = TOPOLOGIES.iter().find(|(name, _)| *name == kernel).map_or(1, |(_, count)| *count);
    let topologies = args.number("--topologies", usual)?;
    let seconds = args.number("--seconds", u64::MAX)?;
    let share = args.number("--share", if vm { EMULATED_SHARE } else { 100 })?;
    let show = args.value("--show")?;
    let refusals = args.flag("--refusals");
    let binary = tree::binary(&mut args)?;
    match args.rest()?.as_slice() {
        [what] if what == "ip" => {}
        _ => return Err(Failure::usage("diff knows one thing to compare: ip")),
    }
    packages::ensure(&[("ip", "iproute2"), ("bridge", "iproute2")])?;
    let table = table::parse(table::TEXT)?;
    let job = Job { seed, topologies, seconds, binary, share, emulated: vm };
    if let Some(number) = show {
        let number = number.parse().map_err(|_| Failure::usage(format!("--show: \"{number}\" is no number")))?;
        return self::show(&job, number);
    }
    let start = Instant::now();
    let tally = all(&job)?;
    let deviations = Deviations::parse(deviations::TEXT)?;
    let whole = tally.topologies >= usual;
    if !whole {
        say("diff ip: fewer topologies than usual, so options that none used do not fail it");
    }
    let (text, verdict) = report::report(&table, &tally, &deviations, kernel, whole);
    print!("{text}");
    if refusals {
        print!("{}", report::refusals(&table, &tally));
    }
    say(format!("diff ip ({kernel}): {:.0} s", start.elapsed().as_secs_f64()));
    verdict
}

/// A worker in a sandbox of its own, on a machine where there must be one.
fn worker(job: &Job, from: u64, step: u64, count: u64) -> Outcome<Command> {
    let kind = if job.emulated { Kind::Emulated } else { Kind::UserMode };
    let mut command = uml::program(kind, &job.binary, job.emulated)?;
    command.args(["sandbox", "--"]).args(ALONE).arg(own_binary()?).arg("diff-inside").arg("--binary").arg(&job.binary);
    let numbers = [
        ("--seed", job.seed),
        ("--from", from),
        ("--step", step),
        ("--topologies", count),
        ("--seconds", job.seconds),
        ("--share", job.share),
    ];
    for (name, number) in numbers {
        command.arg(name).arg(number.to_string());
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// All topologies, shared by as many workers as there are processors.
fn all(job: &Job) -> Outcome<Tally> {
    let workers = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let mut running = Vec::new();
    for from in 0..workers {
        let mut command = worker(job, from, workers, job.topologies)?;
        running.push(command.stdout(Stdio::piped()).spawn().about(&job.binary)?);
    }
    let threads: Vec<_> = running.into_iter().map(|child| thread::spawn(|| child.wait_with_output())).collect();
    let mut tally = Tally::default();
    let mut whole = true;
    for thread in threads {
        let output = thread.join().map_err(|_| "a worker's thread broke")?.about(Path::new("diff-inside"))?;
        tally.whole = false;
        for line in tally.read(&String::from_utf8_lossy(&output.stdout)) {
            println!("{line}");
        }
        whole &= output.status.success() && tally.whole;
    }
    tally.whole = whole;
    Ok(tally)
}

/// One topology: its lines, and all that differs.
fn show(job: &Job, number: u64) -> Outcome {
    let mut command = worker(job, number, 1, number + 1)?;
    let output = command.arg("--show").stderr(Stdio::inherit()).output().about(&job.binary)?;
    let mut tally = Tally::default();
    for line in tally.read(&String::from_utf8_lossy(&output.stdout)) {
        println!("{}", line.trim_start_matches("# "));
    }
    say(format!("{} causes of differences", tally.causes.len()));
    if output.status.success() { Ok(()) } else { Err(format!("diff ip: {}", output.status).into()) }
}
