//! `netstrap nat` beside the real nft and iptables: what it writes is listed and loaded
//! again by them, everything can be repeated, and what cannot be done changes nothing.
//! Every test works in a sandbox of its own, so no root is needed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::Command;

use support::{NETSTRAP, Ran, hinted, ours, run, sandboxed, split, theirs, tool};

/// Runs a line of words behind `netstrap nat`.
fn nat(line: &str) -> Ran {
    let words = split(line);
    let words: Vec<&str> = ["nat"].into_iter().chain(words.iter().map(String::as_str)).collect();
    ours(&words)
}

/// Runs a command with text on its standard input.
fn fed(words: &[&str], input: &str) -> Ran {
    let file = format!("/run/input-{}", std::process::id());
    std::fs::write(&file, input).unwrap();
    run(Command::new("sh").args(["-c", "input=$1; shift; exec \"$@\" < $input", "sh", &file]).args(words))
}

fn replace(rules: &str) -> Ran {
    fed(&[NETSTRAP, "nat", "replace", "-"], rules)
}

/// The whole rule set, as nft tells it.
fn ruleset() -> String {
    theirs(&["nft", "list", "ruleset"]).ok()
}

fn iptables(line: &str) -> String {
    theirs(&split(&format!("iptables {line}")).iter().map(String::as_str).collect::<Vec<_>>()).ok()
}

/// One of every kind, in the words that a listing has.
const RULES: &str = "\
masquerade from 192.168.15.0/24
masquerade from 10.0.0.0/20 out eth0 ports 1024-65535 fully-random
masquerade from 172.16.0.1 to 0.0.0.0/0 random persistent
snat from 10.0.0.0/8 to 1.2.3.0/24 to 10.99.0.9-10.99.0.12:100-200 persistent
snat from 10.0.0.0/8 out up0 to 10.99.0.9
forward tcp 8080 to 192.168.15.11:80
forward udp in eth0 listen 10.99.0.1:53-54 to 192.168.15.11 hairpin 192.168.0.0/16
forward tcp listen 127.0.0.1:81 to 192.168.15.11
redirect tcp 80 to 3128
redirect udp in br0 listen 10.0.0.1:80-90 to 3128
masquerade from fd00::/64
masquerade from fd00:1::/50 out eth0
snat from fd00::/64 out abcdefghijklmno to [1111:2222:3333:4444:5555:6666:7777:8888]-[1112:2222:3333:4444:5555:6666:7777:8888]:1000-2000
forward tcp 8080 to [fd00::5]:80
forward udp listen [fd01::1]:53 to fd00::5
redirect tcp listen [::]:80 to 3128
";

#[test]
fn everything_can_be_said_twice() {
    sandboxed("everything_can_be_said_twice", || {
        assert_eq!((nat("list").ok(), nat("list -j").ok(), nat("flush").ok()), ("".into(), "[]\n".into(), "".into()));
        for line in RULES.lines() {
            assert_eq!(nat(&format!("add {line}")).ok(), "", "{line}");
        }
        assert_eq!(nat("list").ok(), RULES);
        let before = theirs(&["nft", "-a", "list", "ruleset"]).ok();
        for line in RULES.lines() {
            assert_eq!(nat(&format!("add {line}")).ok(), "unchanged\n", "{line}");
        }
        assert_eq!(replace(RULES).ok(), "unchanged\n");
        assert_eq!(theirs(&["nft", "-a", "list", "ruleset"]).ok(), before);
        let mut left: Vec<&str> = RULES.lines().collect();
        while let Some(line) = left.pop() {
            assert_eq!(nat(&format!("del {line}")).ok(), "");
            let again = nat(&format!("del {line}"));
            assert_eq!((again.code, again.out.as_str()), (1, ""));
            assert_eq!(again.err, format!("netstrap: nat: del {line}: there is no such rule\n"));
            assert_eq!(nat("list").ok().lines().collect::<Vec<_>>(), left);
        }
        assert_eq!(ruleset().matches("counter").count(), 0);
        assert_eq!((nat("flush").ok(), ruleset(), nat("flush").ok()), ("".into(), "".into(), "".into()));
    });
}

