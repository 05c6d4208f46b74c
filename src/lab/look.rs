//! Looking: what namespaces hold, read from the kernel.
//!
//! One walk opens the sockets ([`Sockets`]); the lists are then read through them from where the process is. Only
//! parameters and rule sets need a second walk, through the namespaces that have something to say there.

mod ids;
mod params;

use std::ffi::OsStr;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::file::MOST_BYTES;
use crate::lab::claims::FORWARD;
use crate::lab::sockets::Sockets;
use crate::model::addr::AddrFlags;
use crate::model::index::Index;
use crate::model::ip::Family;
use crate::model::lab::{Lab, Mark};
use crate::model::link::Link;
use crate::model::name::NsName;
use crate::model::neigh::{NeighFilter, NeighState};
use crate::model::port::{PVID, PortFilter, UNTAGGED, rows};
use crate::model::route::{RouteFilter, RouteFlags, RouteKind, TABLE_LOCAL};
use crate::model::rule::{Rule, RuleFilter};
use crate::model::state::State;
use crate::model::topology::{LinkKind, Place, PortVlan, Topology};
use crate::model::world::{EtcFile, Presence, Seen, World};
use crate::netns::Folder;
use crate::socket::{Query, Socket};
use crate::sys::{device, thread};
use crate::wire::addr::GetAddrs;
use crate::wire::attr::attrs;
use crate::wire::build::Route;
use crate::wire::link::GetLink;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The topology whose places come first.
    pub topology: &'a Topology,
    /// Whose marks and tables.
    pub lab: &'a Lab,
    /// The most that the lab has, if that is known: where neither this nor the topology translates, rule sets are
    /// not read.
    pub own: Option<&'a Topology>,
}

impl<'a> Wanted<'a> {
    /// What the lab has in a place at most. Mostly it has the number that it had.
    fn own(&self, number: usize, name: Option<&NsName>) -> Option<&'a Place> {
        let places = &self.own?.places;
        let is_it = |own: &&Place| own.name.as_ref() == name;
        places.get(number).filter(is_it).or_else(|| places.iter().find(is_it))
    }
}

/// Opens sockets in the places of a topology, and behind them in further namespaces of the lab, which are looked for
/// among `further` (names), or among all names if there is no such list.
///
/// # Errors
/// A name of the topology stands for something else than a namespace, or the kernel could not be asked.
pub fn open(topology: &Topology, lab: &Lab, further: Option<&[Vec<u8>]>) -> Result<Sockets> {
    let names: Vec<NsName> = topology.places.iter().filter_map(|place| place.name.clone()).collect();
    let mut sockets = Sockets::open(&names)?;
    let all;
    let further = match further {
        Some(further) => further,
        None => {
            let folder = Folder::standard();
            all = folder.names().map_err(|e| Error::file("read", folder.path(), &e))?;
            &all
        }
    };
    let mut index = Index::default();
    for (number, name) in names.iter().enumerate() {
        index.insert(name.as_bytes(), number);
    }
    let is_new = |name: &&NsName| index.find(name.as_bytes(), |number| names[number] == **name).is_none();
    let others: Vec<NsName> = further.iter().filter_map(|name| NsName::new(name)).collect();
    let others: Vec<NsName> = others.iter().filter(is_new).cloned().collect();
    sockets.add(&others, false)?;
    let mut failed = None;
    sockets.retain_from(names.len() + 1, &mut |_, socket| match socket.get(&GetLink::Index(1)) {
        Ok(lo) => lo.as_ref().and_then(Mark::of).is_some_and(|mark| lab.owns(mark)),
        Err(error) => {
            failed = Some(error);
            false
        }
    });
    failed.map_or(Ok(sockets), Err)
}

/// What the places of sockets hold: those of the topology first, then what further ones there are.
///
/// # Errors
/// The kernel could not be asked.
pub fn look(sockets: &mut Sockets, wanted: &Wanted<'_>) -> Result<World> {
    let mut needs: Vec<(usize, Vec<String>, bool)> = Vec::new();
    let mut world = World { places: all(sockets, wanted)? };
    for (number, seen) in world.places.iter().enumerate() {
        if seen.presence == Presence::There {
            let mut names = wanted.topology.places.get(number).map(params::names).unwrap_or_default();
            if let Some(own) = wanted.own(number, seen.name.as_ref()) {
                params::add_own(own, &mut names);
            }
            let nat = translates(wanted, number, seen);
            if nat || !names.is_empty() {
                needs.push((number, names, nat));
            }
        }
    }
    let numbers: Vec<usize> = needs.iter().map(|need| need.0).collect();
    let mut needs = needs.iter();
    sockets.visit(&numbers, &mut |number| {
        let (Some((_, names, nat)), Some(seen)) = (needs.next(), world.places.get_mut(number)) else { return Ok(()) };
        params::read(names, seen)?;
        if *nat { params::translations(seen, wanted.topology.places.get(number), wanted.lab) } else { Ok(()) }
    })?;
    ids::resolve(sockets, &mut world);
    gone(wanted, &mut world)?;
    Ok(world)
}

