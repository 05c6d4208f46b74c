//! Rules of policy routing on the wire: `RTM_NEWRULE`, `RTM_DELRULE`, `RTM_GETRULE`.
//! Source: `linux/fib_rules.h`.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::attr::{Attr, u16_at, u32_at};
use super::build::{Request, Route};
use super::query::Query;
use super::reply::Frame;
use crate::model::ip::{Family, Prefix};
use crate::model::route::RouteKind;
use crate::model::rule::{
    RULE_GOTO, RULE_IP_PROTOCOL, RULE_L3MDEV, RULE_MARK, RULE_MASK, RULE_PRIORITY, RULE_PROTOCOL, RULE_REALMS,
    RULE_SUPPRESS_GROUP, RULE_SUPPRESS_PREFIX, Rule, RuleFilter, RuleFlags,
};

/// `RTM_NEWRULE`.
pub const RTM_NEWRULE: u16 = 32;
/// `RTM_DELRULE`.
pub const RTM_DELRULE: u16 = 33;
const RTM_GETRULE: u16 = 34;

/// Length of `struct fib_rule_hdr`.
pub const RULE_HEADER: usize = 12;

const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IFNAME: u16 = 3;
/// `RTA_GATEWAY`: what `nat` used before rules had attributes of their own.
const FRA_NAT: u16 = 5;
const FRA_TUN_ID: u16 = 12;
const FRA_TABLE: u16 = 15;
const FRA_OIFNAME: u16 = 17;
const FRA_UID_RANGE: u16 = 20;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;

/// Our names of the attributes.
pub const NAMES: super::Names = (
    &[
        FRA_DST,
        FRA_SRC,
        FRA_IFNAME,
        FRA_OIFNAME,
        FRA_TABLE,
        FRA_UID_RANGE,
        FRA_SPORT_RANGE,
        FRA_DPORT_RANGE,
        FRA_TUN_ID,
        RULE_GOTO,
        RULE_PRIORITY,
        RULE_MARK,
        RULE_MASK,
        RULE_L3MDEV,
        RULE_PROTOCOL,
        RULE_IP_PROTOCOL,
    ],
    "to,from,iif,oif,table,uidrange,sport,dport,tun_id,goto,priority,fwmark,fwmark,l3mdev,protocol,ipproto",
);

/// The request that makes a rule, or deletes the first one that it describes.
pub fn change(delete: bool, rule: &Rule) -> Request<Route> {
    let (kind, flags) = if delete { (RTM_DELRULE, 0) } else { (RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL) };
    let mut request = Request::new(kind, flags);
    // Tables above 255 have no room in the header.
    let table = u8::try_from(rule.table).unwrap_or(0);
    let len = |prefix: &Option<Prefix>| prefix.as_ref().map_or(0, Prefix::len);
    let mut header = [0; RULE_HEADER];
    header[0] = rule.family.number();
    header[1] = len(&rule.to);
    header[2] = len(&rule.from);
    header[3] = rule.tos.unwrap_or(0);
    header[4] = table;
    header[7] = rule.action.0;
    header[8..].copy_from_slice(&rule.flags.bits().to_ne_bytes());
    request.raw(&header);
    for (attr, prefix) in [(FRA_DST, rule.to), (FRA_SRC, rule.from)] {
        if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
            request.ip(attr, &prefix.addr());
        }
    }
    for (attr, name) in [(FRA_IFNAME, &rule.input), (FRA_OIFNAME, &rule.output)] {
        if let Some(name) = name {
            request.string(attr, name);
        }
    }
    if let Some(nat) = rule.nat {
        request.attr(FRA_NAT, &nat.octets());
    }
    for &(number, value) in &rule.numbers {
        match number {
            RULE_L3MDEV | RULE_PROTOCOL | RULE_IP_PROTOCOL => request.u8(number, u8::try_from(value).unwrap_or(0)),
            _ => request.u32(number, value),
        };
    }
    if table == 0 && rule.table != 0 {
        request.u32(FRA_TABLE, rule.table);
    }
    if let Some((first, last)) = rule.users {
        request.attr(FRA_UID_RANGE, &[first.to_ne_bytes(), last.to_ne_bytes()].concat());
    }
    for (attr, ports) in [(FRA_SPORT_RANGE, rule.sport), (FRA_DPORT_RANGE, rule.dport)] {
        if let Some((first, last)) = ports {
            request.attr(attr, &[first.to_ne_bytes(), last.to_ne_bytes()].concat());
        }
    }
    if let Some(id) = rule.tunnel {
        request.be64(FRA_TUN_ID, id);
    }
    request
}

impl Query for RuleFilter {
    type Protocol = Route;
    type Item = Rule;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETRULE, 0);
        let mut header = [0; RULE_HEADER];
        header[0] = self.family.number();
        request.raw(&header);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Rule> {
        if frame.kind == RTM_NEWRULE { decode(frame) } else { None }
    }
}

