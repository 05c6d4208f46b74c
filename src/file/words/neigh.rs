//! Neighbours: `ADDRESS lladdr MAC dev DEVICE [nud permanent|noarp] [router]`, or `proxy ADDRESS dev DEVICE`, as
//! behind `ip neighbour add`.

use super::{Line, Words, Wrong, address, unknown, wrong};
use crate::model::ip::{addr_text, family_of};
use crate::model::neigh::{Neigh, NeighFlags, NeighState};
use crate::model::topology::NeighSpec;

/// Reads a neighbour.
pub fn parse(line: &str) -> Result<NeighSpec, Wrong> {
    let mut words = Words::new(line);
    let mut neigh = Neigh { state: NeighState::PERMANENT, ..Neigh::default() };
    let mut device = None;
    while let Some(word) = words.next() {
        match word {
            "lladdr" => neigh.lladdr = Some(mac(words.value(word)?)?.to_vec()),
            "dev" => device = Some(words.device(word)?),
            "nud" => {
                let word = words.value(word)?;
                neigh.state = match word {
                    "permanent" => NeighState::PERMANENT,
                    "noarp" => NeighState::NOARP,
                    _ => return wrong(&["nud: \"", word, "\" does not last; permanent or noarp"]),
                };
            }
            "router" => neigh.flags |= NeighFlags::ROUTER,
            "proxy" => neigh.flags |= NeighFlags::PROXY,
            _ if neigh.dst.is_none() => {
                let dst = match words.peek() {
                    Some("+") => words.prefix(word)?.addr(),
                    _ => address(word)?,
                };
                (neigh.dst, neigh.family) = (Some(dst), family_of(&dst));
            }
            _ => return unknown(word, "lladdr dev nud router proxy"),
        }
    }
    let is_proxy = neigh.flags.contains(NeighFlags::PROXY);
    match device {
        _ if neigh.dst.is_none() => wrong(&["a neighbour needs its address"]),
        None => wrong(&["a neighbour needs \"dev\""]),
        Some(_) if neigh.lladdr.is_none() != is_proxy => wrong(&["a neighbour needs \"lladdr\", a proxy has none"]),
        Some(device) => Ok(NeighSpec { neigh, device }),
    }
}

/// Writes a neighbour.
pub fn text(spec: &NeighSpec) -> String {
    let neigh = &spec.neigh;
    let mut line = Line::default();
    if neigh.flags.contains(NeighFlags::PROXY) {
        line.word("proxy");
    }
    if let Some(dst) = neigh.dst {
        line.word(&addr_text(&dst));
    }
    if let Some(lladdr) = &neigh.lladdr {
        line.pair("lladdr", &mac_text(lladdr));
    }
    line.pair("dev", &spec.device.to_string());
    if neigh.state == NeighState::NOARP {
        line.pair("nud", "noarp");
    }
    if neigh.flags.contains(NeighFlags::ROUTER) {
        line.word("router");
    }
    line.0
}

/// A hardware address of six bytes, of one machine.
pub fn mac(word: &str) -> Result<[u8; 6], Wrong> {
    let mut bytes = [0; 6];
    let mut parts = word.split(':');
    for byte in &mut bytes {
        let part = parts.next().filter(|part| matches!(part.len(), 1 | 2) && !part.starts_with('+'));
        match part.and_then(|part| u8::from_str_radix(part, 16).ok()) {
            Some(value) => *byte = value,
            None => return wrong(&["\"", word, "\" is not a hardware address (02:00:00:00:00:01)"]),
        }
    }
    if parts.next().is_some() {
        return wrong(&["\"", word, "\" is not a hardware address (02:00:00:00:00:01)"]);
    }
    if bytes[0] & 1 == 1 || bytes == [0; 6] {
        return wrong(&["\"", word, "\" is not the hardware address of one machine"]);
    }
    Ok(bytes)
}

/// A hardware address as text.
pub fn mac_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if !text.is_empty() {
            text.push(':');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_there_and_back() {
        for (line, back) in [
            ("10.0.0.1 lladdr 02:00:00:00:00:01 dev a", ""),
            (
                "fd00::/64 + 7 dev a lladdr 2:0:0:0:0:a nud noarp router",
                "fd00::7 lladdr 02:00:00:00:00:0a dev a nud noarp router",
            ),
            ("proxy fd00::1 dev a", ""),
        ] {
            let spec = parse(line).unwrap();
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&spec), back);
            assert_eq!(parse(back).unwrap(), spec);
        }
        for (line, expected) in [
            ("", "a neighbour needs its address"),
            ("10.0.0.1 lladdr 02:00:00:00:00:01", "a neighbour needs \"dev\""),
            ("10.0.0.1 dev a", "a neighbour needs \"lladdr\", a proxy has none"),
            ("10.0.0.1 lladdr 02:00 dev a", "\"02:00\" is not a hardware address (02:00:00:00:00:01)"),
            (
                "10.0.0.1 lladdr ff:ff:ff:ff:ff:ff dev a",
                "\"ff:ff:ff:ff:ff:ff\" is not the hardware address of one machine",
            ),
            ("10.0.0.1 nud stale", "nud: \"stale\" does not last; permanent or noarp"),
            ("10.0.0.1 laddr 1", "unknown word \"laddr\"; did you mean \"lladdr\"?"),
        ] {
            assert_eq!(parse(line).unwrap_err().text(), expected, "{line}");
        }
    }
}
