//! JSON text (RFC 8259) in, the same tree as of TOML out.

use super::complaint::Complaints;
use super::toml::add;
use super::tree::{Form, Node, Table, Value};
use crate::model::topology::Origin;

/// How deep values may nest.
const DEPTH: u32 = 32;

/// Reads a text. Where its syntax is wrong, the tree is not to be used.
pub fn read(text: &str, file: u16, complaints: &mut Complaints) -> Table<'static> {
    let mut reader = Reader { text, at: 0, file, complaints };
    let node = reader.value(0);
    reader.blanks();
    let end = reader.origin();
    match node {
        Ok(Node { value: Value::Table(table), .. }) if reader.at == text.len() => return table,
        Ok(_) if reader.at < text.len() => complain(reader.complaints, end, "nothing more was expected"),
        Ok(node) => complain(reader.complaints, node.at, "expected an object, {...}"),
        Err(what) => complain(reader.complaints, end, what),
    }
    Table::new(Form::Inline)
}

fn complain(complaints: &mut Complaints, at: Origin, what: &str) {
    complaints.add(at, "JSON syntax: ", &[what]);
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    file: u16,
    complaints: &'a mut Complaints,
}

type Read<T> = Result<T, &'static str>;

impl Reader<'_> {
    fn origin(&self) -> Origin {
        Origin { file: self.file, at: u32::try_from(self.at).unwrap_or(u32::MAX) }
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Takes a byte if it is the next one that is no blank.
    fn takes(&mut self, byte: u8) -> bool {
        self.blanks();
        let is = self.peek() == byte;
        self.at += usize::from(is);
        is
    }

    fn value(&mut self, depth: u32) -> Read<Node<'static>> {
        self.blanks();
        let at = self.origin();
        if depth > DEPTH {
            return Err("nested too deeply");
        }
        let value = match self.peek() {
            b'{' => Value::Table(self.object(depth)?),
            b'[' => Value::List(self.list(depth)?),
            b'"' => Value::Text(self.string()?.into()),
            b'-' | b'0'..=b'9' => self.number()?,
            _ => {
                let names =
                    [("true", Value::Flag(true)), ("false", Value::Flag(false)), ("null", Value::Other("null"))];
                let found = names.into_iter().find(|name| self.text[self.at..].starts_with(name.0));
                let (name, value) = found.ok_or("expected a value")?;
                self.at += name.len();
                value
            }
        };
        Ok(Node { at, value })
    }

    fn object(&mut self, depth: u32) -> Read<Table<'static>> {
        let mut table = Table::new(Form::Inline);
        self.at += 1;
        if self.takes(b'}') {
            return Ok(table);
        }
        loop {
            self.blanks();
            let at = self.origin();
            if self.peek() != b'"' {
                return Err("expected a key in quotes");
            }
            let key = self.string()?;
            if !self.takes(b':') {
                return Err("expected \":\"");
            }
            let node = self.value(depth + 1)?;
            add(&mut table, at, key.into(), node, self.complaints);
            match () {
                () if self.takes(b',') => {}
                () if self.takes(b'}') => return Ok(table),
                () => return Err("expected \",\" or \"}\""),
            }
        }
    }

    fn list(&mut self, depth: u32) -> Read<Vec<Node<'static>>> {
        let mut list = Vec::new();
        self.at += 1;
        if self.takes(b']') {
            return Ok(list);
        }
        loop {
            list.push(self.value(depth + 1)?);
            match () {
                () if self.takes(b',') => {}
                () if self.takes(b']') => return Ok(list),
                () => return Err("expected \",\" or \"]\""),
            }
        }
    }

    fn string(&mut self) -> Read<String> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').ok_or("a string does not end")?;
            out.push_str(&rest[..end]);
            self.at += end;
            match self.peek() {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    let escape = self.peek();
                    let place = b"\"\\/bfnrt".iter().position(|known| *known == escape);
                    match (place, escape) {
                        (Some(place), _) => out.push(char::from(b"\"\\/\x08\x0c\n\r\t"[place])),
                        (None, b'u') => out.push(self.unicode()?),
                        _ => return Err("an unknown escape in a string"),
                    }
                    self.at += 1;
                }
                _ => return Err("a control character in a string"),
            }
        }
        self.at += 1;
        Ok(out)
    }

    /// The character of `\uXXXX`, or of two of them; stands on its last digit afterwards.
    fn unicode(&mut self) -> Read<char> {
        let wrong = "expected four hexadecimal digits of a character";
        let unit = |reader: &mut Self| {
            let digits = reader.text.get(reader.at + 1..reader.at + 5);
            let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            reader.at += 4;
            u32::from_str_radix(digits, 16).ok()
        };
        let mut code = unit(self).ok_or(wrong)?;
        if code & 0xfc00 == 0xd800 && self.text.get(self.at + 1..self.at + 3) == Some("\\u") {
            self.at += 2;
            let low = unit(self).filter(|low| low & 0xfc00 == 0xdc00).ok_or(wrong)?;
            code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        }
        char::from_u32(code).ok_or(wrong)
    }

    fn number(&mut self) -> Read<Value<'static>> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let digits = word.strip_prefix('-').unwrap_or(word);
        let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let is_number = digits[whole..].bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        if whole == 0 || (whole > 1 && digits.starts_with('0')) || !is_number {
            return Err("not a number");
        }
        self.at += end;
        Ok(match word.parse() {
            Ok(number) => Value::Number(number),
            Err(_) if whole == digits.len() => Value::Other("a number of more than 63 bits"),
            Err(_) => Value::Other("a number with a fraction"),
        })
    }
}
