//! What the tests of files that say a network share: a sandbox, a file, the verbs, and scripts of the real tools.

#![allow(dead_code)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::json::Json;
use super::snapshot::{Look, names, snapshot};
use super::{NETSTRAP, Ran, ours, run, tool};

/// Two namespaces on a bridge, with the host as their way out.
pub const WALKTHROUGH: &str = include_str!("../../examples/walkthrough.toml");
/// Nothing is waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes a file; its name.
pub fn file(name: &str, text: &str) -> String {
    let path = format!("/run/{name}.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// `netstrap VERB [WORDS...] FILE`, of a file with this text.
pub fn verb(words: &[&str], text: &str) -> Ran {
    let path = file("file", text);
    ours(&words.iter().copied().chain([path.as_str()]).collect::<Vec<_>>())
}

/// Applies a text, which must change something.
#[track_caller]
pub fn apply(text: &str) -> String {
    let said = verb(&["apply"], text).ok();
    assert!(said.starts_with("changed: ") && said.ends_with('\n'), "{said}");
    said
}

/// Applies a text that holds already.
#[track_caller]
pub fn unchanged(text: &str) {
    let ran = verb(&["apply"], text);
    assert_eq!((ran.code, ran.out.as_str()), (0, "unchanged\n"), "{ran:?}");
}

/// There is nothing to do for a text.
#[track_caller]
pub fn planned_nothing(text: &str) {
    let ran = verb(&["plan"], text);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
}

/// Takes a lab down, of which there must be something.
#[track_caller]
pub fn down(name: &str) {
    let said = ours(&["down", name]).ok();
    assert!(said.starts_with("changed: "), "{said}");
}

/// How a command must end, and what its standard error must hold.
#[track_caller]
pub fn refused(ran: &Ran, code: i32, says: &[&str]) {
    let says_all = says.iter().all(|words| ran.err.contains(words));
    assert!(ran.code == code && says_all, "wanted {code} and {says:?}: {ran:?}");
}

/// Runs a script by the shell and the real tools; it must succeed.
#[track_caller]
pub fn sh(script: &str) -> String {
    // Where the administrators' programs are too.
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let ran = run(Command::new("sh").args(["-ec", script]).env("PATH", path).env("NETSTRAP", NETSTRAP));
    assert_eq!(ran.code, 0, "{script}: {ran:?}");
    ran.out
}

/// Waits for something.
#[track_caller]
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Waits until the IPv6 addresses that are there and not tentative are in use: a worker of the kernel adds their local
/// routes.
#[track_caller]
pub fn in_use() {
    let names = sh("ip netns list").lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    for enter in std::iter::once(String::new()).chain(names.into_iter().map(|name| format!("-n {name}"))) {
        until("IPv6 addresses in use", || {
            let routes = sh(&format!("ip {enter} -6 route show table local"));
            let mut carries = false;
            sh(&format!("ip {enter} -6 addr show up")).lines().all(|line| {
                match line.trim_start().strip_prefix("inet6 ") {
                    None => {
                        carries = line.contains("LOWER_UP") || carries && line.starts_with(' ');
                        true
                    }
                    Some(rest) => {
                        let address = rest.split('/').next().unwrap();
                        !carries || rest.contains("tentative") || routes.contains(&format!("local {address} "))
                    }
                }
            })
        });
    }
}

/// Waits for a process's end.
#[track_caller]
pub fn ended(child: &mut Child) -> i32 {
    let mut code = None;
    until("the end of a process", || {
        code = child.try_wait().unwrap();
        code.is_some()
    });
    code.unwrap().code().unwrap_or(-1)
}

/// The whole sandbox, exactly as it is.
pub fn exactly() -> Vec<String> {
    snapshot(Look::Exactly)
}

/// The whole sandbox, without what is drawn anew when a thing is made anew.
pub fn alike() -> Vec<String> {
    snapshot(Look::Alike)
}

/// The files of labs, without the lock.
pub fn records() -> Vec<String> {
    names("/run/netstrap").into_iter().filter(|name| name != "lock").collect()
}

/// Index and hardware address of every link of a place, by name; of the host's if there is no name.
pub fn identities(netns: &str) -> Vec<(String, String, String)> {
    let words: &[&str] = if netns.is_empty() { &["-j", "link"] } else { &["-n", netns, "-j", "link"] };
    let list = Json::read(&run(Command::new(tool("ip")).args(words)).ok());
    let text = |one: &Json, key: &str| one.text(key).to_owned();
    list.list().iter().map(|one| (text(one, "ifname"), text(one, "ifindex"), text(one, "address"))).collect()
}

/// A command of ours under strace with these words in front; what strace writes is in the file.
pub fn traced(strace: &[&str], trace: &str, words: &[&str]) -> Command {
    // Also where a shell has started the tests in the background, which ignore SIGINT then.
    let mut command = Command::new(tool("env"));
    command
        .args(["--default-signal", &tool("strace")])
        .args(["-f", "-qq", "-o", trace])
        .args(strace)
        .arg(NETSTRAP)
        .args(words)
        .env_remove("NETSTRAP_HINTS");
    command.stdin(Stdio::null());
    command
}
