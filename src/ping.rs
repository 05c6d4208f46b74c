//! The echo loop: sends requests and takes replies and errors until enough have come,
//! the time is up or a signal says so. In goes a [`Target`], out come [`Event`]s as they
//! happen and a [`Tally`]. Prints nothing. What ends it, and when, is as in iputils.

mod echo;
mod event;
mod open;
mod options;
mod tally;

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

pub use echo::TIMES;
use echo::{HEADER, Message, Sent};
pub use event::{Event, Reply};
pub use open::{Sockets, Target, needs_scope};
pub use options::{Fragments, Options};
pub use tally::{Tally, Times, float};

use crate::error::Error;
use crate::sys::signal::{Signals, Wake};

/// Requests longer than this cannot be sent anyway; the kernel says so.
const LONGEST: usize = 0x2_0000;
/// Room for an IPv4 header with options.
const IP_HEADER: usize = 60;
/// Pause after a request that found no room, and between unanswered ones of interval 0, in microseconds.
const PAUSE: u64 = 10_000;
/// The longest pause after the kernel ran out of memory.
const LONG_PAUSE: u64 = 500_000;
/// Packets taken in a row, before signals and the clock are looked at again.
const ROUND: u32 = 256;

/// Result with a failure one pointer wide: every step can fail, and none is to pay for the size of an error.
pub type Result<T> = std::result::Result<T, Box<Error>>;

/// Receives events, with the count so far.
pub type Notify<'a> = &'a mut dyn FnMut(&Event<'_>, &Tally);

/// The clocks: microseconds since the start, and since 1970.
struct Clock(Instant);

/// What came of sending a request.
enum Attempt {
    /// It was sent, or counts as if it were.
    Done,
    /// Not now: again after this many microseconds.
    Later(u64),
}

/// What the error queue had.
#[derive(PartialEq, Eq)]
enum Entry {
    Nothing,
    Foreign,
    Local,
    Remote,
}

struct Loop<'a> {
    target: &'a Target<'a>,
    options: &'a Options,
    notify: Notify<'a>,
    tally: Tally,
    clock: Clock,
    request: Vec<u8>,
    buf: Vec<u8>,
    /// When the next request may go.
    due: u64,
    /// When to stop waiting for answers, once all requests are sent.
    end: Option<u64>,
    /// Requests in a row for which the kernel had no memory.
    starved: u64,
}

/// Pings until an end is reached, and returns the statistics.
///
/// # Errors
/// Waiting failed.
pub fn run(target: &Target<'_>, options: &Options, signals: &Signals, notify: Notify<'_>) -> Result<Tally> {
    let size = options.size.min(LONGEST);
    let mut state = Loop {
        target,
        options,
        notify,
        tally: Tally::new(options.size >= TIMES),
        clock: Clock(Instant::now()),
        request: echo::template(target.is_v6(), target.ident, size),
        buf: vec![0; size + HEADER + IP_HEADER],
        due: 0,
        end: None,
        starved: 0,
    };
    state.go_on(signals).map_err(|e| failed("poll", &e))?;
    Ok(state.tally)
}

/// A failed system call, put together out of line.
#[inline(never)]
fn failed(call: &str, error: &io::Error) -> Box<Error> {
    Box::new(Error::sys(call, error))
}

impl Clock {
    fn now(&self) -> u64 {
        micros(self.0.elapsed())
    }

    fn wall() -> u64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, micros)
    }
}

fn micros(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000).saturating_add(time.subsec_micros().into())
}

