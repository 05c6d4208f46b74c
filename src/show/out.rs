//! The writer behind every listing: each field is given once, with its JSON key and
//! its words, and comes out as iproute2-shaped text or as JSON.

use crate::model::ip::Family;
use crate::model::name::printable;

/// Shape of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Lines of words.
    #[default]
    Text,
    /// One JSON array on one line.
    Json,
    /// JSON with line breaks and four-space indents.
    Pretty,
}

/// What a coloured listing sets off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// A link's name.
    IfName,
    /// A hardware address.
    Mac,
    /// An IPv4 address.
    Inet,
    /// An IPv6 address.
    Inet6,
    /// The state `UP`.
    Up,
    /// The state `DOWN`.
    Down,
}

impl Colour {
    /// Number of the terminal's colour (ECMA-48 SGR).
    fn code(self) -> &'static str {
        match self {
            Colour::IfName => "36",
            Colour::Mac => "33",
            Colour::Inet => "35",
            Colour::Inet6 => "34",
            Colour::Up => "32",
            Colour::Down => "31",
        }
    }

    /// The colour of an address of a family.
    pub fn of(family: Family) -> Option<Self> {
        match family {
            Family::V4 => Some(Colour::Inet),
            Family::V6 => Some(Colour::Inet6),
            _ => None,
        }
    }
}

/// Value of a field in front of a record, as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// `true`.
    True,
    /// A string.
    Word(String),
}

/// Collects a listing.
#[derive(Debug)]
pub struct Out {
    format: Format,
    oneline: bool,
    colours: bool,
    /// Colour of the next words.
    paint: Option<Colour>,
    /// Whether the records stand alone, one a line, instead of in one list.
    alone: bool,
    /// Fields that the next record begins with: key, value, and words.
    lead: Vec<(&'static str, Lead, String)>,
    buf: Vec<u8>,
    depth: usize,
    comma: bool,
}

impl Out {
    /// Starts a listing; with `oneline`, breaks inside a record become `\`.
    pub fn new(format: Format, oneline: bool) -> Self {
        let mut out = Out::alone(format, oneline);
        out.alone = false;
        if out.is_json() {
            out.open('[');
        }
        out
    }

    /// Starts what is one record only, without a list around it.
    pub fn alone(format: Format, oneline: bool) -> Self {
        Out {
            format,
            oneline,
            colours: false,
            paint: None,
            alone: true,
            lead: Vec::new(),
            buf: Vec::new(),
            depth: 0,
            comma: false,
        }
    }

    /// With colours, or without.
    #[must_use]
    pub fn coloured(mut self, colours: bool) -> Self {
        self.colours = colours;
        self
    }

    /// Gives the next words of text a colour, if the listing has colours.
    pub fn paint(&mut self, colour: impl Into<Option<Colour>>) -> &mut Self {
        self.paint = colour.into().filter(|_| self.colours && !self.is_json());
        self
    }

