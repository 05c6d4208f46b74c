//! VLANs of bridges and their ports in detail: `RTM_GETVLAN` (kernel 5.6). Source: `linux/if_bridge.h`.

use super::attr::{Attr, u16_at};
use super::build::{Request, Route};
use super::reply::Frame;
use super::uapi::RTM_GETVLAN;
use crate::model::ip::Family;
use crate::model::port::{PVID, Port, UNTAGGED, VlanRow};

/// Length of `struct br_vlan_msg`: the family, three bytes of nothing, and the index of the link.
const BR_VLAN_MSG: usize = 8;
const BRIDGE_VLANDB_DUMP_FLAGS: u16 = 1;
const BRIDGE_VLANDB_ENTRY: u16 = 1;
const BRIDGE_VLANDB_ENTRY_INFO: u16 = 1;
const BRIDGE_VLANDB_ENTRY_RANGE: u16 = 2;
const BRIDGE_VLANDB_ENTRY_STATE: u16 = 3;
const BRIDGE_VLANDB_ENTRY_MCAST_ROUTER: u16 = 6;

/// The request for the VLANs of all bridges and ports, those alike in a row as one.
pub(super) fn request() -> Request<Route> {
    let mut request = Request::new(RTM_GETVLAN, 0);
    request.raw(&[Family::Bridge.number(), 0, 0, 0, 0, 0, 0, 0]).u32(BRIDGE_VLANDB_DUMP_FLAGS, 0);
    request
}

/// Reads VLANs of a bridge or port, of whose link only the index is told.
pub(super) fn decode(frame: &Frame<'_>) -> Option<Port> {
    let mut port = Port::default();
    port.link.index = u32::from_ne_bytes(frame.payload.get(4..BR_VLAN_MSG)?.try_into().ok()?);
    let entries = frame.attrs(BR_VLAN_MSG).filter(|attr| attr.kind == BRIDGE_VLANDB_ENTRY);
    port.rows.extend(entries.filter_map(|attr| row(&attr)));
    Some(port)
}

fn row(entry: &Attr<'_>) -> Option<VlanRow> {
    let mut row = VlanRow::default();
    for attr in entry.nested() {
        match attr.kind {
            BRIDGE_VLANDB_ENTRY_INFO => {
                // struct bridge_vlan_info: flags, of which a listing shows two, and the id.
                row.flags = attr.u16()? & (PVID | UNTAGGED);
                let id = u16_at(attr.value, 2)?;
                row.ids = (id, row.ids.1.max(id));
            }
            BRIDGE_VLANDB_ENTRY_RANGE => row.ids.1 = attr.u16()?,
            BRIDGE_VLANDB_ENTRY_STATE => row.state = attr.u8(),
            BRIDGE_VLANDB_ENTRY_MCAST_ROUTER => row.router = attr.u8(),
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
    fn a_listing_in_detail() {
        let bytes = request().seal(7, 0).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "2000000072000100070000000000000007000000000000000800010000000000");
        // From a kernel 6.1.
        let mut bytes = vec![88, 0, 0, 0, 0x70, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(
            b"\x07\0\0\0\x02\0\0\0\x1c\0\x01\x80\x08\0\x01\0\x06\0\x01\0\x05\0\x03\0\x03\0\0\0\x05\0\x06\0\x01\0\0\0",
        );
        bytes.extend(
            b"\x24\0\x01\x80\x08\0\x01\0\0\0\x0a\0\x06\0\x02\0\x0c\0\0\0\x05\0\x03\0\x03\0\0\0\x05\0\x06\0\x01\0\0\0",
        );
        let details = VlanRow { state: Some(3), router: Some(1), ..VlanRow::default() };
        let rows =
            vec![VlanRow { ids: (1, 1), flags: PVID | UNTAGGED, ..details }, VlanRow { ids: (10, 12), ..details }];
        let port = decode(&frames(&bytes).next().unwrap()).unwrap();
        assert_eq!((port.link.index, port.rows), (2, rows));
    }
}
