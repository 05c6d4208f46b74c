//! The words of a route in, a [`Route`] out; defaults of scope and table are iproute2's.

use std::net::IpAddr;

use super::{tos, vrf_table};
use crate::cli::cursor::{Cursor, shown, text};
use crate::cli::ip::context::{Context, link_id};
use crate::cli::ip::encap;
use crate::cli::ip::fail::Fail;
use crate::cli::ip::rule::realms;
use crate::cli::ip::usage;
use crate::cli::ip::words::{address, keyword, number, prefix, prefixes, value};
use crate::model::ip::{Family, Prefix, family_of};
use crate::model::link::LinkId;
use crate::model::route::{
    METRIC_FEATURES, METRIC_HOPLIMIT, NextHop, Route, RouteFlags, RouteKind, RouteVerb, SCOPE_HOST, SCOPE_LINK,
    SCOPE_NOWHERE, SCOPE_UNIVERSE, TABLE_LOCAL, metric_number, metric_per_ms,
};
use crate::model::rtnames::{NameSet, parse_number};
use crate::model::template::filled;

/// The words of a route in iproute2's order, but for the two that most routes have, which nothing shortens to; `M` are
/// properties of the path, `?` is not built.
const WORDS: &str = "dev=d via=v src=s as=? from=f tos=t dsfield~t expires=e metric~m priority~m preference=m scope=c mtu=M \
    hoplimit=M advmss=M reordering~M rtt=M rto_min=M window~M cwnd~M initcwnd~M initrwnd~M features~F quickack~M \
    congctl~M rttvar~M ssthresh~M realms~r onlink=o nhid=n protocol~p table~T vrf~V oif=d pref~P encap=E \
    ttl-propagate=L fastopen_no_cookie~M";

/// What is read so far: the route, and what was not said.
struct Parser<'c, 'a> {
    context: &'c mut Context<'a>,
    family: Family,
    route: Route,
    dst: Option<Prefix>,
    device: Option<Vec<u8>>,
    scope: Option<u8>,
    table: Option<u32>,
}

/// Reads the words after a verb.
pub fn route(context: &mut Context<'_>, mut words: Cursor<'_>, verb: RouteVerb) -> Result<Route, Fail> {
    let mut blank = Route::to(Prefix::default_route(Family::V4));
    if verb == RouteVerb::Delete {
        // Protocol and kind match any, unless they are given.
        (blank.protocol, blank.kind) = (0, RouteKind::UNSPEC);
    }
    let family = context.options.family;
    let mut parser = Parser { context, family, route: blank, dst: None, device: None, scope: None, table: None };
    while let Some(word) = words.peek() {
        if word == b"nexthop" {
            break;
        }
        words.next();
        parser.word(word, &mut words)?;
    }
    parser.finish(words, verb)
}

