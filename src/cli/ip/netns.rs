//! `ip netns`: names of namespaces, and commands inside them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::context::Context;
use super::fail::{Fail, Outcome, io_text};
use super::usage;
use super::words::{integer, prefixes, value};
use crate::cli::applets;
use crate::cli::cursor::{Cursor, shown, text};
use crate::model::link::NetnsRef;
use crate::model::name::{NsName, printable};
use crate::model::op::Op;
use crate::model::template::filled;
use crate::netns::{Folder, Namespace, NsId, Source, processes};
use crate::show::out::Out;
use crate::wire::nsid::{ListNsids, Nsid, read};
use crate::wire::reply::Frame;
use crate::{exec, sys};

/// Runs a verb.
pub fn run(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let Some(verb) = words.next() else { return list(context) };
    const VERBS: &[(&str, Verb)] = &[
        ("list", Verb::List),
        ("show", Verb::List),
        ("lst", Verb::List),
        ("list-id", Verb::ListIds),
        ("help", Verb::Help),
        ("add", Verb::Add),
        ("set", Verb::Set),
        ("delete", Verb::Delete),
        ("identify", Verb::Identify),
        ("pids", Verb::Pids),
        ("exec", Verb::Exec),
        ("monitor", Verb::Monitor),
        ("attach", Verb::Attach),
    ];
    // iproute2 looks at the word behind any verb first; a path is taken in addition.
    if let Some(word) = words.peek().filter(|_| !context.options.all)
        && !word.starts_with(b"/")
    {
        name(&mut words.clone())?;
    }
    match VERBS.iter().find(|(name, _)| prefixes(verb, name)).map(|(_, verb)| verb) {
        Some(Verb::List) => list(context),
        Some(Verb::Add) => add(words),
        Some(Verb::Attach) => attach(words),
        Some(Verb::Delete) => delete(context, words),
        Some(Verb::Identify) => identify(context, words),
        Some(Verb::Pids) => pids(context, words),
        Some(Verb::Exec) => run_command(context, words),
        Some(Verb::Help) => Err(usage::fail(usage::NETNS)),
        Some(Verb::ListIds) => list_ids(context, words),
        Some(Verb::Set) => set(context, words),
        Some(Verb::Monitor) => monitor(context),
        None => Err(Fail::unknown_verb(verb, "netns")),
    }
}

#[derive(Clone, Copy)]
enum Verb {
    List,
    Add,
    Attach,
    Delete,
    Identify,
    Pids,
    Exec,
    Help,
    ListIds,
    Set,
    Monitor,
}

/// Opens a namespace by name, or by absolute path.
pub fn open(name: &[u8]) -> Result<Namespace, Fail> {
    Namespace::open(&Folder::standard(), name).map_err(|e| {
        let fail = Fail::usage_word("Cannot open network namespace ", name, &[": ", &io_text(&e)].concat());
        if e.kind() == std::io::ErrorKind::NotFound {
            return fail
                .hint(filled("no namespace is called %; make it with: ip netns add %", &[&shown(name), &shown(name)]));
        }
        fail
    })
}

/// Enters a namespace opened by [`open`].
pub fn enter_named(namespace: &Namespace, name: &[u8]) -> Result<(), Fail> {
    namespace.enter().map_err(|e| {
        let fail = Fail::usage_word("setting the network namespace ", name, &[" failed: ", &io_text(&e)].concat());
        match e.raw_os_error() {
            Some(libc::EINVAL) => {
                fail.hint("its file stands for no namespace any more (made inside another mount namespace, or before a restart); remove it with: ip netns del")
            }
            Some(libc::EPERM) => fail.hint("run it as root, or in a sandbox: netstrap sandbox"),
            _ => fail,
        }
    })
}

fn list(context: &mut Context<'_>) -> Outcome {
    let folder = Folder::standard();
    if !folder.path().exists() {
        return Ok(0);
    }
    let names = folder.names().map_err(|e| Fail::own_io("Failed to open directory /run/netns", &e))?;
    let mut out = context.listing();
    for name in names {
        let id = context.nsid_of(&name);
        out.record(|o| {
            o.name("name", "", &name, "");
            if let Some(id) = id {
                o.num("id", " (id: ", id, ")");
            }
        });
        out.text("\n");
    }
    context.print(out);
    Ok(0)
}

/// `list-id [target-nsid N] [nsid N]`: the ids that this namespace, or the one with id N, has for others.
fn list_ids(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let mut query = ListNsids::default();
    while let Some(word) = words.next() {
        let (name, place) = match word {
            b"target-nsid" => ("target-nsid", &mut query.target),
            b"nsid" => ("nsid", &mut query.id),
            _ => return Err(usage::fail(usage::NETNS)),
        };
        if place.is_some() {
            return Err(Fail::duplicate(name, word));
        }
        *place = Some(nsid(value(&mut words)?, filled("\"%\" value is invalid", &[name]), name)?);
    }
    let ids = if query.id.is_some() {
        let answer = context.socket()?.get(&query);
        answer.map_err(|error| context.refused(error))?.into_iter().collect()
    } else {
        match context.socket()?.dump(&query) {
            Ok(ids) => ids,
            Err(error) => return Err(context.ended(error, 1)),
        }
    };
    let mut out = context.listing();
    for id in ids {
        print_id(context, &mut out, id);
    }
    context.print(out);
    Ok(0)
}

