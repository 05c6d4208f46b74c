//! A rule as the kernel lists it becomes a [`Rule`]: loads, masks and comparisons are
//! put together to what they match, in every dialect known. What does not fit in a
//! [`Spec`] is kept by name, so that a listing can say so.

mod ext;

use super::{CHAIN, EXPRESSIONS, FRAGMENT_OFFSET, HANDLE, NO_INTERFACE, TABLE, UDATA_COMMENT, UDATA_REST, USERDATA};
use crate::model::name::printable;
use crate::model::nat::{IfPattern, Net, Not, Rule, Spec, Target};
use crate::model::translation::key::CUT;
use crate::wire::attr::{Attr, Fields, attrs, to_nul};
use crate::wire::nft::expr::{self, Expr, bitwise, cmp, fib, immediate, meta, payload};
use crate::wire::nft::{FAMILY_IP6, NFGENMSG};
use crate::wire::reply::Frame;

const REPLY: u16 = 0x0a06;

/// Reads one rule of a dump; `None` if it is another table's.
pub fn decode(frame: &Frame<'_>, table: &[u8]) -> Option<Rule> {
    let fields = Fields::new(frame.payload.get(NFGENMSG..)?);
    if frame.kind != REPLY || fields.string(TABLE) != table {
        return None;
    }
    let is_v6 = frame.payload.first() == Some(&FAMILY_IP6);
    let mut reader = Reader { is_v6, ..Reader::default() };
    for (name, expr) in expr::decode_all(attrs(fields.bytes[usize::from(EXPRESSIONS)])) {
        if !reader.take(&expr) {
            let extension: &[u8] = if let Expr::Match(xt) | Expr::Target(xt) = &expr { xt.name } else { b"" };
            reader.not_known(name, extension);
            // It may have written any register.
            reader.held.fill(Held::Nothing);
        }
    }
    reader.comment(fields.bytes[usize::from(USERDATA)]);
    reader.last_comment();
    Some(Rule {
        chain: fields.string(CHAIN).to_vec(),
        // A rule that is yet to be sent has none.
        handle: fields.be64(HANDLE).unwrap_or_default(),
        spec: reader.spec,
        counters: reader.counters,
        raw: Vec::new(),
        unknown: reader.unknown,
    })
}

/// A rule's handle from its attribute.
pub fn handle(attr: &Attr<'_>) -> Option<u64> {
    attr.be64()
}

/// Where something is loaded from, beside the bases of the packet (`NFT_PAYLOAD_*`, from 0).
const META: u32 = 16;
const CT: u32 = 17;

/// What a register holds.
#[derive(Debug, Clone, Copy, Default)]
enum Held<'a> {
    #[default]
    Nothing,
    /// Something loaded: `at` an offset from a base of the packet, or a key of [`META`] or [`CT`].
    Load {
        of: u32,
        at: u32,
        len: u32,
        mask: Option<&'a [u8]>,
    },
    Fib {
        flags: u32,
    },
    /// A mark of which some bits are kept and some turned over.
    Changed {
        of: u32,
        at: u32,
        keep: u32,
        xor: u32,
    },
    /// The route's segment size, and whether it is in network byte order.
    RouteMss(bool),
    Data(&'a [u8]),
}

/// Registers that a rule can name: 16 bytes each from 1, 4 bytes each from 8.
const REGISTERS: usize = 24;

#[derive(Default)]
struct Reader<'a> {
    is_v6: bool,
    held: [Held<'a>; REGISTERS],
    spec: Spec,
    counters: Option<crate::model::nat::Counters>,
    unknown: String,
    done: bool,
}

