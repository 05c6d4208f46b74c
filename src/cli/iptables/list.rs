//! `-L`, `-S` and iptables-save: a table as iptables prints it. A rule with parts that cannot
//! be worded becomes a comment line that shows the rest, so it can still be found and
//! deleted by its number.

use super::ext::names;
use super::fail::Fail;
use super::job::{Command, Job};
use super::kernel;
use super::show::{self, Names, add, number, pad, word};
use super::tables::Table;
use crate::cli::io::Io;
use crate::model::ip::Family;
use crate::model::nat::{Chain, Counters, Net, Not, Rule, Spec, Target};
use crate::model::template::filled;
use crate::ruleset::{self, Need, Ruleset};
use crate::sys::nl::Transport;

/// How addresses and numbers are shown.
pub struct Look {
    /// Family of the table.
    pub family: Family,
    /// Names to show instead of addresses.
    pub names: Option<Names>,
    /// Whether protocols are numbers, and an interface that does not matter is `*`.
    pub numeric: bool,
}

/// Carries out `-L` or `-S`.
pub fn run<T: Transport>(job: &Job<'_>, kernel: &mut Ruleset<T>, io: &mut Io) -> Result<(), Fail> {
    let need = job.chain.map_or(Need::All, Need::Rules);
    let mut seen = kernel::read(kernel, job.table, job.family, need)?;
    legacy_warning(job.family, io);
    let table = job.table;
    match job.chain {
        None => {
            let mut warning = String::new();
            warn_of_others(table, &seen, &mut warning);
            io.print(&warning);
            seen.chains = arrange(table, &seen.chains, true);
        }
        Some(name) => {
            // Of other tools' base chains, iptables meets only those of its own names here.
            let other = |chain: &Chain| table.builtin(&chain.name).is_some() && is_other(table, chain);
            let others = seen.chains.iter().any(other);
            seen.chains.retain(|chain| chain.name == name && table.compatible(chain));
            if seen.chains.is_empty() {
                seen.chains.push(absent(table, name));
                // A chain that is not there has neither hook nor rules; iptables words it so too.
                if table.builtin(name).is_none() {
                    return Err(Fail::incompatible(name, table.name));
                }
            }
            if others {
                io.print(warning(table));
            }
        }
    }
    let is_table = job.command == Command::List;
    let names = if !is_table || job.has(b'n') { None } else { Some(Names::read()) };
    let look = Look { family: job.family, names, numeric: job.has(b'n') };
    let runs = Runs::new(&seen.rules);
    let mut listing = Listing { job, look, chains: &seen.chains, runs, out: String::new() };
    if is_table {
        listing.table();
    } else {
        listing.save();
    }
    io.print(&listing.out);
    Ok(())
}

/// Whether a base chain is one that iptables does not work with.
fn is_other(table: &Table, chain: &Chain) -> bool {
    chain.base.is_some() && !table.compatible(chain)
}

fn warning(table: &Table) -> String {
    filled("# Table `%' contains incompatible base-chains, use 'nft' tool to list them.\n", &[table.name])
}

/// Says that there are chains that iptables does not work with.
#[inline(never)]
pub fn warn_of_others(table: &Table, seen: &ruleset::Table, out: &mut String) {
    if seen.chains.iter().any(|chain| is_other(table, chain)) {
        add(out, &warning(table));
    }
}

/// Rules of the old ip_tables are not seen here.
pub fn legacy_warning(family: Family, io: &mut Io) {
    let tool = if family == Family::V6 { "ip6" } else { "ip" };
    let path = filled("/proc/net/%_tables_names", &[tool]);
    if std::fs::read(path).is_ok_and(|names| !names.is_empty()) {
        io.error_of(&["# Warning: ", tool, "tables-legacy tables present, use ", tool, "tables-legacy to see them"]);
    }
}

/// A built-in chain that is not there yet.
fn absent(table: &Table, name: &[u8]) -> Chain {
    Chain { name: name.to_vec(), handle: 0, base: table.builtin(name), uses: 0, counters: None }
}

