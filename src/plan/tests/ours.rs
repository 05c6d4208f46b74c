//! What is ours and what is somebody else's: taken over, let go, pruned, and known after a kill.

use super::{ADOPT, OPTIONS, after, kernel, lines, link, made, refused, topology};
use crate::model::lab::Lab;
use crate::model::link::Link;
use crate::model::name::NsName;
use crate::plan::{Known, Options, plan};

#[test]
fn strangers_are_in_the_way_until_they_are_adopted() {
    let text = "name='x'\n[bridge.br0]\n[netns.a]\n[netns.b.veth.e]\npeer.name='p'";
    let mut world = made(&text.replace("'x'", "'y'"));
    let namespaces = ["namespace a belongs to another lab", "namespace b belongs to another lab"];
    let bridge = "link br0 on the host: belongs to another lab";
    let pair = "link p on the host: belongs to another lab";
    assert_eq!(refused(&mut world, text, ADOPT), [namespaces[0], namespaces[1], bridge, pair]);
    for seen in &mut world.places {
        for link in &mut seen.state.links {
            link.altnames.clear();
            link.group = Some(0);
        }
    }
    let namespaces = ["a", "b"].map(|name| format!("namespace {name} is there and is not ours; --adopt takes it over"));
    assert_eq!(refused(&mut world, text, OPTIONS)[..2], namespaces);
    assert_eq!(refused(&mut world, text, OPTIONS).len(), 4);
    let bridge = "link br0 on the host: a bridge of that name is there and is not ours; --adopt takes it over";
    assert_eq!(refused(&mut world.clone(), "name='x'\n[bridge.br0]", OPTIONS), [bridge]);
    let lines = after(&mut world, text, ADOPT);
    assert!(lines.iter().all(|line| line.contains(" mark Add") || line.contains(" change")), "{lines:?}");
    // What has been adopted is let go when it is said to be a device; of a namespace that is told apart.
    let topology = topology("name='x'\n[device.br0]\n[netns.a]");
    kernel::align(&mut world, &topology);
    let released = ["a", "b"].map(|name| NsName::new(name.as_bytes()).unwrap()).to_vec();
    let known = Known { released, ..Known::default() };
    let plan = plan(&topology, &world, &known, OPTIONS).unwrap();
    kernel::run(&mut world, &plan);
    assert_eq!(link(&mut world, 0, "br0").altnames.len(), 0);
    assert_eq!(world.places.iter().map(|seen| seen.state.links.len()).collect::<Vec<_>>(), [2, 1, 1]);
    assert!(world.places.iter().flat_map(|seen| &seen.state.links).all(|link| link.altnames.is_empty()));
}

#[test]
fn ours_is_pruned_and_nothing_else() {
    let file = "name='x'\n[dummy.a]\n[dummy.b]\n[netns.n.dummy.c]\n[netns.m.veth.d]\npeer={name='e',netns='n'}";
    let mut world = made(file);
    after(&mut world, "name='y'\n[dummy.q]\n[netns.o]", Options { index: 1 << 21, ..OPTIONS });
    let mut kept = world.clone();
    let keep = Options { prune: false, ..OPTIONS };
    assert_eq!(after(&mut kept, "name='x'", keep), [""; 0]);
    // With one of the links remaining the others go one by one, a pair once.
    let lines = after(&mut world, "name='x'\n[dummy.b]\n[netns.n]\n[netns.m]", OPTIONS);
    assert_eq!(lines, ["0 - delete 1048576", "1 - delete group"]);
    let lines = after(&mut world, "name='x'", OPTIONS);
    assert_eq!(lines.len(), 3);
    let left: Vec<_> = world.places[0].state.links.iter().map(|link| link.name.clone()).collect();
    assert_eq!(left, [b"lo".to_vec(), b"q".to_vec()]);
    // Somebody else's link in the group is not deleted with it.
    let mut world = made(file);
    world.places[0].state.links.push(Link {
        index: 9,
        name: b"s".to_vec(),
        group: Some(Lab::new("x").group()),
        ..Link::default()
    });
    let lines = after(&mut world, "name='x'", OPTIONS);
    assert_eq!(lines[..2], ["0 - delete 1048576", "0 - delete 1048577"]);
}

#[test]
fn what_a_killed_run_made_is_known_by_number_and_group() {
    let file = "name='x'\n[dummy.a]\n[dummy.b]";
    let mut world = made(file);
    world.places[0].state.links.iter_mut().for_each(|link| link.altnames.clear());
    assert_eq!(refused(&mut world, file, OPTIONS).len(), 2);
    let known = Known { indexes: Some((1 << 20, 2)), ..Known::default() };
    let topology = topology("name='x'\n[dummy.a]");
    let plan = plan(&topology, &world, &known, OPTIONS).unwrap();
    let mark = Lab::new("x").mark(b"", b"a").altname();
    assert_eq!(lines(&plan), [format!("0 ~ 1048576 mark Add mark none->{mark}"), "0 - delete 1048577".into()]);
    // The number alone is not enough.
    world.places[0].state.links[1].group = Some(0);
    assert_eq!(super::plan(&topology, &world, &known, OPTIONS).unwrap_err().len(), 1);
}
