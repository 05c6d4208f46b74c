//! One file after another one: what the kernel keeps an order of, and what is whose.

use super::{addrs, after, contents, run};
use crate::model::ip::Prefix;
use crate::model::link::{LinkFlags, LinkId};
use crate::model::op::Op;
use crate::model::plan::{Act, Sign};
use crate::model::route::Route;
use crate::model::topology::Topology;
use crate::model::world::{Seen, World};
use crate::plan::tests::{OPTIONS, kernel, planned, topology};
use crate::plan::{Known, Options, plan};

/// A namespace with two links, and lines of its own.
fn two(a: &str, b: &str, place: &str) -> Topology {
    let link = |name: &str, lines: &str| format!("[netns.n.veth.{name}]\npeer = {{ name = 'p{name}' }}\n{lines}\n");
    topology(&format!("name = 't'\n[netns.n]\n{place}\n{}{}", link("a", a), link("b", b)))
}

/// What is done of contents when one file follows another one, and nothing then.
#[track_caller]
fn change(one: &Topology, other: &Topology) -> Vec<String> {
    let mut world = kernel::empty(one);
    after(&mut world, one);
    contents(&after(&mut world, other))
}

#[test]
fn the_order_of_addresses_counts() {
    let a = |list: &str| two(&format!("address = [{list}]"), "", "");
    let steps = change(&a("'10.0.0.1/24', '10.0.0.2/24'"), &a("'10.0.0.2/24', '10.0.0.1/24'"));
    // The primary one takes the other along.
    assert_eq!(steps, ["-/+ address 10.0.0.2", "-/+ address 10.0.0.1", ". address 10.0.0.2", ". address 10.0.0.1"]);
    let steps = change(&a("'10.0.0.2/24', '10.9.0.1/24'"), &a("'10.9.0.1/24', '10.0.0.1/24', '10.0.0.2/24'"));
    assert_eq!(steps, ["-/+ address 10.0.0.2", "+ address 10.0.0.1", ". address 10.0.0.2"]);
    let steps = change(&a("'10.0.0.1/24'"), &a("'10.0.0.1/24', '10.0.0.2/24'"));
    assert_eq!(steps, ["+ address 10.0.0.2"]);
    let steps = change(&a("'fd00::1/64', 'fd01::1/64', 'fd02::1/64'"), &a("'fd01::1/64', 'fd00::1/64', 'fd02::1/64'"));
    assert_eq!(
        steps,
        ["-/+ address fd00::1", "-/+ address fd02::1", ". address fd00::1", ". address fd02::1"],
        "packets leave by the last one"
    );
    let steps = change(&a("'fd00::1/64'"), &a("'fd00::1/64', 'fd01::1/64'"));
    assert_eq!(steps, ["+ address fd01::1"]);
}

#[test]
fn addresses_of_a_subnet_have_one_scope_at_a_time() {
    let a = |list: &str| two(&format!("address = [{list}]"), "", "");
    let steps = change(
        &a("'10.0.0.1/24', '10.0.0.2/24', '10.5.0.1/24'"),
        &a("'10.0.0.2/24 scope link', '10.0.0.3/24 scope link'"),
    );
    assert_eq!(
        steps,
        [
            "-/+ address 10.0.0.2",
            "- address 10.0.0.1",
            ". address 10.0.0.2",
            "+ address 10.0.0.3",
            "- address 10.5.0.1"
        ]
    );
}

