//! Neighbours: `ADDRESS lladdr MAC dev DEVICE [nud permanent|noarp] [router]`, or `proxy ADDRESS dev DEVICE`, as
//! behind `ip neighbour add`.

use super::{Line, Words};
use crate::model::ip::family_of;
use crate::model::neigh::{Neigh, NeighFlags, NeighState, mac_text};
use crate::model::topology::NeighSpec;

const TABLE: &str = "lladdr=lk dev=dd nud=ns router=r- proxy=p-";

/// Reads a neighbour.
#[inline(never)]
pub fn parse(words: &mut Words<'_>) -> Option<NeighSpec> {
    let mut neigh = Neigh { state: NeighState::PERMANENT, ..Neigh::default() };
    let mut device = None;
    while let Some(word) = words.peek() {
        // The first word that is no keyword is the address.
        if neigh.dst.is_none() && super::item::find(TABLE, word).is_none() {
            words.next();
            let dst = words.address(word);
            (neigh.dst, neigh.family) = (Some(dst), family_of(&dst));
            continue;
        }
        let item = words.item(TABLE)?;
        match item.key {
            b'l' => neigh.lladdr = Some(words.mac(item.text).to_vec()),
            b'd' => device = item.device,
            b'n' => neigh.state = NeighState::from_bits_retain(item.byte().into()),
            b'r' => neigh.flags |= NeighFlags::ROUTER,
            _ => neigh.flags |= NeighFlags::PROXY,
        }
    }
    let is_proxy = neigh.flags.contains(NeighFlags::PROXY);
    let wrong = if neigh.dst.is_none() {
        "a neighbour needs its address"
    } else if device.is_none() {
        "a neighbour needs \"dev\""
    } else if neigh.lladdr.is_none() != is_proxy {
        "a neighbour needs \"lladdr\", a proxy has none"
    } else {
        ""
    };
    if !wrong.is_empty() {
        words.fail(wrong, &[]);
    }
    device.map(|device| NeighSpec { neigh, device })
}

/// Writes a neighbour.
pub fn text(spec: &NeighSpec) -> String {
    let neigh = &spec.neigh;
    let mut line = Line::default();
    line.flag("proxy", neigh.flags.contains(NeighFlags::PROXY));
    line.address("", neigh.dst);
    if let Some(lladdr) = &neigh.lladdr {
        line.pair("lladdr", &mac_text(lladdr));
    }
    line.device("dev", Some(spec.device.as_bytes()));
    line.flag("nud noarp", neigh.state == NeighState::NOARP);
    line.flag("router", neigh.flags.contains(NeighFlags::ROUTER));
    line.0
}

impl Words<'_> {
    /// A hardware address of six bytes, of one machine.
    #[inline(never)]
    pub fn mac(&mut self, word: &str) -> [u8; 6] {
        let mut bytes = [0; 6];
        let mut count = 0;
        for part in word.split(':') {
            let is_plain = matches!(part.len(), 1 | 2) && !part.starts_with('+');
            match (bytes.get_mut(count), u8::from_str_radix(part, 16)) {
                (Some(byte), Ok(value)) if is_plain => *byte = value,
                _ => count = 6,
            }
            count += 1;
        }
        if count != 6 {
            self.fail("\"%\" is not a hardware address (02:00:00:00:00:01)", &[word]);
        } else if bytes[0] & 1 == 1 || bytes == [0; 6] {
            self.fail("\"%\" is not the hardware address of one machine", &[word]);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<NeighSpec, String> {
        let mut words = Words::new(line);
        let spec = parse(&mut words);
        words.wrong().map_or(spec.ok_or_else(String::new), |wrong| Err(wrong.to_owned()))
    }

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
            let spec = read(line).unwrap();
            let back = if back.is_empty() { line } else { back };
            assert_eq!(text(&spec), back);
            assert_eq!(read(back).unwrap(), spec);
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
            ("10.0.0.1 nud stale", "nud: \"stale\" is none that lasts; permanent or noarp"),
            ("10.0.0.1 laddr 1", "unknown word \"laddr\"; did you mean \"lladdr\"?"),
        ] {
            assert_eq!(read(line).unwrap_err(), expected, "{line}");
        }
    }
}
