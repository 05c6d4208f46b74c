//! Changes against a scripted kernel: every hazard of the protocol, one test each (those of
//! questions are in `socket_dump.rs`). A script says what the "kernel" answers to each request; nothing here needs privileges.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/script.rs"]
mod script;

use netstrap::error::{Kind, Result};
use netstrap::model::link::{KindName, LinkChange, LinkId, NewKind, NewLink};
use netstrap::socket::Socket;
use netstrap::wire::build::{Netfilter, Request, Route};
use netstrap::wire::link;
use script::*;

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
fn h1_no_request_has_the_sequence_number_of_notifications() {
    let mut notification = ack(1, libc::EPERM);
    notification[8..12].copy_from_slice(&0u32.to_ne_bytes());
    let mut answer = ack(1, 0);
    answer[8..12].copy_from_slice(&1u32.to_ne_bytes());
    let steps = [Step::Data(notification), Step::Data(answer)].into();
    let mut socket = Socket::<Route, _>::over(Script { steps, ..Script::default() }, u32::MAX);
    assert_eq!(socket.request(request()), Ok(None));
    assert_eq!(socket.transport().sent[0][8..12], 1u32.to_ne_bytes());
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
fn h4_a_failed_receive_after_a_send_means_that_the_outcome_is_unknown() {
    let lost = socket(vec![Step::Fail(libc::EIO)]).request(request()).unwrap_err();
    assert_eq!(lost.kind, Kind::Lost { sent: 1, got: 0 });
    let rejected = socket::<Netfilter>(vec![Step::Fail(libc::EIO)]).transaction(batch_of(2), None).unwrap_err();
    assert!(matches!(rejected.error.kind, Kind::Lost { .. }));
}

#[test]
fn h4_a_failed_send_is_told_from_an_unknown_outcome() {
    for errno in [libc::ENOBUFS, libc::EMSGSIZE, libc::ECONNREFUSED] {
        let script = Script { send_errors: [errno].into(), steps: [Step::Data(ack(2, 0))].into(), ..Script::default() };
        let mut socket = Socket::<Route, _>::over(script, SEQ);
        assert!(matches!(socket.request(request()).unwrap_err().kind, Kind::Sys { errno: e, .. } if e == errno));
        assert_eq!(socket.request(request()), Ok(None), "the next request works");
    }
}

#[test]
fn h5_an_overrun_loses_an_ack_or_not_but_is_never_success() {
    let mut lost = socket(vec![Step::Fail(libc::ENOBUFS)]);
    assert!(matches!(lost.request(request()).unwrap_err().kind, Kind::Lost { .. }));
    let mut kept = socket(vec![Step::Fail(libc::ENOBUFS), Step::Data(ack(1, 0))]);
    assert_eq!(kept.request(request()), Ok(None));
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
fn h6_an_ack_after_a_lost_answer_is_no_success() {
    // The kernel acks a good last message of a refused batch too; the refusal may be what was lost.
    let steps = vec![Step::Fail(libc::ENOBUFS), Step::Data(ack(4, 0))];
    let rejected = socket::<Netfilter>(steps).transaction(batch_of(3), None).unwrap_err();
    assert!(matches!(rejected.error.kind, Kind::Lost { .. }));
}

#[test]
fn h6_an_ack_of_another_message_is_no_success() {
    let rejected = socket::<Netfilter>(vec![Step::Data(ack(3, 0))]).transaction(batch_of(3), None).unwrap_err();
    assert!(matches!(rejected.error.kind, Kind::Lost { .. }));
}

#[test]
fn h6_answers_find_their_message_when_the_numbers_wrap() {
    for (answered, message) in [(u32::MAX - 1, None), (u32::MAX, Some(0)), (1, Some(1)), (2, Some(2))] {
        let mut refusal = ack(0, libc::ENOENT);
        refusal[8..12].copy_from_slice(&answered.to_ne_bytes());
        let script = Script { steps: [Step::Data(refusal)].into(), ..Script::default() };
        let mut socket = Socket::<Netfilter, _>::over(script, u32::MAX - 2);
        assert_eq!(socket.transaction(batch_of(3), None).unwrap_err().message, message, "{answered}");
    }
}

#[test]
fn h6_nothing_to_do_is_not_sent() {
    let mut socket = socket::<Netfilter>(vec![]);
    assert!(socket.transaction(Vec::new(), None).is_ok());
    assert!(socket.transport().sent.is_empty());
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
fn h11_a_refusal_that_echoes_the_whole_request_and_points_into_a_nest() {
    let kind = NewKind::Plain(KindName::new(b"nosuchkind").unwrap());
    let create = || link::create(&NewLink { index: None, change: LinkChange::default(), kind: kind.clone() });
    let echo = create().seal(SEQ + 1, PORT).unwrap();
    for (offset, attr) in [(32, Some("kind")), (36, Some("kind")), (16, None), (4_000, None), (u32::MAX, None)] {
        let mut payload = (-libc::EOPNOTSUPP).to_ne_bytes().to_vec();
        payload.extend_from_slice(&echo);
        payload.extend_from_slice(b"\x11\0\x01\0Unknown kind\0\0\0\0");
        payload.extend_from_slice(&[8, 0, 2, 0]);
        payload.extend_from_slice(&offset.to_ne_bytes());
        payload.extend_from_slice(&[8, 0, 5, 0, 9, 0, 0, 0]);
        let answer = frame(ERROR, 0x200, SEQ + 1, PORT, &payload);
        let refusal = refused(socket(vec![Step::Data(answer)]).request(create()));
        assert_eq!((refusal.text.as_deref(), refusal.missing), (Some("Unknown kind"), Some(9)));
        assert_eq!((refusal.offset, refusal.attr), (Some(offset), attr));
    }
}

#[test]
fn h11_a_refusal_without_words_is_still_one() {
    // An errno alone, and a payload too short to hold even that: no attribute is read past the end.
    for payload in [&(-libc::EPERM).to_ne_bytes()[..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        let refusal = refused(socket(vec![Step::Data(frame(ERROR, 0x200, SEQ + 1, PORT, payload))]).request(request()));
        assert_eq!((refusal.errno, refusal.text), (libc::EPERM, None));
    }
}

#[test]
fn h13_padding_on_the_way_to_the_kernel_is_zero() {
    let mut request = Request::<Route>::new(16, 0);
    request.raw(&[0xff; 16]).attr(3, &[0xff; 5]).string(3, &[0xff; 2]).nest(18, |nest| {
        nest.u8(1, 0xff);
    });
    let mut socket = socket(vec![Step::Data(ack(1, 0))]);
    assert_eq!(socket.request(request), Ok(None));
    let sent = &socket.transport().sent[0];
    let padding = [41..44, 51..52, 61..64].into_iter().flatten().map(|at| sent[at]).collect::<Vec<u8>>();
    assert_eq!((sent.len(), padding), (64, vec![0; 7]));
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
fn h16_with_one_message_too_long_nothing_of_a_batch_is_sent() {
    let mut long = request();
    long.nest(18, |nest| {
        nest.attr(1, &[0; 40_000]).attr(2, &[0; 40_000]);
    });
    let mut requests: Vec<_> = (0..100).map(|_| request()).collect();
    requests.push(long);
    let mut socket = socket(vec![]);
    assert!(matches!(socket.batch(requests).unwrap_err().kind, Kind::TooLong(_)));
    assert!(socket.transport().sent.is_empty());
}

#[test]
fn h18_nests_carry_the_nested_flag() {
    let kind = NewKind::Plain(KindName::new(b"bridge").unwrap());
    let mut socket = socket(vec![Step::Data(ack(1, 0))]);
    let new = NewLink { index: None, change: LinkChange::default(), kind };
    assert_eq!(socket.request(link::create(&new)), Ok(None));
    assert_eq!(socket.transport().sent[0][34..36], (18u16 | 0x8000).to_ne_bytes());
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
fn h23_when_a_later_piece_cannot_be_sent_the_earlier_outcomes_are_kept() {
    let steps = (1..=64).map(|nth| Step::Data(ack(nth, 0))).collect();
    let send_errors = [0, libc::ENOBUFS].into();
    let mut socket = Socket::<Route, _>::over(Script { steps, send_errors, ..Script::default() }, SEQ);
    let outcomes = socket.batch((0..150).map(|_| request()).collect()).unwrap();
    assert_eq!(outcomes.len(), 150);
    assert!(outcomes[..64].iter().all(|outcome| outcome.is_ok()));
    let not_sent =
        |outcome: &Result<_>| matches!(outcome.as_ref().unwrap_err().kind, Kind::Sys { errno: libc::ENOBUFS, .. });
    assert!(outcomes[64..].iter().all(not_sent));
    assert_eq!(socket.transport().sent.len(), 1);
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
