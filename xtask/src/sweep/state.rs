//! The whole state of a sandbox as lines: links, addresses, routes, rules, neighbours, firewall rules and
//! parameters of every namespace, names of namespaces, files, mounts and processes. In: the machine as it is,
//! asked by iproute2 and nft. Out: a set of lines, and the identity of links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::mask::{self, Known};
use crate::diff::json::{self, Json};
use crate::process::{About, Outcome, read};
use crate::sys;

/// What iproute2 is asked for in each namespace, and what lines of it are called.
const LISTINGS: &[(&str, &str)] = &[
    // The listing of addresses has less of the links.
    ("link show", "link"),
    ("address show", "address"),
    ("route show table all", "route"),
    ("rule show", "rule"),
    ("neighbour show nud permanent", "neigh"),
    ("neighbour show proxy", "proxy"),
];
/// Parameters of a namespace.
const PARAMETERS: &[&str] = &["ipv4/ip_forward", "ipv4/tcp_mtu_probing", "ipv4/ip_default_ttl", "ipv6/bindv6only"];
/// Parameters of `all`, `default` and of each link, by family.
const OF_LINKS: &[(&str, &[&str])] = &[
    ("ipv4/conf", &["forwarding", "accept_redirects", "send_redirects", "rp_filter", "proxy_arp"]),
    ("ipv6/conf", &["forwarding", "accept_ra", "accept_redirects", "disable_ipv6", "autoconf"]),
];
/// Folders whose files belong to the state.
const FOLDERS: &[&str] = &["/run/netns", "/run/netstrap", "/etc/netns"];
/// Files that are there from the first run on, and mean nothing.
const STANDING: &[&str] = &["/run/netstrap/lock"];

/// The state of a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// What is there.
    pub lines: BTreeSet<String>,
    /// Index and hardware address of each link, by `PLACE/NAME`.
    pub identity: BTreeMap<String, (u64, String)>,
}

/// What the commands of one namespace listed.
struct Listed {
    place: String,
    listings: Vec<Json>,
    rules: String,
    parameters: Vec<String>,
}

impl State {
    /// Looks at everything.
    pub fn look() -> Outcome<State> {
        let mut state = State::default();
        let mut all = vec![here("", None)?];
        for name in names(Path::new("/run/netns")) {
            let path = Path::new("/run/netns").join(&name);
            // A file that no namespace is bound to, or one of another kind, is a line as any file.
            if let Some(file) = namespace(&path) {
                let listed = std::thread::scope(|scope| scope.spawn(|| here(&name, Some(file))).join());
                all.push(listed.map_err(|_| format!("{name}: the look at it failed"))??);
            }
        }
        let links: Vec<Known> = all.iter().flat_map(|one| mask::known(&one.place, &one.listings[0])).collect();
        for one in &all {
            for ((_, kind), listed) in LISTINGS.iter().zip(&one.listings) {
                match *kind {
                    "link" => state.lines.extend(mask::links(&one.place, listed, &links)),
                    "address" => state.lines.extend(mask::addresses(&one.place, listed)),
                    kind => state.lines.extend(mask::others(&one.place, kind, listed)),
                }
            }
            let six = one.listings.last().map(|listed| mask::others(&one.place, "rule-6", listed));
            state.lines.extend(six.unwrap_or_default());
            state.lines.extend(rules(&one.place, &one.rules));
            state.lines.extend(one.parameters.iter().map(|line| format!("{}{line}", mask::at(&one.place))));
        }
        state.identity =
            links.into_iter().map(|link| (format!("{}/{}", link.place, link.name), (link.index, link.mac))).collect();
        FOLDERS.iter().for_each(|folder| files(Path::new(folder), &mut state.lines));
        state.lines.extend(mounts());
        state.lines.extend(processes());
        Ok(state)
    }

    /// Looks again and again until the state is one of those wanted, or the time is over: what ends with a
    /// namespace goes a moment later.
    pub fn settled(wanted: &[&State], patience: Duration) -> Outcome<State> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            let state = State::look()?;
            if start.elapsed() > patience || wanted.iter().any(|wanted| wanted.lines == state.lines) {
                return Ok(state);
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
    }

    /// What differs: `+` there only, `-` in the other only.
    pub fn against(&self, other: &State) -> Vec<String> {
        let gone = other.lines.difference(&self.lines).map(|line| format!("- {line}"));
        gone.chain(self.lines.difference(&other.lines).map(|line| format!("+ {line}"))).collect()
    }

    /// Keeps it in a file.
    pub fn save(&self, file: &Path) -> Outcome {
        let mut out = File::create(file).about(file)?;
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        out.write_all(text.as_bytes()).about(file)
    }

    /// Reads the lines back; identities are of one sandbox, and are not kept.
    pub fn load(file: &Path) -> Outcome<State> {
        let text = std::fs::read_to_string(file).about(file)?;
        Ok(State { lines: text.lines().map(str::to_string).collect(), identity: BTreeMap::new() })
    }
}

/// A network namespace's file, if that is what it is. What else is there (a pipe, a link) is not opened.
fn namespace(path: &Path) -> Option<File> {
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    let file = is_file.then(|| File::options().read(true).custom_flags(libc::O_NOFOLLOW).open(path).ok())??;
    sys::is_namespace(&file).is_ok_and(|is| is).then_some(file)
}

