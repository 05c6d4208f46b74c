//! `ip token`: the lower half of the IPv6 addresses that links form by themselves.

use std::net::{IpAddr, Ipv6Addr};

use super::context::{Context, link_id};
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::{keyword, prefix, prefixes, value};
use crate::cli::cursor::Cursor;
use crate::model::ip::{Family, addr_text};
use crate::model::link::{LinkFlags, LinkId};
use crate::model::op::Op;
use crate::show::out::Colour;
use crate::wire::token::GetTokens;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return list(context, words) };
    match keyword(verb, "list~l lst~l show~l set~s add~s delete~d get~l help~h").1 {
        b'l' => list(context, words),
        b's' => set(context, words, false),
        b'd' => set(context, words, true),
        b'h' => Err(usage::fail(usage::TOKEN)),
        _ => Err(Fail::unknown_verb(verb, "token")),
    }
}

/// A device, whose absence is an argument error.
pub fn device(context: &mut Context<'_>, words: &mut Cursor<'_>) -> Result<LinkId, Fail> {
    let name = value(words)?;
    let link = context.find_link(name)?;
    link.as_ref().and_then(link_id).ok_or_else(|| Fail::wrong("dev is invalid\n", name))
}

fn list(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut only = None;
    while let Some(word) = words.next() {
        // Other words mean nothing to iproute2 either.
        if word == b"dev" {
            only = Some(device(context, &mut words)?.index.get());
            break;
        }
    }
    let tokens = match context.socket()?.dump(&GetTokens) {
        Ok(tokens) => tokens,
        Err(error) => return Err(context.ended(error, 1)),
    };
    let mut out = context.listing();
    for link in tokens {
        let without = link.flags.intersects(LinkFlags::LOOPBACK | LinkFlags::NOARP);
        let Some(token) = link.token.filter(|_| !without && only.is_none_or(|only| only == link.index)) else {
            continue;
        };
        out.record(|out| {
            out.text("token ");
            out.paint(Colour::Inet6).str("token", "", &addr_text(&token), "");
            out.text(" dev ");
            out.paint(Colour::IfName).name("ifname", "", &link.name, "\n");
        });
    }
    context.print(out);
    Ok(0)
}

/// `set`, and `del`, which a device is enough for: the token that it may name is not looked at.
fn set(context: &mut Context<'_>, mut words: Cursor<'_>, delete: bool) -> Outcome {
    let mut link = None;
    let mut token = delete.then_some(Ipv6Addr::UNSPECIFIED);
    while let Some(word) = words.next() {
        if word == b"dev" {
            let found = device(context, &mut words)?;
            link.get_or_insert(found);
        } else if prefixes(word, "help") {
            return Err(usage::fail(usage::TOKEN));
        } else if delete {
            // iproute2 gives the kernel no token either: a link has one at most.
        } else if token.is_some() {
            return Err(Fail::garbage("token", word));
        } else if let IpAddr::V6(address) = prefix(word, Family::V6)?.addr() {
            token = Some(address);
        }
    }
    let token = token.ok_or_else(|| Fail::own("Not enough information: token is required."))?;
    let link = link.ok_or_else(|| Fail::own("Not enough information: \"dev\" argument is required."))?;
    context.change(&Op::Token(link, token))?;
    Ok(0)
}
