//! `-L` and `-S`: the table as iptables prints it. A rule with parts that cannot be
//! worded becomes a comment line that shows the rest, so it can still be found and
//! deleted by its number.

use super::fail::Fail;
use super::kernel::{BUILTIN, builtin, compatible, read};
use super::parse::{Command, Job};
use super::show::{self, Names, add, number, pad, word};
use crate::cli::io::Io;
use crate::model::nat::{Chain, Counters, Net, Not, Rule, Spec, Target};
use crate::ruleset::{Need, Ruleset, Table};
use crate::sys::nl::Transport;

const IS_V6: bool = false;

/// Carries out `-L` or `-S`.
pub fn run<T: Transport>(job: &Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    let mut table = read(kernel, job.chain.map_or(Need::All, Need::Rules))?;
    legacy_warning(io);
    match job.chain {
        None => {
            if table.chains.iter().any(|chain| !compatible(chain)) {
                io.print("# Table `nat' contains incompatible base-chains, use 'nft' tool to list them.\n");
            }
            table.chains = arrange(&table.chains, true);
        }
        Some(name) => {
            table.chains.retain(|chain| chain.name == name);
            if table.chains.is_empty() {
                table.chains.push(absent(name));
                // A chain that is not there has neither hook nor rules; iptables words it so too.
                if builtin(name).is_none() {
                    return Err(Fail::incompatible(name));
                }
            }
            if table.chains.iter().any(|chain| !compatible(chain)) {
                return Err(Fail::incompatible(name));
            }
        }
    }
    let names = if job.has(b'n') { None } else { Some(Names::read()) };
    let mut listing = Listing { job, names, table: &table, out: String::new() };
    if job.command == Command::List {
        listing.table();
    } else {
        listing.save();
    }
    io.print(&listing.out);
    Ok(())
}

/// Rules of the old ip_tables are not seen here.
fn legacy_warning(io: &mut Io) {
    if std::fs::read("/proc/net/ip_tables_names").is_ok_and(|names| !names.is_empty()) {
        io.error("# Warning: iptables-legacy tables present, use iptables-legacy to see them");
    }
}

/// A built-in chain that is not there yet.
fn absent(name: &[u8]) -> Chain {
    Chain { name: name.to_vec(), base: builtin(name), handle: 0, uses: 0, counters: None }
}

/// The chains in the order of a listing: the built-in ones, then users' by name. Others are
/// left out; built-in ones that are not there are put in if `absent_too`.
#[inline(never)]
pub fn arrange(all: &[Chain], absent_too: bool) -> Vec<Chain> {
    let mut chains = Vec::new();
    for &(name, ..) in BUILTIN {
        match all.iter().find(|chain| chain.name == name) {
            Some(chain) if compatible(chain) => chains.push(chain.clone()),
            None if absent_too => chains.push(absent(name)),
            _ => {}
        }
    }
    let first = chains.len();
    for chain in all.iter().filter(|chain| chain.base.is_none() && compatible(chain)) {
        // A place in order, instead of a sort, whose code is large.
        let mut at = first;
        while chains.get(at).is_some_and(|other| other.name < chain.name) {
            at += 1;
        }
        chains.insert(at, chain.clone());
    }
    chains
}

struct Listing<'a> {
    job: &'a Job<'a>,
    names: Option<Names>,
    table: &'a Table,
    out: String,
}

