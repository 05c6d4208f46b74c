//! Routes' bytes, as iproute2 6.1 sends them, and back.

use super::*;
use crate::model::encap::{ENCAP_IP, ENCAP_MPLS, Encap};
use crate::model::ip::parse_prefix;
use crate::model::route::{METRIC_ADVMSS, SCOPE_LINK, SCOPE_NOWHERE, metric_number};
use crate::wire::reply::frames;

fn hex(request: Request<RouteProtocol>) -> String {
    request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
}

fn to(dst: &str) -> Route {
    Route::to(parse_prefix(dst, Family::Unspec).unwrap())
}

fn id(index: u32) -> Option<LinkId> {
    NonZeroU32::new(index).map(|index| LinkId { ns: 0, index })
}

fn via(addr: &str) -> Option<IpAddr> {
    addr.parse().ok()
}

/// `ip route add 10.3.0.0/16 dev v0 table 1000 metric 7 mtu lock 1400 advmss 1300`
fn rich() -> Route {
    let mut route = Route { device: id(3), table: 1000, metric: Some(7), scope: SCOPE_LINK, ..to("10.3.0.0/16") };
    route.metrics.set(METRIC_ADVMSS, 1300);
    route.metrics.set(metric_number("mtu").unwrap(), 1400);
    route.metrics.locked = 1 << 2;
    route
}

/// `ip route add 10.5.0.0/16 nexthop via 192.168.15.2 dev v0 weight 2 nexthop via inet6 fe80::1 dev v1 onlink`
fn multipath() -> Route {
    let one =
        NextHop { via: via("192.168.15.2"), device: id(3), hops: 1, flags: RouteFlags::empty(), ..NextHop::default() };
    let two = NextHop { via: via("fe80::1"), device: id(2), hops: 0, flags: RouteFlags::ONLINK, ..NextHop::default() };
    Route { hops: vec![one, two], ..to("10.5.0.0/16") }
}

#[test]
fn changes_as_iproute2_sends_them() {
    let route = Route { via: via("192.168.15.2"), device: id(3), ..to("10.2.0.0/16") };
    assert_eq!(
        hex(change(RouteVerb::Add, &route)),
        concat!(
            "34000000180001060100000000000000", // NEWROUTE REQUEST|CREATE|EXCL
            "02100000fe03000100000000",         // rtmsg: /16, main, boot, universe, unicast
            "080001000a020000",                 // DST
            "08000500c0a80f02",                 // GATEWAY
            "0800040003000000",                 // OIF
        )
    );
    assert_eq!(
        hex(change(RouteVerb::Add, &rich())),
        concat!(
            "58000000180001060100000000000000",
            "021000000003fd0100000000", // table unspec
            "080001000a030000",
            "08000f00e8030000", // TABLE
            "0800060007000000", // PRIORITY
            "0800040003000000",
            "1c000800",         // METRICS
            "0800020078050000", // mtu
            "0800080014050000", // advmss
            "0800010004000000", // lock
        )
    );
    assert_eq!(
        hex(change(RouteVerb::Add, &multipath())),
        concat!(
            "58000000180001060100000000000000",
            "02100000fe03000100000000",
            "080001000a050000",
            "34000900",         // MULTIPATH
            "1000000103000000", // rtnexthop
            "08000500c0a80f02",
            "2000040002000000",                                 // rtnexthop, onlink
            "160012000a00fe8000000000000000000000000000010000", // VIA
        )
    );
}

#[test]
fn verbs_and_defaults_as_iproute2_sends_them() {
    let via_gateway = Route { via: via("192.168.15.2"), ..to("default") };
    let add = "24000000180001060100000000000000".to_owned() + "02000000fe030001000000000800050" + "0c0a80f02";
    assert_eq!(hex(change(RouteVerb::Add, &via_gateway)), add);
    let gone = Route { protocol: 0, kind: RouteKind::UNSPEC, scope: SCOPE_NOWHERE, ..to("10.2.0.0/16") };
    let delete = "24000000190001000100000000000000".to_owned() + "02100000fe00ff0000000000" + "080001000a020000";
    assert_eq!(hex(change(RouteVerb::Delete, &gone)), delete);
    for (verb, flags) in [
        (RouteVerb::Change, "0101"),
        (RouteVerb::Replace, "0105"),
        (RouteVerb::Prepend, "0104"),
        (RouteVerb::Append, "010c"),
        (RouteVerb::Test, "0102"),
    ] {
        assert_eq!(hex(change(verb, &via_gateway))[12..16], *flags, "{verb:?}");
    }
}

/// `ip route add 10.20.0.0/16 encap ip id 100 dst 172.16.0.1 ttl 64 key dev v0`
fn tunnel() -> Route {
    let attrs = vec![(1, 100u64.to_be_bytes().to_vec()), (2, vec![172, 16, 0, 1]), (4, vec![64]), (6, vec![0, 4])];
    let encap = Some(Encap { kind: ENCAP_IP, attrs });
    Route { device: id(3), scope: SCOPE_LINK, encap, ..to("10.20.0.0/16") }
}

