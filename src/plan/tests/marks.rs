//! Links that get each other's names and marks, and the way back from the middle of that.

use super::{ADOPT, OPTIONS, REPLACE, after, kernel, lines, link, made, planned, refused, topology};
use crate::model::link::Link;
use crate::model::name::{IfName, NsName};
use crate::model::plan::Plan;
use crate::model::topology::Topology;
use crate::model::world::{Presence, World};
use crate::plan::{Known, Options, plan};

type Row = (Option<NsName>, Vec<u8>, u32, Vec<Vec<u8>>);

/// Links with their places, indexes and marks.
fn rows(world: &World) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for seen in world.places.iter().filter(|seen| seen.presence == Presence::There) {
        let row = |link: &Link| (seen.name.clone(), link.name.clone(), link.index, link.altnames.clone());
        rows.extend(seen.state.links.iter().map(row));
    }
    rows.sort();
    rows
}

/// Does some steps of the way from one file to another one, and goes back to the same links.
pub fn back(base: &World, from: &Topology, way: &Plan, count: usize) {
    let mut world = base.clone();
    kernel::run_some(&mut world, way, count);
    // A namespace without a name goes with the run.
    let staged = |place: &usize| world.places[*place].state.link(1).is_some_and(|lo| lo.altnames.is_empty());
    for place in (1..world.places.len()).filter(staged).collect::<Vec<_>>() {
        kernel::remove_all(&mut world, place);
    }
    kernel::align(&mut world, from);
    let before = rows(base);
    let had = before.iter().map(|row| (row.0.clone(), IfName::new(&row.1).unwrap(), row.2.try_into().unwrap()));
    let known = Known { indexes: Some((1 << 29, 1 << 13)), had: had.collect(), ..Known::default() };
    let options = Options { index: (1 << 29) + (1 << 12), ..REPLACE };
    let back = plan(from, &world, &known, options).unwrap();
    kernel::run(&mut world, &back);
    assert_eq!(rows(&world), before, "after {count} of {:#?}: {:#?}", lines(way), lines(&back));
    assert_eq!(lines(&plan(from, &world, &known, options).unwrap()), [""; 0]);
}

/// Goes from one file to another one, and from each step on the way back.
fn there_and_back(from: &str, to: &str, options: Options) -> World {
    let [from, to] = [from, to].map(|text| ["name='x'\n", text].concat());
    let (first, second, mut base) = (topology(&from), topology(&to), made(&from));
    kernel::align(&mut base, &second);
    let way = planned(&second, &base, Options { index: 1 << 29, ..options });
    (0..=way.steps.len()).for_each(|count| back(&base, &first, &way, count));
    kernel::run(&mut base, &way);
    assert_eq!(after(&mut base, &to, options), [""; 0]);
    base
}

const PAIRS: &str = "[netns.a.veth.e]\npeer.name='p1'\n[netns.b.veth.e]\npeer.name='p2'\n";

#[test]
fn ends_of_pairs_get_each_others_names() {
    for (one, two) in [("p2", "p1"), ("p2", "p3"), ("p3", "p1")] {
        let to = PAIRS.replace("p1", "-").replace("p2", two).replace('-', one);
        let mut world = there_and_back(PAIRS, &to, OPTIONS);
        assert_eq!(link(&mut world, 0, one).index, 1 << 20);
        assert_eq!(link(&mut world, 0, two).index, (1 << 20) + 1);
    }
    // One that goes has both what another one is to get.
    let mut world = there_and_back(PAIRS, "[netns.a.veth.e]\npeer.name='p2'\n", OPTIONS);
    assert_eq!(link(&mut world, 0, "p2").index, 1 << 20);
    let mut world = there_and_back("[dummy.d]\n[veth.v]\npeer.name='w'", "[veth.v]\npeer.name='d'", OPTIONS);
    let index = link(&mut world, 0, "v").index;
    assert_eq!(link(&mut world, 0, "d").link, Some(index));
    let turned = "[veth.a]\npeer.name='d'\n[veth.c]\npeer.name='b'";
    there_and_back("[veth.a]\npeer.name='b'\n[veth.c]\npeer.name='d'", turned, OPTIONS);
}

