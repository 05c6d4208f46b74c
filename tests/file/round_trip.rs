//! Text -> topology -> TOML and JSON -> topology, on topologies made up from a seed.

use super::parse;
use netstrap::file::{json, toml};

/// Numbers of a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
}

/// What has been made up so far; a counter keeps names and networks apart.
struct Maker {
    dice: Dice,
    text: String,
    count: usize,
}

impl Maker {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Maybe a line.
    fn maybe(&mut self, sides: usize, line: &str) {
        if self.dice.one_in(sides) {
            self.line(line);
        }
    }

    /// A network that no other link has, as the beginning of an address.
    fn net(&mut self) -> (usize, usize) {
        self.count += 1;
        (self.count / 250 + 1, self.count % 250)
    }

    /// Addresses, with routes that go with them.
    fn addresses(&mut self, is_up: bool) {
        if self.dice.one_in(3) {
            return;
        }
        let (a, b) = self.net();
        let tail = self.dice.pick(&["", " nodad", " metric 7", " scope link", " noprefixroute", " scope 9"]);
        let v4 = match self.dice.roll(3) {
            0 => format!("10.{a}.{b}.0/24 + 3"),
            1 => format!("10.{a}.{b}.3/24 broadcast +"),
            _ => format!("10.{a}.{b}.3/24"),
        };
        self.line(&format!("address = [\"{v4}{tail}\", \"fd00:{a}:{b}::3/64\"]"));
        let routes = [
            format!("10.{}.{b}.0/24 via 10.{a}.{b}.1", a + 100),
            format!("fd01:{a}:{b}::/48 via fd00:{a}:{b}::1 metric 3"),
            format!("192.0.2.{}/32", b % 200),
            format!("fd02:{a}:{b}::/48 via fe80::1 pref low"),
            format!("throw 10.{}.{b}.0/24 table 77", a + 100),
            format!("198.51.100.0/24 via 10.{a}.{b}.9 mtu lock 1400 advmss 1300 table {}", b + 300),
        ];
        // Without its own route, an address makes no gateway reachable; and without its link, nothing is.
        let lost = |route: &&String| route.contains("via 10.") && tail == " noprefixroute";
        let chosen = routes.iter().filter(|route| is_up && !lost(route) && self.dice.one_in(3));
        let chosen: Vec<_> = chosen.map(|route| format!("{route:?}")).collect();
        if !chosen.is_empty() {
            self.line(&format!("route = [{}]", chosen.join(", ")));
        }
    }

    fn common(&mut self) {
        let is_up = !self.dice.one_in(5);
        self.addresses(is_up);
        self.maybe(4, "mtu = 1400");
        if !is_up {
            self.line("up = false");
        }
        self.maybe(5, "txqueuelen = 0");
        self.maybe(5, "alias = \"to the \\\"left\\\" \\\\ {1..3} ä\"");
        self.maybe(5, "sysctl = { \"net.ipv4.conf.rp_filter\" = 0, \"net.ipv6.conf.accept_ra\" = \"2\" }");
    }

    /// The links of a place; `host` where the place may have a NIC.
    fn links(&mut self, head: &str, is_host: bool) {
        let mut names = Vec::new();
        for number in 0..self.dice.roll(4) {
            let kind = self.dice.pick(&["bridge", "dummy", "tap", "vrf"]);
            let name = format!("{}{number}", &kind[..2]);
            self.line(&format!("[{head}{kind}.{name}]"));
            match kind {
                "bridge" => {
                    self.maybe(2, "stp = true");
                    self.maybe(2, "forward_delay = 200");
                    self.maybe(2, "vlan_filtering = true");
                    self.maybe(3, "vlan = [\"10 pvid untagged\", \"20-30\"]");
                    self.common();
                }
                "tap" => {
                    self.maybe(2, "user = 1000");
                    self.maybe(2, "multi_queue = true");
                    self.common();
                }
                "vrf" => {
                    let table = 1000 + number;
                    self.line(&format!("table = {table}"));
                }
                _ => {
                    self.maybe(2, "mac = \"02:00:00:00:00:0a\"");
                    self.common();
                }
            }
            names.push((kind, name));
        }
        let lowers: Vec<String> = names.iter().filter(|row| row.0 != "vrf").map(|row| row.1.clone()).collect();
        for number in 0..if lowers.is_empty() { 0 } else { self.dice.roll(4) } {
            let lower = lowers[self.dice.roll(lowers.len())].clone();
            let kind = self.dice.pick(&["vlan", "macvlan", "ipvlan", "vxlan"]);
            self.line(&format!("[{head}{kind}.up{number}]"));
            match kind {
                "vlan" => self.line(&format!("link = \"{lower}\"\nid = {}\nprotocol = \"802.1ad\"", number + 5)),
                "vxlan" => {
                    let end =
                        self.dice.pick(&["remote = \"192.0.2.1\"", "group = \"239.1.1.1\"", "local = \"fd00::9\""]);
                    self.line(&format!("id = {number}\ndev = \"{lower}\"\n{end}"));
                    self.maybe(2, "dstport = 8472");
                    self.maybe(2, "learning = false");
                }
                _ => self.line(&format!("link = \"{lower}\"")),
            }
            self.maybe(2, if kind == "macvlan" { "mode = \"bridge\"" } else { "" });
            self.common();
        }
        if is_host && self.dice.one_in(2) {
            self.line("[device.eth0]");
            self.maybe(2, "wait = \"1500ms\"");
            self.maybe(2, "driver = \"virtio_net\"");
            self.addresses(true);
        }
    }
}

