//! What topologies are made of: the text of `xtask/ip-topologies.txt` in (its head tells the
//! syntax), phases of sections with their clauses out, and the listings to look with.

use crate::process::Outcome;

/// The text that is built in.
pub const TEXT: &str = include_str!("../../ip-topologies.txt");

/// The whole table.
#[derive(Debug, Default)]
pub struct Table {
    /// Sections, phase by phase.
    pub phases: Vec<Vec<Section>>,
    /// Command lines that show.
    pub listings: Vec<String>,
    /// Everything that coverage counts: each section, and each way of each clause.
    pub options: Vec<Choice>,
}

/// Something that a topology can use, and that one has to.
#[derive(Debug)]
pub struct Choice {
    /// Section and words.
    pub name: String,
    /// The kind of device that the kernel must have for it.
    pub kind: Option<String>,
    /// The kernels that do not take it, and why: `host`, `uml`, `vm` or `-KIND` (those without the kind), joined by
    /// commas, or `all`.
    pub excuse: Option<(String, String)>,
}

/// How often a section is done in a namespace.
#[derive(Debug, PartialEq, Eq)]
pub enum Times {
    /// So often.
    Range(u64, u64),
    /// For so many of a hundred devices, of these kinds (none: all).
    Each(u64, Vec<String>),
}

/// Lines that belong together.
#[derive(Debug)]
pub struct Section {
    /// The kind of device that it makes.
    pub kind: Option<String>,
    /// How often.
    pub times: Times,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its number among the options.
    pub option: usize,
}

/// A command line with what may follow it.
#[derive(Debug)]
pub struct Line {
    /// Its words, with placeholders.
    pub text: String,
    /// What is added to it.
    pub clauses: Vec<Clause>,
}

/// Words of which one way is added, or none.
#[derive(Debug)]
pub struct Clause {
    /// In so many of a hundred cases.
    pub percent: u64,
    /// The ways, each with its number among the options.
    pub ways: Vec<(String, usize)>,
}

/// Reads a table.
pub fn parse(text: &str) -> Outcome<Table> {
    let mut table = Table::default();
    let mut listing = false;
    let mut name = String::new();
    let mut excuse = "";
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |what: &str| format!("ip-topologies.txt:{number}: {what}");
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("===") {
            table.phases.push(Vec::new());
        } else if line == "[listings]" {
            listing = true;
        } else if listing {
            table.listings.push(line.to_string());
        } else if let Some(head) = line.strip_prefix('[') {
            let (head, why) = head.split_once(" ## ").unwrap_or((head, ""));
            let (own, times) = head.split_once(']').ok_or_else(|| wrong("no ]"))?;
            (name, excuse) = (own.to_string(), why);
            let times = self::times(times.trim()).ok_or_else(|| wrong("no times"))?;
            let kind = name.strip_prefix("kind ").and_then(|rest| rest.split([' ', ':']).next()).map(str::to_string);
            let option = table.option(name.clone(), kind.clone(), why);
            let section = Section { kind, times, lines: Vec::new(), option };
            table.phases.last_mut().ok_or_else(|| wrong("no phase"))?.push(section);
        } else {
            let (body, why) = line.split_once(" ## ").unwrap_or((line, excuse));
            let clause = body.strip_prefix(['!', '?']).map(|rest| rest.split_once(' ').unwrap_or((rest, "")));
            let kind = table.phases.last().and_then(|phase| phase.last()).and_then(|section| section.kind.clone());
            let mut ways = Vec::new();
            for way in clause.iter().flat_map(|(_, ways)| ways.split(" | ")) {
                let option = table.option(format!("{name}: {}", words(way)), kind.clone(), why);
                ways.push((way.trim().to_string(), option));
            }
            let section =
                table.phases.last_mut().and_then(|phase| phase.last_mut()).ok_or_else(|| wrong("no section"))?;
            match clause {
                None => section.lines.push(Line { text: body.to_string(), clauses: Vec::new() }),
                Some((percent, _)) => {
                    let percent = match (body.starts_with('!'), percent) {
                        (true, _) => 100,
                        (false, "") => 30,
                        (false, number) => number.parse().map_err(|_| wrong("no percentage"))?,
                    };
                    let line = section.lines.last_mut().ok_or_else(|| wrong("no line"))?;
                    line.clauses.push(Clause { percent, ways });
                }
            }
        }
    }
    Ok(table)
}

