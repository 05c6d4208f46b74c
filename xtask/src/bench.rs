//! `bench`: what the binary costs beside iproute2, busybox, nft and iptables-nft, doing the same, in turn,
//! in a private sandbox. Out: one table of wall time, CPU time, peak memory and system calls, with
//! ratios to the first row of each case. It measures; nothing here is a test.

pub mod apply;
mod bulk;
mod measure;
mod nat;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::args::Args;
use crate::demo;
use crate::dist::{self, Build, Kind};
use crate::process::{About, Failure, Outcome, find, own_binary, read, say};
use crate::walkthrough::{self, Runner, Step, TEXT};
use measure::{Contender, Cost, Row};

/// The tools stood in for, wherever they are.
fn real_path() -> OsString {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin").into()
}

/// `cargo xtask bench`.
pub fn run(mut words: Vec<String>) -> Outcome {
    if words.first().is_some_and(|word| word == "apply") {
        return apply::run(words.split_off(1));
    }
    let mut args = Args::new(words);
    let runs = args.number("--runs", 60)?.max(1);
    let given = args.value("--binary")?;
    let only_tiny = args.flag("--tiny");
    let only = args.value("--only")?.unwrap_or_else(|| "all".to_string());
    if !["all", "ip", "nat"].contains(&only.as_str()) {
        return Err(Failure::usage("bench: --only ip or --only nat"));
    }
    args.finish()?;
    let mut builds = Vec::new();
    match given {
        Some(file) => builds.push(("netstrap", std::fs::canonicalize(&file).about(&file)?)),
        None => {
            if !only_tiny {
                builds.push(("netstrap", dist::build(&Build::host()?)?));
            }
            builds.push(("netstrap-tiny", dist::build(&Build { kind: Kind::Tiny, ..Build::host()? })?));
        }
    }
    let mut inside = vec!["bench-inside".to_string(), only.clone(), runs.to_string()];
    let mut walkers = Vec::new();
    for (name, binary) in &builds {
        let links = demo::links(binary, &format!("bench-{name}"))?;
        inside.push(format!("{name}={}", links.display()));
        walkers.push((name.to_string(), links.into_os_string()));
    }
    walkers.push(("iproute2".to_string(), real_path()));
    let sandbox = &builds[0].1;
    say(format!("{runs} runs each, in turn; medians; ratios are to the first row of each case"));
    println!("{}", Row::head());
    let status = sandboxed(sandbox)?.args(&inside).stdin(Stdio::null()).status().about(sandbox)?;
    if !status.success() {
        return Err(format!("bench: {status}").into());
    }
    if only == "nat" {
        return Ok(());
    }
    walks(sandbox, &walkers, (runs / 10).max(3))
}

/// This program inside the binary's sandbox.
fn sandboxed(binary: &Path) -> Outcome<Command> {
    let mut command = Command::new(binary);
    command.args(["sandbox", "--"]).arg(own_binary()?);
    Ok(command)
}

/// The part inside the sandbox: `bench-inside all|ip|nat RUNS NAME=FOLDER-OF-LINKS...`.
pub fn inside(words: Vec<String>) -> Outcome {
    let usage = || Failure::usage("usage: bench-inside all|ip|nat RUNS NAME=FOLDER...");
    let [only, runs, folders @ ..] = words.as_slice() else { return Err(usage()) };
    let runs: usize = runs.parse().map_err(|_| usage())?;
    let folders: Vec<(&str, &str)> = folders.iter().filter_map(|word| word.split_once('=')).collect();
    let first = folders.first().ok_or_else(usage)?.1;
    if only != "ip" {
        nat::cases(&folders, runs)?;
    }
    if only == "nat" {
        return Ok(());
    }
    ip_cases(&folders, first, runs)
}

