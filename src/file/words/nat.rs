//! Forwarded ports: `PROTOCOL/[ADDRESS:]PORT[-PORT]` is listened on, and leads to `ADDRESS[:PORT]`.

use std::net::IpAddr;

use super::{Wrong, address, number, wrong};
use crate::model::ip::addr_text;

const PROTOCOLS: [(&str, u8); 2] = [("tcp", 6), ("udp", 17)];

/// What is listened on: protocol, address, first and last port.
pub type Listen = (u8, Option<IpAddr>, (u16, u16));

/// Reads what is listened on.
pub fn listen(word: &str) -> Result<Listen, Wrong> {
    let form = || Wrong::of(&["\"", word, "\" is not tcp/PORT, tcp/PORT-PORT or tcp/ADDRESS:PORT (or udp)"]);
    let (protocol, rest) = word.split_once('/').ok_or_else(form)?;
    let protocol = PROTOCOLS.iter().find(|row| row.0 == protocol).ok_or_else(form)?.1;
    let (own, ports) = match rest.rsplit_once(':') {
        Some((own, ports)) => (Some(bare(own)?), ports),
        None => (None, rest),
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let ports = port(first).zip(port(last)).filter(|(first, last)| first <= last).ok_or_else(form)?;
    Ok((protocol, own, ports))
}

/// Writes it.
pub fn listen_text((protocol, own, (first, last)): Listen) -> String {
    let name = PROTOCOLS.iter().find(|row| row.1 == protocol).map_or("", |row| row.0);
    let own = own.map(|own| end_text(own) + ":").unwrap_or_default();
    let first_text = first.to_string();
    match first == last {
        true => [name, "/", &own, &first_text].concat(),
        false => [name, "/", &own, &first_text, "-", &last.to_string()].concat(),
    }
}

/// Reads where it leads: address and port.
pub fn target(word: &str) -> Result<(IpAddr, Option<u16>), Wrong> {
    if let Ok(addr) = word.parse() {
        return Ok((addr, None));
    }
    match word.rsplit_once(':').filter(|(addr, _)| !addr.contains(':') || addr.ends_with(']')) {
        Some((addr, given)) => match port(given) {
            Some(port) => Ok((bare(addr)?, Some(port))),
            None => wrong(&["\"", given, "\" is no port from 1 to 65535"]),
        },
        None => Ok((bare(word)?, None)),
    }
}

/// Writes it.
pub fn target_text(addr: IpAddr, port: Option<u16>) -> String {
    match port {
        None => addr_text(&addr).to_string(),
        Some(port) => [&end_text(addr), ":", &port.to_string()].concat(),
    }
}

fn end_text(addr: IpAddr) -> String {
    if addr.is_ipv6() { ["[", &addr_text(&addr), "]"].concat() } else { addr_text(&addr).to_string() }
}

/// An address, of IPv6 in brackets.
fn bare(word: &str) -> Result<IpAddr, Wrong> {
    match word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        Some(word) if word.contains(':') => address(word),
        None if !word.contains(':') => address(word),
        _ => wrong(&["\"", word, "\": an IPv6 address with a port stands in brackets"]),
    }
}

fn port(word: &str) -> Option<u16> {
    number(word, 65535).and_then(|number| u16::try_from(number).ok()).filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_there_and_back() {
        for line in ["tcp/8080", "udp/53", "tcp/8000-8010", "tcp/192.0.2.1:80", "udp/[fd00::1]:1-65535"] {
            assert_eq!(listen_text(listen(line).unwrap()), line);
        }
        for line in ["192.168.15.1:80", "192.168.15.1", "[fd00::1]:80", "fd00::1"] {
            let (addr, port) = target(line).unwrap();
            assert_eq!(target_text(addr, port), line);
        }
        for line in ["8080", "sctp/1", "tcp/", "tcp/0", "tcp/2-1", "tcp/65536", "tcp/+1"] {
            let expected = format!("\"{line}\" is not tcp/PORT, tcp/PORT-PORT or tcp/ADDRESS:PORT (or udp)");
            assert_eq!(listen(line).unwrap_err().text(), expected);
        }
        assert_eq!(
            listen("tcp/fd00::1:80").unwrap_err().text(),
            "\"fd00::1\": an IPv6 address with a port stands in brackets"
        );
        assert_eq!(target("10.0.0.1:0").unwrap_err().text(), "\"0\" is no port from 1 to 65535");
        assert_eq!(target("x").unwrap_err().text(), "\"x\" is not an address");
    }
}
