//! The iptables applet beside the real iptables and nft: each reads, checks and deletes what
//! the other wrote, both word errors alike, and packets are really translated. Every test
//! works in its own user, mount and network namespace, so no root is needed.

#![allow(clippy::unwrap_used)]

mod lab;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use lab::{lab, lab_with};

/// Rules that both tools are asked to write.
const RULES: &[&str] = &[
    "-s 192.168.15.0/24 -j MASQUERADE",
    "-j MASQUERADE",
    "-s 192.168.15.77/24 ! -d 192.168.15.0/24 -j MASQUERADE",
    "-s 10.1.2.3/20 -o eth0 -j MASQUERADE",
    "! -o lo -j MASQUERADE",
    "-o eth+ -j MASQUERADE --random",
    "! -o + -j MASQUERADE",
    "-o abcdefghijklmno -j MASQUERADE --random-fully",
    "-o abcdefghijklmn+ -j ACCEPT",
    "-s 10/8 -j SNAT --to-source 10.99.0.9",
    "-d 1.2.3.4 -j SNAT --to 10.99.0.9-10.99.0.20 --persistent",
    "-s 1.2.3.4/0.255.0.255 -j SNAT --to-source 10.99.0.9 --random --random-fully",
    "! -s 1.2.3.4/255.255.255.254 ! -d 5.6.7.8/1 -j RETURN",
    "-s 1.2.3.4 -d 5.6.7.8 -j ACCEPT",
    "-s 0/0 -d any/0 -j ACCEPT",
    "-s 1.2.3.4,10.0.0.0/30 -d 9.9.9.9,8.8.0.0/16 -j RETURN",
    "-s localhost -o veth:1",
    "",
];

/// What the real tools say of the table; chains are made beforehand in one order so that only rules differ.
const REPORT: &str = r"
report() { real -t nat -S; real -t nat -L -n -v; iptables-save -t nat | grep -v '^#'; rules; }
prime() { for c in PREROUTING INPUT OUTPUT POSTROUTING; do real -t nat -A $c; real -t nat -D $c 1; done; }
";

#[test]
fn the_real_tools_list_our_rules_as_their_own() {
    for rule in RULES {
        let ours = lab(&format!("{REPORT} our -t nat -A POSTROUTING {rule} || echo failed; report"));
        let theirs = lab(&format!("{REPORT} prime; real -t nat -A POSTROUTING {rule} || echo failed; report"));
        assert!(!ours.contains("failed"), "{rule}:\n{ours}");
        assert_eq!(ours, theirs, "{rule}");
    }
}

#[test]
fn each_checks_and_deletes_what_the_other_wrote() {
    for rule in RULES {
        for (writer, reader) in [("our", "real"), ("real", "our")] {
            let text = lab(&format!(
                "{writer} -t nat -A POSTROUTING {rule} || echo not written
                 {reader} -t nat -C POSTROUTING {rule} || echo not found
                 {reader} -t nat -C POSTROUTING -s 99.0.0.0/8 -j MASQUERADE && echo found wrongly
                 {reader} -t nat -D POSTROUTING {rule} || echo not deleted
                 {writer} -t nat -C POSTROUTING {rule} && echo still there
                 {writer} -t nat -S POSTROUTING"
            ));
            let bad_rule = "iptables: Bad rule (does a matching rule exist in that chain?).\n";
            assert_eq!(text, format!("{bad_rule}{bad_rule}-P POSTROUTING ACCEPT\n"), "{writer}, {reader}: {rule}");
        }
    }
}

/// A table with what iptables can put there, as far as it fits the model.
const RICH: &str = r#"
real -t nat -N FOO; real -t nat -N bar; real -t nat -N EMPTY
real -t nat -A PREROUTING -i lo -j ACCEPT
real -t nat -A PREROUTING ! -i v+ -d 1.2.3.4 -j DNAT --to-destination 10.0.0.1
real -t nat -A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80-90 --random --persistent
real -t nat -A PREROUTING -p udp -j REDIRECT --to-ports 53
real -t nat -A OUTPUT -p sctp -j DNAT --to-destination :99
for rule in "-s 10.0.0.0/8 ! -d 127.0.0.1 -j MASQUERADE" "-p tcp -j MASQUERADE --to-ports 100-200" \
  "-p udp -j SNAT --to-source 1.2.3.4-1.2.3.8:100-200 --random-fully" "-j FOO" "! -p icmp -g bar" "-p 99" \
  "-s 127.0.0.0/8 -d 127.0.0.1 -j FOO" "-m comment --comment simple -o eth0 -j RETURN" "-c 123456 99999999999"; do
  real -t nat -A POSTROUTING $rule
