//! Rules of policy routing: one type for what is asked of the kernel, for what it
//! shows, and for what a listing is narrowed to.

use std::net::Ipv4Addr;

use super::ip::{Family, Prefix};
use super::route::RouteKind;

/// `FRA_GOTO`: the priority where the rule `goto` goes on.
pub const RULE_GOTO: u16 = 4;
/// `FRA_PRIORITY`: place of a rule; lower comes first.
pub const RULE_PRIORITY: u16 = 6;
/// `FRA_FWMARK`: the mark of a packet.
pub const RULE_MARK: u16 = 10;
/// `FRA_FLOW`: realms that it sets, the source's in the upper half.
pub const RULE_REALMS: u16 = 11;
/// `FRA_SUPPRESS_IFGROUP`: ignores routes out of a device of this group; all ones is none.
pub const RULE_SUPPRESS_GROUP: u16 = 13;
/// `FRA_SUPPRESS_PREFIXLEN`: ignores routes of this prefix length or less; all ones is none.
pub const RULE_SUPPRESS_PREFIX: u16 = 14;
/// `FRA_FWMASK`: which bits of the mark count.
pub const RULE_MASK: u16 = 16;
/// `FRA_L3MDEV`: looks the VRF's table up (kernel 4.8).
pub const RULE_L3MDEV: u16 = 19;
/// `FRA_PROTOCOL`: who made it (kernel 4.17).
pub const RULE_PROTOCOL: u16 = 21;
/// `FRA_IP_PROTO`: protocol over IP (kernel 4.17).
pub const RULE_IP_PROTOCOL: u16 = 22;

/// `FR_ACT_TO_TBL`: looks a table up.
pub const ACTION_TABLE: RouteKind = RouteKind(1);
/// `FR_ACT_GOTO`: goes on at another rule.
pub const ACTION_GOTO: RouteKind = RouteKind(2);
/// `FR_ACT_NOP`: does nothing.
pub const ACTION_NOP: RouteKind = RouteKind(3);

bitflags::bitflags! {
    /// Flags of a rule (`FIB_RULE_*`, `linux/fib_rules.h`); unknown bits are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct RuleFlags: u32 {
        /// Is for packets that its selector does not meet.
        const INVERT = 2;
        /// The rule that it goes to is not there.
        const UNRESOLVED = 4;
        /// There is no device of the `iif` name.
        const INPUT_DETACHED = 8;
        /// There is no device of the `oif` name.
        const OUTPUT_DETACHED = 0x10;
        const _ = !0;
    }
}

/// A rule. What is `None`, zero or not among the numbers is not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Family.
    pub family: Family,
    /// Source of the packets.
    pub from: Option<Prefix>,
    /// Destination of the packets.
    pub to: Option<Prefix>,
    /// Type of service byte.
    pub tos: Option<u8>,
    /// Table to look up.
    pub table: u32,
    /// What it does: an action (`FR_ACT_*`) or a kind of route.
    pub action: RouteKind,
    /// Flags.
    pub flags: RuleFlags,
    /// Further properties by `FRA_*` number.
    pub numbers: Vec<(u16, u32)>,
    /// Name of the device that a packet came in by.
    pub input: Option<Vec<u8>>,
    /// Name of the device that a packet's socket is bound to.
    pub output: Option<Vec<u8>>,
    /// Users, first and last.
    pub users: Option<(u32, u32)>,
    /// Source ports, first and last.
    pub sport: Option<(u16, u16)>,
    /// Destination ports, first and last.
    pub dport: Option<(u16, u16)>,
    /// Id of the tunnel that a packet came through.
    pub tunnel: Option<u64>,
    /// Address for `nat`, which kernels know no more.
    pub nat: Option<Ipv4Addr>,
}

impl Rule {
    /// A number of the rule.
    pub fn get(&self, number: u16) -> Option<u32> {
        self.numbers.iter().find(|row| row.0 == number).map(|row| row.1)
    }

    /// Sets a number.
    pub fn set(&mut self, number: u16, value: u32) {
        self.numbers.retain(|row| row.0 != number);
        self.numbers.push((number, value));
    }

    /// Whether a listing narrowed to `self` shows a rule. As in iproute2, a zero narrows only by
    /// priority and type of service, and the protocol not at all.
    pub fn takes(&self, rule: &Rule) -> bool {
        let number = |&(number, value): &(u16, u32)| {
            number == RULE_PROTOCOL || (value == 0 && number != RULE_PRIORITY) || rule.get(number).unwrap_or(0) == value
        };
        let ports = |own: Option<(u16, u16)>, other| own.is_none_or(|range| range.0 == 0 || other == own);
        let within = |own: Option<Prefix>, other: Option<Prefix>| match (own, other) {
            (Some(own), None) => own.is_empty(),
            (Some(own), Some(other)) => own.len() <= other.len() && own.contains(&other.addr()),
            _ => true,
        };
        self.family == rule.family
            && rule.flags.contains(self.flags)
            && self.numbers.iter().all(number)
            && within(self.from, rule.from)
            && within(self.to, rule.to)
            && self.tos.is_none_or(|tos| rule.tos.unwrap_or(0) == tos)
            && (self.table == 0 || self.table == rule.table)
            && (self.input.is_none() || self.input == rule.input)
            && (self.output.is_none() || self.output == rule.output)
            && (self.users.is_none() || self.users == rule.users)
            && ports(self.sport, rule.sport)
            && ports(self.dport, rule.dport)
            && self.tunnel.is_none_or(|id| id == 0 || rule.tunnel == self.tunnel)
    }
}

/// Lists the rules of a family.
#[derive(Debug, Clone, Copy)]
pub struct RuleFilter {
    /// IPv4 or IPv6.
    pub family: Family,
}
