//! The marks of what a file makes: by them alone it is known again, changed and deleted.
//!
//! | thing | mark |
//! |---|---|
//! | link | alternative name `nst-LAB-PATH`; before kernel 5.5 the alias `netstrap:LAB:PATH` |
//! | namespace | the same of its `lo`, with the path of the namespace |
//! | links of a lab, to delete at once | group |
//! | address on a foreign link, route, rule | protocol 110, and the lab is known to have asked for it |
//! | translations | tables `netstrap-NAME` |
//! | files in `/etc/netns` | first line `# netstrap NAME` |
//!
//! LAB and PATH are hashes (FNV-1a, 64 bits) of the file's `name`, one half folded onto the other, and of `NETNS/LINK`, as
//! 8 and 16 hexadecimal digits: no two links of a namespace have one mark.

use super::link::Link;

/// Protocol of our routes, rules and of addresses on foreign links (free in `rt_protos`).
pub const PROTOCOL: u8 = 110;

/// Whether a text may be the name of an owner: `[a-z0-9][a-z0-9._-]{0,31}`.
pub fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 32
        && text.bytes().next().is_some_and(is_plain)
        && text.bytes().all(|byte| is_plain(byte) || b"._-".contains(&byte))
}

/// The owner of what one file makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lab {
    name: String,
    hash: u32,
}

/// A mark, as it is found on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Hash of the owner's name.
    pub lab: u32,
    /// Hash of the namespace and the link's name.
    pub path: u64,
}

impl Lab {
    /// The owner of a name.
    pub fn new(name: &str) -> Self {
        let hash = hash(&[name.as_bytes()]);
        Lab { name: name.to_owned(), hash: u32::try_from((hash >> 32) ^ (hash & 0xffff_ffff)).unwrap_or(0) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Group of its links: neither 0, which is every link's, nor above 31 bits.
    pub fn group(&self) -> u32 {
        self.hash & 0x7fff_ffff | 1
    }

    /// Name of its tables of translations.
    pub fn table(&self) -> Vec<u8> {
        ["netstrap-", &self.name].concat().into_bytes()
    }

    /// Its hash, as eight hexadecimal digits: where a name of any length has no room.
    pub fn tag(&self) -> String {
        format!("{:08x}", self.hash)
    }

    /// First line of its files, without the line's end.
    pub fn headline(&self) -> String {
        ["# netstrap ", &self.name].concat()
    }

    /// Mark of a link in a namespace (empty for the host). The namespace itself is marked by its `lo`.
    pub fn mark(&self, netns: &[u8], link: &[u8]) -> Mark {
        Mark { lab: self.hash, path: hash(&[netns, b"/", link]) }
    }

    /// Whether a mark is one of ours.
    pub fn owns(&self, mark: Mark) -> bool {
        mark.lab == self.hash
    }
}

impl Mark {
    /// The first mark of a link, if it has one.
    pub fn of(link: &Link) -> Option<Self> {
        Mark::all(link).next()
    }

    /// All marks of a link: while one takes the place of another, it has both.
    pub fn all(link: &Link) -> impl Iterator<Item = Self> {
        link.altnames.iter().map(Vec::as_slice).chain(link.alias.as_deref()).filter_map(Mark::parse)
    }

    /// The alternative name that says it.
    pub fn altname(self) -> String {
        self.text("nst-", "-")
    }

    /// The alias that says it, for kernels without alternative names.
    pub fn alias(self) -> String {
        self.text(ALIAS, ":")
    }

    #[inline(never)]
    fn text(self, start: &str, separator: &str) -> String {
        format!("{start}{:08x}{separator}{:016x}", self.lab, self.path)
    }

    /// Reads an alternative name or an alias.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (rest, separator) = match text.strip_prefix(b"nst-") {
            Some(rest) => (rest, b'-'),
            None => (text.strip_prefix(ALIAS.as_bytes())?, b':'),
        };
        let (lab, path) = rest.split_at_checked(8)?;
        let path = path.strip_prefix(&[separator]).filter(|path| path.len() == 16)?;
        Some(Mark { lab: u32::try_from(number(lab)?).ok()?, path: number(path)? })
    }
}

/// What an alias that is a mark begins with.
const ALIAS: &str = "netstrap:";

/// Lower-case hexadecimal digits, as marks are written.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase())?;
        Some(number << 4 | u64::from(digit))
    })
}

/// FNV-1a of parts one behind another.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in parts.iter().flat_map(|part| part.iter()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written() {
        let lab = Lab::new("cheatsheet");
        let mark = lab.mark(b"red", b"veth-red");
        assert_eq!(Mark::parse(mark.altname().as_bytes()), Some(mark));
        assert_eq!(Mark::parse(mark.alias().as_bytes()), Some(mark));
        assert!(lab.owns(mark) && !Lab::new("other").owns(mark));
        let bad = "nst-1-2 x nst-00000001:0000000000000002 netstrap:00000001-0000000000000002 nst-00000001-00000002 \
            nst-+0000001-0000000000000002 nst-00000001-000000000000000A nst-00000001-0000000000000002x";
        for text in bad.split(' ') {
            assert_eq!(Mark::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn names_that_are_alike_have_marks_of_their_own() {
        // Their hashes of 32 bits are the same.
        let lab = Lab::new("t");
        assert_ne!(lab.mark(b"", b"v-c5zx"), lab.mark(b"", b"v-1pcd"));
    }

    #[test]
    fn a_hash_is_fnv_1a() {
        // Test vectors of the FNV reference implementation.
        assert_eq!(hash(&[b""]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(&[b"foo", b"bar"]), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_group_is_never_the_default_one() {
        for name in ["a", "b", "lab", "walkthrough"] {
            let group = Lab::new(name).group();
            assert!(group != 0 && group < 1 << 31, "{name}");
        }
    }
}
