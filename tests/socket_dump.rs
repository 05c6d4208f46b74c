//! Questions and dumps against a scripted kernel: a list is whole and the kernel's own, or it
//! is an error; what was torn, lost, forged or damaged is asked for again.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/script.rs"]
mod script;

use netstrap::error::Kind;
use netstrap::wire::build::Route;
use netstrap::wire::link;
use script::*;

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
fn h3_interruptions_in_the_middle_of_a_dump_lose_nothing() {
    let parts = [item(1, 0, 1), item(1, 0, 2), done(1, 0, 0)];
    let steps = parts.into_iter().flat_map(|part| [Step::Fail(libc::EINTR), Step::Fail(libc::EINTR), Step::Data(part)]);
    let mut socket = socket::<Route>(steps.collect());
    assert_eq!(socket.dump(&Items), Ok(vec![1, 2]));
    assert_eq!(socket.transport().sent.len(), 1);
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
fn h12_answers_that_were_not_asked_for_are_left_out() {
    let stray = frame(99, MULTI, SEQ + 1, PORT, &[7, 0, 0, 0]);
    let steps = vec![Step::Data([item(1, 0, 1), stray, done(1, 0, 0)].concat())];
    assert_eq!(socket(steps).dump(&Items), Ok(vec![1]));
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
