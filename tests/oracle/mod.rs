//! What every encoder and decoder must hold, whatever the input. Shared by the fuzz
//! targets and by the fixed-seed test: bytes make a change, the change is encoded, and
//! four judges look at the message that share no code with the encoder.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, dead_code)]

pub mod nft;
pub mod second;
pub mod source;
pub mod structure;

use netstrap::model::addr::AddrVerb;
use netstrap::model::link::{ArgumentValue, KindArguments, Link, LinkChange, LinkFlags, LinkNumber, NewKind};
use netstrap::model::nexthop::{BucketFilter, NextHopFilter};
use netstrap::model::op::Op;
use netstrap::model::port::rows;
use netstrap::model::route::RouteVerb;
use netstrap::wire::query::Query;
use netstrap::wire::reply::{Frame, frames};
use netstrap::wire::{addr, encode, fdb, link, neigh, nexthop, port, route, rule};

/// No change takes more than this, however it is dressed up.
const LONGEST: usize = 4096;

/// Judges the encoding of one change.
pub fn judge_encoding(op: &Op<'_>) {
    let Ok(bytes) = encode(op).seal(7, 0) else { panic!("not encodable: {op:?}") };
    structure::judge(&bytes);
    own_decoder(op, &bytes);
    second::judge_request(op, &bytes);
    assert_eq!(encode(op).seal(7, 0).unwrap(), bytes, "same input, same bytes");
    assert!(bytes.len() <= LONGEST, "{} bytes for {op:?}", bytes.len());
}

fn only_frame(bytes: &[u8]) -> Frame<'_> {
    let mut all = frames(bytes);
    let frame = all.next().expect("a message");
    assert!(all.next().is_none() && all.rest().is_empty());
    frame
}

/// Our own decoder reads back what was meant.
fn own_decoder(op: &Op<'_>, bytes: &[u8]) {
    let frame = only_frame(bytes);
    match op {
        Op::CreateLink(new) | Op::ReplaceLink(new) => {
            let mut expected = expected_link(&new.change, new.index.map_or(0, |i| i.get()));
            match &new.kind {
                NewKind::Veth { .. } => expected.kind = Some(b"veth".to_vec()),
                NewKind::Plain(kind) => expected.kind = Some(kind.as_bytes().to_vec()),
                NewKind::With(kind) | NewKind::Pair(kind, _) => expect_kind(&mut expected, kind),
            }
            let seen = link::decode(&frame).expect("a link");
            // A peer is no property of the link that is made with it.
            expected.kind_data = if matches!(new.kind, NewKind::Veth { .. } | NewKind::Pair(..)) {
                seen.kind_data.clone()
            } else {
                expected.kind_data
            };
            assert_eq!(seen, expected);
        }
        Op::ChangeLink(id, change) => {
            let mut expected = expected_link(change, id.index.get());
            if let Some(kind) = &change.kind {
                expect_kind(&mut expected, kind);
            }
            assert_eq!(link::decode(&frame), Some(expected));
        }
        Op::ChangeGroup(group, change) => {
            let expected = Link { group: Some(*group), ..expected_link(change, 0) };
            assert_eq!(link::decode(&frame), Some(expected));
        }
        Op::DeleteGroup(group) => assert_eq!(link::decode(&frame).and_then(|link| link.group), Some(*group)),
        Op::AltNames(_, id, names) => {
            let seen = link::decode(&frame).expect("a link message");
            assert_eq!((seen.index, &seen.altnames), (id.index.get(), names));
        }
        Op::SetNsid(_, id) => assert_eq!(netstrap::wire::nsid::decode(&frame), Some(*id).filter(|id| *id >= 0)),
        Op::DeleteLink(id) => assert_eq!(link::decode(&frame).map(|link| link.index), Some(id.index.get())),
        Op::Addr(verb, id, expected) => {
            assert_eq!(addr::decode(&frame), Some((id.index.get(), expected.clone())));
            assert_eq!(frame.kind, if *verb == AddrVerb::Delete { 21 } else { 20 });
        }
        Op::Route(verb, expected) => {
            assert_eq!(route::decode(&frame, 0).as_ref(), Some(expected));
            assert_eq!(frame.kind, if *verb == RouteVerb::Delete { 25 } else { 24 });
        }
        Op::Fdb(_, expected) => assert_eq!(fdb::decode(&frame, 0).as_ref(), Some(expected)),
        Op::BridgePort(expected) => {
            let seen = port::decode(&frame).unwrap();
            assert_eq!(seen.link.index, expected.link.index.get());
            assert_eq!((seen.properties.len(), seen.mode), (expected.properties.len(), expected.mode));
        }
        Op::BridgeVlan(expected) => {
            let seen = port::decode(&frame).unwrap();
            let rows = rows(if expected.tunnels.is_some() { &seen.tunnels } else { &seen.vlans }, 0);
            assert_eq!(rows.len(), 1);
            assert_eq!(rows[0].ids, (expected.ids.0, expected.ids.1.unwrap_or(expected.ids.0)));
        }
        Op::Neigh(_, expected) => assert_eq!(neigh::decode(&frame, 0).as_ref(), Some(expected)),
        // Of a fixed shape: golden bytes stand beside their encoders.
        Op::Token(..) | Op::AddrLabel(..) => {}
        Op::Rule { rule: expected, .. } => assert_eq!(rule::decode(&frame).as_ref(), Some(expected)),
        Op::NextHop(_, expected) => assert_eq!(nexthop::decode(&frame, 0).as_ref(), Some(expected)),
    }
}

