//! iptables-restore: a file of tables, chains and rules; each table is one transaction, at
//! its COMMIT.

use std::ffi::OsString;
use std::ops::Range;

use super::dialect::Probes;
use super::fail::{Fail, MARK, PROGRAM, Prefix, VERSION};
use super::job::{Command, Job, bit};
use super::parse::{self, Place, Said, chain_name};
use super::tables::{self, Table};
use super::{help, kernel, list};
use crate::cli::cursor::{shown, text};
use crate::cli::getopt::Known;
use crate::cli::input::whole;
use crate::cli::io::Io;
use crate::error::strerror;
use crate::model::ip::Family;
use crate::model::nat::Counters;
use crate::ruleset::{Need, Ruleset};
use crate::sys::nl::NlSocket;
use crate::wire::nft::rule::Dialect;

const OPTIONS: Known = Known {
    letters: "bcvVthnM:T:w::W:",
    names: "binary=b counters=c verbose=v version=V test=t help=h noflush=n modprobe=M table=T wait=w \
            wait-interval=W ipv4=4 ipv6=6",
};

/// What the command line says.
#[derive(Default)]
struct Settings<'a> {
    family: Family,
    counters: bool,
    verbose: bool,
    test: bool,
    keep: bool,
    only: Option<&'a [u8]>,
}

impl Settings<'_> {
    /// Whether commands say what they do: iptables is silent where it keeps or changes nothing.
    fn tells(&self) -> bool {
        self.verbose && !self.keep && !self.test
    }
}

/// Runs the tool.
#[inline(never)]
pub fn run(words: &[OsString], family: Family, io: &mut Io) -> Result<(), Fail> {
    let fail = |pieces: &[&str]| Fail::new(Prefix::None, pieces, 1);
    let parsed = OPTIONS
        .parse(words)
        .map_err(|complaint| fail(&[PROGRAM, ": ", &complaint, "\nTry `", PROGRAM, " -h' for more information."]))?;
    let mut settings = Settings { family, ..Settings::default() };
    let mut wait = false;
    for (option, value) in parsed.options {
        match option {
            b'c' => settings.counters = true,
            b'v' => settings.verbose = true,
            b't' => settings.test = true,
            b'n' => settings.keep = true,
            b'T' => settings.only = Some(value),
            b'4' => settings.family = Family::V4,
            b'6' => settings.family = Family::V6,
            // There is no lock to wait for.
            b'w' => wait = value.is_empty(),
            b'b' => io.error("-b/--binary option is not implemented"),
            b'h' | b'V' => {
                let text = if option == b'h' { help::RESTORE.to_owned() } else { [PROGRAM, VERSION, "\n"].concat() };
                io.print(text.replace(MARK, tool(family)));
                return Ok(());
            }
            _ => {}
        }
    }
    let mut operands = parsed.operands.as_slice();
    // The seconds of `-w` may be a word of their own.
    if let [seconds, rest @ ..] = operands
        && wait
        && seconds.iter().all(u8::is_ascii_digit)
    {
        operands = rest;
    }
    let path = match operands {
        [] => None,
        [path] => Some(*path),
        _ => return Err(fail(&["Unknown arguments found on commandline"])),
    };
    let mut input = whole(path).map_err(|error| {
        let path = path.map_or("standard input".into(), shown);
        fail(&["Can't open ", &path, ": ", &strerror(error.raw_os_error().unwrap_or(libc::EIO))])
    })?;
    let lines = split(&mut input);
    let words: Vec<&[u8]> = lines.words.iter().map(|range| &input[range.clone()]).collect();
    let mut restore = Restore { settings: &settings, kernel: None, probes: Probes::default() };
    restore.all(&input, &lines, &words, io)
}

/// The input in pieces.
#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    /// All words, one line's after the other's.
    words: Vec<Range<usize>>,
    /// Number of lines, whatever is on them.
    count: u32,
}

/// A line that says something.
struct Line {
    number: u32,
    /// Its words, as places in [`Lines::words`].
    words: Range<usize>,
    /// Where its comment is, if it is one.
    comment: Option<Range<usize>>,
    /// Where the counters before its rule are.
    counters: Option<Range<usize>>,
    /// Whether the counters have no end.
    open: bool,
    /// Whether it begins with a word.
    flush: bool,
}

/// Splits the input into words. Quotes and backslashes are taken out on the spot.
#[inline(never)]
fn split(input: &mut [u8]) -> Lines {
    let mut all = Lines::default();
    let mut from = 0;
    while from < input.len() {
        let end = input[from..].iter().position(|&b| b == b'\n').map_or(input.len(), |at| from + at);
        all.count += 1;
        let mut line = Line { number: all.count, words: 0..0, comment: None, counters: None, open: false, flush: true };
        let mut start = from;
        if input[from..end].first() == Some(&b'[') {
            let close = input[from..end].iter().position(|&b| b == b']').map(|at| from + at);
            line.open = close.is_none();
            line.counters = close.map(|close| from + 1..close);
            start = close.map_or(end, |close| close + 1);
        }
        let first = all.words.len();
        match input[from..end].first() {
            None => {}
            Some(b'#') => {
                line.comment = Some(from..end);
                all.lines.push(line);
            }
            Some(_) => {
                line.flush = !input[from].is_ascii_whitespace();
                words(input, start..end, &mut all.words);
                line.words = first..all.words.len();
                all.lines.push(line);
            }
        }
        from = end + 1;
    }
    all
}

