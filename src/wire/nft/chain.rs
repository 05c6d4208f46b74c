//! Chains: base chains on a netfilter hook are created, and the chains of a table are listed.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{NFGENMSG, expr::counter, message};
use crate::model::nat::{Base, Chain, Counters};
use crate::wire::attr::Fields;
use crate::wire::build::{NESTED, Netfilter, Request};
use crate::wire::reply::Frame;

/// `NFT_MSG_NEWCHAIN`.
pub(super) const NEWCHAIN: u16 = 3;
/// `NFT_MSG_DELCHAIN`.
pub(super) const DELCHAIN: u16 = 5;
/// `NLM_F_NONREC`: not with its rules.
const NLM_F_NONREC: u16 = 0x100;
const REPLY: u16 = 0x0a03;
const GETCHAIN: u16 = 4;
const TABLE: u16 = 1;
const HANDLE: u16 = 2;
const NAME: u16 = 3;
const HOOK: u16 = 4;
const POLICY: u16 = 5;
const USE: u16 = 6;
const TYPE: u16 = 7;
const COUNTERS: u16 = 8;
const HOOK_NUM: u16 = 1;
const HOOK_PRIORITY: u16 = 2;

/// Creates a base chain, unless it exists with the same hook, priority and type.
pub fn create(family: u8, table: &[u8], name: &[u8], base: &Base) -> Request<Netfilter> {
    let mut request = message(NEWCHAIN, NLM_F_CREATE, family);
    request.string(TABLE, table).string(NAME, name);
    let hook = request.begin(HOOK | NESTED);
    request.be32(HOOK_NUM, base.hook).be32(HOOK_PRIORITY, base.priority.cast_unsigned()).end(hook);
    // NF_DROP is 0, NF_ACCEPT is 1.
    request.be32(POLICY, u32::from(base.accept)).string(TYPE, base.kind.as_bytes());
    request
}

/// Sets policy and counters of a base chain, which is created where it is not there.
pub fn set(family: u8, table: &[u8], name: &[u8], base: &Base, counters: Counters) -> Request<Netfilter> {
    let mut request = create(family, table, name, base);
    let outer = request.begin(COUNTERS | NESTED);
    counter::values(&mut request, counters);
    request.end(outer);
    request
}

/// Creates a user's chain; `EEXIST` if it is there already.
pub fn create_user(family: u8, table: &[u8], name: &[u8]) -> Request<Netfilter> {
    let mut request = message(NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, family);
    request.string(TABLE, table).string(NAME, name);
    request
}

/// Gives the chain of a handle another name.
pub fn rename(family: u8, table: &[u8], handle: u64, name: &[u8]) -> Request<Netfilter> {
    let mut request = message(NEWCHAIN, 0, family);
    request.string(TABLE, table).be64(HANDLE, handle).string(NAME, name);
    request
}

/// Deletes a chain that is empty; `EBUSY` if it is not, or if rules lead to it.
pub fn delete(family: u8, table: &[u8], name: &[u8]) -> Request<Netfilter> {
    let mut request = message(DELCHAIN, NLM_F_NONREC, family);
    request.string(TABLE, table).string(NAME, name);
    request
}

/// Name of the chain of a message, and the policy (whether it accepts) if it has one.
pub(super) fn name_and_policy<'a>(fields: &Fields<'a>) -> (&'a [u8], Option<bool>) {
    let policy = !fields.bytes[usize::from(POLICY)].is_empty();
    (fields.string(NAME), policy.then(|| fields.be32[usize::from(POLICY)] != 0))
}

/// Asks for the chains of all tables of a family; for a dump.
pub fn list(family: u8) -> Request<Netfilter> {
    message(GETCHAIN, 0, family)
}

/// Types of base chains; iptables works with the first.
const TYPES: &[&str] = &["nat", "filter", "route"];

/// Reads one chain of a dump; `None` if it is another table's.
pub fn decode(frame: &Frame<'_>, table: &[u8]) -> Option<Chain> {
    let fields = Fields::new(frame.payload.get(NFGENMSG..)?);
    if frame.kind != REPLY || fields.string(TABLE) != table {
        return None;
    }
    let kind = fields.string(TYPE);
    let hook = fields.nested(HOOK);
    let base = (!kind.is_empty() && hook.numbers_to(2)).then(|| Base {
        kind: TYPES.iter().find(|name| name.as_bytes() == kind).copied().unwrap_or_default(),
        hook: hook.be32[usize::from(HOOK_NUM)],
        priority: hook.be32[usize::from(HOOK_PRIORITY)].cast_signed(),
        // A policy that is not told is the default one; the kernel tells that of every base chain.
        accept: fields.be32[usize::from(POLICY)] != 0 || fields.bytes[usize::from(POLICY)].is_empty(),
    });
    let counters = fields.bytes[usize::from(COUNTERS)];
    Some(Chain {
        name: fields.string(NAME).to_vec(),
        handle: fields.be64(HANDLE).unwrap_or_default(),
        base,
        uses: fields.be32[usize::from(USE)],
        counters: (!counters.is_empty()).then(|| counter::decode(&Fields::new(counters))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;

    fn postrouting() -> Base {
        Base { kind: "nat", hook: 4, priority: 100, accept: true }
    }

    #[test]
    fn base_chains_as_captured() {
        let hex = |request: Request<Netfilter>, seq| -> String {
            request.seal(seq, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
        };
        let pre = Base { hook: 0, priority: -100, ..postrouting() };
        assert_eq!(
            hex(create(2, b"netstrap", b"prerouting", &pre), 5),
            "58000000030a01040500000000000000020000000d0001006e65747374726170000000000f000300707265726f7574696e67000014000480080001000000000008000200ffffff9c0800050000000001080007006e617400"
        );
        assert_eq!(
            hex(create(2, b"netstrap", b"postrouting", &postrouting()), 6),
            "58000000030a01040600000000000000020000000d0001006e657473747261700000000010000300706f7374726f7574696e670014000480080001000000000408000200000000640800050000000001080007006e617400"
        );
    }

    #[test]
    fn what_is_encoded_decodes() {
        let bytes = create(2, b"nat", b"POSTROUTING", &postrouting()).seal(1, 0).unwrap();
        let frame = frames(&bytes).next().unwrap();
        let chain = decode(&frame, b"nat").unwrap();
        let expected =
            Chain { name: b"POSTROUTING".to_vec(), handle: 0, base: Some(postrouting()), uses: 0, counters: None };
        assert_eq!(chain, expected);
        assert_eq!(decode(&frame, b"filter"), None);
    }
}
