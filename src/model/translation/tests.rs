//! Words, keys and rules of translations.

use super::key::{KEY_MAX, cut, is_of};
use super::leg::{Act, Hook, State};
use super::*;

fn rule(text: &str) -> Translation {
    parse(&text.split(' ').collect::<Vec<_>>()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// What is written, and how it is listed.
const RULES: &[(&str, &str)] = &[
    ("masquerade from 192.168.15.77/24", "masquerade from 192.168.15.0/24"),
    ("masquerade out eth0 from 10/8", "masquerade from 10.0.0.0/8 out eth0"),
    ("masquerade from 10.0.0.1 to 0.0.0.0/0", "masquerade from 10.0.0.1 to 0.0.0.0/0"),
    (
        "masquerade from fd00::1/64 persistent ports 1024-65535 random",
        "masquerade from fd00::/64 ports 1024-65535 random persistent",
    ),
    ("snat from 10.0.0.0/255.0.0.0 to 10.99.0.9", "snat from 10.0.0.0/8 to 10.99.0.9"),
    (
        "snat from 10.0.0.0/8 to 1.2.0.0/16 out up0 to 10.99.0.9-10.99.0.12:100-200",
        "snat from 10.0.0.0/8 to 1.2.0.0/16 out up0 to 10.99.0.9-10.99.0.12:100-200",
    ),
    ("snat from fd00::/64 to [fd01::1]-[fd01::9]:80", "snat from fd00::/64 to [fd01::1]-[fd01::9]:80"),
    ("snat from fd00::/64 to fd01::1-fd01::9 fully-random", "snat from fd00::/64 to fd01::1-fd01::9 fully-random"),
    ("forward tcp 8080 to 192.168.15.11:80", "forward tcp 8080 to 192.168.15.11:80"),
    ("forward tcp listen 8080 to 192.168.15.11", "forward tcp 8080 to 192.168.15.11"),
    (
        "forward udp in eth0 listen 10.99.0.1:53-54 to 192.168.15.11",
        "forward udp in eth0 listen 10.99.0.1:53-54 to 192.168.15.11",
    ),
    (
        "forward tcp to 1.2.3.4:80 hairpin 1.2.0.9/16 listen 0.0.0.0:80",
        "forward tcp 80 to 1.2.3.4:80 hairpin 1.2.0.0/16",
    ),
    ("forward tcp 80 to [fd00::5]:8080", "forward tcp 80 to [fd00::5]:8080"),
    ("forward tcp listen [fd01::1]:80 to fd00::5", "forward tcp listen [fd01::1]:80 to fd00::5"),
    ("redirect tcp 80 to 3128", "redirect tcp 80 to 3128"),
    ("redirect udp in br0 listen 10.0.0.1:80-90 to 3128", "redirect udp in br0 listen 10.0.0.1:80-90 to 3128"),
    ("redirect tcp listen [::]:80 to 3128", "redirect tcp listen [::]:80 to 3128"),
    ("redirect tcp listen [fd00::1]:80 to 3128", "redirect tcp listen [fd00::1]:80 to 3128"),
];

/// As long as rules get.
const LONG: &[&str] = &[
    "snat from 1111:2222:3333:4444:5555:6666:7777:8888 to 1111:2222:3333:4444:5555:6666:7777:8880/127 out abcdefghijklmno to [1111:2222:3333:4444:5555:6666:7777:8888]-[f111:2222:3333:4444:5555:6666:7777:8888]:10000-65535 random persistent",
    "forward udp in abcdefghijklmno listen [1111:2222:3333:4444:5555:6666:7777:8888]:10000-65535 to [1111:2222:3333:4444:5555:6666:7777:8888]:65535 hairpin 1111:2222:3333:4444:5555:6666:7777:8880/127",
];

#[test]
fn words_are_listed_as_they_are_taken() {
    for (text, words) in RULES {
        assert_eq!(rule(text).words(), *words);
        assert_eq!(rule(words), rule(text));
    }
}

#[test]
fn a_key_tells_the_whole_translation() {
    for text in RULES.iter().map(|row| row.1).chain(LONG.iter().copied()) {
        let key = rule(text).key();
        assert!(key.len() <= KEY_MAX, "{} bytes: {text}", key.len());
        assert_eq!(Translation::from_key(key.as_bytes()), Some(rule(text)));
        assert!(is_of(key.as_bytes(), key.as_bytes()));
        let cut = cut(key.as_bytes());
        assert_eq!(cut.is_some(), key.len() > 127);
        if let Some(cut) = cut {
            assert_eq!((cut.len(), &cut[..118], cut[118]), (127, &key.as_bytes()[..118], b'~'));
            let other = [key.as_str(), "0"].concat();
            assert!(is_of(&cut, key.as_bytes()) && !is_of(&cut, other.as_bytes()));
            assert_eq!(Translation::from_key(&cut), None);
        }
    }
    assert_eq!(rule(RULES[0].0).key(), "ns1 masquerade from 192.168.15.0/24");
    for bad in ["", "netstrap", "ns1 ", "ns1 masquerade", "ns1 jump", "ns2 masquerade from 10.0.0.1"] {
        assert_eq!(Translation::from_key(bad.as_bytes()), None, "{bad}");
    }
    assert!(!is_of(b"ns1 masquerade from 10.0.0.1", b"ns1 masquerade from 10.0.0.11"));
}

#[test]
fn what_is_wrong_is_told() {
    for (text, message) in [
        ("", "\"\" is none of masquerade, snat, forward, redirect"),
        ("dnat from 1.2.3.4", "\"dnat\" is none of masquerade, snat, forward, redirect"),
        ("masquerade", "masquerade needs \"from\" and a subnet"),
        ("masquerade from", "\"from\" needs a value behind it"),
        ("masquerade from 10.0.0.0/33", "\"10.0.0.0/33\" is no subnet"),
        ("masquerade from 10.0.0.0/8 from 10.0.0.0/8", "\"from\" is given twice"),
        ("masquerade from 10.0.0.0/8 to 1.2.3.4 to 1.2.3.5", "\"to\" is given twice"),
        ("masquerade from 10.0.0.0/8 to fd00::/8", "IPv4 and IPv6 addresses are mixed in one rule"),
        ("masquerade from 10.0.0.0/8 out a/b", "\"a/b\" is no name of an interface"),
        ("masquerade from 10.0.0.0/8 out eth*", "\"eth*\" is no name of an interface"),
        ("masquerade from 10.0.0.0/8 out 1234567890123456", "\"1234567890123456\" is no name of an interface"),
        ("masquerade from 10.0.0.0/8 in eth0", "masquerade: the word \"in\" is not known here"),
        ("masquerade from 10.0.0.0/8 random fully-random", "random and fully-random exclude each other"),
        ("masquerade from 10.0.0.0/8 ports 0-5", "\"0-5\" is no port or range of ports (1 to 65535)"),
        ("masquerade from 10.0.0.0/8 ports 9-5", "\"9-5\" is no port or range of ports (1 to 65535)"),
        ("snat from 10.0.0.0/8", "snat needs \"to\" and where it leads"),
        ("snat from 10.0.0.0/8 to 80", "\"80\" is no address with ports"),
        ("snat from 10.0.0.0/8 to 1.2.3.4-1.2.3.3", "\"1.2.3.4-1.2.3.3\" is no address with ports"),
        ("snat from 10.0.0.0/8 to 1.2.3.4-fd00::1", "\"1.2.3.4-fd00::1\" is no address with ports"),
        ("snat from 10.0.0.0/8 to fd00::1", "IPv4 and IPv6 addresses are mixed in one rule"),
        ("snat from 10.0.0.0/8 to 1.2.3.4:99999", "\"99999\" is no port or range of ports (1 to 65535)"),
        ("forward", "forward needs a protocol behind it: tcp or udp"),
        ("forward icmp 8 to 1.2.3.4", "forward needs a protocol behind it: tcp or udp"),
        ("forward tcp to 1.2.3.4", "forward needs \"PORT\" or \"listen ADDR:PORT\""),
        ("forward tcp 80", "forward needs \"to\" and where it leads"),
        ("forward tcp 80 to 1.2.3.4-1.2.3.9", "\"1.2.3.4-1.2.3.9\" is more than one address or port"),
        ("forward tcp 80 to 1.2.3.4:80-90", "\"1.2.3.4:80-90\" is more than one address or port"),
        ("forward tcp 80 81 to 1.2.3.4", "\"the port\" is given twice"),
        (
            "forward tcp listen 1.2.3.4 to 1.2.3.4",
            "\"1.2.3.4\" has no port; it is written ADDR:PORT, an IPv6 address in brackets",
        ),
        ("forward tcp listen 1.2.3.4:80 to [fd00::1]:80", "IPv4 and IPv6 addresses are mixed in one rule"),
        ("forward tcp +80 to 1.2.3.4", "forward: the word \"+80\" is not known here"),
        ("redirect tcp 80 to 1.2.3.4:80", "redirect leads to a port of this host; to another address leads forward"),
        (
            "forward tcp listen [::1]:80 to fd00::1",
            "the kernel lets nothing from ::1 out to another host; listen on another address",
        ),
        (
            "masquerade from 10.0.0.0/8 out eth+",
            "\"eth+\" is one name here: a rule is for one interface or, without the word, for all",
        ),
        (
            "redirect tcp in + 80 to 81",
            "\"+\" is one name here: a rule is for one interface or, without the word, for all",
        ),
        ("snat from 10.0.0.0/8 to 0.0.0.0", "\"0.0.0.0\" is no single host's address"),
        ("snat from 10.0.0.0/8 to 224.0.0.5:80", "\"224.0.0.5:80\" is no single host's address"),
        ("snat from 10.0.0.0/8 to 1.2.3.4-255.255.255.255", "\"1.2.3.4-255.255.255.255\" is no single host's address"),
        ("snat from fd00::/64 to ff02::1", "\"ff02::1\" is no single host's address"),
        ("forward tcp 80 to [::]:81", "\"[::]:81\" is no single host's address"),
        ("forward tcp 80 to 127.0.0.2:81", "\"127.0.0.2:81\" is this host itself, where redirect leads"),
        ("forward tcp 80 to ::1", "\"::1\" is this host itself, where redirect leads"),
        ("redirect tcp 80 to 0", "\"0\" is no port or range of ports (1 to 65535)"),
    ] {
        assert_eq!(parse(&text.split(' ').collect::<Vec<_>>()).unwrap_err(), message, "{text}");
    }
    assert!(parse(&[]).is_err());
}

#[test]
fn a_masquerade_spares_its_own_subnet_and_multicast_unless_told_where() {
    let excluded = |text: &str| -> Vec<String> {
        let legs = rule(text).legs(None, false);
        assert_eq!((legs.len(), legs[0].hook, legs[0].act), (1, Hook::Postrouting, Act::Masquerade));
        legs[0].excluded.iter().flatten().map(|prefix| prefix.text().to_string()).collect()
    };
    assert_eq!(excluded("masquerade from 192.168.15.0/24"), ["192.168.15.0/24", "224.0.0.0/4", "255.255.255.255/32"]);
    assert_eq!(excluded("masquerade from fd00::/64"), ["fd00::/64", "ff00::/8"]);
    assert_eq!(excluded("masquerade from 0.0.0.0/0"), ["224.0.0.0/4", "255.255.255.255/32"]);
    assert!(excluded("masquerade from 192.168.15.0/24 to 0.0.0.0/0").is_empty());
    let simple = rule("masquerade from 192.168.15.0/24").legs(None, true);
    assert_eq!(simple.iter().map(|leg| leg.act).collect::<Vec<_>>(), [Act::Return, Act::Return, Act::Masquerade]);
    assert!(simple.iter().all(|leg| leg.excluded[1..].iter().all(Option::is_none) && leg.source.is_some()));
}

#[test]
fn ports_are_for_tcp_and_udp_and_the_rest_gets_the_address() {
    let legs = rule("snat from 10.0.0.0/8 to 1.2.3.4:100-200").legs(None, false);
    let seen: Vec<_> = legs.iter().map(|leg| (leg.protocol, leg.new_ports.is_some(), leg.addrs.is_some())).collect();
    assert_eq!(seen, [(6, true, true), (17, true, true), (0, false, true)]);
}

#[test]
fn a_forward_works_from_outside_from_here_and_from_the_targets_own_subnet() {
    let hooks = |text: &str| rule(text).legs(None, false).iter().map(|leg| leg.hook).collect::<Vec<_>>();
    assert_eq!(hooks("forward tcp 80 to 10.1.2.3"), [Hook::Prerouting, Hook::Output, Hook::Postrouting]);
    assert_eq!(hooks("forward tcp in eth0 80 to 10.1.2.3"), [Hook::Prerouting, Hook::Postrouting]);
    assert_eq!(hooks("redirect tcp 80 to 81"), [Hook::Prerouting]);
    assert_eq!(hooks("redirect tcp listen 1.2.3.4:80 to 81"), [Hook::Prerouting, Hook::Output]);
    let legs = rule("forward tcp 80 to 10.1.2.3").legs(None, false);
    assert!(legs[0].local && legs[0].excluded[0].is_none() && legs[1].local);
    assert_eq!(legs[1].excluded[0].unwrap().text().to_string(), "127.0.0.0/8");
    let hairpin = |text: &str, subnet: Option<&str>| {
        let subnet = subnet.and_then(|text| crate::model::ip::parse_prefix(text, Family::Unspec));
        let legs = rule(text).legs(subnet, false);
        let last = legs.last().unwrap();
        assert_eq!((last.act, last.state), (Act::Masquerade, State::Dnat));
        last.source.unwrap().text().to_string()
    };
    assert_eq!(hairpin("forward tcp 80 to 10.1.2.3", None), "10.1.2.0/24");
    assert_eq!(hairpin("forward tcp 80 to fd00::5", None), "fd00::/64");
    assert_eq!(hairpin("forward tcp 80 to 10.1.2.3", Some("10.1.0.0/16")), "10.1.0.0/16");
    assert_eq!(hairpin("forward tcp 80 to 10.1.2.3 hairpin 10.0.0.0/8", Some("10.1.0.0/16")), "10.0.0.0/8");
    assert_eq!(hairpin("forward tcp listen 127.0.0.1:80 to 10.1.2.3", Some("10.1.0.0/16")), "127.0.0.0/8");
}
