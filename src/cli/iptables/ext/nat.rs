//! Ranges of addresses and ports of the NAT targets: `ADDR[-ADDR][:PORT[-PORT[/BASE]]]`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names::{number, service, split as split_at, whole};
use super::value::Context;
use crate::cli::cursor::text;
use crate::cli::iptables::fail::Fail;
use crate::model::xt::{copy, get, put};
use crate::wire::attr::octets;

/// `NF_NAT_RANGE_MAP_IPS`.
const ADDRESSES: u32 = 1;
/// `NF_NAT_RANGE_PROTO_SPECIFIED`.
const PORTS: u32 = 2;
/// `NF_NAT_RANGE_PROTO_OFFSET`.
const BASE: u32 = 0x20;

/// Where a range that begins at `at` has its first and last address, and its ports: 4 bytes to an
/// address in the old structure of 24 bytes.
fn places(info: &[u8], at: usize) -> [usize; 3] {
    if info.len() == 24 { [at + 4, at + 8, at + 12] } else { [at + 4, at + 20, at + 36] }
}

/// Takes the value of `--to-source` or `--to-destination`, or `--to-ports` if it is only ports.
pub fn parse(word: &[u8], only_ports: bool, info: &mut [u8], at: usize, context: &Context) -> Result<(), Fail> {
    let (addrs, port) = if only_ports { (&b""[..], Some(word)) } else { split(word, context.is_v6) };
    if let Some(port) = port {
        if !context.protocol.is_some_and(|p| matches!(p.value, 1 | 6 | 17 | 33 | 58 | 132)) {
            return Err(Fail::parameter("Need TCP, UDP, SCTP or DCCP with port specification"));
        }
        let (numbers, flags) = ports(port)?;
        let [_, _, place] = places(info, at);
        for (index, number) in numbers.iter().enumerate() {
            copy(info, place + 2 * index, &number.to_be_bytes());
        }
        flag(info, at, flags);
        if addrs.is_empty() {
            return Ok(());
        }
    }
    let (min, max) = split_at(addrs, b'-');
    let max = max.unwrap_or(min);
    let [first, last, _] = places(info, at);
    for (word, place) in [(min, first), (max, last)] {
        copy(info, place, &octets(&address(word, context.is_v6)?));
    }
    flag(info, at, ADDRESSES);
    Ok(())
}

fn flag(info: &mut [u8], at: usize, bits: u32) {
    let old = get(info, b'w', at);
    put(info, b'w', at, old | bits);
}

#[inline(never)]
fn address(word: &[u8], is_v6: bool) -> Result<IpAddr, Fail> {
    let text = text(word);
    let found = if is_v6 { text.parse::<Ipv6Addr>().map(IpAddr::V6) } else { text.parse::<Ipv4Addr>().map(IpAddr::V4) };
    found.map_err(|_| Fail::word("Bad IP address \"", word, "\""))
}

/// The addresses, and the ports behind a colon. More than one colon without brackets is an IPv6 address.
fn split(word: &[u8], is_v6: bool) -> (&[u8], Option<&[u8]>) {
    if let [b'[', rest @ ..] = word
        && is_v6
        && let Some(end) = rest.iter().position(|&b| b == b']')
    {
        return match &rest[end + 1..] {
            [] => (&rest[..end], None),
            [b':', port @ ..] => (&rest[..end], Some(port)),
            _ => (word, None),
        };
    }
    let mut colons = word.iter().enumerate().filter(|byte| *byte.1 == b':').map(|byte| byte.0);
    match (colons.next(), colons.next()) {
        (Some(at), None) => (&word[..at], Some(&word[at + 1..])),
        _ => (word, None),
    }
}

