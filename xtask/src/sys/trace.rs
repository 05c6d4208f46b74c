//! One child process under ptrace, as far as its netlink sockets go. In: a command, a watcher. What the
//! child sends can be read and changed before the kernel sees it, what it receives before the child
//! does. Out: how the child ended.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::mpsc;
use std::time::Duration;

/// Sees a child's netlink datagrams of one protocol each (`NETLINK_ROUTE` is 0).
pub trait Watch {
    /// A datagram about to be sent; changes reach the kernel in its place. `false` ends the child here.
    fn sends(&mut self, protocol: u64, bytes: &mut [u8]) -> bool;
    /// A datagram just received; changes reach the child.
    fn receives(&mut self, protocol: u64, bytes: &mut [u8]);
}

/// `PTRACE_GET_SYSCALL_INFO`, kernel 5.3, `linux/ptrace.h`.
const GET_SYSCALL_INFO: libc::c_uint = 0x420e;
const AT_EXIT: u8 = 2;
const AT_ENTRY: u8 = 3;

/// Runs a command to its end, or kills it when its time is over.
pub fn run(command: &mut Command, limit: Duration, watch: &mut dyn Watch) -> io::Result<ExitStatus> {
    let mut filter = filter();
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).unwrap_or(0), filter: filter.as_mut_ptr() };
    let program = std::ptr::from_ref(&program) as usize;
    // SAFETY: between fork and exec only ptrace(2) and prctl(2) are called, which are async-signal-safe; the
    // program and its filter live until spawn() below has returned, and the child has a copy of them.
    let command = unsafe {
        command.pre_exec(move || {
            let traced = libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) >= 0
                && libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) >= 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, program, 0, 0) >= 0;
            if traced { Ok(()) } else { Err(io::Error::last_os_error()) }
        })
    };
    // The loop reaps it.
    #[allow(clippy::zombie_processes)]
    let child = command.spawn()?;
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let (done, watchdog) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if watchdog.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            // SAFETY: takes no address; the child is not reaped before this thread is joined.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    });
    let ended = Child { pid, memory: memory(pid)?, sockets: HashMap::new(), call: [0; 7] }.follow(watch);
    drop(done);
    let _ = guard.join();
    // SAFETY: the child was seen to end and has not been reaped; no status is asked for.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    ended
}

/// The calls looked at.
const CALLS: [libc::c_long; 5] =
    [libc::SYS_socket, libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_recvfrom, libc::SYS_recvmsg];

