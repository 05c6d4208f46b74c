//! `bridge fdb`: its words in, changes and listings of forwarding entries out.

use super::{dump, unknown, unsupported, usage, vlan_id};
use crate::cli::cursor::{Cursor, shown, text};
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::{Fail, Outcome};
use crate::cli::ip::words::{address, keyword, lladdr, number, prefixes, value};
use crate::model::fdb::{Fdb, FdbFilter, FdbQuestion, FdbVerb};
use crate::model::neigh::{NeighFlags, NeighState};
use crate::model::op::Op;
use crate::model::rtnames::parse_number;
use crate::show::fdb::FdbView;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(word) = words.next() else { return show(context, words) };
    let key = keyword(word, "add~a append~p replace~r delete~d get~g show~s lst~s list~s flush~f help~h").1;
    let verb = match key {
        b's' => return show(context, words),
        b'f' => return flush(context, words),
        b'h' => return Err(Fail::usage(usage::FDB)),
        b'a' => FdbVerb::Add,
        b'p' => FdbVerb::Append,
        b'r' => FdbVerb::Replace,
        b'd' | b'g' => FdbVerb::Delete,
        _ => return Err(unknown(word, "fdb")),
    };
    let get = key == b'g';
    let mut given = Given::default();
    let mut entry = given.read(context, &mut words, get)?;
    if get {
        return question(context, &given, entry);
    }
    let (Some(name), Some(word)) = (given.device, given.lladdr) else {
        return Err(Fail::usage("Device and address are required arguments."));
    };
    if entry.nexthop.is_some() && (entry.dst.is_some() || entry.port.is_some() || entry.vni.is_some()) {
        return Err(Fail::usage("dst, port, vni are mutually exclusive with nhid"));
    }
    assume_self(&mut entry);
    if !entry.state.intersects(NeighState::PERMANENT | NeighState::REACHABLE) {
        entry.state |= NeighState::PERMANENT;
    }
    entry.lladdr = Some(mac(word)?);
    entry.device = Some(super::device(context, name, "device")?);
    context.change(&Op::Fdb(verb, entry))?;
    Ok(0)
}

fn assume_self(entry: &mut Fdb) {
    if !entry.flags.intersects(NeighFlags::SELF | NeighFlags::MASTER) {
        entry.flags |= NeighFlags::SELF;
    }
}

fn mac(word: &[u8]) -> Result<Vec<u8>, Fail> {
    let is_plain = word.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b':');
    let mac = lladdr(word).ok().filter(|mac| mac.len() == 6 && is_plain);
    mac.ok_or_else(|| Fail::usage_of("Invalid mac address %", &[&shown(word)]))
}

/// Words that name things, looked up when all are read.
#[derive(Default)]
struct Given<'w> {
    device: Option<&'w [u8]>,
    bridge: Option<&'w [u8]>,
    lladdr: Option<&'w [u8]>,
    dynamic: bool,
}

