//! A topology in, the tree of a file that says it out: the same table of keys, the other way round.

use std::borrow::Cow;

use super::check::index;
use super::keys::{Key, Keys};
use super::read::port_vlan_text;
use super::tree::{Form, Index, Node, Table, Value};
use super::words::{address, nat, neigh, route, rule};
use crate::model::ip::addr_text;
use crate::model::topology::{LinkKind, LinkSpec, Origin, Place, Said, SettingValue, Sysctl, Topology};

/// The tree of a topology.
pub fn tree(topology: &Topology) -> Table<'static> {
    let keys = Keys::new();
    let names: Vec<Index> = topology.places.iter().map(|place| index(&place.links)).collect();
    let writer = Writer { topology, keys: &keys, names };
    let mut root = Table::new(Form::Header);
    put(&mut root, "name", text(topology.name.clone()));
    if let Some(host) = topology.places.first() {
        writer.place(&mut root, 0, host);
    }
    let mut places = Table::new(Form::Implicit);
    for (number, place) in topology.places.iter().enumerate().skip(1) {
        let mut table = Table::new(Form::Header);
        writer.place(&mut table, number, place);
        let name = place.name.as_ref().map(ToString::to_string).unwrap_or_default();
        put(&mut places, name, Value::Table(table));
    }
    put_table(&mut root, "netns", places);
    root
}

fn node(value: Value<'static>) -> Node<'static> {
    Node { at: Origin::default(), value }
}

fn put(table: &mut Table<'static>, key: impl Into<Cow<'static, str>>, value: Value<'static>) {
    table.push(Origin::default(), key.into(), node(value));
}

fn text(text: String) -> Value<'static> {
    Value::Text(text.into())
}

/// Puts a table that is not empty.
fn put_table(table: &mut Table<'static>, key: &'static str, inner: Table<'static>) {
    if !inner.entries().is_empty() {
        put(table, key, Value::Table(inner));
    }
}

/// Puts a list that is not empty.
fn put_list(table: &mut Table<'static>, key: &'static str, list: impl Iterator<Item = Value<'static>>) {
    let list: Vec<Node<'_>> = list.map(node).collect();
    if !list.is_empty() {
        put(table, key, Value::List(list));
    }
}

/// Puts a list of texts.
fn put_texts(table: &mut Table<'static>, key: &'static str, list: impl Iterator<Item = String>) {
    put_list(table, key, list.map(text));
}

struct Writer<'a> {
    topology: &'a Topology,
    keys: &'a Keys,
    names: Vec<Index>,
}

