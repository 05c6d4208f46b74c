//! Every verb of iptables and ip6tables beside the real tools, in every table: the same words, exit
//! codes and rule sets. Every test works in its own namespaces, so no root is needed.

#![allow(clippy::unwrap_used)]

mod lab;

use lab::{lab, same};

/// Runs a command and says what came of it.
const STEP: &str = "c() { echo \"# $*\"; \"$@\"; echo rc=$?; }\n";

#[test]
fn every_table_gets_the_chains_that_iptables_makes() {
    for table in ["filter", "mangle", "raw", "security"] {
        for tool in ["TOOL", "TOOL6"] {
            same(&format!(
                "{STEP} for verb in '-A OUTPUT -j ACCEPT' '-I OUTPUT -j DROP' '-N FOO' '-P OUTPUT DROP' '-F OUTPUT' '-F' \
                   '-Z' '-X' '-L -n' '-S' '-A PREROUTING -i x' '-A INPUT -i x' '-A FORWARD -i x -o y' '-A POSTROUTING'; do
                   c {tool} -t {table} $verb; rules; flush
                 done"
            ));
        }
    }
}

/// Verbs on chains, one after the other; what real iptables gets wrong is left out.
const CHAINS: &str = "
c TOOL -N FOO; c TOOL -N FOO; c TOOL -N INPUT; c TOOL -N ACCEPT; c TOOL -N -x; c TOOL -N 'a b'; c TOOL -N '!a'; c TOOL -N
c TOOL -N thischainnameis28charslongxx; c TOOL -N thischainnameis29charslongxxx; c TOOL -N MASQUERADE; c TOOL -N A B
c TOOL -A FOO -j ACCEPT; c TOOL -A INPUT -j FOO; c TOOL -X FOO 2>&1; c TOOL -F FOO; c TOOL -X FOO; c TOOL -F
c TOOL -v -X FOO; c TOOL -X FOO; c TOOL -N A1; c TOOL -N A2; c TOOL -v -X; c TOOL -S
c TOOL -P INPUT DROP; c TOOL -X INPUT; c TOOL -P INPUT; c TOOL -P INPUT BAD; c TOOL -P FOO DROP; c TOOL -P INPUT RETURN
c TOOL -P INPUT drop; c TOOL -P INPUT DROP -s 1.2.3.4; c TOOL -P INPUT DROP ACCEPT; c TOOL -nvL INPUT; c TOOL -S
c TOOL -P INPUT ACCEPT; c TOOL -A INPUT -j ACCEPT; c TOOL -X INPUT; c TOOL -F; c TOOL -X INPUT; rules
c TOOL -N A1; c TOOL -N A2; c TOOL -E A1 A2; c TOOL -E A1 INPUT; c TOOL -E NO A9; c TOOL -E A1; c TOOL -E A1 A3 A4
c TOOL -A INPUT -j A1; c TOOL -v -E A1 A5; c TOOL -E A5 A6 -n; c TOOL -S; rules
c TOOL -t raw -A INPUT -j ACCEPT; c TOOL -t nat -P POSTROUTING DROP; c TOOL -t nat -P INPUT ACCEPT; c TOOL -t nat -N INPUT
c TOOL -t nat -X; c TOOL -t nat -S; c TOOL -N A5 -j ACCEPT; c TOOL -X A5 -s 1.2.3.4; c TOOL -D INPUT -A INPUT; c TOOL -Z -Z
";