impl Parser<'_, '_> {
    fn word<'w>(&mut self, word: &'w [u8], words: &mut Cursor<'w>) -> Result<(), Fail> {
        let (name, key) = keyword(word, WORDS);
        match key {
            b's' => self.route.prefsrc = Some(self.address(value(words)?)?),
            b'v' => self.via(word, words)?,
            b'f' => self.route.from = Some(self.prefix(value(words)?)?).filter(|from| !from.is_empty()),
            b't' => {
                let word = value(words)?;
                let tos = tos(self.context, word).ok_or_else(|| Fail::wrong("\"tos\" value is invalid\n", word));
                self.route.tos = tos?;
            }
            b'e' => self.route.expires = Some(number(value(words)?, "\"expires\" value is invalid\n")?),
            b'm' => self.route.metric = Some(number(value(words)?, "\"metric\" value is invalid\n")?),
            b'c' => self.scope = Some(self.named(NameSet::Scopes, words, "invalid \"scope\" value\n")?),
            b'M' => self.path_metric(name, words)?,
            b'o' => self.route.flags |= RouteFlags::ONLINK,
            b'n' => self.route.nhid = Some(number(value(words)?, "\"id\" value is invalid\n")?),
            b'p' => {
                self.route.protocol = self.named(NameSet::Protocols, words, "\"protocol\" value is invalid\n")?;
            }
            b'T' => self.table = Some(self.named(NameSet::Tables, words, "\"table\" value is invalid\n")?),
            b'd' => self.device = Some(value(words)?.to_vec()),
            b'P' => self.route.pref = Some(pref(value(words)?)?),
            b'V' => self.table = Some(vrf_table(self.context, value(words)?)?),
            b'r' => self.route.realms = Some(realm(self.context, words)?),
            b'E' => self.route.encap = Some(encap::parse(self.context, words)?),
            b'F' => {
                let word = value(words)?;
                if word != b"ecn" {
                    return Err(Fail::wrong("\"features\" value not valid\n", word));
                }
                self.route.metrics.set(METRIC_FEATURES, 1);
            }
            b'L' => {
                let word = value(words)?;
                let on = match keyword(word, "enabled~1 disabled~0").1 {
                    0 => return Err(Fail::wrong("\"ttl-propagate\" value is invalid\n", word)),
                    key => key - b'0',
                };
                self.route.ttl_propagate = Some(on);
            }
            b'?' => return Err(Fail::unsupported_word("route option", name.as_bytes())),
            _ => self.destination(word, words)?,
        }
        Ok(())
    }

    fn destination<'w>(&mut self, mut word: &'w [u8], words: &mut Cursor<'w>) -> Result<(), Fail> {
        if word == b"to" {
            word = value(words)?;
        }
        if !word.first().is_some_and(u8::is_ascii_digit)
            && let Some(kind) = RouteKind::parse(word)
        {
            self.route.kind = kind;
            word = value(words)?;
        }
        if prefixes(word, "help") {
            return Err(usage::fail(usage::ROUTE));
        }
        if self.dst.is_some() {
            return Err(Fail::garbage("to", word));
        }
        self.dst = Some(self.prefix(word)?);
        Ok(())
    }

    fn via(&mut self, keyword: &[u8], words: &mut Cursor<'_>) -> Result<(), Fail> {
        if self.route.via.is_some() {
            return Err(Fail::wrong("use nexthop syntax to specify multiple via\n", keyword));
        }
        let (via, family) = gateway(words, self.family)?;
        self.family = family;
        self.route.via = Some(via);
        Ok(())
    }

    /// A number or its name in a set.
    fn named<N: TryFrom<u32>>(&mut self, set: NameSet, words: &mut Cursor<'_>, reason: &str) -> Result<N, Fail> {
        let word = value(words)?;
        let number = self.context.names.number(set, text(word)).and_then(|n| N::try_from(n).ok());
        number.ok_or_else(|| Fail::wrong(reason, word))
    }

    fn path_metric(&mut self, name: &str, words: &mut Cursor<'_>) -> Result<(), Fail> {
        let Some(metric) = metric_number(name) else { return Ok(()) };
        let mut word = value(words)?;
        let lock = 1 << metric;
        if name == "rto_min" {
            self.route.metrics.locked |= lock;
        } else if word == b"lock" && !matches!(name, "quickack" | "fastopen_no_cookie") {
            self.route.metrics.locked |= lock;
            word = value(words)?;
        }
        if name == "congctl" {
            self.route.metrics.congestion = Some(word.to_vec());
            return Ok(());
        }
        let number = match metric_per_ms(metric) {
            Some(scale) => milliseconds(text(word), scale),
            None => parse_number(text(word)).filter(|n| metric != METRIC_HOPLIMIT || *n <= 255),
        };
        let said = if name == "advmss" { "mss" } else { name };
        let number = number.ok_or_else(|| Fail::wrong(&["\"", said, "\" value is invalid\n"].concat(), word))?;
        if number > 1 && matches!(name, "quickack" | "fastopen_no_cookie") {
            return Err(Fail::wrong(&["\"", name, "\" value should be 0 or 1\n"].concat(), word));
        }
        self.route.metrics.set(metric, number);
        Ok(())
    }

    /// An address; the first one decides the family.
    fn address(&mut self, word: &[u8]) -> Result<IpAddr, Fail> {
        let addr = address(word, self.family)?;
        if self.family == Family::Unspec {
            self.family = family_of(&addr);
        }
        Ok(addr)
    }

    fn prefix(&mut self, word: &[u8]) -> Result<Prefix, Fail> {
        let prefix = prefix(word, self.family)?;
        // `default` has no family of its own.
        if self.family == Family::Unspec && !matches!(word, b"default" | b"any" | b"all") {
            self.family = prefix.family();
        }
        Ok(prefix)
    }

    fn finish(mut self, words: Cursor<'_>, verb: RouteVerb) -> Result<Route, Fail> {
        let Some(dst) = self.dst else { return Err(usage::fail(usage::ROUTE)) };
        if let Some(name) = self.device.take() {
            self.route.device = Some(self.context.device(&name)?);
        }
        self.next_hops(words)?;
        let family = if self.family == Family::Unspec { Family::V4 } else { self.family };
        // `default`, and then a gateway: the gateway decides.
        self.route.dst =
            if dst.is_empty() && dst.addr().is_unspecified() { Prefix::default_route(family) } else { dst };
        let kind = self.route.kind;
        let local = [RouteKind::LOCAL, RouteKind::BROADCAST, RouteKind::NAT, RouteKind::ANYCAST];
        match self.table {
            Some(table) => self.route.table = table,
            None if local.contains(&kind) => self.route.table = TABLE_LOCAL,
            None => {}
        }
        let route = &self.route;
        let direct = route.via.is_none() && route.hops.is_empty() && route.nhid.unwrap_or(0) == 0;
        self.route.scope = self.scope.unwrap_or(match kind {
            _ if family == Family::V6 => SCOPE_UNIVERSE,
            RouteKind::LOCAL | RouteKind::NAT => SCOPE_HOST,
            RouteKind::BROADCAST | RouteKind::MULTICAST | RouteKind::ANYCAST => SCOPE_LINK,
            RouteKind::UNICAST | RouteKind::UNSPEC if verb == RouteVerb::Delete => SCOPE_NOWHERE,
            RouteKind::UNICAST | RouteKind::UNSPEC if direct => SCOPE_LINK,
            _ if verb == RouteVerb::Delete => SCOPE_NOWHERE,
            _ => SCOPE_UNIVERSE,
        });
        Ok(self.route)
    }

    fn next_hops(&mut self, mut words: Cursor<'_>) -> Result<(), Fail> {
        while let Some(word) = words.next() {
            if word != b"nexthop" {
                return Err(Fail::usage_word("Error: \"nexthop\" or end of line is expected instead of ", word, ""));
            }
            if words.is_empty() {
                return Err(Fail::usage("Error: unexpected end of line after \"nexthop\""));
            }
            let hop = self.next_hop(&mut words)?;
            self.route.hops.push(hop);
        }
        Ok(())
    }

    fn next_hop(&mut self, words: &mut Cursor<'_>) -> Result<NextHop, Fail> {
        let mut hop = NextHop::default();
        while let Some(word) = words.peek() {
            let (_, key) = keyword(word, "via=v dev=d weight=w onlink=o realms~r encap=E as=?");
            match key {
                0 => break,
                b'?' => return Err(Fail::unsupported_word("next hop option", word)),
                _ => words.next(),
            };
            match key {
                b'v' => {
                    let (via, family) = gateway(words, self.family)?;
                    self.family = family;
                    hop.via = Some(via);
                }
                b'd' => hop.device = Some(self.next_hop_device(value(words)?)?),
                b'r' => hop.realms = Some(realm(self.context, words)?),
                b'E' => hop.encap = Some(encap::parse(self.context, words)?),
                b'w' => {
                    let word = value(words)?;
                    let weight = parse_number(text(word)).and_then(|w| u8::try_from(w.wrapping_sub(1)).ok());
                    hop.hops = weight.ok_or_else(|| Fail::wrong("\"weight\" is invalid\n", word))?;
                }
                _ => hop.flags |= RouteFlags::ONLINK,
            }
        }
        Ok(hop)
    }

    fn next_hop_device(&mut self, name: &[u8]) -> Result<LinkId, Fail> {
        let link = self.context.find_link(name)?;
        link.as_ref().and_then(link_id).ok_or_else(|| {
            let text = filled("Cannot find device \"%\"\nError: cannot parse nexthop", &[&shown(name)]);
            Fail::usage(text).hint(self.context.lacks(name))
        })
    }
}

