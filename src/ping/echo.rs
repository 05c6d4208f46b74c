//! Echo requests and replies as bytes. In goes what to send, out come the bytes of an
//! ICMP or ICMPv6 message; in go received bytes, out comes what they say to us.
//! Source: RFC 792, RFC 4443.

use std::net::Ipv4Addr;

/// Bytes of the ICMP header.
pub const HEADER: usize = 8;
/// Bytes of the two times at the start of the data; shorter data are not timed.
pub const TIMES: usize = 16;

/// When a request was sent, as it travels in its data: microseconds since the loop began, and since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// By the clock that never jumps.
    pub steady: u64,
    /// By the clock that the kernel stamps packets with.
    pub wall: u64,
}

/// What a packet says to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// An answer.
    Reply {
        /// Identifier.
        ident: u16,
        /// Sequence number.
        seq: u16,
        /// Its checksum is wrong.
        corrupt: bool,
    },
    /// A router knows a shorter way for one of our requests (`ICMP_REDIRECT`), or wants less
    /// of them (`ICMP_SOURCE_QUENCH`, type 4).
    Advice {
        /// ICMP type: 4 or 5.
        kind: u8,
        /// ICMP code.
        code: u8,
        /// The better router.
        gateway: Ipv4Addr,
        /// Where the request was sent.
        dest: Ipv4Addr,
        /// Its identifier.
        ident: u16,
        /// Its sequence number.
        seq: u16,
    },
}

/// A request of `HEADER + size` bytes whose data count up from 0; times and numbers come with [`stamp`].
pub fn template(v6: bool, ident: u16, size: usize) -> Vec<u8> {
    let mut bytes = vec![if v6 { 128 } else { 8 }, 0, 0, 0];
    bytes.extend(ident.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend((0u8..=255).cycle().take(size));
    bytes
}

/// Sets the sequence number, the times if there is room, and of IPv4 the checksum (the kernel sets that of IPv6).
pub fn stamp(bytes: &mut [u8], v6: bool, seq: u16, sent: Sent) {
    bytes[6..8].copy_from_slice(&seq.to_be_bytes());
    if let Some(times) = bytes.get_mut(HEADER..HEADER + TIMES) {
        times[..8].copy_from_slice(&sent.steady.to_ne_bytes());
        times[8..].copy_from_slice(&sent.wall.to_ne_bytes());
    }
    if !v6 {
        bytes[2..4].fill(0);
        let sum = checksum(bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The times in a reply's data.
pub fn times(bytes: &[u8]) -> Option<Sent> {
    let (steady, rest) = bytes.get(HEADER..)?.split_first_chunk()?;
    Some(Sent { steady: u64::from_ne_bytes(*steady), wall: u64::from_ne_bytes(*rest.first_chunk()?) })
}

/// The Internet checksum (RFC 1071); 0 over bytes that contain their right checksum.
fn checksum(bytes: &[u8]) -> u16 {
    let (pairs, last) = bytes.as_chunks::<2>();
    let mut sum: u64 = pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair))).sum();
    sum += last.first().map_or(0, |&byte| u64::from(byte) << 8);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// The ICMP message of an IPv4 packet: what follows its header. `None` if it is too short.
pub fn after_ip_header(packet: &[u8]) -> Option<&[u8]> {
    let len = usize::from(packet.first()? & 0xf) * 4;
    packet.get(len..).filter(|message| len >= 20 && message.len() >= HEADER)
}

/// Reads an ICMP or ICMPv6 message; `None` for those that are not for an echo loop.
pub fn parse(bytes: &[u8], v6: bool) -> Option<Message> {
    let &[kind, code, _, _, a, b, c, d, ref rest @ ..] = bytes else { return None };
    match (v6, kind) {
        (true, 129) | (false, 0) => Some(Message::Reply {
            ident: u16::from_be_bytes([a, b]),
            seq: u16::from_be_bytes([c, d]),
            corrupt: !v6 && checksum(bytes) != 0,
        }),
        (false, 4 | 5) => {
            let dest = rest.get(16..20)?.first_chunk::<4>()?;
            let (ident, seq) = request(after_ip_header(rest)?, false)?;
            let (gateway, dest) = (Ipv4Addr::new(a, b, c, d), Ipv4Addr::from(*dest));
            Some(Message::Advice { kind, code, gateway, dest, ident, seq })
        }
        _ => None,
    }
}

/// Identifier and sequence number of an echo request, as error messages quote it.
pub fn request(bytes: &[u8], v6: bool) -> Option<(u16, u16)> {
    let &[kind, _, _, _, a, b, c, d, ..] = bytes else { return None };
    (kind == if v6 { 128 } else { 8 }).then(|| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_rfc_792_says() {
        let mut bytes = template(false, 0x1234, 20);
        stamp(&mut bytes, false, 7, Sent { steady: 1, wall: 2 });
        assert_eq!(bytes[..2], [8, 0]);
        assert_eq!(bytes[4..8], [0x12, 0x34, 0, 7]);
        assert_eq!(bytes[24..], [16, 17, 18, 19]);
        assert_eq!(checksum(&bytes), 0);
        assert_eq!(times(&bytes), Some(Sent { steady: 1, wall: 2 }));
        assert_eq!(request(&bytes, false), Some((0x1234, 7)));
        assert_eq!(request(&bytes, true), None);
    }

    #[test]
    fn short_data_have_no_times() {
        let mut bytes = template(true, 1, 15);
        stamp(&mut bytes, true, 1, Sent { steady: u64::MAX, wall: u64::MAX });
        assert_eq!((bytes.len(), times(&bytes)), (23, None));
        assert_eq!(bytes[8..], (0..15).collect::<Vec<u8>>());
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[1]), !0x0100);
        assert_eq!(checksum(&vec![0xff; 200_000]), 0);
    }

    #[test]
    fn replies_are_read_and_corrupt_ones_told() {
        let mut bytes = template(false, 9, 16);
        stamp(&mut bytes, false, 3, Sent::default());
        bytes[0] = 0;
        // The type is part of the sum: an honest reply has another one.
        assert_eq!(parse(&bytes, false), Some(Message::Reply { ident: 9, seq: 3, corrupt: true }));
        bytes[2..4].fill(0);
        let sum = checksum(&bytes).to_be_bytes();
        bytes[2..4].copy_from_slice(&sum);
        assert_eq!(parse(&bytes, false), Some(Message::Reply { ident: 9, seq: 3, corrupt: false }));
        assert_eq!(parse(&bytes, true), None);
    }

    #[test]
    fn a_redirect_quotes_our_request() {
        let mut bytes = vec![5, 1, 0, 0, 10, 0, 1, 99];
        bytes.extend([0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 1, 2, 10, 0, 7, 1]);
        bytes.extend([8, 0, 0, 0, 0, 9, 0, 3]);
        let (gateway, dest) = (Ipv4Addr::new(10, 0, 1, 99), Ipv4Addr::new(10, 0, 7, 1));
        let expected = Message::Advice { kind: 5, code: 1, gateway, dest, ident: 9, seq: 3 };
        assert_eq!(parse(&bytes, false), Some(expected));
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut], false), None, "cut at {cut}");
        }
    }

    #[test]
    fn an_ip_header_is_as_long_as_it_says() {
        let mut packet = vec![0x46; 24];
        packet.extend([0; 8]);
        assert_eq!(after_ip_header(&packet).map(<[u8]>::len), Some(8));
        assert_eq!(after_ip_header(&packet[..31]), None);
        packet[0] = 0x44;
        assert_eq!(after_ip_header(&packet), None);
        assert_eq!(after_ip_header(&[]), None);
    }
}
