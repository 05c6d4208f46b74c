//! `ip route`: the verbs. Changes are parsed by [`parse`], listings made by [`show`].

mod parse;
mod show;

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::prefixes;
use crate::cli::cursor::{Cursor, text};
use crate::model::op::Op;
use crate::model::route::RouteVerb;
use crate::model::rtnames::NameSet;

#[derive(Clone, Copy)]
enum Verb {
    Show,
    Get,
    Change(RouteVerb),
    Flush,
    Help,
    Missing,
}

/// Verbs in iproute2's order: a word stands for the first that it begins.
const VERBS: &[(&str, Verb)] = &[
    ("list", Verb::Show),
    ("show", Verb::Show),
    ("lst", Verb::Show),
    ("get", Verb::Get),
    ("add", Verb::Change(RouteVerb::Add)),
    ("change", Verb::Change(RouteVerb::Change)),
    ("chg", Verb::Change(RouteVerb::Change)),
    ("replace", Verb::Change(RouteVerb::Replace)),
    ("prepend", Verb::Change(RouteVerb::Prepend)),
    ("append", Verb::Change(RouteVerb::Append)),
    ("test", Verb::Change(RouteVerb::Test)),
    ("delete", Verb::Change(RouteVerb::Delete)),
    ("flush", Verb::Flush),
    ("save", Verb::Missing),
    ("restore", Verb::Missing),
    ("showdump", Verb::Missing),
    ("help", Verb::Help),
];

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return show::list(context, words, false) };
    match VERBS.iter().find(|(name, _)| prefixes(verb, name)) {
        Some((_, Verb::Show)) => show::list(context, words, false),
        Some((_, Verb::Flush)) if words.is_empty() => Err(Fail::own("\"ip route flush\" requires arguments.")),
        Some((_, Verb::Flush)) => show::list(context, words, true),
        Some((_, Verb::Get)) => show::get(context, words),
        Some((_, Verb::Change(verb))) => {
            let route = parse::route(context, words, *verb)?;
            context.change(&Op::Route(*verb, route))?;
            Ok(0)
        }
        Some((_, Verb::Help)) => Err(usage::fail(usage::ROUTE)),
        Some((name, Verb::Missing)) => Err(Fail::unsupported(&["\"ip route ", name, "\""].concat())),
        None => Err(Fail::unknown_verb(verb, "route")),
    }
}

/// A type of service byte: a name of `rt_dsfield`, or a number in hexadecimal.
fn tos(context: &Context<'_>, word: &[u8]) -> Option<u8> {
    let digits = text(word).trim_start_matches("0x").trim_start_matches("0X");
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
    // A word that begins with a digit is no name: the set would read it as decimal.
    let named = || context.names.number(NameSet::Dsfields, text(word));
    let number = if word.first()?.is_ascii_digit() { number } else { named().or(number) };
    number.and_then(|n| u8::try_from(n).ok())
}
