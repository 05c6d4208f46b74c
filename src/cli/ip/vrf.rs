//! `ip vrf`: virtual routing and forwarding devices, and commands inside them: a control group whose
//! sockets a BPF program binds to the device.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::fail::{Fail, Outcome, io_text};
use super::netns::{in_child, names_of, own_view, replace_by};
use super::usage;
use super::words::keyword;
use crate::cli::cursor::{Cursor, text};
use crate::folder::entries;
use crate::model::link::Link;
use crate::model::name::printable;
use crate::model::rtnames::NameSet;
use crate::model::template::filled;
use crate::netns::{NsId, c_path};
use crate::sys::{bpf, mount};
use crate::wire::attr::attrs;

/// Where control groups are mounted, if they are nowhere.
const OWN_MOUNT: &str = "/var/run/cgroup2";
/// `IFLA_VRF_TABLE` (`linux/if_link.h`).
const IFLA_VRF_TABLE: u16 = 1;

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return list(context) };
    match keyword(verb, "identify~i pids~p exec~e show~s lst~s list~s help~h").1 {
        b'i' => identify(context, words),
        b'p' => pids(context, words),
        b'e' => run_command(context, words),
        b's' => match (words.next(), words.is_empty()) {
            (None, _) => list(context),
            (Some(name), true) => show(context, name),
            _ => Err(usage::fail(usage::VRF)),
        },
        b'h' => Err(usage::fail(usage::VRF)),
        _ => Err(Fail::unknown_verb(verb, "vrf")),
    }
}

/// The table of a VRF; none for other links.
pub fn table(link: &Link) -> Option<u32> {
    let table =
        (link.kind.as_deref() == Some(b"vrf")).then(|| attrs(&link.kind_data).find(IFLA_VRF_TABLE)?.u32())??;
    (table != 0).then_some(table)
}

fn list(context: &mut Context<'_>) -> Outcome {
    let links = context.all_links()?.to_vec();
    let mut out = context.listing();
    out.text("Name              Table\n-----------------------\n");
    let mut none = true;
    for (link, table) in links.iter().filter_map(|link| Some((link, table(link)?))) {
        let pad = " ".repeat(16usize.saturating_sub(printable(&link.name).len()));
        let digits = [" ", &" ".repeat(5usize.saturating_sub(table.to_string().len()))].concat();
        out.record(|out| {
            out.name("name", "", &link.name, &pad);
            out.num("table", &digits, table, "\n");
        });
        none = false;
    }
    if none {
        out.text("No VRF has been configured\n");
    }
    context.print(out);
    Ok(0)
}

fn show(context: &mut Context<'_>, name: &[u8]) -> Outcome {
    let table = match context.find_link(name)? {
        Some(link) => table(&link),
        None if name == b"default" => context.names.number(NameSet::Tables, "main"),
        None => None,
    };
    let table = table.ok_or_else(|| Fail::usage("Invalid VRF"))?;
    let mut out = context.listing();
    out.record(|out| {
        out.name("name", "", name, " ");
        out.num("table", "", table, "\n");
    });
    context.print(out);
    Ok(0)
}

/// Path of a process in the hierarchy of control groups of version 2.
fn group(process: &str) -> std::io::Result<Option<Vec<u8>>> {
    let text = std::fs::read(filled("/proc/%/cgroup", &[process]))?;
    Ok(text.split(|&b| b == b'\n').find_map(|line| line.strip_prefix(b"0::")).map(<[u8]>::to_vec))
}

