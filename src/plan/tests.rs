//! Plans of links and namespaces, from worlds that are made up.

mod ipv6;
pub mod kernel;
mod marks;
mod ours;
mod wide;

use super::{Conflict, Known, Options, plan};
#[cfg(test)]
use crate::file;
use crate::model::lab::Lab;
use crate::model::link::{Link, LinkFlags, LinkId, LinkNumber};
use crate::model::op::Op;
use crate::model::plan::{Act, Plan};
use crate::model::topology::Topology;
use crate::model::world::World;

const WALKTHROUGH: &str = include_str!("../../examples/walkthrough.toml");

struct Text<'a>(&'a str);

impl file::Files for Text<'_> {
    fn read(&mut self, _: &str) -> std::io::Result<Vec<u8>> {
        Ok(self.0.as_bytes().to_vec())
    }

    fn list(&mut self, _: &str) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

pub fn topology(text: &str) -> Topology {
    match file::read("-", &mut Text(text)) {
        Ok(file) => file.topology,
        Err(refused) => panic!("{refused:?}"),
    }
}

pub const OPTIONS: Options = Options { adopt: false, replace: false, prune: true, index: 1 << 20 };

pub fn planned(topology: &Topology, world: &World, options: Options) -> Plan {
    plan(topology, world, &Known::default(), options).unwrap_or_else(|conflicts| panic!("{conflicts:?}"))
}

/// What steps of links do, a line each; those of nets are left out.
fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for step in &plan.steps {
        let id = |id: &LinkId| id.index.get();
        let text = match &step.act {
            Act::MakeNetns => "netns".into(),
            Act::DeleteNetns => "delete netns".into(),
            Act::MakeLink(make) => format!("make {}", make.new.change.name.unwrap()),
            Act::MakeTap { name, .. } => format!("tap {name}"),
            Act::MoveLink { name, to, .. } => format!("move {name} to {to}"),
            Act::Op(op) => match &**op {
                Op::ChangeLink(link, change) if change.up.is_some() => {
                    format!("{} up {}", id(link), change.up.unwrap())
                }
                Op::ChangeLink(link, _) => format!("{} change", id(link)),
                Op::AltNames(verb, link, _) => format!("{} mark {verb:?}", id(link)),
                Op::DeleteLink(link) => format!("delete {}", id(link)),
                Op::DeleteGroup(_) => "delete group".into(),
                _ => continue,
            },
            Act::Sysctl { name, to, .. } if name.ends_with("addr_gen_mode") => format!("{name} {to}"),
            _ => continue,
        };
        let sign = ["+", "~", "-/+", "-", "."][step.sign as usize];
        let why: Vec<_> = step.why.iter().map(|why| format!(" {} {}->{}", why.what, why.from, why.to)).collect();
        lines.push(format!("{} {sign} {text}{}", step.place, why.concat()));
    }
    lines
}

/// The world after a file was applied to another one.
fn after(world: &mut World, text: &str, options: Options) -> Vec<String> {
    let topology = topology(text);
    kernel::align(world, &topology);
    let plan = planned(&topology, world, options);
    kernel::run(world, &plan);
    let rest = planned(&topology, world, options);
    assert_eq!(lines(&rest), [""; 0], "after {:#?}", lines(&plan));
    lines(&plan)
}

fn made(text: &str) -> World {
    let mut world = World::default();
    after(&mut world, text, OPTIONS);
    world
}

/// What is in the way.
fn refused(world: &mut World, text: &str, options: Options) -> Vec<String> {
    let topology = topology(text);
    kernel::align(world, &topology);
    let conflicts = plan(&topology, world, &Known::default(), options).err().unwrap_or_default();
    conflicts.into_iter().map(|Conflict { text, .. }| text).collect()
}

/// A link of a world by its name.
fn link<'w>(world: &'w mut World, place: usize, name: &str) -> &'w mut Link {
    let links = &mut world.places[place].state.links;
    links.iter_mut().find(|link| link.name == name.as_bytes()).unwrap_or_else(|| panic!("no {name}"))
}

