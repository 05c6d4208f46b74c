//! What fails is put back, and what was killed is carried on, undone or taken away. Faults and signals come from strace,
//! at each of the messages that a run sends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{WALKTHROUGH, alike, apply, down, exactly, file, records, refused, sh, traced, unchanged, verb};
use support::snapshot::{difference, same};
use support::{Ran, ours, run, sandboxed};

/// What the walkthrough becomes: something is made, changed, and taken away.
fn second() -> String {
    let text = WALKTHROUGH.replace("192.168.15.1/24", "192.168.15.3/24").replace("netns.blue", "netns.green");
    text.replace("[bridge.v-net-0]", "[bridge.v-net-0]\nageing_time = 100")
}

/// Runs a verb under strace with an injection at the k-th call.
fn injected(inject: &str, k: u32, words: &[&str]) -> Ran {
    run(&mut traced(&["-e", &format!("inject={inject}:when={k}")], "/run/trace", words))
}

/// Whether the last injection came, by that run's own trace: how often a run asks the kernel while it waits differs.
fn came() -> bool {
    std::fs::read_to_string("/run/trace").unwrap().contains("(INJECTED)")
}

/// The calls that messages are sent by.
const SENDS: [&str; 2] = ["sendto", "sendmsg"];

/// A fault at each message, or each of so many, until a run has so few that it does not come. Before each, `prepare`;
/// after it, everything is as before or as asked for, as the exit code says.
fn sweep(what: &str, step: usize, error: &str, words: &[&str], prepare: &dyn Fn(), good: &[String]) -> u32 {
    let mut points = 0;
    let others = [("mount", "EPERM"), ("umount2", "EBUSY"), ("rename", "EIO"), ("unlink", "EIO")];
    for (call, error) in SENDS.map(|call| (call, error)).into_iter().chain(others) {
        for k in (1..).step_by(if SENDS.contains(&call) { step } else { 1 }) {
            assert!(k < 400, "{what}: no end of {call}");
            prepare();
            let before = exactly();
            let ran = injected(&format!("{call}:error={error}"), k, words);
            let after = exactly();
            let context = format!("{what}: {call} {error} at {k}: {ran:?}");
            match ran.code {
                0 => same(&context, good, &alike()),
                1 | 3 => same(&context, &before, &after),
                _ => panic!("{context}\n{}", difference(&before, &after)),
            }
            let [said, nothing] = [ran.out.as_str(), "unchanged\n"];
            assert!(ran.code == 0 || !ran.err.is_empty(), "{context}");
            assert!(said != nothing, "{context}");
            if !came() {
                assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{context}");
                break;
            }
            points += 1;
        }
    }
    points
}

#[test]
fn every_step_fail_rolls_back() {
    sandboxed("every_step_fail_rolls_back", || {
        let path = file("net", WALKTHROUGH);
        apply(WALKTHROUGH);
        let good = alike();
        let clean = || drop(ours(&["down", "walkthrough"]).ok());
        let points = sweep("apply", 1, "ENOBUFS", &["apply", &path], &clean, &good);
        assert!(points >= 10, "{points} points");
        clean();
        assert_eq!(records(), [""; 0]);
    });
}

#[test]
fn every_step_of_a_change_fails_and_rolls_back() {
    sandboxed("every_step_of_a_change_fails_and_rolls_back", || {
        let path = file("second", &second());
        apply(&second());
        let good = alike();
        let first = || drop(verb(&["apply"], WALKTHROUGH).ok());
        let points = sweep("change", 5, "ENOMEM", &["apply", &path], &first, &good);
        assert!(points >= 5, "{points} points");
        down("walkthrough");
    });
}

