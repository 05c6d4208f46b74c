//! Routes: `[KIND] DESTINATION [via ADDRESS] [dev DEVICE] ...`, as behind `ip route add`. The protocol is
//! that of netstrap and is not said.

use super::{Line, Words, Wrong, address, network, unknown, wrong};
use crate::model::ip::{Family, Prefix, addr_text, family_of};
use crate::model::name::IfName;
use crate::model::route::{
    METRIC_HOPLIMIT, NextHop, Route, RouteFlags, RouteKind, SCOPE_HOST, SCOPE_LINK, SCOPE_UNIVERSE, TABLE_LOCAL,
    TABLE_MAIN, metric_name, metric_number,
};
use crate::model::topology::RouteSpec;

const KINDS: &str = "unicast local broadcast anycast multicast blackhole unreachable prohibit throw";
const KNOWN: &str = "via dev src metric table scope onlink pref nexthop mtu window rtt ssthresh cwnd advmss reordering \
    hoplimit initcwnd initrwnd quickack";
/// Properties of the path whose values are plain numbers.
const PATH: &str = "mtu window ssthresh cwnd advmss reordering hoplimit initcwnd initrwnd quickack";
const PREFS: [(&str, u8); 3] = [("medium", 0), ("high", 1), ("low", 3)];
const TABLES: [(&str, u32); 3] = [("main", TABLE_MAIN), ("local", TABLE_LOCAL), ("default", 253)];

/// The number of a table.
pub fn table(words: &mut Words<'_>, keyword: &str) -> Result<u32, Wrong> {
    let word = words.value(keyword)?;
    let named = TABLES.iter().find(|table| table.0 == word).map(|table| table.1);
    let number = named.or_else(|| super::number(word, u32::MAX.into()).and_then(|n| u32::try_from(n).ok()));
    number
        .filter(|number| *number != 0)
        .map_or_else(|| wrong(&[keyword, ": \"", word, "\" is neither a number nor main, local or default"]), Ok)
}

/// The name of a table, or its number.
pub fn table_text(table: u32) -> String {
    TABLES.iter().find(|row| row.1 == table).map_or_else(|| table.to_string(), |row| row.0.to_owned())
}

/// Reads a route; `link` is the device of a route that is said with a link.
pub fn parse(line: &str, link: Option<IfName>) -> Result<RouteSpec, Wrong> {
    let mut words = Words::new(line);
    let mut first = words.value("route")?;
    let mut kind = RouteKind::UNICAST;
    // Most routes begin with an address or `default`.
    let is_word = first.bytes().all(|byte| byte.is_ascii_lowercase()) && first != "default";
    if is_word && KINDS.split(' ').any(|known| known == first) {
        kind = RouteKind::parse(first.as_bytes()).unwrap_or_default();
        first = words.value(first)?;
    }
    let dst = network(&mut words, first, Family::V4)?;
    let mut spec = RouteSpec { route: Route::to(dst), device: link, hop_devices: Vec::new(), of_link: link.is_some() };
    spec.route.kind = kind;
    let (mut scope, mut table_given) = (None, None);
    // The last word may decide what family `default` is of.
    let mut family = (first.contains('.') || first.contains(':')).then(|| dst.family());
    while let Some(word) = words.next() {
        let route = &mut spec.route;
        match word {
            "via" => route.via = Some(gateway(&mut words, &mut family)?),
            "dev" => spec.device = Some(device(&mut words, link)?),
            "src" => {
                let src = words.address(word)?;
                same_family(&mut family, family_of(&src), word)?;
                route.prefsrc = Some(src);
            }
            "metric" | "priority" | "preference" => {
                route.metric = u32::try_from(words.number(word, u32::MAX.into())?).ok();
            }
            "table" => table_given = Some(table(&mut words, word)?),
            "scope" => scope = Some(super::address::scope(words.value(word)?)?),
            "onlink" => route.flags |= RouteFlags::ONLINK,
            "pref" => {
                let word = words.value(word)?;
                route.pref = PREFS.iter().find(|pref| pref.0 == word).map(|pref| pref.1);
                if route.pref.is_none() {
                    return wrong(&["pref: \"", word, "\" is not low, medium or high"]);
                }
            }
            "nexthop" if link.is_some() => {
                return wrong(&["\"nexthop\" stands in the routes of the namespace, not in those of a link"]);
            }
            "nexthop" => {
                let (hop, device) = next_hop(&mut words, &mut family)?;
                route.hops.push(hop);
                spec.hop_devices.push(device);
            }
            _ => {
                let metric = metric_number(word).filter(|_| PATH.split(' ').any(|known| known == word));
                let Some(metric) = metric else { return unknown(word, KNOWN) };
                if words.peek() == Some("lock") {
                    words.next();
                    route.metrics.locked |= 1 << metric;
                }
                let most = if metric == METRIC_HOPLIMIT { 255 } else { u32::MAX.into() };
                route.metrics.set(metric, u32::try_from(words.number(word, most)?).unwrap_or(0));
            }
        }
    }
    finish(spec, family.unwrap_or(Family::V4), scope, table_given)
}

