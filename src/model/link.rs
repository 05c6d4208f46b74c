//! Links: what an interface is, as the kernel tells it ([`Link`]) and as a user asks
//! for it ([`NewLink`], [`LinkChange`]).

use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;

use super::name::IfName;

/// A link of one namespace. Index 2 exists in every namespace, so the namespace goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId {
    /// The namespace, as this process counts them; 0 is the one it started in.
    pub ns: u32,
    /// Interface index.
    pub index: NonZeroU32,
}

bitflags::bitflags! {
    /// Interface flags (`IFF_*`, `linux/if.h`); unknown bits are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct LinkFlags: u32 {
        /// Set up by the administrator.
        const UP = 1;
        /// Broadcasts work.
        const BROADCAST = 1 << 1;
        /// Debugging is on.
        const DEBUG = 1 << 2;
        /// A loopback device.
        const LOOPBACK = 1 << 3;
        /// A point-to-point link: its second address is the peer's.
        const POINTOPOINT = 1 << 4;
        /// No trailers.
        const NOTRAILERS = 1 << 5;
        /// Operational (RFC 2863 up or unknown).
        const RUNNING = 1 << 6;
        /// No ARP.
        const NOARP = 1 << 7;
        /// Takes all packets.
        const PROMISC = 1 << 8;
        /// Takes all multicast packets.
        const ALLMULTI = 1 << 9;
        /// Master of a load balancer.
        const MASTER = 1 << 10;
        /// Slave of a load balancer.
        const SLAVE = 1 << 11;
        /// Multicast works.
        const MULTICAST = 1 << 12;
        /// Medium is selected by the user.
        const PORTSEL = 1 << 13;
        /// Medium is selected by itself.
        const AUTOMEDIA = 1 << 14;
        /// Addresses are lost when it goes down.
        const DYNAMIC = 1 << 15;
        /// The carrier is there.
        const LOWER_UP = 1 << 16;
        /// Waits for something, such as authentication.
        const DORMANT = 1 << 17;
        /// Echoes sent packets.
        const ECHO = 1 << 18;
        const _ = !0;
    }
}

/// Properties of a link that are one number each, by the kernel's number of the attribute (`IFLA_*`,
/// `linux/if_link.h`). [`Link`] has fields of its own for those that every listing shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum LinkNumber {
    /// Transmit queue length in packets.
    TxQueueLength = 13,
    /// RFC 2863 state (`IF_OPER_*`).
    State = 16,
    /// Link mode: 0 default, 1 dormant.
    Mode = 17,
    /// How IPv6 makes up its addresses (`IN6_ADDR_GEN_MODE_*`; inside `IFLA_AF_SPEC`).
    AddrGenMode = 26,
    /// Group.
    Group = 27,
    /// How many times promiscuous mode was asked for.
    Promiscuity = 30,
    /// Transmit queues.
    TxQueues = 31,
    /// Receive queues.
    RxQueues = 32,
    /// 1 with a carrier.
    Carrier = 33,
    /// How many times the carrier came and went.
    CarrierChanges = 35,
    /// Namespace of the lower device, by its id in ours.
    LinkNsid = 37,
    /// 1 while the protocol is held down.
    ProtoDown = 39,
    /// Most segments of one large packet handed to the device (kernel 4.6).
    GsoMaxSegs = 40,
    /// Largest such packet, in bytes (kernel 4.6).
    GsoMaxSize = 41,
    /// Index to take in another namespace (kernel 5.13).
    NewIndex = 49,
    /// Smallest MTU (kernel 4.20).
    MinMtu = 50,
    /// Largest MTU (kernel 4.20).
    MaxMtu = 51,
    /// Who holds the protocol down, a bit each (kernel 5.9).
    ProtoDownReason = 55,
    /// Largest packet put together on receipt, in bytes (kernel 5.17).
    GroMaxSize = 58,
    /// Largest packet that the device itself segments (kernel 5.18).
    TsoMaxSize = 59,
    /// Most segments of it (kernel 5.18).
    TsoMaxSegs = 60,
    /// How many times all multicast packets were asked for (kernel 6.0).
    AllMulti = 61,
}

