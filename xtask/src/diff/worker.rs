//! A worker: in a sandbox or in the virtual machine, builds topologies one after the other
//! and looks at each with both tools. Out: the lines of a [`Tally`].

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::build::Builder;
use super::look::{Found, head, look};
use super::table::{self, Table};
use super::tally::Tally;
use super::topology::{self, Line, NAMESPACES};
use super::{json, text};
use crate::args::Args;
use crate::process::{About, Outcome, say};

/// Lines of the topology that are told with a difference.
const LINES_TOLD: usize = 8;

/// `diff-inside`: `--from A --step K --topologies N` are the numbers A, A + K, ... below N, as many as there is time for.
pub fn inside(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let (seed, from, step) = (args.number("--seed", 1)?, args.number("--from", 0)?, args.number("--step", 1)?.max(1));
    let count = args.number("--topologies", 1)?;
    let (start, patience) = (Instant::now(), Duration::from_secs(args.number("--seconds", u64::MAX)?));
    let binary: PathBuf = args.value("--binary")?.ok_or("--binary is missing")?.into();
    let share = args.number("--share", 100)?;
    let out = args.value("--out")?;
    let show = args.flag("--show");
    args.finish()?;
    let table = table::parse(table::TEXT)?;
    let builder = Builder::new()?;
    let kinds = builder.kinds(&table.kinds())?;
    let mut tally = Tally { kinds: kinds.clone(), ..Tally::default() };
    let mut worker =
        Worker { table: &table, builder, binary, tally: &mut tally, show, part: if share < 100 { 6 } else { 3 } };
    let mut number = from;
    while number < count && start.elapsed() < patience {
        let lines = topology::make(&table, &kinds, seed, number, share);
        worker.topology(number, lines)?;
        number += step;
        if worker.tally.topologies.is_multiple_of(10) {
            say(format!("diff ip: {} topologies, {} causes", worker.tally.topologies, worker.tally.causes.len()));
        }
    }
    let text = tally.lines();
    match out {
        None => print!("{text}"),
        Some(file) => {
            let mut open = OpenOptions::new().write(true).open(&file).about(&file)?;
            open.write_all(text.as_bytes()).about(&file)?;
        }
    }
    Ok(())
}

struct Worker<'a> {
    table: &'a Table,
    builder: Builder,
    binary: PathBuf,
    tally: &'a mut Tally,
    show: bool,
    /// How many parts the listings are in; each namespace of a topology is looked at by one.
    part: u64,
}

impl Worker<'_> {
    /// Builds one topology and looks at it in every namespace.
    fn topology(&mut self, number: u64, lines: Vec<Line>) -> Outcome {
        let refusals = self.builder.build(&lines)?;
        let mut taken = Vec::new();
        for (line, refusal) in lines.into_iter().zip(refusals) {
            for &option in &line.options {
                let entry = self.tally.options.entry(option).or_default();
                entry.0 += 1;
                match &refusal {
                    None => entry.1 += 1,
                    Some(why) => entry.2 = format!("{why}: {}", line.text),
                }
            }
            if self.show {
                let mark = if refusal.is_some() { "# refused:" } else { "#" };
                println!("{mark} {}: {}", NAMESPACES[line.ns], line.text);
            }
            match refusal {
                None => {
                    self.tally.lines.0 += 1;
                    taken.push(line);
                }
                Some(_) => self.tally.lines.1 += 1,
            }
        }
        for (ns, name) in NAMESPACES.iter().enumerate() {
            self.builder.enter(ns)?;
            for (at, listing) in (0u64..).zip(&self.table.listings) {
                if !(at + number + ns as u64).is_multiple_of(self.part) {
                    continue;
                }
                let listing = listing.replace("{ns}", name);
                let tool = listing.split(' ').next().unwrap_or_default();
                let (found, answer) = look(&listing, self.builder.tool(tool), &self.binary)?;
                self.tally.listings += 1;
                if listing.contains(" -j") {
                    let keys = &mut self.tally.keys;
                    let object = head(&listing);
                    if let Some(value) = json::parse(&answer.out) {
                        value.keys("", &mut |path| *keys.entry(format!("{object} {path}")).or_default() += 1);
                    }
                }
                for found in found {
                    let place = || place(ns, &listing, &found, &taken);
                    if self.show {
                        println!("# {}\n# {}", found.cause, place().replace('\n', "\n# "));
                    }
                    self.tally.difference(&found.cause, number, place);
                }
            }
        }
        self.builder.leave()?;
        self.tally.topologies += 1;
        Ok(())
    }
}

/// Where a difference is: the listing, both sides, and the lines that made what it is about.
fn place(ns: usize, listing: &str, found: &Found, taken: &[Line]) -> String {
    let names = |line: &&Line| {
        let word = |word: &str| word.len() > 2 && found.about.iter().any(|about| about == word);
        line.text.split([' ', '/', ':']).any(word) || line.text.split(' ').any(word)
    };
    let mut out = format!("in {}: {listing}\n  iproute2: {}\n  netstrap: {}", NAMESPACES[ns], found.theirs, found.ours);
    for line in taken.iter().filter(names).take(LINES_TOLD) {
        out += &format!("\n  {}: {}", NAMESPACES[line.ns], line.text);
    }
    out
}

/// A cause of a refusal with what is of one device only left out.
pub fn general(why: &str) -> String {
    why.split(' ').map(text::general).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_the_lines_that_name_it() {
        let line = |text: &str| Line { ns: 1, text: text.to_string(), options: Vec::new() };
        let taken = [line("ip link add vxla3 type vxlan id 1"), line("ip link add dum1 type dummy")];
        let found = Found {
            cause: "c".to_string(),
            theirs: "1".to_string(),
            ours: "2".to_string(),
            about: vec!["vxla3".to_string()],
        };
        let text = place(1, "ip link", &found, &taken);
        assert_eq!(text, "in b: ip link\n  iproute2: 1\n  netstrap: 2\n  b: ip link add vxla3 type vxlan id 1");
        assert_eq!(general("Error: id 17 of 10.0.0.1"), "Error: id N of ADDRESS");
    }
}
