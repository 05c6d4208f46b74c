//! One child process under ptrace, whose netlink sockets lead to a stand-in for the kernel. In: a
//! command, the stand-in. Nothing the child does about the network reaches the real kernel. Out: how the
//! child ended. (x86_64 only: a system call is answered in the child's registers.)
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::mpsc;
use std::time::Duration;

/// Stands in for the kernel on a child's netlink sockets (`NETLINK_ROUTE` is protocol 0).
pub trait Kernel {
    /// A datagram is sent on a socket. `false` ends the child here.
    fn request(&mut self, socket: u64, protocol: u64, bytes: &[u8]) -> bool;
    /// The next datagram for a socket, taken or only looked at.
    fn answer(&mut self, socket: u64, take: bool) -> Option<Vec<u8>>;
}

/// `PTRACE_GET_SYSCALL_INFO`, kernel 5.3, `linux/ptrace.h`.
const GET_SYSCALL_INFO: libc::c_uint = 0x420e;
/// The address of all netlink sockets of a child, in place of its process number.
pub const PORT: u32 = 1;
const AT_EXIT: u8 = 2;
const AT_ENTRY: u8 = 3;

/// Runs a command to its end, or kills it when its time is over.
pub fn run(command: &mut Command, limit: Duration, kernel: &mut dyn Kernel) -> io::Result<ExitStatus> {
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
    // The loop reaps it; it waits for the group of the child and of what the child starts.
    #[allow(clippy::zombie_processes)]
    let child = command.process_group(0).spawn()?;
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let (done, watchdog) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if watchdog.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            // SAFETY: takes no address; the child is not reaped before this thread is joined.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    });
    let ended = Traced { pid, tasks: HashMap::new(), sockets: HashMap::new() }.follow(kernel);
    // What it may have left behind.
    // SAFETY: takes no address; the group is the child's own.
    unsafe { libc::kill(-pid, libc::SIGKILL) };
    drop(done);
    let _ = guard.join();
    ended
}

/// The calls looked at: netlink's, and those by which namespaces, tunnels and taps are made.
const CALLS: [libc::c_long; 11] = [
    libc::SYS_socket,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_getsockname,
    libc::SYS_ioctl,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_mount,
    libc::SYS_umount2,
];

