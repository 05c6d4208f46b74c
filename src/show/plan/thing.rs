//! What a step is about: a noun, and words as iproute2 has them behind it.

use std::num::NonZeroU32;

use super::names::Names;
use crate::file::words::{address, neigh, route, rule};
use crate::model::ip::Family;
use crate::model::link::{LinkId, NewKind};
use crate::model::name::{IfName, printable};
use crate::model::op::Op;
use crate::model::plan::{Act, MakeLink, Step};
use crate::model::port::{PVID, UNTAGGED, VlanChange};
use crate::model::route::Route;
use crate::model::rule::{RULE_SUPPRESS_PREFIX, Rule};
use crate::model::topology::{NeighSpec, RouteSpec};

/// An object of a step.
pub struct Thing<'a> {
    /// What it is.
    pub kind: &'a str,
    /// Its name, or what tells it from others.
    pub words: String,
    /// Name of the namespace that it is in; none for the host, and for a namespace itself.
    pub netns: Option<&'a [u8]>,
    /// The other end of a pair, and the namespace that it is in.
    pub peer: Option<(String, Option<&'a [u8]>)>,
}

impl<'a> Thing<'a> {
    /// The object of a step.
    pub fn of(step: &'a Step, names: &Names<'a>) -> Self {
        let netns = names.place(step.place);
        let whole = || Thing { kind: "netns", words: printable(netns.unwrap_or_default()), netns: None, peer: None };
        let (kind, words) = match &step.act {
            Act::MakeNetns | Act::DeleteNetns => return whole(),
            Act::MakeLink(make) => {
                let netns = names.place(make.into);
                let words = name_text(names.own(make.into, make.new.index).or(make.new.change.name));
                return Thing { kind: make.new.kind_name(), words, netns, peer: peer(make, names) };
            }
            // In the stead of another one, it is made under a name that it does not keep.
            Act::MakeTap { index, name, .. } => ("tap", name_text(names.own(step.place, Some(*index)).or(Some(*name)))),
            Act::MoveLink { name, to, .. } => {
                return Thing { kind: "device", words: name.to_string(), netns: names.place(*to), peer: None };
            }
            Act::Op(op) => match op.as_ref() {
                // The mark of a namespace is on its `lo`.
                Op::AltNames(_, link, _) if link.index == NonZeroU32::MIN => return whole(),
                Op::DeleteGroup(group) => ("links", group_words(*group, step.place, names)),
                op => op_of(op, names),
            },
            // How a link makes its addresses up is a property of it, though none of the messages says so.
            Act::Sysctl { name, .. } if is_mode(step) => {
                ("link", name.split('.').nth(3).unwrap_or_default().replace('/', "."))
            }
            Act::Sysctl { name, .. } => ("sysctl", name.clone()),
            Act::Translations(list) => {
                let mut words = String::new();
                for translation in list {
                    words.push_str(if words.is_empty() { "" } else { "; " });
                    words.push_str(&translation.words());
                }
                if list.is_empty() {
                    words = ["of lab ", names.lab].concat();
                }
                ("nat", words)
            }
            Act::File { file, .. } => {
                return Thing {
                    kind: "file",
                    words: printable(&file.path(netns.unwrap_or_default())),
                    netns: None,
                    peer: None,
                };
            }
        };
        Thing { kind, words, netns, peer: None }
    }
}

/// Whether a step is the parameter that a property of a link is changed by.
pub fn is_mode(step: &Step) -> bool {
    step.why.first().is_some_and(|why| why.what == "addrgenmode")
}

fn peer<'a>(make: &MakeLink, names: &Names<'a>) -> Option<(String, Option<&'a [u8]>)> {
    let (NewKind::Veth { peer: Some(peer) } | NewKind::Pair(_, peer)) = &make.new.kind else { return None };
    let into = make.peer_into.unwrap_or(make.into);
    Some((name_text(names.own(into, peer.index).or(peer.change.name)), names.place(into)))
}

