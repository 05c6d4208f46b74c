//! Rules: added, deleted and listed. A rule is written in iptables-nft's dialect
//! (xtables extensions for NAT) or in nftables' own; both are read.

mod native;
mod read;
mod span;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE};

use super::expr::{self, bitwise, cmp, compat, counter, immediate, meta, payload};
use super::{FAMILY_IP6, message, xt};
use crate::model::nat::{Counters, Ext, IfPattern, Net, Not, Rule, Spec, Target};
use crate::wire::attr::{attrs, octets};
use crate::wire::build::{NESTED, Netfilter, Request};
pub use read::{decode, handle};

/// `NFT_MSG_NEWRULE`.
pub(super) const NEWRULE: u16 = 6;
/// `NFT_MSG_DELRULE`.
pub(super) const DELRULE: u16 = 8;
const GETRULE: u16 = 7;
/// `NFTA_RULE_TABLE`.
pub(super) const TABLE: u16 = 1;
/// `NFTA_RULE_CHAIN`.
pub(super) const CHAIN: u16 = 2;
const HANDLE: u16 = 3;
/// `NFTA_RULE_EXPRESSIONS`.
pub(super) const EXPRESSIONS: u16 = 4;
const POSITION: u16 = 6;
/// `NFTA_RULE_USERDATA`.
pub(super) const USERDATA: u16 = 7;
/// `NFTNL_UDATA_RULE_COMMENT`.
const UDATA_COMMENT: u8 = 0;
/// Behind a comment of ours that was cut: the rest. nft and iptables pass over types that they do not know.
pub(super) const UDATA_REST: u8 = 0x6e;
/// `NFTA_RULE_COMPAT`, and its parts.
const COMPAT: u16 = 5;
const COMPAT_PROTO: u16 = 1;
const COMPAT_FLAGS: u16 = 2;
/// `NFT_RULE_COMPAT_F_INV`.
const COMPAT_INVERTED: u32 = 2;
/// What iptables-nft compares with for `! -i +`, which matches nothing: no interface can have this name.
const NO_INTERFACE: &[u8] = b"INVAL/D\0";

/// The fragment's offset in the two bytes that it shares with flags.
const FRAGMENT_OFFSET: [u8; 2] = [0x1f, 0xff];

/// Which expressions a rule is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// iptables-nft's: NAT targets are xtables extensions. Needs nft_compat and the extension.
    Iptables,
    /// nftables' own. iptables-nft can neither list nor delete such a rule in its tables.
    Native,
    /// iptables-nft's but for some parts, by the bits of [`Dialect::part`], which are nftables' own.
    Mixed(u32),
}

impl Dialect {
    /// Bit of the target.
    pub const TARGET: u32 = 1 << 31;
    /// Bit of the comment.
    pub const COMMENT: u32 = 1 << 30;

    /// Bit of the match of an index; those far back share one.
    pub fn part(index: usize) -> u32 {
        1 << index.min(29)
    }

    fn is_native(self, part: u32) -> bool {
        match self {
            Dialect::Iptables => false,
            Dialect::Native => true,
            Dialect::Mixed(parts) => parts & part != 0,
        }
    }
}

/// How a kernel must be able to take a match or target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As an expression that iptables-nft writes too: no extension is needed.
    Own,
    /// As an xtables extension, else as nftables' own expressions.
    Either,
    /// Only as an xtables extension.
    Extension,
}

/// In which forms a match or target can be written.
pub fn form(ext: &Ext, target: bool, family: u8) -> Form {
    let r = &mut Request::new(0, 0);
    let is_v6 = family == FAMILY_IP6;
    if !target && native::own(r, ext, is_v6) {
        Form::Own
    } else if if target { native::target(r, ext, family) } else { native::matched(r, ext, is_v6) } {
        Form::Either
    } else {
        Form::Extension
    }
}

/// Where a new rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To the end of the chain.
    Append,
    /// To its head.
    First,
    /// Before the rule of this handle.
    Before(u64),
    /// Instead of the rule of this handle.
    Instead(u64),
}