/// Reads a rule message, a reply or a request; `None` without a whole header. Unknown attributes are passed over.
pub fn decode(frame: &Frame<'_>) -> Option<Rule> {
    let header = frame.payload.get(..RULE_HEADER)?;
    let mut rule = Rule {
        family: Family::from_number(header[0]),
        tos: Some(header[3]).filter(|tos| *tos != 0),
        table: header[4].into(),
        action: RouteKind(header[7]),
        flags: RuleFlags::from_bits_retain(u32_at(header, 8)?),
        ..Rule::default()
    };
    for attr in frame.attrs(RULE_HEADER) {
        match attr.kind {
            FRA_DST => rule.to = attr.ip().and_then(|ip| Prefix::new(ip, header[1])),
            FRA_SRC => rule.from = attr.ip().and_then(|ip| Prefix::new(ip, header[2])),
            FRA_IFNAME => rule.input = Some(attr.bytes_to_nul().to_vec()),
            FRA_OIFNAME => rule.output = Some(attr.bytes_to_nul().to_vec()),
            FRA_NAT => rule.nat = attr.ip().and_then(|ip| if let IpAddr::V4(ip) = ip { Some(ip) } else { None }),
            FRA_TABLE => rule.table = attr.u32().unwrap_or(rule.table),
            FRA_UID_RANGE => rule.users = u32_at(attr.value, 0).zip(u32_at(attr.value, 4)),
            FRA_SPORT_RANGE => rule.sport = ports(attr),
            FRA_DPORT_RANGE => rule.dport = ports(attr),
            FRA_TUN_ID => rule.tunnel = attr.be64(),
            RULE_L3MDEV | RULE_PROTOCOL | RULE_IP_PROTOCOL => {
                if let Some(value) = attr.u8() {
                    rule.numbers.push((attr.kind, value.into()));
                }
            }
            RULE_GOTO | RULE_PRIORITY | RULE_MARK | RULE_MASK | RULE_REALMS | RULE_SUPPRESS_GROUP
            | RULE_SUPPRESS_PREFIX => {
                if let Some(value) = attr.u32() {
                    rule.numbers.push((attr.kind, value));
                }
            }
            _ => {}
        }
    }
    Some(rule)
}

/// `struct fib_rule_port_range`.
fn ports(attr: Attr<'_>) -> Option<(u16, u16)> {
    u16_at(attr.value, 0).zip(u16_at(attr.value, 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ip::parse_prefix;
    use crate::model::rule::ACTION_TABLE;
    use crate::wire::reply::frames;

    fn hex(request: Request<Route>) -> String {
        request.seal(1, 0).unwrap().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// `ip rule add not from 10.0.0.1 to 10.0.0.0/8 tos 0x10 fwmark 0x5/0xff iif v0 oif nope table 1000 pref 77`
    fn selective() -> Rule {
        Rule {
            family: Family::V4,
            from: parse_prefix("10.0.0.1", Family::V4),
            to: parse_prefix("10.0.0.0/8", Family::V4),
            tos: Some(0x10),
            table: 1000,
            action: ACTION_TABLE,
            flags: RuleFlags::INVERT,
            numbers: vec![(RULE_MARK, 5), (RULE_MASK, 0xff), (RULE_PRIORITY, 77)],
            input: Some(b"v0".to_vec()),
            output: Some(b"nope".to_vec()),
            ..Rule::default()
        }
    }

    /// `ip rule add ipproto tcp realms 3/4 proto 11 uidrange 1-5 sport 80 dport 80-90 tun_id 5 lookup main`
    fn ranges() -> Rule {
        Rule {
            family: Family::V4,
            table: 254,
            action: ACTION_TABLE,
            numbers: vec![(RULE_IP_PROTOCOL, 6), (RULE_REALMS, 0x30004), (RULE_PROTOCOL, 11)],
            users: Some((1, 5)),
            sport: Some((80, 80)),
            dport: Some((80, 90)),
            tunnel: Some(5),
            ..Rule::default()
        }
    }

    #[test]
    fn changes_as_iproute2_sends_them() {
        assert_eq!(
            hex(change(false, &selective())),
            concat!(
                "60000000200001060100000000000000", // NEWRULE REQUEST|CREATE|EXCL
                "020820100000000102000000",         // fib_rule_hdr: /8, /32, tos, table, action, INVERT
                "080001000a000000",                 // DST
                "080002000a000001",                 // SRC
                "0700030076300000",                 // IFNAME
                "090011006e6f706500000000",         // OIFNAME
                "08000a0005000000",                 // FWMARK
                "08001000ff000000",                 // FWMASK
                "080006004d000000",                 // PRIORITY
                "08000f00e8030000",                 // TABLE
            )
        );
        assert_eq!(
            hex(change(false, &ranges())),
            concat!(
                "5c000000200001060100000000000000",
                "02000000fe00000100000000",
                "0500160006000000",         // IP_PROTO
                "08000b0004000300",         // FLOW
                "050015000b000000",         // PROTOCOL
                "0c0014000100000005000000", // UID_RANGE
                "0800170050005000",         // SPORT_RANGE
                "0800180050005a00",         // DPORT_RANGE
                "0c000c000000000000000005", // TUN_ID
            )
        );
        let gone = Rule {
            family: Family::V6,
            from: parse_prefix("fd00::/16", Family::V6),
            action: RouteKind::PROHIBIT,
            ..Rule::default()
        };
        let delete = "30000000210001000100000000000000".to_owned() + "0a0010000000000800000000";
        assert_eq!(hex(change(true, &gone)), delete + "14000200fd000000000000000000000000000000");
        assert_eq!(
            hex(RuleFilter { family: Family::V4 }.encode()),
            "1c000000220001000100000000000000020000000000000000000000"
        );
    }

    #[test]
    fn what_is_encoded_decodes() {
        let nat = Rule { nat: Some([1, 2, 3, 4].into()), action: RouteKind::NAT, ..Rule::default() };
        for rule in [selective(), ranges(), nat] {
            let bytes = change(false, &rule).seal(1, 0).unwrap();
            assert_eq!(decode(&frames(&bytes).next().unwrap()), Some(rule));
            for cut in 16..bytes.len() {
                let mut bytes = bytes[..cut].to_vec();
                bytes[..4].copy_from_slice(&u32::try_from(cut).unwrap().to_ne_bytes());
                let rule = frames(&bytes).next().and_then(|frame| decode(&frame));
                assert_eq!(rule.is_some(), cut >= 16 + RULE_HEADER, "{cut}");
            }
        }
    }
}
