//! `counter`: counts the packets and bytes that get this far in a rule.

use super::{begin, end};
use crate::model::nat::Counters;
use crate::wire::attr::Fields;
use crate::wire::build::{Netfilter, Request};

const BYTES: u16 = 1;
const PACKETS: u16 = 2;

/// Appends the expression, starting from these counts.
pub fn encode(request: &mut Request<Netfilter>, counters: Counters) {
    let opened = begin(request, b"counter");
    values(request, counters);
    end(request, opened);
}

/// Appends the counts alone, as a base chain has them.
pub fn values(request: &mut Request<Netfilter>, counters: Counters) {
    request.be64(BYTES, counters.bytes).be64(PACKETS, counters.packets);
}

/// Reads counts, of the expression or of a base chain.
pub fn decode(fields: &Fields<'_>) -> Counters {
    Counters { packets: fields.be64(PACKETS).unwrap_or(0), bytes: fields.be64(BYTES).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn zero_as_captured() {
        assert_eq!(
            hex(|r| encode(r, Counters::default())),
            "2c0001800c000100636f756e746572001c0002800c00010000000000000000000c0002000000000000000000"
        );
        let some = Counters { packets: 3, bytes: 1 << 40 };
        decoded(&bytes(|r| encode(r, some)), |expr| assert_eq!(expr, Expr::Counter(some)));
    }
}
