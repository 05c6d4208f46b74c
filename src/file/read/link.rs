//! A link's table: common keys, those of its kind, and the other end of a veth.

use super::Reader;
use crate::file::keys::Key;
use crate::file::tree::{Entry, Node, Table, Value};
use crate::file::words::{Words, address, number, short_span};
use crate::model::name::IfName;
use crate::model::topology::{LinkKind, LinkRef, LinkSpec, Origin, PortVlan, Said, Setting, SettingValue};

impl Reader<'_> {
    /// Reads a link of a place.
    pub fn link(&mut self, place: usize, kind: LinkKind, entry: &Entry<'_>) {
        let Value::Table(table) = &entry.node.value else { return };
        let (keys, heard) = (self.sets.link(kind), self.complaints.heard);
        self.check_keys(table, keys, entry.at, &[kind.name(), " ", &entry.key]);
        let own = Node { at: entry.at, value: Value::Text(entry.key.as_ref().into()) };
        let name = self.device_name(&own);
        let Some(mut link) = self.link_of(name, kind, entry.at, (place, keys, table)) else { return };
        let peer = keys.iter().find(|key| key.shape == b'Q').and_then(|key| table.get(key.name));
        let peer = peer.and_then(|entry| self.peer(&mut link, place, &entry.node));
        if name.is_some() {
            self.topology.places[place].links.push(link);
        }
        let there = peer.as_ref().map_or(place, |peer| peer.0);
        if let Some((there, peer)) = peer {
            self.topology.places[there].links.push(peer);
        }
        self.unsure(heard, [place, there]);
    }

    /// A link with its keys. With a wrong name it is read for what else is wrong, and is to be left out.
    fn link_of(
        &mut self,
        name: Option<IfName>,
        kind: LinkKind,
        at: Origin,
        (place, keys, table): (usize, &[Key], &Table<'_>),
    ) -> Option<LinkSpec> {
        let routes = self.topology.places[place].routes.len();
        let mut link = LinkSpec::new(name.or(IfName::new(b"?"))?, kind, at);
        self.keys_of(&mut link, place, keys, table);
        if name.is_none() {
            self.topology.places[place].routes.truncate(routes);
        }
        Some(link)
    }

    /// The other end of a veth, and the place that it is in.
    fn peer(&mut self, link: &mut LinkSpec, place: usize, node: &Node<'_>) -> Option<(usize, LinkSpec)> {
        let Value::Table(table) = &node.value else {
            self.expected(node, &["a table: { name = \"NAME\" }"]);
            return None;
        };
        let keys = self.sets.link(LinkKind::Peer);
        let own = std::str::from_utf8(link.name.as_bytes()).unwrap_or_default();
        self.check_keys(table, keys, node.at, &["the peer of ", own]);
        let (entry, netns) = (table.get("name"), table.get("netns"));
        let there = netns.map_or(Some(0), |entry| self.place_of(&entry.node));
        let name = entry.and_then(|entry| self.device_name(&entry.node)).filter(|_| there.is_some());
        let at = entry.map_or(node.at, |entry| entry.node.at);
        let there = there.unwrap_or(0);
        let mut peer = self.link_of(name, LinkKind::Peer, at, (there, keys, table))?;
        peer.peer = Some(LinkRef { place, name: link.name });
        link.peer = Some(LinkRef { place: there, name: name? });
        Some((there, peer))
    }

    fn keys_of(&mut self, link: &mut LinkSpec, place: usize, keys: &[Key], table: &Table<'_>) {
        for key in keys {
            match table.get(key.name) {
                None => self.default(link, key),
                Some(entry) => self.link_key(link, place, key, &entry.node),
            }
        }
    }

    /// A default that is ours, not the kernel's.
    fn default(&mut self, link: &mut LinkSpec, key: &Key) {
        let value = match (key.shape, key.default) {
            (b'n', default) => number(default, u64::MAX).map(SettingValue::Number),
            _ => None,
        };
        if let Some(value) = value {
            link.settings.push(Setting { at: link.at, key: key.name, value });
        }
    }

    fn link_key(&mut self, link: &mut LinkSpec, place: usize, key: &Key, node: &Node<'_>) {
        match key.shape {
            b'A' => self.complaints.keep(node, &mut link.addresses, |words| Some(address::parse(words))),
            b'L' => {
                let mut routes = std::mem::take(&mut self.topology.places[place].routes);
                self.routes(node, &mut routes, Some(link.name));
                self.topology.places[place].routes = routes;
            }
            b'u' => {
                if let Some(SettingValue::Flag(up)) = self.scalar(key, node) {
                    link.up = up;
                }
            }
            b'M' => link.master = self.device_name(node).map(|what| Said { at: node.at, what }),
            b'd' => {
                self.complaints.line(node, &mut |words, at| {
                    // In which place a name without `host:` is, is found out when all links are known.
                    let text = words.rest();
                    let (place, text) = text.strip_prefix("host:").map_or((place, text), |text| (0, text));
                    link.lower = words.device(text).map(|name| Said { at, what: LinkRef { place, name } });
                });
            }
            b'I' => link.sysctls = self.sysctls(node, place == 0, true),
            b'V' => self.complaints.keep(node, &mut link.vlans, |words| Some(port_vlan(words))),
            b'N' | b'P' | b'Q' | b'Z' => {}
            _ => {
                if let Some(value) = self.scalar(key, node) {
                    link.settings.push(Setting { at: node.at, key: key.name, value });
                }
            }
        }
    }
}

/// `ID[-ID] [pvid] [untagged]`.
#[inline(never)]
fn port_vlan(words: &mut Words<'_>) -> PortVlan {
    let text = words.rest();
    let ids = short_span(words.next().unwrap_or_default(), 4094);
    if ids.is_none() {
        words.fail("\"%\" is no VLAN: ID or ID-ID from 1 to 4094, pvid, untagged", &[text]);
    }
    let mut vlan = PortVlan { ids: ids.unwrap_or_default(), pvid: false, untagged: false };
    while let Some(item) = words.item("pvid=p- untagged=u-") {
        vlan.pvid |= item.key == b'p';
        vlan.untagged |= item.key == b'u';
    }
    if vlan.pvid && vlan.ids.0 != vlan.ids.1 {
        words.fail("pvid: one VLAN alone can be the port's own", &[]);
    }
    vlan
}

/// Writes what [`port_vlan`] reads.
pub fn port_vlan_text(vlan: PortVlan) -> String {
    let (first, last) = vlan.ids;
    let mut text = first.to_string();
    if first != last {
        text.push('-');
        text.push_str(&last.to_string());
    }
    for (is, word) in [(vlan.pvid, " pvid"), (vlan.untagged, " untagged")] {
        text.push_str(if is { word } else { "" });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_there_and_back() {
        let read = |text| {
            let mut words = Words::new(text);
            let vlan = port_vlan(&mut words);
            words.wrong().map_or(Some(vlan), |_| None)
        };
        for text in ["10", "10 pvid untagged", "1-4094 untagged"] {
            assert_eq!(port_vlan_text(read(text).unwrap()), text);
        }
        for bad in ["", "0", "4095", "2-1", "1-2 pvid", "1 pivd", "x"] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
