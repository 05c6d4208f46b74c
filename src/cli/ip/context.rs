//! What one `ip` command works with: its options, its output, and the kernel's side,
//! opened when first needed.

use std::ffi::OsString;
use std::num::NonZeroU32;

use super::event;
use super::fail::Fail;
use crate::cli::cursor::shown;
use crate::cli::io::Io;
use crate::error::Error;
use crate::folder::entries;
use crate::model::ip::Family;
use crate::model::link::{Link, LinkId, name_of};
use crate::model::nexthop::NextHopObject;
use crate::model::op::Op;
use crate::model::rtnames::{NameSet, Names};
use crate::model::template::filled;
use crate::netns::{Folder, Namespace};
use crate::show::out::{Format, Lead, Out};
use crate::show::stats::Units;
use crate::socket::Socket;
use crate::wire::build::{Request, Route};
use crate::wire::encode;
use crate::wire::link::GetLink;
use crate::wire::reply::frames;
use netlink_packet_core::NLM_F_ECHO;
use std::os::unix::ffi::OsStrExt;

/// The global options.
#[derive(Debug, Default)]
pub struct Options {
    /// `-4`, `-6`, `-f`.
    pub family: Family,
    /// `-o`: a record is one line.
    pub oneline: bool,
    /// `-br`: a line of columns.
    pub brief: bool,
    /// `-j`.
    pub json: bool,
    /// `-p`: JSON with line breaks.
    pub pretty: bool,
    /// `-N`: numbers instead of names of protocols and scopes.
    pub numeric: bool,
    /// `-a`: all objects (of `netns exec|del`).
    pub all: bool,
    /// `-s`, `-s -s`: how many times counters are asked for.
    pub statistics: u8,
    /// `-l`: how many times `address flush` looks again, 0 for as long as it takes. Deleting an address may
    /// promote another.
    pub rounds: u32,
    /// `-h`: counters with a unit.
    pub human: bool,
    /// `-iec`: units of 1024.
    pub iec: bool,
    /// `-d`: with all properties.
    pub details: bool,
    /// `-c`: whether text is coloured.
    pub colour: bool,
    /// `-t`, `-ts`: a time before each event of `monitor`.
    pub timestamp: Timestamp,
    /// `-compressvlans`: VLANs in a row as one (of `bridge`).
    pub compress_vlans: bool,
    /// `-echo`: print what a change has made.
    pub echo: bool,
    /// `-force`: a batch goes on after a failure.
    pub force: bool,
    /// `-b`: the file of commands; `-` is standard input.
    pub batch: Option<Vec<u8>>,
}

/// What stands before a notification when it is printed.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// Whether it is one of many that are printed as they come, not one listing.
    pub alone: bool,
    /// Index of the only link that is of interest; 0 is all.
    pub device: u32,
    /// Fields and words in front.
    pub lead: Vec<(&'static str, Lead, String)>,
}

/// How `monitor` writes the time of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timestamp {
    /// Not at all.
    #[default]
    None,
    /// `Timestamp: Wed Nov 25 16:50:28 2026 123456 usec`.
    Long,
    /// `[2026-11-25T16:50:28.123456]`.
    Short,
}

impl Options {
    /// How counters are written.
    pub fn units(&self) -> Units {
        match (self.human, self.iec) {
            (false, _) => Units::Plain,
            (true, false) => Units::Thousands,
            (true, true) => Units::Binary,
        }
    }

    /// Whether anything is asked that an applet of another tool knows nothing of.
    pub fn shapes_output(&self) -> bool {
        let flags = [self.oneline, self.brief, self.json, self.pretty, self.numeric, self.all, self.details, self.echo];
        let more = [self.colour, self.human, self.iec, self.force, self.timestamp != Timestamp::None];
        flags.contains(&true) || more.contains(&true) || self.statistics != 0 || self.family != Family::Unspec
    }
}

/// How many times a flush looks again, unless `-l` says otherwise.
const ROUNDS: u32 = 10;

