//! Sockets for ICMP and ICMPv6 echo: packets out, packets and queued errors in, with
//! the TTL and the kernel's time of arrival. Raw sockets need `CAP_NET_RAW`; those
//! of datagrams need a group in `net.ipv4.ping_group_range`.

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::mem::zeroed;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::address::{Raw, parse};
use super::check;

/// A socket option: its level and name.
pub type Opt = (c_int, c_int);

/// `ICMP_FILTER` (`linux/icmp.h`): a bit for each message type that is not wanted.
const ICMP_FILTER: Opt = (libc::SOL_RAW, 1);
/// `ICMPV6_FILTER` (`linux/icmpv6.h`): the same, 256 bits.
const ICMPV6_FILTER: Opt = (libc::IPPROTO_ICMPV6, 1);
/// Bytes of control messages: TTL, time and an error with its sender's address take 120.
const CONTROL: usize = 256;

/// A socket of ICMP, or the UDP one that asks the routing table for a source address.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    raw: bool,
}

/// A packet, or an error from the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// Bytes stored in the buffer. Raw IPv4 sockets give the IP header too.
    pub len: usize,
    /// Sender; for an error, where the packet at fault was sent.
    pub from: Option<SocketAddr>,
    /// TTL or hop limit that it arrived with.
    pub ttl: Option<u8>,
    /// When the kernel got it, in microseconds since 1970.
    pub stamp: Option<u64>,
    /// What the error queue tells.
    pub error: Option<Queued>,
}

/// `struct sock_extended_err` (`linux/errqueue.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    /// errno.
    pub errno: i32,
    /// Whether this host refused the packet, not another.
    pub local: bool,
    /// Type of the ICMP message.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// MTU, pointer or gateway, as the type has it.
    pub info: u32,
    /// Who sent the message.
    pub offender: Option<SocketAddr>,
}

/// Control messages are aligned to machine words.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

impl Socket {
    /// Opens a raw socket in the calling thread's network namespace, or where that is not allowed, one of datagrams.
    ///
    /// # Errors
    /// The raw socket's error if neither can be had.
    pub fn icmp(v6: bool) -> io::Result<Self> {
        let (family, protocol) =
            if v6 { (libc::AF_INET6, libc::IPPROTO_ICMPV6) } else { (libc::AF_INET, libc::IPPROTO_ICMP) };
        match Socket::open(family, libc::SOCK_RAW, protocol) {
            Err(e) if matches!(e.raw_os_error(), Some(libc::EPERM | libc::EACCES)) => {
                Socket::open(family, libc::SOCK_DGRAM, protocol).map_err(|_| e)
            }
            other => other,
        }
    }

    /// Opens a UDP socket.
    pub fn udp(v6: bool) -> io::Result<Self> {
        Socket::open(if v6 { libc::AF_INET6 } else { libc::AF_INET }, libc::SOCK_DGRAM, 0)
    }

