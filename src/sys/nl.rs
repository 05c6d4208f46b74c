//! A netlink socket: opened in the calling thread's namespace, connected to the
//! kernel, close-on-exec. Datagrams in and out, nothing else.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_sys::{Socket, SocketAddr};

use super::check;

/// What [`Transport::recv`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram {
    /// Bytes stored in the buffer.
    pub len: usize,
    /// Real length; more than `len` when the buffer was too small.
    pub full: usize,
    /// Port of the sender; 0 is the kernel.
    pub sender: u32,
}

/// Where datagrams go and come from: the kernel, or a script in tests.
pub trait Transport {
    /// Our port id, as the kernel addresses us.
    fn port(&self) -> u32;
    /// Sends one datagram.
    fn send(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Takes the next datagram without waiting: the kernel queues its answer before `send` returns.
    fn recv(&mut self, buf: &mut [u8]) -> io::Result<Datagram>;
    /// Makes room for one datagram of `send` bytes and for `recv` bytes of answers, as far as allowed.
    fn reserve(&mut self, send: usize, recv: usize);
}

/// A connected netlink socket. Not `Clone`: [`netlink_sys::Socket`] is, and closes its
/// descriptor once per clone.
#[derive(Debug)]
pub struct NlSocket {
    socket: Socket,
    port: u32,
}

impl NlSocket {
    /// Opens a socket of a `NETLINK_*` protocol in the calling thread's network namespace.
    ///
    /// Extended and capped acks (kernel 4.12, 4.3) and strict checking (4.20) are asked for; older
    /// kernels without them are fine.
    pub fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        let port = socket.bind_auto()?.port_number();
        // Connected: the kernel then refuses datagrams of other processes.
        socket.connect(&SocketAddr::new(0, 0))?;
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        if protocol == netlink_sys::protocols::NETLINK_ROUTE {
            let _ = socket.set_netlink_get_strict_chk(true);
        }
        Ok(NlSocket { socket, port })
    }

    /// Joins a multicast group (`RTNLGRP_*`): the kernel's notifications of it arrive here from now on.
    pub fn join(&mut self, group: u32) -> io::Result<()> {
        self.socket.add_membership(group)
    }

    /// Waits until something has arrived. A signal that is handled ends the wait.
    pub fn wait(&self) -> io::Result<()> {
        let mut entry = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the pointer and count describe `entry`, which outlives the call.
        check(unsafe { libc::poll(&raw mut entry, 1, -1) }).map(|_| ())
    }

    fn set_buffer(&self, force: libc::c_int, plain: libc::c_int, bytes: usize) {
        let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        for option in [force, plain] {
            // SAFETY: the pointer and length describe `value`, a c_int, as SO_SNDBUF and its kin take it.
            let ret = unsafe {
                libc::setsockopt(
                    self.socket.as_raw_fd(),
                    libc::SOL_SOCKET,
                    option,
                    (&raw const value).cast(),
                    size_of::<libc::c_int>() as libc::socklen_t,
                )
            };
            if ret == 0 {
                return;
            }
        }
    }
}

impl AsFd for NlSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Transport for NlSocket {
    fn port(&self) -> u32 {
        self.port
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes, 0)
    }

    fn recv(&mut self, buf: &mut [u8]) -> io::Result<Datagram> {
        let mut sender = MaybeUninit::<libc::sockaddr_nl>::zeroed();
        let mut sender_len = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        // SAFETY: `buf` and `sender` outlive the call and are as long as said.
        let full = unsafe {
            libc::recvfrom(
                self.socket.as_raw_fd(),
                buf.as_mut_ptr().cast(),
                buf.len(),
                libc::MSG_TRUNC | libc::MSG_DONTWAIT,
                sender.as_mut_ptr().cast(),
                &raw mut sender_len,
            )
        };
        let full = usize::try_from(full).map_err(|_| io::Error::last_os_error())?;
        // SAFETY: zeroed above, and all-zero is a valid sockaddr_nl; recvfrom only overwrites it.
        let sender = unsafe { sender.assume_init() };
        Ok(Datagram { len: full.min(buf.len()), full, sender: sender.nl_pid })
    }

    fn reserve(&mut self, send: usize, recv: usize) {
        self.set_buffer(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, send);
        self.set_buffer(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, recv);
    }
}

/// Number of an interface by name, by ioctl: works on kernels and in places without rtnetlink dumps.
pub fn if_index(name: &std::ffi::CStr) -> io::Result<u32> {
    // SAFETY: `name` is NUL-terminated and only read.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if index == 0 { check(-1).map(|_| 0) } else { Ok(index) }
}
