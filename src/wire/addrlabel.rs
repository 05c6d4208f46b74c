//! Labels of prefixes: `RTM_NEWADDRLABEL`, `RTM_DELADDRLABEL`, `RTM_GETADDRLABEL`. Source: `linux/if_addrlabel.h`.

use std::num::NonZeroU32;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::attr::u32_at;
use super::build::{Request, Route};
use super::query::Query;
use super::reply::Frame;
use crate::model::addrlabel::AddrLabel;
use crate::model::ip::Family;
use crate::model::link::LinkId;

/// `RTM_NEWADDRLABEL`.
pub const RTM_NEWADDRLABEL: u16 = 72;
/// `RTM_DELADDRLABEL`.
pub const RTM_DELADDRLABEL: u16 = 73;
const RTM_GETADDRLABEL: u16 = 74;
/// Length of `struct ifaddrlblmsg`.
pub const IFADDRLBLMSG: usize = 12;
const IFAL_ADDRESS: u16 = 1;
const IFAL_LABEL: u16 = 2;

/// The request that adds or deletes a row.
pub fn change(add: bool, row: &AddrLabel) -> Request<Route> {
    let mut request =
        if add { Request::new(RTM_NEWADDRLABEL, NLM_F_CREATE | NLM_F_EXCL) } else { Request::new(RTM_DELADDRLABEL, 0) };
    let mut header = [row.family.number(), 0, row.length, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    if let Some(id) = row.device {
        request.in_ns(id.ns);
        header[4..8].copy_from_slice(&id.index.get().to_ne_bytes());
    }
    request.raw(&header);
    if let Some(label) = row.label {
        request.u32(IFAL_LABEL, label);
    }
    if let Some(address) = &row.address {
        request.ip(IFAL_ADDRESS, address);
    }
    request
}

/// Asks for the whole table of a family.
#[derive(Debug, Clone, Copy)]
pub struct GetAddrLabels(pub Family);

impl Query for GetAddrLabels {
    type Protocol = Route;
    type Item = AddrLabel;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETADDRLABEL, 0);
        request.raw(&[self.0.number(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<AddrLabel> {
        if frame.kind == RTM_NEWADDRLABEL { decode(frame) } else { None }
    }
}

/// Reads a row; `None` without a whole header. Unknown attributes are passed over.
pub fn decode(frame: &Frame<'_>) -> Option<AddrLabel> {
    let header = frame.payload.get(..IFADDRLBLMSG)?;
    let mut row = AddrLabel {
        family: Family::from_number(header[0]),
        length: header[2],
        device: NonZeroU32::new(u32_at(header, 4)?).map(|index| LinkId { ns: 0, index }),
        ..AddrLabel::default()
    };
    for attr in frame.attrs(IFADDRLBLMSG) {
        match attr.kind {
            IFAL_ADDRESS => row.address = attr.ip(),
            IFAL_LABEL => row.label = attr.u32(),
            _ => {}
        }
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;

    #[test]
    fn rows_as_iproute2_sends_them() {
        let row = AddrLabel {
            family: Family::V6,
            address: "2001:db8::".parse().ok(),
            length: 32,
            device: Some(LinkId { ns: 0, index: 3.try_into().unwrap() }),
            label: Some(7),
        };
        let bytes = change(true, &row).seal(1, 0).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let expected = concat!(
            "38000000480001060100000000000000", // NEWADDRLABEL REQUEST|CREATE|EXCL
            "0a0020000300000000000000",         // ifaddrlblmsg: inet6, /32, index 3
            "0800020007000000",                 // LABEL
            "1400010020010db8000000000000000000000000",
        );
        assert_eq!(hex, expected);
        assert_eq!(decode(&frames(&bytes).next().unwrap()), Some(row.clone()));
        assert_eq!(change(false, &row).seal(1, 0).unwrap()[4..8], [73, 0, 1, 0]);
        let dump = GetAddrLabels(Family::V6).encode().seal(1, 0).unwrap();
        assert_eq!(dump, [&[28, 0, 0, 0, 74, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 10][..], &[0; 11]].concat());
    }
}
