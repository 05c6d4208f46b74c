//! Numbers in a packet's headers that a match compares with two ends: ports, addresses,
//! lengths. In an xtables structure they are a pair, in nftables a load and a comparison.

use super::{compare, mask};
use crate::model::nat::Ext;
use crate::model::xt::{Extension, copy, get, put};
use crate::wire::build::{Netfilter, Request};
use crate::wire::nft::expr::{self, cmp, payload, range};

/// `NFT_PAYLOAD_TRANSPORT_HEADER`.
pub const TRANSPORT: u32 = 2;

/// A pair of numbers.
pub struct Span {
    /// The match.
    pub name: &'static str,
    /// Protocol whose header it is in; 0 for the IP header.
    protocol: u8,
    /// Whether it is in IPv4's header, in IPv6's, or (`None`) in both.
    is_v6: Option<bool>,
    /// Where it is in the packet.
    offset: u32,
    /// Bytes of it there.
    len: u8,
    /// Where the first one is in the structure.
    at: u8,
    /// How far behind it the last one is.
    gap: u8,
    /// Byte of the flags that say that it is negated and (if not 0) that it is given, and these.
    flags: (u8, u8, u8),
}

const fn span(name: &'static str, protocol: u8, packet: (u32, u8), info: (u8, u8), not: (u8, u8)) -> Span {
    Span {
        name,
        protocol,
        is_v6: None,
        offset: packet.0,
        len: packet.1,
        at: info.0,
        gap: info.1,
        flags: (not.0, not.1, 0),
    }
}

const fn addresses(is_v6: bool, offset: u32, at: u8, not: u8, given: u8) -> Span {
    let len = if is_v6 { 16 } else { 4 };
    Span { is_v6: Some(is_v6), flags: (64, not, given), ..span("iprange", 0, (offset, len), (at, 16), (0, 0)) }
}

/// All of them.
const SPANS: &[Span] = &[
    span("tcp", 6, (0, 2), (0, 2), (11, 1)),
    span("tcp", 6, (2, 2), (4, 2), (11, 2)),
    span("udp", 17, (0, 2), (0, 2), (8, 1)),
    span("udp", 17, (2, 2), (4, 2), (8, 2)),
    span("esp", 50, (0, 4), (0, 4), (8, 1)),
    Span { is_v6: Some(false), ..span("length", 0, (2, 2), (0, 2), (4, 1)) },
    addresses(false, payload::IP_SOURCE, 0, 0x10, 1),
    addresses(false, payload::IP_SOURCE + 4, 32, 0x20, 2),
    addresses(true, payload::IP6_SOURCE, 0, 0x10, 1),
    addresses(true, payload::IP6_SOURCE + 16, 32, 0x20, 2),
];

/// Which end of a span something is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Both.
    Both,
    /// The first.
    First,
    /// The last.
    Last,
}

