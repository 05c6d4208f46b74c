//! `ip route show` and `flush`: the words that narrow a listing, and the listing.

use std::net::IpAddr;

use super::parse::family_word;
use super::{tos, vrf_table};
use crate::cli::cursor::{Cursor, text};
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::{Fail, Outcome};
use crate::cli::ip::rule::realms;
use crate::cli::ip::usage;
use crate::cli::ip::words::{keyword, number, prefix, prefixes, value};
use crate::error::{Error, Kind};
use crate::model::ip::{Family, Prefix};
use crate::model::link::LinkId;
use crate::model::nexthop::{NextHopObject, NextHopQuestion};
use crate::model::route::{Route, RouteFilter, RouteFlags, RouteKind, RouteVerb, TABLE_MAIN};
use crate::model::rtnames::NameSet;
use crate::show::out::Out;
use crate::show::route::{Given, RouteView};
use crate::socket::Query;
use crate::sysctl::Key;
use crate::wire::reply::{Frame, frames};
use crate::wire::route::{change, decode};

/// Bounds of a prefix: `root` gives the shortest, `match` the longest, a bare prefix both.
#[derive(Clone, Copy, Default)]
struct Bounds {
    root: Option<Bound>,
    covers: Option<Bound>,
}

/// A prefix; `default` stands for both families where none was chosen.
#[derive(Clone, Copy)]
struct Bound {
    prefix: Prefix,
    any_family: bool,
}

/// What routes are listed or flushed.
#[derive(Default)]
struct Narrow {
    table: u32,
    cloned: bool,
    protocol: Option<u8>,
    scope: Option<u8>,
    kind: Option<RouteKind>,
    tos: Option<u8>,
    metric: Option<u32>,
    mark: Option<u32>,
    /// Realms, and which bits of them count.
    realms: Option<(u32, u32)>,
    /// Without the addresses of this machine and broadcasts.
    transit: bool,
    output: Option<Vec<u8>>,
    input: Option<Vec<u8>>,
    output_id: Option<LinkId>,
    input_id: Option<LinkId>,
    via: Option<Bound>,
    prefsrc: Option<Bound>,
    dst: Bounds,
    from: Bounds,
}

/// Lists or flushes.
pub fn list(context: &mut Context<'_>, words: Cursor<'_>, flush: bool) -> Outcome {
    let narrow = narrow(context, words)?;
    let mut family = context.options.family;
    if family == Family::Unspec && narrow.table != 0 {
        family = Family::V4;
    }
    let filter = RouteFilter {
        ns: 0,
        family,
        table: narrow.table,
        protocol: narrow.protocol.unwrap_or(0),
        device: narrow.output_id,
        cloned: narrow.cloned,
    };
    if flush && narrow.cloned && family != Family::V6 {
        flush_exceptions()?;
        if context.options.statistics != 0 {
            context.io.print("*** IPv4 routing cache is flushed.\n");
        }
        if family == Family::V4 {
            return Ok(0);
        }
    }
    let dump = match context.socket()?.dump_messages(&filter) {
        Ok(dump) => dump,
        // A namespace that never had an address has no main table yet: nothing to list.
        Err(error) if !flush && filter.table == TABLE_MAIN && is_absent(&error) => Vec::new(),
        Err(error) => return Err(dump_failed(context, error, flush)),
    };
    let mut gone = Vec::new();
    let mut listing = Listing::new(context, narrow.given());
    for frame in frames(&dump) {
        let decoded = filter.decode(&frame);
        match decoded.as_ref().filter(|route| narrow.takes(route)) {
            Some(_) if flush => {
                if let Some(route) = decoded {
                    gone.push(route);
                }
            }
            Some(route) => listing.add(context, route),
            None => {}
        }
    }
    if flush {
        return remove(context, &gone);
    }
    context.print(listing.out);
    Ok(0)
}

/// Whether the kernel has not made the table that was asked for ("FIB table does not exist").
fn is_absent(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| refusal.errno == libc::ENOENT)
}

