//! Kinds of links on the wire: in goes a kind with its arguments, out comes the inside of
//! `IFLA_LINKINFO`. Source: `linux/if_link.h`.

use super::build::{Request, Route};
use super::link::{IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_INFO_SLAVE_DATA, pair_peer};
use crate::model::link::{ArgumentValue, KindArguments, KindName, NewPeer};

/// Appends the kind's name: without its NUL, as every client sends it (the kernel compares up to the length).
pub fn name(request: &mut Request<Route>, kind: &KindName) {
    request.attr(IFLA_INFO_KIND, kind.as_bytes());
}

/// Appends the kind's name and arguments, and the other end of a pair behind them. A port is told by `_slave`: the kernel reads the master's kind
/// from the master, and only where the attribute is tells it that a port is meant.
pub fn encode(request: &mut Request<Route>, kind: &KindArguments, peer: Option<&NewPeer<'_>>) {
    name(request, &kind.kind);
    let Some(arguments) = &kind.arguments else { return };
    let is_port = kind.kind.as_bytes().ends_with(b"_slave");
    request.nest(if is_port { IFLA_INFO_SLAVE_DATA } else { IFLA_INFO_DATA }, |request| {
        for argument in arguments {
            match &argument.value {
                ArgumentValue::Bytes(bytes) => {
                    request.attr(argument.number, bytes);
                }
                ArgumentValue::List(list) => {
                    request.nest(argument.number, |request| {
                        for (number, bytes) in list {
                            request.attr(*number, bytes);
                        }
                    });
                }
            }
        }
        if let Some(peer) = peer {
            pair_peer(request, peer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::link::{Argument, LinkChange};
    use crate::model::name::IfName;

    fn hex(name: &[u8], arguments: Option<Vec<Argument>>) -> String {
        let mut request = Request::new(16, 0);
        encode(&mut request, &KindArguments { kind: KindName::new(name).unwrap(), arguments }, None);
        request.seal(1, 0).unwrap()[16..].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_vlan_with_a_map_and_flags() {
        let bytes = |number, bytes: &[u8]| Argument { number, value: ArgumentValue::Bytes(bytes.to_vec()) };
        let map = Argument { number: 3, value: ArgumentValue::List(vec![(1, vec![1, 0, 0, 0, 2, 0, 0, 0])]) };
        let expected = concat!(
            "08000100766c616e",         // INFO_KIND vlan
            "28000280",                 // INFO_DATA, nested
            "0600010005000000",         // VLAN_ID 5
            "10000380",                 // EGRESS_QOS, nested
            "0c0001000100000002000000", // 1:2
            "0c0002000200000002000000", // FLAGS, MASK
        );
        let arguments = vec![bytes(1, &[5, 0]), map, bytes(2, &[2, 0, 0, 0, 2, 0, 0, 0])];
        assert_eq!(hex(b"vlan", Some(arguments)), expected);
    }

    #[test]
    fn a_port_says_so_by_its_attribute() {
        let state = Argument { number: 1, value: ArgumentValue::Bytes(vec![3]) };
        let expected = concat!("100001006272696467655f736c617665", "0c000580", "0500010003000000");
        assert_eq!(hex(b"bridge_slave", Some(vec![state])), expected);
        assert_eq!(hex(b"dummy", None), "0900010064756d6d79000000");
        assert_eq!(hex(b"vrf", Some(Vec::new())), "070001007672660004000280");
    }

    #[test]
    fn a_netkit_pair_in_which_the_peer_drops() {
        let number =
            |number, value: u32| Argument { number, value: ArgumentValue::Bytes(value.to_ne_bytes().to_vec()) };
        let change = LinkChange { name: IfName::new(b"nk1"), ..LinkChange::default() };
        let kind = KindArguments {
            kind: KindName::new(b"netkit").unwrap(),
            arguments: Some(vec![number(5, 1), number(4, 2)]),
        };
        let mut request = Request::new(16, 0);
        encode(&mut request, &kind, Some(&NewPeer { change, index: None }));
        let bytes = request.seal(1, 0).unwrap();
        let hex: String = bytes[16..].iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = concat!(
            "0a0001006e65746b69740000",         // INFO_KIND netkit
            "30000280",                         // INFO_DATA, nested
            "0800050001000000",                 // MODE l3
            "0800040002000000",                 // PEER_POLICY blackhole
            "1c000180",                         // PEER_INFO, nested
            "00000000000000000000000000000000", // its ifinfomsg
            "080003006e6b3100",                 // IFNAME nk1
        );
        assert_eq!(hex, expected);
    }
}
