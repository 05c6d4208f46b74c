//! `ip neighbour`: its words in, changes and listings out.

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::{address, lladdr, number, prefix, prefixes, value};
use crate::cli::cursor::{Cursor, text};
use crate::error::strerror;
use crate::model::ip::{Prefix, family_of};
use crate::model::neigh::{EXT_MANAGED, Neigh, NeighFilter, NeighFlags, NeighQuestion, NeighState, NeighVerb};
use crate::model::op::Op;
use crate::model::rtnames::NameSet;
use crate::show::neigh::NeighView;
use crate::wire::neigh::change;

#[derive(Clone, Copy)]
enum Verb {
    Change(NeighVerb),
    Get,
    Show,
    Flush,
    Help,
}

/// Verbs in iproute2's order: a word stands for the first that it begins.
const VERBS: &[(&str, Verb)] = &[
    ("add", Verb::Change(NeighVerb::Add)),
    ("change", Verb::Change(NeighVerb::Change)),
    ("chg", Verb::Change(NeighVerb::Change)),
    ("replace", Verb::Change(NeighVerb::Replace)),
    ("delete", Verb::Change(NeighVerb::Delete)),
    ("get", Verb::Get),
    ("show", Verb::Show),
    ("lst", Verb::Show),
    ("list", Verb::Show),
    ("flush", Verb::Flush),
    ("help", Verb::Help),
];

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return list(context, words, false) };
    match VERBS.iter().find(|(name, _)| prefixes(verb, name)).map(|(_, verb)| *verb) {
        Some(Verb::Change(verb)) => modify(context, words, verb),
        Some(Verb::Get) => get(context, words),
        Some(Verb::Show) => list(context, words, false),
        Some(Verb::Flush) if words.is_empty() => Err(Fail::own("Flush requires arguments.")),
        Some(Verb::Flush) => list(context, words, true),
        Some(Verb::Help) => Err(usage::fail(usage::NEIGH)),
        None => Err(Fail::unknown_verb(verb, "neigh")),
    }
}

fn modify(context: &mut Context<'_>, mut words: Cursor<'_>, verb: NeighVerb) -> Outcome {
    let mut neigh = Neigh { state: NeighState::PERMANENT, ..Neigh::default() };
    let (mut name, mut hardware) = (None, None);
    while let Some(word) = words.next() {
        if prefixes(word, "lladdr") {
            let word = value(&mut words)?;
            if hardware.replace(word).is_some() {
                return Err(Fail::duplicate("lladdr", word));
            }
        } else if word == b"nud" {
            neigh.state = state(value(&mut words)?)?;
        } else if prefixes(word, "proxy") {
            let word = value(&mut words)?;
            destination(context, &mut neigh, word, "address", Fail::duplicate)?;
            neigh.flags |= NeighFlags::PROXY;
        } else if word == b"router" {
            neigh.flags |= NeighFlags::ROUTER;
        } else if word == b"use" {
            neigh.flags |= NeighFlags::USE;
        } else if word == b"managed" {
            neigh.ext_flags |= EXT_MANAGED;
            // The kernel resolves it, so it is not permanent.
            neigh.state -= NeighState::PERMANENT;
        } else if prefixes(word, "extern_learn") {
            neigh.flags |= NeighFlags::EXT_LEARNED;
        } else if word == b"dev" {
            name = Some(value(&mut words)?);
        } else if prefixes(word, "protocol") {
            let word = value(&mut words)?;
            let number = context.names.number(NameSet::Protocols, text(word)).and_then(|n| u8::try_from(n).ok());
            neigh.protocol = number.ok_or_else(|| Fail::wrong("\"protocol\" value is invalid\n", word))?;
        } else {
            let word = if word == b"to" { value(&mut words)? } else { word };
            destination(context, &mut neigh, word, "to", Fail::garbage)?;
        }
    }
    // A proxy entry may stand for all links.
    let proxy = neigh.flags.contains(NeighFlags::PROXY);
    let Some(dst) = neigh.dst.filter(|_| name.is_some() || proxy) else {
        return Err(Fail::usage("Device and destination are required arguments."));
    };
    if let Some(word) = hardware.filter(|word| *word != b"null") {
        neigh.lladdr = Some(lladdr(word)?);
    }
    neigh.family = family_of(&dst);
    if let Some(name) = name {
        neigh.device = Some(context.device(name)?);
    }
    context.change(&Op::Neigh(verb, neigh))?;
    Ok(0)
}