/// Prints an id and what it stands for.
fn print_id(context: &mut Context<'_>, out: &mut Out, (id, current): Nsid) {
    let name = context.nsid_name(current.unwrap_or(id));
    out.record(|out| {
        for (key, id) in [("nsid", Some(id)), ("current-nsid", current)] {
            match id {
                Some(id) if id >= 0 => out.num(key, &[key, " "].concat(), id, " "),
                Some(_) => out.pieces(&[key, " unassigned "]),
                None => {}
            }
        }
        if let Some(name) = name {
            out.name("name", "(iproute2 netns name: ", &name, ")");
        }
    });
    out.text("\n");
}

/// Prints a notification.
pub fn event(context: &mut Context<'_>, frame: &Frame<'_>) -> Result<(), Fail> {
    let Some(id) = read(frame) else { return Ok(()) };
    let mut out = context.listing();
    print_id(context, &mut out, id);
    context.print(out);
    Ok(())
}

/// A namespace's id: not negative.
fn nsid(word: &[u8], invalid: String, name: &str) -> Result<u32, Fail> {
    match integer(word) {
        None => Err(Fail::wrong(&invalid, word)),
        Some(id) => {
            let reason = ["\"", name, "\" value should be >= 0"];
            u32::try_from(id).map_err(|_| Fail::wrong(&reason.concat(), word))
        }
    }
}

/// `set NAME ID|auto`: the id that this namespace is to have for a named one.
fn set(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let name = words.next().ok_or_else(|| Fail::own("No netns name specified"))?;
    let word = words.next().ok_or_else(|| Fail::own("No nsid specified"))?;
    let id = match word {
        b"auto" => -1,
        _ => nsid(word, "Invalid \"netnsid\" value".to_owned(), "netnsid")?.cast_signed(),
    };
    self::name(&mut Cursor::new(&[OsStr::from_bytes(name).to_owned()]))?;
    // Exit code 1, where the other verbs have that of a wrong word.
    let namespace = open(name).map_err(|fail| fail.coded(1))?;
    context.change(&Op::SetNsid(NetnsRef::Fd(namespace.fd()), id))?;
    Ok(0)
}

/// `monitor`: names as they come and go, until it is ended from outside.
fn monitor(context: &mut Context<'_>) -> Outcome {
    let failed = |error: &std::io::Error| Fail::own_io("Cannot watch /run/netns", error);
    let mut watch = Folder::standard().watch().map_err(|e| failed(&e))?;
    loop {
        for event in watch.wait().map_err(|e| failed(&e))? {
            let act = if event.created { "add " } else { "delete " };
            context.io.print_of(&[act, &printable(&event.name), "\n"]);
        }
        context.io.flush();
    }
}

/// The name that a verb needs.
fn name(words: &mut Cursor<'_>) -> Result<NsName, Fail> {
    let word = words.next().ok_or_else(|| Fail::own("No netns name specified"))?;
    NsName::new(word).ok_or_else(|| {
        let fail = Fail::usage_word("Invalid netns name ", word, "");
        fail.hint("a namespace's name is a file's: 1 to 255 bytes, no \"/\", neither \".\" nor \"..\"")
    })
}

fn add(mut words: Cursor<'_>) -> Outcome {
    let name = name(&mut words)?;
    make(&name, Source::New)
}

fn attach(words: Cursor<'_>) -> Outcome {
    let [name, word, ..] = words.rest() else { return Err(Fail::own("No netns name and PID specified")) };
    let (name, word) = (self::name(&mut Cursor::new(std::slice::from_ref(name)))?, word.as_bytes());
    let pid = text(word).parse().ok().filter(|pid: &u32| *pid != 0);
    let pid = pid.ok_or_else(|| Fail::own_of("Invalid PID: %", &[&shown(word)]))?;
    make(&name, Source::Process(pid))
}

fn make(name: &NsName, source: Source) -> Outcome {
    match Folder::standard().add(name, source) {
        Ok(()) => Ok(0),
        Err(error) => {
            let fail = Fail::own(error.to_string());
            Err(match error.errno().and_then(advice) {
                Some(hint) => fail.hint(hint),
                None => fail,
            })
        }
    }
}

/// What would help where a name cannot be made or taken away.
fn advice(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EEXIST => "a namespace of that name exists; list them with: ip netns",
        libc::EROFS => "mount a writable filesystem there first: mount -t tmpfs tmpfs /run",
        libc::EPERM | libc::EACCES => "run it as root, or in a sandbox: netstrap sandbox",
        libc::ENOENT => "namespaces are bound from /proc: mount -t proc proc /proc",
        _ => return None,
    })
}

fn delete(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let folder = Folder::standard();
    if context.options.all {
        for name in folder.names().unwrap_or_default() {
            if let Err(fail) = remove(&folder, &name) {
                fail.print(context.io);
            }
        }
        return Ok(0);
    }
    remove(&folder, name(&mut words)?.as_bytes())?;
    Ok(0)
}

