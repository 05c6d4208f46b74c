//! What of a found link is not as it is asked for, and cannot be changed in place: why one is made anew.

use super::Ctx;
use super::kinds;
use crate::model::link::Link;
use crate::model::name::{NsName, printable};
use crate::model::plan::Difference;
use crate::model::topology::LinkKind;

impl Ctx<'_> {
    /// All of it. Of a pair that is made anew, its other end.
    pub(super) fn fixed(&self, place: usize, number: usize, found: usize) -> Vec<Difference> {
        let (spec, link) = (self.spec(place, number), &self.found(place)[found]);
        let kind = if spec.kind == LinkKind::Peer { LinkKind::Veth } else { spec.kind };
        if kinds::kind_of(link) != Some(kind) {
            let to = kind.name().to_owned();
            return vec![Difference { what: "kind", from: kind_text(link), to }];
        }
        if let Some(peer) = &spec.peer {
            let from = self.text(place, self.world.place_of(place, link).zip(link.link));
            return vec![Difference { what: "peer", from, to: self.there(place, peer.place, peer.name.to_string()) }];
        }
        let mut why = Vec::new();
        for row in kinds::differences(spec, link).into_iter().filter(|row| row.argument.is_none()) {
            let [from, to] = row.values;
            why.push(Difference { what: row.key, from, to });
        }
        let (is_vxlan, lower) = (kind == LinkKind::Vxlan, self.lower(place, link));
        let asked = spec.lower.as_ref().and_then(|lower| self.find(lower.what.place, &lower.what.name));
        let Some((there, number)) = asked else {
            if lower.is_some() && is_vxlan {
                why.push(Difference { what: "dev", from: self.text(place, lower), to: "none".to_owned() });
            }
            return why;
        };
        let stays = self.target(there, number).found.map(|found| (there, self.found(there)[found].index));
        if stays.is_none() || lower != stays {
            let mut to = self.there(place, there, self.spec(there, number).name.to_string());
            to.push_str(if stays.is_some() { "" } else { ", made anew" });
            why.push(Difference { what: if is_vxlan { "dev" } else { "link" }, from: self.text(place, lower), to });
        }
        why
    }

    /// A found link, with where it is, seen from a place.
    fn text(&self, place: usize, link: Option<(usize, u32)>) -> String {
        link.map_or_else(|| "none".to_owned(), |(there, index)| self.there(place, there, self.name_at(there, index)))
    }

    /// Name of a found link; `ifN` where it is not known.
    pub(super) fn name_at(&self, place: usize, index: u32) -> String {
        let found = self.seen(place, index).map(|number| &self.found(place)[number]);
        found.map_or_else(|| ["if", &index.to_string()].concat(), |link| printable(&link.name))
    }

    /// A name with where that is, seen from a place.
    fn there(&self, place: usize, there: usize, name: String) -> String {
        match self.topology.places.get(there).map(|place| place.name.as_ref().map(NsName::to_string)) {
            _ if there == place => name,
            Some(Some(netns)) => [&name, " in ", &netns].concat(),
            Some(None) => [&name, " on the host"].concat(),
            None => [&name, " elsewhere"].concat(),
        }
    }
}

/// The kind of a found link, as the kernel calls it.
pub(super) fn kind_text(link: &Link) -> String {
    link.kind.as_deref().map_or_else(|| "device".to_owned(), printable)
}
