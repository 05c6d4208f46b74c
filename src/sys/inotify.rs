//! Names that come and go in a folder: in goes a path, out come events as they happen.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};

use super::check;

/// Length of `struct inotify_event` before the name (`linux/inotify.h`).
const HEADER: usize = 16;

/// A folder that is watched.
#[derive(Debug)]
pub struct Watch {
    file: File,
}

/// A name that has come, or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whether it has come.
    pub created: bool,
    /// The name.
    pub name: Vec<u8>,
}

impl Watch {
    /// Watches a folder from now on.
    pub fn folder(path: &CStr) -> io::Result<Self> {
        // SAFETY: takes flags only.
        let fd = check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })?;
        // SAFETY: the kernel gave this descriptor to us alone.
        let file = unsafe { File::from_raw_fd(fd) };
        // SAFETY: `path` is NUL-terminated and only read.
        check(unsafe { libc::inotify_add_watch(file.as_raw_fd(), path.as_ptr(), libc::IN_CREATE | libc::IN_DELETE) })?;
        Ok(Watch { file })
    }

    /// Waits for events, one or more.
    pub fn wait(&mut self) -> io::Result<Vec<Event>> {
        let mut buffer = [0; 4096];
        let len = self.file.read(&mut buffer)?;
        Ok(events(buffer.get(..len).unwrap_or_default()))
    }
}

fn events(mut bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some((header, rest)) = bytes.split_at_checked(HEADER) {
        let field = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes);
        let Some((name, rest)) = usize::try_from(field(12)).ok().and_then(|len| rest.split_at_checked(len)) else {
            break;
        };
        bytes = rest;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        if field(4) & (libc::IN_CREATE | libc::IN_DELETE) != 0 {
            events.push(Event { created: field(4) & libc::IN_CREATE != 0, name: name[..end].to_vec() });
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn names_come_and_go() {
        let folder = std::env::temp_dir().join(format!("netstrap-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).unwrap();
        let mut watch = Watch::folder(&path).unwrap();
        std::fs::write(folder.join("red"), b"").unwrap();
        std::fs::remove_file(folder.join("red")).unwrap();
        let event = |created| Event { created, name: b"red".to_vec() };
        assert_eq!(watch.wait().unwrap(), [event(true), event(false)]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(events(&[1; 40]).is_empty() && events(&[0; 15]).is_empty());
    }
}
