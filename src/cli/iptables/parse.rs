//! An iptables command line becomes a [`Job`]: which command, on which chain, and the
//! rules it describes. Errors come in the order and words of iptables-nft 1.8.9.

use std::ffi::OsString;

use super::address;
use super::extension::{Extensions, Jump};
use super::fail::{Fail, PROGRAM};
use super::getopt::{EXTENSION, Item, Scanner};
use crate::cli::cursor::{shown, text};
use crate::cli::io::Io;
use crate::model::nat::{IfPattern, Net, Not, Spec};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `-A`
    Append,
    /// `-C`
    Check,
    /// `-D` with a description
    Delete,
    /// `-D` with a number
    DeleteNumber,
    /// `-F`
    Flush,
    /// `-I`
    Insert,
    /// `-L`
    List,
    /// `-S`
    ListRules,
}

/// A command line that makes sense.
#[derive(Debug)]
pub struct Job {
    /// The command.
    pub command: Command,
    /// Its chain; `None` is all of them.
    pub chain: Option<Vec<u8>>,
    /// Rule number, from 1.
    pub number: Option<u32>,
    /// The rules that it describes: several for lists of addresses.
    pub specs: Vec<Spec>,
    /// `-v`
    pub verbose: bool,
    /// `-n`
    pub numeric: bool,
    /// `-x`
    pub exact: bool,
    /// `--line-numbers`
    pub line_numbers: bool,
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// Something to do.
    Job(Job),
    /// Only a text.
    Print(String),
}

/// Longest chain or target name, with its NUL.
const NAME_MAX: usize = 29;
/// Options, in the order in which iptables complains of them.
const OPTIONS: &[u8] = b"nsdjvxio0";

#[derive(Default)]
struct Parser<'a> {
    command: Option<(Command, u8)>,
    chain: Option<&'a [u8]>,
    number: Option<u32>,
    table: Option<&'a [u8]>,
    /// Options seen, and those of them with a `!` before.
    seen: Vec<u8>,
    inverted: Vec<u8>,
    source: Option<&'a [u8]>,
    destination: Option<&'a [u8]>,
    input: Option<IfPattern>,
    output: Option<IfPattern>,
    extensions: Extensions,
    wait: bool,
    wait_interval: bool,
    /// A `!` waits for its option.
    not: bool,
}

/// Reads a command line, program name first.
pub fn parse(argv: &[OsString], io: &mut Io) -> Result<Parsed, Fail> {
    let mut scanner = Scanner::new(argv.get(1..).unwrap_or_default());
    let mut parser = Parser::default();
    while let Some(item) = scanner.next(parser.extensions.options())? {
        match item {
            Item::Word(b"!") if parser.not => return Err(Fail::parameter("multiple consecutive ! not allowed")),
            Item::Word(b"!") => {
                parser.not = true;
                continue;
            }
            Item::Word(word) => return Err(Fail::bare(&format!("Bad argument `{}'", shown(word)))),
            Item::Option(key, argument) if key >= EXTENSION => {
                parser.extensions.option(key, argument.unwrap_or_default(), parser.not)?;
            }
            Item::Option(key, argument) => {
                let letter = u8::try_from(key).unwrap_or(b'?');
                if let Some(text) = parser.option(letter, argument, &mut scanner, io)? {
                    return Ok(Parsed::Print(text));
                }
            }
        }
        parser.not = false;
    }
    parser.finish(scanner.has_rest()).map(Parsed::Job)
}

impl<'a> Parser<'a> {
    /// Takes one option; a text to print ends the command line.
    fn option(
        &mut self,
        letter: u8,
        argument: Option<&'a [u8]>,
        scanner: &mut Scanner<'a>,
        io: &mut Io,
    ) -> Result<Option<String>, Fail> {
        let value = argument.unwrap_or_default();
        match letter {
            b'A' | b'C' | b'D' | b'I' | b'L' | b'S' | b'F' => self.command(letter, argument, scanner)?,
            b's' => {
                self.set(letter)?;
                self.source = Some(value);
            }
            b'd' => {
                self.set(letter)?;
                self.destination = Some(value);
            }
            b'i' => {
                self.set(letter)?;
                self.input = Some(interface(value, io)?);
            }
            b'o' => {
                self.set(letter)?;
                self.output = Some(interface(value, io)?);
            }
            b'j' | b'g' => {
                self.set(b'j')?;
                self.extensions.jump(value, letter == b'g')?;
            }
            b'm' if self.not => return Err(Fail::parameter("unexpected ! flag before --match")),
            b'm' => self.extensions.load_match(value)?,
            b't' if self.not => return Err(Fail::parameter("unexpected ! flag before --table")),
            b't' => self.table = Some(value),
            b'v' if self.seen.contains(&b'v') => {}
            b'v' | b'n' | b'x' | b'0' => self.set(letter)?,
            b'w' | b'W' => self.wait(letter, argument.or_else(|| scanner.argument()), io)?,
            b'4' => {}
            b'6' => return Err(Fail::bare("")),
            b'h' => return Ok(Some(super::help::text())),
            b'V' if self.not => return Ok(Some("Not 1.8.9 (nf_tables) ;-)\n".into())),
            b'V' => return Ok(Some(format!("{PROGRAM}\n"))),
            b'M' => return Err(Fail::unsupported("--modprobe")),
            _ => return Err(Fail::unsupported(&format!("-{}", char::from(letter)))),
        }
        Ok(None)
    }

