//! The rules of `netstrap nat` in the kernel: listed, added, deleted and replaced, each
//! in one transaction, known again by their comments, written with what the kernel has.

mod owner;
mod plan;
mod seen;

use std::net::IpAddr;

use bitflags::bitflags;

use crate::error::{Error, Kind, Result};
use crate::model::ip::Prefix;
use crate::model::lab::Lab;
use crate::model::nat::Counters;
use crate::model::translation::{Action, Translation};
use crate::ruleset::{Failure, Ruleset, Stage};
use crate::socket::Socket;
use crate::sys::nl::{NlSocket, Transport};
use crate::wire::addr::GetAddrs;
use crate::wire::build::{Netfilter, Route};
use crate::wire::conntrack;
use crate::wire::nft::leg::At;
use owner::Owner;
use plan::Plan;
use seen::{Seen, family_number};

/// Name of the table of `netstrap nat`, in each family; what tables of ours have as their comment.
pub const TABLE: &[u8] = b"netstrap";

bitflags! {
    /// Parts that the kernel has turned out not to have.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Missing: u8 {
        /// `nft_masq`.
        const MASQ = 1;
        /// `nft_nat`.
        const NAT = 2;
        /// `nft_redir`.
        const REDIR = 4;
        /// `nft_fib`.
        const FIB = 8;
        /// `nft_ct`.
        const CT = 0x10;
        /// xtables matches in nf_tables rules.
        const XT = 0x20;
    }
}

/// A rule as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The rule.
    pub translation: Translation,
    /// Whether iptables' chain FORWARD is to let its packets through, if it drops.
    pub allow_forward: bool,
}

/// A rule as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// One of ours.
    Rule {
        /// The rule, and whether iptables' chain FORWARD lets its packets through.
        entry: Entry,
        /// Whether it is in iptables' table, made of xtables extensions.
        xtables: bool,
        /// Packets that it has translated (the first of each connection, but for this host's own), and their bytes.
        counters: Counters,
    },
    /// One in our table whose comment tells nothing.
    Foreign {
        /// `NFPROTO_*`.
        family: u8,
        /// Its chain.
        chain: Vec<u8>,
        /// The kernel's number of it.
        handle: u64,
    },
}

/// Why rules could not be read or changed; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Index of the rule at fault, if it is the fault of one.
    pub entry: Option<usize>,
    /// The failure.
    pub failure: Failure,
}

impl From<Failure> for Box<Fault> {
    fn from(failure: Failure) -> Self {
        Box::new(Fault { entry: None, failure })
    }
}

/// The rules in the kernel.
pub struct Translations<T = NlSocket> {
    ruleset: Ruleset<T>,
    owner: Owner,
    missing: Missing,
}

impl Translations {
    /// Opens nf_tables in the calling thread's namespace.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` where the kernel has no nfnetlink.
    pub fn open() -> Result<Self> {
        Socket::open().map(Translations::over)
    }
}

impl<T: Transport> Translations<T> {
    /// Those of `netstrap nat`, over an open socket.
    pub fn over(socket: Socket<Netfilter, T>) -> Self {
        Translations { ruleset: Ruleset::over(socket), owner: Owner::verb(), missing: Missing::empty() }
    }

    /// Those of a lab, over a socket that is open in any namespace: what forwards lead back is as their words say.
    pub fn of_lab(socket: Socket<Netfilter, T>, lab: &Lab) -> Self {
        Translations { owner: Owner::lab(lab), ..Translations::over(socket) }
    }

    /// What has been done without so far.
    pub fn missing(&self) -> Missing {
        self.missing
    }

    /// All rules, IPv4 first, in the order in which they were added.
    ///
    /// # Errors
    /// The rule set could not be read.
    pub fn list(&mut self) -> std::result::Result<Vec<Listed>, Box<Fault>> {
        Ok(Seen::read(&mut self.ruleset, &self.owner, &[2, 10], true)?.listed(&[]))
    }

    /// What a lab has, in order, and whether it is all as [`Translations::make`] would make it: no rule, chain or way
    /// to a chain is lost, in another order or not ours. `known` are those that the lab may have: of one whose comment
    /// was cut by another tool no more is left.
    ///
    /// # Errors
    /// The rule set could not be read.
    pub fn found(&mut self, known: &[Translation]) -> std::result::Result<(Vec<Translation>, bool), Box<Fault>> {
        let seen = Seen::read(&mut self.ruleset, &self.owner, &[2, 10], false)?;
        let (mut entries, mut missing, mut right) = (Vec::new(), Missing::empty(), true);
        for listed in seen.listed(known) {
            match listed {
                Listed::Rule { entry, xtables, .. } => {
                    if xtables {
                        missing |=
                            if entry.translation.action == Action::Forward { Missing::NAT } else { Missing::MASQ };
                    }
                    entries.push(entry);
                }
                Listed::Foreign { .. } => right = false,
            }
        }
        let mut plan = Plan::new(&seen, missing, &[]);
        plan.make(&entries);
        right &= plan.messages.is_empty();
        Ok((entries.iter().map(|entry| entry.translation).collect(), right))
    }

