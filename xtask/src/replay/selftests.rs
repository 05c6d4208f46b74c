//! `selftests`: scripts of the kernel's own tests, which call `ip` hundreds of times, with our
//! binary as `ip` and with iproute2. In: Debian's package of the kernel's source, unpacked into the
//! build folder and never kept with ours. Out: whether each script ends alike, with as many passes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::Sides;
use super::answer::{Answer, LATE};
use crate::args::Args;
use crate::packages;
use crate::process::{About, Failure, Outcome, find, run as run_shown, say};
use crate::tree;

const ARCHIVE: &str = "/usr/src/linux-source-6.1.tar.xz";
const PACKAGE: &str = "linux-source-6.1";
/// What is unpacked, below the archive's first folder.
const PARTS: &[&str] = &["net/*", "netfilter/*", "*.h", "kselftest/*"];
/// What they call besides `ip`.
const PROGRAMS: &[packages::Program] = &[
    ("xz", "xz-utils"),
    ("gcc", "gcc"),
    ("nft", "nftables"),
    ("iptables", "iptables"),
    ("conntrack", "conntrack"),
    ("socat", "socat"),
    ("iperf3", "iperf3"),
    ("jq", "jq"),
    ("bc", "bc"),
    ("killall", "psmisc"),
    ("mausezahn", "netsniff-ng"),
    ("tcpdump", "tcpdump"),
    ("ping", "iputils-ping"),
];
/// Scripts that pass with iproute2 on kernels at hand, and say little about the kernel itself.
const SCRIPTS: &[&str] = &[
    "net/icmp.sh",
    "net/ipv6_flowlabel.sh",
    "net/unicast_extensions.sh",
    "net/arp_ndisc_evict_nocarrier.sh",
    "net/msg_zerocopy.sh",
    "net/psock_snd.sh",
    "net/altnames.sh",
    "net/fib-onlink-tests.sh",
    "netfilter/nft_nat.sh",
    "netfilter/nft_zones_many.sh",
    "netfilter/nft_meta.sh",
    "netfilter/nf_nat_edemux.sh",
    "netfilter/conntrack_icmp_related.sh",
    "net/mptcp/diag.sh",
];

/// `cargo xtask selftests`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let tool = args.value("--tool")?;
    let patience = args.number("--seconds", 300)?.to_string();
    let sides = Sides::new("selftests-run", &mut args)?;
    let names = args.rest()?;
    let tools: &[&str] = match tool.as_deref() {
        None => &["ours", "theirs"],
        Some("ours") => &["ours"],
        Some("theirs") => &["theirs"],
        Some(other) => return Err(Failure::usage(format!("--tool ours|theirs, not {other}"))),
    };
    packages::ensure(PROGRAMS)?;
    let dir = unpacked()?;
    let known = |name: &String| {
        let full = SCRIPTS.iter().find(|script| script.ends_with(&format!("/{name}")));
        full.map_or_else(|| name.clone(), |full| full.to_string())
    };
    let scripts: Vec<String> = match names.is_empty() {
        true => SCRIPTS.iter().map(|script| script.to_string()).collect(),
        false => names.iter().map(known).collect(),
    };
    let mut bad = Vec::new();
    for script in scripts {
        let file = dir.join(&script);
        helpers(&file)?;
        let (folder, file) = (sides.folder.to_string_lossy(), file.to_string_lossy());
        let one = |tool: &str| -> Outcome<Answer> {
            let answers = sides.answers(&["selftests-inside", &folder, tool, &file, &patience])?;
            answers.into_iter().next().ok_or_else(|| format!("{script}: no answer").into())
        };
        let ends = thread::scope(|scope| {
            let threads: Vec<_> = tools.iter().map(|tool| (*tool, scope.spawn(|| one(tool)))).collect();
            let ended = |_| Failure::from("the thread of a script ended early");
            let join = threads.into_iter().map(|(tool, thread)| Ok((tool, thread.join().map_err(ended)??)));
            join.collect::<Outcome<Vec<(&str, Answer)>>>()
        })?;
        if !report(&script, &ends) {
            bad.push(script);
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(format!("not as with iproute2: {}", bad.join(", ")).into()) }
}

/// The folder of the tests, unpacked once.
fn unpacked() -> Outcome<PathBuf> {
    packages::ensure_file(ARCHIVE, PACKAGE)?;
    let cache = tree::cache("selftests")?;
    let whole = cache.join("tests");
    if whole.exists() {
        return Ok(whole);
    }
    let fresh = tree::scratch("selftests-new")?;
    let mut tar = Command::new("tar");
    tar.args(["-xf", ARCHIVE, "--strip-components=4", "--wildcards"]).current_dir(&fresh);
    run_shown(tar.args(PARTS.iter().map(|part| format!("{PACKAGE}/tools/testing/selftests/{part}"))))?;
    // Under its own name only once it is whole.
    std::fs::rename(&fresh, &whole).about(&whole)?;
    Ok(whole)
}

