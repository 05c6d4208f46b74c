//! What a run found, as text: coverage by kind, by option and by JSON key, and the causes of
//! differences. In: the table, the sums, the wanted deviations. Out: the report and the verdict.

use std::collections::BTreeMap;

use super::table::Table;
use super::tally::{Cause, Tally};
use super::worker::general;
use crate::deviations::Deviations;
use crate::process::Outcome;

/// The report of a run on a kernel (`host`, `uml` or `vm`), and whether all is well:
/// no cause is left, and no option if `all` were to be used.
pub fn report(table: &Table, tally: &Tally, deviations: &Deviations, kernel: &str, all: bool) -> (String, Outcome) {
    let mut out = format!(
        "{} topologies; {} lines taken, {} refused by the kernel and dropped; {} listings compared\n",
        tally.topologies, tally.lines.0, tally.lines.1, tally.listings
    );
    out += &kinds(table, tally);
    let (text, unused) = options(table, tally, kernel);
    out += &text;
    out += &keys(tally);
    let (text, unexplained) = causes(tally, deviations);
    out += &text;
    let mut wrong = Vec::new();
    if unexplained > 0 {
        wrong.push(format!("{unexplained} unexplained causes of differences"));
    }
    if all && unused > 0 {
        wrong.push(format!("{unused} options that no topology used"));
    }
    if !tally.whole || tally.topologies == 0 {
        wrong.push("a worker did not come to its end".to_string());
    }
    let verdict = if wrong.is_empty() { Ok(()) } else { Err(format!("diff ip: {}", wrong.join(", ")).into()) };
    (out, verdict)
}

/// Whether an option counts, and how often it was taken.
fn taken(tally: &Tally, option: usize) -> u64 {
    tally.options.get(&option).map_or(0, |(_, taken, _)| *taken)
}

/// One line: each kind with its options taken and all, devices made.
fn kinds(table: &Table, tally: &Tally) -> String {
    let mut rows: BTreeMap<&str, (usize, usize, u64)> = BTreeMap::new();
    for (number, option) in table.options.iter().enumerate() {
        let Some(kind) = option.kind.as_deref() else { continue };
        let row = rows.entry(kind).or_default();
        row.0 += usize::from(taken(tally, number) > 0);
        row.1 += 1;
        if !option.name.contains(": ") || option.name == format!("kind {kind}") {
            row.2 += taken(tally, number);
        }
    }
    let has = |kind: &str| tally.kinds.iter().any(|known| known == kind);
    let mut out = "kinds (devices, options taken of all):".to_string();
    for (kind, (taken, all, made)) in rows.iter().filter(|(kind, _)| has(kind)) {
        out += &format!(" {kind} {made} {taken}/{all},");
    }
    let lacking: Vec<&str> = rows.keys().copied().filter(|kind| !has(kind)).collect();
    out = out.trim_end_matches(',').to_string();
    if !lacking.is_empty() {
        out += &format!("\nkinds that this kernel lacks: {}", lacking.join(" "));
    }
    out + "\n"
}

/// Options that were not taken, each with the reason; how many should have been.
fn options(table: &Table, tally: &Tally, kernel: &str) -> (String, usize) {
    let (mut counted, mut used, mut missing) = (0, 0, 0);
    let (mut excused, mut lines) = (BTreeMap::<&str, usize>::new(), String::new());
    for (number, option) in table.options.iter().enumerate() {
        if option.kind.as_ref().is_some_and(|kind| !tally.kinds.contains(kind)) {
            continue;
        }
        counted += 1;
        if taken(tally, number) > 0 {
            used += 1;
        } else if let Some(why) = option.excused(kernel, &tally.kinds) {
            *excused.entry(why).or_default() += 1;
        } else {
            missing += 1;
            let (tried, why) = tally.options.get(&number).map_or((0, ""), |(tried, _, why)| (*tried, why.as_str()));
            lines += &format!("  never taken: {} (tried {tried}: {why})\n", option.name);
        }
    }
    let mut out = format!("options: {used} taken of {counted} that this kernel could take, {missing} missing\n");
    out += &lines;
    for (why, count) in excused {
        out += &format!("  {count} excused: {why}\n");
    }
    (out, missing)
}

/// How many JSON keys were seen of each listing.
fn keys(tally: &Tally) -> String {
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    for key in tally.keys.keys() {
        let object = key.rsplit_once(' ').map_or(key.as_str(), |(object, _)| object);
        *rows.entry(object.to_string()).or_default() += 1;
    }
    let rows: Vec<String> = rows.iter().map(|(object, count)| format!("{object} {count}")).collect();
    format!("JSON keys seen: {} ({})\n", tally.keys.len(), rows.join(", "))
}

/// Causes, the most frequent first; how many are not explained.
fn causes(tally: &Tally, deviations: &Deviations) -> (String, usize) {
    let mut explained: BTreeMap<&str, u64> = BTreeMap::new();
    let mut open: Vec<(&String, &Cause)> = Vec::new();
    for (cause, found) in &tally.causes {
        match deviations.reason(cause) {
            Some(reason) => *explained.entry(reason).or_default() += found.count,
            None => open.push((cause, found)),
        }
    }
    open.sort_by(|(name, one), (other_name, other)| other.count.cmp(&one.count).then(name.cmp(other_name)));
    let mut out = String::new();
    for (reason, count) in explained {
        out += &format!("explained, {count} times: {reason}\n");
    }
    out += &format!("unexplained causes: {}\n", open.len());
    for (cause, found) in &open {
        let place = found.place.replace('\n', "\n    ");
        out += &format!("  {} times, first in topology {}: {cause}\n    {place}\n", found.count, found.topology);
    }
    (out, open.len())
}

/// Why lines were refused, the most frequent reasons first: for whoever extends the table.
pub fn refusals(table: &Table, tally: &Tally) -> String {
    let mut out = String::new();
    for (number, (used, taken, why)) in &tally.options {
        if *taken * 2 < *used {
            let name = table.options.get(*number).map_or("?", |option| option.name.as_str());
            out += &format!("{taken} of {used} taken: {name}: {}\n", general(why));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::table::parse;

    #[test]
    fn a_run_is_well_only_with_all_options_used_and_all_causes_explained() {
        let table =
            parse("=== a\n[kind veth] 0..1\nip link\n? mtu {1..2} | up ## host: no\n[kind x] 0..1\nip x\n").unwrap();
        let mut tally = Tally { topologies: 1, kinds: vec!["veth".to_string()], whole: true, ..Tally::default() };
        let deviations = Deviations::parse("shown ip link: *\tmeant\n").unwrap();
        let verdict =
            |tally: &Tally, kernel| report(&table, tally, &deviations, kernel, true).1.map_err(|failure| failure.text);
        tally.options.insert(0, (1, 1, String::new()));
        assert_eq!(verdict(&tally, "vm"), Err("diff ip: 2 options that no topology used".to_string()));
        assert_eq!(verdict(&tally, "host"), Ok(()));
        tally.difference("ip link: a", 0, String::new);
        assert_eq!(verdict(&tally, "host"), Ok(()));
        tally.difference("ip addr: a", 0, || "in a: ip addr".to_string());
        assert_eq!(verdict(&tally, "host"), Err("diff ip: 1 unexplained causes of differences".to_string()));
        assert!(
            report(&table, &tally, &deviations, "host", true).0.contains("1 times, first in topology 0: ip addr: a")
        );
        tally.whole = false;
        assert!(verdict(&tally, "host").is_err_and(|text| text.contains("did not come to its end")));
    }
}