    /// Makes these a lab's only ones, in their order; of none, no table is left. False: they were.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn make(&mut self, translations: &[Translation]) -> std::result::Result<bool, Box<Fault>> {
        let entry = |translation: &Translation| Entry { translation: *translation, allow_forward: false };
        let entries: Vec<Entry> = translations.iter().map(entry).collect();
        self.change(&[2, 10], false, &entries, &mut |plan| plan.make(&entries))
    }

    /// Adds a rule at the end, unless it is there. False: it was.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn add(&mut self, entry: &Entry) -> std::result::Result<bool, Box<Fault>> {
        let family = [family_number(entry.translation.family)];
        self.change(&family, entry.allow_forward, std::slice::from_ref(entry), &mut |plan| plan.add(entry))
    }

    /// Deletes a rule, and what lets its packets through. False: it was not there.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn delete(&mut self, translation: &Translation) -> std::result::Result<bool, Box<Fault>> {
        let key = translation.key();
        self.change(&[family_number(translation.family)], true, &[], &mut |plan| plan.delete(key.as_bytes()))
    }

    /// Makes rules the only ones, in their order. False: they were.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn replace(&mut self, entries: &[Entry]) -> std::result::Result<bool, Box<Fault>> {
        self.change(&[2, 10], true, entries, &mut |plan| plan.replace(entries))
    }

    /// Deletes all rules with their tables. False: there were none.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn flush(&mut self) -> std::result::Result<bool, Box<Fault>> {
        self.change(&[2, 10], true, &[], &mut |plan| plan.flush())
    }

    /// Commits what `plan` says to do with the rule set for entries, which is asked again when that has changed, or when
    /// the kernel lacks something that can be done without.
    #[inline(never)]
    fn change(
        &mut self,
        families: &[u8],
        filter: bool,
        entries: &[Entry],
        plan: &mut dyn FnMut(&mut Plan<'_>),
    ) -> std::result::Result<bool, Box<Fault>> {
        let subnets = if self.owner.is_lab() { Vec::new() } else { Self::subnets(entries) };
        loop {
            let seen = Seen::read(&mut self.ruleset, &self.owner, families, filter)?;
            let mut made = Plan::new(&seen, self.missing, &subnets);
            plan(&mut made);
            if let Some(at) = made.astray {
                return Err(Box::new(astray(&at)));
            }
            if made.messages.is_empty() {
                return Ok(false);
            }
            match self.ruleset.commit(&seen.snapshot, std::mem::take(&mut made.messages)) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(failure) => {
                    let at = if let Stage::Commit(at) = failure.stage { at } else { None };
                    let (entry, parts) = at.and_then(|at| made.steps.get(at)).copied().unwrap_or_default();
                    match lacks(&failure, parts) {
                        Some(part) => self.missing |= part,
                        None => return Err(Box::new(Fault { entry, failure })),
                    }
                }
            }
        }
    }

    /// The subnets of this host's interfaces, if one of the rules needs to know its target's.
    #[inline(never)]
    fn subnets(entries: &[Entry]) -> Vec<Prefix> {
        let mut found = Vec::new();
        if entries.iter().any(|entry| entry.translation.action == Action::Forward) {
            // Without them the target's is guessed.
            let addrs = Socket::<Route>::open().and_then(|mut socket| socket.dump(&GetAddrs::default()));
            for (_, addr) in addrs.as_deref().unwrap_or_default() {
                if let Some(subnet) = addr.address.or(addr.local).and_then(|ip| Prefix::new(ip, addr.len)) {
                    found.push(subnet);
                }
            }
        }
        found
    }
}

/// The subnet of an address among those that were found: the narrowest.
#[inline(never)]
fn subnet(subnets: &[Prefix], addr: &IpAddr) -> Option<Prefix> {
    let mut found: Option<Prefix> = None;
    for subnet in subnets.iter().filter(|subnet| !subnet.is_host() && subnet.contains(addr)) {
        if found.is_none_or(|found| found.len() < subnet.len()) {
            found = Some(subnet.network());
        }
    }
    found
}

