//! Light-weight tunnels: what a route or next hop wraps its packets in. The kind's
//! attributes are kept as the kernel has them; words and listings name them.

use super::link::LinkId;

/// `LWTUNNEL_ENCAP_MPLS`: labels.
pub const ENCAP_MPLS: u16 = 1;
/// `LWTUNNEL_ENCAP_IP`: what a tunnel device takes for its outer IPv4 header.
pub const ENCAP_IP: u16 = 2;
/// `LWTUNNEL_ENCAP_IP6`: the same for IPv6.
pub const ENCAP_IP6: u16 = 4;
/// `LWTUNNEL_ENCAP_SEG6`: a segment routing header (RFC 8754).
pub const ENCAP_SEG6: u16 = 5;
/// `LWTUNNEL_ENCAP_SEG6_LOCAL`: what a segment's end does (RFC 8986).
pub const ENCAP_SEG6_LOCAL: u16 = 7;

/// Kinds by `LWTUNNEL_ENCAP_*` number, from 1 on.
pub const ENCAP_KINDS: &str = "mpls ip ila ip6 seg6 bpf seg6local rpl ioam6 xfrm";
/// Modes of `seg6` by number.
pub const SEG6_MODES: &str = "inline encap l2encap encap.red l2encap.red";
/// Actions of `seg6local` by number, from 1 on.
pub const SEG6_ACTIONS: &str = "End End.X End.T End.DX2 End.DX6 End.DX4 End.DT6 End.DT4 End.B6 End.B6.Encaps End.BM \
    End.S End.AS End.AM End.BPF End.DT46";
/// Flavors of `seg6local` by number, from 1 on.
pub const SEG6_FLAVORS: &str = "psp usp usd";

/// `SEG6_LOCAL_SRH`.
pub const SEG6_LOCAL_SRH: u16 = 2;
/// `SEG6_LOCAL_IIF`.
pub const SEG6_LOCAL_IIF: u16 = 6;
/// `SEG6_LOCAL_OIF`.
pub const SEG6_LOCAL_OIF: u16 = 7;

/// The place of a word in a list.
pub fn position(list: &str, word: &[u8]) -> Option<usize> {
    list.split(' ').position(|name| name.as_bytes() == word)
}

/// A tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encap {
    /// Kind (`LWTUNNEL_ENCAP_*`, `linux/lwtunnel.h`).
    pub kind: u16,
    /// The kind's attributes: type and value, in the kernel's byte order of each.
    pub attrs: Vec<(u16, Vec<u8>)>,
}

impl Encap {
    /// The value of an attribute.
    pub fn get(&self, attr: u16) -> Option<&[u8]> {
        self.attrs.iter().find(|row| row.0 == attr).map(|row| row.1.as_slice())
    }

    /// An attribute of four bytes, as a number.
    pub fn number(&self, attr: u16) -> Option<u32> {
        self.get(attr).and_then(|value| value.get(..4)?.try_into().ok()).map(u32::from_ne_bytes)
    }
}

/// Shows every device index that one next hop names: its device's, and those in what it wraps packets in.
pub fn each_index(device: Option<LinkId>, encap: Option<&Encap>, see: &mut dyn FnMut(u32)) {
    if let Some(id) = device {
        see(id.index.get());
    }
    if let Some(encap) = encap.filter(|encap| encap.kind == ENCAP_SEG6_LOCAL) {
        [SEG6_LOCAL_IIF, SEG6_LOCAL_OIF].iter().filter_map(|attr| encap.number(*attr)).for_each(see);
    }
}
