//! iptables-save and iptables-restore beside the real ones: each reads what the other wrote, both word
//! errors alike, a table changes whole or not at all. Every test works in its own namespaces, so
//! no root is needed.

#![allow(clippy::unwrap_used)]

mod lab;

use lab::{lab, same};

/// Restores each of several inputs and says what came of it.
const STEP: &str = r##"
mount -t tmpfs tmpfs /run; cd /run
try() { printf -- "$1" > in; shift; echo "# $*"; cat in; "$@" < in; echo rc=$?; TOOL_save -c | sed '/^#/d'; }
"##;

/// A rule set with all that needs no extension.
const RICH: &str = r#"
real -P FORWARD DROP; real -N FOO; real -N bar; real -N EMPTY; real -A INPUT -c 5 6 -s 10.0.0.0/8 ! -i lo -p tcp -j FOO
real -A FOO -m comment --comment "it's \"a\" \\ b" -j RETURN; real -A FOO -m comment --comment "" -j ACCEPT
real -A FORWARD -i eth+ -o eth0 -d 1.2.3.4/255.0.255.0 -g bar; real -A bar -f -j DROP; real -A bar -p esp
real -t nat -A POSTROUTING -s 192.168.15.0/24 -j MASQUERADE; real -t nat -N FOO; real -t nat -A PREROUTING -j FOO
real -t mangle -P OUTPUT DROP; real -t mangle -A OUTPUT -o x -j ACCEPT; real -t raw -A PREROUTING -i y -j ACCEPT
real -t security -A INPUT -s 1.1.1.1 -j ACCEPT
real6 -A INPUT -s fd00::/61 ! -d fe80::/10 -p ipv6-icmp -m comment --comment x -j ACCEPT; real6 -P INPUT DROP; real6 -N Z6
real6 -t nat -A POSTROUTING -s fd00::/64 -j ACCEPT
"#;

#[test]
fn both_save_alike() {
    let saves = "TOOL_save; TOOL_save -c; TOOL_save -t nat; TOOL_save --counters --table raw; TOOL6_save; TOOL6_save -t filter
        TOOL_save -t nope; echo $?; TOOL_save junk; echo $?; TOOL_save -Q; echo $?; TOOL_save -t; echo $?; TOOL_save -V; TOOL6_save -V
        mount -t tmpfs tmpfs /run; TOOL_save -f /run/x -t nat; echo $?; cat /run/x; flush; TOOL_save; TOOL_save -t nat";
    let dates = "sed 's/ on [A-Z].*//'";
    let text = same(&format!("{RICH} ({saves}) 2>&1 | {dates}"));
    assert!(text.contains("*security") && text.contains("-A INPUT -s fd00::/61"), "{text}");
}

#[test]
fn each_restores_what_the_other_saved() {
    for (writer, reader) in [("our", "real"), ("real", "our")] {
        let text = lab(&format!(
            "{RICH} mount -t tmpfs tmpfs /run; cd /run; plain() {{ sed '/^#/d'; }}
             {writer}_save -c > v4; {writer}6_save -c > v6; rules > before; flush
             {reader}_restore -c v4 || echo failed; {reader}6_restore -c < v6 || echo failed
             real_save -c | plain > after4; real6_save -c | plain > after6; plain < v4 > v4p; plain < v6 > v6p
             diff v4p after4; diff v6p after6
             {reader}_restore -c v4 || echo failed again; real_save -c | plain | diff v4p -
             {reader}_restore -n v4 || echo failed; real -S INPUT | grep -c FOO; real -S FOO | grep -c RETURN"
        ));
        assert_eq!(text, "2\n1\n", "{writer} to {reader}");
    }
}

