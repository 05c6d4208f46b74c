//! docs/file.md has every key with its type, default and unit, as the table of keys has them.

use netstrap::file::keys::{self, Key};

const DOCS: &str = include_str!("../../docs/file.md");

/// What the page calls that which a key takes.
fn kind(key: &Key) -> String {
    let words = || key.limits.replace('|', ", ");
    match key.shape {
        b'n' => format!("number {}", key.limits),
        b'b' | b'u' => "true, false".into(),
        b'w' => words(),
        b'F' => format!("list of {}", words()),
        b't' => format!("text of {} bytes", key.limits),
        b'e' => format!("time up to {}s", key.limits),
        shape => match shape {
            b'o' => "name",
            b'x' => "list of files",
            b'K' => "tables by name",
            b'D' | b'Q' => "table",
            b'H' => "addresses by name",
            b'S' | b'I' => "parameters",
            b'R' | b'L' => "list of routes",
            b'U' => "list of rules",
            b'G' => "list of neighbours",
            b'q' | b'f' => "list of tables",
            b'A' => "list of addresses with words",
            b'm' => "hardware address",
            b'M' => "link",
            b'V' => "list of VLANs",
            b'N' => "name of a link",
            b'P' => "namespace",
            b'd' => "lower link",
            b'i' => "address",
            b'a' => "list of addresses",
            b'T' => "list of words",
            b'p' => "list of networks",
            b'k' => "name of an interface",
            b'l' => "port that is listened on",
            b'j' => "address with port",
            b'Z' => "not supported",
            other => panic!("{}: a shape without a name: {}", key.name, char::from(other)),
        }
        .into(),
    }
}

#[test]
fn the_page_has_every_key_and_no_other() {
    let mut expected = Vec::new();
    for section in keys::sections() {
        for key in keys::of(&[section]) {
            let default = if key.default == "!" { "required" } else { key.default };
            expected.push(format!("{section}: `{}` | {} | {default} | {}", key.name, kind(&key), key.unit));
        }
    }
    let mut section = "";
    let mut found = Vec::new();
    for line in DOCS.lines() {
        if let Some(rest) = line.strip_prefix("Section `") {
            section = rest.split('`').next().unwrap();
        }
        if line.starts_with("| `") {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            found.push(format!("{section}: {}", cells[..4].join(" | ")));
        }
    }
    for row in &expected {
        assert!(found.contains(row), "docs/file.md lacks: {row}");
    }
    for row in &found {
        assert!(expected.contains(row), "docs/file.md has too much: {row}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn the_limits_on_the_page_are_those_of_the_reader() {
    for (number, sentence) in [
        (netstrap::file::MOST_FILES, "are 1,024 at most"),
        (netstrap::file::MOST_DEPTH, "include each other 16 deep at most"),
        (netstrap::file::MOST_BYTES >> 20, "4 MiB at most"),
        (netstrap::file::MOST_NAMES, "65,536 names at most"),
        (netstrap::file::MOST_VALUES, "2,000,000 values"),
        (netstrap::file::MOST_PORTS, "more than 1,023 ports"),
        (netstrap::file::MOST_FORWARDS, "more than 1,024 forwarded"),
        (netstrap::file::MOST_PAIRS, "more than 65,536 pairs"),
    ] {
        let digits: String = sentence.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, number.to_string());
        assert!(DOCS.contains(sentence), "{sentence}");
    }
}
