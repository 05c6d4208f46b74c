//! What a link had that is somebody else's comes back to it: after a run that fails or is killed, and when a device
//! that was lent to a namespace is given back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{WALKTHROUGH, apply, down, exactly, file, in_use, records, sh, traced};
use support::snapshot::{difference, same};
use support::{Ran, ours, run, sandboxed};

/// A device in use: addresses of both families, routes of another program and of nobody, one of protocol 110 even.
const DEVICE: &str = r#"
ip netns add far; ip link add eth7 type veth peer name far netns far; ip -n far link set far up; ip link set eth7 up
ip link set eth7 mtu 1450 alias uplink; ip addr add 192.0.2.2/24 dev eth7; ip addr add 192.0.2.3/24 dev eth7 label eth7:1
ip addr add fd07::2/64 dev eth7 nodad; ip route add default via 192.0.2.1 proto dhcp metric 100
ip route add 198.51.100.0/24 dev eth7 proto static; ip -6 route add fd08::/64 via fd07::1
"#;

/// A run that is disturbed at a call.
fn disturbed(inject: &str, words: &[&str]) -> Ran {
    run(&mut traced(&["-e", &format!("inject={inject}")], "/dev/null", words))
}

/// As [`same`], once the kernel has done with duplicate address detection.
#[track_caller]
fn soon_same(what: &str, before: &[String]) {
    let start = std::time::Instant::now();
    let mut now = but_index(exactly());
    while !difference(before, &now).is_empty() && start.elapsed().as_secs() < 3 {
        now = but_index(exactly());
    }
    same(what, before, &now);
}

/// What the kernel gives a device anew when it comes back: its index, and what names it.
fn but_index(lines: Vec<String>) -> Vec<String> {
    let drawn = |line: &String| ["ifindex", "link_index"].iter().any(|what| line.contains(what));
    lines.into_iter().filter(|line| !drawn(line)).collect()
}

/// Files that take something of the device, or all.
const FILES: [&str; 4] = [
    "name = \"lent\"\n[netns.red.device.eth7]\nmtu = 1300\naddress = [\"10.7.0.1/24\"]\n",
    "name = \"lent\"\n[device.eth7]\nup = false\n[netns.red]\n",
    "name = \"lent\"\n[device.eth7]\nmtu = 1000\n[netns.red]\n",
    "name = \"lent\"\nroute = [\"default via 192.0.2.9 metric 100\"]\n[device.eth7]\nmtu = 1400\n[netns.red]\n",
];

#[test]
fn what_a_device_had_is_put_back_after_a_run_that_fails() {
    sandboxed("what_a_device_had_is_put_back_after_a_run_that_fails", || {
        sh(DEVICE);
        in_use();
        let before = but_index(exactly());
        for text in FILES {
            let path = file("lent", text);
            let words = ["apply", "--adopt", &path];
            for (inject, code) in [
                ("mount:error=EPERM:when=1+", 3),
                ("sendto:error=EPERM:when=25..27", 3),
                ("rename:signal=KILL:when=2", 137),
                ("mount:signal=KILL:when=1", 137),
            ] {
                // A pair's end, unlike hardware, dies with a namespace that has no name yet.
                if code == 137 && text == FILES[0] {
                    continue;
                }
                let ran = disturbed(inject, &words);
                assert!(ran.code == code || (code == 3 && [0, 1, 4].contains(&ran.code)), "{text}{inject}: {ran:?}");
                if ran.code != 3 && ran.code != 1 {
                    ours(&["recover", "lent"]).ok();
                    ours(&["down", "lent"]).ok();
                }
                soon_same(&format!("{text}{inject}: {ran:?}"), &before);
                assert_eq!(records(), [""; 0]);
            }
        }
    });
}

#[test]
fn a_lent_device_comes_back_as_it_was() {
    sandboxed("a_lent_device_comes_back_as_it_was", || {
        sh(DEVICE);
        in_use();
        let before = but_index(exactly());
        let [lent, ..] = FILES;
        apply(lent);
        // Of what it is given meanwhile, nothing stays; and another file may have changed in between.
        apply(&lent.replace("1300", "1200"));
        assert_eq!(ours(&["down", "lent"]).code, 0);
        soon_same("after down", &before);
        // The file drops it, and something else stays.
        apply(lent);
        apply("name = \"lent\"\n[netns.red]\n");
        ours(&["down", "lent"]).ok();
        soon_same("after it was dropped", &before);
        // Killed on the way, when it is back already: the next one does the rest.
        for k in 8..30 {
            apply(lent);
            disturbed(&format!("sendto:signal=KILL:when={k}"), &["down", "lent"]);
            ours(&["down", "lent"]).ok();
            soon_same(&format!("killed at {k}"), &before);
            assert_eq!(records(), [""; 0]);
        }
    });
}

#[test]
fn an_adopted_bridge_is_given_back_with_all_that_it_had() {
    sandboxed("an_adopted_bridge_is_given_back_with_all_that_it_had", || {
        let path = file("net", WALKTHROUGH);
        for inject in ["signal=KILL", "error=ENOBUFS"] {
            // One address is what the file asks for, one is not.
            sh("ip link add v-net-0 type bridge; ip link set v-net-0 mtu 1400 up
                ip addr add 192.168.15.5/24 dev v-net-0; ip addr add 10.9.9.1/24 dev v-net-0
                ip route add 10.99.0.0/16 via 10.9.9.2 proto static");
            let before = but_index(exactly());
            let mut undone = 0;
            for k in (10..).step_by(3) {
                let ran = disturbed(&format!("sendto:{inject}:when={k}"), &["apply", "--adopt", &path]);
                if ran.code == 0 {
                    break;
                }
                if ran.code == 137 || ran.code == 4 {
                    ours(&["recover", "walkthrough"]).ok();
                }
                soon_same(&format!("{inject} at {k}: {ran:?}"), &before);
                assert_eq!(records(), [""; 0]);
                undone += 1;
            }
            assert!(undone > 4, "{inject}: {undone} points");
            // What was adopted is the lab's.
            down("walkthrough");
            assert!(!sh("ip -br link").contains("v-net-0"));
        }
    });
}

#[test]
fn a_device_is_found_by_its_driver() {
    sandboxed("a_device_is_found_by_its_driver", || {
        sh("ip tuntap add any7 mode tap; ip link set any7 up");
        let text = "name = \"lent\"\n[netns.red.device.uplink]\ndriver = \"tun\"\nwait = \"1s\"\nmtu = 1300\n";
        apply(text);
        assert!(sh("ip -n red -o link").contains("mtu 1300"), "{}", sh("ip -n red -o link"));
        support::lab::unchanged(text);
        down("lent");
        assert!(sh("ip -o link show any7").contains("mtu 1500"), "{}", sh("ip -o link"));
        let ran = support::lab::verb(&["apply"], &text.replace("tun", "tunn"));
        support::lab::refused(&ran, 1, &["there is no such device", "/run/file.toml:2:"]);
    });
}
