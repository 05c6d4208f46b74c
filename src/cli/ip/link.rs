//! `ip link`: add, set, delete, show.

mod arguments;
mod kind_words;

use super::context::{Context, link_id};
use super::fail::{Fail, Outcome};
use super::filter::Filter;
use super::usage;
use super::words::{device_word, prefixes, value};
use crate::cli::cursor::Cursor;
use crate::model::link::{Link, ListVerb};
use crate::model::name::is_altname;
use crate::model::op::Op;
use crate::model::rtnames::NameSet;
use crate::show::kind;
use crate::show::link::{LinkView, Parts, brief, link};
use crate::show::out::Out;
use crate::wire::link::{GetLink, decode};
use crate::wire::reply::Frame;
use crate::wire::uapi::RTM_DELLINK;
use arguments::{Arguments, Purpose};

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return show(context, words) };
    const VERBS: &[(&str, Verb)] = &[
        ("add", add),
        ("set", set),
        ("change", set),
        ("replace", replace),
        ("delete", remove),
        ("show", show),
        ("lst", show),
        ("list", show),
        ("xstats", |_, _| Err(Fail::unsupported("\"ip link xstats\""))),
        ("afstats", |_, _| Err(Fail::unsupported("\"ip link afstats\""))),
        ("property", property),
        ("help", help),
    ];
    match VERBS.iter().find(|(name, _)| prefixes(verb, name)) {
        Some((_, handler)) => handler(context, words),
        None => Err(Fail::unknown_verb(verb, "link")),
    }
}

type Verb = fn(&mut Context<'_>, Cursor<'_>) -> Outcome;

/// `help [TYPE]`: a kind's usage goes to standard output, and is no failure.
fn help(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let text = words.next().and_then(Arguments::usage).ok_or_else(|| usage::fail(usage::LINK))?;
    context.io.print(text);
    Ok(0)
}

fn add(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let arguments = Arguments::parse(context, words, Purpose::Add)?;
    let new = arguments.new_link(context)?;
    context.change(&Op::CreateLink(new))?;
    Ok(0)
}

fn replace(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let arguments = Arguments::parse(context, words, Purpose::Add)?;
    let new = arguments.new_link(context)?;
    context.change(&Op::ReplaceLink(new))?;
    Ok(0)
}

fn set(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let arguments = Arguments::parse(context, words, Purpose::Set)?;
    let op = match arguments.of_group(Purpose::Set)? {
        Some(group) => Op::ChangeGroup(group, arguments.properties()),
        None => {
            let (id, properties) = arguments.link_change(context, Purpose::Set)?;
            Op::ChangeLink(id, properties)
        }
    };
    context.change(&op)?;
    Ok(0)
}

fn remove(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let arguments = Arguments::parse(context, words, Purpose::Delete)?;
    let op = match arguments.of_group(Purpose::Delete)? {
        Some(group) => Op::DeleteGroup(group),
        None => Op::DeleteLink(arguments.link_change(context, Purpose::Delete)?.0),
    };
    context.change(&op)?;
    Ok(0)
}

/// `property add|del [dev] DEVICE altname NAME ...`.
fn property(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let help = || usage::fail(usage::LINK);
    let verb = match words.next() {
        Some(word) if prefixes(word, "add") => ListVerb::Add,
        Some(word) if prefixes(word, "delete") => ListVerb::Delete,
        None => return Err(help()),
        Some(word) if prefixes(word, "help") => return Err(help()),
        Some(_) => return Err(Fail::usage("Operator required")),
    };
    let (mut device, mut names) = (None, Vec::new());
    while let Some(word) = words.next() {
        if word == b"altname" {
            let name = value(&mut words)?;
            if !is_altname(name) {
                return Err(Fail::wrong("not a valid altname", name));
            }
            names.push(name.to_vec());
            continue;
        }
        if prefixes(word, "help") {
            return Err(help());
        }
        let name = if word == b"dev" { value(&mut words)? } else { word };
        if device.is_some() {
            return Err(Fail::garbage("dev", name));
        }
        device = Some(device_word(name, "dev")?);
    }
    let device = device.ok_or_else(|| Fail::usage("Not enough of information: \"dev\" argument is required."))?;
    let id = context.device(device)?;
    context.change(&Op::AltNames(verb, id, names))?;
    Ok(0)
}

