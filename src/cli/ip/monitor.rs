//! `ip monitor`: groups to listen to in; every change that the kernel tells of out, as it comes.

use super::context::{Context, Event};
use super::event;
use super::fail::{Fail, Outcome, io_text};
use super::filter::existing;
use super::usage;
use super::words::{keyword, value};
use crate::cli::cursor::Cursor;
use crate::error::strerror;
use crate::model::ip::Family;
use crate::model::template::filled;
use crate::model::time::Date;
use crate::socket::Socket;
use crate::wire::attr::u32_at;
use crate::wire::build::HEADER;
use crate::wire::reply::frames;
use crate::wire::uapi::{RTM_DELNSID, RTM_NEWNSID};
use std::os::unix::ffi::OsStrExt;

/// Words in iproute2's order; the key of an object is its first letter, `N` nsid, `C` netconf, `X` nexthop.
const WORDS: &str = "file~f label~L link~l address~a route~r mroute~? prefix~? neigh~n netconf~C rule~u nsid~N \
    nexthop~X stats=? all=A all-nsid~? help~h dev=d";

/// Objects with the multicast groups (`RTNLGRP_*`) that tell of them: of any family, IPv4, IPv6.
const GROUPS: &[(u8, [u32; 3])] = &[
    (b'l', [1, 0, 0]),
    (b'a', [0, 5, 9]),
    (b'r', [0, 7, 11]),
    (b'n', [3, 0, 0]),
    // The first is of MPLS, which `-4` and `-6` leave out when it is printed.
    (b'C', [29, 24, 25]),
    (b'u', [0, 8, 19]),
    (b'N', [GROUP_NSID, 0, 0]),
    (b'X', [32, 0, 0]),
];

/// `RTNLGRP_NSID` (kernel 4.9).
const GROUP_NSID: u32 = 28;
/// `RTNLGRP_MPLS_NETCONF`.
const GROUP_MPLS_NETCONF: u32 = 29;

/// Runs until it is ended from outside.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let (mut objects, mut label, mut device, mut file) = (Vec::new(), false, 0, None);
    while let Some(word) = words.next() {
        match keyword(word, WORDS) {
            (_, b'L') => label = true,
            (_, b'A') => label = true,
            (_, b'f') => file = Some(value(&mut words)?),
            (_, b'd') => device = existing(context, value(&mut words)?)?,
            (_, b'h') => return Err(usage::fail(usage::MONITOR)),
            (name, b'?') => return Err(Fail::unsupported_word("monitor option", name.as_bytes())),
            (_, 0) => return Err(Fail::usage_word("Argument ", word, " is unknown, try \"ip monitor help\".")),
            (_, object) => objects.push(object),
        }
    }
    if let Some(path) = file {
        let event = Event { alone: true, device, ..Event::default() };
        return replay(context, path, event, label);
    }
    let mut socket = Socket::open()?;
    let mut joined = groups(&objects, context.options.family);
    // Ids of namespaces come and go under the links that name them.
    let shows_ids = joined.contains(&GROUP_NSID);
    if !shows_ids {
        joined.push(GROUP_NSID);
    }
    socket.join(&joined)?;
    context.all_links()?;
    context.event = Some(Event { alone: true, device, ..Event::default() });
    loop {
        let mut failed = Ok(());
        let whole = socket.listen(&mut |frame| {
            let is_id = matches!(frame.kind, RTM_NEWNSID | RTM_DELNSID);
            if is_id {
                context.forget_nsids();
            }
            if failed.is_ok() && (shows_ids || !is_id) {
                failed = event::print(context, frame, label);
            }
        });
        failed?;
        context.io.flush();
        match whole {
            Ok(true) => {}
            Ok(false) => {
                let text = strerror(libc::ENOBUFS);
                context.io.error_of(&["netlink receive error ", &text, " (", &libc::ENOBUFS.to_string(), ")"]);
                context.io.hint("some changes were missed; what follows is complete again");
                context.all_links()?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Prints the messages of a file, as `rtmon` writes them, and ends.
fn replay(context: &mut Context<'_>, path: &[u8], event: Event, label: bool) -> Outcome {
    let messages = std::fs::read(std::ffi::OsStr::from_bytes(path)).map_err(|e| match e.kind() {
        // Opened, but not to be read.
        std::io::ErrorKind::IsADirectory => Fail::own_io("rtnl_from_file: fread", &e),
        _ => Fail::usage_of("Cannot fopen: %", &[&io_text(&e)]),
    })?;
    context.event = Some(event);
    let mut rest = frames(&messages);
    for frame in rest.by_ref() {
        let number = |at| u32_at(frame.payload, at).unwrap_or_default();
        match frame.kind {
            STAMP if context.options.json => {}
            STAMP => {
                let time = Date::new(number(0).into()).long();
                context.io.print(filled("Timestamp: % % us\n", &[&time, &number(4).to_string()]));
            }
            _ => event::print(context, &frame, label)?,
        }
    }
    let rest = rest.rest();
    match u32_at(rest, 0).map(u32::cast_signed) {
        None if rest.is_empty() => Ok(0),
        Some(len) if rest.len() >= HEADER && !(16..=LONGEST).contains(&len) => {
            let at = (messages.len() - rest.len() + HEADER).to_string();
            Err(Fail::own_of("!!!malformed message: len=% @%", &[&len.to_string(), &at]))
        }
        _ => Err(Fail::own("rtnl-from_file: truncated message")),
    }
}

/// Longest message that a file may hold.
const LONGEST: i32 = 16384;

/// The type of `rtmon`'s own messages: seconds since 1970, then microseconds.
const STAMP: u16 = 15;

/// The groups of objects (none chosen is all) for a family.
fn groups(objects: &[u8], family: Family) -> Vec<u32> {
    let mut groups = Vec::new();
    for (object, [any, v4, v6]) in GROUPS {
        if objects.is_empty() || objects.contains(object) {
            let wanted = [(*any, true), (*v4, family != Family::V6), (*v6, family != Family::V4)];
            groups.extend(wanted.iter().filter(|(group, wanted)| *wanted && *group != 0).map(|(group, _)| *group));
            if *object == b'C' && family == Family::Unspec {
                groups.push(GROUP_MPLS_NETCONF);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_follow_objects_and_family() {
        assert_eq!(groups(b"la", Family::V4), [1, 5]);
        assert_eq!(groups(b"r", Family::Unspec), [7, 11]);
        assert_eq!(groups(b"", Family::V6), [1, 9, 11, 3, 29, 25, 19, 28, 32]);
    }

    #[test]
    fn words_shorten_in_iproute2s_order() {
        for (word, key) in
            [("l", b'L'), ("li", b'l'), ("n", b'n'), ("ne", b'n'), ("net", b'C'), ("ns", b'N'), ("all", b'A')]
        {
            assert_eq!(keyword(word.as_bytes(), WORDS).1, key, "{word}");
        }
    }
}
