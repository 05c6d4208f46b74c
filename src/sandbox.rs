//! A private place to try things in: user, mount and network namespaces of its own,
//! with its own `/run`, `/etc/netns` and `/sys`. No network change made inside reaches the host.

use std::io;
use std::num::NonZeroU32;
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::link::{LinkChange, LinkId};
use crate::model::template::filled;
use crate::model::world::EtcFile;
use crate::socket::Socket;
use crate::sys::{mount, netns as sys, process};
use crate::wire::build::Route;
use crate::wire::link::change;

/// Moves this process into a sandbox; the loopback device is set up, as on any host.
///
/// Whoever may make namespaces (root) keeps the user namespace, and with it all rights over what is
/// made here; everybody else, root of a container without `CAP_SYS_ADMIN` among them, becomes root
/// of a new one, in which the caller is the only user.
///
/// # Errors
/// Which step failed; for the user namespace, the setting that forbids it.
pub fn enter() -> Result<()> {
    let (uid, gid) = (process::euid(), process::egid());
    let places = libc::CLONE_NEWNS | libc::CLONE_NEWNET;
    let made = if uid == 0 { sys::unshare(places) } else { Err(io::Error::from_raw_os_error(libc::EPERM)) };
    if made.as_ref().is_err_and(|e| e.raw_os_error() == Some(libc::EPERM)) {
        sys::unshare(libc::CLONE_NEWUSER).map_err(|e| Error::usage(forbidden(&e)))?;
        // Without a parent to ask, a group map needs setgroups(2) given up first. AppArmor lets the
        // namespace be made, and refuses here.
        let map = |id: u32| filled("0 % 1", &[&id.to_string()]);
        for (file, text) in [("setgroups", "deny".to_owned()), ("uid_map", map(uid)), ("gid_map", map(gid))] {
            std::fs::write(["/proc/self/", file].concat(), text).map_err(|e| Error::usage(forbidden(&e)))?;
        }
        sys::unshare(places).map_err(|e| Error::usage(forbidden(&e)))?;
    } else {
        made.map_err(|e| Error::usage(forbidden(&e)))?;
    }
    mount::mount(c"", c"/", c"none", libc::MS_PRIVATE | libc::MS_REC, c"").map_err(|e| Error::usage(forbidden(&e)))?;
    private_folders()?;
    loopback_up()
}

fn private_folders() -> Result<()> {
    let tmpfs = |target: &std::ffi::CStr| {
        mount::mount(c"netstrap", target, c"tmpfs", libc::MS_NOSUID | libc::MS_NODEV, c"mode=755")
    };
    if !Path::new("/run").exists() {
        std::fs::create_dir("/run").map_err(|e| Error::sys("mkdir /run", &e))?;
    }
    tmpfs(c"/run").map_err(|e| Error::sys("mount a tmpfs on /run", &e))?;
    // A view of the network devices in here; without sysfs in the kernel there is none to hide.
    let _ = mount::mount(c"sysfs", c"/sys", c"sysfs", libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC, c"");
    if Path::new(EtcFile::FOLDER).exists() {
        return tmpfs(c"/etc/netns").map_err(|e| Error::sys("mount a tmpfs on /etc/netns", &e));
    }
    if !Path::new("/etc").exists() {
        return Ok(());
    }
    // Overlayfs is for users since kernel 5.11, and where it is stacked too high already it is for nobody.
    layer_on_etc()
        .or_else(|_| copy_of_etc())
        .and_then(|()| std::fs::create_dir(EtcFile::FOLDER))
        .map_err(|e| Error::sys("make /etc writable in here", &e))
}

/// A layer over `/etc` that takes what is written there.
fn layer_on_etc() -> io::Result<()> {
    for folder in ["/run/.etc/upper", "/run/.etc/work"] {
        std::fs::create_dir_all(folder)?;
    }
    let layers = c"lowerdir=/etc,upperdir=/run/.etc/upper,workdir=/run/.etc/work";
    mount::mount(c"overlay", c"/etc", c"overlay", 0, layers)
}

/// A copy of what this user can read in `/etc`, in its place.
fn copy_of_etc() -> io::Result<()> {
    let copy = Path::new("/run/.etc/copy");
    std::fs::create_dir_all(copy)?;
    copy_folder(Path::new("/etc"), copy)?;
    mount::mount(c"/run/.etc/copy", c"/etc", c"none", libc::MS_BIND, c"")
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(from)?.flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        // What cannot be read (keys, password hashes) is left out.
        if kind.is_symlink() {
            let _ = std::fs::read_link(&from).and_then(|target| std::os::unix::fs::symlink(target, &to));
        } else if kind.is_dir() {
            std::fs::create_dir(&to)?;
            let _ = copy_folder(&from, &to);
        } else if let (true, Ok(bytes)) = (kind.is_file(), std::fs::read(&from)) {
            std::fs::write(&to, bytes)?;
            let _ = entry.metadata().and_then(|stat| std::fs::set_permissions(&to, stat.permissions()));
        }
    }
    Ok(())
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
