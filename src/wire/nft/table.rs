//! Tables: made where they are missing, and deleted with all that is in them. A table
//! that is there already stays as it is.

use netlink_packet_core::NLM_F_CREATE;

use super::{message, rule};
use crate::wire::build::{Netfilter, Request};

/// `NFT_MSG_NEWTABLE`.
pub(super) const NEWTABLE: u16 = 0;
/// `NFT_MSG_DELTABLE`.
pub(super) const DELTABLE: u16 = 2;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
