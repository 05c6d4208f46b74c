//! The one message builder: in go header fields and attributes, out comes a
//! sealed, padded netlink datagram. Errors are sticky and surface in [`Request::seal`].

use std::marker::PhantomData;
use std::net::IpAddr;

use crate::error::{Error, Kind, Result};

/// Length of `struct nlmsghdr`.
pub const HEADER: usize = 16;
/// Flag of an attribute that holds attributes. Old kernels ignore it, policies since 5.2 demand it.
pub const NESTED: u16 = 0x8000;

/// A netlink protocol: says which requests may go down which socket.
pub trait Protocol {
    /// Number for `socket(AF_NETLINK, _, NUMBER)`.
    const NUMBER: isize;
}

/// `NETLINK_ROUTE`: links, addresses, routes, rules, neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {}

/// `NETLINK_NETFILTER`: nf_tables, conntrack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Netfilter {}

impl Protocol for Route {
    const NUMBER: isize = netlink_sys::protocols::NETLINK_ROUTE;
}

impl Protocol for Netfilter {
    const NUMBER: isize = netlink_sys::protocols::NETLINK_NETFILTER;
}

/// Rounds up to the 4-byte alignment of netlink messages and attributes.
pub const fn align4(len: usize) -> usize {
    (len + 3) & !3
}

/// One netlink message, built front to back.
///
/// The builder only appends and pads with zeros, so no stale byte can reach the
/// kernel. Sequence number and port are filled in by [`Request::seal`].
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request<P> {
    bytes: Vec<u8>,
    overflow: Option<&'static str>,
    ns: Option<u32>,
    mixed: bool,
    protocol: PhantomData<P>,
}

