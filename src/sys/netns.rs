//! Namespaces: entering one, leaving the shared one, a descriptor of one.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// Moves the calling thread into the network namespace of a descriptor. There is no
/// way back that cannot fail: call it in a thread or process that ends there.
pub fn enter(ns: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: setns only changes the calling thread's namespaces.
    check(unsafe { libc::setns(ns.as_raw_fd(), libc::CLONE_NEWNET) }).map(|_| ())
}

/// Gives the calling thread new namespaces (`CLONE_NEW*`).
pub fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: unshare only changes the calling thread's namespaces.
    check(unsafe { libc::unshare(flags) }).map(|_| ())
}
