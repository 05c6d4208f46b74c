//! The tables that `route` prints: IPv4's from netlink, IPv6's from `/proc/net/ipv6_route`,
//! because netlink does not tell flags, references and uses of IPv6 routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Options, REFUSED};
use crate::cli::cursor::text;
use crate::cli::hosts::Base;
use crate::cli::io::Io;
use crate::cli::nettools::{Stop, cut, left, put, right};
use crate::error::{Error, strerror};
use crate::model::ip::{Family, Prefix, netmask};
use crate::model::link::Link;
use crate::model::name::printable;
use crate::model::route::{METRIC_ADVMSS, METRIC_RTT, METRIC_WINDOW, Route, RouteFilter, RouteKind, TABLE_MAIN};
use crate::socket::Socket;
use crate::wire::build;
use crate::wire::link::GetLink;

const TITLE: [&str; 3] = [
    "Flags Metric Ref    Use Iface\n",
    "Flags   MSS Window  irtt Iface\n",
    "Flags Metric Ref    Use Iface    MSS   Window irtt\n",
];
/// What the kernel takes off a route's MTU for its advertised segment size.
const HEADERS: u32 = 40;

/// Prints the table of the family.
pub fn show(options: &Options, io: &mut Io) -> Result<u8, Stop> {
    if options.family == Family::V6 {
        return show_v6(options, io);
    }
    if options.table || !options.cache {
        show_v4(options, io)?;
    }
    if options.cache {
        // There has been no cache to list since kernel 3.6.
        let title = TITLE[usize::from(options.extend).min(2)];
        put(io, &["Kernel IP routing cache\nSource          Destination     Gateway         ", title]);
    }
    Ok(0)
}

fn failed(error: Error) -> Stop {
    Stop::refused(REFUSED, "rtnetlink", &error)
}

fn show_v4(options: &Options, io: &mut Io) -> Result<(), Stop> {
    let filter = RouteFilter { family: Family::V4, table: TABLE_MAIN, ..RouteFilter::default() };
    let mut socket = Socket::<build::Route>::open().map_err(failed)?;
    let routes = match socket.dump(&filter) {
        // The main table does not exist before its first route.
        Err(error) if error.errno() == Some(libc::ENOENT) => Vec::new(),
        routes => routes.map_err(failed)?,
    };
    let links = socket.dump(&GetLink::All).map_err(failed)?;
    io.print("Kernel IP routing table\n");
    let Some(title) = TITLE.get(usize::from(options.extend)) else { return Ok(()) };
    put(io, &["Destination     Gateway         Genmask         ", title]);
    let listed = |route: &&Route| {
        route.table == TABLE_MAIN && !matches!(route.kind, RouteKind::BROADCAST | RouteKind::MULTICAST)
    };
    for route in routes.iter().filter(listed) {
        line_v4(route, options, &links, io);
    }
    Ok(())
}

/// A route's flags, first gateway and device, as the kernel tells them in `/proc/net/route`.
fn line_v4(route: &Route, options: &Options, links: &[Link], io: &mut Io) {
    let reject = matches!(route.kind, RouteKind::UNREACHABLE | RouteKind::PROHIBIT);
    let hop = route.hops.first();
    let via = hop.map_or(route.via, |hop| hop.via);
    let device = hop.map_or(route.device, |hop| hop.device).map(|id| id.index.get());
    let device = links.iter().find(|link| Some(link.index) == device).map(|link| printable(&link.name));
    let flags = [(reject, '!'), (!reject, 'U'), (!reject && via.is_some(), 'G'), (route.dst.is_host(), 'H')];
    let flags: String = flags.into_iter().filter(|row| row.0).map(|row| row.1).collect();
    // A gateway of the other family has no room in this table.
    let v4 = if let Some(IpAddr::V4(v4)) = via { v4 } else { Ipv4Addr::UNSPECIFIED };
    let gateway = if reject { "-".to_owned() } else { gateway_name(v4, options.numeric) };
    let device = if reject { "-" } else { device.as_deref().unwrap_or("*") };
    let mask = netmask(route.dst.len()).to_string();
    for cell in [&destination_name(&route.dst, options.numeric), &gateway, &mask] {
        cut(io, cell, 15);
        io.print(" ");
    }
    left(io, &flags, 6);
    columns_v4(route, reject, device, options.extend, io);
}

fn columns_v4(route: &Route, reject: bool, device: &str, extend: u8, io: &mut Io) {
    let number = |value: u32| if reject { "-".to_owned() } else { value.to_string() };
    let metric = |number| route.metrics.get(number).unwrap_or(0);
    let mss = metric(METRIC_ADVMSS);
    let mss = number(if mss == 0 { 0 } else { mss + HEADERS });
    let (window, rtt) = (number(metric(METRIC_WINDOW)), number(metric(METRIC_RTT) / 8));
    if extend == 1 {
        right(io, &mss, 5);
        io.print(" ");
        left(io, &window, 6);
        right(io, &rtt, 6);
        put(io, &[" ", device, "\n"]);
        return;
    }
    left(io, &route.metric.unwrap_or(0).to_string(), 7);
    put(io, &[if reject { "-" } else { "0" }, "        0 "]);
    if extend == 2 {
        left(io, device, 9);
        left(io, &mss, 6);
        left(io, &window, 7);
        put(io, &[&rtt, "\n"]);
        return;
    }
    put(io, &[device, "\n"]);
}

