//! The process itself: randomness, descriptors and signals around an exec.

use std::io;

use super::check;

/// Fills a buffer with random bytes; leaves it as it is where the kernel has none yet (early boot).
pub fn random(buf: &mut [u8]) {
    // SAFETY: the pointer and length describe `buf`.
    let _ = unsafe { libc::getrandom(buf.as_mut_ptr().cast(), buf.len(), libc::GRND_NONBLOCK) };
}

/// The effective user id.
pub fn euid() -> u32 {
    // SAFETY: takes no argument and cannot fail.
    unsafe { libc::geteuid() }
}

/// The effective group id.
pub fn egid() -> u32 {
    // SAFETY: takes no argument and cannot fail.
    unsafe { libc::getegid() }
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(fd: &impl std::os::fd::AsRawFd) -> bool {
    // SAFETY: isatty only looks at the descriptor.
    unsafe { libc::isatty(fd.as_raw_fd()) == 1 }
}

/// Marks every descriptor from 3 up as close-on-exec, so that a command started next
/// inherits the standard ones only (kernel 5.11; older ones say `EINVAL` or `ENOSYS`).
pub fn cloexec_all() -> io::Result<()> {
    // SAFETY: close_range with CLOSE_RANGE_CLOEXEC (4) only sets a flag on open descriptors.
    let ret = unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 4u32) };
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives `SIGPIPE` its default action, which Rust's start-up code ignores and a command
/// that is started next would inherit ignored.
pub fn default_sigpipe() -> io::Result<()> {
    // SAFETY: SIG_DFL is a valid disposition and no handler of ours is replaced.
    let old = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    check(if old == libc::SIG_ERR { -1 } else { 0 }).map(|_| ())
}
