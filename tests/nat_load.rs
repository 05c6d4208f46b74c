//! NAT under load: the table is replaced over and over while connections are opened through it, many add to one
//! chain at once, and thousands of rules go in one transaction. Nothing here is about speed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::firewall::{self as fw, Side};
use support::{run, sandboxed, theirs, tool};

/// Connections that are opened while the table is replaced.
const CONNECTIONS: usize = 10_000;
/// Times that the table is replaced meanwhile, at least.
const REPLACES: usize = 50;
/// Written when that has been done.
const ENOUGH: &str = "/run/enough";
/// Those who open them.
const CLIENTS: usize = 4;
/// Rules of one transaction.
const RULES: usize = 5_000;
const SERVER: &str = "10.9.0.2:7000";
const ROLE: &str = "NETSTRAP_TEST_PEER";

/// Not a test by itself: the peers of the others, started inside their namespaces.
#[test]
fn peer() {
    match std::env::var(ROLE).as_deref() {
        Ok("server") => serve(),
        Ok("client") => ask(),
        _ => {}
    }
}

/// Tells everyone who connects which address that comes from.
fn serve() {
    let listener = TcpListener::bind(SERVER).unwrap();
    std::fs::write("/run/ready", "").unwrap();
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let seen = stream.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
        let _ = stream.write_all(seen.as_bytes());
    }
}

/// Opens connections until there were enough replaces too, and prints how many were seen to come from the translated
/// address, and what went wrong.
fn ask() {
    let server: SocketAddr = SERVER.parse().unwrap();
    let fine = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for n in 0.. {
                    if n >= CONNECTIONS / CLIENTS {
                        if std::path::Path::new(ENOUGH).exists() {
                            break;
                        }
                        // The kernel remembers each for two minutes.
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    let mut seen = String::new();
                    let read = TcpStream::connect_timeout(&server, Duration::from_secs(20)).and_then(|mut stream| {
                        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
                        stream.read_to_string(&mut seen)
                    });
                    match read {
                        Ok(_) if seen == "10.9.0.1" => drop(fine.fetch_add(1, Ordering::Relaxed)),
                        other => println!("BAD {other:?} {seen}"),
                    }
                }
            });
        }
    });
    println!("FINE {}", fine.into_inner());
}

/// Namespaces red - here - ext; ext has no route back to red, so only what is translated is answered.
const WORLD: &[&str] = &[
    "ip netns add red",
    "ip netns add ext",
    "ip link add to-red type veth peer name eth0 netns red",
    "ip link add to-ext type veth peer name eth0 netns ext",
    "ip link set to-red up",
    "ip link set to-ext up",
    "ip addr add 192.168.15.5/24 dev to-red",
    "ip addr add 10.9.0.1/24 dev to-ext",
    "ip -n red addr add 192.168.15.2/24 dev eth0",
    "ip -n ext addr add 10.9.0.2/24 dev eth0",
    "ip -n red link set eth0 up",
    "ip -n ext link set eth0 up",
    "ip -n red route add default via 192.168.15.5",
];

fn peer_in(namespace: &str, role: &str) -> Command {
    let mut command = Command::new(tool("ip"));
    command.args(["netns", "exec", namespace]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "peer", "--nocapture", "--test-threads=1"]).env(ROLE, role).stdin(Stdio::null());
    command
}

