//! The nat table in the kernel: read whole and unchanging, and changed in one
//! transaction that fails if somebody else was faster, then tried again.

use super::fail::Fail;
use crate::error::{Error, Kind, strerror};
use crate::model::nat::{Base, Chain, Rule};
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

struct Generation;

/// Chains and rules are asked for by one type: each type costs its own copy of the dump loop.
enum Part<'a> {
    Chains,
    Rules(Option<&'a [u8]>),
}

enum Found {
    Chain(Chain),
    Rule(Box<Rule>),
}

impl Query for Generation {
    type Protocol = Netfilter;
    type Item = u32;

    fn encode(&self) -> Request<Netfilter> {
        generation::get()
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<u32> {
        generation::decode(frame)
    }
}

impl Query for Part<'_> {
    type Protocol = Netfilter;
    type Item = Found;

    fn encode(&self) -> Request<Netfilter> {
        match self {
            Part::Chains => chain::list(),
            Part::Rules(of) => rule::list(NAT, *of),
        }
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Found> {
        match self {
            Part::Chains => chain::decode(frame, NAT).map(Found::Chain),
            Part::Rules(_) => rule::decode(frame, NAT).map(|rule| Found::Rule(Box::new(rule))),
        }
    }
}

/// The base that a built-in chain must have; `None` for another name.
pub fn builtin(name: &[u8]) -> Option<Base> {
    let &(_, hook, priority) = BUILTIN.iter().find(|row| row.0 == name)?;
    Some(Base { kind: NAT.to_vec(), hook, priority, accept: true })
}

/// Whether a chain is one that iptables works with: its own base chains, and user chains.
pub fn compatible(chain: &Chain) -> bool {
    match (&chain.base, builtin(&chain.name)) {
        (None, own) => own.is_none(),
        (Some(base), Some(own)) => base.kind == own.kind && base.hook == own.hook && base.priority == own.priority,
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
    pub fn chain(&self, name: &[u8]) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
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

/// One message of a change, with what iptables calls it when it fails.
pub struct Step {
    /// The message.
    pub message: Request<Netfilter>,
    /// `RULE_APPEND` and so on.
    pub verb: &'static str,
    /// What it is about: `rule in chain POSTROUTING`.
    pub object: String,
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
    pub fn has_extension(&mut self, name: &str, is_target: bool) -> bool {
        // No privilege says nothing about the extension; it is reported where the table is read.
        let answer = self.socket.request(crate::wire::nft::xt::probe(name, 0, is_target));
        answer.map_or_else(|error| error.errno() == Some(libc::EPERM), |_| true)
    }

    /// Reads the table, all of one generation, and tells which.
    pub fn read(&mut self, need: Need<'_>) -> Result<(u32, Table), Fail> {
        let mut before = self.generation()?;
        for _ in 0..TRIES {
            let mut table = Table::default();
            self.part(&Part::Chains, "CHAIN_LIST", &mut table)?;
            match need {
                Need::Chains => {}
                Need::Rules(chain) => self.part(&Part::Rules(Some(chain)), "RULE_LIST", &mut table)?,
                Need::All => self.part(&Part::Rules(None), "RULE_LIST", &mut table)?,
            }
            let after = self.generation()?;
            if before == after {
                return Ok((after, table));
            }
            before = after;
        }
        Err(busy())
    }

    fn part(&mut self, part: &Part<'_>, verb: &str, table: &mut Table) -> Result<(), Fail> {
        for found in self.socket.dump(part).map_err(|e| refused(verb, "table nat", &e))? {
            match found {
                Found::Chain(chain) => table.chains.push(chain),
                Found::Rule(rule) => table.rules.push(*rule),
            }
        }
        Ok(())
    }

    fn generation(&mut self) -> Result<u32, Fail> {
        match self.socket.get(&Generation) {
            Ok(Some(id)) => Ok(id),
            Ok(None) => Err(no_generation(libc::EINVAL)),
            Err(error) => Err(no_generation(error.errno().unwrap_or(libc::EIO))),
        }
    }

    /// Changes the table: `plan` looks at it and says what to send, and is asked again
    /// each time that the table has changed meanwhile.
    pub fn change(
        &mut self,
        need: Need<'_>,
        plan: &mut dyn FnMut(&Table) -> Result<Vec<Step>, Fail>,
    ) -> Result<(), Fail> {
        for _ in 0..TRIES {
            let (generation, table) = self.read(need)?;
            let steps = plan(&table)?;
            let (messages, names): (Vec<_>, Vec<_>) =
                steps.into_iter().map(|step| (step.message, (step.verb, step.object))).unzip();
            let Err(rejected) = self.socket.transaction(messages, Some(generation)) else { return Ok(()) };
            if rejected.error.errno() == Some(libc::ERESTART) {
                continue;
            }
            let (verb, object) =
                rejected.message.and_then(|at| names.get(at)).map_or(("COMMIT", "table nat"), |n| (n.0, n.1.as_str()));
            return Err(refused(verb, object, &rejected.error));
        }
        Err(busy())
    }
}

/// The messages that make the table and its built-in chains, as far as they are missing;
/// `wanted` must become a chain that iptables can work with.
///
/// All four at once: before kernel 4.18 a nat chain translates nothing unless its
/// counterpart for the answers exists too.
pub fn scaffold(table: &Table, wanted: &[u8]) -> Vec<Step> {
    let mut steps = Vec::new();
    let missing = |name: &[u8]| match table.chain(name) {
        None => true,
        Some(chain) => name == wanted && !compatible(chain),
    };
    for &(name, ..) in BUILTIN.iter().filter(|row| missing(row.0)) {
        let Some(base) = builtin(name) else { continue };
        let message = chain::create(FAMILY_IP, NAT, name, &base);
        let object = format!("chain {}", String::from_utf8_lossy(name));
        steps.push(Step { message, verb: "CHAIN_ADD", object });
    }
    if table.chains.is_empty() {
        let message = table::create(FAMILY_IP, NAT, None);
        steps.insert(0, Step { message, verb: "TABLE_ADD", object: "table nat".into() });
    }
    steps
}

/// Opens nf_tables.
pub fn open() -> Result<Kernel<crate::sys::nl::NlSocket>, Fail> {
    Socket::open().map(Kernel::new).map_err(|error| {
        let errno = error.errno().unwrap_or(libc::EIO);
        let mut fail = Fail::new(format!("iptables: Failed to initialize nft: {}", strerror(errno)), 1);
        if errno == libc::EPROTONOSUPPORT {
            fail.0.text += NO_NF_TABLES;
        }
        fail
    })
}

const NO_NF_TABLES: &str = "\niptables: this kernel has no nf_tables (CONFIG_NF_TABLES): load the modules nfnetlink and nf_tables (modprobe nf_tables), or use a kernel that has them";

fn no_generation(errno: i32) -> Fail {
    let mut fail = Fail::kernel(&format!("Could not fetch rule set generation id: {}", reason(errno)));
    // nfnetlink without nf_tables answers EINVAL, EOPNOTSUPP where it cannot load it.
    if matches!(errno, libc::EINVAL | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT) {
        fail.0.text += NO_NF_TABLES;
    }
    fail
}

fn busy() -> Fail {
    Fail::kernel("the rule set kept changing while it was worked on: try again")
}

/// iptables' own word for an errno, where it has one.
fn reason(errno: i32) -> String {
    if errno == libc::EPERM { "Permission denied (you must be root)".into() } else { strerror(errno) }
}

/// Which part of the kernel an expression comes from.
const PARTS: &[(&str, &str)] = &[
    ("masq expression", "CONFIG_NFT_MASQ, module nft_masq"),
    ("nat expression", "CONFIG_NFT_NAT, module nft_nat"),
    ("target expression", "CONFIG_NFT_COMPAT, module nft_compat, and the target's own"),
    ("match expression", "CONFIG_NFT_COMPAT, module nft_compat, and the match's own"),
    ("chain type", "CONFIG_NFT_NAT, module nft_chain_nat"),
];

fn refused(verb: &str, object: &str, error: &Error) -> Fail {
    let Some(errno) = error.errno() else { return Fail::kernel(&format!(" {verb} failed ({}): {object}", error.kind)) };
    let mut fail = Fail::kernel(&format!(" {verb} failed ({}): {object}", strerror(errno)));
    if let (libc::ENOENT, Kind::Kernel(refusal)) = (errno, &error.kind)
        && let Some(part) = refusal.attr.and_then(|attr| PARTS.iter().find(|part| part.0 == attr))
    {
        fail.0.text += &format!("\niptables: this kernel lacks the {} ({})", part.0, part.1);
    }
    fail
}
