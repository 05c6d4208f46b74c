//! An archive in cpio's "newc" format, the one that the kernel unpacks as an initramfs:
//! entries in, bytes out. Field order: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.

/// An archive that is being written.
pub struct Archive {
    bytes: Vec<u8>,
    inode: u32,
    dirs: Vec<String>,
}

impl Archive {
    /// An empty archive.
    pub fn new() -> Self {
        Archive { bytes: Vec::new(), inode: 0, dirs: Vec::new() }
    }

    /// A folder, and those that it is in; nothing if it is there already.
    pub fn dir(&mut self, path: &str) {
        if path.is_empty() || self.dirs.iter().any(|dir| dir == path) {
            return;
        }
        self.parents(path);
        self.dirs.push(path.to_string());
        self.entry(path, 0o040_755, (0, 0), b"");
    }

    /// A file with its permissions.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.parents(path);
        self.entry(path, 0o100_000 | mode, (0, 0), content);
    }

    /// A character device.
    pub fn device(&mut self, path: &str, major: u32, minor: u32) {
        self.parents(path);
        self.entry(path, 0o020_600, (major, minor), b"");
    }

    /// The archive's bytes, with its trailer.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), b"");
        self.bytes
    }

    fn parents(&mut self, path: &str) {
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.dir(parent);
        }
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.inode += 1;
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        // inode, mode, uid, gid, links, mtime, size, dev major/minor, rdev major/minor, name length, checksum
        let size = length(content.len());
        let fields = [self.inode, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, length(path.len() + 1), 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes_of_a_small_archive() {
        let mut archive = Archive::new();
        archive.file("a/b", 0o644, b"hello");
        let bytes = archive.finish();
        let text = String::from_utf8(bytes).unwrap();
        let mut wanted = String::new();
        wanted += "07070100000001000041ed0000000000000000000000010000000000000000";
        wanted += "000000000000000000000000000000000000000200000000a\0";
        wanted += "07070100000002000081a40000000000000000000000010000000000000005";
        wanted += "000000000000000000000000000000000000000400000000a/b\0\0\0hello\0\0\0";
        wanted += "07070100000003000000000000000000000000000000010000000000000000";
        wanted += "000000000000000000000000000000000000000b00000000TRAILER!!!\0\0\0\0";
        assert_eq!(text.len() % 4, 0);
        assert_eq!(text.replace('\0', "~"), wanted.replace('\0', "~"));
    }

    #[test]
    fn folders_come_once_and_before_what_is_in_them() {
        let mut archive = Archive::new();
        archive.dir("lib");
        archive.file("lib/x/y/z", 0o755, b"");
        archive.file("lib/x/w", 0o755, b"");
        let text = String::from_utf8_lossy(&archive.finish()).into_owned();
        assert_eq!(text.matches("lib/x\0").count(), 1);
        assert!(text.find("lib/x\0").unwrap() < text.find("lib/x/y\0").unwrap());
    }
}
