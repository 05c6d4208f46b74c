//! The words of `ip link add|set|delete`: iproute2's one grammar for a link's properties,
//! used again for the peer of a veth pair.

use std::num::NonZeroU32;

use super::target;
use crate::cli::cursor::{Cursor, shown, text};
use crate::cli::ip::context::{Context, link_id};
use crate::cli::ip::fail::Fail;
use crate::cli::ip::filter::{existing, vrf};
use crate::cli::ip::usage;
use crate::cli::ip::words::{device_word, integer, keyword, lladdr, number, prefixes, value};
use crate::model::link::{
    KindArguments, KindName, LinkChange, LinkFlags, LinkId, LinkNumber, NetnsRef, NewKind, NewLink, NewPeer,
};
use crate::model::name::IfName;
use crate::model::op::Op;
use crate::model::rtnames::NameSet;
use crate::model::template::filled;
use crate::netns::{Folder, Namespace};
use crate::show::link::ADDR_GEN_MODES;
use crate::wire::nsid::GetNsid;

/// The properties that words gave, not looked up against the kernel yet save for the master.
#[derive(Debug, Default)]
pub struct Arguments {
    device: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    lower: Option<Vec<u8>>,
    /// The lower device, once it is looked up.
    lower_id: Option<LinkId>,
    netns: Option<Netns>,
    index: Option<NonZeroU32>,
    group: Option<u32>,
    kind: Option<Kind>,
    /// The rest, without what the fields above hold.
    change: LinkChange<'static>,
    /// Keys of the words that may come once only and did.
    seen: Vec<u8>,
}

#[derive(Debug)]
enum Netns {
    Open(Namespace),
    Process(u32),
}

#[derive(Debug)]
enum Kind {
    Veth(Option<Box<Arguments>>),
    With(KindArguments),
    Pair(KindArguments, Box<Arguments>),
}

/// iproute2's words in its order. A digit is a place in [`FLAGS`].
const WORDS: &str = "up=u down=d name=n index=i link~l address~a broadcast~b brd=b txqueuelen~q qlen=q txqlen~q \
    mtu=m xdpgeneric=X xdpdrv=Y xdpoffload=Z xdp=x netns=N multicast=0 allmulticast=1 promisc=2 trailers=3 arp=4 \
    carrier=c vf=! master~M vrf=V nomaster~O dynamic~5 type~T alias~A group=g mode=o state=s numtxqueues~t \
    numrxqueues~r addrgenmode~G link-netns~k link-netnsid~K protodown=p protodown_reason=P gso_max_size=z \
    gso_max_segs=e gro_max_size=y parentdev=!";

/// Flags that a word switches; for two of them `off` sets the flag.
const FLAGS: [(LinkFlags, bool); 6] = [
    (LinkFlags::MULTICAST, true),
    (LinkFlags::ALLMULTI, true),
    (LinkFlags::PROMISC, true),
    (LinkFlags::NOTRAILERS, false),
    (LinkFlags::NOARP, false),
    (LinkFlags::DYNAMIC, true),
];

/// What the words are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `add`: the kind may have arguments of its own.
    Add,
    /// `set`.
    Set,
    /// `delete`.
    Delete,
}

impl Arguments {
    /// Reads all words.
    pub fn parse(context: &mut Context<'_>, mut words: Cursor<'_>, purpose: Purpose) -> Result<Self, Fail> {
        let mut arguments = Arguments::default();
        arguments.read(context, &mut words, purpose, false)?;
        Ok(arguments)
    }

    /// The usage of a kind, if it takes arguments.
    pub fn usage(kind: &[u8]) -> Option<String> {
        if kind == b"veth" { Some(VETH.to_owned()) } else { super::kind_words::usage(kind) }
    }

    fn read(
        &mut self,
        context: &mut Context<'_>,
        words: &mut Cursor<'_>,
        purpose: Purpose,
        is_peer: bool,
    ) -> Result<(), Fail> {
        while let Some(word) = words.next() {
            self.word(context, word, words, purpose, is_peer)?;
        }
        Ok(())
    }

