//! Plans of what is on links, from worlds that are made up.

mod change;

use super::{addrs, neighs, routes, rules};
use crate::model::addr::{Addr, AddrFlags, AddrVerb, Lifetimes};
use crate::model::ip::Family;
use crate::model::neigh::{Neigh, NeighState, NeighVerb};
use crate::model::op::Op;
use crate::model::plan::{Act, Step};
use crate::model::port::{PVID, UNTAGGED};
use crate::model::route::{Route, RouteVerb, TABLE_MAIN};
use crate::model::rule::Rule;
use crate::model::topology::{PortVlan, Sysctl, Topology};
use crate::model::world::{EtcFile, World};
use crate::plan::tests::{OPTIONS, kernel, planned, topology};
use crate::plan::{Known, plan};

/// Does what the steps say of contents.
fn run(world: &mut World, steps: &[Step]) {
    for step in steps {
        let seen = &mut world.places[step.place];
        match &step.act {
            Act::Op(op) => match &**op {
                Op::Addr(verb, id, addr) => {
                    let (link, mut addr) = (id.index.get(), addr.clone());
                    let key = addrs::key(link, &addr);
                    let before = seen.state.addrs.len();
                    seen.state.addrs.retain(|(link, addr)| addrs::key(*link, addr) != key);
                    assert_eq!(seen.state.addrs.len() < before, *verb != AddrVerb::Add, "{step:?}");
                    let v6 = addr.family == Family::V6;
                    let net = addrs::subnet(&addr);
                    let same = |other: &Addr| addrs::subnet(other) == net;
                    if *verb == AddrVerb::Delete {
                        let first = !seen.state.addrs.iter().any(|(other, addr)| *other == link && same(addr));
                        let route = addrs::connected(*id, &addr, TABLE_MAIN).filter(|_| first);
                        seen.state.routes.retain(|own| {
                            route
                                .as_ref()
                                .is_none_or(|route| own.protocol != 2 || routes::key(route) != routes::key(own))
                        });
                    } else {
                        addr.flags |= AddrFlags::PERMANENT;
                        let second = !v6 && seen.state.addrs.iter().any(|(other, addr)| *other == link && same(addr));
                        addr.flags.set(AddrFlags::SECONDARY, second);
                        let clash =
                            |(other, now): &&(u32, Addr)| *other == link && same(now) && now.scope != addr.scope;
                        assert!(v6 || seen.state.addrs.iter().find(clash).is_none(), "Invalid scope value: {step:?}");
                        let route = addrs::connected(*id, &addr, TABLE_MAIN);
                        let is_new =
                            |route: &Route| !seen.state.routes.iter().any(|own| routes::key(own) == routes::key(route));
                        seen.state.routes.extend(route.filter(is_new));
                        // The newest one of IPv6 comes first.
                        let at = if v6 { 0 } else { seen.state.addrs.len() };
                        seen.state.addrs.insert(at, (link, addr));
                    }
                }
                Op::Route(verb, route) => {
                    let key = routes::key(route);
                    let before = seen.state.routes.len();
                    seen.state.routes.retain(|route| routes::key(route) != key);
                    let is_there = matches!(verb, RouteVerb::Replace | RouteVerb::Delete);
                    let is_anything = *verb == RouteVerb::Replace && route.protocol == 2;
                    assert!(is_anything || (seen.state.routes.len() < before) == is_there, "{step:?}");
                    if *verb != RouteVerb::Delete {
                        seen.state.routes.push(route.clone());
                    }
                }
                Op::Rule { delete, rule } => {
                    let key = rules::key(rule);
                    match seen.rules.iter().position(|rule| rules::key(rule) == key) {
                        Some(number) if *delete => drop(seen.rules.remove(number)),
                        None if !*delete => seen.rules.push(rule.clone()),
                        _ => panic!("{step:?}"),
                    }
                }
                Op::Neigh(verb, neigh) => {
                    let link = neigh.device.unwrap().index.get();
                    let key = neighs::key(link, neigh);
                    seen.state.neighs.retain(|neigh| neighs::key(link, neigh) != key);
                    if *verb != NeighVerb::Delete {
                        seen.state.neighs.push(neigh.clone());
                    }
                }
                _ => {}
            },
            Act::Sysctl { name, to, .. } => {
                seen.sysctls.retain(|sysctl| sysctl.name != *name);
                seen.sysctls.push(Sysctl { name: name.clone(), value: to.replace(' ', "\t") });
            }
            Act::Translations(list) => (seen.translations, seen.foreign_rules) = (list.clone(), false),
            Act::File { file, text } => {
                seen.files.retain(|found| found.0 != *file);
                seen.files.extend(text.clone().map(|text| (*file, text)));
            }
            _ => {}
        }
    }
}