/// Compiles the programs of a script's folder that it names.
fn helpers(script: &Path) -> Outcome {
    let text = std::fs::read_to_string(script).about(script)?;
    let Some(dir) = script.parent() else { return Ok(()) };
    for entry in std::fs::read_dir(dir).about(dir)?.flatten() {
        let source = entry.path();
        let program = source.with_extension("");
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        if source.extension().is_some_and(|end| end == "c") && !program.exists() && names(&text, &name) {
            run_shown(Command::new("gcc").args(["-O2", "-w", "-o"]).arg(&program).arg(&source).current_dir(dir))?;
        }
    }
    Ok(())
}

/// Whether a name is a word of a text.
fn names(text: &str, name: &str) -> bool {
    text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).any(|word| word == name)
}

/// How many checks a script says to have passed and failed.
fn counts(text: &str) -> (usize, usize) {
    let failed = |line: &&str| line.contains("FAIL") || line.starts_with("not ok");
    let passed =
        |line: &&str| line.contains("PASS") || line.contains("OK") || line.contains("[ ok") || line.starts_with("ok");
    let (bad, good): (Vec<&str>, Vec<&str>) = text.lines().partition(failed);
    (good.iter().filter(|line| passed(line)).count(), bad.len())
}

/// Tells how a script ended; false if it did not end as it should.
fn report(script: &str, ends: &[(&str, Answer)]) -> bool {
    let texts: Vec<String> = ends.iter().map(|(_, answer)| format!("{}{}", answer.out, answer.err)).collect();
    let mut results = Vec::new();
    for ((tool, answer), text) in ends.iter().zip(&texts) {
        let (passes, fails) = counts(text);
        let code = if answer.code == LATE { "not ended in time".into() } else { format!("exit code {}", answer.code) };
        results.push((answer.code, passes, fails));
        println!("{script}: {tool}: {code}, {passes} passed, {fails} failed");
    }
    let theirs = ends.iter().position(|(tool, _)| *tool == "theirs");
    let ours = ends.iter().position(|(tool, _)| *tool == "ours");
    let good = match (ours, theirs) {
        (_, Some(theirs)) if results[theirs].0 != 0 => {
            println!("{script}: not judged, it cannot run here even with iproute2: {}", last(&texts[theirs]));
            return true;
        }
        (Some(ours), Some(theirs)) => results[ours] == results[theirs],
        (Some(ours), None) => results[ours].0 == 0,
        _ => true,
    };
    if let (false, Some(ours)) = (good, ours) {
        let mut refused: Vec<&str> = texts[ours].lines().filter(|line| line.contains("by netstrap")).collect();
        refused.sort_unstable();
        refused.dedup();
        refused.iter().for_each(|line| println!("    refused: {line}"));
        let lines: Vec<&str> = texts[ours].lines().collect();
        lines[lines.len().saturating_sub(12)..].iter().for_each(|line| println!("    {line}"));
    }
    println!("{script}: {}", if good { "as wanted" } else { "DIFFERENT" });
    good
}

fn last(text: &str) -> &str {
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no word")
}

/// The part inside the sandbox, `selftests-inside FOLDER SIDE SCRIPT SECONDS`: how the script ends.
pub fn inside(words: Vec<String>) -> Outcome {
    let [folder, side, script, seconds] = words.as_slice() else {
        return Err(Failure::usage("usage: selftests-inside FOLDER SIDE SCRIPT SECONDS"));
    };
    let own = Path::new(folder).join(side);
    let seconds = seconds.parse().map_err(|_| format!("not a number: {seconds}"))?;
    let script = Path::new(script);
    let dir = script.parent().unwrap_or(Path::new("/"));
    let path = format!("{}:{}:/usr/sbin:/usr/bin:/sbin:/bin", own.display(), dir.display());
    let shell = find("bash").ok_or("bash: not found")?;
    let mut command = Command::new(shell);
    command.arg(script).env_clear().env("PATH", path).env("LC_ALL", "C").env("HOME", "/");
    command.current_dir(dir);
    let answer = Answer::within(&mut command, Duration::from_secs(seconds))?;
    if answer.code == LATE {
        say(format!("{}: killed", script.display()));
    }
    super::print(&answer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_words_of_the_text() {
        assert!(names("./in_netns.sh ./psock_snd -d", "psock_snd"));
        assert!(!names("./psock_snd_2 -d", "psock_snd"));
    }

    #[test]
    fn checks_are_counted() {
        assert_eq!(counts("PASS: a\nFAIL: b\nTEST: c  [ OK ]\nx\nok 1\nnot ok 2\n"), (3, 2));
    }

    #[test]
    fn a_script_that_fails_with_iproute2_proves_nothing() {
        let answer = |code, out: &str| Answer { code, out: out.into(), err: String::new() };
        assert!(report("a", &[("ours", answer(1, "")), ("theirs", answer(4, "SKIP\n"))]));
        assert!(report("a", &[("ours", answer(0, "PASS\n")), ("theirs", answer(0, "PASS\n"))]));
        assert!(!report("a", &[("ours", answer(0, "")), ("theirs", answer(0, "PASS\n"))]));
        assert!(!report("a", &[("ours", answer(1, ""))]));
    }
}
