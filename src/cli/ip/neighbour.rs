//! `ip neighbour`: its words in, changes and listings out.

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::{address, keyword, lladdr, number, prefix, prefixes, value};
use crate::cli::cursor::{Cursor, text};
use crate::model::ip::{Family, Prefix, family_of};
use crate::model::neigh::{EXT_MANAGED, Neigh, NeighFilter, NeighFlags, NeighQuestion, NeighState, NeighVerb};
use crate::model::op::Op;
use crate::model::rtnames::NameSet;
use crate::show::neigh::NeighView;
use crate::wire::neigh::{change, decode};
use crate::wire::reply::Frame;

/// Verbs in iproute2's order.
const VERBS: &str = "add~a change~c chg=c replace~r delete~d get~g show~s lst~s list~s flush~f help~h";

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(word) = words.next() else { return list(context, words, false) };
    let verb = match keyword(word, VERBS).1 {
        b'g' => return get(context, words),
        b's' => return list(context, words, false),
        b'f' if words.is_empty() => return Err(Fail::own("Flush requires arguments.")),
        b'f' => return list(context, words, true),
        b'h' => return Err(usage::fail(usage::NEIGH)),
        b'a' => NeighVerb::Add,
        b'c' => NeighVerb::Change,
        b'r' => NeighVerb::Replace,
        b'd' => NeighVerb::Delete,
        _ => return Err(Fail::unknown_verb(word, "neigh")),
    };
    modify(context, words, verb)
}

