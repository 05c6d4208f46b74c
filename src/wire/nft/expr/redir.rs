//! `redir`: the destination becomes this host: the incoming interface's address, or
//! loopback for what the host itself sends.

use super::{begin, end, pair};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const PROTO_MIN: u16 = 1;
const PROTO_MAX: u16 = 2;
const FLAGS: u16 = 3;

/// A redirection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Redir {
    /// Registers of the first and last new port (big-endian); `None` keeps the port.
    pub ports: Option<(u32, u32)>,
    /// `NF_NAT_RANGE_*` bits; 0 is left out.
    pub flags: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, redir: Redir) {
    let opened = begin(request, b"redir");
    if let Some((min, max)) = redir.ports {
        request.be32(PROTO_MIN, min);
        if max != min {
            request.be32(PROTO_MAX, max);
        }
    }
    if redir.flags != 0 {
        request.be32(FLAGS, redir.flags);
    }
    end(request, opened);
}

/// Reads the expression.
pub fn decode(fields: &Fields<'_>) -> Redir {
    let [_, min, max, flags, ..] = fields.be32;
    Redir { ports: pair(min, max), flags }
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn to_a_port_as_nft_sends_it_and_with_a_range() {
        let port = Redir { ports: Some((1, 1)), flags: 0 };
        // nft adds the flag 2, which the kernel sets by itself where there are ports.
        assert_eq!(hex(|r| encode(r, port)), "1c0001800a00010072656469720000000c0002800800010000000001");
        let flagged = Redir { flags: 2, ..port };
        assert_eq!(
            hex(|r| encode(r, flagged)),
            "240001800a00010072656469720000001400028008000100000000010800030000000002"
        );
        for redir in [Redir::default(), port, Redir { ports: Some((1, 2)), flags: 4 }] {
            decoded(&bytes(|r| encode(r, redir)), |expr| assert_eq!(expr, Expr::Redir(redir)));
        }
    }
}
