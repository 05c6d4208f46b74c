//! One listing by both tools on the same state. In: words of the command line. Out: the
//! differences that are not iproute2's own from one run to the next, each with its cause.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::json::{self, Json};
use super::text;
use crate::process::{Outcome, output};

/// A difference, ready to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What is wrong, the same for all places where it is.
    pub cause: String,
    /// What iproute2 prints there.
    pub theirs: String,
    /// What we print there.
    pub ours: String,
    /// Words that name what it is about.
    pub about: Vec<String>,
}

/// Most looks at one listing after the first, and how much longer the wait before each is than before the last.
const ROUNDS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// What a tool answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Exit code.
    pub code: Option<i32>,
}

/// Runs a tool.
pub fn run(command: &mut Command) -> Outcome<Answer> {
    let result = output(command.env("LC_ALL", "C").env_remove("NETSTRAP_HINTS"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Answer { out: text(&result.stdout), err: text(&result.stderr), code: result.status.code() })
}

/// Looks with both, again where they differ, for the state may move; also gives iproute2's last answer.
pub fn look(listing: &str, tool: &Path, binary: &Path) -> Outcome<(Vec<Found>, Answer)> {
    let words: Vec<&str> = listing.split(' ').collect();
    let mut last: Option<Vec<Found>> = None;
    let mut round = 0;
    loop {
        // What is learned from packets comes and goes for a moment after the links are up.
        std::thread::sleep(PAUSE * round);
        let before = run(Command::new(tool).args(&words[1..]))?;
        let ours = run(Command::new(binary).args(&words))?;
        if ours == before {
            return Ok((Vec::new(), before));
        }
        let after = run(Command::new(tool).args(&words[1..]))?;
        if ours == after {
            return Ok((Vec::new(), after));
        }
        let mut found = compare(listing, &before, &ours);
        if before != after {
            // What moves from one answer of iproute2 to the next is no difference of ours.
            let moved: Vec<Vec<String>> = compare(listing, &before, &after).into_iter().map(|f| f.about).collect();
            let again: Vec<String> = compare(listing, &after, &ours).into_iter().map(|f| f.cause).collect();
            found.retain(|found| again.contains(&found.cause) && !moved.contains(&found.about));
        }
        // A clock that ticks between two commands does not do so in every round.
        if let Some(last) = &last {
            found.retain(|found| last.iter().any(|one| one.cause == found.cause));
        }
        let settled = before == after && last.as_ref() == Some(&found);
        if settled || round == ROUNDS || (round > 0 && found.is_empty()) {
            return Ok((found, after));
        }
        last = Some(found);
        round += 1;
    }
}

/// All differences of two answers.
pub fn compare(listing: &str, theirs: &Answer, ours: &Answer) -> Vec<Found> {
    let head = head(listing);
    if (theirs.code, &theirs.err) != (ours.code, &ours.err) {
        let first = |answer: &Answer| {
            let code = answer.code.map_or_else(|| "killed".to_string(), |code| code.to_string());
            let words = answer.err.lines().next().unwrap_or_default();
            if words.is_empty() { code } else { format!("{code} \"{words}\"") }
        };
        let cause = format!("{head}: exit {}, not {}", first(theirs), first(ours));
        return vec![Found { cause, theirs: theirs.err.clone(), ours: ours.err.clone(), about: Vec::new() }];
    }
    if listing.contains(" -j") {
        if let (Some(theirs), Some(ours)) = (json::parse(&theirs.out), json::parse(&ours.out)) {
            return json(&head, &theirs, &ours);
        }
        if json::parse(&ours.out).is_none() && json::parse(&theirs.out).is_some() {
            let cause = format!("{head} -j: ours is no JSON");
            return vec![Found { cause, theirs: cut(&theirs.out), ours: cut(&ours.out), about: Vec::new() }];
        }
    }
    texts(listing, &theirs.out, &ours.out)
}

/// Differences of two lists of records, key by key.
fn json(head: &str, theirs: &Json, ours: &Json) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |one: Option<&Json>, difference: json::Difference| {
        let kind = |key: &str| one.and_then(|one| one.at(&["linkinfo", key])).map(|kind| format!(" ({kind})"));
        let of = match difference.path.as_str() {
            path if path.starts_with("linkinfo.info_data") => kind("info_kind"),
            path if path.starts_with("linkinfo.info_slave") => kind("info_slave_kind"),
            _ => None,
        };
        let keys = ["ifname", "dst", "dev", "ifindex", "priority", "id", "mac", "name", "interface"];
        let mut about: Vec<String> = keys.iter().filter_map(|key| Some(one?.at(&[key])?.to_string())).collect();
        about.push(difference.path.clone());
        let cause = format!("{head} -j: {}{} {}", difference.path, of.unwrap_or_default(), difference.how);
        found.push(Found { cause, theirs: cut(&difference.theirs), ours: cut(&difference.ours), about });
    };
    match (theirs, ours) {
        (Json::List(one), Json::List(other)) if one.len() == other.len() => {
            for (theirs, ours) in one.iter().zip(other) {
                json::compare(theirs, ours).into_iter().for_each(|difference| add(Some(theirs), difference));
            }
        }
        _ => json::compare(theirs, ours).into_iter().for_each(|difference| add(None, difference)),
    }
    found
}