const REPLACE: Options = Options { replace: true, ..OPTIONS };
const ADOPT: Options = Options { adopt: true, ..OPTIONS };

#[test]
fn the_walkthrough_step_by_step() {
    let mut world = World::default();
    let expected = [
        "1 + netns",
        "2 + netns",
        "0 + make v-net-0",
        "0 . 1048576 mark Add",
        "0 . 1048576 change",
        "0 . 1048576 up true",
        "0 + make veth-red-br",
        "0 . 1048577 mark Add",
        "0 . 1048577 change",
        "0 + make veth-blue-br",
        "0 . 1048578 mark Add",
        "0 . 1048578 change",
        "1 . 1 mark Add",
        "1 . 1 up true",
        "1 . 16 mark Add",
        "1 . 16 change",
        "1 . 16 up true",
        "2 . 1 mark Add",
        "2 . 1 up true",
        "2 . 16 mark Add",
        "2 . 16 change",
        "2 . 16 up true",
    ];
    assert_eq!(after(&mut world, WALKTHROUGH, OPTIONS), expected);
    let bridge = link(&mut world, 0, "v-net-0").index;
    let port = link(&mut world, 0, "veth-red-br");
    assert_eq!((port.master, port.is_up(), port.number(LinkNumber::AddrGenMode)), (Some(bridge), true, Some(1)));
    assert_eq!(port.altnames, [Lab::new("walkthrough").mark(b"", b"veth-red-br").altname().into_bytes()]);
    // All of it goes with one message for the links, and one for each namespace.
    let lines = after(&mut world, "name = \"walkthrough\"", OPTIONS);
    assert_eq!(lines, ["0 - delete group", "1 - delete netns", "2 - delete netns"]);
    assert_eq!(world.places[0].state.links.len(), 1);
}

#[test]
fn ipv6_addresses_come_when_their_link_is_up() {
    let text = "name = 'x'\n[netns.a.veth.e]\npeer = { name = 'p' }\naddress = ['10.0.0.1/24', 'fd00::1/64']";
    let topology = topology(text);
    let mut world = World::default();
    kernel::align(&mut world, &topology);
    let plan = planned(&topology, &world, OPTIONS);
    let at = |is_it: &dyn Fn(&Op) -> bool| {
        plan.steps.iter().position(|step| matches!(&step.act, Act::Op(op) if is_it(op))).unwrap()
    };
    let address = |four| at(&|op| matches!(op, Op::Addr(_, _, addr) if addr.own().unwrap().is_ipv4() == four));
    let up = at(&|op| matches!(op, Op::ChangeLink(link, change) if link.index.get() == 16 && change.up == Some(true)));
    assert!(address(true) < up && up < address(false), "{:#?}", plan.steps);
}

#[test]
fn names_of_what_is_made_are_told() {
    let topology = topology(WALKTHROUGH);
    let plan = planned(&topology, &kernel::empty(&topology), OPTIONS);
    let names: Vec<_> = plan.names.iter().map(|(id, name)| format!("{}/{} {name}", id.ns, id.index)).collect();
    let expected =
        ["0/1048576 v-net-0", "0/1048577 veth-red-br", "0/1048578 veth-blue-br", "1/16 veth-red", "2/16 veth-blue"];
    assert_eq!(names, expected);
}

const RICH: &str = "
name = 'x'
[bridge.br0]
stp = true
[netns.a.veth.e]
mtu = 1400
txqueuelen = 7
alias = 'text'
mac = '02:00:00:00:00:07'
address = 'fd00::1/64'
peer = { name = 'p', master = 'br0' }
";

