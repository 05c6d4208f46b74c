//! `ip netconf`: settings of IPv4 and IPv6 on links.

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::{keyword, value};
use crate::cli::cursor::Cursor;
use crate::model::ip::Family;
use crate::model::netconf::Netconf;
use crate::show::netconf::netconf;
use crate::show::out::Out;
use crate::wire::netconf::{GetNetconf, decode};
use crate::wire::reply::Frame;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return show(context, words) };
    match keyword(verb, "show~s lst~s list~s help~h").1 {
        b's' => show(context, words),
        b'h' => Err(usage::fail(usage::NETCONF)),
        _ => Err(Fail::unknown_verb(verb, "netconf")),
    }
}

fn show(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let family = context.options.family;
    let mut index = 0;
    while let Some(word) = words.next() {
        // Other words mean nothing to iproute2 either.
        if word == b"dev" {
            let name = value(&mut words)?;
            let link = context.find_link(name)?;
            index = link.ok_or_else(|| Fail::own_word("Device ", name, " does not exist."))?.index;
        }
    }
    let found = if index != 0 && family != Family::Unspec {
        match context.socket()?.get(&GetNetconf { family, index }) {
            Ok(found) => found.into_iter().collect(),
            Err(error) => return Err(context.refused(error)),
        }
    } else {
        match context.socket()?.dump(&GetNetconf { family, index: 0 }) {
            Ok(found) => found,
            Err(error) => return Err(context.ended(error, 1)),
        }
    };
    if index == 0 {
        context.all_links()?;
    }
    let mut out = context.listing();
    for conf in found {
        let own = conf.index.and_then(|index| u32::try_from(index).ok());
        if (family == Family::Unspec || conf.family == family) && (index == 0 || own == Some(index)) {
            print(context, &mut out, &conf);
        }
    }
    context.print(out);
    Ok(0)
}

fn print(context: &mut Context<'_>, out: &mut Out, conf: &Netconf) {
    let index = conf.index.and_then(|index| u32::try_from(index).ok());
    let name = index.map(|index| context.device_name(index)).unwrap_or_default();
    netconf(out, conf, &name);
}

/// Prints a notification about settings.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    let Some(conf) = decode(frame) else { return Ok(()) };
    if context.wants(conf.index.unwrap_or(0).cast_unsigned()) {
        let mut out = context.listing();
        print(context, &mut out, &conf);
        context.print(out);
    }
    Ok(())
}
