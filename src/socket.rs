//! One netlink socket and the rules of talking through it: a request goes in, the
//! kernel's whole and own answer comes out, or an error. No answer is guessed.
//!
//! The kernel handles a request inside `send` and queues the answer before it
//! returns, so answers are drained without waiting and nothing here can hang.
//! A message counts only if the kernel sent it, to our port, with our sequence
//! number; others (a late ack, a stray notification) are skipped.

mod batch;
mod listen;

pub use batch::Rejected;

use std::io;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLMSG_DONE};

use crate::error::{Error, Kind, Refusal, Result};
use crate::sys::nl::{NlSocket, Transport};
use crate::wire::build::{Protocol, Request};
use crate::wire::name_at;
pub use crate::wire::query::Query;
use crate::wire::reply::{Frame, Status, frames};

/// Room for the largest datagram that the kernel fills in a dump (32 KiB seen), and then some.
const BUFFER: usize = 64 * 1024;
/// Times a dump is tried when it was torn or lost.
const DUMP_TRIES: u32 = 12;
/// Overruns one behind another after which there is nothing more to come.
const OVERRUNS: u32 = 1000;
/// Longest wait in one receive or send that signals keep interrupting.
const PATIENCE: Duration = Duration::from_secs(5);

/// What fails when the kernel does not take a request.
const SEND: &str = "send to the kernel";

/// A socket of one protocol in one namespace.
#[derive(Debug)]
pub struct Socket<P, T = NlSocket> {
    transport: T,
    ns: u32,
    seq: u32,
    /// Overruns since the last datagram.
    overruns: u32,
    buf: Vec<u8>,
    protocol: PhantomData<P>,
}

/// What one receive brought.
enum Received {
    /// A datagram of the kernel; its length in the buffer.
    Datagram(usize),
    /// Nothing is queued any more.
    Empty,
    /// Answers were lost (`ENOBUFS`), or came in a datagram that is no row of messages.
    Overrun,
    /// A datagram was longer than the buffer, which has been enlarged.
    Truncated,
}

impl<P: Protocol> Socket<P, NlSocket> {
    /// Opens a socket in the calling thread's namespace.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` where the kernel lacks the protocol (no nfnetlink).
    pub fn open() -> Result<Self> {
        let call =
            if P::NUMBER == netlink_sys::protocols::NETLINK_ROUTE { "rtnetlink socket" } else { "nfnetlink socket" };
        let transport = NlSocket::open(P::NUMBER).map_err(|e| Error::sys(call, &e))?;
        // Different each time, without a system call: the clock is read in user space.
        let nanos = std::time::UNIX_EPOCH.elapsed().map_or(1, |since| since.subsec_nanos());
        let seq = nanos.rotate_left(7) ^ transport.port();
        Ok(Socket::over(transport, seq))
    }
}

impl<P: Protocol, T: Transport> Socket<P, T> {
    /// A socket over any transport; `seq` is the first sequence number less one.
    pub fn over(transport: T, seq: u32) -> Self {
        Socket { transport, ns: 0, seq, overruns: 0, buf: Vec::new(), protocol: PhantomData }
    }

    /// Tags the socket with its namespace, as [`LinkId`](crate::model::link::LinkId) counts them.
    pub fn set_ns(&mut self, ns: u32) {
        self.ns = ns;
    }

