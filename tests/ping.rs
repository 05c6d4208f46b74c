//! The `ping` applet: alone on a private network, and beside iputils' ping on the same
//! one. Times are masked; every other character and the exit code must be the same.

#![allow(clippy::expect_used)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use support::{NETSTRAP, Ran, hinted, ours, sandboxed, split, theirs};

/// Sets up the network; whose `ip` does that is decided here.
fn ip(line: &str) {
    let words: Vec<&str> = ["ip"].into_iter().chain(line.split(' ')).collect();
    theirs(&words).ok();
}

fn sysctl(ns: Option<&str>, setting: &str) {
    let enter: &[&str] = match &ns {
        Some(ns) => &["ip", "netns", "exec", ns],
        None => &[],
    };
    let words = [enter, &[NETSTRAP, "sysctl", "-qw", setting]].concat();
    let status = Command::new(words[0]).args(&words[1..]).status().expect("run sysctl");
    assert!(status.success(), "{setting}");
}

/// A host here, a router `r`, a host `b` behind it on a link with a small MTU, and every kind of route that
/// refuses, on the router (10.0.x, fd0x) and here (10.1.x, fd1x).
///
/// A router tells one host of no more than five routes that refuse in a row, and of one more each second.
fn network() {
    for ns in [None, Some("r"), Some("b")] {
        if let Some(ns) = ns {
            ip(&format!("netns add {ns}"));
        }
        sysctl(ns, "net.ipv6.conf.default.accept_dad=0");
        // Errors come at once and always.
        sysctl(ns, "net.ipv4.icmp_ratemask=0");
        sysctl(ns, "net.ipv6.icmp.ratelimit=0");
    }
    for line in [
        "link add va type veth peer name vr netns r",
        "-n r link add vb type veth peer name eb netns b",
        "-n r link set vb mtu 1400",
        "-n b link set eb mtu 1400",
        "addr add 10.0.1.2/24 brd + dev va",
        "addr add fd01::2/64 dev va",
        "-n r addr add 10.0.1.1/24 brd + dev vr",
        "-n r addr add fd01::1/64 dev vr",
        "-n r addr add 10.0.2.1/24 dev vb",
        "-n r addr add fd02::1/64 dev vb",
        "-n b addr add 10.0.2.2/24 dev eb",
        "-n b addr add fd02::2/64 dev eb",
        "link set va up",
        "-n r link set vr up",
        "-n r link set vb up",
        "-n b link set eb up",
        "route add default via 10.0.1.1",
        "-6 route add default via fd01::1",
        "-n b route add default via 10.0.2.1",
        "-n b -6 route add default via fd02::1",
    ] {
        ip(line);
    }
    for (number, kind) in [(3, "prohibit"), (4, "unreachable"), (5, "blackhole")] {
        ip(&format!("-n r route add {kind} 10.0.{number}.0/24"));
        ip(&format!("-n r -6 route add {kind} fd0{number}::/64"));
        ip(&format!("route add {kind} 10.1.{number}.0/24"));
        ip(&format!("-6 route add {kind} fd1{number}::/64"));
    }
    for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_echo_ignore_broadcasts=0"]
    {
        sysctl(Some("r"), setting);
    }
    // Until the routers know their neighbours, first answers are late.
    for far in ["10.0.2.2", "fd02::2"] {
        assert_eq!(ours(&["ping", "-q", "-c2", "-w9", "-i0.1", far]).code, 0, "{far}");
    }
}

/// Replaces times by `T`.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut rest = line;
        if let (Some(_), Some((_, after))) = (line.strip_prefix('['), line.split_once("] ")) {
            (out, rest) = (out + "[T] ", after);
        }
        for (before, after) in [("time=", " ms"), (", time ", "ms"), ("mdev = ", " ms"), ("ipg/ewma ", " ms")] {
            if let Some((head, tail)) = rest.split_once(before)
                && let Some((_, tail)) = tail.split_once(after)
            {
                out = out + head + before + "T" + after;
                rest = tail;
            }
        }
        // How many requests were out at a time depends on the machine's speed.
        if let Some((head, tail)) = rest.split_once(", pipe ") {
            out += head;
            rest = tail.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        out = out + rest + "\n";
    }
    out
}