#[test]
fn kill9_at_step_k() {
    sandboxed("kill9_at_step_k", || {
        let bare = exactly();
        let path = file("net", WALKTHROUGH);
        apply(WALKTHROUGH);
        let good = alike();
        down("walkthrough");
        let mut killed = 0;
        for (call, step) in [("sendto", 6), ("sendmsg", 6), ("rename", 1), ("mount", 1), ("write", 5)] {
            for (k, way) in (1..400).step_by(step).flat_map(|k| (0..3).map(move |way| (k, way))) {
                let ran = injected(&format!("{call}:signal=SIGKILL"), k, &["apply", &path]);
                if ran.code == 0 {
                    down("walkthrough");
                    break;
                }
                assert_eq!(ran.code, 128 + 9, "{call} at {k}: {ran:?}");
                killed += 1;
                let context = format!("killed at {call} {k}");
                match way {
                    // Carried on: at once, whatever is half done.
                    0 => {
                        let ran = ours(&["apply", &path]);
                        assert_eq!(ran.code, 0, "{context}: {ran:?}");
                        same(&context, &good, &alike());
                        unchanged(WALKTHROUGH);
                        down("walkthrough");
                    }
                    // Undone.
                    1 if ours(&["recover", "walkthrough"]).ok() == "unchanged\n" => {
                        // It had not begun, or was over.
                        ours(&["down", "walkthrough"]).ok();
                    }
                    1 => {}
                    _ => drop(ours(&["down", "walkthrough"]).ok()),
                }
                same(&context, &bare, &exactly());
                assert_eq!(records(), [""; 0], "{context}");
            }
        }
        assert!(killed >= 10, "{killed} points");
    });
}

#[test]
fn kill9_of_a_down() {
    sandboxed("kill9_of_a_down", || {
        let bare = exactly();
        apply(WALKTHROUGH);
        let good = alike();
        let mut killed = 0;
        for (call, step) in [("sendto", 5), ("umount2", 1), ("unlink", 1), ("rename", 1), ("write", 2)] {
            for (k, way) in (1..400).step_by(step).flat_map(|k| (0..2).map(move |way| (k, way))) {
                let ran = injected(&format!("{call}:signal=SIGKILL"), k, &["down", "walkthrough"]);
                let context = format!("killed at {call} {k}: {ran:?}");
                if way == 0 && ran.code != 0 {
                    // Where it had begun, it is undone; else it is still there.
                    ours(&["recover", "walkthrough"]).ok();
                    let now = alike();
                    assert!(
                        difference(&good, &now).is_empty() || difference(&bare, &exactly()).is_empty(),
                        "{context}"
                    );
                } else {
                    ours(&["down", "walkthrough"]).ok();
                    same(&context, &bare, &exactly());
                    assert_eq!(records(), [""; 0], "{context}");
                }
                verb(&["apply"], WALKTHROUGH).ok();
                if ran.code == 0 {
                    break;
                }
                killed += 1;
            }
        }
        assert!(killed >= 10, "{killed} points");
        down("walkthrough");
    });
}

#[test]
fn killed_in_the_middle_of_a_change_it_recovers_what_was_before() {
    sandboxed("killed_in_the_middle_of_a_change_it_recovers_what_was_before", || {
        let path = file("second", &second());
        let mut killed = 0;
        for call in SENDS {
            for k in (1..400).step_by(5) {
                verb(&["apply"], WALKTHROUGH).ok();
                let before = alike();
                let ran = injected(&format!("{call}:signal=SIGKILL"), k, &["apply", &path]);
                if ran.code == 0 {
                    break;
                }
                killed += 1;
                let ran = ours(&["recover", "walkthrough"]);
                assert_eq!(ran.code, 0, "{ran:?}");
                same(&format!("recovered from a kill at {call} {k}"), &before, &alike());
                unchanged(WALKTHROUGH);
            }
        }
        assert!(killed >= 4, "{killed} points");
        assert_eq!(ours(&["recover", "walkthrough"]).ok(), "unchanged\n");
        down("walkthrough");
    });
}

