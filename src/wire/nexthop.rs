//! Next hop objects on the wire: `RTM_NEWNEXTHOP`, `RTM_DELNEXTHOP`, `RTM_GETNEXTHOP`
//! and the buckets of resilient groups. Source: `linux/nexthop.h`.

use std::num::NonZeroU32;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::attr::{Attr, u32_at};
use super::build::{NESTED, Request, Route};
use super::encap;
use super::fdb::number;
use super::query::Query;
use super::reply::Frame;
use crate::model::ip::Family;
use crate::model::link::LinkId;
use crate::model::nexthop::{
    Bucket, BucketFilter, BucketQuestion, NextHopFilter, NextHopObject, NextHopQuestion, NextHopVerb, Resilient,
};
use crate::model::route::RouteFlags;

/// `RTM_NEWNEXTHOP`: a next hop object (kernel 5.3).
pub const RTM_NEWNEXTHOP: u16 = 104;
/// `RTM_DELNEXTHOP`.
pub const RTM_DELNEXTHOP: u16 = 105;
const RTM_GETNEXTHOP: u16 = 106;
const RTM_NEWNEXTHOPBUCKET: u16 = 116;
const RTM_GETNEXTHOPBUCKET: u16 = 118;

/// Length of `struct nhmsg`.
pub const NHMSG: usize = 8;

const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_GROUP_TYPE: u16 = 3;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;
const NHA_ENCAP_TYPE: u16 = 7;
const NHA_ENCAP: u16 = 8;
const NHA_GROUPS: u16 = 9;
const NHA_MASTER: u16 = 10;
const NHA_FDB: u16 = 11;
const NHA_RES_GROUP: u16 = 12;
const NHA_RES_BUCKET: u16 = 13;

const RES_GROUP_BUCKETS: u16 = 1;
const RES_GROUP_IDLE_TIMER: u16 = 2;
const RES_GROUP_UNBALANCED_TIMER: u16 = 3;
const RES_GROUP_UNBALANCED_TIME: u16 = 4;
const RES_BUCKET_INDEX: u16 = 1;
const RES_BUCKET_IDLE_TIME: u16 = 2;
const RES_BUCKET_NH_ID: u16 = 3;

/// Our names of the attributes.
pub const NAMES: super::Names = (
    &[NHA_ID, NHA_GROUP, NHA_GROUP_TYPE, NHA_RES_GROUP, NHA_OIF, NHA_GATEWAY, NHA_RES_BUCKET],
    "id,group,group type,group type,device,gateway,bucket",
);

/// The request that makes, changes or deletes a next hop.
pub fn change(verb: NextHopVerb, hop: &NextHopObject) -> Request<Route> {
    let (kind, flags) = match verb {
        NextHopVerb::Add => (RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL),
        NextHopVerb::Replace => (RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE),
        NextHopVerb::Delete => (RTM_DELNEXTHOP, 0),
    };
    let mut request = begin(kind, flags, hop.family, hop.protocol, hop.flags);
    number(&mut request, NHA_ID, hop.id);
    device(&mut request, NHA_OIF, hop.device);
    if let Some(via) = &hop.via {
        request.ip(NHA_GATEWAY, via);
    }
    encap::encode(&mut request, [NHA_ENCAP, NHA_ENCAP_TYPE], hop.encap.as_ref());
    flag(&mut request, NHA_BLACKHOLE, hop.blackhole);
    flag(&mut request, NHA_FDB, hop.fdb);
    if !hop.group.is_empty() {
        let mut members = Vec::new();
        for (id, weight) in &hop.group {
            members.extend_from_slice(&id.to_ne_bytes());
            members.extend_from_slice(&[*weight, 0, 0, 0]);
        }
        request.attr(NHA_GROUP, &members);
    }
    if let Some(resilient) = &hop.resilient {
        let start = request.begin(NHA_RES_GROUP | NESTED);
        if let Some(buckets) = resilient.buckets {
            request.u16(RES_GROUP_BUCKETS, buckets);
        }
        number(&mut request, RES_GROUP_IDLE_TIMER, resilient.idle_timer);
        number(&mut request, RES_GROUP_UNBALANCED_TIMER, resilient.unbalanced_timer);
        request.end(start);
    }
    if let Some(kind) = hop.group_kind {
        request.u16(NHA_GROUP_TYPE, kind);
    }
    request
}