#[test]
fn nft_lists_the_tables_and_loads_its_listing() {
    sandboxed("nft_lists_the_tables_and_loads_its_listing", || {
        nat("add masquerade from 192.168.15.0/24").ok();
        nat("add forward tcp 8080 to 192.168.15.11:80").ok();
        let expected = "\
table ip netstrap {
    comment \"netstrap\"
    chain prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        tcp dport 8080 fib daddr type local counter packets 0 bytes 0 dnat to 192.168.15.11:80 comment \"ns1 forward tcp 8080 to 192.168.15.11:80\"
    }

    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 192.168.15.0/24 ip daddr != 192.168.15.0/24 ip daddr != 224.0.0.0/4 ip daddr != 255.255.255.255 counter packets 0 bytes 0 masquerade comment \"ns1 masquerade from 192.168.15.0/24\"
        meta l4proto tcp ip saddr 192.168.15.0/24 ip daddr 192.168.15.11 ct status dnat counter packets 0 bytes 0 masquerade comment \"ns1 forward tcp 8080 to 192.168.15.11:80\"
    }

    chain output {
        type nat hook output priority -100; policy accept;
        ip daddr != 127.0.0.0/8 tcp dport 8080 fib daddr type local counter packets 0 bytes 0 dnat to 192.168.15.11:80 comment \"ns1 forward tcp 8080 to 192.168.15.11:80\"
    }
}
";
        assert_eq!(ruleset(), expected.replace("    ", "\t"));
        replace(RULES).ok();
        let listed = ruleset();
        // What nft 1.0.6 cannot write in these tables.
        assert!(!listed.contains("nfproto") && !listed.contains('@') && listed.matches("~").count() == 3, "{listed}");
        for comment in listed.split("comment \"").skip(1) {
            assert!(comment.split('"').next().unwrap().len() <= 127, "{comment}");
        }
        theirs(&["nft", "flush", "ruleset"]).ok();
        fed(&[&tool("nft"), "-f", "-"], &listed).ok();
        assert_eq!(ruleset(), listed);
        // Loaded chain by chain: what is listed first is what packets meet first. nft drops what comments have no
        // room for, so the words of three rules of one translation are cut.
        let long = RULES.lines().find(|line| line.len() > 123).unwrap();
        let words = nat("list").ok();
        let known: Vec<&str> = words.lines().filter(|line| !line.starts_with("# not made")).collect();
        assert_eq!(sorted_lines(&known.join("\n")), sorted_lines(&RULES.replace(&format!("{long}\n"), "")));
        assert_eq!(words.lines().count() - known.len(), 3);
        for line in RULES.lines() {
            assert_eq!(nat(&format!("add {line}")).ok(), "unchanged\n", "{line}");
        }
        assert_eq!(nat(&format!("del {long}")).ok(), "");
        assert_eq!(sorted_lines(&nat("list").ok()), sorted_lines(&known.join("\n")));
    });
}

