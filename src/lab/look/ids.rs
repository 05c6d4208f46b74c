//! Which of the places the ids of links' other ends stand for: a namespace numbers the others for itself.

use crate::lab::sockets::Sockets;
use crate::model::link::Link;
use crate::model::world::World;
use crate::plan::kinds;

/// Finds the places that the ids of links stand for ([`crate::model::world::Seen::ids`]). Ids of namespaces that are
/// not looked at stay unknown.
pub fn resolve(sockets: &mut Sockets, world: &mut World) {
    // The host last: what the others know of it, it knows of them.
    for own in (1..world.places.len()).chain([0]) {
        for at in 0..world.places.get(own).map_or(0, |seen| seen.state.links.len()) {
            let seen = &world.places[own];
            let link = &seen.state.links[at];
            let Some(id) = link.link_netnsid.filter(|id| *id >= 0) else { continue };
            if seen.ids.iter().any(|known| known.0 == id) {
                continue;
            }
            let Some((other, back)) = find(sockets, world, own, link, id) else { continue };
            world.places[own].ids.push((id, other));
            if let Some(back) = back.filter(|back| !world.places[other].ids.iter().any(|known| known.0 == *back)) {
                world.places[other].ids.push((back, own));
            }
        }
    }
}

/// The place that a link's other end is in, and the id that this one has there, if it is a pair.
fn find(sockets: &mut Sockets, world: &World, own: usize, link: &Link, id: i32) -> Option<(usize, Option<i32>)> {
    let count = world.places.len();
    // A vxlan says that of its kind.
    let far = kinds::lower(link).or(link.link);
    // Most lead to the host, and else to namespaces that are named nearby.
    let near = (1..count).flat_map(|step| [own.checked_add(step), own.checked_sub(step)].into_iter().flatten());
    for other in [0].into_iter().chain(near.filter(|other| (1..count).contains(other))) {
        let there = world.places[other].state.links.iter().find(|there| {
            Some(there.index) == far && (link.kind.as_deref() != Some(b"veth") || there.link == Some(link.index))
        });
        let Some(there) = there.filter(|_| other != own) else { continue };
        if sockets.id_of(own, other) == Ok(Some(id)) {
            return Some((other, there.link_netnsid.filter(|_| link.kind.as_deref() == Some(b"veth"))));
        }
    }
    None
}
