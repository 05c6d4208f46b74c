//! Whether a command line sends what iproute2 sends. In: the golden record, our capture, the table of
//! differences. Out: a verdict.

use super::compare::{self, Difference};
use super::names::Names;
use super::record::Record;
use super::table::Wanted;

/// What came of one command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same bytes; or, where nothing is sent, the same kind of answer.
    Same,
    /// What differs is wanted: numbers of the rows that say so.
    Explained(Vec<usize>),
    /// Differences, with at least one that no row explains.
    Different(Vec<Difference>),
    /// Nothing is sent, or nothing alike answered: what iproute2 says or does, and what we say.
    Unlike(String, String),
}

impl Verdict {
    /// Whether the form counts as covered.
    pub fn covers(&self) -> bool {
        matches!(self, Verdict::Same | Verdict::Explained(_))
    }
}

/// Judges what we do for a command line; what is only ordered otherwise is not told.
pub fn judge(names: &Names, wanted: &[Wanted], line: &str, theirs: &Record, ours: &Record) -> Verdict {
    if theirs.messages.is_empty() && ours.messages.is_empty() {
        // What goes to another part of the kernel is not seen, so it cannot be the same.
        return if answer(theirs) == answer(ours) && !theirs.other {
            Verdict::Same
        } else {
            Verdict::Unlike(said(theirs), said(ours))
        };
    }
    let changes = |record: &Record| record.messages.iter().any(|message| message.kind % 4 != 2);
    if ours.messages.is_empty() || (changes(theirs) && !changes(ours)) {
        return Verdict::Unlike("a message".to_string(), said(ours));
    }
    let mut rows = Vec::new();
    let mut left = Vec::new();
    for found in compare::messages(names, &theirs.messages, &ours.messages) {
        match wanted.iter().position(|row| row.explains(line, &found)) {
            Some(row) => rows.push(row),
            None if found.what == "order" => {}
            None => left.push(found),
        }
    }
    rows.sort_unstable();
    rows.dedup();
    match (left.is_empty(), rows.is_empty()) {
        (true, true) => Verdict::Same,
        (true, false) => Verdict::Explained(rows),
        _ => Verdict::Different(left),
    }
}

/// The class of an answer: exit code, whether anything is printed, and the first line of an error; of a
/// help text, that it is one.
fn answer(record: &Record) -> (i32, bool, &str) {
    let error = if record.error.starts_with("Usage: ") { "Usage: " } else { &record.error };
    (record.code, record.printed, error)
}

fn said(record: &Record) -> String {
    let printed = if record.printed { ", prints" } else { "" };
    let other = if record.other { ", sends to another protocol" } else { "" };
    let error = if record.error.is_empty() { "" } else { ": " };
    format!("exit code {}{printed}{other}{error}{}", record.code, record.error)
}

#[cfg(test)]
mod tests {
    use super::super::message::Message;
    use super::super::table::differences;
    use super::*;

    fn record(text: &str) -> Record {
        let names = Names::new();
        let lines: Vec<&str> = text.lines().collect();
        let messages = if lines.is_empty() { vec![] } else { vec![Message::parse(&names, &lines).unwrap()] };
        Record { messages, code: 0, printed: false, error: String::new(), other: false }
    }

    #[test]
    fn a_verdict_says_whether_a_form_is_covered() {
        let names = Names::new();
        let wanted = differences("*\tGETLINK/EXT_MASK\t*\tno statistics\n").unwrap();
        let judge = |theirs: &Record, ours: &Record| judge(&names, &wanted, "ip link", theirs, ours);
        let theirs = record("> GETLINK dump|request\n  29 EXT_MASK u32 1");
        assert_eq!(judge(&theirs, &theirs), Verdict::Same);
        assert_eq!(judge(&theirs, &record("> GETLINK dump|request\n  29 EXT_MASK u32 9")), Verdict::Explained(vec![0]));
        let ours = record("> GETLINK dump|request family=17\n  29 EXT_MASK u32 9");
        assert!(matches!(judge(&theirs, &ours), Verdict::Different(left) if left.len() == 1));
        assert!(!judge(&theirs, &record("")).covers());
        assert_eq!(judge(&record(""), &record("")), Verdict::Same);
        let other = Record { other: true, ..record("") };
        assert!(!judge(&other, &other).covers());
    }
}
