//! `nat list`: rules as the words that `nat add` takes, or as JSON.

use super::ALLOW;
use crate::cli::cursor::shown;
use crate::model::ip::Family;
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
                made(out, "words", translation.words());
                string(out, "family", family_name(translation.family.number()));
                string(out, "action", translation.action.word());
                string(out, "protocol", translation.protocol_name());
                made(out, "from", prefix(translation.from));
                made(out, "to", prefix(translation.to));
                let device = translation.device.map(|device| device.to_string());
                let key = if translation.action.is_source() { "out" } else { "in" };
                made(out, key, device.unwrap_or_default());
                made(out, "listen", endpoint(translation.listen.map(|addr| (addr, addr)), None));
                made(out, "ports", ports(translation.ports));
                made(out, "addr", endpoint(translation.addrs, None));
                made(out, "new_ports", ports(translation.new_ports));
                made(out, "hairpin", prefix(translation.hairpin));
                if !translation.pick.is_empty() {
                    out.list("pick", |out| {
                        for (word, _) in PICKS.iter().filter(|row| translation.pick.contains(row.1)) {
                            out.item("", word, "");
                        }
                    });
                }
                string(out, "backend", if *xtables { "xtables" } else { "nftables" });
                if *allow_forward {
                    out.json_bool("allow_forward", true);
                }
                for (key, count) in [("packets", counters.packets), ("bytes", counters.bytes)] {
                    out.digits(key, "", &count.to_string(), "");
                }
            }
            Listed::Foreign { family, chain, handle } => {
                string(out, "family", family_name(*family));
                out.name("chain", "", chain, "");
                out.digits("handle", "", &handle.to_string(), "");
            }
        });
    }
    out.finish()
}

/// The same for a text that was made.
#[inline(never)]
fn made(out: &mut Out, key: &str, value: String) {
    string(out, key, &value);
}

/// A string that is left out if it is empty.
#[inline(never)]
fn string(out: &mut Out, key: &str, value: &str) {
    if !value.is_empty() {
        out.str(key, "", value, "");
    }
}

/// Name of a family of nf_tables.
fn family_name(number: u8) -> &'static str {
    if number == Family::V6.number() { "ip6" } else { "ip" }
}
