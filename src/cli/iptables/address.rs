//! `-s` and `-d`: a list of addresses, networks and host names with masks, as iptables reads them.

use std::net::IpAddr;

use super::fail::Fail;
use crate::cli::cursor::text;
use crate::model::ip::{Family, family_of, mask_of, parse_addr};
use crate::model::nat::Net;

/// The networks of a word, `ADDR[/MASK][,...]`, of one family; a name may stand for several.
#[inline(never)]
pub fn nets(word: &[u8], family: Family, nets: &mut Vec<Net>) -> Result<(), Fail> {
    for part in word.split(|&b| b == b',') {
        let part = part.trim_ascii_start();
        let (host, mask) = match part.iter().rposition(|&b| b == b'/') {
            Some(at) => (&part[..at], parse_mask(&part[at + 1..], family)?),
            None => (part, mask_of(family, family.bits())),
        };
        // A null mask makes the name irrelevant, as in `any/0`.
        if mask.is_unspecified() {
            nets.push(Net::new(mask, mask));
        } else {
            resolve(host, family, mask, nets)?;
        }
    }
    Ok(())
}

#[inline(never)]
fn parse_mask(word: &[u8], family: Family) -> Result<IpAddr, Fail> {
    let mask = text(word);
    if (family == Family::V6 || word.iter().filter(|&&b| b == b'.').count() == 3)
        && let Some(mask) = parse_addr(mask, family)
    {
        return Ok(mask);
    }
    match number(mask).and_then(|len| u8::try_from(len).ok()) {
        Some(len) if len <= family.bits() => Ok(mask_of(family, len)),
        _ => Err(Fail::word("invalid mask `", word, "' specified")),
    }
}

/// A number as C's `strtoul` with base 0 reads it: decimal, `0x` or leading `0` for octal.
pub fn number(word: &str) -> Option<u32> {
    let digits = word.strip_prefix('+').unwrap_or(word);
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if digits.starts_with('+') { None } else { u32::from_str_radix(digits, radix).ok() }
}

#[inline(never)]
fn resolve(host: &[u8], family: Family, mask: IpAddr, nets: &mut Vec<Net>) -> Result<(), Fail> {
    let name = text(host);
    let mut addrs = Vec::new();
    if let Some(addr) = parse_addr(name, family) {
        addrs.push(addr);
    } else if !host.is_empty() && !host.contains(&b':') {
        // What looks like an IPv6 address is not looked up.
        addrs = crate::resolve::lookup(name, family).unwrap_or_default();
    }
    if addrs.is_empty() {
        return Err(Fail::word("host/network `", host, "' not found"));
    }
    nets.extend(addrs.iter().filter(|addr| family_of(addr) == family).map(|addr| Net::new(*addr, mask)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(word: &str) -> String {
        let mut found = Vec::new();
        match nets(word.as_bytes(), Family::V4, &mut found) {
            Ok(()) => found.iter().map(|n| format!("{}/{} ", n.addr(), n.mask())).collect(),
            Err(fail) => fail.0.text.clone(),
        }
    }

    #[test]
    fn addresses_as_iptables_reads_them() {
        for (word, expected) in [
            ("192.168.15.77/24", "192.168.15.0/255.255.255.0 "),
            ("10/8", "10.0.0.0/255.0.0.0 "),
            ("10.1.2.3/20, 1.2.3.4", "10.1.0.0/255.255.240.0 1.2.3.4/255.255.255.255 "),
            ("1.2.3.4/255.255.0.255", "1.2.0.4/255.255.0.255 "),
            ("0x0a.1.2.3/010", "10.0.0.0/255.0.0.0 "),
            ("any/0", "0.0.0.0/0.0.0.0 "),
            ("1.2.3.4/0.0.0.0", "0.0.0.0/0.0.0.0 "),
            ("10.0.0.0/33", "invalid mask `33' specified"),
            ("10.0.0.0/", "invalid mask `' specified"),
            ("10.0.0.0/08", "invalid mask `08' specified"),
            ("10.0.0.0/255.255.255", "invalid mask `255.255.255' specified"),
            ("10.0.0.0/8/8", "host/network `10.0.0.0/8' not found"),
            ("fd00::1", "host/network `fd00::1' not found"),
            ("1.2.3.4,", "host/network `' not found"),
            ("", "host/network `' not found"),
        ] {
            assert_eq!(show(word), expected, "{word}");
        }
    }
}
