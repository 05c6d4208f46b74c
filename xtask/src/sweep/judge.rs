//! What a trial came to. In: how the program ended, and the state before, after, and as it should become.
//! Out: a verdict. The contract: exit 0 is all of it; 1 and 3 are nothing of it; 4 is a list of what is left.

use std::collections::BTreeMap;

use super::place::{End, Ran};
use super::state::State;

/// What a trial came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It said so, and everything is as asked.
    Done,
    /// It said no, and everything is as it was.
    Clean,
    /// It could not say that everything is as asked.
    Unsaid,
    /// It failed, and told everything that it left.
    Told,
    /// It failed, and something is left or gone.
    Residue,
    /// It failed, and left something that it did not tell.
    Untold,
    /// It said that all is well, and it is not.
    Silent,
    /// It said that it failed, and everything is as asked.
    Wrong,
    /// It ended by a signal of its own, or as a panic does.
    Crash,
    /// It did not end.
    Hang,
    /// The same command, once more and without a fault, did not do it.
    Stuck,
}

impl Verdict {
    /// Whether it keeps the promise.
    pub fn is_good(self) -> bool {
        matches!(self, Verdict::Done | Verdict::Clean | Verdict::Unsaid | Verdict::Told)
    }

    /// Its word in the last line.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Done => "done",
            Verdict::Clean => "clean",
            Verdict::Unsaid => "unsaid",
            Verdict::Told => "told",
            Verdict::Residue => "residue",
            Verdict::Untold => "untold",
            Verdict::Silent => "silent",
            Verdict::Wrong => "wrong-exit",
            Verdict::Crash => "crash",
            Verdict::Hang => "hang",
            Verdict::Stuck => "stuck",
        }
    }

    /// The verdict of a word.
    pub fn of(word: &str) -> Option<Verdict> {
        ALL.iter().copied().find(|verdict| verdict.word() == word)
    }
}

/// Every verdict.
pub const ALL: [Verdict; 11] = [
    Verdict::Done,
    Verdict::Clean,
    Verdict::Unsaid,
    Verdict::Told,
    Verdict::Residue,
    Verdict::Untold,
    Verdict::Silent,
    Verdict::Wrong,
    Verdict::Crash,
    Verdict::Hang,
    Verdict::Stuck,
];

/// What a trial is judged by.
#[derive(Debug)]
pub struct Trial<'a> {
    /// How the program ended.
    pub ran: &'a Ran,
    /// The state before it.
    pub before: &'a State,
    /// The state after it.
    pub after: &'a State,
    /// The state that was asked for.
    pub goal: &'a State,
    /// Whether what failed was its output.
    pub mute: bool,
    /// Whether the fault stayed, so that the way back may fail too.
    pub lasting: bool,
}

/// Judges a trial.
pub fn judge(trial: &Trial) -> Verdict {
    let Trial { ran, before, after, goal, mute, lasting } = trial;
    let (is_before, is_goal) = (after.lines == before.lines, after.lines == goal.lines);
    let code = match ran.end {
        End::Hang => return Verdict::Hang,
        // As strace tells of a signal, and as Rust tells of a panic.
        End::Signal(_) | End::Code(101 | 128..) => return Verdict::Crash,
        End::Code(code) => code,
    };
    match code {
        0 if is_goal => Verdict::Done,
        0 => Verdict::Silent,
        4 if *lasting && is_before => Verdict::Told,
        4 if *lasting && *mute => Verdict::Told,
        4 if *lasting && untold(&after.against(before), &ran.err).is_empty() => Verdict::Told,
        4 if *lasting => Verdict::Untold,
        4 => Verdict::Residue,
        _ if is_before => Verdict::Clean,
        _ if is_goal && *mute => Verdict::Unsaid,
        _ if is_goal => Verdict::Wrong,
        _ if *lasting => Verdict::Untold,
        _ => Verdict::Residue,
    }
}

/// The leftovers that a text does not name. What follows from another leftover that it does name (the
/// addresses and routes of a link, all in a namespace, a namespace's mount) need not be named for itself.
pub fn untold<'a>(left: &'a [String], text: &str) -> Vec<&'a str> {
    let named = |name: &str| text.contains(name);
    left.iter().map(String::as_str).filter(|line| !names(line).iter().any(|name| named(name))).collect()
}

