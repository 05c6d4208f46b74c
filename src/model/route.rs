//! Routes: one type for what is asked of the kernel and what it shows.

use std::net::IpAddr;

use super::encap::{Encap, each_index};
use super::ip::{Family, Prefix};
use super::link::LinkId;

/// What a route does with a packet (`RTN_*`, `linux/rtnetlink.h`); unknown numbers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouteKind(pub u8);

impl RouteKind {
    /// Not said: matches any kind when a route is deleted.
    pub const UNSPEC: RouteKind = RouteKind(0);
    /// To a gateway or a device.
    pub const UNICAST: RouteKind = RouteKind(1);
    /// An address of this machine.
    pub const LOCAL: RouteKind = RouteKind(2);
    /// A broadcast address.
    pub const BROADCAST: RouteKind = RouteKind(3);
    /// Unicast, received as broadcast.
    pub const ANYCAST: RouteKind = RouteKind(4);
    /// To a multicast group.
    pub const MULTICAST: RouteKind = RouteKind(5);
    /// Answered with "host unreachable".
    pub const UNREACHABLE: RouteKind = RouteKind(7);
    /// Answered with "prohibited".
    pub const PROHIBIT: RouteKind = RouteKind(8);
    /// Address translation (gone since kernel 2.6).
    pub const NAT: RouteKind = RouteKind(10);

    const NAMES: &'static str =
        "none unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat xresolve";

    /// Its name; an unknown number has none.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.split(' ').nth(self.0.into())
    }

    /// The kind of a word, as iproute2 abbreviates it: the first of its own order that the word begins.
    pub fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"" => return None,
            b"local" => return Some(Self::LOCAL),
            b"nat" => return Some(Self::NAT),
            b"brd" => return Some(Self::BROADCAST),
            _ => {}
        }
        const ORDER: &[u8] = &[3, 4, 5, 8, 7, 6, 11, 1, 9];
        ORDER.iter().copied().map(RouteKind).find(|kind| kind.name().is_some_and(|n| n.as_bytes().starts_with(word)))
    }
}

bitflags::bitflags! {
    /// Flags of a route (`RTM_F_*`) and of its next hop (`RTNH_F_*`); unknown bits are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct RouteFlags: u32 {
        /// The next hop is gone.
        const DEAD = 1;
        /// Does a recursive lookup.
        const PERVASIVE = 2;
        /// The gateway is taken to be on the link.
        const ONLINK = 4;
        /// The next hop is offloaded.
        const OFFLOAD = 8;
        /// The next hop's device has no carrier.
        const LINKDOWN = 0x10;
        /// Waits for resolution (IPv4 multicast).
        const UNRESOLVED = 0x20;
        /// The next hop traps packets to the CPU.
        const TRAP = 0x40;
        /// Users are told of a change.
        const NOTIFY = 0x100;
        /// A result of a look-up, or an IPv6 exception; not an entry of a table.
        const CLONED = 0x200;
        /// In a question: name the table that answered (IPv4).
        const LOOKUP_TABLE = 0x1000;
        /// In a question: answer with the table's entry.
        const FIB_MATCH = 0x2000;
        /// The route is offloaded.
        const ROUTE_OFFLOAD = 0x4000;
        /// The route traps packets.
        const ROUTE_TRAP = 0x8000;
        /// Offloading failed (kernel 5.11).
        const OFFLOAD_FAILED = 0x2000_0000;
        const _ = !0;
    }
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NextHop {
    /// The gateway; for an IPv4 route it may be an IPv6 address.
    pub via: Option<IpAddr>,
    /// The device.
    pub device: Option<LinkId>,
    /// Weight less one, among several hops.
    pub hops: u8,
    /// The `RTNH_F_*` part of the flags.
    pub flags: RouteFlags,
    /// Realms of its packets, the source's in the upper half.
    pub realms: Option<u32>,
    /// What it wraps packets in.
    pub encap: Option<Encap>,
}

/// The main table.
pub const TABLE_MAIN: u32 = 254;
/// The table of the machine's own addresses.
pub const TABLE_LOCAL: u32 = 255;
/// `RTPROT_BOOT`: made by hand or by a script.
pub const PROTOCOL_BOOT: u8 = 3;
/// `RT_SCOPE_UNIVERSE`: anywhere.
pub const SCOPE_UNIVERSE: u8 = 0;
/// `RT_SCOPE_LINK`: on a directly connected network.
pub const SCOPE_LINK: u8 = 253;
/// `RT_SCOPE_HOST`: this machine.
pub const SCOPE_HOST: u8 = 254;
/// `RT_SCOPE_NOWHERE`: matches any scope when a route is deleted.
pub const SCOPE_NOWHERE: u8 = 255;