/// Defaults as iproute2's, and what does not go together.
fn finish(mut spec: RouteSpec, family: Family, scope: Option<u8>, table: Option<u32>) -> Result<RouteSpec, Wrong> {
    let route = &mut spec.route;
    if route.dst.is_empty() {
        route.dst = Prefix::default_route(family);
    }
    let is_unicast = route.kind == RouteKind::UNICAST;
    if !route.hops.is_empty() && (route.via.is_some() || spec.device.is_some()) {
        return wrong(&["\"via\" and \"dev\" go into the next hops, behind \"nexthop\""]);
    }
    if !is_unicast && route.kind != RouteKind::LOCAL && (route.via.is_some() || !route.hops.is_empty()) {
        return wrong(&["a route of this kind leads to no gateway"]);
    }
    if is_unicast && route.via.is_none() && route.hops.is_empty() && spec.device.is_none() {
        return wrong(&["a route needs \"via\" or \"dev\""]);
    }
    let local = [RouteKind::LOCAL, RouteKind::BROADCAST, RouteKind::ANYCAST].contains(&route.kind);
    route.table = table.unwrap_or(if local { TABLE_LOCAL } else { TABLE_MAIN });
    route.scope = scope.filter(|_| family == Family::V4).unwrap_or_else(|| default_scope(route, family));
    Ok(spec)
}

fn default_scope(route: &Route, family: Family) -> u8 {
    match route.kind {
        _ if family == Family::V6 => SCOPE_UNIVERSE,
        RouteKind::LOCAL => SCOPE_HOST,
        RouteKind::BROADCAST | RouteKind::MULTICAST | RouteKind::ANYCAST => SCOPE_LINK,
        RouteKind::UNICAST if route.via.is_none() && route.hops.is_empty() => SCOPE_LINK,
        _ => SCOPE_UNIVERSE,
    }
}

/// `[inet6] ADDRESS` after `via`. An IPv4 route may lead to an IPv6 gateway, where `inet6` says so.
fn gateway(words: &mut Words<'_>, family: &mut Option<Family>) -> Result<std::net::IpAddr, Wrong> {
    if words.peek() == Some("inet6") {
        words.next();
        return address(words.value("inet6")?);
    }
    let via = words.address("via")?;
    same_family(family, family_of(&via), "via")?;
    Ok(via)
}

fn same_family(family: &mut Option<Family>, own: Family, keyword: &str) -> Result<(), Wrong> {
    match family.get_or_insert(own) {
        family if *family == own => Ok(()),
        _ => wrong(&[keyword, ": the address is of the other family than the route"]),
    }
}

fn device(words: &mut Words<'_>, link: Option<IfName>) -> Result<IfName, Wrong> {
    let name = words.device("dev")?;
    match link.filter(|link| *link != name) {
        None => Ok(name),
        Some(link) => wrong(&["a route of ", &link.to_string(), " cannot have another \"dev\""]),
    }
}

fn next_hop(words: &mut Words<'_>, family: &mut Option<Family>) -> Result<(NextHop, Option<IfName>), Wrong> {
    let (mut hop, mut dev) = (NextHop::default(), None);
    while let Some(word) = words.peek() {
        if word == "nexthop" {
            break;
        }
        words.next();
        match word {
            "via" => hop.via = Some(gateway(words, family)?),
            "dev" => dev = Some(words.device(word)?),
            "weight" => {
                let weight = words.number(word, 256)?;
                let Some(less) = weight.checked_sub(1) else { return wrong(&["weight: at least 1"]) };
                hop.hops = u8::try_from(less).unwrap_or(u8::MAX);
            }
            "onlink" => hop.flags |= RouteFlags::ONLINK,
            _ => return unknown(word, "via dev weight onlink nexthop"),
        }
    }
    match hop.via.is_some() || dev.is_some() {
        true => Ok((hop, dev)),
        false => wrong(&["a next hop needs \"via\" or \"dev\""]),
    }
}

