//! The frame of an nf_tables transaction, and the generation number that guards a
//! read-modify-write. Source: `linux/netfilter/nfnetlink.h`.

use crate::wire::build::{Netfilter, Request};

/// Length of `struct nfgenmsg`.
pub const NFGENMSG: usize = 4;
/// `NFNL_SUBSYS_NFTABLES`, the high byte of every nf_tables message type.
pub const SUBSYS_NFTABLES: u16 = 10;
const NFNL_MSG_BATCH_BEGIN: u16 = 0x10;
const NFNL_MSG_BATCH_END: u16 = 0x11;
const NFNL_BATCH_GENID: u16 = 1;

/// The fixed header: family, version 0, resource id in network byte order.
pub fn nfgenmsg(family: u8, res_id: u16) -> [u8; NFGENMSG] {
    let [high, low] = res_id.to_be_bytes();
    [family, 0, high, low]
}

/// Opens a transaction; with a generation it is refused (`ERESTART`) once the ruleset moved on.
pub fn begin(genid: Option<u32>) -> Request<Netfilter> {
    let mut request = Request::new(NFNL_MSG_BATCH_BEGIN, 0);
    request.raw(&nfgenmsg(0, SUBSYS_NFTABLES));
    if let Some(genid) = genid {
        request.be32(NFNL_BATCH_GENID, genid);
    }
    request
}

/// Closes a transaction.
pub fn end() -> Request<Netfilter> {
    let mut request = Request::new(NFNL_MSG_BATCH_END, 0);
    request.raw(&nfgenmsg(0, SUBSYS_NFTABLES));
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(request: Request<Netfilter>, seq: u32) -> String {
        request.seal(seq, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn frames_as_captured() {
        assert_eq!(hex(begin(None), 1), "140000001000010001000000000000000000000a");
        assert_eq!(hex(end(), 8), "140000001100010008000000000000000000000a");
        assert_eq!(hex(begin(Some(7)), 1), "1c0000001000010001000000000000000000000a0800010000000007");
    }
}
