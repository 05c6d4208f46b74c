//! Checks of one file by its lines: heads, lengths, blanks, unsafe code, what is not
//! finished, and places of one machine. In: path and text. Out: findings.

use super::Findings;

/// Lines from which on a file is told to be long.
const LONG: usize = 450;
/// Lines that no file may have more of.
const TOO_LONG: usize = 600;

/// Every source file says at its head what goes in and what comes out.
pub fn head(file: &str, text: &str, findings: &mut Findings) {
    let body = text.lines().find(|line| !line.starts_with("#!["));
    if !body.is_some_and(|line| line.starts_with("//!")) {
        findings.breach(file, 1, "does not start with a //! comment");
    }
}

/// A file is one noun.
pub fn length(file: &str, text: &str, findings: &mut Findings) {
    let lines = text.lines().count();
    if lines > TOO_LONG {
        findings.breach(file, 0, format!("{lines} lines; at most {TOO_LONG}"));
    } else if lines > LONG {
        findings.warnings.push(format!("{file}: {lines} lines; better at most {LONG}"));
    }
}

/// No blanks at line ends; no tabs in Rust.
pub fn blanks(file: &str, text: &str, findings: &mut Findings) {
    // What other programs printed is kept as they print it.
    if file.contains("golden/") {
        return;
    }
    for (number, line) in (1..).zip(text.lines()) {
        if line.ends_with([' ', '\t']) {
            findings.breach(file, number, "blanks at the end of the line");
        }
        if line.contains('\t') && file.ends_with(".rs") {
            findings.breach(file, number, "a tab");
        }
    }
}

/// Nothing is left for later.
pub fn unfinished(file: &str, text: &str, findings: &mut Findings) {
    for (number, line) in (1..).zip(text.lines()) {
        for name in ["todo", "unimplemented", "dbg"] {
            if code(line).contains(&format!("{name}!(")) {
                findings.breach(file, number, format!("{name}!"));
            }
        }
    }
}

/// No folder of the machine that a file was written on.
pub fn places(file: &str, text: &str, findings: &mut Findings) {
    for (number, line) in (1..).zip(text.lines()) {
        for name in ["root", "work", "home", "tmp/w"] {
            let place = format!("/{name}/");
            let mut starts = line.match_indices(&place).map(|(at, _)| line[..at].chars().next_back());
            if starts.any(|before| !before.is_some_and(|char| char.is_alphanumeric() || "._-*/}".contains(char))) {
                findings.breach(file, number, format!("names the folder {place} of a machine"));
            }
        }
    }
}

/// Unsafe code stands in the system layer only, each with its reason just above.
pub fn unsafe_code(file: &str, text: &str, findings: &mut Findings) {
    let allowed = file.starts_with("src/sys/") || file == "src/sys.rs" || file.starts_with("xtask/src/sys");
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        if !has_word(&code(line), "unsafe") {
            continue;
        }
        if !allowed {
            findings.breach(file, index + 1, "unsafe code outside src/sys");
        } else if !has_reason(&lines[..index]) {
            findings.breach(file, index + 1, "unsafe code without a // SAFETY: line just above");
        }
    }
}

/// Whether the statement that goes on after these lines has a safety comment above it.
fn has_reason(above: &[&str]) -> bool {
    for line in above.iter().rev() {
        let line = line.trim();
        if line.starts_with("// SAFETY: ") {
            return true;
        }
        // Another comment line, or an earlier line of the same statement.
        let same = !(line.is_empty() || line.ends_with([';', '{', '}']));
        if !line.starts_with("//") && !same {
            return false;
        }
    }
    false
}

/// A line without its comment and without what its strings hold.
pub fn code(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    let mut quoted = false;
    while let Some(char) = chars.next() {
        match char {
            '\\' if quoted => {
                chars.next();
            }
            '"' => quoted = !quoted,
            '\'' if !quoted && chars.peek() == Some(&'"') => {
                // The character literal '"'.
                chars.next();
                chars.next();
            }
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            char if !quoted => out.push(char),
            _ => {}
        }
    }
    out
}