impl Choice {
    /// Why a kernel, which knows some kinds, does not take it.
    pub fn excused(&self, kernel: &str, known: &[String]) -> Option<&str> {
        let (kernels, why) = self.excuse.as_ref()?;
        let lacks = |of: &str| of.strip_prefix('-').is_some_and(|kind| !known.iter().any(|known| known == kind));
        kernels.split(',').any(|of| of == kernel || of == "all" || lacks(of)).then_some(why)
    }
}

impl Table {
    /// The number of an option, a new one unless it has the name of another.
    fn option(&mut self, name: String, kind: Option<String>, why: &str) -> usize {
        if let Some(known) = self.options.iter().position(|option| option.name == name) {
            return known;
        }
        let excuse = why.split_once(": ").map(|(kernels, why)| (kernels.to_string(), why.to_string()));
        self.options.push(Choice { name, kind, excuse });
        self.options.len() - 1
    }

    /// All kinds of device that some section makes.
    pub fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = self.options.iter().filter_map(|option| option.kind.as_deref()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// `A..B`, or `each P% [KIND,...]`.
fn times(text: &str) -> Option<Times> {
    match text.strip_prefix("each ") {
        None => {
            let (low, high) = text.split_once("..")?;
            Some(Times::Range(low.parse().ok()?, high.parse().ok()?))
        }
        Some(rest) => {
            let (percent, kinds) = rest.split_once('%')?;
            let kinds = kinds.trim().split(',').filter(|kind| !kind.is_empty()).map(str::to_string);
            Some(Times::Each(percent.parse().ok()?, kinds.collect()))
        }
    }
}

/// A way as coverage names it: with short names in place of numbers.
fn words(way: &str) -> String {
    let mut out = String::new();
    let mut rest = way.trim();
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').unwrap_or((after, ""));
        out += before;
        out += if inside.contains("..") { "N" } else { inside };
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_table() {
        let table =
            parse("=== a\n[kind dummy: up] 0..2 ## -a: b\nip link add {new}\n! up | mtu {1..9}\n?5 x ## vm: no\n")
                .unwrap();
        let section = &table.phases[0][0];
        assert_eq!((section.kind.as_deref(), &section.times), (Some("dummy"), &Times::Range(0, 2)));
        assert_eq!(section.lines[0].clauses.iter().map(|c| c.percent).collect::<Vec<_>>(), [100, 5]);
        let names: Vec<&str> = table.options.iter().map(|option| option.name.as_str()).collect();
        assert_eq!(names, ["kind dummy: up", "kind dummy: up: up", "kind dummy: up: mtu N", "kind dummy: up: x"]);
        assert_eq!(table.options[3].excused("vm", &[]), Some("no"));
        assert_eq!(table.options[3].excused("host", &[]), None);
        // That of a section is that of its clauses.
        assert_eq!(table.options[2].excused("host", &[]), Some("b"));
        assert_eq!(table.options[2].excused("host", &["a".to_string()]), None);
        assert_eq!(times("each 90% a,b"), Some(Times::Each(90, vec!["a".into(), "b".into()])));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for text in
            ["[x] 1..2\n", "=== a\n[x 1..2\n", "=== a\n[x] some\n", "=== a\n[x] 1..1\n! a\n", "=== a\nip link\n"]
        {
            let text = parse(text).unwrap_err().text;
            assert!(text.starts_with("ip-topologies.txt:"), "{text}");
        }
    }

    #[test]
    fn the_table_in_use_is_sound() {
        let table = parse(TEXT).unwrap();
        assert!(table.options.len() > 400 && table.listings.len() > 50);
        for kind in ["veth", "bridge", "vlan", "vxlan", "bond", "wireguard", "ip6tnl"] {
            assert!(table.kinds().contains(&kind), "{kind}");
        }
    }
}
