//! Which expressions a rule is written with: iptables' own shapes where the kernel has
//! what they need, else nftables' own. Each extension is asked for once.

use super::ext::fallback;
use super::fail::Fail;
use super::job::{Command, Job};
use crate::cli::io::Io;
use crate::ruleset::Ruleset;
use crate::sys::nl::Transport;

/// What the kernel was asked for so far.
#[derive(Default)]
pub struct Probes {
    /// Name and revision, whether it is a target, and whether the kernel has it.
    known: Vec<(String, u32, bool, bool)>,
    /// What was said last.
    said: String,
}

impl Probes {
    /// Finds the dialect of a job's rules, and says so, once, if it is not iptables'.
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
        let family = job.family.number();
        let known = &mut self.known;
        let has = &mut |name: &str, rev, is_target| {
            if let Some(row) = known.iter().find(|row| row.0 == name && row.1 == rev && row.2 == is_target) {
                return row.3;
            }
            let has = kernel.has_extension(family, name, rev, is_target);
            known.push((name.to_owned(), rev, is_target, has));
            has
        };
        let (dialect, line) = fallback::choose(spec, family, has).map_err(|fail| fail.at(job.line))?;
        job.dialect = dialect;
        if let Some(line) = line
            && line != self.said
        {
            io.error(&line);
            self.said = line;
        }
        Ok(())
    }
}
