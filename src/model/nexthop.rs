//! Next hop objects (kernel 5.3): where routes lead that name one by its id, and
//! the groups of them.

use std::net::IpAddr;

use super::encap::{Encap, each_index};
use super::ip::Family;
use super::link::LinkId;
use super::route::RouteFlags;

/// `NEXTHOP_GRP_TYPE_RES`: a group that keeps flows where they are (kernel 5.13).
pub const GROUP_RESILIENT: u16 = 1;

/// Properties of a resilient group; times in hundredths of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resilient {
    /// Number of buckets.
    pub buckets: Option<u16>,
    /// How long a bucket must be idle before it may move.
    pub idle_timer: Option<u32>,
    /// How long the group may be unbalanced before buckets in use move.
    pub unbalanced_timer: Option<u32>,
    /// How long it has been unbalanced.
    pub unbalanced_time: Option<u64>,
}

/// A next hop or a group, asked for or seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NextHopObject {
    /// Its number; the kernel chooses one where none is given.
    pub id: Option<u32>,
    /// Family; none for a group.
    pub family: Family,
    /// Who made it (`RTPROT_*`).
    pub protocol: u8,
    /// How far it is (`RT_SCOPE_*`), set by the kernel.
    pub scope: u8,
    /// The `RTNH_F_*` flags.
    pub flags: RouteFlags,
    /// The device.
    pub device: Option<LinkId>,
    /// The gateway.
    pub via: Option<IpAddr>,
    /// Drops what comes.
    pub blackhole: bool,
    /// For entries of a forwarding database.
    pub fdb: bool,
    /// Members of a group: id, and weight less one.
    pub group: Vec<(u32, u8)>,
    /// What kind of group (`NEXTHOP_GRP_TYPE_*`).
    pub group_kind: Option<u16>,
    /// Properties of a resilient group.
    pub resilient: Option<Resilient>,
    /// What it wraps packets in.
    pub encap: Option<Encap>,
}

impl NextHopObject {
    /// Shows every device index that it names.
    pub fn each_index(&self, see: &mut dyn FnMut(u32)) {
        each_index(self.device, self.encap.as_ref(), see);
    }
}

/// Changes to next hop objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextHopVerb {
    /// Fails with `EEXIST` where the id is there.
    Add,
    /// Changes it or makes it.
    Replace,
    /// Takes it away, with all routes that use it.
    Delete,
}

/// Which next hops or buckets to list; the kernel filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NextHopFilter {
    /// The namespace that is asked, for the devices in the answers.
    pub ns: u32,
    /// Family, or all.
    pub family: Family,
    /// The device.
    pub device: Option<LinkId>,
    /// Master of the device.
    pub master: Option<LinkId>,
    /// Groups only.
    pub groups: bool,
    /// Those for forwarding databases only.
    pub fdb: bool,
    /// Buckets: those of this group.
    pub id: Option<u32>,
    /// Buckets: those that hold this next hop.
    pub holds: Option<u32>,
}

/// Asks for one next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextHopQuestion {
    /// The namespace that is asked, for the device in the answer.
    pub ns: u32,
    /// Family, or all.
    pub family: Family,
    /// Its number.
    pub id: u32,
}

/// Lists buckets of resilient groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketFilter(pub NextHopFilter);

/// Asks for one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketQuestion {
    /// Family, or all.
    pub family: Family,
    /// The group.
    pub id: u32,
    /// Number of the bucket in it.
    pub index: u16,
}

/// A bucket of a resilient group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// The group.
    pub id: Option<u32>,
    /// Number of the bucket.
    pub index: Option<u16>,
    /// How long it has been idle, hundredths of a second.
    pub idle: Option<u64>,
    /// The next hop that it holds.
    pub holds: Option<u32>,
    /// The `RTNH_F_*` flags.
    pub flags: RouteFlags,
}
