//! Plans by hand: their lines, their JSON, their commands.

use super::*;
use crate::file::complaint::Source;
use crate::model::addr::{Addr, AddrVerb};
use crate::model::ip::{Family, parse_prefix};
use crate::model::lab::Lab;
use crate::model::link::{
    Argument, ArgumentValue, KindArguments, KindName, Link, LinkChange, LinkId, LinkNumber, ListVerb, NewKind, NewLink,
    NewPeer,
};
use crate::model::name::{IfName, NsName};
use crate::model::neigh::{Neigh, NeighState, NeighVerb};
use crate::model::op::Op;
use crate::model::plan::MakeLink;
use crate::model::port::{PVID, UNTAGGED, VlanChange};
use crate::model::route::{NextHop, RouteVerb};
use crate::model::rule::Rule;
use crate::model::topology::Origin;
use crate::model::world::{EtcFile, Presence, Seen};

fn id(ns: u32, index: u32) -> LinkId {
    LinkId { ns, index: index.try_into().unwrap() }
}

fn name(text: &str) -> Option<IfName> {
    IfName::new(text.as_bytes())
}

fn named(text: &str) -> LinkChange<'static> {
    LinkChange { name: name(text), numbers: vec![(LinkNumber::Group, 7)], ..LinkChange::default() }
}

fn attribute(number: u16, bytes: &[u8]) -> Argument {
    Argument { number, value: ArgumentValue::Bytes(bytes.to_vec()) }
}

fn arguments(kind: &str, list: Vec<Argument>) -> KindArguments {
    KindArguments { kind: KindName::new(kind.as_bytes()).unwrap(), arguments: Some(list) }
}

fn step(place: usize, sign: Sign, act: Act) -> Step {
    Step { place, sign, act, at: None, why: Vec::new() }
}

fn op(place: usize, sign: Sign, op: Op<'static>) -> Step {
    step(place, sign, Act::Op(Box::new(op)))
}

/// The host with `eth0`, a namespace `red` to be made, and one whose name nobody should have given it.
fn world() -> World {
    let eth0 = Link { index: 2, name: b"eth0".to_vec(), ..Link::default() };
    let old = Link { index: 9, name: b"o$(id)".to_vec(), kind: Some(b"bridge".to_vec()), ..Link::default() };
    let mut host = Seen { presence: Presence::There, ..Seen::default() };
    host.state.links = vec![eth0, old];
    let seen = |name: &[u8], presence| Seen { name: NsName::new(name), presence, ..Seen::default() };
    World { places: vec![host, seen(b"red", Presence::Leftover), seen(b"\x1b[2J", Presence::There)] }
}

