//! Paths of files that include each other: where they lead.

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
}
