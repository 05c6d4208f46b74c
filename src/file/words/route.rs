//! Routes: `[KIND] DESTINATION [via ADDRESS] [dev DEVICE] ...`, as behind `ip route add`. The protocol is
//! that of netstrap and is not said.

use super::line::bytes;
use super::{Line, SCOPES, TABLES, Words};
use crate::model::ip::{Family, Prefix, family_of};
use crate::model::name::IfName;
use crate::model::route::{
    NextHop, Route, RouteFlags, RouteKind, SCOPE_HOST, SCOPE_LINK, SCOPE_UNIVERSE, TABLE_LOCAL, TABLE_MAIN,
    metric_name, metric_number,
};
use crate::model::topology::RouteSpec;

/// By their numbers, from 1 on.
const KINDS: &str = "unicast local broadcast anycast multicast blackhole unreachable prohibit throw";
const TABLE: &str = "via=vg dev=dd src=sa metric=nn table=tt scope=cc onlink=o- pref=pf nexthop=h- priority=nn preference=nn \
    mtu=mm window=mm ssthresh=mm cwnd=mm advmss=mm reordering=mm hoplimit=mm initcwnd=mm initrwnd=mm quickack=mm";
const HOP: &str = "via=vg dev=dd weight=ww onlink=o- nexthop=h-";
const PREFS: &str = "medium=0 high=1 low=3";

/// Reads a route; `link` is the device of a route that is said with a link.
#[inline(never)]
pub fn parse(words: &mut Words<'_>, link: Option<IfName>) -> RouteSpec {
    let mut first = words.value("route");
    // Most routes begin with an address or `default`.
    let is_word = first.bytes().all(|byte| byte.is_ascii_lowercase()) && first != "default";
    let kind = if is_word { KINDS.split(' ').position(|kind| kind == first) } else { None }.map_or(1, |at| at + 1);
    if kind > 1 || first == "unicast" {
        first = words.value(first);
    }
    let dst = words.network(first);
    if first.contains(['.', ':']) {
        words.same_family("to", &dst.addr());
    }
    let mut spec = RouteSpec { route: Route::to(dst), device: link, hop_devices: Vec::new(), of_link: link.is_some() };
    let route = &mut spec.route;
    route.kind = RouteKind(u8::try_from(kind).unwrap_or(0));
    let (mut scope, mut table) = (None, None);
    while let Some(item) = words.item(if route.hops.is_empty() { TABLE } else { HOP }) {
        // What stands behind `nexthop` is said of that one.
        let hop = route.hops.last_mut();
        match item.key {
            b'v' => *hop.map_or(&mut route.via, |hop| &mut hop.via) = item.addr(),
            b'd' if link.is_some_and(|link| Some(link) != item.device) => {
                let own = link.map(|link| link.to_string()).unwrap_or_default();
                words.fail("a route of % cannot have another \"dev\"", &[&own]);
            }
            b'd' => *spec.hop_devices.last_mut().unwrap_or(&mut spec.device) = item.device,
            b'w' => {
                if let Some(hop) = hop {
                    hop.hops = u8::try_from(item.number - 1).unwrap_or(u8::MAX);
                }
            }
            b'o' => *hop.map_or(&mut route.flags, |hop| &mut hop.flags) |= RouteFlags::ONLINK,
            b'h' if link.is_some() => {
                words.fail("\"nexthop\" stands in the routes of the namespace, not in those of a link", &[]);
            }
            b'h' => {
                route.hops.push(NextHop::default());
                spec.hop_devices.push(None);
            }
            b's' => route.prefsrc = item.addr(),
            b'n' => route.metric = Some(item.number),
            b't' => table = Some(item.number),
            b'c' => scope = Some(item.byte()),
            b'p' => route.pref = Some(item.byte()),
            _ => {
                let metric = metric_number(item.word).unwrap_or_default();
                route.metrics.locked |= item.last.map_or(0, |_| 1 << metric);
                route.metrics.set(metric, item.number);
            }
        }
    }
    finish(words, &mut spec, scope, table);
    spec
}

