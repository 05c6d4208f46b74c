//! A link's table: common keys, those of its kind, and the other end of a veth.

use super::Reader;
use crate::file::keys::Key;
use crate::file::tree::{Entry, Node, Table, Value};
use crate::file::words::{Wrong, device, number, wrong};
use crate::model::topology::{LinkKind, LinkRef, LinkSpec, PortVlan, Said, Setting, SettingValue};

impl Reader<'_> {
    /// Reads a link of a place.
    pub fn link(&mut self, place: usize, kind: LinkKind, entry: &Entry<'_>) {
        let Value::Table(table) = &entry.node.value else { return };
        let keys = self.sets.link(kind);
        self.check_keys(table, keys, entry.at, &[kind.name(), " ", &entry.key]);
        let Some(name) = self.told(entry.at, device(&entry.key)) else { return };
        let mut link = LinkSpec::new(name, kind, entry.at);
        self.keys_of(&mut link, place, keys, table);
        let peer = keys.iter().find(|key| key.shape == b'Q').and_then(|key| table.get(key.name));
        let peer = peer.and_then(|entry| self.peer(&mut link, place, &entry.node));
        self.topology.places[place].links.push(link);
        if let Some((place, peer)) = peer {
            self.topology.places[place].links.push(peer);
        }
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
        let at = table.get("name")?;
        let name = self.text(&at.node).and_then(|text| self.told(at.node.at, device(text)))?;
        let there = match table.get("netns") {
            Some(entry) => self.place_of(&entry.node)?,
            None => 0,
        };
        let mut peer = LinkSpec::new(name, LinkKind::Peer, at.node.at);
        peer.peer = Some(LinkRef { place, name: link.name });
        link.peer = Some(LinkRef { place: there, name });
        self.keys_of(&mut peer, there, keys, table);
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
            b'A' => {
                for (at, text) in self.texts(node) {
                    let addr = self.told(at, crate::file::words::address::parse(text));
                    if let Some(what) = addr {
                        link.addresses.push(Said { at, what });
                    }
                }
            }
            b'L' => self.routes(node, place, Some(link.name)),
            b'u' => {
                if let Some(SettingValue::Flag(up)) = self.scalar(key, node) {
                    link.up = up;
                }
            }
            b'M' => {
                let name = self.text(node).and_then(|text| self.told(node.at, device(text)));
                link.master = name.map(|what| Said { at: node.at, what });
            }
            b'd' => {
                let Some(text) = self.text(node) else { return };
                // In which place a name without `host:` is, is found out when all links are known.
                let (place, text) = text.strip_prefix("host:").map_or((place, text), |text| (0, text));
                let name = self.told(node.at, device(text));
                link.lower = name.map(|name| Said { at: node.at, what: LinkRef { place, name } });
            }
            b'I' => link.sysctls = self.sysctls(node, place == 0, true),
            b'V' => {
                for (at, text) in self.texts(node) {
                    let vlan = self.told(at, port_vlan(text));
                    if let Some(what) = vlan {
                        link.vlans.push(Said { at, what });
                    }
                }
            }
            b'N' | b'P' | b'Q' | b'Z' => {}
            _ => {
                let value = self.scalar(key, node);
                let value = value.and_then(|value| self.told(node.at, check_address(key, value)));
                if let Some(value) = value {
                    link.settings.push(Setting { at: node.at, key: key.name, value });
                }
            }
        }
    }
}

/// A tunnel's group is multicast, its ends are not.
fn check_address(key: &Key, value: SettingValue) -> Result<SettingValue, Wrong> {
    match value {
        SettingValue::Address(addr) if addr.is_multicast() != (key.name == "group") => {
            let is = if addr.is_multicast() { " is a multicast address" } else { " is not a multicast address" };
            wrong(&[key.name, ": ", &crate::model::ip::addr_text(&addr), is])
        }
        value => Ok(value),
    }
}

/// `ID[-ID] [pvid] [untagged]`.
fn port_vlan(text: &str) -> Result<PortVlan, Wrong> {
    let mut words = text.split_ascii_whitespace();
    let ids = words.next().unwrap_or_default();
    let (first, last) = ids.split_once('-').unwrap_or((ids, ids));
    let id = |word| number(word, 4094).and_then(|id| u16::try_from(id).ok()).filter(|id| *id != 0);
    let Some(ids) = id(first).zip(id(last)).filter(|(first, last)| first <= last) else {
        return wrong(&["\"", text, "\" is no VLAN: ID or ID-ID from 1 to 4094, pvid, untagged"]);
    };
    let mut vlan = PortVlan { ids, pvid: false, untagged: false };
    for word in words {
        match word {
            "pvid" if ids.0 == ids.1 => vlan.pvid = true,
            "pvid" => return wrong(&["pvid: one VLAN alone can be the port's own"]),
            "untagged" => vlan.untagged = true,
            _ => return crate::file::words::unknown(word, "pvid untagged"),
        }
    }
    Ok(vlan)
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
        for text in ["10", "10 pvid untagged", "1-4094 untagged"] {
            assert_eq!(port_vlan_text(port_vlan(text).unwrap()), text);
        }
        for bad in ["", "0", "4095", "2-1", "1-2 pvid", "1 pivd", "x"] {
            assert!(port_vlan(bad).is_err(), "{bad}");
        }
    }
}