/// The address of a neighbour, given once.
fn destination(
    context: &Context<'_>,
    neigh: &mut Neigh,
    word: &[u8],
    keyword: &str,
    twice: fn(&str, &[u8]) -> Fail,
) -> Result<(), Fail> {
    if prefixes(word, "help") {
        return Err(usage::fail(usage::NEIGH));
    }
    if neigh.dst.is_some() {
        return Err(twice(keyword, word));
    }
    neigh.dst = Some(address(word, context.options.family)?);
    Ok(())
}

/// A state by name (two may be shortened) or number.
fn state(word: &[u8]) -> Result<NeighState, Fail> {
    if word == b"none" {
        return Ok(NeighState::empty());
    }
    let short = |name: &str| matches!(name, "PERMANENT" | "REACHABLE" | "FAILED");
    let lower = text(word).to_ascii_uppercase();
    let named = NeighState::NAMES.iter().find(|(_, name)| {
        if text(word).bytes().any(|b| b.is_ascii_uppercase()) {
            return false;
        }
        if short(name) { prefixes(lower.as_bytes(), name) } else { lower == *name }
    });
    match named {
        Some((state, _)) => Ok(*state),
        None => number::<u16>(word, "nud state is bad").map(NeighState::from_bits_retain),
    }
}

/// What neighbours are listed or flushed.
struct Narrow {
    filter: NeighFilter,
    /// States; `None` in it is the state 0.
    states: NeighState,
    stateless: bool,
    prefix: Option<Prefix>,
    unused: bool,
}

impl Narrow {
    fn takes(&self, neigh: &Neigh) -> bool {
        let listed = self.states.intersects(neigh.state)
            || neigh.flags.intersects(NeighFlags::PROXY | NeighFlags::EXT_LEARNED)
            || (neigh.state.is_empty() && self.stateless);
        listed
            && (self.filter.family.number() == 0 || self.filter.family == neigh.family)
            && (self.filter.device.is_none() || self.filter.device == neigh.device)
            && self.prefix.is_none_or(|prefix| neigh.dst.is_some_and(|dst| prefix.contains(&dst)))
            && !(self.unused && neigh.references != 0)
    }
}

fn narrow(context: &mut Context<'_>, mut words: Cursor<'_>, flush: bool) -> Result<Narrow, Fail> {
    let hidden = if flush { NeighState::PERMANENT | NeighState::NOARP } else { NeighState::NOARP };
    let filter = NeighFilter { family: context.options.family, ..NeighFilter::default() };
    let mut narrow =
        Narrow { filter, states: NeighState::all() - hidden, stateless: false, prefix: None, unused: false };
    let (mut name, mut chosen) = (None, false);
    while let Some(word) = words.next() {
        match word {
            b"dev" => {
                let word = value(&mut words)?;
                if name.replace(word).is_some() {
                    return Err(Fail::duplicate("dev", word));
                }
            }
            b"master" => {
                let word = value(&mut words)?;
                let link = context.find_link(word)?.as_ref().and_then(super::context::link_id);
                narrow.filter.master = Some(link.ok_or_else(|| Fail::wrong("Device does not exist\n", word))?);
            }
            b"unused" => narrow.unused = true,
            b"nud" => {
                if !chosen {
                    narrow.states = NeighState::empty();
                    chosen = true;
                }
                let word = value(&mut words)?;
                let state = if word == b"all" {
                    if flush { NeighState::all() - NeighState::NOARP } else { NeighState::all() }
                } else {
                    state(word)?
                };
                narrow.stateless |= state.is_empty() || word == b"all";
                narrow.states |= state;
            }
            b"proxy" => narrow.filter.proxies = true,
            b"vrf" => return Err(Fail::unsupported("\"vrf\" of a neighbour listing")),
            word if prefixes(word, "protocol") => {
                return Err(Fail::unsupported("\"protocol\" of a neighbour listing"));
            }
            word => {
                let word = if word == b"to" { value(&mut words)? } else { word };
                if prefixes(word, "help") {
                    return Err(usage::fail(usage::NEIGH));
                }
                let prefix = prefix(word, narrow.filter.family)?;
                if matches!(word, b"default" | b"any" | b"all") {
                    continue;
                }
                narrow.filter.family = prefix.family();
                narrow.prefix = Some(prefix);
            }
        }
    }
    if let Some(name) = name {
        narrow.filter.device = Some(context.device(name)?);
    }
    Ok(narrow)
}

