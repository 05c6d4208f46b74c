//! Everything that a sandbox's network is, as the real tools and `/proc` tell it, as lines: equal lists mean that
//! nothing is different.

#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use netstrap::netns::{Folder, Namespace};

use super::json::Json;
use super::tool;

/// What a snapshot leaves out: what the kernel counts, draws or does on its own in a while.
const PASSING: &[&str] = &[
    // What a link takes from those below it at the time it is made.
    "tso_max_size",
    "tso_max_segs",
    // What follows from the carrier, a moment later.
    "operstate",
    "qdisc",
    "promiscuity",
    "allmulti",
    // Drawn.
    "link_index",
    "link_netnsid",
    "permaddr",
    "expires",
    // The state of a bridge and of a port.
    "bridge_id",
    "root_id",
    "root_port",
    "root_path_cost",
    "topology_change",
    "topology_change_detected",
    "topology_change_ack",
    "config_pending",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "designated_port",
    "designated_cost",
    "state",
    "id",
    "no",
];
/// Flags that follow from the carrier, and from who was first.
const PASSING_FLAGS: &[&str] = &["NO-CARRIER", "M-DOWN", "LOWER_UP", "linkdown"];

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Everything, with indexes and hardware addresses: nothing was touched.
    Exactly,
    /// Without what is drawn anew when a thing is made anew.
    Alike,
}

/// The whole sandbox: the host, every name in `/run/netns`, `/etc/netns`, mounts of namespaces.
pub fn snapshot(look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    place("host", look, &mut lines);
    for name in names("/run/netns") {
        let open = || Namespace::open(&Folder::standard(), name.as_bytes());
        let kind = fs::symlink_metadata(format!("/run/netns/{name}")).unwrap().file_type();
        // A pipe's other end would be waited for.
        let is_entered =
            kind.is_file() && open().and_then(|space| space.within(|| place(&name, look, &mut lines))).is_ok();
        if !is_entered {
            lines.push(format!("no namespace: {name}, {kind:?}"));
        }
    }
    for space in names("/etc/netns") {
        for file in names(&format!("/etc/netns/{space}")) {
            let text = fs::read_to_string(format!("/etc/netns/{space}/{file}")).unwrap_or_default();
            lines.push(format!("/etc/netns/{space}/{file}: {text:?}"));
        }
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let of_spaces = mounts.lines().filter_map(|line| line.split(' ').nth(4)).filter(|at| at.starts_with("/run/netns/"));
    lines.extend(of_spaces.map(|at| format!("mount {at}")));
    lines.sort();
    lines
}

/// The names in a folder, in order; none where there is none.
pub fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The namespace that the caller is in.
fn place(name: &str, look: Look, lines: &mut Vec<String>) {
    for (kind, one) in objects() {
        if kind == "link" {
            link(name, look, &one, lines);
        } else if !is_link_local(&one) {
            lines.push(format!("{name} {kind} {}", without_flags(&one).line(PASSING)));
        }
    }
    for table in run("nft", &["list", "ruleset"], "").split_inclusive("\n}\n") {
        lines.push(format!("{name} nft {}", without_counts(table)));
    }
    sysctls(name, Path::new("/proc/sys/net/ipv4"), lines);
    sysctls(name, Path::new("/proc/sys/net/ipv6"), lines);
}

/// Rules without what they have counted.
fn without_counts(table: &str) -> String {
    let mut words = table.split(' ');
    let mut out = Vec::new();
    while let Some(word) = words.next() {
        out.push(word);
        if word == "packets" || word == "bytes" {
            words.next();
        }
    }
    out.join(" ")
}

/// What `ip` lists, by kind: links with their addresses, routes of all tables, rules, permanent neighbours.
pub fn objects() -> Vec<(&'static str, Json)> {
    const LISTS: [(&str, &[&str], &[&str]); 2] = [
        (
            "addr show\nroute show table all\nrule show\nneigh show nud permanent\nneigh show proxy\n",
            &["link", "route", "rule", "neigh", "proxy"],
            &["-d", "-j", "-batch", "-"],
        ),
        ("route show table all\nrule show\n", &["route", "rule"], &["-6", "-d", "-j", "-batch", "-"]),
    ];
    let mut all = Vec::new();
    for (commands, kinds, words) in LISTS {
        let text = run("ip", words, commands);
        let lists: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lists.len(), kinds.len(), "{text}");
        for (kind, list) in kinds.iter().zip(lists) {
            let list = Json::read(list);
            // Without a family, `route show table all` lists both.
            let again = words[0] == "-6" && *kind == "route";
            all.extend(list.list().iter().filter(|_| !again).map(|one| (*kind, one.clone())));
        }
    }
    all
}