fn destination_name(dst: &Prefix, numeric: bool) -> String {
    let IpAddr::V4(addr) = dst.addr() else { return dst.addr().to_string() };
    let name = match numeric {
        true => None,
        false if addr.is_unspecified() => Some("default".to_owned()),
        false if dst.is_host() => Base::Hosts.name(addr),
        false => Base::Networks.name(addr),
    };
    name.unwrap_or_else(|| addr.to_string())
}

fn gateway_name(addr: Ipv4Addr, numeric: bool) -> String {
    let name = if numeric || addr.is_unspecified() { None } else { Base::Hosts.name(addr) };
    name.unwrap_or_else(|| addr.to_string())
}

/// IPv6 flags (`linux/ipv6_route.h`, `linux/route.h`) with their letters, in order.
const FLAGS_V6: &[(u32, char)] = &[
    (0x1, 'U'),
    (0x200, '!'),
    (0x2, 'G'),
    (0x4, 'H'),
    (0x1_0000, 'D'),
    (0x4_0000, 'A'),
    (0x2_0000, 'a'),
    (0x40_0000, 'e'),
    (0x20, 'm'),
    (0x20_0000, 'n'),
    (0x200_0000, 'f'),
];
/// `RTF_CACHE`: an exception of the path.
const CACHE_V6: u32 = 0x100_0000;

fn show_v6(options: &Options, io: &mut Io) -> Result<u8, Stop> {
    const FILE: &str = "/proc/net/ipv6_route";
    let content = std::fs::read(FILE).map_err(|e| {
        let reason = strerror(e.raw_os_error().unwrap_or(libc::EIO));
        Stop::new(1, &[FILE, ": ", &reason, "\nINET6 (IPv6) not configured in this system."])
    })?;
    let title = "Destination                    Next Hop                   Flag Met Ref  Use If\n";
    put(io, &["Kernel IPv6 routing ", if options.cache { "cache\n" } else { "table\n" }, title]);
    for line in content.split(|&b| b == b'\n') {
        line_v6(line, options, io);
    }
    Ok(0)
}

/// One line: destination, length, source, length, next hop, metric, references, uses, flags, all in
/// hexadecimal, and the device.
fn line_v6(line: &[u8], options: &Options, io: &mut Io) -> Option<()> {
    let words: Vec<&str> = text(line).split_whitespace().collect();
    let [dst, len, _, _, via, metric, references, uses, flags, device] = words[..] else { return None };
    let number = |word: &str| hex(word).and_then(|bits| u32::try_from(bits).ok());
    let bits = number(flags)?;
    if (bits & CACHE_V6 != 0) != options.cache {
        return Some(());
    }
    let name = |word: &str| {
        let bits = hex(word)?;
        let any = bits == 0 && !options.numeric;
        Some(if any { "[::]".to_owned() } else { Ipv6Addr::from_bits(bits).to_string() })
    };
    left(io, &[&name(dst)?, "/", &number(len)?.to_string()].concat(), 31);
    left(io, &name(via)?, 27);
    let letters: String = FLAGS_V6.iter().filter(|row| bits & row.0 != 0).map(|row| row.1).collect();
    left(io, &letters, 4);
    io.print(" ");
    let signed = |word: &str| number(word).map(|bits| bits.cast_signed().to_string());
    left(io, &signed(metric)?, 3);
    put(io, &[" ", &signed(references)?, " "]);
    right(io, &signed(uses)?, 6);
    put(io, &[" ", device, "\n"]);
    Some(())
}

/// Hexadecimal digits, up to the 32 of an address.
fn hex(word: &str) -> Option<u128> {
    let digits = word.chars().map(|c| c.to_digit(16));
    let mut bits = 0;
    for digit in digits {
        bits = bits << 4 | u128::from(digit?);
    }
    (word.len() <= 32).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::io::{Result, Write};
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn shown(line: &str, numeric: bool) -> String {
        let out = Shared::default();
        let mut io = Io::to(Box::new(out.clone()), Box::new(Shared::default()), false);
        line_v6(line.as_bytes(), &Options { numeric, ..Options::default() }, &mut io);
        drop(io);
        String::from_utf8(out.0.borrow().clone()).unwrap()
    }

    #[test]
    fn inet6_lines_are_net_tools() {
        const ANY: &str = "00000000000000000000000000000000";
        let line = |len: &str, rest: &str| format!("fd000001000000000000000000000000 {len} {ANY} 00 {ANY} {rest} v1");
        let all = line("40", "00000400 0000000c 00000123 feffffff");
        let expected = "fd00:1::/64                    ::                         U!GHDAaemnf 1024 12    291 v1\n";
        assert_eq!(shown(&all, true), expected);
        let default = format!("{ANY} 00 {ANY} 00 {ANY} ffffffff 00000001 00000000 00200200 lo");
        let expected = "[::]/0                         [::]                       !n   -1  1      0 lo\n";
        assert_eq!(shown(&default, false), expected);
        assert_eq!(shown(&line("40", "00000400 0000000c 00000123 01000001"), true), "", "of the cache");
        assert_eq!(shown("damaged", true), "");
    }
}
