//! The rule set of nf_tables: tables of any family are read whole and at one generation,
//! and changed in transactions that the kernel refuses if somebody else was faster.
//! Nothing here knows what a table is for; iptables' and netstrap's own are alike.

mod taken;

use std::fmt;

use crate::error::{Error, Kind, strerror};
use crate::model::nat::{Chain, Rule, Spec};
use crate::socket::{Query, Socket};
use crate::sys::nl::{NlSocket, Transport};
use crate::wire::build::{Netfilter, Request};
use crate::wire::nft::batch::NFGENMSG;
use crate::wire::nft::{chain, generation, rule, xt};
use crate::wire::reply::Frame;

/// Times that reading, or commits in a row, are tried while the rule set keeps changing.
pub const TRIES: u32 = 20;

/// Which table: nf_tables has one name space per family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id<'a> {
    /// `NFPROTO_*`: 2 `ip`, 10 `ip6`.
    pub family: u8,
    /// Its name.
    pub name: &'a [u8],
}

/// Which rules of a table are read along with its chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    /// None.
    Chains,
    /// Those of one chain.
    Rules(&'a [u8]),
    /// All.
    All,
    /// All, with the attributes that the kernel listed ([`Rule::raw`]).
    Raw,
}

/// One table as it was read.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// All its chains, in the kernel's order; none if the table is not there.
    pub chains: Vec<Chain>,
    /// The rules that were asked for, in order.
    pub rules: Vec<Rule>,
}

impl Table {
    /// A chain by name.
    #[inline(never)]
    pub fn chain(&self, name: &[u8]) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    /// The rules of a chain, in order.
    pub fn rules_of(&self, name: &[u8]) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.chain == name)
    }

    /// The rules of a chain that are exactly this one, in order.
    pub fn equal<'t>(&'t self, chain: &'t [u8], spec: &'t Spec) -> impl Iterator<Item = &'t Rule> {
        self.rules_of(chain).filter(move |rule| rule.unknown.is_empty() && rule.spec == *spec)
    }
}

/// Tables as they stood at one generation.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The generation; a commit that names it is refused once there is a newer one.
    pub generation: u32,
    /// The tables, in the order in which they were asked for.
    pub tables: Vec<Table>,
}

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Asking for the generation. `EINVAL`, `EOPNOTSUPP`: the kernel has no nf_tables.
    Generation,
    /// Listing chains.
    Chains,
    /// Listing rules.
    Rules,
    /// Committing; the index of the message that was refused, `None` for the batch as a whole.
    Commit(Option<usize>),
}

/// Why the rule set could not be read or changed. After a failed commit nothing has changed,
/// unless its kind is [`Kind::Lost`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was being done.
    pub stage: Stage,
    /// The reason.
    pub error: Error,
}

impl Failure {
    fn at(stage: Stage) -> impl FnOnce(Error) -> Failure {
        move |error| Failure { stage, error }
    }

    /// Everybody else was always faster.
    fn busy() -> Self {
        Failure { stage: Stage::Commit(None), error: Error::new(Kind::Interrupted) }
    }

    /// Whether the kernel has no nf_tables at all; nfnetlink without it answers `EINVAL`, or
    /// `EOPNOTSUPP` where it cannot load it.
    pub fn no_nf_tables(&self) -> bool {
        let errno = self.error.errno();
        self.stage == Stage::Generation
            && matches!(errno, Some(libc::EINVAL | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error.kind {
            Kind::Interrupted => f.write_str("the rule set kept changing while it was worked on: try again"),
            Kind::Sys { errno: libc::EMSGSIZE, .. } => f.write_str(
                "the change is larger than this user may send in one piece: raise the sysctl net.core.wmem_max, \
                 or run it as root of the host",
            ),
            _ => match self.error.errno() {
                Some(errno) => f.write_str(&strerror(errno)),
                None => self.error.kind.fmt(f),
            },
        }
    }
}

/// What is asked for one answer: the generation, or whether an extension is there.
enum Question<'a> {
    Generation,
    Extension(u8, &'a str, u32, bool),
}

struct Chains<'a>(Id<'a>);

/// The rules of a chain, or all.
struct Rules<'a>(Id<'a>, Option<&'a [u8]>, bool);

impl Query for Question<'_> {
    type Protocol = Netfilter;
    type Item = u32;

    fn encode(&self) -> Request<Netfilter> {
        match *self {
            Question::Generation => generation::get(),
            Question::Extension(family, name, rev, is_target) => xt::probe(family, name, rev, is_target),
        }
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<u32> {
        generation::decode(frame)
    }
}

impl Query for Chains<'_> {
    type Protocol = Netfilter;
    type Item = Chain;

    fn encode(&self) -> Request<Netfilter> {
        chain::list(self.0.family)
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Chain> {
        chain::decode(frame, self.0.name)
    }
}

impl Query for Rules<'_> {
    type Protocol = Netfilter;
    type Item = Rule;

