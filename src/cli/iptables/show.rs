//! The words of a listing: addresses, interfaces, protocols, targets, numbers and quoted
//! comments, as iptables prints each of them.

use crate::cli::cursor::shown;
use crate::model::nat::{IfPattern, Nat, NatFlags, NatKind, Net, Not, Target};

/// Names of addresses, from `/etc/hosts` and `/etc/networks`. DNS is not asked: a listing must
/// not wait for a network that may just be what is being set up.
pub struct Names {
    hosts: Vec<u8>,
    networks: Vec<u8>,
}

impl Names {
    /// Reads the two files; one that is missing has no names.
    pub fn read() -> Self {
        let read = |path: &str| std::fs::read(path).unwrap_or_default();
        Names { hosts: read("/etc/hosts"), networks: read("/etc/networks") }
    }

    fn name(&self, addr: &str) -> Option<String> {
        find(&self.hosts, addr, 0).or_else(|| find(&self.networks, addr, 1))
    }
}

/// The first name of an address in a file of two columns, of which `column` is the address.
fn find(file: &[u8], addr: &str, column: usize) -> Option<String> {
    for line in file.split(|&b| b == b'\n') {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let pair = [words.next().unwrap_or_default(), words.next().unwrap_or_default()];
        if pair[column] == addr.as_bytes() {
            return Some(shown(pair[1 - column]).into_owned());
        }
    }
    None
}

/// A network as `ADDR/LEN` or `ADDR/MASK`; `host` keeps the `/32`.
pub fn net(net: &Net, host: bool) -> String {
    with_mask(net, net.addr().to_string(), host)
}

fn with_mask(net: &Net, addr: String, host: bool) -> String {
    match net.prefix() {
        Some(32) if !host => addr,
        Some(len) => format!("{addr}/{len}"),
        None => format!("{addr}/{}", net.mask()),
    }
}

/// A network in a table; by name if names are wanted.
pub fn net_cell(net: Option<Not<Net>>, names: Option<&Names>) -> String {
    match (net, names) {
        (None, None) => "0.0.0.0/0".into(),
        (None, Some(_)) => "anywhere".into(),
        (Some(Not { value, .. }), names) => {
            let addr = value.addr().to_string();
            let name = names.and_then(|names| names.name(&addr));
            with_mask(&value, name.unwrap_or(addr), false)
        }
    }
}

/// An interface pattern with its `+`.
pub fn interface(pattern: &IfPattern) -> String {
    format!("{}{}", shown(&pattern.name), if pattern.wild { "+" } else { "" })
}

/// An interface pattern in a table.
pub fn interface_cell(pattern: Option<&Not<IfPattern>>, numeric: bool) -> String {
    match pattern {
        Some(Not { not, value }) => format!("{}{}", if *not { "!" } else { "" }, interface(value)),
        None if numeric => "*".into(),
        None => "any".into(),
    }
}

/// A protocol by name, if it is a common one.
pub fn protocol(number: u8, numeric: bool) -> String {
    const NAMES: &[(u8, &str)] = &[
        (0, "all"),
        (1, "icmp"),
        (2, "igmp"),
        (6, "tcp"),
        (17, "udp"),
        (41, "ipv6"),
        (47, "gre"),
        (50, "esp"),
        (51, "ah"),
        (132, "sctp"),
        (136, "udplite"),
    ];
    match NAMES.iter().find(|row| row.0 == number && !numeric) {
        Some(row) => row.1.to_owned(),
        None => number.to_string(),
    }
}

/// The target's column.
pub fn target_name(target: &Target) -> String {
    match target {
        Target::None => String::new(),
        Target::Accept => "ACCEPT".into(),
        Target::Drop => "DROP".into(),
        Target::Return => "RETURN".into(),
        Target::Jump(chain) | Target::Goto(chain) => shown(chain).into_owned(),
        Target::Nat(nat) => nat.kind.name().into(),
    }
}

