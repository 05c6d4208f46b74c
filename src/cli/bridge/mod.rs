//! `bridge`: global options and the object's name in, the object's own verbs run; the
//! words, texts and exit codes are iproute2's (6.1). Options, context and failures are those of `ip`.

mod fdb;
mod link;
mod usage;
mod vlan;

use std::ffi::OsString;
use std::mem::ManuallyDrop;

use super::cursor::Cursor;
use super::io::Io;
use super::ip::context::{Context, link_id};
use super::ip::fail::{Fail, Outcome};
use super::ip::words::{keyword, value};
use super::ip::{Tool, batch, options};
use crate::model::link::LinkId;
use crate::model::port::{AT_MASTER, AT_SELF};
use crate::wire::build::Route;
use crate::wire::query::Query;

/// How its options are read. `-c`, `-co` ... are colour.
const BRIDGE: Tool = Tool {
    name: "bridge",
    help: "bridge help",
    usage: usage::BRIDGE,
    version: concat!("bridge utility, 6.1.0, netstrap ", env!("CARGO_PKG_VERSION"), "\n"),
    options: "help~H Version~V stats~s statistics~s details~d oneline~o timestamp~t family~f 4=4 6=6 netns~n \
        compressvlans~c force~F json~j pretty~p batch~b",
};

/// Exit code of what `ip` would end with 2: the kernel's refusals are `bridge`'s own.
const REFUSED: u8 = 255;

/// Runs the applet.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let words = argv.get(1..).unwrap_or_default();
    // Never dropped, as in `ip`.
    let mut context = ManuallyDrop::new(Context::new(io, words));
    let outcome =
        options(&mut context, Cursor::new(words), &BRIDGE).and_then(|words| match context.options.batch.take() {
            Some(file) => batch::run(&mut context, &file, object),
            None => object(&mut context, words),
        });
    match outcome.map_err(|fail| fail.print(context.io)) {
        Ok(code) => code,
        Err(2) => REFUSED,
        Err(code) => code,
    }
}

/// Runs an object's verb.
fn object(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let word = words.next().ok_or_else(|| Fail::usage(usage::BRIDGE))?;
    match keyword(word, "link~l fdb~f mdb~? vlan~v monitor~? vni~? help~h") {
        (_, b'l') => link::run(context, words),
        (_, b'f') => fdb::run(context, words),
        (_, b'v') => vlan::run(context, words),
        (_, b'h') => Err(Fail::usage(usage::BRIDGE)),
        (name, b'?') => Err(unsupported("object ", name.as_bytes())),
        _ => Err(Fail::usage_word("Object ", word, " is unknown, try \"bridge help\".")),
    }
}

/// Something of iproute2's `bridge` that is not built.
fn unsupported(what: &str, word: &[u8]) -> Fail {
    Fail::own_word(&["bridge: ", what].concat(), word, " is not supported by netstrap")
}

/// An unknown verb of an object.
fn unknown(word: &[u8], object: &str) -> Fail {
    Fail::usage_word("Command ", word, &[" is unknown, try \"bridge ", object, " help\"."].concat())
}

/// The device of a name, or a complaint in which it is called `what`.
fn device(context: &mut Context<'_>, name: &[u8], what: &str) -> Result<LinkId, Fail> {
    let link = context.find_link(name)?;
    let missing = || Fail::usage_word(&["Cannot find ", what, " "].concat(), name, "").hint(context.lacks(name));
    link.as_ref().and_then(link_id).ok_or_else(missing)
}

/// The device that a listing is narrowed to, given once.
fn once<'w>(words: &mut Cursor<'w>, given: &mut Option<&'w [u8]>) -> Result<(), Fail> {
    let word = value(words)?;
    match given.replace(word) {
        Some(_) => Err(Fail::duplicate("dev", word)),
        None => Ok(()),
    }
}

/// A VLAN's id. What is no number is 0, which the kernel refuses as every number that is no id.
fn vlan_id(word: &[u8]) -> u16 {
    super::cursor::text(word).parse().unwrap_or(0)
}

/// [`AT_MASTER`] or [`AT_SELF`] by its word.
fn side(key: u8) -> u16 {
    if key == b'm' { AT_MASTER } else { AT_SELF }
}

/// What a listing shows, with all links for their names; a refusal ends it with exit code 1.
fn dump<Q: Query<Protocol = Route>>(context: &mut Context<'_>, query: &Q) -> Result<Vec<Q::Item>, Fail> {
    context.all_links()?;
    match context.socket()?.dump(query) {
        Ok(found) => Ok(found),
        Err(error) => {
            Fail::from(error).print(context.io);
            Err(Fail::own("Dump terminated"))
        }
    }
}
