//! Neighbours on the wire: `RTM_NEWNEIGH`, `RTM_DELNEIGH`, `RTM_GETNEIGH`.
//! Source: `linux/neighbour.h`.

use std::num::NonZeroU32;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::attr::{u16_at, u32_at};
use super::build::{Request, Route};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH};
use crate::model::ip::{Family, family_of};
use crate::model::link::LinkId;
use crate::model::neigh::{Neigh, NeighFilter, NeighFlags, NeighQuestion, NeighState, NeighVerb};

/// Length of `struct ndmsg`.
pub const NDMSG: usize = 12;

pub(super) const NDA_DST: u16 = 1;
pub(super) const NDA_LLADDR: u16 = 2;
pub(super) const NDA_CACHEINFO: u16 = 3;
const NDA_PROBES: u16 = 4;
pub(super) const NDA_IFINDEX: u16 = 8;
pub(super) const NDA_MASTER: u16 = 9;
pub(super) const NDA_VLAN: u16 = 5;
pub(super) const NDA_VNI: u16 = 7;
pub(super) const NDA_NH_ID: u16 = 13;
const NDA_PROTOCOL: u16 = 12;
const NDA_FLAGS_EXT: u16 = 15;

/// Our names of the attributes.
pub const NAMES: super::Names = (
    &[NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_VNI, NDA_NH_ID, NDA_IFINDEX, NDA_MASTER, NDA_PROTOCOL],
    "address,lladdr,vlan,vni,nhid,device,master,protocol",
);

/// The request that makes, changes or deletes a neighbour or proxy entry.
pub fn change(verb: NeighVerb, neigh: &Neigh) -> Request<Route> {
    let (kind, flags) = match verb {
        NeighVerb::Add => (RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL),
        NeighVerb::Change => (RTM_NEWNEIGH, NLM_F_REPLACE),
        NeighVerb::Replace => (RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE),
        NeighVerb::Delete => (RTM_DELNEIGH, 0),
    };
    let mut request = Request::new(kind, flags);
    header(&mut request, neigh.family, neigh.device, neigh.state, neigh.flags);
    if let Some(dst) = &neigh.dst {
        request.ip(NDA_DST, dst);
    }
    if let Some(lladdr) = &neigh.lladdr {
        request.attr(NDA_LLADDR, lladdr);
    }
    if neigh.protocol != 0 {
        request.u8(NDA_PROTOCOL, neigh.protocol);
    }
    if neigh.ext_flags != 0 {
        request.u32(NDA_FLAGS_EXT, neigh.ext_flags);
    }
    request
}

pub(super) fn header(
    request: &mut Request<Route>,
    family: Family,
    device: Option<LinkId>,
    state: NeighState,
    flags: NeighFlags,
) {
    let mut bytes = [0; NDMSG];
    bytes[0] = family.number();
    if let Some(id) = device {
        request.in_ns(id.ns);
        bytes[4..8].copy_from_slice(&id.index.get().to_ne_bytes());
    }
    bytes[8..10].copy_from_slice(&state.bits().to_ne_bytes());
    bytes[10] = flags.bits();
    request.raw(&bytes);
}

impl Query for NeighFilter {
    type Protocol = Route;
    type Item = Neigh;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETNEIGH, 0);
        let flags = if self.proxies { NeighFlags::PROXY } else { NeighFlags::empty() };
        // A strict kernel refuses a device in the header of a dump.
        header(&mut request, self.family, None, NeighState::empty(), flags);
        for (attr, device) in [(NDA_IFINDEX, self.device), (NDA_MASTER, self.master)] {
            if let Some(id) = device {
                request.in_ns(id.ns);
                request.u32(attr, id.index.get());
            }
        }
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Neigh> {
        if frame.kind == RTM_NEWNEIGH { decode(frame, self.ns) } else { None }
    }
}

impl Query for NeighQuestion {
    type Protocol = Route;
    type Item = Neigh;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETNEIGH, 0);
        let flags = if self.proxy { NeighFlags::PROXY } else { NeighFlags::empty() };
        header(&mut request, family_of(&self.dst), Some(self.device), NeighState::empty(), flags);
        request.ip(NDA_DST, &self.dst);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Neigh> {
        if frame.kind == RTM_NEWNEIGH { decode(frame, self.device.ns) } else { None }
    }
}

