//! Changes out of bytes: the fuzzer's, or a fixed-seed generator's.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::sync::LazyLock;

use netstrap::model::addr::{Addr, AddrFlags, AddrVerb, Lifetimes};
use netstrap::model::encap::Encap;
use netstrap::model::fdb::{Fdb, FdbVerb};
use netstrap::model::ip::{Family, Prefix, family_of};
use netstrap::model::link::{
    Argument, ArgumentValue, KindArguments, KindName, LinkChange, LinkFlags, LinkId, LinkNumber, ListVerb, NetnsRef,
    NewKind, NewLink, NewPeer,
};
use netstrap::model::name::IfName;
use netstrap::model::neigh::{Neigh, NeighFlags, NeighState, NeighVerb};
use netstrap::model::nexthop::{NextHopObject, NextHopVerb, Resilient};
use netstrap::model::op::Op;
use netstrap::model::port::{PortChange, SENT, VlanChange};
use netstrap::model::route::{NextHop, Route, RouteFlags, RouteKind, RouteVerb};
use netstrap::model::rule::{Rule, RuleFlags};

/// Some open descriptor, for changes that carry one.
static SOME_FILE: LazyLock<File> = LazyLock::new(|| File::open("/dev/null").expect("/dev/null"));

/// Bytes that choices are made with; zeros once they are used up.
pub struct Source<'a>(pub &'a [u8]);

