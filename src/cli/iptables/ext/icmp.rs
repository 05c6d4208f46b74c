//! `--icmp-type` and `--icmpv6-type`: names of types, which may be shortened, and numbers.

use crate::cli::iptables::fail::Fail;
use crate::model::template::filled;

/// `NAME=TYPE[/CODE]`; without a code it is any. The order is that in which shortened names are looked for.
const V4: &str = "any=255 echo-reply=0 pong=0 destination-unreachable=3 network-unreachable=3/0 host-unreachable=3/1 \
    protocol-unreachable=3/2 port-unreachable=3/3 fragmentation-needed=3/4 source-route-failed=3/5 \
    network-unknown=3/6 host-unknown=3/7 network-prohibited=3/9 host-prohibited=3/10 TOS-network-unreachable=3/11 \
    TOS-host-unreachable=3/12 communication-prohibited=3/13 host-precedence-violation=3/14 precedence-cutoff=3/15 \
    source-quench=4 redirect=5 network-redirect=5/0 host-redirect=5/1 TOS-network-redirect=5/2 TOS-host-redirect=5/3 \
    echo-request=8 ping=8 router-advertisement=9 router-solicitation=10 time-exceeded=11 ttl-exceeded=11 \
    ttl-zero-during-transit=11/0 ttl-zero-during-reassembly=11/1 parameter-problem=12 ip-header-bad=12/0 \
    required-option-missing=12/1 timestamp-request=13 timestamp-reply=14 address-mask-request=17 address-mask-reply=18";
const V6: &str = "destination-unreachable=1 no-route=1/0 communication-prohibited=1/1 beyond-scope=1/2 \
    address-unreachable=1/3 port-unreachable=1/4 failed-policy=1/5 reject-route=1/6 packet-too-big=2 time-exceeded=3 \
    ttl-exceeded=3 ttl-zero-during-transit=3/0 ttl-zero-during-reassembly=3/1 parameter-problem=4 bad-header=4/0 \
    unknown-header-type=4/1 unknown-option=4/2 echo-request=128 ping=128 echo-reply=129 pong=129 \
    router-solicitation=133 router-advertisement=134 neighbour-solicitation=135 neighbor-solicitation=135 \
    neighbour-advertisement=136 neighbor-advertisement=136 redirect=137";

/// The names with type, first and last code.
fn names(is_v6: bool) -> impl Iterator<Item = (&'static str, [u8; 3])> {
    (if is_v6 { V6 } else { V4 }).split(' ').filter_map(|entry| {
        let (name, numbers) = entry.split_once('=')?;
        let (kind, code) = numbers.split_once('/').unwrap_or((numbers, ""));
        let kind = kind.parse().ok()?;
        Some((name, code.parse().map_or([kind, 0, 255], |code| [kind, code, code])))
    })
}

/// The type and range of codes of a word.
pub fn parse(word: &[u8], is_v6: bool) -> Result<[u8; 3], Fail> {
    let begins = |name: &str| name.as_bytes().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let which = if is_v6 { "ICMPv6" } else { "ICMP" };
    let mut found: Option<(&str, [u8; 3])> = None;
    for entry in names(is_v6).filter(|entry| begins(entry.0)) {
        if entry.0.len() == word.len() {
            return Ok(entry.1);
        }
        if let Some(first) = found {
            let after = filled("': `%' or `%'?", &[first.0, entry.0]);
            return Err(Fail::word(&["Ambiguous ", which, " type `"].concat(), word, &after));
        }
        found = Some(entry);
    }
    if let Some(found) = found {
        return Ok(found.1);
    }
    let byte = |word: &[u8]| super::names::whole(word).and_then(|number| u8::try_from(number).ok());
    let (kind, code) = super::names::split(word, b'/');
    let Some(kind) = byte(kind) else {
        return Err(Fail::word(&["Unknown ", which, " type `"].concat(), word, "'"));
    };
    match code.map(byte) {
        None => Ok([kind, 0, 255]),
        Some(Some(code)) => Ok([kind, code, code]),
        Some(None) => Err(Fail::word(&["Unknown ", which, " code `"].concat(), word, "'")),
    }
}

/// The first name of a type and range of codes.
pub fn name(numbers: [u8; 3], is_v6: bool) -> Option<&'static str> {
    names(is_v6).find(|entry| entry.1 == numbers).map(|entry| entry.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_name_and_number() {
        for (word, expected) in [
            ("echo-request", Some([8, 0, 255])),
            ("PING", Some([8, 0, 255])),
            ("3/4", Some([3, 4, 4])),
            ("any", Some([255, 0, 255])),
            ("frag", Some([3, 4, 4])),
            ("echo", None),
            ("3/", None),
            ("300", None),
            ("", None),
        ] {
            assert_eq!(parse(word.as_bytes(), false).ok(), expected, "{word}");
        }
        assert_eq!(parse(b"neighbor-sol", true).ok(), Some([135, 0, 255]));
        assert_eq!(name([135, 0, 255], true), Some("neighbour-solicitation"));
    }
}
