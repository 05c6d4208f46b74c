//! `netstrap apply`: what holds is left alone, what was changed from outside is put right, and nothing else is touched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{
    WALKTHROUGH, alike, apply, down, exactly, file, identities, planned_nothing, records, sh, traced, unchanged, verb,
};
use support::snapshot::{difference, same};
use support::traffic::Flow;
use support::{Ran, ours, run, sandboxed};

/// The walkthrough with a namespace that nobody touches, and with one of every other thing.
const WIDE: &str = r#"
name    = "walkthrough"
forward = ["ipv4", "ipv6"]
route   = ["10.99.0.0/16 via 192.168.15.1"]
rule    = ["from 10.98.0.0/16 table 98 priority 98"]

[bridge.v-net-0]
address = ["192.168.15.5/24", "fd15::5/64"]
ageing_time = 20000

[[masquerade]]
from = ["192.168.15.0/24", "fd15::/64"]

[[forward-port]]
listen = "tcp/8080"
to     = "192.168.15.1:80"

[netns.red]
route = ["default via 192.168.15.5", "default via fd15::5"]
neigh = ["192.168.15.77 lladdr 02:00:00:00:00:77 dev veth-red"]
dns   = { nameserver = ["192.0.2.53"] }
sysctl = { "net.ipv4.ip_default_ttl" = 61 }
[netns.red.veth.veth-red]
address = ["192.168.15.1/24", "fd15::1/64"]
mtu     = 1400
sysctl  = { "net.ipv4.conf.rp_filter" = 2 }
peer    = { name = "veth-red-br", master = "v-net-0", mtu = 1400 }

[netns.blue.veth.veth-blue]
address = ["192.168.15.2/24"]
peer    = { name = "veth-blue-br", master = "v-net-0" }
[netns.blue.vxlan.vx]
id = 7
remote = "192.0.2.1"

[netns."{one,two}".veth.v]
address = ["10.55.0.{i}/24"]
"#;

fn wide() -> String {
    let apart = "[netns.one.veth.v]\naddress = [\"10.55.0.1/24\"]\npeer = { name = \"v\", netns = \"two\", address = [\"10.55.0.2/24\"] }\n";
    let (kept, _) = WIDE.split_once("[netns.\"{one,two}\"").unwrap();
    [kept, apart, "[netns.two]\n"].concat()
}

/// Lines of a trace that change something: messages that make, set or delete, and changed files and mounts. The
/// lock's file is none of these.
fn changes(trace: &str) -> Vec<String> {
    let text = std::fs::read_to_string(trace).unwrap();
    let is_change = |line: &&str| {
        const MESSAGES: [&str; 8] = [
            "=RTM_NEW",
            "=RTM_DEL",
            "=RTM_SET",
            "_MSG_NEW",
            "_MSG_DEL",
            "_MSG_BATCH_BEGIN",
            "TUNSETIFF",
            "TUNSETPERSIST",
        ];
        const CALLS: [&str; 7] = [" mount(", " umount2(", " unlink", " rename", " mkdir", " unshare(", " symlink"];
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag));
        let is_sent = line.contains(" send") && MESSAGES.iter().any(|message| line.contains(message));
        let is_call = CALLS.iter().any(|call| line.contains(call)) && !line.contains("= -1 E");
        let is_file = writes && !line.contains("/run/netstrap/lock") && !line.contains("/dev/null");
        is_sent || is_call || is_file
    };
    text.lines().filter(is_change).map(str::to_owned).collect()
}

/// Runs a verb under strace; how it ended, and what it changed.
fn watched(words: &[&str]) -> (Ran, Vec<String>) {
    let calls = "trace=sendto,sendmsg,sendmmsg,ioctl,open,openat,creat,mount,umount2,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,unshare,symlink,symlinkat";
    let ran = run(&mut traced(&["-e", calls], "/run/trace", words));
    (ran, changes("/run/trace"))
}

