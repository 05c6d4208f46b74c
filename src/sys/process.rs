//! The process itself: randomness, descriptors and signals around an exec.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

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

/// The real user id: who called, also where the program is setuid.
pub fn uid() -> u32 {
    // SAFETY: takes no argument and cannot fail.
    unsafe { libc::getuid() }
}

/// The effective group id.
pub fn egid() -> u32 {
    // SAFETY: takes no argument and cannot fail.
    unsafe { libc::getegid() }
}

/// Sets which permissions new files do not get.
pub fn set_umask(mask: libc::mode_t) {
    // SAFETY: takes a number and cannot fail.
    unsafe { libc::umask(mask) };
}

/// Raises the soft limit of open files to the hard one, as far as allowed; how many may be open.
pub fn raise_open_files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives both calls; the first only writes to it, the second only reads it.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && limit.rlim_cur < limit.rlim_max {
            let soft = std::mem::replace(&mut limit.rlim_cur, limit.rlim_max);
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) != 0 {
                limit.rlim_cur = soft;
            }
        }
    }
    limit.rlim_cur
}

/// Whether descriptor 0 was closed when the program began.
static NO_INPUT: AtomicBool = AtomicBool::new(false);

/// Rust's start-up code opens `/dev/null` where standard input is closed, so this must run before it.
#[cfg(not(miri))]
#[used]
// SAFETY: the section is an array of such functions, which the C library calls before main.
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = {
    extern "C" fn look() {
        // SAFETY: F_GETFD only looks at the descriptor.
        NO_INPUT.store(unsafe { libc::fcntl(0, libc::F_GETFD) } < 0, Ordering::Relaxed);
    }
    look
};

/// Ends the process at once: what the runtime would undo and free, the kernel does anyway.
pub fn exit(code: u8) -> ! {
    // SAFETY: does not return; standard output was flushed by the caller.
    unsafe { libc::_exit(i32::from(code)) }
}

/// Standard input, on a descriptor of its own.
///
/// # Errors
/// `EBADF` where it was closed when the program began.
pub fn standard_input() -> io::Result<File> {
    if NO_INPUT.load(Ordering::Relaxed) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the descriptor is only duplicated, which refuses one that is not open.
    unsafe { BorrowedFd::borrow_raw(libc::STDIN_FILENO) }.try_clone_to_owned().map(File::from)
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(fd: &impl std::os::fd::AsRawFd) -> bool {
    // SAFETY: isatty only looks at the descriptor.
    unsafe { libc::isatty(fd.as_raw_fd()) == 1 }
}

/// Gives `SIGPIPE` its default action, which Rust's start-up code ignores and a command
/// that is started next would inherit ignored.
pub fn default_sigpipe() -> io::Result<()> {
    // SAFETY: SIG_DFL is a valid disposition and no handler of ours is replaced.
    let old = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    check(if old == libc::SIG_ERR { -1 } else { 0 }).map(|_| ())
}

/// Replaces this program by another, found on `PATH` if its name has no `/`. Returns only on failure.
pub fn exec(program: &CStr, argv: &[CString]) -> io::Error {
    let mut pointers: Vec<*const libc::c_char> = argv.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: `program` and every word are NUL-terminated, the array ends in a null pointer, and all outlive the call.
    unsafe { libc::execvp(program.as_ptr(), pointers.as_ptr()) };
    io::Error::last_os_error()
}

/// Goes on in two processes: `None` in the new one.
///
/// Only for a process with a single thread: the child has just the calling one.
pub fn fork() -> io::Result<Option<u32>> {
    // SAFETY: the process has one thread, so no lock is held by a thread that the child lacks.
    let pid = check(unsafe { libc::fork() })?;
    Ok(u32::try_from(pid).ok().filter(|pid| *pid != 0))
}

/// Leaves the terminal and the session of the caller, with the standard descriptors.
pub fn detach() {
    // SAFETY: takes no argument, and only fails where there is nothing to leave.
    unsafe { libc::setsid() };
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        for fd in 0..3 {
            // SAFETY: `null` is open, and the standard descriptors are nobody's own.
            unsafe { libc::dup2(null.as_raw_fd(), fd) };
        }
    }
}

/// Asks a child to end.
pub fn terminate(pid: u32) {
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: only sends a signal.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
}

/// Waits for the end of a child.
pub fn reap(pid: u32) {
    let mut status = 0;
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: `status` is a c_int that outlives the call.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
    }
}

/// Runs a function in a child process, which ends with its return value, and waits for it.
/// Returns the exit code, or 128 and the signal's number.
///
/// Only for a process with a single thread: the child has just the calling one.
pub fn in_child(work: impl FnOnce() -> u8) -> io::Result<u8> {
    // SAFETY: the process has one thread, so no lock is held by a thread that the child lacks.
    let pid = check(unsafe { libc::fork() })?;
    if pid == 0 {
        let code = work();
        // SAFETY: ends the child without running the parent's exit handlers.
        unsafe { libc::_exit(i32::from(code)) };
    }
    let mut status = 0;
    loop {
        // SAFETY: `status` is a c_int that outlives the call.
        match check(unsafe { libc::waitpid(pid, &raw mut status, 0) }) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
            Ok(_) => break,
        }
    }
    let code = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) };
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
