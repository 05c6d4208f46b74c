//! A topology in, the text of a file that says it out: the same table of keys, the other way round.

use std::net::IpAddr;

use super::check::index;
use super::keys::{Key, Sets};
use super::print::{Form, Out};
use super::read::port_vlan_text;
use super::words::{address, nat, neigh, plain, route, rule};
use crate::model::index::Index;
use crate::model::ip::addr_text;
use crate::model::name::IfName;
use crate::model::topology::{Dns, LinkKind, Place, RouteSpec, Said, SettingValue, Sysctl, Topology};

/// The topology as TOML 1.0.
pub fn toml(topology: &Topology) -> String {
    text(topology, false)
}

/// The topology as JSON, a value a line.
pub fn json(topology: &Topology) -> String {
    text(topology, true)
}

#[inline(never)]
fn text(topology: &Topology, is_json: bool) -> String {
    let sets = Sets::get();
    let links = topology.places.iter().map(Links::of).collect();
    let mut writer = Writer { topology, sets, links, out: Out::new(is_json) };
    writer.out.string("name", &topology.name);
    if !topology.places.is_empty() {
        writer.place(0);
    }
    if topology.places.len() > 1 {
        let above = writer.out.open("netns", Form::Implicit);
        for (number, place) in topology.places.iter().enumerate().skip(1) {
            let name = place.name.as_ref().map(|name| crate::model::name::printable(name.as_bytes()));
            let above = writer.out.open(&name.unwrap_or_default(), Form::Header);
            writer.place(number);
            writer.out.close(above, Form::Header);
        }
        writer.out.close(above, Form::Implicit);
    }
    writer.out.end()
}

/// The links of a place by name, and the routes of each.
struct Links<'a> {
    index: Index,
    routes: Vec<Vec<&'a RouteSpec>>,
}

impl<'a> Links<'a> {
    fn of(place: &'a Place) -> Self {
        let mut links = Links { index: index(&place.links), routes: vec![Vec::new(); place.links.len()] };
        for spec in place.routes.iter().map(|said| &said.what).filter(|spec| spec.of_link) {
            if let Some(at) = spec.device.and_then(|name| links.find(place, name)) {
                links.routes[at].push(spec);
            }
        }
        links
    }

    fn find(&self, place: &Place, name: IfName) -> Option<usize> {
        self.index.find(name.as_bytes(), |number| place.links[number].name == name)
    }
}

struct Writer<'a> {
    topology: &'a Topology,
    sets: &'a Sets,
    links: Vec<Links<'a>>,
    out: Out,
}

