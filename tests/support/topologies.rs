//! Topologies made up from a seed: files that are right, of kinds of links that nearly every kernel has (veth,
//! bridge, vxlan, macvlan, tap). Each decision is drawn by its name, so that two topologies of one seed can differ
//! in a few decisions only.

#![allow(dead_code)]

mod dice;

use dice::Dice;

/// The owner of all that is made up.
pub const NAME: &str = "made-up";

/// The topology of a seed, as TOML.
pub fn topology(seed: u64) -> String {
    made(Dice { seed, other: None })
}

/// Two topologies of one owner. By the seed they are as different as two can be, or one decision in five of the first
/// is drawn again for the second, or one in twenty.
pub fn pair(seed: u64) -> (String, String) {
    let other = seed ^ 0x5bd1_e995_0000_0001;
    let second = match seed % 3 {
        0 => Dice { seed: other, other: None },
        1 => Dice { seed, other: Some((other, 5)) },
        _ => Dice { seed, other: Some((other, 20)) },
    };
    (topology(seed), made(second))
}

/// A link, or one end of a pair.
struct Link {
    kind: &'static str,
    place: u64,
    name: String,
    /// Its networks are `10.SLOT.0/24` and `fd00:SLOT::/64`; the ends of a pair share them.
    slot: (u64, u64),
    /// Its own number in these networks.
    host: u64,
    is_up: bool,
    master: Option<String>,
    /// The other end's place in the list of links.
    peer: Option<usize>,
    lower: Option<usize>,
}

struct Maker {
    dice: Dice,
    links: Vec<Link>,
    text: String,
}

fn made(dice: Dice) -> String {
    let mut maker = Maker { dice, links: Vec::new(), text: String::new() };
    let places: Vec<u64> = (0..4).filter(|place| *place == 0 || !dice.one_in(&format!("no n{place}"), 4)).collect();
    maker.choose(&places);
    maker.line(&format!("name = \"{NAME}\""));
    for place in places {
        maker.place(place);
    }
    maker.text
}

