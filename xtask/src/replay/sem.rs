//! `sem`: one long session of command lines whose every answer is known. In: tests/data/ip-sem.txt.
//! Out: how many answers are iproute2's to the letter, what differs, and failure below the bar or
//! for a difference that is not on the list of wanted ones.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::Sides;
use super::answer::Answer;
use super::mask::masked;
use crate::args::Args;
use crate::deviations::{self, Deviations};
use crate::process::{Failure, Outcome};

const TEXT: &str = include_str!("../../../tests/data/ip-sem.txt");
/// Of a hundred lines so many answer alike.
const BAR: f64 = 97.0;

/// `cargo xtask sem`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let all = args.flag("--all");
    let sides = Sides::new("sem", &mut args)?;
    args.finish()?;
    let deviations = Deviations::parse(deviations::TEXT)?;
    let side = |name: &str| sides.answers(&["sem-inside", &sides.folder.to_string_lossy(), name]);
    let (ours, theirs, again) = thread::scope(|scope| {
        let (ours, again) = (scope.spawn(|| side("ours")), scope.spawn(|| side("theirs")));
        let theirs = side("theirs");
        (ours.join(), theirs, again.join())
    });
    let ended = |_| Failure::from("the thread of a side ended early");
    let (ours, theirs, again) = (ours.map_err(ended)??, theirs?, again.map_err(ended)??);
    let lines: Vec<&str> = TEXT.lines().filter(|line| line.starts_with("ip")).collect();
    if [&ours, &theirs, &again].iter().any(|answers| answers.len() != lines.len()) {
        return Err(format!("{} lines, but {} and {} answers", lines.len(), ours.len(), theirs.len()).into());
    }
    let mut count = Count::default();
    for (number, line) in lines.iter().enumerate() {
        let verdict = Verdict::of(
            &ours[number],
            &theirs[number],
            &again[number],
            deviations.covers(line, &ours[number], &theirs[number]),
        );
        count.add(verdict);
        if all || matches!(verdict, Verdict::Wanted | Verdict::Different) {
            println!("{} {line}", verdict.word());
            print!("{}", difference(&theirs[number].shown(), &ours[number].shown()));
        }
    }
    count.judge()
}

/// How two answers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Alike,
    /// iproute2 does not answer twice alike.
    Unstable,
    /// A usage text in words of our own, counted apart: it lists what is in.
    Usage,
    /// Different on purpose.
    Wanted,
    Different,
}

impl Verdict {
    fn of(ours: &Answer, theirs: &Answer, again: &Answer, wanted: bool) -> Self {
        let same = |one: &Answer, two: &Answer| {
            one.code == two.code && masked(&one.out) == masked(&two.out) && masked(&one.err) == masked(&two.err)
        };
        match (same(ours, theirs) || same(ours, again), same(theirs, again), wanted) {
            (true, ..) => Verdict::Alike,
            (_, false, _) => Verdict::Unstable,
            (_, _, true) if [ours, theirs].iter().all(|answer| answer.err.starts_with("Usage:")) => Verdict::Usage,
            (_, _, true) => Verdict::Wanted,
            _ => Verdict::Different,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Verdict::Alike => "alike:    ",
            Verdict::Unstable => "unstable: ",
            Verdict::Usage => "usage:    ",
            Verdict::Wanted => "wanted:   ",
            Verdict::Different => "DIFFERENT:",
        }
    }
}

#[derive(Debug, Default)]
struct Count {
    alike: usize,
    unstable: usize,
    usage: usize,
    wanted: usize,
    different: usize,
}

impl Count {
    fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Alike => &mut self.alike,
            Verdict::Unstable => &mut self.unstable,
            Verdict::Usage => &mut self.usage,
            Verdict::Wanted => &mut self.wanted,
            Verdict::Different => &mut self.different,
        } += 1;
    }

    fn judge(&self) -> Outcome {
        let judged = self.alike + self.wanted + self.different;
        let percent = self.alike as f64 * 100.0 / judged.max(1) as f64;
        println!(
            "sem: {percent:.2} % alike (at least {BAR} wanted): {} of {judged}; {} differ on purpose, {} not; apart \
             from these {} usage texts of our own, and {} that iproute2 does not answer twice alike",
            self.alike, self.wanted, self.different, self.usage, self.unstable
        );
        if percent < BAR || self.different > 0 { Err("not as iproute2 answers".into()) } else { Ok(()) }
    }
}

