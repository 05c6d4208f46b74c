//! `ip vrf`: virtual routing and forwarding devices, and commands inside them.

use super::context::Context;
use super::fail::{Fail, Outcome};
use crate::cli::cursor::Cursor;

/// Runs a verb.
pub fn run(_context: &mut Context<'_>, _words: Cursor<'_>) -> Outcome {
    Err(Fail::unsupported_word("object", b"vrf"))
}
