//! `faults`: one system call of the program fails, and afterwards everything is as asked or as before. In: words.
//! Out: a line for each point that breaks the promise, with how to see it again, and a line of counts.

use std::path::{Path, PathBuf};

use super::judge::{self, Tally, Trial, Verdict};
use super::place::{self, DESK, End, PATIENCE};
use super::scene::{self, Program, SCENES, Scene};
use super::state::State;
use super::trace::{self, Injection, Point};
use super::{Common, Folder, SETTLE, many};
use crate::args::Args;
use crate::process::{About, Failure, Outcome, say};

/// How often a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Once.
    Once,
    /// Twice in a row.
    Twice,
    /// From then on, so that the way back may fail too.
    Lasting,
}

impl Span {
    fn word(self) -> &'static str {
        match self {
            Span::Once => "once",
            Span::Twice => "twice",
            Span::Lasting => "lasting",
        }
    }

    fn of(word: &str) -> Span {
        [Span::Twice, Span::Lasting].into_iter().find(|span| span.word() == word).unwrap_or(Span::Once)
    }

    fn injection(self, error: &'static str) -> Injection {
        match self {
            Span::Once => Injection::Error(error),
            Span::Twice => Injection::Twice(error),
            Span::Lasting => Injection::Errors(error),
        }
    }
}

/// A point of a scene.
#[derive(Debug, Clone)]
pub struct Place {
    /// The scene.
    pub scene: &'static Scene,
    /// The call.
    pub point: Point,
}

/// `cargo xtask faults`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let span = match (args.flag("--persist"), args.flag("--twice")) {
        (true, _) => Span::Lasting,
        (_, true) => Span::Twice,
        _ => Span::Once,
    };
    let common = Common::take(&mut args)?;
    args.finish()?;
    let tally = sweep(&common, span)?;
    println!("faults, {}: {}", span.word(), tally.line());
    if tally.bad() == 0 { Ok(()) } else { Err(format!("{} points break the promise", tally.bad()).into()) }
}

/// Tries every point, or as many of them as are asked for.
pub fn sweep(common: &Common, span: Span) -> Outcome<Tally> {
    let dir = Folder::new()?;
    let mut places = Vec::new();
    let mut unknown = Vec::new();
    let mut tally = Tally::default();
    for scene in common.scenes()? {
        // One that does not work without a fault is told, and the others are tried.
        let points = match good(common, scene, &dir) {
            Ok(points) => points,
            Err(failure) => {
                println!("{}: without a fault: {}", scene.name, failure.text);
                tally.add(Verdict::Stuck);
                continue;
            }
        };
        let (known, other): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| trace::error(&point.call).is_some());
        say(format!("{}: {} points", scene.name, known.len()));
        let silent = |call: &String| trace::INNER.iter().chain(trace::NEVER).any(|name| name == call);
        unknown.extend(other.into_iter().map(|point| point.call).filter(|call| !silent(call)));
        places.extend(known.into_iter().map(|point| Place { scene, point }));
    }
    unknown.sort();
    unknown.dedup();
    if !unknown.is_empty() {
        say(format!("calls that are not made to fail: {}", unknown.join(" ")));
    }
    let mut tally = Tally::default();
    many(
        common,
        &common.sample(places),
        |place| trial(common, place, span, &dir),
        |place, text| report(&mut tally, place, &text, span, common.quiet),
    )?;
    Ok(tally)
}

/// A run without a fault: keeps the state that it comes to, and gives its points.
pub fn good(common: &Common, scene: &Scene, dir: &Folder) -> Outcome<Vec<Point>> {
    let (goal, calls) = (dir.file(scene, "goal"), dir.file(scene, "calls"));
    let mut words = common.words("faults-inside");
    words.extend(["good", scene.name, &goal.to_string_lossy(), &calls.to_string_lossy()].map(str::to_string));
    let said = place::inside(&words)?;
    said.lines().for_each(|line| say(format!("{}: {line}", scene.name)));
    Ok(trace::points(&std::fs::read_to_string(&calls).about(&calls)?))
}

fn trial(common: &Common, place: &Place, span: Span, dir: &Folder) -> Outcome<String> {
    let mut words = common.words("faults-inside");
    let Place { scene, point } = place;
    let goal = dir.file(scene, "goal");
    words.extend(["trial", scene.name, &goal.to_string_lossy(), &point.call].map(str::to_string));
    words.extend([point.nth.to_string(), span.word().to_string()]);
    place::inside(&words)
}

