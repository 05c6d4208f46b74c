//! The words of a listing: addresses, interfaces, protocols, targets, numbers and quoted
//! comments, as iptables prints each of them.

use std::net::IpAddr;

use super::ext::show::{Style, options};
use super::list::Look;
use crate::cli::cursor::{shown, text};
use crate::model::ip::{Family, addr_text, family_of};
use crate::model::nat::{Ext, IfPattern, Net, Not, Spec, Target};
use crate::model::xt::Extension;

/// Names of addresses, from `/etc/hosts` and `/etc/networks`. DNS is not asked: a listing must
/// not wait for a network that may just be what is being set up.
pub struct Names {
    hosts: Vec<u8>,
    networks: Vec<u8>,
}

impl Names {
    /// Reads the two files; one that is missing has no names.
    pub fn read() -> Self {
        let read = |path: &str| std::fs::read(path).unwrap_or_default();
        Names { hosts: read("/etc/hosts"), networks: read("/etc/networks") }
    }

    fn name(&self, addr: &str) -> Option<&[u8]> {
        find(&self.hosts, addr, false).or_else(|| find(&self.networks, addr, true))
    }
}

/// The first name of an address in a file of two columns, whose first one is the address, or the
/// second one if `swapped`.
#[inline(never)]
fn find<'a>(file: &'a [u8], addr: &str, swapped: bool) -> Option<&'a [u8]> {
    for mut line in file.split(|&b| b == b'\n') {
        let (first, second) = (word_of(&mut line), word_of(&mut line));
        let (key, name) = if swapped { (second, first) } else { (first, second) };
        if key == addr.as_bytes() {
            return Some(name);
        }
    }
    None
}

/// Takes the next word of a line; empty at its end.
#[inline(never)]
pub fn word_of<'a>(line: &mut &'a [u8]) -> &'a [u8] {
    let text = line.trim_ascii_start();
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    *line = rest;
    word
}

/// Adds text. Out of line, as are the others: there are many calls.
#[inline(never)]
pub fn add(out: &mut String, text: &str) {
    out.push_str(text);
}

/// Adds a word as it may be shown.
#[inline(never)]
pub fn word(out: &mut String, word: &[u8]) {
    // Nearly all are plain, and listings spend their time here. Tabs are harmless, and a comment has to come back as it was.
    if word.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
        return out.push_str(text(word));
    }
    for (index, part) in word.split(|&b| b == b'\t').enumerate() {
        add(out, if index > 0 { "\t" } else { "" });
        out.push_str(&shown(part));
    }
}

