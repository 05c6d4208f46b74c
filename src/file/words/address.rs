//! Addresses of links: `PREFIX [peer ADDRESS] [broadcast ADDRESS|+|-] [scope SCOPE] [metric N] [nodad]
//! [noprefixroute]`, as behind `ip address add`.

use super::{Line, Words, Wrong, address, unknown, wrong};
use crate::model::addr::{Addr, AddrFlags, broadcast_of};
use crate::model::ip::{Prefix, addr_text, family_of};

/// Scopes that an address may be given.
pub const SCOPES: [(&str, u8); 5] = [("global", 0), ("site", 200), ("link", 253), ("host", 254), ("nowhere", 255)];

const FLAGS: [(&str, AddrFlags); 2] = [("nodad", AddrFlags::NODAD), ("noprefixroute", AddrFlags::NOPREFIXROUTE)];

/// The number of a scope's name.
pub fn scope(word: &str) -> Result<u8, Wrong> {
    let found = SCOPES.iter().find(|scope| scope.0 == word).map(|scope| scope.1);
    found
        .or_else(|| super::number(word, 255).and_then(|n| u8::try_from(n).ok()))
        .map_or_else(|| wrong(&["\"", word, "\" is no scope (global, link, host or a number)"]), Ok)
}

/// The name of a scope, or its number.
pub fn scope_text(scope: u8) -> String {
    SCOPES.iter().find(|row| row.1 == scope).map_or_else(|| scope.to_string(), |row| row.0.to_owned())
}

/// Reads an address.
pub fn parse(line: &str) -> Result<Addr, Wrong> {
    let mut words = Words::new(line);
    let first = words.value("address")?;
    let prefix = words.prefix(first)?;
    let mut addr = Addr::new(prefix);
    while let Some(word) = words.next() {
        match word {
            "peer" => {
                let given = words.value(word)?;
                let peer = match given.contains('/') {
                    true => words.prefix(given)?,
                    false => Prefix::host(address(given)?),
                };
                if peer.family() != prefix.family() {
                    return wrong(&["peer: \"", given, "\" is of the other family"]);
                }
                (addr.address, addr.len) = (Some(peer.addr()), peer.len());
            }
            "broadcast" | "brd" => {
                let given = words.value(word)?;
                let found = match given {
                    "+" | "-" => broadcast_of(prefix, given == "+"),
                    _ => Some(address(given)?),
                };
                addr.broadcast = found.filter(|addr| addr.is_ipv4() && prefix.addr().is_ipv4());
                if addr.broadcast.is_none() {
                    return wrong(&[first, " has no broadcast address"]);
                }
            }
            "scope" => addr.scope = scope(words.value(word)?)?,
            "metric" => addr.metric = u32::try_from(words.number(word, u32::MAX.into())?).ok(),
            _ => match FLAGS.iter().find(|flag| flag.0 == word) {
                Some(flag) => addr.flags |= flag.1,
                None => return unknown(word, "peer broadcast scope metric nodad noprefixroute"),
            },
        }
    }
    Ok(addr)
}

/// Writes an address.
pub fn text(addr: &Addr) -> String {
    let mut line = Line::default();
    let Some(own) = addr.own() else { return String::new() };
    let with = |addr, len| Prefix::new(addr, len).map_or_else(String::new, |prefix| prefix.to_string());
    match addr.peer() {
        None => line.word(&with(own, addr.len)),
        Some(peer) => {
            line.word(&with(own, family_of(&own).bits()));
            line.pair("peer", &with(peer, addr.len));
        }
    }
    if let Some(broadcast) = addr.broadcast {
        line.pair("broadcast", &addr_text(&broadcast));
    }
    if addr.scope != crate::model::addr::default_scope(&own) {
        line.pair("scope", &scope_text(addr.scope));
    }
    if let Some(metric) = addr.metric {
        line.count("metric", metric);
    }
    for flag in FLAGS.iter().filter(|flag| addr.flags.contains(flag.1)) {
        line.word(flag.0);
    }
    line.0
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let addr = parse(line).unwrap();
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&addr), back);
            assert_eq!(parse(back).unwrap(), addr);
        }
        for (line, expected) in [
            ("", "\"address\" lacks its value"),
            ("10.0.0.1/24 nodda", "unknown word \"nodda\"; did you mean \"nodad\"?"),
            ("10.0.0.1/24 peer fd00::1", "peer: \"fd00::1\" is of the other family"),
            ("fd00::1/64 brd +", "fd00::1/64 has no broadcast address"),
            ("10.0.0.1/24 metric -1", "metric: \"-1\" is no number up to 4294967295"),
            ("10.0.0.1/24 scope x", "\"x\" is no scope (global, link, host or a number)"),
        ] {
            assert_eq!(parse(line).unwrap_err().text(), expected, "{line}");
        }
    }
}
