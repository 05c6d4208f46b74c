//! What a namespace or the host holds besides links: routes, rules, parameters, names, translations.

use std::net::IpAddr;

use super::Reader;
use crate::file::keys::{self, Key};
use crate::file::tree::{Entry, Node, Table, Value};
use crate::file::words::{name_wrong, nat, neigh, route, rule};
use crate::model::ip::Prefix;
use crate::model::name::IfName;
use crate::model::topology::{Dns, Forward, ForwardPort, LinkKind, Masquerade, Place, RouteSpec, Said, Sysctl};

/// Parameters of links: the link's own part comes behind these.
const LINK_SYSCTLS: [&str; 4] = ["net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.", "net.ipv6.neigh."];

impl Reader<'_> {
    /// Reads a place's table.
    pub fn place(&mut self, number: usize, table: &Table<'_>) {
        let sets = self.sets;
        let (keys, heard) = (sets.place(number), self.complaints.heard);
        // Aside, so that keys can be read while it is filled; links go in by way of the topology.
        let mut place = std::mem::take(&mut self.topology.places[number]);
        for key in keys {
            if let Some(entry) = table.get(key.name) {
                self.place_key(number, &mut place, key, &entry.node);
            }
        }
        self.topology.places[number] = place;
        self.unsure(heard, [number; 2]);
        for kind in LinkKind::ALL {
            let name = kind.name();
            if let Some(entry) = table.get(name) {
                for entry in self.named(entry, name) {
                    self.link(number, kind, entry);
                }
            }
        }
    }

    fn place_key(&mut self, number: usize, place: &mut Place, key: &Key, node: &Node<'_>) {
        match key.shape {
            b'F' => place.forward = self.forward(key, node),
            b'S' => place.sysctls = self.sysctls(node, number == 0, false),
            b'R' => self.routes(node, &mut place.routes, None),
            b'U' => self.complaints.keep(node, &mut place.rules, |words| Some(rule::parse(words))),
            b'G' => self.complaints.keep(node, &mut place.neighs, neigh::parse),
            b'q' => place.masquerades = self.masquerades(node),
            b'f' => place.forward_ports = self.forward_ports(node),
            b'D' => place.dns = self.dns(node),
            b'H' => place.hosts = self.hosts(node),
            _ => {}
        }
    }

    fn forward(&mut self, key: &Key, node: &Node<'_>) -> Forward {
        let mut forward = Forward::default();
        let key = Key { shape: b'w', ..*key };
        self.complaints.lines(node, &mut |words, _| {
            let text = words.rest();
            super::value::text_value(&key, words, text);
            *(if text == "ipv4" { &mut forward.v4 } else { &mut forward.v6 }) = true;
        });
        forward
    }

    /// Routes of a place, or of a link in it.
    #[inline(never)]
    pub fn routes(&mut self, node: &Node<'_>, list: &mut Vec<Said<RouteSpec>>, link: Option<IfName>) {
        self.complaints.keep(node, list, |words| Some(route::parse(words, link)));
    }

    /// Parameters by name.
    #[inline(never)]
    pub fn sysctls(&mut self, node: &Node<'_>, is_host: bool, is_link: bool) -> Vec<Said<Sysctl>> {
        let mut sysctls = Vec::new();
        for entry in self.entries(node, "a table of parameters, { \"net.ipv4.ip_forward\" = 1 }") {
            self.sysctl("", entry, &mut |name| sysctl_wrong(name, is_host, is_link), &mut sysctls);
        }
        sysctls
    }

    /// A parameter. Without quotes around its name, the parts of that are tables in each other.
    fn sysctl(
        &mut self,
        above: &str,
        entry: &Entry<'_>,
        wrong: &mut dyn FnMut(&str) -> Option<&'static str>,
        list: &mut Vec<Said<Sysctl>>,
    ) {
        let mut name = [above, &entry.key].concat();
        let value = match &entry.node.value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) if !text.bytes().any(|byte| byte.is_ascii_control()) && text.len() < 4096 => {
                text.to_string()
            }
            Value::Flag(on) => u8::from(*on).to_string(),
            Value::Table(table) if !table.entries().is_empty() => {
                name.push('.');
                table.entries().iter().for_each(|entry| self.sysctl(&name, entry, wrong, list));
                return;
            }
            _ => {
                self.expected(&entry.node, &["a number or one line of text"]);
                return;
            }
        };
        match wrong(&name) {
            Some(why) => self.complaints.add(entry.at, "sysctl: \"%\" %", &[&name, why]),
            None => list.push(Said { at: entry.at, what: Sysctl { name, value } }),
        }
    }

    fn dns(&mut self, node: &Node<'_>) -> Option<Said<Dns>> {
        let Value::Table(table) = &node.value else {
            self.expected(node, &["a table: { nameserver = [\"192.0.2.53\"] }"]);
            return None;
        };
        let keys = keys::of(&["dns"]);
        self.check_keys(table, &keys, node.at, &["dns"]);
        let mut dns = Dns::default();
        for key in &keys {
            let Some(entry) = table.get(key.name) else { continue };
            match key.name {
                "nameserver" => dns.nameservers = self.addresses(&entry.node),
                "search" => dns.search = self.tokens(key, &entry.node),
                _ => dns.options = self.tokens(key, &entry.node),
            }
        }
        Some(Said { at: node.at, what: dns })
    }

    fn hosts(&mut self, node: &Node<'_>) -> Vec<Said<(String, Vec<IpAddr>)>> {
        let mut hosts = Vec::new();
        for entry in self.entries(node, "a table of addresses by name: { db = \"10.0.0.5\" }") {
            let why = name_wrong(&entry.key);
            if !why.is_empty() {
                self.complaints.add(entry.at, "not a name of a machine: \"%\"%", &[&entry.key, why]);
            }
            let addresses = self.addresses(&entry.node);
            hosts.push(Said { at: entry.at, what: (entry.key.to_string(), addresses) });
        }
        hosts
    }

    /// The entries of a table; else what was expected is told.
    #[inline(never)]
    fn entries<'t>(&mut self, node: &'t Node<'t>, what: &str) -> &'t [Entry<'t>] {
        if let Value::Table(table) = &node.value {
            return table.entries();
        }
        self.expected(node, &[what]);
        &[]
    }

    /// A list of addresses.
    #[inline(never)]
    fn addresses(&mut self, node: &Node<'_>) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        self.complaints.lines(node, &mut |words, _| {
            let first = words.value("address");
            addresses.push(words.address(first));
            words.end();
        });
        addresses
    }

    /// Networks, each without host bits.
    #[inline(never)]
    fn networks(&mut self, node: &Node<'_>) -> Vec<Prefix> {
        let mut networks = Vec::new();
        self.complaints.lines(node, &mut |words, _| {
            let first = words.value("network");
            let network = words.network(first);
            words.end();
            networks.extend(words.wrong().is_none().then_some(network));
        });
        networks
    }

    /// The name of an interface.
    #[inline(never)]
    pub fn device_name(&mut self, node: &Node<'_>) -> Option<IfName> {
        let mut name = None;
        self.complaints.line(node, &mut |words, _| name = words.device(words.rest()));
        name
    }

    fn masquerades(&mut self, node: &Node<'_>) -> Vec<Said<Masquerade>> {
        let keys = keys::of(&["masquerade"]);
        let mut list = Vec::new();
        for (at, table) in self.complaints.tables(node, "masquerade") {
            self.check_keys(table, &keys, at, &["masquerade"]);
            let mut what = Masquerade::default();
            for key in &keys {
                let Some(entry) = table.get(key.name) else { continue };
                match key.name {
                    "from" => {
                        what.from = self.networks(&entry.node);
                        if matches!(&entry.node.value, Value::List(list) if list.is_empty()) {
                            self.complaints.add(entry.node.at, "masquerade: \"from\" is empty", &[]);
                        }
                    }
                    "to" => what.to = self.networks(&entry.node),
                    _ => what.out = self.device_name(&entry.node),
                }
            }
            // Each family is translated by itself, and an empty `to` is anywhere.
            let lacks = |family| !what.to.is_empty() && !what.to.iter().any(|to| to.family() == family);
            if let Some(from) = what.from.iter().find(|from| lacks(from.family())) {
                self.complaints.add(at, "masquerade: no \"to\" is of the family of %", &[&from.text()]);
            }
            list.push(Said { at, what });
        }
        list
    }

    fn forward_ports(&mut self, node: &Node<'_>) -> Vec<Said<ForwardPort>> {
        let keys = keys::of(&["forward-port"]);
        let mut list = Vec::new();
        for (at, table) in self.complaints.tables(node, "forward-port") {
            self.check_keys(table, &keys, at, &["forward-port"]);
            let (mut listen, mut to, mut input) = (None, None, None);
            for key in &keys {
                let Some(entry) = table.get(key.name) else { continue };
                self.complaints.line(&entry.node, &mut |words, _| match key.shape {
                    b'l' => listen = Some(nat::listen(words, words.rest())).filter(|_| words.wrong().is_none()),
                    b'j' => to = Some(nat::target(words, words.rest())).filter(|_| words.wrong().is_none()),
                    _ => input = words.device(words.rest()),
                });
            }
            let Some(((protocol, address, ports), (to, to_port))) = listen.zip(to) else { continue };
            if address.is_some_and(|own| own.is_ipv4() != to.is_ipv4()) {
                self.complaints.add(at, "forward-port: \"listen\" and \"to\" are of different families", &[]);
            }
            list.push(Said { at, what: ForwardPort { protocol, address, ports, to, to_port, input } });
        }
        list
    }

    /// Where a name of another namespace than the host is said.
    pub fn place_of(&mut self, node: &Node<'_>) -> Option<usize> {
        match &node.value {
            Value::Text(name) => self.find_netns(name, node.at),
            _ => {
                self.expected(node, &["a string"]);
                None
            }
        }
    }
}

/// What is wrong with the name of a parameter.
fn sysctl_wrong(name: &str, is_host: bool, is_link: bool) -> Option<&'static str> {
    let is_part = |part: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/:@".contains(&byte);
        !part.is_empty() && part.bytes().all(is_plain) && !part.starts_with('/')
    };
    if !name.split('.').all(is_part) || !name.contains('.') {
        return Some("is not a name of a parameter (net.ipv4.ip_forward)");
    }
    if is_link {
        let rest = LINK_SYSCTLS.iter().find_map(|folder| name.strip_prefix(folder));
        return rest.is_none_or(|rest| rest.contains('.')).then_some(
            "is not of a link; it is written without the link's name: net.ipv4.conf.rp_filter, net.ipv6.neigh.retrans_time_ms",
        );
    }
    (!is_host && !name.starts_with("net.")).then_some("is of the whole machine; namespaces have net.* of their own")
}
