//! `ip tuntap`: TUN and TAP devices. They are made and taken away by ioctls of `/dev/net/tun`, and
//! listed from the kernel's answer about links.

use std::fs::{File, read_link};
use std::os::fd::AsFd;
use std::path::Path;

use super::context::Context;
use super::fail::{Fail, Outcome};
use super::usage;
use super::words::{if_name, keyword, value};
use crate::cli::cursor::{Cursor, text};
use crate::folder::entries;
use crate::model::link::Link;
use crate::model::rtnames::parse_number;
use crate::model::template::filled;
use crate::show::out::{Colour, Out};
use crate::sys::device::{TUNSETGROUP, TUNSETIFF, TUNSETOWNER, TUNSETPERSIST, with_name, with_number};
use crate::wire::attr::attrs;

const DEVICE: &str = "/dev/net/tun";

// Flags of a device (`linux/if_tun.h`).
const IFF_TUN: u16 = 1;
const IFF_TAP: u16 = 2;
const IFF_MULTI_QUEUE: u16 = 0x100;
const IFF_PERSIST: u16 = 0x800;
const IFF_NO_PI: u16 = 0x1000;
const IFF_ONE_QUEUE: u16 = 0x2000;
const IFF_VNET_HDR: u16 = 0x4000;
/// Fail if the device exists.
const IFF_TUN_EXCL: u16 = 0x8000;
/// The flags that netlink tells.
const TOLD: u16 = IFF_TUN | IFF_TAP | IFF_MULTI_QUEUE | IFF_PERSIST | IFF_NO_PI | IFF_VNET_HDR;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    // Words after it mean nothing to iproute2 either.
    let Some(verb) = words.next() else { return list(context) };
    match keyword(verb, "add~a delete~d show~s lst~s list~s help~h").1 {
        b'a' => modify(words, true),
        b'd' => modify(words, false),
        b's' => list(context),
        b'h' => Err(usage::fail(usage::TUNTAP)),
        _ => Err(Fail::unknown_verb(verb, "tuntap")),
    }
}

fn modify(mut words: Cursor<'_>, add: bool) -> Outcome {
    const WORDS: &str = "mode~m user~u group~g pi~p one_queue~o vnet_hdr~v multi_queue~q dev~d name~n help~h";
    let (mut flags, mut name, mut owner, mut group) = (IFF_NO_PI, None, None, None);
    while let Some(word) = words.next() {
        match keyword(word, WORDS).1 {
            b'm' => {
                let word = value(&mut words)?;
                let mode = match keyword(word, "tun~u tap~a").1 {
                    b'u' => IFF_TUN,
                    b'a' => IFF_TAP,
                    _ => return Err(Fail::usage_word("Unknown tunnel mode ", word, "")),
                };
                flags |= mode;
                if flags & (IFF_TUN | IFF_TAP) != mode {
                    return Err(Fail::usage("You managed to ask for more than one tunnel mode."));
                }
            }
            b'u' if add => owner = Some(account("user", "/etc/passwd", value(&mut words)?)?),
            b'g' if add => group = Some(account("group", "/etc/group", value(&mut words)?)?),
            b'p' => flags &= !IFF_NO_PI,
            b'o' => flags |= IFF_ONE_QUEUE,
            b'v' => flags |= IFF_VNET_HDR,
            b'q' => flags |= IFF_MULTI_QUEUE,
            b'h' => return Err(usage::fail(usage::TUNTAP)),
            key => {
                let word = if matches!(key, b'd' | b'n') { value(&mut words)? } else { word };
                if name.is_some() {
                    return Err(Fail::garbage("name", word));
                }
                name = Some(if_name(word, if key == b'd' { "dev" } else { "name" })?);
            }
        }
    }
    if flags & (IFF_TUN | IFF_TAP) == 0 {
        return Err(Fail::own("You failed to specify a tunnel mode"));
    }
    if add {
        flags |= IFF_TUN_EXCL;
    }
    let file = File::options().read(true).write(true).open(DEVICE);
    let file = file.map_err(|e| {
        let fail = Fail::own_io("open", &e);
        fail.hint("/dev/net/tun is needed, and the module tun: mkdir -p /dev/net && mknod /dev/net/tun c 10 200")
    })?;
    // Without a name the kernel makes one up.
    let name = name.as_ref().map(|name| name.as_bytes()).unwrap_or_default();
    let opened = with_name(file.as_fd(), TUNSETIFF, name, &flags.to_ne_bytes());
    opened.map_err(|e| Fail::own_io("ioctl(TUNSETIFF)", &e))?;
    for (ioctl, call, value) in [
        (TUNSETOWNER, "ioctl(TUNSETOWNER)", owner),
        (TUNSETGROUP, "ioctl(TUNSETGROUP)", group),
        (TUNSETPERSIST, "ioctl(TUNSETPERSIST)", Some(u32::from(add))),
    ] {
        if let Some(value) = value {
            with_number(file.as_fd(), ioctl, value).map_err(|e| Fail::own_io(call, &e))?;
        }
    }
    Ok(0)
}

