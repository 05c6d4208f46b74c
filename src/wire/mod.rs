//! Bytes only: model values become netlink messages and replies become model
//! values. No I/O, no look-ups, no policy, and no panics whatever the bytes.

pub mod addr;
pub mod addrlabel;
pub mod attr;
pub mod build;
pub mod conntrack;
pub mod encap;
pub mod fdb;
pub mod kind;
pub mod link;
pub mod neigh;
pub mod netconf;
pub mod nexthop;
pub mod nft;
pub mod nsid;
pub mod port;
pub mod query;
pub mod reply;
pub mod route;
pub mod rule;
pub mod token;
pub mod uapi;
pub mod vlan;

use crate::model::op::Op;

/// The request that carries out a change.
pub fn encode(op: &Op<'_>) -> build::Request<build::Route> {
    match op {
        Op::CreateLink(new) => link::create(new),
        Op::ReplaceLink(new) => link::replace(new),
        Op::ChangeLink(id, change) => link::change(*id, change),
        Op::DeleteLink(id) => link::delete(*id),
        Op::ChangeGroup(group, change) => link::change_group(*group, change),
        Op::DeleteGroup(group) => link::delete_group(*group),
        Op::AltNames(verb, id, names) => link::altnames(*verb, *id, names),
        Op::SetNsid(ns, id) => nsid::set(*ns, *id),
        Op::Addr(verb, id, addr) => addr::change(*verb, *id, addr),
        Op::Route(verb, route) => route::change(*verb, route),
        Op::Neigh(verb, neigh) => neigh::change(*verb, neigh),
        Op::Fdb(verb, entry) => fdb::change(*verb, entry),
        Op::BridgePort(port) => port::change(port),
        Op::BridgeVlan(vlan) => port::change_vlan(vlan),
        Op::Token(id, token) => token::set(*id, token),
        Op::AddrLabel(add, row) => addrlabel::change(*add, row),
        Op::NextHop(verb, hop) => nexthop::change(*verb, hop),
        Op::Rule { delete, rule } => rule::change(*delete, rule),
    }
}

/// Length of the fixed header that follows the netlink header in a message of this type.
pub fn header_len(kind: u16) -> usize {
    match kind {
        16..=19 | 108..=110 => link::IFINFOMSG,
        20..=22 => addr::IFADDRMSG,
        24..=26 => route::RTMSG,
        28..=30 => neigh::NDMSG,
        72..=74 => addrlabel::IFADDRLBLMSG,
        80..=82 => netconf::NETCONFMSG,
        32..=34 => rule::RULE_HEADER,
        104..=106 | 116..=118 => nexthop::NHMSG,
        88..=90 => nsid::RTGENMSG,
        kind if kind >= 0x100 => nft::batch::NFGENMSG,
        _ => 0,
    }
}

/// Our name of the attribute that a path of types leads to, in a message of this type.
pub fn attr_name(kind: u16, path: &[u16]) -> Option<&'static str> {
    match kind {
        16..=19 | 108..=110 => link::attr_name(path),
        20..=22 => named(addr::NAMES, path),
        24..=26 => named(route::NAMES, path),
        28..=30 => named(neigh::NAMES, path),
        32..=34 => named(rule::NAMES, path),
        104..=106 | 116..=118 => named(nexthop::NAMES, path),
        _ => None,
    }
}

/// Numbers, and the name of each, with commas between them: one text costs no relocations.
pub(crate) type Names = (&'static [u16], &'static str);

/// The name of what a path begins with.
#[inline(never)]
pub(crate) fn named((numbers, names): Names, path: &[u16]) -> Option<&'static str> {
    let at = numbers.iter().position(|number| Some(number) == path.first())?;
    names.split(',').nth(at)
}

/// Our name of what stands at a byte offset of a sent message, where the kernel's extended ACK points at it.
pub fn name_at(sent: &[u8], offset: usize) -> Option<&'static str> {
    let kind = sent.get(4..6).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes)?;
    if kind >= 0x100 {
        return nft::name_at(sent, offset);
    }
    attr_name(kind, &reply::attr_path(sent, header_len(kind), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_name() {
        for (numbers, names) in [addr::NAMES, route::NAMES, neigh::NAMES, rule::NAMES, nexthop::NAMES] {
            assert_eq!(numbers.len(), names.split(',').count(), "{names}");
        }
        assert_eq!(attr_name(24, &[5]), Some("gateway"));
        assert_eq!(attr_name(26, &[27]), Some("ipproto"));
        assert_eq!(attr_name(16, &[53]), Some("altname"));
        assert_eq!(attr_name(24, &[999]), None);
        assert_eq!(attr_name(24, &[]), None);
    }
}
