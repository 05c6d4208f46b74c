//! A scripted kernel: what it answers to each request is written down in a test, so
//! that every hazard of the protocol can be had on demand, without privileges.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::io;

use netstrap::error::{Kind, Refusal, Result};
use netstrap::socket::{Query, Socket};
use netstrap::sys::nl::{Datagram, Transport};
use netstrap::wire::build::{Netfilter, Protocol, Request, Route};
use netstrap::wire::reply::Frame;

pub const PORT: u32 = 77;
pub const SEQ: u32 = 1000;
pub const ERROR: u16 = 2;
pub const DONE: u16 = 3;
pub const MULTI: u16 = 2;
pub const INTR: u16 = 0x10;
pub const CAPPED_TLVS: u16 = 0x300;
pub const ITEM: u16 = 16;

/// One thing that the scripted kernel does when it is asked for a datagram.
#[derive(Clone)]
pub enum Step {
    Data(Vec<u8>),
    From(u32, Vec<u8>),
    Fail(i32),
    /// Nothing is queued; the next step comes after the next send.
    Empty,
}

#[derive(Default)]
pub struct Script {
    pub steps: VecDeque<Step>,
    /// How the next sends end: an errno, or 0 for well.
    pub send_errors: VecDeque<i32>,
    pub sent: Vec<Vec<u8>>,
    pub reserved: Option<(usize, usize)>,
}

impl Transport for Script {
    fn port(&self) -> u32 {
        PORT
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(errno) = self.send_errors.pop_front().filter(|errno| *errno != 0) {
            return Err(io::Error::from_raw_os_error(errno));
        }
        self.sent.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn recv(&mut self, buf: &mut [u8]) -> io::Result<Datagram> {
        let (sender, data) = match self.steps.pop_front() {
            None | Some(Step::Empty) => return Err(io::Error::from_raw_os_error(libc::EAGAIN)),
            Some(Step::Fail(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            Some(Step::From(sender, data)) => (sender, data),
            Some(Step::Data(data)) => (0, data),
        };
        let len = data.len().min(buf.len());
        buf[..len].copy_from_slice(&data[..len]);
        Ok(Datagram { len, full: data.len(), sender })
    }

    fn reserve(&mut self, send: usize, recv: usize) {
        self.reserved = Some((send, recv));
    }
}

pub fn socket<P: Protocol>(steps: Vec<Step>) -> Socket<P, Script> {
    Socket::over(Script { steps: steps.into(), ..Script::default() }, SEQ)
}

pub fn frame(kind: u16, flags: u16, seq: u32, port: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + payload.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&seq.to_ne_bytes());
    bytes.extend_from_slice(&port.to_ne_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// An ack or error for the n-th request of the test (from 1).
pub fn ack(nth: u32, errno: i32) -> Vec<u8> {
    let mut payload = (-errno).to_ne_bytes().to_vec();
    payload.extend_from_slice(&[0; 16]);
    frame(ERROR, 0x100, SEQ + nth, PORT, &payload)
}

/// One object of a dump: a byte, padded.
pub fn item(nth: u32, flags: u16, value: u8) -> Vec<u8> {
    frame(ITEM, MULTI | flags, SEQ + nth, PORT, &[value, 0, 0, 0])
}

pub fn done(nth: u32, flags: u16, errno: i32) -> Vec<u8> {
    frame(DONE, MULTI | flags, SEQ + nth, PORT, &(-errno).to_ne_bytes())
}

pub struct Items;

impl Query for Items {
    type Protocol = Route;
    type Item = u8;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(18, 0);
        request.raw(&[0; 16]);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<u8> {
        (frame.kind == ITEM).then(|| frame.payload[0])
    }
}

pub fn request() -> Request<Route> {
    Items.encode()
}

pub fn refused(result: Result<Option<String>>) -> Refusal {
    match result.unwrap_err().kind.clone() {
        Kind::Kernel(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Messages of a transaction: what they ask for is of no matter to the script.
pub fn batch_of(count: usize) -> Vec<Request<Netfilter>> {
    (0..count)
        .map(|_| {
            let mut message = Request::new(0x0a06, 0);
            message.raw(&[2, 0, 0, 0]);
            message
        })
        .collect()
}

/// Flags of the messages in a datagram that was sent.
pub fn flags_sent(datagram: &[u8]) -> Vec<u16> {
    let mut flags = Vec::new();
    let mut rest = datagram;
    while rest.len() >= 16 {
        let len = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
        flags.push(u16::from_ne_bytes(rest[6..8].try_into().unwrap()));
        rest = &rest[len..];
    }
    flags
}
