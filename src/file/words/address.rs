//! Addresses of links: `PREFIX [peer ADDRESS] [broadcast ADDRESS|+|-] [scope SCOPE] [metric N] [nodad]
//! [noprefixroute]`, as behind `ip address add`.

use super::{Line, SCOPES, Words};
use crate::model::addr::{Addr, AddrFlags, broadcast_of};
use crate::model::ip::{Prefix, family_of};

const TABLE: &str = "peer=pk broadcast=bk brd=bk scope=sc metric=mn nodad=d- noprefixroute=r-";

/// Reads an address.
#[inline(never)]
pub fn parse(words: &mut Words<'_>) -> Addr {
    let first = words.value("address");
    let prefix = words.prefix(first);
    words.same_family(first, &prefix.addr());
    let mut addr = Addr::new(prefix);
    while let Some(item) = words.item(TABLE) {
        let given = item.text;
        match item.key {
            b'p' => {
                let peer = match given.contains('/') {
                    true => words.prefix(given),
                    false => Prefix::host(words.single(given)),
                };
                words.same_family(item.word, &peer.addr());
                (addr.address, addr.len) = (Some(peer.addr()), peer.len());
            }
            b'b' => {
                let found = match given {
                    "+" | "-" => broadcast_of(prefix, given == "+"),
                    _ => Some(words.single(given)),
                };
                addr.broadcast = found.filter(|addr| addr.is_ipv4() && prefix.addr().is_ipv4());
                if addr.broadcast.is_none() {
                    words.fail("% has no broadcast address", &[first]);
                }
            }
            b's' => addr.scope = item.byte(),
            b'm' => addr.metric = Some(item.number),
            b'd' => addr.flags |= AddrFlags::NODAD,
            _ => addr.flags |= AddrFlags::NOPREFIXROUTE,
        }
    }
    addr
}

/// Writes an address.
pub fn text(addr: &Addr) -> String {
    let mut line = Line::default();
    let Some(own) = addr.own() else { return String::new() };
    let peer = addr.peer();
    for (keyword, one, len) in
        [("", Some(own), if peer.is_some() { family_of(&own).bits() } else { addr.len }), ("peer", peer, addr.len)]
    {
        if let Some(prefix) = one.and_then(|one| Prefix::new(one, len)) {
            line.pair(keyword, &prefix.text());
        }
    }
    line.address("broadcast", addr.broadcast);
    let scope = Some(addr.scope).filter(|scope| *scope != crate::model::addr::default_scope(&own));
    line.named("scope", SCOPES, scope.map(u32::from));
    line.count("metric", addr.metric);
    line.flag("nodad", addr.flags.contains(AddrFlags::NODAD));
    line.flag("noprefixroute", addr.flags.contains(AddrFlags::NOPREFIXROUTE));
    line.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Addr, String> {
        let mut words = Words::new(line);
        let addr = parse(&mut words);
        words.wrong().map_or(Ok(addr), |wrong| Err(wrong.to_owned()))
    }

    #[test]
    fn addresses_there_and_back() {
        for (line, back) in [
            ("192.168.15.5/24", ""),
            ("fd00:1::/64 + 9", "fd00:1::9/64"),
            ("127.0.0.2/8 scope host", "127.0.0.2/8"),
            ("127.0.0.2/8 scope global", ""),
            ("10.0.0.1/32 peer 10.0.0.2/30", ""),
            ("10.0.0.1/24 peer 10.0.0.2", "10.0.0.1/32 peer 10.0.0.2/32"),
            (
                "10.0.0.1/24 brd + scope 7 metric 5 noprefixroute",
                "10.0.0.1/24 broadcast 10.0.0.255 scope 7 metric 5 noprefixroute",
            ),
            ("fd00::1/64 nodad", ""),
        ] {
            let addr = read(line).unwrap();
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&addr), back);
            assert_eq!(read(back).unwrap(), addr);
        }
        for (line, expected) in [
            ("", "\"address\" lacks its value"),
            ("10.0.0.1/24 nodda", "unknown word \"nodda\"; did you mean \"nodad\"?"),
            ("10.0.0.1/24 peer fd00::1", "peer: the address is of the other family"),
            ("fd00::1/64 brd +", "fd00::1/64 has no broadcast address"),
            ("10.0.0.1/24 metric -1", "metric: \"-1\" is no number up to 4294967295"),
            ("10.0.0.1/24 scope x", "scope: \"x\" is no scope (global, link, host or a number)"),
        ] {
            assert_eq!(read(line).unwrap_err(), expected, "{line}");
        }
    }
}
