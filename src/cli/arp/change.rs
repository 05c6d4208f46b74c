//! `arp -s` and `arp -d`: net-tools' words in, the netlink requests that do what its ioctls do out.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use super::{FAILED, Options, errno, fail, host, refused, usage};
use crate::cli::cursor::{shown, text};
use crate::cli::io::Io;
use crate::cli::ip::context::link_id;
use crate::cli::nettools::{Stop, put};
use crate::error::Error;
use crate::model::ip::{Family, Prefix};
use crate::model::link::{Link, LinkId};
use crate::model::neigh::{Neigh, NeighFlags, NeighState, NeighVerb};
use crate::model::route::{Route as Answer, RouteKind, RouteQuestion};
use crate::socket::Socket;
use crate::wire::build::Route;
use crate::wire::link::GetLink;
use crate::wire::neigh::change;

/// Length of an ethernet address.
const ETHER_LEN: usize = 6;

/// The words after the host and its address.
struct Modifiers<'a> {
    device: Option<&'a [u8]>,
    temporary: bool,
    published: Option<bool>,
    /// What only a published entry may have.
    publish_only: bool,
}

fn modifiers<'a>(options: &Options<'a>, words: &[&'a [u8]]) -> Result<Modifiers<'a>, Stop> {
    let mut found = Modifiers { device: options.device, temporary: false, published: None, publish_only: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            b"pub" => found.published = Some(true),
            b"priv" => found.published = Some(false),
            b"temp" => found.temporary = true,
            // Trailers went out of the kernel; the flag has no meaning.
            b"trail" => {}
            b"dontpub" => found.publish_only = true,
            b"dev" => found.device = Some(words.next().ok_or_else(usage)?),
            b"netmask" => match *words.next().ok_or_else(usage)? {
                b"255.255.255.255" => {}
                b"0.0.0.0" => return Err(fail(&["arp: netmask 0.0.0.0 is not supported by netstrap"])),
                _ => found.publish_only = true,
            },
            b"auto" => return Err(fail(&["arp: \"auto\" is not supported by netstrap"])),
            _ => return Err(usage()),
        }
    }
    Ok(found)
}

fn open(call: &str) -> Result<Socket<Route>, Stop> {
    Socket::open().map_err(|e| refused(call, &e))
}

fn find(socket: &mut Socket<Route>, name: &[u8]) -> Option<Link> {
    socket.get(&GetLink::Name(name)).ok().flatten()
}

/// The named device; its absence is the ioctl's error.
fn device(socket: &mut Socket<Route>, name: &[u8], call: &str) -> Result<LinkId, Stop> {
    find(socket, name).as_ref().and_then(link_id).ok_or_else(|| errno(call, libc::ENODEV))
}

/// The device on whose network an address is. The machine's own addresses are on the loopback device,
/// which a set entry must not name.
fn route_to(socket: &mut Socket<Route>, address: Ipv4Addr, set: bool, call: &str) -> Result<LinkId, Stop> {
    let question = RouteQuestion::about(Prefix::host(address.into()));
    let answer = socket.get(&question).map_err(|e| refused(call, &e))?;
    let local = answer.as_ref().is_some_and(|answer| answer.kind != RouteKind::UNICAST);
    // The kernel looks at the caller's rights before it looks for a device.
    let refuse = |reason| errno(call, if crate::sys::process::euid() == 0 { reason } else { libc::EPERM });
    match answer {
        Some(answer) if answer.via.is_some() => Err(refuse(libc::ENETUNREACH)),
        Some(Answer { device: Some(device), .. }) if !(set && local) => Ok(device),
        _ => Err(refuse(libc::EINVAL)),
    }
}

