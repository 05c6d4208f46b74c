//! `kill`: the program dies at a system call or at a moment, and the next command finds its way: the same one
//! comes to what was asked for, `recover` to what was before, `down` leaves nothing. In: words. Out: a line for
//! each trial that does not, and a line of counts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::judge::brief;
use super::place::{self, DESK, End, Ran};
use super::scene::{self, Act, Program, Scene};
use super::state::State;
use super::trace::{self, INNER, Injection, Point};
use super::{Common, Folder, SETTLE, faults, many};
use crate::args::Args;
use crate::diff::chance::Chance;
use crate::process::{Failure, Outcome, say};
use crate::sys;

/// What is done after the kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The same command.
    Again,
    /// `recover`.
    Recover,
    /// `down`, or `apply` after a `down`.
    Other,
}

impl Then {
    fn word(self) -> &'static str {
        match self {
            Then::Again => "again",
            Then::Recover => "recover",
            Then::Other => "other",
        }
    }
}

/// Where the program is killed.
#[derive(Debug, Clone)]
enum Moment {
    /// As it enters a call.
    Call(Point),
    /// So many microseconds after it began.
    Time(u64),
}

#[derive(Debug, Clone)]
struct Trial {
    scene: &'static Scene,
    moment: Moment,
    then: Then,
}

impl Trial {
    fn words(&self) -> Vec<String> {
        let (moment, nth) = match &self.moment {
            Moment::Call(point) => (point.call.clone(), point.nth.to_string()),
            Moment::Time(micros) => ("time".to_string(), micros.to_string()),
        };
        vec![self.scene.name.to_string(), moment, nth, self.then.word().to_string()]
    }
}

/// `cargo xtask kill`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let random = args.number("--random", 1000)?;
    let seed = args.number("--seed", 1)?;
    let common = Common::take(&mut args)?;
    args.finish()?;
    let [trials, missed, bad] = sweep(&common, random, seed)?;
    println!("kill: trials={trials} converged={} failed={bad} ended-before={missed}", trials - bad);
    if bad == 0 { Ok(()) } else { Err(format!("{bad} kills are not recovered from").into()) }
}

/// Kills everywhere: counts of trials in which it was killed, in which it had ended before, and of those that failed.
pub fn sweep(common: &Common, random: u64, seed: u64) -> Outcome<[usize; 3]> {
    let dir = Folder::new()?;
    let mut trials = Vec::new();
    for scene in common.scenes()? {
        let points = faults::good(common, scene, &dir)?;
        let points: Vec<Point> = points.into_iter().filter(|point| !INNER.contains(&point.call.as_str())).collect();
        say(format!("{}: {} points", scene.name, points.len()));
        for (at, point) in points.into_iter().enumerate() {
            let trial = |then| Trial { scene, moment: Moment::Call(point.clone()), then };
            trials.push(trial(Then::Again));
            trials.push(trial(if at.is_multiple_of(2) { Then::Recover } else { Then::Other }));
        }
    }
    let mut trials = common.sample(trials);
    let scenes = common.scenes()?;
    let mut times = Vec::new();
    for scene in scenes.iter().filter(|_| random > 0) {
        let mut words = common.words("kill-inside");
        words.extend([scene.name, "measure"].map(str::to_string));
        times.push(place::inside(&words)?.trim().parse::<u64>().map_err(|err| format!("{}: {err}", scene.name))?);
    }
    let mut chance = Chance::new(seed, 0);
    for at in 0..usize::try_from(random).unwrap_or(0) {
        let then = [Then::Again, Then::Again, Then::Recover, Then::Other][at / scenes.len() % 4];
        let moment = Moment::Time(chance.within(0, times[at % scenes.len()]));
        trials.push(Trial { scene: scenes[at % scenes.len()], moment, then });
    }
    let (mut killed, mut missed, mut bad) = (0, 0, 0);
    let one = |trial: &Trial| {
        let mut words = common.words("kill-inside");
        words.extend(trial.words());
        words.push(dir.file(trial.scene, "goal").to_string_lossy().into_owned());
        place::inside(&words)
    };
    many(common, &trials, one, |trial, text| match text.lines().next().unwrap_or_default() {
        "not-reached" => missed += 1,
        "fine" => killed += 1,
        _ => {
            killed += 1;
            bad += 1;
            if common.quiet {
                return;
            }
            println!("{}: {}", trial.words().join(" "), text.trim_end().replace('\n', "\n    "));
        }
    })?;
    Ok([killed, missed, bad])
}

