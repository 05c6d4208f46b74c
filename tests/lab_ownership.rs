//! Whose a thing is: what does not bear the mark of a lab is never changed or deleted, whatever its name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{
    WALKTHROUGH, apply, down, exactly, file, identities, planned_nothing, records, refused, sh, unchanged, verb,
};
use support::snapshot::{difference, same};
use support::traffic::{answer, ask};
use support::{ours, sandboxed};

/// What is in the way, in what place of the file's text, and what is said of it.
const IN_THE_WAY: &[(&str, &[&str], &str)] = &[
    ("ip link add v-net-0 type bridge", &["v-net-0", "bridge"], "ip link del v-net-0"),
    ("ip tuntap add v-net-0 mode tap", &["v-net-0", "tun"], "ip link del v-net-0"),
    ("ip link add veth-red-br type veth peer name elsewhere", &["veth-red-br", "veth"], "ip link del elsewhere"),
    (
        "ip link add elsewhere type bridge; ip link property add dev elsewhere altname v-net-0",
        &["v-net-0"],
        "ip link del elsewhere",
    ),
    ("ip netns add red", &["red"], "ip netns del red"),
    ("ip netns add red; ip -n red link add veth-red type bridge", &["red"], "ip netns del red"),
    (
        "mkdir -p /etc/netns/red; echo nameserver 192.0.2.1 > /etc/netns/red/resolv.conf",
        &["/etc/netns/red/resolv.conf"],
        "rm -r /etc/netns/red",
    ),
    (
        "ip link add up0 type bridge; ip link set up0 up; ip route add 10.99.0.0/16 dev up0",
        &["10.99.0.0/16"],
        "ip link del up0",
    ),
];

