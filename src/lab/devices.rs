//! Devices that a file finds by what they are: waited for, and called by the names that they have.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::sockets::Sockets;
use super::{look, settle};
use crate::error::Result;
use crate::model::name::IfName;
use crate::model::topology::{LinkKind, LinkSpec, Topology};
use crate::model::world::Seen;
use crate::socket::Socket;
use crate::sys::signal::Signals;
use crate::wire::build::Route;
use crate::wire::link::GetLink;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until the devices that a topology waits for are there, as long as it says. False: a signal came.
///
/// # Errors
/// The kernel could not be asked.
pub fn wait(topology: &Topology, signals: &Signals) -> Result<bool> {
    let begin = Instant::now();
    loop {
        let is_due = |link: &LinkSpec| settle::time(link, "wait").is_some_and(|time| begin.elapsed() < time);
        if missing(topology, &is_due)?.is_none() {
            return Ok(true);
        }
        if signals.take().is_some() {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}

/// A device that is waited for and not there.
fn missing<'t>(topology: &'t Topology, is_due: &dyn Fn(&LinkSpec) -> bool) -> Result<Option<&'t LinkSpec>> {
    for place in &topology.places {
        let mut due = place.links.iter().filter(|link| link.kind == LinkKind::Device && is_due(link)).peekable();
        if due.peek().is_none() {
            continue;
        }
        // It may have been moved to where it is wanted already.
        let mut sockets = Sockets::open(place.name.as_slice())?;
        let mut all: Vec<Seen> = Vec::new();
        for number in 0..sockets.count() {
            if let Ok(socket) = sockets.route(number) {
                all.push(links(socket)?);
            }
        }
        if let Some(link) = due.find(|link| all.iter().all(|seen| seen.device(link).is_none())) {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

/// The links of a place, with their drivers.
///
/// # Errors
/// The kernel could not be asked.
pub fn links(socket: &mut Socket<Route>) -> Result<Seen> {
    let mut seen = Seen::default();
    seen.state.links = socket.dump(&GetLink::All)?;
    look::drivers(socket, &mut seen);
    Ok(seen)
}

/// A topology in which devices that are found by their hardware address or their driver have the names that the kernel
/// has for them, in all that is said of them. One that is not there, or whose name another link has, keeps its own.
///
/// # Errors
/// The kernel could not be asked.
pub fn named(topology: &Topology) -> Result<Cow<'_, Topology>> {
    let mut named = Cow::Borrowed(topology);
    for (number, place) in topology.places.iter().enumerate() {
        let is_found = |link: &&LinkSpec| {
            link.kind == LinkKind::Device && ["mac", "driver"].iter().any(|key| link.get(key).is_some())
        };
        for device in place.links.iter().filter(is_found) {
            let mut sockets = Sockets::open(place.name.as_slice())?;
            // It is where it is wanted, or still on the host.
            for number_of in (0..sockets.count()).rev() {
                let Ok(seen) = sockets.route(number_of).and_then(links) else { continue };
                let Some(found) = seen.device(device) else { continue };
                let name = IfName::new(&seen.state.links[found].name);
                let is_free = |name: &IfName| place.links.iter().all(|other| other.name != *name);
                if let Some(name) = name.filter(is_free) {
                    named.to_mut().rename(number, device.name, name);
                }
                break;
            }
        }
    }
    Ok(named)
}
