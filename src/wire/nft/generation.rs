//! The ruleset's generation: a number that every commit changes. Asked before a
//! read-modify-write, it makes the kernel refuse (`ERESTART`) a commit that came late.

use super::message;
use crate::wire::build::{Netfilter, Request};
use crate::wire::reply::Frame;

const NEWGEN: u16 = 0x0a0f;
const GETGEN: u16 = 0x10;
const GEN_ID: u16 = 1;

/// Asks for the generation; one answer, no dump.
pub fn get() -> Request<Netfilter> {
    message(GETGEN, 0, 0)
}

/// Reads the answer.
pub fn decode(frame: &Frame<'_>) -> Option<u32> {
    if frame.kind == NEWGEN { frame.attrs(super::NFGENMSG).find(GEN_ID)?.be32() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;

    #[test]
    fn asked_and_answered_as_captured() {
        let bytes = get().seal(0, 0).unwrap();
        assert_eq!(bytes, [20, 0, 0, 0, 0x10, 0x0a, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mut reply = vec![28, 0, 0, 0, 0x0f, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        reply.extend_from_slice(&[8, 0, 1, 0, 0, 0, 1, 2]);
        assert_eq!(decode(&frames(&reply).next().unwrap()), Some(258));
    }
}
