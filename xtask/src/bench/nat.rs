//! Firewall rules: one, a thousand one by one, and thousands in one transaction, beside iptables-nft and nft,
//! each time into tables that are not there yet. In: folders of our links by name. Out: rows of the table.

use std::path::{Path, PathBuf};

use super::measure::{self, Contender};
use crate::process::{About, Outcome, find};

/// Rules of the large transactions.
const BULK: [usize; 2] = [1_000, 10_000];
/// Rules that are added one by one, a process each.
const SINGLE: usize = 1_000;
/// Runs of what takes a good part of a second.
const RUNS: usize = 15;
/// Runs of what takes seconds.
const SLOW_RUNS: usize = 5;

/// Network number `n`.
fn network(n: usize) -> String {
    format!("10.{}.{}.0/24", n / 250, n % 250)
}

/// The same rules for each tool: connections out of a network by one device are masqueraded.
fn texts(count: usize) -> [(&'static str, String); 3] {
    let lines = |line: &dyn Fn(String) -> String| (0..count).map(|n| line(network(n)) + "\n").collect::<String>();
    let restore = lines(&|net| format!("-A POSTROUTING -s {net} -o eth0 -j MASQUERADE"));
    let nft = lines(&|net| format!("ip saddr {net} oifname \"eth0\" counter masquerade"));
    let own = lines(&|net| format!("masquerade from {net} to 0.0.0.0/0 out eth0"));
    [
        ("restore", format!("*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n{restore}COMMIT\n")),
        (
            "nft",
            format!(
                "table ip nat {{\nchain PREROUTING {{ type nat hook prerouting priority -100; }}\n\
                 chain POSTROUTING {{ type nat hook postrouting priority 100;\n{nft}}}\n}}\n"
            ),
        ),
        ("own", own),
    ]
}

/// Measures, in a network namespace without rules; `folders` have our links.
pub fn cases(folders: &[(&str, &str)], runs: usize) -> Outcome {
    let (Some(nft), Some(iptables)) = (find("nft"), find("iptables-nft")) else {
        println!("nat: nft and iptables-nft are not here to compare with");
        return Ok(());
    };
    let dir = std::env::temp_dir().join(format!("netstrap-nat-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).about(&dir)?;
    let tools = Tools { folders, nft, iptables, dir: &dir };
    let outcome = tools.cases(runs);
    let _ = std::fs::remove_dir_all(&dir);
    outcome
}

struct Tools<'a> {
    folders: &'a [(&'a str, &'a str)],
    nft: PathBuf,
    iptables: PathBuf,
    dir: &'a Path,
}

impl Tools<'_> {
    fn cases(&self, runs: usize) -> Outcome {
        let undo = Contender::new("undo", &format!("{} flush ruleset", self.nft.display()));
        undo.time()?;
        let rule = "-t nat -A POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE";
        let own = "nat add masquerade from 10.0.0.0/24 to 0.0.0.0/0 out eth0";
        let mut all = self.ours("iptables", &format!("iptables {rule}"));
        all.extend(self.ours("nat", &format!("netstrap {own}")));
        all.push(Contender::new("nft -f", &format!("{} -f {}", self.nft.display(), self.files(1)?[1].display())));
        all.push(Contender::new("iptables-nft", &format!("{} {rule}", self.iptables.display())));
        measure::case("one masquerade rule", &all, Some(&undo), runs)?;
        for count in BULK {
            let files = self.files(count)?;
            let [restore, nft, own] = files.each_ref().map(|file| file.display());
            let mut all = self.ours("restore", &format!("iptables-restore {restore}"));
            all.extend(self.ours("nat replace", &format!("netstrap nat replace {own}")));
            all.push(Contender::new("nft -f", &format!("{} -f {nft}", self.nft.display())));
            all.push(Contender::new("iptables-nft", &format!("{}-restore {restore}", self.iptables.display())));
            measure::case(&format!("{count} rules in one transaction"), &all, Some(&undo), runs.min(RUNS))?;
        }
        let script = |program: &str| {
            format!(
                "i=0; while [ $i -lt {SINGLE} ]; do {program} -t nat -A POSTROUTING -s 10.$((i/250)).$((i%250)).0/24 \
                 -o eth0 -j MASQUERADE || exit 1; i=$((i+1)); done"
            )
        };
        let looped = |name: &str, program: &str| {
            let words = ["sh", "-c", &script(program)].map(str::to_string).to_vec();
            Contender { name: name.to_string(), words, path: None }
        };
        let mut all: Vec<Contender> = self
            .folders
            .iter()
            .map(|(name, dir)| looped(&label(name, "iptables"), &format!("{dir}/iptables")))
            .collect();
        all.push(looped("iptables-nft", &self.iptables.display().to_string()));
        measure::case(&format!("{SINGLE} rules, one iptables each"), &all, Some(&undo), runs.min(SLOW_RUNS))
    }

    /// Our builds with the same command.
    fn ours(&self, label_: &str, command: &str) -> Vec<Contender> {
        self.folders
            .iter()
            .map(|(name, dir)| Contender::new(&label(name, label_), &format!("{dir}/{command}")))
            .collect()
    }

    /// The rules for `iptables-restore`, `nft -f` and `nat replace`.
    fn files(&self, count: usize) -> Outcome<[PathBuf; 3]> {
        let mut files = <[PathBuf; 3]>::default();
        for (file, (name, text)) in files.iter_mut().zip(texts(count)) {
            *file = self.dir.join(format!("{name}-{count}"));
            std::fs::write(&*file, text).about(&file)?;
        }
        Ok(files)
    }
}

/// A row's name: which build, and what it is asked.
fn label(build: &str, what: &str) -> String {
    if build == "netstrap" { what.to_string() } else { format!("{what}, tiny") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_gets_the_same_number_of_rules() {
        for (name, text) in texts(300) {
            let rules = text.lines().filter(|line| line.contains("/24") && line.to_lowercase().contains("masquerade"));
            assert_eq!(rules.count(), 300, "{name}");
        }
    }
}
