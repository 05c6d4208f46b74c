//! Matches and targets as nftables' own expressions: those that iptables-nft 1.8.9 writes so, and, for
//! kernels without nft_compat or the xtables module, as many of the rest as have the same meaning.

use super::{compare, mask, span};
use crate::model::nat::Ext;
use crate::model::xt::{Extension, get, rate_of};
use crate::wire::attr::to_nul;
use crate::wire::build::{Netfilter, Request};
use crate::wire::nft::FAMILY_IP6;
use crate::wire::nft::expr::immediate::Immediate;
use crate::wire::nft::expr::set::{Key, Set};
use crate::wire::nft::expr::{
    self, bitwise, cmp, ct, fib, immediate, limit, log, masq, meta, mss, nat, payload, range, redir, reject, set,
};

/// Appends a match as iptables-nft does itself: ports and flags, marks, rates. False for one that it writes as
/// an xtables match; nothing is appended then.
pub fn own(r: &mut Request<Netfilter>, ext: &Ext, is_v6: bool) -> bool {
    let start = r.bytes().len();
    let info = &ext.info;
    let done = match ext.name.as_slice() {
        b"tcp" | b"udp" => span::encode(r, ext, is_v6),
        b"mark" => {
            meta::encode(r, meta::Meta { key: meta::MARK, dreg: expr::REG_1 });
            masked_number(r, get(info, b'w', 0), get(info, b'w', 4), info.get(8) == Some(&1));
            true
        }
        b"limit" => {
            let (rate, unit) = rate_of(get(info, b'w', 0));
            limit::encode(r, limit::Limit { rate: rate.into(), unit: unit.into(), burst: get(info, b'w', 4) });
            true
        }
        _ => false,
    };
    if !done {
        r.undo(start);
    }
    done
}

/// Appends a match as nftables' own expressions. False for one that cannot be said so; nothing is appended then.
pub fn matched(r: &mut Request<Netfilter>, ext: &Ext, is_v6: bool) -> bool {
    let start = r.bytes().len();
    let done = own(r, ext, is_v6) || more(r, ext, is_v6);
    if !done {
        r.undo(start);
    }
    done
}

fn more(r: &mut Request<Netfilter>, ext: &Ext, is_v6: bool) -> bool {
    if Extension::of(ext, false, is_v6).is_none() {
        return false;
    }
    let info = &ext.info;
    let byte = |at: usize| info.get(at).copied().unwrap_or(0);
    let number = |at| get(info, b'w', at);
    match ext.name.as_slice() {
        b"esp" | b"iprange" | b"length" => return span::encode(r, ext, is_v6),
        b"connmark" => {
            ct::encode(r, ct::Ct { key: ct::MARK, dreg: expr::REG_1 });
            masked_number(r, number(0), number(4), byte(8) == 1);
        }
        b"conntrack" => return conntrack(r, info),
        b"multiport" => return multiport(r, info),
        b"icmp" | b"icmp6" => {
            let [kind, min, max, not] = [0, 1, 2, 3].map(byte);
            match (kind, min, max) {
                (255, ..) if !is_v6 => return false,
                (_, 0, 255) => transport(r, 0, 1, not == 1, &[kind]),
                _ if min == max => transport(r, 0, 2, not == 1, &[kind, min]),
                _ => return false,
            }
        }
        b"addrtype" => return addrtype(r, info),
        b"owner" => {
            let (given, not) = (byte(16), byte(17));
            if given & !3 != 0 || given == 0 {
                return false;
            }
            for (bit, key, at) in [(1, meta::SKUID, 0), (2, meta::SKGID, 8)] {
                if given & bit == 0 {
                    continue;
                }
                if number(at) != number(at + 4) {
                    return false;
                }
                meta::encode(r, meta::Meta { key, dreg: expr::REG_1 });
                compare(r, not & bit != 0, &number(at).to_ne_bytes());
            }
        }
        b"pkttype" => {
            meta::encode(r, meta::Meta { key: meta::PKTTYPE, dreg: expr::REG_1 });
            compare(r, number(4) != 0, &[byte(0)]);
        }
        b"policy" => {
            // In, by any transformation or by none.
            let (flags, given) = (get(info, b'h', 304), byte(74));
            if flags & !4 != 1 || given != 0 || get(info, b'h', 306) > 1 {
                return false;
            }
            meta::encode(r, meta::Meta { key: meta::SECPATH, dreg: expr::REG_1 });
            compare(r, false, &[u8::from(flags & 4 == 0)]);
        }
        b"ttl" | b"hl" => {
            let op = match byte(0) {
                0 => cmp::EQ,
                1 => cmp::NEQ,
                2 => cmp::LT,
                _ => cmp::GT,
            };
            super::load(r, if is_v6 { 7 } else { 8 }, 1);
            cmp::encode(r, cmp::Cmp { sreg: expr::REG_1, op, data: &[byte(1)] });
        }
        _ => return false,
    }
    true
}

