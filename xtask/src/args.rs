//! The words after a command's name: options are taken out one by one, and what is left
//! over is an error.

use crate::process::{Failure, Outcome};

/// Words not yet taken.
pub struct Args {
    words: Vec<String>,
}

impl Args {
    /// All words.
    pub fn new(words: Vec<String>) -> Self {
        Args { words }
    }

    /// Takes a flag such as `--tiny`.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes `NAME VALUE` or `NAME=VALUE`.
    pub fn value(&mut self, name: &str) -> Outcome<Option<String>> {
        let prefix = format!("{name}=");
        if let Some(at) = self.words.iter().position(|word| word.starts_with(&prefix)) {
            return Ok(Some(self.words.remove(at)[prefix.len()..].to_string()));
        }
        let Some(at) = self.words.iter().position(|word| word == name) else { return Ok(None) };
        self.words.remove(at);
        if at == self.words.len() {
            return Err(Failure::usage(format!("{name} wants a value")));
        }
        Ok(Some(self.words.remove(at)))
    }

    /// Takes `NAME NUMBER`, or gives the default.
    pub fn number(&mut self, name: &str, default: u64) -> Outcome<u64> {
        match self.value(name)? {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Failure::usage(format!("{name}: \"{text}\" is no number"))),
        }
    }

    /// What is left, none of it an option.
    pub fn rest(self) -> Outcome<Vec<String>> {
        match self.words.iter().find(|word| word.starts_with('-')) {
            Some(word) => Err(Failure::usage(format!("{word}: no such option"))),
            None => Ok(self.words),
        }
    }

    /// Ends the reading: nothing may be left.
    pub fn finish(self) -> Outcome {
        match self.words.first() {
            Some(word) => Err(Failure::usage(format!("{word}: not expected here"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Args {
        Args::new(text.split_whitespace().map(str::to_string).collect())
    }

    #[test]
    fn takes_flags_and_values() {
        let mut args = args("--tiny --target aarch64 --runs=7");
        assert!(args.flag("--tiny"));
        assert!(!args.flag("--tiny"));
        assert_eq!(args.value("--target").unwrap().as_deref(), Some("aarch64"));
        assert_eq!(args.number("--runs", 3).unwrap(), 7);
        assert_eq!(args.number("--seconds", 60).unwrap(), 60);
        assert!(args.finish().is_ok());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert_eq!(args("--tinny").finish().unwrap_err().code, 64);
        assert_eq!(args("--tinny").rest().unwrap_err().code, 64);
        assert!(args("--target").value("--target").is_err());
        assert!(args("--runs x").number("--runs", 1).is_err());
    }
}
