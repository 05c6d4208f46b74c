//! NAT rules as iptables words them: what a rule matches, what it does, and the
//! chains that hold it. Parsers and decoders make them, encoders and printers read them.

use std::net::IpAddr;

use bitflags::bitflags;

/// Something that may stand behind a `!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Not<T> {
    /// Whether it is negated.
    pub not: bool,
    /// What is matched.
    pub value: T,
}

/// Addresses of one family under a mask; the mask may have holes. Bits outside it are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Net {
    addr: IpAddr,
    mask: IpAddr,
}

impl Net {
    /// The addresses that equal `addr` under `mask`; both are of one family.
    pub fn new(addr: IpAddr, mask: IpAddr) -> Self {
        let addr = match (addr, mask) {
            (IpAddr::V6(addr), IpAddr::V6(mask)) => IpAddr::V6((addr.to_bits() & mask.to_bits()).into()),
            (IpAddr::V4(addr), IpAddr::V4(mask)) => IpAddr::V4((addr.to_bits() & mask.to_bits()).into()),
            _ => addr,
        };
        Net { addr, mask }
    }

    /// The address, host bits cleared.
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// The mask.
    pub fn mask(&self) -> IpAddr {
        self.mask
    }

    /// Prefix length; `None` for a mask with holes.
    pub fn prefix(&self) -> Option<u8> {
        crate::model::ip::netmask_len(self.mask)
    }
}

/// Interfaces of a name, or of a beginning of names (`eth+`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IfPattern {
    /// The name without `+`, padded with NULs.
    name: [u8; 16],
    /// Whether names that begin so match too.
    pub wild: bool,
}

impl IfPattern {
    /// A pattern of a name up to its NUL, without `+`; empty only for `+` itself. `None` for one of
    /// more than 16 bytes, which no interface can have.
    pub fn new(name: &[u8], wild: bool) -> Option<Self> {
        let mut padded = [0; 16];
        padded.get_mut(..name.len())?.copy_from_slice(name);
        Some(IfPattern { name: padded, wild })
    }

    /// The name, without `+`.
    pub fn name(&self) -> &[u8] {
        let end = self.name.iter().position(|&b| b == 0).unwrap_or(self.name.len());
        &self.name[..end]
    }
}

/// What a rule matches and does; two rules with equal specs are the same to `-C` and `-D`.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Spec {
    /// Source addresses.
    pub source: Option<Not<Net>>,
    /// Destination addresses.
    pub destination: Option<Not<Net>>,
    /// Interface that a packet came in by.
    pub input: Option<Not<IfPattern>>,
    /// Interface that it leaves by.
    pub output: Option<Not<IfPattern>>,
    /// IP protocol number.
    pub protocol: Option<Not<u8>>,
    /// IPv4: whether second and further fragments match, or all packets but those.
    pub fragment: Option<bool>,
    /// xtables matches, in the order of the command line.
    pub matches: Vec<Ext>,
    /// Comment, at most 255 bytes, maybe not UTF-8.
    pub comment: Option<Vec<u8>>,
    /// What is done with a packet that matches.
    pub target: Target,
}

impl Clone for Spec {
    // The derived one looks into each condition, which is all code; they can be copied as they are.
    fn clone(&self) -> Self {
        Spec {
            matches: self.matches.clone(),
            comment: self.comment.clone(),
            target: self.target.clone(),
            source: self.source,
            destination: self.destination,
            input: self.input,
            output: self.output,
            protocol: self.protocol,
            fragment: self.fragment,
        }
    }
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// Counts only.
    #[default]
    None,
    /// Ends the table's walk; no translation by later rules.
    Accept,
    /// Drops the packet (nft can write it into a nat chain, iptables refuses to).
    Drop,
    /// Goes back to the calling chain, or to the policy.
    Return,
    /// Continues in a chain, then comes back.
    Jump(Vec<u8>),
    /// Continues in a chain for good.
    Goto(Vec<u8>),
    /// An xtables target.
    Ext(Ext),
}

/// An xtables match or target, as the kernel holds it. Two are equal if iptables takes them for
/// the same: what the kernel keeps for itself in the structure is 0 here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ext {
    /// Its name in the kernel: `MASQUERADE`, `conntrack`.
    pub name: Vec<u8>,
    /// Revision of its structure.
    pub rev: u32,
    /// The structure, padded to 8 bytes.
    pub info: Vec<u8>,
}

/// Which translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatKind {
    /// Source becomes the address of the outgoing interface.
    Masquerade,
    /// Source becomes a given address.
    Snat,
    /// Destination becomes a given address.
    Dnat,
    /// Destination becomes this host.
    Redirect,
}

impl NatKind {
    /// Name of the iptables target.
    pub fn name(self) -> &'static str {
        match self {
            NatKind::Masquerade => "MASQUERADE",
            NatKind::Snat => "SNAT",
            NatKind::Dnat => "DNAT",
            NatKind::Redirect => "REDIRECT",
        }
    }
}

bitflags! {
    /// How a translation picks addresses and ports; values of the kernel's `NF_NAT_RANGE_*`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct NatFlags: u32 {
        /// `--random`
        const RANDOM = 4;
        /// `--persistent`
        const PERSISTENT = 8;
        /// `--random-fully` (kernel 3.14)
        const FULLY_RANDOM = 0x10;
    }
}

/// A translation: what the structure of a NAT target ([`Ext`]) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nat {
    /// Which one.
    pub kind: NatKind,
    /// First and last new address, of one family.
    pub addrs: Option<(IpAddr, IpAddr)>,
    /// First and last new port.
    pub ports: Option<(u16, u16)>,
    /// How it picks among them.
    pub flags: NatFlags,
}

/// Packets and bytes that matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A rule as it stands in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Chain that holds it.
    pub chain: Vec<u8>,
    /// The kernel's number of it, unique in its table.
    pub handle: u64,
    /// What is known of it.
    pub spec: Spec,
    /// Its counter, if it has one.
    pub counters: Option<Counters>,
    /// Its attributes as the kernel listed them; empty unless they were asked for.
    pub raw: Vec<u8>,
    /// Names of the expressions that `spec` does not tell of, with `, ` between them; empty when
    /// it tells everything.
    pub unknown: String,
}

/// Where a base chain hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// Type: `nat`, `filter`, `route`; empty for another one.
    pub kind: &'static str,
    /// Netfilter hook number: 0 prerouting, 1 input, 2 forward, 3 output, 4 postrouting.
    pub hook: u32,
    /// Priority; lower runs first.
    pub priority: i32,
    /// Whether packets that reach its end are accepted.
    pub accept: bool,
}

/// A chain as it stands in the kernel.
#[derive(Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: Vec<u8>,
    /// The kernel's number of it, unique in its table.
    pub handle: u64,
    /// Its hook; `None` for a user's chain.
    pub base: Option<Base>,
    /// Rules that it holds plus jumps to it, as the kernel counts uses.
    pub uses: u32,
    /// Packets and bytes that met the policy, if counted.
    pub counters: Option<Counters>,
}

impl Clone for Chain {
    fn clone(&self) -> Self {
        let Chain { ref name, handle, base, uses, counters } = *self;
        Chain { name: name.clone(), handle, base, uses, counters }
    }
}
