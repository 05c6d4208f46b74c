//! `argv`: command lines recorded while real scripts ran, and mutants of them, each in a world in
//! which it can succeed. In: tests/data/ip-argv.tsv.gz. Out: how many have the same exit code and
//! the same kind of complaint as iproute2's, what differs, and failure below the bars.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::answer::Answer;
use super::line::Line;
use super::score::{Case, Score};
use super::stage::Stage;
use super::world::World;
use super::{Sides, mutate};
use crate::args::Args;
use crate::deviations::{self, Deviations};
use crate::process::{About, Failure, Outcome, read, say};
use crate::tree;

const DATA: &str = "tests/data/ip-argv.tsv.gz";
const SEED: u64 = 20_240_607;
/// Between the words of the line that the world is made for, and those that are run.
const THEN: char = '\u{1e}';
/// Of a hundred lines so many answer alike; of mutants, the refused and the accepted each.
const BAR: f64 = 98.0;
const MUTANT_BAR: f64 = 97.0;

/// A recorded line: how often, and its words after `ip`.
struct Recorded {
    count: u64,
    words: Vec<String>,
}

/// `cargo xtask argv`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let sample = usize::try_from(args.number("--sample", 0)?).unwrap_or_default();
    let wanted = usize::try_from(args.number("--mutants", 6000)?).unwrap_or_default();
    let examples = usize::try_from(args.number("--examples", 3)?).unwrap_or_default();
    let sides = Sides::new("argv", &mut args)?;
    args.finish()?;
    let all = recorded()?;
    let deviations = Deviations::parse(deviations::TEXT)?;
    let mut lines: Vec<&Recorded> = all.iter().collect();
    let mut wanted = wanted;
    if sample > 0 && sample < lines.len() {
        wanted = wanted * sample / lines.len();
        lines = (0..sample).map(|number| &all[number * all.len() / sample]).collect();
    }
    for recorded in &all {
        if let Some(program) = Line::of(&recorded.words).program {
            sides.harmless(&recorded.words[program])?;
        }
    }
    let built: Vec<Vec<String>> = lines.iter().map(|line| line.words.clone()).collect();
    // What we refuse as a whole would make most mutants prove nothing.
    let tried: Vec<Vec<String>> = built
        .iter()
        .filter(|words| {
            !deviations.refusal(&format!("ip: object \"{}\" is not supported by netstrap", Line::of(words).object))
        })
        .cloned()
        .collect();
    let mutants = mutate::mutants(&tried, wanted, SEED);
    let jobs: Vec<(&[String], &[String])> = (built.iter().map(|words| (words.as_slice(), words.as_slice())))
        .chain(mutants.iter().map(|(from, words)| (tried[*from].as_slice(), words.as_slice())))
        .collect();
    let text: Vec<String> =
        jobs.iter().map(|(base, words)| format!("{}{THEN}{}", base.join("\t"), words.join("\t"))).collect();
    std::fs::write(sides.folder.join("jobs"), text.join("\n")).about("jobs")?;
    say(format!("{} recorded lines and {} mutants of them, by each of the two", built.len(), mutants.len()));
    let start = Instant::now();
    let (ours, theirs) = both(&sides, jobs.len())?;
    say(format!("{} commands in {} s", 2 * jobs.len(), start.elapsed().as_secs()));
    let counts = lines.iter().map(|line| line.count).chain(mutants.iter().map(|_| 1));
    let cases: Vec<Case> = (jobs.iter().zip(counts).zip(ours.iter().zip(&theirs)))
        .map(|(((_, words), count), (ours, theirs))| Case { words, count, ours, theirs })
        .collect();
    let (recorded, mutants) = cases.split_at(built.len());
    let (refused, accepted): (Vec<Case>, Vec<Case>) = mutants.iter().copied().partition(|case| case.theirs.code != 0);
    let parts = [
        ("recorded lines", Score::of(recorded, &deviations), BAR),
        ("mutants that iproute2 refuses", Score::of(&refused, &deviations), MUTANT_BAR),
        ("mutants that iproute2 accepts", Score::of(&accepted, &deviations), MUTANT_BAR),
    ];
    for (name, score, _) in &parts {
        score.print(name, examples);
    }
    println!();
    for (name, score, bar) in &parts {
        println!("{}", score.summary(name, *bar));
    }
    let low: Vec<&str> =
        parts.iter().filter(|(_, score, bar)| score.percent() < *bar).map(|(name, ..)| *name).collect();
    if low.is_empty() { Ok(()) } else { Err(format!("too few alike: {}", low.join(", ")).into()) }
}

/// The recorded lines.
fn recorded() -> Outcome<Vec<Recorded>> {
    let text = read(Command::new("gzip").arg("-dc").arg(tree::root().join(DATA)))?;
    let parse = |line: &str| {
        let mut fields = line.split('\t');
        let count = fields.next()?.parse().ok()?;
        (fields.next()? == "ip").then(|| Recorded { count, words: fields.map(str::to_string).collect() })
    };
    let lines: Option<Vec<Recorded>> = text.lines().map(parse).collect();
    lines.ok_or_else(|| format!("{DATA}: a line is not COUNT ip WORDS").into())
}

/// The answers of both sides to the jobs, ours first.
fn both(sides: &Sides, count: usize) -> Outcome<(Vec<Answer>, Vec<Answer>)> {
    let side = |name: &str| -> Outcome<Vec<Answer>> {
        let answers = sides.answers(&["argv-inside", &sides.folder.to_string_lossy(), name])?;
        if answers.len() == count { Ok(answers) } else { Err(format!("{name}: {} answers", answers.len()).into()) }
    };
    thread::scope(|scope| {
        let ours = scope.spawn(|| side("ours"));
        let theirs = side("theirs")?;
        let ours = ours.join().map_err(|_| Failure::from("the thread of our side ended early"))??;
        Ok((ours, theirs))
    })
}

/// The part inside the sandbox, `argv-inside FOLDER SIDE`: an answer for each job.
pub fn inside(words: Vec<String>) -> Outcome {
    let [folder, side] = words.as_slice() else { return Err(Failure::usage("usage: argv-inside FOLDER SIDE")) };
    let folder = PathBuf::from(folder);
    let mut stage = Stage::new(folder.join(side), folder.join("in"))?;
    let jobs = folder.join("jobs");
    let text = std::fs::read_to_string(&jobs).about(&jobs)?;
    let split = |text: &str| text.split('\t').filter(|_| !text.is_empty()).map(str::to_string).collect::<Vec<_>>();
    // Lines that need the same world run one after the other: most need not make it anew.
    let mut groups: HashMap<String, usize> = HashMap::new();
    let mut order = Vec::new();
    for (number, job) in text.lines().enumerate() {
        let (base, words) = job.split_once(THEN).ok_or("a job without words")?;
        let world = World::of(&split(base));
        let group = *groups.entry(format!("{world:?}")).or_insert(number);
        order.push((group, number, split(words), world));
    }
    order.sort_by_key(|(group, number, ..)| (*group, *number));
    let mut answers = vec![Answer::default(); order.len()];
    for (_, number, words, world) in order {
        let answer = stage.play(&words, world)?;
        answers[number] = Answer { out: String::new(), ..answer };
    }
    answers.iter().for_each(super::print);
    Ok(())
}