fn plan() -> Plan {
    let make = |new, peer_into| Act::MakeLink(Box::new(MakeLink { new, into: 0, peer_into }));
    let mut steps = vec![step(1, Sign::Create, Act::MakeNetns)];
    let bridge = arguments("bridge", vec![attribute(5, &1u32.to_ne_bytes()), attribute(7, &[1])]);
    let new = NewLink { change: named("br0"), index: Some(20.try_into().unwrap()), kind: NewKind::With(bridge) };
    steps.push(step(0, Sign::Create, make(new, None)));
    let change = LinkChange { up: Some(true), master: Some(Some(id(0, 20))), mtu: Some(1400), ..named("a") };
    let peer = NewPeer { change: named("b"), index: Some(16.try_into().unwrap()) };
    let new = NewLink { change, index: Some(21.try_into().unwrap()), kind: NewKind::Veth { peer: Some(peer) } };
    let mut made = step(0, Sign::Replace, make(new, Some(1)));
    (made.at, made.why) = (Some(Origin { file: 0, at: 13 }), vec![]);
    made.why.push(Difference { what: "netns", from: String::new(), to: "red".into() });
    steps.push(made);
    let new = NewLink {
        change: LinkChange { lower: Some(id(0, 2)), ..named("m") },
        index: Some(17.try_into().unwrap()),
        kind: NewKind::With(arguments("macvlan", vec![attribute(1, &4u32.to_ne_bytes())])),
    };
    steps.push(step(0, Sign::Create, Act::MakeLink(Box::new(MakeLink { new, into: 1, peer_into: None }))));
    let vxlan = vec![
        attribute(1, &5u32.to_ne_bytes()),
        attribute(2, &[239, 1, 1, 1]),
        attribute(15, &4789u16.to_be_bytes()),
        attribute(7, &[0]),
        attribute(3, &2u32.to_ne_bytes()),
    ];
    let new = NewLink { change: named("x"), index: None, kind: NewKind::With(arguments("vxlan", vxlan)) };
    steps.push(step(0, Sign::Create, make(new, None)));
    let vlan = vec![attribute(1, &7u16.to_ne_bytes()), attribute(5, &0x88a8u16.to_be_bytes())];
    let change = LinkChange { lower: Some(id(0, 2)), ..named("v") };
    let new = NewLink { change, index: None, kind: NewKind::With(arguments("vlan", vlan)) };
    steps.push(step(0, Sign::Create, make(new, None)));
    let index = 30.try_into().unwrap();
    let tap = Act::MakeTap { index, name: name("t").unwrap(), flags: 0x5000, user: Some(5), group: None };
    steps.push(step(0, Sign::Create, tap));
    let to = Act::MoveLink { index: 40.try_into().unwrap(), link: id(0, 2), name: name("up0").unwrap(), to: 1 };
    steps.push(step(0, Sign::Change, to));
    steps.push(op(1, Sign::Part, Op::AltNames(ListVerb::Add, id(1, 16), vec![b"nst-1-2".to_vec()])));
    let quiet = LinkChange { numbers: vec![(LinkNumber::AddrGenMode, 1)], ..LinkChange::default() };
    steps.push(op(1, Sign::Part, Op::ChangeLink(id(1, 16), quiet)));
    let mut renamed =
        op(0, Sign::Change, Op::ChangeLink(id(0, 9), LinkChange { name: name("new"), ..Default::default() }));
    renamed.why.push(Difference { what: "name", from: "o$(id)".into(), to: "new".into() });
    steps.push(renamed);
    let alias = LinkChange { alias: Some(b"it's a\x1b[m".to_vec()), master: Some(None), ..LinkChange::default() };
    let mut aliased = op(0, Sign::Change, Op::ChangeLink(id(0, 9), alias));
    aliased.why.push(Difference { what: "alias", from: "a".into(), to: "it's a\x1b[m".into() });
    aliased.why.push(Difference { what: "master", from: "br0".into(), to: String::new() });
    steps.push(aliased);
    let addr = Addr::new(parse_prefix("10.0.0.1/24", Family::V4).unwrap());
    steps.push(op(1, Sign::Create, Op::Addr(AddrVerb::Add, id(1, 40), addr)));
    let mut route = crate::model::route::Route::to(parse_prefix("0.0.0.0/0", Family::V4).unwrap());
    (route.protocol, route.metric) = (110, Some(5));
    for address in ["10.0.0.2", "10.0.0.3"] {
        route.hops.push(NextHop { via: address.parse().ok(), device: Some(id(1, 16)), ..NextHop::default() });
    }
    steps.push(op(1, Sign::Create, Op::Route(RouteVerb::Replace, route)));
    let mut route = crate::model::route::Route::to(parse_prefix("0.0.0.0/0", Family::V4).unwrap());
    (route.via, route.device, route.protocol) = ("fe80::1".parse().ok(), Some(id(1, 16)), 110);
    steps.push(op(1, Sign::Create, Op::Route(RouteVerb::Prepend, route)));
    let mut rule = Rule {
        family: Family::V6,
        tos: Some(16),
        action: crate::model::rule::ACTION_TABLE,
        table: 254,
        ..Rule::default()
    };
    rule.set(crate::model::rule::RULE_PROTOCOL, 110);
    steps.push(op(1, Sign::Remove, Op::Rule { delete: true, rule }));
    let neigh = Neigh {
        device: Some(id(1, 16)),
        dst: "10.0.0.9".parse().ok(),
        lladdr: Some(vec![2, 0, 0, 0, 0, 1]),
        state: NeighState::PERMANENT,
        ..Neigh::default()
    };
    steps.push(op(1, Sign::Create, Op::Neigh(NeighVerb::Replace, neigh)));
    let vlan = VlanChange {
        delete: false,
        link: id(0, 20),
        ids: (5, Some(7)),
        flags: PVID | UNTAGGED,
        side: 2,
        tunnels: None,
    };
    steps.push(op(0, Sign::Create, Op::BridgeVlan(vlan)));
    let name = "net.ipv4.tcp_rmem".to_owned();
    steps.push(step(2, Sign::Change, Act::Sysctl { name, from: Some("1 2 3".into()), to: "4 5 6".into() }));
    let text = Some("nameserver 10.0.0.1\n".to_owned());
    steps.push(step(1, Sign::Create, Act::File { file: EtcFile::Resolv, text }));
    steps.push(step(2, Sign::Remove, Act::File { file: EtcFile::Hosts, text: None }));
    steps.push(op(0, Sign::Remove, Op::DeleteLink(id(0, 9))));
    steps.push(step(2, Sign::Remove, Act::DeleteNetns));
    let planned = |text: &str| IfName::new(text.as_bytes()).unwrap();
    let names = vec![
        (id(0, 20), planned("br0")),
        (id(1, 16), planned("b")),
        (id(1, 40), planned("up0")),
        (id(0, 21), planned("a9")),
    ];
    Plan { lab: Lab::new("lab"), steps, names }
}