fn modify(context: &mut Context<'_>, mut words: Cursor<'_>, verb: NeighVerb) -> Outcome {
    const WORDS: &str = "lladdr~l nud=n proxy~p router=r use=u managed=m extern_learn~x dev=d protocol~o to=t";
    let mut neigh = Neigh { state: NeighState::PERMANENT, ..Neigh::default() };
    let (mut name, mut hardware) = (None, None);
    while let Some(word) = words.next() {
        let key = keyword(word, WORDS).1;
        match key {
            b'l' => {
                let word = value(&mut words)?;
                if hardware.replace(word).is_some() {
                    return Err(Fail::duplicate("lladdr", word));
                }
            }
            b'n' => neigh.state = state(value(&mut words)?)?,
            b'p' => {
                destination(context, &mut neigh, value(&mut words)?, true)?;
                neigh.flags |= NeighFlags::PROXY;
            }
            b'r' => neigh.flags |= NeighFlags::ROUTER,
            b'u' => neigh.flags |= NeighFlags::USE,
            b'm' => {
                neigh.ext_flags |= EXT_MANAGED;
                // The kernel resolves it, so it is not permanent.
                neigh.state -= NeighState::PERMANENT;
            }
            b'x' => neigh.flags |= NeighFlags::EXT_LEARNED,
            b'd' => name = Some(value(&mut words)?),
            b'o' => {
                let word = value(&mut words)?;
                let number = context.names.number(NameSet::Protocols, text(word)).and_then(|n| u8::try_from(n).ok());
                neigh.protocol = number.ok_or_else(|| Fail::wrong("\"protocol\" value is invalid\n", word))?;
            }
            _ => {
                let word = if key == b't' { value(&mut words)? } else { word };
                destination(context, &mut neigh, word, false)?;
            }
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
fn destination(context: &Context<'_>, neigh: &mut Neigh, word: &[u8], proxy: bool) -> Result<(), Fail> {
    if prefixes(word, "help") {
        return Err(usage::fail(usage::NEIGH));
    }
    if neigh.dst.is_some() {
        return Err(if proxy { Fail::duplicate("address", word) } else { Fail::garbage("to", word) });
    }
    neigh.dst = Some(address(word, context.options.family)?);
    Ok(())
}

/// A state by name (two may be shortened) or number.
fn state(word: &[u8]) -> Result<NeighState, Fail> {
    const STATES: &str = "permanent~p reachable~r noarp=n none=0 stale=s incomplete=i delay=d probe=b failed~f";
    Ok(match keyword(word, STATES).1 {
        b'p' => NeighState::PERMANENT,
        b'r' => NeighState::REACHABLE,
        b'n' => NeighState::NOARP,
        b'0' => NeighState::empty(),
        b's' => NeighState::STALE,
        b'i' => NeighState::INCOMPLETE,
        b'd' => NeighState::DELAY,
        b'b' => NeighState::PROBE,
        b'f' => NeighState::FAILED,
        _ => return number::<u16>(word, "nud state is bad").map(NeighState::from_bits_retain),
    })
}

/// What neighbours are listed or flushed.
struct Narrow {
    filter: NeighFilter,
    /// States; `None` in it is the state 0.
    states: NeighState,
    stateless: bool,
    prefix: Option<Prefix>,
    unused: bool,
    protocol: Option<u8>,
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
            && self.protocol.is_none_or(|protocol| neigh.protocol == protocol)
            && !(self.unused && neigh.references != 0)
    }
}

fn narrow(context: &mut Context<'_>, mut words: Cursor<'_>, flush: bool) -> Result<Narrow, Fail> {
    let hidden = if flush { NeighState::PERMANENT | NeighState::NOARP } else { NeighState::NOARP };
    let filter = NeighFilter { family: context.options.family, ..NeighFilter::default() };
    let mut narrow = Narrow {
        filter,
        states: NeighState::all() - hidden,
        stateless: false,
        prefix: None,
        unused: false,
        protocol: None,
    };
    let (mut name, mut chosen) = (None, false);
    while let Some(word) = words.next() {
        let key = keyword(word, "dev=d master=m vrf=v unused=u nud=n proxy=p protocol~o to=t").1;
        match key {
            b'd' => {
                let word = value(&mut words)?;
                if name.replace(word).is_some() {
                    return Err(Fail::duplicate("dev", word));
                }
            }
            b'm' => {
                let word = value(&mut words)?;
                let link = context.find_link(word)?.as_ref().and_then(super::context::link_id);
                narrow.filter.master = Some(link.ok_or_else(|| Fail::wrong("Device does not exist\n", word))?);
            }
            b'u' => narrow.unused = true,
            b'n' => {
                if !chosen {
                    narrow.states = NeighState::empty();
                    chosen = true;
                }
                let word = value(&mut words)?;
                let all = word == b"all";
                let state = match (all, flush) {
                    (true, true) => NeighState::all() - NeighState::NOARP,
                    (true, false) => NeighState::all(),
                    _ => state(word)?,
                };
                narrow.stateless |= state.is_empty() || all;
                narrow.states |= state;
            }
            b'p' => narrow.filter.proxies = true,
            b'v' => {
                narrow.filter.master = Some(context.vrf(value(&mut words)?, "Not a valid VRF name\n")?);
            }
            b'o' => {
                let word = value(&mut words)?;
                let number = context.names.number(NameSet::Protocols, text(word)).and_then(|n| u8::try_from(n).ok());
                if number.is_none() && word != b"all" {
                    return Err(Fail::wrong("invalid \"protocol\"\n", word));
                }
                narrow.protocol = number;
            }
            _ => {
                let word = if key == b't' { value(&mut words)? } else { word };
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
    let mut found: Vec<Neigh> = found;
    found.retain(|neigh| narrow.takes(neigh));
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
        names: context.shown_names(),
        brief: context.options.brief,
        statistics: context.options.statistics != 0,
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
    let statistics = context.options.statistics;
    if statistics > 1 {
        show(context, neighs, false);
    }
    context.sweep(requests, libc::ENOENT, 1)?;
    context.tell_flushed(neighs.len());
    Ok(0)
}

fn get(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut neigh = Neigh::default();
    let mut name = None;
    while let Some(word) = words.next() {
        match keyword(word, "dev=d proxy~p to=t").1 {
            b'd' => name = Some(value(&mut words)?),
            b'p' => {
                destination(context, &mut neigh, value(&mut words)?, true)?;
                neigh.flags |= NeighFlags::PROXY;
            }
            b't' => destination(context, &mut neigh, value(&mut words)?, false)?,
            _ => destination(context, &mut neigh, word, false)?,
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

/// Prints a notification about a neighbour.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    let Some(one) = decode(frame, 0) else { return Ok(()) };
    let family = context.options.family;
    let device = one.device.map_or(0, |id| id.index.get());
    if (family == Family::Unspec || family == one.family) && context.wants(device) {
        let narrowed = context.is_narrowed();
        show(context, &[one], narrowed);
    }
    Ok(())
}
