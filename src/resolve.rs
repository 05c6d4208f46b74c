//! Names to addresses: `/etc/hosts`, then the name servers of `/etc/resolv.conf`. The C
//! library's resolver does more (services, sorting, TCP) in 26 KB; this is a tenth of it.
//! Source: RFC 1035, hosts(5), resolv.conf(5).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use crate::model::ip::{Family, aton, family_of, parse_addr};
use crate::sys::address::scope_number;
use crate::sys::process::random;

/// Why a name has no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is no such name, or it has no address of the family.
    Unknown,
    /// No name server answered.
    NoAnswer,
}

const DNS_PORT: u16 = 53;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
/// How long to wait for an answer, and how often to ask each server.
const PATIENCE: Duration = Duration::from_millis(2500);
const ATTEMPTS: usize = 2;

/// The addresses of a word: a literal (`fe80::1%eth0` with its interface), or a name's, IPv6 first as
/// RFC 6724 prefers it.
///
/// # Errors
/// [`Failure`].
pub fn resolve(word: &str) -> Result<Vec<SocketAddr>, Failure> {
    let (literal, scope) = word.split_once('%').map_or((word, None), |(literal, scope)| (literal, Some(scope)));
    let address = aton(literal).map(IpAddr::V4).or_else(|| parse_addr(literal, Family::V6));
    match (address, scope) {
        (Some(IpAddr::V6(ip)), Some(scope)) => {
            let name = std::ffi::CString::new(scope).unwrap_or_default();
            let number = scope.parse().unwrap_or_else(|_| scope_number(&name));
            if number == 0 { Err(Failure::Unknown) } else { Ok(vec![SocketAddrV6::new(ip, 0, 0, number).into()]) }
        }
        (Some(addr), None) => Ok(vec![SocketAddr::new(addr, 0)]),
        (_, Some(_)) => Err(Failure::Unknown),
        (None, None) => {
            let addresses = lookup(word, Family::Unspec)?;
            let mut found = Vec::new();
            for v4 in [false, true] {
                for addr in addresses.iter().filter(|addr| addr.is_ipv4() == v4) {
                    found.push(SocketAddr::new(*addr, 0));
                }
            }
            Ok(found)
        }
    }
}

/// The addresses of a name.
///
/// # Errors
/// [`Failure`].
pub fn lookup(name: &str, family: Family) -> Result<Vec<IpAddr>, Failure> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut found = in_hosts(&hosts, name, family);
    if found.is_empty() && name.eq_ignore_ascii_case("localhost") {
        found = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        found.retain(|addr| family == Family::Unspec || family_of(addr) == family);
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let config = Config::parse(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    let mut failure = Failure::Unknown;
    for candidate in config.candidates(name) {
        let types: &[u16] = match family {
            Family::V4 => &[TYPE_A],
            Family::V6 => &[TYPE_AAAA],
            _ => &[TYPE_A, TYPE_AAAA],
        };
        for kind in types {
            match config.ask(&candidate, *kind) {
                Ok(addresses) => found.extend(addresses),
                Err(reason) => failure = reason,
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
        if failure == Failure::NoAnswer {
            break;
        }
    }
    Err(failure)
}

fn in_hosts(hosts: &str, name: &str, family: Family) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for (addr, mut names) in rows(hosts) {
        if (family == Family::Unspec || family_of(&addr) == family) && names.any(|own| own.eq_ignore_ascii_case(name)) {
            found.push(addr);
        }
    }
    found
}

fn rows(hosts: &str) -> impl Iterator<Item = (IpAddr, std::str::SplitWhitespace<'_>)> {
    hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        Some((parse_addr(words.next()?, Family::Unspec)?, words))
    })
}

/// What `/etc/resolv.conf` says.
struct Config {
    servers: Vec<IpAddr>,
    search: Vec<String>,
    ndots: usize,
}

impl Config {
    fn parse(text: &str) -> Self {
        let mut config = Config { servers: Vec::new(), search: Vec::new(), ndots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    if let Some(server) = words.next().and_then(|word| parse_addr(word, Family::Unspec)) {
                        config.servers.push(server);
                    }
                }
                Some("search" | "domain") => config.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    for option in words {
                        if let Some(number) = option.strip_prefix("ndots:") {
                            config.ndots = number.parse().unwrap_or(1);
                        }
                    }
                }
                _ => {}
            }
        }
        if config.servers.is_empty() {
            config.servers.push(Ipv4Addr::LOCALHOST.into());
        }
        config.servers.truncate(3);
        config
    }

    /// The whole names to ask for, in order.
    fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| [name, ".", domain].concat()).collect();
        let dots = name.bytes().filter(|&b| b == b'.').count();
        names.insert(if dots >= self.ndots { 0 } else { names.len() }, name.to_owned());
        names
    }

    fn ask(&self, name: &str, kind: u16) -> Result<Vec<IpAddr>, Failure> {
        let mut id = [0; 2];
        random(&mut id);
        let query = question(name, kind, id).ok_or(Failure::Unknown)?;
        for _ in 0..ATTEMPTS {
            for server in &self.servers {
                let Ok(answer) = exchange(*server, &query) else { continue };
                match read(&answer, &query, kind) {
                    Some(Answer::Addresses(addresses)) => return Ok(addresses),
                    Some(Answer::NoSuchName) => return Err(Failure::Unknown),
                    None => {}
                }
            }
        }
        Err(Failure::NoAnswer)
    }
}