/// Asks in one namespace; the calling thread moves into it.
fn here(place: &str, file: Option<File>) -> Outcome<Listed> {
    if let Some(file) = file {
        sys::enter_network(file).about(place)?;
    }
    let input: String = LISTINGS.iter().map(|(words, _)| format!("{words}\n")).collect();
    let text = fed(Command::new("ip").args(["-d", "-j", "-force", "-batch", "-"]), &input)?;
    let mut listings = arrays(&text);
    if listings.len() != LISTINGS.len() {
        return Err(format!("{place}: {} answers of ip, not {}: {text}", listings.len(), LISTINGS.len()).into());
    }
    let six = read(Command::new("ip").args(["-6", "-j", "rule", "show"]))?;
    listings.extend(arrays(&six));
    let rules = read(Command::new("nft").args(["--stateless", "list", "ruleset"]))?;
    Ok(Listed { place: place.to_string(), listings, rules, parameters: parameters() })
}

/// The answers of `ip -j -batch`, one behind the other.
fn arrays(text: &str) -> Vec<Json> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.filter_map(|line| json::parse(line.trim())).collect()
}

/// Runs a command with an input, and gives its output.
fn fed(command: &mut Command, input: &str) -> Outcome<String> {
    let program = command.get_program().to_owned();
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = piped.spawn().about(&program)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).about(&program)?;
    }
    let output = child.wait_with_output().about(&program)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Lines of nft's listing, each with the table that it is of, and its number there: rules may be there twice.
fn rules(place: &str, text: &str) -> Vec<String> {
    let (mut table, mut number) = ("", 0);
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("table ") {
            (table, number) = (line.trim_end_matches([' ', '{']), 0);
        }
        lines.push(format!("{}nft {table} {number}: {line}", mask::at(place)));
        number += 1;
    }
    lines
}

fn parameters() -> Vec<String> {
    let net = Path::new("/proc/sys/net");
    let one = |path: &str| {
        let text = std::fs::read_to_string(net.join(path)).ok()?;
        Some(format!("sysctl {path}={}", text.trim()))
    };
    let mut lines: Vec<String> = PARAMETERS.iter().filter_map(|path| one(path)).collect();
    for (folder, wanted) in OF_LINKS {
        for link in names(&net.join(folder)) {
            lines.extend(wanted.iter().filter_map(|name| one(&format!("{folder}/{link}/{name}"))));
        }
    }
    lines
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A line for each file below a folder: what it is, and what it says.
fn files(folder: &Path, lines: &mut BTreeSet<String>) {
    for name in names(folder) {
        let path = folder.join(&name);
        let shown = path.display();
        if STANDING.iter().any(|standing| Path::new(standing) == path) {
            continue;
        }
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            lines.insert(format!("folder {shown}"));
            files(&path, lines);
        } else if namespace(&path).is_some() {
            lines.insert(format!("namespace {shown}"));
        } else if meta.is_symlink() {
            lines.insert(format!("symlink {shown}"));
        } else if path.starts_with("/run/netstrap") {
            // It holds what was drawn.
            lines.insert(format!("file {shown}"));
        } else {
            let text = std::fs::read(&path).unwrap_or_default();
            lines.insert(format!("file {shown} {:?}", String::from_utf8_lossy(&text)));
        }
    }
}

/// A line for each mount; the folder of namespaces is one itself, once there are any.
fn mounts() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for place in text.lines().filter_map(|line| line.split(' ').nth(1)) {
        *count.entry(place).or_default() += 1;
    }
    let counted = count.into_iter().filter(|(place, count)| *place != "/run/netns" || *count > 1);
    counted.map(|(place, count)| format!("mount {place} {count}")).collect()
}

/// A line for each process of the sandbox besides this one that has not ended.
fn processes() -> Vec<String> {
    let own = std::process::id().to_string();
    let others = names(Path::new("/proc")).into_iter().filter(|name| name.parse::<u32>().is_ok() && *name != own);
    let stats = others.filter_map(|process| std::fs::read_to_string(format!("/proc/{process}/stat")).ok());
    let mut lines = Vec::new();
    for stat in stats {
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ")) else { continue };
        if !rest.starts_with(['Z', 'X']) {
            lines.push(format!("process {name}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(lines: &[&str]) -> State {
        State { lines: lines.iter().map(|line| line.to_string()).collect(), ..State::default() }
    }

    #[test]
    fn a_difference_says_which_side() {
        let (before, after) = (state(&["a", "b"]), state(&["b", "c"]));
        assert_eq!(after.against(&before), ["- a", "+ c"]);
        assert!(before.against(&before).is_empty());
    }

    #[test]
    fn rules_are_lines_of_their_table() {
        let text = "table ip a {\n\tchain c {\n\t\tmasquerade\n\t\tmasquerade\n\t}\n}\n";
        let lines = rules("red", text);
        assert_eq!(lines[0], "red: nft table ip a 0: table ip a {");
        assert_eq!(lines[2], "red: nft table ip a 2: masquerade");
        assert_ne!(lines[2], lines[3]);
    }

    #[test]
    fn a_state_is_kept_in_a_file() {
        let file = std::env::temp_dir().join(format!("netstrap-state-{}", std::process::id()));
        let kept = state(&["host: link a", "mount /run 1"]);
        kept.save(&file).unwrap();
        assert_eq!(State::load(&file).unwrap(), kept);
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn answers_of_a_batch_are_parted_by_lines() {
        assert_eq!(arrays("[{\"a\":1}]\n[]\n\n[{}]\n").len(), 3);
    }
}
