//! The part of `golden` and `forms` that runs in a mount namespace: captures, verdicts, totals. In: a mode and
//! the binary. Out: what differs, in lines; golden files when they are to be written.

use std::collections::{BTreeMap, BTreeSet};

use super::capture;
use super::compare;
use super::judge::{Verdict, judge};
use super::kernel::World;
use super::names::Names;
use super::place;
use super::record::{self, Record, Records};
use super::table::{self, Form};
use crate::process::{About, Failure, Outcome, find};
use crate::tree;

/// What must be covered at least: parts of a thousand of the counted invocations, and of the forms.
const LEAST: [u32; 2] = [970, 880];
const FORMS: &str = "tests/data/ip-forms.tsv";
const DIFFERENCES: &str = "tests/golden/differences.tsv";

struct Inside {
    names: Names,
    world: World,
    forms: Vec<Form>,
}

/// `golden-inside MODE BINARY`.
pub fn inside(words: Vec<String>) -> Outcome {
    let [mode, binary] = &words[..] else { return Err(Failure::usage("golden-inside MODE BINARY")) };
    let read = |file: &str| std::fs::read_to_string(tree::root().join(file)).about(file);
    let forms = table::forms(&read(FORMS)?)?;
    place::make()?;
    let names = Names::new();
    let inside = Inside { world: World::new(&names)?, names, forms };
    let folder = tree::root().join("tests/golden");
    if mode == "bless" || mode == "golden" {
        let theirs = inside.captured(|applet| match find(applet) {
            Some(path) => vec![path.display().to_string()],
            None => vec![applet.to_string()],
        })?;
        if mode == "bless" {
            let lines: Vec<&str> = inside.forms.iter().map(|form| form.example.as_str()).collect();
            record::write(&inside.names, &folder, &lines, &theirs)?;
            println!("{} records written", theirs.len());
            return Ok(());
        }
        inside.same_as_before(&record::read(&inside.names, &folder)?, &theirs)?;
    }
    let theirs = record::read(&inside.names, &folder)?;
    let ours = inside.captured(|applet| vec![binary.clone(), applet.to_string()])?;
    let wanted = table::differences(&read(DIFFERENCES)?)?;
    let mut verdicts = BTreeMap::new();
    for form in &inside.forms {
        let line = form.example.as_str();
        if let (Some(theirs), Some(ours)) = (theirs.get(line), ours.get(line)) {
            verdicts.insert(line, judge(&inside.names, &wanted, line, theirs, ours));
        }
    }
    match mode.as_str() {
        "golden" => {
            let used: BTreeSet<usize> = verdicts.values().flat_map(rows).collect();
            for (at, row) in wanted.iter().enumerate().filter(|(at, _)| !used.contains(at)) {
                println!("row {} of {DIFFERENCES} explains nothing: {}", at + 1, row.why);
            }
            inside.orders(&theirs, &ours);
            different(&verdicts)
        }
        _ => {
            if mode == "missing" {
                // Told, and counted below.
                let _ = different(&verdicts);
            }
            inside.totals(&verdicts, mode == "missing")
        }
    }
}

fn rows(verdict: &Verdict) -> Vec<usize> {
    if let Verdict::Explained(rows) = verdict { rows.clone() } else { Vec::new() }
}

/// Tells every difference that no row explains; by place, with how often it is met, an example first.
fn different(verdicts: &BTreeMap<&str, Verdict>) -> Outcome {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut lines = 0;
    for (line, verdict) in verdicts {
        let Verdict::Different(left) = verdict else { continue };
        lines += 1;
        for found in left {
            let key = format!("{} {}", found.place, found.what);
            let values = format!("{line}: iproute2 {}, ours {}", found.values.0, found.values.1);
            places.entry(key).or_default().push(values);
        }
    }
    let mut places: Vec<_> = places.into_iter().collect();
    places.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.len()));
    for (place, lines) in &places {
        println!("{:4} x {place}", lines.len());
        for line in lines.iter().take(3) {
            println!("         {line}");
        }
    }
    let explained = verdicts.values().filter(|verdict| !rows(verdict).is_empty()).count();
    let same = verdicts.values().filter(|verdict| **verdict == Verdict::Same).count();
    println!("{same} command lines alike, {explained} explained, {lines} different in {} places", places.len());
    if lines == 0 { Ok(()) } else { Err("differences that no row explains".into()) }
}