/// The chains in the order of a listing: the built-in ones, then users' by name, which can have a built-in one's
/// name. Base chains of other tools are left out; built-in ones that are not there are put in if `absent_too`.
#[inline(never)]
pub fn arrange(table: &Table, all: &[Chain], absent_too: bool) -> Vec<Chain> {
    let mut chains = Vec::new();
    for name in table.chains() {
        match all.iter().find(|chain| chain.name == name && table.compatible(chain)) {
            Some(chain) => chains.push(chain.clone()),
            None if absent_too => chains.push(absent(table, name)),
            None => {}
        }
    }
    let first = chains.len();
    for chain in all.iter().filter(|chain| chain.base.is_none()) {
        // A place in order, instead of a sort, whose code is large.
        let Err(at) = chains[first..].binary_search_by(|other| other.name.cmp(&chain.name)) else { continue };
        chains.insert(first + at, chain.clone());
    }
    chains
}

/// Rules by their chain: the kernel lists those of a chain in one piece.
pub struct Runs<'a> {
    rules: &'a [Rule],
    /// First and last of each piece, sorted by the chain's name.
    pieces: Vec<(usize, usize)>,
}

impl<'a> Runs<'a> {
    /// Sorts the pieces.
    pub fn new(rules: &'a [Rule]) -> Self {
        let mut runs = Runs { rules, pieces: Vec::new() };
        let mut from = 0;
        for to in 1..=rules.len() {
            if rules.get(to).is_none_or(|rule| rule.chain != rules[from].chain) {
                let at = runs.place(&rules[from].chain).unwrap_or_else(|at| at);
                runs.pieces.insert(at, (from, to));
                from = to;
            }
        }
        runs
    }

    fn place(&self, chain: &[u8]) -> Result<usize, usize> {
        self.pieces.binary_search_by(|piece| self.rules[piece.0].chain.as_slice().cmp(chain))
    }

    /// The rules of a chain, in order; none of one that is not there, whose name another one may have.
    pub fn of(&self, chain: &Chain) -> &'a [Rule] {
        match self.place(&chain.name) {
            Ok(at) if chain.handle != 0 => &self.rules[self.pieces[at].0..self.pieces[at].1],
            _ => &[],
        }
    }
}

struct Listing<'a> {
    job: &'a Job<'a>,
    look: Look,
    chains: &'a [Chain],
    runs: Runs<'a>,
    out: String,
}

impl Listing<'_> {
    /// `-S`.
    #[inline(never)]
    fn save(&mut self) {
        let out = &mut self.out;
        let verbose = self.job.has(b'v');
        for chain in self.chains.iter().filter(|_| self.job.number.is_none()) {
            add(out, if chain.base.is_some() { "-P " } else { "-N " });
            word(out, &chain.name);
            if let Some(base) = &chain.base {
                add(out, policy(base.accept));
                saved_counters(out, chain.counters, verbose);
            }
            add(out, "\n");
        }
        for chain in self.chains {
            self.rules(chain, &mut |listing, line, rule| {
                if !rule.unknown.is_empty() {
                    unknown(&mut listing.out, line);
                }
                save_line(&mut listing.out, rule, listing.look.family, verbose);
            });
        }
    }

    /// Shows the rules of a chain that are wanted, with their numbers.
    #[inline(never)]
    fn rules(&mut self, chain: &Chain, show: &mut dyn FnMut(&mut Self, u32, &Rule)) {
        let mut number = 0;
        for rule in self.runs.of(chain) {
            number += 1;
            if self.job.number.is_none_or(|n| n == number) {
                show(self, number, rule);
            }
        }
    }

    /// `-L`.
    fn table(&mut self) {
        let mut between = "";
        for chain in self.chains {
            if self.job.number.is_none() {
                add(&mut self.out, between);
                self.head(chain, self.runs.of(chain).len());
                between = "\n";
            }
            self.rules(chain, &mut |listing, line, rule| listing.row(line, rule));
        }
    }

    #[inline(never)]
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

    #[inline(never)]
    fn row(&mut self, line: u32, rule: &Rule) {
        let verbose = self.job.has(b'v');
        let out = &mut self.out;
        if self.job.has(b'0') {
            let from = out.len();
            number(out, line.into(), 0);
            pad(out, from, 4);
            add(out, " ");
        }
        if !rule.unknown.is_empty() {
            unknown(out, line);
            return save_line(out, rule, self.look.family, false);
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
        show_protocol(out, spec, self.look.numeric);
        pad(out, from, 4);
        add(out, " ");
        add(out, fragment(spec));
        add(out, " ");
        if verbose {
            for pattern in [&spec.input, &spec.output] {
                add(out, " ");
                let from = out.len();
                show::interface_cell(out, pattern.as_ref(), self.look.numeric);
                pad(out, from, 6);
            }
            add(out, " ");
        }
        for net in [&spec.source, &spec.destination] {
            let from = out.len();
            address(out, net.as_ref(), &self.look);
            pad(out, from, 20);
            add(out, " ");
        }
        details(out, spec, self.look.family, self.look.numeric);
        add(out, "\n");
    }
}

