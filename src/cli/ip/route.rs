//! `ip route`: the verbs. Changes are parsed in `parse`, listings made in `show`.

mod get;
mod parse;
mod show;

pub use parse::gateway;
pub use show::event;

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::keyword;
use crate::cli::cursor::{Cursor, text};
use crate::model::op::Op;
use crate::model::route::{RouteVerb, TABLE_MAIN};
use crate::model::rtnames::{NameSet, parse_hex};

/// Verbs in iproute2's order.
const VERBS: &str = "list~s show~s lst~s get~g add~a change~c chg=c replace~r prepend~p append~b test~t delete~d flush~f \
    save~? restore~? showdump~? help~h";

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(word) = words.next() else { return show::list(context, words, false) };
    let (name, key) = keyword(word, VERBS);
    let verb = match key {
        b's' => return show::list(context, words, false),
        b'f' if words.is_empty() => return Err(Fail::own("\"ip route flush\" requires arguments.")),
        b'f' => return show::list(context, words, true),
        b'g' => return get::get(context, words),
        b'h' => return Err(usage::fail(usage::ROUTE)),
        b'?' => return Err(Fail::unsupported(&["\"ip route ", name, "\""].concat())),
        b'a' => RouteVerb::Add,
        b'c' => RouteVerb::Change,
        b'r' => RouteVerb::Replace,
        b'p' => RouteVerb::Prepend,
        b'b' => RouteVerb::Append,
        b't' => RouteVerb::Test,
        b'd' => RouteVerb::Delete,
        _ => return Err(Fail::unknown_verb(word, "route")),
    };
    let route = parse::route(context, words, verb)?;
    context.change(&Op::Route(verb, route))?;
    Ok(0)
}

/// Table of the VRF of a name; `default` is the main one, where no link is called so.
fn vrf_table(context: &mut Context<'_>, word: &[u8]) -> Result<u32, Fail> {
    let link = context.find_link(word)?;
    let table = match &link {
        None if word == b"default" => Some(TABLE_MAIN),
        link => link.as_ref().and_then(super::vrf::table),
    };
    table.ok_or_else(|| Fail::wrong("Invalid VRF\n", word))
}

/// A type of service byte: a name of `rt_dsfield`, or a number in hexadecimal.
pub fn tos(context: &Context<'_>, word: &[u8]) -> Option<u8> {
    let number = parse_hex(text(word)).filter(|_| !word.contains(&b'+'));
    // A word that begins with a digit is no name: the set would read it as decimal.
    let named = || context.names.number(NameSet::Dsfields, text(word));
    let number = if word.first()?.is_ascii_digit() { number } else { named().or(number) };
    number.and_then(|n| u8::try_from(n).ok())
}
