//! `sysctl`: shows and sets kernel parameters, with the words, texts and exit codes of procps 4.0.

use std::ffi::OsString;

use super::cursor::text;
use super::getopt::Known;
use super::input::{self, whole};
use super::io::Io;
use crate::error::strerror;
use crate::sysctl::{Key, pattern_matches};

/// The options, and whether anything has failed.
#[derive(Default)]
struct Job {
    names_only: bool,
    values_only: bool,
    binary: bool,
    quiet: bool,
    ignore_unknown: bool,
    write: bool,
    dry_run: bool,
    deprecated: bool,
    all: bool,
    load: bool,
    files: Vec<String>,
    pattern: Option<String>,
    /// What each failure adds to the exit code: 1, or 255 for a key outside `/proc/sys`.
    code: u8,
    failed: bool,
    hinted: bool,
}

/// One line to carry out: `key = value`, after the leading `-` that forgives its failure.
struct Setting {
    key: String,
    value: String,
    forgiven: bool,
}

const HELP: &str = "
Usage:
 sysctl [options] [variable[=value] ...]

Options:
  -a, --all            display all variables (-A and -X are the same)
      --deprecated     include deprecated parameters to listing
      --dry-run        print the key and values but do not write
  -b, --binary         print value without new line
  -e, --ignore         ignore unknown variables errors
  -N, --names          print variable names without values
  -n, --values         print only values of the given variable(s)
  -p, --load[=<file>]  read values from file (-f is the same), - for standard input
  -r, --pattern <expression>
                       select settings that match expression (^ $ . * + ? \\ only)
  -q, --quiet          do not echo variable set
  -w, --write          enable writing a value to variable
  -o, -x               do nothing
  -h, --help           display this help and exit (-d is the same)
  -V, --version        output version information and exit
";

const ROOT: &str = "run it as root, or in a sandbox: netstrap sandbox; a container may have /proc/sys read-only";

/// Why a key may be absent.
fn absent() -> &'static str {
    if Key::parse("net/ipv4").look().is_ok() {
        "list the keys with: sysctl -a -r PATTERN; a module may have to be loaded first"
    } else {
        "the keys are files of /proc: mount -t proc proc /proc"
    }
}

/// Runs the applet.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let code = carry_out(argv, io);
    io.finish("sysctl", code)
}

fn carry_out(argv: &[OsString], io: &mut Io) -> u8 {
    let mut job = Job::default();
    let words = match options(&mut job, argv.get(1..).unwrap_or_default(), io) {
        Ok(words) => words,
        Err(code) => return code,
    };
    if argv.len() < 2 {
        io.error(HELP.trim_end_matches('\n'));
        return 1;
    }
    if job.names_only && job.quiet {
        complain(io, "options -N and -q cannot coexist\nTry `sysctl --help' for more information.");
        return 1;
    }
    if job.all {
        job.show_folder(&Key::parse(""), io);
    } else if job.load {
        job.files.extend(words);
        job.load_files(io);
    } else if words.is_empty() {
        complain(io, "no variables specified\nTry `sysctl --help' for more information.");
        return 1;
    } else {
        for word in &words {
            job.word(word, io);
        }
    }
    // Sums may wrap to 0, which would say that all is well.
    if job.failed { job.code.max(1) } else { 0 }
}

/// The options; `\x01` to `\x03` have no letter.
const KNOWN: Known = Known {
    letters: "aAXbdehnNoqwxVp::f::r:\x01\x02\x03",
    names: "all=a deprecated=\x01 dry-run=\x02 binary=b ignore=e names=N values=n load=p pattern=r quiet=q \
            write=w system=\x03 help=h version=V",
};

/// Reads the options and returns the other words; `Err` is an exit code.
fn options(job: &mut Job, argv: &[OsString], io: &mut Io) -> Result<Vec<String>, u8> {
    let parsed = KNOWN.parse(argv).map_err(|what| bad_option(io, &what))?;
    for (letter, value) in parsed.options {
        job.option(letter, text(value), io)?;
    }
    Ok(parsed.operands.into_iter().map(|word| text(word).to_owned()).collect())
}

fn bad_option(io: &mut Io, what: &str) -> u8 {
    complain(io, what);
    io.error(HELP.trim_end_matches('\n'));
    1
}

fn complain(io: &mut Io, what: &str) {
    io.error_of(&["sysctl: ", what]);
}