/// Two texts by lines: what is common once, theirs after `-`, ours after `+`.
fn difference(theirs: &str, ours: &str) -> String {
    let (theirs, ours): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
    let equal = |pair: &(&&str, &&str)| masked(pair.0) == masked(pair.1);
    let head = theirs.iter().zip(&ours).take_while(equal).count();
    let most = theirs.len().min(ours.len()) - head;
    let tail = theirs.iter().rev().zip(ours.iter().rev()).take(most).take_while(equal).count();
    let mut out = String::new();
    let mut part = |mark: char, lines: &[&str]| lines.iter().for_each(|line| out += &format!("  {mark} {line}\n"));
    part(' ', &theirs[..head]);
    part('-', &theirs[head..theirs.len() - tail]);
    part('+', &ours[head..ours.len() - tail]);
    part(' ', &theirs[theirs.len() - tail..]);
    out
}

/// The part inside the sandbox, `sem-inside FOLDER SIDE`: an answer for each line.
pub fn inside(words: Vec<String>) -> Outcome {
    let [folder, side] = words.as_slice() else { return Err(Failure::usage("usage: sem-inside FOLDER SIDE")) };
    let own = Path::new(folder).join(side);
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", own.display());
    for line in TEXT.lines() {
        if let Some(millis) = line.strip_prefix("sleep ") {
            let millis = millis.parse().map_err(|_| format!("not a number: {line}"))?;
            thread::sleep(Duration::from_millis(millis));
        }
        let judged = line.starts_with("ip");
        if !judged && !line.starts_with('!') {
            continue;
        }
        let words = split(&line.trim_start_matches('!').replace("{pid}", &std::process::id().to_string()));
        let program = if judged { own.join("ip") } else { PathBuf::from(&words[0]) };
        let mut command = Command::new(&program);
        command.args(&words[1..]).env_clear().env("PATH", &path).env("LC_ALL", "C").current_dir("/");
        let answer = Answer::of(&mut command)?;
        if judged {
            super::print(&answer);
        } else if answer.code != 0 {
            return Err(format!("{line}: {}", answer.err.trim_end()).into());
        }
    }
    Ok(())
}

/// Words of a line, with `'...'` and `"..."` quoting.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for char in line.chars() {
        match quote {
            Some(end) if char == end => quote = None,
            None if char == '\'' || char == '"' => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            None if char == ' ' => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        assert_eq!(split("ip a '' \"x y\" sh -c 'kill -9 $$'"), ["ip", "a", "", "x y", "sh", "-c", "kill -9 $$"]);
        assert!(TEXT.lines().filter(|line| line.starts_with("ip")).count() > 200);
    }

    #[test]
    fn verdicts() {
        let answer = |out: &str| Answer { out: out.into(), ..Answer::default() };
        let (one, two) = (answer("a 3a:4a:25:df:42:13\n"), answer("a 3a:4a:25:df:42:14\n"));
        let other = answer("b\n");
        assert_eq!(Verdict::of(&one, &two, &two, false), Verdict::Alike);
        assert_eq!(Verdict::of(&other, &one, &two, true), Verdict::Wanted);
        assert_eq!(Verdict::of(&other, &one, &two, false), Verdict::Different);
        assert_eq!(Verdict::of(&answer("c\n"), &one, &other, false), Verdict::Unstable);
        assert!(Count { alike: 97, wanted: 3, ..Count::default() }.judge().is_ok());
        assert!(Count { alike: 99, different: 1, ..Count::default() }.judge().is_err());
    }

    #[test]
    fn a_difference_shows_what_is_common_once() {
        assert_eq!(difference("a\nb\nd\n", "a\nc\nd\n"), "    a\n  - b\n  + c\n    d\n");
        assert_eq!(difference("a\na\n", "a\n"), "    a\n  - a\n");
    }
}