/// Adds a number at the right of a column.
#[inline(never)]
pub fn number(out: &mut String, number: u64, width: usize) {
    // Without the formatter: listings spend their time here.
    let mut digits = [b' '; 20];
    let (mut at, mut rest) = (digits.len(), number);
    while at == digits.len() || rest > 0 {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    let from = at.min(digits.len().saturating_sub(width));
    out.push_str(text(&digits[from..]));
}

#[inline(never)]
fn address(out: &mut String, addr: IpAddr) {
    add(out, &addr_text(&addr));
}

/// Fills a column of this width, which began at `from`, with spaces.
#[inline(never)]
pub fn pad(out: &mut String, from: usize, width: usize) {
    let used = out.get(from..).unwrap_or_default().chars().count();
    for _ in used..width {
        out.push(' ');
    }
}

/// Adds a network as `ADDR/LEN` or `ADDR/MASK`, by name if names are wanted; `host` keeps the `/32`.
#[inline(never)]
pub fn net(out: &mut String, net: &Net, host: bool, names: Option<&Names>) {
    let from = out.len();
    address(out, net.addr());
    if let Some(name) = names.and_then(|names| names.name(out.get(from..)?)) {
        out.truncate(from);
        word(out, name);
    }
    match net.prefix() {
        Some(len) if !host && len == family_of(&net.addr()).bits() => {}
        Some(len) => {
            add(out, "/");
            number(out, len.into(), 0);
        }
        None => {
            add(out, "/");
            address(out, net.mask());
        }
    }
}

/// Adds a network in a table.
#[inline(never)]
pub fn net_cell(out: &mut String, cell: Option<&Not<Net>>, look: &Look) {
    match (cell, look.names.as_ref()) {
        (None, None) => add(out, if look.family == Family::V6 { "::/0" } else { "0.0.0.0/0" }),
        (None, Some(_)) => add(out, "anywhere"),
        // iptables asks for the address alone here.
        (Some(Not { value, .. }), Some(_)) if look.family == Family::V6 && value.addr().is_unspecified() => {
            add(out, "anywhere");
        }
        (Some(Not { value, .. }), names) => net(out, value, false, names),
    }
}

/// Adds an interface pattern with its `+`.
pub fn interface(out: &mut String, pattern: &IfPattern) {
    word(out, pattern.name());
    if pattern.wild {
        add(out, "+");
    }
}

/// Adds an interface pattern in a table.
#[inline(never)]
pub fn interface_cell(out: &mut String, pattern: Option<&Not<IfPattern>>, numeric: bool) {
    match pattern {
        Some(Not { not, value }) => {
            add(out, if *not { "!" } else { "" });
            interface(out, value);
        }
        None => add(out, if numeric { "*" } else { "any" }),
    }
}

/// Adds the target's column.
#[inline(never)]
pub fn target_name(out: &mut String, target: &Target) {
    let name: &[u8] = match target {
        Target::None => b"",
        Target::Accept => b"ACCEPT",
        Target::Drop => b"DROP",
        Target::Return => b"RETURN",
        Target::Jump(chain) | Target::Goto(chain) => chain,
        Target::Ext(ext) => &ext.name,
    };
    word(out, name);
}

/// Adds ` -j NAME` for a target that is no extension, as `-S` prints it.
pub fn target_option(out: &mut String, target: &Target) {
    let how = match target {
        Target::None => return,
        Target::Goto(_) => " -g ",
        _ => " -j ",
    };
    add(out, how);
    target_name(out, target);
}

/// How the extensions of a rule are shown, in a table or as options.
pub fn style(spec: &Spec, is_table: bool, is_numeric: bool, is_v6: bool) -> Style {
    let protocol = spec.protocol.filter(|p| !p.not).map_or(0, |p| p.value);
    Style { is_v6, is_table, is_numeric, protocol }
}

/// Adds a match or target, behind its name if it is shown as options of `how` (`-m` or `-j`).
#[inline(never)]
pub fn extension(out: &mut String, ext: &Ext, how: &str, style: Style) {
    let target = how == " -j " || ext.name.first().is_some_and(u8::is_ascii_uppercase);
    let Some(found) = Extension::of(ext, target, style.is_v6) else { return };
    if !style.is_table {
        add(out, how);
        add(out, found.name);
    }
    options(out, found, &ext.info, style);
}

/// Adds a count in a column, or `bare` in a sentence; thousands beyond 99999 are shortened unless `exact`.
#[inline(never)]
pub fn count(out: &mut String, count: u64, exact: bool, bare: bool) {
    let (mut value, mut unit) = (count, "");
    if !exact && count > 99_999 {
        for next in ["K", "M", "G", "T"] {
            value = (value + 500) / 1000;
            unit = next;
            if value <= 9999 {
                break;
            }
        }
    }
    let width = match (bare, exact, unit) {
        (true, ..) => 0,
        (_, true, _) => 8,
        (_, _, "") => 5,
        _ => 4,
    };
    number(out, value, width);
    add(out, unit);
    add(out, if bare { "" } else { " " });
}

/// Adds a comment as a word that a shell and iptables-restore read back.
pub fn quoted(out: &mut String, text: &[u8]) {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if !text.is_empty() && text.iter().all(plain) {
        return word(out, text);
    }
    let mut bytes = vec![b'"'];
    for &byte in text {
        if matches!(byte, b'"' | b'\\' | b'\'') {
            bytes.push(b'\\');
        }
        bytes.push(byte);
    }
    bytes.push(b'"');
    word(out, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shortened_as_iptables_does() {
        let show = |number, exact, bare| {
            let mut out = String::new();
            count(&mut out, number, exact, bare);
            out
        };
        for (number, expected) in [
            (0, "    0 "),
            (99_999, "99999 "),
            (100_000, " 100K "),
            (9_999_499, "9999K "),
            (9_999_500, "  10M "),
            (12_345_678_901, "  12G "),
        ] {
            assert_eq!(show(number, false, false), expected, "{number}");
        }
        assert_eq!(show(123_456, true, false), "  123456 ");
        assert_eq!(show(123_456, false, true), "123K");
    }

    #[test]
    fn comments_are_quoted_where_needed() {
        for (text, expected) in [
            ("simple-1_", "simple-1_"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a'\"\\", "\"a\\'\\\"\\\\\""),
            ("a\nb", "\"a\\x0ab\""),
        ] {
            let mut out = String::new();
            quoted(&mut out, text.as_bytes());
            assert_eq!(out, expected);
        }
    }
}
