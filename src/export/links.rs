//! Links: which of them can be said, and what is said of them.

use super::{Export, Fate, is_name, said};
use crate::model::addr::Addr;
use crate::model::lab::Mark;
use crate::model::link::{Link, LinkFlags, LinkNumber};
use crate::model::name::{IfName, printable};
use crate::model::topology::{LinkKind, LinkRef, LinkSpec, Origin, PortVlan, Setting, SettingValue};
use crate::plan::implied::{self, QUIET};
use crate::plan::kinds;
use crate::wire::attr::attrs;

/// Devices that the kernel makes in each namespace when it learns of a kind of tunnel.
const FALLBACKS: &str = "tunl0 gre0 gretap0 erspan0 ip_vti0 ip6_vti0 sit0 ip6tnl0 ip6gre0";
/// `IFLA_TUN_PERSIST`.
const TUN_PERSIST: u16 = 6;
/// What the kernel gives links for which nothing else is said.
const MTU: u32 = 1500;
/// The same of packets in the transmit queue.
const QUEUE: u32 = 1000;

/// Addresses of links, by the place and the number of the link there.
pub type Addresses = Vec<Vec<Vec<Addr>>>;

/// A link by its place and its number there.
type At = (usize, usize);

impl Export<'_> {
    fn link_at(&self, at: At) -> &Link {
        &self.world.places[at.0].state.links[at.1]
    }

    fn fate(&self, at: At) -> Fate {
        self.fates[at.0].get(at.1).copied().unwrap_or(Fate::Out)
    }

    /// Decides what becomes of each link.
    pub fn choose_links(&mut self) {
        for (place, seen) in self.world.places.iter().enumerate() {
            let mut index = crate::model::index::Index::default();
            for (number, link) in seen.state.links.iter().enumerate() {
                index.insert(&link.index.to_ne_bytes(), number);
            }
            self.found.push(index);
            let fates = if self.is_said(place) {
                seen.state.links.iter().map(|link| self.choose(place, link)).collect()
            } else {
                vec![Fate::Out; seen.state.links.len()]
            };
            self.fates.push(fates);
        }
        // What stands on a link that is left out is left out.
        let mut again = true;
        while again {
            again = false;
            for place in 0..self.fates.len() {
                for number in 0..self.fates[place].len() {
                    let Fate::Said(kind) = self.fate((place, number)) else { continue };
                    if let Some(why) = self.lacks((place, number), kind) {
                        self.leave_out((place, number), &[why]);
                        again = true;
                    }
                }
            }
        }
    }

    fn leave_out(&mut self, at: At, why: &[&str]) {
        self.fates[at.0][at.1] = Fate::Out;
        let name = printable(&self.link_at(at).name);
        self.skip(at.0, &[&name, " is left out, with all that is on it: ", &why.concat()]);
    }

    fn choose(&mut self, place: usize, link: &Link) -> Fate {
        let name = printable(&link.name);
        let whole = self.is_whole(place);
        if link.flags.contains(LinkFlags::LOOPBACK) {
            // It is down only where somebody wants it so, for whom it is put back: files have that of namespaces up.
            let is_down = place != 0 && whole && !link.is_up();
            if is_down && self.lab.is_none() {
                self.skip(place, &["lo is down; a file has it up"]);
            }
            return if is_down && self.lab.is_some() { Fate::Said(LinkKind::Device) } else { Fate::There };
        }
        let kind = kinds::kind_of(link);
        if let Some(lab) = self.lab {
            let marked = Mark::of(link).is_some_and(|mark| lab.owns(mark));
            return match kind {
                // Hardware was moved here, and goes back.
                Some(LinkKind::Device) if whole => Fate::Said(LinkKind::Device),
                Some(kind) if marked => Fate::Said(kind),
                _ => Fate::There,
            };
        }
        // Of a device that does nothing there is not a word: it need not be where the file goes.
        let is_idle = !link.is_up() && link.master.is_none();
        let why = if !is_name(&link.name) {
            "its name cannot stand in a file"
        } else if kind == Some(LinkKind::Device) {
            return if is_idle { Fate::There } else { Fate::Said(LinkKind::Device) };
        } else if kind == Some(LinkKind::Tap)
            && attrs(&link.kind_data).find(TUN_PERSIST).and_then(|attr| attr.u8()) == Some(0)
        {
            "it goes when the program ends that opened it"
        } else if let Some(kind) = kind {
            let Some(key) = super::lost::foreign(link).or_else(|| kinds::strange(link)) else {
                return Fate::Said(kind);
            };
            self.skip(place, &[&name, " is left out, with all that is on it: a file has no word for its ", key]);
            return Fate::Out;
        } else {
            if !link.is_up() && FALLBACKS.split(' ').any(|known| known == name) {
                return Fate::Out;
            }
            let (fate, why) = match place {
                0 if is_idle => (Fate::There, " is left out: it does nothing, and a file has no kind "),
                0 => (Fate::Said(LinkKind::Device), " is said as a device that is there: a file has no kind "),
                _ => (Fate::Out, " is left out, with all that is on it: a file has no kind "),
            };
            self.skip(place, &[&name, why, &printable(link.kind.as_deref().unwrap_or_default())]);
            return fate;
        };
        self.skip(place, &[&name, " is left out, with all that is on it: ", why]);
        Fate::Out
    }

    /// What a link cannot be said without.
    fn lacks(&mut self, at: At, kind: LinkKind) -> Option<&'static str> {
        if kind == LinkKind::Veth {
            let peer = self.peer(at).is_some_and(|peer| self.fate(peer) == Fate::Said(LinkKind::Veth));
            return (!peer).then_some("its other end is not among what is looked at");
        }
        if kind == LinkKind::Device {
            return None;
        }
        match self.lower(at) {
            Some(None) => Some("the link that it is made on is not among what is looked at"),
            Some(Some(lower)) if self.fate(lower) == Fate::Out => Some("so is the link that it is made on"),
            Some(Some(lower)) if lower.0 != at.0 && lower.0 != 0 => {
                Some("the link that it is made on is in another namespace")
            }
            None if matches!(kind, LinkKind::Vlan | LinkKind::Macvlan | LinkKind::Ipvlan) => {
                Some("the link that it is made on is gone")
            }
            _ => None,
        }
    }

    /// The place that a link's id of another namespace stands for.
    fn place_of(&self, at: At) -> Option<usize> {
        self.world.place_of(at.0, self.link_at(at))
    }

    /// The other end of a veth.
    fn peer(&self, at: At) -> Option<At> {
        let place = self.place_of(at)?;
        let peer = (place, self.position(place, self.link_at(at).link?)?);
        let back = self.link_at(peer);
        (back.kind == self.link_at(at).kind && back.link == Some(self.link_at(at).index)).then_some(peer)
    }

    /// The link that another one is made on: `Some(None)` if there is one that is not known.
    fn lower(&self, at: At) -> Option<Option<At>> {
        let index = kinds::lower(self.link_at(at))?;
        Some(self.place_of(at).and_then(|place| Some((place, self.position(place, index)?))))
    }

    /// A link as others name it.
    fn reference(&mut self, at: At) -> Option<LinkRef> {
        let place = self.numbers[at.0]?;
        let name = self.need(at.0, self.link_at(at).index)?;
        Some(LinkRef { place, name })
    }

    /// Says the links that were chosen.
    pub fn links(&mut self, mut addresses: Addresses) {
        let mut again = true;
        // Masters and lower links may be devices that only this speaks of.
        while std::mem::take(&mut again) {
            for (place, addresses) in addresses.iter_mut().enumerate() {
                for (number, addresses) in addresses.iter_mut().enumerate() {
                    let Fate::Said(kind) = self.fate((place, number)) else { continue };
                    self.fates[place][number] = Fate::Done;
                    again = true;
                    let spec = self.spec((place, number), kind, std::mem::take(addresses));
                    if let Some((spec, place)) = spec.zip(self.numbers[place]) {
                        self.out.places[place].links.push(spec);
                    }
                }
            }
        }
    }

    fn spec(&mut self, at: At, kind: LinkKind, addresses: Vec<Addr>) -> Option<LinkSpec> {
        let (place, world) = (at.0, self.world);
        let link = &world.places[place].state.links[at.1];
        let mut spec = LinkSpec::new(IfName::new(&link.name)?, kind, Origin::default());
        spec.up = link.is_up();
        spec.addresses = addresses.into_iter().map(said).collect();
        if let Some(master) = link.master {
            spec.master = self.master(at, master).map(said);
        }
        if let (LinkKind::Veth, Some(peer)) = (kind, self.peer(at)) {
            spec.peer = self.reference(peer);
            // In a namespace, and first among equals; the other end is told with it.
            if (place == 0, at) > (peer.0 == 0, peer) {
                spec.kind = LinkKind::Peer;
            }
        }
        if kind != LinkKind::Device {
            if let Some(Some(lower)) = self.lower(at) {
                spec.lower = self.reference(lower).map(said);
            }
            for (key, value) in kinds::read(link) {
                set(&mut spec, key, value);
            }
        }
        self.common(at, link, &mut spec);
        self.vlans(at, link, &mut spec);
        Some(spec)
    }

    /// The bridge or VRF that a link belongs to.
    fn master(&mut self, at: At, index: u32) -> Option<IfName> {
        let found = self.position(at.0, index).map(|number| self.link_at((at.0, number)).kind.clone());
        let kind = found.flatten().unwrap_or_default();
        let name = self.need(at.0, index).filter(|_| kind == b"bridge" || kind == b"vrf");
        if name.is_none() {
            let link = printable(&self.link_at(at).name);
            self.skip(at.0, &[&link, ": its master is left out: it is a ", &printable(&kind)]);
        }
        name
    }

    /// What any link has.
    fn common(&mut self, at: At, link: &Link, spec: &mut LinkSpec) {
        let lower = if let Some(Some(lower)) = self.lower(at) { Some(lower) } else { None };
        let made = spec.kind != LinkKind::Device;
        // A lab's way back must not touch what it did not make.
        let own = made || self.lab.is_none();
        // On top of another link it is that one's, in a VRF more than can be said.
        let usual = match (spec.kind, lower) {
            (LinkKind::Vlan | LinkKind::Macvlan | LinkKind::Ipvlan, Some(lower)) => self.link_at(lower).mtu,
            _ => Some(MTU),
        };
        let mtu = link.mtu.filter(|mtu| *mtu != MTU && *mtu <= u16::MAX.into() && own);
        if let Some(mtu) = mtu.filter(|mtu| Some(*mtu) != usual) {
            set(spec, "mtu", SettingValue::Number(mtu.into()));
        }
        if let Some(len) = link.txqlen.filter(|len| *len != QUEUE && own) {
            set(spec, "txqueuelen", SettingValue::Number(len.into()));
        }
        if let Some(mac) = self.mac(link, lower).filter(|_| made && spec.kind != LinkKind::Ipvlan) {
            set(spec, "mac", SettingValue::Mac(mac));
        }
        if let Some(mode) = link.number(LinkNumber::AddrGenMode).filter(|mode| *mode <= 1 && made) {
            let word = if mode == 0 { "eui64" } else { "none" };
            set(spec, QUIET, SettingValue::Text(word.to_owned()));
        }
        let alias = link.alias.as_deref().filter(|alias| !alias.is_empty() && Mark::parse(alias).is_none() && own);
        match alias.map(std::str::from_utf8) {
            Some(Ok(alias)) => set(spec, "alias", SettingValue::Text(alias.to_owned())),
            Some(Err(_)) => self.skip(at.0, &[&spec.name.to_string(), ": its alias is not UTF-8"]),
            None => {}
        }
        if self.lab.is_some() {
            return;
        }
        for name in link.altnames.iter().filter(|name| Mark::parse(name).is_none()) {
            self.skip(at.0, &[&spec.name.to_string(), ": a file has no word for altname ", &printable(name)]);
        }
        if super::lost::has_more(link, made) {
            self.skip(at.0, &[&spec.name.to_string(), " has properties that a file has no words for"]);
        }
    }

    /// Takes away what files imply of link-local addresses. What is around a lab's link may imply something else while
    /// it changes: of that it is told outright.
    pub fn modes(&mut self) {
        for number in (0..self.out.places.len()).filter(|_| self.lab.is_none()) {
            let silent = implied::silent(&self.out, number);
            for (link, silent) in self.out.places[number].links.iter_mut().zip(silent) {
                let is_none = SettingValue::Text("none".to_owned());
                link.settings.retain(|own| own.key != QUIET || (own.value == is_none) != silent);
            }
        }
    }

    /// The hardware address, unless the link has it from the one that it is made on.
    fn mac(&self, link: &Link, lower: Option<At>) -> Option<[u8; 6]> {
        let mac: [u8; 6] = link.address.as_deref()?.try_into().ok()?;
        let borrowed = lower.is_some_and(|lower| self.link_at(lower).address == link.address);
        (!borrowed && mac[0] & 1 == 0 && mac != [0; 6]).then_some(mac)
    }

    /// VLANs of a port or bridge, unless they are what every new one has.
    fn vlans(&mut self, at: At, link: &Link, spec: &mut LinkSpec) {
        let seen = &self.world.places[at.0];
        let own: Vec<PortVlan> = seen.vlans.iter().filter(|row| row.0 == link.index).map(|row| row.1).collect();
        let bridge = if spec.kind == LinkKind::Bridge { Some(link.index) } else { link.master };
        let Some(bridge) = bridge.and_then(|index| seen.state.link(index)) else { return };
        let default = kinds::read(bridge).into_iter().find(|row| row.0 == "vlan_default_pvid");
        let default = match default {
            Some((_, SettingValue::Number(id))) => u16::try_from(id).unwrap_or(0),
            _ => 1,
        };
        let usual = PortVlan { ids: (default, default), pvid: true, untagged: true };
        if own != [usual] && !(own.is_empty() && default == 0) && !seen.vlans.is_empty() {
            spec.vlans = own.into_iter().map(said).collect();
        }
    }
}

fn set(spec: &mut LinkSpec, key: &'static str, value: SettingValue) {
    spec.settings.push(Setting { at: Origin::default(), key, value });
}
