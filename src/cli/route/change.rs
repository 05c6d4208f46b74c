//! `route add` and `route del`: net-tools' words in, the netlink request that does what its
//! ioctl does out.

use std::net::{IpAddr, Ipv4Addr};

use super::{LOOKUP, REFUSED, usage};
use crate::cli::cursor::{shown, text};
use crate::cli::hosts::{Base, aton};
use crate::cli::ip::context::link_id;
use crate::cli::nettools::Stop;
use crate::error::Error;
use crate::model::ip::{Family, Prefix, netmask_len, parse_addr};
use crate::model::link::LinkId;
use crate::model::route::{
    METRIC_ADVMSS, METRIC_RTT, METRIC_WINDOW, Route, RouteKind, RouteQuestion, RouteVerb, SCOPE_HOST, SCOPE_LINK,
    SCOPE_NOWHERE, SCOPE_UNIVERSE,
};
use crate::socket::Socket;
use crate::wire::build;
use crate::wire::link::GetLink;
use crate::wire::route::change;

/// Bytes of headers that an MSS leaves out, as the kernel counts them in `rt_mtu`.
const HEADERS: u32 = 40;

/// A route in words.
struct Words {
    route: Route,
    device: Option<Vec<u8>>,
    mask: u32,
    mask_word: Option<String>,
}

/// Carries a change out.
pub fn run(family: Family, add: bool, words: &[&[u8]]) -> Result<u8, Stop> {
    let call = if add { "SIOCADDRT" } else { "SIOCDELRT" };
    let Words { mut route, device, .. } = match family {
        Family::V6 => read_v6(words)?,
        _ => read_v4(words)?,
    };
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
        route.device = Some(find(&mut socket, &name, no_device)?);
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

/// The words after the verb, in turn.
struct Rest<'a> {
    words: &'a [&'a [u8]],
    family: Family,
}

impl<'a> Rest<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn value(&mut self) -> Result<&'a [u8], Stop> {
        self.next().ok_or_else(|| usage("", self.family))
    }

    /// Digits, as `atoi` takes them after a first digit was seen.
    fn number(&mut self) -> Result<u32, Stop> {
        let word = text(self.value()?);
        let digits = word.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        digits.parse().map_err(|_| usage("", self.family))
    }
}

fn read_v4(words: &[&[u8]]) -> Result<Words, Stop> {
    let mut rest = Rest { words, family: Family::V4 };
    let mut target = rest.value()?;
    let marked = match target {
        b"#net" | b"#host" => Some(target == b"#net"),
        _ => None,
    };
    if marked.is_some() {
        target = rest.value()?;
    }
    let (address, mask) = split_mask(text(target))?;
    let (address, named_net) = resolve(address, marked == Some(false))?;
    let is_net = marked.unwrap_or(named_net);
    let mut read = Words { route: Route::to(Prefix::host(address.into())), device: None, mask, mask_word: None };
    read.route.scope = SCOPE_LINK;
    while let Some(word) = rest.next() {
        read.word_v4(word, &mut rest)?;
    }
    if read.mask != 0 {
        read.check_mask(address.to_bits(), is_net)?;
    }
    if is_net {
        let len = netmask_len(Ipv4Addr::from_bits(read.mask).into()).unwrap_or(0);
        read.route.dst = Prefix::new(address.into(), len).unwrap_or(read.route.dst);
    }
    Ok(read)
}