#[test]
fn a_pair_is_taken_for_one_that_is_asked_for() {
    // The end that got another name; and the other one that is asked for besides.
    for to in ["[veth.a]\npeer.name='c'\n[veth.x]\npeer.name='b'", "[veth.x]\npeer.name='b'\n[veth.a]\npeer.name='c'"] {
        let mut world = there_and_back("[veth.a]\npeer.name='b'", to, OPTIONS);
        assert_eq!(world.places[0].state.links.len(), 5);
        let first = if to.starts_with("[veth.a]") { "c" } else { "x" };
        assert!(link(&mut world, 0, first).index < 1 << 29);
    }
    let more = "[netns.a.veth.e]\npeer.name='p2'\n[netns.b.veth.e]\npeer.name='p1'";
    let mut world = there_and_back("[netns.a.veth.e]\npeer.name='p1'", more, OPTIONS);
    assert_eq!((link(&mut world, 1, "e").index, link(&mut world, 0, "p2").index), (16, 1 << 20));
    // What was one end of a pair is a link of its own.
    let mut world = there_and_back("[veth.v]\npeer.name='w'", "[dummy.w]\n[veth.v]\npeer.name='x'", OPTIONS);
    assert_eq!(link(&mut world, 0, "x").index, (1 << 20) + 1);
}

#[test]
fn a_pair_that_leads_somewhere_else_is_seen() {
    let pairs = |one, two| {
        let pair = |from, to| format!("[netns.{from}.veth.e]\npeer={{name='e',netns='{to}'}}\n");
        format!("name='x'\n[netns.b]\n[netns.d]\n{}{}", pair("a", one), pair("c", two))
    };
    // All four ends have the same index.
    let mut world = made(&pairs("b", "d"));
    let crossed = pairs("d", "b");
    let text = "its other end is not the one that is asked for, and that cannot be changed; --replace makes it anew";
    let expected = ["a", "c"].map(|netns| format!("link e in {netns}: {text}"));
    assert_eq!(refused(&mut world, &crossed, OPTIONS), expected);
    let lines = after(&mut world, &crossed, Options { index: 1 << 21, ..REPLACE });
    assert!(lines.iter().any(|line| line.ends_with("peer e in b->e in d")), "{lines:?}");
    let place = |netns: &[u8]| world.places.iter().position(|seen| seen.name == NsName::new(netns)).unwrap();
    let far = world.places[place(b"a")].state.links.iter().find(|link| link.name == b"e").unwrap();
    assert_eq!(world.place_of(place(b"a"), far), Some(place(b"d")));
    // A link on a link of another namespace than the host.
    let file = "name='x'\n[dummy.d]\n[netns.a.macvlan.m]\nlink='host:d'\n[netns.b]";
    let mut world = made(file);
    let other = world.places.iter().position(|seen| seen.name == NsName::new(b"b")).unwrap();
    let own = 3 - other;
    world.places[own].ids = vec![(0, other)];
    let text =
        "link m in a: link is if1048576 in b, not d on the host, and that cannot be changed; --replace makes it anew";
    assert_eq!(refused(&mut world, file, OPTIONS), [text]);
}

