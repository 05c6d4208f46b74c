//! xtables extensions as tables: in goes a name, out come the options that a match or target
//! takes, where each stands in the kernel's structure, and how a listing words it. The tables are
//! text, read by one interpreter for options and one for listings: structures of names would
//! cost relocations.

mod matches;
mod targets;

use std::sync::OnceLock;

use crate::model::nat::Ext;

/// The heads of each table, read once: a long restore names few extensions, each very often.
static HEADS: [OnceLock<Vec<Extension>>; 2] = [const { OnceLock::new() }; 2];

/// A match or target in one revision and family.
#[derive(Debug)]
pub struct Extension {
    /// Its name on a command line.
    pub name: &'static str,
    /// Its name in the kernel; two names on command lines may share one.
    pub kernel: &'static str,
    /// Revision of its structure.
    pub rev: u32,
    /// Size of its structure, padded to 8 bytes.
    pub size: usize,
    /// Where the structure begins that its rows count from.
    pub base: usize,
    /// IP protocol whose `-p` loads it for its options; 0 for none.
    pub protocol: u8,
    /// Words before the options in a table; `_` is a blank.
    pub prefix: &'static str,
    /// What tells this name from another one of the same structure.
    pub mark: Bits,
    /// Complaint about a command line without any of its options; empty if that is allowed.
    pub nothing: &'static str,
    /// Bytes that must be 0: no row tells of them.
    blank: (usize, usize),
    /// Its family (`4`, `6`, `*` for both).
    family: u8,
    /// What stands behind its head.
    text: &'static str,
    rows: OnceLock<Vec<Row>>,
}

/// Bits of a number in native byte order that have a certain value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bits {
    /// Width of the number: `b`, `h`, `w` for 1, 2, 4 bytes; 0 for no condition.
    pub width: u8,
    /// Where it stands.
    pub at: usize,
    /// Which bits.
    pub mask: u32,
    /// Their value.
    pub value: u32,
    /// Whether any other value is meant; such bits are only read.
    pub other: bool,
}

impl Bits {
    /// Whether they have the value; `None` without a condition.
    pub fn hold(&self, info: &[u8]) -> Option<bool> {
        let same = get(info, self.width, self.at) & self.mask == self.value;
        (self.width != 0).then_some(same != self.other)
    }

    /// Gives them their value.
    pub fn set(&self, info: &mut [u8]) {
        if self.width != 0 && !self.other {
            let old = get(info, self.width, self.at);
            put(info, self.width, self.at, old & !self.mask | self.value);
        }
    }
}

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its names without dashes, `,` between them: first the one that is printed, last the one in complaints.
    pub names: &'static str,
    /// How its value is read, kept and shown; the interpreters list the letters.
    pub shape: u8,
    /// A second letter: width of a number, or variety of a shape.
    pub width: u8,
    /// Where the value stands.
    pub at: usize,
    /// A second number: a second place, a length, or a mask.
    pub more: usize,
    /// Bits that say that the option was given; with width `?` it is the value that says so.
    pub given: Bits,
    /// Bits that say that it is negated.
    pub not: Bits,
    /// Its words in a table, with marks for what varies (`|` is its name); `-` for an option that is only read.
    pub label: &'static str,
    /// Value that it has if it is not given.
    pub default: &'static str,
    /// Names or bounds of values.
    pub list: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether at most one of the options with this mark may be given.
    pub exclusive: bool,
    /// Complaint about a wrong value, `*` for the word, `^` for a line's end; empty for that of the shape.
    pub complaint: &'static str,
}

impl Row {
    /// The name that listings have.
    pub fn name(&self) -> &'static str {
        self.names.split(',').next().unwrap_or_default()
    }

    /// The name that complaints have.
    pub fn full_name(&self) -> &'static str {
        self.names.rsplit(',').next().unwrap_or_default()
    }
}

/// `@NAME CLASS KERNEL REV SIZE BASE PROTOCOL PREFIX [BITS] [zFROM-TO] [!COMPLAINT]`, CLASS being `m` or `t` and a
/// family (`4`, `6`, `*`); then rows. Heads in a row share the rows. Of heads of one name, the first is what
/// is written.
const SECTIONS: [&str; 2] = [matches::TABLE, targets::TABLE];

