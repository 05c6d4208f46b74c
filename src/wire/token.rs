//! IPv6 tokens of links: `RTM_SETLINK` and `RTM_GETLINK` of the family. Source: `linux/if_link.h`.

use std::net::{IpAddr, Ipv6Addr};

use super::attr::u32_at;
use super::build::{Request, Route};
use super::link::{IFINFOMSG, IFLA_AF_SPEC};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_GETLINK, RTM_NEWLINK};
use crate::model::ip::Family;
use crate::model::link::{LinkFlags, LinkId};
use crate::model::token::Token;

const RTM_SETLINK: u16 = 19;
const IFLA_IFNAME: u16 = 3;
const IFLA_PROTINFO: u16 = 12;
const IFLA_INET6_TOKEN: u16 = 7;
const AF_INET6: u16 = 10;

/// The request that gives a link a token; `::` takes it away.
pub fn set(id: LinkId, token: &Ipv6Addr) -> Request<Route> {
    let mut request = Request::new(RTM_SETLINK, 0);
    request.in_ns(id.ns);
    request.raw(&header(id.index.get()));
    let spec = request.begin(IFLA_AF_SPEC);
    let family = request.begin(AF_INET6);
    request.attr(IFLA_INET6_TOKEN, &token.octets()).end(family).end(spec);
    request
}

fn header(index: u32) -> [u8; IFINFOMSG] {
    let mut bytes = [0; IFINFOMSG];
    bytes[0] = Family::V6.number();
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes
}

/// Asks for the tokens of all links.
#[derive(Debug, Clone, Copy)]
pub struct GetTokens;

impl Query for GetTokens {
    type Protocol = Route;
    type Item = Token;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETLINK, 0);
        request.raw(&header(0));
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Token> {
        if frame.kind != RTM_NEWLINK {
            return None;
        }
        let mut token = Token {
            index: u32_at(frame.payload, 4)?,
            flags: LinkFlags::from_bits_retain(u32_at(frame.payload, 8)?),
            ..Token::default()
        };
        for attr in frame.attrs(IFINFOMSG) {
            match attr.kind {
                IFLA_IFNAME => token.name = attr.bytes_to_nul().to_vec(),
                IFLA_PROTINFO => token.token = attr.nested().find(IFLA_INET6_TOKEN).and_then(|a| a.ip()),
                _ => {}
            }
        }
        token.token = token.token.filter(IpAddr::is_ipv6);
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;

    #[test]
    fn change_and_answer() {
        let id = LinkId { ns: 0, index: 3.try_into().unwrap() };
        let bytes = set(id, &"::1:2".parse().unwrap()).seal(1, 0).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let expected = concat!(
            "3c000000130001000100000000000000", // SETLINK REQUEST
            "0a000000030000000000000000000000", // ifinfomsg: inet6, index 3
            "1c001a0018000a001400070000000000000000000000000000010002",
        );
        assert_eq!(hex, expected);
        let mut answer = GetTokens.encode().seal(1, 0).unwrap();
        assert_eq!(answer, [&[32, 0, 0, 0, 18, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 10][..], &[0; 15]].concat());
        answer.extend([&[7, 0, 3, 0, b'v', b'0', 0, 0, 24, 0, 12, 0, 20, 0, 7, 0][..], &bytes[44..]].concat());
        answer[..6].copy_from_slice(&[64, 0, 0, 0, 16, 0]);
        let token = GetTokens.decode(&frames(&answer).next().unwrap()).unwrap();
        assert_eq!((token.name, token.token), (b"v0".to_vec(), "::1:2".parse().ok()));
    }
}
