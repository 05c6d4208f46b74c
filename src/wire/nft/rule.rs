//! Rules: added, deleted and listed. A rule is written in iptables-nft's dialect
//! (xtables extensions for NAT) or in nftables' own; both are read.

mod read;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};

use super::expr::{self, bitwise, cmp, compat, counter, immediate, masq, meta, nat, payload};
use super::{FAMILY_IP, message, xt};
use crate::model::nat::{Counters, Ext, IfPattern, Nat, NatKind, Net, Not, Spec, Target};
use crate::wire::attr::octets;
use crate::wire::build::{NESTED, Netfilter, Request};
pub use read::{decode, handle};

/// `NFT_MSG_NEWRULE`.
pub(super) const NEWRULE: u16 = 6;
/// `NFT_MSG_DELRULE`.
pub(super) const DELRULE: u16 = 8;
const GETRULE: u16 = 7;
const TABLE: u16 = 1;
const CHAIN: u16 = 2;
const HANDLE: u16 = 3;
/// `NFTA_RULE_EXPRESSIONS`.
pub(super) const EXPRESSIONS: u16 = 4;
const POSITION: u16 = 6;
const USERDATA: u16 = 7;
/// `NFTNL_UDATA_RULE_COMMENT`.
const UDATA_COMMENT: u8 = 0;
/// Longest comment kept as user data: nft lists longer ones but refuses to load them again.
const COMMENT_MAX: usize = 127;
/// What iptables-nft compares with for `! -i +`, which matches nothing: no interface can have this name.
const NO_INTERFACE: &[u8] = b"INVAL/D\0";

/// Which expressions a rule is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// iptables-nft's: NAT targets are xtables extensions. Needs nft_compat and the extension.
    Iptables,
    /// nftables' own. iptables-nft can neither list nor delete such a rule in its tables.
    Native,
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
}

/// Adds a rule to a chain.
pub fn add(family: u8, table: &[u8], chain: &[u8], place: Place, spec: &Spec, dialect: Dialect) -> Request<Netfilter> {
    let append = if place == Place::Append { NLM_F_APPEND } else { 0 };
    let mut request = message(NEWRULE, NLM_F_CREATE | append, family);
    request.string(TABLE, table).string(CHAIN, chain);
    if let Place::Before(handle) = place {
        request.be64(POSITION, handle);
    }
    let list = request.begin(EXPRESSIONS | NESTED);
    expressions(&mut request, spec, dialect);
    request.end(list);
    if let Some(comment) = spec.comment.as_ref().filter(|c| !as_match(c, dialect)) {
        request.attr(USERDATA, &userdata(comment));
    }
    request
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
pub fn list(table: &[u8], chain: Option<&[u8]>) -> Request<Netfilter> {
    of(GETRULE, FAMILY_IP, table, chain)
}

fn of(kind: u16, family: u8, table: &[u8], chain: Option<&[u8]>) -> Request<Netfilter> {
    let mut request = message(kind, 0, family);
    request.string(TABLE, table);
    if let Some(chain) = chain {
        request.string(CHAIN, chain);
    }
    request
}

/// Whether a comment must be an xtables match: too long for user data that nft can load.
fn as_match(comment: &[u8], dialect: Dialect) -> bool {
    comment.len() > COMMENT_MAX && dialect == Dialect::Iptables
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
fn expressions(r: &mut Request<Netfilter>, spec: &Spec, dialect: Dialect) {
    interface(r, meta::IIFNAME, spec.input.as_ref());
    interface(r, meta::OIFNAME, spec.output.as_ref());
    if let Some(Not { not, value }) = spec.protocol {
        load(r, payload::IP_PROTOCOL, 1);
        compare(r, not, &[value]);
    }
    address(r, payload::IP_SOURCE, spec.source);
    address(r, payload::IP_DESTINATION, spec.destination);
    for ext in &spec.matches {
        compat::encode_match(r, xt(ext));
    }
    if let Some(comment) = spec.comment.as_ref().filter(|c| as_match(c, dialect)) {
        compat::encode_match(r, compat::Xt { name: b"comment", rev: 0, info: &xt::comment_info(comment) });
    }
    counter::encode(r, Counters::default());
    target(r, &spec.target, dialect);
}

#[inline(never)]
fn interface(r: &mut Request<Netfilter>, key: u32, pattern: Option<&Not<IfPattern>>) {
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

#[inline(never)]
fn address(r: &mut Request<Netfilter>, offset: u32, net: Option<Not<Net>>) {
    let Some(Not { not, value: net }) = net else { return };
    let prefix = net.prefix().map(usize::from).filter(|len| len % 8 == 0);
    // Whole bytes need no mask.
    let len = prefix.map_or(4, |len| len / 8);
    load(r, offset, u32::try_from(len).unwrap_or(4));
    if prefix.is_none() {
        bitwise::encode(r, expr::REG_1, net.mask().octets());
    }
    compare(r, not, &net.addr().octets()[..len]);
}

#[inline(never)]
fn load(r: &mut Request<Netfilter>, offset: u32, len: u32) {
    payload::encode(r, payload::Payload { dreg: expr::REG_1, base: payload::BASE_NETWORK, offset, len });
}

#[inline(never)]
fn compare(r: &mut Request<Netfilter>, not: bool, data: &[u8]) {
    cmp::encode(r, cmp::Cmp { sreg: expr::REG_1, op: if not { cmp::NEQ } else { cmp::EQ }, data });
}

fn target(r: &mut Request<Netfilter>, target: &Target, dialect: Dialect) {
    let (code, chain): (i32, &[u8]) = match target {
        Target::None => return,
        Target::Ext(ext) => {
            return match xt::nat(ext, false) {
                Some(nat) if dialect == Dialect::Native => native(r, &nat),
                _ => compat::encode_target(r, xt(ext)),
            };
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

/// Masquerade and SNAT; addresses only, as they are all that is written yet.
fn native(r: &mut Request<Netfilter>, nat: &Nat) {
    let flags = nat.flags.bits();
    if nat.kind == NatKind::Masquerade {
        return masq::encode(r, masq::Masq { flags, ports: None });
    }
    let addrs = nat.addrs.map(|(min, max)| {
        let mut last = expr::REG_1;
        immediate::encode(r, immediate::Immediate::Data { dreg: expr::REG_1, value: &octets(&min) });
        if max != min {
            last = expr::REG_2;
            immediate::encode(r, immediate::Immediate::Data { dreg: last, value: &octets(&max) });
        }
        (expr::REG_1, last)
    });
    let kind = if nat.kind == NatKind::Dnat { nat::DNAT } else { nat::SNAT };
    nat::encode(r, nat::NatExpr { kind, family: u32::from(FAMILY_IP), addrs, ports: None, flags });
}

#[cfg(test)]
mod tests;