fn exchange(server: IpAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    // Connected: only the server's datagrams arrive, and a closed port is an error at once.
    socket.connect(SocketAddr::new(server, DNS_PORT))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(query)?;
    let mut answer = vec![0; 1500];
    loop {
        let len = socket.recv(&mut answer)?;
        if answer.get(..2) == query.get(..2) {
            answer.truncate(len);
            return Ok(answer);
        }
    }
}

/// A query for one record type; `None` for a name that cannot be one.
fn question(name: &str, kind: u16, id: [u8; 2]) -> Option<Vec<u8>> {
    // Recursion wanted, one question.
    let mut query = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        let len = u8::try_from(label.len()).ok().filter(|len| (1..64).contains(len))?;
        query.push(len);
        query.extend_from_slice(label.as_bytes());
    }
    query.push(0);
    query.extend_from_slice(&kind.to_be_bytes());
    query.extend_from_slice(&CLASS_IN.to_be_bytes());
    (query.len() <= 12 + 255 + 4).then_some(query)
}

enum Answer {
    Addresses(Vec<IpAddr>),
    NoSuchName,
}

/// Reads an answer to a query; `None` if it is none, or the server failed. The records of a chain of
/// aliases (CNAME) all come along, so that those of the asked type are the answer.
fn read(answer: &[u8], query: &[u8], kind: u16) -> Option<Answer> {
    let echoed = answer.get(12..query.len())?;
    if !echoed.eq_ignore_ascii_case(query.get(12..)?) || answer[2] & 0x80 == 0 {
        return None;
    }
    match answer[3] & 15 {
        0 => {}
        3 => return Some(Answer::NoSuchName),
        _ => return None,
    }
    let count = be16(answer, 6)?;
    let mut at = query.len();
    let mut found = Vec::new();
    for _ in 0..count {
        at = skip_name(answer, at)?;
        let (record, class, len) = (be16(answer, at)?, be16(answer, at + 2)?, usize::from(be16(answer, at + 8)?));
        let data = answer.get(at + 10..at + 10 + len)?;
        at += 10 + len;
        if record != kind || class != CLASS_IN {
            continue;
        }
        if let Ok(octets) = <[u8; 4]>::try_from(data) {
            found.push(IpAddr::from(octets));
        } else if let Ok(octets) = <[u8; 16]>::try_from(data) {
            found.push(IpAddr::from(octets));
        }
    }
    Some(if found.is_empty() { Answer::NoSuchName } else { Answer::Addresses(found) })
}

/// Offset behind a name, which ends in an empty label or in a pointer.
fn skip_name(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            len if len & 0xc0 == 0xc0 => return Some(at + 2),
            len => at += 1 + usize::from(len),
        }
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_by_name() {
        let hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost # both\n10.0.0.1\tRouter gw\nbroken\n";
        let find = |name, family| in_hosts(hosts, name, family).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(find("localhost", Family::Unspec), ["127.0.0.1", "::1"]);
        assert_eq!(find("localhost", Family::V6), ["::1"]);
        assert_eq!(find("router", Family::Unspec), ["10.0.0.1"]);
        assert_eq!(find("both", Family::Unspec), [""; 0]);
    }

    #[test]
    fn search_domains_come_before_or_after_by_the_dots() {
        let config = Config::parse("nameserver 10.0.0.53\nsearch lab example.org\noptions ndots:2 edns0\n");
        assert_eq!(config.candidates("a.b"), ["a.b.lab", "a.b.example.org", "a.b"]);
        assert_eq!(config.candidates("a.b.c"), ["a.b.c", "a.b.c.lab", "a.b.c.example.org"]);
        assert_eq!(config.candidates("a."), ["a"]);
        assert_eq!(Config::parse("").servers, [IpAddr::from([127, 0, 0, 1])]);
    }

    #[test]
    fn an_answer_with_an_alias_and_junk() {
        let query = question("www.example.org", TYPE_A, [1, 2]).unwrap();
        assert_eq!(&query[12..], b"\x03www\x07example\x03org\x00\x00\x01\x00\x01");
        let mut answer = query.clone();
        (answer[2], answer[3], answer[7]) = (0x81, 0x80, 2);
        answer.extend_from_slice(b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x03\x01a\x00");
        answer.extend_from_slice(b"\x01a\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x07");
        let Some(Answer::Addresses(found)) = read(&answer, &query, TYPE_A) else { panic!() };
        assert_eq!(found, [IpAddr::from([10, 0, 0, 7])]);
        for len in 0..answer.len() {
            let _ = read(&answer[..len], &query, TYPE_A);
        }
        answer[3] = 0x83;
        assert!(matches!(read(&answer, &query, TYPE_A), Some(Answer::NoSuchName)));
        answer[3] = 0x82;
        assert!(read(&answer, &query, TYPE_A).is_none());
    }

    #[test]
    fn names_that_cannot_be() {
        for bad in ["", "a..b", &"x".repeat(64), &"x.".repeat(200)] {
            assert!(question(bad, TYPE_A, [0, 0]).is_none(), "{bad}");
        }
    }
}
