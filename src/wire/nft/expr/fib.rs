//! `fib`: asks the routing tables about a packet's address.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

/// `NFTA_FIB_F_DADDR`: of the destination.
pub const DESTINATION: u32 = 2;
/// `NFT_FIB_RESULT_ADDRTYPE`: the type of the address (`RTN_*`), 4 bytes in native order.
pub const ADDRTYPE: u32 = 3;
/// `RTN_LOCAL`: an address of this host.
pub const LOCAL: u32 = 2;

const DREG: u16 = 1;
const RESULT: u16 = 2;
const FLAGS: u16 = 3;

/// A look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fib {
    /// Register that the answer goes into.
    pub dreg: u32,
    /// What is asked (`NFT_FIB_RESULT_*`).
    pub result: u32,
    /// Of what (`NFTA_FIB_F_*`).
    pub flags: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, fib: Fib) {
    let opened = begin(request, b"fib");
    request.be32(FLAGS, fib.flags).be32(RESULT, fib.result).be32(DREG, fib.dreg);
    end(request, opened);
}

/// Reads the expression.
pub fn decode(fields: &Fields<'_>) -> Option<Fib> {
    let [_, dreg, result, flags, ..] = fields.be32;
    fields.numbers_to(u32::from(FLAGS)).then_some(Fib { dreg, result, flags })
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn type_of_the_destination_as_nft_sends_it() {
        let fib = Fib { dreg: 1, result: ADDRTYPE, flags: DESTINATION };
        assert_eq!(
            hex(|r| encode(r, fib)),
            "2800018008000100666962001c000280080003000000000208000200000000030800010000000001"
        );
        decoded(&bytes(|r| encode(r, fib)), |expr| assert_eq!(expr, Expr::Fib(fib)));
    }
}
