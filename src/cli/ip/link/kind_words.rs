//! The words behind `type KIND`: in go words and the kind's table, out come the attributes that
//! carry them, in iproute2's order.

mod check;
#[cfg(test)]
mod tests;
mod tunnel;

use crate::cli::cursor::{Cursor, shown, text};
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::Fail;
use crate::cli::ip::route::tos;
use crate::cli::ip::words::{address, lladdr, prefix, prefixes, value};
use crate::model::ip::{Family, Prefix, family_of};
use crate::model::kind::{Kind, Row};
use crate::model::link::{Argument, ArgumentValue};
use crate::model::rtnames::{NameSet, parse_number};
use crate::wire::attr::{Attr, attrs, octets, u16_at};
use std::net::IpAddr;

/// Kinds whose arguments iproute2 reads and netstrap does not.
const UNREAD: &str = "amt bareudp batadv can dsa dummy erspan gtp hsr ifb ip6erspan ipoib macsec netdevsim nlmon rmnet team \
                      team_slave vcan vcxan virt_wifi vti vti6 vxcan wwan xfrm";

/// Reads the arguments of a kind, at least one word of them, up to the properties of a pair's other end. `old` is what the link has, where one is changed.
pub fn read(
    context: &mut Context<'_>,
    name: &[u8],
    words: &mut Cursor<'_>,
    old: Option<&[u8]>,
) -> Result<Vec<Argument>, Fail> {
    let first = words.peek().unwrap_or_default();
    let Some(mut reader) = Reader::find(name, old.is_none()) else {
        return Err(refuse(name, first, is_unread(name)));
    };
    let kind = reader.kind;
    if kind.has('o') && old.is_some_and(<[u8]>::is_empty) {
        return Err(Fail::own("Failed to get existing tunnel info."));
    }
    reader.begin(old.unwrap_or_default());
    while let Some(word) = words.next() {
        if kind.has('p') && word == b"peer" {
            reader.peer_policy(words);
            break;
        }
        reader.word(context, word, words)?;
    }
    reader.check(context)?;
    reader.order();
    Ok(reader.given)
}

/// How the arguments of a kind are given, if it has any.
pub fn usage(name: &[u8]) -> Option<String> {
    Reader::find(name, true).map(|reader| reader.usage() + "\n")
}

fn is_unread(name: &[u8]) -> bool {
    UNREAD.split(' ').any(|known| known.as_bytes() == name)
}

/// Words of a kind that has no table.
fn refuse(name: &[u8], first: &[u8], is_unread: bool) -> Fail {
    if prefixes(first, "help") {
        return crate::cli::ip::usage::fail(crate::cli::ip::usage::LINK);
    }
    if is_unread || Kind::find(name).is_some() {
        return Fail::unsupported_word(&["argument \"", &shown(first), "\" of kind"].concat(), name);
    }
    Fail::own_of("Garbage instead of arguments \"% ...\". Try \"ip link help\".", &[&shown(first)])
}

struct Reader {
    kind: Kind,
    rows: Vec<Row>,
    given: Vec<Argument>,
    /// Numbers of the attributes that keywords were given for.
    seen: Vec<u16>,
    /// Whether the link is new.
    fresh: bool,
}

impl Reader {
    fn find(name: &[u8], fresh: bool) -> Option<Self> {
        let kind = Kind::find(name).filter(|kind| !is_unread(name) && !kind.has('s'))?;
        Some(Reader { kind, rows: kind.rows(), given: Vec::new(), seen: Vec::new(), fresh })
    }

    fn bytes(&self, number: u16) -> Option<&[u8]> {
        self.given.iter().find(|argument| argument.number == number).and_then(|argument| match &argument.value {
            ArgumentValue::Bytes(bytes) => Some(bytes.as_slice()),
            ArgumentValue::List(_) => None,
        })
    }

    fn has(&self, number: u16) -> bool {
        self.given.iter().any(|argument| argument.number == number)
    }

