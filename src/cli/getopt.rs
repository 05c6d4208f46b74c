//! Options as GNU `getopt_long` reads them: words in, options and operands out; an
//! operand may stand before an option, and long names may be shortened.

use crate::model::template::filled;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::cursor::{Cursor, shown};

/// The options that an applet knows.
pub struct Known {
    /// Letters; a colon follows one that takes a value, two one that takes it only from its own word.
    pub letters: &'static str,
    /// Long names, each with `=` and the letter that it stands for.
    pub names: &'static str,
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// Options in order, with their values; without one it is empty.
    pub options: Vec<(u8, &'a [u8])>,
    /// The other words.
    pub operands: Vec<&'a [u8]>,
}

impl Known {
    /// Reads words. The error is getopt's complaint, without the program's name.
    pub fn parse<'a>(&self, words: &'a [OsString]) -> Result<Parsed<'a>, String> {
        let mut parsed = Parsed::default();
        let mut words = Cursor::new(words);
        while let Some(word) = words.next() {
            match word {
                b"--" => {
                    parsed.operands.extend(words.rest().iter().map(|word| OsStr::as_bytes(word)));
                    break;
                }
                [b'-', b'-', long @ ..] => {
                    let (name, value) = match long.iter().position(|&b| b == b'=') {
                        Some(at) => (&long[..at], &long[at + 1..]),
                        None => (long, &[][..]),
                    };
                    let letter = self.long(name)?;
                    self.push(&mut parsed, letter, value, &mut words)?;
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    let mut letters = letters;
                    while let Some((&letter, rest)) = letters.split_first() {
                        letters = if self.push(&mut parsed, letter, rest, &mut words)? { &[] } else { rest };
                    }
                }
                _ => parsed.operands.push(word),
            }
        }
        Ok(parsed)
    }

    /// Takes an option, with what is left of its word as value if it needs one, else the next word. Returns
    /// whether it took a value.
    fn push<'a>(
        &self,
        parsed: &mut Parsed<'a>,
        letter: u8,
        rest: &'a [u8],
        words: &mut Cursor<'a>,
    ) -> Result<bool, String> {
        let name = [letter];
        let complain = |text: &str| Err(filled("% -- '%'", &[text, &shown(&name)]));
        let letters = self.letters.as_bytes();
        let Some(at) = letters.iter().position(|&l| l == letter && l != b':') else {
            return complain("invalid option");
        };
        let valued = letters.get(at + 1) == Some(&b':');
        let optional = valued && letters.get(at + 2) == Some(&b':');
        let value = match valued {
            true if rest.is_empty() && optional => Some(rest),
            true if rest.is_empty() => words.next(),
            true => Some(rest),
            false => Some(&[][..]),
        };
        let Some(value) = value else { return complain("option requires an argument") };
        parsed.options.push((letter, value));
        Ok(valued)
    }

    /// The letter of a long name, whole or shortened: the first that it begins, unless another one differs.
    fn long(&self, name: &[u8]) -> Result<u8, String> {
        let mut found = None;
        for entry in self.names.as_bytes().split(|&b| b == b' ') {
            let Some((full, &[_, letter])) = entry.split_last_chunk() else { continue };
            if full == name {
                return Ok(letter);
            }
            if full.starts_with(name) {
                found = if found.is_none_or(|other| other == letter) { Some(letter) } else { Some(AMBIGUOUS) };
            }
        }
        let quoted = filled("option '--%'", &[&shown(name)]);
        match found {
            Some(AMBIGUOUS) => Err([&quoted, " is ambiguous"].concat()),
            Some(letter) => Ok(letter),
            None => Err(["unrecognized ", &quoted].concat()),
        }
    }
}

/// Stands for several letters.
const AMBIGUOUS: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known { letters: "nai:", names: "numeric=n nothing=a device=i" };

    fn read(line: &str) -> String {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match KNOWN.parse(&words) {
            Ok(parsed) => {
                let options = parsed.options.iter().map(|(l, v)| format!("{}{} ", char::from(*l), shown(v)));
                let operands = parsed.operands.iter().map(|w| format!("({})", shown(w)));
                options.chain(operands).collect()
            }
            Err(complaint) => complaint,
        }
    }

    #[test]
    fn options_mix_with_operands_and_shorten() {
        assert_eq!(read("-an x -iv0 --dev v1 y -- -n"), "a n iv0 iv1 (x)(y)(-n)");
        assert_eq!(read("--device=v0 --num -"), "iv0 n (-)");
        assert_eq!(read("-ani v0"), "a n iv0 ");
    }

    #[test]
    fn complaints_are_getopts() {
        assert_eq!(read("-nz"), "invalid option -- 'z'");
        assert_eq!(read("-:"), "invalid option -- ':'");
        assert_eq!(read("-i"), "option requires an argument -- 'i'");
        assert_eq!(read("--foo=1"), "unrecognized option '--foo'");
        assert_eq!(read("--n"), "option '--n' is ambiguous");
    }
}