impl Job {
    fn option(&mut self, letter: u8, value: &str, io: &mut Io) -> Result<(), u8> {
        match letter {
            b'a' | b'A' | b'X' => self.all = true,
            b'b' => self.binary = true,
            b'e' => self.ignore_unknown = true,
            b'N' => self.names_only = true,
            b'n' => self.values_only = true,
            b'q' => self.quiet = true,
            b'w' => self.write = true,
            0x01 => self.deprecated = true,
            0x02 => self.dry_run = true,
            b'p' | b'f' => {
                self.load = true;
                if !value.is_empty() {
                    self.files.push(value.to_owned());
                }
            }
            b'r' => {
                if pattern_matches(value, "").is_none() {
                    complain(
                        io,
                        &["pattern \"", value, "\" is not supported by netstrap (only ^ $ . * + ? \\ are)"].concat(),
                    );
                    return Err(1);
                }
                self.pattern = Some(value.to_owned());
            }
            0x03 => {
                complain(io, "--system is not supported by netstrap; give the files to -p");
                return Err(1);
            }
            b'h' | b'd' => {
                io.print(HELP);
                return Err(0);
            }
            b'V' => {
                io.print(concat!("sysctl from netstrap ", env!("CARGO_PKG_VERSION"), "\n"));
                return Err(0);
            }
            // `-o` and `-x` do nothing, as the help says.
            _ => {}
        }
        Ok(())
    }

    /// A failure to show: each one counts.
    /// What would help, told once.
    fn hint(&mut self, io: &mut Io, advice: &str) {
        if !std::mem::replace(&mut self.hinted, true) {
            io.hint(advice);
        }
    }

    fn fail(&mut self, io: &mut Io, what: &[&str]) {
        complain(io, &what.concat());
        self.count(1);
    }

    /// A failure to set: one or many are the same.
    fn fail_set(&mut self, io: &mut Io, what: &[&str]) {
        complain(io, &what.concat());
        self.failed = true;
        self.code |= 1;
    }

    fn count(&mut self, code: u8) {
        self.failed = true;
        self.code = self.code.wrapping_add(code);
    }

    /// A word of the command line: `key` to show, `key=value` to set.
    fn word(&mut self, word: &str, io: &mut Io) {
        if self.write || word.contains('=') {
            match self.line("command line", 0, word, &mut Vec::new(), io) {
                Some(setting) => self.set(&setting, &Key::parse(&setting.key), io),
                None => (self.failed, self.code) = (true, self.code | 1),
            }
            return;
        }
        let key = Key::parse(word);
        if word.is_empty() {
            complain(io, "\"\" is an unknown key");
            self.count(u8::MAX);
        } else if !key.is_inside() {
            complain(io, &["Path is not under /proc/sys/: ", &key.path()].concat());
            self.count(u8::MAX);
        } else {
            self.show(&key, io);
        }
    }

    fn show(&mut self, key: &Key, io: &mut Io) {
        let name = key.name();
        match key.look() {
            Err(e) => {
                if !self.ignore_unknown {
                    self.fail(io, &["cannot stat ", &key.path(), ": ", &reason(&e)]);
                    self.hint(io, absent());
                }
            }
            Ok(kind) if kind.folder => self.show_folder(key, io),
            Ok(kind) if !kind.readable => {}
            Ok(_) if !self.selects(&name) => {}
            Ok(_) if self.names_only => io.print_of(&[&name, "\n"]),
            Ok(_) => match key.read() {
                Ok(value) => self.print(&name, &String::from_utf8_lossy(&value), io),
                Err(e) => match e.raw_os_error() {
                    Some(libc::EACCES) => {
                        self.fail(io, &["permission denied on key '", &name, "'"]);
                        self.hint(io, ROOT);
                    }
                    // A secret that is not set (net.ipv6.conf.*.stable_secret) answers so.
                    Some(libc::EIO) => self.count(1),
                    _ => self.fail(io, &["reading key \"", &name, "\": ", &reason(&e)]),
                },
            },
        }
    }

    /// Shows what is in a folder. What cannot be read in it is told, and is no failure: a listing
    /// always meets secrets.
    fn show_folder(&mut self, folder: &Key, io: &mut Io) {
        let counted = (self.failed, self.code);
        match folder.children() {
            Ok(keys) => {
                for key in keys {
                    if self.deprecated || !key.is_deprecated() {
                        self.show(&key, io);
                    }
                }
            }
            Err(e) => self.fail(io, &["unable to open directory \"", &folder.path(), "\": ", &reason(&e)]),
        }
        (self.failed, self.code) = counted;
    }