/// Verbs on rules.
/// Real iptables makes all built-in chains for `-S -Z`, so they are there from the beginning.
const RULES: &str = "
c TOOL -P FORWARD ACCEPT; c TOOL -P OUTPUT ACCEPT; c TOOL -N A2; c TOOL -A INPUT -c 5 6 -j A2; c TOOL -A INPUT -c 5 -j A2; c TOOL -A INPUT -c 7,8 -j A2; c TOOL -A INPUT -c 5, -j A2
c TOOL -A INPUT -c x 6 -j A2; c TOOL -A INPUT -c 5 x -j A2; c TOOL -A INPUT ! -c 5 6; c TOOL -L -c 5 6; c TOOL -D INPUT -c 5 6 -j A2
c TOOL -I INPUT -c 123456 99999999999 -j ACCEPT; c TOOL -nvL --line-numbers; c TOOL -nvxL INPUT; c TOOL -S -v; c TOOL -L INPUT 2 -v
c TOOL -Z INPUT 1; c TOOL -nvL INPUT; c TOOL -Z INPUT 99; c TOOL -Z INPUT 0; c TOOL -Z NOPE; c TOOL -Z 1
c TOOL -v -Z INPUT; c TOOL -nvL; c TOOL -R INPUT 1 -c 9 9 -p 6 -j A2; c TOOL -nvL INPUT; c TOOL -v -R INPUT 2 -i x -j ACCEPT
c TOOL -R INPUT 0 -j A2; c TOOL -R INPUT -j A2; c TOOL -R INPUT x -j A2; c TOOL -R INPUT 9 -j A2; c TOOL -R NOPE 1 -j A2
c TOOL -R INPUT 1 -j NOPE; c TOOL -R INPUT 1 -n; c TOOL -v -Z; c TOOL -L -Z INPUT; c TOOL -S -Z; c TOOL -S
c TOOL -A INPUT -p nope; c TOOL -A INPUT -p 256; c TOOL -A INPUT ! -p all; c TOOL -A INPUT -p all; c TOOL -A INPUT -p TCP -j A2
c TOOL -A INPUT -p ip; c TOOL -A INPUT -p esp; c TOOL -A INPUT ! -p 132; c TOOL -A INPUT -p 255; c TOOL -A INPUT -p icmp
c TOOL -A INPUT -p icmpv6; c TOOL -A INPUT -p 58; c TOOL -A INPUT -p gre -p esp; c TOOL -A INPUT -p udplite; c TOOL -A INPUT -p ah
c TOOL -S INPUT; c TOOL -L INPUT; c TOOL -nL INPUT; c TOOL -D INPUT -p esp; c TOOL -C INPUT -p 255; c TOOL -C INPUT -p 254
c TOOL -A INPUT -o x; c TOOL -A OUTPUT -i x; c TOOL -A FORWARD -i x -o y; c TOOL -t security -A INPUT; c TOOL -t nope -A INPUT
c TOOL -A INPUT -j INPUT; c TOOL -A A2 -j A2; c TOOL -A A2 -g INPUT; c TOOL -w -A INPUT; c TOOL -w 5 -W 5 -S INPUT; c TOOL -V
rules
";

/// What only one family has.
const V4: &str = "
c TOOL -A INPUT -f -j ACCEPT; c TOOL -A INPUT ! -f -p icmp; c TOOL -A INPUT -f -f; c TOOL -L -f; c TOOL -v -A INPUT ! -f -s 1.2.3.4
c TOOL -S; c TOOL -L; c TOOL -nvL; c TOOL -C INPUT -f -j ACCEPT; c TOOL -D INPUT ! -f -p icmp; c TOOL -6 -L; c TOOL -4 -S
c TOOL -R INPUT 1 -s 1.2.3.4,5.6.7.8; c TOOL -A INPUT -s 1.2.3.4,5.6.7.8 -d 9.9.9.9,10.0.0.0/8; c TOOL -D INPUT -s 5.6.7.8 -d 10.0.0.0/8
rules
";

