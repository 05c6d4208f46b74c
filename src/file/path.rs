//! Paths of files that include each other: where they lead, and patterns of names.

/// A path as a file writes it, from where the file is: without `.` and, where they can be undone, `..`.
pub fn beside(file: &str, path: &str) -> String {
    let folder = if path.starts_with('/') { "" } else { file.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let root = usize::from(path.starts_with('/') || file.starts_with('/'));
    let mut out = "/"[..root].to_owned();
    for part in [folder, "/", path].concat().split('/') {
        let last = out.rfind('/').map_or(0, |at| at + 1);
        if part == ".." && last < out.len() && &out[last..] != ".." {
            out.truncate(last.saturating_sub(1).max(root));
        } else if !matches!(part, "" | ".") {
            out.push_str(if out.len() > root { "/" } else { "" });
            out.push_str(part);
        }
    }
    out
}

/// Whether a pattern with `*` stands for a name.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Behind the last `*`, and what it stands for ends there so far.
    let mut star = None;
    let (mut at, mut seen) = (0, 0);
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, seen));
            }
            Some(byte) if *byte == name[seen] => {
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
    fn paths_of_includes() {
        for (file, path, expected) in [
            ("lab.toml", "a.toml", "a.toml"),
            ("etc/lab.toml", "./a.toml", "etc/a.toml"),
            ("etc/lab.toml", "../a.toml", "a.toml"),
            ("lab.toml", "../../a.toml", "../../a.toml"),
            ("/etc/lab.toml", "net.d/*.toml", "/etc/net.d/*.toml"),
            ("/etc/lab.toml", "/a.toml", "/a.toml"),
            ("-", "a.toml", "a.toml"),
        ] {
            assert_eq!(beside(file, path), expected, "{file} {path}");
        }
    }

    #[test]
    fn patterns_of_includes() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.tom", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("*", "x", true),
            ("a*a", "a", false),
            ("ab", "ab", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