    fn open(family: c_int, kind: c_int, protocol: c_int) -> io::Result<Self> {
        // SAFETY: takes numbers only.
        let fd = check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, protocol) })?;
        // SAFETY: the kernel gave this descriptor to us alone.
        Ok(Socket { fd: unsafe { OwnedFd::from_raw_fd(fd) }, raw: kind == libc::SOCK_RAW })
    }

    /// Whether it is a raw one: it then hears the replies of other programs too, and makes up its own identifier.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// Sets an option that is a number.
    pub fn set(&self, option: Opt, value: c_int) -> io::Result<()> {
        self.set_bytes(option, &value.to_ne_bytes())
    }

    fn set_bytes(&self, (level, name): Opt, value: &[u8]) -> io::Result<()> {
        let len = libc::socklen_t::try_from(value.len()).unwrap_or(0);
        // SAFETY: the pointer and length describe `value`, which is only read.
        check(unsafe { libc::setsockopt(self.fd.as_raw_fd(), level, name, value.as_ptr().cast(), len) }).map(|_| ())
    }

    /// Uses one interface only (`SO_BINDTODEVICE`; without `CAP_NET_RAW` since kernel 5.7).
    pub fn bind_to_device(&self, name: &CStr) -> io::Result<()> {
        self.set_bytes((libc::SOL_SOCKET, libc::SO_BINDTODEVICE), name.to_bytes_with_nul())
    }

    /// Gives the socket a source address.
    pub fn bind(&self, addr: &SocketAddr) -> io::Result<()> {
        let raw = Raw::of(addr);
        let (pointer, len) = pointer(&raw);
        // SAFETY: the pointer and length describe `raw`, which is only read.
        check(unsafe { libc::bind(self.fd.as_raw_fd(), pointer, len) }).map(|_| ())
    }

    /// Connects, which for datagrams only looks up the route.
    pub fn connect(&self, addr: &SocketAddr) -> io::Result<()> {
        let raw = Raw::of(addr);
        let (pointer, len) = pointer(&raw);
        // SAFETY: the pointer and length describe `raw`, which is only read.
        check(unsafe { libc::connect(self.fd.as_raw_fd(), pointer, len) }).map(|_| ())
    }

    /// The own address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let mut bytes = [0u8; size_of::<libc::sockaddr_in6>()];
        let mut len = libc::socklen_t::try_from(bytes.len()).unwrap_or(0);
        // SAFETY: the pointer and length describe `bytes`; the call writes no more than that.
        check(unsafe { libc::getsockname(self.fd.as_raw_fd(), bytes.as_mut_ptr().cast(), &raw mut len) })?;
        parse(&bytes).ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
    }

    /// Lets only what an echo loop reads through: echo replies with its identifier and, of IPv4,
    /// redirects and source quenches. Errors come by the error queue. For raw sockets.
    pub fn filter(&self, v6: bool, ident: u16) -> io::Result<()> {
        if v6 {
            let mut blocked = [0xff; 32];
            // Echo reply is 129: bit 1 of the fifth word.
            blocked[16..20].copy_from_slice(&(!2u32).to_ne_bytes());
            self.set_bytes(ICMPV6_FILTER, &blocked)?;
        } else {
            self.set_bytes(ICMP_FILTER, &(!(1u32 | 1 << 4 | 1 << 5)).to_ne_bytes())?;
        }
        self.attach(&program(v6, ident))
    }

    fn attach(&self, program: &[libc::sock_filter]) -> io::Result<()> {
        let len = u16::try_from(program.len()).unwrap_or(0);
        let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
        let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap_or(0);
        let (level, name) = (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER);
        // SAFETY: the kernel copies `len` instructions, which outlive the call, and writes nothing.
        let ret = unsafe { libc::setsockopt(self.fd.as_raw_fd(), level, name, (&raw const program).cast(), size) };
        check(ret).map(|_| ())
    }

    /// Sends a packet without waiting.
    pub fn send_to(&self, bytes: &[u8], to: &SocketAddr) -> io::Result<()> {
        let raw = Raw::of(to);
        let (pointer, len) = pointer(&raw);
        // SAFETY: pointers and lengths describe `bytes` and `raw`, which are only read.
        let sent =
            unsafe { libc::sendto(self.fd.as_raw_fd(), bytes.as_ptr().cast::<c_void>(), bytes.len(), 0, pointer, len) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Takes the next packet, or the next entry of the error queue, without waiting.
    pub fn recv(&self, buf: &mut [u8], queue: bool) -> io::Result<Received> {
        let mut from = [0u8; size_of::<libc::sockaddr_in6>()];
        let mut control = Control([0; CONTROL]);
        let mut iov = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
        // SAFETY: msghdr is plain data for which all-zero is valid.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_name = from.as_mut_ptr().cast();
        header.msg_namelen = libc::socklen_t::try_from(from.len()).unwrap_or(0);
        header.msg_iov = &raw mut iov;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        // musl and glibc differ in the type; 256 fits either.
        header.msg_controllen = CONTROL as _;
        let flags = libc::MSG_DONTWAIT | if queue { libc::MSG_ERRQUEUE } else { 0 };
        // SAFETY: `header` points to `from`, `iov` with `buf`, and `control`, which outlive the call and are as long as said.
        let len = unsafe { libc::recvmsg(self.fd.as_raw_fd(), &raw mut header, flags) };
        let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
        let filled = (header.msg_controllen as usize).min(CONTROL);
        let mut received = Received { len: len.min(buf.len()), from: parse(&from), ..Received::default() };
        received.read_control(&control.0[..filled]);
        Ok(received)
    }
}

impl Received {
    /// Reads control messages: length (a machine word, header included), level, type, data; each aligned to a word.
    fn read_control(&mut self, mut bytes: &[u8]) {
        const WORD: usize = size_of::<usize>();
        while let Some((head, rest)) = bytes.split_first_chunk::<WORD>() {
            let len = usize::from_ne_bytes(*head);
            let Some((numbers, rest)) = rest.split_first_chunk::<8>() else { return };
            let Some(data) = len.checked_sub(WORD + 8).and_then(|len| rest.get(..len)) else { return };
            let &[a, b, c, d, e, f, g, h] = numbers;
            self.note((c_int::from_ne_bytes([a, b, c, d]), c_int::from_ne_bytes([e, f, g, h])), data);
            bytes = bytes.get(len.next_multiple_of(WORD)..).unwrap_or_default();
        }
    }

    fn note(&mut self, kind: Opt, data: &[u8]) {
        match kind {
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                self.ttl = number(data, 0).and_then(|ttl| u8::try_from(ttl).ok());
            }
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMP) => self.stamp = stamp(data),
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                self.error = Queued::parse(data);
            }
            _ => {}
        }
    }
}

