//! An iptables command line becomes a [`Job`]: which command, on which chain, and the
//! rules it describes. Errors come in the order and words of iptables-nft 1.8.9.

mod command;

use super::ext::names;
use super::extension::{Extensions, NAME_MAX, is_target};
use super::fail::{Fail, PROGRAM, VERSION};
use super::getopt::{Item, Scanner};
use super::job::{Command, Job, Side, bit, bits, pairs};
use super::tables::{self, Table};
use super::{address, help};
use crate::cli::cursor::{shown, text};
use crate::cli::io::Io;
use crate::model::ip::Family;
use crate::model::nat::{Counters, IfPattern, Not, Spec};
use crate::model::template::filled;
use crate::wire::nft::rule::Dialect;

/// Where the words of a command line stand.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The tool's family.
    pub family: Family,
    /// The table that iptables-restore is at; `None` for a command line of its own.
    pub table: Option<&'static Table>,
    /// Counters before the rule in the input of iptables-restore.
    pub counters: Counters,
    /// Its line; 0 for a command line.
    pub line: u32,
}

/// What the words say.
#[derive(Debug)]
pub enum Said<'a> {
    /// Something is to be done.
    Job(Box<Job<'a>>),
    /// Only this is to be printed.
    Text(String),
    /// Nothing: the line is for the other family.
    Nothing,
}

/// Options, in the order in which iptables complains of them.
const OPTIONS: &[u8] = b"nsdpjvxio0cf";

struct Parser<'a> {
    place: Place,
    job: Job<'a>,
    /// The rule, but for addresses.
    spec: Spec,
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