/// Opens all connections while `replace` is called over and over, with 0 and 1 in turn. It has the
/// rule that translates in place before the first one.
fn connections_outlast(replace: fn(usize)) {
    for line in WORLD {
        theirs(&line.split(' ').collect::<Vec<_>>()).ok();
    }
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    let mut server = peer_in("ext", "server").stdout(Stdio::null()).spawn().unwrap();
    while !std::path::Path::new("/run/ready").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    replace(0);
    let mut client = peer_in("red", "client").stdout(Stdio::piped()).spawn().unwrap();
    let mut output = client.stdout.take().unwrap();
    let output = std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });
    let mut count = 0;
    while client.try_wait().unwrap().is_none() {
        count += 1;
        replace(count % 2);
        if count == REPLACES {
            std::fs::write(ENOUGH, "").unwrap();
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let text = output.join().unwrap().unwrap();
    let bad: Vec<&str> = text.lines().filter(|line| line.contains("BAD ")).collect();
    assert!(bad.is_empty(), "{} failed: {:?}", bad.len(), &bad[..bad.len().min(5)]);
    let fine = text.split("FINE ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
    assert!(fine.parse::<usize>().unwrap() >= CONNECTIONS && count >= REPLACES, "{text}");
    println!("{fine} connections during {count} replaces");
}

#[test]
fn connections_outlast_restores_of_the_table() {
    sandboxed("connections_outlast_restores_of_the_table", || {
        connections_outlast(|turn| {
            let mut text = "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:other - [0:0]\n".to_owned();
            for n in 0..40 + turn {
                text += &format!("-A other -s 172.16.{turn}.{n}/32 -j RETURN\n");
            }
            text += "-A POSTROUTING -j other\n-A POSTROUTING -s 192.168.15.0/24 ! -d 192.168.15.0/24 -j MASQUERADE\nCOMMIT\n";
            fw::fed(Side::Ours, &["iptables-restore"], &text).ok();
        });
    });
}

/// The rules of a chain that stand for `part`, by number.
fn numbers(chain: &str, part: &str) -> Vec<usize> {
    let text = fw::by(Side::Theirs, &["iptables", "-S", chain]).ok();
    let rules = text.lines().filter_map(|line| line.split_once(&format!("-s 10.{part}.")));
    rules
        .map(|(_, rest)| {
            let (high, low) = rest.split_once("/32").unwrap().0.split_once('.').unwrap();
            high.parse::<usize>().unwrap() * 250 + low.parse::<usize>().unwrap()
        })
        .collect()
}

#[test]
fn adds_that_race_the_real_iptables_are_all_kept_in_order() {
    sandboxed("adds_that_race_the_real_iptables_are_all_kept_in_order", || {
        let adders = [(Side::Ours, 1, 500), (Side::Ours, 2, 500), (Side::Theirs, 3, 300)];
        std::thread::scope(|scope| {
            for (side, part, count) in adders {
                scope.spawn(move || {
                    for n in 0..count {
                        let source = format!("10.{part}.{}.{}", n / 250, n % 250);
                        fw::by(side, &["iptables", "-A", "FORWARD", "-s", &source, "-j", "ACCEPT"]).ok();
                    }
                });
            }
        });
        for (_, part, count) in adders {
            // Each once, in the order in which they were added.
            assert_eq!(numbers("FORWARD", &part.to_string()), (0..count).collect::<Vec<_>>(), "adder {part}");
        }
    });
}

#[test]
fn deletes_that_race_the_real_iptables_delete_what_they_name() {
    sandboxed("deletes_that_race_the_real_iptables_delete_what_they_name", || {
        let text: String = (0..400).map(|n| format!("-A FORWARD -s 10.1.{}.{} -j DROP\n", n / 250, n % 250)).collect();
        fw::fed(Side::Theirs, &["iptables-restore"], &format!("*filter\n{text}COMMIT\n")).ok();
        std::thread::scope(|scope| {
            for (side, rest) in [(Side::Ours, 0), (Side::Ours, 1), (Side::Theirs, 2)] {
                scope.spawn(move || {
                    for n in (0..400).filter(|n| n % 4 == rest) {
                        let source = format!("10.1.{}.{}", n / 250, n % 250);
                        fw::by(side, &["iptables", "-D", "FORWARD", "-s", &source, "-j", "DROP"]).ok();
                    }
                });
            }
        });
        assert_eq!(numbers("FORWARD", "1"), (0..400).filter(|n| n % 4 == 3).collect::<Vec<_>>());
    });
}

#[test]
fn deletes_by_number_that_race_delete_one_each() {
    sandboxed("deletes_by_number_that_race_delete_one_each", || {
        let text: String = (0..200).map(|n| format!("-A FORWARD -s 10.1.0.{n} -j DROP\n")).collect();
        fw::fed(Side::Theirs, &["iptables-restore"], &format!("*filter\n{text}COMMIT\n")).ok();
        std::thread::scope(|scope| {
            for side in [Side::Ours, Side::Ours, Side::Theirs] {
                scope.spawn(move || {
                    for _ in 0..60 {
                        let mut ran = fw::line(side, "iptables -D FORWARD 1");
                        // iptables 1.8.9 itself fails where another one was faster.
                        while ran.code == 4 && (side == Side::Theirs || fw::standin()) {
                            ran = fw::line(side, "iptables -D FORWARD 1");
                        }
                        ran.ok();
                    }
                });
            }
        });
        assert_eq!(numbers("FORWARD", "1"), (180..200).collect::<Vec<_>>());
    });
}

/// `iptables-restore` input with many rules, some after them.
fn many(after: &str) -> String {
    let rules: String = (0..RULES)
        .map(|n| format!("-A FORWARD -s 10.1.{}.{}/32 -p tcp -m tcp --dport {} -j ACCEPT\n", n / 250, n % 250, n + 1))
        .collect();
    format!("*filter\n:one - [0:0]\n:two - [0:0]\n{rules}{after}COMMIT\n")
}

/// The most that one send takes of who is not root outside of namespaces: twice the sysctl's value, which is at least
/// what a rule of [`many`] needs in the message times [`RULES`], or not.
fn is_room() -> bool {
    let of = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let is_real_root = of("/proc/self/uid_map").split_whitespace().eq(["0", "0", "4294967295"]);
    // Where the namespace shows none, it is the default one.
    let limit: usize = of("/proc/sys/net/core/wmem_max").trim().parse().unwrap_or(212_992);
    is_real_root || limit * 2 > RULES * 500
}

#[test]
fn five_thousand_rules_are_one_transaction() {
    sandboxed("five_thousand_rules_are_one_transaction", || {
        fw::line(Side::Theirs, "iptables -A INPUT -i lo -j ACCEPT").ok();
        let before = fw::exactly();
        // A loop of jumps at the end is found by the kernel alone.
        let ran = fw::fed(
            Side::Ours,
            &["iptables-restore", "-n"],
            &many("-A FORWARD -j one\n-A one -j two\n-A two -j one\n"),
        );
        assert!(ran.code != 0 && !ran.err.is_empty(), "{ran:?}");
        assert_eq!(fw::exactly(), before, "what was refused left something behind");
        let ran = fw::fed(Side::Ours, &["iptables-restore", "-n"], &many("-A FORWARD -j one\n-A one -j two\n"));
        if is_room() {
            ran.ok();
            assert_eq!(numbers("FORWARD", "1"), (0..RULES).collect::<Vec<_>>());
            assert!(fw::by(Side::Theirs, &["iptables", "-S"]).ok().contains("-A one -j two"));
        } else {
            assert!(ran.code == 4 && ran.err.contains("wmem_max"), "a clear refusal: {ran:?}");
            assert_eq!(fw::exactly(), before);
        }
    });
}

#[test]
fn who_may_not_have_a_large_buffer_is_told_so() {
    // In a user namespace the buffer is limited; so large a batch passes the limit of every default.
    let limit: usize =
        std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap_or_default().trim().parse().unwrap_or(0);
    let rules = limit * 2 / 100 + 1;
    let text: String = (0..rules).map(|_| "-A FORWARD -s 10.1.2.3/32 -j ACCEPT\n").collect();
    let file = std::env::temp_dir().join(format!("netstrap-large-{}", std::process::id()));
    std::fs::write(&file, format!("*filter\n{text}COMMIT\n")).unwrap();
    let inner = fw::command(Side::Ours, &["iptables-restore", "-n", &file.display().to_string()]);
    let mut command = Command::new(tool("unshare"));
    command.args(["-Urn", "--"]).arg(inner.get_program()).args(inner.get_args());
    let ran = run(&mut command);
    let _ = std::fs::remove_file(&file);
    let said = if fw::standin() { "Message too long" } else { "net.core.wmem_max" };
    assert!(ran.code != 0 && ran.err.contains(said), "{ran:?}");
}

/// Lines for `netstrap nat replace`.
fn own_rules(count: usize, part: usize) -> String {
    (0..count).map(|n| format!("masquerade from 172.{part}.{}.{}/32 out to-ext\n", n / 250, n % 250)).collect()
}

fn own_list() -> Vec<String> {
    support::ours(&["nat", "list"]).ok().lines().map(str::to_owned).collect()
}

#[test]
fn connections_outlast_replaces_of_our_own_table() {
    sandboxed("connections_outlast_replaces_of_our_own_table", || {
        connections_outlast(|turn| {
            let text = own_rules(40 + turn, 16 + turn) + "masquerade from 192.168.15.0/24 out to-ext\n";
            fw::fed(Side::Ours, &["nat", "replace", "-"], &text).ok();
        });
    });
}

#[test]
fn five_thousand_own_rules_are_one_transaction() {
    sandboxed("five_thousand_own_rules_are_one_transaction", || {
        support::ours(&["nat", "add", "masquerade", "from", "10.0.0.0/8"]).ok();
        let before = fw::exactly();
        let replace = |text: &str| fw::fed(Side::Ours, &["nat", "replace", "-"], text);
        // What is wrong in the last line keeps all out.
        let ran = replace(&(own_rules(RULES, 16) + "masquerade from fd00::/64 to 10.0.0.0/8\n"));
        assert!(ran.code != 0 && !ran.err.is_empty(), "{ran:?}");
        assert_eq!(fw::exactly(), before);
        let ran = replace(&own_rules(RULES, 16));
        if is_room() {
            ran.ok();
            assert_eq!(own_list().len(), RULES);
            let there = fw::exactly();
            assert!(replace(&own_rules(RULES, 16)).ok().contains("unchanged"));
            assert_eq!(fw::exactly(), there, "what is equal was written again");
        } else {
            assert!(ran.code == 1 && ran.err.contains("wmem_max"), "a clear refusal: {ran:?}");
            assert_eq!(fw::exactly(), before);
        }
    });
}

#[test]
fn equal_rules_that_are_added_at_once_are_there_once() {
    sandboxed("equal_rules_that_are_added_at_once_are_there_once", || {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for line in own_rules(100, 16).lines() {
                        let words: Vec<&str> = ["nat", "add"].into_iter().chain(line.split(' ')).collect();
                        fw::by(Side::Ours, &words).ok();
                    }
                });
            }
        });
        let mut list = own_list();
        list.sort();
        list.dedup();
        assert_eq!(list.len(), 100);
        assert_eq!(own_list().len(), 100, "some are there twice");
    });
}
