//! `bridge vlan`: its words in, changes and listings of VLANs out.

use super::{dump, once, side, unknown, unsupported, usage, vlan_id};
use crate::cli::cursor::{Cursor, text};
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::{Fail, Outcome};
use crate::cli::ip::words::{keyword, prefixes, value};
use crate::model::op::Op;
use crate::model::port::{PVID, PortFilter, UNTAGGED, VlanChange, rows};
use crate::model::rtnames::parse_number;
use crate::show::port::{heading, vlans};

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(word) = words.next() else { return show(context, words, false) };
    let (name, key) = keyword(word, "add~a delete~d show~s lst~s list~s tunnelshow~t set~? global~? help~h");
    match key {
        b'a' | b'd' => modify(context, words, key == b'd'),
        b's' | b't' => show(context, words, key == b't'),
        b'h' => Err(Fail::usage(usage::VLAN)),
        b'?' => Err(unsupported("verb ", name.as_bytes())),
        _ => Err(unknown(word, "vlan")),
    }
}

fn modify(context: &mut Context<'_>, mut words: Cursor<'_>, delete: bool) -> Outcome {
    let (mut name, mut ids, mut flags, mut sides, mut tunnels) = (None, None, 0, 0, None);
    while let Some(word) = words.next() {
        match keyword(word, "dev=d vid=v self=s master=m pvid=p untagged=u tunnel_info=t").1 {
            b'd' => name = Some(value(&mut words)?),
            b'v' => {
                let (first, last) = halves(value(&mut words)?);
                ids = Some((vlan_id(first), last.map(vlan_id)));
            }
            b'p' => flags |= PVID,
            b'u' => flags |= UNTAGGED,
            b't' => {
                let word = value(&mut words)?;
                if !prefixes(word, "id") {
                    return Err(Fail::wrong("tunnel id expected", word));
                }
                let (first, last) = halves(value(&mut words)?);
                tunnels = Some((tunnel(first, first)?, last.map_or(Ok(0), |last| tunnel(last, first))?));
            }
            0 if prefixes(word, "help") => return Err(Fail::usage(usage::VLAN)),
            0 => return Err(unsupported("argument ", word)),
            key => sides |= side(key),
        }
    }
    let (Some(name), Some(ids)) = (name, ids) else {
        return Err(Fail::usage("Device and VLAN ID are required arguments."));
    };
    let link = super::device(context, name, "bridge device")?;
    let invalid = |what: &str, ids: &str| Fail::usage_word(what, ids.as_bytes(), "");
    match ids {
        (id, _) if id >= 4096 => return Err(invalid("Invalid VLAN ID ", &id.to_string())),
        (first, Some(last)) if last >= 4096 || first >= last => {
            return Err(invalid("Invalid VLAN range ", &[first.to_string(), last.to_string()].join("-")));
        }
        (_, Some(_)) if flags & PVID != 0 => return Err(Fail::usage("pvid cannot be configured for a vlan range")),
        _ => {}
    }
    context.change(&Op::BridgeVlan(VlanChange { delete, link, ids, flags, side: sides, tunnels }))?;
    Ok(0)
}

/// The halves of `FIRST-LAST`.
fn halves(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    match word.iter().position(|&b| b == b'-') {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    }
}

/// A tunnel's id; a complaint names the first of a range.
fn tunnel(word: &[u8], first: &[u8]) -> Result<u32, Fail> {
    parse_number(text(word)).filter(|id| *id < 1 << 24).ok_or_else(|| Fail::wrong("invalid tun id", first))
}

fn show(context: &mut Context<'_>, mut words: Cursor<'_>, tunnels: bool) -> Outcome {
    let (mut name, mut only) = (None, None);
    while let Some(word) = words.next() {
        match word {
            b"dev" => once(&mut words, &mut name)?,
            b"vid" => {
                let word = value(&mut words)?;
                if only.replace(vlan_id(word)).is_some() {
                    return Err(Fail::duplicate("vid", word));
                }
            }
            _ => return Err(unsupported("argument ", word)),
        }
    }
    let device = name.map(|name| super::device(context, name, "device")).transpose()?;
    if context.options.statistics != 0 {
        return Err(unsupported("with VLANs, option ", b"-s"));
    }
    let detailed = context.options.details && !tunnels;
    let filter = match context.options.compress_vlans {
        _ if detailed => PortFilter::VlanDetails,
        true => PortFilter::VlanRanges,
        false => PortFilter::Vlans,
    };
    let mut out = context.listing();
    heading(&mut out, tunnels);
    let ports = match dump(context, &filter) {
        Ok(ports) => ports,
        Err(fail) => {
            // Of a kernel that refuses there is the heading still; JSON would not be whole.
            if !out.is_json() {
                context.print(out);
            }
            return Err(fail);
        }
    };
    let only = only.unwrap_or(0);
    for mut port in ports {
        if device.is_some_and(|id| id.index.get() != port.link.index) {
            continue;
        }
        if detailed {
            port.link.name = context.device_name(port.link.index);
            port.rows.retain(|row| row.has(only));
        } else {
            port.rows = rows(if tunnels { &port.tunnels } else { &port.vlans }, only);
        }
        if !port.rows.is_empty() {
            vlans(&mut out, &port.link.name, &port.rows, tunnels);
        }
    }
    context.print(out);
    Ok(0)
}