    /// Takes the receive buffer out, for another socket: one of many need not keep 64 KiB of its own.
    pub fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buf)
    }

    /// Puts a receive buffer in.
    pub fn give_buffer(&mut self, buffer: Vec<u8>) {
        self.buf = buffer;
    }

    /// The transport, for tests to look at.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Carries out one change and waits for its ack. A warning of the kernel comes back as text.
    ///
    /// # Errors
    /// [`Kind::Kernel`] when refused; [`Kind::Lost`] when the answer was lost, so that
    /// the outcome must be read back.
    pub fn request(&mut self, request: Request<P>) -> Result<Option<String>> {
        self.request_with(request, &mut |_| {})
    }

    /// As [`Socket::request`], and shows what the kernel sends before the ack: with `NLM_F_ECHO` in the
    /// request, the notification of the change.
    ///
    /// # Errors
    /// As [`Socket::request`].
    pub fn request_with(
        &mut self,
        mut request: Request<P>,
        take: &mut dyn FnMut(&Frame<'_>),
    ) -> Result<Option<String>> {
        request.add_flags(NLM_F_ACK);
        let (seq, bytes) = self.seal(request)?;
        self.send(&bytes)?;
        loop {
            match self.receive() {
                // Whatever the reason, the kernel has the request: the outcome is not known.
                Ok(Received::Empty) | Err(_) => return Err(Error::new(Kind::Lost { sent: 1, got: 0 })),
                Ok(Received::Overrun | Received::Truncated) => {}
                Ok(Received::Datagram(len)) => {
                    for frame in self.ours(len, seq) {
                        match frame.status() {
                            Some(status) => return accept(status, &bytes),
                            None => take(&frame),
                        }
                    }
                }
            }
        }
    }

    /// Asks for one object.
    ///
    /// # Errors
    /// [`Kind::Kernel`] with the kernel's errno where there is no such object.
    pub fn get<Q: Query<Protocol = P>>(&mut self, query: &Q) -> Result<Option<Q::Item>> {
        let mut found = None;
        self.get_frames(&|| query.encode(), &mut |frame| {
            if found.is_none() {
                found = query.decode(frame);
            }
        })?;
        Ok(found)
    }

    /// Asks without `NLM_F_DUMP` and shows every message of the first answer. Nothing is changed by
    /// a question, so it is asked again if the answer was lost.
    fn get_frames(&mut self, encode: &dyn Fn() -> Request<P>, take: &mut dyn FnMut(&Frame<'_>)) -> Result<()> {
        for _ in 0..DUMP_TRIES {
            let (seq, bytes) = self.seal(encode())?;
            self.send(&bytes)?;
            loop {
                match self.receive()? {
                    Received::Empty => break,
                    Received::Overrun | Received::Truncated => {}
                    Received::Datagram(len) => {
                        let mut answered = false;
                        for frame in self.ours(len, seq) {
                            answered = true;
                            if let Some(status) = frame.status() {
                                return accept(status, &bytes).map(|_| ());
                            }
                            take(&frame);
                        }
                        if answered {
                            return Ok(());
                        }
                    }
                }
            }
        }
        Err(Error::new(Kind::Lost { sent: 1, got: 0 }))
    }

    /// Lists all objects. The list is whole: a dump that was torn, truncated or lost in part is
    /// done again, with growing pauses.
    ///
    /// # Errors
    /// [`Kind::Interrupted`] if every try was torn; the kernel's refusal (also the one in `NLMSG_DONE`).
    pub fn dump<Q: Query<Protocol = P>>(&mut self, query: &Q) -> Result<Vec<Q::Item>> {
        let mut items = Vec::new();
        self.dump_frames(&|| query.encode(), &mut |frame| match frame {
            Some(frame) => {
                if let Some(item) = query.decode(frame) {
                    items.push(item);
                }
            }
            None => items.clear(),
        })?;
        Ok(items)
    }

    /// As [`Socket::dump`], but the messages as they came, one behind another: for a list that is long and is gone
    /// through once.
    ///
    /// # Errors
    /// As [`Socket::dump`].
    pub fn dump_messages<Q: Query<Protocol = P>>(&mut self, query: &Q) -> Result<Vec<u8>> {
        let mut messages = Vec::new();
        self.dump_frames(&|| query.encode(), &mut |frame| match frame {
            Some(frame) => frame.append_to(&mut messages),
            None => messages.clear(),
        })?;
        Ok(messages)
    }

    /// Shows every message of a whole dump; `None` says that what was shown so far does not count.
    fn dump_frames(&mut self, encode: &dyn Fn() -> Request<P>, take: &mut dyn FnMut(Option<&Frame<'_>>)) -> Result<()> {
        for attempt in 0..DUMP_TRIES {
            let mut request = encode();
            request.add_flags(NLM_F_DUMP);
            if self.try_dump(request, take)? {
                return Ok(());
            }
            take(None);
            std::thread::sleep(Duration::from_micros(50 << attempt));
        }
        Err(Error::new(Kind::Interrupted))
    }

    /// One try; false if it was torn. Reads on to the end even then, because the
    /// kernel refuses a second dump (`EBUSY`) while one is under way.
    fn try_dump(&mut self, request: Request<P>, take: &mut dyn FnMut(Option<&Frame<'_>>)) -> Result<bool> {
        let (seq, bytes) = self.seal(request)?;
        self.send(&bytes)?;
        let mut torn = false;
        loop {
            match self.receive()? {
                Received::Empty => return Ok(false),
                Received::Overrun | Received::Truncated => torn = true,
                Received::Datagram(len) => {
                    for frame in self.ours(len, seq) {
                        torn |= frame.interrupted();
                        match frame.status() {
                            None => take(Some(&frame)),
                            Some(status) => {
                                accept(status, &bytes)?;
                                // An ack (NLMSG_ERROR 0) ends no dump.
                                if frame.kind == NLMSG_DONE {
                                    return Ok(!torn);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn seal(&mut self, request: Request<P>) -> Result<(u32, Vec<u8>)> {
        if request.ns()?.is_some_and(|ns| ns != self.ns) {
            return Err(Error::new(Kind::ForeignLink));
        }
        let seq = self.next_seq();
        // Port 0 in a request: the kernel goes by the socket.
        Ok((seq, request.seal(seq, 0)?))
    }

    /// The next sequence number; never 0, which notifications carry.
    fn next_seq(&mut self) -> u32 {
        self.seq = match self.seq.wrapping_add(1) {
            0 => 1,
            seq => seq,
        };
        self.seq
    }

    /// The messages of the buffered datagram that answer the request `seq`.
    fn ours(&self, len: usize, seq: u32) -> impl Iterator<Item = Frame<'_>> {
        self.to_us(len).filter(move |frame| frame.seq == seq)
    }

    /// The messages of the buffered datagram that are for our port.
    fn to_us(&self, len: usize) -> impl Iterator<Item = Frame<'_>> {
        let port = self.transport.port();
        frames(&self.buf[..len]).filter(move |frame| frame.port == port)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let transport = &mut self.transport;
        patiently(|| transport.send(bytes)).map(|_| ()).map_err(|e| Error::sys(SEND, &e))
    }

    fn receive(&mut self) -> Result<Received> {
        if self.buf.is_empty() {
            self.buf = vec![0; BUFFER];
        }
        loop {
            let (transport, buf) = (&mut self.transport, &mut self.buf);
            match patiently(|| transport.recv(buf)) {
                // Connected sockets hear only the kernel; checked all the same.
                Ok(datagram) if datagram.sender != 0 => {}
                Ok(datagram) if datagram.full > datagram.len => {
                    self.buf = vec![0; datagram.full.next_multiple_of(BUFFER)];
                    return Ok(Received::Truncated);
                }
                Ok(datagram) if !frames(&self.buf[..datagram.len]).is_whole() => return Ok(Received::Overrun),
                Ok(datagram) => {
                    self.overruns = 0;
                    return Ok(Received::Datagram(datagram.len));
                }
                Err(e) => match e.raw_os_error() {
                    Some(libc::EAGAIN) => return Ok(Received::Empty),
                    Some(libc::ENOBUFS) if self.overruns < OVERRUNS => {
                        self.overruns += 1;
                        return Ok(Received::Overrun);
                    }
                    _ => return Err(Error::sys("receive from the kernel", &e)),
                },
            }
        }
    }
}

/// Repeats a call that signals interrupt, for [`PATIENCE`] at most.
fn patiently<R>(mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    let mut since: Option<Instant> = None;
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {
                if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    return Err(e);
                }
            }
            other => return other,
        }
    }
}

/// A status as a result; the attribute at fault gets our name from the bytes that were sent.
fn accept(status: Status, sent: &[u8]) -> Result<Option<String>> {
    match status {
        Status::Ok(warning) => Ok(warning),
        Status::Refused(refusal) => Err(Error::new(Kind::Kernel(name_attr(refusal, sent)))),
    }
}

fn name_attr(mut refusal: Refusal, sent: &[u8]) -> Refusal {
    if let Some(offset) = refusal.offset.and_then(|o| usize::try_from(o).ok()) {
        refusal.attr = name_at(sent, offset);
    }
    refusal
}
