//! Numbers of the kernel's API that more than one noun uses. Source: `linux/rtnetlink.h`,
//! `linux/if_link.h`, `linux/if_addr.h`, `linux/neighbour.h`.

/// `RTM_NEWLINK`: create or change a link.
pub const RTM_NEWLINK: u16 = 16;
/// `RTM_DELLINK`.
pub const RTM_DELLINK: u16 = 17;
/// `RTM_GETLINK`.
pub const RTM_GETLINK: u16 = 18;
/// `RTM_SETLINK`.
pub const RTM_SETLINK: u16 = 19;
/// `RTM_NEWADDR`.
pub const RTM_NEWADDR: u16 = 20;
/// `RTM_DELADDR`.
pub const RTM_DELADDR: u16 = 21;
/// `RTM_GETADDR`.
pub const RTM_GETADDR: u16 = 22;
/// `RTM_NEWROUTE`.
pub const RTM_NEWROUTE: u16 = 24;
/// `RTM_DELROUTE`.
pub const RTM_DELROUTE: u16 = 25;
/// `RTM_GETROUTE`.
pub const RTM_GETROUTE: u16 = 26;
/// `RTM_NEWNEIGH`.
pub const RTM_NEWNEIGH: u16 = 28;
/// `RTM_DELNEIGH`.
pub const RTM_DELNEIGH: u16 = 29;
/// `RTM_GETNEIGH`.
pub const RTM_GETNEIGH: u16 = 30;
/// `RTM_NEWLINKPROP` (kernel 5.5).
pub const RTM_NEWLINKPROP: u16 = 108;
/// `RTM_DELLINKPROP`.
pub const RTM_DELLINKPROP: u16 = 109;
/// `RTM_NEWVLAN` (kernel 5.6).
pub const RTM_NEWVLAN: u16 = 112;
/// `RTM_GETVLAN` (kernel 5.6).
pub const RTM_GETVLAN: u16 = 114;
/// `RTM_NEWNSID`.
pub const RTM_NEWNSID: u16 = 88;
/// `RTM_DELNSID`.
pub const RTM_DELNSID: u16 = 89;
/// `RTM_GETNSID`.
pub const RTM_GETNSID: u16 = 90;