/// What a table says of a target behind the addresses.
pub fn target_details(target: &Target) -> String {
    let Target::Nat(nat) = target else { return String::new() };
    let what = match nat.kind {
        NatKind::Masquerade => "masq ports: ",
        NatKind::Redirect => "redir ports ",
        NatKind::Snat | NatKind::Dnat => "to:",
    };
    words(nat, what, "")
}

/// ` -j NAME OPTIONS`, as `-S` prints it.
pub fn target_option(target: &Target) -> String {
    match target {
        Target::None => String::new(),
        Target::Goto(chain) => format!(" -g {}", shown(chain)),
        Target::Nat(nat) => {
            let what = match nat.kind {
                NatKind::Masquerade | NatKind::Redirect => "--to-ports ",
                NatKind::Snat => "--to-source ",
                NatKind::Dnat => "--to-destination ",
            };
            format!(" -j {}{}", nat.kind.name(), words(nat, what, "--"))
        }
        _ => format!(" -j {}", target_name(target)),
    }
}

/// Range and flags of a translation, behind the word for the range; `dashes` go before flags.
fn words(nat: &Nat, what: &str, dashes: &str) -> String {
    let mut range = String::new();
    if let Some((min, max)) = nat.addrs {
        range += &if min == max { min.to_string() } else { format!("{min}-{max}") };
    }
    if let Some((min, max)) = nat.ports {
        range += if nat.addrs.is_some() || nat.kind == NatKind::Dnat { ":" } else { "" };
        range += &if min == max { min.to_string() } else { format!("{min}-{max}") };
    }
    let mut out = String::new();
    if !range.is_empty() {
        out = format!(" {what}{range}");
    }
    for (flag, word) in
        [(NatFlags::RANDOM, "random"), (NatFlags::FULLY_RANDOM, "random-fully"), (NatFlags::PERSISTENT, "persistent")]
    {
        if nat.flags.contains(flag) {
            out += &format!(" {dashes}{word}");
        }
    }
    out
}

/// A count in a column, or `bare` in a sentence; thousands beyond 99999 are shortened unless `exact`.
pub fn number(count: u64, exact: bool, bare: bool) -> String {
    let (mut value, mut unit) = (count, "");
    if !exact && count > 99_999 {
        for next in ["K", "M", "G", "T"] {
            value = (value + 500) / 1000;
            unit = next;
            if value <= 9999 {
                break;
            }
        }
    }
    match (bare, exact, unit) {
        (true, ..) => format!("{value}{unit}"),
        (_, true, _) => format!("{value:>8} "),
        (_, _, "") => format!("{value:>5} "),
        _ => format!("{value:>4}{unit} "),
    }
}

/// A comment as a word that a shell and iptables-restore read back.
pub fn quoted(text: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if !text.is_empty() && text.iter().all(plain) {
        return shown(text).into_owned();
    }
    let mut out = vec![b'"'];
    for &byte in text {
        if matches!(byte, b'"' | b'\\' | b'\'') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    shown(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shortened_as_iptables_does() {
        let show = |count| number(count, false, false);
        for (count, expected) in [
            (0, "    0 "),
            (99_999, "99999 "),
            (100_000, " 100K "),
            (9_999_499, "9999K "),
            (9_999_500, "  10M "),
            (12_345_678_901, "  12G "),
        ] {
            assert_eq!(show(count), expected, "{count}");
        }
        assert_eq!(number(123_456, true, false), "  123456 ");
        assert_eq!(number(123_456, false, true), "123K");
    }

    #[test]
    fn comments_are_quoted_where_needed() {
        for (text, expected) in [
            ("simple-1_", "simple-1_"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a'\"\\", "\"a\\'\\\"\\\\\""),
            ("a\nb", "\"a\\x0ab\""),
        ] {
            assert_eq!(quoted(text.as_bytes()), expected);
        }
    }
}