/// What a kind's arguments are on the wire, written down a second time.
fn expect_kind(link: &mut Link, kind: &KindArguments) {
    fn attribute(out: &mut Vec<u8>, number: u16, value: &[u8]) {
        out.extend(u16::try_from(value.len() + 4).expect("a short value").to_ne_bytes());
        out.extend(number.to_ne_bytes());
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    link.kind = Some(kind.kind.as_bytes().to_vec());
    for argument in kind.arguments.iter().flatten() {
        let ArgumentValue::Bytes(bytes) = &argument.value else { continue };
        attribute(&mut link.kind_data, argument.number, bytes);
    }
}

fn expected_link(change: &LinkChange<'_>, index: u32) -> Link {
    let number = |wanted| change.numbers.iter().find(|(number, _)| *number == wanted).map(|(_, value)| *value);
    let mut flags = change.flags;
    flags.set(LinkFlags::UP, change.up == Some(true));
    Link {
        index,
        broadcast: change.broadcast.clone(),
        txqlen: number(LinkNumber::TxQueueLength),
        group: number(LinkNumber::Group),
        mode: number(LinkNumber::Mode).map(|mode| mode.to_le_bytes()[0]),
        numbers: number(LinkNumber::TxQueues).into_iter().map(|value| (LinkNumber::TxQueues, value)).collect(),
        name: change.name.map(|name| name.as_bytes().to_vec()).unwrap_or_default(),
        flags,
        mtu: change.mtu,
        address: change.address.clone(),
        master: change.master.map(|master| master.map_or(0, |id| id.index.get())),
        link: change.lower.map(|id| id.index.get()),
        ..Link::default()
    }
}

/// Judges the reading of any bytes as a datagram: nothing panics, and what packet-route reads we read alike.
pub fn judge_decoding(bytes: &[u8]) {
    for frame in frames(bytes) {
        let _ = frame.status();
        match frame.kind {
            16..=19 => {
                let _ = link::decode(&frame);
                let _ = port::decode(&frame).map(|port| (rows(&port.vlans, 0), rows(&port.tunnels, 0)));
            }
            20..=22 => {
                if let Some((_, first)) = addr::decode(&frame) {
                    again_addr(&frame, &first);
                }
            }
            24..=26 => {
                let _ = route::decode(&frame, 0);
            }
            28..=30 => {
                let _ = neigh::decode(&frame, 0);
                let _ = fdb::decode(&frame, 0);
            }
            72..=74 => {
                let _ = netstrap::wire::addrlabel::decode(&frame);
            }
            80..=82 => {
                let _ = netstrap::wire::netconf::decode(&frame);
            }
            32..=34 => {
                let _ = rule::decode(&frame);
            }
            104..=106 | 116..=118 => {
                let _ = nexthop::decode(&frame, 0);
                let _ = BucketFilter(NextHopFilter::default()).decode(&frame);
            }
            88..=90 => {
                let _ = netstrap::wire::nsid::decode(&frame);
            }
            _ => {}
        }
        second::judge_reply(&frame);
    }
}

/// decode, encode, decode is decode.
fn again_addr(frame: &Frame<'_>, first: &netstrap::model::addr::Addr) {
    let Some(index) = addr::decode(frame).and_then(|(index, _)| std::num::NonZeroU32::new(index)) else { return };
    let id = netstrap::model::link::LinkId { ns: 0, index };
    let Ok(bytes) = addr::change(AddrVerb::Add, id, first).seal(1, 0) else { return };
    assert_eq!(addr::decode(&only_frame(&bytes)), Some((index.get(), first.clone())));
}
