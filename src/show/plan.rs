//! A plan as lines for people, as JSON, and as the commands of other tools that do the same.

mod commands;
mod kind;
mod names;
pub mod nft;
mod shell;
mod thing;

pub use commands::commands;

use super::out::{Format, Out};
use crate::file::Sources;
use crate::model::name::printable;
use crate::model::plan::{Act, Difference, Plan, Sign, Step};
use crate::model::world::World;
use names::Names;
use thing::Thing;

/// A plan with what its numbers stand for.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What it was made for.
    pub world: &'a World,
    /// The files that it was made from, if they are there.
    pub sources: Option<&'a Sources>,
}

/// How many objects are made, changed, made anew, taken away.
pub fn tally(plan: &Plan) -> [usize; 4] {
    let mut counts = [0; 4];
    for step in &plan.steps {
        if let Some(count) = counts.get_mut(step.sign as usize) {
            *count += 1;
        }
    }
    counts
}

/// The mark in front of a line.
fn mark(sign: Sign) -> &'static str {
    match sign {
        Sign::Create => "+",
        Sign::Change => "~",
        Sign::Replace => "-/+",
        Sign::Remove => "-",
        Sign::Part => "",
    }
}

/// What a step is about, in a few words, while it is done.
pub fn brief(step: &Step, plan: &Plan, world: &World) -> Vec<u8> {
    let mut out = Out::alone(Format::Text, false);
    object(&mut out, &Thing::of(step, &Names::planned(plan, world)));
    out.finish()
}

/// What a step does, to what and where.
pub fn act(plan: &Plan, world: &World, step: &Step) -> String {
    let mut thing = Thing::of(step, &Names::planned(plan, world));
    if let Act::Translations(_) = step.act {
        // There may be thousands.
        thing.words = ["of lab ", plan.lab.name(), " (table netstrap-", plan.lab.name(), ")"].concat();
    }
    let verb = match step.sign {
        Sign::Create if matches!(step.act, Act::Sysctl { .. }) => "set ",
        Sign::Create => "make ",
        Sign::Change => "change ",
        Sign::Replace => "make anew ",
        Sign::Remove => "take away ",
        Sign::Part => "set ",
    };
    let mut out = Out::alone(Format::Text, false);
    out.text(verb);
    object(&mut out, &thing);
    String::from_utf8_lossy(&out.finish()).into_owned()
}

/// Adds a thing and where it is.
fn object(out: &mut Out, thing: &Thing<'_>) {
    out.str("kind", "", thing.kind, " ");
    out.str("object", "", &thing.words, "");
    if let Some(name) = thing.netns {
        out.name("netns", " in ", name, "");
    }
    if let Some((peer, netns)) = &thing.peer {
        out.str("peer", ", peer ", peer, "");
        match netns {
            Some(name) => out.name("peer_netns", " in ", name, ""),
            // Where there is no word for a place, it is that of the thing.
            None => out.text(if thing.netns.is_some() { " on the host" } else { "" }),
        }
    }
}

/// A plan as a listing, a line or record for each object, in the order in which they are done: sign, kind, object,
/// netns, peer and peer_netns of a pair, at (file, line, column), differences (what, from, to). `docs/file.md` tells
/// of the JSON.
pub fn list(view: &View<'_>, format: Format) -> Vec<u8> {
    let names = Names::planned(view.plan, view.world);
    let mut out = Out::new(format, false);
    let lines = view.sources.filter(|_| out.is_json()).map(Lines::new);
    for step in view.plan.steps.iter().filter(|step| step.sign != Sign::Part) {
        out.record(|out| {
            out.str("sign", "", mark(step.sign), " ");
            object(out, &Thing::of(step, &names));
            if let Some((lines, at)) = lines.as_ref().zip(step.at) {
                let (file, line, column) = lines.place(at);
                out.object("at", |out| {
                    out.str("file", "", file, "");
                    out.digits("line", "", &line.to_string(), "");
                    out.digits("column", "", &column.to_string(), "");
                });
            }
            out.list("differences", |out| {
                let mut separator = ": ";
                for one in &differences(step) {
                    out.record(|out| difference(out, separator, one));
                    separator = ", ";
                }
            });
            out.text("\n");
        });
    }
    out.finish()
}

fn difference(out: &mut Out, separator: &str, one: &Difference) {
    let values = [("what", one.what), ("from", one.from.as_str()), ("to", one.to.as_str())];
    if out.is_json() {
        return values.into_iter().for_each(|(key, value)| out.str(key, "", value, ""));
    }
    let [what, from, to] = values.map(|value| printable(value.1.as_bytes()));
    out.text(if what.is_empty() && from.is_empty() { " = " } else { separator });
    for (value, behind) in [(what, " "), (from, " -> ")] {
        if !value.is_empty() {
            out.pieces(&[&value, behind]);
        }
    }
    out.text(if to.is_empty() { "none" } else { &to });
}

/// What differs; of a parameter the step itself says it.
fn differences(step: &Step) -> Vec<Difference> {
    match &step.act {
        Act::Sysctl { from, to, .. } if !thing::is_mode(step) => {
            vec![Difference { what: "", from: from.clone().unwrap_or_default(), to: to.clone() }]
        }
        _ => step.why.clone(),
    }
}

/// Where the lines of files begin: places are looked up very often.
struct Lines<'a> {
    files: Vec<(&'a str, &'a str, Vec<usize>)>,
}

impl<'a> Lines<'a> {
    fn new(sources: &'a Sources) -> Self {
        let mut files = Vec::new();
        for file in &sources.files {
            let mut starts = vec![0];
            starts.extend(file.text.match_indices('\n').map(|at| at.0 + 1));
            files.push((file.name.as_str(), file.text.as_str(), starts));
        }
        Lines { files }
    }

    /// File, line and column, the latter two from 1; columns count characters.
    fn place(&self, at: crate::model::topology::Origin) -> (&'a str, usize, usize) {
        let Some((name, text, starts)) = self.files.get(usize::from(at.file)) else { return ("", 0, 0) };
        let offset = at.at as usize;
        let line = starts.partition_point(|start| *start <= offset);
        let start = starts.get(line - 1).copied().unwrap_or_default();
        let column = text.get(start..offset).map_or(0, |before| before.chars().count());
        (name, line, column + 1)
    }
}

#[cfg(test)]
mod tests;
