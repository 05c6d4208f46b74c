//! `ip -batch`: a file of commands in, each carried out in this one process over the sockets
//! that are open; the number of a line that failed out.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;

use super::Object;
use super::context::Context;
use super::fail::{Fail, Outcome};
use super::words::prefixes;
use crate::cli::cursor::{Cursor, shown};
use crate::cli::input;

/// Objects whose commands leave links as they are, so that what was learned of them stays good.
const KEEPS_LINKS: [&str; 5] = ["address", "route", "rule", "neighbour", "nexthop"];

/// Carries out every line of a file (`-` is standard input). Ends at the first that fails, or with
/// `-force` goes on to the last.
pub fn run(context: &mut Context<'_>, file: &[u8], object: Object) -> Outcome {
    let unreadable = |e| Fail::own_io(&["Cannot open file \"", &shown(file), "\" for reading"].concat(), &e);
    let mut input = BufReader::new(input::open(input::path(file)).map_err(unreadable)?);
    context.batch = true;
    let family = context.options.family;
    let (mut number, mut code) = (0, 0);
    // Both are filled again and again, in the room that they have.
    let (mut line, mut words) = (Vec::new(), Vec::new());
    while logical_line(&mut input, &mut line, &mut number).map_err(|e| Fail::own_io("read", &e))? {
        let outcome = split(&line, &mut words).and_then(|()| one(context, &line, &words, object));
        context.options.family = family;
        let done = match outcome {
            Ok(code) => code == 0,
            Err(fail) => fail.print(context.io) == 0,
        };
        if !done {
            context.io.error_of(&["Command failed ", &shown(file), ":", &number.to_string()]);
            code = 1;
            if !context.options.force {
                break;
            }
        }
    }
    Ok(code)
}

/// Carries out one line.
fn one(context: &mut Context<'_>, line: &[u8], words: &[OsString], object: Object) -> Outcome {
    let Some(first) = words.first() else { return Ok(0) };
    context.begin(line);
    let outcome = object(context, Cursor::new(words));
    if !KEEPS_LINKS.iter().any(|object| prefixes(first.as_bytes(), object)) {
        context.forget();
    }
    outcome
}

/// Reads the next line without its comment, joined with those that follow a `\`; false at the end. Counts lines.
fn logical_line(input: &mut impl BufRead, line: &mut Vec<u8>, number: &mut usize) -> std::io::Result<bool> {
    line.clear();
    loop {
        let start = line.len();
        if input.read_until(b'\n', line)? == 0 {
            return Ok(start > 0);
        }
        *number += 1;
        let part = &line[start..];
        let end = part.iter().position(|&b| b == b'#').unwrap_or(part.len());
        match part[..end].strip_suffix(b"\\\n") {
            Some(part) => line.truncate(start + part.len()),
            None => {
                line.truncate(start + end);
                return Ok(true);
            }
        }
    }
}

/// Words of a line, parted by blanks; `"..."` and `'...'` at the start of a word keep them together.
fn split(line: &[u8], words: &mut Vec<OsString>) -> Result<(), Fail> {
    let mut count = 0;
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        let Some(&first) = rest.first() else {
            words.truncate(count);
            return Ok(());
        };
        let (word, after) = if matches!(first, b'"' | b'\'') {
            let inner = &rest[1..];
            let end = inner.iter().position(|&b| b == first).ok_or_else(|| Fail::own("Unterminated quoted string"))?;
            (&inner[..end], &inner[end + 1..])
        } else {
            rest.split_at(rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()))
        };
        if count == words.len() {
            words.push(OsString::new());
        }
        words[count].clear();
        words[count].push(OsStr::from_bytes(word));
        count += 1;
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_counted_and_split() {
        let mut input = &b"link add a \\\n type bridge # one\n\n'x y' \"z\" w\n# end"[..];
        let mut number = 0;
        let mut lines = Vec::new();
        let (mut line, mut words) = (Vec::new(), Vec::new());
        while logical_line(&mut input, &mut line, &mut number).unwrap() {
            split(&line, &mut words).unwrap();
            lines.push((number, words.iter().map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>()));
        }
        assert_eq!(lines[0], (2, ["link", "add", "a", "type", "bridge"].map(String::from).to_vec()));
        assert_eq!(lines[1], (3, Vec::new()));
        assert_eq!(lines[2], (4, ["x y", "z", "w"].map(String::from).to_vec()));
        assert_eq!(lines[3].0, 5);
        assert!(split(b"a 'b", &mut words).is_err());
    }
}
