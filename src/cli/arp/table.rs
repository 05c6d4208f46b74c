//! The neighbour table as `arp` prints it, in columns or as BSD does.

use std::net::{IpAddr, Ipv4Addr};

use super::{Options, host, refused};
use crate::cli::cursor::text;
use crate::cli::hosts::Base;
use crate::cli::io::Io;
use crate::cli::nettools::{Stop, cut, put};
use crate::error::Error;
use crate::model::ip::Family;
use crate::model::link::Link;
use crate::model::name::printable;
use crate::model::neigh::{Neigh, NeighFilter, NeighFlags, NeighState};
use crate::show::link::hardware_address;
use crate::socket::Socket;
use crate::wire::build::Route;
use crate::wire::link::GetLink;

/// An entry as `/proc/net/arp` tells it.
struct Entry {
    address: Ipv4Addr,
    hardware: u16,
    lladdr: String,
    /// The hardware address is known.
    complete: bool,
    permanent: bool,
    published: bool,
    device: String,
}

/// Prints the table, or one host of it.
pub fn show(options: &Options<'_>, name: Option<&[u8]>, io: &mut Io) -> Result<(), Stop> {
    let wanted = name.map(host).transpose()?;
    let entries = read().map_err(|e| refused("rtnetlink", &e))?;
    let device = options.device.map(printable);
    let mut found: Vec<&Entry> = Vec::new();
    for entry in &entries {
        if wanted.is_none_or(|address| address == entry.address)
            && (!options.ether || entry.hardware == ETHER)
            && device.as_ref().is_none_or(|device| *device == entry.device)
        {
            found.push(entry);
        }
    }
    if !options.bsd && !found.is_empty() {
        io.print("Address                  HWtype  HWaddress           Flags Mask            Iface\n");
    }
    for entry in &found {
        if options.bsd { bsd(entry, options, io) } else { columns(entry, options, io) }
    }
    let (all, shown) = (entries.len().to_string(), found.len().to_string());
    if options.verbose {
        let skipped = (entries.len() - found.len()).to_string();
        put(io, &["Entries: ", &all, "\tSkipped: ", &skipped, "\tFound: ", &shown, "\n"]);
    }
    if found.is_empty() {
        match (name, wanted) {
            (Some(name), Some(address)) if !options.bsd => {
                put(io, &[text(name), " (", &address.to_string(), ") -- no entry\n"]);
            }
            _ if options.ether || name.is_some() || device.is_some() => {
                put(io, &["arp: in ", &all, " entries no match found.\n"]);
            }
            _ => {}
        }
    }
    Ok(())
}

/// `ARPHRD_ETHER`.
const ETHER: u16 = 1;

/// Neighbours, then proxy entries, in the kernel's order.
fn read() -> Result<Vec<Entry>, Error> {
    let mut socket = Socket::<Route>::open()?;
    let links = socket.dump(&GetLink::All)?;
    let mut entries = Vec::new();
    for proxies in [false, true] {
        let filter = NeighFilter { family: Family::V4, proxies, ..NeighFilter::default() };
        let neighs = socket.dump(&filter)?;
        entries.extend(neighs.iter().filter_map(|neigh| entry(neigh, &links, proxies)));
    }
    Ok(entries)
}

fn entry(neigh: &Neigh, links: &[Link], proxy: bool) -> Option<Entry> {
    // The kernel's file leaves out what needs no asking (multicast, loopback).
    let listed = neigh.state.intersects(NeighState::all() - NeighState::NOARP);
    if proxy != neigh.flags.contains(NeighFlags::PROXY) || !(proxy || listed) {
        return None;
    }
    let Some(IpAddr::V4(address)) = neigh.dst else { return None };
    let link = links.iter().find(|link| neigh.device.is_some_and(|id| id.index.get() == link.index));
    let asked = NeighState::INCOMPLETE | NeighState::FAILED;
    Some(Entry {
        address,
        hardware: link.map_or(0, |link| link.hardware),
        lladdr: hardware_address(neigh.lladdr.as_deref().unwrap_or_default(), ETHER),
        complete: !proxy && neigh.state.intersects(NeighState::all() - asked),
        permanent: proxy || neigh.state.contains(NeighState::PERMANENT),
        published: proxy,
        device: link.map_or_else(|| "*".to_owned(), |link| printable(&link.name)),
    })
}

fn name(entry: &Entry, options: &Options<'_>) -> Option<String> {
    if options.numeric { None } else { Base::Hosts.name(entry.address) }
}

/// Name of a hardware type; what net-tools does not know, it calls ether.
fn hardware_name(hardware: u16) -> &'static str {
    match hardware {
        32 => "infiniband",
        772 => "loop",
        _ => "ether",
    }
}

fn columns(entry: &Entry, options: &Options<'_>, io: &mut Io) {
    cut(io, &name(entry, options).unwrap_or_else(|| entry.address.to_string()), 23);
    io.print("  ");
    let (kind, address) = match (entry.complete, entry.published) {
        (true, _) => (hardware_name(entry.hardware), entry.lladdr.as_str()),
        (false, true) => ("*", "<from_interface>"),
        (false, false) => ("", "(incomplete)"),
    };
    cut(io, kind, 8);
    cut(io, address, 20);
    let flags = [(entry.complete, "C"), (entry.permanent, "M"), (entry.published, "P")];
    cut(io, &flags.into_iter().filter(|row| row.0).map(|row| row.1).collect::<String>(), 6);
    cut(io, "", 16);
    put(io, &[&entry.device, "\n"]);
}

fn bsd(entry: &Entry, options: &Options<'_>, io: &mut Io) {
    let name = name(entry, options);
    put(io, &[name.as_deref().unwrap_or("?"), " (", &entry.address.to_string(), ") at "]);
    match (entry.complete, entry.published) {
        (true, _) => put(io, &[&entry.lladdr, " [", hardware_name(entry.hardware), "] "]),
        (false, true) => io.print("<from_interface> "),
        (false, false) => io.print("<incomplete> "),
    }
    if entry.permanent {
        io.print("PERM ");
    }
    if entry.published {
        io.print("PUB ");
    }
    put(io, &["on ", &entry.device, "\n"]);
}