impl<'a> Reader<'a> {
    /// Notes one expression; false if the spec cannot tell of it.
    fn take(&mut self, expr: &Expr<'a>) -> bool {
        let told = match expr {
            Expr::Payload(p) => {
                let &payload::Payload { dreg, base, offset, len } = p;
                return self.hold(dreg, Held::Load { of: base, at: offset, len, mask: None });
            }
            Expr::Meta(m) => return self.hold(m.dreg, Held::Load { of: META, at: m.key, len: 0, mask: None }),
            Expr::Ct(c) => return self.hold(c.dreg, Held::Load { of: CT, at: c.key, len: 0, mask: None }),
            Expr::Fib(f) if f.result == fib::ADDRTYPE => return self.hold(f.dreg, Held::Fib { flags: f.flags }),
            Expr::Bitwise(b) => return self.mask(b.reg, b.mask),
            Expr::Changed(c) => return self.changed(c),
            Expr::Cmp(c) => self.compare(c),
            Expr::Range(r) => self.range(r),
            Expr::Counter(counters) => {
                self.counters = Some(*counters);
                return true;
            }
            Expr::Immediate(immediate::Immediate::Data { dreg, value }) => return self.hold(*dreg, Held::Data(value)),
            Expr::Immediate(immediate::Immediate::Verdict { code, chain }) => return self.verdict(*code, chain),
            Expr::Masq(_) | Expr::Nat(_) | Expr::Redir(_) => self.translate(expr),
            Expr::Target(x) => self.targeted(x),
            Expr::Match(x) => self.matched(x),
            Expr::Limit(l) => self.limit(l),
            Expr::Log(l) => self.log(l),
            Expr::Reject(r) => self.reject(r),
            Expr::Set(s) => self.set(s),
            Expr::RouteMss(reg) => return self.hold(*reg, Held::RouteMss(false)),
            Expr::Order(reg) if matches!(self.held(*reg), Held::RouteMss(false)) => {
                return self.hold(*reg, Held::RouteMss(true));
            }
            Expr::SetMss(reg) => self.set_mss(*reg),
            Expr::Notrack => self.notrack(),
            _ => None,
        };
        told.unwrap_or(false)
    }

    /// Notes the name of an expression, and of the extension in it, if there is one.
    #[inline(never)]
    fn not_known(&mut self, name: &[u8], extension: &[u8]) {
        let between = if self.unknown.is_empty() { "" } else { ", " };
        // The kernel names all of them.
        let name = if name.is_empty() { "unnamed".to_owned() } else { printable(name) };
        let space = if extension.is_empty() { "" } else { " " };
        self.unknown = [&self.unknown, between, &name, space, &printable(extension)].concat();
    }

    /// Notes what a register holds. Nothing here may follow the target.
    #[inline(never)]
    fn hold(&mut self, reg: u32, held: Held<'a>) -> bool {
        if let Some(place) = usize::try_from(reg).ok().and_then(|reg| self.held.get_mut(reg)) {
            *place = held;
        }
        !self.done
    }

