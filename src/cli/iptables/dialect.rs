//! Which expressions a rule is written with: iptables' own shapes where the kernel has
//! what they need, else nftables' own. Each extension is asked for once.

use super::ext::fallback;
use super::fail::Fail;
use super::job::{Command, Job};
use crate::cli::io::Io;
use crate::model::ip::Family;
use crate::ruleset::Ruleset;
use crate::sys::nl::Transport;

/// What the kernel was asked for so far.
#[derive(Default)]
pub struct Probes {
    /// Name and revision, whether it is a target, and whether the kernel has it.
    known: Vec<(Vec<u8>, u32, bool, bool)>,
}

impl Probes {
    fn has<T: Transport>(
        &mut self,
        kernel: &mut Ruleset<T>,
        family: Family,
        name: &str,
        rev: u32,
        is_target: bool,
    ) -> bool {
        let same =
            |row: &&(Vec<u8>, u32, bool, bool)| (row.0.as_slice(), row.1, row.2) == (name.as_bytes(), rev, is_target);
        if let Some(row) = self.known.iter().find(same) {
            return row.3;
        }
        let has = kernel.has_extension(family.number(), name, rev, is_target);
        self.known.push((name.as_bytes().to_vec(), rev, is_target, has));
        has
    }

    /// Finds the dialect of a job's rules, and says so, once for each extension, if it is not iptables'.
    ///
    /// # Errors
    /// What the kernel lacks, where nftables has no words for it.
    pub fn choose<T: Transport>(
        &mut self,
        job: &mut Job<'_>,
        kernel: &mut Ruleset<T>,
        io: &mut Io,
    ) -> Result<(), Fail> {
        let adds = matches!(job.command, Command::Append | Command::Insert | Command::Replace);
        let Some(spec) = job.specs.first().filter(|_| adds) else { return Ok(()) };
        let seen = self.known.len();
        let has = &mut |name: &str, rev, is_target| self.has(kernel, job.family, name, rev, is_target);
        let (dialect, lacking) = fallback::choose(spec, job.family.number(), has)?;
        job.dialect = dialect;
        if !lacking.is_empty() && seen < self.known.len() {
            io.error_of(&[
                if job.family == Family::V6 { "ip6tables" } else { "iptables" },
                ": this kernel has no ",
                &lacking,
                " for nf_tables (nft_compat), so the rule is written with nftables' own expressions, which iptables-nft \
                 cannot list",
            ]);
        }
        Ok(())
    }
}
