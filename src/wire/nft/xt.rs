//! The structures of xtables extensions that rules in iptables' own tables carry, and
//! the question whether a kernel has an extension. Source: `linux/netfilter/xt_*.h`,
//! `linux/netfilter_ipv4/`, `nf_nat.h`, `nf_tables_compat.h`.

use super::batch::nfgenmsg;
use crate::model::nat::{Nat, NatFlags, NatKind};
use crate::wire::attr::u32_at;
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

/// The structure of a MASQUERADE or SNAT target, revision 0.
pub fn nat_info(nat: &Nat) -> [u8; RANGE_V4] {
    let mut info = [0; RANGE_V4];
    let mut flags = nat.flags.bits();
    info[0..4].copy_from_slice(&1u32.to_ne_bytes()); // one range
    if let Some((min, max)) = nat.addrs {
        flags |= MAP_IPS;
        info[8..12].copy_from_slice(&min.octets());
        info[12..16].copy_from_slice(&max.octets());
    }
    if let Some((min, max)) = nat.ports {
        flags |= PROTO_SPECIFIED;
        info[16..18].copy_from_slice(&min.to_be_bytes());
        info[18..20].copy_from_slice(&max.to_be_bytes());
    }
    info[4..8].copy_from_slice(&flags.to_ne_bytes());
    info
}

/// Reads the structure of a NAT target; `None` for another target or an unknown revision.
pub fn nat(name: &[u8], rev: u32, info: &[u8]) -> Option<Nat> {
    let &(.., kind) = KINDS.iter().find(|row| row.0 == name && row.1 == rev)?;
    // nf_nat_range2: flags, then two 16-byte addresses, then the ports.
    let (size, places) = if rev == 2 { (RANGE2 - 8, [0, 4, 20, 36]) } else { (RANGE_V4 - 4, [4, 8, 12, 16]) };
    if info.len() < size {
        return None;
    }
    let [flags, min, max, ports] = places.map(|at| u32_at(info, at).unwrap_or_default().to_ne_bytes());
    let flags = u32::from_ne_bytes(flags);
    let [a, b, c, d] = ports;
    Some(Nat {
        kind,
        addrs: (flags & MAP_IPS != 0).then_some((min.into(), max.into())),
        ports: (flags & PROTO_SPECIFIED != 0).then_some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))),
        flags: NatFlags::from_bits(flags & !(MAP_IPS | PROTO_SPECIFIED))?,
    })
}

/// Targets with a structure that is known, by name and revision.
const KINDS: &[(&[u8], u32, NatKind)] = &[
    (b"MASQUERADE", 0, NatKind::Masquerade),
    (b"SNAT", 0, NatKind::Snat),
    (b"REDIRECT", 0, NatKind::Redirect),
    (b"DNAT", 0, NatKind::Dnat),
    (b"DNAT", 2, NatKind::Dnat),
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
    use std::net::Ipv4Addr;

    fn snat() -> Nat {
        let addr = Ipv4Addr::new(1, 2, 3, 4);
        Nat { kind: NatKind::Snat, addrs: Some((addr, addr)), ports: None, flags: NatFlags::empty() }
    }

    #[test]
    fn snat_as_captured() {
        let hex: String = nat_info(&snat()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "010000000100000001020304010203040000000000000000");
        let ports = Nat { ports: Some((100, 200)), flags: NatFlags::all(), ..snat() };
        for nat_in in [snat(), ports, Nat { kind: NatKind::Masquerade, addrs: None, ..ports }] {
            let name = nat_in.kind.name().as_bytes();
            assert_eq!(nat(name, 0, &nat_info(&nat_in)), Some(nat_in));
        }
    }

    #[test]
    fn dnat_of_revision_2() {
        let mut info = [0; RANGE2];
        info[..4].copy_from_slice(&3u32.to_ne_bytes());
        info[4..8].copy_from_slice(&[10, 0, 0, 1]);
        info[20..24].copy_from_slice(&[10, 0, 0, 2]);
        info[36..40].copy_from_slice(&[0, 80, 0, 81]);
        let got = nat(b"DNAT", 2, &info).unwrap();
        assert_eq!(got.addrs, Some((Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2))));
        assert_eq!(got.ports, Some((80, 81)));
    }

    #[test]
    fn what_is_not_known_is_no_nat() {
        assert_eq!(nat(b"SNAT", 1, &[0; 40]), None);
        assert_eq!(nat(b"LOG", 0, &[0; 32]), None);
        assert_eq!(nat(b"SNAT", 0, &[0; 19]), None);
        let mut info = nat_info(&snat());
        info[5] = 0x40;
        assert_eq!(nat(b"SNAT", 0, &info), None);
    }

    #[test]
    fn probe_as_captured() {
        let bytes = probe(2, "SNAT", 0, true).seal(0, 0).unwrap();
        let hex: String = bytes[16..].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "0200000009000100534e41540000000008000200000000000800030000000001");
    }
}
