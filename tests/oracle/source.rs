//! Changes out of bytes: the fuzzer's, or a fixed-seed generator's.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::sync::LazyLock;

use netstrap::model::addr::{Addr, AddrFlags, AddrVerb, Lifetimes};
use netstrap::model::fdb::{Fdb, FdbVerb};
use netstrap::model::ip::{Family, Prefix, family_of};
use netstrap::model::link::{KindName, LinkChange, LinkId, NetnsRef, NewKind, NewLink, NewPeer};
use netstrap::model::name::IfName;
use netstrap::model::neigh::{Neigh, NeighFlags, NeighState, NeighVerb};
use netstrap::model::op::Op;
use netstrap::model::port::{PortChange, SENT, VlanChange};
use netstrap::model::route::{NextHop, Route, RouteFlags, RouteKind, RouteVerb};

/// Some open descriptor, for changes that carry one.
static SOME_FILE: LazyLock<File> = LazyLock::new(|| File::open("/dev/null").expect("/dev/null"));

/// Bytes that choices are made with; zeros once they are used up.
pub struct Source<'a>(pub &'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn below(&mut self, limit: usize) -> usize {
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
        }
    }

    fn new_link(&mut self) -> NewLink<'static> {
        let kind = match self.byte() & 1 {
            0 => {
                let bytes: Vec<u8> = self.bytes(15).into_iter().map(|b| b'a' + b % 26).collect();
                NewKind::Plain(KindName::new(&bytes).expect("a valid kind"))
            }
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

    fn hop(&mut self, family: Family) -> NextHop {
        NextHop {
            via: self.maybe(|s| s.ip(family)),
            device: self.maybe(Source::link),
            hops: self.byte(),
            flags: RouteFlags::from_bits_retain(u32::from(self.byte() & 0x7f)),
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
            references: 0,
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

    /// A change of any kind, each of its parts chosen.
    pub fn op(&mut self) -> Op<'static> {
        match self.below(9) {
            0 => Op::CreateLink(self.new_link()),
            1 => Op::ChangeLink(self.link(), self.change()),
            2 => Op::DeleteLink(self.link()),
            3 => {
                let verb = [AddrVerb::Add, AddrVerb::Replace, AddrVerb::Change, AddrVerb::Delete][self.below(4)];
                Op::Addr(verb, self.link(), self.addr())
            }
            4 => {
                use RouteVerb::{Add, Append, Change, Delete, Prepend, Replace, Test};
                let verb = [Add, Change, Replace, Prepend, Append, Test, Delete][self.below(7)];
                Op::Route(verb, self.route())
            }
            5 => Op::Fdb([FdbVerb::Add, FdbVerb::Append, FdbVerb::Replace, FdbVerb::Delete][self.below(4)], self.fdb()),
            6 => Op::BridgePort(PortChange {
                link: self.link(),
                properties: SENT.iter().filter_map(|letter| self.maybe(|s| (*letter, s.number()))).collect(),
                side: self.number() as u16 & 3,
                mode: self.maybe(|s| u16::from(s.byte())),
            }),
            7 => Op::BridgeVlan(VlanChange {
                delete: self.below(2) == 0,
                link: self.link(),
                ids: (u16::from(self.byte()), self.maybe(|s| u16::from(s.byte()) + 256)),
                flags: self.number() as u16 & 6,
                side: self.number() as u16 & 3,
                tunnels: self.maybe(|s| (s.number(), s.number())),
            }),
            _ => {
                use NeighVerb::{Add, Change, Delete, Replace};
                Op::Neigh([Add, Change, Replace, Delete][self.below(4)], self.neigh())
            }
        }
    }
}
