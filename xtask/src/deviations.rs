//! The wanted deviations from iproute2: a data file, one a line, each with its reason. In: a
//! command line, a refusal or a cause. Out: whether it is on the list.

use crate::replay::answer::Answer;

/// The list.
pub const TEXT: &str = include_str!("../../tests/data/ip-deviations.txt");

/// Patterns of the list.
pub struct Deviations {
    lines: Vec<String>,
    usage: Vec<String>,
    refused: Vec<String>,
    shown: Vec<(String, String)>,
}

impl Deviations {
    /// Reads a list: `line`, `usage`, `refused` or `shown` with a pattern, a tab, and the reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut all = Deviations { lines: Vec::new(), usage: Vec::new(), refused: Vec::new(), shown: Vec::new() };
        for (number, entry) in (1..).zip(text.lines()) {
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            let (what, reason) = entry.split_once('\t').unwrap_or((entry, ""));
            match what.split_once(' ') {
                _ if reason.trim().is_empty() => return Err(format!("deviation {number} has no reason: {entry}")),
                Some(("line", pattern)) => all.lines.push(pattern.to_string()),
                Some(("usage", pattern)) => all.usage.push(pattern.to_string()),
                Some(("refused", pattern)) => all.refused.push(pattern.to_string()),
                Some(("shown", pattern)) => all.shown.push((pattern.to_string(), reason.trim().to_string())),
                _ => return Err(format!("deviation {number} is of no known sort: {entry}")),
            }
        }
        Ok(all)
    }

    /// Whether an answer of ours to a command line may be another one than iproute2's.
    pub fn covers(&self, line: &str, ours: &Answer, theirs: &Answer) -> bool {
        let known = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, line));
        let usage = [ours, theirs].iter().all(|answer| answer.err.starts_with("Usage:"));
        known(&self.lines)
            || (usage && ours.code == theirs.code && ours.out == theirs.out && known(&self.usage))
            || (ours.code == 1 && self.refusal(&ours.err))
    }

    /// Whether our refusal of something that is not built is wanted.
    pub fn refusal(&self, err: &str) -> bool {
        let what =
            err.trim_end().strip_prefix("ip: ").and_then(|text| text.strip_suffix(" is not supported by netstrap"));
        what.is_some_and(|what| self.refused.iter().any(|pattern| matches(pattern, what)))
    }

    /// Why a cause of differing listings is no fault; `None` if the list does not say.
    pub fn reason(&self, cause: &str) -> Option<&str> {
        self.shown.iter().find(|(pattern, _)| matches(pattern, cause)).map(|(_, reason)| reason.as_str())
    }
}

/// Whether a text is as a pattern says, in which `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).filter(|&at| text.is_char_boundary(at)).any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("ip -j *nope", "ip -j link show nope"));
        assert!(matches("a*", "a"));
        assert!(!matches("a*b", "ac"));
        assert!(!matches("a", "ab"));
    }

    #[test]
    fn the_list_is_in_order() {
        let list = Deviations::parse(TEXT).unwrap();
        assert!(list.refusal("ip: object \"xfrm\" is not supported by netstrap\n"));
        assert!(!list.refusal("ip: object \"route\" is not supported by netstrap\n"));
        let usage = |text: &str, code| Answer { err: format!("Usage: {text}\n"), code, ..Answer::default() };
        assert!(!list.covers("ip link show", &Answer::default(), &Answer::default()));
        assert!(list.covers("ip -V", &Answer::default(), &Answer::default()));
        assert!(list.covers("ip link help", &usage("a", 255), &usage("b", 255)));
        assert!(!list.covers("ip link help", &usage("a", 1), &usage("b", 255)));
    }

    #[test]
    fn an_entry_needs_a_reason() {
        assert!(Deviations::parse("line ip x\tbecause").is_ok());
        assert!(Deviations::parse("line ip x").is_err());
        assert!(Deviations::parse("other ip x\tbecause").is_err());
        let list = Deviations::parse("shown ip link: *missing*\ton purpose").unwrap();
        assert_eq!(list.reason("ip link: a missing b"), Some("on purpose"));
        assert_eq!(list.reason("ip link: none"), None);
    }
}