impl Span {
    /// The spans of a match.
    pub fn of(name: &[u8], is_v6: bool) -> impl Iterator<Item = &'static Span> {
        SPANS.iter().filter(move |span| span.name.as_bytes() == name && span.is_v6 != Some(!is_v6))
    }

    /// The span that is loaded so in a rule of a protocol (0 for none).
    pub fn loaded(protocol: u8, is_v6: bool, load: (u32, u32, usize)) -> Option<&'static Span> {
        let (base, offset, len) = load;
        SPANS.iter().find(|span| {
            let of = if base == TRANSPORT { span.protocol == protocol } else { span.protocol == 0 };
            of && protocol_base(span.protocol) == base
                && span.is_v6 != Some(!is_v6)
                && (span.offset, usize::from(span.len)) == (offset, len)
        })
    }

    /// Whether it is a port of TCP or UDP.
    fn is_port(&self) -> bool {
        self.len == 2 && self.protocol != 0
    }

    /// Both ends, in network byte order.
    fn ends(&self, info: &[u8]) -> [Vec<u8>; 2] {
        [0, self.gap].map(|by| {
            let at = usize::from(self.at + by);
            match self.len {
                2 => u16::try_from(get(info, b'h', at)).unwrap_or(0).to_be_bytes().to_vec(),
                4 if self.flags.2 == 0 => get(info, b'w', at).to_be_bytes().to_vec(),
                len => info.get(at..at + usize::from(len)).unwrap_or_default().to_vec(),
            }
        })
    }

    /// Puts one end, in network byte order, into a structure.
    fn put(&self, info: &mut [u8], last: bool, end: &[u8]) {
        let at = usize::from(self.at + if last { self.gap } else { 0 });
        match *end {
            [a, b] => put(info, b'h', at, u16::from_be_bytes([a, b]).into()),
            [a, b, c, d] if self.flags.2 == 0 => put(info, b'w', at, u32::from_be_bytes([a, b, c, d])),
            _ => copy(info, at, end),
        }
    }

    fn flags(&self, info: &[u8]) -> u8 {
        info.get(usize::from(self.flags.0)).copied().unwrap_or(0)
    }

    /// Whether it is negated, and whether it says anything at all.
    fn state(&self, info: &[u8]) -> (bool, bool) {
        let flags = self.flags(info);
        let not = flags & self.flags.1 != 0;
        let [first, last] = self.ends(info);
        let whole = first.iter().all(|&b| b == 0) && last.iter().all(|&b| b == 0xff);
        (not, if self.flags.2 != 0 { flags & self.flags.2 != 0 } else { not || !whole })
    }

    /// Whether a structure says nothing of it yet, so that a comparison may go into it.
    pub fn is_free(&self, info: &[u8], ends: Ends) -> bool {
        let (not, given) = self.state(info);
        let [first, last] = self.ends(info);
        !given
            || match ends {
                Ends::Both => false,
                Ends::First => !not && first.iter().all(|&b| b == 0),
                Ends::Last => !not && last.iter().all(|&b| b == 0xff),
            }
    }

    /// Makes it match everything.
    pub fn clear(&self, info: &mut [u8]) {
        self.put(info, true, &[0xff; 16][..usize::from(self.len)]);
    }

    /// Notes what it is compared with.
    pub fn set(&self, info: &mut [u8], not: bool, ends: Ends, first: &[u8], last: &[u8]) {
        if self.flags.2 != 0 && !self.state(info).1 {
            self.clear(info);
        }
        if ends != Ends::Last {
            self.put(info, false, first);
        }
        if ends != Ends::First {
            self.put(info, true, last);
        }
        let flags = self.flags(info) | self.flags.2 | if not { self.flags.1 } else { 0 };
        copy(info, usize::from(self.flags.0), &[flags]);
    }

    /// Appends load and comparison, as iptables-nft does for ports; false if it can never match, which has no words.
    fn encode(&self, r: &mut Request<Netfilter>, info: &[u8]) -> bool {
        let (not, given) = self.state(info);
        if !given {
            return true;
        }
        let [first, last] = self.ends(info);
        let (low, high) = (first.iter().all(|&b| b == 0), last.iter().all(|&b| b == 0xff));
        if low && high || first > last {
            return false;
        }
        let load = payload::Payload {
            dreg: expr::REG_1,
            base: protocol_base(self.protocol),
            offset: self.offset,
            len: self.len.into(),
        };
        payload::encode(r, load);
        // One address alone would be that of the rule itself.
        if first == last && self.name != "iprange" {
            compare(r, not, &first);
        } else if low && (!not || self.is_port()) {
            // "Not up to", which reads back as "from", only for ports, where iptables-nft writes it.
            cmp::encode(r, cmp::Cmp { sreg: expr::REG_1, op: if not { cmp::GT } else { cmp::LTE }, data: &last });
        } else {
            range::encode(r, range::Range { sreg: expr::REG_1, op: not.into(), from: &first, to: &last });
        }
        true
    }
}

fn protocol_base(protocol: u8) -> u32 {
    if protocol == 0 { payload::BASE_NETWORK } else { TRANSPORT }
}

/// Appends all spans of a match; false if there is more in it, or if it can never match. What was appended then is to be
/// taken back.
pub fn encode(r: &mut Request<Netfilter>, ext: &Ext, is_v6: bool) -> bool {
    let mut told = false;
    if ext.name == b"tcp" {
        match flags(r, &ext.info) {
            Some(flags) => told = flags,
            None => return false,
        }
    }
    if matches!(ext.name.as_slice(), b"tcp" | b"udp") && both_ports(r, &ext.info) {
        return true;
    }
    for span in Span::of(&ext.name, is_v6) {
        if !span.encode(r, &ext.info) {
            return false;
        }
        told |= span.state(&ext.info).1;
    }
    told
}