impl<'w> Given<'w> {
    /// Reads the words of a change, or of `get`, which takes fewer.
    fn read(&mut self, context: &mut Context<'_>, words: &mut Cursor<'w>, get: bool) -> Result<Fdb, Fail> {
        const CHANGE: &str = "dev=d dst=a nhid=n port=p vni=v src_vni=V via=i self=s master~m router~r local~l \
            permanent~l temp~t static~t dynamic~y vlan~w use~u extern_learn~x sticky~k to=T";
        const GET: &str = "brport=d dev=d br=b vni=v self=s master~m vlan~w dynamic~Y to=T";
        let state = if get { NeighState::empty() } else { NeighState::NOARP };
        let mut entry = Fdb { state, ..Fdb::default() };
        while let Some(word) = words.next() {
            match keyword(word, if get { GET } else { CHANGE }).1 {
                b'd' => self.device = Some(value(words)?),
                b'b' => self.bridge = Some(value(words)?),
                b'a' => {
                    let word = value(words)?;
                    if entry.dst.is_some() {
                        return Err(Fail::garbage("dst", word));
                    }
                    entry.dst = Some(address(word, context.options.family)?);
                }
                // A group or port 0 is none.
                b'n' => entry.nexthop = Some(number(value(words)?, "\"id\" value is invalid\n")?).filter(|id| *id != 0),
                b'p' => entry.port = Some(number(value(words)?, "invalid port\n")?).filter(|port| *port != 0),
                b'v' => entry.vni = Some(vni(value(words)?, "invalid VNI\n")?),
                b'V' => entry.src_vni = Some(vni(value(words)?, "invalid src VNI\n")?),
                b'i' => entry.via = Some(super::device(context, value(words)?, "device")?.index.get()),
                b's' => entry.flags |= NeighFlags::SELF,
                b'm' => entry.flags |= NeighFlags::MASTER,
                b'r' => entry.flags |= NeighFlags::ROUTER,
                b'l' => entry.state |= NeighState::PERMANENT,
                b't' => entry.state |= NeighState::REACHABLE,
                b'y' => entry.state = (entry.state | NeighState::REACHABLE) - NeighState::NOARP,
                b'Y' => self.dynamic = true,
                b'w' if entry.vlan.is_some() => return Err(Fail::garbage("vlan", word)),
                b'w' => entry.vlan = Some(vlan_id(value(words)?)),
                b'u' => entry.flags |= NeighFlags::USE,
                b'x' => entry.flags |= NeighFlags::EXT_LEARNED,
                b'k' => entry.flags |= NeighFlags::STICKY,
                key => {
                    let word = if key == b'T' { value(words)? } else { word };
                    if prefixes(word, "help") {
                        return Err(Fail::usage(usage::FDB));
                    }
                    if self.lladdr.replace(word).is_some() {
                        return Err(Fail::garbage("to", word));
                    }
                }
            }
        }
        Ok(entry)
    }
}

fn vni(word: &[u8], reason: &str) -> Result<u32, Fail> {
    parse_number(text(word)).filter(|vni| *vni < 1 << 24).ok_or_else(|| Fail::wrong(reason, word))
}

/// Exit code of `get` where the kernel refuses.
const REFUSED: u8 = 254;

fn question(context: &mut Context<'_>, given: &Given<'_>, mut entry: Fdb) -> Outcome {
    let Some(word) = given.lladdr.filter(|_| given.device.is_some() || given.bridge.is_some()) else {
        return Err(Fail::usage("Device or master and address are required arguments."));
    };
    entry.lladdr = Some(mac(word)?);
    entry.device = given.device.map(|name| super::device(context, name, "device")).transpose()?;
    let master = given.bridge.map(|name| super::device(context, name, "bridge device")).transpose()?;
    entry.master = master.map(|id| id.index.get());
    context.all_links()?;
    let found = match context.socket()?.get(&FdbQuestion(entry)) {
        Ok(found) => found,
        Err(error) => return Err(context.refused(error).coded(REFUSED)),
    };
    let found: Vec<Fdb> = found.into_iter().collect();
    print(context, &found, false, &|entry| !given.dynamic || !entry.state.contains(NeighState::PERMANENT))
}

fn show(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let (mut name, mut bridge, mut only, mut states, mut dynamic) = (None, None, 0, NeighState::empty(), false);
    while let Some(word) = words.next() {
        match keyword(word, "brport=d dev=d br=b vlan=v state=s dynamic=y help~h").1 {
            b'd' => name = Some(value(&mut words)?),
            b'b' => bridge = Some(value(&mut words)?),
            b'v' => {
                let word = value(&mut words)?;
                if only != 0 {
                    return Err(Fail::duplicate("vlan", word));
                }
                only = number(word, "invalid VLAN ID")?;
            }
            b's' => states |= state(value(&mut words)?)?,
            b'y' => dynamic = true,
            b'h' => return Err(Fail::usage(usage::FDB)),
            _ => return Err(unsupported("argument ", word)),
        }
    }
    let master = bridge.map(|name| super::device(context, name, "bridge device")).transpose()?;
    let device = name.map(|name| super::device(context, name, "device")).transpose()?;
    let found = dump(context, &FdbFilter { ns: 0, device, master })?;
    print(context, &found, device.is_some(), &|entry| {
        (device.is_none() || entry.device == device)
            && (states.is_empty() || entry.state.intersects(states))
            && (only == 0 || entry.vlan == Some(only))
            && !(dynamic && entry.state.contains(NeighState::PERMANENT))
    })
}

