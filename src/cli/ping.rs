//! `ping` and `ping6`: send ICMP echo requests and print what comes back, with the
//! words, texts and exit codes of iputils 20221126. Addresses are never turned into
//! names: replies look as with `-n`.

mod args;
mod text;

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::time::SystemTime;

use args::{Args, Stop};

use super::cursor::shown;
use super::io::Io;
use crate::error::{Error, Kind, strerror};
use crate::model::ip::Family;
use crate::model::template::filled;
use crate::ping::{self, Event, Notify, Sockets, Tally, Target};
use crate::resolve::{Failure, resolve};
use crate::sys::process;
use crate::sys::signal::Signals;

/// The shortest interval of users, in milliseconds.
const USER_INTERVAL: u32 = 2;

const USAGE: &str = "
Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -B                 sticky source address
  -c <count>         stop after <count> replies
  -D                 print timestamps
  -h                 print help and exit
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want|probe>
  -n                 no dns name resolution (always so: addresses are not looked up)
  -O                 report outstanding replies
  -q                 quiet output
  -s <size>          use <size> as number of data bytes to be sent
  -t <ttl>           define time to live
  -V                 print version and exit
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response

IPv4 options:
  -4                 use IPv4
  -b                 allow pinging broadcast

IPv6 options:
  -6                 use IPv6";

/// What the lines of an error begin with, and where they go.
struct Out<'a> {
    io: &'a mut Io,
    called: String,
}

/// Runs the applet.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let code = carry_out(argv, io);
    io.finish("ping", code)
}

fn carry_out(argv: &[OsString], io: &mut Io) -> u8 {
    let called = argv.first().map_or("ping".into(), |word| shown(word.as_bytes()).into_owned());
    let mut out = Out { io, called };
    match args::parse(argv) {
        Ok(args) => match go(&args, &mut out) {
            Ok(code) | Err(code) => code,
        },
        Err(Stop::Usage(first)) => {
            if let Some(first) = first {
                out.complain(&first);
            }
            out.io.error(USAGE);
            2
        }
        Err(Stop::Version) => {
            out.io.print(concat!("ping from netstrap ", env!("CARGO_PKG_VERSION"), "\n"));
            0
        }
        Err(Stop::Fail(code, text)) => {
            out.complain(&text);
            code
        }
    }
}

/// Pings; `Err` is the exit code of a failure that was told.
fn go(args: &Args<'_>, out: &mut Out<'_>) -> Result<u8, u8> {
    let (v4, v6) = (args.family != Family::V6, args.family != Family::V4);
    let sockets = Sockets::open(v4, v6).map_err(|e| out.no_socket(&e))?;
    let found = lookup(args.target, out)?;
    let wanted = |addr: &SocketAddr| if addr.is_ipv6() { v6 && sockets.has(true) } else { v4 && sockets.has(false) };
    let addresses: Vec<SocketAddr> = found.into_iter().filter(wanted).collect();
    let (target, addr) = open(args, &sockets, &addresses, out)?;
    let host = shown(args.target);
    // Whoever has read the first line may send a signal.
    let signals = Signals::hold(&[libc::SIGINT, libc::SIGALRM, libc::SIGQUIT])
        .map_err(|e| out.fail(&Error::sys("signalfd", &e)))?;
    out.io.print(header(args, &target, &addr, &host));
    out.io.flush();
    if process::uid() != 0 && args.options.interval < USER_INTERVAL {
        out.complain(&format!("cannot flood; minimal interval allowed for user is {USER_INTERVAL}ms"));
        return Err(2);
    }
    let tally = listen(args, &target, &addr, &signals, out).map_err(|e| out.fail(&e))?;
    out.io.print(text::statistics(&host, &tally, args.options.interval == 0));
    out.io.flush();
    if tally.received == 0 && tally.errors == 0 {
        out.io.hint(format!(
            "nothing came back: is {host} up, and has it a route to this source address? \
             A router with masquerade needs none: iptables -t nat -A POSTROUTING -s NETWORK -j MASQUERADE"
        ));
    }
    let few = args.options.deadline > 0 && tally.received < args.options.count;
    Ok(u8::from(tally.received == 0 || few))
}

fn lookup(target: &[u8], out: &mut Out<'_>) -> Result<Vec<SocketAddr>, u8> {
    resolve(super::cursor::text(target)).map_err(|failure| {
        let reason = match failure {
            Failure::Unknown => "Name or service not known",
            Failure::NoAnswer => "Temporary failure in name resolution",
        };
        out.complain(&[&shown(target), ": ", reason].concat());
        if failure == Failure::NoAnswer {
            out.io.hint("no name server answered (/etc/resolv.conf names them); an address needs none");
        }
        2
    })
}

/// Opens the first address that there is a route to.
fn open<'a>(
    args: &Args<'_>,
    sockets: &'a Sockets,
    addresses: &[SocketAddr],
    out: &mut Out<'_>,
) -> Result<(Target<'a>, SocketAddr), u8> {
    let mut left = addresses.len();
    for &addr in addresses {
        left -= 1;
        match Target::open(sockets, addr, &args.options, &mut |event, tally| out.print(args, event, tally)) {
            Ok(target) => return Ok((target, addr)),
            Err(e) if left > 0 && matches!(e.errno(), Some(libc::ENETUNREACH | libc::EHOSTUNREACH)) => {}
            Err(e) => {
                let code = out.fail(&e);
                out.hint_route(args, &addr.ip(), &e);
                return Err(code);
            }
        }
    }
    out.complain(&format!("{}: Address family for hostname not supported", shown(args.target)));
    Err(2)
}

