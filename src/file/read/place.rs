//! What a namespace or the host holds besides links: routes, rules, parameters, names, translations.

use super::Reader;
use crate::file::keys::Key;
use crate::file::tree::{Entry, Node, Table, Value};
use crate::file::words::{Words, is_name, nat, neigh, network, route, rule, wrong};
use crate::model::ip::{Family, Prefix};
use crate::model::name::IfName;
use crate::model::topology::{Dns, Forward, ForwardPort, LinkKind, Masquerade, Place, Said, Sysctl};

/// Parameters of links: the link's own part comes behind these.
const LINK_SYSCTLS: [&str; 4] = ["net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.", "net.ipv6.neigh."];

impl Reader<'_> {
    /// Reads a place's table.
    pub fn place(&mut self, number: usize, table: &Table<'_>) {
        let sets = self.sets;
        let keys = if number == 0 { &sets.file } else { &sets.netns };
        for key in keys {
            if let Some(entry) = table.get(key.name) {
                self.place_key(number, key, entry);
            }
        }
    }

    fn own(&mut self, number: usize) -> &mut Place {
        &mut self.topology.places[number]
    }

    fn place_key(&mut self, number: usize, key: &Key, entry: &Entry<'_>) {
        let node = &entry.node;
        match key.shape {
            b'F' => self.own(number).forward = self.forward(key, node),
            b'S' => self.own(number).sysctls = self.sysctls(node, number == 0, false),
            b'R' => self.routes(node, number, None),
            b'U' => {
                for (at, line) in self.texts(node) {
                    let rule = self.told(at, rule::parse(line));
                    if let Some(what) = rule {
                        self.own(number).rules.push(Said { at, what });
                    }
                }
            }
            b'G' => {
                for (at, line) in self.texts(node) {
                    let neigh = self.told(at, neigh::parse(line));
                    if let Some(what) = neigh {
                        self.own(number).neighs.push(Said { at, what });
                    }
                }
            }
            b'q' => self.own(number).masquerades = self.masquerades(node),
            b'f' => self.own(number).forward_ports = self.forward_ports(node),
            b'D' => self.own(number).dns = self.dns(node),
            b'H' => self.own(number).hosts = self.hosts(node),
            b'K' => {
                let kind = LinkKind::ALL.into_iter().find(|kind| kind.name() == key.name);
                // The namespaces themselves are such a table too.
                if let Some(kind) = kind {
                    for entry in self.named(entry, key.name) {
                        self.link(number, kind, entry);
                    }
                }
            }
            _ => {}
        }
    }

    fn forward(&mut self, key: &Key, node: &Node<'_>) -> Forward {
        let mut forward = Forward::default();
        let key = Key { shape: b'w', ..*key };
        for (at, text) in self.texts(node) {
            if self.scalar(&key, &Node { at, value: Value::Text(text.into()) }).is_some() {
                *(if text == "ipv4" { &mut forward.v4 } else { &mut forward.v6 }) = true;
            }
        }
        forward
    }

    /// Routes of a place, or of a link in it.
    pub fn routes(&mut self, node: &Node<'_>, number: usize, link: Option<IfName>) {
        for (at, line) in self.texts(node) {
            let route = self.told(at, route::parse(line, link));
            if let Some(what) = route {
                self.own(number).routes.push(Said { at, what });
            }
        }
    }

    /// Parameters by name.
    pub fn sysctls(&mut self, node: &Node<'_>, is_host: bool, is_link: bool) -> Vec<Said<Sysctl>> {
        let Value::Table(table) = &node.value else {
            self.expected(node, &["a table of parameters, { \"net.ipv4.ip_forward\" = 1 }"]);
            return Vec::new();
        };
        let mut sysctls = Vec::new();
        for entry in table.entries() {
            let value = match &entry.node.value {
                Value::Number(number) => number.to_string(),
                Value::Text(text) if !text.bytes().any(|byte| byte.is_ascii_control()) && text.len() < 4096 => {
                    text.to_string()
                }
                Value::Flag(on) => u8::from(*on).to_string(),
                _ => {
                    self.expected(&entry.node, &["a number or one line of text"]);
                    continue;
                }
            };
            match sysctl_wrong(&entry.key, is_host, is_link) {
                Some(why) => self.complaints.add(entry.at, "sysctl: ", &["\"", &entry.key, "\" ", why]),
                None => sysctls.push(Said { at: entry.at, what: Sysctl { name: entry.key.to_string(), value } }),
            }
        }
        sysctls
    }

    fn dns(&mut self, node: &Node<'_>) -> Option<Said<Dns>> {
        let Value::Table(table) = &node.value else {
            self.expected(node, &["a table: { nameserver = [\"192.0.2.53\"] }"]);
            return None;
        };
        let keys = self.sets.keys.of(&["dns"]);
        self.check_keys(table, &keys, node.at, &["dns"]);
        let mut dns = Dns::default();
        for key in &keys {
            match (key.name, table.get(key.name).map(|entry| &entry.node)) {
                (_, None) => {}
                ("nameserver", Some(node)) => dns.nameservers = self.addresses(node),
                ("search", Some(node)) => dns.search = self.tokens(key, node),
                (_, Some(node)) => dns.options = self.tokens(key, node),
            }
        }
        Some(Said { at: node.at, what: dns })
    }

    fn hosts(&mut self, node: &Node<'_>) -> Vec<Said<(String, Vec<std::net::IpAddr>)>> {
        let Value::Table(table) = &node.value else {
            self.expected(node, &["a table of addresses by name: { db = \"10.0.0.5\" }"]);
            return Vec::new();
        };
        let mut hosts = Vec::new();
        for entry in table.entries() {
            if !is_name(&entry.key) {
                self.complaints.add(entry.at, "not a name of a machine: ", &["\"", &entry.key, "\""]);
            }
            let mut addresses = Vec::new();
            for (at, text) in self.texts(&entry.node) {
                let mut words = Words::new(text);
                let addr = words.address("address");
                if let Some(one) = self.told(at, addr) {
                    addresses.push(one);
                }
            }
            hosts.push(Said { at: entry.at, what: (entry.key.to_string(), addresses) });
        }
        hosts
    }

    /// Networks, each without host bits.
    fn networks(&mut self, node: &Node<'_>) -> Vec<Prefix> {
        let mut networks = Vec::new();
        for (at, text) in self.texts(node) {
            let mut words = Words::new(text);
            let network = words.value("network").and_then(|first| network(&mut words, first, Family::V4));
            let whole = match words.next() {
                Some(word) => wrong(&["\"", word, "\" is too much"]),
                None => network,
            };
            if let Some(one) = self.told(at, whole) {
                networks.push(one);
            }
        }
        networks
    }

    fn device_name(&mut self, node: &Node<'_>) -> Option<IfName> {
        let text = self.text(node)?;
        self.told(node.at, crate::file::words::device(text))
    }

    fn masquerades(&mut self, node: &Node<'_>) -> Vec<Said<Masquerade>> {
        let keys = self.sets.keys.of(&["masquerade"]);
        let mut list = Vec::new();
        for (at, table) in self.tables(node, "masquerade") {
            self.check_keys(table, &keys, at, &["masquerade"]);
            let mut what = Masquerade::default();
            for key in &keys {
                match (key.name, table.get(key.name).map(|entry| &entry.node)) {
                    (_, None) => {}
                    ("from", Some(node)) => what.from = self.networks(node),
                    ("to", Some(node)) => what.to = self.networks(node),
                    (_, Some(node)) => what.out = self.device_name(node),
                }
            }
            // Each family is translated by itself, and an empty `to` is anywhere.
            let lacks = |family| !what.to.is_empty() && !what.to.iter().any(|to| to.family() == family);
            if let Some(from) = what.from.iter().find(|from| lacks(from.family())) {
                self.complaints.add(at, "masquerade: ", &["no \"to\" is of the family of ", &from.text()]);
            }
            list.push(Said { at, what });
        }
        list
    }

    fn forward_ports(&mut self, node: &Node<'_>) -> Vec<Said<ForwardPort>> {
        let keys = self.sets.keys.of(&["forward-port"]);
        let mut list = Vec::new();
        for (at, table) in self.tables(node, "forward-port") {
            self.check_keys(table, &keys, at, &["forward-port"]);
            let (mut listen, mut to, mut input) = (None, None, None);
            for key in &keys {
                let Some(node) = table.get(key.name).map(|entry| &entry.node) else { continue };
                match key.shape {
                    b'l' => listen = self.text(node).and_then(|text| self.told(node.at, nat::listen(text))),
                    b'j' => to = self.text(node).and_then(|text| self.told(node.at, nat::target(text))),
                    _ => input = self.device_name(node),
                }
            }
            let Some(((protocol, address, ports), (to, to_port))) = listen.zip(to) else { continue };
            if address.is_some_and(|own| own.is_ipv4() != to.is_ipv4()) {
                self.complaints.add(at, "forward-port: ", &["\"listen\" and \"to\" are of different families"]);
            }
            list.push(Said { at, what: ForwardPort { protocol, address, ports, to, to_port, input } });
        }
        list
    }

    /// Where a name of another namespace than the host is said.
    pub fn place_of(&mut self, node: &Node<'_>) -> Option<usize> {
        let name = self.text(node)?;
        self.find_netns(name, node.at)
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
