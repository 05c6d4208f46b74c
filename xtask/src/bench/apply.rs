//! `bench apply`: what `apply` and `down` of N namespaces on a bridge cost beside the lower bound (bench/floor.c) and
//! `ip -batch`, each run in a sandbox of its own, in turn. In: words. Out: a table of medians and ratios to the floor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::args::Args;
use crate::packages;
use crate::process::{About, Failure, Outcome, find, read, run as shown, say};
use crate::sweep::place::{self, Sandbox};
use crate::{sys, tree};

/// The command of xtask that does one run.
pub const INSIDE: &str = "bench-apply-inside";
/// What a run measures, in the order of the table.
const MEASURES: &[&str] = &["up", "ping", "ping6", "again", "down", "gone"];
/// Number of the first namespace; it is in its address too.
const FIRST: u64 = 10;
/// Milliseconds that the first answer may take.
const READY: f64 = 5.0;

/// Who does it. The first one is what the others are held against.
const CONTENDERS: &[&str] =
    &["floor", "floor-quiet", "netstrap", "netstrap-6", "batch-one", "batch-two", "batch-nsenter"];

/// `cargo xtask bench apply`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let sizes = args.value("--n")?.unwrap_or_else(|| "1,100,1000".to_string());
    let sizes: Option<Vec<u64>> = sizes.split(',').map(|size| size.parse().ok().filter(|size| *size > 0)).collect();
    let sizes = sizes.ok_or_else(|| Failure::usage("--n wants numbers, as in 1,100,1000"))?;
    let runs = args.number("--runs", 9)?;
    let pings = args.number("--pings", 100)?;
    let realtime = args.flag("--realtime");
    let only = args.value("--only")?;
    let binary = tree::binary(&mut args)?;
    args.finish()?;
    let tools = tools()?;
    let bench = Bench { tools, binary, realtime };
    let names = |name: &&&str| only.as_deref().is_none_or(|only| only.split(',').any(|one| one == **name));
    let contenders: Vec<&str> = CONTENDERS.iter().filter(names).copied().collect();
    for size in sizes {
        // Runs of a thousand take seconds.
        let runs = if size >= 1000 { runs.div_ceil(2) } else { runs };
        bench.table(size, &contenders, runs)?;
    }
    if pings > 0 { bench.pings(100, pings) } else { Ok(()) }
}

struct Bench {
    tools: PathBuf,
    binary: PathBuf,
    realtime: bool,
}

type Measured = BTreeMap<String, f64>;

impl Bench {
    fn one(&self, contender: &str, size: u64) -> Outcome<Measured> {
        let words = [INSIDE, contender, &size.to_string()].map(str::to_string).into_iter();
        let words: Vec<String> =
            words.chain([&self.tools, &self.binary].map(|path| path.display().to_string())).collect();
        let text = read(&mut place::sandbox(&words, Sandbox { user: !sys::is_root(), realtime: self.realtime })?)?;
        let pairs = text.split_whitespace().filter_map(|word| word.split_once('='));
        Ok(pairs.filter_map(|(name, value)| Some((name.to_string(), value.parse().ok()?))).collect())
    }

    fn table(&self, size: u64, contenders: &[&str], runs: u64) -> Outcome {
        let mut all: Vec<Vec<Measured>> = vec![Vec::new(); contenders.len()];
        for round in 0..usize::try_from(runs).unwrap_or(1) {
            for turn in 0..contenders.len() {
                let at = (round + turn) % contenders.len();
                all[at].push(self.one(contenders[at], size)?);
            }
            say(format!("{size} namespaces: round {} of {runs}", round + 1));
        }
        println!("\n{size} namespaces, {runs} runs each, in turn; medians in ms, and ratios to {}", contenders[0]);
        println!("{:<16}{}", "", MEASURES.iter().map(|name| format!("{name:>18}")).collect::<String>());
        for (name, measured) in contenders.iter().zip(&all) {
            let cell = |what: &&str| {
                let Some(own) = median(measured, what) else { return format!("{:>18}", "-") };
                let ratio = median(&all[0], what).map(|base| format!(" ({:.2}x)", own / base)).unwrap_or_default();
                format!("{:>18}", format!("{own:.2}{ratio}"))
            };
            println!("{name:<16}{}", MEASURES.iter().map(cell).collect::<String>());
        }
        if let (Some(own), Some(best)) = (
            contenders.iter().position(|name| *name == "netstrap").and_then(|at| median(&all[at], "up")),
            (0..contenders.len())
                .filter(|at| contenders[*at].starts_with("batch"))
                .filter_map(|at| median(&all[at], "up"))
                .reduce(f64::min),
        ) {
            println!("netstrap is {:.2}x as fast as the best ip -batch", best / own);
        }
        Ok(())
    }