    fn command(&mut self, letter: u8, argument: Option<&'a [u8]>, scanner: &mut Scanner<'a>) -> Result<(), Fail> {
        if self.not {
            return Err(Fail::parameter("unexpected '!' flag"));
        }
        if let Some((_, old)) = self.command {
            let text = format!("Cannot use -{} with -{}", char::from(letter), char::from(old));
            return Err(Fail::parameter(text));
        }
        let mut command = match letter {
            b'A' => Command::Append,
            b'C' => Command::Check,
            b'D' => Command::Delete,
            b'I' => Command::Insert,
            b'L' => Command::List,
            b'S' => Command::ListRules,
            _ => Command::Flush,
        };
        self.chain = argument.or_else(|| scanner.argument());
        if matches!(letter, b'D' | b'I' | b'L' | b'S')
            && self.chain.is_some()
            && let Some(word) = scanner.argument()
        {
            let number = address::number(text(word)).filter(|&n| n > 0 && n <= i32::MAX.cast_unsigned());
            let bad = || Fail::parameter(format!("Invalid rule number `{}'", shown(word)));
            self.number = Some(number.ok_or_else(bad)?);
            if letter == b'D' {
                command = Command::DeleteNumber;
            }
        }
        self.command = Some((command, letter));
        Ok(())
    }

    /// Notes that an option was given, once, negated only where that means something.
    fn set(&mut self, letter: u8) -> Result<(), Fail> {
        let name = char::from(letter);
        if self.seen.contains(&letter) {
            return Err(Fail::parameter(format!("multiple -{name} flags not allowed")));
        }
        self.seen.push(letter);
        if self.not {
            if !matches!(letter, b's' | b'd' | b'i' | b'o') {
                return Err(Fail::parameter(format!("cannot have ! before -{name}")));
            }
            self.inverted.push(letter);
        }
        Ok(())
    }

    /// There is no lock to wait for: the kernel serialises commits. Only the words are checked.
    fn wait(&mut self, letter: u8, argument: Option<&[u8]>, io: &mut Io) -> Result<(), Fail> {
        let numeric = argument.map(|word| word.first().is_some_and(u8::is_ascii_digit));
        if letter == b'w' {
            self.wait = true;
            return if numeric == Some(false) { Err(Fail::parameter("wait seconds not numeric")) } else { Ok(()) };
        }
        match numeric {
            None => Err(Fail::parameter("wait interval value required")),
            Some(false) => Err(Fail::parameter("wait interval not numeric")),
            Some(true) => {
                self.wait_interval = true;
                io.error("Ignoring deprecated --wait-interval option.");
                Ok(())
            }
        }
    }

    fn finish(mut self, rest: bool) -> Result<Job, Fail> {
        self.extensions.check(self.table == Some(b"nat"))?;
        if rest {
            return Err(Fail::parameter("unknown arguments found on commandline"));
        }
        let Some((command, _)) = self.command else { return Err(Fail::parameter("no command specified")) };
        if self.not {
            return Err(Fail::parameter("nothing appropriate following !"));
        }
        if self.wait_interval && !self.wait {
            return Err(Fail::parameter("--wait-interval only makes sense with --wait\n"));
        }
        let specs = self.specs()?;
        self.allowed(command)?;
        if self.table != Some(b"nat") {
            return Err(wrong_table(self.table.unwrap_or(b"filter")));
        }
        let has = |letter| self.seen.contains(&letter);
        Ok(Job {
            command,
            chain: self.chain.map(<[u8]>::to_vec),
            number: self.number,
            specs,
            verbose: has(b'v'),
            numeric: has(b'n'),
            exact: has(b'x'),
            line_numbers: has(b'0'),
        })
    }

