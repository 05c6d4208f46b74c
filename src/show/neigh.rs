//! Neighbours as `ip neigh` lists them.

use super::link::hardware_address;
use super::out::{Colour, Out};
use crate::model::ip::{Family, addr_text};
use crate::model::link::{Link, name_of};
use crate::model::neigh::{EXT_MANAGED, Neigh, NeighFlags, NeighState};
use crate::model::rtnames::{NameSet, Names, named};

/// What a listing of neighbours goes by.
#[derive(Debug, Clone, Copy)]
pub struct NeighView<'a> {
    /// Names of protocols; without them, numbers are written (`-N`).
    pub names: Option<&'a Names>,
    /// `-br`: columns of address, device and hardware address.
    pub brief: bool,
    /// `-s`: with times.
    pub statistics: bool,
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
    // Blanks fill a column of `-br`; JSON has none.
    let columns = view.brief && !out.is_json();
    let width = |width| if columns { width } else { 0 };
    if let Some(dst) = &neigh.dst {
        let dst = addr_text(dst);
        let blanks = " ".repeat(usize::saturating_sub(width(39), dst.len()) + 1);
        out.paint(Colour::of(neigh.family)).str("dst", "", &dst, &blanks);
    }
    let index = neigh.device.map_or(0, |id| id.index.get());
    let link = view.links.iter().find(|link| link.index == index);
    if index != 0 && !view.one_device {
        let name = name_of(view.links, index);
        out.text(if view.brief { "" } else { "dev " });
        let blanks = " ".repeat(usize::saturating_sub(width(16), name.len()) + 1);
        out.paint(Colour::IfName).name("dev", "", &name, &blanks);
    }
    if let Some(lladdr) = &neigh.lladdr {
        let (label, after) = if view.brief { ("", "") } else { ("lladdr ", " ") };
        out.text(label);
        let address = hardware_address(lladdr, link.map_or(0, |link| link.hardware));
        out.paint(Colour::Mac).str("lladdr", "", &address, after);
    }
    if !view.brief {
        state(out, neigh, view);
    }
}

fn state(out: &mut Out, neigh: &Neigh, view: &NeighView<'_>) {
    let has = |flag| neigh.flags.contains(flag);
    for (is, word) in [
        (has(NeighFlags::ROUTER), "router"),
        (has(NeighFlags::PROXY), "proxy"),
        (neigh.ext_flags & EXT_MANAGED != 0, "managed"),
        (has(NeighFlags::EXT_LEARNED), "extern_learn"),
        (has(NeighFlags::OFFLOADED), "offload"),
    ] {
        if is {
            out.null(word, word);
            out.text(" ");
        }
    }
    if view.statistics {
        statistics(out, neigh);
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
        out.str("protocol", "proto ", &named(view.names, NameSet::Protocols, neigh.protocol.into()), " ");
    }
}

fn statistics(out: &mut Out, neigh: &Neigh) {
    if let Some(times) = neigh.times {
        if neigh.references != 0 {
            out.num("refcnt", " ref ", neigh.references, "");
        }
        let labels = [("used", " used "), ("confirmed", "/"), ("updated", "/")];
        for ((key, label), hundredths) in labels.into_iter().zip(times) {
            out.num(key, label, hundredths / 100, "");
        }
    }
    if let Some(probes) = neigh.probes {
        out.num("probes", "probes ", probes, " ");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::out::Format;

    #[test]
    fn times_and_probes_as_iproute2_writes_them() {
        let seen = Neigh {
            dst: "10.0.0.3".parse().ok(),
            flags: NeighFlags::ROUTER,
            state: NeighState::STALE,
            references: 1,
            times: Some([199, 6100, 100]),
            probes: Some(5),
            ..Neigh::default()
        };
        let view = NeighView { names: None, brief: false, statistics: true, one_device: false, links: &[] };
        for (format, expected) in [
            (Format::Text, "10.0.0.3 router  ref 1 used 1/61/1probes 5 STALE \n"),
            (
                Format::Json,
                concat!(
                    r#"[{"dst":"10.0.0.3","router":null,"refcnt":1,"used":1,"confirmed":61,"updated":1,"probes":5,"#,
                    r#""state":["STALE"]}]"#,
                    "\n"
                ),
            ),
        ] {
            let mut out = Out::new(format, false);
            neigh(&mut out, &seen, &view);
            assert_eq!(String::from_utf8(out.finish()).unwrap(), expected);
        }
    }
}
