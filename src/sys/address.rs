//! Socket addresses as the kernel and the C library lay them out, and names turned
//! into them by the C library's resolver (`/etc/hosts`, DNS).

use std::ffi::{CStr, c_int};
use std::mem::zeroed;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ptr::{null, null_mut};

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

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The name that the resolver calls canonical, if it says one.
    pub canonical: Option<Vec<u8>>,
    /// Addresses, the preferred one first; never empty. IPv6 ones have their scope.
    pub addresses: Vec<SocketAddr>,
}

/// Looks up a host's addresses of both families. Blocks as long as the resolver waits for servers.
///
/// # Errors
/// The resolver's `EAI_*` number.
pub fn resolve(name: &CStr) -> Result<Resolved, c_int> {
    // SAFETY: addrinfo is plain data for which all-zero is valid.
    let mut hints: libc::addrinfo = unsafe { zeroed() };
    hints.ai_socktype = libc::SOCK_DGRAM;
    hints.ai_protocol = libc::IPPROTO_UDP;
    hints.ai_flags = libc::AI_CANONNAME;
    let mut list = null_mut();
    // SAFETY: `name` is NUL-terminated, no service is asked for, `list` receives the list's head.
    let code = unsafe { libc::getaddrinfo(name.as_ptr(), null(), &raw const hints, &raw mut list) };
    if code != 0 {
        return Err(code);
    }
    let mut found = Resolved { canonical: None, addresses: Vec::new() };
    let mut next = list;
    // SAFETY: entries of the list are valid, and unchanged, until it is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        if found.canonical.is_none() && !entry.ai_canonname.is_null() {
            // SAFETY: a canonical name, where there is one, is NUL-terminated.
            found.canonical = Some(unsafe { CStr::from_ptr(entry.ai_canonname) }.to_bytes().to_vec());
        }
        if !entry.ai_addr.is_null() {
            let len = usize::try_from(entry.ai_addrlen).unwrap_or(0);
            // SAFETY: the resolver says how long the address is.
            let bytes = unsafe { std::slice::from_raw_parts(entry.ai_addr.cast::<u8>(), len) };
            found.addresses.extend(parse(bytes));
        }
        next = entry.ai_next;
    }
    // SAFETY: `list` came from getaddrinfo, and nothing refers to it any more.
    unsafe { libc::freeaddrinfo(list) };
    if found.addresses.is_empty() { Err(libc::EAI_NODATA) } else { Ok(found) }
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
    fn numbers_resolve_without_a_server() {
        let found = resolve(c"127.1").unwrap();
        assert_eq!(found.addresses, ["127.0.0.1:0".parse().unwrap()]);
        assert_eq!(resolve(c"").map(|_| ()), Err(libc::EAI_NONAME));
        assert_eq!(resolve(c"fd00::1").unwrap().addresses, ["[fd00::1]:0".parse().unwrap()]);
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
