//! The only unsafe code of xtask: what a child process cost, and what namespaces and the virtual
//! machine's first process need of the kernel.
#![allow(unsafe_code)]

pub mod trace;

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

fn check(ret: libc::c_int) -> io::Result<libc::c_int> {
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(ret) }
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    // SAFETY: takes no argument and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Runs a command to its end; returns its raw wait status and its user plus system time, with its own children's.
pub fn run_cost(command: &mut Command) -> io::Result<(libc::c_int, Duration)> {
    // wait4 below reaps it.
    #[allow(clippy::zombie_processes)]
    let child = command.spawn()?;
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are valid for the writes of the call, and `pid` is our unreaped child.
    check(unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) })?;
    // SAFETY: zeroed before, all-zero is valid, and the call has filled it in.
    let usage = unsafe { usage.assume_init() };
    let micros = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    Ok((status, micros(usage.ru_utime) + micros(usage.ru_stime)))
}

/// Peak resident memory of a command in KiB, read from /proc as it exits. (`ru_maxrss`
/// would include what this process weighed when it forked.) `None` if it was not seen to exit.
pub fn peak_kib(command: &mut Command) -> io::Result<Option<u64>> {
    // SAFETY: between fork and exec only ptrace(2) is called, which is async-signal-safe.
    let command = unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        })
    };
    let child = command.spawn()?;
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let mut peak = None;
    let mut options_set = false;
    loop {
        let mut status = 0;
        // SAFETY: `status` is valid for the write, and `pid` is our traced child.
        check(unsafe { libc::waitpid(pid, &mut status, 0) })?;
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            return Ok(peak);
        }
        if !options_set {
            // SAFETY: the child is stopped; the request takes an option word and no address.
            unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, libc::PTRACE_O_TRACEEXIT) };
            options_set = true;
        }
        if status >> 8 == libc::SIGTRAP | (libc::PTRACE_EVENT_EXIT << 8) {
            peak = high_water(pid);
        }
        let signal = match libc::WSTOPSIG(status) {
            libc::SIGTRAP => 0,
            signal => signal,
        };
        // SAFETY: the child is stopped; the request takes a signal number and no address.
        unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, signal) };
    }
}

/// `VmHWM` of a process that still has its memory.
fn high_water(pid: libc::pid_t) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

/// Mounts a filesystem that needs no device.
pub fn mount(fs: &CStr, target: &CStr) -> io::Result<()> {
    // SAFETY: all strings are NUL-terminated and only read; no data is passed.
    check(unsafe { libc::mount(fs.as_ptr(), target.as_ptr(), fs.as_ptr(), 0, std::ptr::null()) }).map(|_| ())
}

/// Mounts an overlay of folders that a text names, as mount(8) takes it behind `-o`.
pub fn mount_overlay(target: &CStr, layers: &CStr) -> io::Result<()> {
    let kind = c"overlay";
    // SAFETY: all strings are NUL-terminated and only read; overlayfs takes its data as a string.
    check(unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), 0, layers.as_ptr().cast()) }).map(|_| ())
}

/// Whether an open file is a namespace, and not a file of an ordinary file system.
pub fn is_namespace(file: impl AsFd) -> io::Result<bool> {
    let mut found = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the descriptor is open for the call, and `found` is valid for the write.
    check(unsafe { libc::fstatfs(file.as_fd().as_raw_fd(), found.as_mut_ptr()) })?;
    // SAFETY: zeroed before, all-zero is valid, and the call has filled it in.
    #[allow(clippy::unnecessary_cast)]
    Ok(unsafe { found.assume_init() }.f_type as i64 == libc::NSFS_MAGIC as i64)
}

/// Sends a signal to a process that this one started, or that one of those started.
pub fn signal(process: u32, signal: libc::c_int) -> io::Result<()> {
    let process = libc::pid_t::try_from(process).map_err(io::Error::other)?;
    // SAFETY: takes numbers only.
    check(unsafe { libc::kill(process, signal) }).map(|_| ())
}

/// Moves this thread into a new network namespace.
pub fn new_network() -> io::Result<()> {
    // SAFETY: takes flags only.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) }).map(|_| ())
}

/// Moves this thread into a network namespace.
pub fn enter_network(namespace: impl AsFd) -> io::Result<()> {
    // SAFETY: the descriptor is open for the call.
    check(unsafe { libc::setns(namespace.as_fd().as_raw_fd(), libc::CLONE_NEWNET) }).map(|_| ())
}

/// Shows a file at another one's place.
pub fn bind(file: &CStr, target: &CStr) -> io::Result<()> {
    let none = std::ptr::null();
    // SAFETY: both paths are NUL-terminated and only read; a bind mount reads neither type nor data.
    check(unsafe { libc::mount(file.as_ptr(), target.as_ptr(), none, libc::MS_BIND, none.cast()) }).map(|_| ())
}

/// Takes a mount away, even if it is in use.
pub fn unmount(target: &CStr) -> io::Result<()> {
    // SAFETY: the path is NUL-terminated and only read.
    check(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) }).map(|_| ())
}

/// Loads a kernel module without parameters.
pub fn load_module(file: impl AsFd) -> io::Result<()> {
    // SAFETY: the descriptor is open for the call, the parameter string is empty and NUL-terminated.
    let ret = unsafe { libc::syscall(libc::SYS_finit_module, file.as_fd().as_raw_fd(), c"".as_ptr(), 0) };
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives this process a network namespace of its own, by a user namespace where it may not otherwise.
pub fn unshare_network() -> io::Result<()> {
    // SAFETY: takes flags only.
    let root = check(unsafe { libc::unshare(libc::CLONE_NEWNET) });
    // SAFETY: takes flags only.
    root.or_else(|_| check(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) })).map(|_| ())
}

/// Makes a command lead a group of processes, and end when the thread that starts it ends.
pub fn lead_and_follow(command: &mut Command) {
    // SAFETY: between fork and exec only prctl(2) is called, which is async-signal-safe.
    let command = unsafe { command.pre_exec(|| check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)).map(|_| ())) };
    command.process_group(0);
}

/// Ends all processes of a group that a child of ours leads.
pub fn kill_group(leader: u32) -> io::Result<()> {
    let group = libc::pid_t::try_from(leader).map_err(io::Error::other)?;
    // SAFETY: takes numbers only; a group of processes is told by a negative one.
    check(unsafe { libc::kill(-group, libc::SIGKILL) }).map(|_| ())
}

/// Switches the machine off.
pub fn power_off() -> io::Result<()> {
    // SAFETY: sync takes no argument; reboot with RB_POWER_OFF touches no memory of ours.
    check(unsafe {
        libc::sync();
        libc::reboot(libc::RB_POWER_OFF)
    })
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_weighed_by_its_own_memory() {
        let peak = peak_kib(&mut Command::new("true")).unwrap().expect("seen to exit");
        assert!((16..100_000).contains(&peak), "{peak}");
    }

    #[test]
    fn a_childs_status_comes_with_its_cost() {
        let (status, _) = run_cost(&mut Command::new("false")).unwrap();
        assert_eq!(libc::WEXITSTATUS(status), 1);
    }
}