/// A file that is right.
fn made_up(seed: u64) -> String {
    let mut maker = Maker { dice: Dice(seed.wrapping_mul(2654435761).max(1)), text: String::new(), count: 0 };
    maker.line("name = \"lab.x_1-y\"");
    if maker.dice.one_in(2) {
        let forward = maker.dice.pick(&["[\"ipv4\", \"ipv6\"]", "\"ipv6\"", "[]"]);
        maker.line(&format!("forward = {forward}"));
    }
    maker.maybe(2, "sysctl = { \"kernel.pid_max\" = 5, \"net.core.default_qdisc\" = \"fq codel\" }");
    maker.maybe(
        2,
        "rule = [\"from 10.0.0.0/8 table 7 priority 3\", \"from ::/0 fwmark 0x1/0xf blackhole\", \"l3mdev\"]",
    );
    maker.links("", true);
    for number in 0..maker.dice.roll(4) {
        let input = maker.dice.pick(&["", "in = \"eth0\"\n"]);
        let port = 80 + number * 10;
        let listen = maker.dice.pick(&["tcp/P", "udp/P", "tcp/192.0.2.1:P", "tcp/P-Q"]);
        let listen = listen.replace('P', &port.to_string()).replace('Q', &(port + 9).to_string());
        maker.line(&format!("[[forward-port]]\nlisten = \"{listen}\"\nto = \"10.0.0.9:1\"\n{input}"));
    }
    for number in 0..maker.dice.roll(3) {
        let to = maker.dice.pick(&["", "to = \"all\"\n", "out = \"eth+0\"\n"]).replace('+', "");
        maker.line(&format!("[[masquerade]]\nfrom = [\"10.{number}.0.0/16\"]\n{to}"));
    }
    let spaces = maker.dice.roll(4);
    for number in 0..spaces {
        maker.line(&format!("[netns.n{number}]"));
        maker.maybe(2, "dns = { nameserver = [\"192.0.2.53\", \"fd00::53\"], search = \"lan\" }");
        maker.maybe(2, "hosts = { db = [\"10.0.0.5\", \"fd00::5\"], \"www.lan\" = \"10.0.0.0/8 + 6\" }");
        maker.maybe(3, "route = [\"blackhole 203.0.113.0/24\", \"default nexthop dev end weight 3 nexthop dev lo\"]");
        maker.maybe(3, "neigh = [\"10.0.0.1 lladdr 02:00:00:00:00:01 dev end\", \"proxy fd00::77 dev end\"]");
        maker.links(&format!("netns.n{number}."), false);
        maker.line(&format!("[netns.n{number}.veth.end]"));
        // The namespace's routes lead out of it.
        maker.addresses(true);
        maker.line(&format!("[netns.n{number}.veth.end.peer]\nname = \"p{number}\""));
        if maker.dice.one_in(2) {
            let other = maker.dice.roll(spaces);
            maker.line(&format!("netns = \"n{other}\""));
        }
        maker.common();
    }
    maker.text
}

#[test]
fn what_is_written_reads_the_same() {
    for seed in 1..=200 {
        let text = made_up(seed);
        let file = parse(&text).unwrap_or_else(|errors| panic!("seed {seed}:\n{errors}\n{text}"));
        let (as_toml, as_json) = (toml(&file.topology), json(&file.topology));
        for written in [&as_toml, &as_json] {
            let again = parse(written).unwrap_or_else(|errors| panic!("seed {seed}:\n{errors}\n{written}"));
            assert_eq!(again.topology, file.topology, "seed {seed}:\n{text}\n{written}");
            assert_eq!(toml(&again.topology), as_toml, "seed {seed}");
            assert_eq!(json(&again.topology), as_json, "seed {seed}");
        }
    }
}

#[test]
fn the_examples_survive_it_too() {
    for name in ["walkthrough", "thousand", "lab-a", "lab-b", "router"] {
        let path = format!("{}/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let file = parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        for written in [toml(&file.topology), json(&file.topology)] {
            assert_eq!(parse(&written).unwrap().topology, file.topology, "{name}");
        }
    }
}

#[test]
fn toml_as_it_is_written() {
    let text = "name = \"a\"\nforward = [\"ipv4\"]\nroute = [\"default dev b\"]\n\n[bridge.b]\nstp = true\naddress = [\"10.0.0.1/24\"]\n\n[netns.n]\n\n[netns.n.veth.e]\npeer = { name = \"p\", master = \"b\" }\n";
    assert_eq!(toml(&parse(text).unwrap().topology), text);
}