#[test]
fn a_route_follows_the_address_that_its_gateway_is_by() {
    let route = "route = ['default via 10.0.0.9', '10.7.0.0/16 nexthop via 10.0.0.9 nexthop via 10.1.0.9']";
    let one = two("address = '10.0.0.1/24'", "address = '10.1.0.1/24'", route);
    let other = two("address = '10.1.0.1/24'", "address = '10.0.0.1/24'", route);
    let mut world = kernel::empty(&one);
    after(&mut world, &one);
    let made = planned(&other, &world, OPTIONS);
    let steps = contents(&made.steps);
    assert_eq!(steps[2..4], ["~ route 0.0.0.0/0", "~ route 10.7.0.0/16"]);
    let why = |number: usize| {
        let step = made.steps.iter().filter(|step| step.sign == Sign::Change).nth(number).unwrap();
        let why = &step.why[0];
        (why.what, why.from.clone(), why.to.clone())
    };
    assert_eq!(why(0), ("dev", "a".into(), "b".into()));
    assert_eq!(why(1).0, "nexthop");
    // A route of the file that leads to the gateway wins.
    let more = "route = ['10.0.0.9/32 dev b', 'default via 10.0.0.9']";
    let file = two("address = '10.0.0.1/24'", "", more);
    let made = planned(&file, &kernel::empty(&file), OPTIONS);
    let devices: Vec<_> = made
        .steps
        .iter()
        .filter_map(|step| match &step.act {
            Act::Op(op) => match &**op {
                Op::Route(_, route) => Some(route.device.is_some()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(devices, [true, false]);
}

#[test]
fn the_route_to_a_subnet_is_put_back() {
    let route = "route = ['default via 10.0.0.9', 'default via fd00::9']";
    let file = two("address = ['10.0.0.1/24', '10.0.0.2/24', '10.3.0.1/32', 'fd00::1/64']", "", route);
    let mut world = kernel::empty(&file);
    after(&mut world, &file);
    let place = file.places.iter().position(|place| place.name.is_some()).unwrap();
    assert!(world.places[place].state.routes.iter().any(|route| route.protocol == 2));
    world.places[place].state.routes.clear();
    let steps = contents(&after(&mut world, &file));
    assert_eq!(steps, ["+ route 10.0.0.0/24", "+ route fd00::/64", "+ route 0.0.0.0/0", "+ route ::/0"]);
    // A link that is down has none, and one that is not ours may have what it likes.
    let link = world.places[place].state.addrs[0].0;
    world.places[place].state.routes.clear();
    let down = two("up = false\naddress = ['10.0.0.1/24', '10.0.0.2/24', '10.3.0.1/32', 'fd00::1/64']", "", "");
    world.places[place].state.links.iter_mut().find(|own| own.index == link).unwrap().flags = LinkFlags::empty();
    assert_eq!(contents(&planned(&down, &world, OPTIONS).steps), [""; 0]);
}

#[test]
fn parameters_come_first_and_refusals_go_first() {
    let one = two("sysctl = { 'net.ipv6.conf.disable_ipv6' = 1 }", "", "rule = ['to 10.0.0.0/24 blackhole']");
    let other = two(
        "address = ['10.0.0.1/24', 'fd00::1/64']\nsysctl = { 'net.ipv6.conf.disable_ipv6' = 0 }",
        "",
        "route = 'default via 10.0.0.9'",
    );
    assert_eq!(
        change(&one, &other),
        [
            "~ net.ipv6.conf.a.disable_ipv6 0",
            "- rule Some(32765)",
            "+ address 10.0.0.1",
            "+ address fd00::1",
            "~ net.ipv6.conf.a.addr_gen_mode 0",
            "~ net.ipv6.conf.b.addr_gen_mode 0",
            "+ route 0.0.0.0/0",
        ]
    );
}

#[test]
fn what_strangers_put_on_their_links_in_a_namespace_of_ours_stays() {
    let file = two("address = '10.0.0.1/24'\nroute = '10.4.0.0/16 via 10.0.0.9'", "", "");
    let mut world = kernel::empty(&file);
    after(&mut world, &file);
    let place = file.places.iter().position(|place| place.name.is_some()).unwrap();
    let seen = &mut world.places[place];
    let mut link = seen.state.links.iter().find(|link| link.name == b"a").unwrap().clone();
    (link.index, link.name, link.altnames, link.group) = (99, b"x".to_vec(), Vec::new(), Some(0));
    link.alias = None;
    seen.state.links.push(link);
    let stranger = std::num::NonZeroU32::new(99).map(|index| LinkId { ns: 1, index });
    let mut route = seen.state.routes.iter().find(|route| route.protocol == 110).unwrap().clone();
    (route.device, route.protocol, route.metric) = (stranger, 3, Some(7));
    seen.state.routes.push(route.clone());
    assert_eq!(contents(&planned(&file, &world, OPTIONS).steps), [""; 0]);
    // By a link of ours as well, or with the mark, it is ours.
    (route.protocol, route.metric) = (110, Some(8));
    world.places[place].state.routes.push(route);
    assert_eq!(contents(&planned(&file, &world, OPTIONS).steps), ["- route 10.4.0.0/16"]);
}

/// A host with a device `eth9`, which has the address 10.7.0.1/24 of ours.
fn host() -> World {
    let bridge = topology("name = 't'\n[bridge.eth9]\naddress = '10.7.0.1/24'\n");
    let mut world = kernel::empty(&bridge);
    after(&mut world, &bridge);
    let link = world.places[0].state.links.iter_mut().find(|link| link.name == b"eth9").unwrap();
    (link.altnames, link.group, link.kind) = (Vec::new(), Some(0), None);
    link.address = Some(vec![2, 0, 0, 0, 0, 9]);
    world
}

#[test]
fn an_address_of_a_device_that_is_found_by_its_mac_is_known_again() {
    let file = |address: &str| topology(&format!("name = 't'\n[device.wan]\nmac = '02:00:00:00:00:09'\n{address}"));
    let known = Known { own: Some(file("address = '10.7.0.1/24'")), ..Known::default() };
    let made = plan(&file(""), &host(), &known, OPTIONS).unwrap();
    assert_eq!(contents(&made.steps), ["- address 10.7.0.1"]);
}

#[test]
fn what_another_lab_asks_for_is_not_changed() {
    let file = |name: &str, via: &str| {
        topology(&format!(
            "name = '{name}'\nroute = '10.70.0.0/16 via {via}'\n[device.eth9]\naddress = '10.7.0.1/24'\n"
        ))
    };
    let (t, mut world) = (file("t", "10.7.0.9"), host());
    let known = Known { own: Some(t.clone()), ..Known::default() };
    let made = plan(&t, &world, &known, OPTIONS).unwrap();
    run(&mut world, &made.steps);
    let known = Known { own: Some(file("u", "10.7.0.9")), others: vec![t.clone()], ..Known::default() };
    let other = file("u", "10.7.0.8");
    let conflicts = plan(&other, &world, &known, OPTIONS).unwrap_err();
    assert_eq!(
        conflicts[0].text,
        "the route to 10.70.0.0/16 on the host is asked for otherwise by lab t: via 10.7.0.9 -> 10.7.0.8; --adopt \
         changes it and takes it over"
    );
    let adopted = plan(&other, &world, &known, Options { adopt: true, ..OPTIONS }).unwrap();
    assert_eq!(contents(&adopted.steps), ["~ route 10.70.0.0/16"]);
    // What both ask for is put right by either.
    world.places[0].state.routes.iter_mut().for_each(|route| route.prefsrc = "10.7.0.1".parse().ok());
    let healed = plan(&file("u", "10.7.0.9"), &world, &known, OPTIONS).unwrap();
    assert_eq!(contents(&healed.steps), ["~ route 10.70.0.0/16"]);
}

#[test]
fn what_is_in_the_way_is_told_as_a_plan_tells_it() {
    let file =
        topology("name = 't'\nroute = '10.5.0.0/16 via 10.7.0.9 metric 4'\n[device.eth9]\naddress = '10.7.0.1/24'\n");
    let mut world = host();
    let mut route = Route {
        scope: 253,
        metric: Some(4),
        device: addrs::link_id(0, world.places[0].state.addrs[0].0),
        ..Route::to(Prefix::new("10.5.0.0".parse().unwrap(), 16).unwrap())
    };
    route.protocol = 3;
    world.places[0].state.routes.push(route);
    let conflicts = plan(&file, &world, &Known { own: Some(file.clone()), ..Known::default() }, OPTIONS).unwrap_err();
    assert_eq!(
        conflicts[0].text,
        "the route to 10.5.0.0/16 metric 4 on the host is there, is not ours and differs: via none -> 10.7.0.9, \
         scope link -> global; --adopt changes it and takes it over"
    );
}

#[test]
fn without_pruning_translations_stay() {
    let file = |nets: &str| topology(&format!("name = 't'\n[[masquerade]]\nfrom = [{nets}]\n"));
    let (one, other) = (file("'10.0.0.0/24', '10.7.0.0/24'"), file("'10.7.0.0/24', '10.8.0.0/24'"));
    let mut world = kernel::empty(&one);
    after(&mut world, &one);
    let made = plan(&other, &world, &Known::default(), Options { prune: false, ..OPTIONS }).unwrap();
    assert_eq!(contents(&made.steps), ["~ 3 translations"]);
    run(&mut world, &made.steps);
    let again = plan(&other, &world, &Known::default(), Options { prune: false, ..OPTIONS }).unwrap();
    assert_eq!(contents(&again.steps), [""; 0]);
    let less = planned(&other, &world, OPTIONS);
    assert_eq!(contents(&less.steps), ["~ 2 translations"]);
}

#[test]
fn files_of_a_namespace_that_is_gone_are_taken_away_by_the_plan() {
    let file = topology("name = 't'\n[netns.n]\ndns = { nameserver = '192.0.2.53' }\n");
    let mut world = kernel::empty(&file);
    after(&mut world, &file);
    let nothing = topology("name = 't'\n");
    // Nothing but the files, behind what is asked for.
    let files = std::mem::take(&mut world.places[1].files);
    world.places[1] = Seen { name: world.places[1].name.clone(), files, ..Seen::default() };
    assert_eq!(contents(&planned(&nothing, &world, OPTIONS).steps), ["- resolv.conf false"]);
}
