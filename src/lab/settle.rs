//! Waiting: for devices before a run, for carriers and for the end of duplicate address detection behind it.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::look;
use super::site::Site;
use super::sockets::Sockets;
use crate::error::{Error, Result};
use crate::model::addr::AddrFlags;
use crate::model::link::{Link, LinkFlags};
use crate::model::topology::{LinkKind, LinkSpec, Place, SettingValue, Topology};
use crate::model::world::{Seen, World};
use crate::sys::signal::Signals;
use crate::wire::link::GetLink;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// The first one, where little is left to wait for.
const SHORT: Duration = Duration::from_micros(100);
/// How long the kernel's worker may take to bring an address into use: then it is taken for used.
const WORKER: Duration = Duration::from_secs(5);
/// How long addresses may take until they can be used: duplicate address detection takes up to 2 s by default, and a
/// second more for each further `dad_transmits`.
const DETECTION: Duration = Duration::from_secs(30);

/// Waits until the devices that a topology waits for are there, as long as it says. False: a signal came.
///
/// # Errors
/// The kernel could not be asked.
pub fn devices(topology: &Topology, signals: &Signals) -> Result<bool> {
    let begin = Instant::now();
    loop {
        let is_due = |link: &LinkSpec| time(link, "wait").is_some_and(|time| begin.elapsed() < time);
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
        let mut links: Vec<Link> = Vec::new();
        for number in 0..sockets.count() {
            if let Ok(socket) = sockets.route(number) {
                links.extend(socket.dump(&GetLink::All)?);
            }
        }
        if let Some(link) = due.find(|link| !links.iter().any(|found| is_it(link, found))) {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

/// Whether a link is the one that a device means: by its hardware address, its driver, or its name.
fn is_it(device: &LinkSpec, link: &Link) -> bool {
    let by_mac = match device.get("mac") {
        Some(SettingValue::Mac(mac)) => Some(link.address.as_deref() == Some(mac)),
        _ => None,
    };
    let by_driver = match device.get("driver") {
        Some(SettingValue::Text(driver)) => Some(has_driver(&link.name, driver)),
        _ => None,
    };
    match (by_mac, by_driver) {
        (None, None) => link.is_called(device.name.as_bytes()),
        (mac, driver) => mac.unwrap_or(true) && driver.unwrap_or(true),
    }
}

/// Whether a device of this namespace has a driver.
fn has_driver(name: &[u8], driver: &str) -> bool {
    let path = ["/sys/class/net/", &String::from_utf8_lossy(name), "/device/driver"].concat();
    std::fs::read_link(Path::new(&path)).is_ok_and(|target| target.ends_with(driver))
}

fn time(link: &LinkSpec, key: &str) -> Option<Duration> {
    link.number(key).map(Duration::from_millis)
}

/// Waits for the carriers that a topology waits for, as long as it says: without one, it goes on.
pub fn carriers(site: &mut Site<'_>, topology: &Topology) {
    let begin = Instant::now();
    for (number, place) in topology.places.iter().enumerate() {
        for link in place.links.iter().filter(|link| link.kind == LinkKind::Device) {
            let Some(time) = time(link, "carrier") else { continue };
            while begin.elapsed() < time && !has_carrier(site, number, place, link) && !site.is_stopped() {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn has_carrier(site: &mut Site<'_>, number: usize, _: &Place, device: &LinkSpec) -> bool {
    let Ok(links) = site.sockets.route(number).and_then(|socket| socket.dump(&GetLink::All)) else { return true };
    let found = links.iter().find(|link| is_it(device, link));
    found.is_none_or(|link| !link.is_up() || link.flags.contains(LinkFlags::LOWER_UP))
}

/// Waits until the addresses that a topology asks for can be used.
///
/// # Errors
/// One is somebody else's already, or it takes too long.
pub fn addresses(site: &mut Site<'_>, topology: &Topology, world: &World) -> Result<()> {
    let begin = Instant::now();
    for (number, (place, seen)) in topology.places.iter().zip(&world.places).enumerate() {
        let is_asked = |ip: IpAddr| {
            let mut said = place.links.iter().flat_map(|link| &link.addresses);
            said.any(|said| said.what.own() == Some(ip))
        };
        let mut newer: Seen;
        let (mut seen, mut pause) = (seen, SHORT);
        while !site.is_stopped() {
            let is_late = begin.elapsed() > DETECTION;
            let mut waits = begin.elapsed() < WORKER && seen.unready.iter().any(|ip| is_asked(IpAddr::V6(*ip)));
            for (link, addr) in seen.state.addrs.iter().filter(|(_, addr)| addr.flags.contains(AddrFlags::TENTATIVE)) {
                let Some(ip) = addr.own().filter(|ip| is_asked(*ip)) else { continue };
                let why = match addr.flags.contains(AddrFlags::DADFAILED) {
                    true => "another host has this address",
                    false if is_late => "duplicate address detection does not end",
                    // Without a carrier it does not begin.
                    false => {
                        let link = seen.state.link(*link);
                        waits |= link.is_some_and(|link| link.flags.contains(LinkFlags::LOWER_UP));
                        continue;
                    }
                };
                let name = place.name.as_ref().map(ToString::to_string);
                return Err(Error::usage([&ip.to_string(), ": ", why].concat()).in_ns(name.as_deref()));
            }
            if !waits {
                break;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE);
            newer = Seen::default();
            look::lists(site.sockets.route(number)?, u32::try_from(number).unwrap_or(u32::MAX), &mut newer, false)?;
            seen = &newer;
        }
    }
    Ok(())
}
