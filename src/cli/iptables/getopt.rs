//! The words of a command line as `getopt_long` splits them: clusters of short options,
//! long ones with their unique abbreviations, arguments attached or in the next word.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::fail::Fail;
use crate::cli::cursor::shown;

/// Whether an option takes an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// No.
    Nothing,
    /// Yes: attached, or the next word.
    Argument,
    /// If attached.
    Maybe,
}

/// A long option: its name, whether it takes an argument, and its key.
pub type Long = (&'static str, Takes, u16);

/// Keys above this are options of a target or match.
pub const EXTENSION: u16 = 0x100;

const fn key(c: u8) -> u16 {
    c as u16
}

/// The long options of every command; keys are their short forms.
const LONG: &[Long] = &[
    ("append", Takes::Argument, key(b'A')),
    ("check", Takes::Argument, key(b'C')),
    ("delete", Takes::Argument, key(b'D')),
    ("delete-chain", Takes::Maybe, key(b'X')),
    ("destination", Takes::Argument, key(b'd')),
    ("dst", Takes::Argument, key(b'd')),
    ("exact", Takes::Nothing, key(b'x')),
    ("flush", Takes::Maybe, key(b'F')),
    ("fragments", Takes::Nothing, key(b'f')),
    ("goto", Takes::Argument, key(b'g')),
    ("help", Takes::Maybe, key(b'h')),
    ("in-interface", Takes::Argument, key(b'i')),
    ("insert", Takes::Argument, key(b'I')),
    ("ipv4", Takes::Nothing, key(b'4')),
    ("ipv6", Takes::Nothing, key(b'6')),
    ("jump", Takes::Argument, key(b'j')),
    ("line-numbers", Takes::Nothing, key(b'0')),
    ("list", Takes::Maybe, key(b'L')),
    ("list-rules", Takes::Maybe, key(b'S')),
    ("match", Takes::Argument, key(b'm')),
    ("modprobe", Takes::Argument, key(b'M')),
    ("new-chain", Takes::Argument, key(b'N')),
    ("numeric", Takes::Nothing, key(b'n')),
    ("out-interface", Takes::Argument, key(b'o')),
    ("policy", Takes::Argument, key(b'P')),
    ("protocol", Takes::Argument, key(b'p')),
    ("rename-chain", Takes::Argument, key(b'E')),
    ("replace", Takes::Argument, key(b'R')),
    ("set-counters", Takes::Argument, key(b'c')),
    ("source", Takes::Argument, key(b's')),
    ("src", Takes::Argument, key(b's')),
    ("table", Takes::Argument, key(b't')),
    ("verbose", Takes::Nothing, key(b'v')),
    ("version", Takes::Nothing, key(b'V')),
    ("wait", Takes::Maybe, key(b'w')),
    ("wait-interval", Takes::Maybe, key(b'W')),
    ("zero", Takes::Maybe, key(b'Z')),
];

/// What the next word was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// An option's key, and its argument.
    Option(u16, Option<&'a [u8]>),
    /// A word that is no option.
    Word(&'a [u8]),
}

/// A walk over a command line.
#[derive(Debug)]
pub struct Scanner<'a> {
    words: &'a [OsString],
    /// Rest of a cluster of short options.
    cluster: &'a [u8],
    /// The word that the last option came from.
    word: &'a [u8],
    ended: bool,
}

impl<'a> Scanner<'a> {
    /// Starts at the first word after the program's name.
    pub fn new(words: &'a [OsString]) -> Self {
        Scanner { words, cluster: b"", word: b"", ended: false }
    }

    fn take(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first.as_bytes())
    }

    /// The next word, if it may be an argument that an option takes without demanding it.
    pub fn argument(&mut self) -> Option<&'a [u8]> {
        let word = self.words.first()?.as_bytes();
        if matches!(word.first(), Some(b'-' | b'!')) { None } else { self.take() }
    }

    /// Whether words are left after `--`.
    pub fn has_rest(&self) -> bool {
        self.ended && !self.words.is_empty()
    }

    /// Reads on; `extra` are the options of the target and matches named so far.
    pub fn next(&mut self, extra: &[Long]) -> Result<Option<Item<'a>>, Fail> {
        if !self.cluster.is_empty() {
            return self.short().map(Some);
        }
        if self.ended {
            return Ok(None);
        }
        let Some(word) = self.take() else { return Ok(None) };
        self.word = word;
        match word {
            b"--" => {
                self.ended = true;
                Ok(None)
            }
            [b'-', b'-', long @ ..] => self.long(long, extra).map(Some),
            [b'-', short @ ..] if !short.is_empty() => {
                self.cluster = short;
                self.short().map(Some)
            }
            _ => Ok(Some(Item::Word(word))),
        }
    }

    fn short(&mut self) -> Result<Item<'a>, Fail> {
        let Some((&option, rest)) = self.cluster.split_first() else { return Err(self.unknown()) };
        self.cluster = b"";
        let attached = (!rest.is_empty()).then_some(rest);
        match option {
            b'A' | b'C' | b'D' | b'R' | b'I' | b'M' | b'N' | b'E' | b'P' | b'o' | b'p' | b's' | b'd' | b'j' | b'i'
            | b't' | b'm' | b'c' | b'g' => match attached.or_else(|| self.take()) {
                Some(argument) => Ok(Item::Option(key(option), Some(argument))),
                None => Err(self.lacks_argument()),
            },
            b'L' | b'S' | b'F' | b'Z' | b'X' | b'h' | b'w' | b'W' => Ok(Item::Option(key(option), attached)),
            b'V' | b'f' | b'v' | b'n' | b'x' | b'4' | b'6' => {
                self.cluster = rest;
                Ok(Item::Option(key(option), None))
            }
            _ => Err(self.unknown()),
        }
    }

    fn long(&mut self, text: &'a [u8], extra: &[Long]) -> Result<Item<'a>, Fail> {
        let (name, attached) = match text.iter().position(|&b| b == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let all = || LONG.iter().chain(extra);
        let mut found = all().find(|long| long.0.as_bytes() == name);
        if found.is_none() {
            found = all().find(|long| long.0.as_bytes().starts_with(name));
            // Options of one key are one option; anything else is ambiguous.
            if all().any(|long| long.0.as_bytes().starts_with(name) && found.is_some_and(|f| f.2 != long.2)) {
                found = None;
            }
        }
        let Some(&(_, takes, key)) = found else { return Err(self.unknown()) };
        match (takes, attached) {
            (Takes::Nothing, Some(_)) => Err(self.unknown()),
            (Takes::Argument, None) => match self.take() {
                Some(argument) => Ok(Item::Option(key, Some(argument))),
                None => Err(self.lacks_argument()),
            },
            _ => Ok(Item::Option(key, attached)),
        }
    }

    fn unknown(&self) -> Fail {
        Fail::parameter(format!("unknown option \"{}\"", shown(self.word)))
    }

    fn lacks_argument(&self) -> Fail {
        Fail::parameter(format!("option \"{}\" requires an argument", shown(self.word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut scanner = Scanner::new(&words);
        let mut out = String::new();
        loop {
            match scanner.next(&[("random", Takes::Nothing, 0x100), ("random-fully", Takes::Nothing, 0x101)]) {
                Ok(Some(Item::Option(key, argument))) => {
                    let name = u8::try_from(key).map_or(format!("{key:x}"), |c| char::from(c).to_string());
                    let argument = argument.map(|a| format!("={}", shown(a))).unwrap_or_default();
                    out += &format!("{name}{argument} ");
                }
                Ok(Some(Item::Word(word))) => out += &format!("[{}] ", shown(word)),
                Ok(None) => return out,
                Err(fail) => return out + fail.0.text.lines().next().unwrap(),
            }
        }
    }

    #[test]
    fn words_are_split_as_getopt_long_does() {
        for (line, expected) in [
            ("-t nat -nvL POSTROUTING", "t=nat n v L [POSTROUTING] "),
            ("-tnat -Lx", "t=nat L=x "),
            ("--tab nat --source=1.2.3.4 --so x", "t=nat s=1.2.3.4 s=x "),
            ("--line -w5 --wait=6 -w", "0 w=5 w=6 w "),
            ("! -s x", "[!] s=x "),
            ("--random --random-f", "100 101 "),
            ("a -- -S", "[a] "),
        ] {
            assert_eq!(scan(line), expected, "{line}");
        }
        for (line, word) in
            [("--s x", "--s"), ("--rand", "--rand"), ("-Q", "-Q"), ("--numeric=1", "--numeric=1"), ("-1", "-1")]
        {
            assert_eq!(scan(line), format!("iptables v1.8.9 (nf_tables): unknown option \"{word}\""));
        }
        assert_eq!(scan("-vA"), "v iptables v1.8.9 (nf_tables): option \"-vA\" requires an argument");
    }
}
