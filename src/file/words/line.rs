//! Text put together word by word; what is not said is left out.

use std::net::IpAddr;

use super::name_of;
use crate::model::ip::addr_text;
use crate::model::name::IfName;

/// The line so far.
#[derive(Default)]
pub struct Line(pub String);

impl Line {
    /// Adds a word.
    #[inline(never)]
    pub fn word(&mut self, word: &str) {
        if !self.0.is_empty() && !word.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }

    /// Adds a word where it holds.
    #[inline(never)]
    pub fn flag(&mut self, word: &str, is: bool) {
        if is {
            self.word(word);
        }
    }

    /// Adds a keyword and its value.
    #[inline(never)]
    pub fn pair(&mut self, keyword: &str, value: &str) {
        self.word(keyword);
        self.word(value);
    }

    /// Adds a keyword and a number.
    #[inline(never)]
    pub fn count(&mut self, keyword: &str, number: Option<u32>) {
        self.named(keyword, "", number);
    }

    /// Adds a keyword and a number, by its name where it has one in a list of [`super::named`].
    #[inline(never)]
    pub fn named(&mut self, keyword: &str, names: &str, number: Option<u32>) {
        if let Some(number) = number {
            match name_of(names, number) {
                Some(name) => self.pair(keyword, name),
                None => self.pair(keyword, &number.to_string()),
            }
        }
    }

    /// Adds a keyword and two numbers.
    #[inline(never)]
    pub fn span(&mut self, keyword: &str, span: Option<(u32, u32)>) {
        if let Some((first, last)) = span {
            self.count(keyword, Some(first));
            self.0.push('-');
            self.0.push_str(&last.to_string());
        }
    }

    /// Adds a keyword and an address.
    #[inline(never)]
    pub fn address(&mut self, keyword: &str, addr: Option<IpAddr>) {
        if let Some(addr) = addr {
            self.pair(keyword, &addr_text(&addr));
        }
    }

    /// Adds a keyword and a name of a device.
    #[inline(never)]
    pub fn device(&mut self, keyword: &str, name: Option<&[u8]>) {
        if let Some(name) = name {
            self.pair(keyword, &crate::model::name::printable(name));
        }
    }
}

/// The bytes of a name that may not be there.
pub fn bytes(name: &Option<IfName>) -> Option<&[u8]> {
    name.as_ref().map(IfName::as_bytes)
}
