//! The strings of TOML and JSON: one line or several, with escapes or without.

use super::{Read, Reader};

impl Reader<'_> {
    /// A string; stands behind its closing quote afterwards.
    #[inline(never)]
    pub(super) fn string(&mut self) -> Read<String> {
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