done
real -t nat -A POSTROUTING -m comment --comment "it's \"a\" \\ b" -j ACCEPT
real -t nat -A POSTROUTING -m comment --comment "" -j ACCEPT
real -t nat -A FOO -s 1.2.3.4 -j RETURN
"#;

#[test]
fn we_list_a_table_of_iptables_as_it_does() {
    let listings = [
        "-S",
        "-L",
        "-L -n",
        "-nvL",
        "-nvxL --line-numbers",
        "-vL",
        "-S -v",
        "-S POSTROUTING",
        "-S FOO -v",
        "-L FOO",
        "-S POSTROUTING 3",
        "-L POSTROUTING 2 -n",
        "-L bar 9",
        "-L EMPTY -nv",
        "-S INPUT",
        "-L NOPE",
        "-S NOPE",
        "-L POSTROUTING 9 -v",
    ];
    for listing in listings {
        let text = |tool: &str| lab(&format!("ip link set lo up; {RICH} {tool} -t nat {listing}; echo rc=$?"));
        assert_eq!(text("our"), text("real"), "{listing}");
    }
}

#[test]
fn both_insert_and_delete_by_number_alike() {
    let steps = "\
        TOOL -t nat -A POSTROUTING -s 1.1.1.1 -j RETURN; TOOL -t nat -I POSTROUTING -s 2.2.2.2 -j RETURN
        TOOL -t nat -I POSTROUTING 2 -s 3.3.3.3,4.4.4.4 -j MASQUERADE; TOOL -t nat -I POSTROUTING 5 -s 5.5.5.5,6.6.6.6
        TOOL -t nat -I POSTROUTING -s 7.7.7.7,8.8.8.8; TOOL -t nat -I POSTROUTING 99 -j ACCEPT; echo $?
        TOOL -t nat -D POSTROUTING 3; TOOL -t nat -D POSTROUTING 99; echo $?; TOOL -t nat -S
        TOOL -t nat -v -D POSTROUTING -s 2.2.2.2,1.1.1.1 -j RETURN; TOOL -t nat -v -D POSTROUTING -s 5.5.5.5,9.9.9.9 2>/dev/null; echo $?
        TOOL -t nat -v -A POSTROUTING ! -s 1.2.3.4 -d 5.6.7.8/9 ! -o x -j SNAT --to-source 1.2.3.4
        TOOL -t nat -v -C POSTROUTING -s 7.7.7.7; TOOL -t nat -S; TOOL -t nat -F; TOOL -t nat -F POSTROUTING; TOOL -t nat -S";
    let text = |tool: &str| lab(&steps.replace("TOOL", tool));
    assert_eq!(text("our"), text("real"));
}

#[test]
fn comments_are_kept_where_all_can_read_them() {
    let long = "x".repeat(200);
    let text = lab(&format!(
        "our -t nat -A POSTROUTING -s 1.2.3.4 -m comment --comment 'a b' -j MASQUERADE
         our -t nat -A POSTROUTING -m comment --comment {long} -j ACCEPT
         real -t nat -S POSTROUTING
         real -t nat -C POSTROUTING -m comment --comment {long} -j ACCEPT; echo $?
         our -t nat -C POSTROUTING -s 1.2.3.4 -j MASQUERADE; echo $?
         real -t nat -D POSTROUTING -s 1.2.3.4 -m comment --comment 'a b' -j MASQUERADE; echo $?
         real -t nat -A POSTROUTING -m comment --comment 'c d' -j ACCEPT
         our -t nat -D POSTROUTING -m comment --comment 'c d' -j ACCEPT; echo $?
         our -t nat -S POSTROUTING"
    ));
    let expected = format!(
        "-P POSTROUTING ACCEPT
-A POSTROUTING -s 1.2.3.4/32 -m comment --comment \"a b\" -j MASQUERADE
-A POSTROUTING -m comment --comment {long} -j ACCEPT
0
iptables: Bad rule (does a matching rule exist in that chain?).
1
0
0
-P POSTROUTING ACCEPT
-A POSTROUTING -m comment --comment {long} -j ACCEPT
"
    );
    assert_eq!(text, expected);
}