/// Begins the line of a rule that cannot be worded.
#[inline(never)]
pub fn unknown(out: &mut String, line: u32) {
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

/// A policy behind a chain's name.
pub fn policy(accept: bool) -> &'static str {
    if accept { " ACCEPT" } else { " DROP" }
}

/// A mark, then the protocol.
#[inline(never)]
fn show_protocol(out: &mut String, spec: &Spec, numeric: bool) {
    let Not { not, value } = spec.protocol.unwrap_or(Not { not: false, value: 0 });
    add(out, if not { "!" } else { " " });
    protocol(out, value, numeric);
}

/// Adds a protocol, by name unless `numeric`.
#[inline(never)]
fn protocol(out: &mut String, protocol: u8, numeric: bool) {
    match names::protocol_name(protocol).filter(|_| !numeric) {
        Some(name) => add(out, name),
        None => number(out, protocol.into(), 0),
    }
}

/// The column that only fragments fill.
fn fragment(spec: &Spec) -> &'static str {
    match spec.fragment {
        None => "--",
        Some(true) => "-f",
        Some(false) => "!f",
    }
}

/// A mark, then the network.
#[inline(never)]
fn address(out: &mut String, net: Option<&Not<Net>>, look: &Look) {
    add(out, if net.is_some_and(|net| net.not) { "!" } else { " " });
    show::net_cell(out, net, look);
}

/// What stands behind the addresses in a listing.
#[inline(never)]
fn details(out: &mut String, spec: &Spec, family: Family, numeric: bool) {
    if let Target::Goto(_) = spec.target {
        add(out, "[goto] ");
    }
    let style = show::style(spec, true, numeric, family == Family::V6);
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
pub fn save_line(out: &mut String, rule: &Rule, family: Family, counters: bool) {
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
        protocol(out, value, false);
    }
    if let Some(wanted) = spec.fragment {
        bang(out, !wanted, " -f");
    }
    if !rule.unknown.is_empty() {
        add(out, " [");
        add(out, &rule.unknown);
        add(out, "]");
    }
    let style = show::style(spec, false, true, family == Family::V6);
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
pub fn rule_line(look: &Look, spec: &Spec) -> String {
    let out = &mut String::new();
    show::target_name(out, &spec.target);
    add(out, " ");
    show_protocol(out, spec, false);
    add(out, " opt ");
    add(out, fragment(spec));
    add(out, " in ");
    show::interface_cell(out, spec.input.as_ref(), true);
    add(out, " out ");
    show::interface_cell(out, spec.output.as_ref(), true);
    add(out, " ");
    address(out, spec.source.as_ref(), look);
    // The arrow stands between the mark and the second address.
    add(out, if spec.destination.is_some_and(|net| net.not) { " !-> " } else { "  -> " });
    show::net_cell(out, spec.destination.as_ref(), look);
    add(out, "  ");
    details(out, spec, look.family, true);
    add(out, "\n");
    std::mem::take(out)
}
