//! A network as it is found: what a plan is made from, namespace by namespace.

use std::net::Ipv6Addr;

use super::lab::{Lab, Mark};
use super::link::Link;
use super::name::NsName;
use super::rule::Rule;
use super::state::State;
use super::topology::{LinkKind, LinkSpec, PortVlan, SettingValue, Sysctl};
use super::translation::Translation;

/// What was found. The first places are those of the topology that it was looked for, in its order (the host
/// first); behind them come further namespaces that bear the mark of the lab.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// The namespaces.
    pub places: Vec<Seen>,
}

impl World {
    /// The place of a link's other end, or of the link that it is made on; `None` if it is none of those.
    pub fn place_of(&self, place: usize, link: &Link) -> Option<usize> {
        let Some(id) = link.link_netnsid else { return Some(place) };
        self.places.get(place)?.ids.iter().find(|known| known.0 == id).map(|known| known.1)
    }
}

/// Whether there is a namespace of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// There is no file of the name.
    #[default]
    Absent,
    /// There is an empty file, the rest of something that was interrupted.
    Leftover,
    /// There is a namespace. Always so of the host.
    There,
}

/// What one namespace holds. All lists are empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Its name; the host has none.
    pub name: Option<NsName>,
    /// Whether it is there.
    pub presence: Presence,
    /// Links, addresses, routes of all tables but the kernel's local ones, lasting neighbours with the proxies.
    pub state: State,
    /// IPv6 addresses that packets are not taken in for yet, though nothing is said to be going on with them.
    pub unready: Vec<Ipv6Addr>,
    /// The other places by the ids that this one has for them, as far as its links lead there
    /// ([`super::link::Link::link_netnsid`]).
    pub ids: Vec<(i32, usize)>,
    /// Rules of both families.
    pub rules: Vec<Rule>,
    /// VLANs of the ports of bridges and of bridges, by index of the link.
    pub vlans: Vec<(u32, PortVlan)>,
    /// Values of the parameters that the topology names, by full name; those that are not there, or cannot be
    /// read, are left out.
    pub sysctls: Vec<Sysctl>,
    /// Full names of those that the topology names and that are not there.
    pub lacking: Vec<String>,
    /// What the lab's tables translate, in order.
    pub translations: Vec<Translation>,
    /// Whether there is something else in the lab's tables, or, where whoever made it, in any.
    pub foreign_rules: bool,
    /// Names of the drivers of devices of hardware, by index of the link, where the topology finds a device by one.
    pub drivers: Vec<(u32, Vec<u8>)>,
    /// Files in `/etc/netns/NAME` that were looked for and are there.
    pub files: Vec<(EtcFile, String)>,
}

impl Seen {
    /// Whether it is a lab's namespace: by the mark of its `lo`.
    pub fn is_of(&self, lab: &Lab) -> bool {
        self.name.is_some() && self.state.link(1).and_then(Mark::of).is_some_and(|mark| lab.owns(mark))
    }

    /// The number of the link that a file means: a device by its hardware address and its driver, if it says them, any
    /// other link by its name.
    pub fn device(&self, spec: &LinkSpec) -> Option<usize> {
        let links = &self.state.links;
        let said = |key| spec.get(key).filter(|_| spec.kind == LinkKind::Device);
        let (mac, driver) = (said("mac"), said("driver"));
        if mac.is_none() && driver.is_none() {
            return links.iter().position(|link| link.is_called(spec.name.as_bytes()));
        }
        let fits = |link: &Link| {
            let has = |address: &Option<Vec<u8>>| match mac {
                Some(SettingValue::Mac(mac)) => address.as_deref() == Some(mac),
                _ => true,
            };
            let driven = |driver: &SettingValue| match driver {
                SettingValue::Text(driver) => {
                    self.drivers.iter().any(|known| known.0 == link.index && known.1 == driver.as_bytes())
                }
                _ => true,
            };
            (has(&link.permanent_address) || has(&link.address)) && driver.is_none_or(driven)
        };
        // A VLAN has the address of the link that it is made on: hardware comes first.
        links.iter().position(|link| link.kind.is_none() && fits(link)).or_else(|| links.iter().position(fits))
    }
}

/// A file in `/etc/netns/NAME` that a topology can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtcFile {
    /// `resolv.conf`.
    Resolv,
    /// `hosts`.
    Hosts,
}

impl EtcFile {
    /// Where each namespace has a folder of files that replace those in `/etc` (ip-netns(8)).
    pub const FOLDER: &str = "/etc/netns";
    /// Both.
    pub const ALL: [EtcFile; 2] = [EtcFile::Resolv, EtcFile::Hosts];

    /// Where it is, for a namespace.
    pub fn path(self, netns: &[u8]) -> Vec<u8> {
        [Self::FOLDER.as_bytes(), netns, self.name().as_bytes()].join(&b'/')
    }

    /// Its name in the folder.
    pub fn name(self) -> &'static str {
        match self {
            EtcFile::Resolv => "resolv.conf",
            EtcFile::Hosts => "hosts",
        }
    }
}