/// Adds a rule to a chain, or puts it in the place of another one; its counter starts at `counters`.
pub fn add(
    family: u8,
    table: &[u8],
    chain: &[u8],
    place: Place,
    spec: &Spec,
    counters: Counters,
    dialect: Dialect,
) -> Request<Netfilter> {
    let flags = match place {
        Place::Append => NLM_F_CREATE | NLM_F_APPEND,
        Place::First | Place::Before(_) => NLM_F_CREATE,
        Place::Instead(_) => NLM_F_REPLACE,
    };
    let mut request = message(NEWRULE, flags, family);
    request.string(TABLE, table).string(CHAIN, chain);
    match place {
        Place::Before(handle) => request.be64(POSITION, handle),
        Place::Instead(handle) => request.be64(HANDLE, handle),
        _ => &mut request,
    };
    let list = request.begin(EXPRESSIONS | NESTED);
    expressions(&mut request, family, spec, counters, dialect);
    request.end(list);
    if let Some(Not { not, value }) = spec.protocol
        && dialect != Dialect::Native
    {
        compatible(&mut request, not, value);
    }
    if let Some(comment) = spec.comment.as_ref().filter(|_| dialect.is_native(Dialect::COMMENT)) {
        request.attr(USERDATA, &userdata(comment));
    }
    request
}

/// Puts a rule that was listed, with all its parts, in its own place again with its counter at 0.
pub fn zeroed(family: u8, table: &[u8], rule: &Rule) -> Request<Netfilter> {
    let mut request = message(NEWRULE, NLM_F_REPLACE, family);
    request.string(TABLE, table).string(CHAIN, &rule.chain).be64(HANDLE, rule.handle);
    let list = request.begin(EXPRESSIONS | NESTED);
    if let Some(all) = attrs(&rule.raw).find(EXPRESSIONS) {
        expr::with_counter(&mut request, all.nested(), Counters::default());
    }
    request.end(list);
    if let Some(userdata) = attrs(&rule.raw).find(USERDATA) {
        request.attr(USERDATA, userdata.value);
    }
    // The kernel does not list it.
    if let Some(Not { not, value }) = rule.spec.protocol {
        compatible(&mut request, not, value);
    }
    request
}

/// Appends what xtables extensions look at: the protocol that the rule says, not that of a packet.
#[inline(never)]
fn compatible(request: &mut Request<Netfilter>, not: bool, protocol: u8) {
    let start = request.begin(COMPAT | NESTED);
    request.be32(COMPAT_PROTO, protocol.into()).be32(COMPAT_FLAGS, if not { COMPAT_INVERTED } else { 0 }).end(start);
}

/// Deletes one rule.
pub fn delete(family: u8, table: &[u8], chain: &[u8], handle: u64) -> Request<Netfilter> {
    let mut request = of(DELRULE, family, table, Some(chain));
    request.be64(HANDLE, handle);
    request
}

/// Deletes all rules of a chain, or of the whole table.
pub fn flush(family: u8, table: &[u8], chain: Option<&[u8]>) -> Request<Netfilter> {
    of(DELRULE, family, table, chain)
}

/// Asks for the rules of a table, or of one of its chains; for a dump.
/// One that does not exist has no rules.
pub fn list(family: u8, table: &[u8], chain: Option<&[u8]>) -> Request<Netfilter> {
    of(GETRULE, family, table, chain)
}

fn of(kind: u16, family: u8, table: &[u8], chain: Option<&[u8]>) -> Request<Netfilter> {
    let mut request = message(kind, 0, family);
    request.string(TABLE, table);
    if let Some(chain) = chain {
        request.string(CHAIN, chain);
    }
    request
}

/// A comment as user data of a rule, chain or table.
pub(super) fn userdata(comment: &[u8]) -> Vec<u8> {
    // The kernel takes 256 bytes in all: type, length, text, NUL.
    let text = &comment[..comment.len().min(253)];
    let mut out = vec![UDATA_COMMENT, u8::try_from(text.len() + 1).unwrap_or(u8::MAX)];
    out.extend_from_slice(text);
    out.push(0);
    out
}

