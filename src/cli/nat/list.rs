//! `nat list`: rules as the words that `nat add` takes, or as JSON.

use super::ALLOW;
use crate::cli::cursor::shown;
use crate::model::ip::{Family, addr_text};
use crate::model::translation::{PICKS, endpoint, ports, prefix};
use crate::show::out::{Format, Out};
use crate::translations::{Entry, Listed};

/// A line for each rule; one that has no words is a comment.
pub fn text(listed: &[Listed]) -> Vec<u8> {
    let mut out = String::new();
    for rule in listed {
        match rule {
            Listed::Rule { entry, .. } => {
                out.push_str(&entry.translation.words());
                if entry.allow_forward {
                    out.push(' ');
                    out.push_str(ALLOW);
                }
            }
            Listed::Foreign { family, chain, handle } => {
                for piece in ["# not made by netstrap: table ", family_name(*family), " netstrap, chain "] {
                    out.push_str(piece);
                }
                out.push_str(&shown(chain));
                out.push_str(", handle ");
                out.push_str(&handle.to_string());
            }
        }
        out.push('\n');
    }
    out.into_bytes()
}

/// An array of objects; the keys are those that the help tells.
pub fn json(listed: &[Listed]) -> Vec<u8> {
    let mut out = Out::new(Format::Json, false);
    for rule in listed {
        out.record(|out| match rule {
            Listed::Rule { entry: Entry { translation, allow_forward }, xtables, counters } => {
                out.str("words", "", &translation.words(), "");
                out.str("family", "", family_name(translation.family.number()), "");
                out.str("action", "", translation.action.word(), "");
                let source = translation.action.is_source();
                for (key, value) in [
                    ("protocol", translation.protocol_name().to_owned()),
                    ("from", prefix(translation.from)),
                    ("to", prefix(translation.to)),
                    (if source { "out" } else { "in" }, translation.device.map(|d| d.to_string()).unwrap_or_default()),
                    ("listen", translation.listen.map(|addr| addr_text(&addr)).unwrap_or_default()),
                    ("ports", ports(translation.ports)),
                    ("addr", endpoint(translation.addrs, None)),
                    ("new_ports", ports(translation.new_ports)),
                    ("hairpin", prefix(translation.hairpin)),
                ] {
                    if !value.is_empty() {
                        out.str(key, "", &value, "");
                    }
                }
                if !translation.pick.is_empty() {
                    out.list("pick", |out| {
                        for (word, _) in PICKS.iter().filter(|row| translation.pick.contains(row.1)) {
                            out.item("", word, "");
                        }
                    });
                }
                out.str("backend", "", if *xtables { "xtables" } else { "nftables" }, "");
                if *allow_forward {
                    out.json_bool("allow_forward", true);
                }
                for (key, count) in [("packets", counters.packets), ("bytes", counters.bytes)] {
                    out.digits(key, "", &count.to_string(), "");
                }
            }
            Listed::Foreign { family, chain, handle } => {
                out.str("family", "", family_name(*family), "");
                out.name("chain", "", chain, "");
                out.digits("handle", "", &handle.to_string(), "");
            }
        });
    }
    out.finish()
}

/// Name of a family of nf_tables.
fn family_name(number: u8) -> &'static str {
    if number == Family::V6.number() { "ip6" } else { "ip" }
}
