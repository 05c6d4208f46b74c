//! `log`: writes about a packet to the kernel's log.

use super::{begin, end};
use crate::wire::attr::{Fields, to_nul};
use crate::wire::build::{Netfilter, Request};

const GROUP: u16 = 1;
const PREFIX: u16 = 2;
const LEVEL: u16 = 5;
const FLAGS: u16 = 6;

/// A line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log<'a> {
    /// Its beginning, up to 127 bytes; may be empty.
    pub prefix: &'a [u8],
    /// Level of syslog, 0 to 7.
    pub level: u32,
    /// `NF_LOG_*`: what is told.
    pub flags: u32,
}

/// Appends the expression.
pub fn encode(request: &mut Request<Netfilter>, log: Log<'_>) {
    let opened = begin(request, b"log");
    if !log.prefix.is_empty() {
        request.string(PREFIX, log.prefix);
    }
    request.be32(LEVEL, log.level);
    if log.flags != 0 {
        request.be32(FLAGS, log.flags);
    }
    end(request, opened);
}

/// Reads the expression; `None` for one that sends packets to a program. The level is 4 where it is not said.
pub fn decode<'a>(fields: &Fields<'a>) -> Option<Log<'a>> {
    let said = !fields.bytes[usize::from(LEVEL)].is_empty();
    let log = Log {
        prefix: to_nul(fields.bytes[usize::from(PREFIX)]),
        level: if said { fields.be32[usize::from(LEVEL)] } else { 4 },
        flags: fields.be32[usize::from(FLAGS)],
    };
    fields.bytes[usize::from(GROUP)].is_empty().then_some(log)
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::super::testing::{bytes, decoded, hex};
    use super::*;

    #[test]
    fn a_prefix_and_a_level_as_nft_sends_them() {
        let log = Log { prefix: b"hi ", level: 7, flags: 0 };
        assert_eq!(hex(|r| encode(r, log)), "20000180080001006c6f67001400028008000200686920000800050000000007");
        for log in [log, Log { prefix: b"", level: 4, flags: 3 }] {
            decoded(&bytes(|r| encode(r, log)), |expr| assert_eq!(expr, Expr::Log(log)));
        }
    }
}
