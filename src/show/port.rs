//! Ports of bridges and their VLANs as `bridge link` and `bridge vlan` list them.

use super::link::{LinkView, flags, name_and_lower};
use super::out::{Colour, Out};
use crate::model::link::{Link, name_of};
use crate::model::name::printable;
use crate::model::port::{PROPERTIES, PVID, Port, STATES, UNTAGGED, VlanRow, number};

/// Width of the column of names, with the blanks behind it.
const NAME: usize = 18;
/// Width of the column of VLANs beside tunnels, with the blanks behind it.
const RANGE: usize = 11;

/// Prints a port, with its line break; `details` adds what cannot be seen at a glance.
pub fn port(out: &mut Out, port: &Port, view: &LinkView<'_>, links: &[Link], details: bool) {
    out.num("ifindex", "", view.link.index, ": ");
    name_and_lower(out, view, false);
    flags(out, view);
    if let Some(mtu) = view.link.mtu {
        out.num("mtu", "mtu ", mtu, " ");
    }
    if let Some(master) = &view.master {
        out.name("master", "master ", master, " ");
    }
    for entry in PROPERTIES.split_ascii_whitespace() {
        let Some((name, letter)) = entry.split_once('=') else { continue };
        let letter = letter.as_bytes().first().copied().unwrap_or_default();
        if letter == b'D' {
            if !details || port.properties.is_empty() {
                break;
            }
            out.line_break();
            out.text("    ");
        }
        if let Some((_, value)) = port.properties.iter().find(|(kind, _)| *kind == number(letter)) {
            property(out, name, letter, *value, links);
        }
    }
    match port.mode {
        Some(mode @ 0..=1) => out.str("hwmode", "hwmode ", if mode == 0 { "VEB" } else { "VEPA" }, " "),
        Some(mode) => out.str("hwmode", "hwmode ", &format!("{mode:#x}"), " "),
        None => {}
    }
    out.text("\n");
}

fn property(out: &mut Out, name: &str, letter: u8, value: u32, links: &[Link]) {
    if !matches!(letter, b'A'..=b'C' | b'Y' | b'b') {
        out.json_bool(name, value != 0);
        return out.pieces(&[name, if value == 0 { " off " } else { " on " }]);
    }
    out.text(name);
    match STATES.get(value as usize).filter(|_| letter == b'A') {
        Some(state) => out.str(name, " ", state, " "),
        None if letter == b'A' => out.num(name, " (", value, ") "),
        None if letter == b'b' => out.name(name, " ", &name_of(links, value), " "),
        None => out.num(name, " ", value, " "),
    }
}

/// Prints the heading of a listing of VLANs.
pub fn heading(out: &mut Out, tunnels: bool) {
    out.text("port              vlan-id  ");
    out.text(if tunnels { "  tunnel-id\n" } else { "\n" });
}

/// Prints the VLANs of a port or a bridge: the first beside its name, the others below.
pub fn vlans(out: &mut Out, name: &[u8], rows: &[VlanRow], tunnels: bool) {
    out.record(|out| {
        out.paint(Colour::IfName).name("ifname", "", name, &blanks(NAME, printable(name).len()));
        out.list(if tunnels { "tunnels" } else { "vlans" }, |out| {
            for (position, row) in rows.iter().enumerate() {
                if position > 0 {
                    out.text(&blanks(NAME, 0));
                }
                out.record(|out| {
                    fields(out, row, tunnels);
                    details(out, row);
                });
                out.line_break();
            }
        });
    });
}

fn fields(out: &mut Out, row: &VlanRow, tunnels: bool) {
    let (first, last) = row.ids;
    let width = range(out, ["vlan", "vlanEnd"], first.into(), last.into());
    if tunnels {
        out.text(&blanks(RANGE, width));
        range(out, ["tunid", "tunidEnd"], row.tunnels.0, row.tunnels.1);
    } else if row.flags != 0 {
        out.list("flags", |out| {
            for (flag, word) in [(PVID, "PVID"), (UNTAGGED, "Egress Untagged")] {
                if row.flags & flag != 0 {
                    out.item(" ", word, "");
                }
            }
        });
    }
}

/// What the kernel tells of VLANs in detail, on a line of its own.
fn details(out: &mut Out, row: &VlanRow) {
    let Some(state) = row.state else { return };
    out.line_break();
    out.text(&blanks(NAME + 2, 0));
    property(out, "state", b'A', state.into(), &[]);
    if let Some(router) = row.router {
        property(out, "mcast_router", b'Y', router.into(), &[]);
    }
}

/// Prints `FIRST` or `FIRST-LAST`; gives its width.
fn range(out: &mut Out, keys: [&str; 2], first: u32, last: u32) -> usize {
    out.num(keys[0], "", first, "");
    let mut width = first.to_string().len();
    if first != last {
        out.num(keys[1], "-", last, "");
        width += 1 + last.to_string().len();
    }
    width
}

/// What fills a column behind a word of this length; two blanks at least.
fn blanks(column: usize, len: usize) -> String {
    " ".repeat(column.saturating_sub(len).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::out::Format;

    fn row(ids: (u16, u16), flags: u16) -> VlanRow {
        VlanRow { ids, tunnels: (10, 14), flags, ..VlanRow::default() }
    }

    fn shown(format: Format, tunnels: bool) -> String {
        let mut out = Out::new(format, false);
        heading(&mut out, tunnels);
        let rows = [row((1, 1), PVID | UNTAGGED), row((20, 22), 0x10), row((30, 30), 0)];
        vlans(&mut out, b"br0", &rows, tunnels);
        String::from_utf8(out.finish()).unwrap()
    }

    #[test]
    fn vlans_as_iproute2_prints_them() {
        let text = "port              vlan-id  \n\
            br0               1 PVID Egress Untagged\n                  20-22\n                  30\n";
        assert_eq!(shown(Format::Text, false), text);
        let json = concat!(
            r#"[{"ifname":"br0","vlans":[{"vlan":1,"flags":["PVID","Egress Untagged"]},"#,
            r#"{"vlan":20,"vlanEnd":22,"flags":[]},{"vlan":30}]}]"#,
            "\n"
        );
        assert_eq!(shown(Format::Json, false), json);
        let row = VlanRow { state: Some(3), router: Some(1), ..row((10, 12), 0) };
        let mut out = Out::new(Format::Text, false);
        vlans(&mut out, b"br0", &[row], false);
        let text = "br0               10-12\n                    state forwarding mcast_router 1 \n";
        assert_eq!(String::from_utf8(out.finish()).unwrap(), text);
        let mut out = Out::new(Format::Json, false);
        vlans(&mut out, b"br0", &[row], false);
        let json = concat!(
            r#"[{"ifname":"br0","vlans":[{"vlan":10,"vlanEnd":12,"state":"forwarding","mcast_router":1}]}]"#,
            "\n"
        );
        assert_eq!(String::from_utf8(out.finish()).unwrap(), json);
        let tunnels = "port              vlan-id    tunnel-id\nbr0               1          10-14\n";
        assert!(shown(Format::Text, true).starts_with(tunnels), "{}", shown(Format::Text, true));
    }
}