/// `ip route add 10.24.0.0/16 nexthop encap mpls 203/30 via 10.0.0.2 nexthop via 10.0.0.3 realms 7`
fn labels() -> Route {
    let labels = Encap { kind: ENCAP_MPLS, attrs: vec![(1, vec![0, 0x0c, 0xb0, 0, 0, 1, 0xe1, 0])] };
    let one = NextHop { via: via("10.0.0.2"), encap: Some(labels), ..NextHop::default() };
    let two = NextHop { via: via("10.0.0.3"), realms: Some(7), ..NextHop::default() };
    Route { hops: vec![one, two], ..to("10.24.0.0/16") }
}

#[test]
fn tunnels_and_realms_as_iproute2_sends_them() {
    assert_eq!(
        hex(change(RouteVerb::Add, &tunnel())),
        concat!(
            "5c000000180001060100000000000000",
            "02100000fe03fd0100000000",
            "080001000a140000",
            "28001680",                 // ENCAP
            "0c0001000000000000000064", // id
            "08000200ac100001",         // dst
            "0500040040000000",         // ttl
            "0600060000040000",         // flags
            "0600150002000000",         // ENCAP_TYPE
            "0800040003000000",
        )
    );
    let gateway_first = hex(change(RouteVerb::Add, &labels()));
    assert_eq!(
        gateway_first,
        concat!(
            "68000000180001060100000000000000",
            "02100000fe03000100000000",
            "080001000a180000",
            "44000900",                                         // MULTIPATH
            "2800000000000000",                                 // rtnexthop
            "080005000a000002",                                 // GATEWAY
            "100016800c000100000cb0000001e100",                 // ENCAP
            "0600150001000000",                                 // ENCAP_TYPE
            "1800000000000000080005000a00000308000b0007000000", // rtnexthop, GATEWAY, FLOW
        )
    );
}

#[test]
fn questions_as_iproute2_asks_them() {
    let filter = RouteFilter { family: Family::V6, table: 100, device: id(2), ..RouteFilter::default() };
    let table = "2c0000001a0001000100000000000000".to_owned() + "0a0000000000000000000000" + "08000f0064000000";
    assert_eq!(hex(filter.encode()), table + "0800040002000000");
    let mut question = RouteQuestion::about(parse_prefix("10.2.3.4", Family::V4).unwrap());
    question.from = parse_prefix("192.168.15.1", Family::V4);
    question.mark = 5;
    question.sport = Some(80);
    question.ip_protocol = Some(17);
    let get = "440000001a0001000100000000000000".to_owned() + "022020000000000000100000" + "080001000a020304";
    assert_eq!(
        hex(question.encode()),
        get + "08000200c0a80f01" + "0800100005000000" + "06001c0000500000" + "05001b0011000000"
    );
}

#[test]
fn what_is_encoded_decodes() {
    let mut v6 = Route { via: via("fe80::1"), device: id(2), pref: Some(1), expires: Some(60), ..to("fd00:1::/64") };
    v6.from = parse_prefix("fd00:2::/64", Family::V6);
    v6.metrics.congestion = Some(b"reno".to_vec());
    let mut v4 = Route { via: via("fe80::1"), nhid: Some(9), tos: 0x10, ..to("0.0.0.0/0") };
    (v4.prefsrc, v4.flags, v4.kind) = (via("192.168.15.1"), RouteFlags::ONLINK, RouteKind(200));
    let realms = Route { realms: Some(0x30004), ttl_propagate: Some(1), ..to("10.0.0.0/8") };
    for route in [v6, v4, realms, tunnel(), labels(), rich(), multipath(), to("0.0.0.0/32"), to("10.0.0.0/0")] {
        let bytes = change(RouteVerb::Add, &route).seal(1, 0).unwrap();
        assert_eq!(decode(&frames(&bytes).next().unwrap(), 0), Some(route));
    }
}

#[test]
fn devices_belong_to_the_namespace_asked() {
    let route = Route { device: id(3), ..to("10.0.0.0/8") };
    let bytes = change(RouteVerb::Add, &route).seal(1, 0).unwrap();
    let seen = decode(&frames(&bytes).next().unwrap(), 7).unwrap();
    assert_eq!(change(RouteVerb::Delete, &seen).ns().unwrap(), Some(7));
}

#[test]
fn broken_messages_are_read_as_far_as_they_go() {
    let whole = change(RouteVerb::Add, &multipath()).seal(1, 0).unwrap();
    for cut in 16..whole.len() {
        let mut bytes = whole[..cut].to_vec();
        bytes[..4].copy_from_slice(&u32::try_from(cut).unwrap().to_ne_bytes());
        let route = frames(&bytes).next().and_then(|frame| decode(&frame, 0));
        assert_eq!(route.is_some(), cut >= 16 + RTMSG, "{cut}");
    }
    let mut foreign = whole.clone();
    foreign[16] = 28;
    assert_eq!(frames(&foreign).next().and_then(|frame| decode(&frame, 0)), None);
    let mut long = whole;
    long[17] = 33;
    assert_eq!(frames(&long).next().and_then(|frame| decode(&frame, 0)), None);
}