/// One command's surroundings.
pub struct Context<'a> {
    /// Its output.
    pub io: &'a mut Io,
    /// Its options.
    pub options: Options,
    /// Names of tables, protocols, scopes and groups.
    pub names: Names,
    /// Name of the namespace entered by `-n`, for messages.
    pub ns: Option<String>,
    /// The notification that is being printed.
    pub event: Option<Event>,
    /// Whether this is one command of a batch: the process goes on after it.
    pub batch: bool,
    /// The command line, for the hint.
    act: Vec<u8>,
    socket: Option<Socket<Route>>,
    links: Vec<Link>,
    nsids: Option<Vec<(i32, Vec<u8>)>>,
}

impl<'a> Context<'a> {
    /// Defaults, nothing opened.
    pub fn new(io: &'a mut Io, words: &[OsString]) -> Self {
        Context {
            io,
            options: Options { rounds: ROUNDS, ..Options::default() },
            names: Names::new(read_names),
            ns: None,
            event: None,
            batch: false,
            act: super::act(words).into_bytes(),
            socket: None,
            links: Vec::new(),
            nsids: None,
        }
    }

    /// Moves the process into a named namespace (`-n NAME`); everything opened later is there.
    pub fn enter(&mut self, name: &[u8]) -> Result<(), Fail> {
        let namespace = super::netns::open(name)?;
        super::netns::enter_named(&namespace, name)?;
        let name = crate::model::name::printable(name);
        self.io.entered(name.clone());
        self.ns = Some(name);
        self.socket = None;
        Ok(())
    }

    /// The route socket. A command works in one namespace, which it has entered.
    pub fn socket(&mut self) -> Result<&mut Socket<Route>, Fail> {
        match &mut self.socket {
            Some(socket) => Ok(socket),
            empty => Ok(empty.insert(Socket::open()?)),
        }
    }