/// `RTAX_WINDOW`: largest TCP window, bytes.
pub const METRIC_WINDOW: u16 = 3;
/// `RTAX_RTT`: round trip time, eighths of a millisecond.
pub const METRIC_RTT: u16 = 4;
/// `RTAX_RTTVAR`: its variance, quarters of a millisecond.
pub const METRIC_RTTVAR: u16 = 5;
/// `RTAX_RTO_MIN`: shortest retransmission time, milliseconds.
pub const METRIC_RTO_MIN: u16 = 13;
/// `RTAX_ADVMSS`: advertised TCP segment size, bytes.
pub const METRIC_ADVMSS: u16 = 8;
/// `RTAX_HOPLIMIT`: hop limit; all ones is "the default".
pub const METRIC_HOPLIMIT: u16 = 10;
/// `RTAX_FEATURES`: bits; 1 is ECN.
pub const METRIC_FEATURES: u16 = 12;
/// `RTAX_CC_ALGO`: congestion control, a name.
pub const METRIC_CONGESTION: u16 = 16;

/// Names of the metrics by `RTAX_*` number, from 2 on.
const METRICS: &str = "mtu window rtt rttvar ssthresh cwnd advmss reordering hoplimit initcwnd features rto_min initrwnd quickack \
    congctl fastopen_no_cookie";

/// Name of an `RTAX_*` number.
pub fn metric_name(number: u16) -> Option<&'static str> {
    METRICS.split(' ').nth(number.checked_sub(2)?.into())
}

/// `RTAX_*` number of a name.
pub fn metric_number(name: &str) -> Option<u16> {
    let at = METRICS.split(' ').position(|metric| metric == name)?;
    u16::try_from(at + 2).ok()
}

/// How much a metric's raw value counts per millisecond, for those that are times.
pub fn metric_per_ms(number: u16) -> Option<u32> {
    match number {
        METRIC_RTT => Some(8),
        METRIC_RTTVAR => Some(4),
        METRIC_RTO_MIN => Some(1),
        _ => None,
    }
}

/// Properties of the path (`RTA_METRICS`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metrics {
    /// `RTAX_*` numbers with raw values, ascending.
    pub values: Vec<(u16, u32)>,
    /// Bit N: metric N is locked.
    pub locked: u32,
    /// Congestion control algorithm.
    pub congestion: Option<Vec<u8>>,
}

impl Metrics {
    /// Sets a metric, in place of an older value.
    pub fn set(&mut self, number: u16, value: u32) {
        match self.values.binary_search_by_key(&number, |row| row.0) {
            Ok(at) => self.values[at].1 = value,
            Err(at) => self.values.insert(at, (number, value)),
        }
    }

    /// The raw value of a metric.
    pub fn get(&self, number: u16) -> Option<u32> {
        self.values.iter().find(|row| row.0 == number).map(|row| row.1)
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.congestion.is_none()
    }
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination; its family is the route's.
    pub dst: Prefix,
    /// Source that it is for (IPv6 only).
    pub from: Option<Prefix>,
    /// Type of service byte; 0 is any.
    pub tos: u8,
    /// What it does.
    pub kind: RouteKind,
    /// Table number.
    pub table: u32,
    /// Who made it (`RTPROT_*`).
    pub protocol: u8,
    /// How far the destination is (`RT_SCOPE_*`).
    pub scope: u8,
    /// Flags, those of a single next hop among them.
    pub flags: RouteFlags,
    /// Gateway of a single next hop.
    pub via: Option<IpAddr>,
    /// Device of a single next hop.
    pub device: Option<LinkId>,
    /// Next hops of a multipath route.
    pub hops: Vec<NextHop>,
    /// Device a packet came in by, in the answer to a question.
    pub input: Option<LinkId>,
    /// Source address to prefer.
    pub prefsrc: Option<IpAddr>,
    /// Priority; lower wins. IPv6 makes 0 to 1024.
    pub metric: Option<u32>,
    /// Properties of the path.
    pub metrics: Metrics,
    /// Router preference (RFC 4191): 0 medium, 1 high, 3 low.
    pub pref: Option<u8>,
    /// Life time in seconds, as asked for.
    pub expires: Option<u32>,
    /// Next hop object (kernel 5.3).
    pub nhid: Option<u32>,
    /// Realms of its packets, the source's in the upper half.
    pub realms: Option<u32>,
    /// What it wraps packets in.
    pub encap: Option<Encap>,
    /// Whether the hops left of a packet are handed on (MPLS).
    pub ttl_propagate: Option<u8>,
    /// Mark of the packet asked about.
    pub mark: Option<u32>,
    /// User of the packet asked about.
    pub uid: Option<u32>,
    /// What the kernel's cache says of it.
    pub cache: Option<Cache>,
}

