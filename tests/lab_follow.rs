//! What follows from what a file says is looked at as well: the routes to the subnets of addresses, the device of a
//! gateway, the order of addresses, files of a namespace that is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{apply, planned_nothing, sh, unchanged, verb};
use support::{sandboxed, theirs};

/// What a command of the real ip shows of the namespace `n`.
fn show(words: &str) -> String {
    theirs(&format!("ip -n n {words}").split(' ').collect::<Vec<_>>()).out
}

fn link(lines: &str) -> String {
    format!("name = \"t\"\n[netns.n.veth.e]\npeer = {{ name = \"f\" }}\n{lines}\n")
}

#[test]
fn routes_that_the_kernel_made_come_back() {
    sandboxed("routes_that_the_kernel_made_come_back", || {
        let text = link(
            "address = [\"10.0.0.1/24\", \"10.0.0.2/24\", \"fd00::1/64\"]\nroute = [\"default via 10.0.0.9\", \"default via fd00::9\"]",
        );
        apply(&text);
        let routes = || [show("route"), show("-6 route show dev e")].concat();
        let before = routes();
        sh("ip -n n route flush table main; ip -n n -6 route del default; ip -n n -6 route del fd00::/64 dev e");
        assert_eq!(verb(&["status"], &text).code, 2);
        assert_eq!(apply(&text), "changed: 4 made\n");
        assert_eq!(routes().replace(" linkdown", ""), before.replace(" linkdown", ""));
        unchanged(&text);
        // They go with their addresses, as the kernel's own do.
        apply(&link("address = \"10.5.0.1/24\""));
        assert!(!routes().contains("10.0.0.") && !routes().contains("fd00:"), "{}", routes());
    });
}

#[test]
fn packets_leave_as_from_a_fresh_network() {
    sandboxed("packets_leave_as_from_a_fresh_network", || {
        let ways = || [show("route get 10.0.0.77"), show("-6 route get fd00::77")].concat();
        let one = link("address = [\"10.0.0.1/24\", \"10.0.0.2/24\", \"fd00::1/64\", \"fd00::2/64\"]");
        let other = link("address = [\"10.0.0.3/24\", \"10.0.0.2/24\", \"fd00::2/64\", \"fd00::1/64\"]");
        apply(&other);
        let fresh = ways();
        assert!(fresh.contains("src 10.0.0.3") && fresh.contains("src fd00::1"), "{fresh}");
        apply(&one);
        assert_ne!(ways(), fresh);
        apply(&other);
        assert_eq!(ways(), fresh);
        unchanged(&other);
    });
}

#[test]
fn the_addresses_of_a_subnet_change_their_scope_together() {
    sandboxed("the_addresses_of_a_subnet_change_their_scope_together", || {
        let lists = [
            "\"10.0.0.1/24\", \"10.0.0.2/24\"",
            "\"10.0.0.2/24 scope link\", \"10.0.0.3/24 scope link\"",
            "\"10.0.0.3/24\"",
        ];
        for (list, said) in
            lists.iter().zip(["7 made", "1 made, 1 made anew, 1 taken away", "1 made anew, 1 taken away"])
        {
            let text = link(&format!("address = [{list}]"));
            assert_eq!(apply(&text), format!("changed: {said}\n"), "{list}");
            unchanged(&text);
        }
    });
}

#[test]
fn files_of_a_namespace_that_is_gone_are_in_the_plan() {
    sandboxed("files_of_a_namespace_that_is_gone_are_in_the_plan", || {
        apply("name = \"t\"\n[netns.n]\ndns = { nameserver = \"192.0.2.53\" }\n[bridge.b]\n");
        sh("ip netns del n");
        let less = "name = \"t\"\n[bridge.b]\n";
        let plan = verb(&["plan"], less);
        assert_eq!(
            (plan.code, plan.out.as_str()),
            (2, "- file /etc/netns/n/resolv.conf\n1 to take away\n"),
            "{plan:?}"
        );
        // A run that fails does not make the namespace.
        let failed = verb(&["apply"], "name = \"t\"\nroute = \"10.77.0.0/16 via 10.66.0.1\"\n[bridge.b]\n");
        assert_eq!(failed.code, 3, "{failed:?}");
        assert!(!std::path::Path::new("/run/netns/n").exists());
        assert_eq!(apply(less), "changed: 1 taken away\n");
        assert!(!std::path::Path::new("/etc/netns/n").exists());
        planned_nothing(less);
    });
}