    /// Carries out one change. A kernel's warning is printed, and with `-echo` what it made.
    pub fn change(&mut self, op: &Op<'_>) -> Result<(), Fail> {
        let mut request = encode(op);
        let mut echoed = Vec::new();
        if self.options.echo {
            request.add_flags(NLM_F_ECHO);
        }
        let outcome = self.socket()?.request_with(request, &mut |frame| frame.append_to(&mut echoed));
        for frame in frames(&echoed) {
            event::print(self, &frame, false)?;
        }
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(warning)) => {
                self.io.error(super::fail::with_stop("Warning", &warning));
                Ok(())
            }
            Err(error) => Err(self.refused(error)),
        }
    }

    /// Deletes what a flush found. What has gone meanwhile, which the kernel says with `absent`, is no
    /// failure; any other refusal ends it with exit code `code`.
    pub fn sweep(&mut self, requests: Vec<Request<Route>>, absent: i32, code: u8) -> Result<(), Fail> {
        for outcome in self.socket()?.batch(requests)? {
            match outcome {
                Err(error) if error.errno() != Some(absent) => {
                    let reason = crate::error::strerror(error.errno().unwrap_or(libc::EIO));
                    return Err(self.refused(error).reworded(code, "Failed to send flush request: %", &[&reason]));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The end of a listing that the kernel refused: says why, then that it ended.
    pub fn ended(&mut self, error: Error, code: u8) -> Fail {
        let fail = Fail::from(error);
        fail.clone().print(self.io);
        fail.reworded(code, "Dump terminated", &[])
    }

    /// Says how many were flushed, if counters are asked for (`-s`).
    pub fn tell_flushed(&mut self, count: usize) {
        let after = " entries ***\n*** Flush is complete after 1 round ***\n";
        let text = match count {
            _ if self.options.statistics == 0 => return,
            0 => "Nothing to flush.\n".to_owned(),
            count => ["\n*** Round 1, deleting ", &count.to_string(), after].concat(),
        };
        self.io.print(text);
    }

    /// A refused request, with the command line and the namespace for the hint.
    pub fn refused(&self, error: Error) -> Fail {
        Fail::explain(error.in_ns(self.ns.as_deref()), &shown(&self.act))
    }

    /// Advice for a name that is no device: where to look.
    pub fn lacks(&self, name: &[u8]) -> String {
        let name = shown(name);
        match &self.ns {
            Some(ns) => filled("no link is called % in namespace %; list them with: ip -n % link", &[&name, ns, ns]),
            None => filled("no link is called % here; list them with: ip link", &[&name]),
        }
    }

    /// Names for a listing; `None` with `-N`.
    pub fn shown_names(&self) -> Option<&Names> {
        (!self.options.numeric).then_some(&self.names)
    }

    /// Starts a listing in the shape that the options ask for, or what is to be printed of one event.
    pub fn listing(&self) -> Out {
        let format = match (self.options.json, self.options.pretty) {
            (true, true) => Format::Pretty,
            (true, false) => Format::Json,
            (false, _) => Format::Text,
        };
        let mut out = match &self.event {
            Some(event) if event.alone => Out::alone(format, self.options.oneline),
            _ => Out::new(format, self.options.oneline),
        };
        if let Some(event) = &self.event {
            for (key, value, words) in &event.lead {
                out.lead(key, value.clone(), words);
            }
        }
        out.coloured(self.options.colour)
    }

    /// Prints a finished listing.
    pub fn print(&mut self, out: Out) {
        let bytes = out.finish();
        self.io.print(bytes);
    }

    /// The link of a name, an alternative name, or `ifN`; `None` where there is none.
    pub fn find_link(&mut self, name: &[u8]) -> Result<Option<Link>, Fail> {
        Ok(self.locate(name)?.map(|at| self.links[at].clone()))
    }

    /// Place of a link among those known, after asking for it if it is not.
    fn locate(&mut self, name: &[u8]) -> Result<Option<usize>, Fail> {
        if let Some(at) = self.links.iter().position(|link| link.is_called(name)) {
            return Ok(Some(at));
        }
        let known = self.links.len();
        let mut found = self.ask(&GetLink::Name(name))?;
        if found.is_none() {
            let index = name.strip_prefix(b"if").and_then(|n| std::str::from_utf8(n).ok()?.parse().ok());
            if let Some(index) = index {
                found = self.ask(&GetLink::Index(index))?;
            }
        }
        if let Some(link) = found {
            self.links.push(link);
        }
        Ok(self.links.len().checked_sub(1).filter(|_| known < self.links.len()))
    }

    fn ask(&mut self, query: &GetLink<'_>) -> Result<Option<Link>, Fail> {
        let error = match self.socket()?.get(query) {
            Ok(link) => return Ok(link),
            Err(error) => error,
        };
        match error.refusal().map(|refusal| refusal.errno) {
            Some(libc::ENODEV | libc::EINVAL | libc::ERANGE | libc::ENXIO) => Ok(None),
            _ => Err(error.into()),
        }
    }

    /// The device that a change names, or iproute2's `Cannot find device`.
    pub fn device(&mut self, name: &[u8]) -> Result<LinkId, Fail> {
        let link = self.locate(name)?.and_then(|at| link_id(&self.links[at]));
        link.ok_or_else(|| Fail::no_device(name).hint(self.lacks(name)))
    }

    /// The VRF of a name; without one, an argument error with this reason.
    pub fn vrf(&mut self, name: &[u8], reason: &str) -> Result<LinkId, Fail> {
        let link = self.find_link(name)?.filter(|link| link.kind.as_deref() == Some(b"vrf"));
        link.as_ref().and_then(link_id).ok_or_else(|| Fail::wrong(reason, name))
    }

    /// All links, asked for once.
    pub fn all_links(&mut self) -> Result<&[Link], Fail> {
        self.links = self.socket()?.dump(&GetLink::All)?;
        Ok(&self.links)
    }

    /// Whether notifications of one link only are printed.
    pub fn is_narrowed(&self) -> bool {
        self.event.as_ref().is_some_and(|event| event.device != 0)
    }

    /// Whether a notification about a link of this index (0 is none) is to be printed.
    pub fn wants(&self, index: u32) -> bool {
        self.event.as_ref().is_none_or(|event| event.device == 0 || event.device == index)
    }

    /// Takes a link in as a notification tells it, or forgets one that has gone.
    pub fn remember(&mut self, link: Link, gone: bool) {
        self.links.retain(|known| known.index != link.index);
        if !gone {
            self.links.push(link);
        }
    }

    /// Forgets the names of namespaces by id.
    pub fn forget_nsids(&mut self) {
        self.nsids = None;
    }

    /// Forgets what was learned of links and namespaces, which may have changed since.
    pub fn forget(&mut self) {
        self.links.clear();
        self.nsids = None;
    }

    /// Begins another command of a batch.
    pub fn begin(&mut self, line: &[u8]) {
        self.act.clear();
        self.act.extend_from_slice(line.trim_ascii());
    }

    /// Links met so far.
    pub fn known_links(&self) -> &[Link] {
        &self.links
    }

    /// Name of an index, looked up once; `ifN` where there is none.
    pub fn device_name(&mut self, index: u32) -> Vec<u8> {
        self.learn(index);
        name_of(&self.links, index)
    }

    /// Looks an index up, if it is not known yet.
    pub fn learn(&mut self, index: u32) {
        if index != 0
            && !self.links.iter().any(|link| link.index == index)
            && let Ok(Some(link)) = self.ask(&GetLink::Index(index))
        {
            self.links.push(link);
        }
    }

    /// Looks the devices of next hops up.
    pub fn learn_next_hops(&mut self, hops: &[NextHopObject]) {
        for hop in hops {
            hop.each_index(&mut |index| self.learn(index));
        }
    }

    /// Name under `/run/netns` of a namespace id; the folder is read once.
    pub fn nsid_name(&mut self, id: i32) -> Option<Vec<u8>> {
        if self.nsids.is_none() {
            self.nsids = Some(self.read_nsids());
        }
        self.nsids.as_ref()?.iter().find(|(nsid, _)| *nsid == id).map(|(_, name)| name.clone())
    }

    fn read_nsids(&mut self) -> Vec<(i32, Vec<u8>)> {
        let mut ids = Vec::new();
        for name in Folder::standard().names().unwrap_or_default() {
            if let Some(id) = self.nsid_of(&name) {
                ids.push((id, name));
            }
        }
        ids
    }

    /// The id of a named namespace in this one, if it has one. A file that stands for none is complained of.
    pub fn nsid_of(&mut self, name: &[u8]) -> Option<i32> {
        let namespace = Namespace::open(&Folder::standard(), name).ok()?;
        match self.socket().ok()?.get(&crate::wire::nsid::GetNsid { ns: namespace.fd() }) {
            Ok(id) => id,
            Err(error) => {
                let dead = ["it stands for no namespace any more; remove it with: ip netns del ", &shown(name)];
                Fail::from(error).hint(dead.concat()).print(self.io);
                None
            }
        }
    }
}

/// The identity of a link in this command's namespace.
pub fn link_id(link: &Link) -> Option<LinkId> {
    NonZeroU32::new(link.index).map(|index| LinkId { ns: 0, index })
}

/// The text of a set's file in `/etc/iproute2`, or else in `/usr/share/iproute2` (iproute2 7), and of the `*.conf`
/// in both folders beside it; the later lines win.
fn read_names(set: NameSet) -> Vec<u8> {
    let mut text = None;
    let mut more = Vec::new();
    for base in ["/usr/share/iproute2/", "/etc/iproute2/"] {
        let folder = if set == NameSet::IpProtocols { "" } else { base };
        let base = [folder, set.file()].concat();
        text = std::fs::read(&base).ok().or(text);
        for entry in entries([&base, ".d"].concat().as_ref()) {
            if entry.file_name().as_bytes().ends_with(b".conf") {
                more.push(b'\n');
                more.extend(std::fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    let mut text = text.unwrap_or_default();
    text.extend(more);
    text
}