impl Source<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// The next four bytes.
    pub fn number(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() & 1 == 1).then(|| make(self))
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let len = 1 + self.below(most);
        (0..len).map(|_| self.byte()).collect()
    }

    fn name(&mut self) -> IfName {
        let bytes: Vec<u8> = self.bytes(15).into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
        IfName::new(&bytes).or_else(|| IfName::new(b"veth0")).expect("a valid name")
    }

    fn index(&mut self) -> NonZeroU32 {
        NonZeroU32::new(self.number()).unwrap_or(NonZeroU32::MIN)
    }

    fn link(&mut self) -> LinkId {
        LinkId { ns: 0, index: self.index() }
    }

    fn ip(&mut self, family: Family) -> IpAddr {
        match family {
            Family::V6 => {
                let mut octets = [0; 16];
                octets.iter_mut().for_each(|octet| *octet = self.byte());
                Ipv6Addr::from(octets).into()
            }
            _ => Ipv4Addr::from(self.number()).into(),
        }
    }

    fn family(&mut self) -> Family {
        if self.byte() & 1 == 0 { Family::V4 } else { Family::V6 }
    }

    fn prefix(&mut self, family: Family) -> Prefix {
        let addr = self.ip(family);
        let len = u8::try_from(self.below(usize::from(family.bits()) + 1)).unwrap_or(0);
        Prefix::new(addr, len).expect("a length within the family's")
    }

    fn change(&mut self) -> LinkChange<'static> {
        LinkChange {
            name: self.maybe(Source::name),
            up: self.maybe(|s| s.byte() & 1 == 1),
            master: self.maybe(|s| s.maybe(Source::link)),
            netns: self.maybe(|s| match s.byte() & 1 {
                0 => NetnsRef::Fd(SOME_FILE.as_fd()),
                _ => NetnsRef::Pid(s.number()),
            }),
            mtu: self.maybe(Source::number),
            address: self.maybe(|s| s.bytes(32)),
            lower: self.maybe(Source::link),
            flag_mask: LinkFlags::PROMISC,
            flags: if self.byte() & 1 == 1 { LinkFlags::PROMISC } else { LinkFlags::empty() },
            broadcast: self.maybe(|s| s.bytes(32)),
            numbers: [LinkNumber::TxQueueLength, LinkNumber::Group, LinkNumber::Mode, LinkNumber::TxQueues]
                .into_iter()
                .filter_map(|number| self.maybe(|s| (number, s.number())))
                .collect(),
            ..LinkChange::default()
        }
    }

    fn kind_name(&mut self) -> KindName {
        let bytes: Vec<u8> = self.bytes(9).into_iter().map(|b| b'a' + b % 26).collect();
        KindName::new(&bytes).expect("a valid kind")
    }

    fn kind(&mut self) -> KindArguments {
        let count = self.below(4);
        // 1 is the peer of a veth, which has a form of its own; no number comes twice.
        let one = |s: &mut Self, n| Argument { number: n + 2, value: ArgumentValue::Bytes(s.bytes(20)) };
        let arguments = self.maybe(|s| (0..u16::try_from(count).unwrap_or(0)).map(|n| one(s, n)).collect());
        KindArguments { kind: self.kind_name(), arguments }
    }

    fn new_link(&mut self) -> NewLink<'static> {
        let kind = match self.below(3) {
            0 => NewKind::Plain(self.kind_name()),
            1 => NewKind::With(self.kind()),
            _ => NewKind::Veth { peer: self.maybe(|s| NewPeer { change: s.change(), index: s.maybe(Source::index) }) },
        };
        NewLink { change: self.change(), index: self.maybe(Source::index), kind }
    }

    fn addr(&mut self) -> Addr {
        let family = self.family();
        let base = self.prefix(family);
        Addr {
            family,
            local: self.maybe(|s| s.ip(family)),
            address: self.maybe(|_| base.addr()),
            scope: self.byte(),
            flags: AddrFlags::from_bits_retain(self.number() & 0xfff),
            broadcast: self.maybe(|s| s.ip(Family::V4)),
            anycast: self.maybe(|s| s.ip(Family::V6)),
            label: self.maybe(|s| s.name().as_bytes().to_vec()),
            metric: self.maybe(Source::number),
            protocol: self.maybe(Source::byte),
            lifetimes: self.maybe(|s| Lifetimes { preferred: s.number(), valid: s.number() }),
            ..Addr::new(base)
        }
    }

    fn encap(&mut self) -> Encap {
        let attrs = (1..=self.byte() & 3).map(|attr| (attr.into(), self.bytes(20))).collect();
        Encap { kind: self.byte().into(), attrs }
    }

    fn hop(&mut self, family: Family) -> NextHop {
        NextHop {
            via: self.maybe(|s| s.ip(family)),
            device: self.maybe(Source::link),
            hops: self.byte(),
            flags: RouteFlags::from_bits_retain(u32::from(self.byte() & 0x7f)),
            realms: self.maybe(Source::number),
            encap: self.maybe(Source::encap),
        }
    }

    fn route(&mut self) -> Route {
        let family = self.family();
        let mut route = Route::to(self.prefix(family));
        // A default route is one without a destination on the wire.
        if route.dst.is_empty() {
            route.dst = Prefix::default_route(family);
        }
        route.tos = self.byte();
        route.kind = RouteKind(self.byte() % 12);
        route.table = self.number();
        route.protocol = self.byte();
        route.scope = self.byte();
        route.via = self.maybe(|s| s.ip(family));
        route.device = self.maybe(Source::link);
        route.prefsrc = self.maybe(|s| s.ip(family));
        route.metric = self.maybe(Source::number);
        route.pref = self.maybe(Source::byte);
        route.expires = self.maybe(Source::number);
        route.nhid = self.maybe(Source::number);
        route.realms = self.maybe(Source::number);
        route.ttl_propagate = self.maybe(Source::byte);
        route.encap = self.maybe(Source::encap);
        for _ in 0..self.below(4) {
            let hop = self.hop(family);
            route.hops.push(hop);
        }
        for _ in 0..self.below(4) {
            let (number, value) = (2 + u16::from(self.byte() % 14), self.number());
            route.metrics.set(number, value);
        }
        route
    }

    fn neigh(&mut self) -> Neigh {
        let family = self.family();
        let dst = self.ip(family);
        Neigh {
            family: family_of(&dst),
            device: self.maybe(Source::link),
            dst: Some(dst),
            lladdr: self.maybe(|s| s.bytes(32)),
            state: NeighState::from_bits_retain(u16::from(self.byte())),
            flags: NeighFlags::from_bits_retain(self.byte()),
            ext_flags: self.number() & 3,
            protocol: self.byte(),
            ..Neigh::default()
        }
    }

    fn fdb(&mut self) -> Fdb {
        let family = self.family();
        Fdb {
            device: Some(self.link()),
            lladdr: Some(self.bytes(32)),
            state: NeighState::from_bits_retain(u16::from(self.byte())),
            flags: NeighFlags::from_bits_retain(self.byte()),
            dst: self.maybe(|s| s.ip(family)),
            vlan: self.maybe(|s| u16::from(s.byte())),
            port: self.maybe(|s| u16::from(s.byte())),
            vni: self.maybe(Self::number),
            src_vni: self.maybe(Self::number),
            via: self.maybe(Self::number),
            nexthop: self.maybe(Self::number),
            master: self.maybe(Self::number),
            ..Fdb::default()
        }
    }

    fn rule(&mut self) -> Rule {
        let family = self.family();
        let mut rule = Rule {
            family,
            from: self.maybe(|s| s.prefix(family)).filter(|prefix| !prefix.is_empty()),
            to: self.maybe(|s| s.prefix(family)).filter(|prefix| !prefix.is_empty()),
            tos: self.maybe(Source::byte).filter(|tos| *tos != 0),
            table: self.number(),
            action: RouteKind(self.byte()),
            flags: RuleFlags::from_bits_retain(self.number()),
            numbers: Vec::new(),
            input: self.maybe(|s| s.name().as_bytes().to_vec()),
            output: self.maybe(|s| s.name().as_bytes().to_vec()),
            users: self.maybe(|s| (s.number(), s.number())),
            sport: self.maybe(|s| (u16::from(s.byte()), u16::from(s.byte()))),
            dport: self.maybe(|s| (u16::from(s.byte()), u16::from(s.byte()))),
            tunnel: self.maybe(|s| s.number().into()),
            nat: self.maybe(|s| s.number().into()),
        };
        for _ in 0..self.below(4) {
            let number = [4, 6, 10, 11, 13, 14, 16, 19, 21, 22][self.below(10)];
            rule.set(number, self.byte().into());
        }
        rule
    }

    fn next_hop_object(&mut self) -> NextHopObject {
        let family = self.family();
        NextHopObject {
            id: self.maybe(Source::number),
            family,
            protocol: self.byte(),
            scope: 0,
            flags: RouteFlags::from_bits_retain(self.number()),
            device: self.maybe(Source::link),
            via: self.maybe(|s| s.ip(family)),
            blackhole: self.byte() & 1 == 1,
            fdb: self.byte() & 1 == 1,
            group: (0..self.below(4)).map(|_| (self.number(), self.byte())).collect(),
            group_kind: self.maybe(|s| s.byte().into()),
            resilient: self.maybe(|s| Resilient {
                buckets: s.maybe(|s| s.byte().into()),
                idle_timer: s.maybe(Source::number),
                unbalanced_timer: s.maybe(Source::number),
                unbalanced_time: None,
            }),
            encap: self.maybe(Source::encap),
        }
    }

    /// A change of any kind, each of its parts chosen.
    pub fn op(&mut self) -> Op<'static> {
        match self.below(11) {
            0 => Op::CreateLink(self.new_link()),
            1 => {
                let kind = self.maybe(Source::kind);
                Op::ChangeLink(self.link(), LinkChange { kind, ..self.change() })
            }
            2 => match self.below(5) {
                0 => Op::DeleteLink(self.link()),
                1 => Op::DeleteGroup(self.number()),
                2 => {
                    let mut change = self.change();
                    change.numbers.retain(|(number, _)| *number != LinkNumber::Group);
                    Op::ChangeGroup(self.number(), change)
                }
                3 => Op::AltNames(
                    [ListVerb::Add, ListVerb::Delete][self.below(2)],
                    self.link(),
                    vec![self.name().as_bytes().to_vec()],
                ),
                _ => Op::ReplaceLink(self.new_link()),
            },
            3 => {
                let verb = [AddrVerb::Add, AddrVerb::Replace, AddrVerb::Change, AddrVerb::Delete][self.below(4)];
                Op::Addr(verb, self.link(), self.addr())
            }
            4 => {
                use RouteVerb::{Add, Append, Change, Delete, Prepend, Replace, Test};
                let verb = [Add, Change, Replace, Prepend, Append, Test, Delete][self.below(7)];
                Op::Route(verb, self.route())
            }
            7 => Op::Fdb([FdbVerb::Add, FdbVerb::Append, FdbVerb::Replace, FdbVerb::Delete][self.below(4)], self.fdb()),
            8 => Op::BridgePort(PortChange {
                link: self.link(),
                properties: SENT.iter().filter_map(|letter| self.maybe(|s| (*letter, s.number()))).collect(),
                side: self.number() as u16 & 3,
                mode: self.maybe(|s| u16::from(s.byte())),
            }),
            9 => Op::BridgeVlan(VlanChange {
                delete: self.below(2) == 0,
                link: self.link(),
                ids: (u16::from(self.byte()), self.maybe(|s| u16::from(s.byte()) + 256)),
                flags: self.number() as u16 & 6,
                side: self.number() as u16 & 3,
                tunnels: self.maybe(|s| (s.number(), s.number())),
            }),
            5 => Op::Rule { delete: self.byte() & 1 == 1, rule: self.rule() },
            6 => {
                use NextHopVerb::{Add, Delete, Replace};
                Op::NextHop([Add, Replace, Delete][self.below(3)], self.next_hop_object())
            }
            _ => {
                use NeighVerb::{Add, Change, Delete, Replace};
                Op::Neigh([Add, Change, Replace, Delete][self.below(4)], self.neigh())
            }
        }
    }
}
