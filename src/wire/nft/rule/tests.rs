//! Golden bytes of whole rules, and the round trip through both dialects.

use super::*;
use crate::model::nat::{Nat, NatFlags, NatKind, Rule};
use crate::wire::attr::attrs;
use crate::wire::reply::frames;

fn net(text: &str) -> Net {
    let (addr, mask) = text.split_once('/').unwrap();
    let mask = match mask.parse::<u8>() {
        Ok(len) => crate::model::ip::netmask(len),
        Err(_) => mask.parse::<std::net::Ipv4Addr>().unwrap(),
    };
    Net::new(addr.parse().unwrap(), mask.into())
}

fn is<T>(value: T) -> Option<Not<T>> {
    Some(Not { not: false, value })
}

fn isnt<T>(value: T) -> Option<Not<T>> {
    Some(Not { not: true, value })
}

fn pattern(name: &str) -> IfPattern {
    let wild = name.ends_with('+');
    IfPattern::new(name.trim_end_matches('+').as_bytes(), wild).unwrap()
}

fn nat(nat: Nat) -> Target {
    Target::Ext(xt::target(&nat, false))
}

fn masquerade() -> Target {
    nat(Nat { kind: NatKind::Masquerade, addrs: None, ports: None, flags: NatFlags::empty() })
}

fn snat(min: [u8; 4], max: [u8; 4]) -> Nat {
    Nat {
        kind: NatKind::Snat,
        addrs: Some((std::net::IpAddr::from(min), std::net::IpAddr::from(max))),
        ports: None,
        flags: NatFlags::empty(),
    }
}

fn sealed(spec: &Spec, dialect: Dialect) -> Vec<u8> {
    add(2, b"nat", b"POSTROUTING", Place::Append, spec, Counters::default(), dialect).seal(4, 0).unwrap()
}

