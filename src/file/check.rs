//! What no single key can tell: a topology in, complaints out. Names are found, links are told apart from
//! loops, addresses and gateways must fit together.

mod links;
mod nets;
mod twice;

pub use links::index;
pub use twice::MOST_PAIRS;

use super::complaint::{Complaints, meant};
use super::tree::Index;
use super::words::plain;
use crate::model::ip::Family;
use crate::model::name::IfName;
use crate::model::route::RouteKind;
use crate::model::topology::{LinkKind, LinkSpec, Origin, Topology};

/// Ports that a bridge takes (`BR_MAX_PORTS`, less the one that is never used).
pub const MOST_PORTS: usize = 1023;
/// Forwarded ports of one namespace, at most: each is compared with each.
pub const MOST_FORWARDS: usize = 1024;

/// Checks a topology, and finds the places of the links that others are made on.
pub fn check(topology: &mut Topology, complaints: &mut Complaints) {
    let names = topology.places.iter().map(|place| links::index(&place.links)).collect();
    let mut unsure = vec![false; topology.places.len()];
    complaints.unsure.iter().for_each(|number| unsure[*number] = true);
    let mut checker = Checker { names, unsure, complaints };
    checker.names(topology);
    checker.lowers(topology);
    for number in 0..topology.places.len() {
        checker.masters(topology, number);
        checker.devices(topology, number);
        checker.nets(topology, number);
        checker.forwards(topology, number);
        checker.twice(topology, number);
    }
    checker.loops(topology);
}

/// Finds the places of the links that others are made on, and no fault.
pub fn lowers(topology: &mut Topology) {
    let names = topology.places.iter().map(|place| links::index(&place.links)).collect();
    let unsure = vec![false; topology.places.len()];
    Checker { names, unsure, complaints: &mut Complaints::default() }.lowers(topology);
}

const NO_LINK: &str = "no such link %%: \"%\"%";
const NO_LOWER: &str = "no such link %% or on the host: \"%\"%";
const NO_MASTER: &str = "no such master %%: \"%\"%";

struct Checker<'a> {
    /// Of each place the numbers of its links by name.
    names: Vec<Index>,
    /// Of each place whether something that the file says of it could not be read.
    unsure: Vec<bool>,
    complaints: &'a mut Complaints,
}

impl Checker<'_> {
    /// Complains that a place has no link of a name.
    #[inline(never)]
    fn missing(&mut self, topology: &Topology, place: usize, at: Origin, template: &'static str, name: IfName) {
        let what = template.split('%').next().unwrap_or_default();
        if !self.complaints.is_told(at, what) {
            let name = plain(&name);
            let links = topology.places.get(place).map_or(&[][..], |place| &place.links);
            let hint = meant(name, &mut links.iter().map(|link| plain(&link.name)));
            let [side, there] = place_text(topology, place);
            self.complaints.add(at, template, &[side, there, name, &hint]);
        }
    }

    /// The number of a link by its name.
    #[inline(never)]
    fn find(&self, topology: &Topology, place: usize, name: IfName) -> Option<usize> {
        let links = &topology.places.get(place)?.links;
        self.names.get(place)?.find(name.as_bytes(), |number| links[number].name == name)
    }

    /// Devices of routes and neighbours must be links of the same place, and of those that lead somewhere up.
    fn devices(&mut self, topology: &Topology, number: usize) {
        let place = &topology.places[number];
        for route in &place.routes {
            let what = &route.what;
            // An address of this machine is one wherever it is, in IPv4.
            let is_free = what.route.kind == RouteKind::LOCAL && what.route.family() == Family::V4;
            let is_up = what.is_led() && !is_free;
            for device in what.hop_devices.iter().chain([&what.device]) {
                self.device(topology, number, (route.at, *device), is_up);
            }
        }
        for neigh in &place.neighs {
            self.device(topology, number, (neigh.at, Some(neigh.what.device)), false);
        }
    }

    #[inline(never)]
    fn device(&mut self, topology: &Topology, number: usize, (at, name): (Origin, Option<IfName>), is_up: bool) {
        let Some(name) = name.filter(|name| name.as_bytes() != b"lo") else { return };
        match self.find(topology, number, name) {
            None => self.missing(topology, number, at, NO_LINK, name),
            Some(link) if is_up && !topology.places[number].links[link].up => {
                self.complaints.add(at, "a route needs its link to be up: %", &[plain(&name)]);
            }
            Some(_) => {}
        }
    }

    /// A port leads to one machine.
    fn forwards(&mut self, topology: &Topology, number: usize) {
        let list = &topology.places[number].forward_ports;
        if let Some(over) = list.get(MOST_FORWARDS) {
            self.complaints.add(over.at, "more than 1024 forwarded ports in one namespace; use PORT-PORT", &[]);
            return;
        }
        for (count, own) in list.iter().enumerate() {
            let (what, input) = (own.what, own.what.input);
            let clash = list[..count].iter().find(|old| {
                let old = old.what;
                let same_input = old.input.is_none() || input.is_none() || old.input == input;
                let same_address = old.address.is_none() || what.address.is_none() || old.address == what.address;
                let family = old.to.is_ipv4() == what.to.is_ipv4() && old.protocol == what.protocol;
                family && same_input && same_address && old.ports.0 <= what.ports.1 && what.ports.0 <= old.ports.1
            });
            if let Some(old) = clash {
                self.complaints.add_other(own.at, "the port is forwarded already: said at ", &[], Some(old.at));
            }
        }
    }
}

/// `on the host` or `in NAME`, in two pieces.
fn place_text(topology: &Topology, number: usize) -> [&str; 2] {
    match topology.places.get(number).and_then(|place| place.name.as_ref()) {
        None => ["on the host", ""],
        Some(name) => ["in ", std::str::from_utf8(name.as_bytes()).unwrap_or_default()],
    }
}

/// Whether all that a link has is known: its addresses are said in the file.
fn is_ours(link: &LinkSpec) -> bool {
    link.kind != LinkKind::Device
}