/// Places that one thread looks at: more are shared with a second one.
const FEW: usize = 32;
/// Stack of the second thread.
const STACK: usize = 256 * 1024;

/// The lists and files of all places.
fn all(sockets: &mut Sockets, wanted: &Wanted<'_>) -> Result<Vec<Seen>> {
    let count = sockets.count();
    let half = if count > FEW { count / 2 } else { count };
    let mut rest = sockets.split(half);
    let mut first = Look { wanted, sockets, first: 0, places: None };
    let mut second = Look { wanted, sockets: &mut rest, first: half, places: None };
    if half < count {
        // Where there is no second thread, neither is looked at here.
        let _ = thread::beside(STACK, &mut || second.look(), &mut || first.look());
    }
    let (places, more) = (first.taken(), second.taken());
    sockets.join(rest);
    let mut places = places?;
    places.extend(more?);
    Ok(places)
}

/// A look at the lists and files of some places.
struct Look<'a, 'w> {
    wanted: &'a Wanted<'w>,
    sockets: &'a mut Sockets,
    /// Number of the first of them.
    first: usize,
    /// What was found, once it was looked at.
    places: Option<Result<Vec<Seen>>>,
}

impl Look<'_, '_> {
    #[inline(never)]
    fn look(&mut self) {
        self.places = Some(self.all());
    }

    /// What was found, now if not before.
    #[inline(never)]
    fn taken(&mut self) -> Result<Vec<Seen>> {
        if self.places.is_none() {
            self.look();
        }
        self.places.take().unwrap_or_else(|| Ok(Vec::new()))
    }

    fn all(&mut self) -> Result<Vec<Seen>> {
        let (wanted, count) = (self.wanted, self.sockets.count());
        let mut places = Vec::with_capacity(count);
        let mut links = wanted.topology.places.iter().flat_map(|place| &place.links);
        let by_driver = links.any(|link| link.kind == LinkKind::Device && link.get("driver").is_some());
        for (number, place) in (0..count).zip(self.first..) {
            let asked = wanted.topology.places.get(place);
            // What was said and is not any more goes.
            let mut said = asked.into_iter().chain(wanted.own(place, self.sockets.name(number)));
            let vlans = said.any(|place| place.links.iter().any(|link| !link.vlans.is_empty()));
            let mut seen = seen(self.sockets, number, place, vlans)?;
            if seen.presence == Presence::There && by_driver {
                drivers(self.sockets.route(number)?, &mut seen);
            }
            files(&mut seen)?;
            places.push(seen);
        }
        Ok(places)
    }
}

/// Adds places that the lab had and that are not there any more, but their files are.
fn gone(wanted: &Wanted<'_>, world: &mut World) -> Result<()> {
    for (number, place) in wanted.own.iter().flat_map(|own| &own.places).enumerate() {
        let is_it = |seen: &Seen| seen.name == place.name;
        // Mostly they have the numbers that they had.
        if world.places.get(number).is_some_and(is_it) || world.places.iter().any(is_it) {
            continue;
        }
        let mut seen = Seen { name: place.name.clone(), ..Seen::default() };
        files(&mut seen)?;
        if !seen.files.is_empty() {
            world.places.push(seen);
        }
    }
    Ok(())
}