/// Compares a register under a mask, in native byte order.
fn masked_number(r: &mut Request<Netfilter>, value: u32, under: u32, not: bool) {
    if under != u32::MAX {
        mask(r, &under.to_ne_bytes());
    }
    compare(r, not, &value.to_ne_bytes());
}

/// Compares bytes of the transport header.
fn transport(r: &mut Request<Netfilter>, offset: u32, len: u32, not: bool, data: &[u8]) {
    payload::encode(r, payload::Payload { dreg: expr::REG_1, base: span::TRANSPORT, offset, len });
    compare(r, not, data);
}

/// Whether any of some bits is set in what a connection has. With `order` the comparison with 0 is one of order
/// instead of difference, which means the same: so the match `state` is known from `conntrack`.
fn any_bit(r: &mut Request<Netfilter>, key: u32, bits: u32, not: bool, order: bool) {
    ct::encode(r, ct::Ct { key, dreg: expr::REG_1 });
    mask(r, &bits.to_ne_bytes());
    let op = match (order, not) {
        (false, false) => cmp::NEQ,
        (false, true) => cmp::EQ,
        (true, false) => cmp::GT,
        (true, true) => cmp::LTE,
    };
    cmp::encode(r, cmp::Cmp { sreg: expr::REG_1, op, data: &[0; 4] });
}

/// State, status and direction. Bits of the state beside those of the kernel's mean translations, which nftables
/// has in the status, so that the two cannot be mixed.
fn conntrack(r: &mut Request<Netfilter>, info: &[u8]) -> bool {
    let [given, not, state, status] = [146, 148, 150, 152].map(|at| get(info, b'h', at));
    if given & !0x3041 != 0 || given & 0x1041 == 0 || state & !0x1cf != 0 || status & !15 != 0 {
        return false;
    }
    if given & 1 != 0 {
        // SNAT and DNAT are 64 and 128 here, 16 and 32 in the status; UNTRACKED is 256 here, 64 there.
        let plain = state & 15 | (state & 256) >> 2;
        let translated = (state & 192) >> 2;
        match (plain, translated) {
            (0, 0) => return false,
            (plain, 0) => {
                let order = given & 0x2000 != 0;
                any_bit(r, ct::STATE, plain, not & 1 != 0, order);
            }
            (0, translated) if given & 0x2000 == 0 => any_bit(r, ct::STATUS, translated, not & 1 != 0, false),
            _ => return false,
        }
    }
    if given & 0x40 != 0 {
        if status == 0 {
            return false;
        }
        any_bit(r, ct::STATUS, status, not & 0x40 != 0, false);
    }
    if given & 0x1000 != 0 {
        ct::encode(r, ct::Ct { key: ct::DIRECTION_KEY, dreg: expr::REG_1 });
        compare(r, false, &[u8::from(not & 0x1000 != 0)]);
    }
    true
}

