//! `-A`, `-I`, `-D`, `-C` and `-F`: what is sent to the kernel for them, decided on the
//! table as it is at that moment.

use super::ext::fallback;
use super::fail::{Fail, bad_rule, no_chain};
use super::kernel::{NAT, builtin, change, compatible, read, scaffold};
use super::list;
use super::parse::{Command, Job};
use crate::cli::cursor::shown;
use crate::cli::io::Io;
use crate::model::nat::{Counters, Spec, Target};
use crate::ruleset::{Need, Ruleset, Table};
use crate::sys::nl::Transport;
use crate::wire::nft::FAMILY_IP;
use crate::wire::nft::rule::{self, Dialect, Place};

/// Carries out a command that changes the table, or `-C`.
pub fn run<T: Transport>(job: &mut Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    jump_exists(&job.specs.spec, kernel)?;
    match (job.command, job.chain) {
        (Command::Flush, chain) => flush(chain, job.has(b'v'), kernel, io),
        (Command::DeleteNumber, Some(chain)) => delete_number(chain, job.number.unwrap_or(1), kernel),
        (Command::Delete, Some(chain)) => delete(chain, job, kernel, io),
        (Command::Check, Some(chain)) => check(chain, job, kernel, io),
        (_, Some(chain)) => add(chain, job, kernel, io),
        (_, None) => Ok(()),
    }
}

/// The place of the first new rule, if the chain is long enough.
fn place(command: Command, number: Option<u32>, chain: &[u8], table: &Table) -> Result<Place, Fail> {
    let number = match (command, number) {
        (Command::Insert, None | Some(1)) => return Ok(Place::First),
        (Command::Insert, Some(number)) => usize::try_from(number).unwrap_or(usize::MAX),
        _ => return Ok(Place::Append),
    };
    let mut count = 1;
    for rule in table.rules_of(chain) {
        if count == number {
            return Ok(Place::Before(rule.handle));
        }
        count += 1;
    }
    if count == number { Ok(Place::Append) } else { Err(Fail::missing("Index of insertion too big")) }
}

fn add<T: Transport>(chain: &[u8], job: &mut Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    let dialect = dialect(&job.specs.spec, kernel, io)?;
    let (command, number) = (job.command, job.number);
    let verb = if command == Command::Append { "RULE_APPEND" } else { "RULE_INSERT" };
    let need = if number.is_some_and(|n| n > 1) { Need::Rules(chain) } else { Need::Chains };
    let mut unprinted = job.has(b'v');
    let specs = &mut job.specs;
    change(kernel, need, &mut |table, steps| {
        if builtin(chain).is_none() && table.chain(chain).is_none_or(|chain| !compatible(chain)) {
            return Err(no_chain());
        }
        let place = place(command, number, chain, table)?;
        scaffold(table, chain, steps);
        let before = steps.messages.len();
        specs.each(&mut |spec| {
            if unprinted {
                io.print(list::rule_line(spec));
            }
            steps.push(
                (verb, "rule in chain ", chain),
                rule::add(FAMILY_IP, NAT, chain, place, spec, Counters::default(), dialect),
            );
            Ok(())
        })?;
        unprinted = false;
        // Each of several is put before the same rule, so the last one comes first.
        if command == Command::Insert && place != Place::First {
            steps.messages[before..].reverse();
        }
        Ok(())
    })
}

/// A jump must lead to a chain that is there.
fn jump_exists<T: Transport>(spec: &Spec, kernel: &mut Ruleset<T>) -> Result<(), Fail> {
    let (Target::Jump(to) | Target::Goto(to)) = &spec.target else { return Ok(()) };
    let table = read(kernel, Need::Chains)?;
    if builtin(to).is_some() || table.chain(to).is_some() {
        return Ok(());
    }
    Err(Fail::word("Chain '", to, "' does not exist"))
}

/// iptables' own shapes where the kernel has what they need, else nftables'.
fn dialect<T: Transport>(spec: &Spec, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<Dialect, Fail> {
    let has = &mut |name: &str, rev, is_target| kernel.has_extension(FAMILY_IP, name, rev, is_target);
    let (dialect, line) = fallback::choose(spec, FAMILY_IP, has)?;
    if let Some(line) = line {
        io.error(line);
    }
    Ok(dialect)
}

fn delete<T: Transport>(chain: &[u8], job: &mut Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    let mut lines = String::new();
    let specs = &mut job.specs;
    let done = change(kernel, Need::Rules(chain), &mut |table, steps| {
        lines.clear();
        let mut gone = Vec::new();
        specs.each(&mut |spec| {
            // Each rule is deleted once.
            let rule = table.equal(chain, spec).find(|rule| !gone.contains(&rule.handle)).ok_or_else(bad_rule)?;
            let handle = rule.handle;
            gone.push(handle);
            lines.push_str(&list::rule_line(spec));
            steps.push(("RULE_DELETE", "rule in chain ", chain), rule::delete(FAMILY_IP, NAT, chain, handle));
            Ok(())
        })
    });
    if job.has(b'v') {
        io.print(&lines);
    }
    done
}

fn delete_number<T: Transport>(chain: &[u8], number: u32, kernel: &mut Ruleset<T>) -> Result<(), Fail> {
    let index = usize::try_from(number).unwrap_or(usize::MAX) - 1;
    change(kernel, Need::Rules(chain), &mut |table, steps| {
        if table.chain(chain).is_none() {
            return Err(no_chain());
        }
        let Some(rule) = table.rules_of(chain).nth(index) else {
            return Err(Fail::missing("Index of deletion too big"));
        };
        steps.push(("RULE_DELETE", "rule in chain ", chain), rule::delete(FAMILY_IP, NAT, chain, rule.handle));
        Ok(())
    })
}

fn check<T: Transport>(chain: &[u8], job: &mut Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    let table = read(kernel, Need::Rules(chain))?;
    let verbose = job.has(b'v');
    job.specs.each(&mut |spec| {
        table.equal(chain, spec).next().ok_or_else(bad_rule)?;
        if verbose {
            io.print(list::rule_line(spec));
        }
        Ok(())
    })
}

fn flush<T: Transport>(chain: Option<&[u8]>, verbose: bool, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    let mut lines = String::new();
    change(kernel, Need::Chains, &mut |table, steps| {
        lines.clear();
        let name = match chain {
            Some(name) => {
                line(&mut lines, name);
                if table.chain(name).is_none() {
                    return if builtin(name).is_none() { Err(no_chain()) } else { Ok(()) };
                }
                ("RULE_FLUSH", "chain ", name)
            }
            None if table.chains.is_empty() => return Ok(()),
            None => {
                list::arrange(&table.chains, false).iter().for_each(|chain| line(&mut lines, &chain.name));
                ("RULE_FLUSH", "table ", NAT)
            }
        };
        steps.push(name, rule::flush(FAMILY_IP, NAT, chain));
        Ok(())
    })?;
    if verbose {
        io.print(&lines);
    }
    Ok(())
}

fn line(lines: &mut String, chain: &[u8]) {
    *lines = [lines, "Flushing chain `", &shown(chain), "'\n"].concat();
}