/// Where a word begins in bytes.
fn position(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

/// Name of the VRF that a process is in.
fn vrf_of(process: &str) -> std::io::Result<Option<Vec<u8>>> {
    Ok(group(process)?.and_then(|path| Some(path.get(position(&path, b"/vrf/")? + 5..)?.to_vec())))
}

fn identify(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let process = match (words.next(), words.next()) {
        (_, Some(more)) => return Err(Fail::wrong("Extra arguments specified\n", more)),
        (None, _) => "self",
        (Some(word), _) if text(word).parse::<u32>().is_err() => return Err(Fail::wrong("Invalid pid\n", word)),
        (Some(word), _) => text(word),
    };
    let found = vrf_of(process).map_err(|e| Fail::own_io("Failed to lookup vrf association", &e))?;
    if let Some(name) = found.filter(|name| !name.is_empty()) {
        context.io.print(printable(&name) + "\n");
    }
    Ok(0)
}

/// Index of a VRF.
fn index(context: &mut Context<'_>, name: &[u8], code: u8) -> Result<u32, Fail> {
    let link = context.find_link(name)?.filter(|link| link.kind.as_deref() == Some(b"vrf"));
    let fail = || Fail::own("Invalid VRF name").coded(code).hint("list those that there are with: ip vrf");
    link.map(|link| link.index).ok_or_else(fail)
}

/// Folder that the network namespace has among the control groups; empty without a name.
fn namespace_folder() -> Result<Vec<u8>, Fail> {
    let id = NsId::of(Path::new("/proc/self/ns/net"));
    let id = id.map_err(|e| failed("Failed to get name of network namespace", &e))?;
    Ok(names_of(id).pop().map(|name| [&name, &b"-ns"[..]].concat()).unwrap_or_default())
}

fn failed(text: &str, error: &std::io::Error) -> Fail {
    Fail::own_io(text, error).coded(255)
}

fn pids(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let (Some(name), true) = (words.next(), words.is_empty()) else { return Err(Fail::own("Invalid arguments")) };
    index(context, name, 1)?;
    let mount = mounted(context)?;
    let folder = namespace_folder()?;
    walk(context, &mount, name, &folder);
    Ok(0)
}

/// Looks for the groups of a VRF below a folder, in those of one network namespace.
fn walk(context: &mut Context<'_>, base: &Path, name: &[u8], folder: &[u8]) {
    for entry in entries(base) {
        let path = entry.path();
        if entry.file_name() != "vrf" {
            // Not through symbolic links.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                walk(context, &path, name, folder);
            }
            continue;
        }
        if !folder.is_empty() && base.file_name().map(OsStrExt::as_bytes) != Some(folder) {
            continue;
        }
        let list = path.join(OsStr::from_bytes(name)).join("cgroup.procs");
        for pid in std::fs::read_to_string(list).unwrap_or_default().lines() {
            let command = std::fs::read(filled("/proc/%/comm", &[pid])).unwrap_or(b"<terminated?>".to_vec());
            let pad = " ".repeat(5usize.saturating_sub(pid.len()));
            context.io.print_of(&[&pad, pid, "  ", &printable(command.trim_ascii_end()), "\n"]);
        }
    }
}

/// Where control groups of version 2 are mounted; mounts them, if they are not.
fn mounted(context: &mut Context<'_>) -> Result<PathBuf, Fail> {
    let text = std::fs::read("/proc/mounts").map_err(|e| failed("Failed to open mounts file", &e))?;
    let found = text.split(|&b| b == b'\n').find_map(|line| {
        let mut words = line.split(|&b| b == b' ');
        let (path, kind) = (words.nth(1)?, words.next()?);
        (kind == b"cgroup2").then(|| PathBuf::from(OsStr::from_bytes(path)))
    });
    if let Some(path) = found {
        return Ok(path);
    }
    let path = PathBuf::from(OWN_MOUNT);
    make(context, &path, "Failed to setup cgroup2 directory")?;
    let done = c_path(&path).and_then(|path| mount::mount(c"none", &path, c"cgroup2", 0, c""));
    match done {
        Err(e) if e.raw_os_error() == Some(libc::ENODEV) => {
            Err(Fail::usage("Failed to mount cgroup2. Are CGROUPS enabled in your kernel?"))
        }
        Err(e) if e.raw_os_error() != Some(libc::EBUSY) => Err(failed("Failed to mount cgroup2", &e)),
        _ => Ok(path),
    }
}

