//! Namespaces: entering one, leaving the shared one, a descriptor of one.

use std::io;
use std::mem::MaybeUninit;
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

/// `NSFS_MAGIC` of `linux/magic.h`.
const NSFS: i64 = 0x6e73_6673;

/// Whether a descriptor is that of a namespace, of whatever kind.
pub fn is_namespace(fd: BorrowedFd<'_>) -> bool {
    let mut stat = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `stat` outlives the call, which only writes to it.
    let done = unsafe { libc::fstatfs(fd.as_raw_fd(), stat.as_mut_ptr()) };
    // SAFETY: zeroed above, and all-zero is a valid statfs.
    let stat = unsafe { stat.assume_init() };
    // The type of the field differs between C libraries and word sizes.
    #[allow(clippy::unnecessary_cast)]
    let kind = stat.f_type as i64;
    done == 0 && kind == NSFS
}
