//! Tables in the kernel: read, and changed as commands want it, with failures in
//! iptables' words.

use super::draft::Draft;
use super::emit::emit;
use super::fail::{Fail, Prefix};
use super::job::Job;
use super::tables::Table;
use crate::cli::cursor::shown;
use crate::error::{Kind, strerror};
use crate::model::ip::Family;
use crate::ruleset::{self, Failure, Id, Need, Ruleset, Snapshot, Stage};
use crate::sys::nl::{NlSocket, Transport};
use crate::wire::build::{Netfilter, Request};

/// The messages of a change, and what iptables calls each when it fails.
#[derive(Default)]
pub struct Steps<'a> {
    messages: Vec<Request<Netfilter>>,
    names: Vec<Name<'a>>,
}

/// `RULE_APPEND` and the like, then what it is about: a word such as `rule in chain `, and a name;
/// and the line of the input.
pub type Name<'a> = (&'static str, &'static str, &'a [u8], u32);

impl<'a> Steps<'a> {
    /// Adds a message.
    #[inline(never)]
    pub fn push(&mut self, name: Name<'a>, message: Request<Netfilter>) {
        self.messages.push(message);
        self.names.push(name);
    }
}

/// Reads a table.
pub fn read<T: Transport>(
    kernel: &mut Ruleset<T>,
    table: &'static Table,
    family: Family,
    need: Need<'_>,
) -> Result<ruleset::Table, Fail> {
    Ok(snapshot(kernel, &[(table.id(family), need)])?.tables.pop().unwrap_or_default())
}

/// Reads tables.
#[inline(never)]
pub fn snapshot<T: Transport>(kernel: &mut Ruleset<T>, wanted: &[(Id<'_>, Need<'_>)]) -> Result<Snapshot, Fail> {
    kernel.read(wanted).map_err(|failure| {
        let what = if failure.stage == Stage::Chains { "CHAIN_LIST" } else { "RULE_LIST" };
        let name = wanted.first().map_or(&b""[..], |wanted| wanted.0.name);
        failed(&failure, &(what, "table ", name, 0))
    })
}

/// Carries out commands on one table in one transaction, done anew each time that somebody else was
/// faster; `anew` throws the table away first. Returns what `-v` prints; `test` sends nothing.
pub fn change<T: Transport>(
    kernel: &mut Ruleset<T>,
    (table, family): (&'static Table, Family),
    jobs: &[Job<'_>],
    anew: bool,
    test: bool,
    out: &mut String,
) -> Result<(), Fail> {
    let need = need(jobs, anew);
    loop {
        let snapshot = snapshot(kernel, &[(table.id(family), need)])?;
        let none = ruleset::Table::default();
        let mut draft = Draft::new(table, snapshot.tables.first().unwrap_or(&none), anew, need);
        let done = jobs.iter().try_for_each(|job| draft.apply(job));
        *out = std::mem::take(&mut draft.out);
        done?;
        let mut steps = Steps::default();
        if !test {
            emit(&draft, table.id(family), &mut steps);
        }
        match kernel.commit(&snapshot, steps.messages) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(failure) => {
                let whole: &Name<'_> = &("COMMIT", "table ", table.name.as_bytes(), 0);
                let name = match failure.stage {
                    Stage::Commit(Some(at)) => steps.names.get(at).unwrap_or(whole),
                    _ => whole,
                };
                return Err(failed(&failure, name));
            }
        }
    }
}

/// What commands must see of the table.
#[inline(never)]
fn need<'j>(jobs: &[Job<'j>], anew: bool) -> Need<'j> {
    let mut all = Need::Chains;
    for job in jobs.iter().filter(|_| !anew) {
        all = match (all, job.need()) {
            (all, Need::Chains) => all,
            (Need::Chains, one) => one,
            (Need::Raw, _) | (_, Need::Raw) => Need::Raw,
            (Need::Rules(one), Need::Rules(other)) if one == other => all,
            _ => Need::All,
        };
    }
    all
}

/// Opens nf_tables.
pub fn open() -> Result<Ruleset<NlSocket>, Fail> {
    Ruleset::open().map_err(|error| {
        let errno = error.errno().unwrap_or(libc::EIO);
        let more = if errno == libc::EPROTONOSUPPORT { NO_NF_TABLES } else { "" };
        Fail::new(Prefix::Name, &["Failed to initialize nft: ", &strerror(errno), more], 1)
    })
}

const NO_NF_TABLES: &str = "\n\u{1}: this kernel has no nf_tables (CONFIG_NF_TABLES): load the modules nfnetlink and nf_tables (modprobe nf_tables), or use a kernel that has them";

/// Which part of the kernel an expression comes from.
const PARTS: &[(&str, &str)] = &[
    ("redir expression", "CONFIG_NFT_REDIR, module nft_redir"),
    ("ct expression", "CONFIG_NFT_CT, module nft_ct"),
    ("limit expression", "CONFIG_NFT_LIMIT, module nft_limit"),
    ("log expression", "CONFIG_NFT_LOG, module nft_log"),
    ("reject expression", "CONFIG_NFT_REJECT, module nft_reject"),
    ("fib expression", "CONFIG_NFT_FIB, module nft_fib"),
    ("notrack expression", "CONFIG_NFT_CT, module nft_ct"),
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
    let mut fail = Fail::new(Prefix::Kernel, &[name.0, " failed (", &reason, "): ", name.1, &shown(name.2)], 4);
    fail.0.line = name.3;
    if let Kind::Kernel(refusal) = &failure.error.kind
        && failure.error.errno() == Some(libc::ENOENT)
        && let Some(part) = refusal.attr.and_then(|attr| PARTS.iter().find(|part| part.0 == attr))
    {
        let text = &mut fail.0.text;
        *text = [text, "\n\u{1}: this kernel lacks the ", part.0, " (", part.1, ")"].concat();
    }
    fail
}