impl Inside {
    /// What every example sends, by a program that stands for its first word.
    fn captured(&self, program: impl Fn(&str) -> Vec<String>) -> Outcome<Records> {
        let mut records = Records::new();
        for form in &self.forms {
            let line = form.example.as_str();
            let program = program(line.split(' ').next().unwrap_or_default());
            let program: Vec<&str> = program.iter().map(String::as_str).collect();
            let capture = capture::run(&self.names, &self.world, &program, line)?;
            place::repair()?;
            let record = Record::of(&self.names, &capture).map_err(|error| format!("{line}: {error}"))?;
            records.insert(line.to_string(), record);
        }
        Ok(records)
    }

    fn same_as_before(&self, before: &Records, now: &Records) -> Outcome {
        let other: Vec<&String> =
            now.iter().filter(|(line, now)| before.get(*line) != Some(now)).map(|at| at.0).collect();
        for line in &other {
            println!("the record is not what iproute2 sends here: {line}");
        }
        match other.len() {
            0 => Ok(()),
            count => Err(format!("{count} records to be looked at; cargo xtask golden --bless writes them").into()),
        }
    }

    /// Tells how often only the order differs, which nobody reads.
    fn orders(&self, theirs: &Records, ours: &Records) {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (line, theirs) in theirs {
            let ours = ours.get(line).map(|ours| ours.messages.as_slice()).unwrap_or_default();
            let found = compare::messages(&self.names, &theirs.messages, ours);
            for found in found.into_iter().filter(|found| found.what == "order") {
                *places.entry(found.place).or_default() += 1;
            }
        }
        let told: Vec<String> = places.iter().map(|(place, count)| format!("{place} {count}")).collect();
        println!("in another order only: {}", told.join(", "));
    }

    /// How much is covered, by count and by form; then what is not, most frequent first.
    fn totals(&self, verdicts: &BTreeMap<&str, Verdict>, missing: bool) -> Outcome {
        let mut covered = [0u32; 2];
        let mut all = [0u32; 2];
        let mut left: Vec<(&Form, String)> = Vec::new();
        for form in self.forms.iter().filter(|form| form.count > 0) {
            let verdict = verdicts.get(form.example.as_str());
            let covers = verdict.is_some_and(Verdict::covers);
            for (at, count) in [form.count, 1].into_iter().enumerate() {
                all[at] += count;
                covered[at] += if covers { count } else { 0 };
            }
            if !covers {
                left.push((form, reason(verdict)));
            }
        }
        if missing {
            left.sort_by_key(|(form, _)| std::cmp::Reverse(form.count));
            for (form, reason) in &left {
                println!("{}\t{}\t{}\t{reason}", form.count, form.form, form.example);
            }
        }
        let part = |at: usize| covered[at] * 1000 / all[at].max(1);
        for (at, of) in ["invocations", "distinct forms"].into_iter().enumerate() {
            let (covered, all, percent) = (covered[at], all[at], part(at));
            let (least, tenth) = (LEAST[at] / 10, percent % 10);
            println!("{}.{tenth} % of {of} covered ({covered} of {all}); at least {least} % are to be", percent / 10);
        }
        if part(0) >= LEAST[0] && part(1) >= LEAST[1] { Ok(()) } else { Err("not enough is covered".into()) }
    }
}

fn reason(verdict: Option<&Verdict>) -> String {
    match verdict {
        None => "no record".to_string(),
        Some(Verdict::Unlike(theirs, ours)) => format!("iproute2: {theirs}; ours: {ours}"),
        Some(Verdict::Different(left)) => {
            let first = left.first().map(|found| found.shown()).unwrap_or_default();
            format!("{first}{}", if left.len() > 1 { format!(" (and {} more)", left.len() - 1) } else { String::new() })
        }
        Some(_) => String::new(),
    }
}