fn name_text(name: Option<IfName>) -> String {
    name.map(|name| name.to_string()).unwrap_or_default()
}

/// A group, with the links that are in it.
fn group_words(group: u32, place: usize, names: &Names<'_>) -> String {
    let mut words = ["of group ", &group.to_string()].concat();
    let mut separator = ": ";
    for link in names.world.places.get(place).iter().flat_map(|seen| &seen.state.links) {
        if link.group == Some(group) {
            words.push_str(separator);
            words.push_str(&printable(&link.name));
            separator = ", ";
        }
    }
    words
}

fn op_of<'a>(op: &'a Op<'_>, names: &Names<'a>) -> (&'a str, String) {
    match op {
        Op::ChangeLink(link, _) | Op::DeleteLink(link) => (found_kind(*link, names), printable(&names.get(*link))),
        // It is a mark.
        Op::AltNames(_, link, _) => (found_kind(*link, names), printable(&names.get(*link))),
        Op::Addr(_, link, addr) => ("address", [&address::text(addr), " dev ", &printable(&names.get(*link))].concat()),
        Op::Route(_, route) => ("route", route_words(route, names)),
        Op::Neigh(_, neigh) => {
            let device = neigh.device.and_then(|device| IfName::new(&names.get(device)));
            let words = device.map(|device| neigh::text(&NeighSpec { neigh: neigh.clone(), device }));
            ("neighbour", words.unwrap_or_default())
        }
        Op::Rule { rule, .. } => {
            let words = rule_words(rule);
            // As told by the words already.
            let is_told = rule.family != Family::V6 || words.contains(':');
            ("rule", if is_told { words } else { ["inet6 ", &words].concat() })
        }
        Op::BridgeVlan(change) => ("port-vlan", vlan_words(change, names)),
        // No plan has others.
        _ => ("", String::new()),
    }
}

fn found_kind<'a>(link: LinkId, names: &Names<'a>) -> &'a str {
    let kind = names.link(link).and_then(|link| link.kind.as_deref());
    kind.and_then(|kind| std::str::from_utf8(kind).ok()).unwrap_or("link")
}

/// A route, with its devices by name.
pub fn route_words(route: &Route, names: &Names<'_>) -> String {
    let name = |link: Option<LinkId>| link.and_then(|link| IfName::new(&names.get(link)));
    let mut hop_devices = Vec::new();
    for hop in &route.hops {
        hop_devices.push(name(hop.device));
    }
    route::text(&RouteSpec { route: route.clone(), device: name(route.device), hop_devices, of_link: false })
}

/// A rule; its type of service byte is hexadecimal behind `ip rule`, whatever it looks like.
pub fn rule_words(rule: &Rule) -> String {
    let mut rule = rule.clone();
    let tos = rule.tos.take().filter(|tos| *tos != 0);
    // As the kernel tells that there is none.
    rule.numbers.retain(|row| *row != (RULE_SUPPRESS_PREFIX, u32::MAX));
    let mut words = rule::text(&rule);
    if let Some(tos) = tos {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
        words.push_str(" tos 0x");
        words.extend([digit(tos >> 4), digit(tos & 15)]);
    }
    words
}

/// VLANs of a port, as behind `bridge vlan add`.
pub fn vlan_words(change: &VlanChange, names: &Names<'_>) -> String {
    let (first, last) = change.ids;
    let mut words = ["vid ", &first.to_string()].concat();
    if let Some(last) = last.filter(|last| *last != first) {
        words.push('-');
        words.push_str(&last.to_string());
    }
    words.push_str(" dev ");
    words.push_str(&printable(&names.get(change.link)));
    for (flag, word) in [(PVID, " pvid"), (UNTAGGED, " untagged")] {
        if change.flags & flag != 0 && !change.delete {
            words.push_str(word);
        }
    }
    words
}
