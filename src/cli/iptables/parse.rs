//! An iptables command line becomes a [`Job`]: which command, on which chain, and the
//! rules it describes. Errors come in the order and words of iptables-nft 1.8.9.

use std::ffi::OsString;

use super::address;
use super::ext::names;
use super::extension::{Extensions, NAME_MAX, listed};
use super::fail::Fail;
use super::getopt::{Item, Scanner};
use super::help;
use super::kernel::builtin;
use crate::cli::cursor::{shown, text};
use crate::cli::io::Io;
use crate::model::ip::Family;
use crate::model::nat::{IfPattern, Net, Not, Spec};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Command {
    /// Nothing was said.
    #[default]
    None,
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
#[derive(Debug, Default)]
pub struct Job<'a> {
    /// The command.
    pub command: Command,
    /// Its chain; `None` is all of them.
    pub chain: Option<&'a [u8]>,
    /// Rule number, from 1.
    pub number: Option<u32>,
    /// The rules that it describes.
    pub specs: Specs,
    /// Bits of the options given, see [`bit`].
    options: u32,
}

impl Job<'_> {
    /// Whether an option was given.
    pub fn has(&self, letter: u8) -> bool {
        self.options & bit(letter) != 0
    }
}

/// The bit of one of the [`OPTIONS`]: they differ in their low five bits.
const fn bit(letter: u8) -> u32 {
    1 << (letter & 31)
}

/// Bits of several options.
const fn bits(letters: &[u8]) -> u32 {
    match letters {
        [first, rest @ ..] => bit(*first) | bits(rest),
        [] => 0,
    }
}

/// Rules that differ in their addresses only: one for each pair of source and destination.
#[derive(Debug, Default)]
pub struct Specs {
    /// What they have in common.
    pub spec: Spec,
    source: Side,
    destination: Side,
}

/// Addresses of `-s` or `-d`; none match all.
#[derive(Debug, Default)]
struct Side {
    nets: Vec<Net>,
    not: bool,
}

impl Side {
    fn get(&self, index: usize) -> Option<Not<Net>> {
        let value = *self.nets.get(index)?;
        // 0.0.0.0/0 is no condition, but its negation is one, which the kernel refuses.
        (self.not || !value.mask().is_unspecified()).then_some(Not { not: self.not, value })
    }
}

impl Specs {
    /// Shows each rule, in order.
    pub fn each(&mut self, show: &mut dyn FnMut(&Spec) -> Result<(), Fail>) -> Result<(), Fail> {
        for source in 0..self.source.nets.len().max(1) {
            for destination in 0..self.destination.nets.len().max(1) {
                self.spec.source = self.source.get(source);
                self.spec.destination = self.destination.get(destination);
                show(&self.spec)?;
            }
        }
        Ok(())
    }
}

/// Options, in the order in which iptables complains of them.
const OPTIONS: &[u8] = b"nsdjvxio0";

struct Parser<'j, 'a> {
    job: &'j mut Job<'a>,
    /// Letter of the command; 0 if there is none yet.
    command: u8,
    table: Option<&'a [u8]>,
    /// Bits of the options with a `!` before.
    inverted: u32,
    source: Option<&'a [u8]>,
    destination: Option<&'a [u8]>,
    extensions: Extensions<'a>,
    wait: bool,
    wait_interval: bool,
    /// A `!` waits for its option.
    not: bool,
}

/// Reads a command line, program name first. A text that comes back is all that is to be done.
pub fn parse<'a>(argv: &'a [OsString], io: &mut Io, job: &mut Job<'a>) -> Result<Option<&'static str>, Fail> {
    let mut scanner = Scanner::new(argv.get(1..).unwrap_or_default());
    let mut parser = Parser {
        job,
        command: 0,
        table: None,
        inverted: 0,
        source: None,
        destination: None,
        extensions: Extensions::default(),
        wait: false,
        wait_interval: false,
        not: false,
    };
    loop {
        let item = match scanner.next(&parser.extensions.options) {
            Ok(Some(item)) => item,
            Ok(None) => break,
            // It may be an option of the protocol's match.
            Err(fail) => {
                parser.extensions.context.protocol = parser.job.specs.spec.protocol;
                if !scanner.retry() || !parser.extensions.load_implied()? {
                    return Err(fail);
                }
                continue;
            }
        };
        match item {
            Item::Word(b"!") if parser.not => return Err(Fail::parameter("multiple consecutive ! not allowed")),
            Item::Word(b"!") => {
                parser.not = true;
                continue;
            }
            Item::Word(word) => return Err(Fail::argument(word)),
            Item::Extension(key, argument) => {
                parser.extensions.context.protocol = parser.job.specs.spec.protocol;
                let value = argument.unwrap_or_default();
                parser.extensions.option(key, value, parser.not, &mut || scanner.second())?;
                let warnings = std::mem::take(&mut parser.extensions.context.warnings);
                if !warnings.is_empty() {
                    io.error(warnings.trim_end());
                }
            }
            Item::Option(key, argument) => {
                let text = parser.option(key, argument, &mut scanner, io)?;
                if text.is_some() {
                    return Ok(text);
                }
            }
        }
        parser.not = false;
    }
    parser.finish(scanner.has_rest())?;
    Ok(None)
}

