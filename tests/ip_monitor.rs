//! `ip monitor` beside iproute2's: both listen to the same changes, and print the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{NETSTRAP, ours, sandboxed, theirs, tool};

/// A monitor that writes to a file.
struct Monitor {
    child: Child,
    path: String,
}

impl Monitor {
    fn start(mut command: Command, words: &[&str], name: &str) -> Self {
        let path = format!("/run/monitor-{name}");
        let file = File::create(&path).unwrap();
        command.args(words).stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Monitor { child: command.env("TZ", "UTC").spawn().unwrap(), path }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.path).unwrap()).into_owned()
    }

    /// Waits for the change that a test makes last.
    fn until(&self, mark: &str) {
        let start = Instant::now();
        while !self.text().contains(mark) {
            assert!(start.elapsed() < Duration::from_secs(20), "{mark} never came: {}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn netstrap_ip() -> Command {
    let mut command = Command::new(NETSTRAP);
    command.arg("ip");
    command
}

/// Starts a monitor and makes sure that it listens: links come and go until it tells of one.
fn listening(command: Command, words: &[&str], name: &str) -> Monitor {
    let monitor = Monitor::start(command, words, name);
    let start = Instant::now();
    while monitor.text().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20), "{name} does not listen");
        theirs(&["ip", "link", "add", "probe0", "type", "bridge"]).ok();
        theirs(&["ip", "addr", "add", "192.0.2.99/32", "dev", "probe0"]).ok();
        theirs(&["ip", "link", "del", "probe0"]).ok();
        std::thread::sleep(Duration::from_millis(50));
    }
    monitor
}

const CHANGES: &str = "\
link add v0 type veth peer name v1
link set v0 up
link set v1 up
addr add 10.0.0.1/24 dev v0
addr add fd00::1/64 dev v1 nodad
route add 10.9.0.0/16 via 10.0.0.2
route add 10.8.0.0/16 nexthop via 10.0.0.3 nexthop via 10.0.0.4
neigh add 10.0.0.7 lladdr 00:11:22:33:44:55 dev v0
neigh del 10.0.0.7 dev v0
rule add from 192.0.2.4 table 77
rule del from 192.0.2.4 table 77
nexthop add id 5 via 10.0.0.2 dev v0
nexthop del id 5
link add br0 type bridge
link set v1 master br0
link set v1 nomaster
link property add dev v0 altname v-alt
link set v0 alias foo
netns add red
netns set red 5
route del 10.9.0.0/16
addr del 10.0.0.1/24 dev v0
link del v0
link del br0
addr add 192.0.2.77/32 dev lo";

/// The change that ends a run.
const LAST: &str = "192.0.2.77";

/// What a monitor printed after the links that only woke it.
fn after_probes(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|line| line.contains("probe0") || line.contains("192.0.2.99"));
    let rest = &lines[last.map_or(0, |at| at + 1)..];
    // The address line of a probe's last message.
    let rest: Vec<&str> = rest.iter().copied().skip_while(|line| line.starts_with("    link/")).collect();
    rest.join("\n")
}

#[test]
fn events_are_printed_as_iproute2_prints_them() {
    sandboxed("events_are_printed_as_iproute2_prints_them", || {
        for words in [
            &["monitor", "link", "addr", "route", "neigh", "rule", "nexthop"][..],
            &["monitor", "label", "netconf", "rule", "addr"],
            &["-o", "monitor", "addr", "link", "neigh"],
            &["-4", "monitor", "addr", "route"],
            &["monitor", "all"],
            &["monitor", "netconf", "link", "addr"],
        ] {
            let a = listening(netstrap_ip(), words, "ours");
            let b = listening(Command::new(tool("ip")), words, "theirs");
            for line in CHANGES.lines() {
                theirs(&[&["ip"], &line.split(' ').collect::<Vec<_>>()[..]].concat()).ok();
                std::thread::sleep(Duration::from_millis(10));
            }
            a.until(LAST);
            b.until(LAST);
            theirs(&["ip", "netns", "del", "red"]).ok();
            theirs(&["ip", "addr", "del", "192.0.2.77/32", "dev", "lo"]).ok();
            let cut = |text: String| text.split(LAST).next().unwrap().to_owned();
            let (ours, theirs) = (cut(after_probes(&a.text())), cut(after_probes(&b.text())));
            assert!(theirs.lines().count() > 5, "{theirs}");
            assert_eq!(ours, theirs, "{words:?}");
        }
    });
}

