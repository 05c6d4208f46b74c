//! `limit`: matches as long as packets come no faster than a rate.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const RATE: u16 = 1;
const UNIT: u16 = 2;
const BURST: u16 = 3;
const TYPE: u16 = 4;
const FLAGS: u16 = 5;

/// A rate of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Packets in a unit of time.
    pub rate: u64,
    /// The unit, in seconds.
    pub unit: u64,
    /// Packets that may come at once.
    pub burst: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, limit: Limit) {
    let opened = begin(request, b"limit");
    request.be64(RATE, limit.rate).be64(UNIT, limit.unit).be32(BURST, limit.burst).be32(TYPE, 0).be32(FLAGS, 0);
    end(request, opened);
}

/// Reads the expression; `None` for a rate of bytes, and for one that matches beyond the rate.
pub fn decode(fields: &Fields<'_>) -> Option<Limit> {
    let [_, _, _, burst, kind, flags, ..] = fields.be32;
    let limit = Limit { rate: fields.be64(RATE)?, unit: fields.be64(UNIT)?, burst };
    (kind == 0 && flags & 1 == 0).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn three_an_hour_as_iptables_sends_it() {
        let limit = Limit { rate: 3, unit: 3600, burst: 5 };
        assert_eq!(
            hex(|r| encode(r, limit)),
            "440001800a0001006c696d6974000000340002800c00010000000000000000030c0002000000000000000e1008000300000000050800040000000000\
             0800050000000000"
        );
        decoded(&bytes(|r| encode(r, limit)), |expr| assert_eq!(expr, Expr::Limit(limit)));
    }
}
