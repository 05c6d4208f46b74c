//! The socket against a scripted kernel: every hazard of the protocol, one test each.
//! A script says what the "kernel" answers to each request; nothing here needs privileges.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::VecDeque;
use std::io;

use netstrap::error::{Kind, Refusal, Result};
use netstrap::model::link::{LinkChange, LinkId};
use netstrap::socket::{Query, Socket};
use netstrap::sys::nl::{Datagram, Transport};
use netstrap::wire::build::{Netfilter, Request, Route};
use netstrap::wire::link;
use netstrap::wire::reply::Frame;

const PORT: u32 = 77;
const SEQ: u32 = 1000;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const MULTI: u16 = 2;
const INTR: u16 = 0x10;
const CAPPED_TLVS: u16 = 0x300;
const ITEM: u16 = 16;

/// One thing that the scripted kernel does when it is asked for a datagram.
#[derive(Clone)]
enum Step {
    Data(Vec<u8>),
    From(u32, Vec<u8>),
    Fail(i32),
    /// Nothing is queued; the next step comes after the next send.
    Empty,
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    send_errors: VecDeque<i32>,
    sent: Vec<Vec<u8>>,
    reserved: Option<(usize, usize)>,
}

impl Transport for Script {
    fn port(&self) -> u32 {
        PORT
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(errno) = self.send_errors.pop_front() {
            return Err(io::Error::from_raw_os_error(errno));
        }
        self.sent.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn recv(&mut self, buf: &mut [u8]) -> io::Result<Datagram> {
        let (sender, data) = match self.steps.pop_front() {
            None | Some(Step::Empty) => return Err(io::Error::from_raw_os_error(libc::EAGAIN)),
            Some(Step::Fail(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            Some(Step::From(sender, data)) => (sender, data),
            Some(Step::Data(data)) => (0, data),
        };
        let len = data.len().min(buf.len());
        buf[..len].copy_from_slice(&data[..len]);
        Ok(Datagram { len, full: data.len(), sender })
    }

    fn reserve(&mut self, send: usize, recv: usize) {
        self.reserved = Some((send, recv));
    }
}

fn socket<P: netstrap::wire::build::Protocol>(steps: Vec<Step>) -> Socket<P, Script> {
    Socket::over(Script { steps: steps.into(), ..Script::default() }, SEQ)
}

fn frame(kind: u16, flags: u16, seq: u32, port: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + payload.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&seq.to_ne_bytes());
    bytes.extend_from_slice(&port.to_ne_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// An ack or error for the n-th request of the test (from 1).
fn ack(nth: u32, errno: i32) -> Vec<u8> {
    let mut payload = (-errno).to_ne_bytes().to_vec();
    payload.extend_from_slice(&[0; 16]);
    frame(ERROR, 0x100, SEQ + nth, PORT, &payload)
}

/// One object of a dump: a byte, padded.
fn item(nth: u32, flags: u16, value: u8) -> Vec<u8> {
    frame(ITEM, MULTI | flags, SEQ + nth, PORT, &[value, 0, 0, 0])
}

fn done(nth: u32, flags: u16, errno: i32) -> Vec<u8> {
    frame(DONE, MULTI | flags, SEQ + nth, PORT, &(-errno).to_ne_bytes())
}

struct Items;

impl Query for Items {
    type Protocol = Route;
    type Item = u8;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(18, 0);
        request.raw(&[0; 16]);
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<u8> {
        (frame.kind == ITEM).then(|| frame.payload[0])
    }
}

fn request() -> Request<Route> {
    Items.encode()
}

fn refused(result: Result<Option<String>>) -> Refusal {
    match result.unwrap_err().kind.clone() {
        Kind::Kernel(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn h1_another_sequence_number_or_port_is_skipped_not_failed() {
    let mut late = ack(1, libc::EPERM);
    late[8..12].copy_from_slice(&(SEQ - 5).to_ne_bytes());
    let mut other_port = ack(1, libc::EPERM);
    other_port[12..16].copy_from_slice(&(PORT + 1).to_ne_bytes());
    let mut socket = socket(vec![Step::Data(late), Step::Data(other_port), Step::Data(ack(1, 0))]);
    assert_eq!(socket.request(request()), Ok(None));
}

#[test]
fn h1_the_late_ack_of_an_earlier_request_does_not_answer_the_next() {
    let mut socket = socket(vec![Step::Empty, Step::Data(ack(1, 0)), Step::Data(ack(2, libc::ENODEV))]);
    assert!(matches!(socket.request(request()).unwrap_err().kind, Kind::Lost { .. }));
    assert_eq!(refused(socket.request(request())).errno, libc::ENODEV);
}

#[test]
fn h2_a_foreign_sender_is_not_believed() {
    let mut socket = socket(vec![Step::From(4242, ack(1, 0)), Step::Data(ack(1, libc::EEXIST))]);
    assert_eq!(refused(socket.request(request())).errno, libc::EEXIST);
}

#[test]
fn h3_interrupted_calls_are_repeated() {
    let mut steps = vec![Step::Fail(libc::EINTR); 100];
    steps.push(Step::Data(ack(1, 0)));
    let script = Script { steps: steps.into(), send_errors: vec![libc::EINTR; 100].into(), ..Script::default() };
    let mut socket = Socket::<Route, _>::over(script, SEQ);
    assert_eq!(socket.request(request()), Ok(None));
    assert_eq!(socket.transport().sent.len(), 1);
}

#[test]
fn h4_no_answer_means_that_the_outcome_is_unknown() {
    let mut socket = socket(vec![]);
    assert_eq!(socket.request(request()).unwrap_err().kind, Kind::Lost { sent: 1, got: 0 });
}

#[test]
fn h5_an_overrun_loses_an_ack_or_not_but_is_never_success() {
    let mut lost = socket(vec![Step::Fail(libc::ENOBUFS)]);
    assert!(matches!(lost.request(request()).unwrap_err().kind, Kind::Lost { .. }));
    let mut kept = socket(vec![Step::Fail(libc::ENOBUFS), Step::Data(ack(1, 0))]);
    assert_eq!(kept.request(request()), Ok(None));
}

#[test]
fn h5_an_overrun_in_a_dump_starts_it_again() {
    let steps = vec![
        Step::Data(item(1, 0, 1)),
        Step::Fail(libc::ENOBUFS),
        Step::Data(done(1, 0, 0)),
        Step::Data([item(2, 0, 1), item(2, 0, 2), done(2, 0, 0)].concat()),
    ];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![1, 2]));
}

#[test]
fn h5_an_overrun_in_a_question_asks_it_again() {
    let steps = vec![Step::Fail(libc::ENOBUFS), Step::Empty, Step::Data(item(2, 0, 9))];
    assert_eq!(socket(steps).get(&Items), Ok(Some(9)));
}

fn batch_of(count: usize) -> Vec<Request<Netfilter>> {
    (0..count)
        .map(|_| {
            let mut message = Request::new(0x0a06, 0);
            message.raw(&[2, 0, 0, 0]);
            message
        })
        .collect()
}

/// Flags of the messages in a datagram that was sent.
fn flags_sent(datagram: &[u8]) -> Vec<u16> {
    let mut flags = Vec::new();
    let mut rest = datagram;
    while rest.len() >= 16 {
        let len = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
        flags.push(u16::from_ne_bytes(rest[6..8].try_into().unwrap()));
        rest = &rest[len..];
    }
    flags
}

#[test]
fn h6_a_transaction_asks_for_one_ack_on_its_last_message() {
    // BEGIN is request 1, the messages 2 to 4, END 5.
    let mut socket = socket::<Netfilter>(vec![Step::Data(ack(4, 0))]);
    assert!(socket.transaction(batch_of(3), Some(7)).is_ok());
    assert_eq!(flags_sent(&socket.transport().sent[0]), [1, 1, 1, 5, 1]);
}

#[test]
fn h6_an_error_counts_though_the_last_message_was_acked() {
    let mut socket = socket::<Netfilter>(vec![Step::Data(ack(3, libc::ENOENT)), Step::Data(ack(4, 0))]);
    let rejected = socket.transaction(batch_of(3), None).unwrap_err();
    assert_eq!((rejected.message, rejected.error.errno()), (Some(1), Some(libc::ENOENT)));
}

#[test]
fn h6_a_batch_refused_as_a_whole_names_no_message() {
    let mut socket = socket::<Netfilter>(vec![Step::Data(ack(1, libc::ERESTART))]);
    let rejected = socket.transaction(batch_of(3), Some(7)).unwrap_err();
    assert_eq!((rejected.message, rejected.error.errno()), (None, Some(libc::ERESTART)));
}

#[test]
fn h6_a_lost_ack_is_no_success() {
    let mut socket = socket::<Netfilter>(vec![Step::Fail(libc::ENOBUFS)]);
    let rejected = socket.transaction(batch_of(3), None).unwrap_err();
    assert!(matches!(rejected.error.kind, Kind::Lost { .. }));
}

#[test]
fn h7_a_large_transaction_gets_room_before_it_is_sent() {
    let mut socket = socket::<Netfilter>(vec![Step::Data(ack(10_001, 0))]);
    assert!(socket.transaction(batch_of(10_000), None).is_ok());
    let (send, recv) = socket.transport().reserved.unwrap();
    assert!(send >= socket.transport().sent[0].len() && recv >= 10_000 * 1024);
    assert_eq!(socket.transport().sent.len(), 1, "never split");
}

#[test]
fn h8_a_truncated_datagram_grows_the_buffer_and_repeats_the_dump() {
    let long = |nth| frame(ITEM, MULTI, SEQ + nth, PORT, &[1; 200_000]);
    let (large, again) = (long(1), long(2));
    let steps = vec![Step::Data(large), Step::Data(done(1, 0, 0)), Step::Data(again), Step::Data(done(2, 0, 0))];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![1]));
}

#[test]
fn h9_a_torn_dump_is_repeated_whether_a_part_or_the_end_says_so() {
    let steps = vec![
        Step::Data(item(1, INTR, 1)),
        Step::Data(done(1, 0, 0)),
        Step::Data(item(2, 0, 1)),
        Step::Data(done(2, INTR, 0)),
        Step::Data(item(3, 0, 5)),
        Step::Data(done(3, 0, 0)),
    ];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![5]));
}

#[test]
fn h9_a_dump_that_stays_torn_is_an_error_after_bounded_tries() {
    let steps = (1..=64).flat_map(|nth| [Step::Data(item(nth, INTR, 1)), Step::Data(done(nth, 0, 0))]).collect();
    let mut socket = socket::<Route>(steps);
    assert_eq!(socket.dump(&Items).unwrap_err().kind, Kind::Interrupted);
    assert!((10..=20).contains(&socket.transport().sent.len()));
}

#[test]
fn h9_a_dump_without_an_end_is_not_a_short_list() {
    let steps = (1..=64).flat_map(|nth| [Step::Data(item(nth, 0, 1)), Step::Empty]).collect();
    assert!(socket(steps).dump(&Items).is_err());
}

#[test]
fn h10_the_end_of_a_dump_carries_an_errno() {
    let refusal = refused(socket(vec![Step::Data(done(1, 0, libc::EINVAL))]).dump(&Items).map(|_| None));
    assert_eq!(refusal.errno, libc::EINVAL);
}

#[test]
fn h10_the_end_may_be_empty_and_share_the_datagram_with_data() {
    let end = frame(DONE, MULTI, SEQ + 1, PORT, &[]);
    assert_eq!(socket(vec![Step::Data([item(1, 0, 4), end].concat())]).dump(&Items), Ok(vec![4]));
}

#[test]
fn h11_the_kernels_words_and_the_attribute_they_point_at() {
    let id = LinkId { ns: 0, index: 3.try_into().unwrap() };
    let change = LinkChange { mtu: Some(1), ..LinkChange::default() };
    let mut payload = (-libc::EINVAL).to_ne_bytes().to_vec();
    payload.extend_from_slice(&[0; 16]);
    payload.extend_from_slice(&[11, 0, 1, 0]);
    payload.extend_from_slice(b"too low\0");
    payload.extend_from_slice(&[8, 0, 2, 0, 32, 0, 0, 0]);
    payload[20] = 12;
    let answer = frame(ERROR, CAPPED_TLVS, SEQ + 1, PORT, &payload);
    let refusal = refused(socket(vec![Step::Data(answer)]).request(link::change(id, &change)));
    assert_eq!((refusal.text.as_deref(), refusal.offset, refusal.attr), (Some("too low"), Some(32), Some("mtu")));
}

#[test]
fn h12_answers_that_were_not_asked_for_are_left_out() {
    let stray = frame(99, MULTI, SEQ + 1, PORT, &[7, 0, 0, 0]);
    let steps = vec![Step::Data([item(1, 0, 1), stray, done(1, 0, 0)].concat())];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![1]));
}

