//! Addresses, VLANs, parameters, routes, rules, neighbours, files and translations: what is asked for, against what
//! is found.

use super::Ctx;
use crate::model::plan::Step;

/// What is to be made or changed, in any order.
pub fn steps(_ctx: &Ctx<'_>, _out: &mut Vec<Step>) {}

/// What is to be taken away, in any order.
pub fn removals(_ctx: &Ctx<'_>, _out: &mut Vec<Step>) {}