    /// Ends the listing and hands out its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        if self.is_json() && !self.alone {
            self.close(']');
        }
        if self.is_json() && !self.buf.is_empty() {
            self.buf.push(b'\n');
        }
        self.buf
    }

    /// Whether JSON is written: for what only one of the two shapes has.
    pub fn is_json(&self) -> bool {
        self.format != Format::Text
    }

    /// Text only: words as they are.
    pub fn text(&mut self, words: &str) {
        self.pieces(&[words]);
    }

    /// Text only: words of several pieces.
    pub fn pieces(&mut self, pieces: &[&str]) {
        if !self.is_json() {
            let paint = self.begin_paint();
            self.raw(pieces);
            self.end_paint(paint);
        }
    }

    /// Text only: a line break inside a record (`\` with `-o`).
    pub fn line_break(&mut self) {
        let separator = if self.oneline { "\\" } else { "\n" };
        self.text(separator);
    }

    /// A string: `before`, the value and `after` as text.
    pub fn str(&mut self, key: &str, before: &str, value: &str, after: &str) {
        if self.is_json() {
            self.key(key);
            self.quoted(value.as_bytes());
        } else {
            self.words(before, value.as_bytes(), after);
        }
    }

    /// A name as the kernel has it, which may be any bytes.
    pub fn name(&mut self, key: &str, before: &str, value: &[u8], after: &str) {
        if self.is_json() {
            self.key(key);
            self.quoted(value);
        } else {
            match is_plain(value) {
                true => self.words(before, value, after),
                false => self.words(before, printable(value).as_bytes(), after),
            }
        }
    }

    /// A number.
    pub fn num(&mut self, key: &str, before: &str, value: impl Into<i64>, after: &str) {
        self.number(key, before, value.into(), after);
    }

    fn number(&mut self, key: &str, before: &str, value: i64, after: &str) {
        let mut room = [0; 20];
        let mut at = room.len();
        let mut left = value.unsigned_abs();
        while left != 0 || at == room.len() {
            at -= 1;
            // A digit has one byte.
            room[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
        }
        if value < 0 {
            at -= 1;
            room[at] = b'-';
        }
        self.bare(key, before, &room[at..], after);
    }

    /// A number in digits, which may be longer than 64 bits allow or have a fraction.
    pub fn digits(&mut self, key: &str, before: &str, digits: &str, after: &str) {
        self.bare(key, before, digits.as_bytes(), after);
    }

    /// A value without quotes.
    fn bare(&mut self, key: &str, before: &str, value: &[u8], after: &str) {
        if self.is_json() {
            self.key(key);
            self.buf.extend_from_slice(value);
        } else {
            self.words(before, value, after);
        }
    }

    /// JSON only: a number.
    pub fn json_num(&mut self, key: &str, value: impl Into<i64>) {
        if self.is_json() {
            self.number(key, "", value.into(), "");
        }
    }

    /// JSON only: `true` or `false`.
    pub fn json_bool(&mut self, key: &str, value: bool) {
        if self.is_json() {
            self.key(key);
            self.buf.extend_from_slice(if value { b"true" } else { b"false" });
        }
    }

    /// Something that is there: its words as text, `key: true` as JSON.
    pub fn flag(&mut self, key: &str, words: &str) {
        self.json_bool(key, true);
        self.text(words);
    }

    /// Something that is there, which iproute2 writes as `key: null`.
    pub fn null(&mut self, key: &str, words: &str) {
        if self.is_json() {
            self.key(key);
            self.buf.extend_from_slice(b"null");
        }
        self.text(words);
    }

    /// A string of a list.
    pub fn item(&mut self, before: &str, value: &str, after: &str) {
        if self.is_json() {
            self.separate();
            self.quoted(value.as_bytes());
        } else {
            self.words(before, value.as_bytes(), after);
        }
    }

    /// A name of a list, any bytes.
    pub fn name_item(&mut self, before: &str, value: &[u8], after: &str) {
        if self.is_json() {
            self.separate();
            self.quoted(value);
        } else {
            self.words(before, printable(value).as_bytes(), after);
        }
    }

    /// Gives the next record a field in front.
    pub fn lead(&mut self, key: &'static str, value: Lead, words: impl Into<String>) {
        self.lead.push((key, value, words.into()));
    }

    /// A record of the listing or of a list.
    pub fn record(&mut self, fill: impl FnOnce(&mut Self)) {
        self.begin_record();
        fill(self);
        self.end('}');
    }

    /// Out of line: every kind of record begins with it.
    #[inline(never)]
    fn begin_record(&mut self) {
        self.begin(None, '{');
        for (key, value, words) in std::mem::take(&mut self.lead) {
            match value {
                Lead::True => self.flag(key, &words),
                Lead::Word(value) => {
                    if self.is_json() {
                        self.str(key, "", &value, "");
                    }
                    self.text(&words);
                }
            }
        }
    }

    /// A list under a key.
    pub fn list(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.begin(Some(key), '[');
        fill(self);
        self.end(']');
    }

    /// An object under a key.
    pub fn object(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.begin(Some(key), '{');
        fill(self);
        self.end('}');
    }

    fn begin(&mut self, key: Option<&str>, bracket: char) {
        if self.is_json() {
            match key {
                Some(key) => self.key(key),
                None => self.separate(),
            }
            self.open(bracket);
        }
    }

    fn end(&mut self, bracket: char) {
        if self.is_json() {
            self.close(bracket);
        }
    }

    fn words(&mut self, before: &str, value: &[u8], after: &str) {
        let paint = self.begin_paint();
        self.raw(&[before]);
        self.buf.extend_from_slice(value);
        self.raw(&[after]);
        self.end_paint(paint);
    }

    fn begin_paint(&mut self) -> bool {
        let paint = self.paint.take();
        if let Some(colour) = paint {
            self.raw(&["\x1b[", colour.code(), "m"]);
        }
        paint.is_some()
    }

    fn end_paint(&mut self, painted: bool) {
        if painted {
            self.raw(&["\x1b[0m"]);
        }
    }

    fn raw(&mut self, parts: &[&str]) {
        for part in parts {
            match part.as_bytes() {
                [] => {}
                // Half of all pieces are a blank or a quote: no call of `memcpy` for that.
                &[byte] => self.buf.push(byte),
                bytes => self.buf.extend_from_slice(bytes),
            }
        }
    }

    fn separate(&mut self) {
        if self.comma {
            self.buf.push(b',');
        }
        self.comma = true;
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.new_line();
        self.raw(&["\"", key, "\"", ":"]);
        if self.format == Format::Pretty {
            self.buf.push(b' ');
        }
    }

    fn open(&mut self, bracket: char) {
        self.buf.push(bracket as u8);
        if bracket == '[' && self.format == Format::Pretty {
            self.buf.push(b' ');
        }
        self.depth += 1;
        self.comma = false;
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        if self.comma {
            if bracket == '}' {
                self.new_line();
            } else if self.format == Format::Pretty {
                self.buf.push(b' ');
            }
        }
        self.buf.push(bracket as u8);
        self.comma = true;
    }

    fn new_line(&mut self) {
        if self.format == Format::Pretty {
            self.buf.push(b'\n');
            self.buf.resize(self.buf.len() + 4 * self.depth, b' ');
        }
    }

    /// A JSON string: always valid JSON and UTF-8, whatever the bytes.
    fn quoted(&mut self, value: &[u8]) {
        self.buf.push(b'"');
        self.escaped(value);
        self.buf.push(b'"');
    }

    fn escaped(&mut self, value: &[u8]) {
        if value.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
            // Nearly all: nothing to escape.
            self.buf.extend_from_slice(value);
            return;
        }
        for chunk in value.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '"' | '\\' => self.buf.extend_from_slice(&[b'\\', c as u8]),
                    '\n' => self.buf.extend_from_slice(b"\\n"),
                    '\t' => self.buf.extend_from_slice(b"\\t"),
                    '\r' => self.buf.extend_from_slice(b"\\r"),
                    c if c.is_control() => self.buf.extend_from_slice(unicode_escape(c).as_bytes()),
                    c => self.buf.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
            // A stray byte has no place in JSON: it shows as it does in text, `\xNN`.
            self.buf.extend_from_slice(printable(chunk.invalid()).replace('\\', "\\\\").as_bytes());
        }
    }
}

