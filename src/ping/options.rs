//! How to ping: the settings of an echo loop, with iputils' defaults.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether packets may be fragmented (`IP_PMTUDISC_*`, the same for IPv6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragments {
    /// By any router: no DF bit.
    Anywhere = 0,
    /// Here, to the path's MTU.
    Here = 1,
    /// Not at all.
    Never = 2,
    /// Not at all, whatever the path's MTU is believed to be.
    NeverUnchecked = 3,
}

/// How to ping.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests to send, or with a deadline answers to wait for; 0 is no end.
    pub count: u64,
    /// Milliseconds between requests; 0 is as soon as the last one was answered.
    pub interval: u32,
    /// Milliseconds to wait after the last request if none was answered; 0 is for ever.
    pub linger: u32,
    /// Seconds until the end; 0 is none.
    pub deadline: u32,
    /// Bytes of data in a request.
    pub size: usize,
    /// TTL or hop limit.
    pub ttl: Option<u8>,
    /// Fragmentation; `None` leaves the system's setting, except that multicast never fragments.
    pub fragments: Option<Fragments>,
    /// Broadcast addresses may be pinged.
    pub broadcast: bool,
    /// Interface to use.
    pub device: Option<Vec<u8>>,
    /// Source address for IPv4 targets.
    pub source_v4: Option<Ipv4Addr>,
    /// Source address for IPv6 targets.
    pub source_v6: Option<Ipv6Addr>,
    /// The source address stays what it is now, also if the route changes.
    pub sticky: bool,
    /// Errors of this host are not counted, as iputils does when it is quiet.
    pub quiet: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            count: 0,
            interval: 1000,
            linger: 10_000,
            deadline: 0,
            size: 56,
            ttl: None,
            fragments: None,
            broadcast: false,
            device: None,
            source_v4: None,
            source_v6: None,
            sticky: false,
            quiet: false,
        }
    }
}
