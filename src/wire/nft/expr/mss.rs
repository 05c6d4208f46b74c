//! What sets TCP's largest segment size: `rt` and `byteorder` load that of the route, `exthdr`
//! writes it into the option. And `notrack`, which has no parts at all.

use super::{begin, end};
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

/// `NFT_RT_TCPMSS`.
const RT_TCPMSS: u32 = 3;
/// `NFT_EXTHDR_OP_TCPOPT`.
const TCP_OPTION: u32 = 1;
/// `TCPOPT_MAXSEG`: the option; its value is 2 bytes at 2.
const MAXSEG: u8 = 2;

/// Appends `rt` and `byteorder`: the register gets what the route allows, in network byte order.
pub fn encode_route(request: &mut Request<Netfilter>, dreg: u32) {
    let opened = begin(request, b"rt");
    request.be32(2, RT_TCPMSS).be32(1, dreg);
    end(request, opened);
    let opened = begin(request, b"byteorder");
    // From host to network order; 2 bytes in numbers of 2 bytes.
    request.be32(1, dreg).be32(2, dreg).be32(3, 1).be32(4, 2).be32(5, 2);
    end(request, opened);
}

/// Appends `exthdr`: writes a register into the option.
pub fn encode(request: &mut Request<Netfilter>, sreg: u32) {
    let opened = begin(request, b"exthdr");
    request.be32(7, sreg).attr(2, &[MAXSEG]).be32(3, 2).be32(4, 2).be32(6, TCP_OPTION);
    end(request, opened);
}

/// Appends `notrack`.
pub fn encode_notrack(request: &mut Request<Netfilter>) {
    let opened = request.begin(super::ELEM | crate::wire::build::NESTED);
    request.string(super::NAME, b"notrack").end(opened);
}

/// Reads `rt`: the register that gets the largest segment size.
pub fn decode_route(fields: &Fields<'_>) -> Option<u32> {
    let [_, dreg, key, ..] = fields.be32;
    (key == RT_TCPMSS).then_some(dreg)
}

/// Reads `byteorder`: the register that is turned in its place, as for a segment size.
pub fn decode_order(fields: &Fields<'_>) -> Option<u32> {
    let [_, sreg, dreg, op, len, size, ..] = fields.be32;
    (sreg == dreg && (op, len, size) == (1, 2, 2)).then_some(sreg)
}

/// Reads `exthdr`: the register that is written into the option.
pub fn decode(fields: &Fields<'_>) -> Option<u32> {
    let [_, _, _, at, len, _, op, sreg, _] = fields.be32;
    let option = fields.bytes[2] == [MAXSEG] && (at, len, op) == (2, 2, TCP_OPTION);
    (option && sreg != 0).then_some(sreg)
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn as_nft_sends_them() {
        let route = "2000018007000100727400001400028008000200000000030800010000000001400001800e000100627974656f7264\
                     65720000002c000280080001000000000108000200000000010800030000000001080004000000000208000500000000\
                     02";
        assert_eq!(hex(|r| encode_route(r, 1)), route);
        decoded(&bytes(|r| encode_route(r, 1)), |expr| assert_eq!(expr, Expr::RouteMss(1)));
        assert_eq!(
            hex(|r| encode(r, 1)),
            "3c0001800b00010065787468647200002c00028008000700000000010500020002000000080003000000000208000400000000\
             020800060000000001"
        );
        decoded(&bytes(|r| encode(r, 1)), |expr| assert_eq!(expr, Expr::SetMss(1)));
        assert_eq!(hex(encode_notrack), "100001800c0001006e6f747261636b00");
        decoded(&bytes(encode_notrack), |expr| assert_eq!(expr, Expr::Notrack));
    }
}
