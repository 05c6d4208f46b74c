//! A kernel of links alone: it does the steps of plans to a world, and refuses what a real one would.

use crate::model::link::{
    ArgumentValue, KindArguments, Link, LinkChange, LinkFlags, LinkId, LinkNumber, ListVerb, NewKind, NewLink,
};
use crate::model::op::Op;
use crate::model::plan::{Act, MakeLink, Plan};
use crate::model::topology::Topology;
use crate::model::world::{Presence, Seen, World};

/// A host with `lo` alone, and the places of a topology that are not there.
pub fn empty(topology: &Topology) -> World {
    let mut world = World::default();
    align(&mut world, topology);
    world
}

/// Puts a world in the order of a topology, as looking does: its places first, further ones that are there behind.
pub fn align(world: &mut World, topology: &Topology) {
    let mut old = std::mem::take(&mut world.places);
    let names: Vec<_> = old.iter().map(|seen| seen.name.clone()).collect();
    for place in &topology.places {
        let seen = match old.iter().position(|seen| seen.name == place.name) {
            Some(number) => old.remove(number),
            None => Seen { name: place.name.clone(), ..Seen::default() },
        };
        world.places.push(seen);
    }
    world.places.extend(old.into_iter().filter(|seen| seen.presence == Presence::There));
    let places: Vec<_> = world.places.iter().map(|seen| seen.name.clone()).collect();
    for seen in &mut world.places {
        seen.ids.retain_mut(|(_, place)| {
            let found = names.get(*place).and_then(|name| places.iter().position(|own| own == name));
            *place = found.unwrap_or_default();
            found.is_some()
        });
    }
    let host = &mut world.places[0];
    if host.presence == Presence::Absent {
        host.presence = Presence::There;
        host.state.links.push(lo());
    }
}

fn lo() -> Link {
    Link {
        index: 1,
        name: b"lo".to_vec(),
        flags: LinkFlags::LOOPBACK,
        mtu: Some(65536),
        txqlen: Some(1000),
        group: Some(0),
        numbers: vec![(LinkNumber::AddrGenMode, 0)],
        ..Link::default()
    }
}

/// The id that a place has for another one.
fn id_of(world: &mut World, own: usize, other: usize) -> Option<i32> {
    let ids = &mut world.places[own].ids;
    if own != other && ids.iter().all(|known| known.1 != other) {
        ids.push(((0..).find(|id| ids.iter().all(|known| known.0 != *id)).unwrap(), other));
    }
    ids.iter().find(|known| known.1 == other).map(|known| known.0)
}

/// Does all steps of a plan.
pub fn run(world: &mut World, plan: &Plan) {
    run_some(world, plan, plan.steps.len());
}

/// Does the first steps of a plan.
pub fn run_some(world: &mut World, plan: &Plan, count: usize) {
    for step in &plan.steps[..count] {
        match &step.act {
            Act::MakeNetns => {
                let seen = &mut world.places[step.place];
                assert_ne!(seen.presence, Presence::There);
                seen.presence = Presence::There;
                seen.state.links.push(lo());
            }
            Act::DeleteNetns => remove_all(world, step.place),
            Act::MakeLink(make) => make_link(world, step.place, make),
            Act::MakeTap { index, name, .. } => {
                let data = [attr(3, &[2]), attr(4, &[0]), attr(5, &[0]), attr(7, &[0])].concat();
                let link = Link {
                    index: index.get(),
                    name: name.as_bytes().to_vec(),
                    kind: Some(b"tun".to_vec()),
                    kind_data: data,
                    ..new()
                };
                add(world, step.place, link);
            }
            Act::MoveLink { index, link, name, to } => {
                let links = &mut world.places[step.place].state.links;
                let mut link = links.remove(links.iter().position(|own| own.index == link.index.get()).unwrap());
                assert_eq!(link.name, name.as_bytes());
                (link.index, link.master) = (index.get(), None);
                link.flags.remove(LinkFlags::UP);
                add(world, *to, link);
            }
            Act::Op(op) => operate(world, step.place, op),
            Act::Sysctl { name, to, .. } if name.ends_with(".addr_gen_mode") => {
                let name = name.split('.').nth(3).unwrap().replace('/', ".");
                let links = &mut world.places[step.place].state.links;
                let link = links.iter_mut().find(|link| link.name == name.as_bytes()).unwrap();
                set(link, LinkNumber::AddrGenMode, to.parse().unwrap());
            }
            _ => {}
        }
    }
}