#[test]
fn a_namespace_is_named_as_it_is_called_now() {
    sandboxed("a_namespace_is_named_as_it_is_called_now", || {
        ours(&["ip", "netns", "add", "first"]).ok();
        let ours_now = listening(netstrap_ip(), &["monitor", "link", "addr"], "ours");
        let theirs_now = listening(Command::new(tool("ip")), &["monitor", "link", "addr", "nsid"], "theirs");
        for name in ["first", "second"] {
            theirs(&["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", name]).ok();
            theirs(&["ip", "link", "del", "v0"]).ok();
            theirs(&["ip", "netns", "del", name]).ok();
            std::thread::sleep(Duration::from_millis(500));
            theirs(&["ip", "netns", "add", "second"]);
        }
        theirs(&["ip", "addr", "add", "192.0.2.77/32", "dev", "lo"]).ok();
        for monitor in [&ours_now, &theirs_now] {
            monitor.until(LAST);
            let named = monitor.text().lines().filter(|line| line.ends_with("link-netns second")).count();
            assert!(named > 0, "{}", monitor.text());
        }
    });
}

#[test]
fn times_and_json() {
    sandboxed("times_and_json", || {
        let short = listening(netstrap_ip(), &["-ts", "monitor", "label", "addr"], "short");
        let long = listening(netstrap_ip(), &["-t", "monitor", "addr"], "long");
        let json = listening(netstrap_ip(), &["-j", "-ts", "monitor", "addr"], "json");
        theirs(&["ip", "addr", "add", "192.0.2.77/32", "dev", "lo"]).ok();
        for monitor in [&short, &long, &json] {
            monitor.until(LAST);
        }
        let line = |monitor: &Monitor| monitor.text().lines().find(|line| line.contains(LAST)).unwrap().to_owned();
        // `[2026-11-25T16:56:32.573196] [ADDR]1: lo    inet ...`
        let text = line(&short);
        let (stamp, rest) = text.split_once("] ").unwrap();
        assert!(stamp.len() == "[2026-11-25T16:56:32.573196".len() && stamp.as_bytes()[11] == b'T', "{text}");
        assert!(rest.starts_with("[ADDR]1: lo    inet 192.0.2.77/32 scope global lo"), "{text}");
        let text = long.text();
        let stamp = text.lines().next().unwrap();
        assert!(stamp.starts_with("Timestamp: ") && stamp.ends_with(" usec"), "{stamp}");
        assert_eq!(stamp.split_whitespace().count(), 8, "{stamp}");
        let text = line(&json);
        assert!(text.starts_with(r#"{"timestamp":""#) && text.ends_with('}'), "{text}");
        assert!(text.contains(r#""event":"addr","index":1,"dev":"lo","family":"inet","local":"192.0.2.77""#), "{text}");
    });
}

#[test]
fn lost_notifications_are_told_and_listening_goes_on() {
    sandboxed("lost_notifications_are_told_and_listening_goes_on", || {
        let monitor = listening(netstrap_ip(), &["monitor", "route"], "lossy");
        let stop = |signal: &str| {
            let pid = monitor.child.id().to_string();
            support::run(Command::new(tool("kill")).args([signal, &pid])).ok();
        };
        ours(&["ip", "link", "set", "lo", "up"]).ok();
        stop("-STOP");
        let lines: String =
            (0..20_000).map(|n| format!("route add 10.{}.{}.0/24 dev lo\n", n / 200, n % 200)).collect();
        std::fs::write("/run/many", lines).unwrap();
        ours(&["ip", "-batch", "/run/many"]).ok();
        stop("-CONT");
        monitor.until("netlink receive error No buffer space available (105)");
        // What was queued is printed first; until then there is no room for more.
        let mut printed = 0;
        while printed < monitor.text().len() {
            printed = monitor.text().len();
            std::thread::sleep(Duration::from_millis(300));
        }
        ours(&["ip", "route", "add", "192.0.2.77/32", "dev", "lo"]).ok();
        monitor.until(LAST);
    });
}