/// Ports: one, or several that must all differ. Several of which one must be the same would need a set. A range of
/// one port says that it is multiport, not a port of the protocol's match.
fn multiport(r: &mut Request<Netfilter>, info: &[u8]) -> bool {
    let [kind, count, not] = [0, 1, 47].map(|at| get(info, b'b', at));
    let count = usize::try_from(count).unwrap_or(0);
    if kind > 1 || count == 0 || count > 15 || (count > 1 && not == 0) {
        return false;
    }
    for index in 0..count {
        if get(info, b'b', 32 + index) != 0 {
            return false;
        }
        let port = u16::try_from(get(info, b'h', 2 + 2 * index)).unwrap_or(0).to_be_bytes();
        let load = payload::Payload { dreg: expr::REG_1, base: span::TRANSPORT, offset: 2 * kind, len: 2 };
        payload::encode(r, load);
        range::encode(r, range::Range { sreg: expr::REG_1, op: not, from: &port, to: &port });
    }
    true
}

/// Types of addresses, one each: several would need a set. `RTN_*` count as the bits do.
fn addrtype(r: &mut Request<Netfilter>, info: &[u8]) -> bool {
    let flags = get(info, b'w', 4);
    let interface = match flags & 12 {
        0 => 0,
        4 => 8,
        8 => 16,
        _ => return false,
    };
    for (at, which, not) in [(0, 1, 1), (2, fib::DESTINATION, 2)] {
        let bits = get(info, b'h', at);
        if bits == 0 {
            continue;
        }
        if bits & (bits - 1) != 0 {
            return false;
        }
        fib::encode(r, fib::Fib { dreg: expr::REG_1, result: fib::ADDRTYPE, flags: which | interface });
        compare(r, flags & not != 0, &bits.trailing_zeros().to_ne_bytes());
    }
    true
}

/// Appends a target as nftables' own expressions. False for one that cannot be said so; nothing is appended then.
pub fn target(r: &mut Request<Netfilter>, ext: &Ext, family: u8) -> bool {
    let start = r.bytes().len();
    let is_v6 = family == FAMILY_IP6;
    let known = Extension::of(ext, true, is_v6);
    let done = known.is_some_and(|known| done(r, known, ext, family));
    if !done {
        r.undo(start);
    }
    done
}

fn done(r: &mut Request<Netfilter>, known: &Extension, ext: &Ext, family: u8) -> bool {
    let info = &ext.info;
    let number = |at| get(info, b'w', at);
    let is_v6 = family == FAMILY_IP6;
    match ext.name.as_slice() {
        b"MASQUERADE" | b"SNAT" | b"DNAT" | b"REDIRECT" => return translate(r, ext, known.base, family),
        b"REJECT" => {
            let codes: &[u8] = if is_v6 { &[0, 1, 2, 3, 4, 0, 0, 5, 6] } else { &[0, 1, 2, 3, 0, 9, 10, 0, 13] };
            let with = usize::try_from(number(0)).unwrap_or(usize::MAX);
            let (kind, code) = match (codes.get(with), with) {
                (_, 7) if !is_v6 => (reject::TCP_RESET, 0),
                (_, 6) if is_v6 => (reject::TCP_RESET, 0),
                (Some(&code), _) => (reject::ICMP, code),
                _ => return false,
            };
            reject::encode(r, reject::Reject { kind, code });
        }
        b"LOG" => {
            let [level, flags] = [0, 1].map(|at| get(info, b'b', at));
            if flags & 0x10 != 0 {
                return false;
            }
            log::encode(r, log::Log { prefix: to_nul(info.get(2..32).unwrap_or_default()), level, flags });
        }
        b"MARK" => set_mark(r, meta_key(), number(0), number(4)),
        b"CONNMARK" if get(info, b'h', 12) == 0 => match (get(info, b'b', 14), number(4), number(8)) {
            (0, ctmask, _) => set_mark(r, Key::Ct(ct::MARK), number(0), ctmask),
            (1, u32::MAX, u32::MAX) => {
                meta::encode(r, meta::Meta { key: meta::MARK, dreg: expr::REG_1 });
                set::encode(r, Set { key: Key::Ct(ct::MARK), sreg: expr::REG_1 });
            }
            (2, u32::MAX, u32::MAX) => {
                ct::encode(r, ct::Ct { key: ct::MARK, dreg: expr::REG_1 });
                set::encode(r, Set { key: meta_key(), sreg: expr::REG_1 });
            }
            _ => return false,
        },
        b"CLASSIFY" => {
            constant(r, expr::REG_1, &number(0).to_ne_bytes());
            set::encode(r, Set { key: Key::Meta(meta::PRIORITY), sreg: expr::REG_1 });
        }
        b"TCPMSS" => {
            match get(info, b'h', 0) {
                0xffff => mss::encode_route(r, expr::REG_1),
                size => constant(r, expr::REG_1, &u16::try_from(size).unwrap_or(0).to_be_bytes()),
            }
            mss::encode(r, expr::REG_1);
        }
        b"CT" if get(info, b'h', 0) & 1 != 0 && get(info, b'h', 2) == 0 => mss::encode_notrack(r),
        _ => return false,
    }
    true
}