/// Plans, does it, and asserts that nothing is left to do; the steps that were done.
#[track_caller]
fn after(world: &mut World, topology: &Topology) -> Vec<Step> {
    kernel::align(world, topology);
    let made = planned(topology, world, OPTIONS);
    kernel::run(world, &made);
    run(world, &made.steps);
    let again = planned(topology, world, OPTIONS);
    assert!(again.steps.is_empty(), "{:#?}", again.steps);
    made.steps
}

/// What steps of contents do, without those of links.
fn contents(steps: &[Step]) -> Vec<String> {
    let sign = |step: &Step| ["+", "~", "-/+", "-", "."][step.sign as usize];
    let mut lines = Vec::new();
    for step in steps {
        let what = match &step.act {
            Act::Op(op) => match &**op {
                Op::Addr(_, _, addr) => format!("address {}", addr.own().unwrap()),
                Op::Route(_, route) => format!("route {}", route.dst),
                Op::Rule { rule, .. } => format!("rule {:?}", rule.get(crate::model::rule::RULE_PRIORITY)),
                Op::Neigh(_, neigh) => format!("neigh {}", neigh.dst.unwrap()),
                Op::BridgeVlan(vlan) => {
                    format!("vlan {}{:?} {}", if vlan.delete { "del " } else { "" }, vlan.ids, vlan.flags)
                }
                _ => continue,
            },
            Act::Sysctl { name, to, .. } => format!("{name} {to}"),
            Act::Translations(list) => format!("{} translations", list.len()),
            Act::File { file, text } => format!("{} {}", file.name(), text.is_some()),
            _ => continue,
        };
        lines.push(format!("{} {what}", sign(step)));
    }
    lines
}

const FILE: &str = r#"
name = "t"
forward = ["ipv4"]
[netns.red]
sysctl = { "net.ipv4.ip_local_port_range" = "20000 30000" }
route = ["default via 10.0.0.9", "fd09::/16 nexthop via fd00::9 nexthop via fd00::8", "blackhole 10.9.0.0/16"]
rule = ["to 10.0.0.0/8 table 100", "to 10.1.0.0/16 table 100", "from ::/0 table 7"]
neigh = ["10.0.0.7 lladdr 02:00:00:00:00:07 dev a"]
dns = { nameserver = "192.0.2.53" }
hosts = { db = "10.0.0.5" }
[netns.red.veth.a]
address = ["10.0.0.1/24", "fd00::1/64"]
sysctl = { "net.ipv4.conf.rp_filter" = 2 }
peer = { name = "b", netns = "blue" }
[[netns.red.masquerade]]
from = "10.0.0.0/24"
[netns.blue]
"#;

fn red(topology: &Topology) -> usize {
    let name =
        |place: &crate::model::topology::Place| place.name.as_ref().is_some_and(|name| name.as_bytes() == b"red");
    topology.places.iter().position(name).unwrap()
}