const V6: &str = "
c TOOL6 -A INPUT -s fd00::1/64 -d fd01::5 -i eth0 -p tcp -j ACCEPT; c TOOL6 -A INPUT ! -p udp -s fd00::1/61 ! -d fe80::/10
c TOOL6 -A INPUT -s 2001:db8::/ffff:0:ffff:: -j ACCEPT; c TOOL6 -A INPUT -s ::/0; c TOOL6 -A INPUT -s fd00::1,fd00::2 -j DROP
c TOOL6 -A INPUT -s 1.2.3.4; c TOOL6 -A INPUT -s fd00::/129; c TOOL6 -A INPUT -s fd00::/33/3; c TOOL6 -A INPUT -s fd00::/ffff::1:0
c TOOL6 -A INPUT -f; c TOOL6 -A INPUT -p ipv6-frag; c TOOL6 -A INPUT ! -p ipv6-frag; c TOOL6 -A INPUT -s ::1.2.3.4; c TOOL6 -A INPUT -d ::ffff:1.2.3.4/96
c TOOL6 -S; c TOOL6 -L; c TOOL6 -nvL --line-numbers; c TOOL6 -L -n; c TOOL6 -D INPUT -s fd00::2 -j DROP; c TOOL6 -4 -L; c TOOL6 -6 -S
c TOOL6 -v -A INPUT ! -s fd00::1/61 -p tcp; c TOOL6 -C INPUT ! -s fd00::/61 -p tcp; c TOOL6 -t nat -A POSTROUTING -s fd00::/64
c TOOL6 junk; c TOOL6 -Q; c TOOL6 -t foo -L; c TOOL6 -A NOPE; c TOOL6 -L NOPE; c TOOL6 -V
rules | sed '/table ip6 nat/,$d'; c TOOL6 -t nat -S
";

#[test]
fn chains_are_made_named_and_deleted_alike() {
    for script in [CHAINS.to_owned(), CHAINS.replace("TOOL", "TOOL6").replace("1.2.3.4", "fd00::1")] {
        // A line of the kernel's refusal comes before or behind what was said.
        let text = same(&(STEP.to_owned() + &script.replace("2>&1", "2>&1 | sort")));
        assert!(text.contains("CHAIN_DEL failed (Device or resource busy): chain FOO"), "{text}");
    }
}

#[test]
fn rules_are_put_counted_and_replaced_alike() {
    // ip6tables 1.8.9 forgets what counters are to start at.
    let mut rules6 = RULES.replace("TOOL", "TOOL6");
    for counters in ["-c 5 6 ", "-c 7,8 ", "-c 123456 99999999999 ", "-c 9 9 "] {
        rules6 = rules6.replace(&["-A INPUT ", counters].concat(), "-A INPUT ");
        rules6 = rules6.replace(&["-I INPUT ", counters].concat(), "-I INPUT ");
        rules6 = rules6.replace(&["-R INPUT 1 ", counters].concat(), "-R INPUT 1 ");
    }
    for script in [RULES, &rules6] {
        let text = same(&(STEP.to_owned() + script));
        assert!(text.contains("Index of replacement too big"), "{text}");
    }
}

#[test]
fn what_one_family_has_is_alike() {
    for script in [V4, V6] {
        same(&(STEP.to_owned() + script));
    }
}

#[test]
fn each_checks_and_deletes_what_the_other_wrote_in_every_table() {
    let rules =
        ["-s 10.0.0.0/9 -p tcp -j ACCEPT", "! -p udp -d 1.2.3.4 ! -o eth+ -j FOO", "-p 99 -g FOO", "-f -j RETURN"];
    let rules6 =
        ["-s fd00::/61 -p tcp -j ACCEPT", "! -p udp -d fd00::1 ! -o eth+ -j FOO", "-p 58 -g FOO", "-d fd00::/ffff::1"];
    for (six, rules) in [("", rules), ("6", rules6)] {
        let mut script = String::new();
        for table in ["filter", "mangle", "raw", "security", "nat"] {
            for (writer, reader) in [("our", "real"), ("real", "our")] {
                let (writer, reader) = (format!("{writer}{six} -t {table}"), format!("{reader}{six} -t {table}"));
                for rule in rules {
                    script += &format!(
                        "{writer} -N FOO; {writer} -A OUTPUT {rule} || echo {writer} cannot write: {rule}
                         {reader} -C OUTPUT {rule} || echo {reader} does not find: {rule}
                         {reader} -D OUTPUT {rule} || echo {reader} does not delete: {rule}
                         {writer} -C OUTPUT {rule} 2>/dev/null && echo still there: {rule}
                         flush\n"
                    );
                }
            }
        }
        assert_eq!(lab(&script), "");
    }
}

