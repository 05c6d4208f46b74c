//! Names of numbers: ports from `/etc/services`, users and groups from `/etc/passwd` and
//! `/etc/group`, protocols from a list of their own.

use crate::cli::cursor::text;

/// Protocols as `/etc/protocols` has them. The first name of a number is the one that is printed.
const PROTOCOLS: &str = "all=0,ip=0,icmp=1,igmp=2,ggp=3,ipencap=4,st=5,tcp=6,egp=8,igp=9,pup=12,udp=17,hmp=20,\
    xns-idp=22,rdp=27,iso-tp4=29,dccp=33,xtp=36,ddp=37,idpr-cmtp=38,ipv6=41,ipv6-route=43,ipv6-frag=44,idrp=45,\
    rsvp=46,gre=47,esp=50,ah=51,skip=57,ipv6-icmp=58,icmpv6=58,ipv6-nonxt=59,ipv6-opts=60,rspf=73,vmtp=81,eigrp=88,\
    ospf=89,ax.25=93,ipip=94,etherip=97,encap=98,pim=103,ipcomp=108,vrrp=112,l2tp=115,isis=124,sctp=132,fc=133,\
    mobility-header=135,ipv6-mh=135,mh=135,udplite=136,mpls-in-ip=137,manet=138,hip=139,shim6=140,wesp=141,rohc=142,\
    ethernet=143";

/// A number as C's `strtoul` with base 0 reads it (decimal, `0x`, leading `0` for octal), and what is behind it.
#[inline(never)]
pub fn number(word: &[u8]) -> Option<(u32, &[u8])> {
    let (radix, skip) = match word {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => (16, 2),
        [b'0', ..] => (8, 0),
        _ => (10, usize::from(word.first() == Some(&b'+'))),
    };
    digits(word.get(skip..)?, radix)
}

/// A number without a prefix, in a base, and what is behind it.
#[inline(never)]
pub fn digits(word: &[u8], radix: u32) -> Option<(u32, &[u8])> {
    let len = word.iter().position(|&b| !char::from(b).is_digit(radix)).unwrap_or(word.len());
    let (digits, rest) = word.split_at(len);
    Some((u32::from_str_radix(text(digits), radix).ok()?, rest))
}

/// What is before a byte, and what is behind it, if it is there.
#[inline(never)]
pub fn split(word: &[u8], by: u8) -> (&[u8], Option<&[u8]>) {
    for (at, &byte) in word.iter().enumerate() {
        if byte == by {
            return (&word[..at], Some(&word[at + 1..]));
        }
    }
    (word, None)
}

/// A whole word that is a number.
#[inline(never)]
pub fn whole(word: &[u8]) -> Option<u32> {
    number(word).filter(|found| found.1.is_empty()).map(|found| found.0)
}

/// A protocol by name or number.
#[inline(never)]
pub fn protocol(word: &[u8]) -> Option<u8> {
    match whole(word) {
        Some(number) => u8::try_from(number).ok(),
        None => crate::model::xt::entries(PROTOCOLS)
            .find(|entry| word.eq_ignore_ascii_case(entry.0.as_bytes()))
            .and_then(|entry| u8::try_from(entry.1).ok()),
    }
}

/// The name of a protocol, if there is one that is shown.
pub fn protocol_name(number: u8) -> Option<&'static str> {
    crate::model::xt::name_of(PROTOCOLS, number.into())
}

/// The lines of a file until one is what is looked for.
#[inline(never)]
fn search(path: &str, found: &mut dyn FnMut(&[u8]) -> Option<()>) -> Option<()> {
    let file = std::fs::read(path).ok()?;
    file.split(|&b| b == b'\n').find_map(|line| found(line.split(|&b| b == b'#').next().unwrap_or_default()))
}

/// The next word of a line.
#[inline(never)]
fn word<'a>(line: &mut &'a [u8]) -> Option<&'a [u8]> {
    let found = crate::cli::iptables::show::word_of(line);
    (!found.is_empty()).then_some(found)
}

/// The number in `PORT/PROTOCOL`, if it is of this protocol; 0 is any.
#[inline(never)]
fn port_of(word: &[u8], protocol: u8) -> Option<u32> {
    let (port, rest) = digits(word, 10)?;
    let [b'/', of @ ..] = rest else { return None };
    let same = protocol == 0 || protocol_name(protocol).is_some_and(|name| name.as_bytes() == of);
    (same && port <= 0xffff).then_some(port)
}

/// A port by number or by the name of its service.
#[inline(never)]
pub fn port(word: &[u8], protocol: u8) -> Option<u16> {
    if let Some(number) = whole(word) {
        return u16::try_from(number).ok();
    }
    service(word, protocol)
}

/// A port by the name of its service.
#[inline(never)]
pub fn service(name: &[u8], protocol: u8) -> Option<u16> {
    let mut port = 0;
    search("/etc/services", &mut |mut line| {
        let (first, number) = (word(&mut line)?, word(&mut line)?);
        port = port_of(number, protocol)?;
        let mut alias = first;
        while alias != name {
            alias = word(&mut line)?;
        }
        Some(())
    })?;
    u16::try_from(port).ok()
}

/// The name of the service at a port.
#[inline(never)]
pub fn service_name(port: u32, protocol: u8) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    search("/etc/services", &mut |mut line| {
        let (first, number) = (word(&mut line)?, word(&mut line)?);
        if port_of(number, protocol)? != port {
            return None;
        }
        name = first.to_vec();
        Some(())
    })?;
    Some(name)
}

/// The line of a user (`u`) or group with this name or number: both.
#[inline(never)]
fn accounts(kind: u8, wanted: &dyn Fn(&[u8], &[u8]) -> bool) -> Option<(Vec<u8>, u32)> {
    let mut account = None;
    search(if kind == b'u' { "/etc/passwd" } else { "/etc/group" }, &mut |line| {
        let mut fields = line.split(|&b| b == b':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        if !wanted(name, number) {
            return None;
        }
        account = Some((name.to_vec(), whole(number)?));
        Some(())
    })?;
    account
}

/// The number of a user (`u`) or group by name.
pub fn account(kind: u8, name: &[u8]) -> Option<u32> {
    Some(accounts(kind, &|other, _| other == name)?.1)
}

/// The name of a user (`u`) or group.
pub fn account_name(kind: u8, id: u32) -> Option<Vec<u8>> {
    Some(accounts(kind, &|_, number| whole(number) == Some(id))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_strtoul_ends() {
        for (word, expected) in [
            ("80", Some((80, ""))),
            ("0x1f/2", Some((31, "/2"))),
            ("010", Some((8, ""))),
            ("0", Some((0, ""))),
            ("09", Some((0, "9"))),
            ("+5", Some((5, ""))),
            ("-5", None),
            ("", None),
            ("x", None),
            ("4294967296", None),
            ("0x", Some((0, "x"))),
        ] {
            assert_eq!(number(word.as_bytes()), expected.map(|(n, rest)| (n, rest.as_bytes())), "{word}");
        }
    }

    #[test]
    fn protocols() {
        assert_eq!(protocol(b"TCP"), Some(6));
        assert_eq!(protocol(b"58"), Some(58));
        assert_eq!(protocol(b"256"), None);
        assert_eq!(protocol_name(58), Some("ipv6-icmp"));
        assert_eq!(protocol_name(253), None);
    }
}