/// The number of a user or group, given by digits or by its name in a file of accounts.
fn account(kind: &str, file: &str, word: &[u8]) -> Result<u32, Fail> {
    if let Ok(number) = text(word).parse() {
        return Ok(number);
    }
    let lines = std::fs::read(file).unwrap_or_default();
    let found = lines.split(|&b| b == b'\n').find_map(|line| {
        let mut fields = line.split(|&b| b == b':');
        (fields.next()? == word).then(|| text(fields.nth(1)?).parse().ok())?
    });
    found.ok_or_else(|| Fail::usage_word(&["invalid ", kind, " "].concat(), word, ""))
}

fn list(context: &mut Context<'_>) -> Outcome {
    let links = context.all_links()?.to_vec();
    let mut out = context.listing();
    // ARPHRD_ETHER and ARPHRD_NONE: others call themselves so, too.
    for link in links.iter().filter(|link| link.kind.as_deref() == Some(b"tun") && matches!(link.hardware, 1 | 0xfffe))
    {
        // With `-n`, /sys is that of another namespace.
        let flags = flags(link, context.ns.is_none());
        out.record(|out| device(out, link, flags, context.options.details));
        out.text("\n");
    }
    context.print(out);
    Ok(0)
}

/// Value of a property of the kind: of the types that are used here, 1 to 7 (`IFLA_TUN_*`), all fit 32 bits.
fn property(link: &Link, kind: u16) -> Option<u32> {
    let attr = attrs(&link.kind_data).find(kind)?;
    attr.u32().or_else(|| attr.u8().map(u32::from))
}

/// The flags; netlink lacks some, which /sys tells as far as it speaks of the same device.
fn flags(link: &Link, ask_sys: bool) -> u16 {
    // IFLA_TUN_TYPE is IFF_TUN or IFF_TAP.
    let mut flags = property(link, 3).and_then(|kind| u16::try_from(kind).ok()).unwrap_or(0) | IFF_NO_PI;
    for (kind, flag) in [(4, IFF_NO_PI), (5, IFF_VNET_HDR), (6, IFF_PERSIST), (7, IFF_MULTI_QUEUE)] {
        if property(link, kind).is_some_and(|value| value != 0) {
            flags ^= flag;
        }
    }
    let file = filled("/sys/class/net/%/tun_flags", &[text(&link.name)]);
    let told = std::fs::read_to_string(file).ok().filter(|_| ask_sys);
    let told = told.and_then(|text| parse_number(text.trim_end())).and_then(|told| u16::try_from(told).ok());
    told.filter(|told| told & TOLD == flags).unwrap_or(flags)
}

fn device(out: &mut Out, link: &Link, mut flags: u16, details: bool) {
    out.paint(Colour::IfName).name("ifname", "", &link.name, ":");
    out.list("flags", |out| {
        // No header of packets is also what iproute2 takes for no filter.
        flags ^= IFF_NO_PI;
        for (flag, word) in [
            (IFF_TUN, "tun"),
            (IFF_TAP, "tap"),
            (IFF_NO_PI, "pi"),
            (IFF_ONE_QUEUE, "one_queue"),
            (IFF_MULTI_QUEUE, "multi_queue"),
            (IFF_VNET_HDR, "vnet_hdr"),
            (IFF_PERSIST, "persist"),
            (IFF_NO_PI, "filter"),
        ] {
            if flags & flag != 0 {
                out.item(" ", word, "");
            }
        }
        let rest = flags & !(TOLD | IFF_ONE_QUEUE);
        if rest != 0 {
            out.item(" ", &format!("{rest:#x}"), "");
        }
    });
    for (key, before, kind) in [("user", " user ", 1), ("group", " group ", 2)] {
        if let Some(number) = property(link, kind) {
            out.num(key, before, number, "");
        }
    }
    if details {
        out.line_break();
        out.text("\tAttached to processes:");
        out.list("processes", |out| processes(out, &link.name));
    }
}

/// The processes that have a device open: one mention for each descriptor.
fn processes(out: &mut Out, name: &[u8]) {
    let line = [b"iff:\t", name].concat();
    for process in entries("/proc".as_ref()) {
        let path = process.path();
        let Some(pid) = process.file_name().to_str().and_then(|pid| pid.parse::<u32>().ok()) else { continue };
        for fd in entries(&path.join("fd")) {
            if read_link(fd.path()).ok().as_deref() != Some(Path::new(DEVICE)) {
                continue;
            }
            let info = std::fs::read(path.join("fdinfo").join(fd.file_name())).unwrap_or_default();
            if info.split(|&b| b == b'\n').any(|own| own == line) {
                let command = std::fs::read(path.join("comm")).unwrap_or_default();
                out.record(|out| {
                    out.name("name", "", command.trim_ascii_end(), "");
                    out.num("pid", "(", pid, ")");
                });
            }
        }
    }
}
