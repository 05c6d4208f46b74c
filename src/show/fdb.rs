//! Forwarding entries as `bridge fdb` lists them.

use super::link::hardware_address;
use super::out::{Colour, Out};
use crate::model::fdb::Fdb;
use crate::model::ip::{addr_text, family_of};
use crate::model::link::{Link, name_of};
use crate::model::neigh::{NeighFlags, NeighState};

/// What a listing of forwarding entries goes by.
#[derive(Debug, Clone, Copy)]
pub struct FdbView<'a> {
    /// The device is given by the command, so it is not repeated.
    pub one_device: bool,
    /// `-s`: with the ages.
    pub statistics: bool,
    /// Links, for their names and hardware types.
    pub links: &'a [Link],
}

/// Flags in the order of a listing.
const FLAGS: [(NeighFlags, &str); 6] = [
    (NeighFlags::SELF, "self"),
    (NeighFlags::ROUTER, "router"),
    (NeighFlags::EXT_LEARNED, "extern_learn"),
    (NeighFlags::OFFLOADED, "offload"),
    (NeighFlags::MASTER, "master"),
    (NeighFlags::STICKY, "sticky"),
];

/// Ticks of `struct nda_cacheinfo` in a second.
const TICKS: u32 = 100;

/// Writes one entry.
pub fn fdb(out: &mut Out, entry: &Fdb, view: &FdbView<'_>) {
    out.record(|out| {
        fields(out, entry, view);
        out.str("state", "", &state(entry.state), "\n");
    });
}

fn fields(out: &mut Out, entry: &Fdb, view: &FdbView<'_>) {
    let index = entry.device.map_or(0, |id| id.index.get());
    if let Some(lladdr) = &entry.lladdr {
        let hardware = view.links.iter().find(|link| link.index == index).map_or(0, |link| link.hardware);
        out.paint(Colour::Mac).str("mac", "", &hardware_address(lladdr, hardware), " ");
    }
    if index != 0 && !view.one_device {
        out.text("dev ");
        out.paint(Colour::IfName).name("ifname", "", &name_of(view.links, index), " ");
    }
    if let Some(dst) = &entry.dst {
        out.text("dst ");
        out.paint(Colour::of(family_of(dst))).str("dst", "", &addr_text(dst), " ");
    }
    number(out, "vlan", entry.vlan.filter(|vlan| *vlan != 0).map(u32::from));
    number(out, "port", entry.port.map(u32::from));
    number(out, "vni", entry.vni);
    number(out, "src_vni", entry.src_vni);
    match (entry.via, entry.link_netnsid) {
        (Some(index), Some(_)) => out.num("viaIfIndex", "via ifindex ", index, " "),
        (Some(index), None) => out.name("viaIf", "via ", &name_of(view.links, index), " "),
        (None, _) => {}
    }
    number(out, "nhid", entry.nexthop);
    if let Some(id) = entry.link_netnsid {
        out.num("linkNetNsId", "link-netnsid ", id, " ");
    }
    if let (true, Some((used, updated))) = (view.statistics, entry.ages) {
        out.num("used", "used ", used / TICKS, "/");
        out.num("updated", "", updated / TICKS, " ");
    }
    out.list("flags", |out| {
        for (flag, name) in FLAGS {
            if entry.flags.contains(flag) {
                out.item("", name, " ");
            }
        }
    });
    if let Some(master) = entry.master {
        out.name("master", "master ", &name_of(view.links, master), " ");
    }
}

fn number(out: &mut Out, key: &str, value: Option<u32>) {
    if let Some(value) = value {
        out.text(key);
        out.num(key, " ", value, " ");
    }
}

fn state(state: NeighState) -> String {
    for (bit, name) in [
        (NeighState::PERMANENT, "permanent"),
        (NeighState::NOARP, "static"),
        (NeighState::STALE, "stale"),
        (NeighState::REACHABLE, ""),
    ] {
        if state.contains(bit) {
            return name.to_owned();
        }
    }
    // C's `%#x` writes 0 without its prefix.
    match state.bits() {
        0 => "state=0".to_owned(),
        bits => format!("state={bits:#x}"),
    }
}
