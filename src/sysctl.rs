//! Kernel parameters under `/proc/sys`: keys become paths, values are read and written.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;

/// Where the parameters are.
const ROOT: &str = "/proc/sys/";
/// Longest value that is read: lists of ports may have 400,000 bytes.
const MOST_BYTES: usize = 1 << 20;

/// A parameter or a folder of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Path below `/proc/sys/`, with `/` between components.
    relative: String,
}

impl Key {
    /// The key of a word. The separator that comes first separates; the other one is then an ordinary
    /// character, so that `net/ipv4/conf/v.1/mtu` and `net.ipv4.conf.v/1.mtu` name the same parameter.
    pub fn parse(word: &str) -> Self {
        let dotted = word.find(['.', '/']).is_some_and(|at| word[at..].starts_with('.'));
        Key { relative: if dotted { swapped(word) } else { word.to_owned() } }
    }

    /// The dotted name.
    pub fn name(&self) -> String {
        swapped(&self.relative)
    }

    /// The path.
    pub fn path(&self) -> String {
        [ROOT, &self.relative].concat()
    }

    /// Whether the path stays below `/proc/sys`.
    pub fn is_inside(&self) -> bool {
        !self.relative.trim_matches('/').is_empty() && self.relative.split('/').all(|part| part != "..")
    }

    /// What it is.
    ///
    /// # Errors
    /// There is no such parameter.
    pub fn look(&self) -> io::Result<Kind> {
        let stat = fs::metadata(self.path())?;
        let mode = stat.permissions().mode();
        Ok(Kind { folder: stat.is_dir(), readable: mode & 0o400 != 0, writable: mode & 0o200 != 0 })
    }

    /// The value, with the line breaks that the kernel puts in.
    ///
    /// # Errors
    /// As `read(2)`; `EACCES` for a parameter that only root reads.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        // What is left of one is not always given by a further read: some say at the second one that they end.
        let mut size = 4096;
        loop {
            let mut bytes = vec![0; size];
            let len = fs::File::open(self.path())?.read(&mut bytes)?;
            if len < size || size >= MOST_BYTES {
                bytes.truncate(len);
                return Ok(bytes);
            }
            size *= 16;
        }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// `EINVAL` for a value that the kernel does not take; `EACCES`, `EPERM`, `EROFS`.
    pub fn write(&self, value: &str) -> io::Result<()> {
        // One write: the kernel takes each write as a whole value.
        fs::OpenOptions::new().write(true).open(self.path())?.write_all([value, "\n"].concat().as_bytes())
    }

    /// The parameters and folders in a folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn children(&self) -> io::Result<Vec<Key>> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(self.path())? {
            let name = entry?.file_name();
            let parent = self.relative.trim_end_matches('/');
            let separator = if parent.is_empty() { "" } else { "/" };
            keys.push(Key { relative: [parent, separator, &name.to_string_lossy()].concat() });
        }
        Ok(keys)
    }

    /// The keys that a key with `*` and `?` stands for.
    pub fn expand(&self) -> Vec<Key> {
        let mut found = vec![Key { relative: String::new() }];
        for part in self.relative.split('/') {
            let mut next = Vec::new();
            for key in &found {
                if !part.contains(['*', '?']) {
                    next.push(key.child(part));
                    continue;
                }
                for child in key.children().unwrap_or_default() {
                    if glob(part, child.last()) {
                        next.push(child);
                    }
                }
            }
            found = next;
        }
        found.retain(|key| key.look().is_ok());
        found
    }

    fn child(&self, part: &str) -> Key {
        let separator = if self.relative.is_empty() { "" } else { "/" };
        Key { relative: [&self.relative, separator, part].concat() }
    }

    fn last(&self) -> &str {
        self.relative.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is a parameter that has a successor and only clutters a listing.
    pub fn is_deprecated(&self) -> bool {
        matches!(self.last(), "base_reachable_time" | "retrans_time")
    }
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// A folder of parameters.
    pub folder: bool,
    /// Its owner may read it.
    pub readable: bool,
    /// Its owner may write it.
    pub writable: bool,
}

fn swapped(name: &str) -> String {
    let mut swapped = String::new();
    for c in name.chars() {
        swapped.push(match c {
            '.' => '/',
            '/' => '.',
            c => c,
        });
    }
    swapped
}

/// Shell pattern with `*` and `?`.
fn glob(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match (rest.next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), first) => glob(rest.as_str(), name) || first.is_some_and(|c| glob(pattern, &name[c.len_utf8()..])),
        (Some(p), Some(c)) if p == '?' || p == c => glob(rest.as_str(), &name[c.len_utf8()..]),
        _ => false,
    }
}

/// Whether a regular expression of literals, `.`, `*`, `+`, `?`, `^`, `$` and `\` matches somewhere in
/// a name. `None` for an expression that needs more than that.
pub fn pattern_matches(pattern: &str, name: &str) -> Option<bool> {
    let mut escaped = false;
    for c in pattern.chars() {
        if !escaped && "[](){}|".contains(c) {
            return None;
        }
        escaped = !escaped && c == '\\';
    }
    let (anchored, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut starts = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    Some(if anchored { here(pattern, name) } else { starts.any(|at| here(pattern, &name[at..])) })
}

/// Whether the expression matches at the beginning of `text`.
fn here(pattern: &str, text: &str) -> bool {
    if pattern.is_empty() {
        return true;
    }
    if pattern == "$" {
        return text.is_empty();
    }
    let mut rest = pattern.chars();
    let (literal, any) = match rest.next() {
        Some('\\') => (rest.next(), false),
        Some('.') => (None, true),
        other => (other, false),
    };
    let rest = rest.as_str();
    let one = |text: &str| text.chars().next().filter(|c| any || Some(*c) == literal).map(char::len_utf8);
    let (least, most, tail) = match rest.chars().next() {
        Some('*') => (0, usize::MAX, &rest[1..]),
        Some('+') => (1, usize::MAX, &rest[1..]),
        Some('?') => (0, 1, &rest[1..]),
        _ => (1, 1, rest),
    };
    let (mut text, mut count) = (text, 0);
    loop {
        if count >= least && here(tail, text) {
            return true;
        }
        match one(text) {
            Some(len) if count < most => (text, count) = (&text[len..], count + 1),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_by_either_separator() {
        for (word, path) in [
            ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            ("net.ipv4.conf.v/1.forwarding", "/proc/sys/net/ipv4/conf/v.1/forwarding"),
            ("net/ipv4/conf/v.1/forwarding", "/proc/sys/net/ipv4/conf/v.1/forwarding"),
        ] {
            assert_eq!(Key::parse(word).path(), path);
        }
        assert_eq!(Key::parse("net/ipv4/conf/v.1/forwarding").name(), "net.ipv4.conf.v/1.forwarding");
        assert!(!Key::parse("net/../../etc/passwd").is_inside() && !Key::parse("/").is_inside());
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("ip_forward$", "net.ipv4.ip_forward", Some(true)),
            ("ip_forward$", "net.ipv4.ip_forward_use_pmtu", Some(false)),
            ("^net\\.ipv4", "net.ipv4.x", Some(true)),
            ("^ipv4", "net.ipv4.x", Some(false)),
            ("n.*x", "net.ipv4.x", Some(true)),
            ("ab+c?d", "abbd", Some(true)),
            ("", "x", Some(true)),
            ("a|b", "a", None),
        ] {
            assert_eq!(pattern_matches(pattern, name), expected, "{pattern}");
        }
        assert!(glob("e*0", "eth0") && glob("l?", "lo") && !glob("l?", "l"));
    }
}