/// `ip` beside iproute2 and busybox.
fn ip_cases(folders: &[(&str, &str)], first: &str, runs: usize) -> Outcome {
    let setup = Runner::new(first.into(), own_binary()?);
    for line in ["ip link set lo up", "ip link add v-bench type bridge", "ip netns add red"] {
        let words: Vec<String> = line.split(' ').map(str::to_string).collect();
        if let Some(why) = setup.call(&words).map(|done| (done.code != Some(0)).then_some(done.text))? {
            return Err(format!("bench: {line}: {}", why.trim()).into());
        }
    }
    let ip = find("ip").filter(|ip| !ip.starts_with(first));
    let busybox = find("busybox");
    let contenders = |words: &str, own_busybox: &str| {
        let mut all: Vec<Contender> = Vec::new();
        all.extend(folders.iter().map(|(name, dir)| Contender::new(name, &format!("{dir}/ip {words}"))));
        all.extend(ip.iter().map(|ip| Contender::new("iproute2", &format!("{} {words}", ip.display()))));
        all.extend(busybox.iter().map(|file| Contender::new("busybox", &format!("{} {own_busybox}", file.display()))));
        all
    };
    measure::case("ip link show, 2 links", &contenders("link show", "ip link show"), None, runs)?;
    let undo = Contender::new("undo", &format!("{first}/ip addr del 10.9.0.1/24 dev v-bench"));
    let add = "addr add 10.9.0.1/24 dev v-bench";
    measure::case("ip addr add", &contenders(add, &format!("ip {add}")), Some(&undo), runs)?;
    let program = find("true").ok_or("true: not found")?;
    let program = program.display();
    // busybox has no ip netns: nsenter enters, without a /sys of that namespace.
    let enter = format!("nsenter --net=/run/netns/red {program}");
    let mut all = contenders(&format!("netns exec red {program}"), &enter);
    all.push(Contender::new("(true alone)", &program.to_string()));
    measure::case("ip netns exec red true", &all, None, runs)?;
    let mut ips: Vec<(String, String)> =
        folders.iter().map(|(name, dir)| (name.to_string(), format!("{dir}/ip"))).collect();
    ips.extend(ip.iter().map(|ip| ("iproute2".to_string(), ip.display().to_string())));
    bulk::cases(&ips, runs)
}

/// The whole walkthrough, a fresh sandbox each time, without the steps that wait for answers.
fn walks(sandbox: &Path, walkers: &[(String, OsString)], runs: u64) -> Outcome {
    let mut costs = vec![Vec::new(); walkers.len()];
    for round in 0..runs as usize {
        for turn in 0..walkers.len() {
            let index = (round + turn) % walkers.len();
            let (name, path) = &walkers[index];
            let text = read(sandboxed(sandbox)?.arg("bench-walk").arg("time").arg(path))
                .map_err(|failure| Failure::from(format!("walkthrough by {name}: {}", failure.text)))?;
            costs[index].push(Cost::parse(&text)?);
        }
    }
    let mut rows = Vec::new();
    for ((name, path), costs) in walkers.iter().zip(costs) {
        let look = |mode: &str| Cost::parse(&read(sandboxed(sandbox)?.args(["bench-walk", mode]).arg(path))?);
        rows.push(Row::new(name, &costs, look("peak")?.peak, look("calls")?.calls));
    }
    println!("walkthrough, {} commands (all that wait for no answer)", lines()?.len());
    rows.iter().for_each(|row| println!("{}", row.line(&rows[0])));
    Ok(())
}

/// Commands of the walkthrough that both sides know, succeed, and wait for no answer.
fn lines() -> Outcome<Vec<Vec<String>>> {
    let steps = walkthrough::parse(TEXT)?;
    let timed = |words: &[String]| !words.iter().any(|word| word == "ping");
    Ok(steps
        .into_iter()
        .filter_map(|step| match step {
            Step::Run(run) if run.succeeds && run.common && timed(&run.words) => Some(run.words),
            _ => None,
        })
        .collect())
}

/// One walkthrough inside a sandbox, `bench-walk time|peak|calls PATH`: the sum of that cost.
pub fn walk(words: Vec<String>) -> Outcome {
    let [mode, path] = words.as_slice() else { return Err(Failure::usage("usage: bench-walk time|peak|calls PATH")) };
    let mut sum = Cost::default();
    for words in lines()? {
        let found = std::env::split_paths(path).map(|dir| dir.join(&words[0])).find(|file| file.exists());
        let file = found.ok_or_else(|| format!("{}: not found", words[0]))?;
        let mut all = vec![file.to_string_lossy().into_owned()];
        all.extend(words.into_iter().skip(1));
        let contender = Contender { name: String::new(), words: all, path: Some(path.into()) };
        sum.add(&match mode.as_str() {
            "time" => contender.time()?,
            "peak" => contender.peak()?,
            _ => contender.calls()?,
        });
    }
    println!("{}", sum.text());
    Ok(())
}
