//! Everything before the first request: sockets, the source address that the routing
//! table chooses, and the options of the socket. In goes an address, out comes a
//! [`Target`] that is ready, or an error in iputils' words.

use std::ffi::CString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Event, Fragments, Notify, Options, Result, TIMES, Tally, failed};
use crate::error::Error;
use crate::model::ip::family_of;
use crate::model::name::printable;
use crate::sys::address::is_link_local_multicast;
use crate::sys::icmp::{Opt, Socket};
use crate::sys::{nl, process};
use crate::wire::addr::GetAddrs;

/// The port that routes are looked up for; nothing is sent to it.
const PORT: u16 = 1025;
/// The shortest interval of users for addresses that many hosts answer to, in milliseconds.
const MANY_INTERVAL: u32 = 1000;

const BROADCAST: Opt = (libc::SOL_SOCKET, libc::SO_BROADCAST);
const TIMESTAMP: Opt = (libc::SOL_SOCKET, libc::SO_TIMESTAMP);

/// The options of a family's sockets that have the same sense.
struct Names {
    mtu_discover: Opt,
    errors: Opt,
    want_ttl: Opt,
    ttl_many: Opt,
    ttl_one: Opt,
    words: [&'static str; 4],
}

const V4: Names = Names {
    mtu_discover: (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
    errors: (libc::IPPROTO_IP, libc::IP_RECVERR),
    want_ttl: (libc::IPPROTO_IP, libc::IP_RECVTTL),
    ttl_many: (libc::IPPROTO_IP, libc::IP_MULTICAST_TTL),
    ttl_one: (libc::IPPROTO_IP, libc::IP_TTL),
    words: ["IP_MTU_DISCOVER", "bind", "cannot set multicast time-to-live", "cannot set unicast time-to-live"],
};

const V6: Names = Names {
    mtu_discover: (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER),
    errors: (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
    want_ttl: (libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT),
    ttl_many: (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS),
    ttl_one: (libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
    words: ["IPV6_MTU_DISCOVER", "bind icmp socket", "can't set multicast hop limit", "can't set unicast hop limit"],
};

/// ICMP sockets of the families that may be needed.
#[derive(Debug)]
pub struct Sockets {
    v4: Option<Socket>,
    v6: Option<Socket>,
}

/// A host that is ready to be pinged.
#[derive(Debug)]
pub struct Target<'a> {
    /// Source address.
    pub source: SocketAddr,
    /// Where requests go.
    pub(super) dest: SocketAddr,
    pub(super) socket: &'a Socket,
    pub(super) ident: u16,
    /// A group of hosts may answer.
    pub(super) many: bool,
    /// Another address than the one asked may answer.
    pub(super) anycast: bool,
}

impl Sockets {
    /// Opens the sockets of a family, or of both: then one of them may fail.
    ///
    /// # Errors
    /// The call is `socket`; `EPERM` if neither raw sockets nor those of datagrams are allowed.
    pub fn open(v4: bool, v6: bool) -> Result<Self> {
        let failed = |e| failed("socket", &e);
        let first =
            v4.then(|| Socket::icmp(false)).transpose().or_else(|e| if v6 { Ok(None) } else { Err(failed(e)) })?;
        let second = v6.then(|| Socket::icmp(true)).transpose();
        let second = second.or_else(|e| if first.is_some() { Ok(None) } else { Err(failed(e)) })?;
        Ok(Sockets { v4: first, v6: second })
    }

    /// Whether an address of this family can be pinged.
    pub fn has(&self, v6: bool) -> bool {
        if v6 { self.v6.is_some() } else { self.v4.is_some() }
    }
}

impl Target<'_> {
    /// Whether it is an IPv6 address.
    pub fn is_v6(&self) -> bool {
        self.dest.is_ipv6()
    }

    /// Whether an identifier is that of our requests. Sockets of datagrams hear of no others, and the
    /// kernel replaces the identifier.
    pub(super) fn is_ours(&self, ident: u16) -> bool {
        !self.socket.is_raw() || ident == self.ident
    }
}

impl<'a> Target<'a> {
    /// Prepares a socket for an address.
    ///
    /// # Errors
    /// In the words of iputils; the call is `connect` if there is no route.
    pub fn open(sockets: &'a Sockets, addr: SocketAddr, options: &Options, notify: Notify<'_>) -> Result<Self> {
        let v6 = addr.is_ipv6();
        let socket = if v6 { &sockets.v6 } else { &sockets.v4 };
        let Some(socket) = socket else {
            return Err(failed("socket", &io::Error::from_raw_os_error(libc::EAFNOSUPPORT)));
        };
        let device = options.device.as_deref().map(|name| Device::find(name, v6)).transpose()?;
        let index = device.as_ref().map_or(0, |device| device.index);
        let mut dest = addr;
        set_scope(&mut dest, index);
        let source = match given_source(options, v6) {
            Some(source) => {
                if let Some(device) = &device {
                    device.bind(socket)?;
                }
                let mut source = SocketAddr::new(source, 0);
                set_scope(&mut source, index);
                source
            }
            None => probe(socket, dest, device.as_ref(), options, notify)?,
        };
        if dest.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
            dest.set_ip(source.ip());
        }
        let many = dest.ip().is_multicast() || !v6 && options.broadcast;
        let fragments = fragments(options, v6, many)?;
        let ident = ident();
        let target = Target { source, dest, socket, ident, many, anycast: many || is_subnet_anycast(&dest.ip()) };
        target.configure(options, fragments)?;
        Ok(target)
    }

    fn configure(&self, options: &Options, fragments: Option<Fragments>) -> Result<()> {
        let (socket, v6) = (self.socket, self.is_v6());
        let names = if v6 { &V6 } else { &V4 };
        let [discover, bind, many, one] = names.words;
        if options.sticky {
            socket.bind(&self.source).map_err(|e| failed(bind, &e))?;
        }
        if socket.is_raw() {
            socket.filter(v6, self.ident).map_err(|e| failed("setsockopt(ICMP_FILTER)", &e))?;
        }
        let ttl = options.ttl.map(i32::from);
        let settings = [
            (names.mtu_discover, fragments.map(|fragments| fragments as i32), discover),
            (names.errors, Some(1), "IP_RECVERR"),
            (names.want_ttl, Some(1), "can't receive hop limit"),
            (BROADCAST, (!v6 && options.broadcast).then_some(1), "cannot set broadcasting"),
            (names.ttl_many, ttl, many),
            (names.ttl_one, ttl, one),
        ];
        for (option, value, words) in settings {
            if let Some(value) = value {
                socket.set(option, value).map_err(|e| failed(words, &e))?;
            }
        }
        // Without it, packets are timed when they are read.
        let _ = socket.set(TIMESTAMP, 1);
        Ok(())
    }
}

/// An interface by name.
struct Device {
    name: CString,
    index: u32,
}

impl Device {
    fn find(name: &[u8], v6: bool) -> Result<Self> {
        let c_name = CString::new(name).unwrap_or_default();
        let index = nl::if_index(&c_name).unwrap_or(0);
        // Of IPv4, SO_BINDTODEVICE is what fails.
        if index == 0 && v6 {
            return Err(refused(format!("unknown iface: {}", printable(name))));
        }
        Ok(Device { name: c_name, index })
    }