fn list(context: &mut Context<'_>, words: Cursor<'_>, flush: bool) -> Outcome {
    let narrow = narrow(context, words, flush)?;
    let found = match context.socket()?.dump(&narrow.filter) {
        Ok(found) => found,
        Err(error) => {
            Fail::from(error).print(context.io);
            return Err(Fail::own(if flush { "Flush terminated" } else { "Dump terminated" }));
        }
    };
    let found: Vec<Neigh> = found.into_iter().filter(|neigh| narrow.takes(neigh)).collect();
    if flush {
        return remove(context, &found);
    }
    show(context, &found, narrow.filter.device.is_some());
    Ok(0)
}

fn show(context: &mut Context<'_>, neighs: &[Neigh], one_device: bool) {
    for id in neighs.iter().filter_map(|neigh| neigh.device) {
        context.learn(id.index.get());
    }
    let mut out = context.listing();
    let view = NeighView {
        names: &context.names,
        numeric: context.options.numeric,
        brief: context.options.brief,
        one_device,
        links: context.known_links(),
    };
    for neigh in neighs {
        crate::show::neigh::neigh(&mut out, neigh, &view);
    }
    context.print(out);
}

/// Deletes what was listed. A neighbour that has gone meanwhile is no failure.
fn remove(context: &mut Context<'_>, neighs: &[Neigh]) -> Outcome {
    let requests = neighs.iter().map(|neigh| change(NeighVerb::Delete, neigh)).collect();
    for outcome in context.socket()?.batch(requests)? {
        match outcome {
            Ok(_) => {}
            Err(error) if error.errno() == Some(libc::ENOENT) => {}
            Err(error) => {
                let errno = strerror(error.errno().unwrap_or(libc::EIO));
                return Err(context.refused(error).reworded(&["Failed to send flush request: ", &errno]));
            }
        }
    }
    Ok(0)
}

fn get(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut neigh = Neigh::default();
    let mut name = None;
    while let Some(word) = words.next() {
        if word == b"dev" {
            name = Some(value(&mut words)?);
        } else if prefixes(word, "proxy") {
            let word = value(&mut words)?;
            destination(context, &mut neigh, word, "address", Fail::duplicate)?;
            neigh.flags |= NeighFlags::PROXY;
        } else {
            let word = if word == b"to" { value(&mut words)? } else { word };
            destination(context, &mut neigh, word, "to", Fail::garbage)?;
        }
    }
    let (Some(name), Some(dst)) = (name, neigh.dst) else {
        return Err(Fail::own("Device and address are required arguments."));
    };
    let device = context.device(name)?;
    let asked = NeighQuestion { device, dst, proxy: neigh.flags.contains(NeighFlags::PROXY) };
    let found = context.socket()?.get(&asked)?;
    show(context, found.as_slice(), false);
    Ok(0)
}
