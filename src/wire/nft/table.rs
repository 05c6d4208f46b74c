//! Tables: made where they are missing, and deleted with all that is in them. A table
//! that is there already stays as it is.

use netlink_packet_core::NLM_F_CREATE;

use super::{NFGENMSG, message, rule};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};
use crate::wire::query::Query;
use crate::wire::reply::Frame;

/// `NFT_MSG_NEWTABLE`.
pub(super) const NEWTABLE: u16 = 0;
/// `NFT_MSG_DELTABLE`.
pub(super) const DELTABLE: u16 = 2;
const GETTABLE: u16 = 1;
/// A `NFT_MSG_NEWTABLE` of the kernel.
const REPLY: u16 = 0x0a00;
const NAME: u16 = 1;
const USERDATA: u16 = 6;

/// Creates a table of a family, unless it exists. The comment is dropped by kernels before 5.10.
pub fn create(family: u8, name: &[u8], comment: Option<&[u8]>) -> Request<Netfilter> {
    let mut request = message(NEWTABLE, NLM_F_CREATE, family);
    request.string(NAME, name);
    if let Some(comment) = comment {
        request.attr(USERDATA, &rule::userdata(comment));
    }
    request
}

/// Deletes a table with its chains and rules; `ENOENT` if it is not there.
pub fn delete(family: u8, name: &[u8]) -> Request<Netfilter> {
    let mut request = message(DELTABLE, 0, family);
    request.string(NAME, name);
    request
}

/// Lists the tables of all families, by name.
#[derive(Debug, Clone, Copy)]
pub struct ListTables;

impl Query for ListTables {
    type Protocol = Netfilter;
    /// The family (`NFPROTO_*`) and the name.
    type Item = (u8, Vec<u8>);

    fn encode(&self) -> Request<Netfilter> {
        message(GETTABLE, 0, 0)
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<(u8, Vec<u8>)> {
        let fields = Fields::new(frame.payload.get(NFGENMSG..)?);
        (frame.kind == REPLY).then(|| Some((*frame.payload.first()?, fields.string(NAME).to_vec())))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;

    fn hex(request: Request<Netfilter>, seq: u32) -> String {
        request.seal(seq, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn as_captured() {
        assert_eq!(
            hex(create(2, b"netstrap", None), 2),
            "24000000000a01040200000000000000020000000d0001006e6574737472617000000000"
        );
        assert_eq!(
            hex(delete(2, b"netstrap"), 3),
            "24000000020a01000300000000000000020000000d0001006e6574737472617000000000"
        );
        assert_eq!(
            hex(create(2, b"netstrap", Some(b"netstrap")), 4),
            "34000000000a01040400000000000000020000000d0001006e65747374726170000000000f00060000096e657473747261700000"
        );
    }
    #[test]
    fn a_listing() {
        assert_eq!(hex(ListTables.encode(), 1), "14000000010a0100010000000000000000000000");
        // The kernel's answer has the message of a table that is made.
        let bytes = create(10, b"netstrap", None).seal(1, 0).unwrap();
        let answer = ListTables.decode(&frames(&bytes).next().unwrap());
        assert_eq!(answer, Some((10, b"netstrap".to_vec())));
        let bytes = delete(10, b"netstrap").seal(1, 0).unwrap();
        assert_eq!(ListTables.decode(&frames(&bytes).next().unwrap()), None);
    }
}