    fn bind(&self, socket: &Socket) -> Result<()> {
        let call = || format!("SO_BINDTODEVICE {}", printable(self.name.to_bytes()));
        socket.bind_to_device(&self.name).map_err(|e| failed(&call(), &e))
    }

    /// Whether one of its addresses is this one. If that cannot be known, it is taken to be so.
    fn has(&self, addr: IpAddr) -> bool {
        let query = GetAddrs { family: family_of(&addr), index: self.index };
        let list = crate::socket::Socket::open().and_then(|mut socket| socket.dump(&query));
        list.map_or(true, |list| self.index > 0 && list.iter().any(|(_, own)| own.own() == Some(addr)))
    }
}

/// Asks the routing table for the source address, by connecting a socket from which nothing is sent.
fn probe(
    socket: &Socket,
    dest: SocketAddr,
    device: Option<&Device>,
    options: &Options,
    notify: Notify<'_>,
) -> Result<SocketAddr> {
    let probe = Socket::udp(dest.is_ipv6()).map_err(|e| failed("socket", &e))?;
    if let Some(device) = device {
        device.bind(&probe)?;
        device.bind(socket)?;
    }
    let mut tell = |event| notify(&event, &Tally::new(options.size >= TIMES));
    if needs_scope(&dest.ip()) {
        // As in iputils: on its link such an address needs no route, and the source is chosen on sending.
        if device.is_some() {
            tell(Event::OtherDevice);
        }
        return Ok(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0));
    }
    let mut dest = dest;
    dest.set_port(PORT);
    let connect = || probe.connect(&dest).map_err(|e| failed("connect", &e));
    match connect() {
        // Broadcast without leave to do so; a route that prohibits says the same.
        Err(e) if e.errno() == Some(libc::EACCES) && dest.is_ipv4() => {
            if !options.broadcast {
                return Err(refused("Do you want to ping broadcast? Then -b. If not, check your local firewall rules"));
            }
            tell(Event::Broadcast);
            probe.set(BROADCAST, 1).map_err(|e| failed("cannot set broadcasting", &e))?;
            connect()?;
        }
        other => other?,
    }
    let mut source = probe.local_addr().map_err(|e| failed("getsockname", &e))?;
    source.set_port(0);
    if device.is_some_and(|device| !device.has(source.ip())) {
        tell(Event::OtherDevice);
    }
    Ok(source)
}