/// Whether a text has a word that is not part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let part = |char: char| char.is_alphanumeric() || char == '_';
    text.split(|char| !part(char)).any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str, &str, &mut Findings);

    /// How many breaches a check finds in a text.
    fn count(check: Check, file: &str, text: &str) -> usize {
        let mut findings = Findings::default();
        check(file, text, &mut findings);
        findings.breaches.len()
    }

    #[test]
    fn heads() {
        assert_eq!(count(head, "src/a.rs", "//! What.\n"), 0);
        assert_eq!(count(head, "fuzz/a.rs", "#![no_main]\n//! What.\n"), 0);
        assert_eq!(count(head, "src/a.rs", "use std::io;\n"), 1);
        assert_eq!(count(head, "src/a.rs", ""), 1);
    }

    #[test]
    fn lengths() {
        assert_eq!(count(length, "src/a.rs", &"x\n".repeat(TOO_LONG)), 0);
        assert_eq!(count(length, "src/a.rs", &"x\n".repeat(TOO_LONG + 1)), 1);
        let mut findings = Findings::default();
        length("src/a.rs", &"x\n".repeat(LONG + 1), &mut findings);
        assert_eq!((findings.breaches.len(), findings.warnings.len()), (0, 1));
    }

    #[test]
    fn blanks_and_tabs() {
        assert_eq!(count(blanks, "a.md", "x \n"), 1);
        assert_eq!(count(blanks, "a.tsv", "x\ty\n"), 0);
        assert_eq!(count(blanks, "a.rs", "\tx\n"), 1);
        assert_eq!(count(blanks, "tests/golden/a.txt", "x \n"), 0);
    }

    #[test]
    fn what_is_not_finished() {
        assert_eq!(count(unfinished, "a.rs", "    todo!()\n"), 1);
        assert_eq!(count(unfinished, "a.rs", "    // todo!() is refused\n"), 0);
        assert_eq!(count(unfinished, "a.rs", "    let x = dbg!(y);\n"), 1);
        assert_eq!(count(unfinished, "a.rs", "    let x = \"dbg!(y)\";\n"), 0);
    }

    #[test]
    fn places_of_a_machine() {
        for name in ["root", "work", "home"] {
            assert_eq!(count(places, "a.md", &format!("see /{name}/x\n")), 1, "{name}");
        }
        assert_eq!(count(places, "a.md", "see /proc/self/root/x, ./work/x, https://a.b/work/c\n"), 0);
    }

    #[test]
    fn unsafe_code_and_its_reason() {
        let good = "    // SAFETY: fine.\n    check(unsafe { f() })\n";
        assert_eq!(count(unsafe_code, "src/sys/a.rs", good), 0);
        assert_eq!(count(unsafe_code, "src/socket.rs", good), 1);
        assert_eq!(count(unsafe_code, "src/sys/a.rs", "    // It is fine.\n    unsafe { f() };\n"), 1);
        assert_eq!(count(unsafe_code, "src/sys/a.rs", "    // SAFETY: fine.\n    g();\n    unsafe { f() };\n"), 1);
        let long = "    // SAFETY: fine,\n    // really.\n    let x =\n        unsafe { f() };\n";
        assert_eq!(count(unsafe_code, "src/sys/a.rs", long), 0);
        assert_eq!(count(unsafe_code, "src/a.rs", "#![deny(unsafe_code)] // unsafe\nlet x = \"unsafe\";\n"), 0);
    }

    #[test]
    fn code_is_told_from_comments_and_strings() {
        assert_eq!(code("a(\"b // c\\\" d\"); // e"), "a(); ");
        assert_eq!(code("let q = '\"'; x"), "let q = ; x");
    }
}
