//! A rule as the kernel lists it becomes a [`Rule`]: loads, masks and comparisons are
//! put together to what they match, in every dialect known. What does not fit in a
//! [`Spec`] is kept by name, so that a listing can say so.

use super::{CHAIN, EXPRESSIONS, HANDLE, NO_INTERFACE, TABLE, UDATA_COMMENT, USERDATA};
use crate::model::nat::{IfPattern, Nat, NatFlags, NatKind, Net, Not, Rule, Spec, Target};
use crate::wire::attr::Attr;
use crate::wire::nft::expr::{self, Expr, cmp, immediate, meta, nat, payload};
use crate::wire::nft::{NFGENMSG, xt};
use crate::wire::reply::Frame;
use std::net::Ipv4Addr;

const REPLY: u16 = 0x0a06;

/// Reads one rule of a dump; `None` if it is another table's.
pub fn decode(frame: &Frame<'_>, table: &[u8]) -> Option<Rule> {
    let attrs = frame.attrs(NFGENMSG);
    if frame.kind != REPLY || attrs.clone().find(TABLE)?.bytes_to_nul() != table {
        return None;
    }
    let mut reader = Reader::default();
    for expr in expr::decode_all(attrs.clone().find(EXPRESSIONS)?.nested()) {
        reader.take(&expr);
    }
    reader.comment(attrs.clone().find(USERDATA));
    Some(Rule {
        chain: attrs.clone().find(CHAIN)?.bytes_to_nul().to_vec(),
        handle: handle(&attrs.find(HANDLE)?)?,
        spec: reader.spec,
        counters: reader.counters,
        unknown: reader.unknown,
    })
}

/// A rule's handle from its attribute.
pub fn handle(attr: &Attr<'_>) -> Option<u64> {
    attr.value.get(..8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes)
}

/// What a register holds.
#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    Packet { offset: u32, len: u32, mask: Option<&'a [u8]> },
    Meta(u32),
    Data(&'a [u8]),
}

