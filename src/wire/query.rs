//! A question to the kernel, and how to read its answers: request kind and reply
//! type tied together.

use super::build::{Protocol, Request};
use super::reply::Frame;

/// A question whose kind of answer is known.
pub trait Query {
    /// Protocol it is asked over.
    type Protocol: Protocol;
    /// What one answering message holds.
    type Item;
    /// The request, without `NLM_F_DUMP` and `NLM_F_ACK`.
    fn encode(&self) -> Request<Self::Protocol>;
    /// Reads one answering message; `None` for one that is not asked for.
    fn decode(&self, frame: &Frame<'_>) -> Option<Self::Item>;
}
