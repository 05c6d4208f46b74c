//! The words of `ip address add|replace|change|delete`.

use std::net::IpAddr;

use crate::cli::cursor::{Cursor, shown, text};
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::Fail;
use crate::cli::ip::filter::address_protocol;
use crate::cli::ip::usage;
use crate::cli::ip::words::{address, number, prefix, prefixes, value};
use crate::error::{Error, Kind, Refusal};
use crate::model::addr::{Addr, AddrFlags, FOREVER, Lifetimes, broadcast_of, default_scope};
use crate::model::ip::{Family, Prefix, family_of};
use crate::model::link::LinkId;
use crate::model::rtnames::NameSet;
use crate::show::addr::FLAG_WORDS;

/// What the address is parsed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be put on a link.
    Put,
    /// To be taken away.
    Delete,
}

/// The words, not looked up against the kernel yet.
#[derive(Debug)]
pub struct Arguments {
    purpose: Purpose,
    family: Family,
    local: Option<Prefix>,
    /// Whether the local address came without a prefix length.
    bare: bool,
    peer: Option<Prefix>,
    broadcast: Option<Broadcast>,
    anycast: Option<IpAddr>,
    scope: Option<u8>,
    label: Option<Vec<u8>>,
    metric: Option<u32>,
    protocol: Option<u8>,
    flags: AddrFlags,
    valid: Option<u32>,
    preferred: Option<u32>,
    device: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broadcast {
    Given(IpAddr),
    Ones,
    Zeros,
}

impl Arguments {
    /// Reads all words.
    pub fn parse(context: &mut Context<'_>, mut words: Cursor<'_>, purpose: Purpose) -> Result<Self, Fail> {
        let mut arguments = Arguments {
            purpose,
            family: context.options.family,
            local: None,
            bare: false,
            peer: None,
            broadcast: None,
            anycast: None,
            scope: None,
            label: None,
            metric: None,
            protocol: None,
            flags: AddrFlags::empty(),
            valid: None,
            preferred: None,
            device: None,
        };
        while let Some(word) = words.next() {
            arguments.word(context, word, &mut words)?;
        }
        Ok(arguments)
    }

    fn word(&mut self, context: &mut Context<'_>, word: &[u8], words: &mut Cursor<'_>) -> Result<(), Fail> {
        match word {
            b"peer" | b"remote" => {
                let word = value(words)?;
                if self.peer.is_some() {
                    return Err(Fail::duplicate("peer", word));
                }
                self.peer = Some(self.family_of(prefix(word, self.family)?));
            }
            b"anycast" => {
                let word = value(words)?;
                if self.anycast.is_some() {
                    return Err(Fail::duplicate("anycast", word));
                }
                self.anycast = Some(self.single(word)?);
            }
            b"scope" => {
                let word = value(words)?;
                let scope = context.names.number(NameSet::Scopes, text(word)).and_then(|n| u8::try_from(n).ok());
                self.scope = Some(scope.ok_or_else(|| Fail::wrong("invalid scope value.", word))?);
            }
            b"dev" => self.device = Some(value(words)?.to_vec()),
            b"label" => self.label = Some(value(words)?.to_vec()),
            b"proto" => {
                self.protocol = Some(address_protocol(value(words)?)?);
            }
            _ if prefixes(word, "broadcast") || word == b"brd" => self.broadcast_word(value(words)?)?,
            _ if ["metric", "priority", "preference"].iter().any(|name| prefixes(word, name)) => {
                self.metric = Some(number(value(words)?, "\"metric\" value is invalid\n")?);
            }
            _ if prefixes(word, "valid_lft") => {
                self.valid = Some(lifetime(word, words, "valid_lft", self.valid)?);
            }
            _ if prefixes(word, "preferred_lft") => {
                self.preferred = Some(lifetime(word, words, "preferred_lft", self.preferred)?);
            }
            _ => {
                if !self.flag_word(context, word) {
                    return self.local_word(word, words);
                }
            }
        }
        Ok(())
    }

    fn family_of(&mut self, prefix: Prefix) -> Prefix {
        if self.family == Family::Unspec {
            self.family = prefix.family();
        }
        prefix
    }

    /// An address without a prefix length, which says the family like any other.
    fn single(&mut self, word: &[u8]) -> Result<IpAddr, Fail> {
        let address = address(word, self.family)?;
        if self.family == Family::Unspec {
            self.family = family_of(&address);
        }
        Ok(address)
    }

    fn broadcast_word(&mut self, word: &[u8]) -> Result<(), Fail> {
        if self.broadcast.is_some() {
            return Err(Fail::duplicate("broadcast", word));
        }
        self.broadcast = Some(match word {
            b"+" => Broadcast::Ones,
            b"-" => Broadcast::Zeros,
            _ => Broadcast::Given(self.single(word)?),
        });
        Ok(())
    }

    /// A word that sets a flag. Those that the kernel alone sets, and those of IPv6 on an IPv4 address, only warn.
    fn flag_word(&mut self, context: &mut Context<'_>, word: &[u8]) -> bool {
        const SETTABLE: &[(&str, bool)] = &[
            ("nodad", true),
            ("optimistic", true),
            ("home", true),
            ("mngtmpaddr", true),
            ("noprefixroute", false),
            ("autojoin", false),
        ];
        let word = text(word);
        let known = FLAG_WORDS.iter().chain([&("temporary", AddrFlags::SECONDARY)]).find(|(name, _)| *name == word);
        let Some((name, flag)) = known else { return false };
        match SETTABLE.iter().find(|(settable, _)| settable == name) {
            None => context.io.error_of(&["Warning: ", name, " option is not mutable from userspace"]),
            Some((_, true)) if self.family != Family::V6 => {
                context.io.error_of(&["Warning: ", name, " option can be set only for IPv6 addresses"]);
            }
            Some(_) => self.flags |= *flag,
        }
        true
    }