/// What a refusal points at, and the part that is missing then.
pub const PARTS: &[(&str, Missing)] = &[
    ("masq expression", Missing::MASQ),
    ("nat expression", Missing::NAT),
    ("redir expression", Missing::REDIR),
    ("fib expression", Missing::FIB),
    ("ct expression", Missing::CT),
    ("match expression", Missing::XT),
];

/// The fault of a chain that hangs elsewhere.
#[cold]
fn astray(at: &At<'_>) -> Fault {
    let own = at.table == TABLE;
    let text = [
        "nothing is translated in chain ",
        &String::from_utf8_lossy(at.chain),
        " of table ",
        if at.family == 10 { "ip6 " } else { "ip " },
        &String::from_utf8_lossy(at.table),
        ": it has not the type, hook and priority of its name; ",
        if own { "netstrap nat flush deletes the table" } else { "delete the chain with nft" },
    ];
    let error = Error::new(Kind::Usage(text.concat()));
    Fault { entry: None, failure: Failure { stage: Stage::Rules, error } }
}

/// The part that a refused rule shows to be missing and that can be done without; `parts` are those that it
/// was written with. `None` if it is refused for another reason.
#[inline(never)]
fn lacks(failure: &Failure, parts: Missing) -> Option<Missing> {
    let refusal = failure.error.refusal().filter(|refusal| refusal.errno == libc::ENOENT)?;
    // Kernels before 4.20 do not say which one it is: the translation first, as the likeliest.
    let part = PARTS.iter().find(|row| parts.intersects(row.1) && refusal.attr.is_none_or(|attr| attr == row.0));
    part.map(|row| row.1)
}

/// Whether a rule must go to iptables' table, for want of nftables' own expressions.
fn is_foreign(translation: &Translation, missing: Missing) -> bool {
    let parts = match translation.action {
        Action::Masquerade => Missing::MASQ,
        Action::Snat => Missing::NAT,
        Action::Forward => Missing::MASQ | Missing::NAT,
        Action::Redirect => Missing::REDIR,
    };
    missing.intersects(parts)
}

/// Makes the kernel forget all connections of the calling thread's namespace.
///
/// # Errors
/// `EPERM`; `EINVAL` or `EOPNOTSUPP` where the kernel has no nf_conntrack_netlink.
pub fn forget_connections() -> Result<()> {
    Socket::<Netfilter>::open()?.get(&conntrack::Flush).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;
    use crate::model::ip::{Family, parse_prefix};

    fn refused(errno: i32, attr: Option<&'static str>) -> Failure {
        let refusal = Refusal { errno, attr, ..Refusal::default() };
        Failure { stage: Stage::Commit(Some(0)), error: Error::new(Kind::Kernel(refusal)) }
    }

    #[test]
    fn the_kernels_answer_tells_what_is_missing() {
        let hairpin = Missing::MASQ | Missing::CT;
        for (attr, parts, expected) in [
            (Some("masq expression"), hairpin, Some(Missing::MASQ)),
            (Some("masq expression"), Missing::CT, None),
            (Some("ct expression"), hairpin, Some(Missing::CT)),
            (Some("match expression"), hairpin, None),
            (Some("match expression"), Missing::XT, Some(Missing::XT)),
            (Some("target expression"), Missing::XT, None),
            (Some("counter expression"), hairpin, None),
            (None, hairpin, Some(Missing::MASQ)),
            (None, Missing::CT, Some(Missing::CT)),
            (None, Missing::empty(), None),
        ] {
            assert_eq!(lacks(&refused(libc::ENOENT, attr), parts), expected, "{attr:?} {parts:?}");
        }
        assert_eq!(lacks(&refused(libc::EINVAL, Some("masq expression")), hairpin), None);
    }

    #[test]
    fn the_narrowest_subnet_is_the_targets() {
        let subnets = ["10.0.0.1/8", "10.1.2.3/32", "10.1.0.1/16", "fd00::1/64"]
            .map(|text| parse_prefix(text, Family::Unspec).unwrap());
        assert_eq!(subnet(&subnets, &"10.1.2.3".parse().unwrap()).unwrap().text().to_string(), "10.1.0.0/16");
        assert_eq!(subnet(&subnets, &"10.2.2.3".parse().unwrap()).unwrap().text().to_string(), "10.0.0.0/8");
        assert_eq!(subnet(&subnets, &"fd00:1::3".parse().unwrap()), None);
    }
}