/// IPv4 has no request that deletes an exception, but a parameter that drops them all.
fn flush_exceptions() -> Result<(), Fail> {
    let key = Key::parse("net/ipv4/route/flush");
    key.write("-1").map_err(|e| Fail::own_io(&["Cannot open \"", &key.path(), "\""].concat(), &e))
}

/// iproute2 says the kernel's words, and then that its listing ended.
fn dump_failed(context: &mut Context<'_>, error: Error, flush: bool) -> Fail {
    if !matches!(error.kind, Kind::Kernel(_)) {
        return error.into();
    }
    Fail::from(error).print(context.io);
    Fail::ended(if flush { "Flush terminated" } else { "Dump terminated" })
}

/// Prints routes.
pub fn show(context: &mut Context<'_>, routes: &[Route], given: Given) {
    let mut listing = Listing::new(context, given);
    for route in routes {
        listing.add(context, route);
    }
    context.print(listing.out);
}

/// A listing that is written route by route.
struct Listing {
    out: Out,
    given: Given,
    /// The next hop objects that the routes so far name.
    next_hops: Vec<NextHopObject>,
}

impl Listing {
    fn new(context: &Context<'_>, given: Given) -> Self {
        Listing { out: context.listing(), given, next_hops: Vec::new() }
    }

    fn add(&mut self, context: &mut Context<'_>, route: &Route) {
        route.each_index(&mut |index| context.learn(index));
        if let Some(id) = route.nhid.filter(|_| context.options.details) {
            self.resolve(context, id);
        }
        let view = RouteView {
            names: context.shown_names(),
            links: context.known_links(),
            given: self.given,
            details: context.options.details,
            statistics: context.options.statistics != 0,
            next_hops: &self.next_hops,
        };
        crate::show::route::route(&mut self.out, route, &view);
    }

    /// Looks a next hop object and its devices up; one that is gone is left out.
    fn resolve(&mut self, context: &mut Context<'_>, id: u32) {
        if !self.next_hops.iter().any(|hop| hop.id == Some(id)) {
            let question = NextHopQuestion { ns: 0, family: context.options.family, id };
            let found = context.socket().and_then(|socket| Ok(socket.get(&question)?)).ok().flatten();
            context.learn_next_hops(found.as_slice());
            self.next_hops.extend(found);
        }
    }
}

/// Deletes what was listed. A route that has gone meanwhile is no failure.
fn remove(context: &mut Context<'_>, routes: &[Route]) -> Outcome {
    let requests = routes
        .iter()
        .filter(|route| !is_null_route(route))
        .map(|route| change(RouteVerb::Delete, &as_request(route)))
        .collect();
    let statistics = context.options.statistics;
    let count = routes.iter().filter(|route| !is_null_route(route)).count();
    if statistics > 1 {
        show(context, routes, Given::default());
    }
    context.sweep(requests, libc::ESRCH, 2)?;
    context.tell_flushed(count);
    Ok(0)
}

/// The unreachable default that IPv6 keeps for itself.
fn is_null_route(route: &Route) -> bool {
    route.family() == Family::V6
        && route.dst.is_empty()
        && route.kind == RouteKind::UNREACHABLE
        && route.metric == Some(u32::MAX)
}

/// A seen route as what names it in a deletion: what the kernel only tells is left out.
fn as_request(route: &Route) -> Route {
    let mut route = route.clone();
    (route.cache, route.mark, route.uid, route.input) = (None, None, None, None);
    route
}

/// The words of a listing in iproute2's order; `?` is not built.
const SELECTORS: &str = "table~T vrf~V cached~C cloned~C tos=t dsfield~t protocol~p scope~c type~y dev=d oif=d iif=i \
    mark=k metric~m priority~m preference=m via=v src=s realms~r from~f to~o";

/// A type of service byte after its keyword.
pub fn tos_value(context: &Context<'_>, words: &mut Cursor<'_>) -> Result<u8, Fail> {
    let word = value(words)?;
    tos(context, word).ok_or_else(|| Fail::wrong("TOS value is invalid\n", word))
}

