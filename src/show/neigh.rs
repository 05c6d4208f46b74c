//! Neighbours as `ip neigh` lists them.

use super::link::hardware_address;
use super::out::Out;
use crate::model::ip::Family;
use crate::model::link::{Link, name_of};
use crate::model::neigh::{EXT_MANAGED, Neigh, NeighFlags, NeighState};
use crate::model::rtnames::{NameSet, Names};

/// What a listing of neighbours goes by.
#[derive(Debug, Clone, Copy)]
pub struct NeighView<'a> {
    /// Names of protocols.
    pub names: &'a Names,
    /// `-N`: numbers instead.
    pub numeric: bool,
    /// `-br`: columns of address, device and hardware address.
    pub brief: bool,
    /// The device is given by the command, so it is not repeated.
    pub one_device: bool,
    /// Links, for their names and hardware types.
    pub links: &'a [Link],
}

/// Writes one neighbour.
pub fn neigh(out: &mut Out, neigh: &Neigh, view: &NeighView<'_>) {
    out.record(|o| fields(o, neigh, view));
    out.text("\n");
}

fn fields(out: &mut Out, neigh: &Neigh, view: &NeighView<'_>) {
    if let Some(dst) = &neigh.dst {
        let dst = dst.to_string();
        out.str("dst", "", &dst, " ");
        pad(out, dst.len(), 39, view);
    }
    let index = neigh.device.map_or(0, |id| id.index.get());
    let link = view.links.iter().find(|link| link.index == index);
    if index != 0 && !view.one_device {
        let name = name_of(view.links, index);
        let label = if view.brief { "" } else { "dev " };
        out.name("dev", label, &name, " ");
        pad(out, name.len(), 16, view);
    }
    if let Some(lladdr) = &neigh.lladdr {
        let (label, after) = if view.brief { ("", "") } else { ("lladdr ", " ") };
        out.str("lladdr", label, &hardware_address(lladdr, link.map_or(0, |link| link.hardware)), after);
    }
    if !view.brief {
        state(out, neigh, view);
    }
}

fn state(out: &mut Out, neigh: &Neigh, view: &NeighView<'_>) {
    for (flag, word) in [
        (NeighFlags::ROUTER, "router"),
        (NeighFlags::PROXY, "proxy"),
        (NeighFlags::EXT_LEARNED, "extern_learn"),
        (NeighFlags::OFFLOADED, "offload"),
    ] {
        if neigh.flags.contains(flag) {
            out.null(word, word);
            out.text(" ");
        }
    }
    if neigh.ext_flags & EXT_MANAGED != 0 {
        out.null("managed", "managed ");
    }
    if !neigh.state.is_empty() {
        out.list("state", |o| {
            for (state, name) in NeighState::NAMES {
                if neigh.state.contains(*state) {
                    o.item("", name, " ");
                }
            }
        });
    }
    if neigh.protocol != 0 {
        let name = if view.numeric { None } else { view.names.find(NameSet::Protocols, neigh.protocol.into()) };
        out.str("protocol", "proto ", name.unwrap_or(&neigh.protocol.to_string()), " ");
    }
}

/// Fills a column of `-br`; JSON has none.
fn pad(out: &mut Out, len: usize, width: usize, view: &NeighView<'_>) {
    if view.brief {
        (len..width).for_each(|_| out.text(" "));
    }
}

/// Name of a family, as iproute2 writes it beside an address of another one.
pub fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "inet",
        Family::V6 => "inet6",
        _ => "???",
    }
}
