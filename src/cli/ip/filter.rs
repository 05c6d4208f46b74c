//! The selectors of `ip link show`, `ip addr show` and `ip addr flush`, which share one grammar.

use super::context::Context;
use super::fail::Fail;
use super::words::{keyword, number, prefix, prefixes, value};
use crate::cli::cursor::{Cursor, text};
use crate::model::addr::{Addr, AddrFlags};
use crate::model::ip::{Family, Prefix};
use crate::model::link::Link;
use crate::model::rtnames::NameSet;
use crate::show::addr::FLAG_WORDS;

/// Which links and addresses are meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The only link, by name.
    pub device: Option<Vec<u8>>,
    /// Its index, once it has been looked up.
    pub index: u32,
    /// Family of the addresses.
    pub family: Family,
    up: bool,
    master: Option<Option<u32>>,
    kind: Option<Vec<u8>>,
    slave_kind: Option<Vec<u8>>,
    group: Option<u32>,
    network: Option<Prefix>,
    scope: Option<u8>,
    /// Pattern of labels; then links themselves are not listed.
    pub label: Option<Vec<u8>>,
    flags: AddrFlags,
    flag_mask: AddrFlags,
    protocol: Option<u8>,
}

impl Filter {
    /// Reads all words as selectors.
    pub fn parse(context: &mut Context<'_>, mut words: Cursor<'_>, help: &str) -> Result<Self, Fail> {
        let mut filter = Filter { family: context.options.family, ..Filter::default() };
        while let Some(word) = words.next() {
            filter.word(context, word, &mut words, help)?;
        }
        filter.resolve(context)?;
        Ok(filter)
    }

    fn word(&mut self, context: &mut Context<'_>, word: &[u8], words: &mut Cursor<'_>, help: &str) -> Result<(), Fail> {
        match word {
            b"to" => {
                let network = prefix(value(words)?, self.family)?;
                if self.family == Family::Unspec {
                    self.family = network.family();
                }
                self.network = Some(network);
            }
            b"scope" => {
                let word = value(words)?;
                let number = context.names.number(NameSet::Scopes, text(word)).and_then(|n| u8::try_from(n).ok());
                if number.is_none() && word != b"all" {
                    return Err(Fail::wrong("invalid \"scope\"\n", word));
                }
                self.scope = number;
            }
            b"up" => self.up = true,
            b"label" => self.label = Some(value(words)?.to_vec()),
            b"group" => {
                let word = value(words)?;
                let group = context.names.number(NameSet::Groups, text(word));
                self.group = Some(group.ok_or_else(|| Fail::wrong("Invalid \"group\" value\n", word))?);
            }
            b"master" => self.master = Some(Some(existing(context, value(words)?)?)),
            b"nomaster" => self.master = Some(None),
            b"type" => {
                let kind = value(words)?;
                match kind.strip_suffix(b"_slave") {
                    Some(kind) => self.slave_kind = Some(kind.to_vec()),
                    None => self.kind = Some(kind.to_vec()),
                }
            }
            b"vrf" => self.master = Some(Some(vrf(context, value(words)?)?)),
            b"proto" => self.protocol = Some(address_protocol(value(words)?)?),
            _ if self.flag_word(word) => {}
            _ => return self.device_word(word, words, help),
        }
        Ok(())
    }

    /// A word that selects by an address flag; `-` in front wants it unset.
    fn flag_word(&mut self, word: &[u8]) -> bool {
        let (name, wanted) = match word.strip_prefix(b"-") {
            Some(name) => (name, false),
            None => (word, true),
        };
        let flag = match name {
            b"dynamic" => Some((AddrFlags::PERMANENT, !wanted)),
            b"primary" => Some((AddrFlags::SECONDARY, !wanted)),
            b"temporary" => Some((AddrFlags::SECONDARY, wanted)),
            _ => FLAG_WORDS.iter().find(|(word, _)| word.as_bytes() == name).map(|(_, flag)| (*flag, wanted)),
        };
        let Some((flag, set)) = flag else { return false };
        self.flag_mask |= flag;
        self.flags.set(flag, set);
        true
    }