/// Stops at these calls only: a stop costs more than most calls do.
fn filter() -> Vec<libc::sock_filter> {
    let one = |code: u32, jt: u8, k: u32| libc::sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf: 0, k };
    // The number of the call is the first word that a filter sees.
    let mut program = vec![one(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for (left, call) in (1..=11).rev().zip(CALLS) {
        program.push(one(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, left, u32::try_from(call).unwrap_or(0)));
    }
    program.push(one(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW));
    program.push(one(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_TRACE));
    program
}

fn memory(pid: libc::pid_t) -> io::Result<File> {
    File::options().read(true).write(true).open(format!("/proc/{pid}/mem"))
}

/// A thread or process of the child's.
struct Task {
    memory: File,
    /// Number and arguments of the system call that it is in.
    call: [u64; 7],
}

struct Traced {
    pid: libc::pid_t,
    tasks: HashMap<libc::pid_t, Task>,
    /// Netlink protocol by descriptor.
    sockets: HashMap<u64, u64>,
}

impl Traced {
    fn follow(&mut self, kernel: &mut dyn Kernel) -> io::Result<ExitStatus> {
        loop {
            let mut status = 0;
            // SAFETY: `status` is valid for the write; only the child's own group is waited for.
            let at = unsafe { libc::waitpid(-self.pid, &mut status, libc::__WALL) };
            if at < 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
                if at == self.pid {
                    return Ok(ExitStatus::from_raw(status));
                }
                self.tasks.remove(&at);
                continue;
            }
            let new = !self.tasks.contains_key(&at);
            if new {
                let options = libc::PTRACE_O_TRACESYSGOOD
                    | libc::PTRACE_O_EXITKILL
                    | libc::PTRACE_O_TRACESECCOMP
                    | libc::PTRACE_O_TRACECLONE
                    | libc::PTRACE_O_TRACEFORK
                    | libc::PTRACE_O_TRACEVFORK;
                // SAFETY: the task is stopped; the request takes an option word and no address.
                unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, at, 0, options) };
                self.tasks.insert(at, Task { memory: memory(at)?, call: [0; 7] });
            }
            let mut signal = libc::WSTOPSIG(status);
            let mut request = libc::PTRACE_CONT;
            let event = status >> 16;
            if event == libc::PTRACE_EVENT_SECCOMP || signal == libc::SIGTRAP | 0x80 {
                signal = 0;
                // A task that is being killed has no memory left to look at.
                if self.at_call(at, kernel).unwrap_or(false) {
                    request = libc::PTRACE_SYSCALL;
                }
            } else if event != 0 || (new && signal == libc::SIGSTOP) {
                signal = 0;
            } else if signal == libc::SIGTRAP {
                // It has become another program.
                signal = 0;
                self.tasks.insert(at, Task { memory: memory(at)?, call: [0; 7] });
            }
            // SAFETY: the task is stopped; the request takes a signal number and no address.
            unsafe { libc::ptrace(request, at, 0, signal) };
        }
    }

    /// Whether the end of this call is to be seen too.
    fn at_call(&mut self, pid: libc::pid_t, kernel: &mut dyn Kernel) -> io::Result<bool> {
        let Some(task) = self.tasks.get_mut(&pid) else { return Ok(false) };
        let mut info = [0u64; 11];
        let size = std::mem::size_of_val(&info);
        // SAFETY: the task is stopped, and the kernel writes at most `size` bytes to `info`.
        if unsafe { libc::ptrace(GET_SYSCALL_INFO, pid, size, info.as_mut_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let at = info[0].to_le_bytes()[0];
        if at == AT_ENTRY {
            task.call.copy_from_slice(&info[3..10]);
        }
        let [number, fd, buffer, len, flags, ..] = task.call;
        let is = |call: libc::c_long| u64::try_from(call) == Ok(number);
        let protocol = self.sockets.get(&fd).copied();
        if at == AT_EXIT {
            // Only socket(2) is followed to its end: its arguments are family, kind, protocol.
            self.sockets.remove(&info[3]);
            if u64::try_from(libc::AF_NETLINK) == Ok(fd) {
                self.sockets.insert(info[3], len);
            }
            return Ok(false);
        }
        if is(libc::SYS_socket) {
            return Ok(true);
        }
        if is(libc::SYS_ioctl) {
            // Of sockets (0x89..) and of taps ('T', from 200 on): all done at once.
            if buffer >> 8 == 0x89 || (buffer >> 8 & 0xff == 0x54 && buffer & 0xff >= 200) {
                skip(pid, 0)?;
            }
            return Ok(false);
        }
        let Some(protocol) = protocol else {
            if [libc::SYS_setns, libc::SYS_unshare, libc::SYS_mount, libc::SYS_umount2].into_iter().any(is) {
                skip(pid, 0)?;
            }
            return Ok(false);
        };
        if is(libc::SYS_sendto) || is(libc::SYS_sendmsg) {
            let parts = if is(libc::SYS_sendto) { vec![(buffer, len)] } else { task.parts(buffer)? };
            let mut bytes = Vec::new();
            for (address, len) in parts {
                let at = bytes.len();
                bytes.resize(at + usize::try_from(len).map_err(io::Error::other)?, 0);
                task.memory.read_exact_at(&mut bytes[at..], address)?;
            }
            if !kernel.request(fd, protocol, &bytes) {
                // SAFETY: takes no address; the child is stopped and not reaped.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
            skip(pid, i64::try_from(bytes.len()).map_err(io::Error::other)?)?;
        } else if is(libc::SYS_getsockname) {
            task.address(buffer)?;
            task.memory.write_all_at(&12u32.to_ne_bytes(), len)?;
            skip(pid, 0)?;
        } else if is(libc::SYS_recvfrom) || is(libc::SYS_recvmsg) {
            let flags = if is(libc::SYS_recvfrom) { flags } else { len };
            let has = |flag: libc::c_int| flags & u64::try_from(flag).unwrap_or(0) != 0;
            let Some(bytes) = kernel.answer(fd, !has(libc::MSG_PEEK)) else {
                skip(pid, -i64::from(libc::EAGAIN))?;
                return Ok(false);
            };
            let parts = if is(libc::SYS_recvfrom) { vec![(buffer, len)] } else { task.parts(buffer)? };
            let mut rest = &bytes[..];
            for (address, len) in parts {
                let (now, later) = rest.split_at(usize::try_from(len).map_err(io::Error::other)?.min(rest.len()));
                task.memory.write_all_at(now, address)?;
                rest = later;
            }
            if is(libc::SYS_recvmsg) {
                task.from(buffer, !rest.is_empty())?;
            }
            let told = if has(libc::MSG_TRUNC) { bytes.len() } else { bytes.len() - rest.len() };
            skip(pid, i64::try_from(told).map_err(io::Error::other)?)?;
        }
        Ok(false)
    }
}

impl Task {
    /// Fills in the rest of a `struct msghdr`: the kernel's address, no control data, flags.
    fn from(&self, header: u64, cut: bool) -> io::Result<()> {
        let name = self.word(header)?;
        if name != 0 {
            self.memory.write_all_at(&[16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], name)?;
            self.memory.write_all_at(&12u32.to_ne_bytes(), header + 8)?;
        }
        self.memory.write_all_at(&0u64.to_ne_bytes(), header + 40)?;
        self.memory.write_all_at(&if cut { libc::MSG_TRUNC } else { 0 }.to_ne_bytes(), header + 48)
    }

    /// The address that all of the child's sockets have.
    fn address(&self, place: u64) -> io::Result<()> {
        let mut address = [16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        address[4..8].copy_from_slice(&PORT.to_ne_bytes());
        self.memory.write_all_at(&address, place)
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
}

/// Answers the call that the child is about to make, in the kernel's place.
#[cfg(target_arch = "x86_64")]
fn skip(pid: libc::pid_t, result: i64) -> io::Result<()> {
    // SAFETY: all-zero is a valid user_regs_struct.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: the child is stopped, and the structure is valid for the write.
    if unsafe { libc::ptrace(libc::PTRACE_GETREGS, pid, 0, &raw mut registers) } < 0 {
        return Err(io::Error::last_os_error());
    }
    registers.orig_rax = u64::MAX;
    registers.rax = result.cast_unsigned();
    // SAFETY: the child is stopped, and the structure is valid for the read.
    if unsafe { libc::ptrace(libc::PTRACE_SETREGS, pid, 0, &raw const registers) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Elsewhere nothing is answered.
#[cfg(not(target_arch = "x86_64"))]
fn skip(_pid: libc::pid_t, _result: i64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