impl Words {
    fn word_v4(&mut self, word: &[u8], rest: &mut Rest<'_>) -> Result<(), Stop> {
        let complain = |complaint: &str| usage(complaint, Family::V4);
        match word {
            b"metric" => self.route.metric = Some(rest.number()?),
            b"netmask" => {
                let word = text(rest.value()?);
                if self.mask != 0 {
                    return Err(complain(""));
                }
                self.mask = resolve(word, false)?.0.to_bits();
                self.mask_word = Some(word.to_owned());
            }
            b"gw" | b"gateway" => {
                let word = text(rest.value()?);
                if self.route.via.is_some() {
                    return Err(complain(""));
                }
                let (address, is_net) = resolve(word, true)?;
                if is_net {
                    return Err(complain(&["route: ", word, ": cannot use a NETWORK as gateway!"].concat()));
                }
                self.route.via = Some(address.into());
                self.route.scope = SCOPE_UNIVERSE;
            }
            b"mss" | b"mtu" => match rest.number()? {
                mss @ 64..=65536 => self.route.metrics.set(METRIC_ADVMSS, mss - HEADERS),
                _ => return Err(complain("route: Invalid MSS/MTU.")),
            },
            b"window" => match rest.number()? {
                0..128 => return Err(complain("route: Invalid window.")),
                window => self.route.metrics.set(METRIC_WINDOW, window),
            },
            // In milliseconds; the kernel counts eighths.
            b"irtt" => self.route.metrics.set(METRIC_RTT, rest.number()?.saturating_mul(8)),
            b"reject" => {
                self.route.kind = RouteKind::UNREACHABLE;
                self.route.scope = SCOPE_HOST;
            }
            b"mod" | b"dyn" | b"reinstate" => {
                return Err(Stop::new(REFUSED, &["route: \"", text(word), "\" is not supported by netstrap"]));
            }
            _ => self.device(word, rest)?,
        }
        Ok(())
    }

    fn check_mask(&self, address: u32, is_net: bool) -> Result<(), Stop> {
        let host_bits = !self.mask;
        let complaint = if !is_net {
            ["route: netmask ", &hex8(host_bits), " doesn't make sense with host route"].concat()
        } else if host_bits & host_bits.wrapping_add(1) != 0 {
            ["route: bogus netmask ", self.mask_word.as_deref().unwrap_or("")].concat()
        } else if address & host_bits != 0 {
            "route: netmask doesn't match route address".to_owned()
        } else {
            return Ok(());
        };
        Err(usage(&complaint, Family::V4))
    }

    /// `dev IFACE`, or a last word that is the interface.
    fn device(&mut self, word: &[u8], rest: &mut Rest<'_>) -> Result<(), Stop> {
        let keyword = matches!(word, b"dev" | b"device");
        let name = if keyword { rest.value()? } else { word };
        if self.device.is_some() || (!keyword && !rest.words.is_empty()) {
            return Err(usage("", rest.family));
        }
        self.device = Some(name.to_vec());
        Ok(())
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

fn read_v6(words: &[&[u8]]) -> Result<Words, Stop> {
    let mut rest = Rest { words, family: Family::V6 };
    let target = text(rest.value()?);
    let dst = match target.split_once('/') {
        _ if target == "default" => Some(Prefix::default_route(Family::V6)),
        Some((address, len)) => {
            let len = len.parse().ok().filter(|len| *len <= 128).ok_or_else(|| usage("", Family::V6))?;
            parse_addr(address, Family::V6).and_then(|address| Prefix::new(address, len))
        }
        None => parse_addr(target, Family::V6).map(Prefix::host),
    };
    let dst = dst.ok_or_else(|| unknown_host(1, target))?;
    // The ioctl leaves host bits to the kernel, which clears them.
    let mut read = Words { route: Route::to(dst.network()), device: None, mask: 0, mask_word: None };
    // net-tools' default; the kernel's own would be 1024.
    read.route.metric = Some(1);
    while let Some(word) = rest.next() {
        match word {
            b"metric" => read.route.metric = Some(rest.number()?),
            b"gw" | b"gateway" => {
                let word = text(rest.value()?);
                if read.route.via.is_some() {
                    return Err(usage("", Family::V6));
                }
                let via: Option<IpAddr> = parse_addr(word, Family::V6);
                read.route.via = Some(via.ok_or_else(|| unknown_host(LOOKUP, word))?);
            }
            b"mod" | b"dyn" => {
                return Err(Stop::new(REFUSED, &["route: \"", text(word), "\" is not supported by netstrap"]));
            }
            _ => read.device(word, &mut rest)?,
        }
    }
    Ok(read)
}
