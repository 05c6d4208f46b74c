//! The tables of iptables: which chains each has, where those hang, and which of them
//! are iptables' own.

use crate::model::ip::Family;
use crate::model::nat::{Base, Chain};
use crate::ruleset::Id;

/// The built-in chains, by netfilter hook number.
const HOOKS: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// A table of iptables.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Priority of its chains; those of `nat` have their own.
    priority: i32,
    /// Hooks of its chains, in the order of a listing.
    hooks: &'static [u8],
}

/// All tables, in the order in which `iptables-save` shows them.
pub const TABLES: &[Table] = &[
    Table { name: "mangle", priority: -150, hooks: &[0, 1, 2, 3, 4] },
    Table { name: "security", priority: 150, hooks: &[1, 2, 3] },
    Table { name: "raw", priority: -300, hooks: &[0, 3] },
    Table { name: "filter", priority: 0, hooks: &[1, 2, 3] },
    Table { name: "nat", priority: 0, hooks: &[0, 1, 3, 4] },
];

/// The table of a name.
pub fn find(name: &[u8]) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name.as_bytes() == name)
}

impl Table {
    /// Where it is in the kernel.
    pub fn id(&self, family: Family) -> Id<'static> {
        Id { family: family.number(), name: self.name.as_bytes() }
    }

    /// Whether it translates: kernels before 4.18 want all its chains.
    pub fn is_nat(&self) -> bool {
        self.name == "nat"
    }

    /// Names of its built-in chains, in the order of a listing.
    pub fn chains(&self) -> impl Iterator<Item = &'static [u8]> {
        self.hooks.iter().filter_map(|&hook| HOOKS.get(usize::from(hook)).map(|name| name.as_bytes()))
    }

    /// The base that a built-in chain must have; `None` for another name.
    #[inline(never)]
    pub fn builtin(&self, name: &[u8]) -> Option<Base> {
        let hook = *self.hooks.iter().find(|&&hook| HOOKS[usize::from(hook)].as_bytes() == name)?;
        // Destinations are translated before routing, sources behind it.
        let priority = match (self.is_nat(), hook) {
            (true, 0 | 3) => -100,
            (true, _) => 100,
            _ => self.priority,
        };
        let kind = match (self.name, hook) {
            ("nat", _) => "nat",
            ("mangle", 3) => "route",
            _ => "filter",
        };
        Some(Base { kind, hook: hook.into(), priority, accept: true })
    }

    /// Whether a chain is one that iptables works with: its own base chains, and user chains.
    #[inline(never)]
    pub fn compatible(&self, chain: &Chain) -> bool {
        match (chain.base, self.builtin(&chain.name)) {
            (None, own) => own.is_none(),
            (Some(base), Some(own)) => Base { accept: true, ..base } == own,
            (Some(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_hang_where_iptables_hangs_them() {
        let show = |table: &str, chain: &str| {
            let base = find(table.as_bytes()).unwrap().builtin(chain.as_bytes())?;
            Some((base.kind, base.hook, base.priority))
        };
        assert_eq!(show("filter", "FORWARD"), Some(("filter", 2, 0)));
        assert_eq!(show("nat", "OUTPUT"), Some(("nat", 3, -100)));
        assert_eq!(show("nat", "INPUT"), Some(("nat", 1, 100)));
        assert_eq!(show("mangle", "OUTPUT"), Some(("route", 3, -150)));
        assert_eq!(show("mangle", "INPUT"), Some(("filter", 1, -150)));
        assert_eq!(show("raw", "PREROUTING"), Some(("filter", 0, -300)));
        assert_eq!(show("security", "INPUT"), Some(("filter", 1, 150)));
        assert_eq!((show("raw", "INPUT"), show("filter", "FOO")), (None, None));
        assert_eq!(find(b"nope"), None);
    }
}
