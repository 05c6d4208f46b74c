//! The structures of xtables extensions that rules in iptables' own tables carry, and
//! the question whether a kernel has an extension. Source: `linux/netfilter/xt_*.h`,
//! `linux/netfilter_ipv4/`, `nf_nat.h`, `nf_tables_compat.h`.

use super::batch::nfgenmsg;
use crate::model::nat::{Ext, Nat, NatFlags, NatKind};
use crate::wire::attr::{Attr, octets, u16_at, u32_at};
use crate::wire::build::{Netfilter, Request};

/// `NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET`.
const COMPAT_GET: u16 = 0x0b00;
const NAME: u16 = 1;
const REV: u16 = 2;
const TYPE: u16 = 3;

/// `NF_NAT_RANGE_MAP_IPS`.
const MAP_IPS: u32 = 1;
/// `NF_NAT_RANGE_PROTO_SPECIFIED`.
const PROTO_SPECIFIED: u32 = 2;
/// Size of `struct nf_nat_ipv4_multi_range_compat`, padded to 8.
const RANGE_V4: usize = 24;
/// Size of `struct nf_nat_range`.
const RANGE: usize = 40;
/// Size of `struct nf_nat_range2`, padded to 8.
const RANGE2: usize = 48;
/// Size of `struct xt_comment_info`.
pub const COMMENT: usize = 256;

/// Asks whether the kernel has an xtables extension for a family in a revision (and nft_compat at all);
/// `ENOENT`, `EINVAL` or `EPROTONOSUPPORT` is a no.
pub fn probe(family: u8, name: &str, rev: u32, is_target: bool) -> Request<Netfilter> {
    let mut request = Request::new(COMPAT_GET, 0);
    request.raw(&nfgenmsg(family, 0));
    request.string(NAME, name.as_bytes()).be32(REV, rev).be32(TYPE, u32::from(is_target));
    request
}

/// The target of a translation, in the revision that iptables writes: SNAT 1 for IPv6, DNAT 2, else 0.
pub fn target(nat: &Nat, v6: bool) -> Ext {
    let rev = match nat.kind {
        NatKind::Dnat => 2,
        NatKind::Snat => u32::from(v6),
        _ => 0,
    };
    let mut info = match (rev, v6) {
        (2, _) => vec![0; RANGE2],
        (_, true) => vec![0; RANGE],
        _ => vec![0; RANGE_V4],
    };
    let (flags_at, min_at, max_at, ports_at) = places(&info);
    let mut flags = nat.flags.bits();
    if info.len() == RANGE_V4 {
        put(&mut info, 0, &1u32.to_ne_bytes()); // one range
    }
    if let Some((min, max)) = nat.addrs {
        flags |= MAP_IPS;
        put(&mut info, min_at, &octets(&min));
        put(&mut info, max_at, &octets(&max));
    }
    if let Some((min, max)) = nat.ports {
        flags |= PROTO_SPECIFIED;
        put(&mut info, ports_at, &min.to_be_bytes());
        put(&mut info, ports_at + 2, &max.to_be_bytes());
    }
    put(&mut info, flags_at, &flags.to_ne_bytes());
    Ext { name: nat.kind.name().as_bytes().to_vec(), rev, info }
}

/// Where a NAT structure has its flags, first and last address, and ports.
fn places(info: &[u8]) -> (usize, usize, usize, usize) {
    if info.len() == RANGE_V4 { (4, 8, 12, 16) } else { (0, 4, 20, 36) }
}

fn put(info: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = info.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Reads the structure of a NAT target; `None` for another target or an unknown revision.
pub fn nat(ext: &Ext, v6: bool) -> Option<Nat> {
    let &(.., kind) = KINDS.iter().find(|row| row.0 == ext.name && row.1 == ext.rev && row.2 == ext.info.len())?;
    let info = &ext.info;
    let (flags_at, min_at, max_at, ports_at) = places(info);
    let flags = u32_at(info, flags_at)?;
    let addr = |at: usize| {
        let value = info.get(at..at + if v6 { 16 } else { 4 })?;
        Attr { kind: 0, value }.ip()
    };
    let port = |at| u16_at(info, at).map(u16::from_be);
    Some(Nat {
        kind,
        addrs: if flags & MAP_IPS != 0 { addr(min_at).zip(addr(max_at)) } else { None },
        ports: if flags & PROTO_SPECIFIED != 0 { port(ports_at).zip(port(ports_at + 2)) } else { None },
        flags: NatFlags::from_bits(flags & !(MAP_IPS | PROTO_SPECIFIED))?,
    })
}

/// Targets with a structure that is known: name, revision, size.
const KINDS: &[(&[u8], u32, usize, NatKind)] = &[
    (b"MASQUERADE", 0, RANGE_V4, NatKind::Masquerade),
    (b"MASQUERADE", 0, RANGE, NatKind::Masquerade),
    (b"SNAT", 0, RANGE_V4, NatKind::Snat),
    (b"SNAT", 1, RANGE, NatKind::Snat),
    (b"REDIRECT", 0, RANGE_V4, NatKind::Redirect),
    (b"REDIRECT", 0, RANGE, NatKind::Redirect),
    (b"DNAT", 0, RANGE_V4, NatKind::Dnat),
    (b"DNAT", 1, RANGE, NatKind::Dnat),
    (b"DNAT", 2, RANGE2, NatKind::Dnat),
];

/// The structure of a `comment` match; the text is cut at 255 bytes.
pub fn comment_info(text: &[u8]) -> [u8; COMMENT] {
    let mut info = [0; COMMENT];
    let len = text.len().min(COMMENT - 1);
    info[..len].copy_from_slice(&text[..len]);
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snat() -> Nat {
        let addr = "1.2.3.4".parse().unwrap();
        Nat { kind: NatKind::Snat, addrs: Some((addr, addr)), ports: None, flags: NatFlags::empty() }
    }

    #[test]
    fn snat_as_captured() {
        let hex: String = target(&snat(), false).info.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "010000000100000001020304010203040000000000000000");
    }

    #[test]
    fn all_read_back() {
        let v6 = Some(("fd00::1".parse().unwrap(), "fd00::9".parse().unwrap()));
        for kind in [NatKind::Masquerade, NatKind::Snat, NatKind::Dnat, NatKind::Redirect] {
            for (addrs, family) in [(None, false), (None, true), (snat().addrs, false), (v6, true)] {
                for ports in [None, Some((100, 200))] {
                    let of = Nat { kind, addrs, ports, flags: NatFlags::all() };
                    assert_eq!(nat(&target(&of, family), family), Some(of));
                }
            }
        }
    }

    #[test]
    fn what_is_not_known_is_no_nat() {
        let ext = |name: &[u8], rev, info: &[u8]| Ext { name: name.to_vec(), rev, info: info.to_vec() };
        assert_eq!(nat(&ext(b"SNAT", 2, &[0; 40]), false), None);
        assert_eq!(nat(&ext(b"LOG", 0, &[0; 32]), false), None);
        assert_eq!(nat(&ext(b"SNAT", 0, &[0; 19]), false), None);
        let mut more = target(&snat(), false);
        more.info[5] = 0x40;
        assert_eq!(nat(&more, false), None);
    }

    #[test]
    fn probe_as_captured() {
        let bytes = probe(2, "SNAT", 0, true).seal(0, 0).unwrap();
        let hex: String = bytes[16..].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "0200000009000100534e41540000000008000200000000000800030000000001");
    }
}
