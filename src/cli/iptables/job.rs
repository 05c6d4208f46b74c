//! What a command line asks for: a command, the chain it is about, and the rules that it
//! describes.

use super::tables::Table;
use crate::model::ip::Family;
use crate::model::nat::{Counters, Net, Not, Spec};
use crate::ruleset::Need;
use crate::wire::nft::rule::Dialect;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Command {
    /// Nothing was said.
    #[default]
    None,
    /// `-A`
    Append,
    /// `-C`
    Check,
    /// `-D` with a description
    Delete,
    /// `-D` with a number
    DeleteNumber,
    /// `-E`
    Rename,
    /// `-F`
    Flush,
    /// `-I`
    Insert,
    /// `-L`
    List,
    /// `-S`
    ListRules,
    /// `-N`, and `:CHAIN -` of iptables-restore
    New,
    /// `:CHAIN -` of iptables-restore: a chain that is there is emptied
    Renew,
    /// `-P`, and `:CHAIN POLICY` of iptables-restore
    Policy,
    /// `-R`
    Replace,
    /// `-X`
    DeleteChain,
    /// `-Z`
    Zero,
}

/// A command line that makes sense.
#[derive(Debug)]
pub struct Job<'a> {
    /// Address family.
    pub family: Family,
    /// Its table.
    pub table: &'static Table,
    /// The command.
    pub command: Command,
    /// Whether `-Z` stands beside `-L` or `-S`.
    pub zero: bool,
    /// Its chain; `None` is all of them.
    pub chain: Option<&'a [u8]>,
    /// Its second word: a policy, or a chain's new name.
    pub word: &'a [u8],
    /// Rule number, from 1.
    pub number: Option<u32>,
    /// The rules that it describes; at least one for a command that is about rules.
    pub specs: Vec<Spec>,
    /// What counters start at.
    pub counters: Counters,
    /// Which expressions the rules are written with.
    pub dialect: Dialect,
    /// Line of the input; 0 for a command line.
    pub line: u32,
    /// Bits of the options given, see [`bit`].
    pub options: u32,
}

impl<'a> Job<'a> {
    /// Whether an option was given.
    pub fn has(&self, letter: u8) -> bool {
        self.options & bit(letter) != 0
    }

    /// Which rules it must see.
    #[inline(never)]
    pub fn need(&self) -> Need<'a> {
        let chain = self.chain.map_or(Need::All, Need::Rules);
        match self.command {
            Command::Delete | Command::DeleteNumber | Command::Check | Command::Replace => chain,
            Command::Insert if self.number.is_some_and(|number| number > 1) => chain,
            Command::Zero => Need::Raw,
            _ => Need::Chains,
        }
    }
}

/// The bit of an option's letter: they differ in their low five bits. `0` is `--line-numbers`.
pub const fn bit(letter: u8) -> u32 {
    if letter == b'0' { 1 } else { 1 << (letter & 31) }
}

/// The bits of options.
pub const fn bits(letters: &[u8]) -> u32 {
    match letters {
        [first, rest @ ..] => bit(*first) | bits(rest),
        [] => 0,
    }
}

/// Addresses of `-s` or `-d`; none match all.
#[derive(Debug, Default)]
pub struct Side {
    /// The networks.
    pub nets: Vec<Net>,
    /// Whether they are negated.
    pub not: bool,
}

impl Side {
    fn get(&self, index: usize) -> Option<Not<Net>> {
        let value = *self.nets.get(index)?;
        // 0.0.0.0/0 is no condition, but its negation is one, which the kernel refuses.
        (self.not || !value.mask().is_unspecified()).then_some(Not { not: self.not, value })
    }
}

/// One rule for each pair of source and destination; they differ in nothing else.
#[inline(never)]
pub fn pairs(spec: Spec, source: &Side, destination: &Side) -> Vec<Spec> {
    let mut specs = vec![spec];
    for at in 1..source.nets.len().max(1) * destination.nets.len().max(1) {
        let spec = specs[at - 1].clone();
        specs.push(spec);
    }
    let each = destination.nets.len().max(1);
    for (at, spec) in specs.iter_mut().enumerate() {
        (spec.source, spec.destination) = (source.get(at / each), destination.get(at % each));
    }
    specs
}
