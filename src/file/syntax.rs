//! TOML 1.0 or JSON (RFC 8259) text in, a tree with the place of everything out. Both have the same values; what
//! differs is told by a flag. Of TOML 1.1, tables between braces may go over several lines.

mod header;
mod number;

use header::{Path, enter, open, said};
use number::number;

use super::complaint::Complaints;
use super::tree::{Form, Node, Table, Value};
use crate::model::topology::Origin;

/// How deep lists and tables between brackets and braces may nest.
const DEPTH: usize = 32;
/// Parts that a key with dots, or a header, may have.
const PARTS: usize = 16;

/// Reads a text: JSON if it begins with a brace. Where its syntax is wrong, the
/// tree has what could be read.
pub fn read(text: &str, file: u16, complaints: &mut Complaints) -> Table<'static> {
    let begin = text.trim_ascii_start();
    let is_json = begin.starts_with('{');
    let mut reader = Reader { text: text.as_bytes(), source: text, at: 0, file, is_json, depth: 0, complaints };
    let mut root = Table::new(Form::Header);
    if is_json {
        reader.gap();
        let read = reader.braces(&mut root).and_then(|()| {
            reader.gap();
            if reader.at < text.len() { Err("nothing more was expected") } else { Ok(()) }
        });
        reader.tell(read);
    } else {
        reader.document(&mut root);
    }
    root
}

struct Reader<'a> {
    text: &'a [u8],
    source: &'a str,
    at: usize,
    file: u16,
    is_json: bool,
    depth: usize,
    complaints: &'a mut Complaints,
}

/// What was read, or what is wrong at the place that the reader stands at.
type Read<T> = Result<T, &'static str>;

