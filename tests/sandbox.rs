//! `netstrap sandbox` and `netstrap install`.
#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use support::{NETSTRAP, ours, sandboxed};

#[test]
fn the_exit_code_is_the_commands() {
    assert_eq!(ours(&["sandbox", "--", "sh", "-c", "exit 7"]).code, 7);
    assert_eq!(ours(&["sandbox", "sh", "-c", "kill -9 $$"]).code, 128 + 9);
    assert_eq!(ours(&["sandbox", "--", "no-such-command"]).code, 127);
    let usage = ours(&["sandbox", "-x"]);
    assert_eq!((usage.code, usage.err.lines().count()), (64, 1));
}

#[test]
fn nothing_done_inside_is_seen_outside() {
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let links = || std::fs::read_to_string("/proc/net/dev").unwrap().lines().count();
    let before = (mounts(), links());
    let script = format!(
        "{NETSTRAP} ip netns add red && {NETSTRAP} ip link add b0 type bridge && mkdir /etc/netns/red && \
         test -e /run/netns/red && {NETSTRAP} ip -br addr show lo"
    );
    let out = ours(&["sandbox", "--", "sh", "-c", &script]).ok();
    assert!(out.contains("127.0.0.1/8"), "the loopback is up: {out}");
    assert_eq!((mounts(), links()), before);
    assert!(!std::path::Path::new("/run/netns/red").exists() && !std::path::Path::new("/etc/netns/red").exists());
}

/// Root of the machine tries it as somebody else, in a copy that everybody may run.
#[test]
fn no_root_is_needed() {
    let dir = std::env::temp_dir().join(format!("netstrap-test-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = dir.join("netstrap");
    std::fs::copy(NETSTRAP, &copy).unwrap();
    let script = "ip=$0; id -u; $ip ip netns add red && $ip ip -n red link set lo up && $ip ip -n red -br link";
    let is_root = std::fs::metadata("/proc/self").unwrap().permissions().mode() != 0 && uid() == 0;
    let mut command = Command::new(if is_root { "setpriv" } else { "env" });
    if is_root {
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    }
    let output =
        command.arg(&copy).args(["sandbox", "--", "sh", "-c", script]).arg(&copy).current_dir("/").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(output.status.success() && text.starts_with("0\nlo  "), "{text}");
}

fn uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid()
}

#[test]
fn where_namespaces_are_off_one_line_names_the_setting() {
    sandboxed("where_namespaces_are_off_one_line_names_the_setting", || {
        // Inside, this limit is the sandbox's own.
        let inner = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" sandbox -- true";
        let as_user = ["unshare", "-U", "sh", "-c", inner, NETSTRAP];
        let output = Command::new(as_user[0]).args(["-Ur", "sh", "-c", inner, NETSTRAP]).output().unwrap();
        // Root of a user namespace makes no further one: it needs none.
        assert!(output.status.success(), "{output:?}");
        let denied = "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$0\" sandbox -- true";
        let output = Command::new("unshare").args(["-Ur", "sh", "-c", denied, NETSTRAP]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
        assert!(text.starts_with("netstrap: sandbox: ") && text.contains("user.max_net_namespaces"), "{text}");
    });
}

#[test]
fn install_makes_all_links_or_none() {
    let dir = std::env::temp_dir().join(format!("netstrap-install-{}", std::process::id()));
    let path = dir.to_str().unwrap();
    assert_eq!(ours(&["install", path]).code, 0);
    let version = Command::new(dir.join("ip")).arg("-V").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("ip utility, iproute2-"));
    assert_eq!(ours(&["install", path]).code, 0, "again");
    let links = std::fs::read_dir(&dir).unwrap().count();
    // A stranger's file of an applet's name: refused by name, and nothing else is touched.
    std::fs::remove_file(dir.join("ip")).unwrap();
    std::fs::remove_file(dir.join("arp")).unwrap();
    std::fs::write(dir.join("ip"), "mine").unwrap();
    let ran = ours(&["install", path]);
    assert_eq!((ran.code, ran.err.lines().count()), (1, 1));
    assert!(ran.err.contains("/ip is there and is no link to this program"), "{ran:?}");
    assert_eq!(std::fs::read(dir.join("ip")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), links - 1);
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(ours(&["install"]).code, 64);
}

#[test]
fn help_and_version_list_what_is_in() {
    let help = ours(&["--help"]).ok();
    for name in ["sandbox", "install", "arp", "ip", "iptables", "ping", "route", "sysctl"] {
        assert!(help.contains(&format!("\n  {name} ")), "{name} in {help}");
    }
    assert!(ours(&["--version"]).ok().starts_with("netstrap "));
    assert_eq!(ours(&[]).code, 64);
    assert_eq!(ours(&["no-such-verb"]).code, 64);
}
