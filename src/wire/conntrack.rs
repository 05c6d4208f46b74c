//! The connections that the kernel tracks: all are forgotten at once.
//! Source: `linux/netfilter/nfnetlink_conntrack.h`.

use netlink_packet_core::NLM_F_ACK;

use super::build::{Netfilter, Request};
use super::nft::batch::nfgenmsg;
use super::query::Query;
use super::reply::Frame;

/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE`.
const DELETE: u16 = 0x0102;

/// Forgets all connections of the namespace: without a tuple, every one is meant. To do it twice is no harm.
pub struct Flush;

impl Query for Flush {
    type Protocol = Netfilter;
    type Item = ();

    fn encode(&self) -> Request<Netfilter> {
        let mut request = Request::new(DELETE, NLM_F_ACK);
        request.raw(&nfgenmsg(0, 0));
        request
    }

    fn decode(&self, _: &Frame<'_>) -> Option<()> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_singled_out() {
        let bytes = Flush.encode().seal(5, 0).unwrap();
        assert_eq!(bytes, [20, 0, 0, 0, 2, 1, 5, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