    /// A value line by line, each with its name.
    fn print(&self, name: &str, value: &str, io: &mut Io) {
        for line in value.split_inclusive('\n') {
            let line = if self.binary {
                line.trim_end_matches('\n').to_owned()
            } else {
                [line.trim_end_matches('\n'), "\n"].concat()
            };
            match self.values_only || self.names_only || self.binary {
                true => io.print(line),
                false => io.print_of(&[name, " = ", &line]),
            }
        }
    }

    fn set(&mut self, setting: &Setting, key: &Key, io: &mut Io) {
        let name = key.name();
        if !key.is_inside() {
            return self.fail_set(io, &["Path is not under /proc/sys/: ", &key.path()]);
        }
        let written = match key.look() {
            Err(_) if self.ignore_unknown => return,
            Err(e) => {
                self.fail_set(io, &["cannot stat ", &key.path(), ": ", &reason(&e)]);
                return self.hint(io, absent());
            }
            Ok(kind) if !kind.writable || kind.folder => {
                let text = ["setting key \"", &name, "\": Invalid argument"];
                return if setting.forgiven { complain(io, &text.concat()) } else { self.fail_set(io, &text) };
            }
            Ok(_) if self.dry_run => Ok(()),
            Ok(_) => key.write(&setting.value),
        };
        if let Err(e) = written {
            if !matches!(e.raw_os_error(), Some(libc::EACCES | libc::EPERM | libc::EROFS)) {
                return self.fail_set(io, &["setting key \"", &name, "\": ", &reason(&e)]);
            }
            if !setting.forgiven {
                self.fail_set(io, &["permission denied on key \"", &name, "\""]);
                return self.hint(io, ROOT);
            }
            complain(io, &["permission denied on key \"", &name, "\", ignoring"].concat());
        }
        if !self.quiet || self.dry_run {
            self.print(&name, &[&setting.value, "\n"].concat(), io);
        }
    }

    /// Reads all files first, then sets: a later line without a pattern beats an earlier one with it.
    fn load_files(&mut self, io: &mut Io) {
        if self.files.is_empty() {
            self.files.push("/etc/sysctl.conf".to_owned());
        }
        let (mut settings, mut excluded) = (Vec::new(), Vec::new());
        for file in std::mem::take(&mut self.files) {
            match read_file(&file) {
                Ok(text) => self.parse(&file, &text, &mut settings, &mut excluded, io),
                Err(e) => self.fail_set(io, &["cannot open \"", &file, "\": ", &reason(&e)]),
            }
        }
        for setting in &settings {
            let key = Key::parse(&setting.key);
            if !setting.key.contains(['*', '?']) {
                self.set(setting, &key, io);
                continue;
            }
            for key in key.expand().iter().filter(|key| !excluded.contains(*key)) {
                let plain = settings.iter().any(|other| Key::parse(&other.key) == *key);
                if !plain {
                    self.set(setting, key, io);
                }
            }
        }
    }

    fn parse(&mut self, file: &str, text: &str, settings: &mut Vec<Setting>, excluded: &mut Vec<Key>, io: &mut Io) {
        for (number, line) in text.lines().enumerate() {
            if let Some(setting) = self.line(file, number + 1, line, excluded, io) {
                settings.push(setting);
            }
        }
    }

    /// Reads `key = value`. A leading `-` forgives that it may not be set; before a key alone, it takes the
    /// key out of what patterns stand for.
    fn line(&self, at: &str, number: usize, line: &str, excluded: &mut Vec<Key>, io: &mut Io) -> Option<Setting> {
        let line = line.trim_start();
        // A line of one character says nothing.
        if line.len() < 2 || line.starts_with(['#', ';']) || !self.selects(line) {
            return None;
        }
        let (line, forgiven) = line.strip_prefix('-').map_or((line, false), |line| (line, true));
        match line.split_once('=') {
            Some((key, value)) => {
                Some(Setting { key: key.trim_end().to_owned(), value: value.trim().to_owned(), forgiven })
            }
            None if forgiven => {
                excluded.push(Key::parse(line.trim_end()));
                None
            }
            None => {
                complain(io, &[at, "(", &number.to_string(), "): invalid syntax, continuing..."].concat());
                None
            }
        }
    }

    /// Whether the pattern, if there is one, matches.
    fn selects(&self, text: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern_matches(pattern, text) == Some(true))
    }
}

fn read_file(file: &str) -> std::io::Result<String> {
    whole(input::path(file.as_bytes())).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn reason(error: &std::io::Error) -> String {
    strerror(error.raw_os_error().unwrap_or(libc::EIO))
}