fn narrow(context: &mut Context<'_>, mut words: Cursor<'_>) -> Result<Narrow, Fail> {
    let mut narrow = Narrow { table: TABLE_MAIN, ..Narrow::default() };
    let family = context.options.family;
    while let Some(word) = words.next() {
        let (name, key) = keyword(word, SELECTORS);
        match key {
            b'T' => match value(&mut words)? {
                b"cache" => narrow.cloned = true,
                word => narrow.table = table(context, word)?,
            },
            b'C' => narrow.cloned = true,
            b't' => narrow.tos = Some(tos_value(context, &mut words)?),
            b'p' => {
                narrow.protocol = byte(context, NameSet::Protocols, value(&mut words)?, "invalid \"protocol\"\n")?;
            }
            b'c' => narrow.scope = byte(context, NameSet::Scopes, value(&mut words)?, "invalid \"scope\"\n")?,
            b'y' => {
                let word = value(&mut words)?;
                let kind = RouteKind::parse(word).or_else(|| number::<u8>(word, "").ok().map(RouteKind));
                narrow.kind = Some(kind.ok_or_else(|| Fail::wrong("node type value is invalid\n", word))?);
            }
            b'd' => narrow.output = Some(value(&mut words)?.to_vec()),
            b'i' => narrow.input = Some(value(&mut words)?.to_vec()),
            b'm' => narrow.metric = Some(number(value(&mut words)?, "\"metric\" value is invalid\n")?),
            b'V' => {
                narrow.table = vrf_table(context, value(&mut words)?)?;
                narrow.transit = true;
            }
            b'k' => narrow.mark = Some(number(value(&mut words)?, "invalid mark value")?),
            b'r' => {
                let word = text(value(&mut words)?);
                let realms = realms(context, word).ok_or_else(|| Fail::wrong("invalid realms\n", word.as_bytes()))?;
                // A half that is not given narrows nothing.
                let to = if realms & 0xffff == 0 && word.ends_with('/') { 0 } else { 0xffff };
                let from =
                    if realms >> 16 == 0 && !word.get(1..).unwrap_or_default().contains('/') { 0 } else { 0xffff };
                narrow.realms = Some((realms, from << 16 | to));
            }
            b'v' => {
                let mut word = value(&mut words)?;
                let named = family_word(word);
                if named.is_some() {
                    word = value(&mut words)?;
                }
                narrow.via = Some(bound(word, named.unwrap_or(family))?);
            }
            b's' => narrow.prefsrc = Some(bound(value(&mut words)?, family)?),
            b'f' => {
                let word = value(&mut words)?;
                bounds(&mut narrow.from, word, &mut words, family)?;
            }
            b'?' => return Err(Fail::unsupported_word("route selector", name.as_bytes())),
            _ => {
                let word = if key == b'o' { value(&mut words)? } else { word };
                if prefixes(word, "help") {
                    return Err(usage::fail(usage::ROUTE));
                }
                bounds(&mut narrow.dst, word, &mut words, family)?;
            }
        }
    }
    if let Some(name) = &narrow.input {
        narrow.input_id = Some(context.device(name)?);
    }
    if let Some(name) = &narrow.output {
        narrow.output_id = Some(context.device(name)?);
    }
    Ok(narrow)
}

fn table(context: &Context<'_>, word: &[u8]) -> Result<u32, Fail> {
    match context.names.number(NameSet::Tables, text(word)) {
        Some(table) => Ok(table),
        None if word == b"all" => Ok(0),
        None if word == b"help" => Err(usage::fail(usage::ROUTE)),
        None => Err(Fail::wrong("table id value is invalid\n", word)),
    }
}

/// A number of one byte or its name; `all` is none.
fn byte(context: &Context<'_>, set: NameSet, word: &[u8], reason: &str) -> Result<Option<u8>, Fail> {
    let number = context.names.number(set, text(word)).and_then(|n| u8::try_from(n).ok());
    if number.is_none() && word != b"all" {
        return Err(Fail::wrong(reason, word));
    }
    Ok(number)
}

