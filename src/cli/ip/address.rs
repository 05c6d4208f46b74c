//! `ip address`: add, replace, change, delete, show, flush.

mod arguments;

use super::context::{Context, link_id};
use super::fail::{Fail, Outcome};
use super::filter::Filter;
use super::link::{print, selected, view};
use super::usage;
use super::words::prefixes;
use crate::cli::cursor::Cursor;
use crate::model::addr::{Addr, AddrVerb};
use crate::model::ip::Family;
use crate::model::link::Link;
use crate::model::op::Op;
use crate::model::template::filled;
use crate::show::addr::{AddrView, addr, brief};
use crate::show::link::{Parts, link};
use crate::show::out::Out;
use crate::show::stats::stats;
use crate::wire::addr::{GetAddrs, change as encode, decode};
use crate::wire::reply::Frame;
use arguments::{Arguments, Purpose};

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return show(context, words) };
    const VERBS: &[(&str, Verb)] = &[
        ("add", |context, words| change(context, words, AddrVerb::Add)),
        ("change", |context, words| change(context, words, AddrVerb::Change)),
        ("chg", |context, words| change(context, words, AddrVerb::Change)),
        ("replace", |context, words| change(context, words, AddrVerb::Replace)),
        ("delete", remove),
        ("show", show),
        ("lst", show),
        ("list", show),
        ("flush", flush),
        ("save", |_, _| Err(Fail::unsupported("\"ip address save\""))),
        ("restore", |_, _| Err(Fail::unsupported("\"ip address restore\""))),
        ("showdump", |_, _| Err(Fail::unsupported("\"ip address showdump\""))),
        ("help", |_, _| Err(usage::fail(usage::ADDRESS))),
    ];
    match VERBS.iter().find(|(name, _)| prefixes(verb, name)) {
        Some((_, handler)) => handler(context, words),
        None => Err(Fail::unknown_verb(verb, "address")),
    }
}

type Verb = fn(&mut Context<'_>, Cursor<'_>) -> Outcome;

fn change(context: &mut Context<'_>, words: Cursor<'_>, verb: AddrVerb) -> Outcome {
    let arguments = Arguments::parse(context, words, Purpose::Put)?;
    let (link, addr) = arguments.resolve(context)?;
    context.change(&Op::Addr(verb, link, addr))?;
    if let Some(trap) = arguments.trap(context.ns.as_deref()) {
        context.io.hint(trap);
    }
    Ok(0)
}

fn remove(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let arguments = Arguments::parse(context, words, Purpose::Delete)?;
    let (link, addr) = arguments.resolve(context)?;
    context.change(&Op::Addr(AddrVerb::Delete, link, addr))?;
    Ok(0)
}

fn show(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let filter = Filter::parse(context, words, usage::ADDRESS)?;
    let links = match filter.family {
        // What has neither addresses nor links.
        Family::Bridge => Vec::new(),
        _ => selected(context, &filter)?,
    };
    let addrs = match filter.family {
        Family::Unspec | Family::V4 | Family::V6 => {
            context.socket()?.dump(&GetAddrs { family: filter.family, index: filter.index })?
        }
        // `-0` is for links alone.
        _ => Vec::new(),
    };
    let mut out = context.listing();
    for one in &links {
        let own: Vec<&Addr> = addrs.iter().filter(|(index, _)| *index == one.index).map(|(_, addr)| addr).collect();
        let taken: Vec<&Addr> = own.iter().filter(|addr| filter.takes_addr(addr, &one.name)).copied().collect();
        let bare = own.is_empty() && filter.takes_bare_links();
        if !taken.is_empty() || bare {
            record(context, &mut out, one, &taken, &filter);
        }
    }
    context.print(out);
    Ok(0)
}

