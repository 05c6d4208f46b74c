//! The words of a translation become a [`Translation`]: keywords in any order after the
//! action. What is wrong is told in a line without its end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{ACTIONS, Action, PICKS, Pick, Range, TCP, Translation, UDP};
use crate::model::ip::{Family, Prefix, bits, family_of, parse_addr, parse_prefix};
use crate::model::name::IfName;
use crate::model::template::filled;

/// The keywords of the actions, in the order of [`Action`].
const KEYWORDS: &[&[&str]] = &[
    &["from", "to", "out", "ports", "random", "fully-random", "persistent"],
    &["from", "to", "out", "random", "fully-random", "persistent"],
    &["in", "listen", "to", "hairpin"],
    &["in", "listen", "to"],
];

/// Parses the words of one rule, the action first.
///
/// # Errors
/// What is wrong, in words: an unknown, missing or repeated word, a bad value, families mixed.
pub fn parse(words: &[&str]) -> Result<Translation, String> {
    let Some((first, rest)) = words.split_first() else {
        return Err("what is to be done is missing: masquerade, snat, forward or redirect".into());
    };
    let Some(at) = ACTIONS.iter().position(|row| row.0 == *first) else {
        return Err(quoted("", first, " is none of masquerade, snat, forward, redirect"));
    };
    let mut parser = Parser { translation: Translation::new(ACTIONS[at].1), last_to: None };
    let mut rest = rest.iter();
    if !parser.translation.action.is_source() {
        parser.translation.protocol = match rest.next() {
            Some(&"tcp") => TCP,
            Some(&"udp") => UDP,
            _ => return Err([first, " needs a protocol behind it: tcp or udp"].concat()),
        };
    }
    while let Some(word) = rest.next() {
        let keyword = KEYWORDS[at].iter().find(|keyword| *keyword == word);
        match keyword {
            None if !parser.translation.action.is_source() && word.starts_with(|c: char| c.is_ascii_digit()) => {
                parser.listen(word)?;
            }
            None => return Err([first, ": the word ", &quoted("", word, " is not known here")].concat()),
            Some(keyword) if PICKS.iter().any(|row| row.0 == *keyword) => parser.pick(keyword)?,
            Some(keyword) => match rest.next() {
                Some(value) => parser.value(keyword, value)?,
                None => return Err(quoted("", keyword, " needs a value behind it")),
            },
        }
    }
    parser.finish()
}

struct Parser<'a> {
    translation: Translation,
    /// The latest `to`, of which only the end tells what it says.
    last_to: Option<&'a str>,
}

impl<'a> Parser<'a> {
    fn value(&mut self, keyword: &str, value: &'a str) -> Result<(), String> {
        match keyword {
            "from" => {
                let prefix = self.subnet(value)?;
                put(&mut self.translation.from, prefix, keyword)
            }
            "hairpin" => {
                let prefix = self.subnet(value)?;
                put(&mut self.translation.hairpin, prefix, keyword)
            }
            "out" | "in" => put(&mut self.translation.device, device(value)?, keyword),
            "ports" => put(&mut self.translation.new_ports, range(value)?, keyword),
            "listen" => self.listen(value),
            _ => match self.last_to.replace(value) {
                None => Ok(()),
                Some(before) if self.translation.action == Action::Snat => {
                    let prefix = self.subnet(before)?;
                    put(&mut self.translation.to, prefix, keyword)
                }
                Some(_) => once(false, keyword),
            },
        }
    }

    fn pick(&mut self, word: &str) -> Result<(), String> {
        let pick = PICKS.iter().find(|row| row.0 == word).map_or(Pick::empty(), |row| row.1);
        let before = self.translation.pick;
        self.translation.pick |= pick;
        once(!before.contains(pick), word)
    }

    /// `PORT[-PORT]`, maybe behind `ADDR:`.
    fn listen(&mut self, word: &str) -> Result<(), String> {
        let mut found = Endpoint::default();
        endpoint(word, true, &mut found)?;
        let (addrs, ports) = &found;
        if let Some((first, last)) = addrs {
            if first != last {
                return Err(quoted("", word, " is more than one address"));
            }
            self.family(first)?;
            // 0.0.0.0 and :: stand for all addresses, as of a socket.
            self.translation.listen = Some(*first).filter(|addr| !addr.is_unspecified());
        }
        match ports {
            Some(ports) => put(&mut self.translation.ports, *ports, "the port"),
            None => Err(quoted("", word, " has no port; it is written ADDR:PORT, an IPv6 address in brackets")),
        }
    }

    #[inline(never)]
    fn subnet(&mut self, word: &str) -> Result<Prefix, String> {
        let prefix = parse_prefix(word, Family::Unspec).ok_or_else(|| quoted("", word, " is no subnet"))?;
        self.family(&prefix.addr())?;
        Ok(prefix.network())
    }

    /// Notes the family of an address; all must be of one.
    #[inline(never)]
    fn family(&mut self, addr: &IpAddr) -> Result<(), String> {
        let family = family_of(addr);
        if self.translation.family != Family::Unspec && self.translation.family != family {
            return Err("IPv4 and IPv6 addresses are mixed in one rule".into());
        }
        self.translation.family = family;
        Ok(())
    }

