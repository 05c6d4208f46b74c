//! Words of `ip` command lines: iproute2's way of abbreviating, and values with its complaints.

use super::fail::Fail;
use crate::cli::cursor::{Cursor, text};
use crate::model::ip::{Family, Prefix, parse_addr, parse_prefix};
use crate::model::name::{IfName, is_altname};
use crate::wire::attr::octets;

/// Whether a word abbreviates a keyword: it is not empty and begins it.
pub fn prefixes(word: &[u8], keyword: &str) -> bool {
    !word.is_empty() && keyword.as_bytes().starts_with(word)
}

/// The keyword that a word stands for, in a list of iproute2's own order: each entry is the name, `=` if it must
/// be whole or `~` if it may be shortened, and a key. Returns name and key. One string: a table of
/// names costs relocations.
pub fn keyword(word: &[u8], list: &'static str) -> (&'static str, u8) {
    let mut rest = list.as_bytes();
    // An address is told from a keyword by its first character.
    if !word.first().is_some_and(|first| rest.contains(first)) {
        return ("", 0);
    }
    while !rest.is_empty() {
        let end = rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
        let entry = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        // Most entries differ in their first letter: this is the loop that a long batch spends its time in.
        if entry.first() != word.first() {
            continue;
        }
        let Some((name, &[mark, key])) = entry.split_last_chunk() else { continue };
        if name == word || (mark == b'~' && name.starts_with(word)) {
            return (std::str::from_utf8(name).unwrap_or_default(), key);
        }
    }
    ("", 0)
}

/// The value after a keyword.
pub fn value<'w>(words: &mut Cursor<'w>) -> Result<&'w [u8], Fail> {
    words.next().ok_or_else(Fail::incomplete)
}

/// A number as C's `strtoul(_, _, 0)` reads it; the complaint names the keyword as iproute2 does.
pub fn number<N: TryFrom<u32>>(word: &[u8], reason: &str) -> Result<N, Fail> {
    let number = crate::model::rtnames::parse_number(text(word)).and_then(|n| N::try_from(n).ok());
    number.ok_or_else(|| Fail::wrong(reason, word))
}

/// A number that C's `int` holds, as `strtol(_, _, 0)` reads it.
pub fn integer(word: &[u8]) -> Option<i32> {
    let (digits, sign) = match word.trim_ascii_start().strip_prefix(b"-") {
        Some(digits) => (Some(digits).filter(|digits| digits.first().is_some_and(u8::is_ascii_digit))?, -1),
        None => (word, 1),
    };
    let number = crate::model::rtnames::parse_number(text(digits))?;
    i32::try_from(i64::from(number) * sign).ok()
}

/// An address without a prefix length.
pub fn address(word: &[u8], family: Family) -> Result<std::net::IpAddr, Fail> {
    parse_addr(text(word), family).ok_or_else(|| expected(family, " address", word))
}

/// An address or network with an optional prefix length.
pub fn prefix(word: &[u8], family: Family) -> Result<Prefix, Fail> {
    match family {
        Family::Bridge if !matches!(word, b"default" | b"any" | b"all") => {
            return Err(expected(family, " prefix", word));
        }
        // `-0`, which stands for links.
        Family::Other(_) => {
            let after = " may be inet prefix, but it is not allowed in this context.";
            return Err(Fail::own_word("Error: ", word, after));
        }
        _ => {}
    }
    parse_prefix(text(word), family).ok_or_else(|| expected(family, " prefix", word))
}

fn expected(family: Family, what: &str, word: &[u8]) -> Fail {
    let family = match family {
        Family::V4 => "inet",
        Family::V6 => "inet6",
        Family::Bridge => "bridge",
        _ => "any valid",
    };
    Fail::own_word(&["Error: ", family, what, " is expected rather than "].concat(), word, ".")
}

/// A hardware address: `02:00:00:00:00:01`, or for tunnels an IPv4 address.
pub fn lladdr(word: &[u8]) -> Result<Vec<u8>, Fail> {
    let invalid = |part: &[u8]| Fail::own_word("", part, " is invalid lladdr.");
    if word.contains(&b'.') {
        let address = parse_addr(text(word), Family::V4).ok_or_else(|| invalid(word))?;
        return Ok(octets(&address));
    }
    let mut bytes = Vec::new();
    for part in word.split(|byte| *byte == b':') {
        bytes.push(octet(part).filter(|_| bytes.len() < 32).ok_or_else(|| invalid(part))?);
    }
    Ok(bytes)
}

/// What C's `sscanf("%x")` reads at the beginning of a word, if it is a byte.
fn octet(word: &[u8]) -> Option<u8> {
    let word = word.trim_ascii_start();
    let word = word.strip_prefix(b"+").unwrap_or(word);
    let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")).unwrap_or(word);
    let end = digits.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(digits.len());
    match text(&digits[..end]) {
        "" if digits.len() == word.len() => None,
        "" => Some(0),
        digits => u64::from_str_radix(digits, 16).ok()?.try_into().ok(),
    }
}

/// Whether a word may name a device at all (up to 127 bytes, for alternative names); else iproute2's complaint.
pub fn device_word<'w>(word: &'w [u8], keyword: &str) -> Result<&'w [u8], Fail> {
    if is_altname(word) { Ok(word) } else { Err(no_name(word, keyword)) }
}

/// A name that a device may be given; else iproute2's complaint.
pub fn if_name(word: &[u8], keyword: &str) -> Result<IfName, Fail> {
    IfName::new(word).ok_or_else(|| no_name(word, keyword))
}

fn no_name(word: &[u8], keyword: &str) -> Fail {
    let fail = Fail::wrong(&["\"", keyword, "\" not a valid ifname"].concat(), word);
    fail.hint("a link's name has 1 to 15 bytes, without \"/\" and blanks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses() {
        assert_eq!(lladdr(b"2:0:0:0:0:1").unwrap(), [2, 0, 0, 0, 0, 1]);
        assert_eq!(lladdr(b"10.0.0.1").unwrap(), [10, 0, 0, 1]);
        assert_eq!(lladdr(b"0x1:2z:+3:0x: 5").unwrap(), [1, 2, 3, 0, 5]);
        for (word, part) in
            [("zz", "zz"), ("", ""), ("1:2:", ""), ("1:-2", "-2"), ("100:1", "100"), ("2:0:g", "g"), ("1.2.x", "1.2.x")]
        {
            assert_eq!(
                lladdr(word.as_bytes()),
                Err(Fail::own_word("", part.as_bytes(), " is invalid lladdr.")),
                "{word}"
            );
        }
    }

    #[test]
    fn keywords_are_found_in_order() {
        const LIST: &str = "table~t tos=o type~y";
        assert_eq!(keyword(b"t", LIST), ("table", b't'));
        assert_eq!(keyword(b"to", LIST), ("", 0));
        assert_eq!(keyword(b"tos", LIST), ("tos", b'o'));
        assert_eq!(keyword(b"ty", LIST), ("type", b'y'));
        assert_eq!(keyword(b"", LIST), ("", 0));
        assert_eq!(keyword(b"tables", LIST), ("", 0));
    }

    #[test]
    fn abbreviations() {
        assert!(prefixes(b"a", "address") && prefixes(b"address", "address"));
        assert!(!prefixes(b"", "address") && !prefixes(b"addresses", "address"));
    }
}
