//! The only unsafe code: thin, safe wrappers around system calls that std lacks.
//! Each returns `io::Result`; policy and words are the callers'.
#![allow(unsafe_code)]

pub mod address;
pub mod bpf;
#[cfg(all(target_arch = "x86_64", any(target_env = "musl", test)))]
mod copy;
pub mod device;
#[cfg(any(not(fuzzing), test))]
mod heap;
pub mod icmp;
pub mod inotify;
pub mod mount;
pub mod netns;
pub mod nl;
pub mod process;
pub mod signal;
pub mod thread;

use std::io;

// The checks of a fuzzer and of Miri want each piece to be the C library's.
#[cfg(not(any(fuzzing, miri)))]
#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

/// Turns a C return value into a result.
fn check(ret: libc::c_int) -> io::Result<libc::c_int> {
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(ret) }
}