#[test]
fn a_line_says_what_the_message_only_means() {
    let (mut plan, world) = (plan(), world());
    let mark = "nst-00000001-0000000000000002";
    let mut marked = op(1, Sign::Change, Op::AltNames(ListVerb::Add, id(1, 1), vec![mark.into()]));
    marked.why.push(Difference { what: "mark", from: "none".into(), to: mark.into() });
    let name = "net.ipv6.conf.v/1.addr_gen_mode".to_owned();
    let mut mode = step(1, Sign::Change, Act::Sysctl { name, from: Some("1".into()), to: "0".into() });
    mode.why.push(Difference { what: "addrgenmode", from: "none".into(), to: "eui64".into() });
    plan.steps = vec![marked, mode];
    let expected = format!("~ netns red: mark none -> {mark}\n~ link v.1 in red: addrgenmode none -> eui64\n");
    let text = list(&View { plan: &plan, world: &world, sources: None }, Format::Text);
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn a_line_for_each_object() {
    let (plan, world) = (plan(), world());
    let expected = "\
+ netns red
+ bridge br0
-/+ veth a9, peer b in red: netns red
+ macvlan m in red
+ vxlan x
+ vlan v
+ tap t
~ device up0 in red
~ bridge new: name o$(id) -> new
~ bridge new: alias a -> it's a\\x1b[m, master br0 -> none
+ address 10.0.0.1/24 dev up0 in red
+ route default metric 5 nexthop via 10.0.0.2 dev b nexthop via 10.0.0.3 dev b in red
+ route default via inet6 fe80::1 dev b in red
- rule from ::/0 table main tos 0x10 in red
+ neighbour 10.0.0.9 lladdr 02:00:00:00:00:01 dev b in red
+ port-vlan vid 5-7 dev br0 pvid untagged
~ sysctl net.ipv4.tcp_rmem in \\x1b[2J: 1 2 3 -> 4 5 6
+ file /etc/netns/red/resolv.conf
- file /etc/netns/\\x1b[2J/hosts
- bridge new
- netns \\x1b[2J
";
    let view = View { plan: &plan, world: &world, sources: None };
    assert_eq!(String::from_utf8(list(&view, Format::Text)).unwrap(), expected);
    assert_eq!(tally(&plan), [12, 4, 1, 4]);
    assert_eq!(brief(&plan.steps[2], &plan, &world), b"veth a9, peer b in red");
}

#[test]
fn json_has_places_and_differences() {
    let (plan, world) = (plan(), world());
    let files = vec![Source { name: "lab.toml".into(), text: "name = 'lab'\n[veth.a]\n".into() }];
    let sources = Sources { files };
    let bytes = list(&View { plan: &plan, world: &world, sources: Some(&sources) }, Format::Json);
    let text = String::from_utf8(bytes).unwrap();
    for expected in [
        r#"[{"sign":"+","kind":"netns","object":"red","differences":[]},"#,
        r#"{"sign":"-/+","kind":"veth","object":"a9","peer":"b","peer_netns":"red","at":{"file":"lab.toml","line":2,"column":1},"differences":[{"what":"netns","from":"","to":"red"}]}"#,
        r#"{"what":"alias","from":"a","to":"it's a\u001b[m"}"#,
        r#""netns":"\u001b[2J","differences":[{"what":"","from":"1 2 3","to":"4 5 6"}]}"#,
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(text.matches("\"sign\"").count(), 21);
}

#[test]
fn commands_are_those_of_iproute2() {
    let (plan, world) = (plan(), world());
    let expected = "\
set -e
rm /run/netns/red
ip netns add red
ip link add name br0 group 7 type bridge stp_state 1 vlan_filtering 1
ip link add name a mtu 1400 group 7 master br0 up type veth peer name b netns red group 7
ip link add link eth0 name m netns red group 7 type macvlan mode bridge
ip link add name x group 7 type vxlan id 5 group 239.1.1.1 dstport 4789 nolearning dev eth0
ip link add link eth0 name v group 7 type vlan id 7 protocol 802.1ad
ip tuntap add dev t mode tap user 5 vnet_hdr
ip link set dev eth0 netns red name up0
ip -n red link property add dev b altname nst-1-2
ip -n red link set dev b addrgenmode none
ip link set dev 'o$(id)' name new
ip link set dev new alias \"$(printf -- 'it\\047s a\\033[m')\" nomaster
ip -n red address add 10.0.0.1/24 dev up0
ip -n red route replace default metric 5 protocol 110 nexthop via 10.0.0.2 dev b nexthop via 10.0.0.3 dev b
ip -4 -n red route prepend default via inet6 fe80::1 dev b protocol 110
ip -6 -n red rule delete from ::/0 table main tos 0x10 protocol 110 || :
ip -n red neighbour replace 10.0.0.9 lladdr 02:00:00:00:00:01 dev b
bridge vlan add vid 5-7 dev br0 pvid untagged self
ip netns exec \"$(printf -- '\\033[2J')\" sysctl -qw 'net.ipv4.tcp_rmem=4 5 6'
mkdir -p /etc/netns/red
cat > /etc/netns/red/resolv.conf <<'END'
nameserver 10.0.0.1
END
rm \"$(printf -- '/etc/netns/\\033[2J/hosts')\"
ip link delete dev new || :
ip netns delete \"$(printf -- '\\033[2J')\"
";
    let bytes = commands(&View { plan: &plan, world: &world, sources: None });
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}