impl Queued {
    fn parse(data: &[u8]) -> Option<Self> {
        let &[origin, kind, code, _] = data.get(4..8)? else { return None };
        Some(Queued {
            errno: number(data, 0).and_then(|errno| i32::try_from(errno).ok())?,
            local: origin == libc::SO_EE_ORIGIN_LOCAL,
            kind,
            code,
            info: number(data, 8)?,
            offender: data.get(16..).and_then(parse),
        })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A raw address as system calls take it.
fn pointer(raw: &Raw) -> (*const libc::sockaddr, libc::socklen_t) {
    let bytes = raw.as_bytes();
    (bytes.as_ptr().cast(), libc::socklen_t::try_from(bytes.len()).unwrap_or(0))
}

fn number(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// `struct timeval` of two 64-bit numbers, as microseconds.
fn stamp(data: &[u8]) -> Option<u64> {
    let (seconds, rest) = data.split_first_chunk()?;
    u64::from_ne_bytes(*seconds).checked_mul(1_000_000)?.checked_add(u64::from_ne_bytes(*rest.first_chunk()?))
}

/// A program for the kernel's packet filter: drops echo replies with an identifier that is not ours.
/// Raw IPv4 packets begin with the IP header, IPv6 ones with the ICMP header.
fn program(v6: bool, ident: u16) -> [libc::sock_filter; 7] {
    let step = |code: u16, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let (reply, mode) = if v6 { (129, 0x20) } else { (0, 0x40) };
    [
        step(0xb1, 0, 0, 0),                // x = 4 * (low half of byte 0): the length of an IPv4 header
        step(0x10 | mode, 0, 0, 0),         // a = byte 0, past the header: the type
        step(0x15, 0, 2, reply),            // no echo reply: passes
        step(0x08 | mode, 0, 0, 4),         // a = the 16 bits at 4: the identifier
        step(0x15, 0, 1, u32::from(ident)), // not ours: is dropped
        step(0x06, 0, 0, u32::MAX),
        step(0x06, 0, 0, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: c_int, kind: c_int, data: &[u8]) -> Vec<u8> {
        let len = size_of::<usize>() + 8 + data.len();
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes().iter().chain(&kind.to_ne_bytes()).chain(data));
        bytes.resize(len.next_multiple_of(size_of::<usize>()), 0);
        bytes
    }

    #[test]
    fn control_messages_are_read() {
        let mut error = 113u32.to_ne_bytes().to_vec();
        error.extend([2, 3, 1, 0]);
        error.extend(1400u32.to_ne_bytes().iter().chain(&[0; 4]));
        error.extend(Raw::of(&"10.0.1.1:0".parse().unwrap()).as_bytes());
        let stamp = [7u64.to_ne_bytes(), 250u64.to_ne_bytes()].concat();
        let mut bytes = message(libc::IPPROTO_IP, libc::IP_TTL, &63i32.to_ne_bytes());
        bytes.extend(message(libc::SOL_SOCKET, libc::SCM_TIMESTAMP, &stamp));
        bytes.extend(message(libc::IPPROTO_IP, libc::IP_RECVERR, &error));
        let mut received = Received::default();
        received.read_control(&bytes);
        assert_eq!((received.ttl, received.stamp), (Some(63), Some(7_000_250)));
        let offender = Some("10.0.1.1:0".parse().unwrap());
        assert_eq!(received.error, Some(Queued { errno: 113, local: false, kind: 3, code: 1, info: 1400, offender }),);
        // Cut off anywhere, nothing is made up and nothing panics.
        for cut in 0..bytes.len() {
            let mut received = Received::default();
            received.read_control(&bytes[..cut]);
            assert!(received.error.is_none());
        }
    }

    #[test]
    fn a_time_past_all_time_is_none() {
        assert_eq!(stamp(&[0xff; 16]), None);
        assert_eq!(stamp(&[0; 15]), None);
    }
}
