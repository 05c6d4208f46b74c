//! strace: which system calls a program made, how one of them is made to fail, and whether it was. In: names of
//! calls. Out: commands of strace; from what it wrote, counts and messages that change the kernel's state.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Errors that calls are made to fail with, one each: what the kernel answers under load or without memory.
pub const ERRORS: &[(&str, &str)] = &[
    ("socket", "EMFILE"),
    ("bind", "ENOMEM"),
    ("connect", "ENOMEM"),
    ("getsockname", "ENOBUFS"),
    ("setsockopt", "ENOMEM"),
    ("getsockopt", "ENOMEM"),
    ("sendmsg", "ENOBUFS"),
    ("sendto", "ENOBUFS"),
    ("sendmmsg", "ENOBUFS"),
    ("recvmsg", "ENOBUFS"),
    ("recvfrom", "ENOBUFS"),
    ("recvmmsg", "ENOBUFS"),
    ("mount", "ENOMEM"),
    ("umount2", "EBUSY"),
    ("unshare", "ENOSPC"),
    ("setns", "ENOMEM"),
    ("open", "EMFILE"),
    ("openat", "EMFILE"),
    ("openat2", "EMFILE"),
    ("mkdir", "ENOSPC"),
    ("mkdirat", "ENOSPC"),
    ("flock", "ENOLCK"),
    ("fcntl", "ENOLCK"),
    ("read", "EIO"),
    ("pread64", "EIO"),
    ("readv", "EIO"),
    ("write", "EIO"),
    ("pwrite64", "EIO"),
    ("writev", "EIO"),
    ("ftruncate", "EIO"),
    ("rename", "EIO"),
    ("renameat", "EIO"),
    ("renameat2", "EIO"),
    ("link", "EIO"),
    ("linkat", "EIO"),
    ("symlink", "EIO"),
    ("symlinkat", "EIO"),
    ("unlink", "EIO"),
    ("unlinkat", "EIO"),
    ("rmdir", "EIO"),
    ("chmod", "EIO"),
    ("fchmod", "EIO"),
    ("fchmodat", "EIO"),
    ("fsync", "EIO"),
    ("fdatasync", "EIO"),
    ("stat", "ENOMEM"),
    ("lstat", "ENOMEM"),
    ("fstat", "ENOMEM"),
    ("newfstatat", "ENOMEM"),
    ("statx", "ENOMEM"),
    ("statfs", "ENOMEM"),
    ("fstatfs", "ENOMEM"),
    ("readlink", "ENOMEM"),
    ("readlinkat", "ENOMEM"),
    ("getdents64", "EIO"),
    ("ioctl", "ENOMEM"),
    ("clone", "EAGAIN"),
    ("clone3", "EAGAIN"),
    ("fork", "EAGAIN"),
    ("vfork", "EAGAIN"),
    ("poll", "ENOMEM"),
    ("ppoll", "ENOMEM"),
    ("epoll_create1", "EMFILE"),
    ("epoll_ctl", "ENOMEM"),
    ("pipe2", "EMFILE"),
    ("eventfd2", "EMFILE"),
    ("signalfd4", "EMFILE"),
    ("timerfd_create", "EMFILE"),
    ("memfd_create", "EMFILE"),
    ("dup", "EMFILE"),
    ("dup2", "EMFILE"),
    ("dup3", "EMFILE"),
    ("prlimit64", "EPERM"),
    ("getrandom", "EAGAIN"),
    ("open_tree", "ENOMEM"),
    ("move_mount", "ENOMEM"),
    ("pidfd_open", "EMFILE"),
];
/// Calls that fail for wrong arguments only.
pub const NEVER: &[&str] =
    &["rt_sigaction", "rt_sigprocmask", "getuid", "geteuid", "getgid", "getegid", "getppid", "umask", "close"];
/// Calls between which nothing outside of the process differs, so a kill at them is one at the next other call.
pub const INNER: &[&str] = &[
    "mmap",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "brk",
    "futex",
    "sched_yield",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "sigaltstack",
    "gettid",
    "getpid",
    "clock_gettime",
    "exit",
    "exit_group",
    "execve",
    "rt_sigreturn",
    "restart_syscall",
    "sched_getaffinity",
    "pselect6",
    "nanosleep",
    "clock_nanosleep",
];