impl Writer<'_> {
    fn place(&mut self, number: usize) {
        let sets = self.sets;
        for key in sets.place(number) {
            self.place_key(number, key);
        }
        // Their tables have headers, so they come last.
        let place = &self.topology.places[number];
        for kind in LinkKind::ALL {
            let mut above = None;
            for (at, link) in place.links.iter().enumerate().filter(|row| row.1.kind == kind) {
                above = above.or_else(|| Some(self.out.open(kind.name(), Form::Implicit)));
                let inner = self.out.open(plain(&link.name), Form::Header);
                self.link(number, at);
                self.out.close(inner, Form::Header);
            }
            if let Some(above) = above {
                self.out.close(above, Form::Implicit);
            }
        }
    }

    fn place_key(&mut self, number: usize, key: &Key) {
        let place = &self.topology.places[number];
        let (out, name) = (&mut self.out, key.name);
        match key.shape {
            b'F' => {
                let families = [(place.forward.v4, "ipv4"), (place.forward.v6, "ipv6")];
                out.list(name, &mut families.iter().filter(|family| family.0).map(|family| family.1.to_owned()));
            }
            b'S' => sysctls(out, name, &place.sysctls),
            b'R' => {
                let own = place.routes.iter().filter(|said| !said.what.of_link);
                out.list(name, &mut own.map(|said| route::text(&said.what)));
            }
            b'U' => out.list(name, &mut place.rules.iter().map(|said| rule::text(&said.what))),
            b'G' => out.list(name, &mut place.neighs.iter().map(|said| neigh::text(&said.what))),
            b'q' => out.tables(name, place.masquerades.len(), &mut |out, at| {
                let what = &place.masquerades[at].what;
                for (key, prefixes) in [("from", &what.from), ("to", &what.to)] {
                    out.list(key, &mut prefixes.iter().map(|prefix| prefix.text().to_string()));
                }
                device(out, "out", what.out.as_ref());
            }),
            b'f' => out.tables(name, place.forward_ports.len(), &mut |out, at| {
                let what = &place.forward_ports[at].what;
                out.string("listen", &nat::listen_text((what.protocol, what.address, what.ports)));
                out.string("to", &nat::target_text(what.to, what.to_port));
                device(out, "in", what.input.as_ref());
            }),
            b'D' => {
                if let Some(said) = &place.dns {
                    dns(out, name, &said.what);
                }
            }
            b'H' if !place.hosts.is_empty() => {
                let above = out.open(name, Form::Inline);
                for (host, list) in place.hosts.iter().map(|said| &said.what) {
                    match list.is_empty() {
                        true => out.word(host, "[]"),
                        false => addresses(out, host, list),
                    }
                }
                out.close(above, Form::Inline);
            }
            _ => {}
        }
    }

    fn link(&mut self, number: usize, at: usize) {
        let place = &self.topology.places[number];
        let (link, sets) = (&place.links[at], self.sets);
        for key in sets.link(link.kind) {
            let (out, name) = (&mut self.out, key.name);
            match key.shape {
                b'A' => out.list(name, &mut link.addresses.iter().map(|said| address::text(&said.what))),
                b'L' => out.list(name, &mut self.links[number].routes[at].iter().map(|spec| route::text(spec))),
                b'V' => out.list(name, &mut link.vlans.iter().map(|said| port_vlan_text(said.what))),
                b'u' if !link.up => out.word(name, "false"),
                b'M' => device(out, name, link.master.as_ref().map(|said| &said.what)),
                b'd' => {
                    if let Some(lower) = link.lower.as_ref().map(|said| &said.what) {
                        let host = if lower.place != number { "host:" } else { "" };
                        out.string(name, &[host, plain(&lower.name)].concat());
                    }
                }
                b'I' => sysctls(out, name, &link.sysctls),
                b'N' => device(out, name, Some(&link.name)),
                b'P' => {
                    if let Some(own) = &place.name {
                        out.string(name, &crate::model::name::printable(own.as_bytes()));
                    }
                }
                b'Q' => {
                    let peer = link.peer.as_ref();
                    let there = peer.and_then(|peer| self.topology.places.get(peer.place));
                    let Some((peer, there)) = peer.zip(there) else { continue };
                    if let Some(end) = self.links[peer.place].find(there, peer.name) {
                        let above = out.open(name, Form::Inline);
                        self.link(peer.place, end);
                        self.out.close(above, Form::Inline);
                    }
                }
                _ => {
                    if let Some(own) = link.get(name) {
                        value(out, key, own);
                    }
                }
            }
        }
    }
}

#[inline(never)]
fn addresses(out: &mut Out, key: &str, list: &[IpAddr]) {
    out.list(key, &mut list.iter().map(|addr| addr_text(addr).to_string()));
}

fn dns(out: &mut Out, key: &str, dns: &Dns) {
    let above = out.open(key, Form::Inline);
    addresses(out, "nameserver", &dns.nameservers);
    for (key, words) in [("search", &dns.search), ("options", &dns.options)] {
        out.list(key, &mut words.iter().cloned());
    }
    out.close(above, Form::Inline);
}

#[inline(never)]
fn device(out: &mut Out, key: &str, name: Option<&IfName>) {
    if let Some(name) = name {
        out.string(key, plain(name));
    }
}

#[inline(never)]
fn sysctls(out: &mut Out, key: &str, list: &[Said<Sysctl>]) {
    if list.is_empty() {
        return;
    }
    let above = out.open(key, Form::Inline);
    for sysctl in list.iter().map(|said| &said.what) {
        // As it would be written by hand, where that is the same text.
        let number = sysctl.value.parse().ok().filter(|number: &i64| number.to_string() == sysctl.value);
        match number {
            Some(_) => out.word(&sysctl.name, &sysctl.value),
            None => out.string(&sysctl.name, &sysctl.value),
        }
    }
    out.close(above, Form::Inline);
}

fn value(out: &mut Out, key: &Key, value: &SettingValue) {
    let name = key.name;
    match value {
        SettingValue::Number(time) if key.shape == b'e' => {
            let (number, unit) = if time % 1000 == 0 { (time / 1000, "s") } else { (*time, "ms") };
            out.string(name, &[&number.to_string(), unit].concat());
        }
        SettingValue::Number(number) => {
            // The reader puts in what is not said.
            let text = number.to_string();
            if text != key.default {
                out.word(name, &text);
            }
        }
        SettingValue::Flag(on) => out.word(name, if *on { "true" } else { "false" }),
        SettingValue::Text(own) => out.string(name, own),
        SettingValue::Address(addr) => out.string(name, &addr_text(addr)),
        SettingValue::Mac(mac) => out.string(name, &neigh::mac_text(mac)),
    }
}
