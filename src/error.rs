//! What can go wrong: one value with fields, put into words only by `Display`.
//!
//! Lower layers fill in [`Kind`]; callers add what was being done and in which
//! namespace. Only `main` and the applets print.

use std::fmt;
use std::path::Path;

/// A failure, with the act and the namespace that it belongs to. One pointer wide, because
/// nearly every function returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Failure>);

/// What an [`Error`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was being done, to what ("add 192.168.15.1/24 to veth-red"); empty when not known yet.
    pub doing: String,
    /// Name of the namespace it was done in; `None` for the one the process started in.
    pub ns: Option<String>,
    /// Why it failed.
    pub kind: Kind,
}

/// The reason of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The caller asked for something that cannot be (bad word, bad value).
    Usage(String),
    /// A system call failed: its name and errno.
    Sys {
        /// Name of the system call or of the file operation, with its object.
        call: String,
        /// The errno value.
        errno: i32,
    },
    /// The kernel refused a netlink request.
    Kernel(Refusal),
    /// A dump changed under the reader every time it was tried (`NLM_F_DUMP_INTR`).
    Interrupted,
    /// The reply was sent but lost (`ENOBUFS`, or no answer): whether the
    /// request took effect is not known.
    Lost {
        /// Messages that asked for an answer.
        sent: usize,
        /// Answers that arrived.
        got: usize,
    },
    /// The kernel's bytes could not be understood.
    Malformed(&'static str),
    /// A message or attribute is longer than the protocol allows.
    TooLong(&'static str),
    /// A link of one namespace was used in a request to another one.
    ForeignLink,
}

/// A kernel's "no" to one request, with its extended ACK.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// errno, positive.
    pub errno: i32,
    /// `NLMSGERR_ATTR_MSG`: the kernel's own words (kernel 4.12).
    pub text: Option<String>,
    /// `NLMSGERR_ATTR_OFFS`: byte offset into the request of the attribute at fault.
    pub offset: Option<u32>,
    /// Our name of the attribute at that offset ("gateway").
    pub attr: Option<&'static str>,
    /// `NLMSGERR_ATTR_MISS_TYPE`: attribute type that the kernel misses (kernel 6.1).
    pub missing: Option<u32>,
}

/// Result with our [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of which only the reason is known yet.
    pub fn new(kind: Kind) -> Self {
        Error(Box::new(Failure { doing: String::new(), ns: None, kind }))
    }

    /// A failed system call or file operation.
    pub fn sys(call: impl Into<String>, error: &std::io::Error) -> Self {
        Error::new(Kind::Sys { call: call.into(), errno: error.raw_os_error().unwrap_or(libc::EIO) })
    }

    /// A failed operation on a file, by the words for it and the path.
    #[inline(never)]
    pub fn file(what: &str, path: &Path, error: &std::io::Error) -> Self {
        Error::sys([what, " ", &path.to_string_lossy()].concat(), error)
    }

    /// A wrong word or value.
    pub fn usage(text: impl Into<String>) -> Self {
        Error::new(Kind::Usage(text.into()))
    }

    /// Adds what was being done, if nothing lower did.
    #[must_use]
    pub fn doing(mut self, act: impl FnOnce() -> String) -> Self {
        if self.0.doing.is_empty() {
            self.0.doing = act();
        }
        self
    }

    /// Adds the namespace's name.
    #[must_use]
    pub fn in_ns(mut self, name: Option<&str>) -> Self {
        if self.0.ns.is_none() {
            self.0.ns = name.map(str::to_owned);
        }
        self
    }

    /// The kernel's refusal, if that is the reason.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            Kind::Kernel(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// errno of a system call or refusal, if there is one.
    pub fn errno(&self) -> Option<i32> {
        match &self.kind {
            Kind::Sys { errno, .. } => Some(*errno),
            Kind::Kernel(refusal) => Some(refusal.errno),
            _ => None,
        }
    }
}

