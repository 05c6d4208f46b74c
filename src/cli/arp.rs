//! `arp`: the IPv4 neighbour table in net-tools' words (2.10) and exit codes; its ioctls and
//! `/proc/net/arp` are netlink requests here.
//!
//! Names come from `/etc/hosts`, never from DNS, so without `-n` an address may show as a number
//! where net-tools shows a name of DNS. Hardware types other than ether are not supported.

mod change;
mod table;

use std::ffi::OsString;
use std::net::Ipv4Addr;

use super::cursor::{shown, text};
use super::getopt::Known;
use super::hosts::{Base, aton};
use super::io::Io;
use super::nettools::Stop;
use crate::error::Error;

/// Exit code of a failure.
const FAILED: u8 = 255;
/// Exit code of a usage error.
const USAGE: u8 = 3;

const OPTIONS: Known = Known {
    letters: "A:H:adfp:nsei:t:vh?DNV",
    names: "verbose=v version=V all=a delete=d file=f numeric=n set=s protocol=A hw-type=H device=i help=h use-device=D symbolic=N",
};

const HELP: &str = "\
Usage:
  arp [-vn]  [<HW>] [-i <if>] [-a] [<hostname>]             <-Display ARP cache
  arp [-v]          [-i <if>] -d  <host> [pub]               <-Delete ARP entry
  arp [-v]   [<HW>] [-i <if>] -s  <host> <hwaddr> [temp]            <-Add entry
  arp [-v]   [<HW>] [-i <if>] -Ds <host> <if> pub                       <-''-

        -a                       display (all) hosts in alternative (BSD) style
        -e                       display (all) hosts in default (Linux) style
        -s, --set                set a new ARP entry
        -d, --delete             delete a specified entry
        -v, --verbose            be verbose
        -n, --numeric            don't resolve names
        -i, --device             specify network interface (e.g. eth0)
        -D, --use-device         read <hwaddr> from given device
        -A, -p, --protocol       specify protocol family (inet)

  <HW>=Use '-H ether' to specify hardware address type. Default: ether
";

/// A failure with a text of pieces.
fn fail(pieces: &[&str]) -> Stop {
    Stop::new(FAILED, pieces)
}

/// Wrong words.
fn usage() -> Stop {
    Stop::new(USAGE, &[HELP])
}

/// `call: reason`.
fn errno(call: &str, errno: i32) -> Stop {
    let stop = Stop::errno(FAILED, call, errno);
    if errno == libc::ENETUNREACH {
        return stop.hint("no network here holds that address, so give the device: -i IFACE");
    }
    stop
}

fn refused(call: &str, error: &Error) -> Stop {
    errno(call, error.errno().unwrap_or(libc::EIO))
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum What {
    #[default]
    Show,
    Delete,
    Set,
}

/// What the options say.
#[derive(Debug, Default)]
struct Options<'a> {
    what: What,
    bsd: bool,
    numeric: bool,
    verbose: bool,
    use_device: bool,
    /// Whether a hardware type was chosen: ether is the only one.
    ether: bool,
    device: Option<&'a [u8]>,
}

/// Runs the applet.
pub fn run(argv: &[OsString], io: &mut Io) -> u8 {
    let parsed = match OPTIONS.parse(argv.get(1..).unwrap_or_default()) {
        Ok(parsed) => parsed,
        Err(complaint) => {
            io.error_of(&["arp: ", &complaint]);
            return usage().print(io);
        }
    };
    let mut options = Options::default();
    for (letter, value) in parsed.options {
        if let Err(stop) = option(&mut options, letter, value, io) {
            return stop.print(io);
        }
    }
    let outcome = match options.what {
        What::Show => table::show(&options, parsed.operands.first().copied(), io),
        What::Delete => change::delete(&options, &parsed.operands, io),
        What::Set => change::set(&options, &parsed.operands, io),
    };
    match outcome {
        Ok(()) => 0,
        Err(stop) => stop.print(io),
    }
}

fn option<'a>(options: &mut Options<'a>, letter: u8, value: &'a [u8], io: &mut Io) -> Result<(), Stop> {
    match letter {
        b'a' => options.bsd = true,
        b'e' => options.bsd = false,
        b'd' => options.what = What::Delete,
        b's' => options.what = What::Set,
        b'D' => options.use_device = true,
        b'n' | b'N' => options.numeric = true,
        b'v' => options.verbose = true,
        b'i' => options.device = Some(value),
        b'f' => return Err(fail(&["arp: option -f is not supported by netstrap"])),
        b'A' | b'p' if value != b"inet" => {
            return Err(fail(&["arp: ", &shown(value), ": kernel only supports 'inet'."]));
        }
        b'A' | b'p' => {}
        b'H' | b't' if value != b"ether" => {
            return Err(fail(&["arp: ", &shown(value), ": unknown hardware type."]));
        }
        b'H' | b't' => options.ether = true,
        b'V' => {
            io.print(concat!("net-tools 2.10\nnetstrap ", env!("CARGO_PKG_VERSION"), "\n"));
            return Err(Stop::new(0, &[]));
        }
        _ => {
            io.print(HELP);
            return Err(Stop::new(0, &[]));
        }
    }
    Ok(())
}

/// The address of a host, by number or name.
fn host(word: &[u8]) -> Result<Ipv4Addr, Stop> {
    let word = text(word);
    aton(word).or_else(|| Base::Hosts.address(word)).ok_or_else(|| {
        fail(&[&shown(word.as_bytes()), ": Unknown host"]).hint("names are looked up in /etc/hosts, not in DNS")
    })
}
