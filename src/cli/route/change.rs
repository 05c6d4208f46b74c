//! `route add` and `route del`: net-tools' words in, the netlink request that does what its
//! ioctl does out.

use std::net::{IpAddr, Ipv4Addr};

use super::{LOOKUP, REFUSED, usage};
use crate::cli::cursor::{shown, text};
use crate::cli::hosts::{Base, aton};
use crate::cli::ip::context::link_id;
use crate::cli::ip::words::keyword;
use crate::cli::nettools::Stop;
use crate::error::Error;
use crate::model::ip::{Family, Prefix, netmask_len, parse_addr};
use crate::model::link::LinkId;
use crate::model::route::{
    METRIC_ADVMSS, METRIC_RTT, METRIC_WINDOW, Route, RouteKind, RouteQuestion, RouteVerb, SCOPE_HOST, SCOPE_LINK,
    SCOPE_NOWHERE, SCOPE_UNIVERSE,
};
use crate::model::template::filled;
use crate::socket::Socket;
use crate::wire::build;
use crate::wire::link::GetLink;
use crate::wire::route::change;

/// Bytes of headers that an MSS leaves out, as the kernel counts them in `rt_mtu`.
const HEADERS: u32 = 40;

/// A route in words.
struct Words<'a> {
    rest: std::slice::Iter<'a, &'a [u8]>,
    family: Family,
    route: Route,
    device: Option<&'a [u8]>,
    mask: u32,
    mask_word: &'a str,
}

/// Carries a change out.
pub fn run(family: Family, add: bool, words: &[&[u8]]) -> Result<u8, Stop> {
    let call = if add { "SIOCADDRT" } else { "SIOCDELRT" };
    let blank = Route::to(Prefix::default_route(Family::V4));
    let mut read = Words { rest: words.iter(), family, route: blank, device: None, mask: 0, mask_word: "" };
    match family {
        Family::V6 => read.v6()?,
        _ => read.v4()?,
    }
    let Words { mut route, device, .. } = read;
    if !add {
        // Whoever made it, however far it reaches: the ioctl does not say.
        route.protocol = 0;
        if family != Family::V6 && route.kind == RouteKind::UNICAST {
            route.scope = SCOPE_NOWHERE;
        }
    }
    let mut socket = Socket::<build::Route>::open().map_err(|e| Stop::refused(REFUSED, call, &e))?;
    if let Some(name) = device.filter(|_| route.kind == RouteKind::UNICAST) {
        let no_device = if family == Family::V6 { "SIOGIFINDEX" } else { call };
        route.device = Some(find(&mut socket, name, no_device)?);
    }
    let verb = if add { RouteVerb::Prepend } else { RouteVerb::Delete };
    if let Some(IpAddr::V4(via)) = route.via.filter(|_| add && route.kind == RouteKind::UNICAST) {
        // A gateway that is this machine itself stands for a directly connected network.
        let question = RouteQuestion::about(Prefix::host(via.into()));
        let answer = socket.get(&question).ok().flatten();
        if answer.is_some_and(|answer| matches!(answer.kind, RouteKind::LOCAL | RouteKind::BROADCAST)) {
            route.scope = SCOPE_LINK;
        }
    }
    let outcome = socket.request(change(verb, &route));
    match outcome {
        Ok(_) => Ok(0),
        Err(error) => Err(explain(call, &error, &route)),
    }
}

#[inline(never)]
fn explain(call: &str, error: &Error, route: &Route) -> Stop {
    let stop = Stop::refused(REFUSED, call, error);
    match error.errno() {
        Some(libc::ENETUNREACH) => {
            stop.hint("the gateway must be on a network that an address here belongs to; see: ip addr")
        }
        Some(libc::EINVAL) if route.dst.is_empty() && !route.dst.addr().is_unspecified() => {
            stop.hint("give the network its mask: -net ADDRESS netmask MASK, or -net ADDRESS/LEN")
        }
        Some(libc::ESRCH) => stop.hint("no such route; list them with: route -n"),
        _ => stop,
    }
}

