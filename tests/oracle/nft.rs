//! Rules of nf_tables out of bytes: what is encoded reads back as it was meant, in each dialect, and
//! no bytes make the decoder panic.

use netstrap::model::nat::{Counters, Ext, Rule, Spec, Target};
use netstrap::model::xt::{Extension, LIMIT_SCALE, copy, get, put, rate_of};
use netstrap::wire::nft::rule::{Dialect, Place, add, decode, settled};
use netstrap::wire::reply::frames;

use super::source::Source;

const MATCHES: &[&str] = &[
    "tcp",
    "udp",
    "esp",
    "mark",
    "connmark",
    "limit",
    "conntrack",
    "state",
    "multiport",
    "icmp",
    "icmp6",
    "addrtype",
    "iprange",
    "owner",
    "pkttype",
    "policy",
    "ttl",
    "hl",
    "length",
    "mac",
    "physdev",
    "tcpmss",
    "statistic",
];
const TARGETS: &[&str] = &[
    "MASQUERADE",
    "SNAT",
    "DNAT",
    "REDIRECT",
    "REJECT",
    "MARK",
    "CONNMARK",
    "LOG",
    "TCPMSS",
    "CT",
    "TTL",
    "HL",
    "CLASSIFY",
];

/// Judges one rule in all dialects.
pub fn judge_rule(bytes: &[u8]) {
    let mut source = Source(bytes);
    let family = if source.byte() & 1 == 0 { 2 } else { 10 };
    let spec = spec(&mut source, family == 10);
    for dialect in [Dialect::Iptables, Dialect::Native, Dialect::Mixed(source.number())] {
        let sent =
            add(family, b"t", b"c", Place::Append, &spec, Counters::default(), dialect).seal(1, 0).expect("a message");
        well_formed(&sent[20..]);
        let rule = read(&sent);
        assert_eq!(rule.unknown, "", "{dialect:?} {spec:?}");
        // Of two ways to say the same ports the kernel keeps one.
        assert_eq!(settled(&rule.spec), settled(&spec), "{dialect:?}");
    }
}

/// What stands behind the table's name in the message of some rule.
pub fn attributes_of(bytes: &[u8]) -> Vec<u8> {
    let spec = spec(&mut Source(bytes), false);
    let dialect = if bytes[0] & 1 == 0 { Dialect::Iptables } else { Dialect::Native };
    let sent = add(2, b"t", b"c", Place::Append, &spec, Counters::default(), dialect).seal(1, 0).expect("a message");
    sent[28..].to_vec()
}

/// Attributes end where their message ends, and padding is 0.
fn well_formed(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let len = usize::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
        let whole = len.next_multiple_of(4);
        assert!(len >= 4 && whole <= bytes.len(), "length of an attribute");
        assert!(bytes[len..whole].iter().all(|&b| b == 0), "padding");
        if bytes[3] & 0x80 != 0 {
            well_formed(&bytes[4..len]);
        }
        bytes = &bytes[whole..];
    }
}

/// A message as if it were listed.
fn read(sent: &[u8]) -> Rule {
    decode(&frames(sent).next().expect("a frame"), b"t").expect("a rule")
}

/// Any bytes, as a rule in a dump.
pub fn judge_bytes(bytes: &[u8]) {
    let mut message = vec![0, 0, 0, 0, 6, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0];
    message.extend_from_slice(&[6, 0, 1, 0, b't', 0, 0, 0]);
    message.extend_from_slice(bytes);
    message[16] = if bytes.len() & 1 == 0 { 2 } else { 10 };
    let len = u32::try_from(message.len()).expect("short").to_ne_bytes();
    message[..4].copy_from_slice(&len);
    for frame in frames(&message) {
        let _ = decode(&frame, b"t");
    }
    for frame in frames(bytes) {
        let _ = decode(&frame, b"nat");
    }
}

/// A rule that iptables could write: each match once.
fn spec(source: &mut Source<'_>, is_v6: bool) -> Spec {
    let protocols = [6, 17, 50, if is_v6 { 58 } else { 1 }, 132, 99];
    let protocol = protocols[source.below(protocols.len())];
    let protocol_of = netstrap::model::nat::Not { not: false, value: protocol };
    let mut spec = Spec { protocol: Some(protocol_of), ..Spec::default() };
    for _ in 0..source.below(4) {
        let name = MATCHES[source.below(MATCHES.len())];
        let Some(known) = Extension::named(name.as_bytes(), false, is_v6) else { continue };
        let wanted = match name {
            "tcp" => 6,
            "udp" => 17,
            "esp" => 50,
            "icmp" => 1,
            "icmp6" => 58,
            "multiport" if matches!(protocol, 6 | 17 | 132) => protocol,
            "multiport" => continue,
            _ => protocol,
        };
        let twice = spec.matches.iter().any(|ext| ext.name == known.kernel.as_bytes());
        if wanted == protocol && !twice {
            spec.matches.push(ext(source, name, known, is_v6));
        }
    }
    spec.comment = (source.byte() & 3 == 0).then(|| b"a comment".to_vec());
    spec.target = match source.below(4) {
        0 => Target::None,
        1 => Target::Accept,
        2 => Target::Goto(b"chain".to_vec()),
        _ => {
            let name = TARGETS[source.below(TARGETS.len())];
            match Extension::named(name.as_bytes(), true, is_v6) {
                Some(known) => Target::Ext(ext(source, name, known, is_v6)),
                None => Target::Drop,
            }
        }
    };
    spec
}