#[test]
fn a_file_replaces_all_and_only_if_it_must() {
    sandboxed("a_file_replaces_all_and_only_if_it_must", || {
        nat("add masquerade from 10.0.0.0/8").ok();
        nat("add masquerade from fd00::/64").ok();
        let v6 = theirs(&["nft", "-a", "list", "table", "ip6", "netstrap"]).ok();
        let rules = "# two rules\nforward tcp 80 to 10.1.2.3   # and why\n\n  masquerade from fd00::1/64\n";
        assert_eq!(replace(rules).ok(), "");
        assert_eq!(nat("list").ok(), "forward tcp 80 to 10.1.2.3\nmasquerade from fd00::/64\n");
        // A table whose rules stay is not touched.
        assert_eq!(theirs(&["nft", "-a", "list", "table", "ip6", "netstrap"]).ok(), v6);
        let before = theirs(&["nft", "-a", "list", "ruleset"]).ok();
        std::fs::write("/run/rules", rules).unwrap();
        assert_eq!(nat("replace /run/rules").ok(), "unchanged\n");
        for (bad, message) in [
            ("foo", "standard input:3: \"foo\" is none of masquerade, snat, forward, redirect"),
            ("masquerade from 10.0.0.0/8 to ::/0", "standard input:3: IPv4 and IPv6 addresses are mixed in one rule"),
            (
                "redirect tcp 80 to 81 --allow-forward",
                "standard input:3: what is redirected is not passed on, so --allow-forward says nothing",
            ),
        ] {
            let ran = replace(&format!("masquerade from 1.2.3.4\n#\n{bad}\nmasquerade from 1.2.3.5\n"));
            assert_eq!((ran.code, ran.err), (64, format!("netstrap: nat: {message}\n")));
        }
        let ran = nat("replace /run/nothing");
        assert_eq!((ran.code, ran.err.as_str()), (1, "netstrap: nat: read /run/nothing: No such file or directory\n"));
        assert_eq!(theirs(&["nft", "-a", "list", "ruleset"]).ok(), before);
        // Another order of one hook's rules is another rule set.
        replace("masquerade from 10.0.0.0/8\nmasquerade from 10.0.0.0/9\n").ok();
        assert_eq!(replace("masquerade from 10.0.0.0/9\nmasquerade from 10.0.0.0/8\n").ok(), "");
        assert_eq!(nat("list").ok(), "masquerade from 10.0.0.0/9\nmasquerade from 10.0.0.0/8\n");
        // None is a rule set too.
        assert_eq!((replace("").ok(), ruleset(), replace("# none").ok()), ("".into(), "".into(), "unchanged\n".into()));
    });
}

#[test]
fn thousands_of_rules_are_one_transaction() {
    sandboxed("thousands_of_rules_are_one_transaction", || {
        let rules: String = (0..5000).map(|n| format!("masquerade from 10.{}.{}.0/24\n", n / 250, n % 250)).collect();
        assert_eq!(replace(&rules).ok(), "");
        assert_eq!(nat("list").ok(), rules);
        assert_eq!(replace(&rules).ok(), "unchanged\n");
        assert_eq!(nat("del masquerade from 10.7.7.0/24").ok(), "");
        assert_eq!(nat("list").ok().lines().count(), 4999);
    });
}

#[test]
fn rules_are_put_into_the_namespace_that_is_named() {
    sandboxed("rules_are_put_into_the_namespace_that_is_named", || {
        ours(&["ip", "netns", "add", "red"]).ok();
        nat("-n red add masquerade from 10.0.0.0/8").ok();
        assert_eq!((nat("list").ok(), nat("list -n red").ok()), ("".into(), "masquerade from 10.0.0.0/8\n".into()));
        assert_eq!(ruleset(), "");
        let ran = nat("del masquerade from 10.0.0.0/9 -n red");
        assert_eq!(ran.err, "netstrap: nat: red: del masquerade from 10.0.0.0/9: there is no such rule\n");
        let ran = nat("list -n blue");
        let message = "enter the network namespace blue: No such file or directory; make it with: ip netns add";
        assert_eq!((ran.code, ran.err), (1, format!("netstrap: nat: {message}\n")));
    });
}