/// What a link is made of on top of [`Link::link`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Interface index, unique in its namespace.
    pub index: u32,
    /// Name, as bytes: the kernel does not ask for UTF-8.
    pub name: Vec<u8>,
    /// Flags.
    pub flags: LinkFlags,
    /// Hardware type (`ARPHRD_*`): 1 ethernet, 772 loopback.
    pub hardware: u16,
    /// Largest packet in bytes.
    pub mtu: Option<u32>,
    /// Queueing discipline.
    pub qdisc: Option<Vec<u8>>,
    /// Index of the bridge, bond or VRF it belongs to.
    pub master: Option<u32>,
    /// RFC 2863 state (`IF_OPER_*`): 0 unknown, 2 down, 6 up.
    pub operstate: Option<u8>,
    /// Link mode: 0 default, 1 dormant.
    pub mode: Option<u8>,
    /// Group number; 0 is `default`.
    pub group: Option<u32>,
    /// Transmit queue length in packets.
    pub txqlen: Option<u32>,
    /// Hardware address.
    pub address: Option<Vec<u8>>,
    /// Broadcast address, or the peer's of a point-to-point link.
    pub broadcast: Option<Vec<u8>>,
    /// Permanent hardware address (kernel 5.6).
    pub permanent_address: Option<Vec<u8>>,
    /// Index of the lower device or veth peer; 0 is "none".
    pub link: Option<u32>,
    /// Namespace of [`Link::link`] by its id in ours; negative where it has none.
    pub link_netnsid: Option<i32>,
    /// Kind (`veth`, `bridge`); devices of hardware have none.
    pub kind: Option<Vec<u8>>,
    /// The kind's properties, as the kernel gave them (`IFLA_INFO_DATA`): attributes that the kind's table reads.
    pub kind_data: Vec<u8>,
    /// Kind of the master that it is a port of.
    pub slave_kind: Option<Vec<u8>>,
    /// Its properties as a port (`IFLA_INFO_SLAVE_DATA`).
    pub slave_data: Vec<u8>,
    /// Free text.
    pub alias: Option<Vec<u8>>,
    /// Alternative names (kernel 5.5).
    pub altnames: Vec<Vec<u8>>,
    /// Whether the protocol is held down.
    pub proto_down: bool,
    /// What only a detailed listing shows.
    pub numbers: Vec<(LinkNumber, u32)>,
    /// Names and ids of its port and of the hardware it is on: attribute and value, in the kernel's order.
    pub hardware_ids: Vec<(u16, Vec<u8>)>,
    /// Counters, as `struct rtnl_link_stats64` (`linux/if_link.h`) orders them; an older kernel has fewer.
    pub counters: Vec<u64>,
    /// What a notification is about (`IFLA_EVENT_*`).
    pub event: Option<u32>,
}

impl Link {
    /// Whether the administrator set it up.
    pub fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::UP)
    }

    /// One of its numbers.
    pub fn number(&self, wanted: LinkNumber) -> Option<u32> {
        self.numbers.iter().find(|(number, _)| *number == wanted).map(|(_, value)| *value)
    }

    /// Whether a word names it, by its name or an alternative one.
    pub fn is_called(&self, name: &[u8]) -> bool {
        self.name == name || self.altnames.iter().any(|alt| alt == name)
    }
}

/// A namespace as a request names it.
#[derive(Debug, Clone, Copy)]
pub enum NetnsRef<'a> {
    /// By an open descriptor, which outlives the request.
    Fd(BorrowedFd<'a>),
    /// By a process in it.
    Pid(u32),
}