/// A structure that options could have made: nothing is set that no option sets.
fn ext(source: &mut Source<'_>, name: &str, known: &Extension, is_v6: bool) -> Ext {
    let mut ext = known.blank();
    let info = &mut ext.info;
    let bytes = |source: &mut Source<'_>, info: &mut [u8], at: usize, len: usize| {
        for index in at..at + len {
            copy(info, index, &[source.byte()]);
        }
    };
    match name {
        "tcp" => {
            ports(source, info);
            if source.byte() & 1 == 0 {
                bytes(source, info, 8, 1);
            }
            if source.byte() & 1 == 0 {
                let mask = source.byte() | 1;
                copy(info, 9, &[mask, source.byte()]);
            }
            copy(info, 11, &[source.byte() & 15]);
        }
        "udp" => {
            ports(source, info);
            copy(info, 8, &[source.byte() & 3]);
        }
        "esp" => {
            bytes(source, info, 0, 8);
            copy(info, 8, &[source.byte() & 1]);
        }
        "statistic" => {
            let nth = source.byte() & 1;
            copy(info, 0, &[nth, 0, source.byte() & 1]);
            let (every, packet) = if nth == 0 { (source.number() >> 1, 0) } else { (9, source.number() % 10) };
            put(info, b'w', 4, every);
            put(info, b'w', 8, packet);
            put(info, b'w', 12, every - packet);
        }
        "length" | "tcpmss" => {
            bytes(source, info, 0, 4);
            copy(info, 4, &[source.byte() & 1]);
        }
        "mark" | "connmark" => {
            bytes(source, info, 0, 4);
            let mask = if source.byte() & 1 == 0 { u32::MAX } else { source.number() };
            put(info, b'w', 4, mask);
            copy(info, 8, &[source.byte() & 1]);
        }
        "limit" => {
            let unit = [1, 60, 3600, 86400][source.below(4)];
            let cost = LIMIT_SCALE * unit / (source.number() % (LIMIT_SCALE * unit) + 1);
            let again = |cost| {
                let (count, unit) = rate_of(cost);
                LIMIT_SCALE * unit / count.max(1)
            };
            // Not every cost is one that a rate has.
            put(info, b'w', 0, if again(cost) == cost { cost } else { 10000 });
            put(info, b'w', 4, source.number() % 10000 + 1);
        }
        "state" => {
            put(info, b'h', 146, 0x2001);
            put(info, b'h', 148, u32::from(source.byte() & 1));
            put(info, b'h', 150, source.number() & 0x10f);
        }
        "conntrack" => {
            let given = [1, 0x40, 0x1000, 0x1041, 0x41, 0x1001, 0x40, 1][source.below(8)];
            put(info, b'h', 146, given);
            put(info, b'h', 148, given & source.number());
            if given & 1 != 0 {
                put(info, b'h', 150, source.number() & 0x1cf);
            }
            if given & 0x40 != 0 {
                put(info, b'h', 152, source.number() & 15);
            }
        }
        "multiport" => {
            let count = source.below(15) + 1;
            put(info, b'b', 0, source.number() % 3);
            put(info, b'b', 1, u32::try_from(count).expect("small"));
            bytes(source, info, 2, 2 * count);
            if source.byte() & 1 == 0 && count > 1 {
                put(info, b'b', 32, 1);
            }
            copy(info, 47, &[source.byte() & 1]);
        }
        "icmp" | "icmp6" => {
            let (kind, code) = (source.byte(), source.byte());
            let range = if source.byte() & 1 == 0 { [0, 255] } else { [code, code] };
            copy(info, 0, &[kind, range[0], range[1], source.byte() & 1]);
        }
        "addrtype" => {
            let bit = |source: &mut Source<'_>| 1 << source.below(12);
            let (from, to) = (bit(source), if source.byte() & 1 == 0 { bit(source) } else { 0 });
            let flags = [0, 4, 8][source.below(3)] | u32::from(source.byte() & 1);
            put(info, b'h', 0, from);
            put(info, b'h', 2, to);
            put(info, b'w', 4, flags | if to != 0 { u32::from(source.byte() & 2) } else { 0 });
        }
        "iprange" => {
            let len = if is_v6 { 16 } else { 4 };
            let given = source.byte() % 3 + 1;
            for (bit, at) in [(1, 0), (2, 32)] {
                if given & bit != 0 {
                    bytes(source, info, at, len);
                    bytes(source, info, at + 16, len);
                }
            }
            copy(info, 64, &[given | given << 4 & source.byte()]);
        }
        "owner" => {
            let given = source.byte() % 7 + 1;
            for (bit, at) in [(1, 0), (2, 8)] {
                if given & bit != 0 {
                    let id = source.number();
                    put(info, b'w', at, id);
                    put(info, b'w', at + 4, if source.byte() & 1 == 0 { id } else { u32::MAX });
                }
            }
            copy(info, 16, &[given, given & source.byte()]);
        }
        "pkttype" => {
            put(info, b'w', 0, source.number() % 3);
            put(info, b'w', 4, u32::from(source.byte() & 1));
        }
        "policy" => {
            let flags = [1, 5, 2, 9][source.below(4)];
            put(info, b'h', 304, flags);
            put(info, b'h', 306, u32::from(flags & 4 == 0));
            if source.byte() & 1 == 0 && flags != 5 {
                put(info, b'w', 68, source.number());
                copy(info, 74, &[32]);
            }
        }
        "ttl" | "hl" => copy(info, 0, &[source.byte() & 3, source.byte()]),
        "mac" => bytes(source, info, 0, 6),
        "physdev" => copy(info, 65, &[4]),
        "MASQUERADE" | "SNAT" | "DNAT" | "REDIRECT" => range(source, name, known.base, info, is_v6),
        "REJECT" => {
            let codes: &[u32] = if is_v6 { &[0, 1, 3, 4, 6, 7, 8] } else { &[0, 1, 2, 3, 5, 6, 7, 8] };
            put(info, b'w', 0, codes[source.below(codes.len())]);
        }
        "MARK" => bytes(source, info, 0, 8),
        "CONNMARK" => {
            put(info, b'w', 8, u32::MAX);
            match source.byte() % 3 {
                0 => bytes(source, info, 0, 8),
                mode => {
                    copy(info, 14, &[mode]);
                    put(info, b'w', 4, [u32::MAX, 0xff][source.below(2)]);
                }
            }
        }
        "LOG" => {
            copy(info, 0, &[source.byte() & 7, source.byte() & 0x2f]);
            for at in 0..source.below(29) {
                copy(info, 2 + at, &[source.byte() | 1]);
            }
        }
        "TCPMSS" => bytes(source, info, 0, 2),
        "CT" => put(info, b'h', 0, 1),
        "TTL" | "HL" => copy(info, 0, &[source.byte() % 3, source.byte()]),
        "CLASSIFY" => bytes(source, info, 0, 4),
        _ => {}
    }
    ext
}

