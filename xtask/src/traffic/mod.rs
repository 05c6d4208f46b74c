//! Cases of address translation, done: each makes its rules by commands and is judged by
//! connections through them. In: cases and hands that do commands. Out: a line for each
//! check, and a count.

pub mod case;
pub mod peer;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use crate::process::{About, Outcome, line, output};
use case::{Ask, Case, Family, PLACES, PORT, Run, Seen, Step, Tool};
use peer::Enter;

/// The cases.
pub const TEXT: &str = include_str!("../../../tests/data/nat-traffic.txt");
/// Of each family of addresses, whether what passes a bridge goes through the rules; of this network namespace.
const BRIDGED: [&str; 2] =
    ["/proc/sys/net/bridge/bridge-nf-call-iptables", "/proc/sys/net/bridge/bridge-nf-call-ip6tables"];

/// Who does it, and where.
pub struct Hands {
    /// A command by its words; the first one names a tool.
    pub command: fn(&[String]) -> Command,
    /// Moves the calling thread into a named network namespace.
    pub enter: Enter,
    /// Modules that the kernel lacks.
    pub without: Vec<String>,
}

/// The steps that were done, and what failed of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks done: commands and connections.
    pub done: usize,
    /// What did not hold.
    pub failed: Vec<String>,
}

impl Tally {
    /// The count as a line.
    pub fn line(&self) -> String {
        let (done, failed) = (self.done, self.failed.len());
        format!("traffic: {done} checks, {} ok, {failed} FAILED", done - failed)
    }

    fn add(&mut self, place: &str, what: &str, verdict: Result<(), String>) {
        self.done += 1;
        match verdict {
            Ok(()) => println!("  ok {what}"),
            Err(why) => {
                println!("  FAILED {what}: {why}");
                self.failed.push(format!("{place}: {what}: {why}"));
            }
        }
    }
}

/// How many checks there are: what [`run`] counts when all is done.
pub fn checks(runs: &[(Tool, Family)]) -> Outcome<usize> {
    let Some((_, family)) = runs.first() else { return Ok(0) };
    let mut count = named(&case::parse(TEXT, *family)?, "world")?.steps.len();
    for (tool, family) in runs {
        let cases = case::parse(TEXT, *family)?;
        let reset = named(&cases, "reset")?;
        for case in cases.iter().filter(|case| is_for(case, *tool)) {
            count += case.steps.iter().chain(&reset.steps).filter(|step| is_done(step, *tool)).count();
        }
    }
    Ok(count)
}

/// Makes the world in the network namespace at hand, and does every case that these tools and families have.
pub fn run(hands: &Hands, runs: &[(Tool, Family)]) -> Outcome<Tally> {
    let mut tally = Tally::default();
    let Some((tool, family)) = runs.first() else { return Ok(tally) };
    let world = case::parse(TEXT, *family)?;
    steps(hands, named(&world, "world")?, *tool, &mut tally);
    for (place, names) in PLACES {
        for name in names.iter() {
            for family in [Family::V4, Family::V6] {
                let address = case::value(name, family).and_then(|text| text.parse().ok());
                let address = address.ok_or_else(|| format!("{name}: no address"))?;
                peer::answer(hands.enter, place, SocketAddr::new(address, PORT)).about(place)?;
            }
        }
    }
    for (tool, family) in runs {
        let cases = case::parse(TEXT, *family)?;
        for case in cases.iter().filter(|case| is_for(case, *tool)) {
            println!("= {} ({tool:?}, {family:?})", case.name);
            steps(hands, case, *tool, &mut tally);
            steps(hands, named(&cases, "reset")?, *tool, &mut tally);
        }
    }
    println!("{}", tally.line());
    Ok(tally)
}

fn named<'a>(cases: &'a [Case], name: &str) -> Outcome<&'a Case> {
    cases.iter().find(|case| case.name == name).ok_or_else(|| format!("there is no \"= {name}\"").into())
}

/// Whether a case has a command of a tool.
fn is_for(case: &Case, tool: Tool) -> bool {
    let of_tool = |step: &Step| matches!(step, Step::Run(run) if run.tool == Some(tool));
    !matches!(case.name.as_str(), "world" | "reset") && case.steps.iter().any(of_tool)
}

fn is_done(step: &Step, tool: Tool) -> bool {
    !matches!(step, Step::Run(run) if run.tool.is_some_and(|only| only != tool))
}