    fn local_word(&mut self, word: &[u8], words: &mut Cursor<'_>) -> Result<(), Fail> {
        let word = if word == b"local" { value(words)? } else { word };
        if prefixes(word, "help") {
            return Err(usage::fail(usage::ADDRESS));
        }
        if self.local.is_some() {
            return Err(Fail::garbage("local", word));
        }
        if matches!(word, b"default" | b"any" | b"all") && !matches!(self.family, Family::Other(_)) {
            // An address of no family, which the kernel refuses.
            return Err(Error::new(Kind::Kernel(Refusal { errno: libc::EOPNOTSUPP, ..Refusal::default() })).into());
        }
        self.bare = !word.contains(&b'/');
        self.local = Some(self.family_of(prefix(word, self.family)?));
        Ok(())
    }

    /// The link and the address that the words mean.
    pub fn resolve(&self, context: &mut Context<'_>) -> Result<(LinkId, Addr), Fail> {
        let name = self.device.as_deref();
        let name = name.ok_or_else(|| Fail::own("Not enough information: \"dev\" argument is required."))?;
        let base = self.peer.or(self.local).unwrap_or(Prefix::default_route(self.family));
        let mut addr = Addr::new(base);
        addr.family = self.family;
        addr.local = self.local.map(|local| local.addr());
        if base.is_empty() {
            addr.len = self.local.map_or(0, |local| local.len());
        }
        if self.peer.is_none() && (self.local.is_none() || self.is_wildcard()) {
            addr.address = None;
        }
        self.properties(&mut addr, base)?;
        if self.is_wildcard() {
            let shown = self.local.map_or_else(String::new, |local| local.addr().to_string());
            context.io.error(wildcard_warning(&shown));
        }
        let link = context.device(name)?;
        addr.lifetimes = self.lifetimes()?;
        let joins = self.flags.contains(AddrFlags::MCAUTOJOIN);
        if joins && !self.local.is_some_and(|local| local.addr().is_multicast()) {
            return Err(Fail::own("autojoin needs multicast address"));
        }
        Ok((link, addr))
    }

    /// `ip addr del 10.0.0.1` of IPv4 without a length deletes whatever prefix it has.
    fn is_wildcard(&self) -> bool {
        self.purpose == Purpose::Delete && self.family == Family::V4 && self.bare && self.peer.is_none()
    }

    fn properties(&self, addr: &mut Addr, base: Prefix) -> Result<(), Fail> {
        let putting = self.purpose == Purpose::Put;
        addr.broadcast = match self.broadcast {
            Some(Broadcast::Given(address)) => Some(address),
            Some(_) if putting && self.family != Family::V4 => {
                return Err(Fail::own("Broadcast can be set only for IPv4 addresses"));
            }
            Some(kind) if putting => broadcast_of(base, kind == Broadcast::Ones),
            _ => None,
        };
        let default = match self.local {
            Some(local) if putting => default_scope(&local.addr()),
            _ => 0,
        };
        addr.scope = self.scope.unwrap_or(default);
        addr.anycast = self.anycast;
        addr.label = self.label.clone();
        addr.metric = self.metric;
        addr.protocol = self.protocol;
        addr.flags = self.flags;
        Ok(())
    }

    fn lifetimes(&self) -> Result<Option<Lifetimes>, Fail> {
        if self.valid.is_none() && self.preferred.is_none() {
            return Ok(None);
        }
        let (valid, preferred) = (self.valid.unwrap_or(FOREVER), self.preferred.unwrap_or(FOREVER));
        if valid == 0 {
            return Err(Fail::own("valid_lft is zero"));
        }
        if valid < preferred {
            return Err(Fail::own("preferred_lft is greater than valid_lft"));
        }
        Ok(Some(Lifetimes { preferred, valid }))
    }

    /// Advice where the words do what they say but hardly what was meant: an address without its network.
    pub fn trap(&self, ns: Option<&str>) -> Option<String> {
        let local = self.local.filter(|_| self.bare && self.peer.is_none())?;
        if local.addr().is_loopback() || self.device.as_deref() == Some(b"lo") {
            return None;
        }
        let ip = ns.map_or_else(|| "ip".to_owned(), |ns| ["ip -n ", ns].concat());
        let (addr, device) = (local.addr().to_string(), shown(self.device.as_deref()?));
        let (host, usual) = if local.family() == Family::V6 { ("/128", "/64") } else { ("/32", "/24") };
        let pieces = [
            &addr,
            " was added as ",
            &addr,
            host,
            ", so there is no route to its network; give the prefix length: ",
            &ip,
            " addr del ",
            &addr,
            host,
            " dev ",
            &device,
            "; ",
            &ip,
            " addr add ",
            &addr,
            usual,
            " dev ",
            &device,
        ];
        Some(pieces.concat())
    }
}

fn wildcard_warning(addr: &str) -> String {
    [
        "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         \
         Explicitly specify the prefix length (",
        addr,
        "/32) to avoid this warning.\n         \
         This special behaviour is likely to disappear in further releases,\n         \
         fix your scripts!",
    ]
    .concat()
}

/// Seconds or `forever`.
fn lifetime(keyword: &[u8], words: &mut Cursor<'_>, name: &str, before: Option<u32>) -> Result<u32, Fail> {
    if before.is_some() {
        return Err(Fail::duplicate(name, keyword));
    }
    let word = value(words)?;
    if word == b"forever" {
        return Ok(FOREVER);
    }
    number(word, &[name, " value"].concat())
}