impl Loop<'_> {
    fn go_on(&mut self, signals: &Signals) -> io::Result<()> {
        while !self.is_over() {
            let until = self.advance();
            // An error of this host may have been the last answer.
            if self.is_over() {
                break;
            }
            let now = self.clock.now();
            let time = until.map(|until| Duration::from_micros(until.saturating_sub(now)));
            let wake = signals.wait(self.target.socket, time)?;
            if wake.readable || wake.error {
                self.drain(wake);
            }
            while wake.signal
                && let Some(signal) = signals.take()
            {
                if signal != libc::SIGQUIT {
                    return Ok(());
                }
                (self.notify)(&Event::Status, &self.tally);
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let (options, tally, now) = (self.options, &self.tally, self.clock.now());
        options.count > 0 && tally.received + tally.errors >= options.count
            || options.deadline > 0 && (tally.errors > 0 || now >= self.deadline())
            || self.end.is_some_and(|end| now >= end)
    }

    fn deadline(&self) -> u64 {
        u64::from(self.options.deadline) * 1_000_000
    }

    /// Sends a request if one is due; until when to wait then.
    fn advance(&mut self) -> Option<u64> {
        let options = self.options;
        let all_sent = |tally: &Tally| options.count > 0 && tally.transmitted >= options.count;
        // With a deadline, requests go on until enough of them are answered.
        if options.deadline > 0 || !all_sent(&self.tally) {
            let now = self.clock.now();
            let at_once = options.interval == 0 && self.starved == 0 && self.tally.in_flight() == 0;
            if now >= self.due || at_once {
                self.tally.elapsed = now;
                self.due = now + self.send();
            }
        }
        if options.deadline > 0 {
            return Some(self.due.min(self.deadline()));
        }
        if !all_sent(&self.tally) {
            return Some(self.due);
        }
        if self.end.is_none() {
            let wait = match self.tally.received {
                0 => u64::from(options.linger) * 1000,
                _ => self.tally.times.max.saturating_mul(2).max(u64::from(options.interval) * 1000),
            };
            self.end = (wait > 0).then(|| self.clock.now().saturating_add(wait));
        }
        self.end
    }

    /// Sends a request; microseconds until the next one.
    fn send(&mut self) -> u64 {
        let before = self.tally.transmitted;
        if before > 0 && !self.tally.was_answered(self.tally.next_seq().wrapping_sub(1)) {
            (self.notify)(&Event::Outstanding(before), &self.tally);
        }
        match self.attempt() {
            Attempt::Later(pause) => pause,
            Attempt::Done => {
                self.tally.sent();
                match self.options.interval {
                    0 => PAUSE,
                    interval => u64::from(interval) * 1000,
                }
            }
        }
    }

    fn attempt(&mut self) -> Attempt {
        let seq = self.tally.next_seq();
        self.tally.prepare(seq);
        for _ in 0..ROUND {
            // The steady clock first: the time by the wall clock is then never the longer one, unless that was set.
            let sent = Sent { steady: self.clock.now(), wall: Clock::wall() };
            echo::stamp(&mut self.request, self.target.is_v6(), seq, sent);
            let Err(e) = self.target.socket.send_to(&self.request, &self.target.dest) else {
                self.starved = 0;
                return Attempt::Done;
            };
            match e.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) => return Attempt::Later(PAUSE),
                Some(errno @ (libc::ENOBUFS | libc::ENOMEM)) => return self.starve(errno),
                errno => match self.read_error() {
                    // An error about an earlier request, which the kernel reports first.
                    Entry::Foreign => {}
                    Entry::Remote => return Attempt::Later(PAUSE),
                    Entry::Local => return Attempt::Done,
                    Entry::Nothing => return self.not_sent(errno.unwrap_or(libc::EIO), false),
                },
            }
        }
        Attempt::Later(PAUSE)
    }

    /// The kernel has no memory: tries again, but not for ever.
    fn starve(&mut self, errno: i32) -> Attempt {
        let pause = (u64::from(self.options.interval) * 500).clamp(PAUSE, LONG_PAUSE);
        self.starved += 1;
        if self.starved * pause < u64::from(self.options.linger) * 1000 {
            return Attempt::Later(pause);
        }
        self.not_sent(errno, true)
    }

    fn not_sent(&mut self, errno: i32, told: bool) -> Attempt {
        (self.notify)(&Event::NotSent { errno, told }, &self.tally);
        Attempt::Done
    }

    /// Takes what has arrived, until nothing is under way any more.
    fn drain(&mut self, wake: Wake) {
        let mut queued = wake.error;
        for _ in 0..ROUND {
            match self.target.socket.recv(&mut self.buf, false) {
                Ok(received) => self.take(&received),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => return,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock && !queued => return,
                Err(_) => {
                    queued = false;
                    if self.read_error() == Entry::Nothing {
                        return;
                    }
                }
            }
            if self.tally.in_flight() == 0 {
                return;
            }
        }
    }

    fn take(&mut self, received: &crate::sys::icmp::Received) {
        let (target, v6) = (self.target, self.target.is_v6());
        let Some(from) = received.from else { return };
        let packet = self.buf.get(..received.len).unwrap_or_default();
        let has_ip_header = !v6 && target.socket.is_raw();
        let Some(message) = (if has_ip_header { echo::after_ip_header(packet) } else { Some(packet) }) else { return };
        match echo::parse(message, v6) {
            Some(Message::Reply { ident, seq, corrupt }) if target.is_ours(ident) && self.tally.is_known(seq) => {
                let time = self.tally.times.timed.then(|| self.clock.round_trip(message, received.stamp)).flatten();
                let repeated = if corrupt {
                    self.tally.corrupt += 1;
                    false
                } else {
                    self.tally.answer(seq, time)
                };
                // From a group, several answers are no news.
                let repeated = repeated && !target.many;
                let stranger = !target.anycast && from.ip() != target.dest.ip();
                let (ttl, request) = (received.ttl, &self.request[..]);
                let reply = Reply { from, seq, ttl, time, repeated, corrupt, stranger, message, request };
                (self.notify)(&Event::Reply(reply), &self.tally);
            }
            Some(Message::Advice { kind, code, gateway, dest, ident, seq })
                if target.is_ours(ident) && IpAddr::V4(dest) == target.dest.ip() =>
            {
                (self.notify)(&Event::Advice { from, seq, kind, code, gateway }, &self.tally);
            }
            _ => {}
        }
    }

    /// Takes an entry of the error queue.
    fn read_error(&mut self) -> Entry {
        let mut quoted = [0; HEADER];
        let Ok(received) = self.target.socket.recv(&mut quoted, true) else { return Entry::Nothing };
        let Some(error) = received.error else { return Entry::Foreign };
        let (target, v6) = (self.target, self.target.is_v6());
        if error.local {
            if !self.options.quiet {
                self.tally.errors += 1;
                (self.notify)(&Event::Local { errno: error.errno, mtu: error.info, v6 }, &self.tally);
            }
            return Entry::Local;
        }
        let quoted = quoted.get(..received.len).unwrap_or_default();
        let ours = echo::request(quoted, v6).filter(|(ident, _)| {
            target.is_ours(*ident) && received.from.is_some_and(|from| from.ip() == target.dest.ip())
        });
        let (Some((_, seq)), Some(from)) = (ours, error.offender) else { return Entry::Foreign };
        // iputils does so for IPv4 only, which shows in the width of the pipe.
        if !v6 {
            self.tally.acknowledge(seq);
        }
        self.tally.errors += 1;
        (self.notify)(&Event::Refused { from, seq, error }, &self.tally);
        Entry::Remote
    }
}

impl Clock {
    /// Round-trip time of a reply, by the kernel's time of arrival, or by now if the wall clock
    /// was set meanwhile. A time of sending that cannot be is taken for the loop's start.
    fn round_trip(&self, message: &[u8], stamp: Option<u64>) -> Option<u64> {
        let sent = echo::times(message)?;
        let now = self.now();
        let steady = now.checked_sub(sent.steady).unwrap_or(now);
        let wall = stamp.and_then(|stamp| stamp.checked_sub(sent.wall));
        Some(wall.filter(|&wall| wall <= steady).unwrap_or(steady))
    }
}