/// Properties to set on a link, new or old; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct LinkChange<'a> {
    /// New name.
    pub name: Option<IfName>,
    /// Set up or down.
    pub up: Option<bool>,
    /// The new master, or `Some(None)` to leave it.
    pub master: Option<Option<LinkId>>,
    /// Namespace to move to or to be born in.
    pub netns: Option<NetnsRef<'a>>,
    /// Largest packet in bytes.
    pub mtu: Option<u32>,
    /// Hardware address.
    pub address: Option<Vec<u8>>,
    /// The device that it is made on top of (`link DEV`); looked at when a link is created.
    pub lower: Option<LinkId>,
    /// Flags other than [`LinkFlags::UP`] to set or clear.
    pub flags: LinkFlags,
    /// Which of them.
    pub flag_mask: LinkFlags,
    /// Hardware broadcast address.
    pub broadcast: Option<Vec<u8>>,
    /// Free text, up to 255 bytes; empty takes it away.
    pub alias: Option<Vec<u8>>,
    /// Numbers, in this order. A number that only the kernel sets is refused by it.
    pub numbers: Vec<(LinkNumber, u32)>,
    /// A reason to hold the protocol down, by its bit, and whether it goes on or off.
    pub proto_down_reason: Option<(u8, bool)>,
    /// Takes an XDP program off, with these `XDP_FLAGS_*`.
    pub xdp_off: Option<u32>,
    /// Arguments of its kind, or as a port of its master's kind; of a link to create, [`NewLink::kind`] has them.
    pub kind: Option<KindArguments>,
}

/// Name of an index among known links; `ifN` where there is none.
pub fn name_of(links: &[Link], index: u32) -> Vec<u8> {
    match links.iter().find(|link| link.index == index) {
        Some(link) => link.name.clone(),
        None => ["if", &index.to_string()].concat().into_bytes(),
    }
}

/// A link to create.
#[derive(Debug, Clone)]
pub struct NewLink<'a> {
    /// Its properties; without a name the kernel makes one up.
    pub change: LinkChange<'a>,
    /// Index to take, or the kernel's choice.
    pub index: Option<NonZeroU32>,
    /// What it is.
    pub kind: NewKind<'a>,
}

impl NewLink<'_> {
    /// Its kind, as the kernel calls it.
    pub fn kind_name(&self) -> &str {
        let name = match &self.kind {
            NewKind::Veth { .. } => return "veth",
            NewKind::Plain(name) => name,
            NewKind::With(kind) | NewKind::Pair(kind, _) => &kind.kind,
        };
        std::str::from_utf8(name.as_bytes()).unwrap_or("link")
    }
}

/// The kinds that can be created with arguments of their own.
#[derive(Debug, Clone)]
pub enum NewKind<'a> {
    /// A pair of virtual ethernet devices; without a peer the kernel makes one up.
    Veth {
        /// Properties of the other end. The kernel refuses `up` there.
        peer: Option<NewPeer<'a>>,
    },
    /// Any kind without arguments: `bridge`, `dummy`, ...
    Plain(KindName),
    /// A kind with its arguments.
    With(KindArguments),
    /// A pair of another kind (`netkit`), with the properties of the other end.
    Pair(KindArguments, NewPeer<'a>),
}

/// A kind's name with its arguments, as the attributes that carry them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindArguments {
    /// The kind; of a port the master's with `_slave` behind it.
    pub kind: KindName,
    /// Attributes in the order they are sent; `None` where no argument was given.
    pub arguments: Option<Vec<Argument>>,
}

/// One argument of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Attribute type, of the kind's own numbering.
    pub number: u16,
    /// Its value.
    pub value: ArgumentValue,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentValue {
    /// Bytes in wire order.
    Bytes(Vec<u8>),
    /// Attributes: type and bytes.
    List(Vec<(u16, Vec<u8>)>),
}

/// What is done with the entries of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListVerb {
    /// They are added.
    Add,
    /// They are taken away.
    Delete,
}

/// The other end of a new veth pair.
#[derive(Debug, Clone, Default)]
pub struct NewPeer<'a> {
    /// Its properties.
    pub change: LinkChange<'a>,
    /// Index to take, or the kernel's choice.
    pub index: Option<NonZeroU32>,
}

/// Name of a link kind, as `IFLA_INFO_KIND` carries it: 1 to 15 bytes without NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindName(Vec<u8>);

impl KindName {
    /// Checks a name.
    pub fn new(name: &[u8]) -> Option<Self> {
        ((1..=15).contains(&name.len()) && !name.contains(&0)).then(|| KindName(name.to_vec()))
    }

    /// The name's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
