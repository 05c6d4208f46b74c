//! Kernels that lack something: alternative names and protocols of addresses (by a library that stands between our
//! program and the kernel, `tests/data/old-kernel.c`), and kinds of links.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;
use std::process::Command;

use support::lab::{WALKTHROUGH, alike, exactly, file, records, refused, sh, verb};
use support::snapshot::{difference, same};
use support::traffic::{answer, ask};
use support::{NETSTRAP, Ran, ours, run, sandboxed};

/// Compiles the library.
fn old_kernel(to: &str) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/old-kernel.c");
    let ran = run(Command::new("cc").args(["-Wall", "-Werror", "-shared", "-fPIC", "-o", to, source, "-ldl"]));
    assert_eq!(ran.code, 0, "the C compiler that Rust links with: {ran:?}");
}

/// Runs our program on such a kernel.
fn on_old(words: &[&str]) -> Ran {
    run(Command::new(NETSTRAP).args(words).env("LD_PRELOAD", "/run/old-kernel.so").env_remove("NETSTRAP_HINTS"))
}

#[test]
fn old_kernel_path() {
    sandboxed("old_kernel_path", || {
        old_kernel("/run/old-kernel.so");
        sh("ip link add eth0 type veth peer name far; ip link set far up; ip link set eth0 up");
        let bare = exactly();
        // The library does what it says.
        let ran = on_old(&["ip", "link", "property", "add", "dev", "eth0", "altname", "x"]);
        assert!(ran.code == 2 && ran.err.contains("Operation not supported"), "{ran:?}");

        let text = format!("{WALKTHROUGH}\n[device.eth0]\naddress = [\"192.0.2.1/24\"]\n");
        let path = file("net", &text);
        let ran = on_old(&["apply", &path]);
        assert!(ran.code == 0 && ran.out.starts_with("changed: "), "{ran:?}");
        let shown = sh("ip -d addr; ip -n red -d addr");
        assert!(!shown.contains("altname"), "{shown}");
        assert!(shown.matches("alias netstrap:").count() >= 3, "marked by aliases: {shown}");
        answer("blue", "192.168.15.2");
        assert_eq!(ask("red", "192.168.15.2"), "192.168.15.1");
        let good = alike();
        assert_eq!(on_old(&["apply", &path]).out, "unchanged\n");
        assert_eq!(on_old(&["plan", &path]).code, 0);

        // What the file does not want any more goes by its mark and, the address on the device, by the state file.
        let (less, _) = text.split_once("[netns.blue]").unwrap();
        let less = file("less", &format!("{less}\n[device.eth0]\n"));
        let ran = on_old(&["apply", &less]);
        assert!(ran.code == 0 && ran.out.contains("taken away"), "{ran:?}");
        assert!(!sh("ip addr; ls /run/netns").contains("192.0.2.1"));
        assert_eq!(on_old(&["apply", &path]).code, 0);
        same("there again", &good, &alike());

        // Names are refused there too, and renamed links found again.
        sh("ip link set veth-red-br name elsewhere");
        assert_eq!(on_old(&["apply", &path]).code, 0);
        same("renamed back", &good, &alike());
        let ran = on_old(&["down", "walkthrough"]);
        assert!(ran.code == 0 && ran.out.starts_with("changed: "), "{ran:?}");
        same("after down", &bare, &exactly());
        assert_eq!(records(), [""; 0]);

        // Without the state file, by marks.
        let text = file("net", WALKTHROUGH);
        assert_eq!(on_old(&["apply", &text]).code, 0);
        sh("rm /run/netstrap/walkthrough.state; sysctl -qw net.ipv4.ip_forward=0");
        assert_eq!(on_old(&["down", "walkthrough"]).code, 0);
        assert!(difference(&bare, &exactly()).lines().all(|line| line.contains("sysctl")));

        // A user's alias has no room there: said, not lost.
        let alias = WALKTHROUGH.replace("[bridge.v-net-0]", "[bridge.v-net-0]\nalias = \"mine\"");
        let before = exactly();
        refused(&on_old(&["apply", &file("alias", &alias)]), 3, &["alias", "before 5.5"]);
        same("after a refused alias", &before, &exactly());
    });
}

#[test]
fn a_kind_that_the_kernel_lacks_is_named_and_nothing_stays() {
    sandboxed("a_kind_that_the_kernel_lacks_is_named_and_nothing_stays", || {
        let bare = exactly();
        let mut lacking = 0;
        for (kind, keys) in [
            ("dummy", ""),
            ("vlan", "link = \"v-net-0\"\nid = 5"),
            ("ipvlan", "link = \"host:eth\""),
            ("vrf", "table = 7"),
        ] {
            // Whether the kernel has it, the real tool tells.
            let probe = match kind {
                "vlan" | "ipvlan" => format!(
                    "ip link add b type bridge; ip link add probe link b type {kind} $([ {kind} = vlan ] && echo id 5)"
                ),
                "vrf" => "ip link add probe type vrf table 7".to_owned(),
                _ => format!("ip link add probe type {kind}"),
            };
            let has = run(Command::new("unshare").args(["-n", "sh", "-ec", &probe])).code == 0;
            let text = format!("{WALKTHROUGH}\n[tap.eth]\n[{kind}.lacking]\n{keys}\n");
            let ran = verb(&["apply"], &text);
            if has {
                assert_eq!(ran.code, 0, "{kind}: {ran:?}");
                assert_eq!(verb(&["apply"], &text).out, "unchanged\n");
                ours(&["down", "walkthrough"]).ok();
            } else {
                lacking += 1;
                assert!(matches!(ran.code, 1 | 3), "{kind}: {ran:?}");
                assert!(ran.err.contains(kind) && ran.err.contains("lacking"), "{kind}: {ran:?}");
            }
            same(kind, &bare, &exactly());
        }
        println!("{lacking} kinds are lacking here");
        assert!(!Path::new("/run/netstrap/walkthrough.state").exists());
    });
}