#[test]
fn one_line_for_a_stranger_and_what_helps() {
    let mut world = made("name='x'\n[dummy.q]");
    let veth = |index, name: &[u8], peer| Link {
        index,
        name: name.to_vec(),
        kind: Some(b"veth".to_vec()),
        link: Some(peer),
        ..Link::default()
    };
    world.places[0].state.links.extend([veth(7, b"a", 8), veth(8, b"z", 7)]);
    let text = "link a on the host: a veth of that name is there and is not ours; --adopt takes it over";
    assert_eq!(refused(&mut world, "name='x'\n[veth.a]\npeer.name='b'", OPTIONS), [text]);
    let text = "link a on the host: its other end is not the one that is asked for, and that cannot be changed; --replace makes it anew";
    assert_eq!(refused(&mut world, "name='x'\n[veth.a]\npeer.name='b'", ADOPT), [text]);
    link(&mut world, 0, "q").altnames.push(b"b".to_vec());
    let text =
        "link b on the host: the name is an alternative name of q; ip link property del dev q altname b frees it";
    assert_eq!(refused(&mut world, "name='x'\n[dummy.b]\n[dummy.q]", OPTIONS), [text]);
}

#[test]
fn a_number_that_a_link_had_is_given_to_no_other_one() {
    let file = topology("name='x'\n[netns.a.dummy.d]\n[netns.a.dummy.e]");
    let world = kernel::empty(&file);
    let name = |name: &[u8]| IfName::new(name).unwrap();
    let had = vec![(NsName::new(b"a"), name(b"e"), 16.try_into().unwrap())];
    let plan = plan(&file, &world, &Known { had, ..Known::default() }, OPTIONS).unwrap();
    let given: Vec<_> = plan.names.iter().map(|(link, name)| (name.to_string(), link.index.get())).collect();
    assert_eq!(given, [("d".to_owned(), 17), ("e".to_owned(), 16)]);
}

#[test]
fn a_device_that_leads_out_is_not_taken_along_though_nothing_is_known_of_it() {
    let mut world = made("name='x'\n[netns.a]");
    world.places[1].ids = vec![(5, 0)];
    for (index, name, id) in [(2, b"eth9", Some(5)), (3, b"dum9", None)] {
        let (name, kind) = (name.to_vec(), Some(b"veth".to_vec()));
        world.places[1].state.links.push(Link { index, name, kind, link_netnsid: id, ..Link::default() });
    }
    assert_eq!(after(&mut world, "name='x'", OPTIONS), ["1 ~ move eth9 to 0 netns a->the host", "1 - delete netns"]);
    assert_eq!(link(&mut world, 0, "eth9").index, 2);
}

#[test]
fn what_is_said_no_more_is_what_a_new_link_has() {
    let file = "name='x'
[veth.u]
mtu=9000
peer={name='w',mtu=9000}
[tap.t]
txqueuelen=50
[vrf.r]
table=7
mtu=1500
txqueuelen=50
[vxlan.v]
id=5
remote='10.0.0.9'
dev='u'
mtu=1000
[vxlan.x]
id=6
remote='fd00::9'
dev='u'
mtu=1000
[macvlan.m]
link='w'
mtu=1400
[vlan.l]
link='u'
id=7
mtu=1400";
    let mut world = made(file);
    let own = Some(topology(file));
    let rest: String = ["[netns.none]", "mtu=1000", "mtu=1400", "mtu=1500", "txqueuelen=50"]
        .iter()
        .fold(file.to_owned(), |text, line| text.replace(&["\n", line].concat(), ""));
    let topology = topology(&rest);
    let plan = plan(&topology, &world, &Known { own, ..Known::default() }, OPTIONS).unwrap();
    kernel::run(&mut world, &plan);
    let mut mtu = |name| link(&mut world, 0, name).mtu.unwrap();
    assert_eq!(["v", "x", "m", "l", "r"].map(&mut mtu), [8950, 8930, 9000, 9000, 65575]);
    assert_eq!(["t", "r"].map(|name| link(&mut world, 0, name).txqlen), [Some(1000); 2]);
    assert!(plan.steps.iter().all(|step| step.at.is_some()));
    // What goes is said nowhere.
    let none = super::topology("name='x'");
    let plan = planned(&none, &world, OPTIONS);
    assert!(!plan.steps.is_empty() && plan.steps.iter().all(|step| step.at.is_none()));
}