/// What whole namespaces hold, whoever made it: the host (if asked for), and those of the names. What cannot be
/// entered is [`Presence::Absent`], unless the names are asked for (`strict`).
///
/// # Errors
/// The kernel could not be asked; a name stands for what cannot be entered.
pub fn live(host: bool, names: &[Vec<u8>], strict: bool) -> Result<World> {
    let mut sockets = Sockets::open(&[])?;
    // In the order of their names, whatever the folder's is, and each once.
    let mut sorted: Vec<NsName> = Vec::new();
    for name in names.iter().filter_map(|name| NsName::new(name)) {
        let at = sorted.partition_point(|other| *other < name);
        if sorted.get(at) != Some(&name) {
            sorted.insert(at, name);
        }
    }
    sockets.add(&sorted, strict)?;
    let mut world = World::default();
    for number in 0..sockets.count() {
        let mut seen = if number == 0 && !host { Seen::default() } else { seen(&mut sockets, number, number, false)? };
        files(&mut seen)?;
        world.places.push(seen);
    }
    let there = |number: &usize| world.places[*number].presence == Presence::There;
    let numbers: Vec<usize> = (0..world.places.len()).filter(there).collect();
    sockets.visit(&numbers, &mut |number| {
        let Some(seen) = world.places.get_mut(number) else { return Ok(()) };
        params::read(&FORWARD.map(str::to_owned), seen)?;
        let name = seen.name.as_ref().map(ToString::to_string);
        params::all_translations(seen).map_err(|error| error.in_ns(name.as_deref()))
    })?;
    ids::resolve(&mut sockets, &mut world);
    Ok(world)
}

/// Whether a place may have translations of the lab.
fn translates(wanted: &Wanted<'_>, number: usize, seen: &Seen) -> bool {
    let nat = |place: &Place| !place.masquerades.is_empty() || !place.forward_ports.is_empty();
    if wanted.topology.places.get(number).is_some_and(nat) {
        return true;
    }
    match wanted.own {
        Some(_) => wanted.own(number, seen.name.as_ref()).is_some_and(nat),
        None => number == 0 || seen.is_of(wanted.lab),
    }
}

/// The lists of one place, which is the `place`th of the world.
fn seen(sockets: &mut Sockets, number: usize, place: usize, vlans: bool) -> Result<Seen> {
    let mut seen = Seen { name: sockets.name(number).cloned(), presence: sockets.presence(number), ..Seen::default() };
    if seen.presence == Presence::There {
        let name = seen.name.as_ref().map(ToString::to_string);
        let socket = sockets.route(number)?;
        lists(socket, u32::try_from(place).unwrap_or(u32::MAX), &mut seen, vlans)
            .map_err(|error| error.in_ns(name.as_deref()))?;
    }
    Ok(seen)
}

/// Adds the names of the drivers of what is seen.
pub fn drivers(socket: &Socket<Route>, seen: &mut Seen) {
    for link in &seen.state.links {
        let driver = device::driver(socket.transport().as_fd(), &link.name);
        seen.drivers.extend(driver.ok().map(|driver| (link.index, driver)));
    }
}

/// Reads the lists of one place anew.
///
/// # Errors
/// The kernel could not be asked.
pub fn lists(socket: &mut Socket<Route>, ns: u32, seen: &mut Seen, vlans: bool) -> Result<()> {
    seen.state.links = socket.dump(&GetLink::All)?;
    let state = &mut seen.state;
    state.addrs = socket.dump(&GetAddrs::default())?;
    state.routes = if_known(socket, &RouteFilter { ns, ..RouteFilter::default() })?;
    // What the kernel makes of addresses is most of it, and exceptions of paths are no entries.
    let mut taken: Vec<Ipv6Addr> = Vec::new();
    state.routes.retain(|route| {
        let is_kernel = route.protocol == PROTOCOL_KERNEL;
        if let (true, RouteKind::LOCAL, IpAddr::V6(ip)) = (is_kernel, route.kind, route.dst.addr()) {
            taken.push(ip);
        }
        !(route.flags.contains(RouteFlags::CLONED) || is_kernel && route.table == TABLE_LOCAL)
    });
    seen.unready = unready(state, &taken);
    seen.rules = if_known(socket, &RuleFilter { family: Family::Unspec })?;
    // Multicast routing has rules, too.
    seen.rules.retain(|rule: &Rule| matches!(rule.family, Family::V4 | Family::V6));
    state.neighs = if_known(socket, &NeighFilter { ns, ..NeighFilter::default() })?;
    state.neighs.retain(|neigh| neigh.state.intersects(NeighState::PERMANENT | NeighState::NOARP));
    state.neighs.extend(if_known(socket, &NeighFilter { ns, proxies: true, ..NeighFilter::default() })?);
    if vlans || state.links.iter().any(filters_vlans) {
        for port in if_known(socket, &PortFilter::VlanRanges)? {
            for row in rows(&port.vlans, 0) {
                let (pvid, untagged) = (row.flags & PVID != 0, row.flags & UNTAGGED != 0);
                seen.vlans.push((port.link.index, PortVlan { ids: row.ids, pvid, untagged }));
            }
        }
    }
    Ok(())
}