fn new() -> Link {
    Link {
        mtu: Some(1500),
        txqlen: Some(1000),
        group: Some(0),
        address: Some(vec![2, 0, 0, 0, 0, 1]),
        numbers: vec![(LinkNumber::AddrGenMode, 0)],
        ..Link::default()
    }
}

fn set(link: &mut Link, number: LinkNumber, value: u32) {
    link.numbers.retain(|own| own.0 != number);
    link.numbers.push((number, value));
}

fn link(world: &mut World, id: LinkId) -> &mut Link {
    let links = &mut world.places[id.ns as usize].state.links;
    links.iter_mut().find(|link| link.index == id.index.get()).unwrap_or_else(|| panic!("no link {id:?}"))
}

fn add(world: &mut World, place: usize, link: Link) {
    let seen = &mut world.places[place];
    assert_eq!(seen.presence, Presence::There);
    for own in &seen.state.links {
        assert!(
            !own.is_called(&link.name) && own.index != link.index,
            "{} is there",
            String::from_utf8_lossy(&link.name)
        );
    }
    seen.state.links.push(link);
}

fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(value.len() + 4).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// What the kernel tells of a kind when nothing was said of it.
fn defaults(kind: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let number = |number, value: u32| (number, value.to_ne_bytes().to_vec());
    match kind {
        b"bridge" => vec![
            number(1, 1500),
            number(2, 200),
            number(3, 2000),
            number(4, 30000),
            number(5, 0),
            (6, 32768u16.to_ne_bytes().to_vec()),
            (7, vec![0]),
            (39, 1u16.to_ne_bytes().to_vec()),
            (23, vec![1]),
        ],
        b"vlan" => vec![(5, vec![0x81, 0])],
        b"vxlan" => vec![(5, vec![0]), (7, vec![1])],
        b"macvlan" => vec![number(1, 2)],
        b"ipvlan" => vec![(1, 1u16.to_ne_bytes().to_vec())],
        _ => Vec::new(),
    }
}

fn configure(link: &mut Link, arguments: &KindArguments) {
    let mut all: Vec<(u16, Vec<u8>)> =
        crate::wire::attr::attrs(&link.kind_data).map(|attr| (attr.kind, attr.value.to_vec())).collect();
    for argument in arguments.arguments.iter().flatten() {
        let ArgumentValue::Bytes(bytes) = &argument.value else { panic!() };
        all.retain(|own| own.0 != argument.number);
        all.push((argument.number, bytes.clone()));
    }
    link.kind_data = all.iter().flat_map(|(kind, value)| attr(*kind, value)).collect();
}

fn make_link(world: &mut World, place: usize, make: &MakeLink) {
    let NewLink { change: first, index, kind } = &make.new;
    let name = match kind {
        NewKind::Veth { .. } => b"veth".to_vec(),
        NewKind::Plain(kind) => kind.as_bytes().to_vec(),
        NewKind::With(arguments) => arguments.kind.as_bytes().to_vec(),
        NewKind::Pair(..) => panic!(),
    };
    let mut made = Link {
        index: index.unwrap().get(),
        kind_data: defaults(&name).iter().flat_map(|(kind, value)| attr(*kind, value)).collect(),
        kind: Some(name),
        ..new()
    };
    if let NewKind::With(arguments) = kind {
        configure(&mut made, arguments);
    }
    made.link_netnsid = id_of(world, make.into, place);
    if let Some(lower) = first.lower {
        assert_eq!(lower.ns as usize, place);
        let lower = link(world, lower);
        made.link = Some(lower.index);
    }
    if let NewKind::Veth { peer: Some(peer) } = kind {
        let into = make.peer_into.unwrap();
        let index = peer.index.unwrap().get();
        made.link = Some(index);
        made.link_netnsid = id_of(world, make.into, into);
        let mut other = Link {
            index,
            kind: Some(b"veth".to_vec()),
            link: Some(made.index),
            link_netnsid: id_of(world, into, make.into),
            ..new()
        };
        assert_eq!((peer.change.up, peer.change.master), (None, None));
        other.name = peer.change.name.unwrap().as_bytes().to_vec();
        let id = super::super::id(into, peer.index.unwrap());
        add(world, into, other);
        change(world, id, &LinkChange { name: None, ..peer.change.clone() });
    }
    made.name = first.name.unwrap().as_bytes().to_vec();
    add(world, make.into, made);
    change(
        world,
        super::super::id(make.into, index.unwrap()),
        &LinkChange { name: None, lower: None, ..first.clone() },
    );
}