fn steps(hands: &Hands, case: &Case, tool: Tool, tally: &mut Tally) {
    for step in case.steps.iter().filter(|step| is_done(step, tool)) {
        let (what, verdict) = match step {
            Step::Run(run) => command(hands, run),
            Step::Bridged(on) => (format!("bridged: {on}"), bridged(*on)),
            Step::Ask(ask) => connection(hands, ask),
        };
        tally.add(&format!("{} ({tool:?})", case.name), &what, verdict);
    }
}

/// Runs a command: it must succeed, and complain in one line exactly where it must.
fn command(hands: &Hands, run: &Run) -> (String, Result<(), String>) {
    let what = run.words.join(" ");
    let mut command = (hands.command)(&run.words);
    let output = match output(&mut command) {
        Ok(output) => output,
        Err(failure) => return (what, Err(failure.text)),
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let complains = usize::from(run.modules.iter().any(|module| hands.without.contains(module)));
    let verdict = if !output.status.success() {
        Err(format!("{}: {said}", output.status))
    } else if said.lines().count() != complains {
        Err(format!("{} says \"{said}\"; wanted are {complains} lines", line(&command)))
    } else {
        Ok(())
    };
    (if said.is_empty() { what } else { format!("{what} ({})", said.trim()) }, verdict)
}

/// Makes rules see what passes a bridge, or not.
fn bridged(on: bool) -> Result<(), String> {
    for file in BRIDGED.iter().filter(|file| Path::new(file).exists()) {
        std::fs::write(file, if on { "1" } else { "0" }).map_err(|err| format!("{file}: {err}"))?;
    }
    Ok(())
}

/// Makes a connection, and judges who answered.
fn connection(hands: &Hands, ask: &Ask) -> (String, Result<(), String>) {
    let told = peer::ask(hands.enter, ask);
    let proto = if ask.is_tcp { "tcp" } else { "udp" };
    let answer = told.as_ref().map_or_else(|err| format!("nothing ({err})"), Clone::clone);
    (format!("{} asks {} by {proto}: {answer}", ask.from, ask.to), judge(ask.seen.as_ref(), told.ok().as_deref()))
}

/// Holds an answer ("who address port") against what it must be.
fn judge(wanted: Option<&Seen>, told: Option<&str>) -> Result<(), String> {
    let (wanted, told) = match (wanted, told) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err("nobody should answer".to_string()),
        (Some(wanted), None) => return Err(format!("no answer from {}", wanted.who)),
        (Some(wanted), Some(told)) => (wanted, told),
    };
    let holds = match told.split(' ').collect::<Vec<_>>()[..] {
        [who, address, port] => {
            who == wanted.who
                && address.parse().is_ok_and(|address: IpAddr| wanted.source.contains(&address))
                && port.parse().is_ok_and(|port| wanted.ports.contains(&port))
        }
        _ => false,
    };
    if holds { Ok(()) } else { Err(format!("wanted is {wanted:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_understood_and_has_its_cases_for_both_tools_and_families() {
        for family in [Family::V4, Family::V6] {
            let cases = case::parse(TEXT, family).unwrap();
            for tool in [Tool::Iptables, Tool::Nat] {
                let names: Vec<&str> =
                    cases.iter().filter(|case| is_for(case, tool)).map(|case| case.name.as_str()).collect();
                for wanted in ["masquerade", "SNAT to a range", "SNAT to ports", "DNAT of a tcp", "DNAT of a udp"]
                    .iter()
                    .chain(&["redirect", "hairpin", "a policy that drops", "the router's own"])
                {
                    assert!(names.iter().any(|name| name.starts_with(wanted)), "{wanted}, {tool:?}, {family:?}");
                }
            }
        }
    }

    #[test]
    fn an_answer_is_judged_by_who_address_and_port() {
        let case = case::parse("= a\n> red tcp {far} outside {pool}-{last} 10-20\n", Family::V4).unwrap();
        let Step::Ask(ask) = &case[0].steps[0] else { panic!() };
        let judged = |told| judge(ask.seen.as_ref(), told).is_ok();
        assert!(judged(Some("outside 192.168.1.21 20")));
        for wrong in ["blue 192.168.1.21 20", "outside 192.168.1.22 20", "outside 192.168.1.21 21", "outside", ""] {
            assert!(!judged(Some(wrong)), "{wrong}");
        }
        assert!(!judged(None));
        assert!(judge(None, None).is_ok() && judge(None, Some("outside 8.8.8.8 1")).is_err());
    }
}