impl Maker {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A key with a list of strings, unless that is empty.
    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.line(&format!("{key} = {values:?}"));
        }
    }

    fn maybe(&mut self, name: &str, sides: u64, line: &str) {
        if self.dice.one_in(name, sides) {
            self.line(line);
        }
    }

    /// Which links there are, what kinds they are of, and how they hang together.
    fn choose(&mut self, places: &[u64]) {
        let dice = self.dice;
        let up = |name: &str| !dice.one_in(&format!("{name} down"), 6);
        let link = |kind, place, name: String, slot, host| {
            let is_up = up(&name);
            Link { kind, place, name, slot, host, is_up, master: None, peer: None, lower: None }
        };
        for &place in places {
            for number in 0..3 {
                let name = format!("l{place}{number}");
                let kind = dice.pick(&format!("{name} kind"), &["", "", "bridge", "bridge", "tap", "vxlan", "macvlan"]);
                if !kind.is_empty() {
                    let kind = ["bridge", "tap", "vxlan", "macvlan"].into_iter().find(|own| *own == kind).unwrap();
                    self.links.push(link(kind, place, name, (2, place * 8 + number), 1));
                }
            }
        }
        let start = self.links.len();
        for number in 0..5 {
            if dice.one_in(&format!("no v{number}"), 4) {
                continue;
            }
            let at = self.links.len();
            for (end, host) in [("v", 1), ("w", 5)] {
                let name = format!("{end}{number}");
                let place = places[usize::try_from(dice.roll(&format!("{name} place"), places.len() as u64)).unwrap()];
                self.links.push(link("veth", place, name, (1, number), host));
            }
            self.links[at].peer = Some(at + 1);
            self.links[at + 1].peer = Some(at);
        }
        for at in 0..self.links.len() {
            let (kind, place, name) = (self.links[at].kind, self.links[at].place, self.links[at].name.clone());
            let bridges: Vec<String> = self.of(|other| other.kind == "bridge" && other.place == place);
            if !bridges.is_empty() && !matches!(kind, "bridge" | "macvlan") && dice.one_in(&format!("{name} port"), 2) {
                let which = dice.roll(&format!("{name} master"), bridges.len() as u64);
                self.links[at].master = bridges.into_iter().nth(usize::try_from(which).unwrap());
            }
        }
        for at in 0..start {
            self.choose_lower(at);
        }
    }

    fn of(&self, is: impl Fn(&Link) -> bool) -> Vec<String> {
        self.links.iter().filter(|link| is(link)).map(|link| link.name.clone()).collect()
    }

    /// A macvlan shares a link of its place or the host's; a vxlan may leave by a link of its place. The link is up,
    /// no port, and has an MTU that leaves room. A macvlan that finds none is a tap.
    fn choose_lower(&mut self, at: usize) {
        let (dice, own) = (self.dice, &self.links[at]);
        let fits = |link: &Link| {
            let is_near = link.place == own.place || (own.kind == "macvlan" && link.place == 0);
            // A bridge takes the MTU of its ports, which may leave no room.
            let is_free = self.links.iter().all(|port| port.master.as_ref() != Some(&link.name));
            let may = link.kind == "veth" || (own.kind == "macvlan" && link.kind == "bridge" && is_free);
            is_near && link.is_up && link.master.is_none() && may
        };
        let lowers: Vec<usize> = (0..self.links.len()).filter(|other| fits(&self.links[*other])).collect();
        let which = dice.roll(&format!("{} lower", own.name), lowers.len().max(1) as u64);
        let lower = lowers.get(usize::try_from(which).unwrap()).copied();
        match (own.kind, lower) {
            ("macvlan", Some(_)) => self.links[at].lower = lower,
            ("macvlan", None) => self.links[at].kind = "tap",
            ("vxlan", _) if !dice.one_in(&format!("{} free", own.name), 3) => self.links[at].lower = lower,
            _ => {}
        }
    }

    /// A namespace, or the host.
    fn place(&mut self, place: u64) {
        let own = format!("p{place}");
        let head = if place == 0 { String::new() } else { format!("netns.n{place}.") };
        if place > 0 {
            self.line(&format!("[netns.n{place}]"));
            self.maybe(
                &format!("{own} dns"),
                3,
                "dns = { nameserver = [\"192.0.2.53\", \"fd00::53\"], search = \"lan\" }",
            );
            self.maybe(&format!("{own} hosts"), 3, "hosts = { db = [\"10.0.0.5\", \"fd00::5\"] }");
        }
        let dice = self.dice;
        let forward = dice.pick(&format!("{own} forward"), &["", "\"ipv4\"", "[\"ipv4\", \"ipv6\"]", ""]);
        if !forward.is_empty() {
            self.line(&format!("forward = {forward}"));
        }
        let ttl = 60 + dice.roll(&format!("{own} ttl"), 3);
        self.maybe(
            &format!("{own} sysctl"),
            3,
            &format!("sysctl = {{ \"net.ipv4.ip_default_ttl\" = {ttl}, \"net.ipv4.tcp_mtu_probing\" = 1 }}"),
        );
        self.routes(place);
        let mut rules = Vec::new();
        for (number, rule) in [
            "from 10.0.0.0/8 table 7",
            "from fd00::/16 fwmark 0x1/0xf blackhole",
            "to 192.0.2.0/24 iif lo table main suppress_prefixlength 0",
            "not from 192.0.2.1 ipproto tcp dport 80 table 9",
        ]
        .iter()
        .enumerate()
        {
            if dice.one_in(&format!("{own} rule {number}"), 6) {
                let priority = 100 + dice.roll(&format!("{own} priority {number}"), 2) * 10 + number as u64;
                rules.push(format!("{rule} priority {priority}"));
            }
        }
        self.list("rule", &rules);
        for at in 0..self.links.len() {
            let link = &self.links[at];
            // A pair stands where its first end is.
            if link.place == place && (link.kind != "veth" || link.peer > Some(at)) {
                let line = format!("[{head}{}.{}]", link.kind, link.name);
                self.line(&line);
                self.kind(at);
                self.link(at);
                if let Some(peer) = self.links[at].peer {
                    let name = self.links[peer].name.clone();
                    self.line(&format!("{}.peer]\nname = \"{name}\"", line.trim_end_matches(']')));
                    if self.links[peer].place > 0 {
                        self.line(&format!("netns = \"n{}\"", self.links[peer].place));
                    }
                    self.link(peer);
                }
            }
        }
        if dice.one_in(&format!("{own} masquerade"), 3) {
            let out = dice.pick(&format!("{own} out"), &["", "out = \"eth0\"\n", "to = \"192.0.2.0/24\"\n"]);
            self.line(&format!("[[{head}masquerade]]\nfrom = [\"10.1.0.0/16\"]\n{out}"));
        }
        for number in 0..dice.roll(&format!("{own} ports"), 3) {
            let listen =
                dice.pick(&format!("{own} listen {number}"), &["tcp/80N0", "udp/80N0-80N9", "tcp/[fd00::1]:80N0"]);
            let to = if listen.contains('[') { "[fd00::9]:1" } else { "10.0.0.9:1" };
            let listen = listen.replace('N', &number.to_string());
            self.line(&format!("[[{head}forward-port]]\nlisten = \"{listen}\"\nto = \"{to}\""));
        }
    }

    /// Routes that are not of one link, and neighbours.
    fn routes(&mut self, place: u64) {
        let (dice, own) = (self.dice, format!("p{place}"));
        let mut routes = Vec::new();
        for (number, route) in
            ["blackhole 203.0.113.0/24", "unreachable fd09::/64 metric 5", "prohibit 203.0.114.7/32 table 77"]
                .iter()
                .enumerate()
        {
            if dice.one_in(&format!("{own} route {number}"), 4) {
                routes.push((*route).to_owned());
            }
        }
        let ready: Vec<&Link> = self
            .links
            .iter()
            .filter(|link| link.place == place && link.is_up && self.addresses(link).iter().any(|a| a.contains('.')))
            .collect();
        let gateway = |link: &Link| format!("10.{}.{}.254", link.slot.0, link.slot.1);
        if let Some(first) = ready.first().filter(|_| dice.one_in(&format!("{own} default"), 2)) {
            routes.push(format!("default via {}", gateway(first)));
        }
        if let [first, .., last] = &ready[..]
            && dice.one_in(&format!("{own} multipath"), 3)
        {
            let weight = 1 + dice.roll(&format!("{own} weight"), 3);
            let hops = [gateway(first), gateway(last)];
            routes.push(format!(
                "198.51.100.0/24 nexthop via {} weight {weight} nexthop via {} weight 2",
                hops[0], hops[1]
            ));
        }
        let mut neighs = Vec::new();
        for link in &ready {
            if dice.one_in(&format!("{} neigh", link.name), 4) {
                let last = dice.roll(&format!("{} lladdr", link.name), 3);
                let net = format!("10.{}.{}", link.slot.0, link.slot.1);
                neighs.push(format!("{net}.77 lladdr 02:00:00:00:77:0{last} dev {}", link.name));
            }
            if dice.one_in(&format!("{} proxy", link.name), 8) {
                neighs.push(format!("proxy 192.0.2.77 dev {}", link.name));
            }
        }
        self.list("route", &routes);
        self.list("neigh", &neighs);
    }

    /// Addresses of a link, without the words behind them in IPv6.
    fn addresses(&self, link: &Link) -> Vec<String> {
        let (dice, name, (a, b)) = (self.dice, &link.name, link.slot);
        let is_second = link.peer.is_some_and(|peer| self.links[peer].place == link.place && link.host == 5);
        let families = dice.roll(&format!("{name} families"), 5);
        let mut out = Vec::new();
        // Both ends in one place: the second has none, for networks must not overlap.
        if is_second || (link.master.is_some() && !dice.one_in(&format!("{name} port's address"), 5)) {
            return out;
        }
        let host = link.host + dice.roll(&format!("{name} host"), 3);
        if families > 1 {
            let tail = dice.pick(&format!("{name} tail"), &["", "", "", " metric 7", " broadcast +", " scope link"]);
            // The kernel refuses a second address of another scope in one subnet.
            let more = dice.one_in(&format!("{name} more"), 3) && tail != " scope link";
            out.push(format!("10.{a}.{b}.{host}/24{tail}"));
            if more {
                out.push(format!("10.{a}.{b}.{}/24", host + 20));
            }
            if dice.one_in(&format!("{name} single"), 4) {
                out.push(format!("10.9.{a}.{}/32", b * 8 + host));
            }
        }
        if families == 1 || families == 3 {
            let tail = dice.pick(&format!("{name} tail6"), &["", "", "", " nodad", " metric 9"]);
            out.push(format!("fd00:{a}:{b}::{host}/64{tail}"));
        }
        out
    }

    /// The keys of any link.
    fn link(&mut self, at: usize) {
        let (dice, link) = (self.dice, &self.links[at]);
        let (name, (a, b), is_up) = (link.name.clone(), link.slot, link.is_up);
        let addresses = self.addresses(link);
        let mut routes = Vec::new();
        if is_up {
            for (number, route) in [
                format!("10.{}.{b}.0/24 via 10.{a}.{b}.254", a + 100),
                format!("192.0.2.{}/32", a * 50 + b),
                format!("198.51.{}.0/24 via 10.{a}.{b}.253 mtu lock 1400 advmss 1300 table {}", a + 100, b + 300),
                format!("10.{}.{b}.0/24 via 10.{a}.{b}.252 metric 20", a + 100),
                format!("fd01:{a}:{b}::/48 via fd00:{a}:{b}::fe metric 3"),
                format!("fd02:{a}:{b}::/48 via fe80::1 pref low"),
            ]
            .into_iter()
            .enumerate()
            {
                let family = if route.starts_with("fd") { ':' } else { '.' };
                let is_reached = addresses.iter().any(|address| address.contains(family));
                if is_reached && dice.one_in(&format!("{name} route {number}"), 5) {
                    routes.push(route);
                }
            }
        }
        let mac = format!("02:00:0{a}:{b:02x}:0{}:0{}", link.host, dice.roll(&format!("{name} last of mac"), 2));
        let mtu = dice.pick(&format!("{name} which mtu"), &["1400", "1420", "9000"]);
        let mtu = match (link.kind, link.lower) {
            ("veth" | "tap", _) if dice.one_in(&format!("{name} mtu"), 3) => Some(mtu),
            // These follow the link below when they are made, and not any more later.
            ("macvlan", _) => Some("1400"),
            ("vxlan", Some(_)) => Some("1300"),
            _ => None,
        };
        if let Some(master) = link.master.clone() {
            self.line(&format!("master = \"{master}\""));
        }
        if !is_up {
            self.line("up = false");
        }
        self.list("address", &addresses);
        self.list("route", &routes);
        if let Some(mtu) = mtu {
            self.line(&format!("mtu = {mtu}"));
        }
        self.maybe(&format!("{name} mac"), 4, &format!("mac = \"{mac}\""));
        self.maybe(&format!("{name} queue"), 5, "txqueuelen = 77");
        let words = dice.pick(&format!("{name} words"), &["to the \\\"left\\\" \\\\ {1..3} ä", "nothing", "x"]);
        self.maybe(&format!("{name} alias"), 5, &format!("alias = \"{words}\""));
        let filter = dice.roll(&format!("{name} rp_filter"), 3);
        self.maybe(
            &format!("{name} sysctl"),
            5,
            &format!("sysctl = {{ \"net.ipv4.conf.rp_filter\" = {filter}, \"net.ipv4.neigh.gc_stale_time\" = 50 }}"),
        );
    }

    /// The keys of a kind.
    fn kind(&mut self, at: usize) {
        let (dice, link) = (self.dice, &self.links[at]);
        let (name, (_, id)) = (link.name.clone(), link.slot);
        let lower = link.lower.map(|lower| {
            let lower = &self.links[lower];
            if lower.place == link.place { lower.name.clone() } else { format!("host:{}", lower.name) }
        });
        match link.kind {
            "bridge" => {
                self.maybe(&format!("{name} stp"), 3, "stp = true");
                self.maybe(&format!("{name} priority"), 4, "priority = 4096");
                self.maybe(&format!("{name} delay"), 3, "forward_delay = 200");
                self.maybe(&format!("{name} ageing"), 3, "ageing_time = 20000");
                self.maybe(&format!("{name} snooping"), 3, "mcast_snooping = false");
            }
            "tap" => {
                self.maybe(&format!("{name} user"), 3, "user = 0");
                self.maybe(&format!("{name} queues"), 3, "multi_queue = true");
                self.maybe(&format!("{name} header"), 3, "vnet_hdr = true");
            }
            "macvlan" => {
                let mode = dice.pick(&format!("{name} mode"), &["private", "vepa", "bridge"]);
                self.line(&format!("link = \"{}\"\nmode = \"{mode}\"", lower.unwrap_or_default()));
            }
            "vxlan" => {
                self.line(&format!("id = {}", id + 100));
                let ends =
                    ["remote = \"192.0.2.1\"", "local = \"fd00::9\"", "remote = \"192.0.2.1\"\nlocal = \"192.0.2.9\""];
                self.line(dice.pick(&format!("{name} ends"), &ends));
                if let Some(lower) = lower {
                    self.line(&format!("dev = \"{lower}\""));
                }
                self.maybe(&format!("{name} port"), 3, "dstport = 8472");
                self.maybe(&format!("{name} ttl"), 3, "ttl = 9");
                self.maybe(&format!("{name} learning"), 3, "learning = false");
            }
            _ => {}
        }
    }
}
