//! nftables' own expressions become the matches and targets that iptables has for them.

use super::{CT, Held, META, Reader};
use crate::model::nat::{Ext, Target};
use crate::model::xt::{Extension, LIMIT_SCALE, copy, get, put};
use crate::wire::nft::expr::set::{Key, Set};
use crate::wire::nft::expr::{Expr, cmp, compat, ct, fib, limit, log, masq, meta, nat, range, redir, reject};
use crate::wire::nft::rule::span::{self, Ends, Span};

impl<'a> Reader<'a> {
    /// Notes a match of the kernel's own form, if it is known.
    pub(super) fn matched(&mut self, xt: &compat::Xt<'_>) -> Option<bool> {
        let ext = Ext { name: xt.name.to_vec(), rev: xt.rev, info: xt.info.to_vec() };
        Extension::of(&ext, false, self.is_v6)?;
        self.spec.matches.push(ext);
        Some(!self.done)
    }

    /// Notes a target of the kernel's own form, if it is known.
    pub(super) fn targeted(&mut self, xt: &compat::Xt<'_>) -> Option<bool> {
        let ext = Ext { name: xt.name.to_vec(), rev: xt.rev, info: xt.info.to_vec() };
        Extension::of(&ext, true, self.is_v6)?;
        Some(self.finish(Target::Ext(ext)))
    }

    /// The structure of a match in which something is free, one more if there is none. Unless a protocol's match
    /// says all, it begins so that it matches everything.
    #[inline(never)]
    fn place(&mut self, name: &str, free: &dyn Fn(&[u8]) -> bool) -> Option<&mut Vec<u8>> {
        let matches = &mut self.spec.matches;
        let found = matches.iter().position(|ext| ext.name == name.as_bytes() && free(&ext.info));
        let at = match found {
            Some(at) => at,
            None => {
                matches.push(span::blank(name, self.is_v6)?);
                matches.len() - 1
            }
        };
        Some(&mut matches.get_mut(at)?.info)
    }

    /// Protocol of the rule so far, 0 if none.
    fn of_protocol(&self) -> u8 {
        self.spec.protocol.map_or(0, |p| p.value)
    }

    /// A comparison of what none of the rule's own fields is.
    pub(super) fn compare_more(&mut self, held: Held<'a>, cmp: &cmp::Cmp<'a>) -> Option<bool> {
        let data = cmp.data;
        let equal = match cmp.op {
            cmp::EQ => Some(false),
            cmp::NEQ => Some(true),
            _ => None,
        };
        match held {
            Held::Load { of: base @ 0..META, at, len, mask: None } => self.packet(base, at, len, cmp, equal)?,
            Held::Load { of: span::TRANSPORT, at: 13, len: 1, mask: Some(&[mask]) } => {
                let (not, &[value]) = (equal?, data) else { return None };
                if self.of_protocol() != 6 {
                    return None;
                }
                let info = self.place("tcp", &|info| get(info, b'b', 9) == 0 && get(info, b'b', 11) & 4 == 0)?;
                let old = get(info, b'b', 11);
                copy(info, 9, &[mask, value]);
                put(info, b'b', 11, old | if not { 4 } else { 0 });
            }
            Held::Load { of: META, at: meta::MARK, mask, .. } => self.mark("mark", mask, data, equal?)?,
            Held::Load { of: CT, at: ct::MARK, mask, .. } => self.mark("connmark", mask, data, equal?)?,
            Held::Load { of: META, at: key @ (meta::SKUID | meta::SKGID), mask: None, .. } => {
                let (bit, at) = if key == meta::SKUID { (1, 0) } else { (2, 8) };
                let id = u32::from_ne_bytes(data.try_into().ok()?);
                let not = equal?;
                let info = self.place("owner", &|info| get(info, b'b', 16) & bit == 0)?;
                put(info, b'w', at, id);
                put(info, b'w', at + 4, id);
                flag(info, b'b', 16, bit);
                flag(info, b'b', 17, if not { bit } else { 0 });
            }
            Held::Load { of: META, at: meta::PKTTYPE, mask: None, .. } => {
                let (&[kind], not) = (data, equal?) else { return None };
                let info = self.place("pkttype", &|_| false)?;
                put(info, b'w', 0, kind.into());
                put(info, b'w', 4, not.into());
            }
            Held::Load { of: META, at: meta::SECPATH, mask: None, .. } => {
                let (&[exists @ (0 | 1)], false) = (data, equal?) else { return None };
                let info = self.place("policy", &|_| false)?;
                put(info, b'h', 304, if exists == 1 { 1 } else { 5 });
                put(info, b'h', 306, exists.into());
            }
            Held::Load { of: CT, at: ct::DIRECTION_KEY, mask: None, .. } => {
                let (&[answer @ (0 | 1)], false) = (data, equal?) else { return None };
                self.conntrack(0x1000, answer == 1, 0, 0)?;
            }
            Held::Load { of: CT, at: key @ (ct::STATE | ct::STATUS), mask, .. } => self.bits(key, mask, cmp)?,
            Held::Fib { flags } => {
                let kind = u32::from_ne_bytes(data.try_into().ok()?);
                self.address_type(flags, kind, equal?)?;
            }
            _ => return None,
        }
        Some(!self.done)
    }

