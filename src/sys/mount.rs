//! Mounts: bind, propagation, sysfs and tmpfs, lazy unmount, and which filesystem a path is on.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// `f_type` of a namespace file (`NSFS_MAGIC`).
pub const NSFS_MAGIC: i64 = 0x6e73_6673;

/// Calls `mount(2)`; `MS_*` flags.
pub fn mount(source: &CStr, target: &CStr, fs: &CStr, flags: libc::c_ulong, data: &CStr) -> io::Result<()> {
    // SAFETY: all strings are NUL-terminated and only read; an empty `data` means none.
    let ret = unsafe { libc::mount(source.as_ptr(), target.as_ptr(), fs.as_ptr(), flags, data.as_ptr().cast()) };
    check(ret).map(|_| ())
}

/// Detaches a mount lazily (`MNT_DETACH`), never through a symbolic link (`UMOUNT_NOFOLLOW`).
pub fn detach(target: &CStr) -> io::Result<()> {
    // SAFETY: `target` is NUL-terminated and only read.
    check(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW) }).map(|_| ())
}

/// Detaches lazily the mount that an open file is the root of, whatever its path leads to by now. Needs `/proc`.
pub fn detach_open(file: BorrowedFd<'_>) -> io::Result<()> {
    let path = CString::new(["/proc/self/fd/", &file.as_raw_fd().to_string()].concat())?;
    // SAFETY: `path` is NUL-terminated and only read.
    check(unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) }).map(|_| ())
}

/// Filesystem type number (`f_type`) of the filesystem that a path is on.
pub fn filesystem(path: &CStr) -> io::Result<i64> {
    let mut buf = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `path` is NUL-terminated, `buf` is as large as the call writes.
    check(unsafe { libc::statfs(path.as_ptr(), buf.as_mut_ptr()) })?;
    // SAFETY: zeroed before, all-zero is valid, and the call has filled it in.
    let stat = unsafe { buf.assume_init() };
    #[allow(clippy::unnecessary_cast)]
    Ok(stat.f_type as i64)
}

/// Whether the filesystem that a path is on is mounted read-only.
pub fn is_read_only(path: &CStr) -> io::Result<bool> {
    let mut buf = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: `path` is NUL-terminated, `buf` is as large as the call writes.
    check(unsafe { libc::statvfs(path.as_ptr(), buf.as_mut_ptr()) })?;
    // SAFETY: zeroed before, all-zero is valid, and the call has filled it in.
    Ok(unsafe { buf.assume_init() }.f_flag & libc::ST_RDONLY != 0)
}
