//! `sweeps`: each sweep in a form that takes seconds, so that every change can be held against all of them. In:
//! names of parts, or none for all. Out: their lines, and failure if one of them finds anything.

use super::faults::Span;
use super::judge::Tally;
use super::{Common, careless, drift, faults, kill, race, soak};
use crate::args::Args;
use crate::process::{Failure, Outcome, say};

/// A part: finds breaches, and tells how many.
type Part = fn(&Common) -> Outcome<usize>;

/// The parts, by name.
pub const PARTS: &[(&str, Part)] = &[
    ("control", control),
    ("faults", |common| points("faults", faults::sweep(&common.with("up,change,down,wide,adopt", 60), Span::Once)?)),
    ("twice", |common| points("faults, twice", faults::sweep(&common.with("up,change,down", 40), Span::Twice)?)),
    ("persist", |common| points("faults that stay", faults::sweep(&common.with("up,change,down", 24), Span::Lasting)?)),
    ("kill", |common| kills(&common.with("up,change,down,adopt", 32), 12)),
    ("crowd", |common| race::crowd(common, 3)),
    ("strangers", |common| race::strangers(&common.with("up,change,down", 16))),
    ("signals", |common| race::wishes(&common.with("up,change", 8))),
    ("again", |common| drift::again(&common.with("up,change,wide", usize::MAX))),
    ("drift", |common| drift::damages(&common.with("reup,wide", 14))),
    ("soak", |common| soak::soak(common, 2, 50).map_or_else(told, |()| Ok(0))),
];

/// `cargo xtask sweeps`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let common = Common::take(&mut args)?;
    let names = args.rest()?;
    if let Some(name) = names.iter().find(|name| !PARTS.iter().any(|(part, _)| part == name)) {
        let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(Failure::usage(format!("no sweep is named {name}; there are: {}", known.join(" "))));
    }
    let mut bad = Vec::new();
    for (name, part) in PARTS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|one| one == name)) {
        say(format!("sweeps: {name}"));
        if part(&common).or_else(told)? > 0 {
            bad.push(*name);
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(format!("sweeps that found something: {}", bad.join(" ")).into()) }
}

/// A trial that could not be made counts as a breach.
fn told(failure: Failure) -> Outcome<usize> {
    println!("{}", failure.text);
    Ok(1)
}

fn points(name: &str, tally: Tally) -> Outcome<usize> {
    println!("{name}: {}", tally.line());
    Ok(tally.bad())
}

fn kills(common: &Common, random: u64) -> Outcome<usize> {
    let [trials, missed, bad] = kill::sweep(common, random, 1)?;
    println!("kill: trials={trials} failed={bad} ended-before={missed}");
    Ok(bad)
}

/// The harness itself: of a script that undoes nothing it must find what is left, killed and not.
fn control(common: &Common) -> Outcome<usize> {
    let careless = Common { binary: careless()?, quiet: true, ..common.with("up", 12) };
    let tally = faults::sweep(&careless, Span::Once)?;
    let [_, _, not_recovered] = kill::sweep(&careless.with("up", 8), 0, 1)?;
    println!("control: of a careless script {} residues and {not_recovered} kills are found", tally.bad());
    Ok(usize::from(tally.bad() == 0 || not_recovered == 0))
}