impl<'a> Parser<'_, 'a> {
    /// Takes one option; a text to print ends the command line.
    fn option(
        &mut self,
        letter: u8,
        argument: Option<&'a [u8]>,
        scanner: &mut Scanner<'a>,
        io: &mut Io,
    ) -> Result<Option<&'static str>, Fail> {
        let value = argument.unwrap_or_default();
        match letter {
            b's' | b'd' | b'i' | b'o' | b'n' | b'x' | b'0' => self.set(letter)?,
            b'v' if !self.job.has(b'v') => self.set(letter)?,
            b'j' | b'g' => self.set(b'j')?,
            b'm' if self.not => return Err(Fail::parameter("unexpected ! flag before --match")),
            b't' if self.not => return Err(Fail::parameter("unexpected ! flag before --table")),
            _ => {}
        }
        match letter {
            b'A' | b'C' | b'D' | b'I' | b'L' | b'S' | b'F' => self.command(letter, argument, scanner)?,
            b's' => self.source = argument,
            b'd' => self.destination = argument,
            b'i' => interface(&mut self.job.specs.spec.input, value, self.not, io)?,
            b'o' => interface(&mut self.job.specs.spec.output, value, self.not, io)?,
            b'j' | b'g' => self.extensions.jump(value, letter == b'g')?,
            b'm' => self.extensions.load_match(value)?,
            b'p' => self.protocol(value)?,
            b't' => self.table = argument,
            b'v' | b'n' | b'x' | b'0' | b'4' => {}
            b'w' | b'W' => self.wait(letter, argument.or_else(|| scanner.argument()), io)?,
            b'6' => return Err(Fail::advice()),
            b'h' => return Ok(Some(help::TEXT)),
            b'V' if self.not => return Ok(Some("Not 1.8.9 (nf_tables) ;-)\n")),
            b'V' => return Ok(Some("iptables v1.8.9 (nf_tables)\n")),
            b'M' => return Err(Fail::unsupported("--modprobe", b"")),
            _ => return Err(Fail::unsupported("-", &[letter])),
        }
        Ok(None)
    }

    fn protocol(&mut self, word: &[u8]) -> Result<(), Fail> {
        let Some(value) = names::protocol(word) else {
            return Err(Fail::word("unknown protocol \"", word, "\" specified"));
        };
        self.job.specs.spec.protocol = (value != 0).then_some(Not { not: self.not, value });
        Ok(())
    }

    fn command(&mut self, letter: u8, argument: Option<&'a [u8]>, scanner: &mut Scanner<'a>) -> Result<(), Fail> {
        if self.not {
            return Err(Fail::parameter("unexpected '!' flag"));
        }
        if self.command != 0 {
            return Err(Fail::word(
                "Cannot use -",
                &[letter, b' ', b'w', b'i', b't', b'h', b' ', b'-', self.command],
                "",
            ));
        }
        self.command = letter;
        self.job.command = match letter {
            b'A' => Command::Append,
            b'C' => Command::Check,
            b'D' => Command::Delete,
            b'I' => Command::Insert,
            b'L' => Command::List,
            b'S' => Command::ListRules,
            _ => Command::Flush,
        };
        self.job.chain = argument.or_else(|| scanner.argument());
        if matches!(letter, b'D' | b'I' | b'L' | b'S')
            && self.job.chain.is_some()
            && let Some(word) = scanner.argument()
        {
            self.job.number = address::number(text(word)).filter(|&n| n > 0 && n <= i32::MAX.cast_unsigned());
            if self.job.number.is_none() {
                return Err(Fail::word("Invalid rule number `", word, "'"));
            }
            if letter == b'D' {
                self.job.command = Command::DeleteNumber;
            }
        }
        Ok(())
    }

    /// Notes that an option was given, once, negated only where that means something.
    #[inline(never)]
    fn set(&mut self, letter: u8) -> Result<(), Fail> {
        if self.job.has(letter) {
            return Err(Fail::word("multiple -", &[letter], " flags not allowed"));
        }
        self.job.options |= bit(letter);
        if self.not {
            if !b"sdio".contains(&letter) {
                return Err(Fail::word("cannot have ! before -", &[letter], ""));
            }
            self.inverted |= bit(letter);
        }
        Ok(())
    }

    /// There is no lock to wait for: the kernel serialises commits. Only the words are checked.
    fn wait(&mut self, letter: u8, argument: Option<&[u8]>, io: &mut Io) -> Result<(), Fail> {
        let numeric = argument.map(|word| word.first().is_some_and(u8::is_ascii_digit));
        let wrong = match (letter, numeric) {
            (b'w', Some(false)) => "wait seconds not numeric",
            (b'w', _) => {
                self.wait = true;
                return Ok(());
            }
            (_, None) => "wait interval value required",
            (_, Some(false)) => "wait interval not numeric",
            (_, Some(true)) => {
                self.wait_interval = true;
                io.error("Ignoring deprecated --wait-interval option.");
                return Ok(());
            }
        };
        Err(Fail::parameter(wrong))
    }

    fn finish(&mut self, rest: bool) -> Result<(), Fail> {
        self.extensions.context.protocol = self.job.specs.spec.protocol;
        self.extensions.check(self.table == Some(b"nat"))?;
        let wrong = if rest {
            "unknown arguments found on commandline"
        } else if self.command == 0 {
            "no command specified"
        } else if self.not {
            "nothing appropriate following !"
        } else if self.wait_interval && !self.wait {
            "--wait-interval only makes sense with --wait\n"
        } else {
            ""
        };
        if !wrong.is_empty() {
            return Err(Fail::parameter(wrong));
        }
        self.specs()?;
        self.allowed()?;
        match self.table.unwrap_or(b"filter") {
            b"nat" => Ok(()),
            name if listed("filter mangle raw security", name) => Err(Fail::unsupported("table ", name)),
            name => Err(Fail::table(name)),
        }
    }

    /// The options that go with the command, and its chain.
    fn allowed(&self) -> Result<(), Fail> {
        let legal = match self.job.command {
            Command::Append | Command::Insert | Command::Delete | Command::Check => const { bits(b"sdjvio") },
            Command::List => const { bits(b"nvx0") },
            _ => bit(b'v'),
        };
        for &letter in OPTIONS {
            if self.job.has(letter) && legal & bit(letter) == 0 {
                return Err(Fail::word("Illegal option `-", &[letter], "' with this command"));
            }
        }
        let Some(chain) = self.job.chain else { return Ok(()) };
        if chain.len() >= NAME_MAX {
            return Err(Fail::word("chain name `", chain, "' too long (must be under 29 chars)"));
        }
        // Hooks 0 and 1 come before routing to the way out.
        let (no, before) = match builtin(chain).map(|base| base.hook) {
            Some(0 | 1) => (b'o', "Can't use -o with "),
            Some(_) => (b'i', "Can't use -i with "),
            None => return Ok(()),
        };
        // What is not legal was refused above.
        if self.job.has(no) { Err(Fail::word(before, chain, "\n")) } else { Ok(()) }
    }

    fn specs(&mut self) -> Result<(), Fail> {
        let specs = &mut self.job.specs;
        specs.source.not = self.inverted & bit(b's') != 0;
        specs.destination.not = self.inverted & bit(b'd') != 0;
        for (side, word) in [(&mut specs.source, self.source), (&mut specs.destination, self.destination)] {
            if let Some(word) = word {
                address::nets(word, Family::V4, &mut side.nets)?;
            }
        }
        if [&specs.source, &specs.destination].iter().any(|side| side.not && side.nets.len() > 1) {
            return Err(Fail::parameter("! not allowed with multiple source or destination IP addresses"));
        }
        self.extensions.fill(&mut specs.spec);
        Ok(())
    }
}

/// Takes an interface's name, or the beginning of names with a `+`; `+` alone is no condition.
#[inline(never)]
fn interface(place: &mut Option<Not<IfPattern>>, word: &[u8], not: bool, io: &mut Io) -> Result<(), Fail> {
    if word.is_empty() {
        return Err(Fail::parameter("Empty interface is likely to be undesired"));
    }
    let (name, wild) = match word {
        [name @ .., b'+'] => (name, true),
        _ => (word, false),
    };
    let pattern = match IfPattern::new(name, wild) {
        Some(pattern) if word.len() < 16 => pattern,
        _ => return Err(Fail::word("interface name `", word, "' must be shorter than IFNAMSIZ (15)")),
    };
    if name.iter().any(|b| matches!(b, b'/' | b' ')) {
        let text =
            ["Warning: weird character in interface `", &shown(word), "' ('/' and ' ' are not allowed by the kernel)."];
        io.error(text.concat());
    }
    *place = (not || !name.is_empty()).then_some(Not { not, value: pattern });
    Ok(())
}