/// Runs a command line with our ping and with iputils'.
fn beside(line: &str) -> (Ran, Ran) {
    let words = split(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // Theirs is called by its path, and says so.
    let mask = |ran: Ran| {
        let err = ran.err.replace("/usr/bin/ping", "ping").replace("/bin/ping", "ping");
        Ran { out: masked(&ran.out), err: masked(&err), ..ran }
    };
    (mask(ours(&words)), mask(theirs(&words)))
}

fn same(lines: &str) {
    let mut different = Vec::new();
    let mut count = 0;
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (ours, theirs) = beside(line);
        if ours != theirs {
            different.push(format!("@@ {line}\n--- theirs: {theirs:#?}\n+++ ours: {ours:#?}"));
        }
        count += 1;
    }
    assert!(different.is_empty(), "{} of {count} differ:\n{}", different.len(), different.join("\n"));
    println!("{count} command lines answered alike");
}

fn replies(ran: &Ran, count: u32) {
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(&format!("{count} packets transmitted, {count} received, 0% packet loss")), "{ran:?}");
}

#[test]
fn answers_are_iputils_on_a_network() {
    sandboxed("answers_are_iputils_on_a_network", || {
        network();
        same(
            "ping -c1 -W 0.2 10.9.9.9
             ping -c1 127.0.0.1
             ping -c1 ::1
             ping6 -c1 ::1
             ping -n -c2 -i 0.2 10.0.2.2
             ping -n -c2 -i 0.2 fd02::2
             ping 10.0.2.2 -c1 -q
             ping -qc1 fd02::2
             ping -c1 -s 1000 10.0.2.2
             ping -c1 -s 3000 fd01::1
             ping -c1 -s 0 10.0.2.2
             ping -c1 -s 15 10.0.2.2
             ping -c1 -s 16 fd02::2
             ping -c1 -t 2 10.0.2.2
             ping -c1 -t 1 10.0.2.2
             ping -c1 -t 1 fd02::2
             ping -c1 -t 0 10.0.2.2
             ping -c1 -t 0 ::1
             ping -c1 -I va 10.0.2.2
             ping -c1 -I va fd02::2
             ping -c1 -I 10.0.1.2 10.0.2.2
             ping -c1 -I fd01::2%va fd02::2
             ping -c1 -I 10.0.1.2 -I va 10.0.2.2
             ping -c1 -I va ::1 -W 0.2
             ping -c1 -W 0.2 -I lo 10.0.2.2
             ping -c1 -I lo fd02::2
             ping -c1 -I nope 10.0.2.2
             ping -c1 -I nope fd02::2
             ping -c1 -I 10.9.9.9 10.0.2.2
             ping -c1 -I fd99::9 fd02::2
             ping -c1 -W 0.2 10.0.3.1
             ping -c1 -I :x ::1
             ping -c1 -B 10.0.2.2
             ping -O -c3 -i 0.2 -W 0.2 10.0.5.1
             ping -c1 -D 10.0.2.2
             ping -c1 -W 0.2 10.0.4.1
             ping -c1 -W 0.2 10.0.5.1
             ping -c1 -W 0.2 fd03::1
             ping -c1 -W 0.2 fd04::1
             ping -c1 -W 0.2 fd05::1
             ping -c1 -W 0.2 fd99::1
             ping -c1 10.1.3.1
             ping -c1 10.1.4.1
             ping -c1 10.1.5.1
             ping -c1 fd13::1
             ping -c1 fd14::1
             ping -c1 fd15::1
             ping -c1 10.0.1.77
             ping -w1 -i 0.3 10.0.5.1
             ping -w1 -c1 10.0.4.1
             ping -w1 -c9 -i 0.6 10.0.2.2
             ping -c2 -i 0.2 -M do -s 1600 10.0.1.1
             ping -c2 -i 0.2 -M do -s 1600 fd01::1
             ping -c1 -q -W 0.2 -M do -s 1600 10.0.1.1
             ping -c1 -M want -s 1600 10.0.1.1
             ping -c1 -M dont -s 1600 fd01::1
             ping -c1 10.0.1.255
             ping -c2 -i 0.2 -b 10.0.1.255
             ping -c1 224.0.0.1
             ping -c3 -i 0 -q 10.0.1.1
             ping -c1 127.1
             ping -c1 0
             ping -c1 ::
             ping -c1 0x7f000001
             ping -c1 localhost -n
             ping -6 127.0.0.1
             ping -4 ::1
             ping6 127.0.0.1",
        );
    });
}

