//! Worlds in, topologies out.

use super::*;
use crate::model::addr::{Addr, AddrFlags};
use crate::model::ip::{Family, parse_prefix};
use crate::model::lab::PROTOCOL;
use crate::model::link::{Link, LinkFlags, LinkId};
use crate::model::name::NsName;
use crate::model::route::{PROTOCOL_BOOT, Route};
use crate::model::rule::{RULE_MARK, RULE_PRIORITY, RULE_PROTOCOL, RULE_SUPPRESS_PREFIX, Rule};
use crate::model::topology::{LinkRef, LinkSpec, Place, SettingValue};
use crate::model::translation::Translation;
use crate::model::world::{EtcFile, Seen};

fn name(name: &str) -> IfName {
    IfName::new(name.as_bytes()).unwrap()
}

fn link(index: u32, name: &str, kind: &str) -> Link {
    let kind = (!kind.is_empty()).then(|| kind.as_bytes().to_vec());
    let (flags, address) = (
        LinkFlags::UP | LinkFlags::BROADCAST | LinkFlags::MULTICAST,
        Some(vec![2, 0, 0, 0, 0, u8::try_from(index).unwrap()]),
    );
    Link {
        index,
        name: name.into(),
        kind,
        flags,
        hardware: 1,
        mtu: Some(1500),
        txqlen: Some(1000),
        address,
        ..Link::default()
    }
}

fn lo() -> Link {
    let flags = LinkFlags::UP | LinkFlags::LOOPBACK;
    Link { index: 1, name: b"lo".to_vec(), flags, mtu: Some(65536), txqlen: Some(1000), ..Link::default() }
}

/// Both ends of a pair, in two places or in one.
fn pair(one: &mut Link, id: i32, other: &mut Link, back: i32) {
    (one.link, other.link) = (Some(other.index), Some(one.index));
    (one.link_netnsid, other.link_netnsid) = (Some(id).filter(|id| *id >= 0), Some(back).filter(|id| *id >= 0));
}

fn place(name: &str, links: Vec<Link>) -> Seen {
    let mut seen = Seen { name: NsName::new(name.as_bytes()), presence: Presence::There, ..Seen::default() };
    seen.state.links = links;
    seen
}

fn addr(text: &str, protocol: Option<u8>) -> Addr {
    Addr { flags: AddrFlags::PERMANENT, protocol, ..Addr::new(parse_prefix(text, Family::Unspec).unwrap()) }
}

fn route(dst: &str, place: u32, device: u32, protocol: u8) -> Route {
    let device = Some(LinkId { ns: place, index: device.try_into().unwrap() });
    Route { device, protocol, scope: 253, ..Route::to(parse_prefix(dst, Family::V4).unwrap()) }
}

fn export(world: &World, lab: Option<&Lab>) -> (Vec<Place>, Vec<String>) {
    let (topology, unsaid) = topology(world, lab, "x");
    assert_eq!(topology.name, "x");
    (topology.places, unsaid)
}

fn names(place: &Place) -> Vec<String> {
    place.links.iter().map(|link| format!("{} {}", link.kind.name(), link.name)).collect()
}

fn find<'a>(place: &'a Place, wanted: &str) -> &'a LinkSpec {
    place.links.iter().find(|link| link.name == name(wanted)).unwrap()
}

#[test]
fn a_pair_is_said_once_wherever_its_ends_are() {
    let (mut a, mut b) = (link(2, "a", "veth"), link(5, "b", "veth"));
    let (mut c, mut d) = (link(3, "c", "veth"), link(2, "d", "veth"));
    let (mut e, mut f) = (link(6, "e", "veth"), link(7, "f", "veth"));
    let mut lost = link(9, "lost", "veth");
    pair(&mut a, 0, &mut b, 4);
    pair(&mut c, 1, &mut d, 0);
    pair(&mut e, -1, &mut f, -1);
    (lost.link, lost.link_netnsid) = (Some(2), Some(7));
    b.master = Some(8);
    let mut world = World::default();
    world.places.push(place("", vec![b, e, f, link(8, "br", "bridge"), lost]));
    world.places.push(place("red", vec![a, c]));
    world.places.push(place("blue", vec![d]));
    world.places[0].ids = vec![(4, 1)];
    world.places[1].ids = vec![(0, 0), (1, 2)];
    world.places[2].ids = vec![(0, 1)];
    let (places, unsaid) = export(&world, None);
    assert_eq!(names(&places[0]), ["peer b", "veth e", "peer f", "bridge br"]);
    assert_eq!((names(&places[1]), names(&places[2])), (vec!["veth a".into(), "veth c".into()], vec!["peer d".into()]));
    assert_eq!(find(&places[1], "a").peer, Some(LinkRef { place: 0, name: name("b") }));
    assert_eq!(find(&places[1], "c").peer, Some(LinkRef { place: 2, name: name("d") }));
    assert_eq!(find(&places[2], "d").peer, Some(LinkRef { place: 1, name: name("c") }));
    assert_eq!(find(&places[0], "b").master, Some(said(name("br"))));
    assert_eq!(
        unsaid,
        ["host: lost is left out, with all that is on it: its other end is not among what is looked at"]
    );
}