#[test]
fn each_property_that_drifts_is_put_right_and_nothing_else() {
    let base = made(RICH);
    let check = |place: usize, name: &str, drift: &dyn Fn(&mut Link), expected: &[&str]| {
        let mut world = base.clone();
        drift(link(&mut world, place, name));
        assert_eq!(after(&mut world, RICH, OPTIONS), expected);
        let mut found = world.places[place].state.links.clone();
        found.iter_mut().for_each(|link| link.numbers.sort_by_key(|number| number.0 as u16));
        let mut first = base.places[place].state.links.clone();
        first.iter_mut().for_each(|link| link.numbers.sort_by_key(|number| number.0 as u16));
        assert_eq!(found, first);
    };
    check(1, "e", &|link| link.mtu = Some(1500), &["1 ~ 16 change mtu 1500->1400"]);
    check(0, "p", &|link| link.mtu = Some(1400), &["0 ~ 1048577 change mtu 1400->1500"]);
    check(1, "e", &|link| link.txqlen = Some(0), &["1 ~ 16 change txqueuelen 0->7"]);
    check(0, "br0", &|link| link.txqlen = Some(0), &["0 ~ 1048576 change txqueuelen 0->1000"]);
    check(1, "e", &|link| link.alias = None, &["1 ~ 16 change alias ->text"]);
    let mac = "1 ~ 16 change mac 02:00:00:00:00:08->02:00:00:00:00:07";
    check(1, "e", &|link| link.address = Some(vec![2, 0, 0, 0, 0, 8]), &[mac]);
    check(0, "p", &|link| link.master = None, &["0 ~ 1048577 change master none->br0"]);
    check(0, "p", &|link| link.flags.remove(LinkFlags::UP), &["0 ~ 1048577 up true up false->true"]);
    check(1, "lo", &|link| link.flags.remove(LinkFlags::UP), &["1 ~ 1 up true up false->true"]);
    check(0, "p", &|link| link.group = Some(0), &["0 ~ 1048577 change group 0->694280779"]);
    let renamed = ["1 ~ 16 up false name other->e", "1 . 16 change", "1 . 16 up true"];
    check(1, "e", &|link| link.name = b"other".to_vec(), &renamed);
    let mark = Lab::new("x").mark(b"a", b"e").altname();
    check(1, "e", &|link| link.altnames.clear(), &[&*format!("1 ~ 16 mark Add mark none->{mark}")]);
    let stp = |link: &mut Link| {
        let at = link.kind_data.windows(4).position(|head| head == [8, 0, 5, 0]).unwrap();
        link.kind_data[at + 4] = 0;
    };
    check(0, "br0", &stp, &["0 ~ 1048576 change stp false->true"]);
    let mode = |link: &mut Link, mode| {
        link.numbers.retain(|number| number.0 != LinkNumber::AddrGenMode);
        link.numbers.push((LinkNumber::AddrGenMode, mode));
    };
    check(0, "p", &|link| mode(link, 0), &["0 ~ 1048577 change addrgenmode eui64->none"]);
    let mode_on = ["1 ~ net.ipv6.conf.e.addr_gen_mode 0 addrgenmode none->eui64"];
    check(1, "e", &|link| mode(link, 1), &mode_on);
}

#[test]
fn what_is_deleted_is_made_again_and_nothing_else() {
    let mut world = made(RICH);
    let index = link(&mut world, 0, "p").index;
    kernel::remove(&mut world, 0, index);
    let lines = after(&mut world, RICH, Options { index: 1 << 21, ..OPTIONS });
    assert!(lines[0].starts_with("0 + make p") && lines.iter().all(|line| !line.contains("1048576")), "{lines:?}");
    let index = link(&mut world, 0, "br0").index;
    kernel::remove(&mut world, 0, index);
    let lines = after(&mut world, RICH, Options { index: 1 << 22, ..OPTIONS });
    assert_eq!(lines[..1], ["0 + make br0"]);
    assert_eq!(lines.last().unwrap(), "0 ~ 2097153 change master none->br0");
}

