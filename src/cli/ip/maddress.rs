//! `ip maddress`: multicast addresses of links, read from /proc; those of the hardware can be changed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::{if_name, keyword, lladdr, prefixes, value};
use crate::cli::cursor::Cursor;
use crate::model::ip::{Family, addr_text};
use crate::show::link::hardware_address;
use crate::show::out::{Colour, Out};
use crate::sys::device::{SIOCADDMULTI, SIOCDELMULTI, with_name};

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return list(context, words) };
    match keyword(verb, "add~a delete~d list~l show~l lst~l help~h").1 {
        b'a' => modify(words, SIOCADDMULTI),
        b'd' => modify(words, SIOCDELMULTI),
        b'l' => list(context, words),
        b'h' => Err(usage::fail(usage::MADDRESS)),
        _ => Err(Fail::unknown_verb(verb, "maddr")),
    }
}

fn modify(mut words: Cursor<'_>, ioctl: u32) -> Outcome {
    let (mut name, mut address) = (None, Vec::new());
    while let Some(word) = words.next() {
        match keyword(word, "dev=d address~a help~h").1 {
            b'd' => {
                let word = value(&mut words)?;
                if name.replace(if_name(word, "dev")?).is_some() {
                    return Err(Fail::duplicate("dev", word));
                }
            }
            b'h' => return Err(usage::fail(usage::MADDRESS)),
            key => {
                let word = if key == b'a' { value(&mut words)? } else { word };
                if !address.is_empty() {
                    return Err(Fail::duplicate("address", word));
                }
                address = lladdr(word)?;
                if address.len() != 6 {
                    let length = address.len().to_string();
                    return Err(Fail::own_of("Error: Invalid address length % - must be 6 bytes", &[&length]));
                }
            }
        }
    }
    let name = name.ok_or_else(|| Fail::usage("Not enough information: \"dev\" is required."))?;
    // After the family, which is none.
    let data = [&[0, 0], &address[..]].concat();
    // Any socket will do: the kernel passes the request to the device.
    let done = UnixDatagram::unbound().and_then(|socket| with_name(socket.as_fd(), ioctl, name.as_bytes(), &data));
    done.map(|()| 0).map_err(|e| Fail::own_io("ioctl", &e))
}

/// A multicast address of a link.
struct Group {
    index: u32,
    name: String,
    address: Vec<u8>,
    users: i64,
    fixed: bool,
    /// Of the hardware, which on tunnels has the length of an IP address.
    hardware: bool,
}

/// One line of `/proc/net/dev_mcast` or `igmp6`; `columns` are the positions of address, count and flag.
fn line(line: &str, [address, users, fixed]: [usize; 3]) -> Option<Group> {
    let word = |at| line.split_ascii_whitespace().nth(at);
    let hex = word(address)?;
    let octets = (0..hex.len().div_ceil(2)).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok());
    Some(Group {
        index: word(0)?.parse().ok()?,
        name: word(1)?.to_owned(),
        address: octets.collect::<Option<_>>()?,
        users: word(users)?.parse().ok()?,
        fixed: word(fixed).is_some_and(|flag| flag != "0"),
        hardware: fixed == 3,
    })
}

/// `/proc/net/igmp`: a line per link, and below it a line per group with a tab in front.
fn igmp(text: &str) -> Vec<Group> {
    let (mut link, mut groups) = ((0, ""), Vec::new());
    for line in text.lines().skip(1) {
        let mut words = line.split_ascii_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        if !line.starts_with('\t') {
            link = (first.parse().unwrap_or(0), second.strip_suffix(':').unwrap_or(second));
        } else if let (Ok(address), Ok(users)) = (u32::from_str_radix(first, 16), second.parse()) {
            // The kernel prints the number that the octets are in its memory.
            let address = address.to_ne_bytes().to_vec();
            groups.push(Group {
                index: link.0,
                name: link.1.to_owned(),
                address,
                users,
                fixed: false,
                hardware: false,
            });
        }
    }
    groups
}