/// First, last and base port, and the flags for them.
fn ports(word: &[u8]) -> Result<([u16; 3], u32), Fail> {
    let invalid = |word: &[u8]| Fail::word("Port `", word, "' not valid");
    let short = |number: u32| u16::try_from(number).ok();
    let Some((first, rest)) = number(word) else {
        let port = service(word, 0).ok_or_else(|| invalid(word))?;
        return Ok(([port, port, 0], PORTS));
    };
    let first = short(first).ok_or_else(|| invalid(word))?;
    let garbage = |rest: &[u8]| Fail::word("Garbage after port value: `", rest, "'");
    let max = match rest {
        [] => return Ok(([first, first, 0], PORTS)),
        [b'-', max @ ..] => max,
        [b':', ..] => return Err(Fail::parameter("Invalid port:port syntax - use dash")),
        _ => return Err(garbage(rest)),
    };
    let (last, rest) = number(max).ok_or_else(|| invalid(max))?;
    let last = short(last).ok_or_else(|| invalid(max))?;
    if last < first {
        return Err(Fail::word("Port range `", max, "' funky"));
    }
    match rest {
        [] => Ok(([first, last, 0], PORTS)),
        [b'/', base @ ..] => {
            let port = if base.first().is_some_and(u8::is_ascii_digit) {
                whole(base).and_then(short).filter(|&port| port > 0)
            } else {
                service(base, 0)
            };
            Ok(([first, last, port.ok_or_else(|| invalid(base))?], PORTS | BASE))
        }
        _ => Err(garbage(rest)),
    }
}

/// Adds a range as it is written; `only_ports` without the colon.
pub fn show(out: &mut String, only_ports: bool, info: &[u8], at: usize, is_v6: bool) {
    let flags = get(info, b'w', at);
    let [first, last, ports] = places(info, at);
    let has_ports = flags & PORTS != 0;
    let brackets = is_v6 && has_ports && flags & ADDRESSES != 0;
    if flags & ADDRESSES != 0 {
        out.push_str(if brackets { "[" } else { "" });
        super::show::range(out, info, [first, last], false, is_v6);
        out.push_str(if brackets { "]" } else { "" });
    }
    if !has_ports {
        return;
    }
    out.push_str(if only_ports { "" } else { ":" });
    let port = |index: usize| u16::from_be(u16::try_from(get(info, b'h', ports + 2 * index)).unwrap_or(0));
    super::show::decimal(out, port(0).into());
    if port(1) != port(0) {
        out.push('-');
        super::show::decimal(out, port(1).into());
    }
    if flags & BASE != 0 {
        out.push('/');
        super::show::decimal(out, port(2).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::nat::Not;

    #[test]
    fn ranges_are_read_and_shown() {
        let tcp = Some(Not { not: false, value: 6 });
        for (word, is_v6, expected) in [
            ("1.2.3.4", false, Some("1.2.3.4")),
            ("1.2.3.4:80", false, Some("1.2.3.4:80")),
            ("1.2.3.4-1.2.3.9:0x50-90/5", false, Some("1.2.3.4-1.2.3.9:80-90/5")),
            (":80", false, Some(":80")),
            ("[fd00::1]:80", true, Some("[fd00::1]:80")),
            ("[fd00::1-fd00::9]:80-81", true, Some("[fd00::1-fd00::9]:80-81")),
            ("[fd00::1]", true, Some("fd00::1")),
            (":80", true, Some(":80")),
            ("fd00::1", false, None),
            ("1.2.3.4:", false, None),
            ("1.2.3.4:70000", false, None),
            ("1.2.3.4:9-8", false, None),
            ("1.2.3.4:8/9", false, None),
            ("", false, None),
            ("[fd00::1]x", true, None),
        ] {
            let mut info = vec![0; 48];
            let context = Context { is_v6, protocol: tcp, ..Context::default() };
            let done = parse(word.as_bytes(), false, &mut info, 0, &context).ok().map(|()| {
                let mut out = String::new();
                show(&mut out, false, &info, 0, is_v6);
                out
            });
            assert_eq!(done.as_deref(), expected, "{word}");
        }
    }
}
