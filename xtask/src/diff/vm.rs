//! Topologies in the virtual machine. In: the job. Out: nothing yet but a refusal: the
//! machine of `cargo xtask vm` has neither iproute2 nor the modules of all kinds inside.

use super::Job;
use super::tally::Tally;
use crate::process::Outcome;

/// Refuses.
pub fn run(_job: &Job, _package: Option<&str>) -> Outcome<Tally> {
    Err("diff ip --vm is not built".into())
}