fn listen(
    args: &Args<'_>,
    target: &Target<'_>,
    addr: &SocketAddr,
    signals: &Signals,
    out: &mut Out<'_>,
) -> ping::Result<Tally> {
    let mut told = false;
    let notify: Notify<'_> = &mut |event, tally| {
        if let Event::NotSent { errno, told: false } = event
            && !std::mem::replace(&mut told, true)
        {
            let scope = args.options.device.is_none() && *errno == libc::EINVAL && ping::needs_scope(&addr.ip());
            out.io.hint(match scope {
                true => "a link-local address needs an interface: ADDRESS%DEVICE, or -I DEVICE".into(),
                false => format!("packets are not sent: {}", strerror(*errno)),
            });
        }
        if let Event::Refused { from, error, .. } = event {
            let no_route = (error.kind, error.code) == if from.is_ipv6() { (1, 0) } else { (3, 0) };
            if no_route && !std::mem::replace(&mut told, true) {
                let router = text::address(from);
                out.io.hint(format!("the router {router} has no route to {}: add one there", text::address(addr)));
            }
        }
        out.print(args, event, tally);
    };
    ping::run(target, &args.options, signals, notify)
}

fn header(args: &Args<'_>, target: &Target<'_>, addr: &SocketAddr, host: &str) -> String {
    let (options, size) = (&args.options, args.options.size);
    let mut from = String::new();
    if options.device.is_some() || options.sticky {
        let device = options.device.as_deref().map(shown).unwrap_or_default();
        from = format!("from {} {device}: ", text::address(&target.source));
    }
    let mut addr = *addr;
    if addr.ip() == IpAddr::from([0, 0, 0, 0]) {
        addr = target.source;
    }
    let addr = text::address(&addr);
    if target.is_v6() {
        format!("PING {host}({addr}) {from}{size} data bytes\n")
    } else {
        format!("PING {host} ({addr}) {from}{size}({}) bytes of data.\n", size + 28)
    }
}

impl Out<'_> {
    fn complain(&mut self, text: &str) {
        let line = [&self.called, ": ", text].concat();
        self.io.error(line);
    }

    /// Tells of a failure; its exit code.
    fn fail(&mut self, error: &Error) -> u8 {
        self.complain(&error.to_string());
        2
    }

    fn no_socket(&mut self, error: &Error) -> u8 {
        self.complain("socktype: SOCK_RAW");
        self.fail(error);
        if process::euid() != 0 {
            self.complain("=> missing cap_net_raw+p capability or setuid?");
        }
        if error.errno() == Some(libc::EPERM) {
            self.io.hint(
                "run as root or inside \"netstrap sandbox\", or allow it: \
                 setcap cap_net_raw+p FILE, or sysctl -w net.ipv4.ping_group_range='0 2147483647'",
            );
        }
        2
    }

    /// What would make a route.
    fn hint_route(&mut self, args: &Args<'_>, addr: &IpAddr, error: &Error) {
        if !matches!(&error.kind, Kind::Sys { call, .. } if call == "connect") {
            return;
        }
        let device = args.options.device.as_deref().map(|name| format!(" by {}", shown(name))).unwrap_or_default();
        let family = if addr.is_ipv6() { "-6 " } else { "" };
        let ip = self.io.inside("ip");
        match error.errno() {
            Some(libc::ENETUNREACH | libc::EADDRNOTAVAIL) if addr.is_loopback() => {
                self.io.hint([&ip, " link set lo up: lo is down here"].concat())
            }
            Some(libc::ENETUNREACH) => self.io.hint(format!(
                "no route to {addr}{device} here; add one: {ip} {family}route add default via GATEWAY \
                     (an address without its prefix length, a /32, makes no route: {ip} addr)"
            )),
            Some(libc::EADDRNOTAVAIL) => {
                self.io.hint(filled("no address here to send from; add one: % addr add ADDRESS/LEN dev DEVICE", &[&ip]))
            }
            _ => self.io.hint(format!("a route refuses it; to see which one: {ip} {family}route get {addr}")),
        }
    }

    fn print(&mut self, args: &Args<'_>, event: &Event<'_>, tally: &Tally) {
        match event {
            Event::Broadcast => self.io.error("WARNING: pinging broadcast address"),
            Event::OtherDevice => {
                let device = args.options.device.as_deref().map(shown).unwrap_or_default();
                self.complain(&format!("Warning: source address might be selected on device other than: {device}"));
            }
            Event::Local { errno: libc::EMSGSIZE, mtu, v6 } => {
                let sign = if *v6 { ": " } else { "=" };
                self.complain(&format!("local error: message too long, mtu{sign}{mtu}"));
            }
            Event::Local { errno, .. } => self.complain(&format!("local error: {}", strerror(*errno))),
            Event::NotSent { told: false, .. } => {}
            Event::NotSent { errno, .. } if !args.quiet => self.complain(&format!("sendmsg: {}", strerror(*errno))),
            Event::Status => self.io.error(text::status(tally)),
            Event::Outstanding(_) if !args.outstanding => {}
            Event::Outstanding(_) => self.line(args, &text::event(event)),
            _ if args.quiet => {}
            _ => self.line(args, &text::event(event)),
        }
    }

    fn line(&mut self, args: &Args<'_>, line: &str) {
        if args.timestamps {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.io.print(format!("[{}.{:06}] ", now.as_secs(), now.subsec_micros()));
        }
        self.io.print(line);
        // A pipe's reader sees each line at once.
        self.io.flush();
    }
}