/// `struct nhmsg`.
fn begin(kind: u16, flags: u16, family: Family, protocol: u8, hop_flags: RouteFlags) -> Request<Route> {
    let mut request = Request::new(kind, flags);
    let mut header = [0; NHMSG];
    (header[0], header[2]) = (family.number(), protocol);
    header[4..].copy_from_slice(&hop_flags.bits().to_ne_bytes());
    request.raw(&header);
    request
}

fn flag(request: &mut Request<Route>, attr: u16, set: bool) {
    if set {
        request.flag(attr);
    }
}

fn device(request: &mut Request<Route>, attr: u16, device: Option<LinkId>) {
    if let Some(id) = device {
        request.in_ns(id.ns);
        request.u32(attr, id.index.get());
    }
}

fn question(kind: u16, family: Family) -> Request<Route> {
    begin(kind, 0, family, 0, RouteFlags::empty())
}

fn filter(kind: u16, filter: &NextHopFilter) -> Request<Route> {
    let mut request = question(kind, filter.family);
    device(&mut request, NHA_OIF, filter.device);
    flag(&mut request, NHA_GROUPS, filter.groups);
    device(&mut request, NHA_MASTER, filter.master);
    flag(&mut request, NHA_FDB, filter.fdb);
    number(&mut request, NHA_ID, filter.id);
    if filter.holds.is_some() {
        request.nest(NHA_RES_BUCKET, |r| number(r, RES_BUCKET_NH_ID, filter.holds));
    }
    request
}

impl Query for NextHopFilter {
    type Protocol = Route;
    type Item = NextHopObject;

    fn encode(&self) -> Request<Route> {
        filter(RTM_GETNEXTHOP, self)
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<NextHopObject> {
        if frame.kind == RTM_NEWNEXTHOP { decode(frame, self.ns) } else { None }
    }
}

impl Query for NextHopQuestion {
    type Protocol = Route;
    type Item = NextHopObject;

    fn encode(&self) -> Request<Route> {
        let mut request = question(RTM_GETNEXTHOP, self.family);
        number(&mut request, NHA_ID, Some(self.id));
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<NextHopObject> {
        if frame.kind == RTM_NEWNEXTHOP { decode(frame, self.ns) } else { None }
    }
}

impl Query for BucketFilter {
    type Protocol = Route;
    type Item = Bucket;

    fn encode(&self) -> Request<Route> {
        filter(RTM_GETNEXTHOPBUCKET, &self.0)
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Bucket> {
        if frame.kind == RTM_NEWNEXTHOPBUCKET { decode_bucket(frame) } else { None }
    }
}

impl Query for BucketQuestion {
    type Protocol = Route;
    type Item = Bucket;