#[test]
fn a_counter_is_zeroed_in_a_rule_with_foreign_parts() {
    let text = lab(r#"
        our -A INPUT -c 3 4 -j ACCEPT
        nft 'add rule ip filter INPUT ct state new meta mark 1 counter packets 5 bytes 6 accept comment "kept"'
        our -Z INPUT 2; rules | grep -o 'ct state.*'; our -nvL INPUT 1 | tr -s ' '
        our -Z; rules | grep -c 'packets 0 bytes 0'"#);
    assert_eq!(
        text,
        "ct state new meta mark 0x00000001 counter packets 0 bytes 0 accept comment \"kept\"\n 3 4 ACCEPT 0 -- * * 0.0.0.0/0 0.0.0.0/0 \n2\n"
    );
}

#[test]
fn a_built_in_chain_keeps_its_name_and_nat_its_chains() {
    let text = lab("
        our -A INPUT -j ACCEPT; our -E INPUT FOO; echo $?; our -N A; our -E A thischainnameis29charslongxxx 2>/dev/null; echo $?
        our -t nat -A POSTROUTING -j ACCEPT; our -t nat -X; rules | grep -c 'type nat'
        our -t nat -F; our -t nat -X; rules | grep -c 'type nat'");
    assert_eq!(text, "iptables: No chain/target/match by that name.\n1\n2\n4\n0\n");
}

/// Base chains of another owner in iptables' table, one by the name of a built-in chain.
const OTHERS: &str = "
nft 'add table ip filter; add chain ip filter foo { type filter hook input priority 6; }; add rule ip filter foo counter drop'
nft 'add chain ip filter INPUT { type filter hook input priority 5; }; add rule ip filter INPUT counter drop'
c TOOL -C INPUT -j DROP; c TOOL -D INPUT -j DROP; c TOOL -D INPUT 1; c TOOL -R INPUT 1 -j ACCEPT; c TOOL -F INPUT; c TOOL -X INPUT
c TOOL -C foo -j DROP; c TOOL -D foo -j DROP; c TOOL -D foo 1; c TOOL -R foo 1 -j ACCEPT; c TOOL -F foo; c TOOL -X foo; c TOOL -X
c TOOL -A foo -j ACCEPT; c TOOL -I foo -j ACCEPT; c TOOL -Z foo; c TOOL -Z INPUT; c TOOL -P foo DROP; c TOOL -E foo bar
rules
";

#[test]
fn base_chains_of_others_are_left_alone() {
    let text = same(&(STEP.to_owned() + OTHERS));
    assert_eq!(text.matches("counter packets 0 bytes 0 drop").count(), 2, "{text}");
    // Real iptables leaves it to the kernel to refuse.
    let text = lab("nft 'add table ip filter; add chain ip filter foo { type filter hook input priority 6; }'
        nft 'add rule ip filter foo counter drop'; our -N foo; echo $?; our -A OUTPUT -j foo 2>/dev/null; echo $?
        printf '*filter\n:foo - [0:0]\nCOMMIT\n' | our_restore -n; echo $?; rules | grep -c drop");
    assert_eq!(
        text,
        "iptables: Chain already exists.\n1\n2\niptables-restore: line 2 failed: Chain already exists.\n1\n1\n"
    );
}

#[test]
fn what_is_not_saved_is_told() {
    let text = lab("
        our -t nat -A POSTROUTING -j ACCEPT; our6 -A INPUT -j ACCEPT
        our_save >/dev/full; echo $?; our_save -f /dev/full; echo $?; our_save 2>&1 >/dev/null
        nft 'add rule ip nat POSTROUTING numgen inc mod 2 1 accept; add rule ip6 filter INPUT tcp dport { 1, 2 } drop'
        our_save 2>&1 >/dev/null; our6_save -t filter 2>&1 >/dev/null");
    assert_eq!(
        text,
        "\
iptables-save: write error: No space left on device
1
Failed to open file, error: No space left on device
1
iptables-save: table `nat' has rules that iptables has no words for; they are not saved: nft list table ip nat
ip6tables-save: table `filter' has rules that iptables has no words for; they are not saved: nft list table ip6 filter
"
    );
}
