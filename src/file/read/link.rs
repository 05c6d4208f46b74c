//! A link's table: common keys, those of its kind, and the other end of a veth.

use super::Reader;
use crate::file::keys::Key;
use crate::file::tree::{Entry, Node, Table, Value};
use crate::file::words::{Words, address, number, plain, short_span};
use crate::model::name::IfName;
use crate::model::topology::{LinkKind, LinkRef, LinkSpec, Origin, PortVlan, Said, Setting, SettingValue};

impl Reader<'_> {
    /// Reads a link of a place.
    pub fn link(&mut self, place: usize, kind: LinkKind, entry: &Entry<'_>) {
        let Value::Table(table) = &entry.node.value else { return };
        let (mut there, heard) = (place, self.complaints.heard);
        let own = Node { at: entry.at, value: Value::Text(entry.key.as_ref().into()) };
        let what = [kind.name(), " ", &entry.key];
        let Some((mut link, is_link)) = self.end(kind, (place, entry.at), Some(&own), table, &what) else { return };
        if let Some(entry) = table.get("peer").filter(|_| kind == LinkKind::Veth) {
            let name = link.name;
            there = self.peer(&mut link, (place, name), &entry.node);
        }
        if is_link {
            self.topology.places[place].links.push(link);
        }
        self.unsure(heard, [place, there]);
    }

    /// The other end of a veth; the place that it is in.
    fn peer(&mut self, link: &mut LinkSpec, (place, own): (usize, IfName), node: &Node<'_>) -> usize {
        let Value::Table(table) = &node.value else {
            self.expected(node, &["a table: { name = \"NAME\" }"]);
            return place;
        };
        let netns = table.get("netns").map(|entry| self.place_of(&entry.node));
        let there = netns.map_or(0, Option::unwrap_or_default);
        let name = table.get("name").map(|entry| &entry.node);
        let what = ["the peer of ", plain(&own)];
        if let Some((mut peer, true)) = self.end(LinkKind::Peer, (there, node.at), name, table, &what)
            && netns != Some(None)
        {
            peer.peer = Some(LinkRef { place, name: own });
            link.peer = Some(LinkRef { place: there, name: peer.name });
            self.topology.places[there].links.push(peer);
        }
        there
    }

    /// A link with its keys, and whether it is one: with a wrong name it is read for what else is wrong.
    fn end(
        &mut self,
        kind: LinkKind,
        (place, at): (usize, Origin),
        name: Option<&Node<'_>>,
        table: &Table<'_>,
        what: &[&str],
    ) -> Option<(LinkSpec, bool)> {
        let keys = self.sets.link(kind);
        self.check_keys(table, keys, at, what);
        let routes = self.topology.places[place].routes.len();
        let good = name.and_then(|name| self.device_name(name));
        let mut link = LinkSpec::new(good.or(IfName::new(b"?"))?, kind, name.map_or(at, |name| name.at));
        self.keys_of(&mut link, place, keys, table);
        if good.is_none() {
            self.topology.places[place].routes.truncate(routes);
        }
        Some((link, good.is_some()))
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