fn given_source(options: &Options, v6: bool) -> Option<IpAddr> {
    let v4 = || options.source_v4.filter(|source| !source.is_unspecified()).map(IpAddr::V4);
    let six = || options.source_v6.filter(|source| !source.is_unspecified()).map(IpAddr::V6);
    if v6 { six() } else { v4() }
}

/// Gives a link-local address the interface that it needs, if it has none.
fn set_scope(addr: &mut SocketAddr, index: u32) {
    let needed = needs_scope(&addr.ip());
    if let SocketAddr::V6(v6) = addr
        && v6.scope_id() == 0
        && needed
    {
        v6.set_scope_id(index);
    }
}

/// Whether an address means another host on each link.
pub fn needs_scope(addr: &IpAddr) -> bool {
    matches!(addr, IpAddr::V6(v6) if v6.is_unicast_link_local() || is_link_local_multicast(v6))
}

/// What to do about fragments; users may not flood groups of hosts.
fn fragments(options: &Options, v6: bool, many: bool) -> Result<Option<Fragments>> {
    if !many {
        return Ok(options.fragments);
    }
    let word = if v6 { "multicast" } else { "broadcast" };
    if process::uid() != 0 {
        if options.interval < MANY_INTERVAL {
            return Err(refused(format!("{word} ping with too short interval: {}", options.interval)));
        }
        if options.fragments.is_some_and(|fragments| fragments != Fragments::Never) {
            return Err(refused(format!("{word} ping does not fragment")));
        }
    }
    Ok(options.fragments.or(Some(Fragments::Never)))
}

/// Whether an address may be the one that all routers of a subnet of 64 bits answer to (RFC 4291, 2.6.1).
fn is_subnet_anycast(addr: &IpAddr) -> bool {
    matches!(addr, IpAddr::V6(v6) if v6.to_bits() & u128::from(u64::MAX) == 0)
}

/// An identifier for our requests; by chance where the kernel has no randomness yet, then by process.
fn ident() -> u16 {
    let [a, b, ..] = std::process::id().to_ne_bytes();
    let mut bytes = [a, b];
    process::random(&mut bytes);
    u16::from_ne_bytes(bytes)
}

fn refused(text: impl Into<String>) -> Box<Error> {
    Box::new(Error::usage(text))
}
