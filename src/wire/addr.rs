//! Addresses on the wire: `RTM_NEWADDR`, `RTM_DELADDR`, `RTM_GETADDR`.
//! Source: `linux/if_addr.h`.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::attr::u32_at;
use super::build::{Request, Route};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_DELADDR, RTM_GETADDR, RTM_NEWADDR};
use crate::model::addr::{Addr, AddrFlags, AddrVerb, Lifetimes};
use crate::model::ip::Family;
use crate::model::link::LinkId;

/// Length of `struct ifaddrmsg`.
pub const IFADDRMSG: usize = 8;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_ANYCAST: u16 = 5;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
const IFA_RT_PRIORITY: u16 = 9;
const IFA_PROTO: u16 = 11;

/// Our names of the attributes.
pub const NAMES: super::Names = (
    &[IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_FLAGS, IFA_CACHEINFO],
    "address,local address,label,broadcast,flags,lifetime",
);

/// The request that puts an address on a link or takes it away.
pub fn change(verb: AddrVerb, link: LinkId, addr: &Addr) -> Request<Route> {
    let (kind, flags) = match verb {
        AddrVerb::Add => (RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL),
        AddrVerb::Replace => (RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE),
        AddrVerb::Change => (RTM_NEWADDR, NLM_F_REPLACE),
        AddrVerb::Delete => (RTM_DELADDR, 0),
    };
    let mut request = Request::new(kind, flags);
    request.in_ns(link.ns);
    // The header has room for eight flags; more go into an attribute (kernel 3.14).
    let short = u8::try_from(addr.flags.bits()).ok();
    request.raw(&ifaddrmsg(addr.family, addr.len, short.unwrap_or(0), addr.scope, link.index.get()));
    if let Some(local) = &addr.local {
        request.ip(IFA_LOCAL, local);
    }
    if let Some(address) = &addr.address {
        request.ip(IFA_ADDRESS, address);
    }
    if let Some(broadcast) = &addr.broadcast {
        request.ip(IFA_BROADCAST, broadcast);
    }
    if let Some(anycast) = &addr.anycast {
        request.ip(IFA_ANYCAST, anycast);
    }
    if let Some(label) = &addr.label {
        request.string(IFA_LABEL, label);
    }
    if let Some(metric) = addr.metric {
        request.u32(IFA_RT_PRIORITY, metric);
    }
    if let Some(protocol) = addr.protocol {
        request.u8(IFA_PROTO, protocol);
    }
    if short.is_none() {
        request.u32(IFA_FLAGS, addr.flags.bits());
    }
    if let Some(lifetimes) = addr.lifetimes {
        let mut cacheinfo = [0; 16];
        cacheinfo[0..4].copy_from_slice(&lifetimes.preferred.to_ne_bytes());
        cacheinfo[4..8].copy_from_slice(&lifetimes.valid.to_ne_bytes());
        request.attr(IFA_CACHEINFO, &cacheinfo);
    }
    request
}

fn ifaddrmsg(family: Family, len: u8, flags: u8, scope: u8, index: u32) -> [u8; IFADDRMSG] {
    let [a, b, c, d] = index.to_ne_bytes();
    [family.number(), len, flags, scope, a, b, c, d]
}

/// Asks for the addresses of a namespace (a dump), of all links or of one.
#[derive(Debug, Clone, Copy, Default)]
pub struct GetAddrs {
    /// Only this family.
    pub family: Family,
    /// Only the link of this index; 0 is all (kernels before 4.20 answer with all anyway).
    pub index: u32,
}

impl Query for GetAddrs {
    type Protocol = Route;
    /// The address and the index of its link.
    type Item = (u32, Addr);

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETADDR, 0);
        request.raw(&ifaddrmsg(self.family, 0, 0, 0, self.index));
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<(u32, Addr)> {
        if frame.kind != RTM_NEWADDR {
            return None;
        }
        let (index, addr) = decode(frame)?;
        (self.index == 0 || self.index == index).then_some((index, addr))
    }
}

/// Reads an address message, a reply or a request, and the index of its link.
pub fn decode(frame: &Frame<'_>) -> Option<(u32, Addr)> {
    let &[family, len, flags, scope, ..] = frame.payload else { return None };
    let index = u32_at(frame.payload, 4)?;
    let mut addr = Addr {
        family: Family::from_number(family),
        local: None,
        address: None,
        len,
        scope,
        flags: AddrFlags::from_bits_retain(u32::from(flags)),
        broadcast: None,
        anycast: None,
        label: None,
        metric: None,
        protocol: None,
        lifetimes: None,
    };
    for attr in frame.attrs(IFADDRMSG) {
        match attr.kind {
            IFA_ADDRESS => addr.address = attr.ip(),
            IFA_LOCAL => addr.local = attr.ip(),
            IFA_LABEL => addr.label = Some(attr.bytes_to_nul().to_vec()),
            IFA_BROADCAST => addr.broadcast = attr.ip(),
            IFA_ANYCAST => addr.anycast = attr.ip(),
            IFA_CACHEINFO => {
                addr.lifetimes = u32_at(attr.value, 0)
                    .zip(u32_at(attr.value, 4))
                    .map(|(preferred, valid)| Lifetimes { preferred, valid });
            }
            IFA_FLAGS => addr.flags = attr.u32().map_or(addr.flags, AddrFlags::from_bits_retain),
            IFA_RT_PRIORITY => addr.metric = attr.u32(),
            IFA_PROTO => addr.protocol = attr.u8(),
            _ => {}
        }
    }
    Some((index, addr))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::addr::FOREVER;
    use crate::model::ip::parse_prefix;
    use crate::wire::reply::frames;
    use std::num::NonZeroU32;

    fn link(index: u32) -> LinkId {
        LinkId { ns: 0, index: NonZeroU32::new(index).unwrap() }
    }

    fn addr(word: &str) -> Addr {
        Addr::new(parse_prefix(word, Family::Unspec).unwrap())
    }

    #[test]
    fn adding_an_address_is_forty_bytes() {
        let bytes = change(AddrVerb::Add, link(3), &addr("192.168.15.1/24")).seal(1, 0).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let expected = concat!(
            "28000000140001060100000000000000", // NEWADDR REQUEST|CREATE|EXCL
            "0218000003000000",                 // inet, /24, global, index 3
            "08000200c0a80f01",                 // LOCAL
            "08000100c0a80f01",                 // ADDRESS
        );
        assert_eq!(hex, expected);
    }

    #[test]
    fn what_is_encoded_decodes() {
        let full = Addr {
            flags: AddrFlags::NODAD | AddrFlags::NOPREFIXROUTE,
            label: Some(b"v0:x".to_vec()),
            metric: Some(7),
            protocol: Some(4),
            broadcast: Some("192.168.15.255".parse().unwrap()),
            lifetimes: Some(Lifetimes { preferred: 50, valid: FOREVER }),
            ..addr("192.168.15.1/24")
        };
        for addr in [full, addr("fd00::1/64"), addr("127.0.0.1/8")] {
            let bytes = change(AddrVerb::Replace, link(9), &addr).seal(1, 0).unwrap();
            assert_eq!(decode(&frames(&bytes).next().unwrap()), Some((9, addr)));
        }
    }
}