#[test]
fn a_table_with_foreign_parts_is_listed_and_can_be_changed() {
    let text = lab(r#"
        our -t nat -A POSTROUTING -s 10.0.0.0/8 -j RETURN
        nft 'add rule ip nat POSTROUTING ip saddr 10.1.0.0/16 oifname "eth*" counter masquerade random'
        nft 'add rule ip nat POSTROUTING ip saddr 1.2.3.4 ip daddr 5.6.7.8 snat to 9.9.9.9-9.9.9.12'
        nft 'add rule ip nat POSTROUTING numgen inc mod 2 1 counter accept'
        nft 'add rule ip nat POSTROUTING meta mark 1 oifname { "a", "b" } masquerade comment "sets"'
        nft 'add rule ip nat POSTROUTING drop'
        nft 'add chain ip nat other { type nat hook postrouting priority 90; }'
        our -t nat -S; our -t nat -L POSTROUTING 4 --line-numbers
        our -t nat -C POSTROUTING -s 10.1.0.0/16 -o eth+ -j MASQUERADE --random; echo $?
        our -t nat -C POSTROUTING -j ACCEPT; echo $?
        our -t nat -D POSTROUTING 4; our -t nat -D POSTROUTING -s 1.2.3.4 -d 5.6.7.8 -j SNAT --to 9.9.9.9-9.9.9.12
        our -t nat -S POSTROUTING"#);
    let expected = "\
# Table `nat' contains incompatible base-chains, use 'nft' tool to list them.
-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P OUTPUT ACCEPT
-P POSTROUTING ACCEPT
-A POSTROUTING -s 10.0.0.0/8 -j RETURN
-A POSTROUTING -s 10.1.0.0/16 -o eth+ -j MASQUERADE --random
-A POSTROUTING -s 1.2.3.4/32 -d 5.6.7.8/32 -j SNAT --to-source 9.9.9.9-9.9.9.12
# nft: rule 4: -A POSTROUTING [numgen, cmp] -j ACCEPT
# nft: rule 5: -A POSTROUTING [lookup] -m mark --mark 0x1 -m comment --comment sets -j MASQUERADE
-A POSTROUTING -j DROP
4    # nft: rule 4: -A POSTROUTING [numgen, cmp] -j ACCEPT
0
iptables: Bad rule (does a matching rule exist in that chain?).
1
-P POSTROUTING ACCEPT
-A POSTROUTING -s 10.0.0.0/8 -j RETURN
-A POSTROUTING -s 10.1.0.0/16 -o eth+ -j MASQUERADE --random
# nft: rule 4: -A POSTROUTING [lookup] -m mark --mark 0x1 -m comment --comment sets -j MASQUERADE
-A POSTROUTING -j DROP
";
    assert_eq!(text, expected.replace("rule 4: -A POSTROUTING [lookup]", "rule 3: -A POSTROUTING [lookup]"));
}

#[test]
fn chains_that_hang_elsewhere_are_listed_as_iptables_lists_them() {
    let list = |who: &str| {
        lab(&format!(
            r#"list() {{
                for words in -S "-L -n" "-S INPUT" "-L INPUT -n" "-S INPUT 1" "-S FORWARD" "-S OUTPUT" "-L OUTPUT -n" \
                    "-S bar" "-L foo" "-S nope"; do
                    echo $words; {who} $words; echo $?
                done
                {who}-save | grep -v '^# [GC]'
            }}
            nft 'add table ip filter; add chain ip filter INPUT {{ type filter hook input priority 10; }}'
            nft 'add chain ip filter FORWARD {{ type filter hook forward priority 0; }}'
            nft 'add rule ip filter INPUT counter accept'
            list
            nft 'flush ruleset; add table ip filter; add chain ip filter bar; add chain ip filter OUTPUT'
            nft 'add rule ip filter OUTPUT accept; add rule ip filter bar drop'
            list
            nft 'add chain ip filter foo {{ type filter hook input priority 10; }}; add rule ip filter foo accept'
            list"#
        ))
    };
    let theirs = list("iptables");
    assert!(theirs.contains("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N OUTPUT\n-N bar"), "{theirs}");
    let ours = list("$NETSTRAP iptables").replace("netstrap: ", "");
    assert_eq!(ours, theirs);
}

