//! The words of a command line as `getopt_long` splits them: clusters of short options,
//! long ones with their unique abbreviations, arguments attached or in the next word.

use super::fail::Fail;

/// Long options, as `NAME`, how it takes an argument (`=` the next word at the latest, `?` only
/// attached, `.` not at all), and its key, which is its short form; a space between two.
pub type Longs = &'static str;

/// A long option of a match or target: name, how it takes an argument, key.
pub type Long = (&'static str, u8, u16);

/// The long options of every command.
const LONG: Longs = "append=A check=C delete=D delete-chain?X destination=d dst=d exact.x flush?F fragments.f goto=g \
    help?h in-interface=i insert=I ipv4.4 ipv6.6 jump=j line-numbers.0 list?L list-rules?S match=m modprobe=M \
    new-chain=N numeric.n out-interface=o policy=P protocol=p rename-chain=E replace=R set-counters=c source=s src=s \
    table=t verbose.v version.V wait?w wait-interval?W zero?Z";

/// The options in such a list: name, how it takes an argument, key.
fn each(list: Longs) -> impl Iterator<Item = (&'static [u8], u8, u8)> {
    list.as_bytes().split(|&b| b == b' ').filter_map(|entry| match entry {
        [name @ .., takes, key] => Some((name, *takes, *key)),
        _ => None,
    })
}

/// What the next word was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// An option's key, and its argument.
    Option(u8, Option<&'a [u8]>),
    /// The key of an option of a match or target, and its argument.
    Extension(u16, Option<&'a [u8]>),
    /// A word that is no option.
    Word(&'a [u8]),
}

/// Bit of a key that is an extension's.
const EXTENSION: u16 = 0x8000;

fn item(key: u16, argument: Option<&[u8]>) -> Item<'_> {
    match u8::try_from(key) {
        Ok(letter) => Item::Option(letter, argument),
        Err(_) => Item::Extension(key & !EXTENSION, argument),
    }
}

/// A walk over a command line.
#[derive(Debug)]
pub struct Scanner<'a> {
    words: &'a [&'a [u8]],
    /// The words before the last one was taken.
    before: &'a [&'a [u8]],
    /// Whether the last word was refused as an option that is not known.
    unknown: bool,
    /// Rest of a cluster of short options.
    cluster: &'a [u8],
    /// The word that the last option came from.
    word: &'a [u8],
    ended: bool,
}

impl<'a> Scanner<'a> {
    /// Starts at the first word after the program's name.
    pub fn new(words: &'a [&'a [u8]]) -> Self {
        Scanner { words, before: words, unknown: false, cluster: b"", word: b"", ended: false }
    }

    fn take(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// The next word, if it may be an argument that an option takes without demanding it.
    pub fn argument(&mut self) -> Option<&'a [u8]> {
        let word = self.words.first()?;
        if matches!(word.first(), Some(b'-' | b'!')) { None } else { self.take() }
    }

    /// The second argument of an option.
    pub fn second(&mut self) -> Option<&'a [u8]> {
        self.argument()
    }

    /// Goes back before an option that was not known, if that is what the last word was.
    pub fn retry(&mut self) -> bool {
        self.words = if self.unknown { self.before } else { self.words };
        std::mem::take(&mut self.unknown)
    }

    /// Whether words are left after `--`.
    pub fn has_rest(&self) -> bool {
        self.ended && !self.words.is_empty()
    }

    /// Reads on; `extra` are the options of the target and matches named so far.
    #[inline(never)]
    pub fn next(&mut self, extra: &[Long]) -> Result<Option<Item<'a>>, Fail> {
        if !self.cluster.is_empty() {
            return self.short().map(Some);
        }
        if self.ended {
            return Ok(None);
        }
        self.before = self.words;
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

    #[inline(never)]
    fn short(&mut self) -> Result<Item<'a>, Fail> {
        let Some((&option, rest)) = self.cluster.split_first() else { return Err(self.unknown()) };
        self.cluster = b"";
        let attached = (!rest.is_empty()).then_some(rest);
        if b"ACDRIMNEPopsdjitmcg".contains(&option) {
            return self.demanded(option.into(), attached);
        }
        if b"LSFZXhwW".contains(&option) {
            return Ok(Item::Option(option, attached));
        }
        if b"Vfvnx46".contains(&option) {
            self.cluster = rest;
            return Ok(Item::Option(option, None));
        }
        Err(self.unknown())
    }

    /// An option with its argument, attached or in the next word.
    #[inline(never)]
    fn demanded(&mut self, key: u16, attached: Option<&'a [u8]>) -> Result<Item<'a>, Fail> {
        match attached.or_else(|| self.take()) {
            None => Err(Fail::word("option \"", self.word, "\" requires an argument")),
            argument => Ok(item(key, argument)),
        }
    }

    #[inline(never)]
    fn long(&mut self, text: &'a [u8], extra: &[Long]) -> Result<Item<'a>, Fail> {
        let (name, attached) = super::ext::names::split(text, b'=');
        let (mut takes, mut key) = (0, 0);
        // Whether an option is the one, so that no other is looked at.
        let mut is_it = |option: &[u8], its_takes: u8, its_key: u16| {
            if option.starts_with(name) {
                if option.len() == name.len() || key == 0 {
                    (takes, key) = (its_takes, its_key);
                } else if key != its_key {
                    // Options of one key are one option; anything else is ambiguous.
                    takes = 0;
                }
            }
            option == name
        };
        if !each(LONG).any(|option| is_it(option.0, option.1, option.2.into())) {
            let _ = extra.iter().any(|option| is_it(option.0.as_bytes(), option.1, option.2 | EXTENSION));
        }
        match (takes, attached) {
            (0, _) | (b'.', Some(_)) => {
                self.unknown = true;
                Err(self.unknown())
            }
            (b'=', _) => self.demanded(key, attached),
            _ => Ok(item(key, attached)),
        }
    }

    #[inline(never)]
    fn unknown(&self) -> Fail {
        Fail::word("unknown option \"", self.word, "\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cursor::shown;

    fn scan(line: &str) -> String {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut scanner = Scanner::new(&words);
        let mut out = String::new();
        loop {
            match scanner.next(&[("random", b'.', 1), ("random-fully", b'.', 2)]) {
                Ok(Some(Item::Option(key, argument))) => {
                    let name = char::from(key);
                    let argument = argument.map(|a| format!("={}", shown(a))).unwrap_or_default();
                    out += &format!("{name}{argument} ");
                }
                Ok(Some(Item::Extension(key, _))) => out += &format!("#{key} "),
                Ok(Some(Item::Word(word))) => out += &format!("[{}] ", shown(word)),
                Ok(None) => return out,
                Err(fail) => return out + fail.say("iptables").lines().next().unwrap(),
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
            ("--random --random-f", "#1 #2 "),
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