#[test]
fn apply_twice_no_netlink_writes() {
    sandboxed("apply_twice_no_netlink_writes", || {
        for text in [WALKTHROUGH, &wide()] {
            let path = file("net", text);
            let (ran, made) = watched(&["apply", &path]);
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(made.iter().any(|line| line.contains("RTM_NEWLINK")), "what is traced tells of changes: {made:?}");
            let before = exactly();
            for words in [&["apply", &path][..], &["plan", &path], &["status", &path], &["status", "walkthrough"]] {
                let (ran, changes) = watched(words);
                let said = if words[0] == "apply" { "unchanged\n" } else { ran.out.as_str() };
                assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, said, ""), "{words:?}");
                assert!(changes.is_empty(), "{words:?} changes:\n{}", changes.join("\n"));
            }
            same("after a second apply", &before, &exactly());
        }
        down("walkthrough");
        assert_eq!(records(), [""; 0]);
    });
}

/// What is changed from outside, and the links that may be made anew by what puts it right.
const DRIFTS: &[(&str, &[&str])] = &[
    ("ip link del veth-red-br", &["veth-red", "veth-red-br"]),
    ("ip -n blue link del veth-blue", &["veth-blue", "veth-blue-br"]),
    ("ip -n blue link del vx", &["vx"]),
    ("ip netns del blue", &["veth-blue", "veth-blue-br", "vx", "lo"]),
    ("ip link del v-net-0", &["v-net-0"]),
    ("ip -n red link set veth-red name other", &[]),
    ("ip link set veth-red-br name other", &[]),
    ("ip link set veth-blue-br nomaster", &[]),
    ("ip link set veth-blue-br down", &[]),
    ("ip link set v-net-0 down", &[]),
    ("ip -n red link set veth-red down", &[]),
    ("ip -n red link set lo down", &[]),
    ("ip -n red link set veth-red mtu 1300", &[]),
    ("ip link set v-net-0 type bridge ageing_time 100", &[]),
    ("ip addr del 192.168.15.5/24 dev v-net-0", &[]),
    ("ip addr flush dev v-net-0", &[]),
    ("ip -n red addr del 192.168.15.1/24 dev veth-red", &[]),
    ("ip -n red addr add 10.9.9.9/24 dev veth-red", &[]),
    ("ip -n red addr replace 192.168.15.1/24 dev veth-red metric 5", &[]),
    ("ip -n red route del default", &[]),
    ("ip -n red route replace default via 192.168.15.2", &[]),
    ("ip -n red route add 10.8.0.0/16 via 192.168.15.2", &[]),
    ("ip -n red -6 route flush default", &[]),
    ("ip -n red route flush table main proto 110", &[]),
    ("ip route del 10.99.0.0/16", &[]),
    ("ip rule del priority 98", &[]),
    ("ip -n red neigh del 192.168.15.77 dev veth-red", &[]),
    ("ip -n red neigh replace 192.168.15.77 lladdr 02:00:00:00:00:78 dev veth-red", &[]),
    ("sysctl -qw net.ipv4.ip_forward=0", &[]),
    ("ip netns exec red sysctl -qw net.ipv4.ip_default_ttl=9", &[]),
    ("ip netns exec red sysctl -qw net.ipv4.conf.veth-red.rp_filter=0", &[]),
    ("nft delete table ip netstrap-walkthrough", &[]),
    ("nft flush table ip6 netstrap-walkthrough", &[]),
    ("nft add chain ip netstrap-walkthrough mine", &[]),
    ("rm /etc/netns/red/resolv.conf", &[]),
    ("echo nameserver 192.0.2.1 >> /etc/netns/red/resolv.conf", &[]),
];

/// Every link of the places of the file, as (place, name, index, hardware address).
fn all_links() -> Vec<(&'static str, String, String, String)> {
    let of = |place: &'static str| {
        identities(place).into_iter().map(move |(name, index, address)| (place, name, index, address))
    };
    ["", "red", "blue", "one", "two"].into_iter().flat_map(of).collect()
}