impl Listing<'_> {
    /// `-S`.
    fn save(&mut self) {
        let table = self.table;
        let out = &mut self.out;
        let verbose = self.job.has(b'v');
        for chain in table.chains.iter().filter(|_| self.job.number.is_none()) {
            add(out, if chain.base.is_some() { "-P " } else { "-N " });
            word(out, &chain.name);
            if let Some(base) = &chain.base {
                add(out, policy(base.accept));
                saved_counters(out, chain.counters, verbose);
            }
            add(out, "\n");
        }
        for chain in &table.chains {
            self.rules(chain, &mut |listing, line, rule| {
                if !rule.unknown.is_empty() {
                    unknown(&mut listing.out, line);
                }
                save_line(&mut listing.out, rule, verbose);
            });
        }
    }

    /// Shows the rules of a chain that are wanted, with their numbers.
    #[inline(never)]
    fn rules(&mut self, chain: &Chain, show: &mut dyn FnMut(&mut Self, u32, &Rule)) {
        let mut number = 0;
        for rule in self.table.rules_of(&chain.name) {
            number += 1;
            if self.job.number.is_none_or(|n| n == number) {
                show(self, number, rule);
            }
        }
    }

    /// `-L`.
    fn table(&mut self) {
        let table = self.table;
        let mut between = "";
        for chain in &table.chains {
            if self.job.number.is_none() {
                add(&mut self.out, between);
                self.head(chain, table.rules_of(&chain.name).count());
                between = "\n";
            }
            self.rules(chain, &mut |listing, line, rule| listing.row(line, rule));
        }
    }

    fn head(&mut self, chain: &Chain, rules: usize) {
        let (verbose, exact) = (self.job.has(b'v'), self.job.has(b'x'));
        let out = &mut self.out;
        add(out, "Chain ");
        word(out, &chain.name);
        add(out, " (");
        match &chain.base {
            Some(base) => {
                add(out, "policy");
                add(out, policy(base.accept));
                if verbose {
                    let Counters { packets, bytes } = chain.counters.unwrap_or_default();
                    add(out, " ");
                    show::count(out, packets, exact, true);
                    add(out, " packets, ");
                    show::count(out, bytes, exact, true);
                    add(out, " bytes");
                }
            }
            None => {
                // The kernel counts the chain's own rules as uses too.
                number(out, u64::from(chain.uses).saturating_sub(rules as u64), 0);
                add(out, " references");
            }
        }
        add(out, ")\n");
        if self.job.has(b'0') {
            add(out, "num  ");
        }
        add(
            out,
            match (verbose, exact) {
                (true, true) => "    pkts      bytes ",
                (true, false) => " pkts bytes ",
                _ => "",
            },
        );
        add(out, "target     prot opt ");
        add(out, if verbose { "in     out     " } else { "" });
        add(out, "source               destination         \n");
    }

    fn row(&mut self, line: u32, rule: &Rule) {
        let (verbose, numeric) = (self.job.has(b'v'), self.job.has(b'n'));
        let out = &mut self.out;
        if self.job.has(b'0') {
            let from = out.len();
            number(out, line.into(), 0);
            pad(out, from, 4);
            add(out, " ");
        }
        if !rule.unknown.is_empty() {
            unknown(out, line);
            return save_line(out, rule, false);
        }
        if verbose {
            let Counters { packets, bytes } = rule.counters.unwrap_or_default();
            show::count(out, packets, self.job.has(b'x'), false);
            show::count(out, bytes, self.job.has(b'x'), false);
        }
        let spec = &rule.spec;
        let from = out.len();
        show::target_name(out, &spec.target);
        pad(out, from, 9);
        add(out, " ");
        let from = out.len() + 1;
        protocol(out, spec, numeric);
        pad(out, from, 4);
        add(out, " -- ");
        if verbose {
            for pattern in [&spec.input, &spec.output] {
                add(out, " ");
                let from = out.len();
                show::interface_cell(out, pattern.as_ref(), numeric);
                pad(out, from, 6);
            }
            add(out, " ");
        }
        for net in [&spec.source, &spec.destination] {
            let from = out.len();
            address(out, net.as_ref(), self.names.as_ref());
            pad(out, from, 20);
            add(out, " ");
        }
        details(out, spec, numeric);
        add(out, "\n");
    }
}

/// Begins the line of a rule that cannot be worded.
#[inline(never)]
fn unknown(out: &mut String, line: u32) {
    add(out, "# nft: rule ");
    number(out, line.into(), 0);
    add(out, ": ");
}

