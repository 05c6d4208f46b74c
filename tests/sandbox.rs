//! `netstrap sandbox` and `netstrap install`, as whoever runs the tests and, if that is
//! root, as an unprivileged user too.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Command;

use support::Folder;

fn users() -> Vec<Option<&'static str>> {
    if netstrap::sys::process::euid() == 0 { vec![None, Some("65534")] } else { vec![None] }
}

/// Exit code (128 and the signal's number), standard output, standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let ran = support::run(command);
    (ran.code, ran.out, ran.err)
}

/// Runs a shell script in a sandbox; it must succeed. Returns its output.
#[track_caller]
fn script(folder: &Folder, user: Option<&str>, script: &str) -> String {
    let (code, out, err) = run(folder.netstrap(user).args(["sandbox", "--", "sh", "-ec", script]));
    assert_eq!((code, err.as_str()), (0, ""), "as {user:?}: {script}: {out}");
    out
}

#[test]
fn the_commands_exit_code_and_signal_are_the_sandboxs() {
    let folder = Folder::new("exit");
    for user in users() {
        for (words, code) in [("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("true", 0)] {
            let ran = run(folder.netstrap(user).args(["sandbox", "--", "sh", "-c", words]));
            assert_eq!(ran, (code, String::new(), String::new()), "{words} as {user:?}");
        }
    }
}

#[test]
fn inside_is_root_with_a_network_run_and_etc_netns_of_its_own() {
    let folder = Folder::new("inside");
    // Only where this is not there yet, all of /etc is covered so that it can be made.
    let write = if Path::new("/etc/netns").exists() { "true" } else { "echo > /etc/netstrap-test" };
    for user in users() {
        assert_eq!(script(&folder, user, "id -u; id -g"), "0\n0\n");
        assert_eq!(script(&folder, user, "cd /sys/class/net; ls -d */; cat lo/flags"), "lo/\n0x9\n");
        assert_eq!(script(&folder, user, "ls /run; mkdir /run/x; ls /run/x /etc/netns"), "/etc/netns:\n\n/run/x:\n");
        let make = "mkdir /etc/netns/red; echo > /etc/netns/red/hosts; test -r /etc/passwd";
        script(&folder, user, &[make, write].join("; "));
        assert!(!Path::new("/etc/netns/red").exists() && !Path::new("/etc/netstrap-test").exists());
    }
}

#[test]
fn nothing_made_inside_reaches_the_host() {
    let folder = Folder::new("leak");
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let named = || fs::read_dir("/run/netns").map_or(0, Iterator::count);
    let before = (mounts(), named());
    for user in users() {
        let netstrap = folder.0.join("netstrap").display().to_string();
        let made = format!("{netstrap} ip netns add red; {netstrap} ip netns exec red {netstrap} ip link set lo up");
        let listed = script(&folder, user, &format!("{made}; {netstrap} ip netns list"));
        assert_eq!(listed, "red\n");
        assert_eq!((mounts(), named()), before);
    }
}

/// Makes `/etc` an overlay of an overlay of a folder with a file and a link; the kernel refuses a third.
const DEEP_ETC: &str = "mkdir /run/o0 /run/o0/d; echo value > /run/o0/d/file; ln -s ../x /run/o0/d/link; lower=/run/o0
for i in 1 2; do
  mkdir /run/upper$i /run/work$i /run/o$i
  mount -t overlay overlay -o lowerdir=$lower,upperdir=/run/upper$i,workdir=/run/work$i /run/o$i
  lower=/run/o$i
done
mount --bind $lower /etc; ";

#[test]
fn a_sandbox_in_a_sandbox_has_its_own_etc_also_where_overlayfs_is_refused() {
    let folder = Folder::new("nested");
    let nested = |words: &str| format!("{} sandbox -- {words}", folder.0.join("netstrap").display());
    for user in users() {
        assert_eq!(script(&folder, user, &nested("ls -d /etc/netns /etc/passwd")), "/etc/netns\n/etc/passwd\n");
        let look = nested("sh -ec 'cat /etc/d/file; readlink /etc/d/link; echo > /etc/new; stat -f -c %T /etc'");
        let out = script(&folder, user, &format!("{DEEP_ETC}{look}; test ! -e /etc/new"));
        assert_eq!(out, "value\n../x\ntmpfs\n");
    }
}

#[test]
fn an_applet_that_is_not_on_the_path_is_ours_also_if_the_path_may_not_be_searched() {
    let folder = Folder::new("applet");
    let closed = folder.0.join("closed");
    fs::DirBuilder::new().mode(0o0).create(&closed).unwrap();
    for user in users() {
        for path in ["/nowhere", closed.to_str().unwrap()] {
            for words in ["", "netstrap", "netstrap sandbox"] {
                let inner =
                    format!("{} sandbox {words} sysctl -N net.ipv4.ip_forward", folder.0.join("netstrap").display());
                let mut outer = folder.netstrap(user);
                outer.args(["sandbox", "--", "env", &format!("PATH={path}")]).args(inner.split_whitespace());
                let ran = run(&mut outer);
                assert_eq!(ran, (0, "net.ipv4.ip_forward\n".into(), String::new()), "{words:?}, {path}, {user:?}");
            }
        }
    }
    fs::remove_dir(closed).unwrap();
}

#[test]
fn without_a_command_it_is_the_shell() {
    let folder = Folder::new("shell");
    for (shell, code) in [("/bin/true", 0), ("/bin/false", 1)] {
        assert_eq!(run(folder.netstrap(None).arg("sandbox").env("SHELL", shell)).0, code);
    }
}

#[test]
fn failures_are_one_line() {
    let folder = Folder::new("failures");
    let usage = "netstrap: usage: netstrap sandbox [-- CMD...]\n";
    for (words, code, line) in [
        (&["sandbox", "--nosuch"][..], 64, usage),
        (&["sandbox", "--"], 64, usage),
        (&["sandbox", "--", "nosuch"], 127, "netstrap: sandbox: run nosuch: No such file or directory\n"),
        (&["sandbox", "/etc/passwd"], 126, "netstrap: sandbox: run /etc/passwd: Permission denied\n"),
        (&["install"], 64, "netstrap: usage: netstrap install DIR\n"),
        (&["install", "--hard", "/nowhere"], 64, "netstrap: usage: netstrap install DIR\n"),
        (&["install", "/proc/x"], 1, "netstrap: install: mkdir /proc/x: No such file or directory\n"),
    ] {
        assert_eq!(
            run(folder.netstrap(None).args(words).env("PATH", "/usr/bin:/bin")),
            (code, String::new(), line.to_owned()),
            "{words:?}"
        );
    }
    for verb in ["sandbox", "install"] {
        let (code, out, err) = run(folder.netstrap(None).args([verb, "--help"]));
        assert!(code == 0 && err.is_empty() && out.starts_with(&format!("usage: netstrap {verb} ")), "{out}{err}");
    }
}

/// The limits are the user namespace's own, so they can be had without touching the host's.
#[test]
fn where_user_namespaces_are_off_the_setting_is_named() {
    let folder = Folder::new("off");
    let netstrap = folder.0.join("netstrap");
    for (user, setting, words) in [
        ("--map-user=1000", "max_user_namespaces", "user namespaces are off"),
        ("--map-root-user", "max_net_namespaces", "network namespaces are off"),
    ] {
        let script = format!("echo 0 > /proc/sys/user/{setting} && exec {} sandbox -- true", netstrap.display());
        let unshare = support::tool("unshare");
        let (code, out, err) = run(Command::new(unshare).args(["-U", user, "--keep-caps", "sh", "-c", &script]));
        assert_eq!((code, out.as_str(), err.lines().count()), (1, "", 1), "{err}");
        assert!(err.contains(&format!("{words}; as root: sysctl -w user.{setting}=")), "{err}");
    }
}

#[test]
fn install_links_every_applet_and_leaves_foreign_files_alone() {
    let folder = Folder::new("install");
    let install = |dir: &Path| run(folder.netstrap(None).arg("install").arg(dir));
    let elsewhere = folder.0.join("a/bin");
    for _ in 0..2 {
        assert_eq!(install(&elsewhere), (0, String::new(), String::new()));
    }
    for applet in netstrap::cli::applets::APPLETS {
        assert_eq!(
            fs::read_link(elsewhere.join(applet.name)).unwrap(),
            folder.0.canonicalize().unwrap().join("netstrap")
        );
    }
    let by_link = run(Command::new(elsewhere.join("sysctl")).args(["-N", "net.ipv4.ip_forward"]));
    assert_eq!(by_link, (0, "net.ipv4.ip_forward\n".into(), String::new()));

    fs::remove_file(elsewhere.join("arp")).unwrap();
    fs::remove_file(elsewhere.join("route")).unwrap();
    fs::write(elsewhere.join("route"), "mine").unwrap();
    let (code, _, err) = install(&elsewhere);
    assert!(code == 1 && err.lines().count() == 1 && err.contains("/a/bin/route is there and is no link"), "{err}");
    assert_eq!(fs::read(elsewhere.join("route")).unwrap(), b"mine");
    assert!(fs::symlink_metadata(elsewhere.join("arp")).is_err(), "all links or none");
}

#[test]
fn links_beside_the_binary_move_with_it() {
    let folder = Folder::new("beside");
    assert_eq!(run(folder.netstrap(None).arg("install").arg(&folder.0)).0, 0);
    assert_eq!(fs::read_link(folder.0.join("ip")).unwrap(), Path::new("netstrap"));
    let moved = Folder(folder.0.with_extension("moved"));
    fs::rename(&folder.0, &moved.0).unwrap();
    assert_eq!(run(Command::new(moved.0.join("sysctl")).args(["-N", "net.ipv4.ip_forward"])).0, 0);
}

#[test]
fn help_and_version_list_what_is_in() {
    let help = support::ours(&["--help"]).ok();
    for name in ["sandbox", "install", "arp", "ip", "iptables", "ping", "route", "sysctl"] {
        assert!(help.contains(&format!("\n  {name} ")), "{name} in {help}");
    }
    assert!(support::ours(&["--version"]).ok().starts_with("netstrap "));
    assert_eq!(support::ours(&[]).code, 64);
    assert_eq!(support::ours(&["no-such-verb"]).code, 64);
}