    fn target(&mut self, word: &str) -> Result<(), String> {
        let mut found = Endpoint::default();
        endpoint(word, self.translation.action == Action::Redirect, &mut found)?;
        // Both are of one family.
        let mut single = found.1.is_none_or(|(first, last)| first == last);
        if let Some((first, last)) = &found.0 {
            self.family(first)?;
            single &= first == last;
            // A range's ends tell of what is wrong by mistake.
            for addr in [first, last] {
                let local = addr.is_loopback() && self.translation.action == Action::Forward;
                if local || addr.is_unspecified() || addr.is_multicast() || *addr == IpAddr::V4(Ipv4Addr::BROADCAST) {
                    let why = if local {
                        " is this host itself, where redirect leads"
                    } else {
                        " is no single host's address"
                    };
                    return Err(quoted("", word, why));
                }
            }
        }
        if !single && self.translation.action != Action::Snat {
            return Err(quoted("", word, " is more than one address or port"));
        }
        (self.translation.addrs, self.translation.new_ports) = found;
        Ok(())
    }

    fn finish(mut self) -> Result<Translation, String> {
        let action = self.translation.action;
        let to = self.last_to.take();
        match (action, to) {
            (Action::Masquerade, Some(to)) => self.translation.to = Some(self.subnet(to)?),
            (Action::Masquerade, None) => {}
            (_, Some(to)) => self.target(to)?,
            (_, None) => return Err([action.word(), " needs \"to\" and where it leads"].concat()),
        }
        let translation = &mut self.translation;
        let missing = match action {
            Action::Masquerade | Action::Snat if translation.from.is_none() => "from\" and a subnet",
            Action::Forward | Action::Redirect if translation.ports.is_none() => "PORT\" or \"listen ADDR:PORT\"",
            Action::Snat | Action::Forward if translation.addrs.is_none() => "to\" and an address",
            Action::Redirect if translation.addrs.is_some() => {
                return Err("redirect leads to a port of this host; to another address leads forward".into());
            }
            _ => "",
        };
        if !missing.is_empty() {
            return Err([action.word(), " needs \"", missing].concat());
        }
        // IPv4 has route_localnet for it.
        if action == Action::Forward && translation.listen == Some(Ipv6Addr::LOCALHOST.into()) {
            return Err("the kernel lets nothing from ::1 out to another host; listen on another address".into());
        }
        if translation.pick.contains(Pick::RANDOM | Pick::FULLY_RANDOM) {
            return Err("random and fully-random exclude each other".into());
        }
        // A port of this host belongs to both families; IPv6 must be asked for: listen [::]:PORT.
        if translation.family == Family::Unspec {
            translation.family = Family::V4;
        }
        Ok(self.translation)
    }
}

fn put<T>(place: &mut Option<T>, value: T, word: &str) -> Result<(), String> {
    once(place.replace(value).is_none(), word)
}

#[inline(never)]
fn once(first: bool, word: &str) -> Result<(), String> {
    if first { Ok(()) } else { Err(quoted("", word, " is given twice")) }
}

/// A word in quotes between two texts.
#[inline(never)]
fn quoted(before: &str, word: &str, after: &str) -> String {
    filled("%\"%\"%", &[before, word, after])
}

/// An interface's name as nft can write it: its language has no escapes, and `*` stands for a rest.
fn device(word: &str) -> Result<IfName, String> {
    if word.ends_with('+') {
        return Err(quoted("", word, " is one name here: a rule is for one interface or, without the word, for all"));
    }
    let plain = word.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'*' | b'\\'));
    IfName::new(word.as_bytes()).filter(|_| plain).ok_or_else(|| quoted("", word, " is no name of an interface"))
}

fn port(word: &str) -> Option<u16> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|port| digits && *port != 0)
}

/// `PORT` or `PORT-PORT`.
#[inline(never)]
fn range(word: &str) -> Result<Range<u16>, String> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let range = port(first).zip(port(last)).filter(|(first, last)| first <= last);
    range.ok_or_else(|| quoted("", word, " is no port or range of ports (1 to 65535)"))
}

/// One address, or two.
fn addresses(word: &str) -> Option<Range<IpAddr>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (address(first)?, address(last)?);
    (family_of(&first) == family_of(&last) && bits(&first) <= bits(&last)).then_some((first, last))
}

/// A whole address, maybe in brackets: short forms (10.1) are for subnets.
#[inline(never)]
fn address(word: &str) -> Option<IpAddr> {
    let word = word.strip_prefix('[').map_or(Some(word), |word| word.strip_suffix(']'))?;
    let whole = word.contains(':') || word.bytes().filter(|&byte| byte == b'.').count() == 3;
    parse_addr(word, Family::Unspec).filter(|_| whole)
}

/// What [`endpoint`] finds.
pub type Endpoint = (Option<Range<IpAddr>>, Option<Range<u16>>);

/// `ADDR[-ADDR][:PORT[-PORT]]`, IPv6 in brackets where ports follow; or ports alone, if they may be.
///
/// # Errors
/// What is wrong with it.
#[inline(never)]
pub fn endpoint(word: &str, bare_port: bool, found: &mut Endpoint) -> Result<(), String> {
    if bare_port && !word.contains([':', '.']) {
        found.1 = Some(range(word)?);
        return Ok(());
    }
    // The colon behind an IPv4 address is the only one, that behind an IPv6 address follows a bracket.
    let mut addrs = word;
    if let Some(colon) = word.bytes().rposition(|byte| byte == b':') {
        let before = &word[..colon];
        if before.ends_with(']') || !before.contains(':') {
            addrs = before;
            found.1 = Some(range(&word[colon + 1..])?);
        }
    }
    found.0 = addresses(addrs);
    if found.0.is_some() {
        return Ok(());
    }
    Err(quoted("", word, if bare_port { " is no [ADDR:]PORT" } else { " is no address with ports" }))
}