fn find(socket: &mut Socket<build::Route>, name: &[u8], call: &str) -> Result<LinkId, Stop> {
    let link = socket.get(&GetLink::Name(name)).ok().flatten();
    link.as_ref().and_then(link_id).ok_or_else(|| Stop::errno(REFUSED, call, libc::ENODEV))
}

impl<'a> Words<'a> {
    fn usage(&self, complaint: &str) -> Stop {
        usage(complaint, self.family)
    }

    fn value(&mut self) -> Result<&'a [u8], Stop> {
        match self.rest.next() {
            Some(word) => Ok(word),
            None => Err(self.usage("")),
        }
    }

    /// Digits, as `atoi` takes them after a first digit was seen.
    fn number(&mut self) -> Result<u32, Stop> {
        let word = text(self.value()?);
        let end = word.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(word.len());
        word[..end].parse().map_err(|_| self.usage(""))
    }

    fn v4(&mut self) -> Result<(), Stop> {
        let mut target = self.value()?;
        let marked = match target {
            b"#net" | b"#host" => Some(target == b"#net"),
            _ => None,
        };
        if marked.is_some() {
            target = self.value()?;
        }
        let (address, mask) = split_mask(text(target))?;
        let (address, named_net) = resolve(address, marked == Some(false))?;
        let is_net = marked.unwrap_or(named_net);
        self.mask = mask;
        self.route.dst = Prefix::host(address.into());
        self.route.scope = SCOPE_LINK;
        self.properties()?;
        if self.mask != 0 {
            self.check_mask(address.to_bits(), is_net)?;
        }
        if is_net {
            let len = netmask_len(Ipv4Addr::from_bits(self.mask).into()).unwrap_or(0);
            self.route.dst = Prefix::new(address.into(), len).unwrap_or(self.route.dst);
        }
        Ok(())
    }

    fn v6(&mut self) -> Result<(), Stop> {
        let target = text(self.value()?);
        let dst = match target.split_once('/') {
            _ if target == "default" => Some(Prefix::default_route(Family::V6)),
            Some((address, len)) => {
                let len = len.parse().ok().filter(|len| *len <= 128).ok_or_else(|| self.usage(""))?;
                parse_addr(address, Family::V6).and_then(|address| Prefix::new(address, len))
            }
            None => parse_addr(target, Family::V6).map(Prefix::host),
        };
        // The ioctl leaves host bits to the kernel, which clears them.
        self.route.dst = dst.ok_or_else(|| unknown_host(1, target))?.network();
        // net-tools' default; the kernel's own would be 1024.
        self.route.metric = Some(1);
        self.properties()
    }

    /// What follows the destination. IPv6 knows fewer words: the others name the device there.
    fn properties(&mut self) -> Result<(), Stop> {
        const WORDS: &str = "metric=m gw=g gateway=g mod=? dyn=? dev=d device=d netmask=n mss=s mtu=s window=w irtt=i reject=r \
            reinstate=?";
        const WORDS_V6: &str = "metric=m gw=g gateway=g mod=? dyn=? dev=d device=d";
        let list = if self.family == Family::V6 { WORDS_V6 } else { WORDS };
        while let Some(word) = self.rest.next() {
            match keyword(word, list).1 {
                b'm' => self.route.metric = Some(self.number()?),
                b'n' => self.netmask()?,
                b'g' => self.gateway()?,
                b's' => match self.number()? {
                    mss @ 64..=65536 => self.route.metrics.set(METRIC_ADVMSS, mss - HEADERS),
                    _ => return Err(self.usage("route: Invalid MSS/MTU.")),
                },
                b'w' => match self.number()? {
                    0..128 => return Err(self.usage("route: Invalid window.")),
                    window => self.route.metrics.set(METRIC_WINDOW, window),
                },
                // In milliseconds; the kernel counts eighths.
                b'i' => {
                    let rtt = self.number()?.saturating_mul(8);
                    self.route.metrics.set(METRIC_RTT, rtt);
                }
                b'r' => {
                    self.route.kind = RouteKind::UNREACHABLE;
                    self.route.scope = SCOPE_HOST;
                }
                b'?' => return Err(Stop::new(REFUSED, &["route: \"", text(word), "\" is not supported by netstrap"])),
                key => {
                    // A bare word is the device, and the last one.
                    let name = if key == b'd' { self.value()? } else { word };
                    if self.device.is_some() || (key != b'd' && self.rest.len() > 0) {
                        return Err(self.usage(""));
                    }
                    self.device = Some(name);
                }
            }
        }
        Ok(())
    }

    fn netmask(&mut self) -> Result<(), Stop> {
        let word = text(self.value()?);
        if self.mask != 0 {
            return Err(self.usage(""));
        }
        self.mask = resolve(word, false)?.0.to_bits();
        self.mask_word = word;
        Ok(())
    }

    fn gateway(&mut self) -> Result<(), Stop> {
        let word = text(self.value()?);
        if self.route.via.is_some() {
            return Err(self.usage(""));
        }
        if self.family == Family::V6 {
            self.route.via = Some(parse_addr(word, Family::V6).ok_or_else(|| unknown_host(LOOKUP, word))?);
            return Ok(());
        }
        let (address, is_net) = resolve(word, true)?;
        if is_net {
            return Err(self.usage(&["route: ", word, ": cannot use a NETWORK as gateway!"].concat()));
        }
        self.route.via = Some(address.into());
        self.route.scope = SCOPE_UNIVERSE;
        Ok(())
    }

    fn check_mask(&self, address: u32, is_net: bool) -> Result<(), Stop> {
        let host_bits = !self.mask;
        let complaint = if !is_net {
            filled("route: netmask % doesn't make sense with host route", &[&hex8(host_bits)])
        } else if host_bits & host_bits.wrapping_add(1) != 0 {
            ["route: bogus netmask ", self.mask_word].concat()
        } else if address & host_bits != 0 {
            "route: netmask doesn't match route address".to_owned()
        } else {
            return Ok(());
        };
        Err(self.usage(&complaint))
    }
}

