//! The outside's reporter: `probe answer [--until-eof] ADDRESS...` tells each asker which
//! source address its datagram came from; `probe ask ADDRESS` prints what it is told. UDP,
//! port 7007.

use std::io::Read;
use std::net::{IpAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::process::{About, Failure, Outcome};

const PORT: u16 = 7007;

/// `answer` or `ask`.
pub fn run(words: Vec<String>) -> Outcome {
    match words.split_first() {
        Some((word, words)) if word == "answer" && !words.is_empty() => answer(words),
        Some((word, [address])) if word == "ask" => ask(address),
        _ => Err(Failure::usage("usage: probe answer [--until-eof] ADDRESS... | probe ask ADDRESS")),
    }
}

/// Answers on every address, for ever or until standard input ends.
fn answer(words: &[String]) -> Outcome {
    for address in words.iter().filter(|word| !word.starts_with('-')) {
        // One socket for each address: an unbound one would answer from the address of the route back.
        let socket = UdpSocket::bind((ip(address)?, PORT)).about(address)?;
        thread::spawn(move || {
            let mut buf = [0; 64];
            while let Ok((_, peer)) = socket.recv_from(&mut buf) {
                let _ = socket.send_to(peer.ip().to_string().as_bytes(), peer);
            }
        });
    }
    if words.iter().any(|word| word == "--until-eof") {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        return Ok(());
    }
    loop {
        thread::park();
    }
}

/// Asks, up to ten times in five seconds (the reporter may not be up yet).
fn ask(address: &str) -> Outcome {
    let target = ip(address)?;
    let unspecified = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(unspecified).about("a socket")?;
    socket.set_read_timeout(Some(Duration::from_millis(500))).about("a socket")?;
    socket.connect((target, PORT)).about(address)?;
    let mut last = String::new();
    for _ in 0..10 {
        let mut buf = [0; 64];
        match socket.send(b"who am I?").and_then(|_| socket.recv(&mut buf)) {
            Ok(len) => {
                println!("{}", String::from_utf8_lossy(&buf[..len]));
                return Ok(());
            }
            Err(err) => {
                last = err.to_string();
                // A refusal comes back at once; an answer that does not come has taken its time already.
                if err.kind() == std::io::ErrorKind::ConnectionRefused {
                    thread::sleep(Duration::from_millis(500));
                }
            }
        }
    }
    Err(format!("{address} does not answer: {last}").into())
}

fn ip(text: &str) -> Outcome<IpAddr> {
    text.parse().map_err(|_| Failure::usage(format!("{text}: no address")))
}