/// Bodies of a table; what real iptables crashes on or forgets is left out.
const BODIES: &[&str] = &[
    "-A INPUT -j FOO\\n:FOO - [0:0]",
    ":FOO - [0:0]\\n:FOO - [0:0]\\n-A FOO -j ACCEPT",
    "-A FORWARD -j ACCEPT\\n-D FORWARD -j ACCEPT",
    "-A FORWARD -s 1.1.1.1\\n-I FORWARD -s 2.2.2.2\\n-I FORWARD -s 3.3.3.3\\n-A FORWARD -s 4.4.4.4",
    "-A OUTPUT -j ACCEPT\\n-F OUTPUT\\n-A OUTPUT -j DROP",
    ":INPUT ACCEPT [0:0]\\n-N A\\n-A A -j ACCEPT\\n-F A\\n-X A",
    "-N A\\n-N A",
    "-P INPUT DROP",
    "-P INPUT BAD",
    "-A INPUT -c 5 6",
    "[1:2] -A INPUT",
    "[1:2]-A INPUT",
    "[1:2]",
    "[1:2 -A INPUT",
    "-C INPUT -j ACCEPT",
    "-D INPUT 1",
    "-D INPUT -j ACCEPT",
    "-R INPUT 1 -j ACCEPT",
    "-I INPUT 3",
    "-X FOO",
    "-A NOPE -j ACCEPT",
    "-A INPUT -j NOPE",
    "-A INPUT -s 1.2.3.4.5",
    "-A INPUT -s 1.2.3.4,1.2.3.5 -j ACCEPT",
    "-A INPUT -o x",
    "-A INPUT -m",
    "-A INPUT ! ",
    "-Q",
    "junk",
    "COMMIT x",
    " COMMIT",
    "   ",
    "# comment\\n\\n",
    "*nat",
    ":FOO",
    ":INPUT",
    ":INPUT BAD",
    ":INPUT DROP x",
    ":INPUT DROP [1:2",
    ":INPUT - [0:0]",
    ":THISCHAINNAMEISWAYLONGERTHANIPTABLESTAKES - [0:0]",
    ":ACCEPT - [0:0]",
    ":-x - [0:0]",
    ":INPUT ACCEPT [a:b]",
    ":OUTPUT ACCEPT [0:0]\\n:OUTPUT DROP [0:0]",
    "-t filter -A INPUT",
    "-A INPUT -vt nat",
    "--table nat -A INPUT",
    "-A INPUT -w",
    "-A INPUT -w 5 -j ACCEPT",
    "-4 -A INPUT -s 1.2.3.4",
    "-A INPUT -6 -s fd00::1",
    "-A INPUT -m comment --comment \"\" -j ACCEPT",
    "-A INPUT -m comment --comment a\"b c\"d -j ACCEPT",
    "-A INPUT -m comment --comment 'a b' -j ACCEPT",
    "-A INPUT -m comment --comment \"a \\\\\"b\\\\\" c\" -j ACCEPT",
    "-A INPUT -m comment --comment -t -j ACCEPT",
    ":A - [0:0]\\n:B - [0:0]\\n-A INPUT -j A\\n-A A -j B\\n-A B -j A",
    "-V",
];

#[test]
fn inputs_are_taken_and_refused_alike() {
    for options in ["-c", "-n", ""] {
        let mut script = STEP.to_owned();
        for body in BODIES {
            // Real iptables takes the one without its end.
            if body.ends_with("[1:2") && options == "-c" {
                continue;
            }
            let body = body.replace('\'', "'\"'\"'");
            script += &format!("try '*filter\\n{body}\\nCOMMIT\\n' TOOL_restore {options}; flush\n");
        }
        same(&script);
    }
}

