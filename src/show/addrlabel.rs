//! Labels of prefixes as `ip addrlabel` prints them.

use super::out::{Colour, Out};
use crate::model::addrlabel::AddrLabel;
use crate::model::ip::{addr_text, family_of};

/// Writes one row; `name` is that of its link.
pub fn addrlabel(out: &mut Out, row: &AddrLabel, name: &[u8]) {
    out.record(|out| {
        if let Some(address) = &row.address {
            out.text("prefix ");
            out.paint(Colour::of(family_of(address))).str("address", "", &addr_text(address), "");
            out.num("prefixlen", "/", row.length, " ");
        }
        if row.device.is_some() {
            out.name("ifname", "dev ", name, " ");
        }
        if let Some(label) = row.label {
            out.num("label", "label ", label, " ");
        }
    });
    out.text("\n");
}