    fn put(&mut self, number: u16, value: ArgumentValue) {
        self.given.retain(|argument| argument.number != number);
        self.given.push(Argument { number, value });
    }

    fn set(&mut self, number: u16, bytes: &[u8]) {
        self.put(number, ArgumentValue::Bytes(bytes.to_vec()));
    }

    /// One keyword with its value.
    fn word(&mut self, context: &mut Context<'_>, word: &[u8], words: &mut Cursor<'_>) -> Result<(), Fail> {
        let found = self.rows.iter().find(|row| row.takes(word) && self.may_take(row));
        let Some(row) = found.copied() else {
            return Err(self.unknown(word));
        };
        let number = row.number;
        match row.shape {
            b'c' | b'f' | b'k' | b'J' => self.once(&row, word, word)?,
            b'Q' => return self.qos_map(&row, words),
            b'A' if words.is_empty() => {
                self.put(number, ArgumentValue::List(Vec::new()));
                return Ok(());
            }
            b'a' => self.one_peer(&row)?,
            _ => {}
        }
        match row.shape {
            b'f' => self.set(number, &[]),
            b'c' if row.list == "-" => self.given.retain(|argument| argument.number != number),
            b'c' => {
                let bytes = sized(row.width, parse_number(row.list).unwrap_or(0).into());
                self.set(number, &bytes.unwrap_or_default());
            }
            b'k' => self.signed_bits(number, row.list),
            b'J' => self.gre_bits(row.width, row.list),
            b'z' if row.width == b'z' => {
                self.prefix_6rd(&row, Prefix::new([0x2002u16, 0, 0, 0, 0, 0, 0, 0].into(), 16))
            }
            _ => {
                let given = value(words)?;
                self.once(&row, row.word().as_bytes(), given)?;
                self.value(context, &row, given, words)?;
            }
        }
        self.seen.push(number);
        Ok(())
    }

    /// Whether a keyword is one of this kind's, here: a flag may be taken once, and 6rd is of `sit` alone.
    fn may_take(&self, row: &Row) -> bool {
        let is_repeated = self.kind.has('u') && self.seen.contains(&row.number);
        let is_sits = row.shape == b'z' || row.word() == "isatap";
        !is_repeated && (self.kind.name == "sit" || !is_sits)
    }

    /// A word that is none of this kind's, or a call for help.
    fn unknown(&self, word: &[u8]) -> Fail {
        let usage = self.usage();
        if prefixes(word, "help") || self.kind.noun.is_empty() {
            return Fail::own(usage);
        }
        let (name, noun) = (self.kind.name, self.kind.noun);
        Fail::own_of("%: unknown % \"%\"?\n%", &[name, noun, &shown(word), &usage])
    }

