//! Where links have IPv6 and where not.

use super::{OPTIONS, made, planned, topology};
use crate::model::addr::{AddrFlags, AddrVerb};
use crate::model::op::Op;
use crate::model::plan::{Act, Step};
use crate::plan::implied;

#[test]
fn links_without_room_for_ipv6_have_nothing_of_it() {
    let file = "name='x'
[bridge.b]
[bridge.c]
mtu=1500
[vlan.v]
link='b'
id=7
[vxlan.w]
id=7
remote='10.0.0.1'
dev='f'
[veth.f]
mtu=1300
peer={name='g',mtu=1300,master='c'}
[netns.n.veth.e]
mtu=1200
peer={name='p',mtu=1200,master='b'}
[netns.n.veth.h]
address='fd00::1/64'
peer={name='q',mtu=1200,master='c'}";
    let topology = implied::complete(&topology(file), true);
    for (name, expected) in [("b", false), ("v", false), ("w", false), ("c", true), ("f", true), ("p", false)] {
        let at = topology.places[0].links.iter().position(|link| link.name.as_bytes() == name.as_bytes()).unwrap();
        let link = &topology.places[0].links[at];
        assert_eq!(implied::has_ipv6(&topology, 0, link), expected, "{name}");
        let has = link.sysctls.iter().any(|said| said.what.name == "net.ipv6.conf.accept_ra");
        assert_eq!(has, expected && link.master.is_none(), "{name}");
    }
}

#[test]
fn where_no_link_local_address_is_wanted_that_of_the_kernel_goes() {
    let file = "name='x'\n[netns.n.veth.e]\naddress='10.0.0.1/24'\nroute='default via fe80::1'\npeer.name='p'";
    let mut world = made(file);
    let said = topology("name='x'\n[netns.n.dummy.d]\naddress='fe80::ff:fe00:1/64'");
    let mut local = said.places[1].links[0].addresses[0].what.clone();
    (local.flags, local.protocol) = (AddrFlags::PERMANENT, Some(3));
    world.places[1].state.addrs.push((16, local));
    let count = |text: &str| {
        let topology = topology(text);
        let steps = planned(&topology, &world, OPTIONS).steps;
        let is_it = |step: &&Step| matches!(&step.act, Act::Op(op) if matches!(&**op, Op::Addr(AddrVerb::Delete, ..)));
        steps.iter().filter(is_it).count()
    };
    assert_eq!(count(file), 0);
    assert_eq!(count(&file.replace("route='default via fe80::1'", "")), 1);
    assert_eq!(count(&file.replace("route='default via fe80::1'", "addrgenmode='none'")), 1);
}