/// Differences of two texts, line by line.
fn texts(listing: &str, theirs: &str, ours: &str) -> Vec<Found> {
    let lines: Vec<&str> = theirs.split('\n').collect();
    let found = text::compare(theirs, ours).into_iter().map(|difference| {
        // The line that begins the record names what it is about.
        let upto = &lines[..(difference.line + 1).min(lines.len())];
        let first = upto.iter().rposition(|line| !line.starts_with([' ', '\t'])).unwrap_or(0);
        let record = upto[first..].join(" ");
        let names = record.split([' ', '\t', '@', '\\']).map(|word| word.trim_end_matches(':'));
        let names = names.filter(|word| word.len() > 3 && word.contains(|c: char| c.is_ascii_digit()));
        let mut about: Vec<String> = names.take(6).map(str::to_string).collect();
        about.push(difference.line.to_string());
        let cause = format!("{listing}: {}", difference.cause);
        Found { cause, theirs: cut(&difference.theirs), ours: cut(&difference.ours), about }
    });
    found.collect()
}

/// The tool and the object of a listing, without its options.
pub fn head(listing: &str) -> String {
    let mut words = listing.split(' ');
    let tool = words.next().unwrap_or_default();
    let mut rest: Vec<&str> = words.collect();
    if let Some(at) = rest.iter().position(|word| *word == "-n") {
        rest.drain(at..(at + 2).min(rest.len()));
    }
    let object = rest.iter().position(|word| !word.starts_with('-')).unwrap_or(0);
    let six = if rest.contains(&"-6") { " -6" } else { "" };
    format!("{tool}{six} {}", rest[object..].join(" "))
}

/// A text that is not too long to be told.
fn cut(text: &str) -> String {
    match text.char_indices().nth(600) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(out: &str) -> Answer {
        Answer { out: out.to_string(), err: String::new(), code: Some(0) }
    }

    fn causes(listing: &str, theirs: &str, ours: &str) -> Vec<String> {
        compare(listing, &answer(theirs), &answer(ours)).into_iter().map(|found| found.cause).collect()
    }

    #[test]
    fn a_cause_names_object_key_and_kind() {
        let theirs = "[{\"ifname\":\"v1\",\"linkinfo\":{\"info_kind\":\"vxlan\",\"info_data\":{\"ttl\":1}}}]";
        let ours = "[{\"ifname\":\"v1\",\"linkinfo\":{\"info_kind\":\"vxlan\",\"info_data\":{}}}]";
        assert_eq!(causes("ip -j -d link", theirs, ours), ["ip link -j: linkinfo.info_data.ttl (vxlan) missing"]);
        assert_eq!(causes("ip -j -6 route", "[]", "[1]"), ["ip -6 route -j:  extra entry"]);
        assert_eq!(causes("ip -j link", "[]", "[\n"), ["ip link -j: ours is no JSON"]);
        assert_eq!(causes("ip -o link", "1: a b\n", "1: a c\n"), ["ip -o link: after a: b, not c"]);
        assert_eq!(head("ip -n a -d tuntap"), "ip tuntap");
    }

    #[test]
    fn a_refusal_is_the_only_cause() {
        let ours = Answer { out: String::new(), err: "no\nmore\n".to_string(), code: Some(1) };
        let found = compare("ip maddress", &answer("1: lo\n"), &ours);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].cause, "ip maddress: exit 0, not 1 \"no\"");
    }

    #[test]
    fn a_text_is_about_what_its_record_names() {
        let found = texts("ip -d link", "7: vxla3@if2: <UP>\n    vxlan id 9\n", "7: vxla3@if2: <UP>\n    vxlan id 8\n");
        assert_eq!(found[0].about, ["vxla3", "1"]);
    }
}