/// Stops at these calls only: a stop costs more than most calls do.
fn filter() -> Vec<libc::sock_filter> {
    let one = |code: u32, jt: u8, k: u32| libc::sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf: 0, k };
    // The number of the call is the first word that a filter sees.
    let mut program = vec![one(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for (left, call) in (1..=5).rev().zip(CALLS) {
        program.push(one(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, left, u32::try_from(call).unwrap_or(0)));
    }
    program.push(one(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW));
    program.push(one(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_TRACE));
    program
}

fn memory(pid: libc::pid_t) -> io::Result<File> {
    File::options().read(true).write(true).open(format!("/proc/{pid}/mem"))
}

struct Child {
    pid: libc::pid_t,
    memory: File,
    /// Netlink protocol by descriptor.
    sockets: HashMap<u64, u64>,
    /// Number and arguments of the system call that it is in.
    call: [u64; 7],
}

impl Child {
    fn follow(&mut self, watch: &mut dyn Watch) -> io::Result<ExitStatus> {
        let mut options_set = false;
        loop {
            // SAFETY: all-zero is a valid siginfo_t; it is filled in below.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            // Ends are left to be reaped by the caller, so that the watchdog's number stays this child's.
            let flags = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT;
            let id = libc::id_t::try_from(self.pid).map_err(io::Error::other)?;
            // SAFETY: `info` is valid for the write, and the number is that of our child.
            if unsafe { libc::waitid(libc::P_PID, id, &mut info, flags) } < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: waitid has filled in a SIGCHLD's fields.
            let value = unsafe { info.si_status() };
            match info.si_code {
                libc::CLD_EXITED => return Ok(ExitStatus::from_raw(value << 8)),
                libc::CLD_KILLED | libc::CLD_DUMPED => return Ok(ExitStatus::from_raw(value)),
                _ => {}
            }
            let mut status = 0;
            // SAFETY: `status` is valid for the write; the stop seen above is taken.
            if unsafe { libc::waitpid(self.pid, &mut status, 0) } < 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
                return Ok(ExitStatus::from_raw(status));
            }
            if !options_set {
                let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESECCOMP;
                // SAFETY: the child is stopped; the request takes an option word and no address.
                unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, self.pid, 0, options) };
                options_set = true;
            }
            let mut signal = libc::WSTOPSIG(status);
            let mut request = libc::PTRACE_CONT;
            let entering = status >> 8 == libc::SIGTRAP | (libc::PTRACE_EVENT_SECCOMP << 8);
            if entering || signal == libc::SIGTRAP | 0x80 {
                signal = 0;
                // A child that is being killed has no memory left to look at.
                let _ = self.at_call(watch);
                if entering {
                    request = libc::PTRACE_SYSCALL;
                }
            } else if signal == libc::SIGTRAP {
                // It has become another program.
                signal = 0;
                self.memory = memory(self.pid)?;
            }
            // SAFETY: the child is stopped; the request takes a signal number and no address.
            unsafe { libc::ptrace(request, self.pid, 0, signal) };
        }
    }

    fn at_call(&mut self, watch: &mut dyn Watch) -> io::Result<()> {
        let mut info = [0u64; 11];
        let size = std::mem::size_of_val(&info);
        // SAFETY: the child is stopped, and the kernel writes at most `size` bytes to `info`.
        if unsafe { libc::ptrace(GET_SYSCALL_INFO as _, self.pid, size, info.as_mut_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let at = info[0].to_le_bytes()[0];
        if at == AT_ENTRY {
            self.call.copy_from_slice(&info[3..10]);
        }
        let [number, fd, buffer, len, ..] = self.call;
        let is = |call: libc::c_long| u64::try_from(call) == Ok(number);
        let result = usize::try_from(info[3].cast_signed()).unwrap_or(0);
        let protocol = self.sockets.get(&fd).copied();
        match (at, protocol) {
            (AT_EXIT, _) if is(libc::SYS_socket) => {
                // The arguments are family, kind, protocol; the result is the descriptor.
                self.sockets.remove(&info[3]);
                if u64::try_from(libc::AF_NETLINK) == Ok(fd) {
                    self.sockets.insert(info[3], len);
                }
            }
            (AT_ENTRY, Some(protocol)) if is(libc::SYS_sendto) || is(libc::SYS_sendmsg) => {
                let parts = if is(libc::SYS_sendto) { vec![(buffer, len)] } else { self.parts(buffer)? };
                let mut goes_on = true;
                self.pass(&parts, usize::MAX, |bytes| goes_on = watch.sends(protocol, bytes))?;
                if !goes_on {
                    // SAFETY: takes no address; the child is stopped and not reaped.
                    unsafe { libc::kill(self.pid, libc::SIGKILL) };
                }
            }
            (AT_EXIT, Some(protocol)) if is(libc::SYS_recvfrom) || is(libc::SYS_recvmsg) => {
                let parts = if is(libc::SYS_recvfrom) { vec![(buffer, len)] } else { self.parts(buffer)? };
                self.pass(&parts, result, |bytes| watch.receives(protocol, bytes))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The pieces of a `struct msghdr`: address and length.
    fn parts(&self, header: u64) -> io::Result<Vec<(u64, u64)>> {
        let list = self.word(header + 16)?;
        (0..self.word(header + 24)?).map(|i| Ok((self.word(list + 16 * i)?, self.word(list + 16 * i + 8)?))).collect()
    }

    fn word(&self, address: u64) -> io::Result<u64> {
        let mut word = [0; 8];
        self.memory.read_exact_at(&mut word, address)?;
        Ok(u64::from_ne_bytes(word))
    }

    /// Shows at most `limit` bytes of some pieces as one, and writes back what was changed in them.
    fn pass(&self, parts: &[(u64, u64)], limit: usize, look: impl FnOnce(&mut [u8])) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (address, len) in parts {
            let len = usize::try_from(*len).map_err(io::Error::other)?.min(limit - bytes.len());
            let at = bytes.len();
            bytes.resize(at + len, 0);
            self.memory.read_exact_at(&mut bytes[at..], *address)?;
        }
        let before = bytes.clone();
        look(&mut bytes);
        if bytes == before {
            return Ok(());
        }
        let mut rest = &bytes[..];
        for (address, len) in parts {
            let (now, later) = rest.split_at(usize::try_from(*len).map_err(io::Error::other)?.min(rest.len()));
            self.memory.write_all_at(now, *address)?;
            rest = later;
        }
        Ok(())
    }
}
