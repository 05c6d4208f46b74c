//! The command of a command line, such as `-A CHAIN`, with the words that follow it.

use super::{Parser, chain_name};
use crate::cli::cursor::text;
use crate::cli::iptables::address;
use crate::cli::iptables::fail::Fail;
use crate::cli::iptables::getopt::Scanner;
use crate::cli::iptables::job::Command;

impl<'a> Parser<'a> {
    /// Takes the option of a command.
    #[inline(never)]
    pub(super) fn command(
        &mut self,
        letter: u8,
        argument: Option<&'a [u8]>,
        scanner: &mut Scanner<'a>,
    ) -> Result<(), Fail> {
        if self.not {
            return Err(Fail::parameter("unexpected '!' flag"));
        }
        let lists = |letter| matches!(letter, b'L' | b'S');
        let (both, before) =
            ((lists(letter) && self.command == b'Z') || (letter == b'Z' && lists(self.command)), self.command);
        if (before != 0 && !both) || self.job.zero {
            let words = [letter, b' ', b'w', b'i', b't', b'h', b' ', b'-', before];
            return Err(Fail::word("Cannot use -", &words, ""));
        }
        self.job.zero = both;
        if letter != b'Z' || before == 0 {
            self.command = letter;
            self.job.command = match letter {
                b'A' => Command::Append,
                b'C' => Command::Check,
                b'D' => Command::Delete,
                b'E' => Command::Rename,
                b'I' => Command::Insert,
                b'L' => Command::List,
                b'N' => Command::New,
                b'P' => Command::Policy,
                b'R' => Command::Replace,
                b'S' => Command::ListRules,
                b'X' => Command::DeleteChain,
                b'Z' => Command::Zero,
                _ => Command::Flush,
            };
        }
        let chain = argument.or_else(|| scanner.argument());
        self.job.chain = chain.or(self.job.chain);
        match letter {
            b'N' => chain_name(argument.unwrap_or_default())?,
            b'E' => self.job.word = second(scanner, "-E requires old-chain-name and new-chain-name")?,
            b'P' => self.job.word = second(scanner, "-P requires a chain and a policy")?,
            b'R' => self.number(second(scanner, "-R requires a rule number")?)?,
            b'D' | b'I' | b'L' | b'S' | b'Z' if chain.is_some() => {
                if let Some(word) = scanner.argument() {
                    self.number(word)?;
                    if letter == b'D' {
                        self.job.command = Command::DeleteNumber;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    #[inline(never)]
    fn number(&mut self, word: &[u8]) -> Result<(), Fail> {
        self.job.number = address::number(text(word)).filter(|&n| n > 0 && n <= i32::MAX.cast_unsigned());
        if self.job.number.is_none() { Err(Fail::word("Invalid rule number `", word, "'")) } else { Ok(()) }
    }
}

/// The word that must follow.
fn second<'a>(scanner: &mut Scanner<'a>, wrong: &str) -> Result<&'a [u8], Fail> {
    scanner.argument().ok_or_else(|| Fail::parameter(wrong))
}