impl Extension {
    /// What a name on a command line is.
    pub fn named(name: &[u8], target: bool, v6: bool) -> Option<&'static Self> {
        Self::find(&|head| head.name.as_bytes() == name, target, v6)
    }

    /// The match that a protocol's options belong to.
    pub fn of_protocol(protocol: u8, v6: bool) -> Option<&'static Self> {
        Self::find(&|head| head.protocol == protocol && protocol != 0, false, v6)
    }

    /// What a structure of the kernel is; `None` if there is something in it that no row tells of.
    #[inline(never)]
    pub fn of(ext: &Ext, target: bool, v6: bool) -> Option<&'static Self> {
        let same = |head: &Extension| {
            head.kernel.as_bytes() == ext.name
                && head.rev == ext.rev
                && head.size == ext.info.len()
                && head.mark.hold(&ext.info) != Some(false)
        };
        let found = Self::find(&same, target, v6)?;
        let blank = ext.info.get(found.blank.0..found.blank.1)?;
        blank.iter().all(|&b| b == 0).then_some(found)
    }

    /// The first that is wanted.
    #[inline(never)]
    fn find(wanted: &dyn Fn(&Extension) -> bool, target: bool, v6: bool) -> Option<&'static Self> {
        let other = if v6 { b'4' } else { b'6' };
        let section = usize::from(target);
        let heads = HEADS[section].get_or_init(|| heads(SECTIONS[section]));
        heads.iter().find(|head| head.family != other && wanted(head))
    }

    /// Its options, in the order of a listing.
    pub fn rows(&self) -> &[Row] {
        self.rows.get_or_init(|| {
            let mut rows = Vec::new();
            let mut begun = false;
            for line in self.text.lines() {
                if !line.starts_with('@') {
                    begun = true;
                    rows.extend(row(line, self.base));
                } else if begun {
                    break;
                }
            }
            rows
        })
    }

    /// A structure of it, in which nothing is set but what tells it from its like.
    pub fn blank(&self) -> Ext {
        let mut info = vec![0; self.size];
        self.mark.set(&mut info);
        if self.base != 0 {
            // Old NAT targets could have several ranges: there is one.
            put(&mut info, b'w', 0, 1);
        }
        Ext { name: self.kernel.as_bytes().to_vec(), rev: self.rev, info }
    }
}