#[test]
fn a_signal_finishes_the_step_and_rolls_back() {
    sandboxed("a_signal_finishes_the_step_and_rolls_back", || {
        let path = file("net", WALKTHROUGH);
        let bare = exactly();
        for signal in ["SIGINT", "SIGTERM", "SIGHUP"] {
            // In the middle, by the number of messages of a run that is not disturbed.
            let mut trace = traced(&["-e", "trace=sendto,sendmsg"], "/run/trace", &["apply", &path]);
            assert_eq!(run(&mut trace).code, 0);
            down("walkthrough");
            let text = std::fs::read_to_string("/run/trace").unwrap();
            let [call, count] = SENDS
                .map(|call| (text.matches(&format!("{call}(")).count(), call))
                .into_iter()
                .max()
                .map(|(count, call)| [call.to_owned(), count.to_string()])
                .unwrap();
            let half = count.parse::<u32>().unwrap() / 2;
            let ran = injected(&format!("{call}:signal={signal}"), half, &["apply", &path]);
            assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{signal} at {half}: {ran:?}");
            same(signal, &bare, &exactly());
            assert_eq!(records(), [""; 0]);
        }
    });
}

#[test]
fn what_the_kernel_refuses_is_told_with_its_line_and_put_back() {
    sandboxed("what_the_kernel_refuses_is_told_with_its_line_and_put_back", || {
        let route = WALKTHROUGH.replace("[[masquerade]]", "[[masquerade]]\nout = \"eth9\"\n");
        let route =
            route.replace("forward = [\"ipv4\"]", "forward = [\"ipv4\"]\nroute = [\"10.77.0.0/16 via 10.66.0.1\"]");
        let line = 1 + route.lines().position(|line| line.starts_with("route")).unwrap();
        let sysctl = WALKTHROUGH.replace("[netns.red]", "[netns.red]\nsysctl = { \"net.ipv4.no_such\" = 1 }");
        let room = "forward = [\"ipv4\"]\nsysctl = { \"net.ipv4.neigh.default.gc_thresh3\" = 8192 }";
        let room = WALKTHROUGH.replace("forward = [\"ipv4\"]", room);
        for before in ["", WALKTHROUGH] {
            if !before.is_empty() {
                apply(before);
            }
            let was = exactly();
            let ran = verb(&["apply"], &route);
            refused(&ran, 3, &["10.77.0.0/16", &format!("/run/file.toml:{line}:")]);
            same("a gateway that is not there", &was, &exactly());
            let ran = verb(&["apply"], &sysctl);
            assert!(matches!(ran.code, 1 | 3) && ran.err.contains("no_such"), "{ran:?}");
            same("a parameter that is not there", &was, &exactly());
            // Here, unlike in the machine's first network namespace, it is not there: nothing is begun.
            let ran = verb(&["apply"], &room);
            refused(&ran, 1, &["gc_thresh3", "first network namespace", &format!("/run/file.toml:{line}:")]);
            same("a parameter of another namespace", &was, &exactly());
        }
        unchanged(WALKTHROUGH);
        down("walkthrough");
        // Without the rights for it, nothing is begun.
        let bare = exactly();
        let path = file("net", WALKTHROUGH);
        let drop_all =
            sh(&format!("setpriv --bounding-set -all --inh-caps -all \"$NETSTRAP\" apply {path} 2>&1 || echo $?"));
        assert!(drop_all.contains("Operation not permitted") && drop_all.contains("; run it as root"), "{drop_all}");
        assert_eq!(drop_all.lines().last(), Some("1"), "{drop_all}");
        same("without rights", &bare, &exactly());
    });
}