#[test]
fn json_has_the_keys_that_the_help_tells() {
    sandboxed("json_has_the_keys_that_the_help_tells", || {
        replace("snat from 10.0.0.0/8 to 1.2.3.0/24 out up0 to 10.99.0.9-10.99.0.12:100-200 random persistent\nforward udp in eth0 listen 10.99.0.1:53-54 to 192.168.15.11:5 hairpin 192.168.0.0/16").ok();
        theirs(&["nft", "add", "rule", "ip", "netstrap", "output", "counter"]);
        theirs(&["nft", "add", "rule", "ip", "netstrap", "prerouting", "accept"]).ok();
        let expected = "[{\"words\":\"snat from 10.0.0.0/8 to 1.2.3.0/24 out up0 to 10.99.0.9-10.99.0.12:100-200 random persistent\",\"family\":\"ip\",\"action\":\"snat\",\"from\":\"10.0.0.0/8\",\"to\":\"1.2.3.0/24\",\"out\":\"up0\",\"addr\":\"10.99.0.9-10.99.0.12\",\"new_ports\":\"100-200\",\"pick\":[\"random\",\"persistent\"],\"backend\":\"nftables\",\"packets\":0,\"bytes\":0},{\"words\":\"forward udp in eth0 listen 10.99.0.1:53-54 to 192.168.15.11:5 hairpin 192.168.0.0/16\",\"family\":\"ip\",\"action\":\"forward\",\"protocol\":\"udp\",\"in\":\"eth0\",\"listen\":\"10.99.0.1\",\"ports\":\"53-54\",\"addr\":\"192.168.15.11\",\"new_ports\":\"5\",\"hairpin\":\"192.168.0.0/16\",\"backend\":\"nftables\",\"packets\":0,\"bytes\":0},{\"family\":\"ip\",\"chain\":\"prerouting\",\"handle\":8}]\n";
        assert_eq!(nat("list -j").ok(), expected);
        assert!(nat("list").ok().ends_with("# not made by netstrap: table ip netstrap, chain prerouting, handle 8\n"));
        let help = nat("--help").ok();
        for key in expected.split('"').skip(1).step_by(2).filter(|word| expected.contains(&format!("\"{word}\":"))) {
            assert!(help.contains(key), "{key}");
        }
    });
}

#[test]
fn bad_words_are_told_in_a_line_and_change_nothing() {
    sandboxed("bad_words_are_told_in_a_line_and_change_nothing", || {
        nat("add masquerade from 10.0.0.0/8").ok();
        let before = ruleset();
        for line in [
            "",
            "foo",
            "add",
            "add dnat from 1.2.3.4",
            "add masquerade",
            "add masquerade from 10.0.0.0/33",
            "add masquerade from 10.0.0.0/8 out a/b",
            "add masquerade from fd00::/8 to 1.2.3.4",
            "add snat from 10.0.0.0/8 to 1.2.3.4:0",
            "add snat from 10.0.0.0/8 to 1.2.3.4-fd00::1",
            "add forward tcp 80-79 to 1.2.3.4",
            "add forward tcp 65536 to 1.2.3.4",
            "add forward sctp 80 to 1.2.3.4",
            "add redirect tcp 80 to 1.2.3.4",
            "add redirect tcp 80 to 81 --allow-forward",
            "del masquerade",
            "list masquerade",
            "list --flush-conntrack",
            "flush -j",
            "flush all",
            "replace",
            "replace a b",
            "add -x masquerade from 1.2.3.4",
            "list -n",
        ] {
            let ran = nat(line);
            assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{line}");
            assert!(ran.err.starts_with("netstrap: nat: ") && ran.err.lines().count() == 1, "{line}: {}", ran.err);
        }
        let addr = "1111:2222:3333:4444:5555:6666:7777:8880";
        let ran = nat(&format!(
            "add snat from {addr}/127 to {addr}/127 out abcdefghijklmno to [{addr}]-[f{}]:10000-65535 fully-random persistent",
            &addr[1..]
        ));
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (64, "netstrap: nat: the rule is too long to be kept with its words\n")
        );
        let ran = nat("add masquerade from \x1b[m");
        assert_eq!(ran.err, "netstrap: nat: \"\\x1b[m\" is no subnet\n");
        assert_eq!(ruleset(), before);
    });
}

#[test]
fn a_listing_that_is_lost_is_an_error() {
    sandboxed("a_listing_that_is_lost_is_an_error", || {
        nat("add masquerade from 10.0.0.0/8").ok();
        for line in ["list", "list -j", "add masquerade from 10.0.0.0/8"] {
            let script = format!("\"$NETSTRAP\" nat {line} > /dev/full");
            let ran = run(Command::new("sh").args(["-c", &script]).env("NETSTRAP", NETSTRAP));
            assert_eq!((ran.code, ran.err.as_str()), (1, "netstrap: nat: write error: No space left on device\n"));
        }
    });
}

