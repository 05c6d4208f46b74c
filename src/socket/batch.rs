//! Several messages in one send: route requests, each with its own outcome, and
//! nf_tables transactions, which the kernel takes whole or not at all.

use std::io;

use netlink_packet_core::NLM_F_ACK;

use super::{Received, SEND, Socket, accept};
use crate::error::{Error, Kind, Result};
use crate::sys::nl::Transport;
use crate::wire::build::{Netfilter, Request, Route};
use crate::wire::nft::batch::{begin, end};

/// Route messages per send: their acks fit the smallest receive buffer with room to spare
/// (the default one holds 256).
const CHUNK: usize = 64;
/// Receive room per message of a transaction, for the errors of a bad one.
const ROOM: usize = 1024;
/// Largest transaction: a batch must be one send, and this is far above 50,000 rules.
const TRANSACTION_MAX: usize = 64 << 20;

/// A sealed message: its sequence number and its bytes.
type Sealed = (u32, Vec<u8>);

/// Index of the message that an answer belongs to; the numbers rise, and may wrap.
fn position(sent: &[Sealed], seq: u32) -> Option<usize> {
    let first = sent.first()?.0;
    sent.binary_search_by_key(&seq.wrapping_sub(first), |(seq, _)| seq.wrapping_sub(first)).ok()
}

impl<T: Transport> Socket<Route, T> {
    /// Carries out changes in order, each with its own outcome. Not atomic: the kernel goes on
    /// after a failure.
    ///
    /// # Errors
    /// Per message; [`Kind::Lost`] for those whose ack was lost, the failed send's error for those that
    /// were not sent. With the outer error nothing was sent.
    pub fn batch(&mut self, requests: Vec<Request<Route>>) -> Result<Vec<Result<Option<String>>>> {
        let mut sealed = Vec::with_capacity(requests.len());
        for mut request in requests {
            request.add_flags(NLM_F_ACK);
            sealed.push(self.seal(request)?);
        }
        let mut outcomes = Vec::with_capacity(sealed.len());
        for sent in sealed.chunks(CHUNK) {
            let mut datagram = Vec::new();
            for (_, bytes) in sent {
                datagram.extend_from_slice(bytes);
            }
            if let Err(error) = self.send(&datagram) {
                let errno = error.errno().unwrap_or(libc::EIO);
                outcomes.resize_with(sealed.len(), || Err(Error::sys(SEND, &io::Error::from_raw_os_error(errno))));
                break;
            }
            outcomes.extend(self.acks(sent));
        }
        Ok(outcomes)
    }

    fn acks(&mut self, sent: &[Sealed]) -> Vec<Result<Option<String>>> {
        let mut acks: Vec<Option<Result<Option<String>>>> = Vec::new();
        acks.resize_with(sent.len(), || None);
        let mut got = 0;
        while got < sent.len() {
            match self.receive() {
                Ok(Received::Empty) | Err(_) => break,
                Ok(Received::Overrun | Received::Truncated) => {}
                Ok(Received::Datagram(len)) => {
                    for frame in self.to_us(len) {
                        let (Some(index), Some(status)) = (position(sent, frame.seq), frame.status()) else { continue };
                        got += usize::from(acks[index].is_none());
                        acks[index] = Some(accept(status, &sent[index].1));
                    }
                }
            }
        }
        let mut outcomes = Vec::with_capacity(sent.len());
        for ack in acks {
            outcomes.push(ack.unwrap_or_else(|| Err(Error::new(Kind::Lost { sent: sent.len(), got }))));
        }
        outcomes
    }
}

/// Why a transaction did not take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Index of the message at fault; `None` when the batch as a whole was refused
    /// (no privilege, no nf_tables, or `ERESTART`: the ruleset's generation has moved on).
    pub message: Option<usize>,
    /// The reason.
    pub error: Error,
}

impl From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Rejected { message: None, error }
    }
}

impl<T: Transport> Socket<Netfilter, T> {
    /// Commits nf_tables messages as one transaction; with `genid`, only if the ruleset is still
    /// at that generation.
    ///
    /// One ack is asked for, on the last message: acks on all of them overrun the receive buffer
    /// although the batch was committed. Errors come back unasked.
    ///
    /// # Errors
    /// [`Rejected`]: nothing took effect, unless its kind is [`Kind::Lost`] (then it must be read back).
    pub fn transaction(
        &mut self,
        mut messages: Vec<Request<Netfilter>>,
        genid: Option<u32>,
    ) -> std::result::Result<(), Rejected> {
        let Some(last) = messages.last_mut() else { return Ok(()) };
        last.add_flags(NLM_F_ACK);
        let (begin_seq, mut datagram) = self.seal(begin(genid))?;
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            let (seq, bytes) = self.seal(message)?;
            datagram.extend_from_slice(&bytes);
            sent.push((seq, bytes));
        }
        datagram.extend_from_slice(&self.seal(end())?.1);
        if datagram.len() > TRANSACTION_MAX {
            return Err(Error::new(Kind::TooLong("a transaction")).into());
        }
        if datagram.len() > 128 * 1024 {
            self.transport.reserve(datagram.len() + 64, sent.len() * ROOM);
        }
        self.send(&datagram)?;
        self.verdict(begin_seq, &sent)
    }

    /// Drains the queue: success is the last message's ack, no error at all, and nothing lost on the
    /// way: the kernel acks a good last message of a refused batch too.
    fn verdict(&mut self, begin_seq: u32, sent: &[Sealed]) -> std::result::Result<(), Rejected> {
        let (mut acked, mut lost) = (false, false);
        let mut rejected: Option<Rejected> = None;
        loop {
            match self.receive() {
                Ok(Received::Empty) => break,
                Ok(Received::Overrun | Received::Truncated) => lost = true,
                Err(_) => {
                    lost = true;
                    break;
                }
                Ok(Received::Datagram(len)) => {
                    for frame in self.to_us(len) {
                        let message = position(sent, frame.seq);
                        if message.is_none() && frame.seq != begin_seq {
                            continue;
                        }
                        let bytes = message.map_or(&[][..], |index| &sent[index].1);
                        match frame.status().map(|status| accept(status, bytes)) {
                            Some(Ok(_)) => acked |= message == Some(sent.len() - 1),
                            Some(Err(error)) => {
                                rejected.get_or_insert(Rejected { message, error });
                            }
                            None => {}
                        }
                    }
                }
            }
        }
        match rejected {
            Some(rejected) => Err(rejected),
            None if acked && !lost => Ok(()),
            None => Err(Error::new(Kind::Lost { sent: 1, got: 0 }).into()),
        }
    }
}