#[test]
fn a_file_that_says_less_leaves_the_kernels_defaults() {
    let mut world = made(RICH);
    let (topology, own) = (topology("name='x'\n[bridge.br0]\n[netns.a.veth.e]\npeer.name='p'"), topology(RICH));
    let known = Known { own: Some(own), ..Known::default() };
    let plan = plan(&topology, &world, &known, OPTIONS).unwrap();
    let expected = [
        "0 ~ 1048576 change stp true->false",
        "1 ~ 16 change txqueuelen 7->1000 mtu 1400->1500 alias text-> addrgenmode eui64->none",
        "0 ~ 1048577 change master br0->none",
        "1 . 16 change",
    ];
    let mut lines = lines(&plan);
    lines[1] = lines[1].replace("mtu 1400->1500 txqueuelen 7->1000", "txqueuelen 7->1000 mtu 1400->1500");
    assert_eq!(lines, expected);
    kernel::run(&mut world, &plan);
    assert_eq!(link(&mut world, 1, "e").mtu, Some(1500));
}

#[test]
fn a_link_of_another_kind_is_made_anew_only_if_asked() {
    let mut world = made("name='x'\n[dummy.d]\n[vlan.v]\nlink='d'\nid=5\n[vlan.w]\nlink='v'\nid=6");
    let other = "name='x'\n[dummy.d]\n[vlan.v]\nlink='d'\nid=7\n[vlan.w]\nlink='v'\nid=6";
    let text = "link v on the host: id is 5, not 7, and that cannot be changed; --replace makes it anew";
    assert_eq!(refused(&mut world, other, OPTIONS)[0], text);
    let options = Options { index: 1 << 21, ..REPLACE };
    let expected = [
        "0 . delete 1048577",
        "0 -/+ make v id 5->7",
        "0 . 2097152 mark Add",
        "0 . 2097152 change",
        // It fell with the link that it stood on.
        "0 -/+ make w link v->v, made anew",
        "0 . 2097153 mark Add",
        "0 . 2097153 change",
        "0 . 2097152 up true",
        "0 . 2097153 up true",
    ];
    assert_eq!(after(&mut world, other, options), expected);
    let kind = "name='x'\n[bridge.d]";
    let text = "link d on the host: kind is dummy, not bridge, and that cannot be changed; --replace makes it anew";
    assert_eq!(refused(&mut world, kind, OPTIONS), [text]);
    after(&mut world, kind, Options { index: 1 << 22, ..REPLACE });
    assert_eq!(world.places[0].state.links.len(), 2);
}

#[test]
fn tags_that_are_used_twice_are_free_first() {
    let file = "name='x'\n[dummy.d]\n[vlan.v]\nlink='d'\nid=5\n[vlan.w]\nlink='d'\nid=6";
    let mut world = made(file);
    let swapped = file.replace("id=5", "id=7").replace("id=6", "id=5");
    let lines = after(&mut world, &swapped, Options { index: 1 << 21, ..REPLACE });
    assert_eq!(
        lines[..4],
        ["0 . delete 1048577", "0 . delete 1048578", "0 -/+ make v id 5->7", "0 . 2097152 mark Add"]
    );
    // A VLAN that has got another name is another one, and takes its tag when the old one is gone.
    let lines = after(&mut world, &swapped.replace("vlan.v", "vlan.u"), Options { index: 1 << 22, ..OPTIONS });
    assert_eq!(lines[..2], ["0 - delete 2097152", "0 + make u"]);
    let tunnel = "name='y'\n[vxlan.x]\nid=5\nremote='192.0.2.1'";
    let mut world = made(tunnel);
    let lines = after(&mut world, &[tunnel, "\nlocal='192.0.2.7'"].concat(), Options { index: 1 << 21, ..REPLACE });
    assert_eq!(lines[..2], ["0 . delete 1048576", "0 -/+ make x local none->192.0.2.7"]);
}