/// One use of a call: the k-th that a thread makes of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Name of the call.
    pub call: String,
    /// Which use of it, from 1.
    pub nth: usize,
}

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injection {
    /// It fails, this once.
    Error(&'static str),
    /// It fails twice in a row, so that trying again is of no use.
    Twice(&'static str),
    /// It fails from then on.
    Errors(&'static str),
    /// A signal comes; the fatal one before the call is done, others right behind it.
    Signal(&'static str),
}

/// The error that a call is made to fail with.
pub fn error(call: &str) -> Option<&'static str> {
    ERRORS.iter().find(|(name, _)| *name == call).map(|(_, error)| *error)
}

/// A command under strace that writes every call to a file, messages in full.
pub fn traced(command: &[String], calls: &str, file: &Path) -> Command {
    let mut strace = Command::new("strace");
    // Long enough for a message of many parts; what is not decoded is of no use.
    strace.args(["-f", "-qq", "-s", "16384", "-e", &format!("trace={calls}"), "-o"]).arg(file).args(command);
    strace
}

/// A command under strace that does something to one call.
pub fn injected(command: &[String], point: &Point, injection: Injection, file: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "64", "-e", &format!("trace={}", point.call), "-e", &inject(point, injection)]);
    strace.arg("-o").arg(file).args(command);
    strace
}

/// strace's words for it.
pub fn inject(point: &Point, injection: Injection) -> String {
    let Point { call, nth } = point;
    match injection {
        Injection::Error(error) => format!("inject={call}:error={error}:when={nth}"),
        Injection::Twice(error) => format!("inject={call}:error={error}:when={nth}..{}", nth + 1),
        Injection::Errors(error) => format!("inject={call}:error={error}:when={nth}+"),
        Injection::Signal(signal) => format!("inject={call}:signal={signal}:when={nth}"),
    }
}

/// Thread and name of the call on a line of strace's; not of the second half of one, nor of a signal.
fn call(line: &str) -> Option<(&str, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, _) = rest.trim_start().split_once('(')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((thread, name))
}

/// Every point of a traced run, in the order in which its threads came to it.
pub fn points(text: &str) -> Vec<Point> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut points = Vec::new();
    // A write to a parameter that finds the network locked is begun anew by the kernel, maybe thousands of times.
    let lines = text.lines().filter(|line| !line.contains("= ? ERESTART"));
    for (thread, name) in lines.filter_map(call) {
        let nth = counts.entry((thread, name)).or_default();
        *nth += 1;
        let point = Point { call: name.to_string(), nth: *nth };
        if !points.contains(&point) {
            points.push(point);
        }
    }
    points
}

/// How many calls were made to fail.
pub fn failed(text: &str) -> usize {
    text.lines().filter(|line| line.contains("(INJECTED)")).count()
}

/// Whether one of the calls that failed was output: to standard output or standard error.
pub fn output_failed(text: &str) -> bool {
    let mut failed = text.lines().filter(|line| line.contains("(INJECTED)"));
    failed.any(|line| ["write(1,", "write(2,", "writev(1,", "writev(2,"].iter().any(|start| line.contains(start)))
}

/// What a traced run did that changes anything outside of the process: messages by type, and other calls.
pub fn changes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((_, name)) = call(line) else { continue };
        match name {
            "sendmsg" | "sendto" | "sendmmsg" => {
                let types = line.split("nlmsg_type=").skip(1);
                let types = types.map(|rest| rest.split([',', '}']).next().unwrap_or_default().trim());
                found.extend(types.filter(|kind| is_change(kind)).map(|kind| format!("{name} {kind}")));
                if !line.contains("nlmsg_type=") {
                    found.push(format!("{name} that was not understood: {line}"));
                }
            }
            "mount" | "umount2" | "mkdir" | "mkdirat" | "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat"
            | "rmdir" | "link" | "linkat" | "symlink" | "symlinkat" | "chmod" | "fchmodat" | "truncate"
                if !line.contains(" = -1 E") =>
            {
                found.push(name.to_string());
            }
            "openat" | "open" | "creat" if line.contains("O_CREAT") && !line.contains("/run/netstrap/lock\"") => {
                found.push(line.split_once(' ').map_or(line, |(_, rest)| rest).trim().to_string());
            }
            "unshare" if line.contains("CLONE_NEWNET") => found.push(name.to_string()),
            _ => {}
        }
    }
    found
}