#[test]
fn frames_of_the_input_and_options_are_read_alike() {
    let script = "
        try '*filter\\n-A INPUT -s 1.2.3.4\\n' TOOL_restore; try '-A INPUT\\n' TOOL_restore; try 'COMMIT\\n' TOOL_restore
        try '*nope\\nCOMMIT\\n' TOOL_restore; try '*filter\\nCOMMIT' TOOL_restore; try '' TOOL_restore; try '\\n# x\\n' TOOL_restore
        try '*filter\\n-A INPUT\\nCOMMIT\\n*raw\\n:PREROUTING DROP\\nCOMMIT\\n*filter\\n:INPUT DROP [1:2]\\nCOMMIT\\n' TOOL_restore
        try '*filter\\n-A INPUT\\nCOMMIT\\n*mangle\\n-A INPUT -s x.y.z\\nCOMMIT\\n' TOOL_restore; flush
        try '*filter\\n-A INPUT\\nCOMMIT\\n*raw\\n-A OUTPUT\\nCOMMIT\\n' TOOL_restore -T raw; try '*raw\\nCOMMIT\\n' TOOL_restore -T nat
        try '*filter\\n-A INPUT -s 1.1.1.1\\nCOMMIT\\n' TOOL_restore -t
        try '*filter\\n:FOO - [0:0]\\n-A INPUT -j FOO\\n-A FOO -s 1.1.1.1\\nCOMMIT\\n' TOOL_restore -v
        try '# c\\n*filter\\n:FOO - [0:0]\\n-A FOO -s 2.2.2.2\\nCOMMIT\\n' TOOL_restore -v -n
        try '*filter\\n-A INPUT -s 1.1.1.1\\nCOMMIT\\n' TOOL_restore -w; for o in '-w 5' --wait=5 '-W 5' --noflush -Q --nonsense -T /nope 'in in' -V; do
          echo \"# $o\"; TOOL_restore $o in; echo rc=$?; done
        flush; TOOL6_restore -V; try '*filter\\n-A INPUT -s 1.1.1.1\\nCOMMIT\\n' TOOL6_restore
        try '*filter\\n-A INPUT -s fd00::/64 -p 58 -j ACCEPT\\n-4 -A INPUT -s 1.2.3.4\\nCOMMIT\\n' TOOL6_restore; TOOL6_save | grep -v '^#'";
    same(&(STEP.to_owned() + script));
}

#[test]
fn a_table_changes_whole_or_not_at_all() {
    // The last line cannot be carried out, only the kernel finds it, or only the end of the table does.
    for (bad, code) in [("-A INPUT -j NOPE", 2), ("-A A -j A", 4), ("-D INPUT 9", 1), ("-A INPUT -s ! x", 2)] {
        let text = lab(&format!(
            "our -A INPUT -s 1.2.3.4 -j ACCEPT; our -P FORWARD DROP; our -t nat -A POSTROUTING -j MASQUERADE; rules > /dev/shm/before.$$
             printf '*filter\\n:INPUT DROP [0:0]\\n:A - [0:0]\\n-A INPUT -j A\\n-A INPUT -s 9.9.9.9 -j DROP\\n{bad}\\nCOMMIT\\n' > /dev/shm/in.$$
             for n in '' -n; do our_restore $n /dev/shm/in.$$ 2>/dev/null; echo $?; rules | diff /dev/shm/before.$$ -; done
             rm /dev/shm/*.$$"
        ));
        assert_eq!(text, format!("{code}\n{code}\n"), "{bad}");
    }
}

#[test]
fn new_rules_are_counted_as_they_come() {
    // Real iptables 1.8.9 crashes on the first, and its test does not look at chains.
    let text = lab("our -A FORWARD -s 9.9.9.9; our -A FORWARD -s 8.8.8.8
        printf '*filter\\n-A FORWARD -s 1.1.1.1\\n-I FORWARD 2 -s 3.3.3.3\\n-I FORWARD 2 -s 4.4.4.4\\n-D FORWARD 1\\n-R FORWARD 3 -s 5.5.5.5\\n-I FORWARD 5 -s 7.7.7.7\\nCOMMIT\\n' |
          our_restore -n; echo $?; real -S FORWARD
        printf '*filter\\n-A NOPE\\nCOMMIT\\n' | our_restore --test; echo $?
        printf '*filter\\n-E A B\\nCOMMIT\\n' | our_restore -n; echo $?; printf '*filter\\n-L\\nCOMMIT\\n' | our_restore; echo $?");
    assert_eq!(
        text,
        "0
-P FORWARD ACCEPT
-A FORWARD -s 4.4.4.4/32
-A FORWARD -s 3.3.3.3/32
-A FORWARD -s 5.5.5.5/32
-A FORWARD -s 1.1.1.1/32
-A FORWARD -s 7.7.7.7/32
iptables-restore: line 2 failed: No chain/target/match by that name.
1
iptables-restore: line 2 failed: -E in the input of iptables-restore is not supported by netstrap
2
iptables-restore: line 2 failed: -L in the input of iptables-restore is not supported by netstrap
2
"
    );
}
