//! Rules of `netstrap nat` as bytes: those of known batches, and what the reader of rules finds in them.

use super::*;
use crate::model::ip::{Family, parse_prefix};
use crate::model::translation::leg::Hook;
use crate::model::translation::parse;
use crate::wire::nft::FAMILY_IP;
use crate::wire::reply::frames;

const AT: At<'_> = At { family: FAMILY_IP, table: b"netstrap", chain: b"postrouting" };

fn hex(request: Request<Netfilter>, seq: u32) -> String {
    request.seal(seq, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
}

fn legs(text: &str, simple: bool) -> Vec<Leg> {
    parse(&text.split(' ').collect::<Vec<_>>()).unwrap().legs(None, simple)
}

#[test]
fn a_masquerade_as_captured_from_a_batch_that_translated() {
    let mut leg = legs("masquerade from 192.168.15.0/24", false).remove(0);
    leg.excluded[1..].fill(None);
    let mut rule = add(AT, false, &leg, Form::default(), b"netstrap");
    rule.add_flags(netlink_packet_core::NLM_F_ACK);
    assert_eq!(
        hex(rule, 7),
        "48010000060a050c0700000000000000020000000d0001006e657473747261700000000010000200706f7374726f7574696e670004010480340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c08000400000000032c00018008000100636d700020000280080001000000000108000200000000000c00038007000100c0a80f00340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000001008000400000000032c00018008000100636d700020000280080001000000000108000200000000010c00038007000100c0a80f002c0001800c000100636f756e746572001c0002800c00010000000000000000000c000200000000000000000014000180090001006d61737100000000040002800f00070000096e657473747261700000"
    );
}

/// Names of a rule's expressions, as its kernel form has them.
fn names(text: &str, leg: usize, form: Form) -> String {
    let bytes = add(AT, false, &legs(text, form.target)[leg], form, b"x").seal(1, 0).unwrap();
    let frame = frames(&bytes).next().unwrap();
    let list = frame.attrs(4).find(rule::EXPRESSIONS).unwrap();
    let names = expr::decode_all(list.nested()).map(|(name, expr)| {
        assert!(!matches!(expr, expr::Expr::Other(_)), "{text}: {expr:?}");
        String::from_utf8_lossy(name).into_owned()
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn conditions_become_expressions_in_iptables_order() {
    let own = Form::default();
    let xt = Form { target: true, local: true, state: true };
    for (text, leg, native, foreign) in [
        (
            "masquerade from 10.1.0.0/20 out eth0 to 1.2.3.4",
            0,
            "meta cmp payload bitwise cmp payload cmp counter masq",
            "meta cmp payload bitwise cmp payload cmp counter target",
        ),
        (
            "snat from 10.0.0.0/8 to 0.0.0.0/0 to 1.2.3.4-1.2.3.9:100-200",
            0,
            "meta cmp payload cmp counter immediate immediate immediate immediate nat",
            "meta cmp payload cmp counter target",
        ),
        (
            "forward tcp in eth0 80-90 to 10.0.0.1:80",
            0,
            "meta cmp meta cmp payload range fib cmp counter immediate immediate nat",
            "meta cmp meta cmp payload range match counter target",
        ),
        (
            "forward udp 53 to 10.0.0.1",
            2,
            "meta cmp payload cmp payload cmp ct bitwise cmp counter masq",
            "meta cmp payload cmp payload cmp match counter target",
        ),
        (
            "redirect tcp listen 1.2.3.4:80 to 81",
            1,
            "meta cmp payload cmp payload cmp counter immediate redir",
            "meta cmp payload cmp payload cmp counter target",
        ),
    ] {
        assert_eq!(names(text, leg, own), native, "{text}");
        assert_eq!(names(text, leg, xt), foreign, "{text}");
    }
}

#[test]
fn multicast_has_a_mask_of_its_own_and_ipv6_its_own_places() {
    let bytes = hex(add(AT, false, &legs("masquerade from 10.0.0.0/8", false)[0], Form::default(), b"x"), 1);
    // 224.0.0.0/4: a mask of four bits, "not".
    assert!(bytes.contains("08000100f0000000") && bytes.contains("08000200000000010c00038008000100e0000000"));
    let v6 = legs("masquerade from fd00::/64", false).remove(0);
    let bytes = hex(add(At { family: 10, ..AT }, false, &v6, Form::default(), b"x"), 1);
    // ff00::/8 at offset 24, one byte.
    assert!(bytes.contains("0800030000000018080004000000000108") || bytes.contains("08000300000000180800040000000001"));
}

#[test]
fn the_reader_of_rules_finds_what_iptables_would() {
    let subnet = parse_prefix("10.0.0.0/8", Family::Unspec);
    let accept = parse(&["masquerade", "from", "10.0.0.0/8", "out", "eth0"]).unwrap().accepts().remove(0);
    assert_eq!((accept.hook, accept.source), (Hook::Forward, subnet));
    let at = At { table: b"filter", chain: b"FORWARD", ..AT };
    let bytes = add(at, true, &accept, Form::default(), b"ns1 x").seal(1, 0).unwrap();
    let seen = rule::decode(&frames(&bytes).next().unwrap(), b"filter");
    // Without a handle it is no rule of the kernel yet.
    assert!(seen.is_none_or(|rule| rule.unknown.is_empty() && rule.spec.comment.as_deref() == Some(b"ns1 x")));
    assert_eq!(u16::from_ne_bytes([bytes[6], bytes[7]]), 0x401);
}

#[test]
fn structures_of_the_matches_are_where_the_kernel_reads_them() {
    let hairpin = &legs("forward tcp 80 to 10.0.0.1", true)[2];
    let bytes = hex(add(AT, false, hairpin, Form { target: true, local: true, state: true }, b"x"), 1);
    let conntrack = ["0000".repeat(73), "0100".into(), "0000".into(), "8000".into(), "0000".repeat(8)].concat();
    assert!(bytes.contains(&conntrack), "{bytes}");
    let local = &legs("forward tcp 80 to 10.0.0.1", true)[0];
    let bytes = hex(add(AT, false, local, Form { target: true, local: true, state: true }, b"x"), 1);
    assert!(bytes.contains("0c0003000000040000000000"), "{bytes}");
    // A jump as captured.
    assert!(hex(jump(AT, b"FOO", b"x"), 1).contains("180002801400028008000100fffffffd08000200464f4f00"));
}