/// Puts right one drift after another.
fn put_right(drifts: &[(&str, &[&str])]) {
    let text = wide();
    let path = file("net", &text);
    apply(&text);
    let mut flow = Flow::open("one", "two", "10.55.0.2");
    let good = alike();
    let mut failed = Vec::new();
    for (drift, renewed) in drifts {
        let links = all_links();
        sh(drift);
        let status = ours(&["status", &path]);
        let applied = ours(&["apply", &path]);
        let different = difference(&good, &alike());
        let lost: Vec<_> = all_links()
            .into_iter()
            .filter(|link| !links.contains(link) && !renewed.contains(&link.1.as_str()))
            // The bridge takes the hardware address of a port.
            .filter(|link| !(link.1 == "v-net-0" && links.iter().any(|old| (old.0, &old.2) == (link.0, &link.2))))
            .collect();
        let again = ours(&["apply", &path]);
        let fine = status.code == 2
            && !status.out.is_empty()
            && applied.code == 0
            && applied.out.starts_with("changed: ")
            && different.is_empty()
            && lost.is_empty()
            && again.out == "unchanged\n";
        if !fine {
            failed.push(format!(
                "== {drift}\nstatus: {status:?}\napply: {applied:?}\nagain: {again:?}\n{different}touched: {lost:?}"
            ));
            ours(&["down", "walkthrough"]);
            ours(&["apply", &path]);
            flow = Flow::open("one", "two", "10.55.0.2");
        }
        flow.holds();
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), drifts.len(), failed.join("\n"));
    planned_nothing(&text);
}

// Two, for two processors.

#[test]
fn drift_is_put_right_and_nothing_else_is_touched() {
    sandboxed("drift_is_put_right_and_nothing_else_is_touched", || put_right(&DRIFTS[..DRIFTS.len() / 2]));
}

#[test]
fn more_drift_is_put_right_and_nothing_else_is_touched() {
    sandboxed("more_drift_is_put_right_and_nothing_else_is_touched", || put_right(&DRIFTS[DRIFTS.len() / 2..]));
}

#[test]
fn v6_dad_settle() {
    sandboxed("v6_dad_settle", || {
        let text = "name = \"six\"
            [bridge.b]
            address = [\"fd00:6::5/64\"]
            [netns.red.veth.v]
            address = [\"fd00:6::1/64\"]
            route = [\"default via fd00:6::5\"]
            peer = { name = \"p\", master = \"b\" }
            ";
        apply(text);
        // At once: nobody waits for the detection of duplicates.
        let shown = sh("ip -6 addr show dev b to fd00:6::/64; ip -n red -6 addr show dev v to fd00:6::/64");
        assert!(!shown.contains("tentative") && !shown.contains("dadfailed"), "{shown}");
        support::traffic::answer("", "fd00:6::5");
        assert_eq!(support::traffic::ask("red", "fd00:6::5"), "fd00:6::1");
        unchanged(text);
        // On links that are there already, addresses are looked for as ever, and apply waits for the end of it.
        down("six");
        sh(
            "ip netns add out; ip link add eth0 type veth peer name eth0 netns out; ip link set eth0 up; ip -n out link set eth0 up",
        );
        let text = "name = \"six\"\n[device.eth0]\naddress = [\"fd00:7::1/64\"]\n";
        apply(text);
        let shown = sh("ip -6 addr show dev eth0 to fd00:7::/64");
        assert!(shown.contains("fd00:7::1/64") && !shown.contains("tentative"), "{shown}");
        unchanged(text);
        down("six");
        // Somebody else has it: said, and taken back.
        let before = exactly();
        sh("ip -n out addr add fd00:7::1/64 dev eth0 nodad");
        let ran = verb(&["apply"], text);
        support::lab::refused(&ran, 3, &["fd00:7::1"]);
        sh("ip -n out addr del fd00:7::1/64 dev eth0");
        same("after a duplicate address", &before, &exactly());
    });
}