#[test]
fn unmarked_same_name_refused() {
    sandboxed("unmarked_same_name_refused", || {
        let text = WALKTHROUGH
            .replace("[bridge.v-net-0]", "route = [\"10.99.0.0/16 via 192.168.15.77\"]\n[bridge.v-net-0]")
            .replace("[netns.red]", "[netns.red]\ndns = { nameserver = [\"192.0.2.53\"] }");
        sh("mkdir -p /etc/netns");
        let empty = exactly();
        let mut failed = Vec::new();
        for (there, says, away) in IN_THE_WAY {
            sh(there);
            let before = exactly();
            for verb in ["plan", "apply"] {
                let ran = support::lab::verb(&[verb], &text);
                let says_all = says.iter().chain([&"--adopt"]).all(|words| ran.err.contains(words));
                if ran.code != 1 || !says_all {
                    failed.push(format!("{there}: {verb} says not {says:?} but {ran:?}"));
                }
            }
            let different = difference(&before, &exactly());
            if !different.is_empty() {
                failed.push(format!("{there}: touched\n{different}"));
                ours(&["down", "walkthrough"]);
            }
            sh(away);
            support::lab::until("what was in the way is gone", || difference(&empty, &exactly()).is_empty());
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert_eq!(records(), [""; 0]);
    });
}

/// A host that is in use: links of every kind with addresses, routes, rules, tables, parameters and a namespace.
const NEIGHBOURS: &str = r#"
ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
ip netns add other; ip link add other0 type veth peer name eth0 netns other
ip link set other0 master docker0 up; ip -n other addr add 172.17.0.2/16 dev eth0; ip -n other link set eth0 up
ip -n other route add default via 172.17.0.1
ip tuntap add tap0 mode tap; ip link set tap0 up alias "somebody's"; ip addr add 10.200.0.1/24 dev tap0
ip link set tap0 group 1234
ip route add 10.201.0.0/16 via 10.200.0.9 proto static; ip route add 10.202.0.0/16 dev docker0 table 98
ip -6 route add blackhole fd99::/64; ip rule add from 10.203.0.0/16 table 98 priority 98
ip rule add fwmark 7 table 98 priority 97
ip route add 10.204.0.0/16 via 10.200.0.9 proto 110; ip rule add from 10.205.0.0/16 table 98 priority 96 protocol 110
ip neigh add 172.17.0.9 lladdr 02:00:00:00:00:09 dev docker0
nft 'table ip nat { chain post { type nat hook postrouting priority 100; ip saddr 172.17.0.0/16 masquerade; }; }'
nft 'table inet filter { chain forward { type filter hook forward priority 0; policy accept; iifname "tap0" drop; }; }'
nft 'table ip netstrap-walk { chain x { }; }'
sysctl -qw net.ipv4.conf.docker0.rp_filter=2 net.ipv4.ip_default_ttl=70
mkdir -p /etc/netns/other; echo 'nameserver 192.0.2.9' > /etc/netns/other/resolv.conf
"#;

#[test]
fn unmarked_neighbours_untouched() {
    sandboxed("unmarked_neighbours_untouched", || {
        sh(NEIGHBOURS);
        let before = exactly();
        apply(WALKTHROUGH);
        // All that was there is there, but for forwarding.
        let missing: Vec<String> = difference(&before, &exactly())
            .lines()
            .filter(|line| line.starts_with('-') && !line.contains("forward") && !line.contains("accept_redirects"))
            .map(str::to_owned)
            .collect();
        assert!(missing.is_empty(), "{}", missing.join("\n"));
        // There is nothing of a lab that never was.
        assert_eq!(ours(&["down", "never"]).ok(), "unchanged\n");
        // Somebody's link is a port of our bridge, and somebody's route leads out of it.
        sh("ip tuntap add tap1 mode tap; ip link set tap1 master v-net-0");
        unchanged(WALKTHROUGH);
        assert!(sh("ip -d link show tap1").contains("master v-net-0"));
        let table = sh("nft list table ip nat");
        down("walkthrough");
        assert_eq!(sh("nft list table ip nat"), table);
        sh("ip link del tap1");
        same("after down", &before, &exactly());
        assert_eq!(records(), [""; 0]);
    });
}

#[test]
fn prune_only_marked() {
    sandboxed("prune_only_marked", || {
        let (less, _) = WALKTHROUGH.split_once("[netns.blue]").unwrap();
        apply(less);
        let lesser = support::lab::alike();
        let red = identities("red");
        apply(WALKTHROUGH);
        sh(
            "ip netns add blue2; ip link add veth-green-br type veth peer name veth-green netns blue2; ip link set veth-green-br master v-net-0",
        );
        sh("ip route add 10.44.0.0/16 dev lo; nft add table ip netstrap-walkthrough2");
        let kept = verb(&["apply", "--prune=off"], less);
        assert_eq!((kept.code, kept.out.as_str()), (0, "unchanged\n"), "{kept:?}");
        assert!(sh("ls /run/netns").contains("blue\n"));
        let plan = verb(&["plan"], less);
        assert_eq!(plan.code, 2);
        assert!(
            plan.out.contains("veth-blue") && !plan.out.contains("green") && !plan.out.contains("10.44"),
            "{plan:?}"
        );
        let said = apply(less);
        assert!(said.contains("taken away") && !said.contains("made"), "{said}");
        assert_eq!(sh("ls /run/netns"), "blue2\nred\n");
        assert!(sh("ip link show veth-green-br").contains("master v-net-0"));
        assert!(sh("ip route; nft list tables").contains("10.44.0.0/16"));
        assert_eq!(identities("red"), red);
        sh(
            "ip link del veth-green-br; ip netns del blue2; ip route del 10.44.0.0/16; nft delete table ip netstrap-walkthrough2",
        );
        same("without what is not asked for", &lesser, &support::lab::alike());
        unchanged(less);
    });
}

/// The walkthrough made by hand.
const BY_HAND: &str = r"
ip netns add red; ip netns add blue
ip link add v-net-0 type bridge; ip link set v-net-0 up; ip addr add 192.168.15.5/24 dev v-net-0
for n in red blue; do
    ip link add veth-$n-br type veth peer name veth-$n netns $n
    ip link set veth-$n-br master v-net-0 up; ip -n $n link set lo up
done
ip -n red addr add 192.168.15.1/24 dev veth-red; ip -n blue addr add 192.168.15.2/24 dev veth-blue
for n in red blue; do ip -n $n link set veth-$n up; ip -n $n route add default via 192.168.15.5; done
sysctl -qw net.ipv4.ip_forward=1
";

#[test]
fn adopt_then_empty_plan() {
    sandboxed("adopt_then_empty_plan", || {
        sh(BY_HAND);
        let all = || [identities(""), identities("red"), identities("blue")];
        let (links, before) = (all(), exactly());
        refused(&verb(&["apply"], WALKTHROUGH), 1, &["--adopt", "red", "blue", "v-net-0"]);
        same("refused", &before, &exactly());
        assert_eq!(verb(&["plan", "--adopt"], WALKTHROUGH).code, 2);
        let ran = verb(&["apply", "--adopt"], WALKTHROUGH);
        assert!(ran.code == 0 && ran.out.starts_with("changed: "), "{ran:?}");
        assert_eq!(all(), links, "nothing is made anew");
        planned_nothing(WALKTHROUGH);
        unchanged(WALKTHROUGH);
        answer("blue", "192.168.15.2");
        assert_eq!(ask("red", "192.168.15.2"), "192.168.15.1");
        // It is ours from then on.
        down("walkthrough");
        assert_eq!(sh("ls /run/netns; ip -br link | grep -v ^lo || true; nft list ruleset"), "");
    });
}

#[test]
fn netns_name_reused_by_other() {
    sandboxed("netns_name_reused_by_other", || {
        apply(WALKTHROUGH);
        sh("ip netns del red");
        support::lab::until("the death of a namespace", || !sh("ip -br link").contains("veth-red-br"));
        sh(
            "ip netns add red; ip -n red link add mine type bridge; ip -n red addr add 10.3.3.3/24 dev mine; ip -n red link set lo up",
        );
        let theirs = sh("ip -n red addr; ip -n red route show table all");
        let before = exactly();
        refused(&verb(&["apply"], WALKTHROUGH), 1, &["red", "--adopt"]);
        same("refused", &before, &exactly());
        assert_ne!(ours(&["status", "walkthrough"]).code, 0);
        // All else goes, the other's namespace stays.
        down("walkthrough");
        assert_eq!(sh("ls /run/netns"), "red\n");
        assert_eq!(sh("ip -n red addr; ip -n red route show table all"), theirs);
        // One that is ours was renamed: it is a name that we do not know, and not ours any more by name.
        sh("ip netns del red");
        apply(WALKTHROUGH);
        sh(
            "touch /run/netns/old; mount --bind /run/netns/red /run/netns/old; umount /run/netns/red; rm /run/netns/red; ip netns add red",
        );
        refused(&verb(&["apply"], WALKTHROUGH), 1, &["red", "--adopt"]);
        down("walkthrough");
        assert!(sh("ls /run/netns").contains("red\n"));
    });
}

/// A lab on the host's own device: only the mark that is the same for all labs tells what is its own.
const ON_A_DEVICE: &str = "name = \"host\"\nroute = [\"10.30.0.0/16 via 10.7.0.9\"]\n\
    rule = [\"from 10.98.0.0/16 table 98 priority 98\"]\nneigh = [\"10.7.0.8 lladdr 02:00:00:00:00:01 dev eth9\"]\n\
    [device.eth9]\naddress = [\"10.7.0.1/24\"]\n";

#[test]
fn a_mark_alone_does_not_tell_whose_it_is() {
    sandboxed("a_mark_alone_does_not_tell_whose_it_is", || {
        sh("ip link add eth9 type bridge; ip link set eth9 up; ip addr add 10.50.0.1/24 dev eth9
            ip route add 10.60.0.0/16 via 10.50.0.2 proto 110; ip rule add from 10.97.0.0/16 table 97 protocol 110
            sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv4.ip_forward=1");
        let before = exactly();
        let path = file("host", ON_A_DEVICE);
        apply(ON_A_DEVICE);
        let on = exactly();
        // Killed before it could say that it is done, or its state is lost: another lab comes and goes.
        let state = "/run/netstrap/host.state";
        for (at, lost) in [(state, "/run/netstrap/host.journal"), (state, "/run/lost")] {
            std::fs::rename(at, lost).unwrap();
            apply(WALKTHROUGH);
            down("walkthrough");
            ours(&["down", "never"]).ok();
            same(lost, &on, &exactly());
            if lost != "/run/lost" {
                std::fs::rename(lost, at).unwrap();
            }
        }
        // By its name alone, nothing of it is known; by its file it is.
        ours(&["down", "host"]).ok();
        same("down NAME without a state", &on, &exactly());
        assert_eq!(ours(&["down", &path]).code, 0);
        same("down FILE without a state", &before, &exactly());
        // What somebody else has put there as the file says it is without a mark, and stays.
        sh("ip addr add 10.7.0.1/24 dev eth9; ip route add 10.30.0.0/16 via 10.7.0.9 proto static");
        let theirs = exactly();
        assert_eq!(ours(&["down", &path]).ok(), "unchanged\n");
        same("down FILE of what is somebody else's", &theirs, &exactly());
        // A run that was killed has seen them: that does not make them its own.
        let ran = support::run(&mut support::lab::traced(
            &["-e", "inject=rename:signal=KILL:when=2"],
            "/dev/null",
            &["apply", &file("net", WALKTHROUGH)],
        ));
        assert_eq!(ran.code, 137);
        down("walkthrough");
        same("down of what was killed", &theirs, &exactly());
        assert_eq!(records(), [""; 0]);
    });
}