    /// The value of a keyword.
    fn value(
        &mut self,
        context: &mut Context<'_>,
        row: &Row,
        given: &[u8],
        words: &mut Cursor<'_>,
    ) -> Result<(), Fail> {
        let number = row.number;
        let wrong = || self.wrong(row, given);
        // IPv6 within IPv4 is what `sit` is for.
        let named = row.number_of(text(given)).map(u64::from).filter(|n| (self.kind.name, *n) != ("ipip", 41));
        let bytes = match row.shape {
            b'b' | b'h' | b'w' | b'q' | b'B' | b'H' | b'W' => {
                sized(row.shape, named.or_else(|| integer(given)).ok_or_else(wrong)?).ok_or_else(wrong)?
            }
            b'n' => sized(row.width, named.or_else(|| self.place(row, given)).ok_or_else(wrong)?).ok_or_else(wrong)?,
            b'o' | b'V' => {
                let on = match given {
                    b"on" => 1,
                    b"off" => 0,
                    _ if row.shape == b'o' => return Err(one_of(row, "one of \"off\", \"on\",", given)),
                    _ => return Err(one_of(row, "\"on\" or \"off\",", given)),
                };
                if row.shape == b'V' {
                    self.masked(row, on != 0);
                    return Ok(());
                }
                vec![on]
            }
            b'M' => {
                let on = integer(given).and_then(|on| u8::try_from(on).ok()).ok_or_else(wrong)?;
                self.masked(row, on != 0);
                return Ok(());
            }
            b'K' => {
                let bits = row.number_of(text(given)).ok_or_else(wrong)?;
                self.bits(number, bits, 0);
                return Ok(());
            }
            b's' => text(given).parse::<i32>().map_err(|_| wrong())?.to_ne_bytes().to_vec(),
            b'p' if named == Some(0) => vec![0, 0],
            b'p' => port(given).ok_or_else(wrong)?.to_vec(),
            b'e' => match tunnel::endpoint(row, given)? {
                ip if ip.is_unspecified() => {
                    self.given.retain(|argument| argument.number != number);
                    return Ok(());
                }
                ip => octets(&ip),
            },
            b'A' => {
                let mut list = Vec::new();
                for (at, part) in (0..16).zip(given.split(|byte| *byte == b',')) {
                    list.push((at, list_address(row, part)?));
                }
                self.put(number, ArgumentValue::List(list));
                return Ok(());
            }
            b'y' => return self.key(row, given),
            b'j' => return self.flag_or_value(row, given),
            b'z' => {
                let family = if row.width == b'p' { Family::V6 } else { Family::V4 };
                self.prefix_6rd(row, Some(prefix(given, family)?));
                return Ok(());
            }
            b'm' => lladdr(given)?,
            b'P' => ethertype(given).ok_or_else(wrong)?.to_vec(),
            b'I' => {
                let id = integer(given).filter(|id| id >> 24 == 0).ok_or_else(wrong)?;
                sized(b'w', id).ok_or_else(wrong)?
            }
            b'X' => {
                let label = integer(given).filter(|label| label >> 20 == 0).ok_or_else(wrong)?;
                u32::try_from(label).map_err(|_| wrong())?.to_be_bytes().to_vec()
            }
            b'T' if given == b"inherit" => vec![1],
            b'T' => vec![tos(context, given).ok_or_else(wrong)?],
            b'L' => match given {
                b"inherit" => {
                    // A flag of a vxlan, a number of a geneve.
                    let flag: &[u8] = if self.kind.name == "vxlan" { &[] } else { &[1] };
                    self.set(second(row), flag);
                    return Ok(());
                }
                b"auto" => vec![0],
                _ => {
                    let ttl = integer(given).ok_or_else(wrong)?;
                    vec![u8::try_from(ttl).map_err(|_| Fail::wrong("TTL must be <= 255", given))?]
                }
            },
            b'Y' => {
                let table = context.names.number(NameSet::Tables, text(given)).ok_or_else(wrong)?;
                table.to_ne_bytes().to_vec()
            }
            b'R' => {
                let low = port(given).ok_or_else(|| Fail::wrong("min port", given))?;
                let second = value(words)?;
                let high = port(second).ok_or_else(|| Fail::wrong("max port", second))?;
                if low == [0, 0] && high == [0, 0] {
                    return Ok(());
                }
                [low, high].concat()
            }
            b'd' => self.device(context, row, given)?,
            b'a' => return self.address(row, given),
            b'x' if row.width == b'm' => return self.source_addresses(row, given, words),
            _ => return Err(self.wrong(row, given)),
        };
        self.set(number, &bytes);
        Ok(())
    }

    /// What the other end of a netkit pair does with packets; its properties as a link follow.
    fn peer_policy(&mut self, words: &mut Cursor<'_>) {
        const PEER_POLICY: u16 = 4;
        while let Some(row) =
            self.rows.iter().find(|row| row.shape == b'c' && words.peek().is_some_and(|w| row.takes(w)))
        {
            let policy: u32 = row.list.parse().unwrap_or(0);
            words.next();
            self.set(PEER_POLICY, &policy.to_ne_bytes());
        }
    }