#[test]
fn complaints_are_iputils() {
    sandboxed("complaints_are_iputils", || {
        same(
            "ping
             ping -c x ::1
             ping -c 0 ::1
             ping -c -5 ::1
             ping -c '' ::1
             ping -c 99999999999999999999 ::1
             ping -w 99999999999 ::1
             ping -w 1.5 ::1
             ping -s -1 ::1
             ping -t 256 ::1
             ping -i 99999999 ::1
             ping -W -1 ::1
             ping -W 99999999 ::1
             ping -M maybe ::1
             ping -4 -6 ::1
             ping6 -4 ::1
             ping ''
             ping -c1 fe80::1%nope
             ping 8.8.8.8
             ping 2001:db8::1",
        );
        for (line, first) in [
            ("ping -Z", "ping: invalid option -- 'Z'"),
            ("ping --help", "ping: invalid option -- '-'"),
            ("ping 127.0.0.1 -qc", "ping: option requires an argument -- 'c'"),
            ("ping -h", ""),
        ] {
            let (ours, theirs) = beside(line);
            let head = |ran: &Ran| (ran.code, ran.out.clone(), ran.err.lines().next().unwrap_or_default().to_owned());
            assert_eq!(head(&ours), (2, String::new(), first.to_owned()));
            assert_eq!(head(&ours), head(&theirs));
            assert!(ours.err.contains("\nUsage\n  ping [options] <destination>\n"), "{ours:?}");
        }
    });
}

#[test]
fn what_iputils_has_and_we_lack_is_named() {
    for option in "aACdefFlLmNpQrRSTUv".chars() {
        let ran = ours(&["ping", &format!("-{option}"), "1", "::1"]);
        assert_eq!((ran.code, ran.err), (2, format!("ping: option -{option} is not supported by netstrap\n")));
    }
    assert!(ours(&["ping", "::1", "::2"]).err.contains("more than one destination"));
    assert_eq!(ours(&["ping", "-V"]).code, 0);
}

#[test]
fn a_wrong_interval_floods_nobody() {
    for word in ["abc", "0,5", "-1", "1s", "nan", ""] {
        let ran = ours(&["ping", "-c1", "-i", word, "127.0.0.1"]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (2, "", 1), "{word}: {ran:?}");
    }
}

#[test]
fn replies_come_from_both_families() {
    sandboxed("replies_come_from_both_families", || {
        let four = ours(&["ping", "-c2", "-i", "0.1", "127.0.0.1"]);
        replies(&four, 2);
        let six = ours(&["ping6", "-c2", "-i", "0.1", "::1"]);
        replies(&six, 2);
        let lines = |ran: &Ran| masked(&ran.out).lines().take(3).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lines(&four),
            [
                "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.",
                "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=T ms",
                "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=T ms",
            ]
        );
        assert_eq!(
            lines(&six),
            [
                "PING ::1(::1) 56 data bytes",
                "64 bytes from ::1: icmp_seq=1 ttl=64 time=T ms",
                "64 bytes from ::1: icmp_seq=2 ttl=64 time=T ms",
            ]
        );
    });
}

#[test]
fn want_of_a_route_is_told_and_hinted() {
    sandboxed("want_of_a_route_is_told_and_hinted", || {
        let ran = ours(&["ping", "-c1", "8.8.8.8"]);
        assert_eq!(ran, Ran { out: String::new(), err: "ping: connect: Network is unreachable\n".into(), code: 2 });
        let hint = |target: &str| hinted(&["ping", "-c1", target]).err;
        assert!(hint("8.8.8.8").contains("no route to 8.8.8.8 here; add one: ip route add default via GATEWAY"));
        assert!(hint("2001:db8::1").contains("add one: ip -6 route add default via GATEWAY"));
        // In a new namespace lo has never been up; it keeps its routes when it goes down.
        ip("netns add fresh");
        for target in ["127.0.0.1", "::1"] {
            let ran = hinted(&["ip", "netns", "exec", "fresh", NETSTRAP, "ping", "-c1", target]);
            assert!(ran.code == 2 && ran.err.contains("ip link set lo up"), "{ran:?}");
        }
    });
}

