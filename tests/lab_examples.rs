//! Every file of `examples/`: applied, held against packets, applied again, taken down, with nothing left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{apply, down, exactly, identities, in_use, records, sh, unchanged};
use support::snapshot::{names, same};
use support::traffic::{answer, answer_on, ask, ask_at};
use support::{Folder, ours, sandboxed};

fn example(name: &str) -> String {
    std::fs::read_to_string(format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What is outside: a namespace behind eth0 that has no way back to what is inside.
const OUTSIDE: &str =
    "ip netns add outside; ip link add eth0 type veth peer name eth0 netns outside; ip link set eth0 up
    ip -n outside link set eth0 up; ip -n outside link set lo up";

/// An example, with what is there before, and what must hold when it is applied.
fn holds(name: &str, before: &str, check: fn()) {
    sh(&format!("mkdir -p /etc/netns\n{before}"));
    in_use();
    let bare = exactly();
    let text = example(&format!("{name}.toml"));
    apply(&text);
    check();
    unchanged(&text);
    down(name);
    same("after down", &bare, &exactly());
    assert_eq!(records(), [""; 0]);
}

#[test]
fn no_example_is_forgotten() {
    let tested = ["init.sh", "lab-a.toml", "lab-b.toml", "router.toml", "thousand.toml", "walkthrough.toml"];
    let examples = names(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"));
    assert_eq!(examples, tested);
}

#[test]
fn walkthrough() {
    sandboxed("walkthrough", || {
        let before = "ip addr add 203.0.113.1/24 dev eth0; ip -n outside addr add 203.0.113.2/24 dev eth0";
        holds("walkthrough", &format!("{OUTSIDE}\n{before}"), || {
            answer("blue", "192.168.15.2");
            answer("", "192.168.15.5");
            answer("outside", "203.0.113.2");
            assert_eq!(ask("red", "192.168.15.2"), "192.168.15.1");
            assert_eq!(ask("blue", "192.168.15.5"), "192.168.15.2");
            assert_eq!(ask("red", "203.0.113.2"), "203.0.113.1");
            let ping = ours(&["ip", "netns", "exec", "red", "ping", "-c", "1", "192.168.15.2"]);
            assert!(ping.clone().ok().contains(" 0% packet loss"), "{ping:?}");
        });
    });
}

#[test]
fn two_labs_side_by_side() {
    sandboxed("two_labs_side_by_side", || {
        sh("mkdir -p /etc/netns");
        let bare = exactly();
        let (a, b) = (example("lab-a.toml"), example("lab-b.toml"));
        apply(&a);
        apply(&b);
        answer("a-server", "10.10.0.11");
        assert_eq!(ask("a-client", "10.10.0.11"), "10.10.0.10");
        assert!(sh("cat /etc/netns/a-client/hosts").contains("server.a"));
        answer("b-4", "10.20.4.2");
        assert_eq!(ask("b-1", "10.20.4.2"), "10.20.1.2");
        unchanged(&a);
        unchanged(&b);
        down("lab-a");
        assert_eq!(ask("b-1", "10.20.4.2"), "10.20.1.2");
        unchanged(&b);
        down("lab-b");
        same("after down", &bare, &exactly());
        assert_eq!(records(), [""; 0]);
    });
}

#[test]
fn router() {
    sandboxed("router", || {
        let before = "ip addr add 203.0.113.1/24 dev eth0; ip addr add 2001:db8::1/64 dev eth0 nodad
            ip -n outside addr add 203.0.113.2/24 dev eth0; ip -n outside addr add 2001:db8::2/64 dev eth0 nodad";
        holds("router", &format!("{OUTSIDE}\n{before}"), || {
            for address in ["203.0.113.2", "2001:db8::2"] {
                answer("outside", address);
            }
            assert_eq!(ask("web", "203.0.113.2"), "203.0.113.1");
            assert_eq!(ask("web", "2001:db8::2"), "2001:db8::1");
            answer("dns", "192.168.1.11");
            assert_eq!(ask("web", "192.168.1.11"), "192.168.1.10");
            // Ports from outside.
            answer_on("dns", "fd00:1::11", 53);
            assert_eq!(ask_at("outside", "2001:db8::1", 53), "2001:db8::2");
            let serve = "exec \"$NETSTRAP\" ip netns exec web sh -c 'echo hello'";
            assert_eq!(sh(serve), "hello\n");
            let mut flow = support::traffic::forwarded("outside", "203.0.113.1", 8080, "web", "192.168.1.10", 80);
            flow.holds();
            let mut flow = support::traffic::forwarded("outside", "203.0.113.1", 6005, "web", "192.168.1.10", 6005);
            flow.holds();
            assert!(sh("cat /etc/netns/web/resolv.conf").contains("nameserver 192.168.1.11"));
            assert_eq!(sh("sysctl -n net.ipv6.conf.eth0.accept_ra"), "2\n");
        });
    });
}

#[test]
fn an_init_script() {
    sandboxed("an_init_script", || {
        let folder = Folder::new("init");
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.0.display());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/init.sh");
        let boot = move || support::run(std::process::Command::new("sh").arg(script).env("PATH", &path));
        // The uplink comes while it is waited for.
        let waits = std::thread::spawn(move || (boot(), boot));
        sh("ip netns add outside; ip -n outside link add far type veth peer name eth1
            ip -n outside addr add 192.0.2.1/24 dev far; ip -n outside addr add 203.0.113.9/32 dev lo
            ip -n outside link set lo up; ip -n outside link set far up
            ip -n outside link set eth1 netns $$ name eth0");
        let (ran, boot) = waits.join().unwrap();
        assert!(ran.code == 0 && ran.out.starts_with("changed: "), "{ran:?}");
        answer("outside", "203.0.113.9");
        assert_eq!(ask("app", "203.0.113.9"), "192.0.2.10");
        assert_eq!(boot().ok(), "unchanged\n");
        down("boot");
        assert_eq!(sh("ls /run/netns; nft list ruleset; sysctl -n net.ipv4.ip_forward"), "outside\n0\n");
        let names: Vec<String> = identities("").into_iter().map(|link| link.0).collect();
        assert_eq!(names, ["lo", "eth0"]);
        assert!(!sh("ip addr show dev eth0; ip route").contains("192.0.2."));
        assert_eq!(records(), [""; 0]);
    });
}

/// The thousand, of which a hundred are enough to see that the file is right; `cargo xtask bench` makes all.
#[test]
fn a_hundred_of_the_thousand() {
    sandboxed("a_hundred_of_the_thousand", || {
        sh("mkdir -p /etc/netns");
        let bare = exactly();
        let mut text = example("thousand.toml").replace("1..1000", "1..100");
        // Room for neighbours is the first network namespace's alone, which a sandbox is not.
        if !std::path::Path::new("/proc/sys/net/ipv4/neigh/default/gc_thresh3").exists() {
            let room = text.lines().find(|line| line.starts_with("sysctl")).unwrap().to_owned();
            text = text.replace(&room, "");
        }
        apply(&text);
        assert_eq!(names("/run/netns").len(), 100);
        assert_eq!(identities("").len(), 102);
        for (number, space) in ["w1", "w50", "w100"].into_iter().enumerate() {
            let last = [1, 50, 100][number];
            let v4 = format!("10.1.{}.{}", last / 256, last % 256);
            let v6 = format!("fd00:1::{last:x}");
            answer(space, &v4);
            answer(space, &v6);
            assert_eq!(ask("w7", &v4), "10.1.0.7");
            assert_eq!(ask("w7", &v6), "fd00:1::7");
        }
        let shown = sh("ip -n w7 link show eth0; ip -n w8 link show eth0");
        assert!(shown.contains("mtu 1400") && shown.contains("mtu 1500"), "{shown}");
        unchanged(&text);
        down("thousand");
        same("after down", &bare, &exactly());
        assert_eq!(records(), [""; 0]);
    });
}

/// What an ordinary user does in a sandbox: everything.
const BY_A_USER: &str = r#"
"$N" apply "$F" | grep -q '^changed: '
"$N" plan "$F"
"$N" apply "$F"
"$N" status walkthrough
"$N" ip netns exec red ping -c 1 192.168.15.2 | grep -o ' 0% packet loss'
"$N" ip netns exec blue ping -c 1 192.168.15.5 | grep -o ' 0% packet loss'
"$N" ip -n red route del default
"$N" status "$F" > /dev/null || echo drifted: $?
"$N" apply "$F"
"$N" export | grep -c veth-red
"$N" down walkthrough | grep -q '^changed: '
ls /run/netns
"$N" ip -br link | grep -vc '^lo' || true
"$N" down walkthrough
"#;

#[test]
fn walkthrough_by_an_ordinary_user_in_a_sandbox() {
    let folder = Folder::new("labuser");
    let path = folder.0.join("walkthrough.toml");
    std::fs::write(&path, example("walkthrough.toml")).unwrap();
    let users = if netstrap::sys::process::euid() == 0 { vec![None, Some("65534")] } else { vec![None] };
    for user in users {
        let mut command = folder.netstrap(user);
        command.args(["sandbox", "--", "sh", "-ec", BY_A_USER]).env("F", &path).env("N", folder.0.join("netstrap"));
        let ran = support::run(&mut command);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "as {user:?}: {ran:?}");
        let lines: Vec<&str> =
            ran.out.lines().filter(|line| !line.parse::<u32>().is_ok_and(|count| count > 0)).collect();
        let wanted = [
            "nothing to do",
            "unchanged",
            "as asked",
            " 0% packet loss",
            " 0% packet loss",
            "drifted: 2",
            "changed: 1 made",
            "0",
            "unchanged",
        ];
        assert_eq!(lines, wanted, "as {user:?}: {}", ran.out);
    }
}
