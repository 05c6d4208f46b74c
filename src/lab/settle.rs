//! Waiting behind a run: for carriers, and for addresses that come into use.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::site::Site;
use super::{devices, look};
use crate::error::{Error, Result};
use crate::model::addr::AddrFlags;
use crate::model::link::LinkFlags;
use crate::model::topology::{LinkKind, LinkSpec, Topology};
use crate::model::world::{Seen, World};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// The first one, where little is left to wait for.
const SHORT: Duration = Duration::from_micros(100);
/// How long the kernel's worker may take to bring an address into use: then it is taken for used.
const WORKER: Duration = Duration::from_secs(5);
/// How long addresses may take until they can be used: duplicate address detection takes up to 2 s by default, and a
/// second more for each further `dad_transmits`.
const DETECTION: Duration = Duration::from_secs(30);

/// How long something of a device is waited for.
pub fn time(link: &LinkSpec, key: &str) -> Option<Duration> {
    link.number(key).map(Duration::from_millis)
}

/// Waits for the carriers that a topology waits for, as long as it says: without one, it goes on.
pub fn carriers(site: &mut Site<'_>, topology: &Topology) {
    let begin = Instant::now();
    for (number, place) in topology.places.iter().enumerate() {
        for link in place.links.iter().filter(|link| link.kind == LinkKind::Device) {
            let Some(time) = time(link, "carrier") else { continue };
            while begin.elapsed() < time && !has_carrier(site, number, link) && !site.is_stopped() {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn has_carrier(site: &mut Site<'_>, number: usize, device: &LinkSpec) -> bool {
    let Ok(seen) = site.sockets.route(number).and_then(devices::links) else { return true };
    let found = seen.device(device).map(|found| &seen.state.links[found]);
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
            newer = anew(site, number)?;
            seen = &newer;
        }
    }
    Ok(())
}

/// Waits until the IPv6 addresses of a place are in use, before it is made to forward, or not to: one that comes into
/// use at the same time joins the anycast group of its subnet twice, and leaves it once.
///
/// # Errors
/// The kernel could not be asked.
pub fn in_use(site: &mut Site<'_>, place: usize) -> Result<()> {
    let (begin, mut pause) = (Instant::now(), SHORT);
    while begin.elapsed() < WORKER && !site.is_stopped() && !anew(site, place)?.unready.is_empty() {
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE);
    }
    Ok(())
}

fn anew(site: &mut Site<'_>, place: usize) -> Result<Seen> {
    let mut seen = Seen::default();
    look::lists(site.sockets.route(place)?, u32::try_from(place).unwrap_or(u32::MAX), &mut seen, false)?;
    Ok(seen)
}