    /// iproute2's complaint about a wrong value.
    fn wrong(&self, row: &Row, given: &[u8]) -> Fail {
        if let Some(choice) = row.reason.strip_prefix('^') {
            return one_of(row, choice, given);
        }
        let reason = if row.reason.is_empty() {
            self.kind.reason.replace('*', row.word())
        } else {
            row.reason.replace('$', "\n")
        };
        Fail::wrong(&reason, given)
    }

    /// Some kinds take a keyword once.
    fn once(&self, row: &Row, keyword: &[u8], given: &[u8]) -> Result<(), Fail> {
        if self.kind.has('1') && self.seen.contains(&row.number) {
            return Err(Fail::garbage(text(keyword), given));
        }
        Ok(())
    }

    /// A name's place may stand for it, where the kind is a bond.
    fn place(&self, row: &Row, given: &[u8]) -> Option<u64> {
        let place = integer(given).filter(|_| self.kind.has('i'))?;
        row.name_of(place).map(|_| place)
    }

    /// Sets one of the bits that share an attribute, and its bit in the mask behind them.
    fn masked(&mut self, row: &Row, on: bool) {
        let bit = 1 << parse_number(row.list).unwrap_or(0);
        let old = self.bytes(row.number).and_then(|old| <[u8; 8]>::try_from(old).ok()).unwrap_or_default();
        let word = |at: usize| u32::from_ne_bytes([old[at], old[at + 1], old[at + 2], old[at + 3]]);
        let bits = if on { word(0) | bit } else { word(0) & !bit };
        self.set(row.number, &[bits.to_ne_bytes(), (word(4) | bit).to_ne_bytes()].concat());
    }

    /// Sets bits of an attribute in native byte order, of 16 bits if it is not there yet, and clears others.
    fn bits(&mut self, number: u16, set: u32, clear: u32) {
        let old = self.bytes(number).unwrap_or(&[0, 0]);
        let width = if old.len() == 4 { b'w' } else { b'h' };
        let bits = Attr { kind: 0, value: old }.u32().or_else(|| u16_at(old, 0).map(u32::from)).unwrap_or(0);
        if let Some(bytes) = sized(width, (bits & !clear | set).into()) {
            self.set(number, &bytes);
        }
    }

    /// Sets a constant's bits, or clears them if it begins with `-`.
    fn signed_bits(&mut self, number: u16, list: &str) {
        match list.strip_prefix('-') {
            Some(bits) => self.bits(number, 0, parse_number(bits).unwrap_or(0)),
            None => self.bits(number, parse_number(list).unwrap_or(0), 0),
        }
    }

    /// `FROM:TO ...`, possibly none.
    fn qos_map(&mut self, row: &Row, words: &mut Cursor<'_>) -> Result<(), Fail> {
        let mut list = Vec::new();
        if words.is_empty() {
            return Err(Fail::incomplete());
        }
        while let Some((from, to)) = words.peek().and_then(|word| text(word).split_once(':')) {
            let pair = integer(from.as_bytes()).zip(integer(to.as_bytes()));
            let pair = pair.and_then(|(from, to)| Some([sized(b'w', from)?, sized(b'w', to)?].concat()));
            list.push((1, pair.ok_or_else(|| Fail::wrong(&["invalid ", row.word()].concat(), from.as_bytes()))?));
            words.next();
        }
        self.put(row.number, ArgumentValue::List(list));
        Ok(())
    }

    fn device(&self, context: &mut Context<'_>, row: &Row, given: &[u8]) -> Result<Vec<u8>, Fail> {
        match context.device(given) {
            Ok(id) => Ok(id.index.get().to_ne_bytes().to_vec()),
            Err(_) if !row.reason.is_empty() => Err(self.wrong(row, given)),
            Err(fail) => Err(if self.kind.has('1') {
                fail.reworded(255, "Cannot find device \"%\"", &[&shown(given)])
            } else {
                fail
            }),
        }
    }