/// Takes the next word of a line; empty at its end.
#[inline(never)]
fn word(line: &mut &'static str) -> &'static str {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    *line = rest;
    word
}

/// Takes a number from the beginning of a text; 0 if there is none.
#[inline(never)]
fn number(text: &mut &[u8], radix: u32) -> u32 {
    let mut number = 0;
    while let [digit, rest @ ..] = *text
        && let Some(digit) = char::from(*digit).to_digit(radix)
    {
        number = number * radix + digit;
        *text = rest;
    }
    number
}

/// Takes a decimal number behind a byte, if that is what comes; else 0.
#[inline(never)]
fn behind(text: &mut &[u8], byte: u8) -> usize {
    if text.first() == Some(&byte) {
        *text = &text[1..];
    }
    number(text, 10) as usize
}

/// The heads of a table.
fn heads(mut text: &'static str) -> Vec<Extension> {
    let mut heads = Vec::new();
    while let Some((line, rest)) = text.split_once('\n') {
        text = rest;
        if let Some(line) = line.strip_prefix('@') {
            heads.extend(head(line, rest));
        }
    }
    heads
}

fn head(line: &'static str, text: &'static str) -> Option<Extension> {
    let (mut line, nothing) = line.split_once('!').unwrap_or((line, ""));
    let line = &mut line;
    let (name, class, kernel) = (word(line), word(line), word(line));
    let [rev, size, base, protocol] = [(); 4].map(|()| number(&mut word(line).as_bytes(), 10));
    let prefix = word(line);
    let base = base as usize;
    let mut found = Extension {
        name,
        kernel: if kernel == "=" { name } else { kernel },
        rev,
        size: size as usize,
        base,
        protocol: u8::try_from(protocol).ok()?,
        prefix: if prefix == "-" { "" } else { prefix },
        mark: Bits::default(),
        nothing,
        blank: (0, 0),
        family: *class.as_bytes().last()?,
        text,
        rows: OnceLock::new(),
    };
    while !line.is_empty() {
        let word = word(line);
        let mut range = word.as_bytes();
        if range.first() == Some(&b'z') {
            found.blank = (behind(&mut range, b'z'), behind(&mut range, b'-'));
        } else {
            found.mark = bits(word, base);
        }
    }
    Some(found)
}

/// `NAMES SHAPE GIVEN NOT LABEL [=DEFAULT] [:LIST] [+] [x] [!COMPLAINT]`.
#[inline(never)]
fn row(line: &'static str, base: usize) -> Option<Row> {
    let end = line.as_bytes().windows(2).position(|two| two == b" !").unwrap_or(line.len());
    let (mut line, complaint) = line.split_at(end);
    let complaint = complaint.get(2..).unwrap_or_default();
    let line = &mut line;
    let names = word(line);
    let (&shape, mut rest) = word(line).as_bytes().split_first()?;
    let width = rest.first().copied().filter(|letter| !letter.is_ascii_digit()).unwrap_or(0);
    let mut row = Row {
        names,
        shape,
        width,
        at: behind(&mut rest, width) + base,
        more: behind(&mut rest, b','),
        given: bits(word(line), base),
        not: bits(word(line), base),
        label: word(line),
        default: "",
        list: "",
        required: false,
        exclusive: false,
        complaint,
    };
    while !line.is_empty() {
        match word(line).split_at_checked(1)? {
            ("=", value) => row.default = value,
            (":", list) => row.list = if list == "^" { matches::ADDRESS_TYPES } else { list },
            ("+", _) => row.required = true,
            _ => row.exclusive = true,
        }
    }
    Some(row)
}

/// `WIDTH AT . MASK [=VALUE] [~]` without blanks, mask and value in hexadecimal; the value is the mask if it is
/// left out. `?`, `d` and `-` are conditions without bits.
#[inline(never)]
fn bits(word: &str, base: usize) -> Bits {
    let Some((&width, mut rest)) = word.as_bytes().split_first() else { return Bits::default() };
    if rest.is_empty() {
        return Bits { width: if width == b'-' { 0 } else { width }, ..Bits::default() };
    }
    let at = number(&mut rest, 10) as usize + base;
    let mut hex = |byte| {
        rest = rest.strip_prefix(&[byte])?;
        Some(number(&mut rest, 16))
    };
    let mask = hex(b'.').unwrap_or(0);
    let value = hex(b'=').unwrap_or(mask);
    Bits { width, at, mask, value, other: rest == b"~" }
}

/// A number of a width (`b`, `h`, else 4 bytes) in native byte order; 0 where there is none.
#[inline(never)]
pub fn get(info: &[u8], width: u8, at: usize) -> u32 {
    let bytes = info.get(at..).unwrap_or_default();
    match (width, bytes) {
        (b'b', &[a, ..]) => a.into(),
        (b'h', &[a, b, ..]) => u16::from_ne_bytes([a, b]).into(),
        (b'w', &[a, b, c, d, ..]) => u32::from_ne_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// Writes a number of a width (`b`, `h`, else 4 bytes) in native byte order, cut to that width.
#[inline(never)]
pub fn put(info: &mut [u8], width: u8, at: usize, value: u32) {
    let bytes = value.to_le_bytes();
    match width {
        b'b' => copy(info, at, &bytes[..1]),
        b'h' => copy(info, at, &u16::from_le_bytes([bytes[0], bytes[1]]).to_ne_bytes()),
        _ => copy(info, at, &value.to_ne_bytes()),
    }
}

/// Writes bytes, if there is room for them.
#[inline(never)]
pub fn copy(info: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = at.checked_add(bytes.len()).and_then(|end| info.get_mut(at..end)) {
        place.copy_from_slice(bytes);
    }
}

/// The entries of a list: name and number.
pub fn entries(list: &'static str) -> impl Iterator<Item = (&'static str, u32)> {
    list.split(',').filter_map(|entry| {
        let (name, number) = entry.split_once('=')?;
        Some((name, number.parse().ok()?))
    })
}

/// The first name of a number in a list.
#[inline(never)]
pub fn name_of(list: &'static str, number: u32) -> Option<&'static str> {
    entries(list).find(|entry| entry.1 == number).map(|entry| entry.0)
}

/// `XT_LIMIT_SCALE`: what a packet costs at a rate of one a second.
pub const LIMIT_SCALE: u32 = 10000;

/// The rate at which a packet costs so much: a number and seconds, in the unit in which it is exact or else largest.
pub fn rate_of(cost: u32) -> (u32, u32) {
    let cost = cost.max(1);
    let mut seconds = 86400;
    for unit in [3600, 60, 1] {
        let whole = LIMIT_SCALE * unit;
        if cost > whole || whole / cost < whole % cost {
            break;
        }
        seconds = unit;
    }
    (LIMIT_SCALE * seconds / cost, seconds)
}