#[test]
fn contents_of_a_namespace_come_and_go() {
    let file = topology(FILE);
    let mut world = kernel::empty(&file);
    let made = contents(&after(&mut world, &file));
    assert_eq!(
        made,
        [
            "+ net.ipv4.ip_local_port_range 20000 30000",
            "+ net.ipv4.conf.a.rp_filter 2",
            "+ address 10.0.0.1",
            "+ address fd00::1",
            "+ route 10.9.0.0/16",
            "+ route 0.0.0.0/0",
            "+ route fd09::/16",
            "+ rule Some(32765)",
            "+ rule Some(32764)",
            "+ rule Some(32765)",
            "+ neigh 10.0.0.7",
            "+ 1 translations",
            "+ resolv.conf true",
            "+ hosts true",
            "+ net.ipv4.ip_forward 1",
        ]
    );
    // What is there by hand goes, what the kernel and daemons made stays.
    let red = red(&file);
    let seen = &mut world.places[red];
    let link = seen.state.addrs[0].0;
    let mut addr = seen.state.addrs[0].1.clone();
    (addr.local, addr.address, addr.protocol) = ("10.0.0.2".parse().ok(), "10.0.0.2".parse().ok(), None);
    seen.state.addrs.push((link, addr.clone()));
    addr.flags.remove(AddrFlags::PERMANENT);
    (addr.local, addr.lifetimes) = ("10.0.0.3".parse().ok(), Some(Lifetimes { preferred: 9, valid: 9 }));
    seen.state.addrs.push((link, addr));
    let ours = seen.state.routes.iter().find(|route| route.protocol == 110).unwrap().clone();
    for (protocol, metric) in [(3, 1), (4, 2), (2, 3), (9, 4), (11, 5), (16, 6), (110, 7)] {
        let route = Route { protocol, metric: Some(metric), ..ours.clone() };
        seen.state.routes.push(route);
    }
    for protocol in [2, 3, 110] {
        let mut rule = Rule { table: 5, ..seen.rules[0].clone() };
        rule.set(crate::model::rule::RULE_PROTOCOL, protocol);
        rule.tos = u8::try_from(protocol * 4).ok();
        seen.rules.push(rule);
    }
    let neigh = seen.state.neighs[0].clone();
    for (dst, state, protocol) in [
        ("10.0.0.20", NeighState::PERMANENT, 0),
        ("10.0.0.21", NeighState::NOARP, 0),
        ("10.0.0.22", NeighState::NOARP, 110),
        ("10.0.0.23", NeighState::REACHABLE, 0),
    ] {
        seen.state.neighs.push(Neigh { dst: dst.parse().ok(), state, protocol, ..neigh.clone() });
    }
    seen.sysctls[0].value = "1\t2".into();
    seen.foreign_rules = true;
    let back = contents(&after(&mut world, &file));
    assert_eq!(
        back,
        [
            "~ net.ipv4.ip_local_port_range 20000 30000",
            "~ 1 translations",
            "- rule Some(32765)",
            "- rule Some(32765)",
            "- route 10.9.0.0/16",
            "- route 10.9.0.0/16",
            "- route 10.9.0.0/16",
            "- neigh 10.0.0.20",
            "- neigh 10.0.0.22",
            "- address 10.0.0.2",
        ]
    );
    // Nothing is asked for: the files outlive the namespace, and only they are taken away by themselves.
    let nothing = topology("name = \"t\"\n");
    let gone = contents(&after(&mut world, &nothing));
    assert_eq!(gone, ["- resolv.conf false", "- hosts false"]);
}

#[test]
fn what_a_link_takes_along_is_not_taken_away_by_itself() {
    let file =
        topology(&FILE.replace("via 10.0.0.9", "dev a").replace(" nexthop via fd00::9 nexthop via fd00::8", " dev a"));
    let mut world = kernel::empty(&file);
    after(&mut world, &file);
    let less = topology("name = \"t\"\n[netns.red]\nrule = [\"to 10.0.0.0/8 table 100\"]\n[netns.blue]\n");
    kernel::align(&mut world, &less);
    assert_eq!(
        contents(&planned(&less, &world, OPTIONS).steps),
        [
            "- 0 translations",
            "- rule Some(32764)",
            "- rule Some(32765)",
            "- route 10.9.0.0/16",
            "- resolv.conf false",
            "- hosts false"
        ]
    );
}

#[test]
fn a_strangers_file_is_in_the_way() {
    let file = topology(FILE);
    let mut world = kernel::empty(&file);
    let red = red(&file);
    world.places[red].files.push((EtcFile::Hosts, "10.0.0.5 db\n".into()));
    let conflicts = plan(&file, &world, &Known::default(), OPTIONS).unwrap_err();
    assert_eq!(conflicts[0].text, "/etc/netns/red/hosts is there and not ours; --adopt takes it");
    let adopted = plan(&file, &world, &Known::default(), super::super::Options { adopt: true, ..OPTIONS }).unwrap();
    assert!(contents(&adopted.steps).contains(&"~ hosts true".to_owned()));
}

#[test]
fn a_forward_that_cannot_be_is_told() {
    let file = topology("name = \"t\"\n[[forward-port]]\nlisten = \"tcp/[::1]:80\"\nto = \"[fd00::1]:80\"\n");
    let world = kernel::empty(&file);
    let conflicts = plan(&file, &world, &Known::default(), OPTIONS).unwrap_err();
    assert_eq!(conflicts[0].text, "a port cannot be forwarded so: forward tcp listen [::1]:80 to [fd00::1]:80");
}

