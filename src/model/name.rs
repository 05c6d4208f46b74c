//! Names: in goes what a user typed or the kernel sent, out come checked names of
//! interfaces and namespaces, as bytes because the kernel does not ask for UTF-8.

use std::fmt;

/// Longest interface name (`IFNAMSIZ` less the NUL).
pub const IFNAME_MAX: usize = 15;
/// Longest alternative interface name (`ALTIFNAMSIZ` less the NUL).
pub const ALTNAME_MAX: usize = 127;

/// An interface name: 1 to 15 bytes, no `/`, no white space, no NUL; maybe not UTF-8.
///
/// These are the rules of iproute2's `check_ifname`; the kernel's further ones (`:`,
/// `.` and `..`) are left to it, so that its own words reach the user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IfName {
    bytes: [u8; IFNAME_MAX],
    len: u8,
}

impl IfName {
    /// Checks a name.
    pub fn new(name: &[u8]) -> Option<Self> {
        let ok = (1..=IFNAME_MAX).contains(&name.len()) && !name.iter().any(|&b| is_separator(b));
        ok.then(|| {
            let mut bytes = [0; IFNAME_MAX];
            bytes[..name.len()].copy_from_slice(name);
            IfName { bytes, len: u8::try_from(name.len()).unwrap_or(0) }
        })
    }

    /// The name's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.as_bytes()))
    }
}

impl fmt::Debug for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", printable(self.as_bytes()))
    }
}

/// Whether a word may name an alternative interface name: 1 to 127 bytes, the same bytes as [`IfName`].
pub fn is_altname(name: &[u8]) -> bool {
    (1..=ALTNAME_MAX).contains(&name.len()) && !name.iter().any(|&b| is_separator(b))
}

fn is_separator(byte: u8) -> bool {
    byte == b'/' || byte == 0 || byte == 0x0b || byte.is_ascii_whitespace()
}

/// A namespace's name: one path component of 1 to 255 bytes, not `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NsName(Vec<u8>);

impl NsName {
    /// Checks a name.
    pub fn new(name: &[u8]) -> Option<Self> {
        let bad = name.is_empty() || name.len() > 255 || name == b"." || name == b"..";
        (!bad && !name.contains(&b'/') && !name.contains(&0)).then(|| NsName(name.to_vec()))
    }

    /// The name's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for NsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0))
    }
}

/// Bytes as printable text: UTF-8 stays, control characters and stray bytes become
/// `\xNN`, so that a name can neither move the cursor nor break a line.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                let mut buf = [0; 4];
                c.encode_utf8(&mut buf).bytes().for_each(|b| push_hex(&mut out, b));
            } else {
                out.push(c);
            }
        }
        chunk.invalid().iter().for_each(|&b| push_hex(&mut out, b));
    }
    out
}

fn push_hex(out: &mut String, byte: u8) {
    out.push_str("\\x");
    for nibble in [byte >> 4, byte & 15] {
        out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('?'));
    }
}

/// Whether a pattern stands for a name: `*` for any bytes, `one` for any one byte.
#[inline(never)]
pub fn matches(pattern: &[u8], name: &[u8], one: Option<u8>) -> bool {
    // Behind the last `*`, and what it stands for ends there so far.
    let mut star = None;
    let (mut at, mut seen) = (0, 0);
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, seen));
            }
            Some(byte) if *byte == name[seen] || Some(*byte) == one => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((behind, end)) = &mut star else { return false };
                *end += 1;
                (at, seen) = (*behind, *end);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_names() {
        for good in [&b"veth-red"[..], b"a", b"123456789012345", b"\xff\xfe", b"\x1b[2J", b"a:b", b"br%d"] {
            assert!(IfName::new(good).is_some(), "{good:?}");
        }
        for bad in [&b""[..], b"1234567890123456", b"a/b", b"a b", b"a\nb", b"a\0b"] {
            assert!(IfName::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn namespace_names() {
        assert!(NsName::new(b"red").is_some() && NsName::new(&[b'x'; 255]).is_some());
        for bad in [&b""[..], b".", b"..", b"a/b", &[b'x'; 256]] {
            assert!(NsName::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn every_byte_prints_as_one_line_of_text() {
        let all: Vec<u8> = (1..=255).collect();
        let text = printable(&all);
        assert!(!text.chars().any(char::is_control));
        assert_eq!(printable("väth\u{1b}[m".as_bytes()), "väth\\x1b[m");
    }

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.tom", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("*", "x", true),
            ("a*a", "a", false),
            ("ab", "ab", true),
            ("l?", "lo", true),
            ("l?", "l", false),
            ("*?b", "ab", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes(), Some(b'?')), expected, "{pattern} {name}");
        }
    }
}