#[derive(Default)]
struct Reader<'a> {
    held: Vec<(u32, Held<'a>)>,
    spec: Spec,
    counters: Option<crate::model::nat::Counters>,
    unknown: Vec<String>,
    done: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, expr: &Expr<'a>) {
        let known = match *expr {
            Expr::Payload(p) if p.base == payload::BASE_NETWORK => {
                self.hold(p.dreg, Held::Packet { offset: p.offset, len: p.len, mask: None })
            }
            Expr::Meta(m) => self.hold(m.dreg, Held::Meta(m.key)),
            Expr::Bitwise(b) => self.mask(b.reg, b.mask),
            Expr::Cmp(c) => self.compare(&c),
            Expr::Counter(counters) => {
                self.counters = Some(counters);
                Some(())
            }
            Expr::Immediate(immediate::Immediate::Data { dreg, value }) => self.hold(dreg, Held::Data(value)),
            Expr::Immediate(immediate::Immediate::Verdict { code, chain }) => {
                verdict(code, chain).and_then(|t| self.finish(t))
            }
            Expr::Masq(m) => {
                self.ports(m.ports).and_then(|ports| self.translate(NatKind::Masquerade, None, ports, m.flags))
            }
            Expr::Nat(n) => self.nat(&n),
            Expr::Target(x) => xt::nat(x.name, x.rev, x.info).and_then(|nat| self.finish(Target::Nat(nat))),
            Expr::Match(x) if x.name == b"comment" && x.rev == 0 => {
                let end = x.info.iter().position(|&b| b == 0).unwrap_or(x.info.len());
                put(&mut self.spec.comment, x.info[..end].to_vec())
            }
            _ => None,
        };
        if known.is_none() {
            self.unknown.push(title(expr));
            // It may have written any register.
            self.held.clear();
        }
    }

    /// Notes what a register holds. Nothing here may follow the target.
    fn hold(&mut self, reg: u32, held: Held<'a>) -> Option<()> {
        self.held.retain(|entry| entry.0 != reg);
        self.held.push((reg, held));
        (!self.done).then_some(())
    }

    fn held(&self, reg: u32) -> Option<Held<'a>> {
        self.held.iter().find(|entry| entry.0 == reg).map(|entry| entry.1)
    }

    fn mask(&mut self, reg: u32, by: &'a [u8]) -> Option<()> {
        let Held::Packet { offset, len, mask: None } = self.held(reg)? else { return None };
        self.hold(reg, Held::Packet { offset, len, mask: Some(by) })
    }

    fn compare(&mut self, cmp: &cmp::Cmp<'a>) -> Option<()> {
        let not = match cmp.op {
            cmp::EQ => false,
            cmp::NEQ => true,
            _ => return None,
        };
        match self.held(cmp.sreg)? {
            Held::Packet { offset: payload::IP_PROTOCOL, mask: None, .. } | Held::Meta(meta::L4PROTO) => {
                let [value] = *cmp.data else { return None };
                put(&mut self.spec.protocol, Not { not, value })
            }
            Held::Meta(meta::IIFNAME) => put(&mut self.spec.input, interface(not, cmp.data)),
            Held::Meta(meta::OIFNAME) => put(&mut self.spec.output, interface(not, cmp.data)),
            Held::Packet { offset, len, mask } => self.addresses(offset, len, mask, cmp.data, not),
            _ => None,
        }
    }

    /// Addresses, whole or in part; nft joins a source and a destination to one load of 8 bytes.
    fn addresses(&mut self, offset: u32, len: u32, mask: Option<&[u8]>, data: &[u8], not: bool) -> Option<()> {
        let len = usize::try_from(len).ok().filter(|&len| len == data.len() && len > 0)?;
        let first = usize::try_from(offset.checked_sub(payload::IP_SOURCE)?).ok()?;
        // Bytes 12 to 20 of the header: source, destination.
        let (mut addr, mut bits) = ([0u8; 8], [0u8; 8]);
        addr.get_mut(first..first + len)?.copy_from_slice(data);
        match mask {
            Some(mask) => bits.get_mut(first..first + len)?.copy_from_slice(mask.get(..len)?),
            None => bits.get_mut(first..first + len)?.fill(0xff),
        }
        let net = |at: usize| {
            let mask = Ipv4Addr::new(bits[at], bits[at + 1], bits[at + 2], bits[at + 3]);
            Net::new(Ipv4Addr::new(addr[at], addr[at + 1], addr[at + 2], addr[at + 3]), mask)
        };
        let (source, destination) = (first < 4, first + len > 4);
        // "Not both" is no rule of iptables; and bits outside the mask never match.
        if (source && destination && not) || addr.iter().zip(&bits).any(|(a, b)| a & !b != 0) {
            return None;
        }
        if source {
            put(&mut self.spec.source, Not { not, value: net(0) })?;
        }
        if destination {
            put(&mut self.spec.destination, Not { not, value: net(4) })?;
        }
        Some(())
    }

    fn nat(&mut self, nat: &nat::NatExpr) -> Option<()> {
        let kind = match nat.kind {
            nat::SNAT => NatKind::Snat,
            nat::DNAT => NatKind::Dnat,
            _ => return None,
        };
        let addr = |reg| match self.held(reg) {
            Some(Held::Data(value)) => <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from),
            _ => None,
        };
        let addrs = match nat.addrs {
            Some((min, max)) => Some((addr(min)?, addr(max)?)),
            None => None,
        };
        let ports = self.ports(nat.ports)?;
        self.translate(kind, addrs, ports, nat.flags)
    }

    /// Ports that registers hold; the outer `None` if they are not constants.
    #[allow(clippy::option_option)]
    fn ports(&self, registers: Option<(u32, u32)>) -> Option<Option<(u16, u16)>> {
        let Some((min, max)) = registers else { return Some(None) };
        let port = |reg| match self.held(reg) {
            Some(Held::Data(&[high, low, ..])) => Some(u16::from_be_bytes([high, low])),
            _ => None,
        };
        Some(Some((port(min)?, port(max)?)))
    }

    fn translate(
        &mut self,
        kind: NatKind,
        addrs: Option<(Ipv4Addr, Ipv4Addr)>,
        ports: Option<(u16, u16)>,
        flags: u32,
    ) -> Option<()> {
        // The kernel may add the bits that say "addresses" and "ports" (1, 2).
        let flags = NatFlags::from_bits(flags & !3)?;
        self.finish(Target::Nat(Nat { kind, addrs, ports, flags }))
    }

    fn finish(&mut self, target: Target) -> Option<()> {
        let first = !self.done;
        self.done = true;
        first.then(|| self.spec.target = target)
    }

    /// The comment in the user data, a list of type, length, value.
    fn comment(&mut self, userdata: Option<Attr<'_>>) {
        let mut rest = userdata.map(|u| u.value).unwrap_or_default();
        while let [kind, len, tail @ ..] = rest {
            let Some((value, next)) = tail.split_at_checked(usize::from(*len)) else { return };
            if *kind == UDATA_COMMENT {
                let text = Attr { kind: 0, value }.bytes_to_nul().to_vec();
                if put(&mut self.spec.comment, text).is_none() {
                    self.unknown.push("second comment".into());
                }
            }
            rest = next;
        }
    }
}

/// Fills an empty place; a second condition of the same sort does not fit in a [`Spec`].
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

fn interface(not: bool, data: &[u8]) -> Not<IfPattern> {
    let end = data.iter().position(|&b| b == 0);
    let name = &data[..end.unwrap_or(data.len())];
    if name == NO_INTERFACE && !not {
        return Not { not: true, value: IfPattern { name: Vec::new(), wild: true } };
    }
    // No NUL, and shorter than a whole name can be: a beginning.
    Not { not, value: IfPattern { name: name.to_vec(), wild: end.is_none() && data.len() < 16 } }
}

fn verdict(code: i32, chain: &[u8]) -> Option<Target> {
    Some(match code {
        immediate::ACCEPT => Target::Accept,
        immediate::DROP => Target::Drop,
        immediate::RETURN => Target::Return,
        immediate::JUMP => Target::Jump(chain.to_vec()),
        immediate::GOTO => Target::Goto(chain.to_vec()),
        _ => return None,
    })
}

/// What an expression is called where it cannot be shown.
fn title(expr: &Expr<'_>) -> String {
    let (word, name): (&str, &[u8]) = match expr {
        Expr::Payload(_) => ("payload", b""),
        Expr::Cmp(_) => ("cmp", b""),
        Expr::Bitwise(_) => ("bitwise", b""),
        Expr::Meta(_) => ("meta", b""),
        Expr::Counter(_) => ("counter", b""),
        Expr::Immediate(_) => ("immediate", b""),
        Expr::Masq(_) => ("masq", b""),
        Expr::Nat(_) => ("nat", b""),
        Expr::Match(xt) => ("match ", xt.name),
        Expr::Target(xt) => ("target ", xt.name),
        Expr::Other(name) => ("", name),
    };
    format!("{word}{}", crate::model::name::printable(name))
}