/// Reads a neighbour message, a reply or a request; `None` without a whole header. Unknown attributes are
/// passed over. `ns` is the namespace of its device.
pub fn decode(frame: &Frame<'_>, ns: u32) -> Option<Neigh> {
    let header = frame.payload.get(..NDMSG)?;
    let mut neigh = Neigh {
        family: Family::from_number(header[0]),
        device: NonZeroU32::new(u32_at(header, 4)?).map(|index| LinkId { ns, index }),
        state: NeighState::from_bits_retain(u16_at(header, 8)?),
        flags: NeighFlags::from_bits_retain(header[10]),
        ..Neigh::default()
    };
    for attr in frame.attrs(NDMSG) {
        match attr.kind {
            NDA_DST => neigh.dst = attr.ip(),
            NDA_LLADDR => neigh.lladdr = Some(attr.value.to_vec()),
            // struct nda_cacheinfo: confirmed, used, updated, refcnt.
            NDA_CACHEINFO => {
                let number = |at| u32_at(attr.value, at).unwrap_or_default();
                neigh.references = number(12);
                neigh.times = Some([number(4), number(0), number(8)]);
            }
            NDA_PROBES => neigh.probes = attr.u32(),
            NDA_PROTOCOL => neigh.protocol = attr.u8().unwrap_or_default(),
            NDA_FLAGS_EXT => neigh.ext_flags = attr.u32().unwrap_or_default(),
            _ => {}
        }
    }
    Some(neigh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::neigh::EXT_MANAGED;
    use crate::wire::reply::frames;

    fn hex(request: Request<Route>) -> String {
        request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    fn id(index: u32) -> Option<LinkId> {
        NonZeroU32::new(index).map(|index| LinkId { ns: 0, index })
    }

    fn neigh() -> Neigh {
        Neigh {
            family: Family::V4,
            device: id(3),
            dst: "192.168.15.2".parse().ok(),
            lladdr: Some(vec![2, 0, 0, 0, 0, 1]),
            state: NeighState::PERMANENT,
            ..Neigh::default()
        }
    }

    #[test]
    fn changes_as_iproute2_sends_them() {
        assert_eq!(
            hex(change(NeighVerb::Add, &neigh())),
            concat!(
                "300000001c0001060100000000000000", // NEWNEIGH REQUEST|CREATE|EXCL
                "020000000300000080000000",         // ndmsg: index 3, permanent
                "08000100c0a80f02",                 // DST
                "0a0002000200000000010000",         // LLADDR
            )
        );
        let bare = Neigh { lladdr: None, ..neigh() };
        let delete = "240000001d0001000100000000000000".to_owned() + "020000000300000080000000" + "08000100c0a80f02";
        assert_eq!(hex(change(NeighVerb::Delete, &bare)), delete);
        let managed = Neigh { state: NeighState::empty(), ext_flags: EXT_MANAGED, ..bare };
        assert!(
            hex(change(NeighVerb::Add, &managed)).ends_with("02000000030000000000000008000100c0a80f0208000f0001000000")
        );
        assert_eq!(hex(change(NeighVerb::Change, &managed))[12..16], *"0101");
        assert_eq!(hex(change(NeighVerb::Replace, &managed))[12..16], *"0105");
    }

    #[test]
    fn questions_as_iproute2_asks_them() {
        let on_device = NeighFilter { device: id(3), ..NeighFilter::default() };
        let dump = "240000001e0001000100000000000000".to_owned() + "000000000000000000000000" + "0800080003000000";
        assert_eq!(hex(on_device.encode()), dump);
        let proxies = NeighFilter { proxies: true, ..NeighFilter::default() };
        assert_eq!(hex(proxies.encode()), "1c0000001e0001000100000000000000000000000000000000000800");
        let one = NeighQuestion { device: id(3).unwrap(), dst: "192.168.15.2".parse().unwrap(), proxy: false };
        let get = "240000001e0001000100000000000000".to_owned() + "020000000300000000000000" + "08000100c0a80f02";
        assert_eq!(hex(one.encode()), get);
    }

    #[test]
    fn what_is_encoded_decodes() {
        let proxy =
            Neigh { dst: "fe80::1".parse().ok(), family: Family::V6, flags: NeighFlags::PROXY, ..Neigh::default() };
        let odd = Neigh {
            protocol: 11,
            ext_flags: EXT_MANAGED,
            state: NeighState::from_bits_retain(0x8002),
            flags: NeighFlags::from_bits_retain(0x84),
            ..neigh()
        };
        for neigh in [neigh(), proxy, odd] {
            let bytes = change(NeighVerb::Add, &neigh).seal(1, 0).unwrap();
            assert_eq!(decode(&frames(&bytes).next().unwrap(), 0), Some(neigh));
        }
    }

    #[test]
    fn a_header_cut_short_is_no_neighbour() {
        let bytes = change(NeighVerb::Add, &neigh()).seal(1, 0).unwrap();
        for cut in 16..bytes.len() {
            let mut bytes = bytes[..cut].to_vec();
            bytes[..4].copy_from_slice(&u32::try_from(cut).unwrap().to_ne_bytes());
            let neigh = frames(&bytes).next().and_then(|frame| decode(&frame, 0));
            assert_eq!(neigh.is_some(), cut >= 16 + NDMSG, "{cut}");
        }
    }
}