    /// Bytes of a header, with nothing masked.
    fn packet(&mut self, base: u32, offset: u32, len: u32, cmp: &cmp::Cmp<'_>, equal: Option<bool>) -> Option<()> {
        let data = cmp.data;
        let is_v6 = self.is_v6;
        let protocol = self.of_protocol();
        let (ends, not) = match cmp.op {
            cmp::GTE | cmp::GT => (Ends::First, false),
            cmp::LTE => (Ends::Last, false),
            _ => (Ends::Both, equal.unwrap_or(false)),
        };
        if let Some(span) = Span::loaded(protocol, is_v6, (base, offset, data.len())) {
            // Less than would be one less than the last; more than is one more than the first.
            if cmp.op == cmp::LT {
                return None;
            }
            let mut first = data.to_vec();
            if cmp.op == cmp::GT {
                span::next(&mut first)?;
            }
            let info = self.place(span.name, &|info| span.is_free(info, ends))?;
            span.set(info, not, ends, &first, data);
            return Some(());
        }
        let icmp = if is_v6 { 58 } else { 1 };
        match (base, offset, len, data) {
            (span::TRANSPORT, 0, 1 | 2, &[kind, ref code @ ..]) if protocol == icmp => {
                let not = equal?;
                let info = self.place(if is_v6 { "icmp6" } else { "icmp" }, &|_| false)?;
                let (min, max) = code.first().map_or((0, 255), |&code| (code, code));
                copy(info, 0, &[kind, min, max, not.into()]);
            }
            // Two ports may be joined to one load; iptables writes so, and means it, where both are negated.
            (span::TRANSPORT, 0, 4, &[a, b, c, d]) if matches!(protocol, 6 | 17) => {
                let not = equal?;
                for (offset, port) in [(0, [a, b]), (2, [c, d])] {
                    let span = Span::loaded(protocol, is_v6, (base, offset, 2))?;
                    let info = self.place(span.name, &|info| span.is_free(info, Ends::Both))?;
                    span.set(info, not, Ends::Both, &port, &port);
                }
            }
            (1, 7 | 8, 1, &[hops]) if (offset == 7) == is_v6 => {
                let mode = match cmp.op {
                    cmp::EQ => 0,
                    cmp::NEQ => 1,
                    cmp::LT => 2,
                    cmp::GT => 3,
                    _ => return None,
                };
                let info = self.place(if is_v6 { "hl" } else { "ttl" }, &|_| false)?;
                copy(info, 0, &[mode, hops]);
            }
            _ => return None,
        }
        Some(())
    }

    /// A range of what a header holds. One of a single port is what multiport has.
    pub(super) fn range(&mut self, range: &range::Range<'a>) -> Option<bool> {
        let Held::Load { of: base @ 0..META, at: offset, len, mask: None } = self.held(range.sreg) else { return None };
        let (is_v6, protocol, not) = (self.is_v6, self.of_protocol(), range.op == 1);
        if usize::try_from(len) != Ok(range.from.len()) || range.op > 1 {
            return None;
        }
        if let (span::TRANSPORT, 0 | 2, &[a, b]) = (base, offset, range.from)
            && range.from == range.to
            && matches!(protocol, 6 | 17 | 33 | 132 | 136)
        {
            let kind = u32::from(offset == 2);
            let room =
                |info: &[u8]| not && get(info, b'b', 0) == kind && get(info, b'b', 47) == 1 && get(info, b'b', 1) < 15;
            let info = self.place("multiport", &room)?;
            let count = get(info, b'b', 1);
            put(info, b'b', 0, kind);
            put(info, b'b', 1, count + 1);
            put(info, b'h', 2 + 2 * usize::try_from(count).ok()?, u16::from_be_bytes([a, b]).into());
            put(info, b'b', 47, not.into());
            return Some(!self.done);
        }
        let span = Span::loaded(protocol, is_v6, (base, offset, range.from.len()))?;
        let info = self.place(span.name, &|info| span.is_free(info, Ends::Both))?;
        span.set(info, not, Ends::Both, range.from, range.to);
        Some(!self.done)
    }