/// Splits a line as iptables-restore does: a quote begins or goes on with a word, its end ends it; a
/// backslash counts between quotes only.
#[inline(never)]
fn words(input: &mut [u8], line: Range<usize>, words: &mut Vec<Range<usize>>) {
    let (mut quoted, mut escaped) = (false, false);
    // The word so far is shorter than what it was read from.
    let (mut start, mut end, mut any) = (line.start, line.start, false);
    for at in line.clone() {
        let byte = input[at];
        let ends = match (quoted, byte) {
            (true, _) if escaped => {
                escaped = false;
                false
            }
            (true, b'\\') => {
                escaped = true;
                continue;
            }
            (true, b'"') => {
                quoted = false;
                true
            }
            (false, b'"') => {
                (quoted, any) = (true, true);
                continue;
            }
            (false, b' ' | b'\t') if !any => {
                (start, end) = (at + 1, at + 1);
                continue;
            }
            (false, b' ' | b'\t') => true,
            _ => false,
        };
        if ends {
            words.push(start..end);
            (start, end, any) = (at + 1, at + 1, false);
        } else {
            input[end] = byte;
            (end, any) = (end + 1, true);
        }
    }
    if any && end > start {
        words.push(start..end);
    }
}

struct Restore<'s> {
    settings: &'s Settings<'s>,
    kernel: Option<Ruleset<NlSocket>>,
    probes: Probes,
}