    /// The peer's address given so far.
    fn peer(&self, row: &Row) -> Option<IpAddr> {
        let bytes = self.bytes(row.number).or_else(|| self.bytes(second(row)))?;
        crate::wire::attr::Attr { kind: 0, value: bytes }.ip()
    }

    /// `group` and `remote` are one address, of which either is multicast or not.
    fn one_peer(&self, row: &Row) -> Result<(), Fail> {
        let group = row.word() == "group";
        match self.peer(row) {
            Some(old) if row.word() != "local" && old.is_multicast() != group => {
                Err(Fail::own_of("%: both group and remote cannot be specified", &[self.kind.name]))
            }
            _ => Ok(()),
        }
    }

    fn address(&mut self, row: &Row, given: &[u8]) -> Result<(), Fail> {
        // Both ends are of one family, which the first one says.
        let other = self.rows.iter().find(|other| other.shape == b'a' && other.number != row.number);
        let family = other.and_then(|other| self.peer(other)).map_or(Family::Unspec, |ip| family_of(&ip));
        if matches!(given, b"any" | b"all" | b"default") {
            return Err(self.wrong(row, given));
        }
        let ip = address(given, family)?;
        if ip.is_multicast() != (row.word() == "group") {
            return Err(self.wrong(row, given));
        }
        self.set(if ip.is_ipv4() { row.number } else { second(row) }, &octets(&ip));
        Ok(())
    }

    /// `macaddr add|del|set|flush ADDRESSES` of a macvlan.
    fn source_addresses(&mut self, row: &Row, given: &[u8], words: &mut Cursor<'_>) -> Result<(), Fail> {
        const ADDRESS: u16 = 4;
        const LIST: u16 = 5;
        let act = row.number_of(text(given)).ok_or_else(|| Fail::own(self.usage()))?;
        self.set(row.number, &act.to_ne_bytes());
        let is_mac = |mac: &Vec<u8>| mac.len() == 6;
        match given {
            b"add" | b"del" => {
                let mac = lladdr(value(words)?)?;
                if !is_mac(&mac) {
                    return Err(Fail::silent(1));
                }
                self.set(ADDRESS, &mac);
            }
            b"set" => {
                let mut list = Vec::new();
                while let Some(mac) = words.peek().and_then(|word| lladdr(word).ok()).filter(is_mac) {
                    words.next();
                    list.push((ADDRESS, mac));
                }
                self.put(LIST, ArgumentValue::List(list));
            }
            _ => {}
        }
        Ok(())
    }

    /// What a request has though no word says so: defaults, or what the link has already.
    fn begin(&mut self, old: &[u8]) {
        let keeps = self.kind.has('o');
        for entry in self.kind.last.split(' ') {
            let (number, default) = entry.split_once(':').unwrap_or((entry, ""));
            let Ok(number) = number.parse() else { continue };
            let own = attrs(old).find(number).filter(|_| keeps);
            match own {
                // An address or device that is not there is not sent; the relay of a 6rd prefix is.
                Some(own) if !default.is_empty() || number == 12 || own.value.iter().any(|byte| *byte != 0) => {
                    self.set(number, own.value);
                }
                _ if default.is_empty() || !(self.fresh || keeps || self.kind.has('u')) => {}
                _ => self.set(number, &unhex(default)),
            }
        }
        let external = self.external().and_then(|number| attrs(old).find(number)).filter(|_| keeps);
        if let Some(external) = external {
            self.set(external.kind, &[]);
        }
    }

    /// Attribute of the keyword `external`.
    fn external(&self) -> Option<u16> {
        self.rows.iter().find(|row| row.word() == "external").map(|row| row.number)
    }