/// IPv6 addresses that packets are not taken in for yet. Even one without duplicate address detection is brought into
/// use by a worker of the kernel: it joins the group that neighbours ask for it in, then adds the local route
/// (`addrconf_dad_work`), which therefore tells.
fn unready(state: &State, taken: &[Ipv6Addr]) -> Vec<Ipv6Addr> {
    // All of them, as a rule. One that is still tentative may have come into use since it was listed.
    if state.addrs.iter().filter(|(_, addr)| addr.family == Family::V6).count() <= taken.len() {
        return Vec::new();
    }
    let mut due: Vec<(u32, Ipv6Addr)> = Vec::new();
    for (link, addr) in &state.addrs {
        if let (false, Some(IpAddr::V6(ip))) = (addr.flags.contains(AddrFlags::TENTATIVE), addr.own()) {
            due.push((*link, ip));
        }
    }
    let mut index = Index::default();
    for (number, ip) in taken.iter().enumerate() {
        index.insert(&ip.octets(), number);
    }
    let is_missing = |ip: &Ipv6Addr| index.find(&ip.octets(), |number| taken[number] == *ip).is_none();
    due.retain(|(link, ip)| is_missing(ip) && state.link(*link).is_some_and(Link::is_up));
    due.into_iter().map(|(_, ip)| ip).collect()
}

/// `RTPROT_KERNEL`.
const PROTOCOL_KERNEL: u8 = 2;

/// A list that a kernel may have been built without: it is empty then.
#[inline(never)]
fn if_known<Q: Query<Protocol = Route>>(socket: &mut Socket<Route>, query: &Q) -> Result<Vec<Q::Item>> {
    match socket.dump(query) {
        Err(error) if matches!(error.errno(), Some(libc::EOPNOTSUPP | libc::EAFNOSUPPORT)) => Ok(Vec::new()),
        other => other,
    }
}

/// `IFLA_BR_VLAN_FILTERING`.
const VLAN_FILTERING: u16 = 7;

/// Whether a link is a bridge that keeps VLANs apart.
fn filters_vlans(link: &crate::model::link::Link) -> bool {
    let on = || attrs(&link.kind_data).find(VLAN_FILTERING).and_then(|attr| attr.u8());
    link.kind.as_deref() == Some(b"bridge") && on().is_some_and(|on| on != 0)
}

/// Whether there is a folder of namespaces' files at all.
///
/// # Errors
/// As `stat(2)`.
pub fn has_files() -> Result<bool> {
    let folder = Path::new(EtcFile::FOLDER);
    folder.try_exists().map_err(|e| Error::file("stat", folder, &e))
}

/// Reads the files of a namespace, also where there is no namespace of the name any more.
fn files(seen: &mut Seen) -> Result<()> {
    let Some(name) = &seen.name else { return Ok(()) };
    if !has_files()? {
        return Ok(());
    }
    for file in EtcFile::ALL {
        let path = file.path(name.as_bytes());
        let path = Path::new(OsStr::from_bytes(&path));
        match etc(path) {
            Ok(text) => seen.files.push((file, String::from_utf8_lossy(&text).into_owned())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::file("open", path, &e)),
        }
    }
    Ok(())
}

/// Reads a file of a namespace. A pipe would wait for a writer: what is no regular file is one of somebody else's, which
/// says nothing that anybody reads.
///
/// # Errors
/// As `open(2)` and `read(2)`.
pub fn etc(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let mut text = b"no regular file\n".to_vec();
    if file.metadata()?.is_file() {
        text.clear();
        file.take(MOST_BYTES as u64).read_to_end(&mut text)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::addr::Addr;
    use crate::model::ip::Prefix;
    use crate::model::link::LinkFlags;

    #[test]
    fn an_address_without_its_local_route_is_not_in_use() {
        let [first, second] = [1, 2].map(|last| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last));
        let addr = |ip| Addr::new(Prefix::host(IpAddr::V6(ip)));
        let mut link = Link { index: 7, flags: LinkFlags::UP, ..Link::default() };
        let addrs = vec![(7, addr(first)), (7, addr(second))];
        let mut state = State { links: vec![link.clone()], addrs, ..State::default() };
        assert_eq!(unready(&state, &[first, second]), [] as [Ipv6Addr; 0]);
        assert_eq!(unready(&state, &[first]), [second]);
        state.addrs[1].1.flags = AddrFlags::TENTATIVE;
        assert_eq!(unready(&state, &[first]), [] as [Ipv6Addr; 0]);
        link.flags = LinkFlags::empty();
        state.links = vec![link];
        assert_eq!(unready(&state, &[]), [] as [Ipv6Addr; 0], "of a link that is down");
    }
}
