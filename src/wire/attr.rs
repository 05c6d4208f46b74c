//! Reading attributes: a tolerant, allocation-free iterator over the bytes of a
//! reply, and typed views of one value. Odd lengths read as "absent", never as a panic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::build::align4;

/// Attribute type bits without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const TYPE_MASK: u16 = 0x3fff;

/// One attribute of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr<'a> {
    /// Type, flags masked off.
    pub kind: u16,
    /// Value, without padding.
    pub value: &'a [u8],
}

/// The attributes in a byte range; see [`attrs`].
#[derive(Debug, Clone)]
pub struct Attrs<'a> {
    rest: &'a [u8],
}

/// Iterates over attributes. Stops at the first one whose length cannot be right;
/// the last one may lack its padding.
pub fn attrs(bytes: &[u8]) -> Attrs<'_> {
    Attrs { rest: bytes }
}

impl<'a> Iterator for Attrs<'a> {
    type Item = Attr<'a>;

    fn next(&mut self) -> Option<Attr<'a>> {
        let len = usize::from(u16_at(self.rest, 0)?);
        let kind = u16_at(self.rest, 2)? & TYPE_MASK;
        let value = self.rest.get(4..len)?;
        self.rest = self.rest.get(align4(len)..).unwrap_or_default();
        Some(Attr { kind, value })
    }
}

impl<'a> Attrs<'a> {
    /// The last attribute of this type (a later duplicate wins, as in the kernel's own parser).
    pub fn find(self, kind: u16) -> Option<Attr<'a>> {
        self.filter(|attr| attr.kind == kind).last()
    }
}

/// Number of attribute types that [`Fields`] keeps, from 0.
const TYPES: usize = 9;

/// The attributes of a small message or expression, read once, then looked up by type (1 to 8).
/// What is not there is empty or 0; a later duplicate wins.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    /// Values.
    pub bytes: [&'a [u8]; TYPES],
    /// The first four bytes of each value, as a number in network byte order.
    pub be32: [u32; TYPES],
    numbers: u16,
}

impl<'a> Fields<'a> {
    /// Reads all attributes.
    #[inline(never)]
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut fields = Fields::default();
        for attr in attrs(bytes) {
            let at = usize::from(attr.kind);
            if at < TYPES {
                fields.bytes[at] = attr.value;
                if let Some(number) = attr.be32() {
                    fields.be32[at] = number;
                    fields.numbers |= 1 << at;
                }
            }
        }
        fields
    }

    /// Whether the attributes of types 1 to `last` are all there, of four bytes or more.
    pub fn numbers_to(&self, last: u32) -> bool {
        let wanted = (2 << last) - 2;
        self.numbers & wanted == wanted
    }

    /// A 64-bit value in network byte order.
    #[inline(never)]
    pub fn be64(&self, kind: u16) -> Option<u64> {
        Attr { kind, value: self.bytes.get(usize::from(kind))? }.be64()
    }

    /// A string up to its NUL.
    #[inline(never)]
    pub fn string(&self, kind: u16) -> &'a [u8] {
        self.bytes.get(usize::from(kind)).map(|bytes| to_nul(bytes)).unwrap_or_default()
    }

    /// The attributes inside one.
    #[inline(never)]
    pub fn nested(&self, kind: u16) -> Fields<'a> {
        Fields::new(self.bytes.get(usize::from(kind)).copied().unwrap_or_default())
    }
}

/// Bytes up to the first NUL.
pub fn to_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    &bytes[..end]
}

impl<'a> Attr<'a> {
    /// A one-byte value.
    pub fn u8(&self) -> Option<u8> {
        self.value.first().copied()
    }

    /// A 16-bit value in native byte order.
    pub fn u16(&self) -> Option<u16> {
        u16_at(self.value, 0)
    }

    /// A 32-bit value in native byte order.
    pub fn u32(&self) -> Option<u32> {
        u32_at(self.value, 0)
    }

    /// A signed 32-bit value in native byte order.
    pub fn i32(&self) -> Option<i32> {
        self.value.get(..4).and_then(|b| b.try_into().ok()).map(i32::from_ne_bytes)
    }

    /// A 64-bit value in native byte order (the value may be unaligned).
    pub fn u64(&self) -> Option<u64> {
        self.value.get(..8).and_then(|b| b.try_into().ok()).map(u64::from_ne_bytes)
    }

    /// A 16-bit value in network byte order.
    pub fn be16(&self) -> Option<u16> {
        self.value.get(..2).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes)
    }

    /// A 32-bit value in network byte order.
    pub fn be32(&self) -> Option<u32> {
        self.value.get(..4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes)
    }

    /// A 64-bit value in network byte order.
    pub fn be64(&self) -> Option<u64> {
        self.value.get(..8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes)
    }

    /// A string up to its NUL, as bytes: the kernel takes names that are not UTF-8.
    pub fn bytes_to_nul(&self) -> &'a [u8] {
        to_nul(self.value)
    }

    /// An IP address: 4 bytes are IPv4, 16 are IPv6.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.value.len() {
            4 => <[u8; 4]>::try_from(self.value).ok().map(|b| IpAddr::V4(Ipv4Addr::from(b))),
            16 => <[u8; 16]>::try_from(self.value).ok().map(|b| IpAddr::V6(Ipv6Addr::from(b))),
            _ => None,
        }
    }

    /// The attributes inside this one.
    pub fn nested(&self) -> Attrs<'a> {
        attrs(self.value)
    }
}

/// Native 16-bit value at a byte offset.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes)
}

/// Native 32-bit value at a byte offset.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?).and_then(|b| b.try_into().ok()).map(u32::from_ne_bytes)
}

/// Octets of an address, as netlink carries it.
pub fn octets(ip: &IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_attributes_and_tolerates_a_missing_pad_and_junk() {
        let bytes = [7, 0, 3, 0x80, b'l', b'o', 0, 0, 5, 0, 1, 0, 9];
        let all: Vec<_> = attrs(&bytes).collect();
        assert_eq!(all[0].bytes_to_nul(), b"lo");
        assert_eq!(all[0].kind, 3);
        assert_eq!(all[1].u8(), Some(9));
        assert_eq!(all.len(), 2);
        for broken in [&[0u8, 0, 1, 0][..], &[3, 0, 1, 0], &[9, 0, 1, 0, 1], &[4, 0, 1], &[]] {
            assert_eq!(attrs(broken).count(), 0, "{broken:?}");
        }
    }

    #[test]
    fn short_values_are_absent() {
        let attr = Attr { kind: 1, value: &[1] };
        assert_eq!((attr.u16(), attr.u32(), attr.u64(), attr.ip()), (None, None, None, None));
    }
}