/// Makes a folder and those above it; `complaint` follows the name of one that cannot be made.
fn make(context: &mut Context<'_>, path: &Path, complaint: &str) -> Result<(), Fail> {
    let mut above: Vec<&Path> = path.ancestors().collect();
    // The root is there.
    above.pop();
    for folder in above.into_iter().rev() {
        match std::fs::DirBuilder::new().mode(0o755).create(folder) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => {
                let folder = printable(folder.as_os_str().as_bytes());
                context.io.error_of(&["mkdir failed for ", &folder, ": ", &io_text(&e)]);
                return Err(Fail::usage(complaint));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Moves this process into a VRF, or with `default` out of all.
fn switch(context: &mut Context<'_>, name: &[u8]) -> Result<(), Fail> {
    let (index, name) = match name {
        b"default" => (0, &b""[..]),
        name => (index(context, name, 255)?, name),
    };
    let mut path = mounted(context)?.into_os_string().into_encoded_bytes();
    let folder = namespace_folder()?;
    let own = group("self").map_err(|e| failed("Failed to get base cgroup path", &e))?.unwrap_or_default();
    let base = position(&own, b"/vrf").and_then(|end| own.get(..end)).unwrap_or(&own);
    // Without a slash at the end, and without the namespace's folder, which comes anew.
    let base = base.strip_suffix(b"/").unwrap_or(base);
    let base = match base.strip_suffix(&folder[..]) {
        Some(base) if base.ends_with(b"/") && !folder.is_empty() => base,
        _ => base,
    };
    for part in [base, b"/", &folder, b"/vrf/", name] {
        path.extend(part);
    }
    let path = PathBuf::from(OsString::from_vec(path));
    make(context, &path, "Failed to setup vrf cgroup2 directory")?;
    if index != 0 {
        bind(context, &path, index)?;
    }
    let list = OpenOptions::new().read(true).append(true).open(path.join("cgroup.procs"));
    let mut list = list.map_err(|e| Fail::usage_of("Failed to open cgroups.procs file: %.", &[&io_text(&e)]))?;
    list.write_all(std::process::id().to_string().as_bytes()).map_err(|_| Fail::usage("Failed to join cgroup"))
}

/// Lets a control group bind the sockets of its processes to an interface.
fn bind(context: &mut Context<'_>, path: &Path, index: u32) -> Result<(), Fail> {
    let quoted = |text: &str, e: &std::io::Error| Fail::usage_of("%: '%'", &[text, &io_text(e)]);
    let group = File::open(path).map_err(|e| quoted("Failed to open cgroup path", &e))?;
    let program = bpf::load_binder(index).map_err(|e| {
        let fail = quoted("Failed to load BPF prog", &e);
        if e.raw_os_error() == Some(libc::EPERM) {
            return fail;
        }
        fail.print(context.io);
        Fail::usage("Kernel compiled with CGROUP_BPF enabled?")
    })?;
    let attached = bpf::attach(program.as_fd(), group.as_fd());
    attached.map_err(|e| quoted("Failed to attach prog to cgroup", &e))
}

fn run_command(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let name = words.next().ok_or_else(|| Fail::own("No VRF name specified"))?;
    if words.is_empty() {
        return Err(Fail::own("No command specified"));
    }
    if context.batch {
        return in_child(context, &|context| run_in(context, name, words.rest()));
    }
    run_in(context, name, words.rest())
}

fn run_in(context: &mut Context<'_>, name: &[u8], command: &[OsString]) -> Outcome {
    switch(context, name)?;
    // A command in a namespace has its view of the system; the groups had to be seen before.
    if let Some(ns) = context.ns.clone() {
        own_view(context, ns.as_bytes())?;
    }
    replace_by(context, command)
}

/// Leaves the VRF that this process may be in, for a command in another network namespace.
pub fn reset(context: &mut Context<'_>) {
    if vrf_of("self").ok().flatten().is_some_and(|name| !name.is_empty())
        && let Err(fail) = switch(context, b"default")
    {
        fail.print(context.io);
    }
}
