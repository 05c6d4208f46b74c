//! Socket addresses as the kernel lays them out, and the interfaces that scoped ones name.

use std::ffi::{CStr, c_int};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Room for the address of either family.
const ROOM: usize = size_of::<libc::sockaddr_in6>();

/// A `sockaddr_in` or `sockaddr_in6`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    bytes: [u8; ROOM],
    len: usize,
}

impl Raw {
    /// Lays out an address.
    pub(super) fn of(addr: &SocketAddr) -> Self {
        let mut bytes = [0; ROOM];
        let family = if addr.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
        bytes[..2].copy_from_slice(&u16::try_from(family).unwrap_or(0).to_ne_bytes());
        bytes[2..4].copy_from_slice(&addr.port().to_be_bytes());
        match addr {
            SocketAddr::V4(v4) => {
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                Raw { bytes, len: size_of::<libc::sockaddr_in>() }
            }
            SocketAddr::V6(v6) => {
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..].copy_from_slice(&v6.scope_id().to_ne_bytes());
                Raw { bytes, len: ROOM }
            }
        }
    }

    /// The bytes that a system call takes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Reads an address as the kernel lays it out; `None` for other families and short ones.
pub(super) fn parse(bytes: &[u8]) -> Option<SocketAddr> {
    let &[a, b, c, d, ref rest @ ..] = bytes else { return None };
    let port = u16::from_be_bytes([c, d]);
    match c_int::from(u16::from_ne_bytes([a, b])) {
        libc::AF_INET => {
            let ip = Ipv4Addr::from(*rest.first_chunk::<4>()?);
            Some(SocketAddr::V4(SocketAddrV4::new(ip, port)))
        }
        libc::AF_INET6 => {
            let (_flow, rest) = rest.split_first_chunk::<4>()?;
            let (ip, rest) = rest.split_first_chunk::<16>()?;
            let scope = u32::from_ne_bytes(*rest.first_chunk::<4>()?);
            Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(*ip), port, 0, scope)))
        }
        _ => None,
    }
}

/// Number of the interface of a name; 0 where there is none.
pub fn scope_number(name: &CStr) -> u32 {
    // SAFETY: `name` is NUL-terminated and only read.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

/// Name of the interface that an IPv6 scope number stands for, for addresses that need one.
pub fn scope_name(addr: &SocketAddrV6) -> Option<Vec<u8>> {
    let local = addr.ip().is_unicast_link_local() || is_link_local_multicast(addr.ip());
    if !local || addr.scope_id() == 0 {
        return None;
    }
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: the buffer has the length that the call wants.
    let found = unsafe { libc::if_indextoname(addr.scope_id(), name.as_mut_ptr().cast()) };
    if found.is_null() {
        return None;
    }
    CStr::from_bytes_until_nul(&name).ok().map(|name| name.to_bytes().to_vec())
}

/// Whether an address is of a multicast group that means another one on each link.
pub fn is_link_local_multicast(ip: &Ipv6Addr) -> bool {
    ip.segments()[0] & 0xff0f == 0xff02
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernels_layout() {
        for text in ["192.168.15.2:1025", "[fd00::1]:1025", "[fe80::1%7]:0"] {
            let addr: SocketAddr = text.parse().unwrap();
            assert_eq!(parse(Raw::of(&addr).as_bytes()), Some(addr));
        }
        let v4 = Raw::of(&"1.2.3.4:5".parse().unwrap());
        assert_eq!(
            v4.as_bytes(),
            [2u16.to_ne_bytes().as_slice(), &[0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]].concat()
        );
        assert_eq!(parse(&v4.as_bytes()[..7]), None);
        assert_eq!(parse(&[1, 0, 0, 0, 1, 2, 3, 4]), None, "a UNIX socket's");
    }

    #[test]
    fn only_local_addresses_have_a_scope() {
        let name = |text: &str| match text.parse().unwrap() {
            SocketAddr::V6(v6) => scope_name(&v6),
            SocketAddr::V4(_) => None,
        };
        assert_eq!(name("[fe80::1%1]:0").as_deref(), Some(&b"lo"[..]));
        assert_eq!(name("[ff02::1%1]:0").as_deref(), Some(&b"lo"[..]));
        assert_eq!(name("[fd00::1%1]:0"), None);
    }
}
