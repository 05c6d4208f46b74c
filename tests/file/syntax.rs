//! TOML beside another reader of it: what toml_parser takes and refuses, and the values that it sees, are the same
//! here, for texts made up of pieces that TOML is made of.

use std::borrow::Cow;
use std::num::IntErrorKind::{NegOverflow, PosOverflow};

use netstrap::file::read;
use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{ParseError, Source};

use super::Memory;

const PIECES: &[&str] = &[
    "a",
    "b-c",
    "\"q k\"",
    "'l'",
    ".",
    " . ",
    "=",
    " = ",
    "\n",
    "\r\n",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "{ ",
    ", ",
    ",",
    "1",
    "-17",
    "+3",
    "1_000",
    "0xfF",
    "0o17",
    "0b101",
    "9223372036854775807",
    "9223372036854775808",
    "true",
    "false",
    "\"text\"",
    "'literal \\ text'",
    "\"\\u00e4\\n\\\"\"",
    "\"\\U0001f600\"",
    "\"\"\"\nlong \\\n  text \"\" x\"\"\"",
    "'''\nlong ' text'''",
    "\"\"",
    "''",
    "# comment\n",
    "\t",
    " ",
    "\"ä\"",
    "01",
    "1__0",
    "_1",
    "0x",
    "nan",
    "\"\\x\"",
    "x = 1\n",
    "y = [1, 2]\n",
    "[t]\n",
    "[[u]]\n",
    "z.w = 'v'\n",
    "\"\"\"\"two\"\"\"\"\"",
];

/// Whether the other reader takes a text, and what strings and numbers it sees.
fn other(text: &str) -> (bool, Vec<String>) {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events: Vec<Event> = Vec::new();
    let mut errors: Vec<ParseError> = Vec::new();
    parse_document(&tokens, &mut RecursionGuard::new(&mut events, 30), &mut errors);
    let (mut seen, mut digits) = (Vec::new(), true);
    for event in &events {
        let Some(raw) = source.get(event) else { continue };
        let mut value = Cow::Borrowed("");
        match event.kind() {
            EventKind::SimpleKey => raw.decode_key(&mut value, &mut errors),
            EventKind::Scalar => match raw.decode_scalar(&mut value, &mut errors) {
                ScalarKind::String => seen.push(value.into_owned()),
                ScalarKind::Integer(radix) => match i64::from_str_radix(&value, radix.value()) {
                    Ok(number) => seen.push(number.to_string()),
                    // The digits are not looked at before: `0x`.
                    Err(error) => digits &= matches!(error.kind(), PosOverflow | NegOverflow),
                },
                _ => {}
            },
            _ => {}
        }
    }
    (errors.is_empty() && digits, seen)
}

/// Ours: whether the syntax is right, and the same values, as they come back in the complaints about a list of names.
fn ours(text: &str) -> bool {
    match read("f", &mut Memory(&[("f", text)])) {
        Ok(_) => true,
        Err(refused) => !refused.to_string().contains("TOML syntax"),
    }
}

#[test]
fn the_same_texts_are_right() {
    let mut seed = 88172645463325252_u64;
    let mut roll = |sides: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % sides
    };
    let (mut right, mut wrong, mut differ) = (0, 0, Vec::new());
    for _ in 0..60_000 {
        let mut text = String::new();
        for _ in 0..1 + roll(9) {
            let piece = PIECES[roll(PIECES.len())];
            // The other reader takes a string right behind a word for a part of it.
            let is_word = |c: char| c.is_alphanumeric() || "\"'_-+".contains(c);
            if text.ends_with(is_word) && piece.starts_with(is_word) {
                text.push(' ');
            }
            text.push_str(piece);
        }
        // JSON begins with a brace.
        if text.trim_start().starts_with('{') {
            continue;
        }
        let (is_right, _) = other(&text);
        // Fractions and dates are refused by every key; only that they are no numbers is told apart.
        if text.contains("nan") {
            continue;
        }
        *(if is_right { &mut right } else { &mut wrong }) += 1;
        if ours(&text) != is_right {
            differ.push(format!("{text:?} is {}", if is_right { "right" } else { "wrong" }));
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ[..differ.len().min(40)].join("\n"));
    assert!(right > 1000 && wrong > 1000, "{right} {wrong}");
}

#[test]
fn the_same_values_are_seen() {
    for piece in PIECES {
        let text = format!("name = \"a\"\n[netns.n.dns]\nsearch = [{piece}]\n");
        let (is_right, seen) = other(&text);
        let (Some(value), true) = (seen.get(1), is_right) else { continue };
        // Texts that are one word come back as they are.
        if value.contains(|c: char| c.is_whitespace()) || value.is_empty() || !piece.starts_with(['"', '\'']) {
            continue;
        }
        let file = super::parse(&text).unwrap();
        let dns = file.topology.places[1].dns.as_ref().unwrap();
        assert_eq!(dns.what.search.first(), Some(value), "{piece}");
    }
    // Numbers, as a table of parameters keeps them.
    for (word, number) in
        [("1_000", 1000), ("0xfF", 255), ("-17", -17), ("+3", 3), ("0o17", 15), ("0b101", 5), ("0", 0)]
    {
        let file = super::parse(&format!("name = \"a\"\nsysctl = {{ \"net.x\" = {word} }}\n")).unwrap();
        assert_eq!(file.topology.places[0].sysctls[0].what.value, number.to_string());
    }
    let long = "name = \"a\"\n[dummy.d]\nalias = \"\"\"\na \\\n   b\\u00e4\"c\"\"\"\"\n";
    let file = super::parse(long).unwrap();
    let alias = file.topology.places[0].links[0].get("alias");
    assert_eq!(alias, Some(&netstrap::model::topology::SettingValue::Text("a bä\"c\"".into())));
}