    fn encode(&self) -> Request<Netfilter> {
        rule::list(self.0.family, self.0.name, self.1)
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Rule> {
        let mut rule = rule::decode(frame, self.0.name)?;
        if self.2 {
            rule.raw = frame.payload.get(NFGENMSG..)?.to_vec();
        }
        Some(rule)
    }
}

/// A socket to nf_tables.
pub struct Ruleset<T = NlSocket> {
    socket: Socket<Netfilter, T>,
    /// Commits in a row that came late.
    late: u32,
}

impl Ruleset {
    /// Opens nf_tables in the calling thread's namespace.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` where the kernel has no nfnetlink.
    pub fn open() -> crate::error::Result<Self> {
        Socket::open().map(Ruleset::over)
    }
}

impl<T: Transport> Ruleset<T> {
    /// Over an open socket.
    pub fn over(socket: Socket<Netfilter, T>) -> Self {
        Ruleset { socket, late: 0 }
    }

    /// Whether the kernel takes an xtables extension, in this revision, inside nf_tables rules of a
    /// family. Without privilege it says yes: nothing is known then, and the commit tells.
    #[inline(never)]
    pub fn has_extension(&mut self, family: u8, name: &str, rev: u32, is_target: bool) -> bool {
        match self.socket.get(&Question::Extension(family, name, rev, is_target)) {
            Ok(_) => true,
            Err(error) => error.errno() == Some(libc::EPERM),
        }
    }

    /// Asks for the generation.
    ///
    /// # Errors
    /// Where there is no nf_tables ([`Failure::no_nf_tables`]), or without privilege.
    #[inline(never)]
    pub fn generation(&mut self) -> Result<u32, Failure> {
        let id = self.socket.get(&Question::Generation).map_err(Failure::at(Stage::Generation))?;
        let silent = crate::error::Refusal { errno: libc::EINVAL, ..Default::default() };
        id.ok_or_else(|| Failure { stage: Stage::Generation, error: Error::new(Kind::Kernel(silent)) })
    }

    /// Reads tables, all of one generation. One that is not there has no chains.
    ///
    /// # Errors
    /// The kernel's, or [`Kind::Interrupted`] if the rule set never stood still.
    #[inline(never)]
    pub fn read(&mut self, wanted: &[(Id<'_>, Need<'_>)]) -> Result<Snapshot, Failure> {
        let mut generation = self.generation()?;
        for _ in 0..TRIES {
            let mut tables = Vec::with_capacity(wanted.len());
            let mut dumps = 0;
            for &(id, need) in wanted {
                let table = self.table(id, need)?;
                dumps += 1 + u32::from(need != Need::Chains && !table.chains.is_empty());
                tables.push(table);
            }
            // One list is of one generation, and if that is a newer one, the commit comes late.
            if dumps == 1 {
                return Ok(Snapshot { generation, tables });
            }
            let after = self.generation()?;
            if after == generation {
                return Ok(Snapshot { generation, tables });
            }
            generation = after;
        }
        Err(Failure::busy())
    }

    #[inline(never)]
    fn table(&mut self, id: Id<'_>, need: Need<'_>) -> Result<Table, Failure> {
        let chains = self.socket.dump(&Chains(id)).map_err(Failure::at(Stage::Chains))?;
        let of = match need {
            _ if chains.is_empty() => None,
            Need::Chains => None,
            Need::Rules(chain) => Some(Rules(id, Some(chain), false)),
            Need::All => Some(Rules(id, None, false)),
            Need::Raw => Some(Rules(id, None, true)),
        };
        let rules = match of {
            Some(rules) => self.socket.dump(&rules).map_err(Failure::at(Stage::Rules))?,
            None => Vec::new(),
        };
        Ok(Table { chains, rules })
    }

    /// Commits messages that were made from a snapshot, as one transaction. False: the rule set has
    /// changed since, nothing was done; take a new snapshot and make them anew. No message is no change.
    ///
    /// Where the kernel's answer was lost, the rule set tells whether the change was made.
    ///
    /// # Errors
    /// The refusal, with the message at fault; [`Kind::Interrupted`] after [`TRIES`] late commits in a row.
    #[inline(never)]
    pub fn commit(&mut self, seen: &Snapshot, messages: Vec<Request<Netfilter>>) -> Result<bool, Failure> {
        let last = messages.last().map(|message| message.bytes().to_vec()).unwrap_or_default();
        let Err(rejected) = self.socket.transaction(messages, Some(seen.generation)) else {
            self.late = 0;
            return Ok(true);
        };
        let stale = rejected.error.errno() == Some(libc::ERESTART);
        if !stale && !matches!(rejected.error.kind, Kind::Lost { .. }) {
            return Err(Failure { stage: Stage::Commit(rejected.message), error: rejected.error });
        }
        if !stale && self.generation()? != seen.generation {
            // Somebody has committed: if it was not us, the kernel has refused ours.
            match taken::is_taken(self, &last, seen)? {
                Some(true) => return Ok(true),
                Some(false) => {}
                None => return Err(Failure { stage: Stage::Commit(None), error: rejected.error }),
            }
        }
        self.late += 1;
        if self.late < TRIES { Ok(false) } else { Err(Failure::busy()) }
    }
}