fn change(world: &mut World, id: LinkId, change: &LinkChange<'_>) {
    if let Some(Some(master)) = change.master {
        assert_eq!(master.ns, id.ns);
        link(world, master);
    }
    if let Some(name) = change.name {
        let links = &world.places[id.ns as usize].state.links;
        assert!(!links.iter().any(|own| own.is_called(name.as_bytes())), "{name} is there");
    }
    if change.up == Some(true) {
        let own = link(world, id).clone();
        if own.kind.as_deref() == Some(b"vlan") {
            let lower = super::super::id(
                if own.link_netnsid.is_some() { 0 } else { id.ns as usize },
                own.link.unwrap().try_into().unwrap(),
            );
            assert!(link(world, lower).is_up(), "the link below is down");
        }
    }
    let own = link(world, id);
    if let Some(name) = change.name {
        assert!(!own.is_up(), "busy");
        own.name = name.as_bytes().to_vec();
    }
    own.mtu = change.mtu.or(own.mtu);
    own.address = change.address.clone().or(own.address.take());
    own.alias = change.alias.clone().or(own.alias.take()).filter(|alias| !alias.is_empty());
    match change.up {
        Some(true) => own.flags |= LinkFlags::UP,
        Some(false) => own.flags.remove(LinkFlags::UP),
        None => {}
    }
    if let Some(master) = change.master {
        own.master = master.map(|master| master.index.get());
    }
    for (number, value) in &change.numbers {
        match number {
            LinkNumber::Group => own.group = Some(*value),
            LinkNumber::TxQueueLength => own.txqlen = Some(*value),
            _ => set(own, *number, *value),
        }
    }
    if let Some(arguments) = &change.kind {
        configure(own, arguments);
    }
}

fn operate(world: &mut World, place: usize, op: &Op<'_>) {
    match op {
        Op::ChangeLink(id, what) => {
            assert_eq!(id.ns as usize, place);
            change(world, *id, what);
        }
        Op::AltNames(verb, id, names) => {
            let taken = world.places[place].state.links.iter().any(|link| link.is_called(&names[0]));
            let own = link(world, *id);
            match verb {
                ListVerb::Add => {
                    assert!(!taken);
                    own.altnames.extend(names.clone());
                }
                ListVerb::Delete => {
                    assert!(taken);
                    own.altnames.retain(|name| !names.contains(name));
                }
            }
        }
        Op::DeleteLink(id) => {
            // One that is gone with its other end is no failure.
            remove(world, place, id.index.get());
        }
        Op::DeleteGroup(group) => {
            let of_group = |link: &&Link| link.group == Some(*group);
            let all: Vec<u32> =
                world.places[place].state.links.iter().filter(of_group).map(|link| link.index).collect();
            assert!(!all.is_empty());
            all.into_iter().for_each(|index| remove(world, place, index));
        }
        _ => {}
    }
}

/// Takes a namespace away with all that is in it.
pub fn remove_all(world: &mut World, place: usize) {
    for index in world.places[place].state.links.iter().map(|link| link.index).collect::<Vec<_>>() {
        remove(world, place, index);
    }
    world.places[place] = Seen { name: world.places[place].name.clone(), ..Seen::default() };
}

/// Takes a link away with its other end and with what stands on it.
pub fn remove(world: &mut World, place: usize, index: u32) {
    let links = &mut world.places[place].state.links;
    let Some(number) = links.iter().position(|link| link.index == index) else { return };
    let gone = links.remove(number);
    links.iter_mut().filter(|link| link.master == Some(index)).for_each(|link| link.master = None);
    let veth = gone.kind.as_deref() == Some(b"veth");
    for there in 0..world.places.len() {
        let stands = |link: &Link| {
            let is_veth = link.kind.as_deref() == Some(b"veth");
            let back = if veth && is_veth { gone.link == Some(link.index) } else { !is_veth };
            link.link == Some(index) && back && world.place_of(there, link) == Some(place)
        };
        let links = &world.places[there].state.links;
        let on: Vec<u32> = links.iter().filter(|link| stands(link)).map(|link| link.index).collect();
        on.into_iter().for_each(|index| remove(world, there, index));
    }
}
