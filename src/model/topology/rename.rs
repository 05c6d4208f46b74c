//! A link gets another name, wherever a topology says it.

use super::Topology;
use crate::model::name::IfName;

impl Topology {
    /// Gives a link of a place another name, in all that is said of it.
    pub fn rename(&mut self, place: usize, from: IfName, to: IfName) {
        let swap = |name: &mut IfName| {
            if *name == from {
                *name = to;
            }
        };
        for lower in self.places.iter_mut().flat_map(|place| &mut place.links).filter_map(|link| link.lower.as_mut()) {
            if lower.what.place == place {
                swap(&mut lower.what.name);
            }
        }
        let Some(place) = self.places.get_mut(place) else { return };
        for link in &mut place.links {
            swap(&mut link.name);
            link.master.iter_mut().for_each(|master| swap(&mut master.what));
        }
        for route in &mut place.routes {
            route.what.device.iter_mut().chain(route.what.hop_devices.iter_mut().flatten()).for_each(swap);
        }
        for rule in &mut place.rules {
            for name in [&mut rule.what.input, &mut rule.what.output] {
                if name.as_deref() == Some(from.as_bytes()) {
                    *name = Some(to.as_bytes().to_vec());
                }
            }
        }
        place.neighs.iter_mut().for_each(|neigh| swap(&mut neigh.what.device));
        place.masquerades.iter_mut().filter_map(|one| one.what.out.as_mut()).for_each(swap);
        place.forward_ports.iter_mut().filter_map(|one| one.what.input.as_mut()).for_each(swap);
        let [from, to] = [from, to].map(|name| [".", &name.to_string().replace('.', "/"), "."].concat());
        for sysctl in &mut place.sysctls {
            let name = &mut sysctl.what.name;
            // `net.ipv4.conf.LINK.x`
            if let Some(at) =
                name.match_indices('.').nth(2).map(|dot| dot.0).filter(|at| name[*at..].starts_with(&from))
            {
                name.replace_range(at..at + from.len(), &to);
            }
        }
    }
}
