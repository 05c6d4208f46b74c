//! The applet on a scripted kernel: what a real one shows only when a module is missing
//! or somebody else commits in between.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::rc::Rc;

use super::parse::{Place, Said};
use crate::cli::io::Io;
use crate::model::ip::Family;
use crate::model::nat::Counters;
use crate::ruleset::Ruleset;
use crate::socket::Socket;
use crate::sys::nl::{Datagram, Transport};
use crate::wire::reply::frames;

const PORT: u32 = 7;

/// What the scripted kernel has, and what it was sent.
#[derive(Default)]
struct Script {
    /// errno of the answer to a probe for an extension; 0 has it.
    probe: i32,
    /// Commits still to be refused with this errno.
    refuse: (u32, i32),
    generation: u32,
    commits: Vec<Vec<u8>>,
    queue: VecDeque<Vec<u8>>,
    /// Answers to commits that are lost, and whether those commits are made.
    lose: (u32, bool),
    /// errno that a commit is not even sent for; 0 sends it.
    unsent: i32,
}

#[derive(Clone, Default)]
struct Scripted(Rc<RefCell<Script>>);

fn reply(kind: u16, seq: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + payload.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&seq.to_ne_bytes());
    bytes.extend_from_slice(&PORT.to_ne_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn status(errno: i32, seq: u32) -> Vec<u8> {
    let mut payload = (-errno).to_ne_bytes().to_vec();
    payload.extend_from_slice(&[0; 16]);
    payload[4] = 16;
    reply(2, seq, &payload)
}

impl Transport for Scripted {
    fn port(&self) -> u32 {
        PORT
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut script = self.0.borrow_mut();
        let first = frames(bytes).next().unwrap();
        let answer = match first.kind {
            0x0a10 => {
                let mut payload = vec![0, 0, 0, 0, 8, 0, 1, 0];
                payload.extend_from_slice(&script.generation.to_be_bytes());
                reply(0x0a0f, first.seq, &payload)
            }
            0x0b00 => status(script.probe, first.seq),
            0x10 if script.unsent != 0 => return Err(io::Error::from_raw_os_error(script.unsent)),
            0x10 if script.lose.0 > 0 => {
                script.commits.push(bytes.to_vec());
                script.lose.0 -= 1;
                script.generation += u32::from(script.lose.1);
                return Ok(bytes.len());
            }
            // The rule of the last commit, as a list of one, if that was made.
            0x0a07 | 0x0a04 if script.lose.1 && !script.commits.is_empty() => {
                let commit = script.commits[script.commits.len() - 1].clone();
                let wanted = if first.kind == 0x0a07 { 0x0a06 } else { 0x0a03 };
                for sent in frames(&commit).filter(|sent| sent.kind == wanted) {
                    script.queue.push_back(reply(wanted, first.seq, sent.payload));
                }
                reply(3, first.seq, &[0; 4])
            }
            0x10 => {
                script.commits.push(bytes.to_vec());
                if script.refuse.0 > 0 {
                    script.refuse.0 -= 1;
                    script.generation += 1;
                    status(script.refuse.1, first.seq)
                } else {
                    let acked = frames(bytes).filter(|f| f.flags & 4 != 0).last().unwrap();
                    status(0, acked.seq)
                }
            }
            _ => reply(3, first.seq, &[0; 4]),
        };
        script.queue.push_back(answer);
        Ok(bytes.len())
    }

    fn recv(&mut self, buf: &mut [u8]) -> io::Result<Datagram> {
        let Some(answer) = self.0.borrow_mut().queue.pop_front() else {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        };
        buf[..answer.len()].copy_from_slice(&answer);
        Ok(Datagram { len: answer.len(), full: answer.len(), sender: 0 })
    }

    fn reserve(&mut self, _send: usize, _recv: usize) {}
}

#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a command line on a scripted kernel; gives the failure's text and what was printed.
fn run(line: &str, kernel: &Scripted) -> (Option<String>, String) {
    let words: Vec<&[u8]> = line.split(' ').skip(1).map(str::as_bytes).collect();
    let sink = Sink::default();
    let mut io = Io::to(Box::new(sink.clone()), Box::new(sink.clone()), false);
    let place = Place { family: Family::V4, table: None, counters: Counters::default(), line: 0 };
    let Ok(Said::Job(job)) = super::parse::parse(&words, place, &mut io) else { panic!("{line}") };
    let done = super::carry_out(*job, &mut Ruleset::over(Socket::over(kernel.clone(), 100)), &mut io);
    let printed = String::from_utf8(sink.0.borrow().clone()).unwrap();
    (done.err().map(|fail| fail.say("iptables")), printed)
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn without_nft_compat_rules_are_native_and_that_is_said() {
    for errno in [libc::ENOENT, libc::EINVAL, libc::EPROTONOSUPPORT] {
        for (line, native, name) in [
            ("iptables -t nat -A POSTROUTING -j MASQUERADE", &b"masq\0"[..], "MASQUERADE"),
            ("iptables -t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4", b"nat\0\x1c\0\x02\x80", "SNAT"),
        ] {
            let kernel = Scripted::default();
            kernel.0.borrow_mut().probe = errno;
            let (failure, printed) = run(line, &kernel);
            assert_eq!(failure, None);
            assert_eq!(printed.lines().count(), 1, "{printed}");
            assert!(printed.contains("nft_compat") && printed.contains(name), "{printed}");
            let script = kernel.0.borrow();
            assert!(holds(&script.commits[0], native) && !holds(&script.commits[0], b"target\0"), "{line}");
        }
    }
}

#[test]
fn with_nft_compat_rules_are_iptables_own_and_all_four_chains_come_with_them() {
    let kernel = Scripted::default();
    let (failure, printed) = run("iptables -t nat -A POSTROUTING -j MASQUERADE", &kernel);
    assert_eq!((failure, printed.as_str()), (None, ""));
    let script = kernel.0.borrow();
    let kinds: Vec<u16> = frames(&script.commits[0]).map(|frame| frame.kind & 0xff).collect();
    assert_eq!(kinds, [0x10, 0, 3, 3, 3, 3, 6, 0x11]);
    assert!(holds(&script.commits[0], b"target\0") && holds(&script.commits[0], b"MASQUERADE\0"));
}

#[test]
fn a_commit_that_came_late_is_done_again_with_the_new_generation() {
    let kernel = Scripted::default();
    kernel.0.borrow_mut().refuse = (3, libc::ERESTART);
    assert_eq!(run("iptables -t nat -A POSTROUTING -j ACCEPT", &kernel).0, None);
    let script = kernel.0.borrow();
    let generations: Vec<u8> = script.commits.iter().map(|commit| commit[27]).collect();
    assert_eq!(generations, [0, 1, 2, 3]);
}

#[test]
fn endless_collisions_end() {
    let kernel = Scripted::default();
    kernel.0.borrow_mut().refuse = (u32::MAX, libc::ERESTART);
    let (failure, _) = run("iptables -t nat -A POSTROUTING -j ACCEPT", &kernel);
    assert!(failure.unwrap().contains("kept changing"));
    assert_eq!(kernel.0.borrow().commits.len(), 20);
}

#[test]
fn another_refusal_is_worded_at_once() {
    let kernel = Scripted::default();
    kernel.0.borrow_mut().refuse = (1, libc::EOPNOTSUPP);
    let (failure, _) = run("iptables -t nat -A POSTROUTING -j ACCEPT", &kernel);
    assert_eq!(
        failure.as_deref(),
        Some("iptables v1.8.9 (nf_tables):  COMMIT failed (Operation not supported): table nat")
    );
    assert_eq!(kernel.0.borrow().commits.len(), 1);
}

#[test]
fn where_the_answer_was_lost_the_rule_set_tells() {
    let line = "iptables -t nat -A POSTROUTING -j MASQUERADE";
    // Not made: the generation stands still, and it is sent again.
    let kernel = Scripted::default();
    kernel.0.borrow_mut().lose = (2, false);
    assert_eq!(run(line, &kernel).0, None);
    assert_eq!(kernel.0.borrow().commits.len(), 3);
    // Made: the rule is there, and it is not sent again.
    let kernel = Scripted::default();
    kernel.0.borrow_mut().lose = (1, true);
    assert_eq!(run(line, &kernel).0, None);
    assert_eq!(kernel.0.borrow().commits.len(), 1);
    // Never made, never answered.
    let kernel = Scripted::default();
    kernel.0.borrow_mut().lose = (u32::MAX, false);
    assert!(run(line, &kernel).0.unwrap().contains("kept changing"));
}

#[test]
fn a_batch_beyond_the_users_limit_is_refused_in_words() {
    let kernel = Scripted::default();
    kernel.0.borrow_mut().unsent = libc::EMSGSIZE;
    let (failure, _) = run("iptables -A INPUT -j ACCEPT", &kernel);
    assert!(failure.unwrap().contains("net.core.wmem_max"));
}
