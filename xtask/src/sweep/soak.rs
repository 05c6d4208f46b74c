//! `soak`: a thousand namespaces come and go, round after round, and nothing is left. In: words. Out: a line for
//! each round, and failure if anything is more than it was.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Common;
use super::place::{self, DESK};
use super::scene::Program;
use super::state::State;
use crate::args::Args;
use crate::process::{About, Failure, Outcome};

/// How long the kernel may take to bury a thousand namespaces.
const BURIAL: Duration = Duration::from_secs(20);

/// The file with so many namespaces.
fn file(count: u64) -> String {
    format!(
        "name    = \"soak\"\nforward = [\"ipv4\", \"ipv6\"]\n\n[bridge.soak]\n\
         address = [\"10.55.255.254/16\", \"fd55::ffff/64\"]\n\n[[masquerade]]\nfrom = \"10.55.0.0/16\"\n\n\
         [netns.\"s{{1..{count}}}\"]\nroute = [\"default via 10.55.255.254\", \"default via fd55::ffff\"]\n\
         [netns.\"s{{1..{count}}}\".veth.eth0]\naddress = [\"10.55.0.0/16 + {{i}}\", \"fd55::/64 + {{i}}\"]\n\
         peer    = {{ name = \"s{{i}}\", master = \"soak\" }}\n"
    )
}

/// `cargo xtask soak`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let (rounds, count) = (args.number("--rounds", 10)?, args.number("--namespaces", 1000)?);
    let common = Common::take(&mut args)?;
    args.finish()?;
    soak(&common, rounds, count)
}

/// Runs it in a sandbox.
pub fn soak(common: &Common, rounds: u64, count: u64) -> Outcome {
    let mut words = common.words("soak-inside");
    words.extend([rounds.to_string(), count.to_string()]);
    let mut command = place::sandboxed(&words)?;
    let status = command.status().about("the sandbox")?;
    if status.success() { Ok(()) } else { Err(format!("soak: {status}").into()) }
}

/// What is counted, besides the state: it is of the whole machine, and others come and go.
fn namespaces() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/slabinfo").ok()?;
    text.lines().find_map(|line| line.strip_prefix("net_namespace"))?.split_whitespace().next()?.parse().ok()
}

/// The part in the sandbox: `ROUNDS NAMESPACES`.
pub fn inside(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let program = Program { file: PathBuf::from(args.value("--binary")?.ok_or("--binary is missing")?) };
    let words = args.rest()?;
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let [rounds, count] = numbers[..] else { return Err(Failure::usage("usage: soak-inside ROUNDS NAMESPACES")) };
    place::enter()?;
    let path = format!("{DESK}/soak.toml");
    std::fs::write(&path, file(count)).about(&path)?;
    let call = |words: &[&str], starts: &str| -> Outcome<Duration> {
        let start = Instant::now();
        let ran = place::run(std::process::Command::new(&program.file).args(words))?;
        if ran.is_fine() && ran.out.starts_with(starts) {
            return Ok(start.elapsed());
        }
        Err(format!("{}: {}: {}", words.join(" "), place::told(ran.end), ran.last()).into())
    };
    let bare = State::look()?;
    let at_first = namespaces();
    for round in 1..=rounds {
        let up = call(&["apply", &path], "changed")?;
        let mounted = mounts();
        let again = call(&["apply", &path], "unchanged")?;
        let down = call(&["down", "soak"], "changed")?;
        let state = State::settled(&[&bare], BURIAL)?;
        let [up, again, down] = [up, again, down].map(|time| format!("{:.2} s", time.as_secs_f64()));
        println!("round {round}: up {up}, again {again}, down {down}; {mounted} namespaces were mounted");
        if state.lines != bare.lines {
            return Err(format!("round {round} leaves: {}", state.against(&bare).join("; ")).into());
        }
        if mounted < count {
            return Err(format!("round {round}: only {mounted} namespaces").into());
        }
    }
    // They are freed by and by; those of others count too.
    let start = Instant::now();
    while let (Some(first), Some(last)) = (at_first, namespaces()) {
        // Those that died last keep their memory until another one dies (`net_complete_free`, kernel 6.13).
        place::run(std::process::Command::new("unshare").args(["--net", "true"]))?;
        if last < first + count / 4 || start.elapsed() > BURIAL {
            println!("network namespaces of the machine: {first} before, {last} after");
            if last >= first + count / 4 {
                return Err("namespaces are left".into());
            }
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("soak: {rounds} rounds of {count} namespaces, nothing left: links, mounts, files, processes");
    Ok(())
}

/// Mounted namespaces.
fn mounts() -> u64 {
    let text = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("nsfs /run/netns/")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_its_ranges() {
        let text = file(1000);
        assert!(text.contains("[netns.\"s{1..1000}\".veth.eth0]") && text.contains("name = \"s{i}\""), "{text}");
    }
}
