//! A match or target as listings have it: as options (`-S`), and in the words of a table (`-L`).

use super::value::{TCP_FLAGS, UNITS, address};
use super::{icmp, names, nat};
use crate::cli::iptables::show::{add, number, quoted, word};
use crate::model::ip::netmask_len;
use crate::model::xt::{Extension, Row, entries, get, name_of, rate_of};
use crate::wire::attr::to_nul;

/// What a listing depends on beside the rule's bytes.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether it is IPv6.
    pub is_v6: bool,
    /// Whether it is a table, not options.
    pub is_table: bool,
    /// Whether ports, users and protocols stay numbers.
    pub is_numeric: bool,
    /// Protocol of the rule, 0 if none.
    pub protocol: u8,
}

/// Size of one of the elements of a policy.
pub const POLICY_ELEMENT: usize = 76;

/// Whether a row tells of an element of a policy.
#[inline(never)]
pub fn of_element(ext: &Extension, row: &Row) -> bool {
    ext.name == "policy" && (row.at < POLICY_ELEMENT && row.shape != b'G')
}

/// Adds a match or target behind its name.
pub fn options(out: &mut String, ext: &'static Extension, info: &[u8], style: Style) {
    let rows = ext.rows();
    let show = &mut Show { out, ext, info, style };
    if style.is_table {
        show.template(ext.prefix, None);
        match ext.name {
            "LOG" => return show.log(),
            "MARK" => return show.set_mark(),
            "CONNMARK" => return show.connmark(),
            _ => {}
        }
    }
    for row in rows.iter().filter(|row| !of_element(ext, row)) {
        show.row(row);
    }
    if ext.name != "policy" {
        return;
    }
    let count = get(info, b'h', 306).min(4);
    let strict = get(info, b'h', 304) & 8 != 0;
    for element in 0..count {
        if style.is_table && strict && count > 1 {
            add(show.out, " [");
            decimal(show.out, element);
            add(show.out, "]");
        } else if element > 0 {
            add(show.out, " --next");
        }
        let at = usize::try_from(element).unwrap_or(0) * POLICY_ELEMENT;
        show.info = info.get(at..).unwrap_or_default();
        for row in rows.iter().filter(|row| of_element(ext, row)) {
            show.row(row);
        }
    }
}

struct Show<'a> {
    out: &'a mut String,
    ext: &'static Extension,
    info: &'a [u8],
    style: Style,
}

impl<'a> Show<'a> {
    /// Whether a number of the row is not what it is without the option.
    fn is_set(&self, row: &Row) -> bool {
        let value = get(self.info, self.width(row), row.at);
        match row.shape {
            b'P' | b'R' => {
                let max = if self.width(row) == b'h' { u16::MAX.into() } else { u32::MAX };
                value != 0 || get(self.info, self.width(row), row.at + row.more) != max
            }
            _ => value != 0,
        }
    }

    fn width(&self, row: &Row) -> u8 {
        match row.shape {
            b'P' => b'h',
            b'F' | b'S' => b'b',
            _ => row.width,
        }
    }

    fn row(&mut self, row: &Row) {
        let not = row.not.hold(self.info).unwrap_or(false);
        let shown = match row.given.width {
            b'?' => not || self.is_set(row),
            b'd' => self.style.is_table || get(self.info, row.width, row.at).to_string() != row.default,
            _ => row.given.hold(self.info).unwrap_or(true),
        };
        // In a table, the first packet goes without saying.
        let first = row.shape == b'Q' && row.more == 0 && self.style.is_table && !self.is_set(row);
        if row.label == "-" || !shown || first {
            return;
        }
        if self.style.is_table {
            if row.shape == b'Y' {
                return self.icmp_words(row, not);
            }
            return self.template(row.label, Some((row, not)));
        }
        add(self.out, if not { " ! --" } else { " --" });
        add(self.out, row.name());
        if !matches!(row.shape, b'G') {
            add(self.out, " ");
            self.value(row);
        }
    }