/// A state by name (shortened or not) or number.
fn state(word: &[u8]) -> Result<NeighState, Fail> {
    Ok(match keyword(word, "permanent~p static~n temp~n stale~s reachable~r dynamic~r all=a").1 {
        b'p' => NeighState::PERMANENT,
        b'n' => NeighState::NOARP,
        b's' => NeighState::STALE,
        b'r' => NeighState::REACHABLE,
        b'a' => NeighState::all(),
        _ => return number::<u16>(word, "invalid state").map(NeighState::from_bits_retain),
    })
}

/// Prints the entries that a listing takes.
fn print(context: &mut Context<'_>, found: &[Fdb], one_device: bool, takes: &dyn Fn(&Fdb) -> bool) -> Outcome {
    let mut out = context.listing();
    let statistics = context.options.statistics != 0;
    let view = FdbView { one_device, statistics, links: context.known_links() };
    for entry in found.iter().filter(|entry| takes(entry)) {
        crate::show::fdb::fdb(&mut out, entry, &view);
    }
    context.print(out);
    Ok(0)
}

/// What a flush may take or leave.
const KINDS: &str = "permanent=P static=S dynamic=D added_by_user=a extern_learn=e sticky=g offloaded=f";

fn flush(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let (mut name, mut port, mut entry) = (None, None, Fdb::default());
    let (mut flags, mut states) = (NeighFlags::empty(), NeighState::empty());
    while let Some(word) = words.next() {
        let (inner, set) = match word.strip_prefix(b"no") {
            Some(inner) => (inner, false),
            None => (word, true),
        };
        // A flag's letter is its bit counted from `a`.
        let letter = keyword(inner, KINDS).1;
        let (permanent, fixed) = (NeighState::PERMANENT, NeighState::NOARP);
        let (bit, mask) = match letter {
            b'P' => (permanent, permanent),
            b'S' | b'D' => (fixed, if set { fixed | permanent } else { fixed }),
            _ => Default::default(),
        };
        if !mask.is_empty() {
            states |= mask;
            entry.state.set(bit, set != (letter == b'D'));
            continue;
        }
        if letter != 0 {
            let flag = NeighFlags::from_bits_retain(1 << (letter - b'a'));
            flags |= flag;
            entry.flags.set(flag, set);
            continue;
        }
        match keyword(word, "dev=d brport=p vlan=v self=s master=m help~h").1 {
            b'd' => name = Some(value(&mut words)?),
            b'p' => port = Some(value(&mut words)?),
            b'v' if entry.vlan.is_some() => return Err(Fail::garbage("vlan", word)),
            b'v' => entry.vlan = Some(vlan_id(value(&mut words)?)),
            b's' => entry.flags |= NeighFlags::SELF,
            b'm' => entry.flags |= NeighFlags::MASTER,
            b'h' => return Err(Fail::usage(usage::FDB)),
            _ => return Err(unsupported("argument ", word)),
        }
    }
    let name = name.ok_or_else(|| Fail::usage("Device is a required argument."))?;
    entry.device = Some(super::device(context, name, "bridge device")?);
    if let Some(port) = port {
        entry.via = Some(super::device(context, port, "bridge port device")?.index.get());
    }
    if let Some(vlan) = entry.vlan.filter(|vlan| *vlan >= 4096) {
        return Err(Fail::usage_word("Invalid VLAN ID ", vlan.to_string().as_bytes(), ""));
    }
    assume_self(&mut entry);
    context.change(&Op::Fdb(FdbVerb::Flush(flags, states), entry))?;
    Ok(0)
}