/// Ports of tcp and udp, often whole ranges.
fn ports(source: &mut Source<'_>, info: &mut [u8]) {
    for at in [0, 4] {
        let (low, high) = match source.byte() & 3 {
            0 => (0, 0xffff),
            1 => {
                let port = source.number() & 0xffff;
                (port, port)
            }
            2 => (0, source.number() & 0xffff),
            _ => (source.number() & 0xffff, source.number() & 0xffff),
        };
        put(info, b'h', at, low);
        put(info, b'h', at + 2, high);
    }
}

/// Addresses and ports of a translation, and flags that its options have.
fn range(source: &mut Source<'_>, name: &str, base: usize, info: &mut [u8], is_v6: bool) {
    let len = if is_v6 { 16 } else { 4 };
    let (gap, ports) = if info.len() == 24 { (4, base + 12) } else { (16, base + 36) };
    let mut flags = source.number()
        & match name {
            "MASQUERADE" => 0x14,
            "SNAT" => 0x1c,
            "DNAT" => 0xc,
            _ => 4,
        };
    if matches!(name, "SNAT" | "DNAT") && source.byte() & 1 == 0 {
        flags |= 1;
        for at in [base + 4, base + 4 + gap] {
            for index in at..at + len {
                copy(info, index, &[source.byte()]);
            }
        }
    }
    if source.byte() & 1 == 0 {
        flags |= 2;
        let first = source.number();
        put(info, b'h', ports, first);
        put(info, b'h', ports + 2, if source.byte() & 1 == 0 { first } else { source.number() });
    }
    let old = get(info, b'w', base);
    put(info, b'w', base, old | flags);
}
