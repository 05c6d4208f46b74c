//! Forwarded ports: `PROTOCOL/[ADDRESS:]PORT[-PORT]` is listened on, and leads to `ADDRESS[:PORT]`.

use std::net::{IpAddr, Ipv4Addr};

use super::{Words, name_of, named};
use crate::model::translation;
use crate::model::translation::parse::{Endpoint, endpoint};

const PROTOCOLS: &str = "tcp=6 udp=17";

/// What is listened on: protocol, address, first and last port.
pub type Listen = (u8, Option<IpAddr>, (u16, u16));

/// Reads what is listened on.
#[inline(never)]
pub fn listen(words: &mut Words<'_>, word: &str) -> Listen {
    let (protocol, rest) = word.split_once('/').unwrap_or_default();
    let protocol = named(PROTOCOLS, protocol).and_then(|number| u8::try_from(number).ok());
    match (protocol, part(rest, true)) {
        (Some(protocol), Ok((own, Some(ports)))) => (protocol, own, ports),
        _ => {
            words
                .fail("\"%\" is not tcp/PORT, tcp/PORT-PORT, tcp/ADDRESS:PORT or tcp/[ADDRESS]:PORT (or udp)", &[word]);
            Listen::default()
        }
    }
}

/// Writes it.
#[inline(never)]
pub fn listen_text((protocol, own, ports): Listen) -> String {
    let own = translation::endpoint(own.map(|own| (own, own)), Some(ports));
    [name_of(PROTOCOLS, protocol.into()).unwrap_or_default(), "/", &own].concat()
}

/// Reads where it leads: address and port.
#[inline(never)]
pub fn target(words: &mut Words<'_>, word: &str) -> (IpAddr, Option<u16>) {
    match part(word, false) {
        Ok((Some(addr), None)) => return (addr, None),
        Ok((Some(addr), Some((first, last)))) if first == last => return (addr, Some(first)),
        Ok(_) => words.fail("\"%\" is not ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT", &[word]),
        Err(why) => words.fail("%", &[&why]),
    }
    (Ipv4Addr::UNSPECIFIED.into(), None)
}

/// Writes it.
#[inline(never)]
pub fn target_text(addr: IpAddr, port: Option<u16>) -> String {
    translation::endpoint(Some((addr, addr)), port.map(|port| (port, port)))
}

/// What [`part`] finds.
type Part = (Option<IpAddr>, Option<(u16, u16)>);

/// One address, ports, or both.
#[inline(never)]
fn part(word: &str, bare_port: bool) -> Result<Part, String> {
    let mut found = Endpoint::default();
    endpoint(word, bare_port, &mut found)?;
    match found {
        (Some((first, last)), ports) if first == last => Ok((Some(first), ports)),
        (Some(_), _) => Ok((None, None)),
        (None, ports) => Ok((None, ports)),
    }
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
        for line in [
            "8080",
            "sctp/1",
            "tcp/",
            "tcp/0",
            "tcp/2-1",
            "tcp/65536",
            "tcp/+1",
            "tcp/fd00::1:80",
            "tcp/10.0.0.1",
            "tcp/10.0.0.1-10.0.0.2:80",
        ] {
            let expected = "is not tcp/PORT, tcp/PORT-PORT, tcp/ADDRESS:PORT or tcp/[ADDRESS]:PORT (or udp)";
            assert_eq!(read(line, listen).unwrap_err(), format!("\"{line}\" {expected}"));
        }
        for (line, expected) in [
            ("10.0.0.1:0", "\"0\" is no port or range of ports (1 to 65535)"),
            ("x", "\"x\" is no address with ports"),
            ("10.0.0.1-10.0.0.2:80", "\"10.0.0.1-10.0.0.2:80\" is not ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"),
            ("10.0.0.1:80-81", "\"10.0.0.1:80-81\" is not ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"),
        ] {
            assert_eq!(read(line, target).unwrap_err(), expected);
        }
    }
}
