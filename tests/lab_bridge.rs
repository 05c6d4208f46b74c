//! Bridges of files: as many ports as a bridge takes, and what others do to them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{apply, down, exactly, refused, unchanged, until, verb};
use support::sandboxed;
use support::snapshot::same;

#[test]
fn bridge_1024_ports_refused() {
    sandboxed("bridge_1024_ports_refused", || {
        let before = exactly();
        let text = "name = \"many\"\n[bridge.b]\n[netns.n]\n[veth.\"v{1..1024}\"]\nmaster = \"b\"\npeer = { name = \"w{i}\", netns = \"n\" }\n";
        for word in ["plan", "apply"] {
            refused(&verb(&[word], text), 1, &["/run/file.toml:5:10: ", "1023 ports", "\"b\""]);
        }
        same("refused", &before, &exactly());
        // As many as there may be are planned.
        let ran = verb(&["plan"], &text.replace("1024", "1023"));
        assert_eq!((ran.code, ran.err.as_str()), (2, ""));
    });
}

#[test]
fn a_bridge_that_is_full_of_others_ports_is_told_and_put_back() {
    sandboxed("a_bridge_that_is_full_of_others_ports_is_told_and_put_back", || {
        let script = "ip link add mine type bridge
            for n in $(seq 1023); do echo \"link add dev p$n type vxlan id $n remote 192.0.2.1 dstport 4789\"; echo \"link set p$n master mine\"; done | ip -batch -";
        support::lab::sh(script);
        let text = "name = \"full\"\n[device.mine]\n[netns.n.veth.v]\npeer = { name = \"w\", master = \"mine\" }\n";
        let ran = verb(&["apply"], text);
        assert!(
            matches!(ran.code, 1 | 3) && ran.err.contains("\"mine\"") || ran.err.contains("Exchange full"),
            "{ran:?}"
        );
        assert!(support::snapshot::names("/run/netns").is_empty());
        assert!(!support::lab::sh("ip -br link").contains("w@"));
    });
}

#[test]
fn the_times_of_another_root_are_no_drift() {
    sandboxed("the_times_of_another_root_are_no_drift", || {
        let text = "name = \"stp\"\n[bridge.a]\nstp = true\npriority = 4096\n[bridge.b]\nstp = true\nforward_delay = 200\n\
                    [veth.x]\nmaster = \"a\"\npeer = { name = \"y\", master = \"b\" }\n";
        apply(text);
        let shown = || support::lab::sh("ip -d link show b");
        until("a root elsewhere", || !shown().contains(" root_port 0 "));
        assert!(shown().contains(" forward_delay 1500 "), "{}", shown());
        unchanged(text);
        down("stp");
    });
}