/// Defaults as iproute2's, and what does not go together.
fn finish(words: &mut Words<'_>, spec: &mut RouteSpec, scope: Option<u8>, table: Option<u32>) {
    let is_led = spec.is_led();
    let route = &mut spec.route;
    // The last word may decide what family `default` is of.
    let family = words.family();
    if route.dst.is_empty() {
        route.dst = Prefix::default_route(family);
    }
    let is_unicast = route.kind == RouteKind::UNICAST;
    let (is_via, is_many) = (route.via.is_some(), !route.hops.is_empty());
    let bare = |(hop, device): (&NextHop, &Option<IfName>)| hop.via.is_none() && device.is_none();
    let wrong = if is_many && (is_via || spec.device.is_some()) {
        "\"via\" and \"dev\" go into the next hops, behind \"nexthop\""
    } else if !is_unicast && route.kind != RouteKind::LOCAL && (is_via || is_many) {
        "a route of this kind leads to no gateway"
    } else if is_led && !is_via && !is_many && spec.device.is_none() {
        "a route needs \"via\" or \"dev\""
    } else if route.hops.iter().zip(&spec.hop_devices).any(bare) {
        "a next hop needs \"via\" or \"dev\""
    } else {
        ""
    };
    if !wrong.is_empty() {
        words.fail(wrong, &[]);
    }
    route.table = table.unwrap_or(default_table(route.kind));
    route.scope = scope.filter(|_| family == Family::V4).unwrap_or_else(|| default_scope(route, family));
}

fn default_table(kind: RouteKind) -> u32 {
    let is_local = matches!(kind, RouteKind::LOCAL | RouteKind::BROADCAST | RouteKind::ANYCAST);
    if is_local { TABLE_LOCAL } else { TABLE_MAIN }
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

/// Writes a route.
pub fn text(spec: &RouteSpec) -> String {
    let route = &spec.route;
    let mut line = Line::default();
    let family = route.family();
    if route.kind != RouteKind::UNICAST {
        line.word(route.kind.name().unwrap_or_default());
    }
    match route.dst.is_empty() && family == Family::V4 {
        true => line.word("default"),
        false => line.word(&route.dst.text()),
    }
    let device = spec.device.filter(|_| !spec.of_link);
    hop(&mut line, route.via, device, family);
    line.address("src", route.prefsrc);
    line.count("metric", route.metric);
    line.named("table", TABLES, Some(route.table).filter(|table| *table != default_table(route.kind)));
    line.named(
        "scope",
        SCOPES,
        Some(route.scope).filter(|scope| *scope != default_scope(route, family)).map(u32::from),
    );
    line.named("pref", PREFS, route.pref.map(u32::from));
    line.flag("onlink", route.flags.contains(RouteFlags::ONLINK));
    for (number, value) in &route.metrics.values {
        line.word(metric_name(*number).unwrap_or_default());
        line.count(if route.metrics.locked >> number & 1 == 1 { "lock" } else { "" }, Some(*value));
    }
    for (one, device) in route.hops.iter().zip(&spec.hop_devices) {
        line.word("nexthop");
        hop(&mut line, one.via, *device, family);
        line.count("weight", Some(u32::from(one.hops) + 1).filter(|weight| *weight > 1));
        line.flag("onlink", one.flags.contains(RouteFlags::ONLINK));
    }
    line.0
}

#[inline(never)]
fn hop(line: &mut Line, via: Option<std::net::IpAddr>, device: Option<IfName>, family: Family) {
    let is_other = via.is_some_and(|via| family_of(&via) != family);
    line.address(if is_other { "via inet6" } else { "via" }, via);
    line.device("dev", bytes(&device));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, link: Option<IfName>) -> Result<RouteSpec, String> {
        let mut words = Words::new(line);
        let spec = parse(&mut words, link);
        words.wrong().map_or(Ok(spec), |wrong| Err(wrong.to_owned()))
    }

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
            let spec = read(line, None).unwrap_or_else(|wrong| panic!("{line}: {wrong}"));
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&spec), back);
            assert_eq!(read(back, None).unwrap(), spec);
        }
        let spec = read("default via 10.0.0.1", IfName::new(b"a")).unwrap();
        assert_eq!((text(&spec).as_str(), spec.device), ("default via 10.0.0.1", IfName::new(b"a")));
    }

    #[test]
    fn bad_routes() {
        for (line, expected) in [
            ("", "\"route\" lacks its value"),
            ("defualt via 10.0.0.1", "\"defualt\" is not an address"),
            ("10.0.0.1/24 dev a", "10.0.0.1/24 has host bits; the network is 10.0.0.0/24"),
            ("10.0.0.0/24", "a route needs \"via\" or \"dev\""),
            ("10.0.0.0/24 via fd00::1", "via: the address is of the other family"),
            ("default via 10.0.0.1 src fd00::1", "src: the address is of the other family"),
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
            assert_eq!(read(line, None).unwrap_err(), expected, "{line}");
        }
        assert_eq!(read("default dev b", IfName::new(b"a")).unwrap_err(), "a route of a cannot have another \"dev\"");
    }
}
