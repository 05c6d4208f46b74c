//! What a plan changes of things that are not the lab's own, as they are found before.

use super::{add_sysctl, link_of, place_of};
use crate::model::lab::Mark;
use crate::model::link::{Link, LinkNumber, ListVerb};
use crate::model::name::IfName;
use crate::model::op::Op;
use crate::model::plan::{Act, Plan, Sign, Step};
use crate::model::topology::{LinkKind, LinkSpec, Origin, Place, Said, Setting, SettingValue, Sysctl, Topology};
use crate::model::world::{Seen, World};

/// Takes what was found in a namespace out that this plan makes or takes away: there is nothing to put back.
fn is_passing(plan: &Plan, place: usize) -> bool {
    plan.steps.iter().any(|step| step.place == place && matches!(step.act, Act::MakeNetns))
}

/// Whether a parameter is one of a link that is ours: it goes with the link.
fn is_of_ours(name: &str, plan: &Plan, seen: &Seen) -> bool {
    let Some(link) = link_of(name) else { return false };
    let found = seen.state.links.iter().find(|found| found.name == link.as_bytes());
    found.and_then(Mark::of).is_some_and(|mark| plan.lab.owns(mark))
}

/// What a plan changes of things that are not ours, as they are found.
pub fn found(plan: &Plan, world: &World, adopted: &[(String, u32)]) -> Topology {
    let mut found = Topology { name: plan.lab.name().to_owned(), places: vec![Place::default()] };
    for step in &plan.steps {
        let Some(seen) = world.places.get(step.place) else { continue };
        match &step.act {
            // A part of the step before it belongs to a link, and is told with that.
            Act::Sysctl { name, from: Some(from), .. }
                if step.sign != Sign::Part && !is_passing(plan, step.place) && !is_of_ours(name, plan, seen) =>
            {
                add_sysctl(
                    &mut found,
                    seen.name.as_ref(),
                    Sysctl { name: name.clone(), value: from.trim().to_owned() },
                );
            }
            Act::Op(op) => {
                if let Op::ChangeLink(id, _) = op.as_ref() {
                    add_device(&mut found, plan, seen, id.index.get());
                }
            }
            Act::MoveLink { link, .. } => add_device(&mut found, plan, seen, link.index.get()),
            _ => {}
        }
    }
    // A link that becomes ours may be told to make no address up.
    for place in &mut found.places {
        let Some(seen) = world.places.iter().find(|seen| seen.name == place.name) else { continue };
        for link in &mut place.links {
            if let Some(mode) = adopted_link(adopted, seen, &link.name).and_then(|link| link.number(MODE)) {
                let (name, value) = ("net.ipv6.conf.addr_gen_mode".to_owned(), mode.to_string());
                link.sysctls.push(Said { at: link.at, what: Sysctl { name, value } });
            }
        }
    }
    found
}

const MODE: LinkNumber = LinkNumber::AddrGenMode;

/// The link of a name, if it has become ours.
fn adopted_link<'w>(adopted: &[(String, u32)], seen: &'w Seen, name: &IfName) -> Option<&'w Link> {
    let netns = seen.name.as_ref().map_or_else(String::new, ToString::to_string);
    let link = seen.state.links.iter().find(|link| link.name == name.as_bytes())?;
    adopted.iter().any(|row| row.0 == netns && row.1 == link.index).then_some(link)
}

/// What was found of things that are not ours, without links that have become ours.
pub fn without(mut found: Topology, adopted: &[(String, u32)], world: &World) -> Topology {
    for place in &mut found.places {
        let seen = world.places.iter().find(|seen| seen.name == place.name);
        place.links.retain(|link| seen.is_none_or(|seen| adopted_link(adopted, seen, &link.name).is_none()));
    }
    found
}

/// Adds a link that is there and not ours, as it is.
fn add_device(found: &mut Topology, plan: &Plan, seen: &Seen, index: u32) {
    let Some(link) = seen.state.link(index) else { return };
    let is_ours = Mark::of(link).is_some_and(|mark| plan.lab.owns(mark));
    let Some(name) = IfName::new(&link.name) else { return };
    let target = place_of(found, seen.name.as_ref());
    if !is_ours && index != 1 && target.links.iter().all(|other| other.name != name) {
        target.links.push(device(link, name, &seen.state.links));
    }
}

/// A link as a device that is to stay as it is.
fn device(link: &Link, name: IfName, links: &[Link]) -> LinkSpec {
    let at = Origin::default();
    let mut spec = LinkSpec::new(name, LinkKind::Device, at);
    spec.up = link.is_up();
    let master = link.master.and_then(|index| links.iter().find(|other| other.index == index));
    spec.master = master.and_then(|master| IfName::new(&master.name)).map(|what| Said { at, what });
    let mut number = |key, value: Option<u32>| {
        if let Some(value) = value {
            spec.settings.push(Setting { at, key, value: SettingValue::Number(value.into()) });
        }
    };
    number("mtu", link.mtu);
    number("txqueuelen", link.txqlen);
    let alias = String::from_utf8_lossy(link.alias.as_deref().unwrap_or_default()).into_owned();
    if !alias.is_empty() {
        spec.settings.push(Setting { at, key: "alias", value: SettingValue::Text(alias) });
    }
    spec
}

/// Links, and `lo` of namespaces, that a plan marks and that were there without a mark: adopted.
pub fn adopted(plan: &Plan, world: &World) -> Vec<(String, u32)> {
    let mut adopted = Vec::new();
    for step in &plan.steps {
        let Some((index, seen)) = marked(step).zip(world.places.get(step.place)) else { continue };
        // One that has a mark is given another one.
        if is_passing(plan, step.place) || seen.state.link(index).is_none_or(|link| Mark::of(link).is_some()) {
            continue;
        }
        adopted.push((seen.name.as_ref().map_or_else(String::new, ToString::to_string), index));
    }
    adopted
}

/// The link that a step marks.
fn marked(step: &Step) -> Option<u32> {
    let Act::Op(op) = &step.act else { return None };
    match op.as_ref() {
        Op::AltNames(ListVerb::Add, id, names) => {
            names.iter().any(|name| Mark::parse(name).is_some()).then_some(id.index.get())
        }
        _ => None,
    }
}
