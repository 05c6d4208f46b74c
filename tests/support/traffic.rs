//! Packets between namespaces: somebody who tells each asker its source address, those who ask, and streams of
//! which every packet is counted.

#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use netstrap::netns::{Folder, Namespace};

/// The port of those who answer.
pub const PORT: u16 = 7007;

/// Does something in a named namespace, or here if there is no name; sockets made there stay there.
pub fn within<T: Send>(ns: &str, work: impl FnOnce() -> T + Send) -> T {
    if ns.is_empty() {
        return work();
    }
    Namespace::open(&Folder::standard(), ns.as_bytes()).unwrap().within(work).unwrap()
}

/// `ADDRESS:PORT`, also of IPv6.
fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), port)
}

/// A socket in a namespace.
fn socket(ns: &str, address: &str, port: u16) -> UdpSocket {
    within(ns, || UdpSocket::bind(at(address, port)).unwrap_or_else(|e| panic!("{address} in {ns}: {e}")))
}

/// Tells each asker, for as long as the test runs, which source address its datagram had.
pub fn answer(ns: &str, address: &str) {
    answer_on(ns, address, PORT);
}

/// As [`answer`], on another port.
pub fn answer_on(ns: &str, address: &str, port: u16) {
    let socket = socket(ns, address, port);
    std::thread::spawn(move || {
        let mut buf = [0; 64];
        while let Ok((_, peer)) = socket.recv_from(&mut buf) {
            let _ = socket.send_to(peer.ip().to_string().as_bytes(), peer);
        }
    });
}

/// Asks from a namespace; a lost datagram is sent again. `no answer` if there is none.
pub fn ask(ns: &str, address: &str) -> String {
    ask_at(ns, address, PORT)
}

/// As [`ask`], on another port.
pub fn ask_at(ns: &str, address: &str, port: u16) -> String {
    let any = if address.contains(':') { "::" } else { "0.0.0.0" };
    let socket = socket(ns, any, 0);
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut buf = [0; 64];
    for _ in 0..5 {
        let asked = socket.connect(at(address, port)).and_then(|()| socket.send(b"?"));
        if let Ok(len) = asked.and_then(|_| socket.recv(&mut buf)) {
            return String::from_utf8_lossy(&buf[..len]).into_owned();
        }
    }
    "no answer".to_string()
}

/// A stream of datagrams, a thousand a second, each of which is to be answered.
pub struct Stream {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u32, u32)>,
}

impl Stream {
    /// Begins, from a namespace to somebody who answers there.
    pub fn start(ns: &str, address: &str) -> Self {
        let any = if address.contains(':') { "::" } else { "0.0.0.0" };
        let socket = socket(ns, any, 0);
        socket.connect(at(address, PORT)).unwrap();
        // The first packet finds out the neighbour's hardware address.
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.send(b"?").unwrap();
        socket.recv(&mut [0; 64]).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = stop.clone();
        let thread = std::thread::spawn(move || stream(&socket, &is_over));
        Stream { stop, thread }
    }

    /// Ends it: how many were sent, and how many of these were never answered.
    pub fn end(self) -> (u32, u32) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn stream(socket: &UdpSocket, is_over: &AtomicBool) -> (u32, u32) {
    let mut buf = [0; 64];
    let (mut sent, mut answered) = (0, 0);
    socket.set_nonblocking(true).unwrap();
    // No more under way than a socket's buffer holds, however busy the machine is.
    const ON_THE_WAY: u32 = 64;
    let mut last = Instant::now();
    loop {
        let is_ending = is_over.load(Ordering::Relaxed);
        let is_late = last.elapsed() > Duration::from_secs(2);
        if is_ending && (sent == answered || is_late) {
            return (sent, sent - answered);
        }
        if !is_ending && (sent - answered < ON_THE_WAY || is_late) {
            // What cannot be sent is lost.
            let _ = socket.send(b"?");
            sent += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
        while socket.recv(&mut buf).is_ok() {
            answered += 1;
            last = Instant::now();
        }
    }
}

/// A connection that stays open, with an echo at its other end.
pub struct Flow(TcpStream);

impl Flow {
    /// Connects from a namespace to an address of another.
    pub fn open(from: &str, to: &str, address: &str) -> Self {
        let listener = within(to, || TcpListener::bind(at(address, PORT)).unwrap());
        Self::between(listener, from, at(address, PORT))
    }

    /// Connects from a namespace to an address, behind which somebody listens.
    fn between(listener: TcpListener, from: &str, to: SocketAddr) -> Self {
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
        });
        let patience = Duration::from_secs(20);
        let stream = within(from, || TcpStream::connect_timeout(&to, patience).unwrap());
        stream.set_read_timeout(Some(patience)).unwrap();
        Flow(stream)
    }

    /// Sends a byte and gets it back: the connection was not reset.
    #[track_caller]
    pub fn holds(&mut self) {
        let mut byte = [0];
        self.0.write_all(b"!").unwrap();
        self.0.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"!");
    }
}

/// Connects to one address and port, behind which an echo of another namespace listens on its own.
pub fn forwarded(from: &str, to: &str, port: u16, by: &str, address: &str, own: u16) -> Flow {
    let listener = within(by, || TcpListener::bind(at(address, own)).unwrap());
    Flow::between(listener, from, at(to, port))
}