impl Reader<'_> {
    fn origin(&self) -> Origin {
        Origin { file: self.file, at: u32::try_from(self.at).unwrap_or(u32::MAX) }
    }

    /// The next byte; 0 at the end.
    #[inline(never)]
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Whether this is what comes next; then it is taken.
    #[inline(never)]
    fn takes(&mut self, what: &str) -> bool {
        let is = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(what.as_bytes()));
        self.at += if is { what.len() } else { 0 };
        is
    }

    #[inline(never)]
    fn tell(&mut self, read: Read<()>) -> bool {
        if let Err(what) = read {
            let (at, name) = (self.origin(), if self.is_json { "JSON syntax: %" } else { "TOML syntax: %" });
            self.complaints.partial(at, name, &[what]);
        }
        read.is_ok()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
    }

    /// Skips blanks and ends of lines, in TOML comments too.
    #[inline(never)]
    fn gap(&mut self) {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' if !self.is_json => self.line(),
                _ => return,
            }
        }
    }

    /// Skips to the end of the line.
    fn line(&mut self) {
        while self.at < self.text.len() && self.peek() != b'\n' {
            self.at += 1;
        }
    }

    fn document(&mut self, root: &mut Table<'static>) {
        self.body(root);
        while self.at < self.text.len() {
            let mut lost = Table::new(Form::Header);
            let is_list = self.takes("[[");
            self.at += usize::from(!is_list);
            let path = self.path().and_then(|path| {
                if !self.takes(if is_list { "]]" } else { "]" }) {
                    return Err("expected \"]\"");
                }
                self.line_end()?;
                Ok(path)
            });
            let table = match path {
                Ok(path) => open(root, &path, is_list, self.complaints),
                Err(what) => {
                    self.tell(Err(what));
                    self.line();
                    None
                }
            };
            self.body(table.unwrap_or(&mut lost));
        }
    }

    /// The pairs up to the next header.
    fn body(&mut self, table: &mut Table<'static>) {
        loop {
            self.gap();
            if self.at >= self.text.len() || self.peek() == b'[' {
                return;
            }
            let read = self.pair(table).and_then(|()| self.line_end());
            if !self.tell(read) {
                // Within brackets nothing tells where the next pair begins.
                self.at = if self.depth > 0 { self.text.len() } else { self.at };
                self.line();
            }
        }
    }

    fn line_end(&mut self) -> Read<()> {
        self.blanks();
        if self.peek() == b'#' {
            self.line();
        }
        match self.at >= self.text.len() || self.takes("\n") || self.takes("\r\n") {
            true => Ok(()),
            false => Err("expected the end of the line"),
        }
    }

    /// `KEY.KEY = VALUE`, or `"KEY": VALUE`.
    #[inline(never)]
    fn pair(&mut self, table: &mut Table<'static>) -> Read<()> {
        let mut path = self.path()?;
        if !self.takes(if self.is_json { ":" } else { "=" }) {
            return Err(if self.is_json { "expected \":\"" } else { "expected \"=\"" });
        }
        if self.is_json {
            self.gap();
        }
        let node = self.value()?;
        let Some((at, key)) = path.pop() else { return Ok(()) };
        let mut table = table;
        for (at, part) in path {
            let entry = enter(table, at, &part, Form::Dotted);
            match &mut entry.node.value {
                Value::Table(inner) if inner.form == Form::Dotted => table = inner,
                _ => {
                    said(at, &part, entry.at, self.complaints);
                    return Ok(());
                }
            }
        }
        match table.find(&key) {
            Some(number) => said(at, &key, table.entry(number).at, self.complaints),
            None => _ = table.push(at, key.into(), node),
        }
        Ok(())
    }

    /// A key; blanks around it are taken.
    #[inline(never)]
    fn path(&mut self) -> Read<Path> {
        let mut path = Path::new();
        loop {
            if self.is_json {
                self.gap()
            } else {
                self.blanks()
            }
            let at = self.origin();
            let is_long = |quotes: &str| self.text[self.at.min(self.text.len())..].starts_with(quotes.as_bytes());
            if !self.is_json && (is_long("\"\"\"") || is_long("'''")) {
                return Err("a key is one line");
            }
            let part = match self.peek() {
                b'"' => self.string()?,
                b'\'' if !self.is_json => self.string()?,
                _ if self.is_json => return Err("expected a key in quotes"),
                _ => {
                    let begin = self.at;
                    while self.peek().is_ascii_alphanumeric() || b"_-".contains(&self.peek()) {
                        self.at += 1;
                    }
                    self.source[begin..self.at].to_owned()
                }
            };
            if self.at == at.at as usize {
                return Err("expected a key");
            }
            if path.len() == PARTS {
                return Err("a key has more than 16 parts");
            }
            path.push((at, part));
            if self.is_json {
                self.gap()
            } else {
                self.blanks()
            }
            if self.is_json || !self.takes(".") {
                return Ok(path);
            }
        }
    }

    #[inline(never)]
    fn value(&mut self) -> Read<Node<'static>> {
        self.blanks();
        let at = self.origin();
        let value = match self.peek() {
            b'{' => {
                let mut table = Table::new(Form::Inline);
                self.braces(&mut table)?;
                Value::Table(table)
            }
            b'[' => {
                let mut list = Vec::new();
                self.enclosed(b']', &mut |reader| {
                    list.push(reader.value()?);
                    Ok(())
                })?;
                Value::List(list)
            }
            b'"' => Value::Text(self.string()?.into()),
            b'\'' if !self.is_json => Value::Text(self.string()?.into()),
            _ => self.word()?,
        };
        Ok(Node { at, value })
    }

    fn braces(&mut self, table: &mut Table<'static>) -> Read<()> {
        self.enclosed(b'}', &mut |reader| reader.pair(table))
    }

    /// What stands between brackets or braces, with commas.
    #[inline(never)]
    fn enclosed(&mut self, close: u8, one: &mut dyn FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if self.depth == DEPTH {
            return Err("nested too deeply");
        }
        self.depth += 1;
        self.at += 1;
        self.gap();
        let mut is_open = self.peek() != close;
        while is_open {
            one(self)?;
            self.gap();
            is_open = self.takes(",");
            self.gap();
            if is_open && !self.is_json && self.peek() == close {
                is_open = false;
            }
        }
        if self.peek() != close {
            return Err(if close == b']' { "expected \",\" or \"]\"" } else { "expected \",\" or \"}\"" });
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// A number, `true`, `false`.
    fn word(&mut self) -> Read<Value<'static>> {
        let rest = &self.source[self.at..];
        let end = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric() && !b"+-._:".contains(&byte));
        let word = &rest[..end.unwrap_or(rest.len())];
        let value = match word {
            "true" => Value::Flag(true),
            "false" => Value::Flag(false),
            "null" if self.is_json => Value::Other("null"),
            "" => return Err("expected a value"),
            _ => number(word, self.is_json).ok_or(if self.is_json {
                "not a value"
            } else if word.bytes().all(|byte| byte.is_ascii_digit() || b"+-_".contains(&byte)) {
                "not a number"
            } else {
                "a string must be quoted"
            })?,
        };
        self.at += word.len();
        Ok(value)
    }

    /// A string; stands behind its closing quote afterwards.
    #[inline(never)]
    fn string(&mut self) -> Read<String> {
        let quote = self.peek();
        let is_long = !self.is_json && (self.takes("\"\"\"") || self.takes("'''"));
        let mut out = String::new();
        match is_long {
            // A line break right behind the quotes is none of the text.
            true => _ = self.takes("\n") || self.takes("\r\n"),
            false => self.at += 1,
        }
        loop {
            let begin = self.at;
            while self.peek() >= b' ' && self.peek() != quote && self.peek() != b'\\'
                || self.peek() == b'\t' && !self.is_json
            {
                self.at += 1;
            }
            out.push_str(&self.source[begin..self.at]);
            let byte = self.peek();
            match byte {
                b'\\' if quote == b'"' => {
                    self.at += 1;
                    self.escape(&mut out, is_long)?;
                }
                _ if byte == quote && !is_long => {
                    self.at += 1;
                    return Ok(out);
                }
                _ if byte == quote => {
                    let rest = &self.text[self.at..];
                    let quotes = rest.iter().take(5).take_while(|byte| **byte == quote).count();
                    self.at += quotes;
                    // Up to two quotes may stand before the closing ones.
                    let own = if quotes >= 3 { quotes - 3 } else { quotes };
                    (0..own).for_each(|_| out.push(char::from(quote)));
                    if quotes >= 3 {
                        return Ok(out);
                    }
                }
                b'\\' => {
                    out.push('\\');
                    self.at += 1;
                }
                b'\n' | b'\r' if is_long => {
                    out.push(char::from(byte));
                    self.at += 1;
                }
                _ if self.at >= self.text.len() || byte == b'\n' => return Err("a string does not end"),
                _ => return Err("a control character in a string"),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self, out: &mut String, is_long: bool) -> Read<()> {
        const KNOWN: &[u8] = b"\"\\bfnrt/";
        let byte = self.peek();
        self.at += 1;
        match byte {
            b'u' => out.push(self.unicode(4)?),
            b'U' if !self.is_json => out.push(self.unicode(8)?),
            b' ' | b'\t' | b'\n' | b'\r' if is_long => {
                // The line goes on at the next word.
                let begin = self.at - 1;
                while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
                    self.at += 1;
                }
                if !self.text[begin..self.at].contains(&b'\n') {
                    return Err("an unknown escape in a string");
                }
            }
            _ => {
                let known = if self.is_json { KNOWN } else { &KNOWN[..7] };
                let Some(place) = known.iter().position(|known| *known == byte) else {
                    self.at -= 1;
                    return Err("an unknown escape in a string");
                };
                out.push(char::from(b"\"\\\x08\x0c\n\r\t/"[place]));
            }
        }
        Ok(())
    }

    /// A character by its number; of JSON, two numbers where one is not enough.
    fn unicode(&mut self, digits: usize) -> Read<char> {
        let code = self.hexadecimal(digits)?;
        let is_half = self.is_json && code & 0xfc00 == 0xd800;
        let code = match is_half && self.takes("\\u") {
            true => match self.hexadecimal(4)? {
                low if low & 0xfc00 == 0xdc00 => 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff),
                _ => code,
            },
            false => code,
        };
        char::from_u32(code).ok_or("not the number of a character")
    }

    fn hexadecimal(&mut self, digits: usize) -> Read<u32> {
        let mut code = 0;
        for _ in 0..digits {
            let digit = char::from(self.peek()).to_digit(16).ok_or("expected hexadecimal digits")?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}