impl Restore<'_> {
    #[inline(never)]
    fn all(&mut self, input: &[u8], lines: &Lines, words: &[&[u8]], io: &mut Io) -> Result<(), Fail> {
        let mut table: Option<&'static Table> = None;
        let mut skipped = false;
        let mut jobs = Vec::new();
        for line in &lines.lines {
            let all = &words[line.words.clone()];
            let failed = || Fail::new(Prefix::None, &[PROGRAM, ": line ", &line.number.to_string(), " failed"], 1);
            // What is indented is a rule.
            let first = all.first().copied().filter(|_| line.flush).unwrap_or_default();
            match (first, table) {
                _ if line.comment.is_some() => {
                    if let Some(range) = line.comment.clone().filter(|_| self.settings.verbose) {
                        io.print_of(&[&shown(&input[range]), "\n"]);
                    }
                }
                ([b'*', name @ ..], None) if !skipped => {
                    let name = if name.is_empty() { all.get(1).copied().unwrap_or_default() } else { name };
                    if self.settings.only.is_some_and(|only| only != name) {
                        skipped = true;
                        continue;
                    }
                    table = Some(
                        tables::find(name).ok_or_else(|| wrong(line, &["table name '", &shown(name), "' invalid"]))?,
                    );
                }
                (b"COMMIT", _) if all.len() == 1 && skipped => skipped = false,
                _ if skipped => {}
                (_, None) => return Err(failed()),
                (b"COMMIT", Some(on)) if all.len() == 1 => {
                    self.commit(on, &mut jobs, io).map_err(|fail| {
                        // What is wrong with a command line is found at the end of the table.
                        if fail.0.prefix == Prefix::Parameter { fail.again(line.number) } else { fail }
                    })?;
                    jobs.clear();
                    table = None;
                }
                ([b':', ..], Some(on)) => jobs.push(self.chain(on, line, all)?),
                (_, Some(on)) => {
                    let counters = line.counters.clone().map_or(&[][..], |range| &input[range]);
                    match self.rule(on, line, all, counters, io)? {
                        Said::Job(job) => jobs.push(*job),
                        Said::Nothing => {}
                        // Help or version ends it, without what was read of this table.
                        Said::Text(text) => {
                            io.print(text.replace(MARK, tool(self.settings.family)));
                            return Ok(());
                        }
                    }
                }
            }
        }
        if table.is_some() {
            let number = (lines.count + 1).to_string();
            return Err(Fail::new(Prefix::None, &[PROGRAM, ": COMMIT expected at line ", &number], 1));
        }
        Ok(())
    }

    /// `:CHAIN POLICY [PACKETS:BYTES]`.
    #[inline(never)]
    fn chain<'a>(&self, table: &'static Table, line: &Line, words: &[&'a [u8]]) -> Result<Job<'a>, Fail> {
        let (first, rest) = words.split_first().map_or((&b""[..], words), |(first, rest)| (*first, rest));
        let (name, rest) = match first.get(1..).unwrap_or_default() {
            b"" => rest.split_first().map_or((&b""[..], rest), |(name, rest)| (*name, rest)),
            name => (name, rest),
        };
        if name.is_empty() {
            return Err(wrong(line, &["chain name invalid"]));
        }
        let Some(&policy) = rest.first() else { return Err(wrong(line, &["policy invalid"])) };
        let builtin = table.builtin(name).is_some();
        let mut counters = Counters::default();
        if !builtin {
            chain_name(name).map_err(|fail| fail.at(line.number))?;
        } else if self.settings.counters && policy != b"-" {
            let inner = rest.get(1).and_then(|word| word.strip_prefix(b"[")?.strip_suffix(b"]"));
            counters = inner
                .and_then(pair)
                .ok_or_else(|| Fail::word("invalid policy counters for chain '", name, "'").at(line.number))?;
        }
        Ok(Job {
            family: self.settings.family,
            table,
            command: if builtin { Command::Policy } else { Command::Renew },
            zero: false,
            chain: Some(name),
            word: policy,
            number: None,
            specs: Vec::new(),
            counters,
            dialect: Dialect::Iptables,
            line: line.number,
            options: 0,
        })
    }

    #[inline(never)]
    fn rule<'a>(
        &mut self,
        table: &'static Table,
        line: &Line,
        words: &'a [&'a [u8]],
        counters: &[u8],
        io: &mut Io,
    ) -> Result<Said<'a>, Fail> {
        let number = line.number;
        if line.open {
            return Err(Fail::parts(&["Bad line ", &number.to_string(), ": need ]"]).at(number));
        }
        let mut place =
            Place { family: self.settings.family, table: Some(table), counters: Counters::default(), line: number };
        if self.settings.counters && line.counters.is_some() {
            place.counters =
                pair(counters).ok_or_else(|| Fail::parameter("-c packet counter not numeric").at(number))?;
        }
        match parse::parse(words, place, io)? {
            Said::Job(job) if matches!(job.command, Command::List | Command::ListRules | Command::Rename) => {
                let what = [
                    "-",
                    match job.command {
                        Command::Rename => "E",
                        Command::List => "L",
                        _ => "S",
                    },
                ]
                .concat();
                Err(Fail::unsupported(&[&what, " in the input of ", PROGRAM].concat(), b"").at(number))
            }
            Said::Job(mut job) => {
                if self.settings.tells() {
                    job.options |= bit(b'v');
                }
                Ok(Said::Job(job))
            }
            other => Ok(other),
        }
    }

    /// Carries out the commands of a table.
    #[inline(never)]
    fn commit(&mut self, table: &'static Table, jobs: &mut [Job<'_>], io: &mut Io) -> Result<(), Fail> {
        let kernel = match &mut self.kernel {
            Some(kernel) => kernel,
            none => none.insert(kernel::open()?),
        };
        for job in jobs.iter_mut() {
            self.probes.choose(job, kernel, io)?;
        }
        let family = self.settings.family;
        let mut out = String::new();
        let anew = !self.settings.keep;
        if self.settings.tells() {
            let seen = kernel::read(kernel, table, family, Need::Chains)?;
            let chains = list::arrange(table, &seen.chains, true);
            for chain in &chains {
                io.print_of(&["Flushing chain `", &shown(&chain.name), "'\n"]);
            }
            for chain in chains.iter().filter(|chain| chain.base.is_none()) {
                io.print_of(&["Deleting chain `", &shown(&chain.name), "'\n"]);
            }
        }
        let done = kernel::change(kernel, (table, family), jobs, anew, self.settings.test, &mut out);
        io.print(&out);
        done
    }
}

fn tool(family: Family) -> &'static str {
    if family == Family::V6 { "ip6tables-restore" } else { "iptables-restore" }
}

/// `PACKETS:BYTES`.
#[inline(never)]
fn pair(word: &[u8]) -> Option<Counters> {
    let (packets, bytes) = text(word).split_once(':')?;
    Some(Counters { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}

fn wrong(line: &Line, what: &[&str]) -> Fail {
    Fail::parts(&[PROGRAM, ": line ", &line.number.to_string(), " ", &what.concat()]).at(line.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_words(line: &str) -> Vec<String> {
        let mut input = line.as_bytes().to_vec();
        let lines = split(&mut input);
        lines.words.iter().map(|range| String::from_utf8(input[range.clone()].to_vec()).unwrap()).collect()
    }

    #[test]
    fn words_are_split_as_iptables_restore_does() {
        for (line, expected) in [
            ("-A INPUT  -j\tACCEPT", &["-A", "INPUT", "-j", "ACCEPT"][..]),
            ("--comment \"\" -j", &["--comment", "", "-j"]),
            ("\"a \\\"b\\\\ c\" d", &["a \"b\\ c", "d"]),
            ("a\"b c\"d e", &["ab c", "d", "e"]),
            ("a\\b 'x y'", &["a\\b", "'x", "y'"]),
            ("  x\n\n# y\n[1:2]z", &["x", "z"]),
            ("\"open", &["open"]),
        ] {
            assert_eq!(split_words(line), expected, "{line}");
        }
    }
}
