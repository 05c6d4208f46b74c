//! `netstrap down`: exactly what was made goes, by its marks, and what was changed is put back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::read_to_string;

use support::lab::{WALKTHROUGH, apply, down, exactly, file, records, refused, sh, unchanged, verb};
use support::snapshot::same;
use support::traffic::{answer, ask};
use support::{ours, sandboxed};

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

fn example(name: &str) -> String {
    read_to_string(format!("{}/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn forward() -> String {
    read_to_string(FORWARD).unwrap()
}

#[test]
fn two_labs_share_forward_refcount() {
    sandboxed("two_labs_share_forward_refcount", || {
        let (a, b) = (example("lab-a"), example("lab-b"));
        let bare = exactly();
        assert_eq!(forward(), "0\n");
        for (first, second) in [("lab-a", "lab-b"), ("lab-b", "lab-a")] {
            apply(&a);
            apply(&b);
            unchanged(&a);
            unchanged(&b);
            down(first);
            assert_eq!(forward(), "1\n", "{second} still wants it");
            unchanged(if second == "lab-a" { &a } else { &b });
            down(second);
            same(&format!("{first}, then {second} down"), &bare, &exactly());
        }
        // It was on before either came.
        sh("sysctl -qw net.ipv4.ip_forward=1");
        let bare = exactly();
        apply(&a);
        apply(&b);
        down("lab-a");
        down("lab-b");
        same("forwarding was on before", &bare, &exactly());
        // A file that does not want it any more lets it go, if nobody else wants it.
        sh("sysctl -qw net.ipv4.ip_forward=0");
        apply(&a);
        let quiet = a.replace("forward = [\"ipv4\"]", "");
        apply(&quiet);
        assert_eq!(forward(), "0\n");
        apply(&a);
        apply(&b);
        // Nothing is to be done for that while another wants it; it is remembered all the same.
        assert_eq!(verb(&["apply"], &quiet).code, 0);
        assert_eq!(forward(), "1\n");
        down("lab-b");
        assert_eq!(forward(), "0\n");
        down("lab-a");
    });
}

#[test]
fn a_parameter_that_was_empty_is_empty_again() {
    sandboxed("a_parameter_that_was_empty_is_empty_again", || {
        const PORTS: &str = "/proc/sys/net/ipv4/ip_local_reserved_ports";
        apply("name = \"ports\"\nsysctl = { \"net.ipv4.ip_local_reserved_ports\" = \"5\" }\n");
        assert_eq!(read_to_string(PORTS).unwrap(), "5\n");
        down("ports");
        assert_eq!(read_to_string(PORTS).unwrap(), "\n");
    });
}

#[test]
fn down_then_apply_x100() {
    sandboxed("down_then_apply_x100", || {
        let path = file("net", WALKTHROUGH);
        let bare = exactly();
        for round in 0..100 {
            let ran = ours(&["apply", &path]);
            assert!(ran.code == 0 && ran.out.starts_with("changed: ") && ran.err.is_empty(), "round {round}: {ran:?}");
            let ran = ours(&["down", if round % 2 == 0 { "walkthrough" } else { &path }]);
            assert!(ran.code == 0 && ran.out.starts_with("changed: ") && ran.err.is_empty(), "round {round}: {ran:?}");
        }
        same("after 100 rounds", &bare, &exactly());
        assert_eq!(records(), [""; 0]);
        assert_eq!(ours(&["down", "walkthrough"]).ok(), "unchanged\n");
        assert_eq!(ours(&["down", &path]).ok(), "unchanged\n");
        assert_eq!(ours(&["down", "never-there"]).ok(), "unchanged\n");
    });
}

#[test]
fn down_without_state_file() {
    sandboxed("down_without_state_file", || {
        let path = file("net", WALKTHROUGH);
        // What a state file alone knows: the value that forwarding had. Without it, forwarding stays.
        sh("sysctl -qw net.ipv4.ip_forward=1");
        let bare = exactly();
        for (words, lost) in [
            (["down", "walkthrough"], "rm /run/netstrap/walkthrough.state"),
            (["down", path.as_str()], "rm -r /run/netstrap"),
            (["down", "walkthrough"], "echo rubbish > /run/netstrap/walkthrough.state"),
            (["down", "walkthrough"], ": > /run/netstrap/walkthrough.state"),
            (
                ["down", "walkthrough"],
                "ip link set veth-red-br name x1; ip link set v-net-0 name x2; rm /run/netstrap/walkthrough.state",
            ),
        ] {
            apply(WALKTHROUGH);
            sh(lost);
            let ran = ours(&words);
            assert!(ran.code == 0 && ran.out.starts_with("changed: "), "{lost}: {ran:?}");
            same(lost, &bare, &exactly());
            assert_eq!(records(), [""; 0], "{lost}");
        }
        // Nor does apply need it.
        apply(WALKTHROUGH);
        sh("rm /run/netstrap/walkthrough.state");
        unchanged(WALKTHROUGH);
        down("walkthrough");
        same("after it was lost and found", &bare, &exactly());
    });
}

#[test]
fn what_was_changed_is_put_back_unless_somebody_changed_it_since() {
    sandboxed("what_was_changed_is_put_back_unless_somebody_changed_it_since", || {
        sh(
            "ip link add eth0 type veth peer name far; ip link set far up; ip link set eth0 up; ip addr add 192.0.2.10/24 dev eth0",
        );
        sh("ip route add 10.5.0.0/16 via 192.0.2.9");
        let text = "name = \"dev\"
            sysctl = { \"net.ipv4.ip_default_ttl\" = 77, \"net.ipv4.tcp_mtu_probing\" = 1 }
            [device.eth0]
            mtu = 1400
            txqueuelen = 5
            alias = \"uplink\"
            address = [\"192.0.2.11/24\", \"10.6.0.1/24\"]
            route = [\"10.7.0.0/16 via 10.6.0.9\"]
            sysctl = { \"net.ipv4.conf.rp_filter\" = 2 }
            ";
        let bare = exactly();
        apply(text);
        unchanged(text);
        let shown = sh("ip -d addr show dev eth0; ip route");
        for what in [
            "mtu 1400",
            "qlen 5",
            "alias uplink",
            "192.0.2.10/24",
            "192.0.2.11/24",
            "10.6.0.1/24",
            "10.7.0.0/16 via 10.6.0.9",
            "10.5.0.0/16",
        ] {
            assert!(shown.contains(what), "{what} in {shown}");
        }
        // What is not said of it any more is as it was found, but what somebody else has changed since.
        sh("ip link set eth0 txqueuelen 6");
        let less = text.replace("mtu = 1400", "").replace("txqueuelen = 5", "");
        apply(&less);
        let shown = sh("ip link show dev eth0");
        assert!(shown.contains("mtu 1500") && shown.contains("qlen 6"), "{shown}");
        unchanged(&less);
        sh("ip link set eth0 txqueuelen 1000");
        apply(text);
        down("dev");
        same("after down", &bare, &exactly());
        // Another value of somebody else is left.
        apply(text);
        sh("sysctl -qw net.ipv4.ip_default_ttl=99; ip link set eth0 mtu 1450");
        down("dev");
        assert_eq!(sh("sysctl -n net.ipv4.ip_default_ttl net.ipv4.tcp_mtu_probing"), "99\n0\n");
        assert!(sh("ip link show eth0").contains("mtu 1450"));
    });
}

#[test]
fn a_device_is_lent_to_a_namespace_and_comes_back() {
    sandboxed("a_device_is_lent_to_a_namespace_and_comes_back", || {
        sh(
            "ip netns add far; ip link add eth7 type veth peer name far netns far; ip -n far addr add 192.0.2.1/24 dev far; ip -n far link set far up; ip link set eth7 up",
        );
        let text = "name = \"lent\"\n[netns.red.device.eth7]\naddress = [\"192.0.2.2/24\"]\nroute = [\"default via 192.0.2.1\"]\n";
        apply(text);
        unchanged(text);
        assert!(!sh("ip -br link").contains("eth7"));
        answer("far", "192.0.2.1");
        assert_eq!(ask("red", "192.0.2.1"), "192.0.2.2");
        down("lent");
        assert!(sh("ip link show eth7").contains("eth7@"), "it is back");
        assert_eq!(sh("ls /run/netns"), "far\n");
        // Its namespace is gone by force: a pair's end with it. That is no reason to fail.
        apply(text);
        sh("ip netns del red");
        support::lab::until("the death of a namespace", || !sh("ip -n far -br link").contains("far"));
        assert_eq!(ours(&["down", "lent"]).code, 0);
        refused(&ours(&["apply", &file("file", text)]), 1, &["eth7"]);
    });
}
