//! Both ends of a connection: reporters, which tell each asker who they are and which source
//! they saw, and the asker. In: addresses, and a way into namespaces. Out: what was told.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::case::Ask;

/// Moves the calling thread into a namespace.
pub type Enter = fn(&str) -> io::Result<()>;

/// How long an answer that must come is waited for: longer than any machine takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one that must not come is waited for.
const SILENCE: Duration = Duration::from_millis(300);
/// How often a datagram is sent again.
const AGAIN: Duration = Duration::from_millis(1000);

/// Answers on an address in a namespace, by TCP and UDP, for as long as this process runs.
pub fn answer(enter: Enter, place: &'static str, address: SocketAddr) -> io::Result<()> {
    let (tcp, udp) = within(enter, place, move || Ok((TcpListener::bind(address)?, UdpSocket::bind(address)?)))?;
    let tell = move |source: SocketAddr| format!("{place} {} {}", source.ip(), source.port());
    thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            if let Ok(source) = stream.peer_addr() {
                let _ = stream.write_all(tell(source).as_bytes());
            }
        }
    });
    thread::spawn(move || {
        let mut buf = [0; 16];
        while let Ok((_, source)) = udp.recv_from(&mut buf) {
            let _ = udp.send_to(tell(source).as_bytes(), source);
        }
    });
    Ok(())
}

/// Asks as a check says; `Err` says why there was no answer.
pub fn ask(enter: Enter, ask: &Ask) -> io::Result<String> {
    let patience = if ask.seen.is_some() { PATIENCE } else { SILENCE };
    let (is_tcp, to, port) = (ask.is_tcp, ask.to, ask.port);
    within(enter, &ask.from, move || if is_tcp { ask_tcp(to, patience) } else { ask_udp(to, port, patience) })
}

fn ask_tcp(to: SocketAddr, patience: Duration) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, patience)?;
    stream.set_read_timeout(Some(patience))?;
    let mut told = String::new();
    stream.read_to_string(&mut told)?;
    Ok(told)
}

fn ask_udp(to: SocketAddr, port: u16, patience: Duration) -> io::Result<String> {
    let socket = socket(to, port)?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(AGAIN.min(patience)))?;
    let start = Instant::now();
    loop {
        let mut buf = [0; 128];
        match socket.send(b"who am I?").and_then(|_| socket.recv(&mut buf)) {
            Ok(len) => return Ok(String::from_utf8_lossy(&buf[..len]).into_owned()),
            // Only a datagram that is lost is sent again; a refusal is an answer.
            Err(err) if err.kind() == io::ErrorKind::WouldBlock && start.elapsed() < patience => {}
            Err(err) => return Err(err),
        }
    }
}

/// A socket on a port; instead of 0, on one that was not used before: the kernel remembers how it
/// translated a connection for minutes, whatever the rules are.
fn socket(to: SocketAddr, port: u16) -> io::Result<UdpSocket> {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let any: IpAddr = if to.is_ipv4() { [0, 0, 0, 0].into() } else { [0u16; 8].into() };
    let port = if port == 0 { NEXT.fetch_add(1, Ordering::Relaxed) } else { port };
    UdpSocket::bind((any, port))
}

/// Runs a function in a thread of its own that is in a namespace.
fn within<R: Send + 'static>(
    enter: Enter,
    place: &str,
    work: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> io::Result<R> {
    let place = place.to_string();
    let thread = thread::spawn(move || {
        if place != "router" {
            enter(&place)?;
        }
        work()
    });
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
}