    /// The first ping of many runs: none may be late.
    fn pings(&self, size: u64, runs: u64) -> Outcome {
        let mut late = 0;
        let mut worst = [0.0f64; 2];
        for _ in 0..runs {
            let measured = self.one("netstrap-6", size)?;
            for (worst, name) in worst.iter_mut().zip(["ping", "ping6"]) {
                let value = measured.get(name).copied().filter(|value| *value >= 0.0).unwrap_or(f64::INFINITY);
                late += usize::from(value > READY);
                *worst = worst.max(value);
            }
        }
        let [four, six] = worst;
        println!(
            "\nfirst answers of {size} namespaces, {runs} runs: worst {four:.2} ms, IPv6 {six:.2} ms; {late} later than {READY} ms"
        );
        if late == 0 { Ok(()) } else { Err(format!("{late} first answers are late").into()) }
    }
}

fn median(all: &[Measured], name: &str) -> Option<f64> {
    let mut values: Vec<f64> = all.iter().filter_map(|one| one.get(name).copied()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Builds the programs of bench/ into a folder.
fn tools() -> Outcome<PathBuf> {
    packages::ensure(&[("cc", "gcc"), ("nsenter", "util-linux"), ("chrt", "util-linux")])?;
    packages::ensure(place::TOOLS)?;
    packages::ensure_file("/usr/include/stdio.h", "libc6-dev")?;
    let (from, to) = (tree::root().join("bench"), tree::cache("bench-apply")?);
    for name in ["floor", "firstping"] {
        // A static glibc program starts 0.25 ms later than one of musl.
        let compiler = find("musl-gcc").map_or_else(|| "cc".into(), PathBuf::into_os_string);
        let mut cc = Command::new(&compiler);
        cc.args(["-O2", "-Wall", "-static", "-o"]).arg(to.join(name)).arg(from.join(format!("{name}.c")));
        if compiler != "cc" {
            let multiarch = read(Command::new("cc").arg("-print-multiarch"))?;
            cc.args(["-idirafter", "/usr/include", "-idirafter"]).arg(format!("/usr/include/{}", multiarch.trim()));
        }
        shown(cc.arg("-lpthread"))?;
    }
    std::fs::copy(from.join("batch.sh"), to.join("batch.sh")).about("bench/batch.sh")?;
    Ok(to)
}

/// The same as bench/floor.c makes, as a file; with IPv6 or without.
fn file(count: u64, six: bool) -> String {
    let (bridge, own) = if six { (", \"fd55::1/64\"", ", \"fd55::/64 + {i}\"") } else { ("", "") };
    let (forward, route) = if six { (", \"ipv6\"", ", \"default via fd55::1\"") } else { ("", "") };
    let names = format!("r3-{{{FIRST}..{}}}", FIRST + count - 1);
    format!(
        "name    = \"bench\"\nforward = [\"ipv4\"{forward}]\n\n[bridge.v-net-0]\naddress = [\"10.55.0.1/16\"{bridge}]\n\n\
         [[masquerade]]\nfrom = \"10.55.0.0/16\"\n\n[netns.\"{names}\"]\nroute = [\"default via 10.55.0.1\"{route}]\n\
         [netns.\"{names}\".veth.eth0]\naddress = [\"10.55.0.0/16 + {{i}}\"{own}]\n\
         peer    = {{ name = \"vb{{i}}\", master = \"v-net-0\" }}\n"
    )
}

/// One run in the sandbox: `CONTENDER N TOOLS BINARY`. Prints `NAME=MILLISECONDS` words.
pub fn inside(words: Vec<String>) -> Outcome {
    let usage = || Failure::usage(format!("usage: {INSIDE} CONTENDER N TOOLS BINARY"));
    let [contender, count, tools, binary] = words.as_slice() else { return Err(usage()) };
    let count: u64 = count.parse().map_err(|_| usage())?;
    let tool = |name: &str| Path::new(tools).join(name).display().to_string();
    place::enter()?;
    std::fs::create_dir_all("/run/netns").about("/run/netns")?;
    let six = contender == "netstrap-6";
    let (path, batches) = (format!("{}/bench.toml", place::DESK), format!("{}/batch", place::DESK));
    let size = count.to_string();
    let (up, down): (Vec<String>, Vec<String>) = match contender.split_once('-') {
        Some(("floor", _)) => {
            (vec![tool("floor"), "up".into(), size.clone(), "quiet".into()], vec![tool("floor"), "down".into(), size])
        }
        None if contender == "floor" => {
            (vec![tool("floor"), "up".into(), size.clone()], vec![tool("floor"), "down".into(), size])
        }
        Some(("batch", how)) => {
            place::must(&format!("{} files {size} {batches}", tool("batch.sh")))?;
            let script = |words: &[&str]| {
                let first = [tool("batch.sh")].into_iter();
                first.chain(words.iter().map(|word| word.to_string())).collect::<Vec<String>>()
            };
            (script(&["up", how, &size, &batches]), script(&["down", &size, &batches]))
        }
        _ => {
            std::fs::write(&path, file(count, six)).about(&path)?;
            let words = |words: [&str; 2]| {
                let first = [binary.clone()].into_iter();
                first.chain(words.map(str::to_string)).collect::<Vec<String>>()
            };
            (words(["apply", &path]), words(["down", "bench"]))
        }
    };
    let mut text = format!("up={:.3}", timed(&up)?);
    // From the first namespace to the last one; of a single one to the bridge.
    let last = if count == 1 { 1 } else { FIRST + count - 1 };
    text += &format!(" ping={}", first(&tool("firstping"), &format!("10.55.{}.{}", last / 256, last % 256))?);
    if six {
        text += &format!(" ping6={}", first(&tool("firstping"), &format!("fd55::{last:x}"))?);
    }
    if contender.starts_with("netstrap") {
        text += &format!(" again={:.3}", timed(&up)?);
    }
    text += &format!(" down={:.3}", timed(&down)?);
    text += &format!(" gone={:.3}", timed(&[tool("floor"), "gone".to_string()])?);
    println!("{text}");
    Ok(())
}

/// Milliseconds that a command takes, which must succeed.
fn timed(words: &[String]) -> Outcome<f64> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).env("PATH", place::path());
    let start = Instant::now();
    let status = command.status().about(&words[0])?;
    let wall = start.elapsed();
    if !status.success() {
        return Err(format!("{}: {status}", words.join(" ")).into());
    }
    Ok(wall.as_secs_f64() * 1e3)
}

/// Milliseconds to the first answer; -1 if none comes.
fn first(program: &str, address: &str) -> Outcome<String> {
    let output = Command::new(program).args([&format!("/run/netns/r3-{FIRST}"), address]).output().about(program)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split(' ').next().map(str::to_string).ok_or_else(|| "firstping says nothing".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_the_floor_makes() {
        let text = file(100, false);
        assert!(text.contains("[netns.\"r3-{10..109}\".veth.eth0]") && !text.contains("fd55"), "{text}");
        assert!(file(1, true).contains("fd55::/64 + {i}"));
    }

    #[test]
    fn the_median_of_what_was_measured() {
        let one = |value: f64| Measured::from([("up".to_string(), value)]);
        assert_eq!(median(&[one(3.0), one(1.0), one(2.0)], "up"), Some(2.0));
        assert_eq!(median(&[one(3.0)], "ping"), None);
    }
}