fn remove(folder: &Folder, name: &[u8]) -> Result<(), Fail> {
    let path = folder.file(name);
    folder.delete(name).map_err(|e| {
        let fail = Fail::own_word(
            "Cannot remove namespace file ",
            path.as_os_str().as_bytes(),
            &[": ", &io_text(&e)].concat(),
        );
        match e.raw_os_error() {
            Some(libc::ENOENT) => fail.hint("no namespace is called so; list them with: ip netns"),
            Some(errno) => fail.hint(advice(errno).unwrap_or("list them with: ip netns")),
            None => fail,
        }
    })
}

fn identify(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let process = words.next();
    no_more(&words)?;
    let named = process.is_some();
    let process = process.unwrap_or(b"self");
    if named && text(process).parse::<u32>().is_err() {
        return Err(Fail::own_of("Specified string '%' is not a pid", &[&shown(process)]));
    }
    let file = filled("/proc/%/ns/net", &[text(process)]);
    let id = NsId::of(Path::new(&file)).map_err(|e| Fail::own_io("Cannot open network namespace", &e))?;
    let names = names_of(id);
    for name in &names {
        context.io.print(printable(name) + "\n");
    }
    if names.is_empty() {
        context.io.print("\n");
    }
    Ok(0)
}

/// The names of a namespace.
pub fn names_of(id: NsId) -> Vec<Vec<u8>> {
    let folder = Folder::standard();
    let names = folder.names().unwrap_or_default();
    names.into_iter().filter(|name| NsId::of(&folder.file(name)).ok() == Some(id)).collect()
}

fn pids(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    let name = name(&mut words)?;
    no_more(&words)?;
    let namespace = Namespace::open(&Folder::standard(), name.as_bytes())
        .map_err(|e| Fail::own_io("Cannot open network namespace", &e))?;
    let found = namespace.id().and_then(processes);
    for pid in found.map_err(|e| Fail::own_io("Open of /proc failed", &e))? {
        context.io.print(pid.to_string() + "\n");
    }
    Ok(0)
}

fn no_more(words: &Cursor<'_>) -> Result<(), Fail> {
    if words.is_empty() { Ok(()) } else { Err(Fail::own("extra arguments specified")) }
}

fn run_command(context: &mut Context<'_>, mut words: Cursor<'_>) -> Outcome {
    if context.options.all {
        return run_everywhere(context, words);
    }
    let name = words.next().ok_or_else(|| Fail::own("No netns name specified"))?;
    if words.is_empty() {
        return Err(Fail::own("No command specified"));
    }
    if !context.batch {
        return run_in(context, name, words.rest());
    }
    in_child(context, &|context| run_in(context, name, words.rest()))
}

/// Runs a command in a child, for a process that goes on after it.
pub fn in_child(context: &mut Context<'_>, work: &dyn Fn(&mut Context<'_>) -> Outcome) -> Outcome {
    context.io.flush();
    let child = sys::process::in_child(|| match work(context) {
        Ok(code) => finish(context, code),
        Err(fail) => fail.print(context.io),
    });
    child.map_err(|e| Fail::own_io("fork failed", &e))
}

/// One child per namespace; its exit code is not passed on, as iproute2 has it.
fn run_everywhere(context: &mut Context<'_>, words: Cursor<'_>) -> Outcome {
    if words.is_empty() {
        return Err(Fail::own("No command specified"));
    }
    for name in Folder::standard().names().unwrap_or_default() {
        context.io.print_of(&["\nnetns: ", &printable(&name), "\n"]);
        context.io.flush();
        in_child(context, &|context| run_in(context, &name, words.rest()))?;
    }
    Ok(0)
}

fn finish(context: &mut Context<'_>, code: u8) -> u8 {
    context.io.flush();
    code
}

/// Enters the namespace and becomes the command.
fn run_in(context: &mut Context<'_>, name: &[u8], command: &[OsString]) -> Outcome {
    super::vrf::reset(context);
    let namespace = open(name)?;
    enter_named(&namespace, name)?;
    drop(namespace);
    own_view(context, name)?;
    replace_by(context, command)
}

/// Gives the process the view of `/sys` and `/etc` that belongs to the namespace of a name, which it is in.
pub fn own_view(context: &mut Context<'_>, name: &[u8]) -> Result<(), Fail> {
    for complaint in exec::private_view(name).map_err(|e| Fail::usage(e.to_string()))? {
        context.io.error(complaint);
    }
    Ok(())
}

/// Becomes a command, or the applet of its name where `PATH` has none.
pub fn replace_by(context: &mut Context<'_>, command: &[OsString]) -> Outcome {
    context.io.flush();
    let error = exec::command(command);
    if let Some(code) = applets::instead(command, &error, context.io) {
        return Ok(code);
    }
    let program = command.first().map(|word| word.as_bytes()).unwrap_or_default();
    let fail = Fail::own_word("exec of ", program, &[" failed: ", &io_text(&error)].concat());
    Err(fail.hint("it is neither on PATH nor an applet; the applets: netstrap --help"))
}