/// In the order that iptables-nft 1.8.9 writes them.
fn expressions(r: &mut Request<Netfilter>, family: u8, spec: &Spec, counters: Counters, dialect: Dialect) {
    interface(r, meta::IIFNAME, spec.input.as_ref());
    interface(r, meta::OIFNAME, spec.output.as_ref());
    if let Some(Not { not, value }) = spec.protocol {
        meta::encode(r, meta::Meta { key: meta::L4PROTO, dreg: expr::REG_1 });
        compare(r, not, &[value]);
    }
    address(r, false, spec.source.as_ref());
    address(r, true, spec.destination.as_ref());
    if let Some(wanted) = spec.fragment {
        load(r, payload::IP_FRAGMENT, 2);
        bitwise::encode(r, expr::REG_1, &FRAGMENT_OFFSET);
        compare(r, wanted, &[0; 2]);
    }
    let is_v6 = family == FAMILY_IP6;
    for (index, ext) in spec.matches.iter().enumerate() {
        let native = dialect.is_native(Dialect::part(index));
        let done = if native { native::matched(r, ext, is_v6) } else { native::own(r, ext, is_v6) };
        if !done {
            compat::encode_match(r, xt(ext));
        }
    }
    if let Some(comment) = spec.comment.as_ref().filter(|_| !dialect.is_native(Dialect::COMMENT)) {
        compat::encode_match(r, compat::Xt { name: b"comment", rev: 0, info: &xt::comment_info(comment) });
    }
    counter::encode(r, counters);
    target(r, family, &spec.target, dialect);
}

/// Compares the name of an interface.
#[inline(never)]
pub(super) fn interface(r: &mut Request<Netfilter>, key: u32, pattern: Option<&Not<IfPattern>>) {
    let Some(Not { not, value }) = pattern else { return };
    let name = value.name();
    meta::encode(r, meta::Meta { key, dreg: expr::REG_1 });
    if name.is_empty() {
        return compare(r, false, NO_INTERFACE);
    }
    // With its NUL the name is compared whole, without it as a beginning.
    let mut data = [0; 17];
    data[..name.len()].copy_from_slice(name);
    compare(r, *not, &data[..name.len() + usize::from(!value.wild)]);
}

/// Compares an address.
#[inline(never)]
pub(super) fn address(r: &mut Request<Netfilter>, is_destination: bool, net: Option<&Not<Net>>) {
    let Some(Not { not, value: net }) = net else { return };
    let (addr, mask) = (octets(&net.addr()), octets(&net.mask()));
    let prefix = net.prefix().map(usize::from).filter(|len| len % 8 == 0);
    // Whole bytes need no mask.
    let len = prefix.map_or(addr.len(), |len| len / 8);
    let (source, width) = if addr.len() == 4 { (payload::IP_SOURCE, 4) } else { (payload::IP6_SOURCE, 16) };
    load(r, source + if is_destination { width } else { 0 }, u32::try_from(len).unwrap_or(width));
    if prefix.is_none() {
        bitwise::encode(r, expr::REG_1, &mask);
    }
    compare(r, *not, &addr[..len]);
}

#[inline(never)]
fn load(r: &mut Request<Netfilter>, offset: u32, len: u32) {
    payload::encode(r, payload::Payload { dreg: expr::REG_1, base: payload::BASE_NETWORK, offset, len });
}

/// A rule as it is read back: iptables has one way to say what it writes alike.
pub fn settled(spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    spec.matches.iter_mut().for_each(span::settle);
    spec
}

/// Masks the first register.
fn mask(r: &mut Request<Netfilter>, by: &[u8]) {
    bitwise::encode(r, expr::REG_1, by);
}

/// Compares the first register.
#[inline(never)]
pub(super) fn compare(r: &mut Request<Netfilter>, not: bool, data: &[u8]) {
    cmp::encode(r, cmp::Cmp { sreg: expr::REG_1, op: if not { cmp::NEQ } else { cmp::EQ }, data });
}

fn target(r: &mut Request<Netfilter>, family: u8, target: &Target, dialect: Dialect) {
    let (code, chain): (i32, &[u8]) = match target {
        Target::None => return,
        Target::Ext(ext) => {
            let native = dialect.is_native(Dialect::TARGET);
            if !native || !native::target(r, ext, family) {
                compat::encode_target(r, xt(ext));
            }
            return;
        }
        Target::Accept => (immediate::ACCEPT, b""),
        Target::Drop => (immediate::DROP, b""),
        Target::Return => (immediate::RETURN, b""),
        Target::Jump(chain) => (immediate::JUMP, chain),
        Target::Goto(chain) => (immediate::GOTO, chain),
    };
    immediate::encode(r, immediate::Immediate::Verdict { code, chain });
}

fn xt(ext: &Ext) -> compat::Xt<'_> {
    compat::Xt { name: &ext.name, rev: ext.rev, info: &ext.info }
}

#[cfg(test)]
mod tests;