/// Decodes a message that was built here; the kernel would have added a handle.
fn read_back(bytes: &[u8]) -> Rule {
    let mut bytes = bytes.to_vec();
    bytes.extend_from_slice(&[12, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    let len = u32::try_from(bytes.len()).unwrap().to_ne_bytes();
    bytes[..4].copy_from_slice(&len);
    decode(&frames(&bytes).next().unwrap(), b"nat").unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_masquerade_rule_of_the_golden_batch() {
    let spec = Spec {
        source: is(net("192.168.15.0/24")),
        destination: isnt(net("192.168.15.0/24")),
        comment: Some(b"netstrap".to_vec()),
        target: masquerade(),
        ..Spec::default()
    };
    let bytes = add(2, b"netstrap", b"postrouting", Place::Append, &spec, Counters::default(), Dialect::Native)
        .seal(7, 0)
        .unwrap();
    // The capture asks for an ack; the socket adds that flag.
    let expected = concat!(
        "48010000060a010c0700000000000000020000000d0001006e657473747261700000000010000200706f7374726f7574696e6700",
        "04010480340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c08000400",
        "000000032c00018008000100636d700020000280080001000000000108000200000000000c00038007000100c0a80f0034000180",
        "0c0001007061796c6f6164002400028008000100000000010800020000000001080003000000001008000400000000032c000180",
        "08000100636d700020000280080001000000000108000200000000010c00038007000100c0a80f002c0001800c000100636f756e",
        "746572001c0002800c00010000000000000000000c000200000000000000000014000180090001006d6173710000000004000280",
        "0f00070000096e657473747261700000"
    );
    assert_eq!(hex(&bytes), expected);
}

/// `-s 10.1.0.0/20 ! -d 1.2.3.4/0.255.0.255 -o eth+ -j SNAT --to-source 1.2.3.4`, as iptables-nft 1.8.9 sends it.
#[test]
fn the_expressions_of_an_snat_rule_as_captured_from_iptables() {
    let spec = Spec {
        source: is(net("10.1.0.0/20")),
        destination: isnt(net("1.2.3.4/0.255.0.255")),
        output: is(pattern("eth+")),
        target: nat(snat([1, 2, 3, 4], [1, 2, 3, 4])),
        ..Spec::default()
    };
    let bytes = sealed(&spec, Dialect::Iptables);
    let expected = concat!(
        "0c020480",
        "24000180090001006d657461000000001400028008000200000000070800010000000001",
        "2c00018008000100636d700020000280080001000000000108000200000000000c0003800700010065746800",
        "340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c0800040000000004",
        "440001800c00010062697477697365003400028008000100000000010800020000000001080003000000000",
        "40c00048008000100fffff0000c0005800800010000000000",
        "2c00018008000100636d700020000280080001000000000108000200000000000c000380080001000a010000",
        "340001800c0001007061796c6f616400240002800800010000000001080002000000000108000300000000100800040000000004",
        "440001800c00010062697477697365003400028008000100000000010800020000000001080003000000000",
        "40c0004800800010000ff00ff0c0005800800010000000000",
        "2c00018008000100636d700020000280080001000000000108000200000000010c0003800800010000020004",
        "2c0001800c000100636f756e746572001c0002800c00010000000000000000000c0002000000000000000000",
        "440001800b00010074617267657400003400028009000100534e4154000000000800020000000000",
        "1c000300010000000100000001020304010203040000000000000000"
    );
    let from = bytes.windows(4).position(|w| w == [0x0c, 0x02, 0x04, 0x80]).unwrap();
    assert_eq!(hex(&bytes[from..]), expected);
}

#[test]
fn every_rule_reads_back_in_both_dialects() {
    let bases = [
        Spec::default(),
        Spec { source: is(net("10.0.0.0/8")), ..Spec::default() },
        Spec { source: isnt(net("10.1.16.0/20")), destination: is(net("1.2.3.4/32")), ..Spec::default() },
        Spec { destination: isnt(net("0.1.0.3/0.255.0.255")), ..Spec::default() },
        Spec { output: is(pattern("eth0")), input: isnt(pattern("ve+")), ..Spec::default() },
        Spec { output: isnt(pattern("+")), ..Spec::default() },
        Spec { output: is(pattern("abcdefghijklmno")), input: is(pattern("abcdefghijklmn+")), ..Spec::default() },
        Spec { protocol: isnt(6), comment: Some(b"a b".to_vec()), ..Spec::default() },
        Spec { comment: Some(vec![b'x'; 200]), ..Spec::default() },
        Spec { comment: Some(Vec::new()), ..Spec::default() },
    ];
    let targets = [
        Target::None,
        Target::Accept,
        Target::Drop,
        Target::Return,
        Target::Jump(b"FOO".to_vec()),
        Target::Goto(b"FOO".to_vec()),
        masquerade(),
        nat(snat([1, 2, 3, 4], [1, 2, 3, 4])),
        nat(Nat { flags: NatFlags::all(), ..snat([1, 2, 3, 4], [1, 2, 3, 9]) }),
    ];
    for base in &bases {
        for target in &targets {
            let spec = Spec { target: target.clone(), ..base.clone() };
            for dialect in [Dialect::Iptables, Dialect::Native] {
                let rule = read_back(&sealed(&spec, dialect));
                assert_eq!(rule.unknown, "", "{spec:?}");
                assert_eq!(rule.spec, spec);
                assert_eq!((rule.handle, rule.counters), (9, Some(Counters::default())));
            }
        }
    }
}

/// A rule of given expressions, as if listed.
fn listed(fill: impl FnOnce(&mut Request<Netfilter>)) -> Rule {
    let mut request = message(NEWRULE, 0, 2);
    request.string(TABLE, b"nat").string(CHAIN, b"POSTROUTING").nest(EXPRESSIONS, fill);
    read_back(&request.seal(1, 0).unwrap())
}

#[test]
fn nft_joins_source_and_destination() {
    let rule = listed(|r| {
        load(r, payload::IP_SOURCE, 8);
        compare(r, false, &[1, 2, 3, 4, 5, 6, 7, 8]);
    });
    assert_eq!(rule.spec.source, is(net("1.2.3.4/32")));
    assert_eq!(rule.spec.destination, is(net("5.6.7.8/32")));
    assert!(rule.unknown.is_empty());
}

#[test]
fn what_does_not_fit_is_named_and_never_misread() {
    let twice = listed(|r| {
        for byte in [1, 2] {
            load(r, payload::IP_SOURCE, 1);
            compare(r, false, &[byte]);
        }
    });
    assert_eq!(twice.unknown, "cmp");
    let negated = listed(|r| {
        load(r, payload::IP_SOURCE, 8);
        compare(r, true, &[0; 8]);
    });
    assert_eq!(negated.unknown, "cmp");
    let foreign = listed(|r| {
        compat::encode_match(r, compat::Xt { name: b"hashlimit", rev: 0, info: &[0; 16] });
        compat::encode_match(r, compat::Xt { name: b"tcp", rev: 0, info: &[0; 8] });
        compat::encode_target(r, compat::Xt { name: b"LOG", rev: 9, info: &[0; 32] });
    });
    assert_eq!(foreign.unknown, "match hashlimit, match tcp, target LOG");
    // A load that is not known must not leave an older one to be compared.
    let overwritten = listed(|r| {
        load(r, payload::IP_SOURCE, 4);
        payload::encode(r, payload::Payload { dreg: 1, base: 2, offset: 12, len: 4 });
        compare(r, false, &[1, 2, 3, 4]);
    });
    assert_eq!((overwritten.spec, overwritten.unknown.as_str()), (Spec::default(), "cmp"));
    let after = listed(|r| {
        target(r, 2, &Target::Accept, Dialect::Native);
        target(r, 2, &Target::Return, Dialect::Native);
    });
    assert_eq!((after.spec.target, after.unknown.as_str()), (Target::Accept, "immediate"));
}

#[test]
fn broken_bytes_never_panic() {
    let spec = Spec {
        source: is(net("10.1.16.0/20")),
        output: is(pattern("eth0")),
        comment: Some(b"hello".to_vec()),
        target: nat(snat([1, 2, 3, 4], [1, 2, 3, 9])),
        ..Spec::default()
    };
    // Miri takes seconds for each hundred.
    let step = if cfg!(miri) { 29 } else { 1 };
    for dialect in [Dialect::Iptables, Dialect::Native] {
        let bytes = sealed(&spec, dialect);
        for at in (20..bytes.len()).step_by(step) {
            for value in [0, 1, 3, 0x7f, 0xff] {
                let mut broken = bytes.clone();
                broken[at] = value;
                let _ = decode(&frames(&broken).next().unwrap(), b"nat");
            }
            let mut cut = bytes[..at].to_vec();
            cut[..4].copy_from_slice(&u32::try_from(at).unwrap().to_ne_bytes());
            let _ = decode(&frames(&cut).next().unwrap(), b"nat");
        }
    }
}

#[test]
fn place_and_deletion() {
    let kinds = |bytes: &[u8]| attrs(&bytes[20..]).map(|a| a.kind).collect::<Vec<_>>();
    let flags = |bytes: &[u8]| u16::from_ne_bytes([bytes[6], bytes[7]]);
    let at = |place| {
        add(2, b"nat", b"C", place, &Spec::default(), Counters::default(), Dialect::Iptables).seal(1, 0).unwrap()
    };
    assert_eq!(
        (flags(&at(Place::Append)), flags(&at(Place::First)), flags(&at(Place::Before(7)))),
        (0xc01, 0x401, 0x401)
    );
    assert_eq!(kinds(&at(Place::Before(7))), [1, 2, 6, 4]);
    assert_eq!(
        hex(&delete(2, b"nat", b"C", 3).seal(2, 0).unwrap()),
        "30000000080a0100020000000000000002000000080001006e61740006000200430000000c0003000000000000000003"
    );
    assert_eq!(kinds(&flush(2, b"nat", Some(b"C")).seal(1, 0).unwrap()), [1, 2]);
    assert_eq!(kinds(&flush(2, b"nat", None).seal(1, 0).unwrap()), [1]);
}

/// `ip6tables -A INPUT ! -p udp -s fd00::1/61 ! -d fe80::1 -j ACCEPT`, as ip6tables-nft 1.8.9 sends it.
#[test]
fn a_rule_of_ipv6_as_captured_from_ip6tables() {
    let mask = Net::new("fd00::1".parse().unwrap(), "ffff:ffff:ffff:fff8::".parse().unwrap());
    let host = Net::new("fe80::1".parse().unwrap(), std::net::Ipv6Addr::from_bits(u128::MAX).into());
    let spec = Spec {
        protocol: isnt(17),
        source: is(mask),
        destination: isnt(host),
        target: Target::Accept,
        ..Spec::default()
    };
    let request = add(10, b"filter", b"INPUT", Place::Append, &spec, Counters::default(), Dialect::Iptables);
    let expected = concat!(
        "0a0000000b00010066696c74657200000a000200494e505554000000e401048024000180090001006d6574610000000014000280",
        "080002000000001008000100000000012c00018008000100636d700020000280080001000000000108000200000000010c000380",
        "0500010011000000340001800c0001007061796c6f61640024000280080001000000000108000200000000010800030000000008",
        "08000400000000105c0001800c00010062697477697365004c000280080001000000000108000200000000010800030000000010",
        "1800048014000100fffffffffffffff8000000000000000018000580140001000000000000000000000000000000000038000180",
        "08000100636d70002c000280080001000000000108000200000000001800038014000100fd000000000000000000000000000000",
        "340001800c0001007061796c6f616400240002800800010000000001080002000000000108000300000000180800040000000010",
        "3800018008000100636d70002c000280080001000000000108000200000000011800038014000100fe8000000000000000000000",
        "000000012c0001800c000100636f756e746572001c0002800c00010000000000000000000c000200000000000000000030000180",
        "0e000100696d6d6564696174650000001c0002800800010000000000100002800c00028008000100000000011400058008000100",
        "000000110800020000000002"
    );
    assert_eq!(hex(&request.bytes()[16..]), expected);
    let bytes = request.seal(1, 0).unwrap();
    let rule = decode(&frames(&bytes).next().unwrap(), b"filter").unwrap();
    assert_eq!((rule.spec, rule.unknown.as_str()), (spec, ""));
}

/// `iptables -A INPUT -f -c 5 6`, as iptables-nft 1.8.9 sends it; it tells of protocol 0 too.
#[test]
fn fragments_and_counters_as_captured_from_iptables() {
    let spec = Spec { fragment: Some(true), ..Spec::default() };
    let counters = Counters { packets: 5, bytes: 6 };
    let bytes = add(2, b"filter", b"INPUT", Place::Append, &spec, counters, Dialect::Iptables).seal(1, 0).unwrap();
    let expected = concat!(
        "d4000480340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000608000400",
        "00000002440001800c0001006269747769736500340002800800010000000001080002000000000108000300000000020c000480",
        "060001001fff00000c00058006000100000000002c00018008000100636d70002000028008000100000000010800020000000001",
        "0c00038006000100000000002c0001800c000100636f756e746572001c0002800c00010000000000000000060c00020000000000",
        "00000005"
    );
    assert!(hex(&bytes).contains(expected));
    let rule = decode(&frames(&bytes).next().unwrap(), b"filter").unwrap();
    assert_eq!((&rule.spec, rule.counters), (&spec, Some(counters)));
    // With its counter at 0 again, in its own place.
    let listed = Rule { raw: bytes[20..].to_vec(), handle: 7, ..rule };
    let zeroed = zeroed(2, b"filter", &listed).seal(1, 0).unwrap();
    let frame = frames(&zeroed).next().unwrap();
    let rule = decode(&frame, b"filter").unwrap();
    assert_eq!((rule.spec, rule.counters, rule.handle), (spec, Some(Counters::default()), 7));
    assert_eq!(frame.flags & (NLM_F_CREATE | NLM_F_REPLACE), NLM_F_REPLACE);
}

#[test]
fn two_ranges_of_addresses_that_begin_at_none_stay_in_one_match() {
    let mut info = vec![0; 72];
    info[64] = 3; // both source and destination, each 0.0.0.0-0.0.0.0
    let range = Ext { name: b"iprange".to_vec(), rev: 1, info };
    let spec = Spec { matches: vec![range], ..Spec::default() };
    for dialect in [Dialect::Iptables, Dialect::Native] {
        assert_eq!(read_back(&sealed(&spec, dialect)).spec, spec, "{dialect:?}");
    }
}

#[test]
fn what_is_not_a_port_reads_back_negated() {
    let length = Ext { name: b"length".to_vec(), rev: 0, info: vec![0, 0, 0, 1, 1, 0, 0, 0] };
    let esp = Ext { name: b"esp".to_vec(), rev: 0, info: vec![0, 0, 0, 0, 0, 0, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0] };
    let spec = Spec { protocol: is(50), matches: vec![length, esp], ..Spec::default() };
    for dialect in [Dialect::Iptables, Dialect::Native] {
        assert_eq!(read_back(&sealed(&spec, dialect)).spec, spec, "{dialect:?}");
    }
}