fn show(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    let filter = Filter::parse(context, words, usage::LINK)?;
    let links: Vec<Link> = selected(context, &filter)?;
    let mut out = context.listing();
    for one in &links {
        let view = view(context, one);
        out.record(|out| print(out, &view, context.options.brief, true));
    }
    context.print(out);
    Ok(0)
}

/// The links that a filter takes.
pub fn selected(context: &mut Context<'_>, filter: &Filter) -> Result<Vec<Link>, Fail> {
    let one;
    let links = match &filter.device {
        Some(name) => {
            let link = context.socket()?.get(&GetLink::Index(filter.index))?;
            one = link.ok_or_else(|| Fail::own_word("Device ", name, " does not exist."))?;
            std::slice::from_ref(&one)
        }
        None => context.all_links()?,
    };
    let mut found = Vec::new();
    for link in links {
        if filter.takes_link(link) {
            found.push(link.clone());
        }
    }
    Ok(found)
}

/// Prints one link; `own` for `ip link`, else as the head of its addresses.
pub fn print(out: &mut Out, view: &LinkView<'_>, as_columns: bool, own: bool) {
    if as_columns {
        brief(out, view, own);
    } else {
        link(out, view, Parts { mode: own, queue: own, addresses: true });
    }
}

/// A link with what its numbers stand for, looked up as far as needed.
pub fn view<'l>(context: &mut Context<'_>, link: &'l Link) -> LinkView<'l> {
    let lower = link.link.filter(|index| *index != 0 && link.link_netnsid.is_none()).and_then(|index| {
        context.learn(index);
        let lower = context.known_links().iter().find(|other| other.index == index)?;
        Some((lower.name.clone(), lower.is_up()))
    });
    LinkView {
        link,
        lower,
        master: link.master.map(|index| context.device_name(index)),
        peer_netns: link.link_netnsid.filter(|id| *id >= 0).and_then(|id| context.nsid_name(id)),
        group: match link.group.unwrap_or(0) {
            group if context.options.numeric => group.to_string(),
            // Nearly all links: not worth reading a file for.
            0 => "default".to_owned(),
            group => context.names.name(NameSet::Groups, group).into_owned(),
        },
        numeric: context.options.numeric,
        details: context.options.details,
        statistics: context.options.statistics,
        units: context.options.units(),
        names: named(context, link),
    }
}

/// Names of what the properties of its kind name by number.
fn named(context: &mut Context<'_>, link: &Link) -> Vec<(u8, u32, Vec<u8>)> {
    let (Some(kind), true) = (&link.kind, context.options.details) else { return Vec::new() };
    let port = [link.slave_kind.as_deref().unwrap_or_default(), b"_slave"].concat();
    let numbers = [kind::named(kind, &link.kind_data), kind::named(&port, &link.slave_data)].concat();
    let name = |(what, number)| match what {
        b'U' => (what, number, account("/etc/passwd", number)),
        b'G' => (what, number, account("/etc/group", number)),
        _ => (what, number, context.device_name(number)),
    };
    numbers.into_iter().map(name).collect()
}

/// Name of a user or group by its number, from a file of `NAME:PASSWORD:NUMBER:...`; empty where it has none.
fn account(file: &str, number: u32) -> Vec<u8> {
    let text = std::fs::read(file).unwrap_or_default();
    let number = number.to_string();
    let mut lines = text.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b':'));
    let line = lines.find(|fields| fields.clone().nth(2) == Some(number.as_bytes()));
    line.and_then(|mut fields| fields.next()).unwrap_or_default().to_vec()
}

/// The link that a change is for, with iproute2's complaint where there is none.
fn target(context: &mut Context<'_>, name: &[u8]) -> Result<Link, Fail> {
    let link = context.find_link(name)?;
    link.filter(|link| link_id(link).is_some()).ok_or_else(|| Fail::no_device(name).hint(context.lacks(name)))
}

/// Prints a notification about a link.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    let Some(one) = decode(frame) else { return Ok(()) };
    context.remember(one.clone(), frame.kind == RTM_DELLINK);
    if context.wants(one.index) {
        let view = view(context, &one);
        let mut out = context.listing();
        out.record(|out| print(out, &view, context.options.brief, false));
        context.print(out);
    }
    Ok(())
}
