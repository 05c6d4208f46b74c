//! Tables: made where they are missing. A table that is there already stays as it is.

use netlink_packet_core::NLM_F_CREATE;

use super::message;
use crate::wire::build::{Netfilter, Request};

/// `NFT_MSG_NEWTABLE`.
pub(super) const NEWTABLE: u16 = 0;
const NAME: u16 = 1;

/// Creates a table of a family, unless it exists.
pub fn create(family: u8, name: &[u8]) -> Request<Netfilter> {
    let mut request = message(NEWTABLE, NLM_F_CREATE, family);
    request.string(NAME, name);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_captured() {
        let hex: String = create(2, b"netstrap").seal(2, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "24000000000a01040200000000000000020000000d0001006e6574737472617000000000");
    }
}