    fn device_word(&mut self, word: &[u8], words: &mut Cursor<'_>, help: &str) -> Result<(), Fail> {
        let name = if word == b"dev" { value(words)? } else { word };
        if word != b"dev" && prefixes(word, "help") {
            return Err(super::usage::fail(help));
        }
        if self.device.is_some() {
            return Err(Fail::garbage("dev", name));
        }
        self.device = Some(name.to_vec());
        Ok(())
    }

    fn resolve(&mut self, context: &mut Context<'_>) -> Result<(), Fail> {
        if let Some(name) = &self.device {
            let link = context.find_link(name)?;
            let missing = || Fail::own_word("Device ", name, " does not exist.");
            self.index = link.ok_or_else(missing)?.index;
        }
        Ok(())
    }

    /// Whether a link is meant.
    pub fn takes_link(&self, link: &Link) -> bool {
        (self.index == 0 || link.index == self.index)
            && (!self.up || link.is_up())
            && self.master.is_none_or(|master| link.master == master)
            && self.group.is_none_or(|group| link.group == Some(group))
            && self.kind.as_ref().is_none_or(|kind| link.kind.as_ref() == Some(kind))
            && self.slave_kind.as_ref().is_none_or(|kind| link.slave_kind.as_ref() == Some(kind))
    }

    /// Whether an address of a link is meant. IPv6 has no labels: the link's name stands in.
    pub fn takes_addr(&self, addr: &Addr, link: &[u8]) -> bool {
        let label = addr.label.as_deref().unwrap_or(link);
        (self.family == Family::Unspec || addr.family == self.family)
            && self.scope.is_none_or(|scope| addr.scope == scope)
            && (addr.flags & self.flag_mask) == self.flags
            && self.protocol.is_none_or(|protocol| addr.protocol.unwrap_or(0) == protocol)
            && self.label.as_ref().is_none_or(|pattern| matches(pattern, label))
            && self.network.is_none_or(|network| addr.own().is_some_and(|own| network.contains(&own)))
    }

    /// Whether secondary addresses are left out.
    pub fn takes_primaries_only(&self) -> bool {
        self.flag_mask.contains(AddrFlags::SECONDARY) && !self.flags.contains(AddrFlags::SECONDARY)
    }

    /// `-0`: addresses are not looked at.
    pub fn takes_links_alone(&self) -> bool {
        !matches!(self.family, Family::Unspec | Family::V4 | Family::V6)
    }

    /// Whether links without a matching address are listed too.
    pub fn takes_bare_links(&self) -> bool {
        !matches!(self.family, Family::V4 | Family::V6)
    }
}

/// Who made an address (`IFAPROT_*`), by number or by the kernel's names; iproute2 knows of it since 6.3.
pub fn address_protocol(word: &[u8]) -> Result<u8, Fail> {
    match keyword(word, "unspec=0 kernel_lo=1 kernel_ra=2 kernel_ll=3").1 {
        0 => number(word, "\"proto\" value is invalid\n"),
        digit => Ok(digit - b'0'),
    }
}

/// A device that a selector or property names; its absence is an argument error.
pub fn existing(context: &mut Context<'_>, name: &[u8]) -> Result<u32, Fail> {
    let link = context.find_link(name)?;
    link.map(|link| link.index).ok_or_else(|| Fail::wrong("Device does not exist\n", name))
}

/// A VRF that a selector or property names.
pub fn vrf(context: &mut Context<'_>, name: &[u8]) -> Result<u32, Fail> {
    Ok(context.vrf(name, "Not a valid VRF name\n")?.index.get())
}

/// Shell pattern with `*` and `?`, as labels are matched.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if matches(rest, name) => true,
        (Some((b'*', _)), Some((_, tail))) => matches(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => matches(rest, tail),
        (Some((p, rest)), Some((n, tail))) => p == n && matches(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_match_patterns() {
        assert!(matches(b"eth*", b"eth0:1") && matches(b"e?h0", b"eth0") && matches(b"*", b""));
        assert!(!matches(b"eth", b"eth0") && !matches(b"?", b""));
    }
}
