//! Which expressions a rule is written with: iptables' own shapes where the kernel has
//! what they need, else nftables' own. Each extension is asked for once.

use super::job::{Command, Job};
use crate::cli::cursor::text;
use crate::cli::io::Io;
use crate::model::ip::Family;
use crate::model::nat::{Ext, Target};
use crate::ruleset::Ruleset;
use crate::sys::nl::Transport;
use crate::wire::nft::rule::Dialect;

/// What the kernel was asked for so far.
#[derive(Default)]
pub struct Probes {
    /// Name and revision, whether it is a target, and whether the kernel has it.
    known: Vec<(Vec<u8>, u32, bool, bool)>,
}

impl Probes {
    fn has<T: Transport>(&mut self, kernel: &mut Ruleset<T>, family: Family, ext: &Ext, is_target: bool) -> bool {
        let known = self.known.iter().find(|row| row.0 == ext.name && row.1 == ext.rev && row.2 == is_target);
        if let Some(row) = known {
            return row.3;
        }
        let has = kernel.has_extension(family.number(), text(&ext.name), ext.rev, is_target);
        self.known.push((ext.name.clone(), ext.rev, is_target, has));
        has
    }

    /// Finds the dialect of a job's rules, and says so if it is not iptables'.
    pub fn choose<T: Transport>(&mut self, job: &mut Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) {
        let adds = matches!(job.command, Command::Append | Command::Insert | Command::Replace);
        let Some(spec) = job.specs.first().filter(|_| adds) else { return };
        if let Target::Ext(ext) = &spec.target {
            let seen = self.known.len();
            if !self.has(kernel, job.family, ext, true) {
                job.dialect = Dialect::Native;
                let own = if ext.name == b"MASQUERADE" { "masquerade" } else { "snat" };
                if seen < self.known.len() {
                    io.error_of(&[
                        if job.family == Family::V6 { "ip6tables" } else { "iptables" },
                        ": this kernel has no ",
                        text(&ext.name),
                        " target for nf_tables (nft_compat), so the rule is written as nftables' own ",
                        own,
                        ", which iptables-nft cannot list",
                    ]);
                }
                return;
            }
        }
        let long = Ext { name: b"comment".to_vec(), rev: 0, info: Vec::new() };
        if spec.comment.as_ref().is_some_and(|c| c.len() > 127) && !self.has(kernel, job.family, &long, false) {
            job.dialect = Dialect::Native;
        }
    }
}
