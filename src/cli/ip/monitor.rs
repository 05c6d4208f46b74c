//! `ip monitor`: groups to listen to in; every change that the kernel tells of out, as it comes.

use super::context::{Context, Event};
use super::event;
use super::fail::{Fail, Outcome};
use super::filter::existing;
use super::usage;
use super::words::{keyword, value};
use crate::cli::cursor::Cursor;
use crate::error::strerror;
use crate::model::ip::Family;
use crate::socket::Socket;

/// Words in iproute2's order; the key of an object is its first letter, `N` nsid, `C` netconf, `X` nexthop.
const WORDS: &str = "file~? label~L link~l address~a route~r mroute~? prefix~? neigh~n netconf~C rule~u nsid~N \
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
    (b'N', [28, 0, 0]),
    (b'X', [32, 0, 0]),
];

/// `RTNLGRP_MPLS_NETCONF`.
const GROUP_MPLS_NETCONF: u32 = 29;

/// Runs until it is ended from outside.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let (mut objects, mut label, mut device) = (Vec::new(), false, 0);
    while let Some(word) = words.next() {
        match keyword(word, WORDS) {
            (_, b'L') => label = true,
            (_, b'A') => label = true,
            (_, b'd') => device = existing(context, value(&mut words)?)?,
            (_, b'h') => return Err(usage::fail(usage::MONITOR)),
            (name, b'?') => return Err(Fail::unsupported_word("monitor option", name.as_bytes())),
            (_, 0) => return Err(Fail::usage_word("Argument ", word, " is unknown, try \"ip monitor help\".")),
            (_, object) => objects.push(object),
        }
    }
    let mut socket = Socket::open()?;
    socket.join(&groups(&objects, context.options.family))?;
    context.all_links()?;
    context.event = Some(Event { alone: true, device, ..Event::default() });
    loop {
        let mut failed = Ok(());
        let whole = socket.listen(&mut |frame| {
            if failed.is_ok() {
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
