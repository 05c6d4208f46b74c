//! What is known of labs from one run to the next, where it cannot be read, is of elsewhere, or says what no file would;
//! and what a run needs beforehand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{WALKTHROUGH, apply, down, exactly, file, records, refused, sh, traced, unchanged};
use support::snapshot::same;
use support::{Ran, ours, run, sandboxed};

/// Two labs that both need forwarding.
const OTHER: &str = "name = \"other\"\nforward = [\"ipv4\"]\n";

fn injected(inject: &[&str], words: &[&str]) -> Ran {
    run(&mut traced(inject, "/dev/null", words))
}

#[test]
fn another_labs_state_that_cannot_be_read_is_not_one_that_says_nothing() {
    sandboxed("another_labs_state_that_cannot_be_read_is_not_one_that_says_nothing", || {
        apply(WALKTHROUGH);
        apply(&OTHER.replace("[\"ipv4\"]\n", "[\"ipv4\"]\n[bridge.o]\n"));
        let before = exactly();
        let state = "/run/netstrap/other.state";
        for (path, call, error) in
            [(state, "read", "EIO"), (state, "openat", "EMFILE"), ("/run/netstrap", "openat", "EMFILE")]
        {
            let inject = ["-P", path, "-e", &format!("inject={call}:error={error}")];
            let ran = injected(&inject, &["down", "walkthrough"]);
            refused(&ran, 1, &[path]);
            same(path, &before, &exactly());
        }
        let text = std::fs::read_to_string(state).unwrap();
        for (from, to) in [("netstrap 1 ", "netstrap 2 "), ("after {", "after {,")] {
            std::fs::write(state, text.replacen(from, to, 1)).unwrap();
            refused(&ours(&["down", "walkthrough"]), 1, &["/run/netstrap"]);
            same(to, &before, &exactly());
        }
        std::fs::write(state, text).unwrap();
        down("walkthrough");
        assert_eq!(sh("sysctl -n net.ipv4.ip_forward"), "1\n");
        down("other");
        assert_eq!(sh("sysctl -n net.ipv4.ip_forward"), "0\n");
    });
}

#[test]
fn what_was_found_need_not_be_a_file() {
    sandboxed("what_was_found_need_not_be_a_file", || {
        apply(WALKTHROUGH);
        // A gateway that no address reaches, and two addresses of one network on two links.
        sh("ip -n red addr add 10.9.9.9/32 dev veth-red; ip -n red addr del 192.168.15.1/24 dev veth-red
            ip -n blue addr add 192.168.15.99/24 dev lo");
        let drifted = exactly();
        let second = file("second", &WALKTHROUGH.replace("192.168.15.2/24", "192.168.15.3/24"));
        for k in [1, 5, 9] {
            let inject = format!("inject=sendmsg,sendto:signal=KILL:when={}", 20 + k);
            injected(&["-e", &inject], &["apply", &second]);
            ours(&["recover", "walkthrough"]).ok();
            same("recovered", &drifted, &exactly());
        }
        down("walkthrough");
    });
}

#[test]
fn a_lab_of_another_network_namespace_is_refused_by_name() {
    sandboxed("a_lab_of_another_network_namespace_is_refused_by_name", || {
        let bare = exactly();
        apply(WALKTHROUGH);
        let before = exactly();
        let path = file("net", WALKTHROUGH);
        for words in ["down walkthrough", "recover walkthrough", &format!("apply {path}")] {
            let said = sh(&format!("unshare -n \"$NETSTRAP\" {words} 2>&1 || echo $?"));
            assert!(said.contains("another network namespace") && said.ends_with("1\n"), "{words}: {said}");
            same(words, &before, &exactly());
        }
        unchanged(WALKTHROUGH);
        down("walkthrough");
        same("after down", &bare, &exactly());
        // Where that is gone, the marks tell.
        sh(&format!("unshare -n \"$NETSTRAP\" apply {path}; \"$NETSTRAP\" down walkthrough"));
        same("of a place that is gone", &bare, &exactly());
        assert_eq!(records(), [""; 0]);
    });
}

#[test]
fn too_few_open_files_are_told_before_anything_is_done() {
    sandboxed("too_few_open_files_are_told_before_anything_is_done", || {
        let farm = "name = \"farm\"\n[bridge.br0]\n[netns.\"w{1..30}\".veth.eth0]\n\
                    peer = { name = \"w{i}\", master = \"br0\" }\n";
        let path = file("farm", farm);
        let bare = exactly();
        for limit in [20, 40, 70] {
            let said = sh(&format!("prlimit --nofile={limit}:{limit} \"$NETSTRAP\" apply {path} 2>&1 || echo $?"));
            assert!(said.contains("ulimit -n") && said.ends_with("1\n"), "{limit}: {said}");
            same("too few", &bare, &exactly());
        }
        apply(farm);
        let before = exactly();
        for words in ["down farm", "status farm", "export"] {
            let said = sh(&format!("prlimit --nofile=40:40 \"$NETSTRAP\" {words} 2>&1 || echo $?"));
            assert!(said.contains("Too many open files") && said.ends_with("1\n"), "{words}: {said}");
        }
        // One namespace alone that cannot be opened.
        let inject = ["-P", "/run/netns/w7", "-e", "inject=openat:error=EMFILE"];
        refused(&injected(&inject, &["down", "farm"]), 1, &["w7"]);
        same("not looked at", &before, &exactly());
        down("farm");
        same("after down", &bare, &exactly());
    });
}

#[test]
fn a_tap_that_was_made_and_not_marked_is_known_by_its_number() {
    sandboxed("a_tap_that_was_made_and_not_marked_is_known_by_its_number", || {
        let path = file("tap", "name = \"tap\"\n[tap.tp]\n");
        let bare = exactly();
        for verb in [&["apply", path.as_str()][..], &["recover", "tap"], &["down", "tap"]] {
            let ran = injected(&["-P", "/dev/net/tun", "-e", "inject=close:signal=KILL"], &["apply", &path]);
            assert_eq!(ran.code, 137);
            assert!(!sh("ip link show tp").contains("altname"), "it has a mark already");
            ours(verb).ok();
            ours(&["down", "tap"]).ok();
            same(verb[0], &bare, &exactly());
            assert_eq!(records(), [""; 0]);
        }
    });
}

#[test]
fn a_folder_that_others_may_write_is_not_taken() {
    sandboxed("a_folder_that_others_may_write_is_not_taken", || {
        let path = file("net", WALKTHROUGH);
        let bare = exactly();
        for make in ["mkdir -m 777 /run/netstrap", "mkdir /run/theirs; ln -s /run/theirs /run/netstrap"] {
            sh(make);
            refused(&ours(&["apply", &path]), 1, &["/run/netstrap", "chmod 700"]);
            same(make, &bare, &exactly());
            sh("rm -r /run/netstrap");
        }
        // What programs of others read is theirs to read, whatever the mask of whoever applies it.
        sh("mkdir -p /etc/netns");
        let dns = WALKTHROUGH.replace("[netns.red]", "[netns.red]\ndns = { nameserver = [\"192.0.2.53\"] }");
        sh(&format!("umask 077; \"$NETSTRAP\" apply {}", file("dns", &dns)));
        assert_eq!(sh("stat -c %a /etc/netns/red /etc/netns/red/resolv.conf /run/netstrap"), "755\n644\n700\n");
        down("walkthrough");
    });
}