/// Whether a message of that type changes anything. strace knows types by name only where it can ask for the
/// socket's protocol, which is not so in other network namespaces than its own.
fn is_change(kind: &str) -> bool {
    if let Some(number) = kind.split(' ').next().and_then(|word| word.strip_prefix("0x")) {
        return match u16::from_str_radix(number, 16) {
            // Of nftables, from `NFT_MSG_NEWTABLE` on; those that ask are these.
            Ok(number) if number >> 8 == 10 => {
                ![1, 4, 7, 10, 13, 16, 19, 21, 23, 25, 26, 27].contains(&(number & 0xff))
            }
            // New, delete, get and set in turn.
            Ok(number) => number & 3 != 2,
            Err(_) => true,
        };
    }
    let name = kind.rsplit("<<8|").next().unwrap_or(kind);
    let reads = name.contains("_GET") || name.starts_with("NLMSG_") || name.starts_with("NFNL_MSG_BATCH_");
    !(reads || name == "NFNL_MSG_COMPAT_GET")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "12    socket(AF_NETLINK, SOCK_RAW) = 3\n\
        13    sendto(3, [{nlmsg_len=32, nlmsg_type=RTM_GETLINK, nlmsg_flags=1}, {ifi}], 32) = 32\n\
        12    sendto(3, [{nlmsg_len=32, nlmsg_type=RTM_NEWLINK, nlmsg_flags=1}, {ifi}], 32 <unfinished ...>\n\
        12    <... sendto resumed>) = 32\n\
        12    --- SIGCHLD {si_signo=SIGCHLD} ---\n\
        12    sendmsg(4, {msg_iov=[{iov_base=[[{nlmsg_len=20, nlmsg_type=NFNL_MSG_BATCH_BEGIN, x}], \
        [{nlmsg_len=36, nlmsg_type=NFNL_SUBSYS_NFTABLES<<8|NFT_MSG_NEWTABLE, x}]]}]}, 0) = 76\n\
        12    sendto(3, [{nlmsg_len=32, nlmsg_type=RTM_GETADDR}], 32) = -1 ENOBUFS (x) (INJECTED)\n\
        12    +++ exited with 0 +++\n";

    #[test]
    fn points_are_counted_by_thread() {
        let point = |call: &str, nth| Point { call: call.to_string(), nth };
        let again = "12    write(15, \"1\", 1) = ? ERESTARTNOINTR (To be restarted)\n".repeat(9) + TEXT;
        assert_eq!(points(&again), points(TEXT));
        assert_eq!(points(TEXT), [point("socket", 1), point("sendto", 1), point("sendmsg", 1), point("sendto", 2)]);
    }

    #[test]
    fn messages_that_change_something_are_told() {
        assert_eq!(changes(TEXT), ["sendto RTM_NEWLINK", "sendmsg NFNL_SUBSYS_NFTABLES<<8|NFT_MSG_NEWTABLE"]);
        assert_eq!(changes("1 sendto(3, \"\\x20\", 1) = 1").len(), 1);
        let read = "1 sendto(3, [{nlmsg_len=20, nlmsg_type=NFNL_SUBSYS_NFTABLES<<8|NFT_MSG_GETGEN, x}], 20) = 20";
        assert!(changes(read).is_empty());
        let number =
            |kind: &str| format!("1 sendto(3, [{{nlmsg_len=20, nlmsg_type={kind} /* NLMSG_??? */, x}}], 20) = 20");
        for (kind, changing) in [("0x12", 0), ("0x1a", 0), ("0xa10", 0), ("0x10", 1), ("0x19", 1), ("0xa00", 1)] {
            assert_eq!(changes(&number(kind)).len(), changing, "{kind}");
        }
    }

    #[test]
    fn files_that_are_made_are_changes() {
        let line = |path: &str, flags: &str| format!("7 openat(AT_FDCWD, \"{path}\", {flags}, 0600) = 3");
        assert!(changes(&line("/run/netstrap/lock", "O_RDWR|O_CREAT|O_CLOEXEC")).is_empty());
        assert!(changes(&line("/run/netstrap/a.journal", "O_RDONLY")).is_empty());
        assert_eq!(changes(&line("/run/netstrap/a.journal", "O_WRONLY|O_CREAT")).len(), 1);
        assert_eq!(changes("7 mkdir(\"/run/netns\", 0755) = -1 EEXIST (File exists)"), [""; 0]);
    }

    #[test]
    fn an_injected_failure_is_seen() {
        assert_eq!(failed(TEXT), 1);
        assert!(!output_failed(TEXT));
        assert!(output_failed("1 write(2, \"no\", 2) = -1 EIO (Input/output error) (INJECTED)"));
        let point = Point { call: "mount".to_string(), nth: 3 };
        assert_eq!(inject(&point, Injection::Error("ENOMEM")), "inject=mount:error=ENOMEM:when=3");
        assert_eq!(inject(&point, Injection::Twice("ENOMEM")), "inject=mount:error=ENOMEM:when=3..4");
        assert_eq!(inject(&point, Injection::Errors("ENOMEM")), "inject=mount:error=ENOMEM:when=3+");
        assert_eq!(inject(&point, Injection::Signal("SIGKILL")), "inject=mount:signal=SIGKILL:when=3");
    }

    #[test]
    fn every_call_has_one_error() {
        for (at, (name, _)) in ERRORS.iter().enumerate() {
            assert!(ERRORS[..at].iter().all(|(other, _)| other != name), "{name}");
            assert!(!INNER.contains(name), "{name}");
        }
        assert_eq!(error("flock"), Some("ENOLCK"));
        assert_eq!(error("mmap"), None);
    }
}
