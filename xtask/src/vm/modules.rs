//! The kernel modules that are wanted, with those that they need, in the order
//! to load them. In: a kernel's module folder. Out: names and uncompressed bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::process::{About, Outcome, output};

/// What must be in the kernel or be loaded for the walkthrough and for traffic. There is no modprobe in the initramfs,
/// so what the kernel would ask for by alias (link kinds, nf_tables expressions, xtables extensions) is here too.
pub const WANTED: &[&str] = &[
    "veth",
    "bridge",
    "br_netfilter",
    "nf_tables",
    "nft_chain_nat",
    "nft_masq",
    "nft_nat",
    "nft_redir",
    "nft_ct",
    "nft_fib",
    "nft_fib_ipv4",
    "nft_fib_ipv6",
    "nft_compat",
    "nf_conntrack_netlink",
    "xt_MASQUERADE",
    "xt_nat",
    "xt_REDIRECT",
    "xt_conntrack",
    "xt_tcpudp",
    "xt_addrtype",
];

/// A module, ready to load.
pub struct Module {
    /// Its name, with underscores.
    pub name: String,
    /// Its ELF bytes.
    pub bytes: Vec<u8>,
}

/// The modules wanted and not built in (unless `all`, those of them that there are), each after those that it depends on.
pub fn needed(folder: &Path, wanted: &[&str], all: bool) -> Outcome<Vec<Module>> {
    let mut files = BTreeMap::new();
    collect(folder, &mut files)?;
    let builtin = folder.join("modules.builtin");
    let builtin = std::fs::read_to_string(&builtin).about(&builtin)?;
    let builtin: Vec<String> = builtin.lines().map(|line| name(Path::new(line))).collect();
    let mut order = Vec::new();
    for wanted in wanted {
        if builtin.iter().any(|name| name == wanted) || !(all || files.contains_key(*wanted)) {
            continue;
        }
        load(wanted, &files, &mut order)?;
    }
    Ok(order)
}

/// Adds a module after its dependencies, unless it is there.
fn load(module: &str, files: &BTreeMap<String, PathBuf>, order: &mut Vec<Module>) -> Outcome {
    if order.iter().any(|done| done.name == module) {
        return Ok(());
    }
    let file = files.get(module).ok_or_else(|| format!("the kernel has no module {module}"))?;
    let bytes = read(file)?;
    for dependency in depends(&bytes) {
        load(&dependency, files, order)?;
    }
    order.push(Module { name: module.to_string(), bytes });
    Ok(())
}

/// Names and files of all modules below a folder.
fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Outcome {
    for entry in std::fs::read_dir(folder).about(folder)? {
        let path = entry.about(folder)?.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".ko")) {
            files.insert(name(&path), path);
        }
    }
    Ok(())
}

/// `kernel/net/x/nf-y.ko.xz` is the module nf_y.
fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    file.split(".ko").next().unwrap_or_default().replace('-', "_")
}

/// A module's bytes, unpacked.
fn read(file: &Path) -> Outcome<Vec<u8>> {
    let unpacker = match file.extension().and_then(|ext| ext.to_str()) {
        Some("xz") => ("xz", "xz-utils"),
        Some("zst") => ("zstd", "zstd"),
        Some("gz") => ("gzip", "gzip"),
        _ => return std::fs::read(file).about(file),
    };
    packages::ensure(&[unpacker])?;
    let output = output(Command::new(unpacker.0).args(["-d", "-c"]).arg(file))?;
    if output.status.success() { Ok(output.stdout) } else { Err(format!("{}: does not unpack", file.display()).into()) }
}

/// Modules that a module's `.modinfo` names (`depends=a,b`, NUL-terminated strings).
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else { return Vec::new() };
    let value = module[at + KEY.len()..].split(|&byte| byte == 0).next().unwrap_or_default();
    let value = String::from_utf8_lossy(value);
    value.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_modinfo() {
        assert_eq!(depends(b"\x7fELF..\0license=GPL\0depends=stp,llc\0name=bridge\0"), ["stp", "llc"]);
        assert_eq!(depends(b"\0depends=nf-nat\0"), ["nf_nat"]);
        assert!(depends(b"\0depends=\0name=veth\0").is_empty());
        assert!(depends(b"no such thing").is_empty());
    }

    #[test]
    fn names_are_those_of_the_kernel() {
        assert_eq!(name(Path::new("kernel/net/802/stp.ko")), "stp");
        assert_eq!(name(Path::new("x/nf-log-syslog.ko.xz")), "nf_log_syslog");
    }

    #[test]
    fn dependencies_come_first_and_once() {
        let dir = std::env::temp_dir().join(format!("netstrap-modules-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("kernel")).unwrap();
        let write = |name: &str, depends: &str| {
            let text = format!("\0depends={depends}\0");
            std::fs::write(dir.join("kernel").join(format!("{name}.ko")), text).unwrap();
        };
        write("llc", "");
        write("stp", "llc");
        write("bridge", "stp,llc");
        let mut files = BTreeMap::new();
        collect(&dir, &mut files).unwrap();
        let mut order = Vec::new();
        load("bridge", &files, &mut order).unwrap();
        let names: Vec<&str> = order.iter().map(|module| module.name.as_str()).collect();
        assert_eq!(names, ["llc", "stp", "bridge"]);
        assert!(load("veth", &files, &mut order).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
