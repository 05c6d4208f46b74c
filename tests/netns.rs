//! Namespaces by name: what exec gives a command and what it leaves alone, and what
//! other tools leave behind.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::process::Command;

use support::{NETSTRAP, hinted, ours, sandboxed, theirs};

#[test]
fn exec_is_the_command_itself() {
    sandboxed("exec_is_the_command_itself", || {
        ours(&["ip", "netns", "add", "red"]).ok();
        let in_red = |script: &str| ours(&["ip", "netns", "exec", "red", "sh", "-c", script]);
        assert_eq!(in_red("exit 42").code, 42);
        assert_eq!(in_red("kill -9 $$").code, 128 + 9);
        assert_eq!(in_red("kill -TERM $$").code, 128 + 15);
        // The same process: no child stands between a signal and the command.
        let mut child = Command::new(NETSTRAP).args(["ip", "netns", "exec", "red", "sleep", "60"]).spawn().unwrap();
        let comm = format!("/proc/{}/comm", child.id());
        while std::fs::read_to_string(&comm).unwrap() != "sleep\n" {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

#[test]
fn exec_shows_the_namespaces_own_sys_and_etc_and_leaks_nothing() {
    sandboxed("exec_shows_the_namespaces_own_sys_and_etc_and_leaks_nothing", || {
        ours(&["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"]).ok();
        ours(&["ip", "netns", "add", "red"]).ok();
        ours(&["ip", "link", "set", "v1", "netns", "red"]).ok();
        let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let before = mounts();
        let in_red = |script: &str| ours(&["ip", "netns", "exec", "red", "sh", "-c", script]).ok();
        assert_eq!(in_red("ls --ignore=bonding_masters /sys/class/net"), "lo\nv1\n");
        std::fs::create_dir_all("/etc/netns/red").unwrap();
        std::fs::write("/etc/netns/red/hosts", "192.0.2.7 only-in-red\n").unwrap();
        assert_eq!(in_red("cat /etc/hosts"), "192.0.2.7 only-in-red\n");
        assert!(!std::fs::read_to_string("/etc/hosts").unwrap().contains("only-in-red"));
        // No descriptor beyond those that the caller's own children get.
        let plain = Command::new("ls").arg("/proc/self/fd").stdin(std::process::Stdio::null()).output().unwrap();
        assert_eq!(in_red("ls /proc/self/fd"), String::from_utf8_lossy(&plain.stdout));
        assert_eq!(mounts(), before);
        // A file whose target is missing is a complaint, and the command runs all the same.
        std::fs::write("/etc/netns/red/no-such-target", "").unwrap();
        let ran = ours(&["ip", "netns", "exec", "red", "true"]);
        assert_eq!(ran.code, 0);
        let expected = "Bind /etc/netns/red/no-such-target -> /etc/no-such-target failed: No such file or directory\n";
        assert_eq!(ran.err, expected);
    });
}

#[test]
fn an_applet_runs_where_path_has_no_such_command() {
    sandboxed("an_applet_runs_where_path_has_no_such_command", || {
        ours(&["ip", "netns", "add", "red"]).ok();
        let bare = |words: &[&str]| {
            let output = Command::new(NETSTRAP).args(words).env("PATH", "/nowhere").output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (code, out) = bare(&["ip", "netns", "exec", "red", "ip", "-br", "link"]);
        assert_eq!((code, out.starts_with("lo ")), (Some(0), true), "{out}");
        assert_eq!(
            bare(&["ip", "netns", "exec", "red", "sysctl", "-n", "net.ipv4.ip_forward"]),
            (Some(0), "0\n".into())
        );
        assert_eq!(bare(&["ip", "-n", "red", "sysctl", "-n", "net.ipv4.ip_forward"]), (Some(0), "0\n".into()));
        assert_eq!(bare(&["ip", "netns", "exec", "red", "no-such-command"]).0, Some(1));
    });
}

#[test]
fn what_others_left_in_the_folder_is_handled() {
    sandboxed("what_others_left_in_the_folder_is_handled", || {
        ours(&["ip", "netns", "add", "red"]).ok();
        // A link to red: deleting it leaves red as it is.
        std::os::unix::fs::symlink("/run/netns/red", "/run/netns/alias").unwrap();
        assert!(ours(&["ip", "-n", "alias", "link"]).ok().contains("lo:"));
        ours(&["ip", "netns", "del", "alias"]).ok();
        assert!(ours(&["ip", "-n", "red", "link"]).ok().contains("lo:"));
        // A plain file, as a crash or a restart leaves it: entering it is refused, deleting it works.
        std::fs::write("/run/netns/stale", "").unwrap();
        let ran = hinted(&["ip", "-n", "stale", "link"]);
        assert_eq!(ran.code, 255);
        assert!(ran.err.starts_with("setting the network namespace \"stale\" failed: Invalid argument\n"), "{ran:?}");
        assert!(ran.err.contains("hint: its file stands for no namespace any more"), "{ran:?}");
        ours(&["ip", "netns", "del", "stale"]).ok();
        assert!(!Path::new("/run/netns/stale").exists());
    });
}

#[test]
fn a_namespace_works_where_there_is_no_run() {
    sandboxed("a_namespace_works_where_there_is_no_run", || {
        // A root folder with the C library, /proc, the binary, and nothing else.
        let script = format!(
            "set -e; cd /run; mkdir root; mount --bind root root; mkdir root/proc; cp {NETSTRAP} root/netstrap; mount --rbind /proc root/proc
             for dir in usr lib lib64; do
                 [ -e /$dir ] || continue
                 if [ -L /$dir ]; then cp -P /$dir root/$dir; else mkdir root/$dir; mount --rbind /$dir root/$dir; fi
             done"
        );
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        let chroot = |words: &[&str]| {
            let output = Command::new("chroot").args(["/run/root", "/netstrap"]).args(words).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            (output.status.code(), text)
        };
        assert!(!Path::new("/run/root/run").exists());
        assert_eq!(chroot(&["ip", "netns"]), (Some(0), String::new()));
        assert_eq!(chroot(&["ip", "netns", "add", "red"]), (Some(0), String::new()));
        assert_eq!(chroot(&["ip", "netns"]), (Some(0), "red\n".into()));
        // Without /proc it says what it lacks, and leaves no file behind.
        let script = "umount -l /run/root/proc; exec chroot /run/root /netstrap ip netns add blue";
        let output =
            Command::new("unshare").args(["-m", "sh", "-c", script]).env("NETSTRAP_HINTS", "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.starts_with("Bind /proc/thread-self/ns/net -> /run/netns/blue failed: No such file"), "{text}");
        assert!(text.contains("mount -t proc proc /proc"), "{text}");
        assert_eq!(chroot(&["ip", "netns"]), (Some(0), "red\n".into()));
        // Neither is there a /sys.
        assert!(chroot(&["ip", "netns", "exec", "red", "ip", "link"]).1.starts_with("1: lo:"));
    });
}

#[test]
fn iproute2_and_netstrap_enter_each_others_namespaces() {
    sandboxed("iproute2_and_netstrap_enter_each_others_namespaces", || {
        ours(&["ip", "netns", "add", "a"]).ok();
        theirs(&["ip", "netns", "add", "b"]).ok();
        ours(&["ip", "link", "add", "x", "netns", "a", "type", "veth", "peer", "name", "x", "netns", "b"]).ok();
        for tool in [ours, theirs] {
            assert!(tool(&["ip", "-n", "a", "link", "show", "x"]).ok().contains("link-netns b"));
            // A file, where the driver of bonds is loaded.
            let listed = tool(&["ip", "netns", "exec", "b", "ls", "--ignore=bonding_masters", "/sys/class/net"]).ok();
            assert_eq!(listed, "lo\nx\n");
        }
        let pid = Command::new(NETSTRAP).args(["ip", "netns", "exec", "b", "sleep", "60"]).spawn().unwrap();
        let id = pid.id().to_string();
        while ours(&["ip", "netns", "identify", &id]).ok() != "b\n" {
            std::thread::yield_now();
        }
        assert_eq!(theirs(&["ip", "netns", "identify", &id]).ok(), "b\n");
        assert_eq!(ours(&["ip", "netns", "pids", "b"]), theirs(&["ip", "netns", "pids", "b"]));
        ours(&["ip", "netns", "attach", "c", &id]).ok();
        assert!(theirs(&["ip", "-n", "c", "link"]).ok().contains("x@"));
        let mut pid = pid;
        pid.kill().unwrap();
        pid.wait().unwrap();
    });
}

#[test]
fn traps_of_the_walkthrough_get_a_hint_and_are_done_all_the_same() {
    sandboxed("traps_of_the_walkthrough_get_a_hint_and_are_done_all_the_same", || {
        ours(&["ip", "link", "add", "br0", "type", "bridge"]).ok();
        let add = ["ip", "addr", "add", "192.168.15.1", "dev", "br0"];
        let ran = hinted(&add);
        assert_eq!(ran.code, 0);
        assert!(ran.err.contains("ip addr add 192.168.15.1/24 dev br0"), "{ran:?}");
        assert!(ours(&["ip", "addr", "show", "br0"]).ok().contains("inet 192.168.15.1/32"));
        ours(&["ip", "addr", "flush", "dev", "br0"]).ok();
        // A script sees what iproute2 prints: nothing.
        assert_eq!(ours(&add).err, "");
        let ran = hinted(&["ip", "link", "set", "nope", "up"]);
        assert!(ran.err.contains("no link is called nope here; list them with: ip link"), "{ran:?}");
        let ran = hinted(&["ip", "addr", "add", "192.168.15.1/32", "dev", "br0"]);
        // Kernels before 6.3 say it with the error's number only.
        let said = ["Address already assigned (EEXIST)", "File exists (EEXIST)"];
        assert!(said.iter().any(|said| ran.err.contains(said)), "{ran:?}");
    });
}