/// Reads the words behind the program's name.
pub fn parse<'a>(words: &'a [&'a [u8]], place: Place, io: &mut Io) -> Result<Said<'a>, Fail> {
    read(words, place, io).map_err(|fail| fail.at(place.line))
}

fn read<'a>(words: &'a [&'a [u8]], place: Place, io: &mut Io) -> Result<Said<'a>, Fail> {
    let mut scanner = Scanner::new(words);
    let filter = place.table.or_else(|| tables::find(b"filter"));
    let mut parser = Parser {
        place,
        job: Job {
            family: place.family,
            table: filter.unwrap_or(&tables::TABLES[0]),
            command: Command::None,
            zero: false,
            chain: None,
            word: b"",
            number: None,
            specs: Vec::new(),
            counters: place.counters,
            dialect: Dialect::Iptables,
            line: place.line,
            options: 0,
        },
        spec: Spec::default(),
        command: 0,
        table: place.table.map(|table| table.name.as_bytes()),
        inverted: 0,
        source: None,
        destination: None,
        extensions: Extensions::default(),
        wait: false,
        wait_interval: false,
        not: false,
    };
    parser.extensions.context.is_v6 = place.family == Family::V6;
    loop {
        let item = match scanner.next(&parser.extensions.options) {
            Ok(Some(item)) => item,
            Ok(None) => break,
            // It may be an option of the protocol's match.
            Err(fail) => {
                parser.extensions.context.protocol = parser.spec.protocol;
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
                parser.extensions.context.protocol = parser.spec.protocol;
                let value = argument.unwrap_or_default();
                parser.extensions.option(key, value, parser.not, &mut || scanner.second())?;
                let warnings = std::mem::take(&mut parser.extensions.context.warnings);
                if !warnings.is_empty() {
                    io.error(warnings.trim_end());
                }
            }
            Item::Option(key, argument) => {
                if let Some(said) = parser.option(key, argument, &mut scanner, io)? {
                    return Ok(said);
                }
            }
        }
        parser.not = false;
    }
    parser.finish(scanner.has_rest())?;
    Ok(Said::Job(Box::new(parser.job)))
}

impl<'a> Parser<'a> {
    /// Takes one option; what comes back ends the command line.
    #[inline(never)]
    fn option(
        &mut self,
        letter: u8,
        argument: Option<&'a [u8]>,
        scanner: &mut Scanner<'a>,
        io: &mut Io,
    ) -> Result<Option<Said<'a>>, Fail> {
        let value = argument.unwrap_or_default();
        let restoring = self.place.table.is_some();
        match letter {
            b's' | b'd' | b'p' | b'i' | b'o' | b'n' | b'x' | b'0' | b'c' => self.set(letter)?,
            b'f' if self.place.family == Family::V6 => {
                return Err(Fail::parameter("`-f' is not supported in IPv6, use -m frag instead"));
            }
            b'f' => self.set(letter)?,
            b'v' if !self.job.has(b'v') => self.set(letter)?,
            b'j' | b'g' => self.set(b'j')?,
            b'm' if self.not => return Err(Fail::parameter("unexpected ! flag before --match")),
            b't' if self.not => return Err(Fail::parameter("unexpected ! flag before --table")),
            b't' if restoring => {
                return Err(Fail::parts(&["The -t option cannot be used in ", PROGRAM, ".\n"]));
            }
            b'w' | b'W' if restoring => {
                return Err(Fail::word("You cannot use `-", &[letter], &["' from ", PROGRAM].concat()));
            }
            _ => {}
        }
        match letter {
            b'A' | b'C' | b'D' | b'I' | b'L' | b'S' | b'F' | b'N' | b'X' | b'E' | b'P' | b'R' | b'Z' => {
                self.command(letter, argument, scanner)?;
            }
            b's' => self.source = argument,
            b'd' => self.destination = argument,
            b'p' => self.protocol(value, io)?,
            b'i' => interface(&mut self.spec.input, value, self.not, io)?,
            b'o' => interface(&mut self.spec.output, value, self.not, io)?,
            b'f' => self.spec.fragment = Some(!self.not),
            b'c' => self.counters(value, scanner)?,
            b'j' | b'g' => self.extensions.jump(value, letter == b'g')?,
            b'm' => self.extensions.load_match(value)?,
            b't' => self.table = argument,
            b'v' | b'n' | b'x' | b'0' => {}
            b'w' | b'W' => self.wait(letter, argument.or_else(|| scanner.argument()), io)?,
            b'4' | b'6' => {
                let other = if letter == b'4' { Family::V6 } else { Family::V4 };
                if self.place.family == other {
                    return if restoring { Ok(Some(Said::Nothing)) } else { Err(Fail::advice()) };
                }
            }
            b'h' => return Ok(Some(Said::Text(help::TEXT.to_owned()))),
            b'V' if self.not => return Ok(Some(Said::Text("Not 1.8.9 (nf_tables) ;-)\n".to_owned()))),
            b'V' => return Ok(Some(Said::Text([PROGRAM, VERSION, "\n"].concat()))),
            b'M' => return Err(Fail::unsupported("--modprobe", b"")),
            _ => return Err(Fail::unsupported("-", &[letter])),
        }
        Ok(None)
    }

    /// Notes that an option was given, once, negated only where that means something.
    #[inline(never)]
    fn set(&mut self, letter: u8) -> Result<(), Fail> {
        if self.job.has(letter) {
            return Err(Fail::word("multiple -", &[letter], " flags not allowed"));
        }
        self.job.options |= bit(letter);
        if self.not {
            if !b"sdpiof".contains(&letter) {
                return Err(Fail::word("cannot have ! before -", &[letter], ""));
            }
            self.inverted |= bit(letter);
        }
        Ok(())
    }

    #[inline(never)]
    fn protocol(&mut self, word: &[u8], io: &mut Io) -> Result<(), Fail> {
        let wrong = || Fail::word("unknown protocol \"", word, "\" specified");
        let value = names::protocol(word).ok_or_else(wrong)?;
        let not = self.not;
        if value == 0 {
            // Every protocol is no condition.
            return if not { Err(Fail::parameter("rule would never match protocol")) } else { Ok(()) };
        }
        // What these name in IPv6 is an extension header: the protocol is that behind it.
        if self.place.family == Family::V6 && !not && matches!(value, 43 | 44 | 51 | 60) {
            let name = shown(word).to_ascii_lowercase();
            io.error(filled("Warning: never matched protocol: %. use extension match instead.", &[&name]));
        }
        self.spec.protocol = Some(Not { not, value });
        Ok(())
    }

    /// `-c PACKETS BYTES` or `-c PACKETS,BYTES`.
    #[inline(never)]
    fn counters(&mut self, word: &'a [u8], scanner: &mut Scanner<'a>) -> Result<(), Fail> {
        let (packets, bytes) = names::split(word, b',');
        let Some(bytes) = bytes.or_else(|| scanner.argument()) else {
            return Err(Fail::parameter("-c requires packet and byte counter"));
        };
        let number = |word, wrong| text(word).parse().map_err(|_| Fail::parameter(wrong));
        self.job.counters = Counters {
            packets: number(packets, "-c packet counter not numeric")?,
            bytes: number(bytes, "-c byte counter not numeric")?,
        };
        Ok(())
    }

    /// There is no lock to wait for: the kernel serialises commits. Only the words are checked.
    #[inline(never)]
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

    #[inline(never)]
    fn finish(&mut self, rest: bool) -> Result<(), Fail> {
        let is_nat = self.table == Some(b"nat");
        self.extensions.context.protocol = self.spec.protocol;
        self.extensions.check(is_nat)?;
        let wrong = if is_nat && self.job.command == Command::Policy && self.job.word == b"DROP" {
            NAT_DROP
        } else if rest {
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
        if let Some(name) = self.table {
            self.job.table = tables::find(name).ok_or_else(|| Fail::table(name))?;
        }
        Ok(())
    }

    /// The options that go with the command, and its chain.
    #[inline(never)]
    fn allowed(&self) -> Result<(), Fail> {
        let command = self.job.command;
        let mut legal = match command {
            Command::Append | Command::Insert | Command::Replace => const { bits(b"sdpjviofc") },
            Command::Delete | Command::Check => const { bits(b"sdpjviof") },
            Command::List => const { bits(b"nvx0") },
            Command::Policy => const { bits(b"vc") },
            _ => bit(b'v'),
        };
        if self.job.zero {
            legal |= bit(b'v');
        }
        for &letter in OPTIONS {
            if self.job.has(letter) && legal & bit(letter) == 0 {
                return Err(Fail::word("Illegal option `-", &[letter], "' with this command"));
            }
        }
        let Some(chain) = self.job.chain else { return Ok(()) };
        if chain.len() >= NAME_MAX {
            return Err(Fail::word("chain name `", chain, "' too long (must be under 29 chars)"));
        }
        let (no, before) = match chain {
            b"PREROUTING" | b"INPUT" => (b'o', "Can't use -o with "),
            b"OUTPUT" | b"POSTROUTING" => (b'i', "Can't use -i with "),
            _ => return Ok(()),
        };
        // What is not legal was refused above.
        if self.job.has(no) { Err(Fail::word(before, chain, "\n")) } else { Ok(()) }
    }

    #[inline(never)]
    fn specs(&mut self) -> Result<(), Fail> {
        let side = |word: Option<&[u8]>, letter| {
            let mut side = Side { not: self.inverted & bit(letter) != 0, ..Side::default() };
            if let Some(word) = word {
                address::nets(word, self.place.family, &mut side.nets)?;
            }
            Ok(side)
        };
        let (source, destination) = (side(self.source, b's')?, side(self.destination, b'd')?);
        let several = source.nets.len().max(1) * destination.nets.len().max(1) > 1;
        if [&source, &destination].iter().any(|side| side.not && side.nets.len() > 1) {
            return Err(Fail::parameter("! not allowed with multiple source or destination IP addresses"));
        }
        if several && self.job.command == Command::Replace {
            return Err(Fail::parameter("Replacement rule does not specify a unique address"));
        }
        self.extensions.fill(&mut self.spec);
        self.job.specs = pairs(std::mem::take(&mut self.spec), &source, &destination);
        Ok(())
    }
}

/// Why nothing is dropped in table `nat`.
pub const NAT_DROP: &str =
    "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n";

/// Checks the name of a new chain.
pub fn chain_name(name: &[u8]) -> Result<(), Fail> {
    if let Some(first @ (b'-' | b'!')) = name.first() {
        return Err(Fail::word("chain name not allowed to start with `", &[*first], "'"));
    }
    if is_target(name) {
        return Err(Fail::parameter("chain name may not clash with target name"));
    }
    if name.len() >= NAME_MAX {
        return Err(Fail::word("chain name `", name, "' too long (must be under 29 chars)"));
    }
    if name.iter().any(|b| matches!(b, b'\t'..=b'\r' | b' ')) {
        return Err(Fail::word("Invalid chain name `", name, "'"));
    }
    Ok(())
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