/// Writes a route.
pub fn text(spec: &RouteSpec) -> String {
    let route = &spec.route;
    let mut line = Line::default();
    if route.kind != RouteKind::UNICAST {
        line.word(route.kind.name().unwrap_or_default());
    }
    let is_v6 = route.family() == Family::V6;
    match (route.dst.is_empty(), is_v6) {
        (true, false) => line.word("default"),
        _ => line.word(&route.dst.text()),
    }
    via(&mut line, route.via, route.family());
    if let Some(device) = spec.device.filter(|_| !spec.of_link) {
        line.pair("dev", &device.to_string());
    }
    if let Some(src) = route.prefsrc {
        line.pair("src", &addr_text(&src));
    }
    if let Some(metric) = route.metric {
        line.count("metric", metric);
    }
    let local = [RouteKind::LOCAL, RouteKind::BROADCAST, RouteKind::ANYCAST].contains(&route.kind);
    if route.table != if local { TABLE_LOCAL } else { TABLE_MAIN } {
        line.pair("table", &table_text(route.table));
    }
    if route.scope != default_scope(route, route.family()) {
        line.pair("scope", &super::address::scope_text(route.scope));
    }
    if let Some(pref) = PREFS.iter().find(|pref| Some(pref.1) == route.pref) {
        line.pair("pref", pref.0);
    }
    if route.flags.contains(RouteFlags::ONLINK) {
        line.word("onlink");
    }
    for (number, value) in &route.metrics.values {
        line.word(metric_name(*number).unwrap_or_default());
        line.count(if route.metrics.locked >> number & 1 == 1 { "lock" } else { "" }, *value);
    }
    for (hop, device) in route.hops.iter().zip(&spec.hop_devices) {
        line.word("nexthop");
        via(&mut line, hop.via, route.family());
        if let Some(device) = device {
            line.pair("dev", &device.to_string());
        }
        if hop.hops != 0 {
            line.count("weight", u32::from(hop.hops) + 1);
        }
        if hop.flags.contains(RouteFlags::ONLINK) {
            line.word("onlink");
        }
    }
    line.0
}

fn via(line: &mut Line, via: Option<std::net::IpAddr>, family: Family) {
    if let Some(via) = via {
        line.word("via");
        if family_of(&via) != family {
            line.word("inet6");
        }
        line.word(&addr_text(&via));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_there_and_back() {
        for (line, back) in [
            ("default via 192.168.15.5", ""),
            ("default via fd00::1", "::/0 via fd00::1"),
            ("default dev a", ""),
            ("::/0 dev a", ""),
            ("10.0.0.0/8 via 10.9.0.0/16 + 7 dev a onlink", "10.0.0.0/8 via 10.9.0.7 dev a onlink"),
            ("10.0.0.1 dev a", "10.0.0.1/32 dev a"),
            ("blackhole 10.0.0.0/8 metric 5", ""),
            ("unreachable fd00::/8", ""),
            ("local 10.0.0.0/24 dev lo", ""),
            ("local 10.0.0.0/24 dev lo table 100 scope link", ""),
            ("10.0.0.0/8 via inet6 fe80::1 dev a", ""),
            ("10.0.0.0/8 dev a src 10.0.0.1 table default scope global", ""),
            ("10.0.0.0/8 dev a table main scope link", "10.0.0.0/8 dev a"),
            ("fd00::/8 via fe80::1 dev a pref high mtu lock 1400 hoplimit 3", ""),
            ("default nexthop via 10.0.0.1 weight 2 nexthop dev b onlink", ""),
            (
                "default nexthop via fd00::1 nexthop via fd00::2 dev b",
                "::/0 nexthop via fd00::1 nexthop via fd00::2 dev b",
            ),
        ] {
            let spec = parse(line, None).unwrap_or_else(|wrong| panic!("{line}: {wrong:?}"));
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&spec), back);
            assert_eq!(parse(back, None).unwrap(), spec);
        }
        let spec = parse("default via 10.0.0.1", IfName::new(b"a")).unwrap();
        assert_eq!((text(&spec).as_str(), spec.device), ("default via 10.0.0.1", IfName::new(b"a")));
    }

    #[test]
    fn bad_routes() {
        for (line, expected) in [
            ("", "\"route\" lacks its value"),
            ("defualt via 10.0.0.1", "\"defualt\" is not an address"),
            ("10.0.0.1/24 dev a", "10.0.0.1/24 has host bits; the network is 10.0.0.0/24"),
            ("10.0.0.0/24", "a route needs \"via\" or \"dev\""),
            ("10.0.0.0/24 via fd00::1", "via: the address is of the other family than the route"),
            ("default via 10.0.0.1 src fd00::1", "src: the address is of the other family than the route"),
            ("default vai 10.0.0.1", "unknown word \"vai\"; did you mean \"via\"?"),
            ("default via", "\"via\" lacks its value"),
            ("default via 10.0.0.1/24", "\"10.0.0.1/24\": an address without a prefix length is expected"),
            ("blackhole 10.0.0.0/8 via 1.2.3.4", "a route of this kind leads to no gateway"),
            ("default dev a table 0", "table: \"0\" is neither a number nor main, local or default"),
            ("default nexthop weight 2", "a next hop needs \"via\" or \"dev\""),
            ("default via 1.2.3.4 nexthop dev a", "\"via\" and \"dev\" go into the next hops, behind \"nexthop\""),
            ("default dev a hoplimit 256", "hoplimit: \"256\" is no number up to 255"),
            ("default dev a protocol static", "unknown word \"protocol\""),
        ] {
            assert_eq!(parse(line, None).unwrap_err().text(), expected, "{line}");
        }
        assert_eq!(
            parse("default dev b", IfName::new(b"a")).unwrap_err().text(),
            "a route of a cannot have another \"dev\""
        );
    }
}
