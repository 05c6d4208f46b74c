//! `masq`: the source address becomes that of the outgoing interface.

use super::{begin, end, pair};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const FLAGS: u16 = 1;
const PROTO_MIN: u16 = 2;
const PROTO_MAX: u16 = 3;
/// `NF_NAT_RANGE_PROTO_SPECIFIED`: without it the kernel takes the ports and does not use them.
const PORTS: u32 = 2;

/// A masquerade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Masq {
    /// `NF_NAT_RANGE_*` bits, without the one that says that there are ports; 0 is left out.
    pub flags: u32,
    /// Registers of the first and last new port (big-endian); `None` keeps the port if it can.
    pub ports: Option<(u32, u32)>,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, masq: Masq) {
    let opened = begin(request, b"masq");
    let flags = masq.flags | if masq.ports.is_some() { PORTS } else { 0 };
    if flags != 0 {
        request.be32(FLAGS, flags);
    }
    if let Some((min, max)) = masq.ports {
        request.be32(PROTO_MIN, min).be32(PROTO_MAX, max);
    }
    end(request, opened);
}

/// Reads the expression.
pub fn decode(fields: &Fields<'_>) -> Masq {
    let [_, flags, min, max, ..] = fields.be32;
    Masq { flags: flags & !PORTS, ports: pair(min, max) }
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn plain_as_captured_and_with_ports() {
        assert_eq!(hex(|r| encode(r, Masq::default())), "14000180090001006d6173710000000004000280");
        // As nft writes `masquerade to :5000-5009`, below the two ports.
        let ports = Masq { flags: 0, ports: Some((1, 2)) };
        assert!(hex(|r| encode(r, ports)).ends_with("080001000000000208000200000000010800030000000002"));
        for masq in [Masq::default(), Masq { flags: 0x10, ports: Some((1, 2)) }] {
            decoded(&bytes(|r| encode(r, masq)), |expr| assert_eq!(expr, Expr::Masq(masq)));
        }
    }
}