fn list(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut only = None;
    while let Some(mut word) = words.next() {
        if word == b"dev" {
            word = value(&mut words)?;
        } else if prefixes(word, "help") {
            return Err(usage::fail(usage::MADDRESS));
        }
        if only.replace(word).is_some() {
            return Err(Fail::garbage("dev", word));
        }
    }
    let family = context.options.family;
    let mut groups = Vec::new();
    for (file, own, columns) in [("dev_mcast", 17, [4, 2, 3]), ("igmp", 2, [0; 3]), ("igmp6", 10, [2, 3, usize::MAX])] {
        if family != Family::Unspec && family.number() != own {
            continue;
        }
        let bytes = std::fs::read(["/proc/net/", file].concat()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let found: Vec<Group> = match own {
            2 => igmp(&text),
            _ => {
                let mut found = Vec::new();
                for text in text.lines() {
                    if let Some(group) = line(text, columns) {
                        found.push(group);
                    }
                }
                found
            }
        };
        for group in found {
            if only.is_none_or(|only| group.name.as_bytes() == only) {
                // Behind those of the same link.
                let place = groups.iter().position(|other: &Group| other.index > group.index);
                groups.insert(place.unwrap_or(groups.len()), group);
            }
        }
    }
    let mut out = context.listing();
    // With `-o` each group has the link in front.
    for groups in groups.chunk_by(|a, b| a.index == b.index && !context.options.oneline) {
        out.record(|out| link(out, groups));
    }
    context.print(out);
    Ok(0)
}

/// Groups of one link.
fn link(out: &mut Out, groups: &[Group]) {
    let Some(first) = groups.first() else { return };
    out.num("ifindex", "", first.index, ":");
    out.paint(Colour::IfName).name("ifname", "\t", first.name.as_bytes(), "");
    out.line_break();
    out.list("maddr", |out| {
        for one in groups {
            out.record(|out| group(out, one));
            out.text("\n");
        }
    });
}

fn group(out: &mut Out, group: &Group) {
    let ip: Option<IpAddr> = match group.address.len() {
        _ if group.hardware => None,
        4 => <[u8; 4]>::try_from(&group.address[..]).ok().map(|octets| Ipv4Addr::from(octets).into()),
        16 => <[u8; 16]>::try_from(&group.address[..]).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    };
    if let Some(ip) = ip {
        let (family, colour) = if ip.is_ipv4() { ("inet", Colour::Inet) } else { ("inet6", Colour::Inet6) };
        out.str("family", "\t", family, if ip.is_ipv4() { "  " } else { " " });
        out.paint(colour).str("address", "", &addr_text(&ip), "");
    } else {
        out.text("\tlink  ");
        out.paint(Colour::Mac).str("link", "", &hardware_address(&group.address, 0), "");
    }
    if group.users != 1 {
        out.num("users", " users ", group.users, "");
    }
    if group.fixed {
        out.str("features", " ", "static", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel() {
        let one = line("2    v1              1     0     01005e000001\n", [4, 2, 3]).unwrap();
        assert_eq!((one.index, &one.name[..], one.users, one.fixed), (2, "v1", 1, false));
        assert_eq!(one.address, [1, 0, 0x5e, 0, 0, 1]);
        let one =
            line("1    lo              ff020000000000000000000000000001     3 0000000C 0", [2, 3, usize::MAX]).unwrap();
        assert_eq!((one.users, one.address.len()), (3, 16));
        let text = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n1\tlo        :     1      V3\n";
        let number = u32::from_ne_bytes([224, 0, 0, 1]);
        let groups = igmp(&format!("{text}\t\t\t\t{number:08X}     2 0:00000000\t\t0\n"));
        assert_eq!((&groups[0].name[..], &groups[0].address[..], groups[0].users), ("lo", &[224, 0, 0, 1][..], 2));
        for bad in ["", "1", "1 lo x 2", "1 lo ff0 x", "\u{e4} \u{e4} \u{e4} \u{e4}"] {
            assert!(line(bad, [2, 3, usize::MAX]).is_none(), "{bad}");
        }
    }
}
