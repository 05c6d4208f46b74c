//! Tables in the kernel: read, and changed as commands want it, with failures in
//! iptables' words.

use super::draft::Draft;
use super::emit::emit;
use super::extension::listed;
use super::fail::{Fail, Prefix};
use super::job::Job;
use super::tables::Table;
use crate::cli::cursor::shown;
use crate::error::{Kind, strerror};
use crate::model::ip::Family;
use crate::model::template::filled;
use crate::ruleset::{self, Failure, Id, Need, Ruleset, Snapshot, Stage};
use crate::sys::nl::{NlSocket, Transport};
use crate::wire::build::{Netfilter, Request};

/// The messages of a change, and what iptables calls each when it fails.
#[derive(Default)]
pub struct Steps<'a> {
    messages: Vec<Request<Netfilter>>,
    names: Vec<Name<'a>>,
}

/// `RULE_APPEND` and the like and what it is about, `rule in chain`, with a space between; then the name of that,
/// and the line of the input.
pub type Name<'a> = (&'static str, &'a [u8], u32);

impl<'a> Steps<'a> {
    /// Adds a message.
    #[inline(never)]
    pub fn push(&mut self, step: &'static str, name: &'a [u8], line: u32, message: Request<Netfilter>) {
        self.messages.push(message);
        self.names.push((step, name, line));
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
        let what = if failure.stage == Stage::Chains { "CHAIN_LIST table" } else { "RULE_LIST table" };
        let name = wanted.first().map_or(&b""[..], |wanted| wanted.0.name);
        failed(&failure, &(what, name, 0))
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
                let whole: &Name<'_> = &("COMMIT table", table.name.as_bytes(), 0);
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

/// The expressions of nf_tables that are modules of their own.
const MODULES: &str = "redir ct limit log reject fib notrack masq nat target match";

/// Which part of the kernel lacks, of those that a refusal can name.
#[inline(never)]
fn lacking(part: &str) -> Option<String> {
    let name = part.strip_suffix(" expression").filter(|name| listed(MODULES, name.as_bytes()));
    let (name, before, behind) = match name {
        Some(name @ ("target" | "match")) => ("compat", "", filled(", and the %'s own", &[name])),
        Some("notrack") => ("ct", "", String::new()),
        Some(name) => (name, "", String::new()),
        None if part == "chain type" => ("nat", "chain_", String::new()),
        None => return None,
    };
    let config = name.to_ascii_uppercase();
    Some(filled("% (CONFIG_NFT_%, module nft_%%%)", &[part, &config, before, name, &behind]))
}

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
    let (step, what) = name.0.split_once(' ').unwrap_or_default();
    let mut fail = Fail::new(Prefix::Kernel, &[step, " failed (", &reason, "): ", what, " ", &shown(name.1)], 4);
    fail.0.line = name.2;
    if let Kind::Kernel(refusal) = &failure.error.kind
        && failure.error.errno() == Some(libc::ENOENT)
        && let Some(part) = refusal.attr.and_then(lacking)
    {
        fail.0.text += "\n\u{1}: this kernel lacks the ";
        fail.0.text += &part;
    }
    fail
}