impl std::ops::Deref for Error {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

/// The errno values that netlink, namespaces and raw sockets answer with: number, name, and glibc's text.
/// musl words many of them differently ("Network unreachable"), and scripts grep for glibc's.
const ERRNOS: &[(i32, &str, &str)] = &[
    (libc::EPERM, "EPERM", "Operation not permitted"),
    (libc::ENOENT, "ENOENT", "No such file or directory"),
    (libc::ESRCH, "ESRCH", "No such process"),
    (libc::EINTR, "EINTR", "Interrupted system call"),
    (libc::EIO, "EIO", "Input/output error"),
    (libc::ENXIO, "ENXIO", "No such device or address"),
    (libc::E2BIG, "E2BIG", "Argument list too long"),
    (libc::ENOEXEC, "ENOEXEC", "Exec format error"),
    (libc::EBADF, "EBADF", "Bad file descriptor"),
    (libc::EAGAIN, "EAGAIN", "Resource temporarily unavailable"),
    (libc::ENOMEM, "ENOMEM", "Cannot allocate memory"),
    (libc::EACCES, "EACCES", "Permission denied"),
    (libc::EBUSY, "EBUSY", "Device or resource busy"),
    (libc::EEXIST, "EEXIST", "File exists"),
    (libc::EXDEV, "EXDEV", "Invalid cross-device link"),
    (libc::ENODEV, "ENODEV", "No such device"),
    (libc::ENOTDIR, "ENOTDIR", "Not a directory"),
    (libc::EISDIR, "EISDIR", "Is a directory"),
    (libc::EINVAL, "EINVAL", "Invalid argument"),
    (libc::ENFILE, "ENFILE", "Too many open files in system"),
    (libc::EMFILE, "EMFILE", "Too many open files"),
    (libc::ENOSPC, "ENOSPC", "No space left on device"),
    (libc::EROFS, "EROFS", "Read-only file system"),
    (libc::EMLINK, "EMLINK", "Too many links"),
    (libc::ERANGE, "ERANGE", "Numerical result out of range"),
    (libc::ENAMETOOLONG, "ENAMETOOLONG", "File name too long"),
    (libc::ELOOP, "ELOOP", "Too many levels of symbolic links"),
    (libc::ERESTART, "ERESTART", "Interrupted system call should be restarted"),
    (libc::EMSGSIZE, "EMSGSIZE", "Message too long"),
    (libc::EXFULL, "EXFULL", "Exchange full"),
    (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT", "Protocol not supported"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT", "Address family not supported by protocol"),
    (libc::EADDRINUSE, "EADDRINUSE", "Address already in use"),
    (libc::EADDRNOTAVAIL, "EADDRNOTAVAIL", "Cannot assign requested address"),
    (libc::ENETDOWN, "ENETDOWN", "Network is down"),
    (libc::ENETUNREACH, "ENETUNREACH", "Network is unreachable"),
    (libc::ENOBUFS, "ENOBUFS", "No buffer space available"),
    (libc::ENOTCONN, "ENOTCONN", "Transport endpoint is not connected"),
    (libc::ETIMEDOUT, "ETIMEDOUT", "Connection timed out"),
    (libc::ECONNREFUSED, "ECONNREFUSED", "Connection refused"),
    (libc::EHOSTUNREACH, "EHOSTUNREACH", "No route to host"),
];

/// glibc's text for an errno value, as every classic tool prints it.
pub fn strerror(errno: i32) -> String {
    match ERRNOS.iter().find(|row| row.0 == errno) {
        Some(row) => row.2.to_owned(),
        None => format!("Unknown error {errno}"),
    }
}

/// Symbolic name of an errno value.
fn errno_name(errno: i32) -> Option<&'static str> {
    ERRNOS.iter().find(|row| row.0 == errno).map(|row| row.1)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text)?,
            None => f.write_str(&strerror(self.errno))?,
        }
        if let Some(attr) = self.attr {
            write!(f, ", at {attr}")?;
        }
        match errno_name(self.errno) {
            Some(name) => write!(f, " ({name})"),
            None => write!(f, " (errno {})", self.errno),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Usage(text) => f.write_str(text),
            Kind::Sys { call, errno } => write!(f, "{call}: {}", strerror(*errno)),
            Kind::Kernel(refusal) => refusal.fmt(f),
            Kind::Interrupted => f.write_str("the kernel's list kept changing while it was read; try again"),
            Kind::Lost { sent, got } => {
                write!(f, "{got} of {sent} answers arrived, so it is not known whether the request took effect")
            }
            Kind::Malformed(what) => write!(f, "the kernel's answer is malformed: {what}"),
            Kind::TooLong(what) => write!(f, "{what} is too long for a netlink message"),
            Kind::ForeignLink => f.write_str("a link of another namespace was named in this request"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ns) = &self.ns {
            write!(f, "{ns}: ")?;
        }
        if !self.doing.is_empty() {
            write!(f, "{}: ", self.doing)?;
        }
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_one_line() {
        let refusal =
            Refusal { errno: libc::EEXIST, text: Some("ipv4: Address already assigned".into()), ..Refusal::default() };
        let error =
            Error::new(Kind::Kernel(refusal)).doing(|| "add 192.168.15.1/24 to veth-red".into()).in_ns(Some("red"));
        assert_eq!(error.to_string(), "red: add 192.168.15.1/24 to veth-red: ipv4: Address already assigned (EEXIST)");
    }

    #[test]
    fn strerror_is_glibcs_text() {
        assert_eq!(strerror(libc::EEXIST), "File exists");
        assert_eq!(strerror(libc::ENETUNREACH), "Network is unreachable");
    }
}
