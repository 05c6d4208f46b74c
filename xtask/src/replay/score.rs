//! How alike two sets of answers are. In: cases. Out: a percentage, and the differing ones
//! grouped by what iproute2 said and what we said, the most frequent first.

use std::collections::BTreeMap;

use super::answer::{Answer, LATE};
use super::class::{class, masked};
use crate::deviations::Deviations;

/// A command line with both answers.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Its words after `ip`.
    pub words: &'a [String],
    /// How often it was recorded.
    pub count: u64,
    /// Our answer.
    pub ours: &'a Answer,
    /// iproute2's.
    pub theirs: &'a Answer,
}

/// What came of a set of cases.
#[derive(Debug, Default)]
pub struct Score {
    alike: usize,
    /// Alike to the letter, but for names and numbers.
    same_text: usize,
    differing: usize,
    /// Wanted refusals; they count neither way.
    wanted: usize,
    /// How many of iproute2's answers are successes.
    successes: usize,
    weight_alike: u64,
    weight: u64,
    groups: BTreeMap<String, Vec<(u64, String)>>,
}

/// Exit code and class in words.
fn kind(answer: &Answer) -> String {
    match answer.code {
        LATE => "not ended in time".into(),
        code => format!("{code} {}", class(&answer.err, code)),
    }
}

impl Score {
    /// Scores cases.
    pub fn of(cases: &[Case], deviations: &Deviations) -> Score {
        let mut score = Score::default();
        for case in cases {
            score.successes += usize::from(case.theirs.code == 0);
            if case.ours.code == 1 && deviations.refusal(&case.ours.err) {
                score.wanted += 1;
                continue;
            }
            score.weight += case.count;
            let (ours, theirs) = (kind(case.ours), kind(case.theirs));
            if ours == theirs {
                score.alike += 1;
                score.weight_alike += case.count;
                score.same_text += usize::from(masked(&case.ours.err) == masked(&case.theirs.err));
                continue;
            }
            score.differing += 1;
            let ours = if ours.ends_with(" not supported") { format!("1 {}", case.ours.err.trim_end()) } else { ours };
            let example = (case.count, shown(case));
            score.groups.entry(format!("iproute2: {theirs} | ours: {ours}")).or_default().push(example);
        }
        score
    }

    /// Of a hundred cases so many are alike.
    pub fn percent(&self) -> f64 {
        percent(self.alike as f64, (self.alike + self.differing) as f64)
    }

    /// One line.
    pub fn summary(&self, name: &str, bar: f64) -> String {
        format!(
            "{name}: {:.2} % alike (at least {bar} wanted): {} of {}; by count {:.2} %; {} with the same text; \
             {} refused on purpose; iproute2 accepts {}",
            self.percent(),
            self.alike,
            self.alike + self.differing,
            percent(self.weight_alike as f64, self.weight as f64),
            self.same_text,
            self.wanted,
            self.successes,
        )
    }

    /// The groups of what differs, with examples of each.
    pub fn print(&self, name: &str, examples: usize) {
        println!("\n== {name}: what differs");
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
        for (group, cases) in groups {
            println!("{:5}  {group}", cases.len());
            cases.iter().take(examples).for_each(|(_, case)| println!("{case}"));
        }
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 100.0 } else { part * 100.0 / whole }
}

fn shown(case: &Case) -> String {
    let quoted = |word: &String| {
        let plain = !word.is_empty() && !word.contains([' ', '"', '\'', '\\', '$', '|', '&', ';', '*', '<', '>']);
        if plain { word.clone() } else { format!("'{word}'") }
    };
    let mut line = case.words.iter().map(quoted).collect::<Vec<_>>().join(" ");
    if line.len() > 200 {
        let cut = (0..=200).rev().find(|&at| line.is_char_boundary(at)).unwrap_or_default();
        line.truncate(cut);
        line += "...";
    }
    let first =
        |err: &str| err.lines().find(|line| !line.is_empty()).unwrap_or_default().chars().take(110).collect::<String>();
    format!(
        "           ip {line}\n             - {}\n             + {}",
        first(&case.theirs.err),
        first(&case.ours.err)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, err: &str) -> Answer {
        Answer { code, err: err.into(), out: String::new() }
    }

    #[test]
    fn cases_are_scored_by_code_and_class() {
        let list = Deviations::parse("refused object \"xfrm\"\twhy").unwrap();
        let words = ["x".to_string()];
        let (good, bad) = (answer(0, ""), answer(255, "Error: duplicate \"a\": \"b\" is the second value.\n"));
        let (refused, other) =
            (answer(1, "ip: object \"xfrm\" is not supported by netstrap\n"), answer(255, "Error: duplicate \"c\"\n"));
        let case = |ours, theirs| Case { words: &words, count: 3, ours, theirs };
        let cases = [case(&good, &good), case(&bad, &good), case(&refused, &good), case(&bad, &other)];
        let score = Score::of(&cases, &list);
        assert_eq!((score.alike, score.differing, score.wanted, score.successes), (2, 1, 1, 3));
        assert_eq!((score.weight_alike, score.weight, score.same_text), (6, 9, 1));
        assert!((score.percent() - 66.67).abs() < 0.01);
        assert_eq!(score.groups.len(), 1);
    }
}
