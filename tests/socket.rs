//! The socket against a scripted kernel: every hazard of the protocol, one test each.
//! A script says what the "kernel" answers to each request; nothing here needs privileges.
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
fn h2_a_foreign_part_or_end_of_a_dump_is_not_believed() {
    let steps = vec![
        Step::From(4242, item(1, 0, 66)),
        Step::Data(item(1, 0, 1)),
        Step::From(4242, done(1, 0, 0)),
        Step::Data([item(1, 0, 2), done(1, 0, 0)].concat()),
    ];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![1, 2]));
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
fn h3_interruptions_in_the_middle_of_a_dump_lose_nothing() {
    let parts = [item(1, 0, 1), item(1, 0, 2), done(1, 0, 0)];
    let steps = parts.into_iter().flat_map(|part| [Step::Fail(libc::EINTR), Step::Fail(libc::EINTR), Step::Data(part)]);
    let mut socket = socket::<Route>(steps.collect());
    assert_eq!(socket.dump(&Items), Ok(vec![1, 2]));
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
fn h9_after_every_failed_dump_the_next_request_works() {
    for failure in [done(1, 0, libc::EINVAL), ack(1, libc::EOPNOTSUPP)] {
        let mut socket = socket(vec![Step::Data(item(1, 0, 1)), Step::Data(failure), Step::Data(ack(2, 0))]);
        assert!(socket.dump(&Items).is_err());
        assert_eq!(socket.request(request()), Ok(None));
    }
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
fn h10_an_ack_does_not_end_a_dump() {
    let steps =
        vec![Step::Data([item(1, 0, 1), ack(1, 0)].concat()), Step::Data([item(1, 0, 2), done(1, 0, 0)].concat())];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![1, 2]));
}

#[test]
fn h10_the_refusal_in_an_end_has_its_words() {
    let mut payload = (-libc::EINVAL).to_ne_bytes().to_vec();
    payload.extend_from_slice(b"\x0b\0\x01\0no room\0"[..11].as_ref());
    let end = frame(DONE, MULTI | 0x200, SEQ + 1, PORT, &payload);
    let refusal = refused(socket(vec![Step::Data([item(1, 0, 1), end].concat())]).dump(&Items).map(|_| None));
    assert_eq!((refusal.errno, refusal.text.as_deref()), (libc::EINVAL, Some("no room")));
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
fn h12_answers_that_were_not_asked_for_are_left_out() {
    let stray = frame(99, MULTI, SEQ + 1, PORT, &[7, 0, 0, 0]);
    let steps = vec![Step::Data([item(1, 0, 1), stray, done(1, 0, 0)].concat())];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![1]));
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
fn h14_the_last_message_may_lack_its_padding() {
    let unpadded = frame(ITEM, MULTI, SEQ + 1, PORT, &[8]);
    assert_eq!(socket(vec![Step::Data(unpadded), Step::Data(done(1, 0, 0))]).dump(&Items), Ok(vec![8]));
}

/// A datagram that begins with a message of this length field, and goes on.
fn lying(nth: u32, len: u32) -> Vec<u8> {
    let mut bytes = [item(nth, 0, 1), item(nth, 0, 2)].concat();
    bytes[..4].copy_from_slice(&len.to_ne_bytes());
    bytes
}

#[test]
fn h15_a_dump_with_a_length_that_lies_is_repeated_not_cut_short() {
    for len in [0u32, 3, 15, 21, 41, 1 << 31, u32::MAX] {
        let steps = vec![
            Step::Data(lying(1, len)),
            Step::Data(done(1, 0, 0)),
            Step::Data([item(2, 0, 2), done(2, 0, 0)].concat()),
        ];
        assert_eq!(socket(steps).dump(&Items), Ok(vec![2]), "{len}");
    }
}

#[test]
fn h15_a_length_that_lies_answers_nothing() {
    for len in [0u32, 15, 41, u32::MAX] {
        let mut answer = ack(1, 0);
        answer[..4].copy_from_slice(&len.to_ne_bytes());
        let lost = socket(vec![Step::Data(answer)]).request(request()).unwrap_err();
        assert_eq!(lost.kind, Kind::Lost { sent: 1, got: 0 }, "{len}");
        let steps = vec![Step::Data(lying(1, len)), Step::Empty, Step::Data(item(2, 0, 6))];
        assert_eq!(socket(steps).get(&Items), Ok(Some(6)), "{len}");
    }
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
fn h17_unknown_attributes_and_type_flags_are_passed_over() {
    let mut payload = vec![0; 16];
    payload[4] = 7;
    // An unknown type; the name with NLA_F_NET_BYTEORDER; the MTU with NLA_F_NESTED; a length that lies.
    payload.extend_from_slice(&[8, 0, 0xff, 0x3f, 1, 2, 3, 4]);
    payload.extend_from_slice(&[7, 0, 3, 0x40, b'l', b'o', 0, 0]);
    payload.extend_from_slice(&[8, 0, 4, 0x80, 0xdc, 5, 0, 0]);
    payload.extend_from_slice(&[3, 0, 13, 0]);
    let link = frame(16, MULTI, SEQ + 1, PORT, &payload);
    let links = socket(vec![Step::Data([link, done(1, 0, 0)].concat())]).dump(&link::GetLink::All).unwrap();
    assert_eq!((links.len(), links[0].index, links[0].name.as_slice(), links[0].mtu), (1, 7, &b"lo"[..], Some(1500)));
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
