//! The two tables beside the golden files: the forms of `ip` command lines with an example each, and
//! the differences that are wanted. In: their text. Out: rows; what a row explains.

use super::compare::Difference;

/// A form of command line, as recorded scripts use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// How often it was counted; 0 for one that is here for its message's sake.
    pub count: u32,
    /// Options, object, verb, kind and the words after them, in brackets and sorted.
    pub form: String,
    /// A command line of this form.
    pub example: String,
    /// Why iproute2 sends nothing for it, where that is not plain.
    pub why: String,
}

/// Reads `tests/data/ip-forms.tsv`.
pub fn forms(text: &str) -> Result<Vec<Form>, String> {
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &str| {
        let mut cells = line.split('\t').map(str::to_string);
        let count = cells.next()?.parse().ok()?;
        let (form, example) = (cells.next()?, cells.next()?);
        Some(Form { count, form, example, why: cells.next().unwrap_or_default() })
    };
    rows.map(|line| read(line).ok_or(format!("not a form: {line}"))).collect()
}

/// A row of the table of differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    line: String,
    place: String,
    what: String,
    /// Why it differs.
    pub why: String,
}

/// Reads `tests/golden/differences.tsv`.
pub fn differences(text: &str) -> Result<Vec<Wanted>, String> {
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &str| {
        let mut cells = line.split('\t').map(str::to_string);
        let (line, place, what, why) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
        (!why.is_empty()).then_some(Wanted { line, place, what, why })
    };
    rows.map(|line| read(line).ok_or(format!("not a difference: {line}"))).collect()
}

impl Wanted {
    /// Whether it explains a difference of a command line.
    pub fn explains(&self, line: &str, difference: &Difference) -> bool {
        matches(&self.line, line) && matches(&self.place, &difference.place) && matches(&self.what, difference.what)
    }
}

/// Whether a text is as a pattern has it; `*` stands for anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => {
            let Some(text) = text.strip_prefix(start) else { return false };
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("*/EXT_MASK", "GETLINK/EXT_MASK", true),
            ("GETLINK", "GETLINK/EXT_MASK", false),
            ("a*b*c", "a-b-b-c", true),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn rows_are_read_and_bad_ones_named() {
        let all = forms("# head\n12\tlink add  []\tip link add\n0\tx\ty\tno such\n").unwrap();
        assert_eq!((all.len(), all[0].count, all[1].why.as_str()), (2, 12, "no such"));
        assert!(forms("twelve\tlink").is_err());
        assert!(differences("a\tb\tc\t\n").is_err());
        let row = &differences("*\tNEWLINK/*\tmore\tbecause\n").unwrap()[0];
        let place = "NEWLINK/MTU".to_string();
        let found = Difference { place, what: "more", values: (String::new(), String::new()) };
        assert!(row.explains("ip link", &found));
        assert!(!row.explains("ip link", &Difference { what: "missing", ..found }));
    }
}
