//! Links, encoded and decoded: the bytes iproute2 sends.

use super::*;
use crate::model::link::KindName;
use crate::model::name::IfName;
use crate::wire::reply::frames;

fn hex(request: Request<Route>) -> String {
    request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
}

fn named(name: &str) -> LinkChange<'static> {
    LinkChange { name: IfName::new(name.as_bytes()), ..LinkChange::default() }
}

fn id(index: u32) -> LinkId {
    LinkId { ns: 0, index: NonZeroU32::new(index).unwrap() }
}

#[test]
fn a_veth_pair_is_one_message() {
    let peer = NewPeer { change: named("v1"), index: None };
    let link = NewLink { change: named("v0"), index: None, kind: NewKind::Veth { peer: Some(peer) } };
    let expected = concat!(
        "54000000100001060100000000000000", // NEWLINK REQUEST|CREATE|EXCL
        "00000000000000000000000000000000", // ifinfomsg
        "0700030076300000",                 // IFNAME v0
        "2c001280",                         // LINKINFO, nested
        "0800010076657468",                 // INFO_KIND veth
        "20000280",                         // INFO_DATA, nested
        "1c000180",                         // VETH_INFO_PEER, nested
        "00000000000000000000000000000000", // its ifinfomsg
        "0700030076310000",                 // IFNAME v1
    );
    assert_eq!(hex(create(&link)), expected);
}

#[test]
fn changes_as_iproute2_sends_them() {
    let up = LinkChange { up: Some(true), ..LinkChange::default() };
    assert_eq!(
        hex(change(id(3), &up)),
        "20000000100001000100000000000000000000000300000001000000".to_owned() + "01000000"
    );
    let master = LinkChange { master: Some(Some(id(4))), ..LinkChange::default() };
    assert!(hex(change(id(3), &master)).ends_with("08000a0004000000"));
    let leave = LinkChange { master: Some(None), ..LinkChange::default() };
    assert!(hex(change(id(3), &leave)).ends_with("08000a0000000000"));
    assert_eq!(hex(delete(id(3))), "2000000011000100010000000000000000000000030000000000000000000000");
}

#[test]
fn properties_as_iproute2_sends_them() {
    let change = LinkChange {
        flags: LinkFlags::NOARP,
        flag_mask: LinkFlags::NOARP | LinkFlags::PROMISC,
        alias: Some(Vec::new()),
        numbers: vec![(LinkNumber::Mode, 1), (LinkNumber::AddrGenMode, 1), (LinkNumber::TxQueueLength, 7)],
        proto_down_reason: Some((3, true)),
        xdp_off: Some(1),
        ..LinkChange::default()
    };
    let expected = concat!(
        "6c000000100001000100000000000000",         // NEWLINK REQUEST
        "00000000030000008000000080010000",         // index 3, NOARP of NOARP|PROMISC
        "04001400",                                 // IFALIAS, empty
        "0500110001000000",                         // LINKMODE
        "10001a000c000a000500080001000000",         // AF_SPEC, INET6, ADDR_GEN_MODE
        "08000d0007000000",                         // TXQLEN
        "1400378008000100080000000800020008000000", // PROTO_DOWN_REASON, MASK, VALUE
        "14002b0008000100ffffffff0800030001000000", // XDP, FD, FLAGS
    );
    assert_eq!(hex(super::change(id(3), &change)), expected);
}

#[test]
fn groups_and_altnames_as_iproute2_sends_them() {
    let up = LinkChange { up: Some(true), ..LinkChange::default() };
    let group = "2800000010000100010000000000000000000000000000000100000001000000";
    assert_eq!(hex(change_group(5, &up)), [group, "08001b0005000000"].concat());
    let group = "2800000011000100010000000000000000000000000000000000000000000000";
    assert_eq!(hex(delete_group(5)), [group, "08001b0005000000"].concat());
    let names = [b"aa".to_vec(), b"bb".to_vec()];
    let list = concat!(
        "00000000040000000000000000000000", // index 4
        "14003480",                         // PROP_LIST, nested
        "070035006161000007003500",         // ALT_IFNAME, twice
        "62620000"
    );
    assert_eq!(hex(altnames(ListVerb::Add, id(4), &names)), ["340000006c00010e0100000000000000", list].concat());
    assert_eq!(hex(altnames(ListVerb::Delete, id(4), &names)), ["340000006d0001000100000000000000", list].concat());
}

#[test]
fn a_link_of_another_namespace_is_not_sealed_in() {
    let master = LinkId { ns: 1, ..id(4) };
    let request = change(id(3), &LinkChange { master: Some(Some(master)), ..LinkChange::default() });
    assert!(request.ns().is_err());
}

#[test]
fn what_is_encoded_decodes() {
    let change = LinkChange { mtu: Some(1400), address: Some(vec![2, 0, 0, 0, 0, 1]), up: Some(true), ..named("br0") };
    let kind = NewKind::Plain(KindName::new(b"bridge").unwrap());
    let bytes = create(&NewLink { change, index: NonZeroU32::new(9), kind }).seal(1, 0).unwrap();
    let link = decode(&frames(&bytes).next().unwrap()).unwrap();
    let expected = Link {
        index: 9,
        name: b"br0".to_vec(),
        flags: LinkFlags::UP,
        mtu: Some(1400),
        address: Some(vec![2, 0, 0, 0, 0, 1]),
        kind: Some(b"bridge".to_vec()),
        ..Link::default()
    };
    assert_eq!(link, expected);
}