/// What a leftover may be called by: its own name, or that of what it follows from.
fn names(line: &str) -> Vec<String> {
    let line = line.trim_start_matches(['+', '-', ' ']);
    let words: Vec<&str> = line.split(' ').collect();
    let mut names = Vec::new();
    let quoted = |key: &str| {
        let start = format!("{key}=\"");
        words.iter().find_map(|word| word.strip_prefix(&start)).map(|word| word.trim_end_matches('"').to_string())
    };
    match words.as_slice() {
        ["namespace" | "file" | "folder" | "symlink" | "mount", path, ..] => {
            names.extend(path.rsplit('/').next().map(str::to_string));
            names.push(path.to_string());
        }
        [place, rest @ ..] if place.ends_with(':') => {
            let place = place.trim_end_matches(':');
            // In a namespace that is named itself nothing more need be.
            if place != "host" {
                names.push(place.to_string());
            }
            match rest {
                ["link" | "address", name, ..] => names.push(name.to_string()),
                ["nft", _, table, ..] if *table != "ip" && *table != "ip6" => names.push(table.to_string()),
                ["nft", _, _, table, ..] => names.push(table.to_string()),
                ["sysctl", set, ..] => {
                    let path = set.split('=').next().unwrap_or_default();
                    names.push(path.replace('/', "."));
                    // Forwarding of a family is one parameter; that of its links follows.
                    if path.ends_with("/forwarding") || path.ends_with("redirects") {
                        names.extend(["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"].map(str::to_string));
                    }
                    names.extend(
                        path.split('/').nth(2).filter(|link| !["all", "default"].contains(link)).map(str::to_string),
                    );
                }
                _ => {}
            }
            names.extend(["dst", "dev", "prefsrc", "src"].iter().filter_map(|key| quoted(key)));
            names.retain(|name| name != "all");
        }
        _ => {}
    }
    names
}

/// Lines that are told of a difference.
const TOLD: usize = 12;
/// Characters that are told of a line.
const WIDE: usize = 300;

/// A difference in few lines: without what follows from another line of it, and cut.
pub fn brief(difference: &[String]) -> Vec<String> {
    let side = |line: &str, start: &str| line.get(2..).is_some_and(|rest| rest.starts_with(start));
    let follows = |line: &String| {
        let sign = &line[..1];
        difference.iter().filter(|other| other.starts_with(sign) && *other != line).any(|other| {
            let words: Vec<&str> = other.split(' ').collect();
            match words[1..] {
                ["namespace", path] => {
                    let name = path.rsplit('/').next().unwrap_or_default();
                    side(line, &format!("{name}: ")) || side(line, &format!("mount {path} "))
                }
                [place, "link", name, ..] if !side(line, &format!("{place} link ")) => {
                    let of = [format!(" {name} "), format!("\"{name}\""), format!("/{name}/")];
                    side(line, place) && of.iter().any(|of| line.contains(of))
                }
                _ => false,
            }
        })
    };
    let kept = difference.iter().filter(|line| !follows(line));
    let kept: Vec<String> = kept.filter_map(|line| changed(line, difference)).collect();
    let more = kept.len().saturating_sub(TOLD);
    let cut = |line: String| match line.char_indices().nth(WIDE) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    };
    let mut lines: Vec<String> = kept.into_iter().take(TOLD).map(cut).collect();
    if more > 0 {
        lines.push(format!("... and {more} more"));
    }
    lines
}

/// A line of a link that is on both sides, as the words that differ, once; any other line as it is.
fn changed(line: &str, difference: &[String]) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let [sign, place, "link", name, ..] = words[..] else { return Some(line.to_string()) };
    let start = format!("{} {place} link {name} ", if sign == "+" { "-" } else { "+" });
    let Some(other) = difference.iter().find(|other| other.starts_with(&start)) else { return Some(line.to_string()) };
    let other: Vec<&str> = other.split(' ').collect();
    let only = |one: &[&str], other: &[&str]| {
        let words = one[4..].iter().filter(|word| !other.contains(word));
        words.copied().collect::<Vec<_>>().join(" ")
    };
    (sign == "+").then(|| format!("~ {place} link {name}: {} -> {}", only(&other, &words), only(&words, &other)))
}