    /// Puts last what goes last.
    fn order(&mut self) {
        for entry in self.kind.last.split(' ') {
            let number = entry.split(':').next().and_then(|number| number.parse().ok());
            let place = self.given.iter().position(|argument| Some(argument.number) == number);
            if let Some(place) = place {
                let last = self.given.remove(place);
                self.given.push(last);
            }
        }
    }

    /// The words that it takes, put together from its table.
    fn usage(&self) -> String {
        let mut usage = ["Usage: ... ", self.kind.name].concat();
        let width = parse_number(self.kind.marks.get(..1).unwrap_or_default()).unwrap_or(0);
        while usage.len() < 11 + width as usize {
            usage.push(' ');
        }
        for row in self.rows.iter().filter(|row| !row.words.is_empty() && self.may_take(row)) {
            usage.push_str(if self.kind.noun.is_empty() { "\t[ " } else { " [ " });
            usage.push_str(row.word());
            match row.shape {
                b'f' | b'c' | b'k' | b'J' => {}
                b'o' | b'V' => usage.push_str(" { on | off }"),
                b'n' | b'K' | b'x' => {
                    let names: Vec<&str> = row.names().map(|name| name.0).collect();
                    usage.push_str(&[" { ", &names.join(" | "), " }"].concat());
                }
                _ => {
                    usage.push(' ');
                    usage.push_str(&row.word().to_ascii_uppercase());
                }
            }
            usage.push_str(" ]");
        }
        usage
    }
}

/// `Error: argument of "KEYWORD" must be CHOICE`, with the word where the choice ends in a comma.
fn one_of(row: &Row, choice: &str, given: &[u8]) -> Fail {
    let text = ["Error: argument of \"", row.word(), "\" must be ", choice].concat();
    if choice.ends_with(',') { Fail::own_word(&[&text, " not "].concat(), given, "") } else { Fail::own(text) }
}

/// The second attribute of a row whose list is its number.
fn second(row: &Row) -> u16 {
    row.list.parse().unwrap_or(row.number)
}

/// An address of a bond's list of targets.
fn list_address(row: &Row, part: &[u8]) -> Result<Vec<u8>, Fail> {
    if row.list == "6" {
        return address(part, Family::V6).map(|ip| octets(&ip));
    }
    match address(part, Family::V4) {
        Ok(ip) => Ok(octets(&ip)),
        Err(_) => Err(Fail::own_word("Error: an IP address is expected rather than ", part, "")),
    }
}

/// A number as C's `strtoull(_, _, 0)` reads it.
fn integer(word: &[u8]) -> Option<u64> {
    let word = text(word);
    let long = || word.parse().ok().filter(|_| !word.starts_with(['+', '0']));
    parse_number(word).map(u64::from).or_else(long)
}

/// A number in native byte order, of 1, 2, 4 or 8 bytes (`b`, `h`, `w`, `q`; none is a byte); `None` if it is too large.
fn sized(width: u8, number: u64) -> Option<Vec<u8>> {
    Some(match width.to_ascii_lowercase() {
        b'h' => u16::try_from(number).ok()?.to_ne_bytes().to_vec(),
        b'w' => u32::try_from(number).ok()?.to_ne_bytes().to_vec(),
        b'q' => number.to_ne_bytes().to_vec(),
        _ => vec![u8::try_from(number).ok()?],
    })
}

fn port(word: &[u8]) -> Option<[u8; 2]> {
    integer(word).and_then(|port| u16::try_from(port).ok()).map(u16::to_be_bytes)
}

/// A protocol over ethernet, by the names that VLANs have or by number.
fn ethertype(word: &[u8]) -> Option<[u8; 2]> {
    match word.to_ascii_lowercase().as_slice() {
        b"802.1q" => Some([0x81, 0]),
        b"802.1ad" => Some([0x88, 0xa8]),
        _ => port(word),
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let pair = |at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let mut bytes = Vec::new();
    for at in 0..digits.len() / 2 {
        if let Some(byte) = pair(2 * at) {
            bytes.push(byte);
        }
    }
    bytes
}