    /// Words of a table, with what varies.
    fn template(&mut self, label: &'static str, row: Option<(&Row, bool)>) {
        if label.is_empty() {
            return;
        }
        add(self.out, " ");
        let not = row.is_some_and(|row| row.1);
        for letter in label.chars() {
            match (letter, row) {
                ('_', _) => add(self.out, " "),
                ('!', _) => add(self.out, if not { "!" } else { "" }),
                ('~', _) => add(self.out, if not { "! " } else { "" }),
                ('&', _) => add(self.out, if not { "! " } else { " " }),
                ('%', _) => add(self.out, if not { " !" } else { "" }),
                ('^', _) => add(self.out, if not { "!" } else { "=" }),
                ('#', Some((row, _))) => {
                    let width = self.width(row);
                    let same = get(self.info, width, row.at) == get(self.info, width, row.at + row.more);
                    add(self.out, if same { "" } else { "s" });
                }
                ('|', Some((row, _))) => add(self.out, row.name()),
                ('$', Some((row, _))) => self.value(row),
                _ => self.out.push(letter),
            }
        }
    }

    fn bytes(&self, at: usize, len: usize) -> &'a [u8] {
        self.info.get(at..at + len).unwrap_or_default()
    }

    fn value(&mut self, row: &Row) {
        let Row { shape, at, more, list, .. } = *row;
        let (is_table, is_v6) = (self.style.is_table, self.style.is_v6);
        let width = self.width(row);
        let value = get(self.info, width, at);
        match shape {
            b'P' | b'R' => {
                let last = get(self.info, width, at + more);
                // conntrack's ports stay numbers.
                let named = shape == b'P' && row.width != b'c';
                self.port(value, named);
                if last != value {
                    add(self.out, ":");
                    self.port(last, named);
                }
            }
            b'N' => decimal(self.out, value),
            b'Q' => decimal(self.out, if more == 0 { value } else { value.wrapping_add(1) }),
            b'V' => self.probability(get(self.info, b'w', at)),
            b'X' => hex(self.out, get(self.info, b'w', at)),
            b'M' => {
                let mask = get(self.info, b'w', at + 4);
                hex(self.out, get(self.info, b'w', at));
                if mask != u32::MAX || row.width != 0 {
                    add(self.out, "/");
                    hex(self.out, mask);
                }
            }
            b'F' if is_table && self.style.is_numeric => {
                for (between, at) in [("", at), ("/", at + 1)] {
                    add(self.out, between);
                    hex_digits(self.out, get(self.info, b'b', at));
                }
            }
            b'F' => {
                self.names(TCP_FLAGS, get(self.info, b'b', at));
                add(self.out, if is_table { "/" } else { " " });
                self.names(TCP_FLAGS, get(self.info, b'b', at + 1));
            }
            b'B' => self.names(list, value),
            b'E' | b'e' => {
                if self.ext.name == "LOG" {
                    return decimal(self.out, value);
                }
                let value = if more == 0 { value } else { value & u32::try_from(more).unwrap_or(u32::MAX) };
                add(self.out, name_of(list, value).unwrap_or("?"));
            }
            b'A' => self.network(at),
            b'I' => range(self.out, self.info, [at, at + 16], true, is_v6),
            b'L' => self.port_list(),
            b'D' => word(self.out, to_nul(self.bytes(at, 16))),
            b'C' => {
                let named = self.ext.name == "policy" && !(is_table && self.style.is_numeric);
                let name = u8::try_from(value).ok().filter(|_| named).and_then(names::protocol_name);
                match name {
                    Some(name) => add(self.out, name),
                    None => decimal(self.out, value),
                }
            }
            b'H' => {
                for index in 0..6 {
                    add(self.out, if index == 0 { "" } else { ":" });
                    let byte = get(self.info, b'b', at + index);
                    self.hex_byte(byte);
                }
            }
            b'S' => {
                let text = to_nul(self.info.get(at..at + more).unwrap_or_default());
                if is_table { word(self.out, text) } else { quoted(self.out, text) }
            }
            b'T' => self.rate(get(self.info, b'w', at)),
            b'Y' => self.icmp(at),
            b'U' => self.accounts(row),
            b'K' => {
                let class = get(self.info, b'w', at);
                let class = if is_table {
                    format!("{:x}:{:x}", class >> 16, class & 0xffff)
                } else {
                    format!("{:04x}:{:04x}", class >> 16, class & 0xffff)
                };
                add(self.out, &class);
            }
            b'Z' => nat::show(self.out, row.width == b'p', self.info, self.ext.base, is_v6),
            _ => {}
        }
    }

    /// A count of 2^-31 with 11 decimals, of which the last is rounded to the nearest, else to an even one.
    fn probability(&mut self, value: u32) {
        let exact = u64::from(value) * 5u64.pow(11);
        let rounded = (exact + (1 << 19) - 1 + (exact >> 20 & 1)) >> 20;
        let mut unit = 10u64.pow(11);
        number(self.out, rounded / unit, 0);
        add(self.out, ".");
        while unit > 1 {
            unit /= 10;
            number(self.out, rounded / unit % 10, 0);
        }
    }

    fn hex_byte(&mut self, byte: u32) {
        for digit in [byte >> 4, byte & 15] {
            self.out.push(char::from_digit(digit & 15, 16).unwrap_or('0'));
        }
    }

    /// A port, by the name of its service in a table if it is `named`.
    #[inline(never)]
    fn port(&mut self, port: u32, named: bool) {
        let named = named && self.style.is_table && !self.style.is_numeric;
        match named.then(|| names::service_name(port, self.style.protocol)).flatten() {
            Some(name) => word(self.out, &name),
            None => decimal(self.out, port),
        }
    }

    fn port_list(&mut self) {
        let count = usize::try_from(get(self.info, b'b', 1)).unwrap_or(0).min(15);
        let mut between = "";
        for index in 0..count {
            add(self.out, between);
            let port = get(self.info, b'h', 2 + 2 * index);
            self.port(port, true);
            between = if get(self.info, b'b', 32 + index) != 0 { ":" } else { "," };
        }
    }

    /// The names of bits, or the name of none.
    #[inline(never)]
    fn names(&mut self, list: &'static str, bits: u32) {
        if bits == 0 {
            return add(self.out, "NONE");
        }
        let mut between = "";
        for (name, bit) in entries(list) {
            if bits & bit != 0 {
                add(self.out, between);
                add(self.out, name);
                between = ",";
            }
        }
    }

    fn network(&mut self, at: usize) {
        let (Some(addr), Some(mask)) =
            (address(self.info, at, self.style.is_v6), address(self.info, at + 16, self.style.is_v6))
        else {
            return;
        };
        add(self.out, &crate::model::ip::addr_text(&addr));
        match netmask_len(mask) {
            Some(32) if !self.style.is_v6 => {}
            Some(128) => {}
            Some(len) => {
                add(self.out, "/");
                decimal(self.out, len.into());
            }
            None => {
                add(self.out, "/");
                add(self.out, &crate::model::ip::addr_text(&mask));
            }
        }
    }

    fn accounts(&mut self, row: &Row) {
        let (first, last) = (get(self.info, b'w', row.at), get(self.info, b'w', row.at + row.more));
        let named = self.style.is_table && !self.style.is_numeric && first == last;
        match named.then(|| names::account_name(row.width, first)).flatten() {
            Some(name) => word(self.out, &name),
            None => decimal(self.out, first),
        }
        if first != last {
            add(self.out, "-");
            decimal(self.out, last);
        }
    }

    /// The rate whose cost comes nearest, in the unit in which it is the plainest.
    fn rate(&mut self, cost: u32) {
        let (count, seconds) = rate_of(cost);
        decimal(self.out, count);
        add(self.out, "/");
        add(self.out, UNITS.iter().find(|unit| unit.2 == seconds).map_or("", |unit| unit.1));
    }

    fn icmp(&mut self, at: usize) {
        let [kind, min, max] = [0, 1, 2].map(|index| get(self.info, b'b', at + index));
        if kind == 255 && !self.style.is_v6 {
            return add(self.out, "any");
        }
        decimal(self.out, kind);
        if (min, max) != (0, 255) {
            add(self.out, "/");
            decimal(self.out, min);
        }
    }

    fn icmp_words(&mut self, row: &Row, not: bool) {
        let [kind, min, max] = [0, 1, 2].map(|index| get(self.info, b'b', row.at + index));
        let bytes = self.bytes(row.at, 3);
        let name = match *bytes {
            [kind, min, max] if !self.style.is_numeric => icmp::name([kind, min, max], self.style.is_v6),
            _ => None,
        };
        add(self.out, " ");
        add(self.out, row.label);
        if let Some(name) = name {
            add(self.out, if not { " !" } else { " " });
            return add(self.out, name);
        }
        add(self.out, if not { " !type " } else { "type " });
        decimal(self.out, kind);
        if min == max {
            add(self.out, " code ");
            decimal(self.out, min);
        } else if (min, max) != (0, 255) {
            add(self.out, " codes ");
            decimal(self.out, min);
            add(self.out, "-");
            decimal(self.out, max);
        }
    }

    fn log(&mut self) {
        let (level, flags) = (get(self.info, b'b', 0), get(self.info, b'b', 1));
        if self.style.is_numeric {
            add(self.out, " flags ");
            decimal(self.out, flags);
            add(self.out, " level ");
            decimal(self.out, level);
        } else {
            const LEVELS: &str = "emerg=0,alert=1,crit=2,err=3,warn=4,notice=5,info=6,debug=7";
            add(self.out, " level ");
            match name_of(LEVELS, level) {
                Some(name) => add(self.out, name),
                None => decimal(self.out, level),
            }
            for row in self.ext.rows().iter().filter(|row| row.shape == b'G') {
                self.row(row);
            }
        }
        let prefix = to_nul(self.bytes(2, 30));
        if !prefix.is_empty() {
            add(self.out, " prefix \"");
            word(self.out, prefix);
            add(self.out, "\"");
        }
    }

    /// What is done to a mark, by its value and mask.
    fn set_mark(&mut self) {
        let (value, mask) = (get(self.info, b'w', 0), get(self.info, b'w', 4));
        let (verb, shown) = match (value, mask) {
            (0, mask) => (" and ", !mask),
            (value, mask) if value == mask => (" or ", value),
            (value, 0) => (" xor ", value),
            (value, u32::MAX) => (" set ", value),
            (value, _) => (" xset ", value),
        };
        add(self.out, verb);
        hex(self.out, shown);
        if verb == " xset " {
            add(self.out, "/");
            hex(self.out, mask);
        }
    }

    fn connmark(&mut self) {
        let (ct, nf) = (get(self.info, b'w', 4), get(self.info, b'w', 8));
        let (verb, first, second) = match get(self.info, b'b', 14) {
            0 => return self.set_mark(),
            1 => (" save", (" nfmask ", nf), (" ctmask ~", ct)),
            _ => (" restore", (" ctmask ", ct), (" nfmask ~", nf)),
        };
        add(self.out, verb);
        if (ct, nf) == (u32::MAX, u32::MAX) {
            return;
        }
        let masks = if ct == nf { [(" mask ", ct), ("", 0)] } else { [first, second] };
        for (name, mask) in masks.into_iter().filter(|mask| !mask.0.is_empty()) {
            add(self.out, name);
            hex(self.out, mask);
        }
    }
}

/// Adds a decimal number.
#[inline(never)]
pub fn decimal(out: &mut String, value: u32) {
    number(out, value.into(), 0);
}

/// Adds `0x` and a number.
#[inline(never)]
pub fn hex(out: &mut String, value: u32) {
    add(out, &format!("{value:#x}"));
}

/// Adds `0x` and two digits in capitals.
fn hex_digits(out: &mut String, value: u32) {
    add(out, &format!("0x{value:02X}"));
}

/// Adds the addresses at two places as a range; `always`, even if they are the same.
pub fn range(out: &mut String, info: &[u8], places: [usize; 2], always: bool, is_v6: bool) {
    let [first, last] = places;
    let (Some(min), Some(max)) = (address(info, first, is_v6), address(info, last, is_v6)) else { return };
    add(out, &crate::model::ip::addr_text(&min));
    if min != max || always {
        add(out, "-");
        add(out, &crate::model::ip::addr_text(&max));
    }
}