/// `struct rta_cacheinfo`, as far as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cache {
    /// Time left, in hundredths of a second; 0 is none.
    pub expires: i32,
    /// What a packet gets, a negative errno; 0 is nothing.
    pub error: i32,
    /// References to it.
    pub users: u32,
    /// How often it was used.
    pub used: u32,
    /// Time since its last use, in hundredths of a second.
    pub idle: u32,
}

impl Route {
    /// A unicast route of the main table, protocol boot, to a destination.
    #[inline(never)]
    pub fn to(dst: Prefix) -> Self {
        Route {
            dst,
            from: None,
            tos: 0,
            kind: RouteKind::UNICAST,
            table: TABLE_MAIN,
            protocol: PROTOCOL_BOOT,
            scope: SCOPE_UNIVERSE,
            flags: RouteFlags::empty(),
            via: None,
            device: None,
            hops: Vec::new(),
            input: None,
            prefsrc: None,
            metric: None,
            metrics: Metrics::default(),
            pref: None,
            expires: None,
            nhid: None,
            realms: None,
            encap: None,
            ttl_propagate: None,
            mark: None,
            uid: None,
            cache: None,
        }
    }

    /// Its family.
    pub fn family(&self) -> Family {
        self.dst.family()
    }

    /// Shows every device index that it names.
    pub fn each_index(&self, see: &mut dyn FnMut(u32)) {
        each_index(self.device, self.encap.as_ref(), see);
        each_index(self.input, None, see);
        for hop in &self.hops {
            each_index(hop.device, hop.encap.as_ref(), see);
        }
    }
}

/// How a new route goes with those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteVerb {
    /// Fails with `EEXIST` where the same destination, tos and metric is there.
    Add,
    /// Changes one that is there.
    Change,
    /// Changes it or makes it.
    Replace,
    /// Makes it, before those of the same destination.
    Prepend,
    /// Makes it, behind them.
    Append,
    /// Only asks whether it is there.
    Test,
    /// Takes it away.
    Delete,
}

/// Which routes to list. The kernel filters (4.20); an older one sends more than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouteFilter {
    /// The namespace that is asked, for the devices in the answers.
    pub ns: u32,
    /// Family, or all.
    pub family: Family,
    /// Table; 0 is all.
    pub table: u32,
    /// Who made it; 0 is any.
    pub protocol: u8,
    /// Device that it leads out by.
    pub device: Option<LinkId>,
    /// Exceptions of the path (PMTU, redirects) instead of entries of tables.
    pub cloned: bool,
}

/// Asks where a packet would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteQuestion {
    /// The namespace that is asked, for the devices in the answer.
    pub ns: u32,
    /// Where to.
    pub dst: Prefix,
    /// Where from.
    pub from: Option<Prefix>,
    /// Type of service byte.
    pub tos: u8,
    /// Device it came in by.
    pub input: Option<LinkId>,
    /// Device it must leave by.
    pub output: Option<LinkId>,
    /// Its mark; 0 is none.
    pub mark: u32,
    /// The user who sends it.
    pub uid: Option<u32>,
    /// Answer with the table's entry instead of the look-up's result.
    pub fib_match: bool,
    /// Tell of changes (IPv4, long gone).
    pub notify: bool,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
    /// Protocol over IP.
    pub ip_protocol: Option<u8>,
}

impl RouteQuestion {
    /// About a packet of this machine's own to a destination.
    pub fn about(dst: Prefix) -> Self {
        RouteQuestion {
            ns: 0,
            dst,
            from: None,
            tos: 0,
            input: None,
            output: None,
            mark: 0,
            uid: None,
            fib_match: false,
            notify: false,
            sport: None,
            dport: None,
            ip_protocol: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_abbreviate_in_iproute2s_order() {
        for (word, expected) in [
            ("b", Some(RouteKind::BROADCAST)),
            ("bl", Some(RouteKind(6))),
            ("any", Some(RouteKind::ANYCAST)),
            ("u", Some(RouteKind::UNREACHABLE)),
            ("uni", Some(RouteKind::UNICAST)),
            ("p", Some(RouteKind::PROHIBIT)),
            ("t", Some(RouteKind(9))),
            ("loc", None),
            ("local", Some(RouteKind::LOCAL)),
            ("bogus", None),
            ("", None),
        ] {
            assert_eq!(RouteKind::parse(word.as_bytes()), expected, "{word}");
        }
        assert_eq!(RouteKind(200).name(), None);
    }

    #[test]
    fn metrics_keep_their_numbers_and_order() {
        assert_eq!((metric_number("mtu"), metric_name(8), metric_name(1)), (Some(2), Some("advmss"), None));
        assert_eq!((metric_name(METRIC_CONGESTION), metric_name(METRIC_FEATURES)), (Some("congctl"), Some("features")));
        let mut metrics = Metrics::default();
        for (number, value) in [(8, 1), (2, 2), (8, 3)] {
            metrics.set(number, value);
        }
        assert_eq!(metrics.values, [(2, 2), (8, 3)]);
    }
}