/// Counts a trial by the first word that it printed; tells of it if it is bad.
fn report(tally: &mut Tally, place: &Place, text: &str, span: Span, quiet: bool) {
    let first = text.lines().next().unwrap_or_default();
    let word = first.split(' ').next().unwrap_or_default();
    if word == "not-reached" {
        tally.missed += 1;
        return;
    }
    let verdict = Verdict::of(word).unwrap_or(Verdict::Crash);
    tally.add(verdict);
    if !verdict.is_good() && !quiet {
        let Place { scene, point } = place;
        let error = trace::error(&point.call).unwrap_or("?");
        println!("{}: {}: {first}", scene.name, trace::inject(point, span.injection(error)));
        text.lines().skip(1).for_each(|line| println!("    {line}"));
    }
}

/// The part in the sandbox: `good SCENE GOAL CALLS` or `trial SCENE GOAL CALL NTH once|twice|lasting`.
pub fn inside(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let program = Program { file: PathBuf::from(args.value("--binary")?.ok_or("--binary is missing")?) };
    let words = args.rest()?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["good", scene, goal, calls] => good_inside(&program, scene::named(scene)?, Path::new(goal), Path::new(calls)),
        ["trial", scene, goal, call, nth, span] => {
            let nth = nth.parse().map_err(|_| Failure::usage("faults-inside: a number is wanted"))?;
            let point = Point { call: call.to_string(), nth };
            trial_inside(&program, scene::named(scene)?, Path::new(goal), &point, Span::of(span))
        }
        _ => Err(Failure::usage("usage: faults-inside good|trial SCENE ...")),
    }
}

fn good_inside(program: &Program, scene: &Scene, goal: &Path, calls: &Path) -> Outcome {
    let set = scene.set(program)?;
    let words = program.words(scene.tried);
    let ran = place::run(&mut trace::traced(&words, "all", calls))?;
    if !ran.is_fine() {
        return Err(place::failure(&words.join(" "), &ran));
    }
    // What goes away by and by is gone after that; nothing is known to wait for.
    std::thread::sleep(SETTLE);
    let after = State::look()?;
    after.save(goal)?;
    if matches!(scene.tried, scene::Act::Down(_)) {
        let after = State::settled(&[&set.bare], SETTLE)?;
        let left = after.against(&set.bare);
        if !left.is_empty() {
            return Err(format!("{} leaves: {}", words.join(" "), left.join("; ")).into());
        }
        after.save(goal)?;
    }
    println!("{}; {} lines of state, {} of them new", ran.last(), after.lines.len(), after.against(&set.before).len());
    Ok(())
}

fn trial_inside(program: &Program, scene: &Scene, goal: &Path, point: &Point, span: Span) -> Outcome {
    let set = scene.set(program)?;
    let goal = State::load(goal)?;
    let error = trace::error(&point.call).ok_or("no error is known for that call")?;
    let file = PathBuf::from(format!("{DESK}/calls"));
    let ran = place::run(&mut trace::injected(&program.words(scene.tried), point, span.injection(error), &file))?;
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let faults = trace::failed(&text);
    if faults == 0 {
        println!("not-reached");
        return Ok(());
    }
    let wanted: &[&State] = if ran.is_fine() { &[&goal] } else { &[&set.before, &goal] };
    let after = State::settled(wanted, SETTLE)?;
    let mute = trace::output_failed(&text);
    let lasting = span == Span::Lasting;
    let mut verdict =
        judge::judge(&Trial { ran: &ran, before: &set.before, after: &after, goal: &goal, mute, lasting });
    let mut more = Vec::new();
    if verdict != Verdict::Hang {
        let again = program.run(scene.tried)?;
        let then = State::settled(&[&goal], SETTLE)?;
        if !again.is_fine() || then.lines != goal.lines {
            more.push(format!("once more: {}: {}", place::told(again.end), again.last()));
            more.extend(judge::brief(&then.against(&goal)));
            if verdict.is_good() {
                verdict = Verdict::Stuck;
            }
        }
    }
    let seconds = PATIENCE.as_secs();
    let end = if ran.end == End::Hang { format!("hangs {seconds} s") } else { place::told(ran.end) };
    println!("{} ({end}, {faults} faults): {}", verdict.word(), ran.last());
    let left = after.against(if ran.is_fine() { &goal } else { &set.before });
    let left: Vec<String> = if verdict == Verdict::Untold {
        judge::untold(&left, &ran.err).into_iter().map(str::to_string).collect()
    } else {
        left
    };
    judge::brief(&left).iter().chain(&more).for_each(|line| println!("{line}"));
    Ok(())
}

/// The scenes that a word stands for.
pub fn scenes(only: Option<&str>) -> Outcome<Vec<&'static Scene>> {
    match only {
        None => Ok(SCENES.iter().collect()),
        Some(names) => names.split(',').map(scene::named).collect(),
    }
}