#[test]
fn what_the_kernel_refuses_changes_nothing() {
    sandboxed("what_the_kernel_refuses_changes_nothing", || {
        let wrong = "table ip netstrap {\n chain postrouting {\n type filter hook postrouting priority 100\n }\n}\n";
        fed(&[&tool("nft"), "-f", "-"], wrong).ok();
        let before = ruleset();
        let ran = nat("add masquerade from 10.0.0.0/8");
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(
            ran.err.starts_with("netstrap: nat: add masquerade from 10.0.0.0/8: Operation not supported"),
            "{ran:?}"
        );
        assert_eq!((ran.err.lines().count(), ruleset()), (1, before));
        // Another one's line is named; the table that is wrong is made anew.
        assert_eq!(
            (replace("masquerade from 10.0.0.0/8").ok(), nat("list").ok()),
            ("".into(), "masquerade from 10.0.0.0/8\n".into())
        );
    });
}

#[test]
fn without_privilege_it_says_so() {
    for line in ["add masquerade from 10.0.0.0/8", "list", "flush", "del masquerade from 10.0.0.0/8"] {
        // A user namespace of its own, the network stays the outer one.
        let script = format!("\"$NETSTRAP\" nat {line}");
        let ran = run(Command::new(tool("unshare")).args(["-Um", "sh", "-c", &script]).env("NETSTRAP", NETSTRAP));
        let message = format!(
            "netstrap: nat: {line}: Operation not permitted (EPERM); run it as root, or in a sandbox: netstrap sandbox\n"
        );
        assert_eq!((ran.code, ran.err), (1, message));
    }
}