#[test]
fn h14_h15_lengths_that_lie_and_missing_padding_do_no_harm() {
    for len in [0u32, 3, 15, 21, 4_000, u32::MAX] {
        let mut bad = item(1, 0, 1);
        bad[..4].copy_from_slice(&len.to_ne_bytes());
        let steps = vec![Step::Data(bad), Step::Data([item(1, 0, 2), done(1, 0, 0)].concat())];
        // What follows a lie in its own datagram is lost, and nothing else.
        assert_eq!(socket(steps).dump(&Items), Ok(vec![2]), "{len}");
    }
    let unpadded = frame(ITEM, MULTI, SEQ + 1, PORT, &[8]);
    assert_eq!(socket(vec![Step::Data(unpadded), Step::Data(done(1, 0, 0))]).dump(&Items), Ok(vec![8]));
}

#[test]
fn h16_a_message_that_is_too_long_is_not_sent() {
    let mut request = request();
    request.attr(3, &[0; 70_000]);
    let mut socket = socket::<Route>(vec![]);
    assert!(matches!(socket.request(request).unwrap_err().kind, Kind::TooLong(_)));
    assert!(socket.transport().sent.is_empty());
}

#[test]
fn h22_a_link_of_another_namespace_is_not_sent() {
    let id = LinkId { ns: 1, index: 3.try_into().unwrap() };
    let mut socket = socket::<Route>(vec![Step::Data(ack(1, 0))]);
    assert_eq!(socket.request(link::delete(id)).unwrap_err().kind, Kind::ForeignLink);
    assert!(socket.transport().sent.is_empty());
    socket.set_ns(1);
    assert_eq!(socket.request(link::delete(id)), Ok(None));
}

