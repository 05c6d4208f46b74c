//! The words of `ip link add|set|delete`: iproute2's one grammar for a link's properties,
//! used again for the peer of a veth pair.

use std::num::NonZeroU32;

use super::target;
use crate::cli::cursor::{Cursor, text};
use crate::cli::ip::context::{Context, link_id};
use crate::cli::ip::fail::Fail;
use crate::cli::ip::filter::existing;
use crate::cli::ip::usage;
use crate::cli::ip::words::{device_word, lladdr, number, prefixes, value};
use crate::model::link::{KindArguments, KindName, LinkChange, LinkId, NetnsRef, NewKind, NewLink, NewPeer};
use crate::model::name::IfName;
use crate::netns::{Folder, Namespace};

/// The properties that words gave, not looked up against the kernel yet save for the master.
#[derive(Debug, Default)]
pub struct Arguments {
    device: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    up: Option<bool>,
    master: Option<Option<LinkId>>,
    netns: Option<Netns>,
    lower: Option<Vec<u8>>,
    mtu: Option<u32>,
    address: Option<Vec<u8>>,
    index: Option<NonZeroU32>,
    kind: Option<Kind>,
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
}

/// Properties that iproute2 takes and netstrap does not yet: exact words, then those that it abbreviates.
const MISSING: &[&str] = &[
    "xdp",
    "xdpgeneric",
    "xdpdrv",
    "xdpoffload",
    "multicast",
    "allmulticast",
    "promisc",
    "trailers",
    "arp",
    "carrier",
    "vf",
    "vrf",
    "group",
    "mode",
    "state",
    "protodown",
    "protodown_reason",
    "gso_max_size",
    "gso_max_segs",
    "gro_max_size",
    "parentdev",
];
const MISSING_PREFIXES: &[&str] = &[
    "broadcast",
    "brd",
    "txqueuelen",
    "qlen",
    "txqlen",
    "dynamic",
    "alias",
    "numtxqueues",
    "numrxqueues",
    "addrgenmode",
    "link-netns",
    "link-netnsid",
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
        match word {
            b"up" => self.up = Some(true),
            b"down" => self.up = Some(false),
            b"name" => {
                let name = value(words)?;
                if self.name.is_some() {
                    return Err(Fail::duplicate("name", name));
                }
                self.name = Some(device_word(name, "name")?.to_vec());
            }
            b"index" => {
                let word = value(words)?;
                let index: u32 = number(word, "Invalid \"index\" value\n")?;
                self.index = Some(NonZeroU32::new(index).ok_or_else(|| Fail::wrong("Invalid \"index\" value", word))?);
            }
            b"mtu" => {
                let word = value(words)?;
                if self.mtu.is_some() {
                    return Err(Fail::duplicate("mtu", word));
                }
                self.mtu = Some(number(word, "Invalid \"mtu\" value\n")?);
            }
            b"netns" => {
                let word = value(words)?;
                if self.netns.is_some() {
                    return Err(Fail::duplicate("netns", word));
                }
                self.netns = Some(namespace(word)?);
            }
            _ if MISSING.contains(&text(word)) => return Err(missing(word)),
            _ if prefixes(word, "link") => self.lower = Some(value(words)?.to_vec()),
            _ if prefixes(word, "address") => self.address = Some(lladdr(value(words)?)?),
            _ if prefixes(word, "master") => {
                let index = existing(context, value(words)?)?;
                self.master = Some(NonZeroU32::new(index).map(|index| LinkId { ns: 0, index }));
            }
            _ if prefixes(word, "nomaster") => self.master = Some(None),
            _ if prefixes(word, "type") => return self.kind_words(context, words, purpose, is_peer),
            _ if MISSING_PREFIXES.iter().any(|name| prefixes(word, name)) => return Err(missing(word)),
            _ => return self.device_words(word, words),
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
        // The kernel does not look at the kind of a link that is to go.
        if purpose == Purpose::Delete && words.is_empty() {
            return Ok(());
        }
        if kind == b"veth" && purpose == Purpose::Add {
            let peer = self.veth_words(context, words)?;
            self.kind = Some(Kind::Veth(peer));
            return Ok(());
        }
        let name = KindName::new(kind).ok_or_else(unknown_kind)?;
        let mut arguments = None;
        if !words.is_empty() {
            let old = if purpose == Purpose::Add { None } else { Some(self.old_data(context)?) };
            arguments = Some(super::kind_words::read(context, kind, words, old.as_deref())?);
        }
        self.kind = Some(Kind::With(KindArguments { kind: name, arguments }));
        Ok(())
    }

    /// The properties of its kind that a link has which is to be changed.
    fn old_data(&self, context: &mut Context<'_>) -> Result<Vec<u8>, Fail> {
        Ok(target(context, self.changed_device()?)?.kind_data)
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
        let kind = match &self.kind {
            None => return Err(Fail::own("Not enough information: \"type\" argument is required")),
            Some(Kind::With(KindArguments { kind, arguments: None })) => NewKind::Plain(kind.clone()),
            Some(Kind::With(kind)) => NewKind::With(kind.clone()),
            Some(Kind::Veth(None)) => NewKind::Veth { peer: None },
            Some(Kind::Veth(Some(peer))) => {
                NewKind::Veth { peer: Some(NewPeer { change: peer.birth(context)?, index: peer.index }) }
            }
        };
        Ok(NewLink { change, index: self.index, kind })
    }

    /// The properties that a link is born with.
    fn birth(&self, context: &mut Context<'_>) -> Result<LinkChange<'_>, Fail> {
        let lower = self.lower.as_deref().map(|name| context.device(name)).transpose()?;
        Ok(LinkChange { name: self.new_name()?, lower, ..self.properties() })
    }

    /// `name X`, `dev X` and a bare X all name a new link.
    fn new_name(&self) -> Result<Option<IfName>, Fail> {
        match (&self.name, &self.device) {
            (Some(name), Some(device)) if name != device => {
                Err(Fail::usage("both \"name\" and \"dev\" cannot be used when creating devices."))
            }
            (Some(name), _) | (None, Some(name)) => if_name(name).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The link to change and what to change of it.
    pub fn link_change(&self, context: &mut Context<'_>, purpose: Purpose) -> Result<(LinkId, LinkChange<'_>), Fail> {
        let device = self.changed_device()?;
        let link = target(context, device)?;
        if purpose == Purpose::Set && self.lower.is_some() {
            return Err(Fail::unsupported("\"link DEVICE\" of a link that exists"));
        }
        if self.index.is_some() {
            return Err(Fail::usage("index can be used only when creating devices."));
        }
        if let (Some(new), Some(old)) = (&self.address, &link.address)
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
        let kind = match &self.kind {
            Some(Kind::With(kind)) => Some(kind.clone()),
            _ => None,
        };
        Ok((id, LinkChange { name, kind, ..self.properties() }))
    }

    fn changed_device(&self) -> Result<&Vec<u8>, Fail> {
        let device = self.device.as_ref().or(self.name.as_ref());
        device.ok_or_else(|| Fail::usage("Not enough information: \"dev\" argument is required."))
    }

    fn properties(&self) -> LinkChange<'_> {
        LinkChange {
            name: None,
            up: self.up,
            master: self.master,
            netns: self.netns.as_ref().map(|netns| match netns {
                Netns::Open(namespace) => NetnsRef::Fd(namespace.fd()),
                Netns::Process(pid) => NetnsRef::Pid(*pid),
            }),
            mtu: self.mtu,
            address: self.address.clone(),
            lower: None,
            kind: None,
        }
    }
}

const NAME_RULE: &str = "a link's name has 1 to 15 bytes, without \"/\" and blanks";
const VETH: &str = "Usage: ip link <options> type veth [peer <options>]\nTo get <options> type 'ip link add help'\n";

fn missing(word: &[u8]) -> Fail {
    Fail::unsupported_word("link property", word)
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