    /// The options that go with the command, and its chain.
    fn allowed(&self, command: Command) -> Result<(), Fail> {
        let legal: &[u8] = match command {
            Command::Append | Command::Insert | Command::Delete | Command::Check => b"sdjvio",
            Command::List => b"nvx0",
            Command::DeleteNumber | Command::ListRules | Command::Flush => b"v",
        };
        if let Some(&letter) = OPTIONS.iter().find(|l| self.seen.contains(l) && !legal.contains(l)) {
            return Err(Fail::parameter(format!("Illegal option `-{}' with this command", char::from(letter))));
        }
        let Some(chain) = self.chain else { return Ok(()) };
        if chain.len() >= NAME_MAX {
            let text = format!("chain name `{}' too long (must be under {NAME_MAX} chars)", shown(chain));
            return Err(Fail::parameter(text));
        }
        let no = match chain {
            b"PREROUTING" | b"INPUT" => b'o',
            b"POSTROUTING" | b"OUTPUT" => b'i',
            _ => return Ok(()),
        };
        if self.seen.contains(&no) && legal.contains(&no) {
            return Err(Fail::parameter(format!("Can't use -{} with {}\n", char::from(no), shown(chain))));
        }
        Ok(())
    }

    /// One rule for each pair of source and destination.
    fn specs(&mut self) -> Result<Vec<Spec>, Fail> {
        let not = |letter| self.inverted.contains(&letter);
        let sides = |word: Option<&[u8]>, not: bool| -> Result<Vec<Option<Not<Net>>>, Fail> {
            let Some(word) = word else { return Ok(vec![None]) };
            let nets = address::nets(word)?.into_iter();
            // 0.0.0.0/0 is no condition, but its negation is one, which the kernel refuses.
            Ok(nets.map(|value| (not || !value.mask().is_unspecified()).then_some(Not { not, value })).collect())
        };
        let sources = sides(self.source, not(b's'))?;
        let destinations = sides(self.destination, not(b'd'))?;
        if (sources.len() > 1 && not(b's')) || (destinations.len() > 1 && not(b'd')) {
            return Err(Fail::parameter("! not allowed with multiple source or destination IP addresses"));
        }
        let pattern = |pattern: Option<IfPattern>, not: bool| {
            pattern.filter(|p| not || !p.name.is_empty()).map(|value| Not { not, value })
        };
        let base = Spec {
            input: pattern(self.input.take(), not(b'i')),
            output: pattern(self.output.take(), not(b'o')),
            comment: self.extensions.comment.take(),
            target: self.extensions.target(),
            ..Spec::default()
        };
        let mut specs = Vec::with_capacity(sources.len() * destinations.len());
        for &source in &sources {
            for &destination in &destinations {
                specs.push(Spec { source, destination, ..base.clone() });
            }
        }
        Ok(specs)
    }
}

/// An interface's name, or the beginning of names with a `+`.
fn interface(word: &[u8], io: &mut Io) -> Result<IfPattern, Fail> {
    if word.is_empty() {
        return Err(Fail::parameter("Empty interface is likely to be undesired"));
    }
    if word.len() > 15 {
        let text = format!("interface name `{}' must be shorter than IFNAMSIZ (15)", shown(word));
        return Err(Fail::parameter(text));
    }
    let (name, wild) = match word.strip_suffix(b"+") {
        Some(name) => (name, true),
        None => (word, false),
    };
    if name.iter().any(|b| matches!(b, b'/' | b' ')) {
        let word = shown(word);
        io.error(format!(
            "Warning: weird character in interface `{word}' ('/' and ' ' are not allowed by the kernel)."
        ));
    }
    Ok(IfPattern { name: name.to_vec(), wild })
}

/// Checks and keeps the name of a chain that is jumped to.
pub fn target_name(word: &[u8], goto: bool) -> Result<Jump, Fail> {
    if word.is_empty() {
        return Err(Fail::parameter("Invalid target name (too short)"));
    }
    if word.len() >= NAME_MAX {
        let text = format!("Invalid target name `{}' ({} chars max)", shown(word), NAME_MAX - 1);
        return Err(Fail::parameter(text));
    }
    if word.iter().any(|b| b.is_ascii_whitespace() || *b == 0x0b) {
        return Err(Fail::parameter(format!("Invalid target name `{}'", shown(word))));
    }
    Ok(Jump { name: word.to_vec(), goto })
}

fn wrong_table(name: &[u8]) -> Fail {
    match name {
        b"filter" | b"mangle" | b"raw" | b"security" => Fail::unsupported(&format!("table {}", shown(name))),
        _ => Fail::version(&format!("table '{}' does not exist", shown(name))),
    }
}