#[test]
fn a_route_lost_on_the_way_is_hinted() {
    sandboxed("a_route_lost_on_the_way_is_hinted", || {
        for line in [
            "link add left type veth peer name right",
            "link set left up",
            "link set right up",
            "addr add 10.0.0.1/24 dev left",
        ] {
            ip(line);
        }
        let mut child = start(&["-i", "0.1", "-W", "0.1", "10.0.0.1"]);
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        until(&mut out, "icmp_seq=1 ");
        ip("addr del 10.0.0.1/24 dev left");
        let mut err = BufReader::new(child.stderr.take().expect("its errors"));
        until(&mut err, "packets are not sent: Network is unreachable");
        signal(&child, "INT");
        child.wait().expect("wait for ping");
    });
}

#[test]
fn without_leave_for_raw_sockets() {
    sandboxed("without_leave_for_raw_sockets", || {
        let powerless = |target: &str| {
            let words = ["--bounding-set", "-all", NETSTRAP, "ping", "-c1", target];
            let output = Command::new("setpriv").args(words).env("NETSTRAP_HINTS", "1").output().expect("run setpriv");
            (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
        };
        let (code, text) = powerless("127.0.0.1");
        assert_eq!(code, Some(2), "{text}");
        assert!(text.starts_with("ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\n"), "{text}");
        assert!(text.contains("net.ipv4.ping_group_range"), "{text}");
        sysctl(None, "net.ipv4.ping_group_range=0 0");
        for target in ["127.0.0.1", "::1"] {
            let (code, text) = powerless(target);
            assert_eq!(code, Some(0), "{text}");
            assert!(text.contains(&format!("64 bytes from {target}: icmp_seq=1 ttl=64 time=")), "{text}");
        }
    });
}

#[test]
fn pings_of_one_host_do_not_mix() {
    sandboxed("pings_of_one_host_do_not_mix", || {
        // After the last request ping waits for two intervals, which a slow machine needs.
        let pings: Vec<Child> = (0..8).map(|_| start(&["-c10", "-i", "0.1", "127.0.0.1"])).collect();
        for ping in pings {
            let output = ping.wait_with_output().expect("wait for ping");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("10 packets transmitted, 10 received, 0% packet loss"), "{text}");
        }
    });
}

#[test]
fn signals_show_statistics() {
    sandboxed("signals_show_statistics", || {
        // In the background of a script, SIGINT is ignored; iputils takes it all the same.
        let script = format!("trap '' INT; exec {NETSTRAP} ping -i 60 127.0.0.1");
        let mut child = piped(Command::new("sh").args(["-c", &script]));
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut err = BufReader::new(child.stderr.take().expect("its errors"));
        // The reply is read from a pipe while ping goes on: each line was flushed.
        until(&mut out, "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=");
        signal(&child, "QUIT");
        until(&mut err, "\r1/1 packets, 0% loss, min/avg/ewma/max = ");
        signal(&child, "INT");
        let mut rest = String::new();
        out.read_to_string(&mut rest).expect("read to the end");
        assert_eq!(child.wait().expect("wait for ping").code(), Some(0));
        assert_eq!(
            masked(&rest),
            "\n--- 127.0.0.1 ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time Tms\n\
             rtt min/avg/max/mdev = T ms\n"
        );

        let mut child = start(&["-I", "lo", "-i", "60", "224.0.0.9"]);
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        until(&mut out, "PING 224.0.0.9");
        signal(&child, "INT");
        assert_eq!(child.wait().expect("wait for ping").code(), Some(1), "no answer");
    });
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start a command")
}

fn start(words: &[&str]) -> Child {
    piped(Command::new(NETSTRAP).arg("ping").args(words).env("NETSTRAP_HINTS", "1"))
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().expect("run kill");
    assert!(status.success());
}

/// Reads lines until one contains a text.
#[track_caller]
fn until(lines: &mut impl BufRead, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        assert!(lines.read_line(&mut seen).expect("read a line") > 0, "{text:?} is not in {seen:?}");
    }
}