/// Makes a number in network byte order one larger; `None` for the largest.
pub fn next(number: &mut [u8]) -> Option<()> {
    let at = number.iter().rposition(|&b| b != 0xff)?;
    number[at] += 1;
    number[at + 1..].fill(0);
    Some(())
}

/// Puts ports of a match as a rule has them that is read back: below the first or above the last is one side only, so
/// that "not up to 1023" is "from 1024".
pub fn settle(ext: &mut Ext) {
    for span in Span::of(&ext.name, false).filter(|span| span.is_port()) {
        let (not, _) = span.state(&ext.info);
        let [low, mut high] = span.ends(&ext.info);
        if not && low != high && low == [0, 0] && next(&mut high).is_some() {
            let flags = span.flags(&ext.info) & !span.flags.1;
            copy(&mut ext.info, usize::from(span.flags.0), &[flags]);
            span.put(&mut ext.info, false, &high);
            span.put(&mut ext.info, true, &[0xff; 2]);
        }
    }
}

/// Appends the flags of TCP; `None` if there is something that has no words, else whether there are any.
fn flags(r: &mut Request<Netfilter>, info: &[u8]) -> Option<bool> {
    let [option, flags, value, not] = [8, 9, 10, 11].map(|at| info.get(at).copied().unwrap_or(0));
    if option != 0 || not & 8 != 0 || (flags == 0 && not & 4 != 0) {
        return None;
    }
    if flags != 0 {
        payload::encode(r, payload::Payload { dreg: expr::REG_1, base: TRANSPORT, offset: 13, len: 1 });
        mask(r, &[flags]);
        compare(r, not & 4 != 0, &[value]);
    }
    Some(flags != 0)
}

/// Appends one load of both ports, where each is one and neither is 0 or negated.
fn both_ports(r: &mut Request<Netfilter>, info: &[u8]) -> bool {
    let [source, source_end, destination, destination_end] = [0, 2, 4, 6].map(|at| get(info, b'h', at));
    // The flags are at another place in each, where the other one has an option or nothing.
    let not = [8, 11].iter().any(|&at| info.get(at).is_some_and(|byte| byte & 3 != 0));
    if source == 0 || source != source_end || destination == 0 || destination != destination_end || not {
        return false;
    }
    payload::encode(r, payload::Payload { dreg: expr::REG_1, base: TRANSPORT, offset: 0, len: 4 });
    let port = |port: u32| u16::try_from(port).unwrap_or(0).to_be_bytes();
    let ([a, b], [c, d]) = (port(source), port(destination));
    compare(r, false, &[a, b, c, d]);
    true
}

/// An empty structure of a match with spans, which matches everything.
pub fn blank(name: &str, is_v6: bool) -> Option<Ext> {
    let mut ext = Extension::named(name.as_bytes(), false, is_v6)?.blank();
    for span in Span::of(name.as_bytes(), is_v6).filter(|span| span.flags.2 == 0) {
        span.clear(&mut ext.info);
    }
    Some(ext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_up_to_a_port_is_from_the_next_one() {
        let ports = |not: bool, first: u16, last: u16| {
            let mut ext = blank("tcp", false).unwrap();
            SPANS[0].set(&mut ext.info, not, Ends::Both, &first.to_be_bytes(), &last.to_be_bytes());
            ext
        };
        for (not, first, last, settled) in [
            (true, 0, 1023, ports(false, 1024, u16::MAX)),
            (true, 0, 0x10ff, ports(false, 0x1100, u16::MAX)),
            // One port, everything, and what does not begin at 0 have their own words.
            (true, 0, 0, ports(true, 0, 0)),
            (true, 0, u16::MAX, ports(true, 0, u16::MAX)),
            (true, 1, 1023, ports(true, 1, 1023)),
            (false, 0, 1023, ports(false, 0, 1023)),
        ] {
            let mut ext = ports(not, first, last);
            settle(&mut ext);
            assert_eq!(ext, settled, "{not} {first}:{last}");
        }
    }
}