impl Writer<'_> {
    fn place(&self, table: &mut Table<'static>, number: usize, place: &Place) {
        let keys = self.keys.of(if number == 0 { &["place"] } else { &["netns", "place"] });
        // Routes of each link, so that they are looked for once.
        let mut routes: Vec<Vec<String>> = vec![Vec::new(); place.links.len()];
        for spec in place.routes.iter().map(|said| &said.what).filter(|spec| spec.of_link) {
            if let Some(at) = spec.device.and_then(|name| self.find(number, name.as_bytes())) {
                routes[at].push(route::text(spec));
            }
        }
        for key in &keys {
            self.place_key(table, number, place, key, &routes);
        }
    }

    fn place_key(&self, table: &mut Table<'static>, number: usize, place: &Place, key: &Key, routes: &[Vec<String>]) {
        match key.shape {
            b'F' => {
                let families = [(place.forward.v4, "ipv4"), (place.forward.v6, "ipv6")];
                put_texts(table, key.name, families.into_iter().filter(|row| row.0).map(|row| row.1.to_owned()));
            }
            b'S' => put_table(table, key.name, sysctls(&place.sysctls)),
            b'R' => {
                let own = place.routes.iter().filter(|said| !said.what.of_link);
                put_texts(table, key.name, own.map(|said| route::text(&said.what)));
            }
            b'U' => put_texts(table, key.name, place.rules.iter().map(|said| rule::text(&said.what))),
            b'G' => put_texts(table, key.name, place.neighs.iter().map(|said| neigh::text(&said.what))),
            b'q' => put_list(
                table,
                key.name,
                place.masquerades.iter().map(|said| {
                    let mut table = Table::new(Form::Header);
                    put_texts(&mut table, "from", said.what.from.iter().map(|prefix| prefix.text()));
                    put_texts(&mut table, "to", said.what.to.iter().map(|prefix| prefix.text()));
                    if let Some(out) = said.what.out {
                        put(&mut table, "out", text(out.to_string()));
                    }
                    Value::Table(table)
                }),
            ),
            b'f' => put_list(
                table,
                key.name,
                place.forward_ports.iter().map(|said| {
                    let what = said.what;
                    let mut table = Table::new(Form::Header);
                    let listen = nat::listen_text((what.protocol, what.address, what.ports));
                    put(&mut table, "listen", text(listen));
                    put(&mut table, "to", text(nat::target_text(what.to, what.to_port)));
                    if let Some(input) = what.input {
                        put(&mut table, "in", text(input.to_string()));
                    }
                    Value::Table(table)
                }),
            ),
            b'D' => {
                if let Some(dns) = place.dns.as_ref().map(|said| &said.what) {
                    let mut inner = Table::new(Form::Inline);
                    put_texts(&mut inner, "nameserver", dns.nameservers.iter().map(addr_text));
                    put_texts(&mut inner, "search", dns.search.iter().cloned());
                    put_texts(&mut inner, "options", dns.options.iter().cloned());
                    put(table, key.name, Value::Table(inner));
                }
            }
            b'H' => {
                let mut inner = Table::new(Form::Inline);
                for (name, addresses) in place.hosts.iter().map(|said| &said.what) {
                    let list = addresses.iter().map(|addr| node(text(addr_text(addr)))).collect();
                    put(&mut inner, name.clone(), Value::List(list));
                }
                put_table(table, key.name, inner);
            }
            _ => {
                let mut inner = Table::new(Form::Implicit);
                for (at, link) in place.links.iter().enumerate().filter(|row| row.1.kind.name() == key.name) {
                    put(&mut inner, link.name.to_string(), Value::Table(self.link(number, link, &routes[at])));
                }
                put_table(table, key.name, inner);
            }
        }
    }

    fn find(&self, place: usize, name: &[u8]) -> Option<usize> {
        let links = &self.topology.places.get(place)?.links;
        self.names.get(place)?.find(name, |number| links[number].name.as_bytes() == name)
    }

    fn link(&self, place: usize, link: &LinkSpec, routes: &[String]) -> Table<'static> {
        let mut table = Table::new(if link.kind == LinkKind::Peer { Form::Inline } else { Form::Header });
        for key in self.keys.of(&[link.kind.name(), "link"]) {
            match key.shape {
                b'A' => put_texts(&mut table, key.name, link.addresses.iter().map(|said| address::text(&said.what))),
                b'L' => put_texts(&mut table, key.name, routes.iter().cloned()),
                b'u' if !link.up => put(&mut table, key.name, Value::Flag(false)),
                b'u' => {}
                b'M' => {
                    if let Some(master) = &link.master {
                        put(&mut table, key.name, text(master.what.to_string()));
                    }
                }
                b'd' => {
                    if let Some(lower) = link.lower.as_ref().map(|said| &said.what) {
                        let host = if lower.place != place { "host:" } else { "" };
                        put(&mut table, key.name, text([host, &lower.name.to_string()].concat()));
                    }
                }
                b'I' => put_table(&mut table, key.name, sysctls(&link.sysctls)),
                b'V' => put_texts(&mut table, key.name, link.vlans.iter().map(|said| port_vlan_text(said.what))),
                b'N' => put(&mut table, key.name, text(link.name.to_string())),
                b'P' => {
                    let name = self.topology.places.get(place).and_then(|place| place.name.as_ref());
                    if let Some(name) = name {
                        put(&mut table, key.name, text(name.to_string()));
                    }
                }
                b'Q' => self.peer(&mut table, key.name, link),
                _ => {
                    if let Some(value) = link.get(key.name).map(|own| value(&key, own)) {
                        let is_default = matches!(&value, Value::Number(number) if number.to_string() == key.default);
                        if !is_default {
                            put(&mut table, key.name, value);
                        }
                    }
                }
            }
        }
        table
    }

    /// The other end of a veth.
    fn peer(&self, table: &mut Table<'static>, key: &'static str, link: &LinkSpec) {
        let Some(peer) = &link.peer else { return };
        let Some(place) = self.topology.places.get(peer.place) else { return };
        let Some(end) = self.find(peer.place, peer.name.as_bytes()).map(|at| &place.links[at]) else { return };
        let own = place.routes.iter().map(|said| &said.what);
        let own = own.filter(|spec| spec.of_link && spec.device == Some(peer.name));
        let routes: Vec<String> = own.map(route::text).collect();
        put(table, key, Value::Table(self.link(peer.place, end, &routes)));
    }
}

fn sysctls(list: &[Said<Sysctl>]) -> Table<'static> {
    let mut table = Table::new(Form::Inline);
    for sysctl in list.iter().map(|said| &said.what) {
        // As it would be written by hand, where that is the same text.
        let number = sysctl.value.parse().ok().filter(|number: &i64| number.to_string() == sysctl.value);
        let value = number.map_or_else(|| text(sysctl.value.clone()), Value::Number);
        put(&mut table, sysctl.name.clone(), value);
    }
    table
}

fn value(key: &Key, value: &SettingValue) -> Value<'static> {
    match value {
        SettingValue::Number(time) if key.shape == b'e' => {
            let (number, unit) = if time % 1000 == 0 { (time / 1000, "s") } else { (*time, "ms") };
            text([&number.to_string(), unit].concat())
        }
        SettingValue::Number(number) => Value::Number(i64::try_from(*number).unwrap_or(i64::MAX)),
        SettingValue::Flag(on) => Value::Flag(*on),
        SettingValue::Text(own) => text(own.clone()),
        SettingValue::Address(addr) => text(addr_text(addr)),
        SettingValue::Mac(mac) => text(neigh::mac_text(mac)),
    }
}
