//! `mutate`: the tests that guard a property are tried on builds that lack it. Each mutant is
//! a change that is wrong on purpose, made in a copy of the tree; tests that are named beside it
//! must fail then, and pass without it. In: names of mutants, or none for all. Out: a line for
//! each, and failure if one survives or does not apply any more.

mod copy;
mod table;

use std::path::Path;
use std::process::Command;

use crate::args::Args;
use crate::packages;
use crate::process::{About, Failure, Outcome, output, own_binary, say};
use crate::sweep::PARTS;
use crate::test::TOOLS;
use crate::tree;
use table::{MUTANTS, Mutant};

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    /// It is not there, or was not run.
    Missing,
}

/// `cargo xtask mutate`.
pub fn run(words: Vec<String>) -> Outcome {
    let names = Args::new(words).rest()?;
    if let Some(name) = names.iter().find(|name| !MUTANTS.iter().any(|mutant| mutant.name == *name)) {
        let known: Vec<&str> = MUTANTS.iter().map(|mutant| mutant.name).collect();
        return Err(Failure::usage(format!("no mutant is named {name}; there are: {}", known.join(" "))));
    }
    packages::ensure(TOOLS)?;
    let wanted = MUTANTS.iter().filter(|mutant| names.is_empty() || names.iter().any(|name| name == mutant.name));
    let mutants: Vec<&Mutant> = wanted.collect();
    let copy = copy::make(&tree::root(), &tree::cache("mutate")?.join("tree"))?;
    // All without a change first: then each change costs one build.
    let mut sound: Vec<Outcome> = Vec::new();
    for (at, mutant) in mutants.iter().enumerate() {
        // Several name the same tests, and those need not be run for each.
        let same = |other: &&Mutant| (other.target, other.tests) == (mutant.target, mutant.tests);
        let known = mutants[..at].iter().position(same).and_then(|at| sound.get(at));
        sound.push(match known {
            Some(Ok(())) => Ok(()),
            _ => without(&copy, mutant),
        });
    }
    let mut bad = Vec::new();
    for (mutant, sound) in mutants.iter().zip(sound) {
        match sound.and_then(|()| with(&copy, mutant)) {
            Ok(()) => println!("caught    {}: {}", mutant.name, mutant.what),
            Err(failure) => {
                println!("NOT GOOD  {}: {}: {}", mutant.name, mutant.what, failure.text);
                bad.push(mutant.name);
            }
        }
    }
    println!("mutants: {}, {} caught, {} not", mutants.len(), mutants.len() - bad.len(), bad.len());
    if bad.is_empty() { Ok(()) } else { Err(format!("not caught: {}", bad.join(" ")).into()) }
}

/// Without its change, all tests of a mutant pass.
fn without(copy: &Path, mutant: &Mutant) -> Outcome {
    ends(copy, mutant, End::Passed).map_err(|failure| format!("without the change, {}", failure.text).into())
}

/// With its change, all of them fail.
fn with(copy: &Path, mutant: &Mutant) -> Outcome {
    let file = copy.join(mutant.file);
    let text = std::fs::read_to_string(&file).about(&file)?;
    std::fs::write(&file, apply(&text, mutant)?).about(&file)?;
    let caught = ends(copy, mutant, End::Failed);
    std::fs::write(&file, text).about(&file)?;
    caught.map_err(|failure| format!("with the change, {}", failure.text).into())
}

/// Whether all tests of a mutant end as is wanted; an error names those that do not.
fn ends(copy: &Path, mutant: &Mutant, wanted: End) -> Outcome {
    let found = tests(copy, mutant)?;
    let other: Vec<String> =
        found.iter().filter(|(_, end)| *end != wanted).map(|(name, end)| format!("{name}: {end:?}")).collect();
    if other.is_empty() { Ok(()) } else { Err(other.join(", ").into()) }
}

/// The text with the mutant's change, which must have exactly one place in it.
fn apply(text: &str, mutant: &Mutant) -> Outcome<String> {
    match text.matches(mutant.find).count() {
        1 => Ok(text.replacen(mutant.find, mutant.replace, 1)),
        count => Err(format!("does not apply: {} holds {count} times: {}", mutant.file, mutant.find).into()),
    }
}

