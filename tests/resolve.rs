//! Names: a namespace's own `/etc/hosts` and name server, by way of `/etc/netns/NAME`.
#![allow(clippy::unwrap_used)]

mod support;

use std::net::UdpSocket;

use netstrap::netns::{Folder, Namespace};
use support::{ours, sandboxed};

/// Answers every A question for `target.lab` with 127.0.0.9 by way of an alias, and everything else with "no such name".
fn serve(socket: &UdpSocket) {
    let mut query = [0; 512];
    while let Ok((len, from)) = socket.recv_from(&mut query) {
        let question = &query[..len];
        let mut answer = question.to_vec();
        (answer[2], answer[3]) = (0x81, 0x80);
        if question.windows(12).any(|window| window == b"\x06target\x03lab\x00") && question[len - 3] == 1 {
            answer[7] = 2;
            answer.extend_from_slice(b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x03\x01a\x00");
            answer.extend_from_slice(b"\x01a\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x09");
        } else {
            answer[3] |= 3;
        }
        socket.send_to(&answer, from).unwrap();
    }
}

#[test]
fn a_name_is_looked_up_as_the_namespace_has_it() {
    sandboxed("a_name_is_looked_up_as_the_namespace_has_it", || {
        ours(&["ip", "netns", "add", "red"]).ok();
        ours(&["ip", "-n", "red", "link", "set", "lo", "up"]).ok();
        std::fs::create_dir_all("/etc/netns/red").unwrap();
        std::fs::write("/etc/netns/red/resolv.conf", "nameserver 127.0.0.1\nsearch lab\n").unwrap();
        std::fs::write("/etc/netns/red/hosts", "127.0.0.7 listed\n").unwrap();
        let red = Namespace::open(&Folder::standard(), b"red").unwrap();
        let socket = red.within(|| UdpSocket::bind("127.0.0.1:53")).unwrap().unwrap();
        std::thread::spawn(move || serve(&socket));
        let ping = |name: &str| ours(&["ip", "netns", "exec", "red", support::NETSTRAP, "ping", "-c1", name]);
        for (name, address) in [("target", "127.0.0.9"), ("target.lab", "127.0.0.9"), ("listed", "127.0.0.7")] {
            let out = ping(name).ok();
            assert!(out.starts_with(&format!("PING {name} ({address}) ")), "{out}");
            assert!(out.contains(&format!("64 bytes from {address}")), "{out}");
        }
        let ran = ping("no-such-name");
        assert_eq!((ran.code, ran.err.as_str()), (2, "ping: no-such-name: Name or service not known\n"));
        // Outside of it nobody answers.
        std::fs::write("/etc/netns/red/resolv.conf", "nameserver 127.0.0.99\n").unwrap();
        let ran = ping("target");
        assert_eq!((ran.code, ran.err.as_str()), (2, "ping: target: Temporary failure in name resolution\n"));
    });
}
