//! A rule of `netstrap nat` as a message: its conditions and what it does become
//! expressions, nftables' own or xtables extensions, as a [`Form`] says.

use std::net::{Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};

use super::expr::{self, bitwise, cmp, compat, counter, ct, fib, immediate, masq, meta, nat, payload, range, redir};
use super::{FAMILY_IP6, message, rule, xt};
use crate::model::ip::Prefix;
use crate::model::name::IfName;
use crate::model::nat::{Counters, IfPattern, Nat, NatFlags, NatKind, Net, Not};
use crate::model::translation::Range;
use crate::model::translation::key::{COMMENT_MAX, CUT, KEY_MAX, cut};
use crate::model::translation::leg::{Act, Leg, State};
use crate::wire::attr::octets;
use crate::wire::build::{NESTED, Netfilter, Request};

/// Which parts of a rule are xtables extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Form {
    /// The translation: in a table called `nat` only, where iptables could not list another one.
    pub target: bool,
    /// Whether the destination is of this host.
    pub local: bool,
    /// What is asked of the connection.
    pub state: bool,
}

/// Size of `struct xt_conntrack_mtinfo3`.
const CONNTRACK: usize = 168;
/// `XT_CONNTRACK_STATE`.
const CONNTRACK_STATE: u16 = 1;
/// `XT_CONNTRACK_STATE_DNAT`, among the states: a bit of `IP_CT_*` else.
const CONNTRACK_DNAT: u16 = 128;
/// `XT_ADDRTYPE_LOCAL`, as a bit of `RTN_*`.
const ADDRTYPE_LOCAL: u16 = 4;

/// Which chain a rule is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<'a> {
    /// `NFPROTO_*`.
    pub family: u8,
    /// The table.
    pub table: &'a [u8],
    /// The chain.
    pub chain: &'a [u8],
}

/// Adds a rule with a comment to the end of a chain, or to its head.
pub fn add(at: At<'_>, first: bool, leg: &Leg, form: Form, comment: &[u8]) -> Request<Netfilter> {
    let (mut request, list) = begin(at, if first { 0 } else { NLM_F_APPEND });
    expressions(&mut request, at.family, leg, form);
    end(request, list, comment)
}

/// Adds a rule that leads from the end of a chain to another one.
pub fn jump(at: At<'_>, to: &[u8], comment: &[u8]) -> Request<Netfilter> {
    let (mut request, list) = begin(at, NLM_F_APPEND);
    counter::encode(&mut request, Counters::default());
    immediate::encode(&mut request, immediate::Immediate::Verdict { code: immediate::JUMP, chain: to });
    end(request, list, comment)
}

fn begin(at: At<'_>, flags: u16) -> (Request<Netfilter>, usize) {
    let mut request = message(rule::NEWRULE, NLM_F_CREATE | flags, at.family);
    request.string(rule::TABLE, at.table).string(rule::CHAIN, at.chain);
    let list = request.begin(rule::EXPRESSIONS | NESTED);
    (request, list)
}

fn end(mut request: Request<Netfilter>, list: usize, key: &[u8]) -> Request<Netfilter> {
    let mut data = rule::userdata(&cut(key).unwrap_or_else(|| key.to_vec()));
    if key.len() > COMMENT_MAX {
        let rest = key.get(CUT..KEY_MAX.min(key.len())).unwrap_or_default();
        data.extend_from_slice(&[rule::UDATA_REST, u8::try_from(rest.len()).unwrap_or_default()]);
        data.extend_from_slice(rest);
    }
    request.end(list).attr(rule::USERDATA, &data);
    request
}

/// In the order that iptables-nft 1.8.9 writes them.
fn expressions(r: &mut Request<Netfilter>, family: u8, leg: &Leg, form: Form) {
    interface(r, meta::IIFNAME, leg.input.as_ref());
    interface(r, meta::OIFNAME, leg.output.as_ref());
    if leg.protocol != 0 {
        meta::encode(r, meta::Meta { key: meta::L4PROTO, dreg: expr::REG_1 });
        rule::compare(r, false, &[leg.protocol]);
    }
    address(r, false, false, leg.source);
    address(r, true, false, leg.destination);
    for excluded in leg.excluded {
        address(r, true, true, excluded);
    }
    ports(r, payload::SOURCE_PORT, leg.source_ports);
    ports(r, payload::DESTINATION_PORT, leg.ports);
    match (leg.local, form.local) {
        (false, _) => {}
        (true, false) => {
            fib::encode(r, fib::Fib { dreg: expr::REG_1, result: fib::ADDRTYPE, flags: fib::DESTINATION });
            rule::compare(r, false, &fib::LOCAL.to_ne_bytes());
        }
        (true, true) => {
            // Two masks, of sources and of destinations, then flags.
            let mut info = [0; 8];
            info[2..4].copy_from_slice(&ADDRTYPE_LOCAL.to_ne_bytes());
            compat::encode_match(r, compat::Xt { name: b"addrtype", rev: 1, info: &info });
        }
    }
    state(r, leg.state, form.state);
    counter::encode(r, Counters::default());
    act(r, family, leg, form);
}

