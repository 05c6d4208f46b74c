//! Measuring one command: wall and CPU time by `wait4`, peak memory as it exits, system
//! calls by strace. In: commands that do the same. Out: rows of a table.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{About, Failure, Outcome, find};
use crate::sys;

/// One way of doing the thing that is measured.
pub struct Contender {
    /// Who does it.
    pub name: String,
    /// Program and words.
    pub words: Vec<String>,
    /// PATH for it, where it is not ours.
    pub path: Option<OsString>,
}

/// What one run cost, or a sum of runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    wall: Duration,
    cpu: Duration,
    /// Peak resident memory in KiB.
    pub peak: Option<u64>,
    /// System calls.
    pub calls: Option<u64>,
}

impl Cost {
    /// Adds times and calls; keeps the higher peak.
    pub fn add(&mut self, other: &Cost) {
        self.wall += other.wall;
        self.cpu += other.cpu;
        self.peak = self.peak.max(other.peak);
        self.calls = match (self.calls, other.calls) {
            (None, calls) | (calls, None) => calls,
            (Some(sum), Some(calls)) => Some(sum + calls),
        };
    }

    /// A line that [`Cost::parse`] reads.
    pub fn text(&self) -> String {
        let number = |value: Option<u64>| value.map_or("-".to_string(), |value| value.to_string());
        format!("{} {} {} {}", self.wall.as_nanos(), self.cpu.as_nanos(), number(self.peak), number(self.calls))
    }

    /// Reads the last line of a text.
    pub fn parse(text: &str) -> Outcome<Cost> {
        let words: Vec<Option<u64>> =
            text.lines().last().unwrap_or_default().split(' ').map(|word| word.parse().ok()).collect();
        match words[..] {
            [Some(wall), Some(cpu), peak, calls] => {
                Ok(Cost { wall: Duration::from_nanos(wall), cpu: Duration::from_nanos(cpu), peak, calls })
            }
            _ => Err(format!("bench: not understood: {text}").into()),
        }
    }
}

impl Contender {
    /// From a line of words parted by blanks.
    pub fn new(name: &str, line: &str) -> Self {
        Contender { name: name.to_string(), words: line.split(' ').map(str::to_string).collect(), path: None }
    }

    /// Its command, silent, behind the words given.
    fn command(&self, before: &[&str]) -> Command {
        let mut words = before.iter().map(|word| word.to_string()).chain(self.words.iter().cloned());
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }

    /// Runs it once for its times. It must succeed.
    pub fn time(&self) -> Outcome<Cost> {
        let start = Instant::now();
        let (status, cpu) = sys::run_cost(&mut self.command(&[])).about(&self.words[0])?;
        let wall = start.elapsed();
        if status != 0 {
            return Err(Failure::from(format!("{}: wait status {status:#x}", self.words.join(" "))));
        }
        Ok(Cost { wall, cpu, ..Cost::default() })
    }

    /// Runs it once for its peak memory.
    pub fn peak(&self) -> Outcome<Cost> {
        let peak = sys::peak_kib(&mut self.command(&[])).about(&self.words[0])?;
        Ok(Cost { peak, ..Cost::default() })
    }

    /// Runs it once and counts system calls, its children's too. None counted without strace.
    pub fn calls(&self) -> Outcome<Cost> {
        let Some(strace) = find("strace") else { return Ok(Cost::default()) };
        let report = std::env::temp_dir().join(format!("netstrap-strace-{}", std::process::id()));
        let (strace, file) = (strace.to_string_lossy(), report.to_string_lossy());
        self.command(&[&strace, "-f", "-c", "-o", &file]).status().about("strace")?;
        let text = std::fs::read_to_string(&report).unwrap_or_default();
        let _ = std::fs::remove_file(&report);
        Ok(Cost { calls: total(&text), ..Cost::default() })
    }
}

/// The count in strace's last line: "100.00 0.000000 0 128 12 total".
fn total(report: &str) -> Option<u64> {
    report.lines().rev().find(|line| line.ends_with(" total"))?.split_whitespace().nth(3)?.parse().ok()
}

/// A line of the table.
pub struct Row {
    name: String,
    wall: Duration,
    cpu: Duration,
    peak: Option<u64>,
    calls: Option<u64>,
}

impl Row {
    /// Medians of runs, with what was looked at once.
    pub fn new(name: &str, costs: &[Cost], peak: Option<u64>, calls: Option<u64>) -> Self {
        let wall = median(costs.iter().map(|cost| cost.wall).collect());
        let cpu = median(costs.iter().map(|cost| cost.cpu).collect());
        Row { name: name.to_string(), wall, cpu, peak, calls }
    }

    /// The table's head.
    pub fn head() -> String {
        format!("{:<16}{:>20}{:>20}{:>18}{:>18}", "", "wall ms", "CPU ms", "peak KiB", "system calls")
    }

    /// This row, with ratios to the first one.
    pub fn line(&self, first: &Row) -> String {
        let time = |own: Duration, base: Duration| {
            let ratio = own.as_secs_f64() / base.as_secs_f64().max(1e-9);
            format!("{:.3} ({ratio:.2}x)", own.as_secs_f64() * 1e3)
        };
        let count = |own: Option<u64>, base: Option<u64>| match (own, base) {
            (Some(own), Some(base)) => format!("{own} ({:.2}x)", own as f64 / base.max(1) as f64),
            _ => "-".to_string(),
        };
        let (wall, cpu) = (time(self.wall, first.wall), time(self.cpu, first.cpu));
        let (peak, calls) = (count(self.peak, first.peak), count(self.calls, first.calls));
        format!("  {:<14}{wall:>20}{cpu:>20}{peak:>18}{calls:>18}", self.name)
    }
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Runs all contenders in turn, beginning with another one each round, and prints their rows.
/// `undo` is run after each, not measured.
pub fn case(title: &str, contenders: &[Contender], undo: Option<&Contender>, runs: usize) -> Outcome {
    let undone = || undo.map_or(Ok(()), |undo| undo.time().map(|_| ()));
    let mut costs = vec![Vec::new(); contenders.len()];
    for round in 0..runs {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            costs[index].push(contenders[index].time()?);
            undone()?;
        }
    }
    let mut rows = Vec::new();
    for (contender, costs) in contenders.iter().zip(costs) {
        let peak = contender.peak()?.peak;
        undone()?;
        let calls = contender.calls()?.calls;
        if calls.is_some() {
            undone()?;
        }
        rows.push(Row::new(&contender.name, &costs, peak, calls));
    }
    println!("{title}");
    rows.iter().for_each(|row| println!("{}", row.line(&rows[0])));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strace_totals_are_read() {
        let report = "% time seconds usecs/call calls errors syscall\n 0.00 0.0 0 9 1 openat\n\
                      ------ ------\n100.00    0.000000           0       128        12 total\n";
        assert_eq!(total(report), Some(128));
        assert_eq!(total(""), None);
    }

    #[test]
    fn costs_are_summed_and_carried_as_text() {
        let mut sum = Cost::default();
        let part = Cost { wall: Duration::from_nanos(5), cpu: Duration::from_nanos(3), peak: Some(7), calls: None };
        sum.add(&part);
        sum.add(&Cost { peak: Some(2), calls: Some(4), ..part });
        let read = Cost::parse(&format!("noise\n{}\n", sum.text())).unwrap();
        assert_eq!(read.text(), "10 6 7 4");
        assert!(Cost::parse("error").is_err());
    }

    #[test]
    fn the_median_is_the_middle() {
        let values = [9, 1, 5].map(Duration::from_nanos).to_vec();
        assert_eq!(median(values), Duration::from_nanos(5));
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }
}
