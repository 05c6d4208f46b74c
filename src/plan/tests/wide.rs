//! Plans of many files, and of large ones.

use super::{OPTIONS, REPLACE, after, kernel, lines, made, planned, topology};
use crate::model::link::LinkNumber;
use crate::model::name::printable;
use crate::model::plan::Sign;
use crate::model::topology::{Place, Topology};
use crate::model::world::{Presence, World};
use crate::plan::{Options, kinds};

#[test]
fn any_file_leads_to_any_other() {
    let mut seed: u32 = 1;
    let mut random = move |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let mut file = move || {
        let mut text = String::from("name='x'\n");
        for (place, there) in ["", "netns.a.", "netns.b."].into_iter().zip([true, random(4) > 0, random(4) > 0]) {
            if !there {
                continue;
            }
            let masters = ["br0", "br1"];
            let masters: Vec<_> = masters.into_iter().filter(|_| random(3) > 0).collect();
            for master in &masters {
                text += &format!("[{place}bridge.{master}]\nstp={}\n", random(2) == 1);
            }
            let master =
                |pick: u32| masters.get(pick as usize).map_or(String::new(), |name| format!("master='{name}'\n"));
            if random(2) == 0 {
                text += &format!("[{place}dummy.d]\nmtu={}\n{}", 1400 + random(2), master(random(3)));
                text += &format!("[{place}vlan.v]\nlink='d'\nid={}\n{}", 1 + random(2), master(random(3)));
            }
            for name in ["e", "f"] {
                if random(2) == 0 {
                    let peer = ["p", "q"][random(2) as usize].to_owned() + name + &place.replace('.', "");
                    text += &format!(
                        "[{place}veth.{name}]\nup={}\n{}peer.name='{}'\n",
                        random(2) == 1,
                        master(random(3)),
                        &peer[..peer.len().min(15)]
                    );
                }
            }
        }
        text
    };
    let normal = |world: &World| {
        let mut all = Vec::new();
        for seen in world.places.iter().filter(|seen| seen.presence == Presence::There) {
            let name = |index: Option<u32>| {
                seen.state.links.iter().find(|link| Some(link.index) == index).map(|link| link.name.clone())
            };
            for link in &seen.state.links {
                let data = kinds::read(link);
                all.push(format!(
                    "{:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                    seen.name,
                    printable(&link.name),
                    link.kind,
                    link.mtu,
                    name(link.master),
                    link.altnames,
                    link.is_up(),
                    link.number(LinkNumber::AddrGenMode),
                    data
                ));
            }
        }
        all.sort();
        all
    };
    let mut world = World::default();
    let mut last = None;
    for round in 0..300 {
        let text = file();
        let topology = topology(&text);
        if let Some(last) = last.replace(topology.clone()) {
            kernel::align(&mut world, &topology);
            let way = planned(&topology, &world, Options { index: 1 << 29, ..REPLACE });
            super::marks::back(&world, &last, &way, round as usize * 7 % (way.steps.len() + 1));
            kernel::align(&mut world, &last);
        }
        after(&mut world, &text, Options { index: (1 << 20) + 1000 * round, ..REPLACE });
        let fresh = made(&text);
        assert_eq!(normal(&world), normal(&fresh), "{text}");
        world.places.truncate(topology.places.len());
    }
}

/// Processor time of this thread, in microseconds.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0) / 1000
}

#[test]
fn a_thousand_namespaces_once_and_again() {
    let topology = topology(include_str!("../../../examples/thousand.toml"));
    let mut world = kernel::empty(&topology);
    let clock = cpu();
    let plan = planned(&topology, &world, OPTIONS);
    let first = cpu() - clock;
    assert!(plan.steps.iter().filter(|step| step.sign == Sign::Create).count() >= 2001);
    kernel::run(&mut world, &plan);
    let clock = cpu();
    let again = planned(&topology, &world, OPTIONS);
    let second = cpu() - clock;
    assert_eq!(lines(&again), [""; 0]);
    let none = Topology { places: vec![Place::default()], ..topology.clone() };
    kernel::align(&mut world, &none);
    let clock = cpu();
    let down = planned(&none, &world, OPTIONS);
    let times = [first, second, cpu() - clock];
    println!("1000 namespaces: made, again, taken away: {times:?} us of processor time");
    assert_eq!(lines(&down).len(), 1001);
}
