//! `-A`, `-I`, `-D`, `-C` and `-F`: what is sent to the kernel for them, decided on the
//! table as it is at that moment.

use super::fail::{Fail, bad_rule, no_chain};
use super::kernel::{Kernel, NAT, Need, Step, Table, builtin, compatible, scaffold};
use super::list;
use super::parse::{Command, Job};
use crate::cli::cursor::shown;
use crate::cli::io::Io;
use crate::model::nat::{NatKind, Spec, Target};
use crate::sys::nl::Transport;
use crate::wire::nft::FAMILY_IP;
use crate::wire::nft::rule::{self, Dialect, Place};

/// Carries out a command that changes the table, or `-C`.
pub fn run<T: Transport>(job: &Job, kernel: &mut Kernel<T>, io: &mut Io) -> Result<(), Fail> {
    match (job.command, &job.chain) {
        (Command::Flush, chain) => flush(chain.as_deref(), job.verbose, kernel, io),
        (Command::DeleteNumber, Some(chain)) => delete_number(chain, job.number.unwrap_or(1), kernel),
        (Command::Delete, Some(chain)) => delete(chain, job, kernel, io),
        (Command::Check, Some(chain)) => check(chain, job, kernel, io),
        (_, Some(chain)) => add(chain, job, kernel, io),
        (_, None) => Ok(()),
    }
}

/// The place of the first new rule, if the chain is long enough.
fn place(job: &Job, chain: &[u8], table: &Table) -> Result<Place, Fail> {
    let number = match (job.command, job.number) {
        (Command::Insert, None | Some(1)) => return Ok(Place::First),
        (Command::Insert, Some(number)) => usize::try_from(number).unwrap_or(usize::MAX),
        _ => return Ok(Place::Append),
    };
    let rules: Vec<_> = table.rules_of(chain).collect();
    match rules.get(number - 1) {
        Some(rule) => Ok(Place::Before(rule.handle)),
        None if number == rules.len() + 1 => Ok(Place::Append),
        None => Err(Fail::missing("Index of insertion too big")),
    }
}

fn add<T: Transport>(chain: &[u8], job: &Job, kernel: &mut Kernel<T>, io: &mut Io) -> Result<(), Fail> {
    jump_exists(job, kernel)?;
    let dialect = dialect(&job.specs, kernel, io);
    let append = job.command == Command::Append;
    let verb = if append { "RULE_APPEND" } else { "RULE_INSERT" };
    let need = if job.number.is_some_and(|n| n > 1) { Need::Rules(chain) } else { Need::Chains };
    let mut unprinted = job.verbose;
    kernel.change(need, &mut |table| {
        if builtin(chain).is_none() && table.chain(chain).is_none_or(|chain| !compatible(chain)) {
            return Err(no_chain());
        }
        let place = place(job, chain, table)?;
        if std::mem::take(&mut unprinted) {
            job.specs.iter().for_each(|spec| io.print(list::rule_line(spec)));
        }
        let mut steps = scaffold(table, chain);
        let mut rules: Vec<Step> = job
            .specs
            .iter()
            .map(|spec| Step {
                message: rule::add(FAMILY_IP, NAT, chain, place, spec, dialect),
                verb,
                object: format!("rule in chain {}", shown(chain)),
            })
            .collect();
        // Each of several is put before the same rule, so the last one comes first.
        if job.command == Command::Insert && place != Place::First {
            rules.reverse();
        }
        steps.append(&mut rules);
        Ok(steps)
    })
}

/// A jump must lead to a chain that is there.
fn jump_exists<T: Transport>(job: &Job, kernel: &mut Kernel<T>) -> Result<(), Fail> {
    let Some(Target::Jump(to) | Target::Goto(to)) = job.specs.first().map(|spec| &spec.target) else { return Ok(()) };
    let (_, table) = kernel.read(Need::Chains)?;
    if builtin(to).is_some() || table.chain(to).is_some() {
        return Ok(());
    }
    Err(Fail::parameter(format!("Chain '{}' does not exist", shown(to))))
}