fn interface(r: &mut Request<Netfilter>, key: u32, name: Option<&IfName>) {
    let pattern = name.and_then(|name| IfPattern::new(name.as_bytes(), false));
    rule::interface(r, key, pattern.map(|value| Not { not: false, value }).as_ref());
}

#[inline(never)]
fn address(r: &mut Request<Netfilter>, is_destination: bool, not: bool, prefix: Option<Prefix>) {
    let net = prefix.map(|prefix| {
        let ones =
            if prefix.addr().is_ipv6() { Ipv6Addr::from_bits(u128::MAX).into() } else { Ipv4Addr::BROADCAST.into() };
        let mask = Prefix::new(ones, prefix.len()).map_or(ones, |mask| mask.network().addr());
        Not { not, value: Net::new(prefix.addr(), mask) }
    });
    rule::address(r, is_destination, net.as_ref());
}

#[inline(never)]
fn ports(r: &mut Request<Netfilter>, offset: u32, ports: Option<Range<u16>>) {
    let Some((first, last)) = ports else { return };
    let load = payload::Payload { dreg: expr::REG_1, base: payload::BASE_TRANSPORT, offset, len: 2 };
    payload::encode(r, load);
    if first == last {
        return rule::compare(r, false, &first.to_be_bytes());
    }
    let (from, to) = (first.to_be_bytes(), last.to_be_bytes());
    range::encode(r, range::Range { sreg: expr::REG_1, op: 0, from: &from, to: &to });
}

fn state(r: &mut Request<Netfilter>, state: State, as_xt: bool) {
    let (key, bits, xt_bits) = match state {
        State::Any => return,
        State::Dnat => (ct::STATUS, ct::DST_NAT, CONNTRACK_DNAT),
        // The same bits in both.
        State::Established => (ct::STATE, ct::ESTABLISHED | ct::RELATED, 6),
    };
    if as_xt {
        let mut info = [0; CONNTRACK];
        info[146..148].copy_from_slice(&CONNTRACK_STATE.to_ne_bytes());
        info[150..152].copy_from_slice(&u16::to_ne_bytes(xt_bits));
        return compat::encode_match(r, compat::Xt { name: b"conntrack", rev: 3, info: &info });
    }
    ct::encode(r, ct::Ct { key, dreg: expr::REG_1 });
    bitwise::encode(r, expr::REG_1, &bits.to_ne_bytes());
    cmp::encode(r, cmp::Cmp { sreg: expr::REG_1, op: cmp::NEQ, data: &[0; 4] });
}

fn act(r: &mut Request<Netfilter>, family: u8, leg: &Leg, form: Form) {
    let kind = match leg.act {
        Act::Accept => return verdict(r, immediate::ACCEPT),
        Act::Return => return verdict(r, immediate::RETURN),
        Act::Masquerade => NatKind::Masquerade,
        Act::Snat => NatKind::Snat,
        Act::Dnat => NatKind::Dnat,
        Act::Redirect => NatKind::Redirect,
    };
    if form.target {
        let flags = NatFlags::from_bits_truncate(leg.pick.bits());
        let target = xt::target(&Nat { kind, addrs: leg.addrs, ports: leg.new_ports, flags }, family == FAMILY_IP6);
        return compat::encode_target(r, compat::Xt { name: &target.name, rev: target.rev, info: &target.info });
    }
    // Each new value has a register of its own.
    let mut register = 0;
    let mut pair = |first: &[u8], last: &[u8]| -> Range<u32> {
        register += 1;
        let start = register;
        immediate::encode(r, immediate::Immediate::Data { dreg: start, value: first });
        if last != first {
            register += 1;
            immediate::encode(r, immediate::Immediate::Data { dreg: register, value: last });
        }
        (start, register)
    };
    let addrs = leg.addrs.map(|(first, last)| pair(&octets(&first), &octets(&last)));
    let ports = leg.new_ports.map(|(first, last)| pair(&first.to_be_bytes(), &last.to_be_bytes()));
    let flags = leg.pick.bits();
    match leg.act {
        Act::Masquerade => masq::encode(r, masq::Masq { flags, ports }),
        Act::Redirect => redir::encode(r, redir::Redir { flags, ports }),
        _ => {
            let kind = if leg.act == Act::Snat { nat::SNAT } else { nat::DNAT };
            nat::encode(r, nat::NatExpr { kind, family: u32::from(family), addrs, ports, flags });
        }
    }
}

fn verdict(r: &mut Request<Netfilter>, code: i32) {
    immediate::encode(r, immediate::Immediate::Verdict { code, chain: b"" });
}

#[cfg(test)]
mod tests;