#[test]
fn a_down_that_fails_at_its_end_puts_back_what_went_with_links() {
    sandboxed("a_down_that_fails_at_its_end_puts_back_what_went_with_links", || {
        sh("ip link add eth7 type veth peer name far");
        let text = concat!(
            "name = \"net\"\n[bridge.br]\nsysctl = { \"net.ipv4.conf.proxy_arp\" = 1 }\n",
            "[device.eth7]\nmtu = 1300\naddress = [\"10.7.0.1/24\"]\n",
        );
        let mut failed = 0;
        for call in ["unlink:error=EIO", "rename:error=EIO", "write:error=EIO"] {
            for k in 1..8 {
                verb(&["apply"], text);
                let before = exactly();
                let ran = injected(call, k, &["down", "net"]);
                if ran.code == 3 {
                    same(&format!("{call} {k}: {ran:?}"), &before, &exactly());
                    failed += 1;
                }
            }
        }
        assert!(failed > 1, "{failed}");
    });
}

#[test]
fn killed_while_it_adopts_it_is_carried_on() {
    sandboxed("killed_while_it_adopts_it_is_carried_on", || {
        let path = file("net", WALKTHROUGH);
        let mut killed = 0;
        for (call, step) in [("sendto", 2), ("unlink", 1)] {
            for k in (1..40).step_by(step) {
                sh("ip link add v-net-0 type bridge; ip link set v-net-0 mtu 1400 up");
                let ran = injected(&format!("{call}:signal=KILL"), k, &["apply", "--adopt", &path]);
                let again = ours(&["apply", "--adopt", &path]);
                assert_eq!(again.code, 0, "{call} {k}: {again:?}");
                unchanged(WALKTHROUGH);
                assert!(sh("ip link show v-net-0").contains("mtu 1400"), "{call} {k}");
                assert_eq!(sh("find /etc/netns -name '.*.new'"), "", "{call} {k}");
                down("walkthrough");
                if ran.code == 0 {
                    break;
                }
                killed += 1;
            }
        }
        assert!(killed > 5, "{killed}");
    });
}

#[test]
fn what_could_not_be_undone_is_told_by_name() {
    sandboxed("what_could_not_be_undone_is_told_by_name", || {
        let lasting = |inject: &str, k: usize, words: &[&str]| {
            run(&mut traced(&["-e", &format!("inject={inject}:when={k}+")], "/dev/null", words))
        };
        let there = || {
            sh(
                "ip -br link | sed 's/[@ ].*//'; ls /run/netns 2>/dev/null || true; nft list tables | sed 's/.* //'; find /etc/netns -type f",
            )
        };
        let mut told = 0;
        let mut judge = |ran: Ran, before: &str, context: &str| {
            let now = there();
            let lines = |text: &str, other: &str| -> Vec<String> {
                text.lines().filter(|line| !other.lines().any(|other| other == *line)).map(str::to_owned).collect()
            };
            let left = [lines(before, &now), lines(&now, before)].concat();
            match ran.code {
                1 | 3 => assert_eq!(left, [""; 0], "{context}: {ran:?}"),
                4 => {
                    told += 1;
                    assert!(left.iter().all(|name| ran.err.contains(name)), "{context}: {left:?} of {ran:?}");
                }
                _ => assert_eq!(ran.code, 0, "{context}: {ran:?}"),
            }
        };
        sh("mkdir -p /etc/netns");
        let text = format!("{WALKTHROUGH}[netns.green]\ndns = {{ nameserver = [\"192.168.15.5\"] }}\n");
        let path = file("net", &text);
        for (call, error, step) in [("recvfrom", "ENOBUFS", 9), ("sendto", "ENOBUFS", 9), ("unlink", "EIO", 1)] {
            let inject = format!("{call}:error={error}");
            for k in (1..150).step_by(step).take(12) {
                let before = there();
                let ran = lasting(&inject, k, &["apply", &path]);
                judge(ran, &before, &format!("apply: {call} from {k} on"));
                ours(&["apply", &path]).ok();
                let before = there();
                let ran = lasting(&inject, k, &["down", "walkthrough"]);
                judge(ran, &before, &format!("down: {call} from {k} on"));
                ours(&["down", "walkthrough"]).ok();
            }
        }
        assert!(told > 5, "{told}");
        assert_eq!(records(), [""; 0]);
    });
}
