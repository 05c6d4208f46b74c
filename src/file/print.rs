//! TOML 1.0 or JSON text, put together pair by pair.

use super::tree::Form;

/// The text so far. Of a table, pairs come before tables that have headers.
pub struct Out {
    /// The text.
    pub text: String,
    is_json: bool,
    /// Tables that are open, of TOML those between braces.
    depth: usize,
    /// Whether nothing stands in the innermost table yet.
    is_first: bool,
    /// The header of what follows, in TOML.
    path: String,
}

impl Out {
    /// Nothing yet.
    pub fn new(is_json: bool) -> Self {
        let text = if is_json { "{" } else { "" };
        Out { text: text.into(), is_json, depth: usize::from(is_json), is_first: true, path: String::new() }
    }

    /// The whole text.
    pub fn end(mut self) -> String {
        if self.is_json {
            self.close_brace();
            self.text.push('\n');
        }
        self.text
    }

    #[inline(never)]
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins a pair.
    #[inline(never)]
    pub fn key(&mut self, key: &str) {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if self.is_json {
            self.push(if is_first { "" } else { "," });
            self.line();
            quoted(&mut self.text, key);
            self.push(": ");
            return;
        }
        if self.depth > 0 {
            self.push(if is_first { " " } else { ", " });
        }
        bare(&mut self.text, key);
        self.push(" = ");
    }

    /// Ends a pair.
    #[inline(never)]
    fn end_pair(&mut self) {
        if self.depth == 0 {
            self.push("\n");
        }
    }

    /// A pair whose value is written as it is: a number, `true`, `false`.
    #[inline(never)]
    pub fn word(&mut self, key: &str, word: &str) {
        self.key(key);
        self.push(word);
        self.end_pair();
    }

    /// A pair whose value is a string.
    #[inline(never)]
    pub fn string(&mut self, key: &str, text: &str) {
        self.key(key);
        quoted(&mut self.text, text);
        self.end_pair();
    }

    /// A pair whose value is a list of strings, which `next` makes; nothing where there is none.
    #[inline(never)]
    pub fn list(&mut self, key: &str, next: &mut dyn Iterator<Item = String>) {
        let mut is_open = false;
        for text in next {
            if is_open {
                self.push(", ");
            } else {
                self.key(key);
                self.push("[");
                is_open = true;
            }
            quoted(&mut self.text, &text);
        }
        if is_open {
            self.push("]");
            self.end_pair();
        }
    }

    /// Opens a table; returns what [`Out::close`] needs.
    #[inline(never)]
    pub fn open(&mut self, key: &str, form: Form) -> usize {
        let above = self.path.len();
        if self.is_json || form == Form::Inline {
            self.key(key);
            self.open_brace();
        } else {
            self.path.push_str(if above == 0 { "" } else { "." });
            bare(&mut self.path, key);
            if form == Form::Header {
                self.header("[", "]\n");
            }
        }
        above
    }

    /// Closes a table.
    #[inline(never)]
    pub fn close(&mut self, above: usize, form: Form) {
        self.path.truncate(above);
        if self.is_json || form == Form::Inline {
            self.close_brace();
            self.end_pair();
        }
    }

    /// A list of as many tables, which `write` fills in; nothing where there is none.
    #[inline(never)]
    pub fn tables(&mut self, key: &str, count: usize, write: &mut dyn FnMut(&mut Self, usize)) {
        if count == 0 {
            return;
        }
        let above = self.path.len();
        if self.is_json {
            self.key(key);
        } else {
            self.path.push_str(if above == 0 { "" } else { "." });
            bare(&mut self.path, key);
        }
        for number in 0..count {
            if self.is_json {
                self.push(if number == 0 { "[" } else { ", " });
                self.open_brace();
                write(self, number);
                self.close_brace();
            } else {
                self.header("[[", "]]\n");
                write(self, number);
            }
        }
        self.push(if self.is_json { "]" } else { "" });
        self.path.truncate(above);
    }

    fn header(&mut self, open: &str, close: &str) {
        self.text.push('\n');
        self.text.push_str(open);
        self.text.push_str(&self.path);
        self.text.push_str(close);
    }

    #[inline(never)]
    fn open_brace(&mut self) {
        self.push("{");
        self.depth += 1;
        self.is_first = true;
    }

    #[inline(never)]
    fn close_brace(&mut self) {
        self.depth -= 1;
        self.is_first = false;
        if self.is_json {
            self.line();
        } else {
            self.push(" ");
        }
        self.push("}");
    }

    #[inline(never)]
    fn line(&mut self) {
        self.push("\n");
        for _ in 0..self.depth {
            self.push("  ");
        }
    }
}

/// A key of TOML.
fn bare(out: &mut String, key: &str) {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !key.is_empty() && key.bytes().all(is_bare) {
        out.push_str(key);
    } else {
        quoted(out, key);
    }
}

/// A string between quotes, with the escapes that TOML and JSON have in common.
#[inline(never)]
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                out.push_str("\\u00");
                for nibble in [u32::from(c) >> 4, u32::from(c) & 15] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