/// iptables' own shapes where the kernel has what they need, else nftables'.
fn dialect<T: Transport>(specs: &[Spec], kernel: &mut Kernel<T>, io: &mut Io) -> Dialect {
    let Some(spec) = specs.first() else { return Dialect::Iptables };
    if let Target::Nat(nat) = &spec.target {
        let name = nat.kind.name();
        if !kernel.has_extension(name, true) {
            let own = if nat.kind == NatKind::Masquerade { "masquerade" } else { "snat" };
            io.error(format!(
                "iptables: this kernel has no {name} target for nf_tables (nft_compat), so the rule is written as \
                 nftables' own {own}, which iptables-nft cannot list"
            ));
            return Dialect::Native;
        }
    }
    let long = spec.comment.as_ref().is_some_and(|c| c.len() > 127);
    if long && !kernel.has_extension("comment", false) { Dialect::Native } else { Dialect::Iptables }
}

fn delete<T: Transport>(chain: &[u8], job: &Job, kernel: &mut Kernel<T>, io: &mut Io) -> Result<(), Fail> {
    jump_exists(job, kernel)?;
    let mut lines = String::new();
    let done = kernel.change(Need::Rules(chain), &mut |table| {
        lines.clear();
        let mut handles = Vec::new();
        for spec in &job.specs {
            let same = |rule: &&crate::model::nat::Rule| {
                rule.unknown.is_empty() && rule.spec == *spec && !handles.contains(&rule.handle)
            };
            handles.push(table.rules_of(chain).find(same).ok_or_else(bad_rule)?.handle);
            lines += &list::rule_line(spec);
        }
        Ok(handles.into_iter().map(|handle| deletion(chain, handle)).collect())
    });
    if job.verbose {
        io.print(lines);
    }
    done
}

fn delete_number<T: Transport>(chain: &[u8], number: u32, kernel: &mut Kernel<T>) -> Result<(), Fail> {
    let index = usize::try_from(number).unwrap_or(usize::MAX) - 1;
    kernel.change(Need::Rules(chain), &mut |table| {
        if table.chain(chain).is_none() {
            return Err(no_chain());
        }
        match table.rules_of(chain).nth(index) {
            Some(rule) => Ok(vec![deletion(chain, rule.handle)]),
            None => Err(Fail::missing("Index of deletion too big")),
        }
    })
}

fn deletion(chain: &[u8], handle: u64) -> Step {
    Step {
        message: rule::delete(FAMILY_IP, NAT, chain, handle),
        verb: "RULE_DELETE",
        object: format!("rule in chain {}", shown(chain)),
    }
}

fn check<T: Transport>(chain: &[u8], job: &Job, kernel: &mut Kernel<T>, io: &mut Io) -> Result<(), Fail> {
    jump_exists(job, kernel)?;
    let (_, table) = kernel.read(Need::Rules(chain))?;
    for spec in &job.specs {
        if !table.rules_of(chain).any(|rule| rule.unknown.is_empty() && rule.spec == *spec) {
            return Err(bad_rule());
        }
        if job.verbose {
            io.print(list::rule_line(spec));
        }
    }
    Ok(())
}

fn flush<T: Transport>(chain: Option<&[u8]>, verbose: bool, kernel: &mut Kernel<T>, io: &mut Io) -> Result<(), Fail> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    kernel.change(Need::Chains, &mut |table| {
        names = match chain {
            Some(name) => vec![name.to_vec()],
            None => list::names(table),
        };
        match chain {
            Some(name) if table.chain(name).is_none() && builtin(name).is_none() => return Err(no_chain()),
            Some(name) if table.chain(name).is_none() => return Ok(Vec::new()),
            None if table.chains.is_empty() => return Ok(Vec::new()),
            _ => {}
        }
        let object = chain.map_or("table nat".into(), |name| format!("chain {}", shown(name)));
        Ok(vec![Step { message: rule::flush(FAMILY_IP, NAT, chain), verb: "RULE_FLUSH", object }])
    })?;
    if verbose {
        names.iter().for_each(|name| io.print(format!("Flushing chain `{}'\n", shown(name))));
    }
    Ok(())
}