/// Verdicts, counted.
#[derive(Debug, Default)]
pub struct Tally {
    counts: BTreeMap<Verdict, usize>,
    /// Points that the run did not come to.
    pub missed: usize,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, verdict: Verdict) {
        *self.counts.entry(verdict).or_default() += 1;
    }

    /// How many of one kind.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts.get(&verdict).copied().unwrap_or(0)
    }

    /// How many in all.
    pub fn points(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many break the promise.
    pub fn bad(&self) -> usize {
        self.counts.iter().filter(|(verdict, _)| !verdict.is_good()).map(|(_, count)| count).sum()
    }

    /// The counts as a line.
    pub fn line(&self) -> String {
        let words = ALL.iter().map(|verdict| format!("{}={}", verdict.word(), self.count(*verdict)));
        format!("points={} {} not-reached={}", self.points(), words.collect::<Vec<_>>().join(" "), self.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(lines: &[&str]) -> State {
        State { lines: lines.iter().map(|line| line.to_string()).collect(), ..State::default() }
    }

    fn verdict(end: End, after: &[&str], lasting: bool, err: &str) -> Verdict {
        let ran = Ran { end, out: String::new(), err: err.to_string() };
        let (before, after, goal) = (state(&["a"]), state(after), state(&["a", "host: link v-net-0 up"]));
        judge(&Trial { ran: &ran, before: &before, after: &after, goal: &goal, mute: false, lasting })
    }

    #[test]
    fn exit_codes_are_held_against_the_state() {
        let goal: &[&str] = &["a", "host: link v-net-0 up"];
        assert_eq!(verdict(End::Code(0), goal, false, ""), Verdict::Done);
        assert_eq!(verdict(End::Code(0), &["a"], false, ""), Verdict::Silent);
        for code in [1, 3] {
            assert_eq!(verdict(End::Code(code), &["a"], false, ""), Verdict::Clean);
            assert_eq!(verdict(End::Code(code), &["a", "b"], false, ""), Verdict::Residue);
            assert_eq!(verdict(End::Code(code), &[], true, ""), Verdict::Untold);
            assert_eq!(verdict(End::Code(code), goal, false, ""), Verdict::Wrong);
        }
        assert_eq!(verdict(End::Code(4), &["a", "b"], false, "b"), Verdict::Residue);
        assert_eq!(verdict(End::Code(4), goal, true, "left: link v-net-0"), Verdict::Told);
        assert_eq!(verdict(End::Code(4), goal, true, "left: something"), Verdict::Untold);
        assert_eq!(verdict(End::Hang, &["a"], false, ""), Verdict::Hang);
        assert_eq!(verdict(End::Code(134), &["a"], false, ""), Verdict::Crash);
        assert_eq!(verdict(End::Signal(11), &["a"], false, ""), Verdict::Crash);
    }

    #[test]
    fn a_leftover_is_told_by_its_name_or_by_what_it_follows_from() {
        let left = [
            "+ host: link v-net-0 flags=UP",
            "+ host: address v-net-0 local=\"192.168.15.5\"",
            "+ host: route dst=\"192.168.15.0/24\" dev=\"v-net-0\"",
            "+ red: route dst=\"default\" dev=\"eth0\"",
            "+ namespace /run/netns/red",
            "+ mount /run/netns/red 1",
            "+ host: sysctl ipv4/ip_forward=1",
            "+ host: sysctl ipv4/conf/lo/forwarding=1",
            "+ host: nft table ip netstrap-walk 0: table ip netstrap-walk {",
            "- host: route type=\"blackhole\" dst=\"10.9.0.0/16\"",
        ]
        .map(str::to_string);
        let text = "left: link v-net-0\nleft: namespace red\nleft: net.ipv4.ip_forward = 1\nleft: table netstrap-walk";
        assert_eq!(untold(&left, text), ["- host: route type=\"blackhole\" dst=\"10.9.0.0/16\""]);
        assert_eq!(untold(&left, "").len(), left.len());
    }

    #[test]
    fn a_difference_is_told_without_what_follows() {
        let lines = [
            "+ namespace /run/netns/red",
            "+ mount /run/netns/red 1",
            "+ red: link lo flags=",
            "- host: link v flags=",
            "+ host: link v flags=UP",
            "+ host: address v local=\"10.0.0.1\"",
            "+ host: route dst=\"10.0.0.0/24\" dev=\"v\"",
            "+ host: sysctl ipv4/conf/v/forwarding=0",
            "+ host: route dst=\"10.1.0.0/24\" dev=\"w\"",
        ]
        .map(str::to_string);
        let told = brief(&lines);
        assert_eq!(told, [&lines[0], "~ host: link v: flags= -> flags=UP", &lines[8]]);
        let many: Vec<String> = (0..20).map(|at| format!("+ file /etc/netns/{at} \"\"")).collect();
        assert_eq!(brief(&many).len(), TOLD + 1);
    }

    #[test]
    fn verdicts_are_counted_by_their_words() {
        let mut tally = Tally::default();
        for verdict in ALL {
            assert_eq!(Verdict::of(verdict.word()), Some(verdict));
            tally.add(verdict);
        }
        assert_eq!((tally.points(), tally.bad()), (11, 7));
        assert!(tally.line().starts_with("points=11 done=1 clean=1"), "{}", tally.line());
    }
}
