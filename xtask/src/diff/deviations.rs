//! Differences from iproute2 that are meant to be: the text of `tests/data/ip-deviations.txt`
//! in, the reason for a cause out. A line is `PATTERN ## REASON`; `*` stands for any text.

/// A list of patterns with their reasons.
pub struct Deviations(Vec<(String, String)>);

impl Deviations {
    /// Reads the list; lines that start with `#` are comments.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(" ## "));
        Deviations(pairs.map(|(pattern, reason)| (pattern.trim().to_string(), reason.trim().to_string())).collect())
    }

    /// Why a cause is no fault; `None` if the list does not say.
    pub fn reason(&self, cause: &str) -> Option<&str> {
        self.0.iter().find(|(pattern, _)| fits(pattern, cause)).map(|(_, reason)| reason.as_str())
    }
}

/// Whether a text is what a pattern tells.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            starts.into_iter().any(|at| fits(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_reasons() {
        let list = Deviations::parse("# a comment ## no\nip link: *missing* ## on purpose\nexact ## too\n");
        assert_eq!(list.reason("ip link: a missing b"), Some("on purpose"));
        assert_eq!(list.reason("ip link: missing"), Some("on purpose"));
        assert_eq!(list.reason("exact"), Some("too"));
        assert_eq!(list.reason("exactly"), None);
        assert!(fits("*ö*", "aöb") && !fits("*x", "xa"));
    }
}