/// `ADDRESS/LEN`: the address, and the mask. A length of 32 reads as none, as in net-tools.
fn split_mask(target: &str) -> Result<(&str, u32), Stop> {
    let Some((address, len)) = target.split_once('/') else { return Ok((target, 0)) };
    match crate::model::rtnames::parse_number(len) {
        Some(0 | 32) => Ok((address, 0)),
        Some(len @ 1..32) => Ok((address, !(u32::MAX >> len))),
        Some(_) => Err(usage("route: netmask doesn't match route address", Family::V4)),
        None => Err(usage("", Family::V4)),
    }
}

/// An address by number or name, and whether the name is a network's.
fn resolve(word: &str, host_first: bool) -> Result<(Ipv4Addr, bool), Stop> {
    if word == "default" {
        return Ok((Ipv4Addr::UNSPECIFIED, true));
    }
    if let Some(address) = aton(word) {
        return Ok((address, false));
    }
    let host = || Base::Hosts.address(word).map(|address| (address, false));
    let network = || Base::Networks.address(word).map(|address| (address, true));
    let found = if host_first { host().or_else(network) } else { network().or_else(host) };
    found.ok_or_else(|| unknown_host(LOOKUP, word))
}

fn unknown_host(code: u8, word: &str) -> Stop {
    Stop::new(code, &[&shown(word.as_bytes()), ": Unknown host"])
        .hint("names are looked up in /etc/hosts and /etc/networks, not in DNS")
}

/// Eight hexadecimal digits.
fn hex8(bits: u32) -> String {
    (0..8).rev().map(|nibble| char::from_digit(bits >> (4 * nibble) & 15, 16).unwrap_or('0')).collect()
}