    fn encode(&self) -> Request<Route> {
        let mut request = question(RTM_GETNEXTHOPBUCKET, self.family);
        number(&mut request, NHA_ID, Some(self.id));
        request.nest(NHA_RES_BUCKET, |r| {
            r.u16(RES_BUCKET_INDEX, self.index);
        });
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Bucket> {
        if frame.kind == RTM_NEWNEXTHOPBUCKET { decode_bucket(frame) } else { None }
    }
}

/// Reads a next hop message, a reply or a request; `None` without a whole header. Unknown attributes are
/// passed over. `ns` is the namespace of its device.
pub fn decode(frame: &Frame<'_>, ns: u32) -> Option<NextHopObject> {
    let header = frame.payload.get(..NHMSG)?;
    let mut hop = NextHopObject {
        family: Family::from_number(header[0]),
        scope: header[1],
        protocol: header[2],
        flags: RouteFlags::from_bits_retain(u32_at(header, 4)?),
        ..NextHopObject::default()
    };
    for attr in frame.attrs(NHMSG) {
        match attr.kind {
            NHA_ID => hop.id = attr.u32(),
            NHA_GROUP => hop.group = members(attr.value),
            NHA_GROUP_TYPE => hop.group_kind = attr.u16(),
            NHA_BLACKHOLE => hop.blackhole = true,
            NHA_OIF => hop.device = attr.u32().and_then(NonZeroU32::new).map(|index| LinkId { ns, index }),
            NHA_GATEWAY => hop.via = attr.ip(),
            NHA_FDB => hop.fdb = true,
            NHA_ENCAP | NHA_ENCAP_TYPE => encap::decode(&mut hop.encap, attr, attr.kind == NHA_ENCAP_TYPE),
            NHA_RES_GROUP => hop.resilient = Some(resilient(attr)),
            _ => {}
        }
    }
    Some(hop)
}

/// An array of `struct nexthop_grp`: id, weight less one, three bytes reserved.
fn members(bytes: &[u8]) -> Vec<(u32, u8)> {
    bytes.chunks_exact(8).filter_map(|member| Some((u32_at(member, 0)?, member[4]))).collect()
}

fn resilient(attr: Attr<'_>) -> Resilient {
    let mut resilient = Resilient::default();
    for attr in attr.nested() {
        match attr.kind {
            RES_GROUP_BUCKETS => resilient.buckets = attr.u16(),
            RES_GROUP_IDLE_TIMER => resilient.idle_timer = attr.u32(),
            RES_GROUP_UNBALANCED_TIMER => resilient.unbalanced_timer = attr.u32(),
            RES_GROUP_UNBALANCED_TIME => resilient.unbalanced_time = attr.u64(),
            _ => {}
        }
    }
    resilient
}

fn decode_bucket(frame: &Frame<'_>) -> Option<Bucket> {
    let header = frame.payload.get(..NHMSG)?;
    let mut bucket = Bucket { flags: RouteFlags::from_bits_retain(u32_at(header, 4)?), ..Bucket::default() };
    for attr in frame.attrs(NHMSG) {
        match attr.kind {
            NHA_ID => bucket.id = attr.u32(),
            NHA_RES_BUCKET => {
                for attr in attr.nested() {
                    match attr.kind {
                        RES_BUCKET_INDEX => bucket.index = attr.u16(),
                        RES_BUCKET_IDLE_TIME => bucket.idle = attr.u64(),
                        RES_BUCKET_NH_ID => bucket.holds = attr.u32(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::nexthop::GROUP_RESILIENT;
    use crate::wire::reply::frames;

    fn hex(request: Request<Route>) -> String {
        request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    fn id(index: u32) -> Option<LinkId> {
        NonZeroU32::new(index).map(|index| LinkId { ns: 0, index })
    }

    /// `ip nexthop add id 3 via 10.0.0.2 dev v0 onlink proto 5`
    fn gateway() -> NextHopObject {
        NextHopObject {
            id: Some(3),
            family: Family::V4,
            protocol: 5,
            flags: RouteFlags::ONLINK,
            device: id(3),
            via: "10.0.0.2".parse().ok(),
            ..NextHopObject::default()
        }
    }

    /// `ip nexthop replace id 11 group 1/2,5 type resilient buckets 4 idle_timer 7 unbalanced_timer 9`
    fn resilient_group() -> NextHopObject {
        let resilient =
            Resilient { buckets: Some(4), idle_timer: Some(700), unbalanced_timer: Some(900), unbalanced_time: None };
        NextHopObject {
            id: Some(11),
            group: vec![(1, 0), (2, 4)],
            group_kind: Some(GROUP_RESILIENT),
            resilient: Some(resilient),
            ..NextHopObject::default()
        }
    }

    #[test]
    fn changes_as_iproute2_sends_them() {
        assert_eq!(
            hex(change(NextHopVerb::Add, &gateway())),
            concat!(
                "30000000680001060100000000000000", // NEWNEXTHOP REQUEST|CREATE|EXCL
                "0200050004000000",                 // nhmsg: inet, protocol 5, onlink
                "0800010003000000",                 // ID
                "0800050003000000",                 // OIF
                "080006000a000002",                 // GATEWAY
            )
        );
        assert_eq!(
            hex(change(NextHopVerb::Replace, &resilient_group())),
            concat!(
                "58000000680001050100000000000000",
                "0000000000000000",
                "080001000b000000",
                "1400020001000000000000000200000004000000", // GROUP
                "1c000c80",                                 // RES_GROUP
                "0600010004000000",
                "08000200bc020000",
                "0800030084030000",
                "0600030001000000", // GROUP_TYPE
            )
        );
        let hole =
            NextHopObject { id: Some(4), family: Family::V4, blackhole: true, fdb: true, ..NextHopObject::default() };
        let add = "28000000680001060100000000000000".to_owned() + "02000000000000000800010004000000";
        assert_eq!(hex(change(NextHopVerb::Add, &hole)), add + "0400040004000b00");
        let gone = NextHopObject { id: Some(4), ..NextHopObject::default() };
        let delete = "20000000690001000100000000000000".to_owned();
        assert_eq!(hex(change(NextHopVerb::Delete, &gone)), delete + "00000000000000000800010004000000");
    }

    #[test]
    fn questions_as_iproute2_asks_them() {
        let all = NextHopFilter { device: id(3), groups: true, fdb: true, ..NextHopFilter::default() };
        let dump = "280000006a0001000100000000000000".to_owned() + "00000000000000000800050003000000";
        assert_eq!(hex(all.encode()), dump + "0400090004000b00");
        let one = NextHopQuestion { ns: 0, family: Family::Unspec, id: 3 };
        assert_eq!(hex(one.encode()), "200000006a000100010000000000000000000000000000000800010003000000");
        let held = NextHopFilter { id: Some(11), holds: Some(1), ..NextHopFilter::default() };
        let buckets = "2c000000760001000100000000000000".to_owned() + "0000000000000000080001000b000000";
        assert_eq!(hex(BucketFilter(held).encode()), buckets.clone() + "0c000d800800030001000000");
        let bucket = BucketQuestion { family: Family::Unspec, id: 11, index: 1 };
        assert_eq!(hex(bucket.encode()), buckets + "0c000d800600010001000000");
    }

    #[test]
    fn what_is_encoded_decodes() {
        for hop in [gateway(), resilient_group()] {
            let bytes = change(NextHopVerb::Add, &hop).seal(1, 0).unwrap();
            assert_eq!(decode(&frames(&bytes).next().unwrap(), 0), Some(hop));
            for cut in 16..bytes.len() {
                let mut bytes = bytes[..cut].to_vec();
                bytes[..4].copy_from_slice(&u32::try_from(cut).unwrap().to_ne_bytes());
                let hop = frames(&bytes).next().and_then(|frame| decode(&frame, 0));
                assert_eq!(hop.is_some(), cut >= 16 + NHMSG, "{cut}");
            }
        }
        let mut request = Request::<Route>::new(RTM_NEWNEXTHOPBUCKET, 0);
        request.raw(&[0; NHMSG]).u32(NHA_ID, 11).nest(NHA_RES_BUCKET, |r| {
            r.u16(RES_BUCKET_INDEX, 2).attr(RES_BUCKET_IDLE_TIME, &7u64.to_ne_bytes()).u32(RES_BUCKET_NH_ID, 1);
        });
        let bytes = request.seal(1, 0).unwrap();
        let bucket = BucketFilter(NextHopFilter::default()).decode(&frames(&bytes).next().unwrap());
        let expected =
            Bucket { id: Some(11), index: Some(2), idle: Some(7), holds: Some(1), flags: RouteFlags::empty() };
        assert_eq!(bucket, Some(expected));
    }
}
