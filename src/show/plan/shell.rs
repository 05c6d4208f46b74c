//! Lines for `sh`: words go in, quoted where that is needed.

/// Lines to be.
#[derive(Default)]
pub struct Script {
    /// What is written so far.
    pub out: Vec<u8>,
}

/// What needs no quotes anywhere in a word.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(&byte)
}

impl Script {
    /// Adds a word of any bytes.
    #[inline(never)]
    pub fn word(&mut self, word: &[u8]) {
        if self.out.last().is_some_and(|byte| *byte != b'\n') {
            self.out.push(b' ');
        }
        if !word.is_empty() && word.iter().all(|byte| is_plain(*byte)) {
            self.out.extend_from_slice(word);
        } else if word.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            self.out.push(b'\'');
            for byte in word {
                match byte {
                    b'\'' => self.out.extend_from_slice(b"'\\''"),
                    byte => self.out.push(*byte),
                }
            }
            self.out.push(b'\'');
        } else {
            // What a terminal should not see, so that a script can be looked at.
            self.out.extend_from_slice(b"\"$(printf -- '");
            for byte in word {
                if is_plain(*byte) && *byte != b'%' || b" [](){}$;&|<>*?#~!".contains(byte) {
                    self.out.push(*byte);
                } else {
                    self.out.push(b'\\');
                    self.out.extend([byte >> 6, byte >> 3 & 7, byte & 7].map(|digit| b'0' + digit));
                }
            }
            self.out.extend_from_slice(b"')\"");
        }
    }

    /// Adds words with blanks between them.
    pub fn words(&mut self, words: &str) {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            self.word(word.as_bytes());
        }
    }

    /// Adds a word and a number.
    pub fn count(&mut self, word: &str, number: u32) {
        self.words(word);
        self.words(&number.to_string());
    }

    /// Ends a line.
    pub fn end(&mut self) {
        self.out.push(b'\n');
    }

    /// Adds what is no word: operators and variables of the shell.
    pub fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Ends a line that reads a text, and adds the text; it has no line `END`.
    pub fn here(&mut self, text: &str) {
        self.raw(" <<'END'\n");
        self.raw(text);
        self.raw(if text.is_empty() || text.ends_with('\n') { "END\n" } else { "\nEND\n" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_shell_reads() {
        let words: [&[u8]; 7] = [b"eth0", b"", b"a b", b"it's", b"$(id)", b"a\x1b[2J\n-", b"-\xff\xfe"];
        let mut script = Script::default();
        script.words("printf %s:");
        words.iter().for_each(|word| script.word(word));
        script.end();
        assert!(script.out.iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~')));
        let output =
            std::process::Command::new("/bin/sh").arg("-c").arg(String::from_utf8(script.out).unwrap()).output();
        let expected: Vec<u8> = words.iter().flat_map(|word| [word, &b":"[..]].concat()).collect();
        assert_eq!(output.unwrap().stdout, expected);
    }
}
