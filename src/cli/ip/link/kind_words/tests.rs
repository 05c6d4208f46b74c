//! The words of every kind against what iproute2 sends for them.

use std::ffi::OsString;

use super::read;
use crate::cli::cursor::Cursor;
use crate::cli::io::Io;
use crate::cli::ip::context::Context;
use crate::model::link::ArgumentValue;

/// What is sent for the words behind `type`, or how they are refused, in the form of the golden file.
fn answer(line: &str) -> String {
    let (old, line) = match line.strip_prefix("set ") {
        Some(line) => (Some(&[][..]), line),
        None => (None, line),
    };
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    let mut io = Io::to(Box::new(std::io::sink()), Box::new(std::io::sink()), false);
    let mut context = Context::new(&mut io, &[]);
    let mut cursor = Cursor::new(&words[1..]);
    let given = match read(&mut context, line.split(' ').next().unwrap().as_bytes(), &mut cursor, old) {
        Ok(given) => given,
        Err(fail) => {
            let debug = format!("{fail:?}");
            let code = debug.split("code: ").nth(1).unwrap().split(',').next().unwrap().to_owned();
            let text = debug.split("text: Some(\"").nth(1).unwrap().replace("\\\"", "\"").replace("\\t", "\t");
            return format!("! {code} {}", text.split("\\n").next().unwrap().split("\"), hint").next().unwrap());
        }
    };
    let mut out = String::from("=");
    for argument in given {
        out.push_str(&format!(" {}:", argument.number));
        match argument.value {
            ArgumentValue::Bytes(bytes) => out.push_str(&hex(&bytes)),
            ArgumentValue::List(list) => {
                for (number, bytes) in list {
                    let length = u16::try_from(bytes.len() + 4).unwrap();
                    let mut all = [length.to_ne_bytes(), number.to_ne_bytes()].concat();
                    all.extend(bytes);
                    all.resize(all.len().next_multiple_of(4), 0);
                    out.push_str(&hex(&all));
                }
            }
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn words_are_sent_as_iproute2_sends_them() {
    let golden = include_str!("golden.txt").lines().filter(|line| !line.starts_with('#'));
    let mut different = Vec::new();
    for line in golden {
        let at = line.find(" = ").or_else(|| line.find(" ! ")).unwrap();
        let (words, expected) = (&line[..at], line[at + 1..].trim_end());
        let ours = answer(words);
        // The usage behind a word is ours from its second word on.
        let usage = |text: &str| text.split('[').next().unwrap().to_owned();
        let is_usage = expected.contains("Usage: ");
        if (is_usage && usage(&ours) != usage(expected)) || (!is_usage && ours.trim_end() != expected) {
            different.push(format!("{words}\n  theirs {expected}\n  ours   {ours}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn what_iproute2_ignores_is_refused() {
    // It takes garbage for a limit of 0, and 6rd for a tunnel that has none.
    assert!(answer("ip6tnl encaplimit zz").contains("invalid ELIM"));
    assert!(answer("ipip 6rd-prefix fd00::/32").contains("Usage: ... ipip"));
    assert!(answer("dummy foo").contains("not supported by netstrap"));
    assert!(answer("macsec port 5").contains("not supported by netstrap"));
    assert_eq!(&answer("sit 6rd-reset")[..5], "= 9:0");
}

#[test]
fn a_tunnel_keeps_what_it_has() {
    let old = [&[5u8, 0, 8, 0, 7, 0, 0, 0][..], &[8, 0, 7, 0, 1, 2, 3, 4], &[8, 0, 6, 0, 0, 0, 0, 0]].concat();
    let words: Vec<OsString> = ["tos", "4"].map(OsString::from).to_vec();
    let mut io = Io::to(Box::new(std::io::sink()), Box::new(std::io::sink()), false);
    let mut context = Context::new(&mut io, &[]);
    let given = read(&mut context, b"gre", &mut Cursor::new(&words), Some(&old)).unwrap();
    let of = |number| given.iter().find(|argument| argument.number == number).map(|argument| argument.value.clone());
    assert_eq!(of(8), Some(ArgumentValue::Bytes(vec![7])), "its TTL");
    assert_eq!(of(7), Some(ArgumentValue::Bytes(vec![1, 2, 3, 4])), "its peer");
    assert_eq!(of(9), Some(ArgumentValue::Bytes(vec![4])), "the new TOS");
    assert_eq!(of(6), None, "no end of its own");
}
