//! The nat table in the kernel: the chains that iptables keeps there, and changes in
//! iptables' words when they fail.

use super::fail::Fail;
use crate::cli::cursor::shown;
use crate::error::{Kind, strerror};
use crate::model::nat::{Base, Chain};
use crate::ruleset::{Failure, Id, Need, Ruleset, Snapshot, Stage, Table};
use crate::sys::nl::{NlSocket, Transport};
use crate::wire::build::{Netfilter, Request};
use crate::wire::nft::{FAMILY_IP, chain, table};

/// The table.
pub const NAT: &[u8] = b"nat";
/// Where it is.
pub const ID: Id<'_> = Id { family: FAMILY_IP, name: NAT };

/// The built-in chains in the order of a listing: name, hook, priority.
pub const BUILTIN: &[(&[u8], u32, i32)] =
    &[(b"PREROUTING", 0, -100), (b"INPUT", 1, 100), (b"OUTPUT", 3, -100), (b"POSTROUTING", 4, 100)];

/// The base that a built-in chain must have; `None` for another name.
#[inline(never)]
pub fn builtin(name: &[u8]) -> Option<Base> {
    let &(_, hook, priority) = BUILTIN.iter().find(|row| row.0 == name)?;
    Some(Base { kind: "nat", hook, priority, accept: true })
}

/// Whether a chain is one that iptables works with: its own base chains, and user chains.
#[inline(never)]
pub fn compatible(chain: &Chain) -> bool {
    match (chain.base, builtin(&chain.name)) {
        (None, own) => own.is_none(),
        (Some(base), Some(own)) => Base { accept: true, ..base } == own,
        (Some(_), None) => false,
    }
}

/// The messages of a change, and what iptables calls each when it fails.
#[derive(Default)]
pub struct Steps<'a> {
    /// The messages, in order.
    pub messages: Vec<Request<Netfilter>>,
    names: Vec<Name<'a>>,
}

/// `RULE_APPEND` and the like, then what it is about: a word such as `rule in chain `, and a name.
pub type Name<'a> = (&'static str, &'static str, &'a [u8]);

impl<'a> Steps<'a> {
    /// Adds a message.
    #[inline(never)]
    pub fn push(&mut self, name: Name<'a>, message: Request<Netfilter>) {
        self.messages.push(message);
        self.names.push(name);
    }
}

/// Reads the table.
pub fn read<T: Transport>(ruleset: &mut Ruleset<T>, need: Need<'_>) -> Result<Table, Fail> {
    Ok(see(ruleset, need)?.tables.pop().unwrap_or_default())
}

fn see<T: Transport>(ruleset: &mut Ruleset<T>, need: Need<'_>) -> Result<Snapshot, Fail> {
    ruleset.read(&[(ID, need)]).map_err(|failure| {
        let what = if failure.stage == Stage::Chains { "CHAIN_LIST" } else { "RULE_LIST" };
        failed(&failure, &(what, "table ", NAT))
    })
}

/// Changes the table: `plan` looks at it and says what to send, and is asked again
/// each time that the table has changed meanwhile.
pub fn change<'a, T: Transport>(
    ruleset: &mut Ruleset<T>,
    need: Need<'_>,
    plan: &mut dyn FnMut(&Table, &mut Steps<'a>) -> Result<(), Fail>,
) -> Result<(), Fail> {
    loop {
        let snapshot = see(ruleset, need)?;
        let mut steps = Steps::default();
        let none = Table::default();
        plan(snapshot.tables.first().unwrap_or(&none), &mut steps)?;
        match ruleset.commit(&snapshot, steps.messages) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(failure) => {
                let whole: &Name<'_> = &("COMMIT", "table ", NAT);
                let name = match failure.stage {
                    Stage::Commit(Some(at)) => steps.names.get(at).unwrap_or(whole),
                    _ => whole,
                };
                return Err(failed(&failure, name));
            }
        }
    }
}

/// Adds the messages that make the table and its built-in chains, as far as they are missing;
/// `wanted` must become a chain that iptables can work with.
///
/// All four at once: before kernel 4.18 a nat chain translates nothing unless its
/// counterpart for the answers exists too.
pub fn scaffold(table: &Table, wanted: &[u8], steps: &mut Steps<'_>) {
    if table.chains.is_empty() {
        steps.push(("TABLE_ADD", "table ", NAT), table::create(FAMILY_IP, NAT, None));
    }
    for &(name, hook, priority) in BUILTIN {
        let there = table.chain(name).is_some_and(|chain| name != wanted || compatible(chain));
        if !there {
            let base = Base { kind: "nat", hook, priority, accept: true };
            steps.push(("CHAIN_ADD", "chain ", name), chain::create(FAMILY_IP, NAT, name, &base));
        }
    }
}

/// Opens nf_tables.
pub fn open() -> Result<Ruleset<NlSocket>, Fail> {
    Ruleset::open().map_err(|error| {
        let errno = error.errno().unwrap_or(libc::EIO);
        let more = if errno == libc::EPROTONOSUPPORT { NO_NF_TABLES } else { "" };
        Fail::new(&["iptables: Failed to initialize nft: ", &strerror(errno), more], 1)
    })
}

const NO_NF_TABLES: &str = "\niptables: this kernel has no nf_tables (CONFIG_NF_TABLES): load the modules nfnetlink and nf_tables (modprobe nf_tables), or use a kernel that has them";

/// Which part of the kernel an expression comes from.
const PARTS: &[(&str, &str)] = &[
    ("masq expression", "CONFIG_NFT_MASQ, module nft_masq"),
    ("nat expression", "CONFIG_NFT_NAT, module nft_nat"),
    ("target expression", "CONFIG_NFT_COMPAT, module nft_compat, and the target's own"),
    ("match expression", "CONFIG_NFT_COMPAT, module nft_compat, and the match's own"),
    ("chain type", "CONFIG_NFT_NAT, module nft_chain_nat"),
];

#[inline(never)]
fn failed(failure: &Failure, name: &Name<'_>) -> Fail {
    let reason = failure.to_string();
    if failure.stage == Stage::Generation {
        // iptables' own words, where it has some.
        let denied = failure.error.errno() == Some(libc::EPERM);
        let reason = if denied { "Permission denied (you must be root)" } else { &reason };
        let more = if failure.no_nf_tables() { NO_NF_TABLES } else { "" };
        return Fail::kernel(&["Could not fetch rule set generation id: ", reason, more].concat());
    }
    if failure.error.kind == Kind::Interrupted {
        return Fail::kernel(&reason);
    }
    let mut fail = Fail::kernel(&[" ", name.0, " failed (", &reason, "): ", name.1, &shown(name.2)].concat());
    if let Kind::Kernel(refusal) = &failure.error.kind
        && failure.error.errno() == Some(libc::ENOENT)
        && let Some(part) = refusal.attr.and_then(|attr| PARTS.iter().find(|part| part.0 == attr))
    {
        let text = &mut fail.0.text;
        *text = [text, "\niptables: this kernel lacks the ", part.0, " (", part.1, ")"].concat();
    }
    fail
}
