//! `-L` and `-S`: the table as iptables prints it. A rule with parts that cannot be
//! worded becomes a comment line that shows the rest, so it can still be found and
//! deleted by its number.

use std::fmt::Write;

use super::fail::Fail;
use super::kernel::{BUILTIN, Kernel, Need, Table, builtin, compatible};
use super::parse::{Command, Job};
use super::show::{self, Names};
use crate::cli::cursor::shown;
use crate::cli::io::Io;
use crate::model::nat::{Chain, Counters, IfPattern, Not, Rule, Spec};
use crate::sys::nl::Transport;

/// Carries out `-L` or `-S`.
pub fn run<T: Transport>(job: &Job, kernel: &mut Kernel<T>, io: &mut Io) -> Result<(), Fail> {
    let need = job.chain.as_ref().map_or(Need::All, |chain| Need::Rules(chain));
    let (_, table) = kernel.read(need)?;
    legacy_warning(io);
    let chains = match &job.chain {
        None => {
            if table.chains.iter().any(|chain| !compatible(chain)) {
                io.print("# Table `nat' contains incompatible base-chains, use 'nft' tool to list them.\n");
            }
            listed(&table)
        }
        Some(name) => {
            let chain = one(&table, name);
            // A chain that is not there has neither hook nor rules; iptables words it so too.
            if !compatible(&chain) || (chain.base.is_none() && table.chain(name).is_none()) {
                return Err(Fail::incompatible(&shown(name)));
            }
            vec![chain]
        }
    };
    let listing = Listing { job, names: if job.numeric { None } else { Some(Names::read()) } };
    let text =
        if job.command == Command::List { listing.table(&table, &chains) } else { listing.save(&table, &chains) };
    io.print(text);
    Ok(())
}

/// Rules of the old ip_tables are not seen here.
fn legacy_warning(io: &mut Io) {
    if std::fs::read("/proc/net/ip_tables_names").is_ok_and(|names| !names.is_empty()) {
        io.error("# Warning: iptables-legacy tables present, use iptables-legacy to see them");
    }
}

/// A chain of the kernel, or a built-in one that is not there yet.
fn one(table: &Table, name: &[u8]) -> Chain {
    let absent = || Chain { name: name.to_vec(), base: builtin(name), uses: 0, counters: None };
    table.chain(name).cloned().unwrap_or_else(absent)
}

/// The chains of a listing: the built-in ones, then users' by name.
fn listed(table: &Table) -> Vec<Chain> {
    let mut chains: Vec<Chain> = BUILTIN.iter().map(|row| one(table, row.0)).collect();
    chains.retain(compatible);
    let builtin = chains.len();
    for chain in table.chains.iter().filter(|chain| chain.base.is_none() && compatible(chain)) {
        // A place in order, instead of a sort, whose code is large.
        let at = builtin + chains[builtin..].partition_point(|other| other.name < chain.name);
        chains.insert(at, chain.clone());
    }
    chains
}

/// Names of the chains that exist, in the order of a listing.
pub fn names(table: &Table) -> Vec<Vec<u8>> {
    listed(table).into_iter().map(|chain| chain.name).filter(|name| table.chain(name).is_some()).collect()
}

struct Listing<'a> {
    job: &'a Job,
    names: Option<Names>,
}