#[test]
fn h23_each_message_of_a_batch_has_its_own_outcome() {
    let mut socket = socket(vec![Step::Data([ack(1, 0), ack(2, libc::ENETUNREACH)].concat()), Step::Data(ack(3, 0))]);
    let outcomes = socket.batch(vec![request(), request(), request()]).unwrap();
    let errnos: Vec<_> = outcomes.iter().map(|o| o.as_ref().err().and_then(|e| e.errno())).collect();
    assert_eq!(errnos, [None, Some(libc::ENETUNREACH), None]);
}

#[test]
fn h23_lost_acks_of_a_batch_are_known_as_lost() {
    let mut socket = socket(vec![Step::Data(ack(1, 0)), Step::Fail(libc::ENOBUFS)]);
    let outcomes = socket.batch(vec![request(), request()]).unwrap();
    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1].as_ref().unwrap_err().kind, Kind::Lost { sent: 2, got: 1 });
}

#[test]
fn h23_a_batch_is_sent_in_pieces_whose_acks_fit_the_receive_buffer() {
    let steps = [1..=64, 65..=128, 129..=150]
        .into_iter()
        .flat_map(|nths| nths.map(|nth| Step::Data(ack(nth, 0))).collect::<Vec<_>>())
        .collect();
    let mut socket = socket(steps);
    let outcomes = socket.batch((0..150).map(|_| request()).collect()).unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.is_ok()));
    assert_eq!(socket.transport().sent.len(), 3);
}

