//! A topology in, the tree of a file that says it out: the same table of keys, the other way round.

use std::borrow::Cow;
use std::net::IpAddr;

use super::check::index;
use super::keys::{Key, Keys};
use super::read::port_vlan_text;
use super::tree::{Form, Index, Node, Table, Value};
use super::words::{address, nat, neigh, plain, route, rule};
use crate::model::ip::addr_text;
use crate::model::name::IfName;
use crate::model::topology::{
    Dns, ForwardPort, LinkKind, LinkSpec, Masquerade, Origin, Place, Said, SettingValue, Sysctl, Topology,
};

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

/// A list to be.
#[derive(Default)]
struct List(Vec<Node<'static>>);

impl List {
    #[inline(never)]
    fn push(&mut self, value: Value<'static>) {
        self.0.push(node(value));
    }

    #[inline(never)]
    fn text(&mut self, own: String) {
        self.push(text(own));
    }

    /// Puts it where it is not empty.
    #[inline(never)]
    fn put(self, table: &mut Table<'static>, key: &'static str) {
        if !self.0.is_empty() {
            put(table, key, Value::List(self.0));
        }
    }
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
        let mut list = List::default();
        let mut inner = Table::new(Form::Inline);
        match key.shape {
            b'F' => {
                for (on, name) in [(place.forward.v4, "ipv4"), (place.forward.v6, "ipv6")] {
                    if on {
                        list.text(name.to_owned());
                    }
                }
            }
            b'S' => inner = sysctls(&place.sysctls),
            b'R' => {
                for said in place.routes.iter().filter(|said| !said.what.of_link) {
                    list.text(route::text(&said.what));
                }
            }
            b'U' => place.rules.iter().for_each(|said| list.text(rule::text(&said.what))),
            b'G' => place.neighs.iter().for_each(|said| list.text(neigh::text(&said.what))),
            b'q' => place.masquerades.iter().for_each(|said| list.push(masquerade(&said.what))),
            b'f' => place.forward_ports.iter().for_each(|said| list.push(forward_port(&said.what))),
            b'D' => {
                if let Some(said) = &place.dns {
                    put(table, key.name, dns(&said.what));
                }
            }
            b'H' => {
                for (name, addresses) in place.hosts.iter().map(|said| &said.what) {
                    put(&mut inner, name.clone(), addresses_list(addresses));
                }
            }
            _ => {
                inner.form = Form::Implicit;
                for (at, link) in place.links.iter().enumerate().filter(|row| row.1.kind.name() == key.name) {
                    put(&mut inner, plain(&link.name).to_owned(), Value::Table(self.link(number, link, &routes[at])));
                }
            }
        }
        list.put(table, key.name);
        put_table(table, key.name, inner);
    }

    fn find(&self, place: usize, name: &[u8]) -> Option<usize> {
        let links = &self.topology.places.get(place)?.links;
        self.names.get(place)?.find(name, |number| links[number].name.as_bytes() == name)
    }

    fn link(&self, place: usize, link: &LinkSpec, routes: &[String]) -> Table<'static> {
        let mut table = Table::new(if link.kind == LinkKind::Peer { Form::Inline } else { Form::Header });
        for key in self.keys.of(&[link.kind.name(), "link"]) {
            let mut list = List::default();
            let mut own = None;
            match key.shape {
                b'A' => link.addresses.iter().for_each(|said| list.text(address::text(&said.what))),
                b'L' => routes.iter().for_each(|route| list.text(route.clone())),
                b'V' => link.vlans.iter().for_each(|said| list.text(port_vlan_text(said.what))),
                b'u' => own = (!link.up).then_some(Value::Flag(false)),
                b'M' => own = link.master.as_ref().map(|said| text(plain(&said.what).to_owned())),
                b'd' => {
                    if let Some(lower) = link.lower.as_ref().map(|said| &said.what) {
                        let host = if lower.place != place { "host:" } else { "" };
                        own = Some(text([host, plain(&lower.name)].concat()));
                    }
                }
                b'I' => put_table(&mut table, key.name, sysctls(&link.sysctls)),
                b'N' => own = Some(text(plain(&link.name).to_owned())),
                b'P' => {
                    let name = self.topology.places.get(place).and_then(|place| place.name.as_ref());
                    own = name.map(|name| text(name.to_string()));
                }
                b'Q' => self.peer(&mut table, key.name, link),
                _ => {
                    let value = link.get(key.name).map(|own| value(&key, own));
                    own = value.filter(|value| !matches!(value, Value::Number(n) if n.to_string() == key.default));
                }
            }
            list.put(&mut table, key.name);
            if let Some(own) = own {
                put(&mut table, key.name, own);
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

fn addresses_list(addresses: &[IpAddr]) -> Value<'static> {
    let mut list = List::default();
    addresses.iter().for_each(|addr| list.text(addr_text(addr).to_string()));
    Value::List(list.0)
}

fn dns(dns: &Dns) -> Value<'static> {
    let mut table = Table::new(Form::Inline);
    if !dns.nameservers.is_empty() {
        put(&mut table, "nameserver", addresses_list(&dns.nameservers));
    }
    for (key, words) in [("search", &dns.search), ("options", &dns.options)] {
        let mut list = List::default();
        words.iter().for_each(|word| list.text(word.clone()));
        list.put(&mut table, key);
    }
    Value::Table(table)
}

fn masquerade(what: &Masquerade) -> Value<'static> {
    let mut table = Table::new(Form::Header);
    for (key, prefixes) in [("from", &what.from), ("to", &what.to)] {
        let mut list = List::default();
        prefixes.iter().for_each(|prefix| list.text(prefix.text().to_string()));
        list.put(&mut table, key);
    }
    put_name(&mut table, "out", what.out);
    Value::Table(table)
}

fn forward_port(what: &ForwardPort) -> Value<'static> {
    let mut table = Table::new(Form::Header);
    put(&mut table, "listen", text(nat::listen_text((what.protocol, what.address, what.ports))));
    put(&mut table, "to", text(nat::target_text(what.to, what.to_port)));
    put_name(&mut table, "in", what.input);
    Value::Table(table)
}

fn put_name(table: &mut Table<'static>, key: &'static str, name: Option<IfName>) {
    if let Some(name) = name {
        put(table, key, text(plain(&name).to_owned()));
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
        SettingValue::Address(addr) => text(addr_text(addr).to_string()),
        SettingValue::Mac(mac) => text(neigh::mac_text(mac)),
    }
}
