//! `ip addrlabel`: labels of IPv6 prefixes, by which source addresses are chosen.

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::token::device;
use super::usage;
use super::words::{keyword, number, prefix, value};
use crate::cli::cursor::Cursor;
use crate::model::addrlabel::AddrLabel;
use crate::model::ip::Family;
use crate::model::op::Op;
use crate::wire::addrlabel::GetAddrLabels;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return list(context, &words, false) };
    match keyword(verb, "list~l lst~l show~l add~a delete~d flush~f help~h").1 {
        b'l' => list(context, &words, false),
        b'f' => list(context, &words, true),
        b'a' => modify(context, words, true),
        b'd' => modify(context, words, false),
        b'h' => Err(usage::fail(usage::ADDRLABEL)),
        _ => Err(Fail::unknown_verb(verb, "addrlabel")),
    }
}

/// The family whose table is meant: there is one of IPv6 only.
fn family(context: &Context<'_>) -> Family {
    match context.options.family {
        Family::Unspec => Family::V6,
        family => family,
    }
}

fn list(context: &mut Context<'_>, words: &Cursor<'_>, flush: bool) -> Outcome {
    if !words.is_empty() {
        return Err(Fail::own(match flush {
            true => "\"ip addrlabel flush\" does not allow extra arguments",
            false => "\"ip addrlabel show\" does not take any arguments.",
        }));
    }
    let asked = GetAddrLabels(family(context));
    let rows = match context.socket()?.dump(&asked) {
        Ok(rows) => rows,
        Err(error) => return Err(context.ended(error, 255)),
    };
    if flush {
        for row in rows {
            if row.address.is_none() {
                continue;
            }
            if let Err(fail) = context.change(&Op::AddrLabel(false, row)) {
                fail.print(context.io);
                return Err(Fail::own("Flush terminated"));
            }
        }
        return Ok(0);
    }
    let mut out = context.listing();
    for row in rows {
        let name = row.device.map(|id| context.device_name(id.index.get())).unwrap_or_default();
        crate::show::addrlabel::addrlabel(&mut out, &row, &name);
    }
    context.print(out);
    Ok(0)
}

fn modify(context: &mut Context<'_>, mut words: Cursor<'_>, add: bool) -> Outcome {
    let mut row = AddrLabel { family: family(context), ..AddrLabel::default() };
    while let Some(word) = words.next() {
        match word {
            b"prefix" => {
                let prefix = prefix(value(&mut words)?, context.options.family)?;
                row.address = Some(prefix.addr());
                row.length = prefix.len();
            }
            b"dev" => row.device = Some(device(context, &mut words)?),
            b"label" => {
                let word = value(&mut words)?;
                let label = number(word, "label is invalid\n")?;
                row.label = Some(label);
                if label == u32::MAX {
                    return Err(Fail::wrong("label is invalid\n", word));
                }
            }
            _ => return Err(Fail::garbage("prefix", word)),
        }
    }
    let missing = match (&row.address, row.label) {
        (None, _) => "prefix",
        (_, None) => "label",
        _ => {
            context.change(&Op::AddrLabel(add, row))?;
            return Ok(0);
        }
    };
    Err(Fail::own_of("Not enough information: \"%\" argument is required.", &[missing]))
}
