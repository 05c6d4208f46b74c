//! The nat table in the kernel: read whole and unchanging, and changed in one
//! transaction that fails if somebody else was faster, then tried again.

use super::fail::Fail;
use crate::cli::cursor::shown;
use crate::error::{Error, Kind, strerror};
use crate::model::nat::{Base, Chain, Rule, Spec};
use crate::socket::{Query, Socket};
use crate::sys::nl::Transport;
use crate::wire::build::{Netfilter, Request};
use crate::wire::nft::{FAMILY_IP, chain, generation, rule, table};
use crate::wire::reply::Frame;

/// The table.
pub const NAT: &[u8] = b"nat";
/// Times a commit is tried when the rule set keeps changing.
const TRIES: u32 = 20;

/// The built-in chains in the order of a listing: name, hook, priority.
pub const BUILTIN: &[(&[u8], u32, i32)] =
    &[(b"PREROUTING", 0, -100), (b"INPUT", 1, 100), (b"OUTPUT", 3, -100), (b"POSTROUTING", 4, 100)];

/// What is asked for one answer: the generation, or whether an extension is there.
enum Question<'a> {
    Generation,
    Extension(&'a str, bool),
}

struct Chains;

/// The rules of a chain, or all.
struct Rules<'a>(Option<&'a [u8]>);

impl Query for Question<'_> {
    type Protocol = Netfilter;
    type Item = u32;

    fn encode(&self) -> Request<Netfilter> {
        match self {
            Question::Generation => generation::get(),
            Question::Extension(name, is_target) => crate::wire::nft::xt::probe(name, 0, *is_target),
        }
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<u32> {
        generation::decode(frame)
    }
}

impl Query for Chains {
    type Protocol = Netfilter;
    type Item = Chain;

    fn encode(&self) -> Request<Netfilter> {
        chain::list()
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Chain> {
        chain::decode(frame, NAT)
    }
}

impl Query for Rules<'_> {
    type Protocol = Netfilter;
    type Item = Rule;

    fn encode(&self) -> Request<Netfilter> {
        rule::list(NAT, self.0)
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Rule> {
        rule::decode(frame, NAT)
    }
}

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

/// The nat table at one generation.
#[derive(Debug, Default)]
pub struct Table {
    /// All its chains, in the kernel's order.
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

    /// Where a rule of a chain stands that is exactly this one.
    #[inline(never)]
    pub fn find(&self, chain: &[u8], spec: &Spec) -> Option<usize> {
        self.rules.iter().position(|rule| rule.chain == chain && rule.unknown.is_empty() && rule.spec == *spec)
    }

    /// The rules of a chain, in order.
    pub fn rules_of(&self, name: &[u8]) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.chain == name)
    }
}