fn meta_key() -> Key {
    Key::Meta(meta::MARK)
}

fn constant(r: &mut Request<Netfilter>, dreg: u32, value: &[u8]) {
    immediate::encode(r, Immediate::Data { dreg, value });
}

/// The mark becomes `mark & !mask ^ value`.
fn set_mark(r: &mut Request<Netfilter>, key: Key, value: u32, under: u32) {
    if under == u32::MAX {
        constant(r, expr::REG_1, &value.to_ne_bytes());
    } else {
        match key {
            Key::Meta(key) => meta::encode(r, meta::Meta { key, dreg: expr::REG_1 }),
            Key::Ct(key) => ct::encode(r, ct::Ct { key, dreg: expr::REG_1 }),
        }
        bitwise::encode_changed(r, bitwise::Changed { reg: expr::REG_1, mask: !under, xor: value });
    }
    set::encode(r, Set { key, sreg: expr::REG_1 });
}

/// Translations: addresses and ports go into registers first.
fn translate(r: &mut Request<Netfilter>, ext: &Ext, base: usize, family: u8) -> bool {
    let info = &ext.info;
    let len = if family == FAMILY_IP6 { 16 } else { 4 };
    let flags = get(info, b'w', base);
    // A base of ports has no words here.
    if flags & !0x1f != 0 {
        return false;
    }
    let (gap, ports) = if info.len() == 24 { (4, base + 12) } else { (16, base + 36) };
    let mut next = expr::REG_1;
    let mut pair = |r: &mut Request<Netfilter>, first: usize, gap: usize, len: usize, wanted: bool| {
        let bytes = |at: usize| info.get(at..at + len).unwrap_or_default();
        if !wanted {
            return None;
        }
        let from = next;
        constant(r, from, bytes(first));
        next += 1;
        if bytes(first) != bytes(first + gap) {
            constant(r, next, bytes(first + gap));
            next += 1;
        }
        Some((from, next - 1))
    };
    let addrs = pair(r, base + 4, gap, len, flags & 1 != 0);
    let ports = pair(r, ports, 2, 2, flags & 2 != 0);
    // The bits for addresses and ports are the kernel's own.
    let flags = flags & !3;
    match ext.name.as_slice() {
        b"MASQUERADE" => masq::encode(r, masq::Masq { flags, ports }),
        b"REDIRECT" => redir::encode(r, redir::Redir { ports, flags }),
        name => {
            let kind = if name == b"DNAT" { nat::DNAT } else { nat::SNAT };
            nat::encode(r, nat::NatExpr { kind, family: family.into(), addrs, ports, flags });
        }
    }
    true
}