#[test]
fn vlans_are_all_that_is_said() {
    let text = |vlans: &str| {
        topology(&format!(
            "name = \"t\"\n[bridge.br]\nvlan_filtering = true\n[veth.a]\nmaster = \"br\"\n{vlans}\npeer = {{ name = \"b\" }}\n"
        ))
    };
    let file = text("vlan = [\"10 pvid untagged\", \"20-30\", \"31\", \"40 untagged\"]");
    let mut world = kernel::empty(&file);
    let vlans = |steps: &[Step]| {
        let mut lines = contents(steps);
        lines.retain(|line| line.contains("vlan"));
        lines
    };
    let made = planned(&file, &world, OPTIONS);
    let (both, out) = (PVID | UNTAGGED, UNTAGGED);
    assert_eq!(
        vlans(&made.steps),
        [
            ". vlan del (1, None) 0".to_owned(),
            format!(". vlan (10, None) {both}"),
            ". vlan (20, Some(31)) 0".into(),
            format!(". vlan (40, None) {out}"),
        ]
    );
    kernel::run(&mut world, &made);
    run(&mut world, &made.steps);
    let place = &mut world.places[0];
    let port = place.state.links.iter().find(|link| link.name == b"a").unwrap().index;
    let vlan = |ids, pvid, untagged| (port, PortVlan { ids, pvid, untagged });
    place.vlans = vec![vlan((10, 10), true, true), vlan((20, 31), false, false), vlan((40, 40), false, true)];
    assert_eq!(vlans(&planned(&file, &world, OPTIONS).steps), [""; 0]);
    // Nothing said is the default.
    let changes = vlans(&planned(&text(""), &world, OPTIONS).steps);
    assert_eq!(
        changes,
        [
            "~ vlan del (10, None) 0".to_owned(),
            ". vlan del (20, Some(31)) 0".into(),
            ". vlan del (40, None) 0".into(),
            format!(". vlan (1, None) {both}"),
        ]
    );
    // Where nobody looked, nothing is done.
    world.places[0].vlans.clear();
    assert_eq!(vlans(&planned(&text(""), &world, OPTIONS).steps), [""; 0]);
}

#[test]
fn a_large_farm_is_planned_like_a_small_one() {
    let file = topology(
        r#"
name = "t"
[bridge.br0]
address = ["10.1.255.254/16", "fd00:1::ffff/64"]
[netns."w{1..300}"]
route = ["default via 10.1.255.254", "default via fd00:1::ffff"]
[netns."w{1..300}".veth.eth0]
address = ["10.1.0.0/16 + {i}", "fd00:1::/64 + {i}"]
peer = { name = "w{i}", master = "br0" }
"#,
    );
    let mut world = kernel::empty(&file);
    let steps = after(&mut world, &file);
    assert_eq!(contents(&steps).iter().filter(|line| line.starts_with("+ route")).count(), 600);
    assert_eq!(contents(&steps).iter().filter(|line| line.starts_with("+ address")).count(), 602);
}

#[test]
fn a_parameter_that_is_not_there_is_a_conflict_unless_it_comes_with_a_link_or_a_module() {
    let text = r#"
name = "t"
[sysctl]
"net.ipv4.none" = 1
"net.ipv4.neigh.default.gc_thresh3" = 8192
"net.ipv4.conf.b.rp_filter" = 2
"net.ipv4.conf.v/1.rp_filter" = 2
"net.bridge.bridge-nf-call-iptables" = 0
"net.netfilter.nf_conntrack_max" = 9
[bridge.b]
[bridge."v.1"]
[netns.red]
sysctl = { "net.ipv6.neigh.default.gc_thresh1" = 1 }
"#;
    let topology = topology(text);
    let mut world = World::default();
    kernel::align(&mut world, &topology);
    let names = topology.places[0].sysctls.iter().map(|said| said.what.name.clone());
    world.places[0].lacking = names.collect();
    let conflicts = plan(&topology, &world, &Known::default(), OPTIONS).unwrap_err();
    let texts: Vec<&str> = conflicts.iter().map(|conflict| conflict.text.as_str()).collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[0].contains("net.ipv4.none ") && texts[0].contains("sysctl -a"), "{texts:?}");
    for text in &texts[1..] {
        assert!(text.contains("gc_thresh") && text.contains("only in the machine's first"), "{texts:?}");
    }
    assert!(conflicts.iter().all(|conflict| conflict.at.is_some()));
    world.places[0].lacking.clear();
    assert_eq!(plan(&topology, &world, &Known::default(), OPTIONS).unwrap_err().len(), 1);
}
