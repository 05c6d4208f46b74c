//! `bridge link`: its words in, changes and listings of ports out.

use super::{dump, once, side, unknown, unsupported, usage};
use crate::cli::cursor::{Cursor, shown, text};
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::{Fail, Outcome};
use crate::cli::ip::link::view;
use crate::cli::ip::words::{keyword, value};
use crate::model::op::Op;
use crate::model::port::{AT_SELF, PROPERTIES, PortChange, PortFilter, STATES};
use crate::model::template::filled;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(word) = words.next() else { return show(context, words) };
    match keyword(word, "set~c change~c show~s lst~s list~s help~h").1 {
        b'c' => set(context, words),
        b's' => show(context, words),
        b'h' => Err(Fail::usage(usage::LINK)),
        _ => Err(unknown(word, "link")),
    }
}

fn set(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let (mut name, mut properties, mut sides, mut mode) = (None, Vec::new(), 0, None);
    while let Some(word) = words.next() {
        let (property, letter) = keyword(word, PROPERTIES);
        if letter != 0 {
            properties.retain(|(own, _)| *own != letter);
            // A cost of 0 asks for no change.
            let given = number(context, property, letter, value(&mut words)?)?;
            if letter != b'C' || given != 0 {
                properties.push((letter, given));
            }
            continue;
        }
        match keyword(word, "dev=d hwmode=w self=s master=m nobackup_port=n").1 {
            b'd' => name = Some(value(&mut words)?),
            b'n' => {
                properties.retain(|(own, _)| *own != b'b');
                properties.push((b'b', 0));
            }
            b'w' => {
                sides = AT_SELF;
                mode = Some(match value(&mut words)? {
                    b"veb" => 0,
                    b"vepa" => 1,
                    _ => return Err(Fail::usage("Mode argument must be \"vepa\" or \"veb\".")),
                });
            }
            0 => return Err(Fail::usage(usage::LINK)),
            key => sides |= side(key),
        }
    }
    let name = name.ok_or_else(|| Fail::usage("Device is a required argument."))?;
    let link = super::device(context, name, "bridge device")?;
    context.change(&Op::BridgePort(PortChange { link, properties, side: sides, mode }))?;
    Ok(0)
}

/// The value of a property.
fn number(context: &mut Context<'_>, name: &str, letter: u8, word: &[u8]) -> Result<u32, Fail> {
    let digits = text(word).parse().ok();
    match letter {
        b'A' => {
            let place =
                || STATES.iter().position(|state| state.as_bytes() == word).and_then(|at| u32::try_from(at).ok());
            digits.or_else(place).ok_or_else(|| Fail::usage("Error: invalid STP port state"))
        }
        b'B' | b'C' | b'Y' => digits.ok_or_else(|| Fail::wrong(&["invalid ", name].concat(), word)),
        b'b' => {
            let link = context.find_link(word)?.map(|link| link.index);
            let missing = || Fail::usage_of("Error: device % does not exist", &[&shown(word)]);
            link.ok_or_else(missing)
        }
        _ => match word {
            b"on" => Ok(1),
            b"off" => Ok(0),
            _ => {
                let before = filled("Error: argument of \"%\" must be one of \"off\", \"on\", not ", &[name]);
                Err(Fail::usage_word(&before, word, "").coded(INVALID))
            }
        },
    }
}

/// Exit code of a word that is neither `on` nor `off`: what is left of `-EINVAL`.
const INVALID: u8 = 234;

fn show(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut name = None;
    while let Some(word) = words.next() {
        match word {
            b"dev" => once(&mut words, &mut name)?,
            _ => return Err(unsupported("argument ", word)),
        }
    }
    let device = name.map(|name| super::device(context, name, "device")).transpose()?;
    let ports = dump(context, &PortFilter::Ports)?;
    let mut out = context.listing();
    for port in ports.iter().filter(|port| device.is_none_or(|id| id.index.get() == port.link.index)) {
        let view = view(context, &port.link);
        out.record(|out| {
            crate::show::port::port(out, port, &view, context.known_links(), context.options.details);
        });
    }
    context.print(out);
    Ok(0)
}
