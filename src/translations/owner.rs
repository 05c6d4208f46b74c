//! Whose the rules are: those of `netstrap nat`, or those of a lab, each in tables and chains of its own.

use crate::model::lab::Lab;
use crate::model::nat::{Rule, Target};

/// An owner, by the names of what it has.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Its table, in each family.
    pub table: Vec<u8>,
    /// Its chains in iptables' table begin so.
    pub prefix: Vec<u8>,
    /// These chains: before routing, of what this host sends, after routing.
    pub chains: [Vec<u8>; 3],
}

/// The chains of labs begin so: names in iptables' table have 28 bytes at most, so a lab's own is a hash.
const LABS: &[u8] = b"NS-";

impl Owner {
    /// `netstrap nat`.
    pub fn verb() -> Self {
        Owner::of(super::TABLE.to_vec(), b"NETSTRAP-".to_vec())
    }

    /// A lab.
    pub fn lab(lab: &Lab) -> Self {
        let mut prefix = LABS.to_vec();
        prefix.extend_from_slice(lab.tag().as_bytes());
        prefix.push(b'-');
        Owner::of(lab.table(), prefix)
    }

    #[inline(never)]
    fn of(table: Vec<u8>, prefix: Vec<u8>) -> Self {
        let chain = |name: &[u8]| [&prefix[..], name].concat();
        Owner { table, chains: [chain(b"PRE"), chain(b"OUT"), chain(b"POST")], prefix }
    }

    /// Whether this is a lab.
    pub fn is_lab(&self) -> bool {
        self.prefix.starts_with(LABS)
    }

    /// Whether a marked rule in iptables' tables is this owner's: by its chain, or the one that it leads to.
    pub fn owns(&self, rule: &Rule) -> bool {
        let chain = if let Target::Jump(to) = &rule.spec.target { to } else { &rule.chain };
        if self.is_lab() { chain.starts_with(&self.prefix) } else { !chain.starts_with(LABS) }
    }
}
