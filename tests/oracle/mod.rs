//! What every encoder and decoder must hold, whatever the input. Shared by the fuzz
//! targets and by the fixed-seed test: bytes make a change, the change is encoded, and
//! four judges look at the message that share no code with the encoder.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, dead_code)]

pub mod second;
pub mod source;
pub mod structure;

use netstrap::model::addr::AddrVerb;
use netstrap::model::link::{Link, LinkChange, LinkFlags, NewKind};
use netstrap::model::op::Op;
use netstrap::model::port::rows;
use netstrap::model::route::RouteVerb;
use netstrap::wire::reply::{Frame, frames};
use netstrap::wire::{addr, encode, fdb, link, neigh, port, route};

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
        Op::CreateLink(new) => {
            let kind = match &new.kind {
                NewKind::Veth { .. } => b"veth".to_vec(),
                NewKind::Plain(kind) => kind.as_bytes().to_vec(),
            };
            let expected = Link { kind: Some(kind), ..expected_link(&new.change, new.index.map_or(0, |i| i.get())) };
            let seen = link::decode(&frame).map(|link| Link { kind_data: Vec::new(), ..link });
            assert_eq!(seen, Some(expected));
        }
        Op::ChangeLink(id, change) => {
            assert_eq!(link::decode(&frame), Some(expected_link(change, id.index.get())));
        }
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
    }
}

fn expected_link(change: &LinkChange<'_>, index: u32) -> Link {
    Link {
        index,
        name: change.name.map(|name| name.as_bytes().to_vec()).unwrap_or_default(),
        flags: if change.up == Some(true) { LinkFlags::UP } else { LinkFlags::empty() },
        mtu: change.mtu,
        address: change.address.clone(),
        master: change.master.map(|master| master.map_or(0, |id| id.index.get())),
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
