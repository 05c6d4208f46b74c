//! The connections that the kernel tracks: all are forgotten at once.
//! Source: `linux/netfilter/nfnetlink_conntrack.h`.

use super::build::{Netfilter, Request};
use super::nft::batch::nfgenmsg;

/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE`.
const DELETE: u16 = 0x0102;

/// Forgets all connections of the namespace: without a tuple, every one is meant.
pub fn flush() -> Request<Netfilter> {
    let mut request = Request::new(DELETE, 0);
    request.raw(&nfgenmsg(0, 0));
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_singled_out() {
        let bytes = flush().seal(5, 0).unwrap();
        assert_eq!(bytes, [20, 0, 0, 0, 2, 1, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
