//! Several namespaces from one process that stays where it is.
#![allow(clippy::unwrap_used)]

mod support;

use netstrap::error::Kind;
use netstrap::model::addr::{Addr, AddrVerb};
use netstrap::model::ip::{Family, parse_prefix};
use netstrap::model::link::{LinkChange, LinkId, NetnsRef, NewKind, NewLink, NewPeer};
use netstrap::model::name::{IfName, NsName};
use netstrap::model::op::Op;
use netstrap::netns::{Folder, Namespace, Source};
use netstrap::observe::Session;
use netstrap::wire::encode;

fn named(name: &str) -> LinkChange<'static> {
    LinkChange { name: IfName::new(name.as_bytes()), ..LinkChange::default() }
}

#[test]
fn a_session_works_in_many_namespaces_and_mixes_none() {
    support::sandboxed("a_session_works_in_many_namespaces_and_mixes_none", || {
        let folder = Folder::standard();
        let mut session = Session::default();
        let home = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        for name in ["red", "blue"] {
            folder.add(&NsName::new(name.as_bytes()).unwrap(), Source::New).unwrap();
        }
        std::os::unix::fs::symlink("/run/netns/red", "/run/netns/alias").unwrap();
        let open = |name: &str| Namespace::open(&folder, name.as_bytes()).unwrap();
        let (red, blue) = (session.join(open("red")).unwrap(), session.join(open("blue")).unwrap());
        assert_ne!(red, blue);
        assert_eq!(session.join(open("alias")).unwrap(), red, "two names of one namespace");

        // Both ends born where they belong, in one message to red's socket.
        let there = open("blue");
        let change = LinkChange { netns: Some(NetnsRef::Fd(there.fd())), ..named("v") };
        let peer = NewPeer { change, index: None };
        let pair = NewLink { change: named("v"), index: None, kind: NewKind::Veth { peer: Some(peer) } };
        session.route(red).unwrap().request(encode(&Op::CreateLink(pair))).unwrap();
        for place in [red, blue] {
            let state = session.observe(place).unwrap();
            let link = state.links.iter().find(|link| link.name == b"v").unwrap();
            assert_eq!(link.kind.as_deref(), Some(&b"veth"[..]));
            let id = LinkId { ns: place, index: link.index.try_into().unwrap() };
            let addr = Addr::new(parse_prefix("192.0.2.1/24", Family::V4).unwrap());
            let op = Op::Addr(AddrVerb::Add, id, addr.clone());
            // The other namespace's socket does not take it, though it has a link of that index too.
            let elsewhere = if place == red { blue } else { Session::HOME };
            let refused = session.route(elsewhere).unwrap().request(encode(&op)).unwrap_err();
            assert_eq!(refused.kind, Kind::ForeignLink);
            session.route(place).unwrap().request(encode(&op)).unwrap();
            let state = session.observe(place).unwrap();
            assert!(state.addrs.iter().any(|(index, seen)| *index == link.index && seen.own() == addr.own()));
        }
        assert!(session.observe(Session::HOME).unwrap().links.iter().all(|link| link.name != b"v"));
        assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").unwrap(), home);
    });
}