/// Whether a name shows as it is, which nearly all do.
fn is_plain(value: &[u8]) -> bool {
    value.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn unicode_escape(c: char) -> String {
    let code = u32::from(c);
    let mut text = String::from("\\u");
    for shift in [12, 8, 4, 0] {
        text.push(char::from_digit(code >> shift & 15, 16).unwrap_or('0'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(format: Format, oneline: bool) -> String {
        let mut out = Out::new(format, oneline);
        for index in [1, 2] {
            out.record(|o| {
                o.num("ifindex", "", index, ": ");
                o.name("ifname", "", b"a\xff\"\x1b", ": ");
                o.list("flags", |o| {
                    o.item("<", "UP", ">");
                    o.item(",", "LOWER_UP", "");
                });
                o.line_break();
                o.list("none", |_| {});
                o.flag("dynamic", "dynamic ");
            });
            out.text("\n");
        }
        String::from_utf8(out.finish()).unwrap()
    }

    #[test]
    fn text() {
        assert_eq!(sample(Format::Text, false).lines().next(), Some("1: a\\xff\"\\x1b: <UP>,LOWER_UP"));
        assert!(sample(Format::Text, true).starts_with("1: a\\xff\"\\x1b: <UP>,LOWER_UP\\dynamic \n2: "));
    }

    #[test]
    fn json_is_valid_whatever_the_name() {
        let record = |i| {
            format!(
                "{{\"ifindex\":{i},\"ifname\":\"a\\\\xff\\\"\\u001b\",\"flags\":[\"UP\",\"LOWER_UP\"],\"none\":[],\"dynamic\":true}}"
            )
        };
        assert_eq!(sample(Format::Json, false), format!("[{},{}]\n", record(1), record(2)));
    }

    #[test]
    fn pretty_json_has_iproute2s_shape() {
        let mut out = Out::new(Format::Pretty, false);
        for name in ["lo", "eth0"] {
            out.record(|o| {
                o.str("ifname", "", name, "");
                o.list("flags", |o| o.item("", "UP", ""));
            });
        }
        let expected = "[ {\n        \"ifname\": \"lo\",\n        \"flags\": [ \"UP\" ]\n    },{\n        \"ifname\": \"eth0\",\n        \"flags\": [ \"UP\" ]\n    } ]\n";
        assert_eq!(String::from_utf8(out.finish()).unwrap(), expected);
    }
}
