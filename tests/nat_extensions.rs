//! Matches and targets of the iptables applet beside the real iptables: each of many rules is
//! written by either, listed alike by both and by nft, found and deleted by the other; wrong
//! options are refused in the same words. Every script works in its own namespaces.

#![allow(clippy::unwrap_used)]

use std::process::Command;

/// Start of every script: `our` is the applet, `real` is iptables, of family `$F`; `$DATA` holds the data.
const PRELUDE: &str = r#"
exec 2>&1
T=iptables; [ $F = 6 ] && T=ip6tables
our() { "$NETSTRAP" $T "$@"; }
real() { $T "$@"; }
lines() { grep "^[46]*$F[46]* " "$DATA/iptables-extensions.txt"; }
for chain in INPUT FORWARD OUTPUT; do real -A $chain; real -D $chain 1; done
for chain in PREROUTING INPUT OUTPUT POSTROUTING; do real -t nat -A $chain; real -t nat -D $chain 1; done
for chain in PREROUTING INPUT FORWARD OUTPUT POSTROUTING; do real -t mangle -A $chain; real -t mangle -D $chain 1; done
for chain in PREROUTING OUTPUT; do real -t raw -A $chain; real -t raw -D $chain 1; done
list() { for t in filter nat mangle raw; do $1 -t $t -S; $1 -t $t -L -n -v; $1 -t $t -L --line-numbers; done; }
each() { lines | while read -r families table chain rule; do set -f; eval "set -- $rule"; $WHO -t $table $VERB $chain "$@" || echo "$WHO $VERB: $rule"; done; }
"#;

fn lab(family: u8, script: &str) -> String {
    let output = Command::new("unshare")
        .args(["-Urnm", "sh", "-c", &format!("{PRELUDE}{script}")])
        .env("NETSTRAP", env!("CARGO_BIN_EXE_netstrap"))
        .env("NETSTRAP_HINTS", "0")
        .env("F", family.to_string())
        .env("DATA", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines in which two texts differ first, so that a failure can be read.
fn same(ours: &str, theirs: &str, what: &str) {
    let different = ours.lines().zip(theirs.lines()).find(|(our, their)| our != their);
    assert!(ours == theirs, "{what}: ours and theirs differ first at {different:?}");
}

#[test]
fn the_real_tools_list_our_extensions_as_their_own() {
    for family in [4, 6] {
        let text =
            |who: &str| lab(family, &format!("WHO={who} VERB=-A; each; list real; nft list ruleset 2>/dev/null"));
        let (ours, theirs) = (text("our"), text("real"));
        assert!(theirs.lines().count() > 1_000 && !theirs.contains("real -A"), "{theirs}");
        same(&ours, &theirs, "listing");
    }
}

#[test]
fn the_bytes_of_a_rule_are_theirs() {
    for family in [4, 6] {
        let text = |who: &str| {
            lab(
                family,
                &format!("WHO={who} VERB=-A; each; nft --debug=netlink list ruleset 2>/dev/null | grep '^ *\\['"),
            )
        };
        same(&text("our"), &text("real"), "expressions");
    }
}

#[test]
fn we_list_their_extensions_as_they_do() {
    for family in [4, 6] {
        let text = |who: &str| lab(family, &format!("WHO=real VERB=-A; each; list {who}"));
        same(&text("our"), &text("real"), "listing");
    }
}

#[test]
fn each_finds_and_deletes_the_extensions_of_the_other() {
    for family in [4, 6] {
        for (writer, reader) in [("our", "real"), ("real", "our")] {
            let script = format!(
                "WHO={writer} VERB=-A; each; WHO={reader} VERB=-C; each; VERB=-D; each
                 for t in filter nat mangle raw; do real -t $t -S | grep ^-A; done; echo done"
            );
            assert_eq!(lab(family, &script), "done\n", "{writer}, {reader}");
        }
    }
}

#[test]
fn wrong_options_are_refused_in_the_same_words() {
    for family in [4, 6] {
        let text = |who: &str| {
            lab(
                family,
                &format!(
                    "grep -v '^#' \"$DATA/iptables-extensions-wrong.txt\" | while read -r table rule; do
                       set -f; eval \"set -- $rule\"; echo \"# $table $rule\"
                       {who} -t $table -A OUTPUT \"$@\"; echo rc=$?; real -t $table -S OUTPUT | grep ^-A; real -t $table -F OUTPUT
                     done"
                ),
            )
        };
        same(&text("our"), &text("real"), "refusals");
    }
}