#[inline(never)]
fn saved_counters(out: &mut String, counters: Option<Counters>, verbose: bool) {
    if verbose {
        let Counters { packets, bytes } = counters.unwrap_or_default();
        add(out, " -c ");
        number(out, packets, 0);
        add(out, " ");
        number(out, bytes, 0);
    }
}

fn policy(accept: bool) -> &'static str {
    if accept { " ACCEPT" } else { " DROP" }
}

/// A mark, then the protocol.
#[inline(never)]
fn protocol(out: &mut String, spec: &Spec, numeric: bool) {
    let Not { not, value } = spec.protocol.unwrap_or(Not { not: false, value: 0 });
    add(out, if not { "!" } else { " " });
    show::protocol(out, value, numeric);
}

/// A mark, then the network.
#[inline(never)]
fn address(out: &mut String, net: Option<&Not<Net>>, names: Option<&Names>) {
    add(out, if net.is_some_and(|net| net.not) { "!" } else { " " });
    show::net_cell(out, net, names);
}

/// What stands behind the addresses in a listing.
#[inline(never)]
fn details(out: &mut String, spec: &Spec, numeric: bool) {
    if let Target::Goto(_) = spec.target {
        add(out, "[goto] ");
    }
    let style = show::style(spec, true, numeric, IS_V6);
    for ext in &spec.matches {
        show::extension(out, ext, "", style);
    }
    if let Some(comment) = &spec.comment {
        add(out, " /* ");
        word(out, comment);
        add(out, " */");
    }
    if let Target::Ext(ext) = &spec.target {
        show::extension(out, ext, "", style);
    }
}

/// A rule as `-A` commands have it, with the names of its unknown parts in brackets.
#[inline(never)]
fn save_line(out: &mut String, rule: &Rule, counters: bool) {
    let spec = &rule.spec;
    add(out, "-A ");
    word(out, &rule.chain);
    for (option, net) in [(" -s ", &spec.source), (" -d ", &spec.destination)] {
        if let Some(Not { not, value }) = net {
            bang(out, *not, option);
            show::net(out, value, true, None);
        }
    }
    for (option, pattern) in [(" -i ", &spec.input), (" -o ", &spec.output)] {
        if let Some(Not { not, value }) = pattern {
            bang(out, *not, option);
            show::interface(out, value);
        }
    }
    if let Some(Not { not, value }) = spec.protocol {
        bang(out, not, " -p ");
        show::protocol(out, value, false);
    }
    if !rule.unknown.is_empty() {
        add(out, " [");
        add(out, &rule.unknown);
        add(out, "]");
    }
    let style = show::style(spec, false, true, IS_V6);
    for ext in &spec.matches {
        show::extension(out, ext, " -m ", style);
    }
    if let Some(comment) = &spec.comment {
        add(out, " -m comment --comment ");
        show::quoted(out, comment);
    }
    saved_counters(out, rule.counters, counters);
    match &spec.target {
        Target::Ext(ext) => show::extension(out, ext, " -j ", style),
        target => show::target_option(out, target),
    }
    add(out, "\n");
}

#[inline(never)]
fn bang(out: &mut String, not: bool, option: &str) {
    add(out, if not { " !" } else { "" });
    add(out, option);
}

/// The line that `-v` prints for a rule that is added, deleted or checked.
#[inline(never)]
pub fn rule_line(spec: &Spec) -> String {
    let out = &mut String::new();
    show::target_name(out, &spec.target);
    add(out, " ");
    protocol(out, spec, false);
    add(out, " opt -- in ");
    show::interface_cell(out, spec.input.as_ref(), true);
    add(out, " out ");
    show::interface_cell(out, spec.output.as_ref(), true);
    add(out, " ");
    address(out, spec.source.as_ref(), None);
    // The arrow stands between the mark and the second address.
    add(out, if spec.destination.is_some_and(|net| net.not) { " !-> " } else { "  -> " });
    show::net_cell(out, spec.destination.as_ref(), None);
    add(out, "  ");
    details(out, spec, true);
    add(out, "\n");
    std::mem::take(out)
}
