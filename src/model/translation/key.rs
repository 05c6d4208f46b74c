//! The comment by which a rule of ours is known again: `ns1 ` and the words of its
//! translation. A comment that is too long for nft is cut, with a hash of the whole; what
//! is cut off stands beside it, where nft and iptables do not look.

use super::{Translation, parse};

/// Begins the comments of our rules; the number is that of their layout.
pub const MARK: &str = "ns1 ";
/// Longest comment that nft loads again.
pub const COMMENT_MAX: usize = 127;
/// What is left of a longer one, in front of `~` and eight hexadecimal digits.
pub const CUT: usize = COMMENT_MAX - 9;
/// Longest key: the kernel keeps 256 bytes beside a rule, five of which are types, lengths and a NUL.
pub const KEY_MAX: usize = CUT + 256 - COMMENT_MAX - 5;

impl Translation {
    /// The whole comment of its rules.
    #[inline(never)]
    pub fn key(&self) -> String {
        [MARK, &self.words()].concat()
    }

    /// Reads a whole comment; `None` if it is none of ours.
    #[inline(never)]
    pub fn from_key(comment: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(comment).ok()?.strip_prefix(MARK)?;
        parse(&text.split(' ').collect::<Vec<_>>()).ok()
    }
}

/// A key as a comment has room for it; `None` if it has room for all.
#[inline(never)]
pub fn cut(key: &[u8]) -> Option<Vec<u8>> {
    let mut comment = key.get(..COMMENT_MAX + 1).and_then(|key| key.get(..CUT))?.to_vec();
    comment.push(b'~');
    // FNV-1a.
    let mut hash: u32 = 0x811c_9dc5;
    for byte in key {
        hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    for place in (0..8).rev() {
        comment.push(b"0123456789abcdef"[(hash >> (4 * place) & 15) as usize]);
    }
    Some(comment)
}

/// Whether a rule's comment is that of a key: whole, or cut where another tool has loaded the rule again.
#[inline(never)]
pub fn is_of(comment: &[u8], key: &[u8]) -> bool {
    comment == key || (comment.len() == COMMENT_MAX && cut(key).is_some_and(|cut| cut == comment))
}