/// `[inet|inet6] ADDR` after `via`: the address, and the route's family, which the address decides where it is open.
pub fn gateway(words: &mut Cursor<'_>, family: Family) -> Result<(IpAddr, Family), Fail> {
    let mut word = value(words)?;
    let mut expected = family;
    if let Some(named) = family_word(word) {
        expected = named;
        word = value(words)?;
    }
    let via = address(word, expected)?;
    Ok((via, if family == Family::Unspec { family_of(&via) } else { family }))
}

/// `[FROM/]TO`, of a route.
fn realm(context: &Context<'_>, words: &mut Cursor<'_>) -> Result<u32, Fail> {
    let word = value(words)?;
    realms(context, text(word)).ok_or_else(|| Fail::wrong("\"realm\" value is invalid\n", word))
}

/// `inet` and `inet6`.
pub fn family_word(word: &[u8]) -> Option<Family> {
    match word {
        b"inet" => Some(Family::V4),
        b"inet6" => Some(Family::V6),
        _ => None,
    }
}

fn pref(word: &[u8]) -> Result<u8, Fail> {
    match word {
        b"low" => Ok(3),
        b"medium" => Ok(0),
        b"high" => Ok(1),
        _ => number(word, "\"pref\" value is invalid\n"),
    }
}

/// A time as iproute2 reads it: with `s` or `ms` it is scaled to what the kernel counts, a bare number is raw.
fn milliseconds(word: &str, scale: u32) -> Option<u32> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    const MILLION: u64 = 1_000_000;
    let (digits, unit) = word.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.contains('.') {
        return None;
    }
    let millionths = fraction.bytes().chain(*b"000000").take(6).fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
    let value = u64::from(whole.parse::<u32>().ok()?) * MILLION + millionths;
    let (scale, factor) = match unit.to_ascii_lowercase().as_str() {
        "" => (1, 1),
        "s" | "sec" | "secs" => (scale, 1000),
        "ms" | "msec" | "msecs" => (scale, 1),
        _ => return None,
    };
    u32::try_from((value * factor).div_ceil(MILLION)).ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (word, expected) in [
            ("100", Some(100)),
            ("100ms", Some(800)),
            ("1.5s", Some(12000)),
            ("0.0001s", Some(8)),
            ("1.2", Some(2)),
            ("x", None),
            ("1h", None),
            ("1.2.3", None),
        ] {
            assert_eq!(milliseconds(word, 8), expected, "{word}");
        }
    }

    #[test]
    fn words_shorten_in_iproute2s_order() {
        for (word, expected) in [
            ("w", "window"),
            ("initr", "initrwnd"),
            ("mt", ""),
            ("m", "metric"),
            ("p", "priority"),
            ("pro", "protocol"),
            ("pre", "pref"),
            ("f", "features"),
            ("fast", "fastopen_no_cookie"),
            ("r", "reordering"),
            ("rea", "realms"),
            ("to", ""),
        ] {
            assert_eq!(keyword(word.as_bytes(), WORDS).0, expected, "{word}");
        }
    }
}
