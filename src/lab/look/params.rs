//! What is told only in the namespace itself: parameters under `/proc/sys`, and rule sets.

use crate::error::{Error, Result};
use crate::lab::claims::FORWARD;
use crate::lab::record::again;
use crate::model::lab::Lab;
use crate::model::topology::{LinkKind, Place, Sysctl, long_ones};
use crate::model::translation::Translation;
use crate::model::world::Seen;
use crate::socket::Socket;
use crate::sysctl::Key;
use crate::translations::Translations;
use crate::wire::nft::table::ListTables;

/// Those of a link that the host has without a master.
const IMPLIED: &[&str] =
    &["net.ipv4.conf.accept_redirects", "net.ipv6.conf.accept_redirects", "net.ipv6.conf.accept_ra"];

/// Full names of the parameters that a place names, those that are implied too.
pub fn names(place: &Place) -> Vec<String> {
    let mut names: Vec<String> = place.sysctls.iter().map(|said| said.what.name.clone()).collect();
    for (on, name) in [place.forward.v4, place.forward.v6].iter().zip(FORWARD) {
        if *on {
            names.push(name.to_owned());
        }
    }
    for link in &place.links {
        let name = String::from_utf8_lossy(link.name.as_bytes());
        // What the host is kept from by links that are made.
        let is_implied = place.name.is_none() && link.master.is_none() && link.kind != LinkKind::Device;
        let start = names.len();
        let said = link.sysctls.iter().map(|said| said.what.name.as_str());
        for own in said.chain(if is_implied { IMPLIED } else { &[] }.iter().copied()) {
            let own = Sysctl { name: own.to_owned(), value: String::new() }.of_link(&name);
            if !names[start..].contains(&own) {
                names.push(own);
            }
        }
    }
    names
}

/// Adds those that a place of the lab has, which go with its links and with the namespace.
pub fn add_own(place: &Place, names: &mut Vec<String>) {
    let mut add = |name: String| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    if place.name.is_some() {
        self::names(place).into_iter().for_each(&mut add);
    }
    for link in place.links.iter().filter(|link| link.kind != LinkKind::Device) {
        link.sysctls.iter().for_each(|said| add(said.what.of_link(&link.name.to_string())));
    }
}

/// Reads their values in the calling thread's namespace, words with one blank between them; those that nobody may
/// read are left out.
///
/// # Errors
/// There is no room to read one.
pub fn read(names: &[String], seen: &mut Seen) -> Result<()> {
    for name in names {
        let key = Key::parse(name);
        if !key.is_inside() {
            continue;
        }
        match again(|| key.read()) {
            Ok(value) => {
                let value = String::from_utf8_lossy(&value);
                let words: Vec<&str> = value.split_ascii_whitespace().collect();
                seen.sysctls.push(Sysctl { name: name.clone(), value: words.join(" ") });
            }
            Err(error) => match error.raw_os_error() {
                // A folder is none.
                Some(libc::ENOENT | libc::ENOTDIR | libc::EISDIR) => seen.lacking.push(name.clone()),
                // What was never set: `stable_secret`.
                Some(libc::EIO) if name.ends_with(".stable_secret") => {}
                Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EIO | libc::EINTR | libc::EAGAIN) => {
                    return Err(Error::sys(key.path(), &error));
                }
                _ => {}
            },
        }
    }
    Ok(())
}

/// Reads the translations of a lab in the calling thread's namespace, for which it asks a place. A kernel without
/// nf_tables has none.
pub fn translations(seen: &mut Seen, place: Option<&Place>, lab: &Lab) -> Result<()> {
    let known = place.map(|place| long_ones(place, &seen.state.addrs)).unwrap_or_default();
    found(seen, lab, &known).or_else(|error| if is_unknown(&error) { Ok(()) } else { Err(error) })
}

/// Reads the translations of all labs in the calling thread's namespace, and whether there is anything else.
pub fn all_translations(seen: &mut Seen) -> Result<()> {
    let tables = match Socket::open().and_then(|mut socket| socket.dump(&ListTables)) {
        Err(error) if is_unknown(&error) => return Ok(()),
        other => other.map_err(|error| error.doing(|| READS.to_owned()))?,
    };
    let mut labs: Vec<&str> = Vec::new();
    let mut foreign = false;
    for (_, name) in &tables {
        match std::str::from_utf8(name).ok().and_then(|name| name.strip_prefix("netstrap-")) {
            Some(name) if labs.contains(&name) => {}
            Some(name) => labs.push(name),
            None => foreign = true,
        }
    }
    let mut all = Vec::new();
    for name in labs {
        found(seen, &Lab::new(name), &[])?;
        all.append(&mut seen.translations);
        foreign |= seen.foreign_rules;
    }
    (seen.translations, seen.foreign_rules) = (all, foreign);
    Ok(())
}

/// What is done, for errors.
const READS: &str = "read the rule set";

#[inline(never)]
fn found(seen: &mut Seen, lab: &Lab, known: &[Translation]) -> Result<()> {
    match Translations::of_lab(Socket::open()?, lab).found(known) {
        Ok((translations, right)) => (seen.translations, seen.foreign_rules) = (translations, !right),
        Err(fault) => return Err(fault.failure.error.doing(|| READS.to_owned())),
    }
    Ok(())
}

/// Whether the kernel has no nf_tables.
fn is_unknown(error: &Error) -> bool {
    matches!(error.errno(), Some(libc::EINVAL | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT))
}
