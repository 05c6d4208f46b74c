//! What happens in an echo loop: what it tells its caller, who prints it.

use std::net::{Ipv4Addr, SocketAddr};

use crate::sys::icmp::Queued;

/// What happens, in its order.
#[derive(Debug)]
pub enum Event<'a> {
    /// A broadcast address is pinged, as `-b` allows.
    Broadcast,
    /// The source address is not one of the interface that was asked for.
    OtherDevice,
    /// An answer.
    Reply(Reply<'a>),
    /// A host reports an error about the request `seq`.
    Refused {
        /// Who.
        from: SocketAddr,
        /// Sequence number of the request.
        seq: u16,
        /// ICMP type, code, and the number that goes with them.
        error: Queued,
    },
    /// A router's advice: ICMP type 4 or 5.
    Advice {
        /// Who.
        from: SocketAddr,
        /// Sequence number of the request.
        seq: u16,
        /// ICMP type.
        kind: u8,
        /// ICMP code.
        code: u8,
        /// The better router.
        gateway: Ipv4Addr,
    },
    /// This host reports why it did not send a request.
    Local {
        /// errno.
        errno: i32,
        /// The MTU, if it is `EMSGSIZE`.
        mtu: u32,
        /// Whether the request was one of IPv6.
        v6: bool,
    },
    /// A request could not be sent, for a reason that only the errno tells.
    NotSent {
        /// errno.
        errno: i32,
        /// iputils prints it.
        told: bool,
    },
    /// The request before the one that is sent now has no answer yet.
    Outstanding(u64),
    /// `SIGQUIT` asks how things stand.
    Status,
}

/// An answer to a request.
#[derive(Debug)]
pub struct Reply<'a> {
    /// Who answered.
    pub from: SocketAddr,
    /// Sequence number.
    pub seq: u16,
    /// TTL or hop limit that it arrived with.
    pub ttl: Option<u8>,
    /// Round-trip time, in microseconds.
    pub time: Option<u64>,
    /// There was an answer before, and it was not to be expected that several hosts answer.
    pub repeated: bool,
    /// The checksum is wrong.
    pub corrupt: bool,
    /// Another host was asked.
    pub stranger: bool,
    /// The ICMP message.
    pub message: &'a [u8],
    /// The request, to compare it with.
    pub request: &'a [u8],
}