#[test]
fn what_stands_on_a_link_that_becomes_a_port_goes_first() {
    let pair = "[veth.a]\npeer.name='p'\n[netns.n]\n";
    let port = pair.replace("peer", "master='b'\npeer");
    for on in ["[macvlan.m]\nlink='a'", "[netns.m.macvlan.m]\nlink='host:a'", "[ipvlan.m]\nlink='a'"] {
        let mut world = made(&format!("name='x'\n[bridge.b]\n{pair}{on}"));
        let lines = after(&mut world, &format!("name='x'\n[bridge.b]\n{port}"), OPTIONS);
        let at = |what: &str| lines.iter().position(|line| line.contains(what));
        let (gone, master) = (at("- delete").unwrap(), at("master none->b").unwrap());
        assert!(gone < master, "{on}: {lines:#?}");
    }
    // The one or the other kind stands on a link.
    let file = |kind: &str| format!("name='x'\n{pair}[{kind}.m]\nlink='a'");
    let lines = after(&mut made(&file("macvlan")), &file("ipvlan"), Options { index: 1 << 21, ..REPLACE });
    assert!(lines[0].contains("delete"), "{lines:#?}");
}

#[test]
fn a_veth_that_is_not_the_other_end_is_seen() {
    let file = "name='x'\n[netns.a.veth.e]\npeer.name='p'";
    let base = made(file);
    // A pair in the namespace that looks like ours, mark and all, while our end is somewhere else.
    let mut world = base.clone();
    let decoy = link(&mut world, 1, "e");
    (decoy.index, decoy.link) = (17, Some(18));
    let text = "link e in a: its other end is not the one that is asked for, and that cannot be changed; --replace makes it anew";
    assert_eq!(refused(&mut world, file, OPTIONS), [text]);
    let lines = after(&mut world, file, Options { index: 1 << 21, ..REPLACE });
    assert_eq!(lines[0], "0 -/+ make nst-200001 peer if18 on the host->p on the host");
    // The namespace is gone, and the kernel has not yet taken the end on the host along: no question of consent.
    let mut world = base.clone();
    world.places.remove(1);
    let lines = after(&mut world, file, Options { index: 1 << 21, ..OPTIONS });
    assert_eq!(lines[1..3], ["0 -/+ make nst-200000 peer none->e in a", "0 . delete 1048576"]);
    // A dummy of the name is no veth.
    let mut world = base;
    let index = link(&mut world, 0, "p").index;
    kernel::remove(&mut world, 0, index);
    after(&mut world, "name='y'\n[dummy.p]", OPTIONS);
    let text = "link p on the host: belongs to another lab";
    assert_eq!(refused(&mut world, file, Options { adopt: true, ..REPLACE }), [text]);
}

#[test]
fn links_that_swapped_their_names_get_them_back() {
    let file = "name='x'\n[dummy.a]\n[dummy.b]\n[dummy.c]";
    let mut world = made(file);
    for (index, name) in [(1 << 20, "b"), ((1 << 20) + 1, "c"), ((1 << 20) + 2, "a")] {
        let links = &mut world.places[0].state.links;
        links.iter_mut().find(|link| link.index == index).unwrap().name = name.as_bytes().to_vec();
    }
    let lines = after(&mut world, file, OPTIONS);
    assert_eq!(lines.len(), 12, "{lines:?}");
    assert_eq!(link(&mut world, 0, "a").index, 1 << 20);
    // One that is not asked for gives its name away before it goes.
    let mut world = made(file);
    link(&mut world, 0, "a").name = b"z".to_vec();
    let lines = after(&mut world, "name='x'\n[dummy.b]\n[dummy.c]\n[dummy.z]", Options { index: 1 << 21, ..OPTIONS });
    assert_eq!(lines[..3], ["0 . 1048576 up false", "0 . 1048576 change", "0 + make z"]);
    assert_eq!(lines.last().unwrap(), "0 - delete 1048576");
}