/// Builds in the copy, and runs a mutant's sweeps by this program itself, with what was built.
fn sweeps(copy: &Path, mutant: &Mutant) -> Outcome<Vec<(&'static str, End)>> {
    say(format!("{}: sweeps {}", mutant.name, mutant.tests.join(" ")));
    let target = copy.with_file_name("target");
    let mut cargo = tree::cargo();
    cargo.args(["build", "--package", "netstrap"]).current_dir(copy);
    cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_PROFILE_DEV_DEBUG", "0");
    built(&mut cargo)?;
    let mut ends = Vec::new();
    for name in mutant.tests {
        if !PARTS.iter().any(|(part, _)| part == name) {
            ends.push((*name, End::Missing));
            continue;
        }
        let mut sweep = Command::new(own_binary()?);
        let ran = output(sweep.args(["sweeps", name, "--binary"]).arg(target.join("debug/netstrap")))?;
        let found = format!("sweeps that found something: {name}");
        let end = if ran.status.success() {
            End::Passed
        } else if String::from_utf8_lossy(&ran.stderr).contains(&found) {
            End::Failed
        } else {
            End::Missing
        };
        ends.push((*name, end));
    }
    Ok(ends)
}

/// Builds; a build that fails is a failure, and catches nothing.
fn built(cargo: &mut Command) -> Outcome {
    let built = output(cargo)?;
    if built.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&built.stderr).into_owned();
    Err(format!("it does not build: {}", words.lines().rev().take(20).collect::<Vec<_>>().join(" | ")).into())
}

/// Builds in the copy, and runs a mutant's tests.
fn tests(copy: &Path, mutant: &Mutant) -> Outcome<Vec<(&'static str, End)>> {
    if mutant.target == table::SWEEPS {
        return sweeps(copy, mutant);
    }
    let cargo = |last: &[&str]| {
        let mut cargo = tree::cargo();
        cargo.args(["test", "--package", "netstrap"]).args(mutant.target).args(last).current_dir(copy);
        cargo.env("CARGO_TARGET_DIR", copy.with_file_name("target")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        with_admin_path(cargo)
    };
    say(format!("{}: {} {}", mutant.name, mutant.target.join(" "), mutant.tests.join(" ")));
    built(&mut cargo(&["--no-run"]))?;
    let ran = output(cargo(&["--", "--exact"]).args(mutant.tests))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    Ok(mutant.tests.iter().map(|name| (*name, end(&text, name))).collect())
}

/// Tests look for the administrators' programs too.
fn with_admin_path(mut cargo: Command) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    cargo.env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"));
    cargo
}

/// How a test ended, as the test program says it.
fn end(text: &str, name: &str) -> End {
    let line = format!("test {name} ... ");
    match text.lines().find_map(|text| text.strip_prefix(&line)) {
        Some("ok") => End::Passed,
        Some("FAILED") => End::Failed,
        _ => End::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_applies_to_this_tree_and_names_tests_of_it() {
        for (index, mutant) in MUTANTS.iter().enumerate() {
            let text = std::fs::read_to_string(tree::root().join(mutant.file)).unwrap();
            assert_ne!(apply(&text, mutant).unwrap_or_else(|e| panic!("{}: {}", mutant.name, e.text)), text);
            assert!(MUTANTS[..index].iter().all(|other| other.name != mutant.name), "{}", mutant.name);
            assert!(!mutant.tests.is_empty(), "{}", mutant.name);
            let is_sweep = |name: &&str| PARTS.iter().any(|(part, _)| part == name);
            assert!(mutant.target != table::SWEEPS || mutant.tests.iter().all(is_sweep), "{}", mutant.name);
        }
    }

    #[test]
    fn ends_are_read() {
        let text = "running 2 tests\ntest a::b ... ok\ntest a ... FAILED\ntest result: FAILED. 1 passed\n";
        assert_eq!([end(text, "a::b"), end(text, "a"), end(text, "b")], [End::Passed, End::Failed, End::Missing]);
    }
}
