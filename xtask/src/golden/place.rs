//! The place where captures are made: a mount namespace with files of namespaces in its own `/run`. All
//! are this process's own network namespace: nothing looks into them. Out: the same place again after
//! a command line that changed it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const FOLDER: &str = "/run/netns";
const NAMESPACES: [&str; 3] = ["ns1", "ns2", "spare"];

/// The words that run a command in a mount namespace of its own, as root there.
pub fn unshared(root: bool) -> &'static [&'static str] {
    if root { &["unshare", "--mount"] } else { &["unshare", "--map-root-user", "--mount"] }
}

/// Makes the place, inside the mount namespace.
pub fn make() -> Result<(), String> {
    call("mount", &["-t", "tmpfs", "golden", "/run"])?;
    // A cgroup of this machine is nothing to join.
    if Path::new("/sys/fs/cgroup").exists() {
        call("mount", &["-t", "tmpfs", "golden", "/sys/fs/cgroup"])?;
    }
    // What is asked of taps is answered, whatever the file is.
    if Path::new("/dev/net/tun").exists() {
        call("mount", &["--bind", "/dev/null", "/dev/net/tun"])?;
    }
    std::fs::create_dir(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;
    repair()
}

/// Makes again what is gone, and takes away what is more.
pub fn repair() -> Result<(), String> {
    let entries = std::fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let here: BTreeSet<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    for name in NAMESPACES.into_iter().filter(|name| !here.contains(*name)) {
        let path = Path::new(FOLDER).join(name);
        std::fs::write(&path, "").map_err(|error| format!("{}: {error}", path.display()))?;
        call("mount", &["--bind", "/proc/self/ns/net", &path.to_string_lossy()])?;
    }
    for name in here.iter().filter(|name| !NAMESPACES.contains(&name.as_str())) {
        std::fs::remove_file(Path::new(FOLDER).join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn call(program: &str, words: &[&str]) -> Result<(), String> {
    let line = format!("{program} {}", words.join(" "));
    let output = Command::new(program).args(words).output().map_err(|error| format!("{line}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