#[test]
fn what_the_kernel_makes_is_not_said() {
    let mut world = World::default();
    let mut down = link(7, "sit0", "sit");
    down.flags = LinkFlags::empty();
    world.places.push(place("", vec![lo(), link(2, "br", "bridge"), down]));
    let seen = &mut world.places[0];
    seen.state.addrs = vec![
        (1, addr("127.0.0.1/8", Some(1))),
        (1, addr("::1/128", Some(1))),
        (2, addr("fe80::1/64", Some(3))),
        (2, addr("fe80::2/64", None)),
        (2, Addr { flags: AddrFlags::empty(), ..addr("10.0.0.9/24", None) }),
        (2, Addr { scope: 200, ..addr("fd00::1/64", None) }),
    ];
    seen.state.routes =
        vec![route("10.0.0.0/24", 0, 2, 2), route("10.1.0.0/24", 0, 2, 3), route("10.2.0.0/24", 0, 2, 186)];
    let default = |family, priority, table| {
        let mut rule = Rule { family, table, action: crate::model::rule::ACTION_TABLE, ..Rule::default() };
        rule.numbers = vec![(RULE_PRIORITY, priority), (RULE_SUPPRESS_PREFIX, u32::MAX)];
        rule
    };
    let mut marked = default(Family::V4, 5, 7);
    marked.numbers.extend([(RULE_MARK, 1), (RULE_PROTOCOL, 3)]);
    let mut kernels = default(Family::V4, 1000, 0);
    kernels.set(RULE_PROTOCOL, 2);
    seen.rules = vec![default(Family::V4, 0, 255), default(Family::V6, 32766, 254), kernels, marked];
    let (places, unsaid) = export(&world, None);
    assert_eq!(names(&places[0]), ["bridge br"]);
    let addresses: Vec<_> =
        places[0].links[0].addresses.iter().map(|said| said.what.own().unwrap().to_string()).collect();
    // The newest is the first that the kernel lists.
    assert_eq!(addresses, ["fd00::1", "fe80::2"]);
    assert_eq!(places[0].links[0].addresses[0].what.scope, 0);
    let routes: Vec<_> =
        places[0].routes.iter().map(|said| (said.what.route.dst.to_string(), said.what.of_link)).collect();
    assert_eq!(routes, [("10.1.0.0/24".to_owned(), true)]);
    assert_eq!(places[0].routes[0].what.route.protocol, PROTOCOL_BOOT);
    assert_eq!(places[0].rules.len(), 1);
    assert_eq!(places[0].rules[0].what.numbers, [(RULE_MARK, 1), (RULE_PRIORITY, 5)]);
    let expected = "\
host: addresses with a lifetime are left out, they have their own maker: 1
host: routes of protocol 186 are left out, they have their own maker: 1
host: a rule that every namespace begins with is gone: a file has no word for that";
    assert_eq!(unsaid.join("\n"), expected);
}

#[test]
fn of_a_lab_only_what_is_marked_is_said() {
    let lab = Lab::new("one");
    let mark = |netns: &str, mut link: Link| {
        link.altnames.push(lab.mark(netns.as_bytes(), &link.name).altname().into_bytes());
        link
    };
    let (ours, theirs) = (mark("", link(2, "ours", "bridge")), link(3, "theirs", "bridge"));
    let other = Lab::new("two").mark(b"", b"twos").altname();
    let twos = Link { altnames: vec![other.into_bytes()], ..link(4, "twos", "bridge") };
    let mut world = World::default();
    world.places.push(place("", vec![ours, theirs, twos, link(5, "eth0", "")]));
    world.places.push(place("red", vec![mark("red", lo()), link(2, "eth1", ""), link(3, "hand", "bridge")]));
    world.places.push(place("blue", vec![lo(), mark("blue", link(2, "stray", "bridge"))]));
    let host = &mut world.places[0];
    host.state.addrs =
        vec![(2, addr("10.0.0.1/24", None)), (3, addr("10.0.1.1/24", None)), (5, addr("10.0.2.1/24", Some(PROTOCOL)))];
    host.state.routes = vec![
        route("10.1.0.0/24", 0, 2, 4),
        route("10.2.0.0/24", 0, 3, 4),
        route("10.3.0.0/24", 0, 3, PROTOCOL),
        route("10.4.0.0/24", 0, 2, 186),
    ];
    host.sysctls = vec![crate::model::topology::Sysctl { name: "net.ipv4.ip_forward".into(), value: "0".into() }];
    world.places[1].state.routes = vec![route("10.5.0.0/24", 1, 3, 4), route("10.6.0.0/24", 1, 1, PROTOCOL)];
    world.places[1].files = vec![
        (EtcFile::Resolv, lab.headline() + "\nnameserver 192.0.2.1\n"),
        (EtcFile::Hosts, "10.0.0.1 by-hand\n".into()),
    ];
    let (places, unsaid) = export(&world, Some(&lab));
    assert_eq!(places.len(), 2, "a namespace that is not the lab's is not said");
    // Links of others are devices that are there, where the lab has something on them.
    assert_eq!(names(&places[0]), ["bridge ours", "device theirs", "device eth0"]);
    assert_eq!((find(&places[0], "theirs").addresses.len(), find(&places[0], "eth0").addresses.len()), (0, 1));
    let routes = |place: &Place| place.routes.iter().map(|said| said.what.route.dst.to_string()).collect::<Vec<_>>();
    assert_eq!(routes(&places[0]), ["10.1.0.0/24", "10.3.0.0/24"]);
    assert_eq!(places[0].sysctls[0].what.value, "0");
    assert!(!places[0].forward.v4);
    // Hardware in a namespace of the lab goes back with it.
    assert_eq!(names(&places[1]), ["device eth1", "device hand"]);
    assert_eq!(routes(&places[1]), ["10.5.0.0/24", "10.6.0.0/24"]);
    assert!(!places[1].routes[1].what.of_link, "`lo` is said by name");
    assert_eq!(places[1].dns.as_ref().unwrap().what.nameservers.len(), 1);
    assert!(places[1].hosts.is_empty() && unsaid.is_empty(), "{unsaid:?}");
}