/// `arp -s HOST HWADDR [temp|pub] ...`, or with `-D` the hardware address of a device.
pub fn set<'a>(options: &Options<'a>, words: &[&'a [u8]], io: &mut Io) -> Result<(), Stop> {
    const CALL: &str = "SIOCSARP";
    let (name, words) = words.split_first().ok_or_else(|| fail(&["arp: need host name"]))?;
    let address = host(name)?;
    let (hardware, words) = words.split_first().ok_or_else(|| fail(&["arp: need hardware address"]))?;
    let mut socket = open(CALL)?;
    let lladdr = if options.use_device {
        let link = find(&mut socket, hardware);
        let missing = || fail(&["arp: cant get HW-Address for `", &shown(hardware), "': No such device."]);
        link.ok_or_else(missing)?.address.unwrap_or_default()
    } else {
        ether(hardware).ok_or_else(|| fail(&["arp: invalid hardware address"]))?
    };
    let found = modifiers(options, words)?;
    if options.verbose {
        io.error("arp: SIOCSARP()");
    }
    if found.publish_only {
        return Err(errno(CALL, libc::EINVAL));
    }
    let mut neigh = entry(address);
    if found.published == Some(true) {
        neigh.flags |= NeighFlags::PROXY;
        neigh.device = Some(match found.device {
            Some(name) => device(&mut socket, name, CALL)?,
            None => {
                owner(&mut socket, &lladdr).map_err(|e| refused(CALL, &e))?.ok_or_else(|| errno(CALL, libc::ENODEV))?
            }
        });
    } else {
        neigh.state = if found.temporary { NeighState::STALE } else { NeighState::PERMANENT };
        neigh.lladdr = Some(lladdr);
        neigh.device = Some(match found.device {
            Some(name) => device(&mut socket, name, CALL)?,
            None => route_to(&mut socket, address, true, CALL)?,
        });
    }
    socket.request(change(NeighVerb::Replace, &neigh)).map_err(|e| refused(CALL, &e))?;
    Ok(())
}

fn entry(address: Ipv4Addr) -> Neigh {
    Neigh { family: Family::V4, dst: Some(IpAddr::V4(address)), ..Neigh::default() }
}

/// The device that has a hardware address.
fn owner(socket: &mut Socket<Route>, lladdr: &[u8]) -> Result<Option<LinkId>, Error> {
    let links = socket.dump(&GetLink::All)?;
    let link = links.iter().find(|link| link.address.as_deref() == Some(lladdr));
    Ok(link.and_then(|link| NonZeroU32::new(link.index)).map(|index| LinkId { ns: 0, index }))
}

/// An ethernet address, as net-tools reads it: what is missing is zero, what is too much is left.
fn ether(word: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(ETHER_LEN);
    for part in text(word).split(':').take(ETHER_LEN) {
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
        octets.push(u8::from_str_radix(part, 16).ok().filter(|_| plain)?);
    }
    octets.resize(ETHER_LEN, 0);
    Some(octets)
}

/// `arp -d HOST [pub]`: the entry, or where there is none, the published one.
pub fn delete<'a>(options: &Options<'a>, words: &[&'a [u8]], io: &mut Io) -> Result<(), Stop> {
    let (name, words) = words.split_first().ok_or_else(|| fail(&["arp: need host name"]))?;
    let address = host(name)?;
    let found = modifiers(options, words)?;
    if found.published != Some(true) {
        let call = "SIOCDARP(dontpub)";
        if options.verbose {
            io.error_of(&["arp: ", call]);
        }
        let mut socket = open(call)?;
        let id = match found.device {
            Some(name) => device(&mut socket, name, call)?,
            None => route_to(&mut socket, address, false, call)?,
        };
        let neigh = Neigh { device: Some(id), ..entry(address) };
        match socket.request(change(NeighVerb::Delete, &neigh)) {
            Ok(_) => return Ok(()),
            Err(error) if !absent(&error) => return Err(refused(call, &error)),
            Err(_) if found.published == Some(false) => return Err(no_entry(name, io)),
            Err(_) => {}
        }
    }
    let call = "SIOCDARP(pub)";
    if options.verbose {
        io.error_of(&["arp: ", call]);
    }
    let mut socket = open(call)?;
    let mut neigh = entry(address);
    neigh.flags |= NeighFlags::PROXY;
    neigh.device = match found.device {
        Some(name) => Some(device(&mut socket, name, call)?),
        None => None,
    };
    match socket.request(change(NeighVerb::Delete, &neigh)) {
        Ok(_) => Ok(()),
        Err(error) if absent(&error) => Err(no_entry(name, io)),
        Err(error) => Err(refused(call, &error)),
    }
}

fn absent(error: &Error) -> bool {
    matches!(error.errno(), Some(libc::ENXIO | libc::ENOENT))
}

fn no_entry(name: &[u8], io: &mut Io) -> Stop {
    put(io, &["No ARP entry for ", &shown(name), "\n"]);
    Stop::new(FAILED, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ethernet_addresses_read_as_net_tools_reads_them() {
        assert_eq!(ether(b"2:0:0:0:0:20").unwrap(), [2, 0, 0, 0, 0, 0x20]);
        assert_eq!(ether(b"02:00:00:00:01").unwrap(), [2, 0, 0, 0, 1, 0]);
        assert_eq!(ether(b"02:00:00:00:00:01:02").unwrap(), [2, 0, 0, 0, 0, 1]);
        for bad in [&b"zz"[..], b"", b"+1:2", b"123"] {
            assert_eq!(ether(bad), None, "{bad:?}");
        }
    }
}