#[test]
fn a_forward_chain_that_drops_lets_packets_through_as_long_as_the_rule_is_there() {
    sandboxed("a_forward_chain_that_drops_lets_packets_through_as_long_as_the_rule_is_there", || {
        // Nothing drops: nothing to do.
        iptables("-A FORWARD -i lo -j ACCEPT");
        nat("add masquerade from 10.0.0.0/8 --allow-forward").ok();
        assert_eq!(nat("list").ok(), "masquerade from 10.0.0.0/8\n");
        iptables("-P FORWARD DROP");
        let plain = iptables("-S");
        assert_eq!(nat("add masquerade from 10.0.0.0/8 --allow-forward").ok(), "");
        assert_eq!(nat("add masquerade from 10.0.0.0/8 --allow-forward").ok(), "unchanged\n");
        nat("add --allow-forward forward tcp in eth0 80-90 to 10.0.0.1").ok();
        let masquerade = "\
-A CHAIN -s 10.0.0.0/8 -m comment --comment \"ns1 masquerade from 10.0.0.0/8\" -j ACCEPT
-A CHAIN -d 10.0.0.0/8 -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment \"ns1 masquerade from 10.0.0.0/8\" -j ACCEPT
";
        let forward = "\
-A CHAIN -d 10.0.0.1/32 -i eth0 -p tcp -m tcp --dport 80:90 -m conntrack --ctstate DNAT -m comment --comment \"ns1 forward tcp in eth0 80-90 to 10.0.0.1\" -j ACCEPT
-A CHAIN -s 10.0.0.1/32 -o eth0 -p tcp -m tcp --sport 80:90 -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment \"ns1 forward tcp in eth0 80-90 to 10.0.0.1\" -j ACCEPT
";
        let head = "-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n";
        let tail = "-A FORWARD -i lo -j ACCEPT\n";
        let both = [forward, masquerade].concat().replace("CHAIN", "FORWARD");
        assert_eq!(iptables("-S"), [head, &both, tail].concat());
        let words =
            "masquerade from 10.0.0.0/8 --allow-forward\nforward tcp in eth0 80-90 to 10.0.0.1 --allow-forward\n";
        assert_eq!(sorted_lines(&nat("list").ok()), sorted_lines(words));
        assert_eq!(nat("del masquerade from 10.0.0.0/8").ok(), "");
        assert_eq!(iptables("-S"), [head, &forward.replace("CHAIN", "FORWARD"), tail].concat());
        // Docker's chain for its user is met first, if anything leads to it.
        iptables("-N DOCKER-USER");
        replace(words).ok();
        let both = [masquerade, forward].concat();
        let listed = [head, "-N DOCKER-USER\n", &both.replace("CHAIN", "FORWARD"), tail].concat();
        assert_eq!(iptables("-S"), listed);
        let jump = "-A FORWARD -j DOCKER-USER\n";
        iptables("-I FORWARD -j DOCKER-USER");
        replace(words).ok();
        let listed = [head, "-N DOCKER-USER\n", jump, tail, &both.replace("CHAIN", "DOCKER-USER")].concat();
        assert_eq!(iptables("-S"), listed);
        assert_eq!(replace(words).ok(), "unchanged\n");
        nat("flush").ok();
        iptables("-D FORWARD -j DOCKER-USER");
        iptables("-X DOCKER-USER");
        assert_eq!(iptables("-S"), plain);
        // Another family's chain is another chain.
        theirs(&["ip6tables", "-P", "FORWARD", "DROP"]).ok();
        nat("add masquerade from fd00::/64 --allow-forward").ok();
        assert_eq!(theirs(&["ip6tables", "-S", "FORWARD"]).ok().lines().count(), 3);
        assert_eq!(iptables("-S"), plain);
        nat("flush").ok();
    });
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn advice_is_given_to_those_who_want_it() {
    sandboxed("advice_is_given_to_those_who_want_it", || {
        let hint =
            |line: &str| hinted(&split(&format!("nat {line}")).iter().map(String::as_str).collect::<Vec<_>>()).err;
        let forwarding =
            "netstrap: hint: forwarding is off here, so nothing is passed on: sysctl -w net.ipv4.ip_forward=1\n";
        assert_eq!(hint("add masquerade from 10.0.0.0/8"), forwarding);
        assert_eq!(hint("add redirect tcp 80 to 81"), "");
        assert!(hint("add masquerade from fd00::/64").contains("net.ipv6.conf.all.forwarding=1"));
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        assert_eq!(hint("add masquerade from 10.0.0.0/8"), "");
        assert!(hint("add forward tcp listen 127.0.0.1:80 to 10.1.2.3").contains("route_localnet=1"));
        let bridging = std::fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables").unwrap_or_default();
        let told = hint("add forward tcp 80 to 10.1.2.3").contains("bridge-nf-call-iptables=1");
        assert_eq!(told, bridging.starts_with('1'));
        assert_eq!(nat("add masquerade from 10.3.0.0/16").err, "");
    });
}

#[test]
fn connections_are_forgotten_after_a_change() {
    sandboxed("connections_are_forgotten_after_a_change", || {
        let count = || -> u32 {
            let text = std::fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count").unwrap();
            text.trim().parse().unwrap()
        };
        nat("add masquerade from 10.0.0.0/8").ok();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        assert_eq!(count(), 1);
        assert_eq!(nat("add masquerade from 10.0.0.0/8 --flush-conntrack").ok(), "unchanged\n");
        assert_eq!(count(), 1);
        nat("add masquerade from 10.0.0.0/9 --flush-conntrack").ok();
        assert_eq!(count(), 0);
    });
}

#[test]
fn adds_that_collide_are_all_kept() {
    sandboxed("adds_that_collide_are_all_kept", || {
        let script = "for part in 1 2 3; do (i=0; while [ $i -lt 20 ]; do
            \"$NETSTRAP\" nat add masquerade from 10.$part.$i.0/24 || echo failed; i=$((i+1)); done) & done
            (i=0; while [ $i -lt 20 ]; do iptables -t nat -A POSTROUTING -s 10.4.$i.0/24 -j RETURN || echo failed; i=$((i+1)); done) &
            wait";
        let path = "/usr/sbin:/usr/bin:/sbin:/bin";
        let ran = run(Command::new("sh").args(["-c", script]).env("NETSTRAP", NETSTRAP).env("PATH", path));
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
        assert_eq!(nat("list").ok().lines().count(), 60);
        assert_eq!(iptables("-t nat -S POSTROUTING").matches("RETURN").count(), 20);
    });
}
