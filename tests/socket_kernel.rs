//! The socket against the running kernel, in a sandbox: what only the kernel can say about
//! forged datagrams, inherited descriptors, and how it answers large transactions.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use netlink_sys::{SocketAddr, protocols::NETLINK_ROUTE};
use netstrap::error::Kind;
use netstrap::socket::{Query, Socket};
use netstrap::sys::nl::{NlSocket, Transport};
use netstrap::wire::addr::{self, GetAddrs};
use netstrap::wire::build::{Netfilter, Request, Route};
use netstrap::wire::link::GetLink;
use netstrap::wire::nft::{generation, message, table};
use netstrap::wire::reply::Frame;
use support::sandboxed;

const IPV4: u8 = 2;
const CREATE: u16 = 0x400;
const NEWCHAIN: u16 = 3;

#[test]
fn h2_a_forged_datagram_is_refused_by_the_kernel() {
    sandboxed("h2_a_forged_datagram_is_refused_by_the_kernel", || {
        let mut ours = NlSocket::open(NETLINK_ROUTE).unwrap();
        let mut forger = netlink_sys::Socket::new(NETLINK_ROUTE).unwrap();
        forger.bind_auto().unwrap();
        let error = forger.send_to(b"forged", &SocketAddr::new(ours.port(), 0), 0).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
        assert_eq!(ours.recv(&mut [0; 64]).unwrap_err().raw_os_error(), Some(libc::EAGAIN));
        // The same datagram does reach a socket that is not connected.
        let mut open = netlink_sys::Socket::new(NETLINK_ROUTE).unwrap();
        let port = open.bind_auto().unwrap().port_number();
        assert_eq!(forger.send_to(b"forged", &SocketAddr::new(port, 0), 0).unwrap(), 6);
    });
}

#[test]
fn h25_a_command_inherits_no_socket() {
    let (_one, _other) = (Socket::<Route>::open().unwrap(), NlSocket::open(NETLINK_ROUTE).unwrap());
    let own = std::fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok());
    assert!(own.filter(|to| to.to_string_lossy().starts_with("socket:")).count() >= 2);
    let listing = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    assert!(listing.contains(" 0 -> ") && !listing.contains("socket:"), "{listing}");
}

/// As [`GetAddrs`], but takes whatever the kernel answers.
struct Unfiltered(GetAddrs);

impl Query for Unfiltered {
    type Protocol = Route;
    type Item = u32;

    fn encode(&self) -> Request<Route> {
        self.0.encode()
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<u32> {
        addr::decode(frame).map(|(index, _)| index)
    }
}

#[test]
fn h12_the_kernel_filters_as_it_is_asked_to() {
    sandboxed("h12_the_kernel_filters_as_it_is_asked_to", || {
        support::ours(&["ip", "link", "add", "br0", "type", "bridge"]).ok();
        support::ours(&["ip", "addr", "add", "192.0.2.1/24", "dev", "br0"]).ok();
        let mut socket = Socket::<Route>::open().unwrap();
        let br0 = socket.get(&GetLink::Name(b"br0")).unwrap().unwrap().index;
        let all = socket.dump(&Unfiltered(GetAddrs::default())).unwrap();
        assert!(all.contains(&1) && all.contains(&br0), "{all:?}");
        assert_eq!(socket.dump(&Unfiltered(GetAddrs { index: br0, ..GetAddrs::default() })).unwrap(), [br0]);
    });
}

struct Generation;

impl Query for Generation {
    type Protocol = Netfilter;
    type Item = u32;

    fn encode(&self) -> Request<Netfilter> {
        generation::get()
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<u32> {
        generation::decode(frame)
    }
}

fn chain(table: &[u8], name: &str) -> Request<Netfilter> {
    let mut request = message(NEWCHAIN, CREATE, IPV4);
    request.string(1, table).string(3, name.as_bytes());
    request
}

#[test]
fn h6_a_large_transaction_is_known_to_be_committed() {
    sandboxed("h6_a_large_transaction_is_known_to_be_committed", || {
        let mut socket = Socket::<Netfilter>::open().unwrap();
        let mut messages = vec![table::create(IPV4, b"t", None)];
        messages.extend((0..4000).map(|nth| chain(b"t", &format!("c{nth}"))));
        assert_eq!(socket.transaction(messages, None), Ok(()));
    });
}

#[test]
fn h6_a_transaction_of_more_messages_than_answers_fit_is_known_to_be_committed() {
    sandboxed("h6_a_transaction_of_more_messages_than_answers_fit_is_known_to_be_committed", || {
        let mut socket = Socket::<Netfilter>::open().unwrap();
        // The default receive buffer holds 256 acks; no larger one is asked for below 128 KiB.
        let mut messages = vec![table::create(IPV4, b"t", None)];
        messages.extend((0..1000).map(|nth| chain(b"t", &format!("c{nth}"))));
        assert_eq!(socket.transaction(messages, None), Ok(()));
    });
}

#[test]
fn h6_a_refused_transaction_names_its_message_and_leaves_nothing() {
    sandboxed("h6_a_refused_transaction_names_its_message_and_leaves_nothing", || {
        let mut socket = Socket::<Netfilter>::open().unwrap();
        let before = socket.get(&Generation).unwrap().unwrap();
        let messages = vec![table::create(IPV4, b"t", None), chain(b"nosuch", "c"), chain(b"t", "c")];
        let rejected = socket.transaction(messages, None).unwrap_err();
        assert_eq!((rejected.message, rejected.error.errno()), (Some(1), Some(libc::ENOENT)));
        let rejected = socket.transaction(vec![chain(b"t", "c")], None).unwrap_err();
        assert_eq!((rejected.message, rejected.error.errno()), (Some(0), Some(libc::ENOENT)), "no table stayed behind");
        assert_eq!(socket.get(&Generation).unwrap(), Some(before));
    });
}

#[test]
fn h6_a_transaction_on_an_older_generation_is_refused_whole() {
    sandboxed("h6_a_transaction_on_an_older_generation_is_refused_whole", || {
        let mut socket = Socket::<Netfilter>::open().unwrap();
        let seen = socket.get(&Generation).unwrap();
        assert_eq!(socket.transaction(vec![table::create(IPV4, b"one", None)], seen), Ok(()));
        let late = socket.transaction(vec![table::create(IPV4, b"two", None)], seen).unwrap_err();
        assert_eq!((late.message, late.error.errno()), (None, Some(libc::ERESTART)));
        let now = socket.get(&Generation).unwrap();
        assert_ne!(now, seen);
        assert_eq!(socket.transaction(vec![table::create(IPV4, b"two", None)], now), Ok(()));
    });
}

#[test]
fn h5_a_question_about_nothing_is_a_refusal_not_an_empty_answer() {
    sandboxed("h5_a_question_about_nothing_is_a_refusal_not_an_empty_answer", || {
        let mut socket = Socket::<Route>::open().unwrap();
        let refused = socket.get(&GetLink::Name(b"nosuch")).unwrap_err();
        assert!(matches!(&refused.kind, Kind::Kernel(refusal) if refusal.errno == libc::ENODEV));
        assert_eq!(socket.get(&GetLink::Name(b"lo")).unwrap().unwrap().index, 1);
    });
}
