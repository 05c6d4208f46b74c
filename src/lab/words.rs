//! What a step does, in a few words: for errors, and for the list of what is left of a run.

use crate::model::link::{LinkId, ListVerb};
use crate::model::name::printable;
use crate::model::op::Op;
use crate::model::plan::{Act, Plan, Step};
use crate::model::world::World;

/// What is done, to what: `make veth veth-red`.
pub fn act(plan: &Plan, world: &World, step: &Step) -> String {
    let name = |id: LinkId| link_name(plan, world, step.place, id);
    let (verb, object) = match &step.act {
        Act::MakeNetns => ("make network namespace", place_name(world, step.place)),
        Act::DeleteNetns => ("delete network namespace", place_name(world, step.place)),
        Act::MakeLink(made) => {
            let name = made.new.change.name.map_or_else(String::new, |name| name.to_string());
            ("make", [made.new.kind_name(), " ", &name].concat())
        }
        Act::MakeTap { name, .. } => ("make tap", name.to_string()),
        Act::MoveLink { name, .. } => ("move link", name.to_string()),
        Act::Sysctl { name, .. } => ("set", name.clone()),
        Act::Translations(list) => (
            if list.is_empty() { "delete" } else { "set" },
            ["translations of table netstrap-", plan.lab.name()].concat(),
        ),
        Act::File { file, text } => {
            (if text.is_some() { "write" } else { "delete" }, ["/etc/netns/…/", file.name()].concat())
        }
        Act::Op(op) => match op.as_ref() {
            Op::DeleteLink(id) => ("delete link", name(*id)),
            Op::DeleteGroup(_) => ("delete", "the links".to_owned()),
            Op::AltNames(ListVerb::Add, id, _) => ("mark", name(*id)),
            Op::Addr(_, id, addr) => {
                let text = addr.own().map_or_else(String::new, |ip| [&ip.to_string(), "/"].concat());
                ("set address", [&text, &addr.len.to_string(), " of ", &name(*id)].concat())
            }
            Op::Route(_, route) => {
                let to = route.dst.text().to_string();
                ("set route", to)
            }
            Op::Neigh(..) => ("set", "a neighbour".to_owned()),
            Op::Rule { .. } => ("set", "a rule".to_owned()),
            Op::BridgeVlan(_) => ("set", "VLANs of a port".to_owned()),
            Op::ChangeLink(id, _) | Op::AltNames(_, id, _) | Op::Token(id, _) => ("change link", name(*id)),
            _ => ("change", "the network".to_owned()),
        },
    };
    [verb, " ", &object].concat()
}

/// The same with the namespace, for a list of what is left.
pub fn line(plan: &Plan, world: &World, step: &Step) -> String {
    let text = act(plan, world, step);
    match place_name(world, step.place) {
        name if name.is_empty() => text,
        name if matches!(step.act, Act::MakeNetns | Act::DeleteNetns) && text.ends_with(&name) => text,
        name => [&name, ": ", &text].concat(),
    }
}

/// Name of a place; empty for the host.
pub fn place_name(world: &World, place: usize) -> String {
    let name = world.places.get(place).and_then(|seen| seen.name.as_ref());
    name.map_or_else(String::new, ToString::to_string)
}

fn link_name(plan: &Plan, world: &World, place: usize, id: LinkId) -> String {
    if let Some((_, name)) = plan.names.iter().find(|(known, _)| *known == id) {
        return name.to_string();
    }
    let found = world.places.get(place).and_then(|seen| seen.state.link(id.index.get()));
    match found {
        Some(link) => printable(&link.name),
        None if id.index.get() == 1 => "lo".to_owned(),
        None => ["link ", &id.index.to_string()].concat(),
    }
}