#[test]
fn a_warning_of_the_kernel_comes_back_with_success() {
    let mut payload = 0i32.to_ne_bytes().to_vec();
    payload.extend_from_slice(&[0; 16]);
    payload.extend_from_slice(&[9, 0, 1, 0]);
    payload.extend_from_slice(b"odd\0\0\0\0\0");
    let mut socket = socket(vec![Step::Data(frame(ERROR, CAPPED_TLVS, SEQ + 1, PORT, &payload))]);
    assert_eq!(socket.request(request()), Ok(Some("odd".to_owned())));
}

/// On the real kernel: nobody else gets a datagram into a connected socket, and a command
/// that is started inherits no descriptor.
#[test]
fn h2_h25_a_real_socket_is_connected_and_close_on_exec() {
    use netstrap::sys::nl::NlSocket;
    use std::os::fd::{AsFd, AsRawFd};
    let ours = NlSocket::open(netlink_sys::protocols::NETLINK_ROUTE).unwrap();
    let mut forger = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE).unwrap();
    forger.bind_auto().unwrap();
    let to = netlink_sys::SocketAddr::new(ours.port(), 0);
    let error = forger.send_to(&ack(1, 0), &to, 0).unwrap_err();
    assert!(matches!(error.raw_os_error(), Some(libc::ECONNREFUSED | libc::EPERM)), "{error}");
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", ours.as_fd().as_raw_fd())).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    assert_ne!(u32::from_str_radix(flags, 8).unwrap() & 0o2_000_000, 0, "O_CLOEXEC");
}
