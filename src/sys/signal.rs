//! Signals as something to wait for: a set of them is blocked and read from a
//! descriptor, so that no handler runs and no signal is missed between two waits.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;
use std::time::Duration;

use super::check;

/// Signals that are held back from the calling thread and read one by one; dropping it restores
/// the thread's mask.
#[derive(Debug)]
pub struct Signals {
    fd: OwnedFd,
    before: libc::sigset_t,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// The descriptor has something to read.
    pub readable: bool,
    /// The descriptor has an error pending, or one in its error queue; or the other end has gone.
    pub error: bool,
    /// A signal of the set has come.
    pub signal: bool,
}

/// Those of some signals that the process has not been told to ignore.
pub fn heeded(signals: &[libc::c_int]) -> Vec<libc::c_int> {
    let mut heeded = signals.to_vec();
    heeded.retain(|signal| {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: sets nothing, and `action` is as large as the call writes.
        let ret = unsafe { libc::sigaction(*signal, std::ptr::null(), action.as_mut_ptr()) };
        // SAFETY: zeroed above, all-zero is valid, and the call only writes it.
        ret != 0 || unsafe { action.assume_init() }.sa_sigaction != libc::SIG_IGN
    });
    heeded
}

impl Signals {
    /// Holds back these signals, also those that the parent process had set to be ignored: the
    /// kernel ignores no signal that is blocked.
    pub fn hold(signals: &[libc::c_int]) -> io::Result<Self> {
        let (mut set, mut before) = (MaybeUninit::<libc::sigset_t>::zeroed(), MaybeUninit::zeroed());
        // SAFETY: sigemptyset fills in `set`, and sigaddset changes it; wrong numbers are refused.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for &signal in signals {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
        }
        // SAFETY: `set` was filled in above and outlives the call.
        let fd = check(unsafe { libc::signalfd(-1, set.as_ptr(), libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) })?;
        // SAFETY: the kernel gave this descriptor to us alone.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: `set` was filled in above, `before` is as large as the call writes.
        check(unsafe { libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) })?;
        // SAFETY: zeroed above, and the call that filled it in has succeeded.
        Ok(Signals { fd, before: unsafe { before.assume_init() } })
    }

    /// The next signal that arrived, without waiting.
    pub fn take(&self) -> Option<libc::c_int> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the pointer and length describe `info`.
        let len = unsafe { libc::read(self.fd.as_raw_fd(), info.as_mut_ptr().cast(), size) };
        // SAFETY: zeroed above; all-zero is valid, and read only overwrites it.
        let info = unsafe { info.assume_init() };
        (usize::try_from(len) == Ok(size)).then(|| i32::try_from(info.ssi_signo).unwrap_or(0))
    }

    /// Waits for something on a descriptor, a signal of the set, or the end of the time; `None` is for ever.
    pub fn wait(&self, fd: &impl AsFd, time: Option<Duration>) -> io::Result<Wake> {
        let entry = |fd: i32| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut fds = [entry(fd.as_fd().as_raw_fd()), entry(self.fd.as_raw_fd())];
        // SAFETY: timespec is plain data for which all-zero is valid; its padding differs between machines.
        let mut spec: libc::timespec = unsafe { std::mem::zeroed() };
        let time = match time {
            None => null_mut(),
            Some(time) => {
                // The type's width differs between C libraries; thirty years are enough for any.
                spec.tv_sec = time.as_secs().min(1 << 30).try_into().unwrap_or_default();
                spec.tv_nsec = time.subsec_nanos() as _;
                &raw mut spec
            }
        };
        // SAFETY: the array has the two entries that are said, `time` is null or points to `spec`, no mask is given.
        let ret = unsafe { libc::ppoll(fds.as_mut_ptr(), 2, time, std::ptr::null()) };
        match check(ret) {
            // Stopped and continued: as if the time were up.
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {
                Ok(Wake { readable: false, error: false, signal: false })
            }
            Err(e) => Err(e),
            Ok(_) => {
                let [got, signals] = fds.map(|fd| fd.revents);
                let has = |bit| got & bit != 0;
                Ok(Wake {
                    readable: has(libc::POLLIN),
                    error: has(libc::POLLERR | libc::POLLHUP),
                    signal: signals != 0,
                })
            }
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // Those that nobody read are done with: unblocked, they would act now.
        while self.take().is_some() {}
        // SAFETY: `before` was filled in by the call that blocked the signals.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const self.before, null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn a_held_signal_ends_a_wait_and_is_read_once() {
        let quiet = UdpSocket::bind("127.0.0.1:0").unwrap();
        let signals = Signals::hold(&[libc::SIGURG]).unwrap();
        assert_eq!(signals.take(), None);
        let none = Wake { readable: false, error: false, signal: false };
        assert_eq!(signals.wait(&quiet, Some(Duration::ZERO)).unwrap(), none);
        // SAFETY: sends this thread a signal that it holds back, and that is harmless besides.
        unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGURG) };
        assert_eq!(signals.wait(&quiet, None).unwrap(), Wake { signal: true, ..none });
        assert_eq!((signals.take(), signals.take()), (Some(libc::SIGURG), None));
        quiet.send_to(b"x", quiet.local_addr().unwrap()).unwrap();
        assert_eq!(signals.wait(&quiet, None).unwrap(), Wake { readable: true, ..none });
    }
}