fn link(place: &str, look: Look, one: &Json, lines: &mut Vec<String>) {
    let name = one.text("ifname");
    let mut without: Vec<&str> = PASSING.iter().copied().chain(["addr_info"]).collect();
    if look == Look::Alike {
        without.extend(["ifindex", "address"]);
    }
    // While its spanning tree changes, entries of a bridge live twice the forward delay; its times are those of the root.
    let stp = one.get("linkinfo").and_then(|info| info.get("info_data")).map(|data| data.text("stp_state"));
    if stp == Some("1") {
        without.extend(["ageing_time", "forward_delay", "hello_time", "max_age"]);
    }
    lines.push(format!("{place} link {name} {}", without_flags(one).line(&without)));
    for address in one.get("addr_info").map(Json::list).unwrap_or_default() {
        // Made of a hardware address, a moment later.
        if !address.text("local").starts_with("fe80:") {
            lines.push(format!("{place} address {name} {}", address.line(&[])));
        }
    }
}

/// Routes of link-local addresses of interfaces, which are made of hardware addresses, and of multicast, which follow
/// from the carrier, a moment later.
fn is_link_local(route: &Json) -> bool {
    ["fe80:", "ff00:"].iter().any(|start| route.text("dst").starts_with(start)) && route.text("protocol") == "kernel"
}

fn without_flags(one: &Json) -> Json {
    let Json::Object(members) = one else { return one.clone() };
    let is_passing = |flag: &Json| matches!(flag, Json::Word(word) if PASSING_FLAGS.contains(&word.as_str()));
    let kept = members.iter().map(|(key, member)| match member {
        Json::List(list) if key == "flags" => {
            (key.clone(), Json::List(list.iter().filter(|flag| !is_passing(flag)).cloned().collect()))
        }
        Json::List(list) => (key.clone(), Json::List(list.iter().map(without_flags).collect())),
        _ => (key.clone(), member.clone()),
    });
    Json::Object(kept.collect())
}

/// All parameters below a folder that can be read.
fn sysctls(place: &str, folder: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sysctls(place, &path, lines);
        } else if let Ok(value) = fs::read_to_string(&path) {
            let name = path.strip_prefix("/proc/sys/").unwrap().display();
            lines.push(format!("{place} sysctl {name} = {}", value.trim_end()));
        }
    }
}

/// Runs a tool of the system in the namespace that the caller is in.
fn run(program: &str, words: &[&str], input: &str) -> String {
    let mut command = Command::new(tool(program));
    command.args(words).env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    super::Ran::of(child.wait_with_output().unwrap()).ok()
}

/// Lines that are not in both lists, `-` in front of those of the first, `+` of the second; the first of many.
pub fn difference(before: &[String], after: &[String]) -> String {
    const MOST: usize = 40;
    let mut out = String::new();
    for (sign, one, other) in [('-', before, after), ('+', after, before)] {
        let lines: Vec<&String> = one.iter().filter(|line| other.binary_search(line).is_err()).collect();
        lines.iter().take(MOST).for_each(|line| out += &format!("{sign} {line}\n"));
        if lines.len() > MOST {
            out += &format!("{sign} and {} more\n", lines.len() - MOST);
        }
    }
    if out.is_empty() && before != after { "the same lines, other numbers of them\n".to_owned() } else { out }
}

/// Fails, with what is different, unless two snapshots are equal.
#[track_caller]
pub fn same(what: &str, before: &[String], after: &[String]) {
    let different = difference(before, after);
    assert!(different.is_empty(), "{what}:\n{different}");
}