#[test]
fn a_device_is_moved_in_and_back() {
    let mut world = made("name='x'");
    let nic = Link {
        index: 2,
        name: b"eth1".to_vec(),
        mtu: Some(1500),
        address: Some(vec![2, 0, 0, 0, 0, 9]),
        ..Link::default()
    };
    world.places[0].state.links.push(nic.clone());
    let text = "link wan in a: there is no such device";
    assert_eq!(refused(&mut world, "name='x'\n[netns.a.device.wan]\nmac='02:00:00:00:00:01'", OPTIONS), [text]);
    let file = "name='x'\n[netns.a.device.wan]\nmac='02:00:00:00:00:09'\nmtu=1400\n[netns.a.vlan.v]\nlink='wan'\nid=5";
    let lines = after(&mut world, file, OPTIONS);
    let expected = [
        "1 + netns",
        "0 ~ move eth1 to 1 netns the host->a",
        "1 . 16 change mtu 1500->1400 up false->true",
        "1 + make v",
    ];
    assert_eq!(lines[..4], expected);
    assert_eq!(link(&mut world, 1, "eth1").altnames.len(), 0);
    let lines = after(&mut world, "name='x'", OPTIONS);
    assert_eq!(lines, ["1 ~ move eth1 to 0 netns a->the host", "1 - delete netns"]);
    assert_eq!(link(&mut world, 0, "eth1").address, nic.address);
    // A link that is no hardware comes back if it is known that it was asked for as a device.
    world.places[0].state.links.push(Link {
        index: 3,
        name: b"tap7".to_vec(),
        kind: Some(b"tun".to_vec()),
        ..Link::default()
    });
    let file = topology("name='x'\n[netns.a.device.tap7]");
    kernel::align(&mut world, &file);
    let moves = planned(&file, &world, OPTIONS);
    kernel::run(&mut world, &moves);
    let known = Known { own: Some(file), ..Known::default() };
    let none = topology("name='x'");
    kernel::align(&mut world, &none);
    let moves = plan(&none, &world, &known, OPTIONS).unwrap();
    kernel::run(&mut world, &moves);
    link(&mut world, 0, "tap7");
}

#[test]
fn a_lower_link_on_the_host_and_all_kinds() {
    let file = "name='x'
[dummy.d]
[netns.a.vlan.v]
link='host:d'
id=5
[netns.a.macvlan.m]
link='host:d'
mode='bridge'
master='b'
[netns.a.bridge.b]
[vxlan.x]
id=7
group='239.1.1.1'
dev='d'
[ipvlan.i]
link='d'
mode='l2'
[tap.t]
multi_queue=true
user=5
[vrf.r]
table=9
[dummy.p]
master='r'";
    let mut world = World::default();
    let topology = topology(file);
    kernel::align(&mut world, &topology);
    let plan = planned(&topology, &world, OPTIONS);
    kernel::run(&mut world, &plan);
    // The flags of a tap are those of the file that was opened.
    let tap = link(&mut world, 0, "t");
    tap.kind_data = [&[8, 0, 1, 0, 5, 0, 0, 0], &tap.kind_data[..28], &[1, 0, 0, 0]].concat();
    assert_eq!(after(&mut world, file, OPTIONS), [""; 0]);
    let macvlan = file.replace("'bridge'", "'private'");
    assert_eq!(after(&mut world, &macvlan, OPTIONS).len(), 1);
    let passthru = file.replace("'bridge'", "'passthru'");
    let text = "link m in a: mode is private, not passthru, and that cannot be changed; --replace makes it anew";
    assert_eq!(refused(&mut world, &passthru, OPTIONS), [text]);
}

#[test]
fn a_link_gets_another_name_in_all_that_is_said_of_it() {
    let text = |name: &str| {
        format!(
            "name = 'x'\nroute = ['10.1.0.0/16 via 10.0.0.2 dev {name}']\nrule = ['iif {name} table 7']\n\
             neigh = ['10.0.0.9 lladdr 02:00:00:00:00:01 dev {name}']\n\
             sysctl = {{ 'net.ipv4.conf.{name}.rp_filter' = 1 }}\n\
             [[masquerade]]\nfrom = '10.5.0.0/16'\nout = '{name}'\n\
             [device.{name}]\naddress = ['10.0.0.1/24']\nroute = ['10.2.0.0/16 via 10.0.0.3']\n\
             [netns.n.macvlan.m]\nlink = '{name}'\n"
        )
    };
    let mut was = topology(&text("up0"));
    let [from, to] = ["up0", "eth7"].map(|name| crate::model::name::IfName::new(name.as_bytes()).unwrap());
    was.rename(0, from, to);
    assert_eq!(was, topology(&text("eth7")));
}