/// Command lines that fail; words as a shell splits them.
const BAD: &[&str] = &[
    "",
    "-t nat",
    "-t",
    "-t nat -A",
    "junk",
    "-t nat junk",
    "-t nat -Q",
    "-t nat --nonsense",
    "-t nat -A POSTROUTING -s",
    "-t nat -A POSTROUTING -j",
    "-t nat -A POSTROUTING -m",
    "-t nat -A POSTROUTING -j ''",
    "-t nat -A POSTROUTING -j 'a b'",
    "-t nat -A POSTROUTING -j thischainnameismuchmuchmuchtoolong",
    "-t nat -A POSTROUTING -j NOPE",
    "-t nat -A POSTROUTING -g ACCEPT",
    "-t nat -A POSTROUTING -j DROP",
    "-t nat -A POSTROUTING -j POSTROUTING",
    "-t nat -A POSTROUTING -j ACCEPT junk",
    "-t nat -A POSTROUTING -j MASQUERADE -j ACCEPT",
    "-t nat -A NOPE -j MASQUERADE",
    "-t nat -A NOPE -j NOPE2",
    "-t nat -A -POSTROUTING -j ACCEPT",
    "-t nat -A ! POSTROUTING -j ACCEPT",
    "-t nat -A thischainnameismuchmuchmuchtoolong -j ACCEPT",
    "-t nat -A POSTROUTING -s 1.2.3.4.5 -j MASQUERADE",
    "-t nat -A POSTROUTING -s 300.2.3.4 -j MASQUERADE",
    "-t nat -A POSTROUTING -s 10./16 -j MASQUERADE",
    "-t nat -A POSTROUTING -s 10.0.0.0/33 -j MASQUERADE",
    "-t nat -A POSTROUTING -s 10.0.0.0/-1 -j MASQUERADE",
    "-t nat -A POSTROUTING -s 10.0.0.0/08 -j MASQUERADE",
    "-t nat -A POSTROUTING -s 10.0.0.0/ -j MASQUERADE",
    "-t nat -A POSTROUTING -s /24 -j MASQUERADE",
    "-t nat -A POSTROUTING -d 10.0.0.0/255.0.0.256 -j MASQUERADE",
    "-t nat -A POSTROUTING -d 10.0.0.0/8/8 -j MASQUERADE",
    "-t nat -A POSTROUTING -d fd00::1 -j MASQUERADE",
    "-t nat -A POSTROUTING -d '' -j MASQUERADE",
    "-t nat -A POSTROUTING -d 1.2.3.4, -j MASQUERADE",
    "-t nat -A POSTROUTING ! -s 0/0 -j MASQUERADE",
    "-t nat -A POSTROUTING -s ! 1.2.3.4 -j MASQUERADE",
    "-t nat -A POSTROUTING ! -s 1.2.3.4,1.2.3.5 -j MASQUERADE",
    "-t nat -A POSTROUTING -s 1.2.3.4 -s 1.2.3.5 -j MASQUERADE",
    "-t nat -A POSTROUTING -o a -o b -j MASQUERADE",
    "-t nat -A POSTROUTING -i eth0 -j MASQUERADE",
    "-t nat -A PREROUTING -o eth0 -j ACCEPT",
    "-t nat -A POSTROUTING -o 1234567890123456 -j MASQUERADE",
    "-t nat -A POSTROUTING -o '' -j MASQUERADE",
    "-t nat -A POSTROUTING ! ! -o a -j MASQUERADE",
    "-t nat -A POSTROUTING ! -j MASQUERADE",
    "-t nat -A POSTROUTING ! -v -j MASQUERADE",
    "-t nat -A POSTROUTING -j MASQUERADE !",
    "-t nat ! -S",
    "! -t nat -S",
    "-t nat -A POSTROUTING -j SNAT",
    "-t nat -A POSTROUTING -j SNAT -s bad",
    "-t nat -A POSTROUTING -j SNAT --to-source",
    "-t nat -A POSTROUTING -j SNAT --to-source x",
    "-t nat -A POSTROUTING -j SNAT --to-source 1.2.3",
    "-t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4/24",
    "-t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4:80",
    "-t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4-",
    "-t nat -A POSTROUTING -j SNAT --to-source fd00::1",
    "-t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4 --to-source 1.2.3.5",
    "-t nat -A POSTROUTING -j SNAT ! --to-source 1.2.3.4",
    "-t nat -A POSTROUTING --to-source 1.2.3.4 -j SNAT",
    "-t nat -A POSTROUTING -j MASQUERADE --to-source 1.2.3.4",
    "-t nat -A POSTROUTING -j MASQUERADE --to-ports 80",
    "-t nat -A POSTROUTING -j MASQUERADE --persistent",
    "-t nat -A POSTROUTING -j MASQUERADE --rand",
    "-t nat -A POSTROUTING -j MASQUERADE --random --random",
    "-t nat -A POSTROUTING -j MASQUERADE ! --random",
    "-t nat -A POSTROUTING --s 1.2.3.4 -j MASQUERADE",
    "-t nat -A POSTROUTING -m comment -j ACCEPT",
    "-t nat -A POSTROUTING -m comment --comment",
    "-t nat -A POSTROUTING --comment hi -j ACCEPT",
    "-t nat -A POSTROUTING -m comment --comment a --comment b -j ACCEPT",
    "-t nat -A POSTROUTING -m comment ! --comment a -j ACCEPT",
    "-t nat -A POSTROUTING -m nosuch -j ACCEPT",
    "-t nat -A POSTROUTING -D POSTROUTING -j MASQUERADE",
    "-t nat -L -S",
    "-t nat -D POSTROUTING 0",
    "-t nat -D POSTROUTING x",
    "-t nat -D POSTROUTING 1x",
    "-t nat -D POSTROUTING 99999999999",
    "-t nat -D POSTROUTING 9",
    "-t nat -D POSTROUTING 1 2",
    "-t nat -D POSTROUTING 1 -j MASQUERADE",
    "-t nat -D POSTROUTING",
    "-t nat -D POSTROUTING -s 10.0.0.0/8,11.0.0.0/8 -j MASQUERADE",
    "-t nat -D NOPE -j MASQUERADE",
    "-t nat -D NOPE 1",
    "-t nat -C POSTROUTING -j NOPE",
    "-t nat -C POSTROUTING -s 10.0.0.0/9 -j MASQUERADE",
    "-t nat -C NOPE -j MASQUERADE",
    "-t nat -I POSTROUTING 0 -j MASQUERADE",
    "-t nat -I POSTROUTING 9 -j MASQUERADE",
    "-t nat -I POSTROUTING -j MASQUERADE 1",
    "-t nat -I NOPE 1 -j MASQUERADE",
    "-t nat -L NOPE",
    "-t nat -S NOPE",
    "-t nat -F NOPE",
    "-t nat -L POSTROUTING 0",
    "-t nat -L POSTROUTING 1 2",
    "-t nat -L -n PREROUTING",
    "-t nat -nLv POSTROUTING",
    "-t nat -L -s 1.2.3.4",
    "-t nat -S -n",
    "-t nat -F -x",
    "-t nat -F POSTROUTING 1",
    "-t nat -A POSTROUTING -j MASQUERADE --line-numbers",
    "-t nat -w x -S",
    "-t nat -W -S",
    "-t nat -W 1000 -S",
    "-t nat -- -S",
    "-t nat -6 -S",
    "-t nosuch -L",
    "-t nosuch -A POSTROUTING -s bad",
];