impl<P> Request<P> {
    /// Starts a message of a type with `NLM_F_*` flags; `NLM_F_REQUEST` is added.
    pub fn new(kind: u16, flags: u16) -> Self {
        let mut header = [0; HEADER];
        header[4..6].copy_from_slice(&kind.to_ne_bytes());
        header[6..8].copy_from_slice(&(flags | netlink_packet_core::NLM_F_REQUEST).to_ne_bytes());
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&header);
        Request { bytes, overflow: None, ns: None, mixed: false, protocol: PhantomData }
    }

    /// The message so far; length, sequence number and port are not filled in.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Message type.
    pub fn kind(&self) -> u16 {
        u16::from_ne_bytes([self.bytes[4], self.bytes[5]])
    }

    /// `NLM_F_*` flags.
    pub fn flags(&self) -> u16 {
        u16::from_ne_bytes([self.bytes[6], self.bytes[7]])
    }

    /// Adds `NLM_F_*` flags.
    pub fn add_flags(&mut self, flags: u16) {
        let all = (self.flags() | flags).to_ne_bytes();
        self.bytes[6..8].copy_from_slice(&all);
    }

    /// Binds the request to the namespace of the link that it names
    /// ([`LinkId`](crate::model::link::LinkId)); a socket of another one refuses it.
    pub fn in_ns(&mut self, ns: u32) {
        match self.ns {
            Some(old) if old != ns => self.mixed = true,
            _ => self.ns = Some(ns),
        }
    }

    /// The namespace that the request is bound to; an error when it names links of two.
    pub fn ns(&self) -> Result<Option<u32>> {
        if self.mixed { Err(Error::new(Kind::ForeignLink)) } else { Ok(self.ns) }
    }

    /// Takes back what was appended since it was this long.
    pub fn undo(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Appends fixed header fields as they are, then pads to 4 bytes.
    pub fn raw(&mut self, fields: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(fields);
        self.pad();
        self
    }

    /// Appends an attribute with these bytes.
    pub fn attr(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        self.open(kind, value.len());
        self.bytes.extend_from_slice(value);
        self.pad();
        self
    }

    /// Appends an address.
    #[inline(never)]
    pub fn ip(&mut self, kind: u16, ip: &IpAddr) -> &mut Self {
        match ip {
            IpAddr::V4(v4) => self.attr(kind, &v4.octets()),
            IpAddr::V6(v6) => self.attr(kind, &v6.octets()),
        }
    }

    /// Appends an attribute without a value.
    pub fn flag(&mut self, kind: u16) -> &mut Self {
        self.attr(kind, &[])
    }

    /// Appends a one-byte attribute.
    pub fn u8(&mut self, kind: u16, value: u8) -> &mut Self {
        self.attr(kind, &[value])
    }

    /// Appends a 16-bit attribute in native byte order.
    pub fn u16(&mut self, kind: u16, value: u16) -> &mut Self {
        self.attr(kind, &value.to_ne_bytes())
    }

    /// Appends a 32-bit attribute in native byte order.
    pub fn u32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attr(kind, &value.to_ne_bytes())
    }

    /// Appends a signed 32-bit attribute in native byte order.
    pub fn i32(&mut self, kind: u16, value: i32) -> &mut Self {
        self.attr(kind, &value.to_ne_bytes())
    }

    /// Appends a 16-bit attribute in network byte order.
    pub fn be16(&mut self, kind: u16, value: u16) -> &mut Self {
        self.attr(kind, &value.to_be_bytes())
    }

    /// Appends a 32-bit attribute in network byte order (all of nfnetlink).
    pub fn be32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attr(kind, &value.to_be_bytes())
    }

    /// Appends a 64-bit attribute in network byte order.
    pub fn be64(&mut self, kind: u16, value: u64) -> &mut Self {
        self.attr(kind, &value.to_be_bytes())
    }

    /// Appends a string with its terminating NUL. A NUL inside is an error: it would cut the name short.
    pub fn string(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        if value.contains(&0) {
            self.overflow = Some("a name with a NUL byte");
        }
        self.open(kind, value.len() + 1);
        self.bytes.extend_from_slice(value);
        self.bytes.push(0);
        self.pad();
        self
    }

    /// Appends an attribute of attributes; the nested flag is set.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.nest_unflagged(kind | NESTED, fill)
    }

    /// As [`Request::nest`], with the type's flags as given: `IFLA_INFO_DATA` and the
    /// like predate `NLA_F_NESTED`, and iproute2 sends them without it.
    pub fn nest_unflagged(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let start = self.begin(kind);
        fill(self);
        self.end(start)
    }

    /// Begins an attribute of attributes, with the type's flags as given; gives the place for
    /// [`Request::end`]. Straight code around these two is smaller than a closure for [`Request::nest`].
    pub fn begin(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.open(kind, 0);
        start
    }

    /// Ends the attribute that [`Request::begin`] began at this place.
    #[inline(never)]
    pub fn end(&mut self, start: usize) -> &mut Self {
        match (u16::try_from(self.bytes.len() - start), self.bytes.get_mut(start..start + 2)) {
            (Ok(len), Some(place)) => place.copy_from_slice(&len.to_ne_bytes()),
            _ => self.overflow = Some("a nested attribute"),
        }
        self
    }

    fn open(&mut self, kind: u16, value_len: usize) {
        let len = u16::try_from(value_len + 4).unwrap_or_else(|_| {
            self.overflow = Some("an attribute");
            4
        });
        let ([a, b], [c, d]) = (len.to_ne_bytes(), kind.to_ne_bytes());
        self.bytes.extend_from_slice(&[a, b, c, d]);
    }

    fn pad(&mut self) {
        self.bytes.resize(align4(self.bytes.len()), 0);
    }

    /// Fills in length, sequence number and port and hands out the bytes.
    ///
    /// # Errors
    /// [`Kind::TooLong`] if an attribute did not fit its 16-bit length.
    pub fn seal(mut self, seq: u32, port: u32) -> Result<Vec<u8>> {
        if let Some(what) = self.overflow {
            return Err(Error::new(Kind::TooLong(what)));
        }
        let Ok(len) = u32::try_from(self.bytes.len()) else {
            return Err(Error::new(Kind::TooLong("a message")));
        };
        self.bytes[0..4].copy_from_slice(&len.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&seq.to_ne_bytes());
        self.bytes[12..16].copy_from_slice(&port.to_ne_bytes());
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_zero_and_lengths_exclude_it() {
        let mut request = Request::<Route>::new(16, 4);
        request.string(3, b"lo").nest(18, |r| {
            r.u8(1, 7);
        });
        let bytes = request.seal(5, 9).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            concat!(
                "24000000",
                "1000",
                "0500",
                "05000000",
                "09000000",
                "070003006c6f0000",
                "0c00128005000100",
                "07000000"
            )
        );
    }

    #[test]
    fn overflow_is_sticky_for_attributes_and_nests() {
        let mut fits = Request::<Route>::new(16, 0);
        fits.attr(1, &[0; 65_531]);
        assert!(fits.seal(1, 1).is_ok());
        let mut long = Request::<Route>::new(16, 0);
        long.attr(1, &[0; 65_532]).u32(2, 1);
        assert_eq!(long.seal(1, 1).unwrap_err().kind, Kind::TooLong("an attribute"));
        let mut nest = Request::<Route>::new(16, 0);
        nest.nest(1, |r| {
            r.attr(2, &[0; 40_000]).attr(2, &[0; 40_000]);
        });
        assert_eq!(nest.seal(1, 1).unwrap_err().kind, Kind::TooLong("a nested attribute"));
    }

    #[test]
    fn a_name_with_a_nul_is_refused() {
        let mut request = Request::<Route>::new(16, 0);
        request.string(3, b"a\0b");
        assert!(request.seal(1, 1).is_err());
    }
}