fn bound(word: &[u8], family: Family) -> Result<Bound, Fail> {
    let any_family = family == Family::Unspec && matches!(word, b"default" | b"any" | b"all");
    Ok(Bound { prefix: prefix(word, family)?, any_family })
}

/// `root P`, `match P`, or `[exact] P`.
fn bounds(bounds: &mut Bounds, word: &[u8], words: &mut Cursor<'_>, family: Family) -> Result<(), Fail> {
    if prefixes(word, "root") {
        bounds.root = Some(bound(value(words)?, family)?);
    } else if prefixes(word, "match") {
        bounds.covers = Some(bound(value(words)?, family)?);
    } else {
        let word = if prefixes(word, "exact") { value(words)? } else { word };
        let both = Some(bound(word, family)?);
        *bounds = Bounds { root: both, covers: both };
    }
    Ok(())
}

impl Bounds {
    /// Whether a prefix lies in `root` and covers `match`.
    fn take(&self, prefix: &Prefix) -> bool {
        self.root.is_none_or(|root| {
            root.prefix.len() <= prefix.len() && (root.any_family || root.prefix.contains(&prefix.addr()))
        }) && self.covers.is_none_or(|covers| {
            covers.prefix.len() >= prefix.len() && (covers.any_family || prefix.contains(&covers.prefix.addr()))
        })
    }
}

/// Whether an address of a route lies in a prefix; a route without one counts as 0.0.0.0 or ::.
fn bound_takes(bound: Option<Bound>, route: &Route, addr: Option<IpAddr>) -> bool {
    bound.is_none_or(|bound| {
        bound.any_family || bound.prefix.contains(&addr.unwrap_or(Prefix::default_route(route.family()).addr()))
    })
}

impl Narrow {
    /// Whether a route is asked for. The kernel has filtered by some of this, but old ones don't.
    fn takes(&self, route: &Route) -> bool {
        let is = |wanted: Option<u8>, value: u8| wanted.is_none_or(|wanted| wanted == value);
        route.flags.contains(RouteFlags::CLONED) == self.cloned
            && (self.table == 0 || route.table == self.table)
            && is(self.protocol, route.protocol)
            && is(self.scope, route.scope)
            && is(self.tos, route.tos)
            && is(self.kind.map(|kind| kind.0), route.kind.0)
            && !(self.transit && matches!(route.kind, RouteKind::LOCAL | RouteKind::BROADCAST))
            && self.mark.is_none_or(|mark| route.mark.unwrap_or(0) == mark)
            && self.realms.is_none_or(|(realms, mask)| (route.realms.unwrap_or(0) ^ realms) & mask == 0)
            && self.metric.is_none_or(|metric| route.metric.unwrap_or(0) == metric)
            && (self.output_id.is_none() || route.device == self.output_id)
            && (self.input_id.is_none() || route.input == self.input_id)
            && self.dst.take(&route.dst)
            && self.from.take(&route.from.unwrap_or(Prefix::default_route(route.family())))
            && bound_takes(self.via, route, route.via)
            && bound_takes(self.prefsrc, route, route.prefsrc)
    }

    fn given(&self) -> Given {
        let whole = |bound: Option<Bound>| bound.is_some_and(|b| b.prefix.is_host() && !b.any_family);
        Given {
            table: self.table != 0,
            device: self.output_id.is_some(),
            input: self.input_id.is_some(),
            protocol: self.protocol.is_some(),
            scope: self.scope.is_some(),
            tos: self.tos.is_some(),
            via: whole(self.via),
            prefsrc: whole(self.prefsrc),
            metric: self.metric.is_some(),
            realms: self.realms.is_some_and(|(_, mask)| mask == u32::MAX),
        }
    }
}

/// Prints a notification about a route; those of the cache are none.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    let Some(one) = decode(frame, 0) else { return Ok(()) };
    let device = one.device.map_or(0, |id| id.index.get());
    if !one.flags.contains(RouteFlags::CLONED) && context.wants(device) {
        let given = Given { device: context.is_narrowed(), ..Given::default() };
        show(context, &[one], given);
    }
    Ok(())
}