#[test]
fn bad_command_lines_fail_alike_and_change_nothing() {
    let mut script = String::from(
        "check() { tool=$1; shift; before=$(rules); $tool \"$@\" </dev/null; code=$?; echo \"rc=$code\"
         [ \"$code\" != 0 ] || echo not refused; [ \"$(rules)\" = \"$before\" ] || echo changed; }
         our -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE\n",
    );
    for line in BAD {
        script += &format!("echo \"# {}\"\ncheck TOOL {line}\n", line.replace('!', "not"));
    }
    let ours = lab(&script.replace("TOOL", "our"));
    let theirs = lab(&script.replace("TOOL", "real"));
    assert!(!ours.contains("changed") && !ours.contains("not refused"), "{ours}");
    for (our, their) in ours.split("\n# ").zip(theirs.split("\n# ")) {
        assert_eq!(our, their);
    }
    assert_eq!(ours, theirs);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (line, what) in [
        ("-t nat -A PREROUTING -j NETMAP --to 1.2.3.4", "-j NETMAP"),
        ("-A INPUT -m recent --set", "-m recent"),
        ("-t nat -A PREROUTING -j TPROXY", "-j TPROXY"),
        ("-t nat -A PREROUTING -m hashlimit", "-m hashlimit"),
        ("--modprobe=x -t nat -S", "--modprobe"),
    ] {
        let text = lab(&format!("our {line}; echo rc=$?; rules"));
        assert_eq!(text, format!("iptables: {what} is not supported by netstrap\nrc=2\n"), "{line}");
    }
}

#[test]
fn without_privilege_both_say_so() {
    // The namespace is new, the network stays the outer one, which this user does not own.
    for line in ["-S", "-L", "-A POSTROUTING -j MASQUERADE", "-F", "-D POSTROUTING 1", "-C POSTROUTING"] {
        let text = |tool: &str| lab_with(&["-Um"], &format!("{tool} -t nat {line}; echo rc=$?"));
        assert_eq!(text("our"), text("real"), "{line}");
        assert!(text("our").ends_with("Permission denied (you must be root)\nrc=4\n"));
    }
}

#[test]
fn version_and_help() {
    assert_eq!(lab("our -V; our --version"), lab("real -V; real --version"));
    let help = lab("our -h; echo rc=$?");
    assert!(help.starts_with("iptables v1.8.9 (nf_tables)\n\nUsage: ") && help.ends_with("rc=0\n"), "{help}");
}

#[test]
fn commits_that_collide_are_all_kept() {
    let text = lab(
        "for tool in our real; do for half in 1 2; do
           (i=0; while [ $i -lt 20 ]; do $tool -t nat -A POSTROUTING -s 10.$half.0.$i -j RETURN || echo failed; i=$((i+1)); done) &
         done; done; wait
         real -t nat -S POSTROUTING | grep -c RETURN",
    );
    assert_eq!(text, "80\n");
}

#[test]
fn the_hint_about_forwarding_shows_only_when_it_is_off() {
    let text = lab("export NETSTRAP_HINTS=1
         our -t nat -A POSTROUTING -j ACCEPT; echo 1; our -t nat -A POSTROUTING -j MASQUERADE; echo 2
         our -t nat -C POSTROUTING -j MASQUERADE; echo 1 > /proc/sys/net/ipv4/ip_forward
         our -t nat -A POSTROUTING -j MASQUERADE");
    let hint = "netstrap: hint: forwarding is off here, so nothing will be translated: sysctl -w net.ipv4.ip_forward=1";
    assert_eq!(text, format!("1\n{hint}\n2\n"));
}

/// Not a test by itself: the peers of the next one, started inside its namespaces.
#[test]
fn peer() {
    match std::env::var("NAT_PEER").as_deref() {
        Ok("server") => {
            let listener = TcpListener::bind("10.9.0.2:7000").unwrap();
            std::fs::write("/run/ready", "").unwrap();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let seen = stream.peer_addr().unwrap().ip().to_string();
                stream.write_all(seen.as_bytes()).unwrap();
            }
        }
        Ok("client") => {
            let server: SocketAddr = "10.9.0.2:7000".parse().unwrap();
            let mut seen = String::new();
            let read = TcpStream::connect_timeout(&server, Duration::from_secs(2))
                .and_then(|mut stream| stream.read_to_string(&mut seen));
            println!("PEER {}", if read.is_ok() { &seen } else { "nothing" });
        }
        _ => {}
    }
}

/// Namespaces red - here - ext, linked by veth pairs; ext has no route back to red.
const WORLD: &str = r#"
mount -t tmpfs tmpfs /run; mkdir /run/netns
for ns in red ext; do ip netns add $ns; ip link add to-$ns type veth peer name eth0 netns $ns; ip link set to-$ns up; done
ip addr add 192.168.15.5/24 dev to-red; ip addr add 10.9.0.1/24 dev to-ext
ip -n red addr add 192.168.15.2/24 dev eth0; ip -n ext addr add 10.9.0.2/24 dev eth0
ip -n red link set eth0 up; ip -n ext link set eth0 up; ip -n red route add default via 192.168.15.5
echo 1 > /proc/sys/net/ipv4/ip_forward
NAT_PEER=server ip netns exec ext "$PEER" --exact peer --nocapture >/dev/null & server=$!
while [ ! -e /run/ready ]; do sleep 0.05; done
ask() { NAT_PEER=client ip netns exec red "$PEER" --exact peer --nocapture | sed -n 's/.*PEER //p'; }
"#;

#[test]
fn packets_are_translated() {
    let peer = std::env::current_exe().unwrap();
    let text = lab(&format!(
        "PEER='{}'\n{WORLD} ask
         our -t nat -A POSTROUTING -s 192.168.15.0/24 -j MASQUERADE; ask
         our -t nat -F; ip addr add 10.9.0.77/24 dev to-ext
         our -t nat -A POSTROUTING -s 192.168.15.0/24 -o to-ext -j SNAT --to-source 10.9.0.77; ask
         our -t nat -I POSTROUTING -d 10.9.0.0/16 -j ACCEPT; ask
         kill $server",
        peer.display()
    ));
    assert_eq!(text, "nothing\n10.9.0.1\n10.9.0.77\nnothing\n");
}