impl Listing<'_> {
    /// `-S`.
    fn save(&self, table: &Table, chains: &[Chain]) -> String {
        let mut out = String::new();
        for chain in chains.iter().filter(|_| self.job.number.is_none()) {
            let name = shown(&chain.name);
            let _ = match &chain.base {
                Some(base) => {
                    let counters = self.saved_counters(chain.counters);
                    writeln!(out, "-P {name} {}{counters}", policy(base.accept))
                }
                None => writeln!(out, "-N {name}"),
            };
        }
        for chain in chains {
            for (number, rule) in self.numbered(table, chain) {
                if !rule.unknown.is_empty() {
                    let _ = write!(out, "# nft: rule {number}: ");
                }
                let counters = self.saved_counters(Some(rule.counters.unwrap_or_default()));
                out += &save_line(rule, &counters);
            }
        }
        out
    }

    fn saved_counters(&self, counters: Option<Counters>) -> String {
        if !self.job.verbose {
            return String::new();
        }
        let Counters { packets, bytes } = counters.unwrap_or_default();
        format!(" -c {packets} {bytes}")
    }

    fn numbered<'t>(&self, table: &'t Table, chain: &'t Chain) -> impl Iterator<Item = (u32, &'t Rule)> {
        let wanted = self.job.number;
        (1u32..).zip(table.rules_of(&chain.name)).filter(move |(number, _)| wanted.is_none_or(|n| n == *number))
    }

    /// `-L`.
    fn table(&self, table: &Table, chains: &[Chain]) -> String {
        let mut out = String::new();
        for (index, chain) in chains.iter().enumerate() {
            if self.job.number.is_none() {
                out += if index > 0 { "\n" } else { "" };
                self.head(&mut out, chain, table.rules_of(&chain.name).count());
            }
            for (number, rule) in self.numbered(table, chain) {
                self.row(&mut out, number, rule);
            }
        }
        out
    }

    fn head(&self, out: &mut String, chain: &Chain, rules: usize) {
        let _ = write!(out, "Chain {} (", shown(&chain.name));
        match &chain.base {
            Some(base) => {
                let _ = write!(out, "policy {}", policy(base.accept));
                if self.job.verbose {
                    let Counters { packets, bytes } = chain.counters.unwrap_or_default();
                    let number = |n| show::number(n, self.job.exact, true);
                    let _ = write!(out, " {} packets, {} bytes", number(packets), number(bytes));
                }
            }
            None => {
                // The kernel counts the chain's own rules as uses too.
                let jumps = usize::try_from(chain.uses).unwrap_or(0).saturating_sub(rules);
                let _ = write!(out, "{jumps} references");
            }
        }
        out.push_str(")\n");
        if self.job.line_numbers {
            out.push_str("num  ");
        }
        out.push_str(match (self.job.verbose, self.job.exact) {
            (true, true) => "    pkts      bytes ",
            (true, false) => " pkts bytes ",
            _ => "",
        });
        out.push_str("target     prot opt ");
        if self.job.verbose {
            out.push_str("in     out    ");
        }
        out.push_str(if self.job.verbose { " " } else { "" });
        out.push_str("source               destination         \n");
    }

    fn row(&self, out: &mut String, number: u32, rule: &Rule) {
        if self.job.line_numbers {
            let _ = write!(out, "{number:<4} ");
        }
        if !rule.unknown.is_empty() {
            let _ = write!(out, "# nft: rule {number}: {}", save_line(rule, ""));
            return;
        }
        if self.job.verbose {
            let Counters { packets, bytes } = rule.counters.unwrap_or_default();
            let number = |n| show::number(n, self.job.exact, false);
            let _ = write!(out, "{}{}", number(packets), number(bytes));
        }
        let spec = &rule.spec;
        let (inverted, protocol) = protocol(spec, self.job.numeric);
        let _ = write!(out, "{:<9} {inverted}{protocol:<4} -- ", show::target_name(&spec.target));
        if self.job.verbose {
            for pattern in [&spec.input, &spec.output] {
                let _ = write!(out, " {:<6}", show::interface_cell(pattern.as_ref(), self.job.numeric));
            }
            out.push(' ');
        }
        for net in [spec.source, spec.destination] {
            let inverted = if net.is_some_and(|net| net.not) { '!' } else { ' ' };
            let _ = write!(out, "{inverted}{:<19} ", show::net_cell(net, self.names.as_ref()));
        }
        *out += &details(spec);
        out.push('\n');
    }
}

fn policy(accept: bool) -> &'static str {
    if accept { "ACCEPT" } else { "DROP" }
}

fn protocol(spec: &Spec, numeric: bool) -> (char, String) {
    match spec.protocol {
        Some(Not { not, value }) => (if not { '!' } else { ' ' }, show::protocol(value, numeric)),
        None => (' ', show::protocol(0, numeric)),
    }
}

/// What stands behind the addresses in a listing.
fn details(spec: &Spec) -> String {
    let mut out = String::new();
    if let crate::model::nat::Target::Goto(_) = spec.target {
        out.push_str("[goto] ");
    }
    if let Some(comment) = &spec.comment {
        let _ = write!(out, " /* {} */", shown(comment));
    }
    out + &show::target_details(&spec.target)
}

/// A rule as `-A` commands have it, with the names of its unknown parts in brackets.
fn save_line(rule: &Rule, counters: &str) -> String {
    let spec = &rule.spec;
    let mut out = format!("-A {}", shown(&rule.chain));
    for (option, net) in [("-s", spec.source), ("-d", spec.destination)] {
        if let Some(Not { not, value }) = net {
            let _ = write!(out, "{} {option} {}", bang(not), show::net(&value, true));
        }
    }
    for (option, pattern) in [("-i", &spec.input), ("-o", &spec.output)] {
        if let Some(Not { not, value }) = pattern {
            let _ = write!(out, "{} {option} {}", bang(*not), show::interface(value));
        }
    }
    if let Some(Not { not, value }) = spec.protocol {
        let _ = write!(out, "{} -p {}", bang(not), show::protocol(value, false));
    }
    if !rule.unknown.is_empty() {
        let _ = write!(out, " [{}]", rule.unknown.join(", "));
    }
    if let Some(comment) = &spec.comment {
        let _ = write!(out, " -m comment --comment {}", show::quoted(comment));
    }
    out + counters + &show::target_option(&spec.target) + "\n"
}

/// The line that `-v` prints for a rule that is added, deleted or checked.
pub fn rule_line(spec: &Spec) -> String {
    let (inverted, protocol) = protocol(spec, false);
    let pattern = |pattern: Option<&Not<IfPattern>>| show::interface_cell(pattern, true);
    let bang = |net: bool| if net { '!' } else { ' ' };
    format!(
        "{} {inverted}{protocol} opt -- in {} out {} {}{} {}-> {}  {}\n",
        show::target_name(&spec.target),
        pattern(spec.input.as_ref()),
        pattern(spec.output.as_ref()),
        bang(spec.source.is_some_and(|net| net.not)),
        show::net_cell(spec.source, None),
        bang(spec.destination.is_some_and(|net| net.not)),
        show::net_cell(spec.destination, None),
        details(spec),
    )
}

fn bang(not: bool) -> &'static str {
    if not { " !" } else { "" }
}
