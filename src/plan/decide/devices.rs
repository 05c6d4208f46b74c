//! Devices: links that are there, where they are wanted or to be moved from.

use std::num::NonZeroU32;

use super::Decider;
use crate::model::lab::Mark;
use crate::model::name::IfName;
use crate::model::topology::{LinkKind, LinkSpec};
use crate::plan::{Ctx, Target};

impl Decider<'_, '_> {
    pub fn device(&mut self, place: usize, number: usize) {
        let spec = self.ctx.spec(place, number);
        if let Some(found) = self.device_in(place, spec) {
            let spot = &mut self.ctx.places[place];
            let index = NonZeroU32::new(self.ctx.world.places[place].state.links[found].index);
            spot.targets[number] = Target { index, found: Some(found), ..Target::default() };
            spot.fates[found].wanted = Some(number);
            spot.fates[found].ours = spot.ours && index == Some(NonZeroU32::MIN);
            return;
        }
        if spec.name.as_bytes() == b"lo" {
            self.ctx.places[place].targets[number].index = Some(NonZeroU32::MIN);
            return;
        }
        let from = (0..self.ctx.places.len()).filter(|from| *from != place).find_map(|from| {
            let found = self.device_in(from, spec)?;
            let index = self.ctx.found(from)[found].index;
            let free = !self.ctx.places[from].fates[found].goes && self.ctx.wanted(from, index).is_none();
            (free && (from == 0 || is_moved(self.ctx, from, found))).then_some((from, found))
        });
        let Some((from, found)) = from else {
            self.refuse(place, spec, &["there is no such device"]);
            return;
        };
        let index = self.ctx.found(from)[found].index;
        let index = self.index_like(index, place);
        self.ctx.places[place].targets[number] = Target { index, from: Some((from, found)), ..Target::default() };
        self.ctx.places[from].fates[found].goes = true;
    }

    /// The device of a place that a file means.
    fn device_in(&self, place: usize, spec: &LinkSpec) -> Option<usize> {
        let links = self.ctx.found(place);
        if spec.get("mac").is_none() && spec.get("driver").is_none() {
            let name = spec.name.as_bytes();
            return self.names[place].find(name, |number| links[number].name == name);
        }
        self.ctx.world.places.get(place)?.device(spec)
    }
}

/// Whether a link of one of our namespaces is a device that was moved there: hardware, or what the lab asked for as
/// a device before. Where nothing is known of that, a link that leads out of the namespace was moved there.
pub fn is_moved(ctx: &Ctx<'_>, place: usize, number: usize) -> bool {
    let (link, spot) = (&ctx.found(place)[number], &ctx.places[place]);
    if place == 0 || link.index == 1 || !spot.ours || Mark::of(link).is_some() {
        return false;
    }
    let asked = |links: &[LinkSpec]| {
        let name = IfName::new(&link.name);
        links.iter().any(|spec| spec.kind == LinkKind::Device && Some(spec.name) == name)
    };
    let leads_out = || {
        ctx.known.own.is_none()
            && link.link_netnsid.is_some()
            && link.group != Some(ctx.lab.group())
            && !ctx.world.place_of(place, link).is_some_and(|other| ctx.places[other].goes)
    };
    (spot.goes && (link.kind.is_none() || leads_out())) || ctx.own_place(place).is_some_and(|own| asked(&own.links))
}
