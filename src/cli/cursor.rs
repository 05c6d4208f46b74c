//! A walk over the words of a command line. Words are bytes: names need not be UTF-8.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::model::name::printable;

/// The words not read yet.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    words: &'a [OsString],
}

impl<'a> Cursor<'a> {
    /// Starts at the first of these words.
    pub fn new(words: &'a [OsString]) -> Self {
        Cursor { words }
    }

    /// The next word, which stays.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.words.first().map(|word| word.as_bytes())
    }

    /// Takes the next word.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first.as_bytes())
    }

    /// The words left, as they are.
    pub fn rest(&self) -> &'a [OsString] {
        self.words
    }

    /// Whether no word is left.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// A word as text, for parsing numbers and addresses; a word that is not UTF-8 parses as nothing.
pub fn text(word: &[u8]) -> &str {
    std::str::from_utf8(word).unwrap_or("\u{fffd}")
}

/// A word as it may be shown: control characters escaped.
pub fn shown(word: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(word) {
        Ok(text) if !text.chars().any(char::is_control) => Cow::Borrowed(text),
        _ => Cow::Owned(printable(word)),
    }
}