    #[inline(never)]
    fn held(&self, reg: u32) -> Held<'a> {
        usize::try_from(reg).ok().and_then(|reg| self.held.get(reg)).copied().unwrap_or_default()
    }

    fn mask(&mut self, reg: u32, by: &'a [u8]) -> bool {
        let Held::Load { of, at, len, mask: None } = self.held(reg) else { return false };
        self.hold(reg, Held::Load { of, at, len, mask: Some(by) })
    }

    fn changed(&mut self, changed: &bitwise::Changed) -> bool {
        match self.held(changed.reg) {
            Held::Load { of: of @ (META | CT), at, mask: None, .. } => {
                self.hold(changed.reg, Held::Changed { of, at, keep: changed.mask, xor: changed.xor })
            }
            _ => false,
        }
    }

    fn compare(&mut self, cmp: &cmp::Cmp<'a>) -> Option<bool> {
        let not = cmp.op == cmp::NEQ;
        let held = self.held(cmp.sreg);
        if not || cmp.op == cmp::EQ {
            match held {
                Held::Load { of: META, at: meta::L4PROTO, mask: None, .. } => return self.protocol(not, cmp.data),
                Held::Load { of: payload::BASE_NETWORK, at: payload::IP_PROTOCOL, mask: None, .. } if !self.is_v6 => {
                    return self.protocol(not, cmp.data);
                }
                Held::Load { of: payload::BASE_NETWORK, at: payload::IP_FRAGMENT, mask: Some(mask), .. }
                    if !self.is_v6 && *mask == FRAGMENT_OFFSET && *cmp.data == [0; 2] =>
                {
                    return Some(put(&mut self.spec.fragment, not) && !self.done);
                }
                Held::Load { of: META, at: meta::IIFNAME, mask: None, .. } => {
                    return Some(put(&mut self.spec.input, interface(not, cmp.data)?));
                }
                Held::Load { of: META, at: meta::OIFNAME, mask: None, .. } => {
                    return Some(put(&mut self.spec.output, interface(not, cmp.data)?));
                }
                Held::Load { of: payload::BASE_NETWORK, at: offset, len, mask } => {
                    if let Some(told) = self.addresses(offset, len, mask, cmp.data, not) {
                        return Some(told);
                    }
                }
                _ => {}
            }
        }
        self.compare_more(held, cmp)
    }

    fn protocol(&mut self, not: bool, data: &[u8]) -> Option<bool> {
        let [value] = *data else { return None };
        Some(put(&mut self.spec.protocol, Not { not, value }))
    }

    /// Addresses, whole or in part; nft joins a source and a destination to one load of 8 bytes.
    fn addresses(&mut self, offset: u32, len: u32, mask: Option<&[u8]>, data: &[u8], not: bool) -> Option<bool> {
        let len = usize::try_from(len).ok().filter(|&len| len == data.len() && len > 0)?;
        let (start, width) = if self.is_v6 { (payload::IP6_SOURCE, 16) } else { (payload::IP_SOURCE, 4) };
        let first = usize::try_from(offset.checked_sub(start)?).ok()?;
        // That part of the header: source, destination.
        let (mut addr, mut bits) = ([0u8; 32], [0u8; 32]);
        let (addr, bits) = (&mut addr[..2 * width], &mut bits[..2 * width]);
        addr.get_mut(first..first + len)?.copy_from_slice(data);
        match mask {
            Some(mask) => bits.get_mut(first..first + len)?.copy_from_slice(mask.get(..len)?),
            None => bits.get_mut(first..first + len)?.fill(0xff),
        }
        // "Not both" is no rule of iptables; and bits outside the mask never match.
        let (source, destination) = (first < width, first + len > width);
        if (source && destination && not) || addr.iter().zip(&*bits).any(|(addr, bits)| addr & !bits != 0) {
            return None;
        }
        let (from, to) = (net(not, &addr[..width], &bits[..width])?, net(not, &addr[width..], &bits[width..])?);
        Some((!source || put(&mut self.spec.source, from)) && (!destination || put(&mut self.spec.destination, to)))
    }

    fn verdict(&mut self, code: i32, chain: &[u8]) -> bool {
        self.finish(match code {
            immediate::ACCEPT => Target::Accept,
            immediate::DROP => Target::Drop,
            immediate::RETURN => Target::Return,
            immediate::JUMP => Target::Jump(chain.to_vec()),
            immediate::GOTO => Target::Goto(chain.to_vec()),
            _ => return false,
        })
    }

    #[inline(never)]
    fn finish(&mut self, target: Target) -> bool {
        let first = !self.done;
        self.done = true;
        if first {
            self.spec.target = target;
        }
        first
    }

    /// The comment in the user data, a list of type, length, value.
    fn comment(&mut self, userdata: &[u8]) {
        let mut rest = userdata;
        while let [kind, len, tail @ ..] = rest {
            let Some((value, next)) = tail.split_at_checked(usize::from(*len)) else { return };
            if *kind == UDATA_COMMENT && !self.remark(to_nul(value)) {
                self.not_known(b"second comment", b"");
            }
            if let (UDATA_REST, Some(comment)) = (*kind, &mut self.spec.comment) {
                comment.truncate(CUT);
                comment.extend_from_slice(value);
            }
            rest = next;
        }
    }

    /// A comment that stands last is the same whether it is a match or beside the expressions.
    fn last_comment(&mut self) {
        let spec = &mut self.spec;
        if spec.comment.is_none()
            && let Some(last) = spec.matches.pop_if(|last| last.name == b"comment")
        {
            spec.comment = Some(to_nul(&last.info).to_vec());
        }
    }

    #[inline(never)]
    fn remark(&mut self, text: &[u8]) -> bool {
        put(&mut self.spec.comment, text.to_vec())
    }
}

/// An address and its mask.
#[inline(never)]
fn net(not: bool, addr: &[u8], mask: &[u8]) -> Option<Not<Net>> {
    let ip = |value| Attr { kind: 0, value }.ip();
    Some(Not { not, value: Net::new(ip(addr)?, ip(mask)?) })
}

/// Fills an empty place; a second condition of the same sort does not fit in a [`Spec`].
fn put<T>(place: &mut Option<T>, value: T) -> bool {
    let empty = place.is_none();
    if empty {
        *place = Some(value);
    }
    empty
}

#[inline(never)]
fn interface(not: bool, data: &[u8]) -> Option<Not<IfPattern>> {
    let name = to_nul(data);
    if name == to_nul(NO_INTERFACE) && !not {
        return Some(Not { not: true, value: IfPattern::new(b"", true)? });
    }
    // No NUL, and shorter than a whole name can be: a beginning.
    Some(Not { not, value: IfPattern::new(name, name.len() == data.len() && data.len() < 16)? })
}