/// Which rules a command needs to see.
#[derive(Debug, Clone, Copy)]
pub enum Need<'a> {
    /// None.
    Chains,
    /// Those of one chain.
    Rules(&'a [u8]),
    /// All.
    All,
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

/// A socket to nf_tables.
pub struct Kernel<T> {
    socket: Socket<Netfilter, T>,
}

impl<T: Transport> Kernel<T> {
    /// Over an open socket.
    pub fn new(socket: Socket<Netfilter, T>) -> Self {
        Kernel { socket }
    }

    /// Whether the kernel takes an xtables extension inside nf_tables rules.
    #[inline(never)]
    pub fn has_extension(&mut self, name: &str, is_target: bool) -> bool {
        match self.socket.get(&Question::Extension(name, is_target)) {
            Ok(_) => true,
            // No privilege says nothing about the extension; it is reported where the table is read.
            Err(error) => error.errno() == Some(libc::EPERM),
        }
    }

    /// Reads the table, all of one generation, and tells which.
    #[inline(never)]
    pub fn read(&mut self, need: Need<'_>) -> Result<(u32, Table), Fail> {
        let mut before = self.generation()?;
        for _ in 0..TRIES {
            let chains = self.socket.dump(&Chains).map_err(|e| refused(&("CHAIN_LIST", "table ", NAT), &e))?;
            let of = match need {
                Need::Chains => None,
                Need::Rules(chain) => Some(Rules(Some(chain))),
                Need::All => Some(Rules(None)),
            };
            let rules = match of {
                Some(rules) => self.socket.dump(&rules).map_err(|e| refused(&("RULE_LIST", "table ", NAT), &e))?,
                None => Vec::new(),
            };
            let after = self.generation()?;
            if before == after {
                return Ok((after, Table { chains, rules }));
            }
            before = after;
        }
        Err(busy())
    }

    #[inline(never)]
    fn generation(&mut self) -> Result<u32, Fail> {
        match self.socket.get(&Question::Generation) {
            Ok(Some(id)) => Ok(id),
            Ok(None) => Err(no_generation(libc::EINVAL)),
            Err(error) => Err(no_generation(error.errno().unwrap_or(libc::EIO))),
        }
    }

    /// Changes the table: `plan` looks at it and says what to send, and is asked again
    /// each time that the table has changed meanwhile.
    pub fn change<'a>(
        &mut self,
        need: Need<'_>,
        plan: &mut dyn FnMut(&mut Table, &mut Steps<'a>) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        for _ in 0..TRIES {
            let (generation, mut table) = self.read(need)?;
            let mut steps = Steps::default();
            plan(&mut table, &mut steps)?;
            let Err(rejected) = self.socket.transaction(steps.messages, Some(generation)) else { return Ok(()) };
            if rejected.error.errno() == Some(libc::ERESTART) {
                continue;
            }
            let whole: &Name<'_> = &("COMMIT", "table ", NAT);
            let name = rejected.message.and_then(|at| steps.names.get(at)).unwrap_or(whole);
            return Err(refused(name, &rejected.error));
        }
        Err(busy())
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
pub fn open() -> Result<Kernel<crate::sys::nl::NlSocket>, Fail> {
    Socket::open().map(Kernel::new).map_err(|error| {
        let errno = error.errno().unwrap_or(libc::EIO);
        let more = if errno == libc::EPROTONOSUPPORT { NO_NF_TABLES } else { "" };
        Fail::new(&["iptables: Failed to initialize nft: ", &strerror(errno), more], 1)
    })
}

const NO_NF_TABLES: &str = "\niptables: this kernel has no nf_tables (CONFIG_NF_TABLES): load the modules nfnetlink and nf_tables (modprobe nf_tables), or use a kernel that has them";

#[inline(never)]
fn no_generation(errno: i32) -> Fail {
    // nfnetlink without nf_tables answers EINVAL, EOPNOTSUPP where it cannot load it.
    let missing = matches!(errno, libc::EINVAL | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT);
    let more = if missing { NO_NF_TABLES } else { "" };
    // iptables' own word, where it has one.
    let reason = if errno == libc::EPERM { "Permission denied (you must be root)".to_owned() } else { strerror(errno) };
    Fail::kernel(&["Could not fetch rule set generation id: ", &reason, more].concat())
}

#[inline(never)]
fn busy() -> Fail {
    Fail::kernel("the rule set kept changing while it was worked on: try again")
}

/// Which part of the kernel an expression comes from.
const PARTS: &[(&str, &str)] = &[
    ("masq expression", "CONFIG_NFT_MASQ, module nft_masq"),
    ("nat expression", "CONFIG_NFT_NAT, module nft_nat"),
    ("target expression", "CONFIG_NFT_COMPAT, module nft_compat, and the target's own"),
    ("match expression", "CONFIG_NFT_COMPAT, module nft_compat, and the match's own"),
    ("chain type", "CONFIG_NFT_NAT, module nft_chain_nat"),
];

#[inline(never)]
fn refused(name: &Name<'_>, error: &Error) -> Fail {
    let reason = match error.errno() {
        Some(errno) => strerror(errno),
        None => error.kind.to_string(),
    };
    let mut fail = Fail::kernel(&[" ", name.0, " failed (", &reason, "): ", name.1, &shown(name.2)].concat());
    if let Kind::Kernel(refusal) = &error.kind
        && error.errno() == Some(libc::ENOENT)
        && let Some(part) = refusal.attr.and_then(|attr| PARTS.iter().find(|part| part.0 == attr))
    {
        let text = &mut fail.0.text;
        *text = [text, "\niptables: this kernel lacks the ", part.0, " (", part.1, ")"].concat();
    }
    fail
}
