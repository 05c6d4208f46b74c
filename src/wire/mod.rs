//! Bytes only: model values become netlink messages and replies become model
//! values. No I/O, no look-ups, no policy, and no panics whatever the bytes.

pub mod addr;
pub mod attr;
pub mod build;
pub mod link;
pub mod neigh;
pub mod nft;
pub mod nsid;
pub mod query;
pub mod reply;
pub mod route;
pub mod uapi;

/// Length of the fixed header that follows the netlink header in a message of this type.
pub fn header_len(kind: u16) -> usize {
    match kind {
        16..=19 => link::IFINFOMSG,
        20..=22 => addr::IFADDRMSG,
        24..=26 => route::RTMSG,
        28..=30 => neigh::NDMSG,
        88..=90 => nsid::RTGENMSG,
        kind if kind >= 0x100 => nft::batch::NFGENMSG,
        _ => 0,
    }
}

/// Our name of the attribute that a path of types leads to, in a message of this type.
pub fn attr_name(kind: u16, path: &[u16]) -> Option<&'static str> {
    match kind {
        16..=19 => link::attr_name(path),
        20..=22 => addr::attr_name(path),
        24..=26 => route::attr_name(path),
        28..=30 => neigh::attr_name(path),
        _ => None,
    }
}