/// The part in the sandbox: `SCENE CALL|time NTH|MICROSECONDS again|recover|other GOAL`, or `SCENE measure`.
pub fn inside(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let program = Program { file: PathBuf::from(args.value("--binary")?.ok_or("--binary is missing")?) };
    let words = args.rest()?;
    let usage = || Failure::usage("usage: kill-inside SCENE measure|CALL|time ...");
    if let [scene, measure] = words.as_slice() {
        let scene = scene::named(scene).ok().filter(|_| measure == "measure").ok_or_else(usage)?;
        scene.set(&program)?;
        let start = Instant::now();
        program.must(scene.tried)?;
        println!("{}", start.elapsed().as_micros());
        return Ok(());
    }
    let [scene, call, number, then, goal] = words.as_slice() else { return Err(usage()) };
    let number: u64 = number.parse().map_err(|_| usage())?;
    let scene = scene::named(scene)?;
    let set = scene.set(&program)?;
    let words = program.words(scene.tried);
    let killed = if call == "time" {
        at_time(&words, number)?
    } else {
        let point = Point { call: call.clone(), nth: usize::try_from(number).unwrap_or(0) };
        let file = PathBuf::from(format!("{DESK}/calls"));
        let ran = place::run(&mut trace::injected(&words, &point, Injection::Signal("SIGKILL"), &file))?;
        matches!(ran.end, End::Signal(libc::SIGKILL) | End::Code(137))
    };
    if !killed {
        println!("not-reached");
        return Ok(());
    }
    let goal = State::load(Path::new(goal))?;
    let journal = Path::new("/run/netstrap").join(format!("{}.journal", scene.lab)).exists();
    let kept = if journal { "" } else { ", without a journal" };
    let (act, wanted): (Act, Vec<&State>) = match (then.as_str(), scene.tried) {
        ("again", act) => (act, vec![&goal]),
        // It may have been over already, or not have begun.
        // What is left then is the record, which the next run takes away.
        ("recover", Act::Down(lab)) if !journal => (Act::Down(lab), vec![&goal]),
        ("recover", _) if !journal => (Act::Recover(scene.lab), vec![&set.before, &goal]),
        ("recover", _) => (Act::Recover(scene.lab), vec![&set.before]),
        // What was adopted goes with the lab: it is given back instead.
        ("other", Act::Adopt(_)) if journal => (Act::Recover(scene.lab), vec![&set.before]),
        ("other", act @ Act::Adopt(_)) => (act, vec![&goal]),
        ("other", Act::Down(lab)) => (Act::Apply(lab), vec![&set.before]),
        ("other", _) => (Act::Down(scene.lab), vec![&set.bare]),
        _ => return Err(usage()),
    };
    let ran = program.run(act)?;
    let after = State::settled(&wanted, SETTLE)?;
    if !ran.is_fine() || wanted.iter().all(|wanted| wanted.lines != after.lines) {
        println!("then {act:?}{kept}: {}: {}", place::told(ran.end), ran.last());
        brief(&after.against(wanted[0])).into_iter().for_each(|line| println!("{line}"));
        return Ok(());
    }
    if let (Act::Apply(file), "again") = (act, then.as_str()) {
        let plan = program.run(Act::Plan(file))?;
        if !plan.is_fine() {
            println!("then {act:?}{kept}, and plan finds more to do: {}: {}", place::told(plan.end), plan.out.trim());
            return Ok(());
        }
    }
    println!("fine");
    Ok(())
}

/// Kills a run after a time; whether it was still running.
fn at_time(words: &[String], micros: u64) -> Outcome<bool> {
    let running = place::start(Command::new(&words[0]).args(&words[1..]), "killed")?;
    std::thread::sleep(Duration::from_micros(micros));
    // One that has ended has no group any more.
    let _ = sys::kill_group(running.id());
    let Ran { end, .. } = running.end()?;
    Ok(end == End::Signal(libc::SIGKILL))
}