    fn mark(&mut self, name: &str, mask: Option<&[u8]>, data: &[u8], not: bool) -> Option<()> {
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_ne_bytes);
        let (value, mask) = (number(data)?, mask.map_or(Some(u32::MAX), number)?);
        let info = self.place(name, &|_| false)?;
        put(info, b'w', 0, value);
        put(info, b'w', 4, mask);
        put(info, b'b', 8, not.into());
        Some(())
    }

    /// Whether some bits of the state or status are set: all of them compared with none, or one that is the whole.
    fn bits(&mut self, key: u32, mask: Option<&[u8]>, cmp: &cmp::Cmp<'_>) -> Option<()> {
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_ne_bytes);
        let data = number(cmp.data)?;
        // An order instead of a difference is how a match of the name `state` is written.
        let (bits, not, state) = match (mask, cmp.op) {
            (Some(mask), cmp::NEQ) if data == 0 => (number(mask)?, false, false),
            (Some(mask), cmp::EQ) if data == 0 => (number(mask)?, true, false),
            (Some(mask), cmp::GT) if data == 0 => (number(mask)?, false, true),
            (Some(mask), cmp::LTE) if data == 0 => (number(mask)?, true, true),
            (None, cmp::EQ) if data.is_power_of_two() => (data, false, false),
            (None, cmp::NEQ) if data.is_power_of_two() => (data, true, false),
            _ => return None,
        };
        if bits == 0 {
            return None;
        }
        if key == ct::STATUS {
            return match bits {
                0x10 | 0x20 | 0x30 => self.conntrack(1, not, bits << 2, 0),
                bits if bits & !15 == 0 => self.conntrack(0x40, not, 0, bits),
                _ => None,
            };
        }
        if bits & !0x4f != 0 {
            return None;
        }
        let bits = bits & 15 | (bits & 64) << 2;
        if !state {
            return self.conntrack(1, not, bits, 0);
        }
        let mut ext = Extension::named(b"state", false, self.is_v6)?.blank();
        flag(&mut ext.info, b'h', 146, 1);
        put(&mut ext.info, b'h', 148, not.into());
        put(&mut ext.info, b'h', 150, bits);
        self.spec.matches.push(ext);
        Some(())
    }

    fn conntrack(&mut self, given: u32, not: bool, state: u32, status: u32) -> Option<()> {
        let info = self.place("conntrack", &|info| get(info, b'h', 146) & (given | 0x2000) == 0)?;
        flag(info, b'h', 146, given);
        flag(info, b'h', 148, if not { given } else { 0 });
        flag(info, b'h', 150, state);
        flag(info, b'h', 152, status);
        Some(())
    }

    fn address_type(&mut self, flags: u32, kind: u32, not: bool) -> Option<()> {
        let (at, bit) = match flags & 3 {
            1 => (0, 1),
            fib::DESTINATION => (2, 2),
            _ => return None,
        };
        let interface = match flags & !3 {
            0 => 0,
            8 => 4,
            16 => 8,
            _ => return None,
        };
        let kind = if kind < 12 { 1 << kind } else { return None };
        let free = |info: &[u8]| get(info, b'h', at) == 0 && get(info, b'w', 4) & 12 == interface;
        let info = self.place("addrtype", &free)?;
        put(info, b'h', at, kind);
        flag(info, b'w', 4, interface | if not { bit } else { 0 });
        Some(())
    }

    pub(super) fn limit(&mut self, limit: &limit::Limit) -> Option<bool> {
        let unit = u32::try_from(limit.unit).ok().filter(|unit| matches!(unit, 1 | 60 | 3600 | 86400))?;
        let rate = u32::try_from(limit.rate).ok().filter(|&rate| rate > 0)?;
        let info = self.place("limit", &|_| false)?;
        put(info, b'w', 0, LIMIT_SCALE * unit / rate);
        put(info, b'w', 4, limit.burst);
        Some(!self.done)
    }

    /// A structure of a target, to be filled.
    fn aim(&mut self, name: &str, fill: &mut dyn FnMut(&mut [u8])) -> Option<bool> {
        let mut ext = Extension::named(name.as_bytes(), true, self.is_v6)?.blank();
        fill(&mut ext.info);
        Some(self.finish(Target::Ext(ext)))
    }

    pub(super) fn log(&mut self, log: &log::Log<'_>) -> Option<bool> {
        if log.level > 7 || log.flags & !0x2f != 0 || log.prefix.len() > 29 {
            return None;
        }
        self.aim("LOG", &mut |info| {
            put(info, b'b', 0, log.level);
            put(info, b'b', 1, log.flags);
            copy(info, 2, log.prefix);
        })
    }

    pub(super) fn reject(&mut self, reject: &reject::Reject) -> Option<bool> {
        let with = match (reject.kind, reject.code, self.is_v6) {
            (reject::TCP_RESET, _, is_v6) => 7 - u32::from(is_v6),
            (_, code @ 0..=3, false) | (_, code @ (0 | 1 | 3 | 4), true) => code.into(),
            (_, 9, false) => 5,
            (_, 10, false) => 6,
            (_, 13, false) => 8,
            (_, 5, true) => 7,
            (_, 6, true) => 8,
            _ => return None,
        };
        self.aim("REJECT", &mut |info| put(info, b'w', 0, with))
    }

    /// Something is set from a register.
    pub(super) fn set(&mut self, set: &Set) -> Option<bool> {
        let held = self.held(set.sreg);
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_ne_bytes);
        let mark = |info: &mut [u8], value: u32, keep: u32| {
            put(info, b'w', 0, value);
            put(info, b'w', 4, !keep);
        };
        let to = match set.key {
            Key::Meta(key) => (META, key),
            Key::Ct(key) => (CT, key),
        };
        let (value, keep) = match held {
            Held::Data(data) if to == (META, meta::PRIORITY) => {
                let class = number(data)?;
                return self.aim("CLASSIFY", &mut |info| put(info, b'w', 0, class));
            }
            Held::Data(data) => (number(data)?, 0),
            Held::Changed { of, at, keep, xor } if (of, at) == to => (xor, keep),
            Held::Load { of, at, mask: Some(mask), .. } if (of, at) == to => (0, number(mask)?),
            Held::Load { of, at, mask: None, .. } => {
                // Marks of the packet and of its connection have one number.
                let marks = (at, to.1) == (meta::MARK, ct::MARK) && of >= META && of != to.0;
                return if marks { self.copied_mark(if to.0 == CT { 1 } else { 2 }) } else { None };
            }
            _ => return None,
        };
        match to {
            (META, meta::MARK) => self.aim("MARK", &mut |info| mark(info, value, keep)),
            (CT, ct::MARK) => self.aim("CONNMARK", &mut |info| {
                mark(info, value, keep);
                put(info, b'w', 8, u32::MAX);
            }),
            _ => None,
        }
    }

    /// The mark of the packet goes to the connection (1) or back (2).
    fn copied_mark(&mut self, mode: u32) -> Option<bool> {
        self.aim("CONNMARK", &mut |info| {
            put(info, b'w', 4, u32::MAX);
            put(info, b'w', 8, u32::MAX);
            put(info, b'b', 14, mode);
        })
    }

    pub(super) fn set_mss(&mut self, sreg: u32) -> Option<bool> {
        let size = match self.held(sreg) {
            Held::Data(&[a, b]) => u16::from_be_bytes([a, b]),
            Held::RouteMss(true) => 0xffff,
            _ => return None,
        };
        self.aim("TCPMSS", &mut |info| put(info, b'h', 0, size.into()))
    }

    pub(super) fn notrack(&mut self) -> Option<bool> {
        self.aim("CT", &mut |info| put(info, b'h', 0, 1))
    }

    /// A translation; addresses and ports are in registers. `None` if those hold no constants.
    pub(super) fn translate(&mut self, expr: &Expr<'a>) -> Option<bool> {
        let (name, addrs, ports, flags) = match *expr {
            Expr::Masq(masq::Masq { flags, ports }) => ("MASQUERADE", None, ports, flags),
            Expr::Redir(redir::Redir { ports, flags }) => ("REDIRECT", None, ports, flags),
            Expr::Nat(nat::NatExpr { kind: nat::SNAT, addrs, ports, flags, .. }) => ("SNAT", addrs, ports, flags),
            Expr::Nat(nat::NatExpr { kind: nat::DNAT, addrs, ports, flags, .. }) => ("DNAT", addrs, ports, flags),
            _ => return None,
        };
        let width = if self.is_v6 { 16 } else { 4 };
        let known = Extension::named(name.as_bytes(), true, self.is_v6)?;
        let mut ext = known.blank();
        let (gap, port) = if ext.info.len() == 24 { (4, known.base + 12) } else { (16, known.base + 36) };
        // Bits of a table's words; the kernel may add those that say "addresses" and "ports".
        let mut all = flags & !3;
        let allowed = match name {
            "MASQUERADE" => 0x14,
            "SNAT" => 0x1c,
            "DNAT" => 0xc,
            _ => 4,
        };
        if all & !allowed != 0 {
            return None;
        }
        let places = [(addrs, known.base + 4, gap, width, 1), (ports, port, 2, 2, 2)];
        for (registers, at, gap, width, bit) in places {
            let Some((first, last)) = registers else { continue };
            for (register, at) in [(first, at), (last, at + gap)] {
                let Held::Data(value) = self.held(register) else { return None };
                if value.len() != width {
                    return None;
                }
                copy(&mut ext.info, at, value);
            }
            all |= bit;
        }
        put(&mut ext.info, b'w', known.base, all);
        Some(self.finish(Target::Ext(ext)))
    }
}

/// Sets bits of a number.
fn flag(info: &mut [u8], width: u8, at: usize, bits: u32) {
    let old = get(info, width, at);
    put(info, width, at, old | bits);
}
