//! VLANs of bridges and of their ports.
//!
//! The kernel gives each of them the default VLAN of the bridge (1) when it becomes a port, whether the bridge
//! keeps VLANs apart or not. Who says VLANs says all of them; who says none has that one.

use super::Job;
use super::differences::differs;
use crate::model::index::Index;
use crate::model::link::LinkId;
use crate::model::op::Op;
use crate::model::plan::Sign;
use crate::model::port::{AT_SELF, PVID, UNTAGGED, VlanChange};
use crate::model::topology::{LinkKind, LinkSpec, PortVlan};

/// Flags of each VLAN, by id; `None` where it is not there.
type Table = Vec<Option<u16>>;

impl Job<'_> {
    /// VLANs of the place's links.
    pub(super) fn vlans(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let found = &ctx.world.places[place].vlans;
        let links = &ctx.topology.places[place].links;
        // The first of each link's, which stand together.
        let mut starts = Index::default();
        for (number, (link, _)) in found.iter().enumerate() {
            if number == 0 || found[number - 1].0 != *link {
                starts.insert(&link.to_ne_bytes(), number);
            }
        }
        for link in links {
            let is_bridge = link.kind == LinkKind::Bridge;
            let Some(id) = ctx.link(place, &link.name) else { continue };
            let master = link.master.as_ref().and_then(|master| links.iter().find(|link| link.name == master.what));
            let bridge = if is_bridge { Some(link) } else { master };
            if bridge.is_none_or(|bridge| bridge.kind != LinkKind::Bridge) && link.vlans.is_empty() {
                continue;
            }
            let default = match bridge.and_then(|bridge| bridge.number("vlan_default_pvid")) {
                None => 1,
                Some(id) => u16::try_from(id).unwrap_or(0),
            };
            let default = PortVlan { ids: (default, default), pvid: true, untagged: true };
            let default = if default.ids.0 == 0 { Vec::new() } else { vec![default] };
            let asked: Vec<PortVlan> = link.vlans.iter().map(|said| said.what).collect();
            let start = starts.find(&id.index.get().to_ne_bytes(), |number| found[number].0 == id.index.get());
            let there: Vec<PortVlan> = match start {
                Some(start) if self.stays(link, id) => found[start..]
                    .iter()
                    .take_while(|(link, _)| *link == id.index.get())
                    .map(|(_, vlan)| *vlan)
                    .collect(),
                // Nobody looked, or this kernel's bridges know no VLANs.
                None if !ctx.is_new(id) && asked.is_empty() => continue,
                None if self.stays(link, id) => Vec::new(),
                _ => default.clone(),
            };
            let asked = if asked.is_empty() { default } else { asked };
            if asked != there {
                self.change_vlans(link, id, &table(&asked), &table(&there));
            }
        }
    }

    /// Whether a link is there and remains a port of the bridge that it is one of.
    fn stays(&self, link: &LinkSpec, id: LinkId) -> bool {
        let now = self.ctx.world.places[self.place].state.link(id.index.get());
        let master = link.master.as_ref().and_then(|master| self.ctx.link(self.place, &master.what));
        now.is_some_and(|now| {
            link.kind == LinkKind::Bridge || now.master.filter(|master| *master != 0) == master.map(|id| id.index.get())
        })
    }

    fn change_vlans(&mut self, link: &LinkSpec, id: LinkId, asked: &Table, there: &Table) {
        let side = if link.kind == LinkKind::Bridge { AT_SELF } else { 0 };
        let at = link.vlans.first().map_or(link.at, |said| said.at);
        let mut sign = if self.ctx.is_new(id) { Sign::Part } else { Sign::Change };
        // Those that came with the bridge go in any case.
        let prune = self.ctx.options.prune || !self.stays(link, id);
        // What goes first: there is one PVID.
        for delete in [true, false].into_iter().filter(|delete| !delete || prune) {
            let wanted = |vid: usize| match (asked[vid], there[vid]) {
                (None, Some(flags)) if delete => Some(flags),
                (Some(flags), now) if !delete && now != Some(flags) => Some(flags),
                _ => None,
            };
            let mut vid = 0;
            while vid < asked.len() {
                let first = vid;
                vid += 1;
                let Some(flags) = wanted(first) else { continue };
                while flags & PVID == 0 && vid < asked.len() && wanted(vid) == Some(flags) {
                    vid += 1;
                }
                let number = |vid: usize| u16::try_from(vid).unwrap_or_default();
                let last = Some(number(vid - 1)).filter(|last| *last != number(first));
                let mut why = Vec::new();
                if sign == Sign::Change {
                    differs(&mut why, "vlan", text(there).into(), text(asked).into());
                }
                let ids = (number(first), last);
                let flags = if delete { 0 } else { flags };
                let change = VlanChange { delete, link: id, ids, flags, side, tunnels: None };
                self.op(sign, Op::BridgeVlan(change), at, why);
                sign = Sign::Part;
            }
        }
    }
}

fn table(vlans: &[PortVlan]) -> Table {
    let mut table = vec![None; 4096];
    for vlan in vlans {
        let flags = if vlan.pvid { PVID } else { 0 } | if vlan.untagged { UNTAGGED } else { 0 };
        for vid in vlan.ids.0..=vlan.ids.1 {
            if let Some(slot) = table.get_mut(usize::from(vid)) {
                *slot = Some(flags);
            }
        }
    }
    table
}

/// All VLANs in words, as the file has them.
fn text(table: &Table) -> String {
    let mut text = String::new();
    let mut vid = 0;
    while let Some(slot) = table.get(vid) {
        let first = vid;
        vid += 1;
        let Some(flags) = slot else { continue };
        while flags & PVID == 0 && table.get(vid) == Some(slot) {
            vid += 1;
        }
        let last = if vid - 1 == first { String::new() } else { ["-", &(vid - 1).to_string()].concat() };
        let comma = if text.is_empty() { "" } else { ", " };
        let words =
            [if flags & PVID != 0 { " pvid" } else { "" }, if flags & UNTAGGED != 0 { " untagged" } else { "" }];
        for piece in [comma, &first.to_string(), &last, words[0], words[1]] {
            text.push_str(piece);
        }
    }
    text
}