    fn word(
        &mut self,
        context: &mut Context<'_>,
        word: &[u8],
        words: &mut Cursor<'_>,
        purpose: Purpose,
        is_peer: bool,
    ) -> Result<(), Fail> {
        let (name, key) = keyword(word, WORDS);
        let change = &mut self.change;
        match key {
            b'u' | b'd' => change.up = Some(key == b'u'),
            b'T' => return self.kind_words(context, words, purpose, is_peer),
            b'O' => change.master = Some(None),
            b'!' => return Err(Fail::unsupported_word("link property", word)),
            0 => return self.device_words(word, words),
            _ => {
                let word = value(words)?;
                return self.value_word(context, (name, key), word, words);
            }
        }
        Ok(())
    }

    /// A word with a value.
    fn value_word(
        &mut self,
        context: &mut Context<'_>,
        (name, key): (&'static str, u8),
        word: &[u8],
        words: &mut Cursor<'_>,
    ) -> Result<(), Fail> {
        let name = match key {
            b'q' => "txqueuelen",
            b'k' | b'K' => "link-netns/link-netnsid",
            _ => name,
        };
        if b"nimqNtrkKg".contains(&key) {
            // Both words for the namespace of the lower device count as one.
            let once = if key == b'K' { b'k' } else { key };
            if self.seen.contains(&once) {
                return Err(Fail::duplicate(name, word));
            }
            self.seen.push(once);
        }
        let change = &mut self.change;
        match key {
            b'n' => self.name = Some(device_word(word, "name")?.to_vec()),
            b'i' => {
                let index = text(word).parse().ok().filter(|index| i32::try_from(*index).is_ok());
                let index = index.and_then(NonZeroU32::new);
                self.index = Some(index.ok_or_else(|| Fail::wrong("Invalid \"index\" value", word))?);
            }
            b'l' => self.lower = Some(word.to_vec()),
            b'a' => change.address = Some(lladdr(word)?),
            b'b' => change.broadcast = Some(lladdr(word)?),
            b'm' => change.mtu = Some(signed(word, name)?),
            b'N' => self.netns = Some(namespace(word)?),
            b'0'..=b'9' => {
                let Some((flag, set)) = FLAGS.get(usize::from(key - b'0')) else { return Ok(()) };
                change.flags.set(*flag, switch(name, word)? == *set);
                change.flag_mask |= *flag;
            }
            b'x'..=b'z' | b'X'..=b'Z' if name.starts_with("xdp") => {
                if word != b"off" && word != b"none" {
                    return Err(Fail::unsupported_word(&["loading a program with ", name].concat(), word));
                }
                // XDP_FLAGS_SKB_MODE, _DRV_MODE, _HW_MODE and, without -force, _UPDATE_IF_NOEXIST.
                let mode = b"XYZ".iter().position(|other| *other == key).map_or(0, |at| 2 << at);
                change.xdp_off = Some(mode | u32::from(!context.options.force));
            }
            b'M' => {
                let index = existing(context, word)?;
                change.master = Some(NonZeroU32::new(index).map(|index| LinkId { ns: 0, index }));
            }
            b'V' => {
                let index = vrf(context, word)?;
                change.master = Some(NonZeroU32::new(index).map(|index| LinkId { ns: 0, index }));
            }
            b'A' => {
                if word.len() > ALIAS_MAX {
                    return Err(Fail::wrong("alias too long\n", word));
                }
                change.alias = Some(word.to_vec());
            }
            b'g' => {
                let group = context.names.number(NameSet::Groups, text(word));
                self.group = Some(group.ok_or_else(|| Fail::wrong("Invalid \"group\" value\n", word))?);
            }
            b'P' => {
                let bit = number::<u8>(word, "invalid protodown reason\n")?;
                if bit > 31 {
                    return Err(Fail::wrong("invalid protodown reason\n", word));
                }
                change.proto_down_reason = Some((bit, switch(name, value(words)?)?));
            }
            b'k' => {
                let id = nsid(context, word)?;
                self.change.numbers.push((LinkNumber::LinkNsid, id));
            }
            _ => change.numbers.push(numeric(key, name, word)?),
        }
        Ok(())
    }

    /// A word that is no keyword names the device.
    fn device_words(&mut self, word: &[u8], words: &mut Cursor<'_>) -> Result<(), Fail> {
        if prefixes(word, "help") {
            return Err(usage::fail(usage::LINK));
        }
        let name = if word == b"dev" { value(words)? } else { word };
        if self.device.is_some() {
            return Err(Fail::garbage("dev", name));
        }
        self.device = Some(device_word(name, "dev")?.to_vec());
        Ok(())
    }

    fn kind_words(
        &mut self,
        context: &mut Context<'_>,
        words: &mut Cursor<'_>,
        purpose: Purpose,
        is_peer: bool,
    ) -> Result<(), Fail> {
        let kind = value(words)?;
        if is_peer {
            return Err(Fail::duplicate("type", kind));
        }
        // What is wrong with the names is told before what is wrong with the kind's arguments.
        if purpose == Purpose::Add {
            self.one_name()?;
            self.lower_id = self.lower_device(context)?;
        }
        // The kernel does not look at the kind of a link that is to go.
        if purpose == Purpose::Delete && words.is_empty() {
            return Ok(());
        }
        if kind == b"veth" && purpose == Purpose::Add {
            let peer = self.veth_words(context, words)?;
            self.kind = Some(Kind::Veth(peer));
            return Ok(());
        }
        let mut arguments = None;
        if !words.is_empty() {
            let old = if purpose == Purpose::Add { None } else { Some(self.old_data(context)?) };
            arguments = Some(super::kind_words::read(context, kind, words, old.as_deref())?);
        }
        let kind = KindArguments { kind: KindName::new(kind).ok_or_else(unknown_kind)?, arguments };
        // What is left are the properties of a pair's other end.
        self.kind = Some(if words.is_empty() {
            Kind::With(kind)
        } else if purpose != Purpose::Add {
            return Err(Fail::unsupported("\"peer\" of a link that exists"));
        } else {
            let mut peer = Box::<Arguments>::default();
            peer.read(context, words, Purpose::Add, true)?;
            Kind::Pair(kind, peer)
        });
        Ok(())
    }

    /// The properties of its kind that a link has which is to be changed.
    fn old_data(&self, context: &mut Context<'_>) -> Result<Vec<u8>, Fail> {
        match self.changed_device() {
            Err(_) if self.group.is_some() => Ok(Vec::new()),
            device => Ok(target(context, device?)?.kind_data),
        }
    }

    fn veth_words(
        &mut self,
        context: &mut Context<'_>,
        words: &mut Cursor<'_>,
    ) -> Result<Option<Box<Arguments>>, Fail> {
        match words.next() {
            None => Ok(None),
            Some(b"peer") => {
                let mut peer = Box::<Arguments>::default();
                peer.read(context, words, Purpose::Add, true)?;
                Ok(Some(peer))
            }
            // To standard output and with exit code 1, as iproute2 has it.
            Some(_) => {
                context.io.print(VETH);
                Err(Fail::silent(1))
            }
        }
    }

    /// The link to create.
    pub fn new_link(&self, context: &mut Context<'_>) -> Result<NewLink<'_>, Fail> {
        let change = self.birth(context)?;
        if self.group.is_some() && self.device.is_none() && self.name.is_none() {
            return Err(Fail::usage("group cannot be used when creating devices."));
        }
        let kind = match &self.kind {
            None => return Err(Fail::own("Not enough information: \"type\" argument is required")),
            Some(Kind::With(KindArguments { kind, arguments: None })) => NewKind::Plain(kind.clone()),
            Some(Kind::With(kind)) => NewKind::With(kind.clone()),
            Some(Kind::Pair(kind, peer)) => {
                NewKind::Pair(kind.clone(), NewPeer { change: peer.birth(context)?, index: peer.index })
            }
            Some(Kind::Veth(None)) => NewKind::Veth { peer: None },
            Some(Kind::Veth(Some(peer))) => {
                NewKind::Veth { peer: Some(NewPeer { change: peer.birth(context)?, index: peer.index }) }
            }
        };
        Ok(NewLink { change, index: self.index, kind })
    }

    /// The properties that a link is born with.
    fn birth(&self, context: &mut Context<'_>) -> Result<LinkChange<'_>, Fail> {
        let lower = if self.lower_id.is_some() { self.lower_id } else { self.lower_device(context)? };
        Ok(LinkChange { name: self.new_name()?, lower, ..self.properties() })
    }

    fn lower_device(&self, context: &mut Context<'_>) -> Result<Option<LinkId>, Fail> {
        self.lower.as_deref().map(|name| context.device(name)).transpose()
    }

    /// `name X`, `dev X` and a bare X all name a new link.
    fn new_name(&self) -> Result<Option<IfName>, Fail> {
        self.one_name()?;
        self.name.as_ref().or(self.device.as_ref()).map(|name| if_name(name)).transpose()
    }

    fn one_name(&self) -> Result<(), Fail> {
        match (&self.name, &self.device) {
            (Some(name), Some(device)) if name != device => {
                Err(Fail::usage("both \"name\" and \"dev\" cannot be used when creating devices."))
            }
            _ => Ok(()),
        }
    }

    /// The group that is meant where no link is named.
    pub fn of_group(&self, purpose: Purpose) -> Result<Option<u32>, Fail> {
        match self.group {
            Some(_) if self.device.is_some() || self.name.is_some() => Ok(None),
            Some(_) if purpose == Purpose::Set && self.kind.is_some() => {
                Err(Fail::unsupported("changing the kind's arguments of a group"))
            }
            Some(_) if self.index.is_some() => Err(Fail::usage("index can be used only when creating devices.")),
            Some(_) if self.lower.is_some() => Err(Fail::unsupported("\"link DEVICE\" of links that exist")),
            group => Ok(group),
        }
    }

    /// The link to change and what to change of it.
    pub fn link_change(&self, context: &mut Context<'_>, purpose: Purpose) -> Result<(LinkId, LinkChange<'_>), Fail> {
        let device = self.changed_device()?;
        let link = target(context, device)?;
        if purpose == Purpose::Set && self.lower.is_some() {
            return Err(Fail::unsupported("\"link DEVICE\" of a link that exists"));
        }
        if self.index.is_some() && self.netns.is_none() {
            return Err(Fail::usage(
                "index can be used only when creating devices or when moving device to another netns.",
            ));
        }
        if let (Some(new), Some(old)) = (&self.change.address, &link.address)
            && new.len() != old.len()
        {
            return Err(Fail::own(
                ["Invalid address length ", &new.len().to_string(), " - must be ", &old.len().to_string(), " bytes"]
                    .concat(),
            ));
        }
        let too_long = |name: &Vec<u8>| Fail::wrong("\"name\" not a valid ifname", name).hint(NAME_RULE);
        let name = self.name.as_ref().filter(|name| *name != device);
        let name = name.map(|name| IfName::new(name).ok_or_else(|| too_long(name))).transpose()?;
        let id = link_id(&link).ok_or_else(|| Fail::no_device(device))?;
        let mut change = LinkChange { name, ..self.properties() };
        if let Some(index) = self.index {
            change.numbers.push((LinkNumber::NewIndex, index.get()));
        }
        if let Some(Kind::With(kind)) = &self.kind {
            change.kind = Some(kind.clone());
        }
        Ok((id, change))
    }

    fn changed_device(&self) -> Result<&Vec<u8>, Fail> {
        let device = self.device.as_ref().or(self.name.as_ref());
        device.ok_or_else(|| Fail::usage("Not enough information: \"dev\" argument is required."))
    }

    /// Everything but the name, the lower device and what the kind takes.
    pub fn properties(&self) -> LinkChange<'_> {
        let netns = self.netns.as_ref().map(|netns| match netns {
            Netns::Open(namespace) => NetnsRef::Fd(namespace.fd()),
            Netns::Process(pid) => NetnsRef::Pid(*pid),
        });
        let mut change = LinkChange { netns, ..self.change.clone() };
        if let Some(group) = self.group.filter(|_| self.device.is_some() || self.name.is_some()) {
            change.numbers.push((LinkNumber::Group, group));
        }
        change
    }
}

const NAME_RULE: &str = "a link's name has 1 to 15 bytes, without \"/\" and blanks";
const VETH: &str = "Usage: ip link <options> type veth [peer <options>]\nTo get <options> type 'ip link add help'\n";

/// Longest alias (`IFALIASZ` without its NUL).
const ALIAS_MAX: usize = 255;
/// Most segments that `gso_max_segs` takes.
const GSO_MAX_SEGS: u32 = 65535;

/// A property that is a number or one of some words.
fn numeric(key: u8, name: &str, word: &[u8]) -> Result<(LinkNumber, u32), Fail> {
    let one_of = |list: &'static str, reason: &str| {
        let word = word.to_ascii_lowercase();
        let position = list.split(' ').position(|entry| entry.as_bytes() == word);
        position.and_then(|at| u32::try_from(at).ok()).ok_or_else(|| Fail::wrong(reason, &word))
    };
    Ok(match key {
        b'q' => (LinkNumber::TxQueueLength, signed(word, name)?),
        b't' => (LinkNumber::TxQueues, signed(word, name)?),
        b'r' => (LinkNumber::RxQueues, signed(word, name)?),
        b'K' => (LinkNumber::LinkNsid, signed(word, "link-netnsid")?),
        b'c' => (LinkNumber::Carrier, on_off(name, word)?),
        b'p' => (LinkNumber::ProtoDown, on_off(name, word)?),
        b'o' => (LinkNumber::Mode, one_of("default dormant", "Invalid link mode\n")?),
        b's' => (
            LinkNumber::State,
            one_of("unknown notpresent down lowerlayerdown testing dormant up", "Invalid operstate\n")?,
        ),
        b'G' => (LinkNumber::AddrGenMode, one_of(ADDR_GEN_MODES, "Invalid address generation mode\n")?),
        _ => {
            let reason = invalid(name);
            let value = number(word, &reason)?;
            match key {
                b'z' => (LinkNumber::GsoMaxSize, value),
                b'e' if value <= GSO_MAX_SEGS => (LinkNumber::GsoMaxSegs, value),
                b'e' => return Err(Fail::wrong(&reason, word)),
                _ => (LinkNumber::GroMaxSize, value),
            }
        }
    })
}

fn invalid(name: &str) -> String {
    filled("Invalid \"%\" value\n", &[name])
}

/// A number that C's `int` holds; a negative one goes to the kernel as it is.
fn signed(word: &[u8], name: &str) -> Result<u32, Fail> {
    integer(word).map(i32::cast_unsigned).ok_or_else(|| Fail::wrong(&invalid(name), word))
}

/// `on` or `off` of a flag.
fn switch(name: &str, word: &[u8]) -> Result<bool, Fail> {
    match word {
        b"on" => Ok(true),
        b"off" => Ok(false),
        _ => Err(Fail::own_word(
            &["Error: argument of \"", name, "\" must be \"on\" or \"off\", not "].concat(),
            word,
            "",
        )),
    }
}

/// `on` or `off` of a property, whose complaint has another form and exit code.
fn on_off(name: &str, word: &[u8]) -> Result<u32, Fail> {
    let text = "Error: argument of \"%\" must be one of \"off\", \"on\", not \"%\"";
    switch(name, word).map(u32::from).map_err(|fail| fail.reworded(22, text, &[name, &shown(word)]))
}

/// The id of a namespace in this one, which is given one if it has none.
fn nsid(context: &mut Context<'_>, name: &[u8]) -> Result<u32, Fail> {
    let invalid = || Fail::wrong("Invalid \"link-netns\" value\n", name);
    let namespace = Namespace::open(&Folder::standard(), name).map_err(|_| invalid())?;
    for _ in 0..2 {
        let known = context.socket()?.get(&GetNsid { ns: namespace.fd() })?;
        if let Some(id) = known.and_then(|id| u32::try_from(id).ok()) {
            return Ok(id);
        }
        context.change(&Op::SetNsid(NetnsRef::Fd(namespace.fd()), -1))?;
    }
    Err(invalid())
}

fn unknown_kind() -> Fail {
    Fail::kernel("Unknown device type")
}

/// A word of up to 127 bytes may name a link that exists, but a link's own name has at most 15: the kernel's policy.
fn if_name(word: &[u8]) -> Result<IfName, Fail> {
    IfName::new(word).ok_or_else(|| Fail::kernel("Attribute failed policy validation").hint(NAME_RULE))
}

/// A namespace by name, by absolute path, or by the number of a process in it.
fn namespace(word: &[u8]) -> Result<Netns, Fail> {
    if let Ok(namespace) = Namespace::open(&Folder::standard(), word) {
        return Ok(Netns::Open(namespace));
    }
    let invalid = || Fail::wrong("Invalid \"netns\" value\n", word).hint("list the namespaces with: ip netns");
    text(word).parse().map(Netns::Process).map_err(|_| invalid())
}
