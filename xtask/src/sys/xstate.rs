//! A library for LD_PRELOAD that stands before libc's `ptrace` under user-mode Linux, and is
//! no part of xtask itself: `uml::kernel` builds it with rustc. User-mode Linux 6.1 gives and
//! takes 832 bytes of a process's extended state (x87, SSE, AVX). On a processor whose state
//! is larger (AVX-512, AMX) the host takes back only the whole of it, and the boot fails. So a
//! write of the part becomes one of the whole: the part, with the rest as it is.
#![no_std]
#![allow(unsafe_code)]

use core::ffi::{c_int, c_long};
use core::mem::size_of;
use core::panic::PanicInfo;
use core::ptr::{addr_of_mut, copy_nonoverlapping};

/// `SYS_ptrace` of x86_64 (arch/x86/entry/syscalls/syscall_64.tbl).
const SYS_PTRACE: c_long = 101;
/// include/uapi/linux/ptrace.h.
const PTRACE_PEEKUSER: c_long = 3;
const PTRACE_GETREGSET: c_long = 0x4204;
const PTRACE_SETREGSET: c_long = 0x4205;
/// include/uapi/linux/elf.h.
const NT_X86_XSTATE: c_long = 0x202;

// SAFETY: these are libc's own types of them.
#[link(name = "c")]
unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn __errno_location() -> *mut c_int;
}

/// `struct iovec`.
#[repr(C)]
struct Part {
    base: *mut u8,
    len: usize,
}

/// More than any processor's state (AMX: 11 KB). Not on the stack: the callers are kernel
/// threads with small ones, and only one of them runs at a time.
const ROOM: usize = 32 * 1024;
#[expect(dead_code, reason = "it is reached by its address")]
#[repr(align(64))]
struct Whole([u8; ROOM]);
static mut WHOLE: Whole = Whole([0; ROOM]);

/// `ptrace(2)`. libc declares it with variable arguments, which x86_64 passes as these.
///
/// # Safety
/// As for `ptrace(2)`.
// SAFETY: it takes the place of libc's function of this name, by the same binary interface.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptrace(request: c_long, pid: c_int, addr: c_long, data: *mut u8) -> c_long {
    // The caller's request is an enum of 32 bits.
    let request = request & 0xffff_ffff;
    let pid = c_long::from(pid);
    // SAFETY: the caller's arguments, handed on.
    let call = |request: c_long, data: *mut u8| unsafe { syscall(SYS_PTRACE, request, pid, addr, data) };
    if (1..=PTRACE_PEEKUSER).contains(&request) {
        // The kernel writes the word where libc returns it, and errno tells errors from words.
        let mut word: c_long = 0;
        let ret = call(request, addr_of_mut!(word).cast());
        if ret < 0 {
            return ret;
        }
        // SAFETY: libc gives a pointer to this thread's errno.
        unsafe { *__errno_location() = 0 };
        return word;
    }
    if request != PTRACE_SETREGSET || addr != NT_X86_XSTATE {
        return call(request, data);
    }
    let base: *mut u8 = addr_of_mut!(WHOLE).cast();
    let mut whole = Part { base, len: size_of::<Whole>() };
    let ret = call(PTRACE_GETREGSET, addr_of_mut!(whole).cast());
    if ret < 0 {
        return ret;
    }
    // SAFETY: for this request the caller's data is a valid iovec.
    let part = unsafe { &*data.cast::<Part>() };
    // SAFETY: both are valid for as many bytes as the smaller one has, and are apart.
    unsafe { copy_nonoverlapping(part.base, base, part.len.min(whole.len)) };
    call(PTRACE_SETREGSET, addr_of_mut!(whole).cast())
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
