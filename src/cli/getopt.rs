//! Options as GNU `getopt_long` reads them: words in, options and operands out; an
//! operand may stand before an option, and long names may be shortened.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::cursor::{Cursor, shown};

/// The options that an applet knows.
pub struct Known {
    /// Letters, each with whether it takes a value.
    pub letters: &'static [(u8, bool)],
    /// Long names with the letters that they stand for.
    pub names: &'static [(&'static str, u8)],
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// Options in order, with their values.
    pub options: Vec<(u8, Option<&'a [u8]>)>,
    /// The other words.
    pub operands: Vec<&'a [u8]>,
}

impl Known {
    /// Reads words. The error is getopt's complaint, without the program's name.
    pub fn parse<'a>(&self, words: &'a [OsString]) -> Result<Parsed<'a>, String> {
        let mut parsed = Parsed::default();
        let mut words = Cursor::new(words);
        while let Some(word) = words.next() {
            if word == b"--" {
                parsed.operands.extend(words.rest().iter().map(|word| OsStr::as_bytes(word)));
                break;
            } else if let Some(long) = word.strip_prefix(b"--") {
                self.long(long, &mut words, &mut parsed)?;
            } else if word.len() > 1 && word[0] == b'-' {
                self.short(&word[1..], &mut words, &mut parsed)?;
            } else {
                parsed.operands.push(word);
            }
        }
        Ok(parsed)
    }

    fn takes_value(&self, letter: u8) -> Option<bool> {
        self.letters.iter().find(|row| row.0 == letter).map(|row| row.1)
    }

    fn short<'a>(&self, mut letters: &'a [u8], words: &mut Cursor<'a>, parsed: &mut Parsed<'a>) -> Result<(), String> {
        while let Some((&letter, rest)) = letters.split_first() {
            letters = rest;
            let name = [letter];
            let quoted = || ["'", &shown(&name), "'"].concat();
            let value = match self.takes_value(letter) {
                None => return Err(["invalid option -- ", &quoted()].concat()),
                Some(false) => None,
                Some(true) if rest.is_empty() => match words.next() {
                    Some(value) => Some(value),
                    None => return Err(["option requires an argument -- ", &quoted()].concat()),
                },
                Some(true) => Some(std::mem::take(&mut letters)),
            };
            parsed.options.push((letter, value));
        }
        Ok(())
    }

    fn long<'a>(&self, word: &'a [u8], words: &mut Cursor<'a>, parsed: &mut Parsed<'a>) -> Result<(), String> {
        let (name, value) = match word.iter().position(|&b| b == b'=') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        let exact = self.names.iter().find(|row| row.0.as_bytes() == name);
        let found: Vec<_> = match exact {
            Some(row) => vec![row],
            None => self.names.iter().filter(|row| row.0.as_bytes().starts_with(name)).collect(),
        };
        let quoted = ["'--", &shown(name), "'"].concat();
        // Names of the same letter are no contradiction.
        let Some((full, letter)) = found.first().copied().filter(|first| found.iter().all(|row| row.1 == first.1))
        else {
            if found.is_empty() {
                return Err(["unrecognized option '--", &shown(word), "'"].concat());
            }
            let all: Vec<String> = found.iter().map(|row| [" '--", row.0, "'"].concat()).collect();
            return Err(["option ", &quoted, " is ambiguous; possibilities:", &all.concat()].concat());
        };
        let value = match (self.takes_value(*letter), value) {
            (Some(true), None) => match words.next() {
                Some(value) => Some(value),
                None => return Err(["option '--", full, "' requires an argument"].concat()),
            },
            (Some(false) | None, Some(_)) => return Err(["option '--", full, "' doesn't allow an argument"].concat()),
            (_, value) => value,
        };
        parsed.options.push((*letter, value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known {
        letters: &[(b'n', false), (b'a', false), (b'i', true)],
        names: &[("numeric", b'n'), ("nothing", b'a'), ("device", b'i')],
    };

    fn read(line: &str) -> String {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match KNOWN.parse(&words) {
            Ok(parsed) => {
                let options =
                    parsed.options.iter().map(|(l, v)| format!("{}{} ", char::from(*l), shown(v.unwrap_or(b""))));
                let operands = parsed.operands.iter().map(|w| format!("({})", shown(w)));
                options.chain(operands).collect()
            }
            Err(complaint) => complaint,
        }
    }

    #[test]
    fn options_mix_with_operands_and_shorten() {
        assert_eq!(read("-an x -iv0 --dev v1 y -- -n"), "a n iv0 iv1 (x)(y)(-n)");
        assert_eq!(read("--device=v0 --num"), "iv0 n ");
    }

    #[test]
    fn complaints_are_getopts() {
        assert_eq!(read("-nz"), "invalid option -- 'z'");
        assert_eq!(read("-i"), "option requires an argument -- 'i'");
        assert_eq!(read("--dev"), "option '--device' requires an argument");
        assert_eq!(read("--foo=1"), "unrecognized option '--foo=1'");
        assert_eq!(read("--n"), "option '--n' is ambiguous; possibilities: '--numeric' '--nothing'");
        assert_eq!(read("--numeric=1"), "option '--numeric' doesn't allow an argument");
    }
}
