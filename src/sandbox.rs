//! A private place to try things in: user, mount and network namespaces of its own,
//! with its own `/run`, `/etc/netns` and `/sys`. Nothing done inside reaches the host.

use std::io;
use std::num::NonZeroU32;

use crate::error::{Error, Result};
use crate::model::link::{LinkChange, LinkId};
use crate::socket::Socket;
use crate::sys::{mount, netns as sys, process};
use crate::wire::build::Route;
use crate::wire::link::change;

/// Moves this process into a sandbox; the loopback device is set up, as on any host.
///
/// Root keeps its user namespace, and with it all of its rights over what it makes here;
/// everybody else becomes root of a new one, in which the caller is the only user.
///
/// # Errors
/// Which step failed; for the user namespace, the setting that forbids it.
pub fn enter() -> Result<()> {
    let (uid, gid) = (process::euid(), process::egid());
    if uid != 0 {
        sys::unshare(libc::CLONE_NEWUSER).map_err(|e| Error::usage(forbidden(&e)))?;
        // Without a parent to ask, a group map needs setgroups(2) given up first.
        write("/proc/self/setgroups", "deny")?;
        write("/proc/self/uid_map", &["0 ", &uid.to_string(), " 1"].concat())?;
        write("/proc/self/gid_map", &["0 ", &gid.to_string(), " 1"].concat())?;
    }
    sys::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET).map_err(|e| Error::usage(forbidden(&e)))?;
    mount::mount(c"", c"/", c"none", libc::MS_PRIVATE | libc::MS_REC, c"").map_err(|e| Error::usage(forbidden(&e)))?;
    private_folders()?;
    loopback_up()
}

fn write(path: &str, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Error::sys(["write ", path].concat(), &e))
}

fn private_folders() -> Result<()> {
    let tmpfs = |target: &std::ffi::CStr| {
        mount::mount(c"netstrap", target, c"tmpfs", libc::MS_NOSUID | libc::MS_NODEV, c"mode=755")
    };
    if !std::path::Path::new("/run").exists() {
        std::fs::create_dir("/run").map_err(|e| Error::sys("mkdir /run", &e))?;
    }
    tmpfs(c"/run").map_err(|e| Error::sys("mount a tmpfs on /run", &e))?;
    // A view of the network devices in here; without sysfs in the kernel there is none to hide.
    let _ = mount::mount(c"sysfs", c"/sys", c"sysfs", libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC, c"");
    if std::path::Path::new("/etc/netns").exists() {
        return tmpfs(c"/etc/netns").map_err(|e| Error::sys("mount a tmpfs on /etc/netns", &e));
    }
    writable_etc().map_err(|e| Error::sys("make /etc writable in here (overlayfs)", &e))
}

/// A layer over `/etc` that takes what is written there (overlayfs, for users since kernel 5.11).
fn writable_etc() -> io::Result<()> {
    if !std::path::Path::new("/etc").exists() {
        return Ok(());
    }
    for folder in ["/run/.etc/upper", "/run/.etc/work"] {
        std::fs::create_dir_all(folder)?;
    }
    let layers = c"lowerdir=/etc,upperdir=/run/.etc/upper,workdir=/run/.etc/work";
    mount::mount(c"overlay", c"/etc", c"overlay", 0, layers)?;
    std::fs::create_dir("/etc/netns")
}

fn loopback_up() -> Result<()> {
    let up = LinkChange { up: Some(true), ..LinkChange::default() };
    let lo = LinkId { ns: 0, index: NonZeroU32::MIN };
    Socket::<Route>::open()?.request(change(lo, &up)).map(|_| ()).map_err(|e| e.doing(|| "set lo up".to_owned()))
}

/// Why namespaces are refused to this user, by the setting that does it.
fn forbidden(error: &io::Error) -> String {
    let setting =
        |name: &str| std::fs::read_to_string(["/proc/sys/", name].concat()).map(|text| text.trim().to_owned());
    let is = |name: &str, value: &str| setting(name).is_ok_and(|text| text == value);
    let fix = if is("user/max_net_namespaces", "0") {
        "network namespaces are off; as root: sysctl -w user.max_net_namespaces=15000"
    } else if is("kernel/unprivileged_userns_clone", "0") {
        "user namespaces are off for users; as root: sysctl -w kernel.unprivileged_userns_clone=1"
    } else if is("user/max_user_namespaces", "0") {
        "user namespaces are off; as root: sysctl -w user.max_user_namespaces=15000"
    } else if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor keeps user namespaces from users; as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    } else {
        "namespaces are not allowed here (a container's seccomp filter, or a kernel without CONFIG_USER_NS)"
    };
    [&crate::error::strerror(error.raw_os_error().unwrap_or(libc::EIO)), "; ", fix].concat()
}
