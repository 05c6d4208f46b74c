//! What the tests of iptables share: a shell script run in fresh namespaces, with our tools and the
//! real ones by name.

#![allow(dead_code)]

use std::process::Command;

/// Start of every script: `our` is the applet, `real` is iptables; `our6` and so on are the kin.
const PRELUDE: &str = r#"
our() { "$NETSTRAP" iptables "$@"; }
real() { iptables "$@"; }
our6() { "$NETSTRAP" ip6tables "$@"; }
real6() { ip6tables "$@"; }
our_save() { "$NETSTRAP" iptables-save "$@"; }
real_save() { iptables-save "$@"; }
our6_save() { "$NETSTRAP" ip6tables-save "$@"; }
real6_save() { ip6tables-save "$@"; }
our_restore() { "$NETSTRAP" iptables-restore "$@"; }
real_restore() { iptables-restore "$@"; }
our6_restore() { "$NETSTRAP" ip6tables-restore "$@"; }
real6_restore() { ip6tables-restore "$@"; }
rules() { nft list ruleset 2>/dev/null; }
flush() { nft flush ruleset; }
"#;

/// Runs a shell script in fresh namespaces; standard output and error come back as one text.
pub fn lab(script: &str) -> String {
    lab_with(&["-Urnm"], script)
}

/// As [`lab`], in other namespaces.
pub fn lab_with(unshare: &[&str], script: &str) -> String {
    for (tool, package) in
        [("iptables", "iptables"), ("nft", "nftables"), ("ip", "iproute2"), ("unshare", "util-linux")]
    {
        let found =
            ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|dir| std::path::Path::new(dir).join(tool).exists());
        assert!(found, "{tool} is missing: apt-get install {package} (or run cargo xtask test)");
    }
    let output = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", &format!("exec 2>&1\n{PRELUDE}{script}")])
        .env("NETSTRAP", env!("CARGO_BIN_EXE_netstrap"))
        .env("NETSTRAP_HINTS", "0")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "the namespaces could not be made: {errors}");
    text
}

/// Runs a script once for our tools and once for the real ones, which it calls `TOOL`, `TOOL6`, `TOOL_save`
/// and so on, and asserts that what is printed is the same. The script marks its steps with lines that begin
/// with `#`.
#[track_caller]
pub fn same(script: &str) -> String {
    let side = |tool: &str| {
        let text = lab(&script.replace("TOOL", tool));
        // The labels of steps name the tool.
        text.replace(&["# ", tool].concat(), "# ")
    };
    let (ours, theirs) = (side("our"), side("real"));
    let (our, their): (Vec<&str>, Vec<&str>) = (ours.split("\n#").collect(), theirs.split("\n#").collect());
    let differ = our.iter().zip(&their).filter(|(our, their)| our != their);
    let differ: Vec<String> = differ.map(|(our, their)| format!("--- theirs:{their}\n+++ ours:{our}")).collect();
    assert!(differ.is_empty(), "{} of {} steps differ:\n{}", differ.len(), our.len(), differ.join("\n"));
    assert_eq!(our.len(), their.len());
    ours
}