#[test]
fn properties_that_links_have_from_others_are_not_said() {
    let port = Link { master: Some(2), ..link(3, "port", "bridge") };
    let mut bridge = link(2, "br", "bridge");
    bridge.address.clone_from(&port.address);
    let mut vlan = link(4, "v", "vlan");
    // IFLA_VLAN_ID 7.
    (vlan.kind_data, vlan.link, vlan.mtu) = (vec![6, 0, 1, 0, 7, 0, 0, 0], Some(3), Some(1400));
    let mut mac = link(5, "m", "macvlan");
    (mac.link, mac.mtu, mac.txqlen) = (Some(9), Some(9000), Some(5));
    let mut gone = link(6, "g", "macvlan");
    (gone.link, gone.link_netnsid) = (Some(2), Some(3));
    let lower = Link { mtu: Some(9000), ..link(9, "below", "bridge") };
    let mut world = World::default();
    world.places.push(place("", vec![bridge, port, vlan, mac, gone, lower, link(10, "wg", "wireguard")]));
    world
        .places
        .push(place("n", vec![link(10, "wg", "wireguard"), Link { link: Some(10), ..link(11, "on", "macvlan") }]));
    let (places, unsaid) = export(&world, None);
    let keys = |name: &str| find(&places[0], name).settings.iter().map(|own| own.key).collect::<Vec<_>>();
    // A made bridge would have one of its own, not that of its port.
    assert_eq!(keys("br"), ["mac"]);
    assert_eq!(keys("port"), ["mac"]);
    assert_eq!(keys("v"), ["id", "mtu", "mac"]);
    assert_eq!(find(&places[0], "v").number("id"), Some(7));
    // As large as the one below.
    assert_eq!(keys("m"), ["txqueuelen", "mac"]);
    assert_eq!(keys("below"), ["mtu", "mac"]);
    assert_eq!(find(&places[0], "below").get("mac"), Some(&SettingValue::Mac([2, 0, 0, 0, 0, 9])));
    assert_eq!(find(&places[0], "wg").kind, LinkKind::Device);
    assert!(places[1].links.is_empty());
    let text = unsaid.join("\n");
    let expected = "\
host: wg is said as a device that is there: a file has no kind wireguard
n: wg is left out, with all that is on it: a file has no kind wireguard
host: g is left out, with all that is on it: the link that it is made on is not among what is looked at
n: on is left out, with all that is on it: so is the link that it is made on";
    assert_eq!(text, expected);
}

#[test]
fn translations_are_said_in_their_order() {
    let parse = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        crate::model::translation::parse(&words).unwrap()
    };
    let list: Vec<Translation> = [
        "masquerade from 10.0.0.0/8",
        "masquerade from fd00::/64",
        "masquerade from 10.0.0.0/8 to 192.0.2.0/24 out eth0",
        "forward tcp in eth0 80-90 to 10.0.0.1:8080",
        "redirect tcp 80 to 8080",
        "masquerade from 10.1.0.0/16 fully-random",
    ]
    .map(parse)
    .to_vec();
    let mut world = World::default();
    world.places.push(Seen { translations: list.clone(), foreign_rules: true, ..place("", Vec::new()) });
    let (places, unsaid) = export(&world, None);
    let mut again = Vec::new();
    places[0].masquerades.iter().for_each(|said| said.what.translations(&mut again));
    again.extend(places[0].forward_ports.iter().map(|said| said.what.translation(None)));
    assert_eq!(again, list[..4]);
    assert_eq!((places[0].masquerades.len(), unsaid.len()), (2, 3), "{unsaid:?}");
}