/// A link and its addresses. With `-o` each address has a line of its own and the link has none.
fn record(context: &mut Context<'_>, out: &mut Out, one: &Link, addrs: &[&Addr], filter: &Filter) {
    let mut one = one.clone();
    if filter.family == Family::V6 && filter.index == 0 {
        as_ipv6_sees_it(&mut one);
    }
    let view = view(context, &one);
    let options = &context.options;
    let names = (!options.numeric).then_some(&context.names);
    let whole = !matches!(filter.family, Family::V4 | Family::V6);
    out.record(|out| {
        let has_head = !options.oneline && filter.label.is_none();
        if options.brief {
            print(out, &view, true, false);
        } else if has_head {
            link(out, &view, Parts { mode: false, queue: true, addresses: whole });
        }
        out.list("addr_info", |out| {
            for one_addr in addrs {
                let line = options.oneline.then_some((one.index, one.name.as_slice()));
                out.record(|out| match options.brief {
                    true => brief(out, one_addr),
                    false => addr(out, AddrView { addr: one_addr, link: line }, names),
                });
            }
        });
        if options.brief {
            out.text("\n");
        } else if options.statistics > 0 && has_head && !one.counters.is_empty() {
            stats(out, &one, options.statistics, options.units());
            out.text("\n");
        }
    });
}

/// iproute2 asks for all links of family inet6 with `-6`, and the kernel leaves out of those what IPv6 does not know.
fn as_ipv6_sees_it(link: &mut Link) {
    link.qdisc = None;
    link.group = None;
    link.master = None;
    link.link_netnsid = None;
    link.link = link.link.filter(|lower| *lower != link.index);
    link.altnames.clear();
    link.numbers.clear();
    link.counters.clear();
    link.broadcast = None;
    link.permanent_address = None;
    link.alias = None;
    link.proto_down = false;
    link.kind = None;
    link.slave_kind = None;
}

fn flush(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    if words.is_empty() {
        return Err(Fail::own("Flush requires arguments."));
    }
    let filter = Filter::parse(context, words, usage::ADDRESS)?;
    if filter.takes_links_alone() {
        return Err(Fail::own("Cannot flush link addresses."));
    }
    let links = selected(context, &filter)?;
    let talks = context.options.statistics;
    let rounds = context.options.rounds;
    let mut round = 0;
    while round < rounds || rounds == 0 {
        let addrs = context.socket()?.dump(&GetAddrs { family: filter.family, index: filter.index })?;
        let mut requests = Vec::new();
        for (index, one) in &addrs {
            let Some(link) = links.iter().find(|link| link.index == *index) else { continue };
            if let (Some(id), true) = (link_id(link), filter.takes_addr(one, &link.name)) {
                requests.push(encode(AddrVerb::Delete, id, one));
                if talks > 1 {
                    let mut out = context.listing();
                    let view = AddrView { addr: one, link: Some((link.index, &link.name)) };
                    out.record(|out| addr(out, view, (!context.options.numeric).then_some(&context.names)));
                    context.print(out);
                }
            }
        }
        let count = requests.len();
        if count > 0 {
            round += 1;
            // Another address of the batch may have taken one along, as a primary takes its secondaries.
            context.sweep(requests, libc::EADDRNOTAVAIL, 255)?;
            if talks > 0 {
                context.io.print(format!("\n*** Round {round}, deleting {count} addresses ***\n"));
            }
        }
        // What a primary's end made a primary was not asked for.
        if count == 0 || filter.takes_primaries_only() {
            if talks > 0 && round == 0 {
                context.io.print("Nothing to flush.\n");
            } else if talks > 0 {
                let plural = if round > 1 { "s" } else { "" };
                context.io.print(format!("*** Flush is complete after {round} round{plural} ***\n"));
            }
            return Ok(0);
        }
    }
    Err(Fail::own(filled("*** Flush remains incomplete after % rounds. ***", &[&rounds.to_string()])))
}

/// Prints a notification about an address.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    let Some((index, one)) = decode(frame) else { return Ok(()) };
    if context.wants(index) {
        let name = context.device_name(index);
        let names = (!context.options.numeric).then_some(&context.names);
        let mut out = context.listing();
        out.record(|out| match context.options.brief {
            true => brief(out, &one),
            false => addr(out, AddrView { addr: &one, link: Some((index, &name)) }, names),
        });
        context.print(out);
    }
    Ok(())
}
