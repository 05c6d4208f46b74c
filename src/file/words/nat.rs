//! Forwarded ports: `PROTOCOL/[ADDRESS:]PORT[-PORT]` is listened on, and leads to `ADDRESS[:PORT]`.

use std::net::{IpAddr, Ipv4Addr};

use super::{Words, name_of, named, short_span};
use crate::model::ip::addr_text;

const PROTOCOLS: &str = "tcp=6 udp=17";

/// What is listened on: protocol, address, first and last port.
pub type Listen = (u8, Option<IpAddr>, (u16, u16));

/// Reads what is listened on.
#[inline(never)]
pub fn listen(words: &mut Words<'_>, word: &str) -> Listen {
    let (protocol, rest) = word.split_once('/').unwrap_or_default();
    let protocol = named(PROTOCOLS, protocol).and_then(|number| u8::try_from(number).ok());
    let (own, ports) = match rest.rsplit_once(':') {
        Some((own, ports)) => (Some(own), ports),
        None => (None, rest),
    };
    let own = own.filter(|_| protocol.is_some()).map(|own| bare(words, own));
    let ports = protocol.zip(short_span(ports, 65535));
    if ports.is_none() {
        words.fail("\"%\" is not tcp/PORT, tcp/PORT-PORT or tcp/ADDRESS:PORT (or udp)", &[word]);
    }
    let (protocol, ports) = ports.unwrap_or_default();
    (protocol, own, ports)
}

/// Writes it.
pub fn listen_text((protocol, own, (first, last)): Listen) -> String {
    let mut text = [name_of(PROTOCOLS, protocol.into()).unwrap_or_default(), "/"].concat();
    if let Some(own) = own {
        text.push_str(&target_text(own, Some(first)));
    } else {
        text.push_str(&first.to_string());
    }
    if first != last {
        text.push('-');
        text.push_str(&last.to_string());
    }
    text
}

/// Reads where it leads: address and port.
#[inline(never)]
pub fn target(words: &mut Words<'_>, word: &str) -> (IpAddr, Option<u16>) {
    if let Ok(addr) = word.parse() {
        return (addr, None);
    }
    match word.rsplit_once(':').filter(|(addr, _)| !addr.contains(':') || addr.ends_with(']')) {
        Some((addr, given)) => {
            let port = short_span(given, 65535).filter(|_| !given.contains('-'));
            if port.is_none() {
                words.fail("\"%\" is no port from 1 to 65535", &[given]);
            }
            (bare(words, addr), port.map(|port| port.0))
        }
        None => (bare(words, word), None),
    }
}

/// Writes it.
#[inline(never)]
pub fn target_text(addr: IpAddr, port: Option<u16>) -> String {
    let own = addr_text(&addr);
    match port {
        None => own.to_string(),
        Some(port) => {
            let (open, close) = if addr.is_ipv6() { ("[", "]:") } else { ("", ":") };
            [open, &own, close, &port.to_string()].concat()
        }
    }
}

/// An address, of IPv6 in brackets.
#[inline(never)]
fn bare(words: &mut Words<'_>, word: &str) -> IpAddr {
    let inner = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
    let own = inner.unwrap_or(word);
    if inner.is_some() != own.contains(':') {
        words.fail("\"%\": an IPv6 address with a port stands in brackets", &[word]);
        return Ipv4Addr::UNSPECIFIED.into();
    }
    words.single(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(line: &str, of: fn(&mut Words<'_>, &str) -> T) -> Result<T, String> {
        let mut words = Words::new("");
        let what = of(&mut words, line);
        words.wrong().map_or(Ok(what), |wrong| Err(wrong.to_owned()))
    }

    #[test]
    fn ports_there_and_back() {
        for line in ["tcp/8080", "udp/53", "tcp/8000-8010", "tcp/192.0.2.1:80", "udp/[fd00::1]:1-65535"] {
            assert_eq!(listen_text(read(line, listen).unwrap()), line);
        }
        for line in ["192.168.15.1:80", "192.168.15.1", "[fd00::1]:80", "fd00::1"] {
            let (addr, port) = read(line, target).unwrap();
            assert_eq!(target_text(addr, port), line);
        }
        for line in ["8080", "sctp/1", "tcp/", "tcp/0", "tcp/2-1", "tcp/65536", "tcp/+1"] {
            let expected = format!("\"{line}\" is not tcp/PORT, tcp/PORT-PORT or tcp/ADDRESS:PORT (or udp)");
            assert_eq!(read(line, listen).unwrap_err(), expected);
        }
        assert_eq!(
            read("tcp/fd00::1:80", listen).unwrap_err(),
            "\"fd00::1\": an IPv6 address with a port stands in brackets"
        );
        assert_eq!(read("10.0.0.1:0", target).unwrap_err(), "\"0\" is no port from 1 to 65535");
        assert_eq!(read("x", target).unwrap_err(), "\"x\" is not an address");
    }
}
